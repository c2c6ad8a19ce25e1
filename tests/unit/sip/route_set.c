/* Route sets out of a dialog, strict routers, and the limits of both. */
#include "tests/unit/sip/parties.h"

enum { TOKEN_FIXED = 4 + 16 + 1 + 16 };

static const struct sip_uri route_alice = { .scheme = SIP_URI_SIP,
	                                    .all = { "sip:alice@contoso.example", 25 },
	                                    .user = { "alice", 5 },
	                                    .host = { "contoso.example", 15 } };
static const struct sip_uri route_bob = { .scheme = SIP_URI_SIP,
	                                  .all = { "sip:bob@fabrikam.example", 24 },
	                                  .user = { "bob", 3 },
	                                  .host = { "fabrikam.example", 16 } };

/* ---- out of dialog ---- */

static const struct {
	const char *behaviour;
	const char *target;
	const char *routes;
	enum sip_route_answer outside, inside;
	const char *rest; /* what goes on, for inside */
} fresh[] = {
	{ "goes_by_the_request_uri", "sip:bob@contoso.example", "", SIP_ROUTE_NEW, SIP_ROUTE_NEW, "" },
	{ "gruu_is_a_target", "sip:bob@contoso.example;opaque=user:epid:Ab_1;gruu", "", SIP_ROUTE_NEW,
	  SIP_ROUTE_NEW, "" },
	{ "refuses_maddr_in_the_target_from_outside", "sip:bob@contoso.example;maddr=10.0.0.5", "",
	  SIP_ROUTE_FORGED, SIP_ROUTE_NEW, "" },
	{ "refuses_loopback", "sip:bob@contoso.example", "<sip:127.0.0.1;lr>", SIP_ROUTE_FORGED,
	  SIP_ROUTE_FORGED, "" },
	{ "refuses_ipv6_loopback", "sip:bob@contoso.example", "<sip:[::1]:5061;lr>", SIP_ROUTE_FORGED,
	  SIP_ROUTE_FORGED, "" },
	{ "refuses_an_inside_name", "sip:bob@contoso.example", "<sip:fe1.contoso.example;lr>",
	  SIP_ROUTE_FORGED, SIP_ROUTE_FORGED, "" },
	{ "refuses_the_other_side_s_name", "sip:bob@contoso.example",
	  "<sip:edge-int.contoso.example:5062;transport=tcp;lr>", SIP_ROUTE_FORGED, SIP_ROUTE_PRELOADED, "" },
	{ "refuses_the_other_side_s_address", "sip:bob@contoso.example", "<sip:10.0.0.10:5062;lr>",
	  SIP_ROUTE_FORGED, SIP_ROUTE_PRELOADED, "" },
	{ "refuses_a_tel_route", "sip:bob@contoso.example", "<tel:+4512345678>", SIP_ROUTE_FORGED,
	  SIP_ROUTE_FORGED, "" },
	{ "refuses_a_prefix_of_our_name", "sip:bob@contoso.example",
	  "<sip:edge.contoso.example.evil.example;lr>", SIP_ROUTE_FORGED, SIP_ROUTE_FORGED, "" },
	{ "refuses_a_made_up_token", "sip:bob@contoso.example",
	  "<sip:r2ifaaaaaaaaaaaaaaaa-aaaaaaaaaaaaaaaafe1.contoso.example@edge.contoso.example:5061;transport="
	  "tls;lr>",
	  SIP_ROUTE_FORGED, SIP_ROUTE_FORGED, "" },
	{ "refuses_any_user", "sip:bob@contoso.example", "<sip:x@edge.contoso.example:5061;lr>",
	  SIP_ROUTE_FORGED, SIP_ROUTE_FORGED, "" },
	{ "pops_a_preloaded_route", "sip:bob@contoso.example",
	  "<sip:edge.contoso.example:5061;transport=tls;lr>", SIP_ROUTE_PRELOADED, SIP_ROUTE_FORGED, "" },
	{ "pops_one_without_a_port", "sip:bob@contoso.example", "<sip:edge.contoso.example;lr>",
	  SIP_ROUTE_PRELOADED, SIP_ROUTE_FORGED, "" },
	{ "pops_one_by_address", "sip:bob@contoso.example", "<sip:[2001:db8::10]:5061;lr>",
	  SIP_ROUTE_PRELOADED, SIP_ROUTE_FORGED, "" },
	{ "refuses_maddr_behind_a_preloaded_route", "sip:bob@contoso.example;maddr=10.0.0.5",
	  "<sip:edge.contoso.example;lr>", SIP_ROUTE_FORGED, SIP_ROUTE_FORGED, "" },
	{ "refuses_what_stands_behind_a_preloaded_route", "sip:bob@contoso.example",
	  "<sip:edge.contoso.example;lr>, <sip:10.0.0.5;lr>", SIP_ROUTE_FORGED, SIP_ROUTE_FORGED, "" },
	{ "keeps_what_the_inside_wants_behind", "sip:bob@fabrikam.example",
	  "<sip:edge-int.contoso.example;lr>, <sip:p1.fabrikam.example;lr>", SIP_ROUTE_FORGED,
	  SIP_ROUTE_PRELOADED, "<sip:p1.fabrikam.example;lr>" },
	{ "refuses_a_token_as_target_without_route",
	  "sip:r2ifaaaaaaaaaaaaaaaa-aaaaaaaaaaaaaaaax@edge.contoso.example:5061", "", SIP_ROUTE_FORGED,
	  SIP_ROUTE_NEW, "" },
	{ "refuses_a_made_up_token_as_target",
	  "sip:r2ifaaaaaaaaaaaaaaaa-aaaaaaaaaaaaaaaax@edge.contoso.example:5061", "<sip:10.0.0.5>",
	  SIP_ROUTE_FORGED, SIP_ROUTE_FORGED, "" },
	{ "a_user_under_our_name_is_a_target", "sip:richard@edge.contoso.example", "", SIP_ROUTE_NEW,
	  SIP_ROUTE_NEW, "" },
};

