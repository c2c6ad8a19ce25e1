#include "tui/screens/why.h"

#include <stdio.h>

#include "tui/client/shown.h"
#include "tui/client/said.h"
#include "tui/client/refusal.h"
#include "tui/client/words.h"
#include "tui/screens/command.h"
#include "tui/screens/scene.h"

/* A sentence that says why, or what to do, is of no use cut: it has a second line where the screen has one to spare. */
enum { DETAIL_FROM_HEIGHT = 16, SPACIOUS_FROM_HEIGHT = 20, SENTENCE_LINES = 2 };

static int sentence_lines(struct area area)
{
	return area.height >= SPACIOUS_FROM_HEIGHT ? SENTENCE_LINES : 1;
}

/* The line above, what is asked, why, what to do, the smallest change. */
static int detail_lines(struct area area) { return 3 + 2 * sentence_lines(area); }

static const struct table_column columns[] = {
	{ N_("CHECK"), 23, 1, 0, false },
	{ N_("RESULT"), 7, 0, 0, false },
	{ N_("DECIDED BY"), 34, 4, 0, false },
	{ N_("OBJECT"), 24, 1, 1, false },
};

static const struct json *step_at(const struct why *why, size_t index)
{
	return json_at(json_get(why->answer.result, "steps"), index);
}

