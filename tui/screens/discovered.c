/*
 * Discovered partners: on no list, proved by DNS; what they send, to how many of ours, and whether that is limited.
 */
#include <stdio.h>

#include "tui/client/said.h"
#include "tui/client/shown.h"
#include "tui/client/words.h"
#include "tui/screens/command.h"
#include "tui/screens/scene.h"

enum { DETAIL_LINES = 5 };

static enum grid_role state_role(struct slice state)
{
	return slice_equal(state, SLICE("ok"))           ? GRID_GOOD
	       : slice_equal(state, SLICE("suspicious")) ? GRID_BAD
	                                                 : GRID_WARN;
}

static const struct listing_kind kind = {
	.verb = CONTROL_VERB_DISCOVERED_LIST,
	.method = "discovered.list",
	.is_paged = true,
	.key = { "domain", "certificate", "first_seen" },
	.state_role = state_role,
};

const struct listing_kind *discovered_kind(void) { return &kind; }

static void draw_detail(const struct scene *scene, struct grid *grid, struct area area)
{
	const struct json *row = listing_told(&scene->listings[SCREEN_DISCOVERED]),
	                  *domains = json_get(row, "domains");
	struct slice last_limit = scene_text(row, "last_limit");
	int64_t limit = scene_number(row, "contacts_limit"), since = scene_number(row, "first_seen");
	int left = area.x + 1, x = left, y = area.y, end = area.x + area.width - 1;
	char contacts[SHOWN_BYTES], age[SHOWN_BYTES];

	grid_line(grid, x, y++, area.width - 2, GRID_DIM);
	if (!row)
		return;
	x += grid_put(grid, x, y, end - x, scene_text(row, "domain"), GRID_FOCUS);
	x += grid_printf(grid, x, y, end - x, GRID_NORMAL, _(": first seen %s ago, last at "),
	                 shown_age(since > 0 ? scene->now.wall_ms - since : -1, age));
	grid_put(grid, x, y++, end - x, scene_text(row, "address"), GRID_NORMAL);
	x = left + grid_put_text(grid, left, y, end - left, _("certificate "), GRID_NORMAL);
	grid_put(grid, x, y++, end - x, scene_text(row, "certificate"), GRID_NORMAL);
	x = left + grid_put_text(grid, left, y, end - left, _("speaks for "), GRID_NORMAL);
	for (size_t i = 0; i < json_count(domains) && x < end; i++) {
		x += grid_put_text(grid, x, y, end - x, i ? ", " : "", GRID_NORMAL);
		x += grid_put(grid, x, y, end - x, json_as_slice(json_at(domains, i)), GRID_NORMAL);
	}
	y++;
	shown_count(scene_number(row, "contacts"), contacts);
	x = left;
	x += limit ? grid_printf(grid, x, y, end - x, GRID_NORMAL,
	                         _("wrote to %s of at most %lld of our users"), contacts, (long long)limit)
	           : grid_printf(grid, x, y, end - x, GRID_NORMAL, _("wrote to %s of our users"), contacts);
	x += grid_put_text(grid, x, y, end - x,
	                   last_limit.len ? _("; limited now: ") : _("; not limited now"), GRID_NORMAL);
	grid_put(grid, x, y, end - x, said_word(last_limit), GRID_WARN);
}

void discovered_draw(struct scene *scene, struct grid *grid, struct area area)
{
	const struct json *discovery = json_get(json_get(scene->status, "switches"),
	                                        "enable-partner-discovery");
	struct area list = area, detail;

	if (listing_has_detail(&list, DETAIL_LINES, &detail))
		draw_detail(scene, grid, detail);
	listing_draw(scene, &scene->listings[SCREEN_DISCOVERED], grid, list,
	             json_as_bool(discovery, true)
	                     ? _("No partner has been discovered.")
	                     : _("Discovery is off: whoever is on no list is refused."));
}

void discovered_command(const struct scene *scene, struct buffer *out)
{
	buffer_add(out, SLICE("discovered list"));
	if (scene->listings[SCREEN_DISCOVERED].filter.length)
		command_add(out, editor_text(&scene->listings[SCREEN_DISCOVERED].filter));
}
