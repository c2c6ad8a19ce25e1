/*
 * watching: an XMPP user watches one of ours; here we are the SIP subscriber
 * (RFC 8048 §5.2, RFC 6665 §4.1).  The table is translate/subscription.def; this
 * file does what its actions say.
 *
 * The authorisation is kept for years, the dialog while somebody looks: without
 * a sign of life of the watcher within the refresh interval of the settings the
 * dialog lapses, and his next probe brings it back (RFC 8048 §8.1: nobody makes
 * us refresh for ever).
 */
#include <stdio.h>

#include "daemon/gateway/state.h"
#include "daemon/gateway/watching.h"
#include "shared/base/memory.h"

static int64_t refresh_interval_ms(const struct talks *t)
{
	return (t->gateway->settings ? (int64_t)t->gateway->settings->subscription_refresh_interval : 28800) *
	       1000;
}

/* ---- life ---- */

static struct watching *watching_find(struct talks *t, struct slice key)
{
	return map_get(&t->watching_pairs, key);
}

static struct watching *watching_new(struct talks *t, struct slice key)
{
	struct watching *w = mem_new(sizeof *w + key.len);

	if (!w)
		return NULL;
	memcpy((char *)(w + 1), key.ptr, key.len);
	w->key = (struct slice){ (char *)(w + 1), key.len };
	w->refresh_ms = w->expires_ms = w->retry_ms = w->stale_ms = INT64_MAX;
	w->expires_s = TALKS_SUBSCRIBE_S;
	w->alive_ms = gateway_now_ms(t->gateway);
	w->room = room_enter(t, w->key);
	w->self = w->room ? handles_add(&t->watchings, w) : 0;
	if (w->self && map_add(&t->watching_pairs, w->key, w) == RESULT_OK)
		return w;
	if (w->self)
		handles_remove(&t->watchings, w->self);
	if (w->room)
		room_leave(t, w->room);
	mem_free(w);
	return NULL;
}

static void drop_dialog(struct talks *t, struct watching *w)
{
	if (w->tag[0])
		map_remove(&t->watching_tags, slice_of(w->tag));
	w->tag[0] = '\0';
	dialog_drop(&w->dialog);
	w->refresh_ms = w->expires_ms = INT64_MAX;
}

static void watching_free(struct talks *t, struct watching *w)
{
	drop_dialog(t, w);
	map_remove(&t->watching_pairs, w->key);
	handles_remove(&t->watchings, w->self);
	room_leave(t, w->room);
	mem_free(w->document);
	mem_free(w);
}

static void save(struct talks *t, struct watching *w)
{
	int64_t now = gateway_now_ms(t->gateway), left = w->expires_ms == INT64_MAX ? 0 : w->expires_ms - now;
	struct state_row row = { .kind = STATE_WATCHING,
		                 .key = w->key,
		                 .state = (int)w->state,
		                 .dialog = w->dialog,
		                 .until_ms = loop_now(t->gateway->loop).wall_ms + left };

	if (w->state == TRANSLATE_WATCHING_NONE)
		state_remove(t->state, STATE_WATCHING, w->key, SLICE(""));
	else
		state_put(t->state, &row);
	talks_saved(t);
}

/* ---- towards our user ---- */

static struct slice subscribe_headers(struct talks *t, const struct parties *p, uint32_t expires_s)
{
	char *text = arena_printf(
	        &t->arena,
	        "Contact: <%.*s>\r\nEvent: presence\r\nAccept: application/pidf+xml\r\nExpires: %u\r\n",
	        SLICE_ARG(p->their_uri), expires_s);

	return text ? slice_of(text) : SLICE("");
}

static bool begin_dialog(struct talks *t, struct watching *w, const struct parties *p)
{
	struct dialog parts = { .target = p->our_uri };
	char call_id[TALKS_TAG_BYTES], tag[TALKS_TAG_BYTES];
	char *local, *remote, *name;

	drop_dialog(t, w);
	talks_make_tag(t, tag);
	talks_make_tag(t, call_id);
	local = arena_printf(&t->arena, "<%.*s>;tag=%s", SLICE_ARG(p->their_uri), tag);
	remote = arena_printf(&t->arena, "<%.*s>", SLICE_ARG(p->our_uri));
	name = arena_printf(&t->arena, "%s@xmpp-gateway", call_id);
	parts.local = slice_of(local);
	parts.remote = slice_of(remote);
	parts.call_id = slice_of(name);
	if (!local || !remote || !name || !dialog_keep(&w->dialog, &parts))
		return false;
	memcpy(w->tag, tag, sizeof tag);
	return map_add(&t->watching_tags, slice_of(w->tag), w) == RESULT_OK;
}

