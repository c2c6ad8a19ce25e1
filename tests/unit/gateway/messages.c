/* messages: every message has exactly one outcome, each way, and the counts say so. */
#include "tests/unit/gateway/wire.h"

#define TEXT "Content-Type: text/plain\r\n"
#define BOB                                                                                                  \
	"<message from='bob@x.example/r' to='alice@im.contoso.example' type='chat' "                         \
	"id='i1'><body>Hi</body></message>"

static const char error_from_bare[] =
        "<message from='bob@x.example' to='alice@im.contoso.example' type='error' id='i'><error "
        "type='cancel'>"
        "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>";

static int start(void **state)
{
	(void)state;
	wire_start(NULL);
	return 0;
}

static int stop(void **state)
{
	const struct talks *t = wire.gateway.talks;

	(void)state;
	/* To the unit: what came in is delivered, refused or failed. */
	assert_int_equal(t->to_xmpp.in, t->to_xmpp.delivered + t->to_xmpp.refused + t->to_xmpp.failed);
	assert_int_equal(t->to_sip.in, t->to_sip.delivered + t->to_sip.refused + t->to_sip.failed);
	assert_int_equal(t->asks.count, 0);
	/* And every stanza is acknowledged in the end, once (wire.h). */
	for (handle receipt = 1; receipt <= wire.next_receipt; receipt++)
		assert_true(wire.is_handled[receipt]);
	wire_stop();
	wire_free();
	return 0;
}

/* ---- from SIP ---- */

static void the_answer_waits_for_the_outcome(void **state)
{
	static const struct {
		enum gateway_delivery delivery;
		const char *error;
		int status, diagnostic;
		const char *reason;
	} rows[] = { { GATEWAY_DELIVERED, NULL, 200, 0, "" },
		     { GATEWAY_WRITTEN, NULL, 200, 0, "" },
		     { GATEWAY_REFUSED, error_from_bare, 604, 0, "" }, /* the partner's own word */
		     { GATEWAY_UNKNOWN, NULL, 504, 1034, "nobody knows what became of it: the test says so" },
		     { GATEWAY_FAILED, NULL, 504, 1046, "the test says so" },
		     { GATEWAY_CROWDED, NULL, 480, 1007, "the test says so" } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		handle server = wire_sip("MESSAGE", TEXT, "Hi");

		assert_int_equal(wire_status(server), 0);
		wire_expect_stanza(i, "from='alice@im.contoso.example' to='bob@x.example'");
		wire_expect_stanza(i, "<body>Hi</body>");
		assert_string_equal(wire.stanzas[i].local, "im.contoso.example");
		assert_string_equal(wire.stanzas[i].remote, "x.example");
		wire_outcome(i, rows[i].delivery, rows[i].error);
		assert_int_equal(wire_status(server), rows[i].status);
		assert_int_equal(wire_answer_of(server)->diagnostic, rows[i].diagnostic);
		assert_string_equal(wire_answer_of(server)->reason, rows[i].reason);
	}
	assert_int_equal(wire.stanza_count, sizeof rows / sizeof *rows);
}

static void what_cannot_cross_is_refused_at_once(void **state)
{
	(void)state;
	assert_int_equal(wire_status(wire_sip("MESSAGE", "Content-Type: application/sdp\r\n", "v=0")), 415);
	wire_expect_in(wire.answers[0].headers, "Accept: text/plain");
	assert_int_equal(wire_status(wire_sip("MESSAGE", TEXT, "a\x01")), 400);
	assert_int_equal(wire_status(wire_request_as("MESSAGE", "<sip:alice@other.example>;tag=a",
	                                             "<sip:bob@x.example>", "c9", 1, TEXT, "Hi")),
	                 403);
	assert_int_equal(wire.stanza_count, 0);
}

static void a_message_beyond_the_partners_limit_is_refused(void **state)
{
	char *body = malloc(70000);

	(void)state;
	memset(body, 'a', 65536);
	body[65536] = '\0';
	/* n: crosses; the wire of this test keeps less, so it is looked at by its answer alone */
	memset(body, 'a', 65537);
	body[65537] = '\0';
	assert_int_equal(wire_status(wire_sip("MESSAGE", TEXT, body)), 413);
	assert_int_equal(wire.stanza_count, 0);
	free(body);
}

