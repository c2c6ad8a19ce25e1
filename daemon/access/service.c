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

static enum policy_service service_of_offer(const struct sip_message *request)
{
	/* The old form of Lync's IM sessions is m=x-ms-message ([MS-SDP]). */
	bool is_im = has_media(request->body, SLICE("message")) ||
	             has_media(request->body, SLICE("x-ms-message"));
	bool is_av = has_media(request->body, SLICE("audio")) || has_media(request->body, SLICE("video"));

	if (is_av)
		return POLICY_SERVICE_AV;
	if (is_im)
		return POLICY_SERVICE_IM;
	/* An INVITE without an offer asks for the callee's media: it may be anything, so it counts as a call. */
	return request->body.len == 0 ? POLICY_SERVICE_AV : POLICY_SERVICE_OTHER;
}

enum policy_service service_of(const struct sip_message *request)
{
	switch (request->method) {
	case SIP_MESSAGE: return POLICY_SERVICE_IM;
	case SIP_SUBSCRIBE:
	case SIP_NOTIFY: return POLICY_SERVICE_PRESENCE;
	case SIP_INVITE: return service_of_offer(request);
	default: /* ACK, PRACK and UPDATE may carry an offer or an answer */
		return request->body.len ? (has_media(request->body, SLICE("audio")) ||
		                                            has_media(request->body, SLICE("video"))
		                                    ? POLICY_SERVICE_AV
		                                    : POLICY_SERVICE_OTHER)
		                         : POLICY_SERVICE_OTHER;
	}
}
