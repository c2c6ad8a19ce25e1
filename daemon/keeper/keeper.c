/*
 * The process: birth, what the launcher says, reload, end.
 */
#include "daemon/keeper/keeper.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

enum {
	KEEPER_EXIT_CONFIG = 78,
	KEEPER_EXIT_SOFTWARE = 70,
	KEEPER_EXIT_AGAIN = 75,
	KEEPER_STOP_EXTRA_MS = 3000,
	KEEPER_ALONE_MS = 5000,
	KEEPER_ALONE_STEP_MS = 50,
};

void keeper_tell_launcher(struct keeper *k, enum link_type type, uint64_t number, struct slice payload)
{
	link_send(k->launcher, type, number, payload, -1);
}

struct slice keeper_node(const struct keeper *k)
{
	const struct image_edge *edge = policy_image_edge(k->now.image, slice_of(k->host.node));

	if (edge)
		return policy_image_text(k->now.image, edge->fqdn);
	return k->host.node[0] ? slice_of(k->host.node) : SLICE("parley");
}

/* ---- stopping ---- */

static int64_t drain_ms(const struct keeper *k)
{
	return (int64_t)image_access_edge_at(k->now.image, 0)->drain_timeout * 1000;
}

/* The launcher ends us all when we do not: it must know how long is meant. */
static void tell_drain_time(struct keeper *k)
{
	keeper_tell_launcher(k, LINK_STOPPING, (uint64_t)drain_ms(k), SLICE(""));
}

static bool all_have_ended(struct keeper *k)
{
	KEEPER_EACH_SERVICE (k, s)
		if (s->state.phase != LAUNCHER_STOPPED)
			return false;
	return true;
}

void keeper_service_ended(struct keeper *k)
{
	if (k->is_stopping && all_have_ended(k))
		loop_stop(k->loop);
}

static void stop_late(void *owner)
{
	struct keeper *k = owner;

	loop_stop(k->loop);
}

static void begin_stop(struct keeper *k)
{
	if (k->is_stopping)
		return;
	k->is_stopping = true;
	if (all_have_ended(k)) {
		loop_stop(k->loop);
		return;
	}
	KEEPER_EACH_SERVICE (k, s)
		if (s->state.phase != LAUNCHER_STOPPED)
			service_drain(s, drain_ms(k));
	loop_timer_set(k->loop, &k->stop_timer, drain_ms(k) + KEEPER_STOP_EXTRA_MS, stop_late, k);
}

/* ---- reload ---- */

static void tell_host_refused(struct keeper *k, const struct reason *reason)
{
	struct emission e;

	event_open(&e, k, CONTROL_EVENT_CONFIG_REFUSED);
	json_put_text(&e.w, "file", "host.xml");
	json_put_text(&e.w, "why", reason->text);
	event_send(&e);
}

static void reload(struct keeper *k)
{
	struct host host;
	struct reason reason = { "" };
	bool is_changed;

	if (host_read(k->root, &host, &reason) != RESULT_OK) {
		tell_host_refused(k, &reason);
	} else {
		/* Users and groups were given up to at birth; they stay until parleyd is started anew. */
		memcpy(host.keeper_user, k->host.keeper_user, sizeof host.keeper_user);
		memcpy(host.access_user, k->host.access_user, sizeof host.access_user);
		memcpy(host.gateway_user, k->host.gateway_user, sizeof host.gateway_user);
		memcpy(host.admin_group, k->host.admin_group, sizeof host.admin_group);
		is_changed = memcmp(&host, &k->host, sizeof host) != 0;
		k->host = host;
		if (is_changed) {
			KEEPER_EACH_SERVICE (k, s) {
				service_configure(s);
				service_apply(s); /* another node has other addresses */
			}
		}
	}
	import_edited(k);
	KEEPER_EACH_SERVICE (k, s)
		service_review(s, true);
	tell_drain_time(k);
}

/* ---- the launcher ---- */