static void judges_routes_out_of_dialog(void **unused)
{
	static struct wire in, out;
	struct sip_proxy proxy = edge_proxy();
	char rest[TEXT_MAX];

	(void)unused;
	for (size_t i = 0; i < COUNT(fresh); i++) {
		printf("%s\n", fresh[i].behaviour);
		write_wire(&in,
		           "MESSAGE %s SIP/2.0\r\nVia: SIP/2.0/TLS q.example:5061;branch=z9hG4bKnext\r\n"
		           "From: <sip:a@x.example>;tag=f\r\nTo: <sip:b@y.example>\r\nCall-ID: c\r\nCSeq: 1 "
		           "MESSAGE\r\n"
		           "Max-Forwards: 70\r\n%s%s%sContent-Length: 0\r\n\r\n",
		           fresh[i].target, *fresh[i].routes ? "Route: " : "", fresh[i].routes,
		           *fresh[i].routes ? "\r\n" : "");
		assert_int_equal(pass(&proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
		                 fresh[i].outside);
		if (fresh[i].outside != SIP_ROUTE_FORGED) {
			values_of(wire_slice(&out), SIP_ROUTE, rest, sizeof rest);
			assert_string_equal(rest, "");
		}
		assert_int_equal(pass(&proxy, SIP_SIDE_INTERNAL, wire_slice(&in), false, "", "", NULL, &out),
		                 fresh[i].inside);
		if (fresh[i].inside != SIP_ROUTE_FORGED) {
			values_of(wire_slice(&out), SIP_ROUTE, rest, sizeof rest);
			assert_string_equal(rest, fresh[i].rest);
		}
	}
}

/* ---- strict routers: §16.4, §16.6 step 6 ---- */

static void target_of(struct slice text, char *to, size_t size)
{
	struct edge_message e;

	edge_read(&e, text);
	assert_true(slice_to_text(e.m->target, to, size));
	edge_free(&e);
}

static void undoes_a_strict_router(void **unused)
{
	static struct dialog d;
	static struct wire in, out;
	char text[TEXT_MAX], first[TEXT_MAX];
	struct slice uri;
	struct sip_token token;

	(void)unused;
	begin(&d, SIP_SIDE_EXTERNAL, 0, 1);
	/* The partner's proxy put our first value into the Request-URI and the target at the end. */
	uri = slice_after(slice_of(d.caller), 1);
	uri.len = slice_find(uri, '>');
	assert_true(slice_to_text(uri, first, sizeof first));
	snprintf(text, sizeof text, "%s, <sip:callee@198.51.100.8>", behind(d.caller, 1));
	in_dialog(&d, true, "BYE", text, &in);
	replace_all(in.bytes, sizeof in.bytes, "BYE sip:callee@198.51.100.8 ", "BYE TARGET ");
	replace_all(in.bytes, sizeof in.bytes, "TARGET", first);
	in.length = strlen(in.bytes);
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", &token, &out),
	                 SIP_ROUTE_TOKEN);
	assert_slice(token.next_hop, pool_hop);
	target_of(wire_slice(&out), text, sizeof text);
	assert_string_equal(text, "sip:callee@198.51.100.8");
	values_of(wire_slice(&out), SIP_ROUTE, text, sizeof text);
	assert_string_equal(text, proxies_of[SIP_SIDE_INTERNAL][1]);

	/* The same with a route of his own choice in the middle. */
	replace_all(in.bytes, sizeof in.bytes, ", <sip:callee@", ", <sip:10.0.0.5;lr>, <sip:callee@");
	in.length = strlen(in.bytes);
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
}

