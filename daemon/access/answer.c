/*
 * answer: the keeper's questions.  {"what":"connections"|"domains"|"providers"|"discovered"|"remotes","after":N,"limit":M}
 * gives an array of at most M rows from the Nth; {"what":"partner","domain":D,"pair":"OURS THEIRS"} what is known of one
 * remote domain.
 * {"what":"dns-flush"} and {"what":"retry","domain":D} do something and say to how many: {"count":N}; so does
 * {"what":"close"|"drain","domain":"c-12","who":NAME,"deadline":MS} with one connection, and
 * {"what":"disconnect","domain":USER,"who":NAME} with all of a remote user.  A trial
 * image: which connections would not outlive it.
 */
#include <stdio.h>
#include <unistd.h>

#include "daemon/access/parts.h"

enum {
	ANSWER_MAX = 1024 * 1024,
	ANSWER_ROWS_DEFAULT = 500,
	ANSWER_ROWS_MAX = 1000,
	ANSWER_CLOSING_MAX = 200
};

bool page_takes(struct page *page)
{
	size_t at = page->at++;

	return at >= page->after && at - page->after < page->limit;
}

static void put_error(struct json_writer *w, const char *key, const struct partner_error *error)
{
	static const char *const by[] = { "network", "us", "partner", "pool" };

	if (!error->wall_ms) {
		json_put_null(w, key);
		return;
	}
	json_open_object(w, key);
	json_put_number(w, "time", error->wall_ms);
	json_put_text(w, "by", by[error->by]);
	json_put_text(w, "text", error->words);
	json_put_text(w, "step", error->cause.name ? error->cause.name : "");
	json_put_text(w, "advice", error->cause.advice ? error->cause.advice : "");
	json_close_object(w);
}

static void put_flow(struct json_writer *w, const struct flow *flow)
{
	const struct connection *c = flow->connection;
	struct connection_counts counts = connection_counts(c);
	struct instant now = loop_now(flow->access->loop);
	const struct partner *partner = flow->domain_count
	                                        ? map_get(&flow->access->partners, slice_of(flow->domains[0]))
	                                        : NULL;
	char text[ADDRESS_TEXT_BYTES], id[24];

	json_open_object(w, NULL);
	snprintf(id, sizeof id, "c-%llu", (unsigned long long)flow->number);
	json_put_text(w, "id", id);
	json_put_text(w, "partner", flow->partner);
	json_put_text(w, "side", report_side_name(flow->side));
	json_put_text(w, "direction", connection_is_outgoing(c) ? "out" : "in");
	json_put_text(w, "state",
	              flow->retired_why ? "draining"
	              : flow->is_ending ? "closing"
	                                : connection_state_name(connection_state(c)));
	json_put_text(w, "auth",
	              connection_peer(c)->has_certificate ? "mtls"
	              : connection_peer(c)->suite[0]      ? "tls"
	                                                  : "tcp");
	json_put_text(w, "tls", connection_peer(c)->suite);
	json_put_text(w, "address", remote_address_text(flow, text));
	json_put_number(w, "since", now.wall_ms - (now.mono_ms - counts.since_ms));
	json_put_real(w, "rate", flow->rate.per_second);
	json_put_number(w, "messages_in", (int64_t)flow->messages_in);
	json_put_number(w, "messages_out", (int64_t)flow->messages_out);
	json_put_number(w, "bytes_in", (int64_t)counts.bytes_in);
	json_put_number(w, "bytes_out", (int64_t)counts.bytes_out);
	json_put_number(w, "queued", (int64_t)counts.queued);
	json_put_number(w, "under_way", (int64_t)flow->under_way + flow->awaited);
	report_put_certificate(w, "certificate", connection_peer(c));
	json_open_array(w, "domains");
	for (size_t i = 0; i < flow->domain_count; i++)
		json_put_text(w, NULL, flow->domains[i]);
	json_close_array(w);
	json_put_text(w, "rule",
	              flow->side == SIP_SIDE_INTERNAL  ? "pool-member"
	              : flow->remote && flow->is_known ? "remote-user"
	              : flow->is_known                 ? "partner"
	                                               : "not identified");
	json_put_text(w, "last_error", connection_end_words(c));
	if (partner) {
		put_error(w, "last_error_in", &partner->error_in);
		put_error(w, "last_error_out", &partner->error_out);
	}
	json_close_object(w);
}

