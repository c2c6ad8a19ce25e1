/*
 * call: ask and wait for the answer, for the command line; every wait is timed.
 */
#ifndef TUI_CLIENT_CALL_H
#define TUI_CLIENT_CALL_H

#include "tui/client/client.h"

struct caller; /* owned by whoever made it */

struct caller_setup {
	const char *path, *name;
	struct remote *remote;         /* as in client.h */
	bool is_read_only, translates; /* as in session_handlers */
	const char *from;              /* SSH_CONNECTION, for the audit; NULL or "": none */
	struct instant (*now)(void);
	void (*on_event)(void *to, const struct json *event); /* may be NULL */
	void *to;
};

/* Connects and greets.  `code` says why not (CONTROL_UNAVAILABLE, CONTROL_DENIED, ...), the reason in words. */
enum result caller_open(const struct caller_setup *setup, struct caller **out, enum control_code *code,
                        struct reason *reason);
void caller_close(struct caller **caller);
const struct json *caller_hello(const struct caller *caller);
/*
 * One request and its answer, freed by the caller of this with control_answer_free.
 * A lost link and a missed deadline are answers too (CONTROL_UNAVAILABLE, CONTROL_TIMEOUT).
 */
void caller_call(struct caller *caller, const char *method, struct slice params, int64_t timeout_ms,
                 struct control_answer *out);
/* Hands events to on_event until `stop` becomes readable (true) or the link is lost (false). */
bool caller_follow(struct caller *caller, int stop);

#endif
