#include "tui/client/bridge.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/buffer.h"
#include "shared/base/slice.h"
#include "tui/client/remote.h"

enum { BRIDGE_FAREWELL_MS = 10000 }; /* for what the daemon still says when nobody speaks any more */

/* One direction. */
struct way {
	int from, to;
	struct buffer bytes;
	bool has_ended; /* nothing more is read */
	bool is_shut;   /* and the other end knows */
};

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	if (fd >= 0) {
		int why = errno;

		close(fd);
		errno = why;
	}
	return -1;
}

/* A word for the other end, which knows the person's language, and what it is about. */
static bool greet(int out, int fd, const char *path, const char *from)
{
	bool is_denied = fd < 0 && (errno == EACCES || errno == EPERM);
	bool is_absent = fd < 0 && (errno == ENOENT || errno == ECONNREFUSED);
	char room[512];
	struct buffer line;

	buffer_start_fixed(&line, room, sizeof room);
	buffer_add(&line, SLICE(REMOTE_GREETING));
	buffer_add(&line, fd >= 0     ? SLICE("ok ")
	                  : is_denied ? SLICE("denied ")
	                  : is_absent ? SLICE("absent ")
	                              : SLICE("failed "));
	buffer_add(&line, slice_of(fd < 0 ? path : from ? from : ""));
	buffer_add_char(&line, '\n');
	return !line.is_broken &&
	       write(out, buffer_slice(&line).ptr, buffer_length(&line)) == (ssize_t)buffer_length(&line);
}

static bool read_some(struct way *way)
{
	size_t room = buffer_room(&way->bytes);
	char *at = buffer_reserve(&way->bytes, room < 16384 ? room : 16384);
	ssize_t got = at ? read(way->from, at, room < 16384 ? room : 16384) : -1;

	if (got > 0)
		buffer_grew(&way->bytes, (size_t)got);
	else if (!at || got == 0 || (errno != EAGAIN && errno != EINTR))
		way->has_ended = true;
	return got > 0;
}

static void write_some(struct way *way)
{
	struct slice bytes = buffer_slice(&way->bytes);
	/* No more than what a pipe that is ready takes at once (pipe(7), PIPE_BUF): it must not be waited for. */
	ssize_t sent = write(way->to, bytes.ptr, bytes.len < PIPE_BUF ? bytes.len : PIPE_BUF);

	if (sent > 0) {
		buffer_consume(&way->bytes, (size_t)sent);
	} else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		buffer_clear(&way->bytes);
		way->has_ended = true;
	}
}

static bool is_done(const struct way *way) { return way->has_ended && buffer_length(&way->bytes) == 0; }

static void turn(struct way ways[2], int timeout_ms, bool *is_late)
{
	struct pollfd polled[4];

	for (int i = 0; i < 2; i++) {
		bool reads = !ways[i].has_ended && buffer_room(&ways[i].bytes) > 0;

		polled[2 * i] = (struct pollfd){ reads ? ways[i].from : -1, POLLIN, 0 };
		polled[2 * i + 1] = (struct pollfd){ buffer_length(&ways[i].bytes) ? ways[i].to : -1, POLLOUT,
			                             0 };
	}
	*is_late = poll(polled, 4, timeout_ms) == 0 && timeout_ms >= 0;
	for (int i = 0; i < 2; i++) {
		if (polled[2 * i].revents)
			read_some(&ways[i]);
		if (polled[2 * i + 1].revents)
			write_some(&ways[i]);
	}
}

bool bridge_run(int in, int out, const char *path, const char *from)
{
	int fd = connect_to(path);
	bool has_greeted = greet(out, fd, path, from), is_late = false;
	struct way ways[2] = { { .from = in, .to = fd }, { .from = fd, .to = out } };

	if (fd < 0 || !has_greeted) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	buffer_start(&ways[0].bytes, BRIDGE_BYTES);
	buffer_start(&ways[1].bytes, BRIDGE_BYTES);
	while (!is_done(&ways[1]) && !is_late) {
		turn(ways, is_done(&ways[0]) ? BRIDGE_FAREWELL_MS : -1, &is_late);
		if (is_done(&ways[0]) && !ways[0].is_shut) {
			shutdown(fd, SHUT_WR);
			ways[0].is_shut = true;
		}
	}
	buffer_stop(&ways[0].bytes);
	buffer_stop(&ways[1].bytes);
	close(fd);
	return true;
}
