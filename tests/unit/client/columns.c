
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/client/columns.h"

#include <cmocka.h> /* last: its fail() would rewrite ours */

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct json *const *no_rows = NULL;

static bool is_list(enum control_verb_id verb)
{
	return slice_equal(slice_of(control_verb(verb)->verb), SLICE("list"));
}

static void every_list_has_columns_each_of_one_name(void **state)
{
	(void)state;
	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		enum control_verb_id verb = (enum control_verb_id)i;
		struct columns line, again;
		struct reason reason;

		if (is_list(verb) && !columns_are_known(verb))
			fail_msg("%s list has no row in columns.def", control_verb(verb)->noun);
		columns_preset(verb, COLUMN_LINE, &line);
		assert_true(!is_list(verb) || line.count);
		for (size_t c = 0; c < line.count; c++) {
			struct slice member = slice_of(line.columns[c].member);

			for (size_t d = 0; d < c; d++)
				assert_string_not_equal(line.columns[c].member, line.columns[d].member);
			assert_int_equal(columns_choose(verb, member, no_rows, 0, &again, &reason),
			                 RESULT_OK);
			assert_string_equal(again.columns[0].member, line.columns[c].member);
			/* No heading may be the name of another column. */
			assert_int_equal(columns_choose(verb, slice_of(line.columns[c].heading), no_rows, 0,
			                                &again, &reason),
			                 RESULT_OK);
			if (strcmp(again.columns[0].member, line.columns[c].member) != 0)
				fail_msg("%s: %s means %s, too", control_verb(verb)->noun,
				         line.columns[c].heading, again.columns[0].member);
		}
	}
}

static const struct {
	const char *name;
	enum control_verb_id verb;
	const char *names, *members; /* members "": refused */
} cases[] = {
	{ "by_member", CONTROL_VERB_DOMAIN_LIST, "rule,domain", "rule domain" },
	{ "by_heading_in_any_case", CONTROL_VERB_DOMAIN_LIST, "Last error, msg/s", "last_error rate" },
	{ "a_field_that_is_not_shown", CONTROL_VERB_XMPP_LIST, "enable-keep-alive", "enable-keep-alive" },
	{ "a_field_of_the_first_of_two_kinds", CONTROL_VERB_DOMAIN_LIST, "verification-level",
	  "verification-level" },
	{ "a_member_of_the_rows", CONTROL_VERB_DOMAIN_LIST, "since,open,big", "since open big" },
	{ "a_member_of_a_later_row", CONTROL_VERB_DOMAIN_LIST, "late", "late" },
	{ "twice", CONTROL_VERB_DOMAIN_LIST, "rule,rule", "rule rule" },
	{ "an_unknown_one", CONTROL_VERB_DOMAIN_LIST, "rule,colour", "" },
	{ "a_hole", CONTROL_VERB_DOMAIN_LIST, "rule,,domain", "" },
	{ "nothing", CONTROL_VERB_DOMAIN_LIST, " ", "" },
	{ "too_long", CONTROL_VERB_DOMAIN_LIST,
	  "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij", "" },
	{ "too_many", CONTROL_VERB_DOMAIN_LIST,
	  "rule,rule,rule,rule,rule,rule,rule,rule,rule,rule,rule,rule,rule,rule,rule,rule,rule", "" },
};

static void finds_columns_by_name(void **state)
{
	struct json *json;
	const struct json *rows[2];
	struct reason reason;

	(void)state;
	assert_int_equal(
	        json_read(SLICE("[{\"domain\":\"a\",\"since\":5,\"open\":true,\"big\":7},{\"late\":\"x\"}]"),
	                  &json, &reason),
	        RESULT_OK);
	rows[0] = json_at(json, 0);
	rows[1] = json_at(json, 1);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct columns chosen;
		struct buffer members;
		enum result result = columns_choose(cases[i].verb, slice_of(cases[i].names), rows, 2, &chosen,
		                                    &reason);

		buffer_start(&members, COLUMNS_TEXT_BYTES);
		for (size_t c = 0; result == RESULT_OK && c < chosen.count; c++)
			buffer_printf(&members, "%s%s", c ? " " : "", chosen.columns[c].member);
		if (!slice_equal(buffer_slice(&members), slice_of(cases[i].members)))
			fail_msg("%s: %.*s", cases[i].name, SLICE_ARG(buffer_slice(&members)));
		buffer_stop(&members);
	}
	json_free(&json);
}

static void what_only_rows_have_is_shown_as_what_it_is(void **state)
{
	struct json *json;
	const struct json *row;
	struct columns chosen;
	struct reason reason;

	(void)state;
	assert_int_equal(json_read(SLICE("{\"since\":5,\"open\":true,\"big\":7}"), &json, &reason),
	                 RESULT_OK);
	row = json;
	assert_int_equal(columns_choose(CONTROL_VERB_DOMAIN_LIST, SLICE("since,open,big,mark-for-monitoring"),
	                                &row, 1, &chosen, &reason),
	                 RESULT_OK);
	assert_int_equal(chosen.columns[0].type, COLUMN_TIME);
	assert_int_equal(chosen.columns[1].type, COLUMN_FLAG);
	assert_int_equal(chosen.columns[2].type, COLUMN_NUMBER);
	assert_int_equal(chosen.columns[3].type, COLUMN_FLAG);
	assert_int_equal(chosen.columns[3].priority, 3);
	json_free(&json);
}

/* Rows of an empty list are not known: a script must not fail because nobody is connected. */
static void takes_any_name_of_an_empty_list(void **state)
{
	struct columns chosen;
	struct reason reason;

	(void)state;
	assert_int_equal(
	        columns_choose(CONTROL_VERB_DISCOVERED_LIST, SLICE("colour"), no_rows, 0, &chosen, &reason),
	        RESULT_OK);
	assert_string_equal(chosen.columns[0].member, "colour");
}

static void names_each_once(void **state)
{
	struct buffer names;
	struct json *json;
	const struct json *row;
	struct reason reason;

	(void)state;
	assert_int_equal(json_read(SLICE("{\"name\":\"access\",\"more\":1,\"pid\":2}"), &json, &reason),
	                 RESULT_OK);
	row = json;
	buffer_start(&names, COLUMNS_TEXT_BYTES);
	columns_names(CONTROL_VERB_SERVICE_LIST, &row, 1, ", ", &names);
	assert_true(slice_equal(
	        buffer_slice(&names),
	        SLICE("name, state, since, connections, transactions, restarts, version, pid, why, "
	              "more")));
	buffer_stop(&names);
	json_free(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_list_has_columns_each_of_one_name),
		cmocka_unit_test(finds_columns_by_name),
		cmocka_unit_test(what_only_rows_have_is_shown_as_what_it_is),
		cmocka_unit_test(takes_any_name_of_an_empty_list),
		cmocka_unit_test(names_each_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
