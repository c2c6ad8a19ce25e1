/*
 * Overview: services, switches, traffic, configuration, what needs attention.
 *
 * Two columns from 80 cells, one below; every state is a word.  A figure the
 * daemon did not give is "?", never a zero.
 */
#include <stdio.h>

#include "tui/client/said.h"
#include "tui/client/shown.h"
#include "tui/client/words.h"
#include "tui/screens/scene.h"
#include "tui/widgets/spark.h"

enum {
	LEFT_CELLS = 37,
	HISTORY_MAX = 60,
	STEPS_SHOWN = 4,
	BUSIEST_SHOWN = 8,
	BUSIEST_LINES = BUSIEST_SHOWN + 2
};

/* ---- services ---- */

static enum grid_role state_role(struct slice state)
{
	if (slice_equal(state, SLICE("running")))
		return GRID_GOOD;
	return slice_equal(state, SLICE("stopped")) || slice_equal(state, SLICE("backoff")) ? GRID_BAD
	                                                                                    : GRID_WARN;
}

static int draw_services(const struct scene *scene, struct grid *grid, struct area area)
{
	const struct json *services = json_get(scene->status, "services");
	int y = area.y, name = area.width - 21;
	char age[SHOWN_BYTES];

	grid_put_text(grid, area.x + 1, y, name, _("SERVICES"), GRID_DIM);
	grid_put_text(grid, area.x + 1 + name, y, 9, _("STATE"), GRID_DIM);
	grid_put_text(grid, area.x + 10 + name, y++, 9, _("SINCE"), GRID_DIM);
	for (size_t i = 0; i < json_count(services) && y < area.y + area.height; i++) {
		const struct json *service = json_at(services, i);
		struct slice state = scene_text(service, "state"), why = scene_text(service, "why");
		int64_t since = scene_number(service, "since");

		grid_put(grid, area.x + 1, y, name - 1, scene_text(service, "name"), GRID_NORMAL);
		grid_put(grid, area.x + 1 + name, y, 8, said_word(state), state_role(state));
		shown_age(since ? scene->now.wall_ms - since : -1, age);
		grid_put_text(grid, area.x + 10 + name, y++, 9, age, GRID_NORMAL);
		if (why.len && y < area.y + area.height)
			grid_put(grid, area.x + 3, y++, area.width - 4, why, state_role(state));
	}
	return y;
}

/* ---- switches ---- */

static const struct {
	const char *label, *short_label, *member;
} switches[] = {
	{ N_("SIP federation"), N_("federation"), "allow-federated-users" },
	{ N_("partner discovery"), N_("discovery"), "enable-partner-discovery" },
	{ N_("remote users"), N_("remote"), "allow-outside-users" },
	{ N_("anonymous users"), N_("anonymous"), "allow-anonymous-users" },
};

static const char *switch_word(const struct scene *scene, const char *member, enum grid_role *role)
{
	const struct json *value = json_get(json_get(scene->status, "switches"), member);

	*role = json_as_bool(value, false) ? GRID_GOOD : GRID_NORMAL;
	return json_kind(value) != JSON_KIND_BOOL ? "?" : json_as_bool(value, false) ? _("on") : _("off");
}

static int draw_switches(const struct scene *scene, struct grid *grid, struct area area)
{
	long long users = (long long)scene_number(json_get(scene->status, "traffic"), "remote_users");
	int x, y = area.y;

	grid_put_text(grid, area.x + 1, y, area.width - 8, _("FEDERATION"), GRID_DIM);
	grid_put_text(grid, area.x + 24, y++, 8, _("SWITCH"), GRID_DIM);
	for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
		enum grid_role role;
		const char *word = switch_word(scene, switches[i].member, &role);

		grid_put_text(grid, area.x + 1, y, 22, _(switches[i].label), GRID_NORMAL);
		x = area.x + 24 + grid_put_text(grid, area.x + 24, y, 8, word, role);
		if (users > 0 && slice_equal(slice_of(switches[i].member), SLICE("allow-outside-users")))
			grid_printf(grid, x + 1, y, area.x + area.width - x - 1, GRID_NORMAL, _("%lld there"),
			            users);
		y++;
	}
	return y;
}

