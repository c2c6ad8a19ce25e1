#include "tui/widgets/grid.h"

#include <stdio.h>
#include <wchar.h>

#include "shared/base/memory.h"
#include "shared/base/text.h"

enum { GRID_LINE_MAX = 1024 };

bool grid_start(struct grid *grid, int width, int height, struct grid_looks looks)
{
	*grid = (struct grid){ .looks = looks };
	if (width < 1 || height < 1 || width > GRID_WIDTH_MAX || height > GRID_HEIGHT_MAX)
		return false;
	grid->cells = mem_new_array((size_t)width * (size_t)height, sizeof *grid->cells);
	if (!grid->cells)
		return false;
	grid->width = width;
	grid->height = height;
	grid_clear(grid);
	return true;
}

void grid_stop(struct grid *grid)
{
	mem_free(grid->cells);
	*grid = (struct grid){ 0 };
}

static struct grid_cell *cell_at(const struct grid *grid, int x, int y)
{
	if (x < 0 || y < 0 || x >= grid->width || y >= grid->height)
		return NULL;
	return &grid->cells[(size_t)y * (size_t)grid->width + (size_t)x];
}

/* A half of a wide character that loses its other half becomes a blank. */
static void break_wide(struct grid *grid, int x, int y)
{
	struct grid_cell *cell = cell_at(grid, x, y), *next = cell_at(grid, x + 1, y),
	                 *before = cell_at(grid, x - 1, y);

	if (cell && cell->c == 0 && before)
		*before = (struct grid_cell){ .c = ' ', .width = 1, .role = before->role };
	if (cell && cell->width == 2 && next)
		*next = (struct grid_cell){ .c = ' ', .width = 1, .role = next->role };
}

void grid_set(struct grid *grid, int x, int y, uint32_t c, enum grid_role role)
{
	struct grid_cell *cell = cell_at(grid, x, y);

	if (!cell)
		return;
	break_wide(grid, x, y);
	*cell = (struct grid_cell){ .c = c, .width = 1, .role = (uint8_t)role };
}

void grid_fill(struct grid *grid, int x, int y, int width, int height)
{
	for (int j = 0; j < height; j++)
		for (int i = 0; i < width; i++)
			grid_set(grid, x + i, y + j, ' ', GRID_NORMAL);
}

void grid_clear(struct grid *grid)
{
	for (size_t i = 0; i < (size_t)grid->width * (size_t)grid->height; i++)
		grid->cells[i] = (struct grid_cell){ .c = ' ', .width = 1 };
	grid->cursor_x = grid->cursor_y = 0;
}

/* ---- text ---- */

/* What is to be shown for the character that starts `text`. */
struct piece {
	char escape[20]; /* ASCII to show instead, or "" */
	uint32_t c;
	int width;    /* cells; 0: combines with the one before */
	size_t bytes; /* of `text` */
};

static struct piece next_piece(const struct grid *grid, struct slice text)
{
	struct piece piece = { .width = 1 };
	size_t used = 0;

	piece.bytes = text_utf8_decode(text, &piece.c);
	if (piece.bytes == 0 || text_is_hidden(piece.c)) {
		piece.bytes = piece.bytes ? piece.bytes : 1;
		for (size_t i = 0; i < piece.bytes; i++)
			used += (size_t)snprintf(piece.escape + used, sizeof piece.escape - used, "\\x%02x",
			                         (unsigned char)text.ptr[i]);
		piece.width = (int)used;
	} else if (piece.c >= 0x80) {
		piece.width = grid->looks.is_utf8 ? wcwidth((wchar_t)piece.c) : -1;
		if (piece.width < 0 || piece.width > 2)
			piece = (struct piece){ .escape = "?", .width = 1, .bytes = piece.bytes };
	}
	return piece;
}

int grid_text_width(const struct grid *grid, struct slice text)
{
	int cells = 0;

	while (text.len && cells < GRID_WIDTH_MAX) {
		struct piece piece = next_piece(grid, text);

		cells += piece.width;
		text = slice_after(text, piece.bytes);
	}
	return cells;
}

static size_t character_before(struct slice text, size_t at)
{
	for (at--; at > 0 && ((unsigned char)text.ptr[at] & 0xc0) == 0x80;)
		at--;
	return at;
}

static bool is_wide_at(const struct grid *grid, struct slice text, size_t at)
{
	uint32_t c = 0;
	size_t bytes = at < text.len ? text_utf8_decode(slice_after(text, at), &c) : 0;

	return bytes && c >= 0x80 && grid_text_width(grid, slice_first(slice_after(text, at), bytes)) == 2;
}

