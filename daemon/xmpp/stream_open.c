/*
 * How a stream opens: headers and features (RFC 6120 §4), STARTTLS (§5), SASL
 * EXTERNAL (§6, XEP-0178), and falling back to dialback after it was refused.
 */
#include <stdio.h>

#include "daemon/crypto/crypto.h"
#include "daemon/names/names.h"
#include "daemon/xmpp/stream_parts.h"
#include "shared/base/memory.h"

/* ---- headers ---- */

/* As it stands on the wire.  A prepared domain holds nothing that would have to be escaped. */
static void put_domain(struct xmpp_stream *s, const char *name, struct slice domain)
{
	if (domain.len == 0)
		return;
	buffer_printf(s->out, " %s='", name);
	names_domain_unicode(domain, s->out);
	stream_put(s, SLICE("'"));
}

/* Nobody can guess the next: dialback keys are made over it (XEP-0185 §4). */
static void make_id(struct xmpp_stream *s)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	uint64_t number = ++s->ids_made;

	crypto_hmac_sha256(s->settings.seed, sizeof s->settings.seed,
	                   (struct slice){ (const char *)&number, sizeof number }, digest);
	crypto_hex_write(digest, (XMPP_STREAM_ID_BYTES - 1) / 2, s->id);
}

void stream_send_header(struct xmpp_stream *s)
{
	stream_put(s, SLICE("<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
	                    "xmlns:stream='http://etherx.jabber.org/streams'"));
	/* Declaring it says that we can do dialback (XEP-0220 §2.2). */
	s->has_declared_dialback = !s->has_terms || s->terms.may_tls_dialback || s->terms.may_tcp_dialback;
	if (s->has_declared_dialback)
		stream_put(s, SLICE(" xmlns:db='jabber:server:dialback'"));
	put_domain(s, "from", s->local);
	put_domain(s, "to", s->remote);
	if (s->settings.role == XMPP_RECEIVING) {
		make_id(s);
		buffer_printf(s->out, " id='%s'", s->id);
	}
	stream_put(s, SLICE(" version='1.0' xml:lang='en'>"));
	s->has_sent_header = true;
}

static bool declares_dialback(const struct xmpp_element *header)
{
	for (const struct xmpp_attribute *a = header->attributes; a; a = a->next)
		if (slice_equal(a->space, XMPP_NS_XMLNS) && slice_equal(a->value, XMPP_NS_DIALBACK))
			return true;
	return false;
}

/* True: 1.0 or later.  A peer of before that says nothing and knows no features (RFC 6120 §4.7.5). */
static bool speaks_features(const struct xmpp_element *header)
{
	struct slice version = xmpp_get(header, SLICE("version"));

	return version.len > 0 && version.ptr[0] != '0';
}

/* NONE when both headers' namespaces are right. */
static enum xmpp_stream_error wrong_namespace(const struct xmpp_element *header)
{
	if (!slice_equal(header->name, SLICE("stream")))
		return XMPP_STREAM_BAD_FORMAT;
	if (!slice_equal(header->space, XMPP_NS_STREAM) ||
	    !slice_equal(xmpp_get(header, SLICE("xmlns")), XMPP_NS_SERVER))
		return XMPP_STREAM_INVALID_NAMESPACE;
	return XMPP_STREAM_NONE;
}

/* ---- receiving: the peer's header ---- */

/* Takes the pair of the peer's header as the stream's first.  False: out of memory. */
static bool keep_names(struct xmpp_stream *s, const char *local, const char *remote)
{
	size_t local_length = strlen(local), remote_length = strlen(remote);
	char *names = mem_new(local_length + remote_length + 1);

	if (!names)
		return false;
	memcpy(names, local, local_length);
	memcpy(names + local_length, remote, remote_length);
	mem_free(s->names);
	s->names = names;
	s->local = (struct slice){ names, local_length };
	s->remote = (struct slice){ names + local_length, remote_length };
	return true;
}

