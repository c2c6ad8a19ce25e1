/* reply: what a response takes from its request, also from one that did not parse. */
#include "tests/unit/sip/sample.h"

#define VIAS "Via: SIP/2.0/TLS a;branch=z9hG4bK1,SIP/2.0/TLS b\r\nVia: SIP/2.0/TLS c;ms-received-cid=2600\r\n"
#define REQUEST(start, to, extra)                                                                            \
	start "\r\nv: SIP/2.0/TLS a;branch=z9hG4bK1,SIP/2.0/TLS b\r\nVia :\tSIP/2.0/TLS "                    \
	      "c;ms-received-cid=2600\r\n"                                                                   \
	      "Max-Forwards: 70\r\n" extra "T: " to                                                          \
	      "\r\nf: \"A\" <sip:a@h.example>;tag=1;epid=7\r\ni: x@y\r\n"                                    \
	      "CSeq: 7 BYE\r\nSubject: secret\r\n\r\n"
#define REST "From: \"A\" <sip:a@h.example>;tag=1;epid=7\r\n"
#define LAST "Call-ID: x@y\r\nCSeq: 7 BYE\r\n"

static const struct {
	const char *behaviour, *request;
	int status;
	const char *phrase, *to_tag, *extra, *wanted; /* NULL: refused */
} rows[] = {
	{ "copies_what_it_must_and_nothing_else", REQUEST("BYE sip:b@h SIP/2.0", "<sip:b@h>", ""), 404, "",
	  "t1", "",
	  "SIP/2.0 404 Not Found\r\n" VIAS REST "To: <sip:b@h>;tag=t1\r\n" LAST "Content-Length: 0\r\n\r\n" },
	{ "keeps_the_tag_it_has", REQUEST("BYE sip:b@h SIP/2.0", "<sip:b@h>;tag=old", ""), 481, "", "t1", "",
	  "SIP/2.0 481 Call/Transaction Does Not Exist\r\n" VIAS REST "To: <sip:b@h>;tag=old\r\n" LAST
	  "Content-Length: 0\r\n\r\n" },
	{ "gives_a_100_no_tag_but_the_timestamp",
	  REQUEST("BYE sip:b@h SIP/2.0", "sip:b@h", "Timestamp: 54\r\n"), 100, "", "t1", "",
	  "SIP/2.0 100 Trying\r\n" VIAS REST "To: sip:b@h\r\n" LAST
	  "Timestamp: 54\r\nContent-Length: 0\r\n\r\n" },
	{ "gives_a_bare_uri_its_tag_as_header_parameter", REQUEST("BYE sip:b@h SIP/2.0", "sip:b@h;x", ""),
	  200, "", "t1", "",
	  "SIP/2.0 200 OK\r\n" VIAS REST "To: sip:b@h;x;tag=t1\r\n" LAST "Content-Length: 0\r\n\r\n" },
	{ "adds_headers_and_a_phrase", REQUEST("BYE sip:b@h SIP/2.0", "<sip:b@h>", ""), 403,
	  "Blocked by policy", "t1", "ms-diagnostics-public: 1002;reason=\"x\"\r\nRetry-After: 5\r\n",
	  "SIP/2.0 403 Blocked by policy\r\n" VIAS REST "To: <sip:b@h>;tag=t1\r\n" LAST
	  "ms-diagnostics-public: 1002;reason=\"x\"\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n" },
	{ "lists_in_a_420_what_was_required_in_vain",
	  REQUEST("BYE sip:b@h SIP/2.0", "<sip:b@h>",
	          "Proxy-Require: ms-benotify, , sec-agree\r\nproxy-require:x\r\n"),
	  420, "", "t1", "",
	  "SIP/2.0 420 Bad Extension\r\n" VIAS REST "To: <sip:b@h>;tag=t1\r\n" LAST
	  "Unsupported: ms-benotify\r\nUnsupported: sec-agree\r\nUnsupported: x\r\n"
	  "Content-Length: 0\r\n\r\n" },
	{ "lists_it_in_no_other_answer",
	  REQUEST("BYE sip:b@h SIP/2.0", "<sip:b@h>", "Proxy-Require: ms-benotify\r\n"), 400, "", "t1", "",
	  "SIP/2.0 400 Bad Request\r\n" VIAS REST "To: <sip:b@h>;tag=t1\r\n" LAST
	  "Content-Length: 0\r\n\r\n" },
	{ "names_in_a_415_the_encoding_that_is_taken",
	  REQUEST("BYE sip:b@h SIP/2.0", "<sip:b@h>", "Content-Encoding: gzip\r\n"), 415, "", "t1", "",
	  "SIP/2.0 415 Unsupported Media Type\r\n" VIAS REST "To: <sip:b@h>;tag=t1\r\n" LAST
	  "Accept-Encoding: identity\r\nContent-Length: 0\r\n\r\n" },
	{ "answers_what_did_not_parse", REQUEST("BYE sip:b@h SIP/7.0", "<sip:b@h>", "nonsense\r\n"), 505, "",
	  "t1", "",
	  "SIP/2.0 505 Version Not Supported\r\n" VIAS REST "To: <sip:b@h>;tag=t1\r\n" LAST
	  "Content-Length: 0\r\n\r\n" },
	{ "leaves_a_malformed_to_alone", REQUEST("BYE sip:b@h SIP/2.0", "\"open <sip:b@h>", ""), 400, "",
	  "t1", "",
	  "SIP/2.0 400 Bad Request\r\n" VIAS REST "To: \"open <sip:b@h>\r\n" LAST
	  "Content-Length: 0\r\n\r\n" },
	{ "never_answers_an_ack", REQUEST("ACK sip:b@h SIP/2.0", "<sip:b@h>", ""), 400, "", "t1", "", NULL },
	{ "never_answers_a_response", REQUEST("SIP/2.0 200 OK", "<sip:b@h>", ""), 400, "", "t1", "", NULL },
	{ "needs_a_cseq", "BYE sip:b@h SIP/2.0\r\n" SAMPLE_TOP "\r\n", 400, "", "t1", "", NULL },
	{ "needs_more_than_nothing", "\r\n\r\n", 400, "", "t1", "", NULL },
	{ "takes_no_status_99", REQUEST("BYE sip:b@h SIP/2.0", "<sip:b@h>", ""), 99, "x", "t1", "", NULL },
	{ "takes_no_status_700", REQUEST("BYE sip:b@h SIP/2.0", "<sip:b@h>", ""), 700, "x", "t1", "", NULL },
	{ "takes_no_tag_that_is_no_token", REQUEST("BYE sip:b@h SIP/2.0", "<sip:b@h>", ""), 400, "", "a;b",
	  "", NULL },
	{ "takes_no_line_break_in_the_phrase", REQUEST("BYE sip:b@h SIP/2.0", "<sip:b@h>", ""), 400,
	  "a\r\nX: y", "t", "", NULL },
	{ "takes_no_extra_without_its_end", REQUEST("BYE sip:b@h SIP/2.0", "<sip:b@h>", ""), 400, "", "t",
	  "X: y", NULL },
	{ "takes_no_extra_with_an_empty_line", REQUEST("BYE sip:b@h SIP/2.0", "<sip:b@h>", ""), 400, "", "t",
	  "X: y\r\n\r\n", NULL },
	{ "takes_no_extra_without_colon", REQUEST("BYE sip:b@h SIP/2.0", "<sip:b@h>", ""), 400, "", "t",
	  "X\r\n", NULL },
	{ "takes_no_extra_with_a_bare_lf", REQUEST("BYE sip:b@h SIP/2.0", "<sip:b@h>", ""), 400, "", "t",
	  "X: y\nZ: z\r\n", NULL },
};

