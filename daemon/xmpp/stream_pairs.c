/*
 * Pairs of domains on a stream: their states, their deadlines, and that every
 * stanza belongs to one that was proved on this very stream.
 */
#include "daemon/xmpp/stream_parts.h"
#include "shared/base/memory.h"

/* ---- pairs ---- */

struct xmpp_pair *stream_pair_find(const struct xmpp_stream *s, struct slice local, struct slice remote)
{
	LIST_EACH (at, &s->pairs) {
		struct xmpp_pair *pair = PAIR_OF(at);

		if (slice_equal(pair->remote, remote) && slice_equal(pair->local, local))
			return pair;
	}
	return NULL;
}

struct xmpp_pair *stream_pair_get(struct xmpp_stream *s, struct slice local, struct slice remote)
{
	struct xmpp_pair *pair = stream_pair_find(s, local, remote);
	char *names;

	if (pair)
		return pair;
	if (s->pair_count >= XMPP_PAIRS_MAX || !(pair = mem_new(sizeof *pair + local.len + remote.len)))
		return NULL;
	names = (char *)(pair + 1);
	memcpy(names, local.ptr, local.len);
	memcpy(names + local.len, remote.ptr, remote.len);
	pair->local = (struct slice){ names, local.len };
	pair->remote = (struct slice){ names + local.len, remote.len };
	list_add_last(&s->pairs, &pair->in_stream);
	s->pair_count++;
	return pair;
}

static enum xmpp_pair_state *own_direction(const struct xmpp_stream *s, struct xmpp_pair *pair)
{
	return s->settings.role == XMPP_INITIATING ? &pair->sending : &pair->taking;
}

static void no_longer_verifying(struct xmpp_stream *s, const struct xmpp_pair *pair)
{
	if (s->settings.role == XMPP_RECEIVING && pair->taking == XMPP_PAIR_ASKED)
		s->verifying_count--;
}

void stream_pair_is_ready(struct xmpp_stream *s, struct xmpp_pair *pair, enum xmpp_proof proof)
{
	no_longer_verifying(s, pair);
	pair->proof = proof;
	*own_direction(s, pair) = XMPP_PAIR_READY;
	if (s->does_bidi) /* XEP-0288 §2.3: what is proved one way holds the other way too */
		pair->sending = pair->taking = XMPP_PAIR_READY;
	if (s->phase == XMPP_PHASE_PROVING)
		s->phase = XMPP_PHASE_OPEN;
	s->reader.framer.bytes_max = s->settings.stanza_max;
	calls(s)->pair_changed(s->settings.owner, pair, XMPP_UNDEFINED_CONDITION, "");
}

void stream_pair_is_refused(struct xmpp_stream *s, struct xmpp_pair *pair, enum xmpp_condition error,
                            const char *why)
{
	no_longer_verifying(s, pair);
	*own_direction(s, pair) = XMPP_PAIR_REFUSED;
	calls(s)->pair_changed(s->settings.owner, pair, error, why);
}

void stream_pairs_forget(struct xmpp_stream *s)
{
	LIST_EACH (at, &s->pairs) {
		struct xmpp_pair *pair = PAIR_OF(at);

		if (pair->taking != XMPP_PAIR_ASKED)
			continue;
		no_longer_verifying(s, pair);
		pair->taking = XMPP_PAIR_NONE;
		pair->deadline_ms = 0;
	}
}

bool stream_pairs_has_ready(const struct xmpp_stream *s)
{
	LIST_EACH (at, &s->pairs)
		if (PAIR_OF(at)->sending == XMPP_PAIR_READY || PAIR_OF(at)->taking == XMPP_PAIR_READY)
			return true;
	return false;
}

/* ---- stanzas ---- */

/* RFC 6120 §8.1: both addresses, the pair proved on this very stream; anything else ends it. */
void stream_take(struct xmpp_stream *s, const struct xmpp_element *stanza)
{
	struct xmpp_jid from, to;
	struct xmpp_pair *pair;

	if (s->end.error != XMPP_STREAM_NONE)
		return; /* closing because of an error: nothing is taken any more */
	if (xmpp_jid_parse(xmpp_get(stanza, SLICE("to")), &s->arena, &to, NULL) != RESULT_OK) {
		stream_fail(s, XMPP_STREAM_IMPROPER_ADDRESSING, "a stanza's 'to' is no address");
		return;
	}
	if (xmpp_jid_parse(xmpp_get(stanza, SLICE("from")), &s->arena, &from, NULL) != RESULT_OK) {
		stream_fail(s, XMPP_STREAM_IMPROPER_ADDRESSING, "a stanza's 'from' is no address");
		return;
	}
	pair = stream_pair_find(s, to.domain, from.domain);
	if (!pair || pair->taking != XMPP_PAIR_READY) {
		if (!calls(s)->is_ours(s->settings.owner, to.domain))
			stream_fail(s, XMPP_STREAM_HOST_UNKNOWN,
			            "a stanza is for a domain that is not served here");
		else
			stream_fail(s, XMPP_STREAM_INVALID_FROM,
			            "a stanza comes from a domain not proved on this stream");
		return;
	}
	s->counts.stanzas_in++;
	s->counts.last_stanza_ms = s->now_ms;
	calls(s)->stanza(s->settings.owner, stanza, &from, &to, stream_acks_number(s));
}

