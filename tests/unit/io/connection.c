/* Connections: bytes whole and in order, deadlines, queues and their limits. */
#include "tests/unit/io/raw.h"

/* ---- bytes ---- */

static void carries_bytes_both_ways(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		struct pair pair;

		come_up(&pair, way);
		assert_int_equal(connection_state(pair.client.connection), CONNECTION_UP);
		assert_true(connection_is_outgoing(pair.client.connection));
		assert_false(connection_is_outgoing(pair.server.connection));
		assert_true(address_equal(connection_remote(pair.client.connection),
		                          connection_local(pair.server.connection)));
		assert_true(address_equal(connection_local(pair.client.connection),
		                          connection_remote(pair.server.connection)));
		assert_ptr_equal(handles_get(&pair.handles, connection_handle(pair.client.connection)),
		                 pair.client.connection);
		wanted_bytes = 5;
		assert_true(connection_send(pair.client.connection, SLICE("hello")));
		pair_run(&pair, server_has_all);
		assert_true(slice_equal(buffer_slice(&pair.server.got), SLICE("hello")));
		assert_true(connection_send(pair.server.connection, SLICE("there")));
		pair_run(&pair, client_has_all);
		assert_true(slice_equal(buffer_slice(&pair.client.got), SLICE("there")));
		assert_int_equal(connection_counts(pair.client.connection).bytes_in, 5);
		assert_int_equal(connection_counts(pair.client.connection).bytes_out, 5);
		pair_stop(&pair);
	}
}

static void sends_what_was_queued_before_it_was_up(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		struct pair pair;

		start(&pair, way);
		pair_connect(&pair);
		assert_true(connection_send(pair.client.connection, SLICE("early")));
		wanted_bytes = 5;
		pair_run(&pair, server_has_all);
		pair_stop(&pair);
	}
}

/* A hundred messages of one turn reach the peer as one record, hence as one `received`. */
static void gathers_a_turn_in_one_record(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		struct pair pair;

		come_up(&pair, way);
		for (int i = 0; i < 100; i++)
			assert_true(connection_send(pair.client.connection, SLICE("0123456789")));
		wanted_bytes = 1000;
		pair_run(&pair, server_has_all);
		assert_int_equal(pair.server.received_count, 1);
		pair_stop(&pair);
	}
}

/* Small socket buffers: GnuTLS must be given the same bytes again, while more are queued behind. */
static void squeeze(struct connection *c, int which)
{
	int small = 4096;

	assert_int_equal(setsockopt(c->fd, SOL_SOCKET, which, &small, sizeof small), 0);
}

static struct connection *feeding;
static struct slice left_to_feed;

static void feed(void *owner)
{
	struct loop_timer *timer = owner;

	while (left_to_feed.len && connection_counts(feeding).queued < CONNECTION_QUEUE_MAX / 2) {
		size_t part = left_to_feed.len < 7001 ? left_to_feed.len : 7001;

		assert_true(connection_send(feeding, slice_first(left_to_feed, part)));
		left_to_feed = slice_after(left_to_feed, part);
	}
	if (left_to_feed.len)
		loop_timer_set(feeding->loop, timer, 1, feed, timer);
}

static void keeps_order_through_short_writes(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		struct pair pair;
		struct loop_timer timer = { .is_set = false };
		char *bytes = pattern(3 << 20);

		come_up(&pair, way);
		squeeze(pair.client.connection, SO_SNDBUF);
		wanted_bytes = 3 << 20;
		left_to_feed = (struct slice){ bytes, 3 << 20 };
		feeding = pair.client.connection;
		feed(&timer);
		pair_run(&pair, server_has_all);
		check_pattern(&pair.server.got, 3 << 20);
		loop_timer_stop(&timer);
		pair_stop(&pair);
		mem_free(bytes);
	}
}

static void takes_bytes_one_at_a_time(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		struct pair pair;
		char *bytes = pattern(300);

		come_up(&pair, way);
		for (size_t i = 0; i < 300; i++) {
			wanted_bytes = i + 1;
			assert_true(connection_send(pair.client.connection, (struct slice){ bytes + i, 1 }));
			pair_run(&pair, server_has_all);
		}
		check_pattern(&pair.server.got, 300);
		assert_int_equal(pair.server.received_count, 300);
		pair_stop(&pair);
		mem_free(bytes);
	}
}

