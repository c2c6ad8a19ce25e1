/*
 * Verbs that change single objects: one edit between change_begin and change_end; and how a change's call ends.
 */
#include <stdio.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

/* ---- end ---- */

static void answer(struct call *call, bool applied, const char *note)
{
	struct json_writer *w = call_open(call);
	char both[2 * REASON_BYTES];

	snprintf(both, sizeof both, "%s%s%s", note, note[0] && call->note.text[0] ? "; " : "",
	         call->note.text);
	json_put_number(w, "version", (int64_t)call->version);
	json_put_bool(w, "applied", applied);
	json_put_raw(w, "changes",
	             buffer_length(&call->changes) ? buffer_slice(&call->changes) : SLICE("[]"));
	json_put_number(w, "total", call->change.count);
	json_put_text(w, "note", both);
	json_put_raw(w, "warnings",
	             buffer_length(&call->warnings) ? buffer_slice(&call->warnings) : SLICE("[]"));
	if (call->change.confirm_s && call->keeper->pending.version == call->version) {
		json_put_number(w, "confirm_within", call->change.confirm_s);
		json_put_number(w, "confirm_until", call->keeper->pending.until_ms);
	}
	call_close(call);
}

void verb_unchanged(struct call *call) { answer(call, true, ""); }

/* How far one service is with a version. */
enum taken { TAKEN_YES, TAKEN_STOPPED, TAKEN_NEVER, TAKEN_NOT_YET };

static enum taken taken_by(const struct service *s, uint64_t version)
{
	if (service_is_up(s) && s->generation >= version)
		return TAKEN_YES;
	if (!s->is_wanted) /* nothing runs that would have to take it */
		return TAKEN_STOPPED;
	return s->refused_generation >= version ? TAKEN_NEVER : TAKEN_NOT_YET;
}

/* True: nothing more will come, and the call has been answered. */
static bool is_settled(struct call *call)
{
	char words[2 * KEEPER_WHY_BYTES] = "";
	bool is_applied = true;
	size_t used = 0;

	KEEPER_EACH_SERVICE (call->keeper, s) {
		enum taken taken = taken_by(s, call->version);
		const char *separator = used ? "; " : "";

		if (taken == TAKEN_NOT_YET)
			return false;
		if (taken == TAKEN_NEVER) {
			is_applied = false;
			used += (size_t)snprintf(words + used, sizeof words - used,
			                         "%s%s could not take it: %.200s", separator, s->name,
			                         s->refused_why);
		} else if (taken == TAKEN_STOPPED && !s->is_unused) {
			used += (size_t)snprintf(words + used, sizeof words - used, "%s%s is stopped: %s",
			                         separator, s->name, s->short_why);
		}
	}
	answer(call, is_applied, words);
	return true;
}

static void too_late(void *owner)
{
	struct call *call = owner;
	char words[128] = "";
	size_t used = 0;

	KEEPER_EACH_SERVICE (call->keeper, s)
		if (taken_by(s, call->version) == TAKEN_NOT_YET)
			used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", used ? ", " : "",
			                         s->name);
	snprintf(words + used, sizeof words - used, ": not taken yet; it will be");
	answer(call, false, words);
}

void verb_wait_applied(struct call *call)
{
	if (is_settled(call))
		return;
	list_add_last(&call->keeper->waiting, &call->waiting);
	loop_timer_set(call->keeper->loop, &call->timer, KEEPER_APPLY_MS, too_late, call);
}

void verb_applied(struct keeper *k)
{
	LIST_EACH_SAFE (at, &k->waiting)
		is_settled(LIST_OWNER(at, struct call, waiting));
}

void verb_published(struct call *call, enum result result, const struct reason *reason)
{
	struct reason audit_reason = { "" };
	char outcome[REASON_BYTES + 32];
	enum result audited;

	if (result != RESULT_OK) {
		snprintf(outcome, sizeof outcome, "%s: %s", result == RESULT_UNKNOWN ? "unknown" : "refused",
		         reason->text);
		verb_audit_outcome(call, outcome, &audit_reason);
		if (result == RESULT_INVALID)
			call_fail_problem(call, CONTROL_INVALID, "", reason->text, "");
		else
			call_fail(call, control_code_of(result), "%s", reason->text);
		return;
	}
	call->version = call->keeper->now.version.number;
	audited = verb_audit_outcome(call, "published", &audit_reason);
	if (audited != RESULT_OK && !call->note.text[0])
		call->note = audit_reason; /* it was asked on record, and it is in the store's journal */
	verb_wait_applied(call);
}

