/*
 * The steps of a decision: the only place that says yes or no.
 *
 * Each step is one function that looks at the facts and the image and writes a
 * finding; none knows what another found.  Their order, codes and sentences are
 * in steps.def.
 */
#include "daemon/policy/parts.h"

#include <assert.h>

#include "daemon/names/names.h"
#include "shared/base/text.h"

static bool is_plain(char c) { return c >= ' ' && c <= '~' && c != '\\'; }

static bool is_all_plain(struct slice text)
{
	bool is_so = true;

	for (size_t i = 0; i < text.len; i++)
		is_so &= is_plain(text.ptr[i]);
	return is_so;
}

/* What `%s` and `%.*s` stand for; nothing else is known here. */
static struct slice next_argument(const char **format, va_list *args)
{
	bool has_length = (*format)[1] == '.';
	struct slice argument;

	assert(strncmp(*format, has_length ? "%.*s" : "%s", has_length ? 4 : 2) == 0);
	*format += has_length ? 4 : 2;
	if (!has_length)
		return slice_of(va_arg(*args, const char *));
	argument.len = (size_t)va_arg(*args, int);
	argument.ptr = va_arg(*args, const char *);
	return argument;
}

static size_t append(char words[POLICY_OBJECT_BYTES], size_t used, struct slice text)
{
	size_t room = POLICY_OBJECT_BYTES - 1 - used, length = text.len < room ? text.len : room;

	if (length)
		memcpy(words + used, text.ptr, length);
	return used + length;
}

/*
 * Each refusal says its words, and with vsnprintf these were half of what it cost.  What does not fit is left out.
 * Names in the facts should be A-labels, but words go to logs and terminals: if anything in them is not plain, all of
 * them are made printable.
 */
static void write_words(char words[POLICY_OBJECT_BYTES], const char *format, va_list args)
{
	char raw[POLICY_OBJECT_BYTES];
	bool is_fine = true;
	size_t used = 0;
	va_list rest;

	va_copy(rest, args);
	while (*format) {
		struct slice piece = { format, strcspn(format, "%") };

		if (piece.len) {
			format += piece.len;
		} else {
			piece = next_argument(&format, &rest);
			is_fine &= is_all_plain(piece);
		}
		used = append(words, used, piece);
	}
	va_end(rest);
	words[used] = '\0';
	if (!is_fine) {
		memcpy(raw, words, used);
		text_shown((struct slice){ raw, used }, words, POLICY_OBJECT_BYTES);
	}
}

__attribute__((format(printf, 6, 0))) static void find(struct policy_finding *finding,
                                                       enum policy_answer answer, enum model_kind_id kind,
                                                       struct slice key, const char *field,
                                                       const char *format, va_list args)
{
	finding->answer = answer;
	finding->was_asked = true;
	finding->kind = kind;
	finding->key = key;
	finding->field = field;
	write_words(finding->words, format, args);
}

void policy_pass_words(struct policy_finding *finding, enum model_kind_id kind, struct slice key,
                       const char *field, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	find(finding, POLICY_PASS, kind, key, field, format, args);
	va_end(args);
}

void policy_refuse(struct policy_finding *finding, enum model_kind_id kind, struct slice key,
                   const char *field, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	find(finding, POLICY_REFUSE, kind, key, field, format, args);
	va_end(args);
}

void policy_leave(const struct policy_asking *asking, struct policy_finding *finding, enum model_kind_id kind,
                  struct slice key, const char *words)
{
	size_t length = asking->wants_words ? strnlen(words, sizeof finding->words - 1) : 0;

	finding->answer = POLICY_PASS;
	finding->was_asked = false;
	finding->kind = kind;
	finding->key = key;
	finding->field = "";
	memcpy(finding->words, words, length);
	finding->words[length] = '\0';
}

/* ---- the steps ---- */

