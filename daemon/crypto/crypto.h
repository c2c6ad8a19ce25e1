/*
 * crypto: digests, keyed digests, random bytes, and comparing without telling how far it got.
 *
 * One small face, so that the rest of the house cannot choose an algorithm by
 * accident.  Digests are nettle's, the library below GnuTLS: it allocates
 * nothing and cannot fail, so neither can a caller forget to ask whether it did.
 *
 * Signatures come with replication; certificates are read in daemon/io/tls.
 */
#ifndef DAEMON_CRYPTO_CRYPTO_H
#define DAEMON_CRYPTO_CRYPTO_H

#include <nettle/sha2.h>

#include "shared/base/buffer.h"
#include "shared/base/slice.h"

enum { CRYPTO_SHA256_BYTES = 32, CRYPTO_SHA256_HEX_BYTES = 2 * CRYPTO_SHA256_BYTES + 1 };

/* SHA-256 (FIPS 180-4). */
void crypto_sha256(struct slice bytes, uint8_t out[CRYPTO_SHA256_BYTES]);

/* The same over bytes that come in pieces: start, add..., finish (which starts it anew). */
struct crypto_digest {
	struct sha256_ctx running;
};
void crypto_digest_start(struct crypto_digest *digest);
void crypto_digest_add(struct crypto_digest *digest, struct slice bytes);
void crypto_digest_finish(struct crypto_digest *digest, uint8_t out[CRYPTO_SHA256_BYTES]);

/* HMAC-SHA-256 (RFC 2104). */
void crypto_hmac_sha256(const uint8_t *key, size_t key_length, struct slice bytes,
                        uint8_t out[CRYPTO_SHA256_BYTES]);

/* Unpredictable bytes, good for keys. False, and zeroes, when there are none. */
bool crypto_random(void *to, size_t count);

/* Takes the same time wherever the first difference is. Lengths are no secret. */
bool crypto_equal(struct slice a, struct slice b);

/* Lower-case hexadecimal and a NUL; `to` has room for 2 * count + 1. Returns `to`. */
char *crypto_hex_write(const void *from, size_t count, char *to);
/* Exactly 2 * count digits of either case; false otherwise, and `to` is untouched. */
bool crypto_hex_read(struct slice text, void *to, size_t count);

/* Base64 (RFC 4648 §4), padded, without line ends. False, and `out` as it was, when it does not fit. */
bool crypto_base64_write(struct slice bytes, struct buffer *out);
/* Exactly one such text, no blanks; false otherwise, or when it does not fit, and `out` as it was. */
bool crypto_base64_read(struct slice text, struct buffer *out);

#endif
