/* framer: where messages end, however they arrive; what could be read in two ways breaks. */
#include "tests/unit/sip/sample.h"

enum { BODY_MAX = 1000, EVENTS_MAX = 64 };
#define NONE SIZE_MAX

/* What came out of a stream: kinds, lengths, and the fault at its end. */
struct events {
	struct {
		enum sip_frame kind;
		size_t length;
	} list[EVENTS_MAX];
	size_t count;
	struct sip_fault fault;
};

/* Feeds `stream` in pieces that end at the offsets in `cuts` (the last is the whole); stops when it breaks. */
static struct events feed(struct slice stream, const size_t *cuts, size_t cut_count)
{
	struct sip_framer framer = { .body_max = BODY_MAX };
	struct events events = { 0 };
	size_t consumed = 0;

	for (size_t i = 0; i < cut_count; i++) {
		for (;;) {
			/* What has arrived ends at an unreadable page. */
			struct guard guard = guard_copy(slice_after(slice_first(stream, cuts[i]), consumed));
			size_t length = 77;
			enum sip_frame kind = sip_framer_next(&framer, guard.bytes, &length, &events.fault);

			assert_true(length <= guard.bytes.len);
			guard_free(&guard);
			if (kind == SIP_FRAME_MORE) {
				assert_int_equal(length, 0);
				break;
			}
			assert_true(events.count < EVENTS_MAX);
			events.list[events.count].kind = kind;
			events.list[events.count++].length = length;
			if (kind == SIP_FRAME_BROKEN || kind == SIP_FRAME_TOO_LARGE)
				return events;
			assert_true(length > 0);
			consumed += length;
		}
	}
	return events;
}

static struct events feed_whole(struct slice stream) { return feed(stream, &stream.len, 1); }

static void assert_same(const struct events *a, const struct events *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_int_equal(a->list[i].kind, b->list[i].kind);
		assert_int_equal(a->list[i].length, b->list[i].length);
	}
	assert_int_equal(a->fault.status, b->fault.status);
	assert_int_equal(a->fault.offset, b->fault.offset);
}

/* Every cut in two, every byte alone, and every cut in three a few bytes apart. */
static void assert_chunk_invariant(struct slice stream)
{
	struct events whole = feed_whole(stream), cut;
	size_t single[4096];

	assert_true(stream.len <= COUNT(single));
	for (size_t i = 0; i < stream.len; i++)
		single[i] = i + 1;
	cut = feed(stream, single, stream.len);
	assert_same(&whole, &cut);
	for (size_t at = 1; at < stream.len; at++) {
		cut = feed(stream, (size_t[]){ at, stream.len }, 2);
		assert_same(&whole, &cut);
		for (size_t step = 1; step < 6 && at + step < stream.len; step++) {
			cut = feed(stream, (size_t[]){ at, at + step, stream.len }, 3);
			assert_same(&whole, &cut);
		}
	}
}

#define HEAD       "OPTIONS sip:h.example SIP/2.0\r\n"
#define WITH(line) HEAD line "\r\n\r\n"

