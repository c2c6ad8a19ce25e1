#include "shared/base/text.h"

#include <stdio.h>

static bool is_continuation(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

size_t text_utf8_decode(struct slice s, uint32_t *code_point)
{
	if (s.len == 0)
		return 0;

	unsigned char lead = (unsigned char)s.ptr[0];
	size_t length = lead < 0x80                   ? 1
	                : lead >= 0xc2 && lead < 0xe0 ? 2
	                : lead >= 0xe0 && lead < 0xf0 ? 3
	                : lead >= 0xf0 && lead < 0xf5 ? 4
	                                              : 0;
	uint32_t value;

	if (length == 0 || length > s.len)
		return 0;
	if (length == 1) {
		*code_point = lead;
		return 1;
	}
	value = lead & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if (!is_continuation(s.ptr[i]))
			return 0;
		value = value << 6 | ((unsigned char)s.ptr[i] & 0x3fu);
	}
	if ((length == 3 && value < 0x800) || (length == 4 && value < 0x10000) || value > 0x10ffff ||
	    (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*code_point = value;
	return length;
}

size_t text_utf8_length(struct slice s)
{
	uint32_t ignored;

	return text_utf8_decode(s, &ignored);
}

bool text_is_utf8(struct slice s)
{
	while (s.len) {
		size_t n = text_utf8_length(s);

		if (n == 0)
			return false;
		s = slice_after(s, n);
	}
	return true;
}

bool text_is_hidden(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	       c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff) ||
	       (c & 0xfffe) == 0xfffe;
}

void text_escape(struct buffer *out, struct slice s)
{
	while (s.len) {
		uint32_t c;
		size_t n = text_utf8_decode(s, &c);

		if (n == 0 || text_is_hidden(c)) {
			n = n ? n : 1;
			for (size_t i = 0; i < n; i++)
				buffer_printf(out, "\\x%02x", (unsigned char)s.ptr[i]);
		} else if (c == '\\') {
			buffer_add(out, SLICE("\\\\"));
		} else {
			buffer_add(out, slice_first(s, n));
		}
		s = slice_after(s, n);
	}
}

/* How many of the first bytes are ASCII that XML takes as it stands: nearly all of any text. */
static size_t plain_run(struct slice s)
{
	size_t n = 0;

	while (n < s.len && s.ptr[n] >= ' ' && s.ptr[n] <= '~' && s.ptr[n] != '&' && s.ptr[n] != '<' &&
	       s.ptr[n] != '>' && s.ptr[n] != '"' && s.ptr[n] != '\'')
		n++;
	return n;
}

void text_escape_xml(struct buffer *out, struct slice s)
{
	while (s.len) {
		size_t run = plain_run(s), n;
		uint32_t c;

		if (run) {
			buffer_add(out, slice_first(s, run));
			s = slice_after(s, run);
			continue;
		}
		n = text_utf8_decode(s, &c);

		if (n == 0 || (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c & 0xfffe) == 0xfffe) {
			n = n ? n : 1;
			buffer_add(out, SLICE("\xef\xbf\xbd"));
		} else {
			switch (c) {
			case '&': buffer_add(out, SLICE("&amp;")); break;
			case '<': buffer_add(out, SLICE("&lt;")); break;
			case '>': buffer_add(out, SLICE("&gt;")); break;
			case '"': buffer_add(out, SLICE("&quot;")); break;
			case '\'': buffer_add(out, SLICE("&apos;")); break;
			case '\r': buffer_add(out, SLICE("&#13;")); break;
			case '\n': buffer_add(out, SLICE("&#10;")); break;
			case '\t': buffer_add(out, SLICE("&#9;")); break;
			default: buffer_add(out, slice_first(s, n));
			}
		}
		s = slice_after(s, n);
	}
}

const char *text_shown(struct slice s, char *to, size_t size)
{
	size_t used = 0;

	while (s.len) {
		uint32_t c;
		size_t n = text_utf8_decode(s, &c);
		char piece[24];
		size_t length = 0;

		if (n == 0 || text_is_hidden(c) || c == '\\') {
			n = n ? n : 1;
			for (size_t i = 0; i < n; i++)
				length += (size_t)snprintf(piece + length, sizeof piece - length, "\\x%02x",
				                           (unsigned char)s.ptr[i]);
		} else {
			memcpy(piece, s.ptr, n);
			length = n;
		}
		if (used + length >= size)
			break;
		memcpy(to + used, piece, length);
		used += length;
		s = slice_after(s, n);
	}
	if (size)
		to[used] = '\0';
	return to;
}
