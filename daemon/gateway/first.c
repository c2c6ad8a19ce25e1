/*
 * first: the pairs in which our user wrote or subscribed first.  The edge knows
 * no contact lists; for partners whose users may not begin, this table is what
 * says that they were spoken to.  Bounded, and it outlives the process.
 */
#include "daemon/gateway/state.h"
#include "daemon/gateway/talks.h"
#include "shared/base/memory.h"

struct first {
	struct list node;
	struct slice key;
	int64_t at_ms; /* by the wall clock */
};

static void forget(struct talks *t, struct first *first)
{
	state_remove(t->state, STATE_FIRST, first->key, SLICE(""));
	map_remove(&t->firsts, first->key);
	list_remove(&first->node);
	t->first_count--;
	mem_free(first);
}

static bool add(struct talks *t, struct slice key, int64_t at_ms)
{
	size_t max = t->gateway->settings ? (size_t)t->gateway->settings->max_first_words
	                                  : TALKS_SUBSCRIPTIONS_CEILING;
	struct first *first;

	while (t->first_count >= max && !list_is_empty(&t->first_list))
		forget(t, LIST_OWNER(t->first_list.next, struct first, node));
	first = mem_new(sizeof *first + key.len);
	if (!first)
		return false;
	memcpy((char *)(first + 1), key.ptr, key.len);
	first->key = (struct slice){ (char *)(first + 1), key.len };
	first->at_ms = at_ms;
	if (map_add(&t->firsts, first->key, first) != RESULT_OK) {
		mem_free(first);
		return false;
	}
	list_add_last(&t->first_list, &first->node);
	t->first_count++;
	return true;
}

static void save(struct talks *t, const struct first *first)
{
	const struct state_row row = { .kind = STATE_FIRST, .key = first->key, .until_ms = first->at_ms };

	state_put(t->state, &row);
}

void first_note(struct talks *t, struct slice key)
{
	struct first *known = map_get(&t->firsts, key);

	if (known) {
		list_remove(&known->node);
		list_add_last(&t->first_list, &known->node);
		return;
	}
	if (!add(t, key, loop_now(t->gateway->loop).wall_ms))
		return;
	save(t, LIST_OWNER(t->first_list.prev, struct first, node));
	talks_saved(t);
}

bool first_has(const struct talks *t, struct slice key) { return map_get(&t->firsts, key) != NULL; }

static void load_one(void *to, const struct state_row *row) { (void)add(to, row->key, row->until_ms); }

bool first_load(struct talks *t, struct reason *reason)
{
	return !t->state || state_each(t->state, STATE_FIRST, load_one, t, reason) == RESULT_OK;
}

void first_save_all(struct talks *t)
{
	LIST_EACH (at, &t->first_list)
		save(t, LIST_OWNER(at, struct first, node));
}

void first_free_all(struct talks *t)
{
	LIST_EACH_SAFE (at, &t->first_list) {
		struct first *first = LIST_OWNER(at, struct first, node);

		map_remove(&t->firsts, first->key);
		list_remove(&first->node);
		mem_free(first);
	}
	t->first_count = 0;
}