static const struct {
	const char *behaviour;
	struct slice bytes;
	enum sip_frame answer;
	size_t behind; /* bytes left behind the frame or the head; NONE: no length is given */
	int status;
} rows[] = {
	{ "waits_for_the_first_byte", SLICE(""), SIP_FRAME_MORE, NONE, 0 },
	{ "waits_for_the_empty_line", SLICE(HEAD "Content-Length: 0\r\n"), SIP_FRAME_MORE, NONE, 0 },
	{ "waits_for_the_last_lf", SLICE(HEAD "Content-Length: 0\r\n\r"), SIP_FRAME_MORE, NONE, 0 },
	{ "waits_for_the_body", SLICE(WITH("Content-Length: 5") "1234"), SIP_FRAME_MORE, NONE, 0 },
	{ "takes_a_message_without_body", SLICE(WITH("Content-Length: 0")), SIP_FRAME_MESSAGE, 0, 0 },
	{ "takes_the_body_along", SLICE(WITH("Content-Length: 5") "12345"), SIP_FRAME_MESSAGE, 0, 0 },
	{ "leaves_what_is_behind", SLICE(WITH("Content-Length: 5") "123456"), SIP_FRAME_MESSAGE, 1, 0 },
	{ "takes_the_compact_form", SLICE(WITH("l: 0")), SIP_FRAME_MESSAGE, 0, 0 },
	{ "takes_any_case", SLICE(WITH("CONTENT-length:0")), SIP_FRAME_MESSAGE, 0, 0 },
	{ "takes_blanks_before_the_colon", SLICE(WITH("Content-Length \t : 0  ")), SIP_FRAME_MESSAGE, 0, 0 },
	{ "takes_a_folded_length", SLICE(WITH("Content-Length:\r\n 5") "12345"), SIP_FRAME_MESSAGE, 0, 0 },
	{ "takes_a_fold_of_blanks_behind_it", SLICE(WITH("Content-Length: 0\r\n  ")), SIP_FRAME_MESSAGE, 0,
	  0 },
	{ "finds_no_length_in_a_folded_line", SLICE(WITH("Subject: x\r\n Content-Length: 9\r\nl: 0")),
	  SIP_FRAME_MESSAGE, 0, 0 },
	{ "finds_no_length_in_a_longer_name", SLICE(WITH("Content-Lengthy: 9\r\nl: 0")), SIP_FRAME_MESSAGE, 0,
	  0 },
	{ "takes_seven_digits", SLICE(WITH("Content-Length: 0000000")), SIP_FRAME_MESSAGE, 0, 0 },
	{ "takes_a_body_at_the_limit_as_awaited", SLICE(WITH("Content-Length: 1000")), SIP_FRAME_MORE, NONE,
	  0 },
	{ "refuses_a_body_over_the_limit_at_once", SLICE(WITH("Content-Length: 1001")), SIP_FRAME_TOO_LARGE,
	  0, 513 },
	{ "refuses_the_largest_of_seven_digits", SLICE(WITH("Content-Length: 9999999")), SIP_FRAME_TOO_LARGE,
	  0, 513 },
	{ "breaks_at_eight_digits", SLICE(WITH("Content-Length: 00000000")), SIP_FRAME_BROKEN, 0, 400 },
	{ "breaks_at_2_to_the_32", SLICE(WITH("Content-Length: 4294967296")), SIP_FRAME_BROKEN, 0, 400 },
	{ "breaks_at_2_to_the_64", SLICE(WITH("Content-Length: 18446744073709551616")), SIP_FRAME_BROKEN, 0,
	  400 },
	{ "breaks_without_a_length", SLICE(WITH("Subject: x")), SIP_FRAME_BROKEN, 0, 400 },
	{ "breaks_at_a_negative_length", SLICE(WITH("Content-Length: -5")), SIP_FRAME_BROKEN, 0, 400 },
	{ "breaks_at_a_sign", SLICE(WITH("Content-Length: +5")), SIP_FRAME_BROKEN, 0, 400 },
	{ "breaks_at_hex", SLICE(WITH("Content-Length: 0x5")), SIP_FRAME_BROKEN, 0, 400 },
	{ "breaks_at_an_empty_length", SLICE(WITH("Content-Length:")), SIP_FRAME_BROKEN, 0, 400 },
	{ "breaks_at_a_blank_inside", SLICE(WITH("Content-Length: 1 0")), SIP_FRAME_BROKEN, 0, 400 },
	{ "breaks_at_a_fold_inside", SLICE(WITH("Content-Length: 1\r\n 0")), SIP_FRAME_BROKEN, 0, 400 },
	{ "breaks_at_a_list", SLICE(WITH("Content-Length: 1, 1")), SIP_FRAME_BROKEN, 0, 400 },
	{ "breaks_at_two_lengths", SLICE(WITH("Content-Length: 5\r\nContent-Length: 7")), SIP_FRAME_BROKEN, 0,
	  400 },
	{ "breaks_at_two_equal_lengths", SLICE(WITH("Content-Length: 5\r\nl: 5")), SIP_FRAME_BROKEN, 0, 400 },
	{ "breaks_at_lf_in_the_start_line", SLICE("OPTIONS sip:h.example SIP/2.0\nl: 0\r\n\r\n"),
	  SIP_FRAME_BROKEN, NONE, 400 },
	{ "breaks_at_lf_in_a_header", SLICE(HEAD "Subject: x\nl: 0\r\n\r\n"), SIP_FRAME_BROKEN, NONE, 400 },
	{ "breaks_at_cr_in_a_header", SLICE(HEAD "Subject: x\rl: 0\r\n\r\n"), SIP_FRAME_BROKEN, NONE, 400 },
	{ "breaks_at_cr_cr_lf", SLICE(HEAD "l: 0\r\r\n\r\n"), SIP_FRAME_BROKEN, NONE, 400 },
	{ "breaks_at_lf_for_the_empty_line", SLICE(HEAD "l: 0\r\n\n"), SIP_FRAME_BROKEN, NONE, 400 },
	{ "breaks_at_nul_in_a_header", SLICE(HEAD "l: 0\0\r\n\r\n"), SIP_FRAME_BROKEN, NONE, 400 },
	{ "breaks_at_nul_in_the_start_line", SLICE("OPTIONS sip:\0 SIP/2.0\r\n\r\n"), SIP_FRAME_BROKEN, NONE,
	  400 },
	{ "breaks_at_a_folded_start_line", SLICE("OPTIONS sip:h.example SIP/2.0\r\n l: 0\r\n\r\n"),
	  SIP_FRAME_BROKEN, NONE, 400 },
	{ "leaves_other_controls_to_the_parser", SLICE(WITH("X: \x01\x7f\r\nl: 0")), SIP_FRAME_MESSAGE, 0,
	  0 },
	{ "leaves_nul_in_a_body_alone", SLICE(WITH("Content-Length: 3") "\0\r\n"), SIP_FRAME_MESSAGE, 0, 0 },
	{ "breaks_at_a_blank_first", SLICE(" OPTIONS"), SIP_FRAME_BROKEN, NONE, 400 },
	{ "breaks_at_lf_first", SLICE("\n"), SIP_FRAME_BROKEN, NONE, 400 },
	{ "breaks_at_cr_and_no_lf_first", SLICE("\rO"), SIP_FRAME_BROKEN, NONE, 400 },
	{ "breaks_at_xmpp", SLICE("<?xml version='1.0'?>"), SIP_FRAME_BROKEN, NONE, 400 },
	{ "breaks_at_tls_in_tls", SLICE("\x16\x03\x01\x02"), SIP_FRAME_BROKEN, NONE, 400 },
	{ "breaks_at_http_for_want_of_a_length", SLICE("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), SIP_FRAME_BROKEN,
	  0, 400 },
	{ "waits_for_the_second_half_of_a_crlf", SLICE("\r"), SIP_FRAME_MORE, NONE, 0 },
	{ "takes_a_crlf_as_pong", SLICE("\r\n"), SIP_FRAME_PONG, 0, 0 },
};

static void each_stream_gets_its_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct guard guard = guard_copy(rows[i].bytes);
		struct sip_framer framer = { .body_max = BODY_MAX };
		struct sip_fault fault = { 0 };
		size_t length = 77;
		enum sip_frame answer = sip_framer_next(&framer, guard.bytes, &length, &fault);

		print_message("framer %s\n", rows[i].behaviour);
		assert_int_equal(answer, rows[i].answer);
		assert_int_equal(length, rows[i].behind == NONE ? 0 : rows[i].bytes.len - rows[i].behind);
		assert_int_equal(fault.status, rows[i].status);
		assert_int_equal(fault.why != NULL, rows[i].status != 0);
		guard_free(&guard);
	}
}

