/* Two stream machines talk; one machine is talked to by somebody who should not be believed. */
#include "daemon/xmpp/dialback.h"
#include "tests/unit/xmpp/sides.h"

/* ---- two sides that mean well, under each row's terms ---- */

static const struct {
	const char *behaviour;
	struct xmpp_terms initiating, receiving;
	bool knows_client, knows_server; /* certificates name the other's domain */
	bool bidi, acks;
	const char *initiating_log, *receiving_log;
} meetings[] = {
	{ "proves_by_sasl", NORMAL, NORMAL, true, true, false, false,
	  "start-tls|pair a.example b.example ready none sasl|ready",
	  "start-tls|pair b.example a.example none ready sasl" },
	{ "proves_by_sasl_strictly", STRICT, STRICT, true, true, false, false,
	  "start-tls|pair a.example b.example ready none sasl|ready",
	  "start-tls|pair b.example a.example none ready sasl" },
	{ "counts_stanzas", NORMAL, NORMAL, true, true, false, true,
	  "start-tls|pair a.example b.example ready none sasl|ready",
	  "start-tls|pair b.example a.example none ready sasl" },
	{ "goes_both_ways", NORMAL, NORMAL, true, true, true, false,
	  "start-tls|pair a.example b.example ready ready sasl|ready",
	  "start-tls|pair b.example a.example ready ready sasl" },
	{ "asks_the_authoritative_server", NORMAL, NORMAL, false, true, false, false, "start-tls|ready",
	  "start-tls|verify b.example a.example 64" },
	{ "needs_no_question_with_a_certificate", NO_SASL, NORMAL, true, true, false, false,
	  "start-tls|ready|pair a.example b.example ready none dialback",
	  "start-tls|pair b.example a.example none ready certificate" },
	{ "goes_on_without_proof_of_the_server_where_dialback_may", NORMAL, NORMAL, true, false, false, false,
	  "start-tls|pair a.example b.example ready none dns|ready",
	  "start-tls|pair b.example a.example none ready sasl" },
	{ "hangs_up_on_a_wrong_certificate", STRICT, NORMAL, true, false, false, false,
	  "start-tls|pair a.example b.example refused none none: the partner's certificate does not name its "
	  "domain",
	  "start-tls" },
	{ "hangs_up_when_no_sasl_is_offered", STRICT, NORMAL, false, true, false, false,
	  "start-tls|pair a.example b.example refused none none: the partner does not accept our certificate "
	  "(no SASL EXTERNAL "
	  "offered)",
	  "start-tls" },
	{ "speaks_in_the_clear", CLEAR, CLEAR, false, false, false, false, "ready",
	  "verify b.example a.example 64" },
	{ "takes_tls_where_it_is_offered", LEGACY, LEGACY, true, true, false, false,
	  "start-tls|pair a.example b.example ready none sasl|ready",
	  "start-tls|pair b.example a.example none ready sasl" },
	{ "does_without_tls_where_it_may", LEGACY, CLEAR, true, true, false, false, "ready",
	  "verify b.example a.example 64" },
	{ "hangs_up_when_no_tls_is_offered", NORMAL, CLEAR, true, true, false, false,
	  "pair a.example b.example refused none none: the partner offers no TLS, which its row requires",
	  "" },
	{ "hangs_up_when_tls_is_required", CLEAR, NORMAL, true, true, false, false,
	  "pair a.example b.example refused none none: the partner requires TLS, which its row forbids", "" },
	{ "hangs_up_when_dialback_is_off_there", NO_SASL, STRICT, false, true, false, false,
	  "start-tls|pair a.example b.example refused none none: the partner offers neither SASL EXTERNAL "
	  "nor dialback",
	  "start-tls" },
};

static void meet(size_t row, size_t step, struct side *a, struct side *b, struct xmpp_parser *parser)
{
	*a = (struct side){ .ours = { "a.example" },
		            .partners = { "b.example" },
		            .terms = meetings[row].initiating };
	*b = (struct side){ .ours = { "b.example" },
		            .partners = { "a.example" },
		            .terms = meetings[row].receiving };
	if (meetings[row].knows_server)
		a->proved[0] = "b.example";
	if (meetings[row].knows_client)
		b->proved[0] = "a.example";

	struct xmpp_stream_settings of_a = side_settings(a, XMPP_INITIATING),
	                            of_b = side_settings(b, XMPP_RECEIVING);

	of_a.offers_bidi = of_b.offers_bidi = meetings[row].bidi;
	of_a.offers_acks = of_b.offers_acks = meetings[row].acks;
	side_start(a, &of_a, parser);
	side_start(b, &of_b, parser);
	sides_talk(a, b, step);
}

static void meets_by_each_row(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();

	(void)state;
	for (size_t i = 0; i < COUNT(meetings); i++)
		for (size_t step = 0; step < 4; step++) { /* whole, and in pieces of one, two, three bytes */
			struct side a, b;

			meet(i, step, &a, &b, parser);
			if (strcmp(a.log, meetings[i].initiating_log) != 0 ||
			    strcmp(b.log, meetings[i].receiving_log) != 0)
				fail_msg("%s (%zu):\n  %s\n  %s\n  %s", meetings[i].behaviour, step, a.log,
				         b.log, xmpp_stream_end(b.stream)->words);
			side_stop(&a);
			side_stop(&b);
		}
	xmpp_parser_free(&parser);
}

static size_t row_of(const char *behaviour)
{
	for (size_t i = 0; i < COUNT(meetings); i++)
		if (strcmp(meetings[i].behaviour, behaviour) == 0)
			return i;
	fail_msg("no row %s", behaviour);
	return 0;
}

