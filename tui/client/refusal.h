/*
 * refusal: why the daemon did not do it, each thing said once.
 *
 * The message of an answer may be its first problem already, in full or only its reason.
 */
#ifndef TUI_CLIENT_REFUSAL_H
#define TUI_CLIENT_REFUSAL_H

#include "tui/client/session.h"

/* Does the message say all of that problem: why, and what is allowed? */
bool refusal_is_told(const struct control_answer *answer, size_t problem);
/* The message, and of the first problem what the message leaves out. */
void refusal_write(const struct control_answer *answer, struct buffer *out);

#endif
