/*
 * loop: has this request been here before with everything that routes it the
 * same?  RFC 3261 §16.3 step 4, RFC 5393 §4.2.  What changed something is a
 * spiral, and welcome.
 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/sip/names.h"

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
 * spiral (RFC 5393 §4.2.1).  What a remote user sends always goes to the pool, which may well send it out to
 * a partner unchanged: where it came from is part of what routes it.
 */
static uint64_t loop_part(const struct sip_proxy *proxy, enum sip_side from, const struct sip_message *m)
{
	struct siphash_key key = proxy->loop_key;
	uint64_t h = mix(key, m->cseq.number, m->target);

	if (from == SIP_SIDE_REMOTE)
		h = mix(key, h, SLICE("remote"));
	h = mix(key, h, m->from.tag);
	h = mix(key, h, m->to.tag);
	h = mix(key, h, m->call_id);
	h = mix_values(key, h, m, SIP_ROUTE);
	return mix_values(key, h, m, SIP_PROXY_REQUIRE);
}

/* The first bit of the random part says whether a user of ours outside had sent it. */
enum { BRANCH_FROM_AT = 7, BRANCH_LOOP_AT = BRANCH_FROM_AT + 16 + 1, BRANCH_BYTES = BRANCH_LOOP_AT + 16 };

struct slice sip_proxy_branch(const struct sip_proxy *proxy, enum sip_side from, struct arena *arena,
                              const struct sip_message *request, uint64_t random)
{
	const uint64_t mark = UINT64_C(1) << 63;
	char *text = arena_printf(arena, "z9hG4bK%016" PRIx64 "-%016" PRIx64,
	                          from == SIP_SIDE_REMOTE ? random | mark : random & ~mark,
	                          loop_part(proxy, from, request));

	return slice_of(text);
}

static bool is_our_via(const struct sip_proxy *proxy, const struct sip_via *via)
{
	for (unsigned side = 0; via->branch.len == BRANCH_BYTES && side < SIP_SIDES; side++)
		if (sip_via_is_ours(&proxy->side[side], via))
			return true;
	return false;
}

bool sip_proxy_has_passed(const struct sip_proxy *proxy, const struct sip_message *request)
{
	struct sip_walk walk = { 0 };
	struct sip_via via;
	struct slice value;

	while (sip_message_walk(request, SIP_VIA, &walk, &value))
		if (sip_via_parse(value, &via, NULL) == SIP_PARSE_OK && is_our_via(proxy, &via) &&
		    via.branch.ptr[BRANCH_FROM_AT] < '8')
			return true;
	return false;
}

bool sip_proxy_is_loop(const struct sip_proxy *proxy, enum sip_side from, const struct sip_message *request)
{
	struct sip_walk walk = { 0 };
	struct sip_via via;
	struct slice value;
	uint64_t here = 0;
	bool is_counted = false;

	while (sip_message_walk(request, SIP_VIA, &walk, &value)) {
		char wanted[17];

		if (sip_via_parse(value, &via, NULL) != SIP_PARSE_OK || !is_our_via(proxy, &via))
			continue;
		if (!is_counted)
			here = loop_part(proxy, from, request);
		is_counted = true;
		snprintf(wanted, sizeof wanted, "%016" PRIx64, here);
		if (slice_equal(slice_after(via.branch, BRANCH_LOOP_AT), slice_of(wanted)))
			return true;
	}
	return false;
}
