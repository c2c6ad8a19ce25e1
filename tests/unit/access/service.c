/* What a request is for: the kind of federation that must carry it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "daemon/access/parts.h"
#include "tests/unit/guard.h"

#include <cmocka.h>

static const struct {
	const char *behaviour;
	enum sip_method method;
	const char *body;
	enum policy_service service;
} rows[] = {
	{ "a_message_is_im", SIP_MESSAGE, "hello", POLICY_SERVICE_IM },
	{ "a_message_that_looks_like_an_offer_is_im", SIP_MESSAGE, "m=audio 1 RTP/AVP 0\r\n",
	  POLICY_SERVICE_IM },
	{ "subscribe_is_presence", SIP_SUBSCRIBE, "", POLICY_SERVICE_PRESENCE },
	{ "notify_is_presence", SIP_NOTIFY, "<presence/>", POLICY_SERVICE_PRESENCE },
	{ "an_im_session_is_im", SIP_INVITE, "v=0\r\nm=message 5060 sip null\r\n", POLICY_SERVICE_IM },
	{ "lyncs_old_im_session_is_im", SIP_INVITE, "v=0\r\nm=x-ms-message 5060 sip null\r\n",
	  POLICY_SERVICE_IM },
	{ "audio_is_a_call", SIP_INVITE, "v=0\r\nm=audio 4000 RTP/AVP 0\r\n", POLICY_SERVICE_AV },
	{ "video_is_a_call", SIP_INVITE, "v=0\r\nm=video 4000 RTP/AVP 34\r\n", POLICY_SERVICE_AV },
	{ "audio_in_any_case_is_a_call", SIP_INVITE, "v=0\r\nm=AUDIO 4000 RTP/AVP 0\r\n", POLICY_SERVICE_AV },
	{ "im_with_audio_is_a_call", SIP_INVITE,
	  "v=0\r\nm=message 5060 sip null\r\nm=audio 4000 RTP/AVP 0\r\n", POLICY_SERVICE_AV },
	{ "audio_inside_multipart_is_a_call", SIP_INVITE,
	  "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\nm=audio 4000 RTP/AVP 0\r\n--b--\r\n",
	  POLICY_SERVICE_AV },
	{ "lines_that_end_in_lf_are_read_too", SIP_INVITE, "v=0\nm=audio 4000 RTP/AVP 0\n",
	  POLICY_SERVICE_AV },
	{ "the_last_line_needs_no_end", SIP_INVITE, "v=0\r\nm=audio 4000", POLICY_SERVICE_AV },
	{ "no_offer_may_become_any_call", SIP_INVITE, "", POLICY_SERVICE_AV },
	{ "other_media_are_other", SIP_INVITE, "v=0\r\nm=application 9 TCP/BFCP *\r\n",
	  POLICY_SERVICE_OTHER },
	{ "audio_must_be_a_whole_word", SIP_INVITE, "v=0\r\nm=audiobook 9 x *\r\n", POLICY_SERVICE_OTHER },
	{ "audio_elsewhere_on_a_line_is_no_media", SIP_INVITE, "v=0\r\na=m=audio 1\r\n",
	  POLICY_SERVICE_OTHER },
	{ "a_word_cut_short_is_no_media", SIP_INVITE, "v=0\r\nm=audio", POLICY_SERVICE_OTHER },
	{ "an_ack_may_answer_with_audio", SIP_ACK, "v=0\r\nm=audio 4000 RTP/AVP 0\r\n", POLICY_SERVICE_AV },
	{ "an_update_may_offer_video", SIP_UPDATE, "v=0\r\nm=video 4000 RTP/AVP 34\r\n", POLICY_SERVICE_AV },
	{ "a_prack_without_a_body_is_other", SIP_PRACK, "", POLICY_SERVICE_OTHER },
	{ "bye_is_other", SIP_BYE, "", POLICY_SERVICE_OTHER },
	{ "options_is_other", SIP_OPTIONS, "", POLICY_SERVICE_OTHER },
};

static void says_what_a_request_is_for(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct guard guard;
		struct sip_message m = { .is_request = true, .method = rows[i].method };

		printf("%s\n", rows[i].behaviour);
		guard = guard_copy(slice_of(rows[i].body));
		m.body = guard.bytes;
		assert_int_equal(service_of(&m), rows[i].service);
		guard_free(&guard);
	}
}

static const struct {
	const char *behaviour, *head;
	bool is_conference;
} conferences[] = {
	{ "two_people_are_none", "MESSAGE sip:alice@contoso.example SIP/2.0\r\n", false },
	{ "lyncs_focus_is_one",
	  "INVITE sip:alice@contoso.example;gruu;opaque=app:conf:focus:id:AB12 SIP/2.0\r\n", true },
	{ "another_opaque_is_none", "INVITE sip:alice@contoso.example;gruu;opaque=user:epid:AB12 SIP/2.0\r\n",
	  false },
	{ "its_event_is_one", "SUBSCRIBE sip:a@b.example SIP/2.0\r\nEvent: conference\r\n", true },
	{ "with_parameters_too", "SUBSCRIBE sip:a@b.example SIP/2.0\r\nEvent: Conference;id=1\r\n", true },
	{ "presence_is_none", "SUBSCRIBE sip:a@b.example SIP/2.0\r\nEvent: presence\r\n", false },
	{ "a_focus_says_so", "INVITE sip:a@b.example SIP/2.0\r\nContact: <sip:c@d.example>;isfocus\r\n",
	  true },
	{ "whose_address_says_so_is_none",
	  "INVITE sip:a@b.example SIP/2.0\r\nContact: <sip:c@d.example;isfocus>\r\n", false },
	{ "an_invitation_of_lync_is_one",
	  "INVITE sip:a@b.example SIP/2.0\r\nContent-Type: application/ms-conf-invite+xml\r\n", true },
};

static void knows_what_belongs_to_a_conference(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof conferences / sizeof *conferences; i++) {
		struct sip_fault fault = { 0 };
		struct sip_message m;
		struct arena arena;
		char text[1024];

		printf("%s\n", conferences[i].behaviour);
		snprintf(text, sizeof text,
		         "%sVia: SIP/2.0/TLS x.example;branch=z9hG4bKa\r\nFrom: <sip:f@x.example>;tag=1\r\n"
		         "To: <sip:a@b.example>\r\nCall-ID: 1\r\nCSeq: 1 %.*s\r\nContent-Length: 0\r\n\r\n",
		         conferences[i].head, (int)strcspn(conferences[i].head, " "), conferences[i].head);
		arena_start(&arena, 65536);
		assert_int_equal(sip_message_parse(slice_of(text), &arena, &m, &fault), SIP_PARSE_OK);
		assert_int_equal(service_is_conference(&m), conferences[i].is_conference);
		arena_stop(&arena);
	}
}

static const struct {
	const char *behaviour;
	enum sip_method method;
	const char *type, *body;
	bool is_transfer;
} transfers[] = {
	{ "a_message_is_none", SIP_MESSAGE, "text/plain", "m=data 6901 RTP/AVP 127\r\n", false },
	{ "a_messengers_invitation_is_one", SIP_MESSAGE, "text/x-msmsgsinvite; charset=UTF-8", "x", true },
	{ "lyncs_file_is_one", SIP_INVITE, "application/sdp", "v=0\r\nm=data 6901 RTP/AVP 127\r\n", true },
	{ "beside_messages_too", SIP_INVITE, "application/sdp",
	  "v=0\r\nm=message 5060 sip null\r\nm=data 6901 RTP/AVP 127\r\n", true },
	{ "a_shared_application_is_one", SIP_INVITE, "application/sdp",
	  "v=0\r\nm=audio 4000 RTP/AVP 0\r\nm=applicationsharing 4002 TCP/RTP/AVP 127\r\n", true },
	{ "what_is_declined_is_none", SIP_INVITE, "application/sdp",
	  "v=0\r\nm=audio 4000 RTP/AVP 0\r\nm=data 0 RTP/AVP 127\r\n", false },
	{ "a_file_by_msrp_is_one", SIP_INVITE, "application/sdp",
	  "v=0\r\nm=message 7394 TCP/MSRP *\r\na=file-selector:name:\"a.jpg\"\r\n", true },
	{ "an_im_session_is_none", SIP_INVITE, "application/sdp", "v=0\r\nm=message 5060 sip null\r\n",
	  false },
	{ "a_call_is_none", SIP_INVITE, "application/sdp", "v=0\r\nm=AUDIO 4000 RTP/AVP 0\r\n", false },
	{ "a_line_cut_short_is_none", SIP_INVITE, "application/sdp", "v=0\r\nm=data", false },
	{ "an_update_may_add_one", SIP_UPDATE, "application/sdp", "v=0\nm=data 6901 RTP/AVP 127\n", true },
	{ "what_an_info_says_is_none", SIP_INFO, "application/sdp", "m=data 6901 RTP/AVP 127\r\n", false },
};

static void knows_what_transfers_a_file(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof transfers / sizeof *transfers; i++) {
		struct sip_fault fault = { 0 };
		struct sip_message m;
		struct arena arena;
		struct guard guard;
		char text[1024];

		printf("%s\n", transfers[i].behaviour);
		snprintf(text, sizeof text,
		         "INVITE sip:a@b.example SIP/2.0\r\nVia: SIP/2.0/TLS x.example;branch=z9hG4bKa\r\n"
		         "From: <sip:f@x.example>;tag=1\r\nTo: <sip:a@b.example>\r\nCall-ID: 1\r\n"
		         "CSeq: 1 INVITE\r\nContent-Type: %s\r\nContent-Length: 0\r\n\r\n",
		         transfers[i].type);
		arena_start(&arena, 65536);
		assert_int_equal(sip_message_parse(slice_of(text), &arena, &m, &fault), SIP_PARSE_OK);
		guard = guard_copy(slice_of(transfers[i].body));
		m.body = guard.bytes;
		m.method = transfers[i].method;
		assert_int_equal(service_is_transfer(&m), transfers[i].is_transfer);
		guard_free(&guard);
		arena_stop(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(says_what_a_request_is_for),
		                            cmocka_unit_test(knows_what_belongs_to_a_conference),
		                            cmocka_unit_test(knows_what_transfers_a_file) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
