/* pair: what is remembered of two people who talk; the pair that has been silent longest is forgotten first. */
#include <stdio.h>

#include "daemon/gateway/talks.h"
#include "shared/base/memory.h"

struct pair *pair_find(struct talks *t, struct slice key) { return map_get(&t->pairs, key); }

static void forget(struct talks *t, struct pair *pair)
{
	map_remove(&t->pairs, pair->key);
	list_remove(&pair->node);
	t->pair_count--;
	mem_free(pair);
}

/* A pair with a session is in use, however silent. */
static void make_room(struct talks *t)
{
	if (t->pair_count < TALKS_PAIRS_MAX)
		return;
	LIST_EACH (at, &t->pair_list) {
		struct pair *pair = LIST_OWNER(at, struct pair, node);

		if (!pair->sessions) {
			forget(t, pair);
			return;
		}
	}
}

static struct pair *pair_new(struct talks *t, struct slice key)
{
	struct pair *pair;

	make_room(t);
	pair = mem_new(sizeof *pair + key.len);
	if (!pair)
		return NULL;
	memcpy((char *)(pair + 1), key.ptr, key.len);
	pair->key = (struct slice){ (char *)(pair + 1), key.len };
	talks_make_tag(t, pair->tag);
	snprintf(pair->call_id, sizeof pair->call_id, "%016llx@xmpp-gateway",
	         (unsigned long long)gateway_random(t->gateway));
	pair->wants_session = t->pool_wants_sessions;
	list_start(&pair->node);
	if (map_add(&t->pairs, pair->key, pair) != RESULT_OK) {
		mem_free(pair);
		return NULL;
	}
	t->pair_count++;
	return pair;
}

struct pair *pair_get(struct talks *t, struct slice key)
{
	struct pair *pair = pair_find(t, key);

	if (!pair && !(pair = pair_new(t, key)))
		return NULL;
	list_remove(&pair->node);
	list_add_last(&t->pair_list, &pair->node);
	return pair;
}

void pair_forget_all(struct talks *t)
{
	LIST_EACH_SAFE (at, &t->pair_list)
		forget(t, LIST_OWNER(at, struct pair, node));
}
