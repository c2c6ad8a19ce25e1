/* talks: the seams.  What comes goes to the file that knows it; names of both sides; what waits for an outcome. */
#include "daemon/gateway/talks.h"

#include <stdio.h>

#include "daemon/crypto/crypto.h"
#include "daemon/gateway/state.h"
#include "shared/base/memory.h"

#define METHODS "INVITE, ACK, CANCEL, BYE, MESSAGE, INFO, OPTIONS, SUBSCRIBE, NOTIFY"

/* ---- memory of one event ---- */

struct arena *talks_begin(struct talks *t)
{
	if (t->depth++ == 0)
		arena_reset(&t->arena);
	return &t->arena;
}

void talks_end(struct talks *t) { t->depth--; }

/* ---- outcomes waited for ---- */

struct ask *ask_new(struct talks *t, enum ask_kind kind, handle owner)
{
	struct ask *ask = mem_new(sizeof *ask);

	if (!ask)
		return NULL;
	*ask = (struct ask){ .self = handles_add(&t->asks, ask), .kind = kind, .owner = owner };
	list_start(&ask->node);
	if (ask->self)
		return ask;
	mem_free(ask);
	return NULL;
}

void ask_free(struct talks *t, struct ask **ask)
{
	if (!*ask)
		return;
	handles_remove(&t->asks, (*ask)->self);
	list_remove(&(*ask)->node);
	letter_free(&(*ask)->letter);
	mem_free(*ask);
	*ask = NULL;
}

/* ---- names ---- */

void talks_make_tag(struct talks *t, char tag[TALKS_TAG_BYTES])
{
	uint64_t random = gateway_random(t->gateway);

	crypto_hex_write(&random, sizeof random, tag);
}

struct slice talks_header(const struct sip_message *m, enum sip_header_id id)
{
	const struct sip_header *header = sip_message_header(m, id);

	return header ? header->value : SLICE("");
}

/* ---- sending ---- */

void talks_answer(struct talks *t, handle server, int status, const char *why)
{
	char text[256] = "";
	struct gateway_answer answer = { .status = status, .phrase = slice_of(why) };

	switch (status) {
	case 415: snprintf(text, sizeof text, "Accept: %.*s\r\n", SLICE_ARG(translate_accept())); break;
	case 405: snprintf(text, sizeof text, "Allow: " METHODS "\r\n"); break;
	case 489: snprintf(text, sizeof text, "Allow-Events: presence\r\n"); break;
	case 423: snprintf(text, sizeof text, "Min-Expires: %d\r\n", TALKS_SUBSCRIBE_MIN_S); break;
	default: break;
	}
	answer.headers = slice_of(text);
	(void)gateway_sip_answer(t->gateway, server, &answer);
}

void talks_give_up(struct talks *t, handle server, int status, enum link_sip_diagnostic diagnostic,
                   const char *why)
{
	const struct gateway_answer answer = { .status = status,
		                               .diagnostic = (int)diagnostic,
		                               .reason = why };

	(void)gateway_sip_answer(t->gateway, server, &answer);
}

void talks_refuse(struct talks *t, handle server, enum translate_answer answer,
                  const struct translate_refusal *refusal)
{
	if (answer == TRANSLATE_REFUSED)
		talks_answer(t, server, refusal->status, refusal->why);
	else
		talks_give_up(t, server, 500, LINK_SIP_TEMPORARY, "out of memory");
}

/* The outcome of what could not even be handed over; it needs no memory but the ask's own. */
static void tell_unsent(void *talks)
{
	static const struct gateway_outcome outcome = { .delivery = GATEWAY_FAILED, .why = "out of memory" };
	struct talks *t = talks;

	while (!list_is_empty(&t->unsent))
		gateway_xmpp_outcome(t->gateway, LIST_OWNER(t->unsent.next, struct ask, node)->self,
		                     &outcome);
}

void talks_stanza(struct talks *t, const struct parties *p, const struct xmpp_element *stanza, uint64_t token)
{
	struct ask *ask;

	if (gateway_xmpp_send(t->gateway, p->ours.domain, p->theirs.domain, stanza, token) ||
	    !(ask = handles_get(&t->asks, token)))
		return;
	list_remove(&ask->node);
	list_add_last(&t->unsent, &ask->node);
	loop_defer(t->gateway->loop, &t->tell_unsent, tell_unsent, t);
}

