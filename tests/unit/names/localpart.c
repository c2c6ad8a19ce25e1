/* Spellings of localparts: what becomes which, and what is refused; what a resource may hold. */
#include "daemon/names/names.h"
#include "tests/unit/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct {
	const char *behaviour;
	struct slice text;
	const char *prepared; /* NULL: refused */
} rows[] = {
	{ "keeps_a_plain_name", SLICE("romeo"), "romeo" },
	{ "lowers_case", SLICE("Romeo.M"), "romeo.m" },
	{ "keeps_what_rfc_7247_allows", SLICE("!#$%()*+,-.;=?[\\]^_`{|}~"), "!#$%()*+,-.;=?[\\]^_`{|}~" },
	{ "keeps_escapes", SLICE("o\\27malley"), "o\\27malley" },
	{ "lowers_u_umlaut", SLICE("F\xc3\x9c"), "f\xc3\xbc" },
	{ "composes", SLICE("fu\xcc\x88"), "f\xc3\xbc" },
	{ "folds_sharp_s_as_nodeprep_does",
	  SLICE("stra\xc3\x9f"
	        "e"),
	  "strasse" },
	{ "maps_full_width_letters", SLICE("\xef\xbd\x81\xef\xbc\xa2"), "ab" },
	{ "keeps_traditional_chinese", SLICE("\xe7\xb6\xb2\xe8\xb7\xaf"), "\xe7\xb6\xb2\xe8\xb7\xaf" },
	{ "keeps_what_is_newer_than_unicode_3_2", SLICE("a\xf0\x9f\x98\x80"), "a\xf0\x9f\x98\x80" },
	{ "keeps_right_to_left", SLICE("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"),
	  "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d" },

	{ "refuses_nothing", SLICE(""), NULL },
	{ "refuses_a_quote", SLICE("a\"b"), NULL },
	{ "refuses_an_ampersand", SLICE("m&m"), NULL },
	{ "refuses_an_apostrophe", SLICE("o'malley"), NULL },
	{ "refuses_a_slash", SLICE("a/b"), NULL },
	{ "refuses_a_colon", SLICE("a:b"), NULL },
	{ "refuses_less", SLICE("a<b"), NULL },
	{ "refuses_greater", SLICE("a>b"), NULL },
	{ "refuses_an_at_sign", SLICE("a@b"), NULL },
	{ "refuses_a_blank", SLICE("a b"), NULL },
	{ "refuses_cr_lf", SLICE("a\r\nb"), NULL },
	{ "refuses_nul", SLICE("a\0b"), NULL },
	{ "refuses_del", SLICE("a\x7f"), NULL },
	{ "refuses_c1", SLICE("a\xc2\x85"), NULL },
	{ "refuses_a_full_width_slash",
	  SLICE("a\xef\xbc\x8f"
	        "b"),
	  NULL },
	{ "refuses_a_full_width_at_sign",
	  SLICE("a\xef\xbc\xa0"
	        "b"),
	  NULL },
	{ "refuses_account_of_which_is_a_slash", SLICE("a\xe2\x84\x80"), NULL },
	{ "refuses_a_no_break_space",
	  SLICE("a\xc2\xa0"
	        "b"),
	  NULL },
	{ "refuses_an_ideographic_space",
	  SLICE("a\xe3\x80\x80"
	        "b"),
	  NULL },
	{ "refuses_what_would_vanish", SLICE("ro\xc2\xadmeo"), NULL },
	{ "refuses_a_variation_selector", SLICE("a\xef\xb8\x8f"), NULL },
	{ "refuses_a_zero_width_joiner", SLICE("a\xe2\x80\x8d"), NULL },
	{ "refuses_an_override", SLICE("a\xe2\x80\xae"), NULL },
	{ "refuses_mixed_directions", SLICE("a\xd7\xa9"), NULL },
	{ "refuses_latin_1", SLICE("f\xfc"), NULL },
	{ "refuses_an_overlong_slash", SLICE("a\xc0\xaf"), NULL },
	{ "refuses_a_surrogate", SLICE("a\xed\xa0\x80"), NULL },
	{ "refuses_a_cut_character", SLICE("a\xf0\x9f\x98"), NULL },
	{ "refuses_private_use", SLICE("a\xee\x80\x80"), NULL },
	{ "refuses_a_non_character", SLICE("a\xef\xbf\xbe"), NULL },
};