/* The body that goes out is counted: each of these line ends becomes two bytes. */
static void line_ends_count_as_they_go_out(void **state)
{
	static char lines[33001];
	char *xml;

	(void)state;
	memset(lines, '\n', sizeof lines - 1);
	xml = arena_printf(&wire.arena,
	                   "<message from='bob@x.example/r' to='alice@im.contoso.example' "
	                   "id='i1'><body>a%sa</body></message>",
	                   lines);
	wire_xmpp(xml);
	assert_int_equal(wire.request_count, 0);
	wire_expect_stanza(0, "<policy-violation ");
}

static void a_notice_is_answered_at_once(void **state)
{
	(void)state;
	assert_int_equal(wire_status(wire_sip("MESSAGE", "Content-Type: application/im-iscomposing+xml\r\n",
	                                      "<isComposing xmlns='urn:ietf:params:xml:ns:im-iscomposing'>"
	                                      "<state>active</state></isComposing>")),
	                 200);
	wire_expect_stanza(0, "<composing ");
	assert_int_equal(wire.stanzas[0].token, 0);
}

/* ---- from XMPP, each on its own ---- */

static void success_is_silent_and_failure_is_said_once(void **state)
{
	(void)state;
	wire_xmpp(BOB);
	assert_int_equal(wire.requests[0].method, SIP_MESSAGE);
	assert_string_equal(wire.requests[0].target, "sip:alice@contoso.example");
	wire_expect_in(wire.requests[0].from, "<sip:bob@x.example;gr=r>;tag=");
	assert_string_equal(wire.requests[0].body, "Hi");
	wire_respond(0, 200, "t", "");
	assert_int_equal(wire.stanza_count, 0);

	wire_xmpp(BOB);
	wire_respond(1, 404, "t", "");
	assert_int_equal(wire.stanza_count, 1);
	wire_expect_stanza(0, "type='error'");
	wire_expect_stanza(0, "id='i1'");
	wire_expect_stanza(0, "to='bob@x.example/r'");
	wire_expect_stanza(0, "<item-not-found ");

	wire_xmpp(BOB);
	gateway_sip_outcome(&wire.gateway, wire.requests[2].token, NULL, 504, "no answer came in time");
	wire_expect_stanza(1, "<remote-server-timeout ");
	assert_true(wire.requests[1].cseq > wire.requests[0].cseq);
	assert_string_equal(wire.requests[1].call_id, wire.requests[0].call_id);
}

/* What is acknowledged is ours to answer for: nothing is before the next hop has it, or its sender the error. */
static void what_the_pool_has_not_taken_is_not_acknowledged(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		wire_xmpp(BOB);
	wire_respond(1, 100, "t", "");
	assert_false(wire.is_handled[1] || wire.is_handled[2] || wire.is_handled[3]);
	wire_respond(2, 200, "t", "");
	assert_false(wire.is_handled[1] || wire.is_handled[2]);
	assert_true(wire.is_handled[3]);
	wire_respond(0, 404, "t", "");
	assert_int_equal(wire.stanza_count, 1);
	assert_true(wire.is_handled[1] && !wire.is_handled[2]);
	/* It never answers: its transaction's end is the outcome. */
	gateway_sip_outcome(&wire.gateway, wire.requests[1].token, NULL, 408, "nobody answered");
	assert_int_equal(wire.stanza_count, 2);
	assert_true(wire.is_handled[2]);
	/* Nothing waits for an answer: at once. */
	wire_xmpp("<iq from='x.example' to='im.contoso.example' type='get' id='p'><ping "
	          "xmlns='urn:xmpp:ping'/></iq>");
	assert_true(wire.is_handled[4]);
}

static void an_access_edge_that_is_away_is_an_error(void **state)
{
	(void)state;
	wire.access_is_away = true;
	wire_xmpp(BOB);
	wire_expect_stanza(0, "<remote-server-timeout ");
}

