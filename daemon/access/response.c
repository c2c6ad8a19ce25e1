/*
 * response: what comes back, and what transactions ask for in time.
 *
 * A response is forwarded only when it matches a client transaction by branch,
 * method and connection (RFC 6026 §7.2), and only down the connection its
 * request came on.
 */
#include <stdio.h>

#include "daemon/access/parts.h"
#include "daemon/link/sip_frame.h"

enum { RESPONSE_LOST_BATCH = 256 };

static void timer_fired(void *owner);

void response_arm_timer(struct access *a)
{
	int64_t next = sip_transactions_next_ms(a->transactions);

	if (next == INT64_MAX) {
		loop_timer_stop(&a->transaction_timer);
		return;
	}
	int64_t after = next - access_now_ms(a);

	loop_timer_set(a->loop, &a->transaction_timer, after > 0 ? after : 1, timer_fired, a);
}

/* ---- ends of transactions ---- */

/*
 * Nobody waits for its answer, and nothing of it is under way.  What still waits
 * goes on all the same (a sender may have closed behind its message), but no
 * telephone rings for a caller who is gone.
 */
static void release(struct request *r)
{
	bool waits = r->stage == REQUEST_LOOKUP || r->stage == REQUEST_WAITS;

	if (!r->server && !r->client && (r->stage == REQUEST_SENT || (waits && r->method == SIP_INVITE)))
		request_done(r);
}

static void end_server(struct access *a, struct sip_transaction *server)
{
	struct request *r = server->owner;

	flow_work_done(a, server->connection, false);
	sip_transactions_remove(a->transactions, server);
	if (r) {
		r->server = 0;
		release(r);
	}
}

static void end_client(struct access *a, struct sip_transaction *client)
{
	struct request *r = client->owner;

	flow_work_done(a, client->connection, true);
	sip_transactions_remove(a->transactions, client);
	if (r) {
		r->client = 0;
		release(r);
	}
}

/* Takes the client transaction from its request, so that a next target or an answer of ours can follow. */
static struct request *detach_client(struct access *a, struct sip_transaction *client)
{
	struct request *r = client->owner;

	client->owner = NULL;
	flow_work_done(a, client->connection, true);
	sip_transactions_remove(a->transactions, client);
	if (r)
		r->client = 0;
	return r;
}

static void send_stored(struct access *a, const struct sip_transaction *server)
{
	struct flow *flow = flow_find(a, server->connection);

	if (flow && buffer_length(&server->stored) &&
	    connection_send(flow->connection, buffer_slice(&server->stored)))
		flow->messages_out++;
}

void response_server_step(struct access *a, struct sip_transaction *server, enum sip_event event)
{
	unsigned todo = sip_transactions_step(a->transactions, server, event, access_now_ms(a));

	if (todo & SIP_DO_SEND_LAST)
		send_stored(a, server);
	if (todo & SIP_DO_SEND_100) {
		struct request *r = server->owner;
		struct flow *flow = flow_find(a, server->connection);
		struct sip_message m;

		arena_reset(&a->scratch);
		if (r && flow && request_parse(r, &m))
			request_reply(a, flow, server, &m, 100, NULL, SLICE(""));
		return;
	}
	if (todo & SIP_DO_END)
		end_server(a, server);
}

/* ---- a response from a target ---- */

static enum failure_by who_answered(const struct request *r)
{
	return r->to != SIP_SIDE_INTERNAL ? FAILED_BY_PARTNER : FAILED_BY_POOL;
}

static void remember_answer(struct request *r, const struct sip_message *m)
{
	char words[ACCESS_WORDS_BYTES];

	if (!r->partner)
		return;
	if (r->to == SIP_SIDE_EXTERNAL)
		r->partner->answered_ms = loop_now(r->access->loop).wall_ms;
	if (m->status < 400)
		return;
	snprintf(words, sizeof words, "%s answered %d %.*s to %.*s",
	         r->to == SIP_SIDE_EXTERNAL ? "the partner" : "our pool", m->status,
	         (int)(m->phrase.len > 80 ? 80 : m->phrase.len), m->phrase.ptr ? m->phrase.ptr : "",
	         SLICE_ARG(m->cseq.method));
	partner_error(r->to == SIP_SIDE_EXTERNAL ? &r->partner->error_out : &r->partner->error_in, r->access,
	              who_answered(r), (struct cause){ NULL, NULL }, words);
}

