/* The form of one object: its fields, the sentence of the one that has the focus, what has been changed. */
#include <stdio.h>

#include "tui/client/words.h"
#include "tui/screens/scene.h"

enum { SENTENCE_LINES = 2, FIELDS_MIN = 6, CHANGES_MAX = 5 };

bool scene_is_form(const struct scene *scene) { return scene_place(scene) & FORMS; }

void form_title(const struct scene *scene, struct buffer *out)
{
	const struct editing *editing = &scene->editing;
	size_t problems = form_problems(&editing->form), changes = form_changes(&editing->form);

	if (!editing->kind)
		return;
	if (scene->screen == SCREEN_FORM) {
		char label[FORM_LABEL_BYTES];

		editing_label(editing->kind->name, label);
		buffer_add(out, slice_of(editing->is_new ? _("New: ") : ""));
		buffer_add(out, slice_of(label));
		if (editing->key[0])
			buffer_printf(out, "  %s", editing->key);
	} else {
		buffer_add(out, slice_of(_(screen_row(scene->screen)->title)));
		if (editing->key[0])
			buffer_printf(out, "  %s", editing->key);
	}
	if (!editing->version && !editing->is_new)
		return;
	buffer_printf(out, _("   field %zu of %zu"), editing->form.at + 1, editing->form.count);
	if (changes)
		buffer_printf(out, ngettext("   %zu change", "   %zu changes", (unsigned long)changes),
		              changes);
	if (problems)
		buffer_printf(out, ngettext("   %zu problem", "   %zu problems", (unsigned long)problems),
		              problems);
}

/* "identity (Lync: Identity): sentence", on two lines at most. */
static void draw_sentence(const struct editing *editing, struct grid *grid, int x, int y, int room)
{
	const struct model_field *row = &editing->kind->fields[editing->rows[editing->form.at]];
	char words[400];
	struct slice rest;
	size_t cut;

	snprintf(words, sizeof words, row->lync[0] ? "%s (%s): %s" : "%s%s: %s", row->name, row->lync,
	         _(row->sentence));
	rest = slice_of(words);
	cut = grid_fold(grid, rest, room);
	grid_put(grid, x, y, room, slice_first(rest, cut), GRID_NORMAL);
	if (cut < rest.len)
		grid_put(grid, x, y + 1, room, slice_trim(slice_after(rest, cut)), GRID_NORMAL);
}

static void draw_changes(const struct editing *editing, struct grid *grid, struct area area)
{
	int y = area.y, name = area.width / 2 > 44 ? 44 : area.width / 2 - 2;

	grid_put_text(grid, area.x + 1, y++, area.width - 2, _("CHANGES"), GRID_DIM);
	for (size_t i = 0; i < editing->form.count && y < area.y + area.height; i++) {
		const struct form_field *field = &editing->form.fields[i];
		struct slice before = slice_of(field->saved), after = editor_text(&field->value);
		int x = area.x + FORM_MARGIN + name, end = area.x + area.width - 1, room;

		if (!form_is_changed(field))
			continue;
		room = (end - x - 4) / 2;
		grid_put_text(grid, area.x + FORM_MARGIN, y, name - 1,
		              editing->kind->fields[editing->rows[i]].name, GRID_NORMAL);
		x += grid_put(grid, x, y, room, before.len ? before : SLICE("-"), GRID_DIM);
		x += grid_put_text(grid, x, y, end - x, " -> ", GRID_NORMAL);
		grid_put(grid, x, y++, end - x, after.len ? after : SLICE("-"), GRID_WARN);
	}
}

static void draw_nothing(const struct scene *scene, struct grid *grid, struct area area)
{
	const char *words = scene->editing.trouble[0]  ? scene->editing.trouble
	                    : scene->link == CLIENT_UP ? _("asking the daemon...")
	                    : scene->trouble[0]        ? scene->trouble
	                                               : _("connecting...");

	grid_put_text(grid, area.x + FORM_MARGIN, area.y + 1, area.width - FORM_MARGIN - 1, words,
	              scene->editing.trouble[0] ? GRID_BAD : GRID_WARN);
	grid_cursor(grid, area.x, area.y + 1);
}

void edit_draw(struct scene *scene, struct grid *grid, struct area area)
{
	struct editing *editing = &scene->editing;
	size_t changes = form_changes(&editing->form);
	struct area below = area, fields = area;
	int lines = changes > CHANGES_MAX ? CHANGES_MAX : (int)changes;

	if (!editing->kind || (!editing->version && !editing->is_new)) {
		draw_nothing(scene, grid, area);
		return;
	}
	effects_say(scene);
	lines = lines ? lines + 1 : 0;
	if (area.height - SENTENCE_LINES - 1 - lines < FIELDS_MIN)
		lines = 0;
	below.height = lines + SENTENCE_LINES + 1;
	fields.height -= below.height;
	below.y += fields.height;
	grid_line(grid, below.x + 1, below.y++, below.width - 2, GRID_DIM);
	draw_sentence(editing, grid, below.x + 1, below.y, below.width - 2);
	below.y += SENTENCE_LINES;
	below.height = lines;
	if (lines)
		draw_changes(editing, grid, below);
	form_draw(&editing->form, grid, fields.x, fields.y, fields.width, fields.height, true);
}

void edit_command(const struct scene *scene, struct buffer *out)
{
	if (scene->editing.kind)
		editing_command(&scene->editing, out);
}

/* The screens that are the form of one object, each under its own letter. */
#define FORM_SCREEN(word)                                                                                    \
	void word##_draw(struct scene *scene, struct grid *grid, struct area area)                           \
	{                                                                                                    \
		edit_draw(scene, grid, area);                                                                \
	}                                                                                                    \
	void word##_command(const struct scene *scene, struct buffer *out) { edit_command(scene, out); }
FORM_SCREEN(access_edge)
FORM_SCREEN(gateway)
