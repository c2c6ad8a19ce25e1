/* Shares of connections, handshakes and transactions: each class and limit at n-1, n and n+1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/policy/admission.h"

#include <cmocka.h>

static const struct {
	const char *name;
	enum admission_class class;
	uint64_t unidentified, discovered; /* shares */
	uint64_t there[ADMISSION_CLASSES];
	uint64_t total;
	bool has_room;
} rows[] = {
	/* strangers: 15 % of 100 */
	{ "stranger below its share", ADMISSION_UNIDENTIFIED, 15, 25, { 13, 0, 0, 0 }, 100, true },
	{ "stranger fills its share", ADMISSION_UNIDENTIFIED, 15, 25, { 14, 0, 0, 0 }, 100, true },
	{ "stranger over its share", ADMISSION_UNIDENTIFIED, 15, 25, { 15, 0, 0, 0 }, 100, false },
	{ "stranger with the share of others free",
	  ADMISSION_UNIDENTIFIED,
	  15,
	  25,
	  { 15, 25, 0, 0 },
	  100,
	  false },
	/* discovered: 25 % of 100 */
	{ "discovered below its share", ADMISSION_DISCOVERED, 15, 25, { 15, 23, 0, 0 }, 100, true },
	{ "discovered fills its share", ADMISSION_DISCOVERED, 15, 25, { 15, 24, 0, 0 }, 100, true },
	{ "discovered over its share", ADMISSION_DISCOVERED, 15, 25, { 0, 25, 0, 0 }, 100, false },
	/* allowed: what the others cannot take, and what they do not use */
	{ "remote below its share", ADMISSION_REMOTE, 15, 25, { 15, 25, 38, 0 }, 100, true },
	{ "remote fills its share", ADMISSION_REMOTE, 15, 25, { 15, 25, 39, 0 }, 100, true },
	{ "remote over its share", ADMISSION_REMOTE, 15, 25, { 0, 0, 40, 0 }, 100, false },
	{ "allowed beside remote users", ADMISSION_ALLOWED, 15, 25, { 15, 25, 40, 19 }, 100, true },
	{ "remote when allowed have all", ADMISSION_REMOTE, 15, 25, { 0, 0, 0, 100 }, 100, false },
	{ "greedy shares leave remote users one", ADMISSION_REMOTE, 200, 200, { 0, 0, 1, 0 }, 100, false },

	{ "allowed beside full lower classes", ADMISSION_ALLOWED, 15, 25, { 15, 25, 0, 58 }, 100, true },
	{ "allowed takes the last of its own", ADMISSION_ALLOWED, 15, 25, { 15, 25, 0, 59 }, 100, true },
	{ "allowed at the whole", ADMISSION_ALLOWED, 15, 25, { 15, 25, 0, 60 }, 100, false },
	{ "allowed takes what others leave", ADMISSION_ALLOWED, 15, 25, { 0, 0, 0, 99 }, 100, true },
	{ "allowed over the whole", ADMISSION_ALLOWED, 15, 25, { 0, 0, 0, 100 }, 100, false },
	/* the whole is full: nobody */
	{ "stranger when allowed have all", ADMISSION_UNIDENTIFIED, 15, 25, { 0, 0, 0, 100 }, 100, false },
	{ "discovered when allowed have the rest",
	  ADMISSION_DISCOVERED,
	  15,
	  25,
	  { 1, 0, 0, 99 },
	  100,
	  false },
	/* the defaults of the three resources: 12000, 1024, 16384 */
	{ "1799 of 12000", ADMISSION_UNIDENTIFIED, 15, 25, { 1799, 0, 0, 0 }, 12000, true },
	{ "1800 of 12000", ADMISSION_UNIDENTIFIED, 15, 25, { 1800, 0, 0, 0 }, 12000, false },
	{ "2999 of 12000", ADMISSION_DISCOVERED, 15, 25, { 0, 2999, 0, 0 }, 12000, true },
	{ "3000 of 12000", ADMISSION_DISCOVERED, 15, 25, { 0, 3000, 0, 0 }, 12000, false },
	{ "152 of 1024", ADMISSION_UNIDENTIFIED, 15, 25, { 152, 0, 0, 0 }, 1024, true },
	{ "153 of 1024", ADMISSION_UNIDENTIFIED, 15, 25, { 153, 0, 0, 0 }, 1024, false },
	{ "255 of 1024", ADMISSION_DISCOVERED, 15, 25, { 0, 255, 0, 0 }, 1024, true },
	{ "256 of 1024", ADMISSION_DISCOVERED, 15, 25, { 0, 256, 0, 0 }, 1024, false },
	{ "2456 of 16384", ADMISSION_UNIDENTIFIED, 15, 25, { 2456, 0, 0, 0 }, 16384, true },
	{ "2457 of 16384", ADMISSION_UNIDENTIFIED, 15, 25, { 2457, 0, 0, 0 }, 16384, false },
	{ "4095 of 16384", ADMISSION_DISCOVERED, 15, 25, { 0, 4095, 0, 0 }, 16384, true },
	{ "4096 of 16384", ADMISSION_DISCOVERED, 15, 25, { 0, 4096, 0, 0 }, 16384, false },
	{ "16383 of 16384", ADMISSION_ALLOWED, 15, 25, { 0, 0, 0, 16383 }, 16384, true },
	{ "16384 of 16384", ADMISSION_ALLOWED, 15, 25, { 0, 0, 0, 16384 }, 16384, false },
	/* a small whole still lets one in */
	{ "one of ten at 1 %", ADMISSION_UNIDENTIFIED, 1, 1, { 0, 0, 0, 0 }, 10, true },
	{ "two of ten at 1 %", ADMISSION_UNIDENTIFIED, 1, 1, { 1, 0, 0, 0 }, 10, false },
	/* shares that would leave allowed partners nothing are cut to nine tenths together */
	{ "greedy shares: the last stranger", ADMISSION_UNIDENTIFIED, 200, 200, { 89, 0, 0, 0 }, 100, true },
	{ "greedy shares: one more", ADMISSION_UNIDENTIFIED, 200, 200, { 90, 0, 0, 0 }, 100, false },
};

