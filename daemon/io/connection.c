/*
 * A connection's life: made, connected, handshake, up, closing, closed.
 *
 * Nothing of the owner's is called from inside a call of the owner's: calls
 * change state and owe a step, which the loop takes at the end of its turn.
 *
 *   CONNECTING -> HANDSHAKE -> UP -> CLOSING -> CLOSED
 *        \____________\_________\______________/   connection_abort, failures
 */
#include "daemon/io/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/io/connection_parts.h"
#include "shared/base/memory.h"

enum {
	CONNECTION_ALIVE_IDLE_S = 60, /* TCP's own keep-alive, for peers that know no other */
	CONNECTION_ALIVE_EVERY_S = 15,
	CONNECTION_ALIVE_COUNT = 4,
};

/* One row an end: its stable name, and what an administrator can do about it. */
static const struct {
	const char *name, *advice;
} ends[] = {
	[CONNECTION_END_NONE] = { "none", "" },
	[CONNECTION_END_PEER] = { "peer", "" },
	[CONNECTION_END_RESET] = { "reset",
	                           "Look for a firewall between; else ask them: their side broke it." },
	[CONNECTION_END_CONNECT] = { "connect",
	                             "See that their edge listens there, and that a firewall lets us out." },
	[CONNECTION_END_TLS_OURS] = { "tls-ours", "They must renew their certificate, or add their CA to "
	                                          "external-trust; the words say which." },
	[CONNECTION_END_TLS_THEIRS] = { "tls-theirs",
	                                "Their side must trust our CA; some demand the client usage "
	                                "in our certificate." },
	[CONNECTION_END_TIMEOUT] = { "timeout",
	                             "See that their edge answers, and that a firewall lets us through." },
	[CONNECTION_END_QUEUE] = { "queue", "Tell them: their side does not read what it is sent." },
	[CONNECTION_END_PROTOCOL] = { "protocol", "Tell them: what their side sends is not SIP over TLS." },
	[CONNECTION_END_POLICY] = { "policy", "Compare the certificate's names with the domains allowed." },
	[CONNECTION_END_DRAIN] = { "drain", "" },
	[CONNECTION_END_LIMIT] = { "limit",
	                           "If you know them, allow their domain: strangers have a small share." },
	[CONNECTION_END_INTERNAL] = { "internal", "Read the events around that time; the fault is ours." },
};

static enum connection_end known_end(enum connection_end end)
{
	return (size_t)end < sizeof ends / sizeof *ends ? end : CONNECTION_END_INTERNAL;
}

const char *connection_end_name(enum connection_end end) { return ends[known_end(end)].name; }
const char *connection_end_advice(enum connection_end end) { return ends[known_end(end)].advice; }

const char *connection_state_name(enum connection_state state)
{
	static const char *const names[] = { "connecting", "handshake", "up", "closing", "closed" };

	return (size_t)state < sizeof names / sizeof *names ? names[state] : "closed";
}

/* ---- sockets ---- */

static void set_number(int fd, int level, int option, int number)
{
	/* Comfort only: a socket that refuses one of these still works. */
	(void)setsockopt(fd, level, option, &number, sizeof number);
}

static bool prepare_socket(int fd, int64_t dead_ms)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return false;
	set_number(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* we gather by ourselves */
	set_number(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
	           (int)(dead_ms > 0 ? dead_ms : CONNECTION_QUEUE_STALL_MS));
	set_number(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, CONNECTION_ALIVE_IDLE_S);
	set_number(fd, IPPROTO_TCP, TCP_KEEPINTVL, CONNECTION_ALIVE_EVERY_S);
	set_number(fd, IPPROTO_TCP, TCP_KEEPCNT, CONNECTION_ALIVE_COUNT);
	return true;
}

static void learn_addresses(struct connection *c)
{
	struct address local = { .length = sizeof local.v6 }, remote = { .length = sizeof remote.v6 };

	if (getsockname(c->fd, &local.any, &local.length) == 0)
		c->local = address_unmapped(&local);
	if (!c->is_outgoing && getpeername(c->fd, &remote.any, &remote.length) == 0)
		c->remote = address_unmapped(&remote);
}

/* ---- making ---- */

static void connection_free(struct connection *c)
{
	loop_watch_stop(&c->watch);
	loop_timer_stop(&c->phase);
	loop_timer_stop(&c->deadline);
	loop_defer_cancel(&c->turn);
	if (c->stream)
		c->stream->kind->release(c->stream);
	if (c->next)
		c->next->kind->release(c->next);
	if (c->fd >= 0)
		close(c->fd);
	tls_credentials_free(&c->credentials);
	handles_remove(c->handles, c->self);
	buffer_stop(&c->in);
	buffer_stop(&c->out);
	mem_free(c->end_words);
	mem_free(c);
}

