/* What a key does. Nothing here waits: a key changes the scene, or asks something of the daemon. */
#include <stdio.h>

#include "tui/cli/print.h"
#include "tui/client/words.h"
#include "tui/screens/complete.h"
#include "tui/screens/parts.h"

/* ---- prompts ---- */

static void open_prompt(struct console *console, enum prompt prompt, struct slice text)
{
	console->scene.prompt = prompt;
	console->scene.message[0] = '\0';
	editor_set(&console->scene.editor, text);
}

static void accept_prompt(struct console *console)
{
	struct editor editor = console->scene.editor;
	enum prompt prompt = console->scene.prompt;

	console->scene.prompt = PROMPT_NONE;
	if (prompt == PROMPT_COMMAND)
		command_run(console, slice_trim(editor_text(&editor)));
	else if (prompt == PROMPT_COMMENT)
		stages_publish_as(console, slice_trim(editor_text(&editor)));
}

static void set_filter(struct console *console, struct slice text)
{
	editor_set(scene_filter(&console->scene), text);
	scene_arrange(&console->scene);
	if (console->feed.asks_filtered)
		console->feed.due_ms = 0;
}

/* Tab: as far as all that fits agrees; what fits is shown below. */
static void complete(struct scene *scene)
{
	struct editor *editor = &scene->editor;
	struct buffer candidates, more;
	struct slice rest;

	buffer_start(&candidates, sizeof scene->offers - 1);
	buffer_start(&more, 128);
	editor_key(editor, INPUT_END);
	complete_line(editor_text(editor), &candidates, &more);
	rest = buffer_slice(&more);
	for (size_t i = 0; i < rest.len; i++)
		editor_key(editor, (unsigned char)rest.ptr[i]);
	if (!slice_to_text(buffer_slice(&candidates), scene->offers, sizeof scene->offers))
		scene->offers[0] = '\0';
	buffer_stop(&candidates);
	buffer_stop(&more);
}