/* False: its sender has made it unusable. */
static bool pass_back(struct request *r, const struct sip_message *m)
{
	struct access *a = r->access;
	struct sip_transaction *server = sip_transactions_get(a->transactions, r->server);
	struct flow *source = server ? flow_find(a, server->connection) : NULL;
	struct buffer *out = source ? flow_queue(source) : NULL;
	struct sip_edits edits = { .count = 0 };
	size_t before;

	if (!out) {
		a->dropped++;
		if (server && m->status >= 200)
			response_server_step(a, server, SIP_EVENT_TRANSPORT_FAILED);
		return true;
	}
	before = buffer_length(out);
	if (r->from == SIP_SIDE_REMOTE)
		remote_answered(r, source, m, &edits);
	if (!sip_proxy_return(&a->proxy, m, r->to, r->from, &edits) || !sip_message_write(m, &edits, out)) {
		a->dropped++;
		flow_not_written(source);
		return false;
	}
	if (server->method == SIP_INVITE) {
		buffer_clear(&server->stored);
		buffer_add(&server->stored, slice_after(buffer_slice(out), before));
	}
	a->responses[m->status / 100 % 7]++;
	if (m->status >= 200 && source->side == SIP_SIDE_EXTERNAL)
		discovery_answered(source, m->status);
	flow_sent(source);
	response_server_step(a, server,
	                     m->status < 200   ? SIP_EVENT_1XX
	                     : m->status < 300 ? SIP_EVENT_2XX
	                                       : SIP_EVENT_3XX_6XX);
	return true;
}

/* A final answer that cannot be carried on: the asker still gets one. */
static void answer_unusable(struct access *a, struct sip_transaction *client)
{
	struct request *r = detach_client(a, client);

	r->failure = (struct failure){ .status = 502,
		                       .diagnostic = 1007,
		                       .words = "the answer that came could not be used",
		                       .is_public = true,
		                       .by = who_answered(r) };
	request_give_up(r, NULL);
}

/* 503 means the target, not the request: the next one is asked (§16.7 step 6); the last one's becomes 504. */
static void target_refused(struct access *a, struct sip_transaction *client)
{
	struct request *r = detach_client(a, client);

	if (!r)
		return;
	r->failure = (struct failure){ .status = 504, .diagnostic = 1007, .by = who_answered(r) };
	snprintf(r->failure.words, sizeof r->failure.words, "%.100s answered 503 Service Unavailable",
	         r->target_at < r->target_count ? r->targets[r->target_at]->name : "the next hop");
	request_failed(r);
}

/*
 * The gateway's own word on why a partner was not reached.  It is answered, told and remembered like any failure on
 * the way to a partner of SIP: the same header, the same event, the same last error.  False: it is the partner's.
 */
static bool gateway_gave_up(struct access *a, struct sip_transaction *client, const struct sip_message *m)
{
	const struct sip_header *header = sip_message_header(m, SIP_MS_DIAGNOSTICS);
	struct request *r = client->owner;
	struct slice words;
	int diagnostic;

	if (m->status < 400 || !header || !link_sip_read_verdict(header->value, &diagnostic, &words))
		return false;
	r->failure = (struct failure){ .status = m->status == 503 ? 504 : m->status, /* as target_refused */
		                       .diagnostic = diagnostic,
		                       .by = diagnostic == LINK_SIP_TEMPORARY   ? FAILED_BY_US
		                             : diagnostic == LINK_SIP_NO_REASON ? FAILED_BY_PARTNER
		                                                                : FAILED_BY_NETWORK };
	snprintf(r->failure.words, sizeof r->failure.words, "%.64s (XMPP): %.*s",
	         r->partner ? r->partner->domain : "", SLICE_ARG(words));
	request_give_up(detach_client(a, client), NULL);
	return true;
}

