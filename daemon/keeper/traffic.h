/*
 * traffic: what a service has counted, over all the lives of its process.
 */
#ifndef DAEMON_KEEPER_TRAFFIC_H
#define DAEMON_KEEPER_TRAFFIC_H

#include "daemon/policy/policy.h"
#include "shared/base/json.h"

enum { KEEPER_HISTORY = 60 }; /* seconds */

struct history {
	uint32_t in[KEEPER_HISTORY], out[KEEPER_HISTORY], refused[KEEPER_HISTORY];
	size_t at; /* the oldest, next to be written */
};

struct traffic {
	int64_t connections, transactions;
	int64_t discovered, unidentified; /* connections, by what they have proved to be */
	int64_t remote_users; /* of our own, signed in from outside */
	/* as the running process counts */
	int64_t last_in, last_out, last_refused, last_malformed, last_turned_away;
	uint64_t in, out, refused, malformed, turned_away; /* over all its lives */
	uint64_t steps[POLICY_REFUSAL_COUNT];
	int64_t last_steps[POLICY_REFUSAL_COUNT];
	struct history history;
	uint32_t now_in, now_out, now_refused; /* of the running second */
};

/* Counters as they came: totals go on over restarts. Pure. */
void traffic_take(struct traffic *traffic, const struct json *counters);
void traffic_second(struct traffic *traffic);
void traffic_restarted(struct traffic *traffic);

#endif
