/*
 * why: would a message from one to the other cross, and which step decides?
 *
 * The same policy_decide that the service calls, over the same image.  What
 * only the moment can tell (DNS, the certificate on a connection) the service is asked for; what it does
 * not know is taken to be right, and said so.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/keeper/parts.h"

struct party {
	struct slice user, domain; /* domain as it is stored: lower-case A-labels */
};

enum { WHY_NAMES_MAX = 64, ASSUMPTION_BYTES = 2 * KEEPER_NAME_BYTES + 256 };

struct names { /* room for what the facts point to */
	struct slice items[WHY_NAMES_MAX];
	size_t count;
};

struct question {
	struct call *call;
	const struct policy_image *image; /* while it is decided */
	struct party from, to;
	struct policy_facts facts;
	struct names targets, dns, sip;
	char edge[KEEPER_NAME_BYTES + 8]; /* the one taken for the partner's */
	bool assumes_srv, assumes_certificate, assumes_first, assumes_said;
	bool knows_first, is_first; /* by XMPP: the Access Edge has said whether our user began */
	char way[ASSUMPTION_BYTES]; /* what is wrong with the way to an XMPP partner now; "": nothing known */
	struct policy_explanation explanation;
};

/* "user@domain", with or without "sip:"; a domain alone is taken, too. False: the call has been failed. */
static bool read_party(struct call *call, const char *name, struct party *out)
{
	const struct model_kind *kind = model_kind(MODEL_ALLOWED_DOMAIN);
	struct slice text = slice_trim(call_text(call, name));
	struct model_value domain = { .number = 0 };
	struct reason reason = { "" };
	size_t at;

	if (slice_starts_nocase(text, SLICE("sips:")) || slice_starts_nocase(text, SLICE("xmpp:")))
		text = slice_after(text, 5);
	else if (slice_starts_nocase(text, SLICE("sip:")))
		text = slice_after(text, 4);
	at = slice_find(text, '@');
	out->user = at < text.len ? slice_first(text, at) : SLICE("");
	if (at < text.len)
		text = slice_after(text, at + 1);
	if (config_value_read(&kind->fields[kind->key], text, &call->arena, &domain, &reason) != RESULT_OK) {
		call_fail_problem(call, CONTROL_INVALID, name, reason.text, "user@domain");
		return false;
	}
	out->domain = domain.text;
	return true;
}

static bool read_service(struct call *call, struct policy_facts *facts)
{
	static const struct {
		const char *name;
		enum policy_service service;
		const char *method;
	} rows[] = {
		{ "message", POLICY_SERVICE_IM, "MESSAGE" },
		{ "presence", POLICY_SERVICE_PRESENCE, "SUBSCRIBE" },
		{ "session", POLICY_SERVICE_IM, "INVITE" },
		{ "call", POLICY_SERVICE_AV, "INVITE" },
		{ "sign-in", POLICY_SERVICE_OTHER, "REGISTER" },
		{ "conference", POLICY_SERVICE_IM, "INVITE" },
		{ "file", POLICY_SERVICE_OTHER, "INVITE" },
	};
	struct slice what = call_text(call, "what");

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (slice_equal(what.len ? what : SLICE("message"), slice_of(rows[i].name))) {
			facts->service = rows[i].service;
			facts->method = slice_of(rows[i].method);
			facts->is_conference = slice_equal(what, SLICE("conference"));
			facts->is_transfer = slice_equal(what, SLICE("file"));
			return true;
		}
	call_fail_problem(call, CONTROL_INVALID, "what", "there is no such service",
	                  "message, presence, session, call, conference, file, sign-in");
	return false;
}

/* ---- what is known, and what is taken to be right ---- */

static void take_names(const struct json *list, struct names *names)
{
	for (size_t i = 0; i < json_count(list) && names->count < WHY_NAMES_MAX; i++) {
		struct slice name = json_as_slice(json_at(list, i));

		if (name.len)
			names->items[names->count++] = name;
	}
}

