/*
 * connection: a stream (TCP, or TLS over TCP) with bounded buffers, deadlines,
 * and a reason for its end.  What is above never asks which it is.
 *
 * Reading: bytes collect in `in` up to its maximum; `received` is called once a
 * readiness with all of them and consumes what it used (buffer_consume).
 * Writing: `connection_send` queues; the queue is written at the end of the
 * loop turn, many messages in one TLS record.  A queue over its maximum, or
 * that makes no progress in time, closes the connection.
 * Closing: `closed` is called exactly once, from the loop, never from inside a
 * call of ours; after it the handle finds nothing.
 */
#ifndef DAEMON_IO_CONNECTION_H
#define DAEMON_IO_CONNECTION_H

#include "daemon/io/address.h"
#include "daemon/io/loop.h"
#include "daemon/io/tls.h"
#include "shared/base/buffer.h"
#include "shared/base/handles.h"

enum connection_state {
	CONNECTION_CONNECTING,
	CONNECTION_HANDSHAKE,
	CONNECTION_UP,
	CONNECTION_CLOSING,
	CONNECTION_CLOSED
};

enum connection_end { /* why it ended; words by connection_end_name */
	              CONNECTION_END_NONE,
	              CONNECTION_END_PEER,    /* the peer closed, orderly */
	              CONNECTION_END_RESET,   /* the peer or the network broke it */
	              CONNECTION_END_CONNECT, /* could not connect */
	              CONNECTION_END_TLS_OURS, /* we refused in the handshake: chain, validity, usage, no certificate */
	              CONNECTION_END_TLS_THEIRS, /* they refused: an alert came */
	              CONNECTION_END_TIMEOUT, /* a deadline of ours passed: handshake, first request, idle, dead peer */
	              CONNECTION_END_QUEUE,    /* the peer does not read */
	              CONNECTION_END_PROTOCOL, /* framing broken, wrong first bytes */
	              CONNECTION_END_POLICY,   /* blocked, identity does not match */
	              CONNECTION_END_DRAIN,    /* we are stopping */
	              CONNECTION_END_LIMIT,
	              CONNECTION_END_INTERNAL,
};
const char *connection_end_name(enum connection_end end);
const char *connection_end_advice(enum connection_end end); /* what to do about it; "": nothing */
const char *connection_state_name(enum connection_state state);

enum {
	CONNECTION_QUEUE_MAX = 1024 * 1024,    /* unwritten bytes */
	CONNECTION_QUEUE_STALL_MS = 30 * 1000, /* without progress */
	CONNECTION_READ_PER_TURN = 64 * 1024,
	CONNECTION_CLOSE_DRAIN_MS =
	        2000, /* after our close: read and throw away, so that the peer gets our last bytes */
};

struct connection;

struct connection_events {
	void (*up)(void *owner, struct connection *c); /* connected, handshake done, certificate verified */
	void (*received)(void *owner, struct connection *c, struct buffer *in);
	void (*closed)(void *owner, struct connection *c); /* last call; c is freed after it */
	/*
	 * An accepted TLS connection has sent its first bytes. True: its handshake begins. False: it waits, with nobody
	 * reading and no deadline running, until connection_let_in or its end.  NULL: always true.  Until then it costs
	 * no TLS session, so who only connects and keeps silent is cheap.
	 */
	bool (*knocks)(void *owner, struct connection *c);
	/* All that was queued has been written: whoever held back may go on.  NULL: nobody does. */
	void (*written)(void *owner, struct connection *c);
};

struct connection_settings {
	int64_t connect_ms, handshake_ms;
	int64_t dead_ms; /* so long may what was sent stay unacknowledged; 0: CONNECTION_QUEUE_STALL_MS */
	size_t in_max;   /* receive buffer's maximum */
	struct tls_credentials *credentials; /* NULL: plain TCP; kept counted */
	const char *server_name;             /* SNI for outgoing; NULL none */
	const char
	        *certificate; /* outgoing: the one of ours to be shown, by its name; NULL or "": the first */
	/* ALPN.  Accepted: an offer that lacks it is refused; outgoing: it is offered.  NULL: offers are neither made nor looked at. */
	const char *application;
	const struct connection_events *events;
	void *owner;
};

