/*
 * watched: one of ours watches an XMPP user; here we are the SIP notifier
 * (RFC 8048 §5.3, RFC 6665 §4.2).  The table is translate/subscription.def; this
 * file does what its actions say.
 *
 * A pair is authorised once, in XMPP; its SIP dialogs (one a device of our user)
 * come and go.
 */
#include <stdio.h>

#include "daemon/gateway/state.h"
#include "daemon/gateway/watched.h"
#include "shared/base/memory.h"

enum {
	FETCH_WAIT_MS = 2000, /* how long a question waits for what a probe brings */
	GRANTED_MAX_S = 24 * 3600,
};

#define KEPT_AGAIN "10" /* seconds after which a disk that took nothing may be asked again */

/* ---- life of a pair ---- */

static struct watched *watched_new(struct talks *t, struct slice key)
{
	struct watched *w = mem_new(sizeof *w + key.len);

	if (!w)
		return NULL;
	memcpy((char *)(w + 1), key.ptr, key.len);
	w->key = (struct slice){ (char *)(w + 1), key.len };
	list_start(&w->notifies);
	w->room = room_enter(t, w->key);
	w->self = w->room ? handles_add(&t->watcheds, w) : 0;
	if (w->self && map_add(&t->watched_pairs, w->key, w) == RESULT_OK)
		return w;
	if (w->self)
		handles_remove(&t->watcheds, w->self);
	if (w->room)
		room_leave(t, w->room);
	mem_free(w);
	return NULL;
}

static void watched_free(struct talks *t, struct watched *w)
{
	map_remove(&t->watched_pairs, w->key);
	handles_remove(&t->watcheds, w->self);
	room_leave(t, w->room);
	device_forget_all(w);
	mem_free(w);
}

static void save_pair(struct talks *t, const struct watched *w)
{
	const struct state_row row = { .kind = STATE_WATCHED, .key = w->key, .state = (int)w->state };

	if (w->state == TRANSLATE_WATCHED_NONE)
		state_remove(t->state, STATE_WATCHED, w->key, SLICE(""));
	else
		state_put(t->state, &row);
	talks_saved(t);
}

/* ---- towards the contact ---- */

static void send_presence(struct talks *t, struct watched *w, const struct parties *p, struct slice type,
                          bool wants_outcome)
{
	struct xmpp_builder b = { .arena = &t->arena };
	struct ask *ask = wants_outcome ? ask_new(t, ASK_PRESENCE, w->self) : NULL;
	struct xmpp_element *presence = xmpp_add(&b, NULL, XMPP_NS_SERVER, SLICE("presence"));
	char id[TALKS_TAG_BYTES];

	talks_make_tag(t, id);
	xmpp_set(&b, presence, SLICE("from"), p->our_text);
	xmpp_set(&b, presence, SLICE("to"), p->their_text);
	xmpp_set(&b, presence, SLICE("type"), type);
	xmpp_set(&b, presence, SLICE("id"), slice_of(id));
	if (b.is_broken)
		ask_free(t, &ask);
	else
		talks_stanza(t, p, presence, ask ? ask->self : 0);
}

/* ---- events ---- */

/* The pair, and `n`, may be gone afterwards. */
static void happen(struct talks *t, struct watched *w, const struct parties *p,
                   enum translate_watched_event event, struct notify *n)
{
	struct translate_watched_step step = translate_watched_step(w->state, event);

	w->state = step.next;
	if (step.actions & TRANSLATE_WATCHED_ASK)
		send_presence(t, w, p, SLICE("subscribe"), true);
	if (step.actions & TRANSLATE_WATCHED_PROBE)
		w->wants_probe = t->probes_wait = true;
	if (step.actions & TRANSLATE_WATCHED_CLOSE) {
		device_forget_all(w);
		w->has_heard = true;
	}
	if (step.actions & TRANSLATE_WATCHED_SAVE)
		save_pair(t, w);
	if ((step.actions & TRANSLATE_WATCHED_NOTIFY_THIS) && n)
		notify_send(t, n);
	if (step.actions & TRANSLATE_WATCHED_NOTIFY_ALL)
		LIST_EACH_SAFE (at, &w->notifies)
			notify_send(t, LIST_OWNER(at, struct notify, node));
	if (step.actions & TRANSLATE_WATCHED_REJECT_ALL)
		LIST_EACH_SAFE (at, &w->notifies) {
			struct notify *each = LIST_OWNER(at, struct notify, node);

			notify_forget_saved(t, each);
			each->ending = ENDING_REJECTED;
			notify_unlink(each);
			notify_send(t, each);
		}
	if ((step.actions & TRANSLATE_WATCHED_LEAVE) && w->notify_count == 0)
		send_presence(t, w, p, SLICE("unavailable"), false);
	if (w->state == TRANSLATE_WATCHED_NONE && w->notify_count == 0)
		watched_free(t, w);
}

