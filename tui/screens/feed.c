/* The domains' list, fetched page by page; what is shown changes when the last page is in. */
#include <stdio.h>

#include "tui/client/words.h"
#include "tui/screens/parts.h"

enum { FEED_PAGE_ROWS = 500 };

void feed_start(struct feed *feed)
{
	*feed = (struct feed){ 0 };
	domain_rows_start(&feed->building);
}

void feed_stop(struct feed *feed) { domain_rows_stop(&feed->building); }

static void ask_page(struct console *console)
{
	struct feed *feed = &console->feed;
	struct slice filter = editor_text(&console->scene.filter);
	struct buffer params;
	struct json_writer w = json_write(&params);

	buffer_start(&params, 8192);
	json_open_object(&w, NULL);
	if (!feed->asks_filtered || !slice_to_text(filter, feed->asked_filter, sizeof feed->asked_filter))
		feed->asked_filter[0] = '\0';
	if (feed->asked_filter[0])
		json_put_text(&w, "filter", feed->asked_filter);
	if (feed->cursor[0])
		json_put_text(&w, "after", feed->cursor);
	json_put_number(&w, "limit", FEED_PAGE_ROWS);
	if (console->scene.as_of)
		json_put_number(&w, "version", console->scene.as_of);
	json_close_object(&w);
	feed->asked_id = client_ask(console->client, console->now, "domain.list", buffer_slice(&params),
	                            VIEW_TIMEOUT_MS, &feed->trouble);
	buffer_stop(&params);
}

bool feed_is_wanted(const struct console *console)
{
	return scene_place_below(&console->scene) == SCREEN_DOMAINS || !console->scene.domains_heard_ms;
}

/* The daemon would refuse the filter again. */
static bool is_refused(const struct console *console)
{
	return console->feed.asks_filtered &&
	       filtering_is_refused(&console->scene.domains.refused, editor_text(&console->scene.filter));
}

static void arrange(struct scene *scene, struct instant now)
{
	domain_rows_arrange(&scene->domains, editor_text(&scene->filter), now.wall_ms,
	                    (enum domain_column)scene->table.sort, scene->table.is_reversed);
	scene->table.count = scene->domains.shown;
}

void feed_refresh(struct console *console)
{
	struct feed *feed = &console->feed;

	if (feed->asked_id || console->now.mono_ms < feed->due_ms ||
	    client_state(console->client) != CLIENT_UP || !feed_is_wanted(console) || is_refused(console))
		return;
	domain_rows_stop(&feed->building);
	domain_rows_start(&feed->building);
	feed->cursor[0] = '\0';
	feed->due_ms = console->now.mono_ms + FEED_EVERY_MS; /* also when it cannot be asked */
	ask_page(console);
}

/* All pages are in: the new list takes the old one's place; marks and selection stay on their domains. */
static void publish(struct console *console)
{
	struct feed *feed = &console->feed;
	struct scene *scene = &console->scene;
	const struct domain_row *selected = scene_domain(scene);
	char domain[256] = "";
	size_t place;

	if (selected)
		slice_to_text(selected->domain, domain, sizeof domain);
	feed->asks_filtered = feed->building.is_cut || (feed->asks_filtered && scene->filter.length);
	if (domain_rows_finish(&feed->building, &scene->domains) != RESULT_OK)
		return;
	domain_rows_stop(&scene->domains);
	scene->domains = feed->building;
	domain_rows_start(&feed->building);
	scene->domains_heard_ms = console->now.mono_ms;
	arrange(scene, console->now);
	place = domain_rows_place(&scene->domains, slice_of(domain));
	if (place < scene->domains.shown)
		scene->table.selected = place;
}

bool feed_take(struct console *console, int64_t id, struct control_answer *answer)
{
	struct feed *feed = &console->feed;
	struct json *whole = answer->whole;
	const struct json *result = answer->result;
	struct slice next;
	enum result added;

	if (id != feed->asked_id)
		return false;
	feed->asked_id = 0;
	feed->due_ms = console->now.mono_ms + FEED_EVERY_MS * (int64_t)(feed->building.page_count + 1);
	if (answer->code != CONTROL_OK) {
		fail(&feed->trouble, RESULT_OK, "%.*s", SLICE_ARG(answer->message));
		if (answer->code == CONTROL_INVALID && feed->asked_filter[0]) {
			filtering_refuse(&console->scene.domains.refused, feed->asked_filter,
			                 feed->trouble.text);
			arrange(&console->scene, console->now);
		}
		return true;
	}
	feed->trouble.text[0] = '\0';
	next = json_as_slice(json_get(result, "next"));
	if (!slice_to_text(next, feed->cursor, sizeof feed->cursor))
		feed->building.is_cut = true; /* a cursor we cannot hold: what is in must do */
	answer->whole = NULL;
	added = domain_rows_add(&feed->building, whole, result);
	if (added == RESULT_NO_MEMORY) {
		fail(&feed->trouble, added, "%s", _("out of memory"));
		return true;
	}
	if (added == RESULT_OK && feed->cursor[0])
		ask_page(console);
	else
		publish(console);
	return true;
}
