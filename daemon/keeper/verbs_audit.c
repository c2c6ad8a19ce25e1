/*
 * audit list, audit verify.
 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/keeper/filtering.h"

enum { AUDIT_ROWS_DEFAULT = 100, AUDIT_ROWS_MAX = 500, AUDIT_END_ROOM = 1024, AUDIT_STEP_MS = 1 };

/* ---- list ---- */

struct page {
	struct json_writer *w;
	int64_t left;
};

static bool put_line(void *to, struct slice line)
{
	struct page *page = to;

	if (page->left == 0 || buffer_room(page->w->out) < line.len + AUDIT_END_ROOM)
		return false;
	page->left--;
	json_put_raw(page->w, NULL, line);
	return true;
}

/* "FIRST:BYTE", as `next` was handed out. */
static bool read_cursor(struct slice text, struct audit_query *query)
{
	size_t colon = slice_find(text, ':');

	return colon < text.len &&
	       slice_to_number(slice_first(text, colon), INT64_MAX, &query->before_file) &&
	       query->before_file &&
	       slice_to_number(slice_after(text, colon + 1), UINT64_MAX, &query->before_byte);
}

void verb_run_AUDIT_LIST(struct call *call)
{
	struct filter filter;
	struct audit_query query = { .filter = &filter, .since = call_text(call, "since") };
	struct slice after = call_text(call, "after");
	struct page page = { NULL, json_as_number(json_get(call->params, "limit"), AUDIT_ROWS_DEFAULT) };
	char next[64] = "";

	if (page.left < 1 || page.left > AUDIT_ROWS_MAX) {
		call_fail(call, CONTROL_USAGE, "limit is 1 to %d", AUDIT_ROWS_MAX);
		return;
	}
	if (after.len && !read_cursor(after, &query)) {
		call_fail(call, CONTROL_USAGE, "after is what the page before gave as next");
		return;
	}
	if (!call_filter(call, audit_keys, &filter))
		return;
	page.w = call_open(call);
	json_open_array(page.w, "rows");
	if (audit_look(&call->keeper->audit, &query, put_line, &page))
		snprintf(next, sizeof next, "%" PRIu64 ":%" PRIu64, query.before_file, query.before_byte);
	json_close_array(page.w);
	json_put_text(page.w, "next", next);
	json_put_number(page.w, "total", (int64_t)call->keeper->audit.number);
	call_close(call);
}

/* ---- verify: a step a turn of the loop, so that nobody waits for a long chain ---- */

static void answer(struct call *call, const struct audit_verdict *verdict)
{
	struct json_writer *w = call_open(call);

	json_put_bool(w, "whole", verdict->is_whole);
	json_put_number(w, "lines", (int64_t)verdict->lines);
	json_put_number(w, "first", (int64_t)verdict->first);
	json_put_number(w, "last", (int64_t)verdict->last);
	json_put_number(w, "torn", (int64_t)verdict->torn);
	json_put_text(w, "digest", call->keeper->audit.digest);
	json_put_text(w, "file", verdict->file);
	json_put_number(w, "line", (int64_t)verdict->line);
	json_put_text(w, "why", verdict->why.text);
	call_close(call);
}

static void step(void *owner)
{
	struct call *call = owner;
	struct audit_verdict verdict;

	if (audit_walk_step(call->walk, &verdict) == RESULT_OK)
		answer(call, &verdict);
	else
		loop_timer_set(call->keeper->loop, &call->timer, AUDIT_STEP_MS, step, call);
}

void verb_run_AUDIT_VERIFY(struct call *call)
{
	if (!list_is_empty(&call->keeper->walking)) {
		call_fail(call, CONTROL_BUSY, "somebody is having the audit verified; ask again");
		return;
	}
	call->walk = audit_walk_new(&call->keeper->audit);
	if (!call->walk) {
		call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
		return;
	}
	list_add_last(&call->keeper->walking, &call->waiting);
	step(call);
}
