/*
 * subscription: the life of a presence subscription between the two worlds, as
 * two tables (subscription.def).  Pure: a state and an event give the next state
 * and what is to be done.  The two directions of a pair of people are two
 * independent halves (RFC 8048 §5.1): cancelling one never touches the other.
 */
#ifndef DAEMON_TRANSLATE_SUBSCRIPTION_H
#define DAEMON_TRANSLATE_SUBSCRIPTION_H

#include "daemon/sip/sip.h"

/* ---- an XMPP user watches one of ours: we are the SIP subscriber ---- */

enum translate_watching_state {
	TRANSLATE_WATCHING_NONE,
	TRANSLATE_WATCHING_ASKING,   /* SUBSCRIBE sent, or to be sent at the retry */
	TRANSLATE_WATCHING_PENDING,  /* dialog up, our user has not decided */
	TRANSLATE_WATCHING_ACTIVE,   /* authorised, dialog up */
	TRANSLATE_WATCHING_RESUMING, /* authorised, dialog being made anew */
	TRANSLATE_WATCHING_IDLE,     /* authorised, no dialog: nobody has looked for a while */
	TRANSLATE_WATCHING_UNKNOWN,  /* no presence on that side */
	TRANSLATE_WATCHING_ENDING,   /* unsubscribed; the dialog is being ended */
	TRANSLATE_WATCHING_STATES
};
enum translate_watching_event {
	TRANSLATE_WATCHING_X_SUBSCRIBE,
	TRANSLATE_WATCHING_X_UNSUBSCRIBE,
	TRANSLATE_WATCHING_X_PROBE,       /* a probe, or the watcher's own coming online */
	TRANSLATE_WATCHING_S_OK,          /* 2xx to SUBSCRIBE */
	TRANSLATE_WATCHING_S_ENDED,       /* 2xx to SUBSCRIBE with Expires 0 */
	TRANSLATE_WATCHING_S_INTERVAL,    /* 423 */
	TRANSLATE_WATCHING_S_REFUSED,     /* 403, 603 */
	TRANSLATE_WATCHING_S_NO_PRESENCE, /* 405, 489, 501 */
	TRANSLATE_WATCHING_S_GONE,        /* 481 */
	TRANSLATE_WATCHING_S_FAILED,      /* every other failure, or no answer */
	TRANSLATE_WATCHING_N_PENDING,     /* NOTIFY, by its Subscription-State */
	TRANSLATE_WATCHING_N_ACTIVE,
	TRANSLATE_WATCHING_N_REJECTED, /* terminated: rejected, noresource, invariant */
	TRANSLATE_WATCHING_N_AGAIN,    /* terminated: deactivated, timeout, or without a reason */
	TRANSLATE_WATCHING_N_LATER,    /* terminated: probation, giveup */
	TRANSLATE_WATCHING_T_REFRESH,
	TRANSLATE_WATCHING_T_RETRY,
	TRANSLATE_WATCHING_T_EXPIRED,
	TRANSLATE_WATCHING_T_QUIET, /* instead of T_REFRESH: the watcher has given no sign of life */
	TRANSLATE_WATCHING_EVENTS
};
enum {
	TRANSLATE_WATCHING_NOTHING = 0,
	TRANSLATE_WATCHING_SEND_SUBSCRIBE =
	        1, /* in a new dialog, unless a request is under way or a retry waits */
	TRANSLATE_WATCHING_SEND_REFRESH = 2, /* in the dialog */
	TRANSLATE_WATCHING_SEND_END =
	        4,                   /* Expires 0 in the dialog; once it is up, if a request is under way */
	TRANSLATE_WATCHING_DROP = 8, /* forget the dialog */
	TRANSLATE_WATCHING_KEEP_FRESH = 16,       /* set the refresh timer by what was granted */
	TRANSLATE_WATCHING_RETRY = 32,            /* set the retry timer, further each time */
	TRANSLATE_WATCHING_RETRY_LATE = 64,       /* by Retry-After, else as late as a refresh would be */
	TRANSLATE_WATCHING_TELL_SUBSCRIBED = 128, /* stanzas to the watcher */
	TRANSLATE_WATCHING_TELL_UNSUBSCRIBED = 256,
	TRANSLATE_WATCHING_TELL_PRESENCE = 512,
	TRANSLATE_WATCHING_TELL_UNAVAILABLE = 1024,
	TRANSLATE_WATCHING_SAVE = 2048, /* the state must survive; NONE: no longer */
};
struct translate_watching_step {
	enum translate_watching_state next;
	unsigned actions;
	bool is_written; /* a row says so */
};
struct translate_watching_step translate_watching_step(enum translate_watching_state state,
                                                       enum translate_watching_event event);
