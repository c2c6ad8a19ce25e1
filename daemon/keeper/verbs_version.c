/*
 * Published versions: what they were, what changed between two of them, and back to one, as a version of its own.
 */
#include <stdio.h>

#include "daemon/keeper/parts.h"

/* ---- list ---- */

enum { VERSION_LIST_DEFAULT = 50, VERSION_LIST_MAX = 1000, VERSION_ROW_ROOM = 4096 };

static void put_version(void *to, const struct store_version *version)
{
	struct json_writer *w = to;

	if (buffer_room(w->out) < VERSION_ROW_ROOM)
		return;
	json_open_object(w, NULL);
	json_put_number(w, "version", (int64_t)version->number);
	json_put_number(w, "time", version->time_ms);
	json_put_text(w, "author", version->author);
	json_put_text(w, "comment", version->comment);
	json_put_number(w, "changes", version->changes);
	json_close_object(w);
}

void verb_run_VERSION_LIST(struct call *call)
{
	const struct json *given = json_get(call->params, "limit");
	uint64_t limit = VERSION_LIST_DEFAULT;
	struct reason reason = { "" };
	struct json_writer *w;

	if (json_kind(given) == JSON_KIND_TEXT)
		slice_to_number(json_as_slice(given), VERSION_LIST_MAX, &limit);
	else if (json_as_number(given, VERSION_LIST_DEFAULT) > 0)
		limit = (uint64_t)json_as_number(given, VERSION_LIST_DEFAULT);
	w = call_open(call);
	json_open_array(w, "versions");
	if (store_history(call->keeper->now.store, limit > VERSION_LIST_MAX ? VERSION_LIST_MAX : limit,
	                  put_version, w, &reason) != RESULT_OK) {
		call_fail(call, CONTROL_UNAVAILABLE, "%s", reason.text);
		return;
	}
	json_close_array(w);
	call_close(call);
}

/* ---- show, diff ---- */

/* A param that names a version, as text; `otherwise` where it may be left out.  False: the call has been failed. */
static bool read_version(struct call *call, const char *name, uint64_t otherwise, uint64_t *number)
{
	struct slice text = call_text(call, name);

	*number = otherwise;
	if (text.len == 0 && otherwise)
		return true;
	if (slice_to_number(text, INT64_MAX, number) && *number > 0)
		return true;
	call_fail_problem(call, CONTROL_INVALID, name, "this is no number of a version",
	                  "1 and up: see version list");
	return false;
}

/* False: the call has been failed. */
static bool fetch(struct call *call, uint64_t number, struct model_snapshot **out,
                  struct store_version *version)
{
	struct reason reason = { "" };
	enum result result = version_read(call->keeper, number, out, version, &reason);

	if (result != RESULT_OK)
		call_fail(call, control_code_of(result), "%s", reason.text);
	return result == RESULT_OK;
}

static void answer_changes(struct call *call, const struct model_snapshot *from,
                           const struct model_snapshot *to)
{
	uint32_t total;

	buffer_clear(&call->changes);
	total = changes_write(from, to, &call->changes);
	json_put_number(&call->w, "total", total); /* `changes` may have been cut */
	json_put_raw(&call->w, "changes", buffer_slice(&call->changes));
	call_close(call);
}

void verb_run_VERSION_SHOW(struct call *call)
{
	struct model_snapshot *snapshot = NULL, *before = NULL;
	struct store_version version, parent;
	struct json_writer *w;
	uint64_t number;

	if (!read_version(call, "number", 0, &number) || !fetch(call, number, &snapshot, &version))
		return;
	if (version.parent ? fetch(call, version.parent, &before, &parent)
	                   : (before = model_snapshot_new()) != NULL) {
		w = call_open(call);
		json_put_number(w, "version", (int64_t)version.number);
		json_put_number(w, "parent", (int64_t)version.parent);
		json_put_number(w, "time", version.time_ms);
		json_put_text(w, "author", version.author);
		json_put_text(w, "comment", version.comment);
		json_put_text(w, "digest", version.digest);
		json_put_bool(w, "current", version.number == call->keeper->now.version.number);
		answer_changes(call, before, snapshot);
	}
	model_snapshot_free(&snapshot);
	model_snapshot_free(&before);
}

void verb_run_VERSION_DIFF(struct call *call)
{
	struct model_snapshot *from = NULL, *to = NULL;
	struct store_version version;
	struct json_writer *w;
	uint64_t a, b;

	if (!read_version(call, "from", 0, &a) ||
	    !read_version(call, "to", call->keeper->now.version.number, &b) ||
	    !fetch(call, a, &from, &version))
		return;
	if (fetch(call, b, &to, &version)) {
		w = call_open(call);
		json_put_number(w, "from", (int64_t)a);
		json_put_number(w, "to", (int64_t)b);
		answer_changes(call, from, to);
	}
	model_snapshot_free(&from);
	model_snapshot_free(&to);
}

/* ---- back ---- */

static bool is_expected_version(struct call *call)
{
	const struct json *given = json_get(call->params, "if_version");
	int64_t present = (int64_t)call->keeper->now.version.number;

	if (!given || json_as_number(given, -1) == present)
		return true;
	call_fail(call, CONTROL_CONFLICT, "version %lld is current, not %lld: look at what it changed first",
	          (long long)present, (long long)json_as_number(given, -1));
	return false;
}

/* What is staged is a draft, and a draft is not thrown away for another. */
static bool may_be_staged(struct call *call)
{
	if (!call->change.stages || !draft_find(call->keeper, &call->who))
		return true;
	call_fail(call, CONTROL_CONFLICT, "you have staged changes already: publish or clear them first");
	return false;
}

