/* One stream machine is talked to by somebody who should not be believed. */
#include "tests/unit/xmpp/sides.h"

/* ---- a receiving machine and somebody who should not be believed ---- */

#define OPENING(from, to)                                                                                    \
	"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "              \
	"xmlns:db='jabber:server:dialback' from='" from "' to='" to "' id='x1' version='1.0'>"
#define HEAD              OPENING("a.example", "b.example")
#define STARTTLS          "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define AUTH(authzid)     "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>" authzid "</auth>"
#define MESSAGE(from, to) "<message from='" from "' to='" to "'><body>x</body></message>"

enum stage {
	PLAIN,
	SECURE,
	PROVED
}; /* where the peer's words begin: nothing said; TLS done; authenticated and greeted again */

static const struct {
	const char *behaviour;
	enum stage stage;
	struct xmpp_terms terms;
	struct slice heard;
	const char *log;  /* what the owner was told, from there on */
	const char *said; /* this stands in what was answered */
	enum xmpp_stream_error error;
	bool is_open;
} strangers[] = {
	{ "greets_a_partner", PLAIN, NORMAL, SLICE(HEAD), "",
	  "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/>", XMPP_STREAM_NONE, true },
	{ "offers_external_to_whom_it_fits", SECURE, NORMAL, SLICE(HEAD), "",
	  "<mechanism>EXTERNAL</mechanism>", XMPP_STREAM_NONE, true },
	{ "offers_dialback_with_errors", SECURE, NORMAL, SLICE(HEAD), "",
	  "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>", XMPP_STREAM_NONE, true },
	{ "offers_optional_tls_and_dialback", PLAIN, LEGACY, SLICE(HEAD), "",
	  "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><dialback", XMPP_STREAM_NONE, true },
	{ "says_its_limits", SECURE, NORMAL, SLICE(HEAD), "", "<max-bytes>65536</max-bytes>",
	  XMPP_STREAM_NONE, true },
	{ "knows_its_hosts", PLAIN, NORMAL, SLICE(OPENING("a.example", "x.example")), "", "<host-unknown",
	  XMPP_STREAM_HOST_UNKNOWN, false },
	{ "knows_its_partners", PLAIN, NORMAL, SLICE(OPENING("x.example", "b.example")), "",
	  "<policy-violation", XMPP_STREAM_POLICY_VIOLATION, false },
	{ "wants_an_address", PLAIN, NORMAL, SLICE(OPENING("a.example", "")), "", "<improper-addressing",
	  XMPP_STREAM_IMPROPER_ADDRESSING, false },
	{ "wants_an_address_that_is_one", PLAIN, NORMAL, SLICE(OPENING("a@a.example", "b.example")), "",
	  "<improper-addressing", XMPP_STREAM_IMPROPER_ADDRESSING, false },
	{ "speaks_to_servers_only", PLAIN, NORMAL,
	  SLICE("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
	        "to='b.example' "
	        "version='1.0'>"),
	  "", "<invalid-namespace", XMPP_STREAM_INVALID_NAMESPACE, false },
	{ "knows_what_a_stream_is", PLAIN, NORMAL, SLICE("<a:b xmlns:a='http://etherx.jabber.org/streams'>"),
	  "", "<bad-format", XMPP_STREAM_BAD_FORMAT, false },
	{ "wants_version_1", PLAIN, NORMAL,
	  SLICE("<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
	        "from='a.example' "
	        "to='b.example'>"),
	  "", "<unsupported-version", XMPP_STREAM_UNSUPPORTED_VERSION, false },
	{ "refuses_a_document_type", PLAIN, NORMAL, SLICE("<!DOCTYPE x>" HEAD), "", "<restricted-xml",
	  XMPP_STREAM_RESTRICTED_XML, false },
	{ "refuses_what_is_too_long_before_proof", PLAIN, NORMAL, SLICE_NONE, "", "<policy-violation",
	  XMPP_STREAM_POLICY_VIOLATION, false },
	{ "refuses_bytes_behind_starttls", PLAIN, NORMAL,
	  SLICE(HEAD STARTTLS MESSAGE("u@a.example", "v@b.example")), "", "<policy-violation",
	  XMPP_STREAM_POLICY_VIOLATION, false },
	{ "refuses_a_blank_behind_starttls", PLAIN, NORMAL, SLICE(HEAD STARTTLS " "), "", "<policy-violation",
	  XMPP_STREAM_POLICY_VIOLATION, false },
	{ "refuses_tls_twice", SECURE, NORMAL, SLICE(HEAD STARTTLS), "", "<policy-violation",
	  XMPP_STREAM_POLICY_VIOLATION, false },
	{ "refuses_tls_where_it_is_off", PLAIN, CLEAR, SLICE(HEAD STARTTLS), "",
	  "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", XMPP_STREAM_NONE, false },
	{ "refuses_sasl_in_the_clear", PLAIN, NORMAL, SLICE(HEAD AUTH("=")), "", "<encryption-required/>",
	  XMPP_STREAM_NONE, true },
	{ "refuses_another_mechanism", SECURE, NORMAL,
	  SLICE(HEAD "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>"), "",
	  "<invalid-mechanism/>", XMPP_STREAM_NONE, true },
	{ "refuses_another_ones_name", SECURE, NORMAL, SLICE(HEAD AUTH("eC5leGFtcGxl")), "",
	  "<invalid-authzid/>", XMPP_STREAM_NONE, true },
	{ "refuses_what_is_no_base64", SECURE, NORMAL, SLICE(HEAD AUTH("!!")), "", "<invalid-authzid/>",
	  XMPP_STREAM_NONE, true },
	{ "has_patience_for_two_attempts", SECURE, NORMAL, SLICE(HEAD AUTH("!!") AUTH("!!")), "",
	  "<policy-violation", XMPP_STREAM_POLICY_VIOLATION, false },
	{ "takes_the_domain_as_name", SECURE, NORMAL, SLICE(HEAD AUTH("QS5FeGFtcGxl")),
	  "pair b.example a.example none ready sasl", "<success", XMPP_STREAM_NONE, true },
	{ "takes_no_name", SECURE, NORMAL, SLICE(HEAD AUTH("")), "pair b.example a.example none ready sasl",
	  "<success", XMPP_STREAM_NONE, true },
	{ "refuses_sasl_where_it_is_off", SECURE, NO_SASL, SLICE(HEAD AUTH("=")), "", "<not-authorized/>",
	  XMPP_STREAM_NONE, true },
	{ "refuses_sasl_twice", PROVED, NORMAL, SLICE(AUTH("=")), "", "<policy-violation",
	  XMPP_STREAM_POLICY_VIOLATION, false },
	{ "lets_no_stanza_in_before_proof", SECURE, NORMAL, SLICE(HEAD MESSAGE("u@a.example", "v@b.example")),
	  "", "<not-authorized", XMPP_STREAM_NOT_AUTHORIZED, false },
	{ "takes_a_stanza", PROVED, NORMAL, SLICE(MESSAGE("u@a.example", "v@b.example")),
	  "message u@a.example to v@b.example #0", "", XMPP_STREAM_NONE, true },
	{ "takes_a_stanza_in_other_spelling", PROVED, NORMAL, SLICE(MESSAGE("U@A.Example./x", "V@B.EXAMPLE")),
	  "message u@a.example to v@b.example #0", "", XMPP_STREAM_NONE, true },
	{ "refuses_another_sender", PROVED, NORMAL, SLICE(MESSAGE("u@x.example", "v@b.example")), "",
	  "<invalid-from", XMPP_STREAM_INVALID_FROM, false },
	{ "refuses_a_sub_domain", PROVED, NORMAL, SLICE(MESSAGE("u@sub.a.example", "v@b.example")), "",
	  "<invalid-from", XMPP_STREAM_INVALID_FROM, false },
	{ "refuses_our_own_domain_as_sender", PROVED, NORMAL, SLICE(MESSAGE("u@b.example", "v@b.example")),
	  "", "<invalid-from", XMPP_STREAM_INVALID_FROM, false },
	{ "refuses_another_of_our_domains", PROVED, NORMAL, SLICE(MESSAGE("u@a.example", "v@b2.example")), "",
	  "<invalid-from", XMPP_STREAM_INVALID_FROM, false },
	{ "refuses_a_stanza_to_others", PROVED, NORMAL, SLICE(MESSAGE("u@a.example", "v@x.example")), "",
	  "<host-unknown", XMPP_STREAM_HOST_UNKNOWN, false },
	{ "refuses_no_sender", PROVED, NORMAL, SLICE("<message to='v@b.example'/>"), "",
	  "<improper-addressing", XMPP_STREAM_IMPROPER_ADDRESSING, false },
	{ "refuses_no_recipient", PROVED, NORMAL, SLICE("<message from='u@a.example'/>"), "",
	  "<improper-addressing", XMPP_STREAM_IMPROPER_ADDRESSING, false },
	{ "refuses_two_at_signs", PROVED, NORMAL, SLICE(MESSAGE("u@a.example@x.example", "v@b.example")), "",
	  "<improper-addressing", XMPP_STREAM_IMPROPER_ADDRESSING, false },
	{ "refuses_a_line_end_in_an_address", PROVED, NORMAL,
	  SLICE(MESSAGE("u@a.example/&#13;&#10;X: y", "v@b.example")), "", "<improper-addressing",
	  XMPP_STREAM_IMPROPER_ADDRESSING, false },
	{ "refuses_a_stanza_of_clients", PROVED, NORMAL,
	  SLICE("<message xmlns='jabber:client' from='u@a.example' to='v@b.example'/>"), "",
	  "<unsupported-stanza-type", XMPP_STREAM_UNSUPPORTED_STANZA_TYPE, false },
	{ "refuses_compression", SECURE, NORMAL,
	  SLICE(HEAD
	        "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>"),
	  "", "<unsupported-stanza-type", XMPP_STREAM_UNSUPPORTED_STANZA_TYPE, false },
	{ "drops_an_answer_nobody_asked_for", SECURE, NORMAL,
	  SLICE(HEAD "<db:result from='a.example' to='b.example' type='valid'/>"
	             "<db:verify from='a.example' to='b.example' id='1' type='valid'/>"),
	  "", "", XMPP_STREAM_NONE, true },
	{ "lets_nobody_in_by_an_answer", SECURE, NORMAL,
	  SLICE(HEAD "<db:result from='a.example' to='b.example' type='valid'/>" MESSAGE("u@a.example",
	                                                                                 "v@b.example")),
	  "", "<not-authorized", XMPP_STREAM_NOT_AUTHORIZED, false },
	{ "wants_tls_before_dialback", PLAIN, NORMAL,
	  SLICE(HEAD "<db:result from='a.example' to='b.example'>0123</db:result>"), "",
	  "type='error'><error type='modify'><policy-violation", XMPP_STREAM_NONE, true },
	{ "wants_a_certificate_where_dialback_is_off", SECURE, STRICT,
	  SLICE(HEAD "<db:result from='p.example' to='b.example'>0123</db:result>"), "", "<not-authorized",
	  XMPP_STREAM_NONE, true },
	{ "verifies_for_its_own_domains_only", SECURE, NORMAL,
	  SLICE(HEAD "<db:result from='a.example' to='x.example'>0123</db:result>"), "", "<item-not-found",
	  XMPP_STREAM_NONE, true },
	{ "verifies_for_partners_only", SECURE, NORMAL,
	  SLICE(HEAD "<db:result from='x.example' to='b.example'>0123</db:result>"), "", "<not-allowed",
	  XMPP_STREAM_NONE, true },
	{ "asks_once_about_a_pair", SECURE, NORMAL,
	  SLICE(HEAD "<db:result from='p.example' to='b.example'>0123</db:result>"
	             "<db:result from='p.example' to='b.example'>4567</db:result>"),
	  "verify b.example p.example 4", "", XMPP_STREAM_NONE, true },
	{ "lets_no_stanza_in_while_it_asks", SECURE, NORMAL,
	  SLICE(HEAD "<db:result from='p.example' to='b.example'>0123</db:result>" MESSAGE("u@p.example",
	                                                                                   "v@b.example")),
	  "verify b.example p.example 4|pair b.example p.example none refused none: no domain is proved on "
	  "this stream yet",
	  "<not-authorized", XMPP_STREAM_NOT_AUTHORIZED, false },
	{ "refuses_dialback_between_no_domains", SECURE, NORMAL,
	  SLICE(HEAD "<db:result from='a@a.example'>1</db:result>"), "", "<improper-addressing",
	  XMPP_STREAM_IMPROPER_ADDRESSING, false },
	{ "says_no_to_resuming", PROVED, NORMAL, SLICE("<resume xmlns='urn:xmpp:sm:3' h='1' previd='x'/>"),
	  "", "<failed xmlns='urn:xmpp:sm:3'><item-not-found", XMPP_STREAM_NONE, true },
	{ "says_no_to_counting_where_it_is_off", PROVED, NORMAL, SLICE("<enable xmlns='urn:xmpp:sm:3'/>"), "",
	  "<failed xmlns='urn:xmpp:sm:3'><unexpected-request", XMPP_STREAM_NONE, true },
	{ "hears_an_error", PROVED, NORMAL,
	  SLICE("<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text "
	        "xmlns='urn:ietf:params:xml:ns:xmpp-streams'>\x1b[31m</text></stream:error>"),
	  "", "<not-well-formed", XMPP_STREAM_NOT_WELL_FORMED, false },
	{ "hears_an_error_that_is_one", PROVED, NORMAL,
	  SLICE("<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"), "",
	  "</stream:stream>", XMPP_STREAM_CONFLICT, false },
	{ "hears_the_end", PROVED, NORMAL, SLICE("</stream:stream>"), "", "</stream:stream>",
	  XMPP_STREAM_NONE, false },
};

