/*
 * stream: what a connection reads from and writes to; TCP and TLS are instances.
 *
 * Only connection*.c uses it.  Nothing here waits: a step that cannot go on says
 * which readiness it needs.
 */
#ifndef DAEMON_IO_STREAM_H
#define DAEMON_IO_STREAM_H

#include "daemon/io/connection.h"

enum stream_step {
	STREAM_DONE,
	STREAM_WAIT_READ,
	STREAM_WAIT_WRITE,
	STREAM_MORE,  /* something was read that is no data: call again */
	STREAM_ENDED, /* `end` says why */
};

struct stream_end {
	enum connection_end end;
	struct reason words;
	bool owes_goodbye; /* an alert was sent that the peer should be able to read: close politely */
};

struct stream {
	const struct stream_kind *kind;
	int fd; /* the connection closes it */
};

struct stream_kind {
	enum stream_step (*handshake)(struct stream *stream, struct stream_end *end);
	/* DONE: 1 to `size` bytes. */
	enum stream_step (*read)(struct stream *stream, char *to, size_t size, size_t *got, struct stream_end *end);
	/* DONE: 1 to `bytes.len` were taken. After WAIT the same bytes must come first again. */
	enum stream_step (*write)(struct stream *stream, struct slice bytes, size_t *taken, struct stream_end *end);
	/* Says that nothing more will be written (close_notify). DONE also when it cannot be said any more. */
	enum stream_step (*goodbye)(struct stream *stream);
	/* Bytes that are no longer in the socket, so that no readiness will tell of them. */
	bool (*has_unread)(const struct stream *stream);
	/* Nothing has been read for a while: memory that only reading needs goes back. */
	void (*rest)(struct stream *stream);
	const struct tls_peer *(*peer)(const struct stream *stream);
	enum result (*recheck)(struct stream *stream, struct tls_credentials *credentials, struct reason *reason);
	void (*release)(struct stream *stream);
};

bool tls_may_begin(uint8_t first); /* can a TLS client's first byte be this one? */
struct stream *tcp_stream_new(int fd);
struct stream *tls_stream_new(struct loop *loop, int fd, const struct connection_settings *settings, bool is_server);

#endif
