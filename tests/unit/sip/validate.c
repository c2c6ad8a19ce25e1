/* validate: what parses and yet is answered, and with what. */
#include "tests/unit/sip/sample.h"

#define VIA32                                                                                                \
	"v: SIP/2.0/TLS a,SIP/2.0/TLS a,SIP/2.0/TLS a,SIP/2.0/TLS a\r\nv: SIP/2.0/TLS a,SIP/2.0/TLS a,"      \
	"SIP/2.0/TLS a,SIP/2.0/TLS a\r\nv: SIP/2.0/TLS a,SIP/2.0/TLS a,SIP/2.0/TLS a,SIP/2.0/TLS a\r\n"      \
	"v: SIP/2.0/TLS a,SIP/2.0/TLS a,SIP/2.0/TLS a,SIP/2.0/TLS a\r\nv: SIP/2.0/TLS a,SIP/2.0/TLS a,"      \
	"SIP/2.0/TLS a,SIP/2.0/TLS a\r\nv: SIP/2.0/TLS a,SIP/2.0/TLS a,SIP/2.0/TLS a,SIP/2.0/TLS a\r\n"      \
	"v: SIP/2.0/TLS a,SIP/2.0/TLS a,SIP/2.0/TLS a,SIP/2.0/TLS a\r\nv: SIP/2.0/TLS a,SIP/2.0/TLS a,"      \
	"SIP/2.0/TLS a\r\n"
#define EIGHT(name, value)                                                                                   \
	name ": " value "," value "," value "," value "," value "," value "," value "," value "\r\n"
#define THIRTY_TWO(name, value) EIGHT(name, value) EIGHT(name, value) EIGHT(name, value) EIGHT(name, value)
#define TARGET(uri)             "OPTIONS " uri " SIP/2.0\r\n" SAMPLE_TOP "CSeq: 1 OPTIONS\r\n\r\n"
#define HOPS(method, hops)                                                                                   \
	method " sip:b@h.example SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nMax-Forwards: " hops       \
	       "\r\nTo: sip:b@h.example\r\nFrom: sip:a@h.example\r\nCall-ID: x\r\nCSeq: 1 " method           \
	       "\r\n\r\n"
#define BRANCH(branch)                                                                                       \
	"OPTIONS sip:b@h.example SIP/2.0\r\nVia: SIP/2.0/TLS h" branch                                       \
	"\r\nTo: sip:b@h.example\r\nFrom: sip:a@h.example\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n"

