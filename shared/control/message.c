#include "shared/control/control.h"

/* Leaves `id` and `has_id` as read so far, so that an error can still name the request it answers. */
static enum result refuse(struct control_request *out, enum control_code *code, enum control_code which,
                          struct reason *reason, const char *why)
{
	json_free(&out->whole);
	out->method = SLICE_NONE;
	out->params = NULL;
	*code = which;
	return fail(reason, RESULT_INVALID, "%s", why);
}

enum result control_request_read(struct slice line, struct control_request *out, enum control_code *code,
                                 struct reason *reason)
{
	const struct json *id, *version;
	enum result result;

	*out = (struct control_request){ 0 };
	*code = CONTROL_OK;
	if (line.len >= CONTROL_LINE_MAX)
		return refuse(out, code, CONTROL_TOO_LARGE, reason, "the line is longer than 64 KiB");
	result = json_read(line, &out->whole, reason);
	if (result != RESULT_OK) {
		*code = result == RESULT_INVALID ? CONTROL_NOT_JSON : control_code_of(result);
		return RESULT_INVALID;
	}
	if (json_kind(out->whole) != JSON_KIND_OBJECT)
		return refuse(out, code, CONTROL_NOT_A_REQUEST, reason,
		              "a request is one JSON object; batches are not taken");

	id = json_get(out->whole, "id");
	out->has_id = json_kind(id) == JSON_KIND_NUMBER && json_as_number(id, -1) >= 0;
	out->id = out->has_id ? json_as_number(id, 0) : 0;
	if (id && !out->has_id)
		return refuse(out, code, CONTROL_NOT_A_REQUEST, reason, "id must be a whole number from 0");

	version = json_get(out->whole, "jsonrpc");
	if (!slice_equal(json_as_slice(version), SLICE("2.0")))
		return refuse(out, code, CONTROL_NOT_A_REQUEST, reason, "jsonrpc must be \"2.0\"");
	out->method = json_as_slice(json_get(out->whole, "method"));
	if (slice_is_empty(out->method))
		return refuse(out, code, CONTROL_NOT_A_REQUEST, reason, "method is missing or no text");
	out->params = json_get(out->whole, "params");
	if (out->params && json_kind(out->params) != JSON_KIND_OBJECT)
		return refuse(out, code, CONTROL_USAGE, reason,
		              "params must be an object with named members");
	return RESULT_OK;
}

void control_request_free(struct control_request *request)
{
	json_free(&request->whole);
	*request = (struct control_request){ 0 };
}

/* ---- what a server says, as a client reads it ---- */

enum result control_answer_read(struct slice line, struct control_answer *out, struct reason *reason)
{
	const struct json *id, *error;
	enum result result;

	*out = (struct control_answer){ 0 };
	result = json_read(line, &out->whole, reason);
	if (result != RESULT_OK)
		return result;

	id = json_get(out->whole, "id");
	error = json_get(out->whole, "error");
	out->has_id = json_kind(id) == JSON_KIND_NUMBER;
	out->id = json_as_number(id, 0);
	out->result = json_get(out->whole, "result");
	if (json_kind(error) == JSON_KIND_OBJECT) {
		out->code = control_code_named(json_as_slice(json_get(json_get(error, "data"), "code")));
		out->message = json_as_slice(json_get(error, "message"));
		out->problems = json_get(json_get(error, "data"), "problems");
	} else if (!out->has_id &&
	           slice_equal(json_as_slice(json_get(out->whole, "method")), SLICE("event"))) {
		out->event = json_get(out->whole, "params");
	}
	/* An error without id answers a line the server could not read; everything else is answer or event. */
	if (!slice_equal(json_as_slice(json_get(out->whole, "jsonrpc")), SLICE("2.0")) ||
	    (!out->event && !error && !(out->has_id && out->result)) ||
	    (error && json_kind(error) != JSON_KIND_OBJECT)) {
		control_answer_free(out);
		return fail(reason, RESULT_INVALID, "the daemon's line is neither an answer nor an event");
	}
	return RESULT_OK;
}

void control_answer_free(struct control_answer *answer)
{
	json_free(&answer->whole);
	*answer = (struct control_answer){ 0 };
}

/* ---- envelopes ---- */

static void open_envelope(struct json_writer *w)
{
	json_open_object(w, NULL);
	json_put_text(w, "jsonrpc", "2.0");
}

static void close_envelope(struct json_writer *w)
{
	json_close_object(w);
	buffer_add_char(w->out, '\n');
	w->needs_comma = false; /* the next envelope starts afresh */
}

void control_reply_open(struct json_writer *w, int64_t id)
{
	open_envelope(w);
	json_put_number(w, "id", id);
}

void control_reply_close(struct json_writer *w) { close_envelope(w); }

void control_error_write(struct buffer *out, bool has_id, int64_t id, enum control_code code,
                         const char *message, struct slice problems)
{
	struct json_writer w = json_write(out);

	open_envelope(&w);
	if (has_id)
		json_put_number(&w, "id", id);
	else
		json_put_null(&w, "id"); /* JSON-RPC 2.0 §5: the request's id could not be learned */
	json_open_object(&w, "error");
	json_put_number(&w, "code", control_code_rpc(code));
	json_put_text(&w, "message", message);
	json_open_object(&w, "data");
	json_put_text(&w, "code", control_code_name(code));
	if (problems.len)
		json_put_raw(&w, "problems", problems);
	json_close_object(&w);
	json_close_object(&w);
	close_envelope(&w);
}

void control_request_open(struct json_writer *w, int64_t id, const char *method)
{
	open_envelope(w);
	json_put_number(w, "id", id);
	json_put_text(w, "method", method);
}

void control_request_close(struct json_writer *w) { close_envelope(w); }

void control_event_open(struct json_writer *w)
{
	open_envelope(w);
	json_put_text(w, "method", "event");
}

void control_event_close(struct json_writer *w) { close_envelope(w); }
