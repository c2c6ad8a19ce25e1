/*
 * params: ";name=value" behind URIs and addresses.  RFC 3261 §25.1,
 * uri-parameters and generic-param.
 */
#include "daemon/sip/grammar.h"

static const char *add(struct sip_params *params, struct slice name, struct slice value)
{
	if (params->count == SIP_URI_PARAMS_MAX)
		return "more than 32 parameters";
	/* At most 32, so looking at all of them stays cheap. RFC 3261 §19.1.1, §7.3.1: a name stands once. */
	for (size_t i = 0; i < params->count; i++)
		if (params->list[i].name.len == name.len && slice_equal_nocase(params->list[i].name, name))
			return "a parameter stands twice";
	params->list[params->count].name = name;
	params->list[params->count].value = value;
	params->count++;
	return NULL;
}

const char *sip_params_read_uri(struct slice text, struct sip_params *out, const char **at)
{
	struct slice rest = text;

	out->count = 0;
	for (;;) {
		struct slice value = SLICE_NONE;
		size_t length = 0;

		/* '=' is let into values, not into names. */
		while (length < rest.len && rest.ptr[length] != '=') {
			size_t step = rest.ptr[length] == '%' ? sip_span_escaped(slice_after(rest, length), 0)
			              : sip_is(rest.ptr[length], SIP_CHAR_PARAM) ? 1
			                                                         : 0;
			if (step == 0)
				break;
			length += step;
		}

		struct slice name = slice_first(rest, length);

		*at = rest.ptr + length;
		if (length == 0)
			return "an empty or malformed URI parameter";
		rest = slice_after(rest, length);
		if (rest.len > 0 && rest.ptr[0] == '=') {
			rest = slice_after(rest, 1);
			length = sip_span_escaped(rest, SIP_CHAR_PARAM);
			value = slice_first(rest, length);
			*at = rest.ptr + length;
			if (length == 0)
				return "a URI parameter without the value its '=' promises";
			rest = slice_after(rest, length);
		}

		const char *why = add(out, name, value);

		if (why)
			return why;
		if (rest.len == 0)
			return NULL;
		if (rest.ptr[0] != ';')
			return "a character that a URI parameter may not hold";
		rest = slice_after(rest, 1);
	}
}

const char *sip_params_read_header(struct slice text, struct sip_params *out, const char **at)
{
	struct slice rest = text;

	out->count = 0;
	for (;;) {
		struct slice value = SLICE_NONE;

		sip_skip_blanks(&rest);

		struct slice name = slice_first(rest, sip_span(rest, SIP_CHAR_TOKEN));

		*at = rest.ptr + name.len;
		if (name.len == 0)
			return "an empty or malformed parameter";
		rest = slice_after(rest, name.len);
		sip_skip_blanks(&rest);
		if (rest.len > 0 && rest.ptr[0] == '=') {
			rest = slice_after(rest, 1);
			sip_skip_blanks(&rest);

			bool is_quoted = rest.len > 0 && rest.ptr[0] == '"';

			value = slice_first(rest, is_quoted ? sip_quoted_length(rest)
			                                    : sip_span(rest, SIP_CHAR_VALUE));
			*at = rest.ptr;
			if (value.len == 0)
				return is_quoted ? "a quoted string that does not end"
				                 : "a parameter without its value";
			rest = slice_after(rest, value.len);
			sip_skip_blanks(&rest);
		}

		const char *why = add(out, name, value);

		if (why)
			return why;
		*at = rest.ptr;
		if (rest.len == 0)
			return NULL;
		if (rest.ptr[0] != ';')
			return "bytes between a parameter and the next ';'";
		rest = slice_after(rest, 1);
	}
}

bool sip_params_find(const struct sip_params *params, struct slice name, struct slice *value)
{
	for (size_t i = 0; i < params->count; i++) {
		if (slice_equal_nocase(params->list[i].name, name)) {
			*value = params->list[i].value;
			return true;
		}
	}
	return false;
}

/* Length up to the next separator that is not within quotes. */
static size_t one_param(struct slice rest, char separator)
{
	size_t at = 0;

	while (at < rest.len && rest.ptr[at] != separator) {
		size_t quoted = rest.ptr[at] == '"' ? sip_quoted_length(slice_after(rest, at)) : 0;

		at += quoted ? quoted : 1;
	}
	return at;
}

static bool find_in(struct slice params, char separator, struct slice name, struct slice *value)
{
	while (params.len > 0) {
		struct slice one = slice_first(params, one_param(params, separator));
		size_t equals = slice_find(one, '=');

		params = slice_after(params, one.len < params.len ? one.len + 1 : one.len);
		if (!slice_equal_nocase(slice_trim(slice_first(one, equals)), name))
			continue;
		if (equals == one.len) {
			*value = SLICE_NONE;
			return true;
		}
		*value = slice_trim(slice_after(one, equals + 1));
		if (value->len >= 2 && sip_quoted_length(*value) == value->len)
			*value = slice_first(slice_after(*value, 1), value->len - 2);
		return true;
	}
	return false;
}

bool sip_param(struct slice params, struct slice name, struct slice *value)
{
	return find_in(params, ';', name, value);
}

bool sip_auth_param(struct slice header, struct slice name, struct slice *value)
{
	size_t scheme = 0;

	header = slice_trim(header);
	while (scheme < header.len && !strchr(" \t\r\n", header.ptr[scheme])) /* LWS, RFC 3261 §25.1 */
		scheme++;
	return find_in(slice_after(header, scheme), ',', name, value) && value->ptr;
}
