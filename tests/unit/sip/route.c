/*
 * Routes: whole dialogs through the edge, and everything that is not one of
 * them.  The peers here do what RFC 3261 §12 tells them: they keep the
 * Record-Routes and put them into Route.
 */
#include "tests/unit/sip/edge.h"

#include "daemon/sip/route_token.h"
#include "shared/base/memory.h"

enum { TEXT_MAX = 16384 };

struct wire {
	char bytes[TEXT_MAX];
	size_t length;
};

static struct slice wire_slice(const struct wire *w) { return (struct slice){ w->bytes, w->length }; }

static void __attribute__((format(printf, 2, 3))) write_wire(struct wire *w, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(w->bytes, sizeof w->bytes, format, args);
	va_end(args);
	assert_true(length > 0 && (size_t)length < sizeof w->bytes);
	w->length = (size_t)length;
}

/* `out` is what leaves the edge when `in` arrives on `from`. */
static enum sip_route_answer pass(const struct sip_proxy *proxy, enum sip_side from, struct slice in,
                                  bool record_route, const char *next, const char *previous,
                                  struct sip_token *token, struct wire *out)
{
	struct edge_message e;
	struct sip_edits edits = { 0 };
	struct buffer bytes;
	struct sip_token unused;
	static char hop[256];
	enum sip_route_answer answer;

	edge_read(&e, in);
	buffer_start(&bytes, TEXT_MAX);
	answer = sip_proxy_take_route(proxy, from, e.m, &edits, token ? token : &unused, e.m->arena);
	if (answer != SIP_ROUTE_FORGED) {
		struct sip_forward how = { .from = from,
			                   .to = edge_other(from),
			                   .branch = sip_proxy_branch(proxy, from, e.m->arena, e.m, 7),
			                   .source_address = SLICE("198.51.100.7"),
			                   .source_port = 40000,
			                   .record_route = record_route,
			                   .next_hop = slice_of(next),
			                   .previous_hop = slice_of(previous) };

		assert_true(sip_proxy_forward(proxy, e.m, &how, &edits, e.m->arena));
		assert_true(sip_message_write(e.m, &edits, &bytes));
		write_wire(out, "%.*s", SLICE_ARG(buffer_slice(&bytes)));
	} else {
		assert_int_equal(edits.count, 0);
	}
	if (token) { /* it lies in the message's arena */
		assert_true(slice_to_text(token->next_hop, hop, sizeof hop));
		token->next_hop = slice_of(hop);
	}
	buffer_stop(&bytes);
	edge_free(&e);
	return answer;
}

static void pass_back(const struct sip_proxy *proxy, enum sip_side from, struct slice in, struct wire *out)
{
	struct edge_message e;
	struct sip_edits edits = { 0 };
	struct buffer bytes;

	edge_read(&e, in);
	buffer_start(&bytes, TEXT_MAX);
	assert_true(sip_proxy_return(proxy, e.m, from, edge_other(from), &edits));
	assert_true(sip_message_write(e.m, &edits, &bytes));
	write_wire(out, "%.*s", SLICE_ARG(buffer_slice(&bytes)));
	buffer_stop(&bytes);
	edge_free(&e);
}

static void values_of(struct slice text, enum sip_header_id id, char *to, size_t size)
{
	struct edge_message e;

	edge_read(&e, text);
	edge_values(e.m, id, to, size);
	edge_free(&e);
}

/* §12.1.2: the caller's route set is the Record-Route of the response in reverse. */
static void reverse(const char *list, char *to, size_t size)
{
	struct slice rest = slice_of(list), value;
	char last[TEXT_MAX];

	to[0] = '\0';
	while (slice_next(&rest, ',', &value)) { /* no commas in these URIs */
		assert_true(slice_to_text(slice_of(to), last, sizeof last));
		snprintf(to, size, "%.*s%s%s", SLICE_ARG(slice_trim(value)), last[0] ? ", " : "", last);
	}
}