static void ask_federation_switch(const struct policy_asking *a, struct policy_finding *f)
{
	const char *field = FIELD_NAME(ACCESS_EDGE, access_edge, allow_federated_users);

	if (a->switches->allow_federated_users)
		policy_pass(a, f, MODEL_ACCESS_EDGE, SLICE(""), field, "federation is switched on");
	else
		policy_refuse(f, MODEL_ACCESS_EDGE, SLICE(""), field,
		              "federation is switched off for this edge");
}

/* In both directions: nothing is taken from a blocked domain and nothing sent to it. */
static void ask_blocked_domain(const struct policy_asking *a, struct policy_finding *f)
{
	struct slice domain = a->facts->remote_domain;

	if (policy_image_find_hashed(a->image, MODEL_BLOCKED_DOMAIN, a->remote.key, a->remote.hash))
		policy_refuse(f, MODEL_BLOCKED_DOMAIN, domain, "", "%.*s is on the block list",
		              SLICE_ARG(domain));
	else
		policy_pass(a, f, MODEL_BLOCKED_DOMAIN, domain, "", "%.*s is not on the block list",
		            SLICE_ARG(domain));
}

static void pass_own(const struct policy_asking *a, struct policy_finding *f, struct slice domain,
                     bool is_own)
{
	if (is_own)
		policy_pass(a, f, MODEL_TOPOLOGY, domain, FIELD_NAME(TOPOLOGY, topology, sip_domains),
		            "%.*s is our own domain", SLICE_ARG(domain));
	else
		policy_pass(a, f, MODEL_TOPOLOGY, domain, FIELD_NAME(TOPOLOGY, topology, sip_domains),
		            "%.*s is not our own domain, as it should be", SLICE_ARG(domain));
}

static bool is_own_domain(const struct policy_asking *a, bool is_remote)
{
	return is_remote ? a->is_remote_own : policy_image_is_own_domain(a->image, a->facts->local_domain);
}

static void refuse_own(struct policy_finding *f, struct slice domain, const char *why)
{
	policy_refuse(f, MODEL_TOPOLOGY, domain, FIELD_NAME(TOPOLOGY, topology, sip_domains), "%.*s %s",
	              SLICE_ARG(domain), why);
}

/*
 * Nobody outside may write as one of our users, and nobody inside as someone else's.  But a provider that hosts users
 * of ours writes as they, and what partners wrote to them our pool sends on there.
 */
static void ask_sender_domain(const struct policy_asking *a, struct policy_finding *f)
{
	bool is_inward = a->facts->direction == POLICY_INWARD;
	struct slice sender = is_inward ? a->facts->remote_domain : a->facts->local_domain;
	bool is_own = is_own_domain(a, is_inward);

	if (a->facts->source != POLICY_FEDERATION) {
		policy_ask_remote_domain(a, f);
		return;
	}
	if (is_inward && is_own && !(a->is_shared && policy_provider_speaks(a)))
		refuse_own(f, sender, "is our own domain: no partner may claim it");
	else if (!is_inward && !is_own && !a->is_shared)
		refuse_own(f, sender, "is none of our own domains: our users do not write from it");
	else if (a->is_shared)
		policy_pass(a, f, MODEL_TOPOLOGY, sender, FIELD_NAME(TOPOLOGY, topology, sip_domains),
		            "%.*s is let through for the provider that hosts users of ours",
		            SLICE_ARG(sender));
	else
		pass_own(a, f, sender, is_own);
}

/* Inwards only to ourselves: the edge carries nothing from one partner to another. */
static void ask_own_domain(const struct policy_asking *a, struct policy_finding *f)
{
	bool is_inward = a->facts->direction == POLICY_INWARD;
	struct slice receiver = is_inward ? a->facts->local_domain : a->facts->remote_domain;
	bool is_own = is_own_domain(a, !is_inward);

	if (is_inward && !is_own)
		refuse_own(f, receiver, "is none of our own domains");
	else if (!is_inward && is_own && !a->is_shared)
		refuse_own(f, receiver, "is our own domain: the pool delivers to it, not the edge");
	else
		pass_own(a, f, receiver, is_own);
}

