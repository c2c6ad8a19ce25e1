/*
 * table: rows of a list as they were wished for: which columns, in which order, as a table or as CSV.
 *
 * Which columns there are and how they are named: tui/client/columns.h.
 */
#ifndef TUI_CLI_TABLE_H
#define TUI_CLI_TABLE_H

#include "shared/base/result.h"
#include "tui/cli/print.h"
#include "tui/client/columns.h"

struct table_wish {
	const char *columns; /* names with commas between; NULL: those of the verb */
	const char *sort;    /* one name, with - before it for the highest first; NULL: as they come */
	bool is_csv; /* RFC 4180, members as headings, values as the daemon has them; else for people */
};

/* `rows`: objects of the verb's list, sorted in place.  INVALID: no row has such a column. */
enum result table_print(struct buffer *out, const struct print_style *style, enum control_verb_id verb,
                        const struct table_wish *wish, const struct json **rows, size_t count,
                        struct reason *reason);
/* Columns as print_rows wants them. */
void table_columns(const struct columns *from, struct print_column to[COLUMNS_MAX + 1]);

#endif