static void prepares_each_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[NAMES_LOCALPART_BYTES];
		struct reason reason = { "" };
		struct guard guard = guard_copy(rows[i].text);
		enum result result = names_localpart_prepare(guard.bytes, out, &reason);

		guard_free(&guard);
		if (result != (rows[i].prepared ? RESULT_OK : RESULT_INVALID))
			fail_msg("%s: %s %s", rows[i].behaviour, result_name(result), reason.text);
		if (strcmp(out, rows[i].prepared ? rows[i].prepared : "") != 0)
			fail_msg("%s: \"%s\"", rows[i].behaviour, out);
		if (result != RESULT_OK && !reason.text[0])
			fail_msg("%s: no reason", rows[i].behaviour);
	}
}

static size_t utf8(uint32_t c, char to[4])
{
	if (c < 0x80)
		return to[0] = (char)c, 1;
	if (c < 0x800)
		return to[0] = (char)(0xc0 | c >> 6), to[1] = (char)(0x80 | (c & 63)), 2;
	if (c < 0x10000)
		return to[0] = (char)(0xe0 | c >> 12), to[1] = (char)(0x80 | (c >> 6 & 63)),
		       to[2] = (char)(0x80 | (c & 63)), 3;
	return to[0] = (char)(0xf0 | c >> 18), to[1] = (char)(0x80 | (c >> 12 & 63)),
	       to[2] = (char)(0x80 | (c >> 6 & 63)), to[3] = (char)(0x80 | (c & 63)), 4;
}

/* Over every character there is. */
static void changes_nothing_the_second_time(void **state)
{
	unsigned kept = 0;

	(void)state;
	for (uint32_t c = 1; c < 0x110000; c++) {
		char text[4], once[NAMES_LOCALPART_BYTES], twice[NAMES_LOCALPART_BYTES];

		if (names_localpart_prepare((struct slice){ text, utf8(c, text) }, once, NULL) != RESULT_OK)
			continue;
		kept++;
		if (strpbrk(once, "\"&'/:<>@ "))
			fail_msg("U+%04X becomes \"%s\"", c, once);
		assert_int_equal(names_localpart_prepare(slice_of(once), twice, NULL), RESULT_OK);
		assert_string_equal(once, twice);
	}
	assert_true(kept > 80000);
}

static void holds_1023_bytes(void **state)
{
	char many[1025], out[NAMES_LOCALPART_BYTES];

	(void)state;
	memset(many, 'A', sizeof many);
	assert_int_equal(names_localpart_prepare((struct slice){ many, 1023 }, out, NULL), RESULT_OK);
	assert_int_equal(strlen(out), 1023);
	assert_int_equal(names_localpart_prepare((struct slice){ many, 1024 }, out, NULL), RESULT_INVALID);
	assert_int_equal(names_resource_check((struct slice){ many, 1023 }, NULL), RESULT_OK);
	assert_int_equal(names_resource_check((struct slice){ many, 1024 }, NULL), RESULT_INVALID);
	/* Grows by preparation: U+FDFA is 18 characters long when written out. */
	for (size_t i = 0; i + 3 <= 900; i += 3)
		memcpy(many + i, "\xef\xb7\xb9", 3);
	assert_int_equal(names_localpart_prepare((struct slice){ many, 900 }, out, NULL), RESULT_INVALID);
	assert_string_equal(out, "");
}

static void checks_resources(void **state)
{
	static const struct {
		const char *behaviour;
		struct slice text;
		bool is_fine;
	} resources[] = {
		{ "takes_a_word", SLICE("Balcony"), true },
		{ "takes_signs", SLICE("a/b@c <\"&'>; lr"), true },
		{ "takes_emoji_with_a_joiner",
		  SLICE("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb\xef\xb8\x8f"), true },
		{ "refuses_nothing", SLICE(""), false },
		{ "refuses_cr_lf", SLICE("a\r\nX: y"), false },
		{ "refuses_nul", SLICE("a\0"), false },
		{ "refuses_tab", SLICE("a\t"), false },
		{ "refuses_del", SLICE("\x7f"), false },
		{ "refuses_c1", SLICE("\xc2\x9b"), false },
		{ "refuses_a_line_separator", SLICE("\xe2\x80\xa8"), false },
		{ "refuses_a_non_character", SLICE("\xef\xbf\xbf"), false },
		{ "refuses_no_utf_8", SLICE("a\xff"), false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(resources); i++) {
		struct guard guard = guard_copy(resources[i].text);
		bool is_fine = names_resource_check(guard.bytes, NULL) == RESULT_OK;

		guard_free(&guard);
		if (is_fine != resources[i].is_fine)
			fail_msg("%s", resources[i].behaviour);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prepares_each_row),
		cmocka_unit_test(changes_nothing_the_second_time),
		cmocka_unit_test(holds_1023_bytes),
		cmocka_unit_test(checks_resources),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