static void retry_later(struct talks *t, struct watching *w, int64_t at_least_ms)
{
	int64_t wait = TALKS_RETRY_FIRST_MS;

	for (uint32_t i = 0; i < w->retries && wait < TALKS_RETRY_MAX_MS; i++)
		wait *= 2;
	w->retries++;
	wait = wait > TALKS_RETRY_MAX_MS ? TALKS_RETRY_MAX_MS : wait;
	wait = wait > at_least_ms ? wait : at_least_ms;
	/* Not all at once, after an outage (RFC 6665 §4.1.2.3). */
	w->retry_ms = gateway_now_ms(t->gateway) + wait +
	              (int64_t)(gateway_random(t->gateway) % (uint64_t)(wait / 4 + 1));
}

/* The SUBSCRIBE itself.  What cannot be sent counts as failed, in its own time: never from within an event. */
static void subscribe(struct talks *t, struct watching *w, const struct parties *p, uint32_t expires_s)
{
	struct ask *ask = ask_new(t, ASK_WATCHING, w->self);

	if (ask && talks_in_dialog(t, &w->dialog, SIP_SUBSCRIBE, subscribe_headers(t, p, expires_s),
	                           SLICE(""), false, ask->self)) {
		w->is_asking = true;
		w->is_end = expires_s == 0;
		w->refresh_ms = INT64_MAX;
		return;
	}
	ask_free(t, &ask);
	if (w->dialog.remote_tag.len)
		w->refresh_ms = gateway_now_ms(t->gateway) + TALKS_RETRY_FIRST_MS;
	else
		retry_later(t, w, 0);
}

static void send_new(struct talks *t, struct watching *w, const struct parties *p)
{
	if (w->is_asking || w->retry_ms != INT64_MAX || w->expires_ms != INT64_MAX)
		return; /* one is under way, one will be, or the dialog is up */
	if (begin_dialog(t, w, p))
		subscribe(t, w, p, w->expires_s);
	else
		retry_later(t, w, 0);
}

static void keep_fresh(struct talks *t, struct watching *w, uint32_t granted_s)
{
	int64_t now = gateway_now_ms(t->gateway),
	        life = (int64_t)(granted_s > 86400 ? 86400 : granted_s) * 1000;

	w->expires_ms = now + life;
	w->refresh_ms = now + life - life / 10 - (life > 60000 ? 5000 : 0);
	w->retries = 0;
	w->retry_ms = INT64_MAX;
}

/* ---- events ---- */

struct what { /* what came with an event */
	uint32_t granted_s, retry_s;
	struct translate_resource *resources;
	size_t count;
};

static void act(struct talks *t, struct watching *w, const struct parties *p, unsigned actions,
                const struct what *what)
{
	if (actions & TRANSLATE_WATCHING_TELL_SUBSCRIBED)
		watching_tell(t, w, p, SLICE("subscribed"));
	if (actions & TRANSLATE_WATCHING_TELL_UNAVAILABLE)
		watching_tell_unavailable(t, w, p);
	if (actions & TRANSLATE_WATCHING_TELL_UNSUBSCRIBED)
		watching_tell(t, NULL, p, SLICE("unsubscribed"));
	if (actions & TRANSLATE_WATCHING_TELL_PRESENCE)
		watching_tell_presence(t, w, p);
	if (actions & TRANSLATE_WATCHING_DROP)
		drop_dialog(t, w);
	if (actions & TRANSLATE_WATCHING_RETRY)
		retry_later(t, w, 0);
	if (actions & TRANSLATE_WATCHING_RETRY_LATE)
		retry_later(t, w,
		            what->retry_s != UINT32_MAX && what->retry_s < 86400
		                    ? (int64_t)what->retry_s * 1000
		                    : refresh_interval_ms(t));
	if (actions & TRANSLATE_WATCHING_SEND_SUBSCRIBE)
		send_new(t, w, p);
	if ((actions & TRANSLATE_WATCHING_SEND_REFRESH) && !w->is_asking)
		subscribe(t, w, p, w->expires_s);
	if ((actions & TRANSLATE_WATCHING_SEND_END) && !w->is_asking && w->dialog.remote_tag.len)
		subscribe(t, w, p, 0);
	if (actions & TRANSLATE_WATCHING_KEEP_FRESH)
		keep_fresh(t, w, what->granted_s);
	if (actions & (TRANSLATE_WATCHING_SAVE | TRANSLATE_WATCHING_KEEP_FRESH))
		save(t, w);
}

