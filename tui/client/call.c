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
	bool is_following;
	struct buffer early; /* events, a line each, that came before somebody follows */
};

enum { CALLER_EARLY_MAX = 1024 * 1024 }; /* what does not fit is left out: the daemon keeps it */

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

/* Events may come in the same breath as the answer they follow; that answer is shown first. */
static void pass_event(void *to, const struct json *event)
{
	struct caller *caller = to;
	struct json_writer w = json_write(&caller->early);
	size_t before = buffer_length(&caller->early);

	if (!caller->setup.on_event)
		return;
	if (caller->is_following) {
		caller->setup.on_event(caller->setup.to, event);
		return;
	}
	json_write_value(&w, NULL, event);
	buffer_add_char(&caller->early, '\n');
	if (caller->early.is_broken) {
		caller->early.is_broken = false;
		caller->early.end = caller->early.start + before;
	}
}

static void pass_early(struct caller *caller)
{
	struct slice rest = buffer_slice(&caller->early), line;
	struct json *event;

	while (slice_next(&rest, '\n', &line)) {
		if (line.len == 0 || json_read(line, &event, NULL) != RESULT_OK)
			continue;
		caller->setup.on_event(caller->setup.to, event);
		json_free(&event);
	}
	buffer_release(&caller->early);
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
		                       .remote = setup->remote,
		                       .name = setup->name,
		                       .is_read_only = setup->is_read_only,
		                       .from = setup->from,
		                       .handlers = { keep_answer, pass_event, caller, setup->translates } };

	*out = NULL;
	*code = CONTROL_INTERNAL;
	if (!caller || !(caller->client = client_new(&client))) {
		mem_free(caller);
		return fail(reason, RESULT_NO_MEMORY, _("out of memory"));
	}
	caller->setup = *setup;
	buffer_start(&caller->early, CALLER_EARLY_MAX);
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
	buffer_stop(&(*caller)->early);
	mem_free(*caller);
	*caller = NULL;
}

const struct json *caller_hello(const struct caller *caller) { return client_hello(caller->client); }

void caller_call(struct caller *caller, const char *method, struct slice params, int64_t timeout_ms,
                 struct control_answer *out)
{
	caller->answer = (struct control_answer){ 0 };
	caller->waiting = client_ask(caller->client, caller->setup.now(), method, params, timeout_ms,
	                             &caller->kept);
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
	caller->is_following = true;
	if (caller->setup.on_event)
		pass_early(caller);
	while (client_state(caller->client) == CLIENT_UP)
		if (turn(caller, stop))
			return true;
	return false;
}
