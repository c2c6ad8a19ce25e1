/*
 * topology show: every object of the topology, and the tree they make, row by row in the order in which it is read:
 * the whole, its sites, their edge pools with edges and services, their pools with members; then what is at no site.
 *
 * What runs is known of this edge alone; of another one the tree says what the topology names for it.
 */
#include "daemon/keeper/parts.h"

struct tree {
	struct json_writer *w;
	const struct view *view;
	struct keeper *keeper;
	const struct json *live; /* connections of the Access Edge; NULL: it gave none */
};

static struct slice text_of(const struct model_object *object, size_t field)
{
	return object->values[field].text;
}

/* The object of a row is open until row_close. */
static void row_open(const struct tree *t, int depth, const char *kind, struct slice name)
{
	json_open_object(t->w, NULL);
	json_put_number(t->w, "depth", depth);
	json_put_text(t->w, "kind", kind);
	json_put_slice(t->w, "name", name);
}

static void row_close(const struct tree *t, const char *state, struct slice note)
{
	json_put_text(t->w, "state", state);
	json_put_slice(t->w, "note", note);
	json_close_object(t->w);
}

static void add_words(struct buffer *note, const char *words, struct slice name)
{
	buffer_printf(note, "%s%s%s%.*s", buffer_length(note) ? "; " : "", words, name.len ? " " : "",
	              SLICE_ARG(name));
}

static void add_list(struct buffer *note, const struct model_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		buffer_printf(note, "%s%.*s", i ? " " : "", SLICE_ARG(list->items[i]));
}

/* ---- edges ---- */

static void put_service(const struct tree *t, int depth, struct slice name, bool is_here)
{
	const struct service *s = is_here ? service_named(t->keeper, name) : NULL;

	row_open(t, depth, "service", name);
	if (s) {
		json_put_number(t->w, "since", s->state.since_ms);
		json_put_number(t->w, "version", (int64_t)s->generation);
		json_put_number(t->w, "connections", service_is_up(s) ? s->traffic.connections : 0);
	}
	row_close(t, s ? service_state_name(s) : "", slice_of(s ? s->short_why : ""));
}

static void put_edge(const struct tree *t, int depth, const struct model_object *edge)
{
	const struct image_edge *here = policy_image_edge(t->view->image, slice_of(t->keeper->host.node));
	bool is_here = here &&
	               slice_equal(policy_image_text(t->view->image, here->fqdn), model_object_key(edge));
	const struct model_list *services = &edge->values[MODEL_FIELD(edge, services)].list;
	struct buffer note;

	buffer_start(&note, 1024);
	add_words(&note, "outside", text_of(edge, MODEL_FIELD(edge, external_fqdn)));
	if (services->count == 0)
		add_words(&note, "carries no service", SLICE(""));
	if (!is_here)
		add_words(&note, "another machine: what it does is known there", SLICE(""));
	row_open(t, depth, "edge", model_object_key(edge));
	if (is_here) {
		json_put_number(t->w, "since", t->keeper->started_ms);
		json_put_number(t->w, "version", (int64_t)t->keeper->now.version.number);
	}
	row_close(t, is_here ? "here" : "", buffer_slice(&note));
	buffer_stop(&note);
	for (size_t i = 0; i < services->count; i++)
		put_service(t, depth + 1, services->items[i], is_here);
}

static void put_edges(const struct tree *t, int depth, struct slice pool)
{
	const struct model_objects *edges = &t->view->snapshot->kinds[MODEL_EDGE];

	for (size_t i = 0; i < edges->count; i++)
		if (slice_equal(text_of(edges->items[i], MODEL_FIELD(edge, edge_pool)), pool))
			put_edge(t, depth, edges->items[i]);
}

static void put_edge_pools(const struct tree *t, int depth, struct slice site)
{
	const struct model_snapshot *all = t->view->snapshot;
	const struct model_object *topology = model_snapshot_one(all, MODEL_TOPOLOGY);
	const struct model_objects *pools = &all->kinds[MODEL_EDGE_POOL];

	for (size_t i = 0; i < pools->count; i++) {
		struct slice name = model_object_key(pools->items[i]);
		struct buffer note;

		if (!slice_equal(text_of(pools->items[i], MODEL_FIELD(edge_pool, site)), site))
			continue;
		buffer_start(&note, 1024);
		if (slice_equal(text_of(topology, MODEL_FIELD(topology, sip_federation_route)), name))
			add_words(&note, "SIP federation route", SLICE(""));
		if (slice_equal(text_of(topology, MODEL_FIELD(topology, xmpp_federation_route)), name))
			add_words(&note, "XMPP federation route", SLICE(""));
		if (text_of(pools->items[i], MODEL_FIELD(edge_pool, next_hop_pool)).len)
			add_words(&note, "next hop",
			          text_of(pools->items[i], MODEL_FIELD(edge_pool, next_hop_pool)));
		row_open(t, depth, "edge-pool", name);
		row_close(t, "", buffer_slice(&note));
		buffer_stop(&note);
		put_edges(t, depth + 1, name);
	}
}

/* ---- pools ---- */

