/*
 * Verbs that show objects of the configuration, and the table they are made from.
 */
#include "daemon/keeper/parts.h"

static void put_list(struct json_writer *w, const char *key, const struct model_list *list)
{
	json_open_array(w, key);
	for (size_t i = 0; i < list->count; i++)
		json_put_slice(w, NULL, list->items[i]);
	json_close_array(w);
}

void verb_put_field(struct json_writer *w, const struct model_field *row, const struct model_value *value)
{
	switch (row->type) {
	case MODEL_BOOL: json_put_bool(w, row->name, value->flag); break;
	case MODEL_NUMBER: json_put_number(w, row->name, (int64_t)value->number); break;
	case MODEL_ENUM: json_put_slice(w, row->name, model_choice(row, value->number)); break;
	case MODEL_TEXT:
	case MODEL_DOMAIN:
	case MODEL_FQDN:
	case MODEL_PATH:
	case MODEL_ADDRESS:
	case MODEL_PREFIX:
	case MODEL_SIP_USER: json_put_slice(w, row->name, value->text); break;
	case MODEL_DOMAINS:
	case MODEL_FQDNS:
	case MODEL_ADDRESSES:
	case MODEL_PREFIXES:
	case MODEL_CHOICES: put_list(w, row->name, &value->list); break;
	}
}

void verb_put_values(struct json_writer *w, const struct model_object *object)
{
	for (size_t i = 0; i < object->kind->field_count; i++)
		verb_put_field(w, &object->kind->fields[i], &object->values[i]);
}

void verb_put_fields(struct json_writer *w, const char *key, const struct model_object *object)
{
	json_open_object(w, key);
	verb_put_values(w, object);
	json_close_object(w);
}

/* ---- the table of kinds ---- */

static void put_field(struct json_writer *w, const struct model_field *row)
{
	json_open_object(w, NULL);
	json_put_text(w, "name", row->name);
	json_put_text(w, "type", model_type_name(row->type));
	json_open_array(w, "flags");
	if (row->flags & MODEL_KEY)
		json_put_text(w, NULL, "key");
	if (row->flags & MODEL_REQUIRED)
		json_put_text(w, NULL, "required");
	if (row->flags & MODEL_FIXED)
		json_put_text(w, NULL, "fixed");
	json_close_array(w);
	json_put_text(w, "default", row->preset);
	json_put_number(w, "min", (int64_t)row->min);
	json_put_number(w, "max", (int64_t)row->max);
	json_put_text(w, "unit", row->unit);
	json_open_array(w, "choices");
	for (uint64_t i = 0; model_choice(row, i).ptr; i++)
		json_put_slice(w, NULL, model_choice(row, i));
	json_close_array(w);
	json_put_text(w, "lync", row->lync);
	json_put_text(w, "sentence", row->sentence);
	json_close_object(w);
}

static void put_kind(struct json_writer *w, const struct model_kind *kind)
{
	json_open_object(w, NULL);
	json_put_text(w, "name", kind->name);
	json_put_text(w, "document", kind->document);
	json_put_text(w, "cardinality", kind->cardinality == MODEL_ONE ? "one" : "many");
	json_put_text(w, "lync", kind->lync);
	json_put_text(w, "sentence", kind->sentence);
	json_open_array(w, "fields");
	for (size_t i = 0; i < kind->field_count; i++)
		put_field(w, &kind->fields[i]);
	json_close_array(w);
	json_close_object(w);
}

void verb_run_MODEL_KINDS(struct call *call)
{
	struct slice name = call_text(call, "kind");
	const struct model_kind *only = name.len ? model_kind_named(name) : NULL;
	struct json_writer *w;

	if (name.len && !only) {
		call_fail(call, CONTROL_NOT_FOUND, "there is no kind of that name");
		return;
	}
	w = call_open(call);
	json_open_array(w, "kinds");
	for (size_t i = 0; i < MODEL_KIND_COUNT; i++)
		if (!only || only == model_kind((enum model_kind_id)i))
			put_kind(w, model_kind((enum model_kind_id)i));
	json_close_array(w);
	call_close(call);
}
