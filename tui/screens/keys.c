/* Whose a key is: the dialog's, the prompt's, the list's, or an action's. Nothing here waits. */
#include "tui/client/words.h"
#include "tui/screens/parts.h"

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

static void place_key(struct console *console, uint32_t key)
{
	enum screen screen = screen_of_key(key);

	console->scene.awaits_place = false;
	if (screen < SCREEN_COUNT)
		console_go(console, screen);
	else if (key == 'g')
		moves_key(&console->scene, INPUT_HOME);
	else if (key != INPUT_ESCAPE)
		scene_say(&console->scene, GRID_NORMAL, "%s", _("g is followed by a screen's letter, or g"));
}

/* ---- a key ---- */

static void dialog_input(struct console *console, uint32_t key)
{
	enum dialog_answer answer = dialog_key(&console->scene.dialog, key);

	if (answer == DIALOG_TURN)
		timer_turn(console);
	if (answer == DIALOG_OPEN || answer == DIALOG_TURN)
		return;
	if (answer == DIALOG_NO && console->asking == ASKING_EXPORT)
		scene_say(&console->scene, GRID_NORMAL, "%s", _("nothing was written"));
	if (answer == DIALOG_NO && (console->asking == ASKING_AGREED || console->asking == ASKING_IMPORT)) {
		if (key == INPUT_ENTER && console->scene.dialog.word[0])
			scene_say(&console->scene, GRID_WARN,
			          _("what was typed is not %s: nothing was changed"),
			          console->scene.dialog.word);
		else
			scene_say(&console->scene, GRID_NORMAL, "%s", _("nothing was changed"));
	}
	if (answer == DIALOG_OTHER)
		console->agreed.stages = true;
	if (answer == DIALOG_NO)
		changes_clear(&console->agreed);
	else if (console->asking == ASKING_LEAVE)
		console->leaves = true;
	else if (console->asking == ASKING_EXPORT)
		exports_agree(console);
	else if (console->asking == ASKING_IMPORT)
		imports_agree(console);
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
		prompts_key(console, key);
	else
		moves_paste(scene, key);
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
	enum control_verb_id verb;
	enum action_id id;

	if (key == INPUT_NONE || key == INPUT_RESIZE)
		return;
	if (scene->is_bare && key != INPUT_CTRL_L && key != INPUT_CTRL_Z) {
		scene->is_bare = false;
		is_pasted(console, key); /* the rest of a paste is none of the screen's keys */
		return;
	}
	if (is_pasted(console, key))
		return;
	if (key == INPUT_CTRL_L || key == INPUT_CTRL_Z) {
		doing(console, key == INPUT_CTRL_L ? ACTION_REPAINT : ACTION_SUSPEND, key);
		return;
	}
	if (scene->dialog.is_open) {
		dialog_input(console, key);
		return;
	}
	if (scene->prompt != PROMPT_NONE) {
		prompts_key(console, key);
		return;
	}
	scene->message[0] = '\0';
	if (scene->awaits_place) {
		place_key(console, key);
		return;
	}
	if (moves_key(scene, key))
		return;
	if (scene->screen == SCREEN_MENU && menu_choice(scene, key) < SCREEN_COUNT) {
		console_go(console, menu_choice(scene, key));
		return;
	}
	scene_settle(scene);
	id = action_of_key(scene_place(scene), key);
	if (id == ACTION_COUNT)
		scene_say(scene, GRID_NORMAL, "%s", _("that key does nothing here; ? lists the keys"));
	else if (!scene_verb(scene, id, &verb))
		scene_say(scene, GRID_NORMAL, "%s", _("that cannot be done here; ? lists the keys"));
	else if (!scene_permits(scene, verb))
		refuse(console, control_verb(verb));
	else
		doing(console, id, key);
}
