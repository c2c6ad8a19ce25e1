/* Matching, caps, timers with made-up times, walks by connection, memory. */
#include "daemon/sip/transaction.h"

#include "daemon/sip/transaction_key.h"
#include "shared/base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct siphash_key seed = { 0x0123456789abcdef, 0xfedcba9876543210 };
static const handle A = 7, B = 8;

static struct sip_message request(enum sip_method method, const char *branch)
{
	struct sip_message m = {
		.is_request = true,
		.method = method,
		.method_name = sip_method_name(method),
		.target = SLICE("sip:bob@contoso.example"),
		.call_id = SLICE("call-1"),
		.cseq = { 1, sip_method_name(method) },
		.from = { .tag = SLICE("from") },
		.to = { .tag = SLICE_NONE },
		.via = { .all = SLICE("SIP/2.0/TLS edge.fabrikam.example:5061"),
		         .transport = SLICE("TLS"),
		         .host = SLICE("edge.fabrikam.example"),
		         .port = 5061,
		         .branch = branch ? slice_of(branch) : SLICE_NONE },
	};

	return m;
}

static struct sip_message response(const char *branch, const char *method)
{
	struct sip_message m = { .status = 200,
		                 .cseq = { 1, slice_of(method) },
		                 .via = { .branch = slice_of(branch) } };

	return m;
}

static struct sip_transactions *table_of(uint32_t max)
{
	struct sip_transactions *table = sip_transactions_new(max, seed);

	assert_non_null(table);
	return table;
}

static struct sip_transaction *add(struct sip_transactions *table, enum sip_method method, const char *branch)
{
	struct sip_message m = request(method, branch);

	return sip_transactions_add_server(table, &m, A, 0);
}

/* ---- matching ---- */

/* Each row changes one thing of the request that made the transaction. */
static const struct {
	const char *behaviour;
	enum sip_method made, asked;
	const char *branch;
	const char *host;
	uint16_t port;
	bool is_found;
} server_rows[] = {
	{ "finds_the_same_request", SIP_INVITE, SIP_INVITE, "z9hG4bKa", "edge.fabrikam.example", 5061, true },
	{ "finds_the_invite_of_an_ack", SIP_INVITE, SIP_ACK, "z9hG4bKa", "edge.fabrikam.example", 5061,
	  true },
	{ "finds_the_host_in_any_case", SIP_INVITE, SIP_INVITE, "z9hG4bKa", "EDGE.Fabrikam.example", 5061,
	  true },
	{ "finds_a_message_again", SIP_MESSAGE, SIP_MESSAGE, "z9hG4bKa", "edge.fabrikam.example", 5061,
	  true },
	{ "tells_branches_apart", SIP_INVITE, SIP_INVITE, "z9hG4bKb", "edge.fabrikam.example", 5061, false },
	{ "tells_the_case_of_branches_apart", SIP_INVITE, SIP_INVITE, "z9hG4bKA", "edge.fabrikam.example",
	  5061, false },
	{ "tells_hosts_apart", SIP_INVITE, SIP_INVITE, "z9hG4bKa", "edge.evil.example", 5061, false },
	{ "tells_ports_apart", SIP_INVITE, SIP_INVITE, "z9hG4bKa", "edge.fabrikam.example", 5062, false },
	{ "tells_methods_apart", SIP_MESSAGE, SIP_INFO, "z9hG4bKa", "edge.fabrikam.example", 5061, false },
	{ "does_not_take_a_cancel_for_its_invite", SIP_INVITE, SIP_CANCEL, "z9hG4bKa",
	  "edge.fabrikam.example", 5061, false },
	{ "does_not_take_an_ack_for_a_message", SIP_MESSAGE, SIP_ACK, "z9hG4bKa", "edge.fabrikam.example",
	  5061, false },
};

static void matches_requests(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(server_rows); i++) {
		struct sip_transactions *table = table_of(10);
		struct sip_transaction *t = add(table, server_rows[i].made, "z9hG4bKa");
		struct sip_message asked = request(server_rows[i].asked, server_rows[i].branch);

		printf("%s\n", server_rows[i].behaviour);
		asked.via.host = slice_of(server_rows[i].host);
		asked.via.port = server_rows[i].port;
		assert_ptr_equal(sip_transactions_find_server(table, &asked),
		                 server_rows[i].is_found ? t : NULL);
		sip_transactions_free(&table);
		assert_null(table);
	}
}

