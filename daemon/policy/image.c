/*
 * Reads an image.  Opening checks every offset, length and number against its row
 * once; afterwards look-ups check nothing, and no content can lead them outside
 * the mapping or round an index for ever.
 */
#include "daemon/policy/image_layout.h"
#include "daemon/policy/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "shared/base/memory.h"

/* Our own domains are asked for twice in every decision: a table of their own, at most a quarter full. */
enum { OWN_SLOTS = 256 };
_Static_assert(OWN_SLOTS >= 4 * MODEL_LIST_MAX && MODEL_LIST_MAX <= UINT8_MAX,
               "numbers of list items from 1 fit");

/* Where what a look-up needs lies, worked out once: of a kind with exactly one object there are no slots. */
struct table {
	const struct image_slot *slots;
	uint64_t mask; /* number of slots less one */
	const char *records;
	size_t record_bytes, count;
};

struct policy_image {
	const char *base;
	const struct image_header *header; /* the same place */
	size_t bytes;
	uint8_t own[OWN_SLOTS]; /* number of the item from 1; 0: free */
	struct table tables[MODEL_KIND_COUNT];
};

/* ---- opening: is it whole? ---- */

struct check {
	const struct policy_image *image;
	struct reason *reason;
};

static bool is_inside(const struct check *c, uint64_t offset, uint64_t count, uint64_t size)
{
	uint64_t bytes, end;

	return !__builtin_mul_overflow(count, size, &bytes) && !__builtin_add_overflow(offset, bytes, &end) &&
	       end <= c->image->bytes;
}

static enum result refuse(const struct check *c, const struct model_kind *kind, const char *field,
                          const char *why)
{
	return fail(c->reason, RESULT_INVALID, "the policy image is broken: %s%s%s: %s", kind->name,
	            field[0] ? " " : "", field, why);
}

static const char *text_fault(const struct check *c, struct image_text text)
{
	if (!is_inside(c, text.offset, (uint64_t)text.length + 1, 1))
		return "a text lies outside";
	return c->image->base[(uint64_t)text.offset + text.length] == '\0' ? NULL : "a text has no end";
}

static const char *list_fault(const struct check *c, struct image_list list)
{
	const char *fault = NULL;

	if (list.count > MODEL_LIST_MAX)
		return "a list is too long";
	if (list.offset % _Alignof(struct image_text) != 0 ||
	    !is_inside(c, list.offset, list.count, sizeof(struct image_text)))
		return "a list lies outside";
	for (size_t i = 0; i < list.count && !fault; i++)
		fault = text_fault(
		        c, ((const struct image_text *)(const void *)(c->image->base + list.offset))[i]);
	return fault;
}

static const char *number_fault(const struct model_field *field, uint64_t number)
{
	switch (field->type) {
	case MODEL_BOOL: return number <= 1 ? NULL : "neither true nor false";
	case MODEL_ENUM: return model_choice(field, number).ptr ? NULL : "not one of the choices";
	default: return number >= field->min && number <= field->max ? NULL : "out of range";
	}
}

static const char *member_fault(const struct check *c, const struct model_field *field, const char *member)
{
	union {
		uint64_t number;
		struct image_text text;
		struct image_list list;
	} value;

	memcpy(&value, member, sizeof value);
	if (field->type < MODEL_TEXT)
		return number_fault(field, value.number);
	return model_type_is_list(field->type) ? list_fault(c, value.list) : text_fault(c, value.text);
}

static enum result check_records(const struct check *c, const struct model_kind *kind,
                                 const struct image_part *part)
{
	const char *record = c->image->base + part->records;

	for (uint64_t i = 0; i < part->count; i++, record += image_record_bytes(kind))
		for (size_t f = 0; f < kind->field_count; f++) {
			const char *fault = member_fault(c, &kind->fields[f],
			                                 record + f * IMAGE_MEMBER_BYTES);

			if (fault)
				return refuse(c, kind, kind->fields[f].name, fault);
		}
	return RESULT_OK;
}

/* Keys and aliases, all of which check_records has found inside. */
static uint64_t count_names(const struct check *c, const struct model_kind *kind,
                            const struct image_part *part)
{
	const char *record = c->image->base + part->records;
	size_t alias = model_kind_alias(kind);
	uint64_t names = part->count;
	struct image_list list;

	if (alias == kind->field_count)
		return names;
	for (uint64_t i = 0; i < part->count; i++, record += image_record_bytes(kind)) {
		memcpy(&list, record + alias * IMAGE_MEMBER_BYTES, sizeof list);
		names += list.count;
	}
	return names;
}

