/*
 * console: the loop between keys, daemon and terminal; nothing in it waits but poll.
 */
#ifndef TUI_SCREENS_CONSOLE_H
#define TUI_SCREENS_CONSOLE_H

#include "tui/client/client.h"
#include "tui/term/term.h"

struct console_setup {
	const char *socket_path, *name; /* "parley 0.1" */
	struct remote *remote;          /* as in client.h */
	const char *screen;             /* to begin with, or NULL */
	const char *filter;             /* of the domains, or NULL */
	bool is_read_only;
	const char *from; /* SSH_CONNECTION, for the audit; NULL or "": none */
	struct instant (*now)(void);
	struct term_setup term;
};

/* Until the administrator leaves.  INVALID when the terminal or a word of the setup cannot be used. */
enum result console_run(const struct console_setup *setup, struct reason *reason);

#endif
