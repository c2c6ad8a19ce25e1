#include "shared/base/slice.h"

bool slice_equal_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) /* most are the same letter for letter */
		if (a.ptr[i] != b.ptr[i] && ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
			return false;
	return true;
}

int slice_compare(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.ptr, b.ptr, n) : 0;

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

bool slice_starts_nocase(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_equal_nocase(slice_first(s, prefix.len), prefix);
}

bool slice_ends_nocase(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len && slice_equal_nocase(slice_after(s, s.len - suffix.len), suffix);
}

struct slice slice_trim(struct slice s)
{
	while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
		s = slice_after(s, 1);
	while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
	return s;
}

bool slice_next(struct slice *rest, char separator, struct slice *part)
{
	if (rest->ptr == NULL)
		return false;

	size_t at = slice_find(*rest, separator);

	*part = slice_first(*rest, at);
	*rest = at < rest->len ? slice_after(*rest, at + 1) : SLICE_NONE;
	return true;
}

bool slice_to_number(struct slice s, uint64_t max, uint64_t *out)
{
	uint64_t number = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		if (__builtin_mul_overflow(number, UINT64_C(10), &number) ||
		    __builtin_add_overflow(number, (uint64_t)(s.ptr[i] - '0'), &number) || number > max)
			return false;
	}
	*out = number;
	return true;
}

bool slice_to_text(struct slice s, char *to, size_t size)
{
	if (size == 0)
		return false;
	to[0] = '\0';
	if (s.len >= size || (s.len && memchr(s.ptr, '\0', s.len)))
		return false;
	if (s.len)
		memcpy(to, s.ptr, s.len);
	to[s.len] = '\0';
	return true;
}

uint64_t slice_hash(struct slice s, uint64_t seed)
{
	uint64_t h = UINT64_C(14695981039346656037) ^ seed;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (uint8_t)s.ptr[i]) * UINT64_C(1099511628211);
	return h ^ (h >> 32);
}
