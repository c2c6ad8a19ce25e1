/*
 * The TLS stream: mutual authentication, no tickets, no renegotiation.
 *
 * The peer's certificate is verified when it arrives, within the handshake, so
 * that the side that refuses says why by alert before it says anything else.
 * With TLS 1.3 a client has finished before the server looks at its
 * certificate (RFC 8446 §4.4): "they refused us" then comes with the first read.
 *
 * Records are counted on the wire, because what GnuTLS swallows (alerts, key
 * updates, empty records) costs work that no byte counter above would see.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "daemon/io/stream.h"
#include "daemon/io/tls_parts.h"
#include "daemon/io/tls_stage.h"
#include "shared/base/memory.h"

enum {
	TLS_SILENT_RECORDS_PER_SECOND = 64,     /* records without data: alerts, key updates, empty ones */
	TLS_KEY_UPDATE_INTERVAL_MS = 10 * 1000, /* one in so long */
	TLS_RECORD_HEADER_BYTES = 5,
	TLS_RECORD_ALERT = 21,
	TLS_RECORD_HANDSHAKE = 22,
	TLS_RECORD_DATA_MAX = 16 * 1024,
};

/* Counts the records in the bytes that pass by. RFC 8446 §5.1. */
struct record_counter {
	unsigned header_seen;
	uint8_t header[TLS_RECORD_HEADER_BYTES];
	uint32_t body_left;
	uint64_t records;
	uint8_t first_byte;
};

struct tls_stream {
	struct stream stream;
	struct loop *loop;
	gnutls_session_t session;
	struct tls_credentials *credentials;
	const struct tls_identity
	        *identity; /* of ours, among the credentials'; NULL: as SNI asks, or the first */
	struct tls_peer *peer;
	struct tls_stage stage;
	struct record_counter counter; /* of what TLS has taken, not of what is staged */
	uint64_t data_records;         /* that brought data */
	uint64_t silent_at_start;      /* of the present second */
	int64_t second_ms;
	int64_t key_update_ms; /* the last one; 0: none yet */
	size_t write_pending;  /* GnuTLS wants the same bytes again */
	int last_errno;        /* of the socket */
	bool is_server;
	bool has_read_data;
	bool is_key_update_flood;
	bool is_refused; /* by us: `refusal` says why */
	gnutls_alert_description_t refusal_alert;
	struct reason *refusal; /* where to write it; valid during the handshake call */
};

static struct tls_stream *tls_of(struct stream *stream) { return (struct tls_stream *)(void *)stream; }

static int64_t now_ms(const struct tls_stream *tls) { return loop_now(tls->loop).mono_ms; }

/* ---- counting ---- */

static void count_records(struct record_counter *counter, const uint8_t *bytes, size_t length)
{
	while (length > 0) {
		if (counter->body_left > 0) {
			size_t part = length < counter->body_left ? length : counter->body_left;

			counter->body_left -= (uint32_t)part;
			bytes += part;
			length -= part;
			continue;
		}
		if (counter->header_seen == 0) {
			if (counter->records++ == 0)
				counter->first_byte = *bytes;
		}
		counter->header[counter->header_seen++] = *bytes++;
		length--;
		if (counter->header_seen == TLS_RECORD_HEADER_BYTES) {
			counter->header_seen = 0;
			counter->body_left = (uint32_t)counter->header[3] << 8 | counter->header[4];
		}
	}
}

/* HTTP, plain SIP, SSL 2 or a scanner are known by their first byte; GnuTLS would wait for more of them. */
bool tls_may_begin(uint8_t first) { return first == TLS_RECORD_HANDSHAKE || first == TLS_RECORD_ALERT; }

static bool is_tls(const struct record_counter *counter)
{
	return counter->records == 0 || tls_may_begin(counter->first_byte);
}

static bool has_too_many_silent_records(struct tls_stream *tls)
{
	uint64_t records = tls->counter.records;
	uint64_t silent = records > tls->data_records ? records - tls->data_records : 0;
	int64_t now = now_ms(tls);

	if (now - tls->second_ms >= 1000) {
		tls->second_ms = now;
		tls->silent_at_start = silent;
	}
	return silent > tls->silent_at_start + TLS_SILENT_RECORDS_PER_SECOND;
}

