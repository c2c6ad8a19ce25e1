/*
 * Is the peer's certificate good?  Identity is not compared here: which domain
 * it may speak for is policy.
 *
 * Usage: public authorities have stopped issuing the client usage, so on the
 * federation side the server usage (or no usage extension) counts whichever
 * side opened the connection.  RFC 5280 §4.2.1.12.
 */
#include <stdio.h>
#include <time.h>

#include "daemon/io/tls_parts.h"
#include "shared/base/memory.h"
#include "shared/base/text.h"

enum { VERIFY_ARENA_BYTES = 64 * 1024, VERIFY_DN_BYTES = 160, VERIFY_USAGES_SHOWN = 4 };

static const char *date_text(time_t when, char to[11])
{
	struct tm tm;

	if (when < 0 || !gmtime_r(&when, &tm) || strftime(to, 11, "%Y-%m-%d", &tm) == 0)
		memcpy(to, "0000-00-00", 11);
	return to;
}

static enum result import(const gnutls_datum_t *der, gnutls_x509_crt_t *out)
{
	if (gnutls_x509_crt_init(out) < 0)
		return RESULT_NO_MEMORY;
	if (gnutls_x509_crt_import(*out, der, GNUTLS_X509_FMT_DER) < 0) {
		gnutls_x509_crt_deinit(*out);
		return RESULT_INVALID;
	}
	return RESULT_OK;
}

/* ---- words for what failed ---- */

/* "client-auth, 1.3.6.1.5.5.7.3.4" */
static void usages_text(gnutls_x509_crt_t leaf, char *to, size_t size)
{
	size_t used = 0;

	to[0] = '\0';
	for (unsigned i = 0; i < VERIFY_USAGES_SHOWN; i++) {
		char oid[64];
		size_t length = sizeof oid;
		const char *word = oid;

		if (gnutls_x509_crt_get_key_purpose_oid(leaf, i, oid, &length, NULL) < 0)
			break;
		if (strcmp(oid, GNUTLS_KP_TLS_WWW_SERVER) == 0)
			word = "server-auth";
		else if (strcmp(oid, GNUTLS_KP_TLS_WWW_CLIENT) == 0)
			word = "client-auth";
		used += (size_t)snprintf(to + used, size - used, "%s%s", used ? ", " : "", word);
		if (used >= size)
			break;
	}
}

static void time_words(gnutls_x509_crt_t leaf, unsigned status, time_t now, struct reason *reason)
{
	time_t from = gnutls_x509_crt_get_activation_time(leaf),
	       until = gnutls_x509_crt_get_expiration_time(leaf);
	char date[11];

	if (status & GNUTLS_CERT_EXPIRED && until < now)
		fail(reason, RESULT_INVALID, "the certificate expired on %s", date_text(until, date));
	else if (status & GNUTLS_CERT_EXPIRED)
		fail(reason, RESULT_INVALID, "a certificate of the chain has expired");
	else if (from > now)
		fail(reason, RESULT_INVALID, "the certificate is not valid before %s", date_text(from, date));
	else
		fail(reason, RESULT_INVALID, "a certificate of the chain is not valid yet");
}

static void weak_words(gnutls_x509_crt_t leaf, struct reason *reason)
{
	unsigned bits = 0;
	int key = gnutls_x509_crt_get_pk_algorithm(leaf, &bits);
	int signature = gnutls_x509_crt_get_signature_algorithm(leaf);
	const char *name = gnutls_sign_get_name((gnutls_sign_algorithm_t)signature);

	if (signature > 0 &&
	    !gnutls_sign_is_secure2((gnutls_sign_algorithm_t)signature, GNUTLS_SIGN_FLAG_SECURE_FOR_CERTS))
		fail(reason, RESULT_INVALID, "the certificate is signed with %s, which is broken",
		     name ? name : "?");
	else if (gnutls_pk_bits_to_sec_param((gnutls_pk_algorithm_t)key, bits) < GNUTLS_SEC_PARAM_MEDIUM)
		fail(reason, RESULT_INVALID, "the certificate's key is too weak: %s of %u bits",
		     gnutls_pk_get_name((gnutls_pk_algorithm_t)key), bits);
	else
		fail(reason, RESULT_INVALID, "a certificate of the chain has a weak key or signature");
}

