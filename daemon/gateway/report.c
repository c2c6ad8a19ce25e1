/*
 * report: what the keeper is told unasked.  Events as they happen, counters each second.
 */
#include "daemon/gateway/parts.h"

enum { REPORT_EVENT_MAX = 8192 };

void gateway_report_open(struct gateway_report *report, struct gateway *g, enum control_event_id id)
{
	report->gateway = g;
	buffer_start(&report->text, REPORT_EVENT_MAX);
	report->w = json_write(&report->text);
	json_open_object(&report->w, NULL);
	json_put_text(&report->w, "event", control_event(id)->name);
	json_put_number(&report->w, "time", loop_now(g->loop).wall_ms);
}

void gateway_report_send(struct gateway_report *report)
{
	json_close_object(&report->w);
	if (report->gateway->keeper && !report->text.is_broken)
		link_send(report->gateway->keeper, LINK_EVENT, 0, buffer_slice(&report->text), -1);
	buffer_stop(&report->text);
}

void gateway_report_counters(struct gateway *g)
{
	struct buffer text;
	struct json_writer w = json_write(&text);

	if (!g->keeper)
		return;
	buffer_start(&text, LINK_PAYLOAD_MAX);
	json_open_object(&w, NULL);
	json_put_number(&w, "connections", (int64_t)streams_count(g));
	json_put_number(&w, "transactions",
	                g->transactions ? (int64_t)sip_transactions_count(g->transactions) : 0);
	json_put_number(&w, "messages_in", (int64_t)g->counts.in);
	json_put_number(&w, "messages_out", (int64_t)g->counts.out);
	json_put_number(&w, "refused", (int64_t)g->counts.refused);
	json_put_number(&w, "dropped", (int64_t)g->counts.dropped);
	json_close_object(&w);
	if (!text.is_broken)
		link_send(g->keeper, LINK_COUNTERS, 0, buffer_slice(&text), -1);
	buffer_stop(&text);
}
