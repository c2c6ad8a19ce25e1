/* Users as comma-separated lines: what is taken, what is refused and on which line, and written back as it was read. */
#include "daemon/config/config.h"
#include "tests/unit/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define HEAD         "sip-address,display-name,site,policy\n"

static void add(struct model_snapshot *snapshot, enum model_kind_id kind, const char *key)
{
	struct model_object *object = model_object_new(&snapshot->arena, model_kind(kind));

	object->values[object->kind->key].text = arena_copy(&snapshot->arena, slice_of(key));
	assert_int_equal(model_snapshot_add(snapshot, object), RESULT_OK);
}

/* One own domain, the site Oslo, the policy Sales, and Alice, who has both. */
static struct model_snapshot *world(void)
{
	struct model_snapshot *snapshot = model_snapshot_new();
	struct model_object *topology = model_snapshot_one(snapshot, MODEL_TOPOLOGY), *alice;
	size_t own = MODEL_FIELD(topology, sip_domains);

	assert_int_equal(model_value_read(&topology->kind->fields[own], SLICE("contoso.example"),
	                                  &snapshot->arena, &topology->values[own], NULL),
	                 RESULT_OK);
	add(snapshot, MODEL_SITE, "Oslo");
	add(snapshot, MODEL_ACCESS_POLICY, "Sales");
	add(snapshot, MODEL_USER, "alice@contoso.example");
	alice = model_snapshot_find(snapshot, MODEL_USER, SLICE("alice@contoso.example"));
	alice->values[MODEL_FIELD(user, display_name)].text = SLICE("Alice");
	alice->values[MODEL_FIELD(user, site)].text = SLICE("Oslo");
	alice->values[MODEL_FIELD(user, policy)].text = SLICE("Sales");
	return snapshot;
}

static enum result read_text(struct slice text, struct model_snapshot *snapshot,
                             struct config_problems *problems)
{
	struct guard bytes = guard_copy(text);
	enum result result = config_lines_read(model_kind(MODEL_USER), SLICE("users.csv"), bytes.bytes,
	                                       snapshot, problems);

	guard_free(&bytes);
	return result;
}

static void write_users(const struct model_snapshot *snapshot, struct buffer *out)
{
	const struct model_objects *users = &snapshot->kinds[MODEL_USER];

	for (size_t i = 0; i < users->count; i++)
		config_lines_write(users->items[i], out);
}

#define ALICE "alice@contoso.example,Alice,Oslo,Sales\n"

static const struct {
	const char *behaviour, *text, *users;
} taken[] = {
	{ "adds_a_user", HEAD "bob@contoso.example,Bob,Oslo,Sales\n",
	  ALICE "bob@contoso.example,Bob,Oslo,Sales\n" },
	{ "adds_none", HEAD, ALICE },
	{ "needs_no_end_of_the_last_line", HEAD "bob@contoso.example,,,", ALICE "bob@contoso.example,,,\n" },
	{ "takes_lines_as_other_systems_end_them", "sip-address,policy\r\nbob@contoso.example,Sales\r\n",
	  ALICE "bob@contoso.example,,,Sales\n" },
	{ "passes_over_empty_lines", HEAD "\n\r\nbob@contoso.example,,,\n\n",
	  ALICE "bob@contoso.example,,,\n" },
	{ "takes_the_mark_of_a_spreadsheet", "\xef\xbb\xbfsip-address\nbob@contoso.example\n",
	  ALICE "bob@contoso.example,,,\n" },
	{ "takes_columns_in_any_order_by_lyncs_names",
	  "ExternalAccessPolicy,SipAddress\nSales,sip:Bob@Contoso.example\n",
	  ALICE "bob@contoso.example,,,Sales\n" },
	{ "leaves_fields_without_a_column_as_they_are",
	  "sip-address,display-name\nalice@contoso.example,Alice Smith\n",
	  "alice@contoso.example,Alice Smith,Oslo,Sales\n" },
	{ "an_empty_value_takes_the_grant_away", "sip-address,policy\nALICE@contoso.example,\n",
	  "alice@contoso.example,Alice,Oslo,\n" },
	{ "takes_quoted_values", HEAD "bob@contoso.example,\"Smith, \"\"Bob\"\"\",,\n",
	  ALICE "bob@contoso.example,\"Smith, \"\"Bob\"\"\",,\n" },
	{ "takes_a_line_that_a_quote_carries_on", HEAD "bob@contoso.example,\"Bob\nSmith\",,\n",
	  ALICE "bob@contoso.example,Bob Smith,,\n" },
	{ "puts_many_in_their_places",
	  "sip-address\nzoe@contoso.example\naaron@contoso.example\nbob@contoso.example\n",
	  "aaron@contoso.example,,,\n" ALICE "bob@contoso.example,,,\nzoe@contoso.example,,,\n" },
};

static void takes_what_is_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(taken); i++) {
		struct model_snapshot *snapshot = world(), *again = world();
		struct config_problems problems;
		struct buffer first, second;

		print_message("  %s\n", taken[i].behaviour);
		config_problems_start(&problems);
		assert_int_equal(read_text(slice_of(taken[i].text), snapshot, &problems), RESULT_OK);
		buffer_start(&first, 1 << 16);
		write_users(snapshot, &first);
		assert_true(slice_equal(buffer_slice(&first), slice_of(taken[i].users)));

		/* What is written reads back as the same. */
		buffer_start(&second, 1 << 16);
		config_lines_head(model_kind(MODEL_USER), &second);
		buffer_add(&second, buffer_slice(&first));
		assert_int_equal(read_text(buffer_slice(&second), again, &problems), RESULT_OK);
		assert_true(model_snapshot_equal(snapshot, again));
		buffer_stop(&first);
		buffer_stop(&second);
		config_problems_stop(&problems);
		model_snapshot_free(&snapshot);
		model_snapshot_free(&again);
	}
}

