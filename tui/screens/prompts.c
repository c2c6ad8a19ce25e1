/* What is typed below: the filter as it is typed, a command with its completion, the comment of a publication. */
#include <stdio.h>

#include "tui/client/words.h"
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

/* ---- completion ---- */

/* Names of the columns of the list that is shown. */
static void name_columns(struct console *console, struct buffer *names)
{
	const struct listing *listing = scene_listing(&console->scene);

	buffer_start(names, COLUMNS_TEXT_BYTES);
	if (listing)
		picking_name(listing, names);
}

/* As far as all that fits agrees is typed; what fits is shown below. */
static void go_on(struct scene *scene, const struct completion *completion, struct slice columns)
{
	struct editor *editor = &scene->editor;
	struct buffer more;
	struct slice rest;

	buffer_start(&more, EDITOR_BYTES);
	completion_more(completion, &more);
	completion_say(completion, editor_text(editor), columns, scene->offers, sizeof scene->offers);
	rest = buffer_slice(&more);
	for (size_t i = 0; i < rest.len; i++)
		editor_key(editor, (unsigned char)rest.ptr[i]);
	buffer_stop(&more);
}

/* The names of objects come later, if the line is still the same: no key waits for the daemon. */
static void ask_names(struct console *console, const struct completion *completion)
{
	struct buffer params;

	buffer_start(&params, COMPLETE_PARAMS_MAX);
	complete_params(&completion->wish, &params);
	console->names.asked_id = client_ask(console->client, console->now, completion->wish.method,
	                                     buffer_slice(&params), VIEW_TIMEOUT_MS, NULL);
	slice_to_text(editor_text(&console->scene.editor), console->names.line, sizeof console->names.line);
	buffer_stop(&params);
	if (!console->names.asked_id)
		snprintf(console->scene.offers, sizeof console->scene.offers, "%s", _("not connected"));
}

static void complete(struct console *console)
{
	struct editor *editor = &console->scene.editor;
	struct completion completion;
	struct buffer columns;

	editor_key(editor, INPUT_END);
	name_columns(console, &columns);
	if (completion_start(&completion, editor_text(editor), buffer_slice(&columns))) {
		if (completion.wish.is_wanted)
			ask_names(console, &completion);
		else
			go_on(&console->scene, &completion, buffer_slice(&columns));
	}
	completion_stop(&completion);
	buffer_stop(&columns);
}

bool prompts_take(struct console *console, int64_t id, struct control_answer *answer)
{
	struct scene *scene = &console->scene;
	struct completion completion;

	if (!id || id != console->names.asked_id)
		return false;
	console->names.asked_id = 0;
	if (scene->prompt != PROMPT_COMMAND || scene->editor.at != scene->editor.length ||
	    !slice_equal(editor_text(&scene->editor), slice_of(console->names.line)))
		return true; /* another line by now */
	if (answer->code != CONTROL_OK)
		snprintf(scene->offers, sizeof scene->offers, "%s",
		         _("the daemon does not say which there are"));
	else {
		if (completion_start(&completion, editor_text(&scene->editor), SLICE(""))) {
			completion_take(&completion, answer->result);
			go_on(scene, &completion, SLICE(""));
		}
		completion_stop(&completion);
	}
	return true;
}

void prompts_key(struct console *console, uint32_t key)
{
	if (console->scene.prompt != PROMPT_KIND) /* those are all there are */
		console->scene.offers[0] = '\0';
	if (key == INPUT_TAB && console->scene.prompt == PROMPT_COMMAND) {
		complete(console);
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
