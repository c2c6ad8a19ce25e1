/*
 * check: what the files of rules between fields and objects share.  Seen only inside this folder.
 */
#ifndef SHARED_MODEL_CHECK_H
#define SHARED_MODEL_CHECK_H

#include "shared/model/snapshot.h"

struct check {
	const struct model_snapshot *snapshot;
	void (*each)(void *to, const struct model_fault *fault);
	void *to;
	size_t count; /* of faults, warnings left out */
};

/* `object` may not be published so. */
void check_tell(struct check *check, const struct model_object *object, size_t field, const char *allowed,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
/* It may, and whoever publishes it should know. */
void check_warn(struct check *check, const struct model_object *object, size_t field, const char *allowed,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

bool check_is_own_domain(const struct model_snapshot *snapshot, struct slice domain);

/* ---- check_route.c ---- */
void check_routing(struct check *check, const struct model_object *access_edge);
void check_allowed_route(struct check *check, const struct model_object *allowed);

/* ---- check_topology.c: what leads from one object of the topology to another ---- */
void check_topology(struct check *check, const struct model_object *topology);
void check_site_routes(struct check *check, const struct model_object *site);
void check_edge_pool(struct check *check, const struct model_object *pool);
void check_edge_place(struct check *check, const struct model_object *edge);
void check_pool(struct check *check, const struct model_object *pool);
void check_member_place(struct check *check, const struct model_object *member);

/* ---- check_users.c ---- */
void check_policy(struct check *check, const struct model_object *policy);
void check_site(struct check *check, const struct model_object *site);
void check_conference(struct check *check, const struct model_object *conference);
void check_user(struct check *check, const struct model_object *user);

/* ---- check_xmpp.c ---- */
void check_xmpp_name(struct check *check, const struct model_object *name);
void check_xmpp_partner(struct check *check, const struct model_object *partner);

/* ---- check_provider.c ---- */
void check_sip_provider(struct check *check, const struct model_object *provider);
/* The provider whose edge that is; NULL: none's. */
const struct model_object *check_provider_of_proxy(const struct model_snapshot *snapshot, struct slice fqdn);

/* ---- check_domains.c ---- */
/* Each domain belongs to one XMPP partner or one provider, and is not allowed beside it. */
void check_domains(struct check *check);

#endif
