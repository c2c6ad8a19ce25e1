/*
 * edge: an edge between contoso (inside) and the rest, and messages on their way through it.
 */
#ifndef TESTS_UNIT_SIP_EDGE_H
#define TESTS_UNIT_SIP_EDGE_H

#include "daemon/crypto/crypto.h"
#include "daemon/sip/proxy.h"
#include "tests/unit/sip/sample.h"

static inline struct sip_proxy edge_proxy(void)
{
	static const struct slice outside[] = { { "192.0.2.10", 10 }, { "2001:db8::10", 12 } };
	static const struct slice inside[] = { { "10.0.0.10", 9 } };

	return (struct sip_proxy){
		.side = { [SIP_SIDE_EXTERNAL] = { .fqdn = SLICE("edge.contoso.example"),
		                                  .port = 5061,
		                                  .transport = SLICE("tls"),
		                                  .via_transport = SLICE("TLS"),
		                                  .addresses = outside,
		                                  .address_count = COUNT(outside) },
		          [SIP_SIDE_INTERNAL] = { .fqdn = SLICE("edge-int.contoso.example"),
		                                  .port = 5062,
		                                  .transport = SLICE("tcp"),
		                                  .via_transport = SLICE("TCP"),
		                                  .addresses = inside,
		                                  .address_count = COUNT(inside) },
		          [SIP_SIDE_REMOTE] = { .fqdn = SLICE("edge.contoso.example"),
		                                .port = 443,
		                                .transport = SLICE("tls"),
		                                .via_transport = SLICE("TLS"),
		                                .addresses = outside,
		                                .address_count = COUNT(outside) } },
		.token_key = "0123456789abcdef0123456789abcde",
		.loop_key = { 1, 2 },
		.hmac = crypto_hmac_sha256,
	};
}

/* A message parsed from text that the caller frees with edge_free. */
struct edge_message {
	struct parsed parsed;
	struct sip_message *m;
};

static inline void edge_read(struct edge_message *e, struct slice text)
{
	parsed_start(&e->parsed, text);
	e->m = &e->parsed.message;
	if (e->parsed.answer != SIP_PARSE_OK)
		fail_msg("%s in\n%.*s", e->parsed.fault.why ? e->parsed.fault.why : "no memory",
		         SLICE_ARG(text));
}

static inline void edge_free(struct edge_message *e) { parsed_stop(&e->parsed); }

static inline enum sip_side edge_other(enum sip_side side)
{
	return side == SIP_SIDE_EXTERNAL ? SIP_SIDE_INTERNAL : SIP_SIDE_EXTERNAL;
}

/* The first value of a header of written bytes, or "". */
static inline struct slice edge_values(const struct sip_message *m, enum sip_header_id id, char *to,
                                       size_t size)
{
	struct sip_walk walk = { 0 };
	struct slice value;
	size_t length = 0;

	to[0] = '\0';
	while (sip_message_walk(m, id, &walk, &value)) {
		assert_true(length + value.len + 3 < size);
		length += (size_t)snprintf(to + length, size - length, "%s%.*s", length ? ", " : "",
		                           SLICE_ARG(value));
	}
	return (struct slice){ to, length };
}

#endif
