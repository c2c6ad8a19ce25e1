/* uri: every piece where it belongs, and nothing read in two ways. */
#include "tests/unit/sip/sample.h"

#define LABEL_63 "a23456789012345678901234567890123456789012345678901234567890123"

static const struct {
	const char *behaviour, *text;
	int scheme;
	const char *user, *host;
	int port;
	const char *params, *headers;
	int kind; /* 4: IPv4, 6: IPv6 */
} good[] = {
	{ "reads_user_and_host", "sip:bob@contoso.example", SIP_URI_SIP, "bob", "contoso.example", 0, "", "",
	  0 },
	{ "reads_a_host_alone", "sip:contoso.example", SIP_URI_SIP, "", "contoso.example", 0, "", "", 0 },
	{ "takes_the_scheme_in_any_case", "SiPs:b@h.example:5061", SIP_URI_SIPS, "b", "h.example", 5061, "",
	  "", 0 },
	{ "keeps_password_out_of_the_user", "sip:bob:se%20cret@h.example", SIP_URI_SIP, "bob", "h.example", 0,
	  "", "", 0 },
	{ "takes_an_empty_password", "sip:bob:@h.example", SIP_URI_SIP, "bob", "h.example", 0, "", "", 0 },
	{ "keeps_escapes_of_the_user", "sip:sips%3Auser%40example.com@example.net", SIP_URI_SIP,
	  "sips%3Auser%40example.com", "example.net", 0, "", "", 0 },
	{ "takes_semicolons_into_the_user", "sip:user;par=u%40example.net@example.com", SIP_URI_SIP,
	  "user;par=u%40example.net", "example.com", 0, "", "", 0 },
	{ "takes_question_marks_into_the_user", "sip:a?b/c,d@example.com;x", SIP_URI_SIP, "a?b/c,d",
	  "example.com", 0, "x", "", 0 },
	{ "reads_parameters", "sip:h.example;transport=tls;lr", SIP_URI_SIP, "", "h.example", 0,
	  "transport=tls;lr", "", 0 },
	{ "reads_headers", "sip:b@h.example;lr?Subject=x&a=", SIP_URI_SIP, "b", "h.example", 0, "lr",
	  "Subject=x&a=", 0 },
	{ "keeps_a_gruu_whole", "sip:bob@contoso.example;opaque=user:epid:CxcFRAkwPFCtGaDH2PYgNwAA;gruu",
	  SIP_URI_SIP, "bob", "contoso.example", 0, "opaque=user:epid:CxcFRAkwPFCtGaDH2PYgNwAA;gruu", "", 0 },
	{ "lets_equals_signs_into_values", "sip:h.example;ms-route-sig=aab==;lr", SIP_URI_SIP, "",
	  "h.example", 0, "ms-route-sig=aab==;lr", "", 0 },
	{ "knows_an_ipv4_address", "sip:192.0.2.1:5060", SIP_URI_SIP, "", "192.0.2.1", 5060, "", "", 4 },
	{ "knows_an_ipv6_address", "sip:b@[2001:db8::10]", SIP_URI_SIP, "b", "2001:db8::10", 0, "", "", 6 },
	{ "reads_the_port_behind_brackets", "sip:[2001:db8::10]:5070", SIP_URI_SIP, "", "2001:db8::10", 5070,
	  "", "", 6 },
	{ "keeps_digits_within_brackets_in_the_address", "sip:[2001:db8::10:5070]", SIP_URI_SIP, "",
	  "2001:db8::10:5070", 0, "", "", 6 },
	{ "knows_a_mapped_address", "sip:[::ffff:192.0.2.10]", SIP_URI_SIP, "", "::ffff:192.0.2.10", 0, "",
	  "", 6 },
	{ "takes_a_final_dot", "sip:b@h.example.", SIP_URI_SIP, "b", "h.example.", 0, "", "", 0 },
	{ "takes_an_underscore", "sip:b@ocs_pool.example", SIP_URI_SIP, "b", "ocs_pool.example", 0, "", "",
	  0 },
	{ "takes_a_label_of_63_bytes", "sip:" LABEL_63 ".example", SIP_URI_SIP, "", LABEL_63 ".example", 0,
	  "", "", 0 },
	{ "takes_digits_in_front_labels", "sip:1.2.3.example", SIP_URI_SIP, "", "1.2.3.example", 0, "", "",
	  0 },
	{ "takes_port_65535", "sip:h:65535", SIP_URI_SIP, "", "h", 65535, "", "", 0 },
	{ "takes_an_escaped_nul", "sip:null-%00-null@example.com", SIP_URI_SIP, "null-%00-null",
	  "example.com", 0, "", "", 0 },
	{ "reads_a_tel_number", "tel:+358-555-1234567;postd=pp22", SIP_URI_TEL, "+358-555-1234567", "", 0,
	  "postd=pp22", "", 0 },
	{ "takes_an_unknown_scheme_whole", "nobodyKnowsThisScheme:totallyopaquecontent", SIP_URI_OTHER, "",
	  "", 0, "", "", 0 },
	{ "takes_a_scheme_with_a_dot", "soap.beep://192.0.2.103:3002", SIP_URI_OTHER, "", "", 0, "", "", 0 },
};

