/*
 * inbound: a received message as a list of steps, each of which may end it.
 *
 *   validate   RFC 3261 §16.3 (Max-Forwards too) and RFC 4475; bad requests are answered, bad responses dropped
 *   absorb     retransmissions, ACK and CANCEL belong to transactions we have
 *   route      our own Route off; in dialog the token says where to
 *   cross      the table of methods
 *   gather     facts: domains, certificate, DNS
 *   decide     policy_decide
 *   forward    request.c
 *
 * What comes from our own users outside, or is for one, is gathered and decided in remote_policy.c.
 */
#include <stdio.h>

#include "daemon/access/passage.h"

static void report_malformed(struct flow *flow, const struct sip_fault *fault, const char *action)
{
	struct report report;
	char text[ADDRESS_TEXT_BYTES];

	flow->access->malformed++;
	if (!allowance_take(&flow->reports, access_now_ms(flow->access), ACCESS_REPORTS_PER_SECOND))
		return;
	report_open(&report, flow->access, CONTROL_EVENT_MESSAGE_MALFORMED);
	json_put_number(&report.w, "connection", (int64_t)flow->number);
	json_put_text(&report.w, "partner", flow->partner);
	json_put_text(&report.w, "address", remote_address_text(flow, text));
	json_put_number(&report.w, "offset", (int64_t)fault->offset);
	json_put_text(&report.w, "why", fault->why ? fault->why : "malformed");
	json_put_text(&report.w, "action", action);
	report_send(&report);
}

/* ---- the steps ---- */

/* True: the crossing table has settled it. In a dialog means what its rows mean: by a good token of ours. */
static bool step_cross(struct passage *p)
{
	char allow[256];

	bool is_in_dialog = p->route == SIP_ROUTE_TOKEN;

	switch (remote_concerns(p) ? sip_proxy_crossing_user(p->m->method, is_in_dialog)
	                           : sip_proxy_crossing(p->m->method, p->flow->side, is_in_dialog)) {
	case SIP_CROSS_PASS:
		if (!remote_concerns(p) && (p->m->method == SIP_SUBSCRIBE || p->m->method == SIP_NOTIFY) &&
		    !sip_proxy_event_crosses(p->m)) {
			passage_turn_down(p, POLICY_REFUSAL_EVENT_PACKAGE, "",
			                  SLICE("Allow-Events: presence, conference\r\n"));
			return true;
		}
		return false;
	case SIP_CROSS_ANSWER: return false; /* decide answers it */
	case SIP_CROSS_200: passage_refuse(p, 200, 0, "", SLICE("")); return true;
	case SIP_CROSS_481: passage_turn_down(p, POLICY_REFUSAL_DIALOG, "", SLICE("")); return true;
	case SIP_CROSS_489: passage_turn_down(p, POLICY_REFUSAL_EVENT_PACKAGE, "", SLICE("")); return true;
	case SIP_CROSS_405: break;
	}
	snprintf(allow, sizeof allow, "Allow: %.*s\r\n", SLICE_ARG(sip_proxy_allow()));
	passage_turn_down(p, POLICY_REFUSAL_METHOD, "", slice_of(allow));
	return true;
}

static bool step_loop(struct passage *p)
{
	if (sip_proxy_is_loop(&p->access->proxy, p->flow->side, p->m)) {
		passage_turn_down(p, POLICY_REFUSAL_LOOP, "", SLICE(""));
		return true;
	}
	return false;
}

static bool step_route(struct passage *p)
{
	struct sip_edits edits = { .count = 0 };

	p->route = sip_proxy_take_route(&p->access->proxy, p->flow->side, p->m, &edits, &p->token,
	                                p->m->arena);
	p->to = p->flow->side != SIP_SIDE_INTERNAL                          ? SIP_SIDE_INTERNAL
	        : p->route == SIP_ROUTE_TOKEN || p->route == SIP_ROUTE_FLOW ? p->token.towards
	                                                                    : SIP_SIDE_EXTERNAL;
	if (p->route == SIP_ROUTE_FORGED) {
		passage_turn_down(p, POLICY_REFUSAL_FOREIGN_ROUTE, "", SLICE(""));
		return true;
	}
	if (p->route == SIP_ROUTE_OTHER_PARTIES) {
		passage_turn_down(p, POLICY_REFUSAL_DIALOG_PARTIES, "", SLICE(""));
		return true;
	}
	if (p->route == SIP_ROUTE_TOKEN && p->token.towards != p->to) {
		passage_turn_down(p, POLICY_REFUSAL_ROUTE_BACK, "", SLICE(""));
		return true;
	}
	return false;
}

