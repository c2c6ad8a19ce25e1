/*
 * A route: what waits for a pair of domains, what is under way, and the one outcome of each; when the partner is
 * tried again; the dialback keys that its server is to be asked about.
 */
#include <stdio.h>

#include "daemon/gateway/streams.h"
#include "shared/base/memory.h"

#define PARCEL_OF(at)   LIST_OWNER(at, struct parcel, node)
#define QUESTION_OF(at) LIST_OWNER(at, struct question, node)

static struct gateway *gateway_of(const struct route *route) { return route->streams->gateway; }

/* ---- sending ---- */

/*
 * A server that reads slowly, or one of which nobody knows what it has dealt with, is not given ever more: what comes
 * waits in line, whose limits refuse what is too much.
 */
static bool takes_more(struct stream *stream)
{
	size_t most = xmpp_stream_acknowledges(stream->xmpp) ? STREAM_UNACKNOWLEDGED_MAX : STREAM_QUIET_MAX;
	bool is_slow = connection_counts(stream->connection).queued >= STREAM_UNREAD_MAX ||
	               stream->flying_count >= most;

	stream->holds_back |= is_slow;
	return !is_slow && connection_state(stream->connection) == CONNECTION_UP;
}

/* False: not now; the stream does not take it. */
static bool send_now(struct route *route, struct parcel *parcel, const struct xmpp_element *stanza)
{
	struct stream *stream = route->sender;

	if (!stream || !takes_more(stream))
		return false;
	switch (xmpp_stream_send(stream->xmpp, route->local, route->remote, stanza)) {
	case RESULT_OK:
		parcel_fly(parcel, stream, xmpp_get(stanza, SLICE("id")), route->remote);
		stream_touched(stream);
		return true;
	case RESULT_INVALID:
		parcel_owe(parcel, GATEWAY_FAILED,
		           "it cannot be written as XML, or is longer than the partner's server takes");
		return true;
	case RESULT_LIMIT:
		if (connection_counts(stream->connection).queued > 0) {
			stream->holds_back = true;
			return false;
		}
		parcel_owe(parcel, GATEWAY_FAILED, "it is longer than what may wait to be written");
		return true;
	default:
		/* Proved, but not greeted again yet (SASL on a stream that goes both ways); or it closes. */
		stream->holds_back = stream->owes_going_on = true;
		return false;
	}
}

/* ---- the line ---- */

/* Taken off its line; `bytes` were its own. */
static void left_line(struct route *route, size_t bytes)
{
	route->waiting_count--;
	route->waiting_bytes -= bytes;
	route->streams->waiting_bytes -= bytes;
}

static void flush_waiting(struct route *route)
{
	while (!list_is_empty(&route->waiting)) {
		struct parcel *parcel = PARCEL_OF(route->waiting.next);
		size_t bytes = parcel->bytes;

		if (!send_now(route, parcel, parcel->stanza))
			return;
		left_line(route, bytes);
	}
}

void route_go_on(struct stream *stream)
{
	if (!stream->holds_back)
		return;
	stream->holds_back = false;
	LIST_EACH (at, &stream->streams->route_list) {
		struct route *route = LIST_OWNER(at, struct route, node);

		if (route->sender == stream)
			flush_waiting(route);
	}
}

/* The first in line will not be sent. */
static void fail_first(struct route *route, const char *why)
{
	struct parcel *parcel = PARCEL_OF(route->waiting.next);

	left_line(route, parcel->bytes);
	parcel_owe(parcel, GATEWAY_FAILED, why);
}

static void fail_waiting(struct route *route, const char *why)
{
	while (!list_is_empty(&route->waiting))
		fail_first(route, why);
}

/* No line takes more than an eighth of what all lines have left, so that those of one partner keep out no other's. */
static bool has_room_for(const struct route *route, size_t bytes)
{
	size_t most = (STREAMS_WAITING_BYTES_MAX - route->streams->waiting_bytes) / 8;

	return route->waiting_count < gateway_of(route)->settings->waiting_messages &&
	       route->waiting_bytes + bytes <=
	               (most < ROUTE_WAITING_BYTES_MAX ? most : ROUTE_WAITING_BYTES_MAX);
}