/* Takes the values off the front whose host is not the edge's: proxies of the sender that did their part. */
static const char *behind(const char *routes, int count)
{
	while (count-- > 0) {
		routes = strchr(routes, ',');
		assert_non_null(routes);
		routes += 2;
	}
	return routes;
}

/* ---- two parties and what they know ---- */

struct dialog {
	struct sip_proxy proxy;
	enum sip_side began;   /* the side of who began it */
	char caller[TEXT_MAX]; /* route set of who began, his own side's proxies taken off */
	char callee[TEXT_MAX];
	const char *caller_domain, *callee_domain;
};

static const char *const pool_hop = "fe1.contoso.example";
static const char *const partner_hop = "fabrikam.example";

/* Side by side: proxies of the caller's domain and of the callee's that record-route, 0 to 2 each. */
static const char *const proxies_of[2][3] = {
	[SIP_SIDE_EXTERNAL] = { "", "<sip:p1.fabrikam.example;transport=tls;lr>",
	                        "<sip:p2.fabrikam.example;lr>, <sip:p1.fabrikam.example;transport=tls;lr>" },
	[SIP_SIDE_INTERNAL] = { "",
	                        "<sip:fe1.contoso.example:5061;transport=tls;ms-route-sig=ab12;lr;ms-key-"
	                        "info=x>",
	                        "<sip:fe2.contoso.example;lr>, <sip:fe1.contoso.example:5061;lr=on>" },
};

/* INVITE and its 200 travel through; `callers` and `callees` proxies record-route on either side of the edge. */
static void begin(struct dialog *d, enum sip_side began, int callers, int callees)
{
	static struct wire in, out, back;
	enum sip_side to = edge_other(began);
	const char *mine = proxies_of[began][callers], *theirs = proxies_of[to][callees];
	char recorded[TEXT_MAX], all[TEXT_MAX], reversed[TEXT_MAX];
	struct sip_token token;

	d->proxy = edge_proxy();
	d->began = began;
	d->caller_domain = began == SIP_SIDE_EXTERNAL ? "fabrikam.example" : "contoso.example";
	d->callee_domain = began == SIP_SIDE_EXTERNAL ? "contoso.example" : "fabrikam.example";
	write_wire(
	        &in,
	        "INVITE sip:callee@%s SIP/2.0\r\nVia: SIP/2.0/TLS p.%s:5061;branch=z9hG4bKcaller\r\n"
	        "From: <sip:caller@%s>;tag=callertag\r\nTo: <sip:callee@%s>\r\nCall-ID: call-1\r\nCSeq: 1 "
	        "INVITE\r\n"
	        "Max-Forwards: 70\r\n%s%s%sContact: <sip:caller@198.51.100.9>\r\nContent-Length: 0\r\n\r\n",
	        d->callee_domain, d->caller_domain, d->caller_domain, d->callee_domain,
	        *mine ? "Record-Route: " : "", mine, *mine ? "\r\n" : "");
	assert_int_equal(pass(&d->proxy, began, wire_slice(&in), true,
	                      to == SIP_SIDE_INTERNAL ? pool_hop : partner_hop,
	                      began == SIP_SIDE_INTERNAL ? pool_hop : partner_hop, &token, &out),
	                 SIP_ROUTE_NEW);
	values_of(wire_slice(&out), SIP_RECORD_ROUTE, recorded, sizeof recorded);

	/* The callee's proxies add theirs on top; he keeps the list as it stands, less his own proxies. */
	snprintf(all, sizeof all, "%s%s%s", theirs, *theirs ? ", " : "", recorded);
	assert_true(slice_to_text(slice_of(recorded), d->callee, sizeof d->callee));
	write_wire(&in,
	           "SIP/2.0 200 OK\r\nVia: SIP/2.0/%s %s:%d;branch=z9hG4bKours\r\nVia: SIP/2.0/TLS "
	           "p.%s:5061;branch=z9hG4bKcaller\r\n"
	           "From: <sip:caller@%s>;tag=callertag\r\nTo: <sip:callee@%s>;tag=calleetag\r\nCall-ID: "
	           "call-1\r\nCSeq: 1 INVITE\r\n"
	           "Record-Route: %s\r\nContact: <sip:callee@198.51.100.8>\r\nContent-Length: 0\r\n\r\n",
	           to == SIP_SIDE_EXTERNAL ? "TLS" : "TCP",
	           to == SIP_SIDE_EXTERNAL ? "edge.contoso.example" : "edge-int.contoso.example",
	           to == SIP_SIDE_EXTERNAL ? 5061 : 5062, d->caller_domain, d->caller_domain,
	           d->callee_domain, all);
	pass_back(&d->proxy, to, wire_slice(&in), &back);
	values_of(wire_slice(&back), SIP_RECORD_ROUTE, all, sizeof all);
	reverse(all, reversed, sizeof reversed);
	assert_true(slice_to_text(slice_of(behind(reversed, callers)), d->caller, sizeof d->caller));
}