/* As many used slots as names, so at least half are free and every search ends. */
static enum result check_index(const struct check *c, const struct model_kind *kind,
                               const struct image_part *part)
{
	uint64_t used = 0, names = count_names(c, kind, part);

	if (kind->cardinality == MODEL_ONE)
		return part->slots == 0 ? RESULT_OK : refuse(c, kind, "", "an index where none belongs");
	if (part->slots < IMAGE_SLOTS_FIRST || (part->slots & (part->slots - 1)) != 0 ||
	    part->slots / 2 < names)
		return refuse(c, kind, "", "the index has a wrong size");
	if (part->index % 8 != 0 || !is_inside(c, part->index, part->slots, sizeof(struct image_slot)))
		return refuse(c, kind, "", "the index lies outside");

	const struct image_slot *slots = (const void *)(c->image->base + part->index);

	for (uint64_t i = 0; i < part->slots; i++) {
		if (slots[i].number > part->count)
			return refuse(c, kind, "", "the index names a record that is not there");
		if (slots[i].number && text_fault(c, slots[i].name))
			return refuse(c, kind, "", "the index holds a name that lies outside");
		used += slots[i].number != 0;
	}
	return used == names ? RESULT_OK : refuse(c, kind, "", "the index has lost records");
}

static enum result check_kind(const struct check *c, const struct model_kind *kind)
{
	const struct image_part *part = &c->image->header->parts[kind->id];
	enum result result;

	if (kind->cardinality == MODEL_ONE && part->count != 1)
		return refuse(c, kind, "", "there must be exactly one");
	if (part->count >= UINT32_MAX)
		return refuse(c, kind, "", "too many records");
	if (part->records % 8 != 0 || !is_inside(c, part->records, part->count, image_record_bytes(kind)))
		return refuse(c, kind, "", "the records lie outside");
	result = check_records(c, kind, part);
	return result == RESULT_OK ? check_index(c, kind, part) : result;
}

static enum result check_all(const struct policy_image *image, struct reason *reason)
{
	struct check c = { image, reason };
	enum result result = RESULT_OK;

	if (image->header->magic != IMAGE_MAGIC)
		return fail(reason, RESULT_INVALID, "this is no policy image");
	if (image->header->layout != image_layout())
		return fail(reason, RESULT_INVALID,
		            "the policy image was made by another build of parleyd: restart both");
	if (image->header->bytes != image->bytes)
		return fail(reason, RESULT_INVALID,
		            "the policy image is broken: %zu bytes where %llu are announced", image->bytes,
		            (unsigned long long)image->header->bytes);
	for (int k = 0; k < MODEL_KIND_COUNT && result == RESULT_OK; k++)
		result = check_kind(&c, model_kind((enum model_kind_id)k));
	return result;
}

static void fill_tables(struct policy_image *image)
{
	for (int k = 0; k < MODEL_KIND_COUNT; k++) {
		const struct image_part *part = &image->header->parts[k];

		image->tables[k] = (struct table){
			.slots = part->slots ? (const void *)(image->base + part->index) : NULL,
			.mask = part->slots ? part->slots - 1 : 0,
			.records = image->base + part->records,
			.record_bytes = image_record_bytes(model_kind((enum model_kind_id)k)),
			.count = part->count
		};
	}
}

/* ---- our own domains ---- */

static struct image_list own_list(const struct policy_image *image)
{
	return image_topology_at(image, 0)->sip_domains;
}

static void index_own(struct policy_image *image)
{
	struct image_list own = own_list(image);

	for (size_t i = 0; i < own.count; i++) {
		size_t at = image_hash(policy_image_item(image, own, i)) % OWN_SLOTS;

		while (image->own[at])
			at = (at + 1) % OWN_SLOTS;
		image->own[at] = (uint8_t)(i + 1);
	}
}

bool policy_image_has_default_route(const struct policy_image *image)
{
	const struct image_access_edge *edge = image_access_edge_at(image, 0);

	return edge->routing_method == ROUTING_DEFAULT && edge->default_route_fqdn.length > 0;
}

bool policy_image_is_own_domain(const struct policy_image *image, struct slice domain)
{
	return policy_image_is_own_hashed(image, domain, image_hash(domain));
}

bool policy_image_is_own_hashed(const struct policy_image *image, struct slice domain, uint64_t hash)
{
	struct image_list own = own_list(image);

	for (size_t at = hash % OWN_SLOTS; image->own[at]; at = (at + 1) % OWN_SLOTS)
		if (slice_equal(policy_image_item(image, own, image->own[at] - 1u), domain))
			return true;
	return false;
}

/* ---- opening and closing ---- */

/* Unsealed, the writer could change what was checked, or cut it short under our feet (SIGBUS). */
static enum result check_file(int fd, size_t *bytes, struct reason *reason)
{
	const int wanted = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat about;

