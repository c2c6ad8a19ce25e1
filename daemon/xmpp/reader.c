/* A stream's bytes as a header and stanzas: the framer finds them, the parser reads them. */
#include "daemon/xmpp/reader.h"
#include "shared/base/memory.h"

static const struct slice error_names[] = {
#define STREAM_ERROR(id, name) [XMPP_STREAM_##id] = { name, sizeof name - 1 },
#include "daemon/xmpp/stream_errors.def"
#undef STREAM_ERROR
};

struct slice xmpp_stream_error_name(enum xmpp_stream_error error) { return error_names[error]; }

enum xmpp_stream_error xmpp_stream_error_of(struct slice name)
{
	for (size_t i = XMPP_STREAM_NONE + 1; i < XMPP_STREAM_ERROR_COUNT; i++)
		if (slice_equal(error_names[i], name))
			return (enum xmpp_stream_error)i;
	return XMPP_STREAM_UNDEFINED_CONDITION;
}

void xmpp_reader_start(struct xmpp_reader *reader, size_t bytes_max)
{
	*reader = (struct xmpp_reader){ .framer = { .bytes_max = bytes_max } };
}

void xmpp_reader_stop(struct xmpp_reader *reader)
{
	mem_free(reader->header);
	*reader = (struct xmpp_reader){ 0 };
}

static bool keep_header(struct xmpp_reader *reader, struct slice header, struct xmpp_fault *fault)
{
	if (!(reader->header = mem_new(header.len))) {
		*fault = (struct xmpp_fault){ XMPP_STREAM_INTERNAL_SERVER_ERROR, "out of memory" };
		return false;
	}
	memcpy(reader->header, header.ptr, header.len);
	reader->header_length = header.len;
	return true;
}

enum xmpp_read xmpp_reader_next(struct xmpp_reader *reader, struct xmpp_parser *parser, struct slice bytes,
                                struct arena *arena, size_t *length, struct xmpp_element **out,
                                struct xmpp_fault *fault)
{
	enum xmpp_frame frame;
	size_t framed = 0;

	*length = 0;
	*out = NULL;
	do {
		frame = xmpp_framer_next(&reader->framer, slice_after(bytes, *length), &framed, fault);
		if (frame == XMPP_FRAME_BLANK)
			*length += framed;
	} while (frame == XMPP_FRAME_BLANK);

	struct slice piece = slice_first(slice_after(bytes, *length), framed);
	struct slice header = { reader->header, reader->header_length };

	if (frame != XMPP_FRAME_BROKEN)
		*length += framed;
	switch (frame) {
	case XMPP_FRAME_HEADER:
		if (!keep_header(reader, piece, fault) ||
		    !xmpp_parser_read(parser, piece, SLICE_NONE, arena, out, fault))
			return XMPP_READ_BROKEN;
		return XMPP_READ_HEADER;
	case XMPP_FRAME_STANZA:
		return xmpp_parser_read(parser, header, piece, arena, out, fault) ? XMPP_READ_STANZA
		                                                                  : XMPP_READ_BROKEN;
	case XMPP_FRAME_END: return XMPP_READ_END;
	case XMPP_FRAME_BROKEN: return XMPP_READ_BROKEN;
	case XMPP_FRAME_MORE:
	case XMPP_FRAME_BLANK: break;
	}
	return XMPP_READ_MORE;
}