static void wait_in_line(struct route *route, struct parcel *parcel, const struct xmpp_element *stanza)
{
	struct gateway *g = gateway_of(route);
	struct xmpp_builder b = { .arena = &parcel->arena };
	int64_t now = gateway_now_ms(g), wait_ms = (int64_t)g->settings->waiting_timeout * 1000;
	char why[GATEWAY_WORDS_BYTES];

	if (!route->dial && route->next_try_ms > now + wait_ms) {
		snprintf(why, sizeof why, "no stream: %.180s; the next attempt is in %lld s",
		         route->last_error, (long long)((route->next_try_ms - now) / 1000));
		parcel_owe(parcel, GATEWAY_FAILED, why);
		return;
	}
	if (!(parcel->stanza = xmpp_add_copy(&b, NULL, stanza))) {
		parcel_owe(parcel, GATEWAY_FAILED, "out of memory");
		return;
	}
	parcel->bytes = sizeof *parcel + arena_held(&parcel->arena);
	if (!has_room_for(route, parcel->bytes)) {
		parcel_owe(parcel, GATEWAY_CROWDED,
		           route->sender ? "the partner's server takes messages more slowly than they come"
		                         : "too many messages wait for a stream to the partner's domain");
		return;
	}
	parcel->deadline_ms = now + wait_ms;
	list_add_last(&route->waiting, &parcel->node);
	route->waiting_count++;
	route->waiting_bytes += parcel->bytes;
	route->streams->waiting_bytes += parcel->bytes;
	route_try(route);
}

bool gateway_xmpp_send(struct gateway *g, struct slice local, struct slice remote,
                       const struct xmpp_element *stanza, uint64_t token)
{
	struct streams *s = g->streams;
	struct parcel *parcel = parcel_new(s, token);
	struct route *route;
	struct xmpp_terms terms;

	if (!parcel)
		return false;
	if (!streams_terms(g, remote, &terms))
		parcel_owe(parcel, GATEWAY_FAILED, "the domain is no XMPP partner, or is switched off");
	else if (gateway_sip_domain(g, local).ptr == NULL)
		parcel_owe(parcel, GATEWAY_FAILED, "the sender's domain is none of ours");
	else if (!(route = route_get(s, local, remote)))
		parcel_owe(parcel, GATEWAY_FAILED, "too many pairs of domains");
	else if (!list_is_empty(&route->waiting) || !send_now(route, parcel, stanza))
		wait_in_line(route, parcel, stanza);
	return true;
}

/* ---- routes ---- */

struct route *route_find(const struct streams *s, struct slice local, struct slice remote)
{
	char key[2 * GATEWAY_NAME_BYTES];

	if ((size_t)snprintf(key, sizeof key, "%.*s %.*s", SLICE_ARG(local), SLICE_ARG(remote)) >= sizeof key)
		return NULL;
	return map_get(&s->routes, slice_of(key));
}

/* A partner with many domains, beside many of ours, must leave others their places. */
static bool has_too_many(const struct streams *s, struct slice remote)
{
	const struct image_xmpp_partner *partner;
	size_t count = 0;

	if (s->routes.count < STREAMS_ROUTES_PER_PARTNER_MAX)
		return false;
	partner = gateway_partner(s->gateway, remote);
	LIST_EACH (at, &s->route_list)
		count += gateway_partner(s->gateway, LIST_OWNER(at, struct route, node)->remote) == partner;
	return count >= STREAMS_ROUTES_PER_PARTNER_MAX;
}

struct route *route_get(struct streams *s, struct slice local, struct slice remote)
{
	struct route *route = route_find(s, local, remote);
	size_t size = local.len + remote.len + 2;

	if (route || has_too_many(s, remote) || !(route = mem_new(sizeof *route)))
		return route;
	route->streams = s;
	list_start(&route->waiting);
	list_start(&route->questions);
	if (!(route->key = mem_new(size))) {
		mem_free(route);
		return NULL;
	}
	snprintf(route->key, size, "%.*s %.*s", SLICE_ARG(local), SLICE_ARG(remote));
	route->local = (struct slice){ route->key, local.len };
	route->remote = (struct slice){ route->key + local.len + 1, remote.len };
	if (map_add(&s->routes, slice_of(route->key), route) != RESULT_OK) {
		mem_free(route->key);
		mem_free(route);
		return NULL;
	}
	list_add_last(&s->route_list, &route->node);
	return route;
}

