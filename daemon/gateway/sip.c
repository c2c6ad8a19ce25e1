/*
 * sip: transactions with the Access Edge (RFC 3261 §17, over a reliable stream).
 *
 * What it sends has been validated and decided there; here it is only taken apart, held against what is under way,
 * and handed on.  Dialogs are the business of who is above.
 */
#include <stdio.h>

#include "daemon/crypto/crypto.h"
#include "daemon/gateway/parts.h"
#include "daemon/sip/proxy.h"
#include "shared/base/memory.h"

enum {
	TAG_BYTES = 17,
	LOST_BATCH = 256,
	HOPS_FIRST = 70, /* RFC 3261 §8.1.1.6 */
};

/* No host of anybody's (RFC 2606 §2): answers come down the stream, never by this name. */
#define SIP_SENT_BY "xmpp-gateway.invalid"

/* A request that waits for its answer: owner of the server transaction. */
struct incoming {
	struct buffer head; /* as it came, for the answers */
	char tag[TAG_BYTES];
};

/* A request of ours: owner of the client transaction. */
struct outgoing {
	uint64_t token;
	bool is_cancelled, has_provisional, has_sent_cancel;
};

/* ---- ends ---- */

static void end_server(struct gateway *g, struct sip_transaction *server)
{
	struct incoming *incoming = server->owner;

	if (incoming)
		buffer_stop(&incoming->head);
	mem_free(incoming);
	sip_transactions_remove(g->transactions, server);
}

/* The token that waits for an outcome; 0: it has had it. */
static uint64_t take_token(struct sip_transaction *client)
{
	struct outgoing *outgoing = client->owner;
	uint64_t token = outgoing ? outgoing->token : 0;

	mem_free(outgoing);
	client->owner = NULL;
	return token;
}

static void end_client(struct gateway *g, struct sip_transaction *client)
{
	take_token(client);
	sip_transactions_remove(g->transactions, client);
}

static void client_failed(struct gateway *g, struct sip_transaction *client, int status, const char *why)
{
	bool waits = client->owner != NULL;
	uint64_t token = take_token(client);

	sip_transactions_remove(g->transactions, client);
	if (waits)
		gateway_sip_outcome(g, token, NULL, status, why);
}

/* ---- answers ---- */

static void make_tag(struct gateway *g, char tag[TAG_BYTES])
{
	uint64_t random = gateway_random(g);

	crypto_hex_write(&random, sizeof random, tag);
}

/* sip_reply_write ends with this, always: the body takes its place. */
#define NO_BODY "Content-Length: 0\r\n\r\n"

/* RFC 3261 §12.1.1: what makes a dialog repeats them, and the caller's route set is made of that. */
static void add_record_routes(const struct sip_message *m, struct buffer *out)
{
	const struct sip_header *each = sip_message_header(m, SIP_RECORD_ROUTE);

	if (m->method != SIP_INVITE && m->method != SIP_SUBSCRIBE)
		return;
	for (; each; each = sip_message_next(m, each))
		buffer_printf(out, "Record-Route: %.*s\r\n", SLICE_ARG(each->value));
}

static bool write_reply(const struct sip_message *m, const struct gateway_answer *answer, struct slice tag,
                        struct buffer *out)
{
	size_t before = buffer_length(out);

	if (!sip_reply_write(m, answer->status, answer->phrase, tag, answer->headers, out))
		return false;
	out->end -= sizeof NO_BODY - 1;
	if (answer->status >= 200 && answer->status < 300)
		add_record_routes(m, out);
	if (answer->diagnostic)
		link_sip_write_verdict(answer->diagnostic, slice_of(answer->reason), out);
	buffer_printf(out, "Content-Length: %zu\r\n\r\n", answer->body.len);
	buffer_add(out, answer->body);
	if (!out->is_broken)
		return true;
	out->is_broken = false;
	out->end = out->start + before;
	return false;
}

static enum sip_event event_of(int status)
{
	return status < 200 ? SIP_EVENT_1XX : status < 300 ? SIP_EVENT_2XX : SIP_EVENT_3XX_6XX;
}

