/*
 * im_xmpp: an instant message as XMPP says it: RFC 6121 §5, XEP-0085 (typing),
 * XEP-0184 (receipts), XEP-0333 (read), XEP-0203 (delay), with RFC 7572's mapping.
 */
#include "daemon/translate/parts.h"

#include "shared/base/clock.h"

#define NS_MARKERS SLICE("urn:xmpp:chat-markers:0")

/* ---- what has no counterpart ---- */

/*
 * Refused wherever it stands in a message, even beside a body: the body then
 * says "your client does not support this", which is nonsense to its reader.
 */
static const struct {
	struct slice space;
	const char *name; /* NULL: any element of the namespace */
	bool only_without_body;
	enum xmpp_condition condition;
	const char *why;
} strangers[] = {
#define NS(literal)                                                                                          \
	{                                                                                                    \
		literal, sizeof literal - 1                                                                  \
	}
	{ NS("eu.siacs.conversations.axolotl"), "encrypted", false, XMPP_NOT_ACCEPTABLE,
	  "encrypted messages (OMEMO) cannot be read by SIP users; switch encryption off for this contact" },
	{ NS("urn:xmpp:omemo:1"), "encrypted", false, XMPP_NOT_ACCEPTABLE,
	  "encrypted messages (OMEMO) cannot be read by SIP users; switch encryption off for this contact" },
	{ NS("urn:xmpp:omemo:2"), "encrypted", false, XMPP_NOT_ACCEPTABLE,
	  "encrypted messages (OMEMO) cannot be read by SIP users; switch encryption off for this contact" },
	{ NS("urn:xmpp:openpgp:0"), "openpgp", false, XMPP_NOT_ACCEPTABLE,
	  "encrypted messages (OpenPGP) cannot be read by SIP users; switch encryption off for this "
	  "contact" },
	{ NS("jabber:x:encrypted"), "x", false, XMPP_NOT_ACCEPTABLE,
	  "encrypted messages (OpenPGP) cannot be read by SIP users; switch encryption off for this "
	  "contact" },
	{ NS("urn:xmpp:eme:0"), "encryption", false, XMPP_NOT_ACCEPTABLE,
	  "encrypted messages cannot be read by SIP users; switch encryption off for this contact" },
	{ NS("urn:xmpp:jingle-message:0"), "propose", true, XMPP_FEATURE_NOT_IMPLEMENTED,
	  "calls do not cross to SIP" },
	{ NS("http://jabber.org/protocol/muc#user"), "x", true, XMPP_FEATURE_NOT_IMPLEMENTED,
	  "rooms do not cross to SIP" },
	{ NS("jabber:x:conference"), "x", true, XMPP_FEATURE_NOT_IMPLEMENTED, "rooms do not cross to SIP" },
	{ NS("jabber:x:oob"), "x", true, XMPP_FEATURE_NOT_IMPLEMENTED, "files do not cross to SIP" },
#undef NS
};

static enum translate_answer check_strangers(const struct xmpp_element *stanza, bool has_body,
                                             struct translate_refusal *refusal)
{
	for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
		if (xmpp_child(stanza, strangers[i].space, slice_of(strangers[i].name)) &&
		    !(strangers[i].only_without_body && has_body))
			return translate_refuse(refusal, 488, strangers[i].condition, strangers[i].why);
	return TRANSLATE_OK;
}

/* ---- reading ---- */

/*
 * Of several in several languages, the one in the stanza's own; else the first
 * (RFC 6121 §5.2.3).  NULL: none.
 */
static const struct xmpp_element *in_own_language(const struct xmpp_element *stanza, struct slice name)
{
	const struct xmpp_element *first = xmpp_child(stanza, stanza->space, name);
	struct slice language = xmpp_language(stanza);

	for (const struct xmpp_element *at = first; at; at = xmpp_next_same(at))
		if (slice_equal_nocase(xmpp_language(at), language))
			return at;
	return first;
}

static bool read_delay(const struct xmpp_element *stanza, struct translate_im *out)
{
	const struct xmpp_element *delay = xmpp_child(stanza, XMPP_NS_DELAY, SLICE("delay"));

	return delay && translate_time_read(xmpp_get(delay, SLICE("stamp")), &out->stamp_ms);
}

