/*
 * The one way in for all that changes the configuration: a copy, an edit, and then it is staged, tried or published.
 *
 * Who says which version he thinks is current is never overruled: when another one is, he is shown what meets, with
 * his value, theirs and that of the version both began from.
 */
#include "daemon/keeper/parts.h"

#include <stdio.h>

enum { CHANGE_PROBLEM_ROOM = 8 * REASON_BYTES, CHANGE_VALUE_BYTES = 512, COMMENT_FIELDS_BYTES = 256 };

/* ---- how it is meant ---- */

static bool fail_how(struct call *call, const char *name, const char *why, const char *allowed)
{
	call_fail_problem(call, CONTROL_INVALID, name, why, allowed);
	return false;
}

/* "auto" asks for the rule; seconds, as a number or as text. */
static bool read_confirm(struct call *call)
{
	const struct json *given = json_get(call->params, "confirm_within");
	uint64_t seconds = (uint64_t)json_as_number(given, 0);
	char allowed[64];

	if (!given)
		return true;
	if (slice_equal(json_as_slice(given), SLICE("auto"))) {
		call->change.asks_rule = true;
		return true;
	}
	snprintf(allowed, sizeof allowed, "%d to %d seconds, or auto", KEEPER_CONFIRM_MIN_S,
	         KEEPER_CONFIRM_MAX_S);
	if ((json_kind(given) == JSON_KIND_TEXT &&
	     !slice_to_number(json_as_slice(given), KEEPER_CONFIRM_MAX_S, &seconds)) ||
	    seconds < KEEPER_CONFIRM_MIN_S || seconds > KEEPER_CONFIRM_MAX_S)
		return fail_how(call, "confirm_within", "this is no time to confirm in", allowed);
	call->change.confirm_s = (int64_t)seconds;
	return true;
}

bool change_read(struct call *call)
{
	struct change *change = &call->change;

	change->stages = json_as_bool(json_get(call->params, "stage"), false);
	change->dry_runs = json_as_bool(json_get(call->params, "dry_run"), false);
	change->begun_at = call->version = call->keeper->now.version.number;
	if (!read_confirm(call))
		return false;
	if (change->stages && (change->confirm_s || change->asks_rule))
		return fail_how(call, "confirm_within", "what is only staged needs no confirmation",
		                "confirm_within belongs to publish");
	if (!slice_to_text(call_text(call, "comment"), change->comment, sizeof change->comment))
		return fail_how(call, "comment", "the comment is too long", "up to 511 bytes");
	change->says_why = change->comment[0] != '\0';
	return true;
}

/* ---- what others have changed meanwhile ---- */

static void put_value(struct json_writer *w, const char *key, const struct model_object *object,
                      const struct model_conflict *c)
{
	struct buffer text;

	if (!object || c->field >= c->kind->field_count) {
		json_put_text(w, key, object ? "there" : "not there");
		return;
	}
	buffer_start(&text, 64 * 1024);
	model_value_write(&c->kind->fields[c->field], &object->values[c->field], &text);
	json_put_slice(w, key,
	               slice_first(buffer_slice(&text), buffer_length(&text) < CHANGE_VALUE_BYTES
	                                                        ? buffer_length(&text)
	                                                        : CHANGE_VALUE_BYTES));
	buffer_stop(&text);
}

void change_put_conflict(struct json_writer *w, const struct model_conflict *c)
{
	struct buffer path;

	buffer_start(&path, 1024);
	change_path(c->kind, c->key, c->field, &path);
	json_open_object(w, NULL);
	json_put_slice(w, "path", buffer_slice(&path));
	json_put_text(w, "why", "changed here and, since then, by somebody else");
	json_put_text(w, "allowed", "");
	json_put_text(w, "kind", c->kind->name);
	json_put_slice(w, "key", c->key);
	json_put_text(w, "field", c->field < c->kind->field_count ? c->kind->fields[c->field].name : "");
	put_value(w, "base", c->base, c);
	put_value(w, "mine", c->mine, c);
	put_value(w, "theirs", c->theirs, c);
	json_close_object(w);
	buffer_stop(&path);
}

