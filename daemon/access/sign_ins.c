/*
 * sign_ins: failed sign-ins, by address and by user.
 *
 * An address is judged like the door judges it: an IPv6 /64 is one.  A user's failures keep others from guessing his
 * password, not him from working: over a connection where he is signed in they do not count.
 */
#include <stdio.h>

#include "daemon/access/parts.h"
#include "shared/base/memory.h"

struct sign_in {
	struct list node;
	struct sign_in_record record;
	struct policy_rate rate; /* of an address */
	uint8_t key_length;
	char key[SIGN_IN_KEY_BYTES];
};

enum { BY_ADDRESS, BY_USER, KINDS };

/* Users by a keyed hash of their address: nobody chooses a key that takes another's place. */
static struct slice key_of_user(const struct access *a, struct slice user, uint64_t room[2])
{
	room[0] = siphash(a->seed, user);
	room[1] = siphash(a->seed, (struct slice){ (const char *)room, sizeof room[0] }) ^ user.len;
	return (struct slice){ (const char *)room, 2 * sizeof *room };
}

static struct slice key_of_flow(const struct flow *flow)
{
	return flow->pass.source ? (struct slice){ flow->pass.source->key, flow->pass.source->key_length }
	                         : SLICE("");
}

static void forget(struct sign_ins *table, struct sign_in *one)
{
	map_remove(&table->by_key, (struct slice){ one->key, one->key_length });
	list_remove(&one->node);
	mem_free(one);
}

static struct sign_in *find(struct sign_ins *table, struct slice key)
{
	struct sign_in *one = map_get(&table->by_key, key);

	if (one) {
		list_remove(&one->node);
		list_add_first(&table->latest_first, &one->node);
	}
	return one;
}

/* NULL: no memory. */
static struct sign_in *get(struct sign_ins *table, struct slice key)
{
	struct sign_in *one = find(table, key);

	if (one || key.len > SIGN_IN_KEY_BYTES)
		return one;
	if (table->by_key.count >= SIGN_INS_KEPT)
		forget(table, LIST_OWNER(table->latest_first.prev, struct sign_in, node));
	one = mem_new(sizeof *one);
	if (!one)
		return NULL;
	memcpy(one->key, key.ptr, key.len);
	one->key_length = (uint8_t)key.len;
	list_start(&one->node);
	if (map_add(&table->by_key, (struct slice){ one->key, one->key_length }, one) != RESULT_OK) {
		mem_free(one);
		return NULL;
	}
	list_add_first(&table->latest_first, &one->node);
	return one;
}

void sign_ins_start(struct access *a)
{
	for (size_t i = 0; i < KINDS; i++) {
		map_start(&a->sign_ins[i].by_key, SIGN_INS_KEPT, a->seed);
		list_start(&a->sign_ins[i].latest_first);
	}
}

void sign_ins_stop(struct access *a)
{
	for (size_t i = 0; i < KINDS; i++) {
		LIST_EACH_SAFE (at, &a->sign_ins[i].latest_first)
			forget(&a->sign_ins[i], LIST_OWNER(at, struct sign_in, node));
		map_stop(&a->sign_ins[i].by_key);
	}
}

bool sign_ins_admit(struct flow *flow, struct slice user, int64_t *wait_ms)
{
	struct access *a = flow->access;
	int64_t now = access_now_ms(a), wait;
	uint64_t room[2];
	const struct sign_in *address = find(&a->sign_ins[BY_ADDRESS], key_of_flow(flow));
	const struct sign_in *person = find(&a->sign_ins[BY_USER], key_of_user(a, user, room));

	*wait_ms = address ? sign_in_wait(&address->record, now) : 0;
	wait = person && !remote_user_of(flow, user, true) ? sign_in_wait(&person->record, now) : 0;
	if (wait > *wait_ms)
		*wait_ms = wait;
	return *wait_ms == 0;
}

bool sign_ins_take_turn(struct flow *flow)
{
	struct access *a = flow->access;
	struct sign_in *address = get(&a->sign_ins[BY_ADDRESS], key_of_flow(flow));

	return address &&
	       policy_rate_take(&address->rate, a->settings->remote_sign_in_rate, access_now_ms(a));
}

static void tell_failed(struct flow *flow, struct slice user, int status, uint64_t failures)
{
	struct report report;
	char text[ADDRESS_TEXT_BYTES];

	if (!allowance_take(&flow->reports, access_now_ms(flow->access), ACCESS_REPORTS_PER_SECOND))
		return;
	report_open(&report, flow->access, CONTROL_EVENT_SIGN_IN_FAILED);
	json_put_slice(&report.w, "user", user);
	json_put_text(&report.w, "address", remote_address_text(flow, text));
	json_put_number(&report.w, "connection", (int64_t)flow->number);
	json_put_number(&report.w, "status", status);
	json_put_number(&report.w, "failures", (int64_t)failures);
	report_send(&report);
}

static void tell_held(struct flow *flow, struct slice user, size_t kind, const struct sign_in *one,
                      int64_t wait_ms)
{
	struct report report;
	char text[ADDRESS_TEXT_BYTES];

	report_open(&report, flow->access, CONTROL_EVENT_SIGN_IN_HELD);
	remote_address_text(flow, text);
	json_put_slice(&report.w, "who", kind == BY_USER ? user : slice_of(text));
	json_put_slice(&report.w, "user", user);
	json_put_text(&report.w, "address", text);
	json_put_number(&report.w, "seconds", wait_ms / 1000);
	json_put_number(&report.w, "failures", (int64_t)one->record.failures);
	report_send(&report);
}

void sign_ins_failed(struct flow *flow, struct slice user, int status)
{
	struct access *a = flow->access;
	const struct sign_in_limits limits = { a->settings->remote_failed_sign_ins,
		                               (int64_t)a->settings->remote_back_off * 1000 };
	uint64_t room[2], most = 0;
	struct slice keys[KINDS] = {
		[BY_ADDRESS] = key_of_flow(flow), [BY_USER] = key_of_user(a, user, room)
	};

	for (size_t i = 0; i < KINDS; i++) {
		struct sign_in *one = get(&a->sign_ins[i], keys[i]);
		int64_t wait_ms = one ? sign_in_failed(&one->record, &limits, access_now_ms(a)) : 0;

		if (wait_ms)
			tell_held(flow, user, i, one, wait_ms);
		if (one && one->record.failures > most)
			most = one->record.failures;
	}
	tell_failed(flow, user, status, most);
}

/* An address's failures stay: who has one account there may still guess at others. */
void sign_ins_succeeded(struct flow *flow, struct slice user)
{
	struct access *a = flow->access;
	uint64_t room[2];
	struct sign_in *person = map_get(&a->sign_ins[BY_USER].by_key, key_of_user(a, user, room));

	if (person)
		forget(&a->sign_ins[BY_USER], person);
}
