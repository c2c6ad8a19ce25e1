#include "tui/widgets/form.h"

#include <libintl.h>
#include <stdio.h>

enum { FORM_VALUE_MIN = 18, FORM_LABEL_MAX = 42, FORM_SWITCH_CELLS = 10 };

void form_clear(struct form *form)
{
	form->count = form->at = 0;
	form->is_locked = false;
	form->top = 0;
}

struct form_field *form_add(struct form *form, enum form_type type, const char *label)
{
	struct form_field *field = &form->fields[form->count];

	if (form->count == FORM_FIELDS_MAX)
		return NULL;
	*field = (struct form_field){ .type = type, .unit = "", .choices = "" };
	snprintf(field->label, sizeof field->label, "%s", label);
	form->count++;
	return field;
}

bool form_load(struct form_field *field, struct slice text)
{
	editor_set(&field->value, text);
	memcpy(field->saved, field->value.text, field->value.length + 1);
	return text.len < EDITOR_BYTES;
}

void form_revert(struct form_field *field) { editor_set(&field->value, slice_of(field->saved)); }

static struct slice next_word(struct slice *rest)
{
	struct slice text = slice_trim(*rest), word = slice_first(text, slice_find(text, ' '));

	*rest = slice_after(text, word.len);
	return word;
}

bool form_is_changed(const struct form_field *field)
{
	struct slice now = editor_text(&field->value), saved = slice_of(field->saved), word;

	if (!field->is_list) /* blanks before and behind are not saved */
		return !slice_equal(slice_trim(now), slice_trim(saved));
	do {
		word = next_word(&now);
		if (!slice_equal(word, next_word(&saved)))
			return true;
	} while (word.len);
	return false;
}

size_t form_changes(const struct form *form)
{
	size_t changes = 0;

	for (size_t i = 0; i < form->count; i++)
		changes += form_is_changed(&form->fields[i]);
	return changes;
}

size_t form_problems(const struct form *form)
{
	size_t problems = 0;

	for (size_t i = 0; i < form->count; i++)
		problems += form->fields[i].problem[0] != '\0';
	return problems;
}

bool form_is_typing(const struct form *form)
{
	const struct form_field *field = form->at < form->count ? &form->fields[form->at] : NULL;

	return field && field->type == FORM_TEXT && !field->fixed;
}

bool form_next_problem(struct form *form)
{
	for (size_t i = 1; i <= form->count; i++) {
		size_t at = (form->at + i) % form->count;

		if (form->fields[at].problem[0]) {
			form->at = at;
			return true;
		}
	}
	return false;
}

/* ---- keys ---- */

static bool is_on(const struct form_field *field)
{
	return slice_equal(editor_text(&field->value), SLICE("true"));
}

static void turn_choice(struct form_field *field, int step)
{
	struct slice rest = slice_of(field->choices), choice, all[16];
	size_t count = 0, at = 0;

	while (count < 16 && slice_next(&rest, '|', &choice)) {
		if (slice_equal(choice, editor_text(&field->value)))
			at = count;
		all[count++] = choice;
	}
	if (count)
		editor_set(&field->value, all[(at + count + (size_t)(step + (int)count)) % count]);
}

static enum form_answer move(struct form *form, long by)
{
	long at = (long)form->at + by, last = (long)form->count - 1;

	form->at = at < 0 ? 0 : at > last ? (size_t)(last < 0 ? 0 : last) : (size_t)at;
	return FORM_MOVED;
}

static enum form_answer move_key(struct form *form, uint32_t key)
{
	long page = form->page > 2 ? form->page - 1 : 1;

	switch (key) {
	case INPUT_UP: return move(form, -1);
	case INPUT_DOWN: return move(form, 1);
	case INPUT_PAGE_UP: return move(form, -page);
	case INPUT_PAGE_DOWN: return move(form, page);
	case INPUT_TAB: form->at = form->count ? (form->at + 1) % form->count : 0; return FORM_MOVED;
	case INPUT_BACK_TAB:
		form->at = form->count ? (form->at + form->count - 1) % form->count : 0;
		return FORM_MOVED;
	default: return FORM_OTHER;
	}
}

/* Keys of a field whose value is not typed. */
static enum form_answer turn_key(struct form *form, struct form_field *field, uint32_t key)
{
	int step = key == ' ' || key == INPUT_RIGHT ? 1 : key == INPUT_LEFT ? -1 : 0;

