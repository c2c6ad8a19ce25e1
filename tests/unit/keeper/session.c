/*
 * The control protocol without a socket file, a store or a service: sessions over a pair, calls from their
 * line to their answer, and a service that is played by the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

#include <cmocka.h> /* last: its fail() would rewrite ours */

enum { ANSWER_BYTES = 256 * 1024 };

struct bench {
	struct keeper k;
	struct process_start start;
	int client, client_end; /* our end; the session's (its descriptor's number) */
	struct loop_timer stop;
	struct link *fake; /* the service's end of its link */
	char *answer;
	bool answers_queries;
};

static void stop_loop(void *owner)
{
	struct bench *b = owner;

	loop_stop(b->k.loop);
}

/* A few turns: all that is ready gets done. */
static void turn(struct bench *b, int64_t ms)
{
	loop_timer_set(b->k.loop, &b->stop, ms, stop_loop, b);
	loop_run(b->k.loop);
}

static void image(struct keeper *k)
{
	k->now.snapshot = model_snapshot_new();
	assert_non_null(k->now.snapshot);
	assert_int_equal(policy_image_build(k->now.snapshot, 7, &k->now.image_fd, NULL), RESULT_OK);
	assert_int_equal(policy_image_open(k->now.image_fd, &k->now.image, NULL), RESULT_OK);
	k->now.version.number = 7;
}

static struct bench *bench_new(enum control_role role)
{
	struct bench *b = mem_new(sizeof *b);
	struct who who = { .uid = 1000, .role = role, .name = "alice", .text = "alice(1000)" };
	int pair[2];

	b->answer = mem_new(ANSWER_BYTES);
	b->k.start = &b->start;
	b->k.root = "";
	b->k.loop = loop_new();
	b->k.audit.fd = b->k.control.fd = -1;
	list_start(&b->k.waiting);
	list_start(&b->k.control.sessions);
	b->k.control.keeper = &b->k;
	image(&b->k);
	events_start(&b->k.events, false);
	service_start(&b->k.access, &b->k, "access");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	b->client = pair[0];
	b->client_end = pair[1];
	session_new(&b->k.control, pair[1], &who);
	return b;
}

static void bench_free(struct bench *b)
{
	service_stop(&b->k.access);
	control_close(&b->k.control);
	link_free(&b->fake);
	policy_image_close(&b->k.now.image);
	close(b->k.now.image_fd);
	model_snapshot_free(&b->k.now.snapshot);
	events_stop(&b->k.events);
	loop_timer_stop(&b->stop);
	loop_free(&b->k.loop);
	close(b->client);
	mem_free(b->answer);
	mem_free(b);
}

