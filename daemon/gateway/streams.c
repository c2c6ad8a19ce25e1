/*
 * The XMPP side's seam: life, limits, what a new image or certificate changes, the tick, and what is shown.
 */
#include "daemon/gateway/streams.h"

#include <stdio.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "shared/model/xmpp_security.h"

#define ROUTE_OF(at)  LIST_OWNER(at, struct route, node)
#define STREAM_OF(at) LIST_OWNER(at, struct stream, node)

/* ---- what the rows say ---- */

static struct xmpp_terms terms_of_row(const struct image_xmpp_partner *row)
{
	const struct xmpp_security *security = xmpp_security(row->tls_negotiation, row->sasl_negotiation,
	                                                     row->support_dialback_negotiation);

	return (struct xmpp_terms){
		.tls = row->tls_negotiation == XMPP_NEGOTIATION_REQUIRED   ? XMPP_TLS_ALWAYS
		       : row->tls_negotiation == XMPP_NEGOTIATION_OPTIONAL ? XMPP_TLS_IF_OFFERED
		                                                           : XMPP_TLS_NEVER,
		.may_sasl = security->has_sasl,
		.may_tls_dialback = security->has_tls_dialback,
		.may_tcp_dialback = security->has_tcp_dialback,
	};
}

bool streams_terms(const struct gateway *g, struct slice remote, struct xmpp_terms *out)
{
	if (gateway_stop(g->image, remote))
		return false;
	*out = terms_of_row(gateway_partner(g, remote));
	return true;
}

/*
 * Ours and those of proved partners.  Strangers have a share of their own, so that they keep no partner out; neither
 * does what is asked of a partner's server because a stranger has used its name.
 */
static bool takes_room(const struct stream *stream) { return stream->is_counted && !stream->is_for_asking; }

static size_t counted_streams(const struct streams *s)
{
	size_t count = 0;

	LIST_EACH (at, &s->stream_list)
		count += takes_room(STREAM_OF(at));
	return count;
}

static bool is_with(const struct stream *stream, const struct image_xmpp_partner *partner)
{
	return stream->partner[0] &&
	       gateway_partner(stream->streams->gateway, slice_of(stream->partner)) == partner;
}

bool streams_have_room(const struct streams *s, const struct image_xmpp_partner *partner, size_t more,
                       const char **why)
{
	const struct gateway *g = s->gateway;
	size_t count = 0, most;

	if (!partner)
		return true;
	most = (size_t)(partner->connection_limit ? partner->connection_limit
	                                          : g->settings->partner_connection_limit);
	if (counted_streams(s) + more > g->settings->connection_limit) {
		*why = "there are as many streams as connection-limit allows";
		return false;
	}
	LIST_EACH (at, &s->stream_list)
		count += takes_room(STREAM_OF(at)) && is_with(STREAM_OF(at), partner);
	if (count + more > most) {
		*why = "there are as many streams with the partner as its connection-limit allows";
		return false;
	}
	return true;
}

/* For strangers, beside what connection-limit gives to partners. */
static size_t strangers_max(const struct gateway *g)
{
	size_t share = (size_t)g->settings->connection_limit / STREAMS_UNPROVED_SHARE;

	if (share == 0)
		return 1;
	return share < STREAMS_UNPROVED_MAX ? share : STREAMS_UNPROVED_MAX;
}

bool streams_may_ask(const struct streams *s, const struct image_xmpp_partner *partner, const char **why)
{
	size_t count = 0, of_partner = 0;

	LIST_EACH (at, &s->stream_list) {
		const struct stream *stream = STREAM_OF(at);

		count += stream->is_for_asking;
		of_partner += stream->is_for_asking && is_with(stream, partner);
	}
	if (count < strangers_max(s->gateway) && of_partner < STREAMS_ASKING_PER_PARTNER_MAX)
		return true;
	*why = "too many dialback keys are being asked about";
	return false;
}

