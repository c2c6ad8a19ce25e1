/* Rows of a listing, of the domains' kind; and command lines as words. */
#include "tui/screens/command.h"
#include "tui/screens/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "shared/base/memory.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { RULE = 1, LIVE = 4, RATE = 5 }; /* columns of the domains */

static void add_page(struct listing *list, const char *text)
{
	struct json *whole;

	assert_int_equal(json_read(slice_of(text), &whole, NULL), RESULT_OK);
	assert_int_equal(listing_add_page(list, whole, whole), RESULT_OK);
}

static struct listing *make_list(void)
{
	struct listing *list = mem_new(sizeof *list);

	assert_non_null(list);
	listing_start(list, domains_kind());
	add_page(list, "{\"rows\":[{\"domain\":\"a.example\",\"rule\":\"block\",\"rate\":0,\"state\":\"-\","
	               "\"comment\":"
	               "\"spam\"},{\"domain\":\"b.example\",\"rule\":\"allow\",\"rate\":9,\"state\":\"up\"}],"
	               "\"total\":4,\"version\":7}");
	add_page(list,
	         "{\"rows\":[{\"domain\":\"c.example\",\"rule\":\"allow\",\"rate\":3.5,\"state\":\"up\","
	         "\"connections\":2},"
	         "{\"domain\":\"d.example\",\"rule\":\"allow\",\"rate\":3.5,\"state\":\"down\"}],\"total\":4,"
	         "\"version\":7}");
	listing_arrange(list, "");
	return list;
}

static void free_list(struct listing *list)
{
	listing_stop(list);
	mem_free(list);
}

static void arrange(struct listing *list, const char *filter, size_t sort, bool is_reversed)
{
	editor_set(&list->filter, slice_of(filter));
	list->table.sort = sort;
	list->table.is_reversed = is_reversed;
	listing_arrange(list, "");
}

static void expect_order(const struct listing *list, const char *letters)
{
	assert_int_equal(list->shown, strlen(letters));
	for (size_t i = 0; i < list->shown; i++)
		assert_int_equal(scene_text(listing_row(list, i), "domain").ptr[0], letters[i]);
	assert_null(listing_row(list, list->shown));
}

static void sorts_and_filters(void **state)
{
	static const struct {
		const char *filter;
		size_t sort;
		bool is_reversed;
		const char *order;
	} cases[] = {
		{ "", 0, false, "abcd" },       { "", 0, true, "dcba" },
		{ "", RATE, false, "acdb" },    { "", RATE, true, "bcda" },
		{ "", RULE, false, "bcda" },    { "rule:allow", 0, false, "bcd" },
		{ "spam", 0, false, "a" },      { "nobody", 0, false, "" },
		{ "", LIVE, false, "adbc" },    { "state:up", LIVE, true, "bc" },
		{ "colour:red", 0, false, "" },
	};
	struct listing *list = make_list();

	(void)state;
	assert_int_equal(list->total, 4);
	for (size_t i = 0; i < COUNT(cases); i++) {
		arrange(list, cases[i].filter, cases[i].sort, cases[i].is_reversed);
		expect_order(list, cases[i].order);
	}
	assert_string_not_equal(list->flaw, "");
	free_list(list);
}

static void mark(struct listing *list, const char *domain)
{
	assert_true(listing_select(list, listing_find(list, slice_of(domain))));
	assert_true(listing_mark(list));
}

static void expect_marks(const struct listing *list, const char *letters)
{
	assert_int_equal(list->mark_count, strlen(letters));
	for (size_t i = 0; i < list->mark_count; i++)
		assert_int_equal(list->marks[i][1], letters[i]);
}

static void marks_stay_on_their_rows_in_order(void **state)
{
	struct listing *list = make_list(), *again = make_list(), *less = mem_new(sizeof *less);

	(void)state;
	mark(list, "d.example");
	mark(list, "b.example");
	mark(list, "c.example");
	expect_marks(list, "bcd");
	mark(list, "c.example"); /* again: takes it */
	expect_marks(list, "bd");
	assert_null(listing_find(list, SLICE("e.example")));
	listing_replace(list, again);
	expect_marks(list, "bd");
	assert_true(listing_is_marked(list, listing_find(list, SLICE("d.example"))));
	assert_int_equal(listing_mark_of(list, listing_find(list, SLICE("a.example"))), 2);
	arrange(list, "rule:block", 0, false); /* a mark that is not shown stays */
	expect_marks(list, "bd");
	assert_true(listing_mark_all(list));
	expect_marks(list, "abd");
	/* A row that is gone is not acted on; unless it may only not have been fetched. */
	listing_start(less, domains_kind());
	add_page(less, "{\"rows\":[{\"domain\":\"a.example\"}]}");
	less->is_cut = true;
	listing_replace(list, less);
	expect_marks(list, "abd");
	add_page(less, "{\"rows\":[{\"domain\":\"b.example\"}]}");
	listing_replace(list, less);
	expect_marks(list, "b");
	listing_unmark(list);
	expect_marks(list, "");
	free_list(less);
	free_list(again);
	free_list(list);
}

