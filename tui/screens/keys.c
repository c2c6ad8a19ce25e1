/* What a key does. Nothing here waits: a key changes the scene, or asks something of the daemon. */
#include <stdio.h>

#include "tui/cli/print.h"
#include "tui/client/words.h"
#include "tui/screens/parts.h"

void console_go(struct console *console, enum screen screen)
{
	console->scene.screen = screen;
	console->scene.awaits_place = false;
	console->feed.due_ms = console->lists.due_ms = 0;
}

/* ---- prompts ---- */

static void open_prompt(struct console *console, enum prompt prompt, struct slice text)
{
	console->scene.prompt = prompt;
	console->scene.message[0] = '\0';
	editor_set(&console->scene.editor, text);
}

static void accept_comment(struct console *console, struct slice note)
{
	const struct domain_row *row = scene_domain(&console->scene);
	struct buffer line, pair;

	if (!row)
		return;
	changes_clear(&console->agreed);
	buffer_start(&line, COMMAND_BYTES);
	buffer_start(&pair, COMMAND_BYTES);
	buffer_printf(&line, "domain %s", slice_equal(row->rule, SLICE("block")) ? "block" : "allow");
	command_add(&line, row->domain);
	buffer_add(&pair, SLICE("comment="));
	buffer_add(&pair, note);
	command_add(&line, buffer_slice(&pair));
	/* A note moves nobody's messages: no question. */
	if (!line.is_broken && changes_add(&console->agreed, buffer_slice(&line))) {
		console->agreed.version = console->scene.domains.version;
		changes_agree(console);
	}
	buffer_stop(&pair);
	buffer_stop(&line);
}

static void accept_why(struct console *console, struct slice words)
{
	struct buffer line;

	buffer_start(&line, COMMAND_BYTES);
	buffer_add(&line, SLICE("why "));
	buffer_add(&line, words);
	command_run(console, buffer_slice(&line));
	buffer_stop(&line);
}

static void accept_prompt(struct console *console)
{
	enum prompt prompt = console->scene.prompt;
	struct editor editor = console->scene.editor;
	struct slice text = slice_trim(editor_text(&editor));

	console->scene.prompt = PROMPT_NONE;
	switch (prompt) {
	case PROMPT_COMMAND: command_run(console, text); break;
	case PROMPT_NEW:
		if (text.len)
			question_allow_new(console, text);
		break;
	case PROMPT_PROXY: question_proxy(console, text); break;
	case PROMPT_COMMENT: accept_comment(console, text); break;
	case PROMPT_WHY: accept_why(console, text); break;
	case PROMPT_FILTER:
	case PROMPT_NONE: break;
	}
}

static void set_filter(struct console *console, struct slice text)
{
	editor_set(scene_filter(&console->scene), text);
	scene_arrange(&console->scene);
	if (console->feed.asks_filtered)
		console->feed.due_ms = 0;
}

static void prompt_key(struct console *console, uint32_t key)
{
	if (key == INPUT_ESCAPE || key == INPUT_CTRL_C) {
		if (console->scene.prompt == PROMPT_FILTER)
			set_filter(console, SLICE(""));
		console->scene.prompt = PROMPT_NONE;
	} else if (key == INPUT_ENTER) {
		accept_prompt(console);
	} else if (editor_key(&console->scene.editor, key) && console->scene.prompt == PROMPT_FILTER) {
		set_filter(console, editor_text(&console->scene.editor));
	}
}

/* ---- actions ---- */

/* The domain that the selected row is about; none where it is about no partner. */
static struct slice partner_of_row(const struct scene *scene)
{
	const struct domain_row *row = scene_domain(scene);
	const struct json *listed = scene_listing(scene) ? listing_selected(scene_listing(scene)) : NULL;

	switch (scene->screen) {
	case SCREEN_DOMAINS: return row ? row->domain : SLICE_NONE;
	case SCREEN_CONNECTIONS:
		return slice_equal(scene_text(listed, "side"), SLICE("internal"))
		               ? SLICE_NONE
		               : connection_domain(scene, listed);
	case SCREEN_DISCOVERED: return scene_text(listed, "domain");
	case SCREEN_EVENTS:
		return scene_text(listed, "domain").len ? scene_text(listed, "domain")
		                                        : scene_text(listed, "partner");
	case SCREEN_OVERVIEW:
	case SCREEN_READING: break;
	}
	return SLICE_NONE;
}