struct stream *streams_by_number(const struct streams *s, uint64_t number)
{
	LIST_EACH (at, &s->stream_list)
		if (STREAM_OF(at)->number == number)
			return STREAM_OF(at);
	return NULL;
}

/* ---- life ---- */

bool streams_start(struct gateway *g)
{
	struct streams *s = mem_new(sizeof *s);

	if (!s)
		return false;
	g->streams = s;
	s->gateway = g;
	list_start(&s->route_list);
	list_start(&s->stream_list);
	list_start(&s->owed);
	handles_start(&s->receipts, STREAMS_RECEIPTS_MAX);
	map_start(&s->routes, STREAMS_ROUTES_MAX, g->seed);
	map_start(&s->flying, STREAMS_FLYING_MAX, g->seed);
	s->parser = xmpp_parser_new();
	return s->parser != NULL;
}

void streams_stop(struct gateway *g)
{
	struct streams *s = g->streams;

	if (!s)
		return;
	/* Routes first: their attempts let go of the streams they made. */
	LIST_EACH_SAFE (at, &s->route_list)
		route_free(ROUTE_OF(at));
	LIST_EACH_SAFE (at, &s->stream_list) {
		struct stream *stream = STREAM_OF(at);

		while (!list_is_empty(&stream->flying))
			parcel_free(LIST_OWNER(stream->flying.next, struct parcel, node));
		stream_free(stream);
	}
	while (!list_is_empty(&s->owed))
		parcel_free(LIST_OWNER(s->owed.next, struct parcel, node));
	loop_defer_cancel(&s->pay);
	handles_stop(&s->receipts);
	map_stop(&s->routes);
	map_stop(&s->flying);
	xmpp_parser_free(&s->parser);
	mem_free(s);
	g->streams = NULL;
}

/* ---- who connects ---- */

static bool may_come_in(const struct streams *s, const struct address *from)
{
	size_t unproved = 0, of_source = 0;

	if (!s->gateway->image || s->gateway->is_draining ||
	    counted_streams(s) >= s->gateway->settings->connection_limit)
		return false;
	LIST_EACH (at, &s->stream_list) {
		const struct stream *stream = STREAM_OF(at);

		if (stream->is_counted)
			continue;
		unproved++;
		of_source += address_same_host(connection_remote(stream->connection), from);
	}
	return unproved < strangers_max(s->gateway) && of_source < STREAMS_UNPROVED_PER_SOURCE_MAX;
}

void streams_accept(struct gateway *g, int fd, const struct address *from, bool is_direct)
{
	if (may_come_in(g->streams, from) && (!is_direct || g->credentials))
		stream_accept(g->streams, fd, is_direct);
	else
		close(fd);
}

/* ---- what changes ---- */

/* Something may cross, or is about to. */
static bool is_alive(const struct xmpp_pair *pair)
{
	return pair->sending == XMPP_PAIR_READY || pair->sending == XMPP_PAIR_ASKED ||
	       pair->taking == XMPP_PAIR_READY || pair->taking == XMPP_PAIR_ASKED;
}

/* Its row may have become stricter than what the pair was proved by. */
static bool is_proved_enough(const struct policy_image *image, const struct stream *stream,
                             const struct xmpp_pair *pair)
{
	const struct xmpp_terms terms = terms_of_row(image_xmpp_partner_find(image, pair->remote));
	bool is_secure = xmpp_stream_is_secure(stream->xmpp);

	if (!is_secure && terms.tls == XMPP_TLS_ALWAYS)
		return false;
	switch (pair->proof) {
	case XMPP_PROOF_DIALBACK: return is_secure ? terms.may_tls_dialback : terms.may_tcp_dialback;
	case XMPP_PROOF_SASL: return terms.may_sasl;
	case XMPP_PROOF_DNS: return terms.may_sasl && terms.may_tls_dialback;
	case XMPP_PROOF_CERTIFICATE: return terms.may_sasl || terms.may_tls_dialback;
	case XMPP_PROOF_NONE: break; /* it will be judged by the row of then */
	}
	return true;
}

