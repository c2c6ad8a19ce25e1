/*
 * Questions before a change: what would happen, and to how many.
 *
 * y/N; where live connections would end, their number has to be typed.
 */
#include <stdio.h>

#include "tui/client/words.h"
#include "tui/screens/parts.h"

enum { NAMES_SHOWN = 3 };

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

/* The rows that a key acts on: the marked ones, else the selected one. */
struct targets {
	const struct domain_row *rows[DOMAIN_MARKS_MAX];
	size_t count;
	int64_t connections; /* open ones of all of them */
	size_t blocked;
};

static struct targets find_targets(const struct scene *scene)
{
	struct targets t = { .count = 0 };
	const struct domain_row *selected = scene_domain(scene);

	for (size_t i = 0; i < scene->domains.count && t.count < DOMAIN_MARKS_MAX; i++)
		if (scene->domains.rows[i].is_marked)
			t.rows[t.count++] = &scene->domains.rows[i];
	if (t.count == 0 && selected)
		t.rows[t.count++] = selected;
	for (size_t i = 0; i < t.count; i++) {
		t.connections += t.rows[i]->connections;
		t.blocked += slice_equal(t.rows[i]->rule, SLICE("block"));
	}
	return t;
}

static void name_targets(const struct targets *t, char *to, size_t size)
{
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < t->count && i < NAMES_SHOWN && used < size; i++)
		used += (size_t)snprintf(to + used, size - used, "%s%.*s", i ? ", " : "",
		                         SLICE_ARG(t->rows[i]->domain));
	if (t->count > NAMES_SHOWN && used < size)
		snprintf(to + used, size - used, _(" and %zu more"), t->count - NAMES_SHOWN);
}

static void open_dialog(struct console *console, const char *title, int64_t connections)
{
	char word[DIALOG_WORD_BYTES], question[DIALOG_LINE_BYTES];

	snprintf(word, sizeof word, "%lld", (long long)connections);
	snprintf(question, sizeof question, _("Type %s, the number of connections that will close:"), word);
	if (connections > 0)
		dialog_open(&console->scene.dialog, title, question, word);
	else
		dialog_open(&console->scene.dialog, title, _("Publish now? y/N"), NULL);
}

static void explain_block(struct console *console, const struct targets *t)
{
	struct dialog *dialog = &console->scene.dialog;

	dialog_add_line(dialog, "%s", _("Nobody may talk with it any more, in either direction."));
	if (t->connections)
		dialog_add_line(dialog, _("Now open: %lld connections; they close."),
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
		dialog_add_line(dialog, _("Now open: %lld connections."), (long long)t->connections);
	if (t->blocked)
		dialog_add_line(dialog, _("%zu of them blocked until now."), t->blocked);
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
	changes_clear(&console->agreed);
	for (size_t i = 0; i < t.count; i++)
		if (!add_change(console, verb, t.rows[i]->domain, NULL, SLICE_NONE))
			break;
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
	console->agreed.version = console->scene.domains.version;
	show_command(console);
}

void question_allow_new(struct console *console, struct slice domain)
{
	const struct domain_row *row = domain_rows_find(&console->scene.domains, domain);
	char title[DIALOG_LINE_BYTES];
	size_t place;

	if (row && !slice_equal(row->rule, SLICE("block"))) {
		place = domain_rows_place(&console->scene.domains, domain);
		console->scene.table.selected = place < console->scene.domains.shown
		                                        ? place
		                                        : console->scene.table.selected;
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
	console->agreed.version = console->scene.domains.version;
	show_command(console);
}

void question_proxy(struct console *console, struct slice proxy)
{
	const struct domain_row *row = scene_domain(&console->scene);
	struct dialog *dialog = &console->scene.dialog;
	char title[DIALOG_LINE_BYTES];

	if (!row)
		return;
	changes_clear(&console->agreed);
	if (!add_change(console, "allow", row->domain, "proxy-fqdn", proxy)) {
		scene_say(&console->scene, GRID_BAD, "%s", _("that is too long for a name"));
		return;
	}
	snprintf(title, sizeof title, _("Edge of %.*s"), SLICE_ARG(row->domain));
	open_dialog(console, title, 0);
	if (proxy.len) {
		dialog_add_line(dialog, _("Connections go to %.*s and nowhere else."), SLICE_ARG(proxy));
		dialog_add_line(dialog, "%s",
		                _("A pinned name is trusted more, and breaks when the partner moves."));
	} else {
		dialog_add_line(dialog, "%s", _("The partner's edge is found by DNS SRV from now on."));
	}
	console->agreed.version = console->scene.domains.version;
	show_command(console);
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

void question_command(struct console *console, struct slice line)
{
	changes_clear(&console->agreed);
	if (!changes_add(&console->agreed, line)) {
		scene_say(&console->scene, GRID_BAD, "%s", _("the command is too long"));
		return;
	}
	open_dialog(console, _("Run this command"), 0);
	dialog_add_line(&console->scene.dialog, "parley %.*s", SLICE_ARG(line));
	dialog_add_line(&console->scene.dialog, "%s", _("It changes the configuration for everybody."));
	show_command(console);
}
