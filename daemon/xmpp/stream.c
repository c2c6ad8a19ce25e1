/* Bytes and events in, through the table; the end of a stream; what owners ask. */
#include <stdio.h>

#include "daemon/names/names.h"
#include "daemon/xmpp/stream_parts.h"
#include "shared/base/memory.h"
#include "shared/base/text.h"

enum { STREAM_ARENA_MAX = 4 * 1024 * 1024 };

/* ---- birth and death ---- */

static bool keep_texts(struct xmpp_stream *s, const struct xmpp_stream_settings *from)
{
	size_t size = from->local.len + from->remote.len + from->secret.len;
	char *at = s->own = mem_new(size + 1);

	if (!at)
		return false;
	s->settings = *from;
	struct slice *const texts[] = { &s->settings.local, &s->settings.remote, &s->settings.secret };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (texts[i]->len)
			memcpy(at, texts[i]->ptr, texts[i]->len);
		texts[i]->ptr = at;
		at += texts[i]->len;
	}
	return true;
}

struct xmpp_stream *xmpp_stream_new(const struct xmpp_stream_settings *settings, struct xmpp_parser *parser,
                                    struct buffer *out, struct instant now)
{
	struct xmpp_stream *s = mem_new(sizeof *s);

	if (!s)
		return NULL;
	list_start(&s->pairs);
	list_start(&s->askings);
	arena_start(&s->arena, STREAM_ARENA_MAX);
	s->parser = parser;
	s->out = out;
	s->now_ms = s->counts.last_stanza_ms = now.mono_ms;
	if (!keep_texts(s, settings)) {
		mem_free(s);
		return NULL;
	}
	s->is_secure = settings->is_secure;
	xmpp_reader_start(&s->reader, XMPP_BYTES_BEFORE_IDENTITY_MAX);
	if (settings->role == XMPP_INITIATING) {
		struct xmpp_pair *pair;

		s->local = s->settings.local;
		s->remote = s->settings.remote;
		s->terms = settings->terms;
		s->has_terms = true;
		if (!settings->is_for_asking) {
			if (!(pair = stream_pair_get(s, s->local, s->remote))) {
				xmpp_stream_free(&s);
				return NULL;
			}
			pair->sending = XMPP_PAIR_WANTED;
		}
	}
	return s;
}

void xmpp_stream_free(struct xmpp_stream **stream)
{
	struct xmpp_stream *s = *stream;

	if (!s)
		return;
	stream_pairs_free(s);
	xmpp_reader_stop(&s->reader);
	arena_stop(&s->arena);
	if (s->own)
		mem_wipe(s->own, s->settings.local.len + s->settings.remote.len + s->settings.secret.len);
	mem_free(s->own);
	mem_free(s->names);
	mem_free(s);
	*stream = NULL;
}

void stream_rest(struct xmpp_stream *s)
{
	if (!s->is_reading)
		arena_stop(&s->arena);
}

/* ---- writing ---- */

void stream_put(struct xmpp_stream *s, struct slice bytes) { buffer_add(s->out, bytes); }

void stream_put_element(struct xmpp_stream *s, const struct xmpp_element *element)
{
	struct xmpp_scope scope = { XMPP_NS_SERVER, true, s->has_declared_dialback };

	/* What cannot be written was built of what the peer sent or of too much of it; it must not go unsaid. */
	if (!element || !xmpp_write(element, &scope, s->out))
		s->out->is_broken = true;
}

/* ---- ending ---- */

static void note_end(struct xmpp_stream *s, enum xmpp_stream_error error, bool is_theirs, struct slice words)
{
	if (s->end.words[0] || s->end.error != XMPP_STREAM_NONE)
		return; /* the first reason is the reason */
	s->end.error = error;
	s->end.is_theirs = is_theirs;
	text_shown(words, s->end.words, sizeof s->end.words);
}

static void write_end(struct xmpp_stream *s)
{
	if (s->has_sent_end || s->phase == XMPP_PHASE_TLS)
		return;
	if (!s->has_sent_header)
		stream_send_header(s);
	stream_put(s, SLICE("</stream:stream>"));
	s->has_sent_end = true;
}