/* Why a stream could not stay under that image; NULL: it may.  Every pair counts: dialback puts several on one stream. */
static const char *ends_under(const struct policy_image *image, const struct stream *stream,
                              enum xmpp_stream_error *error)
{
	static const char off[] = "the partner has been switched off, blocked or removed";
	const struct xmpp_pair *pair = NULL;

	*error = XMPP_STREAM_NONE;
	if (stream->partner[0] && gateway_stop(image, slice_of(stream->partner)))
		return off;
	while (stream->xmpp && (pair = xmpp_stream_next_pair(stream->xmpp, pair))) {
		if (is_alive(pair) && gateway_stop(image, pair->remote))
			return off;
		if (is_alive(pair) && !is_proved_enough(image, stream, pair))
			return "the partner's row no longer allows what the stream was proved by";
	}
	*error = XMPP_STREAM_HOST_GONE;
	if (stream->xmpp && xmpp_stream_local(stream->xmpp).len &&
	    gateway_sip_domain_in(image, xmpp_stream_local(stream->xmpp)).ptr == NULL)
		return "the domain is no longer served here";
	while (stream->xmpp && (pair = xmpp_stream_next_pair(stream->xmpp, pair)))
		if (is_alive(pair) && gateway_sip_domain_in(image, pair->local).ptr == NULL)
			return "the domain is no longer served here";
	return NULL;
}

void streams_judge(struct stream *stream)
{
	enum xmpp_stream_error error;
	const char *why = ends_under(stream->streams->gateway->image, stream, &error);

	if (why)
		stream_close(stream, error, why);
}

/* Off, gone, or one of the domains no longer ours: what is under way there ends, and what waits is told. */
void streams_image_changed(struct gateway *g)
{
	struct streams *s = g->streams;

	LIST_EACH_SAFE (at, &s->route_list) {
		struct route *route = ROUTE_OF(at);
		struct xmpp_terms terms;

		if (!streams_terms(g, route->remote, &terms))
			route_stop(route, "the partner has been switched off or removed");
		else if (gateway_sip_domain(g, route->local).ptr == NULL)
			route_stop(route, "the sender's domain is no longer ours");
		else
			route_reset(route);
	}
	LIST_EACH_SAFE (at, &s->stream_list)
		streams_judge(STREAM_OF(at));
}

/* The next ones show the new certificate; those that live are held against the new authorities and lists. */
void streams_credentials_changed(struct gateway *g)
{
	LIST_EACH_SAFE (at, &g->streams->stream_list)
		stream_recheck(STREAM_OF(at));
	LIST_EACH_SAFE (at, &g->streams->route_list)
		if (g->image)
			route_reset(ROUTE_OF(at));
}

void streams_resolver_changed(struct gateway *g)
{
	LIST_EACH_SAFE (at, &g->streams->route_list) {
		struct route *route = ROUTE_OF(at);

		/* What they asked of the old one is lost with it. */
		if (route->dial) {
			dial_free(route->dial);
			route->dial = NULL;
		}
		if (route->asking_dial) {
			dial_free(route->asking_dial);
			route->asking_dial = NULL;
			route_ask_failed(route, "the resolvers have changed");
		}
		if (g->image)
			route_reset(route);
	}
}

/* ---- time ---- */

static bool is_of_use(const struct route *route)
{
	return route->sender || route->asker || route->dial || route->asking_dial || route->waiting_count ||
	       route->question_count || route->next_try_ms > gateway_now_ms(route->streams->gateway);
}

/* The last failure is shown for a while. */
static bool is_error_fresh(const struct route *route)
{
	int64_t since_ms = loop_now(route->streams->gateway->loop).wall_ms - ROUTE_FAILURE_SHOWN_MS;

	return (route->last_error[0] && route->last_error_wall_ms > since_ms) ||
	       (route->error_in[0] && route->error_in_wall_ms > since_ms);
}