/* `server` may be NULL: then nobody keeps the answer. */
static bool reply(struct gateway *g, struct sip_transaction *server, const struct sip_message *m,
                  const struct gateway_answer *answer, struct slice tag)
{
	size_t begun;
	struct buffer *out = gateway_access_begin(g, &begun);

	if (!out)
		return false;
	if (!write_reply(m, answer, tag, out)) {
		gateway_access_undo(g, begun);
		return false;
	}
	if (server && server->method == SIP_INVITE) {
		buffer_clear(&server->stored);
		buffer_add(&server->stored, slice_after(buffer_slice(out), begun + LINK_SIP_HEAD_BYTES));
	}
	gateway_access_end(g, begun, 0);
	return true;
}

static void send_stored(struct gateway *g, const struct sip_transaction *server)
{
	size_t begun;
	struct buffer *out = buffer_length(&server->stored) ? gateway_access_begin(g, &begun) : NULL;

	if (!out)
		return;
	if (buffer_add(out, buffer_slice(&server->stored)))
		gateway_access_end(g, begun, 0);
	else
		gateway_access_undo(g, begun);
}

/* False: the transaction has ended. */
static bool step_server(struct gateway *g, struct sip_transaction *server, enum sip_event event)
{
	unsigned todo = sip_transactions_step(g->transactions, server, event, gateway_now_ms(g));

	if (todo & SIP_DO_SEND_LAST)
		send_stored(g, server);
	if (todo & SIP_DO_END)
		end_server(g, server);
	return !(todo & SIP_DO_END);
}

bool gateway_sip_answer(struct gateway *g, handle name, const struct gateway_answer *answer)
{
	struct sip_transaction *server = sip_transactions_get(g->transactions, name);
	struct incoming *incoming = server ? server->owner : NULL;
	struct sip_message m;
	struct sip_fault ignored = { 0 };
	struct arena arena;
	bool is_sent;

	if (!incoming)
		return false;
	arena_start(&arena, SIP_MESSAGE_ARENA_MAX);
	/* Its body is not kept, so it does not parse as a whole; what an answer needs is there all the same. */
	is_sent = sip_message_parse(buffer_slice(&incoming->head), &arena, &m, &ignored) !=
	                  SIP_PARSE_NO_MEMORY &&
	          reply(g, server, &m, answer, answer->to_tag.len ? answer->to_tag : slice_of(incoming->tag));
	arena_stop(&arena);
	if (answer->status >= 200) { /* answered, or nobody is there to answer: over in both cases */
		buffer_stop(&incoming->head);
		mem_free(incoming);
		server->owner = NULL;
	}
	if (is_sent || answer->status >= 200)
		step_server(g, server, is_sent ? event_of(answer->status) : SIP_EVENT_TRANSPORT_FAILED);
	gateway_sip_arm(g);
	return is_sent;
}

/* `why`: what stands in the way, of us and for the moment; "": nothing to tell. */
static void answer_plainly(struct gateway *g, const struct sip_message *m, int status, const char *why)
{
	const struct gateway_answer answer = { .status = status,
		                               .diagnostic = why[0] ? LINK_SIP_TEMPORARY : 0,
		                               .reason = why };
	char tag[TAG_BYTES];

	make_tag(g, tag);
	if (!reply(g, NULL, m, &answer, slice_of(tag)))
		g->counts.dropped++;
}

/* ---- requests that come ---- */

static void cancel_came(struct gateway *g, const struct sip_message *m)
{
	struct sip_transaction *invite = sip_transactions_find_cancelled(g->transactions, m);
	const struct gateway_answer over = { .status = 487 };
	handle name;

	if (!invite) {
		answer_plainly(g, m, 481, "");
		return;
	}
	name = invite->self;
	answer_plainly(g, m, 200, "");
	if (invite->owner && gateway_sip_answer(g, name, &over))
		gateway_sip_cancelled(g, name);
}

static void ack_came(struct gateway *g, const struct sip_message *m)
{
	struct sip_transaction *invite = sip_transactions_find_server(g->transactions, m);

	if (invite && invite->state != SIP_STATE_ACCEPTED)
		step_server(g, invite, SIP_EVENT_ACK);
	else
		gateway_sip_ack(g, m);
}

static struct incoming *incoming_new(struct gateway *g, const struct sip_message *m)
{
	struct incoming *incoming = mem_new(sizeof *incoming);

