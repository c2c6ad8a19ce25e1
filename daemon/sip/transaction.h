/*
 * transaction: the four machines of RFC 3261 §17 with RFC 6026 (Accepted),
 * RFC 4320 (non-INVITE), RFC 5393 in proxy.h, over reliable transports only
 * (the edge speaks TLS and TCP, never UDP, so no retransmission of our own;
 * retransmissions of others are absorbed).
 *
 * Pure: `sip_transaction_event` takes a state, an event and the time and gives
 * the next state and intentions.  The table is in transaction.c, one row a
 * (machine, state, event); a test walks every cell.
 * transaction_table.c owns the transactions: creation under caps, matching
 * (§17.1.3, §17.2.3), walks by connection; transaction_timers.c their timers, two
 * each, in one heap.
 *
 * A server transaction is born in its first state: the request that made it is
 * no event.  The core steps it with each response it sends, and keeps in `stored`
 * what SEND_LAST is to repeat.  A request that finds its transaction is
 * SIP_EVENT_REQUEST; an ACK that finds one is SIP_EVENT_ACK.
 */
#ifndef DAEMON_SIP_TRANSACTION_H
#define DAEMON_SIP_TRANSACTION_H

#include "daemon/sip/sip.h"
#include "shared/base/clock.h"
#include "shared/base/handles.h"
#include "shared/base/list.h"
#include "shared/base/siphash.h"

/* RFC 3261 §17.1.1.1, Table 4; milliseconds. */
enum {
	SIP_T1_MS = 500,
	SIP_T4_MS = 5000,
	SIP_TIMER_B_MS = 64 * SIP_T1_MS, /* also F, H, L, M */
	SIP_TIMER_C_MS = 181 * 1000,     /* §16.6 step 11: more than 3 minutes */
	SIP_TIMER_E_T2_MS = 7 * SIP_T1_MS, /* RFC 4320 §4.1: Timer E has reached T2; a non-INVITE is due a 100 */
	/*
	 * A non-INVITE server transaction that nobody answered lives so long at most.  Its sender gave up after
	 * half of it (Timer F); a later target's own Timer F has room to end first.
	 */
	SIP_SERVER_LIFE_MS = 2 * SIP_TIMER_B_MS,
	SIP_SETTLE_MS = 4 * SIP_T1_MS, /* the ACK of a final answer is on its way for so long */
};

enum sip_machine { SIP_INVITE_SERVER, SIP_NON_INVITE_SERVER, SIP_INVITE_CLIENT, SIP_NON_INVITE_CLIENT };

enum sip_state {
	SIP_STATE_TRYING, SIP_STATE_CALLING, SIP_STATE_PROCEEDING, SIP_STATE_COMPLETED, SIP_STATE_ACCEPTED,
	SIP_STATE_CONFIRMED, SIP_STATE_TERMINATED, SIP_STATE_COUNT
};

enum sip_event {
	SIP_EVENT_REQUEST,       /* server: the request (again: a retransmission) */
	SIP_EVENT_ACK,           /* server INVITE: ACK to a non-2xx */
	SIP_EVENT_1XX, SIP_EVENT_2XX, SIP_EVENT_3XX_6XX, /* client: from the wire; server: from the proxy core */
	SIP_EVENT_TIMER_TIMEOUT, /* B, F: no final answer; H: no ACK */
	SIP_EVENT_TIMER_DONE,    /* D, I, J, K, L, M: the state has lived long enough */
	SIP_EVENT_TIMER_C,       /* client INVITE: rang too long */
	SIP_EVENT_TIMER_100,     /* server non-INVITE: RFC 4320 says a 100 is due */
	SIP_EVENT_TRANSPORT_FAILED, /* the connection broke or the request could not be sent */
	SIP_EVENT_COUNT
};

