/*
 * passage: what ends a request on its way in, whichever step it is.
 */
#include <stdio.h>

#include "daemon/access/passage.h"

void passage_refuse(struct passage *p, int status, int diagnostic, const char *words, struct slice extra)
{
	struct failure why = {
		.status = status, .diagnostic = diagnostic, .is_public = true, .by = FAILED_BY_US
	};

	snprintf(why.words, sizeof why.words, "%.250s", words);
	if (p->request) {
		request_answer(p->request, p->m, status, &why, extra);
		p->request = NULL;
	} else if (p->m->method == SIP_ACK) {
		p->access->dropped++;
	} else {
		request_reply(p->access, p->flow, p->server, p->m, status, &why, extra);
	}
}

void passage_turn_down(struct passage *p, enum policy_step_id by, const char *why, struct slice extra)
{
	struct access *a = p->access;
	const struct policy_step *row = policy_step(by);
	char words[ACCESS_WORDS_BYTES];

	a->counts.refused++;
	a->steps[by]++;
	snprintf(words, sizeof words, "%s: %.200s", row->name, why[0] ? why : row->refusal);
	report_turned_down(a, p->flow, p->m, row, why[0] ? why : row->refusal);
	if (p->partner) {
		p->partner->counts.refused++;
		partner_error(p->flow->side == SIP_SIDE_EXTERNAL ? &p->partner->error_in
		                                                 : &p->partner->error_out,
		              a, FAILED_BY_US, (struct cause){ row->name, row->advice }, words);
	}
	passage_refuse(p, row->sip_status, row->diagnostic, row->refusal, extra);
}

bool passage_is_for_us(const struct passage *p)
{
	return p->m->method == SIP_OPTIONS && !p->m->target_uri.has_user &&
	       sip_proxy_is_ours(&p->access->proxy, p->flow->side, &p->m->target_uri);
}

bool passage_has_request(struct passage *p)
{
	if (p->request)
		return true;
	p->request = request_new(p->access, p->flow, p->m);
	if (!p->request) {
		passage_turn_down(p, POLICY_REFUSAL_OUT_OF_MEMORY, "", SLICE(""));
		return false;
	}
	if (!p->server)
		return true;
	p->request->server = p->server->self;
	p->server->owner = p->request;
	/* RFC 3261 §16.2: an INVITE hears at once that it is on its way; a non-INVITE late, if ever (RFC 4320). */
	if (p->m->method == SIP_INVITE)
		request_reply(p->access, p->flow, p->server, p->m, 100, NULL, SLICE(""));
	return true;
}

static void count_refusal(struct passage *p)
{
	struct access *a = p->access;

	a->counts.refused++;
	a->steps[p->verdict.step]++;
	if (p->partner)
		p->partner->counts.refused++;
}

void passage_refused_by_policy(struct passage *p)
{
	const struct policy_step *step = policy_step(p->verdict.step);

	count_refusal(p);
	report_refused(p->access, p->flow, p->m, &p->facts, &p->verdict);
	if (p->partner) {
		char words[ACCESS_WORDS_BYTES];

		snprintf(words, sizeof words, "%s: %.200s", step->name, p->verdict.finding.words);
		partner_error(p->flow->side == SIP_SIDE_EXTERNAL ? &p->partner->error_in
		                                                 : &p->partner->error_out,
		              p->access, FAILED_BY_US, (struct cause){ step->name, step->advice }, words);
	}
	passage_refuse(p, step->sip_status, step->diagnostic,
	               p->flow->side != SIP_SIDE_INTERNAL ? step->refusal : p->verdict.finding.words,
	               SLICE(""));
}

void passage_answer_options(struct passage *p)
{
	char extra[512];

	snprintf(extra, sizeof extra, "Allow: %.*s\r\nAccept: */*\r\n", SLICE_ARG(sip_proxy_allow()));
	passage_refuse(p, 200, 0, "", slice_of(extra));
}
