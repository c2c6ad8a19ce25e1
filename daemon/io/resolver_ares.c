/*
 * c-ares on our loop: its sockets become watches, its time-outs one timer.
 *
 * Raw answers are read by srv_answer.c.  The hosts file and search lists are
 * not used: what we look up are other people's domains.
 */
#include <arpa/nameser.h>

#include "daemon/io/resolver_parts.h"
#include "shared/base/memory.h"

static void set_timeout(struct resolver *resolver);

/* ---- sockets and time ---- */

static void timed_out(void *owner)
{
	struct resolver *resolver = owner;

	ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timeout(resolver);
}

static void set_timeout(struct resolver *resolver)
{
	struct timeval left;

	if (ares_timeout(resolver->channel, NULL, &left))
		loop_timer_set(resolver->loop, &resolver->timeout,
		               (int64_t)left.tv_sec * 1000 + left.tv_usec / 1000 + 1, timed_out, resolver);
	else
		loop_timer_stop(&resolver->timeout);
}

static void socket_ready(void *owner, unsigned what)
{
	const struct resolver_socket *slot = owner;
	struct resolver *resolver = slot->resolver;
	int fd = slot->fd; /* c-ares may close it meanwhile, and give the slot back */

	ares_process_fd(resolver->channel, what & LOOP_READ ? fd : ARES_SOCKET_BAD,
	                what & LOOP_WRITE ? fd : ARES_SOCKET_BAD);
	set_timeout(resolver);
}

static struct resolver_socket *slot_of(struct resolver *resolver, int fd)
{
	struct resolver_socket *unused = NULL;

	for (size_t i = 0; i < RESOLVER_SOCKETS_MAX; i++) {
		struct resolver_socket *slot = &resolver->sockets[i];

		if (slot->is_used && slot->fd == fd)
			return slot;
		if (!slot->is_used && !unused)
			unused = slot;
	}
	return unused;
}

static void socket_state(void *owner, ares_socket_t fd, int readable, int writable)
{
	struct resolver *resolver = owner;
	struct resolver_socket *slot = slot_of(resolver, fd);
	unsigned wanted = (readable ? LOOP_READ : 0u) | (writable ? LOOP_WRITE : 0u);

	if (!slot)
		return; /* its questions time out */
	if (wanted == 0) {
		loop_watch_stop(&slot->watch);
		slot->is_used = false;
	} else if (slot->is_used) {
		loop_watch_want(&slot->watch, wanted);
	} else {
		slot->is_used = true;
		slot->resolver = resolver;
		slot->fd = fd;
		loop_watch_start(resolver->loop, &slot->watch, fd, wanted, socket_ready, slot);
	}
}

/* ---- answers ---- */

static void read_answer(struct lookup *lookup, unsigned at, const uint8_t *bytes, size_t length)
{
	struct part *part = &lookup->part[at];
	bool is_read;

	if (lookup->question == QUESTION_SRV) {
		if (!lookup->fetched_srv)
			lookup->fetched_srv = mem_new_array(RESOLVER_SRV_MAX, sizeof *lookup->fetched_srv);
		if (!lookup->fetched_srv) {
			part->words = "out of memory";
			return;
		}
		is_read = srv_answer_read(bytes, length, lookup->fetched_srv, &part->count, &part->ttl_s);
	} else {
		is_read = address_answer_read(bytes, length, at == QUESTION_V6, part->addresses, &part->count,
		                              &part->ttl_s);
	}
	if (!is_read) {
		part->words = "the DNS answer is malformed";
		return;
	}
	part->outcome = part->count ? RESOLVER_FOUND : RESOLVER_ABSENT;
	part->words = part->count ? "" : "DNS has no such record";
}