static void put_if_room(void *to, const struct model_conflict *conflict)
{
	struct json_writer *w = to;

	if (buffer_room(w->out) > CHANGE_PROBLEM_ROOM)
		change_put_conflict(w, conflict);
}

void change_fail_conflicts(struct call *call, const struct model_snapshot *base,
                           const struct model_snapshot *mine, const char *words)
{
	const struct publication *now = &call->keeper->now;
	struct model_snapshot *merged = NULL;
	struct buffer problems;
	struct json_writer w = json_write(&problems);
	struct reason message = { "" };
	size_t conflicts = 0;

	buffer_start(&problems, CONTROL_LINE_MAX / 2);
	json_open_array(&w, NULL);
	if (model_snapshot_merge(base, mine, now->snapshot, MODEL_PREFER_THEIRS, put_if_room, &w, &conflicts,
	                         &merged) != RESULT_OK) {
		call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
		buffer_stop(&problems);
		return;
	}
	json_close_array(&w);
	if (conflicts)
		fail(&message, RESULT_CONFLICT, "%s; %zu change%s met what %s has changed", words, conflicts,
		     conflicts == 1 ? "" : "s", now->version.author);
	else
		fail(&message, RESULT_CONFLICT, "%s; nothing of it meets what was changed since, by %s",
		     words, now->version.author);
	call_fail_problems(call, CONTROL_CONFLICT, message.text, buffer_slice(&problems));
	model_snapshot_free(&merged);
	buffer_stop(&problems);
}

/* ---- begin ---- */

/* False: the call has been failed.  `*is_other`: the caller expects another version, and call->change.base is it. */
static bool check_expected(struct call *call, uint64_t present, bool *is_other)
{
	const struct json *expected = json_get(call->params, "if_version");
	struct store_version version;
	struct reason reason = { "" };

	*is_other = false;
	if (!expected)
		return true;
	if (json_kind(expected) != JSON_KIND_NUMBER || json_as_number(expected, -1) < 0) {
		call_fail(call, CONTROL_USAGE, "if_version is the number of a version");
		return false;
	}
	if ((uint64_t)json_as_number(expected, 0) == present)
		return true;
	*is_other = true;
	if (json_as_number(expected, 0) > 0 &&
	    version_read(call->keeper, (uint64_t)json_as_number(expected, 0), &call->change.base, &version,
	                 &reason) == RESULT_OK)
		return true;
	call_fail(call, CONTROL_CONFLICT, "version %llu is current, not %lld: somebody else has changed it",
	          (unsigned long long)present, (long long)json_as_number(expected, 0));
	return false;
}

struct model_snapshot *change_begin(struct call *call)
{
	struct keeper *k = call->keeper;
	const struct draft *draft;
	const struct model_snapshot *from = k->now.snapshot;
	struct model_snapshot *copy;
	bool is_other;

	if (many_begins_with(call, &copy))
		return copy;
	if (!change_read(call))
		return NULL;
	draft = call->change.stages ? draft_find(k, &call->who) : NULL;
	if (!check_expected(call, draft ? draft->base : k->now.version.number, &is_other))
		return NULL;
	if (is_other)
		from = call->change.base;
	else if (draft)
		from = draft->snapshot;
	copy = model_snapshot_copy(from);
	if (!copy)
		call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
	return copy;
}

/* ---- what no single field can say ---- */

static void put_fault(struct json_writer *w, const struct model_fault *fault)
{
	const struct model_kind *kind = fault->object ? fault->object->kind : NULL;

	if (buffer_room(w->out) < CHANGE_PROBLEM_ROOM)
		return;
	json_open_object(w, NULL);
	json_put_text(w, "path",
	              kind && fault->field < kind->field_count ? kind->fields[fault->field].name : "");
	json_put_text(w, "why", fault->why.text);
	json_put_text(w, "allowed", fault->allowed);
	json_put_text(w, "kind", kind ? kind->name : "");
	json_put_slice(w, "key", fault->object ? model_object_key(fault->object) : SLICE(""));
	json_close_object(w);
}

static void put_real_fault(void *to, const struct model_fault *fault)
{
	if (!fault->is_warning)
		put_fault(to, fault);
}

static void put_warning(void *to, const struct model_fault *fault) { put_fault(to, fault); }

