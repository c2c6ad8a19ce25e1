#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/cli/complete.h"

#include <cmocka.h> /* last: its fail() would rewrite ours */

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct {
	const char *name;
	const char *words[8]; /* the last is being typed */
	const char *out;      /* every candidate; "*" at the end: among others */
	const char *method, *member;
} cases[] = {
	{ "nouns", { "dom" }, "domain\ndomains\n", "", "" },
	{ "a_noun_once", { "xmpp" }, "xmpp\nxmpp-gateway\nxmpp-name\n", "", "" },
	{ "words_that_are_no_verbs", { "he" }, "help\n", "", "" },
	{ "not_hello", { "hel" }, "help\n", "", "" },
	{ "verbs_of_a_noun", { "role", "" }, "list\ngrant\nrevoke\n", "", "" },
	{ "verbs_that_begin_so", { "audit", "v" }, "verify\n", "", "" },
	{ "objects_are_asked_of_the_daemon", { "domain", "show", "fab" }, "", "domain.list", "domain" },
	{ "users_by_their_key", { "user", "show", "al" }, "", "user.list", "sip-address" },
	{ "policies_for_users", { "user", "grant", "" }, "", "policy.list", "identity" },
	{ "not_what_could_be_no_name", { "domain", "show", "a b" }, "", "", "" },
	{ "services_by_name", { "service", "drain", "" }, "", "service.list", "service" },
	{ "options_between_do_not_count",
	  { "--json", "domain", "--timeout", "5", "show", "f" },
	  "",
	  "domain.list",
	  "domain" },
	{ "a_value_is_not_ours", { "domain", "allow", "x.example", "--comment", "" }, "", "", "" },
	{ "fields_after_the_arguments",
	  { "domain", "allow", "x.example", "proxy" },
	  "proxy-fqdn=\nproxy-port=\n",
	  "",
	  "" },
	{ "not_the_key", { "domain", "allow", "x.example", "dom" }, "", "", "" },
	{ "choices_of_a_field",
	  { "domain", "allow", "x.example", "identity=e" },
	  "identity=edge-fqdn\n",
	  "",
	  "" },
	{ "true_and_false",
	  { "access-edge", "set", "allow-outside-users=" },
	  "allow-outside-users=true\nallow-outside-users=false\n",
	  "",
	  "" },
	{ "fields_to_unset",
	  { "domain", "allow", "x.example", "--unset", "proxy" },
	  "proxy-fqdn\nproxy-port\n",
	  "",
	  "" },
	{ "fields_to_unset_after_a_comma",
	  { "access-edge", "set", "--unset=comment,allow-fed" },
	  "--unset=comment,allow-federated-users\n",
	  "",
	  "" },
	{ "nothing_to_unset_where_nothing_is_set",
	  { "domain", "show", "x.example", "--unset", "" },
	  "",
	  "",
	  "" },
	{ "roles", { "role", "grant", "alice", "op" }, "operator\n", "", "" },
	{ "options", { "status", "--js" }, "--json\n", "", "" },
	{ "options_of_the_verb", { "audit", "list", "--si" }, "--since\n", "", "" },
	{ "columns_of_a_list", { "domain", "list", "--columns", "pro" }, "proxy-fqdn\nproxy-port\n", "", "" },
	{ "columns_after_a_comma",
	  { "domain", "list", "--columns=rule,proxy-p" },
	  "--columns=rule,proxy-port\n",
	  "",
	  "" },
	{ "fields_of_the_kind_are_columns",
	  { "xmpp", "list", "--columns", "enable-k" },
	  "enable-keep-alive\n",
	  "",
	  "" },
	{ "one_column_to_sort_by",
	  { "connection", "list", "--sort", "-mess" },
	  "-messages_in\n-messages_out\n",
	  "",
	  "" },
	{ "columns_after_an_alias", { "domains", "--columns", "identi" }, "identity\n", "", "" },
	{ "no_columns_where_there_is_no_list", { "status", "--columns", "" }, "", "", "" },
	{ "nothing_after_an_alias", { "domains", "" }, "", "", "" },
	{ "nothing_of_an_unknown_noun", { "paint", "" }, "", "", "" },
	{ "nothing_of_an_unknown_verb", { "domain", "paint", "" }, "", "", "" },
};

