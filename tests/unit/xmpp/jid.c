/* Addresses: what is which part, what is refused, what equals what, and back to text. */
#include "daemon/xmpp/xmpp.h"
#include "tests/unit/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct {
	const char *behaviour;
	struct slice text;
	const char *local, *domain, *resource; /* domain NULL: refused */
	const char *written;
} rows[] = {
	{ "takes_a_bare_address", SLICE("juliet@example.com"), "juliet", "example.com", "",
	  "juliet@example.com" },
	{ "takes_a_full_address", SLICE("juliet@example.com/foo"), "juliet", "example.com", "foo",
	  "juliet@example.com/foo" },
	{ "takes_blanks_in_the_resource", SLICE("juliet@example.com/foo bar"), "juliet", "example.com",
	  "foo bar", "juliet@example.com/foo bar" },
	{ "takes_an_at_sign_in_the_resource", SLICE("juliet@example.com/foo@bar"), "juliet", "example.com",
	  "foo@bar", "juliet@example.com/foo@bar" },
	{ "takes_a_slash_in_the_resource", SLICE("example.com/a/b@c"), "", "example.com", "a/b@c",
	  "example.com/a/b@c" },
	{ "takes_escapes", SLICE("foo\\20bar@example.com"), "foo\\20bar", "example.com", "",
	  "foo\\20bar@example.com" },
	{ "takes_a_domain", SLICE("Example.COM."), "", "example.com", "", "example.com" },
	{ "prepares_the_parts", SLICE("JULIET@EXAMPLE.com/Balcony"), "juliet", "example.com", "Balcony",
	  "juliet@example.com/Balcony" },
	{ "writes_u_labels",
	  SLICE("f\xc3\xbc@B\xc3\xbc"
	        "cher.example/\xe2\x99\x9a"),
	  "f\xc3\xbc", "xn--bcher-kva.example", "\xe2\x99\x9a",
	  "f\xc3\xbc@b\xc3\xbc"
	  "cher.example/\xe2\x99\x9a" },
	{ "takes_a_labels", SLICE("a@xn--bcher-kva.example"), "a", "xn--bcher-kva.example", "",
	  "a@b\xc3\xbc"
	  "cher.example" },

	{ "refuses_nothing", SLICE(""), NULL, NULL, NULL, NULL },
	{ "refuses_an_empty_localpart", SLICE("@example.com"), NULL, NULL, NULL, NULL },
	{ "refuses_an_empty_resource", SLICE("a@example.com/"), NULL, NULL, NULL, NULL },
	{ "refuses_an_empty_domain", SLICE("a@/r"), NULL, NULL, NULL, NULL },
	{ "refuses_two_at_signs", SLICE("a@b@example.com"), NULL, NULL, NULL, NULL },
	{ "refuses_a_blank_in_the_localpart", SLICE("foo bar@example.com"), NULL, NULL, NULL, NULL },
	{ "refuses_a_quote", SLICE("\"juliet\"@example.com"), NULL, NULL, NULL, NULL },
	{ "refuses_less_in_the_localpart", SLICE("a<b@example.com"), NULL, NULL, NULL, NULL },
	{ "refuses_blanks_around", SLICE(" a@example.com"), NULL, NULL, NULL, NULL },
	{ "refuses_a_line_end", SLICE("a@example.com\n"), NULL, NULL, NULL, NULL },
	{ "refuses_a_line_end_in_the_resource", SLICE("a@example.com/x\r\ny"), NULL, NULL, NULL, NULL },
	{ "refuses_an_ip_address", SLICE("a@192.0.2.1"), NULL, NULL, NULL, NULL },
	{ "refuses_an_ipv6_address", SLICE("a@[2001:db8::1]"), NULL, NULL, NULL, NULL },
	{ "refuses_a_port", SLICE("a@example.com:5269"), NULL, NULL, NULL, NULL },
	{ "refuses_an_underscore_domain", SLICE("a@b_c.example"), NULL, NULL, NULL, NULL },
	{ "refuses_a_full_width_at_sign",
	  SLICE("a\xef\xbc\xa0"
	        "evil.example@example.com"),
	  NULL, NULL, NULL, NULL },
	{ "refuses_no_utf_8", SLICE("\xff@example.com"), NULL, NULL, NULL, NULL },
	{ "refuses_a_soft_hyphen",
	  SLICE("ju\xc2\xad"
	        "liet@example.com"),
	  NULL, NULL, NULL, NULL },
};

