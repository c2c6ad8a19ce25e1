/*
 * Bytes through a connection that is up: reading within a turn's budget, the
 * queue, and memory that is held only while there is traffic.
 */
#include "daemon/io/connection_parts.h"

enum {
	CONNECTION_READ_AT_ONCE = 16 * 1024, /* a whole TLS record */
	CONNECTION_READS_PER_TURN = 256,     /* records of one byte cost as much as full ones */
	CONNECTION_TICK_MS = 5 * 1000,
	CONNECTION_QUEUE_KEPT_BYTES = 64 *
	                              1024, /* a bigger queue's memory goes back as soon as it is empty */
};

static int64_t now_ms(const struct connection *c) { return loop_now(c->loop).mono_ms; }

/* ---- the slow tick ---- */

static bool holds_memory(const struct connection *c) { return c->in.size > 0 || c->out.size > 0; }

void connection_set_tick(struct connection *c)
{
	int64_t after = CONNECTION_TICK_MS;

	if (c->phase.is_set || c->state != CONNECTION_UP)
		return;
	if (buffer_length(&c->out) > 0) {
		int64_t left = c->progress_ms + CONNECTION_QUEUE_STALL_MS - now_ms(c);

		after = left < 0 ? 0 : left < after ? left : after;
	} else if (!holds_memory(c)) {
		return; /* idle: no timer at all */
	}
	loop_timer_set(c->loop, &c->phase, after, connection_tick, c);
}

void connection_tick(void *owner)
{
	struct connection *c = owner;
	int64_t now = now_ms(c);

	if (buffer_length(&c->out) > 0 && now - c->progress_ms >= CONNECTION_QUEUE_STALL_MS) {
		connection_abort(c, CONNECTION_END_QUEUE, "the peer has stopped reading");
		return;
	}
	if (now - c->busy_ms >= CONNECTION_TICK_MS) {
		if (buffer_length(&c->in) == 0)
			buffer_release(&c->in);
		if (buffer_length(&c->out) == 0)
			buffer_release(&c->out);
		c->stream->kind->rest(c->stream);
	}
	connection_set_tick(c);
}

/* ---- reading ---- */

void connection_deliver(struct connection *c)
{
	if (buffer_length(&c->in) == 0 || c->state != CONNECTION_UP)
		return;
	if (c->events->received)
		c->events->received(c->owner, c, &c->in);
	else
		buffer_clear(&c->in);
}

/* One step of reading into the room that is left. */
static enum stream_step read_once(struct connection *c, size_t *got, struct stream_end *end)
{
	size_t room = buffer_room(&c->in);
	char *to = buffer_reserve(&c->in, room < CONNECTION_READ_AT_ONCE ? room : CONNECTION_READ_AT_ONCE);
	enum stream_step step;

	if (!to) {
		end->end = CONNECTION_END_INTERNAL;
		fail(&end->words, RESULT_NO_MEMORY, "out of memory");
		return STREAM_ENDED;
	}
	*got = 0;
	step = c->stream->kind->read(
	        c->stream, to, room < CONNECTION_READ_AT_ONCE ? room : CONNECTION_READ_AT_ONCE, got, end);
	if (step == STREAM_DONE) {
		buffer_grew(&c->in, *got);
		c->bytes_in += *got;
	}
	return step;
}

/*
 * Reads until the stream has no more, the turn's share is used, or `in` is
 * full.  What the stream itself holds raises no readiness: connection_read sees
 * to it that it is read in the next turn.
 */
static enum stream_step fill(struct connection *c, struct stream_end *end)
{
	size_t bytes = 0;
	enum stream_step step = STREAM_DONE;

	for (unsigned reads = 0; buffer_room(&c->in) > 0; reads++) {
		size_t got = 0;

		if (bytes >= CONNECTION_READ_PER_TURN || reads >= CONNECTION_READS_PER_TURN)
			break;
		step = read_once(c, &got, end);
		bytes += got;
		if (step != STREAM_DONE && step != STREAM_MORE)
			break;
	}
	if (bytes)
		c->last_in_ms = c->busy_ms = now_ms(c);
	return step;
}

static void read_on(void *owner)
{
	struct connection *c = owner;

	c->owes_read = false;
	connection_read(c);
}

