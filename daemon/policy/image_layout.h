/*
 * How an image lies in memory; only image_build.c and image.c look here.
 *
 *   header | records, kind after kind | indices | items of lists | text
 *
 * Everything is named by its offset from the header.  A record has eight bytes for
 * every field row, in the order of the rows.  An index is a table of slots,
 * a power of two, at most half full, searched forward from the hash of a key or an
 * alias until a free slot.
 */
#ifndef DAEMON_POLICY_IMAGE_LAYOUT_H
#define DAEMON_POLICY_IMAGE_LAYOUT_H

#include "daemon/policy/image.h"

/* Records and indices begin with a line of the processor's cache, so that a record or four slots touch one, not two. */
enum { IMAGE_MEMBER_BYTES = 8, IMAGE_SLOTS_FIRST = 4, IMAGE_LINE_BYTES = 64 };

#define IMAGE_MAGIC     UINT64_C(0x32454741494c5250) /* "PRLIAGE2" */
#define IMAGE_BYTES_MAX ((uint64_t)UINT32_MAX)       /* offsets of texts have 32 bits */

struct image_part { /* of one kind */
	uint64_t records, count;
	uint64_t index, slots; /* kinds with exactly one object have none */
};

struct image_header {
	uint64_t magic;
	uint64_t layout; /* digest of the rows that the writer was built with */
	uint64_t bytes;  /* of the whole image */
	uint64_t generation;
	struct image_part parts[MODEL_KIND_COUNT];
};

/* The name stands in the slot so that it and the record are waited for together, not one after the other. */
struct image_slot {
	uint32_t mark;   /* the upper half of the name's hash: most others need no look at the name */
	uint32_t number; /* of the record, from 1; 0: free */
	struct image_text name;
};

_Static_assert(sizeof(struct image_header) % 8 == 0, "records follow the header and are aligned to 8");
_Static_assert(sizeof(struct image_slot) == 16 && sizeof(struct image_text) == 8, "written as they are");

/*
 * Eight bytes at a time, where slice_hash takes one: a decision hashes four names.  The same for every kind: the
 * partner's domain is sought in several, and hashed once.  No defence against chosen keys
 * and none is needed: who chooses the keys writes the configuration, and who asks for others cannot lengthen
 * a search beyond the longest run of slots that is there.
 */
static inline uint64_t image_hash(struct slice key)
{
	const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t hash = odd ^ key.len, word;

	for (; key.len >= sizeof word; key = slice_after(key, sizeof word)) {
		memcpy(&word, key.ptr, sizeof word);
		hash = (hash ^ word) * odd;
		hash ^= hash >> 32;
	}
	word = 0;
	if (key.len)
		memcpy(&word, key.ptr, key.len);
	hash = (hash ^ word) * odd;
	hash ^= hash >> 29;
	hash *= UINT64_C(0xbf58476d1ce4e5b9);
	return hash ^ hash >> 32;
}
static inline uint32_t image_mark(uint64_t hash) { return (uint32_t)(hash >> 32); }

static inline size_t image_record_bytes(const struct model_kind *kind)
{
	return kind->field_count * IMAGE_MEMBER_BYTES;
}

/*
 * Digest of all rows: names, types, choices, order.  Two builds that differ in one row do not
 * read each other's images.
 */
uint64_t image_layout(void);

#endif
