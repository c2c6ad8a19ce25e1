/* The frame around every screen: header, title, navigation, command or message, hints. */
#include <stdio.h>

#include "tui/client/shown.h"
#include "tui/client/words.h"
#include "tui/screens/scene.h"

/* ---- line 1: who and where ---- */

/* Who I am gives way first, then the name: version and mode are what must be seen. */
static void draw_identity(const struct scene *scene, struct grid *grid, int room)
{
	bool is_ro = scene->is_read_only || slice_equal(scene_text(scene->hello, "mode"), SLICE("ro"));
	long long version = (long long)scene_number(scene->status ? scene->status : scene->hello, "version");
	struct slice node = scene_text(scene->hello, "node");
	char rest[200], role[48], user[48], staged[32] = "";
	int x = 1;

	slice_to_text(scene_text(scene->hello, "role"), role, sizeof role);
	slice_to_text(scene_text(scene->hello, "user"), user, sizeof user);
	if (scene_is_staged(scene))
		snprintf(staged, sizeof staged, _("  staged %lld"), (long long)scene_staged(scene));
	snprintf(rest, sizeof rest, "  v%lld  %s (%s) %s%s", version, user, role, is_ro ? "RO" : "RW",
	         staged);
	if (x + grid_text_width(grid, node) + grid_text_width(grid, slice_of(rest)) > room)
		snprintf(rest, sizeof rest, "  v%lld  %s%s", version, is_ro ? "RO" : "RW", staged);
	x += grid_put(grid, x, 0, room - x - grid_text_width(grid, slice_of(rest)), node, GRID_FOCUS);
	grid_put_text(grid, x, 0, room - x, rest, GRID_NORMAL);
}

static void draw_header(const struct scene *scene, struct grid *grid)
{
	size_t attention = scene_attention_count(scene);
	long long waiting = (long long)scene_number(scene->status, "confirm_version");
	int64_t left_ms = scene_number(scene->status, "confirm_until") - scene->now.wall_ms;
	char clock[SHOWN_BYTES], age[SHOWN_BYTES], right[96];
	int end = grid->width - 1, room;

	shown_moment(scene->now.wall_ms, scene->now.wall_ms, clock);
	if (waiting)
		snprintf(right, sizeof right, _("v%lld goes back in %s: Y keeps  %s UTC"), waiting,
		         shown_age(left_ms > 0 ? left_ms : 0, age), clock);
	else if (attention)
		snprintf(right, sizeof right, _("%zu warn  %s UTC"), attention, clock);
	else
		snprintf(right, sizeof right, "%s UTC", clock);
	room = end - grid_text_width(grid, slice_of(right)) - 2;
	grid_put_right(grid, end, 0, end, slice_of(right), attention || waiting ? GRID_WARN : GRID_NORMAL);
	if (scene->hello)
		draw_identity(scene, grid, room);
	else
		grid_put_text(grid, 1, 0, room, "parley", GRID_FOCUS);
}

/* ---- line 2: which screen, and how fresh it is ---- */

static bool link_words(const struct scene *scene, char *to, size_t size)
{
	char age[SHOWN_BYTES], retry[SHOWN_BYTES];
	int64_t now = scene->now.mono_ms;

	if (scene->link == CLIENT_UP || (scene->link == CLIENT_GREETING && scene->waiting_since_ms >= 0)) {
		int64_t silent = scene->waiting_since_ms >= 0 ? now - scene->waiting_since_ms : 0;

		if (silent < SCENE_SILENT_MS)
			return false;
		snprintf(to, size, _("no answer for %s"), shown_age(silent, age));
		return true;
	}
	if (scene->link == CLIENT_GREETING)
		return false;
	if (!scene->hello)
		snprintf(to, size, _("not connected, retry in %s"),
		         shown_age(scene->retry_at_ms > now ? scene->retry_at_ms - now : 0, retry));
	else
		snprintf(to, size, _("control link lost %s, retry in %s"),
		         shown_age(now - scene->link_since_ms, age),
		         shown_age(scene->retry_at_ms > now ? scene->retry_at_ms - now : 0, retry));
	return true;
}

