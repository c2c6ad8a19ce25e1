/* Streams as headers and stanzas, however they are torn; what may not stand on a stream. */
#include <stdio.h>

#include "daemon/xmpp/reader.h"
#include "tests/unit/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { BYTES_MAX = 1000, STORY = 8192, ARENA = 4 * 1024 * 1024 };

/* What a stream told, as text: "H <x .../> E !not-well-formed". */
struct story {
	char text[STORY];
	size_t used;
};

static void tell(struct story *story, struct slice words)
{
	assert_true(story->used + words.len + 2 < sizeof story->text);
	if (story->used)
		story->text[story->used++] = ' ';
	memcpy(story->text + story->used, words.ptr, words.len);
	story->used += words.len;
	story->text[story->used] = '\0';
}

static void tell_element(struct story *story, const struct xmpp_element *element)
{
	struct buffer out;

	buffer_start(&out, STORY);
	if (!xmpp_write(element, XMPP_SCOPE_SERVER, &out))
		buffer_add(&out, SLICE("unwritable"));
	tell(story, buffer_slice(&out));
	buffer_stop(&out);
}

static void feed(struct xmpp_parser *parser, struct slice stream, const size_t *cuts, size_t cut_count,
                 struct story *story)
{
	struct xmpp_reader reader;
	struct arena arena;
	size_t consumed = 0;

	*story = (struct story){ 0 };
	xmpp_reader_start(&reader, BYTES_MAX);
	arena_start(&arena, ARENA);
	for (size_t i = 0; i < cut_count; i++) {
		enum xmpp_read read;

		do {
			/* What has arrived ends at an unreadable page. */
			struct guard guard = guard_copy(slice_after(slice_first(stream, cuts[i]), consumed));
			struct xmpp_element *element;
			struct xmpp_fault fault = { 0 };
			size_t length = 77;

			arena_reset(&arena);
			read = xmpp_reader_next(&reader, parser, guard.bytes, &arena, &length, &element,
			                        &fault);
			assert_true(length <= guard.bytes.len);
			guard_free(&guard);
			consumed += length;
			switch (read) {
			case XMPP_READ_MORE: break;
			case XMPP_READ_HEADER: tell(story, SLICE("H")); break;
			case XMPP_READ_STANZA: tell_element(story, element); break;
			case XMPP_READ_END: tell(story, SLICE("E")); goto out;
			case XMPP_READ_BROKEN:
				assert_non_null(fault.why);
				tell(story, SLICE("!"));
				tell(story, xmpp_stream_error_name(fault.error));
				goto out;
			}
		} while (read != XMPP_READ_MORE);
	}
out:
	arena_stop(&arena);
	xmpp_reader_stop(&reader);
}

#define HEAD                                                                                                 \
	"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "              \
	"xmlns:db='jabber:server:dialback' from='a.example' to='b.example' version='1.0' id='1' "            \
	"xml:lang='en'>"

