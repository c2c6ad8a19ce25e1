/*
 * header: a name to its row, in any case, long or compact.
 *
 * Every received header asks this once, so it must cost a few nanoseconds and
 * yet have no second list beside header_table.def.  The switch below is over
 * the length; in each of its arms the compiler keeps only the rows whose name
 * has that length (sizeof is a constant), and each row left is one or two
 * comparisons of eight bytes.
 */
#include "daemon/sip/grammar.h"

static const struct sip_header_row rows[SIP_HEADER_ID_COUNT] = {
	[SIP_HEADER_OTHER] = { "", 0, 0, "" },
#define STRIPS_USER(flags)                                                                                   \
	((((flags) & (SIP_STRIP_IN | SIP_USER_IN)) == SIP_STRIP_IN ? SIP_STRIP_USER_IN : 0) |                \
	 (((flags) & (SIP_STRIP_OUT | SIP_USER_OUT)) == SIP_STRIP_OUT ? SIP_STRIP_USER_OUT : 0))
#define HEADER(id, name, compact, flags, source)                                                             \
	[SIP_##id] = { name, compact, (flags) | STRIPS_USER(flags), source },
#include "daemon/sip/header_table.def"
#undef HEADER
};

const struct sip_header_row *sip_header_row(enum sip_header_id id)
{
	return &rows[(unsigned)id < SIP_HEADER_ID_COUNT ? id : SIP_HEADER_OTHER];
}

#define INLINE static inline __attribute__((always_inline))

/* Setting 0x20 lowers letters and maps no two different token characters to one (RFC 3261 §25.1). */
INLINE uint64_t folded(const char *bytes, size_t count)
{
	uint64_t word = 0;

	memcpy(&word, bytes, count);
	return word | UINT64_C(0x2020202020202020);
}

/* `length` is a constant wherever this lands; words overlap at the end instead of reading past it. */
INLINE bool is_name(const char *token, const char *name, size_t length)
{
	if (length < 8)
		return folded(token, length) == folded(name, length);
	for (size_t at = 0; at + 8 <= length; at += 8)
		if (folded(token + at, 8) != folded(name + at, 8))
			return false;
	return folded(token + length - 8, 8) == folded(name + length - 8, 8);
}

INLINE enum sip_header_id of_length(const char *token, size_t length)
{
#define HEADER(id, name, ...)                                                                                \
	if (sizeof(name) - 1 == length && is_name(token, name, sizeof(name) - 1))                            \
		return SIP_##id;
#include "daemon/sip/header_table.def"
#undef HEADER
	return SIP_HEADER_OTHER;
}

static enum sip_header_id of_compact(char letter)
{
	char lower = ascii_lower(letter);

#define HEADER(id, name, compact, ...)                                                                       \
	if (compact != 0 && lower == compact)                                                                \
		return SIP_##id;
#include "daemon/sip/header_table.def"
#undef HEADER
	return SIP_HEADER_OTHER;
}

static enum sip_header_id of_prefix(struct slice name)
{
#define HEADER(id, text, ...)                                                                                \
	if (text[sizeof(text) - 2] == '*' &&                                                                 \
	    slice_starts_nocase(name, (struct slice){ text, sizeof(text) - 2 }))                             \
		return SIP_##id;
#include "daemon/sip/header_table.def"
#undef HEADER
	return SIP_HEADER_OTHER;
}

enum { LONGEST_NAME = 32 }; /* a test checks that no row is longer */

enum sip_header_id sip_header_of_token(struct slice name)
{
	enum sip_header_id id = SIP_HEADER_OTHER;

#define LENGTH(n)                                                                                            \
	case n: id = of_length(name.ptr, n); break;
	switch (name.len) {
	case 1:
		return of_compact(name.ptr[0]);
		LENGTH(2)
		LENGTH(3)
		LENGTH(4) LENGTH(5) LENGTH(6) LENGTH(7) LENGTH(8) LENGTH(9) LENGTH(10) LENGTH(11) LENGTH(12)
		        LENGTH(13) LENGTH(14) LENGTH(15) LENGTH(16) LENGTH(17) LENGTH(18) LENGTH(19)
		                LENGTH(20) LENGTH(21) LENGTH(22) LENGTH(23) LENGTH(24) LENGTH(25) LENGTH(26)
		                        LENGTH(27) LENGTH(28) LENGTH(29) LENGTH(30) LENGTH(31)
		                                LENGTH(LONGEST_NAME) default : break;
	}
#undef LENGTH
	return id != SIP_HEADER_OTHER ? id : of_prefix(name);
}

enum sip_header_id sip_header_id(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!sip_is(name.ptr[i], SIP_CHAR_TOKEN))
			return SIP_HEADER_OTHER;
	return name.len ? sip_header_of_token(name) : SIP_HEADER_OTHER;
}
