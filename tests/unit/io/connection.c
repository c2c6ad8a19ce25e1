/*
 * Connections over loopback, TCP and both versions of TLS: bytes whole and in
 * order, ends told truly, limits kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>

#include "tests/unit/io/pair.h"
#include "tests/unit/io/zoo.h"
#include "daemon/io/connection_parts.h"

static struct zoo zoo;
static struct tls_credentials *good, *good_12;

/* Every case runs over each of these. */
static const struct way {
	const char *name;
	struct tls_credentials **credentials; /* NULL: TCP */
} ways[] = { { "TCP", NULL }, { "TLS 1.3", &good }, { "TLS 1.2", &good_12 } };

#define EACH_WAY(way)                                                                                        \
	for (const struct way *way = ways; way < ways + sizeof ways / sizeof *ways; way++)                   \
		if (printf("  %s\n", way->name))

static void start(struct pair *pair, const struct way *way)
{
	struct tls_credentials *credentials = way->credentials ? *way->credentials : NULL;

	pair_start(pair, credentials, credentials);
}

static void come_up(struct pair *pair, const struct way *way)
{
	start(pair, way);
	pair_connect(pair);
	pair_run(pair, pair_both_up);
}

/* Bytes that tell where they stand. */
static char *pattern(size_t length)
{
	char *bytes = mem_new(length);

	assert_non_null(bytes);
	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)(i * 31 + i / 251);
	return bytes;
}

static void check_pattern(const struct buffer *got, size_t length)
{
	char *expected = pattern(length);

	assert_int_equal(buffer_length(got), length);
	assert_memory_equal(buffer_slice(got).ptr, expected, length);
	mem_free(expected);
}

static void stop_loop(void *owner) { loop_stop(owner); }

static struct loop_timer sampler;
static size_t wanted_bytes;

static bool server_has_all(struct pair *pair) { return buffer_length(&pair->server.got) >= wanted_bytes; }
static bool client_has_all(struct pair *pair) { return buffer_length(&pair->client.got) >= wanted_bytes; }

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

/* ---- a peer of another make: GnuTLS without our stream, or a bare socket ---- */

struct raw {
	int fd;
	gnutls_session_t session;
	bool is_shaken;
};

static struct raw raw;
static struct loop_timer raw_timer;

static ssize_t raw_pull(gnutls_transport_ptr_t owner, void *to, size_t size)
{
	ssize_t n = recv(*(int *)owner, to, size, MSG_DONTWAIT);

	if (n < 0)
		gnutls_transport_set_errno(raw.session, errno);
	return n;
}

static void raw_step(void *owner)
{
	struct pair *pair = owner;
	int code = gnutls_handshake(raw.session);

	raw.is_shaken = code == 0;
	pair_look(pair);
	if (code == GNUTLS_E_AGAIN)
		loop_timer_set(pair->loop, &raw_timer, 1, raw_step, pair);
}

