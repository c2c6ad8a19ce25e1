/*
 * keys: what ncurses reads, as input; a lone Escape told from the start of a sequence.
 */
#ifndef TUI_TERM_KEYS_H
#define TUI_TERM_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/widgets/input.h"

enum { KEYS_ESCAPE_GUARD_MS = 300 };

struct keys {
	int64_t escape_ms; /* when the last lone Escape came; 0: long ago */
	int torn;          /* where in a torn sequence: 0 none, 1 after its [ or O */
};

/*
 * One code point or named key that followed.  An arrow whose bytes came apart
 * reads as Escape, '[', 'A': for a short while after an Escape those two are
 * swallowed, so that the 'A' does not act.  INPUT_NONE: swallowed.
 */
uint32_t keys_filter(struct keys *keys, int64_t now_ms, uint32_t input);

#endif
