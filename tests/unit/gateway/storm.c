/* storm: anything in any order, with the Access Edge and the partner coming and going, and each allocation failing in turn. */
#include <sys/stat.h>

#include "tests/unit/gateway/wire.h"

#define CONTACT "Contact: <sip:alice@a.example>\r\n"

static uint64_t random_state;

static unsigned roll(unsigned sides)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((random_state >> 33) % sides);
}

static const char *person(void)
{
	static const char *const names[] = { "bob", "carol", "dave" };

	return names[roll(3)];
}

static const char *pick(const char *const *words, unsigned count) { return words[roll(count)]; }
#define PICK(...)                                                                                            \
	pick((const char *const[]){ __VA_ARGS__ },                                                           \
	     sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/* ---- what may come ---- */

static void a_stanza(void)
{
	const char *kind = PICK("type='subscribe'", "type='unsubscribe'", "type='probe'", "type='subscribed'",
	                        "type='unsubscribed'", "type='unavailable'", "", "", "type='error'");
	char *text;

	if (roll(2))
		text = arena_printf(
		        &wire.arena,
		        "<presence from='%s@x.example%s' to='alice@im.contoso.example' %s>%s</presence>",
		        person(), PICK("", "/r1", "/r2"), kind,
		        PICK("", "<show>away</show>",
		             "<priority>3</priority><status xml:lang='de'>x</status>",
		             "<error type='cancel'><item-not-found "
		             "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"));
	else
		text = arena_printf(&wire.arena,
		                    "<message from='%s@x.example/r1' to='alice@im.contoso.example' %s "
		                    "id='m'>%s</message>",
		                    person(), PICK("", "type='chat'", "type='groupchat'", "type='error'"),
		                    PICK("<body>Hi</body>", "<body>Hi</body><thread>t1</thread>",
		                         "<composing xmlns='http://jabber.org/protocol/chatstates'/>",
		                         "<gone xmlns='http://jabber.org/protocol/chatstates'/>",
		                         "<body>x</body><request xmlns='urn:xmpp:receipts'/>"));
	wire_xmpp(text);
}

static const char *const bodies[][2] = {
	{ "Content-Type: text/plain\r\n", "Hi" },
	{ "Content-Type: application/xml\r\n",
	  "<KeyboardActivity><status status='type'/></KeyboardActivity>" },
	{ "Content-Type: application/sdp\r\n" CONTACT, "v=0\r\nm=message 5060 sip null\r\n" },
	{ "Event: presence\r\nExpires: 3600\r\n" CONTACT, "" },
	{ "Event: presence\r\nExpires: 0\r\n" CONTACT, "" },
	{ "Event: presence\r\nSubscription-State: active;expires=600\r\nContent-Type: "
	  "application/pidf+xml\r\n" CONTACT,
	  "<presence xmlns='urn:ietf:params:xml:ns:pidf'><tuple "
	  "id='ID-a'><status><basic>open</basic></status></tuple></presence>" },
	{ "Event: presence\r\nSubscription-State: terminated;reason=rejected\r\n", "" },
	{ "Event: presence\r\nSubscription-State: terminated;reason=probation;retry-after=5\r\n", "" },
	{ "", "" },
};

static void a_request(void)
{
	const char *method = PICK("MESSAGE", "MESSAGE", "INVITE", "SUBSCRIBE", "SUBSCRIBE", "NOTIFY",
	                          "NOTIFY", "INFO", "BYE");
	size_t body = roll(sizeof bodies / sizeof *bodies);
	char *to = arena_printf(&wire.arena, "<sip:%s@x.example>", person());

	/* In one of the dialogs that there are, or in none. */
	if (roll(2) && wire.request_count) {
		size_t at = roll((unsigned)wire.request_count);

		wire_in_dialog(at, method, "at", (int)wire.next_server + 1, bodies[body][0], bodies[body][1]);
		return;
	}
	if (roll(2) && wire.answer_count) {
		const struct wire_answer *answer = &wire.answers[roll((unsigned)wire.answer_count)];

		if (answer->to_tag[0])
			to = arena_printf(&wire.arena, "<sip:%s@x.example>;tag=%s", person(), answer->to_tag);
	}
	wire_request_as(method, "<sip:alice@contoso.example>;tag=a", to, PICK("c1", "c2", "c3"),
	                (int)wire.next_server + 1, bodies[body][0], bodies[body][1]);
}

static void an_answer(void)
{
	static const int statuses[] = { 200, 200, 200, 202, 403, 404, 405, 423,
		                        480, 481, 488, 489, 500, 504, 603 };
	size_t at = wire.request_count ? roll((unsigned)wire.request_count) : 0;

	if (!wire.request_count || !wire.requests[at].token || wire.requests[at].method == SIP_ACK)
		return;
	if (roll(8) == 0)
		gateway_sip_outcome(&wire.gateway, wire.requests[at].token, NULL, 504, "");
	else
		wire_respond(at, statuses[roll(sizeof statuses / sizeof *statuses)], "at",
		             roll(4) ? CONTACT : "Min-Expires: 7200\r\n");
	wire.requests[at].token = 0;
}

static void an_outcome(void)
{
	size_t at = wire.stanza_count ? roll((unsigned)wire.stanza_count) : 0;
	enum gateway_delivery delivery = (enum gateway_delivery)roll(5);

	if (!wire.stanza_count || !wire.stanzas[at].token)
		return;
	wire_outcome(at, delivery,
	             delivery == GATEWAY_REFUSED
	                     ? "<message from='bob@x.example' type='error'><error type='wait'>"
	                       "<recipient-unavailable "
	                       "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
	                     : NULL);
	wire.stanzas[at].token = 0;
}

static void something(void)
{
	switch (roll(16)) {
	case 0: wire.access_is_away = !wire.access_is_away; break;
	case 1: wire_wait(roll(20) ? 1 : 700); break;
	case 2: gateway_xmpp_reachable(&wire.gateway, SLICE("x.example"), roll(2)); break;
	case 3: wire_image(PICK("auto", "page", "session", "pool"), roll(4) > 0); break;
	case 4:
	case 5:
	case 6:
	case 7: a_stanza(); break;
	case 8:
	case 9:
	case 10:
	case 11: a_request(); break;
	case 12:
	case 13: an_answer(); break;
	default: an_outcome(); break;
	}
}

/* Everything that is under way ends; then the sums must be whole. */
static void settle(void)
{
	const struct talks *t = wire.gateway.talks;

	wire.access_is_away = true;
	for (int round = 0; round < 20 && t->asks.count; round++) {
		for (size_t i = 0; i < wire.request_count; i++) {
			uint64_t token = wire.requests[i].token;

			wire.requests[i].token = 0;
			if (token)
				gateway_sip_outcome(&wire.gateway, token, NULL, 504, "");
		}
		for (size_t i = 0; i < wire.stanza_count; i++)
			if (wire.stanzas[i].token) {
				wire_outcome(i, GATEWAY_WRITTEN, NULL);
				wire.stanzas[i].token = 0;
			}
	}
	assert_int_equal(t->asks.count, 0);
	assert_int_equal(t->to_xmpp.in, t->to_xmpp.delivered + t->to_xmpp.refused + t->to_xmpp.failed);
	assert_int_equal(t->to_sip.in, t->to_sip.delivered + t->to_sip.refused + t->to_sip.failed);
}

static void run(uint64_t seed, int events)
{
	random_state = seed;
	for (int i = 0; i < events; i++)
		something();
}

static void any_order_keeps_the_sums_whole(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 150; seed++) {
		wire_start(NULL);
		run(seed, 400);
		settle();
		wire_stop();
		wire_free();
	}
}

