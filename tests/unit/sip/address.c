/* address: display name, URI, parameters and tag; what two readers could part differently is refused. */
#include "tests/unit/sip/sample.h"

static const struct {
	const char *behaviour, *text, *display, *user, *host, *params, *tag; /* tag NULL: none */
} good[] = {
	{ "reads_a_name_addr", "<sip:bob@contoso.example>", "", "bob", "contoso.example", "", NULL },
	{ "reads_a_quoted_display_name", "\"Bob, the \\\"first\\\"\" <sip:bob@h.example>;tag=a",
	  "Bob, the \\\"first\\\"", "bob", "h.example", "tag=a", "a" },
	{ "reads_display_tokens", "Bob  van Dale\t<sip:bob@h.example>", "Bob  van Dale", "bob", "h.example",
	  "", NULL },
	{ "reads_a_display_name_without_blank", "caller<sip:caller@example.com>;tag=323", "caller", "caller",
	  "example.com", "tag=323", "323" },
	{ "reads_an_empty_display_name", "\"\" <sip:b@h.example>", "", "b", "h.example", "", NULL },
	{ "reads_a_display_name_of_percents", "\"%Z%45\" <sip:resource@example.com>;tag=f232jadfj23", "%Z%45",
	  "resource", "example.com", "tag=f232jadfj23", "f232jadfj23" },
	{ "gives_parameters_of_a_bare_uri_to_the_header", "sip:bob@h.example;tag=x;lr", "", "bob",
	  "h.example", "tag=x;lr", "x" },
	{ "keeps_parameters_within_brackets_in_the_uri", "<sip:bob@h.example;tag=no>;tag=yes", "", "bob",
	  "h.example", "tag=yes", "yes" },
	{ "takes_blanks_around_separators", "<sip:b@h.example> ;  tag \t= 99 ; epid=1", "", "b", "h.example",
	  "  tag \t= 99 ; epid=1", "99" },
	{ "takes_the_tag_name_in_any_case", "<sip:b@h.example>;TAG=9", "", "b", "h.example", "TAG=9", "9" },
	{ "finds_no_tag_within_quotes", "<sip:b@h.example>;x=\";tag=evil\"", "", "b", "h.example",
	  "x=\";tag=evil\"", NULL },
	{ "finds_no_tag_in_the_display_name", "\";tag=evil\" <sip:b@h.example>", ";tag=evil", "b",
	  "h.example", "", NULL },
	{ "finds_no_address_in_the_display_name", "\"<sip:evil@e.example>\" <sip:b@h.example>",
	  "<sip:evil@e.example>", "b", "h.example", "", NULL },
	{ "keeps_utf8_in_quotes", "\"\xd1\x80\" <sip:b@h.example>", "\xd1\x80", "b", "h.example", "", NULL },
	{ "takes_an_instance",
	  "<sip:b@h.example>;+sip.instance=\"<urn:uuid:00000000-0000-0000-0000-0A95A0E128>\"", "", "b",
	  "h.example", "+sip.instance=\"<urn:uuid:00000000-0000-0000-0000-0A95A0E128>\"", NULL },
	{ "takes_unknown_schemes", "<isbn:2983792873>;tag=1", "", "", "", "tag=1", "1" },
	{ "takes_a_bare_unknown_scheme", "http://www.example.com;tag=3", "", "", "", "tag=3", "3" },
	{ "takes_ms_signatures_behind_the_address",
	  "<sip:h.example:5061;lr;ms-key-info=jAAAAC>;ms-identity=abc=;tag=7", "", "", "h.example",
	  "ms-identity=abc=;tag=7", "7" },
};

