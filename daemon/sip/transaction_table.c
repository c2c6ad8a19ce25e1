/*
 * The living transactions.  In the steady state a request costs no memory from
 * the system: freed transactions and connection records wait in pools, maps and
 * heap keep their size.
 */
#include "daemon/sip/transaction_key.h"
#include "daemon/sip/transaction_timers.h"
#include "daemon/sip/written.h"
#include "shared/base/map.h"
#include "shared/base/memory.h"

/* What one connection has under way.  Lives while it has a transaction or is being walked. */
struct sip_flow_record {
	handle connection;
	struct list transactions; /* or, in the pool, `pooled` below */
	uint32_t count, counted;  /* all; those that count against the cap */
	uint32_t walks;           /* sip_transactions_each_on under way */
	struct list pooled;
};

struct sip_transactions {
	struct siphash_key seeds[2];
	uint32_t max;
	struct handles handles;
	struct map servers, clients; /* by key */
	struct map flows;            /* by connection */
	struct sip_timers timers;
	struct list pool, flow_pool;
	uint32_t pooled, flows_pooled;
	uint64_t impossible;
	uint64_t grouped[SIP_TRANSACTION_GROUPS];
};

/* ---- birth and death of the table ---- */

struct sip_transactions *sip_transactions_new(uint32_t max, struct siphash_key seed)
{
	struct sip_transactions *table = mem_new(sizeof *table);
	struct slice label = SLICE("second seed");

	if (!table)
		return NULL;
	table->max = max;
	table->seeds[0] = seed;
	table->seeds[1] = (struct siphash_key){ siphash(seed, label), siphash(seed, slice_after(label, 1)) };
	handles_start(&table->handles, max);
	map_start(&table->servers, max, seed);
	map_start(&table->clients, max, seed);
	map_start(&table->flows, max, seed);
	list_start(&table->pool);
	list_start(&table->flow_pool);
	return table;
}

static void free_transaction(struct sip_transaction *t)
{
	buffer_stop(&t->stored);
	mem_free(t);
}

void sip_transactions_free(struct sip_transactions **table)
{
	struct sip_transactions *gone = *table;
	struct sip_transaction *t;
	uint32_t at = 0;

	*table = NULL;
	if (!gone)
		return;
	while ((t = handles_next(&gone->handles, &at)))
		sip_transactions_remove(gone, t);
	LIST_EACH_SAFE (node, &gone->pool)
		free_transaction(LIST_OWNER(node, struct sip_transaction, on_connection));
	LIST_EACH_SAFE (node, &gone->flow_pool)
		mem_free(LIST_OWNER(node, struct sip_flow_record, pooled));
	map_stop(&gone->servers);
	map_stop(&gone->clients);
	map_stop(&gone->flows);
	handles_stop(&gone->handles);
	sip_timers_stop(&gone->timers);
	mem_wipe(gone->seeds, sizeof gone->seeds);
	mem_free(gone);
}

void sip_transactions_set_max(struct sip_transactions *table, uint32_t max)
{
	table->max = table->handles.max = max;
	table->servers.max = table->clients.max = table->flows.max = max;
}

void sip_transactions_set_group(struct sip_transactions *table, struct sip_transaction *t, uint8_t group)
{
	table->grouped[t->group]--;
	t->group = group;
	table->grouped[group]++;
}

const uint64_t *sip_transactions_grouped(const struct sip_transactions *table) { return table->grouped; }
size_t sip_transactions_count(const struct sip_transactions *table) { return table->handles.count; }

bool sip_transactions_are_settled(const struct sip_transactions *table, int64_t now_ms)
{
	const struct sip_transaction *t;
	uint32_t at = 0;

	while ((t = handles_next(&table->handles, &at))) {
		bool is_answered = t->state == SIP_STATE_ACCEPTED || t->state == SIP_STATE_COMPLETED;

		/* H, L and M all run for the same time from there. */
		if (!is_answered || t->deadline_ms - now_ms > SIP_TIMER_B_MS - SIP_SETTLE_MS)
			return false;
	}
	return true;
}

uint64_t sip_transactions_impossible(const struct sip_transactions *table) { return table->impossible; }

/* ---- connections ---- */

static struct slice connection_key(const handle *connection)
{
	return (struct slice){ (const char *)connection, sizeof *connection };
}

