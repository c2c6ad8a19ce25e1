#include "tui/widgets/spark.h"

static double greatest(const double *values, size_t count)
{
	double most = 0;

	for (size_t i = 0; i < count; i++)
		most = values[i] > most ? values[i] : most;
	return most;
}

void spark_draw(struct grid *grid, int x, int y, int cells, const double *values, size_t count,
                enum grid_role role)
{
	static const char ascii[] = " .:-=+*#";
	static const uint32_t blocks[] = { ' ', 0x2581, 0x2582, 0x2583, 0x2584, 0x2585, 0x2586, 0x2588 };
	double most = greatest(values, count);
	size_t width = cells > 0 ? (size_t)cells : 0;

	for (size_t i = 0; i < width && count; i++) {
		size_t from = i * count / width, to = (i + 1) * count / width;
		double value = greatest(values + from, to > from ? to - from : 1);
		int level = value > 0 ? 1 + (int)(value / most * 6.999) : 0;

		grid_set(grid, x + (int)i, y,
		         grid->looks.has_frames ? blocks[level] : (unsigned char)ascii[level], role);
	}
}