static void ask_known_domain(const struct policy_asking *a, struct policy_finding *f)
{
	struct slice domain = a->facts->remote_domain;

	if (domain.len == 0)
		policy_refuse(f, MODEL_ALLOWED_DOMAIN, domain, "", "the partner's domain is missing");
	else if (a->protocol == POLICY_XMPP || a->xmpp)
		policy_ask_xmpp_domain(a, f);
	else if (a->provider)
		policy_ask_provider_domain(a, f);
	else if (a->allowed)
		policy_pass(a, f, MODEL_ALLOWED_DOMAIN, domain, "", "%.*s is on the list of allowed domains",
		            SLICE_ARG(domain));
	else if (!names_domain_is_prepared(domain))
		policy_refuse(f, MODEL_ALLOWED_DOMAIN, domain, "", "%.*s is no domain name",
		              SLICE_ARG(domain));
	else if (a->switches->enable_partner_discovery)
		policy_pass(a, f, MODEL_ACCESS_EDGE, SLICE(""),
		            FIELD_NAME(ACCESS_EDGE, access_edge, enable_partner_discovery),
		            "%.*s is on no list and partner discovery is on", SLICE_ARG(domain));
	else if (a->route == POLICY_ROUTE_DEFAULT)
		policy_pass(a, f, MODEL_ACCESS_EDGE, SLICE(""),
		            FIELD_NAME(ACCESS_EDGE, access_edge, routing_method),
		            "%.*s is on no list and goes by the default route", SLICE_ARG(domain));
	else
		policy_refuse(f, MODEL_ALLOWED_DOMAIN, domain, "",
		              "%.*s is not on the list of allowed domains and partner discovery is off",
		              SLICE_ARG(domain));
}

/* Where XMPP partners' servers are, and who they are, is the gateway's to find and to prove. */
static bool is_left_to_gateway(const struct policy_asking *a, struct policy_finding *f)
{
	if (a->protocol == POLICY_XMPP)
		policy_leave(a, f, MODEL_XMPP_PARTNER, policy_xmpp_key(a),
		             "the XMPP gateway sees to it, for streams with the partner's server");
	return a->protocol == POLICY_XMPP;
}

static void ask_service(const struct policy_asking *a, struct policy_finding *f)
{
	const char *field = FIELD_NAME(TOPOLOGY, topology, media);
	bool is_federation = a->facts->source == POLICY_FEDERATION;

	if (a->protocol == POLICY_XMPP) {
		policy_leave(a, f, MODEL_XMPP_PARTNER, policy_xmpp_key(a),
		             "XMPP federation needs no further service here");
		return;
	}
	if (a->facts->service == POLICY_SERVICE_AV && a->topology->media != MEDIA_DIRECT)
		policy_refuse(f, MODEL_TOPOLOGY, SLICE(""), field,
		              "%s no audio and video here: no A/V Edge is installed",
		              is_federation ? "SIP federation carries" : "users outside have");
	else
		policy_pass(a, f, MODEL_TOPOLOGY, SLICE(""), field, "%s %s",
		            is_federation ? "SIP federation carries" : "users outside have",
		            policy_service_name(a->facts->service));
}

/* Neither the entry nor DNS says where the partner's edge is, as far as is known. */
static void find_no_route(const struct policy_asking *a, struct policy_finding *f, const char *field)
{
	struct slice domain = a->facts->remote_domain;

	if (a->facts->srv == POLICY_SRV_FAILED)
		policy_refuse(f, MODEL_ALLOWED_DOMAIN, domain, field,
		              "DNS gave no answer about %.*s: its SRV look-up failed", SLICE_ARG(domain));
	else if (a->facts->srv == POLICY_SRV_UNASKED)
		policy_refuse(f, MODEL_ALLOWED_DOMAIN, domain, field, "DNS has not been asked about %.*s yet",
		              SLICE_ARG(domain));
	else
		policy_refuse(f, MODEL_ALLOWED_DOMAIN, domain, field,
		              "%.*s has no DNS SRV record, neither _sipfederationtls._tcp nor _sips._tcp",
		              SLICE_ARG(domain));
	if (a->facts->srv == POLICY_SRV_UNASKED)
		f->answer = POLICY_NEED_SRV;
}

