/*
 * One connection with the stream machine on it: what the connection tells goes to the machine, what the machine
 * intends is done here.
 */
#include <stdio.h>

#include "daemon/crypto/crypto.h"
#include "daemon/gateway/streams.h"
#include "daemon/names/names.h"
#include "shared/base/memory.h"
#include "shared/base/text.h"

static struct gateway *gateway_of(const struct stream *s) { return s->streams->gateway; }

/* ---- what the machine asks ---- */

static bool is_ours(void *owner, struct slice domain)
{
	return gateway_sip_domain(gateway_of(owner), domain).ptr != NULL;
}

static bool terms_of(void *owner, struct slice remote, struct xmpp_terms *out)
{
	return streams_terms(gateway_of(owner), remote, out);
}

/* RFC 6120 §13.7.2: the left-most label alone may be a wildcard, and only of a dNSName. */
static bool dns_matches(struct slice name, struct slice domain)
{
	if (slice_equal(name, domain))
		return true;
	if (!slice_starts(name, SLICE("*.")) || slice_find(slice_after(name, 2), '*') < name.len - 2)
		return false;

	struct slice rest = slice_after(domain, slice_find(domain, '.'));

	/* "*.example" would be half the world. */
	return slice_equal(slice_after(name, 1), rest) &&
	       slice_find(slice_after(name, 2), '.') < name.len - 2;
}

static bool has_certificate_for(void *owner, struct slice remote)
{
	const struct tls_peer *peer = connection_peer(((struct stream *)owner)->connection);
	char domain[NAMES_DOMAIN_BYTES];

	if (!peer->has_certificate || !peer->is_trusted)
		return false;
	for (size_t i = 0; i < peer->xmpp_count; i++)
		if (names_domain_prepare(peer->xmpp[i], domain, NULL) == RESULT_OK &&
		    slice_equal(slice_of(domain), remote))
			return true;
	for (size_t i = 0; i < peer->dns_count; i++)
		if (dns_matches(peer->dns[i], remote))
			return true;
	return false;
}

/* ---- what the machine intends ---- */

static void ready(void *owner)
{
	struct stream *s = owner;

	if (s->route)
		route_may_ask(s->route, s);
}

static void start_tls(void *owner) { ((struct stream *)owner)->owes_tls = true; }

static bool verify(void *owner, struct slice local, struct slice remote, struct slice stream_id,
                   struct slice key)
{
	struct stream *s = owner;
	struct route *route = route_get(s->streams, local, remote);

	return route && route_ask(route, s->number, stream_id, key);
}

static void answered(void *owner, struct slice local, struct slice remote, struct slice stream_id,
                     enum xmpp_verdict verdict)
{
	struct route *route = route_find(((struct stream *)owner)->streams, local, remote);

	if (route)
		route_answered(route, stream_id, verdict);
}

static void report(struct stream *s, enum control_event_id id, const char *end, const char *why)
{
	const struct connection *c = s->connection;
	struct gateway_report report;
	char address[ADDRESS_TEXT_BYTES];

	gateway_report_open(&report, gateway_of(s), id);
	json_put_number(&report.w, "connection", (int64_t)s->number);
	json_put_text(&report.w, "direction", connection_is_outgoing(c) ? "outgoing" : "incoming");
	json_put_text(&report.w, "side", "xmpp");
	json_put_text(&report.w, "partner", s->partner);
	json_put_text(&report.w, "address", address_text(connection_remote(c), address));
	if (id == CONTROL_EVENT_CONNECTION_UP) {
		json_put_text(&report.w, "tls",
		              connection_peer(c)->suite[0] ? connection_peer(c)->suite : "no TLS");
		json_put_text(&report.w, "certificate", xmpp_proof_name(xmpp_stream_proof(s->xmpp)));
	} else {
		json_put_text(&report.w, "end", end);
		json_put_text(&report.w, "why", why);
	}
	gateway_report_send(&report);
}

static void now_proved(struct stream *s, const struct xmpp_pair *pair)
{
	struct route *route = route_find(s->streams, pair->local, pair->remote);

	if (!s->is_proved) {
		s->is_proved = true;
		connection_deadline(s->connection, -1, NULL);
		slice_to_text(pair->remote, s->partner, sizeof s->partner);
		report(s, CONTROL_EVENT_CONNECTION_UP, NULL, NULL);
	}
	if (pair->sending == XMPP_PAIR_READY &&
	    (route || (route = route_get(s->streams, pair->local, pair->remote))))
		route_ready(route, s);
	else if (route)
		route_reset(route);
	s->owes_judgement = true;
	gateway_xmpp_reachable(gateway_of(s), pair->remote, true);
}