/* The best of its connections, and how many live. */
static void put_member(const struct tree *t, int depth, const struct model_object *member)
{
	struct slice name = model_object_key(member), note = SLICE("");
	int64_t since = 0, up = 0;
	const char *state = t->live ? "idle" : "";

	for (size_t i = 0; i < json_count(t->live); i++) {
		const struct json *row = json_at(t->live, i);
		struct slice row_state = json_as_slice(json_get(row, "state"));
		bool is_up = slice_equal(row_state, SLICE("up"));

		if (!slice_equal(json_as_slice(json_get(row, "partner")), name) ||
		    !slice_equal(json_as_slice(json_get(row, "side")), SLICE("internal")))
			continue;
		if (is_up || up == 0) {
			state = is_up ? "up" : slice_equal(row_state, SLICE("ejected")) ? "ejected" : "down";
			since = json_as_number(json_get(row, "since"), 0);
			note = is_up ? SLICE("") : json_as_slice(json_get(row, "last_error"));
		}
		up += is_up;
	}
	row_open(t, depth, "pool-member", name);
	if (since)
		json_put_number(t->w, "since", since);
	json_put_number(t->w, "connections", up);
	row_close(t, state, note);
}

static void put_members(const struct tree *t, int depth, struct slice pool)
{
	const struct model_objects *members = &t->view->snapshot->kinds[MODEL_POOL_MEMBER];

	for (size_t i = 0; i < members->count; i++)
		if (slice_equal(text_of(members->items[i], MODEL_FIELD(pool_member, pool)), pool))
			put_member(t, depth, members->items[i]);
}

static void put_pools(const struct tree *t, int depth, struct slice site)
{
	const struct model_objects *pools = &t->view->snapshot->kinds[MODEL_POOL];

	for (size_t i = 0; i < pools->count; i++) {
		if (!slice_equal(text_of(pools->items[i], MODEL_FIELD(pool, site)), site))
			continue;
		row_open(t, depth, "pool", model_object_key(pools->items[i]));
		row_close(t, "", SLICE(""));
		put_members(t, depth + 1, model_object_key(pools->items[i]));
	}
}

/* ---- the tree ---- */

static void put_site(const struct tree *t, const struct model_object *site)
{
	struct buffer note;

	buffer_start(&note, CONTROL_LINE_MAX);
	add_list(&note, &site->values[MODEL_FIELD(site, sip_domains)].list);
	if (text_of(site, MODEL_FIELD(site, sip_federation_route)).len)
		add_words(&note, "SIP federation route",
		          text_of(site, MODEL_FIELD(site, sip_federation_route)));
	row_open(t, 1, "site", model_object_key(site));
	row_close(t, "", buffer_slice(&note));
	buffer_stop(&note);
	put_edge_pools(t, 2, model_object_key(site));
	put_pools(t, 2, model_object_key(site));
}

static void put_tree(const struct tree *t)
{
	const struct model_objects *sites = &t->view->snapshot->kinds[MODEL_SITE];
	struct buffer domains;

	buffer_start(&domains, CONTROL_LINE_MAX);
	add_list(&domains, &model_snapshot_one(t->view->snapshot, MODEL_TOPOLOGY)
	                            ->values[MODEL_FIELD(topology, sip_domains)]
	                            .list);
	json_open_array(t->w, "tree");
	row_open(t, 0, "topology", buffer_slice(&domains));
	row_close(t, "", buffer_length(&domains) ? SLICE("") : SLICE("no own SIP domain yet"));
	buffer_stop(&domains);
	for (size_t i = 0; i < sites->count; i++)
		put_site(t, sites->items[i]);
	put_edge_pools(t, 1, SLICE(""));
	put_edges(t, 1, SLICE(""));
	put_pools(t, 1, SLICE(""));
	put_members(t, 1, SLICE(""));
	json_close_array(t->w);
}

static void put_objects(struct json_writer *w, const struct model_snapshot *snapshot)
{
	static const enum model_kind_id kinds[] = { MODEL_TOPOLOGY, MODEL_SITE, MODEL_EDGE_POOL,
		                                    MODEL_EDGE,     MODEL_POOL, MODEL_POOL_MEMBER,
		                                    MODEL_XMPP_NAME };

	json_open_array(w, "objects");
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (size_t j = 0; j < snapshot->kinds[kinds[i]].count; j++) {
			const struct model_object *object = snapshot->kinds[kinds[i]].items[j];

			json_open_object(w, NULL);
			json_put_text(w, "kind", object->kind->name);
			json_put_slice(w, "key", model_object_key(object));
			verb_put_fields(w, "fields", object);
			json_close_object(w);
		}
	json_close_array(w);
}

static void answer(void *to, const struct json *live, const char *why)
{
	struct call *call = to;
	struct view view;
	struct tree tree = { .view = &view, .keeper = call->keeper, .live = live };

	(void)why; /* an Access Edge that does not run has no connections; its row says so */
	if (!view_of(call, &view))
		return;
	tree.w = call_open(call);
	put_tree(&tree);
	put_objects(tree.w, view.snapshot);
	json_put_number(tree.w, "version", (int64_t)view.version);
	call_close(call);
}

void verb_run_TOPOLOGY_SHOW(struct call *call)
{
	query_ask(&call->keeper->access, "connections", answer, call);
}
