/*
 * term: a grid onto the terminal, keys from it; ncurses is known here only.
 *
 * Painting sends what differs from the last grid, nothing when nothing does.
 * The terminal is given back as it was on every way out, a crash included.
 *
 * Files in reading order: themes.def and theme (roles as colours and marks), term (open, paint, close), keys (bytes to input),
 * restore (the way out of a crash).
 */
#ifndef TUI_TERM_TERM_H
#define TUI_TERM_TERM_H

#include "shared/base/clock.h"
#include "shared/base/result.h"
#include "tui/term/theme.h"
#include "tui/widgets/grid.h"
#include "tui/widgets/input.h"

enum term_choice { TERM_AUTO, TERM_YES, TERM_NO };

struct term_setup {
	enum term_choice colour, frames;
	enum theme theme;        /* where colour may not be used it is mono, whatever was chosen */
	bool is_utf8;            /* the locale's */
	bool is_remote;          /* over SSH: a lone Escape is waited for longer */
	bool has_no_color;       /* $NO_COLOR is set and not empty */
	bool has_wide_ambiguous; /* a CJK locale: line drawing may take two cells, so frames are ASCII */
	int escape_ms;           /* $ESCDELAY; 0: not set */
};

struct terminal; /* one a process: ncurses has one screen */

/* INVALID with a reason when the terminal cannot be used. `notice`: something to say once, or "". */
enum result term_open(const struct term_setup *setup, struct terminal **out, struct reason *notice,
                      struct reason *reason);
void term_close(struct terminal **term);

enum theme term_theme(const struct terminal *term);
bool term_wear(struct terminal *term, enum theme theme); /* false: without colour there is mono only */
bool term_draw_lines(struct terminal *term, bool draws); /* false: the locale is not UTF-8 */
struct grid_looks term_looks(const struct terminal *term);
void term_size(const struct terminal *term, int *width, int *height);
/* The next input that has arrived; false: none now. Call until false after every poll, also after EINTR. */
bool term_input(struct terminal *term, struct instant now, uint32_t *input);
void term_paint(struct terminal *term, const struct grid *grid);
/* To the terminal's clipboard, where it takes it (OSC 52); never read from it. */
void term_copy(struct terminal *term, struct slice text);
void term_repaint(struct terminal *term); /* everything, at the next paint */
/* Gives the terminal back, stops this process, and takes the terminal again when it is continued. */
void term_suspend(struct terminal *term);

#endif
