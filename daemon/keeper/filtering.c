/*
 * filtering: a list's filter as the call has it, and objects of the model as rows of it.
 *
 * A filter that asks for what no row has is refused, with the names there are: a list that silently shows nothing
 * would be believed.
 */
#include "daemon/keeper/filtering.h"
#include "shared/base/memory.h"

bool call_filter_of(struct call *call, struct slice text, const char *keys, struct filter *out)
{
	struct filter_flaw flaw;
	struct buffer words;

	if (filter_read(text, keys, keeper_now(call->keeper).wall_ms, out, &flaw))
		return true;
	buffer_start(&words, sizeof flaw);
	filter_flaw_write(&flaw, NULL, &words);
	buffer_add_char(&words, '\0');
	call_fail_problem(call, CONTROL_INVALID, "filter", words.is_broken ? "" : buffer_slice(&words).ptr,
	                  "");
	buffer_stop(&words);
	return false;
}

bool call_filter(struct call *call, const char *keys, struct filter *out)
{
	return call_filter_of(call, call_text(call, "filter"), keys, out);
}

/* ---- pages ---- */

int64_t page_limit(const struct call *call)
{
	int64_t limit = json_as_number(json_get(call->params, "limit"), PAGE_ROWS_DEFAULT);

	return limit < 1 ? 1 : limit > PAGE_ROWS_MAX ? PAGE_ROWS_MAX : limit;
}

size_t page_end(size_t from, size_t count, const struct filter *filter)
{
	return filter->count && count - from > OBJECTS_LOOKED_MAX ? from + OBJECTS_LOOKED_MAX : count;
}

bool page_is_counted(size_t count, const struct filter *filter)
{
	return filter->count == 0 || count <= OBJECTS_LOOKED_MAX;
}

/* Null: nobody has counted. */
static void put_count(struct json_writer *w, const char *name, int64_t count)
{
	if (count < 0)
		json_put_null(w, name);
	else
		json_put_number(w, name, count);
}

void page_put_counts(struct json_writer *w, const struct page_counts *counts)
{
	/* What is left may all be hidden: then there is no next page, where that is known. */
	if (counts->has_more && counts->last.ptr &&
	    (counts->total < 0 || counts->total > counts->before + counts->shown))
		json_put_slice(w, "next", counts->last);
	else
		json_put_null(w, "next");
	put_count(w, "total", counts->total);
	put_count(w, "before", counts->before);
}

/* ---- objects ---- */

bool filter_look_field(const struct model_object *object, const char *key, size_t index,
                       struct filter_value *out)
{
	size_t field = model_field_named(object->kind, slice_of(key));
	const struct model_field *row;
	const struct model_value *value;

	if (field >= object->kind->field_count)
		return false;
	row = &object->kind->fields[field];
	value = &object->values[field];
	*out = (struct filter_value){ .kind = FILTER_TEXT };
	if (model_type_is_list(row->type)) {
		if (index < value->list.count)
			out->text = value->list.items[index];
		return index < value->list.count;
	}
	switch (row->type) {
	case MODEL_BOOL: *out = (struct filter_value){ .kind = FILTER_FLAG, .number = value->flag }; break;
	case MODEL_NUMBER:
		*out = (struct filter_value){ .kind = FILTER_NUMBER, .number = (double)value->number };
		break;
	case MODEL_ENUM: out->text = model_choice(row, value->number); break;
	default: out->text = value->text;
	}
	return index == 0;
}

/* What stands beside the object's fields, made once a row and only when it is asked for. */
static const struct json *beside_of(struct object_sieve *sieve, const struct model_object *object)
{
	struct buffer text;
	struct json_writer w = json_write(&text);

	if (sieve->made_for == object)
		return sieve->made;
	json_free(&sieve->made);
	sieve->made_for = object;
	buffer_start(&text, CONTROL_LINE_MAX);
	json_open_object(&w, NULL);
	sieve->beside(&w, &sieve->view, object, sieve->live);
	json_close_object(&w);
	if (text.is_broken || json_read(buffer_slice(&text), &sieve->made, NULL) != RESULT_OK)
		sieve->made = NULL;
	buffer_stop(&text);
	return sieve->made;
}

struct row {
	struct object_sieve *sieve;
	const struct model_object *object;
};

static bool look(const void *owner, const char *key, size_t index, struct filter_value *out)
{
	const struct row *row = owner;

	if (model_field_named(row->object->kind, slice_of(key)) < row->object->kind->field_count)
		return filter_look_field(row->object, key, index, out);
	/* Of a user among a hundred thousand: what holds is looked up, not written and read again. */
	if (row->object->kind->id == MODEL_USER)
		return index == 0 && user_look_beside(&row->sieve->view, row->object, key, out);
	return row->sieve->beside && filter_look_json(beside_of(row->sieve, row->object), key, index, out);
}

/* The fields of the kind, and what the first object has beside them; of a list without objects nothing is known. */
static void write_keys(struct object_sieve *sieve, enum model_kind_id id, char keys[FILTER_KEYS_BYTES])
{
	const struct model_objects *objects = &sieve->view.snapshot->kinds[id];
	const struct model_kind *kind = model_kind(id);
	const struct json *value;
	struct slice name;
	char beside[FILTER_NAME_BYTES];

	keys[0] = '\0';
	for (size_t i = 0; objects->count && i < kind->field_count; i++)
		filter_keys_add(slice_of(kind->fields[i].name), keys);
	if (!objects->count || !sieve->beside)
		return;
	for (size_t i = 0; json_member(beside_of(sieve, objects->items[0]), i, &name, &value); i++) {
		beside[0] = '~';
		if (slice_to_text(name, beside + 1, sizeof beside - 1))
			filter_keys_add(slice_of(beside), keys);
	}
}

bool sieve_start(struct object_sieve *sieve, struct call *call, const struct view *view,
                 enum model_kind_id kind, put_beside *beside, const struct json *live)
{
	char keys[FILTER_KEYS_BYTES];

	*sieve = (struct object_sieve){ .view = *view, .beside = beside, .live = live };
	write_keys(sieve, kind, keys);
	if (call_filter(call, keys, &sieve->filter))
		return true;
	sieve_stop(sieve);
	return false;
}

bool sieve_shows(struct object_sieve *sieve, const struct model_object *object)
{
	return filter_holds(&sieve->filter, look, &(struct row){ sieve, object });
}

void sieve_stop(struct object_sieve *sieve)
{
	json_free(&sieve->made);
	sieve->made_for = NULL;
}
