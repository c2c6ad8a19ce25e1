#include "shared/base/handles.h"

#include <string.h>

#include "shared/base/memory.h"

enum { HANDLES_FIRST = 16 };

void handles_start(struct handles *handles, uint32_t max) { *handles = (struct handles){ .max = max }; }

void handles_stop(struct handles *handles)
{
	mem_free(handles->slots);
	*handles = (struct handles){ 0 };
}

static int grow(struct handles *handles)
{
	uint32_t size = handles->size ? handles->size * 2 : HANDLES_FIRST;
	struct handle_slot *slots;

	if (size > handles->max)
		size = handles->max;
	if (size <= handles->size || !(slots = mem_resize(handles->slots, size * sizeof *slots)))
		return 0;
	for (uint32_t i = handles->size; i < size; i++)
		slots[i] = (struct handle_slot){ .next_free = i + 1 < size ? i + 2 : 0 };
	handles->slots = slots;
	handles->first_free = handles->size + 1;
	handles->size = size;
	return 1;
}

handle handles_add(struct handles *handles, void *object)
{
	if (handles->first_free == 0 && !grow(handles))
		return 0;

	uint32_t at = handles->first_free - 1;
	struct handle_slot *slot = &handles->slots[at];

	handles->first_free = slot->next_free;
	slot->object = object;
	if (++slot->generation == 0)
		slot->generation = 1;
	handles->count++;
	return (handle)slot->generation << 32 | at;
}

static struct handle_slot *find(const struct handles *handles, handle h)
{
	uint32_t at = (uint32_t)h;

	if (h == 0 || at >= handles->size || handles->slots[at].generation != (uint32_t)(h >> 32) ||
	    !handles->slots[at].object)
		return NULL;
	return &handles->slots[at];
}

void *handles_get(const struct handles *handles, handle h)
{
	struct handle_slot *slot = find(handles, h);

	return slot ? slot->object : NULL;
}

void handles_remove(struct handles *handles, handle h)
{
	struct handle_slot *slot = find(handles, h);

	if (!slot)
		return;
	slot->object = NULL;
	slot->next_free = handles->first_free;
	handles->first_free = (uint32_t)h + 1;
	handles->count--;
}

void *handles_next(const struct handles *handles, uint32_t *at)
{
	while (*at < handles->size) {
		void *object = handles->slots[(*at)++].object;

		if (object)
			return object;
	}
	return NULL;
}