static void what_has_no_counterpart_is_returned(void **state)
{
	(void)state;
	wire_xmpp("<message from='bob@x.example/r' to='alice@im.contoso.example' type='groupchat' "
	          "id='g'><body>Hi</body></message>");
	wire_expect_stanza(0, "<feature-not-implemented ");
	wire_xmpp("<message from='bob@x.example/r' to='im.contoso.example' id='g'><body>Hi</body></message>");
	wire_expect_stanza(1, "<service-unavailable ");
	wire_xmpp("<message from='bob@x.example/r' to='alice@im.contoso.example' type='error' "
	          "id='g'><body>Hi</body>"
	          "<error type='cancel'/></message>");
	assert_int_equal(wire.stanza_count, 2); /* an error about an error: nothing */
	assert_int_equal(wire.request_count, 0);
}

static void typing_is_said_to_who_has_shown_to_read_it(void **state)
{
	static const char composing[] =
	        "<message from='bob@x.example/r' to='alice@im.contoso.example' type='chat'>"
	        "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>";

	(void)state;
	wire_xmpp(composing);
	assert_int_equal(wire.request_count, 0);
	wire_sip("MESSAGE", TEXT "Accept: text/plain, application/im-iscomposing+xml\r\n", "Hi");
	wire_outcome(0, GATEWAY_WRITTEN, NULL);
	wire_xmpp(composing);
	wire_xmpp(composing); /* no news within its refresh */
	assert_int_equal(wire.request_count, 1);
	wire_expect_in(wire.requests[0].body, "<state>active</state>");
	wire_respond(0, 415, "t", "");
	assert_int_equal(wire.stanza_count, 1);
	wire_wait(61);
	wire_xmpp(composing);
	assert_int_equal(wire.request_count, 2);
	wire_respond(1, 200, "t", "");
}

static void words_are_logged_only_where_the_settings_say_so(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		wire.logs_bodies = i == 1;
		wire_image("pool", true);
		wire.report[0] = '\0';
		wire_sip("MESSAGE", TEXT, "secret words");
		wire_outcome(wire.stanza_count - 1, GATEWAY_WRITTEN, NULL);
		assert_int_equal(strstr(wire.report, "secret words") != NULL, i);
		wire.report[0] = '\0';
		wire_xmpp(BOB);
		assert_int_equal(strstr(wire.report, "\"Hi\"") != NULL, i);
		wire_respond(wire.request_count - 1, 404, "t", "");
		wire_expect_in(wire.report, "message-returned"); /* and this one says no words in any case */
		wire_expect_in(wire.report, "item-not-found");
		assert_null(strstr(wire.report, "\"Hi\""));
	}
}

/* ---- sessions ---- */

#define CONTACT "Contact: <sip:alice@contoso.example;opaque=user:epid:x;gruu>\r\n"
#define ROUTES  "Record-Route: <sip:b.example;lr>, <sip:c.example;lr>\r\n"
#define CAROL                                                                                                \
	"<message from='carol@x.example/r' to='alice@im.contoso.example' id='i1'><body>Hi</body></message>"
#define SDP "Content-Type: application/sdp\r\n"
#define OFFER                                                                                                \
	"v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\ns=s\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=message 5060 sip "       \
	"sip:alice@contoso.example\r\n"