void streams_second(struct gateway *g)
{
	LIST_EACH (at, &g->streams->route_list)
		ROUTE_OF(at)->has_stream = false;
	LIST_EACH_SAFE (at, &g->streams->stream_list) {
		struct route *route = STREAM_OF(at)->route;

		if (route)
			route->has_stream = true;
		stream_second(STREAM_OF(at));
	}
	LIST_EACH_SAFE (at, &g->streams->route_list) {
		struct route *route = ROUTE_OF(at);

		route_second(route);
		if (!is_of_use(route) && !route->has_stream && !is_error_fresh(route))
			route_free(route);
	}
}

bool streams_are_quiet(const struct gateway *g)
{
	if (!list_is_empty(&g->streams->owed))
		return false;
	LIST_EACH (at, &g->streams->route_list)
		if (ROUTE_OF(at)->waiting_count)
			return false;
	LIST_EACH (at, &g->streams->stream_list)
		LIST_EACH (flying, &STREAM_OF(at)->flying)
			if (LIST_OWNER(flying, struct parcel, node)->token)
				return false;
	return true;
}

void streams_close_all(struct gateway *g)
{
	LIST_EACH_SAFE (at, &g->streams->stream_list)
		stream_close(STREAM_OF(at), XMPP_STREAM_SYSTEM_SHUTDOWN, "the gateway is stopping");
}

size_t streams_close_one(struct gateway *g, struct slice id, struct slice who)
{
	char why[GATEWAY_WORDS_BYTES], shown[24];

	snprintf(why, sizeof why, "closed by administrator %.*s", SLICE_ARG(who));
	LIST_EACH (at, &g->streams->stream_list) {
		snprintf(shown, sizeof shown, "x-%llu", (unsigned long long)STREAM_OF(at)->number);
		if (slice_equal(slice_of(shown), id)) {
			stream_close(STREAM_OF(at), XMPP_STREAM_NONE, why);
			return 1;
		}
	}
	return 0;
}

size_t streams_count(const struct gateway *g) { return g->streams->stream_count; }

size_t streams_retry(struct gateway *g, struct slice domain, size_t *known)
{
	const struct image_xmpp_partner *partner = g->image ? gateway_partner(g, domain) : NULL;
	size_t count = 0;

	*known = 0;
	LIST_EACH_SAFE (at, &g->streams->route_list) {
		if (!partner || gateway_partner(g, ROUTE_OF(at)->remote) != partner)
			continue;
		++*known;
		count += route_retry(ROUTE_OF(at));
	}
	return count;
}

/* ---- what is shown ---- */

/* One word for one thing, wherever it is shown. */
static const char *state_of(const struct route *route)
{
	if (route->sender)
		return "up";
	if (route->dial)
		return "connecting";
	if (route->next_try_ms > gateway_now_ms(route->streams->gateway))
		return "back-off";
	return route->last_error[0] ? "failed" : "idle";
}

static void put_error(struct json_writer *w, const char *name, int64_t wall_ms, const char *by,
                      const char *words)
{
	if (!words[0])
		return;
	json_open_object(w, name);
	json_put_number(w, "time", wall_ms);
	json_put_text(w, "by", by);
	json_put_text(w, "text", words);
	json_close_object(w);
}

/* What ended a stream of theirs is what we found, whoever's fault it is. */
static void put_last_errors(const struct route *route, struct json_writer *w)
{
	put_error(w, "last_error_in", route->error_in_wall_ms, "us", route->error_in);
	put_error(w, "last_error_out", route->last_error_wall_ms, "network", route->last_error);
}