/* The watching may be gone afterwards. */
static void happen(struct talks *t, struct watching *w, const struct parties *p,
                   enum translate_watching_event event, const struct what *what)
{
	struct translate_watching_step step = translate_watching_step(w->state, event);

	w->state = step.next;
	act(t, w, p, step.actions, what);
	/* An end that has nothing to wait for is over. */
	if (w->state == TRANSLATE_WATCHING_ENDING && !w->is_asking) {
		w->state = TRANSLATE_WATCHING_NONE;
		save(t, w);
	}
	if (w->state == TRANSLATE_WATCHING_NONE && !w->is_asking)
		watching_free(t, w);
}

static void happen_plainly(struct talks *t, struct watching *w, enum translate_watching_event event)
{
	const struct what nothing = { UINT32_MAX, UINT32_MAX, NULL, 0 };
	struct parties p;

	if (talks_parties_of_key(t, w->key, &p) == TRANSLATE_OK)
		happen(t, w, &p, event, &nothing);
	else
		watching_free(t, w); /* the domain is no longer ours */
}

/* Not "unsubscribed", which is for good: he may ask again. */
static void no_room(struct talks *t, const struct xmpp_element *stanza, const char *why)
{
	const struct translate_refusal refusal = { 480, XMPP_RESOURCE_CONSTRAINT, why };
	const struct xmpp_stanza_error error = translate_error_of(&refusal);

	talks_return(t, stanza, &error);
}

void watching_stanza(struct talks *t, const struct parties *p, const struct xmpp_element *stanza,
                     enum translate_watching_event event)
{
	const struct what nothing = { UINT32_MAX, UINT32_MAX, NULL, 0 };
	struct watching *w = watching_find(t, p->key);
	const char *why = "out of memory";

	if (!w && event != TRANSLATE_WATCHING_X_SUBSCRIBE) {
		/* The same word for those who do not exist and those who may not be watched. */
		watching_tell(t, NULL, p, SLICE("unsubscribed"));
		return;
	}
	if (!w && room_is_left(t, p->key, &why))
		w = watching_new(t, p->key);
	if (!w) {
		no_room(t, stanza, why);
		return;
	}
	w->alive_ms = gateway_now_ms(t->gateway);
	happen(t, w, p, event, &nothing);
}

void watching_sign_of_life(struct talks *t, const struct parties *p, bool has_come)
{
	const struct what nothing = { UINT32_MAX, UINT32_MAX, NULL, 0 };
	struct watching *w = watching_find(t, p->key);

	if (!w)
		return;
	w->alive_ms = gateway_now_ms(t->gateway);
	if (has_come && w->state == TRANSLATE_WATCHING_IDLE)
		happen(t, w, p, TRANSLATE_WATCHING_X_PROBE, &nothing);
}

/* ---- what SIP says ---- */

static uint32_t number_of(struct slice value)
{
	uint64_t number;

	return slice_to_number(slice_trim(slice_first(value, slice_find(value, ';'))), UINT32_MAX - 1,
	                       &number)
	               ? (uint32_t)number
	               : UINT32_MAX;
}