/* What the caller is to do; several may be set. */
enum sip_intention {
	SIP_DO_NOTHING = 0,
	SIP_DO_PASS_UP = 1,      /* give the response (client) or request (server) to the proxy core */
	SIP_DO_SEND = 2,         /* server: send the response at hand */
	SIP_DO_SEND_LAST = 4,    /* server: send the stored response again */
	SIP_DO_SEND_ACK = 8,     /* client INVITE: ACK the non-2xx (§17.1.1.3) */
	SIP_DO_REPORT_TIMEOUT = 16, /* tell the core: 408 for INVITE; never 408 for non-INVITE (RFC 4320) */
	SIP_DO_REPORT_FAILED = 32,  /* tell the core: transport failed: client: the next target (§16.9); server: nobody waits */
	SIP_DO_SEND_100 = 64,
	SIP_DO_END = 128,        /* the transaction is over: destroy it, after everything else was done */
	SIP_DO_CANCEL = 256,     /* client INVITE: Timer C: cancel it (§16.8) */
};

/* A step of a machine: no memory, no clock. Impossible events give DO_NOTHING and are counted by the table. */
struct sip_step {
	enum sip_state next;
	unsigned intentions;
	int64_t timer_ms; /* >0: set the machine's timer so far ahead; 0: leave it; <0: stop it */
	enum sip_event timer_event;
	bool is_impossible; /* only a mistake of ours leads here */
	bool is_written;    /* for the test: somebody thought of this cell */
};
struct sip_step sip_transaction_event(enum sip_machine machine, enum sip_state state, enum sip_event event);
enum sip_state sip_transaction_first_state(enum sip_machine machine);
const char *sip_machine_name(enum sip_machine machine);
const char *sip_state_name(enum sip_state state);
const char *sip_event_name(enum sip_event event);

/* ---- the table of living transactions ---- */
enum {
	SIP_TRANSACTIONS_PER_CONNECTION_MAX = 512, /* server transactions not yet accepted; security: a flood of one peer */
	SIP_TRANSACTIONS_POOLED_MAX = 1024,        /* freed ones kept for the next request; the rest go back to the system */
	SIP_TRANSACTION_GROUPS = 4,          /* the core's classes of askers, counted for it */
	SIP_STORED_KEPT_BYTES = 4096,              /* a pooled one keeps this much of its buffer at most */
	SIP_STORED_MAX = 2 * SIP_HEADER_SECTION_MAX + 256 * 1024, /* a message as we write it, with the largest body a setting allows */
};

/* The bytes a transaction is found by: two keyed hashes of what §17.1.3 and §17.2.3 compare. */
struct sip_transaction_key {
	uint64_t words[2];
};

struct sip_flow_record; /* transactions of one connection */

struct sip_transaction {
	handle self;
	enum sip_machine machine;
	enum sip_state state;
	enum sip_method method;
	handle connection;      /* where the request came from (server) or went to (client) */
	handle other;           /* server: its client transaction; client: its server transaction; 0 none */
	void *owner;            /* the core's; not touched here */
	struct buffer stored;   /* server: the last response; client: the request sent (for ACK and CANCEL) */
	struct sip_transaction_key key;
	int64_t deadline_ms;    /* of the machine's timer; INT64_MAX: not running */
	enum sip_event timer_event;
	int64_t extra_deadline_ms; /* Timer C or the 100 timer, beside the machine's */
	enum sip_event extra_event;
	size_t heap_at;         /* its place among the timers; SIZE_MAX: no timer runs */
	int64_t created_ms;
	bool counts;            /* against its connection's cap */
	uint8_t group;          /* 0 until sip_transactions_set_group */
	struct sip_flow_record *flow;
	struct list on_connection; /* or, when freed, in the pool */
};

struct sip_transactions; /* opaque */

struct sip_transactions *sip_transactions_new(uint32_t max, struct siphash_key seed);
void sip_transactions_free(struct sip_transactions **table);
size_t sip_transactions_count(const struct sip_transactions *table);
/*
 * Nothing is under way: every one that is left has had its final answer for SIP_SETTLE_MS, and is there for
 * repetitions only.  What is to be stopped may be stopped; not by waiting out timers H, L and M.  Walks them all.
 */
