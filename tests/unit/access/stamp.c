/* What a message says of its sender's verification. */
#include "daemon/access/parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define NAME "ms-asserted-verification-level: "

static const struct {
	const char *behaviour, *headers;
	enum policy_said said;
} rows[] = {
	{ "nothing", "", POLICY_SAID_NOTHING },
	{ "another thing", NAME "ms-source-network=federation\r\n", POLICY_SAID_NOTHING },
	{ "verified", NAME "ms-source-verified-user=verified\r\n", POLICY_SAID_VERIFIED },
	{ "unverified", NAME "x=y; MS-Source-Verified-User=Unverified\r\n", POLICY_SAID_UNVERIFIED },
	{ "both in one", NAME "ms-source-verified-user=verified;ms-source-verified-user=unverified\r\n",
	  POLICY_SAID_UNVERIFIED },
	{ "the sender before its provider",
	  NAME "ms-source-verified-user=verified\r\n" NAME "ms-source-verified-user=unverified\r\n",
	  POLICY_SAID_UNVERIFIED },
	{ "the provider before the sender",
	  NAME "ms-source-verified-user=unverified\r\n" NAME "ms-source-verified-user=verified\r\n",
	  POLICY_SAID_UNVERIFIED },
};

static void says_the_worse_of_two(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena arena;
		struct sip_message m;
		struct sip_fault fault = { 0 };
		char text[1024];

		printf("%s\n", rows[i].behaviour);
		snprintf(text, sizeof text,
		         "MESSAGE sip:alice@contoso.example SIP/2.0\r\n"
		         "Via: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bKa\r\nMax-Forwards: 70\r\n"
		         "From: <sip:bob@one.example>;tag=a\r\nTo: <sip:alice@contoso.example>\r\n"
		         "Call-ID: a\r\nCSeq: 1 MESSAGE\r\n%sContent-Length: 0\r\n\r\n",
		         rows[i].headers);
		arena_start(&arena, SIP_MESSAGE_ARENA_MAX);
		assert_int_equal(sip_message_parse(slice_of(text), &arena, &m, &fault), SIP_PARSE_OK);
		assert_int_equal(stamp_said(&m), rows[i].said);
		arena_stop(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(says_the_worse_of_two) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
