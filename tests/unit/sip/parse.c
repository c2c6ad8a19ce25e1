/* parse: bytes to message; what is understood, what is refused and with which answer. */
#include "tests/unit/sip/sample.h"

#include "shared/base/memory.h"

static void a_message_is_read_in_place(void **state)
{
	struct parsed p;
	const struct sip_message *m = &p.message;

	(void)state;
	parsed_start(&p, SLICE(SAMPLE_MESSAGE("Subject: hi\r\n", "5", "hello")));
	assert_int_equal(p.answer, SIP_PARSE_OK);
	assert_true(m->is_request);
	assert_int_equal(m->method, SIP_MESSAGE);
	assert_slice(m->method_name, "MESSAGE");
	assert_slice(m->target, "sip:bob@contoso.example");
	assert_slice(m->target_uri.host, "contoso.example");
	assert_int_equal(m->header_count, 9);
	assert_slice(m->from.display, "Alice");
	assert_slice(m->from.tag, "1928301774");
	assert_slice(m->to.uri.user, "bob");
	assert_null(m->to.tag.ptr);
	assert_slice(m->call_id, "a84b4c76e66710@edge.fabrikam.example");
	assert_int_equal(m->cseq.number, 1);
	assert_slice(m->cseq.method, "MESSAGE");
	assert_slice(m->via.branch, "z9hG4bK776asdhds");
	assert_slice(m->via.transport, "TLS");
	assert_int_equal(m->via.port, 5061);
	assert_int_equal(m->max_forwards, 70);
	assert_true(m->has_max_forwards);
	assert_int_equal(m->expires, UINT32_MAX);
	assert_slice(m->body, "hello");
	assert_int_equal(m->head.len + m->body.len, p.guard.bytes.len);
	for (size_t i = 0; i < m->header_count; i++) {
		const struct sip_header *h = &m->headers[i];

		assert_true(h->value.ptr >= p.guard.bytes.ptr &&
		            h->value.ptr + h->value.len <= p.guard.bytes.ptr + p.guard.bytes.len);
	}
	parsed_stop(&p);
}

static void a_response_is_read(void **state)
{
	struct parsed p;

	(void)state;
	parsed_start(&p, SLICE(SAMPLE_RESPONSE("504 Server time-out", "Expires: 60\r\n")));
	assert_int_equal(p.answer, SIP_PARSE_OK);
	assert_false(p.message.is_request);
	assert_int_equal(p.message.status, 504);
	assert_slice(p.message.phrase, "Server time-out");
	assert_int_equal(p.message.expires, 60);
	parsed_stop(&p);
}

static void folds_become_one_blank_and_only_they_are_copied(void **state)
{
	struct parsed p;
	const struct sip_header *h;

	(void)state;
	parsed_start(&p,
	             SLICE(SAMPLE_EMPTY(
	                     "BYE", "Subject:  a \r\n\t b\r\n  \r\n c  \r\nQ: \r\n y\r\n \r\nZ:\r\n \r\n")));
	assert_int_equal(p.answer, SIP_PARSE_OK);
	assert_slice(sip_message_header(&p.message, SIP_SUBJECT)->value, "a b c");
	h = sip_message_header(&p.message, SIP_HEADER_OTHER);
	assert_slice(h->name, "Q");
	assert_slice(h->value, "y");
	h = sip_message_next(&p.message, h);
	assert_slice(h->name, "Z");
	assert_slice(h->value, "");
	assert_null(sip_message_next(&p.message, h));
	parsed_stop(&p);
}

