#include "daemon/access/access.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef PARLEY_SANITIZED
#include <sanitizer/lsan_interface.h>
#endif

#include "daemon/access/parts.h"
#include "daemon/crypto/crypto.h"
#include "shared/base/memory.h"

uint64_t access_random(struct access *a)
{
	a->random_counter++;
	return siphash(a->seed, (struct slice){ (const char *)&a->random_counter, sizeof a->random_counter });
}

/* ---- the image ---- */

struct slice access_edge_name(const struct access *a, const struct policy_image *image)
{
	const struct image_edge *edge = image ? policy_image_edge(image, slice_of(a->node)) : NULL;

	return edge ? policy_image_text(image, edge->fqdn) : SLICE("");
}

static void take_side_names(struct access *a, enum sip_side side, struct image_text fqdn, uint64_t port,
                            bool is_tls, struct image_list listen)
{
	struct sip_side_names *names = &a->proxy.side[side];
	struct slice name = policy_image_text(a->image, fqdn);

	if (name.len == 0) /* the internal name defaults to the edge's */
		name = policy_image_text(a->image, a->edge->fqdn);
	*names = (struct sip_side_names){
		.fqdn = name,
		.port = (uint16_t)port,
		.transport = is_tls ? SLICE("tls") : SLICE("tcp"),
		.via_transport = is_tls ? SLICE("TLS") : SLICE("TCP"),
		.addresses = a->own_addresses[side],
	};
	for (size_t i = 0; i < listen.count && i < sizeof a->own_addresses[0] / sizeof a->own_addresses[0][0];
	     i++)
		a->own_addresses[side][names->address_count++] = policy_image_item(a->image, listen, i);
}

bool access_is_internal_plain(const struct image_edge *edge)
{
	const struct model_field *row = &model_kind(MODEL_EDGE)
	                                         ->fields[MODEL_FIELD(edge, internal_transport)];

	return slice_equal(model_choice(row, edge->internal_transport), SLICE("tcp"));
}

static void take_image(struct access *a, struct link_frame *frame)
{
	struct policy_image *image = NULL;
	struct reason reason = { "" };
	const struct image_edge *edge;
	enum result result = policy_image_open(frame->fd, &image, &reason);

	close(frame->fd);
	if (result == RESULT_OK && !(edge = policy_image_edge(image, slice_of(a->node)))) {
		policy_image_close(&image);
		result = fail(&reason, RESULT_INVALID, "the topology has no edge \"%s\"", a->node);
	}
	if (result != RESULT_OK) {
		link_send(a->link, LINK_APPLIED, a->image ? policy_image_generation(a->image) : 0,
		          slice_of(reason.text), -1);
		return;
	}

	/* Names in a->proxy point into the image: take the new ones before the old image goes. */
	struct policy_image *old = a->image;

	a->image = image;
	a->edge = edge;
	a->settings = image_access_edge_at(image, 0);
	take_side_names(a, SIP_SIDE_EXTERNAL, edge->external_fqdn, edge->external_port, true,
	                edge->external_listen);
	take_side_names(a, SIP_SIDE_INTERNAL, edge->internal_fqdn, edge->internal_port,
	                !access_is_internal_plain(edge), edge->internal_listen);
	take_side_names(a, SIP_SIDE_REMOTE,
	                policy_image_text(image, edge->remote_fqdn).len ? edge->remote_fqdn
	                                                                : edge->external_fqdn,
	                edge->remote_port, true, edge->remote_listen);
	policy_image_close(&old);
	if (a->transactions)
		sip_transactions_set_max(a->transactions, (uint32_t)a->settings->max_transactions);
	else
		a->transactions = sip_transactions_new((uint32_t)a->settings->max_transactions, a->seed);
	if (a->resolver)
		resolver_keep_at_most(a->resolver, (size_t)a->settings->dns_srv_cache_record_count);
	credentials_set_memory(a);
	flow_image_changed(a);
	pool_learn(a);
	link_send(a->link, LINK_APPLIED, policy_image_generation(image), SLICE(""), -1);
}

/* ---- credentials, listeners, settings of the host ---- */

static void accepted(void *owner, int fd, const struct address *from)
{
	struct access_listener *l = owner;

	flow_accept(l->access, l->side, fd, from);
}

static void descriptors_out(void *owner)
{
	const struct access_listener *l = owner;

	door_descriptors_out(l->access);
}

static void listener_drop(struct access_listener *l)
{
	list_remove(&l->node);
	listener_free(&l->listener);
	mem_free(l);
}