/* ---- deadlines ---- */

static void limits_the_handshake_as_a_whole(void **state)
{
	struct pair pair;

	(void)state;
	pair_start(&pair, NULL, good);
	pair.server_settings.handshake_ms = 100;
	raw = (struct raw){ .fd = raw_connect(&pair) };
	assert_int_equal(send(raw.fd, "\x16\x03\x01", 3, 0), 3);
	pair_run(&pair, pair_server_closed);
	assert_int_equal(pair.server.end, CONNECTION_END_TIMEOUT);
	assert_non_null(strstr(pair.server.words, "handshake"));
	raw_stop(&pair);
}

static void closes_at_a_deadline(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		struct pair pair;

		come_up(&pair, way);
		connection_deadline(pair.server.connection, 20, "never");
		connection_deadline(pair.server.connection, -1, NULL);
		connection_deadline(pair.server.connection, 50, "no request came");
		pair_run(&pair, pair_both_closed);
		assert_int_equal(pair.server.end, CONNECTION_END_TIMEOUT);
		assert_string_equal(pair.server.words, "no request came");
		assert_int_equal(pair.client.end, CONNECTION_END_PEER);
		pair_stop(&pair);
	}
}

static void tells_that_nobody_listens(void **state)
{
	struct pair pair;
	struct address nobody;
	int fd;

	(void)state;
	pair_start(&pair, NULL, NULL);
	fd = socket(AF_INET, SOCK_STREAM, 0); /* bound, not listening: the port is nobody else's */
	assert_int_equal(address_read(SLICE("127.0.0.1"), 0, &nobody, NULL), RESULT_OK);
	assert_int_equal(bind(fd, &nobody.any, nobody.length), 0);
	nobody = pair_address(fd);
	assert_int_equal(connection_open(pair.loop, &pair.handles, &nobody, &pair.client_settings,
	                                 &pair.client.connection, NULL),
	                 RESULT_OK);
	assert_int_equal(pair.client.closed_count, 0); /* never from inside the call */
	pair_run(&pair, pair_client_closed);
	assert_int_equal(pair.client.end, CONNECTION_END_CONNECT);
	assert_false(pair.client.is_up);
	assert_string_equal(pair.client.words, "Connection refused");
	close(fd);
	pair_stop(&pair);
}

static void gives_up_connecting_in_time(void **state)
{
	struct pair pair;
	struct address full;
	int fd = socket(AF_INET, SOCK_STREAM, 0), waiting[3];

	(void)state;
	/* A listener whose queue is full answers no further SYN. */
	pair_start(&pair, NULL, NULL);
	assert_int_equal(address_read(SLICE("127.0.0.1"), 0, &full, NULL), RESULT_OK);
	assert_int_equal(bind(fd, &full.any, full.length), 0);
	assert_int_equal(listen(fd, 0), 0);
	full = pair_address(fd);
	for (int i = 0; i < 3; i++) {
		waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(waiting[i], &full.any, full.length);
	}
	pair.client_settings.connect_ms = 100;
	assert_int_equal(connection_open(pair.loop, &pair.handles, &full, &pair.client_settings,
	                                 &pair.client.connection, NULL),
	                 RESULT_OK);
	pair_run(&pair, pair_client_closed);
	assert_int_equal(pair.client.end, CONNECTION_END_CONNECT);
	assert_string_equal(pair.client.words, "no answer in time");
	for (int i = 0; i < 3; i++)
		close(waiting[i]);
	close(fd);
	pair_stop(&pair);
}

/* ---- queue ---- */

static void closes_on_a_peer_that_does_not_read(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		struct pair pair;
		char *bytes = pattern(64 * 1024);
		bool is_taken = true;

		come_up(&pair, way);
		squeeze(pair.client.connection, SO_SNDBUF);
		squeeze(pair.server.connection, SO_RCVBUF);
		connection_pause(pair.server.connection, true);
		for (int i = 0; is_taken && i < 100; i++)
			is_taken = connection_send(pair.client.connection,
			                           (struct slice){ bytes, 64 * 1024 });
		assert_false(is_taken);
		assert_null(connection_queue(pair.client.connection));
		assert_false(connection_send(pair.client.connection, SLICE("x")));
		assert_int_equal(pair.client.closed_count, 0);
		pair_run(&pair, pair_client_closed);
		assert_int_equal(pair.client.end, CONNECTION_END_QUEUE);
		pair_stop(&pair);
		mem_free(bytes);
	}
}