/* "sip.fabrikam.example" is in "fabrikam.example"; what has no dot within is in nothing. */
static struct slice domain_of_host(struct slice host)
{
	size_t dot = slice_find(host, '.');
	struct slice domain = dot < host.len ? slice_after(host, dot + 1) : SLICE_NONE;

	return slice_find(domain, '.') < domain.len ? domain : SLICE_NONE;
}

/*
 * A partner's edge that asks whether we live does so in its own name: From is the host, which no list has.
 * It is taken for the domain the host lies in when the certificate carries that host, and for the one it has
 * spoken for here before (a hoster's edge lies in none of its tenants' domains); policy then decides as ever.
 */
static struct slice domain_of_edge(const struct passage *p, struct slice from)
{
	struct slice domain = domain_of_host(from);
	const struct image_sip_provider *provider = policy_provider_of_edge(p->access->image, from);

	if (provider && provider->domains.count && flow_carries_name(p->flow, from))
		return policy_image_item(p->access->image, provider->domains, 0);
	if (image_allowed_domain_find(p->access->image, from) || !flow_carries_name(p->flow, from))
		return from;
	if (p->flow->domain_count && !image_allowed_domain_find(p->access->image, domain))
		return slice_of(p->flow->domains[0]);
	return domain.len ? domain : from;
}

static void step_gather(struct passage *p)
{
	struct party from = passage_from(p), to = passage_to(p);

	p->facts = (struct policy_facts){ .service = service_of(p->m),
		                          .is_conference = service_is_conference(p->m),
		                          .is_transfer = service_is_transfer(p->m),
		                          .is_in_dialog = p->route == SIP_ROUTE_TOKEN,
		                          .method = p->m->method_name,
		                          .edge = access_edge_name(p->access, p->access->image) };
	if (p->flow->side == SIP_SIDE_EXTERNAL) {
		p->facts.direction = POLICY_INWARD;
		p->facts.remote_domain = from.host;
		p->facts.local_domain = to.host;
		p->facts.local_user = to.user;
		if (p->flow->is_gateway) {
			p->facts.protocol = POLICY_XMPP;
		} else {
			flow_facts(p->flow, &p->facts);
			p->facts.said = stamp_said(p->m);
		}
		p->facts.is_solicited = contacts_know(p->access, from.user, &p->facts);
		if (passage_is_for_us(p))
			p->facts.remote_domain = domain_of_edge(p, from.host);
		if (passage_is_for_us(p) && image_topology_at(p->access->image, 0)->sip_domains.count)
			p->facts.local_domain = policy_image_item(
			        p->access->image, image_topology_at(p->access->image, 0)->sip_domains, 0);
	} else {
		p->facts.direction = POLICY_OUTWARD;
		p->facts.remote_domain = p->route == SIP_ROUTE_TOKEN && p->token.next_hop.len
		                                 ? p->token.next_hop
		                                 : to.host;
		p->facts.local_domain = from.host;
		p->facts.local_user = from.user;
	}
	p->partner = partner_find(p->access, p->facts.remote_domain);
	if (p->partner)
		partner_facts(p->partner, &p->facts);
}

/*
 * Whom we keep in mind: partners that are listed, one way or the other, and those that have come as far as a
 * look-up.  Names that strangers make up leave no trace.
 */
static bool is_worth_remembering(const struct passage *p)
{
	return p->verdict.answer != POLICY_REFUSE || p->verdict.allowed || p->verdict.xmpp ||
	       p->verdict.provider || p->verdict.step == POLICY_STEP_BLOCKED_DOMAIN;
}

/* Who waits for an answer that has been asked for costs no further look-up. */
static bool may_look_up(const struct passage *p)
{
	return p->flow->side == SIP_SIDE_INTERNAL || p->partner->is_looking_up ||
	       allowance_take(&p->flow->lookups, access_now_ms(p->access), ACCESS_LOOKUPS_PER_SECOND);
}

/* DNS first; the request waits with its partner. */
static void wait_for_lookup(struct passage *p)
{
	if (!may_look_up(p))
		passage_turn_down(p, POLICY_REFUSAL_LOOKUP_RATE, "", SLICE(""));
	else if (passage_has_request(p) && !partner_wait(p->partner, p->request))
		passage_turn_down(p, POLICY_REFUSAL_LOOKUP_QUEUE, "", SLICE(""));
}

