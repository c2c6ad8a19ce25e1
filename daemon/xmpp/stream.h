/*
 * stream: one XMPP stream between two servers as a machine without I/O (RFC 6120,
 * XEP-0178, XEP-0220, XEP-0288, XEP-0198).
 *
 * Problem: a stream is proved in one of several ways, for one pair of domains
 * or for many, in one direction or in both, and every stanza on it must belong
 * to a pair that was proved on this very stream.
 * Files in reading order:
 *   stream.h         this door
 *   stream_table.c   role x phase x event -> what is done; every cell is written
 *   stream.c         bytes and events in, through the table
 *   stream_open.c    headers, features, STARTTLS, SASL EXTERNAL
 *   stream_pairs.c   pairs of domains; stanzas belong to one
 *   stream_dialback.c, dialback.h   dialback in its four parts, and its keys
 *   stream_acks.c    stream management
 *   stream_parts.h   what these share
 * Direction: bytes -> reader -> event -> table -> deed -> bytes in `out`, and calls of the owner.
 *
 * The owner's functions are called from within the calls of this door, when the
 * machine's own state is settled; they may call xmpp_stream_send and
 * xmpp_stream_handled, and free nothing.
 *
 * Words: *local* is our domain, *remote* the partner's, on incoming and outgoing
 * streams alike.  Domains are prepared (A-labels); on the wire they stand in U-labels.
 */
#ifndef DAEMON_XMPP_STREAM_H
#define DAEMON_XMPP_STREAM_H

#include "daemon/xmpp/reader.h"
#include "shared/base/clock.h"
#include "shared/base/list.h"

enum {
	XMPP_PAIRS_MAX = 64,           /* of one stream */
	XMPP_VERIFYING_MAX = 8,        /* keys of one stream that are being verified at a time */
	XMPP_ASKING_MAX = 32,          /* keys we are asking about on one stream at a time */
	XMPP_SASL_TRIES_MAX = 2,       /* RFC 6120 §6.4.5: at least two */
	XMPP_PAIR_WAIT_MS = 30 * 1000, /* for an answer to a key, ours or the authoritative server's */
	XMPP_CLOSE_WAIT_MS = 5 * 1000, /* for the peer's </stream:stream> after ours */
	XMPP_STREAM_ID_BYTES = 33,
	XMPP_KEY_BYTES_MAX = 1024, /* of a dialback key of others that we pass on; XEP-0185 makes 64 */
	XMPP_UNHANDLED_MAX =
	        512, /* stanzas not yet handled, counted or not: no more are read until some are */
};

enum xmpp_role { XMPP_INITIATING, XMPP_RECEIVING, XMPP_ROLE_COUNT };

enum xmpp_phase {
	XMPP_PHASE_HEADER,     /* the peer's header is awaited */
	XMPP_PHASE_FEATURES,   /* initiating: the peer's features are awaited */
	XMPP_PHASE_TLS_ASKED,  /* initiating: <starttls/> is out */
	XMPP_PHASE_TLS,        /* the handshake is under way, outside of the stream */
	XMPP_PHASE_SASL_ASKED, /* initiating: <auth/> is out */
	XMPP_PHASE_PROVING, /* receiving: nothing is proved yet. Initiating: pairs may be proved by dialback */
	XMPP_PHASE_OPEN,    /* something is proved */
	XMPP_PHASE_CLOSING, /* our end has been said, the peer's is awaited */
	XMPP_PHASE_CLOSED,  /* nothing more happens: the connection is to be closed */
	XMPP_PHASE_COUNT
};