/* False: the stream has ended with the right error. */
static bool check_names(struct xmpp_stream *s, const struct xmpp_element *header)
{
	struct slice to = xmpp_get(header, SLICE("to")), from = xmpp_get(header, SLICE("from"));
	char local[NAMES_DOMAIN_BYTES], remote[NAMES_DOMAIN_BYTES] = "";

	if (names_domain_prepare(to, local, NULL) != RESULT_OK) {
		stream_fail(s, XMPP_STREAM_IMPROPER_ADDRESSING, "the header says no domain in 'to'");
		return false;
	}
	if (!calls(s)->is_ours(s->settings.owner, slice_of(local))) {
		stream_fail(s, XMPP_STREAM_HOST_UNKNOWN, "that domain is not served here");
		return false;
	}
	if (from.ptr && names_domain_prepare(from, remote, NULL) != RESULT_OK) {
		stream_fail(s, XMPP_STREAM_IMPROPER_ADDRESSING, "the header says no domain in 'from'");
		return false;
	}
	if (s->is_authenticated &&
	    (!slice_equal(slice_of(local), s->local) || !slice_equal(slice_of(remote), s->remote))) {
		stream_fail(s, XMPP_STREAM_INVALID_FROM,
		            "the header names others than those who authenticated");
		return false;
	}
	if (!keep_names(s, local, remote)) {
		stream_fail(s, XMPP_STREAM_INTERNAL_SERVER_ERROR, "out of memory");
		return false;
	}
	s->has_terms = s->remote.len > 0;
	if (s->has_terms && !calls(s)->terms(s->settings.owner, s->remote, &s->terms)) {
		stream_fail(s, XMPP_STREAM_POLICY_VIOLATION, "that domain is no partner here");
		return false;
	}
	return true;
}

bool stream_may_dialback(const struct xmpp_stream *s, const struct xmpp_terms *terms)
{
	return s->is_secure ? terms->may_tls_dialback : terms->may_tcp_dialback;
}

static bool may_external(const struct xmpp_stream *s)
{
	return s->is_secure && !s->is_authenticated && s->has_terms && s->terms.may_sasl &&
	       calls(s)->has_certificate_for(s->settings.owner, s->remote);
}

/* Without a header's `from` we do not know whose terms hold: TLS first, then dialback names the partner. */
static bool offers_dialback(const struct xmpp_stream *s)
{
	return s->has_terms ? stream_may_dialback(s, &s->terms) : s->is_secure;
}

static void add_limits(struct xmpp_builder *b, struct xmpp_element *features, const struct xmpp_stream *s)
{
	struct xmpp_element *limits = xmpp_add(b, features, XMPP_NS_LIMITS, SLICE("limits"));
	char number[24];

	snprintf(number, sizeof number, "%zu", s->settings.stanza_max);
	xmpp_add_with_text(b, limits, XMPP_NS_LIMITS, SLICE("max-bytes"), slice_of(number));
	if (s->settings.idle_s) {
		snprintf(number, sizeof number, "%u", (unsigned)s->settings.idle_s);
		xmpp_add_with_text(b, limits, XMPP_NS_LIMITS, SLICE("idle-seconds"), slice_of(number));
	}
}

static void send_features(struct xmpp_stream *s)
{
	struct xmpp_builder b = { .arena = &s->arena };
	struct xmpp_element *features = xmpp_add(&b, NULL, XMPP_NS_STREAM, SLICE("features")), *inner;
	bool must_tls = !s->has_terms || s->terms.tls == XMPP_TLS_ALWAYS;

	if (!s->is_secure && s->settings.can_tls && (must_tls || s->terms.tls != XMPP_TLS_NEVER)) {
		inner = xmpp_add(&b, features, XMPP_NS_TLS, SLICE("starttls"));
		if (must_tls)
			xmpp_add(&b, inner, XMPP_NS_TLS, SLICE("required"));
	}
	/* RFC 6120 §5.3.1: with TLS required nothing else is offered before it. */
	if (s->is_secure || !must_tls) {
		if (may_external(s)) {
			inner = xmpp_add(&b, features, XMPP_NS_SASL, SLICE("mechanisms"));
			xmpp_add_with_text(&b, inner, XMPP_NS_SASL, SLICE("mechanism"), SLICE("EXTERNAL"));
		}
		if (offers_dialback(s)) {
			inner = xmpp_add(&b, features, XMPP_NS_DIALBACK_FEATURE, SLICE("dialback"));
			xmpp_add(&b, inner, XMPP_NS_DIALBACK_FEATURE, SLICE("errors"));
		}
		s->bidi_offered = s->settings.offers_bidi && s->is_secure && !s->is_authenticated;
		if (s->bidi_offered)
			xmpp_add(&b, features, XMPP_NS_BIDI_FEATURE, SLICE("bidi"));
		if (s->settings.offers_acks && s->is_secure)
			xmpp_add(&b, features, XMPP_NS_SM, SLICE("sm"));
		add_limits(&b, features, s);
	}
	stream_put_element(s, b.is_broken ? NULL : features);
}