static int raw_connect(struct pair *pair)
{
	const struct address *to = listener_address(pair->listener);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	assert_int_equal(connect(fd, &to->any, to->length), 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static bool raw_is_shaken(struct pair *pair) { return raw.is_shaken && pair->server.is_up; }

/* A GnuTLS client of its own, up to the end of the handshake. */
static void raw_start(struct pair *pair, struct tls_credentials *credentials)
{
	pair_start(pair, NULL, good);
	raw = (struct raw){ .fd = raw_connect(pair) };
	zoo_ok(gnutls_init(&raw.session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL));
	zoo_ok(gnutls_priority_set(raw.session, credentials->priority));
	zoo_ok(gnutls_credentials_set(raw.session, GNUTLS_CRD_CERTIFICATE, credentials->x509));
	gnutls_transport_set_ptr2(raw.session, &raw.fd, (gnutls_transport_ptr_t)(intptr_t)raw.fd);
	gnutls_transport_set_pull_function(raw.session, raw_pull);
	raw_step(pair);
	pair_run(pair, raw_is_shaken);
}

static void raw_stop(struct pair *pair)
{
	loop_timer_stop(&raw_timer);
	if (raw.session)
		gnutls_deinit(raw.session);
	close(raw.fd);
	raw = (struct raw){ .fd = -1 };
	pair->client.is_closed = true;
	pair_stop(pair);
}

#ifdef PARLEY_SANITIZED
enum { TINY_RECORDS = 1 << 17 };
#else
enum { TINY_RECORDS = 1 << 20 };
#endif
static unsigned longest_turn_bytes, last_bytes;

/* Between two turns of the loop: how much one connection was given. */
static void sample(void *owner)
{
	struct pair *pair = owner;

	if (pair->server.connection) {
		unsigned now = (unsigned)connection_counts(pair->server.connection).bytes_in;

		if (now - last_bytes > longest_turn_bytes)
			longest_turn_bytes = now - last_bytes;
		last_bytes = now;
	}
	loop_timer_set(pair->loop, &sampler, 0, sample, pair);
}

static size_t raw_left;
static struct loop_timer raw_sender;

static void raw_send_tiny(void *owner)
{
	struct pair *pair = owner;

	for (int i = 0; raw_left && i < 2000; i++) {
		ssize_t n = gnutls_record_send(raw.session, "x", 1);

		if (n == GNUTLS_E_AGAIN)
			break;
		assert_int_equal(n, 1);
		raw_left--;
	}
	if (raw_left)
		loop_timer_set(pair->loop, &raw_sender, 0, raw_send_tiny, pair);
}

static void bounds_the_work_of_tiny_records(void **state)
{
	struct pair pair;

	(void)state;
	raw_start(&pair, good);
	assert_int_equal(fcntl(raw.fd, F_SETFL, O_NONBLOCK), 0);
	raw_left = wanted_bytes = TINY_RECORDS;
	longest_turn_bytes = last_bytes = 0;
	raw_send_tiny(&pair);
	sample(&pair);
	pair_run(&pair, server_has_all);
	loop_timer_stop(&raw_sender);
	loop_timer_stop(&sampler);
	assert_int_equal(buffer_length(&pair.server.got), TINY_RECORDS);
	printf("  at most %u records a turn\n", longest_turn_bytes);
	/* 256 a turn.  Reading on and the sampler are both timers, in no order: two turns may lie between two samples. */
	assert_in_range(longest_turn_bytes, 1, 512);
	raw_stop(&pair);
}

static void ends_a_flood_of_records_without_data(void **state)
{
	static const char *const words[] = { "without data", "key updates" };

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		struct pair pair;

		/* TLS 1.3 knows no warnings: every alert ends. */
		raw_start(&pair, kind == 0 ? good_12 : good);
		for (int i = 0; i < 70; i++) {
			if (kind == 0)
				gnutls_alert_send(raw.session, GNUTLS_AL_WARNING, GNUTLS_A_NO_RENEGOTIATION);
			else
				gnutls_session_key_update(raw.session, 0);
		}
		pair_run(&pair, pair_server_closed);
		printf("  %s: %s\n", connection_end_name(pair.server.end), pair.server.words);
		assert_int_equal(pair.server.end, CONNECTION_END_PROTOCOL);
		assert_non_null(strstr(pair.server.words, words[kind]));
		raw_stop(&pair);
	}
}

static void takes_one_key_update(void **state)
{
	struct pair pair;

	(void)state;
	raw_start(&pair, good);
	zoo_ok(gnutls_session_key_update(raw.session, GNUTLS_KU_PEER));
	assert_int_equal(gnutls_record_send(raw.session, "hello", 5), 5);
	wanted_bytes = 5;
	pair_run(&pair, server_has_all);
	assert_int_equal(connection_state(pair.server.connection), CONNECTION_UP);
	raw_stop(&pair);
}

static void ends_a_renegotiation(void **state)
{
	struct pair pair;

	(void)state;
	raw_start(&pair, good_12);
	gnutls_handshake(raw.session); /* a second ClientHello */
	pair_run(&pair, pair_server_closed);
	assert_int_equal(pair.server.end, CONNECTION_END_PROTOCOL);
	assert_non_null(strstr(pair.server.words, "renegotiation"));
	raw_stop(&pair);
}

static void takes_fin_without_close_notify_for_an_end(void **state)
{
	struct pair pair;

	(void)state;
	raw_start(&pair, good);
	shutdown(raw.fd, SHUT_WR);
	pair_run(&pair, pair_server_closed);
	assert_int_equal(pair.server.end, CONNECTION_END_PEER);
	assert_non_null(strstr(pair.server.words, "close_notify"));
	raw_stop(&pair);
}

static void refuses_what_is_no_tls(void **state)
{
	static const char *const rows[] = { "GET / HTTP/1.1\r\n\r\n", "OPTIONS sip:a@b SIP/2.0\r\n\r\n",
		                            "<?xml version='1.0'?><stream:stream>",
		                            "\x80\x2e\x01\x00\x02\x00" };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pair pair;

		pair_start(&pair, NULL, good);
		raw = (struct raw){ .fd = raw_connect(&pair) };
		assert_true(send(raw.fd, rows[i], strlen(rows[i]) > 6 ? strlen(rows[i]) : 6, MSG_NOSIGNAL) >
		            0);
		pair_run(&pair, pair_server_closed);
		printf("  %s: %s\n", connection_end_name(pair.server.end), pair.server.words);
		assert_int_equal(pair.server.end, CONNECTION_END_PROTOCOL);
		raw_stop(&pair);
	}
}

