/*
 * via: one value of a Via header.  RFC 3261 §20.42, §25.1; rport RFC 3581;
 * alias RFC 5923.  Unknown parameters stay as they are: some peers sign them.
 */
#include "daemon/sip/grammar.h"

/* A word of sent-protocol and the '/' behind it, with blanks around (RFC 4475 §3.1.1.1 has them folded). */
static bool take_word(struct slice *rest, struct slice *word, bool needs_slash)
{
	*word = slice_first(*rest, sip_span(*rest, SIP_CHAR_TOKEN));
	*rest = slice_after(*rest, word->len);
	if (!needs_slash)
		return word->len > 0;
	sip_skip_blanks(rest);
	if (word->len == 0 || rest->len == 0 || rest->ptr[0] != '/')
		return false;
	*rest = slice_after(*rest, 1);
	sip_skip_blanks(rest);
	return true;
}

/* §20.42 and RFC 5118 §4.5: an IPv6 address in received= comes with brackets and without. */
static bool is_address(struct slice text)
{
	if (text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
		return sip_text_is_ipv6(slice_first(slice_after(text, 1), text.len - 2));
	return sip_text_is_ipv4(text) || sip_text_is_ipv6(text);
}

static const char *take_params(const struct sip_params *params, struct sip_via *out)
{
	struct slice value;

	if (sip_params_find(params, SLICE("branch"), &value)) {
		if (value.len == 0 || sip_span(value, SIP_CHAR_TOKEN) != value.len)
			return "a branch that is not a token";
		out->branch = value;
	}
	if (sip_params_find(params, SLICE("received"), &value)) {
		if (!is_address(value))
			return "received= holds no address";
		out->received = value;
	}
	out->has_rport = sip_params_find(params, SLICE("rport"), &value);
	out->has_alias = sip_params_find(params, SLICE("alias"), &value);
	return NULL;
}

enum sip_parse sip_via_parse(struct slice text, struct sip_via *out, struct sip_fault *fault)
{
	struct slice rest = text, protocol, version;
	struct sip_host host;
	const char *at, *why;

	*out = (struct sip_via){ .all = text };
	if (!take_word(&rest, &protocol, true) || !slice_equal_nocase(protocol, SLICE("SIP")) ||
	    !take_word(&rest, &version, true) || !slice_equal(version, SLICE("2.0")) ||
	    !take_word(&rest, &out->transport, false))
		return sip_bad(fault, text, rest.ptr, 400, "Via does not start with SIP/2.0 and a transport");
	if (rest.len == 0 || !sip_is_blank(rest.ptr[0]))
		return sip_bad(fault, text, rest.ptr, 400, "Via without a blank before its host");
	sip_skip_blanks(&rest);

	at = rest.ptr;
	why = sip_host_take(&rest, true, &host);
	if (why)
		return sip_bad(fault, text, at, 400, why);
	out->host = host.name;
	out->port = host.port;

	sip_skip_blanks(&rest);
	if (rest.len == 0)
		return SIP_PARSE_OK;
	if (rest.ptr[0] != ';')
		return sip_bad(fault, text, rest.ptr, 400,
		               "bytes between the host of a Via and its parameters");

	struct sip_params params;

	out->params = slice_after(rest, 1);
	why = sip_params_read_header(out->params, &params, &at);
	if (!why)
		why = take_params(&params, out);
	return why ? sip_bad(fault, text, at, 400, why) : SIP_PARSE_OK;
}