/* Takes the descriptor, also when it fails. */
static enum result connection_new(struct loop *loop, struct handles *handles, int fd, bool is_outgoing,
                                  const struct connection_settings *settings, struct connection **out,
                                  struct reason *reason)
{
	struct connection *c = mem_new(sizeof *c);

	if (!c) {
		close(fd);
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	}
	*c = (struct connection){ .loop = loop,
		                  .handles = handles,
		                  .events = settings->events,
		                  .owner = settings->owner,
		                  .connect_ms = settings->connect_ms,
		                  .handshake_ms = settings->handshake_ms,
		                  .fd = fd,
		                  .is_outgoing = is_outgoing };
	c->since_ms = c->last_in_ms = c->busy_ms = loop_now(loop).mono_ms;
	buffer_start(&c->in, settings->in_max);
	buffer_start(&c->out, CONNECTION_QUEUE_MAX);
	if (!is_outgoing && settings->credentials && settings->events->knocks) {
		c->credentials = tls_credentials_keep(settings->credentials);
		c->application = settings->application;
	} else {
		c->stream = settings->credentials ? tls_stream_new(loop, fd, settings, !is_outgoing)
		                                  : tcp_stream_new(fd);
	}
	if (!c->stream && !c->credentials) {
		connection_free(c);
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	}
	c->self = handles_add(handles, c);
	if (!c->self) {
		uint32_t count = handles->count;

		connection_free(c);
		return fail(reason, RESULT_LIMIT, "no room for one more connection beside %u",
		            (unsigned)count);
	}
	*out = c;
	return RESULT_OK;
}

/* ---- connecting and handshake ---- */

static void out_of_time(void *owner)
{
	struct connection *c = owner;
	bool is_connecting = c->state == CONNECTION_CONNECTING;

	connection_note_end(c, is_connecting ? CONNECTION_END_CONNECT : CONNECTION_END_TIMEOUT,
	                    is_connecting ? "no answer in time" : "the TLS handshake took too long");
	connection_finish(c);
}

static void come_up(struct connection *c)
{
	loop_timer_stop(&c->phase);
	c->state = CONNECTION_UP;
	c->since_ms = c->last_in_ms = c->busy_ms = loop_now(c->loop).mono_ms;
	c->owes_up = true;
	c->owes_delivery = c->stream->kind->has_unread(
	        c->stream); /* what came behind the handshake raises no readiness */
	connection_watch(c);
	connection_owe_step(c);
}

static void go_on_with_handshake(struct connection *c)
{
	struct stream_end end = { 0 };
	enum stream_step step;

	do
		step = c->stream->kind->handshake(c->stream, &end);
	while (step == STREAM_MORE);
	switch (step) {
	case STREAM_DONE: come_up(c); break;
	case STREAM_WAIT_READ: loop_watch_want(&c->watch, LOOP_READ); break;
	case STREAM_WAIT_WRITE: loop_watch_want(&c->watch, LOOP_WRITE); break;
	case STREAM_MORE:
	case STREAM_ENDED:
		connection_note_end(c, end.end, end.words.text);
		if (end.owes_goodbye)
			connection_start_closing(c, true);
		else
			connection_finish(c);
		break;
	}
}

/* ---- at the door ---- */

static void kept_silent(void *owner)
{
	struct connection *c = owner;

	connection_note_end(c, CONNECTION_END_TIMEOUT, "no TLS handshake began");
	connection_finish(c);
}

static void wait_for_knock(struct connection *c)
{
	learn_addresses(c);
	c->state = CONNECTION_HANDSHAKE;
	loop_timer_set(c->loop, &c->phase, c->handshake_ms, kept_silent, c);
}

/* Who has gone, or speaks no TLS, needs no turn and no session. */
static void knock(struct connection *c)
{
	uint8_t first;
	ssize_t n = recv(c->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		connection_note_end(c, CONNECTION_END_RESET, "closed before the TLS handshake");
		connection_finish(c);
	} else if (!tls_may_begin(first)) {
		connection_note_end(c, CONNECTION_END_PROTOCOL, "the first bytes are no TLS");
		connection_finish(c);
	} else {
		loop_watch_want(&c->watch, 0);
		loop_timer_stop(&c->phase);
		if (c->events->knocks(c->owner, c))
			connection_let_in(c);
	}
}