static void note_errno(struct tls_stream *tls)
{
	tls->last_errno = errno;
	gnutls_transport_set_errno(tls->session, errno);
}

static ssize_t pull(gnutls_transport_ptr_t owner, void *to, size_t size)
{
	struct tls_stream *tls = owner;
	ssize_t n = tls_stage_take(&tls->stage, tls->stream.fd, to, size);

	if (n > 0)
		count_records(&tls->counter, to, (size_t)n);
	else if (n < 0)
		note_errno(tls);
	return n;
}

static ssize_t push(gnutls_transport_ptr_t owner, const giovec_t *parts, int count)
{
	struct tls_stream *tls = owner;
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)count };
	ssize_t n = sendmsg(tls->stream.fd, &message, MSG_NOSIGNAL);

	if (n < 0)
		note_errno(tls);
	return n;
}

static int key_update_came(gnutls_session_t session, unsigned type, unsigned when, unsigned is_incoming,
                           const gnutls_datum_t *message)
{
	struct tls_stream *tls = gnutls_session_get_ptr(session);
	int64_t now = now_ms(tls);

	(void)type;
	(void)when;
	(void)message;
	if (!is_incoming)
		return 0;
	if (tls->key_update_ms && now - tls->key_update_ms < TLS_KEY_UPDATE_INTERVAL_MS) {
		tls->is_key_update_flood = true;
		return GNUTLS_E_TOO_MANY_HANDSHAKE_PACKETS;
	}
	tls->key_update_ms = now;
	return 0;
}

/* ---- which certificate of ours ---- */

enum { TLS_ASKED_NAME_BYTES = 256 };

/* RFC 6066 §3: one name is asked for, if any. */
static struct slice asked_name(gnutls_session_t session, char *to, size_t size)
{
	unsigned type = 0;
	size_t length = size;

	if (gnutls_server_name_get(session, to, &length, &type, 0) < 0 || type != GNUTLS_NAME_DNS)
		return SLICE("");
	return slice_of(to);
}

/* GnuTLS asks this when a certificate of ours is to be shown, whichever side we are. */
static int show_certificate(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
                            const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                            gnutls_pcert_st **chain, unsigned *count, gnutls_privkey_t *key)
{
	const struct tls_stream *tls = gnutls_session_get_ptr(session);
	const struct tls_identity *identity = tls->identity;
	char asked[TLS_ASKED_NAME_BYTES];

	(void)authorities;
	(void)authority_count;
	(void)algorithms;
	(void)algorithm_count;
	if (!identity)
		identity = tls_identity_for(tls->credentials,
		                            tls->is_server ? asked_name(session, asked, sizeof asked)
		                                           : SLICE(""));
	*chain = (gnutls_pcert_st *)(uintptr_t)identity->chain;
	*count = identity->chain_count;
	*key = identity->key;
	return 0;
}

void tls_shows_own(struct tls_credentials *credentials)
{
	gnutls_certificate_set_retrieve_function2(credentials->x509, show_certificate);
}

/* ---- how it ends ---- */

/* GnuTLS asks this when the peer's certificate has come. */
static int verify_peer(gnutls_session_t session)
{
	struct tls_stream *tls = gnutls_session_get_ptr(session);

	mem_free(tls->peer);
	tls->peer = NULL;
	if (tls_verify(session, tls->credentials, true, loop_now(tls->loop).wall_ms / 1000, &tls->peer,
	               &tls->refusal_alert, tls->refusal) == RESULT_OK)
		return 0;
	tls->is_refused = true;
	return GNUTLS_E_CERTIFICATE_ERROR;
}

static enum stream_step ended(struct stream_end *end, enum connection_end why, const char *words)
{
	end->end = why;
	fail(&end->words, RESULT_CLOSED, "%s", words);
	return STREAM_ENDED;
}

