/* What the console's command line goes on with, what it says, and which word was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/screens/complete.h"

#include <cmocka.h> /* last: its fail() would rewrite ours */

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { SAID_BYTES = 160 };

static const char columns[] = "partner,state,tls,tls_error";

static const struct {
	const char *name, *line;
	const char *more, *said, *method; /* beyond what is typed; below the line; "": nothing is asked */
} cases[] = {
	{ "a_screen_that_is_a_noun_once", "access-e", "dge ", "access-edge", "" },
	{ "a_screen_and_an_alias_once", "domains", " ", "domains", "" },
	{ "screens_and_nouns", "xmpp-", "", "xmpp-gateway xmpp-name", "" },
	{ "its_own_words", "the", "me ", "theme", "" },
	{ "after_its_own_words", "frames u", "tf8 ", "utf8", "" },
	{ "nothing_after_those", "frames utf8 ", "", "", "" },
	{ "verbs", "role ", "", "list grant revoke", "" },
	{ "the_same_after_parley", "parley role l", "ist ", "list", "" },
	{ "one_beginning", "domain allow x proxy", "-", "proxy-fqdn= proxy-port=", "" },
	{ "a_field_goes_on", "domain allow x proxy-f", "qdn=", "proxy-fqdn=", "" },
	{ "values", "access-edge set allow-outside-users=t", "rue ", "allow-outside-users=true", "" },
	{ "options_of_a_verb", "audit list --si", "nce ", "--since", "" },
	{ "columns_of_a_command", "domain list --columns rule,proxy-p", "ort ", "rule,proxy-port", "" },
	{ "columns_of_the_list_shown", "columns pa", "rtner", "partner", "" },
	{ "columns_after_a_comma_each_once", "columns tls,s", "tate", "tls,state", "" },
	{ "columns_not_named_yet", "columns partner,state,tls,", "tls_error", "partner,state,tls,tls_error",
	  "" },
	{ "no_columns", "columns def", "ault", "default", "" },
	{ "names_of_the_daemon", "domain show fab", "", "nothing begins with \"fab\" here", "domain.list" },
	{ "a_name_of_another_noun", "user grant Sal", "", "nothing begins with \"Sal\" here", "policy.list" },
	{ "quoted_words", "'domain' \"show\" fab", "", "nothing begins with \"fab\" here", "domain.list" },
	{ "help_asks_nobody", "help domain al", "low ", "allow", "" },
	{ "help_knows_no_names", "help domain show ", "", "", "" },
	{ "not_what_is_for_the_shell", "conso", "", "nothing begins with \"conso\" here", "" },
	{ "a_noun_that_was_meant", "domian", "", "unknown word \"domian\"; did you mean domain?",
	  "" },
	{ "a_screen_that_was_meant", "topolgy", "", "unknown word \"topolgy\"; did you mean topology?", "" },
	{ "a_verb_that_was_meant", "domain alow", "", "unknown word \"alow\"; did you mean allow or show?", "" },
	{ "a_column_that_was_meant", "columns parntr", "", "unknown word \"parntr\"; did you mean partner?",
	  "" },
	{ "an_open_quote", "domain show 'fab", NULL, NULL, "" },
};

static void goes_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct slice line = slice_of(cases[i].line);
		struct completion c;
		char said[SAID_BYTES];
		struct buffer more;

		buffer_start(&more, SAID_BYTES);
		if (completion_start(&c, line, slice_of(columns))) {
			completion_more(&c, &more);
			completion_say(&c, line, slice_of(columns), said, sizeof said);
			if (!cases[i].more || !slice_equal(buffer_slice(&more), slice_of(cases[i].more)) ||
			    strcmp(said, cases[i].said) != 0 ||
			    strcmp(c.wish.is_wanted ? c.wish.method : "", cases[i].method) != 0)
				fail_msg("%s: \"%.*s\" \"%s\" %s", cases[i].name,
				         SLICE_ARG(buffer_slice(&more)), said, c.wish.method);
		} else if (cases[i].more) {
			fail_msg("%s: cannot be read", cases[i].name);
		}
		completion_stop(&c);
		buffer_stop(&more);
	}
}

static void names_come_from_the_daemon(void **state)
{
	static const struct {
		const char *name, *line, *rows, *more, *said;
	} answers[] = {
		{ "one", "domain show f", "{\"rows\":[{\"domain\":\"fab.example\"}],\"next\":null}",
		  "ab.example ", "fab.example" },
		{ "what_they_agree_in", "xmpp set f",
		  "{\"rows\":[{\"domain\":\"fab.example\"},{\"domain\":\"fax.example\"}]}", "a",
		  "fab.example fax.example" },
		{ "a_part_of_them_agrees_in_nothing", "domain show f",
		  "{\"rows\":[{\"domain\":\"fab.example\"}],\"next\":\"fab.example\"}", "",
		  "fab.example ..." },
		{ "none", "site show D", "{\"rows\":[],\"next\":null}", "",
		  "nothing begins with \"D\" here" },
		{ "none_that_could_be_typed", "site show D", "{\"rows\":[{\"name\":\"D; x\"}]}", "",
		  "nothing begins with \"D\" here" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct json *result = NULL;
		struct completion c;
		struct buffer more;
		char said[SAID_BYTES];

		assert_int_equal(json_read(slice_of(answers[i].rows), &result, NULL), RESULT_OK);
		assert_true(completion_start(&c, slice_of(answers[i].line), SLICE("")));
		buffer_start(&more, SAID_BYTES);
		completion_take(&c, result);
		completion_more(&c, &more);
		completion_say(&c, slice_of(answers[i].line), SLICE(""), said, sizeof said);
		if (!slice_equal(buffer_slice(&more), slice_of(answers[i].more)) ||
		    strcmp(said, answers[i].said) != 0)
			fail_msg("%s: \"%.*s\" \"%s\"", answers[i].name, SLICE_ARG(buffer_slice(&more)),
			         said);
		buffer_stop(&more);
		completion_stop(&c);
		json_free(&result);
	}
}

static void says_no_more_than_there_is_room_for(void **state)
{
	struct completion c;
	char said[24];

	(void)state;
	assert_true(completion_start(&c, SLICE(""), SLICE("")));
	completion_say(&c, SLICE(""), SLICE(""), said, sizeof said);
	assert_string_equal(said, "overview ...");
	completion_stop(&c);
}

static void knows_its_first_words(void **state)
{
	static const struct {
		const char *line, *says; /* "": it is one, or nothing is near it */
	} lines[] = {
		{ "domain list", "" },
		{ "topology", "" },
		{ "theme mono", "" },
		{ "console", "" },
		{ "--json status", "" },
		{ "", "" },
		{ "zzzzzzzz", "" },
		{ "overveiw", "unknown word \"overveiw\"; did you mean overview?" },
		{ "colums state", "unknown word \"colums\"; did you mean columns?" },
		{ "domian list", "unknown word \"domian\"; did you mean domain?" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		struct reason reason = { "" };

		assert_int_equal(completion_knows(slice_of(lines[i].line), &reason), !lines[i].says[0]);
		assert_string_equal(reason.text, lines[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on),
		cmocka_unit_test(names_come_from_the_daemon),
		cmocka_unit_test(says_no_more_than_there_is_room_for),
		cmocka_unit_test(knows_its_first_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