static void enter_closed(struct xmpp_stream *s)
{
	s->phase = XMPP_PHASE_CLOSED;
	stream_pairs_end(s, s->end.words[0] ? s->end.words : "the stream has ended");
}

static void write_error(struct xmpp_stream *s, enum xmpp_stream_error error, const char *words)
{
	struct xmpp_builder b = { .arena = &s->arena };
	struct xmpp_element *root = xmpp_add(&b, NULL, XMPP_NS_STREAM, SLICE("error")), *text;

	xmpp_add(&b, root, XMPP_NS_STREAMS, xmpp_stream_error_name(error));
	text = xmpp_add_with_text(&b, root, XMPP_NS_STREAMS, SLICE("text"), slice_of(words));
	xmpp_set_language(&b, text, SLICE("en"));
	stream_put_element(s, root);
}

void stream_fail(struct xmpp_stream *s, enum xmpp_stream_error error, const char *words)
{
	if (s->phase == XMPP_PHASE_CLOSED)
		return;
	note_end(s, error, false, slice_of(words));
	if (s->phase != XMPP_PHASE_TLS && !s->has_sent_end) {
		if (!s->has_sent_header) /* RFC 6120 §4.9.1.2 */
			stream_send_header(s);
		write_error(s, error, words);
		write_end(s);
	}
	enter_closed(s);
}

void stream_give_up(struct xmpp_stream *s, const char *words)
{
	note_end(s, XMPP_STREAM_NONE, false, slice_of(words));
	write_end(s);
	enter_closed(s);
}

void stream_gone(struct xmpp_stream *s) { enter_closed(s); }

void stream_say_end(struct xmpp_stream *s, struct instant now)
{
	bool can_wait = s->phase != XMPP_PHASE_TLS && s->phase != XMPP_PHASE_HEADER && !s->has_heard_end;

	write_end(s);
	if (!can_wait) {
		enter_closed(s);
		return;
	}
	s->phase = XMPP_PHASE_CLOSING;
	s->close_deadline_ms = now.mono_ms + XMPP_CLOSE_WAIT_MS;
	stream_pairs_end(s, s->end.words[0] ? s->end.words : "the stream is being closed");
}

static void hear_error(struct xmpp_stream *s, const struct xmpp_element *error)
{
	enum xmpp_stream_error condition = XMPP_STREAM_UNDEFINED_CONDITION;
	struct slice words = SLICE_NONE;
	char all[192]; /* note_end makes it printable */

	for (const struct xmpp_element *at = xmpp_first_element(error); at; at = xmpp_next_element(at)) {
		if (!slice_equal(at->space, XMPP_NS_STREAMS))
			continue;
		if (slice_equal(at->name, SLICE("text")))
			words = xmpp_text(at, &s->arena);
		else
			condition = xmpp_stream_error_of(at->name);
	}
	snprintf(all, sizeof all, "%.*s%s%.*s", SLICE_ARG(xmpp_stream_error_name(condition)),
	         words.len ? ": " : "", SLICE_ARG(words));
	note_end(s, condition, true, slice_of(all));
	write_end(s);
	enter_closed(s);
}

static void hear_end(struct xmpp_stream *s)
{
	s->has_heard_end = true;
	note_end(s, XMPP_STREAM_NONE, true, SLICE("the partner closed the stream"));
	write_end(s);
	enter_closed(s);
}

void xmpp_stream_close(struct xmpp_stream *s, enum xmpp_stream_error error, const char *words,
                       struct instant now)
{
	if (s->phase >= XMPP_PHASE_CLOSING)
		return;
	note_end(s, error, false, slice_of(words));
	/* RFC 6120 §4.9.3.20: a shutdown is said as an error, and still waits for the peer's last stanzas. */
	if (error != XMPP_STREAM_NONE && s->phase != XMPP_PHASE_TLS) {
		if (!s->has_sent_header)
			stream_send_header(s);
		write_error(s, error, words);
	}
	stream_say_end(s, now);
	stream_rest(s);
}

