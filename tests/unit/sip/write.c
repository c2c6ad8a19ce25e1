/* write: edits against the original, byte for byte what was signed, and never a byte that frames. */
#include "tests/unit/sip/sample.h"

#include "shared/base/memory.h"

#define LINE "MESSAGE sip:bob@contoso.example SIP/2.0\r\n"
#define END  "CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n"
#define MANY                                                                                                 \
	LINE "v: SIP/2.0/TLS a ; branch = z9hG4bK1 ,SIP/2.0/TLS b;ms-received-cid=2600\r\n"                  \
	     "Via: SIP/2.0/TLS c\r\nMax-Forwards: 70\r\nRoute: <sip:r1;lr> , <sip:r2;lr>\r\n"                \
	     "f: <sip:a@h.example>;tag=1\r\nRoute:<sip:r3;lr>\r\nt: <sip:b@h.example>\r\ni: x\r\n"           \
	     "P-ASSERTED-identity: <sip:evil@e.example>\r\nX-One: 1\r\nx-two:  2 \r\nx-one: 3\r\n" END

struct edit {
	enum sip_edit_kind kind;
	enum sip_header_id id;
	const char *name, *value;
};

/* Writes `text` with up to four edits; an empty answer means it was refused. */
static struct slice edited(const char *text, const struct edit *edits, size_t count, unsigned strip,
                           struct buffer *out)
{
	struct sip_edits list = { .strip = strip };
	struct parsed p;

	buffer_start(out, 8192);
	buffer_add(out, SLICE("before"));
	parsed_start(&p, slice_of(text));
	if (p.answer != SIP_PARSE_OK)
		fail_msg("%s", p.fault.why);
	for (size_t i = 0; i < count; i++) {
		if (edits[i].name)
			sip_edit_name(&list, edits[i].kind, slice_of(edits[i].name),
			              slice_of(edits[i].value));
		else
			sip_edit_add(&list, edits[i].kind, edits[i].id, slice_of(edits[i].value));
	}
	bool is_written = sip_message_write(&p.message, &list, out);

	if (!is_written)
		assert_slice(buffer_slice(out), "before");
	parsed_stop(&p);
	assert_false(out->is_broken);
	return slice_after(buffer_slice(out), 6);
}

