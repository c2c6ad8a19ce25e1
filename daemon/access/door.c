#include <stdio.h>
#include <sys/resource.h>

#include "daemon/access/parts.h"
#include "shared/base/memory.h"

static const char *const limit_names[DOOR_LIMITS] = {
	[DOOR_CONNECTIONS] = "max-connections",
	[DOOR_CONNECTIONS_UNIDENTIFIED] = "unidentified-share of max-connections",
	[DOOR_CONNECTIONS_DISCOVERED] = "discovered-share of max-connections",
	[DOOR_CONNECTIONS_REMOTE] = "remote-share of max-connections",
	[DOOR_REMOTE_ADDRESS] = "remote-connections-per-address",
	[DOOR_SOURCE] = "unidentified connections of one source",
	[DOOR_HANDSHAKES] = "max-handshakes",
	[DOOR_HANDSHAKE_RATE] = "max-handshake-rate",
	[DOOR_TRANSACTIONS] = "max-transactions",
	[DOOR_TRANSACTIONS_UNIDENTIFIED] = "unidentified-share of max-transactions",
	[DOOR_TRANSACTIONS_DISCOVERED] = "discovered-share of max-transactions",
	[DOOR_TRANSACTIONS_REMOTE] = "remote-share of max-transactions",
	[DOOR_TRANSACTIONS_OF_ONE] = "transactions of one connection",
	[DOOR_TRANSACTIONS_OF_PARTNER] = "transactions of one partner",
	[DOOR_DESCRIPTORS] = "descriptors of the process",
};

bool allowance_take(struct allowance *allowance, int64_t now_ms, unsigned per_second)
{
	if (now_ms - allowance->since_ms >= 1000)
		*allowance = (struct allowance){ .since_ms = now_ms };
	return ++allowance->used <= per_second;
}

/* ---- limits are told once ---- */

void door_limit_met(struct access *a, enum door_limit limit, uint64_t value, const struct flow *flow,
                    const char *who)
{
	int64_t *met = &a->door.met_ms[limit], now = access_now_ms(a);
	bool begins = *met == 0 || now - *met >= DOOR_LIMIT_QUIET_MS;
	struct report report;

	*met = now;
	if (!begins)
		return;
	report_open(&report, a, CONTROL_EVENT_LIMIT_REACHED);
	json_put_text(&report.w, "limit", limit_names[limit]);
	json_put_number(&report.w, "value", (int64_t)value);
	if (flow)
		json_put_number(&report.w, "connection", (int64_t)flow->number);
	json_put_text(&report.w, "partner", who);
	report_send(&report);
}

bool door_may_report(struct access *a)
{
	return allowance_take(&a->door.reports, access_now_ms(a), DOOR_REPORTS_PER_SECOND);
}

static void sleep_listeners(struct access *a)
{
	LIST_EACH (at, &a->listeners) {
		struct access_listener *l = LIST_OWNER(at, struct access_listener, node);

		if (l->side != SIP_SIDE_INTERNAL)
			listener_pause(l->listener, DOOR_PAUSE_MS);
	}
}

void door_descriptors_out(struct access *a)
{
	door_limit_met(a, DOOR_DESCRIPTORS, a->flow_count, NULL, "all connections together");
}

/* ---- sources ---- */

static uint8_t source_key(const struct address *from, char key[10])
{
	if (from->any.sa_family == AF_INET6) {
		key[0] = '6';
		memcpy(key + 1, &from->v6.sin6_addr, 8);
		return 9;
	}
	key[0] = '4';
	memcpy(key + 1, &from->v4.sin_addr, 4);
	return 5;
}

static void forget_source(struct access *a, struct door_source *source)
{
	map_remove(&a->door.sources, (struct slice){ source->key, source->key_length });
	list_remove(&source->node);
	mem_free(source);
}