void connection_let_in(struct connection *c)
{
	struct connection_settings settings = { .credentials = c->credentials,
		                                .application = c->application };

	if (c->stream || c->state != CONNECTION_HANDSHAKE)
		return;
	c->stream = tls_stream_new(c->loop, c->fd, &settings, true);
	if (!c->stream) {
		connection_note_end(c, CONNECTION_END_INTERNAL, "out of memory");
		connection_finish(c);
		return;
	}
	tls_credentials_free(&c->credentials);
	loop_timer_set(c->loop, &c->phase, c->handshake_ms, out_of_time, c);
	loop_watch_want(&c->watch, LOOP_READ);
	go_on_with_handshake(c);
}

static void start_handshake(struct connection *c)
{
	learn_addresses(c);
	c->state = CONNECTION_HANDSHAKE;
	loop_timer_set(c->loop, &c->phase, c->handshake_ms, out_of_time, c);
	go_on_with_handshake(c);
}

/* ---- from TCP to TLS, in place ---- */

bool connection_upgrade(struct connection *c, const struct connection_settings *settings)
{
	if (c->state != CONNECTION_UP || c->next || !settings->credentials)
		return false;
	c->next = tls_stream_new(c->loop, c->fd, settings, !c->is_outgoing);
	if (!c->next) {
		connection_abort(c, CONNECTION_END_INTERNAL, "out of memory");
		return false;
	}
	c->handshake_ms = settings->handshake_ms;
	connection_watch(c);
	connection_owe_step(c);
	return true;
}

static void begin_upgrade(struct connection *c)
{
	c->stream->kind->release(c->stream);
	c->stream = c->next;
	c->next = NULL;
	c->owes_delivery = c->owes_up = c->owes_read = c->read_wants_write = false;
	if (buffer_length(&c->in) > 0) {
		connection_note_end(c, CONNECTION_END_PROTOCOL,
		                    "bytes came in the clear behind the word for TLS");
		connection_finish(c);
		return;
	}
	c->state = CONNECTION_HANDSHAKE;
	loop_timer_set(c->loop, &c->phase, c->handshake_ms, out_of_time, c);
	go_on_with_handshake(c);
}

static void connected(struct connection *c)
{
	int error = 0;
	socklen_t length = sizeof error;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		error = errno;
	if (error) {
		connection_note_end(c, CONNECTION_END_CONNECT, strerror(error));
		connection_finish(c);
		return;
	}
	start_handshake(c);
}

static void ready(void *owner, unsigned what)
{
	struct connection *c = owner;

	switch ((enum connection_state)c->state) {
	case CONNECTION_CONNECTING: connected(c); break;
	case CONNECTION_HANDSHAKE:
		if (c->stream)
			go_on_with_handshake(c);
		else
			knock(c);
		break;
	case CONNECTION_UP:
		/* Reading first: the peer's alert explains the error that writing would meet. */
		if (what & LOOP_READ || c->read_wants_write)
			connection_read(c);
		if (c->state == CONNECTION_UP && what & LOOP_WRITE)
			connection_write(c);
		break;
	case CONNECTION_CLOSING: connection_go_on_closing(c); break;
	case CONNECTION_CLOSED: break;
	}
}

enum result connection_open(struct loop *loop, struct handles *handles, const struct address *to,
                            const struct connection_settings *settings, struct connection **out,
                            struct reason *reason)
{
	char text[ADDRESS_TEXT_BYTES];
	int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct connection *c;
	enum result result;

	if (fd < 0)
		return fail_errno(reason, RESULT_IO, "no socket for %s", address_text(to, text));
	(void)prepare_socket(fd, settings->dead_ms);
	if (connect(fd, &to->any, to->length) < 0 && errno != EINPROGRESS) {
		fail_errno(reason, RESULT_IO, "cannot connect to %s", address_text(to, text));
		close(fd);
		return RESULT_IO;
	}
	result = connection_new(loop, handles, fd, true, settings, &c, reason);
	if (result != RESULT_OK)
		return result;
	c->remote = *to;
	c->state = CONNECTION_CONNECTING;
	loop_timer_set(loop, &c->phase, c->connect_ms, out_of_time, c);
	loop_watch_start(loop, &c->watch, fd, LOOP_WRITE, ready, c);
	*out = c;
	return RESULT_OK;
}

enum result connection_accept(struct loop *loop, struct handles *handles, int fd,
                              const struct connection_settings *settings, struct connection **out,
                              struct reason *reason)
{
	struct connection *c;
	enum result result;