static void take_listener(struct access *a, struct link_frame *frame)
{
	struct json *payload = NULL;
	struct reason reason = { "" };
	struct access_listener *l = mem_new(sizeof *l);

	if (!l || json_read(frame->payload, &payload, &reason) != RESULT_OK) {
		close(frame->fd);
		mem_free(l);
		return;
	}
	l->access = a;
	l->id = frame->number;
	l->side = access_side_named(json_get(payload, "side"));

	struct report report;
	enum result result = listener_new(a->loop, frame->fd, accepted, l, &l->listener, &reason);

	report_open(&report, a,
	            result == RESULT_OK ? CONTROL_EVENT_LISTENER_UP : CONTROL_EVENT_LISTENER_FAILED);
	json_put_slice(&report.w, "side", json_as_slice(json_get(payload, "side")));
	json_put_slice(&report.w, "address", json_as_slice(json_get(payload, "address")));
	if (result == RESULT_OK) {
		listener_on_full(l->listener, descriptors_out);
		list_add_last(&a->listeners, &l->node);
	} else {
		json_put_text(&report.w, "why", reason.text);
		mem_free(l);
	}
	report_send(&report);
	json_free(&payload);
}

static void close_listener(struct access *a, uint64_t id)
{
	LIST_EACH_SAFE (at, &a->listeners) {
		struct access_listener *l = LIST_OWNER(at, struct access_listener, node);

		if (l->id == id)
			listener_drop(l);
	}
}

static void take_host(struct access *a, struct slice payload)
{
	struct json *host = NULL;
	struct reason reason = { "" };
	struct slice servers[8];
	size_t count = 0;

	if (json_read(payload, &host, &reason) != RESULT_OK)
		return;
	slice_to_text(json_as_slice(json_get(host, "node")), a->node, sizeof a->node);

	const struct json *list = json_get(host, "resolvers");

	while (count < 8 && count < json_count(list)) {
		servers[count] = json_as_slice(json_at(list, count));
		count++;
	}
	resolver_free(&a->resolver);
	if (resolver_new(a->loop, servers, count, a->seed, &a->resolver, &reason) != RESULT_OK) {
		struct report report;

		report_open(&report, a, CONTROL_EVENT_LOOKUP_FAILED);
		json_put_text(&report.w, "name", "resolvers");
		json_put_text(&report.w, "why", reason.text);
		report_send(&report);
	}
	if (a->resolver && a->image)
		resolver_keep_at_most(a->resolver, (size_t)a->settings->dns_srv_cache_record_count);
	/* The old resolver took its waiting questions along. */
	partner_ask_again(a);
	hop_ask_again(a);
	pool_learn(a);
	crypto_hex_read(json_as_slice(json_get(host, "token_key")), a->proxy.token_key,
	                sizeof a->proxy.token_key);
	json_free(&host);
}

/* ---- drain and end ---- */

static bool has_work(const struct access *a)
{
	return a->transactions && !sip_transactions_are_settled(a->transactions, access_now_ms(a));
}

static void end_all(struct access *a)
{
	LIST_EACH (at, &a->flows)
		connection_close(LIST_OWNER(at, struct flow, node)->connection, CONNECTION_END_DRAIN,
		                 "the edge stops");
}

static void drain_over(void *owner)
{
	struct access *a = owner;

	link_send(a->link, LINK_DRAINED, 0, SLICE(""), -1);
	loop_stop(a->loop);
}

static void drain_check(struct access *a)
{
	if (!a->is_draining || has_work(a) || a->drain_timer.owner == NULL)
		return;
	end_all(a);
	/* The polite closes need a moment of the loop. */
	if (a->flow_count == 0)
		drain_over(a);
}

static void drain_late(void *owner)
{
	struct access *a = owner;

	end_all(a);
	loop_timer_set(a->loop, &a->drain_timer, CONNECTION_CLOSE_DRAIN_MS, drain_over, a);
}

static void drain(struct access *a, int64_t deadline_ms)
{
	a->is_draining = true;
	LIST_EACH_SAFE (at, &a->listeners)
		listener_drop(LIST_OWNER(at, struct access_listener, node));
	loop_timer_set(a->loop, &a->drain_timer, deadline_ms > 0 ? deadline_ms : 1, drain_late, a);
	drain_check(a);
}

static void second(void *owner)
{
	struct access *a = owner;

	report_counters(a);
	remote_second(a);
	if (a->image)
		discovery_report(a);
	if (a->image) {
		partner_give_up_waiting(a);
		hop_give_up_waiting(a);
		contacts_give_up_waiting(a);
		pool_second(a);
		recheck_due(a);
	}
	drain_check(a);
	loop_timer_set(a->loop, &a->second_timer, 1000, second, a);
}

/* ---- frames ---- */