/* Is this machine one of its edges?  As policy_image_edge finds it. */
static bool has_this_edge(const struct keeper *k, const struct model_snapshot *snapshot)
{
	return k->host.node[0] ? model_snapshot_find(snapshot, MODEL_EDGE, slice_of(k->host.node)) != NULL
	                       : snapshot->kinds[MODEL_EDGE].count == 1;
}

/* The rules of the model know nothing of the machine that publishes; that it takes itself out is told all the same. */
static void warn_of_this_edge(const struct keeper *k, const struct model_snapshot *after,
                              struct json_writer *w)
{
	if (!has_this_edge(k, k->now.snapshot) || has_this_edge(k, after))
		return;
	json_open_object(w, NULL);
	json_put_text(w, "path", "node");
	json_put_text(w, "why",
	              k->host.node[0] ? "names this edge, which the topology has no more: its services stop"
	                              : "does not say which of the edges is this one: its services stop");
	json_put_text(w, "allowed", "the fqdn of an edge, in host.xml of each machine");
	json_put_text(w, "kind", "host");
	json_put_text(w, "key", "");
	json_close_object(w);
}

/* What is doubtful in it, for the answer. */
static void note_warnings(struct call *call, const struct model_snapshot *after)
{
	struct json_writer w = json_write(&call->warnings);

	buffer_clear(&call->warnings);
	json_open_array(&w, NULL);
	changes_warnings(call->keeper->now.snapshot, after, put_warning, &w);
	warn_of_this_edge(call->keeper, after, &w);
	json_close_array(&w);
}

void change_put_faults(struct json_writer *w, const char *key, const struct model_snapshot *snapshot)
{
	json_open_array(w, key);
	model_snapshot_faults(snapshot, put_real_fault, w);
	json_close_array(w);
}

static void fail_faults(struct call *call, const struct model_snapshot *snapshot, const char *first)
{
	struct buffer problems;
	struct json_writer w = json_write(&problems);

	buffer_start(&problems, CONTROL_LINE_MAX / 2);
	change_put_faults(&w, NULL, snapshot);
	call_fail_problems(call, CONTROL_INVALID, first, buffer_slice(&problems));
	buffer_stop(&problems);
}

/* ---- staged ---- */

/* A draft may be at fault between two edits: what is wrong with it is told, and keeps it from being published. */
static void stage(struct call *call, struct model_snapshot *copy)
{
	struct keeper *k = call->keeper;
	struct draft *draft = draft_find(k, &call->who);
	uint64_t base = draft ? draft->base : k->now.version.number;
	struct reason reason = { "" };
	bool is_nothing = base == k->now.version.number && model_snapshot_equal(copy, k->now.snapshot);
	struct json_writer *w;
	enum result result = draft_put(k, &call->who, base, copy, &reason);

	if (result != RESULT_OK) {
		call_fail(call, result == RESULT_LIMIT ? CONTROL_BUSY : CONTROL_UNAVAILABLE, "%s",
		          reason.text);
		return;
	}
	w = call_open(call);
	json_put_bool(w, "staged", !is_nothing); /* what was staged before may have been put back */
	json_put_number(w, "base", (int64_t)base);
	json_put_number(w, "version", (int64_t)k->now.version.number);
	json_put_raw(w, "changes", buffer_slice(&call->changes));
	json_put_number(w, "total", call->change.count);
	json_put_raw(w, "warnings", buffer_slice(&call->warnings));
	change_put_faults(w, "problems", copy);
	if (is_nothing)
		draft_drop(k, &call->who);
	call_close(call);
}

/* ---- published ---- */

/* Of an object that is there once: the fields that changed. */
static void put_fields(const struct call *call, struct buffer *out)
{
	struct json *changes = NULL;

	if (json_read(buffer_slice(&call->changes), &changes, NULL) == RESULT_OK)
		for (size_t i = 0; i < json_count(changes); i++) {
			struct slice field = json_as_slice(json_get(json_at(changes, i), "field"));

			buffer_printf(out, "%s%.*s", i ? " " : "", SLICE_ARG(field));
		}
	json_free(&changes);
}

