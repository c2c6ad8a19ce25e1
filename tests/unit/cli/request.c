/* Words to verb and params, by the rows. */
#include "tui/cli/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "shared/base/memory.h"
#include "tui/screens/command.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct {
	const char *behaviour, *line;
	enum control_verb_id verb;
	const char *params;
} taken[] = {
	{ "a_verb_without_a_noun", "status", CONTROL_VERB_STATUS, "{}" },
	{ "a_noun_and_a_verb", "domain list", CONTROL_VERB_DOMAIN_LIST, "{}" },
	{ "an_alias", "domains rule:block", CONTROL_VERB_DOMAIN_LIST, "{\"filter\":\"rule:block\"}" },
	{ "another_alias", "connections", CONTROL_VERB_CONNECTION_LIST, "{}" },
	{ "a_required_word", "domain show x.example", CONTROL_VERB_DOMAIN_SHOW,
	  "{\"domain\":\"x.example\"}" },
	{ "an_optional_argument_as_option", "domain list --limit 5 --after c", CONTROL_VERB_DOMAIN_LIST,
	  "{\"after\":\"c\",\"limit\":5}" },
	{ "an_option_before_the_verb", "--filter=state:up domain list", CONTROL_VERB_DOMAIN_LIST,
	  "{\"filter\":\"state:up\"}" },
	{ "words_for_why", "why a@x b@y presence", CONTROL_VERB_WHY,
	  "{\"from\":\"a@x\",\"to\":\"b@y\",\"what\":\"presence\"}" },
	{ "the_what_of_why_as_option", "why a@x b@y --what call", CONTROL_VERB_WHY,
	  "{\"from\":\"a@x\",\"to\":\"b@y\",\"what\":\"call\"}" },
	{ "a_field", "domain allow x.example proxy-fqdn=y.example", CONTROL_VERB_DOMAIN_ALLOW,
	  "{\"domain\":\"x.example\",\"set\":{\"proxy-fqdn\":\"y.example\"}}" },
	{ "a_field_by_its_lync_name", "domain allow x.example ProxyFqdn=y.example MarkForMonitoring=on",
	  CONTROL_VERB_DOMAIN_ALLOW,
	  "{\"domain\":\"x.example\",\"set\":{\"proxy-fqdn\":\"y.example\",\"mark-for-monitoring\":true}}" },
	{ "a_field_with_underscores_and_a_number", "domain allow x.example proxy_port=5062",
	  CONTROL_VERB_DOMAIN_ALLOW, "{\"domain\":\"x.example\",\"set\":{\"proxy-port\":5062}}" },
	{ "an_empty_value", "domain allow x.example proxy-fqdn=", CONTROL_VERB_DOMAIN_ALLOW,
	  "{\"domain\":\"x.example\",\"set\":{\"proxy-fqdn\":\"\"}}" },
	{ "a_value_with_an_equals_sign_and_quotes", "domain allow x.example comment='a=\"b\"'",
	  CONTROL_VERB_DOMAIN_ALLOW, "{\"domain\":\"x.example\",\"set\":{\"comment\":\"a=\\\"b\\\"\"}}" },
	{ "a_wrong_value_is_the_daemons_to_refuse", "access-edge set idle-timeout=soon",
	  CONTROL_VERB_ACCESS_EDGE_SET, "{\"set\":{\"idle-timeout\":\"soon\"}}" },
	{ "a_guard_and_a_comment", "domain block x.example --if-version 12 -c spam",
	  CONTROL_VERB_DOMAIN_BLOCK, "{\"domain\":\"x.example\",\"if_version\":12,\"comment\":\"spam\"}" },
	{ "staged", "domain block x.example --stage", CONTROL_VERB_DOMAIN_BLOCK,
	  "{\"domain\":\"x.example\",\"stage\":true}" },
	{ "tried", "undo 7 -n", CONTROL_VERB_UNDO, "{\"number\":\"7\",\"dry_run\":true}" },
	{ "to_be_confirmed", "publish -c why --confirm-within 60", CONTROL_VERB_PUBLISH,
	  "{\"comment\":\"why\",\"confirm_within\":60}" },
	{ "to_be_confirmed_by_the_rule", "revert --confirm-within=auto", CONTROL_VERB_REVERT,
	  "{\"confirm_within\":\"auto\"}" },
	{ "as_it_was", "why a@x.example b@y.example --as-of 3", CONTROL_VERB_WHY,
	  "{\"from\":\"a@x.example\",\"to\":\"b@y.example\",\"version\":3}" },
	{ "as_it_would_be", "access-edge show --staged", CONTROL_VERB_ACCESS_EDGE_SHOW, "{\"staged\":true}" },
	{ "no_fields_where_they_are_optional", "domain allow x.example", CONTROL_VERB_DOMAIN_ALLOW,
	  "{\"domain\":\"x.example\"}" },
	{ "following", "event tail 5 -f", CONTROL_VERB_EVENT_TAIL, "{\"count\":5,\"follow\":true}" },
	{ "a_directory_stays_here", "config check /tmp/x", CONTROL_VERB_CONFIG_CHECK, "{}" },
	{ "export_to_standard_output", "config export - 7", CONTROL_VERB_CONFIG_EXPORT, "{\"version\":7}" },
	{ "what_follows_two_dashes_is_a_word", "domain show -- --x", CONTROL_VERB_DOMAIN_SHOW,
	  "{\"domain\":\"--x\"}" },
	{ "a_policy_by_name", "policy set Global enable-xmpp-access=no", CONTROL_VERB_POLICY_SET,
	  "{\"identity\":\"Global\",\"set\":{\"enable-xmpp-access\":false}}" },
};

