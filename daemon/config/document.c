/*
 * What one document of the configuration says.  What is wrong with its content is collected, and
 * reading goes on; what is wrong with the XML itself (xml.c) ends it.
 */
#include <stdio.h>

#include "daemon/config/parts.h"
#include "daemon/config/xml.h"
#include "shared/base/memory.h"
#include "shared/base/text.h"
#include "shared/model/retired.h"

enum {
	SHOWN_BYTES = 80,
	ALLOWED_BYTES = 1024,
	FOUND_FIRST = 16,
};

enum { DEPTH_OUTSIDE, DEPTH_ROOT, DEPTH_OBJECT, DEPTH_FIELD };

struct document {
	struct config_reading *reading;
	struct config_document *source;
	struct config_xml *xml;
	size_t depth;        /* of the innermost open element */
	size_t ignored;      /* depth of the refused element that all of this lies in; 0: none */
	bool has_stray_text; /* told once for each object */

	const struct model_kind *kind; /* of the open object */
	struct model_object *object;
	struct model_object *last; /* for comments behind it */
	size_t field;              /* the open one */
	uint64_t fields_seen;      /* a bit a field: MODEL_FIELDS_MAX */
	uint32_t field_line;
	struct buffer text, comment;
};

/* ---- telling what is wrong ---- */

static struct config_place place_of(const struct document *d)
{
	struct config_place place = { .file = d->source->name, .kind = d->kind };

	if (d->xml)
		place.line = config_xml_line(d->xml);
	if (d->object)
		place.key = model_object_key(d->object);
	return place;
}

#define REFUSE(d, allowed_words, ...)                                                                        \
	do {                                                                                                 \
		struct config_place at_ = place_of(d);                                                       \
		at_.allowed = (allowed_words);                                                               \
		config_problem_add((d)->reading->problems, &at_, __VA_ARGS__);                               \
	} while (0)

static void out_of_memory(struct document *d)
{
	d->reading->is_out_of_memory = true;
	if (d->xml)
		config_xml_stop(d->xml);
}

static void refuse_attribute(struct document *d, const struct config_attribute *attribute,
                             const char *allowed)
{
	char name[SHOWN_BYTES];

	REFUSE(d, allowed, "unknown attribute '%s'", text_shown(attribute->name, name, sizeof name));
}

/* ---- the root ---- */

static void read_root_attribute(struct document *d, const struct config_attribute *a)
{
	struct slice name = d->source->name;
	char value[SHOWN_BYTES];

	text_shown(a->value, value, sizeof value);
	if (slice_equal(a->name, SLICE("document"))) {
		if (!slice_equal(a->value, slice_first(name, name.len - strlen(".xml"))))
			REFUSE(d, "the file's name without .xml", "document is '%s'", value);
	} else if (slice_equal(a->name, SLICE("schema"))) {
		if (!slice_equal(a->value, SLICE(CONFIG_SCHEMA)))
			REFUSE(d, CONFIG_SCHEMA, "schema is '%s'", value);
	} else if (slice_equal(a->name, SLICE("version")) &&
	           !slice_equal(name, SLICE(CONFIG_HOST_DOCUMENT))) {
		if (!slice_to_number(a->value, UINT64_MAX, &d->source->version) || d->source->version == 0)
			REFUSE(d, "the number of a version, or no such attribute", "version is '%s'", value);
	} else {
		refuse_attribute(d, a, "document, schema, version");
	}
}

static bool has_attribute(const struct config_attribute *attributes, size_t count, struct slice name)
{
	for (size_t i = 0; i < count; i++)
		if (slice_equal(attributes[i].name, name))
			return true;
	return false;
}

static void open_root(struct document *d, struct slice name, const struct config_attribute *attributes,
                      size_t count)
{
	char text[SHOWN_BYTES];

	if (!slice_equal(name, SLICE("parley"))) {
		REFUSE(d, "<parley document=\"...\" schema=\"" CONFIG_SCHEMA "\">", "the document is a <%s>",
		       text_shown(name, text, sizeof text));
		config_xml_stop(d->xml);
		return;
	}
	if (!has_attribute(attributes, count, SLICE("document")))
		REFUSE(d, "the file's name without .xml", "has no attribute document");
	if (!has_attribute(attributes, count, SLICE("schema")))
		REFUSE(d, CONFIG_SCHEMA, "has no attribute schema");
	for (size_t i = 0; i < count; i++)
		read_root_attribute(d, &attributes[i]);
}

