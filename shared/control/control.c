#include "shared/control/control.h"

#include "shared/base/text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- effects and severities ---- */

const char *control_effect_params(enum control_effect effect)
{
	switch (effect) {
	case CONTROL_SHOWS: return "version staged";
	case CONTROL_CHANGES: return "if_version comment stage dry_run confirm_within";
	case CONTROL_READS:
	case CONTROL_STAGES:
	case CONTROL_ACTS: break;
	}
	return "";
}

const char *control_severity_name(enum control_severity severity)
{
	static const char *const names[] = { "debug", "info", "notice", "warning", "error" };

	return (size_t)severity < COUNT(names) ? names[severity] : names[CONTROL_ERROR];
}

/* ---- verbs ---- */

static const struct control_verb verbs[] = {
#define VERB(id, noun, verb, role, effect, arguments, sentence)                                              \
	{ noun, verb, CONTROL_ROLE_##role, CONTROL_##effect, arguments, sentence },
#include "shared/control/verbs.def"
#undef VERB
};

const struct control_verb *control_verb(enum control_verb_id id)
{
	return (size_t)id < COUNT(verbs) ? &verbs[id] : NULL;
}

enum control_verb_id control_verb_named(struct slice method)
{
	size_t dot = slice_find(method, '.');
	struct slice noun = dot < method.len ? slice_first(method, dot) : SLICE("");
	struct slice verb = dot < method.len ? slice_after(method, dot + 1) : method;

	for (size_t i = 0; i < COUNT(verbs); i++)
		if (slice_equal(noun, slice_of(verbs[i].noun)) &&
		    slice_equal(verb, slice_of(verbs[i].verb)) &&
		    (dot == method.len) == (verbs[i].noun[0] == '\0'))
			return (enum control_verb_id)i;
	return CONTROL_VERB_COUNT;
}

void control_verb_method(const struct control_verb *verb, struct buffer *out)
{
	if (verb->noun[0])
		buffer_printf(out, "%s.", verb->noun);
	buffer_add(out, slice_of(verb->verb));
}

bool control_verb_argument(const struct control_verb *verb, size_t index, struct control_argument *out)
{
	struct slice rest = slice_of(verb->arguments), word;

	while (slice_next(&rest, ' ', &word)) {
		if (word.len == 0 || index-- > 0)
			continue;
		*out = (struct control_argument){ .is_required = true };
		if (word.ptr[0] == '@') {
			out->is_fields = true;
			out->is_required = false;
			word = slice_after(word, 1);
		} else if (word.ptr[0] == '[' && word.len >= 2) {
			out->is_required = false;
			word = slice_first(slice_after(word, 1), word.len - 2);
		}
		if (!slice_to_text(word, out->name, sizeof out->name))
			return false;
		for (char *c = out->name; *c; c++)
			*c = ascii_lower(*c);
		return true;
	}
	return false;
}

enum control_role control_role_for_kind(struct slice kind)
{
	for (size_t i = 0; i < COUNT(verbs); i++) {
		struct control_argument argument;

		if (verbs[i].effect != CONTROL_CHANGES)
			continue;
		for (size_t k = 0; control_verb_argument(&verbs[i], k, &argument); k++)
			if (argument.is_fields && slice_equal(kind, slice_of(argument.name)))
				return verbs[i].role;
	}
	return CONTROL_ROLE_ADMINISTRATOR;
}

enum control_role control_role_for_field(struct slice kind, struct slice field)
{
	for (size_t i = 0; i < COUNT(verbs); i++) {
		struct control_argument argument;

		if (verbs[i].effect != CONTROL_CHANGES || !slice_equal(kind, slice_of(verbs[i].noun)))
			continue;
		for (size_t k = 0; control_verb_argument(&verbs[i], k, &argument); k++)
			if (!argument.is_fields && slice_equal(field, slice_of(argument.name)))
				return verbs[i].role;
	}
	return control_role_for_kind(kind);
}

/* ---- events ---- */

static const struct control_event events[] = {
#define EVENT(id, name, severity, fields, sentence) { name, CONTROL_##severity, fields, sentence },
#include "shared/control/events.def"
#undef EVENT
};

const struct control_event *control_event(enum control_event_id id)
{
	return (size_t)id < COUNT(events) ? &events[id] : NULL;
}

enum control_event_id control_event_named(struct slice name)
{
	for (size_t i = 0; i < COUNT(events); i++)
		if (slice_equal(name, slice_of(events[i].name)))
			return (enum control_event_id)i;
	return CONTROL_EVENT_COUNT;
}

/* Nothing to say is "-": a sentence with a hole in it reads like a mistake of ours. */
static void add_field(const struct json *value, struct buffer *out)
{
	struct json_writer plain = json_write(out);
	struct slice text = json_as_slice(value);

	if (json_kind(value) == JSON_KIND_NULL ||
	    (json_kind(value) == JSON_KIND_TEXT && slice_is_empty(text)))
		buffer_add_char(out, '-');
	else if (json_kind(value) == JSON_KIND_TEXT)
		text_escape(out, text);
	else
		json_write_value(&plain, NULL, value);
}

/* "changes", or "changes:change": the number and what it counts. */
static void add_place(const struct json *event, struct slice place, struct buffer *out)
{
	struct slice noun = slice_after(place, slice_find(place, ':'));
	const struct json *value;
	char name[32];

	if (!slice_to_text(slice_first(place, slice_find(place, ':')), name, sizeof name))
		return;
	value = json_get(event, name);
	add_field(value, out);
	if (noun.len)
		buffer_printf(out, " %.*s%s", SLICE_ARG(slice_after(noun, 1)),
		              json_as_number(value, 0) == 1 ? "" : "s");
}

void control_event_sentence(const struct control_event *row, const struct json *event, struct buffer *out)
{
	struct slice rest = slice_of(row->sentence);

	while (rest.len) {
		size_t open = slice_find(rest, '{');

		buffer_add(out, slice_first(rest, open));
		rest = slice_after(rest, open);
		if (rest.len == 0)
			return;

		size_t close = slice_find(rest, '}');

		if (close < rest.len)
			add_place(event, slice_first(slice_after(rest, 1), close - 1), out);
		rest = slice_after(rest, close < rest.len ? close + 1 : rest.len);
	}
}

/* ---- error codes ---- */

/* The last two are JSON-RPC's own kinds of misuse; on the wire both say "usage" in data.code. */
static const struct {
	const char *name;
	int rpc;
} codes[] = {
	[CONTROL_OK] = { "ok", 0 },
	[CONTROL_USAGE] = { "usage", -32602 },
	[CONTROL_UNKNOWN_VERB] = { "unknown-verb", -32601 },
	[CONTROL_DENIED] = { "denied", -32000 },
	[CONTROL_INVALID] = { "invalid", -32000 },
	[CONTROL_NOT_FOUND] = { "not-found", -32000 },
	[CONTROL_EXISTS] = { "exists", -32000 },
	[CONTROL_CONFLICT] = { "conflict", -32000 },
	[CONTROL_BUSY] = { "busy", -32000 },
	[CONTROL_TIMEOUT] = { "timeout", -32000 },
	[CONTROL_UNAVAILABLE] = { "unavailable", -32000 },
	[CONTROL_TOO_LARGE] = { "too-large", -32000 },
	[CONTROL_INTERNAL] = { "internal", -32603 },
	[CONTROL_NOT_JSON] = { "usage", -32700 },
	[CONTROL_NOT_A_REQUEST] = { "usage", -32600 },
};

const char *control_code_name(enum control_code code)
{
	return (size_t)code < COUNT(codes) ? codes[code].name : codes[CONTROL_INTERNAL].name;
}

enum control_code control_code_named(struct slice name)
{
	for (size_t i = 0; i < COUNT(codes); i++)
		if (slice_equal(name, slice_of(codes[i].name)))
			return (enum control_code)i;
	return CONTROL_INTERNAL;
}

int control_code_rpc(enum control_code code)
{
	return (size_t)code < COUNT(codes) ? codes[code].rpc : codes[CONTROL_INTERNAL].rpc;
}

enum control_code control_code_of(enum result result)
{
	switch (result) {
	case RESULT_OK: return CONTROL_OK;
	case RESULT_AGAIN: return CONTROL_BUSY;
	case RESULT_NOT_FOUND: return CONTROL_NOT_FOUND;
	case RESULT_EXISTS: return CONTROL_EXISTS;
	case RESULT_INVALID: return CONTROL_INVALID;
	case RESULT_CONFLICT: return CONTROL_CONFLICT;
	case RESULT_DENIED: return CONTROL_DENIED;
	case RESULT_LIMIT: return CONTROL_TOO_LARGE;
	case RESULT_TIMED_OUT:
	case RESULT_UNKNOWN: return CONTROL_TIMEOUT;
	case RESULT_CLOSED:
	case RESULT_IO:
	case RESULT_NO_MEMORY: return CONTROL_UNAVAILABLE;
	case RESULT_INTERNAL: return CONTROL_INTERNAL;
	}
	return CONTROL_INTERNAL;
}
