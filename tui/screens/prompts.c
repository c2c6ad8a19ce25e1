/* What is typed below: the filter as it is typed, a command with its completion, the comment of a publication. */
#include "tui/screens/complete.h"
#include "tui/screens/parts.h"

void prompts_open(struct console *console, enum prompt prompt, struct slice text)
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
	console->scene.offers[0] = '\0';
	if (prompt == PROMPT_COMMAND)
		command_run(console, slice_trim(editor_text(&editor)));
	else if (prompt == PROMPT_COMMENT)
		stages_publish_as(console, slice_trim(editor_text(&editor)));
	else if (prompt == PROMPT_FILE)
		imports_open(console, slice_trim(editor_text(&editor)));
	else if (prompt == PROMPT_KIND)
		nodes_new_of(console, slice_trim(editor_text(&editor)));
	else if (prompt == PROMPT_EXPORT)
		exports_run(console, slice_trim(editor_text(&editor)));
	else if (prompt == PROMPT_REASON)
		changes_agree_because(console, slice_trim(editor_text(&editor)));
}

void prompts_filter(struct console *console, struct slice text)
{
	struct listing *listing = scene_listing(&console->scene);

	if (!listing)
		return;
	editor_set(scene_filter(&console->scene), text);
	if (listing->kind->is_windowed)
		listing_rewind(listing);
	if (listing_is_filtered_there(listing))
		console->lists.due_ms = 0;
	scene_arrange(&console->scene);
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

void prompts_key(struct console *console, uint32_t key)
{
	if (console->scene.prompt != PROMPT_KIND) /* those are all there are */
		console->scene.offers[0] = '\0';
	if (key == INPUT_TAB && console->scene.prompt == PROMPT_COMMAND) {
		complete(&console->scene);
	} else if (key == INPUT_UP && console->scene.prompt == PROMPT_FILTER) {
		editor_set(&console->scene.editor, editor_text(scene_filter(&console->scene)));
	} else if (key == INPUT_ESCAPE || key == INPUT_CTRL_C) {
		if (console->scene.prompt == PROMPT_FILTER)
			prompts_filter(console, SLICE(""));
		else if (console->scene.prompt == PROMPT_REASON)
			changes_forget(console);
		console->scene.prompt = PROMPT_NONE;
	} else if (key == INPUT_ENTER) {
		accept_prompt(console);
	} else if (editor_key(&console->scene.editor, key) && console->scene.prompt == PROMPT_FILTER) {
		prompts_filter(console, editor_text(&console->scene.editor));
	}
}
