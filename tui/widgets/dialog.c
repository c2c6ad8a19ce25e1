#include "tui/widgets/dialog.h"

#include <stdio.h>

void dialog_open(struct dialog *dialog, const char *title, const char *question, const char *word)
{
	*dialog = (struct dialog){ .is_open = true };
	snprintf(dialog->title, sizeof dialog->title, "%s", title);
	snprintf(dialog->question, sizeof dialog->question, "%s", question);
	snprintf(dialog->word, sizeof dialog->word, "%s", word ? word : "");
}

void dialog_add_line(struct dialog *dialog, const char *format, ...)
{
	for (int i = 0; i < DIALOG_LINES; i++) {
		va_list args;

		if (dialog->lines[i][0])
			continue;
		va_start(args, format);
		vsnprintf(dialog->lines[i], sizeof dialog->lines[i], format, args);
		va_end(args);
		return;
	}
}

void dialog_refuse(struct dialog *dialog, const char *words, const char *leave)
{
	memset(dialog->lines, 0, sizeof dialog->lines); /* what it would do, it will not */
	dialog_add_line(dialog, "%s", words);
	snprintf(dialog->question, sizeof dialog->question, "%s", leave);
	dialog->word[0] = '\0';
	dialog->other = dialog->turn = 0;
	dialog->note[0] = '\0';
	dialog->is_notice = true;
}

static enum dialog_answer close_with(struct dialog *dialog, bool is_yes)
{
	dialog->is_open = false;
	return is_yes ? DIALOG_YES : DIALOG_NO;
}

enum dialog_answer dialog_key(struct dialog *dialog, uint32_t key)
{
	if (key == INPUT_ESCAPE || key == INPUT_CTRL_C)
		return close_with(dialog, false);
	if (dialog->other && key == dialog->other && !dialog->editor.length) {
		dialog->is_open = false;
		return DIALOG_OTHER;
	}
	if (dialog->turn && key == dialog->turn && !dialog->editor.length)
		return DIALOG_TURN;
	if (!dialog->word[0]) {
		if (key == 'y' || key == 'Y')
			return close_with(dialog, !dialog->is_notice);
		return key == 'n' || key == 'N' || key == 'q' || key == INPUT_ENTER
		               ? close_with(dialog, false)
		               : DIALOG_OPEN;
	}
	if (key == INPUT_ENTER)
		return close_with(dialog, slice_equal(editor_text(&dialog->editor), slice_of(dialog->word)));
	editor_key(&dialog->editor, key);
	return DIALOG_OPEN;
}

/* One line of the dialog, folded; returns how many lines it takes. Drawn from line `y` on where `draws`. */
static int put_folded(struct grid *grid, int x, int y, int room, const char *line, bool draws)
{
	struct slice rest = slice_of(line);
	int count = 0;

	while (rest.len) {
		size_t cut = grid_fold(grid, rest, room - (count ? 2 : 0));

		if (draws)
			grid_put(grid, x + (count ? 2 : 0), y + count, room, slice_first(rest, cut),
			         GRID_NORMAL);
		rest = slice_after(rest, cut);
		while (rest.len && rest.ptr[0] == ' ')
			rest = slice_after(rest, 1);
		count++;
	}
	return count;
}

void dialog_draw(const struct dialog *dialog, struct grid *grid)
{
	int room = grid->width < 78 ? grid->width - 4 : 74, height = dialog->note[0] ? 5 : 4, count = 0, x, y,
	    line, used;

	/* Where there is little room, the question stays and the last lines give way. */
	for (; count < DIALOG_LINES && dialog->lines[count][0]; count++) {
		int more = put_folded(grid, 0, 0, room, dialog->lines[count], false);

		if (height + more > grid->height)
			break;
		height += more;
	}
	x = (grid->width - room - 4) / 2;
	y = (grid->height - height) / 2;
	x = x > 0 ? x : 0;
	y = y > 0 ? y : 0;
	grid_fill(grid, x, y, room + 4, height);
	grid_frame(grid, x, y, room + 4, height, GRID_WARN);
	grid_set(grid, x + 1, y, ' ', GRID_WARN);
	used = grid_put_text(grid, x + 2, y, room, dialog->title, GRID_FOCUS);
	grid_set(grid, x + 2 + used, y, ' ', GRID_WARN);
	line = y + 1;
	for (int i = 0; i < count; i++)
		line += put_folded(grid, x + 2, line, room, dialog->lines[i], true);
	grid_put_text(grid, x + 2, y + height - 3, room, dialog->note, GRID_NORMAL);
	used = grid_put_text(grid, x + 2, y + height - 2, room, dialog->question, GRID_WARN);
	if (dialog->word[0])
		editor_draw(&dialog->editor, grid, x + 3 + used, y + height - 2, room - used - 1,
		            GRID_NORMAL);
	else
		grid_cursor(grid, x + 3 + used, y + height - 2);
}
