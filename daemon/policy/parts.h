/*
 * What decide.c, identity.c and explain.c share.  Nobody outside this folder includes it.
 */
#ifndef DAEMON_POLICY_PARTS_H
#define DAEMON_POLICY_PARTS_H

#include "daemon/policy/policy.h"

/* A field's name as the model's row has it. */
#define FIELD_NAME(KIND, kind, field) (model_kind(MODEL_##KIND)->fields[MODEL_FIELD(kind, field)].name)

/* Choices of ENUM rows, in the order of the row; a unit test holds them against it. */
enum { IDENTITY_AUTO, IDENTITY_EDGE_FQDN, IDENTITY_DOMAIN };
enum { MEDIA_NONE, MEDIA_DIRECT };
enum { ROUTING_DNS_SRV, ROUTING_DEFAULT };

/* The external access policy that holds for everybody; per-user ones come with the users. */
#define GLOBAL_POLICY SLICE("Global")

/* What the steps look at: the facts, and what the image says about them, looked up once. */
struct policy_asking {
	const struct policy_image *image;
	const struct policy_facts *facts;
	const struct image_access_edge *switches;
	const struct image_topology *topology;
	const struct image_allowed_domain *allowed; /* NULL: not on the list */
	bool wants_words;                           /* also of steps that pass */
	/* How the partner's edge is found and known; the same for unlisted domains as for a bare entry. */
	struct slice proxy;      /* the entry's edge, or the default route; empty: by SRV */
	enum policy_route route; /* NONE: not known (yet) */
	int rule;                /* POLICY_IDENTITY_... */
	bool needs_route;        /* false: the certificate alone settles it */
};

/* Fills proxy, route, rule and needs_route. */
void policy_tie(struct policy_asking *asking);

/* Could this be a partner's domain at all?  An address, or a host with '_', can be neither listed nor looked up. */
bool policy_is_domain(struct slice domain);

/* Somebody here has said where the partner's edge is: its entry, or the default route. */
bool policy_is_named(const struct policy_asking *asking);
bool policy_is_public(const struct policy_asking *asking);

/* Is there a target that lies in the partner's domain and that the certificate carries? */
bool policy_target_matches(const struct policy_facts *facts);

/* Writes the change into `explanation` from its steps. */
void policy_explain_change(const struct policy_asking *asking, struct policy_explanation *explanation);

#endif
