/*
 * admission: who may have how much of the edge.  Pure.
 *
 * Four classes share connections, TLS handshakes and transactions.  Strangers,
 * discovered partners and remote users have a share each that they cannot go beyond; what is
 * left of the whole is always there for allowed partners and our own servers,
 * who may also take what the others do not use.
 */
#ifndef DAEMON_POLICY_ADMISSION_H
#define DAEMON_POLICY_ADMISSION_H

#include "daemon/policy/watch.h"

/* In rising order of trust. */
enum admission_class {
	ADMISSION_UNIDENTIFIED, /* has not shown who it is, or its certificate names nobody we know */
	ADMISSION_DISCOVERED,   /* on no list, let in on proof by DNS */
	ADMISSION_REMOTE,       /* one of our own users outside, let in by our pool */
	ADMISSION_ALLOWED,      /* on the allowed list, or one of our own servers */
	ADMISSION_CLASSES
};
const char *admission_class_name(enum admission_class class);

struct admission_shares {
	uint64_t percent[ADMISSION_CLASSES]; /* of ALLOWED: 100 */
};
/* From the settings; what would leave allowed partners nothing is cut. */
struct admission_shares admission_shares(uint64_t unidentified, uint64_t discovered, uint64_t remote);

/* What a class may have of `total`: one at least. */
uint64_t admission_most(const struct admission_shares *shares, enum admission_class class, uint64_t total);

/* Is there room for one more of this class beside those that are `there`? */
bool admission_has_room(const struct admission_shares *shares, enum admission_class class,
                        const uint64_t there[ADMISSION_CLASSES], uint64_t total);

/*
 * So many a second for all, a second's worth at once.  A class takes only while the
 * bucket holds more than what is kept for those above it, so strangers may use the whole
 * rate when nobody else does, and never find the bucket empty for a partner.
 */
bool admission_take(const struct admission_shares *shares, enum admission_class class,
                    struct policy_rate *rate, uint64_t per_second, int64_t now_ms);

#endif