void stream_greet(struct xmpp_stream *s, const struct xmpp_element *header)
{
	enum xmpp_stream_error wrong = wrong_namespace(header);

	if (wrong != XMPP_STREAM_NONE) {
		stream_fail(s, wrong, "the header is no XMPP server stream's");
		return;
	}
	if (!check_names(s, header))
		return;
	stream_send_header(s);
	if (speaks_features(header))
		send_features(s);
	else if (!s->has_terms || !stream_may_dialback(s, &s->terms)) {
		stream_fail(s, XMPP_STREAM_UNSUPPORTED_VERSION, "a stream without version 1.0 cannot do TLS");
		return;
	}
	s->phase = s->is_authenticated ? XMPP_PHASE_OPEN : XMPP_PHASE_PROVING;
}

/* ---- TLS ---- */

void stream_start_tls(struct xmpp_stream *s)
{
	if (s->is_secure) {
		stream_fail(s, XMPP_STREAM_POLICY_VIOLATION, "the stream is secured already");
		return;
	}
	/* Bytes behind it would be taken for what came through TLS (the injection of 2011). */
	if (s->rest.len > 0) {
		stream_fail(s, XMPP_STREAM_POLICY_VIOLATION, "bytes came between <starttls/> and TLS");
		return;
	}
	if (!s->settings.can_tls ||
	    (s->has_terms && s->terms.tls == XMPP_TLS_NEVER)) { /* RFC 6120 §5.4.2.2 */
		stream_put(s, SLICE("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
		stream_give_up(s, "the partner asked for TLS, which is not offered");
		return;
	}
	stream_put(s, SLICE("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
	s->phase = XMPP_PHASE_TLS;
	calls(s)->start_tls(s->settings.owner);
}

void stream_proceed(struct xmpp_stream *s)
{
	if (s->rest.len > 0) {
		stream_fail(s, XMPP_STREAM_POLICY_VIOLATION, "bytes came between <proceed/> and TLS");
		return;
	}
	s->phase = XMPP_PHASE_TLS;
	calls(s)->start_tls(s->settings.owner);
}

/* A new stream in the same connection: nothing that was said before holds (RFC 6120 §4.3.3). */
static void start_anew(struct xmpp_stream *s)
{
	xmpp_reader_stop(&s->reader);
	xmpp_reader_start(&s->reader,
	                  s->is_authenticated ? s->settings.stanza_max : XMPP_BYTES_BEFORE_IDENTITY_MAX);
	s->phase = XMPP_PHASE_HEADER;
	s->has_sent_header = false;
	s->peer_does_dialback = s->peer_does_errors = s->peer_offers_acks = false;
	s->peer_stanza_max = 0;
	stream_pairs_forget(s);
	if (s->settings.role == XMPP_INITIATING)
		stream_send_header(s);
}

/*
 * A certificate that does not name the partner says that we may be talking to
 * somebody else; where the row lets dialback do without, DNS is what we go by.
 */
void stream_weigh_certificate(struct xmpp_stream *s)
{
	if (s->settings.role == XMPP_INITIATING && !s->terms.may_tls_dialback &&
	    !calls(s)->has_certificate_for(s->settings.owner, s->remote))
		stream_give_up(s, "the partner's certificate does not name its domain");
}

void stream_restart(struct xmpp_stream *s)
{
	s->is_secure = true;
	start_anew(s);
	stream_weigh_certificate(s);
}

/* ---- receiving: SASL ---- */

static void refuse_sasl(struct xmpp_stream *s, struct slice condition)
{
	struct xmpp_builder b = { .arena = &s->arena };
	struct xmpp_element *failure = xmpp_add(&b, NULL, XMPP_NS_SASL, SLICE("failure"));

	xmpp_add(&b, failure, XMPP_NS_SASL, condition);
	stream_put_element(s, b.is_broken ? NULL : failure);
	if (++s->sasl_tries >= XMPP_SASL_TRIES_MAX)
		stream_fail(s, XMPP_STREAM_POLICY_VIOLATION, "too many attempts to authenticate");
}

/* XEP-0178 §3: the authorization identity is absent, "=" or the domain of the header. */
static bool is_own_name(struct xmpp_stream *s, struct slice text)
{
	char domain[NAMES_DOMAIN_BYTES];
	struct buffer decoded;
	bool is_own;

	if (text.len == 0 || slice_equal(text, SLICE("=")))
		return true;
	buffer_start(&decoded, NAMES_INPUT_MAX);
	is_own = crypto_base64_read(text, &decoded) &&
	         names_domain_prepare(buffer_slice(&decoded), domain, NULL) == RESULT_OK &&
	         slice_equal(slice_of(domain), s->remote);
	buffer_stop(&decoded);
	return is_own;
}

void stream_authenticate(struct xmpp_stream *s, const struct xmpp_element *auth)
{
	struct xmpp_pair *pair;

	if (!s->is_secure) {
		refuse_sasl(s, SLICE("encryption-required"));
		return;
	}
	if (!slice_equal(xmpp_get(auth, SLICE("mechanism")), SLICE("EXTERNAL"))) {
		refuse_sasl(s, SLICE("invalid-mechanism"));
		return;
	}
	/* By the row as it is now: it may have changed since the header. */
	s->has_terms = s->has_terms && calls(s)->terms(s->settings.owner, s->remote, &s->terms);
	if (!may_external(s)) {
		refuse_sasl(s, SLICE("not-authorized"));
		return;
	}
	if (!is_own_name(s, xmpp_text(auth, &s->arena))) {
		refuse_sasl(s, SLICE("invalid-authzid"));
		return;
	}
	if (!(pair = stream_pair_get(s, s->local, s->remote))) {
		stream_fail(s, XMPP_STREAM_RESOURCE_CONSTRAINT, "no room for one more pair of domains");
		return;
	}
	stream_put(s, SLICE("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"));
	s->is_authenticated = true;
	start_anew(s);
	stream_pair_is_ready(s, pair, XMPP_PROOF_SASL);
}

/* ---- initiating ---- */

/* RFC 6120 §4.7.1: `from` of the answer is who we asked for; some leave it out. */
void stream_learn(struct xmpp_stream *s, const struct xmpp_element *header)
{
	enum xmpp_stream_error wrong = wrong_namespace(header);
	struct slice from = xmpp_get(header, SLICE("from")), id = xmpp_get(header, SLICE("id"));
	char domain[NAMES_DOMAIN_BYTES];

	if (wrong != XMPP_STREAM_NONE) {
		stream_fail(s, wrong, "the header is no XMPP server stream's");
		return;
	}
	if (from.len && (names_domain_prepare(from, domain, NULL) != RESULT_OK ||
	                 !slice_equal(slice_of(domain), s->remote))) {
		stream_fail(s, XMPP_STREAM_INVALID_FROM, "the server answers for another domain");
		return;
	}
	if (!slice_to_text(id, s->peer_id, sizeof s->peer_id)) {
		stream_fail(s, XMPP_STREAM_BAD_FORMAT, "the stream's id cannot be used");
		return;
	}
	s->peer_does_dialback = declares_dialback(header);
	if (speaks_features(header))
		s->phase = XMPP_PHASE_FEATURES;
	else
		stream_choose(s, NULL);
}

static void note_features(struct xmpp_stream *s, const struct xmpp_element *features)
{
	const struct xmpp_element *dialback = xmpp_child(features, XMPP_NS_DIALBACK_FEATURE,
	                                                 SLICE("dialback"));
	const struct xmpp_element *limits = xmpp_child(features, XMPP_NS_LIMITS, SLICE("limits"));
	uint64_t max;

	if (dialback) {
		s->peer_does_dialback = true;
		s->peer_does_errors = xmpp_child(dialback, XMPP_NS_DIALBACK_FEATURE, SLICE("errors")) != NULL;
	}
	s->peer_offers_acks = xmpp_child(features, XMPP_NS_SM, SLICE("sm")) != NULL;
	/* RFC 6120 §13.12: nobody may say less than 10000. */
	if (slice_to_number(xmpp_child_text(limits, XMPP_NS_LIMITS, SLICE("max-bytes"), &s->arena),
	                    UINT32_MAX, &max) &&
	    max >= 10000)
		s->peer_stanza_max = (size_t)max;
}

static bool offers_external(const struct xmpp_element *features, struct arena *arena)
{
	const struct xmpp_element *mechanisms = xmpp_child(features, XMPP_NS_SASL, SLICE("mechanisms"));

	for (const struct xmpp_element *at = xmpp_child(mechanisms, XMPP_NS_SASL, SLICE("mechanism")); at;
	     at = xmpp_next_same(at))
		if (slice_equal(slice_trim(xmpp_text(at, arena)), SLICE("EXTERNAL")))
			return true;
	return false;
}

static void send_auth(struct xmpp_stream *s)
{
	struct buffer name;

	buffer_start(&name, 3 * NAMES_DOMAIN_BYTES);
	names_domain_unicode(s->local, &name);
	stream_put(s, SLICE("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>"));
	if (!crypto_base64_write(buffer_slice(&name), s->out)) /* some of old want it said (XEP-0178 §3) */
		s->out->is_broken = true;
	stream_put(s, SLICE("</auth>"));
	buffer_stop(&name);
	s->phase = XMPP_PHASE_SASL_ASKED;
}

static void begin_proving(struct xmpp_stream *s)
{
	s->phase = XMPP_PHASE_PROVING;
	stream_pairs_begin(s);
	if (s->phase == XMPP_PHASE_PROVING || s->phase == XMPP_PHASE_OPEN)
		calls(s)->ready(s->settings.owner);
}

static void choose_secure(struct xmpp_stream *s, const struct xmpp_element *features)
{
	if (s->is_authenticated) {
		s->phase = XMPP_PHASE_OPEN;
		stream_acks_want(s);
		return;
	}
	if (s->settings.is_for_asking) {
		begin_proving(s);
		return;
	}
	if (s->settings.offers_bidi && s->is_secure && features &&
	    xmpp_child(features, XMPP_NS_BIDI_FEATURE, SLICE("bidi"))) {
		stream_put(s, SLICE("<bidi xmlns='urn:xmpp:bidi'/>"));
		s->does_bidi = true;
	}
	if (s->is_secure && s->settings.may_sasl && s->terms.may_sasl && features &&
	    offers_external(features, &s->arena)) {
		send_auth(s);
		return;
	}
	if (!stream_may_dialback(s, &s->terms))
		stream_give_up(
		        s, s->terms.may_sasl
		                   ? "the partner does not accept our certificate (no SASL EXTERNAL offered)"
		                   : "the stream cannot be authenticated without TLS");
	else if (!s->peer_does_dialback)
		stream_give_up(s, "the partner offers neither SASL EXTERNAL nor dialback");
	else if (!s->peer_id[0])
		stream_give_up(s, "the partner gave its stream no id, without which there is no dialback");
	else
		begin_proving(s);
}

void stream_choose(struct xmpp_stream *s, const struct xmpp_element *features)
{
	const struct xmpp_element *tls = xmpp_child(features, XMPP_NS_TLS, SLICE("starttls"));

	if (features)
		note_features(s, features);
	if (!s->is_secure && tls && s->terms.tls != XMPP_TLS_NEVER && s->settings.can_tls) {
		stream_put(s, SLICE("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
		s->phase = XMPP_PHASE_TLS_ASKED;
	} else if (!s->is_secure && s->terms.tls == XMPP_TLS_ALWAYS) {
		stream_give_up(s, "the partner offers no TLS, which its row requires");
	} else if (!s->is_secure && xmpp_child(tls, XMPP_NS_TLS, SLICE("required"))) {
		stream_give_up(s, "the partner requires TLS, which its row forbids");
	} else {
		choose_secure(s, features);
	}
}

void stream_succeed(struct xmpp_stream *s)
{
	s->is_authenticated = true;
	start_anew(s);
}

/* XEP-0178 §3: the peer may hang up now, or let us go on with dialback, as those do that people run. */
void stream_fall_back(struct xmpp_stream *s, const struct xmpp_element *failure)
{
	(void)failure;
	s->was_sasl_refused = true;
	if (!s->terms.may_tls_dialback)
		stream_give_up(s, "the partner refused our certificate (SASL EXTERNAL)");
	else if (!s->peer_does_dialback)
		stream_give_up(s,
		               "the partner refused our certificate (SASL EXTERNAL) and offers no dialback");
	else
		begin_proving(s);
}
