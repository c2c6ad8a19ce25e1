#include "tui/term/term.h"

#include <curses.h>
#include <errno.h>
#include <libintl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <term.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "tui/term/keys.h"
#include "tui/term/restore.h"

/* ncurses numbers own keys from KEY_MAX up. */
enum { OWN_PASTE_BEGIN = KEY_MAX + 1, OWN_PASTE_END };
enum { ESCAPE_NEAR_MS = 25, ESCAPE_FAR_MS = 100 };

struct terminal {
	SCREEN *screen;
	struct grid_looks looks;
	enum theme theme;
	bool has_colour; /* it may be used, and the terminal has it */
	bool has_paste;
	bool is_whole; /* `shown` is what the terminal shows */
	struct grid shown;
	struct keys keys;
};

/* ---- opening ---- */

/* A terminal nobody described to this machine is most likely like one of these. */
static SCREEN *open_screen(struct reason *notice)
{
	static const char *const stand_ins[] = { "xterm-256color", "xterm", "vt100" };
	const char *name = getenv("TERM");
	SCREEN *screen = name && *name ? newterm(name, stdout, stdin) : NULL;

	notice->text[0] = '\0';
	for (size_t i = 0; !screen && i < sizeof stand_ins / sizeof *stand_ins; i++) {
		screen = newterm(stand_ins[i], stdout, stdin);
		if (screen)
			fail(notice, RESULT_OK, gettext("terminal \"%s\" is not known here; taken for %s"),
			     name ? name : "", stand_ins[i]);
	}
	return screen;
}

static bool is_missing(const char *capability)
{
	const char *text = tigetstr(capability);

	return !text || text == (const char *)-1;
}

static const char *capability(const char *name) { return is_missing(name) ? "" : tigetstr(name); }

/* A role's colours are the pair after its number. */
static void dress(const struct terminal *term)
{
	enum theme_depth depth = theme_depth(COLORS);

	for (short role = 0; term->has_colour && role < GRID_ROLES; role++) {
		const struct theme_look *look = theme_look(term->theme, (enum grid_role)role);

		init_pair((short)(role + 1), look->ink[depth], look->paper[depth]);
	}
}

static void start_colours(struct terminal *term, const struct term_setup *setup)
{
	bool is_wanted = setup->colour == TERM_YES || (setup->colour == TERM_AUTO && !setup->has_no_color);

	term->has_colour = is_wanted && has_colors() && start_color() == OK && use_default_colors() == OK &&
	                   COLORS >= 8;
	term->theme = term->has_colour ? setup->theme : THEME_MONO;
	dress(term);
}

/* Some terminals stay in normal cursor mode although asked: the other spelling of each key. */
static void define_twins(void)
{
	static const struct {
		const char *bytes;
		int key;
	} twins[] = {
		{ "\033[A", KEY_UP },           { "\033[B", KEY_DOWN },
		{ "\033[C", KEY_RIGHT },        { "\033[D", KEY_LEFT },
		{ "\033OA", KEY_UP },           { "\033OB", KEY_DOWN },
		{ "\033OC", KEY_RIGHT },        { "\033OD", KEY_LEFT },
		{ "\033[H", KEY_HOME },         { "\033[F", KEY_END },
		{ "\033OH", KEY_HOME },         { "\033OF", KEY_END },
		{ "\033[1~", KEY_HOME },        { "\033[4~", KEY_END },
		{ "\033[5~", KEY_PPAGE },       { "\033[6~", KEY_NPAGE },
		{ "\033[3~", KEY_DC },          { "\033OP", KEY_F(1) },
		{ "\033[11~", KEY_F(1) },       { "\033[15~", KEY_F(5) },
		{ "\033[21~", KEY_F(10) },      { "\033OQ", KEY_F(2) },
		{ "\033[12~", KEY_F(2) },       { "\033OR", KEY_F(3) },
		{ "\033[13~", KEY_F(3) },       { "\033[19~", KEY_F(8) },
		{ "\033[Z", KEY_BTAB },         { "\033[200~", OWN_PASTE_BEGIN },
		{ "\033[201~", OWN_PASTE_END },
	};

	for (size_t i = 0; i < sizeof twins / sizeof *twins; i++)
		define_key(twins[i].bytes, twins[i].key);
	/* Nothing here asks for a mouse. Where another program has left it on, ncurses would take two bytes of what it sends
	 * and leave the rest as letters; unknown to it, the whole is passed over as any other sequence. */
	define_key(NULL, KEY_MOUSE);
}

