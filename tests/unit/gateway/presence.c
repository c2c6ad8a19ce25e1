/* presence: subscriptions each way by the vectors, and what a restart leaves of them. */
#include "tests/unit/gateway/presence.h"

/* Bob watches Alice, and she lets him. */
static void watch(void)
{
	wire_xmpp(FROM_BOB "type='subscribe'/>");
	wire_respond(0, 200, "at", CONTACT "Expires: 3600\r\n");
	assert_int_equal(wire_status(wire_in_dialog(0, "NOTIFY", "at", 1, ACTIVE PIDF, AWAY)), 200);
}

/* ---- an XMPP user watches one of ours ---- */

static void approval_in_steps(void **state)
{
	(void)state;
	wire_xmpp(FROM_BOB "type='subscribe'/>");
	assert_int_equal(wire.requests[0].method, SIP_SUBSCRIBE);
	assert_string_equal(wire.requests[0].target, "sip:alice@contoso.example");
	wire_expect_in(wire.requests[0].headers,
	               "Event: presence\r\nAccept: application/pidf+xml\r\nExpires: 3600\r\n");
	wire_respond(0, 200, "at", CONTACT "Expires: 3600\r\n");
	assert_int_equal(wire_status(wire_in_dialog(0, "NOTIFY", "at", 1, PENDING PIDF, AWAY)), 200);
	assert_int_equal(wire.stanza_count, 0); /* p16 */
	wire_xmpp(FROM_BOB "type='subscribe'/>");
	assert_int_equal(wire.request_count, 1); /* p22 */
	assert_int_equal(wire_status(wire_in_dialog(0, "NOTIFY", "at", 2, ACTIVE PIDF, AWAY)), 200);
	assert_int_equal(wire.stanza_count, 2);
	wire_expect_stanza(0, "type='subscribed'");
	wire_expect_stanza(1, "from='alice@im.contoso.example/pc' to='bob@x.example'");
	wire_expect_stanza(1, "<show>away</show>");
	assert_int_equal(wire_status(wire_in_dialog(0, "NOTIFY", "at", 3, ACTIVE PIDF, OPEN("phone"))), 200);
	assert_int_equal(wire.stanza_count, 4);
	wire_expect_stanza(2, "alice@im.contoso.example/pc' to='bob@x.example' type='unavailable'");
	wire_expect_stanza(3, "alice@im.contoso.example/phone");
	wire_xmpp(FROM_BOB "type='probe'/>");
	wire_expect_stanza(4, "alice@im.contoso.example/phone");
}

static void an_empty_notify_is_unavailable_once_subscribed(void **state)
{
	(void)state;
	wire_xmpp(FROM_BOB "type='subscribe'/>");
	assert_int_equal(wire_status(wire_in_dialog(0, "NOTIFY", "at", 1, ACTIVE CONTACT, "")),
	                 200);                  /* before the 2xx */
	assert_int_equal(wire.stanza_count, 2); /* p15 */
	wire_expect_stanza(0, "type='subscribed'");
	wire_expect_stanza(1, "type='unavailable'");
	wire_respond(0, 200, "at", CONTACT);
	assert_int_equal(wire.stanza_count, 2);
}

static void bad_notifies_change_nothing(void **state)
{
	static const struct {
		const char *headers, *body;
		int status;
	} rows[] = {
		{ ACTIVE "Content-Type: application/xpidf+xml\r\n", "<x/>", 415 }, /* p17 */
		{ ACTIVE PIDF,
		  "<!DOCTYPE a [<!ENTITY b 'c'>]><presence xmlns='urn:ietf:params:xml:ns:pidf'/>", 400 },
		{ "Event: dialog\r\nSubscription-State: active\r\n", "", 489 },
		{ "Event: presence\r\n", "", 400 },
	};

	(void)state;
	wire_xmpp(FROM_BOB "type='subscribe'/>");
	wire_respond(0, 200, "at", CONTACT);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(wire_status(wire_in_dialog(0, "NOTIFY", "at", (int)i + 1, rows[i].headers,
		                                            rows[i].body)),
		                 rows[i].status);
	assert_int_equal(wire_status(wire_in_dialog(0, "NOTIFY", "other", 9, ACTIVE PIDF, AWAY)), 481);
	assert_int_equal(wire.stanza_count, 0);
}

