/* SRV answers from raw bytes, and the order in which RFC 2782 tries them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "daemon/io/resolver.h"

#include <cmocka.h>

#include "tests/unit/guard.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
/* Header: an answer with one question and `n` records; then the question. */
#define HEADER(n) "\x12\x34\x81\x80\0\1\0" n "\0\0\0\0"
#define NAME      "\4_sip\4_tcp\1x\7example\0"
#define QUESTION  NAME "\0\x21\0\1"
#define RECORD    "\xc0\x0c\0\x21\0\1" /* of the question's name */
#define TTL       "\0\0\1\x2c"         /* 300 */
#define TARGET    "\1A\7Example\0"
#define SRV(p, w) RECORD TTL "\0\x11\0" p "\0" w "\x13\xc5" TARGET
#define BYTES(s)  (s), sizeof(s) - 1

static const struct {
	const char *behaviour;
	const char *bytes;
	size_t length;
	bool is_read;
	size_t count;
	uint32_t ttl_s;
	const char *target;
} rows[] = {
	{ "reads_one_record", BYTES(HEADER("\1") QUESTION SRV("\5", "\7")), true, 1, 300, "a.example" },
	{ "reads_two_records", BYTES(HEADER("\2") QUESTION SRV("\5", "\7") SRV("\1", "\1")), true, 2, 300,
	  "a.example" },
	{ "reads_none", BYTES(HEADER("\0") QUESTION), true, 0, 0, NULL },
	{ "takes_the_least_ttl",
	  BYTES(HEADER("\2") QUESTION SRV("\5", "\7") RECORD "\0\0\0\7\0\x11\0\1\0\1\x13\xc5" TARGET), true,
	  2, 7, "a.example" },
	{ "takes_a_ttl_above_2_to_the_31_for_0",
	  BYTES(HEADER("\1") QUESTION RECORD "\xff\0\0\0\0\x11\0\1\0\1\x13\xc5" TARGET), true, 1, 0,
	  "a.example" },
	{ "unpacks_a_compressed_target",
	  BYTES(HEADER("\1") QUESTION RECORD TTL "\0\x0a\0\1\0\1\x13\xc5\1b\xc0\x18"), true, 1, 300,
	  "b.example" },
	{ "compares_owners_without_case",
	  BYTES(HEADER("\1") QUESTION "\4_SIP\4_tcp\1X\7EXAMPLE\0\0\x21\0\1" TTL
	                              "\0\x11\0\1\0\1\x13\xc5" TARGET),
	  true, 1, 300, "a.example" },
	{ "skips_another_owner",
	  BYTES(HEADER("\1") QUESTION "\4evil\0\0\x21\0\1" TTL "\0\x11\0\1\0\1\x13\xc5" TARGET), true, 0, 0,
	  NULL },
	{ "skips_another_class",
	  BYTES(HEADER("\1") QUESTION "\xc0\x0c\0\x21\0\3" TTL "\0\x11\0\1\0\1\x13\xc5" TARGET), true, 0, 0,
	  NULL },
	{ "follows_a_cname",
	  BYTES(HEADER("\2") QUESTION "\xc0\x0c\0\5\0\1\0\0\0\x64\0\3\1c\0"
	                              "\1c\0\0\x21\0\1" TTL "\0\x11\0\1\0\1\x13\xc5" TARGET),
	  true, 1, 100, "a.example" },
	{ "follows_a_cname_that_stands_behind",
	  BYTES(HEADER("\2") QUESTION "\1c\0\0\x21\0\1" TTL "\0\x11\0\1\0\1\x13\xc5" TARGET
	                              "\xc0\x0c\0\5\0\1\0\0\0\x64\0\3\1c\0"),
	  true, 1, 100, "a.example" },
	{ "refuses_a_cname_to_itself", BYTES(HEADER("\1") QUESTION "\xc0\x0c\0\5\0\1" TTL "\0\2\xc0\x0c"),
	  false, 0, 0, NULL },
	{ "refuses_two_cnames_that_chase_each_other",
	  BYTES(HEADER("\2") QUESTION "\xc0\x0c\0\5\0\1" TTL "\0\3\1c\0"
	                              "\1c\0\0\5\0\1" TTL "\0\2\xc0\x0c"),
	  false, 0, 0, NULL },
	{ "says_none_for_the_root", BYTES(HEADER("\1") QUESTION RECORD TTL "\0\7\0\0\0\0\0\0\0"), true, 0,
	  300, NULL },
	{ "skips_port_0", BYTES(HEADER("\1") QUESTION RECORD TTL "\0\x11\0\1\0\1\0\0" TARGET), true, 0, 300,
	  NULL },
	{ "skips_a_target_with_odd_bytes",
	  BYTES(HEADER("\1") QUESTION RECORD TTL "\0\x0b\0\1\0\1\x13\xc5\3a b\0"), true, 0, 300, NULL },
	{ "skips_a_dot_inside_a_label",
	  BYTES(HEADER("\1") QUESTION RECORD TTL "\0\x0b\0\1\0\1\x13\xc5\3a.b\0"), true, 0, 300, NULL },
	{ "refuses_a_question", BYTES("\x12\x34\1\0\0\1\0\0\0\0\0\0" QUESTION), false, 0, 0, NULL },
	{ "refuses_two_questions", BYTES("\x12\x34\x81\x80\0\2\0\0\0\0\0\0" QUESTION QUESTION), false, 0, 0,
	  NULL },
	{ "refuses_an_answer_to_another_type", BYTES(HEADER("\0") NAME "\0\1\0\1"), false, 0, 0, NULL },
	{ "refuses_a_pointer_to_itself", BYTES(HEADER("\1") QUESTION "\xc0\x25\0\x21\0\1" TTL "\0\0"), false,
	  0, 0, NULL },
	{ "refuses_a_pointer_forward", BYTES(HEADER("\1") QUESTION "\xc0\xff\0\x21\0\1" TTL "\0\0"), false, 0,
	  0, NULL },
	{ "refuses_a_reserved_label", BYTES(HEADER("\1") QUESTION "\x80\0\0\x21\0\1" TTL "\0\0"), false, 0, 0,
	  NULL },
	{ "refuses_data_too_short", BYTES(HEADER("\1") QUESTION RECORD TTL "\0\5\0\1\0\1\x13"), false, 0, 0,
	  NULL },
	{ "refuses_data_too_long",
	  BYTES(HEADER("\1") QUESTION RECORD TTL "\0\x12\0\1\0\1\x13\xc5" TARGET "x"), false, 0, 0, NULL },
	{ "refuses_a_target_beyond_its_data",
	  BYTES(HEADER("\2") QUESTION RECORD TTL "\0\x08\0\1\0\1\x13\xc5\1A\7Example\0"
	                                         "\xc0\x0c\0\x21\0\1"),
	  false, 0, 0, NULL },
	{ "refuses_fewer_records_than_promised", BYTES(HEADER("\2") QUESTION SRV("\5", "\7")), false, 0, 0,
	  NULL },
	{ "refuses_nothing_at_all", BYTES(""), false, 0, 0, NULL },
};

