/* Text being read: the answer to a command, the keys of a screen. */
#include <stdio.h>

#include "tui/cli/print.h"
#include "tui/client/words.h"
#include "tui/screens/scene.h"

enum { LABEL_CELLS = 8, LABEL_CELLS_MAX = 12 };

void reading_open(struct scene *scene, const char *title, const char *command)
{
	scene_open(scene, SCREEN_READING);
	snprintf(scene->reading_title, sizeof scene->reading_title, "%s", title);
	snprintf(scene->reading_command, sizeof scene->reading_command, "%s", command);
	pager_settle(&scene->pager);
}

void reading_draw(struct scene *scene, struct grid *grid, struct area area)
{
	pager_draw(&scene->pager, grid, area.x + 1, area.y, area.width - 2, area.height);
}

void reading_command(const struct scene *scene, struct buffer *out)
{
	buffer_add(out, slice_of(scene->reading_command));
}

static void add_movement(struct buffer *text)
{
	static const struct {
		const char *keys, *sentence;
	} rows[] = {
		{ "Up Down  k j", N_("one row") },
		{ "PgUp PgDn  Ctrl-B Ctrl-F", N_("one page") },
		{ "Home End  gg G", N_("first and last row") },
		{ "Left Right", N_("scroll a text sideways") },
	};

	buffer_printf(text, "\n%s\n", _("Moving"));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		buffer_printf(text, "  %-26s %s\n", rows[i].keys, _(rows[i].sentence));
}

void reading_show_keys(struct scene *scene)
{
	unsigned place = scene_place(scene);
	struct buffer *text = &scene->pager.text;
	size_t widest = LABEL_CELLS;

	buffer_clear(text);
	buffer_printf(text, "%s\n", _("Keys of this screen"));
	for (int i = 0; i < ACTION_COUNT; i++) {
		size_t cells = print_width(slice_of(_(action((enum action_id)i)->label)));

		widest = cells > widest && cells <= LABEL_CELLS_MAX ? cells : widest;
	}
	for (int i = 0; i < ACTION_COUNT; i++) {
		const struct action *row = action((enum action_id)i);

		if (!(row->where & place) || !scene_allows(scene, (enum action_id)i))
			continue;
		buffer_printf(text, "  %-8s ", row->shown);
		print_padded(text, _(row->label), widest);
		buffer_printf(text, " %s\n", _(row->sentence));
	}
	add_movement(text);
	buffer_printf(text, "\n%s\n", _("Marks"));
	buffer_printf(text, "  >  %s\n  *  %s\n  ~  %s\n", _("the selected row"), _("a marked row"),
	              _("old: the daemon has not confirmed it lately"));
	buffer_printf(text, "\n%s\n",
	              _("\":help\" lists the commands, \":help domain allow\" explains one."));
	reading_open(scene, _("Help"), "help");
}
