/*
 * tls_parts: what the tls files share.  Seen only inside this folder.
 */
#ifndef DAEMON_IO_TLS_PARTS_H
#define DAEMON_IO_TLS_PARTS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "daemon/crypto/crypto.h"
#include "daemon/io/tls.h"

/* A certificate of ours with its key. */
struct tls_identity {
	char name[TLS_IDENTITY_NAME_BYTES]; /* "" for the first: the one shown where nothing else is asked for */
	gnutls_pcert_st chain[TLS_CHAIN_MAX];
	unsigned chain_count;
	gnutls_privkey_t key;
	char *server_names; /* each with a NUL behind it; NULL: none */
	size_t server_name_bytes;
};

struct tls_credentials {
	unsigned holders;
	enum tls_boundary boundary;
	gnutls_certificate_credentials_t x509; /* the authorities and their CRLs, and the first of `identities` */
	gnutls_priority_t priority;
	struct tls_identity *identities[TLS_IDENTITIES_MAX];
	size_t identity_count;
	struct tls_memory *memory; /* NULL: nothing is remembered */
};

/* ---- tls_identity.c ---- */

/* INVALID: what is wrong with the chain, the key, or both together. */
enum result tls_identity_new(struct slice name, struct slice chain, struct slice key, struct tls_identity **out,
                             struct reason *reason);
void tls_identity_free(struct tls_identity **identity);
/* The one of that name, or the first when `name` is empty; NULL: there is none. */
const struct tls_identity *tls_identity_named(const struct tls_credentials *credentials, struct slice name);
/* The one whose server names have `asked` in them, or the first. */
const struct tls_identity *tls_identity_for(const struct tls_credentials *credentials, struct slice asked);

/* ---- tls_stream.c ---- */

/* Sessions with these credentials show the identities they hold. */
void tls_shows_own(struct tls_credentials *credentials);

/* ---- tls_memory.c ---- */

struct tls_memory;
void tls_memory_free(struct tls_memory **memory);
/* What a chain is remembered by. */
void tls_memory_key(const gnutls_datum_t *chain, unsigned count, uint8_t key[CRYPTO_SHA256_BYTES]);
enum tls_memory_answer { TLS_MEMORY_UNKNOWN, TLS_MEMORY_GOOD, TLS_MEMORY_BAD };
/* BAD: with the alert and the words of then. */
enum tls_memory_answer tls_memory_ask(struct tls_memory *memory, const uint8_t key[CRYPTO_SHA256_BYTES], int64_t now_s,
                                      gnutls_alert_description_t *alert, struct reason *reason);
void tls_memory_good(struct tls_memory *memory, const uint8_t key[CRYPTO_SHA256_BYTES], int64_t now_s, int64_t until_s);
void tls_memory_bad(struct tls_memory *memory, const uint8_t key[CRYPTO_SHA256_BYTES], int64_t now_s,
                    gnutls_alert_description_t alert, const struct reason *reason);

/* ---- tls_peer.c ---- */

/* What `certificate` says, in `arena`. INVALID: a name that means one thing to C and another to DER. */
enum result tls_peer_read(gnutls_x509_crt_t certificate, struct arena *arena, struct tls_peer *out,
                          struct reason *reason);
/* A copy in one allocation, freed with mem_free. */
struct tls_peer *tls_peer_copy(const struct tls_peer *peer);

/* ---- tls_verify.c ---- */

/*
 * Whether the peer's certificate is good: chain, validity, usage, strength, revocation.
 * INVALID says which check failed, and which alert tells the peer.  `out` is then what the certificate claims, not
 * trusted, or NULL.
 * GnuTLS compares validity with its own clock (gnutls_global_set_time_function); `now_s` is for the words.
 * `may_recall`: what is remembered of the same chain will do.
 */
enum result tls_verify(gnutls_session_t session, struct tls_credentials *credentials, bool may_recall, int64_t now_s,
                       struct tls_peer **out, gnutls_alert_description_t *alert, struct reason *reason);

#endif
