/*
 * image: one published version as read-only memory that all processes share.
 *
 * A sealed memfd: header, per kind an array of records and a hash index over
 * their keys, then text.  Offsets only, so every process maps it where it
 * likes.  Records are structs made from the rows of the model, so a new field
 * needs nothing here.
 *
 * policy_image_build (image_build.c) writes it from a snapshot; policy_image_open
 * checks every offset once, so readers need not.
 */
#ifndef DAEMON_POLICY_IMAGE_H
#define DAEMON_POLICY_IMAGE_H

#include "shared/base/result.h"
#include "shared/model/snapshot.h"

struct image_text {
	uint32_t offset, length; /* a NUL follows the text */
};
struct image_list {
	uint32_t offset, count; /* of struct image_text */
};

/* struct image_allowed_domain { struct image_text domain; ... }: one member a FIELD row, in order, 8 bytes each. */
#define IMAGE_BOOL      uint64_t
#define IMAGE_NUMBER    uint64_t
#define IMAGE_ENUM      uint64_t
#define IMAGE_TEXT      struct image_text
#define IMAGE_DOMAIN    struct image_text
#define IMAGE_FQDN      struct image_text
#define IMAGE_PATH      struct image_text
#define IMAGE_ADDRESS   struct image_text
#define IMAGE_PREFIX    struct image_text
#define IMAGE_SIP_USER  struct image_text
#define IMAGE_DOMAINS   struct image_list
#define IMAGE_FQDNS     struct image_list
#define IMAGE_ADDRESSES struct image_list
#define IMAGE_PREFIXES  struct image_list
#define IMAGE_CHOICES   struct image_list
/* The first KIND closes this empty struct; each KIND closes the one before it. */
struct image_nothing {
	uint64_t unused;
#define KIND(id, ...)                                                                                        \
	}                                                                                                    \
	;                                                                                                    \
	struct image_##id {
#define FIELD(kind, name, type, ...) IMAGE_##type name;
#include "shared/model/kinds.def"
#undef KIND
#undef FIELD
};

struct policy_image; /* mapped; opaque */

/* `*fd` is sealed against any change, close-on-exec, the caller's to close. `generation` is the version's number. */
enum result policy_image_build(const struct model_snapshot *snapshot, uint64_t generation, int *fd,
                               struct reason *reason);
/* Maps and checks; `fd` stays the caller's. INVALID says what is wrong with it. */
enum result policy_image_open(int fd, struct policy_image **out, struct reason *reason);
void policy_image_close(struct policy_image **image);

uint64_t policy_image_generation(const struct policy_image *image);
size_t policy_image_bytes(const struct policy_image *image);

static inline struct slice image_slice(const void *base, struct image_text t)
{
	return (struct slice){ (const char *)base + t.offset, t.length };
}
/* Text of a record's member; valid as long as the image. */
struct slice policy_image_text(const struct policy_image *image, struct image_text text);
struct slice policy_image_item(const struct policy_image *image, struct image_list list, size_t index);

/*
 * image_<kind>_find(image, key or alias), image_<kind>_at(image, index), image_<kind>_count(image);
 * for ONE kinds index 0 is always there.
 */
const void *policy_image_find(const struct policy_image *image, enum model_kind_id kind, struct slice key);
/*
 * In a long list the waiting for memory is what costs, and several can be waited for at once: expect all that will be
 * asked for, fetch them all, then find them.  A key has one hash for all kinds; key and hash belong together.
 */
uint64_t policy_image_hash(struct slice key);
void policy_image_expect(const struct policy_image *image, enum model_kind_id kind, uint64_t hash);
void policy_image_fetch(const struct policy_image *image, enum model_kind_id kind, uint64_t hash);
const void *policy_image_find_hashed(const struct policy_image *image, enum model_kind_id kind,
                                     struct slice key, uint64_t hash);
const void *policy_image_at(const struct policy_image *image, enum model_kind_id kind, size_t index);
size_t policy_image_count(const struct policy_image *image, enum model_kind_id kind);

#define KIND(id, NAME, ...)                                                                                  \
	static inline const struct image_##id *image_##id##_find(const struct policy_image *image,           \
	                                                         struct slice key)                           \
	{                                                                                                    \
		return policy_image_find(image, MODEL_##NAME, key);                                          \
	}                                                                                                    \
	static inline const struct image_##id *image_##id##_at(const struct policy_image *image,             \
	                                                       size_t index)                                 \
	{                                                                                                    \
		return policy_image_at(image, MODEL_##NAME, index);                                          \
	}                                                                                                    \
	static inline size_t image_##id##_count(const struct policy_image *image)                            \
	{                                                                                                    \
		return policy_image_count(image, MODEL_##NAME);                                              \
	}
#define FIELD(...)
#include "shared/model/kinds.def"
#undef KIND
#undef FIELD

/* The record of the edge called `node`; when `node` is empty and there is one edge, that one; NULL otherwise. */
const struct image_edge *policy_image_edge(const struct policy_image *image, struct slice node);
/* Does everything whose entry names no edge go to one next hop? */
bool policy_image_has_default_route(const struct policy_image *image);
/* Is `domain` (lower case) one of our own? */
bool policy_image_is_own_domain(const struct policy_image *image, struct slice domain);
bool policy_image_is_own_hashed(const struct policy_image *image, struct slice domain, uint64_t hash);

#endif