static void reads_srv_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct guard guard = guard_copy((struct slice){ rows[i].bytes, rows[i].length });
		struct resolver_srv list[RESOLVER_SRV_MAX];
		size_t count = 99;
		uint32_t ttl_s = 99;

		printf("  %s\n", rows[i].behaviour);
		assert_int_equal(srv_answer_read((const uint8_t *)guard.bytes.ptr, guard.bytes.len, list,
		                                 &count, &ttl_s),
		                 rows[i].is_read);
		assert_int_equal(count, rows[i].count);
		assert_int_equal(ttl_s, rows[i].ttl_s);
		if (rows[i].target)
			assert_string_equal(list[0].target, rows[i].target);
		guard_free(&guard);
	}
}

static void reads_the_numbers(void **state)
{
	static const char answer[] = HEADER("\1") QUESTION RECORD TTL "\0\x11\1\2\3\4\x13\xc5" TARGET;
	struct resolver_srv list[RESOLVER_SRV_MAX];
	size_t count;
	uint32_t ttl_s;

	(void)state;
	assert_true(srv_answer_read((const uint8_t *)answer, sizeof answer - 1, list, &count, &ttl_s));
	assert_int_equal(list[0].priority, 0x102);
	assert_int_equal(list[0].weight, 0x304);
	assert_int_equal(list[0].port, 5061);
}

