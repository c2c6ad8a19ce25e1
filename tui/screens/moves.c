/* What the cursor moves in: a list, a form, the text that is read. */
#include "tui/screens/parts.h"

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
	struct listing *listing = scene_listing(scene);

	if (listing && listing_leaves(listing, key))
		return true;
	if (!table_key(table, key))
		return false;
	if (listing)
		listing->wanted[0] = '\0';
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

bool moves_key(struct scene *scene, uint32_t key)
{
	switch (scene->screen) {
	case SCREEN_OVERVIEW: return attention_key(scene, key);
	case SCREEN_MENU: return menu_key(scene, key);
	case SCREEN_READING: return pager_key(&scene->pager, key);
	case SCREEN_WHY: return why_key(scene, key);
	case SCREEN_FORM:
	case SCREEN_ACCESS_EDGE:
	case SCREEN_GATEWAY: return form_screen_key(scene, key);
	default: return list_key(scene, key);
	}
}

bool moves_paste(struct scene *scene, uint32_t key)
{
	if (scene_is_form(scene) && form_is_typing(&scene->editing.form))
		return form_screen_key(scene, key);
	if (scene->screen == SCREEN_WHY && !scene->why.is_reading && form_is_typing(&scene->why.form))
		return why_key(scene, key);
	return false;
}
