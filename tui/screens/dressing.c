/* How this session looks: its theme, its frames. Nothing of it is kept. */
#include "tui/client/words.h"
#include "tui/screens/parts.h"

static void choose_theme(struct console *console, struct slice name)
{
	enum theme theme = theme_named(name);
	char names[128];

	theme_names(names, sizeof names);
	if (theme == THEME_COUNT)
		scene_say(&console->scene, name.len ? GRID_BAD : GRID_NORMAL, _("theme %s; there are %s"),
		          theme_name(term_theme(console->term)), names);
	else if (!term_wear(console->term, theme))
		scene_say(&console->scene, GRID_WARN, "%s",
		          _("no colour here ($NO_COLOR, --color, or the terminal): the theme stays mono"));
	else
		scene_say(&console->scene, GRID_NORMAL, _("theme %s"), theme_name(theme));
}

static void choose_frames(struct console *console, struct slice which)
{
	bool is_utf8 = slice_equal(which, SLICE("utf8"));

	if (!is_utf8 && !slice_equal(which, SLICE("ascii")))
		scene_say(&console->scene, which.len ? GRID_BAD : GRID_NORMAL,
		          _("frames %s; there are ascii, utf8"),
		          term_looks(console->term).has_frames ? "utf8" : "ascii");
	else if (!term_draw_lines(console->term, is_utf8))
		scene_say(&console->scene, GRID_WARN, "%s",
		          _("this locale is not UTF-8: the frames stay ASCII"));
	else
		scene_say(&console->scene, GRID_NORMAL, _("frames %s"), is_utf8 ? "utf8" : "ascii");
}

bool dressing_run(struct console *console, struct slice line)
{
	struct slice rest = line, first;

	if (!slice_next(&rest, ' ', &first))
		return false;
	if (slice_equal(first, SLICE("theme")))
		choose_theme(console, slice_trim(rest));
	else if (slice_equal(first, SLICE("frames")))
		choose_frames(console, slice_trim(rest));
	else
		return false;
	return true;
}
