/*
 * flow: one connection of the Access Edge.
 *
 * Deadlines bind strangers only: a peer whose certificate (or admitted request)
 * belongs to a partner may idle for ever and is watched by keep-alives
 * (RFC 5626 §3.5.1) and by the transport.  Every message must end within
 * ACCESS_MESSAGE_MS of its first byte.
 */
#include <stdio.h>
#include <unistd.h>

#include "daemon/access/parts.h"
#include "shared/base/memory.h"

enum { FLOW_RECEIVE_SLACK = 4096 };

static void flow_tick(void *owner);

static struct flow *flow_of(void *owner) { return owner; }

struct flow *flow_find(struct access *a, handle h)
{
	struct connection *c = handles_get(&a->connections, h);

	return c ? connection_owner(c) : NULL;
}

bool flow_is_usable(const struct flow *flow)
{
	return flow && flow->is_up && !flow->is_ending && connection_state(flow->connection) == CONNECTION_UP;
}

/* ---- deadlines ---- */

/* All are counted from a message or from the beginning, never from the last byte: keep-alives keep no stranger in. */
void flow_set_deadline(struct flow *flow)
{
	const struct access *a = flow->access;
	int64_t at, sooner;
	const char *words, *others;

	if (flow->message_since_ms) {
		at = flow->message_since_ms + ACCESS_MESSAGE_MS;
		words = "a message did not end in time";
		/* A stranger who has always begun another message buys no time to sign in. */
		if (remote_deadline(flow, &sooner, &others) && sooner >= 0 && sooner < at) {
			at = sooner;
			words = others;
		}
	} else if (remote_deadline(flow, &at, &words)) {
		if (at < 0) {
			connection_deadline(flow->connection, -1, NULL);
			return;
		}
	} else if (flow->is_known) {
		connection_deadline(flow->connection, -1, NULL);
		return;
	} else if (flow->messages_in == 0) {
		at = flow->quiet_since_ms + (int64_t)a->settings->handshake_timeout * 1000;
		words = "no request came in time";
	} else {
		at = flow->quiet_since_ms + (int64_t)a->settings->idle_timeout * 1000;
		words = "idle";
	}
	int64_t after = at - access_now_ms(a);

	connection_deadline(flow->connection, after > 0 ? after : 0, words);
}

void flow_arm_tick(struct flow *flow)
{
	int64_t interval = (int64_t)flow->access->settings->keep_alive_interval * 1000;

	if (flow->ping_sent_ms)
		loop_timer_set(flow->access->loop, &flow->tick, ACCESS_PONG_MS, flow_tick, flow);
	else if (interval > 0 && flow->hop)
		loop_timer_set(flow->access->loop, &flow->tick, interval, flow_tick, flow);
}

static void flow_tick(void *owner)
{
	struct flow *flow = owner;
	struct connection_counts counts = connection_counts(flow->connection);
	int64_t now = access_now_ms(flow->access);
	int64_t interval = (int64_t)flow->access->settings->keep_alive_interval * 1000;

	if (flow->ping_sent_ms && counts.last_in_ms < flow->ping_sent_ms) {
		/* Only a peer that has answered a ping before promised anything. */
		if (flow->answers_pings) {
			connection_abort(flow->connection, CONNECTION_END_TIMEOUT,
			                 "keep-alive was not answered");
			return;
		}
		flow->ping_sent_ms = 0;
	} else if (now - counts.last_in_ms >= interval && !flow->ping_sent_ms) {
		flow->ping_sent_ms = now;
		connection_send(flow->connection, SLICE("\r\n\r\n"));
	} else {
		flow->ping_sent_ms = 0;
	}
	flow_arm_tick(flow);
}

/* ---- birth and death ---- */

static struct flow *flow_new(struct access *a, enum sip_side side, bool is_plain)
{
	struct flow *flow = mem_new(sizeof *flow);

	if (!flow)
		return NULL;
	list_start(&flow->node);
	list_start(&flow->pass.node);
	flow->access = a;
	flow->side = side;
	flow->is_plain = is_plain;
	flow->number = ++a->flow_number;
	flow->framer.body_max = remote_body_max(flow);
	return flow;
}