void verb_run_VERSION_RESTORE(struct call *call)
{
	struct model_snapshot *snapshot = NULL;
	struct store_version version;
	uint64_t number;

	if (!change_read(call) || !is_expected_version(call) || !may_be_staged(call) ||
	    !read_version(call, "number", 0, &number) || !fetch(call, number, &snapshot, &version))
		return;
	call->key = call_text(call, "number");
	if (!call->change.comment[0])
		snprintf(call->change.comment, sizeof call->change.comment, "restore of version %llu",
		         (unsigned long long)number);
	change_end(call, snapshot);
}

/* A version without another's change.  What was changed since is shown as a conflict, or stays when `leaves_later`. */
static void take_back(struct call *call, uint64_t number, bool leaves_later, const char *word)
{
	struct model_snapshot *with = NULL, *without = NULL, *merged = NULL;
	struct store_version version;
	size_t conflicts = 0;
	char words[96];

	if (!call->change.comment[0])
		snprintf(call->change.comment, sizeof call->change.comment, "%s of version %llu", word,
		         (unsigned long long)number);
	snprintf(words, sizeof words, "version %llu cannot be undone as it stands",
	         (unsigned long long)number);
	if (number < 2) {
		call_fail(call, CONTROL_INVALID, "there was nothing before version %llu",
		          (unsigned long long)number);
		return;
	}
	if (!fetch(call, number, &with, &version))
		return;
	if (fetch(call, number - 1, &without, &version)) {
		if (model_snapshot_merge(with, without, call->keeper->now.snapshot, MODEL_PREFER_THEIRS, NULL,
		                         NULL, &conflicts, &merged) != RESULT_OK) {
			call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
		} else if (conflicts && !leaves_later) {
			model_snapshot_free(&merged);
			change_fail_conflicts(call, with, without, words);
		} else {
			change_end(call, merged);
		}
	}
	model_snapshot_free(&with);
	model_snapshot_free(&without);
}

struct search {
	const char *author;
	uint64_t number; /* the newest of his; 0: none */
};

static void look(void *to, const struct store_version *version)
{
	struct search *search = to;

	if (!search->number && strcmp(version->author, search->author) == 0)
		search->number = version->number;
}

enum { UNDO_SEARCHED = 1000 };

void verb_run_UNDO(struct call *call)
{
	struct search mine = { .author = call->who.text };
	struct reason reason = { "" };
	uint64_t number;

	if (!change_read(call) || !is_expected_version(call) || !may_be_staged(call))
		return;
	if (call_text(call, "number").len == 0 &&
	    store_history(call->keeper->now.store, UNDO_SEARCHED, look, &mine, &reason) != RESULT_OK) {
		call_fail(call, CONTROL_UNAVAILABLE, "%s", reason.text);
		return;
	}
	if (call_text(call, "number").len == 0 && mine.number == 0) {
		call_fail(call, CONTROL_NOT_FOUND,
		          "you have published nothing lately; name the version to undo");
		return;
	}
	if (!read_version(call, "number", mine.number, &number))
		return;
	call->key = call_text(call, "number");
	/* Else it would be taken back once more when its time is over, from whoever has meant it by then. */
	call->change.ends_pending = number == call->keeper->pending.version;
	take_back(call, number, false, "undo");
}

/* ---- the version that waits ---- */

/* False: none does, and the call has been failed. */
static bool is_waiting(struct call *call)
{
	if (call->keeper->pending.version)
		return true;
	call_fail(call, CONTROL_NOT_FOUND, "no version waits to be confirmed");
	return false;
}

/* To keep a change for good is to make it: it asks for the same roles.  False: the call has been failed. */
static bool may_keep(struct call *call, uint64_t number)
{
	struct model_snapshot *with = NULL, *without = NULL;
	struct store_version version;
	struct reason reason = { "" };
	bool may = false;

	if (!fetch(call, number, &with, &version))
		return false;
	if (fetch(call, number - 1, &without, &version)) {
		may = roles_permit_changes(call->who.roles, without, with, &reason) == RESULT_OK;
		if (!may)
			call_fail(call, CONTROL_DENIED, "%s", reason.text);
	}
	model_snapshot_free(&with);
	model_snapshot_free(&without);
	return may;
}

void verb_run_CONFIRM(struct call *call)
{
	struct keeper *k = call->keeper;
	uint64_t number = k->pending.version;
	struct reason reason = { "" };
	struct emission e;
	struct json_writer *w;
	enum result result;

	if (!is_waiting(call) || !may_keep(call, number))
		return;
	call->version = number;
	result = pending_end(k, &reason);
	if (result != RESULT_OK) {
		call_fail(call, control_code_of(result), "%s", reason.text);
		return;
	}
	event_open(&e, k, CONTROL_EVENT_CONFIG_CONFIRMED);
	json_put_number(&e.w, "version", (int64_t)number);
	json_put_text(&e.w, "who", call->who.text);
	event_send(&e);
	w = call_open(call);
	json_put_number(w, "version", (int64_t)number);
	call_close(call);
}

void verb_run_REVERT(struct call *call)
{
	if (!change_read(call) || !is_expected_version(call) || !is_waiting(call))
		return;
	if (call->change.stages) {
		call_fail(call, CONTROL_USAGE, "a revert is not staged; an undo is");
		return;
	}
	call->change.ends_pending = true;
	take_back(call, call->keeper->pending.version, true, "revert");
}
