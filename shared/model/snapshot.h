/*
 * snapshot: all objects of one configuration, by kind, keys in order.
 *
 * Built once, then only read.  A change is made on a copy (`model_snapshot_copy`).
 */
#ifndef SHARED_MODEL_SNAPSHOT_H
#define SHARED_MODEL_SNAPSHOT_H

#include "shared/model/model.h"

enum { MODEL_SNAPSHOT_BYTES_MAX = 256 * 1024 * 1024 };

struct model_objects {
	struct model_object **items; /* ordered by key (slice_compare); ONE kinds hold exactly one */
	size_t count, size;
};

struct model_snapshot {
	struct arena arena; /* owns every object */
	struct model_objects kinds[MODEL_KIND_COUNT];
};

/* With the ONE objects and the Global access policy at their defaults. NULL out of memory. */
struct model_snapshot *model_snapshot_new(void);
void model_snapshot_free(struct model_snapshot **snapshot);
struct model_snapshot *model_snapshot_copy(const struct model_snapshot *from);

struct model_object *model_snapshot_one(const struct model_snapshot *snapshot, enum model_kind_id kind);
struct model_object *model_snapshot_find(const struct model_snapshot *snapshot, enum model_kind_id kind,
                                         struct slice key);
/* Puts `object` (allocated in the snapshot's arena) in its place. EXISTS when the key is taken. */
enum result model_snapshot_add(struct model_snapshot *snapshot, struct model_object *object);
enum result model_snapshot_remove(struct model_snapshot *snapshot, enum model_kind_id kind, struct slice key);

/*
 * What no single row can say: required fields are there; no domain is allowed and
 * blocked; no own domain on either list; internal TLS has a certificate and trust;
 * the Global policy exists.  The first fault is given: INVALID, with kind, key,
 * field and what is allowed.
 */
enum result model_snapshot_check(const struct model_snapshot *snapshot, struct reason *reason);

/* One change between two snapshots. */
struct model_change {
	enum { MODEL_ADDED, MODEL_REMOVED, MODEL_CHANGED } what;
	const struct model_kind *kind;
	struct slice key;
	size_t field; /* CHANGED: index; else field_count */
	const struct model_object *before, *after;
};
/* Calls `each` for every change, kinds in table order, keys in order. */
void model_snapshot_diff(const struct model_snapshot *before, const struct model_snapshot *after,
                         void (*each)(void *to, const struct model_change *change), void *to);

#endif
