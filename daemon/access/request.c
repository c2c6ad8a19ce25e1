/*
 * request: one request on its way: its targets, sending, the next target.
 * RFC 3261 §16.6 to §16.9.  Answers of our own: reply.c.
 *
 * A request keeps its bytes as they came, so each try is made afresh from the
 * original and nothing of a failed try lingers.  Once it has been written to a
 * connection it is not sent again elsewhere when that connection breaks: the
 * outcome is unknown, and a message delivered twice is worse than an error.
 */
#include <stdio.h>

#include "daemon/access/parts.h"
#include "shared/base/memory.h"
#include "shared/base/text.h"

enum {
	REQUEST_BYTES_MAX = SIP_HEADER_SECTION_MAX + 256 * 1024,
	REQUEST_KEPT_BYTES = 8192, /* a pooled one keeps this much of its buffer at most */
};

/* ---- life ---- */

struct request *request_new(struct access *a, struct flow *source, const struct sip_message *m)
{
	struct request *r;

	if (!list_is_empty(&a->idle_requests)) {
		r = LIST_OWNER(a->idle_requests.next, struct request, node);
		list_remove(&r->node);
		a->idle_request_count--;
	} else {
		r = mem_new(sizeof *r);
		if (!r)
			return NULL;
		list_start(&r->node);
		r->access = a;
		buffer_start(&r->bytes, REQUEST_BYTES_MAX);
	}
	buffer_add(&r->bytes, m->head);
	if (!buffer_add(&r->bytes, m->body)) {
		buffer_stop(&r->bytes);
		mem_free(r);
		return NULL;
	}
	r->method = m->method;
	r->from = source->side;
	r->source = source->self;
	r->came_ms = access_now_ms(a);
	r->mark = request_mark(a, m);
	a->request_count++;
	return r;
}

void request_wait(struct request *r, enum request_stage stage, struct list *waiting, size_t *count)
{
	r->stage = stage;
	r->waits_in = count;
	(*count)++;
	list_add_last(waiting, &r->node);
}

static void wait_is_over(struct request *r)
{
	list_remove(&r->node);
	if (r->waits_in)
		(*r->waits_in)--;
	r->waits_in = NULL;
}

void request_wake(struct list *waiting, void (*go_on)(struct request *r))
{
	struct list woken;

	list_start(&woken);
	while (!list_is_empty(waiting)) {
		struct request *r = LIST_OWNER(waiting->next, struct request, node);

		wait_is_over(r);
		list_add_last(&woken, &r->node);
	}
	while (!list_is_empty(&woken)) {
		struct request *r = LIST_OWNER(woken.next, struct request, node);

		list_remove(&r->node);
		go_on(r);
	}
}

static bool is_out_of_patience(const struct request *r)
{
	return access_now_ms(r->access) - r->came_ms >= ACCESS_PATIENCE_MS;
}

void request_give_up_waiting(struct list *waiting, const char *words)
{
	LIST_EACH_SAFE (at, waiting) {
		struct request *r = LIST_OWNER(at, struct request, node);

		if (!is_out_of_patience(r))
			continue;
		r->failure = (struct failure){ .status = 504, .diagnostic = 1008 };
		snprintf(r->failure.words, sizeof r->failure.words, "%s", words);
		request_give_up(r, NULL);
	}
}

/* RFC 3261 §8.2.6.2: what a response must repeat of its request. */
uint64_t request_mark(const struct access *a, const struct sip_message *m)
{
	return siphash(a->seed, m->call_id) * 31 + siphash(a->seed, m->from.tag) * 7 + m->cseq.number;
}

static void forget_targets(struct request *r)
{
	for (size_t i = 0; i < r->target_count; i++)
		r->targets[i]->users--;
	r->target_count = r->target_at = 0;
}

void request_done(struct request *r)
{
	struct access *a = r->access;
	struct buffer bytes = r->bytes;
	struct sip_transaction *server = sip_transactions_get(a->transactions, r->server);
	struct sip_transaction *client = sip_transactions_get(a->transactions, r->client);

	if (server)
		server->owner = NULL;
	if (client)
		client->owner = NULL;
	forget_targets(r);
	if (r->partner) {
		r->partner->users--;
		r->partner->asks -= r->is_asked;
	}
	wait_is_over(r);
	a->request_count--;
	if (a->idle_request_count >= ACCESS_REQUESTS_POOL || bytes.size > REQUEST_KEPT_BYTES) {
		buffer_stop(&r->bytes);
		mem_free(r);
		return;
	}
	*r = (struct request){ .access = a, .bytes = bytes };
	buffer_clear(&r->bytes);
	list_start(&r->node);
	list_add_first(&a->idle_requests, &r->node);
	a->idle_request_count++;
}

