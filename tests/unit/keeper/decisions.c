/* What was decided of whom: one entry each, bounded by number, bytes and age; and an event read as the facts it was written from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

#include <cmocka.h> /* last: its fail() would rewrite ours */

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void take(struct decisions *d, enum control_event_id id, const char *text, int64_t now_ms)
{
	struct json *event = NULL;

	assert_int_equal(json_read(slice_of(text), &event, NULL), RESULT_OK);
	decisions_take(d, id, event, now_ms);
	json_free(&event);
}

static void take_user(struct decisions *d, unsigned user, int64_t now_ms)
{
	char text[512];

	snprintf(text, sizeof text,
	         "{\"facts\":{\"direction\":\"in\",\"method\":\"MESSAGE\",\"remote_domain\":\"x.example\","
	         "\"service\":"
	         "\"message\",\"local_domain\":\"contoso.example\",\"local_user\":\"u%u\"}}",
	         user);
	take(d, CONTROL_EVENT_REQUEST_PASSED, text, now_ms);
}

static size_t length(const struct decisions *d)
{
	size_t count = 0;

	LIST_EACH (at, &d->oldest_first)
		count++;
	assert_int_equal(count, d->by_key.count);
	return count;
}

static const struct policy_facts *newest(const struct decisions *d)
{
	return &LIST_OWNER(d->oldest_first.prev, struct decision, node)->facts;
}

static void reads_the_facts_of_an_event(void **state)
{
	struct decisions d = { .bytes = 0 };
	const struct policy_facts *f;

	(void)state;
	decisions_start(&d);
	take(&d, CONTROL_EVENT_REQUEST_REFUSED,
	     "{\"facts\":{\"direction\":\"out\",\"method\":\"SUBSCRIBE\",\"remote_domain\":\"x.example\","
	     "\"service\":\"presence\",\"protocol\":\"xmpp\",\"solicited\":true,"
	     "\"local_domain\":\"contoso.example\",\"local_user\":\"alice\",\"connected\":true,"
	     "\"certificate\":true,"
	     "\"srv\":\"found\",\"route\":\"sips\",\"targets\":[\"a.x.example\",\"b.x.example\"],\"dns\":["
	     "\"a.x."
	     "example\"],"
	     "\"sip\":[]}}",
	     1000);
	assert_int_equal(length(&d), 1);
	f = newest(&d);
	assert_int_equal(f->direction, POLICY_OUTWARD);
	assert_int_equal(f->service, POLICY_SERVICE_PRESENCE);
	assert_int_equal(f->protocol, POLICY_XMPP);
	assert_true(f->is_solicited);
	assert_true(slice_equal(f->method, SLICE("SUBSCRIBE")));
	assert_true(slice_equal(f->remote_domain, SLICE("x.example")));
	assert_true(slice_equal(f->local_domain, SLICE("contoso.example")));
	assert_true(slice_equal(f->local_user, SLICE("alice")));
	assert_true(f->is_connected && f->has_certificate);
	assert_int_equal(f->srv, POLICY_SRV_FOUND);
	assert_int_equal(f->srv_route, POLICY_ROUTE_SRV_SIPS);
	assert_int_equal(f->srv_target_count, 2);
	assert_true(slice_equal(f->srv_targets[1], SLICE("b.x.example")));
	assert_int_equal(f->certificate_dns_count, 1);
	assert_true(slice_equal(f->certificate_dns[0], SLICE("a.x.example")));
	assert_int_equal(f->certificate_sip_count, 0);
	decisions_free(&d);
}

static const struct {
	const char *name;
	enum control_event_id id;
	const char *event;
} passed_over[] = {
	{ "another_event", CONTROL_EVENT_CONNECTION_UP, "{\"facts\":{}}" },
	{ "no_facts", CONTROL_EVENT_REQUEST_REFUSED, "{\"domain\":\"x.example\"}" },
	{ "facts_that_are_none", CONTROL_EVENT_REQUEST_PASSED, "{\"facts\":[1]}" },
};
static const struct {
	const char *name, *event;
} odd[] = {
	{ "nothing_in_them", "{\"facts\":{}}" },
	{ "other_kinds", "{\"direction\":1,\"method\":[],\"domain\":{},\"facts\":{\"service\":7,\"srv\":"
	                 "\"no\",\"route\":99,\"targets\":"
	                 "\"x\",\"dns\":[1,{},null],\"connected\":\"yes\"}}" },
	{ "too_many_names",
	  "{\"facts\":{\"dns\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\"]}}" },
};

