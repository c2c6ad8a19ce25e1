/* Envelopes and framing: what is taken, what is refused with which JSON-RPC number. */
#include "shared/base/memory.h"
#include "shared/control/control.h"
#include "tests/unit/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct {
	const char *behaviour, *line;
	int rpc; /* 0: taken */
	bool has_id;
	int64_t id;
} requests[] = {
	{ "takes_a_request", "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"status\",\"params\":{}}", 0, true,
	  7 },
	{ "takes_one_without_params", "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"status\"}", 0, true, 0 },
	{ "takes_a_notification", "{\"jsonrpc\":\"2.0\",\"method\":\"status\"}", 0, false, 0 },
	{ "ignores_unknown_members", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"later\":[1]}", 0, true,
	  1 },
	{ "takes_a_cr_before_the_lf", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}\r", 0, true, 1 },
	{ "refuses_nothing", "", -32700, false, 0 },
	{ "refuses_half_an_object", "{\"jsonrpc\":\"2.0\",\"id\":1", -32700, false, 0 },
	{ "refuses_two_values", "{} {}", -32700, false, 0 },
	{ "refuses_bytes_that_are_no_utf8", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", -32700,
	  false, 0 },
	{ "refuses_a_key_given_twice", "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"x\"}", -32700,
	  false, 0 },
	{ "refuses_a_nul_in_a_text", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\\u0000\"}", -32700, false,
	  0 },
	{ "refuses_a_batch", "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}]", -32600, false, 0 },
	{ "refuses_a_bare_number", "1", -32600, false, 0 },
	{ "refuses_another_version", "{\"jsonrpc\":\"1.0\",\"id\":3,\"method\":\"x\"}", -32600, true, 3 },
	{ "refuses_no_version", "{\"id\":3,\"method\":\"x\"}", -32600, true, 3 },
	{ "refuses_no_method", "{\"jsonrpc\":\"2.0\",\"id\":3}", -32600, true, 3 },
	{ "refuses_an_empty_method", "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"\"}", -32600, true, 3 },
	{ "refuses_a_method_that_is_no_text", "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":{}}", -32600, true,
	  3 },
	{ "refuses_an_id_that_is_text", "{\"jsonrpc\":\"2.0\",\"id\":\"3\",\"method\":\"x\"}", -32600, false,
	  0 },
	{ "refuses_an_id_below_0", "{\"jsonrpc\":\"2.0\",\"id\":-1,\"method\":\"x\"}", -32600, false, 0 },
	{ "refuses_an_id_with_a_fraction", "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"x\"}", -32600, false,
	  0 },
	{ "refuses_an_id_that_is_null", "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\"}", -32600, false,
	  0 },
	{ "refuses_params_by_position", "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"x\",\"params\":[1]}",
	  -32602, true, 3 },
	{ "refuses_33_levels", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", -32700,
	  false, 0 },
};

static void reads_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(requests); i++) {
		struct guard line = guard_copy(slice_of(requests[i].line));
		struct control_request request;
		enum control_code code;
		struct reason reason = { "" };
		enum result result = control_request_read(line.bytes, &request, &code, &reason);

		print_message("  %s\n", requests[i].behaviour);
		assert_int_equal(result, requests[i].rpc ? RESULT_INVALID : RESULT_OK);
		assert_int_equal(control_code_rpc(code), requests[i].rpc);
		assert_int_equal(request.has_id, requests[i].has_id);
		assert_int_equal(request.id, requests[i].id);
		assert_int_equal(reason.text[0] != '\0', requests[i].rpc != 0);
		assert_int_equal(request.whole != NULL, requests[i].rpc == 0);
		control_request_free(&request);
		guard_free(&line);
	}
}

static void refuses_a_line_over_the_limit_before_parsing_it(void **state)
{
	char *line = mem_new(CONTROL_LINE_MAX);
	struct control_request request;
	enum control_code code;

	(void)state;
	memset(line, ' ', CONTROL_LINE_MAX);
	assert_int_equal(
	        control_request_read((struct slice){ line, CONTROL_LINE_MAX }, &request, &code, NULL),
	        RESULT_INVALID);
	assert_int_equal(code, CONTROL_TOO_LARGE);
	mem_free(line);
}

static void a_written_request_reads_back(void **state)
{
	struct buffer out;
	struct json_writer w = json_write(&out);
	struct control_request request;
	enum control_code code;
	struct slice line;
	size_t consumed;

	(void)state;
	buffer_start(&out, 4096);
	for (int i = 0; i < 2; i++) { /* twice with one writer: no comma may stray between envelopes */
		control_request_open(&w, 5 + i, "domain.allow");
		json_open_object(&w, "params");
		json_put_text(&w, "domain", "x.example\n");
		json_close_object(&w);
		control_request_close(&w);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(control_line_next(&out, &line, &consumed), RESULT_OK);
		assert_int_equal(control_request_read(line, &request, &code, NULL), RESULT_OK);
		assert_int_equal(request.id, 5 + i);
		assert_true(slice_equal(request.method, SLICE("domain.allow")));
		assert_true(
		        slice_equal(json_as_slice(json_get(request.params, "domain")), SLICE("x.example\n")));
		control_request_free(&request);
		buffer_consume(&out, consumed);
	}
	assert_int_equal(buffer_length(&out), 0);
	buffer_stop(&out);
}

