/* What no single row can say of sites, users and the policies that hold for them. */
#include "shared/model/check.h"

static struct slice site_of_policy(struct slice identity)
{
	return slice_starts(identity, SLICE(MODEL_POLICY_SITE))
	               ? slice_after(identity, sizeof MODEL_POLICY_SITE - 1)
	               : SLICE_NONE;
}

void check_policy(struct check *check, const struct model_object *policy)
{
	struct slice identity = model_object_key(policy), site = site_of_policy(identity);

	if (site.ptr && !model_snapshot_find(check->snapshot, MODEL_SITE, site))
		check_tell(check, policy, policy->kind->key,
		           "site: and the name of a site; add the site first",
		           "names a site that there is not");
	else if (!site.ptr && slice_find(identity, ':') < identity.len)
		check_tell(check, policy, policy->kind->key,
		           MODEL_POLICY_GLOBAL ", site:NAME, or a name without a colon",
		           "has a colon, and is no policy of a site");
	else if (slice_equal_nocase(identity, SLICE(MODEL_POLICY_GLOBAL)) &&
	         !slice_equal(identity, SLICE(MODEL_POLICY_GLOBAL)))
		check_tell(check, policy, policy->kind->key, "another name",
		           "looks like " MODEL_POLICY_GLOBAL " and is not it");
}

static bool lists(const struct model_object *site, struct slice domain)
{
	struct model_list list = site->values[MODEL_FIELD(site, sip_domains)].list;

	for (size_t i = 0; i < list.count; i++)
		if (slice_equal(list.items[i], domain))
			return true;
	return false;
}

/* A site is found by its domains, too: no other may list one, or be called like it. */
static void check_site_domain(struct check *check, const struct model_object *site, struct slice domain)
{
	const struct model_objects *sites = &check->snapshot->kinds[MODEL_SITE];
	size_t field = MODEL_FIELD(site, sip_domains);

	if (!check_is_own_domain(check->snapshot, domain))
		check_tell(check, site, field, "SIP domains of the topology (topology, sip-domains)",
		           "%.*s is none of our own domains", SLICE_ARG(domain));
	for (size_t i = 0; i < sites->count; i++) {
		const struct model_object *other = sites->items[i];

		if (slice_equal(model_object_key(other), domain))
			check_tell(check, other, other->kind->key, "a name that is no domain of a site",
			           "is also a domain of the site %.*s", SLICE_ARG(model_object_key(site)));
		if (slice_compare(model_object_key(other), model_object_key(site)) < 0 &&
		    lists(other, domain))
			check_tell(check, site, field, "each domain at one site",
			           "%.*s belongs to the site %.*s", SLICE_ARG(domain),
			           SLICE_ARG(model_object_key(other)));
	}
}

void check_site(struct check *check, const struct model_object *site)
{
	struct model_list list = site->values[MODEL_FIELD(site, sip_domains)].list;

	for (size_t i = 0; i < list.count; i++)
		check_site_domain(check, site, list.items[i]);
}

static void check_granted(struct check *check, const struct model_object *user, struct slice policy)
{
	size_t field = MODEL_FIELD(user, policy);

	if (slice_equal(policy, SLICE(MODEL_POLICY_GLOBAL)) || site_of_policy(policy).ptr)
		check_tell(check, user, field, "a policy of scope user, or nothing",
		           "%.*s is not granted: it holds where nothing nearer does", SLICE_ARG(policy));
	else if (!model_snapshot_find(check->snapshot, MODEL_ACCESS_POLICY, policy))
		check_tell(check, user, field, "the name of an access-policy, or nothing",
		           "there is no policy %.*s", SLICE_ARG(policy));
}

static struct slice domain_of(struct slice address)
{
	struct slice domain = slice_after(address, slice_find(address, '@'));

	return domain.len ? slice_after(domain, 1) : domain;
}

/* Anonymous users come to ours alone, and whose policy counts is one of ours. */
void check_conference(struct check *check, const struct model_object *conference)
{
	static const size_t fields[] = { MODEL_FIELD(conference, sip_address),
		                         MODEL_FIELD(conference, organizer) };

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		struct slice address = conference->values[fields[i]].text;

		if (address.len && !check_is_own_domain(check->snapshot, domain_of(address)))
			check_tell(check, conference, fields[i],
			           "an address in one of our SIP domains (topology, sip-domains)",
			           "is in none of our own domains");
	}
}

void check_user(struct check *check, const struct model_object *user)
{
	struct slice address = model_object_key(user);
	struct slice site = user->values[MODEL_FIELD(user, site)].text;
	struct slice policy = user->values[MODEL_FIELD(user, policy)].text;

	if (address.len && !check_is_own_domain(check->snapshot, domain_of(address)))
		check_tell(check, user, user->kind->key,
		           "an address in one of our SIP domains (topology, sip-domains)",
		           "is in none of our own domains");
	if (site.len && !model_snapshot_find(check->snapshot, MODEL_SITE, site))
		check_tell(check, user, MODEL_FIELD(user, site), "the name of a site, or nothing",
		           "there is no site %.*s", SLICE_ARG(site));
	if (policy.len)
		check_granted(check, user, policy);
}