static void closes_on_a_queue_that_stands_still(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		struct pair pair;
		char *bytes = pattern(512 * 1024);

		come_up(&pair, way);
		squeeze(pair.client.connection, SO_SNDBUF);
		squeeze(pair.server.connection, SO_RCVBUF);
		connection_pause(pair.server.connection, true);
		assert_true(connection_send(pair.client.connection, (struct slice){ bytes, 512 * 1024 }));
		wanted_bytes = 0;
		/* One turn writes what the kernel takes; then pretend that half a minute passed. */
		loop_timer_set(pair.loop, &sampler, 50, stop_loop, pair.loop);
		loop_run(pair.loop);
		assert_true(connection_counts(pair.client.connection).queued > 0);
		pair.client.connection->progress_ms -= CONNECTION_QUEUE_STALL_MS;
		loop_timer_stop(&pair.client.connection->phase);
		connection_set_tick(pair.client.connection);
		pair_run(&pair, pair_client_closed);
		assert_int_equal(pair.client.end, CONNECTION_END_QUEUE);
		pair_stop(&pair);
		mem_free(bytes);
	}
}

static void gives_idle_memory_back(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		struct pair pair;
		struct connection *client, *server;

		come_up(&pair, way);
		client = pair.client.connection;
		server = pair.server.connection;
		assert_true(connection_send(client, SLICE("hello")));
		wanted_bytes = 5;
		pair_run(&pair, server_has_all);
		assert_true(client->out.size > 0 && server->in.size > 0);
		client->busy_ms -= 60000;
		server->busy_ms -= 60000;
		connection_tick(client);
		connection_tick(server);
		assert_int_equal(client->out.size + client->in.size + server->in.size + server->out.size, 0);
		loop_timer_stop(&client->phase);
		loop_timer_stop(&server->phase);
		connection_set_tick(client);
		assert_false(client->phase.is_set);
		/* And it still works. */
		assert_true(connection_send(client, SLICE("again")));
		wanted_bytes = 10;
		pair_run(&pair, server_has_all);
		pair_stop(&pair);
	}
}

#ifdef PARLEY_FAULTS
static unsigned rounds_left;

static void echo(struct side *side, struct buffer *in)
{
	if (rounds_left && --rounds_left)
		connection_send(side->connection, buffer_slice(in));
	buffer_consume(in, buffer_length(in));
}

static bool no_round_left(struct pair *pair)
{
	(void)pair;
	return rounds_left == 0;
}

static void allocates_nothing_while_messages_flow(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		struct pair pair;

		come_up(&pair, way);
		pair.client.on_received = pair.server.on_received = echo;
		rounds_left = 10; /* warm up */
		assert_true(connection_send(pair.client.connection, SLICE("a message of some bytes")));
		pair_run(&pair, no_round_left);
		mem_fail_at(0);
		rounds_left = 200;
		assert_true(connection_send(pair.client.connection, SLICE("a message of some bytes")));
		pair_run(&pair, no_round_left);
		assert_int_equal(mem_count(), 0);
		pair_stop(&pair);
	}
}

static bool came_or_ended(struct pair *pair) { return server_has_all(pair) || pair->client.is_closed; }

static void survives_each_allocation_failing(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		bool has_failed = true;

		for (unsigned long nth = 1; has_failed; nth++) {
			struct pair pair;

			start(&pair, way);
			wanted_bytes = 5;
			assert_non_null(buffer_reserve(&pair.server.got,
			                               16)); /* the test's own memory does not fail */
			mem_fail_at(nth);
			if (connection_open(pair.loop, &pair.handles, listener_address(pair.listener),
			                    &pair.client_settings, &pair.client.connection,
			                    NULL) == RESULT_OK) {
				connection_send(pair.client.connection, SLICE("hello"));
				pair_run(&pair, came_or_ended);
			}
			has_failed = mem_count() >= nth;
			mem_fail_at(0);
			assert_true(has_failed || server_has_all(&pair));
			pair_stop(&pair);
		}
	}
}
#endif

