/*
 * filter: the list filter's grammar, as the daemon reads it, too.
 *
 * Terms with blanks between, all must hold: a word (part of a name or note),
 * rule:block, state:up, and !term for the opposite.
 */
#ifndef TUI_SCREENS_FILTER_H
#define TUI_SCREENS_FILTER_H

#include "shared/base/slice.h"

struct filter_row {
	struct slice name, note, rule, state;
};

bool filter_holds(struct slice filter, const struct filter_row *row);

#endif