void xmpp_stream_lost(struct xmpp_stream *s, const char *words)
{
	if (s->phase == XMPP_PHASE_CLOSED)
		return;
	note_end(s, XMPP_STREAM_NONE, true, slice_of(words));
	s->has_sent_end = true;
	enter_closed(s);
}

/* ---- events ---- */

struct name_row {
	struct slice space, name;
	enum xmpp_stream_event event;
};

#define ROW(space, name, event)                                                                              \
	{                                                                                                    \
		{ space, sizeof(space) - 1 }, { name, sizeof(name) - 1 }, XMPP_EV_##event                    \
	}

static const struct name_row names[] = {
	ROW("jabber:server", "message", STANZA),
	ROW("jabber:server", "presence", STANZA),
	ROW("jabber:server", "iq", STANZA),
	ROW("urn:xmpp:sm:3", "r", ACK_ASKED),
	ROW("urn:xmpp:sm:3", "a", ACK),
	ROW("urn:xmpp:sm:3", "enable", ENABLE),
	ROW("urn:xmpp:sm:3", "enabled", ENABLED),
	ROW("urn:xmpp:sm:3", "failed", SM_FAILED),
	ROW("urn:xmpp:sm:3", "resume", RESUME),
	ROW("http://etherx.jabber.org/streams", "features", FEATURES),
	ROW("http://etherx.jabber.org/streams", "error", PEER_ERROR),
	ROW("urn:ietf:params:xml:ns:xmpp-tls", "starttls", STARTTLS),
	ROW("urn:ietf:params:xml:ns:xmpp-tls", "proceed", PROCEED),
	ROW("urn:ietf:params:xml:ns:xmpp-tls", "failure", TLS_FAILURE),
	ROW("urn:ietf:params:xml:ns:xmpp-sasl", "auth", AUTH),
	ROW("urn:ietf:params:xml:ns:xmpp-sasl", "success", SUCCESS),
	ROW("urn:ietf:params:xml:ns:xmpp-sasl", "failure", SASL_FAILURE),
	ROW("urn:ietf:params:xml:ns:xmpp-sasl", "challenge", SASL_OTHER),
	ROW("urn:ietf:params:xml:ns:xmpp-sasl", "response", SASL_OTHER),
	ROW("urn:ietf:params:xml:ns:xmpp-sasl", "abort", SASL_OTHER),
	ROW("urn:xmpp:bidi", "bidi", BIDI),
};

static enum xmpp_stream_event event_of(const struct xmpp_element *element)
{
	if (slice_equal(element->space, XMPP_NS_DIALBACK)) {
		bool is_answer = xmpp_get(element, SLICE("type")).ptr != NULL;

		if (slice_equal(element->name, SLICE("result")))
			return is_answer ? XMPP_EV_RESULT_ANSWER : XMPP_EV_RESULT;
		if (slice_equal(element->name, SLICE("verify")))
			return is_answer ? XMPP_EV_VERIFY_ANSWER : XMPP_EV_VERIFY;
	}
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (xmpp_is(element, names[i].space, names[i].name))
			return names[i].event;
	return XMPP_EV_OTHER;
}

