/* Any packet at all between two processes: read or refused, and what was read fits its row. */
#include <stdlib.h>

#include "daemon/link/link_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct link_frame frame;
	struct reason reason = { "" };
	bool has_fd = size > 0 && (bytes[size - 1] & 1), is_cut = size > 0 && (bytes[size - 1] & 2);
	enum result result = link_frame_read((struct slice){ (const char *)bytes, size }, is_cut, has_fd,
	                                     &frame, &reason);

	if (result == RESULT_OK &&
	    (is_cut || frame.payload.len > LINK_PAYLOAD_MAX ||
	     frame.payload.ptr + frame.payload.len != (const char *)bytes + size ||
	     link_frame_check(frame.type, frame.payload.len, has_fd, NULL) != RESULT_OK))
		abort();
	if (result != RESULT_OK && !reason.text[0])
		abort();
	return 0;
}
