/*
 * many: the same change for several objects, as one change.
 *
 * Where a changing verb's first param is an array, the verb runs once for each of its names; what one run makes is what
 * the next begins with, and the last one ends it: one dry run, one version, one line of the audit.  The first that is
 * refused refuses them all.
 */
#include "daemon/keeper/parts.h"

static const struct json *names_of(const struct call *call, struct control_argument *argument)
{
	const struct json *given;

	if (call->row.verb->effect != CONTROL_CHANGES || !control_verb_argument(call->row.verb, 0, argument))
		return NULL;
	given = json_get(call->params, argument->name);
	return json_kind(given) == JSON_KIND_ARRAY ? given : NULL;
}

static bool are_texts(const struct json *names)
{
	for (size_t i = 0; i < json_count(names); i++)
		if (json_as_slice(json_at(names, i)).len == 0)
			return false;
	return true;
}

/* "a,b": what the change is about, for the version's comment and the audit. */
static struct slice joined(struct call *call, const struct json *names)
{
	struct buffer text;
	struct slice all;

	buffer_start(&text, CONTROL_LINE_MAX);
	for (size_t i = 0; i < json_count(names); i++) {
		if (i)
			buffer_add_char(&text, ',');
		buffer_add(&text, json_as_slice(json_at(names, i)));
	}
	all = arena_copy(&call->arena, buffer_slice(&text));
	buffer_stop(&text);
	return all;
}

void many_run(struct call *call)
{
	struct control_argument argument;
	const struct json *names = names_of(call, &argument);
	struct many many = { .argument = argument.name };
	size_t count = json_count(names);

	if (!names) {
		call->row.run(call);
		return;
	}
	if (count == 0 || count > KEEPER_MANY_MAX || !are_texts(names)) {
		call_fail_problem(call, CONTROL_INVALID, argument.name, "it is no list of names",
		                  "one name, or an array of 1 to 500");
		return;
	}
	many.all = joined(call, names);
	call->many = &many;
	for (size_t i = 0; i < count && !many.has_ended; i++) {
		many.name = json_as_slice(json_at(names, i));
		many.left = count - i - 1;
		call->row.run(call);
	}
	model_snapshot_free(&many.copy); /* refused before it was taken on */
}

bool many_begins_with(struct call *call, struct model_snapshot **out)
{
	if (!call->many || !call->many->copy)
		return false;
	*out = call->many->copy;
	call->many->copy = NULL;
	return true;
}

bool many_goes_on(struct call *call, struct model_snapshot *copy)
{
	if (!call->many)
		return false;
	if (call->many->left) {
		call->many->copy = copy;
		return true;
	}
	call->key = call->many->all;
	call->many->has_ended = true; /* the call may outlive the run, or have ended before it returns */
	call->many = NULL;
	return false;
}

void many_ended(struct call *call)
{
	if (call->many)
		call->many->has_ended = true;
	call->many = NULL;
}
