/* via, cseq and parameters: small pieces, each with what it takes and what it refuses. */
#include "tests/unit/sip/sample.h"

static const struct {
	const char *behaviour, *text, *transport, *host;
	int port;
	const char *branch, *received; /* NULL: none */
	bool has_rport, has_alias;
} good[] = {
	{ "reads_a_via", "SIP/2.0/TLS h.example:5061;branch=z9hG4bK1", "TLS", "h.example", 5061, "z9hG4bK1",
	  NULL, false, false },
	{ "reads_one_without_branch", "SIP/2.0/UDP iftgw.example.com", "UDP", "iftgw.example.com", 0, NULL,
	  NULL, false, false },
	{ "takes_blanks_around_everything",
	  "SIP  / 2.0  / TCP     spindle.example.com   ;  branch  =   z9hG4bK9ikj8", "TCP",
	  "spindle.example.com", 0, "z9hG4bK9ikj8", NULL, false, false },
	{ "takes_blanks_around_the_port", "SIP/2.0/TCP h.example : 5060 ;lr", "TCP", "h.example", 5060, NULL,
	  NULL, false, false },
	{ "takes_the_protocol_in_any_case", "sip/2.0/tls h.example", "tls", "h.example", 0, NULL, NULL, false,
	  false },
	{ "takes_unknown_transports", "SIP/2.0/UNKNOWN h.example", "UNKNOWN", "h.example", 0, NULL, NULL,
	  false, false },
	{ "reads_an_ipv6_sent_by",
	  "SIP/2.0/UDP [2001:db8::9:1]:5060;received=[2001:db8::9:255];branch=z9hG4bKas3", "UDP",
	  "2001:db8::9:1", 5060, "z9hG4bKas3", "[2001:db8::9:255]", false, false },
	{ "takes_received_without_brackets", "SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255", "UDP",
	  "2001:db8::9:1", 0, NULL, "2001:db8::9:255", false, false },
	{ "reads_rport_and_alias", "SIP/2.0/TLS h.example;rport;alias;received=192.0.2.1", "TLS", "h.example",
	  0, NULL, "192.0.2.1", true, true },
	{ "reads_rport_with_value", "SIP/2.0/TLS h.example;RPort=5061", "TLS", "h.example", 0, NULL, NULL,
	  true, false },
	{ "keeps_what_it_does_not_know",
	  "SIP/2.0/TLS 192.0.2.7:5061;branch=z9hG4bK-.!%66*_+`'~;ms-received-port=5061;ms-received-cid=2600",
	  "TLS", "192.0.2.7", 5061, "z9hG4bK-.!%66*_+`'~", NULL, false, false },
};

static const char *const bad[] = {
	"",
	"SIP/2.0/TLS",
	"SIP/2.0/TLS ",
	"SIP/2.0 h.example",
	"SIP/2.0/ h.example",
	"/2.0/TLS h.example",
	"SIP/3.0/TLS h.example",
	"SIP/20/TLS h.example",
	"HTTP/2.0/TLS h.example",
	"SIP/2.0/TLSh.example",
	"SIP/2.0/TLS ;branch=z9hG4bK1",
	"SIP/2.0/TLS :5061",
	"SIP/2.0/TLS h.example:",
	"SIP/2.0/TLS h.example:0",
	"SIP/2.0/TLS h.example:65536",
	"SIP/2.0/TLS 256.1.1.1",
	"SIP/2.0/TLS [2001:db8::1",
	"SIP/2.0/TLS 2001:db8::1",
	"SIP/2.0/TLS h.example;;,;,,",
	"SIP/2.0/TLS h.example;",
	"SIP/2.0/TLS h.example;branch=",
	"SIP/2.0/TLS h.example;branch",
	"SIP/2.0/TLS h.example;branch=a@b",
	"SIP/2.0/TLS h.example;branch=\"a\"",
	"SIP/2.0/TLS h.example;branch=a;branch=b",
	"SIP/2.0/TLS h.example;received=h.example",
	"SIP/2.0/TLS h.example;received=",
	"SIP/2.0/TLS h.example;received=[192.0.2.1]",
	"SIP/2.0/TLS h.example, SIP/2.0/TLS i.example",
	"SIP/2.0/TLS h.example i.example",
	"SIP/2.0/TLS user@h.example",
};

static void good_vias_are_taken_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct guard guard = guard_copy(slice_of(good[i].text));
		struct sip_fault fault = { 0 };
		struct sip_via via;

		print_message("via %s\n", good[i].behaviour);
		if (sip_via_parse(guard.bytes, &via, &fault) != SIP_PARSE_OK)
			fail_msg("%s: %s", good[i].text, fault.why);
		assert_slice(via.all, good[i].text);
		assert_slice(via.transport, good[i].transport);
		assert_slice(via.host, good[i].host);
		assert_int_equal(via.port, good[i].port);
		assert_int_equal(via.branch.ptr != NULL, good[i].branch != NULL);
		if (good[i].branch)
			assert_slice(via.branch, good[i].branch);
		assert_int_equal(via.received.ptr != NULL, good[i].received != NULL);
		if (good[i].received)
			assert_slice(via.received, good[i].received);
		assert_int_equal(via.has_rport, good[i].has_rport);
		assert_int_equal(via.has_alias, good[i].has_alias);
		guard_free(&guard);
	}
}

