/*
 * How an image lies in memory; only image_build.c and image.c look here.
 *
 *   header | records, kind after kind | indices | items of lists | text
 *
 * Everything is named by its offset from the header.  A record has eight bytes for
 * every field row, in the order of the rows.  An index is a table of slots,
 * a power of two, at most half full, searched forward from the key's hash until a
 * free slot.
 */
#ifndef DAEMON_POLICY_IMAGE_LAYOUT_H
#define DAEMON_POLICY_IMAGE_LAYOUT_H

#include "daemon/policy/image.h"

enum { IMAGE_MEMBER_BYTES = 8, IMAGE_SLOTS_FIRST = 4 };

#define IMAGE_MAGIC     UINT64_C(0x31454741494c5250) /* "PRLIAGE1" */
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

struct image_slot {
	uint32_t mark;   /* the upper half of the key's hash: most others need no look at the record */
	uint32_t number; /* of the record, from 1; 0: free */
};

_Static_assert(sizeof(struct image_header) % 8 == 0, "records follow the header and are aligned to 8");
_Static_assert(sizeof(struct image_slot) == 8 && sizeof(struct image_text) == 8, "written as they are");

static inline uint64_t image_hash(enum model_kind_id kind, struct slice key)
{
	return slice_hash(key, UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t)kind + 1));
}
static inline uint32_t image_mark(uint64_t hash) { return (uint32_t)(hash >> 32); }

static inline size_t image_record_bytes(const struct model_kind *kind)
{
	return kind->field_count * IMAGE_MEMBER_BYTES;
}

/* Digest of all rows: names, types, choices, order.  Two builds that differ in one row do not read each other's images. */
uint64_t image_layout(void);

#endif