static const struct {
	const char *behaviour, *text;
	int status;
} bad[] = {
	{ "refuses_nothing", "", 400 },
	{ "refuses_a_scheme_alone", "sip:", 400 },
	{ "refuses_sips_alone", "sips:", 400 },
	{ "refuses_a_colon_alone", ":", 400 },
	{ "refuses_a_missing_scheme", "bob@contoso.example", 400 },
	{ "refuses_a_scheme_that_starts_with_a_digit", "1sip:a", 400 },
	{ "refuses_an_empty_user", "sip:@h.example", 400 },
	{ "refuses_an_empty_user_with_password", "sip::x@h.example", 400 },
	{ "refuses_a_user_without_host", "sip:bob@", 400 },
	{ "refuses_two_at_signs", "sip:a@b.example@c.example", 400 },
	{ "refuses_an_at_sign_behind_parameters", "sip:a@h.example;x=b@evil.example", 400 },
	{ "refuses_an_empty_port", "sip:h:", 400 },
	{ "refuses_port_0", "sip:h:0", 400 },
	{ "refuses_port_65536", "sip:h:65536", 400 },
	{ "refuses_a_port_of_twenty_digits", "sip:h:18446744073709556676", 400 },
	{ "refuses_a_port_with_zeros_in_front", "sip:h:005061", 400 },
	{ "refuses_a_signed_port", "sip:h:+5061", 400 },
	{ "refuses_letters_behind_the_port", "sip:h:5061x", 400 },
	{ "refuses_two_ports", "sip:h:5061:5062", 400 },
	{ "refuses_ipv6_without_brackets", "sip:2001:db8::10", 400 },
	{ "refuses_an_open_bracket", "sip:[2001:db8::10", 400 },
	{ "refuses_empty_brackets", "sip:[]", 400 },
	{ "refuses_a_name_in_brackets", "sip:[h.example]", 400 },
	{ "refuses_an_ipv4_address_in_brackets", "sip:[192.0.2.1]", 400 },
	{ "refuses_three_colons", "sip:[2001:db8:::192.0.2.1]", 400 },
	{ "refuses_a_zone", "sip:[fe80::1%25eth0]", 400 },
	{ "refuses_an_octet_that_may_be_octal", "sip:bob@010.0.0.1", 400 },
	{ "refuses_an_octet_of_two_zeros", "sip:bob@10.0.00.1", 400 },
	{ "refuses_46_bytes_in_brackets", "sip:[0000:0000:0000:0000:0000:0000:255.255.255.2555]", 400 },
	{ "refuses_an_ipv4_octet_of_256", "sip:256.0.2.1", 400 },
	{ "refuses_three_octets", "sip:10.0.1", 400 },
	{ "refuses_a_number_as_host", "sip:2130706433", 400 },
	{ "refuses_an_ipv4_address_with_final_dot", "sip:192.0.2.1.", 400 },
	{ "refuses_an_empty_label", "sip:a..example", 400 },
	{ "refuses_a_leading_dot", "sip:.example", 400 },
	{ "refuses_a_dot_alone", "sip:.", 400 },
	{ "refuses_a_label_of_64_bytes", "sip:" LABEL_63 "4.example", 400 },
	{ "refuses_a_blank", "sip:a b@h.example", 400 },
	{ "refuses_a_blank_in_the_host", "sip:h .example", 400 },
	{ "refuses_angle_brackets", "<sip:user@example.com>", 400 },
	{ "refuses_a_quote_in_the_user", "sip:a\"b@h.example", 400 },
	{ "refuses_a_cut_escape", "sip:a%4@h.example", 400 },
	{ "refuses_an_escape_at_the_end", "sip:h.example;a=%4", 400 },
	{ "refuses_an_escape_that_is_not_hex", "sip:a%zz@h.example", 400 },
	{ "refuses_an_escape_in_the_host", "sip:b@h%2eexample", 400 },
	{ "refuses_utf8_unescaped", "sip:b\xc3\xb6@h.example", 400 },
	{ "refuses_utf8_in_the_host", "sip:b@b\xc3\xbc.example", 400 },
	{ "refuses_an_empty_parameter", "sip:h.example;", 400 },
	{ "refuses_two_semicolons", "sip:h.example;;lr", 400 },
	{ "refuses_a_parameter_without_name", "sip:h.example;=x", 400 },
	{ "refuses_a_parameter_without_its_value", "sip:h.example;transport=", 400 },
	{ "refuses_a_parameter_twice", "sip:h.example;transport=tls;TRANSPORT=tcp", 400 },
	{ "refuses_a_blank_before_a_parameter", "sip:user@example.com; lr", 400 },
	{ "refuses_empty_headers", "sip:h.example?", 400 },
	{ "refuses_two_question_marks_around_a_blank", "sip:h.example?a=b c", 400 },
	{ "refuses_a_backslash", "sip:h.example\\x", 400 },
	{ "refuses_a_slash_behind_the_host", "sip:h.example/x", 400 },
	{ "refuses_slashes_before_the_host", "sip://h.example", 400 },
	{ "refuses_a_control_byte", "sip:a\x01@h.example", 400 },
	{ "refuses_a_line_break", "sip:a@h.example\r\nX: y", 400 },
	{ "refuses_tel_without_number", "tel:;phone-context=x", 400 },
	{ "refuses_an_unknown_scheme_with_a_blank", "isbn:29 83", 400 },
	{ "refuses_an_unknown_scheme_with_brackets", "http:<x>", 400 },
};

