/*
 * RFC 2782, "Usage rules": lowest priority first; within one, by chance in
 * proportion to weight, those of weight zero with a small chance of their own.
 */
#include "daemon/io/resolver.h"

static void swap(struct resolver_srv *a, struct resolver_srv *b)
{
	struct resolver_srv kept = *a;

	*a = *b;
	*b = kept;
}

/* By priority, and weight zero before the others: at most RESOLVER_SRV_MAX, so simple insertion. */
static bool is_before(const struct resolver_srv *a, const struct resolver_srv *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	return a->weight == 0 && b->weight != 0;
}

void srv_order(struct resolver_srv *list, size_t count, uint32_t (*draw)(void *to), void *to)
{
	for (size_t i = 1; i < count; i++)
		for (size_t at = i; at > 0 && is_before(&list[at], &list[at - 1]); at--)
			swap(&list[at], &list[at - 1]);

	for (size_t at = 0; at < count; at++) {
		uint32_t sum = 0, running = 0, chosen;
		size_t end = at, pick = at;

		while (end < count && list[end].priority == list[at].priority)
			sum += list[end++].weight;
		chosen = draw(to) % (sum + 1);
		while (pick + 1 < end && (running += list[pick].weight) < chosen)
			pick++;
		/* Those before the chosen one keep their order: zeros stay first. */
		for (; pick > at; pick--)
			swap(&list[pick], &list[pick - 1]);
	}
}
