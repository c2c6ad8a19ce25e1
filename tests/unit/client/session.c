/* Every request gets exactly one answer, whatever the link does. */
#include "tui/client/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "shared/base/memory.h"

enum { HEARD_MAX = 128 };

struct heard {
	struct session *session;
	int64_t ids[HEARD_MAX];
	enum control_code codes[HEARD_MAX];
	int64_t results[HEARD_MAX];
	size_t count, events;
	int asks_again; /* so often, from within the handler */
};

static const struct instant at0 = { .mono_ms = 1000, .wall_ms = 5000 };

static void hear_answer(void *to, int64_t id, struct control_answer *answer)
{
	struct heard *heard = to;

	assert_true(heard->count < HEARD_MAX);
	heard->ids[heard->count] = id;
	heard->codes[heard->count] = answer->code;
	heard->results[heard->count++] = json_as_number(answer->result, -1);
	if (heard->asks_again-- > 0)
		session_ask(heard->session, at0, "again", SLICE_NONE, 100, NULL);
}

static void hear_event(void *to, const struct json *event)
{
	assert_true(slice_equal(json_as_slice(json_get(event, "event")), SLICE("audit")));
	((struct heard *)to)->events++;
}

static struct session *start(struct heard *heard)
{
	struct session *session = mem_new(sizeof *session);

	*heard = (struct heard){ .session = session };
	session_start(session, (struct session_handlers){ hear_answer, hear_event, heard, false });
	return session;
}

static void end(struct session *session)
{
	session_stop(session);
	mem_free(session);
}

static enum result feed(struct session *session, const char *text)
{
	buffer_add(&session->in, slice_of(text));
	return session_read(session, NULL);
}

static void asks_in_lines_and_hears_by_id(void **state)
{
	struct heard heard;
	struct session *session = start(&heard);

	(void)state;
	assert_int_equal(session_ask(session, at0, "status", SLICE_NONE, 100, NULL), 1);
	assert_int_equal(session_ask(session, at0, "why", SLICE("{\"from\":\"a\"}"), 100, NULL), 2);
	assert_true(slice_equal(
	        buffer_slice(&session->out),
	        SLICE("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n"
	              "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"why\",\"params\":{\"from\":\"a\"}}\n")));
	assert_int_equal(
	        feed(session, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":22}\n{\"jsonrpc\":\"2.0\",\"id\":1,"),
	        RESULT_OK);
	assert_int_equal(heard.count, 1);
	assert_int_equal(feed(session, "\"result\":11}\n"), RESULT_OK);
	assert_int_equal(heard.count, 2);
	assert_true(heard.ids[0] == 2 && heard.results[0] == 22 && heard.ids[1] == 1 &&
	            heard.results[1] == 11);
	assert_int_equal(session_deadline(session), -1);
	end(session);
}

static void hears_events_and_ignores_answers_to_nothing(void **state)
{
	struct heard heard;
	struct session *session = start(&heard);

	(void)state;
	assert_int_equal(feed(session,
	                      "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"event\":\"audit\"}}\n"
	                      "{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":1}\n"
	                      "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":1}\n"
	                      "{\"jsonrpc\":\"2.0\",\"id\":-1,\"result\":1}\n"),
	                 RESULT_OK);
	assert_int_equal(heard.events, 1);
	assert_int_equal(heard.count, 0);
	end(session);
}

