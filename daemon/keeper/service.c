/*
 * One service: whether it may run, its link, what it is sent, what it reports.
 *
 * The service runs without us: a link that breaks is a fact, not a fault.  On
 * each HELLO it is sent everything anew; it compares and keeps what it has.
 */
#include <stdio.h>
#include <unistd.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

bool service_is_up(const struct service *s) { return s->link && s->has_greeted; }

const char *service_state_name(const struct service *s)
{
	switch ((enum launcher_phase)s->state.phase) {
	case LAUNCHER_RUNNING:
		if (s->is_draining)
			return "draining";
		return service_is_up(s) && s->generation ? "running" : "starting";
	case LAUNCHER_BACKOFF: return "backoff";
	case LAUNCHER_ENDING: return "draining";
	case LAUNCHER_STOPPED: break;
	}
	return s->is_wanted ? "starting" : "stopped";
}

void service_start(struct service *s, struct keeper *k, const char *name)
{
	*s = (struct service){ .keeper = k, .row = service_row_named(name), .name = name };
	for (enum edge_side side = 0; side < SIDE_COUNT; side++)
		s->credentials[side].fd = -1;
	s->state.since_ms = keeper_now(k).wall_ms;
	list_start(&s->queries);
}

void service_stop(struct service *s)
{
	query_drop_all(s, "the keeper stops");
	loop_timer_stop(&s->listen_timer);
	link_free(&s->link);
	for (enum edge_side side = 0; side < SIDE_COUNT; side++)
		credentials_free(&s->credentials[side]);
}

/* ---- to the launcher ---- */

void service_tell_launcher(struct service *s, int how)
{
	struct launcher_want want = { .service = "" };

	snprintf(want.service, sizeof want.service, "%s", s->name);
	snprintf(want.user, sizeof want.user, "%s", service_user(s->row, &s->keeper->host));
	keeper_tell_launcher(s->keeper, LINK_SERVICE_WANT, (uint64_t)how,
	                     (struct slice){ (const char *)&want, sizeof want });
}

/* ---- to the service ---- */

static void put_more(struct json_writer *w, const struct credentials *c)
{
	json_open_array(w, "more");
	for (size_t i = 0; i < c->more_count; i++) {
		struct slice names = slice_of(c->more[i].server_names), name;

		json_open_object(w, NULL);
		json_put_text(w, "name", c->more[i].name);
		json_put_number(w, "chain", (int64_t)c->more[i].chain);
		json_put_number(w, "key", (int64_t)c->more[i].key);
		json_open_array(w, "server_names");
		while (names.len && slice_next(&names, ' ', &name))
			json_put_slice(w, NULL, name);
		json_close_array(w);
		json_close_object(w);
	}
	json_close_array(w);
}

static void send_credentials(struct service *s, enum edge_side side)
{
	const struct credentials *c = &s->credentials[side];
	struct buffer payload;
	struct json_writer w = json_write(&payload);

	if (c->fd < 0)
		return;
	buffer_start(&payload, LINK_PAYLOAD_MAX);
	json_open_object(&w, NULL);
	json_put_text(&w, "use", side_name(side));
	json_put_number(&w, "chain", (int64_t)c->chain);
	json_put_number(&w, "key", (int64_t)c->key);
	json_put_number(&w, "trust", (int64_t)c->trust);
	json_put_number(&w, "crls", (int64_t)c->crls);
	put_more(&w, c);
	json_close_object(&w);
	link_send(s->link, LINK_CREDENTIALS, 0, buffer_slice(&payload), c->fd);
	buffer_stop(&payload);
}

static void send_all_credentials(struct service *s)
{
	for (enum edge_side side = 0; side < SIDE_COUNT; side++)
		send_credentials(s, side);
}

static void send_configuration(struct service *s)
{
	struct buffer payload;

	buffer_start(&payload, LINK_PAYLOAD_MAX);
	host_configuration(s->keeper, s->row, &payload);
	if (!payload.is_broken)
		link_send(s->link, LINK_CONFIGURE, 0, buffer_slice(&payload), -1);
	if (payload.bytes)
		mem_wipe(payload.bytes, payload.size); /* it holds the service's secrets */
	buffer_stop(&payload);
}