static void pair_changed(void *owner, const struct xmpp_pair *pair, enum xmpp_condition error,
                         const char *why)
{
	struct stream *s = owner;

	(void)error;
	if (pair->sending == XMPP_PAIR_READY || pair->taking == XMPP_PAIR_READY) {
		now_proved(s, pair);
		return;
	}
	snprintf(s->words, sizeof s->words, "%s", why);
	s->is_refused = true;
}

/* All streams together have as many stanzas under way as there are places for. */
static void return_to_sender(struct stream *s, const struct xmpp_element *element, struct slice local,
                             struct slice remote)
{
	const struct xmpp_stanza_error error = { .condition = XMPP_RESOURCE_CONSTRAINT,
		                                 .type = XMPP_ERROR_WAIT };
	struct arena arena;
	struct xmpp_builder b = { .arena = &arena };
	struct xmpp_element *reply;

	arena_start(&arena, PARCEL_ARENA_MAX);
	reply = xmpp_error_reply(&b, element, &error);
	if (reply)
		(void)gateway_xmpp_send(gateway_of(s), local, remote, reply, 0);
	arena_stop(&arena);
	gateway_of(s)->counts.refused++;
}

static void stanza(void *owner, const struct xmpp_element *element, const struct xmpp_jid *from,
                   const struct xmpp_jid *to, uint64_t number)
{
	struct stream *s = owner;
	bool is_error = slice_equal(xmpp_get(element, SLICE("type")), SLICE("error"));
	struct xmpp_terms terms;
	handle receipt;

	/* While a stream closes what still comes is taken, but not of one who is off: nothing crosses, presence neither. */
	if (xmpp_stream_phase(s->xmpp) == XMPP_PHASE_CLOSING &&
	    !streams_terms(gateway_of(s), from->domain, &terms)) {
		gateway_of(s)->counts.refused++;
		return;
	}

	if (is_error && parcels_refused(s->streams, element, from->domain)) {
		xmpp_stream_handled(s->xmpp, number);
		return;
	}
	receipt = receipt_new(s, number);
	if (receipt) {
		gateway_xmpp_received(gateway_of(s), to->domain, from->domain, element, receipt);
	} else {
		return_to_sender(s, element, to->domain, from->domain);
		xmpp_stream_handled(s->xmpp, number);
	}
}

static void acknowledged(void *owner, size_t count)
{
	struct stream *s = owner;

	parcels_acknowledged(s, count);
	s->owes_going_on |= s->holds_back;
	if (s->owes_going_on)
		stream_touched(s);
}

static const struct xmpp_stream_owner machine_calls = {
	.is_ours = is_ours,
	.terms = terms_of,
	.has_certificate_for = has_certificate_for,
	.ready = ready,
	.start_tls = start_tls,
	.verify = verify,
	.answered = answered,
	.pair_changed = pair_changed,
	.stanza = stanza,
	.acknowledged = acknowledged,
};

/* ---- after the machine has had its say ---- */

static void upgrade(struct stream *s)
{
	struct gateway *g = gateway_of(s);
	char name[GATEWAY_NAME_BYTES] = "";
	struct connection_settings settings = { .handshake_ms = STREAM_HANDSHAKE_MS,
		                                .credentials = g->credentials };

	s->owes_tls = false;
	if (s->route && slice_to_text(s->route->remote, name, sizeof name))
		settings.server_name = name;
	if (!g->credentials || !connection_upgrade(s->connection, &settings))
		connection_abort(s->connection, CONNECTION_END_INTERNAL, "TLS cannot be started");
}

static enum connection_end end_of(const struct stream *s)
{
	const struct xmpp_stream_end *end = xmpp_stream_end(s->xmpp);

