/*
 * filtering: a list's filter, read with the members its rows have; the grammar is shared/control/filter.h.
 */
#ifndef TUI_SCREENS_FILTERING_H
#define TUI_SCREENS_FILTERING_H

#include "shared/control/filter.h"

enum { FLAW_BYTES = 400 };

/* False: `flaw` is a sentence, translated, about what is wrong; else it is "". */
bool filtering_read(struct slice text, const char *keys, int64_t now_wall_ms, struct filter *out,
                    char flaw[FLAW_BYTES]);
/* A filter that the daemon does not take: it is not asked with it again, and nothing is shown but why. */
struct refused_filter {
	char text[FILTER_BYTES_MAX]; /* "": none */
	char flaw[FLAW_BYTES];
};
void filtering_refuse(struct refused_filter *refused, const char *text, const char *flaw);
bool filtering_is_refused(const struct refused_filter *refused, struct slice text);
/* The members of some of the rows; those are alike. */
void filtering_keys(const struct json *const *rows, size_t count, char keys[FILTER_KEYS_BYTES]);

#endif
