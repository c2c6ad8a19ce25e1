/*
 * What the topology says of a way: which edges are the federation route, and which of our pools is near.
 */
#include "daemon/policy/parts.h"

/* ---- federation routes ---- */

static struct slice edge_pool_of(const struct policy_image *image, struct slice edge)
{
	const struct image_edge *found = image_edge_find(image, edge);

	return found ? policy_image_text(image, found->edge_pool) : SLICE("");
}

/* The way out of the user's site; empty: by every edge. */
static struct slice sip_route_of(const struct policy_asking *a, enum model_kind_id *kind, struct slice *key)
{
	struct slice site = policy_site_asked(a);
	const struct image_site *found = site.len ? image_site_find(a->image, site) : NULL;

	*kind = MODEL_TOPOLOGY;
	*key = SLICE("");
	if (found && found->sip_federation_route.length) {
		*kind = MODEL_SITE;
		*key = policy_image_text(a->image, found->name);
		return policy_image_text(a->image, found->sip_federation_route);
	}
	return policy_image_text(a->image, a->topology->sip_federation_route);
}

/*
 * Partners find the deployment by its own route, and what comes by it is for users of every site; what leaves takes
 * the site's.
 */
static bool is_deployments_way_in(const struct policy_asking *a, struct slice pool)
{
	return a->facts->direction == POLICY_INWARD && a->protocol == POLICY_SIP &&
	       a->topology->sip_federation_route.length &&
	       slice_equal(policy_image_text(a->image, a->topology->sip_federation_route), pool);
}

void policy_ask_federation_route(const struct policy_asking *a, struct policy_finding *f)
{
	bool is_xmpp = a->protocol == POLICY_XMPP;
	const char *field = is_xmpp ? FIELD_NAME(TOPOLOGY, topology, xmpp_federation_route)
	                            : FIELD_NAME(TOPOLOGY, topology, sip_federation_route);
	enum model_kind_id kind = MODEL_TOPOLOGY;
	struct slice key = SLICE(""), route, pool;

	route = is_xmpp ? policy_image_text(a->image, a->topology->xmpp_federation_route)
	                : sip_route_of(a, &kind, &key);
	if (route.len == 0) {
		policy_pass(a, f, kind, key, field, "no route is named: every edge federates");
		return;
	}
	if (a->facts->edge.len == 0) {
		policy_leave(a, f, kind, key, "it is not known which edge it crosses");
		return;
	}
	pool = edge_pool_of(a->image, a->facts->edge);
	if (slice_equal(pool, route) || is_deployments_way_in(a, pool))
		policy_pass(a, f, kind, key, field, "this edge belongs to %.*s, the route", SLICE_ARG(pool));
	else
		policy_refuse(f, kind, key, field,
		              "the route is the edge pool %.*s, and %.*s belongs to %s%.*s", SLICE_ARG(route),
		              SLICE_ARG(a->facts->edge), pool.len ? "" : "none", SLICE_ARG(pool));
}

/* ---- which pool ---- */

static struct slice site_of_member(const struct policy_image *image, const struct image_pool_member *member)
{
	const struct image_pool *pool = member->pool.length
	                                        ? image_pool_find(image,
	                                                          policy_image_text(image, member->pool))
	                                        : NULL;

	return pool ? policy_image_text(image, pool->site) : SLICE("");
}

/* 0 of the site, 1 of no site; NEVER: of another one. */
static unsigned rank_by_site(struct slice site, struct slice member_site)
{
	if (member_site.len == 0)
		return 1;
	return slice_equal(member_site, site) ? 0 : POLICY_RANK_NEVER;
}

static unsigned rank_of(const struct policy_image *image, const struct policy_way *way,
                        const struct image_pool_member *member)
{
	if (way->next_hop.len)
		return slice_equal(policy_image_text(image, member->pool), way->next_hop) ? 0
		                                                                          : POLICY_RANK_NEVER;
	return rank_by_site(way->site, site_of_member(image, member));
}

struct policy_way policy_way_of(const struct policy_image *image, struct slice edge, struct slice site)
{
	struct slice pool = edge_pool_of(image, edge);
	const struct image_edge_pool *edges = pool.len ? image_edge_pool_find(image, pool) : NULL;
	struct policy_way way = { .next_hop = edges ? policy_image_text(image, edges->next_hop_pool)
		                                    : SLICE(""),
		                  .site = site };

	for (size_t i = 0; !way.has_near && i < image_pool_member_count(image); i++)
		way.has_near = rank_of(image, &way, image_pool_member_at(image, i)) != POLICY_RANK_NEVER;
	return way;
}

unsigned policy_member_rank(const struct policy_image *image, const struct policy_way *way,
                            const struct image_pool_member *member)
{
	return way->has_near ? rank_of(image, way, member) : 0;
}