static void every_stream_is_read_the_same_in_all_splits(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].bytes.len)
			assert_chunk_invariant(rows[i].bytes);
}

#define THREE                                                                                                \
	SAMPLE_MESSAGE("", "5", "hello")                                                                     \
	"\r\n\r\n" SAMPLE_EMPTY("BYE", "Subject: a\r\n\tfold\r\n") "\r\n" SAMPLE_RESPONSE("200 OK", "")

static void three_messages_are_read_the_same_in_all_splits(void **state)
{
	struct slice stream = SLICE(THREE);
	struct events events = feed_whole(stream);
	static const enum sip_frame wanted[] = { SIP_FRAME_MESSAGE, SIP_FRAME_PONG, SIP_FRAME_PING,
		                                 SIP_FRAME_MESSAGE, SIP_FRAME_PONG, SIP_FRAME_MESSAGE };

	(void)state;
	assert_int_equal(events.count, COUNT(wanted));
	for (size_t i = 0; i < COUNT(wanted); i++)
		assert_int_equal(events.list[i].kind, wanted[i]);
	assert_chunk_invariant(stream);
}

static void pipelined_messages_equal_single_ones(void **state)
{
	static const char *const parts[] = { SAMPLE_MESSAGE("", "5", "hello"),
		                             SAMPLE_EMPTY("BYE", ""),
		                             "\r\n",
		                             "\r\n",
		                             SAMPLE_RESPONSE("200 OK", ""),
		                             SAMPLE_EMPTY("OPTIONS", "Subject: x\r\n y\r\n") };
	char stream[4096];
	size_t cuts[COUNT(parts)], length = 0;
	struct events together, apart;

	(void)state;
	for (size_t i = 0; i < COUNT(parts); i++) {
		memcpy(stream + length, parts[i], strlen(parts[i]));
		length += strlen(parts[i]);
		cuts[i] = length;
	}
	together = feed_whole((struct slice){ stream, length });
	apart = feed((struct slice){ stream, length }, cuts, COUNT(cuts));
	assert_int_equal(together.count, COUNT(parts));
	assert_same(&together, &apart);
}

