/* The filter's grammar: which rows hold, what is refused and with which words. */
#include "shared/control/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* last: its fail() would rewrite ours */

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* 2026-11-27T12:00:00Z */
static const int64_t now_ms = INT64_C(1795780800000);

static const char row_text[] =
        "{\"partner\":\"sip.fabrikam.example\",\"domains\":[\"fabrikam.example\",\"contoso-uk.example\"],"
        "\"state\":\"retry\",\"kind\":\"xmpp\",\"comment\":\"Contract 2291, \\\"signed\\\" via "
        "192.0.2.1:5061\","
        "\"rate\":14.2,\"messages_in\":152301,\"bytes\":5000000,\"enabled\":true,\"monitored\":false,"
        "\"last_error\":\"\",\"next_retry\":null,\"since\":1795780560000,\"time\":\"2026-11-27T08:00:05."
        "120Z\","
        "\"from\":\"sip:Bob@litware.example;gr=x\",\"to\":\"alice@contoso.example\",\"local\":\"-\","
        "\"expires_in_s\":600,\"last_error_in\":{\"text\":\"deep\"}}";

static const struct {
	const char *name, *filter;
	bool holds;
} rows[] = {
	{ "an_empty_filter_shows_all", "", true },
	{ "blanks_are_no_terms", "  \t ", true },
	{ "a_word_is_part_of_a_text", "abri", true },
	{ "case_does_not_matter", "FABRIKAM", true },
	{ "a_word_is_looked_for_in_every_text", "contract", true },
	{ "and_in_states", "retr", true },
	{ "and_in_lists", "contoso-uk", true },
	{ "not_in_numbers", "152301", false },
	{ "not_in_what_lies_deeper", "deep", false },
	{ "a_member_is_exactly_that", "state:retry", true },
	{ "a_part_of_it_is_not", "state:ret", false },
	{ "a_star_stands_for_anything", "state:re*", true },
	{ "also_in_the_middle", "partner:*fabri*.example", true },
	{ "but_not_for_something_else", "partner:*fabri*.org", false },
	{ "a_star_in_quotes_is_a_star", "state:\"re*\"", false },
	{ "a_beginning_of_a_name_is_enough", "sta:retry", true },
	{ "a_name_with_the_other_dash", "messages-in>1k", true },
	{ "one_of_several_values", "state:up,retry", true },
	{ "none_of_several_values", "state:up,down", false },
	{ "a_comma_still_being_typed", "state:up,", false },
	{ "one_of_a_list", "domains:contoso-uk.example", true },
	{ "every_term_must_hold", "fabrikam state:up", false },
	{ "all_hold", "state:retry kind:xmpp !idle", true },
	{ "not_a_word", "!litwarf", true },
	{ "not_a_member", "!state:retry", false },
	{ "twice_not", "!!fabrikam", true },
	{ "a_lonely_mark_says_nothing", "!", true },
	{ "a_word_with_a_colon", "192.0.2.1:5061", true },
	{ "quotes_keep_blanks", "\"contract 2291\"", true },
	{ "and_the_other_quotes", "'Contract 2291'", true },
	{ "blanks_part_words_otherwise", "contract 2292", false },
	{ "a_quote_within_quotes", "\"2291, \\\"signed\\\"\"", true },
	{ "a_quoted_colon_is_no_key", "\"nothing:here\"", false },
	{ "quotes_after_a_key", "comment:\"Contract 2291, \\\"signed\\\" via 192.0.2.1:5061\"", true },
	{ "more", "rate>14", true },
	{ "not_more", "rate>14.2", false },
	{ "at_least", "rate>=14.2", true },
	{ "less", "rate<15", true },
	{ "at_most", "rate<=14.1", false },
	{ "just_that_number", "rate:14.2", true },
	{ "another_number", "rate:14", false },
	{ "thousands", "messages_in>152k messages_in<153k", true },
	{ "millions", "bytes:5M", true },
	{ "seconds_as_minutes", "expires_in_s:10m", true },
	{ "a_number_is_no_text", "rate:much", false },
	{ "texts_have_an_order", "state>ready state<retrz", true },
	{ "on", "enabled:on", true },
	{ "true", "enabled:TRUE", true },
	{ "off", "enabled:off", false },
	{ "off_is", "monitored:no", true },
	{ "empty", "last_error:-", true },
	{ "empty_without_a_value", "last_error:", true },
	{ "null_is_empty", "next_retry:-", true },
	{ "has_one", "!comment:-", true },
	{ "younger", "since<5m", true },
	{ "not_so_young", "since<3m", false },
	{ "older", "since>1m", true },
	{ "not_so_old", "since>1h", false },
	{ "on_that_day", "since:2026-11-27", true },
	{ "on_another_day", "since:2026-11-26", false },
	{ "after_a_day", "since>2026-11-26", true },
	{ "after_that_day_is_the_next", "since>2026-11-27", false },
	{ "from_a_day_on", "since>=2026-11-27", true },
	{ "before_a_time", "since<2026-11-27T11:57", true },
	{ "an_instant_as_text", "time>=2026-11-27T08:00:05 time<2026-11-27T08:01", true },
	{ "an_instant_as_text_and_an_age", "time>3h time<4h", true },
	{ "at_that_minute", "time:2026-11-27T08:00", true },
	{ "peer_is_a_partner", "peer:sip.fabrikam.example", true },
	{ "peer_is_its_domain", "peer:fabrikam.example", true },
	{ "peer_is_who_sends", "peer:bob@litware.example", true },
	{ "peer_is_the_domain_of_who_sends", "peer:litware.example", true },
	{ "peer_is_who_gets_it", "peer:contoso.example", true },
	{ "peer_is_nobody_else", "peer:wingtip.example", false },
	{ "peer_is_no_part_of_a_name", "peer:abrikam.example", false },
	{ "peer_with_a_star", "peer:lit*", true },
	{ "no_peer", "!peer:fabrikam.example", false },
	{ "longer_than_any_text", "fabrikam.example.and.much.more.than.that", false },
};

