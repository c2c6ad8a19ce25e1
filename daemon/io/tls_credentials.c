/*
 * Our certificate, our key, and whom we trust; shared by sessions and counted.
 */
#include "daemon/io/tls_parts.h"
#include "shared/base/memory.h"

/*
 * TLS 1.2 with forward secrecy and AEAD, and TLS 1.3; no SHA-1.  Not one of the
 * named levels, because SECURE192 still lists RSA key exchange.  RFC 9325 §4.
 * The profile (RSA of 2048 bits and the like) stands here and not in the verify
 * flags: GnuTLS joins both by OR, and MEDIUM (5) with NORMAL's LOW (2) makes ULTRA (7).
 */
const char tls_priority[] =
        "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:"
        "-CIPHER-ALL:+AES-256-GCM:+AES-128-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD:"
        "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"
        "-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:%SAFE_RENEGOTIATION:%SERVER_PRECEDENCE:%PROFILE_MEDIUM";

enum { CREDENTIALS_KEY_BITS_MAX = 8200 };

static gnutls_datum_t datum(struct slice bytes)
{
	return (gnutls_datum_t){ (unsigned char *)(uintptr_t)bytes.ptr, (unsigned)bytes.len };
}

static enum result bad_size(const char *what, struct slice bytes, struct reason *reason)
{
	if (bytes.len > TLS_PEM_BYTES_MAX)
		return fail(reason, RESULT_INVALID, "%s: more than %d bytes", what, TLS_PEM_BYTES_MAX);
	return RESULT_OK;
}

static enum result add_own(struct tls_credentials *credentials, struct slice name, struct slice chain,
                           struct slice key, struct tls_identity **out, struct reason *reason)
{
	enum result result;

	if (credentials->identity_count >= TLS_IDENTITIES_MAX)
		return fail(reason, RESULT_LIMIT, "more than %d certificates of our own", TLS_IDENTITIES_MAX);
	if ((result = bad_size("certificate chain", chain, reason)) != RESULT_OK ||
	    (result = bad_size("private key", key, reason)) != RESULT_OK ||
	    (result = tls_identity_new(name, chain, key, out, reason)) != RESULT_OK)
		return result;
	credentials->identities[credentials->identity_count++] = *out;
	return RESULT_OK;
}

/* While there is one, GnuTLS itself shows it; with more, we are asked which. */
static enum result show_first(struct tls_credentials *credentials, struct slice chain, struct slice key,
                              struct reason *reason)
{
	gnutls_datum_t chain_bytes = datum(chain), key_bytes = datum(key);
	int got = gnutls_certificate_set_x509_key_mem2(credentials->x509, &chain_bytes, &key_bytes,
	                                               GNUTLS_X509_FMT_PEM, NULL, 0);

	if (got < 0)
		return fail(reason, got == GNUTLS_E_MEMORY_ERROR ? RESULT_NO_MEMORY : RESULT_INVALID,
		            "certificate chain: %s", gnutls_strerror(got));
	return RESULT_OK;
}

static enum result add_trust(struct tls_credentials *credentials, struct slice trust, struct reason *reason)
{
	gnutls_datum_t bytes = datum(trust);
	int got;

	if (trust.len == 0)
		return fail(reason, RESULT_INVALID, "trusted authorities: none given");
	got = gnutls_certificate_set_x509_trust_mem(credentials->x509, &bytes, GNUTLS_X509_FMT_PEM);
	if (got == GNUTLS_E_MEMORY_ERROR)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	if (got <= 0)
		return fail(reason, RESULT_INVALID, "trusted authorities: no PEM certificates: %s",
		            gnutls_strerror(got));
	return RESULT_OK;
}

/*
 * Each must be signed by a trusted authority; nobody else may revoke.  Its age
 * is not looked at: an old list still names what was revoked, and refusing
 * everyone because a copy job failed would be the worse fault.
 */
static bool is_by_trusted_authority(gnutls_x509_trust_list_t trust, gnutls_x509_crl_t crl)
{
	const unsigned about_age = GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED |
	                           GNUTLS_CERT_REVOCATION_DATA_ISSUED_IN_FUTURE | GNUTLS_CERT_INVALID;
	gnutls_datum_t name = { 0 };
	gnutls_x509_crt_t issuer = NULL;
	unsigned status = ~0u;

	if (gnutls_x509_crl_get_raw_issuer_dn(crl, &name) < 0)
		return false;
	if (gnutls_x509_trust_list_get_issuer_by_dn(trust, &name, &issuer, GNUTLS_TL_GET_COPY) >= 0) {
		if (gnutls_x509_crl_verify(crl, &issuer, 1, 0, &status) < 0)
			status = ~0u;
		gnutls_x509_crt_deinit(issuer);
	}
	gnutls_free(name.data);
	return (status & ~about_age) == 0;
}

