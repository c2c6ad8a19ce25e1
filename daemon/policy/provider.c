/*
 * SIP federated providers: which one a domain is reached through, what each kind of federation carries, and which
 * of a provider's users may begin (Lync's verification levels).
 */
#include "daemon/policy/parts.h"

#define FIELD_OF(field) FIELD_NAME(SIP_PROVIDER, sip_provider, field)

struct slice policy_provider_key(const struct policy_asking *a)
{
	return policy_image_text(a->image, a->provider->identity);
}

static struct slice proxy_of(const struct policy_image *image, const struct image_sip_provider *provider)
{
	return policy_image_text(image, provider->proxy_fqdn);
}

static bool is_among(const struct policy_image *image, struct image_list list, struct slice domain)
{
	for (size_t i = 0; i < list.count; i++)
		if (slice_equal(policy_image_item(image, list, i), domain))
			return true;
	return false;
}

/* An entry is found by its name, too, and that proves nothing. */
const struct image_sip_provider *policy_provider_of_domain(const struct policy_image *image,
                                                           struct slice domain)
{
	const struct image_sip_provider *provider = image_sip_provider_count(image)
	                                                    ? image_sip_provider_find(image, domain)
	                                                    : NULL;

	return provider && is_among(image, provider->domains, domain) ? provider : NULL;
}

const struct image_sip_provider *policy_provider_of_edge(const struct policy_image *image, struct slice fqdn)
{
	for (size_t i = 0; i < image_sip_provider_count(image); i++)
		if (slice_equal(proxy_of(image, image_sip_provider_at(image, i)), fqdn))
			return image_sip_provider_at(image, i);
	return NULL;
}

/* Who hosts users of our own domains; one that is enabled goes before others. */
static const struct image_sip_provider *sharing(const struct policy_image *image)
{
	const struct image_sip_provider *found = NULL;

	for (size_t i = 0; i < image_sip_provider_count(image); i++) {
		const struct image_sip_provider *provider = image_sip_provider_at(image, i);

		if (provider->type == PROVIDER_HOSTING && provider->enabled_shared_address_space &&
		    (!found || (provider->enabled && !found->enabled)))
			found = provider;
	}
	return found;
}

/* A domain that is allowed, or discovered, and whose SRV record names a provider's edge (Lync's server allow list). */
static const struct image_sip_provider *found_by_srv(const struct policy_asking *a)
{
	const struct image_sip_provider *provider = NULL;
	bool may_be = a->allowed
	                      ? a->allowed->proxy_fqdn.length == 0 && a->allowed->identity != IDENTITY_DOMAIN
	                      : a->switches->enable_partner_discovery != 0;

	if (!may_be || a->facts->srv != POLICY_SRV_FOUND || policy_image_has_default_route(a->image))
		return NULL;
	for (size_t i = 0; i < a->facts->srv_target_count && !provider; i++)
		provider = policy_provider_of_edge(a->image, a->facts->srv_targets[i]);
	return provider;
}

void policy_find_provider(struct policy_asking *a)
{
	struct slice domain = a->facts->remote_domain;

	a->provider = NULL;
	a->is_shared = false;
	if (image_sip_provider_count(a->image) == 0 || a->protocol == POLICY_XMPP || domain.len == 0 ||
	    a->facts->source != POLICY_FEDERATION)
		return;
	if (a->is_remote_own) {
		a->provider = sharing(a->image);
		a->is_shared = a->provider != NULL;
		return;
	}
	a->provider = policy_provider_of_domain(a->image, domain);
	if (!a->provider)
		a->provider = found_by_srv(a);
}

bool policy_provider_speaks(const struct policy_asking *a)
{
	return !a->facts->is_connected ||
	       policy_identity_matches(a->facts, POLICY_IDENTITY_EDGE_FQDN, proxy_of(a->image, a->provider),
	                               SLICE_NONE);
}

/* ---- kinds of federation, and what each carries ---- */

enum policy_federation policy_federation_of(const struct policy_asking *a)
{
	if (a->protocol == POLICY_XMPP)
		return POLICY_FEDERATION_XMPP;
	if (a->provider)
		return a->provider->type == PROVIDER_HOSTING ? POLICY_FEDERATION_HOSTING
		                                             : POLICY_FEDERATION_PUBLIC;
	return a->route == POLICY_ROUTE_DEFAULT && a->switches->is_public_provider ? POLICY_FEDERATION_PUBLIC
	                                                                           : POLICY_FEDERATION_SIP;
}

