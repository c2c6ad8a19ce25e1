/*
 * The input is a script: three bytes a step (what happens, to which of a few
 * dozen transactions or names, how much time passes).  The table lives through it
 * beside a plain list of what ought to be there; after every step the two are
 * compared.  What must hold: counts are balanced, a lookup finds what lives and nothing
 * else, timers come in order and none is lost, what ends says so once, nothing
 * impossible is counted unless the script asked for it.
 */
#include <stdlib.h>

#include "daemon/sip/transaction.h"
#include "shared/base/memory.h"

enum { NAMES = 24, CONNECTIONS = 4, TABLE_MAX = 40, PER_CONNECTION = 12, STEP_BYTES = 3 };

#define CHECK(claim) ((claim) ? (void)0 : abort())

struct known {
	struct sip_transaction *t; /* NULL: none of this name lives */
	handle self;
};

struct world {
	struct sip_transactions *table;
	struct known servers[NAMES], clients[NAMES]; /* by branch; the method follows from it */
	int64_t now_ms;
	uint64_t impossible;
	size_t living;
};

static const struct siphash_key seed = { 11, 22 };

static enum sip_method method_of(unsigned name)
{
	static const enum sip_method methods[] = { SIP_INVITE, SIP_MESSAGE, SIP_INVITE, SIP_SUBSCRIBE };

	return methods[name % 4];
}

static handle connection_of(unsigned name) { return 1 + name / 4 % CONNECTIONS; }

/* Every third name is a sender of RFC 2543. */
static struct sip_message request_of(unsigned name, enum sip_method method)
{
	static const char branches[NAMES][16] = {
#define B(n) "z9hG4bK-" #n
		B(0),  B(1),  B(2),  B(3),  B(4),  B(5),  B(6),  B(7),  B(8),  B(9),  B(10), B(11),
		B(12), B(13), B(14), B(15), B(16), B(17), B(18), B(19), B(20), B(21), B(22), B(23),
#undef B
	};
	bool is_old = name % 3 == 2;
	struct slice branch = slice_of(branches[name]);

	return (struct sip_message){
		.is_request = true,
		.method = method,
		.method_name = sip_method_name(method),
		.target = SLICE("sip:b@contoso.example"),
		.from = { .tag = SLICE("f") },
		.call_id = branch,
		.cseq = { 1, sip_method_name(method) },
		.via = { .all = SLICE("SIP/2.0/TLS p"),
		         .host = SLICE("p"),
		         .branch = is_old ? SLICE_NONE : branch },
	};
}

static struct slice branch_of(unsigned name)
{
	static const char letters[] =
	        "z9hG4bKaz9hG4bKbz9hG4bKcz9hG4bKdz9hG4bKez9hG4bKfz9hG4bKgz9hG4bKhz9hG4bKiz9hG4bKjz9hG4bKk"
	        "z9hG4bKlz9hG4bKmz9hG4bKnz9hG4bKoz9hG4bKpz9hG4bKqz9hG4bKrz9hG4bKsz9hG4bKtz9hG4bKuz9hG4bKv"
	        "z9hG4bKwz9hG4bKx";

	return (struct slice){ letters + name * 8, 8 };
}

static struct known *known_of(struct world *w, const struct sip_transaction *t)
{
	for (unsigned i = 0; i < NAMES; i++) {
		if (w->servers[i].t == t)
			return &w->servers[i];
		if (w->clients[i].t == t)
			return &w->clients[i];
	}
	abort();
}

static void forget(struct world *w, struct sip_transaction *t)
{
	struct known *known = known_of(w, t);

	sip_transactions_remove(w->table, t);
	CHECK(sip_transactions_get(w->table, known->self) == NULL);
	*known = (struct known){ 0 };
	w->living--;
}

static void step(struct world *w, struct sip_transaction *t, enum sip_event event)
{
	struct sip_step wanted = sip_transaction_event(t->machine, t->state, event);
	unsigned todo = sip_transactions_step(w->table, t, event, w->now_ms);

	CHECK(todo == wanted.intentions && t->state == wanted.next);
	w->impossible += wanted.is_impossible;
	CHECK(sip_transactions_impossible(w->table) == w->impossible);
	if (todo & (SIP_DO_SEND | SIP_DO_SEND_100)) {
		buffer_clear(&t->stored);
		buffer_add(&t->stored,
		           SLICE("SIP/2.0 100 Trying\r\nTo: <sip:b@contoso.example>;tag=t\r\n\r\n"));
	}
	CHECK((t->state == SIP_STATE_TERMINATED) == ((todo & SIP_DO_END) != 0));
	if (t->state == SIP_STATE_TERMINATED)
		CHECK(t->deadline_ms == INT64_MAX && t->extra_deadline_ms == INT64_MAX);
	/* Whoever lives without a timer waits for the core: an INVITE that is not answered, or that rings. */
	else if (t->machine != SIP_INVITE_SERVER || t->state != SIP_STATE_PROCEEDING)
		CHECK(t->machine == SIP_INVITE_CLIENT || t->deadline_ms != INT64_MAX ||
		      t->timer_event == event);
	if (todo & SIP_DO_END)
		forget(w, t);
}

