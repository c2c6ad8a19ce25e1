/*
 * Versions: what is published, and how the next one takes its place.
 *
 * The order is the promise: checked, built as an image, durable in the store;
 * then this process uses it, the services are sent it, and the mirror shows it.
 */
#include <stdio.h>
#include <unistd.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

enum { PUBLISH_DOUBTS_MAX = 10 }; /* events of one publish; its answer names all */

static void tell_published(struct keeper *k)
{
	struct emission e;

	event_open(&e, k, CONTROL_EVENT_CONFIG_PUBLISHED);
	json_put_number(&e.w, "version", (int64_t)k->now.version.number);
	json_put_text(&e.w, "author", k->now.version.author);
	json_put_text(&e.w, "comment", k->now.version.comment);
	json_put_number(&e.w, "changes", k->now.version.changes);
	event_send(&e);
}

struct doubts {
	struct keeper *keeper;
	uint64_t version;
	size_t told;
};

static void tell_doubtful(void *to, const struct model_fault *fault)
{
	const struct model_object *object = fault->object;
	struct doubts *doubts = to;
	struct emission e;

	if (!object || doubts->told++ >= PUBLISH_DOUBTS_MAX)
		return;
	event_open(&e, doubts->keeper, CONTROL_EVENT_CONFIG_DOUBTFUL);
	json_put_number(&e.w, "version", (int64_t)doubts->version);
	json_put_text(&e.w, "kind", object->kind->name);
	json_put_slice(&e.w, "key", model_object_key(object));
	json_put_text(&e.w, "field",
	              fault->field < object->kind->field_count ? object->kind->fields[fault->field].name
	                                                       : "");
	json_put_text(&e.w, "why", fault->why.text);
	json_put_text(&e.w, "allowed", fault->allowed);
	event_send(&e);
}

/* ---- the image ---- */

void image_drop(struct made_image *image)
{
	policy_image_close(&image->mapped);
	if (image->fd >= 0)
		close(image->fd);
	image->fd = -1;
}

enum result image_make(const struct model_snapshot *snapshot, uint64_t generation, struct made_image *out,
                       struct reason *reason)
{
	enum result result;

	*out = (struct made_image){ .fd = -1 };
	result = policy_image_build(snapshot, generation, &out->fd, reason);
	if (result == RESULT_OK)
		result = policy_image_open(out->fd, &out->mapped, reason);
	if (result != RESULT_OK)
		image_drop(out);
	return result;
}

/* Owns all it is given. */
static void take(struct keeper *k, struct model_snapshot *snapshot, struct made_image *image,
                 const struct store_version *version)
{
	struct made_image old = { k->now.image, k->now.image_fd };

	model_snapshot_free(&k->now.snapshot);
	k->now.snapshot = snapshot;
	k->now.version = *version;
	k->now.image = image->mapped;
	k->now.image_fd = image->fd;
	image_drop(&old);
}

/* ---- the store ---- */

static enum result to_store(struct keeper *k, const struct model_snapshot *snapshot,
                            struct store_version *about, struct reason *reason)
{
	struct config_printed *printed = mem_new(sizeof *printed);
	struct store_document *documents = mem_new_array(CONFIG_DOCUMENTS_MAX, sizeof *documents);
	enum result result = RESULT_NO_MEMORY;

	if (printed && documents && (result = config_print_all(snapshot, 0, printed, reason)) == RESULT_OK) {
		for (size_t i = 0; i < printed->count; i++)
			documents[i] = (struct store_document){ printed->documents[i].name,
				                                printed->documents[i].bytes };
		result = store_publish(k->now.store, k->now.version.number, documents, printed->count, about,
		                       reason);
	} else if (result == RESULT_NO_MEMORY) {
		fail(reason, result, "out of memory");
	}
	if (printed)
		config_printed_stop(printed);
	mem_free(printed);
	mem_free(documents);
	return result;
}