static void knows_what_could_stand_next(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct complete_wish wish;
		struct buffer out;
		size_t count = 0;

		while (count < COUNT(cases[i].words) && cases[i].words[count])
			count++;
		buffer_start(&out, COMPLETE_OUT_MAX);
		complete_words(count, cases[i].words, &out, &wish);
		if (!slice_equal(buffer_slice(&out), slice_of(cases[i].out)) ||
		    strcmp(wish.is_wanted ? wish.method : "", cases[i].method) != 0 ||
		    strcmp(wish.is_wanted ? wish.member : "", cases[i].member) != 0)
			fail_msg("%s: \"%.*s\" %s %s", cases[i].name, SLICE_ARG(buffer_slice(&out)),
			         wish.method, wish.member);
		buffer_stop(&out);
	}
}

/* Every first word, and every beginning of each command, ends without a fault. */
static void takes_the_beginning_of_every_command(void **state)
{
	(void)state;
	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		const struct control_verb *row = control_verb((enum control_verb_id)i);
		const char *words[] = {
			row->noun[0] ? row->noun : row->verb, row->verb, "a", "b", "c", "d=", "-"
		};

		for (size_t count = 0; count <= COUNT(words); count++) {
			struct complete_wish wish;
			struct buffer out;

			buffer_start(&out, COMPLETE_OUT_MAX);
			complete_words(count, words, &out, &wish);
			assert_false(out.is_broken);
			buffer_stop(&out);
		}
	}
}

static void asks_for_few_rows(void **state)
{
	static const struct {
		const char *words[3], *params;
	} asked[] = {
		{ { "domain", "show", "fab" }, "{\"filter\":\"domain:fab*\",\"limit\":100}" },
		{ { "policy", "remove", "site:D" }, "{\"filter\":\"identity:site:D*\",\"limit\":100}" },
		{ { "site", "show", "" }, "{\"limit\":100}" },
		{ { "service", "drain", "ac" }, "{}" }, /* has no filter, and few rows */
		{ { "connection", "close", "c-" }, "{}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(asked); i++) {
		struct complete_wish wish;
		struct buffer out;

		buffer_start(&out, COMPLETE_PARAMS_MAX);
		complete_words(3, asked[i].words, &out, &wish);
		assert_true(wish.is_wanted);
		buffer_clear(&out);
		complete_params(&wish, &out);
		if (!slice_equal(buffer_slice(&out), slice_of(asked[i].params)))
			fail_msg("%s %s: %.*s", asked[i].words[0], asked[i].words[1],
			         SLICE_ARG(buffer_slice(&out)));
		buffer_stop(&out);
	}
}

static void offers_only_names_that_a_shell_can_take(void **state)
{
	struct complete_wish wish = { .member = "domain", .part = SLICE("") };
	struct json *result = NULL;
	struct buffer out;

	(void)state;
	assert_int_equal(json_read(SLICE("{\"rows\":[{\"domain\":\"a.example\"},{\"name\":\"access\"},{"
	                                 "\"domain\":\"$(reboot)\"},"
	                                 "{\"domain\":\"b c\"},{\"domain\":\"\"},{}]}"),
	                           &result, NULL),
	                 RESULT_OK);
	buffer_start(&out, 1024);
	complete_rows(&wish, result, &out);
	assert_true(slice_equal(buffer_slice(&out), SLICE("a.example\naccess\n")));
	buffer_clear(&out);
	wish.part = SLICE("ac");
	complete_rows(&wish, result, &out);
	assert_true(slice_equal(buffer_slice(&out), SLICE("access\n")));
	buffer_stop(&out);
	json_free(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_what_could_stand_next),
		cmocka_unit_test(takes_the_beginning_of_every_command),
		cmocka_unit_test(asks_for_few_rows),
		cmocka_unit_test(offers_only_names_that_a_shell_can_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