static void ask_route(const struct policy_asking *a, struct policy_finding *f)
{
	struct slice domain = a->facts->remote_domain;
	const char *field = FIELD_NAME(ALLOWED_DOMAIN, allowed_domain, proxy_fqdn);

	if (is_left_to_gateway(a, f))
		return;
	if (a->route == POLICY_ROUTE_PROXY_FQDN)
		policy_pass(a, f, MODEL_ALLOWED_DOMAIN, domain, field, "the entry names %.*s",
		            SLICE_ARG(a->proxy));
	else if (a->route == POLICY_ROUTE_PROVIDER)
		policy_pass(a, f, MODEL_SIP_PROVIDER, policy_provider_key(a),
		            FIELD_NAME(SIP_PROVIDER, sip_provider, proxy_fqdn), "the provider's edge is %.*s",
		            SLICE_ARG(a->proxy));
	else if (a->route == POLICY_ROUTE_DEFAULT)
		policy_pass(a, f, MODEL_ACCESS_EDGE, SLICE(""),
		            FIELD_NAME(ACCESS_EDGE, access_edge, default_route_fqdn),
		            "the default route leads to %.*s", SLICE_ARG(a->proxy));
	else if (a->route != POLICY_ROUTE_NONE)
		policy_pass(a, f, MODEL_ALLOWED_DOMAIN, domain, field, "found by DNS SRV %s.%.*s",
		            a->route == POLICY_ROUTE_SRV_SIPS ? "_sips._tcp" : "_sipfederationtls._tcp",
		            SLICE_ARG(domain));
	else if (!a->needs_route)
		policy_pass(a, f, MODEL_ALLOWED_DOMAIN, domain,
		            FIELD_NAME(ALLOWED_DOMAIN, allowed_domain, identity),
		            "not needed: the certificate must carry the domain itself");
	else
		find_no_route(a, f, field);
}

static bool has_target_in_domain(const struct policy_facts *facts)
{
	for (size_t i = 0; i < facts->srv_target_count; i++)
		if (policy_srv_target_fits(facts->remote_domain, facts->srv_targets[i]))
			return true;
	return false;
}

static bool is_found_by_srv(const struct policy_asking *a)
{
	return a->route == POLICY_ROUTE_SRV_FEDERATION || a->route == POLICY_ROUTE_SRV_SIPS;
}

static void ask_srv_in_domain(const struct policy_asking *a, struct policy_finding *f)
{
	struct slice domain = a->facts->remote_domain;
	const char *field = FIELD_NAME(ALLOWED_DOMAIN, allowed_domain, proxy_fqdn);

	if (is_left_to_gateway(a, f))
		return;
	if (a->rule == POLICY_IDENTITY_DOMAIN) {
		policy_pass(a, f, MODEL_ALLOWED_DOMAIN, domain,
		            FIELD_NAME(ALLOWED_DOMAIN, allowed_domain, identity),
		            "not needed: the certificate must carry the domain itself");
	} else if (policy_is_named(a)) {
		policy_pass(a, f, MODEL_ALLOWED_DOMAIN, domain, field, "not needed: %s",
		            a->route == POLICY_ROUTE_DEFAULT    ? "the default route is named"
		            : a->route == POLICY_ROUTE_PROVIDER ? "the entry names the provider's edge"
		                                                : "the entry names the partner's edge");
	} else if (!is_found_by_srv(a)) {
		policy_leave(a, f, MODEL_ALLOWED_DOMAIN, domain, "there is no SRV target to look at");
	} else if (has_target_in_domain(a->facts)) {
		policy_pass(a, f, MODEL_ALLOWED_DOMAIN, domain, field, "the SRV target lies directly in %.*s",
		            SLICE_ARG(domain));
	} else {
		policy_refuse(f, MODEL_ALLOWED_DOMAIN, domain, field,
		              "SRV target %.*s does not lie directly in %.*s",
		              SLICE_ARG(a->facts->srv_targets[0]), SLICE_ARG(domain));
	}
}