/* `element` is NULL for the events that are no element. */
static void step(struct xmpp_stream *s, enum xmpp_stream_event event, const struct xmpp_element *element)
{
	switch (xmpp_stream_deed(s->settings.role, s->phase, event)) {
	case DEED_UNWRITTEN:
	case DEED_COUNT:
	case DEED_IMPOSSIBLE:
		stream_fail(s, XMPP_STREAM_INTERNAL_SERVER_ERROR,
		            "the stream came into a state it cannot be in");
		break;
	case DEED_IGNORE: break;
	case DEED_DROP: s->counts.dropped++; break;
	case DEED_GREET: stream_greet(s, element); break;
	case DEED_LEARN: stream_learn(s, element); break;
	case DEED_CHOOSE: stream_choose(s, element); break;
	case DEED_START_TLS: stream_start_tls(s); break;
	case DEED_PROCEED: stream_proceed(s); break;
	case DEED_NO_TLS: stream_give_up(s, "the partner cannot do TLS"); break;
	case DEED_RESTART: stream_restart(s); break;
	case DEED_AUTHENTICATE: stream_authenticate(s, element); break;
	case DEED_SUCCEED: stream_succeed(s); break;
	case DEED_FALL_BACK: stream_fall_back(s, element); break;
	case DEED_JUDGE: stream_judge(s, element); break;
	case DEED_RESULT: stream_result(s, element); break;
	case DEED_CONFIRM: stream_confirm(s, element); break;
	case DEED_CONFIRMED: stream_confirmed(s, element); break;
	case DEED_BIDI: s->does_bidi = s->bidi_offered; break;
	case DEED_TAKE: stream_take(s, element); break;
	case DEED_ENABLE: stream_enable(s); break;
	case DEED_ENABLED: stream_enabled(s, element); break;
	case DEED_NO_RESUME: stream_no_resume(s); break;
	case DEED_ANSWER_ACK: stream_answer_ack(s); break;
	case DEED_COUNT_ACK: stream_count_ack(s, element); break;
	case DEED_NOT_YET:
		stream_fail(s, XMPP_STREAM_NOT_AUTHORIZED, "no domain is proved on this stream yet");
		break;
	case DEED_TOO_LATE:
		stream_fail(s, XMPP_STREAM_POLICY_VIOLATION, "that is negotiated before a stream is used");
		break;
	case DEED_UNKNOWN_ELEMENT:
		stream_fail(s, XMPP_STREAM_UNSUPPORTED_STANZA_TYPE, "this element has no meaning here");
		break;
	case DEED_HEAR_ERROR: hear_error(s, element); break;
	case DEED_HEAR_END: hear_end(s); break;
	case DEED_BREAK: stream_fail(s, s->fault->error, s->fault->why); break;
	case DEED_GONE: stream_gone(s); break;
	}
}

void xmpp_stream_begin(struct xmpp_stream *s, struct instant now)
{
	s->now_ms = now.mono_ms;
	if (s->settings.role != XMPP_INITIATING || s->phase != XMPP_PHASE_HEADER || s->has_sent_header)
		return;
	stream_send_header(s);
	if (s->is_secure)
		stream_weigh_certificate(s);
}

static bool reads(const struct xmpp_stream *s)
{
	return s->phase != XMPP_PHASE_CLOSED && s->phase != XMPP_PHASE_TLS && !xmpp_stream_is_full(s);
}

void xmpp_stream_received(struct xmpp_stream *s, struct buffer *in, struct instant now)
{
	enum xmpp_read read = XMPP_READ_STANZA;

	s->now_ms = now.mono_ms;
	s->is_reading = true;
	while (reads(s) && read != XMPP_READ_MORE) {
		struct xmpp_element *element;
		struct xmpp_fault fault = { 0 };
		size_t length;

		arena_reset(&s->arena);
		read = xmpp_reader_next(&s->reader, s->parser, buffer_slice(in), &s->arena, &length, &element,
		                        &fault);
		s->rest = slice_after(buffer_slice(in), length);
		s->fault = &fault;
		switch (read) {
		case XMPP_READ_MORE: break;
		case XMPP_READ_HEADER: step(s, XMPP_EV_HEADER, element); break;
		case XMPP_READ_STANZA: step(s, event_of(element), element); break;
		case XMPP_READ_END: step(s, XMPP_EV_PEER_END, NULL); break;
		case XMPP_READ_BROKEN:
			step(s, XMPP_EV_BROKEN, NULL);
			enter_closed(s); /* nothing can be read any more, whatever the table says */
			break;
		}
		s->fault = NULL;
		buffer_consume(in, length);
	}
	if (s->phase == XMPP_PHASE_CLOSED)
		buffer_clear(in);
	s->rest = SLICE_NONE;
	s->is_reading = false;
	stream_rest(s);
}

void xmpp_stream_secured(struct xmpp_stream *s, struct instant now)
{
	s->now_ms = now.mono_ms;
	step(s, XMPP_EV_SECURED, NULL);
	stream_rest(s);
}