static void good_ones_are_taken_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct guard guard = guard_copy(slice_of(good[i].text));
		struct sip_uri uri;
		struct sip_fault fault = { 0 };

		print_message("uri %s\n", good[i].behaviour);
		if (sip_uri_parse(guard.bytes, &uri, &fault) != SIP_PARSE_OK)
			fail_msg("%s: %s", good[i].text, fault.why);
		assert_int_equal((int)uri.scheme, good[i].scheme);
		assert_slice(uri.all, good[i].text);
		assert_slice(uri.user, good[i].user);
		assert_int_equal(uri.has_user, good[i].user[0] != '\0');
		assert_slice(uri.host, good[i].host);
		assert_int_equal(uri.port, good[i].port);
		assert_slice(uri.params, good[i].params);
		assert_slice(uri.headers, good[i].headers);
		assert_int_equal(uri.is_ipv4, good[i].kind == 4);
		assert_int_equal(uri.is_ipv6, good[i].kind == 6);
		guard_free(&guard);
	}
}

static void bad_ones_are_refused_with_a_place_and_a_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct guard guard = guard_copy(slice_of(bad[i].text));
		struct sip_uri uri;
		struct sip_fault fault = { 0 };

		print_message("uri %s\n", bad[i].behaviour);
		assert_int_equal(sip_uri_parse(guard.bytes, &uri, &fault), SIP_PARSE_BAD);
		assert_non_null(fault.why);
		assert_int_equal(fault.status, bad[i].status);
		assert_true(fault.offset <= guard.bytes.len);
		assert_int_equal(sip_uri_parse(guard.bytes, &uri, NULL), SIP_PARSE_BAD);
		guard_free(&guard);
	}
}

