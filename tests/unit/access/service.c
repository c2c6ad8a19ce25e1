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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(says_what_a_request_is_for) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
