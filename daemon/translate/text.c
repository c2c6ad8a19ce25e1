/*
 * text: characters that both sides can hold.  XML 1.0 §2.2 names fewer
 * characters than UTF-8 has, SIP headers hold one line, and line ends differ.
 */
#include "daemon/translate/parts.h"

#include "shared/base/text.h"

static const struct slice REPLACEMENT = { "\xEF\xBF\xBD", 3 }; /* U+FFFD */

enum translate_answer translate_refuse(struct translate_refusal *refusal, int status,
                                       enum xmpp_condition condition, const char *why)
{
	*refusal = (struct translate_refusal){ status, condition, why };
	return TRANSLATE_REFUSED;
}

struct slice translate_taken(struct buffer *buffer, struct arena *arena)
{
	struct slice copy = buffer->is_broken ? SLICE_NONE : arena_copy(arena, buffer_slice(buffer));

	buffer_stop(buffer);
	return copy;
}

/* ---- characters ---- */

static bool is_xml_char(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0xD7FF) ||
	       (c >= 0xE000 && c <= 0xFFFD) || (c >= 0x10000 && c <= 0x10FFFF);
}

struct slice translate_line(struct slice text, size_t max, struct arena *arena)
{
	struct buffer line;

	text = slice_trim(text);
	buffer_start(&line, max);
	while (text.len > 0) {
		uint32_t c;
		size_t length = text_utf8_decode(text, &c);
		struct slice piece = slice_first(text, length);

		if (length == 0) {
			length = 1;
			piece = REPLACEMENT;
		} else if (slice_starts(text, SLICE("\r\n"))) {
			length = 2;
			piece = SLICE(" ");
		} else if (c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029) {
			piece = SLICE(" ");
		} else if (!is_xml_char(c)) {
			piece = REPLACEMENT;
		}
		if (piece.len > buffer_room(&line))
			break;
		buffer_add(&line, piece);
		text = slice_after(text, length);
	}

	struct slice copy = translate_taken(&line, arena);

	return copy.ptr ? slice_trim(copy) : copy;
}

struct slice translate_language(struct slice text)
{
	enum { LANGUAGE_MAX = 35 }; /* RFC 5646 §4.4.1: the least that a reader must hold */

	if (text.len == 0 || text.len > LANGUAGE_MAX || text.ptr[0] == '-' || text.ptr[text.len - 1] == '-')
		return SLICE("");
	for (size_t i = 0; i < text.len; i++) {
		char c = ascii_lower(text.ptr[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return SLICE("");
	}
	return text;
}

static bool holds_only(struct slice text, const char *others, size_t max)
{
	if (text.len == 0 || text.len > max)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i], lower = ascii_lower(c);

		if (!((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
		      (c != '\0' && strchr(others, c) != NULL)))
			return false;
	}
	return true;
}

bool translate_is_token(struct slice text, size_t max) { return holds_only(text, "-.!%*_+`'~", max); }

/* word [ "@" word ] (RFC 3261 §25.1), without the characters that some readers stumble over. */
bool translate_may_be_call_id(struct slice text)
{
	enum { CALL_ID_MAX = 128 };
	size_t at = slice_find(text, '@');
	static const char others[] = "-.!%*_+'~";

	return text.len <= CALL_ID_MAX && holds_only(slice_first(text, at), others, CALL_ID_MAX) &&
	       (at == text.len || holds_only(slice_after(text, at + 1), others, CALL_ID_MAX));
}

int translate_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void translate_add_escaped(struct buffer *out, uint8_t c) { buffer_printf(out, "%%%02X", c); }

/* ---- line ends ---- */

/* Rewrites every line end as `end`. */
static struct slice with_line_ends(struct slice text, struct slice end, struct arena *arena)
{
	size_t lines = 0, length = 0;

	for (size_t i = 0; i < text.len; i++)
		lines += text.ptr[i] == '\n' || text.ptr[i] == '\r';

	char *copy = arena_new(arena, text.len + lines + 1);

	if (!copy)
		return SLICE_NONE;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != '\n' && text.ptr[i] != '\r') {
			copy[length++] = text.ptr[i];
			continue;
		}
		if (text.ptr[i] == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n')
			i++;
		memcpy(copy + length, end.ptr, end.len);
		length += end.len;
	}
	return (struct slice){ copy, length };
}

struct slice translate_lines_to_lf(struct slice text, struct arena *arena)
{
	struct slice lines = with_line_ends(text, SLICE("\n"), arena);

	while (lines.len > 0 && lines.ptr[lines.len - 1] == '\n')
		lines.len--;
	return lines;
}

struct slice translate_lines_to_crlf(struct slice text, struct arena *arena)
{
	return with_line_ends(text, SLICE("\r\n"), arena);
}

/* ---- charsets ---- */

bool translate_recode(struct slice bytes, struct slice charset, struct arena *arena, struct slice *out)
{
	*out = bytes;
	if (charset.len == 0 || slice_equal_nocase(charset, SLICE("utf-8")) ||
	    slice_equal_nocase(charset, SLICE("utf8")))
		return true;
	if (slice_equal_nocase(charset, SLICE("us-ascii"))) {
		for (size_t i = 0; i < bytes.len; i++)
			if ((uint8_t)bytes.ptr[i] >= 0x80)
				return false;
		return true;
	}
	if (!slice_equal_nocase(charset, SLICE("iso-8859-1")))
		return false;

	size_t length = 0;
	char *copy = arena_new(arena, 2 * bytes.len + 1);

	for (size_t i = 0; copy && i < bytes.len; i++) {
		uint8_t c = (uint8_t)bytes.ptr[i];

		if (c < 0x80) {
			copy[length++] = (char)c;
		} else {
			copy[length++] = (char)(0xC0 | c >> 6);
			copy[length++] = (char)(0x80 | (c & 0x3F));
		}
	}
	*out = (struct slice){ copy, length };
	return true;
}