static void flow_settings(struct flow *flow, struct connection_settings *out)
{
	struct access *a = flow->access;

	*out = (struct connection_settings){
		.connect_ms = (int64_t)a->settings->connect_timeout * 1000,
		.handshake_ms = (int64_t)a->settings->handshake_timeout * 1000,
		.dead_ms = (int64_t)a->settings->dead_peer_timeout * 1000,
		.in_max = SIP_HEADER_SECTION_MAX + ACCESS_BODY_MAX + FLOW_RECEIVE_SLACK,
		.credentials = flow->is_plain ? NULL : a->credentials[flow->side],
		.application = "sip",
		.events = &flow_events,
		.owner = flow,
	};
}

static void flow_register(struct flow *flow)
{
	struct access *a = flow->access;

	flow->self = connection_handle(flow->connection);
	list_add_last(&a->flows, &flow->node);
	a->flow_count++;
	if (flow->hop)
		flow->hop->flows++;
}

static bool is_internal_plain(const struct access *a)
{
	return slice_equal(a->proxy.side[SIP_SIDE_INTERNAL].transport, SLICE("tcp"));
}

static void report_not_accepted(struct access *a, enum sip_side side, const struct address *from,
                                const char *why)
{
	struct report report;
	char text[ADDRESS_TEXT_BYTES];

	if (!door_may_report(a))
		return;
	report_open(&report, a, CONTROL_EVENT_CONNECTION_REFUSED);
	json_put_text(&report.w, "direction", "in");
	json_put_text(&report.w, "side", report_side_name(side));
	json_put_text(&report.w, "partner", "");
	json_put_text(&report.w, "address", address_text(from, text));
	json_put_text(&report.w, "end", "limit");
	json_put_text(&report.w, "why", why);
	report_send(&report);
}

/* A limit is no event of each connection: the door tells of it once. */
static enum result turn_away(struct access *a, enum sip_side side, int fd, const struct address *from,
                             enum result result, const char *why)
{
	close(fd);
	if (result != RESULT_LIMIT)
		report_not_accepted(a, side, from, why);
	return result;
}

enum result flow_accept(struct access *a, enum sip_side side, int fd, const struct address *from)
{
	struct connection_settings settings;
	struct reason reason = { "" };
	struct slice member;
	struct flow *flow;
	const char *words;
	bool is_plain = side == SIP_SIDE_INTERNAL && is_internal_plain(a);
	enum result result;

	if (!a->image || !a->transactions || (!is_plain && !a->credentials[side])) {
		close(fd);
		return RESULT_AGAIN;
	}
	if (is_plain && !pool_has_address(a, from, &member))
		return turn_away(a, side, fd, from, RESULT_DENIED, "the address belongs to no pool member");
	flow = flow_new(a, side, is_plain);
	if (!flow)
		return turn_away(a, side, fd, from, RESULT_NO_MEMORY, "out of memory");
	if (!door_enter(a, flow, from, &words)) {
		mem_free(flow);
		return turn_away(a, side, fd, from, RESULT_LIMIT, words);
	}
	flow_settings(flow, &settings);
	result = connection_accept(a->loop, &a->connections, fd, &settings, &flow->connection, &reason);
	if (result != RESULT_OK) {
		door_leave(flow);
		mem_free(flow);
		report_not_accepted(a, side, from, reason.text);
		return result;
	}
	flow_register(flow);
	if (is_plain)
		slice_to_text(member, flow->partner, sizeof flow->partner);
	return RESULT_OK;
}

enum result flow_open(struct access *a, struct hop *hop, const struct address *to, struct reason *reason)
{
	struct connection_settings settings;
	struct flow *flow;
	enum result result;