void talks_return(struct talks *t, const struct xmpp_element *stanza, const struct xmpp_stanza_error *error)
{
	struct xmpp_builder b = { .arena = &t->arena };
	struct xmpp_element *reply = xmpp_error_reply(&b, stanza, error);
	struct xmpp_jid from, to;

	if (reply && xmpp_jid_parse(xmpp_get(stanza, SLICE("from")), &t->arena, &from, NULL) == RESULT_OK &&
	    xmpp_jid_parse(xmpp_get(stanza, SLICE("to")), &t->arena, &to, NULL) == RESULT_OK)
		(void)gateway_xmpp_send(t->gateway, to.domain, from.domain, reply, 0);
}

handle talks_in_dialog(struct talks *t, struct dialog *d, enum sip_method method, struct slice headers,
                       struct slice body, bool is_farewell, uint64_t token)
{
	struct reason why;
	char *lines = arena_printf(&t->arena, "%.*s%.*s", SLICE_ARG(d->routes), SLICE_ARG(headers));
	struct gateway_request request = { .method = method,
		                           .target = d->target,
		                           .from = d->local,
		                           .to = d->remote,
		                           .call_id = d->call_id,
		                           .cseq = method == SIP_ACK ? d->local_cseq : ++d->local_cseq,
		                           .headers = slice_of(lines),
		                           .body = body,
		                           .is_farewell = is_farewell };

	return lines ? gateway_sip_send(t->gateway, &request, token, &why) : 0;
}

/* ---- the SIP seam ---- */

static bool is_in_dialog(const struct sip_message *m) { return m->to.tag.ptr != NULL; }

static void request_in_dialog(struct talks *t, handle server, const struct sip_message *m)
{
	bool is_known = false;

	if (m->method == SIP_SUBSCRIBE)
		is_known = watched_request(t, server, m);
	else if (m->method == SIP_NOTIFY)
		is_known = watching_notified(t, server, m);
	else
		is_known = session_request(t, server, m);
	if (!is_known)
		talks_answer(t, server, 481, "");
}

static void request_alone(struct talks *t, handle server, const struct sip_message *m)
{
	struct translate_refusal refusal = { 0 };
	struct parties p;
	enum translate_answer answer;

	switch ((unsigned)m->method) {
	case SIP_MESSAGE:
	case SIP_SUBSCRIBE: break;
	case SIP_INVITE: session_invited(t, server, m); return;
	case SIP_OPTIONS: {
		const struct gateway_answer can = { .status = 200,
			                            .headers = SLICE("Allow: " METHODS "\r\n") };

		(void)gateway_sip_answer(t->gateway, server, &can);
		return;
	}
	case SIP_NOTIFY:
	case SIP_BYE:
	case SIP_INFO: talks_answer(t, server, 481, ""); return;
	default: talks_answer(t, server, 405, ""); return;
	}
	answer = talks_parties_of_request(t, &m->from.uri, &m->target_uri, &p, &refusal);
	if (answer != TRANSLATE_OK) {
		t->to_xmpp.in += m->method == SIP_MESSAGE;
		t->to_xmpp.refused += m->method == SIP_MESSAGE;
		talks_refuse(t, server, answer, &refusal);
	} else if (m->method == SIP_MESSAGE) {
		message_from_sip(t, server, m, &p, false);
	} else {
		watched_subscribe(t, server, m, &p);
	}
}

void gateway_sip_request(struct gateway *g, handle server, const struct sip_message *m)
{
	struct talks *t = g->talks;

	talks_begin(t);
	if (is_in_dialog(m))
		request_in_dialog(t, server, m);
	else
		request_alone(t, server, m);
	talks_end(t);
}

void gateway_sip_ack(struct gateway *g, const struct sip_message *m)
{
	(void)g;
	(void)m; /* sessions are up with our 200: nothing depends on its ACK over a stream */
}

void gateway_sip_cancelled(struct gateway *g, handle server)
{
	(void)g;
	(void)server; /* an INVITE is answered at once; what has been answered cannot be cancelled */
}

void gateway_sip_outcome(struct gateway *g, uint64_t token, const struct sip_message *m, int status,
                         const char *why)
{
	struct talks *t = g->talks;
	struct ask *ask = handles_get(&t->asks, token);
	const struct outcome what = { .status = status, .m = m, .why = why };

	if (!ask || status < 200)
		return;
	talks_begin(t);
	switch (ask->kind) {
	case ASK_PAGE: message_answered(t, ask, &what); break;
	case ASK_INVITE: session_answered(t, ask, &what); break;
	case ASK_IN_SESSION: session_message_answered(t, ask, &what); break;
	case ASK_WATCHING: watching_answered(t, ask, m, status); break;
	case ASK_NOTIFY: watched_answered(t, ask, m, status); break;
	default: break;
	}
	ask_free(t, &ask);
	talks_end(t);
}

