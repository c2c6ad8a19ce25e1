/*
 * access: the stream to the Access Edge.  One frame a SIP message (daemon/link/sip_frame.h).
 *
 * The launcher gives both ends anew whenever one of the two has been started.
 */
#include <unistd.h>

#include "daemon/gateway/talks.h"
#include "daemon/link/sip_frame.h"

static void came_up(void *owner, struct connection *c)
{
	(void)owner;
	(void)c;
}

struct incoming { /* a connection, and whose it is: another may have taken its place */
	struct gateway *gateway;
	struct connection *connection;
};

static bool message_came(void *owner, const struct link_sip_head *head, struct slice message)
{
	struct incoming *in = owner;

	if (head->flags & LINK_SIP_CONTACTS)
		heirloom_taken(in->gateway->talks, message);
	else
		gateway_sip_received(in->gateway, message);
	return connection_state(in->connection) == CONNECTION_UP;
}

static void received(void *owner, struct connection *c, struct buffer *in)
{
	struct incoming incoming = { owner, c };

	if (connection_state(c) == CONNECTION_UP && !link_sip_each(in, message_came, &incoming))
		connection_abort(c, CONNECTION_END_PROTOCOL, "a frame that is none");
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
	heirloom_hand_over(g->talks);
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
	struct buffer *out = g->access ? connection_queue(g->access) : NULL;

	return out && link_sip_begin(out, begun) ? out : NULL;
}

void gateway_access_end(struct gateway *g, size_t begun, unsigned flags)
{
	link_sip_end(connection_queue(g->access), begun, flags,
	             g->image ? policy_image_generation(g->image) : 0);
	connection_queued(g->access);
}

void gateway_access_undo(struct gateway *g, size_t begun)
{
	struct buffer *out = g->access ? connection_queue(g->access) : NULL;

	if (out)
		link_sip_undo(out, begun);
}

size_t gateway_access_queued(const struct gateway *g)
{
	return g->access ? connection_counts(g->access).queued : 0;
}