bool request_parse(struct request *r, struct sip_message *out)
{
	struct sip_fault fault;

	return sip_message_parse(buffer_slice(&r->bytes), &r->access->scratch, out, &fault) == SIP_PARSE_OK;
}

/* ---- targets ---- */

static void add_target(struct request *r, enum sip_side side, struct slice name, uint16_t port,
                       struct slice certificate)
{
	struct hop *hop = r->target_count < ACCESS_TARGETS_MAX
	                          ? hop_get(r->access, side, name, port, certificate)
	                          : NULL;

	if (!hop)
		return;
	hop->users++;
	r->targets[r->target_count++] = hop;
}

static uint32_t random_for_order(void *to) { return (uint32_t)access_random(to); }

/* Those that live, or all where none is known to: priority and weight as rows of the rule of RFC 2782. */
static size_t order_rank(struct access *a, const struct policy_way *way, unsigned rank, bool wants_ejected,
                         struct resolver_srv *order, size_t room)
{
	size_t count = 0;

	for (size_t i = 0; i < image_pool_member_count(a->image) && count < room; i++) {
		const struct image_pool_member *m = image_pool_member_at(a->image, i);
		const struct hop *hop = policy_member_rank(a->image, way, m) == rank ? pool_hop(a, m) : NULL;

		if (!hop || (pool_is_ejected(hop) && !wants_ejected))
			continue;
		order[count] = (struct resolver_srv){ (uint16_t)m->priority, (uint16_t)m->weight,
			                              (uint16_t)m->port, "" };
		if (slice_to_text(policy_image_text(a->image, m->fqdn), order[count].target,
		                  sizeof order[count].target))
			count++;
	}
	srv_order(order, count, random_for_order, a);
	return count;
}

/* The nearest pool first, whole, then the next. */
static size_t order_pool(struct access *a, const struct policy_way *way, bool wants_ejected,
                         struct resolver_srv order[RESOLVER_SRV_MAX])
{
	size_t count = 0;

	for (unsigned rank = 0; rank < POLICY_RANKS; rank++)
		count += order_rank(a, way, rank, wants_ejected, order + count, RESOLVER_SRV_MAX - count);
	return count;
}

/* In a dialog the member that has it; else those near to the receiver's site, by priority and weight. */
void request_set_targets_pool(struct request *r, struct slice member, struct slice site)
{
	struct policy_way way = policy_way_of(r->access->image, access_edge_name(r->access, r->access->image),
	                                      site);
	struct access *a = r->access;
	struct resolver_srv order[RESOLVER_SRV_MAX];
	const struct image_pool_member *known = member.len ? image_pool_member_find(a->image, member) : NULL;
	size_t count;

	forget_targets(r);
	if (known) {
		add_target(r, SIP_SIDE_INTERNAL, member, (uint16_t)known->port, SLICE(""));
		return;
	}
	count = order_pool(a, &way, false, order);
	if (count == 0)
		count = order_pool(a, &way, true, order);
	for (size_t i = 0; i < count; i++)
		add_target(r, SIP_SIDE_INTERNAL, slice_of(order[i].target), order[i].port, SLICE(""));
}

/* Ports of mail servers and the like are nothing a stranger's SRV record may send us to. */
static bool is_dialled_port(uint16_t port)
{
	return port > ACCESS_PORT_PRIVILEGED_MAX || port == ACCESS_PORT_HTTPS;
}