static void headers_are_found_in_order(void **state)
{
	struct parsed p;
	struct sip_walk walk = { 0 };
	struct slice value;
	static const char *const routes[] = { "<sip:a;x=\"\">", "", "<sip:b,c@d>;y=\"1,2\"",
		                              "\"n, \\\",\" <sip:e>" };

	(void)state;
	/* Not all of these are sound; the walk only parts them. */
	parsed_start(&p,
	             SLICE(SAMPLE_EMPTY(
	                     "BYE", "Route: <sip:a;x=\"\">,,<sip:b,c@d>;y=\"1,2\"\r\nRoute:\r\nSubject: s\r\n"
	                            "route : \"n, \\\",\" <sip:e>\r\n")));
	assert_int_equal(p.answer, SIP_PARSE_OK);
	for (size_t i = 0; i < COUNT(routes); i++) {
		assert_true(sip_message_walk(&p.message, SIP_ROUTE, &walk, &value));
		assert_slice(value, routes[i]);
	}
	assert_false(sip_message_walk(&p.message, SIP_ROUTE, &walk, &value));
	assert_false(sip_message_walk(&p.message, SIP_ROUTE, &walk, &value));
	walk = (struct sip_walk){ 0 };
	assert_false(sip_message_walk(&p.message, SIP_RECORD_ROUTE, &walk, &value));
	assert_null(sip_message_header(&p.message, SIP_RECORD_ROUTE));
	assert_null(sip_message_header(&p.message, (enum sip_header_id)SIP_HEADER_ID_COUNT));
	assert_int_equal(p.message.first[SIP_RECORD_ROUTE], SIP_HEADER_ABSENT);
	parsed_stop(&p);
}

#define REST SAMPLE_TOP "CSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"
#define WITHOUT_TO                                                                                           \
	"Via: SIP/2.0/TLS h.example;branch=z9hG4bK1\r\nFrom: <sip:a@h.example>;tag=1\r\nCall-ID: "           \
	"x\r\nCSeq: 1 BYE\r\n"