static void written_answers_and_events_read_back(void **state)
{
	struct buffer out;
	struct json_writer w = json_write(&out);
	struct control_answer answer;
	struct slice line;
	size_t consumed;

	(void)state;
	buffer_start(&out, 4096);
	control_reply_open(&w, 9);
	json_put_number(&w, "result", 3);
	control_reply_close(&w);
	control_error_write(&out, true, 10, CONTROL_INVALID, "bad \"x\"",
	                    SLICE("[{\"path\":\"proxy-fqdn\",\"why\":\"no\"}]"));
	control_error_write(&out, false, 0, CONTROL_NOT_JSON, "no", SLICE_NONE);
	control_event_open(&w);
	json_open_object(&w, "params");
	json_put_text(&w, "event", "audit");
	json_close_object(&w);
	control_event_close(&w);

	assert_int_equal(control_line_next(&out, &line, &consumed), RESULT_OK);
	assert_int_equal(control_answer_read(line, &answer, NULL), RESULT_OK);
	assert_true(answer.has_id && answer.id == 9 && answer.code == CONTROL_OK);
	assert_int_equal(json_as_number(answer.result, 0), 3);
	control_answer_free(&answer);
	buffer_consume(&out, consumed);

	assert_int_equal(control_line_next(&out, &line, &consumed), RESULT_OK);
	assert_int_equal(control_answer_read(line, &answer, NULL), RESULT_OK);
	assert_true(answer.id == 10 && answer.code == CONTROL_INVALID && !answer.result);
	assert_true(slice_equal(answer.message, SLICE("bad \"x\"")));
	assert_int_equal(json_count(answer.problems), 1);
	control_answer_free(&answer);
	buffer_consume(&out, consumed);

	assert_int_equal(control_line_next(&out, &line, &consumed), RESULT_OK);
	assert_int_equal(control_answer_read(line, &answer, NULL), RESULT_OK);
	assert_true(!answer.has_id && answer.code == CONTROL_USAGE);
	control_answer_free(&answer);
	buffer_consume(&out, consumed);

	assert_int_equal(control_line_next(&out, &line, &consumed), RESULT_OK);
	assert_int_equal(control_answer_read(line, &answer, NULL), RESULT_OK);
	assert_true(slice_equal(json_as_slice(json_get(answer.event, "event")), SLICE("audit")));
	control_answer_free(&answer);
	buffer_stop(&out);
}

static void refuses_what_no_server_says(void **state)
{
	static const char *const lines[] = {
		"",
		"[]",
		"{}",
		"{\"jsonrpc\":\"2.0\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":1}",
		"{\"jsonrpc\":\"2.0\",\"result\":1}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":\"no\"}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"other\",\"params\":{}}",
		"{\"jsonrpc\":\"1.0\",\"id\":1,\"result\":1}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		struct control_answer answer;
		struct reason reason = { "" };

		assert_int_equal(control_answer_read(slice_of(lines[i]), &answer, &reason), RESULT_INVALID);
		assert_null(answer.whole);
		assert_true(reason.text[0] != '\0');
	}
}

static void cuts_lines_from_a_stream(void **state)
{
	struct buffer in;
	struct slice line;
	size_t consumed;

	(void)state;
	buffer_start(&in, CONTROL_LINE_MAX);
	assert_int_equal(control_line_next(&in, &line, &consumed), RESULT_AGAIN);
	buffer_add(&in, SLICE("ab"));
	assert_int_equal(control_line_next(&in, &line, &consumed), RESULT_AGAIN);
	assert_int_equal(consumed, 0);
	buffer_add(&in, SLICE("c\n\nde"));
	assert_int_equal(control_line_next(&in, &line, &consumed), RESULT_OK);
	assert_true(slice_equal(line, SLICE("abc")));
	buffer_consume(&in, consumed);
	assert_int_equal(control_line_next(&in, &line, &consumed), RESULT_OK);
	assert_int_equal(line.len, 0);
	buffer_consume(&in, consumed);
	assert_int_equal(control_line_next(&in, &line, &consumed), RESULT_AGAIN);
	buffer_stop(&in);
}

static void the_longest_line_is_64_kib_with_its_lf(void **state)
{
	struct buffer in;
	struct slice line;
	size_t consumed;

	(void)state;
	buffer_start(&in, CONTROL_LINE_MAX + 1);
	memset(buffer_reserve(&in, CONTROL_LINE_MAX - 1), 'x', CONTROL_LINE_MAX - 1);
	buffer_grew(&in, CONTROL_LINE_MAX - 1);
	assert_int_equal(control_line_next(&in, &line, &consumed), RESULT_AGAIN);
	buffer_add_char(&in, '\n');
	assert_int_equal(control_line_next(&in, &line, &consumed), RESULT_OK);
	assert_int_equal(consumed, CONTROL_LINE_MAX);
	buffer_clear(&in);
	memset(buffer_reserve(&in, CONTROL_LINE_MAX), 'x', CONTROL_LINE_MAX);
	buffer_grew(&in, CONTROL_LINE_MAX);
	assert_int_equal(control_line_next(&in, &line, &consumed), RESULT_LIMIT);
	buffer_add_char(&in, '\n');
	assert_int_equal(control_line_next(&in, &line, &consumed), RESULT_LIMIT);
	buffer_stop(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_requests),
		cmocka_unit_test(refuses_a_line_over_the_limit_before_parsing_it),
		cmocka_unit_test(a_written_request_reads_back),
		cmocka_unit_test(written_answers_and_events_read_back),
		cmocka_unit_test(refuses_what_no_server_says),
		cmocka_unit_test(cuts_lines_from_a_stream),
		cmocka_unit_test(the_longest_line_is_64_kib_with_its_lf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
