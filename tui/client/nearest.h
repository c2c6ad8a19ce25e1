/*
 * nearest: the names a mistyped word may have meant.
 */
#ifndef TUI_CLIENT_NEAREST_H
#define TUI_CLIENT_NEAREST_H

#include "shared/base/buffer.h"

enum { NEAREST_COUNT = 3, NEAREST_WORD_MAX = 40 };

struct nearest {
	struct slice word;
	const char *names[NEAREST_COUNT]; /* best first; NULL past the last */
	unsigned distances[NEAREST_COUNT];
};

struct nearest nearest_start(struct slice word);
/* `name` lives as long as the search; names too far from the word are passed over. */
void nearest_offer(struct nearest *nearest, const char *name);
/* Each line of `lines`, which lives as long, too: its line ends become NULs. */
void nearest_offer_lines(struct nearest *nearest, struct buffer *lines);
/* "did you mean a, b or c?" in `to`, or an empty text. Returns `to`. */
enum { NEAREST_TEXT_BYTES = 160 };
const char *nearest_text(const struct nearest *nearest, char to[NEAREST_TEXT_BYTES]);

#endif
