/*
 * arena: many small allocations, freed at once, never more than its limit.
 *
 * One for a message, one for a configuration, one for a control request.
 * `arena_reset` keeps the first block, so a steady stream of messages
 * allocates nothing.
 */
#ifndef SHARED_BASE_ARENA_H
#define SHARED_BASE_ARENA_H

#include <stdarg.h>

#include "shared/base/slice.h"

struct arena_block;

struct arena {
	struct arena_block *newest;
	size_t used;  /* bytes handed out since the last reset */
	size_t limit; /* bytes at most */
	size_t block; /* bytes of its first block, at least */
};

void arena_start(struct arena *arena, size_t limit);
/* Of small blocks: for what is kept in great numbers, each with little in it. */
void arena_start_small(struct arena *arena, size_t limit);
void arena_stop(struct arena *arena); /* frees all; the arena may be started again */
void arena_reset(struct arena *arena);
size_t arena_held(const struct arena *arena); /* bytes that it has taken, used or not */

/* Zeroed, aligned for any type; NULL at the limit or out of memory. */
void *arena_new(struct arena *arena, size_t size);
void *arena_new_array(struct arena *arena, size_t count, size_t size);

/* A copy, followed by a NUL that is not counted.  ptr is NULL when there is no room. */
struct slice arena_copy(struct arena *arena, struct slice bytes);
char *arena_text(struct arena *arena, struct slice bytes);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