static void happen_plainly(struct talks *t, struct watched *w, enum translate_watched_event event)
{
	struct parties p;

	if (talks_parties_of_key(t, w->key, &p) == TRANSLATE_OK)
		happen(t, w, &p, event, NULL);
}

/* A dialog is over. */
static void leave(struct talks *t, struct notify *n, enum translate_watched_event event)
{
	struct watched *w = n->watched;
	bool is_fetch = n->ending == ENDING_FETCH;

	notify_free(t, n);
	if (w && !is_fetch)
		happen_plainly(t, w, event);
	else if (w && w->state == TRANSLATE_WATCHED_NONE && w->notify_count == 0)
		watched_free(t, w);
}

/* ---- SUBSCRIBE ---- */

/* 0: it is one that we can serve. */
static int check_subscribe(const struct sip_message *m, uint32_t *expires_s)
{
	struct slice event = talks_header(m, SIP_EVENT), value;
	struct sip_walk walk = { 0 };
	bool is_accepted = !sip_message_header(m, SIP_ACCEPT);

	if (!slice_equal_nocase(slice_trim(slice_first(event, slice_find(event, ';'))), SLICE("presence")) ||
	    event.len >= NOTIFY_EVENT_BYTES)
		return 489;
	while (sip_message_walk(m, SIP_ACCEPT, &walk, &value)) {
		value = slice_trim(slice_first(value, slice_find(value, ';')));
		is_accepted |= slice_equal_nocase(value, SLICE("application/pidf+xml")) ||
		               slice_equal_nocase(value, SLICE("*/*")) ||
		               slice_equal_nocase(value, SLICE("application/*"));
	}
	if (!is_accepted)
		return 406;
	*expires_s = m->expires == UINT32_MAX ? TALKS_SUBSCRIBE_S : m->expires;
	if (*expires_s > 0 && *expires_s < TALKS_SUBSCRIBE_MIN_S)
		return 423;
	if (*expires_s > GRANTED_MAX_S)
		*expires_s = GRANTED_MAX_S;
	return 0;
}

static void take_expiry(struct talks *t, struct notify *n, uint32_t expires_s)
{
	n->before_ms = n->expires_ms;
	n->granted_s = expires_s;
	n->expires_ms = gateway_now_ms(t->gateway) + (int64_t)expires_s * 1000;
}

/* What could not be kept is not promised: a refresh leaves the subscription as it was (RFC 6665 §4.1.2.3). */
static void cannot_keep(struct talks *t, struct notify *n, handle server)
{
	const struct gateway_answer answer = { .status = 500,
		                               .diagnostic = LINK_SIP_TEMPORARY,
		                               .reason = "the subscription could not be written to the disk",
		                               .to_tag = slice_of(n->tag),
		                               .headers = SLICE("Retry-After: " KEPT_AGAIN "\r\n") };

	(void)gateway_sip_answer(t->gateway, server, &answer);
	if (!n->before_ms) {
		leave(t, n, TRANSLATE_WATCHED_S_EXPIRED);
		return;
	}
	n->expires_ms = n->before_ms;
	if (n->is_due)
		notify_send(t, n);
}

/* The subscription is on the disk: now it may be promised. */
static bool answer_subscribe(struct talks *t, handle owner, bool is_durable)
{
	struct notify *n = handles_get(&t->notifies, owner);
	struct gateway_answer answer = { .status = 200 };
	handle server;
	char *headers;

	if (!n)
		return true;
	talks_begin(t);
	server = n->server;
	n->server = 0;
	headers = arena_printf(&t->arena, "Expires: %u\r\n%.*s", n->granted_s,
	                       SLICE_ARG(notify_contact(t, n)));
	answer.to_tag = slice_of(n->tag);
	answer.headers = headers ? slice_of(headers) : SLICE("");
	if (!is_durable && n->ending == ENDING_NONE) { /* an end is no promise */
		cannot_keep(t, n, server);
	} else {
		(void)gateway_sip_answer(t->gateway, server, &answer);
		if (n->is_due)
			notify_send(t, n);
	}
	talks_end(t);
	return true;
}

