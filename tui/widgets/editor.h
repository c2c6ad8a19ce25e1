/*
 * editor: one line of text being typed; readline's keys.
 */
#ifndef TUI_WIDGETS_EDITOR_H
#define TUI_WIDGETS_EDITOR_H

#include "tui/widgets/grid.h"
#include "tui/widgets/input.h"

enum { EDITOR_BYTES = 1024 };

struct editor {
	char text[EDITOR_BYTES]; /* UTF-8, NUL-terminated */
	size_t length, at;       /* bytes; the cursor stands before text[at] */
};

void editor_set(struct editor *editor, struct slice text); /* cursor at the end */
static inline struct slice editor_text(const struct editor *editor)
{
	return (struct slice){ editor->text, editor->length };
}
/* True when the key was one of the line's: a character, movement or deletion. Enter and Escape are the owner's. */
bool editor_key(struct editor *editor, uint32_t key);
/* Draws and places the cursor; a text that is too long is scrolled so that the cursor is seen. */
void editor_draw(const struct editor *editor, struct grid *grid, int x, int y, int room, enum grid_role role);

#endif