/* One request in the dialog, as it comes to the edge. */
static void in_dialog(const struct dialog *d, bool by_caller, const char *method, const char *routes,
                      struct wire *w)
{
	write_wire(w,
	           "%s sip:%s@198.51.100.8 SIP/2.0\r\nVia: SIP/2.0/TLS q.example:5061;branch=z9hG4bKnext\r\n"
	           "From: <sip:%s@x.example>;tag=%s\r\nTo: <sip:%s@x.example>;tag=%s\r\nCall-ID: "
	           "call-1\r\nCSeq: 2 %s\r\n"
	           "Max-Forwards: 70\r\n%s%s%sContent-Length: 0\r\n\r\n",
	           method, by_caller ? "callee" : "caller", by_caller ? "caller" : "callee",
	           by_caller ? "callertag" : "calleetag", by_caller ? "callee" : "caller",
	           by_caller ? "calleetag" : "callertag", method, *routes ? "Route: " : "", routes,
	           *routes ? "\r\n" : "");
	(void)d;
}

static enum sip_side side_of(const struct dialog *d, bool by_caller)
{
	return by_caller ? d->began : edge_other(d->began);
}

static void both_parties_reach_each_other(void **unused)
{
	static struct dialog d;
	static struct wire in, out;
	char rest[TEXT_MAX];

	(void)unused;
	for (int began = 0; began < 2; began++) {
		for (int shape = 0; shape < 9; shape++) {
			begin(&d, (enum sip_side)began, shape % 3, shape / 3);
			for (int by_caller = 0; by_caller < 2; by_caller++) {
				enum sip_side from = side_of(&d, by_caller);
				const char *routes = by_caller ? d.caller : d.callee;
				int far_proxies = by_caller ? shape / 3 : shape % 3;
				struct sip_token token;

				printf("began %s, %d proxies before, %d after, %s speaks: %s\n",
				       began ? "inside" : "outside", shape % 3, shape / 3,
				       by_caller ? "caller" : "callee", routes);
				in_dialog(&d, by_caller, "BYE", routes, &in);
				assert_int_equal(
				        pass(&d.proxy, from, wire_slice(&in), false, "", "", &token, &out),
				        SIP_ROUTE_TOKEN);
				assert_int_equal(token.towards, edge_other(from));
				assert_slice(token.next_hop,
				             from == SIP_SIDE_EXTERNAL ? pool_hop : partner_hop);
				/* Ours are gone, the next domain's are there, byte for byte. */
				values_of(wire_slice(&out), SIP_ROUTE, rest, sizeof rest);
				assert_string_equal(rest, far_proxies ? behind(routes, 2) : "");
			}
		}
	}
}

/* ---- what is not that dialog ---- */