static void hands_over_to_a_strict_router(void **unused)
{
	static struct dialog d;
	static struct wire in, out;
	char text[TEXT_MAX];

	(void)unused;
	begin(&d, SIP_SIDE_INTERNAL, 0, 0);
	snprintf(text, sizeof text, "%s, <sip:old.fabrikam.example>, <sip:p1.fabrikam.example;lr>", d.caller);
	in_dialog(&d, true, "BYE", text, &in);
	assert_int_equal(pass(&d.proxy, SIP_SIDE_INTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_TOKEN);
	target_of(wire_slice(&out), text, sizeof text);
	assert_string_equal(text, "sip:old.fabrikam.example");
	values_of(wire_slice(&out), SIP_ROUTE, text, sizeof text);
	assert_string_equal(text, "<sip:p1.fabrikam.example;lr>, <sip:callee@198.51.100.8>");
}

/* A Lync client's Contact is a GRUU: domain and no port; the request follows the route set all the same. */
static void a_gruu_follows_the_route_set(void **unused)
{
	static struct dialog d;
	static struct wire in, out;
	char text[TEXT_MAX];
	struct sip_token token;
	const char *gruu = "sip:bob@contoso.example;opaque=user:epid:W0bGRmR_Zl2BlWxhIIxhQgAA;gruu";

	(void)unused;
	for (int proxies = 0; proxies < 3; proxies++) {
		begin(&d, SIP_SIDE_EXTERNAL, 0, proxies);
		in_dialog(&d, true, "MESSAGE", d.caller, &in);
		replace_all(in.bytes, sizeof in.bytes, "sip:callee@198.51.100.8", gruu);
		in.length = strlen(in.bytes);
		assert_int_equal(
		        pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", &token, &out),
		        SIP_ROUTE_TOKEN);
		assert_slice(token.next_hop, pool_hop);
		target_of(wire_slice(&out), text, sizeof text);
		assert_string_equal(text, gruu);
	}
}

/* ---- limits and memory ---- */

static void a_token_has_its_largest_size(void **unused)
{
	struct sip_proxy proxy = edge_proxy();
	struct sip_route_binding binding = {
		.call_id = SLICE("c"), .tag = SLICE("t"), .caller = &route_alice, .callee = &route_bob
	};
	char hop[SIP_TOKEN_MAX];
	struct arena arena;
	struct sip_token token = { .towards = SIP_SIDE_EXTERNAL }, read;
	struct slice text;
	size_t room = SIP_TOKEN_MAX - TOKEN_FIXED;

	(void)unused;
	memset(hop, 'x', sizeof hop);
	arena_start(&arena, SIP_MESSAGE_ARENA_MAX);
	for (size_t length = room - 1; length <= room + 1; length++) {
		token.next_hop = (struct slice){ hop, length };
		text = sip_route_token_make(&proxy, &arena, &token, &binding);
		if (length > room) {
			assert_null(text.ptr);
			continue;
		}
		assert_int_equal(text.len, length + TOKEN_FIXED);
		assert_int_equal(sip_route_token_check(&proxy, &arena, text, &binding, &read),
		                 SIP_TOKEN_GOOD);
		assert_true(slice_equal(read.next_hop, token.next_hop));
	}
	arena_stop(&arena);
}

static void any_next_hop_comes_back(void **unused)
{
	static const char *const hops[] = { "", "fabrikam.example", "[2001:db8::1]:5061",
		                            "a b@c<d>;e\"%41\r\n", "\x01\xff" };
	struct sip_proxy proxy = edge_proxy();
	struct sip_route_binding binding = { .call_id = SLICE("c"),
		                             .caller = &route_alice,
		                             .callee = &route_bob };
	struct arena arena;

	(void)unused;
	arena_start(&arena, SIP_MESSAGE_ARENA_MAX);
	for (size_t i = 0; i < COUNT(hops); i++) {
		struct sip_token token = { .towards = SIP_SIDE_INTERNAL, .next_hop = slice_of(hops[i]) },
		                 read;
		struct slice text = sip_route_token_make(&proxy, &arena, &token, &binding);
		struct sip_address address;

		assert_non_null(text.ptr);
		assert_int_equal(sip_route_token_check(&proxy, &arena, text, &binding, &read),
		                 SIP_TOKEN_GOOD);
		assert_slice(read.next_hop, hops[i]);
		assert_int_equal(read.towards, SIP_SIDE_INTERNAL);
		text = sip_route_value(&proxy, &arena, SIP_SIDE_EXTERNAL, true, text);
		assert_int_equal(sip_address_parse(text, &address, NULL), SIP_PARSE_OK);
		assert_int_equal(address.uri.scheme, SIP_URI_SIPS);
		assert_true(sip_proxy_is_ours(&proxy, SIP_SIDE_EXTERNAL, &address.uri));
	}
	arena_stop(&arena);
}

/* Fields that touch must not be told apart by where one ends: "ab"+"c" is not "a"+"bc". */
static void fields_do_not_run_together(void **unused)
{
	struct sip_proxy proxy = edge_proxy();
	struct sip_route_binding one = { .call_id = SLICE("ab"),
		                         .tag = SLICE("c"),
		                         .caller = &route_alice,
		                         .callee = &route_bob },
	                         two = { .call_id = SLICE("a"),
		                         .tag = SLICE("bc"),
		                         .caller = &route_alice,
		                         .callee = &route_bob };
	struct sip_token token = { .towards = SIP_SIDE_INTERNAL }, read;
	struct arena arena;
	struct slice text;

	(void)unused;
	arena_start(&arena, SIP_MESSAGE_ARENA_MAX);
	text = sip_route_token_make(&proxy, &arena, &token, &one);
	assert_int_equal(sip_route_token_check(&proxy, &arena, text, &one, &read), SIP_TOKEN_GOOD);
	assert_int_equal(sip_route_token_check(&proxy, &arena, text, &two, &read), SIP_TOKEN_BAD);
	arena_stop(&arena);
}

static void refuses_more_routes_than_hops(void **unused)
{
	struct sip_proxy proxy = edge_proxy();
	struct edge_message e;
	struct sip_edits edits = { 0 };
	struct sip_token token;
	static struct wire in;
	static char routes[TEXT_MAX];

	(void)unused;
	for (int count = SIP_HOPS_MAX; count <= SIP_HOPS_MAX + 1; count++) {
		routes[0] = '\0';
		for (int i = 0; i < count; i++)
			snprintf(routes + strlen(routes), sizeof routes - strlen(routes), "%s<sip:%s;lr>",
			         i ? ", " : "", i ? "p1.fabrikam.example" : "edge-int.contoso.example");
		write_wire(&in,
		           "MESSAGE sip:bob@fabrikam.example SIP/2.0\r\n" SAMPLE_TOP
		           "CSeq: 1 MESSAGE\r\nRoute: %s\r\nContent-Length: 0\r\n\r\n",
		           routes);
		edge_read(&e, wire_slice(&in));
		assert_int_equal(
		        sip_proxy_take_route(&proxy, SIP_SIDE_INTERNAL, e.m, &edits, &token, e.m->arena),
		        count > SIP_HOPS_MAX ? SIP_ROUTE_FORGED : SIP_ROUTE_PRELOADED);
		edge_free(&e);
	}
}

#ifdef PARLEY_FAULTS
/* Whatever allocation fails, a request is refused or goes on whole; nothing in between. */
static void every_allocation_may_fail(void **unused)
{
	static struct dialog d;
	static struct wire in;
	size_t failed = 0;

	(void)unused;
	begin(&d, SIP_SIDE_EXTERNAL, 0, 2);
	in_dialog(&d, true, "INVITE", d.caller, &in);
	for (size_t limit = 0; limit < 24576; limit += 64) {
		struct edge_message e;
		struct sip_edits edits = { 0 };
		struct sip_token token;
		struct arena arena;
		struct sip_forward how = { .from = SIP_SIDE_EXTERNAL,
			                   .to = SIP_SIDE_INTERNAL,
			                   .branch = SLICE("z9hG4bKx"),
			                   .source_address = SLICE("198.51.100.7"),
			                   .record_route = true };

		edge_read(&e, wire_slice(&in));
		arena_start(&arena, limit);
		if (sip_proxy_take_route(&d.proxy, SIP_SIDE_EXTERNAL, e.m, &edits, &token, &arena) !=
		            SIP_ROUTE_TOKEN ||
		    !sip_proxy_forward(&d.proxy, e.m, &how, &edits, &arena))
			failed++;
		arena_stop(&arena);
		edge_free(&e);
	}
	assert_true(failed > 5 && failed < 24576 / 64 - 5);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_routes_out_of_dialog),
		cmocka_unit_test(undoes_a_strict_router),
		cmocka_unit_test(hands_over_to_a_strict_router),
		cmocka_unit_test(a_gruu_follows_the_route_set),
		cmocka_unit_test(a_token_has_its_largest_size),
		cmocka_unit_test(any_next_hop_comes_back),
		cmocka_unit_test(fields_do_not_run_together),
		cmocka_unit_test(refuses_more_routes_than_hops),
#ifdef PARLEY_FAULTS
		cmocka_unit_test(every_allocation_may_fail),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
