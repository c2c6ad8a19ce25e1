/*
 * discovery: partners on no list, let in on proof by DNS and watched (policy/watch.h).
 *
 * A watch belongs to a certificate and outlives its connections, so hanging up
 * buys nobody a fresh start.  Whoever is put on the allowed list is not asked
 * here any more: his limits are lifted with that version.
 */
#include <stdio.h>

#include "daemon/access/parts.h"
#include "shared/base/memory.h"

struct discovered {
	struct list node; /* most lately used first */
	char fingerprint[65];
	char certificate[ACCESS_NAME_BYTES]; /* its first name, for people */
	char address[ADDRESS_TEXT_BYTES];
	struct watch watch;
	enum watch_answer state; /* of the last request */
	int64_t since_wall_ms, last_wall_ms;
};

static void forget(struct access *a, struct discovered *d)
{
	map_remove(&a->discovered, slice_of(d->fingerprint));
	list_remove(&d->node);
	watch_stop(&d->watch);
	mem_free(d);
}

void discovery_free_all(struct access *a)
{
	LIST_EACH_SAFE (at, &a->discovered_list)
		forget(a, LIST_OWNER(at, struct discovered, node));
	map_stop(&a->discovered);
}

static void report_first(struct flow *flow, const struct discovered *d, struct slice domain)
{
	struct report report;

	report_open(&report, flow->access, CONTROL_EVENT_DISCOVERED_PARTNER);
	json_put_slice(&report.w, "partner", domain);
	json_put_text(&report.w, "certificate", d->certificate);
	json_put_text(&report.w, "address", d->address);
	report_send(&report);
}

static struct discovered *find(struct flow *flow, struct slice domain)
{
	struct access *a = flow->access;
	const struct tls_peer *peer = connection_peer(flow->connection);
	struct slice key = slice_of(peer->fingerprint);
	struct discovered *d = map_get(&a->discovered, key);

	if (d) {
		list_remove(&d->node);
		list_add_first(&a->discovered_list, &d->node);
		return d;
	}
	if (a->discovered.count >= ACCESS_DISCOVERED_MAX)
		forget(a, LIST_OWNER(a->discovered_list.prev, struct discovered, node));
	d = mem_new(sizeof *d);
	if (!d)
		return NULL;
	slice_to_text(key, d->fingerprint, sizeof d->fingerprint);
	snprintf(d->certificate, sizeof d->certificate, "%.*s",
	         peer->dns_count ? (int)(peer->dns[0].len > 250 ? 250 : peer->dns[0].len) : 0,
	         peer->dns_count ? peer->dns[0].ptr : "");
	address_text(connection_remote(flow->connection), d->address);
	d->since_wall_ms = loop_now(a->loop).wall_ms;
	if (map_add(&a->discovered, slice_of(d->fingerprint), d) != RESULT_OK) {
		mem_free(d);
		return NULL;
	}
	list_add_first(&a->discovered_list, &d->node);
	report_first(flow, d, domain);
	return d;
}

static struct watch_limits limits_of(const struct access *a)
{
	const struct image_access_edge *s = a->settings;

	return (struct watch_limits){
		.per_second = s->discovered_partner_standard_rate,
		.suspicious_per_second = s->discovered_partner_suspicious_rate,
		.limits_contacts = s->enable_discovered_partner_contacts_limit,
		.contacts = s->max_contacts_per_discovered_partner,
		.suspicious_answers = s->discovered_partner_suspicious_answers,
		.suspicious_percent = s->discovered_partner_suspicious_percent,
	};
}

/* One event when a limit begins to bite, not one a message. */
static void report_limit(struct flow *flow, const struct discovered *d, struct slice domain, uint64_t value)
{
	struct report report;

	report_open(&report, flow->access, CONTROL_EVENT_LIMIT_REACHED);
	json_put_text(&report.w, "limit", watch_answer_name(d->state));
	json_put_number(&report.w, "value", (int64_t)value);
	json_put_number(&report.w, "connection", (int64_t)flow->number);
	json_put_slice(&report.w, "partner", domain);
	report_send(&report);
}

