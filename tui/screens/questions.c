/*
 * Questions before a change: what would happen, and to how many.
 *
 * y/N; where live connections would end, their number has to be typed.
 */
#include <stdio.h>

#include "tui/client/words.h"
#include "tui/screens/parts.h"

enum { NAMES_SHOWN = 3, CHANGES_SHOWN = 5 };

static bool is_on(const struct scene *scene, const char *name)
{
	return scene_flag(json_get(scene->status, "switches"), name);
}

/* "domain VERB NAME field=value", added to what the dialog will start. */
static bool add_change(struct console *console, const char *verb, struct slice domain, const char *field,
                       struct slice value)
{
	struct buffer line, pair;
	bool is_added;

	buffer_start(&line, COMMAND_BYTES);
	buffer_start(&pair, COMMAND_BYTES);
	buffer_printf(&line, "domain %s", verb);
	command_add(&line, domain);
	if (field) {
		buffer_printf(&pair, "%s=", field);
		buffer_add(&pair, value);
		command_add(&line, buffer_slice(&pair));
	}
	is_added = !line.is_broken && !pair.is_broken && changes_add(&console->agreed, buffer_slice(&line));
	buffer_stop(&line);
	buffer_stop(&pair);
	return is_added;
}

/* The command that is shown; for several rows the first and how many more. */
static void show_command(struct console *console)
{
	struct scene *scene = &console->scene;
	struct slice first = changes_first(&console->agreed);

	if (console->agreed.count > 1)
		snprintf(scene->dialog_command, sizeof scene->dialog_command, _("%.*s   (and %zu more)"),
		         SLICE_ARG(first), console->agreed.count - 1);
	else
		snprintf(scene->dialog_command, sizeof scene->dialog_command, "%.*s", SLICE_ARG(first));
}

/* `s` stages what is asked about instead of publishing it. */
void question_offer_stage(struct console *console)
{
	if (scene_permits(&console->scene, CONTROL_VERB_STAGE_DROP))
		console->scene.dialog.other = 's';
}

/* The rows that a key acts on: the marked ones, else the selected one. */
struct targets {
	struct slice names[LISTING_MARKS_MAX];
	size_t count;
	int64_t connections; /* open ones of all of them */
	size_t blocked;
};

static void count_target(struct targets *t, const struct json *row)
{
	t->connections += scene_number(row, "connections");
	t->blocked += domain_is_blocked(row);
}

static struct targets find_targets(const struct scene *scene)
{
	const struct listing *domains = &scene->listings[SCREEN_DOMAINS];
	const struct json *selected = scene_domain(scene);
	struct targets t = { .count = domains->mark_count };

	if (t.count == 0 && selected) {
		t.names[t.count++] = scene_text(selected, "domain");
		count_target(&t, selected);
	}
	for (size_t i = 0; i < domains->mark_count; i++) /* a domain's row has one key */
		t.names[i] = slice_of(domains->marks[i] + 1);
	for (size_t i = 0; i < domains->count && domains->mark_count; i++)
		if (listing_is_marked(domains, domains->rows[i]))
			count_target(&t, domains->rows[i]);
	return t;
}

/* "domain VERB a,b,c": one change, whose names are at most LISTING_MARKS_MAX. */
static bool add_targets(struct console *console, const char *verb, const struct targets *t)
{
	struct buffer names;
	bool is_added;

	buffer_start(&names, COMMAND_BYTES);
	for (size_t i = 0; i < t->count; i++)
		command_add_name(&names, t->names[i]);
	is_added = !names.is_broken && add_change(console, verb, buffer_slice(&names), NULL, SLICE_NONE);
	buffer_stop(&names);
	return is_added;
}

static void name_targets(const struct targets *t, char *to, size_t size)
{
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < t->count && i < NAMES_SHOWN && used < size; i++)
		used += (size_t)snprintf(to + used, size - used, "%s%.*s", i ? ", " : "",
		                         SLICE_ARG(t->names[i]));
	if (t->count > NAMES_SHOWN && used < size)
		snprintf(to + used, size - used, _(" and %zu more"), t->count - NAMES_SHOWN);
}

