/*
 * The XML declaration, XML 1.0 §2.8: read here and never shown to the parser,
 * which would obey an encoding it names; under UTF-7 plain letters are markup.
 */
#include "daemon/xmpp/reader.h"

enum { DECLARATION_MAX = 128 };

static enum result refuse(struct xmpp_fault *fault, enum xmpp_stream_error error, const char *why)
{
	*fault = (struct xmpp_fault){ error, why };
	return RESULT_INVALID;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static struct slice skip_blanks(struct slice s)
{
	while (s.len && is_blank(s.ptr[0]))
		s = slice_after(s, 1);
	return s;
}

/* name = 'value' or "value", blanks in front. */
static bool next_pair(struct slice *rest, struct slice *name, struct slice *value)
{
	struct slice s = skip_blanks(*rest);
	size_t equals = slice_find(s, '='), end;
	char quote;

	if (s.ptr == rest->ptr || equals == s.len)
		return false;
	*name = slice_first(s, equals);
	while (name->len && is_blank(name->ptr[name->len - 1]))
		name->len--;
	s = skip_blanks(slice_after(s, equals + 1));
	if (s.len == 0 || (s.ptr[0] != '\'' && s.ptr[0] != '"'))
		return false;
	quote = s.ptr[0];
	s = slice_after(s, 1);
	end = slice_find(s, quote);
	if (end == s.len)
		return false;
	*value = slice_first(s, end);
	*rest = slice_after(s, end + 1);
	return true;
}

static enum result check(struct slice inside, struct xmpp_fault *fault)
{
	struct slice name, value;

	if (!next_pair(&inside, &name, &value) || !slice_equal(name, SLICE("version")))
		return refuse(fault, XMPP_STREAM_NOT_WELL_FORMED, "the XML declaration names no version");
	if (!slice_equal(value, SLICE("1.0")))
		return refuse(fault, XMPP_STREAM_NOT_WELL_FORMED, "only XML 1.0 is spoken");
	while (next_pair(&inside, &name, &value)) {
		if (slice_equal(name, SLICE("encoding"))) {
			if (!slice_equal_nocase(value, SLICE("utf-8")))
				return refuse(fault, XMPP_STREAM_UNSUPPORTED_ENCODING,
				              "only UTF-8 may stand on a stream");
		} else if (!slice_equal(name, SLICE("standalone"))) {
			return refuse(fault, XMPP_STREAM_NOT_WELL_FORMED, "the XML declaration is malformed");
		}
	}
	return skip_blanks(inside).len == 0
	               ? RESULT_OK
	               : refuse(fault, XMPP_STREAM_NOT_WELL_FORMED, "the XML declaration is malformed");
}

enum result xmpp_declaration_read(struct slice bytes, size_t *length, struct xmpp_fault *fault)
{
	struct slice mark = SLICE("<?xml");

	*length = 0;
	if (bytes.len <= mark.len)
		return slice_starts(mark, bytes) ? RESULT_AGAIN : RESULT_OK;
	if (!slice_starts(bytes, mark) || !is_blank(bytes.ptr[mark.len]))
		return RESULT_OK;
	for (size_t at = mark.len; at + 1 < bytes.len && at + 1 < DECLARATION_MAX; at++) {
		if (bytes.ptr[at] != '?' || bytes.ptr[at + 1] != '>')
			continue;
		*length = at + 2;
		return check(slice_after(slice_first(bytes, at), mark.len), fault);
	}
	return bytes.len < DECLARATION_MAX
	               ? RESULT_AGAIN
	               : refuse(fault, XMPP_STREAM_POLICY_VIOLATION, "the XML declaration is too long");
}
