/*
 * Look-ups: one question in flight a name, however many wait for it; answers
 * kept for their TTL, and beyond it for when the servers fail (RFC 8767).
 *
 * Answers are given at the end of the loop's turn or, from the cache, at once;
 * never from inside c-ares, so that whoever gets one may do anything, even free
 * the resolver.
 */
#include "daemon/io/resolver_parts.h"

#include <unistd.h>

#include "shared/base/memory.h"

typedef void srv_answer_fn(void *to, enum resolver_outcome outcome, const struct resolver_srv *list,
                           size_t count, const char *words);
typedef void address_answer_fn(void *to, enum resolver_outcome outcome, const struct address *list,
                               size_t count, const char *words);

struct waiter {
	struct list node;  /* in lookup->waiters, or in a list of those to be answered now */
	struct list among; /* in resolver->waiters */
	struct lookup *lookup;
	srv_answer_fn *srv;
	address_answer_fn *addresses;
	void *to;
};

static int64_t now_ms(const struct resolver *resolver) { return loop_now(resolver->loop).mono_ms; }

/* ---- waiters ---- */

static void waiter_free(struct waiter *waiter)
{
	list_remove(&waiter->node);
	list_remove(&waiter->among);
	mem_free(waiter);
}

void resolver_forget(struct resolver *resolver, const void *to)
{
	LIST_EACH_SAFE (at, &resolver->waiters) {
		struct waiter *waiter = LIST_OWNER(at, struct waiter, among);

		if (waiter->to != to)
			continue;
		if (waiter->lookup)
			waiter->lookup->waiter_count--;
		waiter_free(waiter);
	}
}

/* ---- look-ups ---- */

static bool is_asking(const struct lookup *lookup)
{
	return lookup->query[QUESTION_V4].is_out || lookup->query[QUESTION_V6].is_out;
}

static void drop_answer(struct lookup *lookup)
{
	mem_free(lookup->srv);
	mem_free(lookup->addresses);
	lookup->srv = NULL;
	lookup->addresses = NULL;
	lookup->count = 0;
	lookup->has_answer = false;
}

static void drop_fetched(struct lookup *lookup)
{
	mem_free(lookup->part);
	mem_free(lookup->fetched_srv);
	lookup->part = NULL;
	lookup->fetched_srv = NULL;
}

static void lookup_free(struct lookup *lookup)
{
	while (!list_is_empty(&lookup->waiters))
		waiter_free(LIST_OWNER(lookup->waiters.next, struct waiter, node));
	map_remove(&lookup->resolver->lookups, slice_of(lookup->key));
	list_remove(&lookup->node);
	loop_timer_stop(&lookup->patience);
	loop_defer_cancel(&lookup->step);
	drop_answer(lookup);
	drop_fetched(lookup);
	mem_free(lookup->key);
	mem_free(lookup);
}

/* The longest unused that nobody waits for makes room, until fewer than `names` are left. */
static bool shrink_below(struct resolver *resolver, size_t names)
{
	LIST_EACH_SAFE (at, &resolver->by_age) {
		struct lookup *lookup = LIST_OWNER(at, struct lookup, node);

		if (resolver->lookups.count < names)
			break;
		if (!is_asking(lookup) && !lookup->part && list_is_empty(&lookup->waiters))
			lookup_free(lookup);
	}
	return resolver->lookups.count < names;
}

void resolver_keep_at_most(struct resolver *resolver, size_t names)
{
	resolver->cache_max = names == 0 ? 1 : names > RESOLVER_CACHE_MAX ? RESOLVER_CACHE_MAX : names;
	shrink_below(resolver, resolver->cache_max + 1);
}

static struct lookup *lookup_new(struct resolver *resolver, enum question question, const char *key)
{
	struct lookup *lookup = shrink_below(resolver, resolver->cache_max) ? mem_new(sizeof *lookup) : NULL;