static void prompt_key(struct console *console, uint32_t key)
{
	console->scene.offers[0] = '\0';
	if (key == INPUT_TAB && console->scene.prompt == PROMPT_COMMAND) {
		complete(&console->scene);
	} else if (key == INPUT_ESCAPE || key == INPUT_CTRL_C) {
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

	if (scene->screen == SCREEN_DOMAINS)
		return row ? row->domain : SLICE_NONE;
	if (scene->screen == SCREEN_CONNECTIONS)
		return slice_equal(scene_text(listed, "side"), SLICE("internal"))
		               ? SLICE_NONE
		               : connection_domain(scene, listed);
	return scene_text(listed, "domain").len ? scene_text(listed, "domain")
	                                        : scene_text(listed, "partner");
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
	for (size_t i = 0; i < scene->listings[SCREEN_CONNECTIONS].count; i++) {
		const struct json *row = scene->listings[SCREEN_CONNECTIONS].rows[i];

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

/* A request's row names both ends and what it was; any other at most the partner. */
static void ask_why(struct console *console)
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
	if (scene_text(row, "from").len && scene_text(row, "to").len)
		whys_open(console, scene_text(row, "from"), scene_text(row, "to"), what);
	else
		whys_open(console, slice_of(from), SLICE_NONE, what);
}

/* The form of the selected domain, on whichever list it is. */
static void edit_domain(struct console *console, const char *field)
{
	const struct domain_row *row = scene_domain(&console->scene);
	bool is_blocked;

	if (!row) {
		scene_say(&console->scene, GRID_NORMAL, "%s", _("there is no row; n allows a new domain"));
		return;
	}
	is_blocked = slice_equal(row->rule, SLICE("block"));
	if (is_blocked && field && slice_equal(slice_of(field), SLICE("proxy-fqdn")))
		scene_say(&console->scene, GRID_NORMAL, "%s",
		          _("a blocked domain has no edge to connect to"));
	else
		forms_open(console, model_kind(is_blocked ? MODEL_BLOCKED_DOMAIN : MODEL_ALLOWED_DOMAIN),
		           row->domain, false, field);
}

static void show_domain(struct console *console)
{
	const struct domain_row *row = scene_domain(&console->scene);
	struct buffer line;

	if (!row)
		return;
	buffer_start(&line, COMMAND_BYTES);
	buffer_add(&line, SLICE("domain show"));
	command_add(&line, row->domain);
	command_run(console, buffer_slice(&line));
	buffer_stop(&line);
}

/* ---- rows of any kind ---- */

static struct slice key_of_row(const struct scene *scene)
{
	const struct model_kind *kind = kind_of_screen(scene->screen);

	return scene_text(listing_selected(&scene->listings[scene->screen]), kind->fields[kind->key].name);
}

static void edit_listed(struct console *console)
{
	struct slice key = key_of_row(&console->scene);

	if (key.len)
		forms_open(console, kind_of_screen(console->scene.screen), key, false, NULL);
	else
		scene_say(&console->scene, GRID_NORMAL, "%s", _("there is no row"));
}

/* "xmpp remove DOMAIN", after a question. */
static void change_listed(struct console *console, const char *verb)
{
	struct slice key = key_of_row(&console->scene);
	const struct control_verb *row = control_verb(
	        editing_verb(kind_of_screen(console->scene.screen), verb));
	struct buffer line;

	if (!key.len || !row) {
		scene_say(&console->scene, GRID_NORMAL, "%s",
		          key.len ? _("that cannot be done here") : _("there is no row"));
		return;
	}
	buffer_start(&line, COMMAND_BYTES);
	buffer_printf(&line, "%s %s", row->noun, row->verb);
	command_add(&line, key);
	question_command(console, buffer_slice(&line), true);
	trial_ask(console);
	buffer_stop(&line);
}

static void toggle_listed(struct console *console)
{
	const struct json *row = listing_selected(scene_listing(&console->scene));

	change_listed(console, scene_flag(row, "enabled") ? "disable" : "enable");
}

/* Ends a partner's back-off: it harms nobody, so nothing is asked. */
static void retry_partner(struct console *console)
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
static void copy_command(struct console *console)
{
	struct buffer command;

	buffer_start(&command, 4096);
	buffer_add(&command, SLICE("parley "));
	scene_command(&console->scene, &command);
	term_copy(console->term, buffer_slice(&command));
	scene_say(&console->scene, GRID_NORMAL, _("copied, where the terminal takes it (OSC 52): %.*s"),
	          SLICE_ARG(buffer_slice(&command)));
	buffer_stop(&command);
}

static void show_version(struct console *console)
{
	char command[64];

	snprintf(command, sizeof command, "version show %lld",
	         (long long)scene_number(listing_selected(scene_listing(&console->scene)), "version"));
	command_run(console, slice_of(command));
}

static void open_row(struct console *console)
{
	struct scene *scene = &console->scene;
	const struct json *attention = json_at(json_get(scene->status, "attention"), scene->attention);

	if (scene->screen == SCREEN_CONNECTIONS)
		read_listed(console, listing_selected(scene_listing(scene)), _("Connection"));
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

static void go_back(struct console *console, uint32_t key)
{
	struct scene *scene = &console->scene;
	bool has_filter = scene_place(scene) & LISTS && scene_filter(scene)->length;

	if (key == INPUT_ESCAPE && has_filter)
		set_filter(console, SLICE(""));
	else if (key == INPUT_ESCAPE && scene->screen == SCREEN_EVENTS && scene->events.is_paused)
		recent_pause(&scene->events, false);
	else if (key == INPUT_ESCAPE && scene->screen == SCREEN_DOMAINS &&
	         domain_rows_marked(&scene->domains))
		domain_rows_unmark(&scene->domains);
	else if (scene->under_count || !(scene_place(scene) & BROWSED))
		console_back(console);
	else if (key != INPUT_ESCAPE)
		console_leave(console);
}

static void follow(struct scene *scene)
{
	if (scene->events.is_paused)
		recent_pause(&scene->events, false);
	recent_follow(&scene->events, !scene->events.follows);
}

static void revert_field(struct editing *editing)
{
	form_revert(&editing->form.fields[editing->form.at]);
	editing_check(editing);
}

static void act(struct console *console, enum action_id id, uint32_t key)
{
	switch (id) {
	case ACTION_NEW: forms_open(console, model_kind(MODEL_ALLOWED_DOMAIN), SLICE(""), true, NULL); break;
	case ACTION_OPEN: open_row(console); break;
	case ACTION_EDIT: edit_domain(console, NULL); break;
	case ACTION_SHOW: show_domain(console); break;
	case ACTION_ASK:
		if (console->scene.why.is_reading)
			whys_open_rule(console);
		else
			whys_ask(console);
		break;
	case ACTION_APPLY: whys_apply(console); break;
	case ACTION_SIDES:
		console->scene.why.is_reading = !console->scene.why.is_reading &&
		                                console->scene.why.steps.count;
		break;
	case ACTION_SAVE: forms_save(console); break;
	case ACTION_REVERT: revert_field(&console->scene.editing); break;
	case ACTION_NEXT_PROBLEM:
		if (!form_next_problem(&console->scene.editing.form))
			scene_say(&console->scene, GRID_NORMAL, "%s", _("no field has a problem"));
		break;
	case ACTION_ALLOW:
	case ACTION_BLOCK:
	case ACTION_REMOVE: question_domains(console, id); break;
	case ACTION_PROXY: edit_domain(console, "proxy-fqdn"); break;
	case ACTION_COMMENT: edit_domain(console, "comment"); break;
	case ACTION_FILTER:
	case ACTION_FILTER_KIND:
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
	case ACTION_BACK:
	case ACTION_BACK_FORM: go_back(console, key); break;
	case ACTION_SORT_BEFORE: sort_by(console, -1); break;
	case ACTION_SORT_AFTER: sort_by(console, 1); break;
	case ACTION_REVERSE:
		scene_table(&console->scene)->is_reversed = !scene_table(&console->scene)->is_reversed;
		scene_arrange(&console->scene);
		break;
	case ACTION_RETRY: retry_partner(console); break;
	case ACTION_NEW_KIND:
		forms_open(console, kind_of_screen(console->scene.screen), SLICE(""), true, NULL);
		break;
	case ACTION_EDIT_KIND: edit_listed(console); break;
	case ACTION_REMOVE_KIND: change_listed(console, "remove"); break;
	case ACTION_TOGGLE_KIND: toggle_listed(console); break;
	case ACTION_CLOSE_CONNECTION: question_connection(console, "close"); break;
	case ACTION_DRAIN_CONNECTION: question_connection(console, "drain"); break;
	case ACTION_MENU: scene_open_menu(&console->scene); break;
	case ACTION_START_SERVICE: question_service(console, "start"); break;
	case ACTION_STOP_SERVICE: question_service(console, "stop"); break;
	case ACTION_DRAIN_SERVICE: question_service(console, "drain"); break;
	case ACTION_RESTART_SERVICE: question_service(console, "restart"); break;
	case ACTION_COPY: copy_command(console); break;
	case ACTION_SHOW_STAGED: console_go(console, SCREEN_STAGED); break;
	case ACTION_UNDO:
	case ACTION_KEEP:
	case ACTION_RESTORE:
	case ACTION_DIFF:
	case ACTION_TRAVEL:
	case ACTION_PRESENT:
	case ACTION_UNSTAGE:
	case ACTION_CLEAR_STAGED:
	case ACTION_REBASE:
	case ACTION_PUBLISH: stages_act(console, id); break;
	case ACTION_REFRESH: refresh_all(console); break;
	case ACTION_REPAINT: term_repaint(console->term); break;
	case ACTION_SUSPEND: term_suspend(console->term); break;
	case ACTION_LEAVE: console_leave(console); break;
	case ACTION_CHOOSE: /* the menu's own */
	case ACTION_NEXT_FIELD:
	case ACTION_TURN: /* the form's own */
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
	else if (scene->as_of)
		scene_say(scene, GRID_BAD, _("v%lld is shown as it was; V ends that"),
		          (long long)scene->as_of);
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

/* What the cursor moves in: true when the key was one of its. */
static bool list_key(struct scene *scene, uint32_t key)
{
	struct table *table = scene_table(scene);

	if (!table_key(table, key))
		return false;
	if (scene->screen == SCREEN_EVENTS)
		scene->events.follows = false; /* whoever moves wants to read what is there */
	scene->stepped_ms = scene->now.mono_ms;
	return true;
}

static bool why_key(struct scene *scene, uint32_t key)
{
	struct why *why = &scene->why;
	enum form_answer answer;

	if (why->is_reading) {
		if (why->steps.selected == 0 && key == INPUT_UP) {
			why->is_reading = false;
			return true;
		}
		return list_key(scene, key);
	}
	if (key == INPUT_TAB && why->form.at + 1 == why->form.count && why->steps.count)
		return false; /* on to the checks */
	if (key == INPUT_DOWN && why->form.at + 1 == why->form.count && why->steps.count) {
		why->is_reading = true;
		return true;
	}
	answer = form_key(&why->form, key);
	if (answer == FORM_CHANGED) { /* what stands below answers another question */
		control_answer_free(&why->answer);
		why->steps.count = 0;
		why->trouble[0] = '\0';
	}
	return answer != FORM_OTHER;
}

static bool form_screen_key(struct scene *scene, uint32_t key)
{
	struct editing *editing = &scene->editing;
	enum form_answer answer;

	if (!editing->kind || (!editing->version && !editing->is_new))
		return false;
	answer = form_key(&editing->form, key);
	if (answer != FORM_OTHER)
		editing_check(editing);
	return answer != FORM_OTHER;
}

static bool movement_key(struct scene *scene, uint32_t key)
{
	switch (scene->screen) {
	case SCREEN_OVERVIEW: return attention_key(scene, key);
	case SCREEN_MENU: return menu_key(scene, key);
	case SCREEN_READING: return pager_key(&scene->pager, key);
	case SCREEN_WHY: return why_key(scene, key);
	case SCREEN_FORM:
	case SCREEN_ACCESS_EDGE:
	case SCREEN_POLICY:
	case SCREEN_GATEWAY: return form_screen_key(scene, key);
	default: return list_key(scene, key);
	}
}

static void place_key(struct console *console, uint32_t key)
{
	enum screen screen = screen_of_key(key);

	console->scene.awaits_place = false;
	if (screen < SCREEN_COUNT)
		console_go(console, screen);
	else if (key == 'g')
		movement_key(&console->scene, INPUT_HOME);
	else if (key != INPUT_ESCAPE)
		scene_say(&console->scene, GRID_NORMAL, "%s", _("g is followed by a screen's letter, or g"));
}

/* ---- a key ---- */

static void dialog_input(struct console *console, uint32_t key)
{
	enum dialog_answer answer = dialog_key(&console->scene.dialog, key);

	if (answer == DIALOG_OPEN)
		return;
	if (answer == DIALOG_NO && console->asking == ASKING_AGREED)
		scene_say(&console->scene, GRID_NORMAL, "%s", _("nothing was changed"));
	if (answer == DIALOG_OTHER)
		console->agreed.stages = true;
	if (answer == DIALOG_NO)
		changes_clear(&console->agreed);
	else if (console->asking == ASKING_LEAVE)
		console->leaves = true;
	else if (console->asking == ASKING_DISCARD)
		console_discard(console);
	else
		changes_agree(console);
}

/* A key that was pasted where text is typed. */
static void paste_key(struct console *console, uint32_t key)
{
	struct scene *scene = &console->scene;

	if (scene->dialog.is_open || key == INPUT_ENTER || key == INPUT_ESCAPE || key < 0x20)
		return;
	if (scene->prompt != PROMPT_NONE)
		prompt_key(console, key);
	else if (scene_is_form(scene) && form_is_typing(&scene->editing.form))
		form_screen_key(scene, key);
	else if (scene->screen == SCREEN_WHY && !scene->why.is_reading && form_is_typing(&scene->why.form))
		why_key(scene, key);
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
	paste_key(console, key);
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
	if (scene->screen == SCREEN_MENU && menu_choice(scene, key) < SCREEN_COUNT) {
		console_go(console, menu_choice(scene, key));
		return;
	}
	scene_settle(scene);
	id = action_of_key(scene_place(scene), key);
	if (id == ACTION_COUNT)
		scene_say(scene, GRID_NORMAL, "%s", _("that key does nothing here; ? lists the keys"));
	else if (!scene_permits(scene, action(id)->verb))
		refuse(console, control_verb(action(id)->verb));
	else
		act(console, id, key);
}