	if (!hop->is_plain && !a->credentials[hop->side])
		return fail(reason, RESULT_INVALID, "no certificate for the %s side",
		            hop->side == SIP_SIDE_EXTERNAL ? "external" : "internal");
	if (hop->certificate[0] &&
	    !tls_credentials_has(a->credentials[hop->side], slice_of(hop->certificate)))
		return fail(reason, RESULT_INVALID,
		            "host.xml has no certificate \"%s\", which the partner's entry names",
		            hop->certificate);
	flow = flow_new(a, hop->side, hop->is_plain);
	if (!flow)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	flow->hop = hop;
	flow_settings(flow, &settings);
	settings.server_name = hop->name;
	settings.certificate = hop->certificate;
	slice_to_text(slice_of(hop->name), flow->partner, sizeof flow->partner);
	if (!door_enter_outgoing(a, flow)) {
		mem_free(flow);
		return fail(reason, RESULT_LIMIT, "max-connections (%llu) reached",
		            (unsigned long long)a->door.connections_max);
	}
	result = connection_open(a->loop, &a->connections, to, &settings, &flow->connection, reason);
	if (result != RESULT_OK) {
		door_leave(flow);
		mem_free(flow);
		return result;
	}
	flow_register(flow);
	hop->dialling = flow->self;
	return RESULT_OK;
}

/* ---- events of the connection ---- */

/* Our own side: the certificate must be that of a pool member. */
static bool is_pool_member(struct flow *flow)
{
	const struct tls_peer *peer = connection_peer(flow->connection);

	for (size_t i = 0; i < peer->dns_count; i++) {
		if (image_pool_member_find(flow->access->image, peer->dns[i])) {
			slice_to_text(peer->dns[i], flow->partner, sizeof flow->partner);
			return true;
		}
	}
	return false;
}

static void came_up(void *owner, struct connection *c)
{
	struct flow *flow = flow_of(owner);
	struct access *a = flow->access;

	flow->is_up = true;
	flow->quiet_since_ms = access_now_ms(a);
	recheck_plan(flow);
	door_inside(flow);
	if (flow->hop) {
		flow->is_known = true;
		report_connection(a, CONTROL_EVENT_CONNECTION_UP, flow);
		flow_arm_tick(flow);
		hop_up(flow->hop, flow);
		return;
	}
	if (flow->side == SIP_SIDE_INTERNAL) {
		if (!flow->is_plain && !is_pool_member(flow)) {
			connection_close(c, CONNECTION_END_POLICY, "the certificate names no pool member");
			return;
		}
		flow->is_known = true;
		door_prove(flow, ADMISSION_ALLOWED);
	} else if (flow->side == SIP_SIDE_REMOTE) {
		if (!remote_came_up(flow)) {
			connection_close(c, CONNECTION_END_INTERNAL, "out of memory");
			return;
		}
		snprintf(flow->partner, sizeof flow->partner, "remote user");
	} else {
		flow_take_name(flow);
		flow->is_known = flow_class(flow) != ADMISSION_UNIDENTIFIED;
		if (!door_prove(flow, flow_class(flow))) {
			connection_close(c, CONNECTION_END_LIMIT, "strangers' share of connections is taken");
			return;
		}
	}
	report_connection(a, CONTROL_EVENT_CONNECTION_UP, flow);
	flow_set_deadline(flow);
}

static void received(void *owner, struct connection *c, struct buffer *in)
{
	struct flow *flow = flow_of(owner);

	while (connection_state(c) == CONNECTION_UP && buffer_length(in) > 0) {
		struct sip_fault fault = { 0 };
		size_t length = 0;
		struct slice bytes = buffer_slice(in);
		enum sip_frame frame = sip_framer_next(&flow->framer, bytes, &length, &fault);

		switch (frame) {
		case SIP_FRAME_MESSAGE:
			flow->message_since_ms = 0;
			flow->quiet_since_ms = access_now_ms(flow->access);
			flow->messages_in++;
			if (flow->hop)
				flow->hop->backoff_ms = 0;
			inbound_message(flow, slice_first(bytes, length));
			break;
		case SIP_FRAME_PING: connection_send(c, SLICE("\r\n")); break;
		case SIP_FRAME_PONG:
			if (flow->ping_sent_ms)
				flow->answers_pings = true;
			break;
		case SIP_FRAME_MORE:
			if (!flow->message_since_ms)
				flow->message_since_ms = access_now_ms(flow->access);
			flow_set_deadline(flow);
			return;
		case SIP_FRAME_BROKEN:
		case SIP_FRAME_TOO_LARGE:
			inbound_broken(flow, slice_first(bytes, length), &fault,
			               frame == SIP_FRAME_TOO_LARGE);
			buffer_consume(in, buffer_length(in));
			return;
		}
		buffer_consume(in, length);
	}
	if (connection_state(c) == CONNECTION_UP)
		flow_set_deadline(flow);
}

