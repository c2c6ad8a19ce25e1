/*
 * A listening descriptor.  Without free descriptors it stays readable for ever,
 * so the loop would spin; a reserve lets us take and drop the one who waits,
 * who then learns that we are full, and a pause gives the process air.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "daemon/io/connection.h"
#include "shared/base/memory.h"

struct listener {
	struct loop *loop;
	struct loop_watch watch;
	struct loop_timer pause;
	void (*accepted)(void *owner, int fd, const struct address *from);
	void (*full)(void *owner);
	void *owner;
	struct address address;
	int fd;
	int reserve;    /* -1: not to be had */
	bool *is_freed; /* set while `accepted` runs */
};

/* A second name of our own descriptor: needs no path, so it works in an empty root. */
static int take_reserve(const struct listener *listener) { return fcntl(listener->fd, F_DUPFD_CLOEXEC, 0); }

static void resume(void *owner)
{
	struct listener *listener = owner;

	if (listener->reserve < 0)
		listener->reserve = take_reserve(listener);
	loop_watch_want(&listener->watch, LOOP_READ);
}

void listener_pause(struct listener *listener, int64_t for_ms)
{
	loop_watch_want(&listener->watch, 0);
	loop_timer_set(listener->loop, &listener->pause, for_ms, resume, listener);
}

static void refuse_one(struct listener *listener)
{
	int fd;

	if (listener->reserve >= 0) {
		close(listener->reserve);
		fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			close(fd);
		listener->reserve = take_reserve(listener);
	}
	listener_pause(listener, LISTENER_PAUSE_MS);
	if (listener->full)
		listener->full(listener->owner);
}

void listener_on_full(struct listener *listener, void (*full)(void *owner)) { listener->full = full; }

/* Errors of the connection that was to be accepted, which Linux reports here: accept(2). */
static bool is_of_the_other_side(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
	case EPERM: return true; /* a firewall rule */
	default: return false;
	}
}

static void ready(void *owner, unsigned what)
{
	struct listener *listener = owner;
	bool is_freed = false;

	(void)what;
	listener->is_freed = &is_freed;
	for (unsigned i = 0; i < LISTENER_ACCEPTS_PER_TURN && !listener->pause.is_set; i++) {
		struct address from = { .length = sizeof from.v6 };
		int fd = accept4(listener->fd, &from.any, &from.length, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			from = address_unmapped(&from);
			listener->accepted(listener->owner, fd, &from);
			if (is_freed)
				return;
		} else if (errno == EAGAIN) {
			break;
		} else if (!is_of_the_other_side(errno)) {
			refuse_one(listener); /* EMFILE, ENFILE, ENOBUFS, ENOMEM */
			break;
		}
	}
	listener->is_freed = NULL;
}

enum result listener_new(struct loop *loop, int fd,
                         void (*accepted)(void *owner, int fd, const struct address *from), void *owner,
                         struct listener **out, struct reason *reason)
{
	struct listener *listener = mem_new(sizeof *listener);
	int flags = fcntl(fd, F_GETFL), is_listening = 0;
	socklen_t length = sizeof is_listening;

	if (!listener) {
		close(fd);
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	}
	if (flags < 0 || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length) < 0 ||
	    !is_listening || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		mem_free(listener);
		if (flags >= 0)
			close(fd);
		return fail(reason, RESULT_INVALID, "the descriptor is no listening socket");
	}
	*listener = (struct listener){ .loop = loop, .accepted = accepted, .owner = owner, .fd = fd };
	listener->address.length = sizeof listener->address.v6;
	if (getsockname(fd, &listener->address.any, &listener->address.length) < 0)
		listener->address = (struct address){ 0 };
	listener->reserve = take_reserve(listener);
	loop_watch_start(loop, &listener->watch, fd, LOOP_READ, ready, listener);
	*out = listener;
	return RESULT_OK;
}

void listener_free(struct listener **pointer)
{
	struct listener *listener = *pointer;

	*pointer = NULL;
	if (!listener)
		return;
	if (listener->is_freed)
		*listener->is_freed = true;
	loop_watch_stop(&listener->watch);
	loop_timer_stop(&listener->pause);
	if (listener->reserve >= 0)
		close(listener->reserve);
	close(listener->fd);
	mem_free(listener);
}

const struct address *listener_address(const struct listener *listener) { return &listener->address; }
