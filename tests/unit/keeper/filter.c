#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/keeper/filter.h"

#include <cmocka.h> /* last: its fail() would rewrite ours */

static const struct {
	const char *name, *filter;
	bool holds;
} rows[] = {
	{ "an_empty_filter_shows_all", "", true },
	{ "blanks_are_no_terms", "   ", true },
	{ "a_word_is_part_of_a_text", "abri", true },
	{ "case_does_not_matter", "FABRIKAM", true },
	{ "a_word_is_looked_for_in_every_text", "contract", true },
	{ "and_only_in_texts", "allow", false },
	{ "a_named_field_is_exactly_that", "rule:allow", true },
	{ "a_part_of_it_is_not", "rule:all", false },
	{ "every_term_must_hold", "fabrikam rule:block", false },
	{ "both_hold", "fabrikam rule:allow", true },
	{ "not_a_word", "!litware", true },
	{ "not_a_field", "!rule:allow", false },
	{ "twice_not", "!!fabrikam", true },
	{ "a_lonely_mark_says_nothing", "!", true },
	{ "an_unknown_name_is_a_word", "192.0.2.1:5061", true },
	{ "an_unknown_name_that_is_nowhere", "colour:red", false },
	{ "an_empty_value", "rule:", false },
	{ "longer_than_the_text", "fabrikam.example.and.much.more.than.that", false },
};

static void shows_as_the_table_says(void **state)
{
	const struct keeper_filter_field fields[] = {
		{ "domain", SLICE("fabrikam.example"), true },
		{ "comment", SLICE("Contract 2291 via 192.0.2.1:5061"), true },
		{ "rule", SLICE("allow"), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (keeper_filter_holds(slice_of(rows[i].filter), fields, 3) != rows[i].holds)
			fail_msg("%s", rows[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(shows_as_the_table_says) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
