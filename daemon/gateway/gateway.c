/*
 * The process: what the keeper sends, what the launcher hands over, draining and the end.
 */
#include "daemon/gateway/gateway.h"

#include <unistd.h>
#ifdef PARLEY_SANITIZED
#include <sanitizer/lsan_interface.h>
#endif

#include "daemon/crypto/crypto.h"
#include "daemon/gateway/parts.h"
#include "daemon/link/credentials.h"
#include "shared/base/memory.h"

enum { GATEWAY_EXIT_SOFTWARE = 70, GATEWAY_RESOLVERS_MAX = 8 };

uint64_t gateway_random(struct gateway *g)
{
	g->random_counter++;
	return siphash(g->seed, (struct slice){ (const char *)&g->random_counter, sizeof g->random_counter });
}

/* ---- names ---- */

struct slice gateway_xmpp_domain(const struct gateway *g, struct slice sip_domain)
{
	const struct image_xmpp_name *other = image_xmpp_name_find(g->image, sip_domain);

	if (!policy_image_is_own_domain(g->image, sip_domain))
		return SLICE_NONE;
	return other ? policy_image_text(g->image, other->xmpp_domain) : sip_domain;
}

struct slice gateway_sip_domain_in(const struct policy_image *image, struct slice xmpp_domain)
{
	for (size_t i = 0; i < image_xmpp_name_count(image); i++) {
		const struct image_xmpp_name *name = image_xmpp_name_at(image, i);

		if (slice_equal(policy_image_text(image, name->xmpp_domain), xmpp_domain))
			return policy_image_text(image, name->sip_domain);
	}
	/* A domain with another name in XMPP is not known there by its own. */
	return policy_image_is_own_domain(image, xmpp_domain) && !image_xmpp_name_find(image, xmpp_domain)
	               ? xmpp_domain
	               : SLICE_NONE;
}

struct slice gateway_sip_domain(const struct gateway *g, struct slice xmpp_domain)
{
	return gateway_sip_domain_in(g->image, xmpp_domain);
}

const struct image_xmpp_partner *gateway_partner(const struct gateway *g, struct slice domain)
{
	return image_xmpp_partner_find(g->image, domain);
}

const char *gateway_stop(const struct policy_image *image, struct slice domain)
{
	const struct image_xmpp_partner *partner = image ? image_xmpp_partner_find(image, domain) : NULL;

	if (!partner || !partner->enabled)
		return "off";
	return image_blocked_domain_find(image, domain) ? "blocked" : NULL;
}

/* ---- the image ---- */

static void tell_applied(struct gateway *g, const char *why)
{
	link_send(g->keeper, LINK_APPLIED, g->image ? policy_image_generation(g->image) : 0, slice_of(why),
	          -1);
}

static void take_image(struct gateway *g, struct link_frame *frame)
{
	struct policy_image *image = NULL, *old = g->image;
	struct reason reason = { "" };
	const struct image_edge *edge;
	enum result result = policy_image_open(frame->fd, &image, &reason);

	close(frame->fd);
	if (result == RESULT_OK && !(edge = policy_image_edge(image, slice_of(g->node)))) {
		policy_image_close(&image);
		result = fail(&reason, RESULT_INVALID, "the topology has no edge \"%s\"", g->node);
	}
	if (result != RESULT_OK) {
		tell_applied(g, reason.text);
		return;
	}
	g->image = image;
	g->edge = edge;
	g->settings = image_xmpp_gateway_at(image, 0);
	if (!g->transactions)
		g->transactions = sip_transactions_new(GATEWAY_TRANSACTIONS_MAX, g->seed);
	streams_image_changed(g);
	talks_image_changed(g);
	policy_image_close(&old);
	tell_applied(g, "");
}

/* ---- credentials, listeners, settings of the host ---- */

static void report_not_applied(void *gateway, const char *why)
{
	struct gateway *g = gateway;
	struct gateway_report report;

	gateway_report_open(&report, g, CONTROL_EVENT_CONFIG_NOT_APPLIED);
	json_put_text(&report.w, "service", "gateway");
	json_put_number(&report.w, "version", g->image ? (int64_t)policy_image_generation(g->image) : 0);
	json_put_text(&report.w, "why", why);
	gateway_report_send(&report);
}

static void take_credentials(struct gateway *g, struct link_frame *frame)
{
	struct tls_credentials *fresh = NULL;
	struct link_credentials read = { .payload = NULL };
	struct reason reason = { "" };

	if (link_credentials_read(frame->payload, &read, &reason) == RESULT_OK &&
	    link_credentials_open(frame->fd, &read, TLS_XMPP, report_not_applied, g, &fresh, &reason) ==
	            RESULT_OK) {
		tls_credentials_free(&g->credentials);
		g->credentials = fresh;
		streams_credentials_changed(g);
	} else {
		report_not_applied(g, reason.text);
	}
	link_credentials_drop(&read);
	close(frame->fd);
}

