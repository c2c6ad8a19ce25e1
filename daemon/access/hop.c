/*
 * hop: a next hop, a partner's edge or a member of our pool.
 *
 * It is looked up and connected when a request first needs it; who needs it
 * waits in its list.  Addresses are tried in turn; when all have failed the
 * waiting requests go on to their next target, and the hop is left alone for a
 * back-off that doubles (500 ms to 30 s).  Addresses in special ranges are
 * never dialled for partners unless the topology permits them.
 */
#include <stdio.h>

#include "daemon/access/parts.h"
#include "shared/base/memory.h"

static void connect_next(struct hop *hop);
static void find_carrier(struct hop *hop);

static struct slice key_of(char *to, size_t size, enum sip_side side, struct slice name, uint16_t port)
{
	int length = snprintf(to, size, "%c %.*s:%u", side == SIP_SIDE_EXTERNAL ? 'e' : 'i', SLICE_ARG(name),
	                      port);

	return (struct slice){ to, length > 0 && (size_t)length < size ? (size_t)length : 0 };
}

static void hop_free(struct hop *hop)
{
	struct access *a = hop->access;

	if (a->resolver)
		resolver_forget(a->resolver, hop);
	map_remove(&a->hops, slice_of(hop->key));
	list_remove(&hop->node);
	mem_free(hop);
}

void hop_free_all(struct access *a)
{
	LIST_EACH_SAFE (at, &a->hop_list)
		hop_free(LIST_OWNER(at, struct hop, node));
	map_stop(&a->hops);
}

/* The one that has been idle longest makes room; none may be in use. */
static bool make_room(struct access *a)
{
	struct hop *oldest = NULL;

	LIST_EACH (at, &a->hop_list) {
		struct hop *hop = LIST_OWNER(at, struct hop, node);

		if (!hop->users && !hop->flows && !hop->waiting_count && !hop->is_looking_up &&
		    (!oldest || hop->last_used_ms < oldest->last_used_ms))
			oldest = hop;
	}
	if (oldest)
		hop_free(oldest);
	return oldest != NULL;
}

/* A pool member's address as configured; read anew at each use, for the image may have changed. */
static void take_member(struct hop *hop)
{
	struct access *a = hop->access;
	const struct image_pool_member *member = image_pool_member_find(a->image, slice_of(hop->name));
	struct slice text = member ? policy_image_text(a->image, member->address) : SLICE_NONE;

	hop->is_plain = slice_equal(a->proxy.side[SIP_SIDE_INTERNAL].transport, SLICE("tcp"));
	hop->has_fixed_address = text.len &&
	                         address_read(text, hop->port, &hop->addresses[0], NULL) == RESULT_OK;
	if (hop->has_fixed_address)
		hop->address_count = 1;
}

struct hop *hop_get(struct access *a, enum sip_side side, struct slice name, uint16_t port)
{
	char key[sizeof((struct hop *)0)->key];
	struct slice k = key_of(key, sizeof key, side, name, port);
	struct hop *hop = k.len ? map_get(&a->hops, k) : NULL;

	if (hop || !k.len) {
		if (hop)
			hop->last_used_ms = access_now_ms(a);
		return hop;
	}
	if (a->hops.count >= ACCESS_HOPS_MAX && !make_room(a))
		return NULL;
	hop = mem_new(sizeof *hop);
	if (!hop)
		return NULL;
	hop->access = a;
	hop->side = side;
	hop->port = port;
	hop->last_used_ms = access_now_ms(a);
	list_start(&hop->waiting);
	slice_to_text(k, hop->key, sizeof hop->key);
	slice_to_text(name, hop->name, sizeof hop->name);
	if (map_add(&a->hops, slice_of(hop->key), hop) != RESULT_OK) {
		mem_free(hop);
		return NULL;
	}
	list_add_last(&a->hop_list, &hop->node);
	find_carrier(hop);
	return hop;
}

struct flow *hop_flow(struct hop *hop)
{
	struct flow *flow = flow_find(hop->access, hop->connection);

	if (!flow_is_usable(flow))
		flow = flow_find(hop->access, hop->carried_by);
	return flow_is_usable(flow) ? flow : NULL;
}

bool hop_is_dialled(const struct hop *hop, const struct flow *flow) { return hop->connection == flow->self; }

/* Failing, and in back-off: it is left alone. */
static bool is_down(const struct hop *hop) { return hop->retry_at_ms > access_now_ms(hop->access); }

/* ---- failure ---- */

static void fail_waiting(struct hop *hop)
{
	struct access *a = hop->access;

	hop->is_connecting = false;
	hop->backoff_ms = hop->backoff_ms ? hop->backoff_ms * 2 : ACCESS_HOP_BACKOFF_FIRST_MS;
	if (hop->backoff_ms > ACCESS_HOP_BACKOFF_MAX_MS)
		hop->backoff_ms = ACCESS_HOP_BACKOFF_MAX_MS;
	hop->retry_at_ms = access_now_ms(a) + hop->backoff_ms;
	LIST_EACH (at, &hop->waiting)
		LIST_OWNER(at, struct request, node)->failure = hop->failure;
	request_wake(&hop->waiting, request_failed);
	response_arm_timer(a);
}