static void open_dialog(struct console *console, const char *title, int64_t connections)
{
	char word[DIALOG_WORD_BYTES], question[DIALOG_LINE_BYTES];

	console->asking = ASKING_AGREED;
	snprintf(word, sizeof word, "%lld", (long long)connections);
	snprintf(question, sizeof question, _("Type %s, the number of connections that will close:"), word);
	if (connections > 0)
		dialog_open(&console->scene.dialog, title, question, word);
	else
		dialog_open(&console->scene.dialog, title, _("Publish now? y/N"), NULL);
	timer_offer(console);
}

static void explain_block(struct console *console, const struct targets *t)
{
	struct dialog *dialog = &console->scene.dialog;

	dialog_add_line(dialog, "%s", _("Nobody may talk with it any more, in either direction."));
	if (t->connections)
		dialog_add_line(dialog,
		                ngettext("Now open: %lld connection; it closes.",
		                         "Now open: %lld connections; they close.",
		                         (unsigned long)t->connections),
		                (long long)t->connections);
	if (t->blocked < t->count)
		dialog_add_line(dialog, "%s",
		                _("It comes off the allowed list; its proxy setting goes with the entry."));
}

static void explain_allow(struct console *console, size_t blocked)
{
	struct dialog *dialog = &console->scene.dialog;

	dialog_add_line(dialog, "%s", _("Its users and ours may talk, as the users' policies permit."));
	if (blocked)
		dialog_add_line(dialog, "%s", _("It comes off the block list."));
	if (console->scene.status && !is_on(&console->scene, "allow-federated-users"))
		dialog_add_line(dialog, "%s", _("SIP federation is off: until it is on, nothing crosses."));
}

static void explain_remove(struct console *console, const struct targets *t)
{
	struct dialog *dialog = &console->scene.dialog;

	if (is_on(&console->scene, "enable-partner-discovery"))
		dialog_add_line(dialog, "%s",
		                _("Partner discovery is on: it may still talk when DNS proves it."));
	else
		dialog_add_line(dialog, "%s", _("Partner discovery is off: on no list means refused."));
	if (t->connections)
		dialog_add_line(dialog,
		                ngettext("Now open: %lld connection.", "Now open: %lld connections.",
		                         (unsigned long)t->connections),
		                (long long)t->connections);
	if (t->blocked)
		dialog_add_line(dialog,
		                t->count == 1 ? _("It was blocked until now.")
		                              : ngettext("%zu of them was blocked until now.",
		                                         "%zu of them were blocked until now.",
		                                         (unsigned long)t->blocked),
		                t->blocked);
}

void question_domains(struct console *console, enum action_id which)
{
	struct targets t = find_targets(&console->scene);
	const char *verb = which == ACTION_BLOCK ? "block" : which == ACTION_ALLOW ? "allow" : "remove";
	char names[DIALOG_LINE_BYTES - 32], title[DIALOG_LINE_BYTES];
	bool discovers = is_on(&console->scene, "enable-partner-discovery");
	bool closes = which == ACTION_BLOCK || (which == ACTION_REMOVE && !discovers);

	if (t.count == 0) {
		scene_say(&console->scene, GRID_NORMAL, "%s", _("there is no row; n allows a new domain"));
		return;
	}
	if (which == ACTION_ALLOW && t.blocked == 0) {
		name_targets(&t, names, sizeof names);
		scene_say(&console->scene, GRID_NORMAL,
		          ngettext("%s is allowed already", "%s are allowed already", (unsigned long)t.count),
		          names);
		return;
	}
	changes_clear(&console->agreed);
	if (!add_targets(console, verb, &t)) {
		scene_say(&console->scene, GRID_WARN, "%s", _("that is too many at once"));
		return;
	}
	name_targets(&t, names, sizeof names);
	snprintf(title, sizeof title,
	         which == ACTION_BLOCK   ? _("Block %s")
	         : which == ACTION_ALLOW ? _("Allow %s")
	                                 : _("Remove %s"),
	         names);
	open_dialog(console, title, closes ? t.connections : 0);
	if (which == ACTION_BLOCK)
		explain_block(console, &t);
	else if (which == ACTION_ALLOW)
		explain_allow(console, t.blocked);
	else
		explain_remove(console, &t);
	console->agreed.version = scene_number(console->scene.listings[SCREEN_DOMAINS].result, "version");
	show_command(console);
	question_offer_stage(console);
	trial_ask(console);
}

