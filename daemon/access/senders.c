/*
 * senders: what each of our own users may send to partners in a second
 * (local-user-rate), so that one client gone wild does not use up what partners
 * let the whole organisation send.  Requests count, ACK and responses do not.
 */
#include <stdio.h>

#include "daemon/access/parts.h"
#include "shared/base/memory.h"

struct sender {
	struct list node; /* most lately used first */
	uint64_t who;     /* a keyed hash of user and domain */
	struct allowance allowance;
	bool is_limited;
};

static struct slice key_of(const uint64_t *who) { return (struct slice){ (const char *)who, sizeof *who }; }

static void forget(struct access *a, struct sender *sender)
{
	map_remove(&a->senders, key_of(&sender->who));
	list_remove(&sender->node);
	mem_free(sender);
}

void senders_free_all(struct access *a)
{
	LIST_EACH_SAFE (at, &a->sender_list)
		forget(a, LIST_OWNER(at, struct sender, node));
	map_stop(&a->senders);
}

static struct sender *find(struct access *a, uint64_t who)
{
	struct sender *sender = map_get(&a->senders, key_of(&who));

	if (sender) {
		list_remove(&sender->node);
		list_add_first(&a->sender_list, &sender->node);
		return sender;
	}
	if (a->senders.count >= ACCESS_SENDERS_MAX)
		forget(a, LIST_OWNER(a->sender_list.prev, struct sender, node));
	sender = mem_new(sizeof *sender);
	if (!sender)
		return NULL;
	sender->who = who;
	if (map_add(&a->senders, key_of(&sender->who), sender) != RESULT_OK) {
		mem_free(sender);
		return NULL;
	}
	list_add_first(&a->sender_list, &sender->node);
	return sender;
}

/* One event when the limit begins to bite, not one a message. */
static void report_limit(struct flow *flow, const struct policy_facts *facts)
{
	struct report report;
	char who[ACCESS_WORDS_BYTES];

	snprintf(who, sizeof who, "%.*s@%.*s",
	         (int)(facts->local_user.len > 100 ? 100 : facts->local_user.len),
	         facts->local_user.ptr ? facts->local_user.ptr : "",
	         (int)(facts->local_domain.len > 120 ? 120 : facts->local_domain.len),
	         facts->local_domain.ptr ? facts->local_domain.ptr : "");
	report_open(&report, flow->access, CONTROL_EVENT_LIMIT_REACHED);
	json_put_text(&report.w, "limit", "local-user-rate");
	json_put_number(&report.w, "value", (int64_t)flow->access->settings->local_user_rate);
	json_put_number(&report.w, "connection", (int64_t)flow->number);
	json_put_text(&report.w, "partner", who);
	report_send(&report);
}

bool senders_admit(struct flow *flow, const struct policy_facts *facts)
{
	struct access *a = flow->access;
	unsigned rate = (unsigned)a->settings->local_user_rate;
	struct sender *sender;

	if (!rate)
		return true;
	sender = find(a, siphash(a->seed, facts->local_user) ^ siphash(a->seed, facts->local_domain) * 3);
	if (!sender)
		return false;
	if (allowance_take(&sender->allowance, access_now_ms(a), rate)) {
		/* A second that began after a limited one and has used half of it is no longer that flood. */
		sender->is_limited &= sender->allowance.used * 2 < rate + 1;
		return true;
	}
	if (!sender->is_limited)
		report_limit(flow, facts);
	sender->is_limited = true;
	return false;
}