void watched_subscribe(struct talks *t, handle server, const struct sip_message *m, const struct parties *p)
{
	struct watched *w = map_get(&t->watched_pairs, p->key);
	struct notify *n = NULL;
	char tag[TALKS_TAG_BYTES];
	const char *why = "too many devices of one user watch the same contact";
	uint32_t expires_s;
	int status = check_subscribe(m, &expires_s);

	if (status) {
		talks_answer(t, server, status, "");
		return;
	}
	if (!w && room_is_left(t, p->key, &why))
		w = watched_new(t, p->key);
	talks_make_tag(t, tag);
	if (w)
		n = notify_new(t, w, slice_of(tag));
	if (!n) {
		if (w && w->state == TRANSLATE_WATCHED_NONE && w->notify_count == 0)
			watched_free(t, w);
		talks_give_up(t, server, 480, LINK_SIP_TEMPORARY, why);
		return;
	}
	if (!dialog_from_request(&n->dialog, m, slice_of(tag), &t->arena)) {
		n->ending = ENDING_FETCH;
		leave(t, n, TRANSLATE_WATCHED_S_EXPIRED);
		talks_answer(t, server, 400, "No Contact");
		return;
	}
	slice_to_text(talks_header(m, SIP_EVENT), n->event, sizeof n->event);
	w->is_off = talks_is_partner_off(t, w->key);
	n->server = server;
	n->is_due = true;
	take_expiry(t, n, expires_s);
	if (expires_s == 0) {
		n->ending = ENDING_FETCH;
		if (w->state == TRANSLATE_WATCHED_ACTIVE && !w->has_heard && !w->is_off) {
			n->hold_ms = gateway_now_ms(t->gateway) + FETCH_WAIT_MS;
			w->wants_probe = t->probes_wait = true;
		}
		happen(t, w, p, TRANSLATE_WATCHED_S_FETCH, n);
	} else {
		notify_save(t, n);
		happen(t, w, p, TRANSLATE_WATCHED_S_SUBSCRIBE, n);
	}
	talks_when_durable(t, answer_subscribe, n->self);
}

bool watched_request(struct talks *t, handle server, const struct sip_message *m)
{
	struct notify *n = map_get(&t->notify_tags, m->to.tag);
	struct parties p;
	uint32_t expires_s;
	int status;

	switch (n && n->ending == ENDING_NONE ? dialog_accept(&n->dialog, m) : DIALOG_OTHER) {
	case DIALOG_OTHER: return false;
	case DIALOG_OLD: talks_answer(t, server, 500, "CSeq does not rise"); return true;
	case DIALOG_FITS: break;
	}
	status = check_subscribe(m, &expires_s);
	if (!status && n->server)
		status = 500; /* one refresh after the other */
	if (!status && talks_parties_of_key(t, n->watched->key, &p) != TRANSLATE_OK)
		status = 481; /* the domain is no longer ours */
	if (status) {
		talks_answer(t, server, status, "");
		return true;
	}
	(void)dialog_confirm(&n->dialog, m, &t->arena);
	take_expiry(t, n, expires_s);
	n->server = server;
	n->is_due = true;
	if (expires_s == 0) {
		notify_forget_saved(t, n);
		n->ending = ENDING_TIMEOUT;
		happen(t, n->watched, &p, TRANSLATE_WATCHED_S_END, n);
	} else {
		notify_save(t, n);
		happen(t, n->watched, &p, TRANSLATE_WATCHED_S_REFRESH, n);
	}
	talks_when_durable(t, answer_subscribe, n->self);
	return true;
}

