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

/* Of a longer list a filter looks at so many objects in one call; the answer says where to go on. */
enum { OBJECTS_LOOKED_MAX = 10000 };

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
