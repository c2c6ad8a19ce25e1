/*
 * The services of this edge: what they do now, and how far a drain has come.
 */
#include <stdio.h>

#include "tui/client/said.h"
#include "tui/client/shown.h"
#include "tui/client/words.h"
#include "tui/screens/command.h"
#include "tui/screens/scene.h"

enum { DETAIL_LINES = 6, DETAIL_FROM_HEIGHT = 16, BAR_CELLS = 20 };

static enum grid_role state_role(struct slice state)
{
	return slice_equal(state, SLICE("running"))   ? GRID_GOOD
	       : slice_equal(state, SLICE("stopped")) ? GRID_BAD
	                                              : GRID_WARN;
}

static const struct listing_kind kind = {
	.verb = CONTROL_VERB_SERVICE_LIST,
	.method = "service.list",
	.key = { "name" },
	.state_role = state_role,
};
const struct listing_kind *services_kind(void) { return &kind; }

/* What is left of a drain, as a bar and in words. */
static int draw_drain(struct scene *scene, const struct json *row, struct grid *grid, int x, int y, int room)
{
	int64_t ends = scene_number(row, "drain_ends"), left = scene_number(row, "transactions");
	int64_t open = scene_number(row, "connections");
	int done, used;
	char age[SHOWN_BYTES], connections[SHOWN_BYTES];

	if (!ends) {
		scene->drain_peak = 0;
		return y;
	}
	if (left > scene->drain_peak)
		scene->drain_peak = left;
	done = scene->drain_peak ? (int)((scene->drain_peak - left) * BAR_CELLS / scene->drain_peak)
	                         : BAR_CELLS;
	used = grid_put_text(grid, x, y, room, "[", GRID_DIM);
	for (int i = 0; i < BAR_CELLS && used < room; i++)
		grid_set(grid, x + used++, y, i < done ? '#' : '.', GRID_NORMAL);
	used += grid_put_text(grid, x + used, y, room - used, "] ", GRID_DIM);
	shown_age(ends > scene->now.wall_ms ? ends - scene->now.wall_ms : 0, age);
	snprintf(connections, sizeof connections,
	         ngettext("%lld connection", "%lld connections", (unsigned long)open), (long long)open);
	grid_printf(grid, x + used, y, room - used, GRID_WARN,
	            scene_flag(row, "starts_again") ? _("%lld under way, %s; %s at most, then it starts")
	                                            : _("%lld under way, %s; %s at most, then it stops"),
	            (long long)left, connections, age);
	return y + 1;
}

static void draw_detail(struct scene *scene, struct grid *grid, struct area area)
{
	const struct json *row = listing_told(&scene->listings[SCREEN_SERVICES]),
	                  *listeners = json_get(row, "listeners");
	int x = area.x + 1, y = area.y, room = area.width - 2, bottom = area.y + area.height, used;
	struct slice why = scene_text(row, "detail").len ? scene_text(row, "detail") : scene_text(row, "why");

	grid_line(grid, x, y++, room, GRID_DIM);
	if (!row)
		return;
	used = grid_put(grid, x, y, room, scene_text(row, "name"), GRID_FOCUS);
	used += grid_put_text(grid, x + used, y, room - used, ": ", GRID_NORMAL);
	used += grid_put(grid, x + used, y, room - used, said_word(scene_text(row, "state")),
	                 state_role(scene_text(row, "state")));
	if (why.len) {
		used += grid_put_text(grid, x + used, y, room - used, ", ", GRID_NORMAL);
		grid_put(grid, x + used, y, room - used, why, GRID_NORMAL);
	}
	y = draw_drain(scene, row, grid, x, y + 1, room);
	for (size_t i = 0; i < json_count(listeners) && y < bottom; i++) {
		const struct json *l = json_at(listeners, i);
		struct slice trouble = scene_text(l, "why");

		used = grid_put_text(grid, x, y, room, _("listens for "), GRID_NORMAL);
		used += grid_put(grid, x + used, y, room - used, said_word(scene_text(l, "side")),
		                 GRID_NORMAL);
		used += grid_put_text(grid, x + used, y, room - used, _(" on "), GRID_NORMAL);
		used += grid_put(grid, x + used, y, room - used, scene_text(l, "address"), GRID_NORMAL);
		used += grid_put_text(grid, x + used, y, room - used, ": ", GRID_NORMAL);
		used += grid_put(grid, x + used, y, room - used, said_word(scene_text(l, "state")),
		                 trouble.len ? GRID_BAD : GRID_GOOD);
		used += grid_put_text(grid, x + used, y, room - used, trouble.len ? ", " : "", GRID_NORMAL);
		grid_put(grid, x + used, y++, room - used, trouble, GRID_BAD);
	}
}

void services_draw(struct scene *scene, struct grid *grid, struct area area)
{
	struct area list = area, detail;

	if (listing_has_detail(&list, DETAIL_LINES, &detail))
		draw_detail(scene, grid, detail);
	listing_draw(scene, &scene->listings[SCREEN_SERVICES], grid, list, _("There is no service."));
}

void services_command(const struct scene *scene, struct buffer *out)
{
	struct slice name = scene_text(listing_told(&scene->listings[SCREEN_SERVICES]), "name");

	buffer_add(out, name.len ? SLICE("service show") : SLICE("service list"));
	if (name.len)
		command_add(out, name);
}
