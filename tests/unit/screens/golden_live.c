/* Connections, discovered partners, events, services: what lives only a moment. */
#include "tests/unit/screens/pictures.h"

static struct stage *connections(void)
{
	struct stage *stage = overview();
	struct listing *list = &stage->scene.listings[SCREEN_CONNECTIONS];
	struct json *page = read_json("connections.json");

	stage->scene.screen = SCREEN_CONNECTIONS;
	assert_int_equal(listing_add_page(list, page, page), RESULT_OK);
	list->heard_ms = now.mono_ms - 500;
	listing_arrange(list, "");
	return stage;
}

/* Streams: the pairs on them and how each was proved, what is under way, how they count; and one left alone for a while. */
static struct stage *connections_xmpp(void)
{
	struct stage *stage = overview();
	struct listing *list = &stage->scene.listings[SCREEN_CONNECTIONS];
	struct json *page = read_json("connections-xmpp.json");

	stage->scene.screen = SCREEN_CONNECTIONS;
	assert_int_equal(listing_add_page(list, page, page), RESULT_OK);
	list->heard_ms = now.mono_ms - 500;
	listing_arrange(list, "");
	return stage;
}

static struct stage *connections_xmpp_failed(void)
{
	struct stage *stage = connections_xmpp();

	stage->scene.listings[SCREEN_CONNECTIONS].table.selected = 1;
	scene_settle(&stage->scene);
	return stage;
}

static struct stage *connections_failed(void)
{
	struct stage *stage = connections();

	editor_set(&stage->scene.listings[SCREEN_CONNECTIONS].filter, SLICE("!state:up proseware"));
	scene_arrange(&stage->scene);
	return stage;
}

static struct stage *connections_chosen(void)
{
	struct stage *stage = connections();
	struct reason reason;

	assert_int_equal(listing_choose(&stage->scene.listings[SCREEN_CONNECTIONS],
	                                SLICE("partner,tls,state,bytes_in,last_error,address"), &reason),
	                 RESULT_OK);
	return stage;
}

/* Of a partner who was refused here and refuses us, each with whose decision it was. */
static struct stage *connections_errors(void)
{
	struct stage *stage = connections();

	stage->scene.listings[SCREEN_CONNECTIONS].table.selected = 4;
	scene_settle(&stage->scene);
	return stage;
}

static struct stage *connections_hostile(void)
{
	struct stage *stage = connections();

	stage->scene.listings[SCREEN_CONNECTIONS].table.sort = 5; /* msg/s */
	stage->scene.listings[SCREEN_CONNECTIONS].table.is_reversed = true;
	listing_arrange(&stage->scene.listings[SCREEN_CONNECTIONS], "");
	stage->scene.listings[SCREEN_CONNECTIONS].table.selected = 5;
	return stage;
}

static struct stage *connections_unasked(void)
{
	struct stage *stage = overview();

	stage->scene.screen = SCREEN_CONNECTIONS;
	return stage;
}

static struct stage *discovered(void)
{
	struct stage *stage = overview();
	struct listing *list = &stage->scene.listings[SCREEN_DISCOVERED];
	struct json *page = read_json("discovered.json");

	stage->scene.screen = SCREEN_DISCOVERED;
	assert_int_equal(listing_add_page(list, page, page), RESULT_OK);
	list->heard_ms = now.mono_ms - 500;
	list->table.selected = 2;
	listing_arrange(list, "");
	return stage;
}

static struct stage *discovered_empty(void)
{
	struct stage *stage = overview();

	stage->scene.screen = SCREEN_DISCOVERED;
	stage->scene.listings[SCREEN_DISCOVERED].heard_ms = now.mono_ms;
	return stage;
}

static struct stage *events(void)
{
	struct stage *stage = overview();
	struct json *told = read_json("events.json");
	const struct json *list = json_get(told, "events");

	stage->scene.screen = SCREEN_EVENTS;
	for (size_t i = 0; i < json_count(list); i++)
		recent_take(&stage->scene.events, json_at(list, i));
	json_free(&told);
	stage->scene.events.list.heard_ms = now.mono_ms;
	recent_settle(&stage->scene.events);
	return stage;
}

static struct stage *events_paused(void)
{
	struct stage *stage = events();
	struct json *told = read_json("events.json");

