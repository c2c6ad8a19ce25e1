/*
 * A service's counters: totals that go on over its restarts, and the last minute second by second.  Pure.
 */
#include "daemon/keeper/parts.h"

/* What was added since the last report; a process that began anew counts from zero. */
static uint64_t added(int64_t now, int64_t *last)
{
	int64_t more = now >= *last ? now - *last : now;

	*last = now;
	return more > 0 ? (uint64_t)more : 0;
}

static int64_t number(const struct json *counters, const char *name)
{
	int64_t value = json_as_number(json_get(counters, name), 0);

	return value > 0 ? value : 0;
}

void traffic_take(struct traffic *t, const struct json *counters)
{
	uint64_t in = added(number(counters, "messages_in"), &t->last_in);
	uint64_t out = added(number(counters, "messages_out"), &t->last_out);
	uint64_t refused = added(number(counters, "refused"), &t->last_refused);
	const struct json *steps = json_get(counters, "steps");

	t->in += in;
	t->out += out;
	t->refused += refused;
	t->malformed += added(number(counters, "malformed"), &t->last_malformed);
	t->now_in += (uint32_t)in;
	t->now_out += (uint32_t)out;
	t->now_refused += (uint32_t)refused;
	t->turned_away += added(number(counters, "turned_away"), &t->last_turned_away);
	t->connections = number(counters, "connections");
	t->discovered = number(counters, "discovered");
	t->unidentified = number(counters, "unidentified");
	t->remote_users = number(counters, "remote_users");
	t->transactions = number(counters, "transactions");
	for (size_t i = 0; i < POLICY_REFUSAL_COUNT; i++)
		t->steps[i] += added(number(steps, policy_step((enum policy_step_id)i)->name),
		                     &t->last_steps[i]);
}

void traffic_second(struct traffic *t)
{
	struct history *h = &t->history;

	h->in[h->at] = t->now_in;
	h->out[h->at] = t->now_out;
	h->refused[h->at] = t->now_refused;
	h->at = (h->at + 1) % KEEPER_HISTORY;
	t->now_in = t->now_out = t->now_refused = 0;
}

void traffic_restarted(struct traffic *t)
{
	t->connections = t->transactions = t->discovered = t->unidentified = t->remote_users = 0;
	t->last_in = t->last_out = t->last_refused = t->last_malformed = t->last_turned_away = 0;
	memset(t->last_steps, 0, sizeof t->last_steps);
}
