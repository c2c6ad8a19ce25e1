/*
 * flaws: the classes of faults other SIP servers have had, one named test each,
 * and a grid of anomalies in every element of a message.
 */
#include "tests/unit/sip/sample.h"

#define START      "BYE sip:b@h.example SIP/2.0\r\n"
#define WITH(line) START line SAMPLE_TOP "CSeq: 1 BYE\r\n\r\n"

/* 1: scanners that trust a final LF run past the end when it is not there. */
static void a_scanner_does_not_need_a_final_lf(void **state)
{
	static const char *const ends[] = { "BYE",
		                            "BYE ",
		                            "BYE sip:",
		                            START,
		                            START "Via",
		                            START "Via:",
		                            START "Via: SIP/2.0/TLS h;x=\"",
		                            START "Subject: a\r",
		                            START "Subject: a\r\n",
		                            START "Subject: a\r\n ",
		                            START "\r",
		                            "SIP/2.0 200",
		                            "SIP/2.0 ",
		                            "S",
		                            "\r",
		                            "\"",
		                            "<",
		                            "[",
		                            "%",
		                            ";",
		                            "\\" };

	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		struct guard guard = guard_copy(slice_of(ends[i]));
		struct sip_framer framer = { .body_max = 1 };
		struct sip_fault fault;
		struct sip_address address;
		struct sip_uri uri;
		struct sip_via via;
		size_t length;

		assert_int_not_equal(sample_verdict(guard.bytes), 0);
		assert_int_not_equal(sip_framer_next(&framer, guard.bytes, &length, &fault),
		                     SIP_FRAME_MESSAGE);
		(void)sip_address_parse(guard.bytes, &address, &fault);
		(void)sip_uri_parse(guard.bytes, &uri, &fault);
		(void)sip_via_parse(guard.bytes, &via, &fault);
		guard_free(&guard);
	}
}

/* 2, 10: parts of a refused message that keep what was in memory before, and reach a reply. */
static void nothing_uninitialised_is_left_or_leaves(void **state)
{
	struct slice text = SLICE("BYE sip:b@h SIP/2.0\r\nVia: SIP/2.0/ ;branch=z9hG4bK1\r\nFrom: "
	                          "<sip:\r\nTo: \"\r\nCall-ID: x\r\nCSeq: x\r\n"
	                          "Expires: x\r\nContact:\r\n\r\n");
	char replies[2][512];

	(void)state;
	for (int pattern = 0; pattern < 2; pattern++) {
		struct sip_message m;
		struct arena arena;
		struct sip_fault fault;
		struct buffer out;

		memset(&m, pattern ? 0xaa : 0x55, sizeof m);
		memset(&fault, pattern ? 0xaa : 0x55, sizeof fault);
		arena_start(&arena, 8192);
		buffer_start(&out, 512);
		assert_int_equal(sip_message_parse(text, &arena, &m, &fault), SIP_PARSE_BAD);
		assert_null(m.via.host.ptr);
		assert_null(m.via.branch.ptr);
		assert_null(m.from.all.ptr);
		assert_null(m.to.tag.ptr);
		assert_int_equal(m.cseq.number, 0);
		assert_int_equal(m.expires, UINT32_MAX);
		assert_int_equal(m.max_forwards, 255);
		assert_true(sip_reply_write(&m, fault.status, SLICE_NONE, SLICE("t"), SLICE_NONE, &out));
		assert_true(slice_to_text(buffer_slice(&out), replies[pattern], sizeof replies[pattern]));
		buffer_stop(&out);
		arena_stop(&arena);
	}
	assert_string_equal(replies[0], replies[1]);
}

/* 3: a rewritten URI copied with the length of the old one. */
static void a_new_target_has_its_own_length(void **state)
{
	static const char *const targets[] = {
		"sip:x", "sip:a-user-with-a-long-name@a.host.with.a.long.name.example:50611;transport=tls;lr"
	};

	(void)state;
	for (size_t i = 0; i < COUNT(targets); i++) {
		struct parsed p, again;
		struct sip_edits edits = { 0 };
		struct buffer out;

		parsed_start(&p, SLICE(WITH("")));
		buffer_start(&out, 4096);
		sip_edit_add(&edits, SIP_EDIT_TARGET, SIP_HEADER_OTHER, slice_of(targets[i]));
		assert_true(sip_message_write(&p.message, &edits, &out));
		parsed_start(&again, buffer_slice(&out));
		assert_int_equal(again.answer, SIP_PARSE_OK);
		assert_slice(again.message.target, targets[i]);
		parsed_stop(&again);
		buffer_stop(&out);
		parsed_stop(&p);
	}
}

