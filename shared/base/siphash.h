/*
 * SipHash-2-4: the hash for every table whose keys strangers choose.
 * The key is 16 random bytes made at start.  Aumasson and Bernstein, 2012.
 */
#ifndef SHARED_BASE_SIPHASH_H
#define SHARED_BASE_SIPHASH_H

#include "shared/base/slice.h"

struct siphash_key {
	uint64_t k0, k1;
};

uint64_t siphash(struct siphash_key key, struct slice bytes);

#endif
