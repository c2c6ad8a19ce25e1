/* The rules of XMPP partners: how they are authenticated, and whose a domain is. */
#include <stdlib.h>

#include "shared/base/memory.h"
#include "shared/model/check.h"
#include "shared/model/xmpp_security.h"

/* ---- our own domains' names in XMPP ---- */

static struct slice xmpp_name_of(const struct model_object *name)
{
	return name->values[MODEL_FIELD(xmpp_name, xmpp_domain)].text;
}

static bool is_own_xmpp_name(const struct model_snapshot *snapshot, struct slice domain)
{
	const struct model_objects *names = &snapshot->kinds[MODEL_XMPP_NAME];

	for (size_t i = 0; i < names->count; i++)
		if (slice_equal(xmpp_name_of(names->items[i]), domain))
			return true;
	return false;
}

/* Two of our domains under one name could not be told apart by what comes in. */
void check_xmpp_name(struct check *check, const struct model_object *name)
{
	const struct model_objects *names = &check->snapshot->kinds[MODEL_XMPP_NAME];
	struct slice domain = xmpp_name_of(name);

	if (!check_is_own_domain(check->snapshot, model_object_key(name)))
		check_tell(check, name, name->kind->key, "one of topology's sip-domains",
		           "is none of our own domains");
	if (check_is_own_domain(check->snapshot, domain) && !slice_equal(domain, model_object_key(name)))
		check_tell(check, name, MODEL_FIELD(xmpp_name, xmpp_domain), "a name of its own",
		           "is another of our own SIP domains");
	for (size_t i = 0; i < names->count && names->items[i] != name; i++)
		if (domain.len && slice_equal(xmpp_name_of(names->items[i]), domain))
			check_tell(check, name, MODEL_FIELD(xmpp_name, xmpp_domain), "a name of its own",
			           "is also the name of %.*s", SLICE_ARG(model_object_key(names->items[i])));
}

/* ---- a partner ---- */

void check_xmpp_partner(struct check *check, const struct model_object *partner)
{
	const struct model_value *values = partner->values;
	const struct xmpp_security *security = xmpp_security(
	        values[MODEL_FIELD(xmpp_partner, tls_negotiation)].number,
	        values[MODEL_FIELD(xmpp_partner, sasl_negotiation)].number,
	        values[MODEL_FIELD(xmpp_partner, support_dialback_negotiation)].flag);
	size_t field = MODEL_FIELD(xmpp_partner, sasl_negotiation);

	if (security->verdict == XMPP_SECURITY_INVALID)
		check_tell(check, partner, field, security->cure, "%s", security->why);
	else if (security->verdict == XMPP_SECURITY_DOUBTFUL)
		check_warn(check, partner, field, security->cure, "%s; streams are proved by: %s",
		           security->why, security->words);
}

/* ---- whose is a domain? ---- */

struct owned {
	struct slice domain;
	const struct model_object *partner;
	size_t field; /* that names it */
};

static int by_domain(const void *a, const void *b)
{
	const struct owned *one = a, *other = b;
	int order = slice_compare(one->domain, other->domain);

	return order ? order : one->field < other->field ? -1 : one->field > other->field;
}

static struct model_list aliases(const struct model_object *partner)
{
	return partner->values[MODEL_FIELD(xmpp_partner, additional_domains)].list;
}

static void check_owned(struct check *check, const struct owned *owned)
{
	const struct model_snapshot *snapshot = check->snapshot;
	struct slice domain = owned->domain;

	if (check_is_own_domain(snapshot, domain) || is_own_xmpp_name(snapshot, domain))
		check_tell(check, owned->partner, owned->field, "domains of others",
		           "%.*s is one of our own domains (topology)", SLICE_ARG(domain));
	if (model_snapshot_find(snapshot, MODEL_ALLOWED_DOMAIN, domain))
		check_tell(check, owned->partner, owned->field,
		           "a domain is federated with by SIP or by XMPP, never both",
		           "%.*s is also an allowed-domain", SLICE_ARG(domain));
	if (model_snapshot_find(snapshot, MODEL_BLOCKED_DOMAIN, domain))
		check_warn(check, owned->partner, owned->field,
		           "one of the two removed (domain remove, or xmpp remove)",
		           "%.*s is also a blocked-domain: nobody can talk with it", SLICE_ARG(domain));
}

static void check_neighbours(struct check *check, const struct owned *first, const struct owned *second)
{
	struct slice domain = second->domain;

	if (!slice_equal(first->domain, domain))
		return;
	if (first->partner == second->partner)
		check_tell(check, second->partner, second->field, "each domain once", "%.*s is named twice",
		           SLICE_ARG(domain));
	else
		check_tell(check, second->partner, second->field, "a domain belongs to one partner",
		           "%.*s is also a domain of xmpp-partner %.*s", SLICE_ARG(domain),
		           SLICE_ARG(model_object_key(first->partner)));
}

void check_xmpp_domains(struct check *check)
{
	const struct model_objects *partners = &check->snapshot->kinds[MODEL_XMPP_PARTNER];
	size_t count = partners->count, at = 0;
	struct owned *all;

	if (count == 0)
		return;
	for (size_t i = 0; i < partners->count; i++)
		count += aliases(partners->items[i]).count;
	if (!(all = mem_new_array(count, sizeof *all))) {
		check_tell(check, partners->items[0], partners->items[0]->kind->key, "memory for the check",
		           "cannot be compared with the others: out of memory");
		return;
	}
	for (size_t i = 0; i < partners->count; i++) {
		const struct model_object *partner = partners->items[i];
		struct model_list list = aliases(partner);

		all[at++] = (struct owned){ model_object_key(partner), partner, partner->kind->key };
		for (size_t d = 0; d < list.count; d++)
			all[at++] = (struct owned){ list.items[d], partner,
				                    MODEL_FIELD(xmpp_partner, additional_domains) };
	}
	qsort(all, count, sizeof *all, by_domain);
	for (size_t i = 0; i < count; i++) {
		check_owned(check, &all[i]);
		if (i)
			check_neighbours(check, &all[i - 1], &all[i]);
	}
	mem_free(all);
}