/* 4: a parameter scanner that looks one byte behind a name at the end. */
static void a_parameter_may_end_the_bytes(void **state)
{
	static const char *const texts[] = { "tag",    ";tag",     "a;tag",     "tag=",
		                             "tag=\"", "tag=\"\\", "a=b;tag=1", "a=\"x\";tag",
		                             "ta",     "t",        "=",         ";" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct guard guard = guard_copy(slice_of(texts[i]));
		struct slice value;

		assert_int_equal(sip_param(guard.bytes, SLICE("tag"), &value),
		                 strstr(texts[i], "tag") != NULL);
		guard_free(&guard);
	}
}

/* 5: error texts that print the sender's bytes, without their end. */
static void a_reason_is_a_constant_and_not_the_senders_bytes(void **state)
{
	static const char *const texts[] = { WITH("Subject hi\r\n"), WITH("From: <sip:x>\r\n"), "BYE",
		                             "BYE %s%n SIP/2.0\r\n\r\n", WITH("Expires: -1\r\n") };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct parsed p;

		parsed_start(&p, slice_of(texts[i]));
		assert_int_equal(p.answer, SIP_PARSE_BAD);
		assert_true(p.fault.why < p.guard.bytes.ptr ||
		            p.fault.why > p.guard.bytes.ptr + p.guard.bytes.len);
		for (const char *c = p.fault.why; *c; c++)
			assert_true(*c >= ' ' && *c <= '~');
		parsed_stop(&p);
	}
}

/* 6: error paths that keep memory, for ever repeatable. */
static void a_thousand_refused_messages_take_no_more_memory_than_one(void **state)
{
	struct arena arena;
	size_t used = 0;

	(void)state;
	arena_start(&arena, SIP_MESSAGE_ARENA_MAX);
	for (int i = 0; i < 1000; i++) {
		struct sip_message m;
		struct sip_fault fault;

		assert_int_equal(sip_message_parse(SLICE(WITH("Subject:\r\n a\r\n b\r\nExpires: x\r\n")),
		                                   &arena, &m, &fault),
		                 SIP_PARSE_BAD);
		if (i == 0)
			used = arena.used;
		assert_int_equal(arena.used, used);
		arena_reset(&arena);
	}
	arena_stop(&arena);
}

/* 7: lengths that are negative, huge or overflow, together with an odd Request-Line. */
static void no_length_wraps(void **state)
{
	static const char *const lengths[] = { "-1",
		                               "-2147483648",
		                               "2147483647",
		                               "2147483648",
		                               "4294967295",
		                               "4294967296",
		                               "9223372036854775807",
		                               "18446744073709551615",
		                               "18446744073709551616",
		                               "1e3",
		                               "0x10",
		                               " ",
		                               "1 1",
		                               "+1",
		                               "1,1",
		                               "99999999999999999999999999999999999999" };
	static const char *const lines[] = { "INVITE sip:a SIP/2.0", "INVITE", "X  Y",
		                             "INVITE sip:a SIP/2.0 " };

	(void)state;
	for (size_t i = 0; i < COUNT(lengths) * COUNT(lines); i++) {
		char text[256];
		struct sip_framer framer = { .body_max = SIP_BODY_MAX };
		struct sip_fault fault;
		size_t length;
		struct guard guard;

		snprintf(text, sizeof text, "%s\r\nContent-Length: %s\r\n\r\nbody", lines[i % COUNT(lines)],
		         lengths[i / COUNT(lines)]);
		guard = guard_copy(slice_of(text));
		assert_int_equal(sip_framer_next(&framer, guard.bytes, &length, &fault), SIP_FRAME_BROKEN);
		assert_true(length <= guard.bytes.len);
		assert_int_not_equal(sample_verdict(guard.bytes), 0);
		guard_free(&guard);
	}
}