	if (!incoming)
		return NULL;
	buffer_start(&incoming->head, SIP_HEADER_SECTION_MAX);
	make_tag(g, incoming->tag);
	if (buffer_add(&incoming->head, m->head))
		return incoming;
	buffer_stop(&incoming->head);
	mem_free(incoming);
	return NULL;
}

static void request_came(struct gateway *g, const struct sip_message *m)
{
	struct sip_transaction *known, *server;

	if (m->method == SIP_ACK) {
		ack_came(g, m);
		return;
	}
	known = sip_transactions_find_server(g->transactions, m);
	if (known) {
		step_server(g, known, SIP_EVENT_REQUEST);
		return;
	}
	if (m->method == SIP_CANCEL) {
		cancel_came(g, m);
		return;
	}
	if (g->is_draining && !m->to.tag.ptr) { /* what is in a dialog belongs to what is under way */
		answer_plainly(g, m, 503, "the XMPP gateway stops");
		return;
	}
	server = sip_transactions_add_server_within(g->transactions, m, g->access_handle,
	                                            GATEWAY_TRANSACTIONS_MAX, gateway_now_ms(g));
	if (server && !(server->owner = incoming_new(g, m))) {
		sip_transactions_remove(g->transactions, server);
		server = NULL;
	}
	if (server)
		gateway_sip_request(g, server->self, m);
	else
		answer_plainly(g, m, 503, "too many requests are under way at the XMPP gateway");
}

/* ---- requests of ours ---- */

static bool has_control(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return true;
	return false;
}

/* Whole lines, each "Name: value" with CRLF, none of them empty: nothing that a stranger wrote may begin a line. */
static bool are_lines(struct slice headers)
{
	while (headers.len) {
		size_t end = slice_find(headers, '\r'), colon = slice_find(headers, ':');

		if (end + 1 >= headers.len || headers.ptr[end + 1] != '\n' || colon == 0 || colon >= end ||
		    has_control(slice_first(headers, end)) || headers.ptr[0] == ' ' || headers.ptr[0] == '\t')
			return false;
		headers = slice_after(headers, end + 2);
	}
	return true;
}

static bool write_request(const struct gateway_request *r, const char *branch, struct buffer *out)
{
	if (has_control(r->target) || has_control(r->from) || has_control(r->to) || has_control(r->call_id) ||
	    r->target.len == 0 || r->call_id.len == 0 || !are_lines(r->headers))
		return false;
	buffer_printf(out,
	              "%.*s %.*s SIP/2.0\r\nVia: SIP/2.0/TLS " SIP_SENT_BY ";branch=%s\r\n"
	              "Max-Forwards: %d\r\nFrom: %.*s\r\nTo: %.*s\r\nCall-ID: %.*s\r\nCSeq: %u %.*s\r\n",
	              SLICE_ARG(sip_method_name(r->method)), SLICE_ARG(r->target), branch, HOPS_FIRST,
	              SLICE_ARG(r->from), SLICE_ARG(r->to), SLICE_ARG(r->call_id), (unsigned)r->cseq,
	              SLICE_ARG(sip_method_name(r->method)));
	buffer_add(out, r->headers);
	buffer_printf(out, "Content-Length: %zu\r\n\r\n", r->body.len);
	buffer_add(out, r->body);
	return !out->is_broken;
}

/* The transaction of what has just been written; false: there is no room for it. */
static bool add_client(struct gateway *g, const struct gateway_request *r, const char *branch, uint64_t token,
                       struct slice written, handle *name)
{
	struct sip_transaction *client = sip_transactions_add_client(
	        g->transactions, r->method, slice_of(branch), g->access_handle, gateway_now_ms(g));
	struct outgoing *outgoing = client ? mem_new(sizeof *outgoing) : NULL;

	if (outgoing && (r->method != SIP_INVITE || buffer_add(&client->stored, written))) {
		outgoing->token = token;
		client->owner = outgoing;
		*name = client->self;
		return true;
	}
	mem_free(outgoing);
	if (client)
		sip_transactions_remove(g->transactions, client);
	return false;
}

static void make_branch(struct gateway *g, char branch[32])
{
	char hex[TAG_BYTES];

	make_tag(g, hex);
	snprintf(branch, 32, "z9hG4bK%s", hex); /* RFC 3261 §8.1.1.7 */
}

