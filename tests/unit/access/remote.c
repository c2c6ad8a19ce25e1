/* Who a URI names, as sign-ins are compared. */
#include "daemon/access/parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
	const char *behaviour, *uri, *address; /* address "": nobody */
} rows[] = {
	{ "as it is", "sip:alice@contoso.example", "alice@contoso.example" },
	{ "whatever the case", "sip:Alice@CONTOSO.Example", "alice@contoso.example" },
	{ "escapes are what they stand for", "sip:%61lice@contoso.example", "alice@contoso.example" },
	{ "by sips", "sips:alice@contoso.example", "alice@contoso.example" },
	{ "parameters and ports name nobody else", "sip:alice@contoso.example:5061;transport=tls",
	  "alice@contoso.example" },
	{ "with the root's dot", "sip:alice@contoso.example.", "alice@contoso.example" },
	{ "a host is nobody", "sip:contoso.example", "" },
	{ "an escaped @ makes nobody else of him", "sip:dora%40contoso.example@contoso.example", "" },
	{ "an escaped end of string neither", "sip:alice%00@contoso.example", "" },
	{ "nor a line's end", "sip:alice%0D%0Ax@contoso.example", "" },
	{ "an empty user is nobody", "sip:@contoso.example", "" },
};

static void names_the_same_user_whatever_the_spelling(void **state)
{
	char room[POLICY_ADDRESS_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sip_uri uri = { 0 };
		struct slice address = SLICE("");

		printf("%s\n", rows[i].behaviour);
		if (sip_uri_parse(slice_of(rows[i].uri), &uri, NULL) == SIP_PARSE_OK)
			address = remote_address(&uri, room);
		assert_true(slice_equal(address, slice_of(rows[i].address)));
	}
}

static void an_address_longer_than_any_entrys_is_nobodys(void **state)
{
	char text[1000] = "sip:", room[POLICY_ADDRESS_BYTES];
	struct sip_uri uri;

	(void)state;
	for (size_t length = 300; length < 340; length++) {
		memset(text + 4, 'a', length);
		snprintf(text + 4 + length, sizeof text - 4 - length, "@contoso.example");
		assert_int_equal(sip_uri_parse(slice_of(text), &uri, NULL), SIP_PARSE_OK);
		assert_int_equal(remote_address(&uri, room).len > 0,
		                 length + sizeof "@contoso.example" - 1 <= POLICY_ADDRESS_BYTES);
	}
}

static const struct {
	const char *behaviour, *credentials, *user, *other;
} tries[] = {
	{ "as Digest says it", "Authorization: Digest username=\"dora\", realm=\"x\"", "dora@contoso.example",
	  NULL },
	{ "whatever stands before", "Authorization: Digest realm=\"a, username=eve\",username=\"dora\"",
	  "dora@contoso.example", NULL },
	{ "with a domain", "Proxy-Authorization: Digest username=\"dora@other.example\"",
	  "dora@other.example", NULL },
	{ "with a domain of Windows", "Authorization: Digest username=\"CONTOSO\\\\Dora\"",
	  "dora@contoso.example", NULL },
	{ "unquoted", "Authorization: Digest username=dora", "dora@contoso.example", NULL },
	{ "From, where it names nobody", "Authorization: NTLM qop=\"auth\", realm=\"x\"",
	  "alice@contoso.example", NULL },
	{ "From, where it is empty", "Authorization: Digest username=\"\"", "alice@contoso.example", NULL },
	{ "From, where it has no value", "Authorization: Digest username", "alice@contoso.example", NULL },
	{ "From, where two people are named", "Authorization: Digest username=\"a@b@c\"",
	  "alice@contoso.example", NULL },
	{ "From, where it would frame", "Authorization: Digest username=\"do%0Dra\"", "alice@contoso.example",
	  NULL },
	{ "behind a tab", "Authorization: Digest\tusername=\"dora\", realm=\"x\"", "dora@contoso.example",
	  NULL },
	{ "behind a fold", "Authorization: Digest\r\n username=\"dora\", realm=\"x\"", "dora@contoso.example",
	  NULL },
	{ "two", "Authorization: Digest username=\"dora\"\r\nProxy-Authorization: Digest username=\"eve\"",
	  "eve@contoso.example", "dora@contoso.example" },
	{ "two of a kind",
	  "Authorization: Digest username=\"dora\", realm=\"x\"\r\nAuthorization: Digest username=\"eve\"",
	  "dora@contoso.example", "eve@contoso.example" },
	{ "nobody tries", "Subject: none", NULL, NULL },
};

static void knows_whose_password_is_tried(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
		char text[512], room[POLICY_ADDRESS_BYTES];
		struct arena arena;
		struct sip_message m;
		struct sip_fault fault;
		struct slice user;

		printf("%s\n", tries[i].behaviour);
		snprintf(text, sizeof text,
		         "MESSAGE sip:bob@contoso.example SIP/2.0\r\nVia: SIP/2.0/TLS p;branch=z9hG4bKx\r\n"
		         "From: <sip:alice@contoso.example>;tag=1\r\nTo: <sip:bob@contoso.example>\r\n"
		         "Call-ID: c\r\nCSeq: 1 MESSAGE\r\n%s\r\nContent-Length: 0\r\n\r\n",
		         tries[i].credentials);
		arena_start(&arena, SIP_MESSAGE_ARENA_MAX);
		assert_int_equal(sip_message_parse(slice_of(text), &arena, &m, &fault), SIP_PARSE_OK);
		assert_int_equal(remote_credentials(&m), tries[i].user != NULL);
		assert_int_equal(remote_credentials_user(&m, 0, room, &user), tries[i].user != NULL);
		if (tries[i].user)
			assert_true(slice_equal(user, slice_of(tries[i].user)));
		assert_int_equal(remote_credentials_user(&m, 1, room, &user), tries[i].other != NULL);
		if (tries[i].other)
			assert_true(slice_equal(user, slice_of(tries[i].other)));
		arena_stop(&arena);
	}
}

/* A name made by another process, or by none, leads to no connection. */
static void a_flow_of_another_process_is_not_found(void **state)
{
	static const char *const names[] = {
		"",
		"0",
		"00000000000000010000000000000001",
		"00000000000000020000000000000000",
		"0000000000000002000000000000000g",
		"000000000000000200000000000000011",
	};
	struct access *a = calloc(1, sizeof *a);

	(void)state;
	assert_non_null(a);
	a->boot = 2;
	handles_start(&a->connections, 8);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_null(remote_find(a, slice_of(names[i])));
	handles_stop(&a->connections);
	free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_the_same_user_whatever_the_spelling),
		cmocka_unit_test(knows_whose_password_is_tried),
		cmocka_unit_test(an_address_longer_than_any_entrys_is_nobodys),
		cmocka_unit_test(a_flow_of_another_process_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
