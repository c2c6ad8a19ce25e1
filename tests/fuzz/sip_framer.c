/*
 * sip_framer: a stream cut as the input says must give the same frames as the
 * same stream whole.  First byte: how it is cut; the rest is the stream.
 */
#include <stdlib.h>

#include "daemon/sip/sip.h"

enum { BODY_MAX = 2000, FRAMES_MAX = 256 };

struct frames {
	struct {
		enum sip_frame kind;
		size_t length;
	} list[FRAMES_MAX];
	size_t count;
	int status;
	size_t offset;
};

/* Pieces of `step` bytes, growing by one each time when `is_growing`; step 0 is the whole. */
static void feed(struct slice stream, size_t step, bool is_growing, struct frames *out)
{
	struct sip_framer framer = { .body_max = BODY_MAX };
	size_t consumed = 0, arrived = 0;

	while (arrived < stream.len) {
		struct sip_fault fault = { 0 };
		size_t length;

		arrived = step == 0 || step > stream.len - arrived ? stream.len : arrived + step;
		step += is_growing;
		for (;;) {
			/* A copy of its own, so that reading behind what has arrived is seen. */
			size_t size = arrived - consumed;
			char *bytes = malloc(size ? size : 1);

			memcpy(bytes, stream.ptr + consumed, size);

			enum sip_frame kind = sip_framer_next(&framer, (struct slice){ bytes, size }, &length,
			                                      &fault);

			free(bytes);
			if (length > size)
				abort();
			if (kind == SIP_FRAME_MORE)
				break;
			if (out->count < FRAMES_MAX) {
				out->list[out->count].kind = kind;
				out->list[out->count++].length = length;
			}
			if (kind == SIP_FRAME_BROKEN || kind == SIP_FRAME_TOO_LARGE) {
				if (!fault.why || fault.status < 400)
					abort();
				out->status = fault.status;
				out->offset = consumed + fault.offset;
				return;
			}
			if (length == 0)
				abort();
			consumed += length;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct frames whole, cut;

	if (size < 2)
		return 0;

	struct slice stream = { (const char *)data + 1, size - 1 };

	memset(&whole, 0, sizeof whole);
	memset(&cut, 0, sizeof cut);
	feed(stream, 0, false, &whole);
	feed(stream, (data[0] & 0x7f) + 1, data[0] & 0x80, &cut);
	if (memcmp(&whole, &cut, sizeof whole) != 0)
		abort();
	return 0;
}
