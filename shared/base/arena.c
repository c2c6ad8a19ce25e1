#include "shared/base/arena.h"

#include <stdio.h>

#include "shared/base/memory.h"

enum { ARENA_BLOCK_BYTES = 4096, ARENA_SMALL_BLOCK_BYTES = 512, ARENA_ALIGN = 16, ARENA_PRINTF_ROOM = 512 };

struct arena_block {
	struct arena_block *older;
	size_t size, used;
	_Alignas(ARENA_ALIGN) char bytes[];
};

void arena_start(struct arena *arena, size_t limit)
{
	*arena = (struct arena){ .limit = limit, .block = ARENA_BLOCK_BYTES };
}

void arena_start_small(struct arena *arena, size_t limit)
{
	*arena = (struct arena){ .limit = limit, .block = ARENA_SMALL_BLOCK_BYTES };
}

void arena_stop(struct arena *arena)
{
	while (arena->newest) {
		struct arena_block *older = arena->newest->older;
		mem_free(arena->newest);
		arena->newest = older;
	}
	arena->used = 0;
}

void arena_reset(struct arena *arena)
{
	while (arena->newest && arena->newest->older) {
		struct arena_block *older = arena->newest->older;
		mem_free(arena->newest);
		arena->newest = older;
	}
	if (arena->newest) {
		memset(arena->newest->bytes, 0, arena->newest->used);
		arena->newest->used = 0;
	}
	arena->used = 0;
}

size_t arena_held(const struct arena *arena)
{
	size_t held = 0;

	for (const struct arena_block *block = arena->newest; block; block = block->older)
		held += sizeof *block + block->size;
	return held;
}

static struct arena_block *block_for(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->newest;

	if (block && block->size - block->used >= size)
		return block;

	size_t room = size > arena->block ? size : arena->block;

	/* Grow with use, so that a large document is a few blocks and not thousands. */
	if (room < arena->used / 2)
		room = arena->used / 2;
	block = mem_new(sizeof *block + room);
	if (!block)
		return NULL;
	block->size = room;
	block->older = arena->newest;
	arena->newest = block;
	return block;
}

void *arena_new(struct arena *arena, size_t size)
{
	size_t padded;

	if (__builtin_add_overflow(size, (size_t)(ARENA_ALIGN - 1), &padded))
		return NULL;
	padded &= ~(size_t)(ARENA_ALIGN - 1);
	if (padded == 0)
		padded = ARENA_ALIGN;
	if (padded > arena->limit - arena->used)
		return NULL;

	struct arena_block *block = block_for(arena, padded);

	if (!block)
		return NULL;

	void *memory = block->bytes + block->used;

	block->used += padded;
	arena->used += padded;
	return memory;
}

void *arena_new_array(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	return __builtin_mul_overflow(count, size, &total) ? NULL : arena_new(arena, total);
}

struct slice arena_copy(struct arena *arena, struct slice bytes)
{
	char *copy = bytes.len < SIZE_MAX ? arena_new(arena, bytes.len + 1) : NULL;

	if (!copy)
		return SLICE_NONE;
	if (bytes.len)
		memcpy(copy, bytes.ptr, bytes.len);
	return (struct slice){ copy, bytes.len };
}

char *arena_text(struct arena *arena, struct slice bytes)
{
	char *copy = bytes.len < SIZE_MAX ? arena_new(arena, bytes.len + 1) : NULL;

	if (copy && bytes.len)
		memcpy(copy, bytes.ptr, bytes.len);
	return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	char room[ARENA_PRINTF_ROOM]; /* most fit, and are formatted once */
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vsnprintf(room, sizeof room, format, args);
	va_end(args);
	if (length < 0 || !(text = arena_new(arena, (size_t)length + 1)))
		return NULL;
	if ((size_t)length < sizeof room) {
		memcpy(text, room, (size_t)length);
		return text;
	}
	va_start(args, format);
	vsnprintf(text, (size_t)length + 1, format, args);
	va_end(args);
	return text;
}