static void auto_learns_sessions_from_a_refusal(void **state)
{
	(void)state;
	wire_xmpp(BOB);
	assert_int_equal(wire.requests[0].method, SIP_MESSAGE);
	wire_respond(0, 405, "t", "");
	assert_int_equal(wire.stanza_count, 0);
	assert_int_equal(wire.requests[1].method, SIP_INVITE);
	wire_expect_in(wire.requests[1].body, "m=message 5060 sip sip:bob@x.example;gr=r\r\n");
	wire_xmpp(BOB); /* waits for the session */
	assert_int_equal(wire.request_count, 2);
	wire_respond(1, 200, "at", CONTACT ROUTES);
	assert_int_equal(wire.request_count, 5);
	assert_int_equal(wire.requests[2].method, SIP_ACK);
	assert_int_equal(wire.requests[2].cseq, wire.requests[1].cseq);
	assert_string_equal(wire.requests[2].target, "sip:alice@contoso.example;opaque=user:epid:x;gruu");
	wire_expect_in(wire.requests[2].headers,
	               "Route: <sip:c.example;lr>\r\nRoute: <sip:b.example;lr>\r\n");
	assert_int_equal(wire.requests[3].method, SIP_MESSAGE);
	assert_int_equal(wire.requests[3].cseq, wire.requests[1].cseq + 1);
	wire_expect_in(wire.requests[3].to, ";tag=at");
	wire_respond(3, 200, NULL, "");
	wire_respond(4, 480, NULL, "");
	wire_expect_stanza(0, "<recipient-unavailable ");

	/* A pair never seen begins with what was learnt. */
	wire_xmpp("<message from='carol@x.example/r' to='alice@im.contoso.example' "
	          "id='i1'><body>Hi</body></message>");
	assert_int_equal(wire.requests[5].method, SIP_INVITE);
	wire_respond(5, 603, "at", "");
	wire_expect_stanza(1, "<recipient-unavailable ");
}

static void a_pool_without_sessions_is_learnt_too(void **state)
{
	(void)state;
	wire_xmpp(BOB);
	wire_respond(0, 488, "t", "");
	wire_respond(1, 488, "t", ""); /* neither way: the first word was the last */
	wire_expect_stanza(0, "<not-acceptable ");
	assert_int_equal(wire.request_count, 2);
}

static void the_mode_of_the_partner_is_obeyed(void **state)
{
	(void)state;
	wire_image("session", true);
	wire_xmpp(BOB);
	assert_int_equal(wire.requests[0].method, SIP_INVITE);
	wire_respond(0, 405, "t", "");
	wire_expect_stanza(0, "<feature-not-implemented ");
	wire_image("page", true);
	wire_xmpp(BOB);
	assert_int_equal(wire.requests[1].method, SIP_MESSAGE);
	wire_respond(1, 405, "t", "");
	wire_expect_stanza(1, "<feature-not-implemented ");
	assert_int_equal(wire.request_count, 2);
}

static void their_session_carries_both_ways(void **state)
{
	handle invite = wire_request_as("INVITE", "<sip:alice@contoso.example>;tag=a;epid=7",
	                                "<sip:bob@x.example>", "s1", 1, CONTACT ROUTES SDP, OFFER);
	const struct wire_answer *answer = wire_answer_of(invite);
	char to[128], tag[64];
	handle server;

	(void)state;
	assert_int_equal(answer->status, 200);
	wire_expect_in(answer->body, "m=message 5060 sip sip:bob@x.example\r\n");
	snprintf(tag, sizeof tag, "%s", answer->to_tag);
	snprintf(to, sizeof to, "<sip:bob@x.example>;tag=%s", tag);

	server = wire_request_as("MESSAGE", "<sip:alice@contoso.example>;tag=a;epid=7", to, "s1", 2, TEXT,
	                         "Hi");
	wire_expect_stanza(0, "type='chat'");
	wire_outcome(0, GATEWAY_DELIVERED, NULL);
	assert_int_equal(wire_status(server), 200);
	server = wire_request_as("INFO", "<sip:alice@contoso.example>;tag=a;epid=7", to, "s1", 3,
	                         "Content-Type: application/xml\r\n",
	                         "<KeyboardActivity><status status='type'/></KeyboardActivity>");
	assert_int_equal(wire_status(server), 200);
	wire_expect_stanza(1, "<composing ");

	/* The answer goes in their dialog, to their device, by their routes, with their epid. */
	wire_xmpp(BOB);
	assert_int_equal(wire.requests[0].method, SIP_MESSAGE);
	wire_expect_in(wire.requests[0].to, ";tag=a;epid=7");
	wire_expect_in(wire.requests[0].headers,
	               "Route: <sip:b.example;lr>\r\nRoute: <sip:c.example;lr>\r\n");
	assert_string_equal(wire.requests[0].call_id, "s1");
	wire_respond(0, 200, NULL, "");
	wire_xmpp("<message from='bob@x.example/r' to='alice@im.contoso.example' type='chat'>"
	          "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>");
	assert_int_equal(wire.requests[1].method, SIP_INFO);
	wire_respond(1, 200, NULL, "");

	/* A stranger's dialog is not this one; a CSeq that falls is not believed. */
	assert_int_equal(wire_status(wire_request_as("BYE", "<sip:alice@contoso.example>;tag=other", to, "s1",
	                                             9, "", "")),
	                 481);
	assert_int_equal(wire_status(wire_request_as("BYE", "<sip:alice@contoso.example>;tag=a;epid=7", to,
	                                             "s1", 2, "", "")),
	                 500);
	assert_int_equal(wire_status(wire_request_as("BYE", "<sip:alice@contoso.example>;tag=a;epid=7", to,
	                                             "s1", 9, "", "")),
	                 200);
	wire_expect_stanza(2, "<gone ");
	assert_int_equal(wire_status(wire_request_as("MESSAGE", "<sip:alice@contoso.example>;tag=a;epid=7",
	                                             to, "s1", 10, TEXT, "Hi")),
	                 481);
}

