/*
 * im_sip: an instant message as SIP says it: MESSAGE (RFC 3428), INFO in an IM
 * session, with RFC 7572's mapping of what stands around the text.
 */
#include "daemon/translate/parts.h"

struct slice translate_accept(void)
{
	return SLICE("text/plain, text/html, message/cpim, message/imdn+xml, application/im-iscomposing+xml, "
	             "multipart/alternative, multipart/mixed");
}

static struct slice header_value(const struct sip_message *m, enum sip_header_id id)
{
	const struct sip_header *header = sip_message_header(m, id);

	return header ? header->value : SLICE("");
}

/* ---- reading ---- */

static enum translate_answer read_text(const struct translate_body *body, struct arena *arena,
                                       struct translate_im *out, struct translate_refusal *refusal)
{
	struct slice charset = SLICE(""), text;

	(void)sip_param(body->params, SLICE("charset"), &charset);
	if (!translate_recode(body->bytes, charset, arena, &text))
		return translate_refuse(refusal, 415, XMPP_NOT_ACCEPTABLE,
		                        "text in a charset other than UTF-8 or ISO-8859-1");
	if (!text.ptr && body->bytes.len)
		return TRANSLATE_NO_MEMORY;
	if (text.len > TRANSLATE_TEXT_MAX)
		return translate_refuse(refusal, 413, XMPP_POLICY_VIOLATION,
		                        "more text than a message may hold");
	if (!xmpp_text_is_writable(text))
		return translate_refuse(refusal, 400, XMPP_BAD_REQUEST,
		                        "text with characters that XML cannot hold");
	text = translate_type_is(body, "text/html") ? translate_html_to_text(text, arena)
	                                            : translate_lines_to_lf(text, arena);
	if (!text.ptr)
		return TRANSLATE_NO_MEMORY;
	out->kind = TRANSLATE_IM_TEXT;
	out->text = text;
	/* "&#xFFFE;" in a page: what was writable as markup need not be as text. */
	if (!xmpp_text_is_writable(text))
		return translate_refuse(refusal, 400, XMPP_BAD_REQUEST,
		                        "text with characters that XML cannot hold");
	return text.len ? TRANSLATE_OK : TRANSLATE_NOTHING;
}

/* What stands around the text: RFC 7572 §5, RFC 5438 §6. */
static bool read_around(const struct sip_message *request, const struct translate_body *body,
                        struct arena *arena, struct translate_im *out)
{
	struct slice subject = body->subject.len ? body->subject : header_value(request, SIP_SUBJECT);
	struct slice date = header_value(request, SIP_DATE), language = body->language;

	out->thread = request->call_id;
	out->subject = translate_line(subject, TRANSLATE_LINE_MAX, arena);
	language = slice_trim(slice_first(language, slice_find(language, ',')));
	out->language = translate_language(language);
	if (translate_is_token(body->imdn_id, TRANSLATE_LINE_MAX)) {
		out->id = body->imdn_id;
		out->wants_receipt = slice_find(body->imdn_asks, 'p') < body->imdn_asks.len &&
		                     memmem(body->imdn_asks.ptr, body->imdn_asks.len, "positive-delivery",
		                            17);
		out->wants_displayed = body->imdn_asks.len &&
		                       memmem(body->imdn_asks.ptr, body->imdn_asks.len, "display", 7);
	} else if (translate_is_token(request->via.branch, TRANSLATE_LINE_MAX)) {
		out->id = request->via.branch;
	}
	if (!translate_time_read(body->date, &out->stamp_ms) &&
	    !translate_http_date_read(date, &out->stamp_ms))
		out->stamp_ms = 0;
	return out->subject.ptr != NULL;
}

bool translate_has_coding(const struct sip_message *request)
{
	struct sip_walk walk = { 0 };
	struct slice value;

	while (sip_message_walk(request, SIP_CONTENT_ENCODING, &walk, &value))
		if (!slice_equal_nocase(slice_trim(value), SLICE("identity")))
			return true;
	/* SIP knows no such header (RFC 3261 §20); whoever writes it all the same says how to read its body (RFC 2045 §6). */
	for (size_t i = 0; i < request->header_count; i++)
		if (!translate_is_plain_coding(request->headers[i].name, request->headers[i].value))
			return true;
	return false;
}

enum translate_answer translate_im_from_sip(const struct sip_message *request, struct xmpp_parser *parser,
                                            struct arena *arena, struct translate_im *out,
                                            struct translate_refusal *refusal)
{
	struct translate_body body = { .bytes = request->body,
		                       .language = header_value(request, SIP_CONTENT_LANGUAGE) };
	struct slice type = header_value(request, SIP_CONTENT_TYPE);
	const char *why = "a body of an unknown type";
	enum translate_answer answer;

	*out = (struct translate_im){ 0 };
	if (slice_is_empty(request->body))
		return TRANSLATE_NOTHING;
	if (translate_has_coding(request))
		return translate_refuse(refusal, 415, XMPP_NOT_ACCEPTABLE, "a compressed or encoded body");
	/* RFC 3261 §20.15 wants a Content-Type; a MESSAGE without one has never been anything but text. */
	if (!translate_type_read(type.len ? type : SLICE("text/plain"), &body.type, &body.params))
		return translate_refuse(refusal, 400, XMPP_BAD_REQUEST, "a malformed Content-Type");
	if (!translate_body_find(&body, 0, &why))
		return translate_refuse(refusal, 415, XMPP_NOT_ACCEPTABLE, why);
	if (translate_type_is(&body, "text/plain") || translate_type_is(&body, "text/html"))
		answer = read_text(&body, arena, out, refusal);
	else
		answer = translate_notice_read(body.bytes, parser, arena, out, refusal);
	if (answer == TRANSLATE_OK && !read_around(request, &body, arena, out))
		return TRANSLATE_NO_MEMORY;
	return answer;
}

