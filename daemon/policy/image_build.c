/*
 * Writes an image from a snapshot, into a memfd that is sealed afterwards.
 *
 * Twice over the same objects: measure, then write.  No kind is named here; the
 * rows say what a value is.
 */
#include "daemon/policy/image_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/base/memory.h"

/* Structs made from the rows lie as the rows say. */
#define KIND(...)
#define FIELD(kind, name, ...)                                                                               \
	_Static_assert(offsetof(struct image_##kind, name) == MODEL_FIELD(kind, name) * IMAGE_MEMBER_BYTES,  \
	               "one member of eight bytes a row, in order");
#include "shared/model/kinds.def"
#undef KIND
#undef FIELD

/*
 * Texts that many objects share (the name of a policy, a site, nothing at all) are written once and stay in the
 * processor's cache.  Of two that fall on one place the later is remembered; both passes forget alike.
 */
enum { SHARED_TEXTS = 4096, SHARED_BYTES_MAX = 64 };
struct shared_text {
	struct slice text; /* in the snapshot; ptr NULL: none yet */
	uint64_t at;
};

struct writer {
	struct shared_text shared[SHARED_TEXTS];
	const struct model_snapshot *snapshot;
	struct image_header header;
	uint64_t items, text;       /* where the lists' items and the texts begin */
	uint64_t items_at, text_at; /* next free byte of each, from the beginning of the image */
	char *base;
};

uint64_t image_layout(void)
{
	uint64_t digest = sizeof(struct image_header);

	for (int k = 0; k < MODEL_KIND_COUNT; k++) {
		const struct model_kind *kind = model_kind((enum model_kind_id)k);

		digest = slice_hash(slice_of(kind->name), digest + (uint64_t)kind->cardinality);
		for (size_t i = 0; i < kind->field_count; i++) {
			digest = slice_hash(slice_of(kind->fields[i].name), digest + i);
			digest = slice_hash(slice_of(kind->fields[i].choices),
			                    digest + (uint64_t)kind->fields[i].type);
		}
	}
	return digest;
}

/* Where the text stands, or stands from now on; `*is_new` when it has to be written there.  With a NUL behind it. */
static uint64_t place_text(struct writer *w, struct slice text, bool *is_new)
{
	struct shared_text *place = &w->shared[image_hash(text) % SHARED_TEXTS];

	*is_new = text.len > SHARED_BYTES_MAX || !place->text.ptr || !slice_equal(place->text, text);
	if (!*is_new)
		return place->at;
	if (text.len <= SHARED_BYTES_MAX)
		*place = (struct shared_text){ text.ptr ? text : SLICE(""), w->text_at };
	w->text_at += text.len + 1;
	return w->text_at - text.len - 1;
}

/* ---- measure ---- */

static void measure_value(struct writer *w, enum model_type type, const struct model_value *value)
{
	bool is_new;

	if (type < MODEL_TEXT)
		return;
	if (!model_type_is_list(type)) {
		place_text(w, value->text, &is_new);
		return;
	}
	w->items_at += value->list.count * sizeof(struct image_text);
	for (size_t i = 0; i < value->list.count; i++)
		place_text(w, value->list.items[i], &is_new);
}

/* What a list's items name: the objects by their keys, and by their aliases. */
static uint64_t count_names(const struct model_kind *kind, const struct model_objects *objects)
{
	size_t alias = model_kind_alias(kind);
	uint64_t names = objects->count;

	for (size_t i = 0; alias < kind->field_count && i < objects->count; i++)
		names += objects->items[i]->values[alias].list.count;
	return names;
}

static uint64_t slots_for(const struct model_kind *kind, uint64_t names)
{
	uint64_t slots = IMAGE_SLOTS_FIRST;

	if (kind->cardinality == MODEL_ONE)
		return 0;
	while (slots < 2 * names)
		slots *= 2;
	return slots;
}

static enum result measure(struct writer *w, struct reason *reason)
{
	uint64_t at = sizeof w->header;

	for (int k = 0; k < MODEL_KIND_COUNT; k++) {
		const struct model_kind *kind = model_kind((enum model_kind_id)k);
		const struct model_objects *objects = &w->snapshot->kinds[k];
		struct image_part *part = &w->header.parts[k];

		if (kind->cardinality == MODEL_ONE && objects->count != 1)
			return fail(reason, RESULT_INTERNAL, "a snapshot with %zu objects of the kind %s",
			            objects->count, kind->name);
		at = (at + IMAGE_LINE_BYTES - 1) / IMAGE_LINE_BYTES * IMAGE_LINE_BYTES;
		*part = (struct image_part){ .records = at, .count = objects->count };
		at += objects->count * image_record_bytes(kind);
		for (size_t i = 0; i < objects->count; i++)
			for (size_t f = 0; f < kind->field_count; f++)
				measure_value(w, kind->fields[f].type, &objects->items[i]->values[f]);
	}
	for (int k = 0; k < MODEL_KIND_COUNT; k++) {
		struct image_part *part = &w->header.parts[k];

		at = (at + IMAGE_LINE_BYTES - 1) / IMAGE_LINE_BYTES * IMAGE_LINE_BYTES;
		part->index = at;
		part->slots = slots_for(
		        model_kind((enum model_kind_id)k),
		        count_names(model_kind((enum model_kind_id)k), &w->snapshot->kinds[k]));
		at += part->slots * sizeof(struct image_slot);
	}
	w->items = at;
	w->text = at + w->items_at;
	w->header.bytes = w->text + w->text_at;
	w->items_at = w->items;
	w->text_at = w->text;
	memset(w->shared, 0, sizeof w->shared);
	if (w->header.bytes > IMAGE_BYTES_MAX)
		return fail(reason, RESULT_LIMIT, "the configuration is too large: %llu bytes, at most %llu",
		            (unsigned long long)w->header.bytes, (unsigned long long)IMAGE_BYTES_MAX);
	return RESULT_OK;
}

/* ---- write ---- */

static struct image_text write_text(struct writer *w, struct slice text)
{
	bool is_new;
	struct image_text written = { (uint32_t)place_text(w, text, &is_new), (uint32_t)text.len };

	if (is_new && text.len) /* the NUL is there: the file began as zeroes */
		memcpy(w->base + written.offset, text.ptr, text.len);
	return written;
}

static struct image_list write_list(struct writer *w, struct model_list list)
{
	struct image_list written = { (uint32_t)w->items_at, (uint32_t)list.count };
	struct image_text *items = (void *)(w->base + w->items_at);

	w->items_at += list.count * sizeof *items;
	for (size_t i = 0; i < list.count; i++)
		items[i] = write_text(w, list.items[i]);
	return written;
}

static void write_value(struct writer *w, enum model_type type, const struct model_value *value, char *member)
{
	if (type == MODEL_BOOL) {
		uint64_t flag = value->flag;

		memcpy(member, &flag, sizeof flag);
	} else if (type < MODEL_TEXT) {
		memcpy(member, &value->number, sizeof value->number);
	} else if (!model_type_is_list(type)) {
		struct image_text text = write_text(w, value->text);

		memcpy(member, &text, sizeof text);
	} else {
		struct image_list list = write_list(w, value->list);

		memcpy(member, &list, sizeof list);
	}
}

static void write_slot(struct writer *w, const struct model_kind *kind, struct image_text name,
                       uint64_t number)
{
	const struct image_part *part = &w->header.parts[kind->id];
	struct image_slot *slots = (void *)(w->base + part->index);
	uint64_t hash = image_hash(image_slice(w->base, name));
	uint64_t at = hash & (part->slots - 1);

	while (slots[at].number)
		at = (at + 1) & (part->slots - 1);
	slots[at] = (struct image_slot){ image_mark(hash), (uint32_t)number, name };
}

/* `record` is written: its key, and the aliases that stand for it. */
static void write_names(struct writer *w, const struct model_kind *kind, const char *record, uint64_t number)
{
	size_t alias = model_kind_alias(kind);
	struct image_text key;
	struct image_list list;

	memcpy(&key, record + kind->key * IMAGE_MEMBER_BYTES, sizeof key);
	write_slot(w, kind, key, number);
	if (alias == kind->field_count)
		return;
	memcpy(&list, record + alias * IMAGE_MEMBER_BYTES, sizeof list);
	for (size_t i = 0; i < list.count; i++)
		write_slot(w, kind, ((const struct image_text *)(const void *)(w->base + list.offset))[i],
		           number);
}

static void write_kind(struct writer *w, const struct model_kind *kind)
{
	const struct model_objects *objects = &w->snapshot->kinds[kind->id];
	char *record = w->base + w->header.parts[kind->id].records;

	for (size_t i = 0; i < objects->count; i++, record += image_record_bytes(kind)) {
		for (size_t f = 0; f < kind->field_count; f++)
			write_value(w, kind->fields[f].type, &objects->items[i]->values[f],
			            record + f * IMAGE_MEMBER_BYTES);
		if (kind->cardinality == MODEL_MANY)
			write_names(w, kind, record, i + 1);
	}
}

/*
 * Memory is claimed by fallocate before it is written: a file that merely claims a
 * length kills the writer with SIGBUS when there is none.
 */
static enum result write_all(struct writer *w, int fd, struct reason *reason)
{
	size_t bytes = w->header.bytes;

	if (fallocate(fd, 0, 0, (off_t)bytes) < 0)
		return fail_errno(reason, errno == ENOMEM || errno == ENOSPC ? RESULT_NO_MEMORY : RESULT_IO,
		                  "no memory for a policy image of %zu bytes", bytes);
	w->base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (w->base == MAP_FAILED)
		return fail_errno(reason, RESULT_NO_MEMORY, "cannot map a policy image of %zu bytes", bytes);
	memcpy(w->base, &w->header, sizeof w->header);
	for (int k = 0; k < MODEL_KIND_COUNT; k++)
		write_kind(w, model_kind((enum model_kind_id)k));
	munmap(w->base, bytes);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return fail_errno(reason, RESULT_IO, "cannot seal a policy image");
	return RESULT_OK;
}

static enum result build(struct writer *w, int *fd, struct reason *reason)
{
	enum result result = measure(w, reason);
	int file;

	if (result != RESULT_OK)
		return result;
	file = memfd_create("parley-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (file < 0)
		return fail_errno(reason, RESULT_IO, "cannot make a policy image");
	result = write_all(w, file, reason);
	if (result != RESULT_OK)
		close(file);
	else
		*fd = file;
	return result;
}

enum result policy_image_build(const struct model_snapshot *snapshot, uint64_t generation, int *fd,
                               struct reason *reason)
{
	struct writer *w = mem_new(sizeof *w);
	enum result result;

	*fd = -1;
	if (!w)
		return fail(reason, RESULT_NO_MEMORY, "no memory to make a policy image");
	w->snapshot = snapshot;
	w->header = (struct image_header){ .magic = IMAGE_MAGIC,
		                           .layout = image_layout(),
		                           .generation = generation };
	result = build(w, fd, reason);
	mem_free(w);
	return result;
}