void xmpp_stream_tick(struct xmpp_stream *s, struct instant now)
{
	s->now_ms = now.mono_ms;
	if (s->phase == XMPP_PHASE_CLOSING && now.mono_ms >= s->close_deadline_ms)
		stream_gone(s);
	else if (s->phase < XMPP_PHASE_CLOSING)
		stream_pairs_tick(s);
	stream_rest(s);
}

/* ---- sending ---- */

enum result xmpp_stream_send(struct xmpp_stream *s, struct slice local, struct slice remote,
                             const struct xmpp_element *stanza)
{
	struct xmpp_scope scope = { XMPP_NS_SERVER, true, true };
	const struct xmpp_pair *pair = stream_pair_find(s, local, remote);
	size_t before = buffer_length(s->out), length;

	if (s->phase != XMPP_PHASE_OPEN || !pair || pair->sending != XMPP_PAIR_READY)
		return RESULT_DENIED;
	if (s->out->is_broken || buffer_room(s->out) == 0)
		return RESULT_LIMIT;
	if (!xmpp_write(stanza, &scope, s->out)) {
		/* Too long for the room that is left, or nothing that could ever be written? */
		struct buffer trial;
		bool can_be;

		buffer_start(&trial, s->out->max);
		can_be = xmpp_write(stanza, &scope, &trial);
		buffer_stop(&trial);
		return can_be ? RESULT_LIMIT : RESULT_INVALID;
	}
	length = buffer_length(s->out) - before;
	if (length > s->settings.stanza_max || (s->peer_stanza_max && length > s->peer_stanza_max)) {
		s->out->end -= length;
		return RESULT_INVALID;
	}
	stream_acks_sent(s);
	s->counts.stanzas_out++;
	s->counts.last_stanza_ms = s->now_ms;
	return RESULT_OK;
}

/* ---- what owners ask ---- */

static const char *const phase_names[] = {
	[XMPP_PHASE_HEADER] = "greeting",
	[XMPP_PHASE_FEATURES] = "negotiating",
	[XMPP_PHASE_TLS_ASKED] = "negotiating",
	[XMPP_PHASE_TLS] = "handshake",
	[XMPP_PHASE_SASL_ASKED] = "proving",
	[XMPP_PHASE_PROVING] = "proving",
	[XMPP_PHASE_OPEN] = "open",
	[XMPP_PHASE_CLOSING] = "closing",
	[XMPP_PHASE_CLOSED] = "closed",
};

const char *xmpp_phase_name(enum xmpp_phase phase) { return phase_names[phase]; }
enum xmpp_phase xmpp_stream_phase(const struct xmpp_stream *s) { return s->phase; }
enum xmpp_role xmpp_stream_role(const struct xmpp_stream *s) { return s->settings.role; }
bool xmpp_stream_is_secure(const struct xmpp_stream *s) { return s->is_secure; }
bool xmpp_stream_is_both_ways(const struct xmpp_stream *s) { return s->does_bidi; }
bool xmpp_stream_acknowledges(const struct xmpp_stream *s) { return s->acks.is_getting; }
bool xmpp_stream_takes_more_pairs(const struct xmpp_stream *s) { return s->peer_does_errors; }
bool xmpp_stream_was_sasl_refused(const struct xmpp_stream *s) { return s->was_sasl_refused; }
struct slice xmpp_stream_local(const struct xmpp_stream *s) { return s->local; }
struct slice xmpp_stream_remote(const struct xmpp_stream *s) { return s->remote; }
const struct xmpp_stream_end *xmpp_stream_end(const struct xmpp_stream *s) { return &s->end; }

struct xmpp_stream_counts xmpp_stream_counts(const struct xmpp_stream *s)
{
	struct xmpp_stream_counts counts = s->counts;

	counts.unacknowledged = (size_t)(s->acks.sent - s->acks.acknowledged);
	counts.unhandled = (size_t)(s->acks.received - s->acks.handled) + s->acks.uncounted;
	return counts;
}