static void bad_vias_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct guard guard = guard_copy(slice_of(bad[i]));
		struct sip_fault fault = { 0 };
		struct sip_via via;

		if (sip_via_parse(guard.bytes, &via, &fault) != SIP_PARSE_BAD)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(fault.status, 400);
		assert_true(fault.why && fault.offset <= guard.bytes.len);
		guard_free(&guard);
	}
}

static void every_cut_stays_within_its_bytes(void **state)
{
	struct sip_via via;
	struct sip_cseq cseq;
	struct slice value;

	(void)state;
	for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
		const char *text = i < COUNT(good) ? good[i].text : bad[i - COUNT(good)];

		for (size_t length = 0; length < strlen(text); length++) {
			struct guard guard = guard_copy((struct slice){ text, length });

			(void)sip_via_parse(guard.bytes, &via, NULL);
			(void)sip_cseq_parse(guard.bytes, &cseq, NULL);
			(void)sip_param(guard.bytes, SLICE("branch"), &value);
			guard_free(&guard);
		}
	}
}

static void cseq_is_a_number_below_2_to_the_31_and_a_token(void **state)
{
	static const struct {
		const char *text;
		enum sip_parse answer;
		uint32_t number;
		const char *method;
	} rows[] = {
		{ "4711 INVITE", SIP_PARSE_OK, 4711, "INVITE" },
		{ "1 \t BYE", SIP_PARSE_OK, 1, "BYE" },
		{ "0009 INVITE", SIP_PARSE_OK, 9, "INVITE" },
		{ "0 A", SIP_PARSE_OK, 0, "A" },
		{ "2147483647 A", SIP_PARSE_OK, 2147483647, "A" },
		{ "2147483648 A", SIP_PARSE_BAD, 0, NULL },
		{ "4294967300 A", SIP_PARSE_BAD, 0, NULL },
		{ "36893488147419103232 REGISTER", SIP_PARSE_BAD, 0, NULL },
		{ "1", SIP_PARSE_BAD, 0, NULL },
		{ "1 ", SIP_PARSE_BAD, 0, NULL },
		{ "1INVITE", SIP_PARSE_BAD, 0, NULL },
		{ "INVITE 1", SIP_PARSE_BAD, 0, NULL },
		{ "1 BYE x", SIP_PARSE_BAD, 0, NULL },
		{ "1 B;E", SIP_PARSE_BAD, 0, NULL },
		{ "-1 BYE", SIP_PARSE_BAD, 0, NULL },
		{ "+1 BYE", SIP_PARSE_BAD, 0, NULL },
		{ "0x1 BYE", SIP_PARSE_BAD, 0, NULL },
		{ " 1 BYE", SIP_PARSE_BAD, 0, NULL },
		{ "", SIP_PARSE_BAD, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct guard guard = guard_copy(slice_of(rows[i].text));
		struct sip_fault fault = { 0 };
		struct sip_cseq cseq;

		if (sip_cseq_parse(guard.bytes, &cseq, &fault) != rows[i].answer)
			fail_msg("\"%s\"", rows[i].text);
		assert_int_equal(cseq.number, rows[i].number);
		assert_slice(cseq.method, rows[i].method);
		assert_int_equal(fault.why != NULL, rows[i].answer == SIP_PARSE_BAD);
		guard_free(&guard);
	}
}

static void a_parameter_is_found_by_name_outside_quotes(void **state)
{
	static const struct {
		const char *params, *name;
		bool is_there;
		const char *value; /* NULL: SLICE_NONE */
	} rows[] = {
		{ "transport=tls;lr", "transport", true, "tls" },
		{ "transport=tls;lr", "lr", true, NULL },
		{ ";transport=tls;lr", "TRANSPORT", true, "tls" },
		{ "a = b ; c", "a", true, "b" },
		{ "a = b ; c", "c", true, NULL },
		{ "x=\";tag=evil\";tag=good", "tag", true, "good" },
		{ "x=\"a\\\";tag=evil\"", "tag", false, NULL },
		{ "reason=\"not here; ask there\"", "reason", true, "not here; ask there" },
		{ "a=\"\"", "a", true, "" },
		{ "a=", "a", true, "" },
		{ "tagx=1", "tag", false, NULL },
		{ "xtag=1", "tag", false, NULL },
		{ "tag", "tag", true, NULL },
		{ "x=\"open;tag=1", "tag", true, "1" },
		{ "", "tag", false, NULL },
		{ ";;;", "tag", false, NULL },
		{ "a=b=c", "a", true, "b=c" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct guard guard = guard_copy(slice_of(rows[i].params));
		struct slice value = SLICE_NONE;

		if (sip_param(guard.bytes, slice_of(rows[i].name), &value) != rows[i].is_there)
			fail_msg("%s in %s", rows[i].name, rows[i].params);
		assert_int_equal(value.ptr != NULL, rows[i].value != NULL);
		assert_slice(value, rows[i].value);
		guard_free(&guard);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_vias_are_taken_apart),
		cmocka_unit_test(bad_vias_are_refused),
		cmocka_unit_test(every_cut_stays_within_its_bytes),
		cmocka_unit_test(cseq_is_a_number_below_2_to_the_31_and_a_token),
		cmocka_unit_test(a_parameter_is_found_by_name_outside_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
