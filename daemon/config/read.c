/* A set of documents to one checked snapshot. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/config/parts.h"
#include "shared/base/memory.h"

bool config_kind_is_in(const struct model_kind *kind, struct slice name)
{
	return slice_equal(slice_of(kind->document), name);
}

/* Documents in the order of the model's rows, each once; host.xml stands apart. */
const char *config_document_name(size_t i)
{
	const char *last = CONFIG_HOST_DOCUMENT;

	for (size_t k = 0; k < MODEL_KIND_COUNT; k++) {
		const char *name = model_kind((enum model_kind_id)k)->document;

		if (strcmp(name, last) == 0 || strcmp(name, CONFIG_HOST_DOCUMENT) == 0)
			continue;
		last = name;
		if (i-- == 0)
			return name;
	}
	return NULL;
}

size_t config_document_bytes_max(struct slice name)
{
	return slice_equal(name, SLICE("sip-domains.xml")) || slice_equal(name, SLICE("users.xml"))
	               ? CONFIG_LIST_BYTES_MAX
	               : CONFIG_DOCUMENT_BYTES_MAX;
}

static bool is_known(struct slice name)
{
	for (size_t i = 0; config_document_name(i); i++)
		if (slice_equal(name, slice_of(config_document_name(i))))
			return true;
	return false;
}

/* "topology.xml, access-edge.xml, ..." */
static const char *known_names(char *to, size_t size)
{
	int used = 0;

	to[0] = '\0';
	for (size_t i = 0; config_document_name(i) && used >= 0 && (size_t)used < size; i++)
		used += snprintf(to + used, size - (size_t)used, "%s%s", i ? ", " : "",
		                 config_document_name(i));
	return to;
}

/* ---- the snapshot before it is filled ---- */

/* The kinds of a document that is given start from their defaults. */
static bool clear_kinds(struct config_reading *reading, struct slice name)
{
	for (size_t k = 0; k < MODEL_KIND_COUNT; k++) {
		const struct model_kind *kind = model_kind((enum model_kind_id)k);
		struct model_objects *objects = &reading->snapshot->kinds[k];

		if (!config_kind_is_in(kind, name))
			continue;
		if (kind->cardinality == MODEL_MANY) {
			objects->count = 0;
			continue;
		}
		objects->items[0] = model_object_new(&reading->snapshot->arena, kind);
		if (!objects->items[0])
			return false;
	}
	return true;
}

/* ---- what was found goes into the snapshot, in order, so that each costs one comparison ---- */

static int by_key_then_line(const void *a, const void *b)
{
	const struct model_object *one = *(struct model_object *const *)a;
	const struct model_object *other = *(struct model_object *const *)b;
	int order = slice_compare(model_object_key(one), model_object_key(other));

	return order ? order : one->line < other->line ? -1 : one->line > other->line;
}

static void refuse_twice(struct config_reading *reading, const struct model_object *object)
{
	const struct model_object *first = model_snapshot_find(reading->snapshot, object->kind->id,
	                                                       model_object_key(object));
	struct config_place place = { .file = slice_of(object->kind->document),
		                      .line = object->line,
		                      .kind = object->kind,
		                      .key = model_object_key(object),
		                      .allowed = "each once" };

	config_problem_add(reading->problems, &place, "stands here twice, first on line %u",
	                   first ? (unsigned)first->line : 0);
}

static bool add_found(struct config_reading *reading, enum model_kind_id kind)
{
	struct config_found *found = &reading->found[kind];

	if (found->count > 1)
		qsort(found->items, found->count, sizeof(struct model_object *), by_key_then_line);
	for (size_t i = 0; i < found->count; i++) {
		struct model_object *object = found->items[i];
		enum result result;

		if (object->kind->cardinality == MODEL_ONE) {
			reading->snapshot->kinds[kind].items[0] = object;
			continue;
		}
		result = model_snapshot_add(reading->snapshot, object);
		if (result == RESULT_EXISTS)
			refuse_twice(reading, object);
		else if (result != RESULT_OK)
			return false;
	}
	return true;
}

