/*
 * ending: a connection that is to end while it works: policy has taken it, or an administrator closes or
 * drains it.
 */
#include "daemon/access/parts.h"
#include "shared/base/memory.h"

/*
 * Would `domain` still be dealt with on this connection?  It is asked for the edge itself, so that neither the policy
 * of one user nor who may begin with whom decides for all.
 */
static bool is_still_allowed(struct flow *flow, const struct policy_image *image, struct slice domain,
                             struct policy_verdict *verdict)
{
	struct access *a = flow->access;
	struct partner *partner = partner_get(a, domain);
	struct policy_facts facts = { .direction = POLICY_INWARD,
		                      .service = POLICY_SERVICE_OTHER,
		                      .method = SLICE("OPTIONS"),
		                      .remote_domain = domain };
	const struct image_topology *topology = image_topology_at(image, 0);

	if (topology->sip_domains.count)
		facts.local_domain = policy_image_item(image, topology->sip_domains, 0);
	facts.edge = access_edge_name(a, image);
	flow_facts(flow, &facts);
	if (partner)
		partner_facts(partner, &facts);
	policy_decide(image, &facts, verdict, NULL);
	return verdict->answer != POLICY_REFUSE;
}

/* With what the decision says now: "fabrikam.example is on the block list". */
static void close_by_policy(struct flow *flow)
{
	struct policy_verdict verdict;
	const char *why = "no longer a member of the pool";
	char words[ACCESS_WORDS_BYTES];

	if (flow->side == SIP_SIDE_REMOTE) {
		remote_why(flow, words, sizeof words);
		why = words;
	}
	if (flow->side == SIP_SIDE_EXTERNAL)
		why = flow->domain_count && !is_still_allowed(flow, flow->access->image,
		                                              slice_of(flow->domains[0]), &verdict)
		              ? verdict.finding.words
		              : "the domain is no longer allowed";
	connection_close(flow->connection, CONNECTION_END_POLICY, why);
}

/*
 * What is under way is answered first, and what still comes is refused with its
 * reason: the connection closes when it has been quiet for a moment, or when
 * time is up (RFC 5923 §4: wait for open transactions, then close).
 */
static void end_when_quiet(void *owner)
{
	struct flow *flow = owner;
	int64_t now = access_now_ms(flow->access);
	bool is_quiet = flow->under_way == 0 && flow->awaited == 0 &&
	                now - connection_counts(flow->connection).last_in_ms >= ACCESS_POLICY_QUIET_MS;

	if (!is_quiet && now < flow->end_at_ms)
		loop_timer_set(flow->access->loop, &flow->tick, ACCESS_POLICY_QUIET_MS, end_when_quiet, flow);
	else if (flow->retired_why)
		connection_close(flow->connection, CONNECTION_END_DRAIN, flow->retired_why);
	else
		close_by_policy(flow);
}

static void end_within(struct flow *flow, int64_t deadline_ms)
{
	flow->is_ending = true;
	flow->end_at_ms = access_now_ms(flow->access) + deadline_ms;
	loop_timer_set(flow->access->loop, &flow->tick, ACCESS_POLICY_QUIET_MS, end_when_quiet, flow);
}

/* ---- ending by an administrator ---- */

enum result flow_retire(struct flow *flow, const char *why, int64_t deadline_ms)
{
	char *copy;

	if (!flow->is_up) { /* nothing can be under way on it */
		connection_close(flow->connection, CONNECTION_END_DRAIN, why);
		return RESULT_OK;
	}
	if (connection_state(flow->connection) != CONNECTION_UP)
		return RESULT_OK;
	copy = mem_text(why);
	if (!copy)
		return RESULT_NO_MEMORY;
	mem_free(flow->retired_why);
	flow->retired_why = copy;
	end_within(flow, deadline_ms);
	return RESULT_OK;
}

/* ---- ending by policy ---- */

/* A partner's lives while one of the domains seen on it is allowed. */
static bool is_still_partner(struct flow *flow, const struct policy_image *image)
{
	struct policy_verdict verdict;

	for (size_t i = 0; i < flow->domain_count; i++)
		if (is_still_allowed(flow, image, slice_of(flow->domains[i]), &verdict))
			return true;
	return flow->domain_count == 0;
}

/* One inside lives while there is such a pool member and the transport is the same. */
static bool is_still_inside(const struct flow *flow, const struct policy_image *image)
{
	const struct image_edge *edge = policy_image_edge(image, slice_of(flow->access->node));

	return edge && flow->is_plain == access_is_internal_plain(edge) &&
	       image_pool_member_find(image, slice_of(flow->partner)) != NULL;
}

bool flow_may_stay(struct flow *flow, const struct policy_image *image)
{
	switch (flow->side) {
	case SIP_SIDE_INTERNAL: return is_still_inside(flow, image);
	case SIP_SIDE_REMOTE: return remote_may_stay(flow, image);
	case SIP_SIDE_EXTERNAL:
	case SIP_SIDES: break;
	}
	return is_still_partner(flow, image);
}

/*
 * Who has only shown a certificate is a stranger again once it names nobody who is allowed, and the other way
 * round; a partner on a list is a discovered one when it is taken off, and the other way round.
 */
static void review_acquaintance(struct flow *flow)
{
	enum admission_class class = flow_class(flow);

	if (flow->side == SIP_SIDE_REMOTE)
		class = remote_is_proven(flow) ? ADMISSION_REMOTE : ADMISSION_UNIDENTIFIED;
	if (flow->side == SIP_SIDE_INTERNAL)
		return;
	if (flow->hop && class == ADMISSION_UNIDENTIFIED)
		return;
	flow->is_known = flow->hop || class != ADMISSION_UNIDENTIFIED;
	if (!door_prove(flow, class))
		connection_close(flow->connection, CONNECTION_END_LIMIT,
		                 "no longer on the list, and its new class has no room");
	else
		flow_set_deadline(flow);
}

/* Who is no longer allowed goes; allowed again in time, it stays. */
static void review(struct flow *flow)
{
	struct access *a = flow->access;
	bool is_allowed = flow_may_stay(flow, a->image);

	if (flow->retired_why)
		return; /* it ends anyhow, and says by whom */
	if (flow->remote && is_allowed)
		remote_review(flow);
	if (is_allowed && flow->is_ending) {
		flow->is_ending = false;
		loop_timer_stop(&flow->tick);
		flow_arm_tick(flow);
	} else if (!is_allowed && !flow->is_ending) {
		end_within(flow, ACCESS_POLICY_CLOSE_MS);
	}
}

void flow_image_changed(struct access *a)
{
	door_settings(a);
	LIST_EACH_SAFE (at, &a->flows) {
		struct flow *flow = LIST_OWNER(at, struct flow, node);

		flow->framer.body_max = remote_body_max(flow);
		if (flow->is_up && connection_state(flow->connection) == CONNECTION_UP) {
			review_acquaintance(flow);
			if (connection_state(flow->connection) == CONNECTION_UP)
				review(flow);
		}
	}
}
