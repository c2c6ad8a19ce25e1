/*
 * notice: the small XML bodies that say something about messages: isComposing
 * (RFC 3994), IMDN (RFC 5438 §7), and Lync's KeyboardActivity.
 */
#include "daemon/translate/parts.h"

#include <stdio.h>

#include "shared/base/clock.h"

#define NS_COMPOSING SLICE("urn:ietf:params:xml:ns:im-iscomposing")
#define NS_IMDN      SLICE("urn:ietf:params:xml:ns:imdn")

static const struct xmpp_scope no_scope = { .space = { NULL, 0 } };

enum translate_answer translate_document(struct slice bytes, struct xmpp_parser *parser, struct arena *arena,
                                         struct xmpp_element **root, struct translate_refusal *refusal)
{
	struct reason reason;

	if (bytes.len > TRANSLATE_DOCUMENT_MAX)
		return translate_refuse(refusal, 413, XMPP_POLICY_VIOLATION,
		                        "an XML body of more than 64 KiB");
	switch (xmpp_document_read(parser, bytes, arena, root, &reason)) {
	case RESULT_OK: return TRANSLATE_OK;
	case RESULT_NO_MEMORY: return TRANSLATE_NO_MEMORY;
	default:
		return translate_refuse(refusal, 400, XMPP_BAD_REQUEST, "a body that is not well-formed XML");
	}
}

struct slice translate_document_write(struct xmpp_builder *b, const struct xmpp_element *root)
{
	struct buffer text;

	if (b->is_broken)
		return SLICE_NONE;
	buffer_start(&text, TRANSLATE_DOCUMENT_MAX);
	buffer_add(&text, SLICE("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"));
	if (!xmpp_write(root, &no_scope, &text))
		text.is_broken = true;
	return translate_taken(&text, b->arena);
}

/* ---- reading ---- */

static enum translate_answer read_composing(const struct xmpp_element *root, struct arena *arena,
                                            struct translate_im *out)
{
	struct slice state = slice_trim(xmpp_child_text(root, NS_COMPOSING, SLICE("state"), arena));
	struct slice refresh = slice_trim(xmpp_child_text(root, NS_COMPOSING, SLICE("refresh"), arena));
	uint64_t seconds = 0;

	out->kind = TRANSLATE_IM_TYPING;
	if (slice_equal(state, SLICE("active")))
		out->typing = TRANSLATE_TYPING_COMPOSING;
	else if (slice_equal(state, SLICE("idle")))
		out->typing = TRANSLATE_TYPING_ACTIVE;
	else
		return TRANSLATE_NOTHING; /* RFC 3994 §3.3: other states are to be ignored */
	if (slice_to_number(refresh, 3600, &seconds))
		out->refresh_s = (uint32_t)seconds;
	return TRANSLATE_OK;
}

static enum translate_answer read_imdn(const struct xmpp_element *root, struct arena *arena,
                                       struct translate_im *out)
{
	static const struct {
		const char *notification, *status;
		enum translate_receipt receipt;
	} rows[] = {
		{ "delivery-notification", "delivered", TRANSLATE_RECEIPT_DELIVERED },
		{ "delivery-notification", "failed", TRANSLATE_RECEIPT_FAILED },
		{ "delivery-notification", "forbidden", TRANSLATE_RECEIPT_FAILED },
		{ "delivery-notification", "error", TRANSLATE_RECEIPT_FAILED },
		{ "display-notification", "displayed", TRANSLATE_RECEIPT_DISPLAYED },
	};

	out->kind = TRANSLATE_IM_RECEIPT;
	out->receipt_for = slice_trim(xmpp_child_text(root, NS_IMDN, SLICE("message-id"), arena));
	if (!translate_is_token(out->receipt_for, TRANSLATE_LINE_MAX))
		return TRANSLATE_NOTHING;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct xmpp_element *kind = xmpp_child(root, NS_IMDN, slice_of(rows[i].notification));

		if (xmpp_child(xmpp_child(kind, NS_IMDN, SLICE("status")), NS_IMDN,
		               slice_of(rows[i].status))) {
			out->receipt = rows[i].receipt;
			return TRANSLATE_OK;
		}
	}
	return TRANSLATE_NOTHING; /* processed, stored: on its way is no news */
}