static void block_partner(struct console *console)
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
	for (size_t i = 0; i < scene->connections.count; i++) {
		const struct json *row = scene->connections.rows[i];

		open += slice_equal_nocase(connection_domain(scene, row), domain) &&
		        slice_equal(scene_text(row, "state"), SLICE("up"));
	}
	question_block_partner(console, domain, open);
}

static void allow_partner(struct console *console)
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

static void ask_why(struct console *console)
{
	struct slice domain = partner_of_row(&console->scene);
	char text[300] = "";

	if (domain.len)
		snprintf(text, sizeof text, "someone@%.*s ", SLICE_ARG(domain));
	open_prompt(console, PROMPT_WHY, slice_of(text));
}

static void open_row(struct console *console)
{
	struct scene *scene = &console->scene;
	const struct domain_row *row = scene_domain(scene);
	const struct json *attention = json_at(json_get(scene->status, "attention"), scene->attention);
	struct buffer line;

	if (scene->screen == SCREEN_DOMAINS && row) {
		buffer_start(&line, COMMAND_BYTES);
		buffer_add(&line, SLICE("domain show"));
		command_add(&line, row->domain);
		command_run(console, buffer_slice(&line));
		buffer_stop(&line);
	} else if (scene->screen == SCREEN_CONNECTIONS) {
		read_listed(console, listing_selected(&scene->connections), _("Connection"));
	} else if (scene->screen == SCREEN_DISCOVERED) {
		read_listed(console, listing_selected(&scene->discovered), _("Discovered partner"));
	} else if (scene->screen == SCREEN_EVENTS) {
		read_listed(console, listing_selected(&scene->events.list), _("Event"));
	} else if (scene->screen == SCREEN_OVERVIEW && attention) {
		command_run(console, SLICE("event tail 100"));
	}
}

static void edit_field(struct console *console, enum prompt prompt)
{
	const struct domain_row *row = scene_domain(&console->scene);

	if (!row)
		scene_say(&console->scene, GRID_NORMAL, "%s", _("there is no row; n allows a new domain"));
	else if (prompt == PROMPT_PROXY && slice_equal(row->rule, SLICE("block")))
		scene_say(&console->scene, GRID_NORMAL, "%s",
		          _("a blocked domain has no edge to connect to"));
	else
		open_prompt(console, prompt, prompt == PROMPT_PROXY ? row->proxy : row->note);
}

static void toggle_mark(struct console *console)
{
	struct domain_row *row = scene_domain(&console->scene);

	if (!row)
		return;
	if (!row->is_marked && domain_rows_marked(&console->scene.domains) >= DOMAIN_MARKS_MAX) {
		scene_say(&console->scene, GRID_WARN, _("at most %d rows can be marked"), DOMAIN_MARKS_MAX);
		return;
	}
	row->is_marked = !row->is_marked;
	table_key(&console->scene.table, INPUT_DOWN);
}

static void sort_by(struct console *console, int step)
{
	struct table *table = scene_table(&console->scene);
	size_t count = table->column_count;

	table->sort = (table->sort + count + (size_t)(step + (int)count)) % count;
	scene_arrange(&console->scene);
}

static void refresh_all(struct console *console)
{
	view_hurry(&console->status);
	console->feed.due_ms = console->lists.due_ms = 0;
	client_retry_now(console->client, console->now);
	scene_say(&console->scene, GRID_DIM, "%s", _("asking again"));
}

static void leave(struct console *console)
{
	if (!console->changes.asked_id) {
		console->leaves = true;
		return;
	}
	changes_clear(&console->agreed);
	dialog_open(&console->scene.dialog, _("Leave"), _("Leave all the same? y/N"), NULL);
	dialog_add_line(&console->scene.dialog, "%s",
	                _("A change is still being saved; its answer would be lost."));
	snprintf(console->scene.dialog_command, sizeof console->scene.dialog_command, "version list");
}

