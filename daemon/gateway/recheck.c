/*
 * recheck: certificates end and are revoked while their streams live, so each is looked at again every hour, when it
 * ends, and when there are other authorities or lists of revoked ones (RFC 6120 §13.7.2.3; the Access Edge does the same).
 * A stream ends when a pair on it rests on a certificate that is no longer good; what dialback or DNS has proved stays.
 */
#include <stdio.h>

#include "daemon/gateway/streams.h"

static void plan(struct stream *s)
{
	struct instant now = loop_now(s->streams->gateway->loop);
	int64_t left_ms = connection_peer(s->connection)->not_after_s * 1000 - now.wall_ms;

	s->recheck_at_ms = now.mono_ms + STREAM_RECHECK_MS;
	if (left_ms > 0 && left_ms < STREAM_RECHECK_MS)
		s->recheck_at_ms = now.mono_ms + left_ms + 1000;
}

void stream_recheck(struct stream *s)
{
	struct gateway *g = s->streams->gateway;
	const char *doubt;
	char words[GATEWAY_WORDS_BYTES];

	if (!g->credentials || !s->xmpp || !xmpp_stream_is_secure(s->xmpp) ||
	    connection_state(s->connection) != CONNECTION_UP ||
	    xmpp_stream_phase(s->xmpp) >= XMPP_PHASE_CLOSING)
		return;
	if (!connection_recheck(s->connection, g->credentials))
		return; /* it closes */
	plan(s);
	if (xmpp_stream_is_still_proved(s->xmpp))
		return;
	doubt = connection_peer(s->connection)->doubt;
	snprintf(words, sizeof words, "the partner's certificate is no longer good%s%.180s",
	         doubt[0] ? ": " : "", doubt);
	stream_close(s, XMPP_STREAM_RESET, words);
}

void stream_recheck_due(struct stream *s, int64_t now_ms)
{
	if (!s->is_proved)
		return;
	if (s->recheck_at_ms == 0)
		plan(s);
	else if (now_ms >= s->recheck_at_ms)
		stream_recheck(s);
}
