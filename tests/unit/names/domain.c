/* Spellings of domain names: what becomes which A-labels, and what is refused. */
#include "daemon/names/names.h"
#include "tests/unit/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TEN          "0123456789"
#define SIXTY        TEN TEN TEN TEN TEN TEN
#define LABEL_63     SIXTY "abc"
#define NAME_253     LABEL_63 "." LABEL_63 "." LABEL_63 "." SIXTY "b"

static const struct {
	const char *behaviour;
	struct slice text;
	const char *prepared; /* NULL: refused */
} rows[] = {
	{ "keeps_a_plain_name", SLICE("fabrikam.example"), "fabrikam.example" },
	{ "lowers_case", SLICE("FabriKam.EXAMPLE"), "fabrikam.example" },
	{ "takes_one_label", SLICE("localhost"), "localhost" },
	{ "drops_the_dot_of_the_root", SLICE("fabrikam.example."), "fabrikam.example" },
	{ "takes_digits_and_hyphens", SLICE("3com--x-1.example"), "3com--x-1.example" },
	{ "takes_hyphens_at_three_and_four", SLICE("r3---sn.example"), "r3---sn.example" },
	{ "takes_a_label_of_63_bytes", SLICE(LABEL_63 ".example"), LABEL_63 ".example" },
	{ "takes_a_name_of_253_bytes", SLICE(NAME_253), NAME_253 },
	{ "takes_a_name_of_253_bytes_and_the_root", SLICE(NAME_253 "."), NAME_253 },
	{ "turns_u_labels_into_a_labels",
	  SLICE("b\xc3\xbc"
	        "cher.example"),
	  "xn--bcher-kva.example" },
	{ "maps_case_of_u_labels",
	  SLICE("B\xc3\x9c"
	        "CHER.Example"),
	  "xn--bcher-kva.example" },
	{ "composes_what_was_decomposed",
	  SLICE("bu\xcc\x88"
	        "cher.example"),
	  "xn--bcher-kva.example" },
	{ "keeps_a_labels", SLICE("xn--bcher-kva.example"), "xn--bcher-kva.example" },
	{ "lowers_a_labels", SLICE("XN--BCHER-KVA.EXAMPLE"), "xn--bcher-kva.example" },
	{ "keeps_sharp_s_apart_from_ss", SLICE("fa\xc3\x9f.de"), "xn--fa-hia.de" },
	{ "keeps_final_sigma", SLICE("\xcf\x82.gr"), "xn--3xa.gr" },
	{ "takes_the_ideographic_stop_as_a_dot",
	  SLICE("\xe4\xbe\x8b\xe3\x81\x88\xe3\x80\x82\xe3\x83\x86\xe3\x82\xb9"
	        "\xe3\x83\x88"),
	  "xn--r8jz45g.xn--zckzah" },
	{ "takes_traditional_chinese", SLICE("\xe7\xb6\xb2\xe8\xb7\xaf.tw"), "xn--zf0ao64a.tw" },
	{ "maps_full_width_letters", SLICE("\xef\xbd\x81\xef\xbd\x82.example"), "ab.example" },

	{ "refuses_nothing", SLICE(""), NULL },
	{ "refuses_the_root", SLICE("."), NULL },
	{ "refuses_two_dots", SLICE("a..example"), NULL },
	{ "refuses_two_dots_at_the_end", SLICE("a.example.."), NULL },
	{ "refuses_a_dot_in_front", SLICE(".example"), NULL },
	{ "refuses_an_underscore", SLICE("a_b.example"), NULL },
	{ "refuses_an_underscore_beside_u_labels", SLICE("b\xc3\xbc_x.example"), NULL },
	{ "refuses_a_blank", SLICE("a b.example"), NULL },
	{ "refuses_a_blank_at_the_end", SLICE("a.example "), NULL },
	{ "refuses_a_nul", SLICE("a\0b.example"), NULL },
	{ "refuses_a_line_end", SLICE("a.example\r\n"), NULL },
	{ "refuses_a_wildcard", SLICE("*.example"), NULL },
	{ "refuses_a_user_part", SLICE("bob@fabrikam.example"), NULL },
	{ "refuses_a_hyphen_in_front", SLICE("-a.example"), NULL },
	{ "refuses_a_hyphen_at_the_end", SLICE("a-.example"), NULL },
	{ "refuses_a_label_of_64_bytes", SLICE(LABEL_63 "d.example"), NULL },
	{ "refuses_a_name_of_254_bytes", SLICE(NAME_253 "c"), NULL },
	{ "refuses_ipv4", SLICE("192.0.2.1"), NULL },
	{ "refuses_ipv4_with_the_root", SLICE("192.0.2.1."), NULL },
	{ "refuses_ipv4_in_short", SLICE("127.1"), NULL },
	{ "refuses_ipv4_as_one_number", SLICE("2130706433"), NULL },
	{ "refuses_ipv4_in_hex", SLICE("0x7F000001"), NULL },
	{ "refuses_ipv4_with_a_hex_tail", SLICE("127.0.0.0x1"), NULL },
	{ "refuses_ipv4_in_full_width_digits", SLICE("\xef\xbc\x91.2.3.4"), NULL },
	{ "refuses_ipv6", SLICE("2001:db8::1"), NULL },
	{ "refuses_ipv6_in_brackets", SLICE("[2001:db8::1]"), NULL },
	{ "refuses_a_port", SLICE("fabrikam.example:5061"), NULL },
	{ "refuses_a_soft_hyphen", SLICE("fabri\xc2\xadkam.example"), NULL },
	{ "refuses_a_zero_width_space", SLICE("fabri\xe2\x80\x8bkam.example"), NULL },
	{ "refuses_a_variation_selector", SLICE("fabrikam\xef\xb8\x8f.example"), NULL },
	{ "refuses_a_right_to_left_override", SLICE("fabri\xe2\x80\xaekam.example"), NULL },
	{ "refuses_a_joiner_without_its_neighbours",
	  SLICE("a\xe2\x80\x8d"
	        "b.example"),
	  NULL },
	{ "refuses_what_maps_to_a_slash", SLICE("\xe2\x84\x80.example"), NULL },
	{ "refuses_what_maps_to_brackets", SLICE("\xe2\x91\xb4.example"), NULL },
	{ "refuses_symbols", SLICE("\xe2\x99\xa5.example"), NULL },
	{ "refuses_emoji", SLICE("\xf0\x9f\x98\x80.example"), NULL },
	{ "refuses_unassigned_code_points", SLICE("\xcd\xb8.example"), NULL },
	{ "refuses_letters_of_both_directions",
	  SLICE("\xd7\x90"
	        "a.example"),
	  NULL },
	{ "refuses_a_mark_in_front",
	  SLICE("\xcc\x80"
	        "a.example"),
	  NULL },
	{ "refuses_no_utf8", SLICE("a\xff.example"), NULL },
	{ "refuses_utf8_cut_off", SLICE("a\xc3"), NULL },
	{ "refuses_an_empty_a_label", SLICE("xn--.example"), NULL },
	{ "refuses_an_a_label_of_ascii", SLICE("xn--example-.example"), NULL },
	{ "refuses_an_a_label_that_decodes_to_nothing_allowed", SLICE("xn--a.example"), NULL },
	{ "refuses_an_a_label_of_a_symbol", SLICE("xn--i-7iq.example"), NULL },
};