static void send_image(struct service *s)
{
	if (s->keeper->now.image_fd < 0)
		return;
	s->sent_generation = s->keeper->now.version.number;
	link_send(s->link, LINK_IMAGE, s->sent_generation, SLICE(""), s->keeper->now.image_fd);
}

void service_apply(struct service *s)
{
	if (service_is_up(s) && !s->is_draining)
		send_image(s);
	listeners_set(s, s->keeper->now.image, slice_of(s->keeper->host.node));
}

void service_configure(struct service *s)
{
	if (service_is_up(s))
		send_configuration(s);
}

/* ---- may it run? ---- */

void service_tell_stopped(struct service *s, const char *short_why, const char *why)
{
	bool is_new = strcmp(s->why, why) != 0 || strcmp(s->short_why, short_why) != 0;
	struct emission e;

	snprintf(s->short_why, sizeof s->short_why, "%s", short_why);
	snprintf(s->why, sizeof s->why, "%s", why);
	if (!is_new)
		return;
	event_open(&e, s->keeper, CONTROL_EVENT_SERVICE_STOPPED);
	json_put_text(&e.w, "service", s->name);
	if (strcmp(short_why, why) == 0)
		json_put_text(&e.w, "why", why);
	else {
		char words[KEEPER_WHY_BYTES + 80];

		snprintf(words, sizeof words, "%s: %s", short_why, why);
		json_put_text(&e.w, "why", words);
	}
	event_send(&e);
}

static void drain(struct service *s)
{
	service_drain(s, (int64_t)image_access_edge_at(s->keeper->now.image, 0)->drain_timeout * 1000);
}

static void stop_for(struct service *s, const char *short_why, const char *why, bool must_stop)
{
	s->must_stop = must_stop;
	s->is_unused = false;
	if (s->is_wanted || (must_stop && service_is_up(s) && !s->is_draining))
		drain(s);
	service_tell_stopped(s, short_why, why);
}

/* What runs goes on with the certificate it has; that the new one cannot be used is said. */
static void keep_old(struct service *s, const char *why)
{
	struct emission e;

	snprintf(s->why, sizeof s->why, "%s", why);
	event_open(&e, s->keeper, CONTROL_EVENT_CONFIG_REFUSED);
	json_put_text(&e.w, "file", "certificates");
	json_put_text(&e.w, "why", why);
	event_send(&e);
}

/* The configuration has no use for it: nothing is wrong, so nothing is told. */
static void stop_unused(struct service *s, const char *short_why, const char *why)
{
	s->must_stop = true;
	s->is_unused = true;
	if (s->is_wanted || (service_is_up(s) && !s->is_draining))
		drain(s);
	snprintf(s->short_why, sizeof s->short_why, "%s", short_why);
	snprintf(s->why, sizeof s->why, "%s", why);
}

static void free_all(struct credentials list[SIDE_COUNT])
{
	for (enum edge_side side = 0; side < SIDE_COUNT; side++)
		credentials_free(&list[side]);
}

static enum result read_all(struct service *s, struct credentials list[SIDE_COUNT], struct reason *why)
{
	struct keeper *k = s->keeper;
	const struct image_edge *edge = policy_image_edge(k->now.image, slice_of(k->host.node));
	enum result result = RESULT_OK;

	for (enum edge_side side = 0; side < SIDE_COUNT; side++)
		list[side] = (struct credentials){ .fd = -1 };
	for (enum edge_side side = 0; side < SIDE_COUNT && result == RESULT_OK; side++)
		if (side_is_of(side, s->row->id) && edge && side_uses_tls(edge, side))
			result = credentials_read(k->root, &k->host, k->now.image, side, &list[side], why);
	if (result != RESULT_OK)
		free_all(list);
	return result;
}

static bool has_credentials(const struct service *s)
{
	for (enum edge_side side = 0; side < SIDE_COUNT; side++)
		if (s->credentials[side].fd >= 0)
			return true;
	return false;
}

