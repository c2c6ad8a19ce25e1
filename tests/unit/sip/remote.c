/* Our own users outside: Path and flow tokens, their dialogs, and which headers cross with them. */
#include "tests/unit/sip/edge.h"

enum { TEXT_MAX = 8192, FLOW_BYTES = 64 };

#define FLOW  "00112233445566778899aabbccddeeff"
#define ALICE "sip:alice@contoso.example"
#define BOB   "sip:bob@fabrikam.example"

static struct sip_proxy proxy;

struct sent {
	char bytes[TEXT_MAX];
	enum sip_route_answer answer;
	struct sip_token token;
	char flow[FLOW_BYTES];
};

/* One request through the edge. */
static void carry(const char *in, enum sip_side from, enum sip_side to, struct sent *out)
{
	struct edge_message e;
	struct sip_edits edits = { 0 };
	struct buffer bytes;

	edge_read(&e, slice_of(in));
	memset(out, 0, sizeof *out);
	out->answer = sip_proxy_take_route(&proxy, from, e.m, &edits, &out->token, e.m->arena);
	if (out->answer == SIP_ROUTE_TOKEN || out->answer == SIP_ROUTE_FLOW)
		assert_true(slice_to_text(out->token.next_hop, out->flow, sizeof out->flow));
	if (out->answer != SIP_ROUTE_FORGED) {
		struct sip_forward how = {
			.from = from,
			.to = to,
			.branch = sip_proxy_branch(&proxy, from, e.m->arena, e.m, 7),
			.source_address = SLICE("198.51.100.7"),
			.source_port = 40000,
			.record_route = true,
			.next_hop = to == SIP_SIDE_REMOTE ? SLICE(FLOW) : SLICE("pool.contoso.example"),
			.previous_hop = from == SIP_SIDE_REMOTE ? SLICE(FLOW) : SLICE("pool.contoso.example")
		};

		buffer_start(&bytes, TEXT_MAX);
		assert_true(sip_proxy_forward(&proxy, e.m, &how, &edits, e.m->arena));
		assert_true(sip_message_write(e.m, &edits, &bytes));
		assert_true(slice_to_text(buffer_slice(&bytes), out->bytes, sizeof out->bytes));
		buffer_stop(&bytes);
	}
	edge_free(&e);
}

/* All values of a header of what was sent, as one list. */
static void values_of(const struct sent *sent, enum sip_header_id id, char *to, size_t size)
{
	struct edge_message e;

	edge_read(&e, slice_of(sent->bytes));
	edge_values(e.m, id, to, size);
	edge_free(&e);
}

static void request(char *to, const char *method, const char *uri, const char *from, const char *extra)
{
	snprintf(
	        to, TEXT_MAX,
	        "%s %s SIP/2.0\r\nVia: SIP/2.0/TLS 192.168.1.2:4000;branch=z9hG4bKone\r\nMax-Forwards: 70\r\n"
	        "From: <%s>;tag=a\r\nTo: <sip:dora@contoso.example>%s\r\nCall-ID: one\r\nCSeq: 1 %s\r\n%s"
	        "Content-Length: 0\r\n\r\n",
	        method, uri, from, strcmp(method, "BYE") == 0 ? ";tag=b" : "", method, extra);
}

/* ---- Path ---- */

static void path_of(char *to, size_t size, bool has_ob)
{
	struct arena arena;

	arena_start(&arena, TEXT_MAX);
	assert_true(slice_to_text(sip_proxy_path(&proxy, &arena, SLICE(FLOW), has_ob), to, size));
	arena_stop(&arena);
}

static void the_path_names_us_inside_and_says_ob_where_it_was_asked_for(void **unused)
{
	char path[512];

	(void)unused;
	path_of(path, sizeof path, true);
	assert_true(slice_starts(slice_of(path), SLICE("<sip:r2up")));
	assert_non_null(strstr(path, "-" FLOW "@edge-int.contoso.example:5062;transport=tcp;lr;ob>"));
	path_of(path, sizeof path, false);
	assert_null(strstr(path, "ob"));
}

static void the_registrars_route_leads_to_the_flow_of_its_path(void **unused)
{
	char path[512], route[600], in[TEXT_MAX], left[TEXT_MAX];
	struct sent sent;

	(void)unused;
	path_of(path, sizeof path, true);
	snprintf(route, sizeof route, "Route: %s\r\n", path);
	request(in, "MESSAGE", "sip:alice-1@192.168.1.2:4000;transport=tls", BOB, route);
	carry(in, SIP_SIDE_INTERNAL, SIP_SIDE_REMOTE, &sent);
	assert_int_equal(sent.answer, SIP_ROUTE_FLOW);
	assert_int_equal(sent.token.towards, SIP_SIDE_REMOTE);
	assert_string_equal(sent.flow, FLOW);
	values_of(&sent, SIP_ROUTE, left, sizeof left);
	assert_string_equal(left, "");
}

