/*
 * pool: the members of our own pool: which of them live, and whose addresses they have.
 *
 * Each is asked by OPTIONS (RFC 3261 §11) at an interval.  Any answer but one that
 * says that nobody is behind it shows that it lives; connections that fail count
 * as failures too.  After so many in a row a member is given nothing new while
 * another lives; dialogs stay with the member that has them.
 */
#include <stdio.h>

#include "daemon/access/parts.h"

enum { POOL_PING_BYTES = 2048, POOL_HEX_BYTES = 17 };

static const struct image_topology *topology(const struct access *a)
{
	return image_topology_at(a->image, 0);
}

struct hop *pool_hop(struct access *a, const struct image_pool_member *member)
{
	return hop_get(a, SIP_SIDE_INTERNAL, policy_image_text(a->image, member->fqdn),
	               (uint16_t)member->port, SLICE(""));
}

/* ---- does it live? ---- */

bool pool_is_ejected(const struct hop *hop)
{
	return hop->health.is_ejected && topology(hop->access)->pool_ping_interval > 0;
}

static void report(struct hop *hop, enum control_event_id id, const char *why)
{
	struct report report;

	report_open(&report, hop->access, id);
	json_put_text(&report.w, "member", hop->name);
	json_put_number(&report.w, "failures", hop->health.failures);
	json_put_text(&report.w, "why", why);
	report_send(&report);
}

void pool_failed(struct hop *hop, const char *why)
{
	struct pool_health *h = &hop->health;
	struct access *a = hop->access;

	if (hop->side != SIP_SIDE_INTERNAL || topology(a)->pool_ping_interval == 0)
		return;
	h->successes = 0;
	h->failures++;
	if (h->is_ejected || h->failures < topology(a)->pool_ping_failures)
		return;
	h->is_ejected = true;
	h->since_wall_ms = loop_now(a->loop).wall_ms;
	report(hop, CONTROL_EVENT_POOL_MEMBER_EJECTED, why);
}

static void succeeded(struct hop *hop)
{
	struct pool_health *h = &hop->health;

	h->failures = 0;
	h->successes++;
	if (!h->is_ejected || h->successes < topology(hop->access)->pool_ping_successes)
		return;
	h->is_ejected = false;
	report(hop, CONTROL_EVENT_POOL_MEMBER_RETURNED, "");
}

/* ---- asking ---- */

/*
 * Max-Forwards is 0 so that whoever gets it answers and nobody carries it on: a server that does not know its
 * own name for its own would send it back to us (RFC 3261 §11: such an OPTIONS is the receiver's to answer).
 */

static bool write_ping(struct access *a, const struct hop *hop, struct slice branch, struct buffer *out)
{
	const struct sip_side_names *us = &a->proxy.side[SIP_SIDE_INTERNAL];
	unsigned long long call = access_random(a), tag = access_random(a);

	return buffer_printf(out,
	                     "OPTIONS sip:%s:%u;transport=%.*s SIP/2.0\r\n"
	                     "Via: SIP/2.0/%.*s %.*s:%u;branch=%.*s\r\n"
	                     "Max-Forwards: 0\r\n"
	                     "From: <sip:%.*s>;tag=%016llx\r\n"
	                     "To: <sip:%s>\r\n"
	                     "Call-ID: %016llx@%.*s\r\n"
	                     "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
	                     hop->name, hop->port, SLICE_ARG(us->transport), SLICE_ARG(us->via_transport),
	                     SLICE_ARG(us->fqdn), us->port, SLICE_ARG(branch), SLICE_ARG(us->fqdn), tag,
	                     hop->name, call, SLICE_ARG(us->fqdn));
}

static void send_ping(struct hop *hop, struct flow *flow)
{
	struct access *a = hop->access;
	struct buffer *out = flow_queue(flow);
	char branch[sizeof "z9hG4bK" + POOL_HEX_BYTES];
	struct sip_transaction *client;

	snprintf(branch, sizeof branch, "z9hG4bK%016llx", (unsigned long long)access_random(a));
	if (!out || buffer_room(out) < POOL_PING_BYTES || !write_ping(a, hop, slice_of(branch), out))
		return; /* it is closing, or does not read: the connection's own deadlines tell */
	client = sip_transactions_add_client(a->transactions, SIP_OPTIONS, slice_of(branch), flow->self,
	                                     access_now_ms(a));
	flow_sent(flow);
	if (!client)
		return;
	flow->awaited++;
	hop->health.ping = client->self;
	hop->health.sent_ms = access_now_ms(a);
	response_arm_timer(a);
}