enum xmpp_stream_event {
	XMPP_EV_HEADER,
	XMPP_EV_FEATURES,
	XMPP_EV_STARTTLS,
	XMPP_EV_PROCEED,
	XMPP_EV_TLS_FAILURE,
	XMPP_EV_SECURED, /* the handshake is done */
	XMPP_EV_AUTH,
	XMPP_EV_SUCCESS,
	XMPP_EV_SASL_FAILURE,
	XMPP_EV_SASL_OTHER,    /* challenge, response, abort */
	XMPP_EV_RESULT,        /* <db:result/> with a key */
	XMPP_EV_RESULT_ANSWER, /* <db:result type=/> */
	XMPP_EV_VERIFY,        /* <db:verify/> with a key */
	XMPP_EV_VERIFY_ANSWER, /* <db:verify type=/> */
	XMPP_EV_BIDI,
	XMPP_EV_STANZA, /* message, presence, iq */
	XMPP_EV_ENABLE,
	XMPP_EV_ENABLED,
	XMPP_EV_SM_FAILED,
	XMPP_EV_RESUME,
	XMPP_EV_ACK_ASKED,
	XMPP_EV_ACK,
	XMPP_EV_OTHER,      /* any other element */
	XMPP_EV_PEER_ERROR, /* <stream:error/> */
	XMPP_EV_PEER_END,   /* </stream:stream> */
	XMPP_EV_BROKEN,     /* the reader refuses what came */
	XMPP_EV_COUNT
};

/* How streams with a partner are to be proved, from its row. */
struct xmpp_terms {
	enum { XMPP_TLS_NEVER, XMPP_TLS_IF_OFFERED, XMPP_TLS_ALWAYS } tls;
	bool may_sasl; /* EXTERNAL, over TLS */
	bool may_tls_dialback;
	bool may_tcp_dialback;
};

/*
 * What makes us believe that the peer is who it says: its certificate, with SASL or with a dialback key that needed no
 * question (XEP-0344); the answer of the domain's own server; or, when we connect, DNS alone, where the peer took
 * our certificate and shows none that names it.
 */
enum xmpp_proof {
	XMPP_PROOF_NONE,
	XMPP_PROOF_SASL,
	XMPP_PROOF_CERTIFICATE,
	XMPP_PROOF_DIALBACK,
	XMPP_PROOF_DNS
};
const char *xmpp_proof_name(enum xmpp_proof proof); /* "sasl", "certificate", "dialback", "dns", "none" */

enum xmpp_pair_state {
	XMPP_PAIR_NONE,
	XMPP_PAIR_WANTED, /* to be proved once the stream is ready for it */
	XMPP_PAIR_ASKED,  /* a key is out, or is being verified */
	XMPP_PAIR_READY,
	XMPP_PAIR_REFUSED,
};
const char *xmpp_pair_state_name(enum xmpp_pair_state state);

struct xmpp_pair {
	struct list in_stream;
	struct slice local, remote;   /* owned, behind the struct */
	enum xmpp_pair_state sending; /* may we send as `local` to `remote` here? */
	enum xmpp_pair_state taking;  /* may the peer send as `remote` to `local` here? */
	enum xmpp_proof proof;
	int64_t deadline_ms; /* of ASKED */
};

/* What the authoritative server said about a key, or why it could not be asked. */
enum xmpp_verdict { XMPP_KEY_VALID, XMPP_KEY_INVALID, XMPP_KEY_UNKNOWN };

struct xmpp_stream;

