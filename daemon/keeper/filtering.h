/*
 * filtering: a list's filter as the call has it, and objects of the model as rows of it.
 */
#ifndef DAEMON_KEEPER_FILTERING_H
#define DAEMON_KEEPER_FILTERING_H

#include "daemon/keeper/parts.h"

/* The param `filter`; `keys` as filter_read takes them.  False: the call has been failed. */
bool call_filter(struct call *call, const char *keys, struct filter *out);
bool call_filter_of(struct call *call, struct slice text, const char *keys, struct filter *out);

/* A field of an object as a row's member. */
bool filter_look_field(const struct model_object *object, const char *key, size_t index,
                       struct filter_value *out);

/*
 * A page of a list: the keeper answers one call at a time, so it is a bounded amount of work.  It begins where the one
 * before ended, and of a list longer than OBJECTS_LOOKED_MAX a filter looks at so many in one call: the answer says
 * where to go on, and nobody has counted.
 */
enum { OBJECTS_LOOKED_MAX = 10000, PAGE_ROWS_DEFAULT = 100, PAGE_ROWS_MAX = 500, PAGE_ROW_ROOM = 12 * 1024 };
int64_t page_limit(const struct call *call); /* the param `limit` */
/* Of `count` objects: how far one looks that begins at `from`. */
size_t page_end(size_t from, size_t count, const struct filter *filter);
bool page_is_counted(size_t count, const struct filter *filter);
struct page_counts {
	int64_t shown, total, before; /* rows: on this page, of all pages, of those before; -1: not counted */
	struct slice last; /* the key of the last object that was looked at; none: there was none */
	bool has_more;     /* objects after it */
};
/* The members `next`, `total` and `before`. */
void page_put_counts(struct json_writer *w, const struct page_counts *counts);

/* Which objects of a kind a list shows: by their fields, and by what their rows tell beside them. */
struct object_sieve {
	struct filter filter;
	struct view view;
	put_beside *beside;
	const struct json *live;
	struct json *made; /* what was written beside `made_for` */
	const struct model_object *made_for;
};
/* By the param `filter`.  False: the call has been failed, and nothing needs stopping. */
bool sieve_start(struct object_sieve *sieve, struct call *call, const struct view *view,
                 enum model_kind_id kind, put_beside *beside, const struct json *live);
bool sieve_shows(struct object_sieve *sieve, const struct model_object *object);
void sieve_stop(struct object_sieve *sieve);

#endif
