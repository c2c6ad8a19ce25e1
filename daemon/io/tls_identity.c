/*
 * A certificate of ours with its key, and which of several is shown: the one a
 * connection names, the one for the name that TLS asks for (SNI), or the first.
 */
#include "daemon/io/tls_parts.h"
#include "shared/base/memory.h"

enum { IDENTITY_RSA_BITS_MIN = 2048 };

static gnutls_datum_t datum(struct slice bytes)
{
	return (gnutls_datum_t){ (unsigned char *)(uintptr_t)bytes.ptr, (unsigned)bytes.len };
}

/* Our chain can be read, is not absurd, and is strong enough for peers as strict as we are. */
static enum result check_chain(struct slice pem, struct reason *reason)
{
	gnutls_datum_t bytes = datum(pem);
	gnutls_x509_crt_t *list = NULL;
	unsigned count = 0, bits = 0;
	enum result result = RESULT_OK;
	int got = gnutls_x509_crt_list_import2(&list, &count, &bytes, GNUTLS_X509_FMT_PEM, 0);

	if (got < 0)
		return fail(reason, RESULT_INVALID, "certificate chain: no PEM certificates: %s",
		            gnutls_strerror(got));
	if (count > TLS_CHAIN_MAX)
		result = fail(reason, RESULT_INVALID, "certificate chain: %u certificates; at most %d", count,
		              TLS_CHAIN_MAX);
	else if (gnutls_x509_crt_get_pk_algorithm(list[0], &bits) == GNUTLS_PK_RSA &&
	         bits < IDENTITY_RSA_BITS_MIN)
		result = fail(reason, RESULT_INVALID, "certificate chain: an RSA key of %u bits; at least %d",
		              bits, IDENTITY_RSA_BITS_MIN);
	for (unsigned i = 0; i < count; i++)
		gnutls_x509_crt_deinit(list[i]);
	gnutls_free(list);
	return result;
}

static enum result check_key(struct slice pem, struct reason *reason)
{
	gnutls_datum_t bytes = datum(pem);
	gnutls_x509_privkey_t key;
	int got;

	if (gnutls_x509_privkey_init(&key) < 0)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	got = gnutls_x509_privkey_import2(key, &bytes, GNUTLS_X509_FMT_PEM, NULL, 0);
	gnutls_x509_privkey_deinit(key);
	if (got == GNUTLS_E_DECRYPTION_FAILED)
		return fail(reason, RESULT_INVALID, "private key: encrypted; store it without a passphrase");
	if (got < 0)
		return fail(reason, RESULT_INVALID, "private key: no PEM private key: %s",
		            gnutls_strerror(got));
	return RESULT_OK;
}

/* GnuTLS compares both when it is given both. */
static enum result check_pair(gnutls_datum_t chain, gnutls_datum_t key, struct reason *reason)
{
	gnutls_certificate_credentials_t both;
	int got = gnutls_certificate_allocate_credentials(&both);

	if (got < 0)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	got = gnutls_certificate_set_x509_key_mem2(both, &chain, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
	gnutls_certificate_free_credentials(both);
	if (got == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return fail(reason, RESULT_INVALID, "private key: it does not belong to the certificate");
	if (got == GNUTLS_E_MEMORY_ERROR)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	if (got < 0)
		return fail(reason, RESULT_INVALID, "certificate chain: %s", gnutls_strerror(got));
	return RESULT_OK;
}

static enum result import_both(struct tls_identity *identity, gnutls_datum_t chain, gnutls_datum_t key,
                               struct reason *reason)
{
	unsigned count = TLS_CHAIN_MAX;
	int got = gnutls_pcert_list_import_x509_raw(identity->chain, &count, &chain, GNUTLS_X509_FMT_PEM,
	                                            GNUTLS_X509_CRT_LIST_SORT);

	if (got < 0)
		return fail(reason, RESULT_INVALID, "certificate chain: %s", gnutls_strerror(got));
	identity->chain_count = count;
	if (gnutls_privkey_init(&identity->key) < 0) {
		identity->key = NULL;
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	}
	got = gnutls_privkey_import_x509_raw(identity->key, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (got < 0)
		return fail(reason, RESULT_INVALID, "private key: %s", gnutls_strerror(got));
	return RESULT_OK;
}

enum result tls_identity_new(struct slice name, struct slice chain, struct slice key,
                             struct tls_identity **out, struct reason *reason)
{
	struct tls_identity *identity = mem_new(sizeof *identity);
	enum result result;

	if (!identity)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	if (!slice_to_text(name, identity->name, sizeof identity->name))
		result = fail(reason, RESULT_INVALID, "the certificate's name is longer than %d bytes",
		              TLS_IDENTITY_NAME_BYTES - 1);
	else if ((result = check_chain(chain, reason)) == RESULT_OK &&
	         (result = check_key(key, reason)) == RESULT_OK &&
	         (result = check_pair(datum(chain), datum(key), reason)) == RESULT_OK)
		result = import_both(identity, datum(chain), datum(key), reason);
	if (result != RESULT_OK)
		tls_identity_free(&identity);
	else
		*out = identity;
	return result;
}

void tls_identity_free(struct tls_identity **pointer)
{
	struct tls_identity *identity = *pointer;

	*pointer = NULL;
	if (!identity)
		return;
	for (unsigned i = 0; i < identity->chain_count; i++)
		gnutls_pcert_deinit(&identity->chain[i]);
	if (identity->key)
		gnutls_privkey_deinit(identity->key);
	mem_free(identity->server_names);
	mem_free(identity);
}

const struct tls_identity *tls_identity_named(const struct tls_credentials *credentials, struct slice name)
{
	for (size_t i = 0; i < credentials->identity_count; i++)
		if (slice_equal(slice_of(credentials->identities[i]->name), name))
			return credentials->identities[i];
	return NULL;
}

static bool serves(const struct tls_identity *identity, struct slice asked)
{
	for (size_t at = 0; at < identity->server_name_bytes; at += strlen(identity->server_names + at) + 1)
		if (slice_equal_nocase(slice_of(identity->server_names + at), asked))
			return true;
	return false;
}

const struct tls_identity *tls_identity_for(const struct tls_credentials *credentials, struct slice asked)
{
	for (size_t i = 1; asked.len && i < credentials->identity_count; i++)
		if (serves(credentials->identities[i], asked))
			return credentials->identities[i];
	return credentials->identities[0];
}