static void refusal_is_for_good_and_no_presence_is_not(void **state)
{
	(void)state;
	wire_xmpp(FROM_BOB "type='subscribe'/>");
	wire_respond(0, 603, "at", ""); /* p21 */
	wire_expect_stanza(0, "type='unsubscribed'");
	assert_int_equal(wire.gateway.talks->watchings.count, 0);

	wire_xmpp(FROM_BOB "type='subscribe'/>");
	wire_respond(1, 489, "at", "");
	assert_int_equal(wire.stanza_count, 1); /* unknown: neither yes nor no */
	for (int i = 0; i < 20; i++)
		wire_xmpp(FROM_BOB "type='probe'/>");
	wire_wait(3600);
	assert_int_equal(wire.request_count, 2); /* and nobody asks in a loop */
	assert_int_equal(wire.stanza_count, 1);
	wire_wait(28800 + 28800 / 4);
	assert_int_equal(wire.request_count, 3);
}

static void the_watcher_takes_it_back(void **state)
{
	(void)state;
	watch();
	wire_forget();
	wire_xmpp(FROM_BOB "type='unsubscribe'/>");
	wire_expect_stanza(0, "type='unavailable'");
	wire_expect_stanza(1, "type='unsubscribed'");
	assert_int_equal(wire.requests[0].method, SIP_SUBSCRIBE);
	wire_expect_in(wire.requests[0].headers, "Expires: 0\r\n");
	wire_expect_in(wire.requests[0].to, ";tag=at");
	wire_respond(0, 200, NULL, CONTACT);
	assert_int_equal(wire.gateway.talks->watchings.count, 0);
}

static void it_is_refreshed_and_a_forgotten_dialog_is_made_anew(void **state)
{
	(void)state;
	watch();
	wire_forget();
	wire_wait(3600 - 360 - 5);
	assert_int_equal(wire.request_count, 1);
	wire_expect_in(wire.requests[0].to, ";tag=at");
	assert_int_equal(wire.requests[0].cseq, 2);
	wire_respond(0, 481, NULL, ""); /* p20 */
	assert_int_equal(wire.request_count, 2);
	assert_null(strstr(wire.requests[1].to, ";tag="));
	assert_int_equal(wire.stanza_count, 0);
	wire_respond(1, 200, "new", CONTACT);
	assert_int_equal(wire_status(wire_in_dialog(1, "NOTIFY", "new", 1, ACTIVE PIDF, AWAY)), 200);
	assert_int_equal(wire.stanza_count, 1); /* presence, and no second "subscribed" */
	wire_expect_stanza(0, "<show>away</show>");
}

static void too_brief_is_asked_again_with_more(void **state)
{
	(void)state;
	wire_xmpp(FROM_BOB "type='subscribe'/>");
	wire_respond(0, 423, "at", "Min-Expires: 7200\r\n");
	wire_expect_in(wire.requests[1].headers, "Expires: 7200\r\n");
	wire_respond(1, 423, "at", "Min-Expires: 7200\r\n"); /* and not for ever */
	assert_int_equal(wire.request_count, 2);
}

static void trouble_is_waited_out(void **state)
{
	(void)state;
	watch();
	wire_forget();
	wire_wait(3600 - 360 - 5);
	gateway_sip_outcome(&wire.gateway, wire.requests[0].token, NULL, 504, "");
	assert_int_equal(wire.stanza_count, 1);
	wire_expect_stanza(0, "type='unavailable'");
	wire_wait(7);
	assert_int_equal(wire.request_count, 2);
	wire_respond(1, 500, "x", "");
	wire_wait(60);
	assert_int_equal(wire.request_count, 3);
	assert_int_equal(wire.stanza_count, 1); /* said once */
}