/* As the service has it; NULL or empty: it knows nothing. */
static void take_srv(struct question *q, const struct json *known)
{
	struct slice srv = json_as_slice(json_get(known, "srv"));
	struct policy_facts *facts = &q->facts;

	facts->srv_route = slice_equal(json_as_slice(json_get(known, "route")), SLICE("sips"))
	                           ? POLICY_ROUTE_SRV_SIPS
	                           : POLICY_ROUTE_SRV_FEDERATION;
	take_names(json_get(known, "targets"), &q->targets);
	if (slice_equal(srv, SLICE("found"))) {
		facts->srv = POLICY_SRV_FOUND;
	} else if (slice_equal(srv, SLICE("absent"))) {
		facts->srv = POLICY_SRV_ABSENT;
	} else if (slice_equal(srv, SLICE("failed"))) {
		facts->srv = POLICY_SRV_FAILED;
	} else {
		snprintf(q->edge, sizeof q->edge, "sip.%.*s", SLICE_ARG(facts->remote_domain));
		q->targets = (struct names){ .items = { slice_of(q->edge) }, .count = 1 };
		facts->srv = POLICY_SRV_FOUND;
		facts->srv_route = POLICY_ROUTE_SRV_FEDERATION;
		q->assumes_srv = true; /* unless the entry names the edge */
	}
	facts->srv_targets = q->targets.items;
	facts->srv_target_count = q->targets.count;
}

static struct slice edge_of(const struct question *q, const struct policy_verdict *verdict)
{
	if (verdict->provider)
		return policy_image_text(q->image, verdict->provider->proxy_fqdn);
	if (verdict->route == POLICY_ROUTE_PROXY_FQDN)
		return policy_image_text(q->image, verdict->allowed->proxy_fqdn);
	if (verdict->route == POLICY_ROUTE_DEFAULT)
		return policy_image_text(q->image, image_access_edge_at(q->image, 0)->default_route_fqdn);
	for (size_t i = 0; i < q->targets.count; i++)
		if (policy_srv_target_fits(q->facts.remote_domain, q->targets.items[i]))
			return q->targets.items[i];
	return q->targets.count ? q->targets.items[0] : SLICE("");
}

/*
 * `verdict`: without a connection.  Where no route is known none of ours can go out, and one that comes in counts only
 * when the entry takes the domain's own certificate for enough.
 */
static void take_certificate(struct question *q, const struct json *known,
                             const struct policy_verdict *verdict)
{
	bool is_by_domain = verdict->identity == POLICY_IDENTITY_DOMAIN;
	struct policy_facts *facts = &q->facts;

	if (verdict->route == POLICY_ROUTE_NONE && (facts->direction == POLICY_OUTWARD || !is_by_domain))
		return;
	if (json_as_bool(json_get(known, "connected"), false)) {
		take_names(json_get(known, "dns"), &q->dns);
		take_names(json_get(known, "sip"), &q->sip);
	} else if (is_by_domain) {
		q->sip = (struct names){ .items = { facts->remote_domain }, .count = 1 };
		q->assumes_certificate = true;
	} else {
		q->dns = (struct names){ .items = { edge_of(q, verdict) }, .count = 1 };
		q->assumes_certificate = true;
	}
	facts->is_connected = true;
	facts->has_certificate = q->dns.count || q->sip.count;
	facts->certificate_dns = q->dns.items;
	facts->certificate_dns_count = q->dns.count;
	facts->certificate_sip = q->sip.items;
	facts->certificate_sip_count = q->sip.count;
}

static bool are_both_ours(const struct question *q)
{
	return policy_image_is_own_domain(q->image, q->from.domain) &&
	       policy_image_is_own_domain(q->image, q->to.domain);
}