void watched_answered(struct talks *t, struct ask *ask, const struct sip_message *m, int status)
{
	struct notify *n = handles_get(&t->notifies, ask->owner);
	/* Passing trouble of theirs; whatever else they say, they no longer want to know (RFC 6665 §4.2.2). */
	bool is_kept = status < 300 || status == 480 || status == 500 || status == 503;

	if (!n)
		return;
	n->is_asking = false;
	if (n->ending != ENDING_NONE && !n->is_due)
		leave(t, n, TRANSLATE_WATCHED_S_EXPIRED);
	else if (!is_kept)
		leave(t, n, TRANSLATE_WATCHED_S_EXPIRED);
	else if (!m && n->ending == ENDING_NONE)
		n->is_due =
		        true; /* nobody knows whether it was heard: once more, when watched_second comes by */
	else if (n->is_due)
		notify_send(t, n);
}

/* ---- what XMPP says ---- */

static enum translate_watched_event event_of_error(struct talks *t, const struct xmpp_element *stanza)
{
	struct xmpp_stanza_error error;

	(void)xmpp_error_read(stanza, &t->arena, &error);
	switch (error.condition) {
	case XMPP_REMOTE_SERVER_NOT_FOUND:
	case XMPP_REMOTE_SERVER_TIMEOUT:
	case XMPP_RESOURCE_CONSTRAINT:
	case XMPP_INTERNAL_SERVER_ERROR: return TRANSLATE_WATCHED_X_FAILED;
	default:
		return error.type == XMPP_ERROR_WAIT ? TRANSLATE_WATCHED_X_FAILED
		                                     : TRANSLATE_WATCHED_X_REFUSED;
	}
}

void watched_delivered(struct talks *t, struct ask *ask, const struct gateway_outcome *outcome)
{
	struct watched *w = handles_get(&t->watcheds, ask->owner);

	if (!w || outcome->delivery == GATEWAY_DELIVERED || outcome->delivery == GATEWAY_WRITTEN)
		return;
	happen_plainly(t, w,
	               outcome->delivery == GATEWAY_REFUSED ? event_of_error(t, outcome->error)
	                                                    : TRANSLATE_WATCHED_X_FAILED);
}

void watched_stanza(struct talks *t, const struct parties *p, const struct xmpp_element *stanza)
{
	struct watched *w = map_get(&t->watched_pairs, p->key);
	struct slice type = xmpp_get(stanza, SLICE("type"));
	struct translate_resource resource;

	if (!w)
		return; /* presence that nobody here has asked for */
	if (slice_equal(type, SLICE("subscribed"))) {
		happen(t, w, p, TRANSLATE_WATCHED_X_SUBSCRIBED, NULL);
	} else if (slice_equal(type, SLICE("unsubscribed"))) {
		happen(t, w, p, TRANSLATE_WATCHED_X_UNSUBSCRIBED, NULL);
	} else if (slice_equal(type, SLICE("error"))) {
		happen(t, w, p, event_of_error(t, stanza), NULL);
	} else if (w->state == TRANSLATE_WATCHED_ACTIVE &&
	           translate_presence_from_stanza(stanza, &t->arena, &resource) == TRANSLATE_OK) {
		resource.resource = p->theirs.resource;
		device_set(w, &resource);
		happen(t, w, p, TRANSLATE_WATCHED_X_PRESENCE, NULL);
	}
}

/* ---- the partner ---- */

void watched_image_changed(struct talks *t)
{
	struct watched *w;
	uint32_t at = 0;

	while ((w = handles_next(&t->watcheds, &at))) {
		bool is_off = talks_is_partner_off(t, w->key);

		if (is_off == w->is_off)
			continue;
		w->is_off = is_off;
		talks_begin(t);
		happen_plainly(t, w, is_off ? TRANSLATE_WATCHED_P_OFF : TRANSLATE_WATCHED_P_ON);
		talks_end(t);
	}
}

/* He may have been away for long: what was known of his users is asked for anew, not all at once. */
void watched_reachable(struct talks *t, struct slice remote)
{
	struct watched *w;
	uint32_t at = 0;

	while ((w = handles_next(&t->watcheds, &at)))
		if (w->state == TRANSLATE_WATCHED_ACTIVE && slice_equal(talks_partner_domain(w->key), remote))
			w->wants_probe = t->probes_wait = true;
}

/* ---- time ---- */

