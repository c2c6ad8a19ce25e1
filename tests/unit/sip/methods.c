/* What may cross the edge: every method, from both sides, in and out of a dialog. */
#include "tests/unit/sip/edge.h"

enum { P = SIP_CROSS_PASS, N = SIP_CROSS_405, D = SIP_CROSS_481 };

static const struct {
	const char *method;
	int outside, outside_in, inside, inside_in;
	bool in_allow;
} rows[] = {
	{ "INVITE", P, P, P, P, true },
	{ "ACK", D, P, D, P, true },
	{ "CANCEL", D, D, D, D, true },
	{ "BYE", D, P, D, P, true },
	{ "OPTIONS", P, P, P, P, true },
	{ "MESSAGE", P, P, P, P, true },
	{ "SUBSCRIBE", P, P, P, P, true },
	{ "NOTIFY", D, P, D, P, true },
	{ "INFO", D, P, D, P, true },
	{ "UPDATE", D, P, D, P, true },
	{ "PRACK", D, P, D, P, true },
	{ "REFER", N, N, N, N, false },
	{ "REGISTER", N, N, N, N, false },
	{ "PUBLISH", N, N, N, N, false },
	{ "BENOTIFY", N, N, N, N, false },
	{ "SERVICE", N, N, N, N, false },
	{ "NEGOTIATE", N, N, N, N, false },
	{ "A", N, N, N, N, false },
	{ "invite", N, N, N, N, false },
	{ "INVITES", N, N, N, N, false },
	{ "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF", N, N, N, N, false },
	{ "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG", N, N, N, N, false },
};

static bool is_allowed(struct slice name)
{
	struct slice rest = sip_proxy_allow(), one;

	while (slice_next(&rest, ',', &one))
		if (slice_equal(slice_trim(one), name))
			return true;
	return false;
}

static void says_what_crosses(void **unused)
{
	bool seen[SIP_METHOD_COUNT] = { false };

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum sip_method method = sip_method_of(slice_of(rows[i].method));

		printf("%s\n", rows[i].method);
		seen[method] = true;
		assert_int_equal(sip_proxy_crossing(method, SIP_SIDE_EXTERNAL, false), rows[i].outside);
		assert_int_equal(sip_proxy_crossing(method, SIP_SIDE_EXTERNAL, true), rows[i].outside_in);
		assert_int_equal(sip_proxy_crossing(method, SIP_SIDE_INTERNAL, false), rows[i].inside);
		assert_int_equal(sip_proxy_crossing(method, SIP_SIDE_INTERNAL, true), rows[i].inside_in);
		assert_int_equal(is_allowed(slice_of(rows[i].method)), rows[i].in_allow);
	}
	for (int method = 0; method < SIP_METHOD_COUNT; method++)
		assert_true(seen[method]);
	assert_int_equal(sip_proxy_crossing(SIP_METHOD_COUNT, SIP_SIDE_EXTERNAL, true), SIP_CROSS_405);
}

/* Whatever gets 405 is not in Allow, and whatever may pass is. */
static void allow_tells_the_truth(void **unused)
{
	(void)unused;
	for (int i = 1; i < SIP_METHOD_COUNT; i++) {
		enum sip_method method = (enum sip_method)i;

		assert_int_equal(is_allowed(sip_method_name(method)),
		                 sip_proxy_crossing(method, SIP_SIDE_EXTERNAL, true) != SIP_CROSS_405);
	}
}

static void some_event_packages_cross(void **unused)
{
	static const struct {
		const char *event;
		bool crosses;
	} events[] = {
		{ "presence", true },   { "presence;id=4", true },    { "presence ; id=4", true },
		{ "conference", true }, { "Presence", false },        { "presence.winfo", false },
		{ "pres", false },      { "dialog", false },          { "vnd-microsoft-roaming-self", false },
		{ "reg", false },       { "message-summary", false }, { "refer", false },
	};
	char text[2048];

	(void)unused;
	for (size_t i = 0; i < COUNT(events); i++) {
		struct edge_message e;

		printf("%s\n", events[i].event);
		snprintf(text, sizeof text, SAMPLE_EMPTY("SUBSCRIBE", "Event: %s\r\n"), events[i].event);
		edge_read(&e, slice_of(text));
		assert_int_equal(sip_proxy_event_crosses(e.m), events[i].crosses);
		edge_free(&e);
		snprintf(text, sizeof text, SAMPLE_EMPTY("SUBSCRIBE", "o: %s\r\n"), events[i].event);
		edge_read(&e, slice_of(text));
		assert_int_equal(sip_proxy_event_crosses(e.m), events[i].crosses);
		edge_free(&e);
	}
	struct edge_message e;

	edge_read(&e, SLICE(SAMPLE_EMPTY("SUBSCRIBE", "")));
	assert_false(sip_proxy_event_crosses(e.m));
	edge_free(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_crosses),
		cmocka_unit_test(allow_tells_the_truth),
		cmocka_unit_test(some_event_packages_cross),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
