#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/socket.h>

#include "daemon/link/link_frame.h"
#include "daemon/link/link_packet.h"

#include <cmocka.h> /* last: its fail() would rewrite ours */

struct row {
	const char *name;
	enum link_type type;
	size_t payload;
	bool has_fd;
	enum result result;
};

static const struct row rows[] = {
	{ "takes_an_image_with_its_descriptor", LINK_IMAGE, 0, true, RESULT_OK },
	{ "refuses_an_image_without_its_descriptor", LINK_IMAGE, 0, false, RESULT_INVALID },
	{ "refuses_an_image_with_a_payload", LINK_IMAGE, 1, true, RESULT_INVALID },
	{ "takes_an_event", LINK_EVENT, 2, false, RESULT_OK },
	{ "takes_the_longest_event", LINK_EVENT, 8192, false, RESULT_OK },
	{ "refuses_a_longer_event", LINK_EVENT, 8193, false, RESULT_INVALID },
	{ "refuses_an_empty_event", LINK_EVENT, 0, false, RESULT_INVALID },
	{ "refuses_an_event_with_a_descriptor", LINK_EVENT, 2, true, RESULT_INVALID },
	{ "takes_the_longest_answer", LINK_ANSWER, LINK_PAYLOAD_MAX, false, RESULT_OK },
	{ "refuses_a_longer_answer", LINK_ANSWER, LINK_PAYLOAD_MAX + 1, false, RESULT_INVALID },
	{ "refuses_an_unknown_type", LINK_TYPE_COUNT, 0, false, RESULT_INVALID },
	{ "refuses_a_type_below_zero", (enum link_type)UINT32_MAX, 0, false, RESULT_INVALID },
};

static char packet[LINK_PACKET_MAX + 16];

static void checks_every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct link_frame frame;
		struct reason reason = { "" };
		struct slice bytes = { packet, LINK_HEAD_BYTES + rows[i].payload };
		enum result result;

		link_frame_head(rows[i].type, 77, rows[i].payload, packet);
		result = link_frame_read(bytes, false, rows[i].has_fd, &frame, &reason);
		if (result != rows[i].result)
			fail_msg("%s: %s %s", rows[i].name, result_name(result), reason.text);
		if (result == RESULT_OK) {
			assert_int_equal(frame.type, rows[i].type);
			assert_int_equal(frame.number, 77);
			assert_int_equal(frame.payload.len, rows[i].payload);
		} else {
			assert_true(reason.text[0] != '\0');
		}
	}
}

static void refuses_a_length_that_is_not_what_came(void **state)
{
	struct link_frame frame;

	(void)state;
	link_frame_head(LINK_EVENT, 1, 10, packet);
	assert_int_equal(
	        link_frame_read((struct slice){ packet, LINK_HEAD_BYTES + 9 }, false, false, &frame, NULL),
	        RESULT_INVALID);
	assert_int_equal(
	        link_frame_read((struct slice){ packet, LINK_HEAD_BYTES + 11 }, false, false, &frame, NULL),
	        RESULT_INVALID);
	assert_int_equal(
	        link_frame_read((struct slice){ packet, LINK_HEAD_BYTES + 10 }, true, false, &frame, NULL),
	        RESULT_INVALID);
	for (size_t i = 0; i < LINK_HEAD_BYTES; i++)
		assert_int_equal(link_frame_read((struct slice){ packet, i }, false, false, &frame, NULL),
		                 RESULT_INVALID);
	assert_int_equal(
	        link_frame_read((struct slice){ packet, LINK_HEAD_BYTES + 10 }, false, false, &frame, NULL),
	        RESULT_OK);
}

static void names_every_type(void **state)
{
	(void)state;
	assert_string_equal(link_type_name(LINK_SERVICE_WANT), "service-want");
	assert_string_equal(link_type_name(LINK_DRAINED), "drained");
	assert_string_equal(link_type_name(LINK_TYPE_COUNT), "unknown");
}

/* A pair inside one process: no other process, no network, nothing waits. */
static void carries_a_descriptor_through_a_pair(void **state)
{
	struct link_frame frame;
	char payload[512];
	int pair[2], through[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pipe2(through, O_CLOEXEC), 0);
	assert_int_equal(link_send_now(pair[0], 0, LINK_LISTENER, 5, SLICE("{}"), through[1]), RESULT_OK);
	assert_int_equal(link_receive_now(pair[1], 0, payload, sizeof payload, &frame), RESULT_OK);
	assert_int_equal(frame.type, LINK_LISTENER);
	assert_true(frame.fd >= 0 && frame.fd != through[1]);
	assert_int_equal(fcntl(frame.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(write(frame.fd, "x", 1), 1);
	assert_int_equal(read(through[0], payload, 1), 1);
	close(frame.fd);

	assert_int_equal(link_receive_now(pair[1], 0, payload, sizeof payload, &frame), RESULT_AGAIN);
	assert_int_equal(link_send_now(pair[0], 0, LINK_LISTENER, 5, SLICE("{}"), -1), RESULT_INVALID);
	close(pair[0]);
	assert_int_equal(link_receive_now(pair[1], 0, payload, sizeof payload, &frame), RESULT_CLOSED);
	assert_int_equal(link_send_now(pair[1], 0, LINK_STOPPING, 0, SLICE(""), -1), RESULT_CLOSED);
	close(pair[1]);
	close(through[0]);
	close(through[1]);
}

/* A frame that does not fit its row is dropped with all it carried; the next one is read. */
static void drops_what_does_not_fit_with_its_descriptors(void **state)
{
	char head[LINK_HEAD_BYTES], payload[512];
	struct link_frame frame;
	int pair[2], through[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pipe2(through, O_CLOEXEC | O_NONBLOCK), 0);
	link_frame_head(LINK_STOPPING, 0, 0, head);
	assert_int_equal(link_packet_send(pair[0], head, SLICE(""), through[1]),
	                 RESULT_OK); /* carries none */
	assert_int_equal(send(pair[0], "short", 5, 0), 5);
	assert_int_equal(link_send_now(pair[0], 0, LINK_RELOAD, 0, SLICE(""), -1), RESULT_OK);
	close(through[1]);

	assert_int_equal(link_receive_now(pair[1], 0, payload, sizeof payload, &frame), RESULT_INVALID);
	assert_int_equal(read(through[0], payload, 1),
	                 0); /* the end: no copy of the other side is left open */
	assert_int_equal(link_receive_now(pair[1], 0, payload, sizeof payload, &frame), RESULT_INVALID);
	assert_int_equal(link_receive_now(pair[1], 0, payload, sizeof payload, &frame), RESULT_OK);
	assert_int_equal(frame.type, LINK_RELOAD);
	close(pair[0]);
	close(pair[1]);
	close(through[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_every_row),
		cmocka_unit_test(refuses_a_length_that_is_not_what_came),
		cmocka_unit_test(names_every_type),
		cmocka_unit_test(carries_a_descriptor_through_a_pair),
		cmocka_unit_test(drops_what_does_not_fit_with_its_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
