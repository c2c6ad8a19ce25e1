/* What is done with the selected row: shown, edited, asked about, changed. */
#include <stdio.h>

#include "tui/cli/print.h"
#include "tui/client/words.h"
#include "tui/screens/parts.h"

/* The domain that the selected row is about; none where it is about no partner. */
static struct slice partner_of_row(const struct scene *scene)
{
	const struct json *listed = scene_listing(scene) ? listing_selected(scene_listing(scene)) : NULL;

	if (scene->screen == SCREEN_CONNECTIONS)
		return slice_equal(scene_text(listed, "side"), SLICE("internal"))
		               ? SLICE_NONE
		               : connection_domain(scene, listed);
	return scene_text(listed, "domain").len ? scene_text(listed, "domain")
	                                        : scene_text(listed, "partner");
}

void chosen_block(struct console *console)
{
	struct scene *scene = &console->scene;
	struct slice domain = partner_of_row(scene);
	int64_t open = 0;

	if (!domain.len) {
		scene_say(scene, GRID_NORMAL, "%s",
		          listing_selected(scene_listing(scene))
		                  ? _("no partner's domain is known for this row")
		                  : _("there is no row"));
		return;
	}
	for (size_t i = 0; i < scene->listings[SCREEN_CONNECTIONS].count; i++) {
		const struct json *row = scene->listings[SCREEN_CONNECTIONS].rows[i];

		open += slice_equal_nocase(connection_domain(scene, row), domain) &&
		        slice_equal(scene_text(row, "state"), SLICE("up"));
	}
	question_block_partner(console, domain, open);
}

void chosen_allow(struct console *console)
{
	struct slice domain = partner_of_row(&console->scene);

	if (!domain.len) {
		scene_say(&console->scene, GRID_NORMAL, "%s", _("there is no row"));
		return;
	}
	question_allow_new(console, domain);
	console->agreed.version = scene_number(console->scene.status, "version");
}

/* All members of the selected row, as text. */
static void read_listed(struct console *console, const struct json *row, const char *title)
{
	struct scene *scene = &console->scene;
	struct print_style style = { .is_terminal = true,
		                     .is_utf8 = term_looks(console->term).is_utf8,
		                     .now = console->now };
	struct buffer command;
	char text[SCENE_TEXT_BYTES];

	if (!row)
		return;
	buffer_start(&command, COMMAND_BYTES);
	scene_command(scene, &command);
	if (!slice_to_text(buffer_slice(&command), text, sizeof text))
		text[0] = '\0';
	buffer_stop(&command);
	buffer_clear(&scene->pager.text);
	print_members(&scene->pager.text, &style, row, "");
	reading_open(scene, title, text);
}

/* May this user sign in from outside; may anybody join this meeting? */
static void why_remote(struct console *console, const struct json *row)
{
	bool is_anonymous = slice_equal(scene_text(row, "kind"), SLICE("anonymous"));
	struct slice user = scene_text(row, "user"); /* none: nobody is signed in */
	size_t at = slice_find(user, '@');

	if (is_anonymous)
		whys_open(console, SLICE("anonymous@anonymous.invalid"), user, SLICE("message"));
	else
		whys_open(console, user, at < user.len ? slice_after(user, at + 1) : SLICE_NONE,
		          SLICE("sign-in"));
}