static void without_a_sign_of_life_the_dialog_lapses(void **state)
{
	(void)state;
	watch();
	wire_forget();
	for (int hour = 0; hour < 12; hour++) {
		wire_wait(3600);
		for (size_t i = 0; i < wire.request_count; i++)
			if (wire.requests[i].token) {
				wire_respond(i, 200, NULL, CONTACT);
				wire.requests[i].token = 0;
			}
	}
	assert_in_range(wire.request_count, 7, 9); /* eight hours, and no more */
	assert_int_equal(wire.stanza_count, 0);
	wire_forget();
	wire_xmpp(FROM_BOB "type='probe'/>");
	assert_int_equal(wire.request_count, 1);
	wire_respond(0, 200, "again", CONTACT);
	assert_int_equal(wire_status(wire_in_dialog(0, "NOTIFY", "again", 1, ACTIVE PIDF, AWAY)), 200);
	assert_int_equal(wire.stanza_count, 1);
}

/* The partner was away: what he missed is told again, and then what is true. */
static void what_did_not_arrive_is_told_again(void **state)
{
	(void)state;
	watch();
	wire_outcome(0, GATEWAY_FAILED, NULL);
	wire_outcome(1, GATEWAY_FAILED, NULL);
	assert_int_equal(wire_status(wire_in_dialog(0, "NOTIFY", "at", 2, ACTIVE PIDF, OPEN("pc"))), 200);
	wire_outcome(2, GATEWAY_UNKNOWN, NULL);
	wire_forget();
	wire_wait(59);
	assert_int_equal(wire.stanza_count, 0);
	wire_wait(1);
	assert_int_equal(wire.stanza_count, 2);
	wire_expect_stanza(0, "type='subscribed'");
	wire_expect_stanza(1, "alice@im.contoso.example/pc' to='bob@x.example'/>");
	wire_outcome(0, GATEWAY_WRITTEN, NULL);
	wire_outcome(1, GATEWAY_REFUSED, "<presence from='bob@x.example' type='error'/>");
	wire_wait(300);
	assert_int_equal(wire.stanza_count, 2);
}

static void strangers_learn_nothing(void **state)
{
	(void)state;
	wire_xmpp(FROM_BOB "type='probe'/>");
	wire_expect_stanza(0, "type='unsubscribed'");
	wire_xmpp("<presence from='bob@x.example' to='nobody@im.contoso.example' type='probe'/>");
	wire_expect_stanza(1, "type='unsubscribed'");
	assert_int_equal(wire.request_count, 0);
}

static void a_watched_user_survives_a_restart(void **state)
{
	uint32_t before;

	(void)state;
	watch();
	wire_xmpp("<presence from='carol@x.example' to='alice@im.contoso.example' type='subscribe'/>");
	wire_respond(1, 200, "ct", CONTACT);
	before = wire.requests[0].cseq;
	wire_wait(1);
	kill_and_start();
	assert_int_equal(wire.gateway.talks->watchings.count, 2);
	wire_wait(6);
	assert_int_equal(wire.request_count, 2); /* both are refreshed in their dialogs */
	for (size_t i = 0; i < 2; i++) {
		bool is_bob = strstr(wire.requests[i].to, ";tag=at") != NULL;

		assert_true(is_bob || strstr(wire.requests[i].to, ";tag=ct"));
		assert_true(wire.requests[i].cseq > before + 1);
		wire_respond(i, 200, NULL, CONTACT);
		assert_int_equal(
		        wire_status(wire_in_dialog(i, "NOTIFY", is_bob ? "at" : "ct", 7, ACTIVE PIDF, AWAY)),
		        200);
	}
	/* Bob was told before; Carol is told now, for the first time. */
	assert_int_equal(wire.stanza_count, 3);
	for (size_t i = 0; i < 3; i++)
		if (strstr(wire.stanzas[i].text, "bob@x.example"))
			assert_null(strstr(wire.stanzas[i].text, "subscribed"));
}

/* ---- one of ours watches an XMPP user ---- */