static int draw_switches_short(const struct scene *scene, struct grid *grid, struct area area)
{
	int x = area.x + 1;

	for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
		enum grid_role role;
		const char *word = switch_word(scene, switches[i].member, &role);

		x += grid_put_text(grid, x, area.y, area.width, _(switches[i].short_label), GRID_DIM) + 1;
		x += grid_put_text(grid, x, area.y, area.width, word, role) + 2;
	}
	return area.y + 1;
}

/* ---- traffic ---- */

struct traffic_row {
	const char *label, *unit;
	const char *member, *history; /* history NULL: a count without one */
	bool is_rate;
};

static const struct traffic_row traffic_rows[] = {
	{ N_("msgs in"), "/s", "in_rate", "in", true },
	{ N_("msgs out"), "/s", "out_rate", "out", true },
	{ N_("refused"), "/min", "refused_per_min", "refused", false },
	{ N_("malformed"), "", "malformed_total", NULL, false },
	{ N_("connections"), "", "connections", NULL, false },
	{ N_("turned away"), "", "turned_away_total", NULL, false },
	{ N_("transactions"), "", "transactions", NULL, false },
};

static void draw_number(struct grid *grid, int end, int y, const struct json *value, bool is_rate,
                        enum grid_role role)
{
	char shown[SHOWN_BYTES];

	if (json_kind(value) != JSON_KIND_NUMBER)
		snprintf(shown, sizeof shown, "?");
	else if (is_rate)
		shown_rate(json_as_real(value, 0), shown);
	else
		shown_count((int64_t)json_as_real(value, 0), shown);
	grid_put_right(grid, end, y, 6, slice_of(shown), role);
}

static size_t read_history(const struct json *list, double *to)
{
	size_t count = json_count(list), skip = count > HISTORY_MAX ? count - HISTORY_MAX : 0;

	for (size_t i = skip; i < count; i++)
		to[i - skip] = json_as_real(json_at(list, i), 0);
	return count - skip;
}

static void draw_traffic_row(const struct scene *scene, struct grid *grid, struct area area, int y,
                             const struct traffic_row *row)
{
	const struct json *traffic = json_get(scene->status, "traffic");
	const struct json *history = row->history ? json_get(json_get(traffic, "history"), row->history)
	                                          : NULL;
	enum grid_role role = scene_status_is_stale(scene) ? GRID_DIM : GRID_NORMAL;
	double values[HISTORY_MAX], peak = 0;
	size_t count = read_history(history, values);
	char shown[SHOWN_BYTES];

	for (size_t i = 0; i < count; i++)
		peak = values[i] > peak ? values[i] : peak;
	grid_put_text(grid, area.x + 1, y, 12, _(row->label), GRID_NORMAL);
	grid_put_text(grid, area.x + 12, y, 5, row->unit, GRID_DIM);
	draw_number(grid, area.x + 22, y, json_get(traffic, row->member), row->is_rate, role);
	if (scene_status_is_stale(scene))
		grid_set(grid, area.x + 22, y, '~', GRID_WARN);
	if (!count)
		return;
	grid_put_right(grid, area.x + 29, y, 6,
	               slice_of(row->is_rate ? shown_rate(peak, shown) : shown_count((int64_t)peak, shown)),
	               role);
	spark_draw(grid, area.x + 30, y, area.width - 31, values, count, role);
}

static int draw_traffic(const struct scene *scene, struct grid *grid, struct area area)
{
	int y = area.y;

	grid_put_text(grid, area.x + 1, y, 12, _("TRAFFIC"), GRID_DIM);
	grid_put_right(grid, area.x + 22, y, 6, slice_of(_("NOW")), GRID_DIM);
	grid_put_right(grid, area.x + 29, y, 6, slice_of(_("PEAK")), GRID_DIM);
	grid_put_text(grid, area.x + 30, y++, area.width - 31, area.width > 60 ? _("last 60 s") : _("60 s"),
	              GRID_DIM);
	for (size_t i = 0; i < sizeof traffic_rows / sizeof *traffic_rows && y < area.y + area.height; i++)
		draw_traffic_row(scene, grid, area, y++, &traffic_rows[i]);
	return y;
}

/* ---- configuration ---- */