bool discovery_admits(struct flow *flow, const struct policy_facts *facts, const char **why)
{
	struct access *a = flow->access;
	struct discovered *d = find(flow, facts->remote_domain);
	struct watch_limits limits = limits_of(a);
	uint64_t contact = siphash(a->seed, facts->local_user) ^ siphash(a->seed, facts->local_domain) * 3;
	enum watch_answer before;

	if (!d) {
		*why = "out of memory";
		return false;
	}
	before = d->state;
	d->last_wall_ms = loop_now(a->loop).wall_ms;
	d->state = watch_request(&d->watch, &limits, facts->remote_domain, contact, access_now_ms(a));
	*why = watch_answer_name(d->state);
	if (d->state == WATCH_PASS)
		return true;
	if (before != d->state)
		report_limit(flow, d, facts->remote_domain,
		             d->state == WATCH_CONTACTS ? limits.contacts
		             : d->state == WATCH_RATE   ? limits.per_second
		                                        : limits.suspicious_per_second);
	return false;
}

void discovery_answered(struct flow *flow, int status)
{
	struct access *a = flow->access;
	struct discovered *d = map_get(&a->discovered,
	                               slice_of(connection_peer(flow->connection)->fingerprint));

	if (d)
		watch_answered(&d->watch, status, access_now_ms(a));
}

void discovery_report(struct access *a)
{
	struct report report;
	int64_t period = (int64_t)a->settings->discovered_partner_report_period_minutes * 60 * 1000;
	int64_t now = access_now_ms(a), partners = 0, limited = 0;

	if (a->discovered_reported_ms == 0)
		a->discovered_reported_ms = now;
	if (now - a->discovered_reported_ms < period)
		return;
	LIST_EACH (at, &a->discovered_list) {
		struct discovered *d = LIST_OWNER(at, struct discovered, node);

		if (d->watch.last_ms < a->discovered_reported_ms)
			continue;
		partners++;
		limited += d->watch.limited > 0;
	}
	a->discovered_reported_ms = now;
	if (partners == 0)
		return;
	report_open(&report, a, CONTROL_EVENT_DISCOVERED_REPORT);
	json_put_number(&report.w, "partners", partners);
	json_put_number(&report.w, "limited", limited);
	report_send(&report);
}

void discovery_write(struct access *a, struct page *page, struct json_writer *w)
{
	struct watch_limits limits = limits_of(a);

	LIST_EACH (at, &a->discovered_list) {
		struct discovered *d = LIST_OWNER(at, struct discovered, node);
		bool is_suspicious = watch_is_suspicious(&d->watch, &limits, access_now_ms(a));

		if (!page_takes(page))
			continue;
		json_open_object(w, NULL);
		json_put_text(w, "domain", d->watch.domain_count ? d->watch.domains[0] : "");
		json_open_array(w, "domains");
		for (size_t i = 0; i < d->watch.domain_count; i++)
			json_put_text(w, NULL, d->watch.domains[i]);
		json_close_array(w);
		json_put_text(w, "state",
		              is_suspicious            ? "suspicious"
		              : d->state == WATCH_PASS ? "ok"
		                                       : "limited");
		json_put_number(w, "requests", (int64_t)d->watch.requests);
		json_put_number(w, "limited", (int64_t)d->watch.limited);
		json_put_number(w, "contacts", (int64_t)d->watch.contact_count);
		json_put_number(w, "contacts_limit", limits.limits_contacts ? (int64_t)limits.contacts : 0);
		json_put_number(w, "first_seen", d->since_wall_ms);
		json_put_number(w, "last_seen", d->last_wall_ms);
		json_put_text(w, "certificate", d->certificate);
		json_put_text(w, "address", d->address);
		json_put_text(w, "last_limit", d->state == WATCH_PASS ? "" : watch_answer_name(d->state));
		json_close_object(w);
	}
}