static void every_cut_of_a_uri_stays_within_its_bytes(void **state)
{
	struct sip_uri uri;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		for (size_t length = 0; length < strlen(good[i].text); length++) {
			struct guard guard = guard_copy((struct slice){ good[i].text, length });

			(void)sip_uri_parse(guard.bytes, &uri, NULL);
			guard_free(&guard);
		}
	}
}

static void length_is_limited(void **state)
{
	char text[SIP_URI_MAX + 2];
	struct sip_uri uri;
	struct sip_fault fault;

	(void)state;
	memset(text, 'a', sizeof text);
	memcpy(text, "sip:", 4);
	memcpy(text + SIP_URI_MAX - 10, "@h.example", 10);
	assert_int_equal(sip_uri_parse((struct slice){ text, SIP_URI_MAX }, &uri, &fault), SIP_PARSE_OK);
	memcpy(text + SIP_URI_MAX - 10, "a@h.example", 11);
	assert_int_equal(sip_uri_parse((struct slice){ text, SIP_URI_MAX + 1 }, &uri, &fault), SIP_PARSE_BAD);
	assert_int_equal(fault.status, 414);
}

static void parameters_are_limited(void **state)
{
	char text[512] = "sip:h.example";
	size_t length = strlen(text);
	struct sip_uri uri;
	struct sip_fault fault;

	(void)state;
	for (unsigned i = 0; i <= SIP_URI_PARAMS_MAX; i++) {
		assert_int_equal(sip_uri_parse((struct slice){ text, length }, &uri, &fault), SIP_PARSE_OK);
		length += (size_t)snprintf(text + length, sizeof text - length, ";p%u=%u", i, i);
	}
	assert_int_equal(sip_uri_parse((struct slice){ text, length }, &uri, &fault), SIP_PARSE_BAD);
	assert_int_equal(fault.status, 400);
}

static void host_names_are_limited_to_255_bytes(void **state)
{
	char text[4 + 256 + 1] = "sip:";
	struct sip_uri uri;

	(void)state;
	for (size_t i = 0; i < 256; i++)
		text[4 + i] = i % 64 == 63 ? '.' : 'a';
	assert_int_equal(sip_uri_parse((struct slice){ text, 4 + 255 }, &uri, NULL), SIP_PARSE_OK);
	assert_int_equal(sip_uri_parse((struct slice){ text, 4 + 256 }, &uri, NULL), SIP_PARSE_BAD);
}

static void hosts_are_lowered_for_comparison(void **state)
{
	struct arena arena;

	(void)state;
	arena_start(&arena, 4096);
	assert_slice(sip_host_lower(&arena, SLICE("CONTOSO.Example.")), "contoso.example");
	assert_slice(sip_host_lower(&arena, SLICE("2001:DB8::A")), "2001:db8::a");
	assert_slice(sip_host_lower(&arena, SLICE("")), "");
	arena_stop(&arena);
	arena_start(&arena, 8);
	assert_null(sip_host_lower(&arena, SLICE("contoso.example.or.longer")).ptr);
	arena_stop(&arena);
}

static void faults_point_at_the_byte(void **state)
{
	struct sip_uri uri;
	struct sip_fault fault;

	(void)state;
	sip_uri_parse(SLICE("sip:a@h.example;lr;;x"), &uri, &fault);
	assert_int_equal(fault.offset, 19);
	sip_uri_parse(SLICE("sip:a\"b@h.example"), &uri, &fault);
	assert_int_equal(fault.offset, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_are_taken_apart),
		cmocka_unit_test(bad_ones_are_refused_with_a_place_and_a_reason),
		cmocka_unit_test(every_cut_of_a_uri_stays_within_its_bytes),
		cmocka_unit_test(length_is_limited),
		cmocka_unit_test(parameters_are_limited),
		cmocka_unit_test(host_names_are_limited_to_255_bytes),
		cmocka_unit_test(hosts_are_lowered_for_comparison),
		cmocka_unit_test(faults_point_at_the_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
