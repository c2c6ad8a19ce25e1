/*
 * Who is the partner's edge: how it was found, and what its certificate must carry.
 *
 * Two rules (RFC 5922 §7.1 and what federation edges really present):
 *   domain      the certificate names the SIP domain itself; DNS is not believed at all
 *   edge-fqdn   the certificate names the edge; that this edge serves the domain
 *               is said by the administrator (proxy-fqdn) or by an SRV record whose target lies in
 *               the domain, so that whoever forges DNS still needs a certificate of the domain's owner.
 */
#include "daemon/policy/parts.h"

static bool is_among(const struct slice *names, size_t count, struct slice name)
{
	for (size_t i = 0; i < count; i++)
		if (slice_equal(names[i], name))
			return true;
	return false;
}

bool policy_identity_matches(const struct policy_facts *certificate, int rule, struct slice edge_fqdn,
                             struct slice domain)
{
	if (!certificate->has_certificate)
		return false;
	if (rule == POLICY_IDENTITY_EDGE_FQDN)
		return edge_fqdn.len > 0 &&
		       is_among(certificate->certificate_dns, certificate->certificate_dns_count, edge_fqdn);
	if (domain.len == 0)
		return false;
	if (certificate->certificate_sip_count > 0)
		return is_among(certificate->certificate_sip, certificate->certificate_sip_count, domain);
	return is_among(certificate->certificate_dns, certificate->certificate_dns_count, domain);
}

/*
 * Lync takes a host directly in the domain and nothing else: for example.com it takes
 * sip.example.com, neither edge.sip.example.com nor sip.example.org (diagnostic 1009).
 * We take the domain itself as well: a certificate that carries it says
 * more than one that carries a host in it.
 */
bool policy_srv_target_fits(struct slice domain, struct slice target)
{
	size_t host = slice_find(target, '.');

	if (domain.len == 0)
		return false;
	return slice_equal(target, domain) ||
	       (host > 0 && host < target.len && slice_equal(slice_after(target, host + 1), domain));
}

bool policy_target_matches(const struct policy_facts *facts)
{
	for (size_t i = 0; i < facts->srv_target_count; i++)
		if (policy_srv_target_fits(facts->remote_domain, facts->srv_targets[i]) &&
		    policy_identity_matches(facts, POLICY_IDENTITY_EDGE_FQDN, facts->srv_targets[i],
		                            SLICE_NONE))
			return true;
	return false;
}

static enum policy_route route_of(const struct policy_asking *a)
{
	const struct policy_facts *facts = a->facts;

	if (a->provider)
		return POLICY_ROUTE_PROVIDER;
	if (a->proxy.len)
		return POLICY_ROUTE_PROXY_FQDN;
	if (policy_image_has_default_route(a->image))
		return POLICY_ROUTE_DEFAULT;
	/* A single target "." (none left here) means that the service is not offered: RFC 2782. */
	if (facts->srv != POLICY_SRV_FOUND || facts->srv_target_count == 0)
		return POLICY_ROUTE_NONE;
	return facts->srv_route == POLICY_ROUTE_SRV_SIPS ? POLICY_ROUTE_SRV_SIPS
	                                                 : POLICY_ROUTE_SRV_FEDERATION;
}

bool policy_is_named(const struct policy_asking *a)
{
	return a->route == POLICY_ROUTE_PROXY_FQDN || a->route == POLICY_ROUTE_DEFAULT ||
	       a->route == POLICY_ROUTE_PROVIDER;
}

void policy_tie(struct policy_asking *a)
{
	uint64_t wanted = a->allowed ? a->allowed->identity : IDENTITY_AUTO;

	a->proxy = a->allowed ? policy_image_text(a->image, a->allowed->proxy_fqdn) : SLICE_NONE;
	a->route = route_of(a);
	if (a->route == POLICY_ROUTE_PROVIDER)
		a->proxy = policy_image_text(a->image, a->provider->proxy_fqdn);
	if (a->route == POLICY_ROUTE_DEFAULT)
		a->proxy = policy_image_text(a->image, a->switches->default_route_fqdn);
	if (a->provider) /* found by SRV, too, it is known by the name that its entry has */
		wanted = IDENTITY_EDGE_FQDN;
	if (wanted == IDENTITY_AUTO)
		wanted = a->route == POLICY_ROUTE_SRV_SIPS ? IDENTITY_DOMAIN : IDENTITY_EDGE_FQDN;
	a->rule = wanted == IDENTITY_DOMAIN ? POLICY_IDENTITY_DOMAIN : POLICY_IDENTITY_EDGE_FQDN;
	/*
	 * Once a connection is up, where it leads need not be known when the certificate names the domain
	 * and the administrator said that this is enough.
	 */
	a->needs_route = !(a->facts->is_connected && a->allowed && wanted == IDENTITY_DOMAIN);
}
