/*
 * streams: what the files of the XMPP side share.  Seen only inside this folder.
 *
 *   streams.c   the seam, limits, the tick, what is shown
 *   stream.c    one connection with the stream machine on it (daemon/xmpp/stream.h)
 *   stream_show.c  what is shown of one
 *   route.c     what waits for a pair of domains, and when its partner is tried
 *   parcel.c    what is under way, and the one outcome of each
 *   alive.c     whether a silent partner is still there
 *   receipt.c   what a partner is still owed an acknowledgement for
 *   recheck.c   certificates of living streams
 *   dial.c      finding and connecting to the server of a partner's domain: DNS, fail-over
 *
 * A route is one of our domains and one of a partner's.  A parcel is a stanza on its way: it waits in its route,
 * then flies on a stream, then its outcome is owed; it is in exactly one of the three lists, and whoever takes it
 * out of the last tells the outcome.  So each has one outcome, never from inside the call that sent it.
 */
#ifndef DAEMON_GATEWAY_STREAMS_H
#define DAEMON_GATEWAY_STREAMS_H

#include "daemon/gateway/parts.h"
#include "daemon/xmpp/stream.h"
#include "shared/base/map.h"

enum {
	STREAMS_UNPROVED_MAX = 1024, /* incoming, whose partner is not proved yet */
	STREAMS_UNPROVED_SHARE = 4,  /* ... and no more than this part of connection-limit */
	STREAMS_UNPROVED_PER_SOURCE_MAX = 16,
	STREAMS_ASKING_PER_PARTNER_MAX = 8, /* streams that only ask one partner's server about keys */
	STREAMS_ROUTES_MAX = 16384,
	STREAMS_FLYING_MAX = 65536, /* parcels whose errors are waited for */
	/*
	 * Flying at once with a partner that agreed to acknowledge; who has so many and acknowledges none of them for so
	 * long does not do what it agreed to, and its stream is closed.
	 */
	STREAM_UNACKNOWLEDGED_MAX = 8192,
	STREAM_UNACKNOWLEDGED_MS = 60 * 1000,
	/*
	 * Of one that did not: so many written and waited for in quiet, and so many bytes that its server does not
	 * read.  What is more waits in line, is answered late, and past the line's limits it is refused.
	 */
	STREAM_QUIET_MAX = 4096,
	STREAM_UNREAD_MAX = CONNECTION_QUEUE_MAX / 2,
	ROUTE_WAITING_BYTES_MAX = 4 * 1024 * 1024,    /* in one line, beside waiting-messages */
	STREAMS_WAITING_BYTES_MAX = 64 * 1024 * 1024, /* in all lines */
	STREAMS_ROUTES_PER_PARTNER_MAX = STREAMS_ROUTES_MAX / 4,
	STREAM_CONNECT_MS = 10 * 1000,
	STREAM_HANDSHAKE_MS = 10 * 1000,
	STREAM_ASKING_QUIET_MS =
	        10 * 1000, /* a stream that only asks about keys is closed so long after the last */
	STREAM_ALIVE_WAIT_MS = 20 * 1000, /* for the answer of who is asked whether it is there */
	STREAM_RECHECK_MS = 60 * 60 * 1000,
	DIAL_TARGETS_MAX = 2 * RESOLVER_SRV_MAX,
	STREAMS_RECEIPTS_MAX = 65536, /* stanzas of partners that are not dealt with yet */
	/* Longer than any chain of transactions into SIP: on its own, INVITE, MESSAGE, and both once more. */
	RECEIPT_MS = 2 * (SIP_TIMER_C_MS + SIP_TIMER_B_MS) + SIP_TIMER_B_MS,
	ROUTE_QUESTIONS_MAX = 64,
	ROUTE_RETRY_FIRST_MS = 1000,
	ROUTE_FAILURE_SHOWN_MS = 10 * 60 * 1000,
	PARCEL_ARENA_MAX = 4 * 1024 * 1024,
	PARCEL_KEY_BYTES = 2048, /* domain and id of one whose error would be recognised */
	XMPP_PORT = 5269,
};