handle gateway_sip_send(struct gateway *g, const struct gateway_request *r, uint64_t token,
                        struct reason *why)
{
	char branch[32];
	size_t begun, queued = gateway_access_queued(g);
	struct buffer *out = gateway_access_begin(g, &begun);
	handle name = 1;

	if (!out) {
		fail(why, RESULT_CLOSED, "the Access Edge is away");
		return 0;
	}
	make_branch(g, branch);
	if (queued && queued + r->body.len > GATEWAY_QUEUED_MAX) {
		fail(why, RESULT_LIMIT, "the Access Edge does not read what it is sent");
		name = 0;
	} else if (!write_request(r, branch, out)) {
		fail(why, RESULT_INVALID, "the request cannot be written");
		name = 0;
	} else if (r->method != SIP_ACK &&
	           !add_client(g, r, branch, token,
	                       slice_after(buffer_slice(out), begun + LINK_SIP_HEAD_BYTES), &name)) {
		fail(why, RESULT_LIMIT, "too many transactions");
		name = 0;
	}
	if (!name) {
		gateway_access_undo(g, begun);
		return 0;
	}
	gateway_access_end(g, begun, r->is_farewell ? LINK_SIP_FAREWELL : 0);
	gateway_sip_arm(g);
	return name;
}

static void send_cancel(struct gateway *g, struct sip_transaction *invite)
{
	struct outgoing *outgoing = invite->owner;
	size_t begun;
	struct buffer *out = gateway_access_begin(g, &begun);

	if (!out)
		return;
	if (!sip_proxy_write_cancel(buffer_slice(&invite->stored), SLICE(""), out)) {
		gateway_access_undo(g, begun);
		return;
	}
	gateway_access_end(g, begun, 0);
	outgoing->has_sent_cancel = true;
	/* §9.1: no final answer 64*T1 after the CANCEL, and the INVITE counts as over. */
	sip_transactions_set_extra(g->transactions, invite, SIP_EVENT_TIMER_C,
	                           gateway_now_ms(g) + SIP_TIMER_B_MS);
	gateway_sip_arm(g);
}

void gateway_sip_cancel(struct gateway *g, handle name)
{
	struct sip_transaction *invite = sip_transactions_get(g->transactions, name);
	struct outgoing *outgoing = invite && invite->method == SIP_INVITE ? invite->owner : NULL;

	if (!outgoing || outgoing->is_cancelled)
		return;
	outgoing->is_cancelled = true;
	if (outgoing->has_provisional) /* §9.1: not before one has come */
		send_cancel(g, invite);
}

/* ---- their answers ---- */

static void provisional(struct gateway *g, struct sip_transaction *client, const struct sip_message *m)
{
	struct outgoing *outgoing = client->owner;

	outgoing->has_provisional = true;
	if (client->method == SIP_INVITE && m->status > 100 && !outgoing->is_cancelled)
		sip_transactions_set_extra(g->transactions, client, SIP_EVENT_TIMER_C,
		                           gateway_now_ms(g) + SIP_TIMER_C_MS);
	if (outgoing->is_cancelled && !outgoing->has_sent_cancel)
		send_cancel(g, client);
	else
		gateway_sip_outcome(g, outgoing->token, m, m->status, "");
}

static void send_ack(struct gateway *g, const struct sip_transaction *client, const struct sip_message *m)
{
	size_t begun;
	struct buffer *out = gateway_access_begin(g, &begun);

	if (!out)
		return;
	if (sip_proxy_write_ack(buffer_slice(&client->stored), m, out))
		gateway_access_end(g, begun, 0);
	else
		gateway_access_undo(g, begun);
}

/* A 2xx to an INVITE makes a dialog on their side, whether anybody here waits for it or not (§13.2.2.4). */
static bool is_acceptance(const struct sip_message *m)
{
	return m->status >= 200 && m->status < 300 && slice_equal(m->cseq.method, SLICE("INVITE"));
}