/*
 * With TLS 1.3 a client has finished before the server looks at its certificate (RFC 8446 §4.4): an alert then
 * comes on a connection that seemed good, and where a reset overtakes it, an end without a single byte
 * is all that is seen.
 */
bool flow_was_refused(const struct flow *flow)
{
	enum connection_end end = connection_end(flow->connection);
	bool was_silent = flow->hop && flow->is_up && flow->messages_out > 0 &&
	                  connection_counts(flow->connection).bytes_in == 0;

	return end == CONNECTION_END_TLS_THEIRS ||
	       (was_silent && (end == CONNECTION_END_PEER || end == CONNECTION_END_RESET));
}

/* "they refused us" is told apart from "we refused them", for the sender and for the console. */
static void closed(void *owner, struct connection *c)
{
	struct flow *flow = flow_of(owner);
	struct access *a = flow->access;
	enum connection_end end = connection_end(c);
	bool is_refusal = end == CONNECTION_END_TLS_OURS || end == CONNECTION_END_POLICY ||
	                  end == CONNECTION_END_LIMIT || end == CONNECTION_END_PROTOCOL;
	char words[ACCESS_WORDS_BYTES];
	struct failure why = { .status = 504, .diagnostic = 1046 };
	bool is_told;

	loop_timer_stop(&flow->tick);
	list_remove(&flow->node);
	a->flow_count--;
	/* Crowds of those who never got inside are counted; a few are told. */
	is_told = flow->is_up || flow->hop || door_may_report(a);
	door_leave(flow);
	snprintf(words, sizeof words, "%s%s%s", connection_end_name(end),
	         connection_end_words(c)[0] ? ": " : "", connection_end_words(c));
	if (is_told && end == CONNECTION_END_TLS_OURS && !flow->hop && flow->side == SIP_SIDE_EXTERNAL)
		flow_refused_by_us(flow, words);
	if (is_told)
		report_connection(
		        a, flow->is_up ? CONTROL_EVENT_CONNECTION_CLOSED : CONTROL_EVENT_CONNECTION_REFUSED,
		        flow);
	if (is_told && (!flow->is_up || is_refusal))
		report_lost(a, flow, is_refusal, words);
	snprintf(why.words, sizeof why.words, "the connection ended: %.200s", words);
	if (flow_was_refused(flow)) {
		why.diagnostic = 1047;
		why.by = FAILED_BY_PARTNER;
	}
	if (flow->hop) {
		flow->hop->flows--;
		hop_lost(flow->hop, flow);
	}
	response_connection_lost(a, flow->self, &why);
	remote_closed(flow);
	for (size_t i = 0; i < flow->domain_count; i++)
		mem_free(flow->domains[i]);
	mem_free(flow->retired_why);
	mem_free(flow);
}

static bool knocks(void *owner, struct connection *c)
{
	(void)c;
	return door_knock(flow_of(owner));
}

const struct connection_events flow_events = {
	.up = came_up, .received = received, .closed = closed, .knocks = knocks
};

/* ---- sending ---- */

struct buffer *flow_queue(struct flow *flow)
{
	return flow->is_gateway ? neighbour_queue(flow) : connection_queue(flow->connection);
}

void flow_sent(struct flow *flow)
{
	flow->messages_out++;
	if (flow->is_gateway)
		neighbour_sent(flow);
	connection_queued(flow->connection);
}

void flow_not_written(struct flow *flow)
{
	const struct buffer *out = connection_queue(flow->connection);

	if (out && buffer_room(out) < CONNECTION_QUEUE_MAX / 4)
		connection_abort(flow->connection, CONNECTION_END_QUEUE,
		                 "the peer does not read its answers");
}

void flow_work_done(struct access *a, handle connection, bool was_client)
{
	struct flow *flow = flow_find(a, connection);
	unsigned *count = flow ? (was_client ? &flow->awaited : &flow->under_way) : NULL;

	if (count && *count > 0)
		(*count)--;
}
