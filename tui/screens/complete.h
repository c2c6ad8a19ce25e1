/*
 * complete: what a line after `:` may go on with: what the command line's own completion says (tui/cli/complete.h), and
 * the words that only the console has: its screens, how it looks, the columns of the list that is shown.
 */
#ifndef TUI_SCREENS_COMPLETE_H
#define TUI_SCREENS_COMPLETE_H

#include "tui/cli/complete.h"
#include "tui/screens/command.h"

/* About 25 KiB: one at a time, on the stack. */
struct completion {
	struct command_words words;
	struct slice typed;        /* the last of them, in `words`; perhaps empty */
	struct buffer candidates;  /* for it, whole, one a line */
	struct complete_wish wish; /* what only the daemon knows; its part lies in `words` */
	bool is_open;              /* a list: what is added does not end the word */
	bool is_partial;           /* there are more than the candidates */
};

/*
 * `columns`: names of the shown list's, with commas between; "" where none is shown.  False: the line cannot be read (an
 * open quote), and there is nothing to complete.  completion_stop either way.
 */
bool completion_start(struct completion *completion, struct slice line, struct slice columns);
void completion_stop(struct completion *completion);
/* The daemon's answer to the wish. */
void completion_take(struct completion *completion, const struct json *result);
/* What all candidates have beyond what is typed, with a blank where there is only one. */
void completion_more(const struct completion *completion, struct buffer *more);
/* The candidates, as many as there is room for; without one, which word may have been meant. */
void completion_say(const struct completion *completion, struct slice line, struct slice columns, char *to,
                    size_t size);
/* Does the line begin with a word that the console or the command line has?  False: which it may mean. */
bool completion_knows(struct slice line, struct reason *reason);

#endif