static void say(struct bench *b, const char *text)
{
	assert_int_equal(send(b->client, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What has come so far; "" nothing; NULL the session is closed. */
static const char *hear(struct bench *b)
{
	ssize_t got = recv(b->client, b->answer, ANSWER_BYTES - 1, 0);

	if (got == 0)
		return NULL;
	b->answer[got > 0 ? got : 0] = '\0';
	return b->answer;
}

static const char *ask(struct bench *b, const char *text)
{
	say(b, text);
	turn(b, 1);
	return hear(b);
}

#define HELLO "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\",\"params\":{\"protocol\":1}}\n"

static const struct {
	const char *name, *line, *answer;
} rows[] = {
	{ "torn_json", "{\"jsonrpc\":\"2.0\",\"id\":1,\n", "-32700" },
	{ "no_json", "GET / HTTP/1.1\r\n", "-32700" },
	{ "a_batch", "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}]\n", "-32600" },
	{ "no_id", "{\"jsonrpc\":\"2.0\",\"method\":\"status\"}\n", "-32600" },
	{ "an_unknown_verb", "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"paint\"}\n", "unknown-verb" },
	{ "a_missing_parameter", "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"domain.show\"}\n", "-32602" },
	{ "a_bad_domain",
	  "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"domain.show\",\"params\":{\"domain\":\"a b\"}}\n",
	  "\"problems\"" },
	{ "a_domain_that_is_nowhere",
	  "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"domain.show\",\"params\":{\"domain\":\"x.example\"}}\n",
	  "not-found" },
	{ "an_old_version",
	  "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"domain.block\",\"params\":{\"domain\":\"x.example\","
	  "\"if_version\":6}}\n",
	  "conflict" },
	{ "an_unknown_field",
	  "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"access-edge.set\",\"params\":{\"set\":{\"colour\":1}}}"
	  "\n",
	  "access-edge has no field" },
	{ "a_value_out_of_range",
	  "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"access-edge.set\",\"params\":{\"set\":{\"idle-"
	  "timeout\":1}}}\n",
	  "10 to 86400" },
	{ "the_key_as_a_field",
	  "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"domain.allow\",\"params\":{\"domain\":\"x.example\","
	  "\"set\":{\"domain\":\"y.example\"}}}\n",
	  "cannot be set" },
	{ "a_domain_that_is_on_no_list",
	  "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"domain.remove\",\"params\":{\"domain\":\"x.example\"}}"
	  "\n",
	  "neither list" },
	{ "nothing_to_change",
	  "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"access-edge.set\",\"params\":{\"set\":{\"idle-"
	  "timeout\":600}}}\n",
	  "\"changes\":[]" },
	{ "a_folder_of_ours",
	  "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"config.check\",\"params\":{\"directory\":\"/etc\"}}\n",
	  "config.upload" },
	{ "a_document_with_a_path",
	  "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"config.upload\",\"params\":{\"name\":\"../"
	  "x.xml\",\"text\":\"\"}}\n",
	  "no document can be called so" },
	{ "status", "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"status\"}\n",
	  "\"services\":[{\"name\":\"access\"" },
	{ "domain_list", "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"domain.list\"}\n", "\"rows\":[]" },
	{ "connection_list", "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"connection.list\"}\n",
	  "\"rows\":[]" },
	{ "event_tail", "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"event.tail\"}\n", "\"events\":[" },
	{ "model_kinds", "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"model.kinds\"}\n",
	  "\"allowed-domain\"" },
	{ "topology_show", "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"topology.show\"}\n", "\"objects\":[" },
	{ "policy_show", "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"policy.show\"}\n", "\"Global\"" },
	{ "why",
	  "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"why\",\"params\":{\"from\":\"sip:dan@x.example\","
	  "\"to\":\"eve@y.example\"}}\n",
	  "\"answer\":\"refuse\",\"direction\":\"out\",\"step\":1,\"name\":\"federation-switch\"" },
};

static void answers_every_line(void **state)
{
	struct bench *b = bench_new(CONTROL_ROLE_ADMINISTRATOR);

	(void)state;
	assert_non_null(
	        strstr(ask(b, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n"), "first call"));
	assert_non_null(strstr(ask(b, HELLO), "\"role\":\"administrator\""));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *answer = ask(b, rows[i].line);

		if (!answer || !strstr(answer, rows[i].answer))
			fail_msg("%s: %s", rows[i].name, answer);
		assert_true(strlen(answer) <= CONTROL_LINE_MAX && answer[strlen(answer) - 1] == '\n');
	}
	bench_free(b);
}

static void answers_many_lines_in_their_order(void **state)
{
	struct bench *b = bench_new(CONTROL_ROLE_VIEWER);
	const char *at;
	char number[24];

	(void)state;
	say(b, HELLO);
	for (int i = 100; i < 150; i++) {
		snprintf(b->answer, ANSWER_BYTES, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"status\"}\n",
		         i);
		say(b, b->answer);
	}
	turn(b, 20);
	at = hear(b);
	for (int i = 100; i < 150; i++) {
		snprintf(number, sizeof number, "\"id\":%d,", i);
		at = strstr(at, number);
		assert_non_null(at);
	}
	bench_free(b);
}

static void takes_a_line_byte_by_byte(void **state)
{
	struct bench *b = bench_new(CONTROL_ROLE_VIEWER);

	(void)state;
	for (const char *c = HELLO; *c; c++) {
		assert_int_equal(send(b->client, c, 1, 0), 1);
		turn(b, 0);
	}
	turn(b, 1);
	assert_non_null(strstr(hear(b), "\"result\""));
	bench_free(b);
}

static void closes_after_a_line_that_is_too_long(void **state)
{
	struct bench *b = bench_new(CONTROL_ROLE_VIEWER);
	char piece[4096];
	const char *answer;

	(void)state;
	memset(piece, 'x', sizeof piece);
	for (size_t i = 0; i < CONTROL_LINE_MAX / sizeof piece; i++) {
		assert_int_equal(send(b->client, piece, sizeof piece, MSG_NOSIGNAL), sizeof piece);
		turn(b, 0);
	}
	turn(b, 1);
	answer = hear(b);
	assert_non_null(answer);
	assert_non_null(strstr(answer, "too-large"));
	assert_null(hear(b));
	assert_int_equal(b->k.control.session_count, 0);
	bench_free(b);
}

static void closes_who_does_not_read(void **state)
{
	struct bench *b = bench_new(CONTROL_ROLE_VIEWER);
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"model.kinds\"}\n";

	(void)state;
	ask(b, HELLO);
	for (int i = 0; i < 2000 && b->k.control.session_count; i++) {
		if (send(b->client, line, sizeof line - 1, MSG_NOSIGNAL) < 0)
			break;
		turn(b, 0);
	}
	assert_int_equal(b->k.control.session_count, 0);
	bench_free(b);
}

static void closes_who_sends_descriptors(void **state)
{
	struct bench *b = bench_new(CONTROL_ROLE_VIEWER);
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} room = { .bytes = { 0 } };
	char byte = 'x';
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part,
		                  .msg_iovlen = 1,
		                  .msg_control = room.bytes,
		                  .msg_controllen = sizeof room.bytes };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int through[2];
	char end;

	(void)state;
	assert_int_equal(pipe2(through, O_CLOEXEC | O_NONBLOCK), 0);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &through[1], sizeof(int));
	assert_int_equal(sendmsg(b->client, &message, 0), 1);
	close(through[1]);
	turn(b, 1);
	assert_int_equal(b->k.control.session_count, 0);
	assert_int_equal(read(through[0], &end, 1), 0); /* nobody kept the other end */
	close(through[0]);
	bench_free(b);
}

static void tells_events_to_who_follows(void **state)
{
	struct bench *b = bench_new(CONTROL_ROLE_VIEWER);
	struct emission e;

	(void)state;
	ask(b, HELLO);
	assert_non_null(strstr(ask(b, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"event.tail\",\"params\":{"
	                              "\"follow\":true}}\n"),
	                       "\"events\":[]"));
	events_take(
	        &b->k,
	        SLICE("{\"event\":\"request-passed\",\"method\":\"MESSAGE\"}")); /* DEBUG: not asked for */
	event_open(&e, &b->k, CONTROL_EVENT_SERVICE_STARTED);
	json_put_text(&e.w, "service", "access");
	json_put_number(&e.w, "pid", 7);
	event_send(&e);
	turn(b, 1);
	hear(b);
	assert_non_null(strstr(b->answer, "\"method\":\"event\""));
	assert_non_null(strstr(b->answer, "access runs as process 7"));
	assert_null(strstr(b->answer, "request-passed"));
	assert_non_null(strstr(ask(b, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"event.tail\"}\n"),
	                       "service-started"));
	bench_free(b);
}

static void takes_no_unknown_events(void **state)
{
	struct bench *b = bench_new(CONTROL_ROLE_VIEWER);

	(void)state;
	events_take(&b->k, SLICE("{\"event\":\"no-such\"}"));
	events_take(&b->k, SLICE("{\"event\":7}"));
	events_take(&b->k, SLICE("[]"));
	events_take(&b->k, SLICE("not json"));
	assert_null(events_newest(&b->k.events, 0));
	bench_free(b);
}

static void keeps_the_newest_thousand(void **state)
{
	struct bench *b = bench_new(CONTROL_ROLE_VIEWER);
	char text[128];

	(void)state;
	for (int i = 0; i < KEEPER_EVENTS_KEPT + 50; i++) {
		snprintf(text, sizeof text, "{\"event\":\"lookup-failed\",\"name\":\"n%d\",\"why\":\"x\"}",
		         i);
		events_take(&b->k, slice_of(text));
	}
	assert_int_equal(b->k.events.counts[CONTROL_EVENT_LOOKUP_FAILED], KEEPER_EVENTS_KEPT + 50);
	assert_int_equal(b->k.events.buckets[CONTROL_EVENT_LOOKUP_FAILED].suppressed,
	                 KEEPER_EVENTS_KEPT + 50 - KEEPER_LOG_BURST);
	assert_non_null(strstr(events_newest(&b->k.events, 0)->params, "n1049"));
	assert_non_null(strstr(events_newest(&b->k.events, KEEPER_EVENTS_KEPT - 1)->params, "\"n50\""));
	assert_null(events_newest(&b->k.events, KEEPER_EVENTS_KEPT));
	bench_free(b);
}

/* ---- with a service ---- */

static void fake_frame(void *owner, struct link_frame *frame)
{
	struct bench *b = owner;

	if (frame->fd >= 0)
		close(frame->fd);
	if (frame->type != LINK_QUERY || !b->answers_queries)
		return;
	link_send(b->fake, LINK_ANSWER, frame->number, SLICE("[{\"domain\":\"x.exa"), -1);
	link_send(b->fake, LINK_ANSWER, frame->number + 99, SLICE("[nonsense for another"), -1);
	link_send(b->fake, LINK_ANSWER, frame->number, SLICE("mple\",\"state\":\"up\",\"connections\":2}]"),
	          -1);
	link_send(b->fake, LINK_ANSWER, frame->number, SLICE(""), -1);
}

static void fake_broken(void *owner)
{
	struct bench *b = owner;

	link_free(&b->fake);
}

static void start_fake(struct bench *b)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	service_link_came(&b->k.access, pair[0]);
	b->fake = link_new(b->k.loop, pair[1], fake_frame, fake_broken, b);
	b->k.access.is_wanted = true;
	b->k.access.state.phase = LAUNCHER_RUNNING;
	assert_true(link_send(b->fake, LINK_HELLO, 0,
	                      SLICE("{\"service\":\"access\",\"generation\":0,\"listeners\":[]}"), -1));
	turn(b, 1);
	assert_true(service_is_up(&b->k.access));
	assert_string_equal(service_state_name(&b->k.access), "starting");
	assert_true(link_send(b->fake, LINK_APPLIED, 7, SLICE(""), -1));
	turn(b, 1);
	assert_string_equal(service_state_name(&b->k.access), "running");
}

static void asks_the_service_and_puts_its_pieces_together(void **state)
{
	struct bench *b = bench_new(CONTROL_ROLE_VIEWER);

	(void)state;
	start_fake(b);
	b->answers_queries = true;
	ask(b, HELLO);
	assert_non_null(strstr(ask(b, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"status\"}\n"), "\"up\":1"));
	bench_free(b);
}

static void does_not_wait_for_a_service_that_dies(void **state)
{
	struct bench *b = bench_new(CONTROL_ROLE_VIEWER);

	(void)state;
	start_fake(b);
	ask(b, HELLO);
	say(b, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"connection.list\"}\n");
	turn(b, 1);
	assert_string_equal(hear(b), ""); /* it waits */
	link_free(&b->fake);
	turn(b, 1);
	assert_non_null(strstr(hear(b), "\"live\":\"the service has ended\""));
	bench_free(b);
}

static void a_client_that_leaves_harms_no_call(void **state)
{
	struct bench *b = bench_new(CONTROL_ROLE_VIEWER);

	(void)state;
	start_fake(b);
	ask(b, HELLO);
	say(b, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"status\"}\n");
	turn(b, 1);
	assert_int_equal(b->k.access.query_count, 1);
	session_free(LIST_OWNER(b->k.control.sessions.next, struct session, node));
	link_free(&b->fake);
	turn(b, 1);
	assert_int_equal(b->k.access.query_count, 0);
	bench_free(b);
}

/* ---- without memory ---- */

/* Each allocation fails in turn: every line gets an answer, or the session ends; nothing is lost or broken. */
static void lives_with_each_allocation_failing(void **state)
{
	(void)state;
	for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
		for (unsigned long nth = 1; nth < 40; nth++) {
			struct bench *b = bench_new(CONTROL_ROLE_ADMINISTRATOR);
			unsigned long made;

			ask(b, HELLO);
			say(b, rows[row].line);
			mem_fail_at(nth);
			turn(b, 0);
			turn(b, 0);
			made = mem_count();
			mem_fail_at(0);
			if (b->k.control.session_count)
				assert_true(strlen(hear(b)) > 0);
			bench_free(b);
			if (made < nth)
				break;
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_every_line),
		cmocka_unit_test(answers_many_lines_in_their_order),
		cmocka_unit_test(takes_a_line_byte_by_byte),
		cmocka_unit_test(closes_after_a_line_that_is_too_long),
		cmocka_unit_test(closes_who_does_not_read),
		cmocka_unit_test(closes_who_sends_descriptors),
		cmocka_unit_test(tells_events_to_who_follows),
		cmocka_unit_test(takes_no_unknown_events),
		cmocka_unit_test(keeps_the_newest_thousand),
		cmocka_unit_test(asks_the_service_and_puts_its_pieces_together),
		cmocka_unit_test(does_not_wait_for_a_service_that_dies),
		cmocka_unit_test(a_client_that_leaves_harms_no_call),
		cmocka_unit_test(lives_with_each_allocation_failing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