static int draw_configuration(const struct scene *scene, struct grid *grid, struct area area)
{
	const struct json *published = json_get(scene->status, "published"),
	                  *domains = json_get(scene->status, "domains");
	char when[SHOWN_BYTES], author[48] = "";
	int y = area.y;

	slice_to_text(scene_text(published, "author"), author, sizeof author);
	grid_put_text(grid, area.x + 1, y++, area.width - 1, _("CONFIGURATION"), GRID_DIM);
	if (!scene->status)
		return y;
	grid_put_text(grid, area.x + 1, y, 16, _("running version"), GRID_NORMAL);
	grid_printf(grid, area.x + 18, y++, area.width - 18, GRID_NORMAL,
	            author[0] ? _("v%lld  by %s  %s") : "v%lld%s",
	            (long long)scene_number(scene->status, "version"), author,
	            shown_day(scene_number(published, "time"), scene->now.wall_ms, when));
	if (scene_text(published, "comment").len)
		grid_put(grid, area.x + 18, y++, area.width - 18, scene_text(published, "comment"), GRID_DIM);
	grid_put_text(grid, area.x + 1, y, 16, _("SIP domains"), GRID_NORMAL);
	grid_printf(grid, area.x + 18, y++, area.width - 18, GRID_NORMAL, _("%lld allowed, %lld blocked"),
	            (long long)scene_number(domains, "allowed"), (long long)scene_number(domains, "blocked"));
	grid_put_text(grid, area.x + 1, y, 16, _("providers"), GRID_NORMAL);
	grid_printf(grid, area.x + 18, y++, area.width - 18, GRID_NORMAL, _("%lld on, of %lld"),
	            (long long)scene_number(domains, "providers_on"),
	            (long long)scene_number(domains, "providers"));
	grid_put_text(grid, area.x + 1, y, 16, _("partners up"), GRID_NORMAL);
	grid_printf(grid, area.x + 18, y++, area.width - 18, GRID_NORMAL, "%lld",
	            (long long)scene_number(domains, "up"));
	/* Connections that are no partner's: what a crowd at the door looks like. */
	grid_put_text(grid, area.x + 1, y, 16, _("others"), GRID_NORMAL);
	grid_printf(grid, area.x + 18, y++, area.width - 18, GRID_NORMAL, _("%lld found, %lld unknown"),
	            (long long)scene_number(json_get(scene->status, "traffic"), "discovered"),
	            (long long)scene_number(json_get(scene->status, "traffic"), "unidentified"));
	return y;
}

/* Which steps refused, most first: the first thing asked when "nothing comes through". */
static int draw_steps(const struct scene *scene, struct grid *grid, struct area area)
{
	const struct json *steps = json_get(scene->status, "steps");
	bool taken[64] = { false };
	int y = area.y;

	grid_put_text(grid, area.x + 1, y++, area.width - 1, _("REFUSED, BY STEP"), GRID_DIM);
	for (int shown = 0; shown < STEPS_SHOWN && y < area.y + area.height; shown++) {
		struct slice key, best_key = SLICE_NONE;
		const struct json *value;
		int64_t best = 0;
		size_t at = 0;

		for (size_t i = 0; i < 64 && json_member(steps, i, &key, &value); i++) {
			if (taken[i] || json_as_number(value, 0) <= best)
				continue;
			best = json_as_number(value, 0);
			best_key = key;
			at = i;
		}
		if (!best)
			break;
		taken[at] = true;
		grid_put(grid, area.x + 1, y, 22, best_key, GRID_NORMAL);
		grid_printf(grid, area.x + 24, y++, 10, GRID_NORMAL, "%lld", (long long)best);
	}
	if (y == area.y + 1)
		grid_put_text(grid, area.x + 1, y++, area.width - 1, _("nothing refused since the start"),
		              GRID_NORMAL);
	return y;
}

/* ---- what needs attention ---- */

static enum grid_role severity_role(struct slice severity)
{
	return slice_equal(severity, SLICE("error"))     ? GRID_BAD
	       : slice_equal(severity, SLICE("warning")) ? GRID_WARN
	                                                 : GRID_NORMAL;
}

