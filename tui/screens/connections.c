/*
 * Connections: every connection and, for a while, every one that was refused or failed.
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
	if (slice_equal(state, SLICE("up")))
		return GRID_GOOD;
	return slice_equal(state, SLICE("refused")) || slice_equal(state, SLICE("failed")) ? GRID_BAD
	                                                                                   : GRID_WARN;
}

static const struct listing_kind kind = {
	.verb = CONTROL_VERB_CONNECTION_LIST,
	.method = "connection.list",
	.is_paged = true,
	.key = { "id", "partner", "direction", "address", "since" },
	.state_role = state_role,
};

const struct listing_kind *connections_kind(void) { return &kind; }

/* A connection is named after the edge at its other end; what may be blocked is the domain it speaks for. */
struct slice connection_domain(const struct scene *scene, const struct json *row)
{
	const struct listing *domains = &scene->listings[SCREEN_DOMAINS];
	struct slice proved = json_as_slice(json_at(json_get(row, "domains"), 0)),
	             partner = scene_text(row, "partner");

	if (proved.len)
		return proved;
	for (size_t i = 0; i < domains->count && partner.len; i++)
		if (slice_equal_nocase(scene_text(domains->rows[i], "proxy-fqdn"), partner))
			return scene_text(domains->rows[i], "domain");
	return partner;
}

/* ---- the selected one, in words ---- */

static int put_part(struct grid *grid, int x, int y, int end, const char *label, struct slice text)
{
	if (!text.len)
		return x;
	x += grid_put_text(grid, x, y, end - x, label, GRID_NORMAL);
	return x + grid_put(grid, x, y, end - x, text, GRID_NORMAL);
}

static void draw_origin(const struct scene *scene, const struct json *row, struct grid *grid, int x, int y,
                        int end)
{
	struct slice state = scene_text(row, "state");
	int64_t since = scene_number(row, "since");
	char age[SHOWN_BYTES];

	x += grid_put(grid, x, y, end - x, scene_text(row, "partner"), GRID_FOCUS);
	x = put_part(grid, x, y, end, "  ", said_word(scene_text(row, "side")));
	x = put_part(grid, x, y, end, " ", said_word(scene_text(row, "direction")));
	x += grid_put_text(grid, x, y, end - x, "  ", GRID_NORMAL);
	x += grid_put(grid, x, y, end - x, said_word(state), state_role(state));
	shown_age(since > 0 ? scene->now.wall_ms - since : -1, age);
	x += grid_printf(grid, x, y, end - x, GRID_NORMAL,
	                 state_role(state) == GRID_BAD ? _(" %s ago") : _(" for %s"), age);
	put_part(grid, x, y, end, "  ", scene_text(row, "address"));
}

/* Of the partner, in that direction, and whose decision it was. False: there is none. */
static bool draw_error(const struct scene *scene, const struct json *error, const char *direction,
                       struct grid *grid, int x, int y, int end)
{
	static const struct {
		const char *by, *words;
	} whose[] = {
		{ "us", N_("by us") },
		{ "partner", N_("by them") },
		{ "pool", N_("by our pool") },
		{ "network", N_("on the way") },
	};
	const char *by = "";
	char age[SHOWN_BYTES];

	if (json_kind(error) != JSON_KIND_OBJECT)
		return false;
	for (size_t i = 0; i < sizeof whose / sizeof *whose; i++)
		if (slice_equal(scene_text(error, "by"), slice_of(whose[i].by)))
			by = _(whose[i].words);
	shown_age(scene->now.wall_ms - scene_number(error, "time"), age);
	x += grid_printf(grid, x, y, end - x, GRID_NORMAL, _("last error %s (%s, %s ago): "), direction, by,
	                 age);
	grid_put(grid, x, y, end - x, scene_text(error, "text"), GRID_WARN);
	return true;
}

/* Folded over the lines up to `bottom`, the last of them cut: the whole sentence is in `connection list` as JSON. */
static void draw_advice(struct slice advice, struct grid *grid, int x, int y, int end, int bottom)
{
	if (!advice.len)
		return;
	x += grid_put_text(grid, x, y, end - x, _("do: "), GRID_NORMAL);
	for (; advice.len && y < bottom && x < end; y++) {
		size_t cut = y + 1 < bottom ? grid_fold(grid, advice, end - x) : advice.len;

		grid_put(grid, x, y, end - x, slice_first(advice, cut), GRID_NORMAL);
		advice = slice_trim(slice_after(advice, cut));
	}
}

static void draw_errors(const struct scene *scene, const struct json *row, struct grid *grid, int x, int y,
                        int end, int bottom)
{
	struct slice error = scene_text(row, "last_error");
	bool has_any = false;
	int used;

	if (error.len) {
		used = x + grid_put_text(grid, x, y, end - x, _("last error: "), GRID_NORMAL);
		grid_put(grid, used, y++, end - used, error, GRID_WARN);
		draw_advice(scene_text(row, "advice"), grid, x, y, end, bottom);
		return;
	}
	if (draw_error(scene, json_get(row, "last_error_in"), _("in"), grid, x, y, end)) {
		has_any = true;
		y++;
	}
	has_any |= draw_error(scene, json_get(row, "last_error_out"), _("out"), grid, x, y, end);
	if (!has_any)
		grid_put_text(grid, x, y, end - x, _("last error: none, in or out"), GRID_NORMAL);
}