static const struct {
	const char *behaviour;
	struct slice text;
	int status; /* 0: accepted */
} rows[] = {
	{ "takes_the_version_in_any_case", SLICE("BYE sip:b@h.example sip/2.0\r\n" REST), 0 },
	{ "refuses_another_version", SLICE("BYE sip:b@h.example SIP/7.0\r\n" REST), 505 },
	{ "refuses_version_2_1", SLICE("BYE sip:b@h.example SIP/2.1\r\n" REST), 505 },
	{ "refuses_a_word_for_a_version", SLICE("BYE sip:b@h.example HTTP/1.1\r\n" REST), 400 },
	{ "refuses_a_missing_version", SLICE("BYE sip:b@h.example\r\n" REST), 400 },
	{ "refuses_two_blanks_before_the_uri", SLICE("BYE  sip:b@h.example SIP/2.0\r\n" REST), 400 },
	{ "refuses_two_blanks_before_the_version", SLICE("BYE sip:b@h.example  SIP/2.0\r\n" REST), 400 },
	{ "refuses_a_blank_at_the_end", SLICE("BYE sip:b@h.example SIP/2.0 \r\n" REST), 400 },
	{ "refuses_a_tab_between", SLICE("BYE\tsip:b@h.example SIP/2.0\r\n" REST), 400 },
	{ "refuses_a_method_that_is_no_token", SLICE("B(E sip:b@h.example SIP/2.0\r\n" REST), 400 },
	{ "refuses_a_method_alone", SLICE("BYE\r\n" REST), 400 },
	{ "refuses_an_empty_start_line", SLICE("\r\n" REST), 400 },
	{ "refuses_a_folded_start_line", SLICE("BYE sip:b@h.example\r\n SIP/2.0\r\n" REST), 400 },
	{ "refuses_headers_in_the_request_uri",
	  SLICE("BYE sip:b@h.example?Route=%3Csip:x%3E SIP/2.0\r\n" REST), 400 },
	{ "refuses_nothing", SLICE(""), 400 },
	{ "refuses_a_start_line_alone", SLICE("BYE sip:b@h.example SIP/2.0\r\n"), 400 },
	{ "refuses_the_end_within_a_header", SLICE("BYE sip:b@h.example SIP/2.0\r\nTo: <sip:"), 400 },
	{ "refuses_the_end_within_a_name", SLICE("BYE sip:b@h.example SIP/2.0\r\nTo"), 400 },
	{ "refuses_the_end_before_the_empty_line", SLICE("BYE sip:b@h.example SIP/2.0\r\nTo: <sip:a>\r\n"),
	  400 },
	{ "takes_any_order",
	  SLICE("BYE sip:b@h.example SIP/2.0\r\nContent-Length: 0\r\nTo: sip:b@h.example\r\n" WITHOUT_TO
	        "\r\n"),
	  0 },
	{ "takes_compact_forms",
	  SLICE("BYE sip:b@h.example SIP/2.0\r\nv: SIP/2.0/TLS h.example;branch=z9hG4bK1\r\n"
	        "f: <sip:a@h.example>\r\nT: <sip:b@h.example>\r\ni: x\r\nCSEQ: 1 BYE\r\nL: 0\r\n\r\n"),
	  0 },
	{ "takes_blanks_before_the_colon",
	  SLICE("BYE sip:b@h.example SIP/2.0\r\nTo \t : sip:b@h.example\r\n" WITHOUT_TO "\r\n"), 0 },
	{ "refuses_a_missing_to", SLICE("BYE sip:b@h.example SIP/2.0\r\n" WITHOUT_TO "\r\n"), 400 },
	{ "refuses_an_empty_to", SLICE("BYE sip:b@h.example SIP/2.0\r\nTo:\r\n" WITHOUT_TO "\r\n"), 400 },
	{ "refuses_a_second_to",
	  SLICE("BYE sip:b@h.example SIP/2.0\r\nTo: <sip:b@h.example>\r\nt: <sip:c@h.example>\r\n" WITHOUT_TO
	        "\r\n"),
	  400 },
	{ "refuses_a_second_from",
	  SLICE(SAMPLE_EMPTY("BYE", "f: <sip:a@fabrikam.example>;tag=1928301774\r\n")), 400 },
	{ "refuses_a_second_call_id",
	  SLICE(SAMPLE_EMPTY("BYE", "i: a84b4c76e66710@edge.fabrikam.example\r\n")), 400 },
	{ "refuses_a_second_cseq", SLICE(SAMPLE_EMPTY("BYE", "cseq: 1 BYE\r\n")), 400 },
	{ "refuses_a_second_max_forwards", SLICE(SAMPLE_EMPTY("BYE", "MAX-FORWARDS: 70\r\n")), 400 },
	{ "refuses_a_second_content_length", SLICE(SAMPLE_EMPTY("BYE", "l: 0\r\n")), 400 },
	{ "refuses_a_second_content_type", SLICE(SAMPLE_MESSAGE("c: text/html\r\n", "1", "x")), 400 },
	{ "refuses_a_second_event", SLICE(SAMPLE_EMPTY("NOTIFY", "Event: presence\r\no: dialog\r\n")), 400 },
	{ "refuses_a_second_expires", SLICE(SAMPLE_EMPTY("BYE", "Expires: 1\r\nExpires: 1\r\n")), 400 },
	{ "takes_a_second_user_agent", SLICE(SAMPLE_EMPTY("BYE", "User-Agent: a\r\nUser-Agent: b\r\n")), 0 },
	{ "takes_a_second_unknown", SLICE(SAMPLE_EMPTY("BYE", "Q: a\r\nQ: b\r\n")), 0 },
	{ "takes_an_unknown_without_value",
	  SLICE(SAMPLE_EMPTY("BYE", "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\nQ:\r\n")), 0 },
	{ "refuses_a_line_without_colon", SLICE(SAMPLE_EMPTY("BYE", "Subject hi\r\n")), 400 },
	{ "refuses_an_empty_name", SLICE(SAMPLE_EMPTY("BYE", ": hi\r\n")), 400 },
	{ "refuses_a_name_with_blank_inside", SLICE(SAMPLE_EMPTY("BYE", "Sub ject: hi\r\n")), 400 },
	{ "refuses_a_name_with_a_control_byte", SLICE(SAMPLE_EMPTY("BYE", "Subject\x01: hi\r\n")), 400 },
	{ "refuses_a_name_with_utf8", SLICE(SAMPLE_EMPTY("BYE", "Subj\xc3\xa9: hi\r\n")), 400 },
	{ "refuses_a_control_byte_in_a_value", SLICE(SAMPLE_EMPTY("BYE", "Subject: h\x0bi\r\n")), 400 },
	{ "refuses_del_in_a_value", SLICE(SAMPLE_EMPTY("BYE", "Subject: h\x7fi\r\n")), 400 },
	{ "refuses_nul_in_a_value", SLICE(SAMPLE_EMPTY("BYE", "Subject: h\0i\r\n")), 400 },
	{ "refuses_a_bare_lf", SLICE(SAMPLE_EMPTY("BYE", "Subject: h\nRoute: <sip:x>\r\n")), 400 },
	{ "refuses_a_bare_cr", SLICE(SAMPLE_EMPTY("BYE", "Subject: h\rRoute: <sip:x>\r\n")), 400 },
	{ "takes_utf8_in_a_value", SLICE(SAMPLE_EMPTY("BYE", "Subject: h\xc3\xa9\r\n")), 0 },
	{ "takes_a_tab_in_a_value", SLICE(SAMPLE_EMPTY("BYE", "Subject:\th\ti\t\r\n")), 0 },
	{ "refuses_a_cseq_of_another_method",
	  SLICE("BYE sip:b@h.example SIP/2.0\r\n" SAMPLE_TOP "CSeq: 1 INVITE\r\n\r\n"), 400 },
	{ "refuses_a_cseq_in_another_case",
	  SLICE("BYE sip:b@h.example SIP/2.0\r\n" SAMPLE_TOP "CSeq: 1 bye\r\n\r\n"), 400 },
	{ "refuses_a_call_id_with_a_blank",
	  SLICE("BYE sip:b@h.example SIP/2.0\r\nTo: sip:b@h.example\r\nFrom: sip:a@h.example\r\n"
	        "Via: SIP/2.0/TLS h\r\nCSeq: 1 BYE\r\nCall-ID: a b\r\n\r\n"),
	  400 },
	{ "refuses_an_empty_call_id",
	  SLICE("BYE sip:b@h.example SIP/2.0\r\nTo: sip:b@h.example\r\nFrom: sip:a@h.example\r\n"
	        "Via: SIP/2.0/TLS h\r\nCSeq: 1 BYE\r\nCall-ID: \r\n\r\n"),
	  400 },
	{ "takes_max_forwards_0068",
	  SLICE("BYE sip:b@h.example SIP/2.0\r\nMax-Forwards: 0068\r\nTo: sip:b@h.example\r\n" WITHOUT_TO
	        "\r\n"),
	  0 },
	{ "takes_max_forwards_255",
	  SLICE("BYE sip:b@h.example SIP/2.0\r\nMax-Forwards: 255\r\nTo: sip:b@h.example\r\n" WITHOUT_TO
	        "\r\n"),
	  0 },
	{ "refuses_max_forwards_256",
	  SLICE("BYE sip:b@h.example SIP/2.0\r\nMax-Forwards: 256\r\nTo: sip:b@h.example\r\n" WITHOUT_TO
	        "\r\n"),
	  400 },
	{ "refuses_max_forwards_minus_1",
	  SLICE("BYE sip:b@h.example SIP/2.0\r\nMax-Forwards: -1\r\nTo: sip:b@h.example\r\n" WITHOUT_TO
	        "\r\n"),
	  400 },
	{ "takes_expires_2_to_the_32_less_1", SLICE(SAMPLE_EMPTY("BYE", "Expires: 4294967295\r\n")), 0 },
	{ "refuses_expires_2_to_the_32", SLICE(SAMPLE_EMPTY("BYE", "Expires: 4294967296\r\n")), 400 },
	{ "refuses_a_body_shorter_than_announced", SLICE(SAMPLE_MESSAGE("", "6", "hello")), 400 },
	{ "refuses_a_body_longer_than_announced", SLICE(SAMPLE_MESSAGE("", "4", "hello")), 400 },
	{ "refuses_a_negative_length", SLICE(SAMPLE_MESSAGE("", "-5", "hello")), 400 },
	{ "refuses_eight_digits_of_length", SLICE(SAMPLE_MESSAGE("", "00000005", "hello")), 400 },
	{ "takes_a_response_without_phrase", SLICE(SAMPLE_RESPONSE("100 ", "")), 0 },
	{ "takes_a_response_without_phrase_and_blank", SLICE(SAMPLE_RESPONSE("100", "")), 0 },
	{ "takes_a_phrase_of_utf8", SLICE(SAMPLE_RESPONSE("200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe", "")), 0 },
	{ "refuses_status_99", SLICE(SAMPLE_RESPONSE("99 x", "")), 400 },
	{ "refuses_status_099", SLICE(SAMPLE_RESPONSE("099 x", "")), 400 },
	{ "refuses_status_700", SLICE(SAMPLE_RESPONSE("700 x", "")), 400 },
	{ "refuses_a_status_of_ten_digits",
	  SLICE(SAMPLE_RESPONSE("4294967301 better not break the receiver", "")), 400 },
	{ "refuses_a_status_of_letters", SLICE(SAMPLE_RESPONSE("2x0 OK", "")), 400 },
	{ "refuses_a_response_of_another_version", SLICE("SIP/3.0 200 OK\r\n" REST), 505 },
	{ "refuses_a_version_alone", SLICE("SIP/2.0\r\n" REST), 505 },
	{ "refuses_a_version_and_blank", SLICE("SIP/2.0 \r\n" REST), 400 },
	{ "refuses_four_bytes_of_version", SLICE("SIP/\r\n" REST), 505 },
};