/* Bracketed paste: what is pasted is text, never keys. "BE" is ncurses' extended name for it. */
static void set_paste(const struct terminal *term, bool is_on)
{
	if (!term->has_paste)
		return;
	putp(is_on ? "\033[?2004h" : "\033[?2004l");
	fflush(stdout);
}

static void note_way_out(const struct terminal *term)
{
	char bytes[128];

	snprintf(bytes, sizeof bytes, "%s%s%s%s%s", term->has_paste ? "\033[?2004l" : "", capability("sgr0"),
	         capability("cnorm"), capability("rmkx"), capability("rmcup"));
	restore_leave_with(bytes);
}

enum result term_open(const struct term_setup *setup, struct terminal **out, struct reason *notice,
                      struct reason *reason)
{
	struct terminal *term = mem_new(sizeof *term);
	int escape = setup->escape_ms ? setup->escape_ms : setup->is_remote ? ESCAPE_FAR_MS : ESCAPE_NEAR_MS;

	*out = NULL;
	if (!term)
		return fail(reason, RESULT_NO_MEMORY, gettext("out of memory"));
	unsetenv("LINES"); /* they would pin the size */
	unsetenv("COLUMNS");
	restore_arm();
	term->screen = open_screen(notice);
	if (!term->screen || is_missing("cup")) {
		if (term->screen) {
			endwin();
			delscreen(term->screen);
		}
		restore_disarm();
		mem_free(term);
		return fail(reason, RESULT_INVALID,
		            gettext("this terminal cannot place its cursor; the commands work everywhere: "
		                    "parley status, parley help"));
	}
	term->has_paste = !is_missing("BE");
	term->looks.is_utf8 = setup->is_utf8;
	term->looks.has_frames = setup->is_utf8 &&
	                         (setup->frames == TERM_YES ||
	                          (setup->frames == TERM_AUTO && !setup->has_wide_ambiguous &&
	                           theme_draws_lines(slice_of(getenv("TERM")))));
	note_way_out(term);
	set_escdelay(escape);
	raw(); /* control letters are keys: nothing is stopped or ended by the terminal driver */
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	intrflush(stdscr, FALSE);
	define_twins();
	start_colours(term, setup);
	set_paste(term, true);
	*out = term;
	return RESULT_OK;
}

void term_close(struct terminal **term)
{
	if (!*term)
		return;
	set_paste(*term, false);
	endwin();
	if (is_missing("rmcup")) { /* what was painted stays: the shell's prompt goes below it */
		putchar('\n');
		fflush(stdout);
	}
	restore_disarm();
	delscreen((*term)->screen);
	grid_stop(&(*term)->shown);
	mem_free(*term);
	*term = NULL;
}

enum theme term_theme(const struct terminal *term) { return term->theme; }

bool term_wear(struct terminal *term, enum theme theme)
{
	if (!term->has_colour && theme != THEME_MONO)
		return false;
	term->theme = theme;
	dress(term);
	term_repaint(term);
	return true;
}

bool term_draw_lines(struct terminal *term, bool draws)
{
	if (draws && !term->looks.is_utf8)
		return false;
	term->looks.has_frames = draws;
	return true;
}

struct grid_looks term_looks(const struct terminal *term) { return term->looks; }

void term_size(const struct terminal *term, int *width, int *height)
{
	(void)term;
	getmaxyx(stdscr, *height, *width);
}

/* ---- input ---- */

