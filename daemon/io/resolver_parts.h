/*
 * resolver_parts: what the resolver files share.  Seen only inside this folder.
 *
 *   resolver.c        look-ups: cache, waiters, patience, answers
 *   resolver_ares.c   questions and answers through c-ares, on the loop
 *   srv_answer.c      what an answer says (pure)
 *   srv_order.c       in which order to try (pure)
 */
#ifndef DAEMON_IO_RESOLVER_PARTS_H
#define DAEMON_IO_RESOLVER_PARTS_H

#include <ares.h>

#include "daemon/io/resolver.h"
#include "shared/base/list.h"
#include "shared/base/map.h"

enum {
	RESOLVER_SERVERS_MAX = 8,
	RESOLVER_SOCKETS_MAX = 64,
	RESOLVER_TRY_MS = 3000,
	RESOLVER_TRIES = 2,
	RESOLVER_TOTAL_MS = 10 * 1000,
	RESOLVER_STALE_ANSWER_MS = 1800,   /* RFC 8767 §5: so long, then an old answer is better */
	RESOLVER_OTHER_FAMILY_MS = 250,    /* one family has come: so long for the other */
	RESOLVER_TTL_MIN_S = 5,
	RESOLVER_TTL_MAX_S = 3600,
	RESOLVER_TTL_ABSENT_S = 60,
	RESOLVER_TTL_FAILED_S = 5,         /* do not ask a failing server for every message */
	RESOLVER_STALE_MS = 3600 * 1000,
	RESOLVER_EDNS_BYTES = 1232,
};

enum question { QUESTION_SRV, QUESTION_ADDRESSES };
enum { QUESTION_V4, QUESTION_V6, QUESTION_PARTS }; /* parts of QUESTION_ADDRESSES; SRV has the first only */

/* What came for one question to the server. */
struct part {
	bool is_done;
	enum resolver_outcome outcome;
	uint32_t ttl_s;
	size_t count;
	const char *words; /* a literal or one of c-ares's */
	struct address addresses[RESOLVER_ADDRESSES_MAX];
};

struct lookup;

/* What a question to c-ares carries; it may not be freed before c-ares has called back. */
struct query {
	struct lookup *lookup;
	unsigned part;
	bool is_out;
};

struct lookup {
	struct resolver *resolver;
	struct list node; /* in resolver->by_age, the longest unused first */
	enum question question;
	char *key;        /* "s" or "a", then the name */
	/* The answer held. */
	bool has_answer;
	enum resolver_outcome outcome;
	const char *words;
	int64_t fresh_until_ms, usable_until_ms;
	struct resolver_srv *srv;
	struct address *addresses;
	size_t count;
	/* The one being fetched. */
	struct query query[QUESTION_PARTS];
	struct part *part; /* QUESTION_PARTS of them while fetching, else NULL */
	struct resolver_srv *fetched_srv;
	struct list waiters;
	unsigned waiter_count;
	struct loop_timer patience;
	struct loop_defer step; /* something came, or patience ended */
	bool is_impatient;
};

struct resolver_socket {
	struct loop_watch watch;
	struct resolver *resolver;
	int fd;
	bool is_used;
};

struct resolver {
	size_t cache_max; /* names */
	struct loop *loop;
	struct siphash_key seed;
	uint64_t drawn;    /* random numbers so far */
	int64_t total_ms;  /* RESOLVER_TOTAL_MS; tests are less patient */
	struct map lookups;
	struct list by_age;
	struct list waiters; /* of all look-ups, for resolver_forget */
	ares_channel channel;
	struct loop_timer timeout;
	struct resolver_socket sockets[RESOLVER_SOCKETS_MAX];
	bool is_going;
	bool *is_freed; /* set while answers are given */
};

/* ---- resolver_ares.c ---- */
enum result resolver_ares_start(struct resolver *resolver, const struct slice *servers, size_t server_count,
                                struct reason *reason);
void resolver_ares_stop(struct resolver *resolver); /* every question out is called back */
/* Sends what the look-up asks; resolver_part_came follows for each part, perhaps at once. */
void resolver_ares_ask(struct resolver *resolver, struct lookup *lookup);

/* ---- resolver.c ---- */
void resolver_part_came(struct lookup *lookup);

#endif
