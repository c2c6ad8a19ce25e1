/*
 * The parts of an XMPP address around the domain.
 *
 * RFC 7622 prepares a localpart by PRECIS, RFC 6122 by nodeprep, and the two
 * differ in what nobody uses.  The servers people run (Prosody, ejabberd)
 * follow RFC 6122, so a localpart is spelled here as they spell it.
 */
#include <stringprep.h>

#include "shared/base/text.h"
#include "daemon/names/parts.h"

/* RFC 7622 §3.3.1 and RFC 6122 appendix A.5. */
static bool is_forbidden(char c)
{
	return (unsigned char)c <= 0x20 || c == 0x7f || (c && strchr("\"&'/:<>@", c));
}

/* NULL: prepared as it stands but for the case of its letters. Says whether the library is needed. */
static const char *input_fault(struct slice text, bool *is_international)
{
	*is_international = false;
	if (text.len == 0)
		return "is no localpart: it is empty";
	if (text.len > NAMES_LOCALPART_MAX)
		return "is no localpart: it is longer than 1023 bytes";
	while (text.len > 0) {
		uint32_t c;
		size_t n = text_utf8_decode(text, &c);

		if (n == 0)
			return "is no localpart: it is not UTF-8";
		if (n == 1 && is_forbidden((char)c))
			return "is no localpart: blanks, controls and \"&'/:<>@ cannot stand in it";
		if (n > 1 && (names_would_vanish(c) || text_is_hidden(c)))
			return "is no localpart: it holds an invisible character";
		*is_international |= n > 1;
		text = slice_after(text, n);
	}
	return NULL;
}

/* In place; `text` is NUL-terminated. */
static const char *nodeprep(char text[NAMES_LOCALPART_BYTES], enum result *result)
{
	int code = stringprep(text, NAMES_LOCALPART_BYTES, 0, stringprep_xmpp_nodeprep);

	if (code == STRINGPREP_OK)
		return NULL;
	*result = code == STRINGPREP_MALLOC_ERROR ? RESULT_NO_MEMORY : RESULT_INVALID;
	return code == STRINGPREP_TOO_SMALL_BUFFER ? "it is longer than 1023 bytes"
	                                           : stringprep_strerror(code);
}

/*
 * A character newer than Unicode 3.2 may decompose into one that would have
 * been lowered or refused had it come alone.  What the second time changes has
 * no spelling that two servers agree on.
 */
static const char *prepare(char out[NAMES_LOCALPART_BYTES], enum result *result)
{
	char again[NAMES_LOCALPART_BYTES];
	const char *fault = nodeprep(out, result);
	bool is_international;

	if (fault)
		return fault;
	memcpy(again, out, sizeof again);
	fault = nodeprep(again, result);
	if (!fault && (strcmp(again, out) != 0 || input_fault(slice_of(out), &is_international))) {
		*result = RESULT_INVALID;
		fault = "it has no stable spelling";
	}
	return fault;
}

enum result names_localpart_prepare(struct slice text, char out[NAMES_LOCALPART_BYTES], struct reason *reason)
{
	enum result result = RESULT_OK;
	bool is_international;
	const char *fault = input_fault(text, &is_international);
	char shown[160];

	memset(out, 0, NAMES_LOCALPART_BYTES);
	if (fault)
		return names_refuse(reason, text, fault);
	for (size_t i = 0; i < text.len; i++)
		out[i] = ascii_lower(text.ptr[i]); /* bytes of UTF-8 above 0x7f are not touched */
	if (!is_international || (fault = prepare(out, &result)) == NULL)
		return RESULT_OK;
	out[0] = '\0';
	return fail(reason, result, "\"%s\" is no localpart: %s", text_shown(text, shown, sizeof shown),
	            fault);
}

enum result names_resource_check(struct slice text, struct reason *reason)
{
	if (text.len == 0)
		return names_refuse(reason, text, "is no resource: it is empty");
	if (text.len > NAMES_RESOURCE_MAX)
		return names_refuse(reason, text, "is no resource: it is longer than 1023 bytes");
	for (struct slice rest = text; rest.len > 0;) {
		uint32_t c;
		size_t n = text_utf8_decode(rest, &c);

		if (n == 0)
			return names_refuse(reason, text, "is no resource: it is not UTF-8");
		if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c & 0xfffe) == 0xfffe ||
		    (c >= 0xfdd0 && c <= 0xfdef) || c == 0x2028 || c == 0x2029)
			return names_refuse(reason, text,
			                    "is no resource: it holds a control or no character at all");
		rest = slice_after(rest, n);
	}
	return RESULT_OK;
}