/* A route that could not be reached: why, and until when it is left alone. */
static void put_failed(const struct route *route, struct json_writer *w)
{
	struct instant now = loop_now(route->streams->gateway->loop);

	json_open_object(w, NULL);
	json_put_text(w, "id", "-");
	json_put_slice(w, "partner", route->remote);
	json_put_text(w, "side", "xmpp");
	json_put_text(w, "direction", "out");
	json_put_text(w, "state", state_of(route));
	json_put_text(w, "auth", "-");
	json_put_text(w, "tls", "");
	json_put_text(w, "address", "");
	json_put_number(w, "since", route->last_error_wall_ms);
	json_put_number(w, "next_retry",
	                route->next_try_ms > now.mono_ms ? now.wall_ms + (route->next_try_ms - now.mono_ms)
	                                                 : 0);
	json_put_text(w, "last_error", route->last_error);
	put_last_errors(route, w);
	json_open_array(w, "pairs");
	json_open_object(w, NULL);
	json_put_slice(w, "local", route->local);
	json_put_slice(w, "remote", route->remote);
	json_close_object(w);
	json_close_array(w);
	json_close_object(w);
}

void streams_write(struct gateway *g, struct gateway_page *page, struct json_writer *w)
{
	LIST_EACH (at, &g->streams->stream_list)
		if (gateway_page_takes(page))
			stream_write(STREAM_OF(at), w);
	LIST_EACH (at, &g->streams->route_list)
		if (!ROUTE_OF(at)->sender && !ROUTE_OF(at)->dial && ROUTE_OF(at)->last_error[0] &&
		    gateway_page_takes(page))
			put_failed(ROUTE_OF(at), w);
}

void streams_write_closing(struct gateway *g, const struct policy_image *image, struct gateway_page *page,
                           struct json_writer *w)
{
	enum xmpp_stream_error error;

	LIST_EACH (at, &g->streams->stream_list)
		if (ends_under(image, STREAM_OF(at), &error) && gateway_page_takes(page))
			stream_write(STREAM_OF(at), w);
}

/* Of the pair; those that came in, whose pair is not known by the domain alone, are shown with the first. */
static size_t streams_of(const struct route *route)
{
	size_t count = 0;
	bool is_first = true;

	LIST_EACH (at, &route->streams->route_list) {
		if (ROUTE_OF(at) == route)
			break;
		is_first &= !slice_equal(ROUTE_OF(at)->remote, route->remote);
	}
	LIST_EACH (at, &route->streams->stream_list) {
		const struct stream *s = STREAM_OF(at);

		count += s->route ? s->route == route
		                  : is_first && s->is_proved &&
		                            slice_equal(slice_of(s->partner), route->remote);
	}
	return count;
}

static void route_write(const struct route *route, struct json_writer *w)
{
	struct gateway *g = route->streams->gateway;
	int64_t wait = route->next_try_ms - gateway_now_ms(g);

	json_open_object(w, NULL);
	json_put_slice(w, "local", route->local);
	json_put_slice(w, "domain", route->remote);
	json_put_text(w, "state", state_of(route));
	json_put_number(w, "streams", (int64_t)streams_of(route));
	json_put_number(w, "waiting", (int64_t)route->waiting_count);
	json_put_number(w, "failures", route->failures);
	json_put_number(w, "next_try_s", wait > 0 ? (wait + 999) / 1000 : 0);
	json_put_text(w, "last_error", route->last_error);
	json_put_number(w, "last_error_at", route->last_error_wall_ms);
	json_put_text(w, "last_error_in", route->error_in);
	json_put_number(w, "last_error_in_at", route->error_in_wall_ms);
	json_close_object(w);
}

void streams_write_way(struct gateway *g, struct slice local, struct slice remote, struct json_writer *w)
{
	const struct route *route = route_find(g->streams, local, remote);
	int64_t wait = route ? route->next_try_ms - gateway_now_ms(g) : 0;

	json_put_text(w, "state", route ? state_of(route) : "idle");
	json_put_number(w, "next_try_s", wait > 0 ? (wait + 999) / 1000 : 0);
	if (route)
		put_last_errors(route, w);
}

void partners_write(struct gateway *g, struct gateway_page *page, struct json_writer *w)
{
	LIST_EACH (at, &g->streams->route_list)
		if (gateway_page_takes(page))
			route_write(ROUTE_OF(at), w);
}