static const struct {
	const char *behaviour, *line, *says;
} refused[] = {
	{ "an_unknown_noun_with_the_nearest", "domian list", "did you mean domain" },
	{ "a_noun_alone", "domain", "list, show, allow, block, remove" },
	{ "an_unknown_verb", "domain zzzzzz x", "list, show, allow, block, remove" },
	{ "hello_is_no_command", "hello", "unknown word" },
	{ "a_missing_word", "domain allow", "usage: parley domain allow DOMAIN" },
	{ "a_word_too_many", "domain show a b", "unexpected \"b\"" },
	{ "an_unknown_verb_with_the_nearest", "domain alow x", "knows no \"alow\"; did you mean allow" },
	{ "an_unknown_field_with_the_nearest", "domain allow x proxy-fqnd=y", "did you mean proxy-fqdn" },
	{ "a_field_of_another_kind", "domain block x proxy-fqdn=y",
	  "blocked-domain has no field \"proxy-fqdn\"" },
	{ "the_key_as_a_field", "domain allow x domain=y", "word of its own" },
	{ "a_field_twice", "domain allow x proxy-fqdn=y ProxyFqdn=z", "proxy-fqdn is given twice" },
	{ "a_word_among_fields", "domain allow x y", "field=value" },
	{ "set_without_fields", "access-edge set", "at least one field=value" },
	{ "an_unknown_option_with_the_nearest", "domain list --limt=4", "did you mean limit" },
	{ "an_unknown_letter", "status -z", "unknown option -z" },
	{ "an_unknown_option_before_the_verb", "--nosuch status", "unknown option --nosuch" },
	{ "an_option_of_another_verb", "status --follow", "takes no option --follow" },
	{ "a_value_for_a_flag", "status --json=1", "takes no value" },
	{ "a_missing_value", "status --socket", "needs a value" },
	{ "a_guard_on_a_look", "status --if-version 3", "changes no configuration" },
	{ "an_old_version_to_be_changed", "domain block x --as-of 3", "changes what is so now" },
	{ "staging_what_only_looks", "domain list --stage", "takes no --stage" },
	{ "a_guard_that_is_no_number", "domain block x --if-version=-1", "whole number" },
	{ "a_count_that_is_no_number", "event tail many", "whole number" },
	{ "too_long_a_wait", "status --timeout 99999", "at most 3600" },
};

static struct cli_request read_line(const char *line, enum result expected, struct reason *reason)
{
	static struct command_words words; /* the request points into it */
	struct cli_request request;

	assert_int_equal(command_split(slice_of(line), &words, NULL), RESULT_OK);
	assert_int_equal(cli_request_read(words.count, words.words, &request, reason), expected);
	return request;
}

static void takes_commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(taken); i++) {
		struct reason reason = { "" };
		struct cli_request request;
		struct slice params;

		print_message("  %s\n", taken[i].behaviour);
		request = read_line(taken[i].line, RESULT_OK, &reason);
		params = buffer_slice(&request.params);
		assert_int_equal(request.task, CLI_RUN);
		assert_int_equal(request.verb, taken[i].verb);
		assert_int_equal(params.len, strlen(taken[i].params));
		assert_memory_equal(params.ptr, taken[i].params, params.len);
		cli_request_free(&request);
	}
}

