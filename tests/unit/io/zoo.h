/*
 * zoo: certificates good and bad, made at run time, and credentials from them.
 *
 * Keys are P-256 (quick to make) unless the kind says otherwise.  Everything is
 * signed by one authority, "good", or by another that nobody trusts.
 */
#ifndef TESTS_UNIT_IO_ZOO_H
#define TESTS_UNIT_IO_ZOO_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/io/tls_parts.h"

enum zoo_usage { ZOO_NO_USAGE, ZOO_SERVER = 1, ZOO_CLIENT = 2, ZOO_BOTH = 3, ZOO_EMAIL = 4 };
enum zoo_flaw {
	ZOO_GOOD,
	ZOO_EXPIRED,
	ZOO_NOT_YET,
	ZOO_ROGUE, /* signed by an authority nobody trusts */
	ZOO_SELF,  /* signed by itself */
	ZOO_SHA1,
	ZOO_RSA1024,
	ZOO_NUL,     /* good.example\0.evil.example */
	ZOO_REVOKED, /* in zoo.crls */
	ZOO_RSA2048,
	ZOO_LONG_CHAIN, /* eight intermediates */
	ZOO_NO_CA,      /* signed by an end certificate */
	ZOO_EXPIRED_CA, /* by an intermediate that has expired */
	ZOO_WILDCARD,
};

struct zoo_pair {
	gnutls_x509_crt_t crt;
	gnutls_x509_privkey_t key;
};

struct zoo {
	struct zoo_pair good_ca, rogue_ca;
	gnutls_datum_t trust; /* PEM of the good authority */
	gnutls_datum_t crls;
	unsigned serial;
};

static inline void zoo_ok(int code)
{
	if (code < 0) {
		fprintf(stderr, "zoo: %s\n", gnutls_strerror(code));
		abort();
	}
}

static inline gnutls_x509_privkey_t zoo_key(gnutls_pk_algorithm_t kind, unsigned bits)
{
	gnutls_x509_privkey_t key;

	zoo_ok(gnutls_x509_privkey_init(&key));
	zoo_ok(gnutls_x509_privkey_generate(key, kind, bits, 0));
	return key;
}

static inline gnutls_x509_privkey_t zoo_p256(void)
{
	return zoo_key(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
}

static inline gnutls_x509_crt_t zoo_blank(struct zoo *zoo, gnutls_x509_privkey_t key, const char *name,
                                          int from_s, int until_s)
{
	gnutls_x509_crt_t crt;
	uint32_t serial = htonl(++zoo->serial);
	time_t now = time(NULL); /* test: certificates need the present */

	zoo_ok(gnutls_x509_crt_init(&crt));
	zoo_ok(gnutls_x509_crt_set_version(crt, 3));
	zoo_ok(gnutls_x509_crt_set_serial(crt, &serial, sizeof serial));
	zoo_ok(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
	                                     (unsigned)strlen(name)));
	zoo_ok(gnutls_x509_crt_set_activation_time(crt, now + from_s));
	zoo_ok(gnutls_x509_crt_set_expiration_time(crt, now + until_s));
	zoo_ok(gnutls_x509_crt_set_key(crt, key));
	return crt;
}

static inline struct zoo_pair zoo_ca(struct zoo *zoo, const char *name, const struct zoo_pair *by,
                                     int until_s)
{
	struct zoo_pair ca = { .key = zoo_p256() };

	ca.crt = zoo_blank(zoo, ca.key, name, -864000, until_s);
	zoo_ok(gnutls_x509_crt_set_basic_constraints(ca.crt, 1, -1));
	zoo_ok(gnutls_x509_crt_set_key_usage(ca.crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN));
	zoo_ok(gnutls_x509_crt_sign2(ca.crt, by ? by->crt : ca.crt, by ? by->key : ca.key, GNUTLS_DIG_SHA256,
	                             0));
	return ca;
}

static inline void zoo_pair_stop(struct zoo_pair *pair)
{
	gnutls_x509_crt_deinit(pair->crt);
	gnutls_x509_privkey_deinit(pair->key);
}

static inline void zoo_start(struct zoo *zoo)
{
	*zoo = (struct zoo){ 0 };
	zoo->good_ca = zoo_ca(zoo, "good authority", NULL, 864000);
	zoo->rogue_ca = zoo_ca(zoo, "rogue authority", NULL, 864000);
	zoo_ok(gnutls_x509_crt_export2(zoo->good_ca.crt, GNUTLS_X509_FMT_PEM, &zoo->trust));
}

