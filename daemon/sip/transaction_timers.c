#include "daemon/sip/transaction_timers.h"

#include "shared/base/memory.h"

enum { TIMERS_FIRST = 64 };

void sip_timers_stop(struct sip_timers *timers)
{
	mem_free(timers->places);
	*timers = (struct sip_timers){ 0 };
}

bool sip_timers_reserve(struct sip_timers *timers, size_t count)
{
	size_t size = timers->size ? timers->size : TIMERS_FIRST;
	struct sip_timer_place *places;

	if (count <= timers->size)
		return true;
	while (size < count)
		size *= 2;
	places = mem_resize(timers->places, size * sizeof *places);
	if (!places)
		return false;
	timers->places = places;
	timers->size = size;
	return true;
}

static void put(struct sip_timers *timers, size_t at, struct sip_timer_place place)
{
	timers->places[at] = place;
	place.transaction->heap_at = at;
}

/* Moves `place` from the hole at `at` to where it belongs. */
static void settle(struct sip_timers *timers, size_t at, struct sip_timer_place place)
{
	while (at > 0 && timers->places[(at - 1) / 2].due_ms > place.due_ms) {
		put(timers, at, timers->places[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < timers->count &&
		    timers->places[child + 1].due_ms < timers->places[child].due_ms)
			child++;
		if (child >= timers->count || timers->places[child].due_ms >= place.due_ms)
			break;
		put(timers, at, timers->places[child]);
		at = child;
	}
	put(timers, at, place);
}

void sip_timers_remove(struct sip_timers *timers, struct sip_transaction *t)
{
	size_t at = t->heap_at;

	if (at == SIZE_MAX)
		return;
	t->heap_at = SIZE_MAX;
	timers->count--;
	if (at < timers->count)
		settle(timers, at, timers->places[timers->count]);
}

void sip_timers_place(struct sip_timers *timers, struct sip_transaction *t)
{
	int64_t due = t->deadline_ms < t->extra_deadline_ms ? t->deadline_ms : t->extra_deadline_ms;

	if (due == INT64_MAX) {
		sip_timers_remove(timers, t);
		return;
	}
	if (t->heap_at == SIZE_MAX)
		t->heap_at = timers->count++;
	else if (timers->places[t->heap_at].due_ms == due)
		return;
	settle(timers, t->heap_at, (struct sip_timer_place){ due, t });
}
