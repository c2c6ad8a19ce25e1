/*
 * xmpp_stream: sequences.  The first byte says the role, the terms and what the
 * certificate proves; the rest is a program: a byte below 0xf0 and what follows
 * it up to the next such byte are the peer's bytes, from 0xf0 on it is a call of
 * the owner.  Whatever comes: no stanza of a pair that is not proved, no state
 * the machine cannot be in, and what is written can be read.
 */
#include <stdlib.h>

#include "daemon/xmpp/stream.h"

struct owner {
	struct xmpp_stream *stream;
	struct xmpp_terms terms;
	bool has_certificate, wants_tls;
	char asked_for[XMPP_STREAM_ID_BYTES]; /* the id, in the last question about a key */
};

static bool is_domain(struct slice domain)
{
	return slice_starts(domain, SLICE("a")) || slice_starts(domain, SLICE("b"));
}
static bool is_ours(void *owner, struct slice domain)
{
	(void)owner;
	return slice_starts(domain, SLICE("b"));
}
static bool terms(void *owner, struct slice remote, struct xmpp_terms *out)
{
	*out = ((struct owner *)owner)->terms;
	return is_domain(remote);
}
static bool has_certificate_for(void *owner, struct slice remote)
{
	return ((struct owner *)owner)->has_certificate && slice_equal(remote, SLICE("a.example"));
}
static void ready(void *owner) { (void)owner; }
static void start_tls(void *owner) { ((struct owner *)owner)->wants_tls = true; }
static bool verify(void *owner, struct slice local, struct slice remote, struct slice id, struct slice key)
{
	if (!is_ours(owner, local) ||
	    !slice_to_text(id, ((struct owner *)owner)->asked_for, XMPP_STREAM_ID_BYTES) || id.len == 0 ||
	    remote.len == 0)
		abort();
	return key.len % 2;
}
static void answered(void *owner, struct slice local, struct slice remote, struct slice id,
                     enum xmpp_verdict verdict)
{
	(void)owner;
	(void)verdict;
	if (local.len == 0 || remote.len == 0 || id.len == 0)
		abort();
}
static void pair_changed(void *owner, const struct xmpp_pair *pair, enum xmpp_condition error,
                         const char *why)
{
	struct owner *o = owner;

	(void)error;
	if (!why || (pair->taking == XMPP_PAIR_READY && !is_ours(owner, pair->local) &&
	             xmpp_stream_role(o->stream) == XMPP_RECEIVING))
		abort();
}
static void stanza(void *owner, const struct xmpp_element *element, const struct xmpp_jid *from,
                   const struct xmpp_jid *to, uint64_t number)
{
	struct owner *o = owner;
	const struct xmpp_pair *pair = xmpp_stream_pair(o->stream, to->domain, from->domain);

	if (!pair || pair->taking != XMPP_PAIR_READY || !slice_equal(element->space, XMPP_NS_SERVER))
		abort();
	if (number % 3 == 0)
		xmpp_stream_handled(o->stream, number);
}
static void acknowledged(void *owner, size_t count)
{
	(void)owner;
	if (count == 0)
		abort();
}

static const struct xmpp_stream_owner calls = {
	is_ours, terms,    has_certificate_for, ready,  start_tls,
	verify,  answered, pair_changed,        stanza, acknowledged,
};

static void act(struct owner *o, uint8_t what, int64_t *now)
{
	struct instant instant = { .mono_ms = *now };
	struct arena arena;
	struct xmpp_builder b = { .arena = &arena };
	struct xmpp_element *m;

	switch (what) {
	case 0xf0:
		if (o->wants_tls && xmpp_stream_phase(o->stream) == XMPP_PHASE_TLS)
			xmpp_stream_secured(o->stream, instant);
		o->wants_tls = false;
		break;
	case 0xf1:
		xmpp_stream_verified(o->stream, SLICE("b.example"), SLICE("a.example"),
		                     slice_of(o->asked_for), XMPP_KEY_VALID, XMPP_GONE);
		break;
	case 0xf2:
		xmpp_stream_verified(o->stream, SLICE("b.example"), SLICE("a.example"),
		                     slice_of(o->asked_for), XMPP_KEY_INVALID, XMPP_GONE);
		break;
	case 0xf3:
		xmpp_stream_verified(o->stream, SLICE("b.example"), SLICE("a2.example"),
		                     slice_of(o->asked_for), XMPP_KEY_UNKNOWN, XMPP_GONE);
		break;
	case 0xf4:
		*now += 31000;
		xmpp_stream_tick(o->stream, (struct instant){ .mono_ms = *now });
		break;
	case 0xf5: xmpp_stream_close(o->stream, XMPP_STREAM_NONE, "idle", instant); break;
	case 0xf6: xmpp_stream_close(o->stream, XMPP_STREAM_SYSTEM_SHUTDOWN, "stopping", instant); break;
	case 0xf7: xmpp_stream_want(o->stream, SLICE("b2.example"), SLICE("a.example")); break;
	case 0xf8:
		xmpp_stream_ask(o->stream, SLICE("b.example"), SLICE("a.example"), SLICE("id"), SLICE("key"));
		break;
	case 0xf9:
		arena_start(&arena, 4096);
		m = xmpp_add(&b, NULL, XMPP_NS_SERVER, SLICE("message"));
		xmpp_stream_send(o->stream, SLICE("b.example"), SLICE("a.example"), m);
		xmpp_stream_flush(o->stream);
		arena_stop(&arena);
		break;
	case 0xfa: xmpp_stream_handled(o->stream, 1); break;
	case 0xfb: xmpp_stream_keep_alive(o->stream); break;
	case 0xfc: xmpp_stream_lost(o->stream, "gone"); break;
	case 0xfd: o->has_certificate = !o->has_certificate; break; /* it was looked at again */
	case 0xfe:                                                  /* an administrator has changed the row */
		o->terms.may_sasl = !o->terms.may_sasl;
		o->terms.may_tls_dialback = !o->terms.may_tls_dialback;
		break;
	case 0xff:
		if (!xmpp_stream_is_still_proved(o->stream) && o->has_certificate)
			abort();
		break;
	default: break;
	}
}