static void draw_title(const struct scene *scene, struct grid *grid)
{
	struct buffer title;
	char link[120];
	int end = grid->width - 1, x;
	const char *name = _(screen_row(scene->screen)->title);
	int name_cells = screen_row(scene->screen)->key ? grid_text_width(grid, slice_of(name)) : 0;
	const char *hint = scene_place(scene) & action(ACTION_MENU)->where ? _("m menu  : command  ? help")
	                                                                   : _(": command  ? help");

	buffer_start(&title, 4096);
	if (scene->screen == SCREEN_EVENTS)
		events_title(scene, &title);
	else if (scene_is_form(scene))
		form_title(scene, &title);
	else if (scene->listings[scene->screen].kind)
		listing_title(&scene->listings[scene->screen], name, &title);
	else
		buffer_add(&title, slice_of(scene->screen == SCREEN_READING ? scene->reading_title : name));
	if (scene->screen == SCREEN_READING && scene->pager.lines > (size_t)scene->pager.page)
		buffer_printf(&title, _("   row %zu of %zu"), scene->pager.top + 1, scene->pager.lines);
	if (link_words(scene, link, sizeof link)) {
		end -= grid_text_width(grid, slice_of(link));
		grid_put_text(grid, end, 1, grid->width, link, GRID_BAD);
	} else {
		/* The title is worth more than the hint. */
		if (grid_text_width(grid, buffer_slice(&title)) + grid_text_width(grid, slice_of(hint)) + 4 <
		    end) {
			end -= grid_text_width(grid, slice_of(hint));
			grid_put_text(grid, end, 1, grid->width, hint, GRID_DIM);
		}
	}
	x = grid_put(grid, 1, 1, end - 3, buffer_slice(&title), GRID_NORMAL);
	if (scene->as_of) { /* nobody may take an old version for what is so now */
		char as_of[48];

		snprintf(as_of, sizeof as_of, _("  AS OF v%lld  "), (long long)scene->as_of);
		grid_put_text(grid, end - grid_text_width(grid, slice_of(as_of)) - 1, 1, 48, as_of, GRID_BAD);
	}
	grid_paint(grid, 1, 1, name_cells && x > name_cells ? name_cells : x, GRID_FOCUS);
	buffer_stop(&title);
}

/* ---- the last two lines ---- */

static const char *prompt_label(enum prompt prompt)
{
	switch (prompt) {
	case PROMPT_FILTER: return "/";
	case PROMPT_COMMAND: return ":";
	case PROMPT_FILE: return _("Import users from the file: ");
	case PROMPT_KIND: return _("New, of which kind: ");
	case PROMPT_EXPORT: return _("Write this list to the file (.csv, .json, .txt): ");
	case PROMPT_COMMENT:
	case PROMPT_REASON: return _("Comment (why?): ");
	case PROMPT_NONE: break;
	}
	return "";
}

static void draw_command(const struct scene *scene, struct grid *grid, int y)
{
	struct buffer command;
	char age[SHOWN_BYTES];
	int room = grid->width - 2;

	if (scene->prompt != PROMPT_NONE && !scene->dialog.is_open) {
		int used = grid_put_text(grid, 1, y, room, prompt_label(scene->prompt), GRID_FOCUS);

		editor_draw(&scene->editor, grid, 1 + used, y, room - used, GRID_NORMAL);
		return;
	}
	if (scene->saving[0] && !scene->dialog.is_open) {
		int64_t since = scene->now.mono_ms - scene->saving_since_ms;
		char count[48] = "";

		if (scene->saving_count > 1)
			snprintf(count, sizeof count, _(" %zu of %zu"), scene->saving_done + 1,
			         scene->saving_count);
		grid_printf(grid, 1, y, room, GRID_WARN,
		            since >= 1000 ? _("saving%s... %s  (%s)") : _("saving%s...  %s(%s)"), count,
		            since >= 1000 ? shown_age(since, age) : "", scene->saving);
		return;
	}
	if (scene->message[0] && !scene->dialog.is_open) {
		grid_put_text(grid, 1, y, room, scene->message, scene->message_role);
		return;
	}
	buffer_start(&command, 4096);
	buffer_add(&command, SLICE("$ parley "));
	scene_command(scene, &command);
	grid_put(grid, 1, y, room, buffer_slice(&command), GRID_DIM);
	buffer_stop(&command);
}

static int put_hint(struct grid *grid, int x, int y, int end, const char *key, const char *label)
{
	int width = grid_text_width(grid, slice_of(key)) + 1 + grid_text_width(grid, slice_of(label));

	/* One cell at the end stays free: writing the last one scrolls old terminals. */
	if (x + width > end - 1)
		return x;
	x += grid_put_text(grid, x, y, width, key, GRID_FOCUS) + 1;
	x += grid_put_text(grid, x, y, width, label, GRID_NORMAL) + 2;
	return x;
}