static void is_promised_when_it_is_on_the_disk(void **state)
{
	handle server = subscribe("");

	(void)state;
	wire_expect_stanza(0, "from='alice@im.contoso.example' to='bob@x.example' type='subscribe'");
	assert_int_equal(wire_status(server), 0);
	assert_int_equal(wire.request_count, 0);
	wire_wait(1); /* the commit is due within 50 ms */
	assert_int_equal(wire_status(server), 200);
	wire_expect_in(wire_answer_of(server)->headers, "Expires: 3600\r\nContact: <sip:bob@x.example>\r\n");
	assert_int_equal(wire.requests[0].method, SIP_NOTIFY);
	wire_expect_in(wire.requests[0].headers, "Subscription-State: pending;expires=35");
	assert_string_equal(wire.requests[0].body, "");
	assert_string_equal(wire.requests[0].target, "sip:alice@a.example");
}

static void approval_and_presence_are_notified(void **state)
{
	(void)state;
	watch_bob();
	wire_expect_in(wire.requests[1].headers, "Subscription-State: active;expires=");
	assert_string_equal(wire.requests[1].body, ""); /* nothing is known yet */
	wire_xmpp("<presence from='bob@x.example/r1' "
	          "to='alice@im.contoso.example'><show>dnd</show></presence>");
	assert_int_equal(wire.request_count, 3);
	wire_expect_in(wire.requests[2].body,
	               "<tuple id='ID-r1'><status><basic>open</basic><show xmlns='jabber:client'>dnd");
	wire_expect_in(wire.requests[2].body, "entity='pres:bob@x.example'");
	/* While that is under way things change ten times; then it is said once. */
	for (int i = 0; i < 10; i++)
		wire_xmpp("<presence from='bob@x.example/r2' "
		          "to='alice@im.contoso.example'><priority>5</priority></presence>");
	assert_int_equal(wire.request_count, 3);
	wire_respond(2, 200, NULL, "");
	assert_int_equal(wire.request_count, 4);
	wire_expect_in(wire.requests[3].body, "ID-r1");
	wire_expect_in(wire.requests[3].body, "ID-r2");
	wire_respond(3, 200, NULL, "");
	wire_xmpp("<presence from='bob@x.example/r1' to='alice@im.contoso.example' type='unavailable'/>");
	wire_expect_in(wire.requests[4].body,
	               "<tuple id='ID-r1'><status><basic>closed</basic></status></tuple>");
	wire_expect_in(wire.requests[4].body, "ID-r2");
	wire_respond(4, 200, NULL, "");
}

static void a_second_device_asks_nobody_again(void **state)
{
	handle server;

	(void)state;
	watch_bob();
	wire_xmpp("<presence from='bob@x.example/r1' to='alice@im.contoso.example'/>");
	wire_respond(2, 200, NULL, "");
	server = wire_request_as("SUBSCRIBE", "<sip:alice@contoso.example>;tag=b", "<sip:bob@x.example>",
	                         "c2", 1, SUBSCRIBE, "");
	wire_wait(1);
	assert_int_equal(wire_status(server), 200);
	wire_expect_in(wire.requests[3].body, "ID-r1");
	for (size_t i = 1; i < wire.stanza_count; i++)
		assert_null(strstr(wire.stanzas[i].text, "'subscribe'"));
}

static void refusals_of_subscribe(void **state)
{
	(void)state;
	assert_int_equal(wire_status(wire_sip("SUBSCRIBE", "Event: dialog\r\n" CONTACT, "")), 489); /* p25 */
	wire_expect_in(wire.answers[0].headers, "Allow-Events: presence");
	assert_int_equal(
	        wire_status(wire_sip("SUBSCRIBE",
	                             "Event: presence\r\nAccept: application/cpim-pidf+xml\r\n" CONTACT, "")),
	        406);                                                     /* p24 */
	assert_int_equal(wire_status(subscribe("Expires: 10\r\n")), 423); /* p26 */
	wire_expect_in(wire.answers[2].headers, "Min-Expires: 60");
	assert_int_equal(wire_status(wire_sip("SUBSCRIBE", "Event: presence\r\n", "")), 400); /* no Contact */
	assert_int_equal(wire.gateway.talks->watcheds.count, 0);
	assert_int_equal(wire.stanza_count, 0);
}

