/*
 * policy: may this message cross the edge, and who says so?
 *
 * Files in reading order: policy.h and facts.def (facts in, verdict out), steps.def (the
 * steps' order and codes), refusals.def (what else is refused, counted beside
 * them), decide.c, decide_xmpp.c, decide_remote.c and provider.c (the steps, the only place that says yes or
 * no), identity.c (how a partner's edge is found and known), explain.c (a
 * verdict as words, and what would flip it), scope.c (whose policy holds for a
 * user), first.h/.c (with whom our users began), topology.c (federation routes, and which pool is near), image.h and image*.c (what the steps look things up in).
 *
 * Pure: the same image and facts give the same verdict on the wire, in "why?"
 * and in a dry run.  Steps stand in the order in which an administrator would
 * ask them; the first that refuses decides; with an explanation wanted the
 * others are still asked.
 */
#ifndef DAEMON_POLICY_POLICY_H
#define DAEMON_POLICY_POLICY_H

#include "daemon/policy/image.h"
#include "shared/base/json.h"

enum policy_direction {
	POLICY_INWARD,  /* a partner's request to one of our users */
	POLICY_OUTWARD, /* one of our users' request to a partner */
};

/* Who is outside. */
enum policy_source {
	POLICY_FEDERATION, /* a partner's domain: the steps of federation are asked */
	POLICY_REMOTE,     /* one of our own users: local_user and local_domain; INWARD: he sends, OUTWARD: he is sent to */
	POLICY_ANONYMOUS,  /* no account; local_user and local_domain are the meeting's */
};

/* What is spoken with the remote side.  A domain is of one protocol alone. */
enum policy_protocol {
	POLICY_SIP,
	POLICY_XMPP,
};

/* What the request is for; decides whether the kind of federation carries it. */
enum policy_service {
	POLICY_SERVICE_IM,       /* MESSAGE, INVITE with m=message, and what belongs to them */
	POLICY_SERVICE_PRESENCE, /* SUBSCRIBE, NOTIFY */
	POLICY_SERVICE_AV,       /* INVITE with audio or video */
	POLICY_SERVICE_OTHER,    /* OPTIONS and what else the method table lets cross */
};

/* How the remote domain was tied to its edge. */
enum policy_route {
	POLICY_ROUTE_NONE,           /* not looked up (the verdict does not need it), or nothing found */
	POLICY_ROUTE_PROXY_FQDN,     /* the allowed domain names it */
	POLICY_ROUTE_SRV_FEDERATION, /* _sipfederationtls._tcp */
	POLICY_ROUTE_SRV_SIPS,       /* _sips._tcp (RFC 3263) */
	POLICY_ROUTE_DEFAULT,        /* the one next hop of the Access Edge's configuration */
	POLICY_ROUTE_PROVIDER,       /* the edge of the SIP federated provider that serves the domain */
};

/* By which kind of federation a domain is met; each carries what it carries (provider.c). */
enum policy_federation {
	POLICY_FEDERATION_SIP,
	POLICY_FEDERATION_PUBLIC,  /* a public provider's, or a default route to one */
	POLICY_FEDERATION_HOSTING, /* a hosting provider's */
	POLICY_FEDERATION_XMPP,
};
const char *policy_federation_name(enum policy_federation federation); /* "SIP federation" */

/* What a message says of its sender, by whoever sent it to us (ms-source-verified-user). */
enum policy_said { POLICY_SAID_NOTHING, POLICY_SAID_VERIFIED, POLICY_SAID_UNVERIFIED };

/* What the partner's certificate has to carry. */
enum policy_identity {
	POLICY_IDENTITY_EDGE_FQDN,
	POLICY_IDENTITY_DOMAIN,
};

/* What our own servers are told of the partner's sender; in the order of the rows' choices. */
enum policy_verification {
	POLICY_VERIFICATION_ALWAYS,
	POLICY_VERIFICATION_NEVER,
	POLICY_VERIFICATION_SOURCE, /* what the message itself says; without a word: unverified */
};

/* State of the remote domain's SRV look-up. */
enum policy_srv {
	POLICY_SRV_UNASKED,
	POLICY_SRV_FOUND,
	POLICY_SRV_ABSENT,
	POLICY_SRV_FAILED,
};

/*
 * Facts: all that is known of a request.  Slices point into the caller's
 * memory; domains are lower-case A-labels.  For OUTWARD, remote is To's domain
 * and the connection facts describe the connection to be used once it is up
 * (before that `is_connected` is false and the identity step passes).
 */