/* 8: numbers longer than their type. */
static void no_number_wraps(void **state)
{
	static const char *const lines[] = {
		"Expires: 4294967296\r\n",
		"Expires: 18446744073709551616\r\n",
		"Expires: -1\r\n",
		"v: SIP/2.0/TLS h:65537\r\n",
		"v: SIP/2.0/TLS h:4294972357\r\n",
		"Contact: <sip:h:65537>\r\n",
		"Route: <sip:h:18446744073709556677;lr>\r\n",
	};
	static const char *const cseqs[] = { "2147483648 BYE", "4294967297 BYE", "18446744073709551617 BYE",
		                             "-1 BYE" };

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		char text[1024];

		snprintf(text, sizeof text, "%s%s%sCSeq: 1 BYE\r\n\r\n", START, lines[i], SAMPLE_TOP);
		assert_int_equal(sample_verdict(slice_of(text)), 400);
	}
	for (size_t i = 0; i < COUNT(cseqs); i++) {
		char text[1024];

		snprintf(text, sizeof text, "%s%sCSeq: %s\r\n\r\n", START, SAMPLE_TOP, cseqs[i]);
		assert_int_equal(sample_verdict(slice_of(text)), 400);
	}
}

/* 9: of two the first counts here and the last there. */
static void what_stands_once_never_stands_twice(void **state)
{
	(void)state;
	for (unsigned id = 1; id < SIP_HEADER_ID_COUNT; id++) {
		const struct sip_header_row *row = sip_header_row((enum sip_header_id)id);
		char text[1024];

		if (!(row->flags & SIP_SINGLE))
			continue;
		for (int is_compact = 0; is_compact < (row->compact ? 2 : 1); is_compact++) {
			snprintf(text, sizeof text, "%s%s: 0\r\n%.*s: 0\r\n%sCSeq: 1 BYE\r\n\r\n", START,
			         row->name, is_compact ? 1 : 64,
			         is_compact ? (char[]){ row->compact, 0 } : row->name, SAMPLE_TOP);
			assert_int_equal(sample_verdict(slice_of(text)), 400);
		}
	}
	assert_int_equal(sample_verdict(SLICE("BYE sip:b@h SIP/2.0\r\nVia: SIP/2.0/TLS h\r\nFrom: "
	                                      "<sip:a>;tag=1;tag=2\r\nTo: <sip:b>\r\n"
	                                      "Call-ID: x\r\nCSeq: 1 BYE\r\n\r\n")),
	                 400);
	assert_int_equal(sample_verdict(SLICE("BYE sip:b@h SIP/2.0\r\nVia: SIP/2.0/TLS "
	                                      "h;branch=z9hG4bK1;branch=z9hG4bK2\r\nFrom: <sip:a>\r\n"
	                                      "To: <sip:b>\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n\r\n")),
	                 400);
}

/* 11: an end that stands before its start makes a huge length. */
static void an_end_before_its_start_is_refused(void **state)
{
	static const char *const texts[] = { ">sip:a<",     "]::1[",       "sip:]::1[",
		                             "sip:a@]::1[", "<sip:[::1>]", "\"a> <sip:b",
		                             "<sip:a@[>",   ";@",          "\"\\\"<>" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct guard guard = guard_copy(slice_of(texts[i]));
		struct sip_address address;
		struct sip_uri uri;

		assert_int_equal(sip_address_parse(guard.bytes, &address, NULL), SIP_PARSE_BAD);
		assert_int_equal(sip_uri_parse(guard.bytes, &uri, NULL), SIP_PARSE_BAD);
		guard_free(&guard);
	}
}

/* 12: N places for instances of a header, and N+1 come. */
static void no_header_is_too_many_for_its_array(void **state)
{
	static char text[20000];

	(void)state;
	for (unsigned id = 0; id < SIP_HEADER_ID_COUNT; id++) {
		const char *name = id ? sip_header_row((enum sip_header_id)id)->name : "X-Other";
		size_t length = (size_t)snprintf(text, sizeof text, START SAMPLE_TOP "CSeq: 1 BYE\r\n");

		for (unsigned i = 0; i <= SIP_HEADERS_MAX; i++)
			length += (size_t)snprintf(text + length, sizeof text - length, "%s: 1, 2, 3\r\n",
			                           name);
		length += (size_t)snprintf(text + length, sizeof text - length, "\r\n");
		assert_int_equal(sample_verdict((struct slice){ text, length }), 400);
	}
}

