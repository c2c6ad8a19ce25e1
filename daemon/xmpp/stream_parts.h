/* stream_parts: what the files of the stream machine share.  Seen only inside this folder. */
#ifndef DAEMON_XMPP_STREAM_PARTS_H
#define DAEMON_XMPP_STREAM_PARTS_H

#include "daemon/xmpp/stream.h"

/* ---- the table: stream_table.c ---- */
enum xmpp_deed {
	DEED_UNWRITTEN,
	DEED_IMPOSSIBLE, /* only a mistake of ours leads here */
	DEED_IGNORE,     /* may come, and nothing is to be done */
	DEED_DROP, /* nobody asked for it: counted, and nothing more (XEP-0220 §2.4.2: unsolicited answers) */
	DEED_GREET,        /* receiving: check the header, answer header and features */
	DEED_LEARN,        /* initiating: check the header */
	DEED_CHOOSE,       /* initiating: what next, by the features */
	DEED_START_TLS,    /* receiving: <proceed/> */
	DEED_PROCEED,      /* initiating: the handshake */
	DEED_NO_TLS,       /* initiating: <failure/> instead of <proceed/> */
	DEED_RESTART,      /* after TLS: a new stream in the same connection */
	DEED_AUTHENTICATE, /* receiving: <auth/> */
	DEED_SUCCEED,      /* initiating: SASL worked */
	DEED_FALL_BACK,    /* initiating: it did not; dialback if it may be */
	DEED_JUDGE,        /* receiving: a key for us to have verified */
	DEED_RESULT,       /* the peer's verdict on a key of ours */
	DEED_CONFIRM,      /* a key that we are said to have made */
	DEED_CONFIRMED,    /* an answer to a key we asked about */
	DEED_BIDI,
	DEED_TAKE,      /* a stanza */
	DEED_ENABLE,    /* the peer wants acknowledgements */
	DEED_ENABLED,   /* the peer will give them */
	DEED_NO_RESUME, /* we keep no state that could be resumed */
	DEED_ANSWER_ACK,
	DEED_COUNT_ACK,
	DEED_NOT_YET,         /* <not-authorized/>: nothing is proved */
	DEED_TOO_LATE,        /* <policy-violation/>: it had its time */
	DEED_UNKNOWN_ELEMENT, /* <unsupported-stanza-type/> */
	DEED_HEAR_ERROR,
	DEED_HEAR_END,
	DEED_BREAK, /* what the reader found goes to the peer as a stream error */
	DEED_GONE,  /* closing, and nothing understandable comes any more */
	DEED_COUNT
};
enum xmpp_deed xmpp_stream_deed(enum xmpp_role role, enum xmpp_phase phase, enum xmpp_stream_event event);

/* ---- the stream ---- */
enum { UNHANDLED_WORDS = XMPP_UNHANDLED_MAX / 64, ID_TEXT_MAX = 255 };

struct asking { /* a key we asked about */
	struct list in_stream;
	int64_t deadline_ms;
	struct slice local, remote, stream_id; /* owned, behind the struct */
};

struct acks {
	bool is_giving;              /* we acknowledge what comes */
	bool is_getting;             /* what we send is acknowledged */
	bool is_asked;               /* <enable/> is out, or was */
	bool is_settled;             /* ... and has been answered */
	bool owes_answer;            /* an <r/> was answered with less than had come */
	bool wants_answer;           /* something was sent since the last <r/> */
	uint64_t received, handled;  /* since is_giving */
	size_t uncounted;            /* came when nobody counted, and are not yet handled */
	uint64_t sent, acknowledged; /* since is_getting */
	uint64_t
	        done[UNHANDLED_WORDS]; /* bit (number % XMPP_UNHANDLED_MAX): handled, but not all before it */
};

struct xmpp_stream {
	struct xmpp_stream_settings settings; /* its slices point into `own` */
	char *own;
	struct slice local, remote; /* the first pair; A-labels; owned: `names` for receiving */
	char *names;
	struct xmpp_parser *parser;
	struct xmpp_reader reader;
	struct arena arena; /* of the element at hand */
	struct buffer *out;
	enum xmpp_phase phase;
	struct xmpp_terms terms;
	struct xmpp_stream_end end;
	struct list pairs, askings;
	size_t pair_count, asking_count, verifying_count;
	uint64_t ids_made;
	char id[XMPP_STREAM_ID_BYTES];    /* receiving: the one we gave */
	char peer_id[ID_TEXT_MAX + 1];    /* initiating: the one we were given */
	size_t peer_stanza_max;           /* what the peer said it takes (XEP-0478); 0: nothing said */
	bool has_terms;                   /* receiving: the header named a partner */
	bool is_secure, is_authenticated; /* by SASL */
	bool has_sent_header, has_sent_end, has_heard_end;
	bool has_declared_dialback; /* in our header: its prefix may be used */
	bool does_bidi, bidi_offered;
	bool peer_does_dialback, peer_does_errors, peer_offers_acks;
	bool was_sasl_refused;
	unsigned sasl_tries;
	struct acks acks;
	struct xmpp_stream_counts counts;
	int64_t now_ms, close_deadline_ms;
	bool is_reading;                /* the arena holds an element that somebody looks at */
	const struct xmpp_fault *fault; /* of the event BROKEN */
	struct slice rest;              /* bytes behind the element at hand */
};

