#include "tui/screens/listing.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/base/memory.h"
#include "tui/client/said.h"
#include "tui/client/shown.h"
#include "tui/client/words.h"

static const char *translate(const char *text) { return _(text); }

/* ---- cells ---- */

static struct slice text_of(const struct json *row, const char *member)
{
	struct slice text = json_as_slice(json_get(row, member));

	return text.ptr ? text : SLICE("");
}

static struct table_cell number_cell(const struct listing *listing, const struct json *value,
                                     enum column_type type, char *scratch)
{
	int64_t number = json_as_number(value, 0);

	if (json_kind(value) != JSON_KIND_NUMBER)
		return (struct table_cell){ SLICE("-"), GRID_NORMAL };
	if (type == COLUMN_RATE)
		shown_rate(json_as_real(value, 0), scratch);
	else if (type == COLUMN_NUMBER)
		shown_count(number, scratch);
	else if (type == COLUMN_SPAN)
		shown_age(number * 1000, scratch);
	else if (type == COLUMN_AGE)
		shown_age(number > 0 ? listing->now_wall_ms - number : -1, scratch);
	else
		shown_clock(number, listing->now_wall_ms, scratch);
	return (struct table_cell){ slice_of(scratch), GRID_NORMAL };
}

/* Its items with blanks between, as they are typed. */
static struct table_cell list_cell(const struct json *list, char *scratch)
{
	size_t used = 0;

	scratch[0] = '\0';
	for (size_t i = 0; i < json_count(list) && used < TABLE_CELL_BYTES; i++)
		used += (size_t)snprintf(scratch + used, TABLE_CELL_BYTES - used, "%s%.*s", i ? " " : "",
		                         SLICE_ARG(json_as_slice(json_at(list, i))));
	return (struct table_cell){ scratch[0] ? slice_of(scratch) : SLICE("-"), GRID_NORMAL };
}

/* A word of the wire, or what came of a command: "published", "refused: there is no version 99". */
static struct slice said_cell(struct slice text, char *scratch)
{
	struct slice word = said_word(text), sentence;
	char words[SAID_BYTES];

	if (word.ptr != text.ptr)
		return word;
	sentence = said(text, words);
	return sentence.ptr != text.ptr && slice_to_text(sentence, scratch, TABLE_CELL_BYTES)
	               ? slice_of(scratch)
	               : text;
}

static struct table_cell draw_cell(const void *owner, size_t index, size_t column, char *scratch)
{
	const struct listing *listing = owner;
	const struct column *field = &listing->columns.columns[column];
	const struct json *row = listing_row(listing, index);
	struct slice text = text_of(row, field->member);
	struct table_cell cell = { text.len ? text : SLICE("-"), GRID_NORMAL };
	const char *kind;

	if (listing->kind->cell && listing->kind->cell(row, field->member, scratch, &cell))
		return cell;
	if (json_kind(json_get(row, field->member)) == JSON_KIND_ARRAY)
		return list_cell(json_get(row, field->member), scratch);
	if (field->type == COLUMN_TREE) {
		int depth = (int)json_as_number(json_get(row, "depth"), 0);

		snprintf(scratch, TABLE_CELL_BYTES, "%*s%.*s", depth > 0 && depth < 16 ? 2 * depth : 0, "",
		         SLICE_ARG(text));
		cell.text = slice_of(scratch);
		return cell;
	}
	switch (field->type) {
	case COLUMN_STATE:
		if (listing->kind->state_role)
			cell.role = listing->kind->state_role(text);
		cell.text = said_cell(cell.text, scratch);
		return cell;
	case COLUMN_WORD:
		/* A pool of the topology, not the choice called "pool". */
		kind = slice_equal(slice_of(field->member), SLICE("kind")) ? words_of("kind", text) : NULL;
		cell.text = kind ? slice_of(kind) : said_cell(cell.text, scratch);
		return cell;
	case COLUMN_FLAG:
		if (json_kind(json_get(row, field->member)) == JSON_KIND_BOOL)
			cell.text = slice_of(json_as_bool(json_get(row, field->member), false) ? _("on")
			                                                                       : _("off"));
		return cell;
	case COLUMN_TROUBLE: cell.role = text.len ? GRID_WARN : GRID_NORMAL; return cell;
	case COLUMN_NUMBER:
	case COLUMN_RATE:
	case COLUMN_AGE:
	case COLUMN_SPAN:
	case COLUMN_TIME: return number_cell(listing, json_get(row, field->member), field->type, scratch);
	case COLUMN_TREE:
	case COLUMN_MODEL:
	case COLUMN_TEXT: break;
	}
	return cell;
}

