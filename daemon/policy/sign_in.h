/*
 * sign_in: how long who fails to sign in has to wait before the next attempt.  Pure but for its record.
 *
 * A record belongs to an address, or to a user.  So many failures cost nothing: people mistype.  The one that
 * reaches the limit has to wait ten seconds, each further one twice as long, up to a limit; who has not failed for as
 * long as the longest wait begins anew.
 */
#ifndef DAEMON_POLICY_SIGN_IN_H
#define DAEMON_POLICY_SIGN_IN_H

#include "shared/base/slice.h"

enum { SIGN_IN_FIRST_WAIT_MS = 10 * 1000 };

struct sign_in_limits {
	uint64_t failures;  /* that cost nothing, and one */
	int64_t longest_ms; /* wait; also how long a failure is remembered */
};

/* Zeroed is how it starts. */
struct sign_in_record {
	uint64_t failures;
	int64_t last_ms, until_ms;
};

/* How long the next attempt has to wait; 0: it may be made. */
int64_t sign_in_wait(const struct sign_in_record *record, int64_t now_ms);
/* One more has failed; the wait that it causes, 0: none. */
int64_t sign_in_failed(struct sign_in_record *record, const struct sign_in_limits *limits, int64_t now_ms);

#endif
