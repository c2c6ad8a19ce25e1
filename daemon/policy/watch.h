/*
 * watch: what a discovered partner may do, and has done.  Pure but for its memory.
 *
 * A partner that is on no list is let in on proof by DNS, and watched: so many
 * requests a second, so many different local users, and one request a second once
 * more than half of its answers are failures (Access Edge of Lync: 20, 1000, 1).
 * The watch belongs to a certificate, not to a domain or an address: who changes
 * domains keeps his record.  Being put on the allowed list lifts all of it.
 */
#ifndef DAEMON_POLICY_WATCH_H
#define DAEMON_POLICY_WATCH_H

#include "shared/base/result.h"
#include "shared/base/slice.h"

/* A token bucket with the time as argument: `per_second` on average, a second's worth at once. */
struct policy_rate {
	double tokens;
	int64_t at_ms; /* 0: never used, full */
};
bool policy_rate_take(struct policy_rate *rate, uint64_t per_second, int64_t now_ms);
/* Takes one only where `kept` stay in the bucket. */
bool policy_rate_take_above(struct policy_rate *rate, uint64_t per_second, double kept, int64_t now_ms);

enum {
	WATCH_CONTACTS_MAX = 100000, /* what the setting may allow */
	WATCH_WINDOW_MINUTES = 10,
	WATCH_DOMAINS_MAX = 16,
	WATCH_DOMAIN_BYTES = 256,
};

struct watch_limits {
	uint64_t per_second; /* DiscoveredPartnerStandardRate */
	uint64_t suspicious_per_second;
	bool limits_contacts;        /* EnableDiscoveredPartnerContactsLimit */
	uint64_t contacts;           /* MaxContactsPerDiscoveredPartner */
	uint64_t suspicious_answers; /* fewer answers than this in ten minutes say nothing */
	uint64_t suspicious_percent; /* more failures than this make suspicious */
};

enum watch_answer { WATCH_PASS, WATCH_RATE, WATCH_SUSPICIOUS_RATE, WATCH_CONTACTS, WATCH_NO_MEMORY };
const char *watch_answer_name(enum watch_answer answer);

struct watch {
	struct policy_rate rate;
	uint64_t *contacts; /* hashes of local users, open addressing */
	size_t contact_size, contact_count;
	struct {
		int64_t minute;
		uint32_t good, bad;
	} window[WATCH_WINDOW_MINUTES];
	char domains[WATCH_DOMAINS_MAX][WATCH_DOMAIN_BYTES]; /* it has spoken for */
	size_t domain_count;
	uint64_t requests, limited;
	int64_t first_ms, last_ms;
};

void watch_stop(struct watch *watch); /* gives its memory back; zeroed is how it starts */

/*
 * A request of this partner for the local user whose keyed hash is `contact` (of user and domain).
 * In Lync's order: contacts first (users already written to go on), then the rate.
 */
enum watch_answer watch_request(struct watch *watch, const struct watch_limits *limits, struct slice domain,
                                uint64_t contact, int64_t now_ms);
/* The final answer that a request of his got: 2xx is good, a challenge (401, 407) neither, the rest bad. */
void watch_answered(struct watch *watch, int status, int64_t now_ms);
bool watch_is_suspicious(const struct watch *watch, const struct watch_limits *limits, int64_t now_ms);

#endif
