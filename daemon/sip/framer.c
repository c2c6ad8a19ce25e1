/*
 * framer: where one message ends on a stream.  RFC 3261 §18.3, §7.5; keep-alives
 * RFC 5626 §3.5.1.
 *
 * Two readers that disagree about one length disagree about everything behind
 * it, so whatever could be read in two ways is BROKEN.  The answer depends on
 * the bytes alone, never on how they were cut: limits count positions, and a
 * line is judged when the byte behind it is known (it might be folded).
 */
#include "daemon/sip/grammar.h"

static enum sip_frame broken(struct sip_fault *fault, size_t offset, int status, const char *why)
{
	*fault = (struct sip_fault){ offset, why, status };
	return SIP_FRAME_BROKEN;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static void doubt(struct sip_framer *framer, size_t at, const char *why)
{
	if (framer->doubt)
		return;
	framer->doubt = why;
	framer->doubt_at = at;
}

/* A complete header, its folds included: is it the length, and is it one that can be believed? */
static void look_for_length(struct sip_framer *framer, struct slice line)
{
	struct slice name = slice_first(line, sip_span(line, SIP_CHAR_TOKEN));
	uint64_t number;

	if (!slice_equal_nocase(name, SLICE("Content-Length")) && !slice_equal_nocase(name, SLICE("l")))
		return;
	line = slice_after(line, name.len);
	sip_skip_blanks(&line);
	if (line.len == 0 || line.ptr[0] != ':')
		return; /* not a header at all; the parser refuses it */
	line = slice_after(line, 1);
	while (line.len > 0 && is_space(line.ptr[0]))
		line = slice_after(line, 1);
	while (line.len > 0 && is_space(line.ptr[line.len - 1]))
		line.len--;

	if (framer->has_length)
		doubt(framer, framer->line_start, "a second Content-Length");
	else if (line.len > SIP_CONTENT_LENGTH_DIGITS_MAX || !slice_to_number(line, SIZE_MAX, &number))
		doubt(framer, framer->line_start, "Content-Length is not a number of at most 7 digits");
	else
		framer->body_length = (size_t)number;
	framer->has_length = true;
}

/* Scans on to the empty line. MESSAGE stands for: the head is complete. */
static enum sip_frame scan_head(struct sip_framer *framer, struct slice bytes, struct sip_fault *fault)
{
	for (;;) {
		bool in_start_line = framer->line_start == 0;
		/* The CR of the start line may stand right behind the last byte allowed. */
		size_t limit = in_start_line ? SIP_START_LINE_MAX + 1 : SIP_HEADER_SECTION_MAX;
		size_t stop = bytes.len < limit ? bytes.len : limit;
		const char *found = sip_next_control(bytes.ptr + framer->scanned, bytes.ptr + stop);
		size_t at = (size_t)(found - bytes.ptr);

		framer->scanned = at;
		if (at == limit)
			return in_start_line ? broken(fault, at, 414, "a start line longer than 2048 bytes")
			                     : broken(fault, at, 513, "a header section longer than 32 KiB");
		if (at == stop)
			return SIP_FRAME_MORE;
		if (*found == '\n')
			return broken(fault, at, 400, "LF without CR");
		if (*found == '\0')
			return broken(fault, at, 400, "a NUL byte");
		if (*found != '\r') {
			framer->scanned++; /* frames nothing; the parser refuses it */
			continue;
		}
		if (!in_start_line && at + 2 >= limit) /* no room for the rest of the empty line */
			return broken(fault, at, 513, "a header section longer than 32 KiB");
		if (bytes.len - at < 2)
			return SIP_FRAME_MORE;
		if (found[1] != '\n')
			return broken(fault, at, 400, "CR without LF");
		if (bytes.len - at < 3)
			return SIP_FRAME_MORE;
		if (sip_is_blank(found[2])) {
			if (in_start_line)
				return broken(fault, at + 2, 400, "a folded start line");
			framer->scanned = at + 3;
			continue;
		}
		if (found[2] == '\r') {
			if (at + 4 > SIP_HEADER_SECTION_MAX)
				return broken(fault, at, 513, "a header section longer than 32 KiB");
			if (bytes.len - at < 4)
				return SIP_FRAME_MORE;
			if (found[3] != '\n')
				return broken(fault, at + 2, 400, "CR without LF");
		}
		if (!in_start_line)
			look_for_length(framer, sip_between(bytes.ptr + framer->line_start, found));
		framer->line_start = at + 2;
		framer->scanned = at + 2;
		if (found[2] == '\r') {
			framer->head_length = at + 4;
			return SIP_FRAME_MESSAGE;
		}
	}
}

/* A CRLF between messages. The pair is told from its halves by memory, not by what has arrived. */
static enum sip_frame keep_alive(struct sip_framer *framer, struct slice bytes, size_t *length,
                                 struct sip_fault *fault)
{
	bool is_ping = framer->after_crlf;

	if (bytes.len < 2)
		return SIP_FRAME_MORE;
	if (bytes.ptr[1] != '\n')
		return broken(fault, 0, 400, "CR without LF");
	framer->after_crlf = !is_ping;
	*length = 2;
	return is_ping ? SIP_FRAME_PING : SIP_FRAME_PONG;
}

enum sip_frame sip_framer_next(struct sip_framer *framer, struct slice bytes, size_t *length,
                               struct sip_fault *fault)
{
	*length = 0;
	if (bytes.len == 0)
		return SIP_FRAME_MORE;
	if (framer->head_length == 0) {
		if (bytes.ptr[0] == '\r')
			return keep_alive(framer, bytes, length, fault);
		/* A method and "SIP/2.0" both begin with one; TLS, XMPP and most else do not. */
		if (!sip_is(bytes.ptr[0], SIP_CHAR_TOKEN))
			return broken(fault, 0, 400, "the first byte is not that of a SIP message");

		enum sip_frame head = scan_head(framer, bytes, fault);

		if (head != SIP_FRAME_MESSAGE)
			return head;
	}

	*length = framer->head_length;
	if (framer->doubt)
		return broken(fault, framer->doubt_at, 400, framer->doubt);
	if (!framer->has_length)
		return broken(fault, framer->head_length, 400, "no Content-Length on a stream");
	if (framer->body_length > framer->body_max) {
		*fault = (struct sip_fault){ framer->head_length, "a body larger than allowed", 513 };
		return SIP_FRAME_TOO_LARGE;
	}
	if (bytes.len - framer->head_length < framer->body_length) {
		*length = 0;
		return SIP_FRAME_MORE;
	}
	*length = framer->head_length + framer->body_length;
	*framer = (struct sip_framer){ .body_max = framer->body_max };
	return SIP_FRAME_MESSAGE;
}