static char draw_mark(const void *owner, size_t index)
{
	const struct listing *listing = owner;

	return listing_is_marked(listing, listing_row(listing, index)) ? '*' : ' ';
}

/* ---- rows ---- */

static void draw_columns(struct listing *listing)
{
	listing->table.column_count = listing->columns.count;
	listing->table.is_chosen = listing_is_chosen(listing);
	for (size_t i = 0; i < listing->columns.count; i++) {
		const struct column *column = &listing->columns.columns[i];

		listing->drawn[i] = (struct table_column){ column->heading, column->width, column->grows,
			                                   column->priority,
			                                   column->type == COLUMN_NUMBER ||
			                                           column->type == COLUMN_RATE };
	}
}

void listing_start(struct listing *listing, const struct listing_kind *kind)
{
	*listing = (struct listing){ .kind = kind };
	listing->table = (struct table){
		.columns = listing->drawn, .cell = draw_cell, .mark = draw_mark, .translate = translate
	};
	columns_preset(kind->verb, COLUMN_CONSOLE, &listing->columns);
	draw_columns(listing);
}

void listing_clear(struct listing *listing)
{
	for (size_t i = 0; i < listing->page_count; i++)
		json_free(&listing->pages[i]);
	listing->page_count = listing->count = listing->shown = 0;
	listing->table.count = 0;
	listing->is_cut = false;
	listing->result = NULL;
	listing->live_trouble = SLICE_NONE;
}

void listing_stop(struct listing *listing)
{
	buffer_stop(&listing->window.behind);
	listing_clear(listing);
	listing_unmark(listing);
	mem_free(listing->rows);
	mem_free(listing->order);
	listing->rows = NULL;
	listing->order = NULL;
	listing->size = 0;
}

static bool make_room(struct listing *listing, size_t more)
{
	size_t wanted = listing->count + more;
	size_t size = listing->size * 2 > wanted ? listing->size * 2 : wanted;
	const struct json **rows;
	uint32_t *order;

	if (wanted <= listing->size)
		return true;
	rows = mem_resize(listing->rows, size * sizeof *rows);
	if (!rows)
		return false;
	listing->rows = rows;
	order = mem_resize(listing->order, size * sizeof *order);
	if (!order)
		return false;
	listing->order = order;
	listing->size = size;
	return true;
}

bool listing_add_row(struct listing *listing, const struct json *row)
{
	if (listing->count == LISTING_ROWS_MAX || !make_room(listing, 1))
		return false;
	listing->rows[listing->count++] = row;
	return true;
}

static bool is_wanted(const struct listing_kind *kind, const struct json *row)
{
	return !kind->only || slice_equal(text_of(row, kind->only_member), slice_of(kind->only));
}

enum result listing_add_page(struct listing *listing, struct json *whole, const struct json *result)
{
	const char *member = listing->kind->rows_member ? listing->kind->rows_member : "rows";
	size_t pages_max = listing->kind->pages_max ? listing->kind->pages_max : LISTING_PAGES_MAX;
	const struct json *rows = json_get(result, member);
	size_t more = json_count(rows);

