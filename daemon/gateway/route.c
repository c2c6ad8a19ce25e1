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

/* ---- parcels ---- */

void parcel_free(struct parcel *parcel)
{
	if (parcel->key.len)
		map_remove(&parcel->streams->flying, parcel->key);
	list_remove(&parcel->node);
	arena_stop(&parcel->arena);
	mem_free(parcel);
}

static struct parcel *parcel_new(struct streams *s, uint64_t token)
{
	struct parcel *parcel = mem_new(sizeof *parcel);

	if (!parcel)
		return NULL;
	parcel->streams = s;
	parcel->token = token;
	arena_start(&parcel->arena, PARCEL_ARENA_MAX);
	list_start(&parcel->node);
	return parcel;
}

/* Its outcome is known; it is told from the loop.  Whoever did not want to know is not told. */
static void owe(struct parcel *parcel, enum gateway_delivery delivery, const char *why)
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

/* What an error stanza that comes back is known by: its id, and the domain it comes from. */
static void make_key(struct parcel *parcel, struct slice id, struct slice remote)
{
	char *text;

	if (id.len == 0 || parcel->token == 0)
		return;
	text = arena_printf(&parcel->arena, "%.*s %.*s", SLICE_ARG(remote), SLICE_ARG(id));
	if (text && map_add(&parcel->streams->flying, slice_of(text), parcel) == RESULT_OK)
		parcel->key = slice_of(text);
}

/* ---- flying ---- */

static void fly(struct parcel *parcel, struct stream *stream, struct slice id, struct slice remote)
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
	make_key(parcel, id, remote);
	list_remove(&parcel->node);
	list_add_last(&stream->flying, &parcel->node);
	parcel->stream = stream;
	stream->flying_count++;
	/* It asked for the count and does not keep it; closed when whoever sends has come back to the loop. */
	if (parcel->counts && stream->flying_count >= STREAM_UNACKNOWLEDGED_MAX)
		stream->is_unacknowledged = true;
}

/* Out of the list of those that fly; the caller owes or frees it. */
static void land(struct stream *stream, struct parcel *parcel, enum gateway_delivery delivery,
                 const char *why)
{
	stream->flying_count--;
	owe(parcel, delivery, why);
}

void parcels_acknowledged(struct stream *stream, size_t count)
{
	LIST_EACH_SAFE (at, &stream->flying) {
		if (count == 0)
			break;
		if (!PARCEL_OF(at)->counts)
			continue;
		count--;
		land(stream, PARCEL_OF(at), GATEWAY_DELIVERED, "");
	}
}

/* What was sent before counting began is not counted: it goes on waiting in quiet. */
void parcels_uncounted(struct stream *stream) { (void)stream; }

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
	owe(told, GATEWAY_UNKNOWN,
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
	char key[2048];
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
	owe(told, told->stanza ? GATEWAY_REFUSED : GATEWAY_UNKNOWN, "the partner's server returned an error");
	parcel->token = 0;
	map_remove(&s->flying, parcel->key);
	parcel->key = SLICE_NONE;
	if (!parcel->counts) {
		parcel->stream->flying_count--;
		parcel_free(parcel);
	}
	return true;
}

/* ---- sending ---- */

/* False: not now; the stream does not take it. */
static bool send_now(struct route *route, struct parcel *parcel, const struct xmpp_element *stanza)
{
	struct stream *stream = route->sender;

	if (!stream || stream->is_unacknowledged || connection_state(stream->connection) != CONNECTION_UP)
		return false;
	switch (xmpp_stream_send(stream->xmpp, route->local, route->remote, stanza)) {
	case RESULT_OK:
		fly(parcel, stream, xmpp_get(stanza, SLICE("id")), route->remote);
		stream_touched(stream);
		return true;
	case RESULT_INVALID:
		owe(parcel, GATEWAY_FAILED,
		    "it cannot be written as XML, or is longer than the partner's server takes");
		return true;
	case RESULT_LIMIT:
		owe(parcel, GATEWAY_FAILED, "the partner's server does not read what waits for it");
		return true;
	default: return false;
	}
}

static void flush_waiting(struct route *route)
{
	while (!list_is_empty(&route->waiting)) {
		struct parcel *parcel = PARCEL_OF(route->waiting.next);
		const struct xmpp_element *stanza = parcel->stanza;

		if (!send_now(route, parcel, stanza))
			return;
		route->waiting_count--;
	}
}