/* A ping is answered once however its four bytes come; more CRLFs are more pings, never a break. */
static void pings_are_counted_by_pairs(void **state)
{
	struct events events = feed_whole(SLICE("\r\n\r\n\r\n\r\n\r\n"));
	static const enum sip_frame wanted[] = { SIP_FRAME_PONG, SIP_FRAME_PING, SIP_FRAME_PONG,
		                                 SIP_FRAME_PING, SIP_FRAME_PONG };

	(void)state;
	assert_int_equal(events.count, COUNT(wanted));
	for (size_t i = 0; i < COUNT(wanted); i++) {
		assert_int_equal(events.list[i].kind, wanted[i]);
		assert_int_equal(events.list[i].length, 2);
	}
	/* A message between two CRLFs parts them. */
	events = feed_whole(SLICE("\r\n" SAMPLE_EMPTY("BYE", "") "\r\n"));
	assert_int_equal(events.count, 3);
	assert_int_equal(events.list[2].kind, SIP_FRAME_PONG);
}

/* Fills up to exactly `size` bytes of head. */
static size_t head_of(char *to, size_t start_line, size_t size)
{
	size_t length = (size_t)snprintf(to, start_line + 1, "OPTIONS sip:");

	memset(to + length, 'a', start_line - length);
	memcpy(to + start_line - 8, " SIP/2.0", 8);
	length = start_line;
	memcpy(to + length, "\r\nl: 0\r\nX: ", 11);
	length += 11;
	if (size > length + 4) {
		memset(to + length, 'b', size - length - 4);
		length = size - 4;
	}
	memcpy(to + length, "\r\n\r\n", 4);
	return length + 4;
}

