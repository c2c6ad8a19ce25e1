/*
 * Staged changes: looked at, dropped, taken over to the version that is current now, tried and published.
 */
#include <stdio.h>

#include "daemon/keeper/parts.h"

enum { STAGE_ROW_ROOM = 8 * 1024, STAGE_PATH_BYTES = 1024 };

/* NULL: nothing is staged, and the call has been failed. */
static struct draft *draft_of(struct call *call)
{
	struct draft *draft = draft_find(call->keeper, &call->who);

	if (!draft)
		call_fail(call, CONTROL_NOT_FOUND, "you have staged nothing");
	return draft;
}

/* What it was begun from: the caller's.  False: the call has been failed. */
static bool read_base(struct call *call, const struct draft *draft, struct model_snapshot **out)
{
	struct store_version version;
	struct reason reason = { "" };
	enum result result = version_read(call->keeper, draft->base, out, &version, &reason);

	if (result != RESULT_OK)
		call_fail(call, control_code_of(result), "%s", reason.text);
	return result == RESULT_OK;
}

/* ---- list, diff ---- */

static void put_others(struct call *call, struct json_writer *w)
{
	json_open_array(w, "others");
	LIST_EACH (at, &call->keeper->drafts) {
		const struct draft *draft = LIST_OWNER(at, struct draft, node);

		if (draft == draft_find(call->keeper, &call->who))
			continue;
		json_open_object(w, NULL);
		json_put_text(w, "who", draft->who);
		json_put_text(w, "login", draft->login);
		json_put_number(w, "base", (int64_t)draft->base);
		json_put_number(w, "since", draft->since_ms);
		json_close_object(w);
	}
	json_close_array(w);
}

void verb_run_STAGE_LIST(struct call *call)
{
	struct keeper *k = call->keeper;
	const struct draft *draft = draft_find(k, &call->who);
	struct model_snapshot *base = NULL;
	uint32_t total = 0;
	struct json_writer *w;

	if (draft && !read_base(call, draft, &base))
		return;
	if (draft)
		total = changes_write(base, draft->snapshot, &call->changes);
	w = call_open(call);
	json_put_number(w, "base", (int64_t)(draft ? draft->base : k->now.version.number));
	json_put_number(w, "version", (int64_t)k->now.version.number);
	json_put_number(w, "since", draft ? draft->since_ms : 0);
	json_put_number(w, "total", total);
	json_put_raw(w, "changes", draft ? buffer_slice(&call->changes) : SLICE("[]"));
	if (draft)
		change_put_faults(w, "problems", draft->snapshot);
	else
		json_put_raw(w, "problems", SLICE("[]"));
	put_others(call, w);
	call_close(call);
	model_snapshot_free(&base);
}

static void put_conflict(void *to, const struct model_conflict *conflict)
{
	struct json_writer *w = to;

	if (buffer_room(w->out) > CONTROL_LINE_MAX / 2)
		change_put_conflict(w, conflict);
}

/* Against what is published now: what a rebase, and then a publish, would change. */
void verb_run_STAGE_DIFF(struct call *call)
{
	struct keeper *k = call->keeper;
	const struct draft *draft = draft_of(call);
	struct model_snapshot *base = NULL, *merged = NULL;
	struct json_writer *w;
	size_t conflicts;

	if (!draft || !read_base(call, draft, &base))
		return;
	w = call_open(call);
	json_put_number(w, "base", (int64_t)draft->base);
	json_put_number(w, "version", (int64_t)k->now.version.number);
	json_open_array(w, "conflicts");
	if (model_snapshot_merge(base, draft->snapshot, k->now.snapshot, MODEL_PREFER_MINE, put_conflict, w,
	                         &conflicts, &merged) != RESULT_OK) {
		model_snapshot_free(&base);
		call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
		return;
	}
	json_close_array(w);
	json_put_number(w, "total", changes_write(k->now.snapshot, merged, &call->changes));
	if (buffer_length(&call->changes) + STAGE_ROW_ROOM < buffer_room(w->out))
		json_put_raw(w, "changes", buffer_slice(&call->changes));
	call_close(call);
	model_snapshot_free(&base);
	model_snapshot_free(&merged);
}

/* ---- drop, clear ---- */

struct search {
	struct slice wanted;      /* a path, or the number of a change */
	uint64_t number, counted; /* 0: it is a path */
	const struct model_kind *kind;
	struct slice key;
	size_t field;
	bool is_found;
};

static void look(void *to, const struct model_change *change)
{
	struct search *s = to;
	struct buffer path;
	bool is_it;

	buffer_start(&path, STAGE_PATH_BYTES);
	change_path(change->kind, change->key, change->field, &path);
	s->counted++;
	is_it = s->number ? s->counted == s->number : slice_equal(buffer_slice(&path), s->wanted);
	if (is_it && !s->is_found) {
		s->is_found = true;
		s->kind = change->kind;
		s->key = change->key;
		s->field = change->field;
	}
	buffer_stop(&path);
}

static void answer_left(struct call *call, const struct model_snapshot *base)
{
	struct keeper *k = call->keeper;
	const struct draft *draft = draft_find(k, &call->who);
	struct json_writer *w;

	if (draft && changes_write(base, draft->snapshot, &call->changes) == 0) {
		draft_drop(k, &call->who);
		draft = NULL;
	}
	w = call_open(call);
	json_put_bool(w, "staged", draft != NULL);
	json_put_number(w, "base", (int64_t)(draft ? draft->base : k->now.version.number));
	json_put_number(w, "version", (int64_t)k->now.version.number);
	json_put_raw(w, "changes", draft ? buffer_slice(&call->changes) : SLICE("[]"));
	if (draft)
		change_put_faults(w, "problems", draft->snapshot);
	else
		json_put_raw(w, "problems", SLICE("[]"));
	call_close(call);
}

