#include "daemon/link/link_frame.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct row {
	const char *name;
	bool has_fd;
	uint32_t least, most;
} rows[] = {
#define FRAME(id, name, fd, least, most, sentence) { name, (fd) != 0, least, most },
#include "daemon/link/frames.def"
#undef FRAME
};

struct head {
	uint32_t type, length;
	uint64_t number;
};
_Static_assert(sizeof(struct head) == LINK_HEAD_BYTES, "the head has no gaps");

const char *link_type_name(enum link_type type)
{
	return (size_t)type < COUNT(rows) ? rows[type].name : "unknown";
}

enum result link_frame_check(enum link_type type, size_t payload, bool has_fd, struct reason *reason)
{
	if ((size_t)type >= COUNT(rows))
		return fail(reason, RESULT_INVALID, "frame of unknown type %u", (unsigned)type);

	const struct row *row = &rows[type];

	if (payload < row->least || payload > row->most)
		return fail(reason, RESULT_INVALID, "%s: payload of %zu bytes, allowed are %u to %u",
		            row->name, payload, row->least, row->most);
	if (has_fd != row->has_fd)
		return fail(reason, RESULT_INVALID, "%s: %s descriptor", row->name,
		            has_fd ? "an unwanted" : "without its");
	return RESULT_OK;
}

void link_frame_head(enum link_type type, uint64_t number, size_t payload, char head[LINK_HEAD_BYTES])
{
	struct head as = { .type = (uint32_t)type, .length = (uint32_t)payload, .number = number };

	memcpy(head, &as, sizeof as);
}

enum result link_frame_read(struct slice packet, bool is_cut, bool has_fd, struct link_frame *out,
                            struct reason *reason)
{
	struct head head;

	*out = (struct link_frame){ .fd = -1 };
	if (packet.len < sizeof head)
		return fail(reason, RESULT_INVALID, "frame of %zu bytes is shorter than its head",
		            packet.len);
	memcpy(&head, packet.ptr, sizeof head);
	if (is_cut || head.length != packet.len - sizeof head)
		return fail(reason, RESULT_INVALID, "%s: says %u bytes, came with %zu%s",
		            link_type_name((enum link_type)head.type), head.length, packet.len - sizeof head,
		            is_cut ? " or more" : "");
	if (head.type >= LINK_TYPE_COUNT)
		return fail(reason, RESULT_INVALID, "frame of unknown type %u", head.type);
	out->type = (enum link_type)head.type;
	out->number = head.number;
	out->payload = slice_after(packet, sizeof head);
	return link_frame_check(out->type, out->payload.len, has_fd, reason);
}
