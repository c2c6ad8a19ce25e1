#include "tui/widgets/editor.h"

#include "shared/base/text.h"

void editor_set(struct editor *editor, struct slice text)
{
	size_t length = text.len < EDITOR_BYTES ? text.len : EDITOR_BYTES - 1;

	if (length)
		memmove(editor->text, text.ptr, length); /* it may be a part of what is there */
	editor->text[length] = '\0';
	editor->length = editor->at = length;
}

static size_t before(const struct editor *editor, size_t at)
{
	while (at > 0 && ((unsigned char)editor->text[--at] & 0xc0) == 0x80)
		continue;
	return at;
}

static size_t after(const struct editor *editor, size_t at)
{
	size_t n = at < editor->length ? text_utf8_length(slice_after(editor_text(editor), at)) : 0;

	return at < editor->length ? at + (n ? n : 1) : at;
}

static void remove_range(struct editor *editor, size_t from, size_t to)
{
	memmove(editor->text + from, editor->text + to, editor->length - to + 1);
	editor->length -= to - from;
	editor->at = from;
}

static size_t word_start(const struct editor *editor)
{
	size_t at = editor->at;

	while (at > 0 && editor->text[at - 1] == ' ')
		at--;
	while (at > 0 && editor->text[at - 1] != ' ')
		at--;
	return at;
}

static size_t encode(uint32_t c, char to[4])
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static bool insert(struct editor *editor, uint32_t c)
{
	char bytes[4];
	size_t count = encode(c, bytes);

	if (editor->length + count >= EDITOR_BYTES)
		return true; /* full: the key is ours all the same */
	memmove(editor->text + editor->at + count, editor->text + editor->at,
	        editor->length - editor->at + 1);
	memcpy(editor->text + editor->at, bytes, count);
	editor->length += count;
	editor->at += count;
	return true;
}

bool editor_key(struct editor *editor, uint32_t key)
{
	switch (key) {
	case INPUT_CTRL_B:
	case INPUT_LEFT: editor->at = before(editor, editor->at); return true;
	case INPUT_CTRL_F:
	case INPUT_RIGHT: editor->at = after(editor, editor->at); return true;
	case INPUT_CTRL_A:
	case INPUT_HOME: editor->at = 0; return true;
	case INPUT_CTRL_E:
	case INPUT_END: editor->at = editor->length; return true;
	case INPUT_CTRL_H:
	case INPUT_BACKSPACE: remove_range(editor, before(editor, editor->at), editor->at); return true;
	case INPUT_CTRL_D:
	case INPUT_DELETE: {
		size_t at = editor->at;

		remove_range(editor, at, after(editor, at));
		return true;
	}
	case INPUT_CTRL_W: remove_range(editor, word_start(editor), editor->at); return true;
	case INPUT_CTRL_U: remove_range(editor, 0, editor->at); return true;
	case INPUT_CTRL_K: remove_range(editor, editor->at, editor->length); return true;
	default: break;
	}
	return key >= 0x20 && key < INPUT_FIRST && !text_is_hidden(key) ? insert(editor, key) : false;
}

void editor_draw(const struct editor *editor, struct grid *grid, int x, int y, int room, enum grid_role role)
{
	size_t from = 0;
	int cursor;

	/* One cell stays free behind the text for the cursor. */
	while (from < editor->at &&
	       grid_text_width(grid, (struct slice){ editor->text + from, editor->at - from }) >= room)
		from = after(editor, from);
	cursor = grid_text_width(grid, (struct slice){ editor->text + from, editor->at - from });
	grid_put(grid, x, y, room, slice_after(editor_text(editor), from), role);
	grid_cursor(grid, x + cursor, y);
}