void verb_run_STAGE_DROP(struct call *call)
{
	struct draft *draft = draft_of(call);
	struct search search = { .wanted = call_text(call, "change") };
	struct model_snapshot *base = NULL, *copy = NULL;
	struct reason reason = { "" };
	enum result result = RESULT_NO_MEMORY;

	if (!draft || !read_base(call, draft, &base))
		return;
	slice_to_number(search.wanted, UINT32_MAX, &search.number);
	model_snapshot_diff(base, draft->snapshot, look, &search);
	if (!search.is_found) {
		call_fail(call, CONTROL_NOT_FOUND, "no such change is staged; stage list numbers them");
		model_snapshot_free(&base);
		return;
	}
	copy = model_snapshot_copy(draft->snapshot);
	if (copy)
		result = model_snapshot_restore(copy, base, search.kind, search.key, search.field);
	if (result == RESULT_OK)
		result = draft_put(call->keeper, &call->who, draft->base, copy, &reason);
	else
		model_snapshot_free(&copy);
	if (result == RESULT_OK)
		answer_left(call, base);
	else
		call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
	model_snapshot_free(&base);
}

void verb_run_STAGE_CLEAR(struct call *call)
{
	draft_drop(call->keeper, &call->who);
	answer_left(call, call->keeper->now.snapshot);
}

/* ---- rebase ---- */

static void take_over(struct call *call, const struct draft *draft, const struct model_snapshot *base,
                      enum model_preference preference, bool decides)
{
	struct keeper *k = call->keeper;
	struct model_snapshot *merged = NULL;
	struct reason reason = { "" };
	size_t conflicts;

	if (model_snapshot_merge(base, draft->snapshot, k->now.snapshot, preference, NULL, NULL, &conflicts,
	                         &merged) != RESULT_OK) {
		call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
	} else if (conflicts && !decides) {
		model_snapshot_free(&merged);
		change_fail_conflicts(
		        call, base, draft->snapshot,
		        "nothing was rebased: say whether mine or theirs counts, or drop what meets");
	} else if (draft_put(k, &call->who, k->now.version.number, merged, &reason) != RESULT_OK) {
		call_fail(call, CONTROL_UNAVAILABLE, "%s", reason.text);
	} else {
		answer_left(call, k->now.snapshot);
	}
}

void verb_run_STAGE_REBASE(struct call *call)
{
	struct slice prefer = call_text(call, "prefer");
	bool is_mine = slice_equal(prefer, SLICE("mine"));
	struct model_snapshot *base = NULL;
	const struct draft *draft;

	if (prefer.len && !is_mine && !slice_equal(prefer, SLICE("theirs"))) {
		call_fail_problem(call, CONTROL_INVALID, "prefer", "this says nothing", "mine, theirs");
		return;
	}
	draft = draft_of(call);
	if (!draft || !read_base(call, draft, &base))
		return;
	take_over(call, draft, base, is_mine ? MODEL_PREFER_MINE : MODEL_PREFER_THEIRS, prefer.len > 0);
	model_snapshot_free(&base);
}

/* ---- plan, publish ---- */

/* What would be published: the draft over what is published now.  NULL: the call has been failed. */
static struct model_snapshot *candidate_of(struct call *call, const struct draft *draft)
{
	struct model_snapshot *base = NULL, *merged = NULL;
	size_t conflicts;

	if (!read_base(call, draft, &base))
		return NULL;
	if (model_snapshot_merge(base, draft->snapshot, call->keeper->now.snapshot, MODEL_PREFER_MINE, NULL,
	                         NULL, &conflicts, &merged) != RESULT_OK)
		call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
	model_snapshot_free(&base);
	return merged;
}

void verb_run_PLAN(struct call *call)
{
	const struct draft *draft = draft_of(call);
	struct model_snapshot *candidate;

	if (!draft || !(candidate = candidate_of(call, draft)))
		return;
	call->change.is_draft = call->change.dry_runs = true;
	change_end(call, candidate);
}

void verb_run_PUBLISH(struct call *call)
{
	struct keeper *k = call->keeper;
	const struct json *expected = json_get(call->params, "if_version");
	int64_t present = (int64_t)k->now.version.number;
	const struct draft *draft;
	struct model_snapshot *base = NULL, *copy;
	char words[128];

	if (!change_read(call))
		return;
	if (call->change.stages) {
		call_fail(call, CONTROL_USAGE, "publish takes what is staged; it is not staged itself");
		return;
	}
	if (!call->change.comment[0] && !call->change.dry_runs) {
		call_fail_problem(call, CONTROL_INVALID, "comment",
		                  "say why: the comment is kept with the version", "1 to 511 bytes");
		return;
	}
	if (!(draft = draft_of(call)))
		return;
	call->change.is_draft = true;
	call->change.draft_edit = draft->edit;
	if (draft->base != k->now.version.number || (expected && json_as_number(expected, -1) != present)) {
		snprintf(words, sizeof words,
		         "version %lld is current, yours was begun from %llu: stage rebase first",
		         (long long)present, (unsigned long long)draft->base);
		if (!read_base(call, draft, &base))
			return;
		change_fail_conflicts(call, base, draft->snapshot, words);
		model_snapshot_free(&base);
		return;
	}
	copy = model_snapshot_copy(draft->snapshot);
	if (copy)
		change_end(call, copy);
	else
		call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
}