static const struct {
	const char *behaviour;
	struct slice bytes;
	const char *story;
} rows[] = {
	{ "waits_for_a_header", SLICE("<stream:stream xmlns='jabber:server'"), "" },
	{ "takes_a_header", SLICE(HEAD), "H" },
	{ "takes_a_declaration", SLICE("<?xml version='1.0'?>" HEAD), "H" },
	{ "takes_utf_8", SLICE("<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes' ?>\n" HEAD), "H" },
	{ "takes_blanks_before_it", SLICE("\n <?xml version='1.0'?>" HEAD), "H" },
	{ "takes_the_end", SLICE(HEAD "</stream:stream>more"), "H E" },
	{ "gives_a_stanza_the_streams_language", SLICE(HEAD "<message/>"), "H <message xml:lang='en'/>" },
	{ "keeps_an_ampersand_of_the_streams_language",
	  SLICE("<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
	        "xml:lang='a&amp;b'><message/>"),
	  "H <message xml:lang='a&amp;b'/>" },
	{ "keeps_a_stanzas_own_language", SLICE(HEAD "<message xml:lang='de'/>"),
	  "H <message xml:lang='de'/>" },
	{ "takes_stanzas_and_keep_alives",
	  SLICE(HEAD " \n<iq xml:lang=''/>\t<iq xml:lang=''><ping "
	             "xmlns='urn:xmpp:ping'/></iq>  </stream:stream>"),
	  "H <iq xml:lang=''/> <iq xml:lang=''><ping xmlns='urn:xmpp:ping'/></iq> E" },
	{ "keeps_text_as_it_is", SLICE(HEAD "<a xml:lang=''> x\n<b>y</b>\tz </a>"),
	  "H <a xml:lang=''> x\n<b>y</b>\tz </a>" },
	{ "resolves_the_five_entities", SLICE(HEAD "<a xml:lang=''>&lt;&gt;&amp;&quot;&apos;</a>"),
	  "H <a xml:lang=''>&lt;&gt;&amp;\"'</a>" },
	{ "resolves_character_references", SLICE(HEAD "<a xml:lang=''>&#x41;&#66;&#x1F600;</a>"),
	  "H <a xml:lang=''>AB\xf0\x9f\x98\x80</a>" },
	{ "reads_an_ampersand_in_an_attribute_once",
	  SLICE(HEAD "<a xml:lang='' b='&amp;amp;&amp;#38;&#38;&lt;&#13;'/>"),
	  "H <a xml:lang='' b='&amp;amp;&amp;#38;&amp;&lt;&#13;'/>" },
	{ "reads_an_ampersand_in_a_namespace_once", SLICE(HEAD "<a xml:lang='' xmlns='urn:&amp;b'/>"),
	  "H <a xmlns='urn:&amp;b' xml:lang=''/>" },
	{ "takes_greater_in_an_attribute", SLICE(HEAD "<a xml:lang='' b='>' c=\"/>'\"/>"),
	  "H <a xml:lang='' b='&gt;' c='/&gt;&apos;'/>" },
	{ "refuses_an_ampersand_beside_cdata",
	  SLICE(HEAD "<a xml:lang=''>x<![CDATA[<b>]]>]]&gt;&<![CDATA[]]></a>"), "H ! not-well-formed" },
	{ "takes_cdata_with_marks", SLICE(HEAD "<a xml:lang=''>x<![CDATA[<b>&amp;]] >]]>y</a>"),
	  "H <a xml:lang=''>x&lt;b&gt;&amp;amp;]] &gt;y</a>" },
	{ "takes_greater_and_slash_in_text", SLICE(HEAD "<a xml:lang=''>a > b / c</a>"),
	  "H <a xml:lang=''>a &gt; b / c</a>" },
	{ "knows_prefixes_of_the_header", SLICE(HEAD "<db:result xml:lang=''>k</db:result>"),
	  "H <db:result xmlns:db='jabber:server:dialback' xml:lang=''>k</db:result>" },
	{ "takes_another_prefix", SLICE(HEAD "<x:result xml:lang='' xmlns:x='jabber:server:dialback'/>"),
	  "H <db:result xmlns:db='jabber:server:dialback' xml:lang=''/>" },
	{ "takes_no_namespace", SLICE(HEAD "<a xml:lang='' xmlns=''/>"), "H <a xmlns='' xml:lang=''/>" },
	{ "takes_attributes_of_a_namespace", SLICE(HEAD "<a xml:lang='' x:b='1' b='2' xmlns:x='urn:x'/>"),
	  "H <a xml:lang='' xmlns:a0='urn:x' a0:b='1' b='2'/>" },
	{ "takes_four_bytes", SLICE(HEAD "<a xml:lang=''>\xf0\x9f\x98\x80</a>"),
	  "H <a xml:lang=''>\xf0\x9f\x98\x80</a>" },
	{ "takes_line_ends_in_tags", SLICE(HEAD "<a\n xml:lang=''\r\n\t/>"), "H <a xml:lang=''/>" },

	{ "refuses_another_protocol", SLICE("GET / HTTP/1.1\r\n"), "! bad-format" },
	{ "refuses_xml_1_1", SLICE("<?xml version='1.1'?>" HEAD), "! not-well-formed" },
	{ "refuses_latin_1", SLICE("<?xml version='1.0' encoding='ISO-8859-1'?>" HEAD),
	  "! unsupported-encoding" },
	{ "refuses_utf_7", SLICE("<?xml version='1.0' encoding='UTF-7'?>" HEAD), "! unsupported-encoding" },
	{ "refuses_utf_16_by_name", SLICE("<?xml version='1.0' encoding='UTF-16'?>" HEAD),
	  "! unsupported-encoding" },
	{ "refuses_a_malformed_declaration", SLICE("<?xml encoding='UTF-8'?>" HEAD), "! not-well-formed" },
	{ "refuses_a_second_declaration", SLICE("<?xml version='1.0'?><?xml version='1.0'?>" HEAD),
	  "! restricted-xml" },
	{ "refuses_a_byte_order_mark", SLICE("\xef\xbb\xbf" HEAD), "! unsupported-encoding" },
	{ "refuses_utf_16_le", SLICE("\xff\xfe<\0s\0"), "! unsupported-encoding" },
	{ "refuses_utf_16_be", SLICE("\xfe\xff\0<\0s"), "! unsupported-encoding" },
	{ "refuses_utf_16_without_mark", SLICE("\0<\0s"), "! unsupported-encoding" },
	{ "refuses_a_header_that_ends",
	  SLICE("<stream:stream xmlns:stream='http://etherx.jabber.org/streams'/>"), "! bad-format" },
	{ "refuses_an_end_before_the_header", SLICE("</stream:stream>"), "! not-well-formed" },
	{ "refuses_text_between_stanzas", SLICE(HEAD "<a xml:lang=''/>x<b/>"),
	  "H <a xml:lang=''/> ! bad-format" },
	{ "refuses_a_document_type", SLICE("<!DOCTYPE x [<!ENTITY a 'b'>]>" HEAD), "! restricted-xml" },
	{ "refuses_a_document_type_later", SLICE(HEAD "<a><!DOCTYPE x></a>"), "H ! restricted-xml" },
	{ "refuses_a_comment", SLICE(HEAD "<!-- x --><a/>"), "H ! restricted-xml" },
	{ "refuses_a_comment_in_a_stanza", SLICE(HEAD "<a>x<!-- y --></a>"), "H ! restricted-xml" },
	{ "refuses_an_instruction", SLICE(HEAD "<a><?php x?></a>"), "H ! restricted-xml" },
	{ "refuses_an_instruction_between", SLICE(HEAD "<?xml-stylesheet href='x'?>"), "H ! restricted-xml" },
	{ "refuses_an_entity", SLICE(HEAD "<a>&nbsp;</a>"), "H ! restricted-xml" },
	{ "refuses_an_entity_in_an_attribute", SLICE(HEAD "<a b='&xxe;'/>"), "H ! restricted-xml" },
	{ "refuses_nul", SLICE(HEAD "<a>\0</a>"), "H ! not-well-formed" },
	{ "refuses_a_reference_to_nul", SLICE(HEAD "<a>&#0;</a>"), "H ! not-well-formed" },
	{ "refuses_a_reference_to_a_control", SLICE(HEAD "<a>&#x1b;</a>"), "H ! not-well-formed" },
	{ "refuses_a_reference_to_a_surrogate", SLICE(HEAD "<a>&#xd83d;&#xde00;</a>"),
	  "H ! not-well-formed" },
	{ "refuses_a_reference_beyond_unicode", SLICE(HEAD "<a>&#x110000;</a>"), "H ! not-well-formed" },
	{ "refuses_a_reference_that_wraps", SLICE(HEAD "<a>&#x100000041;</a>"), "H ! not-well-formed" },
	{ "refuses_a_control", SLICE(HEAD "<a>\x1b</a>"), "H ! not-well-formed" },
	{ "refuses_fffe", SLICE(HEAD "<a>\xef\xbf\xbe</a>"), "H ! not-well-formed" },
	{ "refuses_overlong_two", SLICE(HEAD "<a>\xc0\xbc</a>"), "H ! not-well-formed" },
	{ "refuses_overlong_three", SLICE(HEAD "<a>\xe0\x80\xbc</a>"), "H ! not-well-formed" },
	{ "refuses_overlong_four", SLICE(HEAD "<a>\xf0\x80\x80\xbc</a>"), "H ! not-well-formed" },
	{ "refuses_a_surrogate", SLICE(HEAD "<a>\xed\xa0\xbd</a>"), "H ! not-well-formed" },
	{ "refuses_a_lead_byte_before_a_tag", SLICE(HEAD "<a>\xeb</a>"), "H ! not-well-formed" },
	{ "refuses_latin_1_bytes", SLICE(HEAD "<a>f\xfc</a>"), "H ! not-well-formed" },
	{ "refuses_utf_7_text_as_markup", SLICE(HEAD "<a>+ADw-b+AD4-</a>"),
	  "H <a xml:lang='en'>+ADw-b+AD4-</a>" },
	{ "refuses_an_unbound_prefix", SLICE(HEAD "<p:b/>"), "H ! not-well-formed" },
	{ "refuses_an_unbound_prefix_of_an_attribute", SLICE(HEAD "<b p:c=''/>"), "H ! not-well-formed" },
	{ "refuses_a_name_of_three_parts", SLICE(HEAD "<db:b:c/>"), "H ! not-well-formed" },
	{ "refuses_an_empty_prefix", SLICE(HEAD "<:b/>"), "H ! not-well-formed" },
	{ "refuses_rebinding_xml", SLICE(HEAD "<b xmlns:xml='urn:x'/>"), "H ! not-well-formed" },
	{ "refuses_binding_xmlns", SLICE(HEAD "<b xmlns:xmlns='urn:x'/>"), "H ! not-well-formed" },
	{ "refuses_an_empty_binding", SLICE(HEAD "<b xmlns:x=''/>"), "H ! not-well-formed" },
	{ "refuses_an_attribute_twice", SLICE(HEAD "<b c='' c=''/>"), "H ! not-well-formed" },
	{ "refuses_an_attribute_twice_by_prefixes",
	  SLICE(HEAD "<b xmlns:x='urn:x' xmlns:y='urn:x' x:c='' y:c=''/>"), "H ! not-well-formed" },
	{ "refuses_a_namespace_declared_twice", SLICE(HEAD "<b xmlns='urn:x' xmlns='urn:y'/>"),
	  "H ! not-well-formed" },
	{ "refuses_tags_that_cross", SLICE(HEAD "<a><b></a></b>"), "H ! not-well-formed" },
	{ "refuses_an_attribute_without_quotes", SLICE(HEAD "<a b=c/>"), "H ! not-well-formed" },
	{ "refuses_an_attribute_without_value", SLICE(HEAD "<a b/>"), "H ! not-well-formed" },
	{ "refuses_a_tag_in_a_tag", SLICE(HEAD "<a <b/>"), "H ! not-well-formed" },
	{ "refuses_a_tag_without_name", SLICE(HEAD "<>"), "H ! not-well-formed" },
	{ "refuses_less_in_an_attribute", SLICE(HEAD "<a b='<'/>"), "H ! not-well-formed" },
	{ "refuses_an_open_ampersand", SLICE(HEAD "<a>a & b</a>"), "H ! not-well-formed" },
	{ "refuses_the_end_of_cdata_in_text", SLICE(HEAD "<a>]]></a>"), "H ! not-well-formed" },
	{ "refuses_cdata_between_stanzas", SLICE(HEAD "<![CDATA[x]]>"), "H ! restricted-xml" },
	{ "refuses_attributes_in_an_end_tag", SLICE(HEAD "<a></a b='c'>"), "H ! not-well-formed" },
};

