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

/* One next hop for all, or DNS: discovery is a matter of DNS, and a route leads somewhere. */
void check_routing(struct check *check, const struct model_object *edge)
{
	if (!has_choice(edge, MODEL_FIELD(access_edge, routing_method), "default-route"))
		return;
	if (is_empty(edge, MODEL_FIELD(access_edge, default_route_fqdn)))
		check_tell(check, edge, MODEL_FIELD(access_edge, default_route_fqdn),
		           "the name of the next hop", "is missing beside routing-method default-route");
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

	if (has_choice(edge, MODEL_FIELD(access_edge, routing_method), "default-route") &&
	    is_empty(allowed, MODEL_FIELD(allowed_domain, proxy_fqdn)) &&
	    has_choice(allowed, MODEL_FIELD(allowed_domain, identity), "domain"))
		check_tell(check, allowed, MODEL_FIELD(allowed_domain, identity),
		           "another identity, or a proxy-fqdn beside it",
		           "is domain, but its messages go by the default route, whose certificate names "
		           "another");
}
