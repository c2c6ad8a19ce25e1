/*
 * The stream that adds nothing to TCP.
 */
#include <errno.h>
#include <sys/socket.h>

#include "daemon/io/stream.h"
#include "shared/base/memory.h"

static enum stream_step step_of_errno(struct stream_end *end, enum stream_step again)
{
	if (errno == EAGAIN)
		return again;
	if (errno == EINTR)
		return STREAM_MORE;
	end->end = errno == ETIMEDOUT ? CONNECTION_END_TIMEOUT : CONNECTION_END_RESET;
	fail_errno(&end->words, RESULT_IO, "broken");
	return STREAM_ENDED;
}

static enum stream_step tcp_handshake(struct stream *stream, struct stream_end *end)
{
	(void)stream;
	(void)end;
	return STREAM_DONE;
}

static enum stream_step tcp_read(struct stream *stream, char *to, size_t size, size_t *got,
                                 struct stream_end *end)
{
	ssize_t n = recv(stream->fd, to, size, 0);

	if (n < 0)
		return step_of_errno(end, STREAM_WAIT_READ);
	if (n == 0) {
		end->end = CONNECTION_END_PEER;
		return STREAM_ENDED;
	}
	*got = (size_t)n;
	return STREAM_DONE;
}

static enum stream_step tcp_write(struct stream *stream, struct slice bytes, size_t *taken,
                                  struct stream_end *end)
{
	ssize_t n = send(stream->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

	if (n < 0)
		return step_of_errno(end, STREAM_WAIT_WRITE);
	*taken = (size_t)n;
	return STREAM_DONE;
}

static enum stream_step tcp_goodbye(struct stream *stream)
{
	(void)stream;
	return STREAM_DONE;
}

static bool tcp_has_unread(const struct stream *stream)
{
	(void)stream;
	return false;
}

static const struct tls_peer *tcp_peer(const struct stream *stream)
{
	(void)stream;
	return &tls_peer_none;
}

static enum result tcp_recheck(struct stream *stream, struct tls_credentials *credentials,
                               struct reason *reason)
{
	(void)stream;
	(void)credentials;
	(void)reason;
	return RESULT_OK;
}

static void tcp_release(struct stream *stream) { mem_free(stream); }

static void tcp_rest(struct stream *stream) { (void)stream; }

static const struct stream_kind tcp_kind = { tcp_handshake, tcp_read,       tcp_write,
	                                     tcp_goodbye,   tcp_has_unread, tcp_rest,
	                                     tcp_peer,      tcp_recheck,    tcp_release };

struct stream *tcp_stream_new(int fd)
{
	struct stream *stream = mem_new(sizeof *stream);

	if (stream)
		*stream = (struct stream){ .kind = &tcp_kind, .fd = fd };
	return stream;
}
