/*
 * durable: when what has been saved is on the disk, and who waits for that.
 *
 * Changes gather for TALKS_COMMIT_MS.  A commit that fails loses nothing: state.c
 * keeps what waits, and the next one comes after a pause that grows.  Whoever was
 * to be promised something hears at once that it could not be kept; what is only
 * to be acknowledged waits on, for nothing is acknowledged before it is durable.
 */
#include "daemon/gateway/state.h"
#include "daemon/gateway/talks.h"
#include "shared/base/memory.h"

enum {
	COMMIT_RETRY_FIRST_MS = 200,
	COMMIT_RETRY_MAX_MS = 5000, /* who subscribes meanwhile waits no longer than his transaction lives */
	COMMIT_TOLD_MS = 60 * 1000, /* that it still fails is said again no sooner */
};

struct promise {
	struct list node;
	bool (*go_on)(struct talks *t, handle owner, bool is_durable);
	handle owner;
};

static void report(struct talks *t, enum control_event_id id, const char *why)
{
	struct gateway_report report;

	gateway_report_open(&report, t->gateway, id);
	json_put_text(&report.w, "service", "gateway");
	json_put_text(&report.w, "why", why);
	gateway_report_send(&report);
}

static void failed(struct talks *t, const char *why)
{
	int64_t now = gateway_now_ms(t->gateway), wait = t->commit_wait_ms;

	if (!wait || now - t->commit_told_ms >= COMMIT_TOLD_MS) {
		t->commit_told_ms = now;
		report(t, CONTROL_EVENT_STATE_NOT_KEPT, why);
	}
	wait = wait ? 3 * wait : COMMIT_RETRY_FIRST_MS;
	t->commit_wait_ms = wait > COMMIT_RETRY_MAX_MS ? COMMIT_RETRY_MAX_MS : wait;
}

static void tell_all(struct talks *t, bool is_durable)
{
	struct list waiting;

	list_start(&waiting);
	while (!list_is_empty(&t->promises)) { /* what is promised from here on is for the next commit */
		struct list *first = t->promises.next;

		list_remove(first);
		list_add_last(&waiting, first);
	}
	while (!list_is_empty(&waiting)) {
		struct promise *promise = LIST_OWNER(waiting.next, struct promise, node);

		list_remove(&promise->node);
		if (promise->go_on(t, promise->owner, is_durable))
			mem_free(promise);
		else
			list_add_last(&t->promises, &promise->node);
	}
}

static void commit_due(void *owner) { (void)talks_commit(owner); }

bool talks_commit(struct talks *t)
{
	struct reason reason = { "" };
	bool is_durable = !t->state || state_commit(t->state, &reason) == RESULT_OK;

	loop_timer_stop(&t->commit_timer);
	if (!is_durable) {
		failed(t, reason.text);
	} else if (t->commit_wait_ms) {
		t->commit_wait_ms = 0;
		report(t, CONTROL_EVENT_STATE_KEPT, "");
	}
	tell_all(t, is_durable);
	talks_saved(t);
	return is_durable;
}

void talks_saved(struct talks *t)
{
	if (state_is_dirty(t->state) && !t->commit_timer.is_set)
		loop_timer_set(t->gateway->loop, &t->commit_timer,
		               t->commit_wait_ms ? t->commit_wait_ms : TALKS_COMMIT_MS, commit_due, t);
}

void talks_when_durable(struct talks *t, bool (*go_on)(struct talks *t, handle owner, bool is_durable),
                        handle owner)
{
	struct promise *promise = state_is_dirty(t->state) ? mem_new(sizeof *promise) : NULL;

	if (promise) {
		*promise = (struct promise){ .go_on = go_on, .owner = owner };
		list_add_last(&t->promises, &promise->node);
		talks_saved(t);
		return;
	}
	/* Nothing waits; or no memory to wait with: then the disk is waited for here and now. */
	(void)go_on(t, owner, !state_is_dirty(t->state) || talks_commit(t));
}

void talks_forget_promises(struct talks *t)
{
	while (!list_is_empty(&t->promises)) {
		struct promise *promise = LIST_OWNER(t->promises.next, struct promise, node);

		list_remove(&promise->node);
		mem_free(promise);
	}
}