void connection_read(struct connection *c)
{
	if (c->is_paused || c->next || c->owes_read || c->state != CONNECTION_UP)
		return;

	struct stream_end end = { 0 };
	size_t before = buffer_length(&c->in);
	enum stream_step step = fill(c, &end);
	bool was_full;

	c->read_wants_write = step == STREAM_WAIT_WRITE;
	was_full = buffer_room(&c->in) == 0;
	if (buffer_length(&c->in) > before || was_full)
		connection_deliver(c);
	if (c->state != CONNECTION_UP)
		return;
	if (step == STREAM_ENDED) {
		/* What is queued still goes out: a peer that has only half closed reads the answer. */
		if (end.end == CONNECTION_END_PEER)
			connection_close(c, end.end, end.words.text);
		else
			connection_abort(c, end.end, end.words.text);
		return;
	}
	if (was_full && !c->is_paused && buffer_room(&c->in) == 0) {
		connection_close(c, CONNECTION_END_LIMIT, "more came than may wait to be read");
		return;
	}
	if (was_full && c->stream->kind->has_unread(c->stream)) {
		c->owes_delivery = true;
		connection_owe_step(c);
	}
	c->owes_read = !was_full && !c->is_paused && !c->next &&
	               (step == STREAM_DONE || step == STREAM_MORE) && c->stream->kind->has_unread(c->stream);
	connection_watch(c);
	if (c->owes_read)
		loop_timer_set(c->loop, &c->phase, 0, read_on, c); /* others first */
	else
		connection_set_tick(c);
}

/* ---- writing ---- */

static void queue_is_written(struct connection *c)
{
	if (c->out.size > CONNECTION_QUEUE_KEPT_BYTES)
		buffer_release(&c->out);
}

/*
 * Writes what it can.  In the state CLOSING the caller looks at the queue
 * afterwards; in the state UP errors end the connection here.
 */
void connection_write(struct connection *c)
{
	struct stream_end end = { 0 };
	enum stream_step step = STREAM_DONE;
	bool is_shorter = false;

	while (buffer_length(&c->out) > 0) {
		size_t taken = 0;

		step = c->stream->kind->write(c->stream, buffer_slice(&c->out), &taken, &end);
		if (step == STREAM_MORE)
			continue;
		if (step != STREAM_DONE)
			break;
		buffer_consume(&c->out, taken);
		c->bytes_out += taken;
		is_shorter = true;
	}
	if (is_shorter)
		c->busy_ms = now_ms(c);
	if (is_shorter || !(c->watch.wanted & LOOP_WRITE))
		c->progress_ms = now_ms(c); /* the stall counts from here */
	if (buffer_length(&c->out) == 0)
		queue_is_written(c);
	if (step == STREAM_ENDED) {
		/* An alert that came before the reset explains it better. */
		if (c->state == CONNECTION_UP)
			connection_read(c);
		if (c->state == CONNECTION_UP || c->end == CONNECTION_END_PEER ||
		    c->end == CONNECTION_END_NONE)
			connection_note_end(c, end.end, end.words.text);
		connection_finish(c);
		return;
	}
	if (c->next && buffer_length(&c->out) == 0)
		connection_owe_step(c);
	if (c->state == CONNECTION_UP) {
		connection_watch(c);
		connection_set_tick(c);
	}
	if (c->state == CONNECTION_UP && is_shorter && buffer_length(&c->out) == 0 && c->events->written)
		c->events->written(c->owner, c);
}

struct buffer *connection_queue(struct connection *c)
{
	return c->state < CONNECTION_CLOSING ? &c->out : NULL;
}

void connection_queued(struct connection *c)
{
	if (c->state >= CONNECTION_CLOSING)
		return;
	if (c->out.is_broken) {
		bool is_full = buffer_length(&c->out) >= CONNECTION_QUEUE_MAX / 2;

		connection_abort(c, is_full ? CONNECTION_END_QUEUE : CONNECTION_END_INTERNAL,
		                 is_full ? "the peer does not read what waits for it" : "out of memory");
		return;
	}
	if (c->state == CONNECTION_UP && !(c->watch.wanted & LOOP_WRITE))
		connection_owe_step(c); /* else readiness will come, and writing now would only fail */
}

bool connection_send(struct connection *c, struct slice bytes)
{
	if (c->state >= CONNECTION_CLOSING)
		return false;
	buffer_add(&c->out, bytes);
	connection_queued(c);
	return c->state < CONNECTION_CLOSING;
}
