#include "tui/screens/domain_rows.h"

#include <stdlib.h>

#include "shared/base/memory.h"

void domain_rows_start(struct domain_rows *rows) { *rows = (struct domain_rows){ 0 }; }

void domain_rows_stop(struct domain_rows *rows)
{
	for (size_t i = 0; i < rows->page_count; i++)
		json_free(&rows->pages[i]);
	mem_free(rows->rows);
	mem_free(rows->order);
	*rows = (struct domain_rows){ 0 };
}

static struct domain_row read_row(const struct json *row)
{
	return (struct domain_row){
		.domain = json_as_slice(json_get(row, "domain")),
		.rule = json_as_slice(json_get(row, "rule")),
		.proxy = json_as_slice(json_get(row, "proxy-fqdn")),
		.identity = json_as_slice(json_get(row, "identity")),
		.note = json_as_slice(json_get(row, "comment")),
		.state = json_as_slice(json_get(row, "state")),
		.error = json_as_slice(json_get(row, "last_error")),
		.advice = json_as_slice(json_get(row, "advice")),
		.error_at = json_as_number(json_get(row, "last_error_at"), 0),
		.port = json_as_number(json_get(row, "proxy-port"), 0),
		.connections = json_as_number(json_get(row, "connections"), 0),
		.version = json_as_number(json_get(row, "version"), 0),
		.rate = json_as_real(json_get(row, "rate"), 0),
		.json = row,
	};
}

enum result domain_rows_add(struct domain_rows *rows, struct json *whole, const struct json *result)
{
	const struct json *list = json_get(result, "rows");
	size_t more = json_count(list);

	if (rows->page_count == DOMAIN_PAGES_MAX || rows->count + more > DOMAIN_ROWS_MAX) {
		json_free(&whole);
		rows->is_cut = true;
		return RESULT_LIMIT;
	}
	rows->pages[rows->page_count++] = whole;
	if (rows->count + more > rows->size) {
		size_t size = rows->size * 2 > rows->count + more ? rows->size * 2 : rows->count + more;
		struct domain_row *grown = mem_resize(rows->rows, size * sizeof *grown);

		if (!grown)
			return RESULT_NO_MEMORY;
		rows->rows = grown;
		rows->size = size;
	}
	for (size_t i = 0; i < more; i++)
		rows->rows[rows->count++] = read_row(json_at(list, i));
	rows->total = json_as_number(json_get(result, "total"), (int64_t)rows->count);
	rows->version = json_as_number(json_get(result, "version"), 0);
	rows->live_trouble = json_as_slice(json_get(result, "live"));
	return RESULT_OK;
}

static int by_domain(const void *a, const void *b)
{
	return slice_compare(((const struct domain_row *)a)->domain, ((const struct domain_row *)b)->domain);
}

enum result domain_rows_finish(struct domain_rows *rows, const struct domain_rows *before)
{
	if (rows->count)
		qsort(rows->rows, rows->count, sizeof *rows->rows, by_domain);
	mem_free(rows->order);
	rows->order = mem_new_array(rows->count ? rows->count : 1, sizeof *rows->order);
	rows->shown = 0;
	if (!rows->order)
		return RESULT_NO_MEMORY;
	for (size_t i = 0; i < before->count; i++) {
		struct domain_row *same = before->rows[i].is_marked
		                                  ? domain_rows_find(rows, before->rows[i].domain)
		                                  : NULL;

		if (same)
			same->is_marked = true;
	}
	return RESULT_OK;
}

struct domain_row *domain_rows_find(const struct domain_rows *rows, struct slice domain)
{
	struct domain_row wanted = { .domain = domain };

	return rows->count ? bsearch(&wanted, rows->rows, rows->count, sizeof *rows->rows, by_domain) : NULL;
}

/* ---- what is shown, in which order ---- */

struct arrangement {
	const struct domain_rows *rows;
	enum domain_column sort;
	bool is_reversed;
};

static int compare_numbers(double a, double b) { return a < b ? -1 : a > b; }

static int compare(const struct domain_row *a, const struct domain_row *b, enum domain_column sort)
{
	switch (sort) {
	case DOMAIN_RULE: return slice_compare(a->rule, b->rule);
	case DOMAIN_PROXY: return slice_compare(a->proxy, b->proxy);
	case DOMAIN_IDENTITY: return slice_compare(a->identity, b->identity);
	case DOMAIN_LIVE:
		return slice_equal(a->state, b->state)
		               ? compare_numbers((double)a->connections, (double)b->connections)
		               : slice_compare(a->state, b->state);
	case DOMAIN_RATE: return compare_numbers(a->rate, b->rate);
	case DOMAIN_NOTE: return slice_compare(a->note, b->note);
	case DOMAIN_ERROR: return slice_compare(a->error, b->error);
	case DOMAIN_NAME:
	case DOMAIN_COLUMNS: break;
	}
	return 0;
}

/* Rows that are the same in the column stay ordered by name: a live list must not jump about. */
static int by_arrangement(const void *left, const void *right, void *context)
{
	const struct arrangement *how = context;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	int order = compare(&how->rows->rows[a], &how->rows->rows[b], how->sort);

	if (order == 0 && how->sort != DOMAIN_NAME)
		return a < b ? -1 : a > b;
	order = order ? order : a < b ? -1 : a > b;
	return how->is_reversed ? -order : order;
}

void domain_rows_arrange(struct domain_rows *rows, struct slice text, int64_t now_wall_ms,
                         enum domain_column sort, bool is_reversed)
{
	struct arrangement how = { rows, sort, is_reversed };
	const struct json *first = rows->count ? rows->rows[0].json : NULL;
	char keys[FILTER_KEYS_BYTES];
	struct filter filter;
	bool is_right;

	filtering_keys(&first, rows->count > 0, keys);
	is_right = filtering_read(text, keys, now_wall_ms, &filter, rows->flaw);
	if (filtering_is_refused(&rows->refused, text)) {
		memcpy(rows->flaw, rows->refused.flaw, sizeof rows->flaw);
		is_right = false;
	}
	rows->shown = 0;
	for (size_t i = 0; is_right && i < rows->count && rows->order; i++)
		if (filter_holds(&filter, filter_look_json, rows->rows[i].json))
			rows->order[rows->shown++] = (uint32_t)i;
	if (rows->shown > 1)
		qsort_r(rows->order, rows->shown, sizeof *rows->order, by_arrangement, &how);
}

struct domain_row *domain_rows_shown(const struct domain_rows *rows, size_t index)
{
	return index < rows->shown ? &rows->rows[rows->order[index]] : NULL;
}

size_t domain_rows_place(const struct domain_rows *rows, struct slice domain)
{
	size_t i = 0;

	while (i < rows->shown && !slice_equal(rows->rows[rows->order[i]].domain, domain))
		i++;
	return i;
}

size_t domain_rows_marked(const struct domain_rows *rows)
{
	size_t marked = 0;

	for (size_t i = 0; i < rows->count; i++)
		marked += rows->rows[i].is_marked;
	return marked;
}

void domain_rows_unmark(struct domain_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		rows->rows[i].is_marked = false;
}
