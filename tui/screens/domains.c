/*
 * SIP federated domains: allowed and blocked ones in one list, the selected one in words below it.
 */
#include <stdio.h>

#include "tui/client/said.h"
#include "tui/client/shown.h"
#include "tui/client/words.h"
#include "tui/screens/command.h"
#include "tui/screens/scene.h"

enum { DETAIL_LINES = 7, DETAIL_FROM_HEIGHT = 18 };

static const struct table_column columns[DOMAIN_COLUMNS] = {
	[DOMAIN_NAME] = { N_("DOMAIN"), 24, 3, 0, false },
	[DOMAIN_RULE] = { N_("RULE"), 5, 0, 0, false },
	[DOMAIN_PROXY] = { N_("PROXY FQDN"), 21, 2, 3, false },
	[DOMAIN_IDENTITY] = { N_("IDENTITY"), 9, 0, 5, false },
	[DOMAIN_LIVE] = { N_("LIVE"), 6, 0, 1, false },
	[DOMAIN_RATE] = { N_("MSG/S"), 5, 0, 1, true },
	[DOMAIN_NOTE] = { N_("NOTE"), 8, 3, 2, false },
	[DOMAIN_ERROR] = { N_("LAST ERROR"), 14, 3, 4, false },
};

static bool is_blocked(const struct domain_row *row) { return slice_equal(row->rule, SLICE("block")); }

static struct table_cell live_cell(const struct domain_row *row, char *scratch)
{
	/* A blocked domain with connections is on its way out: that is worth seeing. */
	if (is_blocked(row) && row->connections > 0) {
		snprintf(scratch, TABLE_CELL_BYTES, _("%lld open"), (long long)row->connections);
		return (struct table_cell){ slice_of(scratch), GRID_WARN };
	}
	if (slice_equal(row->state, SLICE("up")))
		return (struct table_cell){ said_word(row->state), GRID_GOOD };
	if (slice_equal(row->state, SLICE("down")))
		return (struct table_cell){ said_word(row->state), GRID_BAD };
	return (struct table_cell){ row->state.len ? said_word(row->state) : SLICE("-"), GRID_NORMAL };
}

static struct table_cell draw_cell(const void *owner, size_t index, size_t column, char *scratch)
{
	const struct scene *scene = owner;
	const struct domain_row *row = domain_rows_shown(&scene->domains, index);
	struct table_cell dash = { SLICE("-"), GRID_NORMAL };

	if (!row)
		return dash;
	switch ((enum domain_column)column) {
	case DOMAIN_NAME: return (struct table_cell){ row->domain, GRID_NORMAL };
	case DOMAIN_RULE:
		return (struct table_cell){ said_word(row->rule), is_blocked(row) ? GRID_WARN : GRID_NORMAL };
	case DOMAIN_PROXY:
		if (is_blocked(row))
			return dash;
		return row->proxy.len ? (struct table_cell){ row->proxy, GRID_NORMAL }
		                      : (struct table_cell){ slice_of(_("(dns srv)")), GRID_DIM };
	case DOMAIN_IDENTITY:
		return is_blocked(row) || !row->identity.len
		               ? dash
		               : (struct table_cell){ said_word(row->identity), GRID_NORMAL };
	case DOMAIN_LIVE: return live_cell(row, scratch);
	case DOMAIN_RATE:
		if (!row->connections && !(row->rate > 0))
			return dash;
		return (struct table_cell){ slice_of(shown_rate(row->rate, scratch)), GRID_NORMAL };
	case DOMAIN_NOTE: return (struct table_cell){ row->note, GRID_DIM };
	case DOMAIN_ERROR: return row->error.len ? (struct table_cell){ row->error, GRID_WARN } : dash;
	case DOMAIN_COLUMNS: break;
	}
	return dash;
}

static char draw_mark(const void *owner, size_t index)
{
	const struct domain_row *row = domain_rows_shown(&((const struct scene *)owner)->domains, index);

	return row && row->is_marked ? '*' : ' ';
}

static const char *translate(const char *text) { return _(text); }

void domains_start(struct scene *scene)
{
	scene->table = (struct table){ .columns = columns,
		                       .column_count = DOMAIN_COLUMNS,
		                       .owner = scene,
		                       .cell = draw_cell,
		                       .mark = draw_mark,
		                       .translate = translate };
}

void domains_title(const struct scene *scene, struct buffer *out)
{
	size_t marked = domain_rows_marked(&scene->domains);

	buffer_add(out, slice_of(_("SIP domains")));
	if (!scene->domains_heard_ms)
		return;
	buffer_printf(out, _("   %zu of %lld"), scene->domains.shown, (long long)scene->domains.total);
	if (scene->domains.is_cut)
		buffer_printf(out, _(" (first %zu fetched)"), scene->domains.count);
	if (marked)
		buffer_printf(out, _("   %zu marked"), marked);
	if (scene->filter.length)
		buffer_printf(out, _("   filter: %.*s"), SLICE_ARG(editor_text(&scene->filter)));
	buffer_printf(out, _("   sort: %s %s"), _(columns[scene->table.sort].heading),
	              scene->table.is_reversed ? "v" : "^");
}

/* ---- the selected one, in words ---- */