	if (seals < 0 || (seals & wanted) != wanted)
		return fail(reason, RESULT_INVALID, "the policy image is not sealed");
	if (fstat(fd, &about) < 0)
		return fail_errno(reason, RESULT_IO, "cannot look at the policy image");
	if (about.st_size < (off_t)sizeof(struct image_header) || (uint64_t)about.st_size > IMAGE_BYTES_MAX)
		return fail(reason, RESULT_INVALID, "this is no policy image: %lld bytes",
		            (long long)about.st_size);
	*bytes = (size_t)about.st_size;
	return RESULT_OK;
}

enum result policy_image_open(int fd, struct policy_image **out, struct reason *reason)
{
	size_t bytes = 0;
	enum result result = check_file(fd, &bytes, reason);

	*out = NULL;
	if (result != RESULT_OK)
		return result;

	struct policy_image *image = mem_new(sizeof *image);
	void *base = image ? mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (base == MAP_FAILED) {
		result = image ? fail_errno(reason, RESULT_NO_MEMORY, "cannot map the policy image")
		               : fail(reason, RESULT_NO_MEMORY, "no memory to open the policy image");
		mem_free(image);
		return result;
	}
	image->base = base;
	image->header = base;
	image->bytes = bytes;
	result = check_all(image, reason);
	if (result != RESULT_OK) {
		policy_image_close(&image);
		return result;
	}
	fill_tables(image);
	index_own(image);
	*out = image;
	return RESULT_OK;
}

void policy_image_close(struct policy_image **image)
{
	if (!*image)
		return;
	munmap((void *)(uintptr_t)(*image)->base, (*image)->bytes);
	mem_free(*image);
	*image = NULL;
}

/* ---- reading ---- */

uint64_t policy_image_generation(const struct policy_image *image) { return image->header->generation; }

size_t policy_image_bytes(const struct policy_image *image) { return image->bytes; }

struct slice policy_image_text(const struct policy_image *image, struct image_text text)
{
	return image_slice(image->base, text);
}

struct slice policy_image_item(const struct policy_image *image, struct image_list list, size_t index)
{
	if (index >= list.count)
		return SLICE_NONE;
	return image_slice(image->base,
	                   ((const struct image_text *)(const void *)(image->base + list.offset))[index]);
}

size_t policy_image_count(const struct policy_image *image, enum model_kind_id kind)
{
	return image->tables[kind].count;
}

static const char *record_at(const struct table *table, size_t index)
{
	return table->records + index * table->record_bytes;
}

const void *policy_image_at(const struct policy_image *image, enum model_kind_id kind, size_t index)
{
	const struct table *table = &image->tables[kind];

	return index < table->count ? record_at(table, index) : NULL;
}

uint64_t policy_image_hash(struct slice key) { return image_hash(key); }

/* An empty list answers without a look at its slots. */
static bool has_names(const struct table *table) { return table->slots && table->count; }

void policy_image_expect(const struct policy_image *image, enum model_kind_id kind, uint64_t hash)
{
	const struct table *table = &image->tables[kind];

	if (has_names(table))
		__builtin_prefetch(&table->slots[hash & table->mask]);
}

/* The first slot with this mark: almost always the one, if there is one. */
static const struct image_slot *next_slot(const struct table *table, uint64_t hash, uint64_t *at)
{
	for (; table->slots[*at].number; *at = (*at + 1) & table->mask)
		if (table->slots[*at].mark == image_mark(hash))
			return &table->slots[*at];
	return NULL;
}

void policy_image_fetch(const struct policy_image *image, enum model_kind_id kind, uint64_t hash)
{
	const struct table *table = &image->tables[kind];
	uint64_t at = hash & table->mask;
	const struct image_slot *slot = has_names(table) ? next_slot(table, hash, &at) : NULL;

	if (!slot)
		return;

	const char *name = image->base + slot->name.offset;
	const char *record = record_at(table, slot->number - 1);

	__builtin_prefetch(name);
	__builtin_prefetch(name + slot->name.length);
	__builtin_prefetch(record);
	__builtin_prefetch(record + table->record_bytes - 1);
}

const void *policy_image_find(const struct policy_image *image, enum model_kind_id kind, struct slice key)
{
	return policy_image_find_hashed(image, kind, key, image_hash(key));
}

const void *policy_image_find_hashed(const struct policy_image *image, enum model_kind_id kind,
                                     struct slice key, uint64_t hash)
{
	const struct table *table = &image->tables[kind];
	const struct image_slot *slot;

	if (!table->slots)
		return key.len == 0 ? policy_image_at(image, kind, 0) : NULL;
	if (!table->count)
		return NULL;
	for (uint64_t at = hash & table->mask; (slot = next_slot(table, hash, &at));
	     at = (at + 1) & table->mask)
		if (slice_equal(image_slice(image->base, slot->name), key))
			return record_at(table, slot->number - 1);
	return NULL;
}

const struct image_edge *policy_image_edge(const struct policy_image *image, struct slice node)
{
	if (node.len)
		return image_edge_find(image, node);
	return image_edge_count(image) == 1 ? image_edge_at(image, 0) : NULL;
}
