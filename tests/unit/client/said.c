/* Sentences of the daemon known again by their patterns, and put into the language of who reads them. */
#include "tui/client/said.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tui/client/words.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void patterns_match(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
		const char *first, *second;
	} cases[] = {
		{ "is too long", "is too long", true, NULL, NULL },
		{ "is too long", "is too long.", false, NULL, NULL },
		{ "{1} is full", "the disk is full", true, "the disk", NULL },
		{ "{1} is full", " is full", false, NULL, NULL },
		{ "{1} is full", "is full", false, NULL, NULL },
		{ "{#1} changes", "12 changes", true, "12", NULL },
		{ "{#1} changes", "twelve changes", false, NULL, NULL },
		{ "{#1} changes", " changes", false, NULL, NULL },
		{ "there is no {1} {2}", "there is no site Taipei 101", true, "site", "Taipei 101" },
		{ "{1}: {2}", "a: b: c", true, "a", "b: c" },
		{ "{2} by {1}", "x by y by z", true, "y by z", "x" },
		{ "{1} is {2} now", "what is is now", true, "what", "is" },
		{ "line {#1}: {2}", "line 7: bad", true, "7", "bad" },
		{ "line {#1}: {2}", "line x: y line 7: bad", false, NULL, NULL },
		{ "a {x} b", "a {x} b", true, NULL, NULL },
		{ "", "", true, NULL, NULL },
		{ "{1}", "", false, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct slice parts[SAID_PLACES] = { 0 };

		if (said_matches(cases[i].pattern, slice_of(cases[i].text), parts) != cases[i].matches)
			fail_msg("\"%s\" and \"%s\"", cases[i].pattern, cases[i].text);
		if (cases[i].first)
			assert_true(slice_equal(parts[0], slice_of(cases[i].first)));
		if (cases[i].second)
			assert_true(slice_equal(parts[1], slice_of(cases[i].second)));
	}
}

/* In the test's own locale nothing is translated; then everything is. */
static void use_language(const char *language)
{
	setenv("LANGUAGE", language, 1);
	assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
	words_bind("build/share/locale");
}

static void english_stays(void **state)
{
	char to[SAID_BYTES];
	struct slice text = SLICE("there is no site Taipei");

	(void)state;
	use_language("");
	assert_ptr_equal(said(text, to).ptr, text.ptr);
	assert_ptr_equal(said_word(text).ptr, text.ptr);
	assert_false(words_are_translated());
	assert_string_equal(words_text(""), "");
}

static void unknown_sentences_stay(void **state)
{
	static const char *const texts[] = { "", "x", "Grüße aus Köln", "nobody ever said this",
		                             "there is no site\nTaipei" };
	char to[SAID_BYTES];

	(void)state;
	use_language("zh_TW");
	assert_true(words_are_translated());
	assert_string_equal(words_text(""), "");
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_ptr_equal(said(slice_of(texts[i]), to).ptr, texts[i]);
}

/* What was said, and how it reads in Chinese. */
static void sentences_are_put_together(void **state)
{
	static const struct {
		const char *text, *read;
	} cases[] = {
		/* Sentences of the tables are whole: no pattern may tear them. */
		{ "Name that partners know this edge by; the external certificate carries it.",
		  "夥伴所知的此 Edge 名稱；外部憑證須包含此名稱。" },
		{ "Allow the domain (domain allow, xmpp add), or turn partner discovery on.",
		  "允許該網域 (domain allow、xmpp add)，或開啟夥伴探索。" },
		{ "fabrikam.example is not our own domain, as it should be",
		  "fabrikam.example 不是我方的網域，符合要求" },
		/* A part that is Chinese itself stands without blanks, one that is Latin with them. */
		{ "the partner answered 408 Request Timeout to NOTIFY",
		  "夥伴以 408 Request Timeout 回應 NOTIFY" },
		{ "pool1.contoso.example answered 408 Request Timeout to NOTIFY",
		  "pool1.contoso.example 以 408 Request Timeout 回應 NOTIFY" },
		{ "listening for external on 127.0.0.1:5061", "在 127.0.0.1:5061 接聽外部" },
		/* Names of fields stay; what is wrong with them does not. */
		{ "sip-provider aol: proxy-fqdn is missing", "sip-provider aol: proxy-fqdn 遺漏" },
		{ "1 to 511 bytes", "1 到 511 位元組" },
		{ "malformed message from x.example at 192.0.2.1:5061, byte 7: Max-Forwards is 0; closed",
		  "來自 x.example (192.0.2.1:5061) 的訊息格式錯誤，位元組 7: Max-Forwards 為 0；closed" },
		{ "xmpp incoming: the partner refused dialback: no such domain",
		  "xmpp incoming: 夥伴拒絕回撥: no such domain" },
	};
	char to[SAID_BYTES];

	(void)state;
	use_language("zh_TW");
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct slice got = said(slice_of(cases[i].text), to);

		if (!slice_equal(got, slice_of(cases[i].read)))
			fail_msg("\"%s\": \"%.*s\"", cases[i].text, SLICE_ARG(got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match),
		cmocka_unit_test(english_stays),
		cmocka_unit_test(unknown_sentences_stay),
		cmocka_unit_test(sentences_are_put_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
