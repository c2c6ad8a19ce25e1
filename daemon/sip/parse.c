/*
 * parse: the bytes of one message to a start line and a list of headers, without
 * copying (only a folded header is copied, with its folds made blanks).
 * RFC 3261 §7, §25.1.
 *
 * A fault does not end the reading at once: the first one is remembered and
 * what follows is still collected, so that the sender gets an answer which
 * names its transaction.  Only when lines cannot be told apart any more does it
 * stop there.
 *
 * DEPARTS: RFC 3261 §25.1 lets a quoted-pair hide control characters, NUL too
 * (RFC 4475 §3.1.1.2 has one).  Control bytes in a head are refused: neighbours read them differently.
 */
#include "daemon/sip/grammar.h"

struct reader {
	struct slice bytes;
	const char *at, *end;
	struct sip_message *out;
	struct sip_fault fault; /* the first; `why` NULL: none yet */
	size_t count;
	bool is_out_of_memory;
	struct sip_header list[SIP_HEADERS_MAX];
};

static void note(struct reader *r, const char *at, int status, const char *why)
{
	if (!r->fault.why)
		r->fault = (struct sip_fault){ (size_t)(at - r->bytes.ptr), why, status };
}

/* A fault within a piece; a piece that was unfolded lies elsewhere, then the header's name has to do. */
static void note_in(struct reader *r, struct slice piece, const char *instead, const struct sip_fault *fault)
{
	bool is_here = piece.ptr >= r->bytes.ptr && piece.ptr <= r->end;

	note(r, is_here ? piece.ptr + fault->offset : instead, fault->status, fault->why);
}

/* ---- lines ---- */

static const char *why_control(char c)
{
	return c == '\n'   ? "LF without CR"
	       : c == '\r' ? "CR without LF"
	       : c == '\0' ? "a NUL byte"
	                   : "a control byte";
}

/*
 * The CR of the CRLF that ends what begins at `from`; folded lines belong to it
 * when `may_fold`.  NULL when there is none: then lines cannot be told apart.
 */
static const char *line_end(struct reader *r, const char *from, bool may_fold, bool *is_folded)
{
	for (const char *at = from;;) {
		at = sip_next_control(at, r->end);
		if (at == r->end) {
			note(r, at, 400, "the header section does not end");
			return NULL;
		}
		if (*at == '\r' && r->end - at >= 2 && at[1] == '\n') {
			if (!may_fold || r->end - at < 3 || !sip_is_blank(at[2]))
				return at;
			*is_folded = true;
			at += 3;
			continue;
		}
		note(r, at, 400, why_control(*at));
		if (*at == '\r' || *at == '\n' || *at == '\0')
			return NULL;
		at++;
	}
}

/* §7.3.1: each fold, with the blanks around it, counts as one blank. */
static struct slice unfold(struct reader *r, struct slice value)
{
	char *copy = arena_new(r->out->arena, value.len + 1);
	size_t length = 0;

	if (!copy) {
		r->is_out_of_memory = true;
		return SLICE_NONE;
	}
	for (size_t at = 0; at < value.len;) {
		if (value.ptr[at] != '\r') {
			copy[length++] = value.ptr[at++];
			continue;
		}
		while (length > 0 && sip_is_blank(copy[length - 1]))
			length--;
		while (at < value.len &&
		       (value.ptr[at] == '\r' || value.ptr[at] == '\n' || sip_is_blank(value.ptr[at])))
			at++;
		copy[length++] = ' ';
	}
	return slice_trim((struct slice){ copy, length });
}

/* ---- start line: §7.1, §7.2; single blanks, nothing around (RFC 4475 §3.1.2.7 to §3.1.2.10) ---- */

static bool is_version_number(struct slice text)
{
	size_t dot = slice_find(text, '.');
	uint64_t n;

	return slice_starts_nocase(text, SLICE("SIP/")) && dot < text.len &&
	       slice_to_number(slice_after(slice_first(text, dot), 4), UINT32_MAX, &n) &&
	       slice_to_number(slice_after(text, dot + 1), UINT32_MAX, &n);
}

static void read_status_line(struct reader *r, struct slice line)
{
	struct slice rest = slice_after(line, 4);
	uint64_t status;

	r->out->is_request = false;
	if (!slice_starts(rest, SLICE("2.0 "))) {
		note(r, rest.ptr, 505, "not SIP/2.0");
		return;
	}
	rest = slice_after(rest, 4);
	/* RFC 4475 §3.1.1.13: the phrase may be empty; senders also leave the blank before it out. */
	if (rest.len < 3 || (rest.len > 3 && rest.ptr[3] != ' ') ||
	    !slice_to_number(slice_first(rest, 3), 699, &status) || status < 100) {
		note(r, rest.ptr, 400, "a status code that is not from 100 to 699");
		return;
	}
	r->out->status = (int)status;
	r->out->phrase = slice_after(rest, rest.len > 3 ? 4 : 3);
}