/* Where g leads, on as many lines as that takes, the last of them at `bottom`: no letter is to be guessed. */
static void draw_places(struct grid *grid, int bottom)
{
	int lines = 1, x = 1, y;

	for (bool is_counting = true;; is_counting = false) {
		y = bottom - lines + 1;
		x = 1;
		if (!is_counting)
			grid_fill(grid, 0, y, grid->width, lines);
		for (int i = 0; i <= SCREEN_COUNT; i++) {
			const struct screen_row *row = i < SCREEN_COUNT ? screen_row((enum screen)i) : NULL;
			char key[2] = { row ? (char)row->key : 'g', '\0' };
			const char *word = row ? row->word : _("first row");
			int width = 2 + grid_text_width(grid, slice_of(word));

			if (!key[0])
				continue;
			if (x > 1 && x + width > grid->width - 1) {
				x = 1;
				y++;
			}
			if (!is_counting)
				put_hint(grid, x, y, grid->width, key, word);
			x += width + 2;
		}
		if (!is_counting)
			return;
		lines = y - bottom + 1 + lines - 1;
	}
}

/* Hints for those who type: the keys of the field or question, else those of the screen. */
static void draw_hints(const struct scene *scene, struct grid *grid, int y)
{
	unsigned place = scene_place(scene);
	const char *back = scene->under_count || !(place & BROWSED) ? _("back") : _("quit");
	enum action_id out = place & BROWSED ? ACTION_BACK : ACTION_BACK_FORM; /* always shown */
	int x = 1, back_width = grid_text_width(grid, slice_of(action(out)->shown)) + 1 +
	                        grid_text_width(grid, slice_of(back));

	if (!scene->dialog.is_open && scene->prompt != PROMPT_NONE && scene->offers[0]) {
		grid_put_text(grid, 1, y, grid->width - 2, scene->offers, GRID_NORMAL);
		return;
	}
	if (scene->dialog.is_open && scene->dialog.is_notice) {
		put_hint(grid, x, y, grid->width, "Esc", _("back")); /* it asks nothing */
		return;
	}
	if (scene->dialog.is_open || scene->prompt != PROMPT_NONE) {
		if (!scene->dialog.is_open)
			x = put_hint(grid, x, y, grid->width, "Enter",
			             scene->prompt == PROMPT_FILTER ? _("keep") : _("accept"));
		else if (!scene->dialog.word[0])
			x = put_hint(grid, x, y, grid->width, "y", _("yes"));
		else
			x = put_hint(grid, x, y, grid->width, "Enter", _("accept what is typed"));
		if (scene->dialog.is_open && scene->dialog.other)
			x = put_hint(grid, x, y, grid->width, "s", _("stage instead"));
		if (scene->dialog.is_open && scene->dialog.turn)
			x = put_hint(grid, x, y, grid->width, "t", _("timer"));
		if (!scene->dialog.is_open && scene->prompt == PROMPT_FILTER &&
		    scene_filter((struct scene *)(uintptr_t)scene)->length && !scene->editor.length)
			x = put_hint(grid, x, y, grid->width, "Up", _("the present one"));
		if (!scene->dialog.is_open && scene->prompt == PROMPT_COMMAND)
			x = put_hint(grid, x, y, grid->width, "Tab", _("complete"));
		put_hint(grid, x, y, grid->width, "Esc",
		         !scene->dialog.is_open  ? _("discard")
		         : scene->dialog.word[0] ? _("do not")
		                                 : _("no"));
		return;
	}
	if (scene->awaits_place) {
		draw_places(grid, y);
		return;
	}
	for (int i = 0; i < ACTION_COMMAND; i++) {
		const struct action *row = action((enum action_id)i);
		int room = i < (int)out ? grid->width - back_width - 2 : grid->width;

		if (!(row->where & place) || !scene_allows(scene, (enum action_id)i))
			continue;
		x = put_hint(grid, x, y, room, row->shown,
		             i == ACTION_BACK || i == ACTION_BACK_FORM ? back : _(row->label));
	}
}

/* ---- wide: where one can go ---- */