/* ---- objects ---- */

/* "edge, pool-member": the kinds of this document. */
static void kinds_here(const struct document *d, char to[ALLOWED_BYTES])
{
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < MODEL_KIND_COUNT && used < ALLOWED_BYTES; i++) {
		const struct model_kind *kind = model_kind((enum model_kind_id)i);

		if (config_kind_is_in(kind, d->source->name))
			used += (size_t)snprintf(to + used, ALLOWED_BYTES - used, "%s%s", used ? ", " : "",
			                         kind->name);
	}
}

static void refuse_object(struct document *d, struct slice name)
{
	const struct model_kind *kind = model_kind_named(name);
	char text[SHOWN_BYTES], allowed[ALLOWED_BYTES];

	kinds_here(d, allowed);
	if (kind)
		REFUSE(d, allowed, "<%s> belongs into %s", kind->name, kind->document);
	else
		REFUSE(d, allowed, "unknown element <%s>", text_shown(name, text, sizeof text));
	d->ignored = DEPTH_OBJECT;
}

/* The value by its row; international names become A-labels on the way. */
static enum result read_value(struct document *d, const struct model_field *field, struct slice text,
                              uint32_t line, struct model_value *out)
{
	struct model_snapshot *snapshot = d->reading->snapshot;
	struct reason why;
	enum result result = config_value_read(field, text, &snapshot->arena, out, &why);

	if (result == RESULT_NO_MEMORY) {
		out_of_memory(d);
	} else if (result != RESULT_OK) {
		struct config_place place = place_of(d);
		struct buffer allowed;

		buffer_start(&allowed, ALLOWED_BYTES);
		model_allowed(field, &allowed);
		buffer_add_char(&allowed, '\0');
		place.field = field->name;
		place.allowed = allowed.is_broken ? "" : buffer_slice(&allowed).ptr;
		place.line = line;
		config_problem_add(d->reading->problems, &place, "%s", why.text);
		buffer_stop(&allowed);
	}
	return result;
}

static void read_key(struct document *d, const struct config_attribute *attributes, size_t count)
{
	const struct model_field *key = d->kind->key < d->kind->field_count ? &d->kind->fields[d->kind->key]
	                                                                    : NULL;
	bool has_key = false;

	for (size_t i = 0; i < count; i++) {
		if (!key || !slice_equal(attributes[i].name, slice_of(key->name))) {
			refuse_attribute(d, &attributes[i], key ? key->name : "no attribute");
			continue;
		}
		has_key = true;
		if (read_value(d, key, attributes[i].value, config_xml_line(d->xml),
		               &d->object->values[d->kind->key]) != RESULT_OK)
			d->ignored = DEPTH_OBJECT;
	}
	if (key && !has_key) {
		REFUSE(d, NULL, "has no attribute %s", key->name);
		d->ignored = DEPTH_OBJECT;
	}
}

static void open_object(struct document *d, struct slice name, const struct config_attribute *attributes,
                        size_t count)
{
	const struct model_kind *kind = model_kind_named(name);
	struct config_reading *reading = d->reading;

	d->has_stray_text = false;
	if (!kind || !config_kind_is_in(kind, d->source->name)) {
		refuse_object(d, name);
		return;
	}
	d->kind = kind;
	if (kind->cardinality == MODEL_ONE && reading->kinds_seen & 1u << kind->id) {
		REFUSE(d, "one", "stands here twice");
		d->ignored = DEPTH_OBJECT;
		return;
	}
	reading->kinds_seen |= 1u << kind->id;
	d->fields_seen = 0;
	d->object = model_object_new(&reading->snapshot->arena, kind);
	if (!d->object) {
		out_of_memory(d);
		return;
	}
	d->object->line = config_xml_line(d->xml);
	read_key(d, attributes, count);
}