struct route;
struct dial;

struct streams {
	struct gateway *gateway;
	struct xmpp_parser *parser;
	struct map routes; /* "local remote" */
	struct map flying; /* "id remote" -> parcel */
	struct handles receipts;
	struct list route_list, stream_list, owed;
	size_t stream_count, waiting_bytes;
	uint64_t numbers;
	struct loop_defer pay;
};

struct parcel {
	struct list node; /* route->waiting, stream->flying or streams->owed */
	struct streams *streams;
	struct stream *stream; /* on which it flies; NULL: it does not */
	struct arena arena;
	uint64_t token;
	const struct xmpp_element *stanza; /* waiting: a copy; owed: the error stanza that came, a copy */
	struct slice key;                  /* in `flying`; empty: not */
	size_t bytes;                      /* waiting: what it takes, with the copy */
	int64_t deadline_ms;
	bool counts; /* flies where it will be acknowledged */
	enum gateway_delivery delivery;
	char why[GATEWAY_WORDS_BYTES];
};

struct question { /* a dialback key to be asked about */
	struct list node;
	uint64_t asker;              /* number of the stream that waits for the verdict */
	struct slice stream_id, key; /* owned, behind the struct */
	int64_t deadline_ms;
	bool is_asked;
};

struct route {
	struct list node;
	struct streams *streams;
	char *key;
	struct slice local, remote; /* in `key` */
	struct list waiting, questions;
	size_t waiting_count, waiting_bytes, question_count;
	struct stream *sender; /* ready to send; NULL: none */
	struct stream *asker;  /* asks about keys; NULL: none */
	struct dial *dial, *asking_dial;
	bool has_stream;     /* as of this second */
	unsigned failures;   /* since the last success */
	int64_t next_try_ms; /* not before */
	char last_error[GATEWAY_WORDS_BYTES];
	int64_t last_error_wall_ms;
	char error_in
	        [GATEWAY_WORDS_BYTES]; /* of the last stream that they opened and that failed; empty: none */
	int64_t error_in_wall_ms;
};

struct stream {
	struct list node;
	struct streams *streams;
	uint64_t number;
	struct connection *connection;
	struct xmpp_stream *xmpp; /* NULL until the connection is up */
	struct route *route;      /* outgoing: whose; incoming: NULL */
	struct dial *dial;        /* outgoing, until it is ready or has failed */
	bool is_for_asking, is_direct, may_sasl;
	bool is_proved;  /* something was proved on it */
	bool is_counted; /* against its partner's limit: ours, and those of whom the partner is proved */
	bool owes_tls, is_refused;
	bool owes_judgement;              /* a pair was proved by what its row said when that began */
	bool holds_back;                  /* something waits in line for it to take more */
	bool owes_going_on;               /* ... and it may: it has acknowledged, or is open at last */
	char partner[GATEWAY_NAME_BYTES]; /* the partner's domain, as far as it is known */
	char words[GATEWAY_WORDS_BYTES];  /* why a pair was refused */
	struct list receipts;
	struct list flying;
	size_t flying_count;
	int64_t acknowledged_ms; /* when some of them were last acknowledged, or the first of them flew */
	int64_t last_kept_ms, last_asked_ms;
	int64_t asked_alive_ms; /* whether it is there; 0: never */
	int64_t recheck_at_ms;  /* when its certificate is looked at again; 0: not yet up */
	struct loop_defer flush;
};

/* ---- streams.c ---- */
bool streams_terms(const struct gateway *g, struct slice remote,
                   struct xmpp_terms *out); /* false: no partner, or off */
/* For so many more streams with that partner. */
bool streams_have_room(const struct streams *s, const struct image_xmpp_partner *partner, size_t more,
                       const char **why);
/* For one more that asks a partner's server about the keys of who uses its name. */
bool streams_may_ask(const struct streams *s, const struct image_xmpp_partner *partner, const char **why);
/* Closes it when the rows of now do not let it live. */
void streams_judge(struct stream *stream);
struct stream *streams_by_number(const struct streams *s, uint64_t number);

