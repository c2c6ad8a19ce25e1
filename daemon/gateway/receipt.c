/*
 * receipt: what a partner is still owed an acknowledgement for (XEP-0198).
 *
 * Problem: a stanza that was acknowledged is ours to answer for, and what dies with this process between the
 * acknowledgement and the next hop is lost without a word.  So each counted stanza has a receipt until the SIP
 * side says that it is dealt with, in whatever order that comes; a stream that ends takes its receipts along,
 * and a token of one that has gone names nothing.
 */
#include "daemon/gateway/streams.h"
#include "shared/base/memory.h"

struct receipt {
	struct list node; /* stream->receipts, the oldest first */
	struct stream *stream;
	handle self;
	uint64_t number; /* the stream machine's */
	int64_t since_ms;
};

static void receipt_free(struct receipt *receipt)
{
	handles_remove(&receipt->stream->streams->receipts, receipt->self);
	list_remove(&receipt->node);
	mem_free(receipt);
}

handle receipt_new(struct stream *s, uint64_t number)
{
	struct receipt *receipt = mem_new(sizeof *receipt);

	if (!receipt)
		return 0;
	*receipt = (struct receipt){ .stream = s,
		                     .number = number,
		                     .since_ms = gateway_now_ms(s->streams->gateway) };
	receipt->self = handles_add(&s->streams->receipts, receipt);
	if (!receipt->self) {
		mem_free(receipt);
		return 0;
	}
	list_add_last(&s->receipts, &receipt->node);
	return receipt->self;
}

void gateway_xmpp_handled(struct gateway *g, handle token)
{
	struct receipt *receipt = handles_get(&g->streams->receipts, token);
	struct stream *s;

	if (!receipt)
		return;
	s = receipt->stream;
	xmpp_stream_handled(s->xmpp, receipt->number);
	receipt_free(receipt);
	stream_touched(s);
}

void receipts_second(struct stream *s)
{
	const struct receipt *oldest;

	if (list_is_empty(&s->receipts))
		return;
	oldest = LIST_OWNER(s->receipts.next, struct receipt, node);
	if (gateway_now_ms(s->streams->gateway) - oldest->since_ms < RECEIPT_MS)
		return;
	/* Not acknowledged: the partner learns that its outcome is unknown, which is the truth. */
	receipts_drop(s);
	stream_close(s, XMPP_STREAM_INTERNAL_SERVER_ERROR, "a stanza was not dealt with in time");
}

void receipts_drop(struct stream *s)
{
	while (!list_is_empty(&s->receipts))
		receipt_free(LIST_OWNER(s->receipts.next, struct receipt, node));
}
