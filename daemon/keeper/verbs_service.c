/*
 * service list, show, start, stop, drain, restart.
 */
#include <stdio.h>
#include <unistd.h>

#include "daemon/keeper/parts.h"

enum { SERVICE_DEADLINE_MAX_S = 3600 };

/* ---- what is known of one ---- */

static void put_listeners(struct json_writer *w, const struct service *s)
{
	json_open_array(w, "listeners");
	for (size_t i = 0; i < s->listener_count; i++) {
		const struct service_listener *l = &s->listeners[i];

		json_open_object(w, NULL);
		json_put_text(w, "side", place_name(l->place));
		json_put_text(w, "address", l->address);
		json_put_text(w, "state",
		              l->state == LISTEN_UP       ? "up"
		              : l->state == LISTEN_FAILED ? "failed"
		                                          : "wanted");
		json_put_text(w, "why", l->why);
		json_close_object(w);
	}
	json_close_array(w);
}

static void put_time(struct json_writer *w, const char *key, int64_t time_ms)
{
	if (time_ms)
		json_put_number(w, key, time_ms);
	else
		json_put_null(w, key);
}

/* Its members; the object is open. */
static void put_members(struct json_writer *w, const struct service *s)
{
	char words[LAUNCHER_STATUS_BYTES];
	const char *why = s->short_why[0] ? s->short_why : s->why;
	bool runs = service_is_up(s);

	if (s->state.phase == LAUNCHER_BACKOFF)
		why = launcher_status_words(s->state.status, words);
	json_put_text(w, "name", s->name);
	json_put_text(w, "state", service_state_name(s));
	json_put_text(w, "why", why);
	json_put_text(w, "detail", s->why);
	json_put_bool(w, "unused", s->is_unused); /* it stands still because nothing asks for it */
	json_put_number(w, "since", s->state.since_ms);
	json_put_number(w, "pid", s->state.pid);
	json_put_number(w, "restarts", s->state.restarts);
	json_put_number(w, "version", (int64_t)s->generation);
	put_time(w, "next_start", s->state.next_start_ms);
	json_put_number(w, "connections", runs ? s->traffic.connections : 0);
	json_put_number(w, "transactions", runs ? s->traffic.transactions : 0);
	put_time(w, "drain_ends", s->is_draining ? s->drain_ends_ms : 0);
	json_put_bool(w, "starts_again", s->starts_again);
	put_listeners(w, s);
}

void service_put(struct json_writer *w, const struct service *s)
{
	json_open_object(w, NULL);
	put_members(w, s);
	json_close_object(w);
}

/* The keeper as a service like the others, where all are listed. */
static void put_keeper(struct json_writer *w, const struct keeper *k)
{
	json_open_object(w, NULL);
	json_put_text(w, "name", "keeper");
	json_put_text(w, "state", "running");
	json_put_text(w, "why", "");
	json_put_text(w, "detail", "configuration, control socket, audit: it carries this session");
	json_put_number(w, "since", k->started_ms);
	json_put_number(w, "pid", (int64_t)getpid());
	json_put_null(w, "restarts");
	json_put_number(w, "version", (int64_t)k->now.version.number);
	json_put_number(w, "connections", (int64_t)k->control.session_count);
	json_put_number(w, "transactions", 0);
	json_close_object(w);
}

void verb_run_SERVICE_LIST(struct call *call)
{
	struct json_writer *w = call_open(call);

	json_open_array(w, "rows");
	KEEPER_EACH_SERVICE (call->keeper, s)
		service_put(w, s);
	put_keeper(w, call->keeper);
	json_close_array(w);
	json_put_number(w, "total", SERVICE_COUNT + 1);
	call_close(call);
}

/* NULL: the call has been failed. */
static struct service *find(struct call *call)
{
	struct slice name = call_text(call, "service");
	struct service *s = service_named(call->keeper, name);
	char list[128] = "";
	size_t used = 0;

	call->key = name;
	if (s)
		return s;
	if (slice_equal(name, SLICE("keeper")) || slice_equal(name, SLICE("launcher"))) {
		call_fail(call, CONTROL_INVALID,
		          "%.*s carries this very session, and cannot be stopped from within it; parleyd as "
		          "a whole "
		          "is stopped by the system: systemctl stop parleyd",
		          SLICE_ARG(name));
		return NULL;
	}
	KEEPER_EACH_SERVICE (call->keeper, one)
		if (used < sizeof list)
			used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
			                         one->name);
	call_fail_problem(call, CONTROL_NOT_FOUND, "service", "there is no such service", list);
	return NULL;
}

static void answer(struct call *call, const struct service *s)
{
	struct json_writer *w = call_open(call);

	put_members(w, s);
	call_close(call);
}

void verb_run_SERVICE_SHOW(struct call *call)
{
	struct json_writer *w;
	struct service *s;

	if (slice_equal(call_text(call, "service"), SLICE("keeper"))) {
		w = call_open(call);
		json_open_array(w, "rows");
		put_keeper(w, call->keeper);
		json_close_array(w);
		call_close(call);
	} else if ((s = find(call)) != NULL) {
		answer(call, s);
	}
}

/* ---- deeds ---- */

void verb_run_SERVICE_START(struct call *call)
{
	struct service *s = find(call);
	struct emission e;

	if (!s)
		return;
	event_open(&e, call->keeper, CONTROL_EVENT_SERVICE_RELEASED);
	json_put_text(&e.w, "service", s->name);
	json_put_text(&e.w, "who", call->who.text);
	event_send(&e);
	service_release(s);
	answer(call, s);
}

bool call_deadline(struct call *call, int64_t *out)
{
	const struct json *given = json_get(call->params, "deadline");
	int64_t seconds = json_as_number(given, -1);

	*out = (int64_t)image_access_edge_at(call->keeper->now.image, 0)->drain_timeout * 1000;
	if (!given)
		return true;
	if (seconds < 0 || seconds > SERVICE_DEADLINE_MAX_S) {
		call_fail_problem(call, CONTROL_INVALID, "deadline",
		                  "it is no number of seconds that a drain may take", "0 to 3600");
		return false;
	}
	*out = seconds * 1000;
	return true;
}

static void hold(struct call *call, bool is_at_once, bool starts_again)
{
	struct service *s = find(call);
	int64_t deadline_ms = 0;

	if (!s || (!is_at_once && !call_deadline(call, &deadline_ms)))
		return;
	service_hold(s, call->who.text, deadline_ms, starts_again);
	answer(call, s);
}

void verb_run_SERVICE_STOP(struct call *call) { hold(call, true, false); }
void verb_run_SERVICE_DRAIN(struct call *call) { hold(call, false, false); }
void verb_run_SERVICE_RESTART(struct call *call) { hold(call, false, true); }
