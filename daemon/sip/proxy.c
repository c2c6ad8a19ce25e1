/*
 * proxy: a request on its way through (RFC 3261 §16.6) and its response on the
 * way back (§16.7), as edits.  Routes are read in route.c.
 */
#include "daemon/sip/proxy.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/sip/grammar.h"
#include "daemon/sip/route_token.h"

enum { MAX_FORWARDS_FIRST = 70 }; /* §16.6 step 3: for a request that came without */

/* ---- is it us? ---- */

struct ip {
	int family;
	uint8_t bytes[16];
};

/* Addresses are compared as numbers: an IPv6 address has many spellings (RFC 5118 §4.10). */
static bool read_ip(struct slice text, struct ip *out)
{
	char name[INET6_ADDRSTRLEN + 1];

	*out = (struct ip){ 0 };
	if (!slice_to_text(text, name, sizeof name))
		return false;
	out->family = slice_find(text, ':') < text.len ? AF_INET6 : AF_INET;
	return inet_pton(out->family, name, out->bytes) == 1;
}

static bool is_same_host(struct slice a, struct slice b)
{
	struct ip one, two;

	if (a.len > 0 && a.ptr[a.len - 1] == '.')
		a.len--;
	return slice_equal_nocase(a, b) ||
	       (read_ip(a, &one) && read_ip(b, &two) && memcmp(&one, &two, sizeof one) == 0);
}

static bool is_our_host(const struct sip_side_names *names, struct slice host)
{
	if (names->fqdn.len > 0 && is_same_host(host, names->fqdn))
		return true;
	for (size_t i = 0; i < names->address_count; i++)
		if (is_same_host(host, names->addresses[i]))
			return true;
	return false;
}

bool sip_proxy_is_ours(const struct sip_proxy *proxy, enum sip_side side, const struct sip_uri *uri)
{
	const struct sip_side_names *names = &proxy->side[side];
	struct slice value;

	if (uri->scheme != SIP_URI_SIP && uri->scheme != SIP_URI_SIPS)
		return false;
	/* §16.4: maddr and transport say where to send it, and that is then not here. */
	if (sip_param(uri->params, SLICE("maddr"), &value) ||
	    (sip_param(uri->params, SLICE("transport"), &value) &&
	     !slice_equal_nocase(value, names->transport)))
		return false;
	return (uri->port == 0 || uri->port == names->port) && is_our_host(names, uri->host);
}

/* ---- loops: RFC 3261 §16.3 step 4, RFC 5393 §4.2 ---- */

static uint64_t mix(struct siphash_key key, uint64_t so_far, struct slice piece)
{
	uint64_t pair[2] = { so_far, siphash(key, piece) };

	return siphash(key, (struct slice){ (const char *)pair, sizeof pair });
}

static uint64_t mix_values(struct siphash_key key, uint64_t so_far, const struct sip_message *m,
                           enum sip_header_id id)
{
	struct sip_walk walk = { 0 };
	struct slice value;

	while (sip_message_walk(m, id, &walk, &value))
		so_far = mix(key, so_far, value);
	return mix(key, so_far, SLICE(""));
}

/*
 * Everything that decides where a request goes, as it came in.  The topmost Via
 * is not among it: it changes on every round, and the loop would pass for a
 * spiral (RFC 5393 §4.2.1).
 */
static uint64_t loop_part(const struct sip_proxy *proxy, const struct sip_message *m)
{
	struct siphash_key key = proxy->loop_key;
	uint64_t h = mix(key, m->cseq.number, m->target);

	h = mix(key, h, m->from.tag);
	h = mix(key, h, m->to.tag);
	h = mix(key, h, m->call_id);
	h = mix_values(key, h, m, SIP_ROUTE);
	return mix_values(key, h, m, SIP_PROXY_REQUIRE);
}

enum { BRANCH_LOOP_AT = 7 + 16 + 1, BRANCH_BYTES = BRANCH_LOOP_AT + 16 };

struct slice sip_proxy_branch(const struct sip_proxy *proxy, struct arena *arena,
                              const struct sip_message *request, uint64_t random)
{
	char *text = arena_printf(arena, "z9hG4bK%016" PRIx64 "-%016" PRIx64, random,
	                          loop_part(proxy, request));

	return slice_of(text);
}

static bool is_our_via(const struct sip_side_names *names, const struct sip_via *via)
{
	return via->port == names->port && is_same_host(via->host, names->fqdn);
}

bool sip_proxy_is_loop(const struct sip_proxy *proxy, const struct sip_message *request)
{
	struct sip_walk walk = { 0 };
	struct sip_via via;
	struct slice value;
	uint64_t here = 0;
	bool is_counted = false;

	while (sip_message_walk(request, SIP_VIA, &walk, &value)) {
		char wanted[17];

		if (sip_via_parse(value, &via, NULL) != SIP_PARSE_OK || via.branch.len != BRANCH_BYTES ||
		    (!is_our_via(&proxy->side[SIP_SIDE_EXTERNAL], &via) &&
		     !is_our_via(&proxy->side[SIP_SIDE_INTERNAL], &via)))
			continue;
		if (!is_counted)
			here = loop_part(proxy, request);
		is_counted = true;
		snprintf(wanted, sizeof wanted, "%016" PRIx64, here);
		if (slice_equal(slice_after(via.branch, BRANCH_LOOP_AT), slice_of(wanted)))
			return true;
	}
	return false;
}

