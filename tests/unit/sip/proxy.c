/* Forwarding, the way back, loops and spirals, what crosses and what does not. */
#include "tests/unit/sip/edge.h"

#include "shared/base/memory.h"

enum { TEXT_MAX = 65536 };

/* ---- is it us? ---- */

static const struct {
	const char *behaviour, *uri;
	bool outside, inside;
} names[] = {
	{ "name_and_port", "sip:edge.contoso.example:5061", true, false },
	{ "name_in_any_case", "sip:Edge.CONTOSO.example:5061", true, false },
	{ "name_without_port", "sip:edge.contoso.example", true, false },
	{ "trailing_dot", "sip:edge.contoso.example.", true, false },
	{ "sips", "sips:edge.contoso.example", true, false },
	{ "any_user", "sip:bob@edge.contoso.example", true, false },
	{ "right_transport", "sip:edge.contoso.example;transport=TLS", true, false },
	{ "address", "sip:192.0.2.10:5061", true, false },
	{ "ipv6_address", "sip:[2001:db8::10]:5061", true, false },
	{ "ipv6_address_in_full", "sip:[2001:0DB8:0000:0000:0000:0000:0000:0010]:5061", true, false },
	{ "inside_name", "sip:edge-int.contoso.example:5062;transport=tcp", false, true },
	{ "inside_address", "sip:10.0.0.10", false, true },
	{ "another_port", "sip:edge.contoso.example:5060", false, false },
	{ "another_transport", "sip:edge.contoso.example;transport=udp", false, false },
	{ "maddr", "sip:edge.contoso.example;maddr=10.0.0.1", false, false },
	{ "maddr_in_any_case", "sip:edge.contoso.example;MADDR=192.0.2.10", false, false },
	{ "another_name", "sip:edge.fabrikam.example", false, false },
	{ "part_of_our_name", "sip:contoso.example", false, false },
	{ "more_than_our_name", "sip:x.edge.contoso.example", false, false },
	{ "another_address", "sip:192.0.2.1", false, false },
	{ "loopback", "sip:127.0.0.1", false, false },
	{ "ipv4_in_ipv6", "sip:[::ffff:192.0.2.10]", false, false },
	{ "no_sip", "tel:+4512345678", false, false },
};

static void knows_its_names(void **unused)
{
	struct sip_proxy proxy = edge_proxy();

	(void)unused;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct sip_uri uri;

		printf("%s\n", names[i].behaviour);
		assert_int_equal(sip_uri_parse(slice_of(names[i].uri), &uri, NULL), SIP_PARSE_OK);
		assert_int_equal(sip_proxy_is_ours(&proxy, SIP_SIDE_EXTERNAL, &uri), names[i].outside);
		assert_int_equal(sip_proxy_is_ours(&proxy, SIP_SIDE_INTERNAL, &uri), names[i].inside);
	}
}

/* ---- forwarding ---- */

static void forward(const struct sip_proxy *proxy, struct sip_forward how, struct slice in,
                    struct buffer *out)
{
	struct edge_message e;
	struct sip_edits edits = { 0 };

	edge_read(&e, in);
	assert_true(sip_proxy_forward(proxy, e.m, &how, &edits, e.m->arena));
	buffer_clear(out);
	assert_true(sip_message_write(e.m, &edits, out));
	edge_free(&e);
}

static struct sip_forward inwards(void)
{
	return (struct sip_forward){ .from = SIP_SIDE_EXTERNAL,
		                     .to = SIP_SIDE_INTERNAL,
		                     .branch = SLICE("z9hG4bKours"),
		                     .source_address = SLICE("198.51.100.7"),
		                     .source_port = 40000,
		                     .next_hop = SLICE("fe1.contoso.example"),
		                     .previous_hop = SLICE("fabrikam.example") };
}

