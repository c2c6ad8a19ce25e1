/*
 * hop: the two requests a proxy makes up itself, from the INVITE it sent: the
 * ACK of a refusal (RFC 3261 §17.1.1.3) and CANCEL (§9.1).  Both go to the same
 * place as the INVITE and carry its topmost Via, so that the next hop finds it.
 */
#include "daemon/sip/grammar.h"
#include "daemon/sip/proxy.h"
#include "daemon/sip/written.h"

/* "INVITE sip:bob@fabrikam.example SIP/2.0": the method exchanged. */
static bool write_start(struct slice sent, struct slice method, struct buffer *out)
{
	struct slice start = sip_written_start(sent);
	size_t blank = slice_find(start, ' ');

	return slice_equal(slice_first(start, blank), sip_method_name(SIP_INVITE)) && blank < start.len &&
	       buffer_add(out, method) && sip_emit(out, slice_after(start, blank)) &&
	       buffer_add(out, SLICE("\r\n"));
}

static bool write_line(enum sip_header_id id, struct slice value, struct buffer *out)
{
	return sip_emit_header(out, slice_of(sip_header_row(id)->name), value);
}

static bool write_copy(struct slice sent, enum sip_header_id id, struct buffer *out)
{
	struct slice value;

	return sip_written_find(sent, id, &value) && write_line(id, value, out);
}

static bool write_via(struct slice sent, struct buffer *out)
{
	struct slice values, top;

	return sip_written_find(sent, SIP_VIA, &values) && sip_value_take(&values, &top) &&
	       write_line(SIP_VIA, top, out);
}

static bool write_routes(struct slice sent, struct buffer *out)
{
	size_t start = slice_find(sent, '\n');
	struct slice rest = slice_after(sent, start < sent.len ? start + 1 : start), value;
	enum sip_header_id id;

	while (sip_written_next(&rest, &id, &value))
		if (id == SIP_ROUTE && !write_line(id, value, out))
			return false;
	return true;
}

static bool write_cseq(struct slice sent, struct slice method, struct buffer *out)
{
	struct slice value;
	struct sip_cseq cseq;

	return sip_written_find(sent, SIP_CSEQ, &value) &&
	       sip_cseq_parse(value, &cseq, NULL) == SIP_PARSE_OK && buffer_add(out, SLICE("CSeq: ")) &&
	       buffer_add_number(out, cseq.number) && buffer_add_char(out, ' ') && buffer_add(out, method) &&
	       buffer_add(out, SLICE("\r\n"));
}

/* `to` and `extra` (a whole header line, or nothing) are what the two differ in. */
static bool write_hop(struct slice sent, enum sip_method method, struct slice to, struct slice reason,
                      struct buffer *out)
{
	size_t length = buffer_length(out);
	bool was_broken = out->is_broken;
	struct slice name = sip_method_name(method);

	if (write_start(sent, name, out) && write_via(sent, out) && write_routes(sent, out) &&
	    buffer_add(out, SLICE("Max-Forwards: 70\r\n")) && write_copy(sent, SIP_FROM, out) &&
	    write_line(SIP_TO, to, out) && write_copy(sent, SIP_CALL_ID, out) &&
	    write_cseq(sent, name, out) && (reason.len == 0 || write_line(SIP_REASON, reason, out)) &&
	    buffer_add(out, SLICE("Content-Length: 0\r\n\r\n")))
		return true;
	sip_emit_undo(out, length, was_broken);
	return false;
}

bool sip_proxy_write_ack(struct slice sent, const struct sip_message *response, struct buffer *out)
{
	return write_hop(sent, SIP_ACK, response->to.all, SLICE_NONE,
	                 out); /* the To of the response: it has the tag */
}

bool sip_proxy_write_cancel(struct slice sent, struct slice reason, struct buffer *out)
{
	struct slice to;

	return sip_written_find(sent, SIP_TO, &to) && write_hop(sent, SIP_CANCEL, to, reason, out);
}