/* RFC 3261 §17.2.3, second list: no magic cookie.  `change` is done to the request that asks. */
static void other_target(struct sip_message *m) { m->target = SLICE("sip:eve@contoso.example"); }
static void other_from(struct sip_message *m) { m->from.tag = SLICE("else"); }
static void other_call(struct sip_message *m) { m->call_id = SLICE("call-2"); }
static void other_number(struct sip_message *m) { m->cseq.number = 2; }
static void other_via(struct sip_message *m) { m->via.all = SLICE("SIP/2.0/TLS other.example"); }
static void to_tag(struct sip_message *m) { m->to.tag = SLICE("answer"); }
static void wrong_to_tag(struct sip_message *m) { m->to.tag = SLICE("guess"); }
static void nothing(struct sip_message *m) { (void)m; }

static const struct {
	const char *behaviour;
	enum sip_method made, asked;
	const char *branch;
	void (*change)(struct sip_message *m);
	bool is_found;
} old_rows[] = {
	{ "old_finds_without_a_branch", SIP_INVITE, SIP_INVITE, NULL, nothing, true },
	{ "old_finds_with_a_branch_of_its_own_kind", SIP_INVITE, SIP_INVITE, "1234", nothing, true },
	{ "old_takes_the_bare_cookie_for_none", SIP_INVITE, SIP_INVITE, "z9hG4bK", nothing, true },
	{ "old_compares_the_target", SIP_INVITE, SIP_INVITE, NULL, other_target, false },
	{ "old_compares_the_from_tag", SIP_INVITE, SIP_INVITE, NULL, other_from, false },
	{ "old_compares_the_call_id", SIP_INVITE, SIP_INVITE, NULL, other_call, false },
	{ "old_compares_the_number", SIP_INVITE, SIP_INVITE, NULL, other_number, false },
	{ "old_compares_the_via", SIP_INVITE, SIP_INVITE, NULL, other_via, false },
	{ "old_compares_the_to_tag_of_a_message", SIP_MESSAGE, SIP_MESSAGE, NULL, to_tag, false },
	{ "old_ack_carries_the_to_tag_of_the_response", SIP_INVITE, SIP_ACK, NULL, to_tag, true },
	{ "old_ack_with_another_to_tag", SIP_INVITE, SIP_ACK, NULL, wrong_to_tag, false },
	{ "old_ack_without_a_to_tag", SIP_INVITE, SIP_ACK, NULL, nothing, false },
};

static void matches_requests_of_rfc_2543(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(old_rows); i++) {
		struct sip_transactions *table = table_of(10);
		struct sip_transaction *t = add(table, old_rows[i].made, old_rows[i].branch);
		struct sip_message asked = request(old_rows[i].asked, old_rows[i].branch);

		printf("%s\n", old_rows[i].behaviour);
		buffer_add(&t->stored, SLICE("SIP/2.0 486 Busy Here\r\nVia: x\r\nTo: "
		                             "<sip:bob@contoso.example>;tag=answer\r\n"
		                             "Content-Length: 0\r\n\r\n"));
		old_rows[i].change(&asked);
		assert_ptr_equal(sip_transactions_find_server(table, &asked),
		                 old_rows[i].is_found ? t : NULL);
		sip_transactions_free(&table);
	}
}

static void finds_what_a_cancel_means(void **unused)
{
	struct sip_transactions *table = table_of(10);
	struct sip_transaction *invite = add(table, SIP_INVITE, "z9hG4bKa");
	struct sip_transaction *cancel = add(table, SIP_CANCEL, "z9hG4bKa");
	struct sip_transaction *message = add(table, SIP_MESSAGE, "z9hG4bKm");
	struct sip_message m = request(SIP_CANCEL, "z9hG4bKa"), other = request(SIP_CANCEL, "z9hG4bKm");

	(void)unused;
	assert_non_null(message);
	assert_ptr_equal(sip_transactions_find_cancelled(table, &m), invite);
	assert_ptr_equal(sip_transactions_find_server(table, &m), cancel);
	assert_null(sip_transactions_find_cancelled(table, &other));
	sip_transactions_free(&table);
}