static void the_contact_says_no(void **state)
{
	(void)state;
	watch_bob();
	wire_xmpp(FROM_BOB "type='unsubscribed'/>");
	wire_expect_in(wire.requests[2].headers, "Subscription-State: terminated;reason=rejected");
	wire_respond(2, 200, NULL, "");
	assert_int_equal(wire.gateway.talks->watcheds.count, 0);
	assert_int_equal(wire.gateway.talks->notifies.count, 0);
}

static void a_contact_that_does_not_exist_ends_it_and_a_server_that_is_away_does_not(void **state)
{
	(void)state;
	subscribe("");
	wire_wait(1);
	wire_respond(0, 200, NULL, "");
	wire_outcome(0, GATEWAY_FAILED, NULL);
	assert_int_equal(wire.request_count, 1); /* pending, and asked again with the refresh */
	wire_wait(1);
	kill_and_start();
	assert_int_equal(wire.gateway.talks->watcheds.count, 1);
	wire_stop();
	wire_start(folder);

	wire_xmpp("<presence from='bob@x.example' to='alice@im.contoso.example' type='error'><error "
	          "type='cancel'>"
	          "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>");
	assert_int_equal(wire.gateway.talks->watcheds.count, 1); /* nobody has been asked yet */
	wire_sip("SUBSCRIBE", SUBSCRIBE, "");
	wire_expect_stanza(0, "type='subscribe'");
	wire_outcome(0, GATEWAY_REFUSED,
	             "<presence from='bob@x.example' to='alice@im.contoso.example' type='error'><error "
	             "type='cancel'>"
	             "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>");
	assert_int_equal(wire.gateway.talks->watcheds.count, 0);
	wire_wait(1);
}

static void our_user_looks_away(void **state)
{
	const struct wire_answer *answer;
	handle server = watch_bob();
	char to[128];

	(void)state;
	answer = wire_answer_of(server);
	snprintf(to, sizeof to, "<sip:bob@x.example>;tag=%s", answer->to_tag);
	server = wire_request_as("SUBSCRIBE", "<sip:alice@contoso.example>;tag=a", to, "c1", 1000,
	                         SUBSCRIBE "Expires: 0\r\n", "");
	wire_wait(1);
	assert_int_equal(wire_status(server), 200);
	wire_expect_in(wire.requests[2].headers, "Subscription-State: terminated;reason=timeout");
	wire_expect_in(wire.requests[2].body, "<basic>closed</basic>");
	wire_respond(2, 200, NULL, "");
	wire_expect_stanza(wire.stanza_count - 1, "to='bob@x.example' type='unavailable'");
	assert_int_equal(wire.gateway.talks->watcheds.count, 1); /* the authorisation stays */
	assert_int_equal(wire.gateway.talks->notifies.count, 0);
	server = wire_request_as("SUBSCRIBE", "<sip:alice@contoso.example>;tag=a", to, "c1", 1001, SUBSCRIBE,
	                         "");
	assert_int_equal(wire_status(server), 481);
}

static void a_dialog_runs_out(void **state)
{
	(void)state;
	watch_bob();
	wire_forget();
	wire_wait(3600);
	assert_int_equal(wire.request_count, 1);
	wire_expect_in(wire.requests[0].headers, "terminated;reason=timeout");
	wire_respond(0, 200, NULL, "");
	assert_int_equal(wire.gateway.talks->notifies.count, 0);
}

