/* Why: the question sent, the answer acted on. */
#include <stdio.h>

#include "tui/client/words.h"
#include "tui/screens/parts.h"

void whys_open(struct console *console, struct slice from, struct slice to, struct slice what)
{
	struct why *why = &console->scene.why;

	if (from.len || to.len)
		why_fill(why, from, to, what);
	if (!from.len && !to.len && !why->answer.result)
		why->is_reading = false;
	scene_open(&console->scene, SCREEN_WHY);
	/* From a refused request both ends are known: the answer is what is wanted. */
	if (from.len && to.len)
		whys_ask(console);
}

void whys_ask(struct console *console)
{
	struct why *why = &console->scene.why;
	struct form_field *fields = why->form.fields;
	struct reason reason = { "" };
	struct buffer params;
	struct json_writer w = json_write(&params);

	if (!why_is_asked(why)) {
		why->form.at = slice_trim(editor_text(&fields[WHY_FROM].value)).len ? WHY_TO : WHY_FROM;
		scene_say(&console->scene, GRID_NORMAL, "%s", _("both ends are needed, as user@domain"));
		return;
	}
	buffer_start(&params, 3 * EDITOR_BYTES);
	json_open_object(&w, NULL);
	json_put_slice(&w, "from", slice_trim(editor_text(&fields[WHY_FROM].value)));
	json_put_slice(&w, "to", slice_trim(editor_text(&fields[WHY_TO].value)));
	json_put_slice(&w, "what", editor_text(&fields[WHY_WHAT].value));
	if (console->scene.as_of)
		json_put_number(&w, "version", console->scene.as_of);
	json_close_object(&w);
	control_answer_free(&why->answer);
	why->trouble[0] = '\0';
	why->asked_id = client_ask(console->client, console->now, "why", buffer_slice(&params),
	                           VIEW_TIMEOUT_MS, &reason);
	if (!why->asked_id)
		snprintf(why->trouble, sizeof why->trouble, "%s", reason.text);
	buffer_stop(&params);
}

bool whys_take(struct console *console, int64_t id, struct control_answer *answer)
{
	struct why *why = &console->scene.why;

	if (!id || id != why->asked_id)
		return false;
	why->asked_id = 0;
	why_take(why, answer);
	return true;
}

void whys_open_rule(struct console *console)
{
	const struct json *step = why_step(&console->scene.why);
	const struct model_kind *kind = model_kind_named(scene_text(step, "kind"));
	char field[64];

	if (!kind || editing_verb(kind, "show") == CONTROL_VERB_COUNT) {
		scene_say(&console->scene, GRID_NORMAL, "%s",
		          kind ? _("that object is not edited here") : _("no object decides this check"));
		return;
	}
	if (kind->cardinality == MODEL_MANY && !scene_text(step, "key").len) {
		scene_say(&console->scene, GRID_NORMAL, "%s", _("there is no such object yet"));
		return;
	}
	slice_to_text(scene_text(step, "field"), field, sizeof field);
	forms_open(console, kind, scene_text(step, "key"), false, field);
}

void whys_apply(struct console *console)
{
	struct scene *scene = &console->scene;
	struct slice change = scene_text(scene->why.answer.result, "change");

	if (!scene->why.answer.result ||
	    slice_equal(scene_text(scene->why.answer.result, "answer"), SLICE("pass")))
		scene_say(scene, GRID_NORMAL, "%s",
		          scene->why.answer.result ? _("it passes already") : _("ask first: Enter"));
	else if (!question_change(console, change))
		scene_say(scene, GRID_WARN, _("no command here does that: %.*s"), SLICE_ARG(change));
}
