/*
 * held: an administrator's word on a service: stop, drain, restart, start.
 *
 * The launcher keeps it, not a file: it outlasts a keeper that crashes and ends with parleyd, so that a machine
 * that is started anew does what its configuration says.
 */
#include <stdio.h>

#include "daemon/keeper/parts.h"

struct service *service_named(struct keeper *k, struct slice name)
{
	KEEPER_EACH_SERVICE (k, s)
		if (slice_equal(name, slice_of(s->name)))
			return s;
	return NULL;
}

static bool has_ended(const struct service *s) { return s->state.phase == LAUNCHER_STOPPED; }

static void tell_held(const struct service *s, const char *how, int64_t deadline_ms)
{
	struct emission e;

	event_open(&e, s->keeper, CONTROL_EVENT_SERVICE_HELD);
	json_put_text(&e.w, "service", s->name);
	json_put_text(&e.w, "who", s->held_by);
	json_put_text(&e.w, "how", how);
	json_put_number(&e.w, "deadline_s", deadline_ms / 1000);
	event_send(&e);
}

void service_hold(struct service *s, const char *who, int64_t deadline_ms, bool starts_again)
{
	bool has_run = !has_ended(s);

	snprintf(s->held_by, sizeof s->held_by, "%s", who);
	s->starts_again = starts_again;
	s->is_held = !starts_again;
	s->told_left = -1;
	s->has_counted = false;
	tell_held(s, starts_again ? "restart" : deadline_ms > 0 ? "drain" : "stop", deadline_ms);
	service_tell_launcher(s, s->is_held ? LAUNCHER_HOLD : LAUNCHER_RELEASE);
	if (has_run)
		service_drain(s, deadline_ms);
	else if (starts_again)
		held_ended(s);
	held_may_not_run(s);
}

void service_release(struct service *s)
{
	s->is_held = false;
	s->held_by[0] = '\0';
	service_tell_launcher(s, LAUNCHER_RELEASE);
	if (s->is_draining) {
		s->starts_again = true;
		return;
	}
	service_review(s, true);
}

bool held_may_not_run(struct service *s)
{
	char words[160];

	if (s->is_held) {
		snprintf(words, sizeof words, "stopped by %.48s",
		         s->held_by[0] ? s->held_by : "an administrator");
		if (!s->is_draining)
			service_tell_stopped(s, words, words);
		return true;
	}
	/* One that drains cannot be called back: it is looked at again when it has ended. */
	if (s->is_draining)
		s->starts_again = true;
	return s->is_draining;
}

/* A keeper before us had been told to hold it; who said so is in the audit. */
void held_found(struct service *s)
{
	if (!s->state.is_held)
		return;
	s->is_held = true;
	s->is_wanted = false;
	held_may_not_run(s);
}

void held_ended(struct service *s)
{
	bool starts_again = s->starts_again;

	s->starts_again = false;
	s->drain_ends_ms = 0;
	if (starts_again || s->is_held)
		service_review(s, true);
}

/* How far a drain has come, whenever that has changed. */
void held_second(struct service *s)
{
	const struct traffic *t = &s->traffic;
	int64_t left = t->transactions + t->connections,
	        time_ms = s->drain_ends_ms - keeper_now(s->keeper).wall_ms;
	struct emission e;

	if (!s->is_draining || !service_is_up(s) || !s->has_counted || left == s->told_left)
		return;
	s->told_left = left;
	event_open(&e, s->keeper, CONTROL_EVENT_SERVICE_DRAINING);
	json_put_text(&e.w, "service", s->name);
	json_put_number(&e.w, "transactions", t->transactions);
	json_put_number(&e.w, "connections", t->connections);
	json_put_number(&e.w, "left_s", time_ms > 0 ? time_ms / 1000 : 0);
	event_send(&e);
}