static const struct {
	const char *behaviour, *branch, *method;
	bool is_same_connection, is_found;
} client_rows[] = {
	{ "finds_branch_method_connection", "z9hG4bKours", "MESSAGE", true, true },
	{ "refuses_another_connection", "z9hG4bKours", "MESSAGE", false, false },
	{ "refuses_another_branch", "z9hG4bKourz", "MESSAGE", true, false },
	{ "refuses_another_method", "z9hG4bKours", "INVITE", true, false },
	{ "refuses_an_unknown_method", "z9hG4bKours", "message", true, false },
	{ "refuses_a_branch_without_cookie", "ours", "MESSAGE", true, false },
	{ "refuses_no_branch", "", "MESSAGE", true, false },
};

static void matches_responses(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(client_rows); i++) {
		struct sip_transactions *table = table_of(10);
		struct sip_transaction *t = sip_transactions_add_client(table, SIP_MESSAGE,
		                                                        SLICE("z9hG4bKours"), A, 0);
		struct sip_message m = response(client_rows[i].branch, client_rows[i].method);

		printf("%s\n", client_rows[i].behaviour);
		assert_ptr_equal(
		        sip_transactions_find_client(table, &m, client_rows[i].is_same_connection ? A : B),
		        client_rows[i].is_found ? t : NULL);
		sip_transactions_free(&table);
	}
}

static void tells_long_names_apart(void **unused)
{
	struct sip_transactions *table = table_of(10);
	static char one[6000], two[6000];
	struct sip_message a = request(SIP_MESSAGE, NULL), b = request(SIP_MESSAGE, NULL);

	(void)unused;
	memset(one, 'x', sizeof one);
	memset(two, 'x', sizeof two);
	two[sizeof two - 1] = 'y';
	a.call_id = (struct slice){ one, sizeof one };
	b.call_id = (struct slice){ two, sizeof two };
	assert_non_null(sip_transactions_add_server(table, &a, A, 0));
	assert_non_null(sip_transactions_find_server(table, &a));
	assert_null(sip_transactions_find_server(table, &b));
	assert_non_null(sip_transactions_add_server(table, &b, A, 0));
	sip_transactions_free(&table);
}

static void makes_no_second_of_a_key(void **unused)
{
	struct sip_transactions *table = table_of(10);

	(void)unused;
	assert_non_null(add(table, SIP_INVITE, "z9hG4bKa"));
	assert_null(add(table, SIP_INVITE, "z9hG4bKa"));
	assert_int_equal(sip_transactions_count(table), 1);
	assert_int_equal(sip_transactions_count_on(table, A), 1);
	sip_transactions_free(&table);
}

static void a_handle_outlives_nothing(void **unused)
{
	struct sip_transactions *table = table_of(10);
	struct sip_transaction *t = add(table, SIP_INVITE, "z9hG4bKa");
	handle h = t->self;

	(void)unused;
	assert_ptr_equal(sip_transactions_get(table, h), t);
	sip_transactions_remove(table, t);
	assert_null(sip_transactions_get(table, h));
	assert_non_null(add(table, SIP_INVITE, "z9hG4bKb")); /* in the same slot and the same memory */
	assert_null(sip_transactions_get(table, h));
	sip_transactions_free(&table);
}

/* ---- caps ---- */

static void holds_its_maximum_and_not_one_more(void **unused)
{
	struct sip_transactions *table = table_of(20);
	char branch[32];
	struct sip_transaction *last = NULL;

	(void)unused;
	for (int i = 0; i < 20; i++) {
		snprintf(branch, sizeof branch, "z9hG4bK%d", i);
		last = i % 2 ? sip_transactions_add_client(table, SIP_MESSAGE, slice_of(branch), B, 0)
		             : add(table, SIP_MESSAGE, branch);
		assert_non_null(last);
	}
	assert_null(add(table, SIP_MESSAGE, "z9hG4bKx"));
	assert_null(sip_transactions_add_client(table, SIP_MESSAGE, SLICE("z9hG4bKx"), B, 0));
	assert_int_equal(sip_transactions_count(table), 20);
	sip_transactions_remove(table, last);
	assert_non_null(add(table, SIP_MESSAGE, "z9hG4bKx"));
	sip_transactions_free(&table);
}

