/*
 * alive: is the partner still there?  What stands between is kept awake, and one that is silent too long is asked
 * before its stream is closed.
 */
#include <stdio.h>

#include "daemon/gateway/streams.h"

enum { PING_ARENA_BYTES = 4096 };

/* Of the header's domains one may be missing, or never have been proved. */
static const struct xmpp_pair *proved_pair(const struct stream *s)
{
	const struct xmpp_pair *pair = NULL;

	while ((pair = xmpp_stream_next_pair(s->xmpp, pair)))
		if (pair->taking == XMPP_PAIR_READY || pair->sending == XMPP_PAIR_READY)
			return pair;
	return NULL;
}

/*
 * XEP-0199.  On an incoming stream nothing may be asked unless it goes both ways; the question takes our own stream,
 * and the answer comes on theirs.
 */
static void ping(struct stream *s)
{
	const struct xmpp_pair *pair = proved_pair(s);
	struct xmpp_jid from = { .domain = pair ? pair->local : SLICE("") },
	                to = { .domain = pair ? pair->remote : SLICE("") };
	struct arena arena;
	struct xmpp_builder b = { .arena = &arena };
	struct xmpp_element *iq;
	char id[32];

	arena_start(&arena, PING_ARENA_BYTES);
	iq = xmpp_add(&b, NULL, XMPP_NS_SERVER, SLICE("iq"));
	snprintf(id, sizeof id, "ping-%llu", (unsigned long long)s->number);
	xmpp_set(&b, iq, SLICE("type"), SLICE("get"));
	xmpp_set(&b, iq, SLICE("id"), slice_of(id));
	xmpp_set(&b, iq, SLICE("from"), xmpp_jid_text(&from, &arena));
	xmpp_set(&b, iq, SLICE("to"), xmpp_jid_text(&to, &arena));
	xmpp_add(&b, iq, XMPP_NS_PING, SLICE("ping"));
	if (pair && !b.is_broken)
		(void)gateway_xmpp_send(s->streams->gateway, from.domain, to.domain, iq, 0);
	arena_stop(&arena);
}

static void ask(struct stream *s, int64_t now)
{
	s->asked_alive_ms = s->last_kept_ms = now;
	if (!xmpp_stream_acknowledges(s->xmpp)) {
		ping(s);
		return;
	}
	xmpp_stream_keep_alive(s->xmpp); /* a question for an acknowledgement, answered at once */
	stream_touched(s);
}

void stream_keep_alive(struct stream *s, int64_t now)
{
	struct gateway *g = s->streams->gateway;
	int64_t interval = (int64_t)g->settings->keep_alive_interval * 1000;
	const struct image_xmpp_partner *partner = gateway_partner(g, slice_of(s->partner));
	int64_t heard = connection_counts(s->connection).last_in_ms;
	/* On a stream of ours nothing comes back, unless it is asked for acknowledgements or goes both ways. */
	bool should_speak = !s->route || xmpp_stream_acknowledges(s->xmpp);
	/* While we read nothing, the silence is ours. */
	bool is_silent = partner && partner->enable_keep_alive && should_speak && now - heard >= interval &&
	                 !xmpp_stream_is_full(s->xmpp);

	if (is_silent && s->asked_alive_ms <= heard)
		ask(s, now);
	else if (is_silent && now - s->asked_alive_ms >= STREAM_ALIVE_WAIT_MS)
		stream_close(
		        s, XMPP_STREAM_CONNECTION_TIMEOUT,
		        "the partner has been silent longer than keep-alive-interval, and has not answered");
	else if (now - s->last_kept_ms >= interval / 3) {
		s->last_kept_ms = now;
		xmpp_stream_keep_alive(s->xmpp);
		stream_touched(s);
	}
}
