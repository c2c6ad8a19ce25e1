/*
 * recheck: certificates end and are revoked while their connections live, so
 * each is looked at again every hour, when it ends, and when there are other
 * authorities or lists of revoked ones (security: TLS-8).
 */
#include "daemon/access/parts.h"

void recheck_plan(struct flow *flow)
{
	struct instant now = loop_now(flow->access->loop);
	int64_t left_ms = connection_peer(flow->connection)->not_after_s * 1000 - now.wall_ms;

	flow->recheck_at_ms = now.mono_ms + ACCESS_RECHECK_MS;
	if (left_ms > 0 && left_ms < ACCESS_RECHECK_MS)
		flow->recheck_at_ms = now.mono_ms + left_ms + 1000;
}

static void recheck(struct flow *flow)
{
	const struct access *a = flow->access;

	recheck_plan(flow);
	if (!flow->is_plain && a->credentials[flow->side])
		connection_recheck(flow->connection, a->credentials[flow->side]);
}

/* What is good stays connected. */
void recheck_side(struct access *a, enum sip_side side)
{
	LIST_EACH (at, &a->flows) {
		struct flow *flow = LIST_OWNER(at, struct flow, node);

		if (flow->side == side)
			recheck(flow);
	}
}

void recheck_due(struct access *a)
{
	int64_t now = access_now_ms(a);

	LIST_EACH (at, &a->flows) {
		struct flow *flow = LIST_OWNER(at, struct flow, node);

		if (flow->is_up && flow->recheck_at_ms <= now)
			recheck(flow);
	}
}
