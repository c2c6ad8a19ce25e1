/*
 * The difference between two snapshots, as the control protocol tells it.
 */
#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

enum { CHANGE_LEFT_BYTES = 512 }; /* room kept for the end of the list */

struct changes {
	struct json_writer w;
	uint32_t count;
	struct buffer text;
};

static void put_value(struct changes *c, const char *key, const struct model_object *object, size_t field)
{
	buffer_clear(&c->text);
	model_value_write(&object->kind->fields[field], &object->values[field], &c->text);
	json_put_slice(&c->w, key, buffer_slice(&c->text));
}

static void each(void *to, const struct model_change *change)
{
	static const char *const names[] = {
		[MODEL_ADDED] = "added", [MODEL_REMOVED] = "removed", [MODEL_CHANGED] = "changed"
	};
	struct changes *c = to;

	c->count++;
	if (buffer_room(c->w.out) < CHANGE_LEFT_BYTES)
		return;

	/* What does not fit is taken back: a list is cut between changes, never inside one. */
	struct json_writer saved = c->w;
	size_t end = c->w.out->end;

	json_open_object(&c->w, NULL);
	json_put_text(&c->w, "what", names[change->what]);
	json_put_text(&c->w, "kind", change->kind->name);
	json_put_slice(&c->w, "key", change->key);
	if (change->what == MODEL_CHANGED) {
		json_put_text(&c->w, "field", change->kind->fields[change->field].name);
		put_value(c, "before", change->before, change->field);
		put_value(c, "after", change->after, change->field);
	} else {
		json_put_text(&c->w, "field", "");
		json_put_null(&c->w, "before");
		json_put_null(&c->w, "after");
	}
	json_close_object(&c->w);
	if (c->w.out->is_broken || buffer_room(c->w.out) < CHANGE_LEFT_BYTES) {
		c->w.out->is_broken = false;
		c->w.out->end = end;
		c->w = saved;
	}
}

uint32_t changes_write(const struct model_snapshot *before, const struct model_snapshot *after,
                       struct buffer *out)
{
	struct changes c = { .w = json_write(out) };

	buffer_start(&c.text, 64 * 1024);
	json_open_array(&c.w, NULL);
	model_snapshot_diff(before, after, each, &c);
	json_close_array(&c.w);
	buffer_stop(&c.text);
	return c.count;
}

/* ---- what is doubtful, and was not before ---- */

enum { WARNINGS_KNOWN_MAX = 4096 }; /* beyond it a known one is told again */

struct warned {
	const struct model_snapshot *before;
	uint64_t *known; /* hashes of what was doubtful before */
	size_t known_count;
	void (*each)(void *to, const struct model_fault *fault);
	void *to;
};

static uint64_t hash_of(const struct model_fault *fault)
{
	uint64_t hash = fault->object ? slice_hash(model_object_key(fault->object),
	                                           (uint64_t)fault->object->kind->id + 1)
	                              : 0;

	return slice_hash(slice_of(fault->why.text), hash + fault->field);
}

static void learn(void *to, const struct model_fault *fault)
{
	struct warned *warned = to;

	if (fault->is_warning && warned->known_count < WARNINGS_KNOWN_MAX)
		warned->known[warned->known_count++] = hash_of(fault);
}

static bool is_known(const struct warned *warned, uint64_t hash)
{
	for (size_t i = 0; i < warned->known_count; i++)
		if (warned->known[i] == hash)
			return true;
	return false;
}

static bool is_same(const struct model_object *a, const struct model_object *b)
{
	for (size_t i = 0; i < a->kind->field_count; i++)
		if (!model_value_equal(&a->kind->fields[i], &a->values[i], &b->values[i]))
			return false;
	return true;
}

static void warn_of_new(void *to, const struct model_fault *fault)
{
	const struct warned *warned = to;
	const struct model_object *object = fault->object, *before = NULL;

	if (!fault->is_warning)
		return;
	if (warned->before && object)
		before = model_snapshot_find(warned->before, object->kind->id, model_object_key(object));
	if (!before || !is_same(before, object) || !is_known(warned, hash_of(fault)))
		warned->each(warned->to, fault);
}

void changes_warnings(const struct model_snapshot *before, const struct model_snapshot *after,
                      void (*tell)(void *to, const struct model_fault *fault), void *to)
{
	struct warned warned = { .before = before, .each = tell, .to = to };

	warned.known = mem_new_array(WARNINGS_KNOWN_MAX, sizeof *warned.known);
	if (before && warned.known)
		model_snapshot_faults(before, learn, &warned);
	model_snapshot_faults(after, warn_of_new, &warned);
	mem_free(warned.known);
}