static void takes_only_what_is_a_decision_and_survives_odd_ones(void **state)
{
	struct decisions d = { .bytes = 0 };

	(void)state;
	decisions_start(&d);
	for (size_t i = 0; i < COUNT(passed_over); i++) {
		take(&d, passed_over[i].id, passed_over[i].event, 1);
		assert_int_equal(length(&d), 0);
	}
	for (size_t i = 0; i < COUNT(odd); i++) {
		take(&d, CONTROL_EVENT_REQUEST_PASSED, odd[i].event, 1);
		assert_true(newest(&d)->certificate_dns_count <= 8);
		assert_true(newest(&d)->srv_route <= POLICY_ROUTE_SRV_SIPS);
	}
	decisions_free(&d);
}

static void keeps_one_for_each_and_the_newest_facts(void **state)
{
	struct decisions d = { .bytes = 0 };

	(void)state;
	decisions_start(&d);
	take_user(&d, 1, 1000);
	take_user(&d, 2, 2000);
	take_user(&d, 1, 3000);
	assert_int_equal(length(&d), 2);
	assert_true(slice_equal(newest(&d)->local_user, SLICE("u1")));
	decisions_free(&d);
	assert_int_equal(d.bytes, 0);
}

static void forgets_after_a_day(void **state)
{
	struct decisions d = { .bytes = 0 };

	(void)state;
	decisions_start(&d);
	take_user(&d, 1, 1000);
	take_user(&d, 2, 1000 + KEEPER_DECISIONS_MS - 1);
	assert_int_equal(length(&d), 2);
	take_user(&d, 3, 1000 + KEEPER_DECISIONS_MS);
	assert_int_equal(length(&d), 2);
	decisions_free(&d);
}

/* What is told again, or forgotten, while somebody is on his way: he sees every other one, once, and never a freed one. */
static void a_walk_outlives_what_is_forgotten_under_it(void **state)
{
	struct decisions d = { .bytes = 0 };
	struct decisions_walk walk, other;
	const struct decision *seen;
	size_t count = 0;

	(void)state;
	decisions_start(&d);
	for (unsigned i = 0; i < 4; i++)
		take_user(&d, i, 1000);
	decisions_walk_start(&d, &walk);
	decisions_walk_start(&d, &other);
	seen = decisions_next(&d, &walk);
	assert_true(slice_equal(seen->facts.local_user, SLICE("u0")));
	take_user(&d, 1, 2000); /* the next one goes to the end */
	take_user(&d, 0, 2000); /* so does one behind us */
	while ((seen = decisions_next(&d, &walk)))
		count++;
	assert_int_equal(count, 4); /* u2, u3, u1, and u0 again */
	take_user(&d, 9, 1000 + KEEPER_DECISIONS_MS);
	assert_non_null(decisions_next(&d, &other));
	decisions_walk_stop(&walk);
	decisions_walk_stop(&other);
	decisions_free(&d);
}

static void is_bounded_in_number_and_bytes(void **state)
{
	struct decisions d = { .bytes = 0 };

	(void)state;
	decisions_start(&d);
	for (unsigned i = 0; i < KEEPER_DECISIONS_MAX + 500; i++)
		take_user(&d, i, 1000);
	assert_in_range(length(&d), KEEPER_DECISIONS_MAX - 1, KEEPER_DECISIONS_MAX);
	assert_true(d.bytes <= KEEPER_DECISIONS_BYTES_MAX);
	assert_true(slice_equal(newest(&d)->local_user, SLICE("u200499")));
	decisions_free(&d);
	assert_int_equal(d.bytes, 0);
}

static void out_of_memory_loses_one_and_nothing_else(void **state)
{
	(void)state;
#ifdef PARLEY_FAULTS
	for (unsigned long nth = 1; nth < 20; nth++) {
		struct decisions d = { .bytes = 0 };

		decisions_start(&d);
		take_user(&d, 1, 1);
		mem_fail_at(nth);
		struct json *event = NULL;

		if (json_read(SLICE("{\"domain\":\"y.example\",\"facts\":{\"local_user\":\"z\"}}"), &event,
		              NULL) == RESULT_OK)
			decisions_take(&d, CONTROL_EVENT_REQUEST_PASSED, event, 2);
		mem_fail_at(0);
		json_free(&event);
		assert_in_range(length(&d), 1, 2);
		decisions_free(&d);
	}
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_facts_of_an_event),
		cmocka_unit_test(takes_only_what_is_a_decision_and_survives_odd_ones),
		cmocka_unit_test(keeps_one_for_each_and_the_newest_facts),
		cmocka_unit_test(forgets_after_a_day),
		cmocka_unit_test(a_walk_outlives_what_is_forgotten_under_it),
		cmocka_unit_test(is_bounded_in_number_and_bytes),
		cmocka_unit_test(out_of_memory_loses_one_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