static void read_request_line(struct reader *r, struct slice line)
{
	struct sip_message *m = r->out;
	struct sip_fault fault = { 0 };
	struct slice rest;

	m->is_request = true;
	m->method_name = slice_first(line, sip_span(line, SIP_CHAR_TOKEN));
	m->method = sip_method_of(m->method_name);
	rest = slice_after(line, m->method_name.len);
	if (m->method_name.len == 0 || rest.len == 0 || rest.ptr[0] != ' ') {
		note(r, rest.ptr, 400, "no method and blank at the start");
		return;
	}
	rest = slice_after(rest, 1);
	m->target = slice_first(rest, slice_find(rest, ' '));
	if (m->target.len == rest.len) {
		note(r, rest.ptr + rest.len, 400, "no SIP version behind the Request-URI");
		return;
	}
	rest = slice_after(rest, m->target.len + 1);
	if (!slice_equal_nocase(rest, SLICE("SIP/2.0"))) {
		if (is_version_number(rest))
			note(r, rest.ptr, 505, "not SIP/2.0");
		else
			note(r, rest.ptr, 400,
			     "a Request-Line that is not method, URI and version with one blank between");
	}
	if (sip_uri_parse(m->target, &m->target_uri, &fault) != SIP_PARSE_OK)
		note_in(r, m->target, line.ptr, &fault);
	else if (m->target_uri.headers.ptr)
		note(r, m->target_uri.headers.ptr, 400, "headers in a Request-URI"); /* §19.1.1 table 1 */
}

static bool read_start_line(struct reader *r)
{
	bool is_folded = false;
	const char *end = line_end(r, r->at, false, &is_folded);

	if (!end)
		return false;

	struct slice line = sip_between(r->at, end);

	if (line.len > SIP_START_LINE_MAX)
		note(r, line.ptr + SIP_START_LINE_MAX, 414, "a start line longer than 2048 bytes");
	if (slice_starts_nocase(line, SLICE("SIP/")))
		read_status_line(r, line);
	else
		read_request_line(r, line);
	r->at = end + 2;
	if (r->at < r->end && sip_is_blank(*r->at)) {
		note(r, r->at, 400, "a folded start line");
		return false;
	}
	return true;
}

/* ---- headers ---- */

static void keep(struct reader *r, struct slice name, struct slice value)
{
	enum sip_header_id id = sip_header_of_token(name);

	if (r->count == SIP_HEADERS_MAX) {
		note(r, name.ptr, 400, "more than 128 headers");
		return;
	}
	if (r->out->first[id] == SIP_HEADER_ABSENT)
		r->out->first[id] = (uint16_t)r->count;
	else if (sip_header_row(id)->flags & SIP_SINGLE)
		note(r, name.ptr, 400, "a header that may stand once stands twice");
	r->list[r->count++] = (struct sip_header){ id, name, value };
}

/* One header at `r->at`. False: the lines behind it cannot be told apart, or memory is out. */
static bool read_header(struct reader *r)
{
	const char *start = r->at, *at = start;

	while (at < r->end && sip_is(*at, SIP_CHAR_TOKEN))
		at++;

	struct slice name = sip_between(start, at);

	while (at < r->end && sip_is_blank(*at))
		at++;

	bool has_colon = at < r->end && *at == ':', is_folded = false;

	if (name.len == 0 || !has_colon)
		note(r, at, 400, "a line that is no header: no name and colon");
	else
		at++;

	const char *end = line_end(r, at, true, &is_folded);

	if (!end)
		return false;
	r->at = end + 2;
	if (end - start > SIP_HEADER_MAX)
		note(r, start, 400, "a header longer than 8 KiB");
	if (name.len == 0 || !has_colon)
		return true;

	struct slice value = sip_between(at, end);

	value = is_folded ? unfold(r, value) : slice_trim(value);
	if (r->is_out_of_memory)
		return false;
	/* A control byte was noted on the way: keep such a value from being echoed. */
	if (!r->fault.why || sip_next_control(value.ptr, value.ptr + value.len) == value.ptr + value.len)
		keep(r, name, value);
	return true;
}

static void read_headers(struct reader *r)
{
	while (r->end - r->at < 2 || r->at[0] != '\r' || r->at[1] != '\n')
		if (!read_header(r))
			return;
	r->at += 2;
	r->out->head = sip_between(r->bytes.ptr, r->at);
	r->out->body = sip_between(r->at, r->end);
	if (r->out->head.len > SIP_HEADER_SECTION_MAX)
		note(r, r->at, 513, "a header section longer than 32 KiB");
}

/* The list moves to the arena at its exact size. */
static bool publish(struct reader *r)
{
	struct sip_message *m = r->out;

	m->headers = arena_new(m->arena, (r->count ? r->count : 1) * sizeof *m->headers);
	if (!m->headers)
		return false;
	memcpy(m->headers, r->list, r->count * sizeof *m->headers);
	m->header_count = r->count;
	return true;
}

/* ---- the headers every message has: §8.1.1, §8.2.6 ---- */

