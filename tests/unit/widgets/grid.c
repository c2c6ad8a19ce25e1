/* Cells: clipping, wide and combining characters, and text that means harm. */
#include "tui/widgets/grid.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "shared/base/memory.h"
#include "tui/widgets/spark.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct grid_looks utf8 = { true, true }, ascii = { false, false };

static void expect(const struct grid *grid, const char *text)
{
	struct buffer out;

	buffer_start(&out, 1 << 16);
	grid_dump(grid, &out);
	buffer_add_char(&out, '\0');
	assert_string_equal(buffer_slice(&out).ptr, text);
	buffer_stop(&out);
}

static void texts_in_ten_cells(void **state)
{
	static const struct {
		const char *behaviour, *text, *utf8, *ascii;
	} rows[] = {
		{ "fits", "0123456789", "0123456789", "0123456789" },
		{ "is_cut_with_a_mark", "0123456789a", "012345678>", "012345678>" },
		{ "wide_takes_two", "\u7db2\u57df", "\u7db2\u57df", "??" },
		{ "wide_is_not_split", "01234567\u7db2\u57df", "01234567>", "01234567??" },
		{ "wide_is_not_split_before_the_mark", "0123456\u7db2\u57df", "0123456\u7db2>", "0123456??" },
		{ "combining_stays_on_its_letter", "e\u0301x", "e\u0301x", "e?x" },
		{ "more_marks_than_fit_are_left_out", "e\u0301\u0301\u0301\u0301x", "e\u0301\u0301x",
		  "e????x" },
		{ "a_mark_alone_has_nothing_to_stand_on", "\u0301x", "x", "?x" },
		{ "escape_is_shown", "a\033[2J", "a\\x1b[2J", "a\\x1b[2J" },
		{ "c1_is_shown", "\302\23331m", "\\xc2\\x9b3>", "\\xc2\\x9b3>" },
		{ "an_escape_is_not_split", "01234\033", "01234\\x1b", "01234\\x1b" },
		{ "an_escape_that_does_not_fit_is_left_out", "0123456\033", "0123456>", "0123456>" },
		{ "a_long_escape_is_not_split", "\u202e", ">", ">" },
		{ "wrong_bytes_are_shown", "\377x", "\\xffx", "\\xffx" },
		{ "half_a_character_is_shown", "a\347\266", "a\\xe7\\xb6", "a\\xe7\\xb6" },
		{ "tab_and_newline_are_shown", "a\tb\n", "a\\x09b\\x0a", "a\\x09b\\x0a" },
		{ "backslash_is_itself", "a\\b", "a\\b", "a\\b" },
		{ "nothing", "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (int looks = 0; looks < 2; looks++) {
			struct grid grid;
			char wanted[64];

			print_message("  %s\n", rows[i].behaviour);
			assert_true(grid_start(&grid, 12, 1, looks ? ascii : utf8));
			grid_put_text(&grid, 1, 0, 10, rows[i].text, GRID_NORMAL);
			snprintf(wanted, sizeof wanted, "%s%s\n", *rows[i].text && *rows[i].utf8 ? " " : "",
			         looks ? rows[i].ascii : rows[i].utf8);
			expect(&grid, wanted);
			grid_stop(&grid);
		}
	}
}

static void half_of_a_wide_character_never_stays(void **state)
{
	struct grid grid;

	(void)state;
	assert_true(grid_start(&grid, 6, 1, utf8));
	grid_put_text(&grid, 0, 0, 6, "\u7db2\u57df\u7db2", GRID_NORMAL);
	grid_set(&grid, 1, 0, 'x', GRID_NORMAL);
	expect(&grid, " x\u57df\u7db2\n");
	grid_set(&grid, 2, 0, 'y', GRID_NORMAL);
	expect(&grid, " xy \u7db2\n");
	grid_put_text(&grid, 3, 0, 2, "\u57df", GRID_NORMAL);
	expect(&grid, " xy\u57df\n");
	grid_stop(&grid);
}

