/*
 * table: rows of a list as they were wished for: which columns, in which order, as a table or as CSV.
 *
 * A column is named by its heading or by the member of the row (`parley domain list --json` shows them); whatever a row has can be a
 * column, not only what is shown without a wish.
 */
#ifndef TUI_CLI_TABLE_H
#define TUI_CLI_TABLE_H

#include "shared/base/result.h"
#include "tui/cli/print.h"

struct table_wish {
	const char *columns; /* names with commas between; NULL: those of the verb */
	const char *sort;    /* one name, with - before it for the highest first; NULL: as they come */
	bool is_csv; /* RFC 4180, members as headings, values as the daemon has them; else for people */
};

/* `rows`: objects, sorted in place.  INVALID: no row has such a column; the reason names those there are. */
enum result table_print(struct buffer *out, const struct print_style *style,
                        const struct print_column *preset, const struct table_wish *wish,
                        const struct json **rows, size_t count, struct reason *reason);

#endif
