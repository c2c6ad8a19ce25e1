/* Stanza errors, RFC 6120 §8.3: reading one, answering with one, and when not to. */
#include "daemon/xmpp/xmpp.h"

static const struct {
	struct slice name;
	enum xmpp_error_type type;
} rows[] = {
#define CONDITION(id, name, type) [XMPP_##id] = { { name, sizeof name - 1 }, XMPP_ERROR_##type },
#include "daemon/xmpp/conditions.def"
#undef CONDITION
};

static const char *const type_names[] = {
	[XMPP_ERROR_CANCEL] = "cancel", [XMPP_ERROR_MODIFY] = "modify",     [XMPP_ERROR_AUTH] = "auth",
	[XMPP_ERROR_WAIT] = "wait",     [XMPP_ERROR_CONTINUE] = "continue",
};

struct slice xmpp_error_type_name(enum xmpp_error_type type) { return slice_of(type_names[type]); }

struct slice xmpp_condition_name(enum xmpp_condition condition) { return rows[condition].name; }

enum xmpp_error_type xmpp_condition_type(enum xmpp_condition condition) { return rows[condition].type; }

enum xmpp_condition xmpp_condition_of(struct slice name)
{
	for (size_t i = 0; i < XMPP_CONDITION_COUNT; i++)
		if (slice_equal(rows[i].name, name))
			return (enum xmpp_condition)i;
	return XMPP_UNDEFINED_CONDITION;
}

static enum xmpp_error_type type_of(struct slice name, enum xmpp_condition condition)
{
	for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
		if (slice_equal(slice_of(type_names[i]), name))
			return (enum xmpp_error_type)i;
	return xmpp_condition_type(condition);
}

bool xmpp_error_read(const struct xmpp_element *stanza, struct arena *arena, struct xmpp_stanza_error *out)
{
	const struct xmpp_element *error = stanza ? xmpp_child(stanza, stanza->space, SLICE("error")) : NULL;

	*out = (struct xmpp_stanza_error){ .condition = XMPP_UNDEFINED_CONDITION, .type = XMPP_ERROR_CANCEL };
	if (!error)
		return false;
	for (const struct xmpp_element *at = xmpp_first_element(error); at; at = xmpp_next_element(at)) {
		if (!slice_equal(at->space, XMPP_NS_STANZAS))
			continue;
		if (slice_equal(at->name, SLICE("text"))) {
			out->text = xmpp_text(at, arena);
			continue;
		}
		out->condition = xmpp_condition_of(at->name);
		if (out->condition == XMPP_GONE || out->condition == XMPP_REDIRECT)
			out->address = xmpp_text(at, arena);
	}
	out->type = type_of(xmpp_get(error, SLICE("type")), out->condition);
	return true;
}

/*
 * An error must never draw an error (§8.3.1), nor may an answer (§8.2.3).
 * Availability that only tells is not refused either: every refusal would tell
 * a stranger whom we know, and nobody waits for it.
 */
bool xmpp_may_be_refused(const struct xmpp_element *stanza)
{
	struct slice type = xmpp_get(stanza, SLICE("type"));

	if (slice_equal(type, SLICE("error")))
		return false;
	if (slice_equal(stanza->name, SLICE("iq")))
		return slice_equal(type, SLICE("get")) || slice_equal(type, SLICE("set"));
	if (slice_equal(stanza->name, SLICE("presence")))
		return slice_equal(type, SLICE("subscribe")) || slice_equal(type, SLICE("probe"));
	return slice_equal(stanza->name, SLICE("message"));
}

struct xmpp_element *xmpp_error_reply(struct xmpp_builder *b, const struct xmpp_element *stanza,
                                      const struct xmpp_stanza_error *error)
{
	struct slice id = xmpp_get(stanza, SLICE("id"));
	struct xmpp_element *reply, *inner, *condition;

	if (!xmpp_may_be_refused(stanza))
		return NULL;
	reply = xmpp_add(b, NULL, stanza->space, stanza->name);
	xmpp_set(b, reply, SLICE("from"), xmpp_get(stanza, SLICE("to")));
	xmpp_set(b, reply, SLICE("to"), xmpp_get(stanza, SLICE("from")));
	if (id.ptr)
		xmpp_set(b, reply, SLICE("id"), id);
	xmpp_set(b, reply, SLICE("type"), SLICE("error"));
	inner = xmpp_add(b, reply, stanza->space, SLICE("error"));
	xmpp_set(b, inner, SLICE("type"), xmpp_error_type_name(error->type));
	condition = xmpp_add(b, inner, XMPP_NS_STANZAS, xmpp_condition_name(error->condition));
	xmpp_add_text(b, condition, error->address);
	if (error->text.len)
		xmpp_add_with_text(b, inner, XMPP_NS_STANZAS, SLICE("text"), error->text);
	return b->is_broken ? NULL : reply;
}