/* 13: a CSeq method copied into a buffer of fixed size. */
static void a_long_method_is_compared_and_not_copied(void **state)
{
	char text[4096];

	(void)state;
	for (int size = 31; size < 1500; size += size < 34 ? 1 : 99) {
		snprintf(text, sizeof text, "%0*d sip:b@h SIP/2.0\r\n%sCSeq: 1 %0*d\r\n\r\n", size, 7,
		         SAMPLE_TOP, size, 7);
		assert_int_equal(sample_verdict(slice_of(text)), 0);
		snprintf(text, sizeof text, "%0*d sip:b@h SIP/2.0\r\n%sCSeq: 1 %0*d\r\n\r\n", size, 7,
		         SAMPLE_TOP, size + 1, 7);
		assert_int_equal(sample_verdict(slice_of(text)), 400);
	}
}

/* 14: names that one hop takes for a header and the next does not. */
static void a_name_with_anything_but_blanks_behind_it_is_refused(void **state)
{
	(void)state;
	for (int c = 1; c < 256; c++) {
		char text[1024];
		bool is_blank = c == ' ' || c == '\t', is_colon = c == ':';
		bool is_token = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		                strchr("-.!%*_+`'~", c) != NULL;

		snprintf(text, sizeof text, "%sP-Asserted-Identity%c: <sip:x>\r\n%sCSeq: 1 BYE\r\n\r\n",
		         START, c, SAMPLE_TOP);
		assert_int_equal(sample_verdict(slice_of(text)), is_blank || is_colon || is_token ? 0 : 400);
	}
}

