/*
 * widgets: what screens are made of, drawn into a grid of cells; no terminal here.
 *
 * A screen is a pure function of what is known, the size and the looks into a
 * grid; golden tests compare grids, tui/term paints them.
 *
 * Files in reading order: grid (this), input (keys as numbers), spark (a row of
 * rates), table, editor (one line of text), form (fields), dialog (a question),
 * pager (lines to read).  Texts arrive translated; text from outside is shown harmless by
 * grid_put and nowhere else.
 */
#ifndef TUI_WIDGETS_GRID_H
#define TUI_WIDGETS_GRID_H

#include "shared/base/buffer.h"

enum grid_role { GRID_NORMAL, GRID_DIM, GRID_GOOD, GRID_WARN, GRID_BAD, GRID_FOCUS, GRID_ROLES };

/* What the terminal can show; colour is the painter's business alone. */
struct grid_looks {
	bool is_utf8;    /* else what is not ASCII is shown as '?' */
	bool has_frames; /* line drawing and block characters; else ASCII */
};

enum { GRID_MARKS = 2, GRID_WIDTH_MAX = 1000, GRID_HEIGHT_MAX = 500 };

struct grid_cell {
	uint32_t c;                 /* 0: the right half of the wide character before it */
	uint32_t marks[GRID_MARKS]; /* combining characters; 0 where none */
	uint8_t width, role;
};

struct grid {
	int width, height;
	struct grid_looks looks;
	bool is_bare;            /* lines and frames are blanks */
	struct grid_cell *cells; /* row by row */
	int cursor_x, cursor_y;  /* on the selected row or in the field being edited */
};

bool grid_start(struct grid *grid, int width, int height, struct grid_looks looks); /* false: out of memory */
void grid_stop(struct grid *grid);
void grid_clear(struct grid *grid);

/*
 * Puts one line of anybody's text into at most `room` cells from (x, y) and gives
 * back how many it took.  Hidden characters and wrong bytes become \xHH, a wide
 * character is never split, a text that was cut ends in '>'.
 */
int grid_put(struct grid *grid, int x, int y, int room, struct slice text, enum grid_role role);
int grid_put_text(struct grid *grid, int x, int y, int room, const char *text, enum grid_role role);
int grid_printf(struct grid *grid, int x, int y, int room, enum grid_role role, const char *format, ...)
        __attribute__((format(printf, 6, 7)));
/* Ends at `end` (exclusive); for numbers. */
void grid_put_right(struct grid *grid, int end, int y, int room, struct slice text, enum grid_role role);
/* Cells `text` takes when nothing is cut. */
int grid_text_width(const struct grid *grid, struct slice text);
/* How many bytes of `text` go on a line of `room` cells: whole words where there are any, never half a character. */
size_t grid_fold(const struct grid *grid, struct slice text, int room);
/*
 * Puts `text` on as many lines as it takes, `lines` at most (what is left then is cut with '>'): the first begins `used`
 * cells behind x, the others two.  Gives back how many lines it took, one at least.
 */
int grid_put_folded(struct grid *grid, int x, int y, int room, int used, int lines, struct slice text,
                    enum grid_role role);

void grid_fill(struct grid *grid, int x, int y, int width, int height); /* blanks */
void grid_paint(struct grid *grid, int x, int y, int width,
                enum grid_role role); /* the role of what is there */
void grid_line(struct grid *grid, int x, int y, int length, enum grid_role role);
void grid_upright(struct grid *grid, int x, int y, int length, enum grid_role role);
void grid_frame(struct grid *grid, int x, int y, int width, int height, enum grid_role role);
/* Text alone, from the corner on: no margins, never more than two blanks or one empty line together, no roles. */
void grid_tighten(struct grid *grid);
/* One cell with a character of ours. */
void grid_set(struct grid *grid, int x, int y, uint32_t c, enum grid_role role);
void grid_cursor(struct grid *grid, int x, int y);

/* The characters as UTF-8 lines without blanks at their ends; the roles as letters ". d g w b f". For tests. */
void grid_dump(const struct grid *grid, struct buffer *out);
void grid_dump_roles(const struct grid *grid, struct buffer *out);

#endif
