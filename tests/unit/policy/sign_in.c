/* Failed sign-ins: a row a history. */
#include "daemon/policy/sign_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { FAILS_MAX = 12, S = 1000, START = 5 * S };

static const struct {
	const char *behaviour;
	uint64_t limit;
	int64_t longest_ms;
	int64_t at[FAILS_MAX], waits[FAILS_MAX]; /* a failure at, and the wait it causes; 0 ends the list */
} rows[] = {
	{ "the first ones cost nothing", 3, 900 * S, { START, START + S }, { 0, 0 } },
	{ "the last of them has to wait", 3, 900 * S, { START, START + S, START + 2 * S }, { 0, 0, 10 * S } },
	{ "then twice as long each time",
	  2,
	  900 * S,
	  { START, START, START, START, START },
	  { 0, 10 * S, 20 * S, 40 * S, 80 * S } },
	{ "and never longer than the longest",
	  1,
	  25 * S,
	  { START, START, START, START },
	  { 10 * S, 20 * S, 25 * S, 25 * S } },
	{ "a limit of one is met at once", 1, 900 * S, { START }, { 10 * S } },
	{ "who waited long enough begins anew", 2, 60 * S, { START, START + 60 * S }, { 0, 0 } },
	{ "and not a moment earlier", 2, 60 * S, { START, START + 60 * S - 1 }, { 0, 10 * S } },
	{ "a longest wait below the first is kept", 1, 5 * S, { START }, { 5 * S } },
};

static void waits_as_its_history_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct sign_in_limits limits = { rows[i].limit, rows[i].longest_ms };
		struct sign_in_record record = { 0 };

		printf("%s\n", rows[i].behaviour);
		for (size_t k = 0; k < FAILS_MAX && rows[i].at[k]; k++) {
			assert_int_equal(sign_in_failed(&record, &limits, rows[i].at[k]), rows[i].waits[k]);
			assert_int_equal(sign_in_wait(&record, rows[i].at[k]), rows[i].waits[k]);
			assert_int_equal(sign_in_wait(&record, rows[i].at[k] + rows[i].waits[k]), 0);
		}
	}
}

static void a_thousand_failures_end_at_the_longest(void **state)
{
	const struct sign_in_limits limits = { 5, 900 * S };
	struct sign_in_record record = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		sign_in_failed(&record, &limits, START);
	assert_int_equal(sign_in_wait(&record, START), 900 * S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_as_its_history_says),
		cmocka_unit_test(a_thousand_failures_end_at_the_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
