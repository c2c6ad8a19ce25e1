/*
 * stamp: what the edge says of a sender: to our own servers of a partner's, to
 * partners of ours.  What the other side had written there itself is stripped by
 * the header table.
 */
#include "daemon/access/parts.h"

/* What the message itself says of its sender's verification, by whoever sent it to us. */
static bool says_verified(const struct sip_message *m)
{
	const struct sip_header *said = sip_message_header(m, SIP_MS_ASSERTED_VERIFICATION_LEVEL);
	struct slice rest = said ? said->value : SLICE_NONE, part;

	while (slice_next(&rest, ';', &part))
		if (slice_equal_nocase(slice_trim(part), SLICE("ms-source-verified-user=verified")))
			return true;
	return false;
}

/* In Lync's words: named by its entry, vouched for by the route it came by, or found by DNS. */
const char *stamp_source_type(const struct policy_verdict *verdict)
{
	if (verdict->xmpp)
		return "DirectPartner";
	switch (verdict->route) {
	case POLICY_ROUTE_PROXY_FQDN: return "DirectPartner";
	case POLICY_ROUTE_DEFAULT: return "AuthorizedServer";
	default: return "AutoFederation";
	}
}

static const char *verified_word(bool is_verified) { return is_verified ? "verified" : "unverified"; }

/*
 * What the edge knows of the sender, for our own servers ([MS-SIPRE] 2.2.15).  One that came from outside is
 * stripped by the header table, so what the pool reads here is ours.
 */
static bool stamp_inward(const struct request *r, const struct sip_message *m, struct sip_edits *edits)
{
	bool is_verified = r->verification == POLICY_VERIFICATION_ALWAYS ||
	                   (r->verification == POLICY_VERIFICATION_SOURCE && says_verified(m));
	char *value = arena_printf(m->arena,
	                           "ms-source-type=%s;ms-ep-fqdn=%.*s;ms-source-verified-user=%s;"
	                           "ms-source-network=%s",
	                           r->source_type, SLICE_ARG(r->access->proxy.side[SIP_SIDE_INTERNAL].fqdn),
	                           verified_word(is_verified), r->is_public ? "publiccloud" : "federation");

	if (value)
		sip_edit_add(edits, SIP_EDIT_APPEND, SIP_MS_EDGE_PROXY_MESSAGE_TRUST, slice_of(value));
	return value != NULL;
}

/* What partners are told of us: whether we vouch for our senders, and that messages may be archived here. */
static bool stamp_outward(const struct request *r, const struct sip_message *m, struct sip_edits *edits)
{
	const struct image_access_edge *s = r->access->settings;
	char *value = arena_printf(m->arena, "ms-source-verified-user=%s",
	                           verified_word(s->mark_source_verifiable_on_outgoing_messages));

	if (!value)
		return false;
	sip_edit_add(edits, SIP_EDIT_APPEND, SIP_MS_ASSERTED_VERIFICATION_LEVEL, slice_of(value));
	if (s->enable_archiving_disclaimer)
		sip_edit_add(edits, SIP_EDIT_APPEND, SIP_MS_ARCHIVING_DISCLAIMER, SLICE("true"));
	return true;
}

bool stamp_sender(const struct request *r, const struct sip_message *m, struct sip_edits *edits)
{
	return r->from == SIP_SIDE_EXTERNAL ? stamp_inward(r, m, edits) : stamp_outward(r, m, edits);
}