static void state_came(struct keeper *k, struct slice payload)
{
	struct launcher_state state;

	if (payload.len != sizeof state)
		return;
	memcpy(&state, payload.ptr, sizeof state);
	state.service[sizeof state.service - 1] = '\0';
	KEEPER_EACH_SERVICE (k, s)
		if (strcmp(state.service, s->name) == 0)
			service_state_came(s, &state);
}

/* Owns `fd`. */
static void service_link(struct keeper *k, struct slice name, int fd)
{
	KEEPER_EACH_SERVICE (k, s)
		if (slice_equal(name, slice_of(s->name))) {
			service_link_came(s, fd);
			return;
		}
	close(fd);
}

/* Whose listener; one that nobody wants any more is the Access Edge's to throw away. */
static struct service *listener_owner(struct keeper *k, uint64_t id)
{
	KEEPER_EACH_SERVICE (k, s)
		if (listeners_have(s, id))
			return s;
	return &k->access;
}

static void launcher_frame(void *owner, struct link_frame *frame)
{
	struct keeper *k = owner;
	int fd = frame->fd;

	switch ((unsigned)frame->type) {
	case LINK_SERVICE_STATE: state_came(k, frame->payload); break;
	case LINK_SERVICE_LINK:
		service_link(k, frame->payload, fd);
		fd = -1;
		break;
	case LINK_BOUND:
		listeners_bound(listener_owner(k, frame->number), frame->number, fd);
		fd = -1;
		break;
	case LINK_BIND_FAILED:
		listeners_failed(listener_owner(k, frame->number), frame->number, frame->payload);
		break;
	case LINK_STOPPING: begin_stop(k); break;
	case LINK_RELOAD: reload(k); break;
	default:
		fprintf(stderr, "keeper: the launcher sends %s, which is not for us\n",
		        link_type_name(frame->type));
	}
	if (fd >= 0)
		close(fd);
}

static void launcher_gone(void *owner)
{
	struct keeper *k = owner;

	fprintf(stderr, "keeper: the launcher is gone\n");
	loop_stop(k->loop);
}

static void second(void *owner)
{
	struct keeper *k = owner;

	KEEPER_EACH_SERVICE (k, s)
		service_second(s);
	events_second(k);
	exports_second(k);
	past_second(k);
	drafts_second(k);
	loop_timer_set(k->loop, &k->second_timer, 1000, second, k);
}

/* ---- birth and end ---- */

/* host.xml is read first, as whoever we are: it says whom to become. */
static enum result become(struct keeper *k, struct reason *reason)
{
	enum result result = host_read(k->root, &k->host, reason);
	const struct process_confinement how = { .user = k->host.keeper_user,
		                                 .group = k->host.admin_group,
		                                 .may_stay_root = true };

	k->began_as_root = geteuid() == 0;
	if (result == RESULT_OK)
		result = folders_prepare(k->root, &k->host, reason);
	if (result == RESULT_OK)
		result = process_confine(&how, NULL, reason);
	if (result == RESULT_OK && geteuid() == 0)
		fprintf(stderr, "keeper: host.xml lets the keeper run as root\n");
	return result;
}

/*
 * The launcher's lock says that no other parleyd has this root; a keeper of one that was killed may still be
 * on its way out, with the store's lock and the socket in its hands.
 */
static enum result open_alone(struct keeper *k, struct reason *reason)
{
	enum result result;
	int tries = KEEPER_ALONE_MS / KEEPER_ALONE_STEP_MS;

	while ((result = publish_open(k, reason)) == RESULT_CONFLICT && tries-- > 0)
		poll(NULL, 0, KEEPER_ALONE_STEP_MS);
	if (result != RESULT_OK)
		return result;
	while ((result = control_open(&k->control, k, reason)) == RESULT_EXISTS && tries-- > 0)
		poll(NULL, 0, KEEPER_ALONE_STEP_MS);
	return result;
}

static enum result open_audit(struct keeper *k, struct reason *reason)
{
	char folder[KEEPER_PATH_BYTES];
	enum result result;
	struct emission e;

