/*
 * dialog: a question before something that others will feel.
 *
 * It names the effect.  Level 1 wants `y`; level 2 wants a number or name typed,
 * when something live breaks.  Enter alone never agrees.
 */
#ifndef TUI_WIDGETS_DIALOG_H
#define TUI_WIDGETS_DIALOG_H

#include "tui/widgets/editor.h"

enum { DIALOG_LINES = 10, DIALOG_LINE_BYTES = 200, DIALOG_TEXT_BYTES = 1024, DIALOG_WORD_BYTES = 32 };

enum dialog_answer { DIALOG_OPEN, DIALOG_YES, DIALOG_NO, DIALOG_OTHER, DIALOG_TURN };

struct dialog {
	bool is_open;
	char title[DIALOG_LINE_BYTES];
	char lines[DIALOG_LINES][DIALOG_TEXT_BYTES]; /* folded where drawn; "" ends them */
	char question[DIALOG_LINE_BYTES];            /* "Publish? y/N", or what to type */
	char word[DIALOG_WORD_BYTES];                /* "": y is enough */
	bool is_notice;                              /* nothing is asked any more: every answer is no */
	uint32_t other;                              /* a key for a third answer; 0: none */
	uint32_t turn; /* a key that turns what `note` says: DIALOG_TURN, still open; 0: none */
	char note[DIALOG_LINE_BYTES]; /* above the question, always seen; "" */
	struct editor editor;
};

void dialog_open(struct dialog *dialog, const char *title, const char *question, const char *word);
void dialog_add_line(struct dialog *dialog, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* In place of the question: why there is none, and how it is left. */
void dialog_refuse(struct dialog *dialog, const char *words, const char *leave);
enum dialog_answer dialog_key(struct dialog *dialog,
                              uint32_t key); /* closes it unless DIALOG_OPEN or DIALOG_TURN */
void dialog_draw(const struct dialog *dialog, struct grid *grid);

#endif