/* Ours may have been named as XMPP knows it.  Copied: the image may be gone when a service has answered. */
static void take_own_name(const struct policy_image *image, struct arena *arena, struct party *party)
{
	struct slice own;

	for (size_t i = 0; i < image_xmpp_name_count(image); i++) {
		const struct image_xmpp_name *name = image_xmpp_name_at(image, i);

		if (!slice_equal(policy_image_text(image, name->xmpp_domain), party->domain))
			continue;
		own = arena_copy(arena, policy_image_text(image, name->sip_domain));
		if (own.ptr)
			party->domain = own;
		return;
	}
}

/* From somebody else to one of ours; when neither is ours, from somebody on a list. */
static bool is_inward(const struct policy_image *image, const struct party *from, const struct party *to)
{
	if (policy_image_is_own_domain(image, from->domain))
		return false;
	return policy_image_is_own_domain(image, to->domain) ||
	       policy_provider_of_domain(image, from->domain) ||
	       image_allowed_domain_find(image, from->domain) ||
	       image_xmpp_partner_find(image, from->domain) || image_blocked_domain_find(image, from->domain);
}

/* ---- the answer ---- */

/* True: the step passes only because something was taken to be right; `out` says what.  `why`: not looked up. */
static bool is_assumed(const struct question *q, size_t step, const char *why, char *out, size_t size)
{
	bool is_route = step == POLICY_STEP_ROUTE || step == POLICY_STEP_SRV_IN_DOMAIN;
	int domain_len = (int)q->facts.remote_domain.len;
	const char *domain = q->facts.remote_domain.ptr;

	out[0] = '\0';
	if (q->assumes_srv && is_route)
		snprintf(out, size, "DNS names an edge in %.*s (%s)", domain_len, domain,
		         why[0] ? why : "not asked yet");
	else if (q->assumes_certificate && step == POLICY_STEP_PEER_IDENTITY)
		snprintf(out, size, "the partner's certificate speaks for %.*s", domain_len, domain);
	else if (step == POLICY_STEP_ROUTE && q->way[0])
		snprintf(out, size, "%s", q->way);
	else if (q->assumes_first && step == POLICY_STEP_MAY_START)
		snprintf(out, size, "our user wrote or subscribed first (%s)", why[0] ? why : "not known");
	else if (q->assumes_said && step == POLICY_STEP_SOURCE_VERIFICATION)
		snprintf(out, size, "the message says that its sender is verified");
	if (!out[0])
		return false;
	/* Of streams policy knows nothing: what the gateway says is what there is. */
	return (step == POLICY_STEP_ROUTE && q->way[0]) ||
	       (q->explanation.steps[step].was_asked && q->explanation.steps[step].answer == POLICY_PASS);
}

static const char *result_words(const struct policy_finding *f, size_t i, size_t decided, bool passes)
{
	if (f->answer == POLICY_NEED_SRV)
		return "unknown";
	if (!f->was_asked) /* it has nothing to look at; its words say why */
		return "not-applicable";
	if (!passes && i > decided)
		return f->answer == POLICY_PASS ? "would-pass" : "would-refuse";
	return f->answer == POLICY_PASS ? "pass" : "refuse";
}

static void put_steps(struct json_writer *w, const struct question *q, size_t decided, bool passes,
                      const char *why)
{
	char assumption[ASSUMPTION_BYTES];
	const enum policy_step_id *steps;
	size_t count = policy_steps_of(q->facts.source, &steps), decided_at = 0;

	while (decided_at < count && steps[decided_at] != decided)
		decided_at++;
	json_open_array(w, "steps");
	for (size_t at = 0; at < count; at++) {
		size_t i = steps[at];
		const struct policy_step *step = policy_step(steps[at]);
		const struct policy_finding *f = &q->explanation.steps[i];
		bool assumes = is_assumed(q, i, why, assumption, sizeof assumption);

		json_open_object(w, NULL);
		json_put_number(w, "number", (int64_t)i + 1);
		json_put_text(w, "name", step->name);
		json_put_text(w, "asks", step->sentence);
		json_put_text(w, "result", assumes ? "assumed" : result_words(f, at, decided_at, passes));
		json_put_text(w, "words", assumes ? assumption : f->words);
		json_put_text(w, "kind", f->kind < MODEL_KIND_COUNT ? model_kind(f->kind)->name : "");
		json_put_slice(w, "key", f->key);
		json_put_text(w, "field", f->field ? f->field : "");
		json_put_text(w, "advice", step->advice);
		json_close_object(w);
	}
	json_close_array(w);
}

