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

enum { ANSWER_BYTES = 256 * 1024, AWAIT_TURNS = 1000 };

struct bench {
	struct keeper k;
	struct process_start start;
	int client, client_end; /* our end; the session's (its descriptor's number) */
	struct loop_timer stop;
	struct link *fake; /* the service's end of its link */
	char *answer;
	bool answers_queries;
	const char *partner; /* the answer about one; NULL: none */
	size_t row_count;    /* 0: one row, in two pieces; else so many, in the pages asked for */
	size_t pages;
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
	struct who who = {
		.uid = 1000, .roles = control_roles_of(role), .name = "alice", .text = "alice(1000)"
	};
	int pair[2];

	b->answer = mem_new(ANSWER_BYTES);
	b->k.start = &b->start;
	b->k.root = "";
	b->k.loop = loop_new();
	b->k.audit.fd = b->k.control.fd = -1;
	list_start(&b->k.waiting);
	list_start(&b->k.drafts);
	list_start(&b->k.planning);
	decisions_start(&b->k.decisions);
	list_start(&b->k.control.sessions);
	b->k.control.keeper = &b->k;
	image(&b->k);
	events_start(&b->k.events, false);
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		service_start(&b->k.services[i], &b->k, service_row((enum service_id)i)->name);
	b->k.gateway.is_unused = true;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	b->client = pair[0];
	b->client_end = pair[1];
	session_new(&b->k.control, pair[1], &who);
	return b;
}

