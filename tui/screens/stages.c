/* Versions, what is staged, undo, and the timer that takes a change back. */
#include <stdio.h>

#include "tui/client/words.h"
#include "tui/screens/parts.h"

void stages_refresh(struct console *console)
{
	struct scene *scene = &console->scene;

	if (scene_permits(scene, CONTROL_VERB_STAGE_LIST))
		view_refresh(&console->staged, console->client, console->now);
	scene->staged = view_result(&console->staged);
	if (scene->screen == SCREEN_STAGED && scene_is_staged(scene) &&
	    scene_permits(scene, CONTROL_VERB_PLAN))
		view_refresh(&console->plan, console->client, console->now);
	scene->plan = scene_is_staged(scene) ? view_result(&console->plan) : NULL;
	scene->plan_trouble = console->plan.trouble.text;
}

/* A question about one command, tried by the daemon while it stands. */
static void ask(struct console *console, const char *title, const char *command, const char *words)
{
	struct dialog *dialog = &console->scene.dialog;

	question_command(console, slice_of(command), true);
	if (!dialog->is_open)
		return;
	snprintf(dialog->title, sizeof dialog->title, "%s", title);
	memset(dialog->lines, 0, sizeof dialog->lines);
	dialog_add_line(dialog, "parley %s", command);
	dialog_add_line(dialog, "%s", words);
	trial_ask(console);
}

static const struct json *version_row(const struct scene *scene)
{
	return listing_selected(&scene->listings[SCREEN_VERSIONS]);
}

static void undo(struct console *console)
{
	struct scene *scene = &console->scene;
	long long waiting = (long long)scene_number(scene->status, "confirm_version");
	char title[80];

	if (waiting) {
		snprintf(title, sizeof title, _("Take v%lld back"), waiting);
		ask(console, title, "revert",
		    _("It waits to be confirmed; it is taken back now, as a new version."));
	} else {
		ask(console, _("Undo"), "undo",
		    _("The changes of your last version are taken back as a new version; what others changed "
		      "since stays."));
	}
}

static void keep(struct console *console)
{
	if (scene_number(console->scene.status, "confirm_version"))
		command_do(console, SLICE("confirm"));
	else
		scene_say(&console->scene, GRID_NORMAL, "%s", _("no version waits to be confirmed"));
}

static void restore(struct console *console)
{
	const struct json *row = version_row(&console->scene);
	char command[64], title[80];

	if (!row)
		return;
	snprintf(command, sizeof command, "version restore %lld", (long long)scene_number(row, "version"));
	snprintf(title, sizeof title, _("Back to v%lld"), (long long)scene_number(row, "version"));
	ask(console, title, command,
	    _("Its whole content is published as a new version; nothing of the history is lost."));
}

/* The first `=` marks, the second compares; with nothing marked the current version is the other one. */
static void diff(struct console *console)
{
	struct scene *scene = &console->scene;
	const struct json *row = version_row(scene);
	long long number = (long long)scene_number(row, "version");
	char command[96];

	if (!row)
		return;
	if (!scene->marked_version && number == (long long)scene_number(scene->status, "version")) {
		scene->marked_version = number;
		scene_say(scene, GRID_NORMAL, _("v%lld is marked; = on another one compares them"), number);
		return;
	}
	if (scene->marked_version && scene->marked_version != number)
		snprintf(command, sizeof command, "version diff %lld %lld",
		         scene->marked_version < number ? (long long)scene->marked_version : number,
		         scene->marked_version < number ? number : (long long)scene->marked_version);
	else
		snprintf(command, sizeof command, "version diff %lld", number);
	scene->marked_version = 0;
	command_run(console, slice_of(command));
}

static void travel(struct console *console)
{
	struct scene *scene = &console->scene;
	const struct json *row = scene->screen == SCREEN_VERSIONS ? version_row(scene) : NULL;
	int64_t number = row ? scene_number(row, "version") : 0;

	if (scene->as_of && (!row || scene->as_of == number))
		number = 0;
	if (!scene->as_of && !number) {
		scene_say(scene, GRID_NORMAL, "%s", _("V on a version shows the screens as of it: g k"));
		return;
	}
	if (number == scene_number(scene->status, "version"))
		number = 0;
	scene->as_of = number;
	scene->editing.version = scene->editing.is_new
	                                 ? 0
	                                 : 1; /* whatever is in the form is of another version */
	console->lists.due_ms = console->form_due_ms = 0;
	if (number)
		scene_say(scene, GRID_WARN,
		          _("domains, forms, partners and why are shown as of v%lld; V ends it"),
		          (long long)number);
	else
		scene_say(scene, GRID_NORMAL, "%s", _("the current version is shown again"));
}

static void drop(struct console *console)
{
	struct scene *scene = &console->scene;
	size_t number = listing_number(&scene->listings[SCREEN_STAGED]);
	char command[64];

	if (!number) {
		scene_say(scene, GRID_NORMAL, "%s", _("there is no row"));
		return;
	}
	snprintf(command, sizeof command, "stage drop %zu", number);
	command_do(console, slice_of(command));
}

void stages_publish(struct console *console)
{
	struct scene *scene = &console->scene;

	if (!scene_is_staged(scene)) {
		scene_say(scene, GRID_NORMAL, "%s", _("nothing is staged"));
		return;
	}
	scene->prompt = PROMPT_COMMENT;
	scene->message[0] = '\0';
	editor_set(&scene->editor, SLICE(""));
}

void stages_publish_as(struct console *console, struct slice comment)
{
	struct scene *scene = &console->scene;
	struct dialog *dialog = &scene->dialog;
	struct buffer line;

	if (!comment.len) {
		scene_say(scene, GRID_BAD, "%s", _("a comment is needed: why is it done?"));
		return;
	}
	buffer_start(&line, COMMAND_BYTES);
	buffer_add(&line, SLICE("publish --comment"));
	command_add(&line, comment);
	question_command(console, buffer_slice(&line), true);
	buffer_stop(&line);
	if (!dialog->is_open)
		return;
	snprintf(dialog->title, sizeof dialog->title, _("Publish %lld staged changes"),
	         (long long)scene_staged(scene));
	memset(dialog->lines, 0, sizeof dialog->lines);
	console->agreed.version = scene_number(scene->staged, "version");
	dialog_add_line(dialog, _("Comment: %.*s"), SLICE_ARG(comment));
	trial_ask(console);
}

void stages_act(struct console *console, enum action_id id)
{
	switch (id) {
	case ACTION_UNDO: undo(console); break;
	case ACTION_KEEP: keep(console); break;
	case ACTION_RESTORE: restore(console); break;
	case ACTION_DIFF: diff(console); break;
	case ACTION_TRAVEL:
	case ACTION_PRESENT: travel(console); break;
	case ACTION_UNSTAGE: drop(console); break;
	case ACTION_CLEAR_STAGED:
		if (!scene_is_staged(&console->scene))
			break;
		ask(console, _("Take all staged changes back"), "stage clear",
		    _("Nothing that is live changes."));
		timer_withdraw(console);
		break;
	case ACTION_REBASE: command_do(console, SLICE("stage rebase")); break;
	case ACTION_PUBLISH: stages_publish(console); break;
	default: break;
	}
}
