#include "daemon/crypto/crypto.h"

#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <sys/random.h>

#include "shared/base/memory.h"

static const uint8_t *bytes_of(struct slice s) { return (const uint8_t *)(s.ptr ? s.ptr : ""); }

void crypto_sha256(struct slice bytes, uint8_t out[CRYPTO_SHA256_BYTES])
{
	struct crypto_digest digest;

	crypto_digest_start(&digest);
	crypto_digest_add(&digest, bytes);
	crypto_digest_finish(&digest, out);
}

void crypto_digest_start(struct crypto_digest *digest) { sha256_init(&digest->running); }

void crypto_digest_add(struct crypto_digest *digest, struct slice bytes)
{
	sha256_update(&digest->running, bytes.len, bytes_of(bytes));
}

void crypto_digest_finish(struct crypto_digest *digest, uint8_t out[CRYPTO_SHA256_BYTES])
{
	sha256_digest(&digest->running, CRYPTO_SHA256_BYTES, out);
}

void crypto_hmac_sha256(const uint8_t *key, size_t key_length, struct slice bytes,
                        uint8_t out[CRYPTO_SHA256_BYTES])
{
	struct hmac_sha256_ctx keyed;

	hmac_sha256_set_key(&keyed, key_length, key);
	hmac_sha256_update(&keyed, bytes.len, bytes_of(bytes));
	hmac_sha256_digest(&keyed, CRYPTO_SHA256_BYTES, out);
	mem_wipe(&keyed, sizeof keyed);
}

/*
 * Straight from the kernel: no state of ours that a fork would copy.  Pieces of 256 bytes
 * are never cut short by a signal (getrandom(2)).
 */
bool crypto_random(void *to, size_t count)
{
	uint8_t *at = to;

	for (size_t done = 0; done < count;) {
		size_t piece = count - done < 256 ? count - done : 256;
		ssize_t got = getrandom(at + done, piece, 0);

		if (got <= 0) {
			mem_wipe(to, count);
			return false;
		}
		done += (size_t)got;
	}
	return true;
}

bool crypto_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memeql_sec(a.ptr, b.ptr, a.len));
}

char *crypto_hex_write(const void *from, size_t count, char *to)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = from;

	for (size_t i = 0; i < count; i++) {
		to[2 * i] = digits[bytes[i] >> 4];
		to[2 * i + 1] = digits[bytes[i] & 15];
	}
	to[2 * count] = '\0';
	return to;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool crypto_hex_read(struct slice text, void *to, size_t count)
{
	uint8_t *bytes = to;

	if (text.len % 2 != 0 || text.len / 2 != count)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (hex_digit(text.ptr[i]) < 0)
			return false;
	for (size_t i = 0; i < count; i++)
		bytes[i] = (uint8_t)(hex_digit(text.ptr[2 * i]) << 4 | hex_digit(text.ptr[2 * i + 1]));
	return true;
}

bool crypto_base64_write(struct slice bytes, struct buffer *out)
{
	char *to = buffer_reserve(out, BASE64_ENCODE_RAW_LENGTH(bytes.len));

	if (!to)
		return false;
	base64_encode_raw(to, bytes.len, bytes_of(bytes));
	buffer_grew(out, BASE64_ENCODE_RAW_LENGTH(bytes.len));
	return true;
}

/* nettle passes over white space, which RFC 6120 §6.4.2 does not; so what may stand there is looked at first. */
static bool is_base64(struct slice text)
{
	if (text.len % 4 != 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '+' || c == '/' || (c == '=' && i + 2 >= text.len)))
			return false;
	}
	return true;
}

bool crypto_base64_read(struct slice text, struct buffer *out)
{
	struct base64_decode_ctx decoder;
	size_t room = BASE64_DECODE_LENGTH(text.len), got = room;
	char *to;

	if (!is_base64(text) || !(to = buffer_reserve(out, room)))
		return false;
	base64_decode_init(&decoder);
	if (!base64_decode_update(&decoder, &got, (uint8_t *)to, text.len, text.len ? text.ptr : "") ||
	    !base64_decode_final(&decoder))
		return false;
	buffer_grew(out, got);
	return true;
}