struct policy_facts { /* each is explained in its row */
#define FACT_WORD(type, member, key, ...) type member;
#define FACT_FLAG(member, key)            bool member;
#define FACT_TEXT(member, key)            struct slice member;
#define FACT_NAMES(member, count, key)                                                                       \
	const struct slice *member;                                                                          \
	size_t count;
#include "daemon/policy/facts.def"
};

enum policy_answer {
	POLICY_PASS,
	POLICY_REFUSE,
	POLICY_NEED_SRV, /* only from policy_decide: ask DNS for remote_domain, then decide again */
};

/* One row a step; steps.def holds the rows so that names, codes and order stand in one place. */
enum policy_step_id {
#define STEP(id, ...) POLICY_STEP_##id,
#include "daemon/policy/steps.def"
#undef STEP
	POLICY_STEP_COUNT,
	POLICY_REFUSALS_BEGIN = POLICY_STEP_COUNT - 1,
/* What is refused outside a decision; no step that is asked, and counted like one. */
#define REFUSAL(id, ...) POLICY_REFUSAL_##id,
#include "daemon/policy/refusals.def"
#undef REFUSAL
	POLICY_REFUSAL_COUNT
};

struct policy_step {
	const char *name;     /* stable: logs, counters and scripts use it: "blocked-domain" */
	int sip_status;       /* RFC 3261 §21 */
	int diagnostic;       /* ms-diagnostics number; Lync's where one exists, ours from 30001 */
	const char *sentence; /* what the step asks; "" for rows of refusals.def */
	const char *refusal;  /* public reason phrase: tells nothing about the inside */
	const char *advice;   /* what an administrator here can do about it: a sentence */
};
const struct policy_step *policy_step(enum policy_step_id id);
/* The steps that are asked of that source, in the order in which they are. */
size_t policy_steps_of(enum policy_source source, const enum policy_step_id **steps);

enum { POLICY_OBJECT_BYTES = 320, POLICY_CHANGE_BYTES = 1024, POLICY_ADDRESS_BYTES = 321 };

/* What one step found. */
struct policy_finding {
	enum policy_answer answer;
	bool was_asked; /* false: the step has nothing to look at (no connection yet); counts as PASS */
	enum model_kind_id kind;         /* the object responsible */
	struct slice key;                /* its key; points into the image or the facts */
	const char *field;               /* its field, "" where the object's presence decides */
	char words[POLICY_OBJECT_BYTES]; /* "fabrikam.example is on the block list" */
};

struct policy_verdict {
	enum policy_answer answer;
	enum policy_step_id step;      /* the one that decided; on PASS the last */
	uint64_t generation;           /* of the image */
	struct policy_finding finding; /* of the deciding step; on PASS without words unless explained */
	/* Also when refused, as far as known: */
	enum policy_protocol protocol;
	const struct image_xmpp_partner *xmpp;      /* NULL: no XMPP partner's domain */
	const struct image_allowed_domain *allowed; /* NULL: not on the list (discovery) */
	const struct image_sip_provider *provider;  /* NULL: reached through none */
	bool is_shared; /* the remote user is of our own domain, and hosted at the provider */
	enum policy_federation federation;
	enum policy_route route;
	enum policy_identity identity; /* rule for the partner's certificate */
	enum policy_verification verification;
};

/* Is the partner on no list, so that it is watched and has the share of discovered ones? */
static inline bool policy_is_discovered(const struct policy_verdict *verdict)
{
	return !verdict->allowed && !verdict->xmpp && !verdict->provider &&
	       verdict->route != POLICY_ROUTE_DEFAULT;
}

/* Findings of all steps, for "why?": the words also of those that pass. */
struct policy_explanation {
	struct policy_finding steps[POLICY_STEP_COUNT];
	/*
	 * The smallest change that would flip the verdict, as commands ("domain allow fabrikam.example"), "; " between
	 * them; "none: ..." when nothing set here would; empty when nothing refuses.
	 */
	char change[POLICY_CHANGE_BYTES];
};

/* `explanation` may be NULL; with it every step is asked. */
void policy_decide(const struct policy_image *image, const struct policy_facts *facts,
                   struct policy_verdict *verdict, struct policy_explanation *explanation);

