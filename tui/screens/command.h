/*
 * command: a command line as words and back.
 *
 * Actions are built as commands first; what is shown is what is sent, and what
 * is shown can be copied into a shell.
 */
#ifndef TUI_SCREENS_COMMAND_H
#define TUI_SCREENS_COMMAND_H

#include "shared/base/buffer.h"
#include "shared/base/result.h"

enum { COMMAND_BYTES = 24 * 1024, COMMAND_WORDS_MAX = 64 };

struct command_words {
	char text[COMMAND_BYTES]; /* the words, each with its NUL */
	const char *words[COMMAND_WORDS_MAX + 1];
	size_t count;
};

/* Blanks part words; '...', "..." and \ keep them together as in a shell. INVALID: an open quote, too many words. */
enum result command_split(struct slice line, struct command_words *out, struct reason *reason);
/* Adds " word", quoted for a shell when it must be; no blank before the first. */
void command_add(struct buffer *line, struct slice word);
/* Adds ",name" to a list of several objects' names; no comma before the first. */
void command_add_name(struct buffer *names, struct slice name);

#endif
