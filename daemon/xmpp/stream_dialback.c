/*
 * Dialback, which proves pairs (XEP-0220):
 *   initiating     <db:result key>  -> ... <- <db:result type>      stream_result
 *   receiving      stream_judge -> the owner asks the authoritative server -> xmpp_stream_verified
 *   authoritative  <- <db:verify key>, -> <db:verify type>          stream_confirm
 *   and our question to it                                          xmpp_stream_ask, stream_confirmed
 * An answer counts only if it fits a question of ours on this very stream, once (§2.4.2).
 */
#include "daemon/xmpp/dialback.h"

#include <stdio.h>

#include "daemon/names/names.h"
#include "daemon/xmpp/stream_parts.h"
#include "shared/base/memory.h"

/* ---- elements of dialback ---- */

/* <db:NAME from='local' to='remote'/>, both as they stand on the wire. */
static struct xmpp_element *dialback(struct xmpp_stream *s, struct xmpp_builder *b, struct slice name,
                                     struct slice local, struct slice remote)
{
	struct xmpp_element *element = xmpp_add(b, NULL, XMPP_NS_DIALBACK, name);
	struct slice from = xmpp_domain_text(local, &s->arena), to = xmpp_domain_text(remote, &s->arena);

	b->is_broken |= !from.ptr || !to.ptr;
	xmpp_set(b, element, SLICE("from"), from);
	xmpp_set(b, element, SLICE("to"), to);
	return element;
}

static void answer(struct xmpp_stream *s, struct slice name, struct slice local, struct slice remote,
                   struct slice stream_id, struct slice type)
{
	struct xmpp_builder b = { .arena = &s->arena };
	struct xmpp_element *element = dialback(s, &b, name, local, remote);

	if (stream_id.ptr)
		xmpp_set(&b, element, SLICE("id"), stream_id);
	xmpp_set(&b, element, SLICE("type"), type);
	stream_put_element(s, b.is_broken ? NULL : element);
}

/* XEP-0220 §2.4: an error about one pair ends nothing else. */
static void answer_error(struct xmpp_stream *s, struct slice name, struct slice local, struct slice remote,
                         struct slice stream_id, enum xmpp_condition condition)
{
	struct xmpp_builder b = { .arena = &s->arena };
	struct xmpp_element *element = dialback(s, &b, name, local, remote), *error;

	if (stream_id.ptr)
		xmpp_set(&b, element, SLICE("id"), stream_id);
	xmpp_set(&b, element, SLICE("type"), SLICE("error"));
	error = xmpp_add(&b, element, XMPP_NS_SERVER, SLICE("error"));
	xmpp_set(&b, error, SLICE("type"), xmpp_error_type_name(xmpp_condition_type(condition)));
	xmpp_add(&b, error, XMPP_NS_STANZAS, xmpp_condition_name(condition));
	stream_put_element(s, b.is_broken ? NULL : element);
}

/* `from` and `to` of what came: prepared.  False: the stream has ended. */
static bool read_names(struct xmpp_stream *s, const struct xmpp_element *element,
                       char remote[NAMES_DOMAIN_BYTES], char local[NAMES_DOMAIN_BYTES])
{
	if (names_domain_prepare(xmpp_get(element, SLICE("from")), remote, NULL) == RESULT_OK &&
	    names_domain_prepare(xmpp_get(element, SLICE("to")), local, NULL) == RESULT_OK)
		return true;
	stream_fail(s, XMPP_STREAM_IMPROPER_ADDRESSING, "dialback between what are no domains");
	return false;
}

static void key_of(struct xmpp_stream *s, struct slice receiving, struct slice originating,
                   struct slice stream_id, char key[XMPP_DIALBACK_KEY_BYTES])
{
	xmpp_dialback_key(s->settings.secret, xmpp_domain_text(receiving, &s->arena),
	                  xmpp_domain_text(originating, &s->arena), stream_id, key);
}

/* ---- initiating: our key, and what comes of it ---- */

static void prove(struct xmpp_stream *s, struct xmpp_pair *pair)
{
	struct xmpp_builder b = { .arena = &s->arena };
	char key[XMPP_DIALBACK_KEY_BYTES];
	struct xmpp_element *element;

	key_of(s, pair->remote, pair->local, slice_of(s->peer_id), key);
	element = dialback(s, &b, SLICE("result"), pair->local, pair->remote);
	xmpp_add_text(&b, element, slice_of(key));
	pair->sending = XMPP_PAIR_ASKED;
	pair->deadline_ms = s->now_ms + XMPP_PAIR_WAIT_MS;
	stream_put_element(s, b.is_broken ? NULL : element);
}

