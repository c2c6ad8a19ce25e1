/*
 * recent: what happened, newest last; followed live, or held still while somebody reads.
 */
#ifndef TUI_SCREENS_RECENT_H
#define TUI_SCREENS_RECENT_H

#include "tui/screens/listing.h"

enum { EVENTS_MAX = 1000 }; /* kept here; the daemon's log has them all */

struct recent {
	struct json *kept[EVENTS_MAX]; /* owned, oldest first */
	size_t count;
	size_t held;                       /* while paused: how many of them are shown; the rest are new */
	size_t news;                       /* while paused: how many came, also those not kept */
	bool is_paused, follows, is_stale; /* stale: the listing is to be filled again */
	struct listing list;
};

void recent_start(struct recent *events);
void recent_stop(struct recent *events);
void recent_clear(struct recent *events);
/* Keeps a copy, with the severity of its row beside it. */
void recent_take(struct recent *events, const struct json *event);
/* Fills the listing when something came; the selection stays, or follows the newest. */
void recent_settle(struct recent *events);
void recent_pause(struct recent *events, bool is_paused);
void recent_follow(struct recent *events, bool follows);

#endif
