/*
 * A parcel: a stanza on its way, and its one outcome.  It waits in a route's line, flies on a stream, or its outcome is
 * owed; it is in exactly one of the three lists.
 */
#include <stdio.h>

#include "daemon/gateway/streams.h"
#include "shared/base/memory.h"

#define PARCEL_OF(at) LIST_OWNER(at, struct parcel, node)

void parcel_free(struct parcel *parcel)
{
	if (parcel->key.len)
		map_remove(&parcel->streams->flying, parcel->key);
	list_remove(&parcel->node);
	arena_stop(&parcel->arena);
	mem_free(parcel);
}

struct parcel *parcel_new(struct streams *s, uint64_t token)
{
	struct parcel *parcel = mem_new(sizeof *parcel);

	if (!parcel)
		return NULL;
	parcel->streams = s;
	parcel->token = token;
	arena_start_small(&parcel->arena, PARCEL_ARENA_MAX);
	list_start(&parcel->node);
	return parcel;
}

void parcel_owe(struct parcel *parcel, enum gateway_delivery delivery, const char *why)
{
	struct streams *s = parcel->streams;

	if (parcel->token == 0) {
		parcel_free(parcel);
		return;
	}
	if (parcel->key.len)
		map_remove(&s->flying, parcel->key);
	parcel->key = SLICE_NONE;
	parcel->stream = NULL;
	list_remove(&parcel->node);
	parcel->delivery = delivery;
	snprintf(parcel->why, sizeof parcel->why, "%s", why);
	list_add_last(&s->owed, &parcel->node);
	loop_defer(s->gateway->loop, &s->pay, parcels_pay, s);
}

void parcels_pay(void *streams)
{
	struct streams *s = streams;

	while (!list_is_empty(&s->owed)) {
		struct parcel *parcel = PARCEL_OF(s->owed.next);
		struct gateway_outcome outcome = { .delivery = parcel->delivery,
			                           .error = parcel->delivery == GATEWAY_REFUSED
			                                            ? parcel->stanza
			                                            : NULL,
			                           .why = parcel->why };

		list_remove(&parcel->node);
		gateway_xmpp_outcome(s->gateway, parcel->token, &outcome);
		parcel_free(parcel);
	}
}

/*
 * What an error stanza that comes back is known by: its id, and the domain it comes from.  The copy that stood in line,
 * in which `id` may lie, is let go of.
 */
static void keep_key(struct parcel *parcel, struct slice id, struct slice remote)
{
	char key[PARCEL_KEY_BYTES];
	int length = snprintf(key, sizeof key, "%.*s %.*s", SLICE_ARG(remote), SLICE_ARG(id));
	bool is_known = id.len > 0 && parcel->token && length > 0 && (size_t)length < sizeof key;
	struct slice text;

	arena_stop(&parcel->arena);
	parcel->stanza = NULL;
	if (!is_known)
		return;
	text = arena_copy(&parcel->arena, (struct slice){ key, (size_t)length });
	if (text.ptr && map_add(&parcel->streams->flying, text, parcel) == RESULT_OK)
		parcel->key = text;
	else
		arena_stop(&parcel->arena);
}

/* ---- flying ---- */

void parcel_fly(struct parcel *parcel, struct stream *stream, struct slice id, struct slice remote)
{
	struct gateway *g = parcel->streams->gateway;
	int64_t wait_s;

	parcel->counts = xmpp_stream_acknowledges(stream->xmpp);
	if (!parcel->counts && parcel->token == 0) {
		parcel_free(parcel); /* nobody waits, and nobody counts */
		return;
	}
	wait_s = (int64_t)(parcel->counts ? g->settings->acknowledge_timeout : g->settings->quiet_time);
	parcel->deadline_ms = gateway_now_ms(g) + wait_s * 1000;
	keep_key(parcel, id, remote);
	list_remove(&parcel->node);
	list_add_last(&stream->flying, &parcel->node);
	parcel->stream = stream;
	if (stream->flying_count++ == 0)
		stream->acknowledged_ms = gateway_now_ms(g);
}

/* Out of the list of those that fly; the caller owes or frees it. */
static void land(struct stream *stream, struct parcel *parcel, enum gateway_delivery delivery,
                 const char *why)
{
	stream->flying_count--;
	parcel_owe(parcel, delivery, why);
}

void parcels_acknowledged(struct stream *stream, size_t count)
{
	if (count)
		stream->acknowledged_ms = gateway_now_ms(stream->streams->gateway);
	LIST_EACH_SAFE (at, &stream->flying) {
		if (count == 0)
			break;
		if (!PARCEL_OF(at)->counts) /* sent before counting began: it goes on waiting in quiet */
			continue;
		count--;
		land(stream, PARCEL_OF(at), GATEWAY_DELIVERED, "");
	}
}

void parcels_lost(struct stream *stream, const char *why)
{
	while (!list_is_empty(&stream->flying))
		land(stream, PARCEL_OF(stream->flying.next), GATEWAY_UNKNOWN, why);
}

/*
 * One whose acknowledgement is late has its outcome, but keeps its place in the count: a copy of it, which nobody
 * waits for, stays.
 */
static void tell_late(struct parcel *parcel)
{
	struct streams *s = parcel->streams;
	struct parcel *told = parcel_new(s, parcel->token);

	if (!told)
		return; /* the next second */
	parcel->token = 0;
	parcel_owe(told, GATEWAY_UNKNOWN,
	           "the partner's server did not acknowledge it in time; it is not sent again");
	if (parcel->key.len)
		map_remove(&s->flying, parcel->key);
	parcel->key = SLICE_NONE;
}

void parcels_second(struct stream *stream)
{
	int64_t now = gateway_now_ms(stream->streams->gateway);

	LIST_EACH_SAFE (at, &stream->flying) {
		struct parcel *parcel = PARCEL_OF(at);

		if (now < parcel->deadline_ms)
			continue;
		if (!parcel->counts)
			land(stream, parcel, GATEWAY_WRITTEN, "");
		else if (parcel->token)
			tell_late(parcel);
	}
}

/* The error is the outcome; where it is counted its place in the count stays. */
bool parcels_refused(struct streams *s, const struct xmpp_element *error, struct slice remote)
{
	struct slice id = xmpp_get(error, SLICE("id"));
	char key[PARCEL_KEY_BYTES];
	struct parcel *parcel, *told;
	struct xmpp_builder b;

	if (id.len == 0 ||
	    (size_t)snprintf(key, sizeof key, "%.*s %.*s", SLICE_ARG(remote), SLICE_ARG(id)) >= sizeof key)
		return false;
	parcel = map_get(&s->flying, slice_of(key));
	if (!parcel || !parcel->stream || !(told = parcel_new(s, parcel->token)))
		return false;
	b = (struct xmpp_builder){ .arena = &told->arena };
	told->stanza = xmpp_add_copy(&b, NULL, error);
	parcel_owe(told, told->stanza ? GATEWAY_REFUSED : GATEWAY_UNKNOWN,
	           "the partner's server returned an error");
	parcel->token = 0;
	map_remove(&s->flying, parcel->key);
	parcel->key = SLICE_NONE;
	if (!parcel->counts) {
		parcel->stream->flying_count--;
		parcel_free(parcel);
	}
	return true;
}