void request_set_targets_partner(struct request *r, const struct policy_verdict *verdict)
{
	struct access *a = r->access;
	struct partner *partner = r->partner;
	const struct image_sip_provider *provider = verdict->provider;
	struct slice certificate = provider ? policy_image_text(a->image, provider->outbound_certificate)
	                           : verdict->allowed
	                                   ? policy_image_text(a->image,
	                                                       verdict->allowed->outbound_certificate)
	                                   : SLICE("");

	forget_targets(r);
	if (verdict->protocol == POLICY_XMPP) {
		a->gateway_hop.users++;
		r->targets[r->target_count++] = &a->gateway_hop;
		return;
	}
	r->identity_rule = (int)verdict->identity;
	if (provider) {
		add_target(r, SIP_SIDE_EXTERNAL, policy_image_text(a->image, provider->proxy_fqdn),
		           (uint16_t)provider->proxy_port, certificate);
		return;
	}
	if (verdict->route == POLICY_ROUTE_PROXY_FQDN && verdict->allowed) {
		add_target(r, SIP_SIDE_EXTERNAL, policy_image_text(a->image, verdict->allowed->proxy_fqdn),
		           (uint16_t)verdict->allowed->proxy_port, certificate);
		return;
	}
	if (verdict->route == POLICY_ROUTE_DEFAULT) {
		add_target(r, SIP_SIDE_EXTERNAL, policy_image_text(a->image, a->settings->default_route_fqdn),
		           (uint16_t)a->settings->default_route_port, certificate);
		return;
	}
	for (size_t i = 0; partner && i < partner->record_count; i++) {
		/* A target outside the partner's domain proves nothing under the edge's-name rule. */
		if (verdict->identity == POLICY_IDENTITY_EDGE_FQDN &&
		    !policy_srv_target_fits(slice_of(partner->domain), partner->targets[i]))
			continue;
		if (!is_dialled_port(partner->records[i].port)) {
			r->failure = (struct failure){ .status = 504,
				                       .diagnostic = 1009,
				                       .words = "DNS names a port that is not dialled" };
			continue;
		}
		add_target(r, SIP_SIDE_EXTERNAL, partner->targets[i], partner->records[i].port, certificate);
	}
}

void request_set_targets_flow(struct request *r)
{
	forget_targets(r);
	/* RFC 5626 §5.3: no other connection will do. */
	r->failure = (struct failure){ .status = 430,
		                       .diagnostic = policy_step(POLICY_REFUSAL_FLOW_FAILED)->diagnostic,
		                       .words = "the user's connection has ended",
		                       .is_public = true };
}

/* ---- sending ---- */

/* Towards a partner the certificate must speak for it before the first byte is sent. */
static bool is_right_peer(struct request *r, const struct hop *hop, const struct flow *flow)
{
	struct policy_facts facts = { 0 };

	if (r->to == SIP_SIDE_INTERNAL || hop->is_neighbour)
		return true; /* hop_up has checked a pool member's; the gateway proves partners itself */
	flow_facts(flow, &facts);
	return policy_identity_matches(&facts, r->identity_rule, slice_of(hop->name),
	                               slice_of(r->partner->domain));
}

/* What may make a dialog: an INVITE or SUBSCRIBE outside one, and the first NOTIFY (RFC 6665 §4.3). */
static bool is_dialog_forming(const struct sip_message *m)
{
	return ((m->method == SIP_INVITE || m->method == SIP_SUBSCRIBE) && slice_is_empty(m->to.tag)) ||
	       m->method == SIP_NOTIFY;
}

static struct slice name_of_source(const struct request *r, const struct flow *source)
{
	if (r->from == SIP_SIDE_REMOTE)
		return source && source->remote ? slice_of(source->remote->name) : SLICE_NONE;
	if (r->from == SIP_SIDE_EXTERNAL)
		return slice_of(r->partner->domain);
	return source ? slice_of(source->partner) : SLICE_NONE;
}

static struct slice name_of_target(const struct request *r, const struct hop *hop)
{
	const struct flow *user = r->to == SIP_SIDE_REMOTE ? flow_find(r->access, r->remote_flow) : NULL;

	if (r->to == SIP_SIDE_REMOTE)
		return user && user->remote ? slice_of(user->remote->name) : SLICE_NONE;
	return slice_of(r->to == SIP_SIDE_INTERNAL ? hop->name : r->partner->domain);
}

/* False: no memory. */
static bool add_path(const struct request *r, const struct flow *source, const struct sip_message *m,
                     struct sip_edits *edits)
{
	return r->from != SIP_SIDE_REMOTE || !source || !source->remote ||
	       remote_add_path(r, source, m, edits);
}

/*
 * Who was asked about goes into the dialog's token where To is somebody else: a call that had been led on, or a sender
 * who names two people.  What is for a user outside has his contact there.
 */
