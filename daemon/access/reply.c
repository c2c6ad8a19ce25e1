/*
 * reply: answers of our own (RFC 3261 §8.2.6), and why they are given.
 */
#include <stdio.h>

#include "daemon/access/parts.h"
#include "daemon/link/sip_frame.h"

enum { REPLY_EXTRA_MAX = 1024, REPLY_TAG_HEX = 16 };

/*
 * The reason in the partner's and the pool's own words: ms-diagnostics stays
 * inside, ms-diagnostics-public may leave and tells nothing about the inside ([MS-OCER]).
 */
static void add_diagnostics(struct buffer *out, const struct access *a, enum sip_side side,
                            const struct failure *why)
{
	/* Names and addresses of the inside stay inside: what is not meant for everybody becomes the RFC's phrase. */
	struct slice words = side != SIP_SIDE_INTERNAL && !why->is_public ? sip_phrase(why->status)
	                                                                  : slice_of(why->words);

	if (!why->diagnostic)
		return;
	buffer_printf(out, "%s: %d;reason=\"",
	              side == SIP_SIDE_EXTERNAL ? "ms-diagnostics-public" : "ms-diagnostics",
	              why->diagnostic);
	link_sip_write_words(words, out);
	buffer_printf(out, "\";source=\"%.*s\"\r\n", SLICE_ARG(a->proxy.side[side].fqdn));
}

/* Our tag for a request: the same for its retransmissions, another for every other request. */
static void make_tag(const struct access *a, const struct sip_message *m, char to[REPLY_TAG_HEX + 1])
{
	uint64_t h = siphash(a->seed, m->call_id) ^ siphash(a->seed, m->via.branch);

	snprintf(to, REPLY_TAG_HEX + 1, "%016llx", (unsigned long long)h);
}

static enum sip_event event_of(int status)
{
	return status < 200 ? SIP_EVENT_1XX : status < 300 ? SIP_EVENT_2XX : SIP_EVENT_3XX_6XX;
}

void request_reply(struct access *a, struct flow *flow, struct sip_transaction *server,
                   const struct sip_message *m, int status, const struct failure *why, struct slice extra)
{
	struct buffer *out = flow_queue(flow);
	struct buffer headers;
	char room
	        [REPLY_EXTRA_MAX]; /* a refusal for want of room must not need any (security: transaction flood) */
	char tag[REPLY_TAG_HEX + 1];
	size_t before;

	if (out) {
		before = buffer_length(out);
		buffer_start_fixed(&headers, room, sizeof room);
		buffer_add(&headers, extra);
		if ((status == 480 || status == 503) && !slice_starts(extra, SLICE("Retry-After")))
			buffer_printf(&headers, "Retry-After: %d\r\n", ACCESS_RETRY_AFTER_S);
		if (why)
			add_diagnostics(&headers, a, flow->side, why);
		make_tag(a, m, tag);
		if (sip_reply_write(m, status, sip_phrase(status), slice_of(tag),
		                    headers.is_broken ? SLICE_NONE : buffer_slice(&headers), out)) {
			if (server && server->method == SIP_INVITE) {
				buffer_clear(&server->stored);
				buffer_add(&server->stored, slice_after(buffer_slice(out), before));
			}
			a->responses[status / 100 % 7]++;
			flow_sent(flow);
		} else {
			a->dropped++;
			flow_not_written(flow);
		}
	}
	if (server)
		response_server_step(a, server, event_of(status));
}

void request_answer(struct request *r, const struct sip_message *m, int status, const struct failure *why,
                    struct slice extra)
{
	struct access *a = r->access;
	struct flow *source = flow_find(a, r->source);
	struct sip_transaction *server = sip_transactions_get(a->transactions, r->server);
	struct sip_message again;

	if (!m && server && source) {
		arena_reset(&a->scratch);
		if (request_parse(r, &again))
			m = &again;
	}
	if (server)
		server->owner = NULL;
	r->server = 0;
	if (server && source && m)
		request_reply(a, source, server, m, status, why, extra);
	else if (server)
		response_server_step(a, server, SIP_EVENT_TRANSPORT_FAILED);
	request_done(r);
}
