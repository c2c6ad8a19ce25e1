/*
 * Any bytes as what comes beside a frame: first byte 0, a SIP message between the Access Edge and a service; else the
 * payload of CREDENTIALS.  What is taken lies within its bounds; what is refused says why.
 */
#include "daemon/link/credentials.h"
#include "daemon/link/sip_frame.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct seen {
	size_t count, bytes;
};

static bool message_came(void *owner, const struct link_sip_head *head, struct slice message)
{
	struct seen *seen = owner;

	assert(message.len && message.len == head->length);
	seen->bytes += LINK_SIP_HEAD_BYTES + message.len;
	return ++seen->count < 3;
}

/* Several in a row, whatever they are: what is taken off was whole, and what is left is no whole frame, or unwanted. */
static void read_each(struct slice bytes)
{
	struct seen seen = { 0, 0 };
	struct buffer in;
	struct link_sip_head head;
	struct slice message;
	bool is_sound;

	buffer_start(&in, bytes.len + 1);
	assert(buffer_add(&in, bytes));
	is_sound = link_sip_each(&in, message_came, &seen);
	assert(buffer_length(&in) + seen.bytes <= bytes.len);
	if (seen.count < 3 && buffer_length(&in))
		assert(link_sip_read(buffer_slice(&in), &head, &message) ==
		       (is_sound ? LINK_SIP_MORE : LINK_SIP_BROKEN));
	buffer_stop(&in);
}

static void read_sip(struct slice bytes)
{
	struct link_sip_head head;
	struct slice message;
	struct buffer again;
	size_t begun;

	read_each(bytes);

	if (link_sip_read(bytes, &head, &message) != LINK_SIP_WHOLE) {
		assert(!message.ptr);
		return;
	}
	assert(message.len <= LINK_SIP_BYTES_MAX && message.len == head.length);
	assert(message.ptr == bytes.ptr + LINK_SIP_HEAD_BYTES &&
	       message.len <= bytes.len - LINK_SIP_HEAD_BYTES);
	buffer_start(&again, LINK_SIP_HEAD_BYTES + LINK_SIP_BYTES_MAX);
	assert(link_sip_begin(&again, &begun) && begun == 0 && buffer_add(&again, message));
	link_sip_end(&again, begun, head.flags, head.generation);
	assert(slice_equal(buffer_slice(&again), slice_first(bytes, LINK_SIP_HEAD_BYTES + message.len)));
	link_sip_undo(&again, begun);
	assert(buffer_length(&again) == 0);
	buffer_stop(&again);
}

static void read_credentials(struct slice bytes)
{
	struct link_credentials read;
	size_t total = 0;
	struct reason reason = { "" };

	if (link_credentials_read(bytes, &read, &reason) != RESULT_OK) {
		assert(reason.text[0]);
		return;
	}
	assert(memchr(read.use, '\0', sizeof read.use));
	for (size_t i = 0; i < LINK_CREDENTIAL_PARTS; i++) {
		assert(read.lengths[i] <= LINK_CREDENTIAL_PART_MAX);
		total += read.lengths[i];
	}
	assert(read.more_count <= LINK_CREDENTIALS_MORE_MAX);
	for (size_t i = 0; i < read.more_count; i++)
		total += read.more[i].chain + read.more[i].key;
	assert(read.total == total && total <= LINK_CREDENTIALS_BYTES_MAX);
	link_credentials_drop(&read);
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