static struct sip_flow_record *find_flow(const struct sip_transactions *table, handle connection)
{
	return map_get(&table->flows, connection_key(&connection));
}

size_t sip_transactions_count_on(const struct sip_transactions *table, handle connection)
{
	const struct sip_flow_record *flow = find_flow(table, connection);

	return flow ? flow->count : 0;
}

static struct sip_flow_record *new_flow(struct sip_transactions *table, handle connection)
{
	struct sip_flow_record *flow;

	if (table->flows_pooled) {
		flow = LIST_OWNER(table->flow_pool.next, struct sip_flow_record, pooled);
		list_remove(&flow->pooled);
		table->flows_pooled--;
	} else if (!(flow = mem_new(sizeof *flow))) {
		return NULL;
	}
	*flow = (struct sip_flow_record){ .connection = connection };
	list_start(&flow->transactions);
	list_start(&flow->pooled);
	if (map_add(&table->flows, connection_key(&flow->connection), flow) == RESULT_OK)
		return flow;
	mem_free(flow);
	return NULL;
}

static void release_flow(struct sip_transactions *table, struct sip_flow_record *flow)
{
	if (flow->count || flow->walks)
		return;
	map_remove(&table->flows, connection_key(&flow->connection));
	if (table->flows_pooled < SIP_TRANSACTIONS_POOLED_MAX) {
		list_add_first(&table->flow_pool, &flow->pooled);
		table->flows_pooled++;
	} else {
		mem_free(flow);
	}
}

void sip_transactions_each_on(struct sip_transactions *table, handle connection,
                              void (*each)(void *to, struct sip_transaction *t), void *to)
{
	struct sip_flow_record *flow = find_flow(table, connection);
	struct list waiting;

	if (!flow)
		return;
	/* All go to a list of our own and back one by one: what the callback removes leaves whichever it is in. */
	list_start(&waiting);
	while (!list_is_empty(&flow->transactions)) {
		struct list *node = flow->transactions.next;

		list_remove(node);
		list_add_last(&waiting, node);
	}
	flow->walks++;
	while (!list_is_empty(&waiting)) {
		struct list *node = waiting.next;

		list_remove(node);
		list_add_last(&flow->transactions, node);
		each(to, LIST_OWNER(node, struct sip_transaction, on_connection));
	}
	flow->walks--;
	release_flow(table, flow);
}

/* ---- birth and death of a transaction ---- */

static struct map *map_of(struct sip_transactions *table, enum sip_machine machine)
{
	return machine == SIP_INVITE_SERVER || machine == SIP_NON_INVITE_SERVER ? &table->servers
	                                                                        : &table->clients;
}

static struct slice key_slice(const struct sip_transaction_key *key)
{
	return (struct slice){ (const char *)key->words, sizeof key->words };
}

/* Back to the pool, or to the system when the pool is full: a flood's memory is not kept for ever. */
static void release(struct sip_transactions *table, struct sip_transaction *t)
{
	if (table->pooled >= SIP_TRANSACTIONS_POOLED_MAX) {
		free_transaction(t);
		return;
	}
	if (t->stored.size > SIP_STORED_KEPT_BYTES)
		buffer_release(&t->stored);
	list_add_first(&table->pool, &t->on_connection);
	table->pooled++;
}

static struct sip_transaction *take(struct sip_transactions *table)
{
	struct sip_transaction *t;
	struct buffer stored;

	if (!table->pooled) {
		t = mem_new(sizeof *t);
		if (!t)
			return NULL;
		buffer_start(&t->stored, SIP_STORED_MAX);
		list_start(&t->on_connection);
		return t;
	}
	t = LIST_OWNER(table->pool.next, struct sip_transaction, on_connection);
	list_remove(&t->on_connection);
	table->pooled--;
	buffer_clear(&t->stored);
	stored = t->stored;
	*t = (struct sip_transaction){ .stored = stored };
	list_start(&t->on_connection);
	return t;
}

