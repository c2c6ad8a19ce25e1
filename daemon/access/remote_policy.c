/*
 * remote_policy: a request from one of our users outside, or for one.
 *
 * All that comes from them goes to our pool, also what is for a partner: the pool sends that out again as any of our
 * users' (a spiral).  What is for one of them comes by the Path that the pool has kept, or in a dialog of his.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/access/passage.h"

bool remote_concerns(const struct passage *p)
{
	return p->flow->side == SIP_SIDE_REMOTE || p->to == SIP_SIDE_REMOTE;
}

static bool is_in_dialog(const struct passage *p) { return p->route == SIP_ROUTE_TOKEN; }

/* ---- who ---- */

/* RFC 3323 §4.1.1.3 and RFC 3261 §8.1.1.3: nobody with an account. */
static bool is_anonymous_uri(const struct sip_uri *uri)
{
	return slice_equal_nocase(uri->host, SLICE("anonymous.invalid")) &&
	       slice_equal_nocase(uri->user, SLICE("anonymous"));
}

static void take_local(struct passage *p, struct party party)
{
	p->facts.local_user = party.user;
	p->facts.local_domain = party.host;
}

static void take_account(struct passage *p, const struct remote_user *user)
{
	struct slice address = slice_of(user->account->address);
	size_t at = slice_find(address, '@');

	p->facts.local_user = slice_first(address, at);
	p->facts.local_domain = slice_after(address, at + 1);
}

/* Who says by P-Preferred-Identity who he is has an account (RFC 3325 §9.2), whatever From hides. */
static bool is_anonymous(const struct sip_message *m)
{
	return is_anonymous_uri(&m->from.uri) && !sip_message_header(m, SIP_P_PREFERRED_IDENTITY);
}

/* Every one of them has to be signed in here, or who is may not say so. */
static bool prefers_only_its_own(const struct passage *p)
{
	char room[POLICY_ADDRESS_BYTES];
	struct sip_walk walk = { 0 };
	struct slice value;

	while (sip_message_walk(p->m, SIP_P_PREFERRED_IDENTITY, &walk, &value)) {
		struct sip_address preferred;

		if (sip_address_parse(value, &preferred, NULL) != SIP_PARSE_OK ||
		    !remote_user_of(p->flow, remote_address(&preferred.uri, room), false))
			return false;
	}
	return true;
}

static bool is_own(const struct passage *p, const struct sip_uri *uri)
{
	return policy_image_is_own_domain(p->access->image, sip_host_lower(p->m->arena, uri->host));
}

/* The first who is signed in over it, or was. */
static const struct remote_user *anybody(const struct flow *flow)
{
	const struct remote *remote = flow->remote;

	for (size_t i = 0; i < remote->user_count; i++)
		if (!remote->users[i].has_lapsed)
			return &remote->users[i];
	return remote->user_count ? &remote->users[0] : NULL;
}

/* In a dialog From may be an alias by which he was called; then who is signed in answers for it. */
static void gather_sender(struct passage *p)
{
	char room[POLICY_ADDRESS_BYTES];
	struct slice address = remote_address(&p->m->from.uri, room);
	const struct remote_user *user = remote_user_of(p->flow, address, is_in_dialog(p));

	p->facts.source = POLICY_REMOTE;
	take_local(p, passage_from(p));
	if (!user && is_in_dialog(p) && is_own(p, &p->m->from.uri) && (user = anybody(p->flow)))
		take_account(p, user);
	p->facts.is_signed_in = user && prefers_only_its_own(p);
}

static void gather_anonymous_sender(struct passage *p)
{
	p->facts.source = POLICY_ANONYMOUS;
	take_local(p, passage_to(p));
	/* In a dialog a contact leads there, and To is what it was begun with. */
	p->facts.is_conference = service_names_meeting(&p->m->to.uri) &&
	                         (is_in_dialog(p) || service_names_meeting(&p->m->target_uri));
}

/*
 * What leads there and what the meeting's dialog is known by have to name one address, or the one that is asked
 * about would let in to the other.  Within a dialog the Request-URI is a contact: it may be a machine's, but no
 * other address of our own domains.
 */
static bool leads_elsewhere(const struct passage *p)
{
	char target_room[POLICY_ADDRESS_BYTES], to_room[POLICY_ADDRESS_BYTES];

	if (is_in_dialog(p) && !is_own(p, &p->m->target_uri))
		return false;
	return !slice_equal(remote_address(&p->m->target_uri, target_room),
	                    remote_address(&p->m->to.uri, to_room));
}

