/*
 * kind_list: any kind's objects as a list; its columns are those of its `list` verb (tui/client/columns.def).
 *
 * A kind that has a `list` verb has its screen by a row of screens.def and one of the table in kind_list.c.
 */
#ifndef TUI_SCREENS_KIND_LIST_H
#define TUI_SCREENS_KIND_LIST_H

#include "shared/model/model.h"
#include "tui/screens/actions.h"
#include "tui/screens/listing.h"

enum { KIND_LISTS = 7 };

struct kind_list {
	struct listing_kind kind;
	char method[64];
};

/* Makes the listings of all kinds that have a screen. */
void kind_lists_start(struct kind_list lists[KIND_LISTS], struct listing listings[SCREEN_COUNT]);
/* The kind a screen lists or is the form of; NULL: none. */
const struct model_kind *kind_of_screen(enum screen screen);
/* The object a form screen is about: "Global"; "" for the only one of its kind. */
const char *key_of_screen(enum screen screen);

#endif
