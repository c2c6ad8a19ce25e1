/*
 * complete: what could stand next on a command line, for the shell.
 *
 * Words, options, fields and their values come from the rows; names of objects are asked of the daemon, which has
 * COMPLETE_MS in all: a shell that hangs on the tab key is worse than one that knows less.
 */
#ifndef TUI_CLI_COMPLETE_H
#define TUI_CLI_COMPLETE_H

#include "shared/base/buffer.h"
#include "shared/control/control.h"

enum {
	COMPLETE_MS = 200,
	COMPLETE_OUT_MAX = 256 * 1024,
	COMPLETE_ROWS = 100, /* asked for: nobody reads more names */
	COMPLETE_PARAMS_MAX = 4096,
};

/* What only the daemon knows: the values of an argument of that noun's objects. */
struct complete_wish {
	bool is_wanted;
	char method[64];   /* "domain.list" */
	char member[32];   /* of each of its rows: "domain"; or "name", "id" */
	bool is_limited;   /* the list takes a filter by that member, and how many rows */
	struct slice part; /* each must begin so */
};
/*
 * Words without the program's name; the last is the one to be completed, perhaps empty.  One candidate a line in
 * `out`.  Pure.
 */
void complete_words(size_t count, const char *const *words, struct buffer *out, struct complete_wish *wish);
/* What the list is asked: the rows that begin as wished, not too many.  Pure. */
void complete_params(const struct complete_wish *wish, struct buffer *out);
/* The rows' members that begin as wished, one a line.  Pure. */
void complete_rows(const struct complete_wish *wish, const struct json *result, struct buffer *out);
struct caller_setup;
/* All of it, to standard output; the process ends by itself when the time is over. */
void complete_print(const struct caller_setup *setup, size_t count, const char *const *words);

#endif
