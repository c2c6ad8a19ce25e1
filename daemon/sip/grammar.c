/*
 * grammar: characters, blanks, quoted strings, parameters.  RFC 3261 §25.1.
 */
#include "daemon/sip/grammar.h"

#define T SIP_CHAR_TOKEN
#define U SIP_CHAR_USER
#define P SIP_CHAR_PASSWORD
#define A SIP_CHAR_PARAM
#define H SIP_CHAR_HEADER
#define O SIP_CHAR_HOST
#define V SIP_CHAR_VALUE
#define R SIP_CHAR_URI

/* DEPARTS: RFC 3261 §25.1 has no '_' in host names; machines inside Windows domains do, and it misleads nobody. */
const uint8_t sip_chars[256] = {
	['0' ... '9'] = T | U | P | A | H | O | V | R,
	['A' ... 'Z'] = T | U | P | A | H | O | V | R,
	['a' ... 'z'] = T | U | P | A | H | O | V | R,
	['!'] = T | U | P | A | H | V | R,
	['#'] = V | R,
	['$'] = U | P | A | H | V | R,
	['%'] = T | V | R,
	['&'] = U | P | A | H | V | R,
	['\''] = T | U | P | A | H | V | R,
	['('] = U | P | A | H | V | R,
	[')'] = U | P | A | H | V | R,
	['*'] = T | U | P | A | H | V | R,
	['+'] = T | U | P | A | H | V | R,
	[','] = U | P | A | R,
	['-'] = T | U | P | A | H | O | V | R,
	['.'] = T | U | P | A | H | O | V | R,
	['/'] = U | A | H | V | R,
	[':'] = A | H | V | R,
	[';'] = U | R,
	['='] = U | P | A | H | V | R,
	['?'] = U | H | V | R,
	['@'] = V | R,
	['['] = A | H | V | R,
	[']'] = A | H | V | R,
	['^'] = V,
	['_'] = T | U | P | A | H | O | V | R,
	['`'] = T | V,
	['{'] = V,
	['|'] = V,
	['}'] = V,
	['~'] = T | U | P | A | H | V | R,
};

#undef T
#undef U
#undef P
#undef A
#undef H
#undef O
#undef V
#undef R

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/*
 * The high bit of the first byte that is below 0x20 or 0x7f is set, and none
 * before it; behind it borrows may set more.  Bytes of UTF-8 do not count.
 */
static inline uint64_t control_marks(uint64_t eight)
{
	uint64_t below = (eight - EACH_BYTE(0x20)) & ~eight;
	uint64_t is_del = eight ^ EACH_BYTE(0x7f);

	return (below | ((is_del - EACH_BYTE(0x01)) & ~is_del)) & EACH_BYTE(0x80);
}

/* Eight bytes, the first one in the lowest bits whatever the machine. */
static inline uint64_t load_eight(const char *at)
{
	uint64_t eight;

	memcpy(&eight, at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	eight = __builtin_bswap64(eight);
#endif
	return eight;
}

const char *sip_next_control(const char *at, const char *end)
{
	while (end - at >= 8) {
		uint64_t marks = control_marks(load_eight(at));

		if (marks == 0) {
			at += 8;
			continue;
		}
		at += __builtin_ctzll(marks) / 8;
		if (*at != '\t')
			return at;
		at++;
	}
	for (; at < end; at++)
		if (((uint8_t)*at < 0x20 && *at != '\t') || *at == 0x7f)
			return at;
	return end;
}

static bool is_hex(char c) { return sip_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f'); }

size_t sip_span_escaped(struct slice s, unsigned classes)
{
	size_t n = 0;

	for (;;) {
		while (n < s.len && sip_is(s.ptr[n], classes) && s.ptr[n] != '%')
			n++;
		if (s.len - n < 3 || s.ptr[n] != '%' || !is_hex(s.ptr[n + 1]) || !is_hex(s.ptr[n + 2]))
			return n;
		n += 3;
	}
}

size_t sip_quoted_length(struct slice s)
{
	if (s.len < 2 || s.ptr[0] != '"')
		return 0;
	for (size_t at = 1; at < s.len; at++) {
		if (s.ptr[at] == '"')
			return at + 1;
		if (s.ptr[at] == '\\')
			at++;
	}
	return 0;
}

enum sip_parse sip_bad(struct sip_fault *fault, struct slice whole, const char *at, int status,
                       const char *why)
{
	if (fault)
		*fault = (struct sip_fault){ at && whole.ptr ? (size_t)(at - whole.ptr) : 0, why, status };
	return SIP_PARSE_BAD;
}

bool sip_value_take(struct slice *rest, struct slice *value)
{
	if (rest->ptr == NULL)
		return false;

	size_t at = 0;

	while (at < rest->len && rest->ptr[at] != ',') {
		char c = rest->ptr[at];

		if (c != '"' && c != '<') {
			at++;
			continue;
		}
		/* To the end of the quotes or brackets, or to the end of all when they stay open. */
		struct slice ahead = slice_after(*rest, at);
		size_t length = c == '"' ? sip_quoted_length(ahead) : slice_find(ahead, '>') + 1;

		at += length > 0 && length <= ahead.len ? length : ahead.len;
	}
	*value = slice_trim(slice_first(*rest, at));
	*rest = at < rest->len ? slice_after(*rest, at + 1) : SLICE_NONE;
	return true;
}