void question_allow_new(struct console *console, struct slice domain)
{
	struct listing *domains = &console->scene.listings[SCREEN_DOMAINS];
	const struct json *row = listing_find(domains, domain);
	char title[DIALOG_LINE_BYTES];

	if (row && !domain_is_blocked(row)) {
		listing_select(domains, row);
		scene_say(&console->scene, GRID_NORMAL, _("%.*s is allowed already"), SLICE_ARG(domain));
		return;
	}
	changes_clear(&console->agreed);
	if (!add_change(console, "allow", domain, NULL, SLICE_NONE)) {
		scene_say(&console->scene, GRID_BAD, "%s", _("that is too long for a domain"));
		return;
	}
	snprintf(title, sizeof title, _("Allow %.*s"), SLICE_ARG(domain));
	open_dialog(console, title, 0);
	explain_allow(console, row != NULL);
	console->agreed.version = scene_number(domains->result, "version");
	show_command(console);
}

/* ---- the form ---- */

static void add_form_changes(struct dialog *dialog, const struct editing *editing)
{
	size_t shown = 0, changes = form_changes(&editing->form);

	for (size_t i = 0; i < editing->form.count; i++) {
		const struct form_field *field = &editing->form.fields[i];
		struct slice value = slice_trim(editor_text(&field->value));

		if (!form_is_changed(field) || (editing->is_new && editing->rows[i] == editing->kind->key))
			continue;
		if (shown++ == CHANGES_SHOWN) {
			dialog_add_line(dialog, _("and %zu more"), changes - CHANGES_SHOWN);
			return;
		}
		dialog_add_line(dialog, "%s: %.40s -> %.*s", editing->kind->fields[editing->rows[i]].name,
		                field->saved[0] ? field->saved : "-", (int)(value.len ? value.len : 1),
		                value.len ? value.ptr : "-");
	}
}

static void add_form_effects(struct dialog *dialog, const struct editing *editing)
{
	for (size_t i = 0; i < editing->form.count; i++)
		if (form_is_changed(&editing->form.fields[i]) && editing->form.fields[i].effect[0])
			dialog_add_line(dialog, "%s", editing->form.fields[i].effect);
}

/* Only words for other administrators: nobody's messages move. */
static bool is_remark(const struct editing *editing)
{
	for (size_t i = 0; i < editing->form.count; i++) {
		const char *name = editing->kind->fields[editing->rows[i]].name;

		if (form_is_changed(&editing->form.fields[i]) &&
		    !slice_equal(slice_of(name), SLICE("comment")) &&
		    !slice_equal(slice_of(name), SLICE("description")))
			return false;
	}
	return !editing->is_new;
}

static void add_form_command(struct console *console)
{
	struct buffer line;

	buffer_start(&line, COMMAND_BYTES);
	editing_command(&console->scene.editing, &line);
	if (!line.is_broken)
		changes_add(&console->agreed, buffer_slice(&line));
	buffer_stop(&line);
}

/* What is in the title: the kind, and which one. */
static void name_object(const struct editing *editing, char to[DIALOG_LINE_BYTES])
{
	char label[FORM_LABEL_BYTES], key[EDITING_KEY_BYTES] = "";
	size_t at = editing->kind->key < editing->kind->field_count
	                    ? editing_field(editing, editing->kind->fields[editing->kind->key].name)
	                    : editing->form.count;

	editing_label(editing->kind->name, label);
	if (at < editing->form.count)
		slice_to_text(slice_trim(editor_text(&editing->form.fields[at].value)), key, sizeof key);
	snprintf(to, DIALOG_LINE_BYTES, editing->is_new ? _("New: %s %.120s") : _("Save: %s %.120s"), label,
	         key);
}