/* ---- forwarding: §16.6 ---- */

static bool one_hop_less(const struct sip_message *m, struct sip_edits *edits, struct arena *arena)
{
	char *text;

	if (m->has_max_forwards && m->max_forwards == 0)
		return false;
	text = arena_printf(arena, "%d", m->has_max_forwards ? m->max_forwards - 1 : MAX_FORWARDS_FIRST);
	if (text)
		sip_edit_add(edits, SIP_EDIT_REPLACE, SIP_MAX_FORWARDS, slice_of(text));
	return text != NULL;
}

/* The parameters without those named `received` and `rport`, as they came; each with its ';' in front. */
static size_t copy_other_params(struct slice params, char *to)
{
	size_t length = 0;

	while (params.len > 0) {
		bool is_quoted = false;
		size_t end = 0;

		for (; end < params.len && (is_quoted || params.ptr[end] != ';'); end++) {
			if (params.ptr[end] == '\\' && is_quoted && end + 1 < params.len)
				end++;
			else if (params.ptr[end] == '"')
				is_quoted = !is_quoted;
		}

		struct slice one = slice_trim(slice_first(params, end));
		struct slice name = slice_trim(slice_first(one, slice_find(one, '=')));

		params = slice_after(params, end < params.len ? end + 1 : end);
		if (one.len == 0 || slice_equal_nocase(name, SLICE("received")) ||
		    slice_equal_nocase(name, SLICE("rport")))
			continue;
		to[length++] = ';';
		memcpy(to + length, one.ptr, one.len);
		length += one.len;
	}
	return length;
}

/*
 * §18.2.1 and RFC 3581 §4: says on the topmost Via where the request really came
 * from.  What its sender wrote there itself is not believed.  No response of
 * ours is sent by it (they go down the connection), but the neighbours read it.
 */
static bool mark_source(const struct sip_message *m, const struct sip_forward *how, struct sip_edits *edits,
                        struct arena *arena)
{
	const struct sip_via *via = &m->via;
	size_t head = via->params.ptr ? (size_t)(via->params.ptr - via->all.ptr) : via->all.len;
	struct slice old_rport;
	bool had_rport = via->has_rport && sip_param(via->params, SLICE("rport"), &old_rport);
	bool is_elsewhere = how->source_address.len > 0 && !is_same_host(via->host, how->source_address);
	struct slice start = slice_first(via->all, head);
	char *text, *at;

	if (!is_elsewhere && !had_rport && !via->received.ptr)
		return true;
	while (start.len > 0 && (start.ptr[start.len - 1] == ';' || sip_is_blank(start.ptr[start.len - 1])))
		start.len--;
	text = at = arena_new(arena,
	                      via->all.len + how->source_address.len + sizeof ";received=;rport=65535");
	if (!text)
		return false;
	memcpy(at, start.ptr, start.len);
	at += start.len;
	at += copy_other_params(via->params, at);
	if (is_elsewhere ||
	    (had_rport && how->source_address.len > 0)) { /* RFC 3581 §4: rport always with received */
		memcpy(at, ";received=", sizeof ";received=" - 1);
		at += sizeof ";received=" - 1;
		memcpy(at, how->source_address.ptr, how->source_address.len);
		at += how->source_address.len;
	}
	if (had_rport)
		at += snprintf(at, sizeof ";rport=65535", ";rport=%u", (unsigned)how->source_port);
	sip_edit_add(edits, SIP_EDIT_REPLACE_FIRST_VALUE, SIP_VIA, sip_between(text, at));
	return true;
}

/* "alias" (RFC 5923 §5): requests for us may come back over the connection, whose certificate says who we are. */
static bool add_via(const struct sip_side_names *names, struct slice branch, struct sip_edits *edits,
                    struct arena *arena)
{
	char *text = arena_printf(arena, "SIP/2.0/%.*s %.*s:%u;branch=%.*s%s",
	                          SLICE_ARG(names->via_transport), SLICE_ARG(names->fqdn),
	                          (unsigned)names->port, SLICE_ARG(branch),
	                          slice_equal(names->via_transport, SLICE("TLS")) ? ";alias" : "");

	if (text)
		sip_edit_add(edits, SIP_EDIT_PREPEND, SIP_VIA, slice_of(text));
	return text != NULL;
}

/*
 * §16.6 step 4: a sips request is record-routed as sips.
 * DEPARTS: RFC 3261 §16.6 step 4, because towards a side where we listen without
 * TLS a sips URI would name a port that speaks something else.
 */