/* All that was assumed, each once. */
static void put_assumed(struct json_writer *w, const struct question *q, const char *why)
{
	char words[ASSUMPTION_BYTES], before[sizeof words] = "";

	json_open_array(w, "assumed");
	for (size_t i = 0; i < POLICY_STEP_COUNT; i++)
		if (is_assumed(q, i, why, words, sizeof words) && strcmp(words, before) != 0) {
			json_put_text(w, NULL, words);
			snprintf(before, sizeof before, "%s", words);
		}
	json_close_array(w);
}

/* What really happened last, whatever the answer: the newer of the two directions. */
static void put_last_error(struct json_writer *w, const struct json *known)
{
	const struct json *in = json_get(known, "last_error_in"), *out = json_get(known, "last_error_out");
	bool is_in = json_as_number(json_get(in, "time"), 0) > json_as_number(json_get(out, "time"), 0);
	const struct json *error = is_in ? in : out;

	if (json_kind(error) != JSON_KIND_OBJECT) {
		json_put_null(w, "last_error");
		return;
	}
	json_open_object(w, "last_error");
	json_put_number(w, "time", json_as_number(json_get(error, "time"), 0));
	json_put_text(w, "direction", is_in ? "in" : "out");
	json_put_slice(w, "by", json_as_slice(json_get(error, "by")));
	json_put_slice(w, "text", json_as_slice(json_get(error, "text")));
	json_put_slice(w, "advice", json_as_slice(json_get(error, "advice")));
	json_close_object(w);
}

static void put_answer(const struct question *q, const struct policy_verdict *verdict, const char *words,
                       const struct json *known, const char *why)
{
	const struct policy_step *step = policy_step(verdict->step);
	bool passes = verdict->answer == POLICY_PASS;
	struct json_writer *w = call_open(q->call);

	json_put_text(w, "answer", passes ? "pass" : "refuse");
	json_put_text(w, "direction", q->facts.direction == POLICY_INWARD ? "in" : "out");
	json_put_text(w, "protocol", verdict->protocol == POLICY_XMPP ? "xmpp" : "sip");
	json_put_number(w, "step", (int64_t)verdict->step + 1);
	json_put_text(w, "name", step->name);
	json_put_number(w, "status", passes ? 0 : step->sip_status);
	json_put_number(w, "diagnostic", passes ? 0 : step->diagnostic);
	json_put_text(w, "words", words);
	put_steps(w, q, verdict->step, passes, why);
	json_put_text(w, "change", q->explanation.change);
	json_put_number(w, "version", (int64_t)verdict->generation);
	put_assumed(w, q, why);
	put_last_error(w, known);
	call_close(q->call);
}

static void decide(void *to, const struct json *known, const char *why);

static bool is_by_xmpp(const struct question *q)
{
	return image_xmpp_partner_find(q->image, q->facts.remote_domain) != NULL;
}

