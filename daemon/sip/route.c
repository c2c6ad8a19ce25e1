/*
 * route: what a request's Route header asks of us (RFC 3261 §16.4), and who may ask.
 *
 * From outside a Route steers nothing: our own values are taken off, where the
 * request goes is what the token says, and the only values that may follow
 * are those the inside had put there when the dialog was made, which the token
 * covers.  From inside whatever follows is the sender's business.
 */
#include "daemon/sip/grammar.h"
#include "daemon/sip/route_token.h"

/* Where we are in the list of routes: `at` is the next that has not been taken. */
struct trip {
	const struct sip_proxy *proxy;
	const struct sip_message *m;
	struct arena *arena;
	enum sip_side from;
	struct sip_routes *routes;
	size_t at;
	struct slice target; /* Request-URI as it goes on */
};

static bool is_outside(enum sip_side side) { return side != SIP_SIDE_INTERNAL; }

/* From outside in, from inside out. */
static bool leads_across(enum sip_side from, enum sip_side towards)
{
	return is_outside(from) != is_outside(towards);
}

static struct sip_route_binding binding_of(const struct trip *trip, struct slice token, bool is_paired)
{
	/* Our other value travels in the same Route and was made for the opposite way. */
	bool is_same_way = sip_route_token_is_same_way(token) != is_paired;

	return (struct sip_route_binding){ .call_id = trip->m->call_id,
		                           .tag = is_same_way ? trip->m->from.tag : trip->m->to.tag,
		                           .caller = is_same_way ? &trip->m->from.uri : &trip->m->to.uri,
		                           .callee = is_same_way ? &trip->m->to.uri : &trip->m->from.uri,
		                           .bearer = is_paired ? SIP_SIDE_INTERNAL : trip->from };
}

static bool is_ours_across(const struct trip *trip, const struct sip_uri *uri)
{
	for (unsigned side = 0; side < SIP_SIDES; side++)
		if (leads_across(trip->from, (enum sip_side)side) &&
		    sip_proxy_is_ours(trip->proxy, (enum sip_side)side, uri))
			return true;
	return false;
}

/* Takes the other value of a double Record-Route (RFC 5658) when it is next. */
static void take_pair(struct trip *trip)
{
	const struct sip_uri *uri = &trip->routes->list[trip->at].uri;
	struct sip_route_binding binding;
	struct sip_token token;

	if (trip->at >= trip->routes->count || !is_ours_across(trip, uri) ||
	    !sip_route_token_has_form(uri->user) || sip_route_token_is_path(uri->user))
		return;
	binding = binding_of(trip, uri->user, true);
	/* From inside it is our external value, which covers routes that are not in this request; its name will do. */
	if (trip->from == SIP_SIDE_INTERNAL ||
	    (sip_route_token_check(trip->proxy, trip->arena, uri->user, &binding, &token) != SIP_TOKEN_BAD &&
	     token.towards == trip->from))
		trip->at++;
}

static enum sip_route_answer take_token(struct trip *trip, const struct sip_uri *uri, struct sip_token *token)
{
	struct sip_route_binding binding;
	enum sip_route_check check;

	if (!sip_route_token_has_form(uri->user) || sip_route_token_is_path(uri->user))
		return SIP_ROUTE_FORGED;
	take_pair(trip);
	binding = binding_of(trip, uri->user, false);
	if (is_outside(trip->from)) {
		binding.behind = trip->routes->list + trip->at;
		binding.behind_count = trip->routes->count - trip->at;
	}
	check = sip_route_token_check(trip->proxy, trip->arena, uri->user, &binding, token);
	if (check == SIP_TOKEN_BAD || !leads_across(trip->from, token->towards))
		return SIP_ROUTE_FORGED;
	return check == SIP_TOKEN_GOOD ? SIP_ROUTE_TOKEN : SIP_ROUTE_OTHER_PARTIES;
}

/* RFC 5626 §5.3: the registrar's Route is the Path we gave it.  Only our own servers know one. */
static bool take_flow(const struct trip *trip, const struct sip_uri *uri, struct sip_token *token)
{
	const struct sip_route_binding nothing = { .call_id = SLICE("") };

	return !is_outside(trip->from) &&
	       sip_route_token_check(trip->proxy, trip->arena, uri->user, &nothing, token) == SIP_TOKEN_GOOD;
}

/* ---- what remains, as edits ---- */

/*
 * One value as it goes on.  From inside byte for byte; from outside only what the token covers, the
 * URI: a display name or a parameter behind the brackets is the stranger's.
 */
static char *add_value(const struct trip *trip, const struct sip_address *route, char *to)
{
	if (trip->from == SIP_SIDE_INTERNAL)
		return mempcpy(to, route->all.ptr, route->all.len);
	*to++ = '<';
	to = mempcpy(to, route->uri.all.ptr, route->uri.all.len);
	*to++ = '>';
	return to;
}

/* The values from `at` on, and `last` behind them when there is one. */
static struct slice join(const struct trip *trip, struct slice last)
{
	size_t size = last.len + 2;
	char *text, *to;

