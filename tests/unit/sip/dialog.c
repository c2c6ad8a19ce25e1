/* A dialog is between its parties: what a token holds of them, and what of a request may differ. */
#include "tests/unit/sip/parties.h"

/* One thing changed in a request of the dialog between caller@fabrikam.example and callee@contoso.example. */
static const struct {
	const char *behaviour;
	bool by_caller;
	const char *old, *fresh;
	enum sip_route_answer answer;
} parties[] = {
	{ "refuses_another_user_in_to", true, "To: <sip:callee@", "To: <sip:ceo@", SIP_ROUTE_OTHER_PARTIES },
	{ "refuses_another_domain_in_to", true, "callee@contoso.example>", "callee@hr.contoso.example>",
	  SIP_ROUTE_OTHER_PARTIES },
	{ "refuses_another_user_in_from", true, "From: <sip:caller@", "From: <sip:eve@",
	  SIP_ROUTE_OTHER_PARTIES },
	{ "refuses_another_domain_in_from", true, "caller@fabrikam.example>", "caller@blocked.example>",
	  SIP_ROUTE_OTHER_PARTIES },
	{ "refuses_another_user_in_from_of_who_was_called", false, "From: <sip:callee@", "From: <sip:ceo@",
	  SIP_ROUTE_OTHER_PARTIES },
	{ "refuses_another_domain_in_to_of_who_was_called", false, "To: <sip:caller@fabrikam",
	  "To: <sip:caller@blocked", SIP_ROUTE_OTHER_PARTIES },
	{ "refuses_anonymous_in_its_place", true, "sip:caller@fabrikam.example>",
	  "sip:anonymous@anonymous.invalid>", SIP_ROUTE_OTHER_PARTIES },
	{ "refuses_a_meeting_of_that_user", true, "callee@contoso.example>",
	  "callee@contoso.example;gruu;opaque=app:conf:focus:id:X>", SIP_ROUTE_OTHER_PARTIES },
	{ "refuses_a_telephone", true, "<sip:callee@contoso.example>", "<tel:+15550100>",
	  SIP_ROUTE_OTHER_PARTIES },
	{ "refuses_a_user_in_two_escapes", true, "To: <sip:callee@", "To: <sip:%2563allee@",
	  SIP_ROUTE_OTHER_PARTIES },
	{ "refuses_a_user_that_runs_on", true, "To: <sip:callee@", "To: <sip:callee%00@",
	  SIP_ROUTE_OTHER_PARTIES },
	{ "takes_capitals", true, "callee@contoso.example>", "Callee@Contoso.Example>", SIP_ROUTE_TOKEN },
	{ "takes_a_trailing_dot_of_a_party", true, "callee@contoso.example>", "callee@contoso.example.>",
	  SIP_ROUTE_TOKEN },
	{ "takes_an_escaped_letter", true, "To: <sip:callee@", "To: <sip:%63all%65e@", SIP_ROUTE_TOKEN },
	{ "takes_sips", true, "To: <sip:callee@", "To: <sips:callee@", SIP_ROUTE_TOKEN },
	{ "takes_a_port_and_parameters", true, "callee@contoso.example>",
	  "callee@contoso.example:5061;transport=tls;user=phone>", SIP_ROUTE_TOKEN },
	{ "takes_a_display_name_of_a_party", true, "To: <sip:callee", "To: \"The callee\" <sip:callee",
	  SIP_ROUTE_TOKEN },
	{ "takes_a_header_parameter", true, "callee@contoso.example>", "callee@contoso.example>;epid=1",
	  SIP_ROUTE_TOKEN },
	{ "takes_any_contact", true, "MESSAGE sip:callee@198.51.100.8",
	  "MESSAGE sip:callee@contoso.example;opaque=user:epid:x;gruu", SIP_ROUTE_TOKEN },
};