static void refuses_with_what_would_work(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct reason reason = { "" };
		struct cli_request request;

		print_message("  %s\n", refused[i].behaviour);
		request = read_line(refused[i].line, RESULT_INVALID, &reason);
		if (!strstr(reason.text, refused[i].says))
			fail_msg("said: %s", reason.text);
		cli_request_free(&request);
	}
}

static void tells_the_other_tasks(void **state)
{
	static const struct {
		const char *line;
		enum cli_task task;
		const char *first, *second;
	} rows[] = {
		{ "", CLI_CONSOLE, NULL, NULL },
		{ "--read-only", CLI_CONSOLE, NULL, NULL },
		{ "console domains --filter state:up", CLI_CONSOLE, "domains", NULL },
		{ "help", CLI_HELP, NULL, NULL },
		{ "help domain allow", CLI_HELP, "domain", "allow" },
		{ "domain allow --help", CLI_HELP, "domain", "allow" },
		{ "--version", CLI_VERSION, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct command_words words;
		struct cli_request request;

		assert_int_equal(command_split(slice_of(rows[i].line), &words, NULL), RESULT_OK);
		assert_int_equal(cli_request_read(words.count, words.words, &request, NULL), RESULT_OK);
		assert_int_equal(request.task, rows[i].task);
		for (int k = 0; k < 2; k++) {
			const char *wanted = k ? rows[i].second : rows[i].first;

			assert_int_equal(request.topics[k] != NULL, wanted != NULL);
			if (wanted)
				assert_string_equal(request.topics[k], wanted);
		}
		cli_request_free(&request);
	}
}

static void notes_what_stays_on_this_side(void **state)
{
	struct cli_request request = read_line("config import /tmp/x -y --json --timeout 5", RESULT_OK, NULL);

	(void)state;
	assert_string_equal(request.directory, "/tmp/x");
	assert_true(request.options.is_sure && request.options.is_json);
	assert_int_equal(request.options.timeout_ms, 5000);
	cli_request_free(&request);
	request = read_line("access-edge set AllowFederatedUsers=off", RESULT_OK, NULL);
	assert_true(request.turns_off);
	cli_request_free(&request);
	request = read_line("domain list", RESULT_OK, NULL);
	assert_true(request.has_all_pages);
	cli_request_free(&request);
	request = read_line("domain list --limit 3", RESULT_OK, NULL);
	assert_false(request.has_all_pages);
	cli_request_free(&request);
}

/* Whatever row is added to verbs.def, its required words alone make a request, with every field of its kind. */
static void every_row_can_be_called(void **state)
{
	(void)state;
	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		const struct control_verb *verb = control_verb((enum control_verb_id)i);
		const char *words[CLI_WORDS_MAX];
		char fields[MODEL_FIELDS_MAX][64];
		struct control_argument argument;
		struct cli_request request;
		size_t count = 0;

		if (i == CONTROL_VERB_HELLO)
			continue;
		if (verb->noun[0])
			words[count++] = verb->noun;
		words[count++] = verb->verb;
		for (size_t k = 0; control_verb_argument(verb, k, &argument); k++) {
			const struct model_kind *kind = argument.is_fields
			                                        ? model_kind_named(slice_of(argument.name))
			                                        : NULL;

			if (argument.is_required)
				words[count++] = "x";
			if (argument.is_fields)
				assert_non_null(kind);
			for (size_t f = 0; kind && f < kind->field_count; f++) {
				if (f == kind->key)
					continue;
				snprintf(fields[f], sizeof fields[f], "%s=1", kind->fields[f].name);
				words[count++] = fields[f];
			}
		}
		assert_int_equal(cli_request_read(count, words, &request, NULL), RESULT_OK);
		assert_int_equal(request.verb, i);
		cli_request_free(&request);
	}
}

#ifdef PARLEY_FAULTS
static void out_of_memory_is_an_error_not_a_crash(void **state)
{
	(void)state;
	for (unsigned long nth = 1; nth < 6; nth++) {
		struct command_words words;
		struct cli_request request;

		command_split(SLICE("domain allow x.example comment=y"), &words, NULL);
		mem_fail_at(nth);
		(void)cli_request_read(words.count, words.words, &request, NULL);
		mem_fail_at(0);
		cli_request_free(&request);
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_commands),
		cmocka_unit_test(refuses_with_what_would_work),
		cmocka_unit_test(tells_the_other_tasks),
		cmocka_unit_test(notes_what_stays_on_this_side),
		cmocka_unit_test(every_row_can_be_called),
#ifdef PARLEY_FAULTS
		cmocka_unit_test(out_of_memory_is_an_error_not_a_crash),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
