/* What holds, and for how long: over a stream begun anew, a row that was changed, an answer that was given before. */
#include "tests/unit/xmpp/sides.h"

#define OPENING(more)                                                                                        \
	"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "              \
	"xmlns:db='jabber:server:dialback' version='1.0' " more ">"
#define HEAD              OPENING("from='a.example' to='b.example'")
#define STARTTLS          "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define AUTH              "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>"
#define MESSAGE(from, to) "<message from='" from "' to='" to "'><body>x</body></message>"
#define KEY(from, to)     "<db:result from='" from "' to='" to "'>0123</db:result>"

/* The partner answers our <enable/> once; what it says of it later, nobody asked for. */
static void agrees_to_count_once(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	struct side a = { .ours = { "a.example" },
		          .partners = { "b.example" },
		          .proved = { "b.example" },
		          .terms = NORMAL };
	struct xmpp_stream_settings settings = side_settings(&a, XMPP_INITIATING);

	(void)state;
	settings.is_secure = settings.offers_acks = true;
	side_start(&a, &settings, parser);
	side_hear(
	        &a,
	        SLICE("<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
	              "from='b.example' id='i' version='1.0'><stream:features><mechanisms "
	              "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms>"
	              "</stream:features>"));
	side_hear(&a, SLICE("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"));
	side_hear(
	        &a,
	        SLICE("<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
	              "from='b.example' id='j' version='1.0'><stream:features><sm xmlns='urn:xmpp:sm:3'/>"
	              "</stream:features>"));
	assert_non_null(strstr(side_said(&a), "<enable xmlns='urn:xmpp:sm:3'/>"));
	side_hear(&a, SLICE("<failed xmlns='urn:xmpp:sm:3'/>"));
	assert_string_equal(a.log, "pair a.example b.example ready none sasl|ready");
	side_hear(&a, SLICE("<failed xmlns='urn:xmpp:sm:3'/><enabled xmlns='urn:xmpp:sm:3'/>"));
	assert_string_equal(a.log, "pair a.example b.example ready none sasl|ready");
	assert_false(xmpp_stream_acknowledges(a.stream));
	assert_int_equal(xmpp_stream_counts(a.stream).dropped, 2);
	assert_int_equal(xmpp_stream_phase(a.stream), XMPP_PHASE_OPEN);
	side_stop(&a);
	xmpp_parser_free(&parser);
}

/* ---- receiving ---- */

static void hear_header(struct side *b, struct xmpp_parser *parser, struct xmpp_terms terms, bool is_secure)
{
	struct xmpp_stream_settings settings;

	*b = (struct side){ .ours = { "b.example" },
		            .partners = { "a.example", "a2.example" },
		            .proved = { "a.example" },
		            .terms = terms };
	settings = side_settings(b, XMPP_RECEIVING);
	settings.is_secure = is_secure;
	side_start(b, &settings, parser);
	side_hear(b, SLICE(HEAD));
	buffer_clear(&b->out);
}

/* Who cannot be asked about is told at once, by the error that says to come back (XEP-0220 §2.1.2). */
static void a_key_too_many_is_refused_at_once(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	struct side b;

	(void)state;
	hear_header(&b, parser, LEGACY, true);
	b.asks_nobody = true;
	side_hear(&b, SLICE(KEY("a2.example", "b.example")));
	assert_non_null(strstr(side_said(&b), "resource-constraint"));
	side_stop(&b);
	xmpp_parser_free(&parser);
}

/* RFC 6120 §4.3.3: on the new stream in the same connection nothing holds that was said on the old one, a question neither. */
static void a_verdict_for_the_stream_before_is_none(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	struct side b;

	(void)state;
	for (int by_sasl = 0; by_sasl < 2; by_sasl++) {
		hear_header(&b, parser, LEGACY, by_sasl);
		side_hear(&b, SLICE(KEY("a2.example", "b.example")));
		assert_string_equal(b.log, "verify b.example a2.example 4");
		if (by_sasl) {
			side_hear(&b, SLICE(AUTH));
		} else {
			side_hear(&b, SLICE(STARTTLS));
			xmpp_stream_secured(b.stream, NOW(1000));
		}
		buffer_clear(&b.out);
		b.logged = 0;
		b.log[0] = '\0';
		xmpp_stream_verified(b.stream, SLICE("b.example"), SLICE("a2.example"), slice_of(b.asked_for),
		                     XMPP_KEY_VALID, XMPP_UNDEFINED_CONDITION);
		assert_int_equal(buffer_length(&b.out), 0); /* before our header nothing may be said */
		side_hear(&b, SLICE(HEAD MESSAGE("u@a2.example", "v@b.example")));
		assert_string_equal(b.log, "");
		assert_non_null(strstr(side_said(&b), by_sasl ? "<invalid-from" : "<not-authorized"));
		side_stop(&b);
	}
	xmpp_parser_free(&parser);
}