/* A row a way to come by a Path that must lead nowhere. */
static void nobody_outside_uses_a_path_and_nobody_makes_one(void **unused)
{
	static const struct {
		const char *behaviour;
		enum sip_side from;
		const char *old, *fresh;
	} rows[] = {
		{ "a user who has seen one", SIP_SIDE_REMOTE, "", "" },
		{ "a partner who has seen one", SIP_SIDE_EXTERNAL, "", "" },
		{ "another flow's name", SIP_SIDE_INTERNAL, FLOW, "00112233445566778899aabbccddee00" },
		{ "a cut name", SIP_SIDE_INTERNAL, FLOW, "0011" },
		{ "as if it were a dialog's", SIP_SIDE_INTERNAL, "r2up", "r2uf" },
		{ "as if it led to a partner", SIP_SIDE_INTERNAL, "r2up", "r2ep" },
		{ "as if it led inside", SIP_SIDE_INTERNAL, "r2up", "r2ip" },
		{ "without its dash", SIP_SIDE_INTERNAL, "-0011", "0011" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char path[512], changed[600], route[700], in[TEXT_MAX];
		struct sent sent;
		char *at;

		printf("%s\n", rows[i].behaviour);
		path_of(path, sizeof path, true);
		at = strstr(path, rows[i].old);
		assert_non_null(at);
		snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - path), path, rows[i].fresh,
		         at + strlen(rows[i].old));
		snprintf(route, sizeof route, "Route: %s\r\n", changed);
		request(in, "MESSAGE", "sip:alice@contoso.example", BOB, route);
		carry(in, rows[i].from, edge_other(rows[i].from), &sent);
		assert_int_equal(sent.answer, SIP_ROUTE_FORGED);
	}
}

/* ---- dialogs ---- */

/* What the other party of the dialog puts into Route: Record-Route as it stands (§12.1.1), or turned around (§12.1.2). */
static void route_of(const char *record_route, bool is_turned, char *to, size_t size)
{
	struct slice rest = slice_of(record_route), value, list[8];
	size_t count = 0, length;

	while (slice_next(&rest, ',', &value))
		list[count++] = slice_trim(value);
	length = (size_t)snprintf(to, size, "Route: ");
	for (size_t i = 0; i < count; i++)
		length += (size_t)snprintf(to + length, size - length, "%s%.*s", i ? ", " : "",
		                           SLICE_ARG(list[is_turned ? count - 1 - i : i]));
	snprintf(to + length, size - length, "\r\n");
}

static void exchange(char text[TEXT_MAX], const char *from, const char *to)
{
	char copy[TEXT_MAX], *at = strstr(text, from);

	assert_non_null(at);
	memcpy(copy, text, TEXT_MAX);
	snprintf(at, TEXT_MAX - (size_t)(at - text), "%s%s", to, copy + (at - text) + strlen(from));
}

static void a_remote_users_dialog_goes_in_and_comes_back_to_the_flow(void **unused)
{
	char in[TEXT_MAX], recorded[TEXT_MAX], route[TEXT_MAX], left[TEXT_MAX];
	struct sent sent;

	(void)unused;
	request(in, "INVITE", "sip:dora@contoso.example", ALICE, "");
	carry(in, SIP_SIDE_REMOTE, SIP_SIDE_INTERNAL, &sent);
	assert_int_equal(sent.answer, SIP_ROUTE_NEW);
	values_of(&sent, SIP_RECORD_ROUTE, recorded, sizeof recorded);
	assert_true(slice_starts(slice_of(recorded), SLICE("<sip:r2ut")));
	assert_non_null(strstr(recorded, "@edge.contoso.example:443;transport=tls;lr>"));

	/* The one called ends it: his Route is the list as it stands. */
	route_of(recorded, false, route, sizeof route);
	snprintf(in, sizeof in,
	         "BYE sip:alice@192.168.1.2:4000 SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bKtwo\r\n"
	         "Max-Forwards: 70\r\nFrom: <sip:dora@contoso.example>;tag=b\r\nTo: <" ALICE ">;tag=a\r\n"
	         "Call-ID: one\r\nCSeq: 9 BYE\r\n%sContent-Length: 0\r\n\r\n",
	         route);
	carry(in, SIP_SIDE_INTERNAL, SIP_SIDE_REMOTE, &sent);
	assert_int_equal(sent.answer, SIP_ROUTE_TOKEN);
	assert_int_equal(sent.token.towards, SIP_SIDE_REMOTE);
	assert_string_equal(sent.flow, FLOW);
	values_of(&sent, SIP_ROUTE, left, sizeof left);
	assert_string_equal(left, "");

	/* The caller ends it: turned around; nobody inside has added anything. */
	route_of(recorded, true, route, sizeof route);
	request(in, "BYE", "sip:dora@10.0.0.9", ALICE, route);
	carry(in, SIP_SIDE_REMOTE, SIP_SIDE_INTERNAL, &sent);
	assert_int_equal(sent.answer, SIP_ROUTE_TOKEN);
	assert_int_equal(sent.token.towards, SIP_SIDE_INTERNAL);

	/* And it is good at no other listener, whatever name is written behind it. */
	carry(in, SIP_SIDE_EXTERNAL, SIP_SIDE_INTERNAL, &sent);
	assert_int_equal(sent.answer, SIP_ROUTE_FORGED);
	exchange(in, ":443;", ":5061;");
	carry(in, SIP_SIDE_EXTERNAL, SIP_SIDE_INTERNAL, &sent);
	assert_int_equal(sent.answer, SIP_ROUTE_FORGED);
}

