/*
 * guard: a copy of some bytes that ends exactly where an unreadable page begins,
 * so that a parser that reads one byte too far dies in the test.
 */
#ifndef TESTS_UNIT_GUARD_H
#define TESTS_UNIT_GUARD_H

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/base/slice.h"

struct guard {
	struct slice bytes; /* the copy */
	char *map;
	size_t map_size;
};

static inline struct guard guard_copy(struct slice bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (bytes.len + page - 1) / page * page;
	struct guard guard;

	guard.map_size = room + page;
	guard.map = mmap(NULL, guard.map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert(guard.map != MAP_FAILED);
	assert(mprotect(guard.map + room, page, PROT_NONE) == 0);
	guard.bytes = (struct slice){ guard.map + room - bytes.len, bytes.len };
	if (bytes.len)
		memcpy(guard.map + room - bytes.len, bytes.ptr, bytes.len);
	return guard;
}

static inline void guard_free(struct guard *guard)
{
	munmap(guard->map, guard->map_size);
	*guard = (struct guard){ 0 };
}

#endif
