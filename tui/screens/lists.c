/* The listings' rows: asked for page by page while their screen is shown; what is shown changes when the last page is in. */
#include <stdio.h>

#include "tui/client/words.h"
#include "tui/screens/parts.h"

enum { LIST_PAGE_ROWS = 500, WINDOW_ROWS = 200, EVENTS_ASKED = 500 };

void lists_start(struct lists *lists)
{
	*lists = (struct lists){ 0 };
	listing_start(&lists->building, connections_kind());
}

void lists_stop(struct lists *lists) { listing_stop(&lists->building); }

/* The fetched listing whose rows the screen shows, or that is read about; NULL: none. */
static struct listing *shown_list(struct console *console)
{
	struct scene *scene = &console->scene;
	struct listing *listing = &scene->listings[scene->screen];

	if (!listing->kind) /* what is read or edited lies on top of it */
		listing = &scene->listings[scene_place_below(scene)];

	return listing->kind && listing->kind->method ? listing : NULL;
}

/*
 * The domains are fetched once behind another screen, too: the overview says who is busiest, and a connection is to an edge
 * whose domain they know.
 */
static struct listing *wanted_list(struct console *console)
{
	struct listing *shown = shown_list(console), *domains = &console->scene.listings[SCREEN_DOMAINS];
	bool waits = shown ? !shown->heard_ms
	                   : scene_place_below(&console->scene) == SCREEN_EVENTS &&
	                             !console->lists.is_following;

	return waits || domains->heard_ms || console->lists.has_no_domains ? shown : domains;
}

bool lists_are_wanted(const struct console *console)
{
	struct console *own = (struct console *)(uintptr_t)console;

	return wanted_list(own) ||
	       (scene_place_below(&console->scene) == SCREEN_EVENTS && !console->lists.is_following);
}

static void ask_page(struct console *console)
{
	struct lists *lists = &console->lists;
	struct buffer params;
	struct json_writer w = json_write(&params);

	buffer_start(&params, 8192);
	json_open_object(&w, NULL);
	if (lists->asked_filter[0])
		json_put_text(&w, "filter", lists->asked_filter);
	if (lists->cursor[0])
		json_put_text(&w, "after", lists->cursor);
	if (lists->asked->kind->is_paged)
		json_put_number(&w, "limit",
		                lists->asked->kind->is_windowed
		                        ? (int64_t)(WINDOW_ROWS - lists->building.count)
		                        : LIST_PAGE_ROWS);
	if (console->scene.as_of && listing_is_of_a_version(lists->asked->kind))
		json_put_number(&w, "version", console->scene.as_of);
	json_close_object(&w);
	lists->asked_id = client_ask(console->client, console->now, lists->asked->kind->method,
	                             buffer_slice(&params), VIEW_TIMEOUT_MS, &lists->trouble);
	buffer_stop(&params);
}

/* Which rows the daemon is asked for: all pages of the fetch ask for the same. */
static void begin_fetch(struct lists *lists, struct listing *wanted)
{
	listing_stop(&lists->building);
	listing_start(&lists->building, wanted->kind);
	lists->asked = wanted;
	lists->asked_turn = wanted->window.turn;
	if (!listing_is_filtered_there(wanted) ||
	    !slice_to_text(editor_text(&wanted->filter), lists->asked_filter, sizeof lists->asked_filter))
		lists->asked_filter[0] = '\0';
	if (!wanted->kind->is_windowed ||
	    !slice_to_text(listing_after(wanted), lists->cursor, sizeof lists->cursor))
		lists->cursor[0] = '\0';
}

static void ask_events(struct console *console)
{
	struct lists *lists = &console->lists;
	struct buffer params;
	struct json_writer w = json_write(&params);

	buffer_start(&params, 128);
	json_open_object(&w, NULL);
	json_put_number(&w, "count", EVENTS_ASKED);
	json_put_bool(&w, "follow", true);
	json_close_object(&w);
	lists->events_id = client_ask(console->client, console->now, "event.tail", buffer_slice(&params),
	                              VIEW_TIMEOUT_MS, &lists->trouble);
	buffer_stop(&params);
}

/* What is held is what the daemon would say again. */
static bool is_current(const struct console *console, const struct listing *listing)
{
	const struct lists *lists = &console->lists;
	int64_t version = console->scene.as_of ? console->scene.as_of
	                                       : scene_number(console->scene.status, "version");

	return listing && listing->kind->is_still && listing->heard_ms && !lists->is_forced &&
	       scene_number(listing->result, "version") == version && !listing->window.turn &&
	       (!listing_is_filtered_there(listing) ||
	        (lists->held == listing &&
	         slice_equal(slice_of(lists->asked_filter), editor_text(&listing->filter))));
}

/* It would be refused again. */
static bool is_refused(const struct console *console, const struct listing *listing)
{
	return listing && listing_is_filtered_there(listing) && !console->lists.is_forced &&
	       filtering_is_refused(&listing->refused, editor_text(&listing->filter));
}