static void each_message_gets_its_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct parsed p;

		print_message("parse %s\n", rows[i].behaviour);
		parsed_start(&p, rows[i].text);
		if (p.answer != (rows[i].status ? SIP_PARSE_BAD : SIP_PARSE_OK))
			fail_msg("%s: %s", rows[i].behaviour, p.fault.why ? p.fault.why : "accepted");
		assert_int_equal(p.fault.status, rows[i].status);
		assert_int_equal(p.fault.why != NULL, rows[i].status != 0);
		assert_true(p.fault.offset <= rows[i].text.len);
		parsed_stop(&p);
	}
}

/* Also: no byte behind the end is ever looked at. */
static void every_cut_of_a_message_is_refused(void **state)
{
	static const struct slice texts[] = {
		SLICE(SAMPLE_MESSAGE("Subject: a\r\n b\r\nRoute: <sip:a;lr>, <sip:b>\r\n", "5", "hello")),
		SLICE(SAMPLE_RESPONSE("200 OK", "Expires: 5\r\n")),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		for (size_t length = 0; length < texts[i].len; length++) {
			struct parsed p;

			parsed_start(&p, slice_first(texts[i], length));
			assert_int_equal(p.answer, SIP_PARSE_BAD);
			parsed_stop(&p);
		}
	}
}

