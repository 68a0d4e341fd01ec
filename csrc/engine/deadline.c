/* A binary heap of the transfers in flight, the earliest deadline first. */
#include "engine/internal.h"

#include <stdlib.h>

static void place(tk_engine *engine, size_t index, tk_transfer *transfer) {
  engine->deadlines[index] = transfer;
  transfer->heap_index = index;
}

static void sift_up(tk_engine *engine, size_t index, tk_transfer *transfer) {
  while (index > 0) {
    tk_transfer *parent = engine->deadlines[(index - 1) / 2];
    if (parent->deadline <= transfer->deadline) break;
    place(engine, index, parent);
    index = (index - 1) / 2;
  }
  place(engine, index, transfer);
}

static void sift_down(tk_engine *engine, size_t index, tk_transfer *transfer, size_t count) {
  for (;;) {
    size_t child = 2 * index + 1;
    if (child >= count) break;
    if (child + 1 < count && engine->deadlines[child + 1]->deadline < engine->deadlines[child]->deadline) child++;
    if (transfer->deadline <= engine->deadlines[child]->deadline) break;
    place(engine, index, engine->deadlines[child]);
    index = child;
  }
  place(engine, index, transfer);
}

/* Makes room for one more, so that adding it cannot fail after the start has begun. 0: no memory. */
int tk_deadline_reserve(tk_engine *engine) {
  size_t capacity = engine->deadline_capacity;
  tk_transfer **deadlines;
  if ((size_t)engine->in_flight < capacity) return 1;
  capacity = capacity == 0 ? 16 : capacity * 2;
  deadlines = (tk_transfer **)realloc(engine->deadlines, capacity * sizeof *deadlines);
  if (deadlines == NULL) return 0;
  engine->deadlines = deadlines;
  engine->deadline_capacity = capacity;
  return 1;
}

/* Call it before in_flight counts the transfer. */
void tk_deadline_add(tk_engine *engine, tk_transfer *transfer) {
  sift_up(engine, (size_t)engine->in_flight, transfer);
}

/* Call it once in_flight no longer counts the transfer. */
void tk_deadline_remove(tk_engine *engine, tk_transfer *transfer) {
  size_t count = (size_t)engine->in_flight;
  size_t hole = transfer->heap_index;
  tk_transfer *last = engine->deadlines[count];
  if (last == transfer) return;
  if (hole > 0 && last->deadline < engine->deadlines[(hole - 1) / 2]->deadline)
    sift_up(engine, hole, last);
  else
    sift_down(engine, hole, last, count);
}