#define PAIR_OF(node)   LIST_OWNER(node, struct xmpp_pair, in_stream)
#define ASKING_OF(node) LIST_OWNER(node, struct asking, in_stream)

static inline const struct xmpp_stream_owner *calls(const struct xmpp_stream *s) { return s->settings.calls; }

/* ---- stream.c ---- */
void stream_rest(struct xmpp_stream *s); /* at the end of a call from outside: gives memory back */
void stream_put_element(struct xmpp_stream *s, const struct xmpp_element *element);
void stream_put(struct xmpp_stream *s, struct slice bytes);
/* Ends with an error that is said to the peer; `words` is a literal or printable. */
void stream_fail(struct xmpp_stream *s, enum xmpp_stream_error error, const char *words);
/* Ends because of what the peer did not offer or refused: nothing is an error of the stream. */
void stream_give_up(struct xmpp_stream *s, const char *words);
/* Says </stream:stream> and waits for the peer's. */
void stream_say_end(struct xmpp_stream *s, struct instant now);
void stream_gone(struct xmpp_stream *s);

/* ---- stream_open.c ---- */
void stream_send_header(struct xmpp_stream *s);
void stream_greet(struct xmpp_stream *s, const struct xmpp_element *header);
void stream_learn(struct xmpp_stream *s, const struct xmpp_element *header);
void stream_choose(struct xmpp_stream *s, const struct xmpp_element *features);
void stream_start_tls(struct xmpp_stream *s);
void stream_proceed(struct xmpp_stream *s);
void stream_restart(struct xmpp_stream *s);
void stream_weigh_certificate(struct xmpp_stream *s); /* initiating, over TLS: may end it */
void stream_authenticate(struct xmpp_stream *s, const struct xmpp_element *auth);
void stream_succeed(struct xmpp_stream *s);
void stream_fall_back(struct xmpp_stream *s, const struct xmpp_element *failure);
/* May dialback prove anything under these terms, as the stream stands? */
bool stream_may_dialback(const struct xmpp_stream *s, const struct xmpp_terms *terms);

/* ---- stream_pairs.c ---- */
struct xmpp_pair *stream_pair_find(const struct xmpp_stream *s, struct slice local, struct slice remote);
struct xmpp_pair *stream_pair_get(struct xmpp_stream *s, struct slice local,
                                  struct slice remote); /* NULL: limit or memory */
void stream_pair_is_ready(struct xmpp_stream *s, struct xmpp_pair *pair, enum xmpp_proof proof);
void stream_pair_is_refused(struct xmpp_stream *s, struct xmpp_pair *pair, enum xmpp_condition error,
                            const char *why);
void stream_pairs_tick(struct xmpp_stream *s);
void stream_pairs_end(struct xmpp_stream *s, const char *why); /* nothing will be proved any more */
void stream_pairs_free(struct xmpp_stream *s);
/* A new stream in the same connection: what is being verified was asked on the old one (RFC 6120 §4.3.3). */
void stream_pairs_forget(struct xmpp_stream *s);
bool stream_pairs_has_ready(const struct xmpp_stream *s);
void stream_take(struct xmpp_stream *s, const struct xmpp_element *stanza);

/* ---- stream_dialback.c ---- */
void stream_pairs_begin(struct xmpp_stream *s); /* what is WANTED is proved now */
void stream_dialback_decide(struct xmpp_stream *s, struct xmpp_pair *pair, enum xmpp_verdict verdict,
                            enum xmpp_condition error);
void stream_dialback_tell(struct xmpp_stream *s, struct asking *asking, enum xmpp_verdict verdict);
void stream_judge(struct xmpp_stream *s, const struct xmpp_element *result);
void stream_result(struct xmpp_stream *s, const struct xmpp_element *result);
void stream_confirm(struct xmpp_stream *s, const struct xmpp_element *verify);
void stream_confirmed(struct xmpp_stream *s, const struct xmpp_element *verify);

/* ---- stream_acks.c ---- */
void stream_acks_want(struct xmpp_stream *s); /* initiating: <enable/> when the peer offers it */
void stream_enable(struct xmpp_stream *s);
void stream_enabled(struct xmpp_stream *s, const struct xmpp_element *answer);
void stream_no_resume(struct xmpp_stream *s);
void stream_answer_ack(struct xmpp_stream *s);
void stream_count_ack(struct xmpp_stream *s, const struct xmpp_element *ack);
uint64_t stream_acks_number(struct xmpp_stream *s); /* for a stanza that has come */
void stream_acks_sent(struct xmpp_stream *s);

#endif