	switch (key) {
	case 'j': return move(form, 1);
	case 'k': return move(form, -1);
	case INPUT_HOME: return move(form, -FORM_FIELDS_MAX);
	case 'G':
	case INPUT_END: return move(form, FORM_FIELDS_MAX);
	default: break;
	}
	if (!step)
		return FORM_OTHER;
	if (field->fixed)
		return FORM_MOVED;
	if (field->type == FORM_SWITCH)
		editor_set(&field->value, is_on(field) ? SLICE("false") : SLICE("true"));
	else
		turn_choice(field, step);
	return FORM_CHANGED;
}

enum form_answer form_key(struct form *form, uint32_t key)
{
	struct form_field *field = form->at < form->count ? &form->fields[form->at] : NULL;
	struct editor before;

	if (!field)
		return FORM_OTHER;
	if (move_key(form, key) != FORM_OTHER)
		return FORM_MOVED;
	if (field->type != FORM_TEXT || field->fixed)
		return turn_key(form, field, key);
	before = field->value;
	if (!editor_key(&field->value, key))
		return FORM_OTHER;
	return slice_equal(editor_text(&before), editor_text(&field->value)) ? FORM_MOVED : FORM_CHANGED;
}

/* ---- drawing ---- */

struct layout {
	struct grid *grid;
	int x, y, height; /* of the form on the grid */
	int label, value; /* cells of the two columns */
};

static int label_cells(const struct form *form, const struct grid *grid, int width)
{
	int most = width - FORM_MARGIN - 3 - FORM_VALUE_MIN, widest = 0;

	most = most > FORM_LABEL_MAX ? FORM_LABEL_MAX : most;
	for (size_t i = 0; i < form->count; i++) {
		int cells = grid_text_width(grid, slice_of(form->fields[i].label));

		widest = cells > widest ? cells : widest;
	}
	return widest < most ? widest : most > 1 ? most : 1;
}

static struct slice name_of(const struct form_field *field, struct slice choice)
{
	return field->word ? field->word(choice) : choice;
}

/* Cells of "( ) a  (*) b". */
static int choices_cells(const struct grid *grid, const struct form_field *field)
{
	struct slice rest = slice_of(field->choices), choice;
	int cells = -1;

	while (slice_next(&rest, '|', &choice))
		cells += grid_text_width(grid, name_of(field, choice)) + 6;
	return cells;
}

static int draw_choice(struct grid *grid, const struct form_field *field, int x, int y, int room,
                       bool has_focus)
{
	struct slice rest = slice_of(field->choices), choice, value = editor_text(&field->value);
	int start = x, cursor = x;

	if (choices_cells(grid, field) > room) {
		x += grid_put_text(grid, x, y, room, "< ", GRID_DIM);
		x += grid_put(grid, x, y, start + room - x, name_of(field, value), GRID_NORMAL);
		x += grid_put_text(grid, x, y, start + room - x, " >", GRID_DIM);
		if (has_focus)
			grid_cursor(grid, start + 2, y);
		return x;
	}
	while (slice_next(&rest, '|', &choice)) {
		bool is_chosen = slice_equal(choice, value);

		if (is_chosen)
			cursor = x + 1;
		x += grid_put_text(grid, x, y, start + room - x, is_chosen ? "(*) " : "( ) ", GRID_NORMAL);
		x += grid_put(grid, x, y, start + room - x, name_of(field, choice),
		              is_chosen ? GRID_NORMAL : GRID_DIM) +
		     2;
	}
	if (has_focus)
		grid_cursor(grid, cursor, y);
	return x - 2;
}

static int draw_switch(struct grid *grid, const struct form_field *field, int x, int y, bool has_focus)
{
	bool on = is_on(field);

	if (has_focus)
		grid_cursor(grid, x + 1, y);
	return x + grid_put_text(grid, x, y, FORM_SWITCH_CELLS, on ? gettext("[x] on") : gettext("[ ] off"),
	                         on ? GRID_GOOD : GRID_NORMAL);
}

static int draw_text(struct grid *grid, const struct form_field *field, int x, int y, int room,
                     bool has_focus)
{
	int cells = grid_text_width(grid, editor_text(&field->value));

	if (has_focus && !field->fixed) {
		editor_draw(&field->value, grid, x, y, room, GRID_NORMAL);
		return x + (cells < room - 1 ? cells + 1 : room);
	}
	if (has_focus)
		grid_cursor(grid, x, y);
	if (!field->value.length && !has_focus)
		return x + grid_put_text(grid, x, y, room, "-", GRID_DIM);
	return x + grid_put(grid, x, y, room, editor_text(&field->value), GRID_NORMAL);
}

