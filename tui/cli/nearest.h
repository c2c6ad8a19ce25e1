/*
 * nearest: the names a mistyped word may have meant.
 */
#ifndef TUI_CLI_NEAREST_H
#define TUI_CLI_NEAREST_H

#include "shared/base/slice.h"

enum { NEAREST_COUNT = 3, NEAREST_WORD_MAX = 40 };

struct nearest {
	struct slice word;
	const char *names[NEAREST_COUNT]; /* best first; NULL past the last */
	unsigned distances[NEAREST_COUNT];
};

struct nearest nearest_start(struct slice word);
/* `name` lives as long as the search; names too far from the word are passed over. */
void nearest_offer(struct nearest *nearest, const char *name);
/* "did you mean a, b or c?" in `to`, or an empty text. Returns `to`. */
enum { NEAREST_TEXT_BYTES = 160 };
const char *nearest_text(const struct nearest *nearest, char to[NEAREST_TEXT_BYTES]);

#endif