static bool keep_object(struct config_found *found, struct model_object *object)
{
	if (found->count == found->size) {
		size_t size = found->size ? found->size * 2 : FOUND_FIRST;
		struct model_object **items = mem_resize(found->items, size * sizeof(struct model_object *));

		if (!items)
			return false;
		found->items = items;
		found->size = size;
	}
	found->items[found->count++] = object;
	return true;
}

/* All comments since the object before, or NULL out of memory; the buffer is empty afterwards. */
static bool keep_comment(struct document *d, struct model_object *object)
{
	struct arena *arena = &d->reading->snapshot->arena;
	struct slice comment = buffer_slice(&d->comment);

	if (d->comment.is_broken)
		REFUSE(d, NULL, "has comments of more than %d bytes", CONFIG_COMMENT_BYTES_MAX);
	else if (comment.len)
		object->comment = arena_copy(arena, comment);
	buffer_clear(&d->comment);
	return object->comment.ptr != NULL;
}

static void close_object(struct document *d)
{
	if (d->object && !d->ignored) {
		if (keep_comment(d, d->object) && keep_object(&d->reading->found[d->kind->id], d->object))
			d->last = d->object;
		else
			out_of_memory(d);
	}
	buffer_clear(&d->comment);
	d->kind = NULL;
	d->object = NULL;
}

/* Comments behind the last object stay with it. */
static void close_document(struct document *d)
{
	struct buffer all;

	if (!d->last || buffer_length(&d->comment) == 0)
		return;
	buffer_start(&all, CONFIG_COMMENT_BYTES_MAX);
	buffer_add(&all, d->last->comment);
	if (buffer_length(&all))
		buffer_add_char(&all, '\n');
	buffer_add(&all, buffer_slice(&d->comment));
	buffer_stop(&d->comment);
	d->comment = all;
	if (!keep_comment(d, d->last))
		out_of_memory(d);
}

/* ---- fields ---- */

static void fields_here(const struct model_kind *kind, char to[ALLOWED_BYTES])
{
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < kind->field_count && used < ALLOWED_BYTES; i++)
		if (!(kind->fields[i].flags & MODEL_KEY))
			used += (size_t)snprintf(to + used, ALLOWED_BYTES - used, "%s%s", used ? ", " : "",
			                         kind->fields[i].name);
}

/* Names are written one way: what model_field_named also takes is for people who type. */
static size_t field_of(const struct model_kind *kind, struct slice name)
{
	size_t i = 0;

	while (i < kind->field_count &&
	       (!slice_equal(slice_of(kind->fields[i].name), name) || kind->fields[i].flags & MODEL_KEY))
		i++;
	return i;
}

/* Once for the object that has it, and with it all inside is passed over. */
static bool is_retired(struct document *d, struct slice name)
{
	const char *why = model_retired(d->kind, name);
	struct config_place place = place_of(d);
	struct reason words;
	char shown[SHOWN_BYTES];

	if (!why)
		return false;
	place.field = text_shown(name, shown, sizeof shown);
	fail(&words, RESULT_INVALID, "is no setting any more and is passed over: %s", why);
	config_retired_add(d->reading->problems, &place, &words);
	return true;
}

static void open_field(struct document *d, struct slice name, const struct config_attribute *attributes,
                       size_t count)
{
	char text[SHOWN_BYTES], allowed[ALLOWED_BYTES];

	d->field = field_of(d->kind, name);
	d->field_line = config_xml_line(d->xml);
	buffer_clear(&d->text);
	if (d->field == d->kind->field_count && is_retired(d, name)) {
		d->ignored = DEPTH_FIELD;
	} else if (d->field == d->kind->field_count) {
		fields_here(d->kind, allowed);
		REFUSE(d, allowed, "unknown element <%s>", text_shown(name, text, sizeof text));
		d->ignored = DEPTH_FIELD;
	} else if (d->fields_seen & UINT64_C(1) << d->field) {
		REFUSE(d, "each field once", "<%s> stands here twice", d->kind->fields[d->field].name);
		d->ignored = DEPTH_FIELD;
	} else if (count > 0) {
		refuse_attribute(d, &attributes[0], "no attribute");
		d->ignored = DEPTH_FIELD;
	} else {
		d->fields_seen |= UINT64_C(1) << d->field;
	}
}