void watching_answered(struct talks *t, struct ask *ask, const struct sip_message *m, int status)
{
	struct watching *w = handles_get(&t->watchings, ask->owner);
	struct what what = { TALKS_SUBSCRIBE_S, UINT32_MAX, NULL, 0 };
	enum translate_watching_event event;
	struct parties p;

	if (!w)
		return;
	event = translate_watching_answer(status, w->is_end);
	w->is_asking = false;
	if (m && m->expires != UINT32_MAX)
		what.granted_s = m->expires;
	if (m)
		what.retry_s = number_of(talks_header(m, SIP_RETRY_AFTER));
	if (event == TRANSLATE_WATCHING_S_OK && !dialog_confirm(&w->dialog, m, &t->arena))
		event = TRANSLATE_WATCHING_S_FAILED;
	if (event == TRANSLATE_WATCHING_S_INTERVAL) {
		uint32_t least = m ? number_of(talks_header(m, SIP_MIN_EXPIRES)) : UINT32_MAX;

		/* A second 423, or one that asks for less than we did, would go on for ever. */
		if (least <= w->expires_s || least > 86400)
			event = TRANSLATE_WATCHING_S_FAILED;
		else
			w->expires_s = least;
	}
	if (talks_parties_of_key(t, w->key, &p) == TRANSLATE_OK)
		happen(t, w, &p, event, &what);
	else
		watching_free(t, w);
}

/* What is wrong with a NOTIFY; 0: nothing. */
static int check_notify(struct talks *t, const struct sip_message *m, struct what *what)
{
	struct slice event = talks_header(m, SIP_EVENT), type = talks_header(m, SIP_CONTENT_TYPE);
	struct translate_refusal refusal = { 500, XMPP_RESOURCE_CONSTRAINT, "" };

	event = slice_trim(slice_first(event, slice_find(event, ';')));
	type = slice_trim(slice_first(type, slice_find(type, ';')));
	if (!slice_equal_nocase(event, SLICE("presence")))
		return 489;
	if (m->body.len == 0)
		return 0;
	if (translate_has_coding(m) || !slice_equal_nocase(type, SLICE("application/pidf+xml")))
		return 415;
	return translate_pidf_read(m->body, t->parser, &t->arena, what->resources, &what->count, &refusal) ==
	                       TRANSLATE_OK
	               ? 0
	               : refusal.status;
}

bool watching_notified(struct talks *t, handle server, const struct sip_message *m)
{
	struct watching *w = map_get(&t->watching_tags, m->to.tag);
	struct translate_resource resources[TRANSLATE_RESOURCES_MAX];
	struct what what = { TALKS_SUBSCRIBE_S, UINT32_MAX, resources, 0 };
	enum translate_watching_event event;
	struct parties p;
	int status;

	switch (w ? dialog_accept(&w->dialog, m) : DIALOG_OTHER) {
	case DIALOG_OTHER: return false;
	case DIALOG_OLD: talks_answer(t, server, 500, "CSeq does not rise"); return true;
	case DIALOG_FITS: break;
	}
	if ((status = check_notify(t, m, &what)) != 0 ||
	    (status = translate_watching_notify(m, &event, &what.granted_s, &what.retry_s) ? 0 : 400) != 0) {
		talks_answer(t, server, status, "");
		return true;
	}
	talks_answer(t, server, 200, "");
	if (w->dialog.remote_tag.len == 0)
		(void)dialog_confirm(&w->dialog, m,
		                     &t->arena); /* it may come before the 2xx (RFC 6665 §4.1.2.4) */
	if (what.granted_s == UINT32_MAX)
		what.granted_s = w->expires_ms == INT64_MAX
		                         ? w->expires_s
		                         : (uint32_t)((w->expires_ms - gateway_now_ms(t->gateway)) / 1000);
	if (talks_parties_of_key(t, w->key, &p) != TRANSLATE_OK) {
		watching_free(t, w);
		return true;
	}
	if (event == TRANSLATE_WATCHING_N_ACTIVE) {
		w->has_heard = true;
		if (m->body.len && w->state == TRANSLATE_WATCHING_ACTIVE)
			watching_tell_vanished(t, w, &p, resources, what.count);
		if (m->body.len || !w->document)
			watching_keep_document(w, m->body);
	}
	happen(t, w, &p, event, &what);
	return true;
}

/* ---- time ---- */

static void due(struct talks *t, struct watching *w, int64_t now)
{
	if (now >= w->retry_ms) {
		w->retry_ms = INT64_MAX;
		happen_plainly(t, w, TRANSLATE_WATCHING_T_RETRY);
	} else if (now >= w->expires_ms && !w->is_asking) {
		w->expires_ms = w->refresh_ms = INT64_MAX;
		happen_plainly(t, w, TRANSLATE_WATCHING_T_EXPIRED);
	} else if (now >= w->refresh_ms) {
		w->refresh_ms = INT64_MAX;
		happen_plainly(t, w,
		               now - w->alive_ms >= refresh_interval_ms(t) ? TRANSLATE_WATCHING_T_QUIET
		                                                           : TRANSLATE_WATCHING_T_REFRESH);
	}
}

