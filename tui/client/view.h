/*
 * view: one answer asked for again and again, kept with its age.
 *
 * A screen shows what was last heard and how old it is; it never waits.
 */
#ifndef TUI_CLIENT_VIEW_H
#define TUI_CLIENT_VIEW_H

#include "tui/client/client.h"

enum { VIEW_TIMEOUT_MS = 10000 };

struct view {
	const char *method;
	int64_t every_ms;
	struct buffer params; /* a JSON object, or empty */
	int64_t asked_id;     /* 0: nothing under way */
	int64_t due_ms;       /* monotonic: when to ask next */
	struct control_answer last;
	int64_t heard_ms;      /* monotonic; of `last` */
	struct reason trouble; /* why the newest try failed; "" when it did not */
};

void view_start(struct view *view, const char *method, int64_t every_ms);
void view_stop(struct view *view);
/* Asks when it is time and nothing is under way. */
void view_refresh(struct view *view, struct client *client, struct instant now);
/* Ask at the next refresh. */
void view_hurry(struct view *view);
/* True when `id` was this view's question: the answer has been kept. */
bool view_take(struct view *view, int64_t id, struct control_answer *answer, struct instant now);
/* The result, or NULL before the first. */
const struct json *view_result(const struct view *view);

#endif
