/*
 * remote: the control socket of another machine, through ssh.
 *
 * `ssh HOST parley --stdio` there bridges its standard input and output to its own control socket (bridge.c).  Before
 * anything else it says one line, so that whatever a login prints is told from it, and who came and why not is known:
 *
 *     parley-stdio 1 ok 203.0.113.7 50122 192.0.2.1 22        (its SSH_CONNECTION)
 *     parley-stdio 1 denied /run/parley/control.sock          (or absent, failed)
 *
 * Nothing here waits but remote_start, which lets ssh ask for a password or a host key on the terminal; what is dialled
 * again later is dialled without a terminal and asks nothing.
 */
#ifndef TUI_CLIENT_REMOTE_H
#define TUI_CLIENT_REMOTE_H

#include "shared/base/clock.h"
#include "shared/control/control.h"

enum {
	REMOTE_HOST_MAX = 255,
	REMOTE_START_MS = 120000,        /* somebody may be typing a password */
	REMOTE_DIAL_MS = 30000,          /* again, without anybody */
	REMOTE_GREETING_MAX = 16 * 1024, /* what may come before the line */
	REMOTE_ABOUT_BYTES = 192,
};
#define REMOTE_GREETING "parley-stdio 1 "

struct remote_setup {
	const char *host;          /* what stands after --ssh */
	const char *program;       /* $PARLEY_SSH; NULL: ssh */
	const char *socket, *root; /* of the far end; NULL: its own */
	struct instant (*now)(void);
};

struct remote; /* owned by whoever made it */

/* May that be given to ssh as a host?  [user@]name, or ssh://[user@]name[:port]; nothing that could be an option. Pure. */
enum result remote_check_host(struct slice host, struct reason *reason);
/* The command for the far end's shell, every word of ours quoted. LIMIT: a path is too long or holds control characters. Pure. */
enum result remote_command(const struct remote_setup *setup, struct buffer *out, struct reason *reason);

/* Starts ssh and waits for the far end's line. `code` says why not, the reason in words. */
enum result remote_start(const struct remote_setup *setup, struct remote **out, enum control_code *code,
                         struct reason *reason);
void remote_free(struct remote **remote); /* ends ssh */

/*
 * A descriptor whose other end is ssh, the caller's to close; -1 with a reason.  The first is the one that remote_start
 * has brought as far as the far end's line; `is_ready` says so.
 */
int remote_dial(struct remote *remote, bool *is_ready, struct reason *reason);
/* The link has ended: ssh is ended, too. */
void remote_drop(struct remote *remote);

/* What the far end's line says. */
enum remote_word {
	REMOTE_NOTHING, /* it has not come yet */
	REMOTE_OK,
	REMOTE_DENIED,
	REMOTE_ABSENT,
	REMOTE_FAILED,
	REMOTE_STRANGE, /* another version's */
	REMOTE_TALKS,   /* so much came that it will not come any more */
};
/* Takes it, and all before it, out of `in`; `about`: what stands after its word, printable. Pure. */
enum remote_word remote_read(struct buffer *in, char about[REMOTE_ABOUT_BYTES]);

enum remote_heard { REMOTE_WAITS, REMOTE_READY, REMOTE_REFUSED };
/* Looks for the far end's line in what has come, and takes it and all before it out. */
enum remote_heard remote_hear(struct remote *remote, struct buffer *in, enum control_code *code,
                              struct reason *reason);
/* ssh has closed its end: why, from what it said and how it ended. */
void remote_explain(struct remote *remote, enum control_code *code, struct reason *reason);

const char *remote_host(const struct remote *remote);
const char *remote_from(const struct remote *remote); /* SSH_CONNECTION at the far end; "" none */

#endif