/* Outgoing. OK: the connection exists and `up` or `closed` will come. IO, LIMIT, NO_MEMORY at once. */
enum result connection_open(struct loop *loop, struct handles *handles, const struct address *to,
                            const struct connection_settings *settings, struct connection **out,
                            struct reason *reason);
/* An accepted descriptor; owned from here on, also on failure. */
enum result connection_accept(struct loop *loop, struct handles *handles, int fd,
                              const struct connection_settings *settings, struct connection **out,
                              struct reason *reason);

/*
 * A TCP connection that is up becomes a TLS one in place (STARTTLS): what is queued is written in the clear first,
 * nothing more is read in the clear, then the handshake begins and `up` is called a second time.  Of `settings`:
 * credentials, handshake_ms, server_name, certificate, application.  Bytes that came in the clear and were not
 * consumed end it with PROTOCOL: somebody put them behind the last word.  False: it is not up, or out of memory; it closes.
 */
bool connection_upgrade(struct connection *c, const struct connection_settings *settings);

void connection_let_in(struct connection *c); /* after `knocks` was answered with false */

handle connection_handle(const struct connection *c);
/* Queues bytes. False: the connection is closing, or the queue is over its maximum (it will close). */
bool connection_send(struct connection *c, struct slice bytes);
/* Room to write directly: bytes added here are sent like connection_send's. NULL when closing. */
struct buffer *connection_queue(struct connection *c);
void connection_queued(struct connection *c); /* after adding to connection_queue */

/*
 * Ends it: what is queued is still written, then close_notify, half-close, a short
 * bounded drain of what the peer sends, then `closed`.  `abort_now` skips the politeness.
 * `words` (may be NULL) is kept as the reason shown.
 */
void connection_close(struct connection *c, enum connection_end why, const char *words);
void connection_abort(struct connection *c, enum connection_end why, const char *words);

/*
 * An absolute deadline: if it is not moved or stopped in time the connection closes with TIMEOUT and `words`,
 * a literal: the pointer is kept.
 */
void connection_deadline(struct connection *c, int64_t after_ms, const char *words); /* <0 stops it */
void connection_pause(struct connection *c, bool is_paused); /* stop reading for a while */

/*
 * Looks at the peer's certificate again, with these credentials (new trust, new CRLs, a later hour) and keeps them.
 * If it is no longer good the connection closes with TLS_OURS.  False then.  TCP is always good, and so is TLS_XMPP,
 * where connection_peer says anew whether it is trusted: what it said before is gone.
 */
bool connection_recheck(struct connection *c, struct tls_credentials *credentials);

enum connection_state connection_state(const struct connection *c);
enum connection_end connection_end(const struct connection *c);
const char *connection_end_words(const struct connection *c);
const struct tls_peer *connection_peer(const struct connection *c); /* never NULL; empty for TCP */
const struct address *connection_remote(const struct connection *c);
const struct address *connection_local(const struct connection *c);
bool connection_is_outgoing(const struct connection *c);
void *connection_owner(const struct connection *c);
void connection_set_owner(struct connection *c, void *owner);

struct connection_counts {
	uint64_t bytes_in, bytes_out;
	size_t queued;
	int64_t since_ms;   /* mono: up, or created */
	int64_t last_in_ms; /* mono */
};
struct connection_counts connection_counts(const struct connection *c);

/* ---- listener ---- */
/* Few a turn: those who are in wait behind those who come. */
enum { LISTENER_PAUSE_MS = 100, LISTENER_ACCEPTS_PER_TURN = 8 };
struct listener;
/*
 * Watches a bound, listening descriptor (owned from here on).  `accepted` gets each new descriptor and its peer.
 * At EMFILE/ENFILE a reserve descriptor is used to refuse one, and the listener pauses 100 ms instead of spinning.
 */
enum result listener_new(struct loop *loop, int fd,
                         void (*accepted)(void *owner, int fd, const struct address *from), void *owner,
                         struct listener **out, struct reason *reason);
void listener_free(struct listener **listener);                 /* also from inside `accepted` */
void listener_pause(struct listener *listener, int64_t for_ms); /* nothing is accepted for so long */
void listener_on_full(struct listener *listener,
                      void (*full)(void *owner)); /* tells of each pause for want of descriptors */
const struct address *listener_address(const struct listener *listener);

#endif