static void writes_what_16_6_asks(void **unused)
{
	struct sip_proxy proxy = edge_proxy();
	struct buffer out;
	struct sip_forward how = inwards();

	(void)unused;
	buffer_start(&out, TEXT_MAX);
	forward(&proxy, how,
	        SLICE("MESSAGE sip:bob@contoso.example SIP/2.0\r\n"
	              "v: SIP/2.0/TLS "
	              "p.fabrikam.example:5061;branch=z9hG4bKp;ms-received-port=5061;ms-received-cid=A00\r\n"
	              "Via: SIP/2.0/TLS 10.9.8.7:1234;branch=z9hG4bKclient\r\nMax-Forwards: 10\r\n"
	              "f: <sip:alice@fabrikam.example>;tag=1\r\nt: <sip:bob@contoso.example>\r\ni: "
	              "c\r\nCSeq: 1 MESSAGE\r\n"
	              "X-Unknown: stays\r\nc: text/plain\r\nl: 2\r\n\r\nhi"),
	        &out);
	assert_slice(
	        buffer_slice(&out),
	        "MESSAGE sip:bob@contoso.example SIP/2.0\r\n"
	        "Via: SIP/2.0/TCP edge-int.contoso.example:5062;branch=z9hG4bKours\r\n"
	        "Via: SIP/2.0/TLS "
	        "p.fabrikam.example:5061;branch=z9hG4bKp;ms-received-port=5061;ms-received-cid=A00"
	        ";received=198.51.100.7\r\n"
	        "Via: SIP/2.0/TLS 10.9.8.7:1234;branch=z9hG4bKclient\r\nMax-Forwards: 9\r\n"
	        "From: <sip:alice@fabrikam.example>;tag=1\r\nTo: <sip:bob@contoso.example>\r\nCall-ID: c\r\n"
	        "CSeq: 1 MESSAGE\r\nX-Unknown: stays\r\nContent-Type: text/plain\r\nContent-Length: "
	        "2\r\n\r\nhi");

	how.from = SIP_SIDE_INTERNAL;
	how.to = SIP_SIDE_EXTERNAL;
	how.source_address = SLICE("");
	forward(&proxy, how,
	        SLICE("MESSAGE sip:bob@fabrikam.example SIP/2.0\r\nVia: SIP/2.0/TCP "
	              "10.0.0.1;branch=z9hG4bKp\r\n"
	              "From: <sip:a@contoso.example>;tag=1\r\nTo: <sip:b@fabrikam.example>\r\nCall-ID: c\r\n"
	              "CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n"),
	        &out);
	assert_slice(buffer_slice(&out),
	             "MESSAGE sip:bob@fabrikam.example SIP/2.0\r\n"
	             "Via: SIP/2.0/TLS edge.contoso.example:5061;branch=z9hG4bKours;alias\r\n"
	             "Via: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bKp\r\n"
	             "From: <sip:a@contoso.example>;tag=1\r\nTo: <sip:b@fabrikam.example>\r\nCall-ID: c\r\n"
	             "CSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
	buffer_stop(&out);
}

static const struct {
	const char *behaviour, *via, *source, *wanted;
} vias[] = {
	{ "adds_received_to_a_name", "p.example;branch=z9hG4bKa", "192.0.2.1",
	  "p.example;branch=z9hG4bKa;received=192.0.2.1" },
	{ "adds_none_where_it_is_true", "192.0.2.1;branch=z9hG4bKa", "192.0.2.1",
	  "192.0.2.1;branch=z9hG4bKa" },
	{ "adds_none_where_ipv6_is_true", "[2001:DB8:0::1];branch=z9hG4bKa", "2001:db8::1",
	  "[2001:DB8:0::1];branch=z9hG4bKa" },
	{ "fills_rport", "p.example;rport;branch=z9hG4bKa", "192.0.2.1",
	  "p.example;branch=z9hG4bKa;received=192.0.2.1;rport=40000" },
	{ "fills_rport_with_received", "192.0.2.1;rport;branch=z9hG4bKa", "192.0.2.1",
	  "192.0.2.1;branch=z9hG4bKa;received=192.0.2.1;rport=40000" },
	{ "does_not_believe_received", "p.example;received=10.0.0.1;branch=z9hG4bKa", "192.0.2.1",
	  "p.example;branch=z9hG4bKa;received=192.0.2.1" },
	{ "takes_a_false_received_away", "192.0.2.1;RECEIVED=10.0.0.1;branch=z9hG4bKa", "192.0.2.1",
	  "192.0.2.1;branch=z9hG4bKa" },
	{ "does_not_believe_rport", "p.example;rport=22;branch=z9hG4bKa", "192.0.2.1",
	  "p.example;branch=z9hG4bKa;received=192.0.2.1;rport=40000" },
	{ "keeps_what_it_does_not_know", "p.example:5061 ; x=\"a;received=b\" ;branch=z9hG4bKa; flag",
	  "192.0.2.1", "p.example:5061;x=\"a;received=b\";branch=z9hG4bKa;flag;received=192.0.2.1" },
	{ "writes_an_ipv6_source", "p.example;branch=z9hG4bKa", "2001:db8::1",
	  "p.example;branch=z9hG4bKa;received=2001:db8::1" },
	{ "works_without_parameters", "p.example", "192.0.2.1", "p.example;received=192.0.2.1" },
};

static void says_where_it_came_from(void **unused)
{
	struct sip_proxy proxy = edge_proxy();
	struct sip_forward how = inwards();
	struct buffer out;
	char text[TEXT_MAX], wanted[512];

	(void)unused;
	buffer_start(&out, TEXT_MAX);
	for (size_t i = 0; i < COUNT(vias); i++) {
		printf("%s\n", vias[i].behaviour);
		snprintf(text, sizeof text,
		         "MESSAGE sip:b@contoso.example SIP/2.0\r\nVia: SIP/2.0/TLS %s\r\nFrom: "
		         "<sip:a@x.example>;tag=1\r\n"
		         "To: <sip:b@contoso.example>\r\nCall-ID: c\r\nCSeq: 1 MESSAGE\r\nContent-Length: "
		         "0\r\n\r\n",
		         vias[i].via);
		how.source_address = slice_of(vias[i].source);
		forward(&proxy, how, slice_of(text), &out);
		snprintf(wanted, sizeof wanted, ";branch=z9hG4bKours\r\nVia: SIP/2.0/TLS %s\r\nFrom",
		         vias[i].wanted);
		buffer_add_char(&out, '\0');
		if (!strstr(buffer_slice(&out).ptr, wanted))
			fail_msg("%s in\n%s", wanted, buffer_slice(&out).ptr);
	}
	buffer_stop(&out);
}

static void counts_hops(void **unused)
{
	static const struct {
		const char *line, *wanted; /* NULL: not forwarded */
	} rows[] = {
		{ "Max-Forwards: 70\r\n", "Max-Forwards: 69\r\n" },
		{ "Max-Forwards: 255\r\n", "Max-Forwards: 254\r\n" },
		{ "Max-Forwards: 1\r\n", "Max-Forwards: 0\r\n" },
		{ "Max-Forwards: 0\r\n", NULL },
		{ "", "Max-Forwards: 70\r\n" },
	};
	struct sip_proxy proxy = edge_proxy();
	char text[2048];

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct edge_message e;
		struct sip_edits edits = { 0 };
		struct sip_forward how = inwards();
		struct buffer out;

		snprintf(text, sizeof text,
		         "OPTIONS sip:b@contoso.example SIP/2.0\r\nVia: SIP/2.0/TLS p\r\nFrom: "
		         "<sip:a@x.example>;tag=1\r\n"
		         "To: <sip:b@contoso.example>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n%sContent-Length: "
		         "0\r\n\r\n",
		         rows[i].line);
		edge_read(&e, slice_of(text));
		assert_int_equal(sip_proxy_forward(&proxy, e.m, &how, &edits, e.m->arena),
		                 rows[i].wanted != NULL);
		if (rows[i].wanted) {
			buffer_start(&out, TEXT_MAX);
			assert_true(sip_message_write(e.m, &edits, &out));
			buffer_add_char(&out, '\0');
			assert_non_null(strstr(buffer_slice(&out).ptr, rows[i].wanted));
			buffer_stop(&out);
		}
		edge_free(&e);
	}
}