static void replace_all(char *text, size_t size, const char *old, const char *fresh)
{
	static char copy[TEXT_MAX];
	char *at = strstr(text, old);

	assert_non_null(at);
	snprintf(copy, sizeof copy, "%.*s%s%s", (int)(at - text), text, fresh, at + strlen(old));
	assert_true(slice_to_text(slice_of(copy), text, size));
}

static const struct {
	const char *behaviour;
	const char *old, *fresh; /* in the whole request */
} changes[] = {
	{ "refuses_another_call_id", "Call-ID: call-1", "Call-ID: call-2" },
	{ "refuses_a_call_id_in_other_case", "Call-ID: call-1", "Call-ID: Call-1" },
	{ "refuses_another_tag_of_who_began", "tag=callertag", "tag=callertaf" },
	{ "refuses_no_tag_of_who_began", ";tag=callertag", "" },
	{ "refuses_another_version", "sip:r1", "sip:r2" },
	{ "refuses_the_other_direction_letter", "sip:r1i", "sip:r1e" },
	{ "refuses_the_other_party_letter", "sip:r1if", "sip:r1it" },
	{ "refuses_another_next_hop", "-fe1.contoso", "-fe2.contoso" },
	{ "refuses_a_longer_next_hop", "-fe1.contoso.example@", "-fe1.contoso.example.evil.example@" },
	{ "refuses_no_next_hop", "-fe1.contoso.example@", "-@" },
	{ "refuses_an_escape_for_a_letter", "-fe1.", "-%66e1." },
	{ "refuses_a_broken_escape", "-fe1.", "-f%zz1." },
	{ "refuses_a_cut_token", "sip:r1if", "sip:r1i" },
	{ "refuses_an_upper_case_token", "sip:r1if", "sip:R1IF" },
	{ "refuses_another_host", "@edge.contoso.example:5061", "@edge.evil.example:5061" },
	{ "refuses_another_port", "@edge.contoso.example:5061", "@edge.contoso.example:5060" },
	{ "refuses_maddr", "example:5061;transport=tls;lr", "example:5061;transport=tls;maddr=10.0.0.5;lr" },
	{ "refuses_transport_udp", "example:5061;transport=tls;lr", "example:5061;transport=udp;lr" },
	{ "refuses_127_0_0_1_behind", "fe1.contoso.example:5061;transport=tls;ms-route-sig",
	  "127.0.0.1:5061;transport=tls;ms-route-sig" },
	{ "refuses_an_inside_name_behind", "<sip:fe1.contoso.example:5061;",
	  "<sip:ad.contoso.example:5061;" },
	{ "refuses_another_port_behind", "<sip:fe1.contoso.example:5061;", "<sip:fe1.contoso.example:22;" },
	{ "refuses_a_user_behind", "<sip:fe1.contoso.example:5061;", "<sip:eve@fe1.contoso.example:5061;" },
	{ "refuses_a_user_with_a_password_behind", "<sip:fe1.contoso.example:5061;",
	  "<sip:eve:x@fe1.contoso.example:5061;" },
	{ "refuses_sips_behind", "<sip:fe1.contoso.example:5061;", "<sips:fe1.contoso.example:5061;" },
	{ "refuses_maddr_behind", "ms-route-sig=ab12;lr", "maddr=10.0.0.5;lr" },
	{ "refuses_udp_behind", "5061;transport=tls;ms-route-sig", "5061;transport=udp;ms-route-sig" },
	{ "refuses_a_strict_router_behind", ";ms-route-sig=ab12;lr;", ";ms-route-sig=ab12;" },
	{ "refuses_an_added_parameter_behind", ";ms-route-sig=ab12;lr;",
	  ";ms-route-sig=ab12;lr;received=10.0.0.5;" },
	{ "refuses_a_dropped_parameter_behind", ";ms-route-sig=ab12;lr;", ";lr;" },
	{ "refuses_another_parameter_value_behind", ";ms-route-sig=ab12;lr;", ";ms-route-sig=AB12;lr;" },
	{ "refuses_a_renamed_parameter_behind", ";ms-route-sig=ab12;lr;", ";ms-route-sigab12;lr;" },
	{ "refuses_headers_behind", ";ms-key-info=x>", ";ms-key-info=x?Route=%3Csip:10.0.0.5%3E>" },
	{ "refuses_one_more_behind", ";ms-key-info=x>", ";ms-key-info=x>, <sip:10.0.0.5;lr>" },
	{ "refuses_one_between", ";lr>, <sip:fe1.", ";lr>, <sip:[::1];lr>, <sip:fe1." },
	{ "refuses_one_in_front", "Route: <", "Route: <sip:10.0.0.5;lr>, <" },
	{ "refuses_ours_twice", "Route: <", "Route: <sip:edge.contoso.example:5061;transport=tls;lr>, <" },
};