static void limits_hold_at_n_and_not_at_n_plus_1(void **state)
{
	static char head[SIP_HEADER_SECTION_MAX + 16];
	struct events events;
	size_t length;

	(void)state;
	length = head_of(head, SIP_START_LINE_MAX, 0);
	events = feed_whole((struct slice){ head, length });
	assert_int_equal(events.list[0].kind, SIP_FRAME_MESSAGE);
	length = head_of(head, SIP_START_LINE_MAX + 1, 0);
	events = feed_whole((struct slice){ head, length });
	assert_int_equal(events.list[0].kind, SIP_FRAME_BROKEN);
	assert_int_equal(events.fault.status, 414);

	length = head_of(head, 40, SIP_HEADER_SECTION_MAX);
	assert_int_equal(length, SIP_HEADER_SECTION_MAX);
	events = feed_whole((struct slice){ head, length });
	assert_int_equal(events.list[0].kind, SIP_FRAME_MESSAGE);
	for (size_t over = 1; over < 5; over++) {
		length = head_of(head, 40, SIP_HEADER_SECTION_MAX + over);
		events = feed_whole((struct slice){ head, length });
		assert_int_equal(events.list[0].kind, SIP_FRAME_BROKEN);
		assert_int_equal(events.fault.status, 513);
		assert_int_equal(events.list[0].length, 0);
		/* The verdict falls the same wherever the last bytes are cut. */
		for (size_t cut = length - 6; cut < length; cut++) {
			struct events pieces = feed((struct slice){ head, length }, (size_t[]){ cut, length },
			                            2);

			assert_same(&events, &pieces);
		}
	}
}

/* TLS-11: whatever is missing at the end has no effect. */
static void a_stream_cut_anywhere_gives_only_whole_messages(void **state)
{
	struct slice stream = SLICE(THREE);
	struct events whole = feed_whole(stream);

	(void)state;
	for (size_t cut = 0; cut < stream.len; cut++) {
		struct events part = feed_whole(slice_first(stream, cut));
		size_t length = 0;

		for (size_t i = 0; i < part.count; i++) {
			assert_int_equal(part.list[i].kind, whole.list[i].kind);
			assert_int_equal(part.list[i].length, whole.list[i].length);
			length += part.list[i].length;
		}
		assert_true(length <= cut);
	}
}

/* A whole head is scanned once: the framer never looks back further than one line. */
static void one_byte_at_a_time_costs_linear_work(void **state)
{
	static char head[SIP_HEADER_SECTION_MAX];
	size_t length = head_of(head, 40, sizeof head), frame;
	struct sip_framer framer = { .body_max = BODY_MAX };
	struct sip_fault fault;

	(void)state;
	for (size_t i = 1; i < length; i++) {
		assert_int_equal(sip_framer_next(&framer, (struct slice){ head, i }, &frame, &fault),
		                 SIP_FRAME_MORE);
		assert_true(framer.scanned + 4 > i);
	}
	assert_int_equal(sip_framer_next(&framer, (struct slice){ head, length }, &frame, &fault),
	                 SIP_FRAME_MESSAGE);
}

static void an_answer_can_be_made_from_a_broken_head(void **state)
{
	struct slice stream = SLICE("MESSAGE sip:bob@contoso.example SIP/2.0\r\n" SAMPLE_TOP
	                            "CSeq: 1 MESSAGE\r\nContent-Length: 100000\r\n\r\nabc");
	struct sip_framer framer = { .body_max = BODY_MAX };
	struct sip_fault fault;
	struct parsed p;
	struct buffer out;
	size_t length;

	(void)state;
	assert_int_equal(sip_framer_next(&framer, stream, &length, &fault), SIP_FRAME_TOO_LARGE);
	parsed_start(&p, slice_first(stream, length));
	buffer_start(&out, 4096);
	assert_true(sip_reply_write(&p.message, fault.status, SLICE_NONE, SLICE("t"),
	                            SLICE("Connection: close\r\n"), &out));
	assert_true(slice_starts(buffer_slice(&out), SLICE("SIP/2.0 513 Message Too Large\r\nVia: ")));
	buffer_stop(&out);
	parsed_stop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_stream_gets_its_answer),
		cmocka_unit_test(every_stream_is_read_the_same_in_all_splits),
		cmocka_unit_test(three_messages_are_read_the_same_in_all_splits),
		cmocka_unit_test(pipelined_messages_equal_single_ones),
		cmocka_unit_test(pings_are_counted_by_pairs),
		cmocka_unit_test(limits_hold_at_n_and_not_at_n_plus_1),
		cmocka_unit_test(a_stream_cut_anywhere_gives_only_whole_messages),
		cmocka_unit_test(one_byte_at_a_time_costs_linear_work),
		cmocka_unit_test(an_answer_can_be_made_from_a_broken_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