static void a_deadline_is_answered_once_and_the_late_answer_ignored(void **state)
{
	struct heard heard;
	struct session *session = start(&heard);

	(void)state;
	session_ask(session, at0, "status", SLICE_NONE, 100, NULL);
	assert_int_equal(session_deadline(session), 1100);
	assert_int_equal(session_waiting_since(session), 1000);
	session_expire(session, (struct instant){ .mono_ms = 1099 });
	assert_int_equal(heard.count, 0);
	session_expire(session, (struct instant){ .mono_ms = 1100 });
	assert_int_equal(heard.count, 1);
	assert_int_equal(heard.codes[0], CONTROL_TIMEOUT);
	assert_int_equal(feed(session, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}\n"), RESULT_OK);
	assert_int_equal(heard.count, 1);
	end(session);
}

static void a_lost_link_answers_everything_and_forgets_half_lines(void **state)
{
	struct heard heard;
	struct session *session = start(&heard);

	(void)state;
	session_ask(session, at0, "status", SLICE_NONE, 100, NULL);
	session_ask(session, at0, "status", SLICE_NONE, 100, NULL);
	feed(session, "{\"jsonrpc\":");
	heard.asks_again = 2; /* what a handler asks meanwhile is not lost with the rest */
	session_lose(session, "gone");
	assert_int_equal(heard.count, 2);
	assert_int_equal(heard.codes[0], CONTROL_UNAVAILABLE);
	assert_int_equal(buffer_length(&session->in), 0);
	assert_true(buffer_length(&session->out) > 0);
	assert_int_not_equal(session_deadline(session), -1);
	end(session);
}

static void takes_a_bounded_number_of_requests(void **state)
{
	struct heard heard;
	struct session *session = start(&heard);
	struct reason reason = { "" };

	(void)state;
	for (int i = 0; i < SESSION_PENDING_MAX; i++)
		assert_int_not_equal(session_ask(session, at0, "status", SLICE_NONE, 100, &reason), 0);
	assert_int_equal(session_ask(session, at0, "status", SLICE_NONE, 100, &reason), 0);
	assert_true(reason.text[0] != '\0');
	session_expire(session, (struct instant){ .mono_ms = 9000 });
	assert_int_equal(heard.count, SESSION_PENDING_MAX);
	assert_int_not_equal(session_ask(session, at0, "status", SLICE_NONE, 100, &reason), 0);
	end(session);
}

static void a_request_that_does_not_fit_leaves_no_half_line(void **state)
{
	struct heard heard;
	struct session *session = start(&heard);
	size_t size = CONTROL_LINE_MAX;
	char *params = mem_new(size);

	(void)state;
	memset(params, ' ', size);
	assert_int_equal(session_ask(session, at0, "status", (struct slice){ params, size }, 100, NULL), 0);
	assert_int_equal(buffer_length(&session->out), 0);
	size = CONTROL_LINE_MAX - 200;
	while (session_ask(session, at0, "status", (struct slice){ params, size }, 100, NULL))
		continue;
	assert_true(buffer_length(&session->out) > 0 && buffer_length(&session->out) <= SESSION_OUT_MAX);
	assert_true(buffer_slice(&session->out).ptr[buffer_length(&session->out) - 1] == '\n');
	assert_false(session->out.is_broken);
	mem_free(params);
	end(session);
}

static void hangs_up_on_what_is_no_daemon(void **state)
{
	static const char *const lines[] = { "HTTP/1.1 400 Bad Request\n", "\n", "{}\n", "[1]\n",
		                             "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":3}\n" };

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct heard heard;
		struct session *session = start(&heard);

		assert_int_equal(feed(session, lines[i]), RESULT_INVALID);
		end(session);
	}
}

static void hangs_up_on_a_line_without_end(void **state)
{
	struct heard heard;
	struct session *session = start(&heard);

	(void)state;
	memset(buffer_reserve(&session->in, CONTROL_LINE_MAX), 'x', CONTROL_LINE_MAX);
	buffer_grew(&session->in, CONTROL_LINE_MAX);
	assert_int_equal(session_read(session, NULL), RESULT_LIMIT);
	end(session);
}

#ifdef PARLEY_FAULTS
static void out_of_memory_refuses_the_request_and_breaks_nothing(void **state)
{
	(void)state;
	for (unsigned long nth = 1; nth < 8; nth++) {
		struct heard heard;
		struct session *session = start(&heard);
		int64_t id;

		mem_fail_at(nth);
		id = session_ask(session, at0, "status", SLICE_NONE, 100, NULL);
		mem_fail_at(0);
		assert_true(id ? buffer_length(&session->out) > 0 : buffer_length(&session->out) == 0);
		assert_int_not_equal(session_ask(session, at0, "status", SLICE_NONE, 100, NULL), 0);
		end(session);
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_in_lines_and_hears_by_id),
		cmocka_unit_test(hears_events_and_ignores_answers_to_nothing),
		cmocka_unit_test(a_deadline_is_answered_once_and_the_late_answer_ignored),
		cmocka_unit_test(a_lost_link_answers_everything_and_forgets_half_lines),
		cmocka_unit_test(takes_a_bounded_number_of_requests),
		cmocka_unit_test(a_request_that_does_not_fit_leaves_no_half_line),
		cmocka_unit_test(hangs_up_on_what_is_no_daemon),
		cmocka_unit_test(hangs_up_on_a_line_without_end),
#ifdef PARLEY_FAULTS
		cmocka_unit_test(out_of_memory_refuses_the_request_and_breaks_nothing),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
