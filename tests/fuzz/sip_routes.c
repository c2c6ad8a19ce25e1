/*
 * A message as it came from any side, through routes and forwarding and back:
 * the first byte says from where, the rest is the message.  What must hold: nothing
 * from outside is taken for in-dialog (the key is unknown to the input), what is
 * written can be read again and carries our Via, and no header leaves that may not.
 */
#include <stdlib.h>

#include "daemon/crypto/crypto.h"
#include "daemon/sip/proxy.h"

#define CHECK(claim) ((claim) ? (void)0 : abort())

enum { WRITTEN_MAX = 256 * 1024 };

static struct sip_proxy proxy_of(void)
{
	static const struct slice outside[] = { { "192.0.2.10", 10 } };
	struct sip_proxy proxy = {
		.side = { [SIP_SIDE_EXTERNAL] = { SLICE("edge.contoso.example"), 5061, SLICE("tls"),
		                                  SLICE("TLS"), outside, 1 },
		          [SIP_SIDE_INTERNAL] = { SLICE("edge-int.contoso.example"), 5062, SLICE("tcp"),
		                                  SLICE("TCP"), NULL, 0 },
		          [SIP_SIDE_REMOTE] = { SLICE("edge.contoso.example"), 443, SLICE("tls"),
		                                SLICE("TLS"), outside, 1 } },
		.token_key = "a key that no input knows 123456",
		.hmac = crypto_hmac_sha256,
	};

	return proxy;
}

static void check_written(struct slice bytes, const struct sip_forward *how)
{
	struct arena arena;
	struct sip_message m;
	struct sip_fault fault;
	enum sip_parse answer;
	unsigned strip = how->from == SIP_SIDE_REMOTE   ? SIP_STRIP_USER_IN
	                 : how->to == SIP_SIDE_REMOTE   ? SIP_STRIP_USER_OUT
	                 : how->to == SIP_SIDE_INTERNAL ? SIP_STRIP_IN
	                                                : SIP_STRIP_OUT;

	arena_start(&arena, 4 * SIP_MESSAGE_ARENA_MAX);
	answer = sip_message_parse(bytes, &arena, &m, &fault);
	/* Our additions may take a message over a limit of the next reader; then it says so. */
	if (answer == SIP_PARSE_OK) {
		CHECK(slice_equal(m.via.branch, how->branch));
		for (size_t i = 0; i < m.header_count; i++)
			CHECK(!(sip_header_row(m.headers[i].id)->flags & strip));
	} else {
		CHECK(bytes.len > 8 * 1024 || answer == SIP_PARSE_NO_MEMORY ||
		      m.header_count >= SIP_HEADERS_MAX - 4);
	}
	arena_stop(&arena);
}

static void forward(const struct sip_proxy *proxy, const struct sip_message *m, enum sip_side from,
                    enum sip_side to)
{
	struct sip_edits edits = { 0 };
	struct sip_token token;
	struct buffer out;
	struct sip_forward how = { .from = from,
		                   .to = to,
		                   .branch = sip_proxy_branch(proxy, from, m->arena, m, 42),
		                   .source_address = SLICE("198.51.100.7"),
		                   .source_port = 40000,
		                   .record_route = m->method == SIP_INVITE,
		                   .next_hop = SLICE("next.example"),
		                   .previous_hop = SLICE("previous.example") };
	enum sip_route_answer answer = sip_proxy_take_route(proxy, from, m, &edits, &token, m->arena);

	CHECK(answer != SIP_ROUTE_TOKEN && answer != SIP_ROUTE_FLOW);
	sip_proxy_is_loop(proxy, from, m);
	sip_proxy_event_crosses(m);
	if (answer == SIP_ROUTE_FORGED || !how.branch.len ||
	    !sip_proxy_forward(proxy, m, &how, &edits, m->arena))
		return;
	buffer_start(&out, WRITTEN_MAX);
	if (sip_message_write(m, &edits, &out)) {
		struct slice sent = buffer_slice(&out);
		struct buffer hop;

		check_written(sent, &how);
		buffer_start(&hop, WRITTEN_MAX);
		CHECK(sip_proxy_write_cancel(sent, SLICE_NONE, &hop) == (m->method == SIP_INVITE));
		buffer_stop(&hop);
	}
	buffer_stop(&out);
}

static void answer(const struct sip_proxy *proxy, const struct sip_message *m, enum sip_side from,
                   enum sip_side to)
{
	struct sip_edits edits = { 0 };
	struct buffer out;

	if (!sip_proxy_return(proxy, m, from, to, &edits))
		return;
	buffer_start(&out, WRITTEN_MAX);
	sip_message_write(m, &edits, &out);
	buffer_stop(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sip_proxy proxy = proxy_of();
	struct arena arena;
	struct sip_message m;
	struct sip_fault fault;
	enum sip_side outside, from, to;

	if (size < 2)
		return 0;
	outside = bytes[0] & 2 ? SIP_SIDE_REMOTE : SIP_SIDE_EXTERNAL;
	from = bytes[0] & 1 ? SIP_SIDE_INTERNAL : outside;
	to = bytes[0] & 1 ? outside : SIP_SIDE_INTERNAL;
	arena_start(&arena, SIP_MESSAGE_ARENA_MAX);
	if (sip_message_parse((struct slice){ (const char *)bytes + 1, size - 1 }, &arena, &m, &fault) ==
	    SIP_PARSE_OK) {
		if (m.is_request && sip_validate_request(&m, &fault))
			forward(&proxy, &m, from, to);
		else if (!m.is_request && sip_validate_response(&m, &fault))
			answer(&proxy, &m, from, to);
	}
	arena_stop(&arena);
	return 0;
}