/* What closes a clause stands at no line's beginning. */
static bool is_closing_at(struct slice text, size_t at)
{
	static const char *const closing[] = { "\uff0c", "\u3002", "\uff1b", "\uff1a", "\u3001", "\uff1f",
		                               "\uff01", "\uff09", "\u300d", ")",      ",",      ".",
		                               ";",      ":",      "?",      "!" };

	for (size_t i = 0; i < sizeof closing / sizeof *closing; i++)
		if (slice_starts(slice_after(text, at), slice_of(closing[i])))
			return true;
	return false;
}

/* Between words, and on either side of a wide character: Chinese has no blanks. */
static bool may_break_at(const struct grid *grid, struct slice text, size_t at)
{
	if (text.ptr[at] == ' ')
		return true;
	return !is_closing_at(text, at) &&
	       (is_wide_at(grid, text, at) || is_wide_at(grid, text, character_before(text, at)));
}

size_t grid_fold(const struct grid *grid, struct slice text, int room)
{
	size_t cut = 0;
	int cells = 0;

	while (cut < text.len) {
		struct piece piece = next_piece(grid, slice_after(text, cut));

		cells += piece.width;
		if (cells > room && cut > 0)
			break;
		cut += piece.bytes;
	}
	for (size_t at = cut; cut < text.len && at > 0; at = character_before(text, at))
		if (may_break_at(grid, text, at))
			return at;
	return cut;
}

enum { GRID_HANGING = 2 };

int grid_put_folded(struct grid *grid, int x, int y, int room, int used, int lines, struct slice text,
                    enum grid_role role)
{
	struct slice rest = text;
	int line = 0;

	do {
		size_t cut = line + 1 < lines ? grid_fold(grid, rest, room - used) : rest.len;

		grid_put(grid, x + used, y + line, room - used, slice_first(rest, cut), role);
		rest = slice_trim(slice_after(rest, cut));
		used = GRID_HANGING;
		line++;
	} while (rest.len && line < lines);
	return line;
}

static void combine(struct grid *grid, int x, int y, uint32_t mark)
{
	struct grid_cell *cell = cell_at(grid, x, y);

	if (cell && cell->c == 0)
		cell = cell_at(grid, x - 1, y);
	for (int i = 0; cell && i < GRID_MARKS; i++) {
		if (cell->marks[i] == 0) {
			cell->marks[i] = mark;
			return;
		}
	}
	/* More marks than a cell holds are left out: they would pile up over other rows. */
}

static void put_piece(struct grid *grid, int x, int y, const struct piece *piece, enum grid_role role)
{
	if (piece->escape[0]) {
		for (int i = 0; piece->escape[i]; i++)
			grid_set(grid, x + i, y, (unsigned char)piece->escape[i], role);
		return;
	}
	grid_set(grid, x, y, piece->c, role);
	if (piece->width == 2) {
		struct grid_cell *left = cell_at(grid, x, y), *right = cell_at(grid, x + 1, y);

		break_wide(grid, x + 1, y);
		if (left && right) {
			left->width = 2;
			*right = (struct grid_cell){ .role = (uint8_t)role };
		}
	}
}

int grid_put(struct grid *grid, int x, int y, int room, struct slice text, enum grid_role role)
{
	int used = 0;
	bool is_cut;

	if (x < 0 || y < 0 || y >= grid->height)
		return 0;
	room = room < grid->width - x ? room : grid->width - x;
	if (room <= 0)
		return 0;
	is_cut = grid_text_width(grid, text) > room;
	if (is_cut)
		room--;
	while (text.len) {
		struct piece piece = next_piece(grid, text);

		if (used + piece.width > room)
			break;
		if (piece.width == 0 && used > 0)
			combine(grid, x + used - 1, y, piece.c);
		else if (piece.width > 0)
			put_piece(grid, x + used, y, &piece, role);
		used += piece.width;
		text = slice_after(text, piece.bytes);
	}
	if (is_cut)
		grid_set(grid, x + used++, y, '>', role);
	return used;
}

int grid_put_text(struct grid *grid, int x, int y, int room, const char *text, enum grid_role role)
{
	return grid_put(grid, x, y, room, slice_of(text), role);
}

int grid_printf(struct grid *grid, int x, int y, int room, enum grid_role role, const char *format, ...)
{
	char line[GRID_LINE_MAX];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	return length < 0 ? 0 : grid_put(grid, x, y, room, slice_of(line), role);
}

void grid_put_right(struct grid *grid, int end, int y, int room, struct slice text, enum grid_role role)
{
	int width = grid_text_width(grid, text);

	grid_put(grid, width < room ? end - width : end - room, y, room, text, role);
}