static bool can_prove(const struct xmpp_stream *s)
{
	return s->peer_does_dialback && s->peer_id[0] && stream_may_dialback(s, &s->terms);
}

void stream_pairs_begin(struct xmpp_stream *s)
{
	LIST_EACH_SAFE (at, &s->pairs) {
		struct xmpp_pair *pair = PAIR_OF(at);

		if (pair->sending != XMPP_PAIR_WANTED || s->phase >= XMPP_PHASE_CLOSING)
			continue;
		if (can_prove(s))
			prove(s, pair);
		else
			stream_pair_is_refused(s, pair, XMPP_REMOTE_SERVER_NOT_FOUND,
			                       "one more pair of domains on the stream needs dialback");
	}
}

enum xmpp_pair_state xmpp_stream_want(struct xmpp_stream *s, struct slice local, struct slice remote)
{
	struct xmpp_pair *pair = stream_pair_find(s, local, remote);

	if (pair && pair->sending == XMPP_PAIR_READY && s->phase == XMPP_PHASE_OPEN)
		return XMPP_PAIR_READY;
	if (s->settings.role != XMPP_INITIATING || s->phase >= XMPP_PHASE_CLOSING)
		return XMPP_PAIR_REFUSED;
	if (!(pair = stream_pair_get(s, local, remote)))
		return XMPP_PAIR_REFUSED;
	if (pair->sending == XMPP_PAIR_WANTED || pair->sending == XMPP_PAIR_ASKED)
		return pair->sending;
	pair->sending = XMPP_PAIR_WANTED;
	if (s->phase != XMPP_PHASE_PROVING && s->phase != XMPP_PHASE_OPEN)
		return XMPP_PAIR_WANTED;
	if (!can_prove(s))
		return pair->sending = XMPP_PAIR_REFUSED;
	prove(s, pair);
	stream_rest(s);
	return XMPP_PAIR_ASKED;
}

/* The <error/> within stands in the stream's namespace, not in dialback's. */
static void read_error(struct xmpp_stream *s, const struct xmpp_element *result,
                       struct xmpp_stanza_error *out)
{
	struct xmpp_element as_stanza = *result;

	as_stanza.space = XMPP_NS_SERVER;
	xmpp_error_read(&as_stanza, &s->arena, out);
}

void stream_result(struct xmpp_stream *s, const struct xmpp_element *result)
{
	char remote[NAMES_DOMAIN_BYTES], local[NAMES_DOMAIN_BYTES];
	struct slice type = xmpp_get(result, SLICE("type"));
	struct xmpp_stanza_error told;
	struct xmpp_pair *pair;

	if (!read_names(s, result, remote, local))
		return;
	pair = stream_pair_find(s, slice_of(local), slice_of(remote));
	if (!pair || pair->sending != XMPP_PAIR_ASKED) {
		s->counts.dropped++;
		return;
	}
	if (slice_equal(type, SLICE("valid"))) {
		stream_pair_is_ready(s, pair, XMPP_PROOF_DIALBACK);
	} else if (slice_equal(type, SLICE("invalid"))) {
		stream_pair_is_refused(s, pair, XMPP_INTERNAL_SERVER_ERROR,
		                       "the partner says our dialback key is invalid");
	} else {
		char why[128];

		read_error(s, result, &told);
		snprintf(why, sizeof why, "the partner refused dialback: %.*s",
		         SLICE_ARG(xmpp_condition_name(told.condition)));
		stream_pair_is_refused(s, pair, XMPP_REMOTE_SERVER_TIMEOUT, why);
	}
	if (s->phase == XMPP_PHASE_PROVING && s->pair_count == 1 && pair->sending == XMPP_PAIR_REFUSED &&
	    list_is_empty(&s->askings))
		stream_give_up(s, "dialback proved nothing");
}

/* ---- receiving: a key that somebody else is said to have made ---- */

static void accept_pair(struct xmpp_stream *s, struct xmpp_pair *pair, enum xmpp_proof proof)
{
	answer(s, SLICE("result"), pair->local, pair->remote, SLICE_NONE, SLICE("valid"));
	stream_pair_is_ready(s, pair, proof);
}

