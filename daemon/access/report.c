/*
 * report: what the keeper is told unasked.  Events as they happen, counters each second.
 */
#include <stdio.h>

#include "daemon/access/parts.h"
#include "shared/base/text.h"

enum {
	REPORT_EVENT_MAX = 8192,
	REPORT_URI_BYTES = 256,
	REPORT_NAMES_MAX = 4,
	REPORT_END_BYTES = 16,
	REPORT_TOLD_MS = 60 * 60 * 1000
};

/* ---- events ---- */

void report_open(struct report *report, struct access *a, enum control_event_id id)
{
	report->access = a;
	buffer_start(&report->text, REPORT_EVENT_MAX);
	report->w = json_write(&report->text);
	json_open_object(&report->w, NULL);
	json_put_text(&report->w, "event", control_event(id)->name);
	json_put_number(&report->w, "time", loop_now(a->loop).wall_ms);
}

void report_send(struct report *report)
{
	json_close_object(&report->w);
	if (report->access->link && !report->text.is_broken)
		link_send(report->access->link, LINK_EVENT, 0, buffer_slice(&report->text), -1);
	buffer_stop(&report->text);
}

/* "user@host", without what a URI may hold besides; cut to a bounded length. */
static void put_party(struct json_writer *w, const char *key, const struct sip_uri *uri)
{
	char text[REPORT_URI_BYTES];

	snprintf(text, sizeof text, "%.*s%s%.*s", (int)(uri->user.len > 100 ? 100 : uri->user.len),
	         uri->user.ptr ? uri->user.ptr : "", uri->has_user ? "@" : "",
	         (int)(uri->host.len > 120 ? 120 : uri->host.len), uri->host.ptr ? uri->host.ptr : "");
	json_put_text(w, key, text);
}

static void put_request(struct json_writer *w, const struct sip_message *m, bool is_inward,
                        const struct flow *flow)
{
	json_put_text(w, "direction", is_inward ? "in" : "out");
	json_put_slice(w, "method", m->method_name);
	put_party(w, "from", &m->from.uri);
	put_party(w, "to", &m->to.uri);
	json_put_slice(w, "call_id", slice_first(m->call_id, m->call_id.len > 128 ? 128 : m->call_id.len));
	if (flow)
		json_put_number(w, "connection", (int64_t)flow->number);
}

/*
 * All that was decided on, so that it can be decided on again over another image.  The event goes without it when
 * there is no room: a certificate full of odd names must not keep its refusal from being told.
 */
static void put_facts(struct json_writer *w, const struct policy_facts *facts)
{
	struct json_writer saved = *w;
	size_t end = w->out->end;

	json_open_object(w, "facts");
	policy_facts_write(facts, REPORT_NAMES_MAX, w);
	json_close_object(w);
	if (!w->out->is_broken && buffer_room(w->out) >= REPORT_END_BYTES)
		return;
	w->out->is_broken = false;
	w->out->end = end;
	*w = saved;
}

void report_refused(struct access *a, struct flow *flow, const struct sip_message *m,
                    const struct policy_facts *facts, const struct policy_verdict *verdict)
{
	const struct policy_step *step = policy_step(verdict->step);
	struct report report;

	if (!allowance_take(&flow->reports, access_now_ms(a), ACCESS_REPORTS_PER_SECOND))
		return;
	report_open(&report, a, CONTROL_EVENT_REQUEST_REFUSED);
	put_request(&report.w, m, facts->direction == POLICY_INWARD, flow);
	json_put_slice(&report.w, "domain", facts->remote_domain);
	json_put_text(&report.w, "step", step->name);
	json_put_number(&report.w, "number", (int64_t)verdict->step + 1);
	json_put_number(&report.w, "status", step->sip_status);
	json_put_text(&report.w, "why", verdict->finding.words);
	json_put_number(&report.w, "version", (int64_t)verdict->generation);
	put_facts(&report.w, facts);
	report_send(&report);
}