static bool is_no_common_ground(int code)
{
	switch (code) {
	case GNUTLS_E_NO_CIPHER_SUITES:
	case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
	case GNUTLS_E_NO_COMMON_KEY_SHARE:
	case GNUTLS_E_INSUFFICIENT_SECURITY:
	case GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM:
	case GNUTLS_E_UNKNOWN_CIPHER_SUITE:
	case GNUTLS_E_ECC_UNSUPPORTED_CURVE:
	case GNUTLS_E_UNSAFE_RENEGOTIATION_DENIED:
	case GNUTLS_E_NO_APPLICATION_PROTOCOL: return true;
	default: return false;
	}
}

/* What both reading and the handshake may meet. */
static enum stream_step end_of_transport(struct tls_stream *tls, int code, struct stream_end *end)
{
	char words[128];

	if (code == GNUTLS_E_FATAL_ALERT_RECEIVED) {
		const char *name = gnutls_alert_get_name(gnutls_alert_get(tls->session));

		snprintf(words, sizeof words, "alert: %s", name ? name : "unknown");
		return ended(end, tls->has_read_data ? CONNECTION_END_RESET : CONNECTION_END_TLS_THEIRS,
		             words);
	}
	if (code == GNUTLS_E_PULL_ERROR || code == GNUTLS_E_PUSH_ERROR) {
		errno = tls->last_errno;
		end->end = errno == ETIMEDOUT ? CONNECTION_END_TIMEOUT : CONNECTION_END_RESET;
		fail_errno(&end->words, RESULT_IO, "broken");
		return STREAM_ENDED;
	}
	if (code == GNUTLS_E_MEMORY_ERROR)
		return ended(end, CONNECTION_END_INTERNAL, "out of memory");
	snprintf(words, sizeof words, "TLS: %s", gnutls_strerror(code));
	return ended(end, CONNECTION_END_PROTOCOL, words);
}

static enum stream_step end_of_handshake(struct tls_stream *tls, int code, struct stream_end *end)
{
	int level = GNUTLS_AL_FATAL, alert = gnutls_error_to_alert(code, &level);
	char words[128];

	/* An alert in the place of a certificate: GnuTLS calls both "no certificate". */
	if (code == GNUTLS_E_NO_CERTIFICATE_FOUND && gnutls_alert_get(tls->session) != GNUTLS_A_CLOSE_NOTIFY)
		code = GNUTLS_E_FATAL_ALERT_RECEIVED;
	if (code == GNUTLS_E_PREMATURE_TERMINATION)
		return ended(end, CONNECTION_END_RESET, "closed during the TLS handshake");
	if (code == GNUTLS_E_FATAL_ALERT_RECEIVED || code == GNUTLS_E_PULL_ERROR ||
	    code == GNUTLS_E_PUSH_ERROR)
		return end_of_transport(tls, code, end);

	if (tls->is_refused) {
		end->end = CONNECTION_END_TLS_OURS; /* verify_peer wrote the words */
		alert = (int)tls->refusal_alert;
	} else if (code == GNUTLS_E_NO_CERTIFICATE_FOUND || code == GNUTLS_E_CERTIFICATE_REQUIRED) {
		ended(end, CONNECTION_END_TLS_OURS, "no certificate was presented");
		alert = code == GNUTLS_E_CERTIFICATE_REQUIRED
		                ? GNUTLS_A_CERTIFICATE_REQUIRED /* RFC 5246 §7.4.6 */
		                : GNUTLS_A_HANDSHAKE_FAILURE;
	} else if (code == GNUTLS_E_NO_APPLICATION_PROTOCOL) {
		ended(end, CONNECTION_END_TLS_OURS, "another application protocol was asked for (ALPN)");
	} else if (is_no_common_ground(code)) {
		snprintf(words, sizeof words, "no common TLS version or suite: %s", gnutls_strerror(code));
		ended(end, CONNECTION_END_TLS_OURS, words);
	} else {
		end_of_transport(tls, code, end);
	}
	end->owes_goodbye = true;
	gnutls_alert_send(tls->session, GNUTLS_AL_FATAL,
	                  alert < 0 ? GNUTLS_A_HANDSHAKE_FAILURE : (gnutls_alert_description_t)alert);
	return STREAM_ENDED;
}