/* <KeyboardActivity><status status="type"/></KeyboardActivity>, without a namespace. */
static enum translate_answer read_keyboard(const struct xmpp_element *root, struct translate_im *out)
{
	struct slice status = xmpp_get(xmpp_child(root, root->space, SLICE("status")), SLICE("status"));

	out->kind = TRANSLATE_IM_TYPING;
	if (slice_equal(status, SLICE("type")))
		out->typing = TRANSLATE_TYPING_COMPOSING;
	else if (slice_equal(status, SLICE("idle")))
		out->typing = TRANSLATE_TYPING_PAUSED;
	else
		return TRANSLATE_NOTHING;
	return TRANSLATE_OK;
}

enum translate_answer translate_notice_read(struct slice bytes, struct xmpp_parser *parser,
                                            struct arena *arena, struct translate_im *out,
                                            struct translate_refusal *refusal)
{
	struct xmpp_element *root;
	enum translate_answer answer = translate_document(bytes, parser, arena, &root, refusal);

	if (answer != TRANSLATE_OK)
		return answer;
	if (xmpp_is(root, NS_COMPOSING, SLICE("isComposing")))
		return read_composing(root, arena, out);
	if (xmpp_is(root, NS_IMDN, SLICE("imdn")))
		return read_imdn(root, arena, out);
	if (slice_equal(root->name, SLICE("KeyboardActivity")))
		return read_keyboard(root, out);
	return translate_refuse(refusal, 415, XMPP_NOT_ACCEPTABLE, "an XML body of another kind");
}

/* ---- writing ---- */

struct slice translate_composing_write(bool is_active, struct arena *arena)
{
	enum { REFRESH_S = 60 }; /* RFC 3994 §3.3: the least */
	struct xmpp_builder b = { .arena = arena };
	struct xmpp_element *root = xmpp_add(&b, NULL, NS_COMPOSING, SLICE("isComposing"));
	char refresh[8];

	xmpp_add_with_text(&b, root, NS_COMPOSING, SLICE("state"),
	                   is_active ? SLICE("active") : SLICE("idle"));
	xmpp_add_with_text(&b, root, NS_COMPOSING, SLICE("contenttype"), SLICE("text/plain"));
	if (is_active) {
		snprintf(refresh, sizeof refresh, "%d", REFRESH_S);
		xmpp_add_with_text(&b, root, NS_COMPOSING, SLICE("refresh"), slice_of(refresh));
	}
	return translate_document_write(&b, root);
}

struct slice translate_keyboard_write(bool is_active, struct arena *arena)
{
	struct xmpp_builder b = { .arena = arena };
	struct xmpp_element *root = xmpp_add(&b, NULL, SLICE(""), SLICE("KeyboardActivity"));

	xmpp_set(&b, xmpp_add(&b, root, SLICE(""), SLICE("status")), SLICE("status"),
	         is_active ? SLICE("type") : SLICE("idle"));
	return translate_document_write(&b, root);
}

struct slice translate_imdn_write(const struct translate_im *im, struct arena *arena)
{
	struct xmpp_builder b = { .arena = arena };
	struct xmpp_element *root = xmpp_add(&b, NULL, NS_IMDN, SLICE("imdn")), *kind;
	bool is_displayed = im->receipt == TRANSLATE_RECEIPT_DISPLAYED;
	char date[INSTANT_TEXT_BYTES];

	instant_text(im->stamp_ms, date);
	xmpp_add_with_text(&b, root, NS_IMDN, SLICE("message-id"), im->receipt_for);
	xmpp_add_with_text(&b, root, NS_IMDN, SLICE("datetime"), slice_of(date));
	kind = xmpp_add(&b, root, NS_IMDN,
	                is_displayed ? SLICE("display-notification") : SLICE("delivery-notification"));
	xmpp_add(&b, xmpp_add(&b, kind, NS_IMDN, SLICE("status")), NS_IMDN,
	         is_displayed                              ? SLICE("displayed")
	         : im->receipt == TRANSLATE_RECEIPT_FAILED ? SLICE("failed")
	                                                   : SLICE("delivered"));
	return translate_document_write(&b, root);
}