void gateway_sip_accepted_again(struct gateway *g, const struct sip_message *m)
{
	talks_begin(g->talks);
	session_accepted_again(g->talks, m);
	talks_end(g->talks);
}

/* ---- the XMPP seam ---- */

void gateway_xmpp_outcome(struct gateway *g, uint64_t token, const struct gateway_outcome *outcome)
{
	struct talks *t = g->talks;
	struct ask *ask = handles_get(&t->asks, token);

	if (!ask)
		return;
	talks_begin(t);
	if (ask->kind == ASK_STANZA)
		message_delivered(t, ask, outcome);
	else if (ask->kind == ASK_PRESENCE)
		watched_delivered(t, ask, outcome);
	else if (ask->kind == ASK_TELL)
		watching_delivered(t, ask, outcome);
	ask_free(t, &ask);
	talks_end(t);
}

static void presence_received(struct talks *t, const struct xmpp_element *stanza)
{
	static const struct {
		const char *type;
		enum translate_watching_event event;
	} asked[] = {
		{ "subscribe", TRANSLATE_WATCHING_X_SUBSCRIBE },
		{ "unsubscribe", TRANSLATE_WATCHING_X_UNSUBSCRIBE },
		{ "probe", TRANSLATE_WATCHING_X_PROBE },
	};
	struct slice type = xmpp_get(stanza, SLICE("type"));
	struct translate_refusal refusal = { 0 };
	struct parties p;
	enum translate_answer answer = talks_parties_of_stanza(t, xmpp_get(stanza, SLICE("to")),
	                                                       xmpp_get(stanza, SLICE("from")), &p, &refusal);

	if (answer != TRANSLATE_OK) {
		const struct xmpp_stanza_error error = translate_error_of(&refusal);

		if (answer == TRANSLATE_REFUSED)
			talks_return(t, stanza, &error);
		return;
	}
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
		if (slice_equal(type, slice_of(asked[i].type))) {
			watching_stanza(t, &p, stanza, asked[i].event);
			return;
		}
	if (type.len == 0 || slice_equal(type, SLICE("unavailable")))
		watching_sign_of_life(t, &p, type.len == 0);
	watched_stanza(t, &p, stanza);
}

static bool handled(struct talks *t, handle receipt, bool is_durable)
{
	if (is_durable)
		gateway_xmpp_handled(t->gateway, receipt);
	return is_durable; /* else it waits: receipts have a deadline of their own, and their stream ends then */
}

/*
 * What a stanza asks to be remembered is durable before it is acknowledged; so is what the same stanza asked on an
 * earlier stream.  Words and presence do not wait for a disk: they change nothing on it.
 */
static bool asks_to_be_kept(const struct xmpp_element *stanza)
{
	struct slice type = xmpp_get(stanza, SLICE("type"));

	return slice_equal(stanza->name, SLICE("presence")) && type.len &&
	       !slice_equal(type, SLICE("unavailable")) && !slice_equal(type, SLICE("error"));
}

void gateway_xmpp_received(struct gateway *g, struct slice local, struct slice remote,
                           const struct xmpp_element *stanza, handle receipt)
{
	struct talks *t = g->talks;
	uint64_t changes = state_changes(t->state);

	(void)local;
	(void)remote;
	talks_begin(t);
	if (slice_equal(stanza->name, SLICE("message")))
		message_from_xmpp(t, stanza, &receipt);
	else if (slice_equal(stanza->name, SLICE("presence")))
		presence_received(t, stanza);
	else if (slice_equal(stanza->name, SLICE("iq")))
		iq_received(t, stanza);
	if (receipt && (changes != state_changes(t->state) || asks_to_be_kept(stanza)))
		talks_when_durable(t, handled, receipt);
	else if (receipt)
		gateway_xmpp_handled(g, receipt);
	talks_end(t);
}

void gateway_xmpp_reachable(struct gateway *g, struct slice remote, bool is_reachable)
{
	if (is_reachable)
		watched_reachable(g->talks, remote);
}

/* ---- life ---- */

/* For state.c, when more has changed than it could keep. */
static void save_all(void *owner)
{
	struct talks *t = owner;

	watching_save_all(t);
	watched_save_all(t);
}