static void step_forward(struct passage *p)
{
	struct access *a = p->access;
	struct request *r;

	if (!passage_has_request(p))
		return;
	r = p->request;
	r->to = p->to;
	r->generation = p->verdict.generation;
	r->source_type = stamp_source_type(&p->verdict);
	r->is_farewell = p->is_farewell;
	r->verification = p->verdict.verification;
	r->is_public = p->verdict.federation == POLICY_FEDERATION_PUBLIC;
	r->is_counted = true;
	if (r->partner) {
		r->partner->users--;
		r->partner->asks -= r->is_asked;
	}
	r->partner = p->partner;
	r->partner->users++;
	r->is_asked = p->flow->side == SIP_SIDE_EXTERNAL;
	r->partner->asks += r->is_asked;
	if (p->to == SIP_SIDE_INTERNAL)
		request_set_targets_pool(
		        r, p->route == SIP_ROUTE_TOKEN ? p->token.next_hop : SLICE_NONE,
		        policy_site_of(a->image, p->facts.local_user, p->facts.local_domain));
	else
		request_set_targets_partner(r, &p->verdict);
	if (p->flow->side != SIP_SIDE_INTERNAL || contacts_note(a, p->m, &p->facts, &p->verdict))
		request_try(r, p->m);
	else
		contacts_wait(r);
}

/* Each request once, however often it is decided on. */
static void count_passage(struct passage *p)
{
	struct access *a = p->access;

	if (p->request && p->request->is_counted)
		return;
	if (p->flow->side == SIP_SIDE_EXTERNAL) {
		a->counts.in++;
		p->partner->counts.in++;
	} else {
		a->counts.out++;
		p->partner->counts.out++;
	}
}

/*
 * Our pool sends out what is for a user of our own domain elsewhere, and the provider that hosts others of them does
 * the same: what it brought as one of ours and what comes back would go to and fro.  Only it may bring such senders.
 */
static bool goes_back(const struct passage *p)
{
	return p->flow->side == SIP_SIDE_INTERNAL && p->verdict.is_shared && p->route != SIP_ROUTE_TOKEN &&
	       policy_image_is_own_domain(p->access->image, p->facts.local_domain) &&
	       sip_proxy_has_passed(&p->access->proxy, p->m);
}

/* A partner on no list is watched: rate, different users, failures. False: answered. */
static bool step_discovered(struct passage *p)
{
	const char *why = "";

	if (p->flow->side == SIP_SIDE_INTERNAL || !policy_is_discovered(&p->verdict) ||
	    (p->request && p->request->is_counted) || p->m->method == SIP_ACK ||
	    discovery_admits(p->flow, &p->facts, &why))
		return true;
	passage_turn_down(p, POLICY_REFUSAL_DISCOVERED_LIMIT, why, SLICE(""));
	return false;
}

/* One of ours that sends too fast hears so; the others' share of what partners take stays theirs. False: answered. */
static bool step_sender(struct passage *p)
{
	if (p->flow->side == SIP_SIDE_EXTERNAL || (p->request && p->request->is_counted) ||
	    p->m->method == SIP_ACK || senders_admit(p->flow, &p->facts))
		return true;
	passage_turn_down(p, POLICY_REFUSAL_LOCAL_USER_RATE, "", SLICE(""));
	return false;
}

/* With all its connections together, one partner leaves room for the others. */
static bool asks_too_much(const struct passage *p)
{
	uint64_t most = p->access->settings->max_transactions / ACCESS_ONE_PARTNER_PART;

	if (p->partner->asks < most || !p->server)
		return false;
	door_limit_met(p->access, DOOR_TRANSACTIONS_OF_PARTNER, most, p->flow, p->partner->domain);
	return true;
}

/*
 * A partner is turned off, and our users are to see its contacts go and their sessions end: the gateway says so in
 * dialogs that policy had allowed.  It brings nothing of the partner's.
 */
static bool is_farewell(const struct passage *p)
{
	return p->is_farewell && p->flow->is_gateway && p->route == SIP_ROUTE_TOKEN &&
	       (p->m->method == SIP_NOTIFY || p->m->method == SIP_BYE || p->m->method == SIP_ACK);
}

/* Who is reached through another's dialog is asked about as well. True: refused, and answered. */
static bool step_target(struct passage *p)
{
	struct policy_facts facts;
	struct policy_verdict verdict;

	if (!passage_facts_of_target(p, &facts))
		return false;
	policy_decide(p->access->image, &facts, &verdict, NULL);
	if (verdict.answer != POLICY_REFUSE)
		return false;
	p->facts = facts;
	p->verdict = verdict;
	passage_refused_by_policy(p);
	return true;
}