static uint32_t named_key(wint_t key)
{
	switch (key) {
	case KEY_UP: return INPUT_UP;
	case KEY_DOWN: return INPUT_DOWN;
	case KEY_LEFT: return INPUT_LEFT;
	case KEY_RIGHT: return INPUT_RIGHT;
	case KEY_HOME: return INPUT_HOME;
	case KEY_END: return INPUT_END;
	case KEY_PPAGE: return INPUT_PAGE_UP;
	case KEY_NPAGE: return INPUT_PAGE_DOWN;
	case KEY_ENTER: return INPUT_ENTER;
	case KEY_BACKSPACE: return INPUT_BACKSPACE;
	case KEY_DC: return INPUT_DELETE;
	case KEY_BTAB: return INPUT_BACK_TAB;
	case KEY_F(1): return INPUT_F1;
	case KEY_F(2): return INPUT_F2;
	case KEY_F(3): return INPUT_F3;
	case KEY_F(5): return INPUT_F5;
	case KEY_F(8): return INPUT_F8;
	case KEY_F(10): return INPUT_F10;
	case KEY_RESIZE: return INPUT_RESIZE;
	case OWN_PASTE_BEGIN: return INPUT_PASTE_BEGIN;
	case OWN_PASTE_END: return INPUT_PASTE_END;
	default: return INPUT_NONE;
	}
}

static uint32_t character(wint_t c)
{
	switch (c) {
	case '\r':
	case '\n': return INPUT_ENTER;
	case 0x1b: return INPUT_ESCAPE;
	case 0x7f: return INPUT_BACKSPACE;
	default: return c > 0 && (uint32_t)c < INPUT_FIRST ? (uint32_t)c : INPUT_NONE;
	}
}

bool term_input(struct terminal *term, struct instant now, uint32_t *input)
{
	wint_t key;
	int kind = get_wch(&key);

	if (kind == ERR)
		return false;
	*input = keys_filter(&term->keys, now.mono_ms,
	                     kind == KEY_CODE_YES ? named_key(key) : character(key));
	if (*input == INPUT_RESIZE)
		term_repaint(term); /* terminals move what they show in ways of their own */
	return true;
}

/* ---- painting ---- */

#define SEEN_ON_BLANKS (A_REVERSE | A_UNDERLINE)
enum { SHORT_GAP = 4 };

static attr_t attributes(const struct terminal *term, enum grid_role role)
{
	unsigned marks = theme_look(term->theme, role)->marks;

	return (marks & DIM ? A_DIM : A_NORMAL) | (marks & BOLD ? A_BOLD : A_NORMAL) |
	       (marks & UNDERLINE ? A_UNDERLINE : A_NORMAL) | (marks & REVERSE ? A_REVERSE : A_NORMAL);
}

static bool is_same_cell(const struct grid_cell *a, const struct grid_cell *b)
{
	return a->c == b->c && a->role == b->role && memcmp(a->marks, b->marks, sizeof a->marks) == 0;
}

/*
 * What is seen of a blank?  All of a background; an underline where the words beside it have it too.  Else it looks the
 * same in every colour, and each change of colours is ten to twenty bytes on the line: it is written plain, or, in a
 * short gap between two words of one colour, in theirs.
 */
static enum grid_role painted_role(const struct terminal *term, const struct grid *grid, int x, int y,
                                   enum grid_role before)
{
	const struct grid_cell *row = &grid->cells[(size_t)y * (size_t)grid->width];
	bool goes_on = (x > 0 && row[x - 1].role == row[x].role) ||
	               (x + 1 < grid->width && row[x + 1].role == row[x].role);
	enum grid_role role = (enum grid_role)row[x].role;
	attr_t seen = attributes(term, role) & SEEN_ON_BLANKS;
	int next = x;

	if (row[x].c != ' ' || row[x].marks[0] || seen & A_REVERSE || (seen && goes_on))
		return role;
	while (next < grid->width && next < x + SHORT_GAP && row[next].c == ' ')
		next++;
	return next < grid->width && row[next].c != ' ' && (enum grid_role)row[next].role == before &&
	                       !(attributes(term, before) & SEEN_ON_BLANKS)
	               ? before
	               : GRID_NORMAL;
}