const char *policy_federation_name(enum policy_federation federation)
{
	static const char *const names[] = {
		[POLICY_FEDERATION_SIP] = "SIP federation",
		[POLICY_FEDERATION_PUBLIC] = "public provider federation",
		[POLICY_FEDERATION_HOSTING] = "hosting provider federation",
		[POLICY_FEDERATION_XMPP] = "XMPP federation",
	};

	return names[federation];
}

const char *policy_service_name(enum policy_service service)
{
	static const char *const names[] = {
		[POLICY_SERVICE_IM] = "instant messages",
		[POLICY_SERVICE_PRESENCE] = "presence",
		[POLICY_SERVICE_AV] = "audio and video",
		[POLICY_SERVICE_OTHER] = "other requests",
	};

	return names[service];
}

/* What a kind carries: always, never, or where the provider's entry says so. */
enum carriage { CARRIES, CARRIES_NOT, AS_ENTRY_SAYS };

enum { CARRIED_CONFERENCE = POLICY_SERVICE_OTHER + 1, CARRIED_TRANSFER, CARRIED_COUNT };

static const unsigned char carriage[][CARRIED_COUNT] = {
	/*                               IM       presence  calls          other    conferences  files */
	[POLICY_FEDERATION_SIP] = { CARRIES, CARRIES, CARRIES, CARRIES, CARRIES, CARRIES },
	[POLICY_FEDERATION_PUBLIC] = { CARRIES, CARRIES, AS_ENTRY_SAYS, CARRIES, CARRIES_NOT, CARRIES_NOT },
	[POLICY_FEDERATION_HOSTING] = { CARRIES, CARRIES, CARRIES, CARRIES, CARRIES, CARRIES },
	[POLICY_FEDERATION_XMPP] = { CARRIES, CARRIES, CARRIES_NOT, CARRIES, CARRIES_NOT, CARRIES_NOT },
};

static void refuse_kind(const struct policy_asking *a, struct policy_finding *f, const char *what,
                        const char *field, const char *why)
{
	enum policy_federation federation = policy_federation_of(a);

	if (federation == POLICY_FEDERATION_XMPP)
		policy_refuse(
		        f, MODEL_XMPP_PARTNER, policy_xmpp_key(a), "",
		        "XMPP federation carries no %s: messages and presence from person to person only",
		        what);
	else if (a->provider)
		policy_refuse(f, MODEL_SIP_PROVIDER, policy_provider_key(a), field,
		              "%s carries no %s: %.*s%s", policy_federation_name(federation), what,
		              SLICE_ARG(policy_provider_key(a)), why);
	else
		policy_refuse(f, MODEL_ACCESS_EDGE, SLICE(""), field, "%s carries no %s%s",
		              policy_federation_name(federation), what, why);
}

void policy_ask_kind_service(const struct policy_asking *a, struct policy_finding *f)
{
	enum policy_federation federation = policy_federation_of(a);
	enum policy_service service = a->facts->service;
	bool is_other_account = a->is_shared && !a->provider->hosts_ocs_users;
	/* A default route has no entry that could say so: there the user's policy decides alone. */
	bool may_call = !a->provider || a->provider->carry_calls;

	if (a->facts->is_conference && carriage[federation][CARRIED_CONFERENCE] == CARRIES_NOT)
		refuse_kind(a, f, "conferences", FIELD_OF(type), " is met person to person only");
	else if (a->facts->is_transfer && carriage[federation][CARRIED_TRANSFER] == CARRIES_NOT)
		refuse_kind(a, f, "files or shared applications", FIELD_OF(type), " is a public provider");
	else if (carriage[federation][service] == CARRIES_NOT ||
	         (carriage[federation][service] == AS_ENTRY_SAYS && !may_call))
		refuse_kind(a, f, policy_service_name(service), FIELD_OF(carry_calls),
		            "'s entry does not say so");
	else if (is_other_account && (service == POLICY_SERVICE_IM || service == POLICY_SERVICE_PRESENCE))
		refuse_kind(a, f, policy_service_name(service), FIELD_OF(hosts_ocs_users),
		            " hosts no SIP accounts of ours");
	else
		policy_pass(a, f,
		            a->protocol == POLICY_XMPP ? MODEL_XMPP_PARTNER
		            : a->provider              ? MODEL_SIP_PROVIDER
		                                       : MODEL_ALLOWED_DOMAIN,
		            a->provider ? policy_provider_key(a) : a->facts->remote_domain, "",
		            "%s carries %s", policy_federation_name(federation),
		            policy_service_name(service));
}

/* ---- steps that ask a provider's entry ---- */