/*
 * Does this certificate speak for `domain` under the given rule?  Used by the
 * identity step and, for outgoing connections, before the first byte is sent.
 * EDGE_FQDN: a dNSName equals `edge_fqdn` (SRV target or proxy FQDN).
 * DOMAIN (RFC 5922 §7.1): a sip URI entry equals `domain`; dNSName only where there is no sip URI entry.
 * Never a wildcard, a suffix or the CN.
 */
bool policy_identity_matches(const struct policy_facts *certificate, int rule, struct slice edge_fqdn,
                             struct slice domain);

/*
 * Does an SRV target lie in the domain it serves: exactly one label below it, or
 * the domain itself?  Of several targets only those that fit may be dialled when the rule is EDGE_FQDN.
 */
bool policy_srv_target_fits(struct slice domain, struct slice target);

/* The address as entries hold it; empty: too long for any. */
struct slice policy_address_of(struct slice user, struct slice domain, char to[POLICY_ADDRESS_BYTES]);

/* ---- SIP federated providers (provider.c) ---- */

/* Enabled or not.  NULL: there is none that lists the domain; whose edge has that name. */
const struct image_sip_provider *policy_provider_of_domain(const struct policy_image *image,
                                                           struct slice domain);
const struct image_sip_provider *policy_provider_of_edge(const struct policy_image *image, struct slice fqdn);
/*
 * Name decoration: a request for user@domain goes out as user(domain)@it; empty: as it is.  In the image.
 */
struct slice policy_routing_domain(const struct policy_image *image, struct slice domain);

/* ---- facts that are kept, to be decided on again (facts.c) ---- */

enum { POLICY_FACT_NAMES_MAX = 8, POLICY_FACT_LISTS = 3 };
/* Members of an object that is open.  Of each list at most `names_max`, those that speak for the remote domain first. */
void policy_facts_write(const struct policy_facts *facts, size_t names_max, struct json_writer *w);
struct policy_facts_read { /* `facts` points into `names` and into the object it was read from */
	struct policy_facts facts;
	struct slice names[POLICY_FACT_LISTS * POLICY_FACT_NAMES_MAX];
};
/* What is not said, or no word of ours, counts as nothing. */
void policy_facts_read(const struct json *object, struct policy_facts_read *out);
/* What they point to takes so many bytes; they then have it all in `room`, which is aligned for slices. */
size_t policy_facts_bytes(const struct policy_facts *facts);
void policy_facts_pack(struct policy_facts *facts, void *room);

/* ---- which external access policy holds for a user (scope.c) ---- */

enum policy_scope { POLICY_SCOPE_GLOBAL, POLICY_SCOPE_SITE, POLICY_SCOPE_USER };
const char *policy_scope_name(enum policy_scope scope); /* "site" */

struct policy_effective {
	const struct image_access_policy
	        *policy;       /* NULL: there is none of that name, and nothing is permitted */
	struct slice identity; /* its name; in the image */
	enum policy_scope scope;
	struct slice site; /* the user's; "" where he has none, and where it was not asked (scope user) */
	const struct image_user *user; /* NULL: he is not listed */
};
/* A user's address as entries hold it (escapes and capitals gone); empty: it is longer than any entry's. */
struct slice policy_address_of(struct slice user, struct slice domain, char to[POLICY_ADDRESS_BYTES]);
/* The nearest: granted to the user, of his site, Global.  `user` as it stands in a URI, in any case; may be empty. */
void policy_effective_of(const struct policy_image *image, struct slice user, struct slice domain,
                         struct policy_effective *out);

/* The site he belongs to; "" where he has none.  As above. */
struct slice policy_site_of(const struct policy_image *image, struct slice user, struct slice domain);

/* ---- what the topology says of a way (topology.c) ---- */

/*
 * How near a member of our pools is to what comes in by `edge` for somebody of `site`: 0 is tried first.  Those of the
 * pool that the edge's pool names as its next hop; else those of the site's pools before those of no site; else,
 * where there is neither, everybody: a pool knows the way to users of another.
 */
enum { POLICY_RANKS = 2, POLICY_RANK_NEVER = POLICY_RANKS };
struct policy_way { /* found once for a request */
	struct slice next_hop, site;
	bool has_near; /* some member is of the next hop, of the site or of none */
};
struct policy_way policy_way_of(const struct policy_image *image, struct slice edge, struct slice site);
unsigned policy_member_rank(const struct policy_image *image, const struct policy_way *way,
                            const struct image_pool_member *member);

/* "refused at step 2 blocked-domain: fabrikam.example is on the block list (version 12)" */
void policy_verdict_words(const struct policy_verdict *verdict, struct buffer *out);

#endif