static inline void zoo_stop(struct zoo *zoo)
{
	zoo_pair_stop(&zoo->good_ca);
	zoo_pair_stop(&zoo->rogue_ca);
	gnutls_free(zoo->trust.data);
	gnutls_free(zoo->crls.data);
}

static inline void zoo_revoke(struct zoo *zoo, gnutls_x509_crt_t crt)
{
	gnutls_x509_crl_t crl;
	time_t now = time(NULL); /* test */

	zoo_ok(gnutls_x509_crl_init(&crl));
	zoo_ok(gnutls_x509_crl_set_version(crl, 2));
	zoo_ok(gnutls_x509_crl_set_this_update(crl, now - 1000));
	zoo_ok(gnutls_x509_crl_set_next_update(crl, now - 10)); /* old, and still heard */
	zoo_ok(gnutls_x509_crl_set_number(crl, "\x01", 1));
	zoo_ok(gnutls_x509_crl_set_crt(crl, crt, now - 1000));
	zoo_ok(gnutls_x509_crl_sign2(crl, zoo->good_ca.crt, zoo->good_ca.key, GNUTLS_DIG_SHA256, 0));
	gnutls_free(zoo->crls.data);
	zoo_ok(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_PEM, &zoo->crls));
	gnutls_x509_crl_deinit(crl);
}

struct zoo_pem {
	char *chain, *key;
};

static inline void zoo_append(char **text, gnutls_datum_t pem)
{
	size_t old = *text ? strlen(*text) : 0;

	*text = realloc(*text, old + pem.size + 1); /* test */
	memcpy(*text + old, pem.data, pem.size);
	(*text)[old + pem.size] = '\0';
	gnutls_free(pem.data);
}

static inline void zoo_append_crt(char **text, gnutls_x509_crt_t crt)
{
	gnutls_datum_t pem;

	zoo_ok(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem));
	zoo_append(text, pem);
}

/* Names "good.example" and sip:good.example, Other.Example; what the flaw says. */
static inline void zoo_names(gnutls_x509_crt_t crt, enum zoo_flaw flaw)
{
	/* SEQUENCE { [2] "good.example" NUL ".evil.example" }: no maker of certificates lets one write this. */
	static const unsigned char with_nul[] = "\x30\x1c\x82\x1agood.example\0.evil.example";

	if (flaw == ZOO_NUL) {
		zoo_ok(gnutls_x509_crt_set_extension_by_oid(crt, GNUTLS_X509EXT_OID_SAN, with_nul,
		                                            sizeof with_nul - 1, 0));
		return;
	}
	zoo_ok(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, "good.example", 12,
	                                            GNUTLS_FSAN_SET));
	zoo_ok(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, "Other.Example", 13,
	                                            GNUTLS_FSAN_APPEND));
	zoo_ok(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_URI, "sip:Sip.Example", 15,
	                                            GNUTLS_FSAN_APPEND));
	zoo_ok(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_URI, "sip:user@no.example", 19,
	                                            GNUTLS_FSAN_APPEND));
	zoo_ok(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_URI, "sips:no.example", 15,
	                                            GNUTLS_FSAN_APPEND));
	zoo_ok(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_URI, "http://no.example", 17,
	                                            GNUTLS_FSAN_APPEND));
	zoo_ok(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, "\xc0\x00\x02\x01", 4,
	                                            GNUTLS_FSAN_APPEND));
	if (flaw == ZOO_WILDCARD)
		zoo_ok(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, "*.Wild.Example", 14,
		                                            GNUTLS_FSAN_APPEND));
}

