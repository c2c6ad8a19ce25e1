/*
 * translate: whatever one side says, the other is given grammar of ours only.
 * The first byte chooses: a SIP message towards XMPP (a PIDF in a NOTIFY), or a
 * stanza towards SIP.  What comes out is read again, by another reader than
 * wrote it, and must hold exactly the elements and headers that we write.
 */
#include <stdlib.h>

#include "daemon/translate/parts.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* ---- XMPP side ---- */

static const struct xmpp_element *read_again(struct xmpp_parser *parser, const struct xmpp_element *stanza,
                                             struct arena *arena)
{
	struct xmpp_element *out = NULL;
	struct xmpp_fault fault = { 0 };
	struct buffer text;

	buffer_start(&text, 4 * XMPP_STANZA_MAX);
	check(xmpp_write(stanza, XMPP_SCOPE_SERVER, &text));
	if (buffer_length(&text) < XMPP_STANZA_MAX)
		check(xmpp_parser_read(parser,
		                       SLICE("<stream:stream xmlns='jabber:server' "
		                             "xmlns:stream='http://etherx.jabber.org/streams'>"),
		                       buffer_slice(&text), arena, &out, &fault));
	buffer_stop(&text);
	return out;
}

/* Children of a stanza we write: known names, no more than one deep (an error and a delay aside). */
static void check_stanza(const struct xmpp_element *stanza, const char *name)
{
	static const char *const known[] = { "body",     "subject", "thread",   "request",   "markable",
		                             "active",   "delay",   "received", "displayed", "error",
		                             "show",     "status",  "priority", "composing", "paused",
		                             "inactive", "gone" };

	check(slice_equal(stanza->name, slice_of(name)) && slice_equal(stanza->space, XMPP_NS_SERVER));
	check(slice_equal(xmpp_get(stanza, SLICE("from")), SLICE("s@sip.example")));
	check(slice_equal(xmpp_get(stanza, SLICE("to")), SLICE("j@x.example")));
	for (const struct xmpp_element *at = xmpp_first_element(stanza); at; at = xmpp_next_element(at)) {
		bool is_known = false;

		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			is_known |= slice_equal(at->name, slice_of(known[i]));
		check(is_known);
		check(slice_equal(at->name, SLICE("error")) || !xmpp_first_element(at));
	}
}

static void from_sip(struct slice bytes, struct xmpp_parser *parser, struct arena *arena)
{
	struct sip_message message;
	struct sip_fault fault;
	struct translate_refusal refusal = { 0 };
	struct translate_resource resources[TRANSLATE_RESOURCES_MAX];
	struct xmpp_builder b = { .arena = arena };
	struct translate_im im;
	struct xmpp_jid jid;
	struct slice uri;
	size_t count;

	if (sip_message_parse(bytes, arena, &message, &fault) != SIP_PARSE_OK)
		return;
	if (translate_address_to_jid(&message.from.uri, arena, &jid, &refusal) == TRANSLATE_OK &&
	    translate_address_to_uri(&jid, arena, &uri, &refusal) == TRANSLATE_OK) {
		struct sip_uri again;
		struct xmpp_jid back;

		check(sip_uri_parse(uri, &again, NULL) == SIP_PARSE_OK);
		check(translate_address_to_jid(&again, arena, &back, &refusal) == TRANSLATE_OK);
		check(xmpp_jid_equal(&jid, &back));
	}
	switch (translate_im_from_sip(&message, parser, arena, &im, &refusal)) {
	case TRANSLATE_OK: {
		const struct xmpp_element *stanza = translate_im_to_stanza(&b, &im, SLICE("s@sip.example"),
		                                                           SLICE("j@x.example"));

		if (stanza && (stanza = read_again(parser, stanza, arena)))
			check_stanza(stanza, "message");
		break;
	}
	case TRANSLATE_REFUSED: check(refusal.why && refusal.status >= 400 && refusal.status < 700); break;
	default: break;
	}
	if (translate_pidf_read(message.body, parser, arena, resources, &count, &refusal) != TRANSLATE_OK)
		return;
	check(count <= TRANSLATE_RESOURCES_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct xmpp_element *stanza = translate_presence_to_stanza(
		        &b, &resources[i], SLICE("s@sip.example"), SLICE("j@x.example"));

		for (size_t k = 0; k < resources[i].resource.len; k++)
			check((unsigned char)resources[i].resource.ptr[k] >= 0x20);
		if (stanza && (stanza = read_again(parser, stanza, arena)))
			check_stanza(stanza, "presence");
	}
}

/* ---- SIP side ---- */

/* Our own reader of the other side finds the words that were said, whatever they look like, and no others. */
static void check_words(const struct sip_message *message, const struct translate_im *im,
                        struct xmpp_parser *parser, struct arena *arena)
{
	struct translate_refusal refusal = { 0 };
	struct slice said = translate_lines_to_lf(im->text, arena);
	struct translate_im again;
	enum translate_answer answer = translate_im_from_sip(message, parser, arena, &again, &refusal);

	if (answer == TRANSLATE_NO_MEMORY || !said.ptr)
		return;
	check(answer == (said.len ? TRANSLATE_OK : TRANSLATE_NOTHING));
	if (said.len)
		check(again.kind == TRANSLATE_IM_TEXT && slice_equal(again.text, said));
}

