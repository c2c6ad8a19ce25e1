/* The topology as a tree: sites, their edge pools with edges and services, their pools with members; what runs of it. */
#include "tui/client/words.h"
#include "tui/screens/command.h"
#include "tui/screens/scene.h"

enum { DETAIL_LINES = 4, DETAIL_FROM_HEIGHT = 18 };

static enum grid_role state_role(struct slice state)
{
	return slice_equal(state, SLICE("running")) || slice_equal(state, SLICE("up"))     ? GRID_GOOD
	       : slice_equal(state, SLICE("stopped")) || slice_equal(state, SLICE("down")) ? GRID_BAD
	                                                                                   : GRID_NORMAL;
}

static const struct listing_kind kind = {
	.verb = CONTROL_VERB_TOPOLOGY_SHOW,
	.method = "topology.show",
	.rows_member = "tree",
	.key = { "depth", "kind", "name" },
	.state_role = state_role,
};
const struct listing_kind *topology_kind(void) { return &kind; }

void topology_draw(struct scene *scene, struct grid *grid, struct area area)
{
	const struct json *row = listing_told(&scene->listings[SCREEN_TOPOLOGY]);
	struct area list = area;
	int x = area.x + 1, room = area.width - 2, y = area.y + area.height - DETAIL_LINES, used;

	if (area.height >= DETAIL_FROM_HEIGHT) {
		list.height -= DETAIL_LINES;
		grid_line(grid, x, y++, room, GRID_DIM);
		if (row) {
			used = grid_put(grid, x, y, room, scene_text(row, "kind"), GRID_NORMAL);
			used += grid_put_text(grid, x + used, y, room - used, " ", GRID_NORMAL);
			grid_put(grid, x + used, y++, room - used, scene_text(row, "name"), GRID_FOCUS);
			grid_put(grid, x, y, room, scene_text(row, "note"), GRID_NORMAL);
		}
	}
	listing_draw(scene, &scene->listings[SCREEN_TOPOLOGY], grid, list,
	             _("No topology yet: Enter gives it our SIP domains, n adds sites, pools and edges."));
}

void topology_command(const struct scene *scene, struct buffer *out)
{
	const struct json *row = listing_told(&scene->listings[SCREEN_TOPOLOGY]);
	struct slice word = scene_text(row, "kind");
	bool has_name = word.len && !slice_equal(word, SLICE("topology"));

	buffer_add(out, has_name ? word : SLICE("topology"));
	buffer_add(out, SLICE(" show"));
	if (has_name)
		command_add(out, scene_text(row, "name"));
}