const char *translate_watching_state_name(enum translate_watching_state state);
/* The event of a final answer to a SUBSCRIBE. */
enum translate_watching_event translate_watching_answer(int status, bool is_end);
/*
 * The event of a NOTIFY: its Subscription-State (RFC 6665 §8.2.3) taken apart;
 * `*expires_s` and `*retry_s` UINT32_MAX when not said.  False: no such header.
 */
bool translate_watching_notify(const struct sip_message *notify, enum translate_watching_event *event,
                               uint32_t *expires_s, uint32_t *retry_s);

/* ---- one of ours watches an XMPP user: we are the SIP notifier ---- */

enum translate_watched_state {
	TRANSLATE_WATCHED_NONE,
	TRANSLATE_WATCHED_UNSENT,  /* asked, and it did not arrive */
	TRANSLATE_WATCHED_PENDING, /* asked */
	TRANSLATE_WATCHED_ACTIVE,
	TRANSLATE_WATCHED_STATES
};
enum translate_watched_event {
	TRANSLATE_WATCHED_S_SUBSCRIBE, /* a new dialog */
	TRANSLATE_WATCHED_S_REFRESH,
	TRANSLATE_WATCHED_S_FETCH, /* Expires 0 in no dialog: a question, not a subscription */
	TRANSLATE_WATCHED_S_END,   /* Expires 0 in the dialog */
	TRANSLATE_WATCHED_S_EXPIRED,
	TRANSLATE_WATCHED_X_SUBSCRIBED,
	TRANSLATE_WATCHED_X_UNSUBSCRIBED,
	TRANSLATE_WATCHED_X_PRESENCE,
	TRANSLATE_WATCHED_X_REFUSED, /* an error for good: the contact does not exist, does not want */
	TRANSLATE_WATCHED_X_FAILED,  /* an error that passes: the partner is not reached */
	TRANSLATE_WATCHED_P_OFF,
	TRANSLATE_WATCHED_P_ON, /* the partner was switched off, on */
	TRANSLATE_WATCHED_EVENTS
};
enum {
	TRANSLATE_WATCHED_NOTHING = 0,
	TRANSLATE_WATCHED_ASK = 1,   /* XMPP subscribe */
	TRANSLATE_WATCHED_PROBE = 2, /* XMPP probe */
	TRANSLATE_WATCHED_LEAVE = 4, /* XMPP unavailable to the contact, when the last dialog has gone */
	TRANSLATE_WATCHED_NOTIFY_THIS = 8, /* NOTIFY in the dialog at hand: what is known */
	TRANSLATE_WATCHED_NOTIFY_ALL = 16, /* in every dialog of the pair */
	TRANSLATE_WATCHED_REJECT_ALL =
	        32,                   /* NOTIFY terminated;reason=rejected in every dialog, and drop them */
	TRANSLATE_WATCHED_CLOSE = 64, /* forget what was known of the contact: nobody is there */
	TRANSLATE_WATCHED_SAVE = 128,
};
struct translate_watched_step {
	enum translate_watched_state next;
	unsigned actions;
	bool is_written;
};
struct translate_watched_step translate_watched_step(enum translate_watched_state state,
                                                     enum translate_watched_event event);
const char *translate_watched_state_name(enum translate_watched_state state);

#endif
