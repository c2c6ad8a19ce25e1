/*
 * Lists about the configuration itself: its versions, the audit, and what is staged.
 */
#include <stdio.h>

#include "tui/client/shown.h"
#include "tui/client/words.h"
#include "tui/screens/command.h"
#include "tui/screens/scene.h"

enum { DETAIL_LINES = 4, PLAN_LINES = 9, DETAIL_FROM_HEIGHT = 18 };

static const struct listing_kind version_kind = {
	.verb = CONTROL_VERB_VERSION_LIST,
	.method = "version.list",
	.rows_member = "versions",
	.key = { "version" },
	.is_paged = true,
};
const struct listing_kind *versions_kind(void) { return &version_kind; }

static enum grid_role outcome_role(struct slice outcome)
{
	static const char *const bad[] = { "denied", "refused", "failed", "conflict", "invalid" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (slice_starts(outcome, slice_of(bad[i])))
			return GRID_WARN;
	return GRID_NORMAL;
}

static const struct listing_kind audit_list = {
	.verb = CONTROL_VERB_AUDIT_LIST,
	.method = "audit.list",
	.key = { "number" },
	.state_role = outcome_role,
	.is_paged = true,
	.pages_max = 2,
};
const struct listing_kind *audit_kind(void) { return &audit_list; }

static enum grid_role what_role(struct slice what)
{
	return slice_equal(what, SLICE("removed")) ? GRID_WARN : GRID_NORMAL;
}
static const struct listing_kind staged_list = {
	.verb = CONTROL_VERB_STAGE_LIST,
	.method = "stage.list",
	.rows_member = "changes",
	.key = { "kind", "key", "field", "what" },
	.state_role = what_role,
};
const struct listing_kind *staged_kind(void) { return &staged_list; }

/* ---- versions ---- */

void versions_draw(struct scene *scene, struct grid *grid, struct area area)
{
	listing_draw(scene, &scene->listings[SCREEN_VERSIONS], grid, area,
	             _("No version has been published."));
}

void versions_command(const struct scene *scene, struct buffer *out)
{
	const struct json *row = listing_told(&scene->listings[SCREEN_VERSIONS]);

	if (row)
		buffer_printf(out, "version show %lld", (long long)scene_number(row, "version"));
	else
		buffer_add(out, SLICE("version list"));
}

/* ---- audit ---- */

void audit_draw(struct scene *scene, struct grid *grid, struct area area)
{
	const struct json *row = listing_told(&scene->listings[SCREEN_AUDIT]);
	struct area list = area;
	int x = area.x + 1, y = area.y + area.height - DETAIL_LINES, end = area.x + area.width - 1;
	struct slice words = scene_text(row, "command");

	if (area.height >= DETAIL_FROM_HEIGHT) {
		list.height -= DETAIL_LINES;
		grid_line(grid, x, y++, area.width - 2, GRID_DIM);
		for (int i = 0; i < 2 && words.len; i++) {
			size_t cut = i == 1 ? words.len : grid_fold(grid, words, end - x);

			grid_put(grid, x, y + i, end - x, slice_first(words, cut), GRID_NORMAL);
			words = slice_trim(slice_after(words, cut));
		}
		x += grid_put(grid, x, y + 2, end - x, scene_text(row, "who"), GRID_FOCUS);
		x += grid_put_text(grid, x, y + 2, end - x, "  ", GRID_NORMAL);
		x += grid_put(grid, x, y + 2, end - x, scene_text(row, "roles"), GRID_NORMAL);
		x += grid_put_text(grid, x, y + 2, end - x, "  ", GRID_NORMAL);
		grid_put(grid, x, y + 2, end - x, scene_text(row, "why"), GRID_WARN);
	}
	listing_draw(scene, &scene->listings[SCREEN_AUDIT], grid, list, _("The audit is empty."));
}

void audit_command(const struct scene *scene, struct buffer *out)
{
	buffer_add(out, SLICE("audit list"));
	if (scene->listings[SCREEN_AUDIT].filter.length)
		command_add(out, editor_text(&scene->listings[SCREEN_AUDIT].filter));
}

/* ---- staged ---- */

static int put_lines(struct grid *grid, int x, int y, int bottom, int room, const struct json *list,
                     const char *mark, enum grid_role role)
{
	for (size_t i = 0; i < json_count(list) && y < bottom; i++) {
		const struct json *item = json_at(list, i);
		struct slice text = json_kind(item) == JSON_KIND_TEXT ? json_as_slice(item)
		                                                      : scene_text(item, "why");
		int used = grid_put_text(grid, x, y, room, mark, role);

		if (json_kind(item) != JSON_KIND_TEXT) {
			used += grid_put(grid, x + used, y, room - used, scene_text(item, "kind"), role);
			used += grid_put_text(grid, x + used, y, room - used, " ", role);
			used += grid_put(grid, x + used, y, room - used, scene_text(item, "key"), role);
			used += grid_put_text(grid, x + used, y, room - used, ": ", role);
		}
		grid_put(grid, x + used, y++, room - used, text, role);
	}
	return y;
}

/* What publishing would do, what is wrong, who else has staged something. */
static void draw_plan(const struct scene *scene, struct grid *grid, struct area area)
{
	const struct json *plan = scene->plan, *others = json_get(scene->staged, "others");
	int x = area.x + 1, y = area.y, room = area.width - 2, bottom = area.y + area.height;
	char who[48] = "";

	grid_line(grid, x, y++, room, GRID_DIM);
	if (!scene_is_staged(scene))
		return;
	grid_printf(grid, x, y++, room, GRID_DIM,
	            _("EFFECT IF PUBLISHED (dry run, nothing is changed yet)   base v%lld, current v%lld"),
	            (long long)scene_number(scene->staged, "base"),
	            (long long)scene_number(scene->staged, "version"));
	y = put_lines(grid, x + 2, y, bottom, room - 2, json_get(scene->staged, "problems"), "! ", GRID_BAD);
	y = put_lines(grid, x + 2, y, bottom, room - 2, json_get(plan, "conflicts"), _("conflict: "),
	              GRID_WARN);
	if (!plan && y < bottom)
		grid_put_text(grid, x + 2, y++, room - 2,
		              scene->plan_trouble[0] ? scene->plan_trouble : _("asking the daemon..."),
		              scene->plan_trouble[0] ? GRID_WARN : GRID_DIM);
	y = put_lines(grid, x + 2, y, bottom, room - 2, json_get(plan, "sentences"), "", GRID_NORMAL);
	if (json_count(others) && y < bottom) {
		slice_to_text(scene_text(json_at(others, 0), "who"), who, sizeof who);
		grid_printf(grid, x + 2, y, room - 2, GRID_DIM, _("staged by others, too: %s%s"), who,
		            json_count(others) > 1 ? _(" and more") : "");
	}
}

void staged_draw(struct scene *scene, struct grid *grid, struct area area)
{
	struct area list = area, below = area;

	below.height = area.height >= DETAIL_FROM_HEIGHT ? PLAN_LINES : area.height / 2;
	list.height -= below.height;
	below.y += list.height;
	draw_plan(scene, grid, below);
	listing_draw(scene, &scene->listings[SCREEN_STAGED], grid, list,
	             _("Nothing is staged. In a form's question, s stages instead of publishing."));
}

void staged_command(const struct scene *scene, struct buffer *out)
{
	(void)scene;
	buffer_add(out, SLICE("plan"));
}
