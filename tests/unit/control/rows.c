/* The rows of verbs.def and events.def as data. */
#include "shared/control/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void finds_every_verb_by_its_method(void **state)
{
	(void)state;
	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		struct buffer method;

		buffer_start(&method, 64);
		control_verb_method(control_verb((enum control_verb_id)i), &method);
		assert_int_equal(control_verb_named(buffer_slice(&method)), i);
		buffer_stop(&method);
	}
}

static void finds_no_verb_for_a_near_miss(void **state)
{
	static const char *const names[] = {
		"",           ".",           ".status",      "status.",      "domain",        "domain.",
		"domain.lis", "Domain.list", "domain.list ", "domain..list", "domain.list.x", "access-edge"
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		assert_int_equal(control_verb_named(slice_of(names[i])), CONTROL_VERB_COUNT);
}

static void gives_the_arguments_of_a_row(void **state)
{
	static const struct {
		enum control_verb_id verb;
		size_t index;
		bool found;
		const char *name;
		bool is_required, is_fields;
	} rows[] = {
		{ CONTROL_VERB_STATUS, 0, false, "", false, false },
		{ CONTROL_VERB_DOMAIN_ALLOW, 0, true, "domain", true, false },
		{ CONTROL_VERB_DOMAIN_ALLOW, 1, true, "allowed-domain", false, true },
		{ CONTROL_VERB_DOMAIN_ALLOW, 2, false, "", false, false },
		{ CONTROL_VERB_DOMAIN_LIST, 2, true, "limit", false, false },
		{ CONTROL_VERB_WHY, 1, true, "to", true, false },
		{ CONTROL_VERB_WHY, 2, true, "what", false, false },
		{ CONTROL_VERB_ACCESS_EDGE_SET, 0, true, "access-edge", false, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct control_argument got = { 0 };

		assert_int_equal(control_verb_argument(control_verb(rows[i].verb), rows[i].index, &got),
		                 rows[i].found);
		if (!rows[i].found)
			continue;
		assert_string_equal(got.name, rows[i].name);
		assert_int_equal(got.is_required, rows[i].is_required);
		assert_int_equal(got.is_fields, rows[i].is_fields);
	}
}

/* A required word after an optional one could never be told from it on a command line. */
static void no_row_asks_for_a_word_after_an_optional_one(void **state)
{
	(void)state;
	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		struct control_argument argument;
		bool may_follow = true;

		for (size_t n = 0; control_verb_argument(control_verb((enum control_verb_id)i), n, &argument);
		     n++) {
			assert_true(may_follow || !argument.is_required);
			assert_true(may_follow || !argument.is_fields || !argument.is_required);
			may_follow = argument.is_required;
		}
	}
}

static void every_place_of_a_sentence_is_a_field_of_its_row(void **state)
{
	(void)state;
	for (int i = 0; i < CONTROL_EVENT_COUNT; i++) {
		const struct control_event *row = control_event((enum control_event_id)i);
		struct slice rest = slice_of(row->sentence);

		assert_int_equal(control_event_named(slice_of(row->name)), i);
		while (slice_find(rest, '{') < rest.len) {
			struct slice fields = slice_of(row->fields), field, name;
			bool found = false;

			rest = slice_after(rest, slice_find(rest, '{') + 1);
			name = slice_first(rest, slice_find(rest, '}'));
			name = slice_first(name, slice_find(name, ':'));
			while (slice_next(&fields, ' ', &field))
				found |= slice_equal(field, name);
			assert_true(found);
		}
	}
	assert_int_equal(control_event_named(SLICE("nothing")), CONTROL_EVENT_COUNT);
}

static void writes_an_events_sentence(void **state)
{
	static const struct {
		enum control_event_id event;
		const char *json, *sentence;
	} rows[] = {
		{ CONTROL_EVENT_SERVICE_STARTED, "{\"service\":\"access\",\"pid\":41}",
		  "access runs as process 41" },
		{ CONTROL_EVENT_SERVICE_STOPPED, "{\"service\":\"access\",\"why\":\"\"}",
		  "access is stopped: -" },
		{ CONTROL_EVENT_SERVICE_STOPPED, "{}", "- is stopped: -" },
		{ CONTROL_EVENT_SERVICE_STOPPED, "{\"service\":\"a\\nb\\u001b[2J\",\"why\":\"\\u202ex\"}",
		  "a\\x0ab\\x1b[2J is stopped: \\xe2\\x80\\xaex" },
		{ CONTROL_EVENT_SERVICE_STOPPED, "{\"service\":\"{why}\",\"why\":true}",
		  "{why} is stopped: true" },
		{ CONTROL_EVENT_CONFIG_PUBLISHED,
		  "{\"version\":2,\"author\":\"a\",\"changes\":1,\"comment\":\"c\"}",
		  "version 2 published by a: 1 change, c" },
		{ CONTROL_EVENT_CONFIG_PUBLISHED,
		  "{\"version\":2,\"author\":\"a\",\"changes\":12,\"comment\":\"c\"}",
		  "version 2 published by a: 12 changes, c" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json *event;
		struct buffer out;

		buffer_start(&out, 1024);
		assert_int_equal(json_read(slice_of(rows[i].json), &event, NULL), RESULT_OK);
		control_event_sentence(control_event(rows[i].event), event, &out);
		buffer_add_char(&out, '\0');
		assert_string_equal(buffer_slice(&out).ptr, rows[i].sentence);
		json_free(&event);
		buffer_stop(&out);
	}
}

static void every_code_has_a_name_and_a_number(void **state)
{
	(void)state;
	for (int i = CONTROL_OK; i < CONTROL_NOT_JSON; i++)
		assert_int_equal(control_code_named(slice_of(control_code_name((enum control_code)i))), i);
	for (int i = CONTROL_USAGE; i < CONTROL_CODE_COUNT; i++)
		assert_true(control_code_rpc((enum control_code)i) < 0);
	assert_int_equal(control_code_named(SLICE("not heard of")), CONTROL_INTERNAL);
	for (int i = RESULT_AGAIN; i <= RESULT_INTERNAL; i++)
		assert_int_not_equal(control_code_of((enum result)i), CONTROL_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_every_verb_by_its_method),
		cmocka_unit_test(finds_no_verb_for_a_near_miss),
		cmocka_unit_test(gives_the_arguments_of_a_row),
		cmocka_unit_test(no_row_asks_for_a_word_after_an_optional_one),
		cmocka_unit_test(every_place_of_a_sentence_is_a_field_of_its_row),
		cmocka_unit_test(writes_an_events_sentence),
		cmocka_unit_test(every_code_has_a_name_and_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