void pool_connected(struct hop *hop)
{
	struct flow *flow = hop->health.is_owed ? hop_flow(hop, 0) : NULL;

	hop->health.is_owed = false;
	if (flow)
		send_ping(hop, flow);
}

/* Not answered in time, or its connection has ended. */
static void give_up_ping(struct hop *hop)
{
	struct access *a = hop->access;
	struct sip_transaction *client = sip_transactions_get(a->transactions, hop->health.ping);

	hop->health.ping = 0;
	if (client) {
		flow_work_done(a, client->connection, true);
		sip_transactions_remove(a->transactions, client);
	}
	pool_failed(hop, "OPTIONS was not answered");
}

static void look_after(struct hop *hop, int64_t interval_ms)
{
	struct pool_health *h = &hop->health;
	int64_t now = access_now_ms(hop->access);
	struct flow *flow;

	if (h->ping && (now - h->sent_ms >= ACCESS_POOL_PING_MS ||
	                !sip_transactions_get(hop->access->transactions, h->ping)))
		give_up_ping(hop);
	if (h->ping || now < h->ping_at_ms)
		return;
	h->ping_at_ms = now + interval_ms;
	flow = hop_flow(hop, 0);
	if (flow) {
		send_ping(hop, flow);
	} else {
		h->is_owed = true;
		hop_dial(hop);
	}
}

void pool_second(struct access *a)
{
	int64_t interval_ms = (int64_t)topology(a)->pool_ping_interval * 1000;

	if (!interval_ms || !a->transactions || a->is_draining)
		return;
	for (size_t i = 0; i < image_pool_member_count(a->image); i++) {
		struct hop *hop = pool_hop(a, image_pool_member_at(a->image, i));

		if (hop)
			look_after(hop, interval_ms);
	}
}

/* Nobody is behind it (408, 504), or it wants no work (503): as bad as no answer. */
static bool shows_life(int status) { return status != 408 && status != 503 && status != 504; }

void pool_answered(struct access *a, handle client, int status)
{
	LIST_EACH (at, &a->hop_list) {
		struct hop *hop = LIST_OWNER(at, struct hop, node);
		char words[64];

		if (hop->side != SIP_SIDE_INTERNAL || hop->health.ping != client)
			continue;
		hop->health.ping = 0;
		snprintf(words, sizeof words, "OPTIONS was answered %d", status);
		if (shows_life(status))
			succeeded(hop);
		else
			pool_failed(hop, words);
		return;
	}
}

/* ---- whose addresses? ---- */

/*
 * Without TLS a member is known by its address, and a member without a fixed one
 * by what its name leads to.  The connection that comes of it is one to the pool.
 */
static void learn_addresses(struct hop *hop)
{
	if (!hop_is_down(hop) && !hop_flow(hop, 0))
		hop_dial(hop);
}

void pool_learn(struct access *a)
{
	if (!a->image || !a->transactions ||
	    !slice_equal(a->proxy.side[SIP_SIDE_INTERNAL].transport, SLICE("tcp")))
		return;
	for (size_t i = 0; i < image_pool_member_count(a->image); i++) {
		const struct image_pool_member *m = image_pool_member_at(a->image, i);
		struct hop *hop = policy_image_text(a->image, m->address).len ? NULL : pool_hop(a, m);

		if (hop)
			learn_addresses(hop);
	}
}

bool pool_has_address(struct access *a, const struct address *from, struct slice *member)
{
	for (size_t i = 0; i < image_pool_member_count(a->image); i++) {
		const struct image_pool_member *m = image_pool_member_at(a->image, i);
		struct slice text = policy_image_text(a->image, m->address);
		struct address fixed;
		struct hop *hop;

		*member = policy_image_text(a->image, m->fqdn);
		if (text.len) {
			if (address_read(text, (uint16_t)m->port, &fixed, NULL) == RESULT_OK &&
			    address_same_host(&fixed, from))
				return true;
			continue;
		}
		hop = pool_hop(a, m);
		for (size_t j = 0; hop && j < hop->address_count; j++)
			if (address_same_host(&hop->addresses[j], from))
				return true;
		if (hop)
			learn_addresses(hop); /* for the next time: it may have moved */
	}
	return false;
}
