/*
 * SIP federated domains: allowed and blocked ones in one list, the selected one in words below it.
 */
#include <stdio.h>

#include "tui/client/said.h"
#include "tui/client/shown.h"
#include "tui/client/words.h"
#include "tui/screens/command.h"
#include "tui/screens/scene.h"

enum { DETAIL_LINES = 7 };

static enum grid_role state_role(struct slice state)
{
	return slice_equal(state, SLICE("up"))     ? GRID_GOOD
	       : slice_equal(state, SLICE("down")) ? GRID_BAD
	                                           : GRID_NORMAL;
}

/* What the member alone does not say: of a blocked domain, of one without a proxy, of one that nobody talks with. */
static bool draw_cell(const struct json *row, const char *member, char *scratch, struct table_cell *out)
{
	struct slice name = slice_of(member);
	int64_t connections = scene_number(row, "connections");
	bool is_blocked = domain_is_blocked(row);

	if (slice_equal(name, SLICE("rule")) && is_blocked) {
		*out = (struct table_cell){ said_word(scene_text(row, "rule")), GRID_WARN };
	} else if (slice_equal(name, SLICE("state")) && is_blocked && connections > 0) {
		/* It is on its way out: that is worth seeing. */
		snprintf(scratch, TABLE_CELL_BYTES, _("%lld open"), (long long)connections);
		*out = (struct table_cell){ slice_of(scratch), GRID_WARN };
	} else if (slice_equal(name, SLICE("proxy-fqdn")) && !is_blocked &&
	           !scene_text(row, "proxy-fqdn").len) {
		*out = (struct table_cell){ slice_of(_("(dns srv)")), GRID_DIM };
	} else if (slice_equal(name, SLICE("comment"))) {
		*out = (struct table_cell){ scene_text(row, "comment"), GRID_DIM };
	} else if (slice_equal(name, SLICE("rate")) && !connections &&
	           !(json_as_real(json_get(row, "rate"), 0) > 0)) {
		*out = (struct table_cell){ SLICE("-"), GRID_NORMAL };
	} else {
		return false;
	}
	return true;
}

static const struct listing_kind kind = {
	.verb = CONTROL_VERB_DOMAIN_LIST,
	.method = "domain.list",
	.is_paged = true,
	.key = { "domain" },
	.state_role = state_role,
	.cell = draw_cell,
};

const struct listing_kind *domains_kind(void) { return &kind; }

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
	const struct listing *listing = &scene->listings[SCREEN_DOMAINS];
	const struct json *row = listing_told(listing);
	struct slice proxy = scene_text(row, "proxy-fqdn"), identity = scene_text(row, "identity"),
	             error = scene_text(row, "last_error"), advice = scene_text(row, "advice"),
	             note = scene_text(row, "comment");
	int64_t error_at = scene_number(row, "last_error_at"), connections = scene_number(row, "connections");
	int x = area.x + 1, y = area.y, room = area.width - 2, used;
	char rate[SHOWN_BYTES], at[SHOWN_BYTES];

	grid_line(grid, area.x + 1, y++, area.width - 2, GRID_DIM);
	if (!row)
		return;
	used = grid_put(grid, x, y, room, scene_text(row, "domain"), GRID_FOCUS);
	if (domain_is_blocked(row)) {
		grid_put_text(grid, x + used, y++, room - used, _(": blocked, in both directions"),
		              GRID_NORMAL);
	} else {
		used += grid_put_text(grid, x + used, y, room - used,
		                      proxy.len ? _(": allowed, edge pinned to ")
		                                : _(": allowed, edge found by DNS SRV"),
		                      GRID_NORMAL);
		if (proxy.len) {
			used += grid_put(grid, x + used, y, room - used, proxy, GRID_NORMAL);
			grid_printf(grid, x + used, y, room - used, GRID_NORMAL, ":%lld",
			            (long long)scene_number(row, "proxy-port"));
		}
		y++;
	}
	if (listing->live_trouble.len) {
		used = grid_put_text(grid, x, y, room, _("live: unknown, "), GRID_WARN);
		used += grid_put(grid, x + used, y, room - used, listing->live_trouble, GRID_WARN);
	} else {
		used = grid_printf(
		        grid, x, y, room, GRID_NORMAL,
		        ngettext("live: %lld connection, %s messages/s",
		                 "live: %lld connections, %s messages/s", (unsigned long)connections),
		        (long long)connections, shown_rate(json_as_real(json_get(row, "rate"), 0), rate));
	}
	if (identity.len) {
		used += grid_put_text(grid, x + used, y, room - used, _("; identity "), GRID_NORMAL);
		grid_put(grid, x + used, y, room - used, said_word(identity), GRID_NORMAL);
	}
	y++;
	used = grid_put_text(grid, x, y, room, _("last error: "), GRID_NORMAL);
	if (error.len && error_at)
		used += grid_printf(grid, x + used, y, room - used, GRID_DIM, "%s ",
		                    shown_time(error_at, at));
	y += draw_folded(grid, x + used, y, room - used, error, GRID_WARN);
	if (error.len && advice.len) {
		used = grid_put_text(grid, x, y, room, _("do: "), GRID_NORMAL);
		y += draw_folded(grid, x + used, y, room - used, advice, GRID_NORMAL);
	}
	if (y >= area.y + area.height) /* a long error: the note stands in the list */
		return;
	used = grid_put_text(grid, x, y, room, _("note: "), GRID_NORMAL);
	grid_put(grid, x + used, y, room - used, note.len ? note : SLICE("-"), GRID_NORMAL);
}

void domains_draw(struct scene *scene, struct grid *grid, struct area area)
{
	const struct json *discovery = json_get(json_get(scene->status, "switches"),
	                                        "enable-partner-discovery");
	struct area list = area, detail;

	if (listing_has_detail(&list, DETAIL_LINES, &detail))
		draw_detail(scene, grid, detail);
	listing_draw(scene, &scene->listings[SCREEN_DOMAINS], grid, list,
	             json_as_bool(discovery, false)
	                     ? _("No domains. Discovery is on: whom DNS proves may connect. n allows one.")
	                     : _("No domains. Discovery is off: nobody can connect. n allows one."));
}

void domains_command(const struct scene *scene, struct buffer *out)
{
	const struct listing *listing = &scene->listings[SCREEN_DOMAINS];
	struct slice domain = scene_text(listing_told(listing), "domain");

	buffer_add(out, domain.len ? SLICE("domain show") : SLICE("domain list"));
	if (domain.len)
		command_add(out, domain);
	else if (listing->filter.length)
		command_add(out, editor_text(&listing->filter));
}