static const struct {
	const char *behaviour;
	struct edit edits[4];
	size_t count;
	const char *has, *has_not; /* a piece of the outcome; NULL has: refused */
} rows[] = {
	{ "writes_canonical_names",
	  { { 0 } },
	  0,
	  "Via: SIP/2.0/TLS a ; branch = z9hG4bK1 ,SIP/2.0/TLS b;ms-received-cid=2600\r\nVia: ",
	  "\r\nv:" },
	{ "leaves_unknown_names_as_they_came",
	  { { 0 } },
	  0,
	  "\r\nX-One: 1\r\nx-two: 2\r\nx-one: 3\r\n",
	  NULL },
	{ "replaces_the_target",
	  { { SIP_EDIT_TARGET, 0, NULL, "sip:c@d.example" } },
	  1,
	  "MESSAGE sip:c@d.example SIP/2.0\r\n",
	  "bob" },
	{ "takes_no_target_with_a_blank",
	  { { SIP_EDIT_TARGET, 0, NULL, "sip:c@d SIP/2.0" } },
	  1,
	  NULL,
	  NULL },
	{ "takes_no_empty_target", { { SIP_EDIT_TARGET, 0, NULL, "" } }, 1, NULL, NULL },
	{ "prepends_before_the_first_of_its_kind",
	  { { SIP_EDIT_PREPEND, SIP_VIA, NULL, "SIP/2.0/TLS z" } },
	  1,
	  "SIP/2.0\r\nVia: SIP/2.0/TLS z\r\nVia: SIP/2.0/TLS a ;",
	  NULL },
	{ "prepends_in_the_middle",
	  { { SIP_EDIT_PREPEND, SIP_ROUTE, NULL, "<sip:z>" } },
	  1,
	  "Max-Forwards: 70\r\nRoute: <sip:z>\r\nRoute: <sip:r1;lr>",
	  NULL },
	{ "puts_the_last_prepended_first",
	  { { SIP_EDIT_PREPEND, SIP_RECORD_ROUTE, NULL, "<sip:1>" },
	    { SIP_EDIT_PREPEND, SIP_RECORD_ROUTE, NULL, "<sip:2>" } },
	  2,
	  "SIP/2.0\r\nRecord-Route: <sip:2>\r\nRecord-Route: <sip:1>\r\nVia",
	  NULL },
	{ "prepends_a_named_header",
	  { { SIP_EDIT_PREPEND, 0, "x-one", "0" } },
	  1,
	  "\r\nx-one: 0\r\nX-One: 1\r\n",
	  NULL },
	{ "appends_at_the_end",
	  { { SIP_EDIT_APPEND, SIP_MS_DIAGNOSTICS_PUBLIC, NULL, "1002;reason=\"x\"" } },
	  1,
	  "CSeq: 1 MESSAGE\r\nms-diagnostics-public: 1002;reason=\"x\"\r\nContent-Length: 0\r\n\r\n",
	  NULL },
	{ "appends_a_named_header",
	  { { SIP_EDIT_APPEND, 0, "X-New", " v " } },
	  1,
	  "\r\nX-New: v\r\nContent-Length",
	  NULL },
	{ "gives_a_known_header_its_name",
	  { { SIP_EDIT_APPEND, 0, "subJECT", "v" } },
	  1,
	  "\r\nSubject: v\r\n",
	  NULL },
	{ "removes_all_of_a_kind",
	  { { SIP_EDIT_REMOVE_ALL, SIP_ROUTE, NULL, NULL } },
	  1,
	  "Max-Forwards: 70\r\nFrom",
	  "Route" },
	{ "removes_by_name_in_any_case",
	  { { SIP_EDIT_REMOVE_NAME, 0, "X-ONE", NULL } },
	  1,
	  "x-two: 2\r\nCSeq",
	  "ne:" },
	{ "removes_by_prefix",
	  { { SIP_EDIT_REMOVE_NAME, 0, "X-*", NULL } },
	  1,
	  "P-Asserted-Identity: <sip:evil@e.example>\r\nCSeq",
	  "x-two" },
	{ "removes_a_known_header_by_name",
	  { { SIP_EDIT_REMOVE_NAME, 0, "p-asserted-identity", NULL } },
	  1,
	  "X-One",
	  "evil" },
	{ "removes_known_headers_by_prefix",
	  { { SIP_EDIT_REMOVE_NAME, 0, "p-a*", NULL } },
	  1,
	  "X-One",
	  "evil" },
	{ "pops_the_first_value",
	  { { SIP_EDIT_REMOVE_FIRST_VALUE, SIP_VIA, NULL, NULL } },
	  1,
	  "SIP/2.0\r\nVia: SIP/2.0/TLS b;ms-received-cid=2600\r\nVia: SIP/2.0/TLS c",
	  "z9hG4bK1" },
	{ "pops_two_values",
	  { { SIP_EDIT_REMOVE_FIRST_VALUE, SIP_VIA, NULL, NULL },
	    { SIP_EDIT_REMOVE_FIRST_VALUE, SIP_VIA, NULL, NULL } },
	  2,
	  "SIP/2.0\r\nVia: SIP/2.0/TLS c\r\nMax",
	  "2600" },
	{ "pops_across_headers",
	  { { SIP_EDIT_REMOVE_FIRST_VALUE, SIP_ROUTE, NULL, NULL },
	    { SIP_EDIT_REMOVE_FIRST_VALUE, SIP_ROUTE, NULL, NULL },
	    { SIP_EDIT_REMOVE_FIRST_VALUE, SIP_ROUTE, NULL, NULL } },
	  3,
	  "tag=1\r\nTo:",
	  "Route" },
	{ "takes_no_pop_of_what_is_not_there",
	  { { SIP_EDIT_REMOVE_FIRST_VALUE, SIP_RECORD_ROUTE, NULL, NULL } },
	  1,
	  NULL,
	  NULL },
	{ "takes_no_fourth_pop_of_three",
	  { { SIP_EDIT_REMOVE_FIRST_VALUE, SIP_ROUTE, NULL, NULL },
	    { SIP_EDIT_REMOVE_FIRST_VALUE, SIP_ROUTE, NULL, NULL },
	    { SIP_EDIT_REMOVE_FIRST_VALUE, SIP_ROUTE, NULL, NULL },
	    { SIP_EDIT_REMOVE_FIRST_VALUE, SIP_ROUTE, NULL, NULL } },
	  4,
	  NULL,
	  NULL },
	{ "replaces_the_first_value",
	  { { SIP_EDIT_REPLACE_FIRST_VALUE, SIP_VIA, NULL, "SIP/2.0/TLS a;received=192.0.2.1" } },
	  1,
	  "Via: SIP/2.0/TLS a;received=192.0.2.1, SIP/2.0/TLS b;ms-received-cid=2600\r\nVia: SIP/2.0/TLS "
	  "c\r\n",
	  "z9hG4bK1" },
	{ "prepends_and_replaces",
	  { { SIP_EDIT_REPLACE_FIRST_VALUE, SIP_VIA, NULL, "SIP/2.0/TLS y" },
	    { SIP_EDIT_PREPEND, SIP_VIA, NULL, "SIP/2.0/TLS z" } },
	  2,
	  "\r\nVia: SIP/2.0/TLS z\r\nVia: SIP/2.0/TLS y, SIP/2.0/TLS b",
	  NULL },
	{ "pops_and_replaces_the_next",
	  { { SIP_EDIT_REMOVE_FIRST_VALUE, SIP_ROUTE, NULL, NULL },
	    { SIP_EDIT_REMOVE_FIRST_VALUE, SIP_ROUTE, NULL, NULL },
	    { SIP_EDIT_REPLACE_FIRST_VALUE, SIP_ROUTE, NULL, "<sip:n>" } },
	  3,
	  "Route: <sip:n>\r\n",
	  "r3" },
	{ "replaces_in_the_place_of_the_first",
	  { { SIP_EDIT_REPLACE, SIP_ROUTE, NULL, "<sip:n>" } },
	  1,
	  "Max-Forwards: 70\r\nRoute: <sip:n>\r\nFrom",
	  "r3" },
	{ "replaces_a_number",
	  { { SIP_EDIT_REPLACE, SIP_MAX_FORWARDS, NULL, "69" } },
	  1,
	  "TLS c\r\nMax-Forwards: 69\r\nRoute",
	  "70" },
	{ "replaces_at_the_end_when_there_was_none",
	  { { SIP_EDIT_REPLACE, SIP_EXPIRES, NULL, "60" } },
	  1,
	  "\r\nExpires: 60\r\nContent-Length: 0",
	  NULL },
	{ "takes_no_lf", { { SIP_EDIT_APPEND, 0, "X-New", "a\nRoute: <sip:x>" } }, 1, NULL, NULL },
	{ "takes_no_cr", { { SIP_EDIT_APPEND, 0, "X-New", "a\rb" } }, 1, NULL, NULL },
	{ "takes_no_crlf_in_a_target", { { SIP_EDIT_TARGET, 0, NULL, "sip:a\r\n\r\n" } }, 1, NULL, NULL },
	{ "takes_no_name_with_a_colon", { { SIP_EDIT_APPEND, 0, "X: y\r\nZ", "a" } }, 1, NULL, NULL },
	{ "takes_no_empty_name", { { SIP_EDIT_APPEND, 0, "", "a" } }, 1, NULL, NULL },
	{ "takes_no_prefix_as_a_name", { { SIP_EDIT_APPEND, 0, "P-Charging-*", "a" } }, 1, NULL, NULL },
	{ "takes_no_unknown_kind", { { SIP_EDIT_REMOVE_ALL, SIP_HEADER_OTHER, NULL, NULL } }, 1, NULL, NULL },
	{ "takes_no_content_length", { { SIP_EDIT_REPLACE, SIP_CONTENT_LENGTH, NULL, "5" } }, 1, NULL, NULL },
	{ "writes_a_name_that_a_prefix_rule_catches",
	  { { SIP_EDIT_APPEND, 0, "P-Charging-Vector", "v" } },
	  1,
	  "\r\nP-Charging-Vector: v\r\n",
	  NULL },
};