/* Policy lets it pass, and still it does not arrive: the partner's server was not reached when it was tried last. */
static void take_way(struct question *q, const struct json *known)
{
	const struct json *error = json_get(known, "last_error_out");
	int64_t now = keeper_now(q->call->keeper).wall_ms;
	long long ago = (now - json_as_number(json_get(error, "time"), now)) / 1000,
	          next = json_as_number(json_get(known, "next_try_s"), 0);
	struct slice text = json_as_slice(json_get(error, "text"));

	if (!text.len)
		return;
	if (next)
		snprintf(q->way, sizeof q->way,
		         "%.*s is reached again; %lld s ago it was not: %.*s; the next attempt is in %lld s",
		         (int)q->facts.remote_domain.len, q->facts.remote_domain.ptr, ago,
		         (int)(text.len > 200 ? 200 : text.len), text.ptr, next);
	else
		snprintf(q->way, sizeof q->way,
		         "%.*s is reached again; %lld s ago it was not: %.*s; the next message is another "
		         "attempt",
		         (int)q->facts.remote_domain.len, q->facts.remote_domain.ptr, ago,
		         (int)(text.len > 200 ? 200 : text.len), text.ptr);
}

/* What the gateway knows of the way; NULL: it was not asked or has not said.  Who began is assumed only where it decides. */
static void take_xmpp(struct question *q, const struct json *known)
{
	struct policy_verdict verdict;

	q->facts.protocol = POLICY_XMPP;
	q->facts.is_solicited = q->is_first;
	take_way(q, known);
	policy_decide(q->image, &q->facts, &verdict, &q->explanation);
	q->assumes_first = !q->knows_first &&
	                   q->explanation.steps[POLICY_STEP_MAY_START].answer == POLICY_REFUSE;
	q->facts.is_solicited |= q->assumes_first;
}

/*
 * What a provider's level asks of a message is taken to be right; whether our user began, the Access Edge knows, and it is
 * taken to be so where it has not said.
 */
static void take_provider(struct question *q, const struct json *known)
{
	const struct json *first = json_get(known, "is_first");
	struct policy_verdict verdict;

	policy_decide(q->image, &q->facts, &verdict, &q->explanation);
	if (!verdict.provider)
		return;
	q->assumes_said = q->explanation.steps[POLICY_STEP_SOURCE_VERIFICATION].answer == POLICY_REFUSE;
	if (q->assumes_said)
		q->facts.said = POLICY_SAID_VERIFIED;
	q->facts.is_solicited = json_as_bool(first, false);
	policy_decide(q->image, &q->facts, &verdict, &q->explanation);
	q->assumes_first = !first && q->explanation.steps[POLICY_STEP_MAY_START].answer == POLICY_REFUSE;
	q->facts.is_solicited |= q->assumes_first;
}

static void ask_gateway(struct question *q)
{
	const struct party *ours = q->facts.direction == POLICY_INWARD ? &q->to : &q->from;
	const struct party *theirs = q->facts.direction == POLICY_INWARD ? &q->from : &q->to;
	struct keeper *k = q->call->keeper;
	char both[4 * KEEPER_NAME_BYTES];

	snprintf(both, sizeof both, "%.*s@%.*s %.*s@%.*s", SLICE_ARG(ours->user), SLICE_ARG(ours->domain),
	         SLICE_ARG(theirs->user), SLICE_ARG(theirs->domain));
	query_act(&k->gateway, "way", slice_of(both), decide, q);
}

/* Of a pair that talks by XMPP: first who began, which the Access Edge knows, then the way. */
static void began(void *to, const struct json *known, const char *why)
{
	const struct json *first = json_get(known, "is_first");
	struct question *q = to;

	(void)why;
	q->knows_first = first != NULL;
	q->is_first = json_as_bool(first, false);
	ask_gateway(q);
}

static void ask_access(struct question *q)
{
	const struct party *ours = q->facts.direction == POLICY_INWARD ? &q->to : &q->from;
	const struct party *theirs = q->facts.direction == POLICY_INWARD ? &q->from : &q->to;
	char room[2][POLICY_ADDRESS_BYTES], both[2 * POLICY_ADDRESS_BYTES + 2];
	const struct query_deed deed = { .what = "partner", .object = q->facts.remote_domain, .pair = both };

	snprintf(both, sizeof both, "%.*s %.*s",
	         SLICE_ARG(policy_address_of(ours->user, ours->domain, room[0])),
	         SLICE_ARG(policy_address_of(theirs->user, theirs->domain, room[1])));
	query_act_as(&q->call->keeper->access, &deed, is_by_xmpp(q) ? began : decide, q);
}