/* Who began sits outside, a front end of the pool records too; then one thing is changed. */
static void refuses_what_is_not_of_the_dialog(void **unused)
{
	static struct dialog d;
	static struct wire in, out;

	(void)unused;
	for (size_t i = 0; i < COUNT(changes); i++) {
		printf("%s\n", changes[i].behaviour);
		begin(&d, SIP_SIDE_EXTERNAL, 0, 1);
		in_dialog(&d, true, "MESSAGE", d.caller, &in);
		assert_int_equal(
		        pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
		        SIP_ROUTE_TOKEN);
		replace_all(in.bytes, sizeof in.bytes, changes[i].old, changes[i].fresh);
		in.length = strlen(in.bytes);
		assert_int_equal(
		        pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
		        SIP_ROUTE_FORGED);
	}
}

static const struct {
	const char *behaviour;
	const char *old, *fresh;
} harmless[] = {
	{ "takes_a_display_name", "Route: <", "Route: \"edge\" <" },
	{ "takes_upper_case_hosts", "edge.contoso.example", "EDGE.Contoso.Example" },
	{ "takes_a_trailing_dot", "@edge.contoso.example:", "@edge.contoso.example.:" },
	{ "takes_its_address_for_its_name", "@edge.contoso.example:", "@192.0.2.10:" },
	{ "takes_its_ipv6_address_spelled_out", "@edge.contoso.example:", "@[2001:0db8:0:0::10]:" },
	{ "takes_lr_with_a_value", ";lr>", ";lr=on>" },
	{ "takes_parameters_in_another_order", ";transport=tls;ms-route-sig=ab12;lr",
	  ";lr;transport=TLS;ms-route-sig=ab12" },
	{ "takes_a_parameter_name_in_upper_case", ";ms-route-sig=ab12;lr", ";MS-Route-Sig=ab12;LR" },
	{ "takes_two_headers_for_a_list", ">, <", ">\r\nRoute: <" },
	{ "takes_another_tag_of_the_other_party", "tag=calleetag", "tag=fork2" },
	{ "ignores_a_password", "-fe1.contoso.example@", "-fe1.contoso.example:x@" },
	{ "takes_an_added_header_parameter", ";lr>", ";lr>;x=y" },
};

/* Of a value of the inside that comes back, only the URI is what the token covers. */
static void passes_only_the_uri_of_a_route_from_outside(void **unused)
{
	static struct dialog d;
	static struct wire in, out;
	char rest[TEXT_MAX];

	(void)unused;
	begin(&d, SIP_SIDE_EXTERNAL, 0, 1);
	in_dialog(&d, true, "MESSAGE", d.caller, &in);
	replace_all(in.bytes, sizeof in.bytes, "<sip:fe1.", "\"x, y\" <sip:fe1.");
	replace_all(in.bytes, sizeof in.bytes, ";ms-key-info=x>", ";ms-key-info=x>;received=10.0.0.5");
	in.length = strlen(in.bytes);
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_TOKEN);
	values_of(wire_slice(&out), SIP_ROUTE, rest, sizeof rest);
	assert_string_equal(rest, proxies_of[SIP_SIDE_INTERNAL][1]);
}