/* The name that the certificate has to carry, for words. */
static struct slice wanted_name(const struct policy_asking *a)
{
	if (a->rule == POLICY_IDENTITY_DOMAIN)
		return a->facts->remote_domain;
	if (policy_is_named(a))
		return a->proxy;
	for (size_t i = 0; i < a->facts->srv_target_count; i++)
		if (policy_srv_target_fits(a->facts->remote_domain, a->facts->srv_targets[i]))
			return a->facts->srv_targets[i];
	return SLICE_NONE;
}

static bool is_identity_proved(const struct policy_asking *a)
{
	if (a->rule == POLICY_IDENTITY_EDGE_FQDN && is_found_by_srv(a))
		return policy_target_matches(a->facts);
	return policy_identity_matches(a->facts, a->rule, a->proxy, a->facts->remote_domain);
}

/* Then a step before this one refused or waits for DNS; whatever else lacks a name is refused here. */
static bool has_nothing_to_compare(const struct policy_asking *a)
{
	return a->rule == POLICY_IDENTITY_EDGE_FQDN && !policy_is_named(a) && wanted_name(a).len == 0;
}

static void refuse_identity(const struct policy_asking *a, struct policy_finding *f, const char *field)
{
	struct slice domain = a->facts->remote_domain, wanted = wanted_name(a);

	enum model_kind_id kind = a->provider ? MODEL_SIP_PROVIDER : MODEL_ALLOWED_DOMAIN;

	if (a->provider) {
		domain = policy_provider_key(a);
		field = FIELD_NAME(SIP_PROVIDER, sip_provider, proxy_fqdn);
	}
	if (a->facts->has_certificate)
		policy_refuse(f, kind, domain, field, "the partner's certificate does not carry %.*s",
		              SLICE_ARG(wanted));
	else
		policy_refuse(f, kind, domain, field,
		              "the partner presented no certificate; it must carry %.*s", SLICE_ARG(wanted));
}

static void ask_peer_identity(const struct policy_asking *a, struct policy_finding *f)
{
	struct slice domain = a->facts->remote_domain;
	const char *field = FIELD_NAME(ALLOWED_DOMAIN, allowed_domain, identity);

	if (is_left_to_gateway(a, f))
		return;
	if (!a->facts->is_connected)
		policy_leave(a, f, MODEL_ALLOWED_DOMAIN, domain, "there is no connection yet");
	else if (is_identity_proved(a))
		policy_pass(a, f, MODEL_ALLOWED_DOMAIN, domain, field, "the certificate speaks for %.*s",
		            SLICE_ARG(domain));
	else if (has_nothing_to_compare(a))
		policy_leave(a, f, MODEL_ALLOWED_DOMAIN, domain,
		             "there is no name to hold the certificate against");
	else
		refuse_identity(a, f, field);
}

/* ---- one decision ---- */

