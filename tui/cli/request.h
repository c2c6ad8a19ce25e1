/*
 * cli: the verbs of the control protocol as commands.
 *
 * Problem: every verb, argument and field is already a row (verbs.def,
 * kinds.def); a command must be read from those rows, so that a new verb works
 * here without a line of code.
 *
 * Files in reading order: request_words and request (words -> verb and params), nearest (did you
 * mean), columns and print (rows as a table or tab-separated), render (a result
 * as text), transfer (documents up and down), help, cli (the run: exit codes,
 * errors, questions).
 */
#ifndef TUI_CLI_REQUEST_H
#define TUI_CLI_REQUEST_H

#include "shared/control/control.h"
#include "shared/model/model.h"

enum {
	CLI_WORDS_MAX = 256,
	CLI_PARAMS_MAX = CONTROL_LINE_MAX - 512, /* the envelope's room */
	CLI_TIMEOUT_MS = 30000,
};

enum cli_task { CLI_RUN, CLI_HELP, CLI_CONSOLE, CLI_VERSION, CLI_STDIO };

struct cli_options {
	bool is_json, is_csv, is_sure, is_read_only, has_if_version;
	bool stages, dry_runs, is_staged;
	bool asks_rule; /* --confirm-within auto */
	int64_t if_version, timeout_ms, confirm_s, as_of;
	const char *comment, *socket, *root, *ssh, *columns, *sort, *unset, *color, *frames, *theme, *filter;
};

struct cli_request {
	enum cli_task task;
	struct cli_options options;
	enum control_verb_id verb; /* CLI_RUN */
	struct buffer params;      /* a JSON object */
	const char *directory;     /* the DIRECTORY argument; it stays on this side */
	const char *file;          /* the FILE argument; so does it */
	const char *local_filter;  /* of a list that the daemon does not filter; NULL: none */
	bool is_following;
	bool has_all_pages;    /* a list without --after or --limit: fetch the rest, too */
	bool turns_off;        /* a field was set to false */
	const char *topics[2]; /* HELP: noun and verb; CONSOLE: the screen; NULL where not given */
};

/*
 * Reads a command without the program's name.  Texts of `words` stay the caller's.
 * INVALID: a usage error with a reason that names what would work.
 */
enum result cli_request_read(size_t count, const char *const *words, struct cli_request *out,
                             struct reason *reason);
void cli_request_free(struct cli_request *request);

/* Options every verb takes: for help. False past the end. */
struct cli_option_row {
	const char *name;  /* "comment" */
	char letter;       /* 'c', or 0 */
	const char *value; /* "TEXT", or NULL when it takes none */
	const char *sentence;
};
const struct cli_option_row *cli_option(size_t index);

/* Other names for a noun and verb: "connections" is `connection list`. */
struct cli_alias_row {
	const char *alias, *noun, *verb;
};
const struct cli_alias_row *cli_alias(size_t index);

#endif
