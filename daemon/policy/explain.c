/*
 * A verdict as words, and what would have to change for the opposite verdict.
 *
 * A change is written as the commands that make it, "; " between them, so that it can
 * be typed or offered for one key:
 *     access-edge set allow-federated-users=true
 *     policy set Global enable-federation-access=true
 *     domain allow fabrikam.example [proxy-fqdn=NAME] [identity=RULE]
 *     domain remove fabrikam.example
 *     xmpp add northwind.example [partner-type=federated]
 *     xmpp enable northwind.example
 *     xmpp set northwind.example partner-type=federated
 *     topology.xml: media=direct
 * or "none: " and why nothing here would help.  All steps that refuse are
 * counted in: the change for one of them alone would flip nothing.
 */
#include "daemon/policy/parts.h"

#include "daemon/names/names.h"
#include "shared/base/text.h"

static const struct policy_step steps[POLICY_REFUSAL_COUNT] = {
#define STEP(id, name, status, diagnostic, sentence, refusal, advice)                                        \
	{ name, status, diagnostic, sentence, refusal, advice },
#include "daemon/policy/steps.def"
#undef STEP
#define REFUSAL(id, name, status, diagnostic, refusal, advice)                                               \
	{ name, status, diagnostic, "", refusal, advice },
#include "daemon/policy/refusals.def"
#undef REFUSAL
};

const struct policy_step *policy_step(enum policy_step_id id) { return &steps[id]; }

void policy_verdict_words(const struct policy_verdict *verdict, struct buffer *out)
{
	static const char *const answers[] = {
		[POLICY_PASS] = "allowed", [POLICY_REFUSE] = "refused", [POLICY_NEED_SRV] = "waits for DNS"
	};

	buffer_printf(out, "%s", answers[verdict->answer]);
	if (verdict->answer != POLICY_PASS)
		buffer_printf(out, " at step %d %s: %s", (int)verdict->step + 1, steps[verdict->step].name,
		              verdict->finding.words);
	buffer_printf(out, " (version %llu)", (unsigned long long)verdict->generation);
}

/* ---- the smallest change ---- */

struct change {
	const struct policy_asking *asking;
	const struct policy_finding *findings;
	/* What the partner's entry has to say beyond being there. */
	bool needs_entry;
	struct slice proxy;
	const char *identity;
	/* Nothing here helps, because: ... */
	const char *none;
	struct slice none_about;
};

static bool refuses(const struct change *c, enum policy_step_id step)
{
	return c->findings[step].answer == POLICY_REFUSE;
}

static bool carries(const struct policy_facts *facts, struct slice name)
{
	return policy_identity_matches(facts, POLICY_IDENTITY_EDGE_FQDN, name, SLICE_NONE);
}

/* Not a wildcard and nothing else that an entry could not hold. */
static bool is_host_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-.", name.ptr[i]) || name.ptr[i] == '\0')
			return false;
	return name.len > 0;
}

/* An entry may name it as its edge: a provider's edge is the provider's alone. */
static bool may_be_named(const struct policy_asking *a, struct slice name)
{
	return is_host_name(name) && !policy_provider_of_edge(a->image, name);
}

/*
 * A name on the certificate that an administrator may take for the partner's edge: one that DNS gives (a
 * hoster's, most often), or one that lies in the partner's domain.  Never just any name that a stranger presents.
 */
static struct slice edge_name(const struct policy_asking *a)
{
	const struct policy_facts *facts = a->facts;

	for (size_t i = 0; i < facts->srv_target_count; i++)
		if (carries(facts, facts->srv_targets[i]) && may_be_named(a, facts->srv_targets[i]))
			return facts->srv_targets[i];
	for (size_t i = 0; facts->has_certificate && i < facts->certificate_dns_count; i++)
		if (policy_srv_target_fits(facts->remote_domain, facts->certificate_dns[i]) &&
		    may_be_named(a, facts->certificate_dns[i]))
			return facts->certificate_dns[i];
	return SLICE_NONE;
}