static void records_the_route_twice(void **unused)
{
	static const struct {
		const char *target;
		bool inwards;
		const char *top, *second;
	} rows[] = {
		{ "sip:b@contoso.example", true, "@edge-int.contoso.example:5062;transport=tcp;lr>",
		  "@edge.contoso.example:5061;transport=tls;lr>" },
		{ "sip:b@fabrikam.example", false, "@edge.contoso.example:5061;transport=tls;lr>",
		  "@edge-int.contoso.example:5062;transport=tcp;lr>" },
		{ "sips:b@contoso.example", true, "<sip:", "<sips:" }, /* the inside listens without TLS */
	};
	struct sip_proxy proxy = edge_proxy();
	struct buffer out;
	char text[2048], list[2048];

	(void)unused;
	buffer_start(&out, TEXT_MAX);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sip_forward how = inwards();
		struct edge_message e;
		char *comma;

		how.record_route = true;
		if (!rows[i].inwards) {
			how.from = SIP_SIDE_INTERNAL;
			how.to = SIP_SIDE_EXTERNAL;
		}
		snprintf(text, sizeof text,
		         "INVITE %s SIP/2.0\r\nVia: SIP/2.0/TLS p\r\nFrom: "
		         "<sip:a@x.example>;tag=1\r\nRecord-Route: <sip:old;lr>\r\n"
		         "To: <sip:b@contoso.example>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: "
		         "0\r\n\r\n",
		         rows[i].target);
		forward(&proxy, how, slice_of(text), &out);
		edge_read(&e, buffer_slice(&out));
		edge_values(e.m, SIP_RECORD_ROUTE, list, sizeof list);
		comma = strstr(list, ", ");
		assert_non_null(comma);
		*comma = '\0';
		assert_non_null(strstr(list, rows[i].top));
		assert_non_null(strstr(comma + 1, rows[i].second));
		assert_non_null(strstr(comma + 1, ", <sip:old;lr>"));
		edge_free(&e);
	}
	buffer_stop(&out);
}

