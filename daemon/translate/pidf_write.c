/*
 * pidf_write: presence as SIP says it: PIDF (RFC 3863) with RPID activities
 * (RFC 4480, RFC 4479) and XMPP's own <show/> (RFC 8048 §4.2).
 */
#include "daemon/translate/parts.h"

#include <stdio.h>

#include "shared/base/clock.h"

/* RPID has no word for "xa" or "chat"; <show/> beside it keeps the difference for those who read it. */
static const char *activity_of(enum translate_show show)
{
	switch (show) {
	case TRANSLATE_SHOW_AWAY:
	case TRANSLATE_SHOW_XA: return "away";
	case TRANSLATE_SHOW_DND: return "busy";
	default: return NULL;
	}
}

/* 0..127 -> 0..1 in thousandths, rounded down, so that reading (rounded up) gives the same back. */
static void write_priority(struct xmpp_builder *b, struct xmpp_element *contact, int priority)
{
	int thousandths = priority * 1000 / 127;
	char text[16] = "0";

	if (thousandths == 1000)
		snprintf(text, sizeof text, "1");
	else if (thousandths > 0)
		snprintf(text, sizeof text, "0.%03d", thousandths);
	xmpp_set(b, contact, SLICE("priority"), slice_of(text));
}

static void write_note(struct xmpp_builder *b, struct xmpp_element *parent, struct slice language,
                       struct slice text)
{
	size_t replaced;
	struct xmpp_element *note = xmpp_add_with_text(b, parent, TRANSLATE_NS_PIDF, SLICE("note"),
	                                               xmpp_text_cleaned(text, b->arena, &replaced));

	if (language.len)
		xmpp_set_language(b, note, language);
}

/* Order of children as RFC 3863 §4.1.2 and its schema have it: status, contact, note, timestamp. */
static void write_tuple(struct xmpp_builder *b, struct xmpp_element *presence, struct slice uri,
                        const struct translate_resource *resource)
{
	struct xmpp_element *tuple = xmpp_add(b, presence, TRANSLATE_NS_PIDF, SLICE("tuple"));
	struct xmpp_element *status = xmpp_add(b, tuple, TRANSLATE_NS_PIDF, SLICE("status"));
	char stamp[INSTANT_TEXT_BYTES];

	xmpp_set(b, tuple, SLICE("id"), translate_tuple_id(resource->resource, b->arena));
	xmpp_add_with_text(b, status, TRANSLATE_NS_PIDF, SLICE("basic"),
	                   resource->is_open ? SLICE("open") : SLICE("closed"));
	if (resource->is_open && resource->show != TRANSLATE_SHOW_NONE)
		xmpp_add_with_text(b, status, TRANSLATE_NS_CLIENT, SLICE("show"),
		                   translate_show_name(resource->show));
	/* A negative priority means "not me, for messages": nothing in PIDF means that (RFC 8048 §4.2). */
	if (resource->is_open && resource->has_priority && resource->priority >= 0)
		write_priority(b, xmpp_add_with_text(b, tuple, TRANSLATE_NS_PIDF, SLICE("contact"), uri),
		               resource->priority);
	for (size_t i = 0; i < resource->note_count; i++)
		write_note(b, tuple, resource->notes[i].language, resource->notes[i].text);
	if (resource->is_open && resource->show == TRANSLATE_SHOW_CHAT && resource->note_count == 0)
		write_note(b, tuple, SLICE("en"), SLICE("free for chat"));
	if (resource->stamp_ms > 0) {
		instant_text(resource->stamp_ms, stamp);
		xmpp_add_with_text(b, tuple, TRANSLATE_NS_PIDF, SLICE("timestamp"), slice_of(stamp));
	}
}

/* The resource that speaks for the person: there, then the highest priority, then the one that is most there. */
static const struct translate_resource *foremost(const struct translate_resource *resources, size_t count)
{
	static const int presence_of[] = { [TRANSLATE_SHOW_CHAT] = 4,
		                           [TRANSLATE_SHOW_NONE] = 3,
		                           [TRANSLATE_SHOW_DND] = 2,
		                           [TRANSLATE_SHOW_AWAY] = 1,
		                           [TRANSLATE_SHOW_XA] = 0 };
	const struct translate_resource *best = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct translate_resource *r = &resources[i];

		if (r->is_open &&
		    (!best || r->priority > best->priority ||
		     (r->priority == best->priority && presence_of[r->show] > presence_of[best->show])))
			best = r;
	}
	return best;
}

static void write_person(struct xmpp_builder *b, struct xmpp_element *presence,
                         const struct translate_resource *resource)
{
	const char *activity = resource ? activity_of(resource->show) : NULL;
	struct xmpp_element *person, *activities;

	if (!activity)
		return;
	person = xmpp_add(b, presence, TRANSLATE_NS_PERSON, SLICE("person"));
	xmpp_set(b, person, SLICE("id"), SLICE("person"));
	activities = xmpp_add(b, person, TRANSLATE_NS_RPID, SLICE("activities"));
	xmpp_add(b, activities, TRANSLATE_NS_RPID, slice_of(activity));
}

struct slice translate_pidf_write(struct slice entity, struct slice uri,
                                  const struct translate_resource *resources, size_t count,
                                  struct arena *arena)
{
	static const struct translate_resource nobody = { .is_open = false };
	struct xmpp_builder b = { .arena = arena };
	struct xmpp_element *presence = xmpp_add(&b, NULL, TRANSLATE_NS_PIDF, SLICE("presence"));

	xmpp_set(&b, presence, SLICE("entity"), entity);
	if (count == 0)
		write_tuple(&b, presence, uri, &nobody);
	for (size_t i = 0; i < count; i++)
		write_tuple(&b, presence, uri, &resources[i]);
	write_person(&b, presence, foremost(resources, count));
	return translate_document_write(&b, presence);
}
