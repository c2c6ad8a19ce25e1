/* The tree: built, found in, copied, written; stanza errors. */
#include "daemon/xmpp/xmpp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { ARENA = 512 * 1024 };

static void assert_written(const struct xmpp_element *element, const char *expected)
{
	struct buffer out;

	buffer_start(&out, 512 * 1024);
	assert_true(xmpp_write(element, XMPP_SCOPE_SERVER, &out));
	buffer_add_char(&out, '\0');
	assert_string_equal(buffer_slice(&out).ptr, expected);
	buffer_stop(&out);
}

static struct xmpp_element *message(struct xmpp_builder *b)
{
	struct xmpp_element *m = xmpp_add(b, NULL, XMPP_NS_SERVER, SLICE("message"));

	xmpp_set(b, m, SLICE("from"), SLICE("a@fabrikam.example"));
	xmpp_set(b, m, SLICE("to"), SLICE("b@northwind.example"));
	xmpp_set(b, m, SLICE("id"), SLICE("m1"));
	xmpp_set_language(b, m, SLICE("de"));
	xmpp_add_with_text(b, m, XMPP_NS_SERVER, SLICE("body"),
	                   SLICE("Gr\xc3\xbc\xc3\x9f"
	                         "e & <Kuss>"));
	xmpp_add(b, m, XMPP_NS_CHATSTATES, SLICE("active"));
	return m;
}

#define MESSAGE                                                                                              \
	"<message from='a@fabrikam.example' to='b@northwind.example' id='m1' xml:lang='de'><body>Gr"         \
	"\xc3\xbc\xc3\x9f"                                                                                   \
	"e &amp; &lt;Kuss&gt;</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>"

static void writes_what_was_built(void **state)
{
	struct arena arena;
	struct xmpp_builder b = { .arena = &arena };
	struct xmpp_element *m;

	(void)state;
	arena_start(&arena, ARENA);
	m = message(&b);
	assert_false(b.is_broken);
	assert_written(m, MESSAGE);
	xmpp_set(&b, m, SLICE("id"), SLICE("m2"));
	assert_true(slice_equal(xmpp_get(m, SLICE("id")), SLICE("m2")));
	arena_stop(&arena);
}

static void finds_in_a_tree(void **state)
{
	struct arena arena;
	struct xmpp_builder b = { .arena = &arena };
	struct xmpp_element *m, *body;
	const struct xmpp_element *found;

	(void)state;
	arena_start(&arena, ARENA);
	m = message(&b);
	body = xmpp_add_with_text(&b, m, XMPP_NS_SERVER, SLICE("body"), SLICE("two"));
	xmpp_add_text(&b, body, SLICE("+"));
	xmpp_add(&b, body, XMPP_NS_SERVER, SLICE("br"));
	xmpp_add_text(&b, body, SLICE("three"));
	found = xmpp_child(m, XMPP_NS_SERVER, SLICE("body"));
	assert_non_null(found);
	found = xmpp_next_same(found);
	assert_ptr_equal(found, body);
	assert_null(xmpp_next_same(found));
	assert_true(slice_equal(xmpp_text(found, &arena), SLICE("two+three")));
	assert_true(slice_equal(xmpp_language(found), SLICE("de")));
	assert_null(xmpp_child(m, XMPP_NS_CHATSTATES, SLICE("body")));
	assert_non_null(xmpp_child(m, XMPP_NS_CHATSTATES, SLICE("active")));
	assert_ptr_equal(xmpp_next_element(xmpp_first_element(m)),
	                 xmpp_child(m, XMPP_NS_CHATSTATES, SLICE("active")));
	assert_null(xmpp_get(m, SLICE("type")).ptr);
	assert_null(xmpp_get(m, SLICE("lang")).ptr); /* xml:lang is no "lang" */
	assert_null(xmpp_child(NULL, XMPP_NS_SERVER, SLICE("x")));
	assert_int_equal(xmpp_text(NULL, &arena).len, 0);
	arena_stop(&arena);
}