static void add_server(struct world *w, unsigned name)
{
	struct sip_message m = request_of(name, method_of(name));
	struct sip_transaction *t = sip_transactions_find_server(w->table, &m);

	CHECK(t == w->servers[name].t);
	if (t) {
		step(w, t, SIP_EVENT_REQUEST);
		return;
	}
	t = sip_transactions_add_server_within(w->table, &m, connection_of(name), PER_CONNECTION, w->now_ms);
	CHECK(t || w->living == TABLE_MAX ||
	      sip_transactions_count_on(w->table, connection_of(name)) >= PER_CONNECTION);
	if (t) {
		w->servers[name] = (struct known){ t, t->self };
		w->living++;
	}
}

static void add_client(struct world *w, unsigned name)
{
	struct sip_transaction *t;

	if (w->clients[name].t)
		return;
	t = sip_transactions_add_client(w->table, method_of(name), branch_of(name), connection_of(name),
	                                w->now_ms);
	CHECK((t != NULL) == (w->living < TABLE_MAX));
	if (t) {
		w->clients[name] = (struct known){ t, t->self };
		w->living++;
	}
}

static void respond(struct world *w, unsigned name, unsigned kind)
{
	static const enum sip_event events[] = { SIP_EVENT_1XX, SIP_EVENT_2XX, SIP_EVENT_3XX_6XX };
	struct sip_message m = { .via = { .branch = branch_of(name) },
		                 .cseq = { 1, sip_method_name(method_of(name)) } };
	struct sip_transaction *t = sip_transactions_find_client(w->table, &m, connection_of(name));

	CHECK(t == w->clients[name].t);
	CHECK(sip_transactions_find_client(w->table, &m, connection_of(name) + 1) == NULL);
	if (t)
		step(w, t, events[kind % 3]);
}

static void acknowledge(struct world *w, unsigned name)
{
	struct sip_message m = request_of(name, SIP_ACK);
	struct sip_transaction *t;

	m.to.tag = SLICE("t");
	t = sip_transactions_find_server(w->table, &m);
	if (t) {
		CHECK(t == w->servers[name].t && t->method == SIP_INVITE);
		step(w, t, SIP_EVENT_ACK);
	}
}

static void cancel(struct world *w, unsigned name)
{
	struct sip_message m = request_of(name, SIP_CANCEL);
	struct sip_transaction *t = sip_transactions_find_cancelled(w->table, &m);

	CHECK(t == (method_of(name) == SIP_INVITE ? w->servers[name].t : NULL));
}

static void pass_time(struct world *w, unsigned amount)
{
	enum sip_event event;
	struct sip_transaction *t;
	size_t fired = 0;

	w->now_ms += (int64_t)amount * amount * 4; /* up to 260 s */
	while ((t = sip_transactions_due(w->table, w->now_ms, &event))) {
		CHECK(t == known_of(w, t)->t && ++fired <= 4 * TABLE_MAX);
		step(w, t, event);
	}
	CHECK(sip_transactions_next_ms(w->table) > w->now_ms);
}

static void each_lost(void *to, struct sip_transaction *t)
{
	struct world *w = to;

	/* Whatever it is told, it ends: nobody is left to talk to. */
	step(w, t, SIP_EVENT_TRANSPORT_FAILED);
}

static void check_all(struct world *w)
{
	int64_t next = INT64_MAX;
	size_t on_connections = 0;

	CHECK(sip_transactions_count(w->table) == w->living);
	for (unsigned i = 0; i < 2 * NAMES; i++) {
		const struct known *known = i < NAMES ? &w->servers[i] : &w->clients[i - NAMES];

		if (!known->t)
			continue;
		CHECK(sip_transactions_get(w->table, known->self) == known->t);
		next = known->t->deadline_ms < next ? known->t->deadline_ms : next;
		next = known->t->extra_deadline_ms < next ? known->t->extra_deadline_ms : next;
	}
	CHECK(sip_transactions_next_ms(w->table) == next);
	for (handle c = 1; c <= CONNECTIONS; c++)
		on_connections += sip_transactions_count_on(w->table, c);
	CHECK(on_connections == w->living);
}

static void one_step(struct world *w, const uint8_t *bytes)
{
	unsigned name = bytes[1] % NAMES;
	struct sip_transaction *server = w->servers[name].t, *client = w->clients[name].t;

	switch (bytes[0] % 10) {
	case 0: add_server(w, name); break;
	case 1: add_client(w, name); break;
	case 2: respond(w, name, bytes[2]); break;
	case 3: acknowledge(w, name); break;
	case 4: cancel(w, name); break;
	case 5:
		if (server)
			step(w, server, (enum sip_event)(SIP_EVENT_1XX + bytes[2] % 3));
		break;
	case 6: sip_transactions_each_on(w->table, connection_of(name), each_lost, w); break;
	case 7:
		if (client && client->machine == SIP_INVITE_CLIENT && client->state <= SIP_STATE_PROCEEDING)
			sip_transactions_set_extra(w->table, client, SIP_EVENT_TIMER_C,
			                           bytes[2] ? w->now_ms + 1000 * bytes[2] : 0);
		break;
	case 8: /* any event at all, sensible or not */
		if (server || client)
			step(w, server ? server : client, (enum sip_event)(bytes[2] % SIP_EVENT_COUNT));
		break;
	default: pass_time(w, bytes[2]);
	}
	check_all(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct world w = { .table = sip_transactions_new(TABLE_MAX, seed), .now_ms = 1000 };

	if (!w.table)
		return 0;
	for (size_t at = 0; at + STEP_BYTES <= size && at < 4096; at += STEP_BYTES)
		one_step(&w, bytes + at);
	sip_transactions_free(&w.table);
	return 0;
}