/* The pair is asked about again on the new stream: the answer about the key of the old one says nothing of the new one's. */
static void a_verdict_is_of_the_key_that_was_asked_about(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	char before[XMPP_STREAM_ID_BYTES];
	struct side b;

	(void)state;
	for (enum xmpp_verdict verdict = XMPP_KEY_VALID; verdict <= XMPP_KEY_UNKNOWN; verdict++) {
		hear_header(&b, parser, LEGACY, false);
		side_hear(&b, SLICE(KEY("a2.example", "b.example")));
		memcpy(before, b.asked_for, sizeof before);
		side_hear(&b, SLICE(STARTTLS));
		xmpp_stream_secured(b.stream, NOW(1000));
		side_hear(&b, SLICE(HEAD KEY("a2.example", "b.example")));
		assert_string_not_equal(b.asked_for, before);
		b.logged = 0;
		b.log[0] = '\0';
		xmpp_stream_verified(b.stream, SLICE("b.example"), SLICE("a2.example"), slice_of(before),
		                     verdict, XMPP_GONE);
		assert_string_equal(b.log, "");
		xmpp_stream_verified(b.stream, SLICE("b.example"), SLICE("a2.example"), slice_of(b.asked_for),
		                     XMPP_KEY_VALID, XMPP_GONE);
		assert_string_equal(b.log, "pair b.example a2.example none ready dialback");
		side_stop(&b);
	}
	xmpp_parser_free(&parser);
}

/* A key is passed on as it came: what is no key is not. */
static void passes_on_no_endless_key(void **state)
{
	static char key[XMPP_KEY_BYTES_MAX + 128];
	struct xmpp_parser *parser = xmpp_parser_new();
	struct side b;

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		int length = snprintf(key, sizeof key, "<db:result from='a2.example' to='b.example'>");

		memset(key + length, 'f', XMPP_KEY_BYTES_MAX + more);
		memcpy(key + length + XMPP_KEY_BYTES_MAX + more, "</db:result>", sizeof "</db:result>");
		hear_header(&b, parser, NORMAL, true);
		side_hear(&b, slice_of(key));
		assert_string_equal(b.log, more ? "" : "verify b.example a2.example 1024");
		if (more)
			assert_non_null(strstr(side_said(&b), "<bad-request"));
		side_stop(&b);
	}
	xmpp_parser_free(&parser);
}

/* Where our header declares no dialback, an answer in its namespace declares it itself. */
static void answers_about_keys_can_be_read_everywhere(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	struct side b;

	(void)state;
	hear_header(&b, parser, STRICT, true);
	side_hear(&b, SLICE("<db:verify from='a.example' to='b.example' id='i'>0123</db:verify>"));
	assert_non_null(strstr(side_said(&b), "<db:verify xmlns:db='jabber:server:dialback'"));
	side_stop(&b);
	xmpp_parser_free(&parser);
}

/* Between the header and <auth/> an administrator has changed the row. */
static void authenticates_by_the_row_of_now(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	struct side b;

	(void)state;
	for (int is_off = 0; is_off < 2; is_off++) {
		hear_header(&b, parser, NORMAL, true);
		if (is_off)
			b.partners[0] = "other.example";
		else
			b.terms = NO_SASL;
		side_hear(&b, SLICE(AUTH));
		assert_non_null(strstr(side_said(&b), "<not-authorized/>"));
		assert_string_equal(b.log, "");
		side_stop(&b);
	}
	xmpp_parser_free(&parser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_to_count_once),
		cmocka_unit_test(a_key_too_many_is_refused_at_once),
		cmocka_unit_test(a_verdict_for_the_stream_before_is_none),
		cmocka_unit_test(a_verdict_is_of_the_key_that_was_asked_about),
		cmocka_unit_test(passes_on_no_endless_key),
		cmocka_unit_test(answers_about_keys_can_be_read_everywhere),
		cmocka_unit_test(authenticates_by_the_row_of_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
