/*
 * sides: two stream machines that talk with each other, or one that is talked to,
 * and a log of what each told its owner.
 */
#ifndef TESTS_UNIT_XMPP_SIDES_H
#define TESTS_UNIT_XMPP_SIDES_H

#include "daemon/xmpp/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { LOG_BYTES = 65536, OUT_MAX = 1024 * 1024 };

struct side {
	const char *ours[3]; /* domains that are ours; NULL ends them */
	const char *partners[3];
	const char *proved[3]; /* domains that the peer's certificate names */
	struct xmpp_terms terms;
	struct xmpp_stream *stream;
	struct buffer out;
	bool wants_tls;
	char asked_for[XMPP_STREAM_ID_BYTES];
	bool asks_nobody;
	        /* too many keys are being asked about */ /* the stream's id, in the last question about a key */
	uint64_t last_number;
	char log[LOG_BYTES];
	size_t logged;
};

static inline void side_log(struct side *side, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline void side_log(struct side *side, const char *format, ...)
{
	va_list args;

	assert_true(side->logged + 2 < sizeof side->log);
	if (side->logged)
		side->log[side->logged++] = '|';
	va_start(args, format);
	side->logged += (size_t)vsnprintf(side->log + side->logged, sizeof side->log - side->logged, format,
	                                  args);
	va_end(args);
	assert_true(side->logged < sizeof side->log);
}

static inline bool is_among(const char *const list[3], struct slice domain)
{
	for (size_t i = 0; i < 3 && list[i]; i++)
		if (slice_equal(slice_of(list[i]), domain))
			return true;
	return false;
}

static inline bool side_is_ours(void *owner, struct slice domain)
{
	return is_among(((struct side *)owner)->ours, domain);
}
static inline bool side_terms(void *owner, struct slice remote, struct xmpp_terms *out)
{
	struct side *side = owner;

	*out = side->terms;
	return is_among(side->partners, remote);
}
static inline bool side_has_certificate_for(void *owner, struct slice remote)
{
	return is_among(((struct side *)owner)->proved, remote);
}
static inline void side_ready(void *owner) { side_log(owner, "ready"); }
static inline void side_start_tls(void *owner)
{
	((struct side *)owner)->wants_tls = true;
	side_log(owner, "start-tls");
}
static inline bool side_verify(void *owner, struct slice local, struct slice remote, struct slice id,
                               struct slice key)
{
	assert_true(slice_to_text(id, ((struct side *)owner)->asked_for, XMPP_STREAM_ID_BYTES));
	side_log(owner, "verify %.*s %.*s %zu", SLICE_ARG(local), SLICE_ARG(remote), key.len);
	return !((struct side *)owner)->asks_nobody;
}
static inline void side_answered(void *owner, struct slice local, struct slice remote, struct slice id,
                                 enum xmpp_verdict verdict)
{
	static const char *const words[] = { "valid", "invalid", "unknown" };

	side_log(owner, "answered %.*s %.*s %.*s %s", SLICE_ARG(local), SLICE_ARG(remote), SLICE_ARG(id),
	         words[verdict]);
}
static inline void side_pair_changed(void *owner, const struct xmpp_pair *pair, enum xmpp_condition error,
                                     const char *why)
{
	(void)error;
	side_log(owner, "pair %.*s %.*s %s %s %s%s%s", SLICE_ARG(pair->local), SLICE_ARG(pair->remote),
	         xmpp_pair_state_name(pair->sending), xmpp_pair_state_name(pair->taking),
	         xmpp_proof_name(pair->proof), why[0] ? ": " : "", why);
}
static inline void side_stanza(void *owner, const struct xmpp_element *stanza, const struct xmpp_jid *from,
                               const struct xmpp_jid *to, uint64_t number)
{
	struct side *side = owner;

	side->last_number = number;
	side_log(side, "%.*s %.*s@%.*s to %.*s@%.*s #%u", SLICE_ARG(stanza->name), SLICE_ARG(from->local),
	         SLICE_ARG(from->domain), SLICE_ARG(to->local), SLICE_ARG(to->domain),
	         number == UINT64_MAX ? 0 : (unsigned)number); /* 0: nobody counts */
}
static inline void side_acknowledged(void *owner, size_t count)
{
	side_log(owner, "acknowledged %zu", count);
}

static const struct xmpp_stream_owner side_calls = {
	.is_ours = side_is_ours,
	.terms = side_terms,
	.has_certificate_for = side_has_certificate_for,
	.ready = side_ready,
	.start_tls = side_start_tls,
	.verify = side_verify,
	.answered = side_answered,
	.pair_changed = side_pair_changed,
	.stanza = side_stanza,
	.acknowledged = side_acknowledged,
};

#define NOW(ms) ((struct instant){ .mono_ms = (ms), .wall_ms = (ms) })
#define STRICT  ((struct xmpp_terms){ XMPP_TLS_ALWAYS, true, false, false })
#define NORMAL  ((struct xmpp_terms){ XMPP_TLS_ALWAYS, true, true, false })
#define NO_SASL ((struct xmpp_terms){ XMPP_TLS_ALWAYS, false, true, false })
#define LEGACY  ((struct xmpp_terms){ XMPP_TLS_IF_OFFERED, true, true, true })
#define CLEAR   ((struct xmpp_terms){ XMPP_TLS_NEVER, false, false, true })

static inline struct xmpp_stream_settings side_settings(struct side *side, enum xmpp_role role)
{
	struct xmpp_stream_settings settings = { .role = role,
		                                 .terms = side->terms,
		                                 .may_sasl = true,
		                                 .can_tls = true,
		                                 .stanza_max = 65536,
		                                 .secret = SLICE("s3cr3tf0rd14lb4ck"),
		                                 .seed = "0123456789abcde",
		                                 .calls = &side_calls,
		                                 .owner = side };

	if (role == XMPP_INITIATING) {
		settings.local = slice_of(side->ours[0]);
		settings.remote = slice_of(side->partners[0]);
	}
	return settings;
}

static inline void side_start(struct side *side, const struct xmpp_stream_settings *settings,
                              struct xmpp_parser *parser)
{
	buffer_start(&side->out, OUT_MAX);
	side->stream = xmpp_stream_new(settings, parser, &side->out, NOW(1000));
	assert_non_null(side->stream);
	xmpp_stream_begin(side->stream, NOW(1000));
}

static inline void side_stop(struct side *side)
{
	xmpp_stream_free(&side->stream);
	buffer_stop(&side->out);
}

/* What `side` has written goes to `to`, in pieces of `step` bytes (0: all at once). */
static inline bool side_give(struct side *side, struct side *to, size_t step)
{
	struct buffer in;
	struct slice bytes = buffer_slice(&side->out);
	struct buffer sent;
	bool was_any = bytes.len > 0;

	buffer_start(&sent, OUT_MAX);
	buffer_add(&sent, bytes);
	buffer_clear(&side->out);
	buffer_start(&in, OUT_MAX);
	for (struct slice rest = buffer_slice(&sent); rest.len;) {
		size_t n = step == 0 || step > rest.len ? rest.len : step;

		buffer_add(&in, slice_first(rest, n));
		rest = slice_after(rest, n);
		xmpp_stream_received(to->stream, &in, NOW(1000));
	}
	buffer_stop(&in);
	buffer_stop(&sent);
	return was_any;
}

/* Both talk until neither has anything to say; TLS is done when both want it. */
static inline void sides_talk(struct side *a, struct side *b, size_t step)
{
	bool is_talking = true;

	for (unsigned turns = 0; is_talking; turns++) {
		assert_true(turns < 100);
		is_talking = side_give(a, b, step);
		is_talking |= side_give(b, a, step);
		if (a->wants_tls && b->wants_tls) {
			a->wants_tls = b->wants_tls = false;
			xmpp_stream_secured(a->stream, NOW(1000));
			xmpp_stream_secured(b->stream, NOW(1000));
			is_talking = true;
		}
	}
}

/* Somebody else's bytes. */
static inline void side_hear(struct side *side, struct slice bytes)
{
	struct buffer in;

	buffer_start(&in, OUT_MAX);
	buffer_add(&in, bytes);
	xmpp_stream_received(side->stream, &in, NOW(1000));
	buffer_stop(&in);
}

static inline const char *side_said(struct side *side)
{
	buffer_add_char(&side->out, '\0');
	side->out.end--;
	return buffer_slice(&side->out).ptr;
}

static inline const struct xmpp_element *side_message(struct xmpp_builder *b, const char *from,
                                                      const char *to)
{
	struct xmpp_element *m = xmpp_add(b, NULL, XMPP_NS_SERVER, SLICE("message"));

	xmpp_set(b, m, SLICE("from"), slice_of(from));
	xmpp_set(b, m, SLICE("to"), slice_of(to));
	xmpp_add_with_text(b, m, XMPP_NS_SERVER, SLICE("body"), SLICE("hello"));
	return m;
}

#endif