/* ---- what does not cross ---- */

static const struct {
	const char *name;
	bool inwards, outwards; /* true: crosses */
} crossings[] = {
	{ "P-Asserted-Identity", false, false },
	{ "P-Preferred-Identity", false, false },
	{ "Remote-Party-ID", false, false },
	{ "Diversion", false, true },
	{ "History-Info", false, false },
	{ "Identity", false, true },
	{ "y", false, true },
	{ "Identity-Info", false, true },
	{ "n", false, true },
	{ "Privacy", false, true },
	{ "P-Charging-Vector", false, false },
	{ "P-Charging-Function-Addresses", false, false },
	{ "P-Charging-Whatever", false, false },
	{ "P-DCS-LAES", false, false },
	{ "P-Access-Network-Info", false, false },
	{ "P-Associated-URI", false, false },
	{ "P-Called-Party-ID", false, false },
	{ "P-Visited-Network-ID", false, false },
	{ "P-Served-User", false, false },
	{ "P-Profile-Key", false, false },
	{ "P-User-Database", false, false },
	{ "P-Asserted-Service", false, false },
	{ "P-Preferred-Service", false, false },
	{ "P-Media-Authorization", false, false },
	{ "P-Private-Network-Indication", false, false },
	{ "Authorization", false, false },
	{ "Proxy-Authorization", false, false },
	{ "Authentication-Info", false, false },
	{ "Proxy-Authentication-Info", false, false },
	{ "ms-edge-proxy-message-trust", false, false },
	{ "ms-diagnostics", false, false },
	{ "ms-client-diagnostics", false, false },
	{ "ms-user-data", false, false },
	{ "ms-user-logon-data", false, false },
	{ "ms-asserted-verification-level", false, false },
	{ "ms-call-source", false, false },
	{ "ms-split-domain-info", false, false },
	{ "ms-endpoint-location-data", false, false },
	{ "ms-diagnostics-public", true, true },
	{ "Subject", true, true },
	{ "s", true, true },
	{ "X-Anything", true, true },
	{ "P-Early-Media", true, true },
	{ "Supported", true, true },
};

static const struct {
	const char *spelling;
	const char *before, *colon;
	char letters; /* 'u' upper, 'l' lower, 'm' mixed, 0 as it is */
	bool twice;
} spellings[] = {
	{ "as it is", "", ": ", 0, false },
	{ "upper case", "", ": ", 'u', false },
	{ "lower case", "", ": ", 'l', false },
	{ "mixed case", "", ":", 'm', false },
	{ "blank before colon", "", " : ", 0, false },
	{ "tab before colon", "", "\t:", 0, false },
	{ "blanks before colon", "", "  \t :\t", 'u', false },
	{ "folded", "", ":\r\n ", 0, false },
	{ "folded twice", "", " : \r\n\t\r\n ", 'l', false },
	{ "duplicated", "", ": ", 0, true },
	{ "duplicated in mixed case", "", ": ", 'm', true },
};