static void a_question_is_answered_from_what_is_known_or_after_a_probe(void **state)
{
	handle server;

	(void)state;
	watch_bob();
	wire_wait(1); /* what was promised is on the disk: an answer need not wait */
	wire_forget();
	/* Nothing is known: it waits for what the probe brings. */
	server = wire_request_as("SUBSCRIBE", "<sip:alice@contoso.example>;tag=q", "<sip:bob@x.example>",
	                         "q1", 1, SUBSCRIBE "Expires: 0\r\n", "");
	assert_int_equal(wire_status(server), 200);
	assert_int_equal(wire.request_count, 0);
	wire_wait(1);
	wire_expect_stanza(0, "type='probe'");
	wire_xmpp("<presence from='bob@x.example/r1' to='alice@im.contoso.example'/>");
	assert_int_equal(wire.request_count, 2); /* the device that watches, and the question */
	for (size_t i = 0; i < 2; i++) {
		wire_expect_in(wire.requests[i].body, "ID-r1");
		wire_respond(i, 200, NULL, "");
	}
	/* Now it is. */
	wire_forget();
	server = wire_request_as("SUBSCRIBE", "<sip:alice@contoso.example>;tag=q", "<sip:bob@x.example>",
	                         "q2", 1, SUBSCRIBE "Expires: 0\r\n", "");
	assert_int_equal(wire_status(server), 200);
	wire_expect_in(wire.requests[0].body, "ID-r1");
	wire_expect_in(wire.requests[0].headers, "terminated;reason=timeout");
	wire_respond(0, 200, NULL, "");
	assert_int_equal(wire.stanza_count, 0);
	assert_int_equal(wire.gateway.talks->notifies.count, 1);
}

static void a_watcher_that_is_gone_is_told_no_more(void **state)
{
	(void)state;
	watch_bob();
	wire_xmpp("<presence from='bob@x.example/r1' to='alice@im.contoso.example'/>");
	wire_respond(2, 481, NULL, "");
	assert_int_equal(wire.gateway.talks->notifies.count, 0);
	wire_xmpp("<presence from='bob@x.example/r2' to='alice@im.contoso.example'/>");
	assert_int_equal(wire.request_count, 3);
}

/* What the Access Edge's end took with it ends no subscription, and what changed meanwhile is said when it is back. */
static void the_access_edge_goes_away_and_the_watcher_stays(void **state)
{
	(void)state;
	watch_bob();
	wire_xmpp("<presence from='bob@x.example/r1' to='alice@im.contoso.example'/>");
	wire.access_is_away = true;
	gateway_sip_outcome(&wire.gateway, wire.requests[2].token, NULL, 503, "ended");
	assert_int_equal(wire.gateway.talks->notifies.count, 1);
	wire_xmpp("<presence from='bob@x.example/r1' to='alice@im.contoso.example' type='unavailable'/>");
	wire_wait(3);
	assert_int_equal(wire.request_count, 3);
	wire.access_is_away = false;
	wire_wait(1);
	assert_int_equal(wire.request_count, 4);
	wire_expect_in(wire.requests[3].body, "<basic>closed</basic>");
	wire_respond(3, 200, NULL, "");
	wire_wait(3);
	assert_int_equal(wire.request_count, 4); /* once */
	/* A watcher that is silent is another matter (RFC 6665 4.2.2). */
	wire_xmpp("<presence from='bob@x.example/r1' to='alice@im.contoso.example'/>");
	gateway_sip_outcome(&wire.gateway, wire.requests[4].token, NULL, 504, "no answer came in time");
	assert_int_equal(wire.gateway.talks->notifies.count, 0);
}

static void a_partner_that_is_switched_off_is_closed_and_comes_back(void **state)
{
	(void)state;
	watch_bob();
	wire_xmpp("<presence from='bob@x.example/r1' to='alice@im.contoso.example'/>");
	wire_respond(2, 200, NULL, "");
	wire_forget();
	wire_image("pool", false);
	assert_int_equal(wire.request_count, 1);
	wire_expect_in(wire.requests[0].headers, "Subscription-State: active;expires=");
	wire_expect_in(wire.requests[0].body, "<basic>closed</basic>");
	assert_true(wire.requests[0].is_farewell);
	wire_respond(0, 200, NULL, "");
	wire_image("pool", true);
	wire_wait(1);
	assert_int_equal(wire.stanza_count, 1);
	wire_expect_stanza(0, "type='probe'");
	wire_outcome(0, GATEWAY_WRITTEN, NULL);
	wire_xmpp("<presence from='bob@x.example/r1' to='alice@im.contoso.example'/>");
	wire_expect_in(wire.requests[1].body, "<basic>open</basic>");
	assert_false(wire.requests[1].is_farewell);
	wire_respond(1, 200, NULL, "");
}