static void issuer_words(const gnutls_datum_t *chain, unsigned count, struct reason *reason)
{
	gnutls_x509_crt_t last;
	gnutls_datum_t name = { 0 };
	char shown[VERIFY_DN_BYTES];

	fail(reason, RESULT_INVALID, "the certificate's authority is not trusted here");
	if (import(&chain[count - 1], &last) != RESULT_OK)
		return;
	if (gnutls_x509_crt_get_issuer_dn3(last, &name, 0) >= 0)
		fail(reason, RESULT_INVALID, "the certificate's authority is not trusted here: \"%s\"",
		     text_shown((struct slice){ (const char *)name.data, name.size }, shown, sizeof shown));
	gnutls_free(name.data);
	gnutls_x509_crt_deinit(last);
}

static void usage_words(gnutls_x509_crt_t leaf, enum tls_boundary boundary, struct reason *reason)
{
	char usages[160];

	usages_text(leaf, usages, sizeof usages);
	fail(reason, RESULT_INVALID, "the certificate may not be used for %s: its usages are %s",
	     boundary == TLS_INTERNAL ? "TLS" : "federation, which takes server-auth",
	     usages[0] ? usages : "none");
}

/* Several flags may be set: what most likely is the cause comes first. */
static gnutls_alert_description_t explain(gnutls_x509_crt_t leaf, unsigned status, enum tls_boundary boundary,
                                          const gnutls_datum_t *chain, unsigned count, time_t now,
                                          struct reason *reason)
{
	if (status & GNUTLS_CERT_REVOKED) {
		fail(reason, RESULT_INVALID, "the certificate has been revoked");
		return GNUTLS_A_CERTIFICATE_REVOKED;
	}
	if (status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED)) {
		time_words(leaf, status, now, reason);
		return GNUTLS_A_CERTIFICATE_EXPIRED;
	}
	if (status & GNUTLS_CERT_INSECURE_ALGORITHM) {
		weak_words(leaf, reason);
		return GNUTLS_A_BAD_CERTIFICATE;
	}
	if (status & GNUTLS_CERT_SIGNER_NOT_FOUND) {
		issuer_words(chain, count, reason);
		return GNUTLS_A_UNKNOWN_CA;
	}
	if (status & GNUTLS_CERT_PURPOSE_MISMATCH) {
		usage_words(leaf, boundary, reason);
		return GNUTLS_A_UNSUPPORTED_CERTIFICATE;
	}

	gnutls_datum_t words = { 0 };
	char shown[256] = "";

	if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &words, 0) >= 0)
		text_shown((struct slice){ (const char *)words.data, words.size ? words.size - 1 : 0 }, shown,
		           sizeof shown);
	gnutls_free(words.data);
	fail(reason, RESULT_INVALID, "%s", shown[0] ? shown : "the certificate's chain is not valid");
	return GNUTLS_A_BAD_CERTIFICATE;
}

/* Whose certificate it was, behind what is wrong with it. */
static void name_subject(const struct tls_peer *peer, struct reason *reason)
{
	struct reason what = *reason;

	if (peer->subject[0])
		fail(reason, RESULT_INVALID, "%.260s (%.110s)", what.text, peer->subject);
}

/* ---- the checks ---- */

/* Internal links: our own authority issues either usage, or none. */
static bool has_any_tls_usage(gnutls_x509_crt_t leaf)
{
	return gnutls_x509_crt_check_key_purpose(leaf, GNUTLS_KP_TLS_WWW_SERVER, 0) ||
	       gnutls_x509_crt_check_key_purpose(leaf, GNUTLS_KP_TLS_WWW_CLIENT, 0);
}

static enum result check_chain(gnutls_session_t session, gnutls_x509_crt_t leaf, enum tls_boundary boundary,
                               const gnutls_datum_t *chain, unsigned count, time_t now,
                               gnutls_alert_description_t *alert, struct reason *reason)
{
	gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
		                          .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER };
	unsigned status = GNUTLS_CERT_INVALID;
	int got = gnutls_certificate_verify_peers(session, &purpose, boundary == TLS_INTERNAL ? 0 : 1,
	                                          &status);

	if (got == GNUTLS_E_CONSTRAINT_ERROR)
		return fail(reason, RESULT_INVALID,
		            "the certificate chain is longer than %d, or a key too large", TLS_CHAIN_MAX);
	if (got < 0)
		return fail(reason, RESULT_INVALID, "the certificate cannot be checked: %s",
		            gnutls_strerror(got));
	if (status == 0 && !has_any_tls_usage(leaf))
		status = GNUTLS_CERT_INVALID | GNUTLS_CERT_PURPOSE_MISMATCH;
	if (status == 0)
		return RESULT_OK;
	*alert = explain(leaf, status, boundary, chain, count, now, reason);
	return RESULT_INVALID;
}

/* ---- what is remembered ---- */