static void (*const ask[POLICY_STEP_COUNT])(const struct policy_asking *, struct policy_finding *) = {
	[POLICY_STEP_FEDERATION_SWITCH] = ask_federation_switch,
	[POLICY_STEP_BLOCKED_DOMAIN] = ask_blocked_domain,
	[POLICY_STEP_SENDER_DOMAIN] = ask_sender_domain,
	[POLICY_STEP_OWN_DOMAIN] = ask_own_domain,
	[POLICY_STEP_KNOWN_DOMAIN] = ask_known_domain,
	[POLICY_STEP_PARTNER_ENABLED] = policy_ask_enabled,
	[POLICY_STEP_FEDERATION_ROUTE] = policy_ask_federation_route,
	[POLICY_STEP_USER_POLICY] = policy_ask_user,
	[POLICY_STEP_KIND_SERVICE] = policy_ask_kind_service,
	[POLICY_STEP_SERVICE] = ask_service,
	[POLICY_STEP_SOURCE_VERIFICATION] = policy_ask_source_verification,
	[POLICY_STEP_MAY_START] = policy_ask_may_start,
	[POLICY_STEP_ROUTE] = ask_route,
	[POLICY_STEP_SRV_IN_DOMAIN] = ask_srv_in_domain,
	[POLICY_STEP_PEER_IDENTITY] = ask_peer_identity,
	[POLICY_STEP_OUTSIDE_SWITCH] = policy_ask_outside_switch,
	[POLICY_STEP_OUTSIDE_ACCESS] = policy_ask_outside_access,
	[POLICY_STEP_SIGNED_IN] = policy_ask_signed_in,
	[POLICY_STEP_ANONYMOUS_SWITCH] = policy_ask_anonymous_switch,
	[POLICY_STEP_CONFERENCE_ADDRESS] = policy_ask_conference_address,
	[POLICY_STEP_ORGANIZER_POLICY] = policy_ask_organizer_policy,
};

/* Partners are asked what stands before the first step of remote users, in the order of the rows. */
static const enum policy_step_id partner_steps[] = {
#define STEP(id, ...) POLICY_STEP_##id,
#include "daemon/policy/steps.def"
#undef STEP
};
static const enum policy_step_id remote_steps[] = {
	POLICY_STEP_OUTSIDE_SWITCH, POLICY_STEP_SENDER_DOMAIN, POLICY_STEP_OUTSIDE_ACCESS,
	POLICY_STEP_SIGNED_IN,      POLICY_STEP_SERVICE,
};
static const enum policy_step_id anonymous_steps[] = {
	POLICY_STEP_OUTSIDE_SWITCH,     POLICY_STEP_ANONYMOUS_SWITCH, POLICY_STEP_SENDER_DOMAIN,
	POLICY_STEP_CONFERENCE_ADDRESS, POLICY_STEP_ORGANIZER_POLICY, POLICY_STEP_SERVICE,
};

size_t policy_steps_of(enum policy_source source, const enum policy_step_id **steps)
{
	switch (source) {
	case POLICY_FEDERATION: break;
	case POLICY_REMOTE: *steps = remote_steps; return sizeof remote_steps / sizeof *remote_steps;
	case POLICY_ANONYMOUS:
		*steps = anonymous_steps;
		return sizeof anonymous_steps / sizeof *anonymous_steps;
	}
	*steps = partner_steps;
	return POLICY_STEP_OUTSIDE_SWITCH;
}

/*
 * What the steps will look up is expected, then fetched, then found: three waits for memory become one.  `a` is filled
 * where it stands, member by member: clearing it first and handing it over cost as much as a look-up.
 */
static void begin_asking(struct policy_asking *a, const struct policy_image *image,
                         const struct policy_facts *facts, char room[POLICY_ADDRESS_BYTES])
{
	a->remote.key = facts->remote_domain;
	a->remote.hash = policy_image_hash(facts->remote_domain);
	policy_image_expect(image, MODEL_ALLOWED_DOMAIN, a->remote.hash);
	policy_image_expect(image, MODEL_BLOCKED_DOMAIN, a->remote.hash);
	a->user = policy_expect_user(image, facts->local_user, facts->local_domain, room);
	policy_image_fetch(image, MODEL_ALLOWED_DOMAIN, a->remote.hash);
	policy_image_fetch(image, MODEL_BLOCKED_DOMAIN, a->remote.hash);
	if (a->user.key.len)
		policy_image_fetch(image, MODEL_USER, a->user.hash);

	a->image = image;
	a->facts = facts;
	a->switches = image_access_edge_at(image, 0);
	a->topology = image_topology_at(image, 0);
	a->is_remote_own = policy_image_is_own_hashed(image, a->remote.key, a->remote.hash);
	a->allowed = policy_image_find_hashed(image, MODEL_ALLOWED_DOMAIN, a->remote.key, a->remote.hash);
	a->xmpp = policy_image_find_hashed(image, MODEL_XMPP_PARTNER, a->remote.key, a->remote.hash);
	a->protocol = facts->direction == POLICY_INWARD ? facts->protocol
	              : a->xmpp                         ? POLICY_XMPP
	                                                : POLICY_SIP;
	policy_find_provider(a);
	policy_tie(a);
}

