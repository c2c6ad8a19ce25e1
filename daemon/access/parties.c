/*
 * parties: whom policy is asked about in a dialog.
 *
 * From and To are those of the first request (the token sees to it), or who was decided on then in place of one of
 * them.  The Request-URI is a contact, which the other party may change at any time (a target refresh) and which
 * may be any machine: it is bound to nothing.  But where it is the address of somebody else, he is asked about too, as
 * if the request began with him; so nobody is reached through another's dialog who could not be reached without.
 */
#include "daemon/access/passage.h"

static bool is_in_dialog(const struct passage *p) { return p->route == SIP_ROUTE_TOKEN; }

static struct party party_of(const struct passage *p, const struct sip_uri *uri, bool is_from)
{
	if (is_in_dialog(p) && p->token.decided_host.len && p->token.decided_is_from == is_from)
		return (struct party){ p->token.decided_user, p->token.decided_host };
	return (struct party){ uri->user, sip_host_lower(p->m->arena, uri->host) };
}

struct party passage_from(const struct passage *p) { return party_of(p, &p->m->from.uri, true); }

struct party passage_to(const struct passage *p)
{
	return party_of(p, is_in_dialog(p) ? &p->m->to.uri : &p->m->target_uri, false);
}

/* One of ours, other than the one who was asked about. */
static bool names_another_of_ours(const struct passage *p, struct slice host)
{
	char asked_room[POLICY_ADDRESS_BYTES], named_room[POLICY_ADDRESS_BYTES];
	struct slice user = p->m->target_uri.user;

	return user.len && policy_image_is_own_domain(p->access->image, host) &&
	       !slice_equal(policy_address_of(user, host, named_room),
	                    policy_address_of(p->facts.local_user, p->facts.local_domain, asked_room));
}

bool passage_facts_of_target(const struct passage *p, struct policy_facts *facts)
{
	struct slice host = sip_host_lower(p->m->arena, p->m->target_uri.host);

	*facts = p->facts;
	facts->is_in_dialog = false;
	if (!is_in_dialog(p) || p->flow->is_gateway) /* the gateway writes what the pool has given it */
		return false;
	if (p->flow->side == SIP_SIDE_EXTERNAL) {
		facts->local_user = p->m->target_uri.user;
		facts->local_domain = host;
		facts->is_solicited = contacts_know(p->access, passage_from(p).user, facts);
		return names_another_of_ours(p, host);
	}
	/* Outward it goes where the token says; but that may be an edge with many domains behind it. */
	facts->remote_domain = host;
	return !slice_equal(host, p->facts.remote_domain) &&
	       image_blocked_domain_find(p->access->image, host);
}