static void draw_attention_row(const struct scene *scene, struct grid *grid, struct area area, int y,
                               size_t index)
{
	const struct json *row = json_at(json_get(scene->status, "attention"), index);
	struct slice severity = scene_text(row, "severity");
	enum grid_role role = severity_role(severity);
	bool is_selected = index == scene->attention;
	char when[SHOWN_BYTES];
	int x = area.x + 3;

	grid_set(grid, area.x, y, is_selected ? '>' : ' ', GRID_FOCUS);
	grid_set(grid, area.x + 1, y, role == GRID_NORMAL ? 'i' : '!', role);
	x += grid_put_text(grid, x, y, 12, shown_moment(scene_number(row, "time"), scene->now.wall_ms, when),
	                   is_selected ? GRID_FOCUS : GRID_NORMAL) +
	     1;
	grid_put(grid, x, y, 12, said_word(scene_text(row, "source")), is_selected ? GRID_FOCUS : GRID_DIM);
	x += 13;
	grid_put(grid, x, y, area.x + area.width - x, scene_text(row, "text"), GRID_NORMAL);
	if (is_selected)
		grid_cursor(grid, area.x, y);
}

/* The daemon lists nothing; a service that stands still, and has something to do, is worth its line all the same. */
static void draw_no_attention(const struct scene *scene, struct grid *grid, struct area area)
{
	const struct json *services = json_get(scene->status, "services");
	char name[48], state[32];

	for (size_t i = 0; i < json_count(services); i++) {
		const struct json *service = json_at(services, i);

		if (slice_equal(scene_text(service, "state"), SLICE("running")) ||
		    json_as_bool(json_get(service, "unused"), false))
			continue;
		slice_to_text(scene_text(service, "name"), name, sizeof name);
		slice_to_text(said_word(scene_text(service, "state")), state, sizeof state);
		grid_printf(grid, area.x + 3, area.y + 1, area.width - 4, GRID_WARN,
		            _("%s is not running: %s"), name, state);
		return;
	}
	grid_put_text(grid, area.x + 3, area.y + 1, area.width - 4, _("Nothing needs attention."), GRID_GOOD);
}

static void draw_attention(const struct scene *scene, struct grid *grid, struct area area)
{
	size_t count = scene_attention_count(scene), rows = area.height > 1 ? (size_t)area.height - 1 : 0;
	size_t top = scene->attention >= rows && rows ? scene->attention - rows + 1 : 0;
	char counted[48];

	if (area.height < 1)
		return;
	grid_put_text(grid, area.x + 1, area.y, area.width, _("NEEDS ATTENTION"), GRID_DIM);
	grid_cursor(grid, area.x, area.y);
	if (!scene->status) {
		grid_put_text(grid, area.x + 3, area.y + 1, area.width - 4,
		              scene->trouble[0] ? scene->trouble : _("asking the daemon..."), GRID_WARN);
		return;
	}
	if (count > rows) {
		snprintf(counted, sizeof counted, _("%zu of %zu shown"), rows, count);
		grid_put_right(grid, area.x + area.width - 1, area.y, 24, slice_of(counted), GRID_DIM);
	}
	if (count == 0)
		draw_no_attention(scene, grid, area);
	for (size_t i = 0; i < rows && top + i < count; i++)
		draw_attention_row(scene, grid, area, area.y + 1 + (int)i, top + i);
}

/* ---- who talks most ---- */

/* The rows with the highest rates, `count` of them at most; below them those in trouble. */
static double rate_of(const struct json *row) { return json_as_real(json_get(row, "rate"), 0); }

static size_t find_busiest(const struct scene *scene, const struct json **out, size_t count)
{
	const struct listing *domains = &scene->listings[SCREEN_DOMAINS];
	size_t found = 0;

	for (size_t i = 0; i < domains->count; i++) {
		const struct json *row = domains->rows[i];
		size_t at = found;

		if (!(rate_of(row) > 0) && !scene_number(row, "connections") &&
		    !scene_text(row, "last_error").len)
			continue;
		while (at > 0 && rate_of(out[at - 1]) < rate_of(row))
			at--;
		if (at == count)
			continue;
		found += found < count;
		memmove(out + at + 1, out + at, (found - at - 1) * sizeof *out);
		out[at] = row;
	}
	return found;
}