void grid_paint(struct grid *grid, int x, int y, int width, enum grid_role role)
{
	for (int i = 0; i < width; i++) {
		struct grid_cell *cell = cell_at(grid, x + i, y);

		if (cell)
			cell->role = (uint8_t)role;
	}
}

void grid_cursor(struct grid *grid, int x, int y)
{
	grid->cursor_x = x < 0 ? 0 : x < grid->width ? x : grid->width - 1;
	grid->cursor_y = y < 0 ? 0 : y < grid->height ? y : grid->height - 1;
}

/* ---- lines ---- */

static uint32_t frame_char(const struct grid *grid, char ascii, uint32_t line)
{
	if (grid->is_bare)
		return ' ';
	return grid->looks.has_frames ? line : (unsigned char)ascii;
}

void grid_line(struct grid *grid, int x, int y, int length, enum grid_role role)
{
	for (int i = 0; i < length; i++)
		grid_set(grid, x + i, y, frame_char(grid, '-', 0x2500), role);
}

void grid_upright(struct grid *grid, int x, int y, int length, enum grid_role role)
{
	for (int i = 0; i < length; i++)
		grid_set(grid, x, y + i, frame_char(grid, '|', 0x2502), role);
}

void grid_frame(struct grid *grid, int x, int y, int width, int height, enum grid_role role)
{
	grid_line(grid, x + 1, y, width - 2, role);
	grid_line(grid, x + 1, y + height - 1, width - 2, role);
	grid_upright(grid, x, y + 1, height - 2, role);
	grid_upright(grid, x + width - 1, y + 1, height - 2, role);
	grid_set(grid, x, y, frame_char(grid, '+', 0x250c), role);
	grid_set(grid, x + width - 1, y, frame_char(grid, '+', 0x2510), role);
	grid_set(grid, x, y + height - 1, frame_char(grid, '+', 0x2514), role);
	grid_set(grid, x + width - 1, y + height - 1, frame_char(grid, '+', 0x2518), role);
}

/* ---- without padding ---- */

enum { TIGHT_BLANKS = 2 };

/* One line to `to`, which does not stand below it; gives back how many cells it takes now. */
static int tighten_line(struct grid *grid, int from, int to)
{
	int used = 0, blanks = 0;

	for (int x = 0; x < grid->width; x++) {
		struct grid_cell cell = *cell_at(grid, x, from);

		*cell_at(grid, x, from) = (struct grid_cell){ .c = ' ', .width = 1 };
		if (cell.c == ' ') {
			blanks++;
			continue;
		}
		if (used && cell.c)
			used += blanks < TIGHT_BLANKS ? blanks : TIGHT_BLANKS;
		blanks = 0;
		cell.role = GRID_NORMAL;
		*cell_at(grid, used++, to) = cell;
	}
	return used;
}

void grid_tighten(struct grid *grid)
{
	bool has_gap = true;
	int to = 0;

	for (int y = 0; y < grid->height; y++) {
		bool is_text = tighten_line(grid, y, to) > 0;

		if (is_text || !has_gap)
			to++;
		has_gap = !is_text;
	}
	grid_cursor(grid, 0, to);
}

/* ---- for tests ---- */

static void add_utf8(struct buffer *out, uint32_t c)
{
	if (c < 0x80) {
		buffer_add_char(out, (char)c);
	} else if (c < 0x800) {
		buffer_add_char(out, (char)(0xc0 | c >> 6));
		buffer_add_char(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buffer_add_char(out, (char)(0xe0 | c >> 12));
		buffer_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buffer_add_char(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buffer_add_char(out, (char)(0xf0 | c >> 18));
		buffer_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buffer_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buffer_add_char(out, (char)(0x80 | (c & 0x3f)));
	}
}

void grid_dump(const struct grid *grid, struct buffer *out)
{
	for (int y = 0; y < grid->height; y++) {
		int end = grid->width;

		while (end > 0 && cell_at(grid, end - 1, y)->c == ' ')
			end--;
		for (int x = 0; x < end; x++) {
			const struct grid_cell *cell = cell_at(grid, x, y);

			if (cell->c == 0)
				continue;
			add_utf8(out, cell->c);
			for (int i = 0; i < GRID_MARKS && cell->marks[i]; i++)
				add_utf8(out, cell->marks[i]);
		}
		buffer_add_char(out, '\n');
	}
}

void grid_dump_roles(const struct grid *grid, struct buffer *out)
{
	for (int y = 0; y < grid->height; y++) {
		for (int x = 0; x < grid->width; x++)
			buffer_add_char(out, ".dgwbf"[cell_at(grid, x, y)->role]);
		buffer_add_char(out, '\n');
	}
}