void lists_refresh(struct console *console)
{
	struct lists *lists = &console->lists;
	struct listing *wanted = wanted_list(console);
	bool turns = wanted && wanted->window.turn;

	if (client_state(console->client) != CLIENT_UP || (console->now.mono_ms < lists->due_ms && !turns) ||
	    !lists_are_wanted(console))
		return;
	lists->due_ms = console->now.mono_ms + LISTS_EVERY_MS; /* also when it cannot be asked */
	if (!lists->asked_id && (is_current(console, wanted) || is_refused(console, wanted)))
		return;
	lists->is_forced = false;
	if (!wanted && !lists->events_id)
		ask_events(console);
	if (!wanted || lists->asked_id)
		return;
	begin_fetch(lists, wanted);
	ask_page(console);
}

/* The link is new: the daemon has forgotten that we follow. */
void lists_restart(struct lists *lists)
{
	lists->is_following = lists->has_no_domains = false;
	lists->is_forced = true; /* and may be another one */
	lists->due_ms = 0;
}

static void take_events(struct console *console, const struct control_answer *answer)
{
	struct recent *events = &console->scene.events;
	const struct json *list = json_get(answer->result, "events");

	console->lists.is_following = true;
	recent_pause(events, false);
	recent_clear(events);
	for (size_t i = 0; i < json_count(list); i++)
		recent_take(events, json_at(list, i));
	events->list.heard_ms = console->now.mono_ms;
	recent_settle(events);
}

/* Is something else wanted by now than what was asked for? */
static bool has_moved_on(const struct lists *lists)
{
	const struct listing *asked = lists->asked;

	return asked->kind->is_windowed &&
	       (!slice_equal(slice_of(lists->asked_filter), editor_text(&asked->filter)) ||
	        lists->asked_turn != asked->window.turn);
}

/* Of a long list the daemon looks at a part in one call: a page that is not full yet is gone on with. */
static bool needs_more(const struct lists *lists)
{
	if (!lists->cursor[0])
		return false;
	return !lists->asked->kind->is_windowed ||
	       (lists->building.total < 0 && lists->building.count < WINDOW_ROWS && !has_moved_on(lists));
}

static void publish(struct console *console)
{
	struct lists *lists = &console->lists;
	struct listing *asked = lists->asked;

	if (has_moved_on(lists)) {
		lists->due_ms = 0; /* something else is wanted by now */
		return;
	}
	if (!asked->kind->is_windowed) {
		lists->building.asks_filtered = listing_can_ask_filtered(asked->kind) &&
		                                (lists->building.is_cut ||
		                                 (asked->asks_filtered && asked->filter.length));
		if (lists->building.total < 0 && !lists->building.is_cut) /* all pages are in */
			lists->building.total = (int64_t)lists->building.count;
	}
	asked->now_wall_ms = console->now.wall_ms;
	listing_replace(asked, &lists->building);
	asked->heard_ms = console->now.mono_ms;
	lists->held = asked;
	if (wanted_list(console) != asked)
		lists->due_ms = 0; /* it was fetched behind a screen that shows another */
	if (asked->kind->is_windowed)
		listing_turned(asked, lists->asked_turn, slice_of(lists->cursor));
}

/* Another screen waits for its first rows: a long fetch makes way for it. */
static bool has_to_wait(struct console *console)
{
	const struct listing *wanted = wanted_list(console);

	return wanted && wanted != console->lists.asked && !wanted->heard_ms;
}

bool lists_take(struct console *console, int64_t id, struct control_answer *answer)
{
	struct lists *lists = &console->lists;
	struct json *whole = answer->whole;
	const struct json *result = answer->result;
	enum result added;

	if (!id || (id != lists->asked_id && id != lists->events_id))
		return false;
	if (answer->code != CONTROL_OK)
		fail(&lists->trouble, RESULT_OK, "%.*s", SLICE_ARG(answer->message));
	else
		lists->trouble.text[0] = '\0';
	if (id == lists->events_id) {
		lists->events_id = 0;
		if (answer->code == CONTROL_OK)
			take_events(console, answer);
		return true;
	}
	lists->asked_id = 0;
	lists->due_ms = console->now.mono_ms + LISTS_EVERY_MS * (int64_t)(lists->building.page_count + 1);
	if (wanted_list(console) != lists->asked)
		lists->due_ms = 0; /* another screen waits for its first rows */
	if (answer->code != CONTROL_OK) {
		lists->asked->window.turn = LISTING_STAYS;
		lists->has_no_domains |= lists->asked == &console->scene.listings[SCREEN_DOMAINS];
		if (answer->code == CONTROL_INVALID && lists->asked_filter[0])
			listing_refuse(lists->asked, lists->asked_filter, lists->trouble.text);
		return true;
	}
	if (!slice_to_text(json_as_slice(json_get(result, "next")), lists->cursor, sizeof lists->cursor))
		lists->building.is_cut = true; /* a cursor we cannot hold: what is in must do */
	answer->whole = NULL;
	added = listing_add_page(&lists->building, whole, result);
	if (added == RESULT_NO_MEMORY)
		fail(&lists->trouble, added, "%s", _("out of memory"));
	else if (added == RESULT_OK && needs_more(lists) && has_to_wait(console))
		lists->due_ms = 0; /* what is in so far is dropped */
	else if (added == RESULT_OK && needs_more(lists))
		ask_page(console);
	else
		publish(console);
	return true;
}