static void takes_what_a_party_may_change(void **unused)
{
	static struct dialog d;
	static struct wire in, out;

	(void)unused;
	for (size_t i = 0; i < COUNT(harmless); i++) {
		printf("%s\n", harmless[i].behaviour);
		begin(&d, SIP_SIDE_EXTERNAL, 0, 1);
		in_dialog(&d, true, "MESSAGE", d.caller, &in);
		replace_all(in.bytes, sizeof in.bytes, harmless[i].old, harmless[i].fresh);
		in.length = strlen(in.bytes);
		assert_int_equal(
		        pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
		        SIP_ROUTE_TOKEN);
	}
}

/* Both tokens of the route set, one character after the other exchanged. */
static void refuses_each_changed_character_of_a_token(void **unused)
{
	static struct dialog d;
	static struct wire in, out;
	size_t count = 0;
	char *at;

	(void)unused;
	begin(&d, SIP_SIDE_EXTERNAL, 0, 0);
	in_dialog(&d, true, "BYE", d.caller, &in);
	at = in.bytes;
	while ((at = strstr(at, "<sip:r1"))) {
		for (at += strlen("<sip:"); *at != '@'; at++, count++) {
			char was = *at;

			*at = was == 'a' ? 'b' : 'a';
			assert_int_equal(
			        pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
			        SIP_ROUTE_FORGED);
			*at = was;
		}
	}
	assert_true(count > 60);
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_TOKEN);
}