void route_free(struct route *route)
{
	while (!list_is_empty(&route->waiting)) {
		left_line(route, PARCEL_OF(route->waiting.next)->bytes);
		parcel_free(PARCEL_OF(route->waiting.next));
	}
	while (!list_is_empty(&route->questions)) {
		struct question *question = QUESTION_OF(route->questions.next);

		list_remove(&question->node);
		mem_free(question);
	}
	if (route->dial)
		dial_free(route->dial);
	if (route->asking_dial)
		dial_free(route->asking_dial);
	LIST_EACH (at, &route->streams->stream_list) {
		struct stream *stream = LIST_OWNER(at, struct stream, node);

		if (stream->route == route)
			stream->route = NULL;
	}
	map_remove(&route->streams->routes, slice_of(route->key));
	list_remove(&route->node);
	mem_free(route->key);
	mem_free(route);
}

void route_try(struct route *route)
{
	if (route->sender || route->dial || list_is_empty(&route->waiting) ||
	    gateway_now_ms(gateway_of(route)) < route->next_try_ms)
		return;
	route->dial = dial_new(route, false);
	if (!route->dial)
		fail_waiting(route, "out of memory");
}

void route_reset(struct route *route)
{
	route->failures = 0;
	route->next_try_ms = 0;
	route_try(route);
}

bool route_retry(struct route *route)
{
	if (route->sender || route->dial || (route->failures == 0 && list_is_empty(&route->waiting)))
		return false;
	route_reset(route);
	if (!route->dial)
		route->dial = dial_new(route, false);
	return route->dial != NULL;
}

void route_ready(struct route *route, struct stream *stream)
{
	if (!route->sender)
		route->sender = stream;
	/* A stream that came in both ways does as well as one of ours: the attempt ends by itself. */
	if (stream->route == route && stream->dial) {
		dial_free(stream->dial);
		stream->dial = NULL;
		route->dial = NULL;
	}
	route->failures = 0;
	route->next_try_ms = 0;
	route->last_error[0] = '\0';
	flush_waiting(route);
}

void route_lost(struct route *route, struct stream *stream)
{
	bool was_sender = route->sender == stream;

	if (was_sender)
		route->sender = NULL;
	if (route->asker == stream)
		route->asker = NULL;
	if (was_sender)
		gateway_xmpp_reachable(gateway_of(route), route->remote, false);
}

/* 1 s, 2 s, 4 s ..., up to the setting, each up to a quarter less, so that many do not knock at once. */
static int64_t back_off(struct route *route)
{
	struct gateway *g = gateway_of(route);
	int64_t most = (int64_t)g->settings->retry_interval_max * 1000, wait = ROUTE_RETRY_FIRST_MS;

	for (unsigned i = 1; i < route->failures && wait < most; i++)
		wait *= 2;
	if (wait > most)
		wait = most;
	return wait - (int64_t)(gateway_random(g) % (uint64_t)(wait / 4 + 1));
}

void route_failed(struct route *route, const char *why)
{
	struct gateway *g = gateway_of(route);

	if (route->sender)
		return; /* the partner has come meanwhile, both ways: nothing waits for us to get there */
	route->failures++;
	route->next_try_ms = gateway_now_ms(g) + back_off(route);
	snprintf(route->last_error, sizeof route->last_error, "%s", why);
	route->last_error_wall_ms = loop_now(g->loop).wall_ms;
	fail_waiting(route, why);
}

void route_failed_in(struct streams *s, struct slice local, struct slice remote, const char *why)
{
	struct gateway *g = s->gateway;
	struct route *route;

	if (!g->image || !gateway_partner(g, remote) || !gateway_sip_domain(g, local).ptr ||
	    !(route = route_get(s, local, remote)))
		return;
	snprintf(route->error_in, sizeof route->error_in, "%s", why);
	route->error_in_wall_ms = loop_now(g->loop).wall_ms;
}

void route_stop(struct route *route, const char *why)
{
	if (route->dial)
		dial_free(route->dial);
	if (route->asking_dial)
		dial_free(route->asking_dial);
	route->dial = route->asking_dial = NULL;
	fail_waiting(route, why);
	route_ask_failed(route, why);
	route->failures = 0;
	route->next_try_ms = 0;
	route->last_error[0] = '\0';
}

