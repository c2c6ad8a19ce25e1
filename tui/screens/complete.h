/*
 * complete: what a command line may go on with: screens, nouns and their verbs, fields of the verb's kind.
 */
#ifndef TUI_SCREENS_COMPLETE_H
#define TUI_SCREENS_COMPLETE_H

#include "shared/base/buffer.h"

/*
 * What the last word of `line` may become, blank-separated into `candidates`; `more`: what all of them
 * have beyond what is typed, with a blank where there is only one.
 */
void complete_line(struct slice line, struct buffer *candidates, struct buffer *more);

#endif
