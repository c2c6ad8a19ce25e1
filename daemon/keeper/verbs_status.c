/*
 * status: everything the first screen shows, in one answer.
 */
#include <stdio.h>

#include "daemon/keeper/parts.h"

enum { STATUS_RATE_SECONDS = 5 };

static void put_services(struct json_writer *w, struct keeper *k)
{
	json_open_array(w, "services");
	KEEPER_EACH_SERVICE (k, s)
		service_put(w, s);
	json_close_array(w);
}

/* ---- traffic ---- */

/* The i-th of the last KEEPER_HISTORY seconds, oldest first. */
static uint32_t second_of(const struct history *h, const uint32_t *list, size_t i)
{
	return list[(h->at + i) % KEEPER_HISTORY];
}

static double rate_of(const struct history *h, const uint32_t *list)
{
	uint64_t sum = 0;

	for (size_t i = KEEPER_HISTORY - STATUS_RATE_SECONDS; i < KEEPER_HISTORY; i++)
		sum += second_of(h, list, i);
	return (double)sum / STATUS_RATE_SECONDS;
}

static void put_history(struct json_writer *w, const char *key, const struct history *h, const uint32_t *list)
{
	json_open_array(w, key);
	for (size_t i = 0; i < KEEPER_HISTORY; i++)
		json_put_number(w, NULL, second_of(h, list, i));
	json_close_array(w);
}

static void put_traffic(struct json_writer *w, const struct traffic *t)
{
	const struct history *h = &t->history;
	uint64_t refused = 0;

	for (size_t i = 0; i < KEEPER_HISTORY; i++)
		refused += h->refused[i];
	json_open_object(w, "traffic");
	json_put_real(w, "in_rate", rate_of(h, h->in));
	json_put_real(w, "out_rate", rate_of(h, h->out));
	json_put_number(w, "refused_per_min", (int64_t)refused);
	json_put_number(w, "in_total", (int64_t)t->in);
	json_put_number(w, "out_total", (int64_t)t->out);
	json_put_number(w, "refused_total", (int64_t)t->refused);
	json_put_number(w, "malformed_total", (int64_t)t->malformed);
	json_put_number(w, "turned_away_total", (int64_t)t->turned_away);
	json_put_number(w, "connections", t->connections);
	json_put_number(w, "discovered", t->discovered);
	json_put_number(w, "unidentified", t->unidentified);
	json_put_number(w, "remote_users", t->remote_users);
	json_put_number(w, "transactions", t->transactions);
	json_open_object(w, "history");
	put_history(w, "in", h, h->in);
	put_history(w, "out", h, h->out);
	put_history(w, "refused", h, h->refused);
	json_close_object(w);
	json_close_object(w);
}

/* ---- what needs attention: what is wrong now, not what once was ---- */

static void attend(struct json_writer *w, int64_t time_ms, const char *severity, const char *source,
                   const char *text)
{
	json_open_object(w, NULL);
	json_put_number(w, "time", time_ms);
	json_put_text(w, "severity", severity);
	json_put_text(w, "source", source);
	json_put_text(w, "text", text);
	json_close_object(w);
}

static void attend_listeners(struct json_writer *w, const struct service *s)
{
	char text[KEEPER_WHY_BYTES + 128];

	for (size_t i = 0; i < s->listener_count && i < KEEPER_ATTENTION_MAX; i++) {
		const struct service_listener *l = &s->listeners[i];

		if (l->state != LISTEN_FAILED && !l->why[0])
			continue;
		snprintf(text, sizeof text, "cannot listen for %s on %s: %s", place_name(l->place),
		         l->address, l->why);
		attend(w, s->state.since_ms, "error", s->name, text);
	}
}

static void attend_service(struct json_writer *w, const struct keeper *k, const struct service *s)
{
	char text[KEEPER_WHY_BYTES + 128];

	if (s->state.phase == LAUNCHER_BACKOFF) {
		char words[LAUNCHER_STATUS_BYTES];

		snprintf(text, sizeof text, "%s ended (%s) and restarts soon; %u restarts", s->name,
		         launcher_status_words(s->state.status, words), s->state.restarts);
		attend(w, s->state.since_ms, "error", s->name, text);
	} else if (s->why[0] && !s->is_unused) {
		snprintf(text, sizeof text, "%s%s%s%s", s->is_wanted ? "" : s->name,
		         s->is_wanted ? "" : " is stopped: ", s->short_why, s->short_why[0] ? ": " : "");
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s", s->why);
		attend(w, s->state.since_ms, "warning", s->name, text);
	}
	if (service_is_up(s) && s->refused_generation == k->now.version.number) {
		snprintf(text, sizeof text, "version %llu could not be taken: %s",
		         (unsigned long long)s->refused_generation, s->refused_why);
		attend(w, k->now.version.time_ms, "error", s->name, text);
	}
	attend_listeners(w, s);
}