/* ---- time, and the end ---- */

void stream_pairs_tick(struct xmpp_stream *s)
{
	LIST_EACH_SAFE (at, &s->pairs) {
		struct xmpp_pair *pair = PAIR_OF(at);

		if (s->phase >= XMPP_PHASE_CLOSING || pair->deadline_ms == 0 || s->now_ms < pair->deadline_ms)
			continue;
		pair->deadline_ms = 0;
		if (pair->sending == XMPP_PAIR_ASKED)
			stream_pair_is_refused(s, pair, XMPP_REMOTE_SERVER_TIMEOUT,
			                       "the partner did not answer our dialback key");
		else if (pair->taking == XMPP_PAIR_ASKED)
			stream_dialback_decide(s, pair, XMPP_KEY_UNKNOWN, XMPP_REMOTE_SERVER_TIMEOUT);
	}
	/* Oldest first; whoever hears of one may end them all. */
	while (!list_is_empty(&s->askings) && s->now_ms >= ASKING_OF(s->askings.next)->deadline_ms)
		stream_dialback_tell(s, ASKING_OF(s->askings.next), XMPP_KEY_UNKNOWN);
}

void stream_pairs_end(struct xmpp_stream *s, const char *why)
{
	LIST_EACH_SAFE (at, &s->pairs) {
		struct xmpp_pair *pair = PAIR_OF(at);

		if (pair->sending == XMPP_PAIR_ASKED || pair->sending == XMPP_PAIR_WANTED ||
		    pair->taking == XMPP_PAIR_ASKED)
			stream_pair_is_refused(s, pair, XMPP_REMOTE_SERVER_TIMEOUT, why);
	}
	while (!list_is_empty(&s->askings))
		stream_dialback_tell(s, ASKING_OF(s->askings.next), XMPP_KEY_UNKNOWN);
}

void stream_pairs_free(struct xmpp_stream *s)
{
	LIST_EACH_SAFE (at, &s->pairs)
		mem_free(PAIR_OF(at));
	LIST_EACH_SAFE (at, &s->askings)
		mem_free(ASKING_OF(at));
	list_start(&s->pairs);
	list_start(&s->askings);
}

/* ---- what owners ask ---- */

static const char *const state_names[] = {
	[XMPP_PAIR_NONE] = "none",   [XMPP_PAIR_WANTED] = "wanted",   [XMPP_PAIR_ASKED] = "asked",
	[XMPP_PAIR_READY] = "ready", [XMPP_PAIR_REFUSED] = "refused",
};
static const char *const proof_names[] = {
	[XMPP_PROOF_NONE] = "none",
	[XMPP_PROOF_SASL] = "sasl",
	[XMPP_PROOF_CERTIFICATE] = "certificate",
	[XMPP_PROOF_DIALBACK] = "dialback",
	[XMPP_PROOF_DNS] = "dns",
};

const char *xmpp_pair_state_name(enum xmpp_pair_state state) { return state_names[state]; }
const char *xmpp_proof_name(enum xmpp_proof proof) { return proof_names[proof]; }

const struct xmpp_pair *xmpp_stream_next_pair(const struct xmpp_stream *s, const struct xmpp_pair *previous)
{
	struct list *next = previous ? previous->in_stream.next : s->pairs.next;

	return next == &s->pairs ? NULL : PAIR_OF(next);
}

const struct xmpp_pair *xmpp_stream_pair(const struct xmpp_stream *s, struct slice local, struct slice remote)
{
	return stream_pair_find(s, local, remote);
}

bool xmpp_stream_is_still_proved(const struct xmpp_stream *s)
{
	LIST_EACH (at, &s->pairs) {
		const struct xmpp_pair *pair = PAIR_OF(at);

		if ((pair->proof == XMPP_PROOF_SASL || pair->proof == XMPP_PROOF_CERTIFICATE) &&
		    !calls(s)->has_certificate_for(s->settings.owner, pair->remote))
			return false;
	}
	return true;
}

enum xmpp_proof xmpp_stream_proof(const struct xmpp_stream *s)
{
	LIST_EACH (at, &s->pairs)
		if (PAIR_OF(at)->proof != XMPP_PROOF_NONE)
			return PAIR_OF(at)->proof;
	return XMPP_PROOF_NONE;
}