static void name_it(struct call *call)
{
	struct buffer method, fields;
	struct slice what;

	if (call->change.comment[0])
		return;
	buffer_start(&method, 64);
	buffer_start(&fields, COMMENT_FIELDS_BYTES);
	control_verb_method(call->row.verb, &method);
	put_fields(call, &fields);
	what = call->key.len ? call->key : slice_trim(buffer_slice(&fields));
	snprintf(call->change.comment, sizeof call->change.comment, "%.*s%s%.*s",
	         SLICE_ARG(buffer_slice(&method)), what.len ? " " : "",
	         SLICE_ARG(slice_first(what, what.len > 255 ? 255 : what.len)));
	buffer_stop(&fields);
	buffer_stop(&method);
}

static enum result arm_timer(struct call *call, int64_t time_ms, struct reason *reason)
{
	struct keeper *k = call->keeper;
	struct pending pending = { .version = k->now.version.number + 1,
		                   .time_ms = time_ms,
		                   .seconds = call->change.confirm_s,
		                   .until_ms = time_ms + call->change.confirm_s * 1000 };

	if (k->pending.version)
		return fail(reason, RESULT_CONFLICT,
		            "version %llu of %s still waits to be confirmed: confirm or revert it first",
		            (unsigned long long)k->pending.version, k->pending.who);
	snprintf(pending.who, sizeof pending.who, "%s", call->who.text);
	return pending_prepare(k, &pending, reason);
}

/* What was published is staged no longer; what was staged since, while the service was asked, is. */
static void drop_draft(struct call *call)
{
	const struct draft *draft = call->change.is_draft ? draft_find(call->keeper, &call->who) : NULL;

	if (draft && draft->edit == call->change.draft_edit)
		draft_drop(call->keeper, &call->who);
}

static void publish(struct call *call, struct model_snapshot *copy)
{
	struct keeper *k = call->keeper;
	struct reason reason = { "" }, later = { "" };
	struct buffer none = { .max = 0 };
	struct publish_order order = { .author = call->who.text,
		                       .comment = call->change.comment,
		                       .time_ms = keeper_now(k).wall_ms,
		                       .takes_edits = call->change.takes_edits,
		                       .note = &call->note };
	bool has_timer = call->change.confirm_s > 0;
	enum result result = RESULT_OK;

	name_it(call);
	if (!verb_audit_asked(call)) {
		model_snapshot_free(&copy);
		return;
	}
	order.changes = changes_write(k->now.snapshot, copy, &none);
	if (has_timer && (result = arm_timer(call, order.time_ms, &reason)) != RESULT_OK)
		model_snapshot_free(&copy);
	else
		result = publish_snapshot(k, copy, &order, &reason);
	if (result == RESULT_OK && has_timer)
		pending_begin(k);
	else if (result != RESULT_OK && result != RESULT_UNKNOWN && has_timer && !k->pending.version)
		pending_end(
		        k,
		        &later); /* unknown, or not to be forgotten: the next start sees whether it ever was */
	if (result == RESULT_OK && call->change.ends_pending && pending_end(k, &later) != RESULT_OK)
		call->note = later;
	if (result == RESULT_OK)
		drop_draft(call);
	verb_published(call, result, &reason);
}

/* ---- the rule: what closes much, or switches an access off, comes back by itself unless somebody says that it is right ---- */

static void look_for_switch(void *to, const struct model_change *change)
{
	bool *is_off = to;

	if (change->what == MODEL_CHANGED && change->kind->id == MODEL_ACCESS_EDGE &&
	    change->kind->fields[change->field].type == MODEL_BOOL &&
	    slice_starts(slice_of(change->kind->fields[change->field].name), SLICE("allow-")) &&
	    !change->after->values[change->field].flag)
		*is_off = true;
}

static bool has_running_service(struct keeper *k)
{
	KEEPER_EACH_SERVICE (k, s)
		if (service_is_up(s))
			return true;
	return false;
}