static bool is_route_sips(const struct sip_proxy *proxy, const struct sip_message *m, enum sip_side side)
{
	return m->target_uri.scheme == SIP_URI_SIPS && slice_equal(proxy->side[side].transport, SLICE("tls"));
}

/*
 * RFC 5658 §4: two values, the one for the next hop's side on top.  The value
 * that the outside will put into Route also covers what stands behind it then:
 * for a request going out the Record-Routes of the inside, which are there
 * already; for one coming in those that the inside will add, so that one is made
 * anew on the response (cover_inside).
 */
static bool add_record_routes(const struct sip_proxy *proxy, const struct sip_message *m,
                              const struct sip_forward *how, struct sip_edits *edits, struct arena *arena)
{
	struct sip_routes *inside = NULL;
	struct sip_route_binding there = { .call_id = m->call_id, .tag = m->from.tag }, back = there;
	struct sip_token next = { how->to, how->next_hop }, previous = { how->from, how->previous_hop };
	struct slice same_way, other_way, near, far;
	char *text;

	if (how->from == SIP_SIDE_INTERNAL) {
		inside = arena_new(arena, sizeof *inside);
		if (!inside || !sip_routes_read(m, SIP_RECORD_ROUTE, inside))
			return false;
		back.behind = inside->list;
		back.behind_count = inside->count;
	}
	same_way = sip_route_token_make(proxy, arena, &next, true, &there);
	other_way = sip_route_token_make(proxy, arena, &previous, false, &back);
	if (!same_way.ptr || !other_way.ptr)
		return false;
	near = sip_route_value(proxy, arena, how->to, is_route_sips(proxy, m, how->to), other_way);
	far = sip_route_value(proxy, arena, how->from, is_route_sips(proxy, m, how->from), same_way);
	text = near.ptr && far.ptr ? arena_printf(arena, "%.*s, %.*s", SLICE_ARG(near), SLICE_ARG(far))
	                           : NULL;
	if (text)
		sip_edit_add(edits, SIP_EDIT_PREPEND, SIP_RECORD_ROUTE, slice_of(text));
	return text != NULL;
}

static unsigned strip_towards(enum sip_side side)
{
	return side == SIP_SIDE_INTERNAL ? SIP_STRIP_IN : SIP_STRIP_OUT;
}

bool sip_proxy_forward(const struct sip_proxy *proxy, const struct sip_message *request,
                       const struct sip_forward *how, struct sip_edits *edits, struct arena *arena)
{
	edits->strip |= strip_towards(how->to);
	return one_hop_less(request, edits, arena)                                             /* step 3 */
	       && (!how->record_route || add_record_routes(proxy, request, how, edits, arena)) /* step 4 */
	       && mark_source(request, how, edits, arena) &&
	       add_via(&proxy->side[how->to], how->branch, edits, arena) /* step 8 */
	       && !edits->is_broken;
}

/* ---- the way back: §16.7 ---- */

/* RFC 4475 §3.1.2.16: a response for a broadcast or group address has been made up. */
static bool is_one_host(struct slice host)
{
	struct ip ip;

	if (!read_ip(host, &ip))
		return true;
	if (ip.family == AF_INET6)
		return ip.bytes[0] != 0xff;
	return ip.bytes[0] != 0 && ip.bytes[0] < 224;
}

static bool is_ours_on(const struct sip_proxy *proxy, enum sip_side side, const struct sip_address *route,
                       struct arena *arena, const struct sip_route_binding *binding, bool is_same_way,
                       struct sip_token *token)
{
	return sip_proxy_is_ours(proxy, side, &route->uri) &&
	       sip_route_token_check(proxy, arena, route->uri.user, binding, token) &&
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
                         struct sip_edits *edits)
{
	struct arena *arena = response->arena;
	struct sip_route_binding binding = { .call_id = response->call_id, .tag = response->from.tag };
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
	       !(is_ours_on(proxy, SIP_SIDE_EXTERNAL, &routes->list[ours], arena, &binding, true, &token) &&
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
	text = sip_route_token_make(proxy, arena, &token, true, &binding);
	if (!text.ptr)
		return false;
	text = sip_route_value(proxy, arena, SIP_SIDE_EXTERNAL, routes->list[ours].uri.scheme == SIP_URI_SIPS,
	                       text);
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
	if (!is_our_via(&proxy->side[from], &response->via) ||
	    !sip_message_walk(response, SIP_VIA, &walk, &value) ||
	    !sip_message_walk(response, SIP_VIA, &walk, &value) ||
	    sip_via_parse(value, &next, NULL) != SIP_PARSE_OK || !is_one_host(next.host) ||
	    (next.received.ptr && !is_one_host(next.received)))
		return false;
	edits->strip |= strip_towards(to);
	sip_edit_add(edits, SIP_EDIT_REMOVE_FIRST_VALUE, SIP_VIA, SLICE_NONE);
	if (from == SIP_SIDE_INTERNAL && to == SIP_SIDE_EXTERNAL && !cover_inside(proxy, response, edits))
		return false;
	return !edits->is_broken;
}