/* A list of policies without Global: it exists all the same. */
static bool add_global(struct model_snapshot *snapshot)
{
	struct model_object *global;

	if (model_snapshot_find(snapshot, MODEL_ACCESS_POLICY, SLICE(MODEL_POLICY_GLOBAL)))
		return true;
	global = model_object_new(&snapshot->arena, model_kind(MODEL_ACCESS_POLICY));
	if (!global)
		return false;
	global->values[global->kind->key].text = SLICE(MODEL_POLICY_GLOBAL);
	return model_snapshot_add(snapshot, global) == RESULT_OK;
}

/* ---- faults of the whole ---- */

static void tell_fault(void *to, const struct model_fault *fault)
{
	const struct model_object *object = fault->object;
	struct config_place place = { .allowed = fault->allowed };

	place.file = slice_of(model_kind(MODEL_ACCESS_POLICY)->document);
	if (object) {
		place.file = slice_of(object->kind->document);
		place.line = object->line;
		place.kind = object->kind;
		place.key = model_object_key(object);
		if (fault->field < object->kind->field_count)
			place.field = object->kind->fields[fault->field].name;
	}
	if (fault->is_warning)
		config_warning_add(to, &place, &fault->why);
	else
		config_problem_add(to, &place, "%s", fault->why.text);
}

/* ---- a set of documents ---- */

static void read_one(struct config_reading *reading, struct config_document *documents, size_t i,
                     bool is_host)
{
	struct slice name = documents[i].name;
	struct config_place place = { .file = name };

	documents[i].version = 0;
	for (size_t k = 0; k < i; k++)
		if (slice_equal(documents[k].name, name)) {
			config_problem_add(reading->problems, &place, "is given twice");
			return;
		}
	if (!is_host && slice_equal(name, SLICE(CONFIG_HOST_DOCUMENT))) {
		place.allowed = "beside the folder of documents";
		config_problem_add(reading->problems, &place,
		                   "belongs to one machine only and has no versions");
	} else if (!is_host && !is_known(name)) {
		char names[CONFIG_NAME_BYTES_MAX * 4];

		place.allowed = known_names(names, sizeof names);
		config_problem_add(reading->problems, &place, "is no document of the configuration");
	} else if (clear_kinds(reading, name)) {
		config_document_read(reading, &documents[i]);
	} else {
		reading->is_out_of_memory = true;
	}
}

static enum result read_all(struct config_document *documents, size_t count,
                            const struct model_snapshot *base, bool is_host, struct model_snapshot **out,
                            struct config_problems *problems)
{
	struct config_reading reading = { .problems = problems };
	bool is_whole;

	*out = NULL;
	reading.snapshot = base ? model_snapshot_copy(base) : model_snapshot_new();
	is_whole = reading.snapshot != NULL;
	for (size_t i = 0; is_whole && i < count; i++) {
		read_one(&reading, documents, i, is_host);
		is_whole = !reading.is_out_of_memory;
	}
	for (size_t k = 0; k < MODEL_KIND_COUNT; k++) {
		is_whole = is_whole && add_found(&reading, (enum model_kind_id)k);
		mem_free(reading.found[k].items);
	}
	is_whole = is_whole && add_global(reading.snapshot);
	/* Rules between objects say nothing useful about half of them. */
	if (is_whole && problems->count == 0)
		model_snapshot_faults(reading.snapshot, tell_fault, problems);
	if (!is_whole || problems->count) {
		model_snapshot_free(&reading.snapshot);
		return is_whole ? RESULT_INVALID : RESULT_NO_MEMORY;
	}
	*out = reading.snapshot;
	return RESULT_OK;
}

enum result config_read(struct config_document *documents, size_t count, const struct model_snapshot *base,
                        struct model_snapshot **out, struct config_problems *problems)
{
	return read_all(documents, count, base, false, out, problems);
}

enum result config_read_host(struct slice bytes, struct model_snapshot **out,
                             struct config_problems *problems)
{
	struct config_document document = { .name = SLICE(CONFIG_HOST_DOCUMENT), .bytes = bytes };

	return read_all(&document, 1, NULL, true, out, problems);
}
