/* External access policies and users in words: for whom a policy holds, and where a user's comes from. */
#include "tui/client/words.h"
#include "tui/screens/scene.h"

static bool is_scope(const struct json *row, const char *scope)
{
	return slice_equal(scene_text(row, "scope"), slice_of(scope));
}

int scopes_tell_policy(const struct json *row, struct grid *grid, int x, int y, int end)
{
	long long users = (long long)scene_number(row, "users"),
	          sites = (long long)scene_number(row, "sites");

	if (is_scope(row, "global")) {
		grid_printf(grid, x, y++, end - x, GRID_NORMAL,
		            _("For all without a nearer one: %lld of the listed users, and all not listed."),
		            users);
		if (sites)
			grid_printf(grid, x, y++, end - x, GRID_NORMAL,
			            ngettext("%lld site has no policy of its own.",
			                     "%lld sites have no policy of their own.", (unsigned long)sites),
			            sites);
	} else if (is_scope(row, "site")) {
		grid_printf(grid, x, y++, end - x, GRID_NORMAL,
		            sites ? _("For its site's users not granted another: %lld of the listed.")
		                  : ngettext("There is no site of that name: it holds for %lld user.",
		                             "There is no site of that name: it holds for %lld users.",
		                             (unsigned long)users),
		            users);
	} else {
		grid_printf(grid, x, y++, end - x, GRID_NORMAL,
		            ngettext("It is granted to %lld user.", "It is granted to %lld users.",
		                     (unsigned long)users),
		            users);
	}
	return y;
}

int scopes_tell_user(const struct json *row, struct grid *grid, int x, int y, int end)
{
	int used = x + grid_put_text(grid, x, y, end - x, _("the policy "), GRID_NORMAL);

	used += grid_put(grid, used, y, end - used, scene_text(row, "effective"), GRID_FOCUS);
	grid_put_text(grid, used, y, end - used,
	              is_scope(row, "user") ? _(" holds, because it is granted to the user (- takes it away)")
	              : is_scope(row, "site") ? _(" holds, because it is the site's (+ grants a nearer one)")
	                                      : _(" holds, because nothing nearer does (+ grants one)"),
	              GRID_NORMAL);
	return y + 1;
}

/* What removing it means, before the dry run says to whom. */
void scopes_explain_removal(const struct json *row, struct dialog *dialog)
{
	long long users = (long long)scene_number(row, "users");

	if (is_scope(row, "global"))
		dialog_add_line(dialog, "%s", _("Global is always there: it is set back to its defaults."));
	else if (is_scope(row, "site"))
		dialog_add_line(dialog, _("%lld listed users of the site fall back to Global."), users);
	else
		dialog_add_line(dialog,
		                ngettext("%lld user falls back to the site's policy, or Global.",
		                         "%lld users fall back to their site's policy, or Global.",
		                         (unsigned long)users),
		                users);
}