	if (listing->page_count == pages_max || listing->count + more > LISTING_ROWS_MAX) {
		json_free(&whole);
		listing->is_cut = true;
		return RESULT_LIMIT;
	}
	listing->pages[listing->page_count++] = whole;
	if (!make_room(listing, more))
		return RESULT_NO_MEMORY;
	for (size_t i = 0; i < more; i++)
		if (is_wanted(listing->kind, json_at(rows, i)))
			listing->rows[listing->count++] = json_at(rows, i);
	listing->result = result;
	listing->total = listing->kind->only ? (int64_t)listing->count
	                 : json_kind(json_get(result, "total")) == JSON_KIND_NULL && json_get(result, "total")
	                         ? -1
	                         : json_as_number(json_get(result, "total"), (int64_t)listing->count);
	listing->live_trouble = json_as_slice(json_get(result, "live"));
	return RESULT_OK;
}

static void forget_gone_marks(struct listing *listing);

/* The last member of a row's key is its name. */
static void select_wanted(struct listing *listing)
{
	const char *name = NULL;

	for (size_t i = 0; i < LISTING_KEY_MEMBERS && listing->kind->key[i]; i++)
		name = listing->kind->key[i];
	for (size_t i = 0; name && listing->wanted[0] && i < listing->shown; i++)
		if (slice_equal_nocase(text_of(listing_row(listing, i), name), slice_of(listing->wanted))) {
			listing->table.selected = i;
			listing->wanted[0] = '\0';
		}
}

void listing_want(struct listing *listing, struct slice name)
{
	if (!slice_to_text(name, listing->wanted, sizeof listing->wanted))
		listing->wanted[0] = '\0';
	select_wanted(listing);
}

void listing_replace(struct listing *listing, struct listing *fresh)
{
	char key[LISTING_KEY_BYTES];

	listing_key(listing, listing_selected(listing), key);
	listing_clear(listing);
	mem_free(listing->rows);
	mem_free(listing->order);
	memcpy(listing->pages, fresh->pages, sizeof listing->pages);
	listing->page_count = fresh->page_count;
	listing->rows = fresh->rows;
	listing->count = fresh->count;
	listing->size = fresh->size;
	listing->order = fresh->order;
	listing->total = fresh->total;
	listing->result = fresh->result;
	listing->is_cut = fresh->is_cut;
	listing->asks_filtered = fresh->asks_filtered;
	listing->live_trouble = fresh->live_trouble;
	listing->refused = (struct refused_filter){ "", "" };
	listing_start(fresh, listing->kind); /* empty: its rows are the other's now */
	forget_gone_marks(listing);
	listing_arrange(listing, key);
	select_wanted(listing);
}

void listing_refuse(struct listing *listing, const char *filter, const char *flaw)
{
	filtering_refuse(&listing->refused, filter, flaw);
	listing_arrange(listing, NULL);
}

void listing_key(const struct listing *listing, const struct json *row, char to[LISTING_KEY_BYTES])
{
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < LISTING_KEY_MEMBERS && listing->kind->key[i] && row; i++) {
		const struct json *value = json_get(row, listing->kind->key[i]);

		if (used + 1 >= LISTING_KEY_BYTES)
			return;
		if (json_kind(value) == JSON_KIND_NUMBER)
			used += (size_t)snprintf(to + used, LISTING_KEY_BYTES - used, "|%lld",
			                         (long long)json_as_number(value, 0));
		else
			used += (size_t)snprintf(to + used, LISTING_KEY_BYTES - used, "|%.*s",
			                         SLICE_ARG(json_as_slice(value)));
	}
}

const struct json *listing_row(const struct listing *listing, size_t index)
{
	return index < listing->shown ? listing->rows[listing->order[index]] : NULL;
}

const struct json *listing_selected(const struct listing *listing)
{
	return listing_row(listing, listing->table.selected);
}

const struct json *listing_find(const struct listing *listing, struct slice key)
{
	for (size_t i = 0; i < listing->count; i++)
		if (slice_equal(text_of(listing->rows[i], listing->kind->key[0]), key))
			return listing->rows[i];
	return NULL;
}

bool listing_select(struct listing *listing, const struct json *row)
{
	for (size_t i = 0; row && i < listing->shown; i++)
		if (listing_row(listing, i) == row) {
			listing->table.selected = i;
			return true;
		}
	return false;
}