static enum translate_answer read_text(const struct xmpp_element *stanza, const struct xmpp_element *body,
                                       struct slice text, struct arena *arena, struct translate_im *out,
                                       struct translate_refusal *refusal)
{
	const struct xmpp_element *subject = in_own_language(stanza, SLICE("subject"));

	if (slice_starts(text, SLICE("?OTR:")))
		return translate_refuse(refusal, 488, XMPP_NOT_ACCEPTABLE,
		                        "encrypted messages (OTR) cannot be read by SIP users; switch "
		                        "encryption off for this contact");
	if (text.len > TRANSLATE_TEXT_MAX)
		return translate_refuse(refusal, 413, XMPP_POLICY_VIOLATION,
		                        "more text than a message may hold");
	out->kind = TRANSLATE_IM_TEXT;
	out->text = translate_lines_to_lf(text, arena);
	out->subject = subject && subject != body
	                       ? translate_line(xmpp_text(subject, arena), TRANSLATE_LINE_MAX, arena)
	                       : SLICE("");
	out->language = translate_language(xmpp_language(body));
	out->is_chat = slice_equal(xmpp_get(stanza, SLICE("type")), SLICE("chat"));
	out->wants_receipt = out->id.len && xmpp_child(stanza, XMPP_NS_RECEIPTS, SLICE("request"));
	out->wants_displayed = out->id.len && xmpp_child(stanza, NS_MARKERS, SLICE("markable"));
	out->is_delayed = read_delay(stanza, out);
	return out->text.ptr && out->subject.ptr ? TRANSLATE_OK : TRANSLATE_NO_MEMORY;
}

static const struct {
	const char *name;
	enum translate_typing typing;
} states[] = {
	{ "composing", TRANSLATE_TYPING_COMPOSING }, { "paused", TRANSLATE_TYPING_PAUSED },
	{ "active", TRANSLATE_TYPING_ACTIVE },       { "inactive", TRANSLATE_TYPING_INACTIVE },
	{ "gone", TRANSLATE_TYPING_GONE },
};
enum { STATES = sizeof states / sizeof *states };

/* A message without words: a receipt, a state, or something nobody here waits for. */
static enum translate_answer read_notice(const struct xmpp_element *stanza, struct translate_im *out)
{
	const struct xmpp_element *received = xmpp_child(stanza, XMPP_NS_RECEIPTS, SLICE("received"));
	const struct xmpp_element *displayed = xmpp_child(stanza, NS_MARKERS, SLICE("displayed"));

	if (received || displayed) {
		out->kind = TRANSLATE_IM_RECEIPT;
		out->receipt = received ? TRANSLATE_RECEIPT_DELIVERED : TRANSLATE_RECEIPT_DISPLAYED;
		out->receipt_for = xmpp_get(received ? received : displayed, SLICE("id"));
		return out->receipt_for.len ? TRANSLATE_OK : TRANSLATE_NOTHING;
	}
	for (size_t i = 0; i < STATES; i++)
		if (xmpp_child(stanza, XMPP_NS_CHATSTATES, slice_of(states[i].name))) {
			out->kind = TRANSLATE_IM_TYPING;
			out->typing = states[i].typing;
			return TRANSLATE_OK;
		}
	return TRANSLATE_NOTHING;
}

enum translate_answer translate_im_from_stanza(const struct xmpp_element *stanza, struct arena *arena,
                                               struct translate_im *out, struct translate_refusal *refusal)
{
	struct slice type = xmpp_get(stanza, SLICE("type"));
	const struct xmpp_element *body = in_own_language(stanza, SLICE("body"));
	struct slice text = SLICE("");

	*out = (struct translate_im){ .id = xmpp_get(stanza, SLICE("id")) };
	if (slice_equal(type, SLICE("error")))
		return TRANSLATE_NOTHING;
	if (slice_equal(type, SLICE("groupchat")))
		return translate_refuse(refusal, 488, XMPP_FEATURE_NOT_IMPLEMENTED,
		                        "rooms do not cross to SIP");
	/* A letter of nothing but a subject: its subject is its text. */
	if (!body)
		body = in_own_language(stanza, SLICE("subject"));
	if (body)
		text = xmpp_text(body, arena);
	if (body && !text.ptr && body->first)
		return TRANSLATE_NO_MEMORY;

	enum translate_answer answer = check_strangers(stanza, slice_trim(text).len > 0, refusal);

