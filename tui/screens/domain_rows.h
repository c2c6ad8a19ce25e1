/*
 * domain_rows: the SIP domains as last heard, filtered and sorted for the screen.
 */
#ifndef TUI_SCREENS_DOMAIN_ROWS_H
#define TUI_SCREENS_DOMAIN_ROWS_H

#include "shared/base/json.h"
#include "tui/screens/filtering.h"

enum { DOMAIN_PAGES_MAX = 128, DOMAIN_ROWS_MAX = 20000, DOMAIN_MARKS_MAX = 500 };

enum domain_column {
	DOMAIN_NAME,
	DOMAIN_RULE,
	DOMAIN_PROXY,
	DOMAIN_IDENTITY,
	DOMAIN_LIVE,
	DOMAIN_RATE,
	DOMAIN_NOTE,
	DOMAIN_ERROR,
	DOMAIN_COLUMNS
};

struct domain_row {
	struct slice domain, rule, proxy, identity, note, state, error, advice; /* in the pages */
	int64_t error_at, port, connections, version;
	double rate;
	const struct json *json; /* in the pages */
	bool is_marked;
};

struct domain_rows {
	struct json *pages[DOMAIN_PAGES_MAX]; /* owned: the rows' texts lie in them */
	size_t page_count;
	struct domain_row *rows; /* ordered by domain once finished */
	size_t count, size;
	uint32_t *order; /* the rows shown, in the order of the screen */
	size_t shown;
	int64_t total, version;
	bool is_cut; /* the daemon holds more than was fetched */
	struct refused_filter refused;
	char flaw[FLAW_BYTES];     /* what is wrong with the filter; "" */
	struct slice live_trouble; /* why live states are unknown; in the last page */
};

void domain_rows_start(struct domain_rows *rows);
void domain_rows_stop(struct domain_rows *rows);
/* Takes a result of domain.list with its owner. LIMIT: enough; NO_MEMORY. */
enum result domain_rows_add(struct domain_rows *rows, struct json *whole, const struct json *result);
/* All pages are in: orders the rows, takes the marks over from `before`. */
enum result domain_rows_finish(struct domain_rows *rows, const struct domain_rows *before);
/* Shows what the filter lets through; nothing and the flaw, when it is wrong. */
void domain_rows_arrange(struct domain_rows *rows, struct slice filter, int64_t now_wall_ms,
                         enum domain_column sort, bool is_reversed);

struct domain_row *domain_rows_shown(const struct domain_rows *rows, size_t index); /* NULL past the end */
struct domain_row *domain_rows_find(const struct domain_rows *rows, struct slice domain);
size_t domain_rows_place(const struct domain_rows *rows,
                         struct slice domain); /* on the screen; `shown` when not there */
size_t domain_rows_marked(const struct domain_rows *rows);
void domain_rows_unmark(struct domain_rows *rows);

#endif
