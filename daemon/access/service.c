/*
 * What a request is for, so that policy can say whether this kind of federation
 * carries it.  Pure.
 */
#include "daemon/access/parts.h"

/* Media lines of a body, whatever multipart wraps it: any line "m=KIND ". RFC 8866 §5.14. */
static bool has_media(struct slice body, struct slice kind)
{
	struct slice line;

	while (slice_next(&body, '\n', &line)) {
		if (!slice_starts(line, SLICE("m=")))
			continue;
		line = slice_after(line, 2);
		if (slice_starts_nocase(line, kind) && line.len > kind.len && line.ptr[kind.len] == ' ')
			return true;
	}
	return false;
}

static bool has_calls_media(struct slice body)
{
	return has_media(body, SLICE("audio")) || has_media(body, SLICE("video"));
}

static enum policy_service service_of_invite(const struct sip_message *invite)
{
	/* Without an offer it asks for the callee's media: it may be anything, so it counts as a call. */
	if (invite->body.len == 0 || has_calls_media(invite->body))
		return POLICY_SERVICE_AV;
	/* The old form of Lync's IM sessions is m=x-ms-message ([MS-SDP]). */
	if (has_media(invite->body, SLICE("message")) || has_media(invite->body, SLICE("x-ms-message")))
		return POLICY_SERVICE_IM;
	return POLICY_SERVICE_OTHER;
}

enum policy_service service_of(const struct sip_message *request)
{
	switch (request->method) {
	case SIP_MESSAGE: return POLICY_SERVICE_IM;
	case SIP_SUBSCRIBE:
	case SIP_NOTIFY: return POLICY_SERVICE_PRESENCE;
	case SIP_INVITE: return service_of_invite(request);
	default: /* ACK, PRACK and UPDATE may carry an offer or an answer */
		return has_calls_media(request->body) ? POLICY_SERVICE_AV : POLICY_SERVICE_OTHER;
	}
}

/* The parameter of Lync's conference addresses: sip:alice@contoso.example;gruu;opaque=app:conf:focus:id:... */
bool service_names_meeting(const struct sip_uri *uri)
{
	struct slice opaque;

	return sip_param(uri->params, SLICE("opaque"), &opaque) &&
	       slice_starts_nocase(opaque, SLICE("app:conf:"));
}

static bool has_value(const struct sip_message *m, enum sip_header_id id, struct slice wanted)
{
	const struct sip_header *header = sip_message_header(m, id);
	struct slice value = header ? header->value : SLICE_NONE;

	value = slice_trim(slice_first(value, slice_find(value, ';')));
	return slice_equal_nocase(value, wanted);
}

/* A Contact of a focus says so (RFC 4579 §5.1): a parameter of the header, without a value. */
static bool is_from_focus(const struct sip_message *m)
{
	const struct sip_header *contact = sip_message_header(m, SIP_CONTACT);
	struct slice all = contact ? contact->value : SLICE_NONE, value;
	size_t end = slice_find(all, '>');

	return end < all.len && sip_param(slice_after(all, end + 1), SLICE("isfocus"), &value);
}

bool service_is_conference(const struct sip_message *request)
{
	return service_names_meeting(&request->target_uri) || service_names_meeting(&request->to.uri) ||
	       service_names_meeting(&request->from.uri) || is_from_focus(request) ||
	       has_value(request, SIP_EVENT, SLICE("conference")) ||
	       has_value(request, SIP_CONTENT_TYPE, SLICE("application/ms-conf-invite+xml"));
}

/*
 * A line of an offer or answer that asks for something else: m=data and m=applicationsharing are Lync's.  Port 0 says
 * that it is declined (RFC 3264 §5.1, §6).
 */
static bool is_other_media(struct slice line)
{
	static const char *const known[] = { "message", "x-ms-message", "audio", "video" };
	struct slice kind, port;

	line = slice_after(line, 2);
	if (!slice_next(&line, ' ', &kind) || !slice_next(&line, ' ', &port) ||
	    slice_equal(slice_trim(port), SLICE("0")))
		return false;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (slice_equal_nocase(kind, slice_of(known[i])))
			return false;
	return true;
}

/* What a person writes may look like an offer, so a MESSAGE is asked for its type alone. */
bool service_is_transfer(const struct sip_message *request)
{
	struct slice body = request->body, line;

	/* Messengers' old invitation to take a file travels as a message. */
	if (request->method == SIP_MESSAGE)
		return has_value(request, SIP_CONTENT_TYPE, SLICE("text/x-msmsgsinvite"));
	if (request->method != SIP_INVITE && request->method != SIP_ACK && request->method != SIP_PRACK &&
	    request->method != SIP_UPDATE)
		return false;
	while (slice_next(&body, '\n', &line)) {
		if (slice_starts(line, SLICE("m=")) && is_other_media(line))
			return true;
		if (slice_starts(line, SLICE("a=file-selector"))) /* RFC 5547 §6: a file by MSRP */
			return true;
	}
	return false;
}
