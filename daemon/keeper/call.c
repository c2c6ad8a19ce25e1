/*
 * One call: a line becomes a verb with its params; the verb ends it with a result or an error, at once or later.
 */
#include <stdarg.h>
#include <stdio.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

enum { CALL_ARENA_MAX = 1024 * 1024 };

static void call_free(struct call *call)
{
	loop_timer_stop(&call->timer);
	list_remove(&call->waiting);
	audit_walk_free(&call->walk);
	plan_free(&call->plan);
	control_request_free(&call->request);
	buffer_stop(&call->out);
	buffer_stop(&call->changes);
	buffer_stop(&call->warnings);
	model_snapshot_free(&call->change.base);
	model_snapshot_free(&call->change.candidate);
	image_drop(&call->change.trial);
	arena_stop(&call->arena);
	mem_free(call);
}

/* The answer goes to the session, if it is still there. */
static void finish(struct call *call)
{
	struct session *session = call->session;

	many_ended(call);
	if (session) {
		buffer_add(&session->out, buffer_slice(&call->out));
		if (call->out.is_broken)
			session->out.is_broken = true;
		session_call_done(session);
	}
	call_free(call);
}

struct json_writer *call_open(struct call *call)
{
	buffer_clear(&call->out);
	call->w = json_write(&call->out);
	control_reply_open(&call->w, call->request.id);
	json_open_object(&call->w, "result");
	return &call->w;
}

/* Refused for want of a role. */
static void tell_denied(struct keeper *k, const struct who *who, const struct control_verb *verb,
                        const struct control_request *request, const char *why)
{
	struct buffer command;
	char method[64];

	buffer_start(&command, AUDIT_OBJECT_MAX);
	audited_command(verb, request->params, &command);
	slice_to_text(
	        slice_first(request->method, request->method.len < sizeof method ? request->method.len : 0),
	        method, sizeof method);
	audited_denial(k, who, method, buffer_slice(&command), why);
	buffer_stop(&command);
}

/* A deed on the running daemon was asked for on record; so is what came of it. */
static void tell_outcome(struct call *call, const char *refused)
{
	char outcome[REASON_BYTES + 16];
	struct reason reason = { "" };

	if (!call->asked || call->row.verb->effect != CONTROL_ACTS)
		return;
	snprintf(outcome, sizeof outcome, "%s%s", refused ? "refused: " : "done", refused ? refused : "");
	if (verb_audit_outcome(call, outcome, &reason) != RESULT_OK)
		fprintf(stderr, "keeper: %s\n", reason.text);
}

void call_close(struct call *call)
{
	json_close_object(&call->w);
	control_reply_close(&call->w);
	if (call->out.is_broken) {
		call_fail(call, CONTROL_TOO_LARGE,
		          "the answer is longer than a line may be (64 KiB); ask for less");
		return;
	}
	tell_outcome(call, NULL);
	finish(call);
}

void call_fail(struct call *call, enum control_code code, const char *format, ...)
{
	struct reason words;
	va_list args;

	va_start(args, format);
	vsnprintf(words.text, sizeof words.text, format, args);
	va_end(args);
	tell_outcome(call, words.text);
	if (code == CONTROL_DENIED)
		tell_denied(call->keeper, &call->who, call->row.verb, &call->request, words.text);
	buffer_clear(&call->out);
	control_error_write(&call->out, call->request.has_id, call->request.id, code, words.text, SLICE(""));
	finish(call);
}

void call_fail_problems(struct call *call, enum control_code code, const char *message, struct slice problems)
{
	tell_outcome(call, message);
	buffer_clear(&call->out);
	control_error_write(&call->out, call->request.has_id, call->request.id, code, message, problems);
	finish(call);
}

void call_fail_problem(struct call *call, enum control_code code, const char *path, const char *why,
                       const char *allowed)
{
	struct buffer problems;
	struct json_writer w = json_write(&problems);

	buffer_start(&problems, CONTROL_LINE_MAX / 4);
	json_open_array(&w, NULL);
	json_open_object(&w, NULL);
	json_put_text(&w, "path", path);
	json_put_text(&w, "why", why);
	json_put_text(&w, "allowed", allowed);
	json_close_object(&w);
	json_close_array(&w);
	call_fail_problems(call, code, why, buffer_slice(&problems));
	buffer_stop(&problems);
}

struct slice call_text(const struct call *call, const char *name)
{
	if (call->many && strcmp(name, call->many->argument) == 0)
		return call->many->name;
	return json_as_slice(json_get(call->params, name));
}

bool call_key(struct call *call, const char *name, enum model_kind_id id)
{
	const struct model_kind *kind = model_kind(id);
	const struct model_field *row = &kind->fields[kind->key];
	struct model_value value = { .number = 0 };
	struct reason reason = { "" };
	struct buffer allowed;

	if (config_value_read(row, call_text(call, name), &call->arena, &value, &reason) == RESULT_OK) {
		call->key = value.text;
		return true;
	}
	buffer_start(&allowed, 1024);
	model_allowed(row, &allowed);
	buffer_add_char(&allowed, '\0');
	call_fail_problem(call, CONTROL_INVALID, name, reason.text,
	                  allowed.is_broken ? "" : buffer_slice(&allowed).ptr);
	buffer_stop(&allowed);
	return false;
}

/* ---- from a line ---- */

static void refuse_line(struct session *session, const struct control_request *request,
                        enum control_code code, const char *words)
{
	control_error_write(&session->out, request->has_id, request->id, code, words, SLICE(""));
	session_written(session);
}

void call_begin(struct session *session, struct slice line)
{
	struct control_request request;
	struct reason reason = { "" };
	struct verb_row row = { .verb = NULL, .extras = "" };
	enum control_code code;
	struct call *call = NULL;

	if (control_request_read(line, &request, &code, &reason) != RESULT_OK) {
		refuse_line(session, &request, code, reason.text);
		return;
	}
	if (!request.has_id) { /* JSON-RPC 2.0 §4.1: a notification; no verb of ours is one */
		control_request_free(&request);
		refuse_line(session, &(struct control_request){ 0 }, CONTROL_NOT_A_REQUEST,
		            "every request needs an id");
		return;
	}
	verb_row_named(request.method, &row);

	const struct admission how = { .roles = session->who.roles,
		                       .is_read_only = session->is_read_only,
		                       .has_greeted = session->has_greeted,
		                       .extras = row.extras };

	code = role_admit(&how, row.verb, request.params, &reason);
	if (code == CONTROL_OK && !(call = mem_new(sizeof *call))) {
		code = CONTROL_UNAVAILABLE;
		fail(&reason, RESULT_NO_MEMORY, "out of memory");
	}
	if (code == CONTROL_DENIED)
		tell_denied(session->control->keeper, &session->who, row.verb, &request, reason.text);
	if (code != CONTROL_OK) {
		refuse_line(session, &request, code, reason.text);
		control_request_free(&request);
		return;
	}
	call->keeper = session->control->keeper;
	call->session = session;
	call->row = row;
	call->request = request;
	call->params = request.params;
	call->who = session->who;
	call->change.trial.fd = -1;
	list_start(&call->waiting);
	arena_start(&call->arena, CALL_ARENA_MAX);
	buffer_start(&call->out, CONTROL_LINE_MAX);
	buffer_start(&call->changes, CONTROL_LINE_MAX / 2);
	buffer_start(&call->warnings, CONTROL_LINE_MAX / 8);
	session->call = call;
	if (row.verb->effect != CONTROL_ACTS || verb_audit_asked(call))
		many_run(call);
}