/* What was written: streams (each with its header, for it began anew), and nothing that cannot be read. */
static void read_what_was_written(struct xmpp_parser *parser, struct slice bytes)
{
	struct xmpp_reader reader;
	struct arena arena;
	enum xmpp_read read;
	bool has_ended = false; /* by <proceed/> or <success/>: the next word is a header */

	xmpp_reader_start(&reader, 1024 * 1024);
	arena_start(&arena, 4 * 1024 * 1024);
	do {
		struct slice again = SLICE("<?xml");
		struct xmpp_element *element;
		struct xmpp_fault fault = { 0 };
		size_t length;

		if (has_ended && bytes.len && !slice_starts(bytes, again))
			abort();
		if (slice_starts(bytes, again)) {
			xmpp_reader_stop(&reader);
			xmpp_reader_start(&reader, 1024 * 1024);
		}
		arena_reset(&arena);
		read = xmpp_reader_next(&reader, parser, bytes, &arena, &length, &element, &fault);
		if (read == XMPP_READ_BROKEN)
			abort();
		has_ended = read == XMPP_READ_STANZA && (xmpp_is(element, XMPP_NS_TLS, SLICE("proceed")) ||
		                                         xmpp_is(element, XMPP_NS_SASL, SLICE("success")));
		bytes = slice_after(bytes, length);
	} while (read != XMPP_READ_MORE && read != XMPP_READ_END);
	if (bytes.len)
		abort();
	arena_stop(&arena);
	xmpp_reader_stop(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct xmpp_parser *parser;
	struct owner owner = { 0 };
	struct buffer in, out;
	int64_t now = 1000;
	uint8_t how;

	if (size < 1)
		return 0;
	if (!parser)
		parser = xmpp_parser_new();
	how = data[0];
	owner.terms = (struct xmpp_terms){ how & 1 ? XMPP_TLS_ALWAYS : XMPP_TLS_IF_OFFERED, how & 2, how & 4,
		                           how & 8 };
	owner.has_certificate = how & 16;

	struct xmpp_stream_settings settings = { .role = how & 32 ? XMPP_INITIATING : XMPP_RECEIVING,
		                                 .local = SLICE("b.example"),
		                                 .remote = SLICE("a.example"),
		                                 .terms = owner.terms,
		                                 .may_sasl = true,
		                                 .can_tls = true,
		                                 .is_secure = how & 64,
		                                 .offers_acks = how & 128,
		                                 .offers_bidi = how & 128,
		                                 .stanza_max = 65536,
		                                 .secret = SLICE("secret"),
		                                 .calls = &calls,
		                                 .owner = &owner };

	buffer_start(&in, 1024 * 1024);
	buffer_start(&out, 1024 * 1024);
	owner.stream = xmpp_stream_new(&settings, parser, &out, (struct instant){ .mono_ms = now });
	xmpp_stream_begin(owner.stream, (struct instant){ .mono_ms = now });
	for (size_t at = 1; at < size;) {
		size_t start = at;

		if (data[at] >= 0xf0) {
			act(&owner, data[at++], &now);
			continue;
		}
		while (at < size && data[at] < 0xf0)
			at++;
		if (xmpp_stream_phase(owner.stream) == XMPP_PHASE_TLS)
			continue; /* the handshake has the bytes */
		buffer_add(&in, (struct slice){ (const char *)data + start, at - start });
		xmpp_stream_received(owner.stream, &in, (struct instant){ .mono_ms = now });
	}
	if (strstr(xmpp_stream_end(owner.stream)->words, "a state it cannot be in") || out.is_broken)
		abort();
	read_what_was_written(parser, buffer_slice(&out));
	xmpp_stream_free(&owner.stream);
	buffer_stop(&in);
	buffer_stop(&out);
	return 0;
}