void report_turned_down(struct access *a, struct flow *flow, const struct sip_message *m,
                        const struct policy_step *row, const char *why)
{
	struct report report;

	if (!allowance_take(&flow->reports, access_now_ms(a), ACCESS_REPORTS_PER_SECOND))
		return;
	report_open(&report, a, CONTROL_EVENT_REQUEST_REFUSED);
	put_request(&report.w, m, flow->side != SIP_SIDE_INTERNAL, flow);
	json_put_slice(&report.w, "domain",
	               flow->side != SIP_SIDE_INTERNAL ? m->from.uri.host : m->to.uri.host);
	json_put_text(&report.w, "step", row->name);
	json_put_number(&report.w, "status", row->sip_status);
	json_put_text(&report.w, "why", why);
	json_put_number(&report.w, "version", (int64_t)policy_image_generation(a->image));
	report_send(&report);
}

/* ---- who passed: seldom told, for it is much and the keeper only wants to know of whom ---- */

static uint64_t hash_of(const struct access *a, const struct policy_facts *facts)
{
	uint64_t hash = siphash(a->seed, facts->remote_domain);

	hash = hash * 31 + siphash(a->seed, facts->local_user);
	hash = hash * 31 + siphash(a->seed, facts->local_domain);
	return hash * 31 + (uint64_t)facts->service * 2 + (facts->direction == POLICY_INWARD);
}

void report_passed(struct access *a, struct flow *flow, const struct sip_message *m,
                   const struct policy_facts *facts, const struct policy_verdict *verdict)
{
	uint64_t hash = hash_of(a, facts);
	struct told *told = &a->told[(hash >> 16) % ACCESS_TOLD_MAX];
	int64_t now = access_now_ms(a);
	struct report report;

	if (told->hash == hash && told->at_ms && now - told->at_ms < REPORT_TOLD_MS)
		return;
	if (!a->link || !allowance_take(&a->telling, now, ACCESS_TOLD_PER_SECOND))
		return;
	*told = (struct told){ hash, now };
	report_open(&report, a, CONTROL_EVENT_REQUEST_PASSED);
	put_request(&report.w, m, facts->direction == POLICY_INWARD, flow);
	json_put_slice(&report.w, "domain", facts->remote_domain);
	json_put_number(&report.w, "version", (int64_t)verdict->generation);
	put_facts(&report.w, facts);
	report_send(&report);
}

void report_forget_told(struct access *a) { memset(a->told, 0, sizeof a->told); }

void report_failed(struct access *a, const struct sip_message *m, enum sip_side from,
                   const struct failure *why)
{
	struct report report;

	if (!allowance_take(&a->failing, access_now_ms(a), ACCESS_FAILED_PER_SECOND))
		return;
	report_open(&report, a, CONTROL_EVENT_REQUEST_FAILED);
	if (m)
		put_request(&report.w, m, from != SIP_SIDE_INTERNAL, NULL);
	json_put_number(&report.w, "status", why->status);
	json_put_text(&report.w, "why", why->words);
	report_send(&report);
}

void report_put_certificate(struct json_writer *w, const char *key, const struct tls_peer *peer)
{
	char text[512];

	if (!peer->has_certificate) {
		json_put_text(w, key, "no certificate");
		return;
	}
	snprintf(text, sizeof text, "%.160s%s%.*s%s%.*s", peer->subject, peer->dns_count ? ", dns " : "",
	         peer->dns_count ? (int)(peer->dns[0].len > 120 ? 120 : peer->dns[0].len) : 0,
	         peer->dns_count ? peer->dns[0].ptr : "", peer->sip_count ? ", sip " : "",
	         peer->sip_count ? (int)(peer->sip[0].len > 120 ? 120 : peer->sip[0].len) : 0,
	         peer->sip_count ? peer->sip[0].ptr : "");
	json_put_text(w, key, text);
}

const char *report_side_name(enum sip_side side)
{
	static const char *const names[SIP_SIDES] = { [SIP_SIDE_EXTERNAL] = "external",
		                                      [SIP_SIDE_INTERNAL] = "internal",
		                                      [SIP_SIDE_REMOTE] = "remote" };

	return names[side];
}