static const char *result_words(struct slice result, enum grid_role *role)
{
	static const struct {
		const char *result, *words;
		enum grid_role role;
	} rows[] = {
		{ "pass", N_("pass"), GRID_GOOD },
		{ "assumed", N_("assumed"), GRID_WARN },
		{ "refuse", N_("BLOCK"), GRID_BAD },
		{ "would-pass", N_("(pass)"), GRID_DIM },
		{ "would-refuse", N_("(block)"), GRID_WARN },
		{ "not-applicable", N_("n/a"), GRID_DIM },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (slice_equal(result, slice_of(rows[i].result))) {
			*role = rows[i].role;
			return _(rows[i].words);
		}
	*role = GRID_DIM;
	return "?";
}

static void add_object(struct buffer *out, const struct json *step)
{
	struct slice kind = json_as_slice(json_get(step, "kind")), key = json_as_slice(json_get(step, "key")),
	             field = json_as_slice(json_get(step, "field"));

	buffer_add(out, kind);
	if (key.len) {
		buffer_add_char(out, ' ');
		buffer_add(out, key);
	}
	if (field.len) {
		buffer_add_char(out, ' ');
		buffer_add(out, field);
	}
}

static struct table_cell draw_cell(const void *owner, size_t index, size_t column, char *scratch)
{
	const struct json *step = step_at(owner, index);
	struct table_cell cell = { SLICE(""), GRID_NORMAL };
	struct buffer text;

	switch (column) {
	case 0:
		snprintf(scratch, TABLE_CELL_BYTES, "%2lld %.*s",
		         (long long)json_as_number(json_get(step, "number"), 0),
		         SLICE_ARG(json_as_slice(json_get(step, "name"))));
		cell.text = slice_of(scratch);
		break;
	case 1:
		cell.text = slice_of(result_words(json_as_slice(json_get(step, "result")), &cell.role));
		break;
	case 2: cell.text = json_as_slice(json_get(step, "words")); break;
	default:
		buffer_start(&text, TABLE_CELL_BYTES - 1);
		add_object(&text, step);
		slice_to_text(buffer_slice(&text), scratch, TABLE_CELL_BYTES);
		buffer_stop(&text);
		cell.text = slice_of(scratch);
		break;
	}
	if (!cell.text.len)
		cell.text = SLICE("-");
	return cell;
}

static const char *translate(const char *text) { return _(text); }

void why_start(struct why *why)
{
	struct form_field *field;

	*why = (struct why){ .steps = { .columns = columns,
		                        .column_count = sizeof columns / sizeof *columns,
		                        .sort = sizeof columns / sizeof *columns, /* the daemon's order */
		                        .cell = draw_cell,
		                        .translate = translate } };
	why->form.is_question = true;
	form_add(&why->form, FORM_TEXT, _("From"));
	form_add(&why->form, FORM_TEXT, _("To"));
	field = form_add(&why->form, FORM_CHOICE, _("What"));
	field->choices = "message|presence|session|call";
	field->word = said_word;
	form_load(field, SLICE("message"));
}

void why_stop(struct why *why) { control_answer_free(&why->answer); }

void why_fill(struct why *why, struct slice from, struct slice to, struct slice what)
{
	const struct slice given[WHY_FIELDS] = { from, to, what };

	for (size_t i = 0; i < WHY_FIELDS; i++)
		if (given[i].len)
			editor_set(&why->form.fields[i].value, given[i]);
	why->is_reading = false;
	why->trouble[0] = '\0';
	control_answer_free(&why->answer);
	why->steps.count = 0;
	why->form.at = why->form.fields[WHY_FROM].value.length ? WHY_TO : WHY_FROM;
}

bool why_is_asked(const struct why *why)
{
	return slice_trim(editor_text(&why->form.fields[WHY_FROM].value)).len &&
	       slice_trim(editor_text(&why->form.fields[WHY_TO].value)).len;
}

void why_take(struct why *why, struct control_answer *answer)
{
	struct buffer words;

	control_answer_free(&why->answer);
	why->trouble[0] = '\0';
	why->steps.count = 0;
	if (answer->code != CONTROL_OK) {
		buffer_start(&words, CONTROL_LINE_MAX);
		refusal_write(answer, &words);
		snprintf(why->trouble, sizeof why->trouble, "%.*s", SLICE_ARG(buffer_slice(&words)));
		buffer_stop(&words);
		why->is_reading = false;
		return;
	}
	why->answer = *answer;
	answer->whole = NULL;
	why->is_reading = true;
	why->steps.count = json_count(json_get(why->answer.result, "steps"));
	why->steps.selected = why->steps.told = 0;
	/* On the step that decided; on the last one where all passed. */
	for (size_t i = 0; i < why->steps.count; i++)
		if (slice_equal(json_as_slice(json_get(step_at(why, i), "result")), SLICE("refuse"))) {
			why->steps.selected = why->steps.told = i;
			return;
		}
}

const struct json *why_step(const struct why *why)
{
	return why->is_reading ? step_at(why, why->steps.selected) : NULL;
}

/* ---- on the screen ---- */

static void put_assumed(const struct why *why, struct grid *grid, int x, int y, int room)
{
	const struct json *assumed = json_get(why->answer.result, "assumed");
	int used = 0;

	for (size_t i = 0; i < json_count(assumed) && used < room; i++) {
		used += grid_put_text(grid, x + used, y, room - used, i ? _(", and ") : "", GRID_NORMAL);
		used += grid_put(grid, x + used, y, room - used, json_as_slice(json_at(assumed, i)),
		                 GRID_NORMAL);
	}
}

/* What really happened last stands beside the answer.  Returns the next free row. */
static int put_last_error(const struct why *why, struct grid *grid, struct area area, int y)
{
	const struct json *error = json_get(why->answer.result, "last_error");
	int x = area.x + 1, room = area.width - 2, used;
	char shown[SHOWN_BYTES];

	if (json_kind(error) != JSON_KIND_OBJECT)
		return y;
	used = grid_put_text(grid, x, y, room, _("LAST    "), GRID_DIM);
	used += grid_printf(grid, x + used, y, room - used, GRID_WARN, _("%s %.*s, by %.*s: "),
	                    shown_time(scene_number(error, "time"), shown),
	                    SLICE_ARG(said_word(scene_text(error, "direction"))),
	                    SLICE_ARG(said_word(scene_text(error, "by"))));
	grid_put(grid, x + used, y, room - used, scene_text(error, "text"), GRID_NORMAL);
	return y + 1;
}

static int put_answer(const struct why *why, struct grid *grid, struct area area, int y)
{
	const struct json *result = why->answer.result;
	bool passes = slice_equal(scene_text(result, "answer"), SLICE("pass"));
	int x = area.x + 1, end = area.x + area.width - 1;

	x += grid_put_text(grid, x, y, end - x, _("ANSWER  "), GRID_DIM);
	if (passes && json_count(json_get(result, "assumed"))) {
		x += grid_put_text(grid, x, y, end - x, _("it would pass, if "), GRID_WARN);
		put_assumed(why, grid, x, y, end - x);
		return put_last_error(why, grid, area, y + 1);
	}
	if (passes) {
		grid_put_text(grid, x, y, end - x, _("it passes every check"), GRID_GOOD);
		return put_last_error(why, grid, area, y + 1);
	}
	x += grid_printf(grid, x, y, end - x, GRID_BAD, _("BLOCKED at check %lld of %zu, SIP %lld: "),
	                 (long long)scene_number(result, "step"), why->steps.count,
	                 (long long)scene_number(result, "status"));
	y += grid_put_folded(grid, area.x + 1, y, area.width - 2, x - area.x - 1, sentence_lines(area),
	                     scene_text(result, "words"), GRID_NORMAL);
	return put_last_error(why, grid, area, y);
}

static void put_change(const struct why *why, struct grid *grid, int x, int y, int room)
{
	const struct json *result = why->answer.result;
	struct slice change = scene_text(result, "change");
	int used;

	if (!change.len)
		return;
	used = grid_put_text(grid, x, y, room, _("smallest change: "), GRID_NORMAL);
	grid_put(grid, x + used, y, room - used, change, GRID_WARN);
}

static void draw_detail(const struct why *why, struct grid *grid, struct area area, int lines)
{
	const struct json *step = step_at(why, why->steps.told);
	int x = area.x + 1, y = area.y, room = area.width - 2, used;
	enum grid_role role;
	const char *words = result_words(scene_text(step, "result"), &role);
	struct buffer object;

	grid_line(grid, x, y++, room, GRID_DIM);
	used = grid_printf(grid, x, y, room, GRID_FOCUS, "%.*s: ", SLICE_ARG(scene_text(step, "name")));
	grid_put(grid, x + used, y++, room - used, scene_text(step, "asks"), GRID_NORMAL);
	used = grid_printf(grid, x, y, room, role, "%s ", words);
	buffer_start(&object, TABLE_CELL_BYTES);
	add_object(&object, step);
	if (buffer_length(&object)) {
		used += grid_put_text(grid, x + used, y, room - used, _("by "), GRID_NORMAL);
		used += grid_put(grid, x + used, y, room - used, buffer_slice(&object), GRID_NORMAL);
		used += grid_put_text(grid, x + used, y, room - used, ": ", GRID_NORMAL);
	}
	buffer_stop(&object);
	y += grid_put_folded(grid, x, y, room, used, lines, scene_text(step, "words"), GRID_NORMAL);
	if (role == GRID_BAD || role == GRID_WARN) {
		used = grid_put_text(grid, x, y, room, _("do: "), GRID_NORMAL);
		y += grid_put_folded(grid, x, y, room, used, lines, scene_text(step, "advice"), GRID_NORMAL);
	}
	put_change(why, grid, x, y, room);
}

void why_draw(struct scene *scene, struct grid *grid, struct area area)
{
	struct why *why = &scene->why;
	struct area list = area, detail = area;
	int y = area.y + WHY_FIELDS;

	why->steps.owner = why;
	form_draw(&why->form, grid, area.x, area.y, area.width, WHY_FIELDS, !why->is_reading);
	if (!why->answer.result) {
		const char *words = why->asked_id ? _("asking the daemon...")
		                    : why->trouble[0]
		                            ? why->trouble
		                            : _("Enter asks: would it cross, and which check decides?");

		grid_put_text(grid, area.x + FORM_MARGIN, y + 1, area.width - FORM_MARGIN - 1, words,
		              why->trouble[0] && !why->asked_id ? GRID_BAD : GRID_NORMAL);
		return;
	}
	y = put_answer(why, grid, area, y);
	list.y = y;
	list.height = area.y + area.height - y;
	if (area.height >= DETAIL_FROM_HEIGHT) {
		list.height -= detail_lines(area);
		detail.y = list.y + list.height;
		draw_detail(why, grid, detail, sentence_lines(area));
	} else {
		list.height--;
		put_change(why, grid, area.x + 1, list.y + list.height, area.width - 2);
	}
	if (why->is_reading) {
		table_draw(&why->steps, grid, list.x, list.y, list.width, list.height);
	} else { /* the cursor stays in the field */
		int cursor_x = grid->cursor_x, cursor_y = grid->cursor_y;

		table_draw(&why->steps, grid, list.x, list.y, list.width, list.height);
		grid_cursor(grid, cursor_x, cursor_y);
	}
}

void why_command(const struct scene *scene, struct buffer *out)
{
	const struct form_field *fields = scene->why.form.fields;

	buffer_add(out, SLICE("why"));
	for (size_t i = 0; i < WHY_FIELDS; i++) {
		struct slice text = slice_trim(editor_text(&fields[i].value));

		if (i == WHY_WHAT && slice_equal(text, SLICE("message")))
			continue;
		if (text.len)
			command_add(out, text);
		else
			buffer_add(out, i == WHY_FROM ? SLICE(" FROM") : SLICE(" TO"));
	}
}