/* May it run at all?  False: it has been stopped, and why has been told. */
static bool may_run(struct service *s)
{
	struct keeper *k = s->keeper;
	const char *user = service_user(s->row, &k->host), *short_why;
	struct reason why = { "" };

	if (!service_is_used(s->row, &k->host, k->now.image, &short_why, &why)) {
		stop_unused(s, short_why, why.text);
		return false;
	}
	if (service_assigned(s->row, &k->host, k->now.image, &short_why, &why) != RESULT_OK) {
		stop_for(s, short_why, why.text, true);
		return false;
	}
	if (k->began_as_root && !folders_user_exists(user)) {
		fail(&why, RESULT_NOT_FOUND,
		     "there is no Unix user \"%s\"; create it or name another in host.xml, field %s", user,
		     s->row->user_field);
		stop_for(s, "no user", why.text, true);
		return false;
	}
	return true;
}

void service_review(struct service *s, bool rereads)
{
	struct keeper *k = s->keeper;
	struct credentials fresh[SIDE_COUNT];
	struct reason why = { "" };
	uint64_t names;

	if (k->is_stopping || held_may_not_run(s) || !may_run(s))
		return;
	names = credentials_names(&k->host, k->now.image, s->row->id);
	if (!rereads && s->is_wanted && s->assigned == names)
		return;
	s->assigned = names;
	s->crls_seen = credentials_crls_seen(k->root, &k->host, k->now.image, s->row->id);
	if (s->row->prepare && s->row->prepare(k, &why) != RESULT_OK) {
		stop_for(s, "no secret", why.text, false);
		return;
	}
	if (read_all(s, fresh, &why) != RESULT_OK) {
		if (has_credentials(s) && s->is_wanted)
			keep_old(s, why.text);
		else
			stop_for(s, "no certificate", why.text, false);
		return;
	}
	free_all(s->credentials);
	memcpy(s->credentials, fresh, sizeof s->credentials);
	s->why[0] = s->short_why[0] = '\0';
	s->must_stop = s->is_unused = false;
	if (service_is_up(s)) {
		if (s->row->prepare)
			send_configuration(s); /* the secret may be another */
		send_all_credentials(s);
	}
	s->is_wanted = true;
	service_tell_launcher(s, LAUNCHER_RUN);
}

void service_drain(struct service *s, int64_t deadline_ms)
{
	s->is_wanted = false;
	s->is_draining = true;
	s->drain_ends_ms = keeper_now(s->keeper).wall_ms + (deadline_ms > 0 ? deadline_ms : 0);
	/* The launcher first: an end that it does not expect would be a crash to it. */
	if (service_is_up(s))
		service_tell_launcher(s, LAUNCHER_ENDS_ITSELF);
	if (!service_is_up(s) ||
	    !link_send(s->link, LINK_DRAIN, (uint64_t)(deadline_ms > 0 ? deadline_ms : 1), SLICE(""), -1))
		service_tell_launcher(s, LAUNCHER_END);
}

/* ---- from the service ---- */

/* One that a keeper before us had started, and that we could not start now: it goes on if it may. */
static void adopt(struct service *s)
{
	if (s->must_stop || s->is_held) {
		drain(s);
		return;
	}
	s->is_wanted = true;
	s->short_why[0] = '\0';
	service_tell_launcher(s, LAUNCHER_RUN);
}

static void greeted(struct service *s, struct slice payload)
{
	struct json *hello = NULL;

	if (json_read(payload, &hello, NULL) != RESULT_OK)
		return;
	s->has_greeted = true;
	s->is_draining = false;
	s->generation = (uint64_t)json_as_number(json_get(hello, "generation"), 0);
	listeners_greeted(s, json_get(hello, "listeners"));
	json_free(&hello);
	/* One that has an image was configured by the keeper before us; doing it again would lose its look-ups under way. */
	if (s->generation == 0)
		send_configuration(s);
	send_all_credentials(s);
	first_words_send(s);
	send_image(s);
	if (!s->is_wanted && !s->keeper->is_stopping)
		adopt(s);
	listeners_ask(s);
}

static void applied(struct service *s, const struct link_frame *frame)
{
	bool is_taken = frame->payload.len == 0;
	struct emission e;

	if (is_taken) {
		s->generation = frame->number;
	} else {
		s->refused_generation = s->sent_generation;
		snprintf(s->refused_why, sizeof s->refused_why, "%.*s",
		         (int)(frame->payload.len < sizeof s->refused_why ? frame->payload.len
		                                                          : sizeof s->refused_why - 1),
		         frame->payload.ptr);
	}
	event_open(&e, s->keeper, is_taken ? CONTROL_EVENT_CONFIG_APPLIED : CONTROL_EVENT_CONFIG_NOT_APPLIED);
	json_put_text(&e.w, "service", s->name);
	json_put_number(&e.w, "version", (int64_t)(is_taken ? s->generation : s->refused_generation));
	if (!is_taken)
		json_put_text(&e.w, "why", s->refused_why);
	event_send(&e);
	verb_applied(s->keeper);
}

