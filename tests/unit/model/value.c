/* One value by its row: what is taken, in which form it is kept, what is refused and why. */
#include "shared/base/memory.h"
#include "shared/base/text.h"
#include "shared/model/model.h"
#include "tests/unit/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { ARENA_BYTES = 1 << 20 };

/* Rows of our own, so that the tests do not change with the product's table. */
static const struct model_field rows[] = {
	[MODEL_BOOL] = { "flag", MODEL_BOOL, 0, "false", 0, 0, "", NULL, "", "" },
	[MODEL_NUMBER] = { "port", MODEL_NUMBER, 0, "5061", 1, 65535, "", NULL, "", "" },
	[MODEL_ENUM] = { "media", MODEL_ENUM, 0, "none", 0, 0, "", "none|direct", "", "" },
	[MODEL_TEXT] = { "comment", MODEL_TEXT, 0, "", 0, 16, "", NULL, "", "" },
	[MODEL_DOMAIN] = { "domain", MODEL_DOMAIN, 0, "", 1, 255, "", NULL, "", "" },
	[MODEL_FQDN] = { "fqdn", MODEL_FQDN, 0, "", 0, 255, "", NULL, "", "" },
	[MODEL_PATH] = { "file", MODEL_PATH, 0, "", 0, 16, "", NULL, "", "" },
	[MODEL_ADDRESS] = { "address", MODEL_ADDRESS, 0, "", 0, 255, "", NULL, "", "" },
	[MODEL_PREFIX] = { "prefix", MODEL_PREFIX, 0, "", 1, 255, "", NULL, "", "" },
	[MODEL_DOMAINS] = { "domains", MODEL_DOMAINS, 0, "", 0, 3, "", NULL, "", "" },
	[MODEL_FQDNS] = { "fqdns", MODEL_FQDNS, 0, "", 0, 64, "", NULL, "", "" },
	[MODEL_ADDRESSES] = { "listen", MODEL_ADDRESSES, 0, "", 1, 8, "", NULL, "", "" },
	[MODEL_SIP_USER] = { "sip-address", MODEL_SIP_USER, 0, "", 3, 64, "", NULL, "", "" },
	[MODEL_PREFIXES] = { "networks", MODEL_PREFIXES, 0, "", 0, 64, "", NULL, "", "" },
	[MODEL_CHOICES] = { "roles", MODEL_CHOICES, 0, "", 1, 2, "", "viewer|operator|policy", "", "" },
};

#define LABEL63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"
#define NAME253                                                                                              \
	LABEL63 "." LABEL63 "." LABEL63 ".abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy"

