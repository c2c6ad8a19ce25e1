/* What each action of actions.def does. */
#include "tui/client/words.h"
#include "tui/screens/parts.h"

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

static void sort_by(struct console *console, int step)
{
	struct table *table = scene_table(&console->scene);
	size_t count = table->column_count;

	if (table->sort >= count) /* as they come: before the first, after the last */
		table->sort = step > 0 ? count - 1 : 0;
	table->sort = (table->sort + count + (size_t)(step + (int)count)) % count;
	scene_arrange(&console->scene);
}

static void refresh_all(struct console *console)
{
	view_hurry(&console->status);
	console->lists.due_ms = 0;
	console->lists.is_forced = true;
	client_retry_now(console->client, console->now);
	scene_say(&console->scene, GRID_DIM, "%s", _("asking again"));
}

static void go_back(struct console *console, uint32_t key)
{
	struct scene *scene = &console->scene;
	bool has_filter = scene_place(scene) & LISTS && scene_filter(scene)->length;

	if (key == INPUT_ESCAPE && has_filter)
		prompts_filter(console, SLICE(""));
	else if (key == INPUT_ESCAPE && scene->screen == SCREEN_EVENTS && scene->events.is_paused)
		recent_pause(&scene->events, false);
	else if (key == INPUT_ESCAPE && scene_listing(scene) && scene_listing(scene)->mark_count)
		listing_unmark(scene_listing(scene));
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

void doing(struct console *console, enum action_id id, uint32_t key)
{
	switch (id) {
	case ACTION_NEW: forms_open(console, model_kind(MODEL_ALLOWED_DOMAIN), SLICE(""), true, NULL); break;
	case ACTION_NEW_BLOCKED:
		forms_open(console, model_kind(MODEL_BLOCKED_DOMAIN), SLICE(""), true, NULL);
		break;
	case ACTION_OPEN: chosen_open(console); break;
	case ACTION_EDIT: chosen_domain(console, NULL); break;
	case ACTION_SHOW: chosen_show(console); break;
	case ACTION_SHOW_KIND: chosen_show_listed(console); break;
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
	case ACTION_PROXY: chosen_domain(console, "proxy-fqdn"); break;
	case ACTION_COMMENT: chosen_domain(console, "comment"); break;
	case ACTION_FILTER:
	case ACTION_FILTER_KIND:
	case ACTION_FILTER_CONNECTIONS:
	case ACTION_FILTER_DISCOVERED:
	case ACTION_FILTER_EVENTS:
		prompts_open(console, PROMPT_FILTER,
		             SLICE("")); /* the old one holds until something is typed */
		break;
	case ACTION_ALLOW_PARTNER: chosen_allow(console); break;
	case ACTION_BLOCK_PARTNER: chosen_block(console); break;
	case ACTION_FOLLOW: follow(&console->scene); break;
	case ACTION_PAUSE: recent_pause(&console->scene.events, !console->scene.events.is_paused); break;
	case ACTION_WHY: chosen_why(console); break;
	case ACTION_MARK: chosen_mark(console); break;
	case ACTION_MARK_ALL: chosen_mark_all(console); break;
	case ACTION_GO: console->scene.awaits_place = true; break;
	case ACTION_COMMAND: prompts_open(console, PROMPT_COMMAND, SLICE("")); break;
	case ACTION_HELP: reading_show_keys(&console->scene); break;
	case ACTION_BACK:
	case ACTION_BACK_FORM: go_back(console, key); break;
	case ACTION_SORT_BEFORE: sort_by(console, -1); break;
	case ACTION_SORT_AFTER: sort_by(console, 1); break;
	case ACTION_REVERSE:
		scene_table(&console->scene)->is_reversed = !scene_table(&console->scene)->is_reversed;
		scene_arrange(&console->scene);
		break;
	case ACTION_RETRY: chosen_retry(console); break;
	case ACTION_EDIT_NODE: nodes_edit(console); break;
	case ACTION_NEW_NODE: nodes_new(console); break;
	case ACTION_NEW_NODE_OF: nodes_ask_kind(console); break;
	case ACTION_REMOVE_NODE: nodes_remove(console); break;
	case ACTION_GRANT_CHOSEN: grants_choose(console); break;
	case ACTION_GRANT: grants_open(console, false); break;
	case ACTION_GRANT_ALL: grants_open(console, true); break;
	case ACTION_UNGRANT: grants_revoke(console); break;
	case ACTION_EXPORT: exports_ask(console); break;
	case ACTION_COLUMNS: picking_ask(console); break;
	case ACTION_IMPORT: prompts_open(console, PROMPT_FILE, SLICE("")); break;
	case ACTION_NEW_KIND:
		forms_open(console, kind_of_screen(console->scene.screen), SLICE(""), true, NULL);
		break;
	case ACTION_EDIT_KIND: chosen_edit(console); break;
	case ACTION_REMOVE_KIND: chosen_change(console, "remove"); break;
	case ACTION_TOGGLE_KIND: chosen_toggle(console); break;
	case ACTION_CLOSE_CONNECTION: question_connection(console, "close"); break;
	case ACTION_DRAIN_CONNECTION: question_connection(console, "drain"); break;
	case ACTION_DISCONNECT_USER: question_disconnect(console); break;
	case ACTION_MENU: scene_open_menu(&console->scene); break;
	case ACTION_START_SERVICE: question_service(console, "start"); break;
	case ACTION_STOP_SERVICE: question_service(console, "stop"); break;
	case ACTION_DRAIN_SERVICE: question_service(console, "drain"); break;
	case ACTION_RESTART_SERVICE: question_service(console, "restart"); break;
	case ACTION_BARE: console->scene.is_bare = true; break;
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
