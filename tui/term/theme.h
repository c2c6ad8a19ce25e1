/*
 * theme: what a role of the grid looks like, as colours and marks; the rows are themes.def.
 *
 * Colour is the third cue: a state is a word, then a mark, then a colour.
 */
#ifndef TUI_TERM_THEME_H
#define TUI_TERM_THEME_H

#include "tui/widgets/grid.h"

enum theme {
#define THEME(ID, name) THEME_##ID,
#define LOOK(...)
#include "tui/term/themes.def"
#undef LOOK
#undef THEME
	THEME_COUNT
};

enum theme_depth { THEME_256, THEME_16, THEME_8, THEME_DEPTHS };

enum theme_mark { PLAIN = 0, DIM = 1, BOLD = 2, UNDERLINE = 4, REVERSE = 8 };

struct theme_look {
	short ink[THEME_DEPTHS], paper[THEME_DEPTHS]; /* -1: the terminal's own */
	unsigned marks;                               /* enum theme_mark, joined */
};

const char *theme_name(enum theme theme);
enum theme theme_named(struct slice name); /* THEME_COUNT: none */
/* All names, ", " between them, for who typed another one. */
void theme_names(char *to, size_t size);
const struct theme_look *theme_look(enum theme theme, enum grid_role role);
/* The colours to take where a terminal has `count` of them, 8 or more. */
enum theme_depth theme_depth(int count);
/* Is a terminal of this name, in a UTF-8 locale, sure to draw lines from UTF-8? */
bool theme_draws_lines(struct slice terminal);

#endif