/* Of who is outside: nothing is asked of anybody, the configuration alone decides, and the pool after it. */
static void decide_remote(struct question *q)
{
	struct policy_verdict verdict;
	struct view view;

	if (!view_of(q->call, &view))
		return;
	q->image = view.image;
	policy_decide(q->image, &q->facts, &verdict, &q->explanation);
	put_answer(q, &verdict, verdict.finding.words, NULL, "");
}

static const char anonymous_domain[] = "anonymous.invalid";

/* False: it is about partners. */
static bool take_remote(struct question *q)
{
	bool is_anonymous = slice_equal(q->from.domain, slice_of(anonymous_domain));
	const struct party *ours = is_anonymous ? &q->to : &q->from;

	if (!is_anonymous && !slice_equal(q->facts.method, SLICE("REGISTER")))
		return false;
	q->facts.source = is_anonymous ? POLICY_ANONYMOUS : POLICY_REMOTE;
	q->facts.direction = POLICY_INWARD;
	q->facts.local_user = ours->user;
	q->facts.local_domain = ours->domain;
	return true;
}

static void decide(void *to, const struct json *known, const char *why)
{
	struct question *q = to;
	struct policy_verdict verdict;
	char both[2 * KEEPER_NAME_BYTES + 128];
	struct view view;

	if (!view_of(q->call, &view))
		return;
	q->image = view.image;
	if (is_by_xmpp(q)) {
		take_xmpp(q, known);
	} else {
		take_srv(q, known);
		policy_decide(q->image, &q->facts, &verdict, NULL);
		q->assumes_srv &= verdict.route == POLICY_ROUTE_SRV_FEDERATION;
		take_certificate(q, known, &verdict);
		take_provider(q, known);
	}
	policy_decide(q->image, &q->facts, &verdict, &q->explanation);
	snprintf(both, sizeof both,
	         "%.*s and %.*s are both our own: the pool delivers between our users, not the edge",
	         SLICE_ARG(q->from.domain), SLICE_ARG(q->to.domain));
	put_answer(q, &verdict,
	           verdict.step == POLICY_STEP_OWN_DOMAIN && are_both_ours(q) ? both : verdict.finding.words,
	           known, why);
}

/* This edge as the image's topology lists it; empty: it does not. */
static struct slice edge_name(const struct policy_image *image, const struct keeper *k)
{
	const struct image_edge *edge = policy_image_edge(image, slice_of(k->host.node));

	return edge ? policy_image_text(image, edge->fqdn) : SLICE("");
}

void verb_run_WHY(struct call *call)
{
	struct question *q = arena_new(&call->arena, sizeof *q);
	struct view view;
	bool is_in;

	if (!q) {
		call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
		return;
	}
	*q = (struct question){ .call = call };
	if (!read_party(call, "from", &q->from) || !read_party(call, "to", &q->to) ||
	    !read_service(call, &q->facts) || !view_of(call, &view))
		return;
	q->image = view.image;
	take_own_name(view.image, &call->arena, &q->from);
	take_own_name(view.image, &call->arena, &q->to);
	if (take_remote(q)) {
		decide_remote(q);
		return;
	}
	is_in = is_inward(view.image, &q->from, &q->to);
	q->facts.direction = is_in ? POLICY_INWARD : POLICY_OUTWARD;
	q->facts.remote_domain = is_in ? q->from.domain : q->to.domain;
	q->facts.local_domain = is_in ? q->to.domain : q->from.domain;
	q->facts.local_user = is_in ? q->to.user : q->from.user;
	q->facts.edge = edge_name(view.image, call->keeper);
	ask_access(q);
}
