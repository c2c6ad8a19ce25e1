/*
 * map: slice -> pointer, open addressing, a capacity given at birth.
 *
 * The key's bytes belong to the caller and stay valid while the entry exists
 * (usually they lie in the value).  Not for iteration while changing.
 */
#ifndef SHARED_BASE_MAP_H
#define SHARED_BASE_MAP_H

#include "shared/base/result.h"
#include "shared/base/siphash.h"

struct map_entry {
	struct slice key; /* ptr NULL: free */
	uint64_t hash;
	void *value;
};

struct map {
	struct map_entry *entries;
	size_t size;  /* a power of two, or 0 */
	size_t count;
	size_t max;   /* entries at most */
	struct siphash_key seed;
};

void map_start(struct map *map, size_t max, struct siphash_key seed);
void map_stop(struct map *map);
void *map_get(const struct map *map, struct slice key);
/* OK, EXISTS (nothing changed), LIMIT or NO_MEMORY. An empty key is allowed. */
enum result map_add(struct map *map, struct slice key, void *value);
/* The removed value, or NULL. */
void *map_remove(struct map *map, struct slice key);

#endif
