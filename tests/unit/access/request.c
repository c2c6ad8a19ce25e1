/* The life of a request that waits: every one ends, with its transaction, and every count goes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/access/parts.h"
#include "shared/base/memory.h"

#include <cmocka.h>

#define REQUEST(method, branch)                                                                              \
	method " sip:bob@contoso.example SIP/2.0\r\n"                                                        \
	       "Via: SIP/2.0/TLS edge.fabrikam.example;branch=z9hG4bK" branch "\r\n"                         \
	       "From: <sip:alice@fabrikam.example>;tag=1\r\nTo: <sip:bob@contoso.example>\r\n"               \
	       "Call-ID: " branch "\r\nCSeq: 1 " method "\r\nContent-Length: 0\r\n\r\n"

enum { TRANSACTIONS_MAX = 16 };

struct world {
	struct access access;
	struct flow source; /* gone: its handle finds nothing */
	struct list waiting;
	size_t waiting_count;
};

static void world_start(struct world *w)
{
	struct access *a = &w->access;

	*w = (struct world){ .source = { .access = a, .self = 0 } };
	a->loop = loop_new();
	assert_non_null(a->loop);
	list_start(&a->flows);
	list_start(&a->idle_requests);
	list_start(&a->hop_list);
	list_start(&a->partner_list);
	list_start(&w->waiting);
	handles_start(&a->connections, 4);
	map_start(&a->hops, 4, a->seed);
	map_start(&a->partners, 4, a->seed);
	arena_start(&a->scratch, SIP_MESSAGE_ARENA_MAX);
	a->transactions = sip_transactions_new(TRANSACTIONS_MAX, a->seed);
	assert_non_null(a->transactions);
}

/* Whatever happened, nothing is left over. */
static void world_stop(struct world *w)
{
	struct access *a = &w->access;

	assert_int_equal(w->waiting_count, 0);
	assert_true(list_is_empty(&w->waiting));
	assert_int_equal(a->request_count, 0);
	assert_int_equal(sip_transactions_impossible(a->transactions), 0);
	while (!list_is_empty(&a->idle_requests)) {
		struct request *r = LIST_OWNER(a->idle_requests.next, struct request, node);

		list_remove(&r->node);
		buffer_stop(&r->bytes);
		mem_free(r);
	}
	sip_transactions_free(&a->transactions);
	arena_stop(&a->scratch);
	map_stop(&a->hops);
	map_stop(&a->partners);
	handles_stop(&a->connections);
	loop_timer_stop(&a->transaction_timer);
	loop_free(&a->loop);
}

/* A request with its server transaction, waiting as for a look-up. */
static struct request *add_waiting(struct world *w, const char *text)
{
	struct access *a = &w->access;
	struct sip_message m;
	struct sip_fault fault;
	struct sip_transaction *server;
	struct request *r;

	arena_reset(&a->scratch);
	assert_int_equal(sip_message_parse(slice_of(text), &a->scratch, &m, &fault), SIP_PARSE_OK);
	r = request_new(a, &w->source, &m);
	assert_non_null(r);
	if (m.method != SIP_ACK) {
		server = sip_transactions_add_server(a->transactions, &m, 0, access_now_ms(a));
		assert_non_null(server);
		server->owner = r;
		r->server = server->self;
	}
	request_wait(r, REQUEST_LOOKUP, &w->waiting, &w->waiting_count);
	return r;
}

static void age(struct request *r) { r->came_ms -= ACCESS_PATIENCE_MS; }

static void gives_up_what_has_waited_too_long(void **unused)
{
	struct world w;
	struct request *young;

	(void)unused;
	world_start(&w);
	age(add_waiting(&w, REQUEST("MESSAGE", "a")));
	young = add_waiting(&w, REQUEST("MESSAGE", "b"));
	age(add_waiting(&w, REQUEST("INVITE", "c")));
	age(add_waiting(&w, REQUEST("ACK", "d")));
	request_give_up_waiting(&w.waiting, "too late");
	assert_int_equal(w.waiting_count, 1);
	assert_int_equal(w.access.request_count, 1);
	assert_int_equal(sip_transactions_count(w.access.transactions), 1);
	assert_ptr_equal(LIST_OWNER(w.waiting.next, struct request, node), young);
	assert_int_equal(w.access.dropped, 1); /* the ACK */
	age(young);
	request_give_up_waiting(&w.waiting, "too late");
	assert_int_equal(sip_transactions_count(w.access.transactions), 0);
	world_stop(&w);
}

static void a_waiting_invite_ends_with_its_server_transaction(void **unused)
{
	struct world w;
	struct request *r;
	struct sip_transaction *server;

	(void)unused;
	world_start(&w);
	r = add_waiting(&w, REQUEST("INVITE", "a"));
	server = sip_transactions_get(w.access.transactions, r->server);
	response_server_step(&w.access, server, SIP_EVENT_TRANSPORT_FAILED);
	assert_int_equal(sip_transactions_count(w.access.transactions), 0);
	world_stop(&w);
}