static void every_byte_may_be_anything(void **state)
{
	struct slice text = SLICE(SAMPLE_MESSAGE("Route: <sip:a;lr>, <sip:b>\r\n", "5", "hello"));
	static const char bytes[] = "\0\r\n\t \",;<>@:\\%\x7f\xff";
	char *copy = test_malloc(text.len);

	(void)state;
	for (size_t at = 0; at < text.len; at++) {
		for (size_t b = 0; b < sizeof bytes - 1; b++) {
			memcpy(copy, text.ptr, text.len);
			copy[at] = bytes[b];
			(void)sample_verdict((struct slice){ copy, text.len });
		}
	}
	test_free(copy);
}

/* What was understood stays readable, so that a reply can be made. */
static void a_fault_does_not_hide_the_rest(void **state)
{
	static const char *const faults[] = { "Subject hi\r\n", "Max-Forwards: 1\r\n", "Q: \x01\r\n",
		                              ": x\r\n", "Expires: x\r\n" };

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		char text[1024];
		struct parsed p;

		snprintf(text, sizeof text, "BYE sip:b@h.example SIP/2.0\r\n%s%s", faults[i], REST);
		parsed_start(&p, slice_of(text));
		assert_int_equal(p.answer, SIP_PARSE_BAD);
		assert_slice(p.message.from.tag, "1928301774");
		assert_slice(p.message.call_id, "a84b4c76e66710@edge.fabrikam.example");
		assert_non_null(sip_message_header(&p.message, SIP_VIA));
		assert_int_equal(p.message.cseq.number, 1);
		parsed_stop(&p);
	}
}