static void put_lost(struct json_writer *w, const struct lost *lost)
{
	json_open_object(w, NULL);
	json_put_text(w, "id", "-");
	json_put_text(w, "partner", lost->partner);
	json_put_text(w, "side", report_side_name(lost->side));
	json_put_text(w, "direction", lost->is_outgoing ? "out" : "in");
	json_put_text(w, "state", lost->is_refusal ? "refused" : "failed");
	json_put_text(w, "auth", "-");
	json_put_text(w, "tls", "");
	json_put_text(w, "address", lost->address);
	json_put_number(w, "since", lost->wall_ms);
	json_put_text(w, "last_error", lost->words);
	json_put_text(w, "advice", lost->advice);
	json_close_object(w);
}

/* A next hop that is left alone for now: why, and until when. */
static void put_hop(struct json_writer *w, const struct hop *hop)
{
	struct instant now = loop_now(hop->access->loop);
	const struct address *last = hop->address_at ? &hop->addresses[hop->address_at - 1] : NULL;
	char text[ADDRESS_TEXT_BYTES] = "";
	struct address to;

	if (last) {
		to = address_with_port(last, address_port(last) ? address_port(last) : hop->port);
		address_text(&to, text);
	}
	json_open_object(w, NULL);
	json_put_text(w, "id", "-");
	json_put_text(w, "partner", hop->name);
	json_put_text(w, "side", report_side_name(hop->side));
	json_put_text(w, "direction", "out");
	json_put_text(w, "state", pool_is_ejected(hop) ? "ejected" : "back-off");
	json_put_text(w, "auth", "-");
	json_put_text(w, "tls", "");
	json_put_text(w, "address", text);
	json_put_number(w, "since", pool_is_ejected(hop) ? hop->health.since_wall_ms : hop->failed_wall_ms);
	json_put_number(w, "next_retry",
	                hop_is_down(hop) ? now.wall_ms + (hop->retry_at_ms - now.mono_ms) : 0);
	json_put_text(w, "last_error", hop->failure.words);
	json_put_text(w, "advice", hop->failure.cause.advice ? hop->failure.cause.advice : "");
	json_close_object(w);
}