static void decide_timer(void *to, const struct json *closing, const char *why)
{
	struct call *call = to;
	struct model_snapshot *copy = call->change.candidate;

	call->change.candidate = NULL;
	image_drop(&call->change.trial);
	/* What could not be learned is taken for much; a service that does not run has no connections to close. */
	if (json_as_number(json_get(closing, "count"), 0) > KEEPER_CONFIRM_CLOSING ||
	    (why[0] && has_running_service(call->keeper)))
		call->change.confirm_s = KEEPER_CONFIRM_S;
	if (call->keeper->is_ending) {
		model_snapshot_free(&copy);
		call_fail(call, CONTROL_UNAVAILABLE, "the daemon stops; nothing was changed");
		return;
	}
	if (call->keeper->now.version.number != call->change.begun_at) {
		model_snapshot_free(&copy);
		call_fail(call, CONTROL_CONFLICT, "version %llu was published by %s meanwhile; try again",
		          (unsigned long long)call->keeper->now.version.number,
		          call->keeper->now.version.author);
		return;
	}
	publish(call, copy);
}

static void publish_by_rule(struct call *call, struct model_snapshot *copy)
{
	bool is_off = false;

	model_snapshot_diff(call->keeper->now.snapshot, copy, look_for_switch, &is_off);
	if (is_off) {
		call->change.confirm_s = KEEPER_CONFIRM_S;
		publish(call, copy);
		return;
	}
	call->change.candidate = copy;
	plan_ask(call, copy, decide_timer);
}

/* ---- end ---- */

/* Words of ours ("undo of version 7") are no reason.  What waits to be confirmed may go back without one. */
static bool lacks_reason(const struct call *call)
{
	return image_topology_at(call->keeper->now.image, 0)->require_comment && !call->change.says_why &&
	       call->row.verb != control_verb(CONTROL_VERB_REVERT);
}

static const struct model_snapshot *before_of(struct call *call)
{
	const struct draft *draft = call->change.stages ? draft_find(call->keeper, &call->who) : NULL;

	if (call->change.base)
		return call->change.base;
	return draft ? draft->snapshot : call->keeper->now.snapshot;
}

static void end_unchanged(struct call *call)
{
	struct reason reason = { "" };

	if (!call->change.dry_runs)
		drop_draft(call);
	if (!call->change.ends_pending || call->change.dry_runs || call->change.stages) {
		verb_unchanged(call);
		return;
	}
	/* Somebody has put it right already; that nothing waits any more is a deed nevertheless. */
	if (!verb_audit_asked(call))
		return;
	if (pending_end(call->keeper, &reason) != RESULT_OK)
		call->note = reason;
	verb_audit_outcome(call, "nothing was left to take back", &reason);
	verb_unchanged(call);
}

void change_end(struct call *call, struct model_snapshot *copy)
{
	struct reason reason = { "" };
	char words[96];

	if (many_goes_on(call, copy))
		return;
	note_warnings(call, copy);
	call->change.count = changes_write(before_of(call), copy, &call->changes);
	if (call->change.count == 0) {
		buffer_clear(&call->warnings);
		model_snapshot_free(&copy);
		end_unchanged(call);
	} else if (call->change.base) {
		snprintf(words, sizeof words, "version %llu is current, not %lld",
		         (unsigned long long)call->keeper->now.version.number,
		         (long long)json_as_number(json_get(call->params, "if_version"), 0));
		change_fail_conflicts(call, call->change.base, copy, words);
		model_snapshot_free(&copy);
	} else if (call->change.stages && !call->change.dry_runs) {
		stage(call, copy);
	} else if (model_snapshot_check(copy, &reason) != RESULT_OK) {
		fail_faults(call, copy, reason.text);
		model_snapshot_free(&copy);
	} else if (call->change.dry_runs) {
		call->change.candidate = copy;
		plan_ask(call, copy, plan_answer);
	} else if (roles_permit_changes(call->who.roles, call->keeper->now.snapshot, copy, &reason) !=
	           RESULT_OK) {
		model_snapshot_free(&copy);
		call_fail(call, CONTROL_DENIED, "%s", reason.text);
	} else if (lacks_reason(call)) {
		model_snapshot_free(&copy);
		fail_how(call, "comment",
		         "a change must say why here (topology, require-comment), also the one that turns "
		         "this off: give --comment",
		         "1 to 511 bytes");
	} else if (call->change.asks_rule) {
		publish_by_rule(call, copy);
	} else {
		publish(call, copy);
	}
}