static struct door_source *source_of(struct access *a, const struct address *from)
{
	char key[10];
	uint8_t length = source_key(from, key);
	struct door_source *source = map_get(&a->door.sources, (struct slice){ key, length });

	if (source || !(source = mem_new(sizeof *source)))
		return source;
	memcpy(source->key, key, length);
	source->key_length = length;
	list_start(&source->node);
	if (map_add(&a->door.sources, (struct slice){ source->key, length }, source) == RESULT_OK)
		return source;
	mem_free(source);
	return NULL;
}

/* It has no connection any more: a partner's is kept in mind, the one idle longest makes room. */
static void source_idle(struct access *a, struct door_source *source)
{
	struct door *door = &a->door;

	if (source->known_as == ADMISSION_UNIDENTIFIED) {
		forget_source(a, source);
		return;
	}
	list_add_first(&door->idle_sources, &source->node);
	if (++door->idle_source_count <= DOOR_SOURCES_KEPT)
		return;
	forget_source(a, LIST_OWNER(door->idle_sources.prev, struct door_source, node));
	door->idle_source_count--;
}

static void source_used(struct access *a, struct door_source *source)
{
	if (source->connections++ == 0 && !list_is_empty(&source->node)) {
		list_remove(&source->node);
		a->door.idle_source_count--;
	}
}

static void source_left(struct access *a, struct door_source *source)
{
	if (--source->connections == 0)
		source_idle(a, source);
}

/* ---- stages ---- */

static void stage_enter(struct flow *flow, enum door_stage stage)
{
	struct door_pass *pass = &flow->pass;
	struct door *door = &flow->access->door;

	list_remove(&pass->node);
	if (pass->stage == DOOR_SHAKING)
		door->handshakes[pass->class]--;
	pass->stage = stage;
	pass->since_ms = access_now_ms(flow->access);
	if (stage == DOOR_INSIDE)
		return;
	if (stage == DOOR_SHAKING)
		door->handshakes[pass->class]++;
	list_add_last(&door->stages[stage][pass->class], &pass->node);
}

static struct flow *oldest(struct access *a, enum door_stage stage, enum admission_class class)
{
	struct list *head = &a->door.stages[stage][class];

	return list_is_empty(head) ? NULL : LIST_OWNER(head->next, struct flow, pass.node);
}

/* The one of a class that keeps us waiting longest goes, if it has had its time. */
static bool make_room(struct access *a, enum door_stage stage, enum admission_class class, int64_t grace_ms)
{
	struct flow *flow = oldest(a, stage, class);

	if (!flow || access_now_ms(a) - flow->pass.since_ms < grace_ms ||
	    !allowance_take(&a->door.room_made, access_now_ms(a), DOOR_ROOM_MADE_PER_SECOND))
		return false;
	door_leave(flow);
	connection_abort(flow->connection, CONNECTION_END_LIMIT,
	                 stage == DOOR_SILENT ? "it kept silent while others waited"
	                                      : "its TLS handshake took too long while others waited");
	return true;
}

/* ---- in ---- */

static bool has_room(struct access *a, enum admission_class class)
{
	return admission_has_room(&a->door.shares, class, a->door.connections, a->door.connections_max);
}

static void count_in(struct flow *flow, enum admission_class class)
{
	flow->pass.class = class;
	flow->pass.is_counted = true;
	flow->access->door.connections[class]++;
}

static void refuse(struct access *a)
{
	struct allowance *refusals = &a->door.refusals;
	int64_t now = access_now_ms(a);

	a->door.turned_away++;
	if (now - refusals->since_ms >= DOOR_PAUSE_MS)
		*refusals = (struct allowance){ .since_ms = now };
	if (++refusals->used >= DOOR_REFUSALS_AT_ONCE)
		sleep_listeners(a);
}

/* Nobody can be let in: the next ones wait where they cost us nothing. */
static void sleep_when_full(struct access *a)
{
	if (a->flow_count + 1 >= a->door.connections_max)
		sleep_listeners(a);
}

