/*
 * The polite end.  Closing a socket with unread bytes in it resets the
 * connection, and the reset takes our last answer with it.  So: write what is
 * queued, say close_notify, half-close, read and throw away until the peer has
 * closed too or a short while is over.
 */
#include <errno.h>
#include <sys/socket.h>

#include "daemon/io/connection_parts.h"
#include "shared/base/memory.h"

enum { CONNECTION_DRAIN_PER_TURN = 64 * 1024, CONNECTION_DRAIN_AT_ONCE = 4096 };

/* The first reason stays: what follows is its consequence. */
void connection_note_end(struct connection *c, enum connection_end end, const char *words)
{
	if (c->end != CONNECTION_END_NONE)
		return;
	c->end = (uint8_t)end;
	if (words && words[0])
		c->end_words = mem_text(words); /* without memory the end has no words */
}

void connection_finish(struct connection *c)
{
	if (c->state == CONNECTION_CLOSED)
		return;
	c->state = CONNECTION_CLOSED;
	loop_watch_stop(&c->watch);
	loop_timer_stop(&c->phase);
	loop_timer_stop(&c->deadline);
	connection_owe_step(c);
}

static void closing_took_too_long(void *owner) { connection_finish(owner); }

void connection_start_closing(struct connection *c, bool skips_queue)
{
	c->state = CONNECTION_CLOSING;
	c->skips_queue = skips_queue;
	loop_timer_stop(&c->deadline);
	loop_timer_set(c->loop, &c->phase,
	               skips_queue ? CONNECTION_CLOSE_DRAIN_MS : CONNECTION_QUEUE_STALL_MS,
	               closing_took_too_long, c);
	connection_owe_step(c);
}

/* True when the peer has closed too. */
static bool drain(struct connection *c)
{
	char waste[CONNECTION_DRAIN_AT_ONCE];

	for (size_t taken = 0; taken < CONNECTION_DRAIN_PER_TURN;) {
		ssize_t n = recv(c->fd, waste, sizeof waste, MSG_DONTWAIT);

		if (n == 0)
			return true;
		if (n < 0)
			return errno != EAGAIN && errno != EINTR;
		taken += (size_t)n;
	}
	return false;
}

void connection_go_on_closing(struct connection *c)
{
	if (!c->skips_queue && buffer_length(&c->out) > 0) {
		connection_write(c);
		if (c->state != CONNECTION_CLOSING)
			return;
		if (buffer_length(&c->out) > 0) {
			loop_watch_want(&c->watch, LOOP_WRITE);
			return;
		}
	}
	if (!c->has_said_goodbye) {
		if (!c->skips_queue && c->stream->kind->goodbye(c->stream) == STREAM_WAIT_WRITE) {
			loop_watch_want(&c->watch, LOOP_WRITE);
			return;
		}
		c->has_said_goodbye = true;
		buffer_release(&c->in);
		buffer_release(&c->out);
		shutdown(c->fd, SHUT_WR);
		loop_timer_set(c->loop, &c->phase, CONNECTION_CLOSE_DRAIN_MS, closing_took_too_long, c);
	}
	if (drain(c))
		connection_finish(c);
	else
		loop_watch_want(&c->watch, LOOP_READ);
}

void connection_close(struct connection *c, enum connection_end why, const char *words)
{
	if (c->state >= CONNECTION_CLOSING)
		return;
	connection_note_end(c, why, words);
	if (c->state == CONNECTION_UP)
		connection_start_closing(c, false);
	else
		connection_finish(c);
}

void connection_abort(struct connection *c, enum connection_end why, const char *words)
{
	connection_note_end(c, why, words);
	connection_finish(c);
}
