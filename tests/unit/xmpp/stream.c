/* Two stream machines talk, and mean well. */
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
