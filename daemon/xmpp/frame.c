/*
 * Where a stanza ends on a stream, RFC 6120 §11.
 *
 * This knows just enough XML to count tags: quotes in a tag, CDATA, and that
 * comments, processing instructions and document types may not be (§11.1).
 * It need not be right about anything else: if the parser does not find
 * exactly one element in what is framed here, the stream ends.
 */
#include "daemon/xmpp/reader.h"

enum frame_state {
	FRAME_TEXT,
	FRAME_MARK,       /* behind "<" */
	FRAME_OPEN,       /* in a start tag */
	FRAME_CLOSE,      /* in an end tag */
	FRAME_CDATA_MARK, /* in "<![CDATA[" */
	FRAME_CDATA,
};

static enum xmpp_frame broken(struct xmpp_fault *fault, enum xmpp_stream_error error, const char *why)
{
	*fault = (struct xmpp_fault){ error, why };
	return XMPP_FRAME_BROKEN;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* Before the header: white space, a declaration, then "<".  UTF-16 and byte-order marks are known by their first byte. */
static enum xmpp_frame before_header(struct xmpp_framer *f, struct slice bytes, size_t *length,
                                     struct xmpp_fault *fault)
{
	unsigned char first = (unsigned char)bytes.ptr[0];

	if (first == 0 || first >= 0x80)
		return broken(fault, XMPP_STREAM_UNSUPPORTED_ENCODING,
		              "the stream begins with a byte-order mark or another encoding than UTF-8");
	if (first != '<')
		return broken(fault, XMPP_STREAM_BAD_FORMAT, "the first bytes are no XMPP stream");
	if (f->has_begun)
		return XMPP_FRAME_MORE;
	switch (xmpp_declaration_read(bytes, length, fault)) {
	case RESULT_OK: f->has_begun = true; return *length ? XMPP_FRAME_BLANK : XMPP_FRAME_MORE;
	case RESULT_AGAIN: f->scanned = 0; return XMPP_FRAME_BLANK; /* of no length: wait */
	default: return XMPP_FRAME_BROKEN;
	}
}

/* What stands between stanzas. MORE: a tag begins here. */
static enum xmpp_frame between(struct xmpp_framer *f, struct slice bytes, size_t *length,
                               struct xmpp_fault *fault)
{
	size_t blanks = 0;

	while (blanks < bytes.len && is_blank(bytes.ptr[blanks]))
		blanks++;
	*length = blanks;
	if (blanks > 0)
		return XMPP_FRAME_BLANK;
	if (f->depth == 0)
		return before_header(f, bytes, length, fault);
	if (bytes.ptr[0] != '<')
		return broken(fault, XMPP_STREAM_BAD_FORMAT, "text stands between stanzas");
	return XMPP_FRAME_MORE;
}

static enum xmpp_frame after_mark(struct xmpp_framer *f, char c, struct xmpp_fault *fault)
{
	switch (c) {
	case '/': f->state = FRAME_CLOSE; return XMPP_FRAME_MORE;
	case '?': return broken(fault, XMPP_STREAM_RESTRICTED_XML, "a processing instruction came");
	case '!':
		if (f->depth < 2)
			return broken(fault, XMPP_STREAM_RESTRICTED_XML, "a comment or a document type came");
		f->state = FRAME_CDATA_MARK;
		return XMPP_FRAME_MORE;
	case '<':
	case '>': return broken(fault, XMPP_STREAM_NOT_WELL_FORMED, "a tag has no name");
	default: f->state = FRAME_OPEN; return XMPP_FRAME_MORE;
	}
}

/* A tag ends at the byte before `end`. */
static enum xmpp_frame after_open(struct xmpp_framer *f, struct slice bytes, size_t end,
                                  struct xmpp_fault *fault)
{
	bool is_empty = bytes.ptr[end - 2] == '/';

	f->state = FRAME_TEXT;
	if (f->depth == 0) {
		if (is_empty)
			return broken(fault, XMPP_STREAM_BAD_FORMAT, "the stream ends within its header");
		f->depth = 1;
		return XMPP_FRAME_HEADER;
	}
	if (f->depth > XMPP_DEPTH_MAX)
		return broken(fault, XMPP_STREAM_POLICY_VIOLATION, "elements are nested too deep");
	if (is_empty)
		return f->depth == 1 ? XMPP_FRAME_STANZA : XMPP_FRAME_MORE;
	f->depth++;
	return XMPP_FRAME_MORE;
}

static enum xmpp_frame after_close(struct xmpp_framer *f, struct xmpp_fault *fault)
{
	f->state = FRAME_TEXT;
	if (f->depth == 0)
		return broken(fault, XMPP_STREAM_NOT_WELL_FORMED,
		              "an end tag came before the stream's header");
	f->depth--;
	return f->depth == 0 ? XMPP_FRAME_END : f->depth == 1 ? XMPP_FRAME_STANZA : XMPP_FRAME_MORE;
}

static enum xmpp_frame within_open(struct xmpp_framer *f, struct slice bytes, size_t *at,
                                   struct xmpp_fault *fault)
{
	char c = bytes.ptr[(*at)++];