void question_form(struct console *console)
{
	struct editing *editing = &console->scene.editing;
	char word[DIALOG_WORD_BYTES], title[DIALOG_LINE_BYTES], question[DIALOG_LINE_BYTES];

	changes_clear(&console->agreed);
	add_form_command(console);
	if (!console->agreed.count) {
		scene_say(&console->scene, GRID_BAD, "%s",
		          _("the command is too long; save fewer changes at once"));
		return;
	}
	console->agreed.version = editing->version ? editing->version
	                                           : scene_number(console->scene.status, "version");
	console->agreed.is_form = true;
	if (is_remark(editing)) {
		changes_agree(console);
		return;
	}
	effects_say(&console->scene);
	effects_weigh(&console->scene, word);
	name_object(editing, title);
	snprintf(question, sizeof question, _("Type %s to publish this:"), word);
	dialog_open(&console->scene.dialog, title, word[0] ? question : _("Publish now? y/N"), word);
	console->asking = ASKING_AGREED;
	timer_offer(console);
	add_form_changes(&console->scene.dialog, editing);
	if (editing->kind->id == MODEL_ALLOWED_DOMAIN && editing->is_new)
		explain_allow(console, listing_find(&console->scene.listings[SCREEN_DOMAINS],
		                                    editor_text(&editing->form.fields[0].value)) != NULL);
	if (editing->kind->id == MODEL_BLOCKED_DOMAIN && editing->is_new)
		dialog_add_line(&console->scene.dialog, "%s",
		                _("Nobody may talk with it any more, in either direction."));
	add_form_effects(&console->scene.dialog, editing);
	show_command(console);
	question_offer_stage(console);
	trial_ask(console);
}

/* ---- what `why` proposes ---- */

bool question_change(struct console *console, struct slice change)
{
	struct slice rest = change, part;

	changes_clear(&console->agreed);
	while (slice_next(&rest, ';', &part)) {
		part = slice_trim(part);
		if (slice_starts(part, SLICE("none:")) || slice_find(part, ':') < slice_find(part, ' ') ||
		    !changes_add(&console->agreed, part)) {
			changes_clear(&console->agreed);
			return false;
		}
	}
	if (!console->agreed.count)
		return false;
	open_dialog(console, _("Let it pass"), 0);
	rest = change;
	while (slice_next(&rest, ';', &part))
		dialog_add_line(&console->scene.dialog, "parley %.*s", SLICE_ARG(slice_trim(part)));
	dialog_add_line(&console->scene.dialog, "%s", _("It changes the configuration for everybody."));
	console->agreed.version = scene_number(console->scene.why.answer.result, "version");
	show_command(console);
	return true;
}

void question_block_partner(struct console *console, struct slice domain, int64_t connections)
{
	struct targets none = { .connections = connections };
	char title[DIALOG_LINE_BYTES];

	changes_clear(&console->agreed);
	if (!add_change(console, "block", domain, NULL, SLICE_NONE)) {
		scene_say(&console->scene, GRID_BAD, "%s", _("that is too long for a domain"));
		return;
	}
	snprintf(title, sizeof title, _("Block %.*s"), SLICE_ARG(domain));
	open_dialog(console, title, connections);
	explain_block(console, &none);
	console->agreed.version = scene_number(console->scene.status, "version");
	show_command(console);
}

void question_service(struct console *console, const char *verb)
{
	struct scene *scene = &console->scene;
	const struct json *row = listing_selected(&scene->listings[SCREEN_SERVICES]);
	bool is_stop = slice_equal(slice_of(verb), SLICE("stop"));
	char name[DIALOG_WORD_BYTES], title[DIALOG_LINE_BYTES], question[DIALOG_LINE_BYTES];
	struct buffer line;

	if (!row || !slice_to_text(scene_text(row, "name"), name, sizeof name)) {
		scene_say(scene, GRID_NORMAL, "%s", _("there is no row"));
		return;
	}
	buffer_start(&line, COMMAND_BYTES);
	buffer_printf(&line, "service %s", verb);
	command_add(&line, slice_of(name));
	if (slice_equal(slice_of(verb), SLICE("start"))) {
		command_do(console, buffer_slice(&line));
		buffer_stop(&line);
		return;
	}
	changes_clear(&console->agreed);
	changes_add(&console->agreed, buffer_slice(&line));
	buffer_stop(&line);
	snprintf(title, sizeof title, "%s %s",
	         is_stop                                       ? _("Stop")
	         : slice_equal(slice_of(verb), SLICE("drain")) ? _("Drain")
	                                                       : _("Restart"),
	         name);
	snprintf(question, sizeof question, _("Type %s to end it:"), name);
	console->asking = ASKING_AGREED;
	dialog_open(&scene->dialog, title, is_stop ? question : _("Do it? y/N"), is_stop ? name : NULL);
	dialog_add_line(&scene->dialog, _("Now connected: %lld; under way: %lld."),
	                (long long)scene_number(row, "connections"),
	                (long long)scene_number(row, "transactions"));
	dialog_add_line(&scene->dialog, "%s",
	                is_stop ? _("They end at once; D drains instead: what is under way ends first.")
	                        : _("New work is refused with 503; what is under way may end first."));
	show_command(console);
}