static void parses_each_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena arena;
		struct xmpp_jid jid, again;
		struct reason reason = { "" };
		struct guard guard = guard_copy(rows[i].text);
		enum result result;

		arena_start(&arena, 16384);
		result = xmpp_jid_parse(guard.bytes, &arena, &jid, &reason);
		guard_free(&guard);
		if (result != (rows[i].domain ? RESULT_OK : RESULT_INVALID))
			fail_msg("%s: %s %s", rows[i].behaviour, result_name(result), reason.text);
		if (result == RESULT_OK) {
			struct slice text = xmpp_jid_text(&jid, &arena);

			if (!slice_equal(jid.local, slice_of(rows[i].local)) ||
			    !slice_equal(jid.domain, slice_of(rows[i].domain)) ||
			    !slice_equal(jid.resource, slice_of(rows[i].resource)) ||
			    !slice_equal(text, slice_of(rows[i].written)))
				fail_msg("%s: %.*s", rows[i].behaviour, SLICE_ARG(text));
			assert_int_equal(xmpp_jid_parse(text, &arena, &again, NULL), RESULT_OK);
			assert_true(xmpp_jid_equal(&jid, &again));
		} else {
			assert_true(jid.domain.len == 0 && reason.text[0]);
		}
		arena_stop(&arena);
	}
}

static void compares(void **state)
{
	static const struct {
		const char *a, *b;
		bool is_equal, is_equal_bare;
	} pairs[] = {
		{ "Romeo@Example.COM", "romeo@example.com.", true, true },
		{ "a@example.com/R", "a@example.com/r", false, true },
		{ "a@example.com/r", "a@example.com", false, true },
		{ "a@example.com", "example.com", false, false },
		{ "a@example.com", "a@sub.example.com", false, false },
		{ "a@b\xc3\xbc"
		  "cher.example",
		  "A@XN--BCHER-KVA.example", true, true },
		{ "o\\27m@example.com", "o\\27M@example.com", true, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		struct arena arena;
		struct xmpp_jid a, b;

		arena_start(&arena, 16384);
		assert_int_equal(xmpp_jid_parse(slice_of(pairs[i].a), &arena, &a, NULL), RESULT_OK);
		assert_int_equal(xmpp_jid_parse(slice_of(pairs[i].b), &arena, &b, NULL), RESULT_OK);
		assert_int_equal(xmpp_jid_equal(&a, &b), pairs[i].is_equal);
		assert_int_equal(xmpp_jid_equal_bare(&a, &b), pairs[i].is_equal_bare);
		arena_stop(&arena);
	}
}

static void holds_to_the_limits(void **state)
{
	char text[XMPP_JID_MAX + 64];
	struct arena arena;
	struct xmpp_jid jid;
	size_t n = 0;

	(void)state;
	memset(text, 'a', sizeof text);
	text[XMPP_JID_PART_MAX] = '@';
	memcpy(text + XMPP_JID_PART_MAX + 1, "example.com/", 12);
	n = XMPP_JID_PART_MAX + 1 + 12 + XMPP_JID_PART_MAX;
	arena_start(&arena, 65536);
	assert_int_equal(xmpp_jid_parse((struct slice){ text, n }, &arena, &jid, NULL), RESULT_OK);
	assert_int_equal(xmpp_jid_parse((struct slice){ text, n + 1 }, &arena, &jid, NULL), RESULT_INVALID);
	assert_int_equal(xmpp_jid_make((struct slice){ text, XMPP_JID_PART_MAX }, SLICE("x.example"),
	                               SLICE_NONE, &arena, &jid, NULL),
	                 RESULT_OK);
	assert_int_equal(xmpp_jid_make(SLICE("a/b"), SLICE("x.example"), SLICE_NONE, &arena, &jid, NULL),
	                 RESULT_INVALID);
	assert_int_equal(xmpp_jid_make(SLICE("a"), SLICE("x.example/y"), SLICE_NONE, &arena, &jid, NULL),
	                 RESULT_INVALID);
	arena_stop(&arena);
	for (size_t limit = 0; limit < 96; limit += 16) {
		arena_start(&arena, limit);
		enum result result = xmpp_jid_parse(SLICE("a@x.example/r"), &arena, &jid, NULL);

		assert_int_equal(result, limit < 48 ? RESULT_NO_MEMORY : RESULT_OK);
		assert_int_equal(jid.domain.len == 0, result != RESULT_OK);
		arena_stop(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_each_row),
		cmocka_unit_test(compares),
		cmocka_unit_test(holds_to_the_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
