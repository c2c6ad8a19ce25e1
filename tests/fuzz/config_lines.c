/*
 * Any bytes as a list of users.  What is taken is written as lines, read again as an equal snapshot, and written the same;
 * what is refused says why.
 */
#include "daemon/config/config.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { TEXT_MAX = 1 << 20 };

static void add(struct model_snapshot *snapshot, enum model_kind_id kind, struct slice key)
{
	struct model_object *object = model_object_new(&snapshot->arena, model_kind(kind));

	object->values[object->kind->key].text = key;
	assert(model_snapshot_add(snapshot, object) == RESULT_OK);
}

/* What users may name. */
static struct model_snapshot *world(void)
{
	struct model_snapshot *snapshot = model_snapshot_new();
	struct model_object *topology = model_snapshot_one(snapshot, MODEL_TOPOLOGY);
	size_t own = MODEL_FIELD(topology, sip_domains);

	assert(model_value_read(&topology->kind->fields[own], SLICE("a.example b.example"), &snapshot->arena,
	                        &topology->values[own], NULL) == RESULT_OK);
	add(snapshot, MODEL_SITE, SLICE("Oslo"));
	add(snapshot, MODEL_ACCESS_POLICY, SLICE("Sales"));
	add(snapshot, MODEL_USER, SLICE("alice@a.example"));
	return snapshot;
}

static enum result read_lines(struct slice text, struct model_snapshot *into,
                              struct config_problems *problems)
{
	return config_lines_read(model_kind(MODEL_USER), SLICE("users.csv"), text, into, problems);
}

static void write_lines(const struct model_snapshot *snapshot, struct buffer *out)
{
	const struct model_objects *users = &snapshot->kinds[MODEL_USER];

	config_lines_head(model_kind(MODEL_USER), out);
	for (size_t i = 0; i < users->count; i++)
		config_lines_write(users->items[i], out);
}

static void check_round_trip(const struct model_snapshot *first, struct config_problems *problems)
{
	struct model_snapshot *second = world();
	struct buffer written, again;

	buffer_start(&written, TEXT_MAX);
	buffer_start(&again, TEXT_MAX);
	write_lines(first, &written);
	assert(read_lines(buffer_slice(&written), second, problems) == RESULT_OK);
	assert(model_snapshot_equal(first, second));
	write_lines(second, &again);
	assert(slice_equal(buffer_slice(&written), buffer_slice(&again)));
	buffer_stop(&written);
	buffer_stop(&again);
	model_snapshot_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct model_snapshot *snapshot = world();
	struct config_problems problems;
	enum result result;

	config_problems_start(&problems);
	result = read_lines((struct slice){ (const char *)bytes, size }, snapshot, &problems);
	if (result == RESULT_OK)
		check_round_trip(snapshot, &problems);
	else
		assert(problems.count > 0 && problems.items[0].why[0] && problems.items[0].line > 0);
	config_problems_stop(&problems);
	model_snapshot_free(&snapshot);
	return 0;
}
