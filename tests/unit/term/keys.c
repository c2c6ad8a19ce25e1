/* A sequence whose bytes came apart must not act as letters. */
#include "tui/term/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void sequences(void **state)
{
	static const struct {
		const char *behaviour;
		struct {
			int64_t after_ms;
			uint32_t key, passed;
		} keys[6];
	} rows[] = {
		{ "letters_pass", { { 0, 'a', 'a' }, { 0, '[', '[' }, { 0, 'O', 'O' } } },
		{ "a_torn_arrow_is_swallowed",
		  { { 0, INPUT_ESCAPE, INPUT_ESCAPE },
		    { 60, 'O', INPUT_NONE },
		    { 60, 'A', INPUT_NONE },
		    { 0, 'b', 'b' } } },
		{ "a_torn_arrow_of_the_other_kind",
		  { { 0, INPUT_ESCAPE, INPUT_ESCAPE },
		    { 60, '[', INPUT_NONE },
		    { 10, '1', INPUT_NONE },
		    { 10, '~', INPUT_NONE },
		    { 0, 'd', 'd' } } },
		{ "a_letter_after_escape_passes",
		  { { 0, INPUT_ESCAPE, INPUT_ESCAPE }, { 50, 'b', 'b' }, { 0, '[', '[' } } },
		{ "long_after_escape_all_pass",
		  { { 0, INPUT_ESCAPE, INPUT_ESCAPE }, { 301, '[', '[' }, { 0, 'A', 'A' } } },
		{ "two_escapes",
		  { { 0, INPUT_ESCAPE, INPUT_ESCAPE },
		    { 10, INPUT_ESCAPE, INPUT_ESCAPE },
		    { 10, '[', INPUT_NONE },
		    { 5, 'B', INPUT_NONE } } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct keys keys = { 0 };
		int64_t now = 1000;

		print_message("  %s\n", rows[i].behaviour);
		for (size_t k = 0; k < 6 && rows[i].keys[k].key; k++) {
			now += rows[i].keys[k].after_ms;
			assert_int_equal(keys_filter(&keys, now, rows[i].keys[k].key),
			                 rows[i].keys[k].passed);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(sequences) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