static void one_connection_cannot_take_all(void **unused)
{
	struct sip_transactions *table = table_of(2000);
	struct sip_transaction *first = NULL;
	struct sip_message m;
	char branch[32];

	(void)unused;
	for (int i = 0; i < SIP_TRANSACTIONS_PER_CONNECTION_MAX; i++) {
		struct sip_transaction *t;

		snprintf(branch, sizeof branch, "z9hG4bK%d", i);
		assert_non_null(t = add(table, SIP_INVITE, branch));
		first = first ? first : t;
	}
	assert_null(add(table, SIP_INVITE, "z9hG4bKx"));
	sip_transactions_remove(table, first); /* one goes, one may come */
	assert_non_null(first = add(table, SIP_INVITE, "z9hG4bKone"));
	assert_null(add(table, SIP_INVITE, "z9hG4bKx"));
	m = request(SIP_INVITE, "z9hG4bKx");
	assert_non_null(sip_transactions_add_server(table, &m, B, 0)); /* another is unaffected */
	m = request(SIP_INVITE, "z9hG4bKy");                           /* a wider cap for our own pool */
	assert_non_null(
	        sip_transactions_add_server_within(table, &m, A, SIP_TRANSACTIONS_PER_CONNECTION_MAX + 1, 0));
	m = request(SIP_INVITE, "z9hG4bKz");
	assert_null(
	        sip_transactions_add_server_within(table, &m, A, SIP_TRANSACTIONS_PER_CONNECTION_MAX + 1, 0));

	/* What goes out does not count, and what was accepted no longer does. */
	assert_non_null(sip_transactions_add_client(table, SIP_INVITE, SLICE("z9hG4bKx"), A, 0));
	sip_transactions_step(table, first, SIP_EVENT_2XX, 0);
	assert_null(add(table, SIP_INVITE, "z9hG4bKz")); /* 513 - 1 of the wider cap are still there */
	sip_transactions_remove(table, first);           /* uncounted once, not twice */
	assert_null(add(table, SIP_INVITE, "z9hG4bKz"));
	sip_transactions_free(&table);
}

/* The core's classes are counted as they come, move and go; a new maximum binds those to come. */
static void counts_groups_and_takes_a_new_maximum(void **unused)
{
	struct sip_transactions *table = sip_transactions_new(2, seed);
	const uint64_t *grouped = sip_transactions_grouped(table);
	struct sip_transaction *a, *b;

	(void)unused;
	assert_non_null(a = add(table, SIP_MESSAGE, "z9hG4bKa"));
	assert_non_null(b = add(table, SIP_MESSAGE, "z9hG4bKb"));
	assert_int_equal(grouped[0], 2);
	sip_transactions_set_group(table, a, 2);
	sip_transactions_set_group(table, a, 2);
	assert_true(grouped[0] == 1 && grouped[1] == 0 && grouped[2] == 1);
	assert_null(add(table, SIP_MESSAGE, "z9hG4bKc"));
	sip_transactions_set_max(table, 40);
	for (int i = 0; i < 38; i++) {
		char branch[32];

		snprintf(branch, sizeof branch, "z9hG4bKmore%d", i);
		assert_non_null(add(table, SIP_MESSAGE, branch));
	}
	assert_null(add(table, SIP_MESSAGE, "z9hG4bKc"));
	sip_transactions_set_max(table, 1);
	assert_int_equal(sip_transactions_count(table), 40); /* they live on */
	sip_transactions_remove(table, a);
	assert_true(grouped[0] == 39 && grouped[2] == 0);
	assert_null(add(table, SIP_MESSAGE, "z9hG4bKc"));
	sip_transactions_remove(table, b);
	sip_transactions_set_max(table, 39);
	assert_non_null(b = add(table, SIP_MESSAGE, "z9hG4bKc"));
	assert_int_equal(b->group, 0); /* from the pool, and clean */
	sip_transactions_free(&table);
}