static void frame_came(void *owner, struct link_frame *frame)
{
	struct access *a = owner;

	switch ((unsigned)frame->type) {
	case LINK_CONFIGURE: take_host(a, frame->payload); break;
	case LINK_CREDENTIALS: credentials_take(a, frame); break;
	case LINK_IMAGE: take_image(a, frame); break;
	case LINK_FIRST_WORDS: contacts_take(a, frame->fd); break;
	case LINK_LISTENER: take_listener(a, frame); break;
	case LINK_LISTENER_CLOSE: close_listener(a, frame->number); break;
	case LINK_QUERY: answer_query(a, frame->number, frame->payload); break;
	case LINK_TRIAL: answer_trial(a, frame->number, frame->fd); break;
	case LINK_DRAIN: drain(a, (int64_t)frame->number); break;
	default:
		if (frame->fd >= 0)
			close(frame->fd);
	}
}

static void say_hello(struct access *a)
{
	struct buffer text;
	struct json_writer w = json_write(&text);

	buffer_start(&text, 1024);
	json_open_object(&w, NULL);
	json_put_text(&w, "service", "access");
	json_put_number(&w, "generation", a->image ? (int64_t)policy_image_generation(a->image) : 0);
	json_open_array(&w, "listeners");
	LIST_EACH (at, &a->listeners)
		json_put_number(&w, NULL, (int64_t)LIST_OWNER(at, struct access_listener, node)->id);
	json_close_array(&w);
	json_close_object(&w);
	link_send(a->link, LINK_HELLO, 0, buffer_slice(&text), -1);
	buffer_stop(&text);
}

/* The keeper is gone: traffic goes on; the launcher will hand us a link to the next one. */
static void link_broken(void *owner)
{
	struct access *a = owner;

	link_free(&a->link);
}

static void launcher_frame(void *owner, struct link_frame *frame)
{
	struct access *a = owner;

	if (frame->type == LINK_SERVICE_LINK) {
		link_free(&a->link);
		a->link = link_new(a->loop, frame->fd, frame_came, link_broken, a);
		report_forget_told(a);
		say_hello(a);
	} else if (frame->type == LINK_NEIGHBOUR) {
		neighbour_take(a, frame->fd);
	} else if (frame->fd >= 0) {
		close(frame->fd);
	}
}

static void launcher_gone(void *owner)
{
	struct access *a = owner;

	loop_stop(a->loop); /* without a launcher nobody would restart or end us */
}

/* As many connections as the system lets us have; max-connections lies below or is cut. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit); /* what stays low is met by the cut */
	}
}

static bool access_start(struct access *a)
{
	raise_descriptors();
	list_start(&a->flows);
	list_start(&a->listeners);
	list_start(&a->idle_requests);
	list_start(&a->hop_list);
	list_start(&a->partner_list);
	list_start(&a->discovered_list);
	list_start(&a->sender_list);
	if (!crypto_random(&a->seed, sizeof a->seed) ||
	    !crypto_random(&a->proxy.loop_key, sizeof a->proxy.loop_key) || !(a->loop = loop_new()))
		return false;
	a->proxy.hmac = crypto_hmac_sha256;
	handles_start(&a->connections, ACCESS_CONNECTIONS_MAX);
	map_start(&a->hops, ACCESS_HOPS_MAX, a->seed);
	map_start(&a->partners, ACCESS_PARTNERS_MAX, a->seed);
	map_start(&a->senders, ACCESS_SENDERS_MAX, a->seed);
	map_start(&a->discovered, ACCESS_DISCOVERED_MAX, a->seed);
	door_start(a);
	remote_users_start(a);
	contacts_start(a);
	neighbour_start(a);
	arena_start(&a->scratch, SIP_MESSAGE_ARENA_MAX * 4);
	return true;
}

static void access_stop(struct access *a)
{
	LIST_EACH_SAFE (at, &a->listeners)
		listener_drop(LIST_OWNER(at, struct access_listener, node));
	resolver_free(&a->resolver);
	hop_free_all(a);
	partner_free_all(a);
	discovery_free_all(a);
	senders_free_all(a);
	contacts_drop(a);
	door_stop(a);
	remote_users_stop(a);
	for (size_t i = 0; i < SIP_SIDES; i++)
		tls_credentials_free(&a->credentials[i]);
	arena_stop(&a->scratch);
	mem_wipe(a->proxy.token_key, sizeof a->proxy.token_key);
}

int access_main(const struct process_start *start, const char *folder)
{
	(void)folder;
	struct access *a = mem_new(sizeof *a);
	struct link *launcher = NULL;

	if (!a)
		return 70;
	a->start = start;
	if (!access_start(a))
		return 70;
	a->link = link_new(a->loop, start->link, frame_came, link_broken, a);
	launcher = link_new(a->loop, start->launcher, launcher_frame, launcher_gone, a);
	if (!a->link || !launcher)
		return 70;
	say_hello(a);
	loop_timer_set(a->loop, &a->second_timer, 1000, second, a);
	loop_run(a->loop);
#ifdef PARLEY_SANITIZED
	/* What nothing points at now has leaked; what is still in use goes with the process. */
	__lsan_do_leak_check();
#endif
	access_stop(a);
	return 0;
}
