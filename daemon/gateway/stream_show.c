/* What is shown of a stream: a row of `connection list`. */
#include <stdio.h>

#include "daemon/gateway/streams.h"

static void put_pairs(const struct stream *s, struct json_writer *w)
{
	json_open_array(w, "pairs");
	for (const struct xmpp_pair *pair = s->xmpp ? xmpp_stream_next_pair(s->xmpp, NULL) : NULL; pair;
	     pair = xmpp_stream_next_pair(s->xmpp, pair)) {
		json_open_object(w, NULL);
		json_put_slice(w, "local", pair->local);
		json_put_slice(w, "remote", pair->remote);
		json_put_text(w, "sending", xmpp_pair_state_name(pair->sending));
		json_put_text(w, "taking", xmpp_pair_state_name(pair->taking));
		json_put_text(w, "proof", xmpp_proof_name(pair->proof));
		json_close_object(w);
	}
	json_close_array(w);
}

/* As with every connection: "up" is what something can cross on. */
static const char *state_name(const struct stream *s)
{
	enum connection_state state = connection_state(s->connection);

	if (!s->xmpp || state != CONNECTION_UP)
		return state == CONNECTION_UP ? "handshake" : connection_state_name(state);
	return xmpp_stream_phase(s->xmpp) == XMPP_PHASE_OPEN ? "up"
	                                                     : xmpp_phase_name(xmpp_stream_phase(s->xmpp));
}

void stream_write(const struct stream *s, struct json_writer *w)
{
	const struct connection *c = s->connection;
	struct connection_counts counts = connection_counts(c);
	struct instant now = loop_now(s->streams->gateway->loop);
	struct xmpp_stream_counts stanzas = { 0 };
	char text[ADDRESS_TEXT_BYTES], id[24];

	if (s->xmpp)
		stanzas = xmpp_stream_counts(s->xmpp);
	json_open_object(w, NULL);
	snprintf(id, sizeof id, "x-%llu", (unsigned long long)s->number);
	json_put_text(w, "id", id);
	json_put_text(w, "partner", s->partner);
	json_put_text(w, "side", "xmpp");
	json_put_text(w, "direction", connection_is_outgoing(c) ? "out" : "in");
	json_put_text(w, "state", state_name(s));
	json_put_text(w, "auth",
	              s->is_for_asking ? "asking"
	              : s->xmpp        ? xmpp_proof_name(xmpp_stream_proof(s->xmpp))
	                               : "none");
	json_put_text(w, "tls", connection_peer(c)->suite);
	json_put_text(w, "doubt", connection_peer(c)->doubt);
	json_put_text(w, "address", address_text(connection_remote(c), text));
	json_put_number(w, "since", now.wall_ms - (now.mono_ms - counts.since_ms));
	json_put_number(w, "messages_in", (int64_t)stanzas.stanzas_in);
	json_put_number(w, "messages_out", (int64_t)stanzas.stanzas_out);
	json_put_number(w, "bytes_in", (int64_t)counts.bytes_in);
	json_put_number(w, "bytes_out", (int64_t)counts.bytes_out);
	json_put_number(w, "queued", (int64_t)counts.queued);
	json_put_number(w, "under_way", (int64_t)s->flying_count);
	json_put_bool(w, "both_ways", s->xmpp && xmpp_stream_is_both_ways(s->xmpp));
	json_put_bool(w, "acknowledges", s->xmpp && xmpp_stream_acknowledges(s->xmpp));
	json_put_text(w, "certificate",
	              connection_peer(c)->has_certificate ? connection_peer(c)->subject : "");
	json_put_text(w, "rule", s->is_counted ? "xmpp-partner" : "not identified");
	put_pairs(s, w);
	json_put_text(w, "last_error", s->words);
	json_close_object(w);
}
