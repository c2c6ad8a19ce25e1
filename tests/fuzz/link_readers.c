/*
 * Any bytes as what comes beside a frame: first byte 0, a SIP message between the Access Edge and a service; else the
 * payload of CREDENTIALS.  What is taken lies within its bounds; what is refused says why.
 */
#include "daemon/link/credentials.h"
#include "daemon/link/sip_frame.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void read_sip(struct slice bytes)
{
	struct link_sip_head head;
	struct slice message;
	char again[LINK_SIP_HEAD_BYTES];

	if (link_sip_read(bytes, &head, &message) != LINK_SIP_WHOLE) {
		assert(!message.ptr);
		return;
	}
	assert(message.len <= LINK_SIP_BYTES_MAX && message.len == head.length);
	assert(message.ptr == bytes.ptr + LINK_SIP_HEAD_BYTES &&
	       message.len <= bytes.len - LINK_SIP_HEAD_BYTES);
	link_sip_write(&head, again);
	assert(memcmp(again, bytes.ptr, sizeof again) == 0);
}

static void read_credentials(struct slice bytes)
{
	struct link_credentials read = { .use = "" };
	struct reason reason = { "" };

	if (link_credentials_read(bytes, &read, &reason) != RESULT_OK) {
		assert(reason.text[0]);
		return;
	}
	assert(memchr(read.use, '\0', sizeof read.use));
	for (size_t i = 0; i < LINK_CREDENTIAL_PARTS; i++)
		assert(read.lengths[i] <= 16 * 1024 * 1024);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct slice rest = { (const char *)bytes + 1, size - 1 };

	if (size == 0)
		return 0;
	if (bytes[0] == 0)
		read_sip(rest);
	else
		read_credentials(rest);
	return 0;
}