static void probe_some(struct talks *t)
{
	struct watched *w;
	uint32_t at = 0;
	int sent = 0;

	if (!t->probes_wait)
		return;
	t->probes_wait = false;
	while ((w = handles_next(&t->watcheds, &at))) {
		struct parties p;

		if (!w->wants_probe)
			continue;
		if (sent == TALKS_PROBES_PER_SECOND) {
			t->probes_wait = true;
			return;
		}
		w->wants_probe = false;
		if (w->is_off || w->state != TRANSLATE_WATCHED_ACTIVE)
			continue;
		talks_begin(t);
		if (talks_parties_of_key(t, w->key, &p) == TRANSLATE_OK)
			send_presence(t, w, &p, SLICE("probe"), true);
		talks_end(t);
		sent++;
	}
}

void watched_second(struct talks *t)
{
	int64_t now = gateway_now_ms(t->gateway);
	struct notify *n;
	uint32_t at = 0;

	probe_some(t);
	while ((n = handles_next(&t->notifies, &at))) {
		if (n->is_over) {
			talks_begin(t);
			leave(t, n, TRANSLATE_WATCHED_S_EXPIRED);
			talks_end(t);
		} else if (n->hold_ms && now >= n->hold_ms) {
			talks_begin(t);
			n->hold_ms = 0;
			notify_send(t, n);
			talks_end(t);
		} else if (n->ending == ENDING_NONE && !n->server && now >= n->expires_ms) {
			talks_begin(t);
			notify_forget_saved(t, n);
			n->ending = ENDING_TIMEOUT;
			notify_send(t, n);
			talks_end(t);
		} else if (n->is_due && !n->is_asking && !n->server && !n->hold_ms) {
			talks_begin(t); /* the Access Edge was away */
			notify_send(t, n);
			talks_end(t);
		}
	}
}

/* ---- after a restart ---- */

static void load_pair(void *to, const struct state_row *row)
{
	struct talks *t = to;
	struct watched *w = row->state > TRANSLATE_WATCHED_NONE && row->state < TRANSLATE_WATCHED_STATES
	                            ? watched_new(t, row->key)
	                            : NULL;

	if (!w)
		return;
	w->state = (enum translate_watched_state)row->state;
	/* What he is doing was not written down: it is asked for. */
	w->wants_probe = t->probes_wait = true;
}

static void load_notify(void *to, const struct state_row *row)
{
	struct talks *t = to;
	struct watched *w = map_get(&t->watched_pairs, row->key);
	struct instant now = loop_now(t->gateway->loop);
	struct notify *n = w && row->until_ms > now.wall_ms && row->dialog.call_id.len
	                           ? notify_new(t, w, row->tag)
	                           : NULL;

	if (!n)
		return;
	n->expires_ms = now.mono_ms + (row->until_ms - now.wall_ms);
	n->granted_s = (uint32_t)((row->until_ms - now.wall_ms) / 1000);
	if (!dialog_keep(&n->dialog, &row->dialog)) {
		notify_free(t, n);
		return;
	}
	if (row->event.len)
		slice_to_text(row->event, n->event, sizeof n->event);
	n->dialog.local_cseq += TALKS_CSEQ_LEAP;
}

bool watched_load(struct talks *t, struct reason *reason)
{
	return !t->state || (state_each(t->state, STATE_WATCHED, 0, load_pair, t, reason) == RESULT_OK &&
	                     state_each(t->state, STATE_NOTIFY, 0, load_notify, t, reason) == RESULT_OK);
}

void watched_save_all(struct talks *t)
{
	struct watched *w;
	struct notify *n;
	uint32_t at = 0;

	while ((w = handles_next(&t->watcheds, &at)))
		save_pair(t, w);
	at = 0;
	while ((n = handles_next(&t->notifies, &at)))
		if (n->watched && n->ending == ENDING_NONE)
			notify_save(t, n);
}

void watched_free_all(struct talks *t)
{
	struct watched *w;
	struct notify *n;
	uint32_t at = 0;

	while ((n = handles_next(&t->notifies, &at))) {
		n->ending = ENDING_FETCH; /* what is saved stays */
		notify_free(t, n);
	}
	at = 0;
	while ((w = handles_next(&t->watcheds, &at)))
		watched_free(t, w);
}

void watched_write(struct talks *t, struct gateway_page *page, struct json_writer *w)
{
	struct watched *each;
	uint32_t at = 0;

	while ((each = handles_next(&t->watcheds, &at)))
		if (gateway_page_takes(page))
			talks_row(t, w, "watched", each->key, translate_watched_state_name(each->state),
			          "devices", (int64_t)each->notify_count);
}
