/* What is done with a row of the topology: which object it is, and which verbs its kind has. */
#include "tui/client/words.h"
#include "tui/screens/parts.h"

/* NULL: the row is no object of the configuration, a service for instance. */
static const struct model_kind *kind_of_row(const struct json *row)
{
	struct slice word = scene_text(row, "kind");

	for (int i = 0; i < MODEL_KIND_COUNT; i++)
		if (slice_equal(word, slice_of(model_kind((enum model_kind_id)i)->name)))
			return model_kind((enum model_kind_id)i);
	return NULL;
}

static const struct json *selected(struct console *console)
{
	const struct json *row = listing_selected(&console->scene.listings[SCREEN_TOPOLOGY]);

	if (!row)
		scene_say(&console->scene, GRID_NORMAL, "%s", _("there is no row"));
	return row;
}

void nodes_edit(struct console *console)
{
	const struct json *row = selected(console);
	const struct model_kind *kind = kind_of_row(row);
	struct buffer line;

	if (!row)
		return;
	if (kind) {
		bool is_one = kind->key >= kind->field_count;

		forms_open(console, kind, is_one ? SLICE("") : scene_text(row, "name"), false, NULL);
		return;
	}
	buffer_start(&line, COMMAND_BYTES);
	topology_command(&console->scene, &line);
	command_run(console, buffer_slice(&line));
	buffer_stop(&line);
}

/* True: this session may do it to objects of the row's kind. */
static bool may(struct console *console, const struct model_kind *kind, enum control_verb_id verb)
{
	const struct control_verb *row = control_verb(verb);

	if (!kind || kind->key >= kind->field_count || !row)
		scene_say(&console->scene, GRID_NORMAL, "%s",
		          _("that cannot be done here; ? lists the keys"));
	else if (!scene_permits(&console->scene, verb))
		scene_say(&console->scene, GRID_BAD, _("not permitted in this session; it needs the role %s"),
		          control_role_name(row->role));
	else
		return true;
	return false;
}

/*
 * What comes below the whole: as long as there is none, the edge without which nothing runs, then the server it hands
 * to; after that its sites.
 */
static enum model_kind_id kind_below_all(const struct listing *rows)
{
	static const enum model_kind_id first[] = { MODEL_EDGE, MODEL_POOL_MEMBER };

	for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
		bool is_there = false;

		for (size_t k = 0; k < rows->count && !is_there; k++)
			is_there = slice_equal(scene_text(rows->rows[k], "kind"),
			                       slice_of(model_kind(first[i])->name));
		if (!is_there)
			return first[i];
	}
	return MODEL_SITE;
}

void nodes_new(struct console *console)
{
	const struct json *row = selected(console);
	const struct model_kind *kind = kind_of_row(row);

	if (kind && kind->key >= kind->field_count)
		kind = model_kind(kind_below_all(&console->scene.listings[SCREEN_TOPOLOGY]));
	if (row && may(console, kind, kind ? editing_save_verb(kind, true) : CONTROL_VERB_COUNT))
		forms_open(console, kind, SLICE(""), true, NULL);
}

void nodes_remove(struct console *console)
{
	const struct json *row = selected(console);
	const struct model_kind *kind = kind_of_row(row);
	enum control_verb_id verb = kind ? editing_verb(kind, "remove") : CONTROL_VERB_COUNT;
	struct buffer line;

	if (!row || !may(console, kind, verb))
		return;
	buffer_start(&line, COMMAND_BYTES);
	buffer_printf(&line, "%s %s", control_verb(verb)->noun, control_verb(verb)->verb);
	command_add(&line, scene_text(row, "name"));
	question_command(console, buffer_slice(&line), true);
	question_offer_stage(console);
	trial_ask(console);
	buffer_stop(&line);
}
