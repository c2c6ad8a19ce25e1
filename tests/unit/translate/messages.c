/* messages: every row of the table, and the limits of what is read. */
#include "tests/unit/translate/table.h"
#include "tests/unit/sip/sample.h" /* behind result.h: both have a fail() */

static struct xmpp_parser *parser;

static struct slice written(struct arena *arena, const struct xmpp_element *stanza)
{
	struct buffer out;
	struct slice copy;

	buffer_start(&out, XMPP_STANZA_MAX);
	assert_true(xmpp_write(stanza, XMPP_SCOPE_SERVER, &out));
	copy = arena_copy(arena, buffer_slice(&out));
	buffer_stop(&out);
	return copy;
}

/* ---- SIP to XMPP ---- */

static struct slice from_sip(struct arena *arena, struct slice headers, struct slice body)
{
	struct translate_refusal refusal = { 0 };
	struct xmpp_builder b = { .arena = arena };
	struct translate_im im;
	struct slice result = SLICE("nothing");
	struct parsed p;
	char *head = arena_printf(
	        arena,
	        "MESSAGE sip:j@xmpp.example SIP/2.0\r\n"
	        "Via: SIP/2.0/TLS h.example;branch=z9hG4bKb\r\nMax-Forwards: 70\r\n"
	        "From: <sip:s@sip.example>;tag=1\r\nTo: <sip:j@xmpp.example>\r\nCall-ID: C\r\n"
	        "CSeq: 1 MESSAGE\r\n%.*s\r\nContent-Length: %zu\r\n\r\n",
	        SLICE_ARG(headers), body.len);
	size_t head_length = strlen(head);
	char *text = arena_new(arena, head_length + body.len);

	memcpy(text, head, head_length);
	if (body.len)
		memcpy(text + head_length, body.ptr, body.len);
	parsed_start(&p, (struct slice){ text, head_length + body.len });
	assert_int_equal(p.answer, SIP_PARSE_OK);
	switch (translate_im_from_sip(&p.message, parser, arena, &im, &refusal)) {
	case TRANSLATE_OK:
		im.is_delayed = im.kind == TRANSLATE_IM_TEXT && im.stamp_ms > 0;
		result = written(arena, translate_im_to_stanza(&b, &im, SLICE("s@sip.example"),
		                                               SLICE("j@xmpp.example")));
		break;
	case TRANSLATE_REFUSED:
		assert_true(refusal.why[0] != '\0');
		result = slice_of(arena_printf(arena, "refuse %d", refusal.status));
		break;
	case TRANSLATE_NOTHING: break;
	default: fail();
	}
	parsed_stop(&p);
	return result;
}

/* ---- XMPP to SIP ---- */

static bool has_word(struct slice words, const char *word)
{
	return memmem(words.ptr, words.len, word, strlen(word)) != NULL;
}

static struct slice from_xmpp(struct arena *arena, struct slice tastes_words, struct slice text)
{
	struct translate_tastes tastes = { .typing = has_word(tastes_words, "typing"),
		                           .cpim = has_word(tastes_words, "cpim"),
		                           .lync = has_word(tastes_words, "lync") };
	struct translate_refusal refusal = { 0 };
	struct translate_content content;
	struct translate_im im;
	struct xmpp_element *stanza;
	struct reason reason;
	enum translate_answer answer;
	char *document = arena_printf(arena, "<message xmlns='jabber:server'%.*s",
	                              SLICE_ARG(slice_after(text, sizeof "<message" - 1)));

	if (xmpp_document_read(parser, slice_of(document), arena, &stanza, &reason) != RESULT_OK)
		fail_msg("%s: %s", document, reason.text);
	answer = translate_im_from_stanza(stanza, arena, &im, &refusal);
	if (answer == TRANSLATE_OK)
		answer = translate_im_to_sip(&im, tastes, SLICE("sip:j@xmpp.example"),
		                             SLICE("sip:s@sip.example"), arena, &content);
	switch (answer) {
	case TRANSLATE_OK:
		return slice_of(arena_printf(arena, "%.*s\r\n%.*s\r\n%.*s",
		                             SLICE_ARG(sip_method_name(content.method)),
		                             SLICE_ARG(content.headers), SLICE_ARG(content.body)));
	case TRANSLATE_NOTHING: return SLICE("nothing");
	case TRANSLATE_REFUSED:
		assert_true(refusal.why[0] != '\0');
		return slice_of(arena_printf(arena, "refuse %s", xmpp_condition_name(refusal.condition).ptr));
	default: return SLICE("no memory");
	}
}