static void reads_each_row_however_torn(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();

	(void)state;
	assert_non_null(parser);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice bytes = rows[i].bytes;
		size_t single[1024];
		struct story story;

		feed(parser, bytes, &bytes.len, 1, &story);
		if (strcmp(story.text, rows[i].story) != 0)
			fail_msg("%s: %s", rows[i].behaviour, story.text);
		assert_true(bytes.len <= COUNT(single));
		for (size_t at = 0; at < bytes.len; at++)
			single[at] = at + 1;
		feed(parser, bytes, single, bytes.len, &story);
		if (strcmp(story.text, rows[i].story) != 0)
			fail_msg("%s, byte by byte: %s", rows[i].behaviour, story.text);
		for (size_t at = 1; at < bytes.len; at++) {
			feed(parser, bytes, (size_t[]){ at, bytes.len }, 2, &story);
			if (strcmp(story.text, rows[i].story) != 0)
				fail_msg("%s, torn at %zu: %s", rows[i].behaviour, at, story.text);
		}
	}
	xmpp_parser_free(&parser);
}

/* One stanza behind the header; true: it was read. */
static bool is_read(struct slice header, struct slice stanza, size_t bytes_max)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	struct xmpp_reader reader;
	struct xmpp_element *element;
	struct xmpp_fault fault = { 0 };
	struct arena arena;
	size_t length;
	enum xmpp_read read;

	arena_start(&arena, ARENA);
	xmpp_reader_start(&reader, bytes_max);
	read = xmpp_reader_next(&reader, parser, header, &arena, &length, &element, &fault);
	if (read == XMPP_READ_HEADER && stanza.len) {
		assert_int_equal(length, header.len);
		read = xmpp_reader_next(&reader, parser, stanza, &arena, &length, &element, &fault);
		assert_int_not_equal(read, XMPP_READ_MORE);
	}
	if (read == XMPP_READ_BROKEN)
		assert_int_equal(fault.error, XMPP_STREAM_POLICY_VIOLATION);
	xmpp_reader_stop(&reader);
	arena_stop(&arena);
	xmpp_parser_free(&parser);
	return read == XMPP_READ_STANZA || read == XMPP_READ_HEADER;
}

