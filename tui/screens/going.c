/* From screen to screen; a form that holds changes is left after a question only. */
#include <stdio.h>

#include "tui/client/words.h"
#include "tui/screens/parts.h"

static bool holds_changes(const struct scene *scene)
{
	bool has_form = scene_is_form(scene);

	for (size_t i = 0; i < scene->under_count; i++)
		has_form |= 1u << scene->under[i] & FORMS;
	return has_form && scene->editing.kind && form_changes(&scene->editing.form) > 0;
}

static void ask_discard(struct console *console, enum asking asking, enum screen to)
{
	struct scene *scene = &console->scene;
	size_t changes = form_changes(&scene->editing.form);
	struct buffer command;

	console->asking = asking;
	console->discard_to = to;
	dialog_open(&scene->dialog, _("Discard"),
	            ngettext("Discard it? y/N", "Discard them? y/N", (unsigned long)changes), NULL);
	dialog_add_line(&scene->dialog,
	                ngettext("%zu change has not been saved.", "%zu changes have not been saved.",
	                         (unsigned long)changes),
	                changes);
	buffer_start(&command, COMMAND_BYTES);
	editing_command(&scene->editing, &command);
	slice_to_text(buffer_slice(&command), scene->dialog_command, sizeof scene->dialog_command);
	buffer_stop(&command);
}

/* What a screen needs when it comes to the top. */
static void arrive(struct console *console)
{
	struct scene *scene = &console->scene;
	const struct model_kind *kind = kind_of_screen(scene->screen);

	if (scene_is_form(scene) && scene->screen != SCREEN_FORM && scene->editing.kind != kind)
		forms_open_one(console, kind, key_of_screen(scene->screen));
	view_hurry(&console->plan);
	console->lists.due_ms = 0;
}

static void go(struct console *console, enum screen screen)
{
	struct scene *scene = &console->scene;

	scene->under_count = 0;
	scene->screen = screen;
	editing_stop(&scene->editing);
	scene_settle(scene);
	arrive(console);
}

void console_go(struct console *console, enum screen screen)
{
	console->scene.awaits_place = false;
	if (holds_changes(&console->scene))
		ask_discard(console, ASKING_DISCARD, screen);
	else
		go(console, screen);
}

static void close_top(struct console *console)
{
	struct scene *scene = &console->scene;

	if (scene_is_form(scene))
		editing_stop(&scene->editing);
	if (scene->under_count)
		scene_close(scene);
	else
		scene->screen =
		        SCREEN_OVERVIEW; /* a form reached by its letter: there is always something below */
	/* A form below another one has lost its object to it. */
	while (scene->screen == SCREEN_FORM && !scene->editing.kind && scene->under_count)
		scene_close(scene);
	arrive(console);
}

void console_back(struct console *console)
{
	if (scene_is_form(&console->scene) && holds_changes(&console->scene))
		ask_discard(console, ASKING_DISCARD, SCREEN_COUNT);
	else
		close_top(console);
}

void console_discard(struct console *console)
{
	if (console->discard_to < SCREEN_COUNT)
		go(console, console->discard_to);
	else
		close_top(console);
}

void console_leave(struct console *console)
{
	struct scene *scene = &console->scene;

	if (!console->changes.asked_id && !holds_changes(scene)) {
		console->leaves = true;
		return;
	}
	changes_clear(&console->agreed);
	if (!console->changes.asked_id) {
		ask_discard(console, ASKING_LEAVE, SCREEN_COUNT);
		return;
	}
	console->asking = ASKING_LEAVE;
	dialog_open(&scene->dialog, _("Leave"), _("Leave all the same? y/N"), NULL);
	dialog_add_line(&scene->dialog, "%s", _("A change is still being saved; its answer would be lost."));
	snprintf(scene->dialog_command, sizeof scene->dialog_command, "version list");
}