bool sip_transactions_are_settled(const struct sip_transactions *table, int64_t now_ms);
/* A new most; those that are there live on, also when they are more. */
void sip_transactions_set_max(struct sip_transactions *table, uint32_t max);
/* Puts one into a group (below SIP_TRANSACTION_GROUPS), and how many each group has: the core's shares. */
void sip_transactions_set_group(struct sip_transactions *table, struct sip_transaction *t, uint8_t group);
const uint64_t *sip_transactions_grouped(const struct sip_transactions *table);
size_t sip_transactions_count_on(const struct sip_transactions *table, handle connection);
/* Events that only a mistake of ours can cause; 0 for ever, or there is something to find. */
uint64_t sip_transactions_impossible(const struct sip_transactions *table);

/*
 * Server transaction of a request (§17.2.3): by top Via's branch, sent-by and
 * method (ACK matches INVITE).  NULL: none.  RFC 2543 branches (no magic
 * cookie) match by the older rule.  It may have come from another connection:
 * who must not believe that compares `connection`.
 */
struct sip_transaction *sip_transactions_find_server(struct sip_transactions *table, const struct sip_message *request);
/* The INVITE server transaction a CANCEL means (§9.2). */
struct sip_transaction *sip_transactions_find_cancelled(struct sip_transactions *table, const struct sip_message *cancel);
/* Client transaction of a response (§17.1.3): branch and CSeq method, and it must come from the same connection. */
struct sip_transaction *sip_transactions_find_client(struct sip_transactions *table, const struct sip_message *response,
                                                     handle connection);
struct sip_transaction *sip_transactions_get(struct sip_transactions *table, handle h);

/*
 * NULL at a cap (answer 503 with Retry-After without allocating) or out of
 * memory; a server also when one with the same key lives (look first).  The
 * machine's first timer runs from here: B or F of a client (and Timer C), the
 * life of a non-INVITE server (and the 100 of RFC 4320).
 */
struct sip_transaction *sip_transactions_add_server(struct sip_transactions *table, const struct sip_message *request,
                                                    handle connection, int64_t now_ms);
/* The same with another cap for this connection: our own pool sends for many. */
struct sip_transaction *sip_transactions_add_server_within(struct sip_transactions *table,
                                                           const struct sip_message *request, handle connection,
                                                           uint32_t connection_max, int64_t now_ms);
struct sip_transaction *sip_transactions_add_client(struct sip_transactions *table, enum sip_method method,
                                                    struct slice branch, handle connection, int64_t now_ms);
void sip_transactions_remove(struct sip_transactions *table, struct sip_transaction *t);

/* Steps the machine, sets its timers, gives the intentions. DO_END is for the caller to carry out (remove). */
unsigned sip_transactions_step(struct sip_transactions *table, struct sip_transaction *t, enum sip_event event,
                               int64_t now_ms);
/*
 * The extra timer: Timer C (reset by each 1xx but 100, §16.7 step 2) or the RFC 4320 100. 0 stops it.
 * It stops by itself with the final answer.
 */
void sip_transactions_set_extra(struct sip_transactions *table, struct sip_transaction *t, enum sip_event event,
                                int64_t deadline_ms);

/* When the next timer is due; INT64_MAX: none. */
int64_t sip_transactions_next_ms(const struct sip_transactions *table);
/* Gives one due transaction and its event, the timer cleared; NULL when none is due. The caller then steps it. */
struct sip_transaction *sip_transactions_due(struct sip_transactions *table, int64_t now_ms, enum sip_event *event);
/*
 * Calls back for every transaction that uses `connection` (it has closed); those that come into being meanwhile are
 * not seen. The callback may remove any transaction.
 */
void sip_transactions_each_on(struct sip_transactions *table, handle connection,
                              void (*each)(void *to, struct sip_transaction *t), void *to);

#endif
