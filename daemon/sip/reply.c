/*
 * reply: a response made from a request.  RFC 3261 §8.2.6.
 */
#include "daemon/sip/grammar.h"

static bool is_token(struct slice text) { return text.len > 0 && sip_span(text, SIP_CHAR_TOKEN) == text.len; }

/* Whole lines "Name: value CRLF" and nothing else. */
static bool is_headers(struct slice extra)
{
	while (extra.len > 0) {
		const char *end = sip_next_control(extra.ptr, extra.ptr + extra.len);
		struct slice line = sip_between(extra.ptr, end);
		size_t colon = slice_find(line, ':');

		if (extra.len - line.len < 2 || end[0] != '\r' || end[1] != '\n' || colon == line.len ||
		    !is_token(slice_first(line, colon)))
			return false;
		extra = slice_after(extra, line.len + 2);
	}
	return true;
}

static void copy(const struct sip_message *request, enum sip_header_id id, struct buffer *out)
{
	const struct sip_header *header = sip_message_header(request, id);

	sip_emit_header(out, sip_header_name(header), header->value);
}

/* §8.2.6.2: a tag when there is none, except in a 100.  A To that could not be read is not touched. */
static void copy_to(const struct sip_message *request, bool needs_tag, struct slice to_tag,
                    struct buffer *out)
{
	const struct sip_header *to = sip_message_header(request, SIP_TO);
	bool takes_tag = needs_tag && request->to.all.ptr && !request->to.tag.ptr && to_tag.len > 0;

	buffer_add(out, SLICE("To: "));
	sip_emit(out, to->value);
	if (takes_tag) {
		buffer_add(out, SLICE(";tag="));
		sip_emit(out, to_tag);
	}
	buffer_add(out, SLICE("\r\n"));
}

/* §8.2.2.3: which extensions were asked for in vain; of those a proxy must know (§20.29) this one knows none. */
static void add_unsupported(const struct sip_message *request, struct buffer *out)
{
	struct sip_walk walk = { 0 };
	struct slice option;

	while (sip_message_walk(request, SIP_PROXY_REQUIRE, &walk, &option))
		if (option.len > 0)
			sip_emit_header(out, SLICE("Unsupported"), option);
}

/* What the asker needs in order to ask again in a way that is understood. */
static void add_remedy(const struct sip_message *request, int status, struct buffer *out)
{
	if (status == 420)
		add_unsupported(request, out);
	else if (status == 415) /* §21.4.13; only encodings are refused (validate.c) */
		buffer_add(out, SLICE("Accept-Encoding: identity\r\n"));
}

bool sip_reply_write(const struct sip_message *request, int status, struct slice phrase, struct slice to_tag,
                     struct slice extra, struct buffer *out)
{
	size_t length = buffer_length(out);
	bool was_broken = out->is_broken;

	if (was_broken || !request->is_request || request->method == SIP_ACK || status < 100 || status > 699)
		return false;
	if (!sip_message_header(request, SIP_VIA) || !sip_message_header(request, SIP_FROM) ||
	    !sip_message_header(request, SIP_TO) || !sip_message_header(request, SIP_CALL_ID) ||
	    !sip_message_header(request, SIP_CSEQ))
		return false;
	if ((to_tag.len > 0 && !is_token(to_tag)) || !is_headers(extra))
		return false;

	buffer_add(out, SLICE("SIP/2.0 "));
	buffer_add_number(out, (uint64_t)status);
	buffer_add_char(out, ' ');
	sip_emit(out, phrase.len ? phrase : sip_phrase(status));
	buffer_add(out, SLICE("\r\n"));
	for (const struct sip_header *via = sip_message_header(request, SIP_VIA); via;
	     via = sip_message_next(request, via))
		sip_emit_header(out, SLICE("Via"), via->value);
	copy(request, SIP_FROM, out);
	copy_to(request, status > 100, to_tag, out);
	copy(request, SIP_CALL_ID, out);
	copy(request, SIP_CSEQ, out);
	if (status == 100 && sip_message_header(request, SIP_TIMESTAMP)) /* §8.2.6.1 */
		copy(request, SIP_TIMESTAMP, out);
	add_remedy(request, status, out);
	buffer_add(out, extra);
	buffer_add(out, SLICE("Content-Length: 0\r\n\r\n"));
	if (!out->is_broken)
		return true;
	sip_emit_undo(out, length, was_broken);
	return false;
}
