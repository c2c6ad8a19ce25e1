/*
 * What leads from one object of the topology to another: each name must lead somewhere, and a federation route over
 * edges that carry what it is for.
 */
#include "shared/model/check.h"

#define SERVICE_ACCESS  SLICE("access")
#define SERVICE_GATEWAY SLICE("gateway")

static struct slice text_of(const struct model_object *object, size_t field)
{
	return object->values[field].text;
}

/* Empty leads nowhere, and may. */
static bool leads(const struct check *check, enum model_kind_id kind, struct slice name)
{
	return name.len == 0 || model_snapshot_find(check->snapshot, kind, name);
}

static void check_name(struct check *check, const struct model_object *object, size_t field,
                       enum model_kind_id kind)
{
	struct slice name = text_of(object, field);
	const char *what = model_kind(kind)->name;

	if (!leads(check, kind, name))
		check_tell(check, object, field,
		           kind == MODEL_SITE ? "the name of a site, or nothing"
		                              : "the fqdn of one that there is, or nothing",
		           "there is no %s %.*s", what, SLICE_ARG(name));
}

static bool carries(const struct model_object *edge, struct slice service)
{
	struct model_list services = edge->values[MODEL_FIELD(edge, services)].list;

	for (size_t i = 0; i < services.count; i++)
		if (slice_equal(services.items[i], service))
			return true;
	return false;
}

/* At the place of STARTTLS, or of TLS at once (XEP-0368). */
static bool has_xmpp_address(const struct model_object *edge)
{
	return edge->values[MODEL_FIELD(edge, xmpp_listen)].list.count > 0 ||
	       edge->values[MODEL_FIELD(edge, xmpp_tls_listen)].list.count > 0;
}

static bool speaks_xmpp(const struct model_object *edge)
{
	return carries(edge, SERVICE_GATEWAY) && has_xmpp_address(edge);
}

/* ---- federation routes ---- */

static void check_route(struct check *check, const struct model_object *object, size_t field, bool is_xmpp)
{
	const struct model_objects *edges = &check->snapshot->kinds[MODEL_EDGE];
	struct slice route = text_of(object, field);
	size_t members = 0, carrying = 0;

	check_name(check, object, field, MODEL_EDGE_POOL);
	if (route.len == 0 || !leads(check, MODEL_EDGE_POOL, route))
		return;
	for (size_t i = 0; i < edges->count; i++) {
		const struct model_object *edge = edges->items[i];

		if (!slice_equal(text_of(edge, MODEL_FIELD(edge, edge_pool)), route))
			continue;
		members++;
		carrying += is_xmpp ? speaks_xmpp(edge) : carries(edge, SERVICE_ACCESS);
	}
	if (members == 0)
		check_tell(check, object, field, "an edge pool with edges in it (edge, edge-pool)",
		           "no edge belongs to the edge pool %.*s", SLICE_ARG(route));
	else if (carrying == 0)
		check_tell(check, object, field,
		           is_xmpp ? "an edge pool with an edge whose services name gateway and that has an "
		                     "xmpp-listen"
		                   : "an edge pool with an edge whose services name access",
		           "no edge of the edge pool %.*s carries %s", SLICE_ARG(route),
		           is_xmpp ? "XMPP" : "SIP");
}

static bool is_alone_or_in_another(struct slice pool, struct slice first, bool has_first)
{
	return has_first && (pool.len == 0 || !slice_equal(pool, first));
}

/* Partners find a domain at one place.  Where no route is named, edges of several places would answer for it. */
static void check_one_xmpp(struct check *check, const struct model_object *topology)
{
	const struct model_objects *edges = &check->snapshot->kinds[MODEL_EDGE];
	size_t field = MODEL_FIELD(topology, xmpp_federation_route);
	struct slice first = SLICE("");
	bool has_first = false;

	for (size_t i = 0; text_of(topology, field).len == 0 && i < edges->count; i++) {
		struct slice pool = text_of(edges->items[i], MODEL_FIELD(edge, edge_pool));

		if (!speaks_xmpp(edges->items[i]))
			continue;
		if (is_alone_or_in_another(pool, first, has_first)) {
			check_warn(check, topology, field, "one edge pool",
			           "is empty and edges that share no edge pool speak with XMPP partners");
			return;
		}
		first = pool;
		has_first = true;
	}
}

void check_topology(struct check *check, const struct model_object *topology)
{
	check_route(check, topology, MODEL_FIELD(topology, sip_federation_route), false);
	check_route(check, topology, MODEL_FIELD(topology, xmpp_federation_route), true);
	check_one_xmpp(check, topology);
	if (check->snapshot->kinds[MODEL_EDGE_POOL].count > 1 &&
	    text_of(topology, MODEL_FIELD(topology, sip_federation_route)).len == 0)
		check_warn(check, topology, MODEL_FIELD(topology, sip_federation_route), "one edge pool",
		           "is empty and there are several edge pools: each of them federates");
}

void check_site_routes(struct check *check, const struct model_object *site)
{
	check_route(check, site, MODEL_FIELD(site, sip_federation_route), false);
}

/* ---- places ---- */

static size_t members_of(const struct check *check, struct slice pool)
{
	const struct model_objects *members = &check->snapshot->kinds[MODEL_POOL_MEMBER];
	size_t count = 0;

	for (size_t i = 0; i < members->count; i++)
		count += slice_equal(text_of(members->items[i], MODEL_FIELD(pool_member, pool)), pool);
	return count;
}

void check_edge_pool(struct check *check, const struct model_object *pool)
{
	size_t field = MODEL_FIELD(edge_pool, next_hop_pool);
	struct slice next = text_of(pool, field);

	check_name(check, pool, MODEL_FIELD(edge_pool, site), MODEL_SITE);
	check_name(check, pool, field, MODEL_POOL);
	if (next.len && leads(check, MODEL_POOL, next) && members_of(check, next) == 0)
		check_tell(check, pool, field, "a pool with members", "the pool %.*s has no member",
		           SLICE_ARG(next));
}

void check_edge_place(struct check *check, const struct model_object *edge)
{
	size_t services = MODEL_FIELD(edge, services);

	check_name(check, edge, MODEL_FIELD(edge, edge_pool), MODEL_EDGE_POOL);
	if (carries(edge, SERVICE_GATEWAY) && !carries(edge, SERVICE_ACCESS))
		check_tell(check, edge, services, "access, or access gateway",
		           "names the gateway without access: what it translates crosses by the Access Edge");
	if (!carries(edge, SERVICE_GATEWAY) && has_xmpp_address(edge))
		check_warn(check, edge, services, "access gateway",
		           "does not name gateway, and xmpp-listen gives it an address");
}

void check_pool(struct check *check, const struct model_object *pool)
{
	check_name(check, pool, MODEL_FIELD(pool, site), MODEL_SITE);
	if (members_of(check, model_object_key(pool)) == 0)
		check_warn(check, pool, pool->kind->key, "the pool of a pool-member",
		           "has no member: it serves nobody");
}

void check_member_place(struct check *check, const struct model_object *member)
{
	check_name(check, member, MODEL_FIELD(pool_member, pool), MODEL_POOL);
}
