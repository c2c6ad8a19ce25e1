/*
 * neighbour: the XMPP gateway, as one more next hop and as one more side that requests come from.
 *
 * A stream of our own making, one frame a SIP message (daemon/link/sip_frame.h).  It proves what partners' streams
 * have proved; who may talk is decided here, as for everybody.  It stands in no list of connections and closes for no
 * change of policy; when it ends, what was under way there is answered, and the launcher brings the next one.
 */
#include <stdio.h>
#include <unistd.h>

#include "daemon/access/parts.h"
#include "daemon/link/sip_frame.h"
#include "shared/base/memory.h"

static void tell_away(struct access *a)
{
	a->gateway_hop.failure = (struct failure){ .status = 504,
		                                   .diagnostic = 1007,
		                                   .words = "the XMPP gateway does not run" };
}

void neighbour_start(struct access *a)
{
	struct hop *hop = &a->gateway_hop;

	*hop = (struct hop){
		.access = a, .name = "xmpp-gateway", .side = SIP_SIDE_EXTERNAL, .is_neighbour = true
	};
	list_start(&hop->node);
	list_start(&hop->waiting);
	tell_away(a);
}

/* ---- events of the stream ---- */

static void came_up(void *owner, struct connection *c)
{
	struct flow *flow = owner;

	(void)c;
	flow->is_up = true;
}

/* What cannot be kept is not given back: the gateway offers it again to the next stream. */
static void take_contacts(struct flow *flow, struct slice lines)
{
	struct buffer *out = connection_queue(flow->connection);
	size_t begun;

	if (!contacts_inherit(flow->access, lines) || !out || !link_sip_begin(out, &begun))
		return;
	if (!buffer_add(out, lines)) {
		link_sip_undo(out, begun);
		return;
	}
	link_sip_end(out, begun, LINK_SIP_CONTACTS, 0);
	connection_queued(flow->connection);
}

static bool message_came(void *owner, const struct link_sip_head *head, struct slice message)
{
	struct flow *flow = owner;

	if (head->flags & LINK_SIP_CONTACTS) {
		take_contacts(flow, message);
		return connection_state(flow->connection) == CONNECTION_UP;
	}
	flow->is_farewell = head->flags & LINK_SIP_FAREWELL;
	flow->messages_in++;
	if (flow->access->transactions)
		inbound_message(flow, message);
	return connection_state(flow->connection) == CONNECTION_UP;
}

static void received(void *owner, struct connection *c, struct buffer *in)
{
	if (connection_state(c) == CONNECTION_UP && !link_sip_each(in, message_came, owner))
		connection_abort(c, CONNECTION_END_PROTOCOL, "a frame that is none");
}

static void closed(void *owner, struct connection *c)
{
	const struct failure why = { .status = 504,
		                     .diagnostic = 1046,
		                     .words = "the XMPP gateway has ended; the outcome is unknown" };
	struct flow *flow = owner;
	struct access *a = flow->access;

	(void)c;
	if (a->gateway_hop.carried_by == flow->self) {
		a->gateway_hop.carried_by = 0;
		tell_away(a);
	}
	response_connection_lost(a, flow->self, &why);
	mem_free(flow);
}

static const struct connection_events events = { .up = came_up, .received = received, .closed = closed };

void neighbour_take(struct access *a, int fd)
{
	const struct connection_settings settings = { .in_max = LINK_SIP_HEAD_BYTES + LINK_SIP_BYTES_MAX };
	struct connection_settings how = settings;
	struct flow *old = flow_find(a, a->gateway_hop.carried_by), *flow = mem_new(sizeof *flow);
	struct reason reason = { "" };

	a->gateway_hop.carried_by = 0;
	if (old)
		connection_abort(old->connection, CONNECTION_END_DRAIN, "another one has taken its place");
	if (!flow) {
		close(fd);
		return;
	}
	how.events = &events;
	how.owner = flow;
	list_start(&flow->node);
	list_start(&flow->pass.node);
	flow->access = a;
	flow->side = SIP_SIDE_EXTERNAL;
	flow->is_plain = flow->is_known = flow->is_gateway = true;
	flow->pass.class = ADMISSION_ALLOWED;
	snprintf(flow->partner, sizeof flow->partner, "%s", a->gateway_hop.name);
	if (connection_accept(a->loop, &a->connections, fd, &how, &flow->connection, &reason) != RESULT_OK) {
		mem_free(flow);
		return;
	}
	flow->self = connection_handle(flow->connection);
	a->gateway_hop.carried_by = flow->self;
}

/* ---- sending ---- */

struct buffer *neighbour_queue(struct flow *flow)
{
	struct buffer *out = connection_queue(flow->connection);

	return out && link_sip_begin(out, &flow->frame_at) ? out : NULL;
}

void neighbour_sent(struct flow *flow)
{
	const struct policy_image *image = flow->access->image;

	link_sip_end(connection_queue(flow->connection), flow->frame_at, 0,
	             image ? policy_image_generation(image) : 0);
}