static void decide(struct passage *p)
{
	struct access *a = p->access;

	if (remote_concerns(p)) {
		remote_decide(p);
		return;
	}

	if (p->flow->side == SIP_SIDE_INTERNAL && passage_is_for_us(p)) {
		passage_answer_options(p); /* our own pool asks whether we live: no policy */
		return;
	}
	step_gather(p);
	policy_decide(a->image, &p->facts, &p->verdict, NULL);
	if (is_farewell(p))
		p->verdict.answer = POLICY_PASS;
	if (!p->partner && is_worth_remembering(p))
		p->partner = partner_get(a, p->facts.remote_domain);
	if (!p->partner && p->verdict.answer != POLICY_REFUSE) {
		passage_turn_down(p, POLICY_REFUSAL_PARTNER_TABLE, "", SLICE(""));
		return;
	}
	switch (p->verdict.answer) {
	case POLICY_NEED_SRV: wait_for_lookup(p); return;
	case POLICY_REFUSE: passage_refused_by_policy(p); return;
	case POLICY_PASS: break;
	}
	if (step_target(p))
		return;
	if (goes_back(p)) {
		passage_turn_down(p, POLICY_REFUSAL_LOOP, "", SLICE(""));
		return;
	}
	if (!step_discovered(p) || !step_sender(p))
		return;
	if (p->flow->side == SIP_SIDE_EXTERNAL && !flow_admit(p->flow, p->facts.remote_domain)) {
		passage_turn_down(p, POLICY_REFUSAL_DISCOVERED_SHARE, "", SLICE(""));
		return;
	}
	if (p->flow->side == SIP_SIDE_EXTERNAL && asks_too_much(p)) {
		passage_turn_down(p, POLICY_REFUSAL_MAX_TRANSACTIONS, "", SLICE(""));
		return;
	}
	count_passage(p);
	report_passed(a, p->flow, p->m, &p->facts, &p->verdict);
	if (p->flow->side == SIP_SIDE_EXTERNAL) {
		if (p->m->via.has_alias)
			hop_offer(p->flow, p->m->via.port);
	}
	if (passage_is_for_us(p) ||
	    (p->m->method == SIP_OPTIONS && p->m->has_max_forwards && p->m->max_forwards == 0))
		passage_answer_options(p);
	else
		step_forward(p);
}

/* ---- entrances ---- */

/* The steps between absorbing and deciding. */
static void carry_on(struct passage *p)
{
	if (step_loop(p) || step_route(p) || step_cross(p))
		return;
	decide(p);
}

/* A 2xx ACK has no transaction: it is decided and carried like any request in a dialog. */
static void inbound_ack(struct flow *flow, const struct sip_message *m)
{
	struct access *a = flow->access;
	struct sip_transaction *invite = sip_transactions_find_server(a->transactions, m);
	struct passage p = { .flow = flow, .access = a, .m = m, .is_farewell = flow->is_farewell };

	if (invite && invite->connection == flow->self && invite->state != SIP_STATE_ACCEPTED)
		response_server_step(a, invite, SIP_EVENT_ACK);
	else
		carry_on(&p);
}

/* One partner may not fill the table; our own pool sends for many. */
static uint32_t connection_most(const struct flow *flow)
{
	uint32_t total = (uint32_t)flow->access->settings->max_transactions;

	if (flow->side == SIP_SIDE_INTERNAL || flow->is_gateway)
		return total;
	if (flow->side == SIP_SIDE_REMOTE && !remote_is_proven(flow))
		return REMOTE_UNPROVEN_REQUESTS;
	total /= ACCESS_ONE_PARTNER_PART;
	return total < SIP_TRANSACTIONS_PER_CONNECTION_MAX ? total : SIP_TRANSACTIONS_PER_CONNECTION_MAX;
}

/* NULL: there is no room for it, and that has been told. */
static struct sip_transaction *add_server(struct passage *p)
{
	struct access *a = p->access;
	struct flow *flow = p->flow;
	uint32_t most = connection_most(flow);
	struct sip_transaction *server;

	if (!door_has_transaction(a, flow->pass.class, flow))
		return NULL;
	server = sip_transactions_add_server_within(a->transactions, p->m, flow->self, most,
	                                            access_now_ms(a));
	if (server)
		sip_transactions_set_group(a->transactions, server, (uint8_t)flow->pass.class);
	else if (flow->under_way >= most)
		door_limit_met(a, DOOR_TRANSACTIONS_OF_ONE, most, flow, flow->partner);
	return server;
}

