/*
 * Finding the server of a partner's domain and connecting to it: SRV for direct TLS and for STARTTLS sorted together
 * (XEP-0368), the domain itself without any (RFC 6120 §3.2), each target's addresses, one after the other.
 */
#include <stdio.h>

#include "daemon/gateway/streams.h"
#include "shared/base/memory.h"

struct target {
	char host[RESOLVER_NAME_MAX + 1];
	uint16_t port, priority;
	bool is_direct;
};

struct dial {
	struct route *route;
	bool is_for_asking, may_sasl;
	struct target targets[DIAL_TARGETS_MAX];
	size_t target_count, target_at;
	struct address addresses[RESOLVER_ADDRESSES_MAX];
	size_t address_count, address_at;
	unsigned asked; /* SRV questions without an answer yet */
	bool is_srv_there, is_dns_broken;
	struct stream *stream;
	char why[GATEWAY_WORDS_BYTES]; /* the last failure */
	struct loop_defer step;
};

static struct gateway *gateway_of(const struct dial *dial) { return dial->route->streams->gateway; }

struct route *dial_route(const struct dial *dial) { return dial->route; }
bool dial_is_for_asking(const struct dial *dial) { return dial->is_for_asking; }
bool dial_may_sasl(const struct dial *dial) { return dial->may_sasl; }

void dial_free(struct dial *dial)
{
	struct gateway *g = gateway_of(dial);

	if (g->resolver)
		resolver_forget(g->resolver, dial);
	loop_defer_cancel(&dial->step);
	if (dial->stream)
		dial->stream->dial = NULL;
	mem_free(dial);
}

static void over(struct dial *dial)
{
	struct route *route = dial->route;
	bool is_for_asking = dial->is_for_asking;
	char why[GATEWAY_WORDS_BYTES];

	memcpy(why, dial->why, sizeof why);
	if (is_for_asking)
		route->asking_dial = NULL;
	else
		route->dial = NULL;
	dial_free(dial);
	if (is_for_asking)
		route_ask_failed(route, why);
	else
		route_failed(route, why);
}

/* The topology says which special ranges may be dialled: labs, internal servers. */
static bool may_dial(const struct gateway *g, const struct address *address)
{
	const struct image_topology *topology = image_topology_at(g->image, 0);

	if (!address_is_special(address))
		return true;
	for (size_t i = 0; i < topology->permitted_targets.count; i++) {
		struct address_prefix prefix;

		if (address_prefix_read(policy_image_item(g->image, topology->permitted_targets, i), &prefix,
		                        NULL) == RESULT_OK &&
		    address_in_prefix(address, &prefix))
			return true;
	}
	return false;
}

/* Whoever asks about a key does it for a stranger: that is counted apart from what is the partner's. */
static bool has_room(const struct dial *dial, const char **why)
{
	const struct streams *s = dial->route->streams;
	const struct image_xmpp_partner *partner = gateway_partner(s->gateway, dial->route->remote);

	return dial->is_for_asking ? streams_may_ask(s, partner, why) : streams_have_room(s, partner, 1, why);
}

static void next_step(void *owner);

static void go_on(struct dial *dial) { loop_defer(gateway_of(dial)->loop, &dial->step, next_step, dial); }

static void addresses_came(void *to, enum resolver_outcome outcome, const struct address *list, size_t count,
                           const char *words)
{
	struct dial *dial = to;
	const struct target *target = &dial->targets[dial->target_at];

	dial->address_at = dial->address_count = 0;
	for (size_t i = 0; i < count && dial->address_count < RESOLVER_ADDRESSES_MAX; i++)
		if (may_dial(gateway_of(dial), &list[i]))
			dial->addresses[dial->address_count++] = address_with_port(&list[i], target->port);
	if (outcome != RESOLVER_FOUND)
		snprintf(dial->why, sizeof dial->why, "the address of %.200s cannot be found%s%s",
		         target->host, words && words[0] ? ": " : "", words ? words : "");
	else if (dial->address_count == 0)
		snprintf(dial->why, sizeof dial->why,
		         "%.180s has no address that may be dialled (permitted-targets)", target->host);
	go_on(dial);
}

/* The next address of this target, or the next target, or the end. */
static void next_step(void *owner)
{
	struct dial *dial = owner;
	struct gateway *g = gateway_of(dial);
	struct reason reason = { "" };
	const char *why;

	if (dial->stream)
		return;
	/* Others of the same partner may have got there while DNS was asked. */
	if (dial->address_at < dial->address_count && !has_room(dial, &why)) {
		snprintf(dial->why, sizeof dial->why, "%s", why);
		over(dial);
		return;
	}
	while (dial->address_at < dial->address_count) {
		const struct address *to = &dial->addresses[dial->address_at];

		dial->stream = stream_open(dial, to, dial->targets[dial->target_at].is_direct, &reason);
		if (dial->stream)
			return;
		snprintf(dial->why, sizeof dial->why, "%.250s", reason.text);
		dial->address_at++;
	}
	if (dial->address_count > 0 || dial->why[0])
		dial->target_at++;
	dial->address_count = dial->address_at = 0;
	if (dial->target_at >= dial->target_count || !g->resolver) {
		over(dial);
		return;
	}
	dial->why[0] = '\0';
	resolver_addresses(g->resolver, slice_of(dial->targets[dial->target_at].host), addresses_came, dial);
}