/* 100 000 INVITEs whose senders never acknowledge: memory stands still once the cap is reached. */
static void stays_flat_under_invites_without_ack(void **unused)
{
	struct sip_transactions *table = table_of(1024);
	size_t refused = 0;
	unsigned long allocated = 0;
	char branch[32];
	enum sip_event event;
	struct sip_transaction *t;

	(void)unused;
	for (int i = 0; i < 100000; i++) {
		int64_t now_ms = i; /* 1000 a second: Timer H of the first ends after 32 000 */

		snprintf(branch, sizeof branch, "z9hG4bK%d", i);
		while ((t = sip_transactions_due(table, now_ms, &event)))
			if (sip_transactions_step(table, t, event, now_ms) & SIP_DO_END)
				sip_transactions_remove(table, t);

		struct sip_message m = request(SIP_INVITE, branch);

		t = sip_transactions_add_server(table, &m, A, now_ms);
		if (t) {
			buffer_add(&t->stored, SLICE("SIP/2.0 403 Forbidden\r\n\r\n"));
			sip_transactions_step(table, t, SIP_EVENT_3XX_6XX, now_ms);
		} else {
			refused++;
		}
		assert_true(sip_transactions_count(table) <= SIP_TRANSACTIONS_PER_CONNECTION_MAX);
#ifdef PARLEY_FAULTS
		if (i == 1000)
			mem_fail_at(0); /* counts anew */
		allocated = mem_count();
#endif
	}
#ifdef PARLEY_FAULTS
	assert_int_equal(allocated, 0);
#endif
	(void)allocated;
	assert_true(refused > 90000);
	assert_int_equal(sip_transactions_impossible(table), 0);
	sip_transactions_free(&table);
}

static void gives_a_flood_s_memory_back(void **unused)
{
	struct sip_transactions *table = table_of(4 * SIP_TRANSACTIONS_POOLED_MAX);
	static struct sip_transaction *all[4 * SIP_TRANSACTIONS_POOLED_MAX];
	char branch[32];

	(void)unused;
	for (size_t i = 0; i < COUNT(all); i++) {
		snprintf(branch, sizeof branch, "z9hG4bK%zu", i);
		all[i] = sip_transactions_add_client(table, SIP_MESSAGE, slice_of(branch), (handle)(i + 1),
		                                     0);
		assert_non_null(all[i]);
		assert_non_null(buffer_reserve(&all[i]->stored, i % 2 ? 2 * SIP_STORED_KEPT_BYTES : 100));
	}
	for (size_t i = 0; i < COUNT(all); i++)
		sip_transactions_remove(table, all[i]);
	assert_int_equal(sip_transactions_count(table), 0);
#ifdef PARLEY_FAULTS
	/* So many wait in the pool and the next one comes from the system. */
	mem_fail_at(0);
	for (size_t i = 0; i <= SIP_TRANSACTIONS_POOLED_MAX; i++) {
		assert_int_equal(mem_count(), 0);
		snprintf(branch, sizeof branch, "z9hG4bK%zu", i);
		assert_non_null(sip_transactions_add_client(table, SIP_MESSAGE, slice_of(branch), A, 0));
	}
	assert_int_equal(mem_count(), 1);
#endif
	sip_transactions_free(&table); /* and the leak check finds nothing */
}

/* ---- time ---- */

static struct sip_transaction *due(struct sip_transactions *table, int64_t now_ms, enum sip_event wanted)
{
	enum sip_event event = SIP_EVENT_COUNT;
	struct sip_transaction *t = sip_transactions_due(table, now_ms, &event);

	if (t)
		assert_int_equal(event, wanted);
	return t;
}

static void a_message_times_out_at_timer_f(void **unused)
{
	struct sip_transactions *table = table_of(10);
	struct sip_transaction *t = sip_transactions_add_client(table, SIP_MESSAGE, SLICE("z9hG4bKa"), A,
	                                                        1000);

	(void)unused;
	assert_int_equal(sip_transactions_next_ms(table), 33000);
	assert_null(due(table, 32999, SIP_EVENT_COUNT));
	assert_ptr_equal(due(table, 33000, SIP_EVENT_TIMER_TIMEOUT), t);
	assert_int_equal(sip_transactions_next_ms(table), INT64_MAX); /* given once */
	assert_int_equal(sip_transactions_step(table, t, SIP_EVENT_TIMER_TIMEOUT, 33000),
	                 SIP_DO_REPORT_TIMEOUT | SIP_DO_END);
	sip_transactions_free(&table);
}

