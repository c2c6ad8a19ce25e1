/* ACK and CANCEL of our own, from the INVITE as it was sent. */
#include "tests/unit/sip/edge.h"

#include "daemon/sip/written.h"

enum { TEXT_MAX = 65536 };

static const char sent[] =
        "INVITE sip:bob@fabrikam.example;x=1 SIP/2.0\r\n"
        "Via: SIP/2.0/TLS edge.contoso.example:5061;branch=z9hG4bKours;alias\r\n"
        "Via: SIP/2.0/TCP fe1.contoso.example;branch=z9hG4bKfe, SIP/2.0/TLS client\r\n"
        "Max-Forwards: 12\r\nFrom: \"A\" <sip:a@contoso.example>;tag=1;epid=9\r\nTo: "
        "<sip:bob@fabrikam.example>\r\n"
        "Call-ID: call@contoso\r\nCSeq: 4711 INVITE\r\nRoute: <sip:p1.fabrikam.example;lr>, <sip:p2;lr>\r\n"
        "Supported: x\r\nRoute: <sip:p3;lr>\r\nContent-Type: application/sdp\r\nContent-Length: 13\r\n\r\n"
        "To: <sip:b>\r\n";

static void acknowledges_a_refusal(void **unused)
{
	struct edge_message e;
	struct buffer out;

	(void)unused;
	edge_read(&e, SLICE("SIP/2.0 486 Busy Here\r\nVia: SIP/2.0/TLS "
	                    "edge.contoso.example:5061;branch=z9hG4bKours\r\n"
	                    "f: <sip:someone@else>;tag=x\r\nt:\r\n <sip:bob@fabrikam.example>;tag=theirs\r\n"
	                    "Call-ID: call@contoso\r\nCSeq: 4711 INVITE\r\nContent-Length: 0\r\n\r\n"));
	buffer_start(&out, TEXT_MAX);
	assert_true(sip_proxy_write_ack(SLICE(sent), e.m, &out));
	assert_slice(buffer_slice(&out),
	             "ACK sip:bob@fabrikam.example;x=1 SIP/2.0\r\n"
	             "Via: SIP/2.0/TLS edge.contoso.example:5061;branch=z9hG4bKours;alias\r\n"
	             "Route: <sip:p1.fabrikam.example;lr>, <sip:p2;lr>\r\nRoute: "
	             "<sip:p3;lr>\r\nMax-Forwards: 70\r\n"
	             "From: \"A\" <sip:a@contoso.example>;tag=1;epid=9\r\nTo: "
	             "<sip:bob@fabrikam.example>;tag=theirs\r\n"
	             "Call-ID: call@contoso\r\nCSeq: 4711 ACK\r\nContent-Length: 0\r\n\r\n");
	buffer_stop(&out);
	edge_free(&e);
}

static void cancels(void **unused)
{
	struct edge_message e;
	struct buffer out;

	(void)unused;
	buffer_start(&out, TEXT_MAX);
	assert_true(sip_proxy_write_cancel(SLICE(sent), SLICE("SIP;cause=200;text=\"elsewhere\""), &out));
	assert_slice(
	        buffer_slice(&out),
	        "CANCEL sip:bob@fabrikam.example;x=1 SIP/2.0\r\n"
	        "Via: SIP/2.0/TLS edge.contoso.example:5061;branch=z9hG4bKours;alias\r\n"
	        "Route: <sip:p1.fabrikam.example;lr>, <sip:p2;lr>\r\nRoute: <sip:p3;lr>\r\nMax-Forwards: "
	        "70\r\n"
	        "From: \"A\" <sip:a@contoso.example>;tag=1;epid=9\r\nTo: <sip:bob@fabrikam.example>\r\n"
	        "Call-ID: call@contoso\r\nCSeq: 4711 CANCEL\r\nReason: SIP;cause=200;text=\"elsewhere\"\r\n"
	        "Content-Length: 0\r\n\r\n");
	edge_read(&e, buffer_slice(&out));
	assert_true(sip_validate_request(e.m, &e.parsed.fault));
	edge_free(&e);
	buffer_clear(&out);
	assert_true(sip_proxy_write_cancel(SLICE(sent), SLICE_NONE, &out));
	edge_read(&e, buffer_slice(&out));
	assert_null(sip_message_header(e.m, SIP_REASON));
	edge_free(&e);
	buffer_stop(&out);
}

