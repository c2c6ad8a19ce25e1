/*
 * error: RFC 7247 §7, both tables, and the rows that need more than a number.
 */
#include "daemon/translate/parts.h"

#define TO_SIP(condition, full, bare) [XMPP_##condition] = { full, bare },
static const struct {
	int full, bare;
} to_sip[XMPP_CONDITION_COUNT] = {
#include "daemon/translate/errors.def"
};

#define TO_XMPP(status, condition) { status, XMPP_##condition },
static const struct {
	int status;
	enum xmpp_condition condition;
} to_xmpp[] = {
#include "daemon/translate/errors.def"
};

/* ---- XMPP to SIP ---- */

/* <gone> and <redirect> with an address we can say in SIP. */
static struct slice contact_of(struct slice address, struct arena *arena)
{
	struct translate_refusal refusal;
	struct xmpp_jid jid;
	struct slice uri;
	char *contact;

	if (!translate_xmpp_uri_read(address, arena, &jid) ||
	    translate_address_to_uri(&jid, arena, &uri, &refusal) != TRANSLATE_OK)
		return SLICE("");
	contact = arena_printf(arena, "<%.*s>", SLICE_ARG(uri));
	return contact ? slice_of(contact) : SLICE("");
}

static int status_of(const struct xmpp_stanza_error *error, bool is_bare, enum sip_method method,
                     bool has_contact)
{
	int status = is_bare ? to_sip[error->condition].bare : to_sip[error->condition].full;

	switch (error->condition) {
	case XMPP_GONE: return has_contact ? 301 : status;
	/* The user's server takes no messages for him: the method, not the request, is what fails. Never 503. */
	case XMPP_SERVICE_UNAVAILABLE: return method == SIP_MESSAGE ? 405 : status;
	case XMPP_UNEXPECTED_REQUEST: return error->type == XMPP_ERROR_WAIT ? 491 : status;
	/* DEPARTS: RFC 7247 §7.1 says 401 and 407, which RFC 3261 allows only with a challenge that we do not have. */
	case XMPP_NOT_AUTHORIZED:
	case XMPP_REGISTRATION_REQUIRED: return 403;
	/* RFC 4320 §4.2: a 408 to anything but an INVITE comes too late to be understood. */
	case XMPP_REMOTE_SERVER_TIMEOUT: return method == SIP_INVITE ? status : 504;
	default: return status;
	}
}

void translate_error_to_sip(const struct xmpp_stanza_error *error, bool is_bare, enum sip_method method,
                            struct arena *arena, struct translate_status *out)
{
	bool may_move = error->condition == XMPP_GONE || error->condition == XMPP_REDIRECT;

	*out = (struct translate_status){ .contact = may_move ? contact_of(error->address, arena) : SLICE(""),
		                          .phrase = translate_line(error->text, TRANSLATE_PHRASE_MAX,
		                                                   arena) };
	out->status = status_of(error, is_bare, method, out->contact.len > 0);
}

/* ---- SIP to XMPP ---- */

static bool condition_of(int status, enum xmpp_condition *out)
{
	static const enum xmpp_condition by_class[] = {
		[3] = XMPP_REDIRECT,
		[4] = XMPP_BAD_REQUEST,
		[5] = XMPP_INTERNAL_SERVER_ERROR,
		[6] = XMPP_RECIPIENT_UNAVAILABLE,
	};

	if (status < 300 || status > 699)
		return false;
	*out = by_class[status / 100];
	for (size_t i = 0; i < sizeof to_xmpp / sizeof *to_xmpp; i++)
		if (to_xmpp[i].status == status)
			*out = to_xmpp[i].condition;
	return true;
}

/* The first Contact of a redirection, as an xmpp: URI. */
static struct slice address_of(const struct sip_message *response, struct arena *arena)
{
	struct sip_walk walk = { 0 };
	struct slice value;

	while (sip_message_walk(response, SIP_CONTACT, &walk, &value)) {
		struct translate_refusal refusal;
		struct sip_address contact;
		struct xmpp_jid jid;

		if (sip_address_parse(value, &contact, NULL) == SIP_PARSE_OK &&
		    translate_address_to_jid(&contact.uri, arena, &jid, &refusal) == TRANSLATE_OK)
			return translate_xmpp_uri(&jid, arena);
	}
	return SLICE("");
}

enum translate_answer translate_error_to_xmpp(int status, const struct sip_message *response,
                                              struct arena *arena, struct xmpp_stanza_error *out)
{
	*out = (struct xmpp_stanza_error){ .text = SLICE("") };
	if (!condition_of(status, &out->condition))
		return TRANSLATE_NOTHING;
	out->type = xmpp_condition_type(out->condition);
	if (!response)
		return TRANSLATE_OK;
	out->text = translate_line(response->phrase, TRANSLATE_PHRASE_MAX, arena);
	if (status == 301 || status == 302)
		out->address = address_of(response, arena);
	/* RFC 3261 §20.33: who says when to come back means a state that passes. */
	if (status == 503 && sip_message_header(response, SIP_RETRY_AFTER))
		out->type = XMPP_ERROR_WAIT;
	return out->text.ptr ? TRANSLATE_OK : TRANSLATE_NO_MEMORY;
}

struct xmpp_stanza_error translate_error_of(const struct translate_refusal *refusal)
{
	return (struct xmpp_stanza_error){ .condition = refusal->condition,
		                           .type = xmpp_condition_type(refusal->condition),
		                           .text = slice_of(refusal->why) };
}
