#include "daemon/config/prolog.h"

#include "shared/base/text.h"

enum { DECLARATION_BYTES_MAX = 128 };

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static void skip_blanks(struct slice *rest)
{
	while (rest->len && is_blank(rest->ptr[0]))
		*rest = slice_after(*rest, 1);
}

/* name = "value", in either quotes. */
static bool next_pair(struct slice *rest, struct slice *name, struct slice *value)
{
	size_t length = 0;

	skip_blanks(rest);
	while (length < rest->len && rest->ptr[length] >= 'a' && rest->ptr[length] <= 'z')
		length++;
	*name = slice_first(*rest, length);
	*rest = slice_after(*rest, length);
	skip_blanks(rest);
	if (!length || !rest->len || rest->ptr[0] != '=')
		return false;
	*rest = slice_after(*rest, 1);
	skip_blanks(rest);
	if (!rest->len || (rest->ptr[0] != '"' && rest->ptr[0] != '\''))
		return false;

	char quote = rest->ptr[0];

	*rest = slice_after(*rest, 1);
	length = slice_find(*rest, quote);
	if (length == rest->len)
		return false;
	*value = slice_first(*rest, length);
	*rest = slice_after(*rest, length + 1);
	return true;
}

static const char *check_declaration(struct slice rest)
{
	struct slice name, value;

	for (skip_blanks(&rest); rest.len; skip_blanks(&rest)) {
		if (!next_pair(&rest, &name, &value))
			return "has an XML declaration that cannot be read";
		if (slice_equal(name, SLICE("version"))) {
			if (!slice_equal(value, SLICE("1.0")))
				return "is not XML 1.0";
		} else if (slice_equal(name, SLICE("encoding"))) {
			if (!slice_equal_nocase(value, SLICE("UTF-8")))
				return "declares an encoding other than UTF-8";
		} else if (!slice_equal(name, SLICE("standalone"))) {
			return "has an XML declaration that cannot be read";
		}
	}
	return NULL;
}

const char *config_prolog_check(struct slice *bytes)
{
	struct slice mark = SLICE("\xef\xbb\xbf"), start = SLICE("<?xml");

	if (slice_starts(*bytes, mark))
		*bytes = slice_after(*bytes, mark.len);
	if (slice_is_empty(*bytes))
		return "is empty";
	if (!text_is_utf8(*bytes))
		return "is not UTF-8";
	if (!slice_starts(*bytes, start) || bytes->len == start.len || !is_blank(bytes->ptr[start.len]))
		return NULL;

	struct slice inside = slice_after(*bytes, start.len);

	for (size_t i = 0; i + 1 < inside.len && i < DECLARATION_BYTES_MAX; i++)
		if (inside.ptr[i] == '?' && inside.ptr[i + 1] == '>')
			return check_declaration(slice_first(inside, i));
	return "has an XML declaration that does not end";
}