static void take_decided(const struct request *r, const struct sip_message *m, enum sip_route_answer route,
                         const struct sip_token *token, struct sip_forward *how)
{
	if (route == SIP_ROUTE_TOKEN) {
		how->decided_user = token->decided_user;
		how->decided_host = token->decided_host;
		how->decided_is_from = token->decided_is_from;
	} else if (r->from != SIP_SIDE_REMOTE && r->to != SIP_SIDE_REMOTE &&
	           !sip_uri_is_same_party(&m->target_uri, &m->to.uri)) {
		how->decided_user = m->target_uri.user;
		how->decided_host = sip_host_lower(m->arena, m->target_uri.host);
	}
}

static bool write_forwarded(struct request *r, const struct hop *hop, const struct sip_message *m,
                            struct buffer *out, struct slice *branch)
{
	struct access *a = r->access;
	struct flow *source = flow_find(a, r->source);
	struct sip_edits edits = { .count = 0 };
	struct sip_token token;
	enum sip_route_answer route;
	char address[ADDRESS_TEXT_BYTES] = "";
	struct sip_forward how = {
		.from = r->from,
		.to = r->to,
		.branch = sip_proxy_branch(&a->proxy, r->from, m->arena, m, access_random(a)),
		.record_route = is_dialog_forming(m),
		.next_hop = name_of_target(r, hop),
		.previous_hop = name_of_source(r, source),
	};

	if (source && !source->is_gateway) {
		address_host_text(connection_remote(source->connection), address);
		how.source_address = slice_of(address);
		how.source_port = address_port(connection_remote(source->connection));
	}
	*branch = how.branch;
	route = sip_proxy_take_route(&a->proxy, r->from, m, &edits, &token, m->arena);
	take_decided(r, m, route, &token, &how);
	return how.branch.len && route != SIP_ROUTE_FORGED && route != SIP_ROUTE_OTHER_PARTIES &&
	       (r->to != SIP_SIDE_EXTERNAL || route == SIP_ROUTE_TOKEN || hop->is_neighbour ||
	        stamp_target(r, m, &edits)) &&
	       sip_proxy_forward(&a->proxy, m, &how, &edits, m->arena) && stamp_sender(r, m, &edits) &&
	       add_path(r, source, m, &edits) && !edits.is_broken && sip_message_write(m, &edits, out);
}

/* What came of one target. What waits may be gone by now. */
enum attempt { ATTEMPT_SENT, ATTEMPT_WAITS, ATTEMPT_FAILED };

static bool send_to(struct request *r, struct hop *hop, struct flow *flow, const struct sip_message *m)
{
	struct access *a = r->access;
	struct buffer *out = flow_queue(flow);
	struct slice branch;
	size_t before;
	struct sip_transaction *client;

	if (!out)
		return false;
	before = buffer_length(out);
	if (r->method != SIP_ACK && before &&
	    before + buffer_length(&r->bytes) > ACCESS_REQUESTS_QUEUED_MAX) {
		/* Refused one by one: a queue that overflows would end the connection, and all that is under way on it. */
		r->failure = (struct failure){ .status = 504, .diagnostic = 1046 };
		snprintf(r->failure.words, sizeof r->failure.words, "%.100s does not read what it is sent",
		         hop ? hop->name : flow->partner);
		return false;
	}
	if (!write_forwarded(r, hop, m, out, &branch)) {
		r->failure = (struct failure){ .status = 500,
			                       .diagnostic = 1007,
			                       .words = "the request could not be written" };
		return false;
	}
	if (r->method != SIP_ACK) {
		const struct sip_transaction *server = sip_transactions_get(a->transactions, r->server);
		enum admission_class class = server ? (enum admission_class)server->group : ADMISSION_ALLOWED;

		client = !door_has_transaction(a, class, NULL)
		                 ? NULL
		                 : sip_transactions_add_client(a->transactions, r->method, branch, flow->self,
		                                               access_now_ms(a));
		if (!client || (r->method == SIP_INVITE &&
		                !buffer_add(&client->stored, slice_after(buffer_slice(out), before)))) {
			if (client)
				sip_transactions_remove(a->transactions, client);
			out->end = out->start + before; /* take it back: nobody would match its answer */
			r->failure = (struct failure){ .status = 503,
				                       .diagnostic = 1007,
				                       .words = "too many transactions" };
			return false;
		}
		sip_transactions_set_group(a->transactions, client, (uint8_t) class);
		flow->awaited++;
		client->owner = r;
		client->other = r->server;
		r->client = client->self;
	}
	if (r->to == SIP_SIDE_EXTERNAL)
		flow_admit(flow, slice_of(r->partner->domain));
	r->stage = REQUEST_SENT;
	r->has_provisional = r->has_sent_cancel = false;
	flow_sent(flow);
	if (hop)
		hop_grow(hop, flow);
	return true;
}

