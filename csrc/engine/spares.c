/*
 * Transfers that are over, with the buffers in them, kept for the next ones: memory that was used just now is still in
 * the processor's caches, and the allocator is not asked for blocks of their size.
 *
 * A transfer may outlive its engine, so the spare ones are kept by something that belongs to the engine and all of its
 * transfers together, and goes with the last of them.
 */
#include "engine/engine_internal.h"

#include <stdlib.h>
#include <string.h>

/* What is spare is nobody's: AddressSanitizer is to tell of whoever still reads it. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define HIDE ASAN_POISON_MEMORY_REGION
#define SHOW ASAN_UNPOISON_MEMORY_REGION
#else
#define HIDE(memory, size) ((void)(memory), (void)(size))
#define SHOW(memory, size) ((void)(memory), (void)(size))
#endif

/* As many as a host has in flight for long. */
#define SPARE_TRANSFERS 64

/* What is larger is given back. */
#define LARGEST_BUFFER ((size_t)16 * 1024)

struct tk_spares {
  int users; /* the engine, and each transfer that is not spare */
  int is_closed;
  int count;
  tk_transfer *kept[SPARE_TRANSFERS];
};

tk_spares *tk_spares_new(void) {
  tk_spares *spares = (tk_spares *)calloc(1, sizeof *spares);
  if (spares != NULL) spares->users = 1;
  return spares;
}

static void leave(tk_spares *spares) {
  if (--spares->users == 0) free(spares);
}

static void free_transfer(tk_transfer *transfer) {
  tk_buffer_free(&transfer->request_body);
  tk_buffer_free(&transfer->answer_headers);
  tk_buffer_free(&transfer->answer_body);
  free(transfer);
}

static void hide(tk_transfer *transfer) {
  HIDE(transfer->request_body.data, transfer->request_body.capacity);
  HIDE(transfer->answer_headers.data, transfer->answer_headers.capacity);
  HIDE(transfer->answer_body.data, transfer->answer_body.capacity);
  HIDE(transfer, sizeof *transfer);
}

static tk_transfer *show(tk_transfer *transfer) {
  SHOW(transfer, sizeof *transfer);
  SHOW(transfer->request_body.data, transfer->request_body.capacity);
  SHOW(transfer->answer_headers.data, transfer->answer_headers.capacity);
  SHOW(transfer->answer_body.data, transfer->answer_body.capacity);
  return transfer;
}

static tk_buffer emptied(tk_buffer buffer) {
  if (buffer.capacity > LARGEST_BUFFER) tk_buffer_free(&buffer);
  buffer.size = 0;
  return buffer;
}

/* The engine is about to go. */
void tk_spares_close(tk_spares *spares) {
  if (spares == NULL) return;
  spares->is_closed = 1;
  while (spares->count > 0) free_transfer(show(spares->kept[--spares->count]));
  leave(spares);
}

/* A transfer of nothing but zeros, apart from the memory of its buffers. NULL: no memory. */
tk_transfer *tk_spares_take(tk_spares *spares) {
  tk_transfer *transfer;
  if (spares->count > 0) {
    transfer = show(spares->kept[--spares->count]);
  } else {
    transfer = (tk_transfer *)calloc(1, sizeof *transfer);
    if (transfer == NULL) return NULL;
  }
  transfer->spares = spares;
  spares->users++;
  return transfer;
}

/* Nobody can ask about the transfer any more. */
void tk_spares_give(tk_transfer *transfer) {
  tk_spares *spares = transfer->spares;
  if (spares->is_closed || spares->count == SPARE_TRANSFERS) {
    free_transfer(transfer);
  } else {
    tk_buffer request_body = emptied(transfer->request_body);
    tk_buffer answer_headers = emptied(transfer->answer_headers);
    tk_buffer answer_body = emptied(transfer->answer_body);
    memset(transfer, 0, sizeof *transfer);
    transfer->request_body = request_body;
    transfer->answer_headers = answer_headers;
    transfer->answer_body = answer_body;
    hide(transfer);
    spares->kept[spares->count++] = transfer;
  }
  leave(spares);
}