static const struct {
	const char *behaviour, *text;
	int status;
} rows[] = {
	{ "passes_a_message", SAMPLE_MESSAGE("", "5", "hello"), 0 },
	{ "passes_sips", TARGET("sips:b@h.example"), 0 },
	{ "refuses_tel", TARGET("tel:+358551234567"), 416 },
	{ "refuses_an_unknown_scheme", TARGET("nobodyKnowsThisScheme:totallyopaquecontent"), 416 },
	{ "passes_without_max_forwards", BRANCH(";branch=z9hG4bK1"), 0 },
	{ "passes_max_forwards_1", HOPS("MESSAGE", "1"), 0 },
	{ "refuses_max_forwards_0", HOPS("MESSAGE", "0"), 483 },
	{ "leaves_options_with_max_forwards_0_to_be_answered", HOPS("OPTIONS", "0"), 0 },
	{ "refuses_a_branch_of_the_cookie_alone", BRANCH(";branch=z9hG4bK"), 400 },
	{ "passes_a_branch_without_cookie", BRANCH(";branch=390skdjuw"), 0 },
	{ "passes_a_via_without_branch", BRANCH(""), 0 },
	{ "passes_32_vias", SAMPLE_EMPTY("BYE", VIA32), 0 },
	{ "refuses_33_vias", SAMPLE_EMPTY("BYE", VIA32 "v: SIP/2.0/TLS a\r\n"), 483 },
	{ "refuses_a_malformed_second_via", SAMPLE_EMPTY("BYE", "v: SIP/2.0/TLS a;;\r\n"), 400 },
	{ "refuses_an_empty_value_between_vias", SAMPLE_EMPTY("BYE", "v: SIP/2.0/TLS a,,SIP/2.0/TLS b\r\n"),
	  400 },
	{ "passes_32_routes", SAMPLE_EMPTY("BYE", THIRTY_TWO("Route", "<sip:a;lr>")), 0 },
	{ "refuses_33_routes", SAMPLE_EMPTY("BYE", THIRTY_TWO("Route", "<sip:a;lr>") "Route: <sip:a;lr>\r\n"),
	  400 },
	{ "passes_32_record_routes", SAMPLE_EMPTY("BYE", THIRTY_TWO("Record-Route", "<sip:a;lr>")), 0 },
	{ "refuses_33_record_routes",
	  SAMPLE_EMPTY("BYE", "Record-Route: <sip:a>\r\n" THIRTY_TWO("Record-Route", "<sip:a;lr>")), 400 },
	{ "passes_32_contacts", SAMPLE_EMPTY("BYE", THIRTY_TWO("m", "sip:a")), 0 },
	{ "refuses_33_contacts", SAMPLE_EMPTY("BYE", THIRTY_TWO("m", "sip:a") "Contact: <sip:a>\r\n"), 400 },
	{ "refuses_a_route_without_brackets", SAMPLE_EMPTY("BYE", "Route: sip:a;lr\r\n"), 400 },
	{ "refuses_a_record_route_without_brackets", SAMPLE_EMPTY("BYE", "Record-Route: sip:a\r\n"), 400 },
	{ "refuses_a_folded_route_without_brackets", SAMPLE_EMPTY("BYE", "Route:\r\n sip:a;lr\r\n"), 400 },
	{ "refuses_a_malformed_route", SAMPLE_EMPTY("BYE", "Route: <sip:a;lr>, <sip:b;;lr>\r\n"), 400 },
	{ "refuses_a_comma_at_the_end_of_routes", SAMPLE_EMPTY("BYE", "Route: <sip:a;lr>,\r\n"), 400 },
	{ "passes_an_empty_route", SAMPLE_EMPTY("BYE", "Route:\r\n"), 0 },
	{ "passes_a_lync_record_route",
	  SAMPLE_EMPTY("BYE", "Record-Route: <sip:sip.contoso.example:5061;transport=tls;epid=01b6;lr;"
	                      "ms-key-info=AAEAAQ.a_b-c;ms-route-sig=hafpXyM>;tag=9A8B\r\n"),
	  0 },
	{ "refuses_a_malformed_contact",
	  SAMPLE_EMPTY("INVITE", "Contact: \"Joe\" <sip:joe@example.org>;;;;\r\n"), 400 },
	{ "refuses_a_star_outside_register", SAMPLE_EMPTY("INVITE", "Contact: *\r\n"), 400 },
	{ "passes_a_star_in_register", SAMPLE_EMPTY("REGISTER", "Contact: *\r\n"), 0 },
	{ "refuses_a_star_beside_another", SAMPLE_EMPTY("REGISTER", "Contact: *, <sip:a>\r\n"), 400 },
	{ "passes_a_contact_of_unknown_scheme", SAMPLE_EMPTY("REGISTER", "Contact: <name:John_Smith>\r\n"),
	  0 },
	{ "passes_a_gruu",
	  SAMPLE_EMPTY("INVITE", "Contact: <sip:bob@contoso.example;opaque=user:epid:Cxc;gruu>\r\n"), 0 },
	{ "refuses_proxy_require", SAMPLE_EMPTY("BYE", "Proxy-Require: ms-benotify\r\n"), 420 },
	{ "passes_an_empty_proxy_require", SAMPLE_EMPTY("BYE", "Proxy-Require:\r\n"), 0 },
	{ "passes_proxy_require_in_ack", SAMPLE_EMPTY("ACK", "Proxy-Require: foo\r\n"), 0 },
	{ "passes_proxy_require_in_cancel", SAMPLE_EMPTY("CANCEL", "Proxy-Require: foo\r\n"), 0 },
	{ "passes_require", SAMPLE_EMPTY("BYE", "Require: foo\r\n"), 0 },
	{ "refuses_subscribe_without_event", SAMPLE_EMPTY("SUBSCRIBE", ""), 489 },
	{ "refuses_notify_with_an_empty_event", SAMPLE_EMPTY("NOTIFY", "o: \r\n"), 489 },
	{ "leaves_publish_without_event_to_the_table_of_methods", SAMPLE_EMPTY("PUBLISH", ""), 0 },
	{ "passes_subscribe_with_event", SAMPLE_EMPTY("SUBSCRIBE", "Event: presence\r\n"), 0 },
	{ "refuses_a_body_without_type",
	  "MESSAGE sip:b@h.example SIP/2.0\r\n" SAMPLE_TOP "CSeq: 1 MESSAGE\r\nContent-Length: 1\r\n\r\nx",
	  400 },
	{ "refuses_a_packed_body", SAMPLE_MESSAGE("Content-Encoding: gzip\r\n", "1", "x"), 415 },
	{ "refuses_a_packed_body_in_compact_form", SAMPLE_MESSAGE("e: identity, gzip\r\n", "1", "x"), 415 },
	{ "passes_identity", SAMPLE_MESSAGE("Content-Encoding: identity\r\n", "1", "x"), 0 },
	{ "passes_unknown_methods", SAMPLE_EMPTY("NEWMETHOD", ""), 0 },
	{ "passes_a_response", SAMPLE_RESPONSE("200 OK", "v: SIP/2.0/TLS 192.0.2.1\r\n"), 0 },
	{ "drops_a_response_to_broadcast", SAMPLE_RESPONSE("200 OK", "v: SIP/2.0/UDP 255.255.255.255\r\n"),
	  400 },
	{ "drops_a_response_to_multicast", SAMPLE_RESPONSE("200 OK", "v: SIP/2.0/UDP 224.0.1.75\r\n"), 400 },
	{ "drops_a_response_to_class_e", SAMPLE_RESPONSE("200 OK", "v: SIP/2.0/UDP 240.0.0.1\r\n"), 400 },
	{ "drops_a_response_to_ipv6_nobody", SAMPLE_RESPONSE("200 OK", "v: SIP/2.0/UDP [0:0::0]\r\n"), 400 },
	{ "drops_a_response_to_mapped_multicast",
	  SAMPLE_RESPONSE("200 OK", "v: SIP/2.0/UDP [::ffff:224.0.1.75]\r\n"), 400 },
	{ "takes_a_response_to_a_mapped_address",
	  SAMPLE_RESPONSE("200 OK", "v: SIP/2.0/UDP [::ffff:192.0.2.1]\r\n"), 0 },
	{ "drops_a_response_to_ipv6_multicast", SAMPLE_RESPONSE("200 OK", "v: SIP/2.0/UDP [ff02::1]\r\n"),
	  400 },
	{ "drops_a_response_to_anywhere", SAMPLE_RESPONSE("200 OK", "v: SIP/2.0/UDP 0.0.0.0\r\n"), 400 },
	{ "drops_a_response_to_the_ipv6_anywhere", SAMPLE_RESPONSE("200 OK", "v: SIP/2.0/UDP [::]\r\n"),
	  400 },
	{ "drops_a_response_with_33_vias", SAMPLE_RESPONSE("200 OK", VIA32 "v: SIP/2.0/TLS a\r\n"), 483 },
	{ "drops_a_response_with_a_malformed_record_route",
	  SAMPLE_RESPONSE("200 OK", "Record-Route: <sip:;>\r\n"), 400 },
};

static void each_message_gets_its_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int status = sample_verdict(slice_of(rows[i].text));

		print_message("validate %s\n", rows[i].behaviour);
		assert_int_equal(status, rows[i].status);
	}
}

static void faults_point_into_the_message(void **state)
{
	struct slice text = SLICE(SAMPLE_EMPTY("BYE", "Route: <sip:a;lr>, <sip:b;;lr>\r\n"));
	struct parsed p;

	(void)state;
	parsed_start(&p, text);
	assert_false(sip_validate_request(&p.message, &p.fault));
	assert_memory_equal(text.ptr + p.fault.offset - 6, "sip:b;", 6);
	parsed_stop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_message_gets_its_answer),
		cmocka_unit_test(faults_point_into_the_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