/* WAITS: request_go_on or request_failed follow, or have followed. FAILED: r->failure says why. */
static enum attempt try_hop(struct request *r, struct hop *hop, const struct sip_message *m)
{
	/* By the call: what belongs to one dialog stays in order on one connection. */
	struct flow *flow = hop_flow(hop, siphash(r->access->seed, m->call_id));

	/* What the partner has opened need not speak for every domain behind the same name: then we dial. */
	if (flow && !hop_is_dialled(hop, flow) && !is_right_peer(r, hop, flow))
		flow = NULL;
	if (!flow) {
		if (hop_wait(hop, r))
			return ATTEMPT_WAITS;
		r->failure = hop->failure;
		return ATTEMPT_FAILED;
	}
	if (is_right_peer(r, hop, flow))
		return send_to(r, hop, flow, m) ? ATTEMPT_SENT : ATTEMPT_FAILED;
	r->failure = (struct failure){ .status = 504, .diagnostic = 1010, .by = FAILED_BY_US };
	snprintf(r->failure.words, sizeof r->failure.words,
	         "the certificate of %.100s does not speak for %.100s", hop->name, r->partner->domain);
	return ATTEMPT_FAILED;
}

/* To a remote user there is one way, tried once. */
static bool try_user(struct request *r, const struct sip_message *m)
{
	struct flow *flow = r->target_at == 0 ? flow_find(r->access, r->remote_flow) : NULL;

	return flow_is_usable(flow) && send_to(r, NULL, flow, m);
}

void request_try(struct request *r, const struct sip_message *m)
{
	struct sip_message again;

	if (!r->server && r->method == SIP_INVITE) {
		request_done(r); /* who called is gone */
		return;
	}
	if (!m) {
		arena_reset(&r->access->scratch);
		if (!request_parse(r, &again)) {
			r->failure = (struct failure){ .status = 503,
				                       .diagnostic = 1007,
				                       .words = "out of memory",
				                       .is_public = true,
				                       .by = FAILED_BY_US };
			request_answer(r, NULL, r->failure.status, &r->failure, SLICE(""));
			return;
		}
		m = &again;
	}
	if (r->to == SIP_SIDE_REMOTE && try_user(r, m)) {
		if (m->method == SIP_ACK)
			request_done(r);
		return;
	}
	if (r->target_count == 0 && r->failure.status == 0)
		r->failure = r->to == SIP_SIDE_INTERNAL
		                     ? (struct failure){ .status = 504,
			                                 .diagnostic = 1007,
			                                 .words = "no pool member is configured" }
		                     : (struct failure){ .status = 504,
			                                 .diagnostic = 1008,
			                                 .words = "the partner's edge is not known" };
	for (; r->target_at < r->target_count; r->target_at++) {
		enum attempt attempt = try_hop(r, r->targets[r->target_at], m);

		if (attempt == ATTEMPT_FAILED)
			continue;
		if (attempt == ATTEMPT_SENT && m->method == SIP_ACK) /* nothing answers it */
			request_done(r);
		return;
	}
	request_give_up(r, m);
}

static bool is_image_new(const struct request *r)
{
	return r->generation != policy_image_generation(r->access->image);
}

void request_go_on(struct request *r)
{
	if (is_image_new(r))
		inbound_resume(r);
	else
		request_try(r, NULL);
}

void request_failed(struct request *r)
{
	r->target_at++;
	if (is_out_of_patience(r))
		request_give_up(r, NULL);
	else
		request_go_on(r);
}

void request_give_up(struct request *r, const struct sip_message *m)
{
	struct access *a = r->access;
	struct failure why = r->failure;
	struct sip_message again;

	if (!m) {
		arena_reset(&a->scratch);
		m = request_parse(r, &again) ? &again : NULL;
	}
	if (!why.status)
		why.status = 504;
	if (r->method == SIP_ACK)
		a->dropped++;
	else
		report_failed(a, m, r->from, &why);
	if (r->partner)
		partner_error(r->to == SIP_SIDE_EXTERNAL ? &r->partner->error_out : &r->partner->error_in, a,
		              why.by, why.cause, why.words);
	request_answer(r, m, why.status, &why, SLICE(""));
}
