/*
 * client: the control socket, never waited for.
 *
 * The owner polls client_descriptor for client_wants until client_deadline and
 * calls client_step; everything else returns at once.  A lost link is tried
 * again with growing pauses; `hello` is sent first on every new link.
 */
#ifndef TUI_CLIENT_CLIENT_H
#define TUI_CLIENT_CLIENT_H

#include "tui/client/remote.h"
#include "tui/client/session.h"

enum client_state {
	CLIENT_DOWN,     /* no link; tried again at client_retry_at, if at all */
	CLIENT_GREETING, /* connected (or ssh is on its way), hello not answered yet */
	CLIENT_UP,
};

enum {
	CLIENT_HELLO_TIMEOUT_MS = 5000,
	CLIENT_RETRY_FIRST_MS = 250,
	CLIENT_RETRY_MAX_MS = 5000,
};

struct client_setup {
	const char *path; /* of the socket; copied */
	struct remote
	        *remote;  /* instead of `path`: it lies on another machine; stays the caller's; NULL: here */
	const char *name; /* said in hello; stays the caller's */
	bool is_read_only;
	const char *from; /* SSH_CONNECTION, for the audit; NULL or "": none */
	bool reconnects;
	struct session_handlers handlers;
	void (*on_state)(void *to); /* after every change of client_state; may be NULL */
};

struct client; /* owned by whoever made it */

struct client *client_new(const struct client_setup *setup); /* NULL: out of memory */
void client_free(struct client **client);

int client_descriptor(const struct client *client);   /* -1: none now */
short client_wants(const struct client *client);      /* POLLIN, POLLOUT */
int64_t client_deadline(const struct client *client); /* monotonic ms of the next step; -1: none */
/* Connects when it is time, reads, writes, expires. `ready`: what poll said of the descriptor. */
void client_step(struct client *client, struct instant now, short ready);
/* Connects at the next step, without the pause. */
void client_retry_now(struct client *client, struct instant now);

/* As session_ask; 0 with a reason when the link is not up. */
int64_t client_ask(struct client *client, struct instant now, const char *method, struct slice params,
                   int64_t timeout_ms, struct reason *reason);

enum client_state client_state(const struct client *client);
int64_t client_state_since(const struct client *client); /* monotonic */
int64_t client_retry_at(const struct client *client);    /* monotonic; -1: never or not down */
int64_t client_waiting_since(const struct client *client);
/* Why the link is down, in a sentence, and as an error code; "" and OK while all is well. */
const char *client_trouble(const struct client *client);
enum control_code client_trouble_code(const struct client *client);
/* The daemon's answer to hello, of this link or the last; NULL before the first. */
const struct json *client_hello(const struct client *client);

/* Where the socket is: `socket`, else $PARLEY_SOCKET, else below `root`, else /run/parley/control.sock. */
enum { CLIENT_PATH_MAX = 108 }; /* sun_path */
enum result client_path(const char *socket, const char *environment, const char *root,
                        char to[CLIENT_PATH_MAX], struct reason *reason);

#endif
