/*
 * reader: the bytes of a stream as a header and stanzas, one at a time.
 *
 * Problem: an XML parser is built to be generous, and libxml2 counts neither
 * depth nor size nor attributes.  So a framer of ours first finds where a
 * stanza ends, refuses by number what is too much and by name what XMPP forbids
 * (RFC 6120 §11.1), and only a whole stanza of checked UTF-8 reaches the parser.
 * The parser sees the same bytes however they were torn on their way, and
 * starts anew with each stanza: one parser serves all streams, an idle stream
 * holds none, and no stranger's names pile up in it.
 * Files: frame.c (where a stanza ends), declaration.c, parser.c (libxml2, only
 * there), reader.c (both together).
 */
#ifndef DAEMON_XMPP_READER_H
#define DAEMON_XMPP_READER_H

#include "daemon/xmpp/xmpp.h"

/* ---- what is wrong with a stream: RFC 6120 §4.9.3 ---- */
enum xmpp_stream_error {
	XMPP_STREAM_NONE,
#define STREAM_ERROR(id, name) XMPP_STREAM_##id,
#include "daemon/xmpp/stream_errors.def"
#undef STREAM_ERROR
	XMPP_STREAM_ERROR_COUNT
};
struct slice xmpp_stream_error_name(enum xmpp_stream_error error);
enum xmpp_stream_error xmpp_stream_error_of(struct slice name); /* UNDEFINED_CONDITION when unknown */

struct xmpp_fault {
	enum xmpp_stream_error error;
	const char *why; /* a constant sentence an operator can act on */
};

/* ---- frames ---- */
enum { XMPP_HEADER_MAX = 4 * 1024 }; /* the stream header: parsed again with each stanza */

enum xmpp_frame {
	XMPP_FRAME_MORE,
	XMPP_FRAME_BLANK, /* white space between stanzas (a keep-alive), or the XML declaration: nothing to parse */
	XMPP_FRAME_HEADER, /* <stream:stream ...> */
	XMPP_FRAME_STANZA, /* one whole element within the stream */
	XMPP_FRAME_END,    /* </stream:stream>; nothing follows */
	XMPP_FRAME_BROKEN,
};

struct xmpp_framer {      /* zeroed at start but for bytes_max */
	size_t bytes_max; /* of one stanza; set and changed by the owner between stanzas */
	size_t scanned;   /* bytes of the piece already looked at */
	uint32_t depth;   /* elements that are open, the stream itself too */
	uint8_t state;
	char quote;
	bool has_begun; /* something but white space has come */
};
/*
 * Looks at the bytes received and not yet consumed.  After BLANK, HEADER,
 * STANZA and END the caller consumes `*length` bytes and calls again.
 */
enum xmpp_frame xmpp_framer_next(struct xmpp_framer *framer, struct slice bytes, size_t *length,
                                 struct xmpp_fault *fault);

/*
 * The XML declaration at the start of `bytes`: `*length` is 0 when there is
 * none.  OK; AGAIN: it ends too early; INVALID with a fault: another version
 * than 1.0, another encoding than UTF-8, longer than 128 bytes.
 */
enum result xmpp_declaration_read(struct slice bytes, size_t *length, struct xmpp_fault *fault);

/* ---- the parser: libxml2 behind our names; one serves all streams ---- */
struct xmpp_parser;
struct xmpp_parser *xmpp_parser_new(void); /* NULL: out of memory */
void xmpp_parser_free(struct xmpp_parser **parser);
/* Either `header` is a whole stream header and `stanza` empty: the header's element.  Or the stanza, under that header. */
bool xmpp_parser_read(struct xmpp_parser *parser, struct slice header, struct slice stanza,
                      struct arena *arena, struct xmpp_element **out, struct xmpp_fault *fault);
/*
 * A whole document that is the body of something (PIDF, conversation events):
 * the same limits and checks; comments and instructions are passed over, a document
 * type is not.  INVALID with a reason, NO_MEMORY.
 */
enum result xmpp_document_read(struct xmpp_parser *parser, struct slice bytes, struct arena *arena,
                               struct xmpp_element **out, struct reason *reason);

/* ---- the reader ---- */
enum xmpp_read { XMPP_READ_MORE, XMPP_READ_HEADER, XMPP_READ_STANZA, XMPP_READ_END, XMPP_READ_BROKEN };

struct xmpp_reader {
	struct xmpp_framer framer;
	char *header; /* its bytes; owned */
	size_t header_length;
};
void xmpp_reader_start(struct xmpp_reader *reader, size_t bytes_max);
void xmpp_reader_stop(struct xmpp_reader *reader); /* may be started again: after TLS, after SASL */
/*
 * The next thing in the bytes received.  The caller consumes `*length` bytes
 * (also with MORE: white space needs no waiting) and calls again.  HEADER and
 * STANZA: `*out` lies in `arena`, which the caller empties between calls.
 * Namespaces the header declared: xmpp_get(header, "xmlns") finds the default
 * one, xmpp_get_in(header, XMPP_NS_XMLNS, prefix) the others.
 */
enum xmpp_read xmpp_reader_next(struct xmpp_reader *reader, struct xmpp_parser *parser, struct slice bytes,
                                struct arena *arena, size_t *length, struct xmpp_element **out,
                                struct xmpp_fault *fault);
/* Bytes of a stanza have come, and its end has not. */
static inline bool xmpp_reader_is_within(const struct xmpp_reader *reader)
{
	return reader->framer.scanned > 0;
}

#define XMPP_NS_XMLNS SLICE("http://www.w3.org/2000/xmlns/")

#endif
