/* The loop: turns, timers, what is deferred, signals. */
#include "daemon/io/loop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* What happened, in order: one letter each. */
static char story[64];
static struct loop *loop;

static void tell(char c)
{
	size_t used = strlen(story);

	assert_true(used + 1 < sizeof story);
	story[used] = c;
	story[used + 1] = '\0';
}

static void tell_owner(void *owner) { tell(*(const char *)owner); }

static char a[] = "a", b[] = "b", c[] = "c";

static struct loop_timer guard;

static void stop(void *owner)
{
	(void)owner;
	loop_stop(loop);
}

static void run_for(int64_t ms)
{
	loop_timer_set(loop, &guard, ms, stop, NULL);
	loop_run(loop);
	loop_timer_stop(&guard);
}

static int start(void **state)
{
	(void)state;
	story[0] = '\0';
	loop = loop_new();
	return loop ? 0 : -1;
}

static int finish(void **state)
{
	(void)state;
	loop_free(&loop);
	return loop ? -1 : 0;
}

static void fires_timers_in_order(void **state)
{
	struct loop_timer one = { .is_set = false }, two = { .is_set = false }, three = { .is_set = false };

	(void)state;
	loop_timer_set(loop, &two, 30, tell_owner, b);
	loop_timer_set(loop, &one, 10, tell_owner, a);
	loop_timer_set(loop, &three, 20, tell_owner, c);
	assert_true(one.is_set);
	run_for(60);
	assert_string_equal(story, "acb");
	assert_false(one.is_set);
}

static void moves_and_stops_timers(void **state)
{
	struct loop_timer moved = { .is_set = false }, stopped = { .is_set = false },
	                  never = { .is_set = false };

	(void)state;
	loop_timer_set(loop, &moved, 10, tell_owner, a);
	loop_timer_set(loop, &moved, 30, tell_owner, b);
	loop_timer_set(loop, &stopped, 20, tell_owner, c);
	loop_timer_stop(&stopped);
	loop_timer_stop(&stopped);
	loop_timer_stop(&never);
	run_for(60);
	assert_string_equal(story, "b");
}

static void counts_a_timer_from_when_it_is_set(void **state)
{
	struct loop_timer timer = { .is_set = false };
	struct instant before;

	(void)state;
	usleep(50 * 1000); /* a slow start-up */
	before = loop_now(loop);
	loop_timer_set(loop, &timer, 40, stop, NULL);
	loop_run(loop);
	assert_true(instant_now().mono_ms - before.mono_ms >= 38);
}

static struct loop_defer first, second;

static void tell_and_defer(void *owner)
{
	tell_owner(owner);
	if (*(char *)owner == 'a')
		loop_defer(loop, &second, tell_owner, b);
}

static void ready_tells(void *owner, unsigned what)
{
	char byte;

	tell('r');
	assert_int_equal(what, LOOP_READ);
	assert_int_equal(read(*(int *)owner, &byte, 1), 1);
	loop_defer(loop, &first, tell_and_defer, a);
	loop_defer(loop, &first, tell_and_defer, a); /* twice runs once */
}

static void runs_deferred_at_the_end_of_the_turn(void **state)
{
	struct loop_watch watch = { .fd = -1 };
	struct loop_timer timer = { .is_set = false };
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	loop_watch_start(loop, &watch, ends[0], LOOP_READ, ready_tells, &ends[0]);
	assert_int_equal(write(ends[1], "x", 1), 1);
	loop_timer_set(loop, &timer, 20, tell_owner, c);
	run_for(40);
	/* What the deferred one defers runs before the next sleep too. */
	assert_string_equal(story, "rabc");
	loop_watch_stop(&watch);
	loop_watch_stop(&watch);
	close(ends[0]);
	close(ends[1]);
}

static unsigned again_left;

static void defer_again(void *owner)
{
	if (--again_left)
		loop_defer(loop, &first, defer_again, owner);
	else
		loop_stop(loop);
}

static void never_sleeps_over_what_is_deferred(void **state)
{
	(void)state;
	again_left = 1000; /* far more than run in one turn */
	loop_defer(loop, &first, defer_again, NULL);
	run_for(20000);
	assert_int_equal(again_left, 0);
}

static void cancel_second(void *owner)
{
	tell_owner(owner);
	loop_defer_cancel(&second);
}

static void cancels_what_is_deferred(void **state)
{
	(void)state;
	loop_defer(loop, &first, cancel_second, a);
	loop_defer(loop, &second, tell_owner, b);
	run_for(10);
	assert_string_equal(story, "a");
	loop_defer_cancel(&second);
}

static void write_ready(void *owner, unsigned what)
{
	struct loop_watch *watch = owner;

	tell(what & LOOP_WRITE ? 'w' : 'r');
	loop_watch_want(watch, 0);
}

static void watches_only_what_is_wanted(void **state)
{
	struct loop_watch watch = { .fd = -1 };
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	loop_watch_start(loop, &watch, ends[0], 0, write_ready, &watch);
	run_for(10);
	assert_string_equal(story, "");
	loop_watch_want(&watch, LOOP_WRITE);
	run_for(10);
	assert_string_equal(story, "w");
	loop_watch_want(&watch, LOOP_READ);
	run_for(10);
	assert_string_equal(story, "w");
	assert_int_equal(write(ends[1], "x", 1), 1);
	run_for(10);
	assert_string_equal(story, "wr");
	loop_watch_stop(&watch);
	loop_watch_want(&watch, LOOP_READ); /* harmless */
	run_for(10);
	assert_string_equal(story, "wr");
	close(ends[0]);
	close(ends[1]);
}

static void signal_tells(void *owner, int number)
{
	(void)owner;
	assert_int_equal(number, SIGUSR1);
	tell('s');
}

static void brings_signals_into_the_loop(void **state)
{
	struct loop_signal watched = { .is_set = false };

	(void)state;
	loop_signal_start(loop, &watched, SIGUSR1, signal_tells, NULL);
	raise(SIGUSR1);
	run_for(20);
	assert_string_equal(story, "s");
	loop_signal_stop(&watched);
	loop_signal_stop(&watched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fires_timers_in_order, start, finish),
		cmocka_unit_test_setup_teardown(moves_and_stops_timers, start, finish),
		cmocka_unit_test_setup_teardown(counts_a_timer_from_when_it_is_set, start, finish),
		cmocka_unit_test_setup_teardown(runs_deferred_at_the_end_of_the_turn, start, finish),
		cmocka_unit_test_setup_teardown(never_sleeps_over_what_is_deferred, start, finish),
		cmocka_unit_test_setup_teardown(cancels_what_is_deferred, start, finish),
		cmocka_unit_test_setup_teardown(watches_only_what_is_wanted, start, finish),
		cmocka_unit_test_setup_teardown(brings_signals_into_the_loop, start, finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