static void answer_came(void *owner, int status, int timeouts, unsigned char *bytes, int length)
{
	struct query *query = owner;
	struct lookup *lookup = query->lookup;
	struct part *part;

	(void)timeouts;
	query->is_out = false;
	if (lookup->resolver->is_going)
		return;
	part = &lookup->part[query->part];
	part->is_done = true;
	part->outcome = RESOLVER_FAILED;
	if (status == ARES_SUCCESS && bytes && length > 0) {
		read_answer(lookup, query->part, bytes, (size_t)length);
	} else if (status == ARES_ENOTFOUND || status == ARES_ENODATA) {
		part->outcome = RESOLVER_ABSENT;
		part->words = status == ARES_ENOTFOUND ? "DNS has no such name" : "DNS has no such record";
	} else {
		part->words = status == ARES_ETIMEOUT       ? "no DNS server answers"
		              : status == ARES_ECONNREFUSED ? "the DNS servers failed or cannot be reached"
		              : status == ARES_ESERVFAIL    ? "the DNS server failed"
		              : status == ARES_EREFUSED     ? "the DNS server refuses to answer"
		              : status == ARES_ENOMEM       ? "out of memory"
		                                            : "the DNS look-up failed";
	}
	resolver_part_came(lookup);
}

void resolver_ares_ask(struct resolver *resolver, struct lookup *lookup)
{
	static const int types[][QUESTION_PARTS] = {
		[QUESTION_SRV] = { ns_t_srv }, [QUESTION_ADDRESSES] = { ns_t_a, ns_t_aaaa }
	};
	unsigned parts = lookup->question == QUESTION_SRV ? 1 : QUESTION_PARTS;

	/* All are marked first: the first may be called back at once. */
	for (unsigned i = 0; i < parts; i++)
		lookup->query[i] = (struct query){ lookup, i, true };
	for (unsigned i = parts; i < QUESTION_PARTS; i++)
		lookup->part[i] = (struct part){ .is_done = true, .outcome = RESOLVER_ABSENT, .words = "" };
	for (unsigned i = 0; i < parts; i++)
		ares_query(resolver->channel, lookup->key + 1, ns_c_in, types[lookup->question][i],
		           answer_came, &lookup->query[i]);
	set_timeout(resolver);
}

/* ---- life ---- */

static enum result set_servers(struct resolver *resolver, const struct slice *servers, size_t count,
                               struct reason *reason)
{
	struct ares_addr_port_node nodes[RESOLVER_SERVERS_MAX] = { 0 };

	if (count > RESOLVER_SERVERS_MAX)
		return fail(reason, RESULT_LIMIT, "%zu DNS servers; at most %d", count, RESOLVER_SERVERS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct address address;
		enum result result = address_read(servers[i], NS_DEFAULTPORT, &address, reason);

		if (result != RESULT_OK)
			return result;
		nodes[i].next = i + 1 < count ? &nodes[i + 1] : NULL;
		nodes[i].family = address.any.sa_family;
		nodes[i].udp_port = nodes[i].tcp_port = address_port(&address);
		if (address.any.sa_family == AF_INET)
			memcpy(&nodes[i].addr.addr4, &address.v4.sin_addr, sizeof address.v4.sin_addr);
		else
			memcpy(&nodes[i].addr.addr6, &address.v6.sin6_addr, sizeof address.v6.sin6_addr);
	}
	if (count && ares_set_servers_ports(resolver->channel, nodes) != ARES_SUCCESS)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	return RESULT_OK;
}

enum result resolver_ares_start(struct resolver *resolver, const struct slice *servers, size_t server_count,
                                struct reason *reason)
{
	static char lookups[] = "b"; /* DNS alone; c-ares takes a char * and copies it */
	struct ares_options options = { .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
		                        .timeout = RESOLVER_TRY_MS,
		                        .tries = RESOLVER_TRIES,
		                        .ednspsz = RESOLVER_EDNS_BYTES,
		                        .lookups = lookups,
		                        .sock_state_cb = socket_state,
		                        .sock_state_cb_data = resolver };
	int status = ares_init_options(&resolver->channel, &options,
	                               ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
	                                       ARES_OPT_EDNSPSZ | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);

	if (status != ARES_SUCCESS) {
		resolver->channel = NULL;
		return fail(reason, status == ARES_ENOMEM ? RESULT_NO_MEMORY : RESULT_IO,
		            "DNS cannot be set up: %s", ares_strerror(status));
	}
	return set_servers(resolver, servers, server_count, reason);
}

void resolver_ares_stop(struct resolver *resolver)
{
	if (resolver->channel)
		ares_destroy(resolver->channel);
	resolver->channel = NULL;
	loop_timer_stop(&resolver->timeout);
}
