/*
 * Sessions and subscriptions between our users and those of XMPP partners: who talks, who watches whom, and until when.
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
	return slice_equal(state, SLICE("up")) || slice_equal(state, SLICE("active")) ? GRID_GOOD
	       : slice_equal(state, SLICE("unknown"))                                 ? GRID_BAD
	                                                                              : GRID_WARN;
}

static const struct listing_kind kind = {
	.verb = CONTROL_VERB_SESSION_LIST,
	.method = "session.list",
	.is_paged = true,
	.key = { "kind", "local", "remote" },
	.state_role = state_role,
};

const struct listing_kind *sessions_kind(void) { return &kind; }

/* ---- the selected one, in words ---- */

/* What each kind is, between the two users. */
static const char *relation(struct slice word)
{
	if (slice_equal(word, SLICE("session")))
		return _(" talks with ");
	/* As the gateway sees it: "watched" is one of theirs, by ours; "watching" one of theirs, ours. */
	return slice_equal(word, SLICE("watched")) ? _(" watches the presence of ") : _(" is watched by ");
}

static int put_span(struct grid *grid, int x, int y, int end, const struct json *row, const char *member,
                    const char *label)
{
	char age[SHOWN_BYTES];

	if (json_kind(json_get(row, member)) != JSON_KIND_NUMBER)
		return x;
	x += grid_put_text(grid, x, y, end - x, label, GRID_NORMAL);
	return x + grid_put_text(grid, x, y, end - x, shown_age(scene_number(row, member) * 1000, age),
	                         GRID_NORMAL);
}

static void draw_detail(const struct scene *scene, struct grid *grid, struct area area)
{
	const struct json *row = listing_told(&scene->listings[SCREEN_SESSIONS]);
	struct slice word = scene_text(row, "kind"), state = scene_text(row, "state"),
	             remote = scene_text(row, "remote"),
	             domain = slice_after(remote, slice_find(remote, '@'));
	bool is_session = slice_equal(word, SLICE("session"));
	int x = area.x + 1, y = area.y, end = area.x + area.width - 1, used;

	grid_line(grid, x, y++, area.width - 2, GRID_DIM);
	if (!row)
		return;
	used = x + grid_put(grid, x, y, end - x, scene_text(row, "local"), GRID_FOCUS);
	used += grid_put_text(grid, used, y, end - used, relation(word), GRID_NORMAL);
	grid_put(grid, used, y++, end - used, remote, GRID_FOCUS);
	used = x + grid_put(grid, x, y, end - x, said_word(state), state_role(state));
	used = put_span(grid, used, y, end, row, "idle_s", _(", nothing said for "));
	used = put_span(grid, used, y, end, row, "expires_in_s",
	                is_session ? _(", ends in ") : _(", asked for anew in "));
	used = put_span(grid, used, y, end, row, "retry_in_s", _(", tried again in "));
	if (scene_number(row, "devices"))
		grid_printf(grid, used, y, end - used, GRID_NORMAL,
		            ngettext(", told on %lld device", ", told on %lld devices",
		                     (unsigned long)scene_number(row, "devices")),
		            (long long)scene_number(row, "devices"));
	y++;
	used = x + grid_put_text(grid, x, y, end - x, _("over XMPP with "), GRID_NORMAL);
	used += grid_put(grid, used, y, end - used, domain.len ? slice_after(domain, 1) : remote,
	                 GRID_NORMAL);
	grid_put_text(grid, used, y++, end - used, _(": its streams are among the connections (g n)"),
	              GRID_NORMAL);
	grid_put_text(grid, x, y, end - x,
	              is_session ? _("Lync's kind of conversation: INVITE, messages, BYE.")
	                         : _("It outlives a restart, and is renewed before it expires."),
	              GRID_DIM);
}

void sessions_draw(struct scene *scene, struct grid *grid, struct area area)
{
	struct area list = area, detail;

	if (listing_has_detail(&list, DETAIL_LINES, &detail))
		draw_detail(scene, grid, detail);
	listing_draw(scene, &scene->listings[SCREEN_SESSIONS], grid, list,
	             _("Nobody talks with or watches an XMPP partner's user. g x shows partners."));
}

void sessions_command(const struct scene *scene, struct buffer *out)
{
	const struct listing *listing = &scene->listings[SCREEN_SESSIONS];
	struct slice local = scene_text(listing_told(listing), "local");

	buffer_add(out, SLICE("session list"));
	if (local.len)
		command_add(out, local);
	else if (listing->filter.length)
		command_add(out, editor_text(&listing->filter));
}