	if (end->is_theirs)
		return CONNECTION_END_PEER;
	switch (end->error) {
	case XMPP_STREAM_NONE: return s->is_refused ? CONNECTION_END_POLICY : CONNECTION_END_DRAIN;
	case XMPP_STREAM_CONNECTION_TIMEOUT: return CONNECTION_END_TIMEOUT;
	case XMPP_STREAM_SYSTEM_SHUTDOWN: return CONNECTION_END_DRAIN;
	case XMPP_STREAM_NOT_AUTHORIZED:
	case XMPP_STREAM_INVALID_FROM:
	case XMPP_STREAM_HOST_UNKNOWN:
	case XMPP_STREAM_POLICY_VIOLATION: return CONNECTION_END_POLICY;
	case XMPP_STREAM_RESET: return CONNECTION_END_TLS_OURS; /* its certificate is no longer good */
	case XMPP_STREAM_RESOURCE_CONSTRAINT: return CONNECTION_END_LIMIT;
	case XMPP_STREAM_INTERNAL_SERVER_ERROR: return CONNECTION_END_INTERNAL;
	default: return CONNECTION_END_PROTOCOL;
	}
}

/*
 * Is there room with its partner for one more that came in?  Asked when its header names him, counted when he is
 * proved: until then the name is anybody's word, and must not use up the room of who bears it.
 */
static void count_partner(struct stream *s)
{
	struct slice remote = xmpp_stream_remote(s->xmpp);
	bool is_named = s->partner[0] != '\0';
	const char *why = NULL;

	if (s->is_counted || remote.len == 0 || xmpp_stream_phase(s->xmpp) >= XMPP_PHASE_CLOSING ||
	    (is_named && !s->is_proved))
		return;
	s->is_counted = s->is_proved;
	if (!is_named)
		slice_to_text(remote, s->partner, sizeof s->partner);
	if (!streams_have_room(s->streams, gateway_partner(gateway_of(s), slice_of(s->partner)),
	                       s->is_counted ? 0 : 1, &why))
		xmpp_stream_close(s->xmpp, XMPP_STREAM_RESOURCE_CONSTRAINT, why,
		                  loop_now(gateway_of(s)->loop));
}

static void settle(struct stream *s)
{
	if (!s->xmpp)
		return;
	if (!s->route)
		count_partner(s);
	if (s->owes_judgement) {
		s->owes_judgement = false;
		streams_judge(s);
	}
	/* Outgoing, for one pair: without it there is nothing to stay for. */
	if (s->is_refused && s->route && !s->is_for_asking && !s->is_proved)
		xmpp_stream_close(s->xmpp, XMPP_STREAM_NONE, s->words, loop_now(gateway_of(s)->loop));
	if (s->owes_going_on && xmpp_stream_phase(s->xmpp) == XMPP_PHASE_OPEN) {
		s->owes_going_on = false;
		route_go_on(s);
	}
	xmpp_stream_flush(s->xmpp);
	connection_queued(s->connection);
	connection_pause(s->connection, xmpp_stream_is_full(s->xmpp));
	if (s->owes_tls)
		upgrade(s);
	if (xmpp_stream_phase(s->xmpp) == XMPP_PHASE_CLOSED)
		connection_close(s->connection, end_of(s), xmpp_stream_end(s->xmpp)->words);
}

static void flush(void *owner) { settle(owner); }

void stream_touched(struct stream *s) { loop_defer(gateway_of(s)->loop, &s->flush, flush, s); }

void stream_close(struct stream *s, enum xmpp_stream_error error, const char *words)
{
	if (!s->xmpp || xmpp_stream_phase(s->xmpp) == XMPP_PHASE_TLS) {
		connection_abort(s->connection, CONNECTION_END_DRAIN, words);
		return;
	}
	xmpp_stream_close(s->xmpp, error, words, loop_now(gateway_of(s)->loop));
	stream_touched(s);
}

/* ---- what the connection tells ---- */

static bool make_machine(struct stream *s)
{
	struct gateway *g = gateway_of(s);
	struct xmpp_stream_settings settings = {
		.role = s->route ? XMPP_INITIATING : XMPP_RECEIVING,
		.is_secure = s->is_direct,
		.is_for_asking = s->is_for_asking,
		.may_sasl = s->may_sasl,
		.offers_bidi = true,
		.offers_acks = true,
		.can_tls = g->credentials != NULL,
		.stanza_max = (size_t)g->settings->max_stanza,
		.idle_s = (uint32_t)g->settings->stream_inactivity_timeout,
		.secret = { (const char *)g->dialback_secret, sizeof g->dialback_secret },
		.calls = &machine_calls,
		.owner = s,
	};

	if (s->route) {
		settings.local = s->route->local;
		settings.remote = s->route->remote;
		if (!streams_terms(g, s->route->remote, &settings.terms))
			return false;
	}
	if (!crypto_random(settings.seed, sizeof settings.seed))
		return false;
	s->xmpp = xmpp_stream_new(&settings, s->streams->parser, connection_queue(s->connection),
	                          loop_now(g->loop));
	return s->xmpp != NULL;
}