static void a_message_outlives_its_connection_and_a_call_does_not(void **unused)
{
	struct world w;
	struct failure why = { .status = 504, .diagnostic = 1046 };
	struct request *message;

	(void)unused;
	world_start(&w);
	message = add_waiting(&w, REQUEST("MESSAGE", "a"));
	add_waiting(&w, REQUEST("INVITE", "b"));
	response_connection_lost(&w.access, 0, &why);
	assert_int_equal(sip_transactions_count(w.access.transactions), 0);
	assert_int_equal(w.waiting_count, 1);
	assert_int_equal(message->server, 0);
	age(message);
	request_give_up_waiting(&w.waiting, "too late");
	world_stop(&w);
}

static void transactions_forget_a_request_that_is_done(void **unused)
{
	struct world w;
	struct request *r;
	struct sip_transaction *server, *client;
	handle other;

	(void)unused;
	world_start(&w);
	r = add_waiting(&w, REQUEST("INVITE", "a"));
	server = sip_transactions_get(w.access.transactions, r->server);
	client = sip_transactions_add_client(w.access.transactions, SIP_INVITE, SLICE("z9hG4bKours"), 7,
	                                     access_now_ms(&w.access));
	assert_non_null(client);
	client->owner = r;
	r->client = client->self;
	other = server->self;
	request_done(r);
	assert_ptr_equal(sip_transactions_get(w.access.transactions, other), server);
	assert_null(server->owner);
	assert_null(client->owner);
	world_stop(&w);
}

static struct world *waking;
static size_t woken;

static void waits_again(struct request *r)
{
	woken++;
	request_wait(r, REQUEST_WAITS, &waking->waiting, &waking->waiting_count);
}

static void wakes_each_once_even_when_it_waits_again(void **unused)
{
	struct world w;

	(void)unused;
	world_start(&w);
	waking = &w;
	woken = 0;
	add_waiting(&w, REQUEST("MESSAGE", "a"));
	add_waiting(&w, REQUEST("MESSAGE", "b"));
	request_wake(&w.waiting, waits_again);
	assert_int_equal(woken, 2);
	assert_int_equal(w.waiting_count, 2);
	request_wake(&w.waiting, request_done);
	assert_int_equal(w.waiting_count, 0);
	world_stop(&w);
}

static void a_cancel_of_a_waiting_invite_ends_it(void **unused)
{
	struct world w;
	struct request *r;
	struct failure none = { 0 };

	(void)unused;
	world_start(&w);
	r = add_waiting(&w, REQUEST("INVITE", "a"));
	request_answer(r, NULL, 487, &none, SLICE(""));
	assert_int_equal(sip_transactions_count(w.access.transactions), 0);
	world_stop(&w);
}

static void a_response_of_another_call_has_another_mark(void **unused)
{
	static const char *const texts[] = {
		REQUEST("MESSAGE", "a"),
		REQUEST("MESSAGE", "b"),
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS e;branch=z9hG4bKa\r\nFrom: <sip:a@b.example>;tag=1\r\n"
		"To: <sip:b@c.example>;tag=2\r\nCall-ID: a\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n",
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS e;branch=z9hG4bKa\r\nFrom: <sip:a@b.example>;tag=9\r\n"
		"To: <sip:b@c.example>;tag=2\r\nCall-ID: a\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n",
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS e;branch=z9hG4bKa\r\nFrom: <sip:a@b.example>;tag=1\r\n"
		"To: <sip:b@c.example>;tag=2\r\nCall-ID: a\r\nCSeq: 2 MESSAGE\r\nContent-Length: 0\r\n\r\n",
	};
	uint64_t marks[sizeof texts / sizeof *texts];
	struct world w;

	(void)unused;
	world_start(&w);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct sip_message m;
		struct sip_fault fault;

		arena_reset(&w.access.scratch);
		assert_int_equal(sip_message_parse(slice_of(texts[i]), &w.access.scratch, &m, &fault),
		                 SIP_PARSE_OK);
		marks[i] = request_mark(&w.access, &m);
	}
	assert_true(marks[0] != marks[1]);
	assert_true(marks[0] == marks[2]);
	assert_true(marks[0] != marks[3]);
	assert_true(marks[0] != marks[4]);
	world_stop(&w);
}

static void an_allowance_is_so_many_a_second(void **unused)
{
	struct allowance allowance = { 0 };

	(void)unused;
	assert_true(allowance_take(&allowance, 5000, 2));
	assert_true(allowance_take(&allowance, 5999, 2));
	assert_false(allowance_take(&allowance, 5999, 2));
	assert_true(allowance_take(&allowance, 6000, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_up_what_has_waited_too_long),
		cmocka_unit_test(a_waiting_invite_ends_with_its_server_transaction),
		cmocka_unit_test(a_message_outlives_its_connection_and_a_call_does_not),
		cmocka_unit_test(transactions_forget_a_request_that_is_done),
		cmocka_unit_test(wakes_each_once_even_when_it_waits_again),
		cmocka_unit_test(a_cancel_of_a_waiting_invite_ends_it),
		cmocka_unit_test(a_response_of_another_call_has_another_mark),
		cmocka_unit_test(an_allowance_is_so_many_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
