/* slice, buffer, arena, map, handles, text, json, clock: one row or case a promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "shared/base/arena.h"
#include "shared/base/buffer.h"
#include "shared/base/clock.h"
#include "shared/base/handles.h"
#include "shared/base/json.h"
#include "shared/base/map.h"
#include "shared/base/memory.h"
#include "shared/base/text.h"

/* After ours: cmocka has a macro called fail. */
#include <cmocka.h>

static void numbers_are_digits_within_their_limit(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool is_number;
		uint64_t value;
	} rows[] = {
		{ "0", 0, true, 0 },
		{ "65535", 65535, true, 65535 },
		{ "65536", 65535, false, 0 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
		{ "99999999999999999999999", UINT64_MAX, false, 0 },
		{ "", 9, false, 0 },
		{ "-1", 9, false, 0 },
		{ "+1", 9, false, 0 },
		{ "1 ", 9, false, 0 },
		{ "0x1", 9, false, 0 },
		{ "007", 9, true, 7 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint64_t value = 77;
		bool got = slice_to_number(slice_of(rows[i].text), rows[i].max, &value);

		assert_int_equal(got, rows[i].is_number);
		assert_int_equal(value, got ? rows[i].value : 77);
	}
}

static void splitting_gives_every_part_once(void **state)
{
	struct slice rest = SLICE("a,,b,"), part;
	char seen[32] = "";
	size_t at = 0;

	(void)state;
	while (slice_next(&rest, ',', &part))
		at += (size_t)snprintf(seen + at, sizeof seen - at, "[%.*s]", SLICE_ARG(part));
	assert_string_equal(seen, "[a][][b][]");
}

static void text_with_a_nul_or_too_long_is_refused(void **state)
{
	char to[4];

	(void)state;
	assert_true(slice_to_text(SLICE("abc"), to, sizeof to));
	assert_false(slice_to_text(SLICE("abcd"), to, sizeof to));
	assert_string_equal(to, "");
	assert_false(slice_to_text(SLICE("a\0b"), to, sizeof to));
}

static void buffer_never_holds_more_than_its_maximum(void **state)
{
	struct buffer b;

	(void)state;
	buffer_start(&b, 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_true(buffer_add_char(&b, (char)('a' + i % 26)));
	assert_false(buffer_add_char(&b, 'x'));
	assert_true(b.is_broken);
	assert_int_equal(buffer_length(&b), 1000);
	b.is_broken = false;
	buffer_consume(&b, 999);
	assert_true(buffer_add(&b, SLICE("0123456789")));
	assert_int_equal(buffer_length(&b), 11);
	assert_int_equal(buffer_slice(&b).ptr[10], '9');
	buffer_stop(&b);
}

static void a_fixed_buffer_never_asks_for_memory(void **state)
{
	struct buffer b;
	char room[16];

	(void)state;
#ifdef PARLEY_FAULTS
	mem_fail_at(1);
#endif
	buffer_start_fixed(&b, room, sizeof room);
	assert_true(buffer_printf(&b, "%s", "0123456789")); /* and its NUL */
	assert_ptr_equal(buffer_slice(&b).ptr, room);
	buffer_consume(&b, 6);
	assert_true(buffer_add(&b, SLICE("abcdefghijkl"))); /* moved down: 4 + 12 */
	assert_true(slice_equal(buffer_slice(&b), SLICE("6789abcdefghijkl")));
	assert_false(buffer_add_char(&b, 'x'));
	assert_true(b.is_broken);
	buffer_release(&b);
	assert_true(buffer_add(&b, SLICE("again")));
	buffer_stop(&b);
#ifdef PARLEY_FAULTS
	mem_fail_at(0);
#endif
}

static void buffer_as_a_queue_moves_each_byte_few_times(void **state)
{
	struct buffer b;
	uint64_t in = 0, out = 0;

	(void)state;
	buffer_start(&b, 4096);
	for (int round = 0; round < 10000; round++) {
		while (buffer_room(&b) >= sizeof in && buffer_length(&b) < 3000) {
			assert_true(buffer_add(&b, (struct slice){ (const char *)&in, sizeof in }));
			in++;
		}
		for (int i = 0; i < 50 && buffer_length(&b); i++) {
			uint64_t got;

			memcpy(&got, buffer_slice(&b).ptr, sizeof got);
			assert_int_equal(got, out++);
			buffer_consume(&b, sizeof got);
		}
	}
	assert_true(b.size <= 8192);
	buffer_stop(&b);
}

static void arena_stops_at_its_limit_and_is_clean_after_reset(void **state)
{
	struct arena a;

	(void)state;
	arena_start(&a, 64 * 1024);
	for (int round = 0; round < 3; round++) {
		size_t given = 0;
		char *p;

		while ((p = arena_new(&a, 1000))) {
			for (int i = 0; i < 1000; i++)
				assert_int_equal(p[i], 0);
			memset(p, 0xff, 1000);
			given++;
		}
		assert_int_equal(given, 64 * 1024 / 1008);
		arena_reset(&a);
	}
	assert_null(arena_new(&a, SIZE_MAX));
	assert_null(arena_new_array(&a, SIZE_MAX / 2, 4));
	arena_stop(&a);
	assert_int_equal(arena_held(&a), 0);
	arena_start_small(&a, 64 * 1024);
	assert_non_null(arena_new(&a, 100));
	assert_true(arena_held(&a) >= 100 && arena_held(&a) < 1024);
	assert_non_null(arena_new(&a, 10000));
	assert_true(arena_held(&a) >= 10100 && arena_held(&a) < 12000);
	arena_stop(&a);
}

static void map_finds_what_was_added_and_nothing_else(void **state)
{
	struct map m;
	static char keys[5000][16];
	struct siphash_key seed = { 1, 2 };

	(void)state;
	map_start(&m, 5000, seed);
	for (int i = 0; i < 5000; i++) {
		snprintf(keys[i], sizeof keys[i], "key-%d", i);
		assert_int_equal(map_add(&m, slice_of(keys[i]), keys[i]), RESULT_OK);
	}
	assert_int_equal(map_add(&m, slice_of(keys[7]), keys[7]), RESULT_EXISTS);
	assert_int_equal(map_add(&m, SLICE("one more"), keys[0]), RESULT_LIMIT);
	for (int i = 0; i < 5000; i += 2)
		assert_ptr_equal(map_remove(&m, slice_of(keys[i])), keys[i]);
	for (int i = 0; i < 5000; i++)
		assert_ptr_equal(map_get(&m, slice_of(keys[i])), i % 2 ? keys[i] : NULL);
	assert_int_equal(map_add(&m, SLICE(""), keys[0]), RESULT_OK);
	assert_ptr_equal(map_get(&m, SLICE("")), keys[0]);
	map_stop(&m);
}

static void a_handle_finds_nothing_once_its_object_is_gone(void **state)
{
	struct handles h;
	int a, b;

	(void)state;
	handles_start(&h, 2);
	handle ha = handles_add(&h, &a), hb = handles_add(&h, &b);

	assert_int_equal(handles_add(&h, &a), 0);
	assert_ptr_equal(handles_get(&h, ha), &a);
	handles_remove(&h, ha);
	assert_null(handles_get(&h, ha));
	handle hc = handles_add(&h, &b);

	assert_true(hc != ha);
	assert_null(handles_get(&h, ha));
	assert_ptr_equal(handles_get(&h, hb), &b);
	assert_null(handles_get(&h, 0));
	handles_remove(&h, ha);
	assert_ptr_equal(handles_get(&h, hc), &b);
	handles_stop(&h);
}

static void what_is_no_utf8_is_named_so(void **state)
{
	static const struct {
		struct slice bytes;
		bool is_utf8;
	} rows[] = {
		{ SLICE("plain"), true },
		{ SLICE("\xc3\xa9"), true },
		{ SLICE("\xe5\x85\xb1"), true },
		{ SLICE("\xf0\x9f\x98\x80"), true },
		{ SLICE("\xc0\xaf"), false },         /* overlong */
		{ SLICE("\xe0\x80\xaf"), false },     /* overlong */
		{ SLICE("\xed\xa0\x80"), false },     /* surrogate */
		{ SLICE("\xf4\x90\x80\x80"), false }, /* above U+10FFFF */
		{ SLICE("\xe5\x85"), false },         /* cut off */
		{ SLICE("\x80"), false },
		{ SLICE("\xff"), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(text_is_utf8(rows[i].bytes), rows[i].is_utf8);
}

static void hostile_text_becomes_one_printable_line(void **state)
{
	struct buffer b;
	char shown[16];

	(void)state;
	buffer_start(&b, 1000);
	text_escape(&b, SLICE("a\r\n\x1b]0;x\x07 \\ \xe2\x80\xae \xff"));
	buffer_add_char(&b, '\0');
	assert_string_equal(b.bytes, "a\\x0d\\x0a\\x1b]0;x\\x07 \\\\ \\xe2\\x80\\xae \\xff");
	buffer_clear(&b);
	text_escape_xml(&b, SLICE("<a b='\"&\r\x01\xef\xbf\xbe>"));
	buffer_add_char(&b, '\0');
	assert_string_equal(b.bytes, "&lt;a b=&apos;&quot;&amp;&#13;\xef\xbf\xbd\xef\xbf\xbd&gt;");
	assert_string_equal(text_shown(SLICE("0123456789\n0123456789"), shown, sizeof shown),
	                    "0123456789\\x0a0");
	buffer_stop(&b);
}

static void json_written_can_be_read(void **state)
{
	struct buffer b;
	struct json *value = NULL;
	struct reason reason = { "" };

	(void)state;
	buffer_start(&b, 10000);
	struct json_writer w = json_write(&b);

	json_open_object(&w, NULL);
	json_put_slice(&w, "hostile", SLICE("\"\\\n\x01\xff<"));
	json_put_number(&w, "n", -5);
	json_open_array(&w, "list");
	json_put_bool(&w, NULL, true);
	json_put_null(&w, NULL);
	json_open_object(&w, NULL);
	json_close_object(&w);
	json_close_array(&w);
	json_put_real(&w, "r", 0.5);
	json_close_object(&w);
	assert_false(b.is_broken);
	assert_int_equal(json_read(buffer_slice(&b), &value, &reason), RESULT_OK);
	assert_int_equal(json_as_number(json_get(value, "n"), 0), -5);
	assert_int_equal(json_count(json_get(value, "list")), 3);
	assert_true(slice_equal(json_as_slice(json_get(value, "hostile")), SLICE("\"\\\n\x01\xef\xbf\xbd<")));
	assert_null(json_get(value, "absent"));
	json_free(&value);
	buffer_stop(&b);
}

static void json_that_is_wrong_is_refused_with_its_place(void **state)
{
	static const char *const rows[] = { "",      "{",       "{\"a\":1,\"a\":2}",
		                            "[1,]",  "nul",     "\"\\u0000\"",
		                            "{} {}", "\"\xff\"" };
	struct json *value = NULL;
	struct reason reason;
	char deep[200];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		reason.text[0] = '\0';
		assert_int_equal(json_read(slice_of(rows[i]), &value, &reason), RESULT_INVALID);
		assert_true(reason.text[0] != '\0');
	}
	memset(deep, '[', sizeof deep);
	assert_int_equal(json_read((struct slice){ deep, sizeof deep }, &value, &reason), RESULT_INVALID);
	memset(deep, '[', 32);
	memset(deep + 32, ']', 32);
	assert_int_equal(json_read((struct slice){ deep, 64 }, &value, &reason), RESULT_OK);
	json_free(&value);
}

static void siphash_gives_the_published_vector(void **state)
{
	/* Key 00..0f, input 00..0e: the vector of the SipHash paper's appendix A. */
	struct siphash_key key = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };
	char input[15];

	(void)state;
	for (int i = 0; i < 15; i++)
		input[i] = (char)i;
	assert_int_equal(siphash(key, (struct slice){ input, 15 }), UINT64_C(0xa129ca6149be45e5));
}

static void time_is_written_as_iso(void **state)
{
	char text[INSTANT_TEXT_BYTES];

	(void)state;
	instant_text(INT64_C(1795383579123), text);
	assert_string_equal(text, "2026-11-22T21:39:39.123Z");
	instant_text(-1, text);
	assert_string_equal(text, "0000-00-00T00:00:00.000Z");
}

/* Every path with the nth allocation failing, until it needs no more. */
static void each_allocation_may_fail(void **state)
{
	(void)state;
	for (unsigned long n = 1;; n++) {
		struct buffer b;
		struct arena a;
		struct map m;
		struct handles h;
		bool failed = false;
		int object;

		mem_fail_at(n);
		buffer_start(&b, 100000);
		for (int i = 0; i < 3000; i++)
			failed |= !buffer_add(&b, SLICE("0123456789"));
		arena_start(&a, 100000);
		for (int i = 0; i < 50; i++)
			failed |= !arena_new(&a, 1000);
		map_start(&m, 100, (struct siphash_key){ 1, 2 });
		static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

		for (size_t i = 0; i < 26; i++)
			failed |= map_add(&m, (struct slice){ letters + i, 1 }, &object) != RESULT_OK;
		handles_start(&h, 100);
		for (int i = 0; i < 40; i++)
			failed |= handles_add(&h, &object) == 0;
		mem_fail_at(0);
		buffer_stop(&b);
		arena_stop(&a);
		map_stop(&m);
		handles_stop(&h);
		if (!failed) {
			assert_true(n > 5);
			return;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_digits_within_their_limit),
		cmocka_unit_test(splitting_gives_every_part_once),
		cmocka_unit_test(text_with_a_nul_or_too_long_is_refused),
		cmocka_unit_test(buffer_never_holds_more_than_its_maximum),
		cmocka_unit_test(a_fixed_buffer_never_asks_for_memory),
		cmocka_unit_test(buffer_as_a_queue_moves_each_byte_few_times),
		cmocka_unit_test(arena_stops_at_its_limit_and_is_clean_after_reset),
		cmocka_unit_test(map_finds_what_was_added_and_nothing_else),
		cmocka_unit_test(a_handle_finds_nothing_once_its_object_is_gone),
		cmocka_unit_test(what_is_no_utf8_is_named_so),
		cmocka_unit_test(hostile_text_becomes_one_printable_line),
		cmocka_unit_test(json_written_can_be_read),
		cmocka_unit_test(json_that_is_wrong_is_refused_with_its_place),
		cmocka_unit_test(siphash_gives_the_published_vector),
		cmocka_unit_test(time_is_written_as_iso),
		cmocka_unit_test(each_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
