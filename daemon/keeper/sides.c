/*
 * The sides of this edge, and the services that serve them, one row each: where a side listens, what certificate it
 * shows, whom its service becomes, and what has to be assigned before it may run.
 */
#include <stdio.h>

#include "daemon/crypto/crypto.h"
#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

#define EDGE(field)     MODEL_FIELD(edge, field)
#define EDGE_NAME(side) (model_kind(MODEL_EDGE)->fields[side].name)

/* ---- sides ---- */

static const struct side_row {
	const char *name;
	enum service_id service;
	/* Fields of the edge. */
	size_t certificate, trust, crls;
	/* Of host.xml. */
	size_t key_at;
	const char *key_field;
} sides[SIDE_COUNT] = {
	[SIDE_EXTERNAL] = { "external", SERVICE_ACCESS, EDGE(external_certificate), EDGE(external_trust),
	                    EDGE(external_crls), offsetof(struct host, external_key), "external-key" },
	[SIDE_INTERNAL] = { "internal", SERVICE_ACCESS, EDGE(internal_certificate), EDGE(internal_trust),
	                    EDGE(internal_crls), offsetof(struct host, internal_key), "internal-key" },
	[SIDE_XMPP] = { "xmpp", SERVICE_GATEWAY, EDGE(xmpp_certificate), EDGE(xmpp_trust), EDGE(xmpp_crls),
	                offsetof(struct host, xmpp_key), "xmpp-key" },
	/* Remote users show no certificate: whose authorities are read makes no difference. */
	[SIDE_REMOTE] = { "remote", SERVICE_ACCESS, EDGE(remote_certificate), EDGE(external_trust),
	                  EDGE(external_crls), offsetof(struct host, remote_key), "remote-key" },
};

const char *side_name(enum edge_side side) { return sides[side].name; }

bool side_is_of(enum edge_side side, enum service_id service) { return sides[side].service == service; }

/* The members of the edge's record, one a row of eight bytes. */
static struct slice text_of(const struct policy_image *image, const struct image_edge *edge, size_t field)
{
	struct image_text text;

	memcpy(&text, (const char *)edge + field * sizeof(uint64_t), sizeof text);
	return policy_image_text(image, text);
}

/* ---- places ---- */

static const struct place_row {
	const char *name; /* the service is told by it how one begins there */
	enum edge_side side;
	uint16_t port; /* where an address names none */
	size_t listen; /* field of the edge */
} places[PLACE_COUNT] = {
	[PLACE_EXTERNAL] = { "external", SIDE_EXTERNAL, 5061, EDGE(external_listen) },
	[PLACE_INTERNAL] = { "internal", SIDE_INTERNAL, 5061, EDGE(internal_listen) },
	[PLACE_XMPP] = { "xmpp", SIDE_XMPP, 5269, EDGE(xmpp_listen) },
	[PLACE_REMOTE] = { "remote", SIDE_REMOTE, 443, EDGE(remote_listen) },
	[PLACE_XMPP_TLS] = { "xmpp-tls", SIDE_XMPP, 5270, EDGE(xmpp_tls_listen) },
};

const char *place_name(enum edge_place place) { return places[place].name; }

uint16_t place_port(enum edge_place place) { return places[place].port; }

bool place_is_of(enum edge_place place, enum service_id service)
{
	return side_is_of(places[place].side, service);
}

struct image_list place_listen(const struct image_edge *edge, enum edge_place place)
{
	struct image_list list;

	memcpy(&list, (const char *)edge + places[place].listen * sizeof(uint64_t), sizeof list);
	return list;
}

/* ---- what a side shows and believes ---- */

bool side_uses_tls(const struct image_edge *edge, enum edge_side side)
{
	const struct model_field *row = &model_kind(MODEL_EDGE)->fields[EDGE(internal_transport)];

	if (side == SIDE_REMOTE)
		return edge->remote_listen.count > 0;
	return side != SIDE_INTERNAL ||
	       !slice_equal(model_choice(row, edge->internal_transport), SLICE("tcp"));
}

