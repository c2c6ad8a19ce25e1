/*
 * talks: the SIP side of the gateway: who talks with whom, and who watches whom.
 * Seen only by the files below and their tests.
 *
 * Problem: SIP wants an answer to each request and keeps state softly; XMPP
 * answers nothing and keeps state for years.  Between them each message has
 * exactly one outcome, and each subscription one owner that outlives a crash.
 * Files in reading order:
 *   dialog.c    a SIP dialog, kept small
 *   talks.c     the seams: what comes goes to the file that knows it
 *   parties.c   one of ours and one of theirs, by the names that each side has for them
 *   durable.c   when what has been saved is on the disk, and who waits for that
 *   pair.c      what is remembered of two people who talk
 *   message.c   one message, each way, to exactly one outcome
 *   session.c   IM sessions of Lync's kind: INVITE, MESSAGE in the dialog, BYE
 *   room.c      how many subscriptions there may be, and how many with one partner
 *   watching.h watching.c watching_tell.c  an XMPP user watches one of ours: we subscribe in SIP
 *   watched.h device.c notify.c watched.c   one of ours watches an XMPP user: we notify in SIP
 *   iq.c        the few questions that are answered
 *   state.c     SQLite, only there: subscriptions
 */
#ifndef DAEMON_GATEWAY_TALKS_H
#define DAEMON_GATEWAY_TALKS_H

#include "daemon/gateway/dialog.h"
#include "daemon/gateway/parts.h"
#include "daemon/translate/subscription.h"
#include "daemon/translate/translate.h"
#include "shared/base/map.h"

enum {
	TALKS_ASKS_MAX = 65536,  /* outcomes waited for */
	TALKS_PAIRS_MAX = 20000, /* pairs remembered; the one idle longest is forgotten */
	TALKS_SESSIONS_MAX = 20000,
	TALKS_QUEUE_MAX = 32, /* messages that wait for one session to come up */
	TALKS_SUBSCRIPTIONS_CEILING = 1000000,
	TALKS_ONE_PARTNER_PART =
	        4, /* one partner, with all its domains, may have this part of max-subscriptions */
	TALKS_DIALOGS_PER_PAIR_MAX = 16, /* devices of one of ours that watch the same contact */
	TALKS_TAG_BYTES = 17,
	TALKS_SESSION_IDLE_MS = 10 * 60 * 1000, /* RFC 7573 §6: then "gone" */
	TALKS_TYPING_MS = 60 * 1000,            /* RFC 3994 §3.2: said again no sooner */
	TALKS_SUBSCRIBE_S = 3600,               /* what we ask for and grant */
	TALKS_SUBSCRIBE_MIN_S = 60,
	TALKS_RETRY_FIRST_MS = 5000,
	TALKS_RETRY_MAX_MS = 3600 * 1000,
	TALKS_PROBES_PER_SECOND = 100, /* after a partner has come back */
	TALKS_OLD_MS = 60 * 1000,      /* older than that is said to be delayed (XEP-0203) */
	TALKS_CSEQ_LEAP = 1000, /* after a restart: more than could have been used since the last commit */
	TALKS_COMMIT_MS = 50,
	TALKS_REPORTS_PER_SECOND = 20,   /* of messages that go back */
	TALKS_TELL_AGAIN_MS = 60 * 1000, /* presence that did not arrive */
};

struct pair;
struct room;
struct session;
struct watching;
struct watched;
struct state;

/* ---- outcomes waited for ---- */

enum ask_kind {
	ASK_PAGE,       /* a MESSAGE of its own into SIP; `letter` */
	ASK_INVITE,     /* `owner`: session */
	ASK_IN_SESSION, /* MESSAGE in a session; `owner`: session, `letter` */
	ASK_QUIETLY,    /* BYE, INFO, typing: whatever comes is fine */
	ASK_WATCHING,   /* SUBSCRIBE; `owner`: watching */
	ASK_NOTIFY,     /* NOTIFY; `owner`: dialog of a watched pair */
	ASK_STANZA,     /* a message into XMPP; `server` waits for its answer */
	ASK_PRESENCE,   /* subscribe or probe into XMPP; `owner`: watched */
	ASK_TELL,       /* presence into XMPP; `owner`: watching */
};

