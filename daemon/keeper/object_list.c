/*
 * object list: a page of the objects of a kind, in the order of their keys.
 */
#include "daemon/keeper/filtering.h"

size_t objects_after(const struct model_objects *objects, struct slice key)
{
	size_t low = 0, high = key.len ? objects->count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (slice_compare(model_object_key(objects->items[middle]), key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int64_t count_shown(struct object_sieve *sieve, const struct model_objects *objects, size_t from,
                           size_t to)
{
	int64_t count = 0;

	if (sieve->filter.count == 0)
		return (int64_t)(to - from);
	for (size_t i = from; i < to; i++)
		count += sieve_shows(sieve, objects->items[i]);
	return count;
}

/* The rows from there on.  Where the next page begins. */
static size_t put_rows(struct call *call, struct object_sieve *sieve, const struct model_objects *objects,
                       size_t from, int64_t *shown)
{
	size_t at, end = page_end(from, objects->count, &sieve->filter);
	int64_t limit = page_limit(call);

	for (at = from; at < end; at++) {
		const struct model_object *object = objects->items[at];

		if (!sieve_shows(sieve, object))
			continue;
		if (*shown == limit || buffer_room(&call->out) < PAGE_ROW_ROOM)
			break;
		++*shown;
		json_open_object(&call->w, NULL);
		verb_put_values(&call->w, object);
		if (sieve->beside)
			sieve->beside(&call->w, &sieve->view, object, sieve->live);
		json_close_object(&call->w);
	}
	return at;
}

void object_list(struct call *call, enum model_kind_id kind, put_beside *beside, const struct json *live)
{
	struct page_counts counts = { .total = -1, .before = -1 };
	const struct model_objects *objects;
	struct object_sieve sieve;
	struct json_writer *w;
	struct view view;
	size_t from, to;

	if (!view_of(call, &view) || !sieve_start(&sieve, call, &view, kind, beside, live))
		return;
	objects = &view.snapshot->kinds[kind];
	from = objects_after(objects, call_text(call, "after"));
	w = call_open(call);
	json_open_array(w, "rows");
	to = put_rows(call, &sieve, objects, from, &counts.shown);
	json_close_array(w);
	if (page_is_counted(objects->count, &sieve.filter)) {
		counts.before = count_shown(&sieve, objects, 0, from);
		counts.total = counts.before + counts.shown +
		               count_shown(&sieve, objects, to, objects->count);
	}
	counts.has_more = to < objects->count;
	counts.last = to > from ? model_object_key(objects->items[to - 1]) : SLICE_NONE;
	sieve_stop(&sieve);
	page_put_counts(w, &counts);
	json_put_number(w, "version", (int64_t)view.version);
	call_close(call);
}
