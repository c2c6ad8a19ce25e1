/* watching_tell: what an XMPP user who watches one of ours is told: stanzas out of the last document. */
#include "daemon/gateway/watching.h"
#include "shared/base/memory.h"

/*
 * What does not arrive is told again: presence is state, and a partner that was
 * away must not go on seeing an old one.  In its own time, and then what is true.
 */
static void tell(struct talks *t, struct watching *w, const struct parties *p,
                 const struct xmpp_element *presence, bool is_subscribed)
{
	struct ask *ask = w ? ask_new(t, ASK_TELL, w->self) : NULL;

	if (ask)
		ask->is_subscribed = is_subscribed;
	talks_stanza(t, p, presence, ask ? ask->self : 0);
}

void watching_delivered(struct talks *t, struct ask *ask, const struct gateway_outcome *outcome)
{
	struct watching *w = handles_get(&t->watchings, ask->owner);

	/* Refused is an answer: the watcher is not there, or does not want to know. */
	if (!w || (outcome->delivery != GATEWAY_FAILED && outcome->delivery != GATEWAY_CROWDED &&
	           outcome->delivery != GATEWAY_UNKNOWN))
		return;
	w->owes_subscribed |= ask->is_subscribed;
	w->stale_ms = gateway_now_ms(t->gateway) + TALKS_TELL_AGAIN_MS;
}

void watching_tell(struct talks *t, struct watching *w, const struct parties *p, struct slice type)
{
	struct xmpp_builder b = { .arena = &t->arena };
	struct xmpp_element *presence = xmpp_add(&b, NULL, XMPP_NS_SERVER, SLICE("presence"));

	xmpp_set(&b, presence, SLICE("from"), p->our_text);
	xmpp_set(&b, presence, SLICE("to"), p->their_text);
	xmpp_set(&b, presence, SLICE("type"), type);
	if (!b.is_broken)
		tell(t, w, p, presence, slice_equal(type, SLICE("subscribed")));
}

/* One resource; its name has passed translate's check, and where it does not fit a JID it stands for the account. */
static void tell_resource(struct talks *t, struct watching *w, const struct parties *p,
                          const struct translate_resource *resource)
{
	struct xmpp_builder b = { .arena = &t->arena };
	struct translate_resource said = *resource;
	struct xmpp_jid from = p->ours;
	struct xmpp_element *presence;

	from.resource = resource->resource;
	said.is_delayed = said.stamp_ms > 0 &&
	                  loop_now(t->gateway->loop).wall_ms - said.stamp_ms > TALKS_OLD_MS;
	presence = translate_presence_to_stanza(&b, &said, xmpp_jid_text(&from, &t->arena), p->their_text);
	if (presence)
		tell(t, w, p, presence, false);
}

static size_t read_document(struct talks *t, const struct watching *w,
                            struct translate_resource resources[TRANSLATE_RESOURCES_MAX])
{
	struct translate_refusal refusal;
	size_t count = 0;

	if (w->document)
		(void)translate_pidf_read((struct slice){ w->document, w->document_length }, t->parser,
		                          &t->arena, resources, &count, &refusal);
	return count;
}

void watching_tell_presence(struct talks *t, struct watching *w, const struct parties *p)
{
	struct translate_resource resources[TRANSLATE_RESOURCES_MAX];
	size_t count = read_document(t, w, resources);

	if (!w->has_heard)
		return; /* after a restart: a NOTIFY is on its way and will say */
	if (count == 0)
		watching_tell(t, w, p,
		              SLICE("unavailable")); /* an empty NOTIFY: nothing is known (RFC 8048 §5.2.1) */
	for (size_t i = 0; i < count; i++)
		tell_resource(t, w, p, &resources[i]);
}

void watching_tell_unavailable(struct talks *t, struct watching *w, const struct parties *p)
{
	struct translate_resource resources[TRANSLATE_RESOURCES_MAX];
	size_t count = read_document(t, w, resources);
	bool is_any = false;

	for (size_t i = 0; i < count; i++)
		if (resources[i].is_open) {
			struct translate_resource gone = { .resource = resources[i].resource };

			tell_resource(t, w, p, &gone);
			is_any = true;
		}
	if (!is_any)
		watching_tell(t, w, p, SLICE("unavailable"));
}

void watching_tell_vanished(struct talks *t, struct watching *w, const struct parties *p,
                            const struct translate_resource *now, size_t now_count)
{
	struct translate_resource before[TRANSLATE_RESOURCES_MAX];
	size_t count = read_document(t, w, before);

	for (size_t i = 0; i < count; i++) {
		struct translate_resource gone = { .resource = before[i].resource };
		bool is_there = !before[i].is_open;

		for (size_t k = 0; k < now_count; k++)
			is_there |= slice_equal(now[k].resource, before[i].resource);
		if (!is_there)
			tell_resource(t, w, p, &gone);
	}
}

void watching_tell_again(struct talks *t, struct watching *w, const struct parties *p)
{
	w->stale_ms = INT64_MAX;
	if (w->owes_subscribed)
		watching_tell(t, w, p, SLICE("subscribed"));
	w->owes_subscribed = false;
	if (w->state == TRANSLATE_WATCHING_ACTIVE)
		watching_tell_presence(t, w, p);
	else if (w->state == TRANSLATE_WATCHING_RESUMING || w->state == TRANSLATE_WATCHING_UNKNOWN)
		watching_tell_unavailable(t, w, p);
}

void watching_keep_document(struct watching *w, struct slice document)
{
	char *copy = document.len && document.len <= TRANSLATE_DOCUMENT_MAX ? mem_new(document.len) : NULL;

	mem_free(w->document);
	w->document = copy;
	w->document_length = copy ? document.len : 0;
	if (copy)
		memcpy(copy, document.ptr, document.len);
}
