/* Line editor, table, dialog, pager: what keys do to them. */
#include "tui/widgets/dialog.h"
#include "tui/widgets/form.h"
#include "tui/widgets/pager.h"
#include "tui/widgets/table.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct grid_looks utf8 = { true, false };

static void expect(const struct grid *grid, const char *text)
{
	struct buffer out;

	buffer_start(&out, 1 << 16);
	grid_dump(grid, &out);
	buffer_add_char(&out, '\0');
	assert_string_equal(buffer_slice(&out).ptr, text);
	buffer_stop(&out);
}

/* ---- editor ---- */

static void editing(void **state)
{
	static const struct {
		const char *behaviour, *before;
		uint32_t keys[8];
		const char *after;
		size_t at;
	} rows[] = {
		{ "types_at_the_end", "ab", { 'c' }, "abc", 3 },
		{ "types_in_the_middle", "ab", { INPUT_LEFT, 'x' }, "axb", 2 },
		{ "types_a_wide_character", "", { 0x7db2, 0x57df, INPUT_LEFT, 'x' }, "\u7db2x\u57df", 4 },
		{ "moves_by_characters",
		  "\u7db2\u57df",
		  { INPUT_LEFT, INPUT_LEFT, INPUT_RIGHT },
		  "\u7db2\u57df",
		  3 },
		{ "stops_at_the_ends",
		  "a",
		  { INPUT_RIGHT, INPUT_LEFT, INPUT_LEFT, INPUT_BACKSPACE },
		  "a",
		  0 },
		{ "deletes_before_the_cursor", "\u7db2\u57df", { INPUT_BACKSPACE }, "\u7db2", 3 },
		{ "deletes_at_the_cursor", "\u7db2\u57df", { INPUT_HOME, INPUT_DELETE }, "\u57df", 0 },
		{ "deletes_a_word", "one two  ", { INPUT_CTRL_W }, "one ", 4 },
		{ "deletes_to_the_start", "one two", { INPUT_LEFT, INPUT_CTRL_U }, "o", 0 },
		{ "deletes_to_the_end", "one two", { INPUT_CTRL_A, INPUT_RIGHT, INPUT_CTRL_K }, "o", 1 },
		{ "takes_no_hidden_character", "a", { 0x202e, 0x9b, 0x200b }, "a", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct editor editor = { 0 };

		print_message("  %s\n", rows[i].behaviour);
		editor_set(&editor, slice_of(rows[i].before));
		for (size_t k = 0; k < 8 && rows[i].keys[k]; k++)
			editor_key(&editor, rows[i].keys[k]);
		assert_string_equal(editor.text, rows[i].after);
		assert_int_equal(editor.at, rows[i].at);
	}
}

static void a_line_is_set_to_a_part_of_itself(void **state)
{
	struct editor editor;

	(void)state;
	editor_set(&editor, SLICE("  two words "));
	editor_set(&editor, slice_trim(editor_text(&editor)));
	assert_string_equal(editor.text, "two words");
}

static void a_full_line_takes_no_more(void **state)
{
	struct editor editor = { 0 };

	(void)state;
	for (int i = 0; i < 2 * EDITOR_BYTES; i++)
		assert_true(editor_key(&editor, i % 2 ? 'x' : 0x7db2));
	assert_true(editor.length < EDITOR_BYTES);
	assert_int_equal(strlen(editor.text), editor.length);
}

static void a_long_line_scrolls_to_its_cursor(void **state)
{
	struct editor editor = { 0 };
	struct grid grid;

	(void)state;
	assert_true(grid_start(&grid, 6, 1, utf8));
	editor_set(&editor, SLICE("0123456789"));
	editor_draw(&editor, &grid, 0, 0, 6, GRID_NORMAL);
	expect(&grid, "56789\n");
	assert_int_equal(grid.cursor_x, 5);
	editor_key(&editor, INPUT_HOME);
	editor_draw(&editor, &grid, 0, 0, 6, GRID_NORMAL);
	expect(&grid, "01234>\n");
	assert_int_equal(grid.cursor_x, 0);
	grid_stop(&grid);
}

/* ---- table ---- */

static const struct table_column columns[] = { { "NAME", 6, 1, 0, false },
	                                       { "N", 3, 0, 1, true },
	                                       { "STATE", 5, 0, 2, false },
	                                       { "NOTE", 8, 2, 3, false } };

static struct table_cell cell(const void *owner, size_t row, size_t column, char *scratch)
{
	(void)owner;
	snprintf(scratch, TABLE_CELL_BYTES, column == 1 ? "%zu" : "r%zuc%zu", row, column);
	return (struct table_cell){ slice_of(scratch), GRID_NORMAL };
}

static char mark(const void *owner, size_t row)
{
	(void)owner;
	return row == 2 ? '*' : ' ';
}

static struct table make_table(size_t rows)
{
	return (struct table){
		.columns = columns, .column_count = COUNT(columns), .count = rows, .cell = cell, .mark = mark
	};
}

static void columns_go_by_priority(void **state)
{
	static const struct {
		int width;
		const char *drawn;
	} rows[] = {
		{ 36, "   NAME       N STATE NOTE\n>  r0c0       0 r0c2  r0c3\n" },
		{ 28, "   NAME     N STATE NOTE\n>  r0c0     0 r0c2  r0c3\n" },
		{ 24, "   NAME          N STATE\n>  r0c0          0 r0c2\n" },
		{ 14, "   NAME      N\n>  r0c0      0\n" },
		{ 9, "   NAME\n>  r0c0\n" },
		{ 6, "   NA>\n>  r0>\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct table table = make_table(1);
		struct grid grid;

		assert_true(grid_start(&grid, rows[i].width, 2, utf8));
		table_draw(&table, &grid, 0, 0, rows[i].width, 2);
		expect(&grid, rows[i].drawn);
		assert_int_equal(grid.cursor_y, 1);
		assert_int_equal(grid.cursor_x, 0);
		grid_stop(&grid);
	}
}

static void the_selection_is_always_seen(void **state)
{
	static const struct {
		uint32_t key;
		size_t selected, top;
	} steps[] = { { INPUT_DOWN, 1, 0 },      { 'j', 2, 0 },           { INPUT_PAGE_DOWN, 5, 2 },
		      { INPUT_END, 99, 96 },     { INPUT_DOWN, 99, 96 },  { 'k', 98, 96 },
		      { INPUT_PAGE_UP, 95, 95 }, { INPUT_HOME, 0, 0 },    { INPUT_UP, 0, 0 },
		      { 'G', 99, 96 },           { INPUT_CTRL_B, 96, 96 } };
	struct table table = make_table(100);
	struct grid grid;

	(void)state;
	assert_true(grid_start(&grid, 20, 5, utf8));
	table_draw(&table, &grid, 0, 0, 20, 5);
	for (size_t i = 0; i < COUNT(steps); i++) {
		assert_true(table_key(&table, steps[i].key));
		grid_clear(&grid);
		table_draw(&table, &grid, 0, 0, 20, 5);
		assert_int_equal(table.selected, steps[i].selected);
		assert_int_equal(table.top, steps[i].top);
		assert_int_equal(grid.cells[(size_t)grid.cursor_y * 20].c, '>');
	}
	table.count = 3; /* the list became shorter under the selection */
	table_draw(&table, &grid, 0, 0, 20, 5);
	assert_int_equal(table.selected, 2);
	assert_int_equal(table.top, 0);
	table.count = 0;
	table_draw(&table, &grid, 0, 0, 20, 5);
	assert_int_equal(table.selected, 0);
	assert_true(table_key(&table, INPUT_DOWN) && table_key(&table, INPUT_END));
	assert_int_equal(table.selected, 0);
	grid_stop(&grid);
}

static void marks_stand_before_their_row(void **state)
{
	struct table table = make_table(3);
	struct grid grid;

	(void)state;
	assert_true(grid_start(&grid, 10, 4, utf8));
	table_draw(&table, &grid, 0, 0, 10, 4);
	expect(&grid, "   NAME\n>  r0c0\n   r1c0\n * r2c0\n");
	grid_stop(&grid);
}

/* ---- dialog ---- */

static void questions(void **state)
{
	static const struct {
		const char *behaviour, *word;
		uint32_t keys[6];
		enum dialog_answer answer;
	} rows[] = {
		{ "y_is_yes", NULL, { 'y' }, DIALOG_YES },
		{ "n_is_no", NULL, { 'n' }, DIALOG_NO },
		{ "enter_alone_is_no", NULL, { INPUT_ENTER }, DIALOG_NO },
		{ "escape_is_no", NULL, { INPUT_ESCAPE }, DIALOG_NO },
		{ "other_keys_leave_it_open", NULL, { 'x', ' ', INPUT_UP, '1' }, DIALOG_OPEN },
		{ "the_word_is_yes", "12", { '1', '2', INPUT_ENTER }, DIALOG_YES },
		{ "y_is_not_the_word", "12", { 'y', INPUT_ENTER }, DIALOG_NO },
		{ "half_the_word_is_no", "12", { '1', INPUT_ENTER }, DIALOG_NO },
		{ "more_than_the_word_is_no", "12", { '1', '2', '3', INPUT_ENTER }, DIALOG_NO },
		{ "the_word_needs_enter", "12", { '1', '2' }, DIALOG_OPEN },
		{ "typing_can_be_mended", "12", { '1', '3', INPUT_BACKSPACE, '2', INPUT_ENTER }, DIALOG_YES },
		{ "escape_is_no_there_too", "12", { '1', '2', INPUT_ESCAPE }, DIALOG_NO },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum dialog_answer answer = DIALOG_OPEN;
		struct dialog dialog;

		print_message("  %s\n", rows[i].behaviour);
		dialog_open(&dialog, "t", "q", rows[i].word);
		for (size_t k = 0; k < 6 && rows[i].keys[k]; k++) {
			assert_int_equal(answer, DIALOG_OPEN);
			answer = dialog_key(&dialog, rows[i].keys[k]);
		}
		assert_int_equal(answer, rows[i].answer);
		assert_int_equal(dialog.is_open, answer == DIALOG_OPEN);
	}
}

static void a_refusal_cannot_be_agreed_to(void **state)
{
	static const uint32_t keys[] = { 'y', 'Y', INPUT_ENTER, INPUT_ESCAPE, 'S' };
	struct dialog dialog;

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		dialog_open(&dialog, "t", "q", "12");
		dialog.other = 'S';
		dialog_refuse(&dialog, "no", "Enter goes back");
		assert_int_equal(dialog_key(&dialog, keys[i]), keys[i] == 'S' ? DIALOG_OPEN : DIALOG_NO);
	}
}

static void a_dialog_fits_the_smallest_screen(void **state)
{
	struct dialog dialog;
	struct grid grid;

	(void)state;
	dialog_open(&dialog, "Block x", "Publish? y/N", NULL);
	for (int i = 0; i < DIALOG_LINES + 2; i++)
		dialog_add_line(&dialog, "line %d \033[2J", i);
	for (int width = 1; width < 130; width += 7) {
		for (int height = 1; height < 40; height += 5) {
			assert_true(grid_start(&grid, width, height, utf8));
			dialog_draw(&dialog, &grid);
			grid_stop(&grid);
		}
	}
}

/* ---- pager ---- */

static void paging(void **state)
{
	struct pager pager;
	struct grid grid;

	(void)state;
	assert_true(grid_start(&grid, 10, 2, utf8));
	pager_start(&pager);
	pager_settle(&pager);
	pager_draw(&pager, &grid, 0, 0, 10, 2);
	expect(&grid, "\n\n");
	buffer_add(&pager.text, SLICE("one\ntwo\n\u7db2\u57df    0123456789\nfour"));
	pager_settle(&pager);
	pager_draw(&pager, &grid, 0, 0, 10, 2);
	expect(&grid, "one\ntwo\n");
	assert_int_equal(pager.lines, 4);
	assert_true(pager_key(&pager, INPUT_DOWN));
	grid_clear(&grid);
	pager_draw(&pager, &grid, 0, 0, 10, 2);
	expect(&grid, "two\n\u7db2\u57df    0>\n"); /* the last column starts too far right to be folded */
	assert_true(pager_key(&pager, INPUT_END) && pager_key(&pager, INPUT_DOWN));
	assert_int_equal(pager.top, 2);
	assert_true(pager_key(&pager, INPUT_RIGHT));
	grid_clear(&grid);
	pager_draw(&pager, &grid, 0, 0, 10, 2);
	expect(&grid, "0123456789\n\n");
	assert_true(pager_key(&pager, INPUT_HOME) && pager_key(&pager, INPUT_UP));
	assert_int_equal(pager.top, 0);
	assert_false(pager_key(&pager, 'q'));
	pager_stop(&pager);
	grid_stop(&grid);
}

static void sentences_are_folded(void **state)
{
	static const struct {
		const char *text, *drawn;
	} rows[] = {
		{ "a  one two three", "a  one two\n   three\n\n\n" },
		{ "  one two three", "  one two\n  three\n\n\n" },
		{ "one two three four", "one two\nthree four\n\n\n" },
		{ "abcdefghijklmnop", "abcdefghij\nklmnop\n\n\n" },
		{ "a  one two three\nb", "a  one two\n   three\nb\n\n" },
		{ "\u7db2  \u7db2\u57df\u7db2\u57df", "\u7db2  \u7db2\u57df\u7db2\n    \u57df\n\n\n" },
		{ "1\n2\n3\n4\n5", "1\n2\n3\n4\n" },
		/* Chinese is broken between its characters, but no line begins with what closes a clause. */
		{ "a \u7db2\u57df\u7db2\u57df\u7db2\u57df",
		  "a \u7db2\u57df\u7db2\u57df\n\u7db2\u57df\n\n\n" },
		{ "\u7db2\u57df\u7db2\u57df\u7db2\uff0c\u57df",
		  "\u7db2\u57df\u7db2\u57df\n\u7db2\uff0c\u57df\n\n\n" },
		{ "\u7db2\u57df sip.example", "\u7db2\u57df\nsip.exampl\ne\n\n" },
	};
	struct grid grid;

	(void)state;
	assert_true(grid_start(&grid, 10, 4, utf8));
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct pager pager;

		pager_start(&pager);
		buffer_add(&pager.text, slice_of(rows[i].text));
		pager_settle(&pager);
		grid_clear(&grid);
		pager_draw(&pager, &grid, 0, 0, 10, 4);
		expect(&grid, rows[i].drawn);
		pager_stop(&pager);
	}
	grid_stop(&grid);
}