static void a_partners_token_is_nothing_to_a_user(void **unused)
{
	char in[TEXT_MAX], recorded[TEXT_MAX], route[TEXT_MAX];
	struct sent sent;

	(void)unused;
	request(in, "INVITE", "sip:dora@contoso.example", BOB, "");
	carry(in, SIP_SIDE_EXTERNAL, SIP_SIDE_INTERNAL, &sent);
	values_of(&sent, SIP_RECORD_ROUTE, recorded, sizeof recorded);
	route_of(recorded, true, route, sizeof route);
	request(in, "BYE", "sip:dora@10.0.0.9", BOB, route);
	carry(in, SIP_SIDE_EXTERNAL, SIP_SIDE_INTERNAL, &sent);
	assert_int_equal(sent.answer, SIP_ROUTE_TOKEN);
	exchange(in, ":5061;", ":443;");
	carry(in, SIP_SIDE_REMOTE, SIP_SIDE_INTERNAL, &sent);
	assert_int_equal(sent.answer, SIP_ROUTE_FORGED);
}

/* A remote user calls a partner: the edge is passed twice, and each party's way back leads through both. */
static void a_call_that_passes_twice_is_covered_on_both_sides(void **unused)
{
	char in[TEXT_MAX], first[TEXT_MAX], both[TEXT_MAX], route[TEXT_MAX], answer[TEXT_MAX];
	struct sent once, twice, back;
	struct edge_message e;
	struct sip_edits edits = { 0 };
	struct buffer out;

	(void)unused;
	request(in, "INVITE", BOB, ALICE, "");
	carry(in, SIP_SIDE_REMOTE, SIP_SIDE_INTERNAL, &once);
	carry(once.bytes, SIP_SIDE_INTERNAL, SIP_SIDE_EXTERNAL, &twice);
	values_of(&once, SIP_RECORD_ROUTE, first, sizeof first);
	values_of(&twice, SIP_RECORD_ROUTE, both, sizeof both);
	assert_non_null(strstr(both, first));

	/* The partner ends it: the first pass is by its token, and the rest of the Route leads the pool back to us. */
	route_of(both, false, route, sizeof route);
	snprintf(in, sizeof in,
	         "BYE sip:alice@192.168.1.2:4000 SIP/2.0\r\nVia: SIP/2.0/TLS p.example;branch=z9hG4bKx\r\n"
	         "Max-Forwards: 70\r\nFrom: <sip:dora@contoso.example>;tag=b\r\nTo: <" ALICE ">;tag=a\r\n"
	         "Call-ID: one\r\nCSeq: 9 BYE\r\n%sContent-Length: 0\r\n\r\n",
	         route);
	carry(in, SIP_SIDE_EXTERNAL, SIP_SIDE_INTERNAL, &back);
	assert_int_equal(back.answer, SIP_ROUTE_TOKEN);
	carry(back.bytes, SIP_SIDE_INTERNAL, SIP_SIDE_REMOTE, &once);
	assert_int_equal(once.answer, SIP_ROUTE_TOKEN);
	assert_int_equal(once.token.towards, SIP_SIDE_REMOTE);
	assert_string_equal(once.flow, FLOW);

	/* The answer to the user: our value covers what lies behind it, and so his Route may hold it. */
	snprintf(answer, sizeof answer,
	         "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP edge-int.contoso.example:5062;branch=z9hG4bKq\r\n"
	         "Via: SIP/2.0/TLS 192.168.1.2:4000;branch=z9hG4bKone\r\nRecord-Route: %s\r\n"
	         "From: <" ALICE ">;tag=a\r\nTo: <sip:dora@contoso.example>;tag=b\r\nCall-ID: one\r\n"
	         "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
	         both);
	edge_read(&e, slice_of(answer));
	assert_true(sip_proxy_return(&proxy, e.m, SIP_SIDE_INTERNAL, SIP_SIDE_REMOTE, &edits));
	buffer_start(&out, TEXT_MAX);
	assert_true(sip_message_write(e.m, &edits, &out));
	assert_true(slice_to_text(buffer_slice(&out), back.bytes, sizeof back.bytes));
	buffer_stop(&out);
	edge_free(&e);
	values_of(&back, SIP_RECORD_ROUTE, both, sizeof both);
	route_of(both, true, route, sizeof route);
	request(in, "BYE", "sip:bob@p.example", ALICE, route);
	carry(in, SIP_SIDE_REMOTE, SIP_SIDE_INTERNAL, &once);
	assert_int_equal(once.answer, SIP_ROUTE_TOKEN);
	values_of(&once, SIP_ROUTE, both, sizeof both);
	assert_non_null(strstr(both, "r2e")); /* the pool sends it to us again, and on to the partner */
	carry(once.bytes, SIP_SIDE_INTERNAL, SIP_SIDE_EXTERNAL, &twice);
	assert_int_equal(twice.answer, SIP_ROUTE_TOKEN);
	assert_int_equal(twice.token.towards, SIP_SIDE_EXTERNAL);
}