static void go_back(struct console *console, uint32_t key)
{
	struct scene *scene = &console->scene;

	if (scene->screen == SCREEN_READING)
		scene->screen = scene->screen_before;
	else if (key != INPUT_ESCAPE)
		leave(console);
	else if (scene_table(scene) && scene_filter(scene)->length)
		set_filter(console, SLICE(""));
	else if (scene->screen == SCREEN_EVENTS)
		recent_pause(&scene->events, false);
	else
		domain_rows_unmark(&scene->domains);
}

static void follow(struct scene *scene)
{
	if (scene->events.is_paused)
		recent_pause(&scene->events, false);
	recent_follow(&scene->events, !scene->events.follows);
}

static void act(struct console *console, enum action_id id, uint32_t key)
{
	switch (id) {
	case ACTION_NEW: open_prompt(console, PROMPT_NEW, SLICE("")); break;
	case ACTION_OPEN: open_row(console); break;
	case ACTION_ALLOW:
	case ACTION_BLOCK:
	case ACTION_REMOVE: question_domains(console, id); break;
	case ACTION_PROXY: edit_field(console, PROMPT_PROXY); break;
	case ACTION_COMMENT: edit_field(console, PROMPT_COMMENT); break;
	case ACTION_FILTER:
	case ACTION_FILTER_CONNECTIONS:
	case ACTION_FILTER_DISCOVERED:
	case ACTION_FILTER_EVENTS:
		open_prompt(console, PROMPT_FILTER, editor_text(scene_filter(&console->scene)));
		break;
	case ACTION_ALLOW_PARTNER: allow_partner(console); break;
	case ACTION_BLOCK_PARTNER: block_partner(console); break;
	case ACTION_FOLLOW: follow(&console->scene); break;
	case ACTION_PAUSE: recent_pause(&console->scene.events, !console->scene.events.is_paused); break;
	case ACTION_WHY: ask_why(console); break;
	case ACTION_MARK: toggle_mark(console); break;
	case ACTION_GO: console->scene.awaits_place = true; break;
	case ACTION_COMMAND: open_prompt(console, PROMPT_COMMAND, SLICE("")); break;
	case ACTION_HELP: reading_show_keys(&console->scene); break;
	case ACTION_BACK: go_back(console, key); break;
	case ACTION_SORT_BEFORE: sort_by(console, -1); break;
	case ACTION_SORT_AFTER: sort_by(console, 1); break;
	case ACTION_REVERSE:
		scene_table(&console->scene)->is_reversed = !scene_table(&console->scene)->is_reversed;
		scene_arrange(&console->scene);
		break;
	case ACTION_REFRESH: refresh_all(console); break;
	case ACTION_REPAINT: term_repaint(console->term); break;
	case ACTION_SUSPEND: term_suspend(console->term); break;
	case ACTION_LEAVE: leave(console); break;
	case ACTION_COUNT: break;
	}
}

static void refuse(struct console *console, const struct control_verb *verb)
{
	struct scene *scene = &console->scene;
	char role[32] = "";

	slice_to_text(scene_text(scene->hello, "role"), role, sizeof role);
	if (!scene->hello)
		scene_say(scene, GRID_BAD, "%s", _("not connected"));
	else if (scene->is_read_only || slice_equal(scene_text(scene->hello, "mode"), SLICE("ro")))
		scene_say(scene, GRID_BAD, "%s", _("this session is read-only"));
	else
		scene_say(scene, GRID_BAD, _("%s %s needs the role %s; you are %s"), verb->noun, verb->verb,
		          control_role_name(verb->role), role);
}

/* ---- movement ---- */

static bool attention_key(struct scene *scene, uint32_t key)
{
	size_t count = scene_attention_count(scene);

	if (key == INPUT_UP || key == 'k')
		scene->attention -= scene->attention > 0;
	else if (key == INPUT_DOWN || key == 'j')
		scene->attention += scene->attention + 1 < count;
	else if (key == INPUT_HOME)
		scene->attention = 0;
	else if (key == INPUT_END || key == 'G')
		scene->attention = count ? count - 1 : 0;
	else
		return false;
	return true;
}

