#include "daemon/xmpp/dialback.h"

#include "daemon/crypto/crypto.h"
#include "shared/base/memory.h"

enum { INPUT_MAX = 8192 };

/* Data longer than any honest one is cut; a key that nobody else makes is all that can come of it. */
void xmpp_dialback_key(struct slice secret, struct slice receiving, struct slice originating,
                       struct slice stream_id, char to[XMPP_DIALBACK_KEY_BYTES])
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char key[CRYPTO_SHA256_HEX_BYTES], data[INPUT_MAX];
	const struct slice parts[] = { receiving, SLICE(" "), originating, SLICE(" "), stream_id };
	size_t used = 0;

	crypto_sha256(secret, digest);
	crypto_hex_write(digest, sizeof digest, key);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		size_t n = parts[i].len < sizeof data - used ? parts[i].len : sizeof data - used;

		if (n)
			memcpy(data + used, parts[i].ptr, n);
		used += n;
	}
	crypto_hmac_sha256((const uint8_t *)key, CRYPTO_SHA256_HEX_BYTES - 1, (struct slice){ data, used },
	                   digest);
	crypto_hex_write(digest, sizeof digest, to);
	mem_wipe(key, sizeof key);
	mem_wipe(digest, sizeof digest);
}

bool xmpp_dialback_is_key(struct slice secret, struct slice receiving, struct slice originating,
                          struct slice stream_id, struct slice key)
{
	char right[XMPP_DIALBACK_KEY_BYTES];
	bool is_key;

	xmpp_dialback_key(secret, receiving, originating, stream_id, right);
	is_key = crypto_equal(slice_of(right), key);
	mem_wipe(right, sizeof right);
	return is_key;
}