/* The message with these headers is one message, with no header that we do not write. */
static void check_content(const struct translate_content *content, const struct translate_im *im,
                          struct xmpp_parser *parser, struct arena *arena)
{
	static const enum sip_header_id known[] = { SIP_VIA,          SIP_MAX_FORWARDS,     SIP_FROM,
		                                    SIP_TO,           SIP_CALL_ID,          SIP_CSEQ,
		                                    SIP_SUBJECT,      SIP_CONTENT_LANGUAGE, SIP_DATE,
		                                    SIP_CONTENT_TYPE, SIP_CONTENT_LENGTH };
	struct sip_framer framer = { .body_max = 1024 * 1024 };
	struct sip_message message;
	struct sip_fault fault;
	struct buffer text;
	size_t length;

	buffer_start(&text, 2 * 1024 * 1024);
	buffer_printf(&text,
	              "%.*s sip:s@sip.example SIP/2.0\r\nVia: SIP/2.0/TLS h.example;branch=z9hG4bKb\r\n"
	              "Max-Forwards: 70\r\nFrom: <sip:j@x.example>;tag=1\r\nTo: "
	              "<sip:s@sip.example>\r\nCall-ID: C\r\n"
	              "CSeq: 1 %.*s\r\n%.*sContent-Length: %zu\r\n\r\n%.*s",
	              SLICE_ARG(sip_method_name(content->method)),
	              SLICE_ARG(sip_method_name(content->method)), SLICE_ARG(content->headers),
	              content->body.len, SLICE_ARG(content->body));
	check(sip_framer_next(&framer, buffer_slice(&text), &length, &fault) == SIP_FRAME_MESSAGE);
	check(length == buffer_length(&text));
	if (sip_message_parse(buffer_slice(&text), arena, &message, &fault) == SIP_PARSE_NO_MEMORY) {
		buffer_stop(&text);
		return;
	}
	check(sip_validate_request(&message, &fault));
	for (size_t i = 0; i < message.header_count; i++) {
		bool is_known = false;

		for (size_t k = 0; k < sizeof known / sizeof *known; k++)
			is_known |= message.headers[i].id == known[k];
		check(is_known);
	}
	check(slice_equal(message.body, content->body));
	if (im->kind == TRANSLATE_IM_TEXT)
		check_words(&message, im, parser, arena);
	buffer_stop(&text);
}

static void from_stanza(struct slice bytes, struct xmpp_parser *parser, struct arena *arena)
{
	static const struct translate_tastes tastes[] = { { false, false, false },
		                                          { true, true, false },
		                                          { false, false, true } };
	struct translate_refusal refusal = { 0 };
	struct translate_resource resource;
	struct xmpp_element *stanza;
	struct xmpp_fault fault = { 0 };
	struct xmpp_jid jid;
	struct translate_im im;
	struct slice uri, pidf;

	if (!xmpp_parser_read(parser,
	                      SLICE("<stream:stream xmlns='jabber:server' "
	                            "xmlns:stream='http://etherx.jabber.org/streams' xml:lang='en'>"),
	                      bytes, arena, &stanza, &fault))
		return;
	if (translate_jid_read(xmpp_get(stanza, SLICE("from")), arena, &jid, &refusal) == TRANSLATE_OK &&
	    translate_address_to_uri(&jid, arena, &uri, &refusal) == TRANSLATE_OK) {
		struct sip_uri parsed;
		struct xmpp_jid back;

		check(sip_uri_parse(uri, &parsed, NULL) == SIP_PARSE_OK);
		check(translate_address_to_jid(&parsed, arena, &back, &refusal) == TRANSLATE_OK);
		check(xmpp_jid_equal(&jid, &back));
	}
	switch (translate_im_from_stanza(stanza, arena, &im, &refusal)) {
	case TRANSLATE_OK:
		for (size_t i = 0; i < sizeof tastes / sizeof *tastes; i++) {
			struct translate_content content;

			if (translate_im_to_sip(&im, tastes[i], SLICE("sip:j@x.example"),
			                        SLICE("sip:s@sip.example"), arena, &content) == TRANSLATE_OK)
				check_content(&content, &im, parser, arena);
		}
		break;
	case TRANSLATE_REFUSED: check(refusal.why != NULL); break;
	default: break;
	}
	if (translate_presence_from_stanza(stanza, arena, &resource) == TRANSLATE_OK) {
		struct translate_resource back[TRANSLATE_RESOURCES_MAX];
		size_t count;

		resource.resource = jid.resource;
		pidf = translate_pidf_write(SLICE("pres:j@x.example"), SLICE("sip:j@x.example"), &resource, 1,
		                            arena);
		if (!pidf.ptr)
			return;
		if (translate_pidf_read(pidf, parser, arena, back, &count, &refusal) == TRANSLATE_NO_MEMORY)
			return;
		check(count == 1 && back[0].is_open == resource.is_open);
		check(slice_equal(back[0].resource, resource.resource));
		check(!resource.is_open || back[0].show == resource.show);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data + 1, size ? size - 1 : 0 };
	struct xmpp_parser *parser;
	struct arena arena;

	if (size == 0)
		return 0;
	parser = xmpp_parser_new();
	check(parser != NULL);
	arena_start(&arena, 2 * TRANSLATE_ARENA_MAX);
	if (data[0] == 's')
		from_sip(text, parser, &arena);
	else
		from_stanza(text, parser, &arena);
	arena_stop(&arena);
	xmpp_parser_free(&parser);
	return 0;
}
