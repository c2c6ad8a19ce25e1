/*
 * cli: one command, from words to exit code.
 */
#ifndef TUI_CLI_CLI_H
#define TUI_CLI_CLI_H

#include <stdio.h>

#include "tui/cli/print.h"
#include "tui/cli/render.h"
#include "tui/cli/request.h"

struct cli_world {
	FILE *out, *err;
	struct instant (*now)(void);
	const char *socket_path;  /* as client_path found it */
	struct remote *remote;    /* instead of it: another machine's; NULL: this one's */
	const char *name;         /* "parley 0.1" */
	const char *from;         /* SSH_CONNECTION, for the audit; NULL or "": none */
	struct print_style style; /* of `out`; its time is set here */
	bool can_ask;             /* standard input and output are terminals */
};

/* Runs a CLI_RUN or CLI_HELP request. */
enum cli_exit cli_run(const struct cli_world *world, const struct cli_request *request);
/* "parley: sentence" on `err`, its hidden characters shown. */
void cli_complain(const struct cli_world *world, struct slice message);

#endif