enum result publish_snapshot(struct keeper *k, struct model_snapshot *snapshot,
                             const struct publish_order *order, struct reason *reason)
{
	struct store_version about = { .time_ms = order->time_ms ? order->time_ms : keeper_now(k).wall_ms,
		                       .changes = order->changes };
	struct made_image image = { .fd = -1 };
	enum result result = model_snapshot_check(snapshot, reason);

	text_shown(slice_of(order->author), about.author, sizeof about.author);
	text_shown(slice_of(order->comment), about.comment, sizeof about.comment);
	if (result == RESULT_OK)
		result = image_make(snapshot, k->now.version.number + 1, &image, reason);
	if (result == RESULT_OK)
		result = to_store(k, snapshot, &about, reason);
	if (result != RESULT_OK) {
		image_drop(&image);
		model_snapshot_free(&snapshot);
		if (result ==
		    RESULT_UNKNOWN) { /* only looking again, from the start, tells what is current */
			fprintf(stderr, "keeper: the store cannot say what is current; beginning anew: %s\n",
			        reason->text);
			k->now.is_uncertain = true;
			loop_stop(k->loop);
		}
		return result;
	}
	/* Looked at before the mirror's base is gone: what somebody is editing there is not written over. */
	bool may_mirror = order->takes_edits || !import_is_waiting(k);
	struct doubts doubts = { .keeper = k, .version = about.number };

	changes_warnings(k->now.version.number ? k->now.snapshot : NULL, snapshot, tell_doubtful, &doubts);
	take(k, snapshot, &image, &about);
	if (order->takes_edits)
		k->import_trouble[0] = '\0';
	tell_published(k);
	KEEPER_EACH_SERVICE (k, s) {
		service_apply(s);
		service_review(s, false);
	}
	control_roles_changed(&k->control);
	if (may_mirror)
		publish_mirror(k, order->note);
	else
		fail(order->note, RESULT_CONFLICT,
		     "conf.d holds an edit that has not been taken, and was left as it is; reload or import "
		     "it, or remove the file");
	return RESULT_OK;
}

void publish_tell_retired(struct keeper *k, const struct config_problems *problems)
{
	for (size_t i = 0; i < problems->warning_count; i++) {
		const struct config_problem *doubt = &problems->warnings[i];
		struct emission e;

		if (!doubt->is_retired)
			continue;
		event_open(&e, k, CONTROL_EVENT_CONFIG_RETIRED);
		json_put_number(&e.w, "version", (int64_t)k->now.version.number);
		json_put_text(&e.w, "file", doubt->file);
		json_put_number(&e.w, "line", doubt->line);
		json_put_text(&e.w, "object", doubt->object);
		json_put_text(&e.w, "field", doubt->field);
		json_put_text(&e.w, "why", doubt->why);
		event_send(&e);
	}
}

/* `problems` are started, and the caller's to stop. */
static enum result read_version(struct keeper *k, uint64_t number, struct model_snapshot **out,
                                struct store_version *version, struct config_problems *problems,
                                struct reason *reason)
{
	struct config_document *documents = mem_new_array(CONFIG_DOCUMENTS_MAX, sizeof *documents);
	struct store_document *stored = NULL;
	struct arena arena;
	size_t count = 0;
	enum result result = fail(reason, RESULT_NO_MEMORY, "out of memory");

	arena_start(&arena, 2 * (size_t)STORE_ARCHIVE_MAX);
	if (!k->now.store)
		result = fail(reason, RESULT_NOT_FOUND, "there is no store");
	else if (documents)
		result = store_get(k->now.store, number, &arena, &stored, &count, version, reason);
	for (size_t i = 0; result == RESULT_OK && i < count && i < CONFIG_DOCUMENTS_MAX; i++)
		documents[i] = (struct config_document){ .name = stored[i].name, .bytes = stored[i].bytes };
	if (result == RESULT_OK && (result = config_read(documents, count, NULL, out, problems)) != RESULT_OK)
		config_problems_reason(problems, reason);
	mem_free(documents);
	arena_stop(&arena);
	return result;
}

