#include "tui/screens/kind_list.h"

#include <stdio.h>

#include "shared/model/snapshot.h"
#include "tui/client/words.h"
#include "tui/screens/command.h"
#include "tui/screens/editing.h"
#include "tui/screens/scene.h"

enum { DETAIL_LINES = 5 };

/* What is known against it: that the service has ended, and when. */
static int tell_provider(const struct json *row, struct grid *grid, int x, int y, int end)
{
	if (scene_text(row, "notice").len)
		grid_put(grid, x, y++, end - x, scene_text(row, "notice"), GRID_WARN);
	return y;
}

static const struct {
	enum screen screen;
	enum model_kind_id kind;
	bool is_still, is_windowed; /* as in listing_kind */
	const char *only_scope;     /* policies of that scope only; NULL: all */
	/* Says in words what the row means, below its name; NULL. Returns the line after. */
	int (*tell)(const struct json *row, struct grid *grid, int x, int y, int end);
	const char *nothing; /* what an empty list says: what follows from it, and what to do; N_() */
} rows[KIND_LISTS] = {
	{ SCREEN_XMPP, MODEL_XMPP_PARTNER, false, false, NULL, NULL,
	  N_("No XMPP partners: nobody on XMPP can be reached. n adds one.") },
	{ SCREEN_PROVIDERS, MODEL_SIP_PROVIDER, false, false, NULL, tell_provider,
	  N_("No providers: domains are reached by edges of their own. n adds one.") },
	{ SCREEN_POLICIES, MODEL_ACCESS_POLICY, true, false, NULL, scopes_tell_policy,
	  N_("No policy: that cannot be, Global is always there.") },
	{ SCREEN_USERS, MODEL_USER, true, true, NULL, scopes_tell_user,
	  N_("No user is listed: Global, or a site's policy, is everybody's. n adds one.") },
	{ SCREEN_GRANT, MODEL_ACCESS_POLICY, true, false, "user", scopes_tell_policy,
	  N_("No policy can be granted yet. g p shows them; there n makes one.") },
	{ SCREEN_SITES, MODEL_SITE, true, false, NULL, NULL,
	  N_("No site: Global is for all who are granted no policy. n adds a site.") },
	{ SCREEN_MEETINGS, MODEL_CONFERENCE, true, false, NULL, NULL,
	  N_("No meeting is open to people without an account. n lists one.") },
};

/* Screens that are the form of one object. */
static const struct {
	enum screen screen;
	enum model_kind_id kind;
	const char *key;
} forms[] = {
	{ SCREEN_ACCESS_EDGE, MODEL_ACCESS_EDGE, "" },
	{ SCREEN_GATEWAY, MODEL_XMPP_GATEWAY, "" },
};

const struct model_kind *kind_of_screen(enum screen screen)
{
	for (size_t i = 0; i < KIND_LISTS; i++)
		if (rows[i].screen == screen)
			return model_kind(rows[i].kind);
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (forms[i].screen == screen)
			return model_kind(forms[i].kind);
	return NULL;
}

const char *key_of_screen(enum screen screen)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (forms[i].screen == screen)
			return forms[i].key;
	return "";
}

static enum grid_role state_role(struct slice state)
{
	if (slice_equal(state, SLICE("up")))
		return GRID_GOOD;
	if (slice_equal(state, SLICE("back-off")) || slice_equal(state, SLICE("failed")) ||
	    slice_equal(state, SLICE("blocked")))
		return GRID_BAD;
	return slice_equal(state, SLICE("off")) ? GRID_WARN : GRID_NORMAL;
}

void kind_lists_start(struct kind_list lists[KIND_LISTS], struct listing listings[SCREEN_COUNT])
{
	for (size_t i = 0; i < KIND_LISTS; i++) {
		const struct model_kind *kind = model_kind(rows[i].kind);
		const struct control_verb *verb = control_verb(editing_verb(kind, "list"));
		struct kind_list *list = &lists[i];

		*list = (struct kind_list){ .kind = { .verb = editing_verb(kind, "list"),
			                              .key = { kind->fields[kind->key].name },
			                              .is_paged = true,
			                              .only_member = "scope",
			                              .only = rows[i].only_scope,
			                              .is_still = rows[i].is_still,
			                              .is_windowed = rows[i].is_windowed,
			                              .state_role = state_role } };
		snprintf(list->method, sizeof list->method, "%s.list", verb ? verb->noun : "");
		list->kind.method = list->method;
		listing_start(&listings[rows[i].screen], &list->kind);
		if (rows[i].is_windowed) /* the daemon's order */
			listings[rows[i].screen].table.sort = TABLE_UNSORTED;
	}
}

/* ---- on the screen ---- */