static void spell(const char *name, char letters, char *to)
{
	size_t i = 0;

	for (; name[i]; i++) {
		bool is_upper = letters == 'u' || (letters == 'm' && i % 2);
		char lower = ascii_lower(name[i]);

		to[i] = letters == 0                               ? name[i]
		        : is_upper && lower >= 'a' && lower <= 'z' ? (char)(lower - 0x20)
		                                                   : lower;
	}
	to[i] = '\0';
}

static void strips_in_every_spelling(void **unused)
{
	struct sip_proxy proxy = edge_proxy();
	struct buffer out;
	char text[4096], name[64], line[256];

	(void)unused;
	buffer_start(&out, TEXT_MAX);
	for (size_t i = 0; i < COUNT(crossings); i++) {
		for (size_t j = 0; j < COUNT(spellings); j++) {
			for (int outwards = 0; outwards < 2; outwards++) {
				struct sip_forward how = inwards();
				struct edge_message e;
				struct sip_edits edits = { 0 };
				bool crosses = outwards ? crossings[i].outwards : crossings[i].inwards;

				how.from = outwards ? SIP_SIDE_INTERNAL : SIP_SIDE_EXTERNAL;
				how.to = edge_other(how.from);
				spell(crossings[i].name, spellings[j].letters, name);
				snprintf(line, sizeof line, "%s%smagic-value\r\n", name, spellings[j].colon);
				snprintf(text, sizeof text,
				         "MESSAGE sip:b@contoso.example SIP/2.0\r\n%sVia: SIP/2.0/TLS "
				         "p.example\r\n"
				         "From: <sip:a@x.example>;tag=1\r\nTo: "
				         "<sip:b@contoso.example>\r\nCall-ID: c\r\n"
				         "CSeq: 1 MESSAGE\r\n%sContent-Length: 0\r\n\r\n",
				         line, spellings[j].twice ? line : "");

				/* The parser may refuse it (a header that stands once stood twice); then nothing crosses either. */
				parsed_start(&e.parsed, slice_of(text));
				e.m = &e.parsed.message;
				if (e.parsed.answer == SIP_PARSE_OK) {
					assert_true(sip_proxy_forward(&proxy, e.m, &how, &edits, e.m->arena));
					buffer_clear(&out);
					assert_true(sip_message_write(e.m, &edits, &out));
					buffer_add_char(&out, '\0');
					if ((strstr(buffer_slice(&out).ptr, "magic-value") != NULL) !=
					    crosses)
						fail_msg("%s, %s, %s: %s", crossings[i].name,
						         spellings[j].spelling,
						         outwards ? "outwards" : "inwards",
						         buffer_slice(&out).ptr);
				} else {
					assert_true(!crosses || spellings[j].twice);
				}
				edge_free(&e);
			}
		}
	}
	buffer_stop(&out);
}

/* All of them at once: no list of ours is too short for it. */
static void strips_all_at_once(void **unused)
{
	struct sip_proxy proxy = edge_proxy();
	struct buffer in, out;

	(void)unused;
	buffer_start(&in, TEXT_MAX);
	buffer_start(&out, TEXT_MAX);
	buffer_add(&in, SLICE("MESSAGE sip:b@contoso.example SIP/2.0\r\nVia: SIP/2.0/TLS p.example\r\nFrom: "
	                      "<sip:a@x.example>;tag=1\r\n"
	                      "To: <sip:b@contoso.example>\r\nCall-ID: c\r\nCSeq: 1 MESSAGE\r\n"));
	for (size_t i = 0; i < COUNT(crossings); i++)
		if (!crossings[i].inwards)
			buffer_printf(&in, "%s: magic-value\r\n", crossings[i].name);
	buffer_add(&in, SLICE("Content-Length: 0\r\n\r\n"));
	forward(&proxy, inwards(), buffer_slice(&in), &out);
	buffer_add_char(&out, '\0');
	assert_null(strstr(buffer_slice(&out).ptr, "magic-value"));
	buffer_stop(&in);
	buffer_stop(&out);
}

