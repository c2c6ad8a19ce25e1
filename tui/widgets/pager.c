#include "tui/widgets/pager.h"

#include "shared/base/text.h"

enum { PAGER_STEP = 8, PAGER_LEFT_MAX = 800 };

void pager_start(struct pager *pager)
{
	*pager = (struct pager){ 0 };
	buffer_start(&pager->text, PAGER_BYTES_MAX);
}

void pager_stop(struct pager *pager) { buffer_stop(&pager->text); }

void pager_settle(struct pager *pager)
{
	struct slice text = buffer_slice(&pager->text);

	pager->lines = 0;
	pager->top = 0;
	pager->left = 0;
	for (size_t i = 0; i < text.len; i++)
		pager->lines += text.ptr[i] == '\n' || i + 1 == text.len;
}

static void move(struct pager *pager, long by)
{
	size_t page = pager->page > 0 ? (size_t)pager->page : 1;
	size_t last = pager->lines > page ? pager->lines - page : 0, step = by < 0 ? (size_t)-by : (size_t)by;

	if (by < 0)
		pager->top = pager->top > step ? pager->top - step : 0;
	else
		pager->top = pager->top + step < last ? pager->top + step : last;
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

void pager_draw(struct pager *pager, struct grid *grid, int x, int y, int width, int height)
{
	struct slice rest = buffer_slice(&pager->text), line;

	pager->page = height;
	move(pager, 0);
	if (pager->lines <= (size_t)(height > 0 ? height : 0))
		pager->top = 0;
	for (size_t i = 0; i < pager->top + (size_t)height && slice_next(&rest, '\n', &line); i++)
		if (i >= pager->top)
			grid_put(grid, x, y + (int)(i - pager->top), width, scrolled(grid, line, pager->left),
			         GRID_NORMAL);
	grid_cursor(grid, x, y);
}