static bool lists(const struct sip_message *message, const char *type)
{
	struct sip_walk walk = { 0 };
	struct slice value;

	while (sip_message_walk(message, SIP_ACCEPT, &walk, &value))
		if (slice_equal_nocase(slice_trim(slice_first(value, slice_find(value, ';'))),
		                       slice_of(type)))
			return true;
	return false;
}

void translate_tastes_learn(const struct sip_message *message, struct translate_tastes *tastes)
{
	struct slice type, params, value;

	if (lists(message, "application/im-iscomposing+xml"))
		tastes->typing = true;
	if (lists(message, "message/cpim"))
		tastes->cpim = true;
	if (!translate_type_read(header_value(message, SIP_CONTENT_TYPE), &type, &params))
		return;
	if (slice_equal_nocase(type, SLICE("application/im-iscomposing+xml")))
		tastes->typing = true;
	if (slice_equal_nocase(type, SLICE("message/cpim")))
		tastes->cpim = true;
	if (sip_param(params, SLICE("msgr"), &value) || (message->is_request && message->method == SIP_INFO &&
	                                                 slice_equal_nocase(type, SLICE("application/xml"))))
		tastes->lync = true;
}

/* ---- writing ---- */

static bool is_sayable(const struct translate_im *im)
{
	return im->kind != TRANSLATE_IM_RECEIPT || translate_is_token(im->receipt_for, TRANSLATE_LINE_MAX);
}

/* Subject, language and date of a text; nothing for notices. */
static void write_around(const struct translate_im *im, struct buffer *headers, struct arena *arena)
{
	struct slice subject = translate_line(im->subject, TRANSLATE_LINE_MAX, arena);
	struct slice language = translate_language(im->language);

	if (im->kind != TRANSLATE_IM_TEXT)
		return;
	if (subject.len)
		buffer_printf(headers, "Subject: %.*s\r\n", SLICE_ARG(subject));
	if (language.len)
		buffer_printf(headers, "Content-Language: %.*s\r\n", SLICE_ARG(language));
	if (im->is_delayed && im->stamp_ms > 0)
		translate_http_date_write(headers, im->stamp_ms);
}

static enum translate_answer write_typing(const struct translate_im *im, struct translate_tastes tastes,
                                          struct arena *arena, struct translate_content *out,
                                          struct slice *type)
{
	bool is_active = im->typing == TRANSLATE_TYPING_COMPOSING;

	if (im->typing == TRANSLATE_TYPING_GONE || (!tastes.typing && !tastes.lync))
		return TRANSLATE_NOTHING;
	if (tastes.typing) {
		*type = SLICE("application/im-iscomposing+xml");
		out->body = translate_composing_write(is_active, arena);
	} else {
		out->method = SIP_INFO;
		*type = SLICE("application/xml");
		out->body = translate_keyboard_write(is_active, arena);
	}
	return out->body.ptr ? TRANSLATE_OK : TRANSLATE_NO_MEMORY;
}

/* Text or receipt in an envelope. */
static struct slice wrap(const struct translate_im *im, struct slice type, struct slice content,
                         struct slice from, struct slice to, struct arena *arena)
{
	struct buffer text;

	buffer_start(&text, content.len + 8 * 1024);
	translate_cpim_write(&text, im, from, to, type, content);
	return translate_taken(&text, arena);
}

enum translate_answer translate_im_to_sip(const struct translate_im *im, struct translate_tastes tastes,
                                          struct slice from, struct slice to, struct arena *arena,
                                          struct translate_content *out)
{
	struct slice type = SLICE("text/plain;charset=UTF-8");
	struct translate_im said = *im;
	struct buffer headers;
	bool is_wrapped;

	*out = (struct translate_content){ .method = SIP_MESSAGE };
	if (!is_sayable(im) || (im->kind == TRANSLATE_IM_RECEIPT && !tastes.cpim))
		return TRANSLATE_NOTHING;
	if (!translate_is_token(said.id, TRANSLATE_LINE_MAX))
		said.id = SLICE("");
	if (im->kind == TRANSLATE_IM_TYPING) {
		enum translate_answer answer = write_typing(im, tastes, arena, out, &type);

		if (answer != TRANSLATE_OK)
			return answer;
	} else if (im->kind == TRANSLATE_IM_RECEIPT) {
		type = SLICE("message/imdn+xml");
		out->body = translate_imdn_write(im, arena);
	} else {
		out->body = translate_lines_to_crlf(im->text, arena);
	}
	is_wrapped = im->kind == TRANSLATE_IM_RECEIPT ||
	             (im->kind == TRANSLATE_IM_TEXT && tastes.cpim && said.id.len &&
	              (im->wants_receipt || im->wants_displayed));
	if (is_wrapped && out->body.ptr) {
		out->body = wrap(&said, type, out->body, from, to, arena);
		type = SLICE("message/cpim");
	}
	buffer_start(&headers, 4 * TRANSLATE_LINE_MAX);
	write_around(im, &headers, arena);
	buffer_printf(&headers, "Content-Type: %.*s\r\n", SLICE_ARG(type));
	out->headers = translate_taken(&headers, arena);
	return out->headers.ptr && out->body.ptr ? TRANSLATE_OK : TRANSLATE_NO_MEMORY;
}
