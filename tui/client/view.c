#include "tui/client/view.h"

enum { VIEW_PARAMS_MAX = 4096 };

void view_start(struct view *view, const char *method, int64_t every_ms)
{
	*view = (struct view){ .method = method, .every_ms = every_ms };
	buffer_start(&view->params, VIEW_PARAMS_MAX);
}

void view_stop(struct view *view)
{
	control_answer_free(&view->last);
	buffer_stop(&view->params);
}

void view_refresh(struct view *view, struct client *client, struct instant now)
{
	if (view->asked_id || now.mono_ms < view->due_ms || client_state(client) != CLIENT_UP)
		return;
	view->asked_id = client_ask(client, now, view->method, buffer_slice(&view->params), VIEW_TIMEOUT_MS,
	                            &view->trouble);
	view->due_ms = now.mono_ms + view->every_ms;
}

void view_hurry(struct view *view) { view->due_ms = 0; }

bool view_take(struct view *view, int64_t id, struct control_answer *answer, struct instant now)
{
	if (id == 0 || id != view->asked_id)
		return false;
	view->asked_id = 0;
	if (answer->code != CONTROL_OK) {
		fail(&view->trouble, RESULT_OK, "%.*s", SLICE_ARG(answer->message));
		return true;
	}
	view->trouble.text[0] = '\0';
	control_answer_free(&view->last);
	view->last = *answer;
	view->heard_ms = now.mono_ms;
	answer->whole = NULL;
	return true;
}

const struct json *view_result(const struct view *view) { return view->last.result; }