/* So many a second; the others wait for the next. */
static void tell_again(struct talks *t, struct watching *w)
{
	struct parties p;

	if (t->told_again++ < TALKS_PROBES_PER_SECOND && talks_parties_of_key(t, w->key, &p) == TRANSLATE_OK)
		watching_tell_again(t, w, &p);
}

void watching_second(struct talks *t)
{
	int64_t now = gateway_now_ms(t->gateway);
	struct watching *w;
	uint32_t at = 0;

	t->told_again = 0;
	while ((w = handles_next(&t->watchings, &at))) {
		talks_begin(t);
		if (now >= w->stale_ms)
			tell_again(t, w);
		if (now >= w->retry_ms || now >= w->refresh_ms || now >= w->expires_ms)
			due(t, w, now);
		talks_end(t);
	}
}

/* ---- after a restart ---- */

/*
 * A dialog that has not run out is refreshed at once, so that a NOTIFY tells what
 * is true now; others are made anew.  Nobody subscribes again.
 */
static void load_one(void *to, const struct state_row *row)
{
	struct talks *t = to;
	struct watching *w = row->state > TRANSLATE_WATCHING_NONE && row->state < TRANSLATE_WATCHING_STATES
	                             ? watching_new(t, row->key)
	                             : NULL;
	struct instant now = loop_now(t->gateway->loop);
	int64_t left = row->until_ms - now.wall_ms;

	if (!w)
		return;
	w->state = (enum translate_watching_state)row->state;
	if (w->state == TRANSLATE_WATCHING_IDLE)
		return;
	if (left > 0 && row->dialog.call_id.len && dialog_keep(&w->dialog, &row->dialog) &&
	    w->dialog.remote_tag.len && slice_to_text(w->dialog.local_tag, w->tag, sizeof w->tag) &&
	    map_add(&t->watching_tags, slice_of(w->tag), w) == RESULT_OK) {
		w->dialog.local_cseq += TALKS_CSEQ_LEAP;
		w->expires_ms = now.mono_ms + left;
		w->refresh_ms = now.mono_ms + (int64_t)(gateway_random(t->gateway) % 5000);
		return;
	}
	w->tag[0] = '\0';
	dialog_drop(&w->dialog);
	if (w->state == TRANSLATE_WATCHING_ACTIVE)
		w->state = TRANSLATE_WATCHING_RESUMING;
	else if (w->state == TRANSLATE_WATCHING_PENDING)
		w->state = TRANSLATE_WATCHING_ASKING;
	w->retry_ms = now.mono_ms + (w->state == TRANSLATE_WATCHING_UNKNOWN
	                                     ? refresh_interval_ms(t)
	                                     : 1000 + (int64_t)(gateway_random(t->gateway) % 5000));
}

bool watching_load(struct talks *t, struct reason *reason)
{
	return !t->state || state_each(t->state, STATE_WATCHING, 0, load_one, t, reason) == RESULT_OK;
}

void watching_save_all(struct talks *t)
{
	struct watching *w;
	uint32_t at = 0;

	while ((w = handles_next(&t->watchings, &at)))
		save(t, w);
}

void watching_free_all(struct talks *t)
{
	struct watching *w;
	uint32_t at = 0;

	while ((w = handles_next(&t->watchings, &at)))
		watching_free(t, w);
}

static int64_t seconds_until(const struct talks *t, int64_t when_ms)
{
	return when_ms == INT64_MAX ? -1 : (when_ms - gateway_now_ms(t->gateway)) / 1000;
}

void watching_write(struct talks *t, struct gateway_page *page, struct json_writer *w)
{
	struct watching *each;
	uint32_t at = 0;

	while ((each = handles_next(&t->watchings, &at))) {
		bool has_end = each->expires_ms != INT64_MAX, has_retry = each->retry_ms != INT64_MAX;

		if (gateway_page_takes(page))
			talks_row(t, w, "watching", each->key, translate_watching_state_name(each->state),
			          has_end     ? "expires_in_s"
			          : has_retry ? "retry_in_s"
			                      : NULL,
			          seconds_until(t, has_end ? each->expires_ms : each->retry_ms));
	}
}
