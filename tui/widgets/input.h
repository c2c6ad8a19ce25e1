/*
 * input: one thing that came from the keyboard.
 *
 * Below INPUT_FIRST it is a character's code point (control letters as 1..26);
 * from there on a named key.
 */
#ifndef TUI_WIDGETS_INPUT_H
#define TUI_WIDGETS_INPUT_H

#include <stdint.h>

enum {
	INPUT_CTRL_A = 1,
	INPUT_CTRL_B = 2,
	INPUT_CTRL_C = 3,
	INPUT_CTRL_D = 4,
	INPUT_CTRL_E = 5,
	INPUT_CTRL_F = 6,
	INPUT_CTRL_H = 8,
	INPUT_TAB = 9,
	INPUT_CTRL_K = 11,
	INPUT_CTRL_L = 12,
	INPUT_CTRL_N = 14,
	INPUT_CTRL_R = 18,
	INPUT_CTRL_U = 21,
	INPUT_CTRL_W = 23,
	INPUT_CTRL_Z = 26,
	INPUT_FIRST = 0x110000,
	INPUT_NONE = INPUT_FIRST, /* nothing, or a key without meaning here */
	INPUT_UP,
	INPUT_DOWN,
	INPUT_LEFT,
	INPUT_RIGHT,
	INPUT_HOME,
	INPUT_END,
	INPUT_PAGE_UP,
	INPUT_PAGE_DOWN,
	INPUT_ENTER,
	INPUT_ESCAPE,
	INPUT_BACKSPACE,
	INPUT_DELETE,
	INPUT_BACK_TAB,
	INPUT_F1,
	INPUT_F2,
	INPUT_F3,
	INPUT_F5,
	INPUT_F8,
	INPUT_F10,
	INPUT_RESIZE,
	INPUT_PASTE_BEGIN, /* what follows until PASTE_END is text, not keys */
	INPUT_PASTE_END,
};

#endif