static void copies_a_tree(void **state)
{
	struct arena arena, other;
	struct xmpp_builder b = { .arena = &arena }, c = { .arena = &other };
	struct xmpp_element *m, *deep, *around;

	(void)state;
	arena_start(&arena, ARENA);
	arena_start(&other, ARENA);
	m = message(&b);
	deep = xmpp_add(&b, m, SLICE("urn:x"), SLICE("x"));
	deep = xmpp_add_with_text(&b, deep, SLICE("urn:x"), SLICE("y"), SLICE("z"));
	xmpp_add(&b, deep, SLICE(""), SLICE("none"));
	xmpp_add_text(&b, m, SLICE("tail"));
	around = xmpp_add(&c, NULL, XMPP_NS_SERVER, SLICE("around"));
	assert_non_null(xmpp_add_copy(&c, around, m));
	xmpp_add_copy(&c, around, deep);
	arena_stop(&arena); /* nothing of the copy lies there */
	assert_written(around,
	               "<around><message from='a@fabrikam.example' to='b@northwind.example' id='m1' "
	               "xml:lang='de'><body>Gr\xc3\xbc\xc3\x9f"
	               "e &amp; &lt;Kuss&gt;</body><active xmlns='http://jabber.org/protocol/chatstates'/>"
	               "<x xmlns='urn:x'><y>z<none xmlns=''/></y></x>tail</message>"
	               "<y xmlns='urn:x'>z<none xmlns=''/></y></around>");
	arena_stop(&other);
}

static void declares_prefixes_where_nobody_has(void **state)
{
	struct arena arena;
	struct xmpp_builder b = { .arena = &arena };
	struct xmpp_element *e;

	(void)state;
	arena_start(&arena, ARENA);
	e = xmpp_add_with_text(&b, NULL, XMPP_NS_DIALBACK, SLICE("result"), SLICE("key"));
	assert_written(e, "<db:result xmlns:db='jabber:server:dialback'>key</db:result>");
	e = xmpp_add(&b, NULL, XMPP_NS_STREAM, SLICE("error"));
	xmpp_add(&b, e, XMPP_NS_STREAMS, SLICE("conflict"));
	xmpp_add(&b, e, XMPP_NS_SERVER, SLICE("x"));
	assert_written(
	        e,
	        "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><x/></stream:error>");
	e = xmpp_add(&b, NULL, XMPP_NS_SERVER, SLICE("x"));
	xmpp_set_in(&b, e, SLICE("urn:'a"), SLICE("one"), SLICE("1"));
	xmpp_set_in(&b, e, SLICE("urn:b"), SLICE("one"), SLICE("2"));
	assert_written(e, "<x xmlns:a0='urn:&apos;a' a0:one='1' xmlns:a1='urn:b' a1:one='2'/>");
	arena_stop(&arena);
}

