/*
 * room: how many subscriptions there may be, and how many of them with one partner: whoever makes users up by the
 * thousand takes his own share, and not that of the others.  Both ways count, for one of ours may be made to ask, too.
 *
 * They are counted by domain, and a partner's domains are added up when it is asked: so it stays right when they change.
 */
#include "daemon/gateway/talks.h"
#include "shared/base/memory.h"

enum {
	ROOM_QUIET_MS = 60 * 1000
}; /* a limit that is met all the time is told once; then after so long without */

struct room { /* of one domain that something is kept with */
	size_t count;
	int64_t met_ms; /* when it was last full; 0: never */
	size_t length;
	char domain[];
};

static struct room *room_of(struct talks *t, struct slice domain) { return map_get(&t->rooms, domain); }

struct room *room_enter(struct talks *t, struct slice key)
{
	struct slice domain = talks_partner_domain(key);
	struct room *room = room_of(t, domain);

	if (!room) {
		room = mem_new(sizeof *room + domain.len);
		if (!room)
			return NULL;
		room->length = domain.len;
		memcpy(room->domain, domain.ptr, domain.len);
		if (map_add(&t->rooms, (struct slice){ room->domain, room->length }, room) != RESULT_OK) {
			mem_free(room);
			return NULL;
		}
	}
	room->count++;
	return room;
}

void room_leave(struct talks *t, struct room *room)
{
	if (--room->count)
		return;
	map_remove(&t->rooms, (struct slice){ room->domain, room->length });
	mem_free(room);
}

/* Adds one of the partner's domains. */
static void add(struct talks *t, struct slice domain, size_t *count, struct room **fullest)
{
	struct room *room = room_of(t, domain);

	if (!room)
		return;
	*count += room->count;
	if (!*fullest || room->count > (*fullest)->count)
		*fullest = room;
}

static void tell(struct talks *t, int64_t *met_ms, const char *limit, size_t most, struct slice who)
{
	int64_t now = gateway_now_ms(t->gateway);
	bool begins = *met_ms == 0 || now - *met_ms >= ROOM_QUIET_MS;
	struct gateway_report report;

	*met_ms = now;
	if (!begins)
		return;
	gateway_report_open(&report, t->gateway, CONTROL_EVENT_LIMIT_REACHED);
	json_put_text(&report.w, "limit", limit);
	json_put_number(&report.w, "value", (int64_t)most);
	json_put_slice(&report.w, "partner", who);
	gateway_report_send(&report);
}

bool room_is_left(struct talks *t, struct slice key, const char **why)
{
	const struct gateway *g = t->gateway;
	size_t total = g->settings ? (size_t)g->settings->max_subscriptions : 100, count = 0;
	struct slice domain = talks_partner_domain(key);
	const struct image_xmpp_partner *partner = gateway_partner(g, domain);
	struct room *fullest = NULL;

	if (t->watchings.count + t->watcheds.count >= total) {
		*why = "there are as many subscriptions as max-subscriptions allows";
		tell(t, &t->full_ms, "max-subscriptions", total, SLICE("all partners together"));
		return false;
	}
	if (partner) {
		domain = policy_image_text(g->image, partner->domain);
		for (size_t i = 0; i < partner->additional_domains.count; i++)
			add(t, policy_image_item(g->image, partner->additional_domains, i), &count, &fullest);
	}
	add(t, domain, &count, &fullest);
	if (!fullest || count < total / TALKS_ONE_PARTNER_PART)
		return true;
	*why = "the partner has its part of max-subscriptions";
	tell(t, &fullest->met_ms, "max-subscriptions of one partner", total / TALKS_ONE_PARTNER_PART, domain);
	return false;
}
