/*
 * cpim: message/cpim, the envelope that carries a wish for receipts (RFC 3862, RFC 5438).
 */
#include "daemon/translate/parts.h"

#include "shared/base/clock.h"

#define IMDN_URN "urn:ietf:params:imdn"

/* "NS: imdn <urn:ietf:params:imdn>": the prefix that the sender chose. */
static void read_namespace(struct slice value, struct slice *prefix)
{
	size_t open = slice_find(value, '<');

	if (open < value.len && slice_starts(slice_after(value, open), SLICE("<" IMDN_URN ">")))
		*prefix = slice_trim(slice_first(value, open));
}

/* "imdn.Message-ID" -> "Message-ID" when the prefix fits; else empty. */
static struct slice imdn_name(struct slice name, struct slice prefix)
{
	if (prefix.len == 0 || name.len <= prefix.len + 1 || !slice_starts(name, prefix) ||
	    name.ptr[prefix.len] != '.')
		return SLICE("");
	return slice_after(name, prefix.len + 1);
}

static bool ends_section(struct slice rest)
{
	return rest.len == 0 || rest.ptr[0] == '\n' || slice_starts(rest, SLICE("\r\n"));
}

static void skip_line_end(struct slice *rest)
{
	if (rest->len > 0)
		*rest = slice_after(*rest, rest->ptr[0] == '\r' ? 2 : 1);
}

static bool read_envelope(struct translate_body *body, struct slice *rest)
{
	struct slice prefix = SLICE(""), name, value;

	while (!ends_section(*rest)) {
		if (!translate_part_header(rest, &name, &value))
			return false;
		/* Parameters of a header stand before its value: "Subject:;lang=fr Salut" (RFC 3862 §3.3). */
		if (value.len > 0 && value.ptr[0] == ';')
			value = slice_trim(slice_after(value, slice_find(value, ' ')));
		if (slice_equal(name, SLICE("NS")))
			read_namespace(value, &prefix);
		else if (slice_equal(name, SLICE("Subject")))
			body->subject = value;
		else if (slice_equal(name, SLICE("DateTime")))
			body->date = value;
		else if (slice_equal(imdn_name(name, prefix), SLICE("Message-ID")))
			body->imdn_id = value;
		else if (slice_equal(imdn_name(name, prefix), SLICE("Disposition-Notification")))
			body->imdn_asks = value;
	}
	return rest->len > 0;
}

bool translate_cpim_open(struct translate_body *body, const char **why)
{
	struct slice rest = body->bytes, name, value;

	body->is_cpim = true;
	body->type = SLICE("text/plain");
	body->params = SLICE("");
	*why = "a malformed message/cpim";
	if (!read_envelope(body, &rest))
		return false;
	skip_line_end(&rest);
	while (!ends_section(rest)) {
		if (!translate_part_header(&rest, &name, &value))
			return false;
		if (slice_equal_nocase(name, SLICE("content-type")) &&
		    !translate_type_read(value, &body->type, &body->params))
			return false;
		if (slice_equal_nocase(name, SLICE("content-language")))
			body->language = value;
		if (!translate_is_plain_coding(name, value)) {
			*why = "an encoded part of a message/cpim";
			return false;
		}
	}
	skip_line_end(&rest);
	body->bytes = rest;
	return true;
}

void translate_cpim_write(struct buffer *out, const struct translate_im *im, struct slice from,
                          struct slice to, struct slice type, struct slice content)
{
	char date[INSTANT_TEXT_BYTES];

	buffer_printf(out, "From: <%.*s>\r\nTo: <%.*s>\r\n", SLICE_ARG(from), SLICE_ARG(to));
	if (im->stamp_ms > 0) {
		instant_text(im->stamp_ms, date);
		buffer_printf(out, "DateTime: %s\r\n", date);
	}
	if (im->id.len) {
		buffer_add(out, SLICE("NS: imdn <" IMDN_URN ">\r\n"));
		buffer_printf(out, "imdn.Message-ID: %.*s\r\n", SLICE_ARG(im->id));
		/* A receipt never asks for one (RFC 5438 §5). */
		if (im->kind == TRANSLATE_IM_TEXT && im->wants_receipt)
			buffer_printf(
			        out,
			        "imdn.Disposition-Notification: positive-delivery, negative-delivery%s\r\n",
			        im->wants_displayed ? ", display" : "");
	}
	buffer_printf(out, "\r\nContent-Type: %.*s\r\n", SLICE_ARG(type));
	if (im->kind == TRANSLATE_IM_RECEIPT)
		buffer_add(out, SLICE("Content-Disposition: notification\r\n"));
	buffer_add(out, SLICE("\r\n"));
	buffer_add(out, content);
}
