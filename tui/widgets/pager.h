/*
 * pager: lines to read, scrolled; a sentence too long for the last column of its line is folded.
 */
#ifndef TUI_WIDGETS_PAGER_H
#define TUI_WIDGETS_PAGER_H

#include "tui/widgets/grid.h"
#include "tui/widgets/input.h"

struct pager {
	struct buffer text; /* lines, LF between them */
	size_t top;         /* row drawn first */
	size_t lines;       /* rows on the screen, as counted when last drawn */
	int left;           /* cells scrolled to the right */
	int page;           /* lines drawn last time */
};

enum { PAGER_BYTES_MAX = 4 * 1024 * 1024 };

void pager_start(struct pager *pager);
void pager_stop(struct pager *pager);
/* The owner has filled pager->text anew: to the top. */
void pager_settle(struct pager *pager);
bool pager_key(struct pager *pager, uint32_t key); /* false: not a movement */
void pager_draw(struct pager *pager, struct grid *grid, int x, int y, int width, int height);

#endif