/* Partners to whom nothing gets through: the last that was tried failed. */
static void attend_partners(struct json_writer *w, const struct json *live)
{
	char text[2 * KEEPER_WHY_BYTES];
	size_t told = 0;

	for (size_t i = 0; i < json_count(live) && told < KEEPER_ATTENTION_MAX; i++) {
		const struct json *row = json_at(live, i), *error = json_get(row, "last_error_out");
		struct slice domain = json_as_slice(json_get(row, "domain"));
		struct slice words = json_as_slice(json_get(error, "text"));

		if (!slice_equal(json_as_slice(json_get(row, "state")), SLICE("down")))
			continue;
		snprintf(text, sizeof text, "%.*s: %.*s", SLICE_ARG(domain), SLICE_ARG(words));
		attend(w, json_as_number(json_get(error, "time"), 0), "warning", "partner", text);
		told++;
	}
}

static void put_attention(struct json_writer *w, struct keeper *k, const struct json *live)
{
	char text[KEEPER_WHY_BYTES + 128];

	json_open_array(w, "attention");
	KEEPER_EACH_SERVICE (k, s)
		attend_service(w, k, s);
	if (k->pending.version) {
		char time[INSTANT_TEXT_BYTES];

		instant_text(k->pending.until_ms, time);
		snprintf(text, sizeof text,
		         "version %llu of %s goes back by itself at %s unless it is confirmed",
		         (unsigned long long)k->pending.version, k->pending.who, time);
		attend(w, k->now.version.time_ms, "notice", "confirm", text);
	}
	if (k->audit_missing) {
		snprintf(text, sizeof text,
		         "lines are missing at the end of the audit (%llu); parley audit verify",
		         (unsigned long long)k->audit_missing);
		attend(w, k->started_ms, "error", "audit", text);
	}
	if (k->import_trouble[0])
		attend(w, k->import_trouble_ms, "error", "conf.d", k->import_trouble);
	attend_partners(w, live);
	json_close_array(w);
}

/* ---- the answer ---- */

static void put_head(struct json_writer *w, const struct keeper *k)
{
	const struct image_access_edge *edge = image_access_edge_at(k->now.image, 0);

	json_put_slice(w, "node", keeper_node(k));
	json_put_text(w, "server", KEEPER_SERVER);
	json_put_number(w, "started", k->started_ms);
	json_put_number(w, "version", (int64_t)k->now.version.number);
	json_open_object(w, "published");
	json_put_number(w, "time", k->now.version.time_ms);
	json_put_text(w, "author", k->now.version.author);
	json_put_text(w, "comment", k->now.version.comment);
	json_close_object(w);
	json_put_number(w, "confirm_until", k->pending.version ? k->pending.until_ms : 0);
	json_put_number(w, "confirm_version", (int64_t)k->pending.version);
	json_put_bool(w, "require_comment", image_topology_at(k->now.image, 0)->require_comment);
	json_open_object(w, "switches");
	json_put_bool(w, "allow-federated-users", edge->allow_federated_users);
	json_put_bool(w, "enable-partner-discovery", edge->enable_partner_discovery);
	json_put_bool(w, "allow-outside-users", edge->allow_outside_users);
	json_put_bool(w, "allow-anonymous-users", edge->allow_anonymous_users);
	json_close_object(w);
}

static int64_t count_up(const struct json *live)
{
	int64_t up = 0;

	for (size_t i = 0; i < json_count(live); i++)
		up += slice_equal(json_as_slice(json_get(json_at(live, i), "state")), SLICE("up"));
	return up;
}

static void put_staged(struct json_writer *w, const struct call *call)
{
	const struct draft *mine = draft_find(call->keeper, &call->who);
	int64_t others = 0;

	LIST_EACH (at, &call->keeper->drafts)
		others += LIST_OWNER(at, struct draft, node) != mine;
	json_open_object(w, "staged");
	json_put_number(w, "mine", mine ? mine->differences : 0);
	json_put_number(w, "others", others); /* people, not changes */
	json_close_object(w);
}

static int64_t enabled_providers(const struct policy_image *image)
{
	int64_t count = 0;

	for (size_t i = 0; i < image_sip_provider_count(image); i++)
		count += image_sip_provider_at(image, i)->enabled != 0;
	return count;
}

static void answer(void *to, const struct json *live, const char *why)
{
	struct call *call = to;
	struct keeper *k = call->keeper;
	const struct traffic *t = &k->access.traffic;
	struct json_writer *w = call_open(call);

	(void)why; /* a service that does not run has no live data; its state says so */
	put_head(w, k);
	put_services(w, k);
	put_traffic(w, t);
	json_open_object(w, "domains");
	json_put_number(w, "allowed", (int64_t)policy_image_count(k->now.image, MODEL_ALLOWED_DOMAIN));
	json_put_number(w, "blocked", (int64_t)policy_image_count(k->now.image, MODEL_BLOCKED_DOMAIN));
	json_put_number(w, "providers", (int64_t)policy_image_count(k->now.image, MODEL_SIP_PROVIDER));
	json_put_number(w, "providers_on", enabled_providers(k->now.image));
	json_put_number(w, "up", count_up(live));
	json_close_object(w);
	json_open_object(w, "steps");
	for (size_t i = 0; i < POLICY_REFUSAL_COUNT; i++)
		if (t->steps[i])
			json_put_number(w, policy_step((enum policy_step_id)i)->name, (int64_t)t->steps[i]);
	json_close_object(w);
	put_staged(w, call);
	put_attention(w, k, live);
	call_close(call);
}

void verb_run_STATUS(struct call *call) { query_ask(&call->keeper->access, "domains", answer, call); }