/* Names it, makes it findable and gives it a place among the timers; all or nothing. */
static bool enter(struct sip_transactions *table, struct sip_transaction *t,
                  const struct sip_transaction_key *key)
{
	struct sip_flow_record *flow = find_flow(table, t->connection);

	t->key = *key;
	if (!sip_timers_reserve(&table->timers, table->handles.count + 1) ||
	    !(t->self = handles_add(&table->handles, t)))
		return false;
	if (map_add(map_of(table, t->machine), key_slice(&t->key), t) != RESULT_OK)
		goto unnamed;
	if (!flow && !(flow = new_flow(table, t->connection)))
		goto unfindable;
	t->flow = flow;
	table->grouped[t->group]++;
	flow->count++;
	list_add_last(&flow->transactions, &t->on_connection);
	return true;
unfindable:
	map_remove(map_of(table, t->machine), key_slice(&t->key));
unnamed:
	handles_remove(&table->handles, t->self);
	return false;
}

static struct sip_transaction *add(struct sip_transactions *table, enum sip_machine machine,
                                   enum sip_method method, const struct sip_transaction_key *key,
                                   handle connection, int64_t now_ms)
{
	struct sip_transaction *t;

	if (table->handles.count >= table->max || !(t = take(table)))
		return NULL;
	t->machine = machine;
	t->state = sip_transaction_first_state(machine);
	t->method = method;
	t->connection = connection;
	t->created_ms = now_ms;
	t->deadline_ms = t->extra_deadline_ms = INT64_MAX;
	t->heap_at = SIZE_MAX;
	if (enter(table, t, key))
		return t;
	release(table, t);
	return NULL;
}

static void start_timers(struct sip_transactions *table, struct sip_transaction *t, int64_t after_ms,
                         enum sip_event extra, int64_t extra_after_ms)
{
	t->deadline_ms = after_ms ? t->created_ms + after_ms : INT64_MAX;
	t->timer_event = SIP_EVENT_TIMER_TIMEOUT;
	t->extra_deadline_ms = extra_after_ms ? t->created_ms + extra_after_ms : INT64_MAX;
	t->extra_event = extra;
	sip_timers_place(&table->timers, t);
}

struct sip_transaction *sip_transactions_add_server_within(struct sip_transactions *table,
                                                           const struct sip_message *request,
                                                           handle connection, uint32_t connection_max,
                                                           int64_t now_ms)
{
	const struct sip_flow_record *flow = find_flow(table, connection);
	struct sip_transaction_key key;
	struct sip_transaction *t;
	bool is_invite = request->method == SIP_INVITE;

	if (flow && flow->counted >= connection_max)
		return NULL;
	key = sip_transaction_key_server(table->seeds, request, request->method_name);
	t = add(table, is_invite ? SIP_INVITE_SERVER : SIP_NON_INVITE_SERVER, request->method, &key,
	        connection, now_ms);
	if (!t)
		return NULL;
	t->counts = true;
	t->flow->counted++;
	if (!is_invite)
		start_timers(table, t, SIP_SERVER_LIFE_MS, SIP_EVENT_TIMER_100, SIP_TIMER_E_T2_MS);
	return t;
}

struct sip_transaction *sip_transactions_add_server(struct sip_transactions *table,
                                                    const struct sip_message *request, handle connection,
                                                    int64_t now_ms)
{
	return sip_transactions_add_server_within(table, request, connection,
	                                          SIP_TRANSACTIONS_PER_CONNECTION_MAX, now_ms);
}

struct sip_transaction *sip_transactions_add_client(struct sip_transactions *table, enum sip_method method,
                                                    struct slice branch, handle connection, int64_t now_ms)
{
	struct sip_transaction_key key = sip_transaction_key_client(table->seeds, branch, method, connection);
	bool is_invite = method == SIP_INVITE;
	struct sip_transaction *t = add(table, is_invite ? SIP_INVITE_CLIENT : SIP_NON_INVITE_CLIENT, method,
	                                &key, connection, now_ms);

	if (t)
		start_timers(table, t, SIP_TIMER_B_MS, SIP_EVENT_TIMER_C, is_invite ? SIP_TIMER_C_MS : 0);
	return t;
}

static void uncount(struct sip_transaction *t)
{
	if (t->counts)
		t->flow->counted--;
	t->counts = false;
}

void sip_transactions_remove(struct sip_transactions *table, struct sip_transaction *t)
{
	struct sip_flow_record *flow = t->flow;

	uncount(t);
	table->grouped[t->group]--;
	sip_timers_remove(&table->timers, t);
	map_remove(map_of(table, t->machine), key_slice(&t->key));
	handles_remove(&table->handles, t->self);
	list_remove(&t->on_connection);
	flow->count--;
	t->self = 0;
	release(table, t);
	release_flow(table, flow);
}