/* Whatever is missing at the end, it is noticed and nothing beyond is read. */
static void refuses_every_shorter_answer(void **state)
{
	static const char answer[] = HEADER("\2") QUESTION "\xc0\x0c\0\5\0\1\0\0\0\x64\0\3\1c\0"
	                                                   "\1c\0\0\x21\0\1" TTL
	                                                   "\0\x11\0\1\0\1\x13\xc5" TARGET;

	(void)state;
	for (size_t length = 0; length < sizeof answer - 1; length++) {
		struct guard guard = guard_copy((struct slice){ answer, length });
		struct resolver_srv list[RESOLVER_SRV_MAX];
		struct address addresses[RESOLVER_ADDRESSES_MAX];
		size_t count;
		uint32_t ttl_s;

		assert_false(srv_answer_read((const uint8_t *)guard.bytes.ptr, length, list, &count, &ttl_s));
		assert_int_equal(count, 0);
		assert_false(address_answer_read((const uint8_t *)guard.bytes.ptr, length, false, addresses,
		                                 &count, &ttl_s));
		guard_free(&guard);
	}
}

static void takes_at_most_sixteen(void **state)
{
	char answer[4096];
	size_t length = sizeof(HEADER("\x40") QUESTION) - 1, record = sizeof(SRV("\5", "\7")) - 1;
	struct resolver_srv list[RESOLVER_SRV_MAX];
	size_t count;
	uint32_t ttl_s;

	(void)state;
	memcpy(answer, HEADER("\x40") QUESTION, length);
	for (int i = 0; i < 0x40; i++) {
		memcpy(answer + length, SRV("\5", "\7"), record);
		length += record;
	}
	assert_true(srv_answer_read((const uint8_t *)answer, length, list, &count, &ttl_s));
	assert_int_equal(count, RESOLVER_SRV_MAX);
}

/* A chain of `steps` CNAMEs and an A record. */
static bool reads_chain(unsigned steps)
{
	char answer[1024];
	size_t at = 0;
	struct address list[RESOLVER_ADDRESSES_MAX];
	size_t count;
	uint32_t ttl_s;

	memcpy(answer, "\x12\x34\x81\x80\0\1\0", 7);
	answer[7] = (char)(steps + 1);
	memcpy(answer + 8, "\0\0\0\0\1a\0\0\1\0\1", 11);
	at = 19;
	for (unsigned i = 0; i < steps; i++) {
		memcpy(answer + at, "\1?\0\0\5\0\1\0\0\0\x64\0\3\1?\0", 16);
		answer[at + 1] = (char)('a' + i);
		answer[at + 14] = (char)('b' + i);
		at += 16;
	}
	memcpy(answer + at, "\1?\0\0\1\0\1\0\0\0\x64\0\4\xc0\0\2\1", 17);
	answer[at + 1] = (char)('a' + steps);
	at += 17;
	return address_answer_read((const uint8_t *)answer, at, false, list, &count, &ttl_s) && count == 1;
}

static void follows_eight_cnames(void **state)
{
	(void)state;
	assert_true(reads_chain(0));
	assert_true(reads_chain(8));
	assert_false(reads_chain(9));
}

static void reads_addresses(void **state)
{
	static const char v6[] = "\x12\x34\x81\x80\0\1\0\2\0\0\0\0\1a\0\0\x1c\0\1"
	                         "\xc0\x0c\0\x1c\0\1\0\0\0\x64\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
	                         "\xc0\x0c\0\x1c\0\1\0\0\0\x64\0\x10\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1";
	static const char odd[] = "\x12\x34\x81\x80\0\1\0\1\0\0\0\0\1a\0\0\1\0\1"
	                          "\xc0\x0c\0\1\0\1\0\0\0\x64\0\5\xc0\0\2\1\1";
	struct address list[RESOLVER_ADDRESSES_MAX];
	char text[ADDRESS_TEXT_BYTES];
	size_t count;
	uint32_t ttl_s;

	(void)state;
	assert_true(address_answer_read((const uint8_t *)v6, sizeof v6 - 1, true, list, &count, &ttl_s));
	assert_int_equal(count, 2);
	assert_int_equal(ttl_s, 100);
	assert_string_equal(address_text(&list[0], text), "[2001:db8::1]:0");
	/* A mapped address in DNS is what it stands for, so that the ranges see it. */
	assert_string_equal(address_text(&list[1], text), "127.0.0.1:0");
	assert_false(address_answer_read((const uint8_t *)v6, sizeof v6 - 1, false, list, &count, &ttl_s));
	assert_false(address_answer_read((const uint8_t *)odd, sizeof odd - 1, false, list, &count, &ttl_s));
}

