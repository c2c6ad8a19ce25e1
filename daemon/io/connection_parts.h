/*
 * connection_parts: what the connection files share.  Seen only inside this folder.
 */
#ifndef DAEMON_IO_CONNECTION_PARTS_H
#define DAEMON_IO_CONNECTION_PARTS_H

#include "daemon/io/stream.h"

/*
 * One timer serves the phases, because they follow each other: connecting and
 * handshake (absolute), up (a slow tick while there is memory to give back or a
 * queue to watch), closing (absolute).
 */
struct connection {
	struct loop *loop;
	struct handles *handles;
	handle self;
	const struct connection_events *events;
	void *owner;
	struct stream *stream;               /* NULL: an accepted one that has not been let in yet */
	struct stream *next; /* the TLS stream that takes over when the queue is written; NULL: none */
	struct tls_credentials *credentials; /* ... and what its handshake will need */
	const char *application;
	struct loop_watch watch;
	struct loop_timer phase;
	struct loop_timer deadline;
	struct loop_defer turn;
	const char *deadline_words;
	struct buffer in, out;
	struct address remote, local;
	char *end_words; /* NULL: none */
	int64_t connect_ms, handshake_ms;
	int64_t since_ms, last_in_ms;
	int64_t busy_ms;     /* last byte either way */
	int64_t progress_ms; /* the queue last got shorter, or began */
	uint64_t bytes_in, bytes_out;
	int fd;
	uint8_t state; /* enum connection_state */
	uint8_t end;   /* enum connection_end */
	bool is_outgoing;
	bool is_paused;
	bool owes_up;         /* `up` is to be called at the end of the turn */
	bool owes_delivery;   /* `in` may hold bytes that were not handed over, or the stream has some */
	bool owes_read;       /* its share of a turn was used: it reads on in the next, by the phase timer */
	bool read_wants_write; /* TLS must write before it can read on */
	bool skips_queue;     /* closing without writing what is queued */
	bool has_said_goodbye;
};

/* ---- connection.c ---- */
void connection_step(void *owner); /* at the end of the turn: what is owed */
void connection_owe_step(struct connection *c);
void connection_watch(struct connection *c);
void connection_note_end(struct connection *c, enum connection_end end, const char *words);
void connection_finish(struct connection *c); /* nothing more happens but `closed` */

/* ---- connection_flow.c ---- */
void connection_read(struct connection *c);
void connection_deliver(struct connection *c);
void connection_write(struct connection *c);
void connection_tick(void *owner);
void connection_set_tick(struct connection *c);

/* ---- connection_close.c ---- */
void connection_start_closing(struct connection *c, bool skips_queue);
void connection_go_on_closing(struct connection *c);

#endif
