/*
 * request: one request on its way: its targets, sending, the next target, and
 * answers of our own.  RFC 3261 §16.6 to §16.9.
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
	REPLY_EXTRA_MAX = 1024,
	BRANCH_HEX = 16,
	FORWARD_ADDED_MAX = 4096
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

struct request *request_next_waiting(struct list *waiting)
{
	struct request *r;

	if (list_is_empty(waiting))
		return NULL;
	r = LIST_OWNER(waiting->next, struct request, node);
	wait_is_over(r);
	return r;
}

static void forget_targets(struct request *r)
{
	for (size_t i = 0; i < r->target_count; i++)
		r->targets[i].hop->users--;
	r->target_count = r->target_at = 0;
}

void request_done(struct request *r)
{
	struct access *a = r->access;
	struct buffer bytes = r->bytes;

	forget_targets(r);
	if (r->partner)
		r->partner->users--;
	wait_is_over(r);
	a->request_count--;
	if (a->idle_request_count >= ACCESS_REQUESTS_POOL || bytes.size > 8192) {
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

static void add_target(struct request *r, enum sip_side side, struct slice name, uint16_t port)
{
	struct hop *hop = r->target_count < ACCESS_TARGETS_MAX ? hop_get(r->access, side, name, port) : NULL;

	if (!hop)
		return;
	hop->users++;
	r->targets[r->target_count++].hop = hop;
}

static uint32_t random_for_order(void *to) { return (uint32_t)access_random(to); }

/* In a dialog the member that has it; else all, by priority and weight (RFC 2782's rule). */
void request_set_targets_pool(struct request *r, struct slice member)
{
	struct access *a = r->access;
	struct resolver_srv order[RESOLVER_SRV_MAX];
	const struct image_pool_member *known = member.len ? image_pool_member_find(a->image, member) : NULL;
	size_t count = 0;

	forget_targets(r);
	if (known) {
		add_target(r, SIP_SIDE_INTERNAL, member, (uint16_t)known->port);
		return;
	}
	for (size_t i = 0; i < image_pool_member_count(a->image) && count < RESOLVER_SRV_MAX; i++) {
		const struct image_pool_member *m = image_pool_member_at(a->image, i);

		order[count] = (struct resolver_srv){ (uint16_t)m->priority, (uint16_t)m->weight,
			                              (uint16_t)m->port, "" };
		if (slice_to_text(policy_image_text(a->image, m->fqdn), order[count].target,
		                  sizeof order[count].target))
			count++;
	}
	srv_order(order, count, random_for_order, a);
	for (size_t i = 0; i < count; i++)
		add_target(r, SIP_SIDE_INTERNAL, slice_of(order[i].target), order[i].port);
}

void request_set_targets_partner(struct request *r, const struct policy_verdict *verdict)
{
	struct access *a = r->access;
	struct partner *partner = r->partner;

	forget_targets(r);
	r->identity_rule = (int)verdict->identity;
	if (verdict->route == POLICY_ROUTE_PROXY_FQDN && verdict->allowed) {
		add_target(r, SIP_SIDE_EXTERNAL, policy_image_text(a->image, verdict->allowed->proxy_fqdn),
		           (uint16_t)verdict->allowed->proxy_port);
		return;
	}
	for (size_t i = 0; partner && i < partner->record_count; i++) {
		/* A target outside the partner's domain proves nothing under the edge's-name rule. */
		if (verdict->identity == POLICY_IDENTITY_EDGE_FQDN &&
		    !policy_srv_target_fits(slice_of(partner->domain), partner->targets[i]))
			continue;
		add_target(r, SIP_SIDE_EXTERNAL, partner->targets[i], partner->records[i].port);
	}
}

/* ---- sending ---- */

/* Towards a partner the certificate must speak for it before the first byte is sent. */
static bool is_right_peer(struct request *r, const struct hop *hop, const struct flow *flow)
{
	struct policy_facts facts = { 0 };

	if (r->to == SIP_SIDE_INTERNAL || !r->partner)
		return true; /* hop_up has checked a pool member's */
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
	if (r->from == SIP_SIDE_EXTERNAL)
		return r->partner ? slice_of(r->partner->domain) : SLICE_NONE;
	return source ? slice_of(source->partner) : SLICE_NONE;
}