static void cancel_forward(struct request *r)
{
	struct access *a = r->access;
	struct sip_transaction *client = sip_transactions_get(a->transactions, r->client);
	struct flow *flow = client ? flow_find(a, client->connection) : NULL;
	struct buffer *out = flow ? flow_queue(flow) : NULL;

	if (!out || !sip_proxy_write_cancel(buffer_slice(&client->stored), SLICE(""), out))
		return;
	flow_sent(flow);
	r->has_sent_cancel = true;
	/* §9.1: no final answer 64*T1 after the CANCEL, and the INVITE counts as over. */
	sip_transactions_set_extra(a->transactions, client, SIP_EVENT_TIMER_C,
	                           access_now_ms(a) + SIP_TIMER_B_MS);
}

static void provisional(struct request *r, struct sip_transaction *client, int status)
{
	struct access *a = r->access;

	r->has_provisional = true;
	if (client->method == SIP_INVITE && status > 100 && !r->is_cancelled) /* §16.7 step 2 */
		sip_transactions_set_extra(a->transactions, client, SIP_EVENT_TIMER_C,
		                           access_now_ms(a) + SIP_TIMER_C_MS);
	if (r->is_cancelled && !r->has_sent_cancel)
		cancel_forward(r);
}

void response_received(struct flow *flow, const struct sip_message *m)
{
	struct access *a = flow->access;
	struct sip_transaction *client = sip_transactions_find_client(a->transactions, m, flow->self);
	struct request *r;
	unsigned todo;

	if (!client) {
		a->dropped++; /* late, replayed, or the answer to our CANCEL */
		return;
	}
	r = client->owner;
	if (!r && m->status >= 200)
		pool_answered(a, client->self, m->status);
	/* The branch says which transaction; the rest must fit it too, or the asker is told about another call (§8.2.6.2). */
	if (r && request_mark(a, m) != r->mark) {
		a->dropped++;
		return;
	}
	todo = sip_transactions_step(a->transactions, client,
	                             m->status < 200   ? SIP_EVENT_1XX
	                             : m->status < 300 ? SIP_EVENT_2XX
	                                               : SIP_EVENT_3XX_6XX,
	                             access_now_ms(a));
	if (todo & SIP_DO_SEND_ACK) {
		struct buffer *out = flow_queue(flow);

		if (out && sip_proxy_write_ack(buffer_slice(&client->stored), m, out))
			flow_sent(flow);
	}
	if (r && (todo & SIP_DO_PASS_UP)) {
		if (flow->is_gateway && gateway_gave_up(a, client, m))
			return;
		if (m->status < 200) {
			provisional(r, client, m->status);
		} else if (m->status == 503 && !r->is_cancelled) {
			target_refused(a, client);
			return;
		} else {
			remember_answer(r, m);
		}
		if (m->status != 100 && !pass_back(r, m) && m->status >= 200) {
			answer_unusable(a, client);
			return;
		}
	}
	if (todo & SIP_DO_END)
		end_client(a, client);
}

/* ---- CANCEL: hop by hop (RFC 3261 §9.2, §16.10) ---- */

void response_cancel(struct flow *flow, const struct sip_message *m)
{
	struct access *a = flow->access;
	struct sip_transaction *invite = sip_transactions_find_cancelled(a->transactions, m);
	struct failure none = { 0 };
	struct request *r = invite && invite->connection == flow->self ? invite->owner : NULL;

	if (!invite || invite->connection != flow->self) {
		request_reply(a, flow, NULL, m, 481, NULL, SLICE(""));
		return;
	}
	request_reply(a, flow, NULL, m, 200, NULL, SLICE(""));
	if (!r || r->is_cancelled)
		return;
	r->is_cancelled = true;
	if (r->stage == REQUEST_WAITS || r->stage == REQUEST_LOOKUP)
		request_answer(r, NULL, 487, &none, SLICE(""));
	else if (r->has_provisional)
		cancel_forward(r);
}

