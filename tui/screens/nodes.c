/* What is done with a row of the topology: which object it is, and which verbs its kind has. */
#include <stdio.h>

#include "tui/client/nearest.h"
#include "tui/client/words.h"
#include "tui/screens/parts.h"

enum { KINDS_TEXT_BYTES = 256 };

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

/* Kinds of the topology that have many objects. */
static bool is_node(const struct model_kind *kind)
{
	return kind && kind->cardinality == MODEL_MANY &&
	       slice_equal(slice_of(kind->document), slice_of(model_kind(MODEL_TOPOLOGY)->document));
}

static void put_kinds(const char *between, char *to, size_t size)
{
	size_t used = 0;

	to[0] = '\0';
	for (int i = 0; i < MODEL_KIND_COUNT && used < size; i++)
		if (is_node(model_kind((enum model_kind_id)i)))
			used += (size_t)snprintf(to + used, size - used, "%s%s", used ? between : "",
			                         model_kind((enum model_kind_id)i)->name);
}

void nodes_ask_kind(struct console *console)
{
	prompts_open(console, PROMPT_KIND, SLICE(""));
	put_kinds("  ", console->scene.offers, sizeof console->scene.offers);
}

static void refuse_kind(struct console *console, struct slice name)
{
	struct nearest near = nearest_start(name);
	char names[KINDS_TEXT_BYTES], hint[NEAREST_TEXT_BYTES];

	for (int i = 0; i < MODEL_KIND_COUNT; i++)
		if (is_node(model_kind((enum model_kind_id)i)))
			nearest_offer(&near, model_kind((enum model_kind_id)i)->name);
	put_kinds(", ", names, sizeof names);
	if (nearest_text(&near, hint)[0])
		scene_say(&console->scene, GRID_BAD, _("there is no kind \"%.*s\" in the topology; %s"),
		          SLICE_ARG(name), hint);
	else
		scene_say(&console->scene, GRID_BAD,
		          _("there is no kind \"%.*s\" in the topology; there are %s"), SLICE_ARG(name),
		          names);
}

void nodes_new_of(struct console *console, struct slice name)
{
	const struct model_kind *kind = model_kind_named(name);

	if (!name.len)
		return;
	if (!is_node(kind))
		refuse_kind(console, name);
	else if (may(console, kind, editing_save_verb(kind, true)))
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
