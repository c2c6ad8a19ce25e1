/* A connection that an administrator closes or drains: when it ends, and with which words. */
#include "daemon/access/parts.h"
#include "tests/unit/io/pair.h"

struct world {
	struct pair pair;
	struct access access;
	struct flow flow;
};

static void world_start(struct world *w)
{
	pair_start(&w->pair, NULL, NULL);
	pair_connect(&w->pair);
	pair_run(&w->pair, pair_both_up);
	w->access = (struct access){ .loop = w->pair.loop };
	w->flow = (struct flow){ .access = &w->access,
		                 .connection = w->pair.server.connection,
		                 .is_up = true };
}

static void world_stop(struct world *w)
{
	loop_timer_stop(&w->flow.tick);
	mem_free(w->flow.retired_why);
	pair_stop(&w->pair);
}

static struct flow *working; /* whose work ends when the timer says */

static void work_ends(void *owner)
{
	assert_true(connection_state(working->connection) == CONNECTION_UP); /* it has waited for it */
	assert_false(flow_is_usable(working));
	working->under_way = working->awaited = 0;
	*(bool *)owner = true;
}

static void ends_when_what_is_under_way_has_ended(void **unused)
{
	static const struct {
		unsigned under_way, awaited;
	} rows[] = { { 1, 0 }, { 0, 1 }, { 2, 3 } };

	(void)unused;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world w;
		struct loop_timer end = { 0 };
		bool has_ended = false;

		world_start(&w);
		w.flow.under_way = rows[i].under_way;
		w.flow.awaited = rows[i].awaited;
		working = &w.flow;
		assert_int_equal(flow_retire(&w.flow, "drained by administrator lin", 60 * 1000), RESULT_OK);
		loop_timer_set(w.pair.loop, &end, 3 * ACCESS_POLICY_QUIET_MS, work_ends, &has_ended);
		pair_run(&w.pair, pair_server_closed);
		assert_true(has_ended);
		assert_int_equal(w.pair.server.end, CONNECTION_END_DRAIN);
		assert_string_equal(w.pair.server.words, "drained by administrator lin");
		world_stop(&w);
	}
}

static void ends_at_its_deadline_whatever_is_under_way(void **unused)
{
	struct world w;

	(void)unused;
	world_start(&w);
	w.flow.under_way = 7;
	assert_int_equal(flow_retire(&w.flow, "drained by administrator lin", 0), RESULT_OK);
	pair_run(&w.pair, pair_server_closed);
	assert_int_equal(w.flow.under_way, 7);
	assert_string_equal(w.pair.server.words, "drained by administrator lin");
	world_stop(&w);
}

static void the_newer_word_and_deadline_count(void **unused)
{
	struct world w;

	(void)unused;
	world_start(&w);
	w.flow.under_way = 1;
	assert_int_equal(flow_retire(&w.flow, "drained by administrator lin", 60 * 60 * 1000), RESULT_OK);
	assert_int_equal(flow_retire(&w.flow, "closed by administrator wang", 0), RESULT_OK);
	pair_run(&w.pair, pair_server_closed);
	assert_string_equal(w.pair.server.words, "closed by administrator wang");
	world_stop(&w);
}

static void one_that_is_not_up_ends_at_once(void **unused)
{
	struct world w;

	(void)unused;
	world_start(&w);
	w.flow.is_up = false;
	w.flow.under_way = 1; /* cannot be; it is not waited for */
	assert_int_equal(flow_retire(&w.flow, "closed by administrator lin", 60 * 60 * 1000), RESULT_OK);
	assert_null(w.flow.retired_why);
	pair_run(&w.pair, pair_server_closed);
	assert_string_equal(w.pair.server.words, "closed by administrator lin");
	world_stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_when_what_is_under_way_has_ended),
		cmocka_unit_test(ends_at_its_deadline_whatever_is_under_way),
		cmocka_unit_test(the_newer_word_and_deadline_count),
		cmocka_unit_test(one_that_is_not_up_ends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