enum made { DEPTH, ATTRIBUTES, NAMESPACES, CHILDREN, NAME, ATTRIBUTE_NAME, PREFIX, SPACE };

static void make(enum made what, size_t n, struct buffer *out)
{
	buffer_clear(out);
	switch (what) {
	case DEPTH:
		for (size_t i = 0; i < n; i++)
			buffer_add(out, SLICE("<a>"));
		for (size_t i = 0; i < n; i++)
			buffer_add(out, SLICE("</a>"));
		return;
	case CHILDREN:
		buffer_add(out, SLICE("<a>"));
		for (size_t i = 1; i < n; i++)
			buffer_add(out, SLICE("<a/>"));
		buffer_add(out, SLICE("</a>"));
		return;
	case ATTRIBUTES:
	case NAMESPACES:
		buffer_add(out, SLICE("<a"));
		for (size_t i = 0; i < n; i++)
			buffer_printf(out, what == ATTRIBUTES ? " b%zu=''" : " xmlns:b%zu='u'", i);
		break;
	case NAME:
	case ATTRIBUTE_NAME:
	case PREFIX:
	case SPACE:
		buffer_add(out, what == NAME             ? SLICE("<")
		                : what == ATTRIBUTE_NAME ? SLICE("<a ")
		                : what == PREFIX         ? SLICE("<a xmlns:")
		                                         : SLICE("<a xmlns='"));
		for (size_t i = 0; i < n; i++)
			buffer_add_char(out, 'n');
		buffer_add(out, what == NAME ? SLICE("") : what == SPACE ? SLICE("'") : SLICE("='v'"));
		break;
	}
	buffer_add(out, SLICE("/>"));
}

