/* A listing on the screen: its title, its rows, and words where there are none. */
#include <stdio.h>

#include "tui/client/words.h"
#include "tui/screens/scene.h"

enum { DETAIL_FROM_HEIGHT = 18 };

void listing_title(const struct listing *listing, const char *name, struct buffer *out)
{
	buffer_add(out, slice_of(name));
	if (!listing->heard_ms)
		return;
	if (listing->total < 0)
		buffer_printf(out, _("   %zu of those the filter lets through"), listing->shown);
	else if (listing->kind->is_windowed && listing->shown)
		buffer_printf(out, _("   %lld to %lld of %lld"), (long long)listing->window.before + 1,
		              (long long)listing->window.before + (long long)listing->shown,
		              (long long)listing->total);
	else
		buffer_printf(out, _("   %zu of %lld"), listing->shown, (long long)listing->total);
	if (listing->is_cut)
		buffer_printf(out, _(" (first %zu fetched)"), listing->count);
	if (listing->mark_count)
		buffer_printf(out, _("   %zu marked"), listing->mark_count);
	if (listing->filter.length)
		buffer_printf(out, _("   filter: %.*s"), SLICE_ARG(editor_text(&listing->filter)));
	if (listing->table.sort < listing->columns.count)
		buffer_printf(out, _("   sort: %s %s"),
		              _(listing->columns.columns[listing->table.sort].heading),
		              listing->table.is_reversed ? "v" : "^");
}

bool listing_has_detail(struct area *list, int lines, struct area *detail)
{
	if (list->height < DETAIL_FROM_HEIGHT)
		return false;
	*detail = *list;
	list->height -= lines;
	detail->y += list->height;
	detail->height = lines;
	return true;
}

void listing_draw(struct scene *scene, struct listing *listing, struct grid *grid, struct area area,
                  const char *nothing)
{
	/* Rows of the configuration are known without the service that serves them. */
	bool is_unknown = listing->live_trouble.len && !listing_is_of_a_version(listing->kind);

	listing->table.owner = listing;
	listing->now_wall_ms = scene->now.wall_ms;
	table_draw(&listing->table, grid, area.x, area.y, area.width, area.height);
	if (listing->shown)
		return;
	if (!listing->heard_ms)
		nothing = scene->lists_trouble[0]    ? scene->lists_trouble
		          : scene->link == CLIENT_UP ? _("asking the daemon...")
		          : scene->trouble[0]        ? scene->trouble
		                                     : _("connecting...");
	else if (listing->flaw[0])
		nothing = listing->flaw;
	else if (is_unknown)
		nothing = listing->live_trouble.ptr;
	else if (listing->filter.length)
		nothing = _("Nothing matches the filter. Esc clears it.");
	grid_put_text(grid, area.x + TABLE_MARGIN, area.y + 1, area.width - TABLE_MARGIN - 1, nothing,
	              listing->heard_ms && !is_unknown && !listing->flaw[0] ? GRID_NORMAL : GRID_WARN);
	grid_cursor(grid, area.x, area.y + 1);
}