static void calls_are_refused(void **state)
{
	(void)state;
	assert_int_equal(wire_status(wire_request_as("INVITE", "<sip:alice@contoso.example>;tag=a",
	                                             "<sip:bob@x.example>", "s1", 1, CONTACT SDP,
	                                             "v=0\r\nm=audio 5060 RTP/AVP 0\r\n")),
	                 488);
	assert_int_equal(wire_status(wire_request_as("INVITE", "<sip:alice@contoso.example>;tag=a",
	                                             "<sip:bob@x.example>", "s2", 1, CONTACT, "")),
	                 488);
}

static void a_silent_session_ends(void **state)
{
	handle invite = wire_request_as("INVITE", "<sip:alice@contoso.example>;tag=a", "<sip:bob@x.example>",
	                                "s1", 1, CONTACT SDP, OFFER);

	(void)state;
	assert_int_equal(wire_status(invite), 200);
	wire_wait(TALKS_SESSION_IDLE_MS / 1000 - 1);
	assert_int_equal(wire.request_count, 0);
	wire_wait(1);
	assert_int_equal(wire.requests[0].method, SIP_BYE);
	wire_respond(0, 200, NULL, "");
	assert_int_equal(wire.gateway.talks->sessions.count, 0);
}

static void gone_ends_the_session(void **state)
{
	(void)state;
	wire_request_as("INVITE", "<sip:alice@contoso.example>;tag=a", "<sip:bob@x.example>", "s1", 1,
	                CONTACT SDP, OFFER);
	wire_xmpp("<message from='bob@x.example/r' to='alice@im.contoso.example' type='chat'>"
	          "<gone xmlns='http://jabber.org/protocol/chatstates'/></message>");
	assert_int_equal(wire.requests[0].method, SIP_BYE);
	wire_respond(0, 200, NULL, "");
	assert_int_equal(wire.stanza_count, 0);
}

/* They have restarted: 481 to what we say in it. The letter goes in a session of its own, once. */
static void a_session_they_have_forgotten_is_made_anew(void **state)
{
	(void)state;
	wire_request_as("INVITE", "<sip:alice@contoso.example>;tag=a", "<sip:bob@x.example>", "s1", 1,
	                CONTACT SDP, OFFER);
	wire_xmpp(BOB);
	wire_respond(0, 481, NULL, "");
	assert_int_equal(wire.requests[1].method, SIP_INVITE);
	wire_respond(1, 200, "at", CONTACT);
	assert_int_equal(wire.requests[3].method, SIP_MESSAGE);
	wire_respond(3, 481, NULL, "");
	assert_int_equal(wire.request_count, 4);
	wire_expect_stanza(0, "<item-not-found ");
}