size_t listing_number(const struct listing *listing)
{
	return listing->table.selected < listing->shown ? listing->order[listing->table.selected] + 1 : 0;
}

const struct json *listing_told(const struct listing *listing)
{
	return listing_row(listing, listing->table.told);
}

/* ---- which columns ---- */

enum result listing_choose(struct listing *listing, struct slice names, struct reason *reason)
{
	struct columns chosen;
	const char *sorted = listing->table.sort < listing->columns.count
	                             ? listing->columns.columns[listing->table.sort].member
	                             : NULL;
	enum result result = RESULT_OK;
	char was[COLUMN_NAME_BYTES] = "";

	if (sorted)
		slice_to_text(slice_of(sorted), was, sizeof was);
	if (slice_equal(names, SLICE("default")))
		columns_preset(listing->kind->verb, COLUMN_CONSOLE, &listing->columns);
	else if ((result = columns_choose(listing->kind->verb, names, listing->rows, listing->count, &chosen,
	                                  reason)) == RESULT_OK)
		result = columns_choose(listing->kind->verb, names, listing->rows, listing->count,
		                        &listing->columns, reason); /* in its place */
	if (result != RESULT_OK)
		return result;
	draw_columns(listing);
	listing->table.sort = TABLE_UNSORTED;
	for (size_t i = 0; i < listing->columns.count; i++)
		if (strcmp(listing->columns.columns[i].member, was) == 0)
			listing->table.sort = i;
	listing_arrange(listing, NULL);
	return RESULT_OK;
}

bool listing_is_chosen(const struct listing *listing)
{
	struct columns preset;

	columns_preset(listing->kind->verb, COLUMN_CONSOLE, &preset);
	if (preset.count != listing->columns.count)
		return true;
	for (size_t i = 0; i < preset.count; i++)
		if (strcmp(preset.columns[i].member, listing->columns.columns[i].member) != 0)
			return true;
	return false;
}

/* ---- marks ---- */

