/*
 * uri: SIP and SIPS URIs taken apart; tel and unknown schemes as far as a
 * proxy needs.  RFC 3261 §19.1, §25.1; RFC 3966; IPv6 literals RFC 5954 §4.1.
 */
#include <arpa/inet.h>

#include "daemon/sip/grammar.h"

enum { HOST_NAME_MAX_BYTES = 255, LABEL_MAX_BYTES = 63, IPV6_TEXT_MAX = 45 };

/*
 * DEPARTS: RFC 3261 §25.1 lets an octet begin with 0, because one reader takes "010" for
 * ten and the next for eight (RFC 6943 §3.1.1).
 */
bool sip_text_is_ipv4(struct slice text)
{
	struct slice part;
	uint64_t number;
	int parts = 0;

	while (slice_next(&text, '.', &part)) {
		if (part.len > 3 || (part.len > 1 && part.ptr[0] == '0') ||
		    !slice_to_number(part, 255, &number))
			return false;
		parts++;
	}
	return parts == 4;
}

/* RFC 5954: the address of RFC 3986, no zone, and none of the three colons RFC 3261's grammar let through. */
bool sip_text_is_ipv6(struct slice text)
{
	char copy[IPV6_TEXT_MAX + 1];
	struct in6_addr address;

	return text.len > 0 && slice_to_text(text, copy, sizeof copy) &&
	       inet_pton(AF_INET6, copy, &address) == 1;
}

/* A name: labels between dots, the last one perhaps empty; digits only at the end make it an IPv4 address or nothing. */
static const char *check_name(struct slice name, bool *is_ipv4)
{
	size_t label = 0, last_start = 0;

	if (name.len == 0)
		return "no host";
	if (name.len > HOST_NAME_MAX_BYTES)
		return "a host name longer than 255 bytes";
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] != '.') {
			label++;
			continue;
		}
		if (label == 0 || label > LABEL_MAX_BYTES)
			return "a host name with a label of no or more than 63 bytes";
		if (i + 1 < name.len) {
			last_start = i + 1;
			label = 0;
		}
	}
	if (label > LABEL_MAX_BYTES)
		return "a host name with a label of no or more than 63 bytes";
	*is_ipv4 = false;
	for (size_t i = last_start; i < name.len; i++)
		if (!sip_is_digit(name.ptr[i]) && name.ptr[i] != '.')
			return NULL;
	*is_ipv4 = sip_text_is_ipv4(name);
	return *is_ipv4 ? NULL : "a host that is neither a name nor an address";
}

const char *sip_host_take(struct slice *rest, bool may_have_blanks, struct sip_host *out)
{
	struct slice r = *rest;

	*out = (struct sip_host){ 0 };
	if (r.len > 0 && r.ptr[0] == '[') {
		size_t close = slice_find(r, ']');

		if (close == r.len)
			return "'[' without ']'";
		out->name = slice_first(slice_after(r, 1), close - 1);
		out->is_ipv6 = sip_text_is_ipv6(out->name);
		if (!out->is_ipv6)
			return "no IPv6 address between the brackets";
		r = slice_after(r, close + 1);
	} else {
		out->name = slice_first(r, sip_span(r, SIP_CHAR_HOST));

		const char *why = check_name(out->name, &out->is_ipv4);

		if (why)
			return why;
		r = slice_after(r, out->name.len);
	}

	struct slice behind = r;

	if (may_have_blanks)
		sip_skip_blanks(&r);
	if (r.len > 0 && r.ptr[0] == ':') {
		uint64_t port;
		size_t digits = 0;

		r = slice_after(r, 1);
		if (may_have_blanks)
			sip_skip_blanks(&r);
		while (digits < r.len && sip_is_digit(r.ptr[digits]))
			digits++;
		if (digits == 0 || digits > 5 ||
		    !slice_to_number(slice_first(r, digits), UINT16_MAX, &port) || port == 0)
			return "a port that is no number from 1 to 65535";
		out->port = (uint16_t)port;
		behind = slice_after(r, digits);
	}
	*rest = behind;
	return NULL;
}