static void the_first_fault_is_the_one_told(void **state)
{
	struct parsed p;

	(void)state;
	parsed_start(&p, SLICE("BYE sip:b@h.example SIP/7.0\r\nSubject hi\r\nExpires: x\r\n\r\n"));
	assert_int_equal(p.fault.status, 505);
	assert_int_equal(p.fault.offset, 20);
	parsed_stop(&p);
	parsed_start(&p,
	             SLICE("BYE sip:b@h.example SIP/2.0\r\nTo: <sip:b@h.example;;x>\r\n" WITHOUT_TO "\r\n"));
	assert_int_equal(p.fault.offset, 29 + 21);
	parsed_stop(&p);
}

static size_t message_of(char *to, size_t size, const char *extra)
{
	return (size_t)snprintf(to, size, "BYE sip:b@h.example SIP/2.0\r\n%s%s", extra, REST);
}

static void limits_hold_at_n_and_not_at_n_plus_1(void **state)
{
	static char text[40000], extra[40000];
	size_t length;

	(void)state;
	/* One header: name, colon, blank and value. */
	for (size_t size = SIP_HEADER_MAX; size <= SIP_HEADER_MAX + 1; size++) {
		snprintf(extra, sizeof extra, "Q: %0*d\r\n", (int)size - 3, 7);
		length = message_of(text, sizeof text, extra);
		assert_int_equal(sample_verdict((struct slice){ text, length }),
		                 size > SIP_HEADER_MAX ? 400 : 0);
	}
	/* Headers: seven are there. */
	for (size_t count = SIP_HEADERS_MAX - 7; count <= SIP_HEADERS_MAX - 7 + 1; count++) {
		extra[0] = '\0';
		for (size_t i = 0; i < count; i++)
			memcpy(extra + 4 * i, "Q:\r\n", 5);
		length = message_of(text, sizeof text, extra);
		assert_int_equal(sample_verdict((struct slice){ text, length }),
		                 count > SIP_HEADERS_MAX - 7 ? 400 : 0);
	}
	/* The whole head, of headers that are each small enough. */
	for (size_t over = 0; over < 2; over++) {
		size_t rest = strlen("BYE sip:b@h.example SIP/2.0\r\n" REST), at = 0;

		while (SIP_HEADER_SECTION_MAX + over - rest - at > 8000)
			at += (size_t)snprintf(extra + at, sizeof extra - at, "Q: %07995d\r\n", 7);
		at += (size_t)snprintf(extra + at, sizeof extra - at, "Q: %0*d\r\n",
		                       (int)(SIP_HEADER_SECTION_MAX + over - rest - at - 5), 7);
		length = message_of(text, sizeof text, extra);
		assert_int_equal(length, SIP_HEADER_SECTION_MAX + over);
		assert_int_equal(sample_verdict((struct slice){ text, length }), over ? 513 : 0);
	}
	/* The start line. */
	for (size_t over = 0; over < 2; over++) {
		length = (size_t)snprintf(text, sizeof text, "%0*d sip:b@h.example SIP/2.0\r\n%s",
		                          (int)(SIP_START_LINE_MAX + over - 24), 7, SAMPLE_TOP);
		length += (size_t)snprintf(text + length, sizeof text - length, "CSeq: 1 %0*d\r\n\r\n",
		                           (int)(SIP_START_LINE_MAX + over - 24), 7);
		assert_int_equal(sample_verdict((struct slice){ text, length }), over ? 414 : 0);
	}
	/* The Request-URI. */
	for (size_t over = 0; over < 2; over++) {
		length = (size_t)snprintf(text, sizeof text, "BYE sip:%0*d@h.example SIP/2.0\r\n%s",
		                          (int)(SIP_URI_MAX + over - 14), 7, REST);
		assert_int_equal(sample_verdict((struct slice){ text, length }), over ? 414 : 0);
	}
}

