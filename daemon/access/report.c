/*
 * report: what the keeper is told.  Events as they happen, counters each
 * second, answers to its questions in pieces.
 */
#include <stdio.h>

#include "daemon/access/parts.h"
#include "shared/base/text.h"

enum { REPORT_EVENT_MAX = 8192, REPORT_ANSWER_MAX = 64 * 1024 * 1024, REPORT_URI_BYTES = 256 };

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
	report_send(&report);
}

void report_failed(struct access *a, const struct sip_message *m, enum sip_side from,
                   const struct failure *why)
{
	struct report report;

	report_open(&report, a, CONTROL_EVENT_REQUEST_FAILED);
	if (m)
		put_request(&report.w, m, from == SIP_SIDE_EXTERNAL, NULL);
	json_put_number(&report.w, "status", why->status);
	json_put_text(&report.w, "why", why->words);
	report_send(&report);
}

static void put_certificate(struct json_writer *w, const char *key, const struct tls_peer *peer)
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

static const char *side_name(enum sip_side side)
{
	return side == SIP_SIDE_EXTERNAL ? "external" : "internal";
}

void report_connection(struct access *a, enum control_event_id id, const struct flow *flow)
{
	const struct connection *c = flow->connection;
	struct report report;
	char text[ADDRESS_TEXT_BYTES];

	report_open(&report, a, id);
	json_put_number(&report.w, "connection", (int64_t)flow->number);
	json_put_text(&report.w, "direction", connection_is_outgoing(c) ? "outgoing" : "incoming");
	json_put_text(&report.w, "side", side_name(flow->side));
	json_put_text(&report.w, "partner", flow->partner);
	json_put_text(&report.w, "address", address_text(connection_remote(c), text));
	json_put_text(&report.w, "tls", connection_peer(c)->suite[0] ? connection_peer(c)->suite : "no TLS");
	put_certificate(&report.w, "certificate", connection_peer(c));
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
		               .is_refusal = is_refusal };
	snprintf(lost->partner, sizeof lost->partner, "%s", flow->partner);
	snprintf(lost->words, sizeof lost->words, "%s", words);
	address_text(connection_remote(flow->connection), lost->address);
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
	json_put_number(&w, "unidentified", (int64_t)a->unidentified_count);
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
	for (size_t i = 0; i < POLICY_STEP_COUNT; i++)
		if (a->steps[i])
			json_put_number(&w, policy_step((enum policy_step_id)i)->name, (int64_t)a->steps[i]);
	json_close_object(&w);
	json_close_object(&w);
	if (!text.is_broken)
		link_send(a->link, LINK_COUNTERS, 0, buffer_slice(&text), -1);
	buffer_stop(&text);
}

/* ---- questions ---- */

static void put_flow(struct json_writer *w, const struct flow *flow)
{
	const struct connection *c = flow->connection;
	struct connection_counts counts = connection_counts(c);
	struct instant now = loop_now(flow->access->loop);
	char text[ADDRESS_TEXT_BYTES], id[24];

	json_open_object(w, NULL);
	snprintf(id, sizeof id, "c-%llu", (unsigned long long)flow->number);
	json_put_text(w, "id", id);
	json_put_text(w, "partner", flow->partner);
	json_put_text(w, "side", side_name(flow->side));
	json_put_text(w, "direction", connection_is_outgoing(c) ? "out" : "in");
	json_put_text(w, "state", flow->is_ending ? "closing" : connection_state_name(connection_state(c)));
	json_put_text(w, "auth",
	              connection_peer(c)->has_certificate ? "mtls"
	              : connection_peer(c)->suite[0]      ? "tls"
	                                                  : "tcp");
	json_put_text(w, "tls", connection_peer(c)->suite);
	json_put_text(w, "address", address_text(connection_remote(c), text));
	json_put_number(w, "since", now.wall_ms - (now.mono_ms - counts.since_ms));
	json_put_real(w, "rate", flow->rate.per_second);
	json_put_number(w, "messages_in", (int64_t)flow->messages_in);
	json_put_number(w, "messages_out", (int64_t)flow->messages_out);
	json_put_number(w, "bytes_in", (int64_t)counts.bytes_in);
	json_put_number(w, "bytes_out", (int64_t)counts.bytes_out);
	json_put_number(w, "queued", (int64_t)counts.queued);
	put_certificate(w, "certificate", connection_peer(c));
	json_open_array(w, "domains");
	for (size_t i = 0; i < flow->domain_count; i++)
		json_put_text(w, NULL, flow->domains[i]);
	json_close_array(w);
	json_put_text(w, "rule",
	              flow->side == SIP_SIDE_INTERNAL ? "pool-member"
	              : flow->is_known                ? "partner"
	                                              : "not identified");
	json_put_text(w, "last_error", connection_end_words(c));
	json_close_object(w);
}

