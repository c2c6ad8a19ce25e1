/*
 * What a list shows, written to a file: its rows as the filter lets them through, in its order, with its columns.
 * The end of the name says as what; the same renderer writes it that the command line has (tui/cli/table.h).
 */
#include <stdio.h>

#include "shared/base/memory.h"
#include "tui/cli/table.h"
#include "tui/cli/transfer.h"
#include "tui/client/words.h"
#include "tui/screens/parts.h"

enum { EXPORT_BYTES_MAX = 64 * 1024 * 1024 };

static const struct {
	const char *end;
	enum table_form form;
} forms[] = { { ".csv", TABLE_CSV }, { ".json", TABLE_JSON }, { ".txt", TABLE_TEXT } };

static bool form_of(struct slice path, enum table_form *out)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct slice end = slice_of(forms[i].end);

		if (path.len > end.len && slice_equal_nocase(slice_after(path, path.len - end.len), end)) {
			*out = forms[i].form;
			return true;
		}
	}
	return false;
}

void exports_ask(struct console *console)
{
	char name[64];

	if (!scene_listing(&console->scene)) {
		scene_say(&console->scene, GRID_NORMAL, "%s",
		          _("that cannot be done here; ? lists the keys"));
		return;
	}
	snprintf(name, sizeof name, "%s.csv", screen_row(console->scene.screen)->word);
	prompts_open(console, PROMPT_EXPORT, slice_of(name));
}

static enum result write_rows(const struct scene *scene, const struct listing *listing, enum table_form form,
                              struct buffer *out, struct reason *reason)
{
	const struct print_style style = { true, true, true, scene->now };
	const struct json **rows = mem_new_array(listing->shown + 1, sizeof *rows);
	char names[COLUMNS_MAX * (COLUMN_NAME_BYTES + 1)] = "";
	struct table_wish wish = { names, NULL, form };
	enum result result;
	size_t used = 0;

	if (!rows)
		return fail(reason, RESULT_NO_MEMORY, "%s", _("out of memory"));
	for (size_t i = 0; i < listing->shown; i++)
		rows[i] = listing_row(listing, i);
	for (size_t i = 0; i < listing->columns.count && used < sizeof names; i++)
		used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? "," : "",
		                         listing->columns.columns[i].member);
	result = table_print(out, &style, listing->kind->verb, &wish, rows, listing->shown, reason);
	if (result == RESULT_OK && out->is_broken)
		result = fail(reason, RESULT_LIMIT, _("more than %d MiB"), EXPORT_BYTES_MAX / 1024 / 1024);
	mem_free(rows);
	return result;
}

static void ask_to_replace(struct console *console)
{
	char title[DIALOG_LINE_BYTES];

	snprintf(title, sizeof title, _("Replace %.120s"), console->export_path);
	console->asking = ASKING_EXPORT;
	dialog_open(&console->scene.dialog, title, _("Replace it? y/N"), NULL);
	dialog_add_line(&console->scene.dialog, "%s",
	                _("There is a file of that name; what it holds is lost."));
	snprintf(console->scene.dialog_command, sizeof console->scene.dialog_command, "%s %s",
	         control_verb(scene_listing(&console->scene)->kind->verb)->noun,
	         control_verb(scene_listing(&console->scene)->kind->verb)->verb);
}

static void write_file(struct console *console, bool replaces)
{
	struct scene *scene = &console->scene;
	const struct listing *listing = scene_listing(scene);
	enum table_form form = TABLE_CSV;
	struct reason reason = { "" };
	struct buffer text;
	enum result result;

	if (!listing) /* another screen by now */
		return;
	form_of(slice_of(console->export_path), &form);
	buffer_start(&text, EXPORT_BYTES_MAX);
	result = write_rows(scene, listing, form, &text, &reason);
	if (result == RESULT_OK)
		result = transfer_keep_file(console->export_path, buffer_slice(&text), replaces, &reason);
	buffer_stop(&text);
	if (result == RESULT_EXISTS && !replaces)
		ask_to_replace(console);
	else if (result != RESULT_OK)
		scene_say(scene, GRID_BAD, _("not written: %s"), reason.text);
	else if (listing->is_cut || (listing->kind->is_windowed && listing->total != (int64_t)listing->shown))
		scene_say(scene, GRID_WARN,
		          _("%s: the %zu rows that are held here; all of them: parley %s %s --output csv"),
		          console->export_path, listing->shown, control_verb(listing->kind->verb)->noun,
		          control_verb(listing->kind->verb)->verb);
	else
		scene_say(scene, GRID_GOOD,
		          ngettext("%s: %zu row written", "%s: %zu rows written",
		                   (unsigned long)listing->shown),
		          console->export_path, listing->shown);
}

void exports_run(struct console *console, struct slice path)
{
	struct scene *scene = &console->scene;
	const struct listing *listing = scene_listing(scene);
	enum table_form form;

	if (!path.len)
		return;
	if (!listing)
		scene_say(scene, GRID_NORMAL, "%s", _("this screen is no list: there are no rows to write"));
	else if (!form_of(path, &form))
		scene_say(scene, GRID_BAD, "%s",
		          _("not written: the file's name has to end in .csv, .json or .txt"));
	else if (!listing->shown)
		scene_say(scene, GRID_BAD, "%s", _("not written: the list shows no row"));
	else if (!slice_to_text(path, console->export_path, sizeof console->export_path))
		scene_say(scene, GRID_BAD, "%s", _("that name is too long"));
	else
		write_file(console, false);
}

void exports_agree(struct console *console) { write_file(console, true); }
