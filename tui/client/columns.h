/*
 * columns: which columns a list has, by name: the same for the console's lists, the command line, completion and export.
 *
 * A column is named by the member of the row (`parley domain list --json` shows them), by its heading, or by the
 * heading's translation.  Beside the rows of columns.def every field of the kind that the list is of, and whatever
 * the daemon's rows have, can be a column.
 */
#ifndef TUI_CLIENT_COLUMNS_H
#define TUI_CLIENT_COLUMNS_H

#include "shared/base/json.h"
#include "shared/base/result.h"
#include "shared/control/control.h"

enum { COLUMNS_MAX = 16, COLUMN_NAME_BYTES = 64, COLUMNS_TEXT_BYTES = 1024 };

enum column_type {
	COLUMN_TEXT,
	COLUMN_WORD,  /* one of a few words of the wire, shown translated */
	COLUMN_STATE, /* a word that is good or bad news */
	COLUMN_NUMBER,
	COLUMN_RATE,
	COLUMN_AGE,  /* wall-clock milliseconds, shown as how long ago */
	COLUMN_TIME, /* the same, shown as time of day */
	COLUMN_TREE, /* text, indented by the row's `depth` */
	COLUMN_SPAN, /* seconds from now, or until now */
	COLUMN_TROUBLE,
	COLUMN_FLAG,  /* on or off */
	COLUMN_MODEL, /* in the table only: one of the above, as the kind's field says */
};

enum column_place { COLUMN_LINE = 1, COLUMN_CONSOLE = 2, COLUMN_BOTH = COLUMN_LINE | COLUMN_CONSOLE };

struct column {
	const char *member, *heading; /* heading: N_() */
	enum column_type type;
	int width, grows, priority; /* in the console */
	unsigned where;             /* enum column_place */
};

/* Some of a list's columns, in order. Stays where it is: a column may be named by `names`. */
struct columns {
	struct column columns[COLUMNS_MAX];
	char names[COLUMNS_MAX][COLUMN_NAME_BYTES];
	size_t count;
};

/* Has the verb's answer rows that columns.def knows? */
bool columns_are_known(enum control_verb_id verb);
/* Those shown without a wish; `where`: COLUMN_LINE or COLUMN_CONSOLE. */
void columns_preset(enum control_verb_id verb, enum column_place where, struct columns *out);
/*
 * `names` with commas between.  INVALID: no row has such a column (columns_names tells those there are); LIMIT.  With
 * no rows to look at any name is taken.  `out` is whole only with OK.
 */
enum result columns_choose(enum control_verb_id verb, struct slice names, const struct json *const *rows,
                           size_t count, struct columns *out, struct reason *reason);
/* One of them; `kept` holds its name where no table does. */
enum result columns_find(enum control_verb_id verb, struct slice name, const struct json *const *rows,
                         size_t count, char kept[COLUMN_NAME_BYTES], struct column *out,
                         struct reason *reason);
/* The names there are, each once, with `between` between. */
void columns_names(enum control_verb_id verb, const struct json *const *rows, size_t count,
                   const char *between, struct buffer *out);

#endif
