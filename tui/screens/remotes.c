/*
 * Our own users outside: who is signed in, from where and with what, and who takes part in a meeting without an account.
 */
#include <stdio.h>

#include "tui/client/shown.h"
#include "tui/client/words.h"
#include "tui/screens/command.h"
#include "tui/screens/scene.h"

static enum grid_role state_role(struct slice state)
{
	return slice_equal(state, SLICE("signed in")) ? GRID_GOOD : GRID_WARN;
}

static const struct listing_kind kind = {
	.verb = CONTROL_VERB_REMOTE_LIST,
	.method = "remote.list",
	.is_paged = true,
	.key = { "user", "connection", "kind" },
	.state_role = state_role,
};

const struct listing_kind *remotes_kind(void) { return &kind; }

void remotes_draw(struct scene *scene, struct grid *grid, struct area area)
{
	const struct json *served = json_get(json_get(scene->status, "switches"), "allow-outside-users");

	listing_draw(scene, &scene->listings[SCREEN_REMOTE], grid, area,
	             json_as_bool(served, true) ? _("Nobody is signed in from outside.")
	                                        : _("Remote users are switched off: nobody signs in from "
	                                            "outside. g a shows the switch."));
}

void remotes_command(const struct scene *scene, struct buffer *out)
{
	const struct listing *listing = &scene->listings[SCREEN_REMOTE];

	buffer_add(out, SLICE("remote list"));
	if (listing->filter.length)
		command_add(out, editor_text(&listing->filter));
}