/* A request's row names both ends and what it was; any other at most the partner. */
void chosen_why(struct console *console)
{
	static const struct {
		const char *method, *what;
	} methods[] = { { "INVITE", "session" }, { "SUBSCRIBE", "presence" }, { "NOTIFY", "presence" } };
	const struct scene *scene = &console->scene;
	const struct json *row = scene->screen == SCREEN_EVENTS ? listing_selected(&scene->events.list)
	                                                        : NULL;
	struct slice domain = partner_of_row(scene), what = SLICE("message");
	char from[300] = "";

	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (slice_equal(scene_text(row, "method"), slice_of(methods[i].method)))
			what = slice_of(methods[i].what);
	if (domain.len)
		snprintf(from, sizeof from, "someone@%.*s", SLICE_ARG(domain));
	if (scene->screen == SCREEN_REMOTE) {
		why_remote(console, listing_selected(scene_listing(scene)));
		return;
	}
	if (scene->screen == SCREEN_SESSIONS)
		row = listing_selected(scene_listing(scene));
	if (scene_text(row, "local").len) {
		bool is_presence = !slice_equal(scene_text(row, "kind"), SLICE("session"));

		whys_open(console, scene_text(row, "local"), scene_text(row, "remote"),
		          is_presence ? SLICE("presence") : SLICE("message"));
		return;
	}
	if (scene_text(row, "from").len && scene_text(row, "to").len)
		whys_open(console, scene_text(row, "from"), scene_text(row, "to"), what);
	else
		whys_open(console, slice_of(from), SLICE_NONE, what);
}

/* The form of the selected domain, on whichever list it is. */
void chosen_domain(struct console *console, const char *field)
{
	const struct json *row = scene_domain(&console->scene);
	bool is_blocked;

	if (!row) {
		scene_say(&console->scene, GRID_NORMAL, "%s", _("there is no row; n allows a new domain"));
		return;
	}
	is_blocked = domain_is_blocked(row);
	if (is_blocked && field && slice_equal(slice_of(field), SLICE("proxy-fqdn")))
		scene_say(&console->scene, GRID_NORMAL, "%s",
		          _("a blocked domain has no edge to connect to"));
	else
		forms_open(console, model_kind(is_blocked ? MODEL_BLOCKED_DOMAIN : MODEL_ALLOWED_DOMAIN),
		           scene_text(row, "domain"), false, field);
}

void chosen_show(struct console *console)
{
	const struct json *row = scene_domain(&console->scene);
	struct buffer line;

	if (!row)
		return;
	buffer_start(&line, COMMAND_BYTES);
	buffer_add(&line, SLICE("domain show"));
	command_add(&line, scene_text(row, "domain"));
	command_run(console, buffer_slice(&line));
	buffer_stop(&line);
}

/* ---- rows of any kind ---- */

static struct slice key_of_row(const struct scene *scene)
{
	const struct model_kind *kind = kind_of_screen(scene->screen);

	return scene_text(listing_selected(&scene->listings[scene->screen]), kind->fields[kind->key].name);
}

void chosen_edit(struct console *console)
{
	struct slice key = key_of_row(&console->scene);

	if (key.len)
		forms_open(console, kind_of_screen(console->scene.screen), key, false, NULL);
	else
		scene_say(&console->scene, GRID_NORMAL, "%s", _("there is no row"));
}

void chosen_show_listed(struct console *console)
{
	struct slice key = key_of_row(&console->scene);
	const struct control_verb *row = control_verb(
	        editing_verb(kind_of_screen(console->scene.screen), "show"));
	struct buffer line;

	if (!key.len || !row)
		return;
	buffer_start(&line, COMMAND_BYTES);
	buffer_printf(&line, "%s %s", row->noun, row->verb);
	command_add(&line, key);
	command_run(console, buffer_slice(&line));
	buffer_stop(&line);
}

/* "xmpp remove DOMAIN", after a question. */
void chosen_change(struct console *console, const char *verb)
{
	const struct listing *listing = scene_listing(&console->scene);
	struct slice key = key_of_row(&console->scene);
	const struct control_verb *row = control_verb(
	        editing_verb(kind_of_screen(console->scene.screen), verb));
	struct buffer line, names;

	if ((!key.len && !listing->mark_count) || !row) {
		scene_say(&console->scene, GRID_NORMAL, "%s",
		          key.len ? _("that cannot be done here") : _("there is no row"));
		return;
	}
	buffer_start(&line, COMMAND_BYTES);
	buffer_start(&names, COMMAND_BYTES);
	for (size_t i = 0; i < listing->mark_count; i++) /* a kind's rows have one key */
		command_add_name(&names, slice_of(listing->marks[i] + 1));
	if (!listing->mark_count)
		command_add_name(&names, key);
	buffer_printf(&line, "%s %s", row->noun, row->verb);
	command_add(&line, buffer_slice(&names));
	if (line.is_broken || names.is_broken) {
		scene_say(&console->scene, GRID_WARN, "%s", _("that is too many at once"));
		buffer_stop(&names);
		buffer_stop(&line);
		return;
	}
	question_command(console, buffer_slice(&line), true);
	if (listing->mark_count > 1)
		dialog_add_line(&console->scene.dialog, _("All %zu marked ones, as one change."),
		                listing->mark_count);
	if (console->scene.screen == SCREEN_POLICIES)
		scopes_explain_removal(listing_selected(scene_listing(&console->scene)),
		                       &console->scene.dialog);
	question_offer_stage(console);
	trial_ask(console);
	buffer_stop(&names);
	buffer_stop(&line);
}