static void refuses_another_application_protocol(void **state)
{
	static const gnutls_datum_t xmpp = { (unsigned char *)(uintptr_t) "xmpp-server", 11 },
	                            sip = { (unsigned char *)(uintptr_t) "sip/2", 5 };

	(void)state;
	for (int is_right = 0; is_right < 2; is_right++) {
		struct pair pair;

		pair_start(&pair, NULL, good);
		pair.server_settings.application = "sip/2";
		raw = (struct raw){ .fd = raw_connect(&pair) };
		zoo_ok(gnutls_init(&raw.session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL));
		zoo_ok(gnutls_priority_set(raw.session, good->priority));
		zoo_ok(gnutls_credentials_set(raw.session, GNUTLS_CRD_CERTIFICATE, good->x509));
		zoo_ok(gnutls_alpn_set_protocols(raw.session, is_right ? &sip : &xmpp, 1, 0));
		gnutls_transport_set_ptr2(raw.session, &raw.fd, (gnutls_transport_ptr_t)(intptr_t)raw.fd);
		gnutls_transport_set_pull_function(raw.session, raw_pull);
		raw_step(&pair);
		pair_run(&pair, is_right ? raw_is_shaken : pair_server_closed);
		if (!is_right) {
			assert_int_equal(pair.server.end, CONNECTION_END_TLS_OURS);
			assert_non_null(strstr(pair.server.words, "ALPN"));
		}
		raw_stop(&pair);
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

static int start_all(void **state)
{
	(void)state;
	zoo_start(&zoo);
	good = zoo_credentials(&zoo, ZOO_GOOD, ZOO_BOTH, TLS_FEDERATION, false);
	good_12 = zoo_credentials(&zoo, ZOO_GOOD, ZOO_BOTH, TLS_FEDERATION, false);
	zoo_only_version(good_12, true);
	return 0;
}

static int stop_all(void **state)
{
	(void)state;
	tls_credentials_free(&good);
	tls_credentials_free(&good_12);
	zoo_stop(&zoo);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carries_bytes_both_ways),
		cmocka_unit_test(sends_what_was_queued_before_it_was_up),
		cmocka_unit_test(gathers_a_turn_in_one_record),
		cmocka_unit_test(keeps_order_through_short_writes),
		cmocka_unit_test(takes_bytes_one_at_a_time),
		cmocka_unit_test(bounds_the_work_of_tiny_records),
		cmocka_unit_test(ends_a_flood_of_records_without_data),
		cmocka_unit_test(takes_one_key_update),
		cmocka_unit_test(ends_a_renegotiation),
		cmocka_unit_test(takes_fin_without_close_notify_for_an_end),
		cmocka_unit_test(refuses_what_is_no_tls),
		cmocka_unit_test(refuses_another_application_protocol),
		cmocka_unit_test(limits_the_handshake_as_a_whole),
		cmocka_unit_test(closes_at_a_deadline),
		cmocka_unit_test(tells_that_nobody_listens),
		cmocka_unit_test(gives_up_connecting_in_time),
		cmocka_unit_test(closes_on_a_peer_that_does_not_read),
		cmocka_unit_test(closes_on_a_queue_that_stands_still),
		cmocka_unit_test(gives_idle_memory_back),
#ifdef PARLEY_FAULTS
		cmocka_unit_test(allocates_nothing_while_messages_flow),
		cmocka_unit_test(survives_each_allocation_failing),
#endif
		cmocka_unit_test(reads_nothing_while_paused),
		cmocka_unit_test(delivers_the_rest_when_resumed),
		cmocka_unit_test(ends_when_too_much_waits_unread),
		cmocka_unit_test(reads_records_larger_than_its_room),
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
