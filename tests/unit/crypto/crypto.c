/* Vectors: FIPS 180-4 examples, RFC 4231. */
#include "daemon/crypto/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_hex(const uint8_t *bytes, const char *expected)
{
	char hex[CRYPTO_SHA256_HEX_BYTES];

	assert_string_equal(crypto_hex_write(bytes, CRYPTO_SHA256_BYTES, hex), expected);
}

static const struct {
	struct slice bytes;
	const char *digest;
} digests[] = {
	{ SLICE(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ SLICE("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ SLICE("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void gives_the_published_digests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof digests / sizeof *digests; i++) {
		uint8_t out[CRYPTO_SHA256_BYTES];

		crypto_sha256(digests[i].bytes, out);
		assert_hex(out, digests[i].digest);
	}
	uint8_t out[CRYPTO_SHA256_BYTES];

	crypto_sha256(SLICE_NONE, out);
	assert_hex(out, digests[0].digest);
}

static void gives_the_same_digest_in_any_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof digests / sizeof *digests; i++)
		for (size_t cut = 0; cut <= digests[i].bytes.len; cut++) {
			struct crypto_digest digest;
			uint8_t out[CRYPTO_SHA256_BYTES];

			crypto_digest_start(&digest);
			crypto_digest_add(&digest, slice_first(digests[i].bytes, cut));
			crypto_digest_add(&digest, slice_after(digests[i].bytes, cut));
			crypto_digest_finish(&digest, out);
			assert_hex(out, digests[i].digest);
		}
}

static void gives_the_published_keyed_digests(void **state)
{
	uint8_t key[131], out[CRYPTO_SHA256_BYTES];

	(void)state;
	memset(key, 0x0b, 20); /* RFC 4231 §4.2 */
	crypto_hmac_sha256(key, 20, SLICE("Hi There"), out);
	assert_hex(out, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	crypto_hmac_sha256((const uint8_t *)"Jefe", 4, SLICE("what do ya want for nothing?"), out); /* §4.3 */
	assert_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof key); /* §4.7: a key longer than a block */
	crypto_hmac_sha256(key, sizeof key, SLICE("Test Using Larger Than Block-Size Key - Hash Key First"),
	                   out);
	assert_hex(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void random_bytes_fill_all_and_differ(void **state)
{
	uint8_t a[1000] = { 0 }, b[1000] = { 0 }, zero[32] = { 0 };

	(void)state;
	assert_true(crypto_random(a, sizeof a));
	assert_true(crypto_random(b, sizeof b));
	assert_memory_not_equal(a, b, sizeof a);
	assert_memory_not_equal(a + sizeof a - sizeof zero, zero, sizeof zero);
	assert_true(crypto_random(a, 0));
}

static void compares_whole_strings(void **state)
{
	(void)state;
	assert_true(crypto_equal(SLICE(""), SLICE_NONE));
	assert_true(crypto_equal(SLICE("token"), SLICE("token")));
	assert_false(crypto_equal(SLICE("token"), SLICE("tokem")));
	assert_false(crypto_equal(SLICE("token"), SLICE("Token")));
	assert_false(crypto_equal(SLICE("token"), SLICE("toke")));
}

static void reads_back_the_hex_it_writes(void **state)
{
	uint8_t all[256], back[256];
	char hex[513];

	(void)state;
	for (size_t i = 0; i < sizeof all; i++)
		all[i] = (uint8_t)i;
	crypto_hex_write(all, sizeof all, hex);
	assert_true(crypto_hex_read(slice_of(hex), back, sizeof back));
	assert_memory_equal(all, back, sizeof all);
	assert_true(crypto_hex_read(SLICE("aAfF"), back, 2));
	assert_memory_equal(back, "\xaa\xff", 2);
}

static void refuses_hex_that_is_none(void **state)
{
	static const struct slice bad[] = { SLICE(""),
		                            SLICE("0"),
		                            SLICE("000"),
		                            SLICE("000000"),
		                            SLICE("0g00"),
		                            SLICE("00 0"),
		                            SLICE("-100"),
		                            SLICE("0x00"),
		                            SLICE("00\0"
		                                  "0") };
	uint8_t to[2] = { 7, 7 };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(crypto_hex_read(bad[i], to, sizeof to));
		assert_true(to[0] == 7 && to[1] == 7);
	}
}

static void reads_and_writes_base64(void **state)
{
	static const struct {
		struct slice bytes, text;
	} good[] = {
		/* RFC 4648 §10 */
		{ SLICE(""), SLICE("") },
		{ SLICE("f"), SLICE("Zg==") },
		{ SLICE("fo"), SLICE("Zm8=") },
		{ SLICE("foo"), SLICE("Zm9v") },
		{ SLICE("foobar"), SLICE("Zm9vYmFy") },
		{ SLICE("\xff\0\xfb"), SLICE("/wD7") },
	};
	static const struct slice bad[] = { SLICE("Z"),    SLICE("Zg="),   SLICE("Zg"),       SLICE("Z g="),
		                            SLICE("="),    SLICE("===="),  SLICE("Zg==Zg=="), SLICE("Zg\n="),
		                            SLICE("Zm9*"), SLICE("Zm9v\0") };
	struct buffer out;

	(void)state;
	buffer_start(&out, 64);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		buffer_clear(&out);
		assert_true(crypto_base64_write(good[i].bytes, &out));
		assert_true(slice_equal(buffer_slice(&out), good[i].text));
		buffer_clear(&out);
		assert_true(crypto_base64_read(good[i].text, &out));
		assert_true(slice_equal(buffer_slice(&out), good[i].bytes));
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		buffer_clear(&out);
		assert_false(crypto_base64_read(bad[i], &out));
		assert_int_equal(buffer_length(&out), 0);
	}
	buffer_stop(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_published_digests),
		cmocka_unit_test(gives_the_same_digest_in_any_pieces),
		cmocka_unit_test(gives_the_published_keyed_digests),
		cmocka_unit_test(random_bytes_fill_all_and_differ),
		cmocka_unit_test(compares_whole_strings),
		cmocka_unit_test(reads_back_the_hex_it_writes),
		cmocka_unit_test(refuses_hex_that_is_none),
		cmocka_unit_test(reads_and_writes_base64),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