/* The certificate is known: which entry would it satisfy, with the least said? */
static void change_to_certificate(struct change *c)
{
	const struct policy_asking *a = c->asking;
	const struct policy_facts *facts = a->facts;
	bool is_edge_known = a->proxy.len ? carries(facts, a->proxy) : policy_target_matches(facts);

	c->needs_entry = true;
	if (policy_identity_matches(facts, POLICY_IDENTITY_DOMAIN, SLICE_NONE, facts->remote_domain)) {
		c->identity = "domain";
		return;
	}
	if (a->rule == POLICY_IDENTITY_DOMAIN && is_edge_known) {
		c->identity = "edge-fqdn";
		return;
	}
	c->proxy = edge_name(a);
	if (c->proxy.len) {
		c->identity = a->allowed && a->allowed->identity == IDENTITY_DOMAIN ? "edge-fqdn" : NULL;
		return;
	}
	c->none = facts->has_certificate
	                  ? "the partner's certificate must carry the name of its edge or the domain"
	                  : "the partner must present a certificate for";
	c->none_about = facts->remote_domain;
}

/* The three steps that tie the partner's domain to an edge and to a certificate; at most one of them refuses. */
static void change_tie(struct change *c)
{
	const struct policy_facts *facts = c->asking->facts;

	if (!refuses(c, POLICY_STEP_ROUTE) && !refuses(c, POLICY_STEP_SRV_IN_DOMAIN) &&
	    !refuses(c, POLICY_STEP_PEER_IDENTITY))
		return;
	if (facts->is_connected) {
		change_to_certificate(c);
		return;
	}
	c->needs_entry = true;
	c->proxy = SLICE("EDGE");
	for (size_t i = 0; refuses(c, POLICY_STEP_SRV_IN_DOMAIN) && i < facts->srv_target_count; i++)
		if (may_be_named(c->asking, facts->srv_targets[i])) {
			c->proxy = facts->srv_targets[i];
			break;
		}
}

/* Could `domain` become one of our own? Then nothing else may be said of it. */
static bool may_become_own(const struct policy_asking *a, struct slice domain)
{
	return domain.len && !slice_equal(domain, a->facts->remote_domain) &&
	       !image_allowed_domain_find(a->image, domain) && !image_blocked_domain_find(a->image, domain) &&
	       !policy_provider_of_domain(a->image, domain);
}

/* Only the local side's domain can be made ours; who claims to be us, or writes to himself, stays outside. */
static bool change_own(struct change *c)
{
	bool is_inward = c->asking->facts->direction == POLICY_INWARD;
	enum policy_step_id local = is_inward ? POLICY_STEP_OWN_DOMAIN : POLICY_STEP_SENDER_DOMAIN;
	enum policy_step_id remote = is_inward ? POLICY_STEP_SENDER_DOMAIN : POLICY_STEP_OWN_DOMAIN;

	if (refuses(c, remote)) {
		c->none = is_inward ? "nobody outside may write from our own domain"
		                    : "the pool itself delivers to our own domain";
		c->none_about = c->asking->facts->remote_domain;
	} else if (refuses(c, local) && !may_become_own(c->asking, c->asking->facts->local_domain)) {
		c->none = "this cannot become one of our own domains:";
		c->none_about = c->asking->facts->local_domain;
	}
	return refuses(c, local);
}

static void separate(struct buffer *out)
{
	if (buffer_length(out) > 0)
		buffer_add(out, SLICE("; "));
}

static void write_name(struct buffer *out, struct slice before, struct slice name)
{
	buffer_add(out, before);
	text_escape(out, name);
}

static void write_domain(const struct change *c, struct buffer *out)
{
	bool is_blocked = refuses(c, POLICY_STEP_BLOCKED_DOMAIN);

	if (!is_blocked && !c->needs_entry)
		return;
	separate(out);
	if (!c->needs_entry && !c->asking->allowed) { /* it is on the block list alone */
		write_name(out, SLICE("domain remove "), c->asking->facts->remote_domain);
		return;
	}
	write_name(out, SLICE("domain allow "),
	           c->asking->facts->remote_domain); /* and takes it off the block list */
	if (c->proxy.len)
		write_name(out, SLICE(" proxy-fqdn="), c->proxy);
	if (c->identity)
		buffer_printf(out, " identity=%s", c->identity);
}

