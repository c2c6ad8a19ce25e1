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

/* Sixteen bytes at once (gcc's and clang's vectors: one instruction where the machine has it, several where not). */
typedef uint8_t sixteen __attribute__((vector_size(16)));
typedef uint64_t two_words __attribute__((vector_size(16)));

/* Which of the sixteen bytes are below 0x20 or 0x7f: 0 to 15, or 16 when none is.  Bytes of UTF-8 do not count. */
static inline size_t first_control(const char *at)
{
	sixteen bytes;

	memcpy(&bytes, at, sizeof bytes);

	two_words found = (two_words)((bytes < 0x20) | (bytes == 0x7f));

	if ((found[0] | found[1]) == 0)
		return sizeof bytes;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return (size_t)(found[0] ? __builtin_clzll(found[0]) : 64 + __builtin_clzll(found[1])) / 8;
#else
	return (size_t)(found[0] ? __builtin_ctzll(found[0]) : 64 + __builtin_ctzll(found[1])) / 8;
#endif
}

const char *sip_next_control(const char *at, const char *end)
{
	while (end - at >= 16) {
		size_t clean = first_control(at);

		at += clean;
		if (clean == 16)
			continue;
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

	static const bool is_special[256] = { [','] = true, ['"'] = true, ['<'] = true };
	size_t at = 0;

	for (;;) {
		while (at < rest->len && !is_special[(uint8_t)rest->ptr[at]])
			at++;
		if (at == rest->len || rest->ptr[at] == ',')
			break;
		/* To the end of the quotes or brackets, or to the end of all when they stay open. */
		struct slice ahead = slice_after(*rest, at);
		size_t length = rest->ptr[at] == '"' ? sip_quoted_length(ahead) : slice_find(ahead, '>') + 1;

		at += length > 0 && length <= ahead.len ? length : ahead.len;
	}
	*value = slice_trim(slice_first(*rest, at));
	*rest = at < rest->len ? slice_after(*rest, at + 1) : SLICE_NONE;
	return true;
}