static void up(void *owner, struct connection *c)
{
	struct stream *s = owner;
	struct instant now = loop_now(gateway_of(s)->loop);

	if (s->xmpp) {
		xmpp_stream_secured(s->xmpp, now);
	} else if (make_machine(s)) {
		xmpp_stream_begin(s->xmpp, now);
	} else {
		connection_abort(c, CONNECTION_END_INTERNAL, "the stream cannot begin");
		return;
	}
	settle(s);
}

static void received(void *owner, struct connection *c, struct buffer *in)
{
	struct stream *s = owner;

	(void)c;
	xmpp_stream_received(s->xmpp, in, loop_now(gateway_of(s)->loop));
	settle(s);
}

/* What to tell of it: the pair's refusal says more than the connection's end. */
static void end_words(const struct stream *s, char to[GATEWAY_WORDS_BYTES])
{
	const struct connection *c = s->connection;
	const char *machine = s->xmpp ? xmpp_stream_end(s->xmpp)->words : "";

	if (s->is_refused && s->words[0])
		snprintf(to, GATEWAY_WORDS_BYTES, "%s", s->words);
	else if (machine[0])
		snprintf(to, GATEWAY_WORDS_BYTES, "%s", machine);
	else
		snprintf(to, GATEWAY_WORDS_BYTES, "%s%s%.200s", connection_end_name(connection_end(c)),
		         connection_end_words(c)[0] ? ": " : "", connection_end_words(c));
}

/* Theirs, and not one that was over in good order. */
static bool has_failed_in(const struct stream *s, const struct connection *c)
{
	enum connection_end end = connection_end(c);

	if (s->route || !s->xmpp || !s->partner[0] || end == CONNECTION_END_DRAIN)
		return false;
	return !s->is_proved || end != CONNECTION_END_PEER ||
	       xmpp_stream_end(s->xmpp)->error != XMPP_STREAM_NONE;
}

static void closed(void *owner, struct connection *c)
{
	struct stream *s = owner;
	struct streams *all = s->streams;
	struct dial *dial = s->dial;
	bool was_sasl_refused = s->xmpp && xmpp_stream_was_sasl_refused(s->xmpp);
	char words[GATEWAY_WORDS_BYTES], plain[GATEWAY_WORDS_BYTES];

	snprintf(plain, sizeof plain, "%s%s%.200s", connection_end_name(connection_end(c)),
	         connection_end_words(c)[0] ? ": " : "", connection_end_words(c));
	if (s->xmpp)
		xmpp_stream_lost(s->xmpp, plain);
	end_words(s, words);
	report(s, s->is_proved ? CONTROL_EVENT_CONNECTION_CLOSED : CONTROL_EVENT_CONNECTION_REFUSED,
	       connection_end_name(connection_end(c)), words);
	if (has_failed_in(s, c))
		route_failed_in(all, xmpp_stream_local(s->xmpp), slice_of(s->partner), words);
	parcels_lost(s, words);
	LIST_EACH (at, &all->route_list) {
		struct route *route = LIST_OWNER(at, struct route, node);

		if (route->sender == s || route->asker == s)
			route_lost(route, s);
	}
	s->dial = NULL;
	s->connection = NULL;
	stream_free(s);
	if (dial)
		dial_failed(dial, words, was_sasl_refused);
}

static void written(void *owner, struct connection *c)
{
	(void)c;
	route_go_on(owner);
}

static const struct connection_events connection_calls = {
	.up = up, .received = received, .closed = closed, .written = written
};

/* ---- life ---- */

static struct stream *stream_new(struct streams *all)
{
	struct stream *s = mem_new(sizeof *s);

	if (!s)
		return NULL;
	s->streams = all;
	s->number = ++all->numbers;
	s->may_sasl = true;
	list_start(&s->receipts);
	list_start(&s->flying);
	list_add_last(&all->stream_list, &s->node);
	all->stream_count++;
	s->last_kept_ms = s->last_asked_ms = gateway_now_ms(all->gateway);
	return s;
}

void stream_free(struct stream *s)
{
	loop_defer_cancel(&s->flush);
	receipts_drop(s);
	list_remove(&s->node);
	s->streams->stream_count--;
	xmpp_stream_free(&s->xmpp);
	mem_free(s);
}

