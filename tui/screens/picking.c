/*
 * Which columns a list shows: `columns NAME,NAME...`, by the names that the command line's --columns takes.
 * What cannot be taken, and `columns` alone, opens the page of all names there are.
 */
#include "tui/client/words.h"
#include "tui/screens/parts.h"

static void put_names(const struct listing *listing, struct buffer *out)
{
	for (size_t i = 0; i < listing->columns.count; i++)
		buffer_printf(out, "%s%s", i ? "," : "", listing->columns.columns[i].member);
}

void picking_ask(struct console *console)
{
	const struct listing *listing = scene_listing(&console->scene);
	struct buffer line;

	if (!listing) {
		scene_say(&console->scene, GRID_NORMAL, "%s",
		          _("that cannot be done here; ? lists the keys"));
		return;
	}
	buffer_start(&line, EDITOR_BYTES);
	buffer_add(&line, SLICE("columns "));
	put_names(listing, &line);
	prompts_open(console, PROMPT_COMMAND, buffer_slice(&line));
	buffer_stop(&line);
}

static bool is_shown(const struct listing *listing, struct slice name)
{
	for (size_t i = 0; i < listing->columns.count; i++)
		if (slice_equal(slice_of(listing->columns.columns[i].member), name))
			return true;
	return false;
}

void picking_name(const struct listing *listing, struct buffer *out)
{
	columns_names(listing->kind->verb, listing->rows, listing->count, ",", out);
}

/* Every name, marked where it is shown, and what stands above the column. */
static void show_names(struct scene *scene, const struct listing *listing, const char *trouble)
{
	struct buffer *text = &scene->pager.text, names, command;
	struct slice rest, name;

	buffer_start(&names, COLUMNS_TEXT_BYTES);
	buffer_start(&command, SCENE_TEXT_BYTES);
	picking_name(listing, &names);
	rest = buffer_slice(&names);
	buffer_clear(text);
	if (trouble[0])
		buffer_printf(text, "%s\n\n", trouble);
	buffer_printf(text, "%s\n",
	              _(":columns NAME,NAME... shows these; where there is little room, the last go first."));
	buffer_printf(text, "%s\n\n", _(":columns default ends that. Marked: shown now."));
	while (rest.len && slice_next(&rest, ',', &name)) {
		char kept[COLUMN_NAME_BYTES];
		struct column column;
		struct reason reason;

		buffer_printf(text, "  %c %.*s", is_shown(listing, name) ? '*' : ' ', SLICE_ARG(name));
		for (size_t i = name.len; i < 32; i++)
			buffer_add_char(text, ' ');
		if (columns_find(listing->kind->verb, name, listing->rows, listing->count, kept, &column,
		                 &reason) == RESULT_OK &&
		    !slice_equal(slice_of(column.heading), name))
			buffer_printf(text, " %s", _(column.heading));
		buffer_add_char(text, '\n');
	}
	buffer_printf(&command, "%s %s ", control_verb(listing->kind->verb)->noun,
	              control_verb(listing->kind->verb)->verb);
	buffer_add(&command, SLICE("--columns "));
	put_names(listing, &command);
	buffer_add_char(&command, '\0');
	reading_open(scene, _("Columns"), command.is_broken ? "" : buffer_slice(&command).ptr);
	buffer_stop(&command);
	buffer_stop(&names);
}

bool picking_run(struct console *console, struct slice line)
{
	struct scene *scene = &console->scene;
	struct listing *listing = scene_listing(scene);
	struct slice rest = line, first;
	struct reason reason = { "" };

	if (!slice_next(&rest, ' ', &first) || !slice_equal(first, SLICE("columns")))
		return false;
	rest = slice_trim(rest);
	if (!listing)
		scene_say(scene, GRID_NORMAL, "%s", _("this screen is no list: it has no columns to choose"));
	else if (!rest.len)
		show_names(scene, listing, "");
	else if (listing_choose(listing, rest, &reason) != RESULT_OK)
		show_names(scene, listing, reason.text);
	else
		scene_say(scene, GRID_NORMAL, "%s",
		          listing_is_chosen(listing) ? _("columns as chosen; :columns default ends that")
		                                     : _("the columns of the list"));
	return true;
}
