/* All screens, by group, and what each is for: for who does not know the letters, and where the hints have no room. */
#include "tui/client/words.h"
#include "tui/screens/scene.h"

/* The nth one that can be gone to; SCREEN_COUNT past the last. */
static enum screen nth(size_t n)
{
	for (int i = 0; i < SCREEN_COUNT; i++)
		if (screen_row((enum screen)i)->key && n-- == 0)
			return (enum screen)i;
	return SCREEN_COUNT;
}

static size_t count(void)
{
	size_t n = 0;

	while (nth(n) < SCREEN_COUNT)
		n++;
	return n;
}

void scene_open_menu(struct scene *scene)
{
	scene->menu_at = 0;
	for (size_t i = 0; nth(i) < SCREEN_COUNT; i++)
		if (nth(i) == scene_place_below(scene))
			scene->menu_at = i;
	scene_open(scene, SCREEN_MENU);
}

bool menu_key(struct scene *scene, uint32_t key)
{
	if (key == INPUT_UP)
		scene->menu_at -= scene->menu_at > 0;
	else if (key == INPUT_DOWN)
		scene->menu_at += scene->menu_at + 1 < count();
	else if (key == INPUT_HOME)
		scene->menu_at = 0;
	else if (key == INPUT_END)
		scene->menu_at = count() - 1;
	else
		return false;
	return true;
}

enum screen menu_choice(const struct scene *scene, uint32_t key)
{
	return key == INPUT_ENTER ? nth(scene->menu_at) : screen_of_key(key);
}

/* As many rows as there is room for, the chosen one among them; the last line says how many there are beside. */
void menu_draw(struct scene *scene, struct grid *grid, struct area area)
{
	size_t room = area.height > 0 ? (size_t)area.height : 0;
	bool is_cut = count() > room && room > 1;
	size_t top = 0;
	enum screen_group group = GROUP_NOWHERE;

	room -= is_cut;
	if (scene->menu_at >= room && room)
		top = scene->menu_at - room + 1;
	if (is_cut)
		grid_printf(grid, area.x + 19, area.y + (int)room, area.width - 20, GRID_DIM,
		            _("%zu more above, %zu more below"), top, count() - top - room);

	for (size_t i = top; nth(i) < SCREEN_COUNT && i - top < room; i++) {
		const struct screen_row *row = screen_row(nth(i));
		int x = area.x, y = area.y + (int)(i - top), end = area.x + area.width - 1;
		bool is_here = i == scene->menu_at;

		if (row->group != group)
			grid_put_text(grid, x + 1, y, 16, screen_group(row->group), GRID_DIM);
		group = row->group;
		x += 18;
		grid_printf(grid, x, y, 19, is_here ? GRID_FOCUS : GRID_NORMAL, "%s%c %s",
		            is_here ? ">" : " ", (char)row->key, _(row->title));
		x += 20;
		grid_put_text(grid, x, y, end - x, _(row->purpose), GRID_NORMAL);
		if (is_here)
			grid_cursor(grid, area.x + 18, y);
	}
}

void menu_command(const struct scene *scene, struct buffer *out)
{
	buffer_printf(out, "console %s", screen_row(nth(scene->menu_at))->word);
}
