#include "tui/term/theme.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const names[THEME_COUNT] = {
#define THEME(ID, name) [THEME_##ID] = name,
#define LOOK(...)
#include "tui/term/themes.def"
#undef LOOK
#undef THEME
};

static const struct theme_look looks[THEME_COUNT][GRID_ROLES] = {
#define THEME(...)
#define LOOK(ID, ROLE, ink256, ink16, ink8, paper256, paper16, paper8, joined)                               \
	[THEME_##ID][GRID_##ROLE] = { { ink256, ink16, ink8 }, { paper256, paper16, paper8 }, joined },
#include "tui/term/themes.def"
#undef LOOK
#undef THEME
};

const char *theme_name(enum theme theme) { return names[theme]; }

enum theme theme_named(struct slice name)
{
	size_t i = 0;

	while (i < THEME_COUNT && !slice_equal(name, slice_of(names[i])))
		i++;
	return (enum theme)i;
}

void theme_names(char *to, size_t size)
{
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < THEME_COUNT && used < size; i++)
		used += (size_t)snprintf(to + used, size - used, "%s%s", i ? ", " : "", names[i]);
}

const struct theme_look *theme_look(enum theme theme, enum grid_role role) { return &looks[theme][role]; }

enum theme_depth theme_depth(int count)
{
	if (count >= 256)
		return THEME_256;
	return count >= 16 ? THEME_16 : THEME_8;
}

bool theme_draws_lines(struct slice terminal)
{
	/* Terminals, and what runs inside one, that are UTF-8 throughout; vt100 and the console's own font are not. */
	static const char *const sure[] = { "xterm",   "screen", "tmux",  "rxvt-unicode", "alacritty",
		                            "foot",    "kitty",  "vte",   "gnome",        "konsole",
		                            "ghostty", "st-",    "mlterm" };

	for (size_t i = 0; i < COUNT(sure); i++)
		if (slice_starts(terminal, slice_of(sure[i])))
			return true;
	return false;
}
