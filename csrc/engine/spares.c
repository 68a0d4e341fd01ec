/*
 * The pool of freed transfers: they are kept, with their buffers, for the next ones. A transfer may outlive its
 * engine, so the pool has a reference count: the engine and every transfer in use hold one reference each.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

/* A transfer in the pool counts as freed. It is poisoned, so that AddressSanitizer reports whoever still uses it. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define HIDE ASAN_POISON_MEMORY_REGION
#define SHOW ASAN_UNPOISON_MEMORY_REGION
#else
#define HIDE(memory, size) ((void)(memory), (void)(size))
#define SHOW(memory, size) ((void)(memory), (void)(size))
#endif

/* Hosts rarely have more transfers in flight than this for long. */
#define SPARE_TRANSFERS 64

/* Larger buffers are freed. */
#define LARGEST_BUFFER ((size_t)16 * 1024)

struct tk_spares {
  int users; /* references: the engine's, and one for each transfer in use */
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

/* Drops the engine's reference. From now on transfers are freed instead of kept. */
void tk_spares_close(tk_spares *spares) {
  if (spares == NULL) return;
  spares->is_closed = 1;
  while (spares->count > 0) free_transfer(show(spares->kept[--spares->count]));
  leave(spares);
}

/* A transfer whose fields are all zero; its buffers may have memory already. NULL: no memory. */
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

/* Takes a transfer back that nobody uses any more. */
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
