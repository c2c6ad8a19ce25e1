/* At the door: an accepted TLS connection waits for its first bytes, and then for its turn. */
#include "daemon/io/connection_parts.h"
#include "tests/unit/io/pair.h"
#include "tests/unit/io/zoo.h"

static struct zoo zoo;
static struct tls_credentials *good;
static bool lets_in;
static unsigned knocked;

static bool knocks(void *owner, struct connection *c)
{
	struct side *side = owner;

	assert_int_equal(connection_state(c), CONNECTION_HANDSHAKE);
	assert_false(connection_peer(c)->has_certificate); /* nothing is known yet, and asking is harmless */
	side->connection = c;
	knocked++;
	pair_look(side->pair);
	return lets_in;
}

static const struct connection_events door_events = {
	.up = pair_up, .received = pair_received, .closed = pair_closed, .knocks = knocks
};

static void start(struct pair *pair, bool at_once)
{
	lets_in = at_once;
	knocked = 0;
	pair_start(pair, good, good);
	pair->server_settings.events = &door_events;
}

static bool has_knocked(struct pair *pair)
{
	(void)pair;
	return knocked > 0;
}

/* A plain socket: says what the test says. */
static int call(const struct pair *pair)
{
	const struct address *to = listener_address(pair->listener);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, &to->any, to->length), 0);
	return fd;
}

static struct loop_timer sampler;
static void stop_loop(void *owner) { loop_stop(owner); }

static void run_for(struct pair *pair, int64_t ms)
{
	pair->is_done = NULL;
	loop_timer_set(pair->loop, &sampler, ms, stop_loop, pair->loop);
	loop_run(pair->loop);
	loop_timer_stop(&sampler);
}

static void shakes_hands_at_once_when_let_in(void **state)
{
	struct pair pair;

	(void)state;
	start(&pair, true);
	pair_connect(&pair);
	pair_run(&pair, pair_both_up);
	assert_int_equal(knocked, 1);
	assert_true(connection_peer(pair.server.connection)->has_certificate);
	pair_stop(&pair);
}

static void waits_for_its_turn_without_a_session_or_a_deadline(void **state)
{
	struct pair pair;

	(void)state;
	start(&pair, false);
	pair.server_settings.handshake_ms = 100;
	pair_connect(&pair);
	pair_run(&pair, has_knocked);
	run_for(&pair, 400); /* four times what a handshake may take: waiting for us is not its fault */
	assert_int_equal(knocked, 1);
	assert_int_equal(connection_state(pair.server.connection), CONNECTION_HANDSHAKE);
	assert_null(pair.server.connection->stream);
	pair.server.connection->handshake_ms = 10000;
	connection_let_in(pair.server.connection);
	connection_let_in(pair.server.connection); /* twice is once */
	pair_run(&pair, pair_both_up);
	pair_stop(&pair);
}

static void ends_who_keeps_silent_without_asking(void **state)
{
	struct pair pair;
	int fd;

	(void)state;
	start(&pair, true);
	pair.server_settings.handshake_ms = 100;
	fd = call(&pair);
	pair_run(&pair, pair_server_closed);
	assert_int_equal(pair.server.end, CONNECTION_END_TIMEOUT);
	assert_string_equal(pair.server.words, "no TLS handshake began");
	assert_int_equal(knocked, 0);
	close(fd);
	pair_stop(&pair);
}

static void ends_who_speaks_no_tls_or_has_gone_without_asking(void **state)
{
	static const struct {
		const char *says;
		enum connection_end end;
	} cases[] = {
		{ "OPTIONS sip:contoso.example SIP/2.0\r\n", CONNECTION_END_PROTOCOL },
		{ "GET / HTTP/1.1\r\n", CONNECTION_END_PROTOCOL },
		{ "", CONNECTION_END_RESET },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct pair pair;
		int fd;

		start(&pair, true);
		fd = call(&pair);
		assert_int_equal(send(fd, cases[i].says, strlen(cases[i].says), 0),
		                 (ssize_t)strlen(cases[i].says));
		shutdown(fd, SHUT_WR);
		pair_run(&pair, pair_server_closed);
		assert_int_equal(pair.server.end, cases[i].end);
		assert_int_equal(knocked, 0);
		close(fd);
		pair_stop(&pair);
	}
}

static void may_be_ended_at_the_door(void **state)
{
	static void (*const ends[])(struct connection *, enum connection_end,
	                            const char *) = { connection_close, connection_abort };

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (int has_come = 0; has_come < 2; has_come++) {
			struct pair pair;
			int fd = -1;

			start(&pair, false);
			if (has_come)
				pair_connect(&pair);
			else
				fd = call(&pair);
			if (has_come)
				pair_run(&pair, has_knocked);
			else
				run_for(&pair, 20);
			assert_non_null(pair.server.connection);
			ends[i](pair.server.connection, CONNECTION_END_LIMIT, "no room");
			pair_run(&pair, pair_server_closed);
			assert_int_equal(pair.server.end, CONNECTION_END_LIMIT);
			if (fd >= 0)
				close(fd);
			pair_stop(&pair);
		}
}

static void survives_each_allocation_failing(void **state)
{
	(void)state;
	for (unsigned long nth = 1; nth <= 40; nth++) {
		struct pair pair;

		start(&pair, true);
		pair_connect(&pair);
		mem_fail_at(nth);
		run_for(&pair, 30);
		mem_fail_at(0);
		pair_stop(&pair);
	}
}

static int start_all(void **state)
{
	(void)state;
	zoo_start(&zoo);
	good = zoo_credentials(&zoo, ZOO_GOOD, ZOO_BOTH, TLS_FEDERATION, false);
	return 0;
}

static int stop_all(void **state)
{
	(void)state;
	tls_credentials_free(&good);
	zoo_stop(&zoo);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shakes_hands_at_once_when_let_in),
		cmocka_unit_test(waits_for_its_turn_without_a_session_or_a_deadline),
		cmocka_unit_test(ends_who_keeps_silent_without_asking),
		cmocka_unit_test(ends_who_speaks_no_tls_or_has_gone_without_asking),
		cmocka_unit_test(may_be_ended_at_the_door),
		cmocka_unit_test(survives_each_allocation_failing),
	};

	return cmocka_run_group_tests(tests, start_all, stop_all);
}