/* What came of a request of ours into SIP; `m` NULL: no answer, and `why` says what was found instead. */
struct outcome {
	int status;
	const struct sip_message *m;
	const char *why;
};

/* A message from XMPP on its way into SIP: enough to send it (again) and to return it. */
struct letter {
	struct list node;          /* in a session's queue */
	struct slice from, to, id; /* of the stanza */
	struct slice call_id;      /* its thread, where that can be one; else empty */
	struct slice headers, body;
	enum sip_method method;
	bool may_change_mode; /* still to be tried the other way when this one is refused */
	handle receipt;       /* owed to its stream: gateway_xmpp_handled; 0: nothing is */
	bool is_again;        /* its first session had ended without a word */
	char *block;
};

struct ask {
	struct list node; /* in talks->unsent, or in none */
	handle self;
	enum ask_kind kind;
	handle owner;
	handle server;
	struct letter *letter; /* owned */
	bool is_subscribed;    /* TELL: what was told is that he may watch */
};

/* Messages that say something: in = delivered + refused + failed + those under way. Typing and receipts are not counted. */
struct talks_counts {
	uint64_t in, delivered, refused, failed;
};

struct talks {
	struct gateway *gateway;
	struct xmpp_parser *parser;
	struct arena arena; /* of the event at hand; deeper calls go on in it */
	unsigned depth;
	struct handles asks;
	struct list unsent; /* asks whose stanza found no memory: their outcome is owed */
	struct loop_defer tell_unsent;
	struct map pairs;
	struct list pair_list; /* the one used last at the end */
	size_t pair_count;
	bool pool_wants_sessions; /* what the last refusal of the pool has taught: where a new pair begins */
	struct handles sessions;
	struct map session_tags;
	struct handles watchings;
	struct map watching_pairs, watching_tags;
	struct handles watcheds, notifies;
	struct map watched_pairs, notify_tags;
	struct map rooms;    /* by partner's domain: how many of both */
	int64_t full_ms;     /* max-subscriptions was last met; 0: never */
	struct state *state; /* NULL: nothing survives */
	struct loop_timer commit_timer;
	int64_t commit_wait_ms; /* the last commit failed, and the next comes after so long; 0: it worked */
	int64_t commit_told_ms;
	int64_t heirloom_ms;  /* a batch has been handed over, and nothing was said of it yet; 0: none */
	struct list promises; /* what waits for the next commit */
	struct talks_counts to_xmpp, to_sip;
	unsigned told_again; /* in this second */
	unsigned reported;   /* messages that went back, in this second */
	bool probes_wait;    /* some watched pair wants to be probed */
};

/* ---- talks.c ---- */

/* Memory of one event: begin, end; nested ones share. */
struct arena *talks_begin(struct talks *t);
void talks_end(struct talks *t);

struct ask *ask_new(struct talks *t, enum ask_kind kind, handle owner); /* NULL: no room */
void ask_free(struct talks *t, struct ask **ask);                       /* and its letter */

void talks_make_tag(struct talks *t, char tag[TALKS_TAG_BYTES]);
/* Both names of one of ours and of one of theirs, from the side at hand. */
struct parties {
	struct xmpp_jid ours, theirs;      /* in XMPP's eyes; resources where given */
	struct slice our_uri, their_uri;   /* in SIP's, bare */
	struct slice their_full_uri;       /* with gr */
	struct slice our_text, their_text; /* bare JIDs as they stand in a stanza */
	struct slice key;                  /* "our_uri their_uri": the pair */
};
/* Refused with what the sender is to be told. */
enum translate_answer talks_parties_of_request(struct talks *t, const struct sip_uri *ours,
                                               const struct sip_uri *theirs, struct parties *out,
                                               struct translate_refusal *refusal);
enum translate_answer talks_parties_of_stanza(struct talks *t, struct slice ours, struct slice theirs,
                                              struct parties *out, struct translate_refusal *refusal);
enum translate_answer talks_parties_of_key(struct talks *t, struct slice key, struct parties *out);
struct slice talks_partner_domain(struct slice key); /* within it */
bool talks_is_partner_off(const struct talks *t,
                          struct slice key); /* its domain is no partner, or one that is off */

void talks_answer(struct talks *t, handle server, int status,
                  const char *why); /* 415 with Accept, 405 with Allow ... */