	if (c == '<')
		return broken(fault, XMPP_STREAM_NOT_WELL_FORMED, "a tag begins within a tag");
	if (f->quote) {
		if (c == f->quote)
			f->quote = 0;
		return XMPP_FRAME_MORE;
	}
	if (c == '"' || c == '\'')
		f->quote = c;
	return c == '>' ? after_open(f, bytes, *at, fault) : XMPP_FRAME_MORE;
}

static enum xmpp_frame within_cdata_mark(struct xmpp_framer *f, struct slice bytes, size_t *at,
                                         struct xmpp_fault *fault)
{
	struct slice mark = SLICE("<![CDATA[");
	/* `at` is behind at least "<!": the mark began where the last "<" stands. */
	size_t start = *at;

	while (bytes.ptr[start - 1] != '<')
		start--;
	size_t seen = *at - (start - 1);

	if (bytes.ptr[*at] != mark.ptr[seen])
		return broken(fault, XMPP_STREAM_RESTRICTED_XML, "a comment or a document type came");
	(*at)++;
	if (seen + 1 == mark.len)
		f->state = FRAME_CDATA;
	return XMPP_FRAME_MORE;
}

/* "]]>" ends it; the scan stands at a byte that may be its last. */
static void within_cdata(struct xmpp_framer *f, struct slice bytes, size_t *at)
{
	size_t found = slice_find(slice_after(bytes, *at), '>');

	*at += found;
	if (*at == bytes.len)
		return;
	(*at)++;
	if (bytes.ptr[*at - 2] == ']' && bytes.ptr[*at - 3] == ']')
		f->state = FRAME_TEXT;
}

/* One step; MORE: go on while there are bytes. */
static enum xmpp_frame step(struct xmpp_framer *f, struct slice bytes, size_t *at, struct xmpp_fault *fault)
{
	switch ((enum frame_state)f->state) {
	case FRAME_TEXT:
		*at += slice_find(slice_after(bytes, *at), '<');
		if (*at < bytes.len) {
			(*at)++;
			f->state = FRAME_MARK;
		}
		return XMPP_FRAME_MORE;
	case FRAME_MARK: return after_mark(f, bytes.ptr[(*at)++], fault);
	case FRAME_OPEN: return within_open(f, bytes, at, fault);
	case FRAME_CLOSE:
		if (bytes.ptr[*at] == '<')
			return broken(fault, XMPP_STREAM_NOT_WELL_FORMED, "a tag begins within a tag");
		return bytes.ptr[(*at)++] == '>' ? after_close(f, fault) : XMPP_FRAME_MORE;
	case FRAME_CDATA_MARK: return within_cdata_mark(f, bytes, at, fault);
	case FRAME_CDATA: within_cdata(f, bytes, at); return XMPP_FRAME_MORE;
	}
	return XMPP_FRAME_MORE;
}

enum xmpp_frame xmpp_framer_next(struct xmpp_framer *f, struct slice bytes, size_t *length,
                                 struct xmpp_fault *fault)
{
	size_t max = f->depth == 0 && f->bytes_max > XMPP_HEADER_MAX ? XMPP_HEADER_MAX : f->bytes_max;
	enum xmpp_frame frame = XMPP_FRAME_MORE;
	struct slice seen = bytes.len > max ? slice_first(bytes, max) : bytes;
	size_t at = f->scanned;

	*length = 0;
	if (bytes.len == 0)
		return XMPP_FRAME_MORE;
	if (at == 0) {
		frame = between(f, bytes, length, fault);
		if (frame == XMPP_FRAME_BLANK && *length == 0)
			return XMPP_FRAME_MORE;
		if (frame != XMPP_FRAME_MORE)
			return frame;
	}
	while (frame == XMPP_FRAME_MORE && at < seen.len)
		frame = step(f, seen, &at, fault);
	f->scanned = frame == XMPP_FRAME_MORE ? at : 0;
	if (frame == XMPP_FRAME_MORE && bytes.len > max)
		return broken(fault, XMPP_STREAM_POLICY_VIOLATION,
		              f->depth == 0 ? "the stream's header is too long" : "the stanza is too long");
	if (frame != XMPP_FRAME_MORE && frame != XMPP_FRAME_BROKEN)
		*length = at;
	return frame;
}