/* What follows a value: its unit, what is allowed while it has the focus, why it cannot be changed. */
static void draw_rest(struct grid *grid, const struct form_field *field, int x, int y, int end,
                      bool has_focus, bool is_locked)
{
	if (field->unit[0])
		x += 1 + grid_put_text(grid, x + 1, y, end - x - 1, field->unit, GRID_DIM);
	if (field->fixed && (has_focus || !is_locked))
		grid_printf(grid, x + 2, y, end - x - 2, GRID_DIM, "(%s)", field->fixed);
	else if (has_focus && field->allowed[0] && field->type == FORM_TEXT)
		grid_printf(grid, x + 2, y, end - x - 2, GRID_DIM, "(%s)", field->allowed);
}

static void draw_field(const struct layout *l, const struct form *form, size_t i, int y, bool has_focus)
{
	const struct form_field *field = &form->fields[i];
	bool is_at = i == form->at;
	struct grid *grid = l->grid;
	int x = l->x + FORM_MARGIN, end, right;
	enum grid_role role = is_at ? GRID_FOCUS : field->idle[0] ? GRID_DIM : GRID_NORMAL;

	if (is_at && has_focus)
		grid_set(grid, l->x, y, '>', GRID_FOCUS);
	if (!form->is_question && form_is_changed(field))
		grid_set(grid, l->x + 1, y, '*', GRID_WARN);
	grid_put_text(grid, x, y, l->label, field->label, role);
	x += l->label + 2;
	right = x + l->value;
	if (field->type == FORM_SWITCH)
		end = draw_switch(grid, field, x, y, is_at && has_focus);
	else if (field->type == FORM_CHOICE)
		end = draw_choice(grid, field, x, y, l->value, is_at && has_focus);
	else
		end = draw_text(grid, field, x, y,
		                l->value - grid_text_width(grid, slice_of(field->unit)) - 1,
		                is_at && has_focus);
	draw_rest(grid, field, end, y, right, is_at, form->is_locked);
}

/* Words below a field, folded between words. Returns how many lines; draws those that are seen. */
static int draw_words(const struct layout *l, int line, int top, const char *words, const char *mark,
                      enum grid_role role, bool draws)
{
	int x = l->x + FORM_MARGIN + 2, room = l->label + l->value, count = 0;
	struct slice rest = slice_of(words);

	while (rest.len && room > 8) {
		size_t cut = grid_fold(l->grid, rest, room);
		int y = l->y + line + count - top;

		if (draws && y >= l->y && y < l->y + l->height) {
			if (count == 0)
				grid_put_text(l->grid, l->x + 1, y, 2, mark, role);
			grid_put(l->grid, x, y, room, slice_first(rest, cut), role);
		}
		rest = slice_after(rest, cut);
		while (rest.len && rest.ptr[0] == ' ')
			rest = slice_after(rest, 1);
		count++;
	}
	return count;
}

/* One field with its lines from `line` on; returns how many lines it takes. */
static int place_field(const struct layout *l, const struct form *form, size_t i, int line, bool draws,
                       bool has_focus)
{
	const struct form_field *field = &form->fields[i];
	bool is_at = i == form->at;
	int used = 1;

	if (draws && line >= form->top && line < form->top + l->height)
		draw_field(l, form, i, l->y + line - form->top, has_focus);
	used += draw_words(l, line + used, form->top, field->problem, "!", GRID_BAD, draws);
	if (is_at || form_is_changed(field))
		used += draw_words(l, line + used, form->top, field->effect, "", GRID_WARN, draws);
	if (is_at)
		used += draw_words(l, line + used, form->top, field->idle, "", GRID_DIM, draws);
	return used;
}

void form_draw(struct form *form, struct grid *grid, int x, int y, int width, int height, bool has_focus)
{
	struct layout l = { grid, x, y, height, label_cells(form, grid, width), 0 };
	int line = 0, first = 0, last = 0;

	l.value = width - FORM_MARGIN - l.label - 3; /* the last cell says whether there is more */
	form->page = height;
	for (size_t i = 0; i < form->count; i++) {
		int used = place_field(&l, form, i, line, false, has_focus);

		if (i == form->at) {
			first = line;
			last = line + used - 1;
		}
		line += used;
	}
	if (form->top > line - height)
		form->top = line > height ? line - height : 0;
	if (last >= form->top + height)
		form->top = last - height + 1;
	if (first < form->top)
		form->top = first;
	line = 0;
	for (size_t i = 0; i < form->count; i++)
		line += place_field(&l, form, i, line, true, has_focus);
	/* More above or below: said at the edge, where nothing else stands. */
	if (form->top > 0)
		grid_set(grid, x + width - 1, y, '^', GRID_DIM);
	if (line > form->top + height)
		grid_set(grid, x + width - 1, y + height - 1, 'v', GRID_DIM);
}