/* GnuTLS also says "again" after a record that is no data; then what is staged behind it raises no readiness. */
static enum stream_step waits_for(const struct tls_stream *tls)
{
	if (gnutls_record_get_direction(tls->session))
		return STREAM_WAIT_WRITE;
	return tls_stage_has(&tls->stage) ? STREAM_MORE : STREAM_WAIT_READ;
}

/* ---- the stream ---- */

/* "TLS1.3 AES-256-GCM" joins what the certificate says; a fresh copy because the text lies behind it. */
static bool note_suite(struct tls_stream *tls)
{
	char suite[64];
	struct tls_peer with = tls->peer ? *tls->peer : tls_peer_none;
	struct tls_peer *copy;

	snprintf(suite, sizeof suite, "%s %s",
	         gnutls_protocol_get_name(gnutls_protocol_get_version(tls->session)),
	         gnutls_cipher_get_name(gnutls_cipher_get(tls->session)));
	with.suite = suite;
	copy = tls_peer_copy(&with);
	if (!copy)
		return false;
	mem_free(tls->peer);
	tls->peer = copy;
	return true;
}

static enum stream_step tls_handshake(struct stream *stream, struct stream_end *end)
{
	struct tls_stream *tls = tls_of(stream);
	int code;

	tls->refusal = &end->words;
	code = gnutls_handshake(tls->session);
	tls->refusal = NULL;
	if (code == GNUTLS_E_SUCCESS) {
		tls->data_records = tls->counter.records; /* the budget starts afresh */
		tls->silent_at_start = 0;
		tls_stage_rest(&tls->stage);
		if (!note_suite(tls))
			return ended(end, CONNECTION_END_INTERNAL, "out of memory");
		return STREAM_DONE;
	}
	if (!is_tls(&tls->counter))
		return ended(end, CONNECTION_END_PROTOCOL, "the first bytes are no TLS");
	if (has_too_many_silent_records(tls))
		return ended(end, CONNECTION_END_PROTOCOL, "too many TLS records in the handshake");
	if (code == GNUTLS_E_AGAIN)
		return waits_for(tls);
	if (!gnutls_error_is_fatal(code)) /* interrupted, a warning alert */
		return STREAM_MORE;
	return end_of_handshake(tls, code, end);
}

static enum stream_step tls_read(struct stream *stream, char *to, size_t size, size_t *got,
                                 struct stream_end *end)
{
	struct tls_stream *tls = tls_of(stream);
	ssize_t n = gnutls_record_recv(tls->session, to, size);

	if (n > 0) {
		/* A record read in pieces is still one: pieces would be credit for records without data. */
		if (gnutls_record_check_pending(tls->session) == 0)
			tls->data_records++;
		tls->has_read_data = true;
		*got = (size_t)n;
		return STREAM_DONE;
	}
	if (n == 0) {
		end->end = CONNECTION_END_PEER;
		return STREAM_ENDED;
	}
	if (tls->is_key_update_flood)
		return ended(end, CONNECTION_END_PROTOCOL, "too many TLS key updates");
	if (n == GNUTLS_E_REHANDSHAKE)
		return ended(end, CONNECTION_END_PROTOCOL, "TLS renegotiation was asked for");
	/* FIN without close_notify: as good an end as any other, because a cut message is never used. */
	if (n == GNUTLS_E_PREMATURE_TERMINATION)
		return ended(end, CONNECTION_END_PEER, "without close_notify");
	if (has_too_many_silent_records(tls))
		return ended(end, CONNECTION_END_PROTOCOL, "too many TLS records without data");
	if (n == GNUTLS_E_AGAIN)
		return waits_for(tls);
	if (!gnutls_error_is_fatal((int)n))
		return STREAM_MORE;
	return end_of_transport(tls, (int)n, end);
}

enum { TLS_LAST_READS = 8 };

