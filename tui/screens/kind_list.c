#include "tui/screens/kind_list.h"

#include <stdio.h>

#include "shared/model/snapshot.h"
#include "tui/client/words.h"
#include "tui/screens/command.h"
#include "tui/screens/editing.h"
#include "tui/screens/scene.h"

enum { DETAIL_LINES = 5, DETAIL_FROM_HEIGHT = 18 };

/* Which members are columns, the most important first: names of fields, or of what the daemon puts beside them. */
static const struct {
	enum screen screen;
	enum model_kind_id kind;
	const char *columns;
} rows[KIND_LISTS] = {
	{ SCREEN_XMPP, MODEL_XMPP_PARTNER,
	  "domain enabled state streams last_error partner-type tls-negotiation sasl-negotiation "
	  "support-dialback-negotiation verdict connection-limit description" },
};

/* Screens that are the form of one object. */
static const struct {
	enum screen screen;
	enum model_kind_id kind;
	const char *key;
} forms[] = {
	{ SCREEN_ACCESS_EDGE, MODEL_ACCESS_EDGE, "" },
	{ SCREEN_POLICY, MODEL_ACCESS_POLICY, MODEL_POLICY_GLOBAL },
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
	{ "verdict", LISTING_TEXT, 12, 2 },
	{ "state", LISTING_STATE, 10, 0 },
	{ "streams", LISTING_NUMBER, 7, 0 },
	{ "last_error", LISTING_TROUBLE, 12, 3 },
};

static enum grid_role state_role(struct slice state)
{
	if (slice_equal(state, SLICE("up")))
		return GRID_GOOD;
	return slice_equal(state, SLICE("waiting")) ? GRID_BAD
	       : slice_equal(state, SLICE("off"))   ? GRID_WARN
	                                            : GRID_NORMAL;
}

static int widest_choice(const struct model_field *row)
{
	struct slice rest = slice_of(row->choices), choice;
	size_t widest = 3;

	while (slice_next(&rest, '|', &choice))
		widest = choice.len > widest ? choice.len : widest;
	return (int)widest;
}

/* "TLS" of "tls-negotiation", "DIALBACK" of "support-dialback-negotiation": the word that tells it from its neighbours. */
static void make_heading(const char *name, char to[KIND_LIST_HEADING_BYTES])
{
	static const char *const dull[] = { "support", "negotiation", "enable", "partner" };
	struct slice rest = slice_of(name), word;
	size_t used = 0;

	to[0] = '\0';
	while (slice_next(&rest, slice_find(rest, '_') < rest.len ? '_' : '-', &word)) {
		bool is_dull = false;

		for (size_t i = 0; i < sizeof dull / sizeof *dull; i++)
			is_dull |= slice_equal(word, slice_of(dull[i]));
		if (is_dull || used + word.len + 2 > KIND_LIST_HEADING_BYTES)
			continue;
		if (used)
			to[used++] = ' ';
		for (size_t i = 0; i < word.len; i++)
			to[used++] = (char)(word.ptr[i] >= 'a' && word.ptr[i] <= 'z' ? word.ptr[i] - 'a' + 'A'
			                                                             : word.ptr[i]);
		to[used] = '\0';
	}
}

static int larger(int a, int b) { return a > b ? a : b; }

static void add_column(struct kind_list *list, const struct model_kind *kind, struct slice name)
{
	size_t at = list->kind.column_count, field;
	const struct model_field *row;
	struct table_column *column = &list->columns[at];
	char text[64];

	if (at == KIND_LIST_COLUMNS || !slice_to_text(name, text, sizeof text))
		return;
	field = model_field_named(kind, name);
	row = field < kind->field_count ? &kind->fields[field] : NULL;
	make_heading(text, list->headings[at]);
	*column = (struct table_column){ .heading = list->headings[at], .priority = (int)at };
	list->fields[at] = (struct listing_field){ row ? row->name : "verdict", LISTING_TEXT };
	column->width = larger((int)strlen(list->headings[at]), 12);
	column->grows = row && row->type != MODEL_TEXT ? 0 : 2;
	for (size_t i = 0; !row && i < sizeof beside / sizeof *beside; i++)
		if (slice_equal(name, slice_of(beside[i].member))) {
			list->fields[at] = (struct listing_field){ beside[i].member, beside[i].type };
			column->width = larger((int)strlen(list->headings[at]), beside[i].width);
			column->grows = beside[i].grows;
			column->is_number = beside[i].type == LISTING_NUMBER;
		}
	if (row && row->type == MODEL_BOOL) {
		list->fields[at].type = LISTING_FLAG;
		column->width = larger((int)strlen(list->headings[at]), 3);
	} else if (row && row->type == MODEL_NUMBER) {
		list->fields[at].type = LISTING_NUMBER;
		column->is_number = true;
		column->width = larger((int)strlen(list->headings[at]), 5);
	} else if (row && row->type == MODEL_ENUM) {
		column->width = larger((int)strlen(list->headings[at]), widest_choice(row));
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
		struct slice rest = slice_of(rows[i].columns), name;
		struct kind_list *list = &lists[i];

		*list = (struct kind_list){ .kind = { .columns = list->columns,
			                              .fields = list->fields,
			                              .is_paged = true,
			                              .state_role = state_role } };
		snprintf(list->method, sizeof list->method, "%s.list", verb ? verb->noun : "");
		list->kind.method = list->method;
		while (slice_next(&rest, ' ', &name))
			add_column(list, kind, name);
		listing_start(&listings[rows[i].screen], &list->kind);
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
	x += grid_put_text(grid, x, y, end - x, ": ", GRID_NORMAL);
	grid_put(grid, x, y++, end - x,
	         scene_text(row, "authentication").len ? scene_text(row, "authentication")
	                                               : scene_text(row, "verdict"),
	         GRID_NORMAL);
	x = area.x + 1;
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

static void draw_kind(struct scene *scene, struct grid *grid, struct area area, const char *nothing)
{
	struct area list = area, detail = area;

	if (area.height >= DETAIL_FROM_HEIGHT) {
		list.height -= DETAIL_LINES;
		detail.y = area.y + list.height;
		detail.height = DETAIL_LINES;
		draw_detail(scene, grid, detail);
	}
	listing_draw(scene, &scene->listings[scene->screen], grid, list, nothing);
}

static void write_command(const struct scene *scene, struct buffer *out)
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

void xmpp_draw(struct scene *scene, struct grid *grid, struct area area)
{
	draw_kind(scene, grid, area, _("No XMPP partners: nobody on XMPP can be reached. n adds one."));
}

void xmpp_command(const struct scene *scene, struct buffer *out) { write_command(scene, out); }
