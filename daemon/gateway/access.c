/*
 * access: the stream to the Access Edge.  One frame a SIP message (daemon/link/sip_frame.h).
 *
 * The launcher gives both ends anew whenever one of the two has been started.
 */
#include <unistd.h>

#include "daemon/gateway/parts.h"
#include "daemon/link/sip_frame.h"

static void came_up(void *owner, struct connection *c)
{
	(void)owner;
	(void)c;
}

static void received(void *owner, struct connection *c, struct buffer *in)
{
	struct gateway *g = owner;

	while (connection_state(c) == CONNECTION_UP && buffer_length(in) > 0) {
		struct link_sip_head head;
		struct slice message;

		switch (link_sip_read(buffer_slice(in), &head, &message)) {
		case LINK_SIP_MORE: return;
		case LINK_SIP_BROKEN:
			connection_abort(c, CONNECTION_END_PROTOCOL, "a frame that is none");
			return;
		case LINK_SIP_WHOLE:
			if (message.len)
				gateway_sip_received(g, message);
			buffer_consume(in, LINK_SIP_HEAD_BYTES + head.length);
			break;
		}
	}
}

static void closed(void *owner, struct connection *c)
{
	struct gateway *g = owner;

	if (g->access != c)
		return;
	/* First the stream: what is told of the loss may send again, and must not write into one that has ended. */
	g->access = NULL;
	gateway_sip_lost(g);
	g->access_handle = 0;
}

static const struct connection_events events = { .up = came_up, .received = received, .closed = closed };

void gateway_access_take(struct gateway *g, int fd)
{
	const struct connection_settings settings = { .in_max = LINK_SIP_HEAD_BYTES + LINK_SIP_BYTES_MAX,
		                                      .events = &events,
		                                      .owner = g };
	struct reason reason = { "" };

	gateway_access_close(g);
	if (connection_accept(g->loop, &g->connections, fd, &settings, &g->access, &reason) != RESULT_OK) {
		g->access = NULL;
		return;
	}
	g->access_handle = connection_handle(g->access);
}

void gateway_access_close(struct gateway *g)
{
	struct connection *c = g->access;

	if (!c)
		return;
	/* What was under way on the old one is over now, not when its end is told. */
	g->access = NULL;
	gateway_sip_lost(g);
	g->access_handle = 0;
	connection_abort(c, CONNECTION_END_DRAIN, "another stream has taken its place");
}

struct buffer *gateway_access_begin(struct gateway *g, size_t *begun)
{
	static const char none[LINK_SIP_HEAD_BYTES];
	struct buffer *out = g->access ? connection_queue(g->access) : NULL;

	if (!out)
		return NULL;
	*begun = buffer_length(out);
	if (buffer_add(out, (struct slice){ none, sizeof none }))
		return out;
	gateway_access_undo(g, *begun);
	return NULL;
}

void gateway_access_end(struct gateway *g, size_t begun, unsigned flags)
{
	struct buffer *out = connection_queue(g->access);
	const struct link_sip_head head = {
		.length = (uint32_t)(buffer_length(out) - begun - LINK_SIP_HEAD_BYTES),
		.flags = flags,
		.generation = g->image ? policy_image_generation(g->image) : 0,
	};

	link_sip_write(&head, out->bytes + out->start + begun);
	connection_queued(g->access);
}

void gateway_access_undo(struct gateway *g, size_t begun)
{
	struct buffer *out = g->access ? connection_queue(g->access) : NULL;

	if (!out)
		return;
	out->end = out->start + begun;
	out->is_broken = false; /* what did not fit is gone; the stream is as it was */
}

size_t gateway_access_queued(const struct gateway *g)
{
	return g->access ? connection_counts(g->access).queued : 0;
}