static bool write_forwarded(struct request *r, const struct hop *hop, const struct sip_message *m,
                            struct buffer *out, struct slice *branch)
{
	struct access *a = r->access;
	struct flow *source = flow_find(a, r->source);
	struct sip_edits edits = { .count = 0 };
	struct sip_token token;
	char address[ADDRESS_TEXT_BYTES] = "";
	struct sip_forward how = {
		.from = r->from,
		.to = r->to,
		.branch = sip_proxy_branch(&a->proxy, m->arena, m, access_random(a)),
		.record_route = is_dialog_forming(m),
		.next_hop = r->to == SIP_SIDE_INTERNAL ? slice_of(hop->name)
		            : r->partner               ? slice_of(r->partner->domain)
		                                       : SLICE_NONE,
		.previous_hop = name_of_source(r, source),
	};

	if (source) {
		address_host_text(connection_remote(source->connection), address);
		how.source_address = slice_of(address);
		how.source_port = address_port(connection_remote(source->connection));
	}
	*branch = how.branch;
	return how.branch.len &&
	       sip_proxy_take_route(&a->proxy, r->from, m, &edits, &token, m->arena) != SIP_ROUTE_FORGED &&
	       sip_proxy_forward(&a->proxy, m, &how, &edits, m->arena) && !edits.is_broken &&
	       sip_message_write(m, &edits, out);
}

/* Sends 100 upstream as soon as an INVITE goes on (RFC 3261 §16.2); a non-INVITE gets it late, if ever (RFC 4320). */
static void quench(struct request *r, const struct sip_message *m)
{
	struct access *a = r->access;
	struct sip_transaction *server = sip_transactions_get(a->transactions, r->server);
	struct flow *source = flow_find(a, r->source);

	if (server && source && r->stage == REQUEST_FREE && r->method == SIP_INVITE)
		request_reply(a, source, server, m, 100, NULL, SLICE(""));
}

static bool send_to(struct request *r, const struct hop *hop, struct flow *flow, const struct sip_message *m)
{
	struct access *a = r->access;
	struct buffer *out = flow_queue(flow);
	struct slice branch;
	size_t before;
	struct sip_transaction *client;

	if (!out)
		return false;
	before = buffer_length(out);
	if (!write_forwarded(r, hop, m, out, &branch)) {
		r->failure = (struct failure){ 500, 1007, "the request could not be written" };
		if (before && buffer_room(out) < buffer_length(&r->bytes) + FORWARD_ADDED_MAX) {
			r->failure = (struct failure){ 504, 1046, "" };
			snprintf(r->failure.words, sizeof r->failure.words,
			         "%.100s does not read what it is sent", hop->name);
		}
		return false;
	}
	if (r->method != SIP_ACK) {
		client = sip_transactions_add_client(a->transactions, r->method, branch, flow->self,
		                                     access_now_ms(a));
		if (!client || (r->method == SIP_INVITE &&
		                !buffer_add(&client->stored, slice_after(buffer_slice(out), before)))) {
			if (client)
				sip_transactions_remove(a->transactions, client);
			out->end = out->start + before; /* take it back: nobody would match its answer */
			r->failure = (struct failure){ 503, 1007, "too many transactions" };
			return false;
		}
		flow->awaited++;
		client->owner = r;
		client->other = r->server;
		r->client = client->self;
	}
	if (r->to == SIP_SIDE_EXTERNAL && r->partner)
		flow_admit(flow, slice_of(r->partner->domain));
	r->stage = REQUEST_SENT;
	r->has_provisional = false;
	flow_sent(flow);
	return true;
}

void request_try(struct request *r, const struct sip_message *m)
{
	struct access *a = r->access;
	struct sip_message again;

	if (!m) {
		arena_reset(&a->scratch);
		if (!request_parse(r, &again)) {
			request_done(r);
			return;
		}
		m = &again;
	}
	quench(r, m);
	if (r->target_count == 0 && r->failure.status == 0)
		r->failure = r->to == SIP_SIDE_INTERNAL
		                     ? (struct failure){ 504, 1007, "no pool member is configured" }
		                     : (struct failure){ 504, 1008, "the partner's edge is not known" };
	for (; r->target_at < r->target_count; r->target_at++) {
		struct hop *hop = r->targets[r->target_at].hop;
		struct flow *flow = hop_flow(hop);

		if (flow && !is_right_peer(r, hop, flow)) {
			r->failure = (struct failure){ 504, 1010, "" };
			snprintf(r->failure.words, sizeof r->failure.words,
			         "the certificate of %.100s does not speak for %.100s", hop->name,
			         r->partner->domain);
		} else if (flow && send_to(r, hop, flow, m)) {
			if (r->method == SIP_ACK)
				request_done(r);
			return;
		} else if (!flow && hop_wait(hop, r)) {
			return;
		} else if (!flow) {
			r->failure = hop->failure;
		}
	}

	struct failure why = r->failure;

	if (r->method != SIP_ACK)
		report_failed(a, m, r->from, &why);
	if (r->partner)
		partner_error(r->to == SIP_SIDE_EXTERNAL ? &r->partner->error_out : &r->partner->error_in, a,
		              why.words);
	request_answer(r, m, why.status ? why.status : 504, &why, SLICE(""));
}