static void an_invite_is_cancelled_at_timer_c(void **unused)
{
	struct sip_transactions *table = table_of(10);
	struct sip_transaction *t = sip_transactions_add_client(table, SIP_INVITE, SLICE("z9hG4bKa"), A, 0);

	(void)unused;
	sip_transactions_step(table, t, SIP_EVENT_1XX, 10000); /* B is over */
	assert_int_equal(sip_transactions_next_ms(table), SIP_TIMER_C_MS);
	sip_transactions_set_extra(table, t, SIP_EVENT_TIMER_C, 100000 + SIP_TIMER_C_MS); /* a 180 */
	assert_null(due(table, SIP_TIMER_C_MS, SIP_EVENT_COUNT));
	assert_ptr_equal(due(table, 100000 + SIP_TIMER_C_MS, SIP_EVENT_TIMER_C), t);
	assert_int_equal(sip_transactions_step(table, t, SIP_EVENT_TIMER_C, 100000 + SIP_TIMER_C_MS),
	                 SIP_DO_CANCEL);
	assert_int_equal(sip_transactions_next_ms(table), 100000 + SIP_TIMER_C_MS + SIP_TIMER_B_MS);
	assert_ptr_equal(due(table, 100000 + SIP_TIMER_C_MS + SIP_TIMER_B_MS, SIP_EVENT_TIMER_TIMEOUT), t);
	assert_int_equal(sip_transactions_step(table, t, SIP_EVENT_TIMER_TIMEOUT, 400000),
	                 SIP_DO_REPORT_TIMEOUT | SIP_DO_END);
	sip_transactions_free(&table);
}

static void a_final_answer_stops_timer_c(void **unused)
{
	struct sip_transactions *table = table_of(10);
	struct sip_transaction *t = sip_transactions_add_client(table, SIP_INVITE, SLICE("z9hG4bKa"), A, 0);

	(void)unused;
	sip_transactions_step(table, t, SIP_EVENT_1XX, 10);
	sip_transactions_step(table, t, SIP_EVENT_2XX, 1000);
	assert_int_equal(sip_transactions_next_ms(table), 33000); /* M */
	assert_ptr_equal(due(table, 33000, SIP_EVENT_TIMER_DONE), t);
	assert_int_equal(sip_transactions_next_ms(table), INT64_MAX);
	sip_transactions_free(&table);
}

static void a_slow_message_is_owed_a_100(void **unused)
{
	struct sip_transactions *table = table_of(10);
	struct sip_transaction *t = add(table, SIP_MESSAGE, "z9hG4bKa");

	(void)unused;
	assert_null(due(table, 3499, SIP_EVENT_COUNT));
	assert_ptr_equal(due(table, 3500, SIP_EVENT_TIMER_100), t);
	assert_int_equal(sip_transactions_step(table, t, SIP_EVENT_TIMER_100, 3500), SIP_DO_SEND_100);
	assert_ptr_equal(due(table, SIP_SERVER_LIFE_MS, SIP_EVENT_TIMER_TIMEOUT), t);
	sip_transactions_free(&table);
}

static void an_extra_timer_of_0_is_off(void **unused)
{
	struct sip_transactions *table = table_of(10);
	struct sip_transaction *t = add(table, SIP_INVITE, "z9hG4bKa");

	(void)unused;
	assert_int_equal(sip_transactions_next_ms(table),
	                 INT64_MAX); /* the core or Timer C of its client ends it */
	sip_transactions_set_extra(table, t, SIP_EVENT_TIMER_C, 500);
	assert_int_equal(sip_transactions_next_ms(table), 500);
	sip_transactions_set_extra(table, t, SIP_EVENT_TIMER_C, 0);
	assert_int_equal(sip_transactions_next_ms(table), INT64_MAX);
	sip_transactions_free(&table);
}

