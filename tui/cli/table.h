/*
 * table: rows of a list as they were wished for: which columns, in which order, as a table, as CSV or as JSON.
 *
 * Which columns there are and how they are named: tui/client/columns.h.
 */
#ifndef TUI_CLI_TABLE_H
#define TUI_CLI_TABLE_H

#include "shared/base/result.h"
#include "tui/cli/print.h"
#include "tui/client/columns.h"

enum table_form {
	TABLE_TEXT, /* for people */
	TABLE_CSV,  /* RFC 4180, members as headings, values as the daemon has them */
	TABLE_JSON, /* an array of objects with the members that are columns */
};

struct table_wish {
	const char *columns; /* names with commas between; NULL: those of the verb */
	const char *sort;    /* one name, with - before it for the highest first; NULL: as they come */
	enum table_form form;
};

/* `rows`: objects of the verb's list, sorted in place.  INVALID: no row has such a column. */
enum result table_print(struct buffer *out, const struct print_style *style, enum control_verb_id verb,
                        const struct table_wish *wish, const struct json **rows, size_t count,
                        struct reason *reason);
/* Columns as print_rows wants them. */
void table_columns(const struct columns *from, struct print_column to[COLUMNS_MAX + 1]);

#endif
