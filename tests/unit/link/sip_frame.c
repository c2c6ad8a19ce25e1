/* sip_frame: a message between two processes, and what a service says of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/link/sip_frame.h"

#include <cmocka.h>

static const struct {
	const char *behaviour, *value;
	bool is_read;
	int diagnostic;
	const char *words;
} rows[] = {
	{ "reads_a_verdict", "1046;reason=\"no stream\"", true, 1046, "no stream" },
	{ "reads_one_without_words", "1007;reason=\"\"", true, 1007, "" },
	{ "passes_over_what_follows", "1034;reason=\"late\";source=\"x\"", true, 1034, "late" },
	{ "refuses_no_number", ";reason=\"x\"", false, 0, "" },
	{ "refuses_zero", "0;reason=\"x\"", false, 0, "" },
	{ "refuses_a_number_too_large", "100000;reason=\"x\"", false, 0, "" },
	{ "refuses_a_sign", "-1;reason=\"x\"", false, 0, "" },
	{ "refuses_no_reason", "1046", false, 0, "" },
	{ "refuses_another_parameter", "1046;source=\"x\"", false, 0, "" },
	{ "refuses_an_open_quote", "1046;reason=\"x", false, 0, "" },
	{ "refuses_nothing", "", false, 0, "" },
};

static void reads_verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct slice words = SLICE("");
		int diagnostic = 0;

		if (link_sip_read_verdict(slice_of(rows[i].value), &diagnostic, &words) != rows[i].is_read)
			fail_msg("%s", rows[i].behaviour);
		if (!rows[i].is_read)
			continue;
		assert_int_equal(diagnostic, rows[i].diagnostic);
		assert_true(slice_equal(words, slice_of(rows[i].words)));
	}
}

/* Whatever the words are, it is one line, and comes back with ' for what cannot stand in it. */
static void any_words_are_one_line(void **state)
{
	char bytes[256], line[512];
	struct buffer out;
	struct slice words;
	int diagnostic;

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)i;
	buffer_start_fixed(&out, line, sizeof line);
	link_sip_write_verdict(1046, (struct slice){ bytes, sizeof bytes }, &out);
	assert_false(out.is_broken);
	assert_true(slice_starts(buffer_slice(&out), SLICE("ms-diagnostics: ")));
	assert_int_equal(slice_find(buffer_slice(&out), '\r'), buffer_length(&out) - 2);
	assert_true(link_sip_read_verdict(slice_after(buffer_slice(&out), 16), &diagnostic, &words));
	assert_int_equal(diagnostic, 1046);
	assert_int_equal(words.len, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		assert_int_equal((unsigned char)words.ptr[i],
		                 i < 0x20 || i >= 0x7f || i == '"' || i == '\\' ? '\'' : i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_verdicts),
		cmocka_unit_test(any_words_are_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
