/*
 * control_message: any bytes as a control connection, read by both ends.
 * What a server takes, written again and read again, is the same request.
 */
#include <stdlib.h>

#include "shared/control/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void read_as_server(struct slice line)
{
	struct control_request request, again;
	enum control_code code;
	struct buffer out;
	struct json_writer w = json_write(&out);
	struct slice written;
	size_t consumed;

	if (control_request_read(line, &request, &code, NULL) != RESULT_OK)
		return;
	control_verb_named(request.method);
	buffer_start(&out, 8 * CONTROL_LINE_MAX);
	control_request_open(&w, request.id, request.method.ptr);
	json_write_value(&w, "params", request.params);
	control_request_close(&w);
	if (!out.is_broken && request.params && control_line_next(&out, &written, &consumed) == RESULT_OK) {
		if (control_request_read(written, &again, &code, NULL) != RESULT_OK ||
		    again.id != request.id || !slice_equal(again.method, request.method) ||
		    json_count(again.params) != json_count(request.params))
			abort();
		control_request_free(&again);
	}
	buffer_stop(&out);
	control_request_free(&request);
}

static void read_as_client(struct slice line)
{
	struct control_answer answer;
	struct buffer out;

	if (control_answer_read(line, &answer, NULL) != RESULT_OK)
		return;
	buffer_start(&out, 8 * CONTROL_LINE_MAX);
	if (answer.event)
		for (int i = 0; i < CONTROL_EVENT_COUNT; i++)
			control_event_sentence(control_event((enum control_event_id)i), answer.event, &out);
	for (size_t i = 0; i < buffer_length(&out); i++)
		if ((unsigned char)buffer_slice(&out).ptr[i] < 0x20)
			abort(); /* a sentence is one printable line */
	buffer_stop(&out);
	control_answer_free(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct buffer in;
	struct slice line;
	size_t consumed;

	buffer_start(&in, CONTROL_LINE_MAX);
	buffer_add(&in, (struct slice){ (const char *)bytes, size });
	buffer_add_char(&in, '\n');
	while (control_line_next(&in, &line, &consumed) == RESULT_OK) {
		read_as_server(line);
		read_as_client(line);
		buffer_consume(&in, consumed);
	}
	buffer_stop(&in);
	return 0;
}