/* Where among the marks, which stand in order, a key is or belongs. */
static size_t mark_place(const struct listing *listing, const char *key)
{
	size_t low = 0, high = listing->mark_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(listing->marks[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t listing_mark_of(const struct listing *listing, const struct json *row)
{
	char key[LISTING_KEY_BYTES];
	size_t at;

	if (!row || !listing->mark_count)
		return listing->mark_count;
	listing_key(listing, row, key);
	at = mark_place(listing, key);
	return at < listing->mark_count && strcmp(listing->marks[at], key) == 0 ? at : listing->mark_count;
}

bool listing_is_marked(const struct listing *listing, const struct json *row)
{
	return listing_mark_of(listing, row) < listing->mark_count;
}

static bool add_mark(struct listing *listing, const struct json *row)
{
	char key[LISTING_KEY_BYTES], *kept;
	size_t length, at;

	if (listing_is_marked(listing, row))
		return true;
	listing_key(listing, row, key);
	length = strlen(key) + 1;
	kept = listing->mark_count < LISTING_MARKS_MAX ? mem_new_array(length, 1) : NULL;
	if (!kept)
		return false;
	memcpy(kept, key, length);
	at = mark_place(listing, key);
	memmove(listing->marks + at + 1, listing->marks + at,
	        (listing->mark_count++ - at) * sizeof *listing->marks);
	listing->marks[at] = kept;
	return true;
}

static void take_mark(struct listing *listing, size_t at)
{
	mem_free(listing->marks[at]);
	memmove(listing->marks + at, listing->marks + at + 1,
	        (--listing->mark_count - at) * sizeof *listing->marks);
}

bool listing_mark(struct listing *listing)
{
	const struct json *row = listing_selected(listing);
	size_t at = listing_mark_of(listing, row);

	if (!row)
		return true;
	if (at == listing->mark_count)
		return add_mark(listing, row);
	take_mark(listing, at);
	return true;
}

/* Where every row is at hand, a mark whose row is gone marks nothing any more. */
static void forget_gone_marks(struct listing *listing)
{
	bool is_there[LISTING_MARKS_MAX + 1] = { false };

	if (!listing->mark_count || listing->kind->is_windowed || listing->is_cut || listing->asks_filtered)
		return;
	for (size_t i = 0; i < listing->count; i++)
		is_there[listing_mark_of(listing, listing->rows[i])] = true;
	for (size_t i = listing->mark_count; i > 0; i--)
		if (!is_there[i - 1])
			take_mark(listing, i - 1);
}

bool listing_mark_all(struct listing *listing)
{
	bool are_marked = true;

	for (size_t i = 0; are_marked && i < listing->shown; i++)
		are_marked = listing_is_marked(listing, listing_row(listing, i));
	if (are_marked) {
		listing_unmark(listing);
		return true;
	}
	for (size_t i = 0; i < listing->shown; i++)
		if (!add_mark(listing, listing_row(listing, i)))
			return false;
	return true;
}

void listing_unmark(struct listing *listing)
{
	while (listing->mark_count)
		mem_free(listing->marks[--listing->mark_count]);
}

/* ---- in which order ---- */

static int compare(const struct json *a, const struct json *b, const struct column *field)
{
	double left, right;

	if (field->type == COLUMN_FLAG)
		return (int)json_as_bool(json_get(b, field->member), false) -
		       (int)json_as_bool(json_get(a, field->member), false);
	if (field->type == COLUMN_TEXT || field->type == COLUMN_WORD || field->type == COLUMN_STATE ||
	    field->type == COLUMN_TROUBLE)
		return slice_compare(text_of(a, field->member), text_of(b, field->member));
	left = json_as_real(json_get(a, field->member), 0);
	right = json_as_real(json_get(b, field->member), 0);
	if (field->type == COLUMN_AGE) /* the younger the smaller */
		return left > right ? -1 : left < right;
	return left < right ? -1 : left > right;
}

/* Rows that are the same in the column stay as they came: a live list must not jump about. */
static int by_column(const void *left, const void *right, void *context)
{
	const struct listing *listing = context;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	int order = listing->table.sort < listing->columns.count
	                    ? compare(listing->rows[a], listing->rows[b],
	                              &listing->columns.columns[listing->table.sort])
	                    : 0; /* as they came */

	if (order == 0)
		return a < b ? -1 : a > b;
	return listing->table.is_reversed ? -order : order;
}

void listing_arrange(struct listing *listing, const char *key)
{
	char own[LISTING_KEY_BYTES], keys[FILTER_KEYS_BYTES];
	struct filter filter;
	bool is_right;

	filtering_keys(listing->rows, listing->count, keys);
	/* A windowed list is filtered by the daemon: it alone knows the keys, and says what is wrong. */
	if (listing->kind->is_windowed)
		keys[0] = '\0';
	is_right = filtering_read(editor_text(&listing->filter), keys, listing->now_wall_ms, &filter,
	                          listing->flaw);
	if (listing_is_filtered_there(listing) &&
	    filtering_is_refused(&listing->refused, editor_text(&listing->filter))) {
		memcpy(listing->flaw, listing->refused.flaw, sizeof listing->flaw);
		is_right = false;
	}
	listing->shown = 0;
	for (size_t i = 0; is_right && i < listing->count; i++)
		if (listing->kind->is_windowed || filter_holds(&filter, filter_look_json, listing->rows[i]))
			listing->order[listing->shown++] = (uint32_t)i;
	if (listing->shown > 1)
		qsort_r(listing->order, listing->shown, sizeof *listing->order, by_column, listing);
	listing->table.count = listing->shown;
	for (size_t i = 0; key && key[0] && i < listing->shown; i++) {
		listing_key(listing, listing_row(listing, i), own);
		if (strcmp(own, key) == 0) {
			listing->table.selected = i;
			return;
		}
	}
	if (listing->table.selected >= listing->shown)
		listing->table.selected = listing->shown ? listing->shown - 1 : 0;
}