/* What is neither the request's fault nor the partner's word: told as the Access Edge tells such things. */
void talks_give_up(struct talks *t, handle server, int status, enum link_sip_diagnostic diagnostic,
                   const char *why);
void talks_refuse(struct talks *t, handle server, enum translate_answer answer,
                  const struct translate_refusal *refusal);
void talks_stanza(struct talks *t, const struct parties *p, const struct xmpp_element *stanza,
                  uint64_t token);
/* A stanza is returned to its sender with an error. */
void talks_return(struct talks *t, const struct xmpp_element *stanza, const struct xmpp_stanza_error *error);
/* A request in a dialog of ours: what gateway_sip_send gives. */
handle talks_in_dialog(struct talks *t, struct dialog *d, enum sip_method method, struct slice headers,
                       struct slice body, bool is_farewell, uint64_t token);
/* A row of a list, with the one number that its kind has; `field` NULL: none.  Whose partner is stopped is so, too. */
void talks_row(struct talks *t, struct json_writer *w, const char *kind, struct slice key, const char *state,
               const char *field, int64_t number);
struct slice talks_header(const struct sip_message *m, enum sip_header_id id); /* empty: absent */

/* ---- durable.c ---- */

/*
 * Runs `go_on` with `owner` when what has been saved so far is durable, at once where nothing waits to be written;
 * and when that fails, with is_durable false: then it says by false that it waits for the next attempt.
 */
void talks_when_durable(struct talks *t, bool (*go_on)(struct talks *t, handle owner, bool is_durable),
                        handle owner);
void talks_saved(struct talks *t);  /* something has been given to state.c */
bool talks_commit(struct talks *t); /* now, whatever the pause; false: it waits on */
void talks_forget_promises(struct talks *t);

/* ---- pair.c ---- */

struct pair {
	struct list node;
	struct slice key;               /* owned */
	struct translate_tastes tastes; /* of our user's client */
	bool is_chat;                   /* the XMPP side has written chat: answers are chat */
	bool knows_mode, wants_session;
	char call_id[40], tag[TALKS_TAG_BYTES]; /* of page mode where a message has no thread */
	uint32_t cseq;
	handle session;       /* the one in use; 0: none */
	unsigned sessions;    /* all of them */
	int64_t typing_at_ms; /* composing was last said to SIP; 0: not since the last text */
};
struct pair *pair_get(struct talks *t, struct slice key);  /* made when it is new; NULL: no memory */
struct pair *pair_find(struct talks *t, struct slice key); /* NULL: not remembered */
void pair_forget_all(struct talks *t);

/* ---- message.c ---- */
void message_from_sip(struct talks *t, handle server, const struct sip_message *m, const struct parties *p,
                      bool is_in_session);
/* `*receipt` is 0 afterwards when a letter keeps it. */
void message_from_xmpp(struct talks *t, const struct xmpp_element *stanza, handle *receipt);
/* The outcomes. */
void message_answered(struct talks *t, struct ask *ask, const struct outcome *what);
void message_delivered(struct talks *t, struct ask *ask, const struct gateway_outcome *outcome);
/* One letter on its own; takes it. */
void message_page(struct talks *t, struct letter *letter);
void message_fail(struct talks *t, struct letter **letter, const struct outcome *what);
void message_fail_plainly(struct talks *t, struct letter **letter, int status, const char *why);
void message_arrived(struct talks *t, struct letter **letter); /* it was taken (2xx) */
void letter_free(struct letter **letter);

/* ---- session.c ---- */