/* For whom of those over that flow?  To says it, but for an alias. */
static void gather_receiver(struct passage *p, const struct flow *flow)
{
	char room[POLICY_ADDRESS_BYTES];
	const struct remote_user *user = remote_user_of(flow, remote_address(&p->m->to.uri, room),
	                                                is_in_dialog(p));

	if (!user)
		user = anybody(flow);
	if (user && user->has_lapsed && !is_in_dialog(p))
		user = NULL;
	if (!user && flow->remote->meeting_count) {
		p->facts.source = POLICY_ANONYMOUS;
		p->facts.is_conference = true; /* what lets him in lets the meeting write back */
		take_local(p, passage_from(p));
		return;
	}
	p->facts.source = POLICY_REMOTE;
	take_local(p, is_in_dialog(p) ? passage_to(p)
	                              : (struct party){ p->m->to.uri.user,
	                                                sip_host_lower(p->m->arena, p->m->to.uri.host) });
	if (user)
		take_account(p, user);
	p->facts.is_signed_in = user != NULL;
}

static void gather(struct passage *p, const struct flow *receiver)
{
	p->facts = (struct policy_facts){ .service = service_of(p->m),
		                          .method = p->m->method_name,
		                          .direction = receiver ? POLICY_OUTWARD : POLICY_INWARD,
		                          .edge = access_edge_name(p->access, p->access->image) };
	if (receiver)
		gather_receiver(p, receiver);
	else if (is_anonymous(p->m))
		gather_anonymous_sender(p);
	else
		gather_sender(p);
}

/* ---- credentials ---- */

/* The n-th of all headers with credentials, whatever the realm (RFC 3261 §22.3): each is a try. */
static const struct sip_header *credentials_at(const struct sip_message *m, size_t n)
{
	static const enum sip_header_id kinds[] = { SIP_PROXY_AUTHORIZATION, SIP_AUTHORIZATION };

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (const struct sip_header *header = sip_message_header(m, kinds[i]); header;
		     header = sip_message_next(m, header))
			if (n-- == 0)
				return header;
	return NULL;
}

bool remote_credentials(const struct sip_message *m) { return credentials_at(m, 0) != NULL; }

/* "alice", "alice@contoso.example" and "CONTOSO\alice" are what programs write there; the domain is then From's. */
bool remote_credentials_user(const struct sip_message *m, size_t n, char to[POLICY_ADDRESS_BYTES],
                             struct slice *user)
{
	const struct sip_header *header = credentials_at(m, n);
	struct sip_uri uri = { .user = m->from.uri.user, .host = m->from.uri.host };
	struct slice name;
	size_t sign;

	if (header && sip_auth_param(header->value, SLICE("username"), &name) && name.len) {
		sign = slice_find(name, '@');
		uri.user = slice_first(name, sign);
		if (sign < name.len)
			uri.host = slice_after(name, sign + 1);
		while ((sign = slice_find(uri.user, '\\')) < uri.user.len)
			uri.user = slice_after(uri.user, sign + 1);
	}
	*user = remote_address(&uri, to);
	if (!user->len)
		*user = remote_address(&m->from.uri, to);
	return header != NULL;
}

/* ---- limits ---- */

static struct slice retry_after(struct passage *p, int64_t wait_ms)
{
	char *text = arena_printf(p->m->arena, "Retry-After: %lld\r\n", (long long)((wait_ms + 999) / 1000));

	return text ? slice_of(text) : SLICE("");
}

/* A sign-in that has not succeeded yet on this connection. */
static bool may_try(struct passage *p, struct slice user)
{
	int64_t wait_ms;

	if (!sign_ins_admit(p->flow, user, &wait_ms)) {
		passage_turn_down(p, POLICY_REFUSAL_SIGN_IN_HELD, "", retry_after(p, wait_ms));
		return false;
	}
	if (!sign_ins_take_turn(p->flow)) {
		passage_turn_down(p, POLICY_REFUSAL_SIGN_IN_RATE, "", SLICE(""));
		return false;
	}
	/* Where he was signed in before, it has been counted. */
	if (!remote_user_of(p->flow, user, true) &&
	    remote_connections_of(p->access, user) >= p->access->settings->remote_connections_per_user) {
		passage_turn_down(p, POLICY_REFUSAL_REMOTE_CONNECTIONS, "", SLICE(""));
		return false;
	}
	return true;
}

/* Whoever tries a password of somebody else waits like at a sign-in. False: it has been answered. */
static bool may_try_password(struct passage *p)
{
	char room[POLICY_ADDRESS_BYTES];
	struct slice user;
	int64_t wait_ms;

	for (size_t i = 0; remote_credentials_user(p->m, i, room, &user); i++)
		if (!remote_user_of(p->flow, user, false) && !sign_ins_admit(p->flow, user, &wait_ms)) {
			passage_turn_down(p, POLICY_REFUSAL_SIGN_IN_HELD, "", retry_after(p, wait_ms));
			return false;
		}
	return true;
}

