/*
 * What was decided of whom in the last day, as facts to decide on again: the ground of every dry run.
 *
 * One entry for each direction, pair of domains, local user and service, however often it was decided on; the oldest
 * goes first when there is no room.  The service tells of each no more than now and then, so that traffic costs nothing here.
 */
#include "daemon/crypto/crypto.h"
#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

enum { DECISION_TEXT_MAX = 8 * 1024 };

void decisions_start(struct decisions *decisions)
{
	struct siphash_key seed = { 0 };

	crypto_random(&seed, sizeof seed);
	list_start(&decisions->oldest_first);
	list_start(&decisions->walks);
	map_start(&decisions->by_key, KEEPER_DECISIONS_MAX, seed);
}

static void forget(struct decisions *decisions, struct decision *d)
{
	LIST_EACH (at, &decisions->walks) {
		struct decisions_walk *walk = LIST_OWNER(at, struct decisions_walk, node);

		if (walk->next == &d->node)
			walk->next = d->node.next;
	}
	map_remove(&decisions->by_key, d->key);
	list_remove(&d->node);
	decisions->bytes -= d->bytes;
	mem_free(d);
}

void decisions_free(struct decisions *decisions)
{
	LIST_EACH_SAFE (at, &decisions->oldest_first)
		forget(decisions, LIST_OWNER(at, struct decision, node));
	map_stop(&decisions->by_key);
}

/* ---- walks ---- */

void decisions_walk_start(struct decisions *decisions, struct decisions_walk *walk)
{
	walk->next = decisions->oldest_first.next;
	list_add_last(&decisions->walks, &walk->node);
}

const struct decision *decisions_next(const struct decisions *decisions, struct decisions_walk *walk)
{
	struct list *at = walk->next;

	if (at == &decisions->oldest_first)
		return NULL;
	walk->next = at->next;
	return LIST_OWNER(at, struct decision, node);
}

void decisions_walk_stop(struct decisions_walk *walk) { list_remove(&walk->node); }

/* ---- one entry, in one piece of memory ---- */

static struct decision *decision_new(const struct policy_facts *facts, struct slice key)
{
	size_t facts_bytes = policy_facts_bytes(facts),
	       bytes = sizeof(struct decision) + facts_bytes + key.len;
	struct decision *d = mem_new(bytes);
	char *room;

	if (!d)
		return NULL;
	room = (char *)(d + 1);
	d->bytes = bytes;
	d->facts = *facts;
	policy_facts_pack(&d->facts, room);
	memcpy(room + facts_bytes, key.ptr, key.len);
	d->key = (struct slice){ room + facts_bytes, key.len };
	return d;
}

/* ---- from an event ---- */

static void make_room(struct decisions *decisions, int64_t now_ms)
{
	while (!list_is_empty(&decisions->oldest_first)) {
		struct decision *oldest = LIST_OWNER(decisions->oldest_first.next, struct decision, node);

		if (decisions->bytes <= KEEPER_DECISIONS_BYTES_MAX &&
		    decisions->by_key.count < KEEPER_DECISIONS_MAX &&
		    oldest->time_ms > now_ms - KEEPER_DECISIONS_MS)
			return;
		forget(decisions, oldest);
	}
}

void decisions_take(struct decisions *decisions, enum control_event_id id, const struct json *event,
                    int64_t now_ms)
{
	struct policy_facts_read read;
	const struct policy_facts *facts = &read.facts;
	struct buffer key;
	struct decision *d;

	if ((id != CONTROL_EVENT_REQUEST_PASSED && id != CONTROL_EVENT_REQUEST_REFUSED) ||
	    json_kind(json_get(event, "facts")) != JSON_KIND_OBJECT)
		return;
	policy_facts_read(json_get(event, "facts"), &read);
	buffer_start(&key, DECISION_TEXT_MAX);
	buffer_printf(&key, "%d %d %d %d %.*s %.*s@%.*s", facts->source, facts->direction, facts->protocol,
	              facts->service, SLICE_ARG(facts->remote_domain), SLICE_ARG(facts->local_user),
	              SLICE_ARG(facts->local_domain));
	d = key.is_broken ? NULL : map_get(&decisions->by_key, buffer_slice(&key));
	if (d) /* what is known of him now may be more */
		forget(decisions, d);
	d = key.is_broken ? NULL : decision_new(facts, buffer_slice(&key));
	buffer_stop(&key);
	if (!d)
		return;
	d->time_ms = now_ms;
	decisions->bytes += d->bytes;
	list_add_last(&decisions->oldest_first, &d->node);
	make_room(decisions, now_ms);
	if (map_add(&decisions->by_key, d->key, d) != RESULT_OK)
		forget(decisions, d);
}
