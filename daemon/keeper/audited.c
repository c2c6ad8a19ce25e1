/*
 * Calls and the audit: what was asked, what came of it, and who was refused.
 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/keeper/parts.h"

enum { DENIALS_BURST = 20, DENIALS_MS = 1000 };

/* ---- the command as it would be typed ---- */

static void add_value(struct buffer *out, const struct json *value)
{
	struct json_writer w = json_write(out);

	if (json_kind(value) == JSON_KIND_TEXT)
		buffer_add(out, json_as_slice(value));
	else if (json_kind(value) == JSON_KIND_ARRAY) /* as the command line takes several */
		for (size_t i = 0; i < json_count(value); i++)
			buffer_printf(out, "%s%.*s", i ? "," : "", SLICE_ARG(json_as_slice(json_at(value, i))));
	else
		json_write_value(&w, NULL, value);
}

void audited_command(const struct control_verb *verb, const struct json *params, struct buffer *out)
{
	const struct json *set = json_get(params, "set"), *value;
	struct control_argument argument;
	struct slice name;

	buffer_printf(out, "%s%s%s", verb->noun, verb->noun[0] ? " " : "", verb->verb);
	for (size_t i = 0; control_verb_argument(verb, i, &argument); i++) {
		value = argument.is_fields ? NULL : json_get(params, argument.name);
		if (!value)
			continue;
		buffer_add_char(out, ' ');
		add_value(out, value);
	}
	for (size_t i = 0; json_member(set, i, &name, &value); i++) {
		buffer_printf(out, " %.*s=", SLICE_ARG(name));
		add_value(out, value);
	}
}

/* ---- lines ---- */

static struct audit_entry entry_of(const struct who *who, const char *verb, const char *outcome)
{
	return (struct audit_entry){ .who = who->text,
		                     .uid = (uint32_t)who->uid,
		                     .login = who->login,
		                     .address = who->address,
		                     .verb = verb,
		                     .outcome = outcome };
}

/* Line and digest go to the log, which others keep: what is cut off here is found there. */
static void tell(struct keeper *k, const struct audit_entry *entry)
{
	struct emission e;

	event_open(&e, k, CONTROL_EVENT_AUDIT);
	json_put_text(&e.w, "who", entry->who);
	json_put_text(&e.w, "verb", entry->verb);
	json_put_slice(&e.w, "object", entry->object);
	json_put_text(&e.w, "outcome", entry->outcome);
	json_put_number(&e.w, "version", (int64_t)entry->version);
	json_put_number(&e.w, "line", (int64_t)k->audit.number);
	json_put_text(&e.w, "digest", k->audit.digest);
	event_send(&e);
}

static enum result write_call(struct call *call, const char *outcome, struct reason *reason)
{
	struct keeper *k = call->keeper;
	char roles[CONTROL_ROLES_TEXT_BYTES], verb[64] = "";
	struct audit_entry entry = entry_of(&call->who, verb, outcome);
	struct buffer method, command;
	enum result result;

	buffer_start(&method, sizeof verb);
	buffer_start(&command, AUDIT_OBJECT_MAX);
	control_verb_method(call->row.verb, &method);
	slice_to_text(buffer_slice(&method), verb, sizeof verb);
	audited_command(call->row.verb, call->params, &command);
	entry.roles = control_roles_text(call->who.roles, roles);
	entry.object = call->key;
	entry.command = buffer_slice(&command);
	entry.version = call->version;
	entry.asked = call->asked;
	entry.changes = buffer_slice(&call->changes);
	result = audit_write(&k->audit, keeper_now(k).wall_ms, &entry, reason);
	if (strcmp(outcome, "asked") != 0)
		tell(k, &entry);
	buffer_stop(&method);
	buffer_stop(&command);
	return result;
}

bool verb_audit_asked(struct call *call)
{
	struct reason reason = { "" };

	/* Whoever may only look may try: a way from there to a change would be a fault of ours. */
	if (json_as_bool(json_get(call->params, "dry_run"), false)) {
		call_fail(call, CONTROL_INTERNAL, "a dry run would have changed something");
		return false;
	}
	call->version = call->keeper->now.version.number;
	if (write_call(call, "asked", &reason) == RESULT_OK) {
		call->asked = call->keeper->audit.number;
		return true;
	}
	call_fail(call, CONTROL_UNAVAILABLE, "nothing was changed: %s", reason.text);
	return false;
}

enum result verb_audit_outcome(struct call *call, const char *outcome, struct reason *reason)
{
	enum result result = write_call(call, outcome, reason);

	call->asked = 0;
	return result;
}

void audited_denial(struct keeper *k, const struct who *who, const char *verb, struct slice command,
                    const char *why)
{
	struct denials *d = &k->denials;
	char outcome[REASON_BYTES + 16], roles[CONTROL_ROLES_TEXT_BYTES];
	struct audit_entry entry = entry_of(who, verb, outcome);
	int64_t now = keeper_now(k).mono_ms, earned = (now - d->at_ms) / DENIALS_MS;
	struct reason reason = { "" };

	if (earned > 0 || d->at_ms == 0) {
		d->tokens = d->at_ms == 0 || d->tokens + earned > DENIALS_BURST
		                    ? DENIALS_BURST
		                    : d->tokens + (uint32_t)earned;
		d->at_ms = now;
	}
	if (d->tokens ==
	    0) { /* each line is a disk's work: who is refused cannot make us do it without end */
		d->unwritten++;
		return;
	}
	d->tokens--;
	snprintf(outcome, sizeof outcome, "denied: %s", why);
	entry.roles = control_roles_text(who->roles, roles);
	entry.command = command;
	entry.version = k->now.version.number;
	entry.unwritten = d->unwritten;
	if (audit_write(&k->audit, keeper_now(k).wall_ms, &entry, &reason) == RESULT_OK)
		d->unwritten = 0;
	else
		fprintf(stderr, "keeper: %s\n", reason.text);
	tell(k, &entry);
}

uint64_t audited_own(struct keeper *k, const struct audit_entry *entry)
{
	struct reason reason = { "" };
	struct audit_entry own = *entry;
	bool is_written;

	own.who = own.who ? own.who : "parleyd";
	own.version = k->now.version.number;
	is_written = audit_write(&k->audit, keeper_now(k).wall_ms, &own, &reason) == RESULT_OK;
	if (!is_written)
		fprintf(stderr, "keeper: %s\n", reason.text);
	if (strcmp(entry->outcome, "asked") != 0)
		tell(k, &own);
	return is_written ? k->audit.number : 0;
}

/* ---- what a killed daemon left ---- */

void audited_unended(struct keeper *k)
{
	enum control_verb_id id = control_verb_named(slice_of(k->audit.unended_verb));
	bool is_deed = id < CONTROL_VERB_COUNT && control_verb(id)->effect == CONTROL_ACTS;
	bool is_published = k->now.version.number > k->audit.unended_version;
	struct audit_entry entry = { .who = "parleyd",
		                     .verb = k->audit.unended_verb,
		                     .version = k->now.version.number,
		                     .asked = k->audit.unended };
	struct reason reason = { "" };

	if (!k->audit.unended)
		return;
	entry.outcome = is_deed        ? "unknown: the daemon ended before it was over"
	                : is_published ? "published; the daemon ended before it could answer"
	                               : "not published: the daemon ended before";
	if (audit_write(&k->audit, keeper_now(k).wall_ms, &entry, &reason) == RESULT_OK)
		k->audit.unended = 0;
	else
		fprintf(stderr, "keeper: %s\n", reason.text);
	tell(k, &entry);
}