static void close_field(struct document *d)
{
	const struct model_field *field = &d->kind->fields[d->field];

	if (d->text.is_broken)
		REFUSE(d, NULL, "%s is longer than %d bytes", field->name, CONFIG_FIELD_BYTES_MAX);
	else
		read_value(d, field, buffer_slice(&d->text), d->field_line, &d->object->values[d->field]);
	buffer_clear(&d->text);
}

/* ---- events ---- */

static void on_open(void *to, struct slice name, const struct config_attribute *attributes, size_t count)
{
	struct document *d = to;
	char text[SHOWN_BYTES];

	d->depth++;
	if (d->ignored)
		return;
	if (d->depth == DEPTH_ROOT) {
		open_root(d, name, attributes, count);
	} else if (d->depth == DEPTH_OBJECT) {
		open_object(d, name, attributes, count);
	} else if (d->depth == DEPTH_FIELD) {
		open_field(d, name, attributes, count);
	} else {
		REFUSE(d, "text", "<%s> holds an element <%s>", d->kind->fields[d->field].name,
		       text_shown(name, text, sizeof text));
		d->ignored = DEPTH_FIELD;
	}
}

static void on_close(void *to)
{
	struct document *d = to;

	if (d->depth == DEPTH_FIELD && !d->ignored)
		close_field(d);
	else if (d->depth == DEPTH_OBJECT)
		close_object(d);
	if (d->ignored == d->depth)
		d->ignored = 0;
	d->depth--;
}

static bool is_blank(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] != ' ' && text.ptr[i] != '\t' && text.ptr[i] != '\n' && text.ptr[i] != '\r')
			return false;
	return true;
}

static void on_text(void *to, struct slice text)
{
	struct document *d = to;

	if (d->ignored)
		return;
	if (d->depth == DEPTH_FIELD) {
		buffer_add(&d->text, text);
	} else if (!is_blank(text) && !d->has_stray_text) {
		d->has_stray_text = true;
		REFUSE(d, "elements and comments", "text stands outside of a field");
	}
}

static void on_comment(void *to, struct slice text)
{
	struct document *d = to;

	while (text.len && is_blank(slice_first(text, 1)))
		text = slice_after(text, 1);
	while (text.len && is_blank(slice_after(text, text.len - 1)))
		text.len--;
	if (!text.len || (d->depth == DEPTH_OUTSIDE && slice_starts(text, SLICE(CONFIG_HEAD))))
		return;
	if (buffer_length(&d->comment))
		buffer_add_char(&d->comment, '\n');
	buffer_add(&d->comment, text);
}

/* ---- one document ---- */

static void read_events(struct document *d)
{
	struct config_xml_events events = { d, on_open, on_close, on_text, on_comment };
	struct config_xml_fault fault;
	enum result result = config_xml_read(d->source->bytes, &events, &d->xml, &fault);

	d->kind = NULL;
	d->object = NULL;
	if (result == RESULT_INVALID) {
		struct config_place place = { .file = d->source->name,
			                      .line = fault.line,
			                      .allowed = fault.allowed };

		config_problem_add(d->reading->problems, &place, "%s", fault.why.text);
	} else if (result != RESULT_OK) {
		out_of_memory(d);
	} else if (!d->reading->is_out_of_memory) {
		close_document(d);
	}
}

void config_document_read(struct config_reading *reading, struct config_document *document)
{
	struct document d = { .reading = reading, .source = document };

	if (document->bytes.len > config_document_bytes_max(document->name)) {
		REFUSE(&d, NULL, "is larger than %zu bytes", config_document_bytes_max(document->name));
		return;
	}
	buffer_start(&d.text, CONFIG_FIELD_BYTES_MAX);
	buffer_start(&d.comment, CONFIG_COMMENT_BYTES_MAX);
	read_events(&d);
	buffer_stop(&d.text);
	buffer_stop(&d.comment);
}