void hop_give_up_waiting(struct access *a)
{
	LIST_EACH (at, &a->hop_list) {
		struct hop *hop = LIST_OWNER(at, struct hop, node);

		if (hop->waiting_count)
			request_give_up_waiting(&hop->waiting, "the next hop could not be reached in time");
	}
	response_arm_timer(a);
}

static void set_failure(struct hop *hop, int diagnostic, const char *what, const char *words)
{
	hop->failure = (struct failure){ .status = 504, .diagnostic = diagnostic };
	snprintf(hop->failure.words, sizeof hop->failure.words, "%.100s: %s%s%.120s", hop->name, what,
	         words[0] ? ": " : "", words);
}

/* ---- addresses ---- */

static bool may_dial(const struct hop *hop, const struct address *address)
{
	const struct policy_image *image = hop->access->image;
	const struct image_topology *topology = image_topology_at(image, 0);

	if (hop->side == SIP_SIDE_INTERNAL || !address_is_special(address))
		return true;
	for (size_t i = 0; i < topology->permitted_targets.count; i++) {
		struct address_prefix prefix;

		if (address_prefix_read(policy_image_item(image, topology->permitted_targets, i), &prefix,
		                        NULL) == RESULT_OK &&
		    address_in_prefix(address, &prefix))
			return true;
	}
	return false;
}

static void addresses_came(void *to, enum resolver_outcome outcome, const struct address *list, size_t count,
                           const char *words)
{
	struct hop *hop = to;

	hop->is_looking_up = false;
	hop->address_count = hop->address_at = 0;
	for (size_t i = 0; i < count && hop->address_count < RESOLVER_ADDRESSES_MAX; i++) {
		if (!may_dial(hop, &list[i]))
			continue;
		hop->addresses[hop->address_count++] = list[i];
	}
	if (outcome != RESOLVER_FOUND)
		set_failure(hop, 1014, "its address cannot be found", words ? words : "");
	else if (hop->address_count == 0)
		set_failure(hop, 1014,
		            "its addresses are in ranges that may not be dialled (permitted-targets)", "");
	connect_next(hop);
}

static void connect_next(struct hop *hop)
{
	struct reason reason = { "" };

	while (hop->address_at < hop->address_count) {
		struct address to = hop->addresses[hop->address_at++];

		if (to.any.sa_family == AF_INET6)
			to.v6.sin6_port = htons(address_port(&to) ? address_port(&to) : hop->port);
		else
			to.v4.sin_port = htons(address_port(&to) ? address_port(&to) : hop->port);
		if (flow_open(hop->access, hop, &to, &reason) == RESULT_OK)
			return; /* hop_up or hop_lost follows */
		set_failure(hop, 1046, "cannot connect", reason.text);
	}
	fail_waiting(hop);
}

static void look_up(struct hop *hop)
{
	struct access *a = hop->access;

	hop->is_looking_up = a->resolver != NULL;
	if (a->resolver) {
		resolver_addresses(a->resolver, slice_of(hop->name), addresses_came, hop);
	} else {
		set_failure(hop, 1014, "no resolver", "");
		fail_waiting(hop);
	}
}

static void start(struct hop *hop)
{
	hop->is_connecting = true;
	hop->address_at = hop->address_count = 0;
	if (hop->side == SIP_SIDE_INTERNAL)
		take_member(hop);
	if (hop->has_fixed_address)
		connect_next(hop);
	else
		look_up(hop);
}

void hop_ask_again(struct access *a)
{
	LIST_EACH (at, &a->hop_list) {
		struct hop *hop = LIST_OWNER(at, struct hop, node);

		if (hop->is_looking_up)
			look_up(hop);
	}
}

bool hop_wait(struct hop *hop, struct request *r)
{
	hop->last_used_ms = access_now_ms(hop->access);
	if (!hop->is_connecting && is_down(hop))
		return false;
	if (hop->waiting_count >= ACCESS_WAITING_MAX) {
		set_failure(hop, 1007, "too many requests wait for it", "");
		return false;
	}
	request_wait(r, REQUEST_WAITS, &hop->waiting, &hop->waiting_count);
	if (!hop->is_connecting)
		start(hop);
	return true;
}

/* ---- the connection's life ---- */

static bool is_this_hop(const struct hop *hop, const struct flow *flow)
{
	struct policy_facts facts = { 0 };

	if (hop->side == SIP_SIDE_EXTERNAL || hop->is_plain)
		return true; /* a partner's is judged by each request's rule */
	flow_facts(flow, &facts);
	return policy_identity_matches(&facts, POLICY_IDENTITY_EDGE_FQDN, slice_of(hop->name), SLICE_NONE);
}