static void counters(struct service *s, struct slice payload)
{
	struct json *read = NULL;

	if (json_read(payload, &read, NULL) == RESULT_OK)
		traffic_take(&s->traffic, read);
	s->has_counted = true;
	json_free(&read);
}

static void frame_came(void *owner, struct link_frame *frame)
{
	struct service *s = owner;

	switch ((unsigned)frame->type) {
	case LINK_HELLO: greeted(s, frame->payload); break;
	case LINK_APPLIED: applied(s, frame); break;
	case LINK_EVENT: events_take(s->keeper, frame->payload); break;
	case LINK_COUNTERS: counters(s, frame->payload); break;
	case LINK_ANSWER: query_piece(s, frame->number, frame->payload); break;
	case LINK_DRAINED: break; /* its end is told by the launcher */
	default:
		fprintf(stderr, "keeper: %s sends %s, which is not for us\n", s->name,
		        link_type_name(frame->type));
	}
	if (frame->fd >= 0)
		close(frame->fd);
}

static void unlink_service(struct service *s)
{
	link_free(&s->link);
	s->has_greeted = false;
	s->generation = 0;
	query_drop_all(s, "the service has ended");
	verb_applied(s->keeper);
}

static void link_broken(void *owner) { unlink_service(owner); }

void service_link_came(struct service *s, int fd)
{
	unlink_service(s);
	s->link = link_new(s->keeper->loop, fd, frame_came, link_broken, s);
}

/* ---- from the launcher ---- */

static void tell_started(struct service *s)
{
	struct emission e;

	event_open(&e, s->keeper, CONTROL_EVENT_SERVICE_STARTED);
	json_put_text(&e.w, "service", s->name);
	json_put_number(&e.w, "pid", s->state.pid);
	event_send(&e);
}

static void tell_exited(struct service *s)
{
	char words[LAUNCHER_STATUS_BYTES];
	struct emission e;

	event_open(&e, s->keeper, CONTROL_EVENT_SERVICE_EXITED);
	json_put_text(&e.w, "service", s->name);
	json_put_text(&e.w, "status", launcher_status_words(s->state.status, words));
	json_put_number(&e.w, "restart_ms", s->state.next_start_ms - s->state.since_ms);
	event_send(&e);
}

void service_state_came(struct service *s, const struct launcher_state *state)
{
	struct launcher_state before = s->state;
	bool is_first = before.service[0] == '\0';

	s->state = *state;
	if (is_first)
		held_found(s);
	if (state->phase == LAUNCHER_RUNNING) {
		if (!is_first && state->pid != before.pid) {
			traffic_restarted(&s->traffic);
			tell_started(s);
		}
		return;
	}
	if (state->phase == LAUNCHER_ENDING)
		return;
	if (before.pid) {
		listeners_lost(s);
		unlink_service(s);
		s->is_draining = false;
	}
	if (state->phase == LAUNCHER_BACKOFF && !is_first)
		tell_exited(s);
	if (state->phase == LAUNCHER_STOPPED)
		held_ended(s);
	if (state->phase == LAUNCHER_STOPPED)
		keeper_service_ended(s->keeper);
}

/* Whoever fetches the lists puts new ones in place of the old; then living connections are held against them too. */
static void look_at_crls(struct service *s)
{
	struct keeper *k = s->keeper;

	if (!s->is_wanted || !k->now.image ||
	    !image_access_edge_at(k->now.image, 0)->keep_crls_up_to_date_for_peers ||
	    ++s->crls_wait_s < KEEPER_CRLS_LOOK_S)
		return;
	s->crls_wait_s = 0;
	if (credentials_crls_seen(k->root, &k->host, k->now.image, s->row->id) != s->crls_seen)
		service_review(s, true);
}

void service_second(struct service *s)
{
	traffic_second(&s->traffic);
	look_at_crls(s);
	held_second(s);
}
