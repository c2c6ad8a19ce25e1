/*
 * table: rows of tests/tables/translate-*.txt: columns between bars, \xHH, \r,
 * \n and \\ in them, comments and empty lines left out.
 */
#ifndef TESTS_UNIT_TRANSLATE_TABLE_H
#define TESTS_UNIT_TRANSLATE_TABLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/translate/translate.h"
#include "tests/unit/guard.h"

#include <cmocka.h>

#undef COUNT
#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

enum { TABLE_BYTES = 128 * 1024, COLUMNS_MAX = 6 };

struct table {
	char bytes[TABLE_BYTES];
	struct slice rest;
	struct slice columns[COLUMNS_MAX];
	struct arena arena; /* emptied with each row */
	size_t rows, wrong;
};

static inline int table_hex(char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; }

static inline struct slice table_plain(struct arena *arena, struct slice text)
{
	char *to = arena_new(arena, 8 * 1024 + text.len);
	size_t used = 0;

	assert_non_null(to);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		size_t digits = 0;
		uint64_t times;

		if (c == '\\' && i + 1 < text.len) {
			c = text.ptr[++i];
			if (c == 'x') {
				c = (char)(table_hex(text.ptr[i + 1]) << 4 | table_hex(text.ptr[i + 2]));
				i += 2;
			} else if (c == 'n' || c == 'r') {
				c = c == 'n' ? '\n' : '\r';
			}
		}
		/* 1024*a */
		while (i + digits < text.len && text.ptr[i + digits] >= '0' && text.ptr[i + digits] <= '9')
			digits++;
		if (digits > 2 && i + digits + 1 < text.len && text.ptr[i + digits] == '*' &&
		    slice_to_number((struct slice){ text.ptr + i, digits }, 2048, &times)) {
			struct slice piece = slice_after(text, i + digits + 1);

			piece = table_plain(arena, slice_first(piece, piece.ptr[0] == '\\' ? 12 : 1));
			for (uint64_t k = 0; k < times; k++) {
				memcpy(to + used, piece.ptr, piece.len);
				used += piece.len;
			}
			i += digits + (text.ptr[i + digits + 1] == '\\' ? 12 : 1);
			continue;
		}
		to[used++] = c;
	}
	return (struct slice){ to, used };
}

static inline void table_start(struct table *t, const char *path)
{
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	*t = (struct table){ .rows = 0 };
	t->rest = (struct slice){ t->bytes, fread(t->bytes, 1, sizeof t->bytes, file) };
	assert_true(t->rest.len < sizeof t->bytes);
	fclose(file);
	arena_start(&t->arena, 4 * TRANSLATE_ARENA_MAX);
}

static inline bool table_next(struct table *t, size_t columns)
{
	struct slice line;

	while (slice_next(&t->rest, '\n', &line)) {
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		arena_reset(&t->arena);
		for (size_t i = 0; i < columns; i++) {
			if (!slice_next(&line, '|', &t->columns[i]))
				fail_msg("%.*s: column %zu is missing", SLICE_ARG(t->columns[0]), i);
			t->columns[i] = table_plain(&t->arena, slice_trim(t->columns[i]));
		}
		assert_null(line.ptr);
		t->rows++;
		return true;
	}
	return false;
}

static inline void table_expect(struct table *t, struct slice got, struct slice wanted)
{
	if (slice_equal(got, wanted))
		return;
	print_error("%.*s:\n   got    %.*s\n   wanted %.*s\n", SLICE_ARG(t->columns[0]), SLICE_ARG(got),
	            SLICE_ARG(wanted));
	t->wrong++;
}

static inline void table_stop(struct table *t, size_t rows_min)
{
	arena_stop(&t->arena);
	assert_int_equal(t->wrong, 0);
	assert_true(t->rows >= rows_min);
}

#endif