static void inbound_request(struct flow *flow, const struct sip_message *m)
{
	struct access *a = flow->access;
	struct passage p = { .flow = flow, .access = a, .m = m, .is_farewell = flow->is_farewell };
	struct sip_fault fault = { 0 };
	struct sip_transaction *known;

	if (!sip_validate_request(m, &fault)) {
		report_malformed(flow, &fault, m->method == SIP_ACK ? "dropped" : "answered");
		passage_refuse(&p, fault.status, ACCESS_DIAGNOSTIC_MALFORMED, fault.why, SLICE(""));
		return;
	}
	if (m->method == SIP_ACK) {
		inbound_ack(flow, m);
		return;
	}
	known = sip_transactions_find_server(a->transactions, m);
	if (known && known->connection == flow->self) {
		response_server_step(a, known, SIP_EVENT_REQUEST);
		return;
	}
	if (m->method == SIP_CANCEL) {
		response_cancel(flow, m);
		return;
	}
	if (a->is_draining) {
		/* RFC 3261 §20.33: the answer says when it is worth asking again; another edge takes it at once. */
		passage_turn_down(&p, POLICY_REFUSAL_STOPPING, "", SLICE(""));
		return;
	}
	if (flow->retired_why) {
		passage_refuse(&p, 503, 1007, "this connection is being closed; send on another", SLICE(""));
		return;
	}
	p.server = add_server(&p);
	if (!p.server) {
		passage_turn_down(&p, POLICY_REFUSAL_MAX_TRANSACTIONS, "", SLICE(""));
		return;
	}
	flow->under_way++;
	carry_on(&p);
}

void inbound_resume(struct request *r)
{
	struct access *a = r->access;
	struct flow *flow = flow_find(a, r->source);
	struct sip_message m;
	struct passage p = { .access = a, .request = r, .is_farewell = r->is_farewell };

	struct failure why = { .status = 503,
		               .diagnostic = 1007,
		               .words = "out of memory",
		               .is_public = true,
		               .by = FAILED_BY_US };

	arena_reset(&a->scratch);
	if (!flow || (!r->server && r->method != SIP_ACK)) {
		request_done(r); /* nobody waits for its answer any more */
		return;
	}
	if (!request_parse(r, &m)) {
		request_answer(r, NULL, why.status, &why, SLICE(""));
		return;
	}
	p.flow = flow;
	p.m = &m;
	p.server = sip_transactions_get(a->transactions, r->server);
	if (!step_route(&p))
		decide(&p);
	response_arm_timer(a);
}

void inbound_message(struct flow *flow, struct slice bytes)
{
	struct access *a = flow->access;
	struct sip_message m;
	struct sip_fault fault = { 0 };

	arena_reset(&a->scratch);
	switch (sip_message_parse(bytes, &a->scratch, &m, &fault)) {
	case SIP_PARSE_OK: break;
	case SIP_PARSE_MORE: /* a framed message is whole */
	case SIP_PARSE_BAD: {
		struct passage p = { .flow = flow, .access = a, .m = &m };
		bool answers = m.is_request && m.method != SIP_ACK;

		report_malformed(flow, &fault, answers ? "answered" : "dropped");
		if (answers)
			passage_refuse(&p, fault.status ? fault.status : 400, ACCESS_DIAGNOSTIC_MALFORMED,
			               fault.why, SLICE(""));
		return;
	}
	case SIP_PARSE_NO_MEMORY:
		a->dropped++;
		connection_close(flow->connection, CONNECTION_END_LIMIT, "a message took too much memory");
		return;
	}
	if (m.is_request)
		inbound_request(flow, &m);
	else if (sip_validate_response(&m, &fault))
		response_received(flow, &m);
	else
		report_malformed(flow, &fault, "dropped");
	response_arm_timer(a);
}

/* Framing in doubt: at most one answer, then the connection ends, for what follows cannot be trusted. */
void inbound_broken(struct flow *flow, struct slice head, const struct sip_fault *fault, bool is_too_large)
{
	struct access *a = flow->access;
	struct sip_message m;
	struct sip_fault ignored = { 0 };
	struct passage p = { .flow = flow, .access = a, .m = &m };
	int status = fault->status ? fault->status : is_too_large ? 513 : 400;

	report_malformed(flow, fault, "connection closed");
	arena_reset(&a->scratch);
	if (head.len > 0 && sip_message_parse(head, &a->scratch, &m, &ignored) != SIP_PARSE_NO_MEMORY &&
	    m.is_request && m.method != SIP_ACK)
		passage_refuse(&p, status, ACCESS_DIAGNOSTIC_MALFORMED, fault->why, SLICE(""));
	connection_close(flow->connection, CONNECTION_END_PROTOCOL, fault->why);
}