void chosen_toggle(struct console *console)
{
	const struct json *row = listing_selected(scene_listing(&console->scene));

	chosen_change(console, scene_flag(row, "enabled") ? "disable" : "enable");
}

/* Ends a partner's back-off: it harms nobody, so nothing is asked. */
void chosen_retry(struct console *console)
{
	const struct json *row = listing_selected(scene_listing(&console->scene));
	struct slice partner = scene_text(row, "partner");
	struct buffer line;

	if (!partner.len) {
		scene_say(&console->scene, GRID_NORMAL, "%s", _("there is no row"));
		return;
	}
	buffer_start(&line, COMMAND_BYTES);
	buffer_add(&line, SLICE("connection retry"));
	command_add(&line, partner);
	command_do(console, buffer_slice(&line));
	buffer_stop(&line);
}

/* The command that is shown goes to the clipboard of the terminal. */

static void show_version(struct console *console)
{
	char command[64];

	snprintf(command, sizeof command, "version show %lld",
	         (long long)scene_number(listing_selected(scene_listing(&console->scene)), "version"));
	command_run(console, slice_of(command));
}

void chosen_open(struct console *console)
{
	struct scene *scene = &console->scene;
	const struct json *attention = json_at(json_get(scene->status, "attention"), scene->attention);

	if (scene->screen == SCREEN_CONNECTIONS)
		read_listed(console, listing_selected(scene_listing(scene)), _("Connection"));
	else if (scene->screen == SCREEN_SESSIONS)
		read_listed(console, listing_selected(scene_listing(scene)), _("Session"));
	else if (scene->screen == SCREEN_REMOTE)
		read_listed(console, listing_selected(scene_listing(scene)), _("Remote user"));
	else if (scene->screen == SCREEN_DISCOVERED)
		read_listed(console, listing_selected(scene_listing(scene)), _("Discovered partner"));
	else if (scene->screen == SCREEN_EVENTS)
		read_listed(console, listing_selected(&scene->events.list), _("Event"));
	else if (scene->screen == SCREEN_AUDIT)
		read_listed(console, listing_selected(scene_listing(scene)), _("Audit line"));
	else if (scene->screen == SCREEN_SERVICES)
		read_listed(console, listing_selected(scene_listing(scene)), _("Service"));
	else if (scene->screen == SCREEN_STAGED)
		command_run(console, SLICE("stage diff"));
	else if (scene->screen == SCREEN_VERSIONS && listing_selected(scene_listing(scene)))
		show_version(console);
	else if (scene->screen == SCREEN_OVERVIEW && attention)
		command_run(console, SLICE("event tail 100"));
}

static void say_marks_are_full(struct scene *scene)
{
	scene_say(scene, GRID_WARN, _("at most %d rows can be marked"), LISTING_MARKS_MAX);
}

void chosen_mark(struct console *console)
{
	struct scene *scene = &console->scene;

	if (listing_mark(scene_listing(scene)))
		table_key(scene_table(scene), INPUT_DOWN);
	else
		say_marks_are_full(scene);
}

void chosen_mark_all(struct console *console)
{
	if (!listing_mark_all(scene_listing(&console->scene)))
		say_marks_are_full(&console->scene);
}