static inline struct zoo_pem zoo_make(struct zoo *zoo, enum zoo_flaw flaw, enum zoo_usage usage)
{
	enum { LONG = 8 };
	struct zoo_pair leaf, between[LONG];
	const struct zoo_pair *signer = flaw == ZOO_ROGUE ? &zoo->rogue_ca : &zoo->good_ca;
	unsigned between_count = flaw == ZOO_LONG_CHAIN                        ? LONG
	                         : flaw == ZOO_NO_CA || flaw == ZOO_EXPIRED_CA ? 1
	                                                                       : 0;
	struct zoo_pem pem = { 0 };
	gnutls_datum_t key;

	leaf.key = flaw == ZOO_RSA1024   ? zoo_key(GNUTLS_PK_RSA, 1024)
	           : flaw == ZOO_RSA2048 ? zoo_key(GNUTLS_PK_RSA, 2048)
	                                 : zoo_p256();
	leaf.crt = zoo_blank(zoo, leaf.key, "leaf", flaw == ZOO_NOT_YET ? 400000 : -400000,
	                     flaw == ZOO_EXPIRED ? -300000 : 500000);
	for (unsigned i = 0; i < between_count; i++) {
		char name[16];

		snprintf(name, sizeof name, "between %u", i);
		between[i] = zoo_ca(zoo, name, signer, flaw == ZOO_EXPIRED_CA ? -1000 : 864000);
		if (flaw == ZOO_NO_CA) {
			zoo_ok(gnutls_x509_crt_set_basic_constraints(between[i].crt, 0, -1));
			zoo_ok(gnutls_x509_crt_sign2(between[i].crt, signer->crt, signer->key,
			                             GNUTLS_DIG_SHA256, 0));
		}
		signer = &between[i];
	}
	zoo_names(leaf.crt, flaw);
	if (usage & ZOO_SERVER)
		zoo_ok(gnutls_x509_crt_set_key_purpose_oid(leaf.crt, GNUTLS_KP_TLS_WWW_SERVER, 0));
	if (usage & ZOO_CLIENT)
		zoo_ok(gnutls_x509_crt_set_key_purpose_oid(leaf.crt, GNUTLS_KP_TLS_WWW_CLIENT, 0));
	if (usage & ZOO_EMAIL)
		zoo_ok(gnutls_x509_crt_set_key_purpose_oid(leaf.crt, GNUTLS_KP_EMAIL_PROTECTION, 0));
	if (flaw == ZOO_SELF)
		signer = &leaf;
	zoo_ok(gnutls_x509_crt_sign2(leaf.crt, signer->crt, signer->key,
	                             flaw == ZOO_SHA1 ? GNUTLS_DIG_SHA1 : GNUTLS_DIG_SHA256, 0));
	if (flaw == ZOO_REVOKED)
		zoo_revoke(zoo, leaf.crt);
	zoo_append_crt(&pem.chain, leaf.crt);
	for (unsigned i = between_count; i-- > 0;)
		zoo_append_crt(&pem.chain, between[i].crt);
	zoo_ok(gnutls_x509_privkey_export2(leaf.key, GNUTLS_X509_FMT_PEM, &key));
	zoo_append(&pem.key, key);
	zoo_pair_stop(&leaf);
	for (unsigned i = 0; i < between_count; i++)
		zoo_pair_stop(&between[i]);
	return pem;
}

static inline void zoo_pem_free(struct zoo_pem *pem)
{
	free(pem->chain); /* test */
	free(pem->key);   /* test */
	*pem = (struct zoo_pem){ 0 };
}

static inline struct slice zoo_slice(gnutls_datum_t bytes)
{
	return (struct slice){ (char *)bytes.data, bytes.size };
}

/* Credentials that tls_credentials_new would refuse to make, for the other side. `shows_none`: no certificate. */
static inline struct tls_credentials *zoo_credentials(struct zoo *zoo, enum zoo_flaw flaw,
                                                      enum zoo_usage usage, enum tls_boundary boundary,
                                                      bool shows_none)
{
	struct zoo_pem own = zoo_make(zoo, ZOO_GOOD, ZOO_BOTH), pem = zoo_make(zoo, flaw, usage);
	struct tls_credentials *credentials = NULL;
	struct reason reason;
	gnutls_datum_t chain = { (unsigned char *)pem.chain, (unsigned)strlen(pem.chain) };
	gnutls_datum_t key = { (unsigned char *)pem.key, (unsigned)strlen(pem.key) };

	if (tls_credentials_new(boundary, slice_of(own.chain), slice_of(own.key), zoo_slice(zoo->trust),
	                        zoo_slice(zoo->crls), &credentials, &reason) != RESULT_OK) {
		fprintf(stderr, "zoo: %s\n", reason.text);
		abort();
	}
	gnutls_certificate_free_keys(credentials->x509);
	if (!shows_none)
		zoo_ok(gnutls_certificate_set_x509_key_mem(credentials->x509, &chain, &key,
		                                           GNUTLS_X509_FMT_PEM));
	zoo_pem_free(&own);
	zoo_pem_free(&pem);
	return credentials;
}

/* "VERS-TLS1.2" alone, with everything else as the house has it. */
static inline void zoo_only_version(struct tls_credentials *credentials, bool is_tls12)
{
	char priority[768];

	snprintf(priority, sizeof priority, "%s:%s", tls_priority,
	         is_tls12 ? "-VERS-TLS1.3" : "-VERS-TLS1.2");
	gnutls_priority_deinit(credentials->priority);
	zoo_ok(gnutls_priority_init(&credentials->priority, priority, NULL));
}

#endif