static const struct {
	const char *behaviour;
	enum model_type type;
	const char *text;
	const char *kept; /* NULL: refused */
	const char *why;  /* part of the reason */
} cases[] = {
	{ "takes_true", MODEL_BOOL, "true", "true", NULL },
	{ "takes_false_between_blanks", MODEL_BOOL, "\n\t false ", "false", NULL },
	{ "refuses_a_capital_true", MODEL_BOOL, "True", NULL, "flag: 'True' is neither true nor false" },
	{ "refuses_1_as_true", MODEL_BOOL, "1", NULL, "allowed: true or false" },
	{ "refuses_an_empty_flag", MODEL_BOOL, "", NULL, "an empty value is neither" },
	{ "refuses_two_flags", MODEL_BOOL, "true true", NULL, "'true true'" },

	{ "takes_the_least_number", MODEL_NUMBER, "1", "1", NULL },
	{ "takes_the_largest_number", MODEL_NUMBER, "65535", "65535", NULL },
	{ "drops_leading_zeros", MODEL_NUMBER, "0005061", "5061", NULL },
	{ "refuses_one_below_the_least", MODEL_NUMBER, "0", NULL,
	  "port: '0' is too small; allowed: 1 to 65535" },
	{ "refuses_one_above_the_largest", MODEL_NUMBER, "65536", NULL, "port: '65536' is too large" },
	{ "refuses_what_would_wrap_64_bits", MODEL_NUMBER, "18446744073709556677", NULL, "is too large" },
	{ "refuses_a_sign", MODEL_NUMBER, "+5", NULL, "is not a whole number" },
	{ "refuses_a_minus", MODEL_NUMBER, "-5", NULL, "is not a whole number" },
	{ "refuses_hexadecimal", MODEL_NUMBER, "0x50", NULL, "is not a whole number" },
	{ "refuses_a_fraction", MODEL_NUMBER, "5.0", NULL, "is not a whole number" },
	{ "refuses_an_empty_number", MODEL_NUMBER, " ", NULL, "an empty value is not a whole number" },
	{ "refuses_digits_of_another_script", MODEL_NUMBER, "\xd9\xa5", NULL, "is not a whole number" },

	{ "takes_the_first_choice", MODEL_ENUM, "none", "none", NULL },
	{ "takes_the_last_choice", MODEL_ENUM, "direct", "direct", NULL },
	{ "refuses_a_choice_in_capitals", MODEL_ENUM, "None", NULL, "allowed: one of: none, direct" },
	{ "refuses_part_of_a_choice", MODEL_ENUM, "non", NULL, "is not one of the choices" },
	{ "refuses_the_choices_as_written_in_the_row", MODEL_ENUM, "none|direct", NULL, "is not one of" },
	{ "refuses_no_choice", MODEL_ENUM, "", NULL, "an empty value is not one of the choices" },

	{ "takes_text", MODEL_TEXT, "Fabrikam & Co.", "Fabrikam & Co.", NULL },
	{ "takes_no_text", MODEL_TEXT, "", "", NULL },
	{ "makes_one_line_of_many", MODEL_TEXT, "\n  two\r\n\t lines \n", "two lines", NULL },
	{ "takes_text_of_exactly_the_limit", MODEL_TEXT, "0123456789abcdef", "0123456789abcdef", NULL },
	{ "counts_a_run_of_blanks_as_one", MODEL_TEXT, "0123456        89abcdef", "0123456 89abcdef", NULL },
	{ "refuses_text_over_the_limit", MODEL_TEXT, "0123456789abcdefg", NULL, "is too long" },
	{ "takes_chinese", MODEL_TEXT, "\xe8\x81\xaf\xe7\xb5\x90", "\xe8\x81\xaf\xe7\xb5\x90", NULL },
	{ "refuses_broken_utf8", MODEL_TEXT, "a\xff", NULL, "'a\\xff' is not UTF-8" },
	{ "refuses_an_escape_sequence", MODEL_TEXT, "\x1b[2J", NULL, "'\\x1b[2J' holds a control" },
	{ "refuses_right_to_left_override", MODEL_TEXT, "a\xe2\x80\xae", NULL, "invisible character" },
	{ "refuses_zero_width_space", MODEL_TEXT, "\xe2\x80\x8b", NULL, "invisible character" },

	{ "takes_a_domain", MODEL_DOMAIN, "contoso.example", "contoso.example", NULL },
	{ "lowers_a_domain", MODEL_DOMAIN, "CONTOSO.Example", "contoso.example", NULL },
	{ "drops_one_dot_at_the_end", MODEL_DOMAIN, "contoso.example.", "contoso.example", NULL },
	{ "takes_a_single_label", MODEL_DOMAIN, "localhost", "localhost", NULL },
	{ "takes_an_a_label", MODEL_DOMAIN, "xn--bcher-kva.example", "xn--bcher-kva.example", NULL },
	{ "takes_a_label_of_63_bytes", MODEL_DOMAIN, LABEL63 ".example", LABEL63 ".example", NULL },
	{ "takes_a_name_of_253_bytes", MODEL_DOMAIN, NAME253, NAME253, NULL },
	{ "takes_a_name_of_253_bytes_and_a_dot", MODEL_DOMAIN, NAME253 ".", NAME253, NULL },
	{ "takes_labels_of_digits_before_the_last", MODEL_DOMAIN, "10.4.example", "10.4.example", NULL },
	{ "refuses_a_name_of_254_bytes", MODEL_DOMAIN, NAME253 "z", NULL, "is longer than 253 bytes" },
	{ "refuses_a_label_of_64_bytes", MODEL_DOMAIN, "a" LABEL63 ".example", NULL, "more than 63 bytes" },
	{ "refuses_two_dots_at_the_end", MODEL_DOMAIN, "contoso.example..", NULL, "has an empty label" },
	{ "refuses_a_dot_at_the_start", MODEL_DOMAIN, ".contoso.example", NULL, "has an empty label" },
	{ "refuses_only_a_dot", MODEL_DOMAIN, ".", NULL, "has an empty label" },
	{ "refuses_two_dots_in_a_row", MODEL_DOMAIN, "contoso..example", NULL, "has an empty label" },
	{ "refuses_an_underscore", MODEL_DOMAIN, "_sip.example", NULL, "no letter, digit or hyphen" },
	{ "refuses_a_wildcard", MODEL_DOMAIN, "*.example", NULL, "no letter, digit or hyphen" },
	{ "refuses_a_hyphen_at_the_start", MODEL_DOMAIN, "-a.example", NULL, "hyphen" },
	{ "refuses_a_hyphen_at_the_end", MODEL_DOMAIN, "a.example-", NULL, "hyphen" },
	{ "refuses_a_user_part", MODEL_DOMAIN, "alice@contoso.example", NULL, "no letter" },
	{ "refuses_a_port", MODEL_DOMAIN, "contoso.example:5061", NULL, "no letter" },
	{ "refuses_an_address_as_domain", MODEL_DOMAIN, "192.0.2.1", NULL, "looks like an address" },
	{ "refuses_a_u_label_and_says_what_to_write", MODEL_DOMAIN,
	  "b\xc3\xbc"
	  "cher.example",
	  NULL, "xn--" },
	{ "refuses_an_empty_domain_where_the_row_needs_one", MODEL_DOMAIN, "", NULL, "an empty value" },
	{ "takes_no_name_where_the_row_allows_none", MODEL_FQDN, "", "", NULL },

	{ "takes_a_path", MODEL_PATH, "/etc/parley/a.pe", "/etc/parley/a.pe", NULL },
	{ "takes_no_path", MODEL_PATH, "", "", NULL },
	{ "takes_a_relative_path", MODEL_PATH, "certs/x.pem", "certs/x.pem", NULL },
	{ "refuses_a_way_upwards", MODEL_PATH, "certs/../x", NULL, "has a part that is . or .." },
	{ "refuses_a_way_upwards_at_the_end", MODEL_PATH, "/etc/..", NULL, "has a part that is . or .." },
	{ "refuses_two_slashes", MODEL_PATH, "/etc//x", NULL, "has an empty part" },
	{ "refuses_a_slash_at_the_end", MODEL_PATH, "/etc/", NULL, "has an empty part" },
	{ "refuses_only_a_slash", MODEL_PATH, "/", NULL, "has an empty part" },
	{ "refuses_a_path_over_the_limit", MODEL_PATH, "/etc/parley/a.pem", NULL, "is too long" },
	{ "refuses_a_new_line_in_a_path", MODEL_PATH, "/a\n/b", NULL, "'/a\\x0a/b' holds a control" },

	{ "takes_an_ipv4_address", MODEL_ADDRESS, "192.0.2.1", "192.0.2.1", NULL },
	{ "takes_an_ipv4_address_with_port", MODEL_ADDRESS, "192.0.2.1:5061", "192.0.2.1:5061", NULL },
	{ "takes_an_ipv6_address", MODEL_ADDRESS, "2001:DB8:0::1", "2001:db8::1", NULL },
	{ "takes_an_ipv6_address_in_brackets", MODEL_ADDRESS, "[2001:db8::1]", "2001:db8::1", NULL },
	{ "takes_an_ipv6_address_with_port", MODEL_ADDRESS, "[2001:db8::1]:5062", "[2001:db8::1]:5062",
	  NULL },
	{ "unwraps_a_mapped_ipv4_address", MODEL_ADDRESS, "::ffff:192.0.2.1", "192.0.2.1", NULL },
	{ "takes_the_unspecified_address", MODEL_ADDRESS, "[::]:5061", "[::]:5061", NULL },
	{ "refuses_port_0", MODEL_ADDRESS, "192.0.2.1:0", NULL, "port that is not 1 to 65535" },
	{ "refuses_port_65536", MODEL_ADDRESS, "192.0.2.1:65536", NULL, "port that is not" },
	{ "refuses_no_port_after_a_colon", MODEL_ADDRESS, "192.0.2.1:", NULL, "port that is not" },
	{ "refuses_no_port_after_brackets", MODEL_ADDRESS, "[::1]:", NULL, "port that is not" },
	{ "refuses_bytes_after_brackets", MODEL_ADDRESS, "[::1]5061", NULL, "is no address" },
	{ "refuses_brackets_left_open", MODEL_ADDRESS, "[::1", NULL, "is no address" },
	{ "refuses_ipv4_in_brackets", MODEL_ADDRESS, "[192.0.2.1]:5061", NULL, "no IPv6 address" },
	{ "refuses_a_name_as_address", MODEL_ADDRESS, "edge.example:5061", NULL,
	  "is no IPv4 or IPv6 address" },
	{ "refuses_an_address_of_three_numbers", MODEL_ADDRESS, "192.0.2", NULL, "is no IPv4" },
	{ "refuses_octal", MODEL_ADDRESS, "192.0.02.1", NULL, "is no IPv4" },
	{ "refuses_a_zone", MODEL_ADDRESS, "fe80::1%eth0", NULL, "is no IPv4 or IPv6" },

	{ "takes_a_prefix", MODEL_PREFIX, "10.0.0.0/8", "10.0.0.0/8", NULL },
	{ "takes_an_ipv6_prefix", MODEL_PREFIX, "FC00::/7", "fc00::/7", NULL },
	{ "takes_the_longest_prefix", MODEL_PREFIX, "::1/128", "::1/128", NULL },
	{ "takes_the_shortest_prefix", MODEL_PREFIX, "0.0.0.0/0", "0.0.0.0/0", NULL },
	{ "refuses_bits_after_the_length", MODEL_PREFIX, "10.0.0.1/8", NULL,
	  "has bits set after its length" },
	{ "refuses_a_length_over_32", MODEL_PREFIX, "10.0.0.0/33", NULL, "has a length that is too large" },
	{ "refuses_a_length_over_128", MODEL_PREFIX, "::/129", NULL, "has a length that is too large" },
	{ "refuses_no_length", MODEL_PREFIX, "10.0.0.0", NULL, "has no /length" },
	{ "refuses_an_empty_length", MODEL_PREFIX, "10.0.0.0/", NULL, "has a length" },
	{ "refuses_a_netmask", MODEL_PREFIX, "10.0.0.0/255.0.0.0", NULL, "has a length" },
	{ "takes_a_users_address", MODEL_SIP_USER, "alice@contoso.example", "alice@contoso.example", NULL },
	{ "drops_the_scheme_of_an_address", MODEL_SIP_USER, "SIP:Alice@Contoso.Example.",
	  "alice@contoso.example", NULL },
	{ "takes_a_number_as_user", MODEL_SIP_USER, "+4722000000@contoso.example",
	  "+4722000000@contoso.example", NULL },
	{ "keeps_letters_beyond_ascii", MODEL_SIP_USER, "j\xc3\xb8rn@contoso.example",
	  "j\xc3\xb8rn@contoso.example", NULL },
	{ "refuses_an_address_without_user", MODEL_SIP_USER, "@contoso.example", NULL,
	  "nothing before the @" },
	{ "refuses_an_address_without_domain", MODEL_SIP_USER, "alice@", NULL, "no domain after the @" },
	{ "refuses_an_address_without_at", MODEL_SIP_USER, "alice", NULL,
	  "has no @; allowed: a SIP address such as alice@contoso.example" },
	{ "refuses_two_ats", MODEL_SIP_USER, "a@b@contoso.example", NULL, "more than one @" },
	{ "refuses_an_escape_in_an_address", MODEL_SIP_USER, "%41lice@contoso.example", NULL,
	  "before the @" },
	{ "refuses_a_blank_in_an_address", MODEL_SIP_USER, "a lice@contoso.example", NULL, "holds a blank" },
	{ "refuses_a_password", MODEL_SIP_USER, "alice:secret@contoso.example", NULL, "before the @" },
	{ "refuses_a_bad_domain_of_an_address", MODEL_SIP_USER, "alice@-x.example", NULL, "hyphen" },
	{ "refuses_an_ip_address_as_domain", MODEL_SIP_USER, "alice@192.0.2.1", NULL,
	  "looks like an address" },
	{ "refuses_an_address_that_is_too_long", MODEL_SIP_USER,
	  "alice@a-very-long-name-that-is-still-a-label.a-second-label.contoso.example", NULL,
	  "is too long" },
	{ "refuses_a_mapped_prefix", MODEL_PREFIX, "::ffff:10.0.0.0/104", NULL, "write it as IPv4" },

	{ "takes_no_items", MODEL_DOMAINS, " \n ", "", NULL },
	{ "takes_items_between_any_separators", MODEL_DOMAINS, " b.example,\n\tA.example ,,",
	  "b.example a.example", NULL },
	{ "keeps_the_order_of_items", MODEL_ADDRESSES, "192.0.2.2 192.0.2.1", "192.0.2.2 192.0.2.1", NULL },
	{ "takes_as_many_items_as_the_row_says", MODEL_DOMAINS, "a b c", "a b c", NULL },
	{ "refuses_one_item_more", MODEL_DOMAINS, "a b c d", NULL, "domains: 'd' is one item too many" },
	{ "refuses_an_item_twice_in_another_case", MODEL_DOMAINS, "a.example A.EXAMPLE", NULL,
	  "'A.EXAMPLE' stands in the list twice" },
	{ "takes_listed_choices", MODEL_CHOICES, "policy,\nviewer", "policy viewer", NULL },
	{ "refuses_what_is_not_listed", MODEL_CHOICES, "viewer king", NULL,
	  "'king' is not one of the choices; allowed: 1 to 2 of these, separated by blanks: viewer, "
	  "operator, policy" },
	{ "refuses_a_choice_twice", MODEL_CHOICES, "viewer viewer", NULL, "twice" },
	{ "refuses_no_choice_where_one_is_needed", MODEL_CHOICES, "", NULL, "too few" },
	{ "refuses_a_bad_item_and_names_it", MODEL_PREFIXES, "10.0.0.0/8 x", NULL,
	  "networks: 'x' has no /length" },
	{ "refuses_too_few_items", MODEL_ADDRESSES, "", NULL, "has too few items; allowed: 1 to 8 items" },
	{ "escapes_what_it_refuses", MODEL_DOMAINS, "a\x1b[0m", NULL, "'a\\x1b[0m'" },
};