/* ---- stream.c ---- */
/* Outgoing; NULL and a reason: it could not even begin. `dial_failed` will be called otherwise, or `route_ready`. */
struct stream *stream_open(struct dial *dial, const struct address *to, bool is_direct,
                           struct reason *reason);
struct stream *stream_accept(struct streams *s, int fd, bool is_direct); /* owns fd; NULL: it is closed */
void stream_close(struct stream *stream, enum xmpp_stream_error error, const char *words);
void stream_touched(struct stream *stream); /* something may have been written */
void stream_second(struct stream *stream);
void stream_free(struct stream *stream);

/* ---- stream_show.c ---- */
void stream_write(const struct stream *stream, struct json_writer *w);

/* ---- route.c ---- */
struct route *route_find(const struct streams *s, struct slice local, struct slice remote);
struct route *route_get(struct streams *s, struct slice local, struct slice remote); /* NULL: limit, memory */
void route_ready(struct route *route, struct stream *stream);                        /* it may send */
void route_lost(struct route *route, struct stream *stream);                         /* no longer */
void route_failed(struct route *route, const char *why); /* an attempt to reach it has failed */
/* A stream that the partner opened was refused or broke; what names no partner, or no domain of ours, is not kept. */
void route_failed_in(struct streams *s, struct slice local, struct slice remote, const char *why);
void route_reset(struct route *route); /* the partner is there: no more waiting */
/* Opens a stream at once, if something waits or the last attempt has failed; whether it did. */
bool route_retry(struct route *route);
void route_try(struct route *route);     /* if something waits, and it is time */
void route_go_on(struct stream *stream); /* it may take more of what waits for it */
/* False: too many wait already, and it is not asked. */
bool route_ask(struct route *route, uint64_t asker, struct slice stream_id, struct slice key);
void route_may_ask(struct route *route, struct stream *stream);
void route_answered(struct route *route, struct slice stream_id, enum xmpp_verdict verdict);
void route_ask_failed(struct route *route, const char *why);
void route_stop(struct route *route, const char *why); /* the partner is off: what waits is refused */
void route_second(struct route *route);
void route_free(struct route *route);
/* ---- parcel.c ---- */
void parcels_acknowledged(struct stream *stream, size_t count);
void parcels_lost(struct stream *stream, const char *why);
void parcels_second(struct stream *stream);
/* An error stanza came: true when it is the outcome of one that flies. */
bool parcels_refused(struct streams *s, const struct xmpp_element *error, struct slice remote);
void parcels_pay(void *streams);
struct parcel *parcel_new(struct streams *s, uint64_t token);
/* Its outcome is known; it is told from the loop.  Whoever did not want to know is not told. */
void parcel_owe(struct parcel *parcel, enum gateway_delivery delivery, const char *why);
/* It has been written there.  Of `id` and `remote` nothing is used afterwards; the parcel may be gone. */
void parcel_fly(struct parcel *parcel, struct stream *stream, struct slice id, struct slice remote);
void parcel_free(struct parcel *parcel);

/* ---- alive.c ---- */
void stream_keep_alive(struct stream *stream, int64_t now_ms); /* once a second; may close it */

/* ---- recheck.c ---- */
void stream_recheck(struct stream *stream);                     /* now; may close it */
void stream_recheck_due(struct stream *stream, int64_t now_ms); /* once a second; may close it */

/* ---- receipt.c ---- */
/* The token of a stanza that was counted; 0: there is no room. */
handle receipt_new(struct stream *stream, uint64_t number);
void receipts_second(struct stream *stream); /* may close it */
void receipts_drop(struct stream *stream);   /* nothing of it will be acknowledged any more */

/* ---- dial.c ---- */
struct dial *dial_new(struct route *route,
                      bool is_for_asking); /* NULL: out of memory; it goes on by itself */
void dial_failed(struct dial *dial, const char *why,
                 bool is_sasl_refused); /* this target did not do: the next */
void dial_free(struct dial *dial);
struct route *dial_route(const struct dial *dial);
bool dial_is_for_asking(const struct dial *dial);
bool dial_may_sasl(const struct dial *dial);

#endif
