/*
 * object list: a page of the objects of a kind, in the order of their keys.
 *
 * The keeper answers one call at a time, so a page is a bounded amount of work: it begins where the one before
 * ended, and of a long list a filter looks at so many objects and says where to go on.
 */
#include "daemon/keeper/filtering.h"

enum { OBJECT_LIST_DEFAULT = 100, OBJECT_LIST_MAX = 500, OBJECT_ROW_ROOM = 12 * 1024 };

static int64_t limit_of(const struct call *call)
{
	int64_t limit = json_as_number(json_get(call->params, "limit"), OBJECT_LIST_DEFAULT);

	return limit < 1 ? 1 : limit > OBJECT_LIST_MAX ? OBJECT_LIST_MAX : limit;
}

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

/* What is shown of the objects, and what was counted on the way. */
struct page {
	size_t from, to;       /* the objects it is of; `to`: where the next begins */
	int64_t total, before; /* -1: not counted */
};

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

static void put_rows(struct call *call, struct object_sieve *sieve, const struct model_objects *objects,
                     struct page *page, int64_t *shown)
{
	int64_t limit = limit_of(call);
	size_t end = objects->count - page->from > OBJECTS_LOOKED_MAX && sieve->filter.count
	                     ? page->from + OBJECTS_LOOKED_MAX
	                     : objects->count;

	for (page->to = page->from; page->to < end; page->to++) {
		const struct model_object *object = objects->items[page->to];

		if (!sieve_shows(sieve, object))
			continue;
		if (*shown == limit || buffer_room(&call->out) < OBJECT_ROW_ROOM)
			return;
		++*shown;
		json_open_object(&call->w, NULL);
		verb_put_values(&call->w, object);
		if (sieve->beside)
			sieve->beside(&call->w, &sieve->view, object, sieve->live);
		json_close_object(&call->w);
	}
}

/* Null: nobody has counted. */
static void put_count(struct json_writer *w, const char *name, int64_t count)
{
	if (count < 0)
		json_put_null(w, name);
	else
		json_put_number(w, name, count);
}

void object_list(struct call *call, enum model_kind_id kind, put_beside *beside, const struct json *live)
{
	const struct model_objects *objects;
	struct page page = { .total = -1, .before = -1 };
	struct object_sieve sieve;
	struct json_writer *w;
	int64_t shown = 0;
	struct view view;

	if (!view_of(call, &view) || !sieve_start(&sieve, call, &view, kind, beside, live))
		return;
	objects = &view.snapshot->kinds[kind];
	page.from = objects_after(objects, call_text(call, "after"));
	w = call_open(call);
	json_open_array(w, "rows");
	put_rows(call, &sieve, objects, &page, &shown);
	json_close_array(w);
	if (sieve.filter.count == 0 || objects->count <= OBJECTS_LOOKED_MAX) {
		page.before = count_shown(&sieve, objects, 0, page.from);
		page.total = page.before + shown + count_shown(&sieve, objects, page.to, objects->count);
	}
	/* What is left may all be hidden: then there is no next page, where that is known. */
	if (page.to > page.from && page.to < objects->count &&
	    (page.total < 0 || page.total > page.before + shown))
		json_put_slice(w, "next", model_object_key(objects->items[page.to - 1]));
	else
		json_put_null(w, "next");
	sieve_stop(&sieve);
	put_count(w, "total", page.total);
	put_count(w, "before", page.before);
	json_put_number(w, "version", (int64_t)view.version);
	call_close(call);
}