static void paint_row(const struct terminal *term, const struct grid *grid, int y)
{
	cchar_t line[GRID_WIDTH_MAX];
	int count = 0, cells = grid->width;
	enum grid_role role = GRID_NORMAL;

	/* Old terminals scroll when the last cell of the last line is written. */
	if (y == grid->height - 1)
		cells--;
	for (int x = 0; x < cells; x++) {
		const struct grid_cell *cell = &grid->cells[(size_t)y * (size_t)grid->width + (size_t)x];
		wchar_t text[2 + GRID_MARKS] = { (wchar_t)cell->c, (wchar_t)cell->marks[0],
			                         (wchar_t)cell->marks[1], 0 };

		if (cell->c == 0 || (cell->width == 2 && x + 1 >= cells))
			continue;
		role = painted_role(term, grid, x, y, role);
		setcchar(&line[count++], text, attributes(term, role),
		         term->has_colour ? (short)(role + 1) : 0, NULL);
	}
	mvadd_wchnstr(y, 0, line, count);
}

/* Rows that differ; ncurses finds out what of them. */
static bool paint_rows(struct terminal *term, const struct grid *grid)
{
	bool has_changed = !term->is_whole;

	for (int y = 0; y < grid->height; y++) {
		bool differs = !term->is_whole;

		for (int x = 0; x < grid->width && !differs; x++) {
			size_t at = (size_t)y * (size_t)grid->width + (size_t)x;

			differs = !is_same_cell(&grid->cells[at], &term->shown.cells[at]);
		}
		if (differs)
			paint_row(term, grid, y);
		has_changed |= differs;
	}
	return has_changed;
}

static void remember(struct terminal *term, const struct grid *grid)
{
	if (term->shown.width != grid->width || term->shown.height != grid->height) {
		grid_stop(&term->shown);
		if (!grid_start(&term->shown, grid->width, grid->height, grid->looks)) {
			term->is_whole =
			        false; /* without memory every paint is a whole one; ncurses still sends differences */
			return;
		}
	}
	memcpy(term->shown.cells, grid->cells,
	       (size_t)grid->width * (size_t)grid->height * sizeof *grid->cells);
	term->shown.cursor_x = grid->cursor_x;
	term->shown.cursor_y = grid->cursor_y;
	term->is_whole = true;
}

void term_paint(struct terminal *term, const struct grid *grid)
{
	if (term->shown.width != grid->width || term->shown.height != grid->height)
		term->is_whole = false;
	if (!term->is_whole)
		erase();
	if (!paint_rows(term, grid) && grid->cursor_x == term->shown.cursor_x &&
	    grid->cursor_y == term->shown.cursor_y)
		return;
	move(grid->cursor_y, grid->cursor_x);
	wnoutrefresh(stdscr);
	doupdate();
	remember(term, grid);
}

void term_repaint(struct terminal *term)
{
	term->is_whole = false;
	clearok(stdscr, TRUE);
}

void term_copy(struct terminal *term, struct slice text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	(void)term;
	fputs("\033]52;c;", stdout);
	for (size_t i = 0; i < text.len; i += 3) {
		size_t left = text.len - i;
		uint32_t three = (uint32_t)(unsigned char)text.ptr[i] << 16 |
		                 (left > 1 ? (uint32_t)(unsigned char)text.ptr[i + 1] << 8 : 0) |
		                 (left > 2 ? (uint32_t)(unsigned char)text.ptr[i + 2] : 0);

		putchar(digits[three >> 18 & 63]);
		putchar(digits[three >> 12 & 63]);
		putchar(left > 1 ? digits[three >> 6 & 63] : '=');
		putchar(left > 2 ? digits[three & 63] : '=');
	}
	fputs("\a", stdout);
	fflush(stdout);
}

void term_suspend(struct terminal *term)
{
	set_paste(term, false);
	endwin();
	raise(SIGSTOP);
	refresh(); /* takes the terminal again, with the modes of before */
	set_paste(term, true);
	term_repaint(term);
}