enum session_state {
	SESSION_INVITING, /* our INVITE is under way; letters wait */
	SESSION_UP,
	SESSION_LEAVING, /* as INVITING, and the XMPP side has gone: it ends once it is up and all is said */
	SESSION_ENDED,
	SESSION_STATES
};
enum session_event {
	SESSION_LETTER,
	SESSION_ACCEPTED,
	SESSION_REFUSED,
	SESSION_BYE,   /* theirs */
	SESSION_LEAVE, /* the XMPP side has gone */
	SESSION_IDLE,  /* nothing was said for long, or its timer (RFC 4028) has run out */
	SESSION_LOST,  /* they know nothing of it: 481, or no answer */
	SESSION_CUT,   /* the partner was turned off, or removed */
	SESSION_EVENTS
};
enum {
	SESSION_DO_QUEUE = 1,
	SESSION_DO_SEND = 2, /* the letter at hand */
	SESSION_DO_ACK = 4,
	SESSION_DO_SEND_QUEUE = 8,
	SESSION_DO_RETURN_QUEUE = 16,
	SESSION_DO_BYE = 32,
	SESSION_DO_TELL_GONE = 64,
	SESSION_DO_CANCEL = 128,
};
struct session_step {
	enum session_state next;
	unsigned actions;
	bool is_written;
};
struct session_step session_step(enum session_state state, enum session_event event);
void session_send(struct talks *t, struct pair *pair, const struct parties *p,
                  struct letter *letter); /* takes it */
/* Something that is no text, where a session is up; false: none is. */
bool session_say(struct talks *t, struct pair *pair, const struct translate_content *content);
void session_leave(struct talks *t, struct pair *pair); /* the XMPP side has gone: BYE */
void session_invited(struct talks *t, handle server, const struct sip_message *m);
bool session_request(struct talks *t, handle server,
                     const struct sip_message *m); /* in a dialog; false: not of a session */
void session_answered(struct talks *t, struct ask *ask, const struct outcome *what);
void session_message_answered(struct talks *t, struct ask *ask, const struct outcome *what);
/* A 2xx that its session does not wait for: ACK, and BYE unless it is the one that made a session which is up. */
void session_accepted_again(struct talks *t, const struct sip_message *m);
void session_image_changed(struct talks *t);
void session_drain(struct talks *t); /* all end as soon as what waits in them has been said */
void session_second(struct talks *t);
void session_end_all(struct talks *t);
void session_write(struct talks *t, struct gateway_page *page, struct json_writer *w);

/* ---- room.c ---- */

/* For one more subscription of the pair; false: `why`, and that has been told. */
bool room_is_left(struct talks *t, struct slice key, const char **why);
struct room *room_enter(struct talks *t, struct slice key); /* for room_leave; NULL: no memory */
void room_leave(struct talks *t, struct room *room);

/* ---- watching.c ---- */
void watching_stanza(struct talks *t, const struct parties *p, const struct xmpp_element *stanza,
                     enum translate_watching_event event);
void watching_sign_of_life(struct talks *t, const struct parties *p, bool has_come);
void watching_answered(struct talks *t, struct ask *ask, const struct sip_message *m, int status);
bool watching_notified(struct talks *t, handle server,
                       const struct sip_message *m); /* false: not one of ours */
void watching_second(struct talks *t);
void watching_delivered(struct talks *t, struct ask *ask, const struct gateway_outcome *outcome);
bool watching_load(struct talks *t, struct reason *reason);
void watching_save_all(struct talks *t);
void watching_free_all(struct talks *t);
void watching_write(struct talks *t, struct gateway_page *page, struct json_writer *w);

/* ---- watched.c ---- */
void watched_subscribe(struct talks *t, handle server, const struct sip_message *m, const struct parties *p);
bool watched_request(struct talks *t, handle server, const struct sip_message *m); /* SUBSCRIBE in a dialog */
void watched_stanza(struct talks *t, const struct parties *p, const struct xmpp_element *stanza);
void watched_answered(struct talks *t, struct ask *ask, const struct sip_message *m, int status);
void watched_delivered(struct talks *t, struct ask *ask, const struct gateway_outcome *outcome);
void watched_image_changed(struct talks *t);
void watched_reachable(struct talks *t, struct slice remote);
void watched_second(struct talks *t);
bool watched_load(struct talks *t, struct reason *reason);
void watched_save_all(struct talks *t);
void watched_free_all(struct talks *t);
void watched_write(struct talks *t, struct gateway_page *page, struct json_writer *w);

/* ---- with whom our users began, as a state file of before knows it (heirloom.c) ---- */
/* The stream to the Access Edge is there: it is given what the file has, a batch at a time. */
void heirloom_hand_over(struct talks *t);
/* It keeps these now: they leave the file, and the next ones go. */
void heirloom_taken(struct talks *t, struct slice lines);
void heirloom_second(struct talks *t);

/* ---- iq.c ---- */
void iq_received(struct talks *t, const struct xmpp_element *iq);

#endif