/* Names of policies and providers may have blanks. */
static void write_quoted(struct buffer *out, const char *before, struct slice name)
{
	bool needs_quotes = slice_find(name, ' ') < name.len;

	separate(out);
	buffer_printf(out, "%s%s", before, needs_quotes ? "\"" : "");
	text_escape(out, name);
	if (needs_quotes)
		buffer_add_char(out, '"');
}

/* Of the policy that holds for the user; more than one switch may be off, and the step names the first alone. */
static void write_user_policy(const struct change *c, struct buffer *out)
{
	const struct policy_facts *facts = c->asking->facts;
	const char *fields[POLICY_SWITCHES_MAX];
	struct policy_effective effective;
	size_t count;

	policy_effective_of(c->asking->image, facts->local_user, facts->local_domain, &effective);
	count = policy_switches_off(c->asking, &effective, fields);
	write_quoted(out, "policy set ", effective.identity);
	for (size_t i = 0; i < count; i++)
		buffer_printf(out, " %s=true", fields[i]);
}

static void write_provider(const struct change *c, struct buffer *out)
{
	const struct policy_asking *a = c->asking;

	if (!a->provider)
		return;
	if (refuses(c, POLICY_STEP_PARTNER_ENABLED))
		write_quoted(out, "provider enable ", policy_provider_key(a));
	if (refuses(c, POLICY_STEP_KIND_SERVICE) || refuses(c, POLICY_STEP_SOURCE_VERIFICATION) ||
	    refuses(c, POLICY_STEP_MAY_START))
		write_quoted(out, "provider set ", policy_provider_key(a));
	if (refuses(c, POLICY_STEP_KIND_SERVICE))
		buffer_printf(out, " %s=true", c->findings[POLICY_STEP_KIND_SERVICE].field);
	if (refuses(c, POLICY_STEP_SOURCE_VERIFICATION) || refuses(c, POLICY_STEP_MAY_START))
		buffer_printf(out, " %s=always-verifiable",
		              FIELD_NAME(SIP_PROVIDER, sip_provider, verification_level));
}

static void write_xmpp(const struct change *c, struct buffer *out)
{
	const struct policy_asking *a = c->asking;
	bool may_not_start = a->facts->direction == POLICY_INWARD && !a->facts->is_solicited;
	const char *type = FIELD_NAME(XMPP_PARTNER, xmpp_partner, partner_type);

	if (a->protocol != POLICY_XMPP)
		return;
	if (refuses(c, POLICY_STEP_KNOWN_DOMAIN)) {
		separate(out);
		write_name(out, SLICE("xmpp add "), a->facts->remote_domain);
		if (may_not_start) /* the type of a new one lets nobody outside begin */
			buffer_printf(out, " %s=federated", type);
		return;
	}
	if (refuses(c, POLICY_STEP_PARTNER_ENABLED)) {
		separate(out);
		write_name(out, SLICE("xmpp enable "), policy_xmpp_key(a));
	}
	if (refuses(c, POLICY_STEP_MAY_START)) {
		separate(out);
		write_name(out, SLICE("xmpp set "), policy_xmpp_key(a));
		buffer_printf(out, " %s=federated", type);
	}
}

/* ... for the provider's: what its kind never carries, and who is not its edge. */
static void change_provider(struct change *c)
{
	const struct policy_asking *a = c->asking;

	if (refuses(c, POLICY_STEP_KIND_SERVICE) && a->facts->is_conference) {
		c->none = "public providers carry no conferences";
	} else if (refuses(c, POLICY_STEP_KIND_SERVICE) && a->facts->is_transfer) {
		c->none = "public providers carry no files or shared applications";
	} else if (a->provider && refuses(c, POLICY_STEP_PEER_IDENTITY)) {
		c->none = "the provider's edge must present a certificate for";
		c->none_about = a->proxy;
	}
}

/* What nothing here would help against, for XMPP's sake. */
static void change_xmpp(struct change *c)
{
	const struct policy_asking *a = c->asking;

	if (a->protocol == POLICY_SIP && a->xmpp) {
		c->none = "a domain is federated with by one protocol, and this one by XMPP:";
		c->none_about = a->facts->remote_domain;
	} else if (a->protocol == POLICY_XMPP && refuses(c, POLICY_STEP_KIND_SERVICE)) {
		c->none = "XMPP federation carries messages and presence only";
	} else if (a->protocol == POLICY_XMPP && refuses(c, POLICY_STEP_KNOWN_DOMAIN) && a->allowed) {
		c->none = "a domain is federated with by one protocol, and this one by SIP:";
		c->none_about = a->facts->remote_domain;
	}
}

