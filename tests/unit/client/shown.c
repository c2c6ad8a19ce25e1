/* Ages, times, rates and the socket's path as people read them. */
#include "tui/client/shown.h"
#include "tui/client/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void ages(void **state)
{
	static const struct {
		int64_t ms;
		const char *shown;
	} rows[] = { { -1, "-" },           { 0, "0s" },
		     { 59999, "59s" },      { 60000, "1m00s" },
		     { 3599000, "59m59s" }, { 3600000, "1h00m" },
		     { 86400000, "1d00h" }, { 1054800000, "12d05h" } };
	char to[SHOWN_BYTES];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(shown_age(rows[i].ms, to), rows[i].shown);
}

static void rates_and_counts_take_five_cells(void **state)
{
	static const struct {
		double rate;
		const char *shown;
	} rows[] = { { -1, "0" },       { 0, "0" },        { 0.04, "0.0" },    { 0.4, "0.4" },
		     { 99.94, "99.9" }, { 99.96, "100" },  { 9999.4, "9999" }, { 12345, "12k" },
		     { 2000000, "2M" }, { 1e300, "9999M" } };
	char to[SHOWN_BYTES];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(shown_rate(rows[i].rate, to), rows[i].shown);
	assert_string_equal(shown_rate(0.0 / 0.0, to), "0");
	for (double rate = 0.01; rate < 1e12; rate *= 3.7)
		assert_true(strlen(shown_rate(rate, to)) <= 5);
	assert_string_equal(shown_count(99999, to), "99999");
	assert_string_equal(shown_count(123456, to), "123k");
}

static void moments(void **state)
{
	const int64_t noon = 1767268800000; /* 2026-01-01 12:00 UTC */
	char to[SHOWN_BYTES];

	(void)state;
	assert_string_equal(shown_moment(noon, noon + 1000, to), "12:00");
	assert_string_equal(shown_moment(noon, noon + 86400000, to), "01-01 12:00");
	assert_string_equal(shown_day(noon, noon + 86400000, to), "01-01");
	assert_string_equal(shown_moment(0, noon, to), "-");
	assert_string_equal(shown_time(noon, to), "2026-01-01 12:00:00");
}

static void finds_the_socket(void **state)
{
	static const struct {
		const char *behaviour, *socket, *environment, *root, *path;
	} rows[] = {
		{ "the_default", NULL, NULL, NULL, "/run/parley/control.sock" },
		{ "an_empty_variable_is_none", NULL, "", NULL, "/run/parley/control.sock" },
		{ "the_variable", NULL, "/a", NULL, "/a" },
		{ "the_option_before_the_variable", "/b", "/a", NULL, "/b" },
		{ "the_root_before_the_variable", NULL, "/a", "/r", "/r/run/parley/control.sock" },
		{ "the_socket_before_the_root", "/b", NULL, "/r", "/b" },
	};
	char to[CLIENT_PATH_MAX], long_path[200];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(client_path(rows[i].socket, rows[i].environment, rows[i].root, to, NULL),
		                 RESULT_OK);
		assert_string_equal(to, rows[i].path);
	}
	memset(long_path, 'x', sizeof long_path);
	long_path[CLIENT_PATH_MAX] = '\0';
	assert_int_equal(client_path(long_path, NULL, NULL, to, NULL), RESULT_INVALID);
	long_path[CLIENT_PATH_MAX - 1] = '\0';
	assert_int_equal(client_path(long_path, NULL, NULL, to, NULL), RESULT_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ages),
		cmocka_unit_test(rates_and_counts_take_five_cells),
		cmocka_unit_test(moments),
		cmocka_unit_test(finds_the_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
