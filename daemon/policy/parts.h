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
enum { PARTNER_FEDERATED, PARTNER_PUBLIC_VERIFIED, PARTNER_PUBLIC_UNVERIFIED };
enum { ROUTING_DNS_SRV, ROUTING_DEFAULT };
enum { PROVIDER_PUBLIC, PROVIDER_HOSTING };

/* A name to be found in the image, hashed once. */
struct policy_sought {
	struct slice key; /* empty: nothing can have that name */
	uint64_t hash;
};

/* What the steps look at: the facts, and what the image says about them, looked up once. */
struct policy_asking {
	const struct policy_image *image;
	const struct policy_facts *facts;
	const struct image_access_edge *switches;
	const struct image_topology *topology;
	const struct image_allowed_domain *allowed; /* NULL: not on the list */
	const struct image_xmpp_partner *xmpp;      /* NULL: no XMPP partner's domain */
	struct policy_sought remote; /* the remote domain, in every list that domains stand in */
	bool is_remote_own;          /* ... among our own, too */
	struct policy_sought user;   /* the local user's entry, not found yet */
	const struct image_sip_provider *provider; /* NULL: the domain is reached through none */
	bool is_shared; /* ... which hosts users of our own domains, and the remote one is of them */
	enum policy_protocol protocol;
	bool wants_words; /* also of steps that pass */
	/* How the partner's edge is found and known; the same for unlisted domains as for a bare entry. */
	struct slice proxy;      /* the entry's edge, or the default route; empty: by SRV */
	enum policy_route route; /* NONE: not known (yet) */
	int rule;                /* POLICY_IDENTITY_... */
	bool needs_route;        /* false: the certificate alone settles it */
};

/* Fills proxy, route, rule and needs_route. */
void policy_tie(struct policy_asking *asking);

/*
 * Words cost more than all else, and nobody reads those of a step that passed unless an explanation was wanted.
 */
#define policy_pass(asking, finding, kind, key, field, ...)                                                  \
	((asking)->wants_words ? policy_pass_words(finding, kind, key, field, __VA_ARGS__)                   \
	                       : policy_pass_mute(finding, kind, key, field))
void policy_pass_words(struct policy_finding *finding, enum model_kind_id kind, struct slice key,
                       const char *field, const char *format, ...) __attribute__((format(printf, 5, 6)));
static inline void policy_pass_mute(struct policy_finding *finding, enum model_kind_id kind, struct slice key,
                                    const char *field)
{
	finding->answer = POLICY_PASS;
	finding->was_asked = true;
	finding->kind = kind;
	finding->key = key;
	finding->field = field;
	finding->words[0] = '\0';
}
void policy_refuse(struct policy_finding *finding, enum model_kind_id kind, struct slice key,
                   const char *field, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The step has nothing to look at; it neither passes nor refuses on its own account. */
void policy_leave(const struct policy_asking *asking, struct policy_finding *finding, enum model_kind_id kind,
                  struct slice key, const char *words);

/* ---- scope.c ---- */
enum { POLICY_SWITCHES_MAX = 2 };
void policy_ask_user(const struct policy_asking *asking, struct policy_finding *finding);
/* The switches that this traffic needs and that are off in that policy; how many. */
size_t policy_switches_off(const struct policy_asking *asking, const struct policy_effective *effective,
                           const char *fields[POLICY_SWITCHES_MAX]);
/* Where the entry of a local user would stand; what it names lives in `room`, which needs no beginning. */
struct policy_sought policy_expect_user(const struct policy_image *image, struct slice user,
                                        struct slice domain, char room[POLICY_ADDRESS_BYTES]);

/* The site of the local user; "" where he has none. */
struct slice policy_site_asked(const struct policy_asking *asking);

/* ---- topology.c ---- */
void policy_ask_federation_route(const struct policy_asking *asking, struct policy_finding *finding);
/* Steps asked of remote and anonymous users alone (decide_remote.c). */
void policy_ask_outside_switch(const struct policy_asking *asking, struct policy_finding *finding);
void policy_ask_outside_access(const struct policy_asking *asking, struct policy_finding *finding);
void policy_ask_signed_in(const struct policy_asking *asking, struct policy_finding *finding);
void policy_ask_anonymous_switch(const struct policy_asking *asking, struct policy_finding *finding);
void policy_ask_conference_address(const struct policy_asking *asking, struct policy_finding *finding);
void policy_ask_organizer_policy(const struct policy_asking *asking, struct policy_finding *finding);
/* The domain of remote users: ours. */
void policy_ask_remote_domain(const struct policy_asking *asking, struct policy_finding *finding);
/* Whose policy says so: the organizer of the meeting.  False: it names none, or is not listed. */
bool policy_organizer_of(const struct policy_asking *asking, struct policy_effective *out);
void policy_explain_remote(const struct policy_asking *asking, struct policy_explanation *explanation);

/* ---- provider.c: steps as providers meet them; the second group only where there is a provider ---- */
void policy_find_provider(struct policy_asking *asking); /* fills provider and is_shared */
enum policy_federation policy_federation_of(const struct policy_asking *asking);
const char *policy_service_name(enum policy_service service);
void policy_ask_kind_service(const struct policy_asking *asking, struct policy_finding *finding);
void policy_ask_source_verification(const struct policy_asking *asking, struct policy_finding *finding);
/* Nobody of ours is asked for: whether the edge lives is. */
static inline bool policy_is_about_edge(const struct policy_facts *facts)
{
	return facts->local_user.len == 0 && slice_equal(facts->method, SLICE("OPTIONS"));
}

struct slice policy_provider_key(const struct policy_asking *asking);
/* There is no connection yet, or its certificate is that of the provider's edge. */
bool policy_provider_speaks(const struct policy_asking *asking);
void policy_ask_provider_domain(const struct policy_asking *asking, struct policy_finding *finding);
void policy_ask_provider_enabled(const struct policy_asking *asking, struct policy_finding *finding);
void policy_ask_provider_start(const struct policy_asking *asking, struct policy_finding *finding);

/* Steps of which XMPP has its own reading, and those that are its alone (decide_xmpp.c). */
void policy_ask_xmpp_domain(const struct policy_asking *asking, struct policy_finding *finding);
void policy_ask_enabled(const struct policy_asking *asking, struct policy_finding *finding);
void policy_ask_may_start(const struct policy_asking *asking, struct policy_finding *finding);
/* The primary domain of the XMPP partner. */
struct slice policy_xmpp_key(const struct policy_asking *asking);

/* Somebody here has said where the partner's edge is: its entry, or the default route. */
bool policy_is_named(const struct policy_asking *asking);

/* Is there a target that lies in the partner's domain and that the certificate carries? */
bool policy_target_matches(const struct policy_facts *facts);

/* Every step that its source is asked, whatever the others find. */
void policy_ask_all(const struct policy_asking *asking, struct policy_finding findings[POLICY_STEP_COUNT]);

/* Writes the change into `explanation` from its steps. */
void policy_explain_change(const struct policy_asking *asking, struct policy_explanation *explanation);

#endif