static const struct sip_header *required(struct reader *r, enum sip_header_id id, const char *why)
{
	const struct sip_header *header = sip_message_header(r->out, id);

	if (!header)
		note(r, r->at, 400, why);
	return header;
}

static void read_address(struct reader *r, enum sip_header_id id, struct sip_address *out, const char *why)
{
	const struct sip_header *header = required(r, id, why);
	struct sip_fault fault = { 0 };

	if (header && sip_address_parse(header->value, out, &fault) != SIP_PARSE_OK) {
		note_in(r, header->value, header->name.ptr, &fault);
		*out = (struct sip_address){ 0 };
	}
}

static void read_via(struct reader *r)
{
	const struct sip_header *header = required(r, SIP_VIA, "no Via");
	struct sip_fault fault = { 0 };
	struct slice rest, top;

	if (!header)
		return;
	rest = header->value;
	if (sip_value_take(&rest, &top) && sip_via_parse(top, &r->out->via, &fault) != SIP_PARSE_OK) {
		note_in(r, top, header->name.ptr, &fault);
		r->out->via = (struct sip_via){ 0 };
	}
}

static void read_cseq(struct reader *r)
{
	const struct sip_header *header = required(r, SIP_CSEQ, "no CSeq");
	struct sip_message *m = r->out;
	struct sip_fault fault = { 0 };

	if (!header)
		return;
	if (sip_cseq_parse(header->value, &m->cseq, &fault) != SIP_PARSE_OK)
		note_in(r, header->value, header->name.ptr, &fault);
	else if (m->is_request && !slice_equal(m->cseq.method, m->method_name))
		note(r, header->name.ptr, 400, "the methods of Request-Line and CSeq differ"); /* §8.1.1.5 */
}

static void read_call_id(struct reader *r)
{
	const struct sip_header *header = required(r, SIP_CALL_ID, "no Call-ID");

	if (!header)
		return;
	for (size_t i = 0; i < header->value.len; i++) {
		if (header->value.ptr[i] <= ' ' || header->value.ptr[i] > '~') {
			note(r, header->name.ptr, 400, "a Call-ID with blanks or bytes that are not ASCII");
			return;
		}
	}
	if (header->value.len == 0)
		note(r, header->name.ptr, 400, "an empty Call-ID");
	else
		r->out->call_id = header->value;
}

static bool read_number(struct reader *r, enum sip_header_id id, uint64_t max, uint64_t *out, const char *why)
{
	const struct sip_header *header = sip_message_header(r->out, id);

	if (!header)
		return false;
	if (slice_to_number(header->value, max, out))
		return true;
	note(r, header->name.ptr, 400, why);
	return false;
}

static void read_numbers(struct reader *r)
{
	struct sip_message *m = r->out;
	uint64_t number;

	m->has_max_forwards = read_number(r, SIP_MAX_FORWARDS, 255, &number,
	                                  "Max-Forwards is not a number up to 255"); /* §20.22 */
	m->max_forwards = m->has_max_forwards ? (uint8_t)number : 255;
	m->expires = UINT32_MAX;
	if (read_number(r, SIP_EXPIRES, UINT32_MAX, &number,
	                "Expires is not a number below 2^32")) /* §20.19 */
		m->expires = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX - 1;

	const struct sip_header *length = sip_message_header(m, SIP_CONTENT_LENGTH);

	if (!length || !m->body.ptr)
		return;
	if (length->value.len > SIP_CONTENT_LENGTH_DIGITS_MAX ||
	    !slice_to_number(length->value, SIZE_MAX, &number))
		note(r, length->name.ptr, 400, "Content-Length is not a number of at most 7 digits");
	else if (number != m->body.len)
		note(r, length->name.ptr, 400, "Content-Length is not the length of the body");
}

enum sip_parse sip_message_parse(struct slice bytes, struct arena *arena, struct sip_message *out,
                                 struct sip_fault *fault)
{
	struct reader r; /* 5 KiB of which little is used: left alone but for what is set here */

	*out = (struct sip_message){ .arena = arena, .max_forwards = 255, .expires = UINT32_MAX };
	r.bytes = bytes;
	r.at = bytes.ptr;
	r.end = bytes.ptr + bytes.len;
	r.out = out;
	r.fault = (struct sip_fault){ 0 };
	r.count = 0;
	r.is_out_of_memory = false;
	memset(out->first, 0xff, sizeof out->first); /* SIP_HEADER_ABSENT, each */

	if (bytes.len == 0)
		note(&r, r.at, 400, "nothing at all");
	else if (read_start_line(&r))
		read_headers(&r);
	if (r.is_out_of_memory || !publish(&r)) {
		*out = (struct sip_message){ .arena = arena };
		return SIP_PARSE_NO_MEMORY;
	}
	read_via(&r);
	read_address(&r, SIP_FROM, &out->from, "no From");
	read_address(&r, SIP_TO, &out->to, "no To");
	read_call_id(&r);
	read_cseq(&r);
	read_numbers(&r);
	if (!r.fault.why)
		return SIP_PARSE_OK;
	if (fault)
		*fault = r.fault;
	return SIP_PARSE_BAD;
}