static void a_watcher_survives_a_restart(void **state)
{
	handle server = watch_bob();
	char to[128];

	(void)state;
	snprintf(to, sizeof to, "<sip:bob@x.example>;tag=%s", wire_answer_of(server)->to_tag);
	wire_xmpp("<presence from='bob@x.example/r1' to='alice@im.contoso.example'/>");
	wire_respond(2, 200, NULL, "");
	wire_wait(1);
	kill_and_start();
	assert_int_equal(wire.gateway.talks->watcheds.count, 1);
	assert_int_equal(wire.gateway.talks->notifies.count, 1);
	wire_wait(1);
	assert_int_equal(wire.stanza_count, 1); /* asked what is true now, and nobody subscribes again */
	wire_expect_stanza(0, "type='probe'");
	wire_xmpp("<presence from='bob@x.example/r1' "
	          "to='alice@im.contoso.example'><show>away</show></presence>");
	assert_int_equal(wire.request_count, 1);
	assert_true(wire.requests[0].cseq > TALKS_CSEQ_LEAP);
	wire_expect_in(wire.requests[0].headers, "Event: presence;id=7\r\n"); /* RFC 6665 §8.2.1 */
	wire_expect_in(wire.requests[0].from, wire.requests[0].from);         /* the dialog's own */
	wire_expect_in(wire.requests[0].to, "<sip:alice@contoso.example>;tag=a");
	wire_respond(0, 200, NULL, "");
	server = wire_request_as("SUBSCRIBE", "<sip:alice@contoso.example>;tag=a", to, "c1", 2000, SUBSCRIBE,
	                         "");
	wire_wait(1);
	assert_int_equal(wire_status(server), 200);
}

static void both_directions_are_two_halves(void **state)
{
	(void)state;
	watch_bob();
	wire_forget();
	wire_xmpp(FROM_BOB "type='subscribe'/>");
	wire_respond(0, 403, "t", "");
	wire_expect_stanza(0, "type='unsubscribed'");
	assert_int_equal(wire.gateway.talks->watcheds.count, 1);
	assert_int_equal(wire.gateway.talks->notifies.count, 1);
	assert_int_equal(wire.request_count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(approval_in_steps),
		TEST(an_empty_notify_is_unavailable_once_subscribed),
		TEST(bad_notifies_change_nothing),
		TEST(refusal_is_for_good_and_no_presence_is_not),
		TEST(the_watcher_takes_it_back),
		TEST(it_is_refreshed_and_a_forgotten_dialog_is_made_anew),
		TEST(too_brief_is_asked_again_with_more),
		TEST(trouble_is_waited_out),
		TEST(without_a_sign_of_life_the_dialog_lapses),
		TEST(what_did_not_arrive_is_told_again),
		TEST(strangers_learn_nothing),
		TEST(a_watched_user_survives_a_restart),
		TEST(is_promised_when_it_is_on_the_disk),
		TEST(approval_and_presence_are_notified),
		TEST(a_second_device_asks_nobody_again),
		TEST(refusals_of_subscribe),
		TEST(the_contact_says_no),
		TEST(a_contact_that_does_not_exist_ends_it_and_a_server_that_is_away_does_not),
		TEST(our_user_looks_away),
		TEST(a_dialog_runs_out),
		TEST(a_question_is_answered_from_what_is_known_or_after_a_probe),
		TEST(a_watcher_that_is_gone_is_told_no_more),
		TEST(the_access_edge_goes_away_and_the_watcher_stays),
		TEST(a_partner_that_is_switched_off_is_closed_and_comes_back),
		TEST(a_watcher_survives_a_restart),
		TEST(both_directions_are_two_halves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
