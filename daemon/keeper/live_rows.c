/*
 * live rows: a page of what the service answered, filtered, with a cursor for the next page.
 */
#include <stdio.h>

#include "daemon/keeper/filtering.h"

enum { LIVE_ROWS_DEFAULT = 500, LIVE_ROW_ROOM = 16 * 1024 };

void live_rows_write(struct call *call, const struct json *rows, const char *why, const char *keys,
                     filter_look *look, void (*put)(struct json_writer *w, const struct json *row))
{
	char all[FILTER_KEYS_BYTES];
	struct filter filter;
	struct json_writer *w;
	int64_t left = json_as_number(json_get(call->params, "limit"), LIVE_ROWS_DEFAULT), total = 0;
	uint64_t from = 0;
	size_t next = 0;

	snprintf(all, sizeof all, "%s", keys);
	filter_keys_of(json_at(rows, 0), all);
	if (!call_filter(call, all, &filter))
		return;
	w = call_open(call);
	slice_to_number(call_text(call, "after"), UINT32_MAX, &from);
	json_open_array(w, "rows");
	for (size_t i = 0; i < json_count(rows); i++) {
		const struct json *row = json_at(rows, i);

		if (!filter_holds(&filter, look ? look : filter_look_json, row))
			continue;
		total++;
		if (i < from || next)
			continue;
		if (left-- <= 0 || buffer_room(&call->out) < LIVE_ROW_ROOM)
			next = i;
		else
			put(w, row);
	}
	json_close_array(w);
	json_put_number(w, "total", total);
	if (next) {
		char cursor[24];

		snprintf(cursor, sizeof cursor, "%zu", next);
		json_put_text(w, "next", cursor);
	} else {
		json_put_null(w, "next");
	}
	json_put_text(w, "live", rows ? "" : why);
	call_close(call);
}