void hop_up(struct hop *hop, struct flow *flow)
{
	if (!is_this_hop(hop, flow)) {
		set_failure(hop, 1010, "its certificate does not carry this name", "");
		connection_close(flow->connection, CONNECTION_END_POLICY,
		                 "the certificate does not carry the member's name");
		hop->connection = 0;
		connect_next(hop);
		return;
	}
	hop->is_connecting = false;
	hop->backoff_ms = hop->retry_at_ms = 0;
	request_wake(&hop->waiting, request_go_on);
	response_arm_timer(hop->access);
}

void hop_lost(struct hop *hop, const struct flow *flow, bool was_up)
{
	enum connection_end end = connection_end(flow->connection);
	const char *words = connection_end_words(flow->connection);

	if (hop->connection != flow->self)
		return;
	hop->connection = 0;
	if (was_up)
		return; /* the next request connects again */
	set_failure(hop, end == CONNECTION_END_TLS_OURS || end == CONNECTION_END_TLS_THEIRS ? 1047 : 1046,
	            end == CONNECTION_END_TLS_THEIRS ? "it refused our TLS"
	            : end == CONNECTION_END_TLS_OURS ? "its TLS was refused by us"
	            : end == CONNECTION_END_TIMEOUT  ? "timed out"
	                                             : "cannot connect",
	            words);
	connect_next(hop);
}

/*
 * RFC 5923 §5, §9: a hop is carried only by a connection whose verified certificate
 * has the hop's name; whether that speaks for the domain of a request is asked for
 * each request.  Only hops of partners we have written to exist: an offer makes none.
 */
static void find_carrier(struct hop *hop)
{
	struct access *a = hop->access;

	if (hop->side != SIP_SIDE_EXTERNAL)
		return;
	LIST_EACH (at, &a->flows) {
		const struct flow *flow = LIST_OWNER(at, struct flow, node);

		if (flow->back_port == hop->port && flow_is_usable(flow) &&
		    flow_carries_name(flow, slice_of(hop->name)))
			hop->carried_by = flow->self;
	}
}

void hop_offer(struct flow *flow, uint16_t port)
{
	struct access *a = flow->access;
	const struct tls_peer *peer = connection_peer(flow->connection);
	char key[sizeof((struct hop *)0)->key];

	if (flow->back_port || flow->hop)
		return;
	flow->back_port = port ? port : ACCESS_PORT_SIPS;
	for (size_t i = 0; i < peer->dns_count; i++) {
		struct slice k = key_of(key, sizeof key, SIP_SIDE_EXTERNAL, peer->dns[i], flow->back_port);
		struct hop *hop = k.len ? map_get(&a->hops, k) : NULL;

		if (hop)
			hop->carried_by = flow->self;
	}
}

/*
 * Without TLS a member is known by its address, and a member without a fixed one
 * by what its name leads to.  The connection that comes of it is one to the pool.
 */
static void learn_addresses(struct hop *hop)
{
	if (!hop->is_connecting && !is_down(hop) && !hop_flow(hop))
		start(hop);
}

void hop_learn_pool(struct access *a)
{
	if (!a->image || !a->transactions ||
	    !slice_equal(a->proxy.side[SIP_SIDE_INTERNAL].transport, SLICE("tcp")))
		return;
	for (size_t i = 0; i < image_pool_member_count(a->image); i++) {
		const struct image_pool_member *m = image_pool_member_at(a->image, i);
		struct hop *hop = policy_image_text(a->image, m->address).len
		                          ? NULL
		                          : hop_get(a, SIP_SIDE_INTERNAL,
		                                    policy_image_text(a->image, m->fqdn), (uint16_t)m->port);

		if (hop)
			learn_addresses(hop);
	}
}

bool hop_is_pool_address(struct access *a, const struct address *from, struct slice *member)
{
	for (size_t i = 0; i < image_pool_member_count(a->image); i++) {
		const struct image_pool_member *m = image_pool_member_at(a->image, i);
		struct slice name = policy_image_text(a->image, m->fqdn);
		struct slice text = policy_image_text(a->image, m->address);
		struct address fixed;
		struct hop *hop;

		*member = name;
		if (text.len) {
			if (address_read(text, (uint16_t)m->port, &fixed, NULL) == RESULT_OK &&
			    address_same_host(&fixed, from))
				return true;
			continue;
		}
		hop = hop_get(a, SIP_SIDE_INTERNAL, name, (uint16_t)m->port);
		for (size_t j = 0; hop && j < hop->address_count; j++)
			if (address_same_host(&hop->addresses[j], from))
				return true;
		if (hop)
			learn_addresses(hop); /* for the next time: it may have moved */
	}
	return false;
}
