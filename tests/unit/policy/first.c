/* With whom our users began: what is remembered, what gives way, and what a file from elsewhere does. */
#include "daemon/policy/first.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "shared/base/memory.h"

static const struct siphash_key seed = { 1, 2 }, other = { 3, 4 };

static void *fresh(void)
{
	void *memory = mem_new(FIRST_BYTES);

	assert_non_null(memory);
	return memory;
}

/* Whether it is new. */
static bool note(struct first_words *words, struct slice ours, struct slice theirs, uint32_t now_s)
{
	bool is_new;

	(void)first_words_note(words, ours, theirs, now_s, &is_new);
	return is_new;
}

static void remembers_a_pair_and_no_other(void **state)
{
	void *memory = fresh();
	struct first_words *words = first_words_take(memory, seed);

	(void)state;
	assert_false(first_words_has(words, SLICE("a@c.example"), SLICE("b@p.example")));
	note(words, SLICE("a@c.example"), SLICE("b@p.example"), 1);
	assert_true(first_words_has(words, SLICE("a@c.example"), SLICE("b@p.example")));
	assert_false(first_words_has(words, SLICE("b@p.example"), SLICE("a@c.example")));
	assert_false(first_words_has(words, SLICE("a@c.example"), SLICE("x@p.example")));
	assert_false(first_words_has(words, SLICE("x@c.example"), SLICE("b@p.example")));
	note(words, SLICE("a@c.example"), SLICE("b@p.example"), 2);
	assert_int_equal(first_words_count(words), 1);
	mem_free(memory);
}

/* What is spoken every second is not written every second. */
static void says_what_is_new_and_when_it_was_written(void **state)
{
	static const struct {
		uint32_t now_s, written_s;
	} rows[] = { { 1000, 1000 },
		     { 1001, 1000 },
		     { 1000 + FIRST_REFRESH_S - 1, 1000 },
		     { 1000 + FIRST_REFRESH_S, 1000 + FIRST_REFRESH_S },
		     { 500, 500 } /* the clock was set back */ };
	void *memory = fresh();
	struct first_words *words = first_words_take(memory, seed);
	bool is_new;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(first_words_note(words, SLICE("a@c.example"), SLICE("b@p.example"),
		                                  rows[i].now_s, &is_new),
		                 rows[i].written_s);
		assert_int_equal(is_new, i == 0);
	}
	mem_free(memory);
}

static void what_was_known_is_known_to_the_next_process(void **state)
{
	void *memory = fresh();
	struct first_words *words = first_words_take(memory, seed);

	(void)state;
	note(words, SLICE("a@c.example"), SLICE("b@p.example"), 1);
	words = first_words_take(memory, other); /* its own seed does not count */
	assert_true(first_words_has(words, SLICE("a@c.example"), SLICE("b@p.example")));
	mem_free(memory);
}

static void what_is_no_table_begins_empty(void **state)
{
	void *memory = fresh();
	struct first_words *words;

	(void)state;
	memset(memory, 0x55, FIRST_BYTES);
	words = first_words_take(memory, seed);
	assert_int_equal(first_words_count(words), 0);
	note(words, SLICE("a@c.example"), SLICE("b@p.example"), 1);
	assert_true(first_words_has(words, SLICE("a@c.example"), SLICE("b@p.example")));
	mem_free(memory);
}

/* Whatever lies behind a good head, nothing is read outside. */
static void rubbish_behind_a_good_head_is_harmless(void **state)
{
	void *memory = fresh();
	struct first_words *words = first_words_take(memory, seed);

	(void)state;
	memset((char *)memory + FIRST_HEAD_BYTES, 0xff, FIRST_BYTES - FIRST_HEAD_BYTES);
	words = first_words_take(memory, seed);
	assert_false(first_words_has(words, SLICE("a@c.example"), SLICE("b@p.example")));
	note(words, SLICE("a@c.example"), SLICE("b@p.example"), 1);
	assert_true(first_words_has(words, SLICE("a@c.example"), SLICE("b@p.example")));
	mem_free(memory);
}

static struct slice name(char room[32], const char *what, unsigned i)
{
	snprintf(room, 32, "%s%u@x.example", what, i);
	return slice_of(room);
}

/* Far more pairs than places: the table stays as it is large, and the newest are there. */
static void the_oldest_give_way(void **state)
{
	enum { PAIRS = 3 * FIRST_GROUPS * FIRST_GROUP };
	void *memory = fresh();
	struct first_words *words = first_words_take(memory, seed);
	unsigned old = 0, new = 0;
	char theirs[32];

	(void)state;
	for (unsigned i = 0; i < PAIRS; i++)
		note(words, SLICE("a@c.example"), name(theirs, "b", i), i + 1);
	assert_true(first_words_count(words) <= FIRST_GROUPS * FIRST_GROUP);
	for (unsigned i = 0; i < 1000; i++) {
		old += first_words_has(words, SLICE("a@c.example"), name(theirs, "b", i));
		new += first_words_has(words, SLICE("a@c.example"), name(theirs, "b", PAIRS - 1 - i));
	}
	assert_int_equal(new, 1000);
	assert_true(old < 10);
	mem_free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembers_a_pair_and_no_other),
		cmocka_unit_test(says_what_is_new_and_when_it_was_written),
		cmocka_unit_test(what_was_known_is_known_to_the_next_process),
		cmocka_unit_test(what_is_no_table_begins_empty),
		cmocka_unit_test(rubbish_behind_a_good_head_is_harmless),
		cmocka_unit_test(the_oldest_give_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