static void a_queue_has_an_end(void **state)
{
	(void)state;
	wire_image("session", true);
	for (int i = 0; i < TALKS_QUEUE_MAX + 1; i++)
		wire_xmpp(BOB);
	assert_int_equal(wire.stanza_count, 1);
	wire_expect_stanza(0, "<recipient-unavailable ");
	wire_respond(0, 500, "t", "");
	assert_int_equal(wire.stanza_count, TALKS_QUEUE_MAX + 1);
}

/* Of the dialog that nobody wants: ACK with the number of its INVITE, then BYE, along its own routes. */
static void expect_ended(size_t invite, size_t at, const char *tag, const char *target)
{
	assert_int_equal(wire.request_count, at + 2);
	assert_int_equal(wire.requests[at].method, SIP_ACK);
	assert_int_equal(wire.requests[at].cseq, wire.requests[invite].cseq);
	assert_int_equal(wire.requests[at + 1].method, SIP_BYE);
	assert_int_equal(wire.requests[at + 1].cseq, wire.requests[invite].cseq + 1);
	for (size_t i = at; i < at + 2; i++) {
		assert_string_equal(wire.requests[i].target, target);
		assert_string_equal(wire.requests[i].call_id, wire.requests[invite].call_id);
		assert_string_equal(wire.requests[i].from, wire.requests[invite].from);
		wire_expect_in(wire.requests[i].to, tag);
		assert_true(wire.requests[i].is_farewell); /* also when the partner has been turned off */
	}
}

#define GRUU "sip:alice@contoso.example;opaque=user:epid:x;gruu"

static void an_acceptance_that_comes_too_late_is_acknowledged_and_ended(void **state)
{
	(void)state;
	wire_image("session", true);
	wire_xmpp(BOB);
	wire_image("session", false);
	assert_int_equal(wire.cancelled, 1);
	wire_expect_stanza(0, "<forbidden ");
	wire_expect_stanza(0, "turned off");
	wire_expect_in(wire.report, "turned off");
	assert_int_equal(wire.gateway.talks->sessions.count, 0);
	wire_respond(0, 200, "at", CONTACT ROUTES); /* it had crossed the CANCEL */
	expect_ended(0, 1, ";tag=at", GRUU);
	wire_expect_in(wire.requests[2].headers,
	               "Route: <sip:c.example;lr>\r\nRoute: <sip:b.example;lr>\r\n");
	wire_respond(2, 200, NULL, "");
	assert_int_equal(wire.request_count, 3);
	assert_int_equal(wire.gateway.talks->asks.count, 0);

	wire_accept_again(0, "fork", ""); /* long after; and nothing says where it is but To */
	expect_ended(0, 3, ";tag=fork", "sip:alice@contoso.example");
	wire_respond(4, 200, NULL, "");
}

static void a_repeated_acceptance_is_acknowledged_again_and_a_forked_one_ended(void **state)
{
	(void)state;
	wire_image("session", true);
	wire_xmpp(BOB);
	wire_respond(0, 200, "at", CONTACT ROUTES);
	assert_int_equal(wire.request_count, 3); /* ACK, MESSAGE */
	wire_accept_again(0, "at", CONTACT ROUTES);
	assert_int_equal(wire.request_count, 4);
	assert_int_equal(wire.requests[3].method, SIP_ACK);
	assert_int_equal(wire.requests[3].cseq, wire.requests[0].cseq);
	wire_accept_again(0, "other", CONTACT);
	expect_ended(0, 4, ";tag=other", GRUU);
	assert_int_equal(wire.gateway.talks->sessions.count, 1);
	wire_xmpp(BOB);
	wire_expect_in(wire.requests[6].to, ";tag=at"); /* goes on in the first one */
	wire_respond(2, 200, NULL, "");
	wire_respond(5, 200, NULL, "");
	wire_respond(6, 200, NULL, "");
}

static void an_acceptance_without_a_contact_is_ended_too(void **state)
{
	(void)state;
	wire_image("session", true);
	wire_xmpp(BOB);
	wire_respond(0, 200, "at", "");
	expect_ended(0, 1, ";tag=at", "sip:alice@contoso.example");
	wire_expect_stanza(0, "<internal-server-error ");
	wire_respond(2, 200, NULL, "");
}

