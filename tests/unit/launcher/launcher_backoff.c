#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/launcher/launcher.h"

#include <cmocka.h> /* last: its fail() would rewrite ours */

static const struct {
	const char *name;
	int64_t previous_ms, lived_ms, wait_ms;
} rows[] = {
	{ "waits_a_second_after_the_first_crash", 0, 10, 1000 },
	{ "doubles", 1000, 10, 2000 },
	{ "doubles_again", 16000, 59999, 32000 },
	{ "stops_doubling_at_a_minute", 32000, 10, 60000 },
	{ "stays_at_a_minute", 60000, 10, 60000 },
	{ "starts_again_after_a_minute_of_life", 60000, 60000, 1000 },
	{ "starts_again_after_a_long_life", 32000, 1000000, 1000 },
	{ "takes_a_broken_clock_for_a_short_life", 1000, -5, 2000 },
	{ "never_overflows", INT64_MAX, 0, 60000 },
};

static void waits_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t wait_ms = launcher_backoff(rows[i].previous_ms, rows[i].lived_ms);

		if (wait_ms != rows[i].wait_ms)
			fail_msg("%s: %lld", rows[i].name, (long long)wait_ms);
	}
}

static void says_how_a_process_ended(void **state)
{
	char words[LAUNCHER_STATUS_BYTES];

	(void)state;
	assert_string_equal(launcher_status_words(-1, words), "not ended");
	assert_string_equal(launcher_status_words(0, words), "exit 0");
	assert_string_equal(launcher_status_words(3 << 8, words), "exit 3");
	assert_string_equal(launcher_status_words(9, words), "signal 9");
	assert_string_equal(launcher_status_words(6 | 0x80, words), "signal 6");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_as_the_table_says),
		cmocka_unit_test(says_how_a_process_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
