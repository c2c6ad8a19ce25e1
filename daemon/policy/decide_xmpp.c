/*
 * The steps as XMPP partners meet them (Lync's CsXmppAllowedPartner), and those that ask
 * what only they have: a switch of their own, and types of which one may not begin.
 */
#include "daemon/policy/parts.h"

struct slice policy_xmpp_key(const struct policy_asking *a)
{
	return a->xmpp ? policy_image_text(a->image, a->xmpp->domain) : a->facts->remote_domain;
}

void policy_ask_xmpp_domain(const struct policy_asking *a, struct policy_finding *f)
{
	struct slice domain = a->facts->remote_domain;

	if (a->protocol == POLICY_SIP)
		policy_refuse(f, MODEL_XMPP_PARTNER, policy_xmpp_key(a), "",
		              "%.*s is a domain of an XMPP partner: nothing is taken from it by SIP",
		              SLICE_ARG(domain));
	else if (!a->xmpp)
		policy_refuse(f, MODEL_XMPP_PARTNER, domain, "", "%.*s is no domain of an XMPP partner",
		              SLICE_ARG(domain));
	else
		policy_pass(a, f, MODEL_XMPP_PARTNER, policy_xmpp_key(a), "",
		            "%.*s is a domain of an XMPP partner", SLICE_ARG(domain));
}

void policy_ask_enabled(const struct policy_asking *a, struct policy_finding *f)
{
	const char *field = FIELD_NAME(XMPP_PARTNER, xmpp_partner, enabled);

	if (a->provider)
		policy_ask_provider_enabled(a, f);
	else if (a->protocol == POLICY_SIP || !a->xmpp)
		policy_leave(a, f, MODEL_ALLOWED_DOMAIN, a->facts->remote_domain,
		             "an allowed domain has no switch of its own");
	else if (a->xmpp->enabled)
		policy_pass(a, f, MODEL_XMPP_PARTNER, policy_xmpp_key(a), field, "the XMPP partner is on");
	else
		policy_refuse(f, MODEL_XMPP_PARTNER, policy_xmpp_key(a), field,
		              "the XMPP partner %.*s is turned off", SLICE_ARG(policy_xmpp_key(a)));
}

void policy_ask_may_start(const struct policy_asking *a, struct policy_finding *f)
{
	const char *field = FIELD_NAME(XMPP_PARTNER, xmpp_partner, partner_type);

	if (a->provider)
		policy_ask_provider_start(a, f);
	else if (a->protocol == POLICY_SIP || !a->xmpp)
		policy_leave(a, f, MODEL_ALLOWED_DOMAIN, a->facts->remote_domain, "both sides may begin");
	else if (a->facts->direction == POLICY_OUTWARD)
		policy_pass(a, f, MODEL_XMPP_PARTNER, policy_xmpp_key(a), field, "our users may begin");
	else if (a->xmpp->partner_type != PARTNER_PUBLIC_UNVERIFIED)
		policy_pass(a, f, MODEL_XMPP_PARTNER, policy_xmpp_key(a), field,
		            "the partner's type lets both sides begin");
	else if (a->facts->is_in_dialog || policy_is_about_edge(a->facts))
		policy_pass(a, f, MODEL_XMPP_PARTNER, policy_xmpp_key(a), field,
		            "nothing begins with this request");
	else if (a->facts->is_solicited)
		policy_pass(a, f, MODEL_XMPP_PARTNER, policy_xmpp_key(a), field,
		            "our user wrote or subscribed first");
	else
		policy_refuse(
		        f, MODEL_XMPP_PARTNER, policy_xmpp_key(a), field,
		        "our user has neither written nor subscribed first, as users of %.*s must be met "
		        "(partner type public-unverified)",
		        SLICE_ARG(policy_xmpp_key(a)));
}