static void fail_waiting(struct route *route, const char *why)
{
	while (!list_is_empty(&route->waiting)) {
		route->waiting_count--;
		owe(PARCEL_OF(route->waiting.next), GATEWAY_FAILED, why);
	}
}

static void wait_in_line(struct route *route, struct parcel *parcel, const struct xmpp_element *stanza)
{
	struct gateway *g = gateway_of(route);
	struct xmpp_builder b = { .arena = &parcel->arena };
	int64_t now = gateway_now_ms(g), wait_ms = (int64_t)g->settings->waiting_timeout * 1000;
	char why[GATEWAY_WORDS_BYTES];

	if (route->waiting_count >= g->settings->waiting_messages) {
		owe(parcel, GATEWAY_FAILED, "too many messages wait for a stream to the partner's domain");
		return;
	}
	if (!route->dial && route->next_try_ms > now + wait_ms) {
		snprintf(why, sizeof why, "no stream: %.180s; the next attempt is in %lld s",
		         route->last_error, (long long)((route->next_try_ms - now) / 1000));
		owe(parcel, GATEWAY_FAILED, why);
		return;
	}
	if (!(parcel->stanza = xmpp_add_copy(&b, NULL, stanza))) {
		owe(parcel, GATEWAY_FAILED, "out of memory");
		return;
	}
	parcel->deadline_ms = now + wait_ms;
	list_add_last(&route->waiting, &parcel->node);
	route->waiting_count++;
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
		owe(parcel, GATEWAY_FAILED, "the domain is no XMPP partner, or is switched off");
	else if (gateway_sip_domain(g, local).ptr == NULL)
		owe(parcel, GATEWAY_FAILED, "the sender's domain is none of ours");
	else if (!(route = route_get(s, local, remote)))
		owe(parcel, GATEWAY_FAILED, "too many pairs of domains");
	else if (!send_now(route, parcel, stanza))
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

struct route *route_get(struct streams *s, struct slice local, struct slice remote)
{
	struct route *route = route_find(s, local, remote);
	size_t size = local.len + remote.len + 2;

	if (route || !(route = mem_new(sizeof *route)))
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
	while (!list_is_empty(&route->waiting))
		parcel_free(PARCEL_OF(route->waiting.next));
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

	route->failures++;
	route->next_try_ms = gateway_now_ms(g) + back_off(route);
	snprintf(route->last_error, sizeof route->last_error, "%s", why);
	route->last_error_wall_ms = loop_now(g->loop).wall_ms;
	fail_waiting(route, why);
}

void route_stop(struct route *route, const char *why)
{
	if (route->dial && !route->sender) {
		dial_free(route->dial);
		route->dial = NULL;
	}
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
		xmpp_stream_verified(asker->xmpp, route->local, route->remote, verdict,
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

void route_ask(struct route *route, uint64_t asker, struct slice stream_id, struct slice key)
{
	struct question *question = route->question_count < ROUTE_QUESTIONS_MAX
	                                    ? mem_new(sizeof *question + stream_id.len + key.len)
	                                    : NULL;
	char *at;

	if (!question)
		return; /* the stream that asked answers by its own deadline */
	at = (char *)(question + 1);
	memcpy(at, stream_id.ptr, stream_id.len);
	memcpy(at + stream_id.len, key.ptr, key.len);
	question->asker = asker;
	question->stream_id = (struct slice){ at, stream_id.len };
	question->key = (struct slice){ at + stream_id.len, key.len };
	question->deadline_ms = gateway_now_ms(gateway_of(route)) + XMPP_PAIR_WAIT_MS;
	list_add_last(&route->questions, &question->node);
	route->question_count++;
	if (route->asker)
		route_may_ask(route, route->asker);
	else if (route->sender && route->sender->route == route)
		route_may_ask(route, route->sender);
	else if (!route->asking_dial)
		route->asking_dial = dial_new(route, true);
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
		snprintf(why, sizeof why, "no stream in time%s%.200s", route->last_error[0] ? ": " : "",
		         route->last_error);
		route->waiting_count--;
		owe(PARCEL_OF(route->waiting.next), GATEWAY_FAILED, why);
	}
	LIST_EACH_SAFE (at, &route->questions)
		if (now >= QUESTION_OF(at)->deadline_ms)
			tell_asker(route, QUESTION_OF(at), XMPP_KEY_UNKNOWN);
	route_try(route);
}