/* ---- loops and spirals ---- */

static const struct {
	const char *behaviour, *old, *fresh; /* what changed before the request came back */
	bool is_loop;
} rounds[] = {
	{ "a_request_that_comes_back_is_a_loop", "", "", true },
	{ "with_other_vias_on_top_it_is_still_one", "Via: ", "Via: SIP/2.0/TLS q.example;branch=z9hG4bKq, ",
	  true },
	{ "with_fewer_hops_left_it_is_still_one", "Max-Forwards: 69", "Max-Forwards: 60", true },
	{ "with_a_new_target_it_is_a_spiral", "MESSAGE sip:bob@contoso.example",
	  "MESSAGE sip:carol@contoso.example", false },
	{ "with_a_route_it_is_a_spiral", "Max-Forwards",
	  "Route: <sip:edge.contoso.example;lr>\r\nMax-Forwards", false },
	{ "with_another_number_it_is_another_request", "CSeq: 1 ", "CSeq: 2 ", false },
	{ "with_another_call_id_it_is_another_request", "Call-ID: c", "Call-ID: d", false },
	{ "with_another_from_tag_it_is_another_request", "tag=1", "tag=2", false },
	{ "with_a_to_tag_it_is_another_request", "To: <sip:bob@contoso.example>",
	  "To: <sip:bob@contoso.example>;tag=9", false },
	{ "with_a_proxy_require_it_is_a_spiral", "Max-Forwards", "Proxy-Require: x\r\nMax-Forwards", false },
	{ "a_via_of_another_host_proves_nothing", "edge-int.contoso.example:5062",
	  "edge-int.fabrikam.example:5062", false },
	{ "a_via_of_another_port_proves_nothing", "edge-int.contoso.example:5062",
	  "edge-int.contoso.example:5063", false },
};