/* Every field of the selected row that is not at its default, as words. */
static void draw_detail(const struct scene *scene, struct grid *grid, struct area area)
{
	const struct model_kind *kind = kind_of_screen(scene->screen);
	const struct json *row = listing_told(&scene->listings[scene->screen]);
	int x = area.x + 1, y = area.y, end = area.x + area.width - 1;

	grid_line(grid, x, y++, area.width - 2, GRID_DIM);
	if (!row)
		return;
	x += grid_put(grid, x, y, end - x, scene_text(row, kind->fields[kind->key].name), GRID_FOCUS);
	if (scene_text(row, "authentication").len || scene_text(row, "verdict").len)
		x += grid_put_text(grid, x, y, end - x, ": ", GRID_NORMAL);
	grid_put(grid, x, y++, end - x,
	         scene_text(row, "authentication").len ? scene_text(row, "authentication")
	                                               : scene_text(row, "verdict"),
	         GRID_NORMAL);
	x = area.x + 1;
	for (size_t i = 0; i < KIND_LISTS; i++)
		if (rows[i].screen == scene->screen && rows[i].tell)
			y = rows[i].tell(row, grid, x, y, end);
	if (scene_text(row, "blocked").len)
		grid_put(grid, x, y++, end - x, scene_text(row, "blocked"), GRID_WARN);
	if (scene_text(row, "why").len)
		grid_put(grid, x, y++, end - x, scene_text(row, "why"), GRID_WARN);
	if (scene_text(row, "last_error").len) {
		if (scene_number(row, "next_try_s") > 0)
			x += grid_printf(grid, x, y, end - x, GRID_NORMAL, _("next try in %lld s; "),
			                 (long long)scene_number(row, "next_try_s"));
		x += grid_put_text(grid, x, y, end - x, _("last error: "), GRID_NORMAL);
		grid_put(grid, x, y++, end - x, scene_text(row, "last_error"), GRID_WARN);
		x = area.x + 1;
	}
	if (scene_text(row, "last_error_in").len) { /* of a stream that the partner opened */
		x += grid_put_text(grid, x, y, end - x, _("last error in: "), GRID_NORMAL);
		grid_put(grid, x, y++, end - x, scene_text(row, "last_error_in"), GRID_WARN);
		x = area.x + 1;
	}
	for (size_t i = kind->key + 1; i < kind->field_count && y < area.y + area.height; i++) {
		char value[EDITING_VALUE_BYTES], words[EDITING_VALUE_BYTES + 64];
		int cells;

		editing_value(json_get(row, kind->fields[i].name), value);
		if (slice_equal(slice_of(value), slice_of(kind->fields[i].preset)))
			continue;
		snprintf(words, sizeof words, "%s=%s", kind->fields[i].name, value[0] ? value : "-");
		cells = grid_text_width(grid, slice_of(words));
		if (x > area.x + 1 && x + cells > end) {
			x = area.x + 1;
			y++;
		}
		if (y < area.y + area.height)
			x += grid_put(grid, x, y, end - x, slice_of(words), GRID_NORMAL) + 2;
	}
}

static const char *nothing_of(enum screen screen)
{
	for (size_t i = 0; i < KIND_LISTS; i++)
		if (rows[i].screen == screen)
			return _(rows[i].nothing);
	return "";
}

static void kind_list_draw(struct scene *scene, struct grid *grid, struct area area)
{
	struct area list = area, detail;

	if (listing_has_detail(&list, DETAIL_LINES, &detail))
		draw_detail(scene, grid, detail);
	listing_draw(scene, &scene->listings[scene->screen], grid, list, nothing_of(scene->screen));
}

static void kind_list_command(const struct scene *scene, struct buffer *out)
{
	const struct model_kind *kind = kind_of_screen(scene->screen);
	const struct listing *listing = &scene->listings[scene->screen];
	const struct control_verb *verb = control_verb(editing_verb(kind, "list"));
	struct slice key = scene_text(listing_told(listing), kind->fields[kind->key].name);

	buffer_printf(out, "%s %s", verb ? verb->noun : "", key.len ? "show" : "list");
	if (key.len)
		command_add(out, key);
	else if (listing->filter.length)
		command_add(out, editor_text(&listing->filter));
}

/* A screen that lists a kind has nothing of its own but its row above. */
#define KIND_SCREEN(word)                                                                                    \
	void word##_draw(struct scene *scene, struct grid *grid, struct area area)                           \
	{                                                                                                    \
		kind_list_draw(scene, grid, area);                                                           \
	}                                                                                                    \
	void word##_command(const struct scene *scene, struct buffer *out) { kind_list_command(scene, out); }
KIND_SCREEN(providers)
KIND_SCREEN(xmpp)
KIND_SCREEN(policies)
KIND_SCREEN(users)
KIND_SCREEN(sites)
KIND_SCREEN(meetings)

/* To whom, and below it the policies that can be granted. */
void grant_draw(struct scene *scene, struct grid *grid, struct area area)
{
	int x = area.x + 1, room = area.width - 2;
	int used = grid_put_text(grid, x, area.y, room, _("Enter grants the selected policy to "),
	                         GRID_NORMAL);

	grid_put(grid, x + used, area.y, room - used, buffer_slice(&scene->granting), GRID_FOCUS);
	area.y += 2;
	area.height -= 2;
	kind_list_draw(scene, grid, area);
}

void grant_command(const struct scene *scene, struct buffer *out)
{
	struct slice policy = scene_text(listing_selected(&scene->listings[SCREEN_GRANT]), "identity");

	buffer_add(out, SLICE("user grant"));
	if (policy.len)
		command_add(out, policy);
	else
		buffer_add(out, SLICE(" POLICY"));
	buffer_add_char(out, ' ');
	buffer_add(out, buffer_slice(&scene->granting));
}