static void bench_free(struct bench *b)
{
	KEEPER_EACH_SERVICE (&b->k, s)
		service_stop(s);
	control_close(&b->k.control);
	link_free(&b->fake);
	policy_image_close(&b->k.now.image);
	close(b->k.now.image_fd);
	model_snapshot_free(&b->k.now.snapshot);
	events_stop(&b->k.events);
	past_free(&b->k);
	drafts_free(&b->k);
	decisions_free(&b->k.decisions);
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

/* The next of what comes, however busy the machine is. */
static const char *await(struct bench *b)
{
	for (int i = 0; i < AWAIT_TURNS && b->client >= 0; i++) {
		const char *heard = hear(b);

		if (!heard || heard[0])
			return heard;
		turn(b, 5);
	}
	return b->answer;
}

static const char *ask(struct bench *b, const char *text)
{
	say(b, text);
	return await(b);
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
	  "\"answer\":\"refuse\",\"direction\":\"out\",\"protocol\":\"sip\",\"step\":1,\"name\":\"federation-"
	  "switch\"" },
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

static void answer_as_asked(struct bench *b, const struct link_frame *frame)
{
	struct json *asked = NULL;
	struct buffer text;
	struct json_writer w = json_write(&text);

	assert_int_equal(json_read(frame->payload, &asked, NULL), RESULT_OK);
	buffer_start(&text, LINK_PAYLOAD_MAX);
	if (slice_equal(json_as_slice(json_get(asked, "what")), SLICE("partner"))) {
		assert_true(slice_equal(json_as_slice(json_get(asked, "domain")), SLICE("fabrikam.example")));
		buffer_add(&text, slice_of(b->partner));
	} else {
		size_t after = (size_t)json_as_number(json_get(asked, "after"), -1);
		size_t limit = (size_t)json_as_number(json_get(asked, "limit"), -1);

		b->pages++;
		json_open_array(&w, NULL);
		for (size_t i = after; i < b->row_count && i - after < limit; i++) {
			json_open_object(&w, NULL);
			json_put_number(&w, "since", (int64_t)i);
			json_close_object(&w);
		}
		json_close_array(&w);
	}
	assert_true(link_send(b->fake, LINK_ANSWER, frame->number, buffer_slice(&text), -1));
	link_send(b->fake, LINK_ANSWER, frame->number, SLICE(""), -1);
	buffer_stop(&text);
	json_free(&asked);
}

static void fake_frame(void *owner, struct link_frame *frame)
{
	struct bench *b = owner;

	if (frame->fd >= 0)
		close(frame->fd);
	if (frame->type != LINK_QUERY || !b->answers_queries)
		return;
	if (b->partner || b->row_count) {
		answer_as_asked(b, frame);
		return;
	}
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

/* A link queues so much and no more: whole pages are followed by another question. */
static void asks_for_pages_until_one_is_not_full(void **state)
{
	static const struct {
		size_t rows, pages;
	} cases[] = { { 1, 1 },
		      { KEEPER_PAGE_ROWS - 1, 1 },
		      { KEEPER_PAGE_ROWS, 2 },
		      { 3 * KEEPER_PAGE_ROWS + 1, 4 } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bench *b = bench_new(CONTROL_ROLE_VIEWER);
		char line[160], total[32], last[32];

		start_fake(b);
		b->answers_queries = true;
		b->row_count = cases[i].rows;
		ask(b, HELLO);
		snprintf(line, sizeof line,
		         "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"connection.list\",\"params\":{"
		         "\"after\":\"%zu\"}}\n",
		         cases[i].rows - 1);
		snprintf(total, sizeof total, "\"total\":%zu,", cases[i].rows);
		snprintf(last, sizeof last, "\"since\":%zu,", cases[i].rows - 1);
		say(b, line);
		assert_non_null(strstr(await(b), total));
		assert_non_null(strstr(b->answer, last));
		assert_int_equal(b->pages, cases[i].pages);
		assert_int_equal(b->k.access.query_count, 0);
		bench_free(b);
	}
}

/* ---- why ---- */

static void set_value(struct model_snapshot *snapshot, struct model_object *object,
                      const struct model_field *row, size_t field, const char *text)
{
	assert_int_equal(model_value_read_why(row, slice_of(text), &snapshot->arena, &object->values[field],
	                                      &(struct reason){ "" }),
	                 RESULT_OK);
}

static void give_image(struct bench *b, const char *proxy, bool is_by_domain)
{
	struct keeper *k = &b->k;
	struct model_snapshot *snapshot = k->now.snapshot;
	struct model_object *entry = model_object_new(&snapshot->arena, model_kind(MODEL_ALLOWED_DOMAIN));
	struct model_object *edge = model_snapshot_one(snapshot, MODEL_ACCESS_EDGE);
	struct model_object *topology = model_snapshot_one(snapshot, MODEL_TOPOLOGY);
	struct model_object *policy = model_snapshot_find(snapshot, MODEL_ACCESS_POLICY, SLICE("Global"));

#define SET(object, KIND, kind, field, text)                                                                 \
	set_value(snapshot, object, &model_kind(MODEL_##KIND)->fields[MODEL_FIELD(kind, field)],             \
	          MODEL_FIELD(kind, field), text)
	SET(entry, ALLOWED_DOMAIN, allowed_domain, domain, "fabrikam.example");
	if (proxy)
		SET(entry, ALLOWED_DOMAIN, allowed_domain, proxy_fqdn, proxy);
	if (is_by_domain)
		SET(entry, ALLOWED_DOMAIN, allowed_domain, identity, "domain");
	SET(edge, ACCESS_EDGE, access_edge, allow_federated_users, "true");
	SET(topology, TOPOLOGY, topology, sip_domains, "contoso.example");
	SET(policy, ACCESS_POLICY, access_policy, enable_federation_access, "true");
#undef SET
	assert_int_equal(model_snapshot_add(snapshot, entry), RESULT_OK);
	policy_image_close(&k->now.image);
	close(k->now.image_fd);
	assert_int_equal(policy_image_build(snapshot, 7, &k->now.image_fd, NULL), RESULT_OK);
	assert_int_equal(policy_image_open(k->now.image_fd, &k->now.image, NULL), RESULT_OK);
}

#define DNS_ASSUMED "DNS names an edge in fabrikam.example"
#define CERTIFICATE "the partner's certificate speaks for fabrikam.example"
#define KNOWN(srv, targets, connected, dns, sip)                                                             \
	"{\"srv\":\"" srv "\",\"route\":\"federation\",\"targets\":[" targets "],\"connected\":" connected   \
	",\"dns\":[" dns "],\"sip\":[" sip "]}"

static void why_asks_the_service_what_it_knows(void **state)
{
	static const struct {
		const char *name, *partner, *proxy, *from, *to;
		bool is_by_domain;
		const char *wanted[3];
		const char *assumed; /* the whole array */
	} cases[] = {
		{ .name = "assumes when nothing was asked",
		  .partner = KNOWN("unasked", "", "false", "", ""),
		  .wanted = { "\"name\":\"route\",\"asks\":\"Is the partner's edge known, by its entry or by "
		              "DNS SRV?\",\"result\":\"assumed\"",
		              "\"result\":\"assumed\",\"words\":\"" CERTIFICATE "\"", "\"last_error\":null" },
		  .assumed = "[\"" DNS_ASSUMED " (not asked yet)\",\"" CERTIFICATE "\"]" },
		{ .name = "tells what really failed last beside what it assumes",
		  .partner = "{\"srv\":\"unasked\",\"last_error_in\":{\"time\":5,\"by\":\"us\",\"text\":"
		             "\"srv-in-domain: "
		             "no\"},\"last_error_out\":{\"time\":3,\"by\":\"network\",\"text\":\"x\"}}",
		  .wanted = { "\"answer\":\"pass\"",
		              "\"last_error\":{\"time\":5,\"direction\":\"in\",\"by\":\"us\",\"text\":"
		              "\"srv-in-domain: no\",\"advice\":\"\"}" },
		  .assumed = "[\"" DNS_ASSUMED " (not asked yet)\",\"" CERTIFICATE "\"]" },
		{ .name = "assumes when the service knows nothing",
		  .partner = "[]",
		  .wanted = { "\"answer\":\"pass\"" },
		  .assumed = "[\"" DNS_ASSUMED " (not asked yet)\",\"" CERTIFICATE "\"]" },
		{ .name = "refuses when DNS failed",
		  .partner = KNOWN("failed", "", "false", "", ""),
		  .wanted = { "\"answer\":\"refuse\"", "\"name\":\"route\"", "its SRV look-up failed" },
		  .assumed = "[]" },
		{ .name = "refuses when there is no record",
		  .partner = KNOWN("absent", "", "false", "", ""),
		  .wanted = { "\"answer\":\"refuse\"", "has no DNS SRV record",
		              "\"change\":\"domain allow fabrikam.example proxy-fqdn=" },
		  .assumed = "[]" },
		{ .name = "needs no DNS where the entry names the edge",
		  .partner = KNOWN("failed", "", "false", "", ""),
		  .proxy = "edge.fabrikam.example",
		  .wanted = { "\"answer\":\"pass\"" },
		  .assumed = "[\"" CERTIFICATE "\"]" },
		{ .name = "needs no DNS inwards where the domain's certificate is enough",
		  .partner = KNOWN("absent", "", "false", "", ""),
		  .is_by_domain = true,
		  .wanted = { "\"answer\":\"pass\"" },
		  .assumed = "[\"" CERTIFICATE "\"]" },
		{ .name = "needs DNS outwards, whatever the certificate",
		  .partner = KNOWN("absent", "", "true", "", "\"fabrikam.example\""),
		  .is_by_domain = true,
		  .from = "bob@contoso.example",
		  .to = "alice@fabrikam.example",
		  .wanted = { "\"answer\":\"refuse\"", "\"direction\":\"out\"", "has no DNS SRV record" },
		  .assumed = "[]" },
		{ .name = "refuses a target elsewhere",
		  .partner = KNOWN("found", "\"sip.hoster.example\"", "false", "", ""),
		  .wanted = { "\"answer\":\"refuse\"", "\"name\":\"srv-in-domain\"",
		              "\"change\":\"domain allow fabrikam.example proxy-fqdn=sip.hoster.example" },
		  .assumed = "[]" },
		{ .name = "assumes the certificate alone when DNS is known",
		  .partner = KNOWN("found", "\"edge.fabrikam.example\"", "false", "", ""),
		  .wanted = { "\"answer\":\"pass\"" },
		  .assumed = "[\"" CERTIFICATE "\"]" },
		{ .name = "assumes nothing when all is known",
		  .partner = KNOWN("found", "\"sip.fabrikam.example\"", "true", "\"sip.fabrikam.example\"",
		                   ""),
		  .wanted = { "\"answer\":\"pass\"" },
		  .assumed = "[]" },
		{ .name = "refuses the certificate that is there",
		  .partner = KNOWN("found", "\"sip.fabrikam.example\"", "true", "\"sip.other.example\"", ""),
		  .wanted = { "\"answer\":\"refuse\"", "\"name\":\"peer-identity\"" },
		  .assumed = "[]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bench *b = bench_new(CONTROL_ROLE_VIEWER);
		char line[256], assumed[256];
		const char *answer;

		give_image(b, cases[i].proxy, cases[i].is_by_domain);
		start_fake(b);
		b->answers_queries = true;
		b->partner = cases[i].partner;
		ask(b, HELLO);
		snprintf(
		        line, sizeof line,
		        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"why\",\"params\":{\"from\":\"%s\",\"to\":"
		        "\"%s\"}}\n",
		        cases[i].from ? cases[i].from : "alice@fabrikam.example",
		        cases[i].to ? cases[i].to : "bob@contoso.example");
		say(b, line);
		turn(b, 5);
		answer = hear(b);
		snprintf(assumed, sizeof assumed, "\"assumed\":%s", cases[i].assumed);
		if (!strstr(answer, assumed))
			fail_msg("%s: %s is not in %s", cases[i].name, assumed, answer);
		for (size_t j = 0; j < 3 && cases[i].wanted[j]; j++)
			if (!strstr(answer, cases[i].wanted[j]))
				fail_msg("%s: %s is not in %s", cases[i].name, cases[i].wanted[j], answer);
		bench_free(b);
	}
}

static void why_says_that_both_are_our_own_and_that_the_service_is_stopped(void **state)
{
	struct bench *b = bench_new(CONTROL_ROLE_VIEWER);

	(void)state;
	give_image(b, NULL, false);
	ask(b, HELLO);
	assert_non_null(strstr(ask(b, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"why\",\"params\":{\"from\":"
	                              "\"a@contoso.example\",\"to\":\"b@contoso.example\"}}\n"),
	                       "are both our own"));
	assert_non_null(strstr(ask(b, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"why\",\"params\":{\"from\":"
	                              "\"a@fabrikam.example\",\"to\":\"b@contoso.example\"}}\n"),
	                       DNS_ASSUMED " (the service does not run)"));
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
		cmocka_unit_test(asks_for_pages_until_one_is_not_full),
		cmocka_unit_test(why_asks_the_service_what_it_knows),
		cmocka_unit_test(why_says_that_both_are_our_own_and_that_the_service_is_stopped),
		cmocka_unit_test(does_not_wait_for_a_service_that_dies),
		cmocka_unit_test(a_client_that_leaves_harms_no_call),
		cmocka_unit_test(lives_with_each_allocation_failing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