static void draw_place(struct grid *grid, int y, const char *key, const char *name, bool is_here)
{
	grid_printf(grid, 0, y, SCENE_NAVIGATION - 1, is_here ? GRID_FOCUS : GRID_NORMAL, "%s%s %s",
	            is_here ? ">" : " ", key, name);
}

static void draw_navigation(const struct scene *scene, struct grid *grid, struct area area)
{
	enum screen here = scene_place_below(scene);
	int y = area.y, end = area.y + area.height; /* below are the command and the hints */

	grid_upright(grid, SCENE_NAVIGATION, area.y, area.height, GRID_DIM);
	for (int group = GROUP_STATUS; group < GROUP_NOWHERE; group++) {
		if (y < end)
			grid_put_text(grid, 1, y, SCENE_NAVIGATION - 2,
			              screen_group((enum screen_group)group), GRID_DIM);
		y++;
		for (int i = 0; i < SCREEN_COUNT; i++) {
			const struct screen_row *row = screen_row((enum screen)i);
			char key[2] = { (char)row->key, '\0' };

			if ((int)row->group == group && y < end)
				draw_place(grid, y++, key, _(row->title), here == (enum screen)i);
		}
		y++;
	}
	if (y + 1 >= end)
		return;
	grid_put_text(grid, 1, y++, SCENE_NAVIGATION - 2, _("g and the letter"), GRID_DIM);
	grid_put_text(grid, 1, y, SCENE_NAVIGATION - 2, _("goes there"), GRID_DIM);
}

/* ---- too small for a screen ---- */

static void draw_tiny(const struct scene *scene, struct grid *grid)
{
	const struct json *services = json_get(scene->status, "services");
	char link[120];
	int y = 0;

	grid_put(grid, 0, y++, grid->width, scene->hello ? scene_text(scene->hello, "node") : SLICE("parley"),
	         GRID_FOCUS);
	if (link_words(scene, link, sizeof link))
		grid_put_text(grid, 0, y++, grid->width, link, GRID_BAD);
	for (size_t i = 0; i < json_count(services); i++) {
		char name[32], state[32];

		slice_to_text(scene_text(json_at(services, i), "name"), name, sizeof name);
		slice_to_text(scene_text(json_at(services, i), "state"), state, sizeof state);
		grid_printf(grid, 0, y++, grid->width, GRID_NORMAL, "%s %s", name, state);
	}
	grid_printf(grid, 0, y++, grid->width, GRID_NORMAL, _("%zu warn"), scene_attention_count(scene));
	grid_printf(grid, 0, y, grid->width - 1, GRID_DIM, _("60x16 shows more; q quits"));
}

/* What a terminal's selection copies: the body, no frame around it and no sign of the cursor in it. */
static void draw_bare(struct scene *scene, struct grid *grid)
{
	struct area area = { 0, 0, grid->width, grid->height };
	struct grid_cell *cell;

	grid->is_bare = true;
	scene_settle(scene);
	screen_row(scene->screen)->draw(scene, grid, area);
	grid->is_bare = false;
	cell = &grid->cells[(size_t)grid->cursor_y * (size_t)grid->width + (size_t)grid->cursor_x];
	if (cell->c == '>')
		cell->c = ' ';
	grid_tighten(grid);
}

void scene_draw(struct scene *scene, struct grid *grid)
{
	struct area area = { 0, 2, grid->width, grid->height - 4 };

	grid_clear(grid);
	if (grid->width < SCENE_WIDTH_MIN || grid->height < SCENE_HEIGHT_MIN) {
		draw_tiny(scene, grid);
		return;
	}
	if (scene->is_bare) {
		draw_bare(scene, grid);
		return;
	}
	draw_header(scene, grid);
	if (grid->width >= SCENE_WIDTH_WIDE) {
		draw_navigation(scene, grid, area);
		area.x = SCENE_NAVIGATION + 1;
		area.width -= SCENE_NAVIGATION + 1;
	}
	if (!scene->stepped_ms || scene->now.mono_ms - scene->stepped_ms >= SCENE_SETTLE_MS)
		scene_settle(scene);
	screen_row(scene->screen)->draw(scene, grid, area);
	draw_title(scene, grid); /* after the body, which counts its rows */
	draw_command(scene, grid, grid->height - 2);
	draw_hints(scene, grid, grid->height - 1);
	if (scene->dialog.is_open)
		dialog_draw(&scene->dialog, grid);
}
