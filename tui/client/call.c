#include "tui/client/call.h"

#include <errno.h>
#include <poll.h>

#include "shared/base/memory.h"
#include "tui/client/words.h"

struct caller {
	struct caller_setup setup;
	struct client *client;
	int64_t waiting; /* id; 0: the answer is in `answer` */
	struct control_answer answer;
	struct reason kept; /* text of an answer made here, which must outlive its maker */
};

static void keep_answer(void *to, int64_t id, struct control_answer *answer)
{
	struct caller *caller = to;

	if (id != caller->waiting)
		return;
	caller->waiting = 0;
	caller->answer = *answer;
	if (!answer->whole) {
		fail(&caller->kept, RESULT_OK, "%.*s", SLICE_ARG(answer->message));
		caller->answer.message = slice_of(caller->kept.text);
	}
	answer->whole = NULL;
}

static void pass_event(void *to, const struct json *event)
{
	struct caller *caller = to;

	if (caller->setup.on_event)
		caller->setup.on_event(caller->setup.to, event);
}

/* One wait: until the socket is ready, the next deadline has come, or `stop` is readable (then true). */
static bool turn(struct caller *caller, int stop)
{
	struct pollfd polled[2] = { { client_descriptor(caller->client), client_wants(caller->client), 0 },
		                    { stop, POLLIN, 0 } };
	int64_t deadline = client_deadline(caller->client);
	int64_t pause = deadline < 0 ? 1000 : deadline - caller->setup.now().mono_ms;

	if (poll(polled, 2, pause < 0 ? 0 : pause > 1000 ? 1000 : (int)pause) < 0) {
		polled[0].revents = 0; /* EINTR: nothing is known to be ready */
		polled[1].revents = 0;
	}
	client_step(caller->client, caller->setup.now(), polled[0].revents);
	return polled[1].revents != 0;
}

enum result caller_open(const struct caller_setup *setup, struct caller **out, enum control_code *code,
                        struct reason *reason)
{
	struct caller *caller = mem_new(sizeof *caller);
	struct client_setup client = { .path = setup->path,
		                       .name = setup->name,
		                       .is_read_only = setup->is_read_only,
		                       .handlers = { keep_answer, pass_event, caller } };

	*out = NULL;
	*code = CONTROL_INTERNAL;
	if (!caller || !(caller->client = client_new(&client))) {
		mem_free(caller);
		return fail(reason, RESULT_NO_MEMORY, _("out of memory"));
	}
	caller->setup = *setup;
	client_step(caller->client, setup->now(), 0);
	while (client_state(caller->client) == CLIENT_GREETING)
		turn(caller, -1);
	if (client_state(caller->client) != CLIENT_UP) {
		*code = client_trouble_code(caller->client);
		fail(reason, RESULT_CLOSED, "%s", client_trouble(caller->client));
		caller_close(&caller);
		return RESULT_CLOSED;
	}
	*code = CONTROL_OK;
	*out = caller;
	return RESULT_OK;
}

void caller_close(struct caller **caller)
{
	if (!*caller)
		return;
	client_free(&(*caller)->client);
	mem_free(*caller);
	*caller = NULL;
}

const struct json *caller_hello(const struct caller *caller) { return client_hello(caller->client); }

void caller_call(struct caller *caller, const char *method, struct slice params, int64_t timeout_ms,
                 struct control_answer *out)
{
	caller->answer = (struct control_answer){ 0 };
	caller->waiting =
	    client_ask(caller->client, caller->setup.now(), method, params, timeout_ms, &caller->kept);
	if (!caller->waiting)
		caller->answer = (struct control_answer){ .code = CONTROL_UNAVAILABLE,
			                                  .message = slice_of(caller->kept.text) };
	client_step(caller->client, caller->setup.now(), 0); /* write at once */
	while (caller->waiting)
		turn(caller, -1);
	*out = caller->answer;
	caller->answer = (struct control_answer){ 0 };
}

bool caller_follow(struct caller *caller, int stop)
{
	while (client_state(caller->client) == CLIENT_UP)
		if (turn(caller, stop))
			return true;
	return false;
}