static void each_edit_has_its_effect(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buffer out;
		struct slice got = edited(MANY, rows[i].edits, rows[i].count, 0, &out);
		char *text = test_calloc(1, got.len + 1);

		print_message("write %s\n", rows[i].behaviour);
		if (got.len)
			memcpy(text, got.ptr, got.len);
		if (!rows[i].has)
			assert_int_equal(got.len, 0);
		else if (!strstr(text, rows[i].has))
			fail_msg("%s not in:\n%s", rows[i].has, text);
		if (rows[i].has_not && strstr(text, rows[i].has_not))
			fail_msg("%s in:\n%s", rows[i].has_not, text);
		test_free(text);
		buffer_stop(&out);
	}
}

static void nul_in_an_edit_is_refused(void **state)
{
	struct sip_edits edits = { 0 };

	(void)state;
	sip_edit_add(&edits, SIP_EDIT_APPEND, SIP_SUBJECT, SLICE("a\0b"));
	assert_true(edits.is_broken);
}

static void edits_are_limited(void **state)
{
	struct sip_edits edits = { 0 };

	(void)state;
	for (int i = 0; i < SIP_EDITS_MAX; i++)
		sip_edit_add(&edits, SIP_EDIT_APPEND, SIP_SUBJECT, SLICE("a"));
	assert_false(edits.is_broken);
	sip_edit_add(&edits, SIP_EDIT_APPEND, SIP_SUBJECT, SLICE("a"));
	assert_true(edits.is_broken);
	assert_int_equal(edits.count, SIP_EDITS_MAX);
}