static void draw_busiest(const struct scene *scene, struct grid *grid, struct area area)
{
	const struct json *rows[BUSIEST_SHOWN];
	size_t count = find_busiest(scene, rows, BUSIEST_SHOWN);
	int x = area.x + 3, rate_end = area.x + 46, y = area.y;
	char shown[SHOWN_BYTES];

	grid_line(grid, area.x, y++, area.width, GRID_DIM);
	grid_put_text(grid, area.x + 1, y, 36, _("BUSIEST PARTNERS"), GRID_DIM);
	grid_put_right(grid, rate_end, y, 6, slice_of(_("MSG/S")), GRID_DIM);
	grid_put_text(grid, rate_end + 3, y, 6, _("LIVE"), GRID_DIM);
	grid_put_text(grid, rate_end + 11, y++, area.width - 60, _("LAST ERROR"), GRID_DIM);
	for (size_t i = 0; i < count; i++, y++) {
		struct slice state = scene_text(rows[i], "state"), error = scene_text(rows[i], "last_error");

		grid_put(grid, x, y, 34, scene_text(rows[i], "domain"), GRID_NORMAL);
		grid_put_right(grid, rate_end, y, 6, slice_of(shown_rate(rate_of(rows[i]), shown)),
		               GRID_NORMAL);
		grid_put(grid, rate_end + 3, y, 7, said_word(state), state_role(state));
		grid_put(grid, rate_end + 11, y, area.x + area.width - rate_end - 12,
		         error.len ? error : SLICE("-"), GRID_NORMAL);
	}
	if (!count)
		grid_put_text(grid, x, y, area.width - 4, _("no partner is connected"), GRID_NORMAL);
}

/* ---- the whole ---- */

static int larger(int a, int b) { return a > b ? a : b; }

static void draw_narrow(struct scene *scene, struct grid *grid, struct area area)
{
	struct area rest = area;

	rest.height = area.height / 2;
	rest.y = draw_services(scene, grid, rest);
	rest.y = draw_switches_short(scene, grid, rest);
	rest.height = 5;
	rest.y = draw_traffic(scene, grid, rest);
	rest.height = area.y + area.height - rest.y;
	draw_attention(scene, grid, rest);
}

void overview_draw(struct scene *scene, struct grid *grid, struct area area)
{
	bool is_tall = area.height >= OVERVIEW_TALL;
	struct area left = area, right = area, below = area;
	int end;

	if (scene->attention >= scene_attention_count(scene))
		scene->attention = scene_attention_count(scene) ? scene_attention_count(scene) - 1 : 0;
	if (area.width < SCENE_WIDTH_STANDARD || scene->is_bare) { /* boxes side by side are copied as one */
		draw_narrow(scene, grid, area);
		return;
	}
	left.width = area.width > 90 ? area.width * 11 / 20 : LEFT_CELLS;
	right.x = area.x + left.width + 1;
	right.width = area.width - left.width - 1;
	left.height = area.height - 4; /* what needs attention keeps a few lines */
	left.y = draw_services(scene, grid, left) + 1;
	right.y = draw_switches(scene, grid, right) + 1;
	left.y = right.y = larger(left.y, right.y);
	left.height = area.y + area.height - left.y - 4;
	right.height = left.height;
	left.y = draw_traffic(scene, grid, left);
	right.y = draw_configuration(scene, grid, right);
	if (is_tall) {
		right.y++;
		right.height = STEPS_SHOWN + 1;
		right.y = draw_steps(scene, grid, right);
	}
	end = larger(left.y, right.y);
	grid_upright(grid, area.x + left.width, area.y, end - area.y, GRID_DIM);
	below.y = end + (area.y + area.height - end > 6 ? 1 : 0);
	if (is_tall)
		grid_line(grid, area.x, end, area.width, GRID_DIM);
	below.height = area.y + area.height - below.y;
	if (is_tall) {
		struct area bottom = { area.x, area.y + area.height - BUSIEST_LINES, area.width,
			               BUSIEST_LINES };

		below.height -= BUSIEST_LINES;
		draw_busiest(scene, grid, bottom);
	}
	draw_attention(scene, grid, below);
}

void overview_command(const struct scene *scene, struct buffer *out)
{
	(void)scene;
	buffer_add(out, SLICE("status"));
}