/* ---- fields ---- */

static bool write_text(struct buffer *out, const struct json *value)
{
	struct json_writer w = json_write(out);

	switch (json_kind(value)) {
	case JSON_KIND_TEXT: return buffer_add(out, json_as_slice(value));
	case JSON_KIND_BOOL:
	case JSON_KIND_NUMBER: json_write_value(&w, NULL, value); return true;
	case JSON_KIND_ARRAY:
		for (size_t i = 0; i < json_count(value); i++) {
			if (i)
				buffer_add_char(out, ' ');
			if (json_kind(json_at(value, i)) != JSON_KIND_TEXT)
				return false;
			buffer_add(out, json_as_slice(json_at(value, i)));
		}
		return true;
	case JSON_KIND_NULL:
	case JSON_KIND_OBJECT: break;
	}
	return false;
}

static void fail_field(struct call *call, const struct model_field *row, const char *why)
{
	struct buffer allowed;

	buffer_start(&allowed, 1024);
	model_allowed(row, &allowed);
	buffer_add_char(&allowed, '\0');
	call_fail_problem(call, CONTROL_INVALID, row->name, why,
	                  allowed.is_broken ? "" : buffer_slice(&allowed).ptr);
	buffer_stop(&allowed);
}

static void fail_unknown_field(struct call *call, const struct model_kind *kind, struct slice name)
{
	struct buffer names;
	char shown[64], why[160];

	buffer_start(&names, 4096);
	for (size_t i = 0; i < kind->field_count; i++)
		if (i != kind->key)
			buffer_printf(&names, "%s%s", buffer_length(&names) ? ", " : "",
			              kind->fields[i].name);
	buffer_add_char(&names, '\0');
	text_shown(name, shown, sizeof shown);
	snprintf(why, sizeof why, "%s has no field \"%s\"", kind->name, shown);
	call_fail_problem(call, CONTROL_INVALID, shown, why, names.is_broken ? "" : buffer_slice(&names).ptr);
	buffer_stop(&names);
}

/* One field of "set"; null puts back the default. False: the call has been failed. */
static bool set_field(struct call *call, struct model_object *object, const struct model_object *defaults,
                      struct arena *arena, struct slice name, const struct json *value)
{
	size_t field = model_field_named(object->kind, name);
	const struct model_field *row = &object->kind->fields[field];
	struct reason reason = { "" };
	struct buffer text;
	enum result result;

	if (field == object->kind->field_count) {
		fail_unknown_field(call, object->kind, name);
		return false;
	}
	if (field == object->kind->key) {
		fail_field(call, row, "the key cannot be set; it names the object");
		return false;
	}
	if (json_kind(value) == JSON_KIND_NULL) {
		object->values[field] = defaults->values[field];
		return true;
	}
	buffer_start(&text, CONTROL_LINE_MAX);
	result = write_text(&text, value)
	                 ? config_value_read(row, buffer_slice(&text), arena, &object->values[field], &reason)
	                 : fail(&reason, RESULT_INVALID,
	                        "a text, number, true, false or list of texts is needed");
	buffer_stop(&text);
	if (result == RESULT_NO_MEMORY)
		call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
	else if (result != RESULT_OK)
		fail_field(call, row, reason.text);
	return result == RESULT_OK;
}

/* All at its defaults but its key: it has just been made. */
static bool is_new(const struct model_object *object, const struct model_object *defaults)
{
	for (size_t i = 0; i < object->kind->field_count; i++)
		if (i != object->kind->key &&
		    !model_value_equal(&object->kind->fields[i], &object->values[i], &defaults->values[i]))
			return false;
	return true;
}

/* What may not change once the object is made is as it was.  False: the call has been failed. */
static bool keeps_fixed(struct call *call, const struct model_object *was, const struct model_object *object)
{
	for (size_t i = 0; i < object->kind->field_count; i++) {
		const struct model_field *field = &object->kind->fields[i];

		if (!(field->flags & MODEL_FIXED) ||
		    model_value_equal(field, &was->values[i], &object->values[i]))
			continue;
		call_fail_problem(call, CONTROL_INVALID, field->name,
		                  "cannot change; remove the object and add it anew",
		                  "the value it was made with");
		return false;
	}
	return true;
}

