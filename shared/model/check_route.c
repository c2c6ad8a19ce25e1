/* Rules about the default route (access-edge, routing-method) and the entries beside it. */
#include "shared/model/check.h"

static bool is_empty(const struct model_object *object, size_t field)
{
	return model_value_is_empty(&object->kind->fields[field], &object->values[field]);
}

/* An ENUM's value, as its row has the words. */
static bool has_choice(const struct model_object *object, size_t field, const char *choice)
{
	return slice_equal(model_choice(&object->kind->fields[field], object->values[field].number),
	                   slice_of(choice));
}

/* What a provider's domains are sent to is named, and so is the default route: one of the two (Lync's rule). */
static void check_no_provider(struct check *check, const struct model_object *edge)
{
	const struct model_objects *providers = &check->snapshot->kinds[MODEL_SIP_PROVIDER];

	for (size_t i = 0; i < providers->count; i++)
		if (providers->items[i]->values[MODEL_FIELD(sip_provider, enabled)].flag)
			check_tell(check, edge, MODEL_FIELD(access_edge, routing_method),
			           "dns-srv, or every provider disabled",
			           "is default-route while sip-provider %.*s is enabled",
			           SLICE_ARG(model_object_key(providers->items[i])));
}

/* One next hop for all, or DNS: discovery is a matter of DNS, and a route leads somewhere. */
void check_routing(struct check *check, const struct model_object *edge)
{
	if (!has_choice(edge, MODEL_FIELD(access_edge, routing_method), "default-route"))
		return;
	if (is_empty(edge, MODEL_FIELD(access_edge, default_route_fqdn)))
		check_tell(check, edge, MODEL_FIELD(access_edge, default_route_fqdn),
		           "the name of the next hop", "is missing beside routing-method default-route");
	check_no_provider(check, edge);
	if (edge->values[MODEL_FIELD(access_edge, enable_partner_discovery)].flag)
		check_tell(
		        check, edge, MODEL_FIELD(access_edge, enable_partner_discovery),
		        "false, or routing-method dns-srv",
		        "is on beside routing-method default-route: partners are discovered by DNS SRV only");
}

/* What comes by the default route shows the route's certificate, never the partner's. */
void check_allowed_route(struct check *check, const struct model_object *allowed)
{
	const struct model_object *edge = model_snapshot_one(check->snapshot, MODEL_ACCESS_EDGE);
	const struct model_object *provider = check_provider_of_proxy(
	        check->snapshot, allowed->values[MODEL_FIELD(allowed_domain, proxy_fqdn)].text);

	if (provider)
		check_tell(
		        check, allowed, MODEL_FIELD(allowed_domain, proxy_fqdn),
		        "empty (its SRV record names the provider's edge), or the domain in the provider's "
		        "domains",
		        "is the edge of sip-provider %.*s", SLICE_ARG(model_object_key(provider)));
	if (has_choice(edge, MODEL_FIELD(access_edge, routing_method), "default-route") &&
	    is_empty(allowed, MODEL_FIELD(allowed_domain, proxy_fqdn)) &&
	    has_choice(allowed, MODEL_FIELD(allowed_domain, identity), "domain"))
		check_tell(check, allowed, MODEL_FIELD(allowed_domain, identity),
		           "another identity, or a proxy-fqdn beside it",
		           "is domain, but its messages go by the default route, whose certificate names "
		           "another");
}
