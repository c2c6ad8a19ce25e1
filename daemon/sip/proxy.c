/*
 * proxy: a request on its way through (RFC 3261 §16.6), as edits.  Routes are
 * read in route.c before; the response goes back in return.c.
 */
#include <stdio.h>

#include "daemon/sip/grammar.h"
#include "daemon/sip/names.h"
#include "daemon/sip/route_token.h"

enum { MAX_FORWARDS_FIRST = 70 }; /* §16.6 step 3: for a request that came without */

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
	bool is_elsewhere = how->source_address.len > 0 && !sip_host_is_same(via->host, how->source_address);
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
	struct sip_route_binding there = { .call_id = m->call_id,
		                           .tag = m->from.tag,
		                           .caller = &m->from.uri,
		                           .callee = &m->to.uri },
	                         back = there;
	struct sip_token next = { .towards = how->to,
		                  .is_same_way = true,
		                  .next_hop = how->next_hop,
		                  .decided_user = how->decided_user,
		                  .decided_host = how->decided_host,
		                  .decided_is_from = how->decided_is_from };
	struct sip_token previous = { .towards = how->from,
		                      .next_hop = how->previous_hop,
		                      .decided_user = how->decided_user,
		                      .decided_host = how->decided_host,
		                      .decided_is_from = !how->decided_is_from };
	struct slice same_way, other_way, near, far;
	char *text;

	if (how->from == SIP_SIDE_INTERNAL) {
		inside = arena_new(arena, sizeof *inside);
		if (!inside || !sip_routes_read(m, SIP_RECORD_ROUTE, inside))
			return false;
		back.behind = inside->list;
		back.behind_count = inside->count;
	}
	there.bearer = how->from;
	back.bearer = how->to;
	same_way = sip_route_token_make(proxy, arena, &next, &there);
	other_way = sip_route_token_make(proxy, arena, &previous, &back);
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

bool sip_proxy_forward(const struct sip_proxy *proxy, const struct sip_message *request,
                       const struct sip_forward *how, struct sip_edits *edits, struct arena *arena)
{
	edits->strip |= sip_strip_on(how->from, how->to);
	return one_hop_less(request, edits, arena)                                             /* step 3 */
	       && (!how->record_route || add_record_routes(proxy, request, how, edits, arena)) /* step 4 */
	       && mark_source(request, how, edits, arena) &&
	       add_via(&proxy->side[how->to], how->branch, edits, arena) /* step 8 */
	       && !edits->is_broken;
}

struct slice sip_proxy_path(const struct sip_proxy *proxy, struct arena *arena, struct slice flow,
                            bool has_ob)
{
	const struct sip_side_names *names = &proxy->side[SIP_SIDE_INTERNAL];
	struct slice token = sip_route_token_make_path(proxy, arena, flow);
	char *text = token.ptr ? arena_printf(arena, "<sip:%.*s@%.*s:%u;transport=%.*s;lr%s>",
	                                      SLICE_ARG(token), SLICE_ARG(names->fqdn), (unsigned)names->port,
	                                      SLICE_ARG(names->transport), has_ob ? ";ob" : "")
	                       : NULL;

	return slice_of(text);
}