static void each_request_gets_its_reply(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct parsed p;
		struct buffer out;

		print_message("reply %s\n", rows[i].behaviour);
		parsed_start(&p, slice_of(rows[i].request));
		buffer_start(&out, 4096);
		assert_int_equal(sip_reply_write(&p.message, rows[i].status, slice_of(rows[i].phrase),
		                                 slice_of(rows[i].to_tag), slice_of(rows[i].extra), &out),
		                 rows[i].wanted != NULL);
		assert_slice(buffer_slice(&out), rows[i].wanted);
		assert_false(out.is_broken);
		buffer_stop(&out);
		parsed_stop(&p);
	}
}

static void a_reply_that_does_not_fit_leaves_nothing(void **state)
{
	struct parsed p;
	struct buffer out;
	bool is_written = false;

	(void)state;
	parsed_start(&p, SLICE(SAMPLE_EMPTY("BYE", "")));
	for (size_t max = 0; !is_written; max++) {
		buffer_start(&out, max + 3);
		buffer_add(&out, SLICE("old"));
		is_written = sip_reply_write(&p.message, 200, SLICE_NONE, SLICE("t"), SLICE_NONE, &out);
		assert_false(out.is_broken);
		if (!is_written)
			assert_slice(buffer_slice(&out), "old");
		buffer_stop(&out);
	}
	parsed_stop(&p);
}

static void replies_parse(void **state)
{
	struct parsed request, reply;
	struct buffer out;

	(void)state;
	parsed_start(&request, SLICE(SAMPLE_MESSAGE("", "5", "hello")));
	buffer_start(&out, 4096);
	assert_true(sip_reply_write(&request.message, 200, SLICE_NONE, SLICE("t1"),
	                            SLICE("Server: parley\r\n"), &out));
	parsed_start(&reply, buffer_slice(&out));
	assert_int_equal(reply.answer, SIP_PARSE_OK);
	assert_int_equal(reply.message.status, 200);
	assert_slice(reply.message.to.tag, "t1");
	assert_true(slice_equal(reply.message.call_id, request.message.call_id));
	parsed_stop(&reply);
	buffer_stop(&out);
	parsed_stop(&request);
}

static void every_status_has_a_phrase(void **state)
{
	(void)state;
	assert_slice(sip_phrase(403), "Forbidden");
	assert_slice(sip_phrase(489), "Bad Event");
	assert_slice(sip_phrase(199), "Early Dialog Terminated");
	assert_slice(sip_phrase(499), "Bad Request");
	assert_slice(sip_phrase(699), "Busy Everywhere");
	assert_slice(sip_phrase(99), "");
	assert_slice(sip_phrase(700), "");
	for (int status = 100; status < 700; status++)
		assert_true(sip_phrase(status).len > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_request_gets_its_reply),
		cmocka_unit_test(a_reply_that_does_not_fit_leaves_nothing),
		cmocka_unit_test(replies_parse),
		cmocka_unit_test(every_status_has_a_phrase),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
