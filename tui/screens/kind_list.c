#include "tui/screens/kind_list.h"

#include <stdio.h>

#include "shared/model/snapshot.h"
#include "tui/client/words.h"
#include "tui/screens/command.h"
#include "tui/screens/editing.h"
#include "tui/screens/scene.h"

enum { DETAIL_LINES = 5, DETAIL_FROM_HEIGHT = 18 };

/* A member that is a column: the name of a field, or of what the daemon puts beside them. The most important first. */
struct column {
	const char *member, *heading; /* heading: N_() */
};

static const struct column xmpp_columns[] = {
	{ "domain", N_("DOMAIN") },
	{ "enabled", N_("ENABLED") },
	{ "state", N_("STATE") },
	{ "streams", N_("STREAMS") },
	{ "last_error", N_("LAST ERROR") },
	{ "partner-type", N_("TYPE") },
	{ "tls-negotiation", N_("TLS") },
	{ "sasl-negotiation", N_("SASL") },
	{ "support-dialback-negotiation", N_("DIALBACK") },
	{ "verdict", N_("VERDICT") },
	{ "connection-limit", N_("CONNECTION LIMIT") },
	{ "description", N_("DESCRIPTION") },
};

static const struct column provider_columns[] = {
	{ "identity", N_("PROVIDER") },     { "enabled", N_("ENABLED") },
	{ "state", N_("STATE") },           { "type", N_("TYPE") },
	{ "last_error", N_("LAST ERROR") }, { "connections", N_("CONNECTIONS") },
	{ "proxy-fqdn", N_("EDGE") },       { "verification-level", N_("VERIFICATION") },
	{ "carry-calls", N_("CALLS") },     { "enabled-shared-address-space", N_("SHARED") },
	{ "domains", N_("DOMAINS") },
};

static const struct column policy_columns[] = {
	{ "identity", N_("POLICY") },
	{ "scope", N_("SCOPE") },
	{ "enable-federation-access", N_("SIP") },
	{ "enable-xmpp-access", N_("XMPP") },
	{ "enable-outside-access", N_("REMOTE") },
	{ "enable-public-cloud-access", N_("PUBLIC") },
	{ "enable-public-cloud-audio-video-access", N_("A/V") },
	{ "allow-anonymous-participants", N_("ANON") },
	{ "users", N_("USERS") },
	{ "sites", N_("SITES") },
	{ "description", N_("DESCRIPTION") },
};

static const struct column user_columns[] = {
	{ "sip-address", N_("USER") }, { "effective", N_("POLICY") },  { "scope", N_("FROM") },
	{ "federation", N_("SIP") },   { "xmpp", N_("XMPP") },         { "remote", N_("REMOTE") },
	{ "public", N_("PUBLIC") },    { "display-name", N_("NAME") }, { "site", N_("SITE") },
};

static const struct column site_columns[] = {
	{ "name", N_("SITE") },
	{ "sip-domains", N_("SIP DOMAINS") },
	{ "description", N_("DESCRIPTION") },
};

static const struct column meeting_columns[] = {
	{ "sip-address", N_("MEETING") },
	{ "organizer", N_("ORGANIZER") },
	{ "description", N_("DESCRIPTION") },
};

/* What is known against it: that the service has ended, and when. */
static int tell_provider(const struct json *row, struct grid *grid, int x, int y, int end)
{
	if (scene_text(row, "notice").len)
		grid_put(grid, x, y++, end - x, scene_text(row, "notice"), GRID_WARN);
	return y;
}

#define COLUMNS(of) of##_columns, sizeof of##_columns / sizeof *of##_columns