static void response_came(struct gateway *g, const struct sip_message *m)
{
	struct sip_transaction *client = sip_transactions_find_client(g->transactions, m, g->access_handle);
	bool waits;
	uint64_t token;
	unsigned todo;

	if (!client) {
		if (is_acceptance(m))
			gateway_sip_accepted_again(g, m);
		else
			g->counts.dropped++; /* late, or the answer to our CANCEL */
		return;
	}
	todo = sip_transactions_step(g->transactions, client, event_of(m->status), gateway_now_ms(g));
	if (todo & SIP_DO_SEND_ACK)
		send_ack(g, client, m);
	if (client->owner && (todo & SIP_DO_PASS_UP) && m->status < 200) {
		provisional(g, client, m);
		return;
	}
	waits = client->owner && (todo & SIP_DO_PASS_UP);
	token = waits ? take_token(client) : 0;
	if (todo & SIP_DO_END)
		end_client(g, client);
	if (waits) /* last: it may send, and so change the table */
		gateway_sip_outcome(g, token, m, m->status, "");
	else if ((todo & SIP_DO_PASS_UP) && is_acceptance(m))
		gateway_sip_accepted_again(g, m);
}

/* ---- entrances ---- */

void gateway_sip_received(struct gateway *g, struct slice bytes)
{
	struct sip_message m;
	struct sip_fault fault = { 0 };

	arena_reset(&g->scratch);
	if (!g->transactions || sip_message_parse(bytes, &g->scratch, &m, &fault) != SIP_PARSE_OK) {
		g->counts.dropped++; /* the Access Edge answers what is malformed itself */
		return;
	}
	if (m.is_request)
		request_came(g, &m);
	else
		response_came(g, &m);
	gateway_sip_arm(g);
}

/* ---- time ---- */

static void client_timer(struct gateway *g, struct sip_transaction *client, enum sip_event event)
{
	unsigned todo = sip_transactions_step(g->transactions, client, event, gateway_now_ms(g));
	struct outgoing *outgoing = client->owner;

	if ((todo & SIP_DO_CANCEL) && outgoing && outgoing->has_provisional && !outgoing->has_sent_cancel)
		send_cancel(g, client);
	else if (todo & (SIP_DO_REPORT_TIMEOUT | SIP_DO_CANCEL))
		client_failed(g, client, client->method == SIP_INVITE ? 408 : 504, "no answer came in time");
	else if (todo & SIP_DO_END)
		end_client(g, client);
}

static void timer_fired(void *owner)
{
	struct gateway *g = owner;
	struct sip_transaction *t;
	enum sip_event event;

	while ((t = sip_transactions_due(g->transactions, gateway_now_ms(g), &event))) {
		if (t->machine == SIP_INVITE_CLIENT || t->machine == SIP_NON_INVITE_CLIENT)
			client_timer(g, t, event);
		else
			step_server(g, t, event);
	}
	gateway_sip_arm(g);
}

void gateway_sip_arm(struct gateway *g)
{
	int64_t next = g->transactions ? sip_transactions_next_ms(g->transactions) : INT64_MAX, after;

	if (next == INT64_MAX) {
		loop_timer_stop(&g->transaction_timer);
		return;
	}
	after = next - gateway_now_ms(g);
	loop_timer_set(g->loop, &g->transaction_timer, after > 0 ? after : 1, timer_fired, g);
}

bool gateway_sip_is_quiet(const struct gateway *g)
{
	return !g->transactions || sip_transactions_are_settled(g->transactions, gateway_now_ms(g));
}

/* ---- the stream has gone ---- */

struct lost {
	handle list[LOST_BATCH];
	size_t count;
};

static void collect(void *to, struct sip_transaction *t)
{
	struct lost *lost = to;

	if (lost->count < LOST_BATCH)
		lost->list[lost->count++] = t->self;
}

void gateway_sip_lost(struct gateway *g)
{
	struct lost lost;

	if (!g->transactions || !g->access_handle)
		return;
	/* Names first: an outcome may change the table. Each round ends those it collected. */
	do {
		lost.count = 0;
		sip_transactions_each_on(g->transactions, g->access_handle, collect, &lost);
		for (size_t i = 0; i < lost.count; i++) {
			struct sip_transaction *t = sip_transactions_get(g->transactions, lost.list[i]);

			if (!t)
				continue;
			if (t->machine == SIP_INVITE_SERVER || t->machine == SIP_NON_INVITE_SERVER)
				end_server(g, t);
			else
				/* A watcher is not to blame: 503 is passing trouble, 504 would end what it asked for. */
				client_failed(g, t, t->method == SIP_NOTIFY ? 503 : 504,
				              "the stream to the Access Edge has ended");
		}
	} while (lost.count > 0);
	gateway_sip_arm(g);
}
