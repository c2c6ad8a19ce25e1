/*
 * What was decided of whom in the last day, as facts to decide on again: the ground of every dry run.
 *
 * One entry for each direction, pair of domains, local user and service, however often it was decided on; the oldest
 * goes first when there is no room.  The service tells of each no more than now and then, so that traffic costs nothing here.
 */
#include "daemon/crypto/crypto.h"
#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

enum { DECISION_NAMES_MAX = 8, DECISION_TEXT_MAX = 8 * 1024 };

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

struct names {
	struct slice items[DECISION_NAMES_MAX];
	size_t count;
};

static void take_names(const struct json *list, struct names *out)
{
	out->count = 0;
	for (size_t i = 0; i < json_count(list) && out->count < DECISION_NAMES_MAX; i++)
		out->items[out->count++] = json_as_slice(json_at(list, i));
}

struct packing {
	char *at;
	struct slice *slices;
};

static struct slice pack(struct packing *to, struct slice text)
{
	char *at = to->at;

	if (text.len)
		memcpy(at, text.ptr, text.len);
	to->at += text.len;
	return (struct slice){ at, text.len };
}

static const struct slice *pack_names(struct packing *to, const struct names *names)
{
	struct slice *first = to->slices;

	for (size_t i = 0; i < names->count; i++)
		*to->slices++ = pack(to, names->items[i]);
	return first;
}

static size_t names_bytes(const struct names *names)
{
	size_t bytes = names->count * sizeof(struct slice);

	for (size_t i = 0; i < names->count; i++)
		bytes += names->items[i].len;
	return bytes;
}

/* `facts` and `key` point elsewhere; the entry has them all within itself. */
static struct decision *decision_new(const struct policy_facts *facts, struct slice key,
                                     const struct names lists[3])
{
	size_t bytes = sizeof(struct decision) + key.len + facts->method.len + facts->remote_domain.len +
	               facts->local_domain.len + facts->local_user.len;
	struct decision *d;
	struct packing to;

	for (size_t i = 0; i < 3; i++)
		bytes += names_bytes(&lists[i]);
	d = mem_new(bytes);
	if (!d)
		return NULL;
	d->bytes = bytes;
	d->facts = *facts;
	to.slices = (struct slice *)(void *)(d + 1);
	to.at = (char *)(to.slices + lists[0].count + lists[1].count + lists[2].count);
	d->facts.srv_targets = pack_names(&to, &lists[0]);
	d->facts.certificate_dns = pack_names(&to, &lists[1]);
	d->facts.certificate_sip = pack_names(&to, &lists[2]);
	d->key = pack(&to, key);
	d->facts.method = pack(&to, facts->method);
	d->facts.remote_domain = pack(&to, facts->remote_domain);
	d->facts.local_domain = pack(&to, facts->local_domain);
	d->facts.local_user = pack(&to, facts->local_user);
	return d;
}

/* ---- from an event ---- */

static unsigned choice(struct slice word, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_equal(word, slice_of(names[i])))
			return (unsigned)i;
	return 0;
}

static void read_facts(const struct json *event, struct policy_facts *facts, struct names lists[3])
{
	static const char *const services[] = { [POLICY_SERVICE_IM] = "message",
		                                [POLICY_SERVICE_PRESENCE] = "presence",
		                                [POLICY_SERVICE_AV] = "call",
		                                [POLICY_SERVICE_OTHER] = "other" };
	static const char *const srv[] = { "unasked", "found", "absent", "failed" };
	const struct json *known = json_get(event, "facts");

	*facts = (struct policy_facts){
		.direction = slice_equal(json_as_slice(json_get(event, "direction")), SLICE("in"))
		                     ? POLICY_INWARD
		                     : POLICY_OUTWARD,
		.protocol = slice_equal(json_as_slice(json_get(known, "protocol")), SLICE("xmpp"))
		                    ? POLICY_XMPP
		                    : POLICY_SIP,
		.is_solicited = json_as_bool(json_get(known, "solicited"), false),
		.service = choice(json_as_slice(json_get(known, "service")), services, 4),
		.method = json_as_slice(json_get(event, "method")),
		.remote_domain = json_as_slice(json_get(event, "domain")),
		.local_domain = json_as_slice(json_get(known, "local_domain")),
		.local_user = json_as_slice(json_get(known, "local_user")),
		.is_connected = json_as_bool(json_get(known, "connected"), false),
		.has_certificate = json_as_bool(json_get(known, "certificate"), false),
		.srv = choice(json_as_slice(json_get(known, "srv")), srv, 4),
		.srv_route = (enum policy_route)json_as_number(json_get(known, "route"), 0),
	};
	take_names(json_get(known, "targets"), &lists[0]);
	take_names(json_get(known, "dns"), &lists[1]);
	take_names(json_get(known, "sip"), &lists[2]);
	facts->srv_target_count = lists[0].count;
	facts->certificate_dns_count = lists[1].count;
	facts->certificate_sip_count = lists[2].count;
	if (facts->srv_route > POLICY_ROUTE_SRV_SIPS)
		facts->srv_route = POLICY_ROUTE_NONE;
}

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
	struct policy_facts facts;
	struct names lists[3];
	struct buffer key;
	struct decision *d;

	if ((id != CONTROL_EVENT_REQUEST_PASSED && id != CONTROL_EVENT_REQUEST_REFUSED) ||
	    json_kind(json_get(event, "facts")) != JSON_KIND_OBJECT)
		return;
	read_facts(event, &facts, lists);
	buffer_start(&key, DECISION_TEXT_MAX);
	buffer_printf(&key, "%d %d %d %.*s %.*s@%.*s", facts.direction, facts.protocol, facts.service,
	              SLICE_ARG(facts.remote_domain), SLICE_ARG(facts.local_user),
	              SLICE_ARG(facts.local_domain));
	d = key.is_broken ? NULL : map_get(&decisions->by_key, buffer_slice(&key));
	if (d) /* what is known of him now may be more */
		forget(decisions, d);
	d = key.is_broken ? NULL : decision_new(&facts, buffer_slice(&key), lists);
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