static void holds_each_limit(void **state)
{
	static const struct {
		const char *name;
		enum made what;
		size_t max;
	} limits[] = {
		{ "depth", DEPTH, XMPP_DEPTH_MAX },
		{ "attributes", ATTRIBUTES, XMPP_ATTRIBUTES_MAX },
		{ "namespaces", NAMESPACES, XMPP_NAMESPACES_MAX },
		{ "children", CHILDREN, XMPP_CHILDREN_MAX },
		{ "name", NAME, XMPP_NAME_MAX },
		{ "attribute name", ATTRIBUTE_NAME, XMPP_NAME_MAX },
		{ "prefix", PREFIX, XMPP_NAME_MAX },
		{ "namespace", SPACE, XMPP_SPACE_MAX },
	};
	struct buffer out;

	(void)state;
	buffer_start(&out, XMPP_STANZA_MAX);
	for (size_t i = 0; i < COUNT(limits); i++) {
		make(limits[i].what, limits[i].max, &out);
		if (!is_read(SLICE(HEAD), buffer_slice(&out), XMPP_STANZA_MAX))
			fail_msg("%s: refused at the limit", limits[i].name);
		make(limits[i].what, limits[i].max + 1, &out);
		if (is_read(SLICE(HEAD), buffer_slice(&out), XMPP_STANZA_MAX))
			fail_msg("%s: taken above the limit", limits[i].name);
	}
	buffer_stop(&out);
}

