/*
 * identity: who is at the other end of a connection, by its certificate and by
 * the domains whose requests have passed on it, and which class that makes it.
 */
#include <stdio.h>

#include "daemon/access/parts.h"
#include "shared/base/memory.h"

/* The facts of its certificate, in the form policy asks for. */
void flow_facts(const struct flow *flow, struct policy_facts *facts)
{
	const struct tls_peer *peer = connection_peer(flow->connection);

	facts->is_connected = true;
	facts->has_certificate = peer->has_certificate;
	facts->certificate_dns = peer->dns;
	facts->certificate_dns_count = peer->dns_count;
	facts->certificate_sip = peer->sip;
	facts->certificate_sip_count = peer->sip_count;
}

bool flow_carries_name(const struct flow *flow, struct slice name)
{
	const struct tls_peer *peer = connection_peer(flow->connection);

	for (size_t i = 0; i < peer->dns_count; i++)
		if (slice_equal(peer->dns[i], name))
			return true;
	return false;
}

/* The allowed partner whose name the certificate carries, or that of a host directly in its domain; empty: none. */
static struct slice partner_named(const struct flow *flow)
{
	const struct access *a = flow->access;
	const struct tls_peer *peer = connection_peer(flow->connection);

	for (size_t i = 0; i < peer->dns_count; i++) {
		if (image_allowed_domain_find(a->image, peer->dns[i]))
			return peer->dns[i];
		/* host.domain: the usual name of an edge */
		size_t dot = slice_find(peer->dns[i], '.');

		if (dot < peer->dns[i].len &&
		    image_allowed_domain_find(a->image, slice_after(peer->dns[i], dot + 1)))
			return slice_after(peer->dns[i], dot + 1);
	}
	for (size_t i = 0; i < peer->sip_count; i++)
		if (image_allowed_domain_find(a->image, peer->sip[i]))
			return peer->sip[i];
	return SLICE_NONE;
}

static bool names_a_partner(const struct flow *flow)
{
	const struct access *a = flow->access;

	/* A provider's edge; one that is turned off is a stranger's. */
	for (size_t i = 0; i < image_sip_provider_count(a->image); i++) {
		const struct image_sip_provider *provider = image_sip_provider_at(a->image, i);

		if (provider->enabled &&
		    flow_carries_name(flow, policy_image_text(a->image, provider->proxy_fqdn)))
			return true;
	}
	return (policy_image_has_default_route(a->image) &&
	        flow_carries_name(flow, policy_image_text(a->image, a->settings->default_route_fqdn))) ||
	       partner_named(flow).len > 0;
}

void flow_take_name(struct flow *flow)
{
	const struct tls_peer *peer = connection_peer(flow->connection);

	if (peer->dns_count)
		slice_to_text(peer->dns[0], flow->partner, sizeof flow->partner);
	else if (peer->sip_count)
		slice_to_text(peer->sip[0], flow->partner, sizeof flow->partner);
}

void flow_refused_by_us(struct flow *flow, const char *words)
{
	struct slice domain = partner_named(flow);
	struct partner *partner = domain.len ? partner_get(flow->access, domain) : NULL;
	char text[ACCESS_WORDS_BYTES];

	flow_take_name(flow);
	if (!partner)
		return;
	/* Anybody may claim a name: it is said to be no more than that. */
	snprintf(text, sizeof text, "who claims to be %.80s was not let in: %.130s", flow->partner, words);
	partner_error(&partner->error_in, flow->access, FAILED_BY_US,
	              (struct cause){ connection_end_name(CONNECTION_END_TLS_OURS),
	                              connection_end_advice(CONNECTION_END_TLS_OURS) },
	              text);
}

static bool is_remembered(const struct flow *flow, struct slice domain)
{
	for (size_t i = 0; i < flow->domain_count; i++)
		if (slice_equal(domain, slice_of(flow->domains[i])))
			return true;
	return false;
}

static enum admission_class class_of(const struct access *a, struct slice domain)
{
	/* One of our own domains is brought by the provider that hosts users of it alone. */
	return image_allowed_domain_find(a->image, domain) || policy_provider_of_domain(a->image, domain) ||
	                       policy_image_is_own_domain(a->image, domain)
	               ? ADMISSION_ALLOWED
	               : ADMISSION_DISCOVERED;
}

enum admission_class flow_class(const struct flow *flow)
{
	enum admission_class class = names_a_partner(flow) ? ADMISSION_ALLOWED : ADMISSION_UNIDENTIFIED;

	for (size_t i = 0; i < flow->domain_count && class != ADMISSION_ALLOWED; i++)
		class = class_of(flow->access, slice_of(flow->domains[i]));
	return class;
}

bool flow_admit(struct flow *flow, struct slice domain)
{
	struct access *a = flow->access;
	/* One allowed domain makes an allowed partner; what we dialled is an allowed one's until it proves otherwise. */
	bool is_settled = flow->pass.class == ADMISSION_ALLOWED && (flow->pass.is_proven || !flow->hop);

	if (flow->is_gateway) /* it speaks for all XMPP partners, and is none of them */
		return true;
	if (is_settled && is_remembered(flow, domain))
		return true;
	if (!is_settled && !door_prove(flow, class_of(a, domain)))
		return false;
	flow->is_known = true;
	if (is_remembered(flow, domain))
		return true;
	slice_to_text(domain, flow->partner, sizeof flow->partner);
	/* Without memory it is not remembered: asked again the next time. */
	if (flow->domain_count < ACCESS_FLOW_DOMAINS_MAX &&
	    (flow->domains[flow->domain_count] = mem_text(flow->partner)))
		flow->domain_count++;
	return true;
}