static void prepares_each_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct guard guard = guard_copy(rows[i].text);
		char out[NAMES_DOMAIN_BYTES] = "left over";
		struct reason reason = { "" };
		enum result result = names_domain_prepare(guard.bytes, out, &reason);

		if (result != (rows[i].prepared ? RESULT_OK : RESULT_INVALID) ||
		    strcmp(out, rows[i].prepared ? rows[i].prepared : "") != 0)
			fail_msg("%s: %s \"%s\" (%s)", rows[i].behaviour, result_name(result), out,
			         reason.text);
		if (!rows[i].prepared && !reason.text[0])
			fail_msg("%s: no reason", rows[i].behaviour);
		guard_free(&guard);
	}
}

static void changes_nothing_the_second_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char once[NAMES_DOMAIN_BYTES], twice[NAMES_DOMAIN_BYTES];

		if (names_domain_prepare(rows[i].text, once, NULL) != RESULT_OK)
			continue;
		assert_int_equal(names_domain_prepare(slice_of(once), twice, NULL), RESULT_OK);
		assert_string_equal(once, twice);
	}
}

/* The short way and the long one agree: what is prepared, and nothing else, comes out as it went in. */
static void knows_what_is_prepared(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct guard guard = guard_copy(rows[i].text);
		bool wanted = rows[i].prepared && slice_equal(slice_of(rows[i].prepared), rows[i].text);

		if (names_domain_is_prepared(guard.bytes) != wanted)
			fail_msg("%s: taken for %sprepared", rows[i].behaviour, wanted ? "not " : "");
		guard_free(&guard);
	}
	assert_false(names_domain_is_prepared(SLICE_NONE));
	assert_false(names_domain_is_prepared(SLICE("a.example.7")));
	assert_false(names_domain_is_prepared(SLICE("0xf")));
	assert_true(names_domain_is_prepared(SLICE("a.example.7a")));
	assert_true(names_domain_is_prepared(SLICE("0xg")));
}

static void refuses_more_than_the_limit(void **state)
{
	char many[NAMES_INPUT_MAX + 1], out[NAMES_DOMAIN_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof many; i++) /* short labels: only the whole is too long */
		many[i] = i % 2 ? '.' : 'a';
	assert_int_equal(names_domain_prepare((struct slice){ many, NAMES_INPUT_MAX + 1 }, out, NULL),
	                 RESULT_INVALID);
	assert_int_equal(names_domain_prepare((struct slice){ many, NAMES_INPUT_MAX - 1 }, out, NULL),
	                 RESULT_INVALID);
	assert_int_equal(names_domain_prepare((struct slice){ many, 253 }, out, NULL), RESULT_OK);
}

static void shows_u_labels(void **state)
{
	static const struct {
		struct slice domain;
		const char *shown;
	} names[] = {
		{ SLICE("fabrikam.example"), "fabrikam.example" },
		{ SLICE("xn--bcher-kva.example"), "b\xc3\xbc"
		                                  "cher.example" },
		{ SLICE("xn--zf0ao64a.tw"), "\xe7\xb6\xb2\xe8\xb7\xaf.tw" },
		{ SLICE("xn--a.example"), "xn--a.example" }, /* not prepared: shown as it is */
		{ SLICE("a\x1b[31m"), "a\\x1b[31m" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct buffer out;

		buffer_start(&out, 1024);
		names_domain_show(names[i].domain, &out);
		buffer_add_char(&out, '\0');
		assert_string_equal(buffer_slice(&out).ptr, names[i].shown);
		buffer_stop(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prepares_each_row),      cmocka_unit_test(changes_nothing_the_second_time),
		cmocka_unit_test(knows_what_is_prepared), cmocka_unit_test(refuses_more_than_the_limit),
		cmocka_unit_test(shows_u_labels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
