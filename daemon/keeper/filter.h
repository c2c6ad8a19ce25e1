/*
 * filter: which rows a list shows.  Pure.
 *
 * Terms separated by blanks, all of which must hold: `word` (part of a text field), `name:value` (a field is
 * exactly that), `!term` (it does not hold).  Case does not matter.
 */
#ifndef DAEMON_KEEPER_FILTER_H
#define DAEMON_KEEPER_FILTER_H

#include "shared/base/slice.h"

struct keeper_filter_field {
	const char *name;
	struct slice value;
	bool is_text; /* words are looked for in it */
};
bool keeper_filter_holds(struct slice filter, const struct keeper_filter_field *fields, size_t count);

#endif