/* SIP-2: forty names in every spelling a stranger may think of; the internal side sees none of them. */
static void trust_does_not_cross_in_any_spelling(void **state)
{
	static const char *const names[] = {
		"P-Asserted-Identity",
		"P-Preferred-Identity",
		"Remote-Party-ID",
		"P-Asserted-Service",
		"P-Preferred-Service",
		"P-Served-User",
		"P-Associated-URI",
		"P-Called-Party-ID",
		"P-Access-Network-Info",
		"P-Visited-Network-ID",
		"P-Charging-Vector",
		"P-Charging-Function-Addresses",
		"P-Charging-Anything",
		"P-DCS-LAES",
		"P-DCS-Redirect",
		"P-DCS-Trace-Party-ID",
		"P-DCS-OSPS",
		"P-DCS-Billing-Info",
		"P-Media-Authorization",
		"P-Profile-Key",
		"P-User-Database",
		"P-Private-Network-Indication",
		"Diversion",
		"History-Info",
		"Identity",
		"y",
		"Identity-Info",
		"n",
		"Privacy",
		"Authorization",
		"Proxy-Authorization",
		"Authentication-Info",
		"Proxy-Authentication-Info",
		"ms-edge-proxy-message-trust",
		"ms-user-data",
		"ms-user-logon-data",
		"ms-asserted-verification-level",
		"ms-split-domain-info",
		"ms-diagnostics",
		"ms-call-source",
		"ms-client-diagnostics",
		"ms-endpoint-location-data",
	};
	static const char *const forms[] = {
		"%s: SMUGGLED\r\n",          "%s:SMUGGLED\r\n",      "%s : SMUGGLED\r\n",
		"%s\t \t: SMUGGLED\r\n",     "%s:\r\n SMUGGLED\r\n", "%s: a\r\n\tSMUGGLED\r\n",
		"%s: a\r\n%s: SMUGGLED\r\n", "%s: a, SMUGGLED\r\n",  "Subject: x\r\n%s: SMUGGLED\r\n",
	};

	(void)state;
	assert_true(COUNT(names) >= 40);
	for (size_t n = 0; n < COUNT(names); n++) {
		for (unsigned spelling = 0; spelling < 3; spelling++) {
			char name[64];

			snprintf(name, sizeof name, "%s", names[n]);
			for (char *c = name; *c; c++)
				if (spelling && ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z')))
					*c = (char)(spelling == 1 ? *c & ~0x20 : *c | 0x20);
			for (size_t f = 0; f < COUNT(forms); f++) {
				char line[256], text[1024];
				struct buffer out;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
				snprintf(line, sizeof line, forms[f], name, name);
#pragma GCC diagnostic pop
				snprintf(text, sizeof text, LINE SAMPLE_TOP "%s" END, line);

				struct slice got = edited(text, NULL, 0, SIP_STRIP_IN, &out);

				assert_true(got.len > 0);
				if (memmem(got.ptr, got.len, "SMUGGLED", 8))
					fail_msg("%s", line);
				buffer_stop(&out);
			}
		}
	}
}

static void what_is_ours_stands_though_theirs_is_stripped(void **state)
{
	static const struct edit ours[] = { { SIP_EDIT_APPEND, SIP_P_ASSERTED_IDENTITY, NULL,
		                              "<sip:good@h.example>" } };
	struct buffer out;
	struct slice got = edited(MANY, ours, 1, SIP_STRIP_IN, &out);

	(void)state;
	assert_null(memmem(got.ptr, got.len, "evil", 4));
	struct slice wanted = SLICE("\r\nP-Asserted-Identity: <sip:good@h.example>\r\n");

	assert_non_null(memmem(got.ptr, got.len, wanted.ptr, wanted.len));
	buffer_stop(&out);
}

/* Lync signs them: not a byte of Via, Route, Record-Route or an unknown parameter may change. */
static void signed_values_are_echoed_byte_for_byte(void **state)
{
	static const char *const lines[] = {
		"Record-Route: "
		"<sip:sip.contoso.example:5061;transport=tls;opaque=state:T:F:Ci.R1b80800;lr;ms-route-sig="
		"aaHnq>;tag=9A8B ;  x",
		"Record-Route: <SIP:Edge.Contoso.EXAMPLE;LR;ms-key-info=AAE=>,<sip:b;lr> , <sip:c%41;lr>",
		"Route: <sip:a;lr;unknownwith=value;unknown-no-value>;p=\"q, \\\" r\"",
		"Via: SIP / 2.0 / TLS 192.0.2.7:5061 "
		";branch=z9hG4bKF6;ms-received-port=5061;ms-received-cid=2600 ,SIP/2.0/TLS x",
		"Contact: \"a \\\" "
		"b\"<sip:b@h.example;opaque=user:epid:Cxc;gruu>;+sip.instance=\"<urn:uuid:0>\";x = y",
		"Subject: \xc3\xa9  two  blanks",
		"X-Unknown: ;;,,;;,;",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		char text[1024], wanted[512];
		struct buffer out;

		snprintf(text, sizeof text, LINE SAMPLE_TOP "%s\r\n" END, lines[i]);
		snprintf(wanted, sizeof wanted, "\r\n%s\r\n", lines[i]);

		struct slice got = edited(text, NULL, 0, SIP_STRIP_OUT, &out);

		if (!memmem(got.ptr, got.len, wanted, strlen(wanted)))
			fail_msg("%s", lines[i]);
		buffer_stop(&out);
	}
}

static void written_messages_parse_to_the_same_and_are_a_fixed_point(void **state)
{
	static const struct slice texts[] = {
		SLICE(MANY),
		SLICE(SAMPLE_MESSAGE("Subject:\r\n a\r\n b\r\nQ:\r\n", "6", "a\0\r\nbc")),
		SLICE(SAMPLE_RESPONSE("200 ", "")),
		SLICE("BYE sip:b@h.example SIP/2.0\r\n" SAMPLE_TOP "CSeq: 1 BYE\r\n\r\n"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct parsed first, second;
		struct buffer once, twice;

		buffer_start(&once, 8192);
		buffer_start(&twice, 8192);
		parsed_start(&first, texts[i]);
		assert_true(sip_message_write(&first.message, NULL, &once));
		parsed_start(&second, buffer_slice(&once));
		assert_int_equal(second.answer, SIP_PARSE_OK);
		assert_int_equal(first.message.is_request, second.message.is_request);
		assert_true(slice_equal(first.message.call_id, second.message.call_id));
		assert_true(slice_equal(first.message.from.all, second.message.from.all));
		assert_true(slice_equal(first.message.body, second.message.body));
		assert_true(sip_message_write(&second.message, NULL, &twice));
		assert_true(slice_equal(buffer_slice(&once), buffer_slice(&twice)));
		parsed_stop(&second);
		parsed_stop(&first);
		buffer_stop(&once);
		buffer_stop(&twice);
	}
}

static void what_does_not_fit_leaves_nothing(void **state)
{
	struct parsed p;
	struct buffer out;
	bool is_written = false;
	size_t max = 0;

	(void)state;
	parsed_start(&p, SLICE(SAMPLE_MESSAGE("", "5", "hello")));
	for (; !is_written; max++) {
		buffer_start(&out, max + 6);
		buffer_add(&out, SLICE("before"));
		is_written = sip_message_write(&p.message, NULL, &out);
		assert_false(out.is_broken);
		if (!is_written)
			assert_slice(buffer_slice(&out), "before");
		else
			assert_int_equal(buffer_length(&out), max + 6);
		buffer_stop(&out);
	}
	parsed_stop(&p);
}

/* A value that was not parsed but made by hand must not open a line either. */
static void hostile_values_do_not_leave(void **state)
{
	static const struct slice values[] = { SLICE("a\r\nRoute: <sip:x>"),
		                               SLICE("a\nb"),
		                               SLICE("a\rb"),
		                               SLICE("a\0b"),
		                               SLICE("\x1b[2J"),
		                               SLICE("a\x7f") };
	struct parsed p;
	struct buffer out;

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		for (unsigned where = 0; where < 4; where++) {
			parsed_start(&p, where == 3 ? SLICE(SAMPLE_RESPONSE("200 OK", ""))
			                            : SLICE(SAMPLE_EMPTY("BYE", "")));
			buffer_start(&out, 8192);
			if (where == 0)
				p.message.headers[2].value = values[i];
			else if (where == 1)
				p.message.target = values[i];
			else if (where == 2)
				p.message.method_name = values[i];
			else
				p.message.phrase = values[i];
			assert_false(sip_message_write(&p.message, NULL, &out));
			assert_int_equal(buffer_length(&out), 0);
			buffer_stop(&out);
			parsed_stop(&p);
		}
	}
}

#ifdef PARLEY_FAULTS
static void a_failing_allocation_leaves_nothing(void **state)
{
	struct parsed p;
	struct buffer out;
	char text[2048];
	unsigned long nth = 0;
	bool is_written;

	(void)state;
	snprintf(text, sizeof text, LINE SAMPLE_TOP "Q: %01000d\r\n" END, 7);
	parsed_start(&p, slice_of(text));
	do {
		buffer_start(&out, 8192);
		mem_fail_at(++nth);
		is_written = sip_message_write(&p.message, NULL, &out);
		mem_fail_at(0);
		if (!is_written)
			assert_int_equal(buffer_length(&out), 0);
		buffer_stop(&out);
	} while (!is_written);
	assert_true(nth > 2);
	parsed_stop(&p);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_edit_has_its_effect),
		cmocka_unit_test(nul_in_an_edit_is_refused),
		cmocka_unit_test(edits_are_limited),
		cmocka_unit_test(trust_does_not_cross_in_any_spelling),
		cmocka_unit_test(what_is_ours_stands_though_theirs_is_stripped),
		cmocka_unit_test(signed_values_are_echoed_byte_for_byte),
		cmocka_unit_test(written_messages_parse_to_the_same_and_are_a_fixed_point),
		cmocka_unit_test(what_does_not_fit_leaves_nothing),
		cmocka_unit_test(hostile_values_do_not_leave),
#ifdef PARLEY_FAULTS
		cmocka_unit_test(a_failing_allocation_leaves_nothing),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