static enum door_limit connections_limit(enum admission_class class)
{
	static const enum door_limit limits[ADMISSION_CLASSES] = {
		[ADMISSION_UNIDENTIFIED] = DOOR_CONNECTIONS_UNIDENTIFIED,
		[ADMISSION_DISCOVERED] = DOOR_CONNECTIONS_DISCOVERED,
		[ADMISSION_REMOTE] = DOOR_CONNECTIONS_REMOTE,
		[ADMISSION_ALLOWED] = DOOR_CONNECTIONS,
	};

	return limits[class];
}

static bool class_has_room(struct access *a, enum admission_class class, const char *who, const char **words)
{
	if (a->flow_count >= a->door.connections_max) {
		*words = "max-connections reached";
		door_limit_met(a, DOOR_CONNECTIONS, a->door.connections_max, NULL, who);
		sleep_listeners(a);
		return false;
	}
	if (has_room(a, class) ||
	    (class != ADMISSION_ALLOWED && make_room(a, DOOR_SILENT, class, DOOR_SILENT_GRACE_MS)))
		return true;
	*words = "the share of its class is taken";
	door_limit_met(a, connections_limit(class),
	               admission_most(&a->door.shares, class, a->door.connections_max), NULL, who);
	return false;
}

/* False: which limit it meets is in `words`, and has been told. */
static bool may_enter(struct access *a, enum sip_side side, const struct door_source *source,
                      enum admission_class class, const char *who, const char **words)
{
	if (source && side == SIP_SIDE_REMOTE &&
	    source->connections > a->settings->remote_connections_per_address) {
		*words = "too many connections of remote users from one address";
		door_limit_met(a, DOOR_REMOTE_ADDRESS, a->settings->remote_connections_per_address, NULL,
		               who);
		return false;
	}
	if (source && source->strangers >= DOOR_STRANGERS_PER_SOURCE_MAX) {
		*words = "too many connections of one source have not shown who they are";
		door_limit_met(a, DOOR_SOURCE, DOOR_STRANGERS_PER_SOURCE_MAX, NULL, who);
		return false;
	}
	return class_has_room(a, class, who, words);
}

/* Where a user of ours has signed in, the next who comes to that listener is taken for one; and so of partners. */
static enum admission_class known_class(const struct door_source *source, enum sip_side side)
{
	bool is_users = source->known_as == ADMISSION_REMOTE;

	return is_users == (side == SIP_SIDE_REMOTE) ? source->known_as : ADMISSION_UNIDENTIFIED;
}

bool door_enter(struct access *a, struct flow *flow, const struct address *from, const char **words)
{
	struct door_pass *pass = &flow->pass;
	bool is_ours = flow->side == SIP_SIDE_INTERNAL;
	struct door_source *source = is_ours ? NULL : source_of(a, from);
	enum admission_class class = source ? known_class(source, flow->side) : ADMISSION_ALLOWED;
	char who[ADDRESS_TEXT_BYTES];

	address_host_text(from, who);
	*words = "out of memory";
	if (!is_ours && !source) {
		refuse(a);
		return false;
	}
	/* Held before room is made: the one that goes may be the last other connection of this source. */
	if (source)
		source_used(a, source);
	if (!may_enter(a, flow->side, source, class, who, words)) {
		if (source)
			source_left(a, source);
		refuse(a);
		return false;
	}
	count_in(flow, class);
	if (source)
		source->strangers++;
	pass->source = source;
	stage_enter(flow, flow->is_plain ? DOOR_INSIDE : DOOR_SILENT);
	sleep_when_full(a);
	return true;
}

bool door_enter_outgoing(struct access *a, struct flow *flow)
{
	if (!has_room(a, ADMISSION_ALLOWED)) {
		door_limit_met(a, DOOR_CONNECTIONS, a->door.connections_max, NULL, flow->partner);
		return false;
	}
	count_in(flow, ADMISSION_ALLOWED);
	return true;
}