void policy_ask_provider_domain(const struct policy_asking *a, struct policy_finding *f)
{
	struct slice domain = a->facts->remote_domain;

	if (a->is_shared)
		policy_pass(a, f, MODEL_SIP_PROVIDER, policy_provider_key(a),
		            FIELD_OF(enabled_shared_address_space), "%.*s hosts users of %.*s",
		            SLICE_ARG(policy_provider_key(a)), SLICE_ARG(domain));
	else
		policy_pass(a, f, MODEL_SIP_PROVIDER, policy_provider_key(a), FIELD_OF(domains),
		            "%.*s is a domain of the provider %.*s", SLICE_ARG(domain),
		            SLICE_ARG(policy_provider_key(a)));
}

void policy_ask_provider_enabled(const struct policy_asking *a, struct policy_finding *f)
{
	if (a->provider->enabled)
		policy_pass(a, f, MODEL_SIP_PROVIDER, policy_provider_key(a), FIELD_OF(enabled),
		            "the provider %.*s is on", SLICE_ARG(policy_provider_key(a)));
	else
		policy_refuse(f, MODEL_SIP_PROVIDER, policy_provider_key(a), FIELD_OF(enabled),
		              "the provider %.*s is turned off", SLICE_ARG(policy_provider_key(a)));
}

/* Requests that ask for the edge itself concern nobody of ours, and those in a dialog were judged when it began. */
static bool is_settled(const struct policy_asking *a)
{
	return a->facts->direction == POLICY_OUTWARD || a->facts->is_in_dialog ||
	       policy_is_about_edge(a->facts);
}

/* Users of our own domains are ours wherever they are hosted: no level keeps them from us. */
static bool has_level(const struct policy_asking *a) { return a->provider && !a->is_shared; }

void policy_ask_source_verification(const struct policy_asking *a, struct policy_finding *f)
{
	const char *field = FIELD_OF(verification_level);

	if (!has_level(a) || a->provider->verification_level != POLICY_VERIFICATION_SOURCE)
		policy_leave(a, f, MODEL_ALLOWED_DOMAIN, a->facts->remote_domain,
		             "the message need not say what is known of its sender");
	else if (is_settled(a) || a->facts->said != POLICY_SAID_NOTHING)
		policy_pass(a, f, MODEL_SIP_PROVIDER, policy_provider_key(a), field,
		            a->facts->said == POLICY_SAID_VERIFIED     ? "the message says: verified"
		            : a->facts->said == POLICY_SAID_UNVERIFIED ? "the message says: unverified"
		                                                       : "this request need not say it");
	else
		policy_refuse(f, MODEL_SIP_PROVIDER, policy_provider_key(a), field,
		              "the message does not say what %.*s knows of its sender, as its level demands "
		              "(use-source-verification)",
		              SLICE_ARG(policy_provider_key(a)));
}

static bool is_for_contacts_only(const struct policy_asking *a)
{
	return a->provider->verification_level == POLICY_VERIFICATION_NEVER ||
	       (a->provider->verification_level == POLICY_VERIFICATION_SOURCE &&
	        a->facts->said != POLICY_SAID_VERIFIED);
}

void policy_ask_provider_start(const struct policy_asking *a, struct policy_finding *f)
{
	struct slice key = policy_provider_key(a);
	const char *field = FIELD_OF(verification_level);

	if (!has_level(a))
		policy_pass(a, f, MODEL_SIP_PROVIDER, key, field, "users of our own domains may begin");
	else if (a->facts->direction == POLICY_OUTWARD)
		policy_pass(a, f, MODEL_SIP_PROVIDER, key, field, "our users may begin");
	else if (is_settled(a))
		policy_pass(a, f, MODEL_SIP_PROVIDER, key, field, "nothing begins with this request");
	else if (!is_for_contacts_only(a))
		policy_pass(a, f, MODEL_SIP_PROVIDER, key, field, "the provider vouches for its sender");
	else if (a->facts->is_solicited)
		policy_pass(a, f, MODEL_SIP_PROVIDER, key, field, "our user wrote or subscribed first");
	else
		policy_refuse(
		        f, MODEL_SIP_PROVIDER, key, field,
		        "our user has neither written nor subscribed first, as unverified users of %.*s "
		        "must be met",
		        SLICE_ARG(key));
}

/* ---- name decoration ---- */

struct slice policy_routing_domain(const struct policy_image *image, struct slice domain)
{
	const struct image_sip_provider *provider = policy_provider_of_domain(image, domain);
	struct slice routing = provider && provider->type != PROVIDER_HOSTING
	                               ? policy_image_text(image, provider->name_decoration_routing_domain)
	                               : SLICE_NONE;

	if (routing.len == 0 || slice_equal(routing, domain) ||
	    is_among(image, provider->name_decoration_excluded_domain_list, domain))
		return SLICE_NONE;
	return routing;
}
