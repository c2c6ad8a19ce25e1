#include "daemon/link/sip_frame.h"

_Static_assert(sizeof(struct link_sip_head) == LINK_SIP_HEAD_BYTES, "the head has no gaps");

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

bool link_sip_each(struct buffer *in,
                   bool (*came)(void *owner, const struct link_sip_head *head, struct slice message),
                   void *owner)
{
	struct link_sip_head head;
	struct slice message;

	while (buffer_length(in) > 0) {
		bool goes_on = true;

		switch (link_sip_read(buffer_slice(in), &head, &message)) {
		case LINK_SIP_MORE: return true;
		case LINK_SIP_BROKEN: return false;
		case LINK_SIP_WHOLE: break;
		}
		if (message.len)
			goes_on = came(owner, &head, message);
		buffer_consume(in, LINK_SIP_HEAD_BYTES + head.length);
		if (!goes_on)
			return true;
	}
	return true;
}

bool link_sip_begin(struct buffer *out, size_t *begun)
{
	static const char nothing[LINK_SIP_HEAD_BYTES];

	*begun = buffer_length(out);
	if (buffer_add(out, (struct slice){ nothing, sizeof nothing }))
		return true;
	link_sip_undo(out, *begun);
	return false;
}

void link_sip_end(struct buffer *out, size_t begun, unsigned flags, uint64_t generation)
{
	const struct link_sip_head head = {
		.length = (uint32_t)(buffer_length(out) - begun - LINK_SIP_HEAD_BYTES),
		.flags = flags,
		.generation = generation,
	};

	memcpy(out->bytes + out->start + begun, &head, sizeof head);
}

/* What did not fit is gone, too; the stream is as it was. */
void link_sip_undo(struct buffer *out, size_t begun)
{
	out->end = out->start + begun;
	out->is_broken = false;
}

/* ---- what a service says of its own ---- */

enum { DIAGNOSTIC_MAX = 99999 };

void link_sip_write_words(struct slice words, struct buffer *out)
{
	for (size_t i = 0; i < words.len; i++) {
		unsigned char c = (unsigned char)words.ptr[i];

		buffer_add_char(out, c == '"' || c == '\\' || c < 0x20 || c >= 0x7f ? '\'' : (char)c);
	}
}

void link_sip_write_verdict(int diagnostic, struct slice words, struct buffer *out)
{
	buffer_printf(out, "ms-diagnostics: %d;reason=\"", diagnostic);
	link_sip_write_words(words, out);
	buffer_add(out, SLICE("\"\r\n"));
}

bool link_sip_read_verdict(struct slice value, int *diagnostic, struct slice *words)
{
	static const struct slice reason = { ";reason=\"", 9 };
	size_t at = slice_find(value, ';');
	uint64_t number;

	if (!slice_to_number(slice_first(value, at), DIAGNOSTIC_MAX, &number) || number == 0)
		return false;
	value = slice_after(value, at);
	if (!slice_starts(value, reason))
		return false;
	value = slice_after(value, reason.len);
	at = slice_find(value, '"');
	if (at == value.len)
		return false;
	*diagnostic = (int)number;
	*words = slice_first(value, at);
	return true;
}
