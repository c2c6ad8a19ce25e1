/* What changed between two configurations: both lists are ordered by key, so one walk finds it. */
#include "shared/model/snapshot.h"

struct walk {
	void (*each)(void *to, const struct model_change *change);
	void *to;
};

static void tell_added(const struct walk *walk, const struct model_object *after)
{
	struct model_change change = { .what = MODEL_ADDED, .kind = after->kind, .after = after };

	change.key = model_object_key(after);
	change.field = after->kind->field_count;
	walk->each(walk->to, &change);
}

static void tell_removed(const struct walk *walk, const struct model_object *before)
{
	struct model_change change = { .what = MODEL_REMOVED, .kind = before->kind, .before = before };

	change.key = model_object_key(before);
	change.field = before->kind->field_count;
	walk->each(walk->to, &change);
}

static void tell_fields(const struct walk *walk, const struct model_object *before,
                        const struct model_object *after)
{
	for (size_t i = 0; i < before->kind->field_count; i++) {
		struct model_change change = { .what = MODEL_CHANGED,
			                       .kind = before->kind,
			                       .key = model_object_key(before),
			                       .field = i,
			                       .before = before,
			                       .after = after };

		if (!model_value_equal(&before->kind->fields[i], &before->values[i], &after->values[i]))
			walk->each(walk->to, &change);
	}
}

static void walk_kind(const struct walk *walk, const struct model_objects *before,
                      const struct model_objects *after)
{
	size_t b = 0, a = 0;

	while (b < before->count && a < after->count) {
		int order = slice_compare(model_object_key(before->items[b]),
		                          model_object_key(after->items[a]));

		if (order == 0)
			tell_fields(walk, before->items[b++], after->items[a++]);
		else if (order < 0)
			tell_removed(walk, before->items[b++]);
		else
			tell_added(walk, after->items[a++]);
	}
	while (b < before->count)
		tell_removed(walk, before->items[b++]);
	while (a < after->count)
		tell_added(walk, after->items[a++]);
}

void model_snapshot_diff(const struct model_snapshot *before, const struct model_snapshot *after,
                         void (*each)(void *to, const struct model_change *change), void *to)
{
	struct walk walk = { each, to };

	for (size_t i = 0; i < MODEL_KIND_COUNT; i++)
		walk_kind(&walk, &before->kinds[i], &after->kinds[i]);
}

static void note_change(void *to, const struct model_change *change)
{
	bool *is_equal = to;

	(void)change;
	*is_equal = false;
}

bool model_snapshot_equal(const struct model_snapshot *a, const struct model_snapshot *b)
{
	bool is_equal = true;

	model_snapshot_diff(a, b, note_change, &is_equal);
	return is_equal;
}