static void what_comes_by_a_user_and_leaves_by_the_pool_is_no_loop(void **unused)
{
	static const struct {
		enum sip_side first, second;
		bool is_loop;
	} rows[] = { { SIP_SIDE_REMOTE, SIP_SIDE_INTERNAL, false },
		     { SIP_SIDE_REMOTE, SIP_SIDE_REMOTE, true },
		     { SIP_SIDE_INTERNAL, SIP_SIDE_INTERNAL, true } };
	char in[TEXT_MAX];

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct edge_message e;
		struct sent sent;

		request(in, "MESSAGE", BOB, ALICE, "");
		carry(in, rows[i].first,
		      rows[i].first == SIP_SIDE_REMOTE ? SIP_SIDE_INTERNAL : SIP_SIDE_REMOTE, &sent);
		edge_read(&e, slice_of(sent.bytes));
		assert_int_equal(sip_proxy_is_loop(&proxy, rows[i].second, e.m), rows[i].is_loop);
		edge_free(&e);
	}
}

static void a_preloaded_route_of_our_own_name_is_taken_off(void **unused)
{
	static const struct {
		const char *route;
		enum sip_route_answer answer;
	} rows[] = {
		{ "Route: <sip:edge.contoso.example:443;transport=tls;lr>\r\n", SIP_ROUTE_PRELOADED },
		{ "Route: <sip:edge.contoso.example;lr>\r\n", SIP_ROUTE_PRELOADED },
		{ "Route: <sip:edge.contoso.example:5061;transport=tls;lr>\r\n", SIP_ROUTE_FORGED },
		{ "Route: <sip:pool.contoso.example;lr>\r\n", SIP_ROUTE_FORGED },
		{ "Route: <sip:edge.contoso.example;lr>, <sip:pool.contoso.example;lr>\r\n",
		  SIP_ROUTE_FORGED },
		{ "", SIP_ROUTE_NEW },
	};
	char in[TEXT_MAX];

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sent sent;

		request(in, "MESSAGE", "sip:dora@contoso.example", ALICE, rows[i].route);
		carry(in, SIP_SIDE_REMOTE, SIP_SIDE_INTERNAL, &sent);
		assert_int_equal(sent.answer, rows[i].answer);
	}
}

/* ---- headers ---- */