static void reads_values_strictly(void **state)
{
	struct arena arena;

	(void)state;
	arena_start(&arena, ARENA_BYTES);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct model_field *field = &rows[cases[i].type];
		struct guard text = guard_copy(slice_of(cases[i].text));
		struct model_value value;
		struct reason reason = { "" };
		struct buffer written;
		enum result result = model_value_read(field, text.bytes, &arena, &value, &reason);

		print_message("  %s\n", cases[i].behaviour);
		assert_int_equal(result, cases[i].kept ? RESULT_OK : RESULT_INVALID);
		guard_free(&text); /* what is kept was copied */
		if (result == RESULT_OK) {
			buffer_start(&written, 4096);
			model_value_write(field, &value, &written);
			assert_int_equal(buffer_length(&written), strlen(cases[i].kept));
			assert_memory_equal(buffer_slice(&written).ptr ? buffer_slice(&written).ptr : "",
			                    cases[i].kept, buffer_length(&written));
			buffer_stop(&written);
		} else if (!strstr(reason.text, cases[i].why)) {
			fail_msg("reason is: %s", reason.text);
		}
	}
	arena_stop(&arena);
}

static void refuses_a_nul_everywhere(void **state)
{
	struct arena arena;

	(void)state;
	arena_start(&arena, ARENA_BYTES);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct model_value value;

		assert_int_equal(model_value_read(&rows[i], SLICE("\0"), &arena, &value, NULL),
		                 RESULT_INVALID);
		assert_int_equal(model_value_read(&rows[i], SLICE("192.0.2.1\0"), &arena, &value, NULL),
		                 RESULT_INVALID);
	}
	arena_stop(&arena);
}

