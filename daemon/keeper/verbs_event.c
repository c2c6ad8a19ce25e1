/*
 * event tail: the newest events kept, and those to come.
 */
#include "daemon/keeper/parts.h"

enum { EVENT_TAIL_DEFAULT = 50, EVENT_TAIL_MAX = 500, EVENT_TAIL_ROOM = 2048 };

/* Text or number: "20" from a command line's word, 20 from a program. */
static int64_t count_of(const struct call *call)
{
	const struct json *given = json_get(call->params, "count");
	uint64_t number = EVENT_TAIL_DEFAULT;
	int64_t count = json_as_number(given, EVENT_TAIL_DEFAULT);

	if (json_kind(given) == JSON_KIND_TEXT &&
	    slice_to_number(json_as_slice(given), EVENT_TAIL_MAX, &number))
		count = (int64_t)number;
	return count < 0 ? 0 : count > EVENT_TAIL_MAX ? EVENT_TAIL_MAX : count;
}

void verb_run_EVENT_TAIL(struct call *call)
{
	const struct events *events = &call->keeper->events;
	struct json_writer *w = call_open(call);
	size_t room = buffer_room(&call->out) - EVENT_TAIL_ROOM, count = 0;
	const struct kept_event *event;
	int64_t wanted = count_of(call);

	/* As many of the newest as one line holds; they are told oldest first. */
	while ((int64_t)count < wanted && (event = events_newest(events, count)) &&
	       strlen(event->params) + 1 <= room) {
		room -= strlen(event->params) + 1;
		count++;
	}
	json_open_array(w, "events");
	while (count-- > 0)
		json_put_raw(w, NULL, slice_of(events_newest(events, count)->params));
	json_close_array(w);
	if (call->session && json_as_bool(json_get(call->params, "follow"), false)) {
		call->session->follows = true;
		call->session->follows_debug = json_as_bool(json_get(call->params, "debug"), false);
	}
	call_close(call);
}