/* What rests on the peer's certificate rests on it for as long as the stream lives; what does not, does not. */
static void a_proof_by_certificate_ends_with_it(void **state)
{
	static const struct {
		const char *meeting;
		bool is_initiating, holds; /* without the certificate */
	} rows[] = {
		{ "proves_by_sasl", true, false },
		{ "proves_by_sasl", false, false },
		{ "needs_no_question_with_a_certificate", false, false },
		{ "needs_no_question_with_a_certificate", true, true }, /* our key was believed */
		{ "goes_on_without_proof_of_the_server_where_dialback_may", true, true },
		{ "asks_the_authoritative_server", false, true },
	};
	struct xmpp_parser *parser = xmpp_parser_new();

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct side a, b, *side = rows[i].is_initiating ? &a : &b;

		meet(row_of(rows[i].meeting), 0, &a, &b, parser);
		xmpp_stream_verified(b.stream, SLICE("b.example"), SLICE("a.example"), slice_of(b.asked_for),
		                     XMPP_KEY_VALID, XMPP_UNDEFINED_CONDITION);
		assert_true(xmpp_stream_is_still_proved(side->stream));
		side->proved[0] = NULL;
		assert_int_equal(xmpp_stream_is_still_proved(side->stream), rows[i].holds);
		side_stop(&a);
		side_stop(&b);
	}
	xmpp_parser_free(&parser);
}

/* ---- stanzas ---- */

static void sends_and_acknowledges(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	struct arena arena;
	struct xmpp_builder builder = { .arena = &arena };
	struct side a, b;
	const struct xmpp_element *m;

	(void)state;
	arena_start(&arena, 65536);
	meet(row_of("counts_stanzas"), 0, &a, &b, parser);
	a.logged = b.logged = 0;
	m = side_message(&builder, "u@a.example", "v@b.example");
	for (int i = 0; i < 3; i++)
		assert_int_equal(xmpp_stream_send(a.stream, SLICE("a.example"), SLICE("b.example"), m),
		                 RESULT_OK);
	xmpp_stream_flush(a.stream);
	sides_talk(&a, &b, 0);
	assert_string_equal(b.log,
	                    "message u@a.example to v@b.example #1|message u@a.example to v@b.example #2|"
	                    "message u@a.example to v@b.example #3");
	assert_int_equal(a.logged, 0); /* nothing has been handled */
	assert_int_equal(xmpp_stream_counts(a.stream).unacknowledged, 3);
	assert_int_equal(xmpp_stream_counts(b.stream).unhandled, 3);
	xmpp_stream_handled(b.stream, 3); /* out of order: the first is still open */
	xmpp_stream_handled(b.stream, 2);
	sides_talk(&a, &b, 0);
	assert_int_equal(a.logged, 0);
	xmpp_stream_handled(b.stream, 1); /* now all are, and who asked too early is told */
	sides_talk(&a, &b, 0);
	assert_string_equal(a.log, "acknowledged 3");
	xmpp_stream_handled(b.stream, 1);
	xmpp_stream_handled(b.stream, 99);
	sides_talk(&a, &b, 0);
	assert_string_equal(a.log, "acknowledged 3");
	assert_int_equal(xmpp_stream_send(a.stream, SLICE("x.example"), SLICE("b.example"), m),
	                 RESULT_DENIED);
	assert_int_equal(xmpp_stream_send(b.stream, SLICE("b.example"), SLICE("a.example"), m),
	                 RESULT_DENIED);
	assert_int_equal(xmpp_stream_want(b.stream, SLICE("b.example"), SLICE("a.example")),
	                 XMPP_PAIR_REFUSED);
	side_stop(&a);
	side_stop(&b);
	arena_stop(&arena);
	xmpp_parser_free(&parser);
}

/* The partner waits, and nothing is lost, while too much of what it sent is open. */
static void a_full_stream_reads_no_more_until_something_is_handled(void **state)
{
	static const char stanza[] = "<message from='u@a.example' to='v@b.example'/>";
	struct xmpp_parser *parser = xmpp_parser_new();
	struct buffer in;
	struct side a, b;

	(void)state;
	meet(row_of("counts_stanzas"), 0, &a, &b, parser);
	buffer_start(&in, OUT_MAX);
	for (int i = 0; i < XMPP_UNHANDLED_MAX + 2; i++)
		buffer_add(&in, slice_of(stanza));
	assert_false(in.is_broken);
	xmpp_stream_received(b.stream, &in, NOW(1000));
	assert_true(xmpp_stream_is_full(b.stream));
	assert_int_equal(xmpp_stream_counts(b.stream).stanzas_in, XMPP_UNHANDLED_MAX);
	assert_int_equal(buffer_length(&in), 2 * (sizeof stanza - 1));
	xmpp_stream_handled(b.stream, 2); /* the first is still open, and all behind it count */
	xmpp_stream_received(b.stream, &in, NOW(1000));
	assert_int_equal(xmpp_stream_counts(b.stream).stanzas_in, XMPP_UNHANDLED_MAX);
	xmpp_stream_handled(b.stream, 1);
	assert_false(xmpp_stream_is_full(b.stream));
	xmpp_stream_received(b.stream, &in, NOW(1000));
	assert_true(xmpp_stream_is_full(b.stream));
	assert_int_equal(buffer_length(&in), 0);
	assert_int_equal(xmpp_stream_counts(b.stream).stanzas_in, XMPP_UNHANDLED_MAX + 2);
	assert_int_equal(xmpp_stream_phase(b.stream), XMPP_PHASE_OPEN);
	buffer_stop(&in);
	side_stop(&a);
	side_stop(&b);
	xmpp_parser_free(&parser);
}

/* Nobody counts: what is open is bounded all the same, and one that takes long holds up no other. */
static void a_full_stream_reads_no_more_though_nobody_counts(void **state)
{
	static const char stanza[] = "<message from='u@a.example' to='v@b.example'/>";
	struct xmpp_parser *parser = xmpp_parser_new();
	struct buffer in;
	struct side a, b;

	(void)state;
	meet(row_of("proves_by_sasl"), 0, &a, &b, parser);
	buffer_start(&in, OUT_MAX);
	for (int i = 0; i < XMPP_UNHANDLED_MAX + 2; i++)
		buffer_add(&in, slice_of(stanza));
	xmpp_stream_received(b.stream, &in, NOW(1000));
	assert_true(xmpp_stream_is_full(b.stream));
	assert_int_equal(xmpp_stream_counts(b.stream).unhandled, XMPP_UNHANDLED_MAX);
	assert_int_equal(buffer_length(&in), 2 * (sizeof stanza - 1));
	for (uint64_t other = 0; other < 3; other++) /* no number of it */
		xmpp_stream_handled(b.stream, other);
	assert_true(xmpp_stream_is_full(b.stream));
	xmpp_stream_handled(b.stream, b.last_number);
	assert_false(xmpp_stream_is_full(b.stream));
	xmpp_stream_received(b.stream, &in, NOW(1000));
	assert_int_equal(xmpp_stream_counts(b.stream).stanzas_in, XMPP_UNHANDLED_MAX + 1);
	for (int i = 0; i < XMPP_UNHANDLED_MAX + 9; i++) /* more often than they came */
		xmpp_stream_handled(b.stream, b.last_number);
	assert_int_equal(xmpp_stream_counts(b.stream).unhandled, 0);
	buffer_stop(&in);
	side_stop(&a);
	side_stop(&b);
	xmpp_parser_free(&parser);
}