void report_connection(struct access *a, enum control_event_id id, const struct flow *flow)
{
	const struct connection *c = flow->connection;
	struct report report;
	char text[ADDRESS_TEXT_BYTES];

	report_open(&report, a, id);
	json_put_number(&report.w, "connection", (int64_t)flow->number);
	json_put_text(&report.w, "direction", connection_is_outgoing(c) ? "outgoing" : "incoming");
	json_put_text(&report.w, "side", report_side_name(flow->side));
	json_put_text(&report.w, "partner", flow->partner);
	json_put_text(&report.w, "address", remote_address_text(flow, text));
	json_put_text(&report.w, "tls", connection_peer(c)->suite[0] ? connection_peer(c)->suite : "no TLS");
	report_put_certificate(&report.w, "certificate", connection_peer(c));
	if (id != CONTROL_EVENT_CONNECTION_UP) {
		json_put_text(&report.w, "end", connection_end_name(connection_end(c)));
		json_put_text(&report.w, "why", connection_end_words(c));
	}
	report_send(&report);
}

void report_lost(struct access *a, const struct flow *flow, bool is_refusal, const char *words)
{
	struct lost *lost = &a->lost[a->lost_at++ % ACCESS_FAILURES_KEPT];
	struct instant now = loop_now(a->loop);

	*lost = (struct lost){ .wall_ms = now.wall_ms,
		               .mono_ms = now.mono_ms,
		               .side = flow->side,
		               .is_outgoing = flow->hop != NULL,
		               .is_refusal = is_refusal,
		               .advice = connection_end_advice(connection_end(flow->connection)) };
	snprintf(lost->partner, sizeof lost->partner, "%s", flow->partner);
	snprintf(lost->words, sizeof lost->words, "%s", words);
	remote_address_text(flow, lost->address);
}

/* ---- counters ---- */

static void step_rate(struct rate *rate, uint64_t now)
{
	rate->per_second += ((double)(now - rate->last) - rate->per_second) * 0.2;
	if (rate->per_second < 0.005)
		rate->per_second = 0;
	rate->last = now;
}

void report_counters(struct access *a)
{
	struct buffer text;
	struct json_writer w = json_write(&text);

	LIST_EACH (at, &a->flows) {
		struct flow *flow = LIST_OWNER(at, struct flow, node);

		step_rate(&flow->rate, flow->messages_in + flow->messages_out);
	}
	LIST_EACH (at, &a->partner_list) {
		struct partner *partner = LIST_OWNER(at, struct partner, node);

		step_rate(&partner->rate, partner->counts.in + partner->counts.out);
	}
	if (!a->link)
		return;
	buffer_start(&text, LINK_PAYLOAD_MAX);
	json_open_object(&w, NULL);
	json_put_number(&w, "connections", (int64_t)a->flow_count);
	json_put_number(&w, "discovered", (int64_t)a->door.connections[ADMISSION_DISCOVERED]);
	json_put_number(&w, "remote_users", (int64_t)remote_count(a));
	json_put_number(&w, "unidentified", (int64_t)a->door.connections[ADMISSION_UNIDENTIFIED]);
	json_put_number(&w, "turned_away", (int64_t)a->door.turned_away);
	json_put_number(&w, "transactions",
	                a->transactions ? (int64_t)sip_transactions_count(a->transactions) : 0);
	json_put_number(&w, "messages_in", (int64_t)a->counts.in);
	json_put_number(&w, "messages_out", (int64_t)a->counts.out);
	json_put_number(&w, "refused", (int64_t)a->counts.refused);
	json_put_number(&w, "malformed", (int64_t)a->malformed);
	json_put_number(&w, "dropped", (int64_t)a->dropped);
	json_open_object(&w, "answers");
	for (unsigned class = 1; class <= 6; class ++) {
		const char name[4] = { (char)('0' + class), 'x', 'x', 0 };

		json_put_number(&w, name, (int64_t)a->responses[class]);
	}
	json_close_object(&w);
	json_open_object(&w, "steps");
	for (size_t i = 0; i < POLICY_REFUSAL_COUNT; i++)
		if (a->steps[i])
			json_put_number(&w, policy_step((enum policy_step_id)i)->name, (int64_t)a->steps[i]);
	json_close_object(&w);
	json_close_object(&w);
	if (!text.is_broken)
		link_send(a->link, LINK_COUNTERS, 0, buffer_slice(&text), -1);
	buffer_stop(&text);
}
