/* The domains as rows, the filter's grammar, and command lines as words. */
#include "tui/screens/command.h"
#include "tui/screens/domain_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "shared/base/memory.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void add_page(struct domain_rows *rows, const char *text)
{
	struct json *whole;

	assert_int_equal(json_read(slice_of(text), &whole, NULL), RESULT_OK);
	assert_int_equal(domain_rows_add(rows, whole, whole), RESULT_OK);
}

static struct domain_rows make_rows(const struct domain_rows *before)
{
	struct domain_rows rows;

	domain_rows_start(&rows);
	add_page(&rows, "{\"rows\":[{\"domain\":\"c.example\",\"rule\":\"allow\",\"rate\":3.5,\"state\":"
	                "\"up\",\"connections\":2},"
	                "{\"domain\":\"a.example\",\"rule\":\"block\",\"rate\":0,\"state\":\"-\",\"comment\":"
	                "\"spam\"}],"
	                "\"total\":4,\"version\":7}");
	add_page(&rows,
	         "{\"rows\":[{\"domain\":\"d.example\",\"rule\":\"allow\",\"rate\":3.5,\"state\":\"down\"},"
	         "{\"domain\":\"b.example\",\"rule\":\"allow\",\"rate\":9,\"state\":\"up\"}],\"total\":4,"
	         "\"version\":7}");
	assert_int_equal(domain_rows_finish(&rows, before), RESULT_OK);
	return rows;
}

static void expect_order(const struct domain_rows *rows, const char *letters)
{
	assert_int_equal(rows->shown, strlen(letters));
	for (size_t i = 0; i < rows->shown; i++)
		assert_int_equal(domain_rows_shown(rows, i)->domain.ptr[0], letters[i]);
	assert_null(domain_rows_shown(rows, rows->shown));
}

static void sorts_and_filters(void **state)
{
	static const struct {
		const char *filter;
		enum domain_column sort;
		bool is_reversed;
		const char *order;
	} cases[] = {
		{ "", DOMAIN_NAME, false, "abcd" },  { "", DOMAIN_NAME, true, "dcba" },
		{ "", DOMAIN_RATE, false, "acdb" },  { "", DOMAIN_RATE, true, "bcda" },
		{ "", DOMAIN_RULE, false, "bcda" },  { "rule:allow", DOMAIN_NAME, false, "bcd" },
		{ "spam", DOMAIN_NAME, false, "a" }, { "nobody", DOMAIN_NAME, false, "" },
		{ "", DOMAIN_LIVE, false, "adbc" },  { "state:up", DOMAIN_LIVE, true, "cb" },
	};
	struct domain_rows none, rows;

	(void)state;
	domain_rows_start(&none);
	rows = make_rows(&none);
	assert_int_equal(rows.total, 4);
	assert_int_equal(rows.version, 7);
	for (size_t i = 0; i < COUNT(cases); i++) {
		domain_rows_arrange(&rows, slice_of(cases[i].filter), 0, cases[i].sort, cases[i].is_reversed);
		expect_order(&rows, cases[i].order);
	}
	domain_rows_stop(&rows);
}

static void marks_stay_on_their_domains(void **state)
{
	struct domain_rows none, rows, again;

	(void)state;
	domain_rows_start(&none);
	rows = make_rows(&none);
	domain_rows_find(&rows, SLICE("b.example"))->is_marked = true;
	domain_rows_find(&rows, SLICE("d.example"))->is_marked = true;
	assert_null(domain_rows_find(&rows, SLICE("e.example")));
	again = make_rows(&rows);
	assert_int_equal(domain_rows_marked(&again), 2);
	assert_true(domain_rows_find(&again, SLICE("d.example"))->is_marked);
	domain_rows_unmark(&again);
	assert_int_equal(domain_rows_marked(&again), 0);
	domain_rows_stop(&again);
	domain_rows_stop(&rows);
}

static void places(void **state)
{
	struct domain_rows none, rows;

	(void)state;
	domain_rows_start(&none);
	rows = make_rows(&none);
	domain_rows_arrange(&rows, SLICE("rule:allow"), 0, DOMAIN_NAME, true);
	assert_int_equal(domain_rows_place(&rows, SLICE("c.example")), 1);
	assert_int_equal(domain_rows_place(&rows, SLICE("a.example")), rows.shown);
	domain_rows_stop(&rows);
}

static void strange_pages_do_no_harm(void **state)
{
	static const char *const pages[] = { "{}", "[]", "3", "{\"rows\":3}",
		                             "{\"rows\":[1,null,[],{\"domain\":4,\"rate\":\"x\"}]}" };
	struct domain_rows none, rows;

	(void)state;
	domain_rows_start(&none);
	domain_rows_start(&rows);
	for (size_t i = 0; i < COUNT(pages); i++)
		add_page(&rows, pages[i]);
	assert_int_equal(domain_rows_finish(&rows, &none), RESULT_OK);
	for (int sort = 0; sort < DOMAIN_COLUMNS; sort++)
		domain_rows_arrange(&rows, SLICE("x"), 0, (enum domain_column)sort, sort % 2);
	domain_rows_stop(&rows);
}

#ifdef PARLEY_FAULTS
static void out_of_memory_loses_rows_not_the_program(void **state)
{
	(void)state;
	for (unsigned long nth = 1; nth < 5; nth++) {
		struct domain_rows none, rows;
		struct json *whole;

		domain_rows_start(&none);
		domain_rows_start(&rows);
		json_read(SLICE("{\"rows\":[{\"domain\":\"x\"}]}"), &whole, NULL);
		mem_fail_at(nth);
		(void)domain_rows_add(&rows, whole, whole);
		(void)domain_rows_finish(&rows, &none);
		mem_fail_at(0);
		domain_rows_arrange(&rows, SLICE(""), 0, DOMAIN_NAME, false);
		domain_rows_stop(&rows);
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
		cmocka_unit_test(marks_stay_on_their_domains),
		cmocka_unit_test(places),
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