static const struct {
	enum screen screen;
	enum model_kind_id kind;
	const struct column *columns;
	size_t column_count;
	bool is_still, is_windowed; /* as in listing_kind */
	const char *only_scope;     /* policies of that scope only; NULL: all */
	/* Says in words what the row means, below its name; NULL. Returns the line after. */
	int (*tell)(const struct json *row, struct grid *grid, int x, int y, int end);
	const char *nothing; /* what an empty list says: what follows from it, and what to do; N_() */
} rows[KIND_LISTS] = {
	{ SCREEN_XMPP, MODEL_XMPP_PARTNER, COLUMNS(xmpp), false, false, NULL, NULL,
	  N_("No XMPP partners: nobody on XMPP can be reached. n adds one.") },
	{ SCREEN_PROVIDERS, MODEL_SIP_PROVIDER, COLUMNS(provider), false, false, NULL, tell_provider,
	  N_("No providers: domains are reached by edges of their own. n adds one.") },
	{ SCREEN_POLICIES, MODEL_ACCESS_POLICY, COLUMNS(policy), true, false, NULL, scopes_tell_policy,
	  N_("No policy: that cannot be, Global is always there.") },
	{ SCREEN_USERS, MODEL_USER, COLUMNS(user), true, true, NULL, scopes_tell_user,
	  N_("No user is listed: Global, or a site's policy, is everybody's. n adds one.") },
	{ SCREEN_GRANT, MODEL_ACCESS_POLICY, COLUMNS(policy), true, false, "user", scopes_tell_policy,
	  N_("No policy can be granted yet. g p shows them; there n makes one.") },
	{ SCREEN_SITES, MODEL_SITE, COLUMNS(site), true, false, NULL, NULL,
	  N_("No site: Global is for all who are granted no policy. n adds a site.") },
	{ SCREEN_MEETINGS, MODEL_CONFERENCE, COLUMNS(meeting), true, false, NULL, NULL,
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

/* ---- columns from rows ---- */

/* Members that no row names: what the daemon says of the object. */
static const struct {
	const char *member;
	enum listing_type type;
	int width, grows;
} beside[] = {
	{ "verdict", LISTING_TEXT, 12, 2 },       { "state", LISTING_STATE, 10, 0 },
	{ "streams", LISTING_NUMBER, 7, 0 },      { "connections", LISTING_NUMBER, 7, 0 },
	{ "last_error", LISTING_TROUBLE, 12, 3 }, { "scope", LISTING_WORD, 6, 0 },
	{ "users", LISTING_NUMBER, 6, 0 },        { "sites", LISTING_NUMBER, 5, 0 },
	{ "effective", LISTING_TEXT, 12, 2 },     { "federation", LISTING_FLAG, 3, 0 },
	{ "xmpp", LISTING_FLAG, 3, 0 },           { "remote", LISTING_FLAG, 3, 0 },
	{ "public", LISTING_FLAG, 3, 0 },
};

static enum grid_role state_role(struct slice state)
{
	if (slice_equal(state, SLICE("up")))
		return GRID_GOOD;
	if (slice_equal(state, SLICE("back-off")) || slice_equal(state, SLICE("failed")) ||
	    slice_equal(state, SLICE("blocked")))
		return GRID_BAD;
	return slice_equal(state, SLICE("off")) ? GRID_WARN : GRID_NORMAL;
}

static int widest_choice(const struct model_field *row)
{
	struct slice rest = slice_of(row->choices), choice;
	size_t widest = 3;

	while (slice_next(&rest, '|', &choice))
		widest = choice.len > widest ? choice.len : widest;
	return (int)widest;
}

static int larger(int a, int b) { return a > b ? a : b; }

static void add_column(struct kind_list *list, const struct model_kind *kind, const struct column *from)
{
	size_t at = list->kind.column_count, field = model_field_named(kind, slice_of(from->member));
	const struct model_field *row = field < kind->field_count ? &kind->fields[field] : NULL;
	struct table_column *column = &list->columns[at];
	int heading = (int)strlen(from->heading);

	*column = (struct table_column){ .heading = from->heading, .priority = (int)at };
	list->fields[at] = (struct listing_field){ from->member, LISTING_TEXT };
	column->width = larger(heading, 12);
	column->grows = !row || row->type == MODEL_TEXT ? 2 : model_type_is_list(row->type) ? 3 : 0;
	for (size_t i = 0; !row && i < sizeof beside / sizeof *beside; i++)
		if (slice_equal(slice_of(from->member), slice_of(beside[i].member))) {
			list->fields[at].type = beside[i].type;
			column->width = larger(heading, beside[i].width);
			column->grows = beside[i].grows;
			column->is_number = beside[i].type == LISTING_NUMBER;
		}
	if (row && row->type == MODEL_BOOL) {
		list->fields[at].type = LISTING_FLAG;
		column->width = larger(heading, 3);
	} else if (row && row->type == MODEL_NUMBER) {
		list->fields[at].type = LISTING_NUMBER;
		column->is_number = true;
		column->width = larger(heading, 5);
	} else if (row && row->type == MODEL_ENUM) {
		list->fields[at].type = LISTING_WORD;
		column->width = larger(heading, widest_choice(row));
	}
	if (at == kind->key) {
		column->width = 22;
		column->grows = 3;
		list->kind.key[0] = row ? row->name : NULL;
	}
	list->kind.column_count++;
}

void kind_lists_start(struct kind_list lists[KIND_LISTS], struct listing listings[SCREEN_COUNT])
{
	for (size_t i = 0; i < KIND_LISTS; i++) {
		const struct model_kind *kind = model_kind(rows[i].kind);
		const struct control_verb *verb = control_verb(editing_verb(kind, "list"));
		struct kind_list *list = &lists[i];

		*list = (struct kind_list){ .kind = { .columns = list->columns,
			                              .fields = list->fields,
			                              .is_paged = true,
			                              .only_member = "scope",
			                              .only = rows[i].only_scope,
			                              .is_still = rows[i].is_still,
			                              .is_windowed = rows[i].is_windowed,
			                              .state_role = state_role } };
		snprintf(list->method, sizeof list->method, "%s.list", verb ? verb->noun : "");
		list->kind.method = list->method;
		for (size_t c = 0; c < rows[i].column_count && c < KIND_LIST_COLUMNS; c++)
			add_column(list, kind, &rows[i].columns[c]);
		listing_start(&listings[rows[i].screen], &list->kind);
		if (rows[i].is_windowed) /* the daemon's order */
			listings[rows[i].screen].table.sort = list->kind.column_count;
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
	struct area list = area, detail = area;

	if (area.height >= DETAIL_FROM_HEIGHT) {
		list.height -= DETAIL_LINES;
		detail.y = area.y + list.height;
		detail.height = DETAIL_LINES;
		draw_detail(scene, grid, detail);
	}
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
