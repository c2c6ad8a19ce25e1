/* room: one partner takes its part of max-subscriptions, and what is full is said to whoever was refused, and once to the administrator. */
#include "tests/unit/gateway/presence.h"

enum { MOST = 100, PART = MOST / TALKS_ONE_PARTNER_PART };

static void partners(void)
{
	struct model_snapshot *snapshot = world_new(
	        SLICE("on own=contoso.example xmpp=x.example,additional-domains=x2.example "
	              "xmpp=y.example xmpp=z.example xmpp=v.example xmpp=w.example"));

	assert_true(world_set(snapshot, model_snapshot_one(snapshot, MODEL_XMPP_GATEWAY),
	                      SLICE("max-subscriptions"), SLICE("100")));
	policy_image_close(&wire.gateway.image);
	wire.gateway.image = world_image(snapshot, 1);
	wire.gateway.settings = image_xmpp_gateway_at(wire.gateway.image, 0);
	model_snapshot_free(&snapshot);
	talks_image_changed(&wire.gateway);
}

static size_t kept(void) { return wire.gateway.talks->watchings.count + wire.gateway.talks->watcheds.count; }

/* Users of the domain, from that number on, who want to watch Alice. */
static void ask(const char *domain, int first, int count)
{
	for (int i = first; i < first + count; i++)
		wire_xmpp(arena_printf(&wire.arena,
		                       "<presence from='u%d@%s' to='alice@im.contoso.example' "
		                       "type='subscribe'/>",
		                       i, domain));
}

static void expect_full(void)
{
	wire_expect_stanza(wire.stanza_count - 1, "type='error'");
	wire_expect_stanza(wire.stanza_count - 1, "<error type='wait'>");
	wire_expect_stanza(wire.stanza_count - 1, "<resource-constraint");
}

static handle alice_asks(void)
{
	static int number;

	return wire_request_as("SUBSCRIBE", "<sip:alice@contoso.example>;tag=a", "<sip:bob@x.example>",
	                       arena_printf(&wire.arena, "room%d", ++number), 1, SUBSCRIBE, "");
}

/* Who asks when x.example has its part: is there room for him? */
static void one_partner_takes_its_part(void **state)
{
	static const struct {
		const char *name, *domain;
		int user;
		bool has_room;
	} rows[] = {
		{ "one more of the partner", "x.example", PART, false },
		{ "of another domain of the same partner", "x2.example", 0, false },
		{ "who is in already", "x.example", 0, true },
		{ "of another partner", "y.example", 0, true },
	};
	handle server;

	(void)state;
	partners();
	ask("x.example", 0, PART - 1);
	ask("x2.example", PART - 1, 1);
	assert_int_equal(kept(), PART);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		wire_forget();
		print_message("%s\n", rows[i].name);
		ask(rows[i].domain, rows[i].user, 1);
		if (!rows[i].has_room)
			expect_full();
		else
			assert_int_equal(wire.stanza_count, 0);
	}
	assert_int_equal(kept(), PART + 1);
	/* One of ours is told as with everything that passes: later. */
	server = alice_asks();
	assert_int_equal(wire_status(server), 480);
	assert_string_equal(wire_answer_of(server)->reason, "the partner has its part of max-subscriptions");
}

static void who_leaves_makes_room(void **state)
{
	handle server;

	(void)state;
	partners();
	ask("x.example", 0, PART);
	wire_respond(0, 603, "t", "");
	assert_int_equal(kept(), PART - 1);
	server = alice_asks();
	wire_wait(1);
	assert_int_equal(wire_status(server), 200);
	assert_int_equal(kept(), PART);
	wire_forget();
	ask("x.example", PART, 1);
	expect_full();
}

/* An event when it begins, not one a stanza. */
static void it_is_told_once(void **state)
{
	(void)state;
	partners();
	ask("x.example", 0, PART);
	assert_string_equal(wire.report, "");
	ask("x.example", PART, 1);
	wire_expect_in(wire.report, "\"event\":\"limit-reached\"");
	wire_expect_in(wire.report, "\"limit\":\"max-subscriptions of one partner\",\"value\":25,\"partner\":"
	                            "\"x.example\"");
	wire.report[0] = '\0';
	for (int i = 0; i < 100; i++) {
		wire_wait(1);
		ask("x2.example", PART, 1);
	}
	assert_string_equal(wire.report, "");
	wire_wait(60);
	ask("x2.example", PART, 1);
	wire_expect_in(wire.report, "max-subscriptions of one partner");
}

static void all_together_have_their_limit_too(void **state)
{
	static const char *const domains[] = { "x.example", "y.example", "z.example", "v.example" };

	(void)state;
	partners();
	for (size_t i = 0; i < TALKS_ONE_PARTNER_PART; i++)
		ask(domains[i], 0, PART);
	assert_int_equal(kept(), MOST);
	ask("w.example", 0, 1);
	expect_full();
	assert_int_equal(kept(), MOST);
	wire_expect_in(wire.report, "\"limit\":\"max-subscriptions\",\"value\":100,\"partner\":"
	                            "\"all partners together\"");
}

/* What was promised is kept: read back, it counts, and nobody new of that partner finds room. */
static void what_is_read_back_counts(void **state)
{
	(void)state;
	partners();
	ask("x.example", 0, PART);
	wire_wait(1);
	kill_and_start();
	assert_int_equal(kept(), PART);
	partners();
	wire_forget();
	ask("x.example", PART, 1);
	expect_full();
	assert_int_equal(kept(), PART);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(one_partner_takes_its_part),
		TEST(who_leaves_makes_room),
		TEST(it_is_told_once),
		TEST(all_together_have_their_limit_too),
		TEST(what_is_read_back_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