static bool movement_key(struct scene *scene, uint32_t key)
{
	switch (scene->screen) {
	case SCREEN_OVERVIEW: return attention_key(scene, key);
	case SCREEN_DOMAINS: return table_key(&scene->table, key);
	case SCREEN_READING: return pager_key(&scene->pager, key);
	case SCREEN_DISCOVERED: return table_key(&scene->discovered.table, key);
	case SCREEN_CONNECTIONS: return table_key(&scene->connections.table, key);
	case SCREEN_EVENTS:
		if (!table_key(&scene->events.list.table, key))
			return false;
		/* Whoever moves wants to read what is there. */
		scene->events.follows = false;
		return true;
	}
	return false;
}

static void place_key(struct console *console, uint32_t key)
{
	console->scene.awaits_place = false;
	if (key == 'o')
		console_go(console, SCREEN_OVERVIEW);
	else if (key == 'd')
		console_go(console, SCREEN_DOMAINS);
	else if (key == 'n')
		console_go(console, SCREEN_CONNECTIONS);
	else if (key == 'v')
		console_go(console, SCREEN_DISCOVERED);
	else if (key == 'e')
		console_go(console, SCREEN_EVENTS);
	else if (key == 'g')
		movement_key(&console->scene, INPUT_HOME);
	else if (key != INPUT_ESCAPE)
		scene_say(&console->scene, GRID_NORMAL, "%s", _("g is followed by o, n, e, d, v or g"));
}

/* ---- a key ---- */

static void dialog_input(struct console *console, uint32_t key)
{
	enum dialog_answer answer = dialog_key(&console->scene.dialog, key);

	if (answer == DIALOG_NO) {
		changes_clear(&console->agreed);
		scene_say(&console->scene, GRID_NORMAL, "%s", _("nothing was changed"));
	} else if (answer == DIALOG_YES && console->agreed.count == 0) {
		console->leaves = true; /* the only question without a command */
	} else if (answer == DIALOG_YES) {
		changes_agree(console);
	}
}

/*
 * What is pasted into a field is text; anywhere else it is nothing, least of all keys.
 * A paste whose end was lost on the way ends with a pause.
 */
static bool is_pasted(struct console *console, uint32_t key)
{
	bool is_mark = key == INPUT_PASTE_BEGIN || key == INPUT_PASTE_END;

	if (console->is_pasting && console->now.mono_ms - console->pasted_ms > PASTE_PAUSE_MS)
		console->is_pasting = false;
	console->pasted_ms = console->now.mono_ms;
	if (is_mark)
		console->is_pasting = key == INPUT_PASTE_BEGIN;
	if (is_mark || !console->is_pasting)
		return is_mark;
	if (console->scene.prompt != PROMPT_NONE && !console->scene.dialog.is_open && key != INPUT_ENTER &&
	    key != INPUT_ESCAPE && key >= 0x20)
		prompt_key(console, key);
	return true;
}

void keys_handle(struct console *console, uint32_t key)
{
	struct scene *scene = &console->scene;
	enum action_id id;

	if (key == INPUT_NONE || key == INPUT_RESIZE || is_pasted(console, key))
		return;
	if (key == INPUT_CTRL_L || key == INPUT_CTRL_Z) {
		act(console, key == INPUT_CTRL_L ? ACTION_REPAINT : ACTION_SUSPEND, key);
		return;
	}
	if (scene->dialog.is_open) {
		dialog_input(console, key);
		return;
	}
	if (scene->prompt != PROMPT_NONE) {
		prompt_key(console, key);
		return;
	}
	scene->message[0] = '\0';
	if (scene->awaits_place) {
		place_key(console, key);
		return;
	}
	if (movement_key(scene, key))
		return;
	id = action_of_key(scene_place(scene), key);
	if (id == ACTION_COUNT)
		scene_say(scene, GRID_NORMAL, "%s", _("that key does nothing here; ? lists the keys"));
	else if (!scene_permits(scene, action(id)->verb))
		refuse(console, control_verb(action(id)->verb));
	else
		act(console, id, key);
}