static struct json *read_row(char keys[FILTER_KEYS_BYTES])
{
	struct json *row = NULL;

	assert_int_equal(json_read(SLICE(row_text), &row, NULL), RESULT_OK);
	keys[0] = '\0';
	filter_keys_of(row, keys);
	return row;
}

static void shows_as_the_table_says(void **state)
{
	char keys[FILTER_KEYS_BYTES];
	struct json *row = read_row(keys);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct filter_flaw flaw;
		struct filter filter;

		if (!filter_read(slice_of(rows[i].filter), keys, now_ms, &filter, &flaw) ||
		    filter_holds(&filter, filter_look_json, row) != rows[i].holds)
			fail_msg("%s: %s", rows[i].name, rows[i].filter);
	}
	json_free(&row);
}

static const struct {
	const char *filter, *words;
} wrong[] = {
	{ "fabri colour:red", "nothing to filter by in colour:red; there are: state, streams, partner, dear; "
	                      "a text with : < > goes in quotes" },
	{ "st:up", "st:up may mean: state, streams" },
	{ "localhost:5061", "nothing to filter by in localhost:5061; there are: state, streams, partner, "
	                    "dear; a text with : < > goes in quotes" },
	{ "!colour<3", "nothing to filter by in !colour<3; there are: state, streams, partner, dear; a text "
	               "with : < > goes in quotes" },
	{ "state:\"up", "the quote in state:\"up is not closed" },
	{ "'", "the quote in ' is not closed" },
	{ "streams>", "streams> needs a number, an age (5m, 2h, 1d) or a date" },
	{ "a\033[2Jb \"", "the quote in \" is not closed" },
	{ "\033[2J:\"", "the quote in \\x1b[2J:\" is not closed" },
};

static void says_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct filter_flaw flaw;
		struct filter filter;
		struct buffer words;

		buffer_start(&words, 4096);
		assert_false(filter_read(slice_of(wrong[i].filter), "state streams partner ~dear", now_ms,
		                         &filter, &flaw));
		filter_flaw_write(&flaw, NULL, &words);
		buffer_add_char(&words, '\0');
		assert_string_equal(buffer_slice(&words).ptr, wrong[i].words);
		assert_int_equal(filter.count, 0);
		buffer_stop(&words);
	}
}

static void has_a_limit(void **state)
{
	struct filter_flaw flaw;
	struct filter filter;
	struct buffer text;

	(void)state;
	buffer_start(&text, 1 << 16);
	for (int i = 0; i <= FILTER_TERMS_MAX; i++)
		buffer_add(&text, SLICE("x "));
	assert_false(filter_read(buffer_slice(&text), "", 0, &filter, &flaw));
	assert_int_equal(flaw.trouble, FILTER_TOO_LONG);
	buffer_clear(&text);
	for (int i = 0; i <= FILTER_BYTES_MAX; i++)
		buffer_add_char(&text, 'x');
	assert_false(filter_read(buffer_slice(&text), "", 0, &filter, &flaw));
	assert_int_equal(flaw.trouble, FILTER_TOO_LONG);
	buffer_stop(&text);
}

static void what_is_dear_is_asked_for_by_its_key_only(void **state)
{
	char keys[FILTER_KEYS_BYTES];
	struct json *row = read_row(keys);
	struct filter_flaw flaw;
	struct filter filter;

	(void)state;
	assert_true(filter_read(SLICE("retry"), "partner ~state", 0, &filter, &flaw));
	assert_false(filter_holds(&filter, filter_look_json, row));
	assert_true(filter_read(SLICE("state:retry"), "partner ~state", 0, &filter, &flaw));
	assert_true(filter_holds(&filter, filter_look_json, row));
	assert_true(filter_asks_for(&filter, "state"));
	assert_false(filter_asks_for(&filter, "partner"));
	json_free(&row);
}

static void without_known_keys_any_name_is_one(void **state)
{
	struct filter_flaw flaw;
	struct filter filter;

	(void)state;
	assert_true(filter_read(SLICE("colour:red rate>3"), "", 0, &filter, &flaw));
	assert_false(filter_holds(&filter, filter_look_json, NULL));
	assert_false(
	        filter_read(SLICE("a_name_that_is_longer_than_any_member_of_any_row_has_ever_been_since:1"),
	                    "", 0, &filter, &flaw));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_as_the_table_says),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(has_a_limit),
		cmocka_unit_test(what_is_dear_is_asked_for_by_its_key_only),
		cmocka_unit_test(without_known_keys_any_name_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