/* Many timers set, moved and removed at random: they come in order, each of the living exactly once. */
static void timers_come_in_order_and_none_is_lost(void **unused)
{
	enum { MANY = 1000 };
	struct sip_transactions *table = table_of(MANY);
	struct sip_transaction *all[MANY];
	uint64_t random = 42;
	char branch[32];
	size_t living = MANY, seen = 0;
	int64_t last = 0;
	enum sip_event event;
	struct sip_transaction *t;

	(void)unused;
	for (size_t i = 0; i < MANY; i++) {
		snprintf(branch, sizeof branch, "z9hG4bK%zu", i);
		all[i] = sip_transactions_add_client(table, SIP_INVITE, slice_of(branch), (handle)(i % 3 + 1),
		                                     0);
		sip_transactions_step(table, all[i], SIP_EVENT_1XX, 0);
	}
	for (int round = 0; round < 20000; round++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;

		size_t i = (random >> 33) % MANY;

		if (!all[i])
			continue;
		if ((random >> 20) % 64 == 0) {
			sip_transactions_remove(table, all[i]);
			all[i] = NULL;
			living--;
		} else {
			sip_transactions_set_extra(table, all[i], SIP_EVENT_TIMER_C,
			                           (int64_t)(random >> 44) + 1);
		}
	}
	assert_true(living > 100 && living < MANY);
	while ((t = sip_transactions_due(table, INT64_MAX - 1, &event))) {
		seen++;
		assert_int_equal(event, SIP_EVENT_TIMER_C);
		assert_true(sip_transactions_next_ms(table) >= last);
		last = sip_transactions_next_ms(table) == INT64_MAX ? last : sip_transactions_next_ms(table);
	}
	assert_int_equal(seen, living);
	sip_transactions_free(&table);
}

/* ---- walks ---- */

struct walk {
	struct sip_transactions *table;
	size_t seen;
	bool does_add;
};

static void count_only(void *to, struct sip_transaction *t)
{
	struct walk *walk = to;

	assert_int_equal(t->connection, A);
	walk->seen++;
}

static void remove_both(void *to, struct sip_transaction *t)
{
	struct walk *walk = to;
	struct sip_transaction *other = sip_transactions_get(walk->table, t->other);
	char branch[32];

	walk->seen++;
	if (other)
		sip_transactions_remove(walk->table, other);
	sip_transactions_remove(walk->table, t);
	if (walk->does_add) {
		snprintf(branch, sizeof branch, "z9hG4bKnew%zu", walk->seen);
		assert_non_null(add(walk->table, SIP_INVITE, branch));
	}
}

static void fill_pairs(struct sip_transactions *table, handle other_connection)
{
	char branch[32];

	for (int i = 0; i < 50; i++) {
		snprintf(branch, sizeof branch, "z9hG4bK%d", i);

		struct sip_transaction *server = add(table, SIP_INVITE, branch);
		struct sip_transaction *client = sip_transactions_add_client(
		        table, SIP_INVITE, slice_of(branch), other_connection, 0);

		assert_true(server && client);
		server->other = client->self;
		client->other = server->self;
	}
}

static void walks_one_connection(void **unused)
{
	struct walk walk = { .table = table_of(1000) };

	(void)unused;
	fill_pairs(walk.table, B);
	sip_transactions_each_on(walk.table, A, count_only, &walk);
	assert_int_equal(walk.seen, 50);
	sip_transactions_each_on(walk.table, 99, count_only, &walk);
	assert_int_equal(walk.seen, 50);
	sip_transactions_each_on(walk.table, A, remove_both, &walk);
	assert_int_equal(walk.seen, 100);
	assert_int_equal(sip_transactions_count(walk.table), 0);
	assert_int_equal(sip_transactions_count_on(walk.table, A), 0);
	sip_transactions_free(&walk.table);
}

static void a_walk_survives_what_its_callback_does(void **unused)
{
	struct walk walk = { .table = table_of(1000), .does_add = true };

	(void)unused;
	fill_pairs(walk.table, A); /* a spiral: both halves on one connection */
	assert_int_equal(sip_transactions_count_on(walk.table, A), 100);
	sip_transactions_each_on(walk.table, A, remove_both, &walk);
	assert_int_equal(walk.seen, 50); /* each pair once, the new ones not at all */
	assert_int_equal(sip_transactions_count_on(walk.table, A), 50);
	sip_transactions_free(&walk.table);
}

/* ---- memory ---- */

