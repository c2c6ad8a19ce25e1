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

/* Side, port, certificate with its length, name. Empty: they are too long. */
static struct slice key_of(char to[HOP_KEY_BYTES], enum sip_side side, struct slice name, uint16_t port,
                           struct slice certificate)
{
	const size_t fixed = 4;

	if (name.len >= ACCESS_NAME_BYTES || certificate.len >= ACCESS_CERTIFICATE_NAME_BYTES)
		return SLICE_NONE;
	to[0] = side == SIP_SIDE_EXTERNAL ? 'e' : 'i';
	to[1] = (char)(port >> 8);
	to[2] = (char)(port & 0xff);
	to[3] = (char)certificate.len;
	if (certificate.len)
		memcpy(to + fixed, certificate.ptr, certificate.len);
	if (name.len)
		memcpy(to + fixed + certificate.len, name.ptr, name.len);
	return (struct slice){ to, fixed + certificate.len + name.len };
}

static struct slice own_key(const struct hop *hop) { return (struct slice){ hop->key, hop->key_length }; }

static void hop_free(struct hop *hop)
{
	struct access *a = hop->access;

	if (a->resolver)
		resolver_forget(a->resolver, hop);
	map_remove(&a->hops, own_key(hop));
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

struct hop *hop_get(struct access *a, enum sip_side side, struct slice name, uint16_t port,
                    struct slice certificate)
{
	char key[HOP_KEY_BYTES];
	struct slice k = key_of(key, side, name, port, certificate);
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
	memcpy(hop->key, key, k.len);
	hop->key_length = k.len;
	slice_to_text(name, hop->name, sizeof hop->name);
	slice_to_text(certificate, hop->certificate, sizeof hop->certificate);
	if (map_add(&a->hops, own_key(hop), hop) != RESULT_OK) {
		mem_free(hop);
		return NULL;
	}
	list_add_last(&a->hop_list, &hop->node);
	find_carrier(hop);
	return hop;
}

/* ---- its connections ---- */

/* Those that are usable, as many as there are. */
static size_t usable(struct hop *hop, struct flow *to[ACCESS_HOP_CONNECTIONS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < ACCESS_HOP_CONNECTIONS_MAX; i++) {
		struct flow *flow = hop->connections[i] ? flow_find(hop->access, hop->connections[i]) : NULL;

		if (flow_is_usable(flow))
			to[count++] = flow;
	}
	return count;
}

/* Ours before what the partner has opened: that one need not speak for every domain behind the same name. */
struct flow *hop_flow(struct hop *hop, uint64_t spread)
{
	struct flow *ours[ACCESS_HOP_CONNECTIONS_MAX], *flow;
	size_t count = usable(hop, ours);

	if (count)
		return ours[spread % count];
	flow = flow_find(hop->access, hop->carried_by);
	return flow_is_usable(flow) ? flow : NULL;
}

bool hop_is_dialled(const struct hop *hop, const struct flow *flow) { return flow->hop == hop; }

bool hop_is_down(const struct hop *hop) { return hop->retry_at_ms > access_now_ms(hop->access); }

static void keep_connection(struct hop *hop, handle connection)
{
	for (size_t i = 0; i < ACCESS_HOP_CONNECTIONS_MAX; i++)
		if (!hop->connections[i]) {
			hop->connections[i] = connection;
			return;
		}
}

static void drop_connection(struct hop *hop, handle connection)
{
	for (size_t i = 0; i < ACCESS_HOP_CONNECTIONS_MAX; i++)
		if (hop->connections[i] == connection)
			hop->connections[i] = 0;
}

/*
 * One connection serves a partner well until so much is under way on it that its answers wait for one another.
 * A failure to open another harms nobody: what is there goes on.
 */
void hop_grow(struct hop *hop, const struct flow *flow)
{
	const struct image_access_edge *s = hop->access->settings;

	if (flow->awaited >= ACCESS_HOP_BUSY && hop->side == SIP_SIDE_EXTERNAL && flow->hop == hop &&
	    !hop->is_connecting && !hop_is_down(hop) &&
	    hop->flows < s->outgoing_tls_count_for_federated_partners)
		hop_dial(hop);
}

/* ---- failure ---- */

static void fail_waiting(struct hop *hop)
{
	struct access *a = hop->access;

	hop->is_connecting = false;
	hop->backoff_ms = hop->backoff_ms ? hop->backoff_ms * 2 : ACCESS_HOP_BACKOFF_FIRST_MS;
	if (hop->backoff_ms > ACCESS_HOP_BACKOFF_MAX_MS)
		hop->backoff_ms = ACCESS_HOP_BACKOFF_MAX_MS;
	hop->retry_at_ms = access_now_ms(a) + hop->backoff_ms;
	hop->failed_wall_ms = loop_now(a->loop).wall_ms;
	pool_failed(hop, hop->failure.words);
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

static struct cause end_cause(enum connection_end end)
{
	return (struct cause){ connection_end_name(end), connection_end_advice(end) };
}

static void set_failure(struct hop *hop, int diagnostic, const char *what, const char *words)
{
	hop->failure = (struct failure){ .status = 504,
		                         .diagnostic = diagnostic,
		                         .by = diagnostic == 1010 ? FAILED_BY_US : FAILED_BY_NETWORK };
	snprintf(hop->failure.words, sizeof hop->failure.words, "%.100s: %s%s%.120s", hop->name, what,
	         words[0] ? ": " : "", words);
}

/* ---- addresses ---- */

static bool may_dial(const struct hop *hop, const struct address *address)
{
	const struct policy_image *image = hop->access->image;
	const struct image_topology *topology = image_topology_at(image, 0);
	const struct image_sip_provider *provider = policy_provider_of_edge(image, slice_of(hop->name));

	if (hop->side == SIP_SIDE_INTERNAL || !address_is_special(address))
		return true;
	if (provider && provider->is_local)
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

void hop_dial(struct hop *hop)
{
	if (hop->is_connecting)
		return;
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

		if (!hop->is_looking_up)
			continue;
		hop->users++; /* what fails at once goes on elsewhere, and may want this one's room */
		look_up(hop);
		hop->users--;
	}
}

bool hop_wait(struct hop *hop, struct request *r)
{
	hop->last_used_ms = access_now_ms(hop->access);
	if (hop->is_neighbour || (!hop->is_connecting && hop_is_down(hop)))
		return false;
	if (hop->waiting_count >= ACCESS_WAITING_MAX) {
		set_failure(hop, 1007, "too many requests wait for it", "");
		return false;
	}
	request_wait(r, REQUEST_WAITS, &hop->waiting, &hop->waiting_count);
	hop_dial(hop);
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
	hop->dialling = 0;
	if (!is_this_hop(hop, flow)) {
		const struct policy_step *step = policy_step(POLICY_STEP_PEER_IDENTITY);

		set_failure(hop, 1010, "its certificate does not carry this name", "");
		hop->failure.cause = (struct cause){ step->name, step->advice };
		connection_close(flow->connection, CONNECTION_END_POLICY,
		                 "the certificate does not carry the member's name");
		connect_next(hop);
		return;
	}
	keep_connection(hop, flow->self);
	hop->is_connecting = false;
	hop->retry_at_ms = 0; /* how long the next back-off is, only an answer shows: flow.c */
	pool_connected(hop);
	request_wake(&hop->waiting, request_go_on);
	response_arm_timer(hop->access);
}

void hop_lost(struct hop *hop, const struct flow *flow)
{
	enum connection_end end = connection_end(flow->connection);
	const char *words = connection_end_words(flow->connection);

	drop_connection(hop, flow->self);
	if (hop->dialling != flow->self) {
		/*
		 * It was up: the next request connects again; but not to whom has refused our certificate.
		 */
		if (flow_was_refused(flow) && !hop->is_connecting) {
			set_failure(hop, 1047, "it refused our TLS", words);
			hop->failure.by = FAILED_BY_PARTNER;
			hop->failure.cause = end_cause(CONNECTION_END_TLS_THEIRS);
			fail_waiting(hop);
		}
		return;
	}
	hop->dialling = 0;
	set_failure(hop, end == CONNECTION_END_TLS_OURS || end == CONNECTION_END_TLS_THEIRS ? 1047 : 1046,
	            end == CONNECTION_END_TLS_THEIRS ? "it refused our TLS"
	            : end == CONNECTION_END_TLS_OURS ? "its TLS was refused by us"
	            : end == CONNECTION_END_TIMEOUT  ? "timed out"
	                                             : "cannot connect",
	            words);
	hop->failure.by = end == CONNECTION_END_TLS_THEIRS ? FAILED_BY_PARTNER
	                  : end == CONNECTION_END_TLS_OURS ? FAILED_BY_US
	                                                   : FAILED_BY_NETWORK;
	hop->failure.cause = end_cause(end);
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
	char key[HOP_KEY_BYTES];

	if (flow->back_port || flow->hop)
		return;
	flow->back_port = port ? port : ACCESS_PORT_SIPS;
	for (size_t i = 0; i < peer->dns_count; i++) {
		struct slice k = key_of(key, SIP_SIDE_EXTERNAL, peer->dns[i], flow->back_port, SLICE(""));
		struct hop *hop = k.len ? map_get(&a->hops, k) : NULL;

		if (hop)
			hop->carried_by = flow->self;
	}
}

/* ---- back-off ended by hand ---- */

static bool serves(struct access *a, const struct hop *hop, struct slice partner)
{
	struct partner *known = partner_find(a, partner);
	const struct image_allowed_domain *allowed = image_allowed_domain_find(a->image, partner);
	const struct image_sip_provider *provider = policy_provider_of_domain(a->image, partner);
	struct slice name = slice_of(hop->name);

	if (slice_equal(name, partner) ||
	    (provider && slice_equal(policy_image_text(a->image, provider->proxy_fqdn), name)) ||
	    (allowed && slice_equal(policy_image_text(a->image, allowed->proxy_fqdn), name)))
		return true;
	for (size_t i = 0; known && i < known->record_count; i++)
		if (slice_equal(known->targets[i], name))
			return true;
	return false;
}

size_t hop_retry(struct access *a, struct slice partner)
{
	size_t count = 0;

	LIST_EACH (at, &a->hop_list) {
		struct hop *hop = LIST_OWNER(at, struct hop, node);

		if (!serves(a, hop, partner))
			continue;
		count++;
		hop->retry_at_ms = hop->backoff_ms = 0;
		hop->users++; /* as in hop_ask_again */
		if (!hop_flow(hop, 0))
			hop_dial(hop);
		hop->users--;
	}
	return count;
}