struct side_files side_files(const struct host *host, const struct policy_image *image,
                             const struct image_edge *edge, enum edge_side side)
{
	const struct side_row *shown = &sides[side], *trusts = &sides[side];

	/* XMPP and remote users are shown what partners are, unless they are given their own. */
	if ((side == SIDE_XMPP || side == SIDE_REMOTE) && text_of(image, edge, shown->certificate).len == 0)
		shown = &sides[SIDE_EXTERNAL];
	if (side == SIDE_XMPP && text_of(image, edge, trusts->trust).len == 0)
		trusts = &sides[SIDE_EXTERNAL];
	/* A list counts only beside the authorities that signed it: with authorities of its own XMPP has its own, or none. */
	size_t crls = text_of(image, edge, sides[side].crls).len ? sides[side].crls : trusts->crls;

	return (struct side_files){
		.certificate = text_of(image, edge, shown->certificate).ptr,
		.key = (const char *)host + shown->key_at,
		.trust = text_of(image, edge, trusts->trust).ptr,
		.certificate_field = EDGE_NAME(shown->certificate),
		.key_field = shown->key_field,
		.trust_field = EDGE_NAME(trusts->trust),
		.crls = text_of(image, edge, crls).ptr,
		.crls_field = EDGE_NAME(crls),
	};
}

/* ---- services ---- */

static void put_access_secrets(struct keeper *k, struct json_writer *w)
{
	char key[2 * KEEPER_TOKEN_KEY_BYTES + 1];

	json_put_text(w, "token_key", crypto_hex_write(k->token_key, sizeof k->token_key, key));
	mem_wipe(key, sizeof key);
}

static void put_gateway_secrets(struct keeper *k, struct json_writer *w)
{
	char secret[2 * KEEPER_DIALBACK_BYTES + 1];

	json_put_text(w, "dialback_secret", crypto_hex_write(k->dialback, sizeof k->dialback, secret));
	mem_wipe(secret, sizeof secret);
}

/*
 * The secret that dialback keys are made from is what the file's text hashes to, so that a passphrase and a file
 * made by another edge serve alike.
 */
static enum result prepare_gateway(struct keeper *k, struct reason *why)
{
	char path[KEEPER_PATH_BYTES];
	struct buffer text = { .max = 0 };
	enum result result;

	if (k->host.dialback_secret[0])
		result = folder_config_path(path, k->root, k->host.dialback_secret)
		                 ? folders_read(path, KEEPER_DIALBACK_FILE_MAX, true, &text, why)
		                 : fail(why, RESULT_LIMIT, "the path is too long");
	else
		result = folders_made_secret(k->root, "dialback.key", &text, why);
	if (result == RESULT_OK && folders_secret_line(&text).len < KEEPER_DIALBACK_LEAST)
		result = fail(why, RESULT_INVALID, "%s holds fewer than %d characters",
		              k->host.dialback_secret[0] ? k->host.dialback_secret : "dialback.key",
		              KEEPER_DIALBACK_LEAST);
	if (result == RESULT_OK)
		crypto_sha256(folders_secret_line(&text), k->dialback);
	if (text.bytes)
		mem_wipe(text.bytes, text.size);
	buffer_stop(&text);
	return result;
}

static bool gateway_is_used(const struct image_edge *edge)
{
	return edge && edge->xmpp_listen.count + edge->xmpp_tls_listen.count > 0;
}

static const struct service_row services[SERVICE_COUNT] = {
	[SERVICE_ACCESS] = { SERVICE_ACCESS, "access", "the Access Edge", offsetof(struct host, access_user),
	                     "access-user", false, NULL, "", NULL, put_access_secrets },
	[SERVICE_GATEWAY] = { SERVICE_GATEWAY, "gateway", "the XMPP gateway",
	                      offsetof(struct host, gateway_user), "gateway-user", true, gateway_is_used,
	                      "no XMPP address", prepare_gateway, put_gateway_secrets },
};

const struct service_row *service_row(enum service_id id) { return &services[id]; }

const struct service_row *service_row_named(const char *name)
{
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		if (strcmp(services[i].name, name) == 0)
			return &services[i];
	return NULL;
}

const char *service_user(const struct service_row *row, const struct host *host)
{
	return (const char *)host + row->user_at;
}

static bool is_named(const struct policy_image *image, const struct image_edge *edge, const char *service)
{
	for (size_t i = 0; i < edge->services.count; i++)
		if (slice_equal(policy_image_item(image, edge->services, i), slice_of(service)))
			return true;
	return false;
}

/* XMPP partners find a domain at one place: elsewhere the gateway would speak for it without being found. */
static bool is_off_route(const struct policy_image *image, const struct image_edge *edge)
{
	struct slice route = policy_image_text(image, image_topology_at(image, 0)->xmpp_federation_route);

	return route.len && !slice_equal(route, policy_image_text(image, edge->edge_pool));
}

