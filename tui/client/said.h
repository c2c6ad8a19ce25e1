/*
 * said: what the daemon says, in the language of who reads it.
 *
 * On the wire, in logs and in the audit everything is English.  A sentence of the daemon is known again by its
 * pattern, a row of said.def, and its parts are put into the pattern's translation; a part that is a sentence
 * itself ("conf.d not taken: FILE: WHY") is translated in turn.  What no row knows stays as it came: a daemon of
 * another release is readable all the same, in English.
 */
#ifndef TUI_CLIENT_SAID_H
#define TUI_CLIENT_SAID_H

#include "shared/base/json.h"

enum { SAID_BYTES = 1024, SAID_PLACES = 9 };

/* `text` itself when there is nothing to translate, else what was written to `to`; too long for it: `text`, too. */
struct slice said(struct slice text, char to[SAID_BYTES]);

/*
 * A line of the control protocol with the sentences in it translated: those of the members that are known to hold
 * sentences ("why", "advice", "words" ...); what scripts and screens decide by stays as it is.  False: not JSON,
 * or no memory, and nothing is written.
 */
bool said_line(struct slice line, struct buffer *out);

/* One word of the wire that stands in a cell ("up", "block"): what it is called, or the word itself. */
struct slice said_word(struct slice word);

/*
 * True if `text` is what `pattern` makes: "{1}" stands for any text but an empty one, "{#1}" for digits. Which
 * parts stood there is written to `parts`, counted from 0.
 */
bool said_matches(const char *pattern, struct slice text, struct slice parts[SAID_PLACES]);

#endif