void policy_ask_all(const struct policy_asking *a, struct policy_finding findings[POLICY_STEP_COUNT])
{
	const enum policy_step_id *steps;
	size_t count = policy_steps_of(a->facts->source, &steps);

	for (size_t i = 0; i < count; i++)
		ask[steps[i]](a, &findings[steps[i]]);
}

static void decide_all(const struct policy_asking *a, struct policy_verdict *verdict,
                       struct policy_explanation *explanation)
{
	const enum policy_step_id *steps;
	size_t count = policy_steps_of(a->facts->source, &steps);
	bool is_decided = false;

	for (int step = 0; step < POLICY_STEP_COUNT; step++)
		policy_leave(a, &explanation->steps[step], MODEL_ACCESS_EDGE, SLICE(""),
		             "it is not asked here");
	policy_ask_all(a, explanation->steps);
	for (size_t i = 0; i < count && !is_decided; i++) {
		struct policy_finding *finding = &explanation->steps[steps[i]];

		is_decided = finding->answer != POLICY_PASS;
		if (is_decided || i == count - 1) {
			verdict->step = steps[i];
			verdict->answer = finding->answer;
			verdict->finding = *finding;
		}
	}
	if (a->facts->source == POLICY_FEDERATION)
		policy_explain_change(a, explanation);
	else
		policy_explain_remote(a, explanation);
}

static void decide_first(const struct policy_asking *a, struct policy_verdict *verdict)
{
	const enum policy_step_id *steps;
	size_t count = policy_steps_of(a->facts->source, &steps);

	for (size_t i = 0; i < count; i++) {
		ask[steps[i]](a, &verdict->finding);
		verdict->step = steps[i];
		verdict->answer = verdict->finding.answer;
		if (verdict->answer != POLICY_PASS)
			return;
	}
}

static enum policy_verification verification_of(const struct policy_asking *a)
{
	if (a->facts->source != POLICY_FEDERATION)
		return POLICY_VERIFICATION_NEVER; /* the pool's challenge says who he is, not the edge */
	if (a->protocol == POLICY_XMPP)
		return a->xmpp && a->xmpp->partner_type == PARTNER_PUBLIC_UNVERIFIED
		               ? POLICY_VERIFICATION_NEVER
		               : POLICY_VERIFICATION_ALWAYS;

	if (a->provider)
		return (enum policy_verification)a->provider->verification_level;

	uint64_t level = a->route == POLICY_ROUTE_DEFAULT ? a->switches->verification_level
	                 : a->allowed                     ? a->allowed->verification_level
	                              : a->switches->discovered_partner_verification_level;

	return (enum policy_verification)level;
}

void policy_decide(const struct policy_image *image, const struct policy_facts *facts,
                   struct policy_verdict *verdict, struct policy_explanation *explanation)
{
	char room[POLICY_ADDRESS_BYTES];
	struct policy_asking asking;

	asking.wants_words = explanation != NULL;
	begin_asking(&asking, image, facts, room);
	if (explanation)
		decide_all(&asking, verdict, explanation);
	else
		decide_first(&asking, verdict);
	verdict->generation = policy_image_generation(image);
	verdict->protocol = asking.protocol;
	verdict->xmpp = asking.xmpp;
	verdict->allowed = asking.allowed;
	verdict->provider = asking.provider;
	verdict->is_shared = asking.is_shared;
	verdict->federation = policy_federation_of(&asking);
	verdict->route = asking.route;
	verdict->identity = asking.rule;
	verdict->verification = verification_of(&asking);
}