bool change_fields(struct call *call, struct model_snapshot *copy, struct model_object *object)
{
	const struct json *set = json_get(call->params, "set"), *value;
	const struct model_object *defaults = model_object_new(&copy->arena, object->kind);
	const struct model_object *was = model_object_copy(&copy->arena, object);
	struct slice name;

	if (!defaults || !was) {
		call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
		return false;
	}
	if (set && json_kind(set) != JSON_KIND_OBJECT) {
		call_fail(call, CONTROL_USAGE, "set is an object: field names and values");
		return false;
	}
	for (size_t i = 0; json_member(set, i, &name, &value); i++)
		if (!set_field(call, object, defaults, &copy->arena, name, value))
			return false;
	return is_new(was, defaults) || keeps_fixed(call, was, object);
}

/* ---- domains ---- */

struct model_object *change_entry(struct call *call, struct model_snapshot *copy, enum model_kind_id id)
{
	const struct model_kind *kind = model_kind(id);
	struct model_object *object = model_snapshot_find(copy, id, call->key);

	if (object)
		return object;
	object = model_object_new(&copy->arena, kind);
	if (object)
		object->values[kind->key].text = arena_copy(&copy->arena, call->key);
	if (!object || !object->values[kind->key].text.ptr || model_snapshot_add(copy, object) != RESULT_OK) {
		call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
		return NULL;
	}
	return object;
}

static void put_on_list(struct call *call, enum model_kind_id list, enum model_kind_id other)
{
	struct model_snapshot *copy;
	struct model_object *object;

	if (!call_key(call, "domain", list) || !(copy = change_begin(call)))
		return;
	model_snapshot_remove(copy, other, call->key); /* not on it: nothing to take off */
	object = change_entry(call, copy, list);
	if (object && change_fields(call, copy, object))
		change_end(call, copy);
	else
		model_snapshot_free(&copy);
}

void verb_run_DOMAIN_ALLOW(struct call *call)
{
	put_on_list(call, MODEL_ALLOWED_DOMAIN, MODEL_BLOCKED_DOMAIN);
}
void verb_run_DOMAIN_BLOCK(struct call *call)
{
	put_on_list(call, MODEL_BLOCKED_DOMAIN, MODEL_ALLOWED_DOMAIN);
}

void verb_run_DOMAIN_REMOVE(struct call *call)
{
	struct model_snapshot *copy;
	bool was_there;

	if (!call_key(call, "domain", MODEL_ALLOWED_DOMAIN) || !(copy = change_begin(call)))
		return;
	was_there = model_snapshot_remove(copy, MODEL_ALLOWED_DOMAIN, call->key) == RESULT_OK;
	was_there |= model_snapshot_remove(copy, MODEL_BLOCKED_DOMAIN, call->key) == RESULT_OK;
	if (was_there) {
		change_end(call, copy);
		return;
	}
	model_snapshot_free(&copy);
	call_fail(call, CONTROL_NOT_FOUND, "%.*s is on neither list", SLICE_ARG(call->key));
}

/* ---- roles ---- */

void verb_run_ROLE_GRANT(struct call *call)
{
	const size_t field = MODEL_FIELD(role_grant, roles);
	struct reason reason = { "" };
	struct model_snapshot *copy;
	struct model_object *grant;

	if (!call_key(call, "member", MODEL_ROLE_GRANT) || !(copy = change_begin(call)))
		return;
	grant = change_entry(call, copy, MODEL_ROLE_GRANT);
	if (grant && config_value_read(&grant->kind->fields[field], call_text(call, "roles"), &copy->arena,
	                               &grant->values[field], &reason) != RESULT_OK) {
		fail_field(call, &grant->kind->fields[field], reason.text);
		grant = NULL;
	}
	if (grant && change_fields(call, copy, grant)) {
		if (!control_member_exists(call->key))
			fail(&call->note, RESULT_NOT_FOUND,
			     "there is no such Unix user or group on this machine yet");
		change_end(call, copy);
	} else {
		model_snapshot_free(&copy);
	}
}

void verb_run_ROLE_REVOKE(struct call *call)
{
	struct model_snapshot *copy;

	if (!call_key(call, "member", MODEL_ROLE_GRANT) || !(copy = change_begin(call)))
		return;
	if (model_snapshot_remove(copy, MODEL_ROLE_GRANT, call->key) == RESULT_OK) {
		change_end(call, copy);
		return;
	}
	model_snapshot_free(&copy);
	call_fail(call, CONTROL_NOT_FOUND, "%.*s has been granted no role", SLICE_ARG(call->key));
}
