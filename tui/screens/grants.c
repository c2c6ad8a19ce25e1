/* A policy granted to one user, to the marked ones, or to all that the filter shows; and taken away again. */
#include <stdio.h>

#include "tui/client/words.h"
#include "tui/screens/parts.h"

/* The marked users, else the selected one, with commas between as one word. False: there is none, or there are too many. */
static bool name_users(struct console *console)
{
	struct scene *scene = &console->scene;
	const struct listing *users = &scene->listings[SCREEN_USERS];
	struct slice address = scene_text(listing_selected(users), "sip-address");
	struct buffer names;
	bool has_room;

	buffer_clear(&scene->granting);
	if (!address.len && !users->mark_count) {
		scene_say(scene, GRID_NORMAL, "%s", _("there is no row; n lists a user, / looks for one"));
		return false;
	}
	buffer_start(&names, SCENE_GRANTING_BYTES);
	for (size_t i = 0; i < users->mark_count; i++) /* a user's rows have one key */
		command_add_name(&names, slice_of(users->marks[i] + 1));
	if (!users->mark_count)
		command_add_name(&names, address);
	/* Marks are also of rows that are not shown: whatever one is called must stay one word. */
	command_add(&scene->granting, buffer_slice(&names));
	has_room = !names.is_broken && !scene->granting.is_broken &&
	           buffer_length(&scene->granting) + 1024 < COMMAND_BYTES;
	buffer_stop(&names);
	if (!has_room) {
		buffer_clear(&scene->granting);
		scene_say(scene, GRID_WARN, "%s", _("that is too many at once"));
	}
	return has_room;
}

/* Whoever the filter shows: the daemon finds them, on whichever page they are. */
static bool name_filtered(struct console *console)
{
	struct scene *scene = &console->scene;
	const struct listing *users = &scene->listings[SCREEN_USERS];
	struct slice filter = slice_trim(editor_text(&users->filter));

	buffer_clear(&scene->granting);
	if (!filter.len) {
		scene_say(scene, GRID_NORMAL, "%s",
		          _("to whom? / filters first, for instance domain:emea.contoso.example or "
		            "effective:Global"));
		return false;
	}
	buffer_add(&scene->granting, SLICE("--filter"));
	command_add(&scene->granting, filter);
	return !scene->granting.is_broken;
}

void grants_open(struct console *console, bool is_all)
{
	if (is_all ? !name_filtered(console) : !name_users(console))
		return;
	scene_open(&console->scene, SCREEN_GRANT);
	console->lists.due_ms = 0;
}

static void ask(struct console *console, const char *title, struct slice line, const char *words)
{
	struct dialog *dialog = &console->scene.dialog;

	question_command(console, line, true);
	if (!dialog->is_open)
		return;
	snprintf(dialog->title, sizeof dialog->title, "%s", title);
	memset(dialog->lines, 0, sizeof dialog->lines);
	dialog_add_line(dialog, "%s", words);
	question_offer_stage(console);
	trial_ask(console);
}

void grants_choose(struct console *console)
{
	struct scene *scene = &console->scene;
	struct slice policy = scene_text(listing_selected(&scene->listings[SCREEN_GRANT]), "identity"),
	             to = buffer_slice(&scene->granting);
	bool is_filter = slice_starts(to, SLICE("--filter"));
	char title[DIALOG_LINE_BYTES], words[DIALOG_TEXT_BYTES];
	struct buffer line;

	if (!policy.len) {
		scene_say(scene, GRID_NORMAL, "%s", _("there is no row"));
		return;
	}
	buffer_start(&line, SCENE_GRANTING_BYTES + COMMAND_BYTES);
	grant_command(scene, &line);
	snprintf(title, sizeof title, _("Grant %.*s"), SLICE_ARG(policy));
	if (is_filter && scene->listings[SCREEN_USERS].total < 0)
		snprintf(words, sizeof words, "%s", _("To all users that the filter shows."));
	else if (is_filter)
		snprintf(words, sizeof words,
		         ngettext("To %lld user, all that the filter shows.",
		                  "To %lld users, all that the filter shows.",
		                  (unsigned long)scene->listings[SCREEN_USERS].total),
		         (long long)scene->listings[SCREEN_USERS].total);
	else
		snprintf(words, sizeof words,
		         _("To %.*s. It holds in place of the site's policy, or Global."),
		         (int)(to.len < 200 ? to.len : 200), to.ptr);
	scene_close(scene);
	ask(console, title, buffer_slice(&line), words);
	buffer_stop(&line);
}

void grants_revoke(struct console *console)
{
	struct scene *scene = &console->scene;
	const struct json *row = listing_selected(&scene->listings[SCREEN_USERS]);
	struct buffer line;

	if (!name_users(console))
		return;
	if (!scene->listings[SCREEN_USERS].mark_count && !scene_text(row, "policy").len) {
		scene_say(scene, GRID_NORMAL, _("no policy is granted to this user: %.*s holds"),
		          SLICE_ARG(scene_text(row, "effective")));
		return;
	}
	buffer_start(&line, SCENE_GRANTING_BYTES + COMMAND_BYTES);
	buffer_add(&line, SLICE("user ungrant "));
	buffer_add(&line, buffer_slice(&scene->granting));
	ask(console, _("Take the policy away"), buffer_slice(&line),
	    _("That of the user's site holds then, or Global."));
	buffer_stop(&line);
}