static void begin_stranger(struct side *b, size_t row, struct xmpp_parser *parser)
{
	*b = (struct side){ .ours = { "b.example", "b2.example" },
		            .partners = { "a.example", "p.example" },
		            .proved = { "a.example" },
		            .terms = strangers[row].terms };

	struct xmpp_stream_settings settings = side_settings(b, XMPP_RECEIVING);

	settings.is_secure = strangers[row].stage != PLAIN;
	side_start(b, &settings, parser);
	if (strangers[row].stage == PROVED) {
		side_hear(b, SLICE(HEAD AUTH("=")));
		side_hear(b, SLICE(HEAD));
		assert_int_equal(xmpp_stream_phase(b->stream), XMPP_PHASE_OPEN);
	}
	b->logged = 0;
	b->log[0] = '\0';
	buffer_clear(&b->out);
}

static void is_not_fooled(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	static char long_element[XMPP_BYTES_BEFORE_IDENTITY_MAX + 1024];
	size_t n = (size_t)snprintf(long_element, sizeof long_element, "%s<x>", HEAD);

	(void)state;
	memset(long_element + n, 'x', sizeof long_element - n);
	for (size_t i = 0; i < COUNT(strangers); i++)
		for (size_t step = 0; step < 2; step++) {
			struct slice heard = strangers[i].heard.ptr
			                             ? strangers[i].heard
			                             : (struct slice){ long_element, sizeof long_element };
			struct side b;
			bool is_open;

			/* Bytes behind <starttls/> that come later never reach the stream: the owner is in the handshake. */
			if (step == 1 && strstr(strangers[i].behaviour, "behind_starttls"))
				continue;
			begin_stranger(&b, i, parser);
			if (step == 0)
				side_hear(&b, heard);
			else
				for (size_t at = 0; at < heard.len; at++) {
					static struct buffer in;

					if (at == 0)
						buffer_start(&in, OUT_MAX);
					buffer_add(&in, (struct slice){ heard.ptr + at, 1 });
					xmpp_stream_received(b.stream, &in, NOW(1000));
					if (at + 1 == heard.len)
						buffer_stop(&in);
				}
			is_open = xmpp_stream_phase(b.stream) != XMPP_PHASE_CLOSED;
			if (strcmp(b.log, strangers[i].log) != 0 ||
			    !strstr(side_said(&b), strangers[i].said) ||
			    xmpp_stream_end(b.stream)->error != strangers[i].error ||
			    is_open != strangers[i].is_open)
				fail_msg("%s (%zu):\n  log  %s\n  said %s\n  end  %.*s %s open %d",
				         strangers[i].behaviour, step, b.log, side_said(&b),
				         SLICE_ARG(xmpp_stream_error_name(xmpp_stream_end(b.stream)->error)),
				         xmpp_stream_end(b.stream)->words, is_open);
			if (!is_open)
				assert_non_null(strstr(side_said(&b), "</stream:stream>"));
			side_stop(&b);
		}
	xmpp_parser_free(&parser);
}