/* A partner has both values of a dialog; neither can be used from the wrong side or by itself for more. */
static void refuses_the_wrong_way(void **unused)
{
	static struct dialog d;
	static struct wire in, out;
	char first[TEXT_MAX], second[TEXT_MAX];
	const char *comma;

	(void)unused;
	begin(&d, SIP_SIDE_EXTERNAL, 0, 0);
	comma = strstr(d.caller, ", ");
	assert_non_null(comma);
	assert_true(
	        slice_to_text((struct slice){ d.caller, (size_t)(comma - d.caller) }, first, sizeof first));
	assert_true(slice_to_text(slice_of(comma + 2), second, sizeof second));

	in_dialog(&d, true, "BYE", first, &in); /* alone it is enough: some peers drop the second */
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_TOKEN);
	in_dialog(&d, true, "BYE", second, &in); /* the inside's value from outside */
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
	in_dialog(&d, true, "BYE", d.callee, &in);
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
	in_dialog(&d, true, "BYE", d.caller, &in); /* the outside's value from inside */
	assert_int_equal(pass(&d.proxy, SIP_SIDE_INTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
	/* The inside's token under the outside's name. */
	replace_all(second, sizeof second, "@edge-int.contoso.example:5062;transport=tcp",
	            "@edge.contoso.example:5061;transport=tls");
	in_dialog(&d, true, "BYE", second, &in);
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
	in_dialog(&d, false, "BYE", second, &in); /* even with the tags it was made for */
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
	/* The caller's value used by the callee's tags, and the reverse. */
	in_dialog(&d, false, "BYE", d.caller, &in);
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
	in_dialog(&d, true, "BYE", d.callee, &in);
	assert_int_equal(pass(&d.proxy, SIP_SIDE_INTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
}

static void a_token_survives_a_restart_and_not_another_key(void **unused)
{
	static struct dialog d;
	static struct wire in, out;
	struct sip_proxy again;

	(void)unused;
	begin(&d, SIP_SIDE_INTERNAL, 1, 1);
	in_dialog(&d, false, "BYE", d.callee, &in);
	again = edge_proxy();
	again.loop_key.k0 ^= 1; /* that one is new with each start */
	assert_int_equal(pass(&again, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_TOKEN);
	again.token_key[SIP_TOKEN_KEY_BYTES - 1] ^= 1;
	assert_int_equal(pass(&again, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
}

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
	  "<sip:r1ifaaaaaaaaaaaaaaaa-fe1.contoso.example@edge.contoso.example:5061;transport=tls;lr>",
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
	{ "refuses_a_token_as_target_without_route", "sip:r1ifaaaaaaaaaaaaaaaa-x@edge.contoso.example:5061",
	  "", SIP_ROUTE_FORGED, SIP_ROUTE_NEW, "" },
	{ "refuses_a_made_up_token_as_target", "sip:r1ifaaaaaaaaaaaaaaaa-x@edge.contoso.example:5061",
	  "<sip:10.0.0.5>", SIP_ROUTE_FORGED, SIP_ROUTE_FORGED, "" },
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
	struct sip_route_binding binding = { .call_id = SLICE("c"), .tag = SLICE("t") };
	char hop[SIP_TOKEN_MAX];
	struct arena arena;
	struct sip_token token = { .towards = SIP_SIDE_EXTERNAL }, read;
	struct slice text;
	size_t room = SIP_TOKEN_MAX - 21;

	(void)unused;
	memset(hop, 'x', sizeof hop);
	arena_start(&arena, SIP_MESSAGE_ARENA_MAX);
	for (size_t length = room - 1; length <= room + 1; length++) {
		token.next_hop = (struct slice){ hop, length };
		text = sip_route_token_make(&proxy, &arena, &token, true, &binding);
		if (length > room) {
			assert_null(text.ptr);
			continue;
		}
		assert_int_equal(text.len, length + 21);
		assert_true(sip_route_token_check(&proxy, &arena, text, &binding, &read));
		assert_true(slice_equal(read.next_hop, token.next_hop));
	}
	arena_stop(&arena);
}

static void any_next_hop_comes_back(void **unused)
{
	static const char *const hops[] = { "", "fabrikam.example", "[2001:db8::1]:5061",
		                            "a b@c<d>;e\"%41\r\n", "\x01\xff" };
	struct sip_proxy proxy = edge_proxy();
	struct sip_route_binding binding = { .call_id = SLICE("c") };
	struct arena arena;

	(void)unused;
	arena_start(&arena, SIP_MESSAGE_ARENA_MAX);
	for (size_t i = 0; i < COUNT(hops); i++) {
		struct sip_token token = { .towards = SIP_SIDE_INTERNAL, .next_hop = slice_of(hops[i]) },
		                 read;
		struct slice text = sip_route_token_make(&proxy, &arena, &token, false, &binding);
		struct sip_address address;

		assert_non_null(text.ptr);
		assert_true(sip_route_token_check(&proxy, &arena, text, &binding, &read));
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
	struct sip_route_binding one = { .call_id = SLICE("ab"), .tag = SLICE("c") },
	                         two = { .call_id = SLICE("a"), .tag = SLICE("bc") };
	struct sip_token token = { .towards = SIP_SIDE_INTERNAL }, read;
	struct arena arena;
	struct slice text;

	(void)unused;
	arena_start(&arena, SIP_MESSAGE_ARENA_MAX);
	text = sip_route_token_make(&proxy, &arena, &token, true, &one);
	assert_true(sip_route_token_check(&proxy, &arena, text, &one, &read));
	assert_false(sip_route_token_check(&proxy, &arena, text, &two, &read));
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
		cmocka_unit_test(both_parties_reach_each_other),
		cmocka_unit_test(refuses_what_is_not_of_the_dialog),
		cmocka_unit_test(takes_what_a_party_may_change),
		cmocka_unit_test(passes_only_the_uri_of_a_route_from_outside),
		cmocka_unit_test(refuses_each_changed_character_of_a_token),
		cmocka_unit_test(refuses_the_wrong_way),
		cmocka_unit_test(a_token_survives_a_restart_and_not_another_key),
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
