#include "daemon/sip/written.h"

/* The line before the next CRLF, which is taken too; false when no whole line is left. */
static bool take_line(struct slice *rest, struct slice *line)
{
	size_t end = slice_find(*rest, '\n');

	if (end == rest->len || end == 0 || rest->ptr[end - 1] != '\r')
		return false;
	*line = slice_first(*rest, end - 1);
	*rest = slice_after(*rest, end + 1);
	return true;
}

struct slice sip_written_start(struct slice message)
{
	struct slice line;

	return take_line(&message, &line) ? line : SLICE("");
}

bool sip_written_next(struct slice *rest, enum sip_header_id *id, struct slice *value)
{
	struct slice line;

	if (!take_line(rest, &line) || line.len == 0)
		return false;

	size_t colon = slice_find(line, ':');

	if (colon == line.len)
		return false;
	*id = sip_header_id(slice_trim(slice_first(line, colon)));
	*value = slice_trim(slice_after(line, colon + 1));
	return true;
}

bool sip_written_find(struct slice message, enum sip_header_id id, struct slice *value)
{
	enum sip_header_id found;
	struct slice line;

	if (!take_line(&message, &line))
		return false;
	while (sip_written_next(&message, &found, value))
		if (found == id)
			return true;
	return false;
}
