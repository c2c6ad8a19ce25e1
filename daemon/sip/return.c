/*
 * return: a response on its way back (RFC 3261 §16.7), as edits.
 */
#include "daemon/sip/grammar.h"
#include "daemon/sip/names.h"
#include "daemon/sip/route_token.h"

static bool is_ours_on(const struct sip_proxy *proxy, enum sip_side side, const struct sip_address *route,
                       struct arena *arena, const struct sip_route_binding *binding, bool is_same_way,
                       struct sip_token *token)
{
	struct sip_route_binding shown = *binding;

	shown.bearer = side;
	return sip_proxy_is_ours(proxy, side, &route->uri) &&
	       sip_route_token_check(proxy, arena, route->uri.user, &shown, token) != SIP_TOKEN_BAD &&
	       sip_route_token_is_same_way(route->uri.user) == is_same_way && token->towards != side;
}

/* The Record-Route list with one value exchanged, the others byte for byte: peers sign theirs. */
static struct slice with_value(const struct sip_routes *routes, size_t index, struct slice value,
                               struct arena *arena)
{
	size_t size = value.len;
	char *text, *at;

	for (size_t i = 0; i < routes->count; i++)
		size += routes->list[i].all.len + 2;
	text = at = arena_new(arena, size);
	for (size_t i = 0; text && i < routes->count; i++) {
		struct slice one = i == index ? value : routes->list[i].all;

		if (i > 0) {
			memcpy(at, ", ", 2);
			at += 2;
		}
		memcpy(at, one.ptr, one.len);
		at += one.len;
	}
	return text ? sip_between(text, at) : SLICE_NONE;
}

/*
 * A dialog that was begun outside: what the inside has added above ours will
 * stand behind ours in the Route of its first party, in reverse order (§12.1.2).
 * The value that party uses is made anew to cover it (§16.7 step 8 lets a proxy
 * rewrite its own).  False: no memory.
 */
static bool cover_inside(const struct sip_proxy *proxy, const struct sip_message *response,
                         enum sip_side outside, struct sip_edits *edits)
{
	struct arena *arena = response->arena;
	struct sip_route_binding binding = { .call_id = response->call_id,
		                             .tag = response->from.tag,
		                             .caller = &response->from.uri,
		                             .callee = &response->to.uri };
	struct sip_routes *routes;
	struct sip_address *behind;
	struct sip_token token;
	struct slice text, list;
	size_t ours = 1;

	if (!sip_message_header(response, SIP_RECORD_ROUTE))
		return true;
	routes = arena_new(arena, sizeof *routes);
	if (!routes)
		return false;
	if (!sip_routes_read(response, SIP_RECORD_ROUTE, routes))
		return true; /* not of our making: its dialog will not pass here */
	while (ours < routes->count &&
	       !(is_ours_on(proxy, outside, &routes->list[ours], arena, &binding, true, &token) &&
	         is_ours_on(proxy, SIP_SIDE_INTERNAL, &routes->list[ours - 1], arena, &binding, false,
	                    &(struct sip_token){ 0 })))
		ours++;
	if (ours >= routes->count || ours == 1)
		return true; /* none of ours, or nothing above: it covers nothing, and rightly */
	behind = arena_new_array(arena, ours - 1, sizeof *behind);
	if (!behind)
		return false;
	for (size_t i = 0; i < ours - 1; i++)
		behind[i] = routes->list[ours - 2 - i];
	binding.behind = behind;
	binding.behind_count = ours - 1;
	binding.bearer = outside;
	text = sip_route_token_cover(proxy, arena, routes->list[ours].uri.user, &binding);
	if (!text.ptr)
		return false;
	text = sip_route_value(proxy, arena, outside, routes->list[ours].uri.scheme == SIP_URI_SIPS, text);
	list = text.ptr ? with_value(routes, ours, text, arena) : SLICE_NONE;
	if (list.ptr)
		sip_edit_add(edits, SIP_EDIT_REPLACE, SIP_RECORD_ROUTE, list);
	return list.ptr != NULL;
}

bool sip_proxy_return(const struct sip_proxy *proxy, const struct sip_message *response, enum sip_side from,
                      enum sip_side to, struct sip_edits *edits)
{
	struct sip_walk walk = { 0 };
	struct sip_via next;
	struct slice value;

	/* §18.1.2: the topmost Via is the one we wrote on that side; §16.7 step 3: another must be under it. */
	if (!sip_via_is_ours(&proxy->side[from], &response->via) ||
	    !sip_message_walk(response, SIP_VIA, &walk, &value) ||
	    !sip_message_walk(response, SIP_VIA, &walk, &value) ||
	    sip_via_parse(value, &next, NULL) != SIP_PARSE_OK || !sip_host_is_one(next.host) ||
	    (next.received.ptr && !sip_host_is_one(next.received)))
		return false;
	edits->strip |= sip_strip_on(from, to);
	sip_edit_add(edits, SIP_EDIT_REMOVE_FIRST_VALUE, SIP_VIA, SLICE_NONE);
	if (from == SIP_SIDE_INTERNAL && to != SIP_SIDE_INTERNAL && !cover_inside(proxy, response, to, edits))
		return false;
	return !edits->is_broken;
}