void dial_failed(struct dial *dial, const char *why, bool is_sasl_refused)
{
	dial->stream = NULL;
	snprintf(dial->why, sizeof dial->why, "%s", why);
	/* Whoever refuses a certificate and hangs up is asked once more by dialback alone. */
	if (is_sasl_refused && dial->may_sasl)
		dial->may_sasl = false;
	else
		dial->address_at++;
	go_on(dial);
}

/* ---- targets ---- */

static void add_target(struct dial *dial, const char *host, uint16_t port, uint16_t priority, bool is_direct)
{
	size_t at = dial->target_count;

	if (at >= DIAL_TARGETS_MAX)
		return;
	/* Stable by priority; of the same one, direct TLS first: it is there already. */
	while (at > 0 && (dial->targets[at - 1].priority > priority ||
	                  (dial->targets[at - 1].priority == priority && is_direct &&
	                   !dial->targets[at - 1].is_direct))) {
		dial->targets[at] = dial->targets[at - 1];
		at--;
	}
	dial->targets[at] = (struct target){ .port = port, .priority = priority, .is_direct = is_direct };
	snprintf(dial->targets[at].host, sizeof dial->targets[at].host, "%s", host);
	dial->target_count++;
}

static void srv_came(struct dial *dial, enum resolver_outcome outcome, const struct resolver_srv *list,
                     size_t count, bool is_direct)
{
	char host[RESOLVER_NAME_MAX + 1];

	dial->asked--;
	dial->is_srv_there |= outcome == RESOLVER_FOUND;
	dial->is_dns_broken |= outcome == RESOLVER_FAILED;
	for (size_t i = 0; i < count; i++)
		add_target(dial, list[i].target, list[i].port, list[i].priority, is_direct);
	if (dial->asked > 0)
		return;
	if (dial->target_count == 0) {
		if (dial->is_dns_broken)
			snprintf(dial->why, sizeof dial->why, "DNS does not answer for the partner's domain");
		else if (dial->is_srv_there)
			snprintf(dial->why, sizeof dial->why,
			         "the partner's DNS says that it has no XMPP server");
		else if (slice_to_text(dial->route->remote, host, sizeof host))
			add_target(dial, host, XMPP_PORT, 0, false);
	}
	go_on(dial);
}

static void direct_came(void *to, enum resolver_outcome outcome, const struct resolver_srv *list,
                        size_t count, const char *words)
{
	(void)words;
	srv_came(to, outcome, list, count, true);
}

static void plain_came(void *to, enum resolver_outcome outcome, const struct resolver_srv *list, size_t count,
                       const char *words)
{
	(void)words;
	srv_came(to, outcome, list, count, false);
}

static void ask_srv(struct dial *dial, const struct xmpp_terms *terms)
{
	struct gateway *g = gateway_of(dial);
	char name[RESOLVER_NAME_MAX + 32];

	/* Both are counted before either is asked: an answer may come at once. */
	dial->asked = terms->tls != XMPP_TLS_NEVER && g->credentials ? 2 : 1;
	if (dial->asked == 2) {
		snprintf(name, sizeof name, "_xmpps-server._tcp.%.*s", SLICE_ARG(dial->route->remote));
		resolver_srv(g->resolver, slice_of(name), direct_came, dial);
	}
	snprintf(name, sizeof name, "_xmpp-server._tcp.%.*s", SLICE_ARG(dial->route->remote));
	resolver_srv(g->resolver, slice_of(name), plain_came, dial);
}

struct dial *dial_new(struct route *route, bool is_for_asking)
{
	struct gateway *g = route->streams->gateway;
	const struct image_xmpp_partner *partner = gateway_partner(g, route->remote);
	struct dial *dial = mem_new(sizeof *dial);
	struct xmpp_terms terms;
	const char *why = NULL;
	char host[RESOLVER_NAME_MAX + 1];

	if (!dial)
		return NULL;
	dial->route = route;
	dial->is_for_asking = is_for_asking;
	dial->may_sasl = true;
	if (!streams_terms(g, route->remote, &terms))
		why = "the domain is no partner, or is switched off";
	else if (!g->resolver)
		why = "there are no resolvers yet";
	else
		(void)has_room(dial, &why);
	if (why) {
		snprintf(dial->why, sizeof dial->why, "%s", why);
		go_on(dial);
	} else if (partner->proxy_fqdn.length &&
	           slice_to_text(policy_image_text(g->image, partner->proxy_fqdn), host, sizeof host)) {
		add_target(dial, host, (uint16_t)partner->proxy_port, 0, false);
		go_on(dial);
	} else {
		ask_srv(dial, &terms);
	}
	return dial;
}