static void leave_strangers(struct door_pass *pass)
{
	if (pass->source && !pass->is_proven)
		pass->source->strangers--;
}

void door_leave(struct flow *flow)
{
	struct access *a = flow->access;
	struct door_pass *pass = &flow->pass;

	if (!pass->is_counted)
		return;
	stage_enter(flow, DOOR_INSIDE);
	a->door.connections[pass->class]--;
	pass->is_counted = false;
	leave_strangers(pass);
	if (pass->source)
		source_left(a, pass->source);
	pass->source = NULL;
}

/* ---- whose turn is it? ---- */

/* A token is taken last: nobody's is lost for want of room. */
static bool take_turn(struct access *a, enum admission_class class)
{
	struct door *door = &a->door;

	if (!admission_has_room(&door->shares, class, door->handshakes, a->settings->max_handshakes) &&
	    !make_room(a, DOOR_SHAKING, class, DOOR_SHAKING_GRACE_MS)) {
		door_limit_met(a, DOOR_HANDSHAKES,
		               admission_most(&door->shares, class, a->settings->max_handshakes), NULL,
		               admission_class_name(class));
		return false;
	}
	if (admission_take(&door->shares, class, &door->rate, a->settings->max_handshake_rate,
	                   access_now_ms(a)))
		return true;
	door_limit_met(a, DOOR_HANDSHAKE_RATE, a->settings->max_handshake_rate, NULL,
	               admission_class_name(class));
	return false;
}

static void next_turns(void *owner)
{
	struct access *a = owner;
	bool is_waiting = false;

	for (unsigned i = ADMISSION_CLASSES; i-- > 0;) {
		enum admission_class class = (enum admission_class)i;
		struct flow *flow;

		while ((flow = oldest(a, DOOR_KNOCKING, class))) {
			if (access_now_ms(a) - flow->pass.since_ms >= DOOR_PATIENCE_MS) {
				door_leave(flow);
				connection_abort(flow->connection, CONNECTION_END_LIMIT,
				                 "its turn for a TLS handshake did not come");
				continue;
			}
			if (!take_turn(a, class))
				break;
			stage_enter(flow, DOOR_SHAKING);
			connection_let_in(flow->connection);
		}
		is_waiting = is_waiting || flow;
	}
	if (is_waiting)
		loop_timer_set(a->loop, &a->door.turn, DOOR_TURN_MS, next_turns, a);
}

bool door_knock(struct flow *flow)
{
	struct access *a = flow->access;
	enum admission_class class = flow->pass.class;

	/* Nobody overtakes those of its class who wait. */
	if (!oldest(a, DOOR_KNOCKING, class) && take_turn(a, class)) {
		stage_enter(flow, DOOR_SHAKING);
		return true;
	}
	stage_enter(flow, DOOR_KNOCKING);
	if (!a->door.turn.is_set)
		loop_timer_set(a->loop, &a->door.turn, DOOR_TURN_MS, next_turns, a);
	return false;
}

void door_inside(struct flow *flow) { stage_enter(flow, DOOR_INSIDE); }

/* ---- what it has proved ---- */

bool door_prove(struct flow *flow, enum admission_class class)
{
	struct access *a = flow->access;
	struct door_pass *pass = &flow->pass;
	uint64_t *there = a->door.connections;

	if (!pass->is_counted)
		return true;
	if (class != pass->class) {
		there[pass->class]--; /* it makes room for itself */
		if (!has_room(a, class) && class != ADMISSION_ALLOWED && !flow->hop) {
			there[pass->class]++;
			door_limit_met(a, connections_limit(class),
			               admission_most(&a->door.shares, class, a->door.connections_max), flow,
			               flow->partner);
			return false;
		}
		there[class]++;
		pass->class = class;
	}
	if (class == ADMISSION_UNIDENTIFIED) {
		if (pass->source && pass->is_proven)
			pass->source->strangers++;
		pass->is_proven = false;
		return true;
	}
	leave_strangers(pass);
	pass->is_proven = true;
	if (pass->source && pass->source->known_as < class)
		pass->source->known_as = class;
	return true;
}

