#include "shared/control/control.h"

enum result control_line_next(const struct buffer *in, struct slice *line, size_t *consumed)
{
	struct slice bytes = buffer_slice(in);
	size_t end = slice_find(bytes, '\n');

	*line = SLICE_NONE;
	*consumed = 0;
	if (end >= CONTROL_LINE_MAX)
		return RESULT_LIMIT; /* the LF is counted: a buffer of CONTROL_LINE_MAX holds the longest line */
	if (end == bytes.len)
		return RESULT_AGAIN;
	*line = slice_first(bytes, end);
	*consumed = end + 1;
	return RESULT_OK;
}
