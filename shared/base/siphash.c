#include "shared/base/siphash.h"

static uint64_t rotate(uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }

static void rounds(uint64_t v[4], int count)
{
	while (count-- > 0) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

uint64_t siphash(struct siphash_key key, struct slice bytes)
{
	uint64_t v[4] = { key.k0 ^ UINT64_C(0x736f6d6570736575), key.k1 ^ UINT64_C(0x646f72616e646f6d),
		          key.k0 ^ UINT64_C(0x6c7967656e657261), key.k1 ^ UINT64_C(0x7465646279746573) };
	size_t at = 0;
	uint64_t word;

	for (; bytes.len - at >= 8; at += 8) {
		memcpy(&word, bytes.ptr + at, 8); /* little endian, as all machines we build for */
		v[3] ^= word;
		rounds(v, 2);
		v[0] ^= word;
	}
	word = (uint64_t)(bytes.len & 0xff) << 56;
	for (size_t i = 0; at + i < bytes.len; i++)
		word |= (uint64_t)(uint8_t)bytes.ptr[at + i] << (8 * i);
	v[3] ^= word;
	rounds(v, 2);
	v[0] ^= word;
	v[2] ^= 0xff;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