	if (!folder_path(folder, k->root, "/var/lib/parley"))
		return fail(reason, RESULT_LIMIT, "the root's name is too long");
	result = audit_open(&k->audit, folder, reason);
	k->audit_missing = k->audit.missing;
	if (result == RESULT_OK && k->audit.missing) {
		event_open(&e, k, CONTROL_EVENT_AUDIT_BROKEN);
		json_put_number(&e.w, "lines", (int64_t)k->audit.missing);
		json_put_number(&e.w, "line", (int64_t)k->audit.number);
		event_send(&e);
	}
	return result;
}

static enum result birth(struct keeper *k, struct reason *reason)
{
	enum result result;

	list_start(&k->waiting);
	list_start(&k->drafts);
	decisions_start(&k->decisions);
	list_start(&k->walking);
	list_start(&k->planning);
	k->now.image_fd = k->audit.fd = k->audit.head = k->audit.folder = k->control.fd = -1;
	if ((result = become(k, reason)) != RESULT_OK)
		return result;
	if (!(k->loop = loop_new()))
		return fail(reason, RESULT_NO_MEMORY, "no event loop");
	k->started_ms = keeper_now(k).wall_ms;
	events_start(&k->events, k->start->is_verbose);
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		service_start(&k->services[i], k, service_row((enum service_id)i)->name);
	if (!(k->launcher = link_new(k->loop, k->start->launcher, launcher_frame, launcher_gone, k)))
		return fail(reason, RESULT_NO_MEMORY, "no link to the launcher");
	if ((result = open_audit(k, reason)) != RESULT_OK ||
	    (result = folders_token_key(k->root, k->token_key, reason)) != RESULT_OK ||
	    (result = open_alone(k, reason)) != RESULT_OK)
		return result;
	pending_open(k);
	KEEPER_EACH_SERVICE (k, s) {
		service_apply(s);
		service_review(s, true);
	}
	tell_drain_time(k);
	loop_timer_set(k->loop, &k->second_timer, 1000, second, k);
	return RESULT_OK;
}

static void end(struct keeper *k)
{
	if (!k->loop)
		return;
	k->is_ending = true;
	/* Calls that wait are told before their sessions go. */
	while (!list_is_empty(&k->walking))
		call_fail(LIST_OWNER(k->walking.next, struct call, waiting), CONTROL_UNAVAILABLE,
		          "the daemon stops");
	while (!list_is_empty(&k->planning))
		call_fail(LIST_OWNER(k->planning.next, struct call, waiting), CONTROL_UNAVAILABLE,
		          "the daemon stops");
	while (!list_is_empty(&k->waiting))
		call_fail(LIST_OWNER(k->waiting.next, struct call, waiting), CONTROL_UNAVAILABLE,
		          "the daemon stops");
	KEEPER_EACH_SERVICE (k, s)
		service_stop(s);
	if (k->control.keeper)
		control_close(&k->control);
	exports_free(k);
	past_free(k);
	drafts_free(k);
	decisions_free(&k->decisions);
	loop_timer_stop(&k->pending.timer);
	publish_close(k);
	audit_close(&k->audit);
	loop_timer_stop(&k->second_timer);
	loop_timer_stop(&k->stop_timer);
	link_free(&k->launcher);
	events_stop(&k->events);
	mem_wipe(k->token_key, sizeof k->token_key);
	mem_wipe(k->dialback, sizeof k->dialback);
	loop_free(&k->loop);
}

int keeper_main(const struct process_start *start, const char *root)
{
	struct keeper *k = mem_new(sizeof *k);
	struct reason reason = { "" };
	int code = 0;

	if (!k)
		return KEEPER_EXIT_SOFTWARE;
	k->start = start;
	k->root = root;
	if (birth(k, &reason) != RESULT_OK) {
		fprintf(stderr, "keeper: %s\n", reason.text);
		code = KEEPER_EXIT_CONFIG;
	} else {
		loop_run(k->loop);
		code = k->now.is_uncertain ? KEEPER_EXIT_AGAIN : 0;
	}
	end(k);
	mem_free(k);
	return code;
}