/* Killed between any two events: what is read back is in order, and goes on. */
static void a_restart_between_any_two_events(void **state)
{
	char folder[64] = "/tmp/parley-storm-XXXXXX", path[96];

	(void)state;
	assert_non_null(mkdtemp(folder));
	wire_start(folder);
	for (uint64_t seed = 1; seed <= 25; seed++) {
		size_t watchings, watcheds;

		run(seed, 60);
		settle();
		wire_wait(2);
		watchings = wire.gateway.talks->watchings.count;
		watcheds = wire.gateway.talks->watcheds.count;
		wire_stop();
		wire_start(folder);
		assert_int_equal(wire.gateway.talks->watchings.count, watchings);
		assert_int_equal(wire.gateway.talks->watcheds.count, watcheds);
	}
	wire_stop();
	wire_free();
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/gateway.db%s", folder,
		         (const char *const[]){ "", "-wal", "-shm" }[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(folder), 0);
}

#ifdef PARLEY_FAULTS
enum { STORM_EVENTS = 60, FAULTS_MAX = 14 };

/* At each event of a storm, each of the first allocations that it makes. */
static void each_allocation_fails_in_turn(void **state)
{
	(void)state;
	for (int n = 0; n < STORM_EVENTS * FAULTS_MAX; n++) {
		wire_start(NULL);
		random_state = 5;
		for (int i = 0; i < STORM_EVENTS; i++) {
			wire.fails_at = i == n % STORM_EVENTS ? 1 + (unsigned long)(n / STORM_EVENTS) : 0;
			something();
		}
		wire.fails_at = 0;
		settle();
		wire_stop();
		wire_free();
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order_keeps_the_sums_whole),
		cmocka_unit_test(a_restart_between_any_two_events),
#ifdef PARLEY_FAULTS
		cmocka_unit_test(each_allocation_fails_in_turn),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
