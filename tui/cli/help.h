/*
 * help: what `parley help` says, from the rows.
 */
#ifndef TUI_CLI_HELP_H
#define TUI_CLI_HELP_H

#include "tui/cli/print.h"
#include "tui/cli/request.h"

/* All verbs; the verbs of a noun; one verb with its fields.  NOT_FOUND when there is no such word. */
enum result help_write(struct buffer *out, const struct print_style *style, const char *noun,
                       const char *verb);

/* "domain allow DOMAIN [FIELD=VALUE...]". Returns `to`. */
enum { HELP_USAGE_BYTES = 160 };
const char *help_usage(const struct control_verb *row, char to[HELP_USAGE_BYTES]);

#endif