/* Nothing is written, and what stood there before stays. */
static const struct {
	const char *behaviour, *sent, *reason;
	size_t max;
} refusals[] = {
	{ "refuses_nothing", "", "", TEXT_MAX },
	{ "refuses_half_a_line", "INVITE sip:b SIP/2.0", "", TEXT_MAX },
	{ "refuses_what_is_no_invite",
	  "MESSAGE sip:b SIP/2.0\r\nVia: a\r\nFrom: b\r\nTo: c\r\nCall-ID: d\r\nCSeq: 1 MESSAGE\r\n\r\n", "",
	  TEXT_MAX },
	{ "refuses_no_via",
	  "INVITE sip:b SIP/2.0\r\nFrom: b\r\nTo: c\r\nCall-ID: d\r\nCSeq: 1 INVITE\r\n\r\n", "", TEXT_MAX },
	{ "refuses_no_from",
	  "INVITE sip:b SIP/2.0\r\nVia: a\r\nTo: c\r\nCall-ID: d\r\nCSeq: 1 INVITE\r\n\r\n", "", TEXT_MAX },
	{ "refuses_no_to",
	  "INVITE sip:b SIP/2.0\r\nVia: a\r\nFrom: b\r\nCall-ID: d\r\nCSeq: 1 INVITE\r\n\r\n", "", TEXT_MAX },
	{ "refuses_no_call_id",
	  "INVITE sip:b SIP/2.0\r\nVia: a\r\nFrom: b\r\nTo: c\r\nCSeq: 1 INVITE\r\n\r\n", "", TEXT_MAX },
	{ "refuses_a_bad_cseq",
	  "INVITE sip:b SIP/2.0\r\nVia: a\r\nFrom: b\r\nTo: c\r\nCall-ID: d\r\nCSeq: x\r\n\r\n", "",
	  TEXT_MAX },
	{ "refuses_a_line_break_in_the_reason", sent, "SIP\r\nX: y", TEXT_MAX },
	{ "refuses_what_does_not_fit", sent, "", 200 },
};

static void writes_all_or_nothing(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct guard guard = guard_copy(slice_of(refusals[i].sent));
		struct buffer out;

		printf("%s\n", refusals[i].behaviour);
		buffer_start(&out, refusals[i].max);
		buffer_add(&out, SLICE("before"));
		assert_false(sip_proxy_write_cancel(guard.bytes, slice_of(refusals[i].reason), &out));
		assert_slice(buffer_slice(&out), "before");
		assert_false(out.is_broken);
		buffer_stop(&out);
		guard_free(&guard);
	}
}

static void reads_no_further_than_the_bytes(void **unused)
{
	(void)unused;
	for (size_t length = 0; length < sizeof sent; length++) {
		struct guard guard = guard_copy((struct slice){ sent, length });
		struct buffer out;

		buffer_start(&out, TEXT_MAX);
		sip_proxy_write_cancel(guard.bytes, SLICE_NONE, &out);
		buffer_stop(&out);
		guard_free(&guard);
	}
}

static void finds_headers_and_not_the_body(void **unused)
{
	struct slice value;

	(void)unused;
	assert_true(sip_written_find(SLICE(sent), SIP_TO, &value));
	assert_slice(value, "<sip:bob@fabrikam.example>");
	assert_false(
	        sip_written_find(SLICE("INVITE sip:b SIP/2.0\r\nVia: a\r\n\r\nTo: b\r\n"), SIP_TO, &value));
	assert_slice(sip_written_start(SLICE(sent)), "INVITE sip:bob@fabrikam.example;x=1 SIP/2.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acknowledges_a_refusal),
		cmocka_unit_test(cancels),
		cmocka_unit_test(writes_all_or_nothing),
		cmocka_unit_test(reads_no_further_than_the_bytes),
		cmocka_unit_test(finds_headers_and_not_the_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