static void nothing_is_written_outside(void **state)
{
	struct grid grid;

	(void)state;
	assert_true(grid_start(&grid, 4, 2, utf8));
	grid_put_text(&grid, -1, 0, 9, "abc", GRID_NORMAL);
	grid_put_text(&grid, 0, 2, 9, "abc", GRID_NORMAL);
	grid_put_text(&grid, 0, -1, 9, "abc", GRID_NORMAL);
	grid_put_text(&grid, 9, 0, 9, "abc", GRID_NORMAL);
	grid_put_text(&grid, 3, 1, 9, "\u7db2", GRID_NORMAL);
	grid_set(&grid, 4, 0, 'x', GRID_NORMAL);
	grid_line(&grid, 3, 5, 9, GRID_NORMAL);
	grid_paint(&grid, 0, 7, 9, GRID_BAD);
	grid_cursor(&grid, 99, 99);
	assert_int_equal(grid.cursor_x, 3);
	assert_int_equal(grid.cursor_y, 1);
	expect(&grid, "\n   >\n");
	grid_stop(&grid);
}

static void sizes_beyond_sense_are_refused(void **state)
{
	struct grid grid;

	(void)state;
	assert_false(grid_start(&grid, 0, 1, utf8));
	assert_false(grid_start(&grid, 1, GRID_HEIGHT_MAX + 1, utf8));
#ifdef PARLEY_FAULTS
	mem_fail_at(1);
	assert_false(grid_start(&grid, 10, 10, utf8));
	mem_fail_at(0);
#endif
}

static void numbers_end_where_they_should(void **state)
{
	struct grid grid;

	(void)state;
	assert_true(grid_start(&grid, 8, 2, utf8));
	grid_put_right(&grid, 6, 0, 5, SLICE("42"), GRID_NORMAL);
	grid_put_right(&grid, 6, 1, 3, SLICE("123456"), GRID_NORMAL);
	expect(&grid, "    42\n   12>\n");
	grid_stop(&grid);
}

static void frames_are_ascii_unless_sure(void **state)
{
	struct grid grid;

	(void)state;
	assert_true(grid_start(&grid, 4, 3, ascii));
	grid_frame(&grid, 0, 0, 4, 3, GRID_NORMAL);
	expect(&grid, "+--+\n|  |\n+--+\n");
	grid_stop(&grid);
	assert_true(grid_start(&grid, 4, 3, utf8));
	grid_frame(&grid, 0, 0, 4, 3, GRID_NORMAL);
	expect(&grid, "\u250c\u2500\u2500\u2510\n\u2502  \u2502\n\u2514\u2500\u2500\u2518\n");
	grid_stop(&grid);
}

static void sparks(void **state)
{
	static const double rising[] = { 0, 1, 2, 3, 4, 5, 6, 7 }, flat[] = { 0, 0, 0 }, one[] = { 5 };
	struct grid grid;

	(void)state;
	assert_true(grid_start(&grid, 9, 4, ascii));
	spark_draw(&grid, 0, 0, 8, rising, 8, GRID_NORMAL);
	spark_draw(&grid, 0, 1, 4, rising, 8, GRID_NORMAL);
	spark_draw(&grid, 0, 2, 3, flat, 3, GRID_NORMAL);
	spark_draw(&grid, 0, 3, 3, one, 1, GRID_NORMAL);
	expect(&grid, " .:-=+*#\n.-+#\n\n###\n");
	spark_draw(&grid, 0, 0, 5, NULL, 0, GRID_NORMAL);
	spark_draw(&grid, 0, 0, -3, rising, 8, GRID_NORMAL);
	grid_stop(&grid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_in_ten_cells),
		cmocka_unit_test(half_of_a_wide_character_never_stays),
		cmocka_unit_test(nothing_is_written_outside),
		cmocka_unit_test(sizes_beyond_sense_are_refused),
		cmocka_unit_test(numbers_end_where_they_should),
		cmocka_unit_test(frames_are_ascii_unless_sure),
		cmocka_unit_test(sparks),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