static void put_lost(struct json_writer *w, const struct lost *lost)
{
	json_open_object(w, NULL);
	json_put_text(w, "id", "-");
	json_put_text(w, "partner", lost->partner);
	json_put_text(w, "side", side_name(lost->side));
	json_put_text(w, "direction", lost->is_outgoing ? "out" : "in");
	json_put_text(w, "state", lost->is_refusal ? "refused" : "failed");
	json_put_text(w, "auth", "-");
	json_put_text(w, "tls", "");
	json_put_text(w, "address", lost->address);
	json_put_number(w, "since", lost->wall_ms);
	json_put_text(w, "last_error", lost->words);
	json_close_object(w);
}

static void put_connections(struct access *a, struct json_writer *w)
{
	int64_t oldest = access_now_ms(a) - ACCESS_FAILURE_SHOWN_MS;

	json_open_array(w, NULL);
	LIST_EACH (at, &a->flows)
		put_flow(w, LIST_OWNER(at, struct flow, node));
	for (size_t i = 0; i < ACCESS_FAILURES_KEPT; i++)
		if (a->lost[i].wall_ms && a->lost[i].mono_ms >= oldest)
			put_lost(w, &a->lost[i]);
	json_close_array(w);
}

static void put_error(struct json_writer *w, const char *key, const struct partner_error *error)
{
	if (!error->wall_ms) {
		json_put_null(w, key);
		return;
	}
	json_open_object(w, key);
	json_put_number(w, "time", error->wall_ms);
	json_put_text(w, "text", error->words);
	json_close_object(w);
}

/* Connections on which something of or for the domain has crossed, whoever opened them: one walk for all partners. */
static void count_connections(struct access *a)
{
	LIST_EACH (at, &a->partner_list)
		LIST_OWNER(at, struct partner, node)->connections = 0;
	LIST_EACH (at, &a->flows) {
		const struct flow *flow = LIST_OWNER(at, struct flow, node);

		for (size_t i = 0; flow->is_up && i < flow->domain_count; i++) {
			struct partner *partner = map_get(&a->partners, slice_of(flow->domains[i]));

			if (partner)
				partner->connections++;
		}
	}
}

static void put_domains(struct access *a, struct json_writer *w)
{
	count_connections(a);
	json_open_array(w, NULL);
	LIST_EACH (at, &a->partner_list) {
		const struct partner *partner = LIST_OWNER(at, struct partner, node);

		json_open_object(w, NULL);
		json_put_text(w, "domain", partner->domain);
		json_put_text(w, "state",
		              partner->connections         ? "up"
		              : partner->error_out.wall_ms ? "down"
		                                           : "-");
		json_put_number(w, "connections", partner->connections);
		json_put_real(w, "rate", partner->rate.per_second);
		json_put_number(w, "in", (int64_t)partner->counts.in);
		json_put_number(w, "out", (int64_t)partner->counts.out);
		json_put_number(w, "refused", (int64_t)partner->counts.refused);
		put_error(w, "last_error_in", &partner->error_in);
		put_error(w, "last_error_out", &partner->error_out);
		json_close_object(w);
	}
	json_close_array(w);
}

void report_query(struct access *a, uint64_t number, struct slice question)
{
	struct json *asked = NULL;
	struct buffer text;
	struct json_writer w = json_write(&text);
	struct slice what, rest;

	buffer_start(&text, REPORT_ANSWER_MAX);
	if (json_read(question, &asked, NULL) == RESULT_OK && a->image) {
		what = json_as_slice(json_get(asked, "what"));
		if (slice_equal(what, SLICE("connections")))
			put_connections(a, &w);
		else if (slice_equal(what, SLICE("domains")))
			put_domains(a, &w);
		else if (slice_equal(what, SLICE("discovered")))
			discovery_write(a, &w);
	}
	if (buffer_length(&text) == 0 || text.is_broken) {
		buffer_clear(&text);
		buffer_add(&text, SLICE("[]"));
	}
	for (rest = buffer_slice(&text); rest.len;) {
		size_t take = rest.len > LINK_PAYLOAD_MAX ? LINK_PAYLOAD_MAX : rest.len;

		if (!link_send(a->link, LINK_ANSWER, number, slice_first(rest, take), -1))
			break;
		rest = slice_after(rest, take);
	}
	link_send(a->link, LINK_ANSWER, number, SLICE(""), -1);
	buffer_stop(&text);
	json_free(&asked);
}