	if (answer != TRANSLATE_OK)
		return answer;
	out->thread = translate_line(xmpp_child_text(stanza, stanza->space, SLICE("thread"), arena),
	                             TRANSLATE_LINE_MAX, arena);
	if (!out->thread.ptr)
		return TRANSLATE_NO_MEMORY;
	return text.len ? read_text(stanza, body, text, arena, out, refusal) : read_notice(stanza, out);
}

/* ---- writing ---- */

static void add_text(struct xmpp_builder *b, struct xmpp_element *message, struct slice name,
                     struct slice text)
{
	size_t replaced;

	if (text.len)
		xmpp_add_with_text(b, message, XMPP_NS_SERVER, name,
		                   xmpp_text_cleaned(text, b->arena, &replaced));
}

static void write_text(struct xmpp_builder *b, struct xmpp_element *message, const struct translate_im *im)
{
	char stamp[INSTANT_TEXT_BYTES];

	add_text(b, message, SLICE("subject"), im->subject);
	add_text(b, message, SLICE("body"), im->text);
	if (im->wants_receipt && im->id.len)
		xmpp_add(b, message, XMPP_NS_RECEIPTS, SLICE("request"));
	if (im->wants_displayed && im->id.len)
		xmpp_add(b, message, NS_MARKERS, SLICE("markable"));
	if (im->is_chat)
		xmpp_add(b, message, XMPP_NS_CHATSTATES, SLICE("active"));
	if (im->is_delayed) {
		instant_text(im->stamp_ms, stamp);
		xmpp_set(b, xmpp_add(b, message, XMPP_NS_DELAY, SLICE("delay")), SLICE("stamp"),
		         slice_of(stamp));
	}
}

static void write_receipt(struct xmpp_builder *b, struct xmpp_element *message, const struct translate_im *im)
{
	bool is_displayed = im->receipt == TRANSLATE_RECEIPT_DISPLAYED;

	xmpp_set(b,
	         xmpp_add(b, message, is_displayed ? NS_MARKERS : XMPP_NS_RECEIPTS,
	                  is_displayed ? SLICE("displayed") : SLICE("received")),
	         SLICE("id"), im->receipt_for);
}

/* A message that failed behind our back is an error like any other (RFC 6121 §5.2.2). */
static void write_failure(struct xmpp_builder *b, struct xmpp_element *message, const struct translate_im *im)
{
	struct xmpp_element *error;

	xmpp_set(b, message, SLICE("type"), SLICE("error"));
	xmpp_set(b, message, SLICE("id"), im->receipt_for);
	error = xmpp_add(b, message, XMPP_NS_SERVER, SLICE("error"));
	xmpp_set(b, error, SLICE("type"), xmpp_error_type_name(XMPP_ERROR_WAIT));
	xmpp_add(b, error, XMPP_NS_STANZAS, xmpp_condition_name(XMPP_RECIPIENT_UNAVAILABLE));
}

struct xmpp_element *translate_im_to_stanza(struct xmpp_builder *b, const struct translate_im *im,
                                            struct slice from, struct slice to)
{
	struct xmpp_element *message = xmpp_add(b, NULL, XMPP_NS_SERVER, SLICE("message"));
	bool is_failure = im->kind == TRANSLATE_IM_RECEIPT && im->receipt == TRANSLATE_RECEIPT_FAILED;

	xmpp_set(b, message, SLICE("from"), from);
	xmpp_set(b, message, SLICE("to"), to);
	if (is_failure) {
		write_failure(b, message, im);
		return b->is_broken ? NULL : message;
	}
	if (im->id.len)
		xmpp_set(b, message, SLICE("id"), im->id);
	/* No type is "normal", which RFC 7572 §5 wants of a MESSAGE outside a session. */
	if (im->is_chat || im->kind == TRANSLATE_IM_TYPING)
		xmpp_set(b, message, SLICE("type"), SLICE("chat"));
	if (im->language.len)
		xmpp_set_language(b, message, im->language);
	if (im->kind == TRANSLATE_IM_TEXT)
		write_text(b, message, im);
	else if (im->kind == TRANSLATE_IM_RECEIPT)
		write_receipt(b, message, im);
	else
		for (size_t i = 0; i < STATES; i++)
			if (states[i].typing == im->typing)
				xmpp_add(b, message, XMPP_NS_CHATSTATES, slice_of(states[i].name));
	add_text(b, message, SLICE("thread"), im->thread);
	return b->is_broken ? NULL : message;
}