static void holds_the_limit_of_bytes(void **state)
{
	static const size_t sizes[] = { XMPP_BYTES_BEFORE_IDENTITY_MAX, XMPP_STANZA_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++)
		for (size_t more = 0; more < 2; more++) {
			struct buffer out;

			buffer_start(&out, XMPP_STANZA_MAX + 1);
			buffer_add(&out, SLICE("<a>"));
			while (buffer_length(&out) < sizes[i] + more - 4)
				buffer_add_char(&out, 'x');
			buffer_add(&out, SLICE("</a>"));
			assert_int_equal(buffer_length(&out), sizes[i] + more);
			assert_int_equal(is_read(SLICE(HEAD), buffer_slice(&out), sizes[i]), more == 0);
			buffer_stop(&out);
		}
	for (size_t more = 0; more < 2; more++) {
		struct buffer out;

		buffer_start(&out, XMPP_STANZA_MAX);
		buffer_add(&out, SLICE("<s:stream xmlns:s='http://etherx.jabber.org/streams' id='"));
		while (buffer_length(&out) < XMPP_HEADER_MAX + more - 2)
			buffer_add_char(&out, 'x');
		buffer_add(&out, SLICE("'>"));
		assert_int_equal(is_read(buffer_slice(&out), SLICE_NONE, XMPP_STANZA_MAX), more == 0);
		buffer_stop(&out);
	}
}

/* What would grow as it is read: nothing of it is ever read. */
static void refuses_what_laughs(void **state)
{
	static const struct slice laughs[] = {
		SLICE("<!DOCTYPE lolz [<!ENTITY lol 'lol'><!ENTITY lol1 "
		      "'&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;'>"
		      "<!ENTITY lol2 '&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;'>]>" HEAD "<a>&lol2;</a>"),
		SLICE("<!DOCTYPE x SYSTEM 'http://203.0.113.1/x.dtd'>" HEAD),
		SLICE("<!DOCTYPE x [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]>" HEAD),
		SLICE(HEAD "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>"),
	};
	struct xmpp_parser *parser = xmpp_parser_new();

	(void)state;
	for (size_t i = 0; i < COUNT(laughs); i++)
		for (size_t at = 1; at < laughs[i].len; at++) {
			struct story story;

			feed(parser, laughs[i], (size_t[]){ at, laughs[i].len }, 2, &story);
			assert_string_equal(story.text, slice_starts(laughs[i], SLICE("<!"))
			                                        ? "! restricted-xml"
			                                        : "H ! restricted-xml");
		}
	xmpp_parser_free(&parser);
}

static void ends_when_the_arena_does(void **state)
{
	struct slice stanza = SLICE("<a b='c&amp;d'>text<e xmlns='urn:e'>more &lt; text</e></a>");
	struct xmpp_parser *parser = xmpp_parser_new();
	unsigned read = 0;

	(void)state;
	for (size_t limit = 0; limit < 2048; limit += 16) {
		struct arena arena;
		struct xmpp_element *element;
		struct xmpp_fault fault;

		arena_start(&arena, limit);
		if (xmpp_parser_read(parser, SLICE(HEAD), stanza, &arena, &element, &fault))
			read++;
		else
			assert_int_equal(fault.error, XMPP_STREAM_POLICY_VIOLATION);
		arena_stop(&arena);
	}
	assert_true(read > 10 && read < 127);
	xmpp_parser_free(&parser);
}

