/*
 * partner: a remote domain, what DNS says of it, and what happened lately.
 *
 * _sipfederationtls._tcp first, then _sips._tcp (RFC 3263).  What DNS says is a
 * hint: policy compares it with the certificate.  The resolver caches by TTL;
 * here an answer stands for PARTNER_SRV_MS, a failure for less.
 */
#include <stdio.h>

#include "daemon/access/parts.h"
#include "shared/base/memory.h"

/* Short: the resolver has the answer and knows its TTL; asking it again draws another of several equal targets. */
enum { PARTNER_SRV_MS = 5 * 1000, PARTNER_SRV_FAILED_MS = 3 * 1000 };

static void partner_free(struct partner *partner)
{
	struct access *a = partner->access;

	if (a->resolver)
		resolver_forget(a->resolver, partner);
	map_remove(&a->partners, slice_of(partner->domain));
	list_remove(&partner->node);
	mem_free(partner);
}

void partner_free_all(struct access *a)
{
	LIST_EACH_SAFE (at, &a->partner_list)
		partner_free(LIST_OWNER(at, struct partner, node));
	map_stop(&a->partners);
}

/* The one not used for longest goes first; nobody may wait for it or point at it. */
static bool make_room(struct access *a)
{
	for (struct list *at = a->partner_list.prev; at != &a->partner_list; at = at->prev) {
		struct partner *partner = LIST_OWNER(at, struct partner, node);

		if (!partner->users && !partner->waiting_count && !partner->is_looking_up) {
			partner_free(partner);
			return true;
		}
	}
	return false;
}

struct partner *partner_find(struct access *a, struct slice domain)
{
	struct partner *partner = map_get(&a->partners, domain);

	if (partner && a->partner_list.next != &partner->node) {
		list_remove(&partner->node);
		list_add_first(&a->partner_list, &partner->node);
	}
	return partner;
}

struct partner *partner_get(struct access *a, struct slice domain)
{
	struct partner *partner = partner_find(a, domain);

	if (partner)
		return partner;
	if (domain.len == 0 || domain.len >= ACCESS_NAME_BYTES ||
	    (a->partners.count >= ACCESS_PARTNERS_MAX && !make_room(a)))
		return NULL;
	partner = mem_new(sizeof *partner);
	if (!partner)
		return NULL;
	partner->access = a;
	list_start(&partner->waiting);
	slice_to_text(domain, partner->domain, sizeof partner->domain);
	if (map_add(&a->partners, slice_of(partner->domain), partner) != RESULT_OK) {
		mem_free(partner);
		return NULL;
	}
	list_add_first(&a->partner_list, &partner->node);
	return partner;
}

void partner_facts(struct partner *partner, struct policy_facts *facts)
{
	if (partner->srv == POLICY_SRV_UNASKED || partner->srv_until_ms <= access_now_ms(partner->access))
		return;
	facts->srv = partner->srv;
	facts->srv_route = partner->srv_route;
	facts->srv_targets = partner->targets;
	facts->srv_target_count = partner->record_count;
}

/* ---- look-up ---- */

static void srv_came(void *to, enum resolver_outcome outcome, const struct resolver_srv *list, size_t count,
                     const char *words);

static void ask(struct partner *partner)
{
	char name[ACCESS_NAME_BYTES + 32];

	snprintf(name, sizeof name, "%s.%s", partner->tries_sips ? "_sips._tcp" : "_sipfederationtls._tcp",
	         partner->domain);
	resolver_srv(partner->access->resolver, slice_of(name), srv_came, partner);
}

static void finish(struct partner *partner, enum policy_srv srv, int64_t valid_ms)
{
	partner->is_looking_up = false;
	partner->srv = srv;
	partner->srv_until_ms = access_now_ms(partner->access) + valid_ms;
	request_wake(&partner->waiting, inbound_resume);
}

void partner_give_up_waiting(struct access *a)
{
	LIST_EACH (at, &a->partner_list) {
		struct partner *partner = LIST_OWNER(at, struct partner, node);

		if (partner->waiting_count)
			request_give_up_waiting(&partner->waiting, "DNS did not answer in time");
	}
	response_arm_timer(a);
}

static void srv_came(void *to, enum resolver_outcome outcome, const struct resolver_srv *list, size_t count,
                     const char *words)
{
	struct partner *partner = to;

	partner->record_count = 0;
	if (outcome == RESOLVER_FOUND) {
		for (size_t i = 0; i < count && i < RESOLVER_SRV_MAX; i++) {
			partner->records[i] = list[i];
			partner->targets[i] = slice_of(partner->records[i].target);
			partner->record_count++;
		}
		partner->srv_route = partner->tries_sips ? POLICY_ROUTE_SRV_SIPS
		                                         : POLICY_ROUTE_SRV_FEDERATION;
		finish(partner, POLICY_SRV_FOUND, PARTNER_SRV_MS);
	} else if (outcome == RESOLVER_ABSENT && !partner->tries_sips) {
		partner->tries_sips = true;
		ask(partner);
	} else {
		struct report report;

		if (outcome == RESOLVER_FAILED) {
			report_open(&report, partner->access, CONTROL_EVENT_LOOKUP_FAILED);
			json_put_text(&report.w, "name", partner->domain);
			json_put_text(&report.w, "why", words ? words : "");
			report_send(&report);
		}
		finish(partner, outcome == RESOLVER_ABSENT ? POLICY_SRV_ABSENT : POLICY_SRV_FAILED,
		       outcome == RESOLVER_ABSENT ? PARTNER_SRV_MS : PARTNER_SRV_FAILED_MS);
	}
}

bool partner_wait(struct partner *partner, struct request *r)
{
	struct access *a = partner->access;

	if (partner->waiting_count >= ACCESS_WAITING_MAX || !a->resolver)
		return false;
	request_wait(r, REQUEST_LOOKUP, &partner->waiting, &partner->waiting_count);
	if (partner->is_looking_up)
		return true;
	partner->is_looking_up = true;
	partner->tries_sips = false;
	ask(partner);
	return true;
}

void partner_ask_again(struct access *a)
{
	LIST_EACH_SAFE (at, &a->partner_list) {
		struct partner *partner = LIST_OWNER(at, struct partner, node);

		if (!partner->is_looking_up)
			continue;
		partner->tries_sips = false;
		if (a->resolver)
			ask(partner);
		else
			finish(partner, POLICY_SRV_FAILED, PARTNER_SRV_FAILED_MS);
	}
}

void partner_forget_answers(struct access *a)
{
	LIST_EACH (at, &a->partner_list)
		LIST_OWNER(at, struct partner, node)->srv_until_ms = 0;
}

void partner_error(struct partner_error *error, const struct access *a, enum failure_by by,
                   struct cause cause, const char *words)
{
	error->cause = cause;
	error->by = by;
	error->wall_ms = loop_now(a->loop).wall_ms;
	snprintf(error->words, sizeof error->words, "%s", words);
}