	recent_follow(&stage->scene.events, false);
	recent_settle(&stage->scene.events);
	stage->scene.events.list.table.selected = 3;
	recent_pause(&stage->scene.events, true);
	recent_take(&stage->scene.events, json_at(json_get(told, "events"), 0));
	recent_take(&stage->scene.events, json_at(json_get(told, "events"), 1));
	json_free(&told);
	return stage;
}

static struct stage *menu(void)
{
	struct stage *stage = connections();

	scene_open_menu(&stage->scene);
	menu_key(&stage->scene, INPUT_DOWN);
	return stage;
}

/* From the last row, which has gone out of the window at 60x16. */
static struct stage *menu_end(void)
{
	struct stage *stage = menu();

	menu_key(&stage->scene, INPUT_END);
	menu_key(&stage->scene, INPUT_DOWN);
	return stage;
}

static struct stage *sessions(void)
{
	struct stage *stage = listed(SCREEN_SESSIONS, "sessions.json");

	stage->scene.listings[SCREEN_SESSIONS].table.selected = 2;
	scene_settle(&stage->scene);
	return stage;
}

static struct stage *sessions_empty(void)
{
	struct stage *stage = overview();

	stage->scene.screen = SCREEN_SESSIONS;
	stage->scene.listings[SCREEN_SESSIONS].heard_ms = now.mono_ms;
	return stage;
}

static struct stage *remote(void)
{
	struct stage *stage = listed(SCREEN_REMOTE, "remote.json");

	stage->scene.listings[SCREEN_REMOTE].table.selected = 1;
	return stage;
}

static struct stage *meetings(void) { return listed(SCREEN_MEETINGS, "meetings.json"); }

static struct stage *services(void) { return listed(SCREEN_SERVICES, "services.json"); }

static const struct picture pictures[] = {
	{ "connections-xmpp-120x40", connections_xmpp, 120, 40, false, false },
	{ "connections-xmpp-80x24", connections_xmpp_failed, 80, 24, false, false },
	{ "connections-80x24", connections, 80, 24, false, false },
	{ "connections-120x40", connections, 120, 40, false, false },
	{ "connections-60x16", connections, 60, 16, false, false },
	{ "connections-columns-80x24", connections_chosen, 80, 24, false, false },
	{ "connections-columns-60x16", connections_chosen, 60, 16, false, false },
	{ "connections-columns-120x40", connections_chosen, 120, 40, false, false },
	{ "connections-errors-80x24", connections_errors, 80, 24, false, false },
	{ "connections-failed-80x24", connections_failed, 80, 24, false, false },
	{ "connections-hostile-80x24", connections_hostile, 80, 24, true, false },
	{ "connections-unasked-80x24", connections_unasked, 80, 24, false, false },
	{ "discovered-80x24", discovered, 80, 24, false, false },
	{ "discovered-120x40", discovered, 120, 40, false, false },
	{ "discovered-60x16", discovered, 60, 16, false, false },
	{ "discovered-empty-80x24", discovered_empty, 80, 24, false, false },
	{ "events-80x24", events, 80, 24, true, false },
	{ "events-120x40", events, 120, 40, false, false },
	{ "events-60x16", events, 60, 16, false, false },
	{ "events-paused-80x24", events_paused, 80, 24, false, false },
	{ "menu-80x24", menu, 80, 24, false, false },
	{ "menu-120x40", menu, 120, 40, false, false },
	{ "menu-end-60x16", menu_end, 60, 16, false, false },
	{ "sessions-80x24", sessions, 80, 24, false, false },
	{ "sessions-120x40", sessions, 120, 40, false, false },
	{ "sessions-60x16", sessions, 60, 16, false, false },
	{ "sessions-empty-80x24", sessions_empty, 80, 24, false, false },
	{ "remote-80x24", remote, 80, 24, false, false },
	{ "remote-120x40", remote, 120, 40, false, false },
	{ "remote-60x16", remote, 60, 16, false, false },
	{ "meetings-80x24", meetings, 80, 24, false, false },
	{ "services-80x24", services, 80, 24, false, false },
	{ "services-120x40", services, 120, 40, false, false },
	{ "services-60x16", services, 60, 16, false, false },
};

int main(void) { return pictures_main(pictures, COUNT(pictures)); }
