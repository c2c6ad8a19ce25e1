/*
 * handles: names for objects that a callback may outlive.
 *
 * A handle is a slot number and a generation; once the object is gone the
 * handle finds nothing, even when the slot serves another object.  0 is no handle.
 */
#ifndef SHARED_BASE_HANDLES_H
#define SHARED_BASE_HANDLES_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t handle;

struct handle_slot {
	void *object;
	uint32_t generation;
	uint32_t next_free; /* slot number + 1; 0 is none */
};

struct handles {
	struct handle_slot *slots;
	uint32_t size, count, max, first_free;
};

void handles_start(struct handles *handles, uint32_t max);
void handles_stop(struct handles *handles); /* the objects stay the caller's */
handle handles_add(struct handles *handles, void *object); /* 0: at the limit or out of memory */
void *handles_get(const struct handles *handles, handle h); /* NULL: gone */
void handles_remove(struct handles *handles, handle h);
/* Walks the objects: start with *at = 0; NULL at the end.  The current one may be removed. */
void *handles_next(const struct handles *handles, uint32_t *at);

#endif