/*
 * Who refuses our certificate with TLS 1.3 says so and closes while we already write; our bytes then meet a
 * reset, and the alert that says why may still wait to be read.
 */
static int last_alert(struct tls_stream *tls, int code)
{
	char unread[64];

	for (unsigned i = 0; i < TLS_LAST_READS && !tls->has_read_data; i++) {
		ssize_t n = gnutls_record_recv(tls->session, unread, sizeof unread);

		if (n == GNUTLS_E_FATAL_ALERT_RECEIVED)
			return (int)n;
		if (n >= 0 || n == GNUTLS_E_AGAIN || gnutls_error_is_fatal((int)n))
			break;
	}
	return code;
}

static enum stream_step tls_write(struct stream *stream, struct slice bytes, size_t *taken,
                                  struct stream_end *end)
{
	struct tls_stream *tls = tls_of(stream);
	size_t length = bytes.len < TLS_RECORD_DATA_MAX ? bytes.len : TLS_RECORD_DATA_MAX;
	ssize_t n;

	/* More may have been queued behind them, but what GnuTLS began must be repeated as it was. */
	if (tls->write_pending)
		length = tls->write_pending;
	n = gnutls_record_send(tls->session, bytes.ptr, length);
	if (n > 0) {
		tls->write_pending = 0;
		*taken = (size_t)n;
		return STREAM_DONE;
	}
	tls->write_pending = length;
	if (n == GNUTLS_E_AGAIN)
		return STREAM_WAIT_WRITE;
	if (n == GNUTLS_E_INTERRUPTED)
		return STREAM_MORE;
	if (n == GNUTLS_E_PUSH_ERROR || n == GNUTLS_E_PREMATURE_TERMINATION)
		n = last_alert(tls, (int)n);
	if (n == GNUTLS_E_PREMATURE_TERMINATION) /* GnuTLS's word for a reset, too */
		return ended(end, CONNECTION_END_RESET, "broken while it was written to");
	return end_of_transport(tls, (int)n, end);
}

static enum stream_step tls_goodbye(struct stream *stream)
{
	struct tls_stream *tls = tls_of(stream);
	int code;

	do
		code = gnutls_bye(tls->session, GNUTLS_SHUT_WR);
	while (code == GNUTLS_E_INTERRUPTED);
	return code == GNUTLS_E_AGAIN ? STREAM_WAIT_WRITE : STREAM_DONE;
}

static bool tls_has_unread(const struct stream *stream)
{
	const struct tls_stream *tls = (const struct tls_stream *)(const void *)stream;

	return tls_stage_has(&tls->stage) || gnutls_record_check_pending(tls->session) > 0;
}

static void tls_rest(struct stream *stream) { tls_stage_rest(&tls_of(stream)->stage); }

static const struct tls_peer *tls_peer_of(const struct stream *stream)
{
	const struct tls_stream *tls = (const struct tls_stream *)(const void *)stream;

	return tls->peer ? tls->peer : &tls_peer_none;
}

static enum result tls_recheck(struct stream *stream, struct tls_credentials *credentials,
                               struct reason *reason)
{
	struct tls_stream *tls = tls_of(stream);
	struct tls_credentials *old = tls->credentials;
	struct tls_peer *fresh = NULL;
	gnutls_alert_description_t alert;
	enum result result;

	if (gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE, credentials->x509) < 0)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	tls->credentials = tls_credentials_keep(credentials);
	tls->identity = NULL; /* it was one of the old ones', and has been shown */
	tls_credentials_free(&old);
	if (credentials->boundary == TLS_REMOTE)
		return RESULT_OK;
	result = tls_verify(tls->session, credentials, false, loop_now(tls->loop).wall_ms / 1000, &fresh,
	                    &alert, reason);
	/* Where a bad certificate ends nothing, the verdict is what is wanted; elsewhere its names are in use. */
	if (result == RESULT_OK && credentials->boundary == TLS_XMPP) {
		mem_free(tls->peer);
		tls->peer = fresh;
	} else {
		mem_free(fresh);
	}
	return result;
}

/* ---- life ---- */

