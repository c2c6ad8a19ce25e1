/*
 * notify: a SIP dialog in which we are the notifier (RFC 6665 §4.2).  A NOTIFY
 * goes when the last one has been answered, and then says what is true by then:
 * a contact that changes ten times a second costs no more than the slowest of
 * its watchers takes.
 */
#include <stdio.h>

#include "daemon/gateway/state.h"
#include "daemon/gateway/watched.h"
#include "shared/base/memory.h"

struct notify *notify_new(struct talks *t, struct watched *w, struct slice tag)
{
	struct notify *n = w->notify_count < TALKS_DIALOGS_PER_PAIR_MAX ? mem_new(sizeof *n) : NULL;

	if (!n)
		return NULL;
	n->self = handles_add(&t->notifies, n);
	if (!n->self || !slice_to_text(tag, n->tag, sizeof n->tag) ||
	    map_add(&t->notify_tags, slice_of(n->tag), n) != RESULT_OK) {
		if (n->self)
			handles_remove(&t->notifies, n->self);
		mem_free(n);
		return NULL;
	}
	n->watched = w;
	list_add_last(&w->notifies, &n->node);
	w->notify_count++;
	snprintf(n->event, sizeof n->event, "presence");
	return n;
}

void notify_unlink(struct notify *n)
{
	if (!n->watched)
		return;
	list_remove(&n->node);
	n->watched->notify_count--;
	n->watched = NULL;
}

void notify_save(struct talks *t, const struct notify *n)
{
	int64_t left = n->expires_ms - gateway_now_ms(t->gateway);
	const struct state_row row = { .kind = STATE_NOTIFY,
		                       .key = n->watched->key,
		                       .tag = slice_of(n->tag),
		                       .dialog = n->dialog,
		                       .event = slice_of(n->event),
		                       .until_ms = loop_now(t->gateway->loop).wall_ms + left };

	state_put(t->state, &row);
	talks_saved(t);
}

void notify_forget_saved(struct talks *t, const struct notify *n)
{
	if (!n->watched || n->ending == ENDING_FETCH)
		return;
	state_remove(t->state, STATE_NOTIFY, n->watched->key, slice_of(n->tag));
	talks_saved(t);
}

void notify_free(struct talks *t, struct notify *n)
{
	notify_forget_saved(t, n);
	notify_unlink(n);
	map_remove(&t->notify_tags, slice_of(n->tag));
	handles_remove(&t->notifies, n->self);
	dialog_drop(&n->dialog);
	mem_free(n);
}

/* ---- NOTIFY ---- */

static struct slice document_of(struct talks *t, const struct watched *w, bool is_closed)
{
	struct translate_resource resources[TRANSLATE_RESOURCES_MAX];
	struct parties p;

	if (talks_parties_of_key(t, w->key, &p) != TRANSLATE_OK)
		return SLICE("");
	for (size_t i = 0; i < w->device_count; i++)
		resources[i] = *w->devices[i];
	return translate_pidf_write(translate_address_to_entity(&p.theirs, &t->arena), p.their_uri, resources,
	                            is_closed ? 0 : w->device_count, &t->arena);
}

static const char *state_line(struct talks *t, const struct notify *n)
{
	int64_t left = (n->expires_ms - gateway_now_ms(t->gateway)) / 1000;
	char *text;

	if (n->ending == ENDING_REJECTED)
		return "terminated;reason=rejected";
	if (n->ending != ENDING_NONE)
		return "terminated;reason=timeout";
	text = arena_printf(&t->arena, "%s;expires=%lld",
	                    n->watched->state == TRANSLATE_WATCHED_ACTIVE ? "active" : "pending",
	                    (long long)(left > 0 ? left : 0));
	return text ? text : "pending";
}

/* Presence is said to the authorised only; while nothing is known the body is empty (RFC 8048 §5.3.1). */
static struct slice body_of(struct talks *t, const struct notify *n)
{
	const struct watched *w = n->watched;

	if (!w || w->state != TRANSLATE_WATCHED_ACTIVE || n->ending == ENDING_REJECTED)
		return SLICE("");
	if (n->ending == ENDING_TIMEOUT)
		return document_of(t, w, true);
	return w->has_heard ? document_of(t, w, false) : SLICE("");
}

/* The notifier is the contact. */
struct slice notify_contact(struct talks *t, const struct notify *n)
{
	struct sip_address local;
	char *text;

	if (sip_address_parse(n->dialog.local, &local, NULL) != SIP_PARSE_OK)
		return SLICE("");
	text = arena_printf(&t->arena, "Contact: <%.*s>\r\n", SLICE_ARG(local.uri.all));
	return text ? slice_of(text) : SLICE("");
}

void notify_send(struct talks *t, struct notify *n)
{
	bool is_farewell = false;
	struct ask *ask;
	struct slice body;
	char *headers;

	if (n->is_asking || n->server || (n->hold_ms && n->watched && !n->watched->has_heard)) {
		n->is_due = true;
		return;
	}
	n->is_due = false;
	n->hold_ms = 0;
	if (n->watched && n->watched->is_off)
		is_farewell = true;
	body = body_of(t, n);
	headers = arena_printf(&t->arena, "%.*sEvent: %s\r\nSubscription-State: %s\r\n%s",
	                       SLICE_ARG(notify_contact(t, n)), n->event, state_line(t, n),
	                       body.len ? "Content-Type: application/pidf+xml\r\n" : "");
	ask = ask_new(t, ASK_NOTIFY, n->self);
	if (ask && headers &&
	    talks_in_dialog(t, &n->dialog, SIP_NOTIFY, slice_of(headers), body, is_farewell, ask->self)) {
		n->is_asking = true;
		return;
	}
	ask_free(t, &ask);
	n->is_over = n->ending != ENDING_NONE;
	n->is_due = !n->is_over; /* not sent: watched_second tries again, or the next change says it */
}
