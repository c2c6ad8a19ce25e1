/*
 * snapshot: all objects of one configuration, by kind, keys in order.
 *
 * Built once, then only read.  A change is made on a copy (`model_snapshot_copy`).
 */
#ifndef SHARED_MODEL_SNAPSHOT_H
#define SHARED_MODEL_SNAPSHOT_H

#include "shared/model/model.h"

/* The access policy that always exists (Lync's Identity). */
#define MODEL_POLICY_GLOBAL "Global"
#define MODEL_POLICY_SITE   "site:"  /* before a site's name: the identity of its access policy */
#define MODEL_GROUP_PREFIX  "group:" /* before the name of a Unix group in role-grant's member */

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
/*
 * Puts `object` (allocated in the snapshot's arena) in its place: EXISTS when the
 * key is taken, and for a kind of which there is always ONE.  In key order this
 * costs no more than a comparison; a long list is sorted before it is added.
 */
enum result model_snapshot_add(struct model_snapshot *snapshot, struct model_object *object);
/*
 * Many at once, in one walk: `objects` (in the snapshot's arena) are of that kind, in key order, each key once; one
 * whose key is taken takes its place.  OK or NO_MEMORY.
 */
enum result model_snapshot_put_all(struct model_snapshot *snapshot, enum model_kind_id kind,
                                   struct model_object **objects, size_t count);
enum result model_snapshot_remove(struct model_snapshot *snapshot, enum model_kind_id kind, struct slice key);
/* Many at once, in one walk: `keys` in order; those that are not there are passed over. */
void model_snapshot_remove_all(struct model_snapshot *snapshot, enum model_kind_id kind,
                               const struct slice *keys, size_t count);

/*
 * What no single row can say: required fields are there; no domain is allowed and
 * blocked; no own domain on either list; a certificate comes with the authorities
 * to check the other side by; an edge listens on no address twice and is no pool
 * member of its own; sites, users and their policies name each other rightly;
 * an XMPP partner's streams can be authenticated, and its domains are nobody else's;
 * nor are a provider's, and its edge is its alone.
 * A certificate that is missing is no fault: the daemon runs and the Access Edge
 * waits for it.
 */
struct model_fault {
	const struct model_object *object; /* NULL: the Global policy is missing */
	size_t field;                      /* index; field_count where the object as a whole is at fault */
	struct reason why;
	const char *allowed; /* one line: what would be right */
	bool is_warning;     /* doubtful: it may be published so */
};
/* Calls `each` for every fault and every warning; how many faults there were. */
size_t model_snapshot_faults(const struct model_snapshot *snapshot,
                             void (*each)(void *to, const struct model_fault *fault), void *to);
/* The first fault as one reason, with kind, key, field and what is allowed: INVALID, or OK. */
enum result model_snapshot_check(const struct model_snapshot *snapshot, struct reason *reason);

/* Same objects and values (comments and lines do not count). */
bool model_snapshot_equal(const struct model_snapshot *a, const struct model_snapshot *b);

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

/* Where two changes of the same base meet. */
struct model_conflict {
	const struct model_kind *kind;
	struct slice key;
	size_t field; /* index; field_count: whether the object is there at all */
	const struct model_object *base, *mine, *theirs; /* NULL: not there */
};
enum model_preference {
	MODEL_PREFER_THEIRS, /* where both changed a thing, theirs stays */
	MODEL_PREFER_MINE,
};
/*
 * What changed from `base` to `mine`, done again on a copy of `theirs`: `*out`, the caller's.  `each` (may be
 * NULL) is called for every conflict, `*conflicts` says how many.  The answer may break rules that neither side
 * broke (a domain allowed here and blocked there): model_snapshot_check tells.  NO_MEMORY: `*out` is NULL.
 */
enum result model_snapshot_merge(const struct model_snapshot *base, const struct model_snapshot *mine,
                                 const struct model_snapshot *theirs, enum model_preference preference,
                                 void (*each)(void *to, const struct model_conflict *conflict), void *to,
                                 size_t *conflicts, struct model_snapshot **out);

/*
 * Puts one object (`field` = field_count) or one field of it back to what it is in `base`.  NOT_FOUND: the object
 * is in neither; NO_MEMORY.
 */
enum result model_snapshot_restore(struct model_snapshot *snapshot, const struct model_snapshot *base,
                                   const struct model_kind *kind, struct slice key, size_t field);

#endif
