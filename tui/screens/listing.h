/*
 * listing: rows of the daemon on a screen, filtered and sorted.
 *
 * A kind says which members are columns; rows are the daemon's JSON, looked at and never copied.
 */
#ifndef TUI_SCREENS_LISTING_H
#define TUI_SCREENS_LISTING_H

#include "shared/base/clock.h"
#include "shared/base/json.h"
#include "tui/client/columns.h"
#include "tui/screens/filtering.h"
#include "tui/widgets/editor.h"
#include "tui/widgets/table.h"

enum {
	LISTING_PAGES_MAX = 128,
	LISTING_ROWS_MAX = 20000,
	LISTING_KEY_BYTES = 512,
	LISTING_KEY_MEMBERS = 5,
	LISTING_MARKS_MAX = 500
};

struct listing_kind {
	enum control_verb_id verb;      /* whose columns it has */
	const char *method;             /* NULL: rows come by themselves */
	const char *only_member, *only; /* rows whose member is that word, and no others; NULL: all */
	const char *rows_member;        /* of the answer; NULL: "rows" */
	bool is_paged;                  /* takes `after` and `limit` */
	bool is_windowed; /* one page at a time is held; the daemon filters, and its order is the order */
	bool is_still;    /* rows change with the version only */
	size_t pages_max; /* 0: LISTING_PAGES_MAX */
	const char *key[LISTING_KEY_MEMBERS]; /* members that together name a row; NULL ends them */
	enum grid_role (*state_role)(struct slice state);
	/* A cell that says more than its member; false: it is as its type has it.  NULL: all are. */
	bool (*cell)(const struct json *row, const char *member, char *scratch, struct table_cell *out);
};

/* Which page of a windowed listing is held: too many rows for all of them to be here. */
struct listing_window {
	char after[LISTING_KEY_BYTES],
	        next[LISTING_KEY_BYTES]; /* cursors; "": the first page, and no further one */
	struct buffer behind;            /* cursors of the pages before, each with its NUL */
	int64_t before;                  /* rows before the page */
	enum listing_turn {
		LISTING_STAYS,
		LISTING_ON,
		LISTING_BACK,
		LISTING_FIRST
	} turn; /* what was asked for */
};

struct listing {
	const struct listing_kind *kind;
	struct json *pages[LISTING_PAGES_MAX]; /* owned: what rows point into, where rows are fetched */
	size_t page_count;
	const struct json **rows;
	size_t count, size;
	uint32_t *order; /* rows shown, as on the screen */
	size_t shown;
	int64_t total, heard_ms;   /* total -1: nobody has counted; heard_ms 0: never */
	const struct json *result; /* of the last page */
	bool is_cut;               /* the daemon holds more than was fetched */
	bool asks_filtered;        /* the whole does not fit: the daemon filters first */
	struct slice live_trouble;
	int64_t now_wall_ms; /* ages are counted from here */
	struct table table;
	struct columns columns;                 /* that are shown */
	struct table_column drawn[COLUMNS_MAX]; /* the same, for the table */
	char wanted[LISTING_KEY_BYTES];         /* the name of the row to be selected once it comes; "" */
	char *marks[LISTING_MARKS_MAX]; /* keys of the marked rows, also of those that are not shown; owned */
	size_t mark_count;
	struct editor filter;
	struct listing_window window;
	struct refused_filter refused;
	char flaw[FLAW_BYTES]; /* what is wrong with the filter: nothing is shown; "" */
};

/* Does the daemon filter it?  It is not at hand whole. */
bool listing_is_filtered_there(const struct listing *listing);
/* What its verb is: does it take a filter, does it show the configuration, of whichever version? */
bool listing_can_ask_filtered(const struct listing_kind *kind);
bool listing_is_of_a_version(const struct listing_kind *kind);

void listing_start(struct listing *listing, const struct listing_kind *kind);
void listing_stop(struct listing *listing);
/* Takes a result with `rows` and its owner. LIMIT: enough; NO_MEMORY. */
enum result listing_add_page(struct listing *listing, struct json *whole, const struct json *result);
/* A row that somebody else owns and keeps. False: no room. */
bool listing_add_row(struct listing *listing, const struct json *row);
void listing_clear(struct listing *listing); /* the rows, not what the administrator set */
/* `fresh` takes the place of what is shown; the selection stays on its row. `fresh` is empty afterwards. */
void listing_replace(struct listing *listing, struct listing *fresh);
/* Filters and sorts again; the selection stays on the row with `key`, or near. */
void listing_arrange(struct listing *listing, const char *key);
/*
 * Other columns, by name with commas between; "default": those of the list.  The order stays where its column is still
 * shown.  INVALID: there is no such column; LIMIT: too many; nothing is changed then.
 */
enum result listing_choose(struct listing *listing, struct slice names, struct reason *reason);
bool listing_is_chosen(const struct listing *listing); /* not those of the list */
/* Selects the row of that name, now or once the daemon has it; until the cursor is moved. */
void listing_want(struct listing *listing, struct slice name);
/* Marks the selected row, or takes its mark; all that are shown, or takes all marks.  False: no more room. */
bool listing_mark(struct listing *listing);
bool listing_mark_all(struct listing *listing);
void listing_unmark(struct listing *listing);
bool listing_is_marked(const struct listing *listing, const struct json *row);
/* The daemon does not take the filter: as long as it stands nothing is shown but why. */
void listing_refuse(struct listing *listing, const char *filter, const char *flaw);
void listing_key(const struct listing *listing, const struct json *row, char to[LISTING_KEY_BYTES]);
const struct json *listing_row(const struct listing *listing, size_t index); /* of those shown; or NULL */
const struct json *listing_selected(const struct listing *listing);
/* The row whose first key is that text, shown or not; NULL: it was not fetched. */
const struct json *listing_find(const struct listing *listing, struct slice key);
/* Puts the cursor on it; false: the filter hides it. */
bool listing_select(struct listing *listing, const struct json *row);
/* Which mark is the row's, from 0; mark_count: none. */
size_t listing_mark_of(const struct listing *listing, const struct json *row);
/* Which of all rows as the daemon gave them is selected, from 1; 0: none. */
size_t listing_number(const struct listing *listing);
const struct json *listing_told(const struct listing *listing); /* the row that is told about; or NULL */

/* listing_window.c: does the key leave the page that is held?  Then the next is to be fetched: window.turn. */
bool listing_leaves(struct listing *listing, uint32_t key);
/* The cursor to ask with, as the turn wants it. */
struct slice listing_after(const struct listing *listing);
/* The page that `turn` wanted has come, and is held now; `next`: the cursor of the one after it. */
void listing_turned(struct listing *listing, enum listing_turn turn, struct slice next);
void listing_rewind(struct listing *listing); /* to the first page, whatever was turned to */

#endif