static const struct {
	const char *behaviour, *text;
} bad[] = {
	{ "refuses_nothing", "" },
	{ "refuses_a_star", "*" },
	{ "refuses_an_open_quote", "\"Mr. J. User <sip:j.user@example.com>" },
	{ "refuses_a_quote_escaped_to_the_end", "\"Bob\\\" <sip:b@h.example>" },
	{ "refuses_a_backslash_as_last_byte", "\"Bob\\" },
	{ "refuses_a_comma_outside_quotes", "Bell, Alexander <sip:a.g.bell@example.com>;tag=43" },
	{ "refuses_utf8_outside_quotes", "\xd1\x80 <sip:b@h.example>" },
	{ "refuses_two_quoted_strings", "\"a\" \"b\" <sip:b@h.example>" },
	{ "refuses_words_behind_a_quoted_string", "\"a\" b <sip:b@h.example>" },
	{ "refuses_an_open_bracket", "<sip:b@h.example" },
	{ "refuses_empty_brackets", "<>" },
	{ "refuses_a_bracket_alone", "<" },
	{ "refuses_a_uri_with_nothing_in_it", "<sip:>" },
	{ "refuses_blanks_within_brackets", "\"Watson, Thomas\" < sip:t.watson@example.org >" },
	{ "refuses_two_addresses", "<sip:a@h.example> <sip:b@h.example>" },
	{ "refuses_a_second_value", "<sip:a@h.example>, <sip:b@h.example>" },
	{ "refuses_bytes_behind_the_bracket", "<sip:a@h.example>x" },
	{ "refuses_nested_brackets", "<<sip:a@h.example>>" },
	{ "refuses_a_question_mark_in_a_bare_uri", "sip:user@example.com?Route=%3Csip:sip.example.com%3E" },
	{ "refuses_a_comma_in_a_bare_uri", "sip:a,b@h.example" },
	{ "refuses_an_at_sign_behind_a_bare_uri", "sip:user;x@h.example" },
	{ "refuses_an_empty_parameter", "\"Joe\" <sip:joe@example.org>;;;;" },
	{ "refuses_a_final_semicolon", "<sip:a@h.example>;" },
	{ "refuses_an_empty_tag", "<sip:a@h.example>;tag=" },
	{ "refuses_a_tag_without_value", "<sip:a@h.example>;tag" },
	{ "refuses_a_quoted_tag", "<sip:a@h.example>;tag=\"x\"" },
	{ "refuses_a_tag_with_at", "<sip:a@h.example>;tag=a@b" },
	{ "refuses_two_tags", "<sip:a@h.example>;tag=1;tag=2" },
	{ "refuses_an_open_quote_in_a_parameter", "<sip:a@h.example>;x=\"abc" },
	{ "refuses_two_values_of_a_parameter", "<sip:a@h.example>;x=a b" },
	{ "refuses_a_display_name_without_address", "Bob" },
	{ "refuses_a_quoted_string_alone", "\"Bob\"" },
};

static void good_ones_are_taken_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct guard guard = guard_copy(slice_of(good[i].text));
		struct sip_address address;
		struct sip_fault fault = { 0 };

		print_message("address %s\n", good[i].behaviour);
		if (sip_address_parse(guard.bytes, &address, &fault) != SIP_PARSE_OK)
			fail_msg("%s: %s", good[i].text, fault.why);
		assert_slice(address.all, good[i].text);
		assert_slice(address.display, good[i].display);
		assert_slice(address.uri.user, good[i].user);
		assert_slice(address.uri.host, good[i].host);
		assert_slice(address.params, good[i].params);
		assert_int_equal(address.tag.ptr != NULL, good[i].tag != NULL);
		if (good[i].tag)
			assert_slice(address.tag, good[i].tag);
		guard_free(&guard);
	}
}

static void bad_ones_are_refused_with_a_place_and_a_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct guard guard = guard_copy(slice_of(bad[i].text));
		struct sip_address address;
		struct sip_fault fault = { 0 };

		print_message("address %s\n", bad[i].behaviour);
		assert_int_equal(sip_address_parse(guard.bytes, &address, &fault), SIP_PARSE_BAD);
		assert_non_null(fault.why);
		assert_int_equal(fault.status, 400);
		assert_true(fault.offset <= guard.bytes.len);
		assert_int_equal(sip_address_parse(guard.bytes, &address, NULL), SIP_PARSE_BAD);
		guard_free(&guard);
	}
}

static void every_cut_stays_within_its_bytes(void **state)
{
	struct sip_address address;

	(void)state;
	for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
		const char *text = i < COUNT(good) ? good[i].text : bad[i - COUNT(good)].text;

		for (size_t length = 0; length < strlen(text); length++) {
			struct guard guard = guard_copy((struct slice){ text, length });

			(void)sip_address_parse(guard.bytes, &address, NULL);
			guard_free(&guard);
		}
	}
}

static void parameters_are_limited(void **state)
{
	char text[512] = "<sip:h.example>";
	size_t length = strlen(text);
	struct sip_address address;

	(void)state;
	for (unsigned i = 0; i <= SIP_URI_PARAMS_MAX; i++) {
		assert_int_equal(sip_address_parse((struct slice){ text, length }, &address, NULL),
		                 SIP_PARSE_OK);
		length += (size_t)snprintf(text + length, sizeof text - length, " ; p%u = \"%u\"", i, i);
	}
	assert_int_equal(sip_address_parse((struct slice){ text, length }, &address, NULL), SIP_PARSE_BAD);
}

/* 414 would speak of a Request-URI the sender did not get wrong. */
static void a_long_uri_in_an_address_is_answered_400(void **state)
{
	char text[SIP_URI_MAX + 16];
	struct sip_address address;
	struct sip_fault fault;

	(void)state;
	memset(text, 'a', sizeof text);
	memcpy(text, "<sip:", 5);
	text[sizeof text - 1] = '>';
	assert_int_equal(sip_address_parse((struct slice){ text, sizeof text }, &address, &fault),
	                 SIP_PARSE_BAD);
	assert_int_equal(fault.status, 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_are_taken_apart),
		cmocka_unit_test(bad_ones_are_refused_with_a_place_and_a_reason),
		cmocka_unit_test(every_cut_stays_within_its_bytes),
		cmocka_unit_test(parameters_are_limited),
		cmocka_unit_test(a_long_uri_in_an_address_is_answered_400),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