static void tells_loops_from_spirals(void **unused)
{
	struct sip_proxy proxy = edge_proxy();
	struct slice in = SLICE(
	        "MESSAGE sip:bob@contoso.example SIP/2.0\r\nVia: SIP/2.0/TLS "
	        "p.fabrikam.example;branch=z9hG4bKp\r\n"
	        "From: <sip:alice@fabrikam.example>;tag=1\r\nTo: <sip:bob@contoso.example>\r\nCall-ID: c\r\n"
	        "CSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
	char text[4096], first[4096];

	(void)unused;
	for (size_t i = 0; i < COUNT(rounds); i++) {
		struct sip_forward how = inwards();
		struct edge_message e;
		struct sip_edits edits = { 0 };
		struct buffer out;
		char *at;

		printf("%s\n", rounds[i].behaviour);
		edge_read(&e, in);
		assert_false(sip_proxy_is_loop(&proxy, SIP_SIDE_EXTERNAL, e.m));
		how.branch = sip_proxy_branch(&proxy, SIP_SIDE_EXTERNAL, e.m->arena, e.m, 0x1234);
		assert_true(slice_starts(how.branch, SLICE("z9hG4bK0000000000001234-")));
		buffer_start(&out, TEXT_MAX);
		assert_true(sip_proxy_forward(&proxy, e.m, &how, &edits, e.m->arena));
		assert_true(sip_message_write(e.m, &edits, &out));
		assert_true(slice_to_text(buffer_slice(&out), first, sizeof first));
		at = strstr(first, rounds[i].old);
		assert_non_null(at);
		snprintf(text, sizeof text, "%.*s%s%s", (int)(at - first), first, rounds[i].fresh,
		         at + strlen(rounds[i].old));
		buffer_stop(&out);
		edge_free(&e);

		edge_read(&e, slice_of(text));
		assert_int_equal(sip_proxy_is_loop(&proxy, SIP_SIDE_EXTERNAL, e.m), rounds[i].is_loop);
		edge_free(&e);
	}
}

/* ---- the way back ---- */

static const struct {
	const char *behaviour, *vias;
	bool goes_back;
} returns[] = {
	{ "takes_our_via_off",
	  "SIP/2.0/TCP edge-int.contoso.example:5062;branch=z9hG4bKa, SIP/2.0/TLS p.example;branch=z9hG4bKb",
	  true },
	{ "takes_one_of_two_headers_off",
	  "SIP/2.0/TCP EDGE-INT.contoso.example:5062;branch=z9hG4bKa\r\nVia: SIP/2.0/TLS p.example", true },
	{ "drops_the_last_via", "SIP/2.0/TCP edge-int.contoso.example:5062;branch=z9hG4bKa", false },
	{ "drops_what_is_not_ours", "SIP/2.0/TLS p.example, SIP/2.0/TLS q.example", false },
	{ "drops_what_we_sent_on_the_other_side",
	  "SIP/2.0/TLS edge.contoso.example:5061;branch=z9hG4bKa, SIP/2.0/TLS p.example", false },
	{ "drops_a_broadcast_address",
	  "SIP/2.0/TCP edge-int.contoso.example:5062, SIP/2.0/TLS 255.255.255.255;branch=z9hG4bKb", false },
	{ "drops_a_group_address", "SIP/2.0/TCP edge-int.contoso.example:5062, SIP/2.0/TLS 224.0.1.75",
	  false },
	{ "drops_an_ipv6_group_address", "SIP/2.0/TCP edge-int.contoso.example:5062, SIP/2.0/TLS [ff02::1]",
	  false },
	{ "drops_the_any_address", "SIP/2.0/TCP edge-int.contoso.example:5062, SIP/2.0/TLS 0.0.0.0", false },
	{ "drops_a_group_in_received",
	  "SIP/2.0/TCP edge-int.contoso.example:5062, SIP/2.0/TLS p;received=239.1.1.1", false },
	{ "drops_a_via_that_is_none", "SIP/2.0/TCP edge-int.contoso.example:5062, rubbish", false },
	{ "passes_any_other_address",
	  "SIP/2.0/TCP edge-int.contoso.example:5062, SIP/2.0/TLS 10.0.0.1;maddr=10.1.1.1", true },
};

static void sends_back_by_via(void **unused)
{
	struct sip_proxy proxy = edge_proxy();
	char text[4096];

	(void)unused;
	for (size_t i = 0; i < COUNT(returns); i++) {
		struct edge_message e;
		struct sip_edits edits = { 0 };
		struct buffer out;

		printf("%s\n", returns[i].behaviour);
		snprintf(
		        text, sizeof text,
		        "SIP/2.0 200 OK\r\nVia: %s\r\nFrom: <sip:a@x.example>;tag=1\r\nTo: "
		        "<sip:b@y.example>;tag=2\r\nCall-ID: c\r\n"
		        "CSeq: 1 MESSAGE\r\nms-diagnostics: 1;reason=\"secret\"\r\nContent-Length: 0\r\n\r\n",
		        returns[i].vias);
		edge_read(&e, slice_of(text));
		assert_int_equal(sip_proxy_return(&proxy, e.m, SIP_SIDE_INTERNAL, SIP_SIDE_EXTERNAL, &edits),
		                 returns[i].goes_back);
		if (returns[i].goes_back) {
			buffer_start(&out, TEXT_MAX);
			assert_true(sip_message_write(e.m, &edits, &out));
			buffer_add_char(&out, '\0');
			assert_null(strstr(buffer_slice(&out).ptr, "edge-int"));
			assert_null(strstr(buffer_slice(&out).ptr, "EDGE-INT"));
			assert_null(strstr(buffer_slice(&out).ptr, "secret"));
			buffer_stop(&out);
		}
		edge_free(&e);
	}
}

/* Record-Routes of others come back byte for byte, also when ours among them is made anew. */
static void echoes_foreign_record_routes(void **unused)
{
	struct sip_proxy proxy = edge_proxy();
	struct sip_forward how = inwards();
	struct buffer out;
	struct edge_message e;
	struct sip_edits edits = { 0 };
	static char text[8192], list[4096];
	const char *signed_route = "\"x, y\"  "
	                           "<sip:fe1.contoso.example:5061;transport=tls;ms-fe=a;opaque=s;lr;ms-route-"
	                           "sig=aaG+/=>;odd  =  \"q,\"";

	(void)unused;
	how.record_route = true;
	buffer_start(&out, TEXT_MAX);
	forward(&proxy, how,
	        SLICE("INVITE sip:b@contoso.example SIP/2.0\r\nVia: SIP/2.0/TLS p\r\nFrom: "
	              "<sip:a@x.example>;tag=1\r\n"
	              "To: <sip:b@contoso.example>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: "
	              "0\r\n\r\n"),
	        &out);
	edge_read(&e, buffer_slice(&out));
	edge_values(e.m, SIP_RECORD_ROUTE, list, sizeof list);
	edge_free(&e);
	snprintf(text, sizeof text,
	         "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP "
	         "edge-int.contoso.example:5062;branch=z9hG4bKours\r\nVia: SIP/2.0/TLS p\r\n"
	         "From: <sip:a@x.example>;tag=1\r\nTo: <sip:b@contoso.example>;tag=2\r\nCall-ID: c\r\nCSeq: "
	         "1 INVITE\r\n"
	         "Record-Route: %s\r\nRecord-Route: %s\r\nRecord-Route: "
	         "<sip:p.x.example;lr;sig=Zz>\r\nContent-Length: 0\r\n\r\n",
	         signed_route, list);
	edge_read(&e, slice_of(text));
	assert_true(sip_proxy_return(&proxy, e.m, SIP_SIDE_INTERNAL, SIP_SIDE_EXTERNAL, &edits));
	buffer_clear(&out);
	assert_true(sip_message_write(e.m, &edits, &out));
	buffer_add_char(&out, '\0');
	assert_non_null(strstr(buffer_slice(&out).ptr, signed_route));
	assert_non_null(strstr(buffer_slice(&out).ptr, "<sip:p.x.example;lr;sig=Zz>"));
	assert_null(strstr(buffer_slice(&out).ptr, strrchr(list, '<'))); /* the outside's value was remade */
	edge_free(&e);
	buffer_stop(&out);
}

/* ---- memory ---- */

#ifdef PARLEY_FAULTS
static void every_allocation_may_fail(void **unused)
{
	struct sip_proxy proxy = edge_proxy();
	struct slice in = SLICE("INVITE sip:b@fabrikam.example SIP/2.0\r\nVia: SIP/2.0/TLS p;rport\r\nFrom: "
	                        "<sip:a@x.example>;tag=1\r\n"
	                        "To: <sip:b@contoso.example>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
	                        "Record-Route: <sip:fe1.contoso.example;lr>\r\nContent-Length: 0\r\n\r\n");
	size_t failed = 0, passed = 0;

	(void)unused;
	for (size_t limit = 0; limit < 16384; limit += 48) {
		struct sip_forward how = inwards();
		struct edge_message e;
		struct sip_edits edits = { 0 };
		struct arena arena;
		struct buffer out;

		how.from = SIP_SIDE_INTERNAL;
		how.to = SIP_SIDE_EXTERNAL;
		how.record_route = true;
		edge_read(&e, in);
		arena_start(&arena, limit);
		how.branch = sip_proxy_branch(&proxy, SIP_SIDE_INTERNAL, &arena, e.m, 1);
		if (how.branch.len && sip_proxy_forward(&proxy, e.m, &how, &edits, &arena)) {
			passed++;
			buffer_start(&out, TEXT_MAX);
			assert_true(sip_message_write(e.m, &edits, &out));
			buffer_add_char(&out, '\0');
			assert_non_null(strstr(buffer_slice(&out).ptr, "Record-Route: <sip:r2it"));
			assert_non_null(strstr(buffer_slice(&out).ptr, ";rport=40000"));
			buffer_stop(&out);
		} else {
			failed++;
		}
		arena_stop(&arena);
		edge_free(&e);
	}
	assert_true(failed > 5 && passed > 5);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_its_names),           cmocka_unit_test(writes_what_16_6_asks),
		cmocka_unit_test(says_where_it_came_from),   cmocka_unit_test(counts_hops),
		cmocka_unit_test(records_the_route_twice),   cmocka_unit_test(strips_in_every_spelling),
		cmocka_unit_test(strips_all_at_once),        cmocka_unit_test(tells_loops_from_spirals),
		cmocka_unit_test(sends_back_by_via),         cmocka_unit_test(echoes_foreign_record_routes),
#ifdef PARLEY_FAULTS
		cmocka_unit_test(every_allocation_may_fail),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
