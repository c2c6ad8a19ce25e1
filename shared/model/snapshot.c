/* All objects of one configuration: arrays by kind, ordered by key, in one arena. */
#include "shared/model/snapshot.h"

#include "shared/base/memory.h"

enum { OBJECTS_FIRST = 4 };

/* Where `key` is, or would be. */
static size_t place_of(const struct model_objects *objects, struct slice key, bool *is_there)
{
	size_t low = 0, high = objects->count;

	*is_there = false;
	/* Long lists arrive in order: look at the end first. */
	if (high && slice_compare(model_object_key(objects->items[high - 1]), key) < 0)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = slice_compare(model_object_key(objects->items[middle]), key);

		if (order == 0) {
			*is_there = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool make_room(struct model_objects *objects)
{
	size_t size = objects->size ? objects->size * 2 : OBJECTS_FIRST;
	struct model_object **items;

	if (objects->count < objects->size)
		return true;
	items = mem_resize(objects->items, size * sizeof(struct model_object *));
	if (!items)
		return false;
	objects->items = items;
	objects->size = size;
	return true;
}

enum result model_snapshot_add(struct model_snapshot *snapshot, struct model_object *object)
{
	struct model_objects *objects = &snapshot->kinds[object->kind->id];
	bool is_there;
	size_t at = place_of(objects, model_object_key(object), &is_there);

	if (is_there)
		return RESULT_EXISTS;
	if (!make_room(objects))
		return RESULT_NO_MEMORY;
	if (at < objects->count)
		memmove(objects->items + at + 1, objects->items + at,
		        (objects->count - at) * sizeof(struct model_object *));
	objects->items[at] = object;
	objects->count++;
	return RESULT_OK;
}

enum result model_snapshot_put_all(struct model_snapshot *snapshot, enum model_kind_id kind,
                                   struct model_object **objects, size_t count)
{
	struct model_objects *present = &snapshot->kinds[kind];
	size_t room = present->count + count, used = 0, p = 0;
	struct model_object **items = mem_new_array(room ? room : 1, sizeof(struct model_object *));

	if (!items)
		return RESULT_NO_MEMORY;
	for (size_t i = 0; i < count; i++) {
		struct slice key = model_object_key(objects[i]);

		while (p < present->count && slice_compare(model_object_key(present->items[p]), key) < 0)
			items[used++] = present->items[p++];
		p += p < present->count && slice_equal(model_object_key(present->items[p]), key);
		items[used++] = objects[i];
	}
	while (p < present->count)
		items[used++] = present->items[p++];
	mem_free(present->items);
	*present = (struct model_objects){ items, used, room ? room : 1 };
	return RESULT_OK;
}

enum result model_snapshot_remove(struct model_snapshot *snapshot, enum model_kind_id kind, struct slice key)
{
	struct model_objects *objects = &snapshot->kinds[kind];
	bool is_there;
	size_t at = place_of(objects, key, &is_there);

	if (!is_there)
		return RESULT_NOT_FOUND;
	objects->count--;
	if (at < objects->count)
		memmove(objects->items + at, objects->items + at + 1,
		        (objects->count - at) * sizeof(struct model_object *));
	return RESULT_OK;
}

void model_snapshot_remove_all(struct model_snapshot *snapshot, enum model_kind_id kind,
                               const struct slice *keys, size_t count)
{
	struct model_objects *objects = &snapshot->kinds[kind];
	size_t kept = 0, k = 0;

	for (size_t i = 0; i < objects->count; i++) {
		struct slice key = model_object_key(objects->items[i]);

		while (k < count && slice_compare(keys[k], key) < 0)
			k++;
		if (k == count || !slice_equal(keys[k], key))
			objects->items[kept++] = objects->items[i];
	}
	objects->count = kept;
}

struct model_object *model_snapshot_find(const struct model_snapshot *snapshot, enum model_kind_id kind,
                                         struct slice key)
{
	bool is_there;
	size_t at = place_of(&snapshot->kinds[kind], key, &is_there);

	return is_there ? snapshot->kinds[kind].items[at] : NULL;
}

struct model_object *model_snapshot_one(const struct model_snapshot *snapshot, enum model_kind_id kind)
{
	return snapshot->kinds[kind].items[0];
}

/* ---- birth and death ---- */

static struct model_snapshot *snapshot_empty(void)
{
	struct model_snapshot *snapshot = mem_new(sizeof *snapshot);

	if (snapshot)
		arena_start(&snapshot->arena, MODEL_SNAPSHOT_BYTES_MAX);
	return snapshot;
}

static bool add_default(struct model_snapshot *snapshot, enum model_kind_id kind, struct slice key)
{
	struct model_object *object = model_object_new(&snapshot->arena, model_kind(kind));

	if (!object)
		return false;
	if (key.len)
		object->values[object->kind->key].text = key;
	return model_snapshot_add(snapshot, object) == RESULT_OK;
}

struct model_snapshot *model_snapshot_new(void)
{
	struct model_snapshot *snapshot = snapshot_empty();
	bool is_whole = snapshot && add_default(snapshot, MODEL_ACCESS_POLICY, SLICE(MODEL_POLICY_GLOBAL));

	for (size_t i = 0; is_whole && i < MODEL_KIND_COUNT; i++)
		if (model_kind((enum model_kind_id)i)->cardinality == MODEL_ONE)
			is_whole = add_default(snapshot, (enum model_kind_id)i, SLICE(""));
	if (!is_whole)
		model_snapshot_free(&snapshot);
	return snapshot;
}

void model_snapshot_free(struct model_snapshot **snapshot)
{
	if (!*snapshot)
		return;
	for (size_t i = 0; i < MODEL_KIND_COUNT; i++)
		mem_free((*snapshot)->kinds[i].items);
	arena_stop(&(*snapshot)->arena);
	mem_free(*snapshot);
	*snapshot = NULL;
}

static bool copy_objects(const struct model_objects *from, struct model_snapshot *to)
{
	for (size_t i = 0; i < from->count; i++) {
		struct model_object *copy = model_object_copy(&to->arena, from->items[i]);

		if (!copy || model_snapshot_add(to, copy) != RESULT_OK)
			return false;
	}
	return true;
}

struct model_snapshot *model_snapshot_copy(const struct model_snapshot *from)
{
	struct model_snapshot *copy = snapshot_empty();

	for (size_t i = 0; copy && i < MODEL_KIND_COUNT; i++)
		if (!copy_objects(&from->kinds[i], copy))
			model_snapshot_free(&copy);
	return copy;
}