	for (size_t i = trip->at; i < trip->routes->count; i++)
		size += trip->routes->list[i].all.len + sizeof "<>, ";
	text = to = arena_new(trip->arena, size);
	for (size_t i = trip->at; text && i < trip->routes->count; i++) {
		to = add_value(trip, &trip->routes->list[i], to);
		if (i + 1 < trip->routes->count || last.len)
			to = mempcpy(to, ", ", 2);
	}
	if (text && last.len)
		to = mempcpy(to, last.ptr, last.len);
	return text ? sip_between(text, to) : SLICE_NONE;
}

/* False: no memory. */
static bool write_rest(struct trip *trip, struct sip_edits *edits)
{
	struct slice last = SLICE_NONE, rest, lr;
	bool has_rest = trip->at < trip->routes->count;

	/* §16.6 step 6: a strict router comes next; it finds itself in the Request-URI and the target at the end. */
	if (has_rest && !sip_param(trip->routes->list[trip->at].uri.params, SLICE("lr"), &lr)) {
		last = slice_of(arena_printf(trip->arena, "<%.*s>", SLICE_ARG(trip->target)));
		if (!last.ptr)
			return false;
		trip->target = trip->routes->list[trip->at++].uri.all;
	}
	if (!slice_equal(trip->target, trip->m->target))
		sip_edit_add(edits, SIP_EDIT_TARGET, SIP_HEADER_OTHER, trip->target);
	if (trip->at == trip->routes->count && !last.len) {
		sip_edit_add(edits, SIP_EDIT_REMOVE_ALL, SIP_ROUTE, SLICE_NONE);
		return true;
	}
	rest = join(trip, last);
	if (rest.ptr)
		sip_edit_add(edits, SIP_EDIT_REPLACE, SIP_ROUTE, rest);
	return rest.ptr != NULL;
}

/* ---- the question ---- */

/* Out of a dialog the Request-URI alone says where to; from outside it may not name a machine to send to (§16.4). */
static enum sip_route_answer without_token(const struct trip *trip, enum sip_route_answer answer)
{
	struct slice maddr;

	if (is_outside(trip->from) && sip_param(trip->m->target_uri.params, SLICE("maddr"), &maddr))
		return SIP_ROUTE_FORGED;
	return answer;
}

/*
 * §16.4: a strict router upstream has put our value into the Request-URI and the
 * target behind all routes.  Only a URI with a token's form is one: a Lync GRUU
 * in the Request-URI of an in-dialog request, or a user who lives under the
 * edge's own name, is an ordinary target.
 */
static bool is_from_strict_router(const struct trip *trip)
{
	return sip_proxy_is_ours(trip->proxy, trip->from, &trip->m->target_uri) &&
	       sip_route_token_has_form(trip->m->target_uri.user);
}

static enum sip_route_answer take(struct trip *trip, struct sip_edits *edits, struct sip_token *token)
{
	const struct sip_uri *first = &trip->routes->list[0].uri;

	if (is_from_strict_router(trip)) {
		if (trip->routes->count == 0)
			return SIP_ROUTE_FORGED;
		first = &trip->m->target_uri;
		trip->target = trip->routes->list[--trip->routes->count].uri.all;
	} else if (trip->routes->count == 0) {
		return without_token(trip, SIP_ROUTE_NEW);
	} else if (!sip_proxy_is_ours(trip->proxy, trip->from, first)) {
		return SIP_ROUTE_FORGED;
	} else {
		trip->at = 1;
	}
	if (sip_route_token_has_form(first->user) && sip_route_token_is_path(first->user))
		return take_flow(trip, first, token) && write_rest(trip, edits) ? SIP_ROUTE_FLOW
		                                                                : SIP_ROUTE_FORGED;
	if (first->user.len > 0) {
		enum sip_route_answer answer = take_token(trip, first, token);

		return answer != SIP_ROUTE_TOKEN || write_rest(trip, edits) ? answer : SIP_ROUTE_FORGED;
	}
	if (is_outside(trip->from) && trip->at < trip->routes->count)
		return SIP_ROUTE_FORGED;
	return without_token(trip, write_rest(trip, edits) ? SIP_ROUTE_PRELOADED : SIP_ROUTE_FORGED);
}

enum sip_route_answer sip_proxy_take_route(const struct sip_proxy *proxy, enum sip_side from,
                                           const struct sip_message *request, struct sip_edits *edits,
                                           struct sip_token *token, struct arena *arena)
{
	struct sip_routes routes; /* 8 KiB, and most requests have none: not cleared */
	struct trip trip = { .proxy = proxy,
		             .m = request,
		             .arena = arena,
		             .from = from,
		             .routes = &routes,
		             .target = request->target };
	size_t count = edits->count;
	enum sip_route_answer answer = SIP_ROUTE_FORGED;

	*token = (struct sip_token){ 0 };
	if (sip_routes_read(request, SIP_ROUTE, &routes))
		answer = take(&trip, edits, token);
	if (answer == SIP_ROUTE_FORGED || answer == SIP_ROUTE_OTHER_PARTIES)
		edits->count = count;
	return answer;
}