static void a_value_that_is_refused_leaves_the_old_one(void **state)
{
	struct model_value value = { .number = 77 };
	struct arena arena;

	(void)state;
	arena_start(&arena, ARENA_BYTES);
	assert_int_equal(model_value_read(&rows[MODEL_NUMBER], SLICE("0"), &arena, &value, NULL),
	                 RESULT_INVALID);
	assert_int_equal(value.number, 77);
	arena_stop(&arena);
}

static void an_arena_without_room_is_no_memory(void **state)
{
	struct arena arena;
	struct model_value value;

	(void)state;
	arena_start(&arena, 16);
	assert_int_equal(
	        model_value_read(&rows[MODEL_DOMAINS], SLICE("a.example b.example"), &arena, &value, NULL),
	        RESULT_NO_MEMORY);
	arena_stop(&arena);
}

static void tells_equal_values_from_others(void **state)
{
	struct arena arena;
	struct model_value a, b, c;

	(void)state;
	arena_start(&arena, ARENA_BYTES);
	for (size_t i = 0; i < COUNT(rows); i++) {
		static const char *const two[][2] = {
			[MODEL_BOOL] = { "true", "false" },  [MODEL_NUMBER] = { "1", "2" },
			[MODEL_ENUM] = { "none", "direct" }, [MODEL_TEXT] = { "a", "ab" },
			[MODEL_DOMAIN] = { "a", "b" },       [MODEL_FQDN] = { "a", "" },
			[MODEL_PATH] = { "/a", "/b" },       [MODEL_ADDRESS] = { "::1", "::2" },
			[MODEL_PREFIX] = { "::/1", "::/2" }, [MODEL_DOMAINS] = { "a b", "b a" },
			[MODEL_FQDNS] = { "a b", "a" },      [MODEL_ADDRESSES] = { "::1", "::1 ::2" },
			[MODEL_PREFIXES] = { "::/1", "" },   [MODEL_CHOICES] = { "viewer", "policy" },
			[MODEL_SIP_USER] = { "a@b", "b@a" },
		};

		assert_int_equal(model_value_read(&rows[i], slice_of(two[i][0]), &arena, &a, NULL),
		                 RESULT_OK);
		assert_int_equal(model_value_read(&rows[i], slice_of(two[i][0]), &arena, &b, NULL),
		                 RESULT_OK);
		assert_int_equal(model_value_read(&rows[i], slice_of(two[i][1]), &arena, &c, NULL),
		                 RESULT_OK);
		assert_true(model_value_equal(&rows[i], &a, &b));
		assert_false(model_value_equal(&rows[i], &a, &c));
		assert_true(model_value_copy(&rows[i], &a, &arena, &c));
		assert_true(model_value_equal(&rows[i], &a, &c));
		assert_false(model_value_is_empty(&rows[i], &a));
	}
	arena_stop(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_values_strictly),
		cmocka_unit_test(refuses_a_nul_everywhere),
		cmocka_unit_test(a_value_that_is_refused_leaves_the_old_one),
		cmocka_unit_test(an_arena_without_room_is_no_memory),
		cmocka_unit_test(tells_equal_values_from_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