/* The first of the chain's certificates to end; what cannot be read ends now. */
static int64_t chain_ends_s(const gnutls_datum_t *chain, unsigned count)
{
	int64_t first = INT64_MAX;

	for (unsigned i = 0; i < count; i++) {
		gnutls_x509_crt_t certificate;
		int64_t ends = 0;

		if (import(&chain[i], &certificate) == RESULT_OK) {
			ends = gnutls_x509_crt_get_expiration_time(certificate);
			gnutls_x509_crt_deinit(certificate);
		}
		first = ends < first ? ends : first;
	}
	return first;
}

/* A stapled answer about revocation is of this handshake: it is always looked at. RFC 6066 §8. */
static bool has_stapled_answer(gnutls_session_t session)
{
	gnutls_datum_t stapled = { 0 };

	return gnutls_ocsp_status_request_get(session, &stapled) >= 0 && stapled.size > 0;
}

struct looking {
	gnutls_session_t session;
	gnutls_x509_crt_t leaf;
	const gnutls_datum_t *chain;
	unsigned count;
	int64_t now_s;
};

static enum result check_or_recall(const struct looking *at, struct tls_credentials *credentials,
                                   bool may_recall, gnutls_alert_description_t *alert, struct reason *reason)
{
	struct tls_memory *memory = credentials->memory;
	uint8_t key[CRYPTO_SHA256_BYTES];
	struct reason local = { "" }, *why = reason ? reason : &local;
	enum result result;

	if (memory)
		tls_memory_key(at->chain, at->count, key);
	if (memory && may_recall && !has_stapled_answer(at->session)) {
		switch (tls_memory_ask(memory, key, at->now_s, alert, why)) {
		case TLS_MEMORY_GOOD: return RESULT_OK;
		case TLS_MEMORY_BAD: return RESULT_INVALID;
		case TLS_MEMORY_UNKNOWN: break;
		}
	}
	result = check_chain(at->session, at->leaf, credentials->boundary, at->chain, at->count,
	                     (time_t)at->now_s, alert, why);
	if (memory && result == RESULT_OK)
		tls_memory_good(memory, key, at->now_s, chain_ends_s(at->chain, at->count));
	else if (memory && result == RESULT_INVALID)
		tls_memory_bad(memory, key, at->now_s, *alert, why);
	return result;
}

enum result tls_verify(gnutls_session_t session, struct tls_credentials *credentials, bool may_recall,
                       int64_t now_s, struct tls_peer **out, gnutls_alert_description_t *alert,
                       struct reason *reason)
{
	unsigned count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
	struct arena arena;
	struct tls_peer peer = tls_peer_none;
	gnutls_x509_crt_t leaf;
	enum result result;
	size_t total = 0;

	*alert = GNUTLS_A_BAD_CERTIFICATE;
	if ((!chain || count == 0) && credentials->boundary == TLS_XMPP) {
		*out = tls_peer_copy(&tls_peer_none);
		return *out ? RESULT_OK : fail(reason, RESULT_NO_MEMORY, "out of memory");
	}
	if (!chain || count == 0)
		return fail(reason, RESULT_INVALID, "no certificate was presented");
	for (unsigned i = 0; i < count; i++)
		total += chain[i].size;
	if (count > TLS_CHAIN_MAX || total > TLS_CERTIFICATE_BYTES_MAX)
		return fail(reason, RESULT_INVALID,
		            "%u certificates of %zu bytes were presented; at most %d of %d", count, total,
		            TLS_CHAIN_MAX, TLS_CERTIFICATE_BYTES_MAX);
	result = import(&chain[0], &leaf);
	if (result != RESULT_OK)
		return fail(reason, result, "the certificate cannot be read");
	arena_start(&arena, VERIFY_ARENA_BYTES);
	result = tls_peer_read(leaf, &arena, &peer, reason);
	if (result == RESULT_OK)
		result = check_or_recall(&(struct looking){ session, leaf, chain, count, now_s }, credentials,
		                         may_recall, alert, reason);
	if (result == RESULT_INVALID && reason)
		name_subject(&peer, reason);
	if (result == RESULT_INVALID && credentials->boundary == TLS_XMPP && peer.has_certificate) {
		peer.is_trusted = false;
		peer.doubt = reason ? reason->text : "";
		result = RESULT_OK;
	}
	/* Also of one that is refused: whose it says it is, for people to read. Without memory nobody learns it. */
	peer.is_trusted = peer.is_trusted && result == RESULT_OK;
	*out = peer.has_certificate || result == RESULT_OK ? tls_peer_copy(&peer) : NULL;
	if (result == RESULT_OK && !*out)
		result = fail(reason, RESULT_NO_MEMORY, "out of memory");
	arena_stop(&arena);
	gnutls_x509_crt_deinit(leaf);
	return result;
}