void stream_judge(struct xmpp_stream *s, const struct xmpp_element *result)
{
	char remote_text[NAMES_DOMAIN_BYTES], local_text[NAMES_DOMAIN_BYTES];
	struct slice key = slice_trim(xmpp_text(result, &s->arena)), local, remote;
	bool has_certificate;
	struct xmpp_terms terms;
	struct xmpp_pair *pair;
	enum xmpp_condition refused = XMPP_CONDITION_COUNT;

	if (!read_names(s, result, remote_text, local_text))
		return;
	local = slice_of(local_text);
	remote = slice_of(remote_text);
	has_certificate = s->is_secure && calls(s)->has_certificate_for(s->settings.owner, remote);
	pair = NULL;
	if (key.len > XMPP_KEY_BYTES_MAX)
		refused = XMPP_BAD_REQUEST;
	else if (!calls(s)->is_ours(s->settings.owner, local))
		refused = XMPP_ITEM_NOT_FOUND;
	else if (!calls(s)->terms(s->settings.owner, remote, &terms))
		refused = XMPP_NOT_ALLOWED;
	else if (!s->is_secure && terms.tls == XMPP_TLS_ALWAYS)
		refused = XMPP_POLICY_VIOLATION; /* XEP-0220 §2.4.1: TLS first */
	else if (!stream_may_dialback(s, &terms) && !(has_certificate && terms.may_sasl))
		refused = XMPP_NOT_AUTHORIZED; /* the same: a certificate is wanted */
	else if (!(pair = stream_pair_get(s, local, remote)))
		refused = XMPP_RESOURCE_CONSTRAINT;
	else if (pair->taking == XMPP_PAIR_ASKED) { /* it will be answered */
		s->counts.dropped++;
		return;
	} else if (pair->taking != XMPP_PAIR_READY && !has_certificate &&
	           s->verifying_count >= XMPP_VERIFYING_MAX)
		refused = XMPP_RESOURCE_CONSTRAINT;
	if (refused != XMPP_CONDITION_COUNT) {
		answer_error(s, SLICE("result"), local, remote, SLICE_NONE, refused);
		return;
	}
	if (pair->taking == XMPP_PAIR_READY) {
		answer(s, SLICE("result"), local, remote, SLICE_NONE, SLICE("valid"));
	} else if (has_certificate) {
		accept_pair(s, pair, XMPP_PROOF_CERTIFICATE); /* XEP-0344 §2: no need to ask anybody */
	} else {
		pair->taking = XMPP_PAIR_ASKED;
		pair->deadline_ms = s->now_ms + XMPP_PAIR_WAIT_MS;
		s->verifying_count++;
		/* Now, not when it has waited in vain: its server may try again, or by another way. */
		if (!calls(s)->verify(s->settings.owner, pair->local, pair->remote, slice_of(s->id), key))
			stream_dialback_decide(s, pair, XMPP_KEY_UNKNOWN, XMPP_RESOURCE_CONSTRAINT);
	}
}

void stream_dialback_decide(struct xmpp_stream *s, struct xmpp_pair *pair, enum xmpp_verdict verdict,
                            enum xmpp_condition error)
{
	switch (verdict) {
	case XMPP_KEY_VALID: accept_pair(s, pair, XMPP_PROOF_DIALBACK); return;
	case XMPP_KEY_INVALID:
		answer(s, SLICE("result"), pair->local, pair->remote, SLICE_NONE, SLICE("invalid"));
		stream_pair_is_refused(s, pair, XMPP_FORBIDDEN,
		                       "the domain's own server says the dialback key is not its");
		/* XEP-0220 §2.2.1: whoever lied about its only name has nothing more to say. */
		if (s->phase < XMPP_PHASE_CLOSING && !stream_pairs_has_ready(s))
			stream_give_up(s, "a dialback key was invalid");
		return;
	case XMPP_KEY_UNKNOWN:
		answer_error(s, SLICE("result"), pair->local, pair->remote, SLICE_NONE, error);
		stream_pair_is_refused(s, pair, error,
		                       "the domain's own server could not be asked about the dialback key");
		return;
	}
}

void xmpp_stream_verified(struct xmpp_stream *s, struct slice local, struct slice remote,
                          struct slice stream_id, enum xmpp_verdict verdict, enum xmpp_condition error)
{
	struct xmpp_pair *pair = stream_pair_find(s, local, remote);

	/* A stream that began anew has another id, and what was asked for the one before is no answer (§2.4.2). */
	if (pair && pair->taking == XMPP_PAIR_ASKED && slice_equal(stream_id, slice_of(s->id)) &&
	    s->phase < XMPP_PHASE_CLOSING)
		stream_dialback_decide(s, pair, verdict, error);
	stream_rest(s);
}

