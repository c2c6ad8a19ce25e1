/*
 * pair: two connections over loopback in one loop, and what happened to each.
 */
#ifndef TESTS_UNIT_IO_PAIR_H
#define TESTS_UNIT_IO_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/io/connection.h"
#include "shared/base/memory.h"

#include <cmocka.h> /* last: it makes a macro of `fail` */

enum { PAIR_GUARD_MS = 20 * 1000, PAIR_IN_MAX = 128 * 1024 };

struct pair;

struct side {
	struct pair *pair;
	struct connection *connection; /* NULL: none yet, or closed */
	bool is_up, is_closed;
	unsigned up_count, closed_count, received_count;
	enum connection_end end;
	char words[REASON_BYTES];
	char suite[64];
	struct connection_counts counts;
	struct buffer got;
	bool keeps_unread; /* consumes nothing */
	void (*on_up)(struct side *side);
	void (*on_received)(struct side *side, struct buffer *in);
};

struct pair {
	struct loop *loop;
	struct handles handles;
	struct listener *listener;
	struct loop_timer guard;
	struct side client, server;
	struct connection_settings client_settings, server_settings;
	bool guard_fired;
	bool (*is_done)(struct pair *pair);
};

static inline void pair_look(struct pair *pair)
{
	if (pair->is_done && pair->is_done(pair))
		loop_stop(pair->loop);
}

static inline void pair_up(void *owner, struct connection *c)
{
	struct side *side = owner;

	side->connection = c;
	side->is_up = true;
	side->up_count++;
	snprintf(side->suite, sizeof side->suite, "%s", connection_peer(c)->suite);
	if (side->on_up)
		side->on_up(side);
	pair_look(side->pair);
}

static inline void pair_received(void *owner, struct connection *c, struct buffer *in)
{
	struct side *side = owner;

	(void)c;
	side->received_count++;
	if (side->on_received) {
		side->on_received(side, in);
	} else if (!side->keeps_unread) {
		buffer_add(&side->got, buffer_slice(in));
		buffer_consume(in, buffer_length(in));
	}
	pair_look(side->pair);
}

static inline void pair_closed(void *owner, struct connection *c)
{
	struct side *side = owner;

	side->connection = NULL;
	side->is_closed = true;
	side->closed_count++;
	side->end = connection_end(c);
	side->counts = connection_counts(c);
	snprintf(side->words, sizeof side->words, "%s", connection_end_words(c));
	assert_int_equal(connection_state(c), CONNECTION_CLOSED);
	pair_look(side->pair);
}

static const struct connection_events pair_events = { .up = pair_up,
	                                              .received = pair_received,
	                                              .closed = pair_closed };

static inline void pair_accepted(void *owner, int fd, const struct address *from)
{
	struct pair *pair = owner;
	struct reason reason;

	(void)from;
	/* Fails only where a test lets allocations fail. */
	if (connection_accept(pair->loop, &pair->handles, fd, &pair->server_settings,
	                      &pair->server.connection, &reason) != RESULT_OK)
		pair->server.connection = NULL;
}

static inline void pair_guard(void *owner)
{
	struct pair *pair = owner;

	pair->guard_fired = true;
	loop_stop(pair->loop);
}

static inline int pair_listen(void)
{
	struct address address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(address_read(SLICE("127.0.0.1"), 0, &address, NULL), RESULT_OK);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &address.any, address.length), 0);
	assert_int_equal(listen(fd, 64), 0);
	return fd;
}

static inline struct address pair_address(int fd)
{
	struct address address = { .length = sizeof address.v6 };

	assert_int_equal(getsockname(fd, &address.any, &address.length), 0);
	return address;
}

/* NULL credentials: TCP. */
static inline void pair_start(struct pair *pair, struct tls_credentials *client,
                              struct tls_credentials *server)
{
	*pair = (struct pair){ .loop = loop_new() };
	assert_non_null(pair->loop);
	handles_start(&pair->handles, 64);
	pair->client.pair = pair->server.pair = pair;
	buffer_start(&pair->client.got, 16u << 20);
	buffer_start(&pair->server.got, 16u << 20);
	pair->client_settings = (struct connection_settings){ .connect_ms = 5000,
		                                              .handshake_ms = 10000,
		                                              .in_max = PAIR_IN_MAX,
		                                              .credentials = client,
		                                              .server_name = "good.example",
		                                              .events = &pair_events,
		                                              .owner = &pair->client };
	pair->server_settings = pair->client_settings;
	pair->server_settings.credentials = server;
	pair->server_settings.owner = &pair->server;
	assert_int_equal(listener_new(pair->loop, pair_listen(), pair_accepted, pair, &pair->listener, NULL),
	                 RESULT_OK);
}

static inline void pair_connect(struct pair *pair)
{
	assert_int_equal(connection_open(pair->loop, &pair->handles, listener_address(pair->listener),
	                                 &pair->client_settings, &pair->client.connection, NULL),
	                 RESULT_OK);
}

/* Until `is_done`, or the guard. */
static inline void pair_run(struct pair *pair, bool (*is_done)(struct pair *pair))
{
	pair->is_done = is_done;
	pair->guard_fired = false;
	if (is_done(pair))
		return;
	loop_timer_set(pair->loop, &pair->guard, PAIR_GUARD_MS, pair_guard, pair);
	loop_run(pair->loop);
	loop_timer_stop(&pair->guard);
	if (pair->guard_fired)
		fail_msg("nothing happened in time: client up %d closed %d (%s: %s), server up %d closed %d "
		         "(%s: %s)",
		         pair->client.is_up, pair->client.is_closed, connection_end_name(pair->client.end),
		         pair->client.words, pair->server.is_up, pair->server.is_closed,
		         connection_end_name(pair->server.end), pair->server.words);
}

static inline bool pair_both_up(struct pair *pair) { return pair->client.is_up && pair->server.is_up; }
static inline bool pair_both_closed(struct pair *pair)
{
	return pair->client.is_closed && pair->server.is_closed;
}
static inline bool pair_server_closed(struct pair *pair) { return pair->server.is_closed; }
static inline bool pair_client_closed(struct pair *pair) { return pair->client.is_closed; }

static inline bool pair_is_empty(struct pair *pair)
{
	return (!pair->client.connection || pair->client.is_closed) &&
	       (!pair->server.connection || pair->server.is_closed);
}

static inline void pair_stop(struct pair *pair)
{
	pair->server.on_received = pair->client.on_received = NULL;
	if (pair->client.connection)
		connection_abort(pair->client.connection, CONNECTION_END_DRAIN, NULL);
	if (pair->server.connection)
		connection_abort(pair->server.connection, CONNECTION_END_DRAIN, NULL);
	pair_run(pair, pair_is_empty);
	/* The last `closed` stops the loop from inside the call; its connection is freed in the same turn. */
	assert_int_equal(pair->handles.count, 0);
	listener_free(&pair->listener);
	handles_stop(&pair->handles);
	buffer_stop(&pair->client.got);
	buffer_stop(&pair->server.got);
	loop_free(&pair->loop);
}

#endif