/* ---- time ---- */

static void no_answer(struct access *a, struct sip_transaction *client)
{
	/* RFC 4320 §4.2 forbids 408 to a non-INVITE; an answer there must be, so that no request stays without one. */
	int status = client->method == SIP_INVITE ? 408 : 504;
	struct request *r = detach_client(a, client);

	if (!r)
		return;
	r->failure = (struct failure){
		.status = status, .diagnostic = 1007, .words = "no answer came in time", .is_public = true
	};
	request_give_up(r, NULL);
}

static void client_timer(struct access *a, struct sip_transaction *client, enum sip_event event)
{
	unsigned todo = sip_transactions_step(a->transactions, client, event, access_now_ms(a));
	struct request *r = client->owner;

	if ((todo & SIP_DO_CANCEL) && r && r->has_provisional && !r->has_sent_cancel) {
		cancel_forward(r);
		return;
	}
	if (todo & (SIP_DO_REPORT_TIMEOUT | SIP_DO_CANCEL))
		no_answer(a, client);
	else if (todo & SIP_DO_END)
		end_client(a, client);
}

static void timer_fired(void *owner)
{
	struct access *a = owner;
	struct sip_transaction *t;
	enum sip_event event;

	while ((t = sip_transactions_due(a->transactions, access_now_ms(a), &event))) {
		if (t->machine == SIP_INVITE_CLIENT || t->machine == SIP_NON_INVITE_CLIENT)
			client_timer(a, t, event);
		else
			response_server_step(a, t, event);
	}
	response_arm_timer(a);
}

/* ---- a connection has gone ---- */

struct lost_batch {
	handle list[RESPONSE_LOST_BATCH];
	size_t count;
};

static void collect(void *to, struct sip_transaction *t)
{
	struct lost_batch *batch = to;

	if (batch->count < RESPONSE_LOST_BATCH)
		batch->list[batch->count++] = t->self;
}

/* An INVITE whose asker is gone rings no longer (RFC 3261 §16.10 lets a proxy cancel): nobody would take the answer. */
static void lose_server(struct access *a, struct sip_transaction *server)
{
	struct request *r = server->owner;
	bool rings = r && r->client && server->machine == SIP_INVITE_SERVER &&
	             server->state == SIP_STATE_PROCEEDING && !r->is_cancelled;

	end_server(a, server);
	if (!rings)
		return;
	r->is_cancelled = true;
	if (r->has_provisional)
		cancel_forward(r);
}

static void lose(struct access *a, struct sip_transaction *t, const struct failure *why)
{
	bool is_client = t->machine == SIP_INVITE_CLIENT || t->machine == SIP_NON_INVITE_CLIENT;
	struct request *r;

	if (!is_client) {
		lose_server(a, t);
		return;
	}
	if (t->state == SIP_STATE_COMPLETED || t->state == SIP_STATE_ACCEPTED) {
		end_client(a, t); /* the final answer has been passed on */
		return;
	}
	r = detach_client(a, t);
	if (r) {
		r->failure = *why;
		request_give_up(r, NULL);
	}
}

void response_connection_lost(struct access *a, handle connection, const struct failure *why)
{
	struct lost_batch batch;

	if (!a->transactions)
		return;
	/* Handles first: answering changes the table. Each round ends at least those it collected. */
	do {
		batch.count = 0;
		sip_transactions_each_on(a->transactions, connection, collect, &batch);
		for (size_t i = 0; i < batch.count; i++) {
			struct sip_transaction *t = sip_transactions_get(a->transactions, batch.list[i]);

			if (t)
				lose(a, t, why);
		}
	} while (batch.count > 0);
	response_arm_timer(a);
}