static void marks_have_a_limit(void **state)
{
	struct listing *list = mem_new(sizeof *list);
	struct buffer page;

	(void)state;
	buffer_start(&page, 1 << 16);
	buffer_add(&page, SLICE("{\"rows\":["));
	for (int i = 0; i <= LISTING_MARKS_MAX; i++)
		buffer_printf(&page, "%s{\"domain\":\"%d.example\"}", i ? "," : "", i);
	buffer_add(&page, SLICE("]}"));
	buffer_add_char(&page, '\0');
	listing_start(list, domains_kind());
	add_page(list, buffer_slice(&page).ptr);
	listing_arrange(list, "");
	assert_false(listing_mark_all(list));
	assert_int_equal(list->mark_count, LISTING_MARKS_MAX);
	assert_false(listing_mark_all(list)); /* one is not marked: they are not taken */
	assert_int_equal(list->mark_count, LISTING_MARKS_MAX);
	for (size_t i = 1; i < list->mark_count; i++)
		assert_true(strcmp(list->marks[i - 1], list->marks[i]) < 0);
	free_list(list);
	buffer_stop(&page);
}

static void the_cursor_goes_to_a_row_that_is_shown(void **state)
{
	struct listing *list = make_list();

	(void)state;
	arrange(list, "rule:allow", 0, true);
	assert_true(listing_select(list, listing_find(list, SLICE("c.example"))));
	assert_int_equal(list->table.selected, 1);
	assert_false(listing_select(list, listing_find(list, SLICE("a.example"))));
	assert_false(listing_select(list, NULL));
	assert_int_equal(list->table.selected, 1);
	free_list(list);
}

static void strange_pages_do_no_harm(void **state)
{
	static const char *const pages[] = { "{}", "[]", "3", "{\"rows\":3}",
		                             "{\"rows\":[1,null,[],{\"domain\":4,\"rate\":\"x\"}]}" };
	struct listing *list = mem_new(sizeof *list);

	(void)state;
	listing_start(list, domains_kind());
	for (size_t i = 0; i < COUNT(pages); i++)
		add_page(list, pages[i]);
	for (size_t sort = 0; sort < list->table.column_count; sort++) {
		arrange(list, "x", sort, sort % 2);
		arrange(list, "", sort, sort % 2);
		assert_true(listing_mark_all(list));
	}
	free_list(list);
}

#ifdef PARLEY_FAULTS
static void out_of_memory_loses_rows_not_the_program(void **state)
{
	(void)state;
	for (unsigned long nth = 1; nth < 6; nth++) {
		struct listing *list = mem_new(sizeof *list);
		struct json *whole;

		listing_start(list, domains_kind());
		json_read(SLICE("{\"rows\":[{\"domain\":\"x\"}]}"), &whole, NULL);
		mem_fail_at(nth);
		(void)listing_add_page(list, whole, whole);
		listing_arrange(list, "");
		(void)listing_mark(list);
		mem_fail_at(0);
		free_list(list);
	}
}
#endif

static void splits_as_a_shell_does(void **state)
{
	static const struct {
		const char *line;
		size_t count;
		const char *words[4];
	} rows[] = {
		{ "", 0, { NULL } },
		{ "  a  b ", 2, { "a", "b" } },
		{ "a 'b c' d", 3, { "a", "b c", "d" } },
		{ "a=\"x y\"", 1, { "a=x y" } },
		{ "a\\ b", 1, { "a b" } },
		{ "''", 1, { "" } },
		{ "'a'\"b\"c", 1, { "abc" } },
		{ "'it'\\''s'", 1, { "it's" } },
		{ "\"a\\\"b\"", 1, { "a\"b" } },
		{ "'a\\b'", 1, { "a\\b" } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct command_words words;

		assert_int_equal(command_split(slice_of(rows[i].line), &words, NULL), RESULT_OK);
		assert_int_equal(words.count, rows[i].count);
		for (size_t k = 0; k < words.count; k++)
			assert_string_equal(words.words[k], rows[i].words[k]);
	}
}

static void refuses_what_it_cannot_split(void **state)
{
	struct command_words words;
	struct reason reason = { "" };
	struct buffer line;

	(void)state;
	assert_int_equal(command_split(SLICE("a 'b"), &words, &reason), RESULT_INVALID);
	buffer_start(&line, 1 << 16);
	while (buffer_length(&line) < 2 * COMMAND_BYTES)
		buffer_add_char(&line, 'x');
	assert_int_equal(command_split(buffer_slice(&line), &words, &reason), RESULT_INVALID);
	buffer_clear(&line);
	for (int i = 0; i <= COMMAND_WORDS_MAX; i++)
		buffer_add(&line, SLICE("x "));
	assert_int_equal(command_split(buffer_slice(&line), &words, &reason), RESULT_INVALID);
	buffer_stop(&line);
}

static void what_is_quoted_splits_back(void **state)
{
	static const char *const texts[] = { "plain.example", "two words",  "it's",  "a\"b\\c", "",
		                             "$(reboot)",     ";&|<>*?#~!", "\u7db2" };
	struct command_words words;
	struct buffer line;

	(void)state;
	buffer_start(&line, COMMAND_BYTES);
	for (size_t i = 0; i < COUNT(texts); i++)
		command_add(&line, slice_of(texts[i]));
	assert_int_equal(command_split(buffer_slice(&line), &words, NULL), RESULT_OK);
	assert_int_equal(words.count, COUNT(texts));
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_string_equal(words.words[i], texts[i]);
	buffer_stop(&line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts_and_filters),
		cmocka_unit_test(marks_stay_on_their_rows_in_order),
		cmocka_unit_test(marks_have_a_limit),
		cmocka_unit_test(the_cursor_goes_to_a_row_that_is_shown),
		cmocka_unit_test(strange_pages_do_no_harm),
#ifdef PARLEY_FAULTS
		cmocka_unit_test(out_of_memory_loses_rows_not_the_program),
#endif
		cmocka_unit_test(splits_as_a_shell_does),
		cmocka_unit_test(refuses_what_it_cannot_split),
		cmocka_unit_test(what_is_quoted_splits_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