struct xmpp_stream_owner {
	/* ---- facts ---- */
	bool (*is_ours)(void *owner, struct slice domain);
	/* False: no partner, or switched off. */
	bool (*terms)(void *owner, struct slice remote, struct xmpp_terms *out);
	/* The peer presented a certificate that leads to our trust and names the domain (RFC 6120 §13.7.2.1). */
	bool (*has_certificate_for)(void *owner, struct slice remote);
	/* ---- intentions ---- */
	/* Initiating: xmpp_stream_want and xmpp_stream_ask work from here on. */
	void (*ready)(void *owner);
	/* Write what is in `out`, then start TLS (as the server when receiving), then xmpp_stream_secured. */
	void (*start_tls)(void *owner);
	/*
	 * Ask the authoritative server of `remote`, on another connection, whether it made `key`; then xmpp_stream_verified.
	 * False: too many are being asked about, and nothing follows.
	 */
	bool (*verify)(void *owner, struct slice local, struct slice remote, struct slice stream_id,
	               struct slice key);
	/* An answer to xmpp_stream_ask. */
	void (*answered)(void *owner, struct slice local, struct slice remote, struct slice stream_id,
	                 enum xmpp_verdict verdict);
	/* `sending` or `taking` is now READY or REFUSED; `error` says why when it is refused. */
	void (*pair_changed)(void *owner, const struct xmpp_pair *pair, enum xmpp_condition error,
	                     const char *why);
	/*
	 * A stanza of a proved pair; addresses are parsed; all of it lives until
	 * this returns.  `number` is for xmpp_stream_handled, which every one needs sooner or later.
	 */
	void (*stanza)(void *owner, const struct xmpp_element *stanza, const struct xmpp_jid *from,
	               const struct xmpp_jid *to, uint64_t number);
	/* The peer has handled so many more of the stanzas that were sent, oldest first. */
	void (*acknowledged)(void *owner, size_t count);
};

struct xmpp_stream_settings {
	enum xmpp_role role;
	struct slice local,
	        remote;          /* initiating: whose stream to whom; receiving: empty, the header says it */
	struct xmpp_terms terms; /* initiating */
	bool is_secure;          /* direct TLS (XEP-0368): the handshake is done */
	bool is_for_asking;      /* initiating: only keys are asked about; nothing need be proved */
	bool may_sasl; /* false: it was refused the last time and the peer hung up: dialback at once */
	bool offers_bidi, offers_acks; /* XEP-0288, XEP-0198 */
	bool can_tls;                  /* there is a certificate of ours */
	size_t stanza_max;
	uint32_t idle_s;     /* announced (XEP-0478); 0: not */
	struct slice secret; /* for dialback keys; copied */
	uint8_t seed[16];    /* unpredictable: stream ids come from it */
	const struct xmpp_stream_owner *calls;
	void *owner;
};

struct xmpp_stream_end {              /* why it ended */
	enum xmpp_stream_error error; /* NONE: orderly */
	bool is_theirs;               /* the peer said it */
	char words[192];              /* printable */
};

/* NULL: out of memory.  `out`: where bytes go, the owner's; it outlives the stream or the stream's last call. */
struct xmpp_stream *xmpp_stream_new(const struct xmpp_stream_settings *settings, struct xmpp_parser *parser,
                                    struct buffer *out, struct instant now);
void xmpp_stream_free(struct xmpp_stream **stream);

/* The connection is up: the initiating side speaks first. */
void xmpp_stream_begin(struct xmpp_stream *stream, struct instant now);
/* Bytes have come; those that were used are consumed.  A full stream leaves them: call again once it is not. */
void xmpp_stream_received(struct xmpp_stream *stream, struct buffer *in, struct instant now);
/* The handshake asked for by start_tls is done. */
void xmpp_stream_secured(struct xmpp_stream *stream, struct instant now);
/* The outcome of what `verify` asked for, with the id that it gave.  `error` when the verdict is UNKNOWN. */
void xmpp_stream_verified(struct xmpp_stream *stream, struct slice local, struct slice remote,
                          struct slice stream_id, enum xmpp_verdict verdict, enum xmpp_condition error);
/* The connection is gone, whatever the reason: what was under way is refused.  Then only xmpp_stream_free. */
void xmpp_stream_lost(struct xmpp_stream *stream, const char *words);
/* Deadlines of pairs and of the close; call it every second or so. */
void xmpp_stream_tick(struct xmpp_stream *stream, struct instant now);

/*
 * We want to send as `local` to `remote` on this stream.  READY: at once;
 * ASKED or WANTED: pair_changed will tell; REFUSED: not here (the stream is
 * incoming and not both ways, it is closing, there are too many pairs, memory).
 */