#define DOUBTED ((struct xmpp_terms){ XMPP_TLS_IF_OFFERED, true, false, false })

/* ---- an initiating machine and a server that should not be believed ---- */

static const struct {
	const char *behaviour;
	struct xmpp_terms terms; /* DOUBTED: STRICT, and the certificate proves nothing */
	bool is_secure;
	struct slice heard;
	const char *log, *said, *words;
} servers[] = {
	{ "asks_for_tls", NORMAL, false,
	  SLICE(OPENING("b.example", "a.example") "<stream:features>" STARTTLS "</stream:features>"), "",
	  STARTTLS, "" },
	{ "refuses_another_domains_answer", NORMAL, false, SLICE(OPENING("x.example", "a.example")),
	  "pair a.example b.example refused none none: the server answers for another domain",
	  "<invalid-from", "the server answers for another domain" },
	{ "refuses_a_stripped_tls", NORMAL, false,
	  SLICE(OPENING("b.example",
	                "a.example") "<stream:features><dialback xmlns='urn:xmpp:features:dialback'/>"
	                             "</stream:features>"),
	  "pair a.example b.example refused none none: the partner offers no TLS, which its row requires",
	  "</stream:stream>", "the partner offers no TLS, which its row requires" },
	{ "refuses_a_refused_tls", NORMAL, false,
	  SLICE(OPENING("b.example", "a.example") "<stream:features>" STARTTLS "</stream:features>"
	                                          "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
	  "pair a.example b.example refused none none: the partner cannot do TLS", "</stream:stream>",
	  "the partner cannot do TLS" },
	{ "refuses_bytes_behind_proceed", NORMAL, false,
	  SLICE(OPENING("b.example",
	                "a.example") "<stream:features>" STARTTLS "</stream:features>"
	                             "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><stream:features/>"),
	  "pair a.example b.example refused none none: bytes came between <proceed/> and TLS",
	  "<policy-violation", "bytes came between <proceed/> and TLS" },
	{ "falls_back_to_dialback", NORMAL, true,
	  SLICE("<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
	        "xmlns:db='jabber:server:dialback' from='b.example' id='D60000229F' version='1.0'>"
	        "<stream:features><mechanisms "
	        "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism>"
	        "</mechanisms></stream:features>"
	        "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>"),
	  "ready", "mechanism='EXTERNAL'>YS5leGFtcGxl</auth><db:result from='a.example' to='b.example'>",
	  "" },
	{ "does_not_fall_back_where_it_may_not", STRICT, true,
	  SLICE(OPENING("b.example",
	                "a.example") "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
	                             "<mechanism>EXTERNAL</mechanism></mechanisms></stream:features>"
	                             "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"),
	  "pair a.example b.example refused none none: the partner refused our certificate (SASL EXTERNAL)",
	  "</stream:stream>", "the partner refused our certificate (SASL EXTERNAL)" },
	{ "does_not_believe_a_result_before_its_key", NORMAL, true,
	  SLICE(OPENING("b.example",
	                "a.example") "<db:result from='b.example' to='a.example' type='valid'/>"),
	  "", "<?xml", "" },
	{ "takes_no_stanza_on_its_own_stream", NORMAL, true,
	  SLICE(OPENING("b.example", "a.example") "<stream:features/>" MESSAGE("v@b.example", "u@a.example")),
	  "ready|pair a.example b.example refused none none: no domain is proved on this stream yet",
	  "<not-authorized", "no domain is proved on this stream yet" },
	{ "weighs_the_certificate_of_direct_tls", DOUBTED, true, SLICE(""),
	  "pair a.example b.example refused none none: the partner's certificate does not name its domain",
	  "</stream:stream>", "the partner's certificate does not name its domain" },
	{ "hears_that_it_is_not_wanted", NORMAL, true,
	  SLICE(OPENING(
	          "b.example",
	          "a.example") "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
	                       "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>go&#xa;away</text>"
	                       "</stream:error>"),
	  "pair a.example b.example refused none none: not-authorized: go\\x0aaway", "</stream:stream>",
	  "not-authorized: go\\x0aaway" },
};

static void is_not_fooled_by_a_server(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();

	(void)state;
	for (size_t i = 0; i < COUNT(servers); i++) {
		struct side a = { .ours = { "a.example" },
			          .partners = { "b.example" },
			          .proved = { "b.example" },
			          .terms = servers[i].terms };
		struct xmpp_stream_settings settings = side_settings(&a, XMPP_INITIATING);

		settings.is_secure = servers[i].is_secure;
		if (servers[i].terms.tls == XMPP_TLS_IF_OFFERED)
			a.proved[0] = NULL;
		side_start(&a, &settings, parser);
		side_hear(&a, servers[i].heard);
		if (strcmp(a.log, servers[i].log) != 0 || !strstr(side_said(&a), servers[i].said) ||
		    strcmp(xmpp_stream_end(a.stream)->words, servers[i].words) != 0)
			fail_msg("%s:\n  log  %s\n  said %s\n  end  %s", servers[i].behaviour, a.log,
			         side_said(&a), xmpp_stream_end(a.stream)->words);
		side_stop(&a);
	}
	xmpp_parser_free(&parser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_not_fooled),
		cmocka_unit_test(is_not_fooled_by_a_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