static struct connection_settings settings_of(struct stream *s)
{
	return (struct connection_settings){ .connect_ms = STREAM_CONNECT_MS,
		                             .handshake_ms = STREAM_HANDSHAKE_MS,
		                             .in_max = (size_t)gateway_of(s)->settings->max_stanza +
		                                       XMPP_HEADER_MAX,
		                             .events = &connection_calls,
		                             .owner = s };
}

static void set_deadline(struct stream *s)
{
	connection_deadline(s->connection,
	                    (int64_t)gateway_of(s)->settings->stream_establishment_timeout * 1000,
	                    "the stream was not authenticated in time");
}

/* TLS from the first byte on (XEP-0368). */
static void begin_with_tls(struct stream *s, struct connection_settings *settings)
{
	s->is_direct = true;
	settings->credentials = gateway_of(s)->credentials;
	settings->handshake_ms = STREAM_HANDSHAKE_MS;
	settings->application = "xmpp-server";
}

struct stream *stream_open(struct dial *dial, const struct address *to, bool is_direct, struct reason *reason)
{
	struct route *route = dial_route(dial);
	struct streams *all = route->streams;
	struct stream *s = stream_new(all);
	struct connection_settings settings;
	char name[GATEWAY_NAME_BYTES];

	if (!s) {
		fail(reason, RESULT_NO_MEMORY, "out of memory");
		return NULL;
	}
	if (is_direct && !all->gateway->credentials) {
		fail(reason, RESULT_NOT_FOUND, "there is no certificate yet for TLS");
		stream_free(s);
		return NULL;
	}
	s->route = route;
	s->is_for_asking = dial_is_for_asking(dial);
	s->may_sasl = dial_may_sasl(dial);
	s->is_counted = true;
	slice_to_text(route->remote, s->partner, sizeof s->partner);
	settings = settings_of(s);
	if (is_direct && slice_to_text(route->remote, name, sizeof name)) {
		begin_with_tls(s, &settings);
		settings.server_name = name;
	}
	if (connection_open(all->gateway->loop, &all->gateway->connections, to, &settings, &s->connection,
	                    reason) != RESULT_OK) {
		stream_free(s);
		return NULL;
	}
	s->dial = dial;
	set_deadline(s);
	return s;
}

struct stream *stream_accept(struct streams *all, int fd, bool is_direct)
{
	struct stream *s = stream_new(all);
	struct connection_settings settings;
	struct reason reason;

	if (!s)
		return NULL;
	settings = settings_of(s);
	if (is_direct)
		begin_with_tls(s, &settings);
	if (connection_accept(all->gateway->loop, &all->gateway->connections, fd, &settings, &s->connection,
	                      &reason) != RESULT_OK) {
		stream_free(s);
		return NULL;
	}
	set_deadline(s);
	return s;
}

/* ---- time ---- */

static bool is_idle(const struct stream *s, int64_t now)
{
	int64_t quiet = now - xmpp_stream_counts(s->xmpp).last_stanza_ms;

	if (s->is_for_asking)
		return now - s->last_asked_ms >= STREAM_ASKING_QUIET_MS && s->route &&
		       s->route->question_count == 0;
	return s->is_proved && s->flying_count == 0 &&
	       quiet >= (int64_t)gateway_of(s)->settings->stream_inactivity_timeout * 1000;
}

void stream_second(struct stream *s)
{
	struct gateway *g = gateway_of(s);
	struct instant now = loop_now(g->loop);

	if (!s->xmpp || connection_state(s->connection) >= CONNECTION_CLOSING)
		return;
	xmpp_stream_tick(s->xmpp, now);
	parcels_second(s);
	route_go_on(s);
	receipts_second(s);
	stream_recheck_due(s, now.mono_ms);
	if (xmpp_stream_phase(s->xmpp) < XMPP_PHASE_CLOSING && s->is_proved)
		stream_keep_alive(s, now.mono_ms);
	if (xmpp_stream_acknowledges(s->xmpp) && s->flying_count >= STREAM_UNACKNOWLEDGED_MAX &&
	    now.mono_ms - s->acknowledged_ms >= STREAM_UNACKNOWLEDGED_MS)
		stream_close(s, XMPP_STREAM_POLICY_VIOLATION,
		             "too many stanzas wait for an acknowledgement (XEP-0198)");
	if (xmpp_stream_phase(s->xmpp) < XMPP_PHASE_CLOSING && is_idle(s, now.mono_ms))
		stream_close(s, XMPP_STREAM_NONE, "idle");
	settle(s);
}