/* ---- dialback keys to be asked about ---- */

static void tell_asker(struct route *route, struct question *question, enum xmpp_verdict verdict)
{
	struct stream *asker = streams_by_number(route->streams, question->asker);

	list_remove(&question->node);
	route->question_count--;
	if (asker && asker->xmpp) {
		xmpp_stream_verified(asker->xmpp, route->local, route->remote, question->stream_id, verdict,
		                     XMPP_REMOTE_SERVER_TIMEOUT);
		stream_touched(asker);
	}
	mem_free(question);
}

void route_may_ask(struct route *route, struct stream *stream)
{
	if (stream->is_for_asking) {
		route->asker = stream;
		if (stream->dial) {
			dial_free(stream->dial);
			stream->dial = NULL;
			route->asking_dial = NULL;
		}
		connection_deadline(stream->connection, -1, NULL);
	}
	LIST_EACH (at, &route->questions) {
		struct question *question = QUESTION_OF(at);

		if (question->is_asked || !xmpp_stream_may_ask(stream->xmpp))
			continue;
		question->is_asked = xmpp_stream_ask(stream->xmpp, route->local, route->remote,
		                                     question->stream_id, question->key);
		stream->last_asked_ms = gateway_now_ms(gateway_of(route));
		stream_touched(stream);
	}
}

static void ask_on(struct route *route)
{
	if (route->asker)
		route_may_ask(route, route->asker);
	else if (route->sender && route->sender->route == route)
		route_may_ask(route, route->sender);
	else if (!route->asking_dial)
		route->asking_dial = dial_new(route, true);
}

bool route_ask(struct route *route, uint64_t asker, struct slice stream_id, struct slice key)
{
	struct question *question = route->question_count < ROUTE_QUESTIONS_MAX
	                                    ? mem_new(sizeof *question + stream_id.len + key.len)
	                                    : NULL;
	char *at;

	if (!question)
		return false;
	at = (char *)(question + 1);
	memcpy(at, stream_id.ptr, stream_id.len);
	memcpy(at + stream_id.len, key.ptr, key.len);
	question->asker = asker;
	question->stream_id = (struct slice){ at, stream_id.len };
	question->key = (struct slice){ at + stream_id.len, key.len };
	question->deadline_ms = gateway_now_ms(gateway_of(route)) + XMPP_PAIR_WAIT_MS;
	list_add_last(&route->questions, &question->node);
	route->question_count++;
	ask_on(route);
	return true;
}

void route_answered(struct route *route, struct slice stream_id, enum xmpp_verdict verdict)
{
	LIST_EACH_SAFE (at, &route->questions) {
		struct question *question = QUESTION_OF(at);

		if (question->is_asked && slice_equal(question->stream_id, stream_id)) {
			tell_asker(route, question, verdict);
			return;
		}
	}
}

void route_ask_failed(struct route *route, const char *why)
{
	if (!list_is_empty(&route->questions)) {
		snprintf(route->last_error, sizeof route->last_error, "%s", why);
		route->last_error_wall_ms = loop_now(gateway_of(route)->loop).wall_ms;
	}
	while (!list_is_empty(&route->questions))
		tell_asker(route, QUESTION_OF(route->questions.next), XMPP_KEY_UNKNOWN);
}

/* ---- time ---- */

void route_second(struct route *route)
{
	int64_t now = gateway_now_ms(gateway_of(route));
	char why[GATEWAY_WORDS_BYTES];

	while (!list_is_empty(&route->waiting) && now >= PARCEL_OF(route->waiting.next)->deadline_ms) {
		if (route->sender)
			snprintf(why, sizeof why, "the partner's server did not take it in time");
		else
			snprintf(why, sizeof why, "no stream in time%s%.200s",
			         route->last_error[0] ? ": " : "", route->last_error);
		fail_first(route, why);
	}
	LIST_EACH_SAFE (at, &route->questions)
		if (now >= QUESTION_OF(at)->deadline_ms)
			tell_asker(route, QUESTION_OF(at), XMPP_KEY_UNKNOWN);
	if (!list_is_empty(&route->questions)) /* its stream may have room by now (XMPP_ASKING_MAX) */
		ask_on(route);
	route_try(route);
}
