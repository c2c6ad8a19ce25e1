/* The rows of kinds.def as constant tables, finding a row by its name, and objects made from rows. */
#include "shared/model/model.h"

/* ---- names: "proxy_fqdn" is written "proxy-fqdn", turned here so that the table stays constant ---- */
enum { NAME_BYTES = 48 };
#define AT(text, i)     ((i) < sizeof(text) ? (text)[(i) < sizeof(text) ? (i) : 0] : '\0')
#define LETTER(text, i) (AT(text, i) == '_' ? '-' : AT(text, i))
#define EIGHT(text, i)                                                                                       \
	LETTER(text, (i)), LETTER(text, (i) + 1), LETTER(text, (i) + 2), LETTER(text, (i) + 3),              \
	        LETTER(text, (i) + 4), LETTER(text, (i) + 5), LETTER(text, (i) + 6), LETTER(text, (i) + 7)

#define KIND(...)
#define FIELD(kind, field, ...)                                                                              \
	_Static_assert(sizeof(#field) <= NAME_BYTES, "a field's name is too long");                          \
	static const char name_##kind##_##field[NAME_BYTES] = { EIGHT(#field, 0),  EIGHT(#field, 8),         \
		                                                EIGHT(#field, 16), EIGHT(#field, 24),        \
		                                                EIGHT(#field, 32), EIGHT(#field, 40) };
#include "shared/model/kinds.def"
#undef KIND
#undef FIELD

/* ---- rows: one flat array; each kind's row is an empty place before its fields, as in enum model_field_id ---- */
enum { KEY = MODEL_KEY, REQUIRED = MODEL_REQUIRED, FIXED = MODEL_FIXED, ALIAS = MODEL_ALIAS };

static const struct model_field fields[] = {
#define KIND(...) { .name = "" },
#define FIELD(kind, field, type, flags, preset, min, max, unit, choices, lync, sentence)                     \
	{ name_##kind##_##field, MODEL_##type, flags, preset, min, max, unit, choices, lync, sentence },
#include "shared/model/kinds.def"
#undef KIND
#undef FIELD
};

/* count_<kind>: `= 0 + 1 + 1 ...`, one for each field. */
enum {
	count_nothing = 0
#define KIND(id, ...) , count_##id = 0
#define FIELD(...)    +1
#include "shared/model/kinds.def"
#undef KIND
#undef FIELD
};

static const struct model_kind kinds[MODEL_KIND_COUNT] = {
#define KIND(id, NAME, name, document, cardinality, lync, sentence)                                          \
	{ MODEL_##NAME,                                                                                      \
	  name,                                                                                              \
	  document,                                                                                          \
	  MODEL_##cardinality,                                                                               \
	  lync,                                                                                              \
	  sentence,                                                                                          \
	  &fields[MODEL_FIELD_##id##_BASE + 1],                                                              \
	  count_##id,                                                                                        \
	  MODEL_##cardinality == MODEL_MANY ? 0 : count_##id },
#define FIELD(...)
#include "shared/model/kinds.def"
#undef KIND
#undef FIELD
};

#define KIND(id, ...) _Static_assert((int)count_##id <= (int)MODEL_FIELDS_MAX, "a kind has too many fields");
#define FIELD(...)
#include "shared/model/kinds.def"
#undef KIND
#undef FIELD

const char *model_type_name(enum model_type type)
{
	static const char *const names[] = {
		[MODEL_BOOL] = "bool",           [MODEL_NUMBER] = "number",     [MODEL_ENUM] = "enum",
		[MODEL_TEXT] = "text",           [MODEL_DOMAIN] = "domain",     [MODEL_FQDN] = "fqdn",
		[MODEL_PATH] = "path",           [MODEL_ADDRESS] = "address",   [MODEL_PREFIX] = "prefix",
		[MODEL_SIP_USER] = "sip-user",   [MODEL_DOMAINS] = "domains",   [MODEL_FQDNS] = "fqdns",
		[MODEL_ADDRESSES] = "addresses", [MODEL_PREFIXES] = "prefixes", [MODEL_CHOICES] = "choices",
	};

	return names[type];
}

const struct model_kind *model_kind(enum model_kind_id id) { return &kinds[id]; }

const struct model_kind *model_kind_named(struct slice name)
{
	for (size_t i = 0; i < MODEL_KIND_COUNT; i++)
		if (slice_equal(name, slice_of(kinds[i].name)))
			return &kinds[i];
	return NULL;
}

/* Like slice_equal_nocase, and '_' is '-'. */
static bool is_name(struct slice given, const char *name)
{
	if (given.len == 0 || given.len != strlen(name))
		return false;
	for (size_t i = 0; i < given.len; i++) {
		char c = given.ptr[i] == '_' ? '-' : ascii_lower(given.ptr[i]);

		if (c != ascii_lower(name[i]))
			return false;
	}
	return true;
}

size_t model_field_named(const struct model_kind *kind, struct slice name)
{
	size_t i = 0;

	while (i < kind->field_count && !is_name(name, kind->fields[i].name) &&
	       !is_name(name, kind->fields[i].lync))
		i++;
	return i;
}

size_t model_kind_alias(const struct model_kind *kind)
{
	size_t i = 0;

	while (i < kind->field_count && !(kind->fields[i].flags & MODEL_ALIAS))
		i++;
	return i;
}

struct slice model_choice(const struct model_field *field, uint64_t i)
{
	struct slice rest = slice_of(field->choices), choice;

	while (slice_next(&rest, '|', &choice))
		if (i-- == 0)
			return choice;
	return SLICE_NONE;
}

/* ---- objects ---- */

/* A text row's default is already in the form it is stored (a test says so), so nothing is copied. */
static enum result set_preset(struct arena *arena, const struct model_field *field, struct model_value *value)
{
	if (model_type_is_list(field->type)) {
		*value = (struct model_value){ .list = { NULL, 0 } };
		return field->preset[0] ? model_value_read(field, slice_of(field->preset), arena, value, NULL)
		                        : RESULT_OK;
	}
	if (field->type == MODEL_BOOL || field->type == MODEL_NUMBER || field->type == MODEL_ENUM)
		return model_value_read(field, slice_of(field->preset), arena, value, NULL);
	*value = (struct model_value){ .text = slice_of(field->preset) };
	return RESULT_OK;
}

struct model_object *model_object_new(struct arena *arena, const struct model_kind *kind)
{
	struct model_object *object = arena_new(arena, sizeof *object +
	                                                       kind->field_count * sizeof object->values[0]);

	if (!object)
		return NULL;
	object->kind = kind;
	object->comment = SLICE("");
	for (size_t i = 0; i < kind->field_count; i++)
		if (set_preset(arena, &kind->fields[i], &object->values[i]) != RESULT_OK)
			return NULL;
	return object;
}

struct slice model_object_key(const struct model_object *object)
{
	return object->kind->key < object->kind->field_count ? object->values[object->kind->key].text
	                                                     : SLICE("");
}

static bool copy_text(struct arena *arena, struct slice from, struct slice *to)
{
	*to = from.len ? arena_copy(arena, from) : SLICE("");
	return to->ptr != NULL;
}

bool model_value_copy(const struct model_field *field, const struct model_value *from, struct arena *arena,
                      struct model_value *to)
{
	struct slice *items;

	switch (field->type) {
	case MODEL_BOOL:
	case MODEL_NUMBER:
	case MODEL_ENUM: *to = *from; return true;
	case MODEL_TEXT:
	case MODEL_DOMAIN:
	case MODEL_FQDN:
	case MODEL_PATH:
	case MODEL_ADDRESS:
	case MODEL_PREFIX:
	case MODEL_SIP_USER: return copy_text(arena, from->text, &to->text);
	case MODEL_DOMAINS:
	case MODEL_FQDNS:
	case MODEL_ADDRESSES:
	case MODEL_PREFIXES:
	case MODEL_CHOICES: break;
	}
	to->list = (struct model_list){ NULL, 0 };
	if (from->list.count == 0)
		return true;
	items = arena_new_array(arena, from->list.count, sizeof *items);
	if (!items)
		return false;
	for (size_t i = 0; i < from->list.count; i++)
		if (!copy_text(arena, from->list.items[i], &items[i]))
			return false;
	to->list = (struct model_list){ items, from->list.count };
	return true;
}

struct model_object *model_object_copy(struct arena *arena, const struct model_object *object)
{
	const struct model_kind *kind = object->kind;
	struct model_object *copy = arena_new(arena,
	                                      sizeof *copy + kind->field_count * sizeof copy->values[0]);

	if (!copy)
		return NULL;
	copy->kind = kind;
	copy->line = object->line;
	if (!copy_text(arena, object->comment, &copy->comment))
		return NULL;
	for (size_t i = 0; i < kind->field_count; i++)
		if (!model_value_copy(&kind->fields[i], &object->values[i], arena, &copy->values[i]))
			return NULL;
	return copy;
}