/* A stream of XMPP carries pairs of domains, ours and theirs, each proved in its own way. */
static int draw_pairs(const struct json *pairs, struct grid *grid, int x, int y, int end)
{
	for (size_t i = 0; i < json_count(pairs) && x < end; i++) {
		const struct json *pair = json_at(pairs, i);

		x = put_part(grid, x, y, end, i ? ", " : "", scene_text(pair, "local"));
		x = put_part(grid, x, y, end, " <> ", scene_text(pair, "remote"));
		x = put_part(grid, x, y, end, " ", scene_text(pair, "proof"));
	}
	return x;
}

/* What is under way on it, and how the two servers have agreed to count; else until when it is left alone. */
static void draw_stream(const struct scene *scene, const struct json *row, struct grid *grid, int x, int y,
                        int end)
{
	int64_t next = scene_number(row, "next_retry") - scene->now.wall_ms;
	char wait[SHOWN_BYTES];

	if (scene_number(row, "next_retry") > 0) {
		grid_printf(grid, x, y, end - x, GRID_NORMAL, _("   next attempt in %s"),
		            shown_age(next > 0 ? next : 0, wait));
		return;
	}
	if (json_get(row, "pairs") || scene_number(row, "under_way"))
		x += grid_printf(grid, x, y, end - x, GRID_NORMAL, _("   under way %lld"),
		                 (long long)scene_number(row, "under_way"));
	if (scene_flag(row, "acknowledges"))
		x += grid_put_text(grid, x, y, end - x, _("   acknowledges"), GRID_NORMAL);
	if (scene_flag(row, "both_ways"))
		grid_put_text(grid, x, y, end - x, _("   both ways"), GRID_NORMAL);
}

static void draw_detail(const struct scene *scene, struct grid *grid, struct area area)
{
	const struct json *row = listing_told(&scene->listings[SCREEN_CONNECTIONS]);
	const struct json *domains = json_get(row, "domains");
	int x = area.x + 1, y = area.y, end = area.x + area.width - 1, used;
	char in[SHOWN_BYTES], out[SHOWN_BYTES], bytes_in[SHOWN_BYTES], bytes_out[SHOWN_BYTES];
	struct slice certificate = scene_text(row, "certificate");

	grid_line(grid, x, y++, area.width - 2, GRID_DIM);
	if (!row)
		return;
	draw_origin(scene, row, grid, x, y++, end);
	used = put_part(grid, x, y, end, _("certificate "),
	                certificate.len ? certificate : slice_of(_("none")));
	used = put_part(grid, used, y, end, "  ", scene_text(row, "tls"));
	draw_stream(scene, row, grid, used, y++, end);
	grid_printf(grid, x, y++, end - x, GRID_NORMAL,
	            _("messages in %s out %s   bytes in %s out %s   waiting to be sent %lld"),
	            shown_count(scene_number(row, "messages_in"), in),
	            shown_count(scene_number(row, "messages_out"), out),
	            shown_count(scene_number(row, "bytes_in"), bytes_in),
	            shown_count(scene_number(row, "bytes_out"), bytes_out),
	            (long long)scene_number(row, "queued"));
	used = put_part(grid, x, y, end, _("admitted as "), said_word(scene_text(row, "rule")));
	if (json_count(json_get(row, "pairs"))) {
		used = draw_pairs(json_get(row, "pairs"), grid, used + (used > x ? 3 : 0), y++, end);
		domains = NULL;
	} else if (used > x) { /* who was never admitted leaves the line to what is to be done */
		y++;
	} else {
		domains = NULL;
	}
	for (size_t i = 0; i < json_count(domains) && used < end; i++)
		used = put_part(grid, used, y - 1, end, i ? ", " : _("   speaks for "),
		                json_as_slice(json_at(domains, i)));
	draw_errors(scene, row, grid, x, y, end, area.y + area.height);
}

void connections_draw(struct scene *scene, struct grid *grid, struct area area)
{
	struct area list = area, detail;

	if (listing_has_detail(&list, DETAIL_LINES, &detail))
		draw_detail(scene, grid, detail);
	listing_draw(scene, &scene->listings[SCREEN_CONNECTIONS], grid, list,
	             _("No connections, and none was refused or failed in the last ten minutes."));
}

void connections_command(const struct scene *scene, struct buffer *out)
{
	const struct listing *listing = &scene->listings[SCREEN_CONNECTIONS];
	struct slice partner = scene_text(listing_told(listing), "partner");

	buffer_add(out, SLICE("connection list"));
	if (partner.len)
		command_add(out, partner);
	else if (listing->filter.length)
		command_add(out, editor_text(&listing->filter));
}
