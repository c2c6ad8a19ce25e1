/* receipts: each stanza is acknowledged once it is dealt with, in any order; never on a stream that has ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/gateway/streams.h"

#include <cmocka.h>

static struct {
	struct gateway gateway;
	struct streams streams;
	struct stream streams_of[2];
	struct instant now;
	uint64_t handled[16];
	size_t handled_count;
	struct stream *closed;
} bench;

/* ---- what lies around it: the machine, the connection, time ---- */

void xmpp_stream_handled(struct xmpp_stream *stream, uint64_t number)
{
	(void)stream;
	assert_true(bench.handled_count < 16);
	bench.handled[bench.handled_count++] = number;
}
void stream_touched(struct stream *stream) { assert_ptr_equal(stream->streams, &bench.streams); }
void stream_close(struct stream *stream, enum xmpp_stream_error error, const char *words)
{
	assert_int_equal(error, XMPP_STREAM_INTERNAL_SERVER_ERROR);
	assert_non_null(words);
	bench.closed = stream;
}
struct instant loop_now(const struct loop *loop)
{
	(void)loop;
	return bench.now;
}

static int start(void **state)
{
	(void)state;
	bench.gateway.streams = &bench.streams;
	bench.streams.gateway = &bench.gateway;
	handles_start(&bench.streams.receipts, 4);
	for (size_t i = 0; i < 2; i++) {
		bench.streams_of[i].streams = &bench.streams;
		list_start(&bench.streams_of[i].receipts);
	}
	bench.handled_count = 0;
	bench.closed = NULL;
	bench.now.mono_ms = 1000;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	receipts_drop(&bench.streams_of[0]);
	receipts_drop(&bench.streams_of[1]);
	assert_int_equal(bench.streams.receipts.count, 0);
	handles_stop(&bench.streams.receipts);
	return 0;
}

static void they_are_given_back_in_any_order_and_once(void **state)
{
	struct stream *s = &bench.streams_of[0];
	handle first = receipt_new(s, 1), second = receipt_new(s, 2), third = receipt_new(s, 3);

	(void)state;
	assert_true(first && second && third);
	assert_int_equal(bench.handled_count, 0);
	gateway_xmpp_handled(&bench.gateway, third);
	gateway_xmpp_handled(&bench.gateway, first);
	gateway_xmpp_handled(&bench.gateway, third);
	gateway_xmpp_handled(&bench.gateway, second);
	gateway_xmpp_handled(&bench.gateway, 0);
	assert_int_equal(bench.handled_count, 3);
	assert_int_equal(bench.handled[0], 3);
	assert_int_equal(bench.handled[1], 1);
	assert_int_equal(bench.handled[2], 2);
}

static void a_stream_that_ends_takes_its_own_along(void **state)
{
	handle lost = receipt_new(&bench.streams_of[0], 1), other = receipt_new(&bench.streams_of[1], 1),
	       next;

	(void)state;
	receipts_drop(&bench.streams_of[0]);
	next = receipt_new(&bench.streams_of[1], 2); /* in the place of the lost one */
	gateway_xmpp_handled(&bench.gateway, lost);
	assert_int_equal(bench.handled_count, 0);
	gateway_xmpp_handled(&bench.gateway, next);
	gateway_xmpp_handled(&bench.gateway, other);
	assert_int_equal(bench.handled_count, 2);
	assert_int_equal(bench.handled[0], 2);
}

static void one_that_never_comes_back_ends_its_stream_unacknowledged(void **state)
{
	struct stream *s = &bench.streams_of[0];
	handle lost = receipt_new(s, 1);

	(void)state;
	bench.now.mono_ms += RECEIPT_MS - 1;
	receipts_second(s);
	receipts_second(&bench.streams_of[1]);
	assert_null(bench.closed);
	bench.now.mono_ms++;
	receipts_second(s);
	assert_ptr_equal(bench.closed, s);
	gateway_xmpp_handled(&bench.gateway, lost);
	assert_int_equal(bench.handled_count, 0);
}

static void there_is_an_end_of_room(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 4; i++)
		assert_true(receipt_new(&bench.streams_of[i % 2], i) != 0);
	assert_int_equal(receipt_new(&bench.streams_of[0], 5), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(they_are_given_back_in_any_order_and_once),
		TEST(a_stream_that_ends_takes_its_own_along),
		TEST(one_that_never_comes_back_ends_its_stream_unacknowledged),
		TEST(there_is_an_end_of_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