static void maps_each_row(void **state)
{
	struct table *t = malloc(sizeof *t);

	(void)state;
	table_start(t, "tests/tables/translate-messages.txt");
	while (table_next(t, 5)) {
		bool is_sip = slice_equal(t->columns[1], SLICE("sip"));

		assert_true(is_sip || slice_equal(t->columns[1], SLICE("xmpp")));
		table_expect(t,
		             is_sip ? from_sip(&t->arena, t->columns[2], t->columns[3])
		                    : from_xmpp(&t->arena, t->columns[2], t->columns[3]),
		             t->columns[4]);
	}
	table_stop(t, 87);
	free(t);
}

/* ---- what a row cannot say ---- */

static void learns_what_the_other_side_reads(void **state)
{
	static const struct {
		const char *headers;
		bool typing, cpim, lync;
	} rows[] = {
		{ "Content-Type: text/plain\r\n", false, false, false },
		{ "Content-Type: text/plain\r\nAccept: text/plain, application/im-iscomposing+xml;q=0.5\r\n",
		  true, false, false },
		{ "Content-Type: message/cpim\r\n", false, true, false },
		{ "Content-Type: application/im-iscomposing+xml\r\n", true, false, false },
		{ "Content-Type: text/plain; charset=UTF-8;msgr=WAAt\r\n", false, false, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct translate_tastes tastes = { 0 };
		struct parsed p;
		char text[1024];

		snprintf(text, sizeof text,
		         "MESSAGE sip:bob@contoso.example SIP/2.0\r\n" SAMPLE_TOP
		         "CSeq: 1 MESSAGE\r\n%sContent-Length: 0\r\n\r\n",
		         rows[i].headers);
		parsed_start(&p, slice_of(text));
		assert_int_equal(p.answer, SIP_PARSE_OK);
		translate_tastes_learn(&p.message, &tastes);
		assert_int_equal(tastes.typing, rows[i].typing);
		assert_int_equal(tastes.cpim, rows[i].cpim);
		assert_int_equal(tastes.lync, rows[i].lync);
		parsed_stop(&p);
	}
}

/* n-1, n, n+1 of the parts of one multipart. */
static void counts_parts(void **state)
{
	struct arena arena;

	(void)state;
	arena_start(&arena, TRANSLATE_ARENA_MAX);
	for (int parts = TRANSLATE_PARTS_MAX - 1; parts <= TRANSLATE_PARTS_MAX + 1; parts++) {
		struct buffer body;
		struct slice got;

		buffer_start(&body, 64 * 1024);
		for (int i = 0; i < parts; i++)
			buffer_add(&body, SLICE("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"));
		buffer_add(&body, SLICE("--b--\r\n"));
		got = from_sip(&arena, SLICE("Content-Type: multipart/mixed;boundary=b"),
		               buffer_slice(&body));
		assert_int_equal(slice_equal(got, SLICE("refuse 415")), parts > TRANSLATE_PARTS_MAX);
		buffer_stop(&body);
		arena_reset(&arena);
	}
	arena_stop(&arena);
}

/* Whatever allocation fails, the answer is "no memory", never half a message. */
static void ends_without_memory_in_order(void **state)
{
	static const char text[] = "<message type='chat' id='i1'><subject>s</subject><body>Hi</body>"
	                           "<request xmlns='urn:xmpp:receipts'/></message>";
	struct arena arena;

	(void)state;
	for (size_t limit = 64; limit < 8192; limit += 64) {
		struct translate_refusal refusal;
		struct translate_content content;
		struct translate_im im;
		struct xmpp_element *stanza;
		struct reason reason;
		enum translate_answer answer;
		char document[256];

		snprintf(document, sizeof document, "<message xmlns='jabber:server'%s",
		         text + sizeof "<message" - 1);
		arena_start(&arena, 64 * 1024);
		assert_int_equal(xmpp_document_read(parser, slice_of(document), &arena, &stanza, &reason),
		                 RESULT_OK);
		arena.limit = arena.used + limit;
		answer = translate_im_from_stanza(stanza, &arena, &im, &refusal);
		if (answer == TRANSLATE_OK)
			answer = translate_im_to_sip(&im, (struct translate_tastes){ .cpim = true },
			                             SLICE("sip:a@b"), SLICE("sip:c@d"), &arena, &content);
		assert_true(answer == TRANSLATE_OK || answer == TRANSLATE_NO_MEMORY);
		if (answer == TRANSLATE_OK)
			assert_true(content.body.len > 100);
		arena_stop(&arena);
	}
}

static int start(void **state)
{
	(void)state;
	parser = xmpp_parser_new();
	return parser ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	xmpp_parser_free(&parser);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_each_row),
		cmocka_unit_test(learns_what_the_other_side_reads),
		cmocka_unit_test(counts_parts),
		cmocka_unit_test(ends_without_memory_in_order),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