static void headers_cross_with_users_as_their_rows_say(void **unused)
{
	static const struct {
		const char *header;
		bool in, out; /* with our own users */
		bool partner_in, partner_out;
	} rows[] = {
		{ "Authorization", true, false, false, false },
		{ "Proxy-Authorization", true, false, false, false },
		{ "WWW-Authenticate", true, true, true, true },
		{ "Proxy-Authenticate", true, true, true, true },
		{ "Authentication-Info", false, true, false, false },
		{ "P-Preferred-Identity", true, false, false, false },
		{ "Privacy", true, true, false, true },
		{ "P-Asserted-Identity", false, false, false, false },
		{ "Remote-Party-ID", false, false, false, false },
		{ "P-Associated-URI", false, true, false, false },
		{ "Diversion", false, true, false, true },
		{ "Path", false, false, false, false },
		{ "Service-Route", false, false, false, false },
		{ "ms-diagnostics", false, true, false, false },
		{ "ms-edge-proxy-message-trust", false, false, false, false },
		{ "ms-user-data", false, false, false, false },
		{ "Supported", true, true, true, true },
		{ "Flow-Timer", true, true, true, true },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned flags = sip_header_row(sip_header_id(slice_of(rows[i].header)))->flags;

		printf("%s\n", rows[i].header);
		assert_int_equal(!(flags & SIP_STRIP_USER_IN), rows[i].in);
		assert_int_equal(!(flags & SIP_STRIP_IN), rows[i].partner_in);
		assert_int_equal(!(flags & SIP_STRIP_USER_OUT), rows[i].out);
		assert_int_equal(!(flags & SIP_STRIP_OUT), rows[i].partner_out);
	}
}

static void a_users_password_proof_reaches_the_pool_and_a_partners_does_not(void **unused)
{
	char in[TEXT_MAX];
	struct sent sent;

	(void)unused;
	request(in, "REGISTER", "sip:contoso.example", ALICE,
	        "Authorization: Digest username=\"alice\"\r\nPath: <sip:evil.example;lr>\r\n"
	        "P-Asserted-Identity: <sip:boss@contoso.example>\r\n");
	carry(in, SIP_SIDE_REMOTE, SIP_SIDE_INTERNAL, &sent);
	assert_non_null(strstr(sent.bytes, "Authorization: Digest username=\"alice\"\r\n"));
	assert_null(strstr(sent.bytes, "evil.example"));
	assert_null(strstr(sent.bytes, "boss@"));
	carry(in, SIP_SIDE_EXTERNAL, SIP_SIDE_INTERNAL, &sent);
	assert_null(strstr(sent.bytes, "Authorization"));
}

static void methods_cross_with_users(void **unused)
{
	static const struct {
		const char *method;
		enum sip_crossing out_of_dialog, in_dialog;
	} rows[] = {
		{ "REGISTER", SIP_CROSS_PASS, SIP_CROSS_405 },  { "INVITE", SIP_CROSS_PASS, SIP_CROSS_PASS },
		{ "PUBLISH", SIP_CROSS_PASS, SIP_CROSS_PASS },  { "REFER", SIP_CROSS_PASS, SIP_CROSS_PASS },
		{ "SERVICE", SIP_CROSS_PASS, SIP_CROSS_PASS },  { "NEGOTIATE", SIP_CROSS_405, SIP_CROSS_405 },
		{ "BYE", SIP_CROSS_481, SIP_CROSS_PASS },       { "ACK", SIP_CROSS_481, SIP_CROSS_PASS },
		{ "CANCEL", SIP_CROSS_481, SIP_CROSS_481 },     { "NOTIFY", SIP_CROSS_PASS, SIP_CROSS_PASS },
		{ "BENOTIFY", SIP_CROSS_PASS, SIP_CROSS_PASS }, { "OPTIONS", SIP_CROSS_PASS, SIP_CROSS_PASS },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum sip_method method = sip_method_of(slice_of(rows[i].method));

		assert_int_equal(sip_proxy_crossing_user(method, false), rows[i].out_of_dialog);
		assert_int_equal(sip_proxy_crossing_user(method, true), rows[i].in_dialog);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_path_names_us_inside_and_says_ob_where_it_was_asked_for),
		cmocka_unit_test(the_registrars_route_leads_to_the_flow_of_its_path),
		cmocka_unit_test(nobody_outside_uses_a_path_and_nobody_makes_one),
		cmocka_unit_test(a_remote_users_dialog_goes_in_and_comes_back_to_the_flow),
		cmocka_unit_test(a_partners_token_is_nothing_to_a_user),
		cmocka_unit_test(a_call_that_passes_twice_is_covered_on_both_sides),
		cmocka_unit_test(what_comes_by_a_user_and_leaves_by_the_pool_is_no_loop),
		cmocka_unit_test(a_preloaded_route_of_our_own_name_is_taken_off),
		cmocka_unit_test(headers_cross_with_users_as_their_rows_say),
		cmocka_unit_test(a_users_password_proof_reaches_the_pool_and_a_partners_does_not),
		cmocka_unit_test(methods_cross_with_users),
	};

	proxy = edge_proxy();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