static const struct {
	const char *behaviour;
	struct slice text;
	const char *in_text, *in_attribute; /* NULL: refused */
} texts[] = {
	{ "keeps_plain_text", SLICE("Hello"), "Hello", "Hello" },
	{ "escapes_markup", SLICE("</body>&amp;\"'"), "&lt;/body&gt;&amp;amp;\"'",
	  "&lt;/body&gt;&amp;amp;&quot;&apos;" },
	{ "cannot_end_cdata", SLICE("]]>"), "]]&gt;", "]]&gt;" },
	{ "keeps_cr_for_the_reader", SLICE("a\r\nb"), "a&#13;\nb", "a&#13;&#10;b" },
	{ "keeps_tab_for_the_reader", SLICE("a\tb"), "a\tb", "a&#9;b" },
	{ "keeps_four_bytes", SLICE("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
	{ "keeps_del_and_c1", SLICE("\x7f\xc2\x85"), "\x7f\xc2\x85", "\x7f\xc2\x85" },
	{ "refuses_nul", SLICE("a\0b"), NULL, NULL },
	{ "refuses_escape", SLICE("a\x1b"), NULL, NULL },
	{ "refuses_fffe", SLICE("\xef\xbf\xbe"), NULL, NULL },
	{ "refuses_ffff", SLICE("\xef\xbf\xbf"), NULL, NULL },
	{ "refuses_a_surrogate", SLICE("\xed\xa0\xbd\xed\xb8\x80"), NULL, NULL },
	{ "refuses_overlong", SLICE("\xc0\xbc"), NULL, NULL },
	{ "refuses_latin_1", SLICE("f\xfc"), NULL, NULL },
	{ "refuses_a_cut_character", SLICE("\xe2\x82"), NULL, NULL },
};

static void writes_or_refuses_each_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		for (int is_attribute = 0; is_attribute < 2; is_attribute++) {
			struct arena arena;
			struct xmpp_builder b = { .arena = &arena };
			struct xmpp_element *e;
			struct buffer out;
			const char *expected = is_attribute ? texts[i].in_attribute : texts[i].in_text;
			char whole[128] = "kept";

			arena_start(&arena, ARENA);
			buffer_start(&out, 4096);
			buffer_add(&out, SLICE("kept"));
			e = xmpp_add(&b, NULL, XMPP_NS_SERVER, SLICE("x"));
			if (is_attribute)
				xmpp_set(&b, e, SLICE("y"), texts[i].text);
			else
				xmpp_add_text(&b, e, texts[i].text);
			if (xmpp_write(e, XMPP_SCOPE_SERVER, &out) != (expected != NULL))
				fail_msg("%s", texts[i].behaviour);
			if (expected)
				snprintf(whole, sizeof whole,
				         is_attribute ? "kept<x y='%s'/>" : "kept<x>%s</x>", expected);
			if (!slice_equal(buffer_slice(&out), slice_of(whole)))
				fail_msg("%s: %.*s", texts[i].behaviour, SLICE_ARG(buffer_slice(&out)));
			assert_int_equal(xmpp_text_is_writable(texts[i].text), texts[i].in_text != NULL);
			buffer_stop(&out);
			arena_stop(&arena);
		}
}

static void cleans_text(void **state)
{
	struct arena arena;
	struct slice plain = SLICE("plain"), clean;
	size_t replaced;

	(void)state;
	arena_start(&arena, ARENA);
	assert_ptr_equal(xmpp_text_cleaned(plain, &arena, &replaced).ptr, plain.ptr);
	assert_int_equal(replaced, 0);
	clean = xmpp_text_cleaned(SLICE("a\x01\xff\xef\xbf\xbe\nb\xf0\x9f"), &arena, &replaced);
	assert_true(slice_equal(clean,
	                        SLICE("a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\nb\xef\xbf\xbd\xef\xbf\xbd")));
	assert_int_equal(replaced, 5);
	assert_true(xmpp_text_is_writable(clean));
	arena_stop(&arena);
}

static void refuses_names_that_are_none(void **state)
{
	static const struct slice names[] = { SLICE("a b"), SLICE("1a"),       SLICE("a:b"), SLICE("a>"),
		                              SLICE("-"),   SLICE("\xc3\xbc"), SLICE("a\0") };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct arena arena;
		struct xmpp_builder b = { .arena = &arena };
		struct xmpp_element *e;
		struct buffer out;

		arena_start(&arena, ARENA);
		buffer_start(&out, 4096);
		e = xmpp_add(&b, NULL, XMPP_NS_SERVER, names[i]);
		assert_false(xmpp_write(e, XMPP_SCOPE_SERVER, &out));
		e = xmpp_add(&b, NULL, XMPP_NS_SERVER, SLICE("x"));
		xmpp_set(&b, e, names[i], SLICE("v"));
		assert_false(xmpp_write(e, XMPP_SCOPE_SERVER, &out));
		e = xmpp_add(&b, NULL, XMPP_NS_SERVER, SLICE("x"));
		xmpp_set(&b, e, SLICE("xmlns"), SLICE("v"));
		assert_false(xmpp_write(e, XMPP_SCOPE_SERVER, &out));
		assert_int_equal(buffer_length(&out), 0);
		buffer_stop(&out);
		arena_stop(&arena);
	}
}

static void writes_to_the_limits(void **state)
{
	struct arena arena;
	struct xmpp_builder b = { .arena = &arena };
	struct xmpp_element *root, *e;
	struct buffer out;

	(void)state;
	arena_start(&arena, ARENA);
	root = e = xmpp_add(&b, NULL, XMPP_NS_SERVER, SLICE("x"));
	for (int i = 1; i < XMPP_DEPTH_MAX; i++)
		e = xmpp_add(&b, e, XMPP_NS_SERVER, SLICE("x"));
	buffer_start(&out, 4096);
	assert_true(xmpp_write(root, XMPP_SCOPE_SERVER, &out));
	buffer_clear(&out);
	xmpp_add(&b, e, XMPP_NS_SERVER, SLICE("x"));
	assert_false(xmpp_write(root, XMPP_SCOPE_SERVER, &out));
	assert_int_equal(buffer_length(&out), 0);
	buffer_stop(&out);

	buffer_start(&out, 10);
	assert_true(
	        xmpp_write(xmpp_add(&b, NULL, XMPP_NS_SERVER, SLICE("seven77")), XMPP_SCOPE_SERVER, &out));
	buffer_consume(&out, 3);
	assert_false(xmpp_write(xmpp_add(&b, NULL, XMPP_NS_SERVER, SLICE("x")), XMPP_SCOPE_SERVER, &out));
	assert_true(slice_equal(buffer_slice(&out), SLICE("ven77/>")));
	assert_false(out.is_broken);
	buffer_stop(&out);
	arena_stop(&arena);
}