bool talks_start(struct gateway *g)
{
	struct talks *t = mem_new(sizeof *t);
	struct reason reason = { "" };
	char path[512];

	if (!t || !(t->parser = xmpp_parser_new())) {
		mem_free(t);
		return false;
	}
	g->talks = t;
	t->gateway = g;
	arena_start(&t->arena, 2 * TRANSLATE_ARENA_MAX);
	handles_start(&t->asks, TALKS_ASKS_MAX);
	handles_start(&t->sessions, TALKS_SESSIONS_MAX);
	handles_start(&t->watchings, TALKS_SUBSCRIPTIONS_CEILING);
	handles_start(&t->watcheds, TALKS_SUBSCRIPTIONS_CEILING);
	handles_start(&t->notifies, TALKS_SUBSCRIPTIONS_CEILING);
	map_start(&t->pairs, TALKS_PAIRS_MAX, g->seed);
	map_start(&t->session_tags, TALKS_SESSIONS_MAX, g->seed);
	map_start(&t->watching_pairs, TALKS_SUBSCRIPTIONS_CEILING, g->seed);
	map_start(&t->watching_tags, TALKS_SUBSCRIPTIONS_CEILING, g->seed);
	map_start(&t->watched_pairs, TALKS_SUBSCRIPTIONS_CEILING, g->seed);
	map_start(&t->notify_tags, TALKS_SUBSCRIPTIONS_CEILING, g->seed);
	map_start(&t->rooms, 2 * TALKS_SUBSCRIPTIONS_CEILING, g->seed);
	list_start(&t->pair_list);
	list_start(&t->unsent);
	list_start(&t->promises);
	if (g->folder) {
		snprintf(path, sizeof path, "%s/gateway.db", g->folder);
		if (state_open(path, g->seed, &t->state, &reason) != RESULT_OK ||
		    !watching_load(t, &reason) || !watched_load(t, &reason)) {
			fprintf(stderr, "gateway: %s\n", reason.text);
			return false;
		}
		state_written_by(t->state, save_all, t);
	}
	return true;
}

void talks_stop(struct gateway *g)
{
	struct talks *t = g->talks;
	struct ask *ask;
	uint32_t at = 0;

	if (!t)
		return;
	loop_defer_cancel(&t->tell_unsent);
	(void)talks_commit(t);
	loop_timer_stop(&t->commit_timer);
	talks_forget_promises(t);
	state_close(&t->state);
	while ((ask = handles_next(&t->asks, &at)))
		ask_free(t, &ask);
	session_end_all(t);
	watching_free_all(t);
	watched_free_all(t);
	pair_forget_all(t);
	handles_stop(&t->asks);
	handles_stop(&t->sessions);
	handles_stop(&t->watchings);
	handles_stop(&t->watcheds);
	handles_stop(&t->notifies);
	map_stop(&t->pairs);
	map_stop(&t->session_tags);
	map_stop(&t->watching_pairs);
	map_stop(&t->watching_tags);
	map_stop(&t->watched_pairs);
	map_stop(&t->notify_tags);
	map_stop(&t->rooms);
	arena_stop(&t->arena);
	xmpp_parser_free(&t->parser);
	mem_free(t);
	g->talks = NULL;
}

void talks_image_changed(struct gateway *g)
{
	watched_image_changed(g->talks);
	session_image_changed(g->talks);
}

void talks_second(struct gateway *g)
{
	struct talks *t = g->talks;

	t->reported = 0;
	g->counts.in = t->to_sip.delivered;
	g->counts.out = t->to_xmpp.delivered;
	g->counts.refused = t->to_sip.refused + t->to_sip.failed + t->to_xmpp.refused + t->to_xmpp.failed;
	heirloom_second(t);
	session_second(g->talks);
	watching_second(g->talks);
	watched_second(g->talks);
}

/*
 * New work is refused at the seams; what is under way has its own deadlines.  Sessions end politely; subscriptions
 * stay as they are, on both sides: the next gateway takes them from the disk.
 */
void talks_drain(struct gateway *g)
{
	session_drain(g->talks);
	(void)talks_commit(g->talks);
}

bool talks_are_quiet(const struct gateway *g)
{
	return g->talks->asks.count == 0 && list_is_empty(&g->talks->promises);
}

/* ---- rows for the keeper's questions ---- */

void talks_write(struct gateway *g, struct gateway_page *page, struct json_writer *w)
{
	struct talks *t = g->talks;

	session_write(t, page, w);
	watching_write(t, page, w);
	watched_write(t, page, w);
}

void talks_row(struct talks *t, struct json_writer *w, const char *kind, struct slice key, const char *state,
               const char *field, int64_t number)
{
	size_t blank = slice_find(key, ' ');
	const char *stop = gateway_stop(t->gateway->image, talks_partner_domain(key));

	json_open_object(w, NULL);
	json_put_text(w, "kind", kind);
	json_put_slice(w, "local", slice_first(key, blank));
	json_put_slice(w, "remote", slice_after(key, blank < key.len ? blank + 1 : blank));
	json_put_text(w, "state", stop ? stop : state);
	if (field)
		json_put_number(w, field, number);
	json_close_object(w);
}
