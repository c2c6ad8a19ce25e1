/*
 * Three ways: what was changed from `base` to `mine`, done again on `theirs`.
 *
 * A field that only one side changed is taken as it is; one that both changed to different values is a conflict.
 * Whether an object is there at all is such a value, too.
 */
#include "shared/base/memory.h"
#include "shared/model/snapshot.h"

enum { MERGE_FIRST = 16 };

struct merge {
	struct model_snapshot *out; /* theirs, becoming the answer */
	enum model_preference preference;
	void (*each)(void *to, const struct model_conflict *conflict);
	void *to;
	size_t count;
	const struct model_object *gone; /* of `mine`: changed here, removed there, and told */
	/* Of the kind that the walk is at, in key order; put in, or taken out, all at once when it leaves the kind. */
	const struct model_kind *kind;
	struct model_object **added;
	struct slice *removed;
	size_t added_count, added_size, removed_count, removed_size;
	bool is_out_of_memory;
};

static void tell(struct merge *m, const struct model_change *change, size_t field,
                 const struct model_object *theirs)
{
	const struct model_conflict conflict = { .kind = change->kind,
		                                 .key = change->key,
		                                 .field = field,
		                                 .base = change->before,
		                                 .mine = change->after,
		                                 .theirs = theirs };

	m->count++;
	if (m->each)
		m->each(m->to, &conflict);
}

static void *room_for_one(struct merge *m, void *items, size_t count, size_t *size, size_t each)
{
	size_t wanted = *size ? *size * 2 : MERGE_FIRST;
	void *grown;

	if (count < *size)
		return items;
	grown = mem_resize(items, wanted * each);
	if (grown)
		*size = wanted;
	else
		m->is_out_of_memory = true;
	return grown ? grown : items;
}

static void put_copy(struct merge *m, const struct model_object *object)
{
	struct model_object *copy = model_object_copy(&m->out->arena, object);

	m->added = room_for_one(m, m->added, m->added_count, &m->added_size, sizeof(struct model_object *));
	if (!copy || m->added_count == m->added_size)
		m->is_out_of_memory = true;
	else
		m->added[m->added_count++] = copy;
}

static void take_out(struct merge *m, struct slice key)
{
	m->removed = room_for_one(m, m->removed, m->removed_count, &m->removed_size, sizeof *m->removed);
	if (m->removed_count == m->removed_size)
		m->is_out_of_memory = true;
	else
		m->removed[m->removed_count++] = key;
}

/* The walk has come to the end of a kind. */
static void end_kind(struct merge *m)
{
	if (m->kind && m->removed_count)
		model_snapshot_remove_all(m->out, m->kind->id, m->removed, m->removed_count);
	if (m->kind && m->added_count &&
	    model_snapshot_put_all(m->out, m->kind->id, m->added, m->added_count) != RESULT_OK)
		m->is_out_of_memory = true;
	m->added_count = m->removed_count = 0;
}

static void put_field(struct merge *m, struct model_object *to, const struct model_object *from, size_t field)
{
	if (!model_value_copy(&to->kind->fields[field], &from->values[field], &m->out->arena,
	                      &to->values[field]))
		m->is_out_of_memory = true;
}

static bool is_same(const struct model_object *a, const struct model_object *b, size_t field)
{
	return model_value_equal(&a->kind->fields[field], &a->values[field], &b->values[field]);
}

static bool is_same_object(const struct model_object *a, const struct model_object *b)
{
	for (size_t i = 0; i < a->kind->field_count; i++)
		if (!is_same(a, b, i))
			return false;
	return true;
}

/* Both have made it: each field that differs is a conflict of its own. */
static void add(struct merge *m, const struct model_change *change, struct model_object *theirs)
{
	if (!theirs) {
		put_copy(m, change->after);
		return;
	}
	for (size_t i = 0; i < change->kind->field_count; i++) {
		if (is_same(theirs, change->after, i))
			continue;
		tell(m, change, i, theirs);
		if (m->preference == MODEL_PREFER_MINE)
			put_field(m, theirs, change->after, i);
	}
}

static void take_away(struct merge *m, const struct model_change *change, const struct model_object *theirs)
{
	bool is_touched = theirs && !is_same_object(theirs, change->before);

	if (is_touched)
		tell(m, change, change->kind->field_count, theirs);
	if (theirs && (!is_touched || m->preference == MODEL_PREFER_MINE))
		take_out(m, change->key);
}

static void set(struct merge *m, const struct model_change *change, struct model_object *theirs)
{
	if (!theirs) { /* told once, however many of its fields were changed */
		if (m->gone == change->after)
			return;
		m->gone = change->after;
		tell(m, change, change->kind->field_count, NULL);
		if (m->preference == MODEL_PREFER_MINE)
			put_copy(m, change->after);
		return;
	}
	if (is_same(theirs, change->after, change->field))
		return;
	if (!is_same(theirs, change->before, change->field)) {
		tell(m, change, change->field, theirs);
		if (m->preference != MODEL_PREFER_MINE)
			return;
	}
	put_field(m, theirs, change->after, change->field);
}

static void merge_one(void *to, const struct model_change *change)
{
	struct merge *m = to;
	struct model_object *theirs = model_snapshot_find(m->out, change->kind->id, change->key);

	if (m->kind != change->kind)
		end_kind(m);
	m->kind = change->kind;
	switch (change->what) {
	case MODEL_ADDED: add(m, change, theirs); break;
	case MODEL_REMOVED: take_away(m, change, theirs); break;
	case MODEL_CHANGED: set(m, change, theirs); break;
	}
}

enum result model_snapshot_merge(const struct model_snapshot *base, const struct model_snapshot *mine,
                                 const struct model_snapshot *theirs, enum model_preference preference,
                                 void (*each)(void *to, const struct model_conflict *conflict), void *to,
                                 size_t *conflicts, struct model_snapshot **out)
{
	struct merge m = { .preference = preference, .each = each, .to = to };

	*out = NULL;
	*conflicts = 0;
	m.out = model_snapshot_copy(theirs);
	if (!m.out)
		return RESULT_NO_MEMORY;
	model_snapshot_diff(base, mine, merge_one, &m);
	end_kind(&m);
	mem_free(m.added);
	mem_free(m.removed);
	if (m.is_out_of_memory) {
		model_snapshot_free(&m.out);
		return RESULT_NO_MEMORY;
	}
	*conflicts = m.count;
	*out = m.out;
	return RESULT_OK;
}

/* ---- taking one change back ---- */

enum result model_snapshot_restore(struct model_snapshot *snapshot, const struct model_snapshot *base,
                                   const struct model_kind *kind, struct slice key, size_t field)
{
	struct model_object *now = model_snapshot_find(snapshot, kind->id, key);
	const struct model_object *before = model_snapshot_find(base, kind->id, key);
	struct model_object *copy;

	if (!now && !before)
		return RESULT_NOT_FOUND;
	if (now && before) {
		for (size_t i = 0; i < kind->field_count; i++)
			if ((field >= kind->field_count || i == field) &&
			    !model_value_copy(&kind->fields[i], &before->values[i], &snapshot->arena,
			                      &now->values[i]))
				return RESULT_NO_MEMORY;
		return RESULT_OK;
	}
	if (!before)
		return model_snapshot_remove(snapshot, kind->id, key);
	copy = model_object_copy(&snapshot->arena, before);
	return copy ? model_snapshot_add(snapshot, copy) : RESULT_NO_MEMORY;
}
