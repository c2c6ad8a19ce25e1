/*
 * Which sockets a service listens on: what the topology wants, what the
 * launcher has bound, what the service has.  Bound by the launcher, handed on
 * at once and not kept: when a service is down its port refuses, so that
 * partners go to another edge.
 */
#include <stdio.h>
#include <unistd.h>

#include "daemon/keeper/parts.h"

uint64_t listeners_id(enum edge_place place, struct slice address)
{
	uint64_t id = slice_hash(address, (uint64_t)place + 1) & 0xffffffffffffULL;

	return id ? id : 1;
}

static struct service_listener *find(struct service *s, uint64_t id)
{
	for (size_t i = 0; i < s->listener_count; i++)
		if (s->listeners[i].id == id)
			return &s->listeners[i];
	return NULL;
}

bool listeners_have(const struct service *s, uint64_t id)
{
	for (size_t i = 0; i < s->listener_count; i++)
		if (s->listeners[i].id == id)
			return true;
	return false;
}

static void tell_failed(struct service *s, const struct service_listener *l)
{
	struct emission e;

	event_open(&e, s->keeper, CONTROL_EVENT_LISTENER_FAILED);
	json_put_text(&e.w, "side", place_name(l->place));
	json_put_text(&e.w, "address", l->address);
	json_put_text(&e.w, "why", l->why);
	event_send(&e);
}

static void close_one(struct service *s, uint64_t id)
{
	link_send(s->link, LINK_LISTENER_CLOSE, id, SLICE(""), -1);
}

/* ---- what is wanted ---- */

static void want(struct service_listener *list, size_t *count, enum edge_place place, struct slice text)
{
	struct service_listener *l = &list[*count];
	struct address address;

	if (*count == KEEPER_LISTENERS_MAX ||
	    address_read(text, place_port(place), &address, NULL) != RESULT_OK)
		return;
	*l = (struct service_listener){ .place = place };
	address_text(&address, l->address);
	l->id = listeners_id(place, slice_of(l->address));
	for (size_t i = 0; i < *count; i++)
		if (list[i].id == l->id)
			return;
	(*count)++;
}

void listeners_set(struct service *s, const struct policy_image *image, struct slice node)
{
	const struct image_edge *edge = policy_image_edge(image, node);
	struct service_listener wanted[KEEPER_LISTENERS_MAX];
	size_t count = 0;

	for (enum edge_place place = 0; edge && place < PLACE_COUNT; place++) {
		struct image_list listen = place_listen(edge, place);

		for (size_t i = 0; place_is_of(place, s->row->id) && i < listen.count; i++)
			want(wanted, &count, place, policy_image_item(image, listen, i));
	}
	for (size_t i = 0; i < count; i++) {
		const struct service_listener *present = find(s, wanted[i].id);

		if (present)
			wanted[i] = *present;
	}
	for (size_t i = 0; i < s->listener_count; i++) {
		bool stays = false;

		for (size_t j = 0; j < count; j++)
			stays |= wanted[j].id == s->listeners[i].id;
		if (!stays && s->listeners[i].state == LISTEN_UP)
			close_one(s, s->listeners[i].id);
	}
	memcpy(s->listeners, wanted, count * sizeof *wanted);
	s->listener_count = count;
	listeners_ask(s);
}

/* ---- the launcher ---- */

static void retry(void *owner)
{
	struct service *s = owner;

	for (size_t i = 0; i < s->listener_count; i++)
		if (s->listeners[i].state == LISTEN_FAILED)
			s->listeners[i].state = LISTEN_WANTED;
	listeners_ask(s);
}

void listeners_ask(struct service *s)
{
	if (!service_is_up(s) || s->is_draining)
		return;
	for (size_t i = 0; i < s->listener_count; i++) {
		struct service_listener *l = &s->listeners[i];
		struct launcher_bind bind = { 0 };

		if (l->state != LISTEN_WANTED ||
		    address_read(slice_of(l->address), 0, &bind.address, NULL) != RESULT_OK)
			continue;
		bind.length = bind.address.length;
		l->state = LISTEN_ASKED;
		keeper_tell_launcher(s->keeper, LINK_BIND, l->id,
		                     (struct slice){ (const char *)&bind, sizeof bind });
	}
}

void listeners_bound(struct service *s, uint64_t id, int fd)
{
	struct service_listener *l = find(s, id);
	struct buffer payload;
	struct json_writer w = json_write(&payload);

	if (!l || l->state != LISTEN_ASKED || !service_is_up(s)) {
		close(fd); /* no longer wanted, or nobody there to have it */
		return;
	}
	buffer_start(&payload, 512);
	json_open_object(&w, NULL);
	json_put_text(&w, "side", place_name(l->place));
	json_put_text(&w, "address", l->address);
	json_close_object(&w);
	if (link_send(s->link, LINK_LISTENER, id, buffer_slice(&payload), fd)) {
		l->state = LISTEN_UP;
		l->why[0] = '\0';
	} else {
		l->state = LISTEN_FAILED;
	}
	buffer_stop(&payload);
	close(fd);
}

void listeners_failed(struct service *s, uint64_t id, struct slice why)
{
	struct service_listener *l = find(s, id);
	char words[KEEPER_WHY_BYTES];

	if (!l || l->state != LISTEN_ASKED)
		return;
	l->state = LISTEN_FAILED;
	snprintf(words, sizeof words, "%.*s", (int)(why.len < sizeof words ? why.len : sizeof words - 1),
	         why.ptr);
	if (strcmp(words, l->why) != 0) { /* said once for each reason, tried for ever */
		memcpy(l->why, words, sizeof l->why);
		tell_failed(s, l);
	}
	loop_timer_set(s->keeper->loop, &s->listen_timer, KEEPER_LISTEN_RETRY_MS, retry, s);
}

/* ---- the service ---- */

void listeners_greeted(struct service *s, const struct json *ids)
{
	for (size_t i = 0; i < s->listener_count; i++)
		if (s->listeners[i].state == LISTEN_UP || s->listeners[i].state == LISTEN_ASKED)
			s->listeners[i].state = LISTEN_WANTED;
	for (size_t i = 0; i < json_count(ids); i++) {
		uint64_t id = (uint64_t)json_as_number(json_at(ids, i), 0);
		struct service_listener *l = find(s, id);

		if (l)
			l->state = LISTEN_UP;
		else
			close_one(s, id);
	}
}

void listeners_lost(struct service *s)
{
	for (size_t i = 0; i < s->listener_count; i++)
		s->listeners[i].state = LISTEN_WANTED;
	loop_timer_stop(&s->listen_timer);
}