/* ---- transactions ---- */

_Static_assert((int)ADMISSION_CLASSES == (int)SIP_TRANSACTION_GROUPS,
               "a class of askers is a group of transactions");

bool door_has_transaction(struct access *a, enum admission_class class, const struct flow *flow)
{
	static const enum door_limit limits[ADMISSION_CLASSES] = {
		[ADMISSION_UNIDENTIFIED] = DOOR_TRANSACTIONS_UNIDENTIFIED,
		[ADMISSION_DISCOVERED] = DOOR_TRANSACTIONS_DISCOVERED,
		[ADMISSION_REMOTE] = DOOR_TRANSACTIONS_REMOTE,
		[ADMISSION_ALLOWED] = DOOR_TRANSACTIONS,
	};
	uint64_t total = a->settings->max_transactions;
	const uint64_t *there = sip_transactions_grouped(a->transactions);

	if (admission_has_room(&a->door.shares, class, there, total))
		return true;
	door_limit_met(a,
	               sip_transactions_count(a->transactions) >= total ? DOOR_TRANSACTIONS : limits[class],
	               admission_most(&a->door.shares, class, total), flow, flow ? flow->partner : "");
	return false;
}

/* ---- life ---- */

/* Shares of what the process can really have: else strangers could take the descriptors that partners need. */
static uint64_t connections_max(const struct access *a)
{
	struct rlimit limit = { 0, 0 };
	uint64_t most = a->settings->max_connections;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return most;
	if (limit.rlim_cur < most + ACCESS_DESCRIPTORS_KEPT)
		most = limit.rlim_cur > 2 * ACCESS_DESCRIPTORS_KEPT ? limit.rlim_cur - ACCESS_DESCRIPTORS_KEPT
		                                                    : ACCESS_DESCRIPTORS_KEPT;
	return most;
}

void door_settings(struct access *a)
{
	struct door *door = &a->door;

	door->connections_max = connections_max(a);
	door->shares = admission_shares(a->settings->unidentified_share, a->settings->discovered_share,
	                                a->settings->remote_share);
	/* Who was a partner may be none now: sources are believed anew. */
	LIST_EACH_SAFE (at, &door->idle_sources)
		forget_source(a, LIST_OWNER(at, struct door_source, node));
	door->idle_source_count = 0;
	LIST_EACH (at, &a->flows) {
		struct flow *flow = LIST_OWNER(at, struct flow, node);

		if (flow->pass.source)
			flow->pass.source->known_as = ADMISSION_UNIDENTIFIED;
	}
	LIST_EACH (at, &a->flows) {
		struct flow *flow = LIST_OWNER(at, struct flow, node);
		struct door_pass *pass = &flow->pass;

		if (pass->source && pass->is_proven && pass->source->known_as < pass->class)
			pass->source->known_as = pass->class;
	}
}

void door_start(struct access *a)
{
	struct door *door = &a->door;

	for (unsigned s = 0; s < DOOR_STAGES; s++)
		for (unsigned c = 0; c < ADMISSION_CLASSES; c++)
			list_start(&door->stages[s][c]);
	list_start(&door->idle_sources);
	map_start(&door->sources, ACCESS_CONNECTIONS_MAX + DOOR_SOURCES_KEPT, a->seed);
}

void door_stop(struct access *a)
{
	LIST_EACH_SAFE (at, &a->door.idle_sources)
		forget_source(a, LIST_OWNER(at, struct door_source, node));
	loop_timer_stop(&a->door.turn);
	map_stop(&a->door.sources);
}