static enum result add_crls(struct tls_credentials *credentials, struct slice crls, struct reason *reason)
{
	gnutls_datum_t bytes = datum(crls);
	gnutls_x509_trust_list_t trust;
	gnutls_x509_crl_t *list = NULL;
	enum result result = RESULT_OK;
	unsigned count = 0;
	int got;

	if (crls.len == 0)
		return RESULT_OK;
	got = gnutls_x509_crl_list_import2(&list, &count, &bytes, GNUTLS_X509_FMT_PEM, 0);
	if (got < 0)
		return fail(reason, RESULT_INVALID, "CRLs: no PEM lists: %s", gnutls_strerror(got));
	gnutls_certificate_get_trust_list(credentials->x509, &trust);
	for (unsigned i = 0; i < count; i++) {
		if (result == RESULT_OK && !is_by_trusted_authority(trust, list[i]))
			result = fail(reason, RESULT_INVALID,
			              "CRLs: list %u is not signed by a trusted authority", i + 1);
		/* Taken, it belongs to the trust list. */
		if (result != RESULT_OK || gnutls_x509_trust_list_add_crls(trust, &list[i], 1, 0, 0) <= 0)
			gnutls_x509_crl_deinit(list[i]);
	}
	gnutls_free(list);
	return result;
}

enum result tls_credentials_new(enum tls_boundary boundary, struct slice chain, struct slice key,
                                struct slice trust, struct slice crls, struct tls_credentials **out,
                                struct reason *reason)
{
	struct tls_credentials *credentials = mem_new(sizeof *credentials);
	enum result result = RESULT_NO_MEMORY;
	const char *wrong_at = NULL;
	struct tls_identity *first;

	fail(reason, RESULT_NO_MEMORY, "out of memory");
	if (!credentials)
		return result;
	credentials->holders = 1;
	credentials->boundary = boundary;
	if (gnutls_certificate_allocate_credentials(&credentials->x509) < 0 ||
	    gnutls_priority_init(&credentials->priority, tls_priority, &wrong_at) < 0)
		goto failed;
	gnutls_certificate_set_verify_flags(credentials->x509, GNUTLS_VERIFY_DO_NOT_ALLOW_X509_V1_CA_CRT);
	gnutls_certificate_set_verify_limits(credentials->x509, CREDENTIALS_KEY_BITS_MAX, TLS_CHAIN_MAX);
	if ((result = bad_size("trusted authorities", trust, reason)) != RESULT_OK ||
	    (result = bad_size("CRLs", crls, reason)) != RESULT_OK ||
	    (result = add_own(credentials, SLICE(""), chain, key, &first, reason)) != RESULT_OK ||
	    (result = show_first(credentials, chain, key, reason)) != RESULT_OK ||
	    (result = add_trust(credentials, trust, reason)) != RESULT_OK ||
	    (result = add_crls(credentials, crls, reason)) != RESULT_OK)
		goto failed;
	*out = credentials;
	return RESULT_OK;
failed:
	tls_credentials_free(&credentials);
	return result;
}

/* "a\0b\0" */
static bool take_server_names(struct tls_identity *identity, const struct slice *names, size_t count)
{
	size_t bytes = 0;
	char *to;

	for (size_t i = 0; i < count; i++)
		bytes += names[i].len + 1;
	if (bytes == 0)
		return true;
	to = identity->server_names = mem_new(bytes);
	if (!to)
		return false;
	identity->server_name_bytes = bytes;
	for (size_t i = 0; i < count; i++) {
		memcpy(to, names[i].ptr, names[i].len);
		to += names[i].len + 1;
	}
	return true;
}

enum result tls_credentials_add(struct tls_credentials *credentials, struct slice name, struct slice chain,
                                struct slice key, const struct slice *server_names, size_t server_name_count,
                                struct reason *reason)
{
	struct tls_identity *identity;
	enum result result = add_own(credentials, name, chain, key, &identity, reason);

	if (result == RESULT_OK && !take_server_names(identity, server_names, server_name_count))
		result = fail(reason, RESULT_NO_MEMORY, "out of memory");
	tls_shows_own(credentials);
	return result;
}

bool tls_credentials_has(const struct tls_credentials *credentials, struct slice name)
{
	return tls_identity_named(credentials, name) != NULL;
}

struct tls_credentials *tls_credentials_keep(struct tls_credentials *credentials)
{
	if (credentials)
		credentials->holders++;
	return credentials;
}

void tls_credentials_free(struct tls_credentials **pointer)
{
	struct tls_credentials *credentials = *pointer;

	*pointer = NULL;
	if (!credentials || --credentials->holders > 0)
		return;
	for (size_t i = 0; i < credentials->identity_count; i++)
		tls_identity_free(&credentials->identities[i]);
	tls_memory_free(&credentials->memory);
	if (credentials->x509)
		gnutls_certificate_free_credentials(credentials->x509);
	if (credentials->priority)
		gnutls_priority_deinit(credentials->priority);
	mem_free(credentials);
}