	if (!lookup)
		return NULL;
	list_start(&lookup->node);
	list_start(&lookup->waiters);
	lookup->resolver = resolver;
	lookup->question = question;
	lookup->words = "";
	lookup->key = mem_text(key);
	if (!lookup->key || map_add(&resolver->lookups, slice_of(lookup->key), lookup) != RESULT_OK) {
		mem_free(lookup->key);
		mem_free(lookup);
		return NULL;
	}
	list_add_last(&resolver->by_age, &lookup->node);
	return lookup;
}

static bool is_fresh(const struct lookup *lookup)
{
	return lookup->has_answer && now_ms(lookup->resolver) < lookup->fresh_until_ms;
}

static bool is_usable(const struct lookup *lookup)
{
	return lookup->has_answer && lookup->outcome == RESOLVER_FOUND &&
	       now_ms(lookup->resolver) < lookup->usable_until_ms;
}

/* ---- giving answers ---- */

static uint32_t draw(void *to)
{
	struct resolver *resolver = to;
	uint64_t number = ++resolver->drawn;

	return (uint32_t)siphash(resolver->seed, (struct slice){ (const char *)&number, sizeof number });
}

struct given {
	enum resolver_outcome outcome;
	const char *words;
	size_t count;
	struct resolver_srv srv[RESOLVER_SRV_MAX];
	struct address addresses[RESOLVER_ADDRESSES_MAX];
};

/* A copy: whoever gets it may flush the cache meanwhile. SRV order is drawn anew each time. */
static void take_answer(const struct lookup *lookup, struct given *out)
{
	out->outcome = lookup->outcome;
	out->words = lookup->words;
	out->count = lookup->count;
	if (lookup->count && lookup->srv)
		memcpy(out->srv, lookup->srv, lookup->count * sizeof *lookup->srv);
	if (lookup->count && lookup->addresses)
		memcpy(out->addresses, lookup->addresses, lookup->count * sizeof *lookup->addresses);
}

static void give(struct resolver *resolver, srv_answer_fn *srv, address_answer_fn *addresses, void *to,
                 struct given *given)
{
	if (srv) {
		srv_order(given->srv, given->count, draw, resolver);
		srv(to, given->outcome, given->srv, given->count, given->words);
	} else {
		addresses(to, given->outcome, given->addresses, given->count, given->words);
	}
}

static void give_to_waiters(struct lookup *lookup, struct given *given)
{
	struct resolver *resolver = lookup->resolver;
	bool is_freed = false, *outer = resolver->is_freed;
	struct list now;

	/* Aside: who asks again meanwhile waits for the next answer. */
	list_start(&now);
	while (!list_is_empty(&lookup->waiters)) {
		struct waiter *waiter = LIST_OWNER(lookup->waiters.next, struct waiter, node);

		list_remove(&waiter->node);
		list_add_last(&now, &waiter->node);
		waiter->lookup = NULL;
	}
	lookup->waiter_count = 0;
	resolver->is_freed = &is_freed;
	while (!list_is_empty(&now)) {
		struct waiter *waiter = LIST_OWNER(now.next, struct waiter, node), copy = *waiter;

		waiter_free(waiter);
		give(resolver, copy.srv, copy.addresses, copy.to, given);
		if (is_freed) {
			if (outer)
				*outer = true;
			return; /* resolver_free has dropped the others */
		}
	}
	resolver->is_freed = outer;
}

/* ---- putting the parts together ---- */

