/*
 * presence: one resource's availability as XMPP says it (RFC 6121 §4.7), and the
 * names that resources have in a PIDF (RFC 8048 §4.2).
 */
#include "daemon/translate/parts.h"

#include <stdio.h>

#include "shared/base/clock.h"

static const char *const shows[] = {
	[TRANSLATE_SHOW_NONE] = "", [TRANSLATE_SHOW_CHAT] = "chat", [TRANSLATE_SHOW_AWAY] = "away",
	[TRANSLATE_SHOW_XA] = "xa", [TRANSLATE_SHOW_DND] = "dnd",
};

struct slice translate_show_name(enum translate_show show) { return slice_of(shows[show]); }

enum translate_show translate_show_of(struct slice name)
{
	for (int i = TRANSLATE_SHOW_CHAT; i <= TRANSLATE_SHOW_DND; i++)
		if (slice_equal(slice_trim(name), slice_of(shows[i])))
			return (enum translate_show)i;
	return TRANSLATE_SHOW_NONE;
}

/* ---- resources and tuple ids ---- */

/*
 * An id is an XML name (xs:ID), a resource anything: "ID-" keeps a digit off the
 * start, "_xx" stands for a byte that no name holds.  Read back by the same rule.
 */
struct slice translate_tuple_id(struct slice resource, struct arena *arena)
{
	struct buffer id;

	buffer_start(&id, 3 * XMPP_JID_PART_MAX + 3);
	buffer_add(&id, SLICE("ID-"));
	for (size_t i = 0; i < resource.len; i++) {
		char c = resource.ptr[i], lower = ascii_lower(c);

		if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-')
			buffer_add_char(&id, c);
		else
			buffer_printf(&id, "_%02x", (uint8_t)c);
	}
	return translate_taken(&id, arena);
}

/* The resource behind an id of ours.  False: it was made elsewhere. */
static bool resource_of_our_id(struct slice id, struct buffer *resource)
{
	if (!slice_starts(id, SLICE("ID-")))
		return false;
	for (size_t i = 3; i < id.len; i++) {
		int high = i + 2 < id.len ? translate_hex(id.ptr[i + 1]) : -1;
		int low = i + 2 < id.len ? translate_hex(id.ptr[i + 2]) : -1;

		if (id.ptr[i] != '_') {
			buffer_add_char(resource, id.ptr[i]);
			continue;
		}
		if (high < 0 || low < 0)
			return false;
		buffer_add_char(resource, (char)(high << 4 | low));
		i += 2;
	}
	return true;
}

/* The rules of RFC 7622 §3.4, asked of who knows them. */
static bool may_be_resource(struct slice resource, struct arena *arena)
{
	struct xmpp_jid jid;

	return resource.len == 0 ||
	       xmpp_jid_make(SLICE_NONE, SLICE("x.example"), resource, arena, &jid, NULL) == RESULT_OK;
}

/* A foreign id becomes a resource of its own: the same id always the same one, and nothing of it in our grammar. */
struct slice translate_resource_of_id(struct slice id, struct arena *arena)
{
	struct buffer resource;

	buffer_start(&resource, XMPP_JID_PART_MAX);
	if (!resource_of_our_id(id, &resource) || resource.is_broken ||
	    !may_be_resource(buffer_slice(&resource), arena)) {
		buffer_clear(&resource);
		buffer_printf(&resource, "sip-%016llx", (unsigned long long)slice_hash(id, 0));
	}
	return translate_taken(&resource, arena);
}

/* ---- reading a stanza ---- */

static bool read_priority(struct slice text, int *priority)
{
	bool is_negative = text.len > 0 && text.ptr[0] == '-';
	uint64_t value;

	if (!slice_to_number(slice_after(text, is_negative), is_negative ? 128 : 127, &value))
		return false;
	*priority = is_negative ? -(int)value : (int)value;
	return true;
}

bool translate_note_add(struct translate_resource *out, struct slice language, struct slice text,
                        struct arena *arena)
{
	struct translate_note *note;

	if (out->note_count == TRANSLATE_NOTES_MAX)
		return true;
	note = &out->notes[out->note_count];
	note->language = translate_language(language);
	note->text = translate_line(text, TRANSLATE_LINE_MAX, arena);
	out->note_count += note->text.len > 0;
	return note->text.ptr != NULL;
}

enum translate_answer translate_presence_from_stanza(const struct xmpp_element *stanza, struct arena *arena,
                                                     struct translate_resource *out)
{
	struct slice type = xmpp_get(stanza, SLICE("type")), server = stanza->space;
	const struct xmpp_element *delay = xmpp_child(stanza, XMPP_NS_DELAY, SLICE("delay"));
	const struct xmpp_element *status = xmpp_child(stanza, server, SLICE("status"));

	*out = (struct translate_resource){ .resource = SLICE("") };
	if (type.len && !slice_equal(type, SLICE("unavailable")))
		return TRANSLATE_NOTHING;
	out->is_open = type.len == 0;
	if (out->is_open) {
		out->show = translate_show_of(xmpp_child_text(stanza, server, SLICE("show"), arena));
		out->has_priority = read_priority(
		        slice_trim(xmpp_child_text(stanza, server, SLICE("priority"), arena)),
		        &out->priority);
	}
	for (; status; status = xmpp_next_same(status))
		if (!translate_note_add(out, xmpp_language(status), xmpp_text(status, arena), arena))
			return TRANSLATE_NO_MEMORY;
	if (delay && !translate_time_read(xmpp_get(delay, SLICE("stamp")), &out->stamp_ms))
		out->stamp_ms = 0;
	return TRANSLATE_OK;
}

/* ---- writing a stanza ---- */

struct xmpp_element *translate_presence_to_stanza(struct xmpp_builder *b,
                                                  const struct translate_resource *resource,
                                                  struct slice from, struct slice to)
{
	struct xmpp_element *presence = xmpp_add(b, NULL, XMPP_NS_SERVER, SLICE("presence"));
	char text[INSTANT_TEXT_BYTES];

	xmpp_set(b, presence, SLICE("from"), from);
	xmpp_set(b, presence, SLICE("to"), to);
	if (!resource->is_open)
		xmpp_set(b, presence, SLICE("type"), SLICE("unavailable"));
	if (resource->is_open && resource->show != TRANSLATE_SHOW_NONE)
		xmpp_add_with_text(b, presence, XMPP_NS_SERVER, SLICE("show"),
		                   translate_show_name(resource->show));
	for (size_t i = 0; i < resource->note_count; i++) {
		size_t replaced;
		struct xmpp_element *status = xmpp_add_with_text(
		        b, presence, XMPP_NS_SERVER, SLICE("status"),
		        xmpp_text_cleaned(resource->notes[i].text, b->arena, &replaced));

		if (resource->notes[i].language.len)
			xmpp_set_language(b, status, resource->notes[i].language);
	}
	if (resource->is_open && resource->has_priority) {
		snprintf(text, sizeof text, "%d", resource->priority);
		xmpp_add_with_text(b, presence, XMPP_NS_SERVER, SLICE("priority"), slice_of(text));
	}
	if (resource->is_delayed) {
		instant_text(resource->stamp_ms, text);
		xmpp_set(b, xmpp_add(b, presence, XMPP_NS_DELAY, SLICE("delay")), SLICE("stamp"),
		         slice_of(text));
	}
	return b->is_broken ? NULL : presence;
}
