/*
 * xmpp_reader: a stream cut as the input says must tell the same as the same
 * stream whole; and what is read, when it can be written, is read again as the
 * same.  First byte: how it is cut; the rest is the stream.
 */
#include <stdlib.h>

#include "daemon/xmpp/reader.h"

enum { BYTES_MAX = 4000, TOLD_MAX = 256 * 1024 };

static void tell(struct buffer *told, const struct xmpp_element *element)
{
	if (!xmpp_write(element, XMPP_SCOPE_SERVER, told))
		buffer_add(told, SLICE("<unwritable/>"));
}

static void feed(struct xmpp_parser *parser, struct slice stream, size_t step, struct buffer *told)
{
	struct xmpp_reader reader;
	struct arena arena;
	size_t consumed = 0, arrived = 0;
	enum xmpp_read read = XMPP_READ_MORE;

	xmpp_reader_start(&reader, BYTES_MAX);
	arena_start(&arena, 4 * 1024 * 1024);
	while (arrived < stream.len) {
		arrived = step == 0 || step > stream.len - arrived ? stream.len : arrived + step;
		do {
			/* A copy of its own, so that reading behind what has arrived is seen. */
			size_t size = arrived - consumed, length = 0;
			char *bytes = malloc(size ? size : 1);
			struct xmpp_element *element;
			struct xmpp_fault fault = { 0 };

			memcpy(bytes, stream.ptr + consumed, size);
			arena_reset(&arena);
			read = xmpp_reader_next(&reader, parser, (struct slice){ bytes, size }, &arena,
			                        &length, &element, &fault);
			free(bytes);
			if (length > size ||
			    (element != NULL) != (read == XMPP_READ_HEADER || read == XMPP_READ_STANZA))
				abort();
			consumed += length;
			if (read == XMPP_READ_STANZA)
				tell(told, element);
			if (read == XMPP_READ_BROKEN) {
				if (fault.error == XMPP_STREAM_NONE || !fault.why)
					abort();
				buffer_add(told, xmpp_stream_error_name(fault.error));
			}
			if (read == XMPP_READ_BROKEN || read == XMPP_READ_END)
				goto out;
		} while (read != XMPP_READ_MORE);
	}
out:
	arena_stop(&arena);
	xmpp_reader_stop(&reader);
}

/* What was written is a stream again, and says the same. */
static void read_again(struct xmpp_parser *parser, const struct buffer *told)
{
	struct slice head = SLICE("<stream:stream xmlns='jabber:server' "
	                          "xmlns:stream='http://etherx.jabber.org/streams'>");
	struct xmpp_framer framer = { .bytes_max = TOLD_MAX, .depth = 1, .has_begun = true };
	struct slice rest = buffer_slice(told);

	while (rest.len && rest.ptr[0] == '<') {
		struct arena arena;
		struct xmpp_element *element;
		struct xmpp_fault fault = { 0 };
		struct buffer again;
		size_t length = 0;

		if (xmpp_framer_next(&framer, rest, &length, &fault) != XMPP_FRAME_STANZA)
			abort();
		arena_start(&arena, 16 * 1024 * 1024);
		buffer_start(&again, TOLD_MAX);
		if (!xmpp_parser_read(parser, head, slice_first(rest, length), &arena, &element, &fault))
			abort();
		tell(&again, element);
		if (!slice_equal(buffer_slice(&again), slice_first(rest, length)))
			abort();
		buffer_stop(&again);
		arena_stop(&arena);
		rest = slice_after(rest, length);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct xmpp_parser *parser;
	struct buffer whole, cut;

	if (size < 2)
		return 0;
	if (!parser)
		parser = xmpp_parser_new();

	struct slice stream = { (const char *)data + 1, size - 1 };

	buffer_start(&whole, TOLD_MAX);
	buffer_start(&cut, TOLD_MAX);
	feed(parser, stream, 0, &whole);
	feed(parser, stream, data[0] ? data[0] : 1, &cut);
	if (!slice_equal(buffer_slice(&whole), buffer_slice(&cut)))
		abort();
	read_again(parser, &whole);
	buffer_stop(&whole);
	buffer_stop(&cut);
	return 0;
}
