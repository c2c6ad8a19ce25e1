/*
 * Stream management without resumption (XEP-0198): who sent knows what was handled.
 *
 * A stanza counts as handled when it has reached its end or its sender has
 * been told, in whatever order that happens; the number told is of those
 * before which none is open.
 */
#include "daemon/xmpp/stream_parts.h"

static void put_ack(struct xmpp_stream *s)
{
	if (s->has_sent_end)
		return;
	/* §4: 32 bits that begin anew after the last. */
	buffer_printf(s->out, "<a xmlns='urn:xmpp:sm:3' h='%u'/>", (unsigned)(uint32_t)s->acks.handled);
	s->acks.owes_answer = s->acks.handled < s->acks.received;
}

/* ---- agreeing ---- */

void stream_acks_want(struct xmpp_stream *s)
{
	struct xmpp_pair *pair = stream_pair_find(s, s->local, s->remote);

	if (s->settings.offers_acks && s->peer_offers_acks && !s->acks.is_asked) {
		/* The pair waits for the answer, so that every stanza is counted. */
		s->acks.is_asked = true;
		stream_put(s, SLICE("<enable xmlns='urn:xmpp:sm:3'/>"));
		return;
	}
	/* It took our certificate; whether its own says who it is, is another thing. */
	if (pair)
		stream_pair_is_ready(s, pair,
		                     calls(s)->has_certificate_for(s->settings.owner, s->remote)
		                             ? XMPP_PROOF_SASL
		                             : XMPP_PROOF_DNS);
	stream_pairs_begin(s);
	if (s->phase == XMPP_PHASE_OPEN)
		calls(s)->ready(s->settings.owner);
}

void stream_enabled(struct xmpp_stream *s, const struct xmpp_element *answer)
{
	if (!s->acks.is_asked || s->acks.is_settled) {
		s->counts.dropped++;
		return;
	}
	s->acks.is_settled = true;
	if (slice_equal(answer->name, SLICE("enabled")))
		s->acks.is_getting = s->acks.is_giving = true;
	s->peer_offers_acks = false;
	stream_acks_want(s);
}

void stream_enable(struct xmpp_stream *s)
{
	if (!s->settings.offers_acks || s->acks.is_giving) {
		stream_put(s, SLICE("<failed xmlns='urn:xmpp:sm:3'><unexpected-request "
		                    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"));
		return;
	}
	stream_put(s, SLICE("<enabled xmlns='urn:xmpp:sm:3'/>"));
	s->acks.is_giving = s->acks.is_getting = true;
}

void stream_no_resume(struct xmpp_stream *s)
{
	stream_put(s, SLICE("<failed xmlns='urn:xmpp:sm:3'><item-not-found "
	                    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"));
}

/* ---- what comes ---- */

/*
 * Of those that no acknowledgement is for it is enough to know how many are open: one that takes long holds up no
 * other.  Their number is one that no counted stanza can have.
 */
static const uint64_t uncounted = UINT64_MAX;

uint64_t stream_acks_number(struct xmpp_stream *s)
{
	if (s->acks.is_giving)
		return ++s->acks.received;
	s->acks.uncounted++;
	return uncounted;
}

void stream_answer_ack(struct xmpp_stream *s)
{
	if (s->acks.is_giving)
		put_ack(s);
	else
		s->counts.dropped++;
}

bool xmpp_stream_is_full(const struct xmpp_stream *s)
{
	return s->acks.received - s->acks.handled >= XMPP_UNHANDLED_MAX ||
	       s->acks.uncounted >= XMPP_UNHANDLED_MAX;
}

void xmpp_stream_handled(struct xmpp_stream *s, uint64_t number)
{
	struct acks *a = &s->acks;
	uint64_t before = a->handled;

	if (number == uncounted && a->uncounted > 0)
		a->uncounted--;
	if (number <= a->handled || number > a->received)
		return;
	a->done[number % XMPP_UNHANDLED_MAX / 64] |= UINT64_C(1) << number % 64;
	while (a->handled < a->received) {
		uint64_t next = a->handled + 1, bit = UINT64_C(1) << next % 64;

		if (!(a->done[next % XMPP_UNHANDLED_MAX / 64] & bit))
			break;
		a->done[next % XMPP_UNHANDLED_MAX / 64] &= ~bit;
		a->handled = next;
	}
	/* Whoever asked too early would otherwise wait until it asks again. */
	if (a->owes_answer && a->handled > before && a->handled == a->received)
		put_ack(s);
}

/* ---- what goes ---- */

void stream_acks_sent(struct xmpp_stream *s)
{
	if (!s->acks.is_getting)
		return;
	s->acks.sent++;
	s->acks.wants_answer = true;
}

void xmpp_stream_flush(struct xmpp_stream *s)
{
	if (!s->acks.wants_answer || s->phase != XMPP_PHASE_OPEN)
		return;
	stream_put(s, SLICE("<r xmlns='urn:xmpp:sm:3'/>"));
	s->acks.wants_answer = false;
}

void xmpp_stream_keep_alive(struct xmpp_stream *s)
{
	if (s->phase != XMPP_PHASE_OPEN && s->phase != XMPP_PHASE_PROVING)
		return;
	stream_put(s, s->acks.is_getting ? SLICE("<r xmlns='urn:xmpp:sm:3'/>") : SLICE(" "));
}

void stream_count_ack(struct xmpp_stream *s, const struct xmpp_element *ack)
{
	uint64_t h;
	uint32_t more;

	if (!s->acks.is_getting) {
		s->counts.dropped++;
		return;
	}
	if (!slice_to_number(xmpp_get(ack, SLICE("h")), UINT32_MAX, &h)) {
		stream_fail(s, XMPP_STREAM_BAD_FORMAT, "an acknowledgement says no number");
		return;
	}
	more = (uint32_t)h - (uint32_t)s->acks.acknowledged;
	if (more > s->acks.sent - s->acks.acknowledged) { /* §4: handled-count-too-high */
		stream_fail(s, XMPP_STREAM_UNDEFINED_CONDITION, "more was acknowledged than was sent");
		return;
	}
	s->acks.acknowledged += more;
	if (more)
		calls(s)->acknowledged(s->settings.owner, more);
}
