/*
 * The folder's own door between a command's words and options (request_words) and its verb and arguments (request).
 */
#ifndef TUI_CLI_REQUEST_PARTS_H
#define TUI_CLI_REQUEST_PARTS_H

#include "tui/cli/request.h"

enum { CLI_ARGUMENTS_MAX = 8 };

/* What has been read so far: plain words in order, and options that only the verb's row can place. */
struct reading {
	struct cli_request *out;
	const char *words[CLI_WORDS_MAX];
	size_t count;
	struct late_option {
		struct slice name;
		const char *value; /* NULL: none given */
	} late[CLI_ARGUMENTS_MAX];
	size_t late_count;
	struct reason *reason;
};

static inline bool request_is_same(const char *a, const char *b)
{
	return slice_equal(slice_of(a), slice_of(b));
}

/* Sorts a command's words: options are set, the rest is in words and late.  INVALID: with a reason. */
enum result request_read_words(struct reading *r, size_t count, const char *const *words);

#endif
