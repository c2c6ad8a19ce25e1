/*
 * table: rows under headings, one of them selected.
 *
 * The table knows no data: the owner gives counts and cells.  Columns that do
 * not fit are left out, the least important first; a marker and the name's
 * role show the selection, so that moving costs few bytes and needs no colour.
 */
#ifndef TUI_WIDGETS_TABLE_H
#define TUI_WIDGETS_TABLE_H

#include "tui/widgets/grid.h"
#include "tui/widgets/input.h"

enum { TABLE_COLUMNS_MAX = 16, TABLE_CELL_BYTES = 512, TABLE_MARGIN = 3, TABLE_UNSORTED = TABLE_COLUMNS_MAX };

struct table_column {
	const char *
	        heading; /* translated by the owner's gettext macro when drawn: give N_() texts and `translate` */
	int width;       /* cells wanted */
	int grows;       /* share of what is left over; 0: never wider */
	int priority; /* 0 stays always; the highest number goes first */
	bool is_number;
};

struct table_cell {
	struct slice text;
	enum grid_role role;
};

struct table {
	const struct table_column *columns;
	size_t column_count;
	size_t count;         /* rows */
	size_t selected, top; /* indexes; `top` is drawn first */
	size_t told;          /* the row the owner says more about: follows `selected` once it rests */
	size_t sort;          /* column; TABLE_UNSORTED: as they come */
	bool is_reversed;
	bool is_chosen; /* the columns were asked for: a mark tells that some have no room */
	int page; /* rows drawn last time: what PAGE_DOWN moves by */
	void *owner;
	/* `scratch` holds TABLE_CELL_BYTES for texts made on the spot. */
	struct table_cell (*cell)(const void *owner, size_t row, size_t column, char *scratch);
	char (*mark)(const void *owner, size_t row); /* one ASCII mark before the row; ' ' for none */
	const char *(*translate)(const char *text);  /* of headings */
};

/* Keeps `selected` among the rows and `top` so that it is seen in `rows` lines. */
void table_settle(struct table *table, int rows);
/* Movement: arrows, pages, home, end, j k G, control F and B.  False: not a movement. */
bool table_key(struct table *table, uint32_t key);
/* Headings on line y, rows below; `height` counts both. Places the cursor on the selected row. */
void table_draw(struct table *table, struct grid *grid, int x, int y, int width, int height);

#endif