/* Would the kernel send to it? RFC 6724's first question; a datagram socket's connect sends nothing. */
static bool has_route(const struct address *address)
{
	struct address to = address_with_port(address, 9);
	int fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && connect(fd, &to.any, to.length) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

/* v6, v4, v6, ... or the other way round, so that a broken family costs one failure and not many. RFC 8305 §4. */
static size_t interleave(const struct part *v4, const struct part *v6, struct address *out)
{
	const struct part *first = v6->count && has_route(&v6->addresses[0]) ? v6 : v4;
	const struct part *second = first == v6 ? v4 : v6;
	size_t count = 0;

	for (size_t i = 0; i < RESOLVER_ADDRESSES_MAX; i++) {
		if (i < first->count && count < RESOLVER_ADDRESSES_MAX)
			out[count++] = first->addresses[i];
		if (i < second->count && count < RESOLVER_ADDRESSES_MAX)
			out[count++] = second->addresses[i];
	}
	return count;
}

static const struct part *worse_part(const struct lookup *lookup)
{
	for (unsigned i = 0; i < QUESTION_PARTS; i++)
		if (lookup->part[i].outcome == RESOLVER_FAILED)
			return &lookup->part[i];
	return &lookup->part[QUESTION_V4];
}

/* Copies what was fetched. False: without memory. */
static bool store_found(struct lookup *lookup, uint32_t *ttl_s)
{
	const struct part *part = lookup->part;
	struct address addresses[RESOLVER_ADDRESSES_MAX];
	size_t count;

	if (lookup->question == QUESTION_SRV) {
		struct resolver_srv *srv = mem_new_array(part->count, sizeof *srv);

		if (!srv)
			return false;
		memcpy(srv, lookup->fetched_srv, part->count * sizeof *srv);
		drop_answer(lookup);
		lookup->srv = srv;
		lookup->count = part->count;
		*ttl_s = part->ttl_s;
		return true;
	}
	count = interleave(&part[QUESTION_V4], &part[QUESTION_V6], addresses);

	struct address *copy = mem_new_array(count, sizeof *copy);

	if (!copy)
		return false;
	memcpy(copy, addresses, count * sizeof *copy);
	drop_answer(lookup);
	lookup->addresses = copy;
	lookup->count = count;
	*ttl_s = UINT32_MAX;
	for (unsigned i = 0; i < QUESTION_PARTS; i++) {
		if (part[i].outcome == RESOLVER_FOUND && part[i].ttl_s < *ttl_s)
			*ttl_s = part[i].ttl_s;
		/* Half an answer: ask again soon. */
		if (part[i].outcome == RESOLVER_FAILED || !part[i].is_done)
			*ttl_s = RESOLVER_TTL_MIN_S;
	}
	return true;
}

static void store(struct lookup *lookup, enum resolver_outcome outcome, const char *words, uint32_t ttl_s)
{
	int64_t now = now_ms(lookup->resolver);

	lookup->has_answer = true;
	lookup->outcome = outcome;
	lookup->words = words;
	lookup->fresh_until_ms = now + (int64_t)ttl_s * 1000;
	lookup->usable_until_ms = lookup->fresh_until_ms + RESOLVER_STALE_MS;
}

static uint32_t bounded_ttl(uint32_t ttl_s)
{
	return ttl_s < RESOLVER_TTL_MIN_S   ? RESOLVER_TTL_MIN_S
	       : ttl_s > RESOLVER_TTL_MAX_S ? RESOLVER_TTL_MAX_S
	                                    : ttl_s;
}

/* What the parts, done or not, amount to, joins the cache. */
static void conclude(struct lookup *lookup)
{
	const struct part *part = lookup->part;
	const struct part *worse = worse_part(lookup);
	bool is_found = part[0].outcome == RESOLVER_FOUND || part[1].outcome == RESOLVER_FOUND;
	uint32_t ttl_s;

	if (is_found && store_found(lookup, &ttl_s)) {
		store(lookup, RESOLVER_FOUND, "", bounded_ttl(ttl_s));
		return;
	}
	if (!is_found && worse->outcome == RESOLVER_ABSENT) {
		drop_answer(lookup);
		store(lookup, RESOLVER_ABSENT, worse->words, RESOLVER_TTL_ABSENT_S);
		return;
	}
	if (is_usable(lookup)) {
		/* The old answer stays, for a little while without asking again. */
		lookup->fresh_until_ms = now_ms(lookup->resolver) + RESOLVER_TTL_FAILED_S * 1000;
		return;
	}
	drop_answer(lookup);
	store(lookup, RESOLVER_FAILED, is_found ? "out of memory" : worse->words, RESOLVER_TTL_FAILED_S);
}

/* ---- steps of a look-up ---- */

static void lookup_step(void *owner);

static void owe_step(struct lookup *lookup)
{
	loop_defer(lookup->resolver->loop, &lookup->step, lookup_step, lookup);
}

static void became_impatient(void *owner)
{
	struct lookup *lookup = owner;

	lookup->is_impatient = true;
	owe_step(lookup);
}

static void be_patient(struct lookup *lookup, int64_t for_ms)
{
	lookup->is_impatient = false;
	loop_timer_set(lookup->resolver->loop, &lookup->patience, for_ms, became_impatient, lookup);
}

void resolver_part_came(struct lookup *lookup)
{
	bool is_found = false;

	for (unsigned i = 0; i < QUESTION_PARTS; i++)
		is_found |= lookup->part[i].is_done && lookup->part[i].outcome == RESOLVER_FOUND;
	if (!is_asking(lookup))
		owe_step(lookup);
	else if (is_found && !list_is_empty(&lookup->waiters))
		be_patient(lookup, RESOLVER_OTHER_FAMILY_MS);
}

/* Nobody will wait longer, though the servers have not answered everything. */
static void answer_impatiently(struct lookup *lookup, struct given *given)
{
	bool is_found = lookup->part[0].outcome == RESOLVER_FOUND ||
	                lookup->part[1].outcome == RESOLVER_FOUND;

	if (is_found) {
		conclude(lookup);
		take_answer(lookup, given);
	} else if (is_usable(lookup)) {
		take_answer(lookup, given);
	} else {
		given->outcome = RESOLVER_FAILED;
		given->words = "DNS did not answer in time";
	}
}

static void lookup_step(void *owner)
{
	struct lookup *lookup = owner;
	struct given given = { .words = "" };

	if (!is_asking(lookup) && lookup->part) {
		conclude(lookup);
		drop_fetched(lookup);
		take_answer(lookup, &given);
	} else if (lookup->is_impatient && lookup->part) {
		answer_impatiently(lookup, &given);
	} else {
		return;
	}
	lookup->is_impatient = false;
	loop_timer_stop(&lookup->patience);
	give_to_waiters(lookup, &given);
}

/* ---- asking ---- */

/* Lower case, no last dot, host characters only. `key` begins with the question's letter. */
static bool make_key(enum question question, struct slice name, char key[RESOLVER_NAME_MAX + 2])
{
	if (name.len && name.ptr[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > RESOLVER_NAME_MAX)
		return false;
	key[0] = question == QUESTION_SRV ? 's' : 'a';
	for (size_t i = 0; i < name.len; i++) {
		char c = ascii_lower(name.ptr[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
			return false;
		if (c == '.' && (i == 0 || name.ptr[i - 1] == '.'))
			return false;
		key[i + 1] = c;
	}
	key[name.len + 1] = '\0';
	return true;
}

static bool start_asking(struct lookup *lookup)
{
	lookup->part = mem_new_array(QUESTION_PARTS, sizeof *lookup->part);
	if (!lookup->part)
		return false;
	/* An open part counts as failed until it is done. */
	for (unsigned i = 0; i < QUESTION_PARTS; i++)
		lookup->part[i] = (struct part){ .outcome = RESOLVER_FAILED,
			                         .words = "DNS did not answer in time" };
	resolver_ares_ask(lookup->resolver, lookup);
	return true;
}

static const char *wait_for(struct lookup *lookup, srv_answer_fn *srv, address_answer_fn *addresses, void *to)
{
	struct waiter *waiter;

	if (lookup->waiter_count >= RESOLVER_WAITERS_MAX)
		return "too many wait for this look-up";
	waiter = mem_new(sizeof *waiter);
	if (!waiter)
		return "out of memory";
	*waiter = (struct waiter){ .lookup = lookup, .srv = srv, .addresses = addresses, .to = to };
	list_add_last(&lookup->waiters, &waiter->node);
	list_add_last(&lookup->resolver->waiters, &waiter->among);
	lookup->waiter_count++;
	if (!lookup->part && !start_asking(lookup)) {
		lookup->waiter_count--;
		waiter_free(waiter);
		return "out of memory";
	}
	if (!lookup->patience.is_set)
		be_patient(lookup, is_usable(lookup) ? RESOLVER_STALE_ANSWER_MS : lookup->resolver->total_ms);
	return NULL;
}

static void look_up(struct resolver *resolver, enum question question, struct slice name, srv_answer_fn *srv,
                    address_answer_fn *addresses, void *to)
{
	struct given given = { .outcome = RESOLVER_FAILED, .words = "too many DNS look-ups at once" };
	char key[RESOLVER_NAME_MAX + 2];
	struct lookup *lookup;

	if (!make_key(question, name, key)) {
		given.outcome = RESOLVER_ABSENT;
		given.words = "this cannot be a DNS name";
		give(resolver, srv, addresses, to, &given);
		return;
	}
	lookup = map_get(&resolver->lookups, slice_of(key));
	if (!lookup)
		lookup = lookup_new(resolver, question, key);
	if (lookup) {
		list_remove(&lookup->node);
		list_add_last(&resolver->by_age, &lookup->node);
		if (!is_fresh(lookup)) {
			given.words = wait_for(lookup, srv, addresses, to);
			if (!given.words)
				return;
		} else {
			take_answer(lookup, &given);
		}
	}
	give(resolver, srv, addresses, to, &given);
}

void resolver_srv(struct resolver *resolver, struct slice name, srv_answer_fn *answer, void *to)
{
	look_up(resolver, QUESTION_SRV, name, answer, NULL, to);
}

void resolver_addresses(struct resolver *resolver, struct slice name, address_answer_fn *answer, void *to)
{
	struct address literal;

	if (address_read(name, 0, &literal, NULL) == RESULT_OK && address_port(&literal) == 0)
		answer(to, RESOLVER_FOUND, &literal, 1, "");
	else
		look_up(resolver, QUESTION_ADDRESSES, name, NULL, answer, to);
}

size_t resolver_names(const struct resolver *resolver) { return resolver->lookups.count; }

void resolver_flush(struct resolver *resolver)
{
	LIST_EACH_SAFE (at, &resolver->by_age) {
		struct lookup *lookup = LIST_OWNER(at, struct lookup, node);

		if (is_asking(lookup) || lookup->part || !list_is_empty(&lookup->waiters))
			drop_answer(lookup);
		else
			lookup_free(lookup);
	}
}

/* ---- life ---- */

enum result resolver_new(struct loop *loop, const struct slice *servers, size_t server_count,
                         struct siphash_key seed, struct resolver **out, struct reason *reason)
{
	struct resolver *resolver = mem_new(sizeof *resolver);
	enum result result;

	if (!resolver)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	resolver->loop = loop;
	resolver->seed = seed;
	resolver->total_ms = RESOLVER_TOTAL_MS;
	resolver->cache_max = RESOLVER_CACHE_DEFAULT;
	list_start(&resolver->by_age);
	list_start(&resolver->waiters);
	map_start(&resolver->lookups, RESOLVER_CACHE_MAX, seed);
	result = resolver_ares_start(resolver, servers, server_count, reason);
	if (result != RESULT_OK)
		resolver_free(&resolver);
	else
		*out = resolver;
	return result;
}

void resolver_free(struct resolver **pointer)
{
	struct resolver *resolver = *pointer;

	*pointer = NULL;
	if (!resolver)
		return;
	resolver->is_going = true;
	if (resolver->is_freed)
		*resolver->is_freed = true;
	resolver_ares_stop(resolver);
	while (!list_is_empty(&resolver->waiters))
		waiter_free(LIST_OWNER(resolver->waiters.next, struct waiter, among));
	while (!list_is_empty(&resolver->by_age))
		lookup_free(LIST_OWNER(resolver->by_age.next, struct lookup, node));
	map_stop(&resolver->lookups);
	mem_free(resolver);
}