/* ---- reading ---- */

static void reads_nothing_while_paused(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		struct pair pair;

		come_up(&pair, way);
		connection_pause(pair.server.connection, true);
		assert_true(connection_send(pair.client.connection, SLICE("hello")));
		loop_timer_set(pair.loop, &sampler, 50, stop_loop, pair.loop);
		loop_run(pair.loop);
		assert_int_equal(pair.server.received_count, 0);
		connection_pause(pair.server.connection, false);
		wanted_bytes = 5;
		pair_run(&pair, server_has_all);
		pair_stop(&pair);
	}
}

static void pause_after_first(struct side *side, struct buffer *in)
{
	buffer_add(&side->got, slice_first(buffer_slice(in), 1));
	buffer_consume(in, 1);
	connection_pause(side->connection, true);
	if (side->got.end == 1)
		loop_stop(side->pair->loop);
}

static void delivers_the_rest_when_resumed(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		struct pair pair;

		come_up(&pair, way);
		pair.server.on_received = pause_after_first;
		assert_true(connection_send(pair.client.connection, SLICE("hello")));
		wanted_bytes = 1;
		pair_run(&pair, server_has_all);
		pair.server.on_received = NULL;
		connection_pause(pair.server.connection, false);
		wanted_bytes = 5;
		pair_run(&pair, server_has_all);
		assert_true(slice_equal(buffer_slice(&pair.server.got), SLICE("hello")));
		pair_stop(&pair);
	}
}

static void ends_when_too_much_waits_unread(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		struct pair pair;
		char *bytes = pattern(PAIR_IN_MAX + 1);

		come_up(&pair, way);
		pair.server.keeps_unread = true;
		assert_true(
		        connection_send(pair.client.connection, (struct slice){ bytes, PAIR_IN_MAX + 1 }));
		pair_run(&pair, pair_server_closed);
		assert_int_equal(pair.server.end, CONNECTION_END_LIMIT);
		pair_stop(&pair);
		mem_free(bytes);
	}
}

/* Buffers smaller than a record: what is left of it is in GnuTLS, and no readiness tells of it. */
static void reads_records_larger_than_its_room(void **state)
{
	(void)state;
	EACH_WAY(way)
	{
		struct pair pair;
		char *bytes = pattern(200 * 1000);

		start(&pair, way);
		pair.server_settings.in_max = 1000;
		pair_connect(&pair);
		pair_run(&pair, pair_both_up);
		assert_true(connection_send(pair.client.connection, (struct slice){ bytes, 200 * 1000 }));
		wanted_bytes = 200 * 1000;
		pair_run(&pair, server_has_all);
		check_pattern(&pair.server.got, 200 * 1000);
		pair_stop(&pair);
		mem_free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carries_bytes_both_ways),
		cmocka_unit_test(sends_what_was_queued_before_it_was_up),
		cmocka_unit_test(gathers_a_turn_in_one_record),
		cmocka_unit_test(keeps_order_through_short_writes),
		cmocka_unit_test(takes_bytes_one_at_a_time),
		cmocka_unit_test(limits_the_handshake_as_a_whole),
		cmocka_unit_test(closes_at_a_deadline),
		cmocka_unit_test(tells_that_nobody_listens),
		cmocka_unit_test(gives_up_connecting_in_time),
		cmocka_unit_test(closes_on_a_peer_that_does_not_read),
		cmocka_unit_test(closes_on_a_queue_that_stands_still),
		cmocka_unit_test(gives_idle_memory_back),
		cmocka_unit_test(reads_nothing_while_paused),
		cmocka_unit_test(delivers_the_rest_when_resumed),
		cmocka_unit_test(ends_when_too_much_waits_unread),
		cmocka_unit_test(reads_records_larger_than_its_room),
#ifdef PARLEY_FAULTS
		cmocka_unit_test(allocates_nothing_while_messages_flow),
		cmocka_unit_test(survives_each_allocation_failing),
#endif
	};

	return cmocka_run_group_tests(tests, start_all, stop_all);
}