void question_connection(struct console *console, const char *verb)
{
	struct scene *scene = &console->scene;
	const struct json *row = listing_selected(&scene->listings[SCREEN_CONNECTIONS]);
	struct slice id = scene_text(row, "id");
	bool is_drain = slice_equal(slice_of(verb), SLICE("drain"));
	char title[DIALOG_LINE_BYTES];
	struct buffer line;

	if (!row || !id.len || slice_equal(id, SLICE("-"))) {
		scene_say(scene, GRID_NORMAL, "%s",
		          row ? _("it is no connection (any more), only what is told of one")
		              : _("there is no row"));
		return;
	}
	buffer_start(&line, COMMAND_BYTES);
	buffer_printf(&line, "connection %s", verb);
	command_add(&line, id);
	changes_clear(&console->agreed);
	changes_add(&console->agreed, buffer_slice(&line));
	buffer_stop(&line);
	snprintf(title, sizeof title, is_drain ? _("Drain %.*s: %.*s") : _("Close %.*s: %.*s"), SLICE_ARG(id),
	         SLICE_ARG(scene_text(row, "partner")));
	console->asking = ASKING_AGREED;
	dialog_open(&scene->dialog, title, _("Do it? y/N"), NULL);
	dialog_add_line(&scene->dialog, "%s",
	                is_drain ? _("Nothing new is taken on it; it ends when what is under way has ended.")
	                         : _("What is under way has a second to be answered, then it ends."));
	if (slice_equal(scene_text(row, "side"), SLICE("internal")))
		dialog_add_line(&scene->dialog, "%s",
		                _("It is one to our own pool: the next message opens another."));
	else
		dialog_add_line(&scene->dialog, "%s",
		                _("The partner may connect again at once; b blocks its domain instead."));
	show_command(console);
}

void question_disconnect(struct console *console)
{
	struct scene *scene = &console->scene;
	const struct json *row = listing_selected(&scene->listings[SCREEN_REMOTE]);
	struct slice user = scene_text(row, "user");
	char title[DIALOG_LINE_BYTES];
	struct buffer line;

	if (!row || slice_equal(scene_text(row, "kind"), SLICE("anonymous"))) {
		scene_say(scene, GRID_NORMAL, "%s",
		          row ? _("nobody with an account: end its connection (g n), or take the meeting off "
		                  "its list")
		              : _("there is no row"));
		return;
	}
	buffer_start(&line, COMMAND_BYTES);
	buffer_add(&line, SLICE("remote disconnect"));
	command_add(&line, user);
	changes_clear(&console->agreed);
	changes_add(&console->agreed, buffer_slice(&line));
	buffer_stop(&line);
	snprintf(title, sizeof title, _("Cut off %.*s"), SLICE_ARG(user));
	console->asking = ASKING_AGREED;
	dialog_open(&scene->dialog, title, _("Do it? y/N"), NULL);
	dialog_add_line(&scene->dialog, "%s",
	                _("What is under way has a second to be answered, then it ends."));
	dialog_add_line(&scene->dialog, "%s",
	                _("The user may sign in again at once; a policy without remote access forbids it."));
	show_command(console);
}

void question_command(struct console *console, struct slice line, bool is_change)
{
	struct dialog *dialog = &console->scene.dialog;

	changes_clear(&console->agreed);
	if (!changes_add(&console->agreed, line)) {
		scene_say(&console->scene, GRID_BAD, "%s", _("the command is too long"));
		return;
	}
	open_dialog(console, _("Run this command"), 0);
	if (!is_change) /* nothing is published by it */
		dialog_open(dialog, _("Run this command"), _("Do it? y/N"), NULL);
	dialog_add_line(dialog, "parley %.*s", SLICE_ARG(line));
	dialog_add_line(dialog, "%s",
	                is_change ? _("It changes the configuration for everybody.")
	                          : _("It acts on the running edge at once; no version is published."));
	show_command(console);
}
