/* Connections: ends told truly, by either side, at any moment. */
#include "tests/unit/io/raw.h"

/* ---- ends ---- */

static void delivers_last_bytes_before_it_closes(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		struct pair pair;
		char *bytes = pattern(600 * 1000);

		come_up(&pair, way);
		/* The server has bytes it will never read: a plain close would reset and take our answer along. */
		connection_pause(pair.server.connection, true);
		assert_true(connection_send(pair.client.connection, SLICE("unread")));
		loop_timer_set(pair.loop, &sampler, 30, stop_loop, pair.loop);
		loop_run(pair.loop);
		assert_true(connection_send(pair.server.connection, (struct slice){ bytes, 600 * 1000 }));
		connection_close(pair.server.connection, CONNECTION_END_POLICY, "blocked");
		assert_int_equal(connection_state(pair.server.connection), CONNECTION_CLOSING);
		assert_false(connection_send(pair.server.connection, SLICE("too late")));
		assert_int_equal(pair.server.closed_count, 0);
		pair_run(&pair, pair_both_closed);
		check_pattern(&pair.client.got, 600 * 1000);
		assert_int_equal(pair.client.end, CONNECTION_END_PEER);
		assert_string_equal(pair.client.words, "");
		assert_int_equal(pair.server.end, CONNECTION_END_POLICY);
		assert_string_equal(pair.server.words, "blocked");
		assert_int_equal(pair.server.closed_count, 1);
		assert_int_equal(pair.client.closed_count, 1);
		pair_stop(&pair);
		mem_free(bytes);
	}
}

/* The peer says that it will send no more and reads on: what we answer in that turn still reaches it. */
static void answer(struct side *side, struct buffer *in)
{
	buffer_consume(in, buffer_length(in));
	connection_send(side->connection, SLICE("answer"));
}

static void answers_a_peer_that_half_closed(void **state)
{
	(void)state;
	for (int is_tls = 0; is_tls < 2; is_tls++) {
		struct pair pair;
		char got[64] = "";
		size_t used = 0;

		if (is_tls) {
			raw_start(&pair, good);
			assert_int_equal(gnutls_record_send(raw.session, "ask", 3), 3);
			gnutls_bye(raw.session, GNUTLS_SHUT_WR);
		} else {
			pair_start(&pair, NULL, NULL);
			raw = (struct raw){ .fd = raw_connect(&pair) };
			assert_int_equal(send(raw.fd, "ask", 3, 0), 3);
		}
		pair.server.on_received = answer;
		shutdown(raw.fd, SHUT_WR);
		pair_run(&pair, pair_server_closed);
		assert_int_equal(pair.server.end, CONNECTION_END_PEER);
		while (used < 6) {
			ssize_t n = is_tls ? gnutls_record_recv(raw.session, got + used, sizeof got - used)
			                   : recv(raw.fd, got + used, sizeof got - used, 0);

			assert_true(n > 0 || n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED);
			used += n > 0 ? (size_t)n : 0;
		}
		assert_string_equal(got, "answer");
		raw_stop(&pair);
	}
}

static bool server_is_up(struct pair *pair) { return pair->server.is_up; }

static void drains_for_a_bounded_time(void **state)
{
	struct pair pair;
	int64_t before, took;

	(void)state;
	pair_start(&pair, NULL, NULL);
	raw = (struct raw){ .fd = raw_connect(&pair) }; /* never closes */
	pair_run(&pair, server_is_up);
	before = loop_now(pair.loop).mono_ms;
	connection_close(pair.server.connection, CONNECTION_END_DRAIN, NULL);
	pair_run(&pair, pair_server_closed);
	took = loop_now(pair.loop).mono_ms - before;
	assert_true(took >= CONNECTION_CLOSE_DRAIN_MS - 100); /* and the guard is the upper bound */
	raw_stop(&pair);
}

static void tells_a_reset(void **state)
{
	struct pair pair;
	struct linger at_once = { 1, 0 };

	(void)state;
	raw_start(&pair, good);
	setsockopt(raw.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	close(raw.fd);
	raw.fd = -1;
	pair_run(&pair, pair_server_closed);
	assert_int_equal(pair.server.end, CONNECTION_END_RESET);
	raw_stop(&pair);
}

static void aborts_at_once_but_never_from_inside(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		struct pair pair;
		handle h;

		come_up(&pair, way);
		h = connection_handle(pair.client.connection);
		assert_true(connection_send(pair.client.connection, SLICE("lost")));
		connection_abort(pair.client.connection, CONNECTION_END_LIMIT, "enough");
		connection_close(pair.client.connection, CONNECTION_END_DRAIN, "later reasons do not count");
		assert_int_equal(pair.client.closed_count, 0);
		assert_int_equal(connection_state(pair.client.connection), CONNECTION_CLOSED);
		pair_run(&pair, pair_both_closed);
		assert_int_equal(pair.client.end, CONNECTION_END_LIMIT);
		assert_string_equal(pair.client.words, "enough");
		assert_null(handles_get(&pair.handles, h));
		assert_int_equal(buffer_length(&pair.server.got), 0);
		pair_stop(&pair);
	}
}

static void close_when_up(struct side *side)
{
	connection_close(side->connection, CONNECTION_END_POLICY, "no");
}
static void abort_when_received(struct side *side, struct buffer *in)
{
	connection_abort(side->connection, CONNECTION_END_PROTOCOL, "bad");
	assert_int_equal(buffer_length(in), 5); /* still there: the caller may consume it */
	buffer_consume(in, 5);
}

static void may_be_ended_in_any_callback(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		struct pair pair;

		start(&pair, way);
		pair.server.on_up = close_when_up;
		pair_connect(&pair);
		pair_run(&pair, pair_both_closed);
		assert_int_equal(pair.server.end, CONNECTION_END_POLICY);
		pair_stop(&pair);

		come_up(&pair, way);
		pair.server.on_received = abort_when_received;
		assert_true(connection_send(pair.client.connection, SLICE("hello")));
		pair_run(&pair, pair_both_closed);
		assert_int_equal(pair.server.end, CONNECTION_END_PROTOCOL);
		pair_stop(&pair);
	}
}

static void names_every_end(void **state)
{
	(void)state;
	for (int i = 0; i <= CONNECTION_END_INTERNAL; i++)
		assert_true(connection_end_name((enum connection_end)i)[0]);
	assert_string_equal(connection_end_name(CONNECTION_END_TLS_THEIRS), "tls-theirs");
	assert_string_equal(connection_state_name(CONNECTION_CLOSED), "closed");
}

static void refuses_more_than_there_are_handles_for(void **state)
{
	struct pair pair;
	struct connection *c;
	struct reason reason;

	(void)state;
	pair_start(&pair, NULL, NULL);
	pair.handles.max = 0;
	assert_int_equal(connection_open(pair.loop, &pair.handles, listener_address(pair.listener),
	                                 &pair.client_settings, &c, &reason),
	                 RESULT_LIMIT);
	pair_stop(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delivers_last_bytes_before_it_closes),
		cmocka_unit_test(answers_a_peer_that_half_closed),
		cmocka_unit_test(drains_for_a_bounded_time),
		cmocka_unit_test(tells_a_reset),
		cmocka_unit_test(aborts_at_once_but_never_from_inside),
		cmocka_unit_test(may_be_ended_in_any_callback),
		cmocka_unit_test(names_every_end),
		cmocka_unit_test(refuses_more_than_there_are_handles_for),
	};

	return cmocka_run_group_tests(tests, start_all, stop_all);
}
