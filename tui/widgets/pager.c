#include "tui/widgets/pager.h"

#include "shared/base/text.h"

enum { PAGER_STEP = 8, PAGER_LEFT_MAX = 800 };

struct area_of_lines {
	int x, y, width;
};

void pager_start(struct pager *pager)
{
	*pager = (struct pager){ 0 };
	buffer_start(&pager->text, PAGER_BYTES_MAX);
}

void pager_stop(struct pager *pager) { buffer_stop(&pager->text); }

void pager_settle(struct pager *pager)
{
	pager->lines = pager->top = 0;
	pager->left = 0;
}

static void move(struct pager *pager, long by)
{
	size_t page = pager->page > 0 ? (size_t)pager->page : 1;
	size_t last = pager->lines > page ? pager->lines - page : 0, step = by < 0 ? (size_t)-by : (size_t)by;

	if (by < 0)
		pager->top = pager->top > step ? pager->top - step : 0;
	else
		pager->top = pager->top < last && step < last - pager->top ? pager->top + step : last;
}

bool pager_key(struct pager *pager, uint32_t key)
{
	long page = pager->page > 1 ? pager->page - 1 : 1;

	switch (key) {
	case 'k':
	case INPUT_UP: move(pager, -1); return true;
	case 'j':
	case INPUT_DOWN: move(pager, 1); return true;
	case INPUT_CTRL_B:
	case INPUT_PAGE_UP: move(pager, -page); return true;
	case ' ':
	case INPUT_CTRL_F:
	case INPUT_PAGE_DOWN: move(pager, page); return true;
	case INPUT_HOME: pager->top = 0; return true;
	case 'G':
	case INPUT_END: move(pager, (long)pager->lines); return true;
	case INPUT_LEFT: pager->left = pager->left > PAGER_STEP ? pager->left - PAGER_STEP : 0; return true;
	case INPUT_RIGHT: pager->left += pager->left < PAGER_LEFT_MAX ? PAGER_STEP : 0; return true;
	default: return false;
	}
}

/* The rest of a line after `cells` cells, whole characters. */
static struct slice scrolled(const struct grid *grid, struct slice line, int cells)
{
	while (line.len && cells > 0) {
		size_t n = text_utf8_length(line);

		n = n ? n : 1;
		cells -= grid_text_width(grid, slice_first(line, n));
		line = slice_after(line, n);
	}
	return line;
}

/* ---- folding: a sentence in the last column of a line goes on below itself ---- */

/* Bytes before the last column: what follows two blanks, else what follows the indentation. */
static size_t last_column(struct slice line)
{
	size_t at = 0;

	while (at < line.len && line.ptr[at] == ' ')
		at++;
	for (size_t i = at; i + 2 < line.len; i++)
		if (line.ptr[i] == ' ' && line.ptr[i + 1] == ' ' && line.ptr[i + 2] != ' ')
			at = i + 2;
	return at;
}

static struct slice first_line(const struct grid *grid, struct slice text, int room)
{
	return slice_first(text, grid_fold(grid, text, room));
}

/* Draws a line's rows `from` to `to` (of its own) at y, y + 1, ...; gives back how many rows it has in all. */
static size_t draw_line(const struct pager *pager, struct grid *grid, struct area_of_lines area,
                        struct slice line, size_t from, size_t to)
{
	size_t column = last_column(line), row = 0;
	int indent = grid_text_width(grid, slice_first(line, column));
	bool folds = pager->left == 0 && indent < area.width * 2 / 3 &&
	             grid_text_width(grid, line) > area.width;
	struct slice part = folds ? first_line(grid, slice_after(line, column), area.width - indent)
	                          : SLICE_NONE;

	if (!folds) {
		if (from == 0 && to > 0)
			grid_put(grid, area.x, area.y, area.width, scrolled(grid, line, pager->left),
			         GRID_NORMAL);
		return 1;
	}
	if (from == 0 && to > 0)
		grid_put(grid, area.x, area.y, indent, slice_first(line, column), GRID_NORMAL);
	for (struct slice rest = slice_after(line, column); rest.len; row++) {
		part = first_line(grid, rest, area.width - indent);
		if (row >= from && row < to)
			grid_put(grid, area.x + indent, area.y + (int)(row - from), area.width - indent, part,
			         GRID_NORMAL);
		rest = slice_after(rest, part.len);
		while (rest.len && rest.ptr[0] == ' ')
			rest = slice_after(rest, 1);
	}
	return row;
}

void pager_draw(struct pager *pager, struct grid *grid, int x, int y, int width, int height)
{
	struct slice text = buffer_slice(&pager->text), rest = text, line;
	size_t rows = 0, shown = height > 0 ? (size_t)height : 0;

	/* Counted for this width, so that the end is the end. */
	pager->lines = 0;
	while (rest.len && slice_next(&rest, '\n', &line))
		pager->lines += draw_line(pager, grid, (struct area_of_lines){ x, y, width }, line, 0, 0);
	pager->page = height;
	move(pager, 0);
	for (rest = text; rest.len && rows < pager->top + shown && slice_next(&rest, '\n', &line);) {
		size_t from = rows < pager->top ? pager->top - rows : 0;
		int at = rows < pager->top ? 0 : (int)(rows - pager->top);

		rows += draw_line(pager, grid, (struct area_of_lines){ x, y + at, width }, line, from,
		                  from + shown - (size_t)at);
	}
	grid_cursor(grid, x, y);
}