/* scheme ":"; gives the length with the colon, 0 when there is none. RFC 3986 §3.1. */
static size_t scheme_length(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == ':')
			return i ? i + 1 : 0;
		if (!(sip_is_digit(c) || c == '+' || c == '-' || c == '.') &&
		    !(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'))
			return 0;
		if (i == 0 && !(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'))
			return 0;
	}
	return 0;
}

/* userinfo: everything before the only '@'. */
static const char *take_user(struct slice *rest, struct sip_uri *out, const char **at)
{
	size_t at_sign = slice_find(*rest, '@');

	if (at_sign == rest->len)
		return NULL;

	struct slice info = slice_first(*rest, at_sign);
	size_t length = sip_span_escaped(info, SIP_CHAR_USER);

	out->has_user = true;
	out->user = slice_first(info, length);
	*at = info.ptr + length;
	if (length == 0)
		return "an '@' without a user before it";
	if (length < info.len) {
		if (info.ptr[length] != ':')
			return "a character that a user part may not hold";
		length++;
		length += sip_span_escaped(slice_after(info, length), SIP_CHAR_PASSWORD);
		*at = info.ptr + length;
		if (length < info.len)
			return "a character that a password may not hold";
	}
	*rest = slice_after(*rest, at_sign + 1);
	return NULL;
}

/* What stands behind "sip:" or "sips:". */
static const char *read_sip(struct slice rest, struct sip_uri *out, const char **at)
{
	const char *why = take_user(&rest, out, at);
	struct sip_host host;

	if (why)
		return why;
	*at = rest.ptr;
	why = sip_host_take(&rest, false, &host);
	if (why)
		return why;
	out->host = host.name;
	out->port = host.port;
	out->is_ipv4 = host.is_ipv4;
	out->is_ipv6 = host.is_ipv6;

	*at = rest.ptr;
	if (rest.len > 0 && rest.ptr[0] == ';') {
		struct sip_params params;

		out->params = slice_after(rest, 1);
		out->params.len = slice_find(out->params, '?');
		rest = slice_after(rest, 1 + out->params.len);
		why = sip_params_read_uri(out->params, &params, at);
		if (why)
			return why;
		*at = rest.ptr;
	}
	if (rest.len > 0 && rest.ptr[0] == '?') {
		out->headers = slice_after(rest, 1);

		size_t length = sip_span_escaped(out->headers, SIP_CHAR_HEADER);

		*at = out->headers.ptr + length;
		if (length == 0 || length < out->headers.len)
			return "malformed headers in a URI";
		return NULL;
	}
	return rest.len == 0 ? NULL : "bytes behind the host of a URI";
}

/* tel: the number as user, parameters apart. Others: known only as a whole. */
static const char *read_other(struct slice rest, struct sip_uri *out, const char **at)
{
	size_t length = sip_span_escaped(rest, SIP_CHAR_URI);

	*at = rest.ptr + length;
	if (length == 0 || length < rest.len)
		return "an empty URI, or a character that no URI may hold";
	if (out->scheme == SIP_URI_TEL) {
		size_t semicolon = slice_find(rest, ';');

		out->user = slice_first(rest, semicolon);
		out->has_user = semicolon > 0;
		if (semicolon < rest.len)
			out->params = slice_after(rest, semicolon + 1);
		return out->has_user ? NULL : "a tel URI without a number";
	}
	return NULL;
}

enum sip_parse sip_uri_parse(struct slice text, struct sip_uri *out, struct sip_fault *fault)
{
	size_t length = scheme_length(text);
	const char *at = text.ptr, *why;

	*out = (struct sip_uri){ .scheme = SIP_URI_OTHER, .all = text };
	if (text.len > SIP_URI_MAX)
		return sip_bad(fault, text, text.ptr + SIP_URI_MAX, 414, "a URI longer than 1024 bytes");
	if (length == 0)
		return sip_bad(fault, text, text.ptr, 400, "a URI without a scheme");

	struct slice scheme = slice_first(text, length - 1);
	struct slice rest = slice_after(text, length);

	if (slice_equal_nocase(scheme, SLICE("sip")))
		out->scheme = SIP_URI_SIP;
	else if (slice_equal_nocase(scheme, SLICE("sips")))
		out->scheme = SIP_URI_SIPS;
	else if (slice_equal_nocase(scheme, SLICE("tel")))
		out->scheme = SIP_URI_TEL;

	if (out->scheme == SIP_URI_SIP || out->scheme == SIP_URI_SIPS)
		why = read_sip(rest, out, &at);
	else
		why = read_other(rest, out, &at);
	return why ? sip_bad(fault, text, at, 400, why) : SIP_PARSE_OK;
}

struct slice sip_host_lower(struct arena *arena, struct slice host)
{
	char *lower;

	if (host.len > 0 && host.ptr[host.len - 1] == '.')
		host.len--;
	lower = arena_text(arena, host);
	if (!lower)
		return SLICE_NONE;
	for (size_t i = 0; i < host.len; i++)
		lower[i] = ascii_lower(lower[i]);
	return (struct slice){ lower, host.len };
}
