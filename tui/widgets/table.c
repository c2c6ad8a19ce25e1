#include "tui/widgets/table.h"

enum { TABLE_GAP = 1 };

void table_settle(struct table *table, int rows)
{
	size_t shown = rows > 0 ? (size_t)rows : 1;

	if (table->selected >= table->count)
		table->selected = table->count ? table->count - 1 : 0;
	if (table->top > table->selected)
		table->top = table->selected;
	if (table->selected >= table->top + shown)
		table->top = table->selected - shown + 1;
	if (table->top > 0 && table->top + shown > table->count)
		table->top = table->count > shown ? table->count - shown : 0;
}

static void move(struct table *table, long by)
{
	size_t last = table->count ? table->count - 1 : 0, step = by < 0 ? (size_t)-by : (size_t)by;

	if (by < 0)
		table->selected = table->selected > step ? table->selected - step : 0;
	else
		table->selected = last - table->selected > step ? table->selected + step : last;
}

bool table_key(struct table *table, uint32_t key)
{
	long page = table->page > 1 ? table->page - 1 : 1;

	if (table->selected >= table->count)
		table->selected = table->count ? table->count - 1 : 0;
	switch (key) {
	case 'k':
	case INPUT_UP: move(table, -1); return true;
	case 'j':
	case INPUT_DOWN: move(table, 1); return true;
	case INPUT_CTRL_B:
	case INPUT_PAGE_UP: move(table, -page); return true;
	case INPUT_CTRL_F:
	case INPUT_PAGE_DOWN: move(table, page); return true;
	case INPUT_HOME: table->selected = 0; return true;
	case 'G':
	case INPUT_END: table->selected = table->count ? table->count - 1 : 0; return true;
	default: return false;
	}
}

static struct slice heading_of(const struct table *table, size_t c)
{
	const char *heading = table->columns[c].heading;

	return slice_of(table->translate ? table->translate(heading) : heading);
}

/* Widths of the columns that are shown; 0: left out.  A translated heading may be wider than what stands below it. */
static void lay_out(const struct table *table, const struct grid *grid, int room,
                    int widths[TABLE_COLUMNS_MAX])
{
	int used = 0, shares = 0, left;

	for (size_t c = 0; c < table->column_count; c++) {
		int heading = grid_text_width(grid, heading_of(table, c));

		widths[c] = table->columns[c].width > heading ? table->columns[c].width : heading;
		used += widths[c] + TABLE_GAP;
	}
	while (used - TABLE_GAP > room) {
		size_t victim = table->column_count;

		for (size_t c = 0; c < table->column_count; c++)
			if (widths[c] && table->columns[c].priority > 0 &&
			    (victim == table->column_count ||
			     table->columns[c].priority >= table->columns[victim].priority))
				victim = c;
		if (victim == table->column_count)
			break;
		used -= widths[victim] + TABLE_GAP;
		widths[victim] = 0;
	}
	left = room - (used - TABLE_GAP);
	for (size_t c = 0; c < table->column_count; c++)
		shares += widths[c] ? table->columns[c].grows : 0;
	for (size_t c = 0; c < table->column_count && left > 0 && shares > 0; c++) {
		int share = widths[c] ? table->columns[c].grows : 0, more = left * share / shares;

		widths[c] += more;
		left -= more;
		shares -= share;
	}
	for (size_t c = 0; c < table->column_count && left < 0;
	     c++) { /* narrower than the columns that stay always */
		int less = widths[c] - 1 < -left ? widths[c] - 1 : -left;

		if (widths[c] > 1) {
			widths[c] -= less;
			left += less;
		}
	}
}

static void draw_headings(const struct table *table, struct grid *grid, int x, int y, const int *widths)
{
	for (size_t c = 0; c < table->column_count; c++) {
		struct slice text = heading_of(table, c);
		enum grid_role role = c == table->sort ? GRID_FOCUS : GRID_DIM;

		if (!widths[c])
			continue;
		if (table->columns[c].is_number)
			grid_put_right(grid, x + widths[c], y, widths[c], text, role);
		else
			grid_put(grid, x, y, widths[c], text, role);
		x += widths[c] + TABLE_GAP;
	}
}

static void draw_row(const struct table *table, struct grid *grid, int x, int y, const int *widths,
                     size_t row)
{
	bool is_selected = row == table->selected;
	int start = x;

	if (is_selected)
		grid_set(grid, x, y, '>', GRID_FOCUS);
	if (table->mark && table->mark(table->owner, row) != ' ')
		grid_set(grid, x + 1, y, (unsigned char)table->mark(table->owner, row), GRID_WARN);
	x += TABLE_MARGIN;
	for (size_t c = 0; c < table->column_count; c++) {
		char scratch[TABLE_CELL_BYTES];
		struct table_cell cell;

		if (!widths[c])
			continue;
		cell = table->cell(table->owner, row, c, scratch);
		if (c == 0 && is_selected)
			cell.role = GRID_FOCUS;
		if (table->columns[c].is_number)
			grid_put_right(grid, x + widths[c], y, widths[c], cell.text, cell.role);
		else
			grid_put(grid, x, y, widths[c], cell.text, cell.role);
		x += widths[c] + TABLE_GAP;
	}
	if (is_selected)
		grid_cursor(grid, start, y);
}

void table_draw(struct table *table, struct grid *grid, int x, int y, int width, int height)
{
	int widths[TABLE_COLUMNS_MAX] = { 0 };

	table->page = height - 1 > 0 ? height - 1 : 1;
	table_settle(table, table->page);
	lay_out(table, grid, width - TABLE_MARGIN, widths);
	draw_headings(table, grid, x + TABLE_MARGIN, y, widths);
	for (size_t c = 0; table->is_chosen && c < table->column_count; c++)
		if (!widths[c])
			grid_set(grid, x + width - 1, y, '>', GRID_WARN);
	for (int i = 0; i < height - 1 && table->top + (size_t)i < table->count; i++)
		draw_row(table, grid, x, y + 1 + i, widths, table->top + (size_t)i);
}