static const struct {
	const char *behaviour, *text;
	size_t count;
	const char *problem; /* one of them */
} refused[] = {
	{ "refuses_nothing_at_all", "", 1, "users.csv:1: user: the column '' is no field" },
	{ "refuses_a_list_without_a_head", "alice@contoso.example,Alice,Oslo,Sales\n", 1,
	  "users.csv:1: user: the column 'alice@contoso.example' is no field" },
	{ "refuses_an_unknown_column", "sip-address,phone\n", 1,
	  "users.csv:1: user: the column 'phone' is no field; allowed: sip-address,display-name,site,policy" },
	{ "refuses_a_column_twice", "sip-address,site,Site\n", 1, "'Site' stands there twice" },
	{ "refuses_a_head_without_the_address", "display-name,site\nAlice,Oslo\n", 1,
	  "users.csv:1: user: the first line names no" },
	{ "refuses_a_bad_address", HEAD "bob,,,\n", 1,
	  "users.csv:2: user: sip-address: 'bob' has no @; allowed: a SIP address such as "
	  "alice@contoso.example" },
	{ "names_each_bad_line", HEAD "bob,,,\nalice@contoso.example,,,\n@x,,,\neve@contoso.example,,\n", 3,
	  "users.csv:5: user eve@contoso.example: has 3 values, and the first line names 4 columns" },
	{ "refuses_too_many_values", HEAD "bob@contoso.example,,,,\n", 1, "has 5 values" },
	{ "refuses_an_address_twice", HEAD "bob@contoso.example,,,\n\nBOB@contoso.example,,,\n", 1,
	  "users.csv:4: user bob@contoso.example: stands here twice, first on line 2; allowed: each once" },
	{ "refuses_a_user_of_others", HEAD "bob@contoso.example,,,\nbob@fabrikam.example,,,\n", 1,
	  "users.csv:3: user bob@fabrikam.example: sip-address: is in none of our own domains" },
	{ "refuses_a_policy_that_there_is_not", HEAD "bob@contoso.example,,,Sale\n", 1,
	  "users.csv:2: user bob@contoso.example: policy: there is no policy Sale" },
	{ "refuses_to_grant_global", HEAD "bob@contoso.example,,,Global\n", 1, "Global is not granted" },
	{ "refuses_a_site_that_there_is_not",
	  HEAD "bob@contoso.example,,Rome,\neve@contoso.example,,Paris,\n", 2,
	  "users.csv:3: user eve@contoso.example: site: there is no site Paris" },
	{ "refuses_a_quote_within_a_value", HEAD "bob@contoso.example,B\"ob,,\neve@contoso.example,,,\n", 1,
	  "users.csv:2: user: a quotation mark stands where none can" },
	{ "refuses_a_quote_that_is_never_closed",
	  HEAD "bob@contoso.example,\"Bob,,\neve@contoso.example,,,\n", 1,
	  "users.csv:2: user: a quotation mark" },
	{ "counts_lines_within_quotes", HEAD "bob@contoso.example,\"Bob\nSmith\",,\neve,,,\n", 1,
	  "users.csv:4: user" },
	{ "refuses_control_characters", HEAD "bob@contoso.example,B\x1b[0mob,,\n", 1, "holds a control" },
	{ "refuses_what_is_no_utf8", HEAD "bob@contoso.example,B\xff,,\n", 1, "is not UTF-8" },
	{ "refuses_a_name_that_is_too_long",
	  HEAD
	  "bob@contoso.example,,0123456789012345678901234567890123456789012345678901234567890123456789,\n",
	  1, "users.csv:2: user bob@contoso.example: site: " },
};

static void refuses_by_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct model_snapshot *snapshot = world();
		struct config_problems problems;
		struct buffer all;

		print_message("  %s\n", refused[i].behaviour);
		config_problems_start(&problems);
		assert_int_equal(read_text(slice_of(refused[i].text), snapshot, &problems), RESULT_INVALID);
		buffer_start(&all, 1 << 20);
		for (size_t p = 0; p < problems.count; p++) {
			config_problem_write(&problems.items[p], &all);
			buffer_add_char(&all, '\n');
		}
		buffer_add_char(&all, '\0');
		if (!strstr(buffer_slice(&all).ptr, refused[i].problem))
			fail_msg("the problems are: %s", buffer_slice(&all).ptr);
		assert_int_equal(problems.count, refused[i].count);
		buffer_stop(&all);
		config_problems_stop(&problems);
		model_snapshot_free(&snapshot);
	}
}

/* More bad lines than are kept: all are counted. */
static void counts_the_bad_lines_that_it_does_not_keep(void **state)
{
	struct model_snapshot *snapshot = world();
	struct config_problems problems;
	struct buffer text;

	(void)state;
	buffer_start(&text, 1 << 20);
	buffer_add(&text, SLICE("sip-address\n"));
	for (int i = 0; i < 1000; i++)
		buffer_printf(&text, "%s%d\n", i % 2 ? "nobody-" : "x@-", i);
	config_problems_start(&problems);
	assert_int_equal(read_text(buffer_slice(&text), snapshot, &problems), RESULT_INVALID);
	assert_int_equal(problems.count, CONFIG_PROBLEMS_MAX);
	assert_int_equal(problems.count + problems.unkept, 1000);
	config_problems_stop(&problems);
	buffer_stop(&text);
	model_snapshot_free(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_is_right),
		cmocka_unit_test(refuses_by_line),
		cmocka_unit_test(counts_the_bad_lines_that_it_does_not_keep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