/* ---- authoritative: did we make this key? ---- */

void stream_confirm(struct xmpp_stream *s, const struct xmpp_element *verify)
{
	char remote[NAMES_DOMAIN_BYTES], local[NAMES_DOMAIN_BYTES];
	struct slice id = xmpp_get(verify, SLICE("id")), key = slice_trim(xmpp_text(verify, &s->arena)), name;
	bool is_ours;

	if (!read_names(s, verify, remote, local))
		return;
	name = SLICE("verify");
	if (!id.ptr || id.len > ID_TEXT_MAX) {
		answer_error(s, name, slice_of(local), slice_of(remote), SLICE_NONE, XMPP_BAD_REQUEST);
		return;
	}
	if (!calls(s)->is_ours(s->settings.owner, slice_of(local))) {
		answer_error(s, name, slice_of(local), slice_of(remote), id, XMPP_ITEM_NOT_FOUND);
		return;
	}
	is_ours = xmpp_dialback_is_key(s->settings.secret, xmpp_domain_text(slice_of(remote), &s->arena),
	                               xmpp_domain_text(slice_of(local), &s->arena), id, key);
	answer(s, name, slice_of(local), slice_of(remote), id, is_ours ? SLICE("valid") : SLICE("invalid"));
}

/* ---- our question to the authoritative server ---- */

bool xmpp_stream_may_ask(const struct xmpp_stream *s)
{
	return s->settings.role == XMPP_INITIATING &&
	       (s->phase == XMPP_PHASE_PROVING || s->phase == XMPP_PHASE_OPEN) &&
	       s->asking_count < XMPP_ASKING_MAX;
}

static struct asking *asking_new(struct slice local, struct slice remote, struct slice stream_id)
{
	struct asking *asking = mem_new(sizeof *asking + local.len + remote.len + stream_id.len);
	char *at;

	if (!asking)
		return NULL;
	at = (char *)(asking + 1);
	memcpy(at, local.ptr, local.len);
	asking->local = (struct slice){ at, local.len };
	at += local.len;
	memcpy(at, remote.ptr, remote.len);
	asking->remote = (struct slice){ at, remote.len };
	at += remote.len;
	memcpy(at, stream_id.ptr, stream_id.len);
	asking->stream_id = (struct slice){ at, stream_id.len };
	return asking;
}

bool xmpp_stream_ask(struct xmpp_stream *s, struct slice local, struct slice remote, struct slice stream_id,
                     struct slice key)
{
	struct xmpp_builder b = { .arena = &s->arena };
	struct xmpp_element *element;
	struct asking *asking;

	if (!xmpp_stream_may_ask(s) || !(asking = asking_new(local, remote, stream_id)))
		return false;
	element = dialback(s, &b, SLICE("verify"), local, remote);
	xmpp_set(&b, element, SLICE("id"), stream_id);
	xmpp_add_text(&b, element, key);
	asking->deadline_ms = s->now_ms + XMPP_PAIR_WAIT_MS;
	list_add_last(&s->askings, &asking->in_stream);
	s->asking_count++;
	stream_put_element(s, b.is_broken ? NULL : element);
	stream_rest(s);
	return true;
}

/* The question is answered, once: it is gone before the owner hears of it. */
void stream_dialback_tell(struct xmpp_stream *s, struct asking *asking, enum xmpp_verdict verdict)
{
	list_remove(&asking->in_stream);
	s->asking_count--;
	calls(s)->answered(s->settings.owner, asking->local, asking->remote, asking->stream_id, verdict);
	mem_free(asking);
}

void stream_confirmed(struct xmpp_stream *s, const struct xmpp_element *verify)
{
	char remote[NAMES_DOMAIN_BYTES], local[NAMES_DOMAIN_BYTES];
	struct slice id = xmpp_get(verify, SLICE("id")), type = xmpp_get(verify, SLICE("type"));

	if (!read_names(s, verify, remote, local))
		return;
	LIST_EACH (at, &s->askings) {
		struct asking *asking = ASKING_OF(at);

		if (!slice_equal(asking->stream_id, id) || !slice_equal(asking->local, slice_of(local)) ||
		    !slice_equal(asking->remote, slice_of(remote)))
			continue;
		stream_dialback_tell(s, asking,
		                     slice_equal(type, SLICE("valid"))     ? XMPP_KEY_VALID
		                     : slice_equal(type, SLICE("invalid")) ? XMPP_KEY_INVALID
		                                                           : XMPP_KEY_UNKNOWN);
		return;
	}
	s->counts.dropped++;
}