static void a_partner_that_is_cut_ends_its_sessions(void **state)
{
	(void)state;
	wire_request_as("INVITE", "<sip:alice@contoso.example>;tag=a", "<sip:bob@x.example>", "s1", 1,
	                CONTACT SDP, OFFER);
	wire_image("pool", false);
	assert_int_equal(wire.requests[0].method, SIP_BYE);
	assert_true(wire.requests[0].is_farewell);
	assert_int_equal(wire.gateway.talks->sessions.count, 0);
	wire_image("pool", true);
	assert_int_equal(wire.request_count, 1);
	wire_respond(0, 200, NULL, "");
}

static void a_drain_ends_sessions_and_takes_nothing_new(void **state)
{
	(void)state;
	wire_request_as("INVITE", "<sip:alice@contoso.example>;tag=a", "<sip:bob@x.example>", "s1", 1,
	                CONTACT SDP, OFFER);
	wire_xmpp(BOB);
	wire_respond(0, 200, NULL, "");
	wire_image("session", true);
	wire_xmpp(CAROL);
	assert_int_equal(wire.requests[1].method, SIP_INVITE);
	wire.gateway.is_draining = true;
	talks_drain(&wire.gateway);
	assert_int_equal(wire.requests[2].method, SIP_BYE);
	wire_expect_stanza(0, "<gone ");
	wire_xmpp(BOB);
	wire_expect_stanza(1, "<resource-constraint ");
	wire_expect_stanza(1, "type='wait'");
	assert_int_equal(wire.request_count, 3);
	/* What waits for an answer is still said when that comes, and then there is nothing more. */
	wire_respond(1, 200, "at", CONTACT);
	assert_int_equal(wire.requests[3].method, SIP_ACK);
	assert_int_equal(wire.requests[4].method, SIP_MESSAGE);
	assert_int_equal(wire.requests[5].method, SIP_BYE);
	assert_false(talks_are_quiet(&wire.gateway));
	wire_respond(2, 200, NULL, "");
	wire_respond(4, 200, NULL, "");
	wire_respond(5, 200, NULL, "");
	assert_true(talks_are_quiet(&wire.gateway));
	assert_int_equal(wire.gateway.talks->sessions.count, 0);
}

static void session_tables_are_whole(void **state)
{
	size_t written = 0;

	(void)state;
	for (int s = 0; s < SESSION_STATES; s++)
		for (int e = 0; e < SESSION_EVENTS; e++) {
			struct session_step step = session_step((enum session_state)s, (enum session_event)e);

			written += step.is_written;
			/* A letter at hand is queued or sent, wherever a session lives. */
			if (e == SESSION_LETTER && s != SESSION_ENDED)
				assert_true(step.actions & (SESSION_DO_QUEUE | SESSION_DO_SEND));
			/* Nothing waits in a session that ends without having been up. */
			if (step.next == SESSION_ENDED && (s == SESSION_INVITING || s == SESSION_LEAVING))
				assert_true(step.actions & (SESSION_DO_RETURN_QUEUE | SESSION_DO_SEND_QUEUE));
			if (s == SESSION_ENDED)
				assert_false(step.is_written);
		}
	assert_int_equal(written, 20);
}

/* ---- iq ---- */

