/* The rules of XMPP partners: how they are authenticated; and what our own domains are called in XMPP. */
#include "shared/model/check.h"
#include "shared/model/xmpp_security.h"

/* ---- our own domains' names in XMPP ---- */

static struct slice xmpp_name_of(const struct model_object *name)
{
	return name->values[MODEL_FIELD(xmpp_name, xmpp_domain)].text;
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
