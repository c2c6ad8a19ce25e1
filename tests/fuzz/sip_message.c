/*
 * sip_message: whatever parses survives being written: the same structure is
 * read back, writing again changes nothing, and no value holds a byte that
 * frames.  What does not parse can be answered, and that answer parses.
 */
#include <stdlib.h>

#include "daemon/sip/sip.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* Parsed from bytes of its own, so that reading behind them is seen. */
struct parsed {
	char *bytes;
	struct arena arena;
	struct sip_message message;
	struct sip_fault fault;
	enum sip_parse answer;
};

static void parsed_start(struct parsed *p, struct slice bytes)
{
	p->bytes = malloc(bytes.len ? bytes.len : 1);
	check(p->bytes != NULL);
	if (bytes.len)
		memcpy(p->bytes, bytes.ptr, bytes.len);
	arena_start(&p->arena, SIP_MESSAGE_ARENA_MAX);
	p->answer = sip_message_parse((struct slice){ p->bytes, bytes.len }, &p->arena, &p->message,
	                              &p->fault);
}

static void parsed_stop(struct parsed *p)
{
	arena_stop(&p->arena);
	free(p->bytes);
}

static void check_values(const struct sip_message *m)
{
	for (size_t i = 0; i < m->header_count; i++)
		for (size_t at = 0; at < m->headers[i].value.len; at++) {
			unsigned char c = (unsigned char)m->headers[i].value.ptr[at];

			check((c >= ' ' && c != 0x7f) || c == '\t');
		}
}

static void check_same(const struct sip_message *a, const struct sip_message *b)
{
	check(a->is_request == b->is_request && a->method == b->method && a->status == b->status);
	check(slice_equal(a->method_name, b->method_name) && slice_equal(a->target, b->target));
	check(slice_equal(a->phrase, b->phrase) && slice_equal(a->call_id, b->call_id));
	check(slice_equal(a->from.all, b->from.all) && slice_equal(a->from.tag, b->from.tag));
	check(slice_equal(a->from.uri.host, b->from.uri.host) &&
	      slice_equal(a->from.uri.user, b->from.uri.user));
	check(slice_equal(a->to.all, b->to.all) && slice_equal(a->to.tag, b->to.tag));
	check(slice_equal(a->via.all, b->via.all) && slice_equal(a->via.branch, b->via.branch));
	check(a->cseq.number == b->cseq.number && a->max_forwards == b->max_forwards &&
	      a->expires == b->expires);
	check(slice_equal(a->body, b->body));

	/* The same headers in the same order, Content-Length apart. */
	size_t i = 0, j = 0;

	for (;; i++, j++) {
		while (i < a->header_count && a->headers[i].id == SIP_CONTENT_LENGTH)
			i++;
		while (j < b->header_count && b->headers[j].id == SIP_CONTENT_LENGTH)
			j++;
		if (i >= a->header_count || j >= b->header_count)
			break;
		check(a->headers[i].id == b->headers[j].id &&
		      slice_equal(a->headers[i].value, b->headers[j].value));
	}
	check(i >= a->header_count && j >= b->header_count);
}

static void check_round_trip(const struct sip_message *m)
{
	struct buffer once, twice;
	struct parsed again;

	/* One header more, and names at full length: at its limits a message may outgrow them. */
	if (m->header_count >= SIP_HEADERS_MAX || m->head.len > SIP_HEADER_SECTION_MAX / 2)
		return;
	for (size_t i = 0; i < m->header_count; i++)
		if (m->headers[i].value.len > SIP_HEADER_MAX - 64)
			return;
	if (m->is_request && m->method_name.len + m->target.len > SIP_START_LINE_MAX - 16)
		return;
	buffer_start(&once, 1 << 20);
	buffer_start(&twice, 1 << 20);
	check(sip_message_write(m, NULL, &once));
	parsed_start(&again, buffer_slice(&once));
	check(again.answer == SIP_PARSE_OK);
	check_same(m, &again.message);
	check(sip_message_write(&again.message, NULL, &twice));
	check(slice_equal(buffer_slice(&once), buffer_slice(&twice)));
	parsed_stop(&again);
	buffer_stop(&once);
	buffer_stop(&twice);
}

static void check_stripped(const struct sip_message *m)
{
	struct sip_edits edits = { .strip = SIP_STRIP_IN };
	struct buffer out;
	struct parsed again;

	buffer_start(&out, 1 << 20);
	sip_edit_add(&edits, SIP_EDIT_PREPEND, SIP_VIA, SLICE("SIP/2.0/TLS edge.example;branch=z9hG4bKx"));
	sip_edit_add(&edits, SIP_EDIT_REPLACE, SIP_MAX_FORWARDS, SLICE("69"));
	check(sip_message_write(m, &edits, &out));
	parsed_start(&again, buffer_slice(&out));
	for (size_t i = 0; i < again.message.header_count; i++)
		check(!(sip_header_row(again.message.headers[i].id)->flags & SIP_STRIP_IN));
	parsed_stop(&again);
	buffer_stop(&out);
}

static void check_reply(const struct sip_message *m, const struct sip_fault *fault)
{
	struct buffer out;
	struct parsed reply;

	buffer_start(&out, 1 << 20);
	if (sip_reply_write(m, fault->status ? fault->status : 200, SLICE_NONE, SLICE("t1"),
	                    SLICE("X: y\r\n"), &out)) {
		check(m->is_request && m->method != SIP_ACK);
		parsed_start(&reply, buffer_slice(&out));
		check_values(&reply.message);
		check(!reply.message.is_request);
		parsed_stop(&reply);
	}
	buffer_stop(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parsed p = { 0 };
	struct sip_fault fault = { 0 };

	parsed_start(&p, (struct slice){ (const char *)data, size });
	check(p.answer != SIP_PARSE_MORE);
	check_values(&p.message);
	if (p.answer == SIP_PARSE_OK) {
		check_round_trip(&p.message);
		check_stripped(&p.message);
		if (!(p.message.is_request ? sip_validate_request : sip_validate_response)(&p.message,
		                                                                           &fault))
			check(fault.why && fault.status >= 400 && fault.offset <= size);
	} else {
		check(p.answer == SIP_PARSE_NO_MEMORY ||
		      (p.fault.why && p.fault.status >= 400 && p.fault.offset <= size));
	}
	check_reply(&p.message, &p.fault);
	parsed_stop(&p);
	return 0;
}
