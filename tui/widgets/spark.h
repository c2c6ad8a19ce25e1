/*
 * spark: a row of rates, one cell each, oldest first.
 */
#ifndef TUI_WIDGETS_SPARK_H
#define TUI_WIDGETS_SPARK_H

#include "tui/widgets/grid.h"

/* `count` values squeezed into `cells` (each cell shows the greatest of its share); full height is the greatest of all. */
void spark_draw(struct grid *grid, int x, int y, int cells, const double *values, size_t count,
                enum grid_role role);

#endif