/* 18: parts that are legal, or nearly, and empty. */
static void empty_parts_are_read_as_empty_or_refused(void **state)
{
	static const struct {
		const char *line;
		int status;
	} rows[] = {
		{ "Subject:\r\n", 0 },
		{ "Supported: \t \r\n", 0 },
		{ "Supported:\r\n \r\n", 0 },
		{ "Allow: ,\r\n", 0 },
		{ "Contact:\r\n", 0 },
		{ "Contact: ,\r\n", 400 },
		{ "Contact: <>\r\n", 400 },
		{ "Contact: \"\"\r\n", 400 },
		{ "Contact: \"\" <sip:h>\r\n", 0 },
		{ "Contact: <sip:>\r\n", 400 },
		{ "Contact: <sip:@>\r\n", 400 },
		{ "Contact: <sip:/>\r\n", 400 },
		{ "Contact: sip:\r\n", 400 },
		{ "Route: <sip:;lr>\r\n", 400 },
		{ "v:\r\n", 0 },
		{ "Contact: <sip:h>;\r\n", 400 },
		{ "Contact: <sip:h>;=\r\n", 400 },
		{ "Contact: <sip:h>;a=\"\"\r\n", 0 },
		{ "Expires:\r\n", 400 },
		{ ":\r\n", 400 },
		{ " \r\n", 400 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[1024];

		snprintf(text, sizeof text, "%s%sCSeq: 1 BYE\r\n%s\r\n", START, SAMPLE_TOP, rows[i].line);
		/* The line of a blank alone continues CSeq: nothing but a fold. */
		int status = rows[i].line[0] == ' ' ? 0 : rows[i].status;
		if (sample_verdict(slice_of(text)) != status)
			fail_msg("%s", rows[i].line);
	}
}

/* ---- every element with every anomaly: refused, or it survives being written ---- */

static void assert_refused_or_survives(struct slice text)
{
	struct parsed p, again;
	struct buffer out;

	parsed_start(&p, text);
	if (p.answer == SIP_PARSE_OK) {
		buffer_start(&out, 256 * 1024);
		assert_true(sip_message_write(&p.message, NULL, &out));
		parsed_start(&again, buffer_slice(&out));
		if (again.answer != SIP_PARSE_OK)
			fail_msg("%s in %.*s", again.fault.why, SLICE_ARG(buffer_slice(&out)));
		assert_true(slice_equal(p.message.from.uri.all, again.message.from.uri.all));
		assert_true(slice_equal(p.message.call_id, again.message.call_id));
		assert_true(slice_equal(p.message.target, again.message.target));
		parsed_stop(&again);
		buffer_stop(&out);
	}
	parsed_stop(&p);
	(void)sample_verdict(text);
}

static void every_anomaly_in_every_element_is_refused_or_survives(void **state)
{
	static const char *const parts[] = { "BYE",
		                             " ",
		                             "sip:b@h.example",
		                             " ",
		                             "SIP/2.0",
		                             "\r\n",
		                             "Via",
		                             ":",
		                             " SIP",
		                             "/",
		                             "2.0",
		                             "/",
		                             "TLS",
		                             " ",
		                             "h.example",
		                             ":",
		                             "5061",
		                             ";",
		                             "branch",
		                             "=",
		                             "z9hG4bK1",
		                             "\r\n",
		                             "From: ",
		                             "\"A\"",
		                             " ",
		                             "<",
		                             "sip:",
		                             "a",
		                             "@",
		                             "[2001:db8::1]",
		                             ":5061",
		                             ";lr",
		                             "?h=v",
		                             ">",
		                             ";",
		                             "tag",
		                             "=",
		                             "1",
		                             "\r\n",
		                             "To: <sip:b@",
		                             "192.0.2.1",
		                             ">\r\nCall-ID: ",
		                             "x@y",
		                             "\r\nCSeq: ",
		                             "7",
		                             " ",
		                             "BYE",
		                             "\r\nMax-Forwards: ",
		                             "70",
		                             "\r\nContact: ",
		                             "<sip:c@d>",
		                             ",",
		                             "*",
		                             "\r\nRoute: ",
		                             "<sip:r;lr>",
		                             "\r\nContent-Length: ",
		                             "0",
		                             "\r\n",
		                             "\r\n",
		                             "" };
	static const char *const anomalies[] = {
		"",
		" ",
		"  ",
		"\t",
		"\r\n ",
		"\r\n\t",
		"\n",
		"\r",
		"\r\n",
		"\r\n\r\n",
		"\x01",
		"\x7f",
		"\x80",
		"\xff",
		"\xc0\x80",
		"\xed\xa0\x80",
		"%s%n%x",
		"%00",
		"%",
		"%4",
		"%zz",
		"\"",
		"\\",
		"\\\"",
		"\"\"",
		"<",
		">",
		"<>",
		"[",
		"]",
		"[]",
		"(",
		")",
		",",
		",,",
		";",
		";;",
		":",
		"::",
		"=",
		"==",
		"@",
		"@@",
		"?",
		"/",
		"//",
		"..",
		"*",
		"-1",
		"0",
		"4294967296",
		"18446744073709551616",
		"0x1",
		"256.256.256.256",
		"[::ffff:256.1.1.1]",
		"[1:2:3:4:5:6:7:8:9]",
		"sip:",
		"SIP/2.0",
	};
	static char text[8192 + 4096];

	(void)state;
	for (size_t element = 0; element < COUNT(parts); element++) {
		for (size_t anomaly = 0; anomaly < COUNT(anomalies) + 6; anomaly++) {
			for (int is_added = 0; is_added < 2; is_added++) {
				size_t length = 0;

				for (size_t i = 0; i < COUNT(parts); i++) {
					if (i != element || is_added)
						length += (size_t)snprintf(
						        text + length, sizeof text - length, "%s", parts[i]);
					if (i != element)
						continue;
					if (anomaly < COUNT(anomalies))
						length += (size_t)snprintf(text + length,
						                           sizeof text - length, "%s",
						                           anomalies[anomaly]);
					else
						length += (size_t)snprintf(
						        text + length, sizeof text - length, "%0*d",
						        1 << (2 * (anomaly - COUNT(anomalies)) + 3), 7);
				}
				assert_refused_or_survives((struct slice){ text, length });
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scanner_does_not_need_a_final_lf),
		cmocka_unit_test(nothing_uninitialised_is_left_or_leaves),
		cmocka_unit_test(a_new_target_has_its_own_length),
		cmocka_unit_test(a_parameter_may_end_the_bytes),
		cmocka_unit_test(a_reason_is_a_constant_and_not_the_senders_bytes),
		cmocka_unit_test(a_thousand_refused_messages_take_no_more_memory_than_one),
		cmocka_unit_test(no_length_wraps),
		cmocka_unit_test(no_number_wraps),
		cmocka_unit_test(what_stands_once_never_stands_twice),
		cmocka_unit_test(an_end_before_its_start_is_refused),
		cmocka_unit_test(no_header_is_too_many_for_its_array),
		cmocka_unit_test(a_long_method_is_compared_and_not_copied),
		cmocka_unit_test(a_name_with_anything_but_blanks_behind_it_is_refused),
		cmocka_unit_test(empty_parts_are_read_as_empty_or_refused),
		cmocka_unit_test(every_anomaly_in_every_element_is_refused_or_survives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