static void a_dialog_is_between_its_parties(void **unused)
{
	static struct dialog d;
	static struct wire in, out;

	(void)unused;
	begin(&d, SIP_SIDE_EXTERNAL, 0, 1);
	for (size_t i = 0; i < COUNT(parties); i++) {
		bool by_caller = parties[i].by_caller;

		printf("%s\n", parties[i].behaviour);
		in_dialog(&d, by_caller, "MESSAGE", by_caller ? d.caller : d.callee, &in);
		replace_all(in.bytes, sizeof in.bytes, parties[i].old, parties[i].fresh);
		in.length = strlen(in.bytes);
		if (parties[i].answer == SIP_ROUTE_TOKEN) {
			assert_int_equal(pass(&d.proxy, side_of(&d, by_caller), wire_slice(&in), false, "",
			                      "", NULL, &out),
			                 SIP_ROUTE_TOKEN);
			continue;
		}

		struct edge_message e;
		struct sip_edits edits = { 0 };
		struct sip_token token;

		edge_read(&e, wire_slice(&in));
		assert_int_equal(sip_proxy_take_route(&d.proxy, side_of(&d, by_caller), e.m, &edits, &token,
		                                      e.m->arena),
		                 parties[i].answer);
		assert_int_equal(edits.count, 0);
		edge_free(&e);
	}
}

/* Nobody learns from a token whether he has guessed the parties of a dialog that is not his. */
static void a_token_of_another_dialog_says_nothing_of_its_parties(void **unused)
{
	static struct dialog d;
	static struct wire in, out;

	(void)unused;
	begin(&d, SIP_SIDE_EXTERNAL, 0, 0);
	in_dialog(&d, true, "BYE", d.caller, &in);
	replace_all(in.bytes, sizeof in.bytes, "Call-ID: call-1", "Call-ID: call-2");
	replace_all(in.bytes, sizeof in.bytes, "To: <sip:callee@", "To: <sip:ceo@");
	in.length = strlen(in.bytes);
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
}

/* Who was decided on, where To is another: both parties' requests name him again, and so does a token made anew. */
static void who_was_decided_on_comes_back(void **unused)
{
	static const struct {
		const char *user, *host;
		bool is_from, is_same_way;
	} rows[] = {
		{ "bob", "contoso.example", false, true }, { "bob", "contoso.example", true, false },
		{ "bob", "contoso.example", true, true },  { "%41 ~*;b", "[2001:db8::1]", false, false },
		{ "", "fabrikam.example", false, true },
	};
	struct sip_proxy proxy = edge_proxy();
	struct sip_uri caller = {
		.scheme = SIP_URI_SIP, .all = SLICE("sip:a@x"), .user = SLICE("a"), .host = SLICE("x")
	};
	struct sip_uri callee = {
		.scheme = SIP_URI_SIP, .all = SLICE("sip:b@y"), .user = SLICE("b"), .host = SLICE("y")
	};
	struct sip_route_binding binding = { .call_id = SLICE("c"), .caller = &caller, .callee = &callee };
	struct arena arena;

	(void)unused;
	arena_start(&arena, SIP_MESSAGE_ARENA_MAX);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sip_token token = { .towards = SIP_SIDE_INTERNAL,
			                   .next_hop = SLICE("fe1.contoso.example"),
			                   .is_same_way = rows[i].is_same_way,
			                   .decided_user = slice_of(rows[i].user),
			                   .decided_host = slice_of(rows[i].host),
			                   .decided_is_from = rows[i].is_from },
		                 read;
		struct slice text = sip_route_token_make(&proxy, &arena, &token, &binding);

		for (int again = 0; again < 2; again++) {
			assert_int_equal(sip_route_token_check(&proxy, &arena, text, &binding, &read),
			                 SIP_TOKEN_GOOD);
			assert_slice(read.next_hop, "fe1.contoso.example");
			assert_slice(read.decided_user, rows[i].user);
			assert_slice(read.decided_host, rows[i].host);
			assert_int_equal(read.decided_is_from, rows[i].is_from);
			assert_int_equal(read.is_same_way, rows[i].is_same_way);
			binding.tag = SLICE("another");
			text = sip_route_token_cover(&proxy, &arena, text, &binding);
		}
		binding.tag = SLICE_NONE;
	}
	arena_stop(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dialog_is_between_its_parties),
		cmocka_unit_test(a_token_of_another_dialog_says_nothing_of_its_parties),
		cmocka_unit_test(who_was_decided_on_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