static void goes_both_ways(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	struct arena arena;
	struct xmpp_builder builder = { .arena = &arena };
	struct side a, b;

	(void)state;
	arena_start(&arena, 65536);
	meet(row_of("goes_both_ways"), 0, &a, &b, parser);
	a.logged = 0;
	assert_int_equal(xmpp_stream_want(b.stream, SLICE("b.example"), SLICE("a.example")), XMPP_PAIR_READY);
	assert_int_equal(xmpp_stream_send(b.stream, SLICE("b.example"), SLICE("a.example"),
	                                  side_message(&builder, "v@b.example", "u@a.example")),
	                 RESULT_OK);
	sides_talk(&a, &b, 0);
	assert_string_equal(a.log, "message v@b.example to u@a.example #0");
	side_stop(&a);
	side_stop(&b);
	arena_stop(&arena);
	xmpp_parser_free(&parser);
}

static void closes_politely(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	struct side a, b;

	(void)state;
	meet(row_of("proves_by_sasl"), 0, &a, &b, parser);
	xmpp_stream_close(a.stream, XMPP_STREAM_NONE, "idle", NOW(1000));
	assert_int_equal(xmpp_stream_phase(a.stream), XMPP_PHASE_CLOSING);
	sides_talk(&a, &b, 0);
	assert_int_equal(xmpp_stream_phase(a.stream), XMPP_PHASE_CLOSED);
	assert_int_equal(xmpp_stream_phase(b.stream), XMPP_PHASE_CLOSED);
	assert_string_equal(xmpp_stream_end(a.stream)->words, "idle");
	assert_true(xmpp_stream_end(b.stream)->is_theirs);
	side_stop(&a);
	side_stop(&b);

	meet(row_of("proves_by_sasl"), 0, &a, &b, parser);
	xmpp_stream_close(a.stream, XMPP_STREAM_SYSTEM_SHUTDOWN, "stopping", NOW(1000));
	xmpp_stream_tick(a.stream, NOW(1000 + XMPP_CLOSE_WAIT_MS - 1));
	assert_int_equal(xmpp_stream_phase(a.stream), XMPP_PHASE_CLOSING);
	xmpp_stream_tick(a.stream, NOW(1000 + XMPP_CLOSE_WAIT_MS));
	assert_int_equal(xmpp_stream_phase(a.stream), XMPP_PHASE_CLOSED);
	side_give(&a, &b, 0);
	assert_int_equal(xmpp_stream_end(b.stream)->error, XMPP_STREAM_SYSTEM_SHUTDOWN);
	assert_string_equal(xmpp_stream_end(b.stream)->words, "system-shutdown: stopping");
	side_stop(&a);
	side_stop(&b);
	xmpp_parser_free(&parser);
}

/* ---- dialback ---- */

