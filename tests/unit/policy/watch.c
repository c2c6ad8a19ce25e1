/* The limits of a discovered partner, each at n-1, n and n+1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/policy/watch.h"
#include "shared/base/memory.h"

/* After ours: cmocka has a macro called fail. */
#include <cmocka.h>

static const struct watch_limits limits = { .per_second = 20,
	                                    .suspicious_per_second = 1,
	                                    .limits_contacts = true,
	                                    .contacts = 1000,
	                                    .suspicious_answers = 50,
	                                    .suspicious_percent = 50 };
static const int64_t start_ms = 1000000;

static void twenty_a_second_pass_and_the_next_does_not(void **state)
{
	struct watch watch = { 0 };

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(watch_request(&watch, &limits, SLICE("x.example"), 7, start_ms), WATCH_PASS);
	assert_int_equal(watch_request(&watch, &limits, SLICE("x.example"), 7, start_ms), WATCH_RATE);
	assert_int_equal(watch_request(&watch, &limits, SLICE("x.example"), 7, start_ms + 49), WATCH_RATE);
	assert_int_equal(watch_request(&watch, &limits, SLICE("x.example"), 7, start_ms + 100), WATCH_PASS);
	assert_int_equal(watch.limited, 2);
	watch_stop(&watch);
}

static void an_hour_at_the_rate_is_never_limited_and_saves_nothing_up(void **state)
{
	struct watch watch = { 0 };
	int64_t now = start_ms;

	(void)state;
	for (int i = 0; i < 72000; i++, now += 50)
		assert_int_equal(watch_request(&watch, &limits, SLICE("x.example"), 7, now), WATCH_PASS);
	now += 3600 * 1000;
	int passed = 0;

	while (watch_request(&watch, &limits, SLICE("x.example"), 7, now) == WATCH_PASS)
		passed++;
	assert_int_equal(passed, 20);
	watch_stop(&watch);
}

static void a_thousand_users_may_be_met_and_no_other(void **state)
{
	struct watch watch = { 0 };
	int64_t now = start_ms;

	(void)state;
	for (uint64_t user = 0; user < 1000; user++, now += 100)
		assert_int_equal(watch_request(&watch, &limits, SLICE("x.example"), user * 7919, now),
		                 WATCH_PASS);
	assert_int_equal(watch.contact_count, 1000);
	assert_int_equal(watch_request(&watch, &limits, SLICE("x.example"), 999999999, now + 100),
	                 WATCH_CONTACTS);
	/* Who has been met may be written to again. */
	assert_int_equal(watch_request(&watch, &limits, SLICE("x.example"), 7919 * 500, now + 200),
	                 WATCH_PASS);
	assert_int_equal(watch_request(&watch, &limits, SLICE("x.example"), 0, now + 300), WATCH_PASS);

	struct watch_limits open = limits;

	open.limits_contacts = false;
	assert_int_equal(watch_request(&watch, &open, SLICE("x.example"), 999999999, now + 400), WATCH_PASS);
	watch_stop(&watch);
}

static void more_than_half_failures_of_fifty_answers_are_suspicious(void **state)
{
	static const struct {
		int good, bad;
		bool is_suspicious;
	} rows[] = { { 0, 49, false },  { 0, 50, true },  { 25, 25, false }, { 24, 26, true },
		     { 50, 49, false }, { 50, 51, true }, { 1000, 0, false } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct watch watch = { 0 };

		for (int n = 0; n < rows[i].good; n++)
			watch_answered(&watch, 200, start_ms);
		for (int n = 0; n < rows[i].bad; n++)
			watch_answered(&watch, 404, start_ms);
		for (int n = 0; n < 100; n++) {
			watch_answered(&watch, 407, start_ms);
			watch_answered(&watch, 180, start_ms);
		}
		assert_int_equal(watch_is_suspicious(&watch, &limits, start_ms), rows[i].is_suspicious);
	}
}

static void who_is_suspicious_gets_one_a_second_until_ten_minutes_have_gone(void **state)
{
	struct watch watch = { 0 };

	(void)state;
	for (int n = 0; n < 60; n++)
		watch_answered(&watch, 404, start_ms);
	assert_int_equal(watch_request(&watch, &limits, SLICE("x.example"), 7, start_ms), WATCH_PASS);
	assert_int_equal(watch_request(&watch, &limits, SLICE("x.example"), 7, start_ms + 1),
	                 WATCH_SUSPICIOUS_RATE);
	assert_int_equal(watch_request(&watch, &limits, SLICE("x.example"), 7, start_ms + 1001), WATCH_PASS);
	assert_true(watch_is_suspicious(&watch, &limits, start_ms + 9 * 60000));
	assert_false(watch_is_suspicious(&watch, &limits, start_ms + 11 * 60000));
	assert_int_equal(watch_request(&watch, &limits, SLICE("x.example"), 7, start_ms + 11 * 60000),
	                 WATCH_PASS);
	assert_int_equal(watch_request(&watch, &limits, SLICE("x.example"), 7, start_ms + 11 * 60000),
	                 WATCH_PASS);
	watch_stop(&watch);
}

static void domains_are_remembered_up_to_a_number(void **state)
{
	struct watch watch = { 0 };
	char name[2] = "a";

	(void)state;
	for (int i = 0; i < WATCH_DOMAINS_MAX + 5; i++, name[0]++) {
		watch_request(&watch, &limits, slice_of(name), 7, start_ms + i * 1000);
		watch_request(&watch, &limits, slice_of(name), 7, start_ms + i * 1000 + 1);
	}
	assert_int_equal(watch.domain_count, WATCH_DOMAINS_MAX);
	assert_string_equal(watch.domains[2], "c");
	watch_stop(&watch);
}

static void without_memory_a_new_contact_is_refused_and_an_old_one_is_not(void **state)
{
	struct watch watch = { 0 };

	(void)state;
	mem_fail_at(1);
	assert_int_equal(watch_request(&watch, &limits, SLICE("x.example"), 7, start_ms), WATCH_NO_MEMORY);
	mem_fail_at(0);
	assert_int_equal(watch_request(&watch, &limits, SLICE("x.example"), 7, start_ms), WATCH_PASS);
	watch_stop(&watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(twenty_a_second_pass_and_the_next_does_not),
		cmocka_unit_test(an_hour_at_the_rate_is_never_limited_and_saves_nothing_up),
		cmocka_unit_test(a_thousand_users_may_be_met_and_no_other),
		cmocka_unit_test(more_than_half_failures_of_fifty_answers_are_suspicious),
		cmocka_unit_test(who_is_suspicious_gets_one_a_second_until_ten_minutes_have_gone),
		cmocka_unit_test(domains_are_remembered_up_to_a_number),
		cmocka_unit_test(without_memory_a_new_contact_is_refused_and_an_old_one_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
