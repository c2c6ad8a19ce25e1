/* Connections of TLS: with a peer of another make, who does what TLS allows and what it does not. */
#include "tests/unit/io/raw.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_the_work_of_tiny_records),
		cmocka_unit_test(ends_a_flood_of_records_without_data),
		cmocka_unit_test(takes_one_key_update),
		cmocka_unit_test(ends_a_renegotiation),
		cmocka_unit_test(takes_fin_without_close_notify_for_an_end),
		cmocka_unit_test(refuses_what_is_no_tls),
		cmocka_unit_test(refuses_another_application_protocol),
	};

	return cmocka_run_group_tests(tests, start_all, stop_all);
}