/* Spelling must not change what is decided by: order, case, compact form, folds, blanks, unknown headers. */
static void spelling_changes_nothing(void **state)
{
	static const char *const spelt[] = {
		"BYE sip:b@h.example SIP/2.0\r\nVia: SIP/2.0/TLS h.example;branch=z9hG4bK1\r\nMax-Forwards: "
		"7\r\n"
		"From: \"A\" <sip:a@h.example>;tag=1\r\nTo: <sip:b@h.example>;tag=2\r\nCall-ID: x\r\nCSeq: 3 "
		"BYE\r\n\r\n",
		"BYE sip:b@h.example SIP/2.0\r\nCSeq: 3 BYE\r\nCall-ID: x\r\nTo: <sip:b@h.example>;tag=2\r\n"
		"From: \"A\" <sip:a@h.example>;tag=1\r\nMax-Forwards: 7\r\nVia: SIP/2.0/TLS "
		"h.example;branch=z9hG4bK1\r\n\r\n",
		"BYE sip:b@h.example SIP/2.0\r\nVIA: SIP/2.0/TLS h.example;BRANCH=z9hG4bK1\r\nmax-forwards: "
		"7\r\n"
		"FROM: \"A\" <sip:a@h.example>;TAG=1\r\ntO: <sip:b@h.example>;Tag=2\r\ncall-id: x\r\ncseq: 3 "
		"BYE\r\n\r\n",
		"BYE sip:b@h.example SIP/2.0\r\nv: SIP/2.0/TLS h.example;branch=z9hG4bK1\r\nMax-Forwards: "
		"7\r\n"
		"f: \"A\" <sip:a@h.example>;tag=1\r\nT: <sip:b@h.example>;tag=2\r\ni: x\r\nCSeq: 3 "
		"BYE\r\n\r\n",
		"BYE sip:b@h.example SIP/2.0\r\nVia:\r\n SIP / 2.0\r\n /TLS\r\n h.example\r\n ;branch\r\n "
		"=\r\n z9hG4bK1\r\n"
		"Max-Forwards:\r\n 007\r\nFrom:\r\n \"A\"\r\n <sip:a@h.example>\r\n ;\r\n tag=1\r\n"
		"To:\r\n <sip:b@h.example>\r\n\t; tag =\r\n 2\r\nCall-ID:\r\n x\r\nCSeq:\r\n "
		"3\r\n\tBYE\r\n\r\n",
		"BYE sip:b@h.example SIP/2.0\r\nVia  :SIP/2.0/TLS  h.example ; branch = z9hG4bK1  "
		"\r\nMax-Forwards\t:7\r\n"
		"From :\"A\"<sip:a@h.example> ; tag = 1\r\nTo:<sip:b@h.example>  ;tag=2\r\nCall-ID :x "
		"\r\nCSeq :  3   BYE\r\n\r\n",
		"BYE sip:b@h.example SIP/2.0\r\nX-To: <sip:evil@e.example>\r\nVia: SIP/2.0/TLS "
		"h.example;branch=z9hG4bK1;x=y\r\n"
		"Max-Forwards: 7\r\nFrom: \"A\" <sip:a@h.example>;x=\"tag=9\";tag=1\r\nFromm: "
		"<sip:evil@e.example>\r\n"
		"To: <sip:b@h.example>;y;tag=2\r\nCall-ID: x\r\nCSeq: 3 BYE\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(spelt); i++) {
		struct parsed p;

		parsed_start(&p, slice_of(spelt[i]));
		if (p.answer != SIP_PARSE_OK)
			fail_msg("%zu: %s", i, p.fault.why);
		assert_slice(p.message.via.branch, "z9hG4bK1");
		assert_slice(p.message.via.host, "h.example");
		assert_slice(p.message.from.display, "A");
		assert_slice(p.message.from.uri.all, "sip:a@h.example");
		assert_slice(p.message.from.tag, "1");
		assert_slice(p.message.to.uri.all, "sip:b@h.example");
		assert_slice(p.message.to.tag, "2");
		assert_slice(p.message.call_id, "x");
		assert_int_equal(p.message.cseq.number, 3);
		assert_int_equal(p.message.max_forwards, 7);
		parsed_stop(&p);
	}
}