/* ---- matching ---- */

struct sip_transaction *sip_transactions_get(struct sip_transactions *table, handle h)
{
	return handles_get(&table->handles, h);
}

static struct sip_transaction *find_server(const struct sip_transactions *table,
                                           const struct sip_message *request, struct slice method)
{
	struct sip_transaction_key key = sip_transaction_key_server(table->seeds, request, method);

	return map_get(&table->servers, key_slice(&key));
}

/* §17.2.3, RFC 2543 senders: "the To tag of the ACK matches the To tag of the response sent by the server". */
static bool acknowledges(const struct sip_message *ack, const struct sip_transaction *t)
{
	struct slice value;
	struct sip_address to;

	return sip_written_find(buffer_slice(&t->stored), SIP_TO, &value) &&
	       sip_address_parse(value, &to, NULL) == SIP_PARSE_OK && slice_equal(to.tag, ack->to.tag);
}

struct sip_transaction *sip_transactions_find_server(struct sip_transactions *table,
                                                     const struct sip_message *request)
{
	struct sip_transaction *t;

	if (request->method != SIP_ACK)
		return find_server(table, request, request->method_name);
	t = find_server(table, request, sip_method_name(SIP_INVITE));
	if (t && !sip_transaction_has_cookie(request->via.branch) && !acknowledges(request, t))
		return NULL;
	return t;
}

struct sip_transaction *sip_transactions_find_cancelled(struct sip_transactions *table,
                                                        const struct sip_message *cancel)
{
	return find_server(table, cancel, sip_method_name(SIP_INVITE));
}

struct sip_transaction *sip_transactions_find_client(struct sip_transactions *table,
                                                     const struct sip_message *response, handle connection)
{
	struct sip_transaction_key key;

	if (!sip_transaction_has_cookie(response->via.branch)) /* ours always has it */
		return NULL;
	key = sip_transaction_key_client(table->seeds, response->via.branch,
	                                 sip_method_of(response->cseq.method), connection);
	return map_get(&table->clients, key_slice(&key));
}

/* ---- steps and time ---- */

unsigned sip_transactions_step(struct sip_transactions *table, struct sip_transaction *t,
                               enum sip_event event, int64_t now_ms)
{
	struct sip_step step = sip_transaction_event(t->machine, t->state, event);

	if (step.is_impossible) {
		table->impossible++;
		return SIP_DO_NOTHING;
	}
	if (step.timer_ms > 0) {
		t->deadline_ms = now_ms + step.timer_ms;
		t->timer_event = step.timer_event;
	} else if (step.timer_ms < 0) {
		t->deadline_ms = INT64_MAX;
	}
	t->state = step.next;
	/* A final answer has passed: nobody rings any more and no 100 is due. */
	if (step.next == SIP_STATE_COMPLETED || step.next == SIP_STATE_ACCEPTED ||
	    step.next == SIP_STATE_TERMINATED)
		t->extra_deadline_ms = INT64_MAX;
	/* An accepted INVITE only waits for repeated 2xx; it took somebody on the other side to make it. */
	if (step.next == SIP_STATE_ACCEPTED)
		uncount(t);
	sip_timers_place(&table->timers, t);
	return step.intentions;
}

void sip_transactions_set_extra(struct sip_transactions *table, struct sip_transaction *t,
                                enum sip_event event, int64_t deadline_ms)
{
	t->extra_event = event;
	t->extra_deadline_ms = deadline_ms ? deadline_ms : INT64_MAX;
	sip_timers_place(&table->timers, t);
}

int64_t sip_transactions_next_ms(const struct sip_transactions *table)
{
	return table->timers.count ? table->timers.places[0].due_ms : INT64_MAX;
}

struct sip_transaction *sip_transactions_due(struct sip_transactions *table, int64_t now_ms,
                                             enum sip_event *event)
{
	struct sip_transaction *t;

	if (sip_transactions_next_ms(table) > now_ms)
		return NULL;
	t = table->timers.places[0].transaction;
	if (t->deadline_ms <= t->extra_deadline_ms) {
		*event = t->timer_event;
		t->deadline_ms = INT64_MAX;
	} else {
		*event = t->extra_event;
		t->extra_deadline_ms = INT64_MAX;
	}
	sip_timers_place(&table->timers, t);
	return t;
}