void request_failed(struct request *r)
{
	r->target_at++;
	request_try(r, NULL);
}

/* ---- answers of our own ---- */

/*
 * The reason in the partner's and the pool's own words: ms-diagnostics stays
 * inside, ms-diagnostics-public may leave and tells nothing about the inside ([MS-OCER]).
 */
static void add_diagnostics(struct buffer *out, const struct access *a, enum sip_side side,
                            const struct failure *why)
{
	struct slice words = slice_of(why->words);

	if (!why->diagnostic)
		return;
	buffer_printf(out, "%s: %d;reason=\"",
	              side == SIP_SIDE_EXTERNAL ? "ms-diagnostics-public" : "ms-diagnostics",
	              why->diagnostic);
	for (size_t i = 0; i < words.len; i++) {
		char c = words.ptr[i];

		buffer_add_char(out,
		                c == '"' || c == '\\' || (unsigned char)c < 0x20 || (unsigned char)c >= 0x7f
		                        ? '\''
		                        : c);
	}
	buffer_printf(out, "\";source=\"%.*s\"\r\n", SLICE_ARG(a->proxy.side[side].fqdn));
}

/* Our tag for a request: the same for its retransmissions, another for every other request. */
static void make_tag(const struct access *a, const struct sip_message *m, char to[BRANCH_HEX + 1])
{
	uint64_t h = siphash(a->seed, m->call_id) ^ siphash(a->seed, m->via.branch);

	snprintf(to, BRANCH_HEX + 1, "%016llx", (unsigned long long)h);
}

static enum sip_event event_of(int status)
{
	return status < 200 ? SIP_EVENT_1XX : status < 300 ? SIP_EVENT_2XX : SIP_EVENT_3XX_6XX;
}

void request_reply(struct access *a, struct flow *flow, struct sip_transaction *server,
                   const struct sip_message *m, int status, const struct failure *why, struct slice extra)
{
	struct buffer *out = flow_queue(flow);
	struct buffer headers;
	char tag[BRANCH_HEX + 1];
	size_t before;

	if (out) {
		before = buffer_length(out);
		buffer_start(&headers, REPLY_EXTRA_MAX);
		buffer_add(&headers, extra);
		if (why)
			add_diagnostics(&headers, a, flow->side, why);
		make_tag(a, m, tag);
		if (sip_reply_write(m, status, sip_phrase(status), slice_of(tag), buffer_slice(&headers),
		                    out)) {
			if (server && server->method == SIP_INVITE) {
				buffer_clear(&server->stored);
				buffer_add(&server->stored, slice_after(buffer_slice(out), before));
			}
			a->responses[status / 100 % 7]++;
			flow_sent(flow);
		} else {
			a->dropped++;
		}
		buffer_stop(&headers);
	}
	if (server)
		response_server_step(a, server, event_of(status));
}

void request_answer(struct request *r, const struct sip_message *m, int status, const struct failure *why,
                    struct slice extra)
{
	struct access *a = r->access;
	struct flow *source = flow_find(a, r->source);
	struct sip_transaction *server = sip_transactions_get(a->transactions, r->server);
	struct sip_message again;

	if (!m && server && source) {
		arena_reset(&a->scratch);
		if (request_parse(r, &again))
			m = &again;
	}
	if (server)
		server->owner = NULL;
	r->server = 0;
	if (server && source && m)
		request_reply(a, source, server, m, status, why, extra);
	else if (server)
		response_server_step(a, server, SIP_EVENT_TRANSPORT_FAILED);
	request_done(r);
}
