/*
 * why: would a message from one to the other cross, and which step decides?
 *
 * The same policy_decide that the service calls, over the same image.  What
 * only the moment can tell (DNS, the certificate on a connection) is taken to
 * be right, and said so.
 */
#include <stdio.h>

#include "daemon/keeper/parts.h"

struct party {
	struct slice user, domain; /* domain as it is stored: lower-case A-labels */
};

struct guess { /* room for what the facts point to */
	char edge[KEEPER_NAME_BYTES + 8];
	struct slice names[1], domains[1];
};

/* "user@domain", with or without "sip:"; a domain alone is taken, too. False: the call has been failed. */
static bool read_party(struct call *call, const char *name, struct party *out)
{
	const struct model_kind *kind = model_kind(MODEL_ALLOWED_DOMAIN);
	struct slice text = slice_trim(call_text(call, name));
	struct model_value domain = { .number = 0 };
	struct reason reason = { "" };
	size_t at;

	if (slice_starts_nocase(text, SLICE("sips:")))
		text = slice_after(text, 5);
	else if (slice_starts_nocase(text, SLICE("sip:")))
		text = slice_after(text, 4);
	at = slice_find(text, '@');
	out->user = at < text.len ? slice_first(text, at) : SLICE("");
	if (at < text.len)
		text = slice_after(text, at + 1);
	if (model_value_read_why(&kind->fields[kind->key], text, &call->arena, &domain, &reason) !=
	    RESULT_OK) {
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
	};
	struct slice what = call_text(call, "what");

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (slice_equal(what.len ? what : SLICE("message"), slice_of(rows[i].name))) {
			facts->service = rows[i].service;
			facts->method = slice_of(rows[i].method);
			return true;
		}
	call_fail_problem(call, CONTROL_INVALID, "what", "there is no such service",
	                  "message, presence, session, call");
	return false;
}

/* A partner whose DNS and certificate are as they should be. */
static void assume(const struct keeper *k, struct policy_facts *facts, struct guess *guess)
{
	const struct image_allowed_domain *allowed = image_allowed_domain_find(k->now.image,
	                                                                       facts->remote_domain);
	struct slice proxy = allowed ? policy_image_text(k->now.image, allowed->proxy_fqdn) : SLICE_NONE;

	snprintf(guess->edge, sizeof guess->edge, "%s%.*s", proxy.len ? "" : "sip.",
	         SLICE_ARG(proxy.len ? proxy : facts->remote_domain));
	guess->names[0] = slice_of(guess->edge);
	guess->domains[0] = facts->remote_domain;
	facts->srv = POLICY_SRV_FOUND;
	facts->srv_route = POLICY_ROUTE_SRV_FEDERATION;
	facts->srv_targets = guess->names;
	facts->srv_target_count = 1;
	facts->is_connected = facts->has_certificate = true;
	facts->certificate_dns = guess->names;
	facts->certificate_dns_count = 1;
	facts->certificate_sip = guess->domains;
	facts->certificate_sip_count = 1;
}

/* To one of ours; when neither is ours, from somebody on a list. */
static bool is_inward(const struct keeper *k, const struct party *from, const struct party *to)
{
	if (policy_image_is_own_domain(k->now.image, to->domain))
		return true;
	return !policy_image_is_own_domain(k->now.image, from->domain) &&
	       (image_allowed_domain_find(k->now.image, from->domain) ||
	        image_blocked_domain_find(k->now.image, from->domain));
}

/* ---- the answer ---- */

static const char *result_words(const struct policy_finding *f, size_t i, size_t decided, bool passes)
{
	if (!f->was_asked || f->answer == POLICY_NEED_SRV)
		return "unknown";
	if (!passes && i > decided)
		return f->answer == POLICY_PASS ? "would-pass" : "would-refuse";
	return f->answer == POLICY_PASS ? "pass" : "refuse";
}

static void put_steps(struct json_writer *w, const struct policy_explanation *e, size_t decided, bool passes)
{
	json_open_array(w, "steps");
	for (size_t i = 0; i < POLICY_STEP_COUNT; i++) {
		const struct policy_step *step = policy_step((enum policy_step_id)i);
		const struct policy_finding *f = &e->steps[i];

		json_open_object(w, NULL);
		json_put_number(w, "number", (int64_t)i + 1);
		json_put_text(w, "name", step->name);
		json_put_text(w, "asks", step->sentence);
		json_put_text(w, "result", result_words(f, i, decided, passes));
		json_put_text(w, "words", f->words);
		json_put_text(w, "kind", f->kind < MODEL_KIND_COUNT ? model_kind(f->kind)->name : "");
		json_put_slice(w, "key", f->key);
		json_put_text(w, "field", f->field ? f->field : "");
		json_close_object(w);
	}
	json_close_array(w);
}

static void put_assumed(struct json_writer *w, const struct policy_facts *facts,
                        const struct policy_verdict *verdict)
{
	char words[2 * KEEPER_NAME_BYTES + 64];

	json_open_array(w, "assumed");
	if (verdict->route == POLICY_ROUTE_SRV_FEDERATION || verdict->route == POLICY_ROUTE_SRV_SIPS) {
		snprintf(words, sizeof words, "DNS names an edge in %.*s", SLICE_ARG(facts->remote_domain));
		json_put_text(w, NULL, words);
	}
	snprintf(words, sizeof words, "the partner's certificate speaks for %.*s",
	         SLICE_ARG(facts->remote_domain));
	json_put_text(w, NULL, words);
	json_close_array(w);
}

void verb_run_WHY(struct call *call)
{
	const struct keeper *k = call->keeper;
	struct policy_facts facts = { .direction = POLICY_OUTWARD };
	struct policy_explanation *explanation;
	struct policy_verdict verdict;
	struct party from, to;
	struct guess guess;
	struct json_writer *w;
	bool passes;

	if (!read_party(call, "from", &from) || !read_party(call, "to", &to) || !read_service(call, &facts))
		return;
	if (!(explanation = arena_new(&call->arena, sizeof *explanation))) {
		call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
		return;
	}
	if (is_inward(k, &from, &to))
		facts.direction = POLICY_INWARD;
	facts.remote_domain = facts.direction == POLICY_INWARD ? from.domain : to.domain;
	facts.local_domain = facts.direction == POLICY_INWARD ? to.domain : from.domain;
	facts.local_user = facts.direction == POLICY_INWARD ? to.user : from.user;
	assume(k, &facts, &guess);
	policy_decide(k->now.image, &facts, &verdict, explanation);
	passes = verdict.answer == POLICY_PASS;

	const struct policy_step *step = policy_step(verdict.step);

	w = call_open(call);
	json_put_text(w, "answer", passes ? "pass" : "refuse");
	json_put_text(w, "direction", facts.direction == POLICY_INWARD ? "in" : "out");
	json_put_number(w, "step", (int64_t)verdict.step + 1);
	json_put_text(w, "name", step->name);
	json_put_number(w, "status", passes ? 0 : step->sip_status);
	json_put_number(w, "diagnostic", passes ? 0 : step->diagnostic);
	json_put_text(w, "words", verdict.finding.words);
	put_steps(w, explanation, verdict.step, passes);
	json_put_text(w, "change", explanation->change);
	json_put_number(w, "version", (int64_t)verdict.generation);
	put_assumed(w, &facts, &verdict);
	call_close(call);
}