static void write_change(const struct change *c, bool changes_own, struct buffer *out)
{
	if (refuses(c, POLICY_STEP_FEDERATION_SWITCH))
		buffer_printf(out, "access-edge set %s=true",
		              FIELD_NAME(ACCESS_EDGE, access_edge, allow_federated_users));
	if (refuses(c, POLICY_STEP_USER_POLICY))
		write_user_policy(c, out);
	write_domain(c, out);
	write_provider(c, out);
	write_xmpp(c, out);
	if (refuses(c, POLICY_STEP_SERVICE)) {
		separate(out);
		buffer_printf(out, "topology.xml: %s=direct", FIELD_NAME(TOPOLOGY, topology, media));
	}
	if (changes_own) {
		separate(out);
		buffer_printf(out, "topology.xml: %s+=", FIELD_NAME(TOPOLOGY, topology, sip_domains));
		text_escape(out, c->asking->facts->local_domain);
	}
}

/*
 * A domain on no list whose SRV record names a provider's edge is the provider's as soon as it is allowed: what else
 * it needs is asked as if it were.  `asking` and `findings` are changed to that.
 */
static void suppose_allowed(struct policy_asking *asking, struct policy_finding findings[POLICY_STEP_COUNT])
{
	const struct policy_finding known = findings[POLICY_STEP_KNOWN_DOMAIN];

	if (asking->provider || asking->allowed || asking->protocol == POLICY_XMPP || asking->xmpp ||
	    known.answer != POLICY_REFUSE)
		return;
	for (size_t i = 0; i < asking->facts->srv_target_count && !asking->provider; i++)
		asking->provider = policy_provider_of_edge(asking->image, asking->facts->srv_targets[i]);
	if (!asking->provider)
		return;
	policy_tie(asking);
	policy_ask_all(asking, findings);
	findings[POLICY_STEP_KNOWN_DOMAIN] = known;
}

void policy_explain_change(const struct policy_asking *asked, struct policy_explanation *explanation)
{
	struct policy_asking supposed = *asked;
	const struct policy_asking *asking = &supposed;
	struct policy_finding findings[POLICY_STEP_COUNT];
	struct change c = { .asking = asking, .findings = findings };
	struct buffer out;
	bool changes_own;

	memcpy(findings, explanation->steps, sizeof findings);
	suppose_allowed(&supposed, findings);
	changes_own = change_own(&c);

	c.needs_entry = asking->protocol == POLICY_SIP && refuses(&c, POLICY_STEP_KNOWN_DOMAIN);
	if (asking->facts->remote_domain.len == 0)
		c.none = "the partner's domain is missing";
	if (refuses(&c, POLICY_STEP_FEDERATION_ROUTE)) { /* a matter of where traffic is led, not of a lock */
		c.none = "it does not cross here:";
		c.none_about = slice_of(explanation->steps[POLICY_STEP_FEDERATION_ROUTE].words);
	}
	if (!c.none)
		change_xmpp(&c);
	if (!c.none)
		change_provider(&c);
	if (!c.none && refuses(&c, POLICY_STEP_KNOWN_DOMAIN) &&
	    !names_domain_is_prepared(asking->facts->remote_domain)) {
		c.none = "this can be no partner's domain:";
		c.none_about = asking->facts->remote_domain;
	}
	if (!c.none)
		change_tie(&c);
	buffer_start(&out, sizeof explanation->change - 1);
	if (c.none) {
		buffer_printf(&out, "none: %s", c.none);
		if (c.none_about.len)
			write_name(&out, SLICE(" "), c.none_about);
	} else {
		write_change(&c, changes_own, &out);
	}
	/* Without memory, or with names that do not fit, no half of a command is shown. */
	if (out.is_broken ||
	    !slice_to_text(buffer_slice(&out), explanation->change, sizeof explanation->change))
		explanation->change[0] = '\0';
	buffer_stop(&out);
}