static void blanks_change_a_text_and_not_a_list(void **state)
{
	static const struct {
		const char *saved, *now;
		bool changes_list, changes_text;
	} cases[] = {
		{ "a b", "a b", false, false },   { "a b", " a   b ", false, true },
		{ "", "", false, false },         { "", "  ", false, false },
		{ "a b", " a b ", false, false }, { "a b", "a", true, true },
		{ "a", "a b", true, true },       { "a b", "b a", true, true },
		{ "a b", "ab", true, true },      { "a b", "", true, true },
	};
	static struct form form;
	struct form_field *field = form_add(&form, FORM_TEXT, "Domains");

	(void)state;
	assert_non_null(field);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(field->saved, sizeof field->saved, "%s", cases[i].saved);
		editor_set(&field->value, slice_of(cases[i].now));
		field->is_list = true;
		assert_int_equal(form_is_changed(field), cases[i].changes_list);
		assert_int_equal(form_changes(&form), cases[i].changes_list);
		field->is_list = false;
		assert_int_equal(form_is_changed(field), cases[i].changes_text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blanks_change_a_text_and_not_a_list),
		cmocka_unit_test(editing),
		cmocka_unit_test(a_line_is_set_to_a_part_of_itself),
		cmocka_unit_test(a_full_line_takes_no_more),
		cmocka_unit_test(a_long_line_scrolls_to_its_cursor),
		cmocka_unit_test(columns_go_by_priority),
		cmocka_unit_test(the_selection_is_always_seen),
		cmocka_unit_test(marks_stand_before_their_row),
		cmocka_unit_test(questions),
		cmocka_unit_test(a_refusal_cannot_be_agreed_to),
		cmocka_unit_test(a_dialog_fits_the_smallest_screen),
		cmocka_unit_test(paging),
		cmocka_unit_test(sentences_are_folded),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