static void put_connections(struct access *a, struct page *page, struct json_writer *w)
{
	int64_t oldest = access_now_ms(a) - ACCESS_FAILURE_SHOWN_MS;

	LIST_EACH (at, &a->flows)
		if (page_takes(page))
			put_flow(w, LIST_OWNER(at, struct flow, node));
	LIST_EACH (at, &a->hop_list) {
		const struct hop *hop = LIST_OWNER(at, struct hop, node);

		if ((hop_is_down(hop) || pool_is_ejected(hop)) && page_takes(page))
			put_hop(w, hop);
	}
	for (size_t i = 0; i < ACCESS_FAILURES_KEPT; i++)
		if (a->lost[i].wall_ms && a->lost[i].mono_ms >= oldest && page_takes(page))
			put_lost(w, &a->lost[i]);
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

static void put_domains(struct access *a, struct page *page, struct json_writer *w)
{
	count_connections(a);
	LIST_EACH (at, &a->partner_list) {
		const struct partner *partner = LIST_OWNER(at, struct partner, node);

		if (!page_takes(page))
			continue;
		json_open_object(w, NULL);
		json_put_text(w, "domain", partner->domain);
		json_put_text(w, "state",
		              partner->connections                                ? "up"
		              : partner->error_out.wall_ms > partner->answered_ms ? "down"
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
}

/* ---- providers ---- */

static bool is_to(const struct flow *flow, struct slice edge)
{
	return flow->is_up && flow->side == SIP_SIDE_EXTERNAL && !flow->is_gateway &&
	       (flow->hop ? slice_equal(slice_of(flow->hop->name), edge) : flow_carries_name(flow, edge));
}

/* The last thing that went wrong with one of its domains. */
static void put_last_error(struct access *a, const struct image_sip_provider *provider, struct json_writer *w)
{
	const struct partner_error *last = NULL;

	LIST_EACH (at, &a->partner_list) {
		const struct partner *partner = LIST_OWNER(at, struct partner, node);
		const struct partner_error *newer = partner->error_in.wall_ms > partner->error_out.wall_ms
		                                            ? &partner->error_in
		                                            : &partner->error_out;

		if (newer->wall_ms && (!last || newer->wall_ms > last->wall_ms) &&
		    policy_provider_of_domain(a->image, slice_of(partner->domain)) == provider)
			last = newer;
	}
	json_put_text(w, "last_error", last ? last->words : "");
	json_put_number(w, "last_error_at", last ? last->wall_ms : 0);
}

static void put_providers(struct access *a, struct page *page, struct json_writer *w)
{
	for (size_t i = 0; i < image_sip_provider_count(a->image); i++) {
		const struct image_sip_provider *provider = image_sip_provider_at(a->image, i);
		struct slice edge = policy_image_text(a->image, provider->proxy_fqdn);
		int64_t connections = 0;
		double rate = 0;

		if (!page_takes(page))
			continue;
		LIST_EACH (at, &a->flows) {
			const struct flow *flow = LIST_OWNER(at, struct flow, node);

			if (!is_to(flow, edge))
				continue;
			connections++;
			rate += flow->rate.per_second;
		}
		json_open_object(w, NULL);
		json_put_slice(w, "identity", policy_image_text(a->image, provider->identity));
		json_put_number(w, "connections", connections);
		json_put_real(w, "rate", rate);
		put_last_error(a, provider, w);
		json_close_object(w);
	}
}

/* What DNS and a live connection have shown of a domain, and what failed last, for "why?". */
static void put_partner(struct access *a, struct slice domain, struct slice pair, struct json_writer *w)
{
	static const char *const srv[] = { "unasked", "found", "absent", "failed" };
	struct partner *partner = partner_find(a, domain);
	struct policy_facts facts = { 0 };

	json_open_object(w, NULL);
	if (partner)
		partner_facts(partner, &facts);
	json_put_text(w, "srv", srv[facts.srv]);
	json_put_text(w, "route", facts.srv_route == POLICY_ROUTE_SRV_SIPS ? "sips" : "federation");
	json_open_array(w, "targets");
	for (size_t i = 0; i < facts.srv_target_count; i++)
		json_put_slice(w, NULL, facts.srv_targets[i]);
	json_close_array(w);
	LIST_EACH (at, &a->flows) {
		const struct flow *flow = LIST_OWNER(at, struct flow, node);

		for (size_t i = 0; flow->is_up && !facts.is_connected && i < flow->domain_count; i++)
			if (slice_equal(slice_of(flow->domains[i]), domain))
				flow_facts(flow, &facts);
	}
	json_put_bool(w, "connected", facts.is_connected);
	if (pair.len)
		json_put_bool(w, "is_first", contacts_know_pair(a, pair));
	json_open_array(w, "dns");
	for (size_t i = 0; i < facts.certificate_dns_count; i++)
		json_put_slice(w, NULL, facts.certificate_dns[i]);
	json_close_array(w);
	json_open_array(w, "sip");
	for (size_t i = 0; i < facts.certificate_sip_count; i++)
		json_put_slice(w, NULL, facts.certificate_sip[i]);
	json_close_array(w);
	if (partner) {
		put_error(w, "last_error_in", &partner->error_in);
		put_error(w, "last_error_out", &partner->error_out);
	}
	json_close_object(w);
}

/* What is done now, and how much there was to do. */
static void put_count(struct json_writer *w, size_t count)
{
	json_open_object(w, NULL);
	json_put_number(w, "count", (int64_t)count);
	json_close_object(w);
}

static size_t flush_dns(struct access *a)
{
	size_t names = a->resolver ? resolver_names(a->resolver) : 0;

	if (a->resolver)
		resolver_flush(a->resolver);
	partner_forget_answers(a);
	return names;
}

/* The partner may be a domain, whose edges DNS is then asked for anew, or one edge or member by its name. */
static size_t retry(struct access *a, struct slice name)
{
	struct partner *partner = partner_find(a, name);
	size_t count = hop_retry(a, name);

	if (partner)
		partner->srv_until_ms = 0;
	return count;
}

/* At most one has the number; the name of who asked is told to everybody who looks. */
static size_t retire(struct access *a, const struct json *asked, bool is_drain)
{
	struct slice id = json_as_slice(json_get(asked, "domain"));
	struct slice who = json_as_slice(json_get(asked, "who"));
	int64_t deadline_ms = is_drain ? json_as_number(json_get(asked, "deadline"), 0)
	                               : ACCESS_POLICY_CLOSE_MS;
	char why[ACCESS_WORDS_BYTES], shown[24];

	snprintf(why, sizeof why, "%s by administrator %.*s", is_drain ? "drained" : "closed",
	         SLICE_ARG(who));
	LIST_EACH (at, &a->flows) {
		struct flow *flow = LIST_OWNER(at, struct flow, node);

		snprintf(shown, sizeof shown, "c-%llu", (unsigned long long)flow->number);
		if (slice_equal(slice_of(shown), id))
			return flow_retire(flow, why, deadline_ms) == RESULT_OK;
	}
	return 0;
}

static size_t disconnect(struct access *a, const struct json *asked)
{
	char why[ACCESS_WORDS_BYTES];

	snprintf(why, sizeof why, "disconnected by administrator %.*s",
	         SLICE_ARG(json_as_slice(json_get(asked, "who"))));
	return remote_disconnect(a, json_as_slice(json_get(asked, "domain")), why);
}

static void put_rows(struct access *a, const struct json *asked, struct json_writer *w)
{
	struct slice what = json_as_slice(json_get(asked, "what"));
	int64_t after = json_as_number(json_get(asked, "after"), 0);
	int64_t limit = json_as_number(json_get(asked, "limit"), ANSWER_ROWS_DEFAULT);
	struct page page = { .after = after > 0 ? (size_t)after : 0,
		             .limit = limit > 0 && limit < ANSWER_ROWS_MAX ? (size_t)limit
		                                                           : ANSWER_ROWS_MAX };

	json_open_array(w, NULL);
	if (slice_equal(what, SLICE("connections")))
		put_connections(a, &page, w);
	else if (slice_equal(what, SLICE("domains")))
		put_domains(a, &page, w);
	else if (slice_equal(what, SLICE("providers")))
		put_providers(a, &page, w);
	else if (slice_equal(what, SLICE("discovered")))
		discovery_write(a, &page, w);
	else if (slice_equal(what, SLICE("remotes")))
		remote_write(a, &page, w);
	json_close_array(w);
}

/* A large answer goes in pieces; an empty one ends it. */
static void send_answer(struct access *a, uint64_t number, struct slice rest)
{
	while (rest.len) {
		size_t take = rest.len > LINK_PAYLOAD_MAX ? LINK_PAYLOAD_MAX : rest.len;

		if (!link_send(a->link, LINK_ANSWER, number, slice_first(rest, take), -1))
			break;
		rest = slice_after(rest, take);
	}
	link_send(a->link, LINK_ANSWER, number, SLICE(""), -1);
}

void answer_query(struct access *a, uint64_t number, struct slice question)
{
	struct json *asked = NULL;
	struct buffer text;
	struct json_writer w = json_write(&text);

	buffer_start(&text, ANSWER_MAX);
	if (json_read(question, &asked, NULL) == RESULT_OK && a->image) {
		struct slice what = json_as_slice(json_get(asked, "what"));
		struct slice domain = json_as_slice(json_get(asked, "domain"));

		if (slice_equal(what, SLICE("partner")))
			put_partner(a, domain, json_as_slice(json_get(asked, "pair")), &w);
		else if (slice_equal(what, SLICE("dns-flush")))
			put_count(&w, flush_dns(a));
		else if (slice_equal(what, SLICE("retry")))
			put_count(&w, retry(a, domain));
		else if (slice_equal(what, SLICE("disconnect")))
			put_count(&w, disconnect(a, asked));
		else if (slice_equal(what, SLICE("close")))
			put_count(&w, retire(a, asked, false));
		else if (slice_equal(what, SLICE("drain")))
			put_count(&w, retire(a, asked, true));
		else
			put_rows(a, asked, &w);
	}
	if (buffer_length(&text) == 0 || text.is_broken) {
		buffer_clear(&text);
		buffer_add(&text, SLICE("[]"));
	}
	send_answer(a, number, buffer_slice(&text));
	buffer_stop(&text);
	json_free(&asked);
}

/* ---- what would close ---- */

static void put_closing(struct json_writer *w, const struct flow *flow)
{
	char id[24];

	snprintf(id, sizeof id, "c-%llu", (unsigned long long)flow->number);
	json_open_object(w, NULL);
	json_put_text(w, "id", id);
	json_put_text(w, "partner", flow->partner);
	json_put_text(w, "side", report_side_name(flow->side));
	json_put_text(w, "direction", connection_is_outgoing(flow->connection) ? "out" : "in");
	json_close_object(w);
}

void answer_trial(struct access *a, uint64_t number, int fd)
{
	struct policy_image *image = NULL;
	struct buffer text;
	struct json_writer w = json_write(&text);
	int64_t count = 0;

	buffer_start(&text, ANSWER_MAX);
	json_open_object(&w, NULL);
	json_open_array(&w, "rows");
	if (policy_image_open(fd, &image, NULL) == RESULT_OK)
		LIST_EACH (at, &a->flows) {
			struct flow *flow = LIST_OWNER(at, struct flow, node);

			if (!flow_is_usable(flow) || flow_may_stay(flow, image))
				continue;
			if (count++ < ANSWER_CLOSING_MAX)
				put_closing(&w, flow);
		}
	json_close_array(&w);
	json_put_number(&w, "count", count);
	json_close_object(&w);
	if (image)
		send_answer(a, number, buffer_slice(&text));
	else
		send_answer(a, number, SLICE("{}"));
	policy_image_close(&image);
	buffer_stop(&text);
	if (fd >= 0)
		close(fd);
}
