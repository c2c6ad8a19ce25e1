/*
 * remote list and remote disconnect: users of ours outside, as the service has them.
 */
#include "daemon/keeper/parts.h"

static const char keys[] = "user kind state address agent device since expires_in_s outbound messages_in "
                           "messages_out connection";

static void put_row(struct json_writer *w, const struct json *row) { json_write_value(w, NULL, row); }

static void list(void *to, const struct json *rows, const char *why)
{
	live_rows_write(to, rows, why, keys, NULL, put_row);
}

void verb_run_REMOTE_LIST(struct call *call) { query_ask(&call->keeper->access, "remotes", list, call); }

static void disconnected(void *to, const struct json *answer, const char *why)
{
	struct call *call = to;
	int64_t count = json_as_number(json_get(answer, "count"), 0);
	struct json_writer *w;

	if (!answer) {
		call_fail(call, CONTROL_UNAVAILABLE, "%s", why);
	} else if (count == 0) {
		call_fail(call, CONTROL_NOT_FOUND,
		          "%.*s is not signed in from outside; `remote list` shows who is",
		          SLICE_ARG(call->key));
	} else {
		w = call_open(call);
		json_put_text(w, "done", "disconnect");
		json_put_number(w, "count", count);
		call_close(call);
	}
}

void verb_run_REMOTE_DISCONNECT(struct call *call)
{
	struct query_deed deed = { .what = "disconnect", .who = call->who.text };

	if (!call_key(call, "user", MODEL_USER))
		return;
	deed.object = call->key;
	query_act_as(&call->keeper->access, &deed, disconnected, call);
}