static void an_arena_that_is_used_up_is_told(void **state)
{
	struct slice text = SLICE(SAMPLE_EMPTY("BYE", "Subject: a\r\n b\r\n"));
	enum sip_parse answer = SIP_PARSE_NO_MEMORY;
	size_t limit = 0;

	(void)state;
	for (; answer != SIP_PARSE_OK; limit += 16) {
		struct arena arena;
		struct sip_message message;
		struct sip_fault fault;

		arena_start(&arena, limit);
		answer = sip_message_parse(text, &arena, &message, &fault);
		assert_true(answer == SIP_PARSE_OK || answer == SIP_PARSE_NO_MEMORY);
		if (answer == SIP_PARSE_NO_MEMORY)
			assert_int_equal(message.header_count, 0);
		arena_stop(&arena);
	}
	assert_true(limit > 64 && limit < 2048);
}

#ifdef PARLEY_FAULTS
static void each_failing_allocation_is_told(void **state)
{
	static char text[12000];
	unsigned long nth = 0;
	enum sip_parse answer;

	(void)state;
	/* Two folded headers of 5 KiB: more than one block. */
	size_t length = (size_t)snprintf(
	        text, sizeof text,
	        "BYE sip:b@h.example SIP/2.0\r\nQ: %05000d\r\n y\r\nQ: %05000d\r\n y\r\n%s", 7, 7, REST);
	do {
		struct arena arena;
		struct sip_message message;
		struct sip_fault fault;

		arena_start(&arena, SIP_MESSAGE_ARENA_MAX);
		mem_fail_at(++nth);
		answer = sip_message_parse((struct slice){ text, length }, &arena, &message, &fault);
		mem_fail_at(0);
		arena_stop(&arena);
	} while (answer == SIP_PARSE_NO_MEMORY);
	assert_int_equal(answer, SIP_PARSE_OK);
	assert_true(nth > 2);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_read_in_place),
		cmocka_unit_test(a_response_is_read),
		cmocka_unit_test(folds_become_one_blank_and_only_they_are_copied),
		cmocka_unit_test(headers_are_found_in_order),
		cmocka_unit_test(each_message_gets_its_answer),
		cmocka_unit_test(every_cut_of_a_message_is_refused),
		cmocka_unit_test(every_byte_may_be_anything),
		cmocka_unit_test(a_fault_does_not_hide_the_rest),
		cmocka_unit_test(the_first_fault_is_the_one_told),
		cmocka_unit_test(limits_hold_at_n_and_not_at_n_plus_1),
		cmocka_unit_test(spelling_changes_nothing),
		cmocka_unit_test(an_arena_that_is_used_up_is_told),
#ifdef PARLEY_FAULTS
		cmocka_unit_test(each_failing_allocation_is_told),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
