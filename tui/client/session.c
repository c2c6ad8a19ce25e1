#include "tui/client/session.h"

#include "tui/client/said.h"
#include "tui/client/words.h"

enum { SESSION_SAID_MAX = 4 * CONTROL_LINE_MAX };

void session_start(struct session *session, struct session_handlers handlers)
{
	*session = (struct session){ .handlers = handlers, .next_id = 1 };
	buffer_start(&session->in, CONTROL_LINE_MAX);
	buffer_start(&session->out, SESSION_OUT_MAX);
}

void session_stop(struct session *session)
{
	buffer_stop(&session->in);
	buffer_stop(&session->out);
}

static struct session_request *find_request(struct session *session, int64_t id)
{
	for (size_t i = 0; i < SESSION_PENDING_MAX; i++)
		if (session->pending[i].id == id)
			return &session->pending[i];
	return NULL;
}

int64_t session_ask(struct session *session, struct instant now, const char *method, struct slice params,
                    int64_t timeout_ms, struct reason *reason)
{
	struct session_request *request = find_request(session, 0);
	struct buffer line;
	struct json_writer w = json_write(&line);
	bool is_queued;

	if (!request) {
		fail(reason, RESULT_LIMIT, _("%d requests already wait for an answer"), SESSION_PENDING_MAX);
		return 0;
	}
	/* Written aside first: half a line in `out` would spoil everything after it. */
	buffer_start(&line, CONTROL_LINE_MAX);
	control_request_open(&w, session->next_id, method);
	if (params.len)
		json_put_raw(&w, "params", params);
	control_request_close(&w);
	is_queued = !line.is_broken && buffer_length(&line) <= buffer_room(&session->out) &&
	            buffer_add(&session->out, buffer_slice(&line));
	session->out.is_broken = false;
	buffer_stop(&line);
	if (!is_queued) {
		fail(reason, RESULT_LIMIT, _("the request is too long, or the daemon does not read"));
		return 0;
	}
	*request = (struct session_request){ session->next_id++, now.mono_ms, now.mono_ms + timeout_ms };
	return request->id;
}

/* The slot is free before the handler runs, so that it may ask the next thing. */
static void answer(struct session *session, struct session_request *request, struct control_answer *with)
{
	int64_t id = request->id;

	request->id = 0;
	session->handlers.on_answer(session->handlers.to, id, with);
}

static enum result read_answer(const struct session *session, struct slice line, struct control_answer *got,
                               struct reason *reason)
{
	struct buffer translated;
	enum result result;

	if (!session->handlers.translates || !words_are_translated())
		return control_answer_read(line, got, reason);
	buffer_start(&translated, SESSION_SAID_MAX);
	result = control_answer_read(said_line(line, &translated) ? buffer_slice(&translated) : line, got,
	                             reason);
	buffer_stop(&translated);
	return result;
}

enum result session_read(struct session *session, struct reason *reason)
{
	for (;;) {
		struct slice line;
		size_t consumed;
		struct control_answer got;
		struct session_request *request;
		enum result result = control_line_next(&session->in, &line, &consumed);

		if (result == RESULT_AGAIN)
			return RESULT_OK;
		if (result != RESULT_OK)
			return fail(reason, result, _("the daemon sent a line of more than 64 KiB"));
		result = read_answer(session, line, &got, reason);
		if (result != RESULT_OK)
			return result;
		buffer_consume(&session->in, consumed);
		request = got.has_id && got.id > 0 ? find_request(session, got.id) : NULL;
		if (request)
			answer(session, request, &got);
		else if (got.event && session->handlers.on_event)
			session->handlers.on_event(session->handlers.to, got.event);
		/* else: an answer after its deadline; its asker has been told already */
		control_answer_free(&got);
	}
}

static void answer_here(struct session *session, struct session_request *request, enum control_code code,
                        const char *message)
{
	struct control_answer made = {
		.id = request->id, .has_id = true, .code = code, .message = slice_of(message)
	};

	answer(session, request, &made);
}

void session_expire(struct session *session, struct instant now)
{
	for (size_t i = 0; i < SESSION_PENDING_MAX; i++)
		if (session->pending[i].id && session->pending[i].deadline_ms <= now.mono_ms)
			answer_here(session, &session->pending[i], CONTROL_TIMEOUT,
			            _("the daemon did not answer in time; look whether it was done"));
}

void session_lose(struct session *session, const char *why)
{
	int64_t end = session->next_id; /* what a handler asks meanwhile belongs to the next link */

	buffer_clear(&session->in);
	buffer_clear(&session->out);
	for (size_t i = 0; i < SESSION_PENDING_MAX; i++)
		if (session->pending[i].id && session->pending[i].id < end)
			answer_here(session, &session->pending[i], CONTROL_UNAVAILABLE, why);
}

int64_t session_deadline(const struct session *session)
{
	int64_t soonest = -1;

	for (size_t i = 0; i < SESSION_PENDING_MAX; i++)
		if (session->pending[i].id && (soonest < 0 || session->pending[i].deadline_ms < soonest))
			soonest = session->pending[i].deadline_ms;
	return soonest;
}

int64_t session_waiting_since(const struct session *session)
{
	int64_t oldest = -1;

	for (size_t i = 0; i < SESSION_PENDING_MAX; i++)
		if (session->pending[i].id && (oldest < 0 || session->pending[i].asked_ms < oldest))
			oldest = session->pending[i].asked_ms;
	return oldest;
}