enum xmpp_pair_state xmpp_stream_want(struct xmpp_stream *stream, struct slice local, struct slice remote);
/* Asks the peer whether it made that key (we are the receiving server of another stream).  False: not here, or not yet. */
bool xmpp_stream_ask(struct xmpp_stream *stream, struct slice local, struct slice remote,
                     struct slice stream_id, struct slice key);
/*
 * Writes a stanza of a pair that is READY for sending.  OK; INVALID: it cannot
 * be written (xmpp_write), or it is longer than the peer takes; DENIED: the
 * pair is not ready; LIMIT: `out` is full.
 */
enum result xmpp_stream_send(struct xmpp_stream *stream, struct slice local, struct slice remote,
                             const struct xmpp_element *stanza);
/* After the last xmpp_stream_send of a loop turn: asks for the acknowledgement of what was sent. */
void xmpp_stream_flush(struct xmpp_stream *stream);
/* A stanza that came has reached its end, or its sender has been told.  In any order. */
void xmpp_stream_handled(struct xmpp_stream *stream, uint64_t number);
/* One byte of white space, or a question for an acknowledgement: keeps what stands between alive. */
void xmpp_stream_keep_alive(struct xmpp_stream *stream);
/* Says the end.  NONE is orderly: what the peer still sends is taken until it says its own. */
void xmpp_stream_close(struct xmpp_stream *stream, enum xmpp_stream_error error, const char *words,
                       struct instant now);

/*
 * Certificates end and are revoked while streams live (RFC 6120 §13.7.2.3).  Does has_certificate_for still hold for
 * every pair that rests on it?  The owner asks when it may have changed, and closes with XMPP_STREAM_RESET.
 */
bool xmpp_stream_is_still_proved(const struct xmpp_stream *stream);

enum xmpp_phase xmpp_stream_phase(const struct xmpp_stream *stream);
const char *xmpp_phase_name(enum xmpp_phase phase);
enum xmpp_role xmpp_stream_role(const struct xmpp_stream *stream);
bool xmpp_stream_is_secure(const struct xmpp_stream *stream);
bool xmpp_stream_is_both_ways(const struct xmpp_stream *stream);     /* XEP-0288 */
bool xmpp_stream_acknowledges(const struct xmpp_stream *stream);     /* what we send */
bool xmpp_stream_takes_more_pairs(const struct xmpp_stream *stream); /* dialback with errors was announced */
bool xmpp_stream_may_ask(const struct xmpp_stream *stream);          /* xmpp_stream_ask would work now */
bool xmpp_stream_was_sasl_refused(const struct xmpp_stream *stream);
enum xmpp_proof xmpp_stream_proof(const struct xmpp_stream *stream); /* of the first pair that was proved */
/* The first pair: of the settings, or of the peer's header.  Empty before that. */
struct slice xmpp_stream_local(const struct xmpp_stream *stream);
struct slice xmpp_stream_remote(const struct xmpp_stream *stream);
const struct xmpp_stream_end *xmpp_stream_end(const struct xmpp_stream *stream);
/* Walks the pairs: NULL starts; NULL at the end. */
const struct xmpp_pair *xmpp_stream_next_pair(const struct xmpp_stream *stream,
                                              const struct xmpp_pair *previous);
const struct xmpp_pair *xmpp_stream_pair(const struct xmpp_stream *stream, struct slice local,
                                         struct slice remote);

struct xmpp_stream_counts {
	uint64_t stanzas_in, stanzas_out;
	uint64_t dropped; /* answers to questions nobody asked, and the like */
	size_t unacknowledged, unhandled;
	int64_t last_stanza_ms; /* mono, either way; the start when there was none */
};
bool xmpp_stream_is_full(const struct xmpp_stream *stream); /* XMPP_UNHANDLED_MAX is reached */
struct xmpp_stream_counts xmpp_stream_counts(const struct xmpp_stream *stream);

#endif