static void accepted(void *owner, int fd, const struct address *from)
{
	struct gateway_listener *l = owner;

	streams_accept(l->gateway, fd, from, l->is_direct);
}

static void listener_drop(struct gateway_listener *l)
{
	list_remove(&l->node);
	listener_free(&l->listener);
	mem_free(l);
}

static void take_listener(struct gateway *g, struct link_frame *frame)
{
	struct gateway_listener *l = mem_new(sizeof *l);
	struct json *payload = NULL;
	struct reason reason = { "" };
	struct gateway_report report;
	enum result result;

	if (!l || json_read(frame->payload, &payload, &reason) != RESULT_OK) {
		close(frame->fd);
		mem_free(l);
		return;
	}
	l->gateway = g;
	l->id = frame->number;
	l->is_direct = slice_equal(json_as_slice(json_get(payload, "side")), SLICE("xmpp-tls"));
	result = listener_new(g->loop, frame->fd, accepted, l, &l->listener, &reason);
	gateway_report_open(&report, g,
	                    result == RESULT_OK ? CONTROL_EVENT_LISTENER_UP : CONTROL_EVENT_LISTENER_FAILED);
	json_put_slice(&report.w, "side", json_as_slice(json_get(payload, "side")));
	json_put_slice(&report.w, "address", json_as_slice(json_get(payload, "address")));
	if (result == RESULT_OK) {
		list_add_last(&g->listeners, &l->node);
	} else {
		json_put_text(&report.w, "why", reason.text);
		mem_free(l);
	}
	gateway_report_send(&report);
	json_free(&payload);
}

static void close_listener(struct gateway *g, uint64_t id)
{
	LIST_EACH_SAFE (at, &g->listeners) {
		struct gateway_listener *l = LIST_OWNER(at, struct gateway_listener, node);

		if (l->id == id)
			listener_drop(l);
	}
}

static void take_resolvers(struct gateway *g, const struct json *list)
{
	struct slice servers[GATEWAY_RESOLVERS_MAX];
	struct reason reason = { "" };
	struct gateway_report report;
	size_t count = 0;

	for (; count < GATEWAY_RESOLVERS_MAX && count < json_count(list); count++)
		servers[count] = json_as_slice(json_at(list, count));
	resolver_free(&g->resolver);
	if (resolver_new(g->loop, servers, count, g->seed, &g->resolver, &reason) != RESULT_OK) {
		gateway_report_open(&report, g, CONTROL_EVENT_LOOKUP_FAILED);
		json_put_text(&report.w, "name", "resolvers");
		json_put_text(&report.w, "why", reason.text);
		gateway_report_send(&report);
	}
	streams_resolver_changed(g);
}

static void take_host(struct gateway *g, struct slice payload)
{
	struct json *host = NULL;

	if (json_read(payload, &host, NULL) != RESULT_OK)
		return;
	slice_to_text(json_as_slice(json_get(host, "node")), g->node, sizeof g->node);
	crypto_hex_read(json_as_slice(json_get(host, "dialback_secret")), g->dialback_secret,
	                sizeof g->dialback_secret);
	take_resolvers(g, json_get(host, "resolvers"));
	streams_credentials_changed(g);
	json_free(&host);
}

/* ---- drain and end ---- */

static void drain_over(void *owner)
{
	struct gateway *g = owner;

	link_send(g->keeper, LINK_DRAINED, 0, SLICE(""), -1);
	loop_stop(g->loop);
}

static void close_streams(struct gateway *g)
{
	g->is_closing = true;
	streams_close_all(g);
	loop_timer_set(g->loop, &g->drain_timer, CONNECTION_CLOSE_DRAIN_MS, drain_over, g);
}

static void drain_late(void *owner) { close_streams(owner); }

static bool is_quiet(const struct gateway *g)
{
	return gateway_sip_is_quiet(g) && talks_are_quiet(g) && streams_are_quiet(g);
}

static void drain_check(struct gateway *g)
{
	if (!g->is_draining || !is_quiet(g))
		return;
	/* The polite closes have a while, and that is counted once. */
	if (streams_count(g) == 0)
		drain_over(g);
	else if (!g->is_closing)
		close_streams(g);
}

static void drain(struct gateway *g, int64_t deadline_ms)
{
	g->is_draining = true;
	LIST_EACH_SAFE (at, &g->listeners)
		listener_drop(LIST_OWNER(at, struct gateway_listener, node));
	talks_drain(g);
	loop_timer_set(g->loop, &g->drain_timer, deadline_ms > 0 ? deadline_ms : 1, drain_late, g);
	drain_check(g);
}

