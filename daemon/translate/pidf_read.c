/*
 * pidf_read: PIDF and what clients put into it, as availability.  Reads by local
 * name where versions of RPID differ in their namespace only.
 */
#include "daemon/translate/parts.h"

#define ACTIVITY(element, show) { element, TRANSLATE_SHOW_##show },
static const struct {
	const char *name;
	enum translate_show show;
} activities[] = {
#include "daemon/translate/rpid.def"
};
#undef ACTIVITY

/* The first activity that means something.  Each is an element, or (before RFC 4480, and from Lync) text in one. */
static enum translate_show show_of_activities(const struct xmpp_element *list, struct arena *arena)
{
	for (const struct xmpp_element *at = xmpp_first_element(list); at; at = xmpp_next_element(at)) {
		struct slice name = at->name;

		if (slice_equal(name, SLICE("activity")))
			name = slice_trim(xmpp_text(at, arena));
		for (size_t i = 0; i < sizeof activities / sizeof *activities; i++)
			if (slice_equal(name, slice_of(activities[i].name)))
				return activities[i].show;
	}
	return TRANSLATE_SHOW_NONE;
}

static bool is_rpid(struct slice space)
{
	return space.len && memmem(space.ptr, space.len, "rpid", 4) != NULL;
}

/* In the children of `parent`; deeper only where RPID's drafts had them. */
static enum translate_show find_activities(const struct xmpp_element *parent, struct arena *arena)
{
	for (const struct xmpp_element *at = xmpp_first_element(parent); at; at = xmpp_next_element(at)) {
		enum translate_show show = TRANSLATE_SHOW_NONE;

		if (slice_equal(at->name, SLICE("activities")) && is_rpid(at->space))
			show = show_of_activities(at, arena);
		else if (slice_equal(at->name, SLICE("status")) || slice_equal(at->name, SLICE("person")))
			show = find_activities(at, arena);
		if (show != TRANSLATE_SHOW_NONE)
			return show;
	}
	return TRANSLATE_SHOW_NONE;
}

/* Thousandths of 0..1 with at most three decimals; false: it is none. */
static bool read_thousandths(struct slice text, int *out)
{
	uint64_t whole, part = 0;
	size_t dot = slice_find(text, '.');

	if (!slice_to_number(slice_first(text, dot), 1, &whole))
		return false;
	if (dot < text.len) {
		struct slice digits = slice_after(text, dot + 1);

		if (digits.len > 3 || (digits.len > 0 && !slice_to_number(digits, 999, &part)))
			return false;
		for (size_t i = digits.len; i < 3; i++)
			part *= 10;
	}
	*out = (int)(whole * 1000 + part);
	return *out <= 1000;
}

static bool read_notes(const struct xmpp_element *parent, struct translate_resource *out, struct arena *arena)
{
	for (const struct xmpp_element *at = xmpp_first_element(parent); at; at = xmpp_next_element(at))
		if (slice_equal(at->name, SLICE("note")) &&
		    !translate_note_add(out, xmpp_language(at), xmpp_text(at, arena), arena))
			return false;
	return true;
}

static bool read_tuple(const struct xmpp_element *tuple, enum translate_show of_person, struct arena *arena,
                       struct translate_resource *out)
{
	struct slice pidf = tuple->space;
	const struct xmpp_element *status = xmpp_child(tuple, pidf, SLICE("status"));
	const struct xmpp_element *show = xmpp_child(status, TRANSLATE_NS_CLIENT, SLICE("show"));
	const struct xmpp_element *contact = xmpp_child(tuple, pidf, SLICE("contact"));
	struct slice basic = slice_trim(xmpp_child_text(status, pidf, SLICE("basic"), arena));
	int thousandths;

	*out = (struct translate_resource){ .resource = translate_resource_of_id(xmpp_get(tuple, SLICE("id")),
		                                                                 arena) };
	/* RFC 3863 §4.1.4: basic may be missing; who sends a tuple all the same is not away for good. */
	out->is_open = !slice_equal(basic, SLICE("closed"));
	if (out->is_open) {
		out->show = find_activities(tuple, arena);
		if (out->show == TRANSLATE_SHOW_NONE)
			out->show = of_person;
		/* The explicit element wins over what activities suggest. */
		if (show)
			out->show = translate_show_of(xmpp_text(show, arena));
		if (contact &&
		    read_thousandths(slice_trim(xmpp_get(contact, SLICE("priority"))), &thousandths)) {
			out->has_priority = true;
			out->priority = (thousandths * 127 + 999) / 1000;
		}
	}
	if (!translate_time_read(slice_trim(xmpp_child_text(tuple, pidf, SLICE("timestamp"), arena)),
	                         &out->stamp_ms))
		out->stamp_ms = 0;
	return out->resource.ptr && read_notes(tuple, out, arena);
}

enum translate_answer translate_pidf_read(struct slice document, struct xmpp_parser *parser,
                                          struct arena *arena,
                                          struct translate_resource resources[TRANSLATE_RESOURCES_MAX],
                                          size_t *count, struct translate_refusal *refusal)
{
	struct xmpp_element *root;
	const struct xmpp_element *tuple;
	enum translate_answer answer = translate_document(document, parser, arena, &root, refusal);
	enum translate_show of_person;

	*count = 0;
	if (answer != TRANSLATE_OK)
		return answer;
	if (!xmpp_is(root, TRANSLATE_NS_PIDF, SLICE("presence")))
		return translate_refuse(refusal, 400, XMPP_BAD_REQUEST,
		                        "a presence document that is no PIDF");
	of_person = find_activities(root, arena);
	for (tuple = xmpp_child(root, root->space, SLICE("tuple")); tuple; tuple = xmpp_next_same(tuple)) {
		if (*count == TRANSLATE_RESOURCES_MAX)
			break; /* more devices than anybody owns: the first ones speak for all */
		if (!read_tuple(tuple, of_person, arena, &resources[*count]))
			return TRANSLATE_NO_MEMORY;
		(*count)++;
	}
	/* A note for the whole document stands for tuples that have none of their own. */
	for (size_t i = 0; i < *count; i++)
		if (resources[i].note_count == 0 && !read_notes(root, &resources[i], arena))
			return TRANSLATE_NO_MEMORY;
	return TRANSLATE_OK;
}
