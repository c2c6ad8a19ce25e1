/*
 * stamp: what the edge says of a sender: to our own servers of a partner's, to
 * partners of ours.  What the other side had written there itself is stripped by
 * the header table.
 */
#include "daemon/access/parts.h"

static enum policy_said said_by(struct slice value, enum policy_said so_far)
{
	struct slice part;

	while (slice_next(&value, ';', &part)) {
		part = slice_trim(part);
		if (slice_equal_nocase(part, SLICE("ms-source-verified-user=unverified")))
			return POLICY_SAID_UNVERIFIED;
		if (slice_equal_nocase(part, SLICE("ms-source-verified-user=verified")))
			so_far = POLICY_SAID_VERIFIED;
	}
	return so_far;
}

/* Said twice, the worse counts: the better may be what the sender had written before its provider did. */
enum policy_said stamp_said(const struct sip_message *m)
{
	enum policy_said said = POLICY_SAID_NOTHING;
	struct sip_walk walk = { 0 };
	struct slice value;

	while (said != POLICY_SAID_UNVERIFIED &&
	       sip_message_walk(m, SIP_MS_ASSERTED_VERIFICATION_LEVEL, &walk, &value))
		said = said_by(value, said);
	return said;
}

/* In Lync's words: named by its entry, vouched for by the provider or the route it came by, or found by DNS. */
const char *stamp_source_type(const struct policy_verdict *verdict)
{
	if (verdict->xmpp)
		return "DirectPartner";
	switch (verdict->route) {
	case POLICY_ROUTE_PROXY_FQDN: return "DirectPartner";
	case POLICY_ROUTE_PROVIDER:
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
	                   (r->verification == POLICY_VERIFICATION_SOURCE &&
	                    stamp_said(m) == POLICY_SAID_VERIFIED);
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

/* One of our own users outside, or somebody without an account: whom the pool itself has to ask. */
static bool stamp_user(const struct request *r, const struct sip_message *m, struct sip_edits *edits)
{
	char *value = arena_printf(m->arena,
	                           "ms-source-type=%s;ms-ep-fqdn=%.*s;ms-source-verified-user=unverified",
	                           r->source_type, SLICE_ARG(r->access->proxy.side[SIP_SIDE_INTERNAL].fqdn));

	if (value)
		sip_edit_add(edits, SIP_EDIT_APPEND, SIP_MS_EDGE_PROXY_MESSAGE_TRUST, slice_of(value));
	return value != NULL;
}

bool stamp_sender(const struct request *r, const struct sip_message *m, struct sip_edits *edits)
{
	if (r->from == SIP_SIDE_REMOTE)
		return stamp_user(r, m, edits);
	if (r->to == SIP_SIDE_REMOTE)
		return true;
	return r->from == SIP_SIDE_EXTERNAL ? stamp_inward(r, m, edits) : stamp_outward(r, m, edits);
}

/* RFC 3261 §16.6 step 2.  What of a user part there is stays as it is written; ( and ) may stand there (§25.1, mark). */
bool stamp_target(const struct request *r, const struct sip_message *m, struct sip_edits *edits)
{
	struct slice domain = slice_of(r->partner->domain);
	struct slice routing = policy_routing_domain(r->access->image, domain);
	const struct sip_uri *uri = &m->target_uri;
	char *target;

	if (routing.len == 0 || !uri->has_user || uri->user.len == 0)
		return true;
	target = arena_printf(m->arena, "%s:%.*s(%.*s)@%.*s", uri->scheme == SIP_URI_SIPS ? "sips" : "sip",
	                      SLICE_ARG(uri->user), SLICE_ARG(domain), SLICE_ARG(routing));
	if (target)
		sip_edit_add(edits, SIP_EDIT_TARGET, SIP_HEADER_OTHER, slice_of(target));
	return target != NULL;
}