static void tls_release(struct stream *stream)
{
	struct tls_stream *tls = tls_of(stream);

	if (tls->session)
		gnutls_deinit(tls->session);
	tls_stage_stop(&tls->stage);
	tls_credentials_free(&tls->credentials);
	mem_free(tls->peer);
	mem_free(tls);
}

static const struct stream_kind tls_kind = { tls_handshake, tls_read,       tls_write,
	                                     tls_goodbye,   tls_has_unread, tls_rest,
	                                     tls_peer_of,   tls_recheck,    tls_release };

static bool set_up_client(struct tls_stream *tls, const struct connection_settings *settings)
{
	const char *name = settings->server_name, *application = settings->application;

	if (name && gnutls_server_name_set(tls->session, GNUTLS_NAME_DNS, name, strlen(name)) < 0)
		return false;
	if (!application)
		return true;

	gnutls_datum_t offer = { (unsigned char *)(uintptr_t)application, (unsigned)strlen(application) };

	return gnutls_alpn_set_protocols(tls->session, &offer, 1, 0) >= 0;
}

static bool set_up_server(struct tls_stream *tls, const char *application)
{
	static const gnutls_certificate_request_t asks[] = {
		[TLS_FEDERATION] = GNUTLS_CERT_REQUIRE,
		[TLS_INTERNAL] = GNUTLS_CERT_REQUIRE,
		[TLS_XMPP] = GNUTLS_CERT_REQUEST,
		[TLS_REMOTE] = GNUTLS_CERT_IGNORE,
	};

	gnutls_certificate_server_set_request(tls->session, asks[tls->credentials->boundary]);
	/* Our list of authorities is nobody's business, and clients choose badly from it. */
	gnutls_certificate_send_x509_rdn_sequence(tls->session, 1);
	if (!application)
		return true;

	gnutls_datum_t name = { (unsigned char *)(uintptr_t)application, (unsigned)strlen(application) };

	return gnutls_alpn_set_protocols(tls->session, &name, 1, GNUTLS_ALPN_MANDATORY) >= 0;
}

struct stream *tls_stream_new(struct loop *loop, int fd, const struct connection_settings *settings,
                              bool is_server)
{
	struct tls_stream *tls = mem_new(sizeof *tls);
	/* A client with one certificate shows it whatever authorities the server names: a refusal can be explained. */
	unsigned flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS |
	                 (is_server ? GNUTLS_SERVER : GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT);

	if (!tls)
		return NULL;
	tls->stream = (struct stream){ .kind = &tls_kind, .fd = fd };
	tls->loop = loop;
	tls->credentials = tls_credentials_keep(settings->credentials);
	tls->is_server = is_server;
	if (settings->certificate && settings->certificate[0] &&
	    !(tls->identity = tls_identity_named(tls->credentials, slice_of(settings->certificate))))
		goto failed;
	tls->second_ms = loop_now(loop).mono_ms;
	if (gnutls_init(&tls->session, flags) < 0) {
		tls->session = NULL;
		goto failed;
	}
	gnutls_session_set_ptr(tls->session, tls);
	gnutls_transport_set_ptr(tls->session, tls);
	gnutls_transport_set_pull_function(tls->session, pull);
	gnutls_transport_set_vec_push_function(tls->session, push);
	gnutls_handshake_set_max_packet_length(tls->session, TLS_HANDSHAKE_MESSAGE_MAX);
	gnutls_handshake_set_hook_function(tls->session, GNUTLS_HANDSHAKE_KEY_UPDATE, GNUTLS_HOOK_PRE,
	                                   key_update_came);
	if (tls->credentials->boundary != TLS_REMOTE) /* nobody shows one there */
		gnutls_session_set_verify_function(tls->session, verify_peer);
	if (gnutls_priority_set(tls->session, tls->credentials->priority) < 0 ||
	    gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE, tls->credentials->x509) < 0)
		goto failed;
	if (is_server ? !set_up_server(tls, settings->application) : !set_up_client(tls, settings))
		goto failed;
	return &tls->stream;
failed:
	tls_release(&tls->stream);
	return NULL;
}
