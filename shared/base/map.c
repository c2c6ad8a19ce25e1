#include "shared/base/map.h"

#include "shared/base/memory.h"

enum { MAP_FIRST_SIZE = 16 };

static const char no_bytes[1] = ""; /* the key pointer of an empty key: NULL marks a free entry */

void map_start(struct map *map, size_t max, struct siphash_key seed)
{
	*map = (struct map){ .max = max, .seed = seed };
}

void map_stop(struct map *map)
{
	mem_free(map->entries);
	map->entries = NULL;
	map->size = map->count = 0;
}

static size_t find(const struct map *map, struct slice key, uint64_t hash)
{
	size_t at = hash & (map->size - 1);

	while (map->entries[at].key.ptr &&
	       !(map->entries[at].hash == hash && slice_equal(map->entries[at].key, key)))
		at = (at + 1) & (map->size - 1);
	return at;
}

void *map_get(const struct map *map, struct slice key)
{
	if (map->count == 0)
		return NULL;
	return map->entries[find(map, key, siphash(map->seed, key))].value;
}

static bool grow(struct map *map)
{
	size_t size = map->size ? map->size * 2 : MAP_FIRST_SIZE;
	struct map_entry *old = map->entries, *fresh = mem_new_array(size, sizeof *fresh);
	size_t old_size = map->size;

	if (!fresh)
		return false;
	map->entries = fresh;
	map->size = size;
	for (size_t i = 0; i < old_size; i++)
		if (old[i].key.ptr)
			fresh[find(map, old[i].key, old[i].hash)] = old[i];
	mem_free(old);
	return true;
}

enum result map_add(struct map *map, struct slice key, void *value)
{
	uint64_t hash = siphash(map->seed, key);

	if (!key.ptr)
		key.ptr = no_bytes;
	if (map->size && map->entries[find(map, key, hash)].key.ptr)
		return RESULT_EXISTS;
	if (map->count >= map->max)
		return RESULT_LIMIT;
	if ((map->count + 1) * 4 > map->size * 3 && !grow(map))
		return RESULT_NO_MEMORY;
	map->entries[find(map, key, hash)] = (struct map_entry){ key, hash, value };
	map->count++;
	return RESULT_OK;
}

void *map_remove(struct map *map, struct slice key)
{
	if (map->count == 0)
		return NULL;

	size_t hole = find(map, key, siphash(map->seed, key));
	void *value = map->entries[hole].value;

	if (!map->entries[hole].key.ptr)
		return NULL;
	/* Close the gap: move back each follower whose home does not lie behind the hole. */
	for (size_t at = (hole + 1) & (map->size - 1); map->entries[at].key.ptr;
	     at = (at + 1) & (map->size - 1)) {
		size_t home = map->entries[at].hash & (map->size - 1);

		if (((at - home) & (map->size - 1)) >= ((at - hole) & (map->size - 1))) {
			map->entries[hole] = map->entries[at];
			hole = at;
		}
	}
	map->entries[hole] = (struct map_entry){ 0 };
	map->count--;
	return value;
}