/* Every allocation failing in turn: no piece is half there, nothing is lost. */
static void ends_when_memory_does(void **state)
{
	(void)state;
	for (size_t limit = 0; limit < 4096; limit += 16) {
		struct arena arena, other;
		struct xmpp_builder b = { .arena = &arena }, c = { .arena = &other };
		struct xmpp_element *m, *copy;

		arena_start(&arena, limit);
		arena_start(&other, limit);
		m = message(&b);
		copy = b.is_broken ? NULL : xmpp_add_copy(&c, NULL, m);
		assert_int_equal(!copy, b.is_broken || c.is_broken);
		if (b.is_broken)
			assert_null(xmpp_add(&b, NULL, XMPP_NS_SERVER, SLICE("x")));
		if (copy)
			assert_written(copy, MESSAGE);
		arena_stop(&arena);
		arena_stop(&other);
	}
}

static void knows_every_condition(void **state)
{
	(void)state;
	assert_int_equal(XMPP_CONDITION_COUNT, 22); /* RFC 6120 §8.3.3 */
	for (size_t i = 0; i < XMPP_CONDITION_COUNT; i++) {
		enum xmpp_condition condition = (enum xmpp_condition)i;

		assert_int_equal(xmpp_condition_of(xmpp_condition_name(condition)), condition);
	}
	assert_int_equal(xmpp_condition_of(SLICE("no-such")), XMPP_UNDEFINED_CONDITION);
}

static const struct {
	const char *name, *type;
	bool may_be_refused;
} refusals[] = {
	{ "message", NULL, true },
	{ "message", "chat", true },
	{ "message", "error", false },
	{ "iq", "get", true },
	{ "iq", "set", true },
	{ "iq", "result", false },
	{ "iq", "error", false },
	{ "iq", NULL, false },
	{ "presence", NULL, false },
	{ "presence", "subscribe", true },
	{ "presence", "unavailable", false },
	{ "presence", "probe", true },
	{ "presence", "error", false },
	{ "presence", "subscribed", false },
};

static void answers_with_an_error_only_where_one_may(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct arena arena;
		struct xmpp_builder b = { .arena = &arena };
		struct xmpp_element *s, *reply;
		struct xmpp_stanza_error error = { .condition = XMPP_GONE,
			                           .type = XMPP_ERROR_WAIT,
			                           .text = SLICE("moved"),
			                           .address = SLICE("xmpp:n@x.example") },
		                         read;

		arena_start(&arena, ARENA);
		s = xmpp_add(&b, NULL, XMPP_NS_SERVER, slice_of(refusals[i].name));
		xmpp_set(&b, s, SLICE("from"), SLICE("a@a.example/r"));
		xmpp_set(&b, s, SLICE("to"), SLICE("b@b.example"));
		xmpp_set(&b, s, SLICE("id"), SLICE("7"));
		if (refusals[i].type)
			xmpp_set(&b, s, SLICE("type"), slice_of(refusals[i].type));
		assert_false(xmpp_error_read(s, &arena, &read));
		reply = xmpp_error_reply(&b, s, &error);
		if ((reply != NULL) != refusals[i].may_be_refused)
			fail_msg("%s %s", refusals[i].name, refusals[i].type ? refusals[i].type : "");
		if (reply) {
			assert_true(slice_equal(xmpp_get(reply, SLICE("to")), SLICE("a@a.example/r")));
			assert_true(slice_equal(xmpp_get(reply, SLICE("from")), SLICE("b@b.example")));
			assert_true(slice_equal(xmpp_get(reply, SLICE("id")), SLICE("7")));
			assert_true(xmpp_error_read(reply, &arena, &read));
			assert_int_equal(read.condition, XMPP_GONE);
			assert_int_equal(read.type, XMPP_ERROR_WAIT);
			assert_true(slice_equal(read.text, SLICE("moved")));
			assert_true(slice_equal(read.address, SLICE("xmpp:n@x.example")));
			assert_null(xmpp_error_reply(&b, reply, &error)); /* an error draws no error */
		}
		arena_stop(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_what_was_built),
		cmocka_unit_test(finds_in_a_tree),
		cmocka_unit_test(copies_a_tree),
		cmocka_unit_test(declares_prefixes_where_nobody_has),
		cmocka_unit_test(writes_or_refuses_each_text),
		cmocka_unit_test(cleans_text),
		cmocka_unit_test(refuses_names_that_are_none),
		cmocka_unit_test(writes_to_the_limits),
		cmocka_unit_test(ends_when_memory_does),
		cmocka_unit_test(knows_every_condition),
		cmocka_unit_test(answers_with_an_error_only_where_one_may),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