/* Does the topology name it for this edge?  No edge at all is said by service_assigned. */
static bool is_placed_here(const struct service_row *row, const struct policy_image *image,
                           const struct image_edge *edge, const char **short_why, struct reason *why)
{
	if (edge && !is_named(image, edge, row->name)) {
		*short_why = "not in the topology";
		fail(why, RESULT_NOT_FOUND, "topology.xml, edge %.*s: field %s does not name %s",
		     SLICE_ARG(policy_image_text(image, edge->fqdn)), EDGE_NAME(EDGE(services)), row->name);
		return false;
	}
	if (edge && row->has_route && is_off_route(image, edge)) {
		*short_why = "not the XMPP route";
		fail(why, RESULT_NOT_FOUND,
		     "topology.xml: the XMPP federation route is the edge pool %.*s, and edge %.*s is not in "
		     "it",
		     SLICE_ARG(policy_image_text(image, image_topology_at(image, 0)->xmpp_federation_route)),
		     SLICE_ARG(policy_image_text(image, edge->fqdn)));
		return false;
	}
	return true;
}

bool service_is_used(const struct service_row *row, const struct host *host, const struct policy_image *image,
                     const char **short_why, struct reason *why)
{
	const struct image_edge *edge = policy_image_edge(image, slice_of(host->node));

	*short_why = "";
	if (!is_placed_here(row, image, edge, short_why, why))
		return false;
	if (!row->is_used || row->is_used(edge))
		return true;
	*short_why = row->unused;
	fail(why, RESULT_NOT_FOUND, "topology.xml%s%.*s: field %s is empty", edge ? ", edge " : "",
	     SLICE_ARG(edge ? policy_image_text(image, edge->fqdn) : SLICE("")),
	     EDGE_NAME(EDGE(xmpp_listen)));
	return false;
}

static enum result edge_assigned(const struct host *host, const struct policy_image *image,
                                 const struct image_edge *edge, struct reason *why)
{
	if (edge)
		return RESULT_OK;
	if (policy_image_count(image, MODEL_EDGE) == 0)
		return fail(
		        why, RESULT_NOT_FOUND,
		        "topology.xml has no edge; it needs one with its addresses, names and certificate");
	if (!host->node[0])
		return fail(why, RESULT_NOT_FOUND,
		            "topology.xml has several edges and host.xml, field node, does not say which is "
		            "this one");
	return fail(why, RESULT_NOT_FOUND,
	            "topology.xml has no edge \"%s\", which host.xml, field node, names", host->node);
}

static enum result side_assigned(const struct host *host, const struct policy_image *image,
                                 const struct image_edge *edge, enum edge_side side, struct reason *why)
{
	struct side_files files = side_files(host, image, edge, side);
	const char *needed = side == SIDE_INTERNAL ? " and internal-transport is tls" : "";

	if (!side_uses_tls(edge, side))
		return RESULT_OK;
	if (!files.certificate[0])
		return fail(why, RESULT_NOT_FOUND, "topology.xml, edge %.*s: field %s is empty%s",
		            SLICE_ARG(policy_image_text(image, edge->fqdn)), files.certificate_field, needed);
	if (!files.key[0])
		return fail(why, RESULT_NOT_FOUND, "host.xml: field %s is empty%s", files.key_field, needed);
	return RESULT_OK;
}

enum result service_assigned(const struct service_row *row, const struct host *host,
                             const struct policy_image *image, const char **short_why, struct reason *why)
{
	const struct image_edge *edge = policy_image_edge(image, slice_of(host->node));
	enum result result = edge_assigned(host, image, edge, why);

	*short_why = "no certificate"; /* nothing assigned yet, of whatever leads to it */
	for (enum edge_side side = 0; side < SIDE_COUNT && result == RESULT_OK; side++)
		if (side_is_of(side, row->id))
			result = side_assigned(host, image, edge, side, why);
	if (result != RESULT_OK)
		return result;
	*short_why = "no own SIP domain";
	if (image_topology_at(image, 0)->sip_domains.count == 0)
		return fail(why, RESULT_NOT_FOUND,
		            "topology.xml: field sip-domains is empty; it names our own SIP domains");
	*short_why = "";
	return RESULT_OK;
}