enum result version_read(struct keeper *k, uint64_t number, struct model_snapshot **out,
                         struct store_version *version, struct reason *reason)
{
	struct config_problems *problems = mem_new(sizeof *problems);
	enum result result;

	*out = NULL;
	if (!problems)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	config_problems_start(problems);
	result = read_version(k, number, out, version, problems, reason);
	config_problems_stop(problems);
	mem_free(problems);
	return result;
}

static enum result from_store(struct keeper *k, struct reason *reason)
{
	struct config_problems *problems = mem_new(sizeof *problems);
	struct model_snapshot *snapshot = NULL;
	struct store_version version;
	struct made_image image = { .fd = -1 };
	enum result result;

	if (!problems)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	config_problems_start(problems);
	result = read_version(k, 0, &snapshot, &version, problems, reason);
	if (result == RESULT_OK &&
	    (result = image_make(snapshot, version.number, &image, reason)) == RESULT_OK) {
		take(k, snapshot, &image, &version);
		publish_tell_retired(k, problems);
	} else {
		model_snapshot_free(&snapshot);
	}
	config_problems_stop(problems);
	mem_free(problems);
	return result;
}

/* A new store: the defaults, until conf.d has been read over them. */
static enum result from_nothing(struct keeper *k, struct reason *reason)
{
	const struct store_version none = { .number = 0 };
	struct model_snapshot *snapshot = model_snapshot_new();
	struct made_image image;
	enum result result;

	if (!snapshot)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	result = image_make(snapshot, 0, &image, reason);
	if (result == RESULT_OK)
		take(k, snapshot, &image, &none);
	else
		model_snapshot_free(&snapshot);
	return result;
}

static enum result publish_first(struct keeper *k, struct reason *reason)
{
	const struct publish_order order = { .author = "parleyd", .comment = "the defaults" };
	struct model_snapshot *snapshot = model_snapshot_copy(k->now.snapshot);

	return snapshot ? publish_snapshot(k, snapshot, &order, reason)
	                : fail(reason, RESULT_NO_MEMORY, "out of memory");
}

enum result publish_open(struct keeper *k, struct reason *reason)
{
	char path[KEEPER_PATH_BYTES];
	enum result result;

	k->now.image_fd = -1;
	if (!folder_path(path, k->root, "/var/lib/parley/store"))
		return fail(reason, RESULT_LIMIT, "the root's name is too long");
	if ((result = store_open(path, NULL, &k->now.store, reason)) != RESULT_OK)
		return result;
	if (store_note(k->now.store)[0])
		fprintf(stderr, "keeper: store: %s\n", store_note(k->now.store));
	result = store_current(k->now.store) ? from_store(k, reason) : from_nothing(k, reason);
	if (result != RESULT_OK)
		return result;
	audited_unended(k);
	import_edited(k);
	return k->now.version.number ? RESULT_OK : publish_first(k, reason);
}

void publish_close(struct keeper *k)
{
	struct made_image image = { k->now.image, k->now.image_fd };

	image_drop(&image);
	model_snapshot_free(&k->now.snapshot);
	store_close(&k->now.store);
}

/* ---- the mirror ---- */

void publish_mirror(struct keeper *k, struct reason *note)
{
	char folder[KEEPER_PATH_BYTES], state[KEEPER_PATH_BYTES];
	struct reason reason = { "" };

	if (!folder_path(folder, k->root, "/etc/parley/conf.d") ||
	    !folder_path(state, k->root, "/var/lib/parley/mirror") ||
	    config_mirror_write(folder, state, k->now.snapshot, k->now.version.number, &reason) == RESULT_OK)
		return;
	fail(note, RESULT_IO, "conf.d could not be written: %s", reason.text);
	fprintf(stderr, "keeper: conf.d could not be written: %s\n", reason.text);
}
