/*
 * slice: a piece of someone else's bytes, passed by value.
 *
 * Text that came from the network is never NUL-terminated and never owned by
 * the one who reads it.  A slice lives as long as the bytes it points into;
 * what must live longer is copied, and the call that copies says so
 * (`arena_copy`, `buffer_add`).
 */
#ifndef SHARED_BASE_SLICE_H
#define SHARED_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *ptr;
	size_t len;
};

#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })
#define SLICE_NONE     ((struct slice){ NULL, 0 })

/* For printf: "%.*s", SLICE_ARG(s).  Only for text already known to be printable. */
#define SLICE_ARG(s) (int)((s).len > INT32_MAX ? INT32_MAX : (s).len), ((s).ptr ? (s).ptr : "")

static inline struct slice slice_of(const char *text) { return (struct slice){ text, text ? strlen(text) : 0 }; }

static inline bool slice_is_empty(struct slice s) { return s.len == 0; }

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c; }

/* ASCII case only: tokens, header names, domains in A-label form. */
bool slice_equal_nocase(struct slice a, struct slice b);

/* memcmp order, shorter first when one is a prefix of the other. */
int slice_compare(struct slice a, struct slice b);

static inline bool slice_starts(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}
bool slice_starts_nocase(struct slice s, struct slice prefix);
bool slice_ends_nocase(struct slice s, struct slice suffix);

/* The rest of `s` after its first `n` bytes; `n` is at most `s.len`. */
static inline struct slice slice_after(struct slice s, size_t n)
{
	return (struct slice){ n ? s.ptr + n : s.ptr, s.len - n }; /* NULL + 0 is undefined */
}
static inline struct slice slice_first(struct slice s, size_t n) { return (struct slice){ s.ptr, n }; }

/* Index of the first `c`, or `s.len` when there is none. */
static inline size_t slice_find(struct slice s, char c)
{
	const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;
	return at ? (size_t)(at - s.ptr) : s.len;
}

/* Without the blanks and tabs at both ends. */
struct slice slice_trim(struct slice s);

/*
 * Takes the part of `*rest` before the next `separator` and moves `*rest`
 * behind it.  False when `*rest` has been used up (an empty slice with a NULL
 * pointer marks that).
 */
bool slice_next(struct slice *rest, char separator, struct slice *part);

/* Decimal digits only, at most `max`; false otherwise and `out` untouched. */
bool slice_to_number(struct slice s, uint64_t max, uint64_t *out);

/* Copies into `to` (size bytes) with a NUL; false, and an empty string, when it does not fit or holds a NUL. */
bool slice_to_text(struct slice s, char *to, size_t size);

/* FNV-1a with a seed, for tables whose keys no stranger chooses freely. */
uint64_t slice_hash(struct slice s, uint64_t seed);

#endif
