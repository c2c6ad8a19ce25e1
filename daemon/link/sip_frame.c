#include "daemon/link/sip_frame.h"

_Static_assert(sizeof(struct link_sip_head) == LINK_SIP_HEAD_BYTES, "the head has no gaps");

void link_sip_write(const struct link_sip_head *head, char to[LINK_SIP_HEAD_BYTES])
{
	memcpy(to, head, sizeof *head);
}

enum link_sip_answer link_sip_read(struct slice bytes, struct link_sip_head *head, struct slice *message)
{
	*message = SLICE_NONE;
	if (bytes.len < sizeof *head)
		return LINK_SIP_MORE;
	memcpy(head, bytes.ptr, sizeof *head);
	if (head->length > LINK_SIP_BYTES_MAX)
		return LINK_SIP_BROKEN;
	if (bytes.len - sizeof *head < head->length)
		return LINK_SIP_MORE;
	*message = (struct slice){ bytes.ptr + sizeof *head, head->length };
	return LINK_SIP_WHOLE;
}