static void second(void *owner)
{
	struct gateway *g = owner;

	gateway_report_counters(g);
	if (g->image) {
		streams_second(g);
		talks_second(g);
	}
	drain_check(g);
	loop_timer_set(g->loop, &g->second_timer, 1000, second, g);
}

/* ---- frames ---- */

static void frame_came(void *owner, struct link_frame *frame)
{
	struct gateway *g = owner;

	switch ((unsigned)frame->type) {
	case LINK_CONFIGURE: take_host(g, frame->payload); break;
	case LINK_CREDENTIALS: take_credentials(g, frame); break;
	case LINK_IMAGE: take_image(g, frame); break;
	case LINK_LISTENER: take_listener(g, frame); break;
	case LINK_LISTENER_CLOSE: close_listener(g, frame->number); break;
	case LINK_QUERY: gateway_answer_query(g, frame->number, frame->payload); break;
	case LINK_TRIAL: gateway_answer_trial(g, frame->number, frame->fd); break;
	case LINK_DRAIN: drain(g, (int64_t)frame->number); break;
	default:
		if (frame->fd >= 0)
			close(frame->fd);
	}
}

static void say_hello(struct gateway *g)
{
	struct buffer text;
	struct json_writer w = json_write(&text);

	buffer_start(&text, 1024);
	json_open_object(&w, NULL);
	json_put_text(&w, "service", "gateway");
	json_put_number(&w, "generation", g->image ? (int64_t)policy_image_generation(g->image) : 0);
	json_open_array(&w, "listeners");
	LIST_EACH (at, &g->listeners)
		json_put_number(&w, NULL, (int64_t)LIST_OWNER(at, struct gateway_listener, node)->id);
	json_close_array(&w);
	json_close_object(&w);
	link_send(g->keeper, LINK_HELLO, 0, buffer_slice(&text), -1);
	buffer_stop(&text);
}

/* The keeper is gone: traffic goes on; the launcher will hand us a link to the next one. */
static void link_broken(void *owner)
{
	struct gateway *g = owner;

	link_free(&g->keeper);
}

static void launcher_frame(void *owner, struct link_frame *frame)
{
	struct gateway *g = owner;

	switch ((unsigned)frame->type) {
	case LINK_SERVICE_LINK:
		link_free(&g->keeper);
		g->keeper = link_new(g->loop, frame->fd, frame_came, link_broken, g);
		say_hello(g);
		break;
	case LINK_NEIGHBOUR: gateway_access_take(g, frame->fd); break;
	default:
		if (frame->fd >= 0)
			close(frame->fd);
	}
}

static void launcher_gone(void *owner)
{
	struct gateway *g = owner;

	loop_stop(g->loop); /* without a launcher nobody would restart or end us */
}

/* ---- birth and end ---- */

static bool start_all(struct gateway *g)
{
	list_start(&g->listeners);
	if (!crypto_random(&g->seed, sizeof g->seed) || !(g->loop = loop_new()))
		return false;
	handles_start(&g->connections, GATEWAY_CONNECTIONS_MAX);
	arena_start(&g->scratch, SIP_MESSAGE_ARENA_MAX * 4);
	return streams_start(g) && talks_start(g);
}

static void stop_all(struct gateway *g)
{
	LIST_EACH_SAFE (at, &g->listeners)
		listener_drop(LIST_OWNER(at, struct gateway_listener, node));
	talks_stop(g);
	streams_stop(g);
	resolver_free(&g->resolver);
	tls_credentials_free(&g->credentials);
	arena_stop(&g->scratch);
	mem_wipe(g->dialback_secret, sizeof g->dialback_secret);
}

int gateway_main(const struct process_start *start, const char *folder)
{
	struct gateway *g = mem_new(sizeof *g);
	struct link *launcher;

	if (!g)
		return GATEWAY_EXIT_SOFTWARE;
	g->start = start;
	g->folder = folder;
	if (!start_all(g))
		return GATEWAY_EXIT_SOFTWARE;
	g->keeper = link_new(g->loop, start->link, frame_came, link_broken, g);
	launcher = link_new(g->loop, start->launcher, launcher_frame, launcher_gone, g);
	if (!g->keeper || !launcher)
		return GATEWAY_EXIT_SOFTWARE;
	say_hello(g);
	loop_timer_set(g->loop, &g->second_timer, 1000, second, g);
	loop_run(g->loop);
#ifdef PARLEY_SANITIZED
	/* What nothing points at now has leaked; what is still in use goes with the process. */
	__lsan_do_leak_check();
#endif
	stop_all(g);
	return 0;
}