#ifdef PARLEY_FAULTS
static void every_allocation_may_fail(void **unused)
{
	(void)unused;
	for (unsigned long nth = 1; nth < 60; nth++) {
		struct sip_transactions *table;
		size_t made = 0;
		char branch[32];

		mem_fail_at(nth);
		table = sip_transactions_new(200, seed);
		for (int i = 0; table && i < 100; i++) {
			struct sip_message m;
			struct sip_transaction *t;

			snprintf(branch, sizeof branch, "z9hG4bK%d", i);
			m = request(SIP_MESSAGE, branch);
			t = sip_transactions_add_server(table, &m, (handle)(i % 10 + 1), 0);
			made += t != NULL;
			assert_ptr_equal(sip_transactions_find_server(table, &m), t);
			assert_int_equal(sip_transactions_count(table), made);
			if (t && i % 3 == 0) {
				sip_transactions_remove(table, t);
				made--;
			}
		}
		mem_fail_at(0);
		sip_transactions_free(&table);
	}
}

static void the_steady_state_allocates_nothing(void **unused)
{
	struct sip_transactions *table = table_of(1000);
	char branch[32];

	(void)unused;
	for (int i = 0; i < 2000; i++) {
		snprintf(branch, sizeof branch, "z9hG4bK%d", i);

		struct sip_transaction *server = add(table, SIP_MESSAGE, branch);
		struct sip_transaction *client = sip_transactions_add_client(table, SIP_MESSAGE,
		                                                             slice_of(branch), B, i);

		if (i == 1000)
			mem_fail_at(0);
		assert_true(server && client);
		assert_true(buffer_add(&client->stored,
		                       SLICE("MESSAGE sip:bob@contoso.example SIP/2.0\r\n\r\n")));
		sip_transactions_remove(table, client);
		sip_transactions_remove(table, server);
	}
	assert_int_equal(mem_count(), 0);
	sip_transactions_free(&table);
}
#endif

static void what_is_answered_settles_and_what_is_not_does_not(void **state)
{
	struct sip_transactions *table = table_of(4);
	struct sip_transaction *t;

	(void)state;
	assert_true(sip_transactions_are_settled(table, 0));
	t = add(table, SIP_INVITE, "z9hG4bKa");
	assert_false(sip_transactions_are_settled(table, 100000));
	sip_transactions_step(table, t, SIP_EVENT_2XX, 100000);
	assert_false(sip_transactions_are_settled(table, 100000 + SIP_SETTLE_MS - 1));
	assert_true(sip_transactions_are_settled(table, 100000 + SIP_SETTLE_MS));
	t = add(table, SIP_INVITE, "z9hG4bKb");
	sip_transactions_step(table, t, SIP_EVENT_3XX_6XX, 200000);
	assert_false(sip_transactions_are_settled(table, 200000 + SIP_SETTLE_MS - 1));
	assert_true(sip_transactions_are_settled(table, 200000 + SIP_SETTLE_MS));
	add(table, SIP_MESSAGE, "z9hG4bKc");
	assert_false(sip_transactions_are_settled(table, 900000));
	sip_transactions_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_requests),
		cmocka_unit_test(matches_requests_of_rfc_2543),
		cmocka_unit_test(finds_what_a_cancel_means),
		cmocka_unit_test(matches_responses),
		cmocka_unit_test(tells_long_names_apart),
		cmocka_unit_test(makes_no_second_of_a_key),
		cmocka_unit_test(a_handle_outlives_nothing),
		cmocka_unit_test(what_is_answered_settles_and_what_is_not_does_not),
		cmocka_unit_test(holds_its_maximum_and_not_one_more),
		cmocka_unit_test(one_connection_cannot_take_all),
		cmocka_unit_test(counts_groups_and_takes_a_new_maximum),
		cmocka_unit_test(stays_flat_under_invites_without_ack),
		cmocka_unit_test(gives_a_flood_s_memory_back),
		cmocka_unit_test(a_message_times_out_at_timer_f),
		cmocka_unit_test(an_invite_is_cancelled_at_timer_c),
		cmocka_unit_test(a_final_answer_stops_timer_c),
		cmocka_unit_test(a_slow_message_is_owed_a_100),
		cmocka_unit_test(an_extra_timer_of_0_is_off),
		cmocka_unit_test(timers_come_in_order_and_none_is_lost),
		cmocka_unit_test(walks_one_connection),
		cmocka_unit_test(a_walk_survives_what_its_callback_does),
#ifdef PARLEY_FAULTS
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(the_steady_state_allocates_nothing),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