static void makes_the_published_keys(void **state)
{
	static const struct {
		struct slice secret, receiving, originating, id;
		const char *key;
	} vectors[] = {
		/* XEP-0185 §3; XEP-0220 §2.1 */
		{ SLICE("s3cr3tf0rd14lb4ck"), SLICE("xmpp.example.com"), SLICE("example.org"),
		  SLICE("D60000229F"), "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643" },
		{ SLICE("s3cr3tf0rd14lb4ck"), SLICE("montague.example"), SLICE("capulet.example"),
		  SLICE("D60000229F"), "b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3" },
		{ SLICE("d14lb4ck43v3r"), SLICE("capulet.example"), SLICE("montague.example"),
		  SLICE("417GAF25"), "225cc5aa6a071133249d25fef42ae516fc7a86c523aa1c6980a7f73e784c972d" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		char key[XMPP_DIALBACK_KEY_BYTES];

		xmpp_dialback_key(vectors[i].secret, vectors[i].receiving, vectors[i].originating,
		                  vectors[i].id, key);
		assert_string_equal(key, vectors[i].key);
		assert_true(xmpp_dialback_is_key(vectors[i].secret, vectors[i].receiving,
		                                 vectors[i].originating, vectors[i].id, slice_of(key)));
		assert_false(xmpp_dialback_is_key(vectors[i].secret, vectors[i].originating,
		                                  vectors[i].receiving, vectors[i].id, slice_of(key)));
		assert_false(xmpp_dialback_is_key(SLICE("other"), vectors[i].receiving,
		                                  vectors[i].originating, vectors[i].id, slice_of(key)));
		assert_false(xmpp_dialback_is_key(vectors[i].secret, vectors[i].receiving,
		                                  vectors[i].originating, vectors[i].id, SLICE("")));
	}
}

static const struct {
	const char *behaviour;
	enum xmpp_verdict verdict;
	const char *initiating_log, *receiving_log;
	bool is_closed;
} verdicts[] = {
	{ "opens_when_the_key_is_valid", XMPP_KEY_VALID, "pair a.example b.example ready none dialback",
	  "pair b.example a.example none ready dialback", false },
	{ "closes_when_it_is_invalid", XMPP_KEY_INVALID,
	  "pair a.example b.example refused none none: the partner says our dialback key is invalid",
	  "pair b.example a.example none refused none: the domain's own server says the dialback key is not "
	  "its",
	  true },
	{ "says_when_nobody_could_be_asked", XMPP_KEY_UNKNOWN,
	  "pair a.example b.example refused none none: the partner refused dialback: remote-server-timeout",
	  "pair b.example a.example none refused none: the domain's own server could not be asked about the "
	  "dialback key",
	  true },
};

static void obeys_each_verdict(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();

	(void)state;
	for (size_t i = 0; i < COUNT(verdicts); i++) {
		struct side a, b;

		meet(row_of("asks_the_authoritative_server"), 0, &a, &b, parser);
		a.logged = b.logged = 0;
		xmpp_stream_verified(b.stream, SLICE("b.example"), SLICE("other.example"),
		                     slice_of(b.asked_for), XMPP_KEY_VALID, XMPP_GONE);
		assert_int_equal(b.logged, 0);
		xmpp_stream_verified(b.stream, SLICE("b.example"), SLICE("a.example"), slice_of(b.asked_for),
		                     verdicts[i].verdict, XMPP_REMOTE_SERVER_TIMEOUT);
		sides_talk(&a, &b, 0);
		if (strcmp(a.log, verdicts[i].initiating_log) != 0 ||
		    strcmp(b.log, verdicts[i].receiving_log) != 0)
			fail_msg("%s:\n  %s\n  %s", verdicts[i].behaviour, a.log, b.log);
		assert_int_equal(xmpp_stream_phase(a.stream) == XMPP_PHASE_CLOSED, verdicts[i].is_closed);
		/* A second verdict changes nothing. */
		b.logged = 0;
		xmpp_stream_verified(b.stream, SLICE("b.example"), SLICE("a.example"), slice_of(b.asked_for),
		                     XMPP_KEY_VALID, XMPP_GONE);
		assert_int_equal(b.logged, 0);
		side_stop(&a);
		side_stop(&b);
	}
	xmpp_parser_free(&parser);
}

static void gives_up_waiting_for_a_verdict(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	struct side a, b;

	(void)state;
	meet(row_of("asks_the_authoritative_server"), 0, &a, &b, parser);
	xmpp_stream_tick(b.stream, NOW(1000 + XMPP_PAIR_WAIT_MS - 1));
	assert_string_equal(b.log, "start-tls|verify b.example a.example 64");
	a.logged = b.logged = 0;
	xmpp_stream_tick(b.stream, NOW(1000 + XMPP_PAIR_WAIT_MS));
	sides_talk(&a, &b, 0);
	assert_string_equal(a.log,
	                    "pair a.example b.example refused none none: the partner refused dialback: "
	                    "remote-server-timeout");
	side_stop(&a);
	side_stop(&b);
	xmpp_parser_free(&parser);
}

/* b is asked by somebody whether it made a key: what it made it knows, and nothing else. */
static void confirms_its_own_keys(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	struct side asking = { .ours = { "a.example" },
		               .partners = { "b.example" },
		               .proved = { "b.example" },
		               .terms = NORMAL },
	            asked = { .ours = { "b.example" }, .partners = { "a.example" }, .terms = NORMAL };
	struct xmpp_stream_settings of_asking = side_settings(&asking, XMPP_INITIATING),
	                            of_asked = side_settings(&asked, XMPP_RECEIVING);
	char key[XMPP_DIALBACK_KEY_BYTES];

	(void)state;
	of_asking.is_for_asking = true;
	side_start(&asking, &of_asking, parser);
	side_start(&asked, &of_asked, parser);
	assert_false(xmpp_stream_ask(asking.stream, SLICE("a.example"), SLICE("b.example"), SLICE("id1"),
	                             SLICE("k")));
	sides_talk(&asking, &asked, 0);
	assert_string_equal(asking.log, "start-tls|ready");
	asking.logged = 0;
	xmpp_dialback_key(SLICE("s3cr3tf0rd14lb4ck"), SLICE("a.example"), SLICE("b.example"), SLICE("id1"),
	                  key);
	assert_true(xmpp_stream_ask(asking.stream, SLICE("a.example"), SLICE("b.example"), SLICE("id1"),
	                            slice_of(key)));
	assert_true(xmpp_stream_ask(asking.stream, SLICE("a.example"), SLICE("b.example"), SLICE("id2"),
	                            slice_of(key)));
	assert_true(xmpp_stream_ask(asking.stream, SLICE("a.example"), SLICE("other.example"), SLICE("id1"),
	                            slice_of(key)));
	sides_talk(&asking, &asked, 0);
	assert_string_equal(asking.log,
	                    "answered a.example b.example id1 valid|answered a.example b.example id2 invalid|"
	                    "answered a.example other.example id1 unknown");
	/* Answers that nobody asked for, or for the second time. */
	asking.logged = 0;
	side_hear(&asking, SLICE("<db:verify from='b.example' to='a.example' id='id1' type='valid'/>"
	                         "<db:result from='b.example' to='a.example' type='valid'/>"));
	assert_int_equal(asking.logged, 0);
	assert_int_equal(xmpp_stream_counts(asking.stream).dropped, 2);
	assert_true(xmpp_stream_ask(asking.stream, SLICE("a.example"), SLICE("b.example"), SLICE("id3"),
	                            slice_of(key)));
	xmpp_stream_lost(asking.stream, "gone");
	assert_string_equal(asking.log, "answered a.example b.example id3 unknown");
	side_stop(&asking);
	side_stop(&asked);
	xmpp_parser_free(&parser);
}

static void proves_more_pairs(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	struct side a = { .ours = { "a.example", "a2.example" },
		          .partners = { "b.example", "b2.example" },
		          .proved = { "b.example" },
		          .terms = NORMAL },
	            b = { .ours = { "b.example", "b2.example" },
		          .partners = { "a.example", "a2.example" },
		          .proved = { "a.example", "a2.example" },
		          .terms = NORMAL };
	struct xmpp_stream_settings of_a = side_settings(&a, XMPP_INITIATING),
	                            of_b = side_settings(&b, XMPP_RECEIVING);

	(void)state;
	side_start(&a, &of_a, parser);
	side_start(&b, &of_b, parser);
	assert_int_equal(xmpp_stream_want(a.stream, SLICE("a2.example"), SLICE("b.example")),
	                 XMPP_PAIR_WANTED);
	sides_talk(&a, &b, 0);
	assert_string_equal(a.log, "start-tls|pair a.example b.example ready none sasl|ready|"
	                           "pair a2.example b.example ready none dialback");
	assert_true(xmpp_stream_takes_more_pairs(a.stream));
	a.logged = 0;
	assert_int_equal(xmpp_stream_want(a.stream, SLICE("a.example"), SLICE("b2.example")),
	                 XMPP_PAIR_ASKED);
	assert_int_equal(xmpp_stream_want(a.stream, SLICE("a.example"), SLICE("other.example")),
	                 XMPP_PAIR_ASKED);
	sides_talk(&a, &b, 0);
	assert_string_equal(a.log, "pair a.example b2.example ready none dialback|"
	                           "pair a.example other.example refused none none: the partner refused "
	                           "dialback: item-not-found");
	assert_int_equal(xmpp_stream_phase(a.stream), XMPP_PHASE_OPEN); /* one refusal ends nothing else */
	side_stop(&a);
	side_stop(&b);
	xmpp_parser_free(&parser);
}

static void holds_64_pairs(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	struct side a, b;

	(void)state;
	meet(row_of("proves_by_sasl"), 0, &a, &b, parser);
	for (unsigned i = 1; i <= XMPP_PAIRS_MAX; i++) {
		char domain[32];

		snprintf(domain, sizeof domain, "d%u.example", i);
		assert_int_equal(xmpp_stream_want(a.stream, SLICE("a.example"), slice_of(domain)),
		                 i < XMPP_PAIRS_MAX ? XMPP_PAIR_ASKED : XMPP_PAIR_REFUSED);
	}
	side_stop(&a);
	side_stop(&b);
	xmpp_parser_free(&parser);
}

/* ---- a receiving machine and somebody who should not be believed ---- */

#define OPENING(from, to)                                                                                    \
	"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "              \
	"xmlns:db='jabber:server:dialback' from='" from "' to='" to "' id='x1' version='1.0'>"
#define HEAD              OPENING("a.example", "b.example")
#define STARTTLS          "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define AUTH(authzid)     "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>" authzid "</auth>"
#define MESSAGE(from, to) "<message from='" from "' to='" to "'><body>x</body></message>"

enum stage {
	PLAIN,
	SECURE,
	PROVED
}; /* where the peer's words begin: nothing said; TLS done; authenticated and greeted again */

static const struct {
	const char *behaviour;
	enum stage stage;
	struct xmpp_terms terms;
	struct slice heard;
	const char *log;  /* what the owner was told, from there on */
	const char *said; /* this stands in what was answered */
	enum xmpp_stream_error error;
	bool is_open;
} strangers[] = {
	{ "greets_a_partner", PLAIN, NORMAL, SLICE(HEAD), "",
	  "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/>", XMPP_STREAM_NONE, true },
	{ "offers_external_to_whom_it_fits", SECURE, NORMAL, SLICE(HEAD), "",
	  "<mechanism>EXTERNAL</mechanism>", XMPP_STREAM_NONE, true },
	{ "offers_dialback_with_errors", SECURE, NORMAL, SLICE(HEAD), "",
	  "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>", XMPP_STREAM_NONE, true },
	{ "offers_optional_tls_and_dialback", PLAIN, LEGACY, SLICE(HEAD), "",
	  "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><dialback", XMPP_STREAM_NONE, true },
	{ "says_its_limits", SECURE, NORMAL, SLICE(HEAD), "", "<max-bytes>65536</max-bytes>",
	  XMPP_STREAM_NONE, true },
	{ "knows_its_hosts", PLAIN, NORMAL, SLICE(OPENING("a.example", "x.example")), "", "<host-unknown",
	  XMPP_STREAM_HOST_UNKNOWN, false },
	{ "knows_its_partners", PLAIN, NORMAL, SLICE(OPENING("x.example", "b.example")), "",
	  "<policy-violation", XMPP_STREAM_POLICY_VIOLATION, false },
	{ "wants_an_address", PLAIN, NORMAL, SLICE(OPENING("a.example", "")), "", "<improper-addressing",
	  XMPP_STREAM_IMPROPER_ADDRESSING, false },
	{ "wants_an_address_that_is_one", PLAIN, NORMAL, SLICE(OPENING("a@a.example", "b.example")), "",
	  "<improper-addressing", XMPP_STREAM_IMPROPER_ADDRESSING, false },
	{ "speaks_to_servers_only", PLAIN, NORMAL,
	  SLICE("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
	        "to='b.example' "
	        "version='1.0'>"),
	  "", "<invalid-namespace", XMPP_STREAM_INVALID_NAMESPACE, false },
	{ "knows_what_a_stream_is", PLAIN, NORMAL, SLICE("<a:b xmlns:a='http://etherx.jabber.org/streams'>"),
	  "", "<bad-format", XMPP_STREAM_BAD_FORMAT, false },
	{ "wants_version_1", PLAIN, NORMAL,
	  SLICE("<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
	        "from='a.example' "
	        "to='b.example'>"),
	  "", "<unsupported-version", XMPP_STREAM_UNSUPPORTED_VERSION, false },
	{ "refuses_a_document_type", PLAIN, NORMAL, SLICE("<!DOCTYPE x>" HEAD), "", "<restricted-xml",
	  XMPP_STREAM_RESTRICTED_XML, false },
	{ "refuses_what_is_too_long_before_proof", PLAIN, NORMAL, SLICE_NONE, "", "<policy-violation",
	  XMPP_STREAM_POLICY_VIOLATION, false },
	{ "refuses_bytes_behind_starttls", PLAIN, NORMAL,
	  SLICE(HEAD STARTTLS MESSAGE("u@a.example", "v@b.example")), "", "<policy-violation",
	  XMPP_STREAM_POLICY_VIOLATION, false },
	{ "refuses_a_blank_behind_starttls", PLAIN, NORMAL, SLICE(HEAD STARTTLS " "), "", "<policy-violation",
	  XMPP_STREAM_POLICY_VIOLATION, false },
	{ "refuses_tls_twice", SECURE, NORMAL, SLICE(HEAD STARTTLS), "", "<policy-violation",
	  XMPP_STREAM_POLICY_VIOLATION, false },
	{ "refuses_tls_where_it_is_off", PLAIN, CLEAR, SLICE(HEAD STARTTLS), "",
	  "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", XMPP_STREAM_NONE, false },
	{ "refuses_sasl_in_the_clear", PLAIN, NORMAL, SLICE(HEAD AUTH("=")), "", "<encryption-required/>",
	  XMPP_STREAM_NONE, true },
	{ "refuses_another_mechanism", SECURE, NORMAL,
	  SLICE(HEAD "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>"), "",
	  "<invalid-mechanism/>", XMPP_STREAM_NONE, true },
	{ "refuses_another_ones_name", SECURE, NORMAL, SLICE(HEAD AUTH("eC5leGFtcGxl")), "",
	  "<invalid-authzid/>", XMPP_STREAM_NONE, true },
	{ "refuses_what_is_no_base64", SECURE, NORMAL, SLICE(HEAD AUTH("!!")), "", "<invalid-authzid/>",
	  XMPP_STREAM_NONE, true },
	{ "has_patience_for_two_attempts", SECURE, NORMAL, SLICE(HEAD AUTH("!!") AUTH("!!")), "",
	  "<policy-violation", XMPP_STREAM_POLICY_VIOLATION, false },
	{ "takes_the_domain_as_name", SECURE, NORMAL, SLICE(HEAD AUTH("QS5FeGFtcGxl")),
	  "pair b.example a.example none ready sasl", "<success", XMPP_STREAM_NONE, true },
	{ "takes_no_name", SECURE, NORMAL, SLICE(HEAD AUTH("")), "pair b.example a.example none ready sasl",
	  "<success", XMPP_STREAM_NONE, true },
	{ "refuses_sasl_where_it_is_off", SECURE, NO_SASL, SLICE(HEAD AUTH("=")), "", "<not-authorized/>",
	  XMPP_STREAM_NONE, true },
	{ "refuses_sasl_twice", PROVED, NORMAL, SLICE(AUTH("=")), "", "<policy-violation",
	  XMPP_STREAM_POLICY_VIOLATION, false },
	{ "lets_no_stanza_in_before_proof", SECURE, NORMAL, SLICE(HEAD MESSAGE("u@a.example", "v@b.example")),
	  "", "<not-authorized", XMPP_STREAM_NOT_AUTHORIZED, false },
	{ "takes_a_stanza", PROVED, NORMAL, SLICE(MESSAGE("u@a.example", "v@b.example")),
	  "message u@a.example to v@b.example #0", "", XMPP_STREAM_NONE, true },
	{ "takes_a_stanza_in_other_spelling", PROVED, NORMAL, SLICE(MESSAGE("U@A.Example./x", "V@B.EXAMPLE")),
	  "message u@a.example to v@b.example #0", "", XMPP_STREAM_NONE, true },
	{ "refuses_another_sender", PROVED, NORMAL, SLICE(MESSAGE("u@x.example", "v@b.example")), "",
	  "<invalid-from", XMPP_STREAM_INVALID_FROM, false },
	{ "refuses_a_sub_domain", PROVED, NORMAL, SLICE(MESSAGE("u@sub.a.example", "v@b.example")), "",
	  "<invalid-from", XMPP_STREAM_INVALID_FROM, false },
	{ "refuses_our_own_domain_as_sender", PROVED, NORMAL, SLICE(MESSAGE("u@b.example", "v@b.example")),
	  "", "<invalid-from", XMPP_STREAM_INVALID_FROM, false },
	{ "refuses_another_of_our_domains", PROVED, NORMAL, SLICE(MESSAGE("u@a.example", "v@b2.example")), "",
	  "<invalid-from", XMPP_STREAM_INVALID_FROM, false },
	{ "refuses_a_stanza_to_others", PROVED, NORMAL, SLICE(MESSAGE("u@a.example", "v@x.example")), "",
	  "<host-unknown", XMPP_STREAM_HOST_UNKNOWN, false },
	{ "refuses_no_sender", PROVED, NORMAL, SLICE("<message to='v@b.example'/>"), "",
	  "<improper-addressing", XMPP_STREAM_IMPROPER_ADDRESSING, false },
	{ "refuses_no_recipient", PROVED, NORMAL, SLICE("<message from='u@a.example'/>"), "",
	  "<improper-addressing", XMPP_STREAM_IMPROPER_ADDRESSING, false },
	{ "refuses_two_at_signs", PROVED, NORMAL, SLICE(MESSAGE("u@a.example@x.example", "v@b.example")), "",
	  "<improper-addressing", XMPP_STREAM_IMPROPER_ADDRESSING, false },
	{ "refuses_a_line_end_in_an_address", PROVED, NORMAL,
	  SLICE(MESSAGE("u@a.example/&#13;&#10;X: y", "v@b.example")), "", "<improper-addressing",
	  XMPP_STREAM_IMPROPER_ADDRESSING, false },
	{ "refuses_a_stanza_of_clients", PROVED, NORMAL,
	  SLICE("<message xmlns='jabber:client' from='u@a.example' to='v@b.example'/>"), "",
	  "<unsupported-stanza-type", XMPP_STREAM_UNSUPPORTED_STANZA_TYPE, false },
	{ "refuses_compression", SECURE, NORMAL,
	  SLICE(HEAD
	        "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>"),
	  "", "<unsupported-stanza-type", XMPP_STREAM_UNSUPPORTED_STANZA_TYPE, false },
	{ "drops_an_answer_nobody_asked_for", SECURE, NORMAL,
	  SLICE(HEAD "<db:result from='a.example' to='b.example' type='valid'/>"
	             "<db:verify from='a.example' to='b.example' id='1' type='valid'/>"),
	  "", "", XMPP_STREAM_NONE, true },
	{ "lets_nobody_in_by_an_answer", SECURE, NORMAL,
	  SLICE(HEAD "<db:result from='a.example' to='b.example' type='valid'/>" MESSAGE("u@a.example",
	                                                                                 "v@b.example")),
	  "", "<not-authorized", XMPP_STREAM_NOT_AUTHORIZED, false },
	{ "wants_tls_before_dialback", PLAIN, NORMAL,
	  SLICE(HEAD "<db:result from='a.example' to='b.example'>0123</db:result>"), "",
	  "type='error'><error type='modify'><policy-violation", XMPP_STREAM_NONE, true },
	{ "wants_a_certificate_where_dialback_is_off", SECURE, STRICT,
	  SLICE(HEAD "<db:result from='p.example' to='b.example'>0123</db:result>"), "", "<not-authorized",
	  XMPP_STREAM_NONE, true },
	{ "verifies_for_its_own_domains_only", SECURE, NORMAL,
	  SLICE(HEAD "<db:result from='a.example' to='x.example'>0123</db:result>"), "", "<item-not-found",
	  XMPP_STREAM_NONE, true },
	{ "verifies_for_partners_only", SECURE, NORMAL,
	  SLICE(HEAD "<db:result from='x.example' to='b.example'>0123</db:result>"), "", "<not-allowed",
	  XMPP_STREAM_NONE, true },
	{ "asks_once_about_a_pair", SECURE, NORMAL,
	  SLICE(HEAD "<db:result from='p.example' to='b.example'>0123</db:result>"
	             "<db:result from='p.example' to='b.example'>4567</db:result>"),
	  "verify b.example p.example 4", "", XMPP_STREAM_NONE, true },
	{ "lets_no_stanza_in_while_it_asks", SECURE, NORMAL,
	  SLICE(HEAD "<db:result from='p.example' to='b.example'>0123</db:result>" MESSAGE("u@p.example",
	                                                                                   "v@b.example")),
	  "verify b.example p.example 4|pair b.example p.example none refused none: no domain is proved on "
	  "this stream yet",
	  "<not-authorized", XMPP_STREAM_NOT_AUTHORIZED, false },
	{ "refuses_dialback_between_no_domains", SECURE, NORMAL,
	  SLICE(HEAD "<db:result from='a@a.example'>1</db:result>"), "", "<improper-addressing",
	  XMPP_STREAM_IMPROPER_ADDRESSING, false },
	{ "says_no_to_resuming", PROVED, NORMAL, SLICE("<resume xmlns='urn:xmpp:sm:3' h='1' previd='x'/>"),
	  "", "<failed xmlns='urn:xmpp:sm:3'><item-not-found", XMPP_STREAM_NONE, true },
	{ "says_no_to_counting_where_it_is_off", PROVED, NORMAL, SLICE("<enable xmlns='urn:xmpp:sm:3'/>"), "",
	  "<failed xmlns='urn:xmpp:sm:3'><unexpected-request", XMPP_STREAM_NONE, true },
	{ "hears_an_error", PROVED, NORMAL,
	  SLICE("<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text "
	        "xmlns='urn:ietf:params:xml:ns:xmpp-streams'>\x1b[31m</text></stream:error>"),
	  "", "<not-well-formed", XMPP_STREAM_NOT_WELL_FORMED, false },
	{ "hears_an_error_that_is_one", PROVED, NORMAL,
	  SLICE("<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"), "",
	  "</stream:stream>", XMPP_STREAM_CONFLICT, false },
	{ "hears_the_end", PROVED, NORMAL, SLICE("</stream:stream>"), "", "</stream:stream>",
	  XMPP_STREAM_NONE, false },
};

static void begin_stranger(struct side *b, size_t row, struct xmpp_parser *parser)
{
	*b = (struct side){ .ours = { "b.example", "b2.example" },
		            .partners = { "a.example", "p.example" },
		            .proved = { "a.example" },
		            .terms = strangers[row].terms };

	struct xmpp_stream_settings settings = side_settings(b, XMPP_RECEIVING);

	settings.is_secure = strangers[row].stage != PLAIN;
	side_start(b, &settings, parser);
	if (strangers[row].stage == PROVED) {
		side_hear(b, SLICE(HEAD AUTH("=")));
		side_hear(b, SLICE(HEAD));
		assert_int_equal(xmpp_stream_phase(b->stream), XMPP_PHASE_OPEN);
	}
	b->logged = 0;
	b->log[0] = '\0';
	buffer_clear(&b->out);
}

static void is_not_fooled(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	static char long_element[XMPP_BYTES_BEFORE_IDENTITY_MAX + 1024];
	size_t n = (size_t)snprintf(long_element, sizeof long_element, "%s<x>", HEAD);

	(void)state;
	memset(long_element + n, 'x', sizeof long_element - n);
	for (size_t i = 0; i < COUNT(strangers); i++)
		for (size_t step = 0; step < 2; step++) {
			struct slice heard = strangers[i].heard.ptr
			                             ? strangers[i].heard
			                             : (struct slice){ long_element, sizeof long_element };
			struct side b;
			bool is_open;

			/* Bytes behind <starttls/> that come later never reach the stream: the owner is in the handshake. */
			if (step == 1 && strstr(strangers[i].behaviour, "behind_starttls"))
				continue;
			begin_stranger(&b, i, parser);
			if (step == 0)
				side_hear(&b, heard);
			else
				for (size_t at = 0; at < heard.len; at++) {
					static struct buffer in;

					if (at == 0)
						buffer_start(&in, OUT_MAX);
					buffer_add(&in, (struct slice){ heard.ptr + at, 1 });
					xmpp_stream_received(b.stream, &in, NOW(1000));
					if (at + 1 == heard.len)
						buffer_stop(&in);
				}
			is_open = xmpp_stream_phase(b.stream) != XMPP_PHASE_CLOSED;
			if (strcmp(b.log, strangers[i].log) != 0 ||
			    !strstr(side_said(&b), strangers[i].said) ||
			    xmpp_stream_end(b.stream)->error != strangers[i].error ||
			    is_open != strangers[i].is_open)
				fail_msg("%s (%zu):\n  log  %s\n  said %s\n  end  %.*s %s open %d",
				         strangers[i].behaviour, step, b.log, side_said(&b),
				         SLICE_ARG(xmpp_stream_error_name(xmpp_stream_end(b.stream)->error)),
				         xmpp_stream_end(b.stream)->words, is_open);
			if (!is_open)
				assert_non_null(strstr(side_said(&b), "</stream:stream>"));
			side_stop(&b);
		}
	xmpp_parser_free(&parser);
}

#define DOUBTED ((struct xmpp_terms){ XMPP_TLS_IF_OFFERED, true, false, false })

/* ---- an initiating machine and a server that should not be believed ---- */

static const struct {
	const char *behaviour;
	struct xmpp_terms terms; /* DOUBTED: STRICT, and the certificate proves nothing */
	bool is_secure;
	struct slice heard;
	const char *log, *said, *words;
} servers[] = {
	{ "asks_for_tls", NORMAL, false,
	  SLICE(OPENING("b.example", "a.example") "<stream:features>" STARTTLS "</stream:features>"), "",
	  STARTTLS, "" },
	{ "refuses_another_domains_answer", NORMAL, false, SLICE(OPENING("x.example", "a.example")),
	  "pair a.example b.example refused none none: the server answers for another domain",
	  "<invalid-from", "the server answers for another domain" },
	{ "refuses_a_stripped_tls", NORMAL, false,
	  SLICE(OPENING("b.example",
	                "a.example") "<stream:features><dialback xmlns='urn:xmpp:features:dialback'/>"
	                             "</stream:features>"),
	  "pair a.example b.example refused none none: the partner offers no TLS, which its row requires",
	  "</stream:stream>", "the partner offers no TLS, which its row requires" },
	{ "refuses_a_refused_tls", NORMAL, false,
	  SLICE(OPENING("b.example", "a.example") "<stream:features>" STARTTLS "</stream:features>"
	                                          "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
	  "pair a.example b.example refused none none: the partner cannot do TLS", "</stream:stream>",
	  "the partner cannot do TLS" },
	{ "refuses_bytes_behind_proceed", NORMAL, false,
	  SLICE(OPENING("b.example",
	                "a.example") "<stream:features>" STARTTLS "</stream:features>"
	                             "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><stream:features/>"),
	  "pair a.example b.example refused none none: bytes came between <proceed/> and TLS",
	  "<policy-violation", "bytes came between <proceed/> and TLS" },
	{ "falls_back_to_dialback", NORMAL, true,
	  SLICE("<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
	        "xmlns:db='jabber:server:dialback' from='b.example' id='D60000229F' version='1.0'>"
	        "<stream:features><mechanisms "
	        "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism>"
	        "</mechanisms></stream:features>"
	        "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>"),
	  "ready", "mechanism='EXTERNAL'>YS5leGFtcGxl</auth><db:result from='a.example' to='b.example'>",
	  "" },
	{ "does_not_fall_back_where_it_may_not", STRICT, true,
	  SLICE(OPENING("b.example",
	                "a.example") "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
	                             "<mechanism>EXTERNAL</mechanism></mechanisms></stream:features>"
	                             "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"),
	  "pair a.example b.example refused none none: the partner refused our certificate (SASL EXTERNAL)",
	  "</stream:stream>", "the partner refused our certificate (SASL EXTERNAL)" },
	{ "does_not_believe_a_result_before_its_key", NORMAL, true,
	  SLICE(OPENING("b.example",
	                "a.example") "<db:result from='b.example' to='a.example' type='valid'/>"),
	  "", "<?xml", "" },
	{ "takes_no_stanza_on_its_own_stream", NORMAL, true,
	  SLICE(OPENING("b.example", "a.example") "<stream:features/>" MESSAGE("v@b.example", "u@a.example")),
	  "ready|pair a.example b.example refused none none: no domain is proved on this stream yet",
	  "<not-authorized", "no domain is proved on this stream yet" },
	{ "weighs_the_certificate_of_direct_tls", DOUBTED, true, SLICE(""),
	  "pair a.example b.example refused none none: the partner's certificate does not name its domain",
	  "</stream:stream>", "the partner's certificate does not name its domain" },
	{ "hears_that_it_is_not_wanted", NORMAL, true,
	  SLICE(OPENING(
	          "b.example",
	          "a.example") "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
	                       "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>go&#xa;away</text>"
	                       "</stream:error>"),
	  "pair a.example b.example refused none none: not-authorized: go\\x0aaway", "</stream:stream>",
	  "not-authorized: go\\x0aaway" },
};

static void is_not_fooled_by_a_server(void **state)
{
	struct xmpp_parser *parser = xmpp_parser_new();

	(void)state;
	for (size_t i = 0; i < COUNT(servers); i++) {
		struct side a = { .ours = { "a.example" },
			          .partners = { "b.example" },
			          .proved = { "b.example" },
			          .terms = servers[i].terms };
		struct xmpp_stream_settings settings = side_settings(&a, XMPP_INITIATING);

		settings.is_secure = servers[i].is_secure;
		if (servers[i].terms.tls == XMPP_TLS_IF_OFFERED)
			a.proved[0] = NULL;
		side_start(&a, &settings, parser);
		side_hear(&a, servers[i].heard);
		if (strcmp(a.log, servers[i].log) != 0 || !strstr(side_said(&a), servers[i].said) ||
		    strcmp(xmpp_stream_end(a.stream)->words, servers[i].words) != 0)
			fail_msg("%s:\n  log  %s\n  said %s\n  end  %s", servers[i].behaviour, a.log,
			         side_said(&a), xmpp_stream_end(a.stream)->words);
		side_stop(&a);
	}
	xmpp_parser_free(&parser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meets_by_each_row),
		cmocka_unit_test(a_proof_by_certificate_ends_with_it),
		cmocka_unit_test(sends_and_acknowledges),
		cmocka_unit_test(a_full_stream_reads_no_more_until_something_is_handled),
		cmocka_unit_test(a_full_stream_reads_no_more_though_nobody_counts),
		cmocka_unit_test(goes_both_ways),
		cmocka_unit_test(closes_politely),
		cmocka_unit_test(makes_the_published_keys),
		cmocka_unit_test(obeys_each_verdict),
		cmocka_unit_test(gives_up_waiting_for_a_verdict),
		cmocka_unit_test(confirms_its_own_keys),
		cmocka_unit_test(proves_more_pairs),
		cmocka_unit_test(holds_64_pairs),
		cmocka_unit_test(is_not_fooled),
		cmocka_unit_test(is_not_fooled_by_a_server),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