/* At most two lines: it is the sentence that somebody came here for.  How many it took. */
static int draw_folded(struct grid *grid, int x, int y, int room, struct slice words, enum grid_role role)
{
	size_t fits = grid_fold(grid, words, room);

	if (!words.len) {
		grid_put_text(grid, x, y, room, _("none"), GRID_NORMAL);
		return 1;
	}
	grid_put(grid, x, y, room, slice_first(words, fits), role);
	if (fits == words.len)
		return 1;
	grid_put(grid, x, y + 1, room, slice_trim(slice_after(words, fits)), role);
	return 2;
}

static void draw_detail(const struct scene *scene, struct grid *grid, struct area area)
{
	const struct domain_row *row = domain_rows_shown(&scene->domains, scene->table.told);
	int x = area.x + 1, y = area.y, room = area.width - 2, used;
	char rate[SHOWN_BYTES], at[SHOWN_BYTES];

	grid_line(grid, area.x + 1, y++, area.width - 2, GRID_DIM);
	if (!row)
		return;
	used = grid_put(grid, x, y, room, row->domain, GRID_FOCUS);
	if (is_blocked(row)) {
		grid_put_text(grid, x + used, y++, room - used, _(": blocked, in both directions"),
		              GRID_NORMAL);
	} else {
		used += grid_put_text(grid, x + used, y, room - used,
		                      row->proxy.len ? _(": allowed, edge pinned to ")
		                                     : _(": allowed, edge found by DNS SRV"),
		                      GRID_NORMAL);
		if (row->proxy.len) {
			used += grid_put(grid, x + used, y, room - used, row->proxy, GRID_NORMAL);
			grid_printf(grid, x + used, y, room - used, GRID_NORMAL, ":%lld",
			            (long long)row->port);
		}
		y++;
	}
	if (scene->domains.live_trouble.len) {
		used = grid_put_text(grid, x, y, room, _("live: unknown, "), GRID_WARN);
		used += grid_put(grid, x + used, y, room - used, scene->domains.live_trouble, GRID_WARN);
	} else {
		used = grid_printf(grid, x, y, room, GRID_NORMAL,
		                   row->connections == 1 ? _("live: %lld connection, %s messages/s")
		                                         : _("live: %lld connections, %s messages/s"),
		                   (long long)row->connections, shown_rate(row->rate, rate));
	}
	if (row->identity.len) {
		used += grid_put_text(grid, x + used, y, room - used, _("; identity "), GRID_NORMAL);
		grid_put(grid, x + used, y, room - used, said_word(row->identity), GRID_NORMAL);
	}
	y++;
	used = grid_put_text(grid, x, y, room, _("last error: "), GRID_NORMAL);
	if (row->error.len && row->error_at)
		used += grid_printf(grid, x + used, y, room - used, GRID_DIM, "%s ",
		                    shown_time(row->error_at, at));
	y += draw_folded(grid, x + used, y, room - used, row->error, GRID_WARN);
	if (row->error.len && row->advice.len) {
		used = grid_put_text(grid, x, y, room, _("do: "), GRID_NORMAL);
		y += draw_folded(grid, x + used, y, room - used, row->advice, GRID_NORMAL);
	}
	if (y >= area.y + area.height) /* a long error: the note stands in the list */
		return;
	used = grid_put_text(grid, x, y, room, _("note: "), GRID_NORMAL);
	grid_put(grid, x + used, y, room - used, row->note.len ? row->note : SLICE("-"), GRID_NORMAL);
}

/* ---- nothing to list ---- */

static void draw_empty(const struct scene *scene, struct grid *grid, struct area area)
{
	const struct json *discovery = json_get(json_get(scene->status, "switches"),
	                                        "enable-partner-discovery");
	const char *words;

	if (!scene->domains_heard_ms)
		words = scene->domains_trouble[0]  ? scene->domains_trouble
		        : scene->link == CLIENT_UP ? _("asking the daemon...")
		        : scene->trouble[0]        ? scene->trouble
		                                   : _("connecting...");
	else if (scene->domains.flaw[0])
		words = scene->domains.flaw;
	else if (scene->filter.length)
		words = _("No domain matches the filter. Esc clears it.");
	else if (json_as_bool(discovery, false))
		words = _("No domains. Discovery is on: whom DNS proves may connect. n allows one.");
	else
		words = _("No domains. Discovery is off: nobody can connect. n allows one.");
	grid_put_text(grid, area.x + TABLE_MARGIN, area.y + 1, area.width - TABLE_MARGIN - 1, words,
	              scene->domains_heard_ms && !scene->domains.flaw[0] ? GRID_NORMAL : GRID_WARN);
	grid_cursor(grid, area.x, area.y + 1);
}

void domains_draw(struct scene *scene, struct grid *grid, struct area area)
{
	bool has_detail = area.height >= DETAIL_FROM_HEIGHT;
	struct area list = area, detail = area;

	if (has_detail) {
		list.height -= DETAIL_LINES;
		detail.y = area.y + list.height;
		detail.height = DETAIL_LINES;
		draw_detail(scene, grid, detail);
	}
	scene->table.owner = scene;
	table_draw(&scene->table, grid, list.x, list.y, list.width, list.height);
	if (scene->domains.shown == 0)
		draw_empty(scene, grid, list);
}

void domains_command(const struct scene *scene, struct buffer *out)
{
	const struct domain_row *row = domain_rows_shown(&scene->domains, scene->table.told);

	buffer_add(out, row ? SLICE("domain show") : SLICE("domain list"));
	if (row)
		command_add(out, row->domain);
	else if (scene->filter.length)
		command_add(out, editor_text(&scene->filter));
}