	if (!prepare_socket(fd, settings->dead_ms)) {
		fail_errno(reason, RESULT_IO, "cannot prepare an accepted connection");
		close(fd);
		return RESULT_IO;
	}
	result = connection_new(loop, handles, fd, false, settings, &c, reason);
	if (result != RESULT_OK)
		return result;
	loop_watch_start(loop, &c->watch, fd, LOOP_READ, ready, c);
	if (c->stream)
		start_handshake(c);
	else
		wait_for_knock(c);
	*out = c;
	return RESULT_OK;
}

/* ---- the end of the turn ---- */

void connection_owe_step(struct connection *c) { loop_defer(c->loop, &c->turn, connection_step, c); }

static void tell_closed(struct connection *c)
{
	if (c->events->closed)
		c->events->closed(c->owner, c);
	connection_free(c);
}

void connection_step(void *owner)
{
	struct connection *c = owner;

	if (c->owes_up && c->state == CONNECTION_UP) {
		c->owes_up = false;
		if (c->events->up)
			c->events->up(c->owner, c);
	}
	if (c->owes_delivery && c->state == CONNECTION_UP && !c->is_paused && !c->next) {
		c->owes_delivery = false;
		connection_deliver(c);
		if (c->state == CONNECTION_UP)
			connection_read(c);
	}
	if (c->state == CONNECTION_UP && buffer_length(&c->out) > 0)
		connection_write(c);
	if (c->state == CONNECTION_UP && c->next && buffer_length(&c->out) == 0)
		begin_upgrade(c);
	if (c->state == CONNECTION_CLOSING)
		connection_go_on_closing(c);
	if (c->state == CONNECTION_CLOSED)
		tell_closed(c);
}

void connection_watch(struct connection *c)
{
	unsigned wanted = c->is_paused || c->owes_read || c->next ? 0 : LOOP_READ;

	if (c->read_wants_write || buffer_length(&c->out) > 0)
		wanted |= LOOP_WRITE;
	loop_watch_want(&c->watch, wanted);
}

/* ---- what owners ask ---- */

static void deadline_passed(void *owner)
{
	struct connection *c = owner;

	connection_close(c, CONNECTION_END_TIMEOUT, c->deadline_words);
}

void connection_deadline(struct connection *c, int64_t after_ms, const char *words)
{
	if (after_ms < 0 || c->state >= CONNECTION_CLOSING) {
		loop_timer_stop(&c->deadline);
		return;
	}
	c->deadline_words = words;
	loop_timer_set(c->loop, &c->deadline, after_ms, deadline_passed, c);
}

void connection_pause(struct connection *c, bool is_paused)
{
	if (c->is_paused == is_paused || c->state >= CONNECTION_CLOSING)
		return;
	c->is_paused = is_paused;
	if (c->state != CONNECTION_UP)
		return;
	connection_watch(c);
	if (!is_paused) {
		/* Bytes we or the stream hold already raise no readiness. */
		c->owes_delivery = true;
		connection_owe_step(c);
	}
}

bool connection_recheck(struct connection *c, struct tls_credentials *credentials)
{
	struct reason reason = { "" };

	if (c->state != CONNECTION_UP)
		return c->state < CONNECTION_UP;
	if (c->stream->kind->recheck(c->stream, credentials, &reason) == RESULT_OK)
		return true;
	connection_close(c, CONNECTION_END_TLS_OURS, reason.text);
	return false;
}

handle connection_handle(const struct connection *c) { return c->self; }
enum connection_state connection_state(const struct connection *c) { return (enum connection_state)c->state; }
enum connection_end connection_end(const struct connection *c) { return (enum connection_end)c->end; }
const char *connection_end_words(const struct connection *c) { return c->end_words ? c->end_words : ""; }
const struct tls_peer *connection_peer(const struct connection *c)
{
	return c->stream ? c->stream->kind->peer(c->stream) : &tls_peer_none;
}
const struct address *connection_remote(const struct connection *c) { return &c->remote; }
const struct address *connection_local(const struct connection *c) { return &c->local; }
bool connection_is_outgoing(const struct connection *c) { return c->is_outgoing; }
void *connection_owner(const struct connection *c) { return c->owner; }
void connection_set_owner(struct connection *c, void *owner) { c->owner = owner; }

struct connection_counts connection_counts(const struct connection *c)
{
	return (struct connection_counts){ .bytes_in = c->bytes_in,
		                           .bytes_out = c->bytes_out,
		                           .queued = buffer_length(&c->out),
		                           .since_ms = c->since_ms,
		                           .last_in_ms = c->last_in_ms };
}