/* ---- order ---- */

static uint32_t counting(void *to) /* all numbers in turn: what chance would give in the long run */
{
	return (*(uint32_t *)to)++;
}

static uint32_t scrambled(void *to)
{
	uint32_t *seed = to;

	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void goes_by_priority_first(void **state)
{
	struct resolver_srv list[] = {
		{ 30, 0, 1, "c" }, { 10, 5, 1, "a" }, { 20, 65535, 1, "b" }, { 10, 0, 1, "a0" }
	};
	uint32_t seed = 7;

	(void)state;
	for (int i = 0; i < 100; i++) {
		srv_order(list, COUNT(list), scrambled, &seed);
		assert_int_equal(list[0].priority, 10);
		assert_int_equal(list[1].priority, 10);
		assert_int_equal(list[2].priority, 20);
		assert_int_equal(list[3].priority, 30);
	}
	srv_order(list, 0, scrambled, &seed);
	srv_order(list, 1, scrambled, &seed);
}

static void shares_by_weight(void **state)
{
	/* Sum 100: of 101 draws, 0..0 to the zero, 1..10, 11..40, 41..100. */
	static const struct {
		uint16_t weight;
		unsigned expected;
	} shares[] = { { 0, 1 }, { 10, 10 }, { 30, 30 }, { 60, 60 } };
	unsigned first[COUNT(shares)] = { 0 };

	(void)state;
	for (uint32_t draw = 0; draw < 101; draw++) {
		struct resolver_srv list[] = {
			{ 1, 60, 1, "d" }, { 1, 10, 1, "b" }, { 1, 0, 1, "a" }, { 1, 30, 1, "c" }
		};
		uint32_t next = draw;
		bool seen[256] = { false };

		/* Zero first, then in the order given: 0, 60, 10, 30. */
		srv_order(list, COUNT(list), counting, &next);
		for (size_t i = 0; i < COUNT(shares); i++)
			first[i] += list[0].weight == shares[i].weight;
		for (size_t i = 0; i < COUNT(list); i++) {
			assert_false(seen[(unsigned char)list[i].target[0]]);
			seen[(unsigned char)list[i].target[0]] = true;
		}
	}
	for (size_t i = 0; i < COUNT(shares); i++)
		assert_int_equal(first[i], shares[i].expected);
}

static void takes_zeros_when_all_are_zero(void **state)
{
	struct resolver_srv list[RESOLVER_SRV_MAX];
	uint32_t seed = 1;

	(void)state;
	memset(list, 0, sizeof list);
	for (size_t i = 0; i < COUNT(list); i++)
		list[i].port = (uint16_t)(i + 1);
	srv_order(list, COUNT(list), scrambled, &seed);
	for (size_t i = 0; i < COUNT(list); i++)
		assert_int_equal(list[i].port, i + 1);
	/* The greatest sum does not overflow. */
	for (size_t i = 0; i < COUNT(list); i++)
		list[i].weight = UINT16_MAX;
	srv_order(list, COUNT(list), scrambled, &seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_srv_answers),
		cmocka_unit_test(reads_the_numbers),
		cmocka_unit_test(refuses_every_shorter_answer),
		cmocka_unit_test(takes_at_most_sixteen),
		cmocka_unit_test(follows_eight_cnames),
		cmocka_unit_test(reads_addresses),
		cmocka_unit_test(goes_by_priority_first),
		cmocka_unit_test(shares_by_weight),
		cmocka_unit_test(takes_zeros_when_all_are_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