static void our_domain_says_what_it_is(void **state)
{
	(void)state;
	wire_xmpp("<iq from='x.example' to='im.contoso.example' type='get' id='1'><query "
	          "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	wire_expect_stanza(0, "category='gateway'");
	wire_xmpp("<iq from='x.example' to='im.contoso.example' type='get' id='2'><ping "
	          "xmlns='urn:xmpp:ping'/></iq>");
	wire_expect_stanza(1, "type='result'");
	wire_xmpp("<iq from='bob@x.example/r' to='alice@im.contoso.example' type='set' id='3'><jingle "
	          "xmlns='urn:xmpp:jingle:1'/></iq>");
	wire_expect_stanza(2, "<service-unavailable ");
	wire_xmpp("<iq from='bob@x.example/r' to='alice@im.contoso.example' type='result' id='4'/>");
	assert_int_equal(wire.stanza_count, 3);
}

/* ---- any order of things ---- */

static void counts_balance_whatever_happens(void **state)
{
	uint64_t random = 7;

	(void)state;
	for (int round = 0; round < 300; round++) {
		random = random * UINT64_C(6364136223846793005) + 1;
		switch (random >> 33 & 7) {
		case 0: wire_xmpp(BOB); break;
		case 1: wire_sip("MESSAGE", TEXT, "Hi"); break;
		case 2: wire_sip("MESSAGE", "Content-Type: image/png\r\n", "x"); break;
		case 3:
			wire_xmpp("<message from='bob@x.example/r' to='alice@im.contoso.example' "
			          "type='groupchat'><body>x</body></message>");
			break;
		case 4:
			for (size_t i = 0; i < wire.stanza_count; i++)
				if (wire.stanzas[i].token) {
					wire_outcome(i,
					             (enum gateway_delivery)(random >> 40 & 1
					                                             ? GATEWAY_DELIVERED
					                                             : GATEWAY_FAILED),
					             NULL);
					wire.stanzas[i].token = 0;
				}
			break;
		case 5:
			for (size_t i = 0; i < wire.request_count; i++)
				if (wire.requests[i].token && wire.requests[i].method != SIP_ACK) {
					static const int answers[] = { 200, 405, 481, 500, 404, 488 };
					int status = answers[(random >> 40) % 6];

					wire_respond(i, status, "t", status < 300 ? CONTACT : "");
					wire.requests[i].token = 0;
				}
			break;
		case 6: wire.access_is_away = !wire.access_is_away; break;
		default:
			wire_request_as("INVITE", "<sip:alice@contoso.example>;tag=a", "<sip:bob@x.example>",
			                arena_printf(&wire.arena, "s%d", round), 1, CONTACT SDP, OFFER);
		}
	}
	wire.access_is_away = false;
	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < wire.stanza_count; i++)
			if (wire.stanzas[i].token) {
				wire_outcome(i, GATEWAY_WRITTEN, NULL);
				wire.stanzas[i].token = 0;
			}
		for (size_t i = 0; i < wire.request_count; i++)
			if (wire.requests[i].token && wire.requests[i].method != SIP_ACK) {
				uint64_t token = wire.requests[i].token;

				wire.requests[i].token = 0;
				gateway_sip_outcome(&wire.gateway, token, NULL, 504, "");
			}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(the_answer_waits_for_the_outcome),
		TEST(what_cannot_cross_is_refused_at_once),
		TEST(a_message_beyond_the_partners_limit_is_refused),
		TEST(line_ends_count_as_they_go_out),
		TEST(a_notice_is_answered_at_once),
		TEST(success_is_silent_and_failure_is_said_once),
		TEST(what_the_pool_has_not_taken_is_not_acknowledged),
		TEST(an_access_edge_that_is_away_is_an_error),
		TEST(what_has_no_counterpart_is_returned),
		TEST(typing_is_said_to_who_has_shown_to_read_it),
		TEST(words_are_logged_only_where_the_settings_say_so),
		TEST(auto_learns_sessions_from_a_refusal),
		TEST(a_pool_without_sessions_is_learnt_too),
		TEST(the_mode_of_the_partner_is_obeyed),
		TEST(their_session_carries_both_ways),
		TEST(calls_are_refused),
		TEST(a_silent_session_ends),
		TEST(gone_ends_the_session),
		TEST(a_session_they_have_forgotten_is_made_anew),
		TEST(a_queue_has_an_end),
		TEST(an_acceptance_that_comes_too_late_is_acknowledged_and_ended),
		TEST(a_repeated_acceptance_is_acknowledged_again_and_a_forked_one_ended),
		TEST(an_acceptance_without_a_contact_is_ended_too),
		TEST(a_partner_that_is_cut_ends_its_sessions),
		TEST(a_drain_ends_sessions_and_takes_nothing_new),
		TEST(session_tables_are_whole),
		TEST(our_domain_says_what_it_is),
		TEST(counts_balance_whatever_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