static const struct {
	const char *behaviour;
	struct slice bytes;
	const char *written; /* NULL: refused */
} documents[] = {
	{ "takes_a_pidf",
	  SLICE("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<presence "
	        "xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"pres:a@b\"><tuple id=\"1\"/></presence>\n"),
	  "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:a@b'><tuple id='1'/></presence>" },
	{ "takes_a_byte_order_mark", SLICE("\xef\xbb\xbf<?xml version='1.0'?><a xmlns='u'/>"),
	  "<a xmlns='u'/>" },
	{ "passes_over_comments", SLICE("<!-- x --><a xmlns='u'>b<!-- c --><?d e?>f</a><!-- g -->"),
	  "<a xmlns='u'>bf</a>" },
	{ "refuses_nothing", SLICE(""), NULL },
	{ "refuses_text", SLICE("hello"), NULL },
	{ "refuses_two_roots", SLICE("<a/><b/>"), NULL },
	{ "refuses_an_open_end", SLICE("<a><b></b>"), NULL },
	{ "refuses_a_document_type", SLICE("<!DOCTYPE a><a/>"), NULL },
	{ "refuses_an_entity", SLICE("<a>&e;</a>"), NULL },
	{ "refuses_latin_1", SLICE("<?xml version='1.0' encoding='latin1'?><a/>"), NULL },
	{ "refuses_utf_16", SLICE("\xff\xfe<\0a\0/\0>\0"), NULL },
	{ "refuses_no_utf_8", SLICE("<a>\xff</a>"), NULL },
	{ "refuses_an_unbound_prefix", SLICE("<p:a/>"), NULL },
};

static void reads_documents(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();

	(void)state;
	for (size_t i = 0; i < COUNT(documents); i++) {
		struct guard guard = guard_copy(documents[i].bytes);
		struct arena arena;
		struct xmpp_element *root;
		struct reason reason = { "" };
		enum result result;
		struct story story = { 0 };

		arena_start(&arena, ARENA);
		result = xmpp_document_read(parser, guard.bytes, &arena, &root, &reason);
		if (result != (documents[i].written ? RESULT_OK : RESULT_INVALID))
			fail_msg("%s: %s %s", documents[i].behaviour, result_name(result), reason.text);
		if (result == RESULT_OK) {
			tell_element(&story, root);
			assert_string_equal(story.text, documents[i].written);
		} else {
			assert_true(reason.text[0] && !root);
		}
		guard_free(&guard);
		arena_stop(&arena);
	}
	xmpp_parser_free(&parser);
}

static void shows_what_the_header_declares(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	struct arena arena;
	struct xmpp_element *header;
	struct xmpp_fault fault;

	(void)state;
	arena_start(&arena, ARENA);
	assert_true(xmpp_parser_read(parser, SLICE(HEAD), SLICE_NONE, &arena, &header, &fault));
	assert_true(xmpp_is(header, XMPP_NS_STREAM, SLICE("stream")));
	assert_true(slice_equal(xmpp_get(header, SLICE("xmlns")), XMPP_NS_SERVER));
	assert_true(slice_equal(xmpp_get_in(header, XMPP_NS_XMLNS, SLICE("db")), XMPP_NS_DIALBACK));
	assert_true(slice_equal(xmpp_get(header, SLICE("to")), SLICE("b.example")));
	assert_true(slice_equal(xmpp_language(header), SLICE("en")));
	arena_stop(&arena);
	xmpp_parser_free(&parser);
	assert_int_equal(xmpp_stream_error_of(SLICE("host-unknown")), XMPP_STREAM_HOST_UNKNOWN);
	assert_int_equal(xmpp_stream_error_of(SLICE("x")), XMPP_STREAM_UNDEFINED_CONDITION);
	assert_int_equal(XMPP_STREAM_ERROR_COUNT, 26); /* RFC 6120 §4.9.3, and none */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_each_row_however_torn),    cmocka_unit_test(holds_each_limit),
		cmocka_unit_test(holds_the_limit_of_bytes),       cmocka_unit_test(refuses_what_laughs),
		cmocka_unit_test(ends_when_the_arena_does),       cmocka_unit_test(reads_documents),
		cmocka_unit_test(shows_what_the_header_declares),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