/*
 * Only a registrar's answer signs somebody in: the Request-URI names a domain of ours and nobody (RFC 3261 §10.2).
 * To a user's address any program of his could answer 200.
 */
static bool asks_registrar(const struct passage *p)
{
	return !p->m->target_uri.has_user && is_own(p, &p->m->target_uri);
}

/* False: it has been answered. */
static bool may_register(struct passage *p)
{
	char room[POLICY_ADDRESS_BYTES], other[POLICY_ADDRESS_BYTES];
	struct slice user = remote_address(&p->m->to.uri, room);

	if (!asks_registrar(p)) {
		passage_turn_down(p, POLICY_REFUSAL_REGISTRAR, "", SLICE(""));
		return false;
	}
	if (user.len == 0 || !slice_equal(user, remote_address(&p->m->from.uri, other))) {
		passage_turn_down(p, POLICY_REFUSAL_SIGN_IN_FOR_ANOTHER, "", SLICE(""));
		return false;
	}
	return remote_user_of(p->flow, user, false) || may_try(p, user);
}

/* What strangers may have carried to the pool is bounded, whatever it is. False: it has been answered. */
static bool has_patience(struct passage *p)
{
	struct flow *flow = p->flow;

	if (remote_is_proven(flow))
		return true;
	if (++flow->remote->unproven > REMOTE_UNPROVEN_TOTAL) {
		passage_turn_down(p, POLICY_REFUSAL_SIGN_IN_RATE, "", SLICE(""));
		connection_close(flow->connection, CONNECTION_END_LIMIT,
		                 "too many requests without having signed in");
		return false;
	}
	return true;
}

static bool is_within_limits(struct passage *p)
{
	uint64_t rate = p->access->settings->remote_user_rate;

	if (p->flow->side != SIP_SIDE_REMOTE || p->m->method == SIP_ACK ||
	    (p->request && p->request->is_counted))
		return true;
	if (rate && !policy_rate_take(&p->flow->remote->rate, rate, access_now_ms(p->access))) {
		passage_turn_down(p, POLICY_REFUSAL_REMOTE_USER_RATE, "", SLICE(""));
		return false;
	}
	if (!has_patience(p))
		return false;
	/* A REGISTER too: who is signed in could renew that with the credentials of somebody else. */
	return (p->m->method != SIP_REGISTER || may_register(p)) && may_try_password(p);
}

/* ---- on its way ---- */

static void forward(struct passage *p, const struct flow *receiver)
{
	struct request *r;

	if (!passage_has_request(p))
		return;
	r = p->request;
	r->to = p->to;
	r->generation = p->verdict.generation;
	r->source_type = "InternetUser";
	r->verification = POLICY_VERIFICATION_NEVER;
	r->is_anonymous = p->facts.source == POLICY_ANONYMOUS;
	r->is_counted = true;
	r->remote_flow = receiver ? receiver->self : 0;
	if (receiver)
		request_set_targets_flow(r);
	else
		request_set_targets_pool(
		        r, is_in_dialog(p) ? p->token.next_hop : SLICE_NONE,
		        policy_site_of(p->access->image, p->facts.local_user, p->facts.local_domain));
	request_try(r, p->m);
}

void remote_decide(struct passage *p)
{
	struct access *a = p->access;
	struct flow *receiver = NULL;

	if (p->to == SIP_SIDE_REMOTE && !(receiver = remote_find(a, p->token.next_hop))) {
		passage_turn_down(p, POLICY_REFUSAL_FLOW_FAILED, "", SLICE(""));
		return;
	}
	gather(p, receiver);
	policy_decide(a->image, &p->facts, &p->verdict, NULL);
	if (p->verdict.answer == POLICY_REFUSE) {
		passage_refused_by_policy(p);
		return;
	}
	if (p->facts.source == POLICY_ANONYMOUS && !receiver && leads_elsewhere(p)) {
		passage_turn_down(p, POLICY_STEP_CONFERENCE_ADDRESS, "To and Request-URI name two addresses",
		                  SLICE(""));
		return;
	}
	if (!is_within_limits(p))
		return;
	if (!p->request || !p->request->is_counted) {
		a->counts.in += !receiver;
		a->counts.out += receiver != NULL;
	}
	report_passed(a, p->flow, p->m, &p->facts, &p->verdict);
	if (passage_is_for_us(p))
		passage_answer_options(p);
	else
		forward(p, receiver);
}
