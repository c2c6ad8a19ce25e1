/*
 * door: who may come in, and when its TLS handshake begins.  Seen only inside this folder.
 *
 * Cheap refusal first: one source's strangers, then the shares, then TLS.
 *
 *   accepted -> SILENT -> (first bytes) -> KNOCKING -> SHAKING -> INSIDE
 *                              \____________________/ when its class has room and a token
 *
 * Nobody's class is known before its certificate is.  Until then a connection
 * has the class of its source: an address from which a partner has lately shown
 * its certificate is believed to be that partner's, so a storm of strangers does
 * not keep partners from coming back.  When the certificate is known the
 * connection moves to the class that it proves.
 *
 * Where a class is full, the one of it that has kept us waiting longest makes
 * room.  Where the whole is full, or descriptors have run out, listeners sleep
 * and try again: they do not spin.  Each limit is told once when it begins to bite.
 */
#ifndef DAEMON_ACCESS_DOOR_H
#define DAEMON_ACCESS_DOOR_H

#include "daemon/io/address.h"
#include "daemon/io/loop.h"
#include "daemon/policy/admission.h"
#include "shared/base/list.h"
#include "shared/base/map.h"

enum {
	DOOR_STRANGERS_PER_SOURCE_MAX = 16, /* connections of one source that have proved nothing yet */
	DOOR_SOURCES_KEPT = 8192,           /* addresses of partners remembered without a connection */
	DOOR_REFUSALS_AT_ONCE = 50, /* turned away within DOOR_PAUSE_MS; more, and listeners sleep as long */
	DOOR_ROOM_MADE_PER_SECOND = 100, /* silent ones that make room: or a crowd would only change places */
	DOOR_REPORTS_PER_SECOND = 10,    /* events of connections that never got inside; all are counted */
	DOOR_PAUSE_MS = 100,             /* a listener's sleep when the whole is full */
	DOOR_TURN_MS = 25,               /* how often those who wait for their handshake are looked at */
	DOOR_SILENT_GRACE_MS = 1000,     /* who has not sent a byte in so long makes room for the next */
	DOOR_SHAKING_GRACE_MS = 3000,    /* ... and who has not ended its handshake */
	DOOR_PATIENCE_MS = 30 * 1000,    /* waiting for a turn; then it is ended */
	DOOR_LIMIT_QUIET_MS = 10 * 1000, /* a limit that has not been met for so long is told anew */
};

enum door_limit {
	DOOR_CONNECTIONS,
	DOOR_CONNECTIONS_UNIDENTIFIED,
	DOOR_CONNECTIONS_DISCOVERED,
	DOOR_CONNECTIONS_REMOTE,
	DOOR_REMOTE_ADDRESS, /* connections of one address to the remote users' listener */
	DOOR_SOURCE,
	DOOR_HANDSHAKES,
	DOOR_HANDSHAKE_RATE,
	DOOR_TRANSACTIONS,
	DOOR_TRANSACTIONS_UNIDENTIFIED,
	DOOR_TRANSACTIONS_DISCOVERED,
	DOOR_TRANSACTIONS_REMOTE,
	DOOR_TRANSACTIONS_OF_ONE, /* connection */
	DOOR_TRANSACTIONS_OF_PARTNER,
	DOOR_DESCRIPTORS,
	DOOR_LIMITS
};

enum door_stage { DOOR_INSIDE, DOOR_SILENT, DOOR_KNOCKING, DOOR_SHAKING, DOOR_STAGES };

/* An IPv4 address or, since anybody has a whole one, an IPv6 /64. */
struct door_source {
	struct list node; /* among the idle ones that are remembered, the latest first */
	char key[10];
	uint8_t key_length;
	enum admission_class known_as;
	unsigned connections, strangers; /* now; strangers: have proved nothing yet */
};

/* So many a second, and no more. */
struct allowance {
	int64_t since_ms;
	unsigned used;
};
bool allowance_take(struct allowance *allowance, int64_t now_ms, unsigned per_second);

/* What a connection is to the door; part of struct flow. */
struct door_pass {
	struct list node;           /* in the list of its stage, the oldest first */
	struct door_source *source; /* NULL: outgoing, or inside */
	int64_t since_ms;           /* in this stage */
	enum admission_class class;
	enum door_stage stage;
	bool is_counted; /* among the connections */
	bool is_proven;  /* the class is what its certificate or its requests have shown */
};

struct door {
	struct admission_shares shares;
	uint64_t connections[ADMISSION_CLASSES];
	uint64_t handshakes[ADMISSION_CLASSES];
	struct policy_rate rate;
	struct list stages[DOOR_STAGES][ADMISSION_CLASSES];
	struct map sources;
	struct list idle_sources;
	size_t idle_source_count;
	int64_t met_ms[DOOR_LIMITS]; /* when a limit was last met; 0: never */
	struct allowance refusals, room_made, reports;
	uint64_t
	        connections_max; /* the setting, or fewer where the process may not have so many descriptors */
	uint64_t turned_away;    /* connections, for whatever limit */
	struct loop_timer turn;
};

struct access;
struct flow;

void door_start(struct access *a);
void door_stop(struct access *a);
void door_settings(struct access *a); /* the image has changed: shares, and who is known */

/*
 * A newcomer from `from`: false says which limit, in `words`.  Then the pass counts for nothing.
 * True: door_leave follows, whatever becomes of the connection.
 */
bool door_enter(struct access *a, struct flow *flow, const struct address *from, const char **words);
bool door_enter_outgoing(struct access *a,
                         struct flow *flow); /* what we open ourselves: the whole alone limits it */
void door_leave(struct flow *flow);
bool door_knock(
        struct flow *flow); /* first bytes: may its handshake begin? False: connection_let_in comes later */
void door_inside(struct flow *flow); /* its handshake is done */
/* What it has proved to be. False: its class has no room, and it must end. */
bool door_prove(struct flow *flow, enum admission_class class);
bool door_may_report(struct access *a); /* another event of someone who never got inside? */
/* May one more transaction begin that is asked for by this class?  False: the limit has been told. */
bool door_has_transaction(struct access *a, enum admission_class class, const struct flow *flow);
void door_descriptors_out(struct access *a);
/* A limit is met: told when it begins. `who` is its partner or address. */
void door_limit_met(struct access *a, enum door_limit limit, uint64_t value, const struct flow *flow,
                    const char *who);

#endif
