/*
 * session: one conversation with the daemon as bytes in and bytes out; no socket, no clock.
 *
 * Problem: requests are answered in any order, late, or never, and the link may
 * end between a request and its answer.  Every request that was asked gets
 * exactly one call of `on_answer`: the daemon's answer, or one made here
 * (CONTROL_TIMEOUT, CONTROL_UNAVAILABLE).
 *
 * Files in reading order: session (this), client (the socket, reconnecting),
 * remote (another machine's, through ssh), bridge (its other end), call (ask and wait, for the command line), view (an answer asked for again
 * and again, with its age), words (gettext).
 */
#ifndef TUI_CLIENT_SESSION_H
#define TUI_CLIENT_SESSION_H

#include "shared/base/clock.h"
#include "shared/control/control.h"

enum {
	SESSION_PENDING_MAX = 64,              /* requests under way at once */
	SESSION_OUT_MAX = 4 * CONTROL_LINE_MAX /* bytes that wait for the daemon to read */
};

struct session_handlers {
	/* The answer is freed afterwards, unless the handler takes answer->whole and leaves NULL. */
	void (*on_answer)(void *to, int64_t id, struct control_answer *answer);
	void (*on_event)(void *to, const struct json *event); /* may be NULL */
	void *to;
	bool translates; /* sentences of the daemon, for a person; not what a script reads */
};

struct session_request {
	int64_t id; /* 0: free */
	int64_t asked_ms, deadline_ms;
};

struct session {
	struct buffer in, out;
	struct session_handlers handlers;
	struct session_request pending[SESSION_PENDING_MAX];
	int64_t next_id;
};

void session_start(struct session *session, struct session_handlers handlers);
void session_stop(struct session *session);

/*
 * Queues a request; `params` is a JSON object written by us, or empty.  The
 * request's id (above 0) comes back; 0 when it was not taken: LIMIT in `reason`.
 */
int64_t session_ask(struct session *session, struct instant now, const char *method, struct slice params,
                    int64_t timeout_ms, struct reason *reason);
/* Handles every whole line in `in`.  INVALID or LIMIT: not a daemon of this protocol; hang up. */
enum result session_read(struct session *session, struct reason *reason);
/* Answers with CONTROL_TIMEOUT what has waited too long. */
void session_expire(struct session *session, struct instant now);
/* The link is gone: answers everything under way with CONTROL_UNAVAILABLE and forgets all bytes. */
void session_lose(struct session *session, const char *why);
/* When session_expire has work next (monotonic); -1: nothing is under way. */
int64_t session_deadline(const struct session *session);
/* When the oldest request under way was asked (monotonic); -1: none. */
int64_t session_waiting_since(const struct session *session);

#endif
