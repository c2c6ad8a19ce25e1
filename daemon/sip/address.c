/*
 * address: name-addr and addr-spec with the header's parameters, as in From,
 * To, Contact, Route, Record-Route, P-Asserted-Identity.  RFC 3261 §20.10, §25.1.
 */
#include "daemon/sip/grammar.h"

/* display-name: a quoted string, or tokens with blanks between, up to '<'. */
static const char *take_display(struct slice *rest, struct sip_address *out, const char **at)
{
	if (rest->len > 0 && rest->ptr[0] == '"') {
		size_t length = sip_quoted_length(*rest);

		if (length == 0)
			return "a quoted string that does not end";
		out->display = slice_first(slice_after(*rest, 1), length - 2);
		*rest = slice_after(*rest, length);
		sip_skip_blanks(rest);
	} else {
		size_t length = 0;

		while (length < rest->len &&
		       (sip_is(rest->ptr[length], SIP_CHAR_TOKEN) || sip_is_blank(rest->ptr[length])))
			length++;
		out->display = slice_trim(slice_first(*rest, length));
		*rest = slice_after(*rest, length);
	}
	*at = rest->ptr;
	return rest->len > 0 && rest->ptr[0] == '<'
	               ? NULL
	               : "a display name with characters that need quotes, or no '<' after it";
}

/* A display name is quoted, or tokens and then '<'; an addr-spec meets the colon of its scheme first. */
static bool is_name_addr(struct slice text)
{
	size_t at = 0;

	if (text.len > 0 && text.ptr[0] == '"')
		return true;
	while (at < text.len && (sip_is(text.ptr[at], SIP_CHAR_TOKEN) || sip_is_blank(text.ptr[at])))
		at++;
	return at < text.len && text.ptr[at] == '<';
}

/*
 * Without angle brackets the URI ends at the first ';' or blank, and what
 * follows belongs to the header: §20 says "," ";" "?" in a URI need brackets.
 * RFC 4475 §3.1.2.13 shows why reading it otherwise is dangerous.
 */
static size_t bare_length(struct slice text)
{
	size_t length = 0;

	while (length < text.len && text.ptr[length] != ';' && !sip_is_blank(text.ptr[length]))
		length++;
	return length;
}

static enum sip_parse bad_at(struct sip_fault *fault, struct slice text, struct slice part)
{
	if (fault) {
		fault->offset += (size_t)(part.ptr - text.ptr);
		fault->status = 400; /* 414 speaks of the Request-URI */
	}
	return SIP_PARSE_BAD;
}

enum sip_parse sip_address_parse(struct slice text, struct sip_address *out, struct sip_fault *fault)
{
	struct slice rest = text, uri;
	const char *at = text.ptr, *why;

	*out = (struct sip_address){ .all = text };

	if (is_name_addr(text)) {
		why = take_display(&rest, out, &at);
		if (why)
			return sip_bad(fault, text, at, 400, why);
		uri = slice_after(rest, 1);
		uri.len = slice_find(uri, '>');
		if (uri.len + 1 == rest.len)
			return sip_bad(fault, text, rest.ptr, 400, "'<' without '>'");
		rest = slice_after(rest, uri.len + 2);
		if (sip_uri_parse(uri, &out->uri, fault) != SIP_PARSE_OK)
			return bad_at(fault, text, uri);
	} else {
		uri = slice_first(text, bare_length(text));
		rest = slice_after(text, uri.len);
		if (sip_uri_parse(uri, &out->uri, fault) != SIP_PARSE_OK)
			return bad_at(fault, text, uri);
		if (slice_find(uri, ',') < uri.len || slice_find(uri, '?') < uri.len)
			return sip_bad(fault, text, text.ptr, 400, "a URI with ',' or '?' outside '<>'");
	}

	sip_skip_blanks(&rest);
	if (rest.len == 0)
		return SIP_PARSE_OK;
	if (rest.ptr[0] != ';')
		return sip_bad(fault, text, rest.ptr, 400, "bytes between an address and its parameters");

	struct sip_params params;
	struct slice tag;

	out->params = slice_after(rest, 1);
	why = sip_params_read_header(out->params, &params, &at);
	if (why)
		return sip_bad(fault, text, at, 400, why);
	if (sip_params_find(&params, SLICE("tag"), &tag)) {
		if (tag.len == 0 || sip_span(tag, SIP_CHAR_TOKEN) != tag.len)
			return sip_bad(fault, text, at, 400, "a tag that is not a token");
		out->tag = tag;
	}
	return SIP_PARSE_OK;
}