static void each_class_keeps_to_its_share(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct admission_shares shares = admission_shares(rows[i].unidentified, rows[i].discovered,
		                                                  40);

		if (admission_has_room(&shares, rows[i].class, rows[i].there, rows[i].total) !=
		    rows[i].has_room)
			fail_msg("%s", rows[i].name);
	}
}

/* How many are taken at one moment from a full bucket. */
static unsigned burst(enum admission_class class, uint64_t per_second, struct policy_rate *rate,
                      int64_t now_ms)
{
	struct admission_shares shares = admission_shares(15, 25, 40);
	unsigned count = 0;

	while (count < 1000 && admission_take(&shares, class, rate, per_second, now_ms))
		count++;
	return count;
}

static void at_once_a_class_takes_its_share_and_an_allowed_partner_all(void **state)
{
	static const struct {
		enum admission_class class;
		uint64_t per_second;
		unsigned expected;
	} cases[] = {
		{ ADMISSION_UNIDENTIFIED, 200, 30 }, { ADMISSION_DISCOVERED, 200, 80 },
		{ ADMISSION_REMOTE, 200, 160 },      { ADMISSION_ALLOWED, 200, 200 },
		{ ADMISSION_UNIDENTIFIED, 1, 1 },    { ADMISSION_DISCOVERED, 2, 1 },
		{ ADMISSION_ALLOWED, 2, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct policy_rate rate = { 0 };

		assert_int_equal(burst(cases[i].class, cases[i].per_second, &rate, 1000), cases[i].expected);
	}
}

static void strangers_have_the_whole_rate_while_nobody_else_comes_and_partners_never_wait(void **state)
{
	struct policy_rate rate = { 0 };
	struct admission_shares shares = admission_shares(15, 25, 40);
	unsigned strangers = 0;

	(void)state;
	for (int64_t now = 1000; now < 11000; now += 5)
		strangers += burst(ADMISSION_UNIDENTIFIED, 200, &rate, now);
	assert_in_range(strangers, 2028, 2030); /* ten seconds, and their share of a second at once */
	/* Their flood goes on; a partner's 170 reconnects of the same moment all begin. */
	assert_false(admission_take(&shares, ADMISSION_UNIDENTIFIED, &rate, 200, 11000 - 5));
	assert_in_range(burst(ADMISSION_ALLOWED, 200, &rate, 11000), 169, 171);
	assert_false(admission_take(&shares, ADMISSION_ALLOWED, &rate, 200, 11000));
	assert_true(admission_take(&shares, ADMISSION_ALLOWED, &rate, 200, 11005));
	assert_false(admission_take(&shares, ADMISSION_UNIDENTIFIED, &rate, 200, 11400));
}

static void a_clock_that_stands_or_goes_back_gives_nothing(void **state)
{
	struct policy_rate rate = { 0 };

	(void)state;
	assert_int_equal(burst(ADMISSION_ALLOWED, 5, &rate, 9000), 5);
	assert_int_equal(burst(ADMISSION_ALLOWED, 5, &rate, 9000), 0);
	assert_int_equal(burst(ADMISSION_ALLOWED, 5, &rate, 8000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_class_keeps_to_its_share),
		cmocka_unit_test(at_once_a_class_takes_its_share_and_an_allowed_partner_all),
		cmocka_unit_test(
		        strangers_have_the_whole_rate_while_nobody_else_comes_and_partners_never_wait),
		cmocka_unit_test(a_clock_that_stands_or_goes_back_gives_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
