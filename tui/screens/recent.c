#include "tui/screens/recent.h"

#include <string.h>

#include "shared/control/control.h"
#include "tui/client/said.h"
#include "tui/client/words.h"
#include "tui/screens/scene.h"

enum { EVENT_BYTES_MAX = CONTROL_LINE_MAX + 4096, DETAIL_LINES = 4, DETAIL_FROM_HEIGHT = 16 };

static enum grid_role severity_role(struct slice severity)
{
	return slice_equal(severity, SLICE("error"))     ? GRID_BAD
	       : slice_equal(severity, SLICE("warning")) ? GRID_WARN
	       : slice_equal(severity, SLICE("notice"))  ? GRID_NORMAL
	                                                 : GRID_DIM;
}

static const struct listing_kind kind = {
	.verb = CONTROL_VERB_EVENT_TAIL,
	.key = { "time", "event", "sentence" },
	.state_role = severity_role,
};

void recent_start(struct recent *events)
{
	*events = (struct recent){ .follows = true };
	listing_start(&events->list, &kind);
}

void recent_clear(struct recent *events)
{
	listing_clear(&events->list);
	for (size_t i = 0; i < events->count; i++)
		json_free(&events->kept[i]);
	events->count = events->held = events->news = 0;
	events->is_stale = true;
}

void recent_stop(struct recent *events)
{
	recent_clear(events);
	listing_stop(&events->list);
}

/* The daemon's members, and what its table of events says of them. */
static struct json *copy(const struct json *event)
{
	const struct control_event *row = control_event(
	        control_event_named(json_as_slice(json_get(event, "event"))));
	struct buffer text, sentence;
	char words[SAID_BYTES];
	struct json_writer w = json_write(&text);
	struct json *made = NULL;
	struct slice key;
	const struct json *value;
	struct reason reason;

	buffer_start(&text, EVENT_BYTES_MAX);
	buffer_start(&sentence, EVENT_BYTES_MAX);
	json_open_object(&w, NULL);
	for (size_t i = 0; json_member(event, i, &key, &value); i++)
		if (!slice_equal(key, SLICE("severity")))
			json_write_value(&w, key.ptr, value);
	json_put_text(&w, "severity", row ? control_severity_name(row->severity) : "-");
	if (row && !json_get(event, "sentence")) {
		control_event_sentence(row, event, &sentence);
		json_put_slice(&w, "sentence", said(buffer_slice(&sentence), words));
	}
	json_close_object(&w);
	if (!text.is_broken && !sentence.is_broken)
		(void)json_read(buffer_slice(&text), &made, &reason); /* without memory: not shown */
	buffer_stop(&sentence);
	buffer_stop(&text);
	return made;
}

/* The oldest gives way; while paused, the oldest of those that nobody has seen. */
static void drop_one(struct recent *events)
{
	size_t at = events->is_paused && events->held < events->count ? events->held : 0;

	if (at == 0) {
		listing_clear(&events->list);
		events->is_stale = true;
		events->held -= events->held > 0;
	}
	json_free(&events->kept[at]);
	memmove(events->kept + at, events->kept + at + 1, (events->count - at - 1) * sizeof *events->kept);
	events->count--;
}

void recent_take(struct recent *events, const struct json *event)
{
	struct json *kept = copy(event);
	char key[LISTING_KEY_BYTES];

	if (!kept)
		return;
	if (events->count == EVENTS_MAX) {
		/* Rows must not point at what is dropped; the selection is found again by its key. */
		listing_key(&events->list, listing_selected(&events->list), key);
		drop_one(events);
		if (events->is_stale && !events->follows) {
			events->kept[events->count++] = kept;
			events->news += events->is_paused;
			recent_settle(events);
			listing_arrange(&events->list, key);
			return;
		}
	}
	events->kept[events->count++] = kept;
	events->news += events->is_paused;
	events->is_stale |= !events->is_paused;
}

void recent_settle(struct recent *events)
{
	struct listing *list = &events->list;
	char key[LISTING_KEY_BYTES];
	size_t visible = events->is_paused ? events->held : events->count;

	if (!events->is_stale)
		return;
	events->is_stale = false;
	listing_key(list, listing_selected(list), key);
	listing_clear(list);
	for (size_t i = 0; i < visible; i++)
		if (!listing_add_row(list, events->kept[i]))
			list->is_cut = true;
	list->total = (int64_t)visible;
	listing_arrange(list, events->follows ? NULL : key);
	if (events->follows && list->shown)
		list->table.selected = list->table.is_reversed ? 0 : list->shown - 1;
}

void recent_pause(struct recent *events, bool is_paused)
{
	recent_settle(events);
	events->held = events->count;
	events->news = 0;
	events->is_stale |= events->is_paused && !is_paused;
	events->is_paused = is_paused;
}

void recent_follow(struct recent *events, bool follows)
{
	events->follows = follows;
	events->is_stale = true;
}

/* ---- on the screen ---- */

void events_title(const struct scene *scene, struct buffer *out)
{
	const struct recent *events = &scene->events;

	listing_title(&events->list, _("Events"), out);
	if (events->is_paused)
		buffer_printf(out, _("   paused, +%zu new"), events->news);
	else if (events->follows)
		buffer_add(out, slice_of(_("   following")));
}

/* What was cut in the row is whole here. */
static void draw_detail(const struct scene *scene, struct grid *grid, struct area area)
{
	const struct json *row = listing_told(&scene->events.list);
	struct slice rest = scene_text(row, "sentence");
	int x = area.x + 1, width = area.width - 2;

	grid_line(grid, x, area.y, width, GRID_DIM);
	for (int y = area.y + 1; y < area.y + area.height && rest.len; y++) {
		size_t fits = grid_fold(grid, rest, width);

		if (y + 1 == area.y + area.height)
			fits = rest.len; /* the last line is cut with a mark */
		grid_put(grid, x, y, width, slice_first(rest, fits),
		         severity_role(scene_text(row, "severity")));
		rest = slice_trim(slice_after(rest, fits));
	}
}

void events_draw(struct scene *scene, struct grid *grid, struct area area)
{
	struct area list = area, detail = area;

	recent_settle(&scene->events);
	if (area.height >= DETAIL_FROM_HEIGHT) {
		list.height -= DETAIL_LINES;
		detail.y = area.y + list.height;
		detail.height = DETAIL_LINES;
		draw_detail(scene, grid, detail);
	}
	listing_draw(scene, &scene->events.list, grid, list, _("Nothing has happened yet."));
}

void events_command(const struct scene *scene, struct buffer *out)
{
	(void)scene;
	buffer_add(out, SLICE("event tail 500 follow"));
}
