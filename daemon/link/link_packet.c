#include "daemon/link/link_packet.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

union ancillary {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

enum result link_packet_send(int socket, const char head[LINK_HEAD_BYTES], struct slice payload, int fd)
{
	char copy[LINK_HEAD_BYTES];
	/* sendmsg reads only; its struct cannot say so. */
	union {
		const char *theirs;
		char *ours;
	} body = { .theirs = payload.ptr };
	struct iovec parts[2] = { { copy, sizeof copy }, { body.ours, payload.len } };
	union ancillary room = { .bytes = { 0 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	memcpy(copy, head, sizeof copy);
	if (fd >= 0) {
		message.msg_control = room.bytes;
		message.msg_controllen = sizeof room.bytes;

		struct cmsghdr *header = CMSG_FIRSTHDR(&message);

		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(header), &fd, sizeof fd);
	}
	for (;;) {
		if (sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return RESULT_OK;
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS)
			return RESULT_AGAIN;
		return errno == EPIPE || errno == ECONNRESET ? RESULT_CLOSED : RESULT_IO;
	}
}

/* The one descriptor of a message, or -1; more than one cannot arrive, the room holds one. */
static int descriptor_of(struct msghdr *message)
{
	int fd = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		    c->cmsg_len >= CMSG_LEN(sizeof fd) && fd < 0)
			memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

enum result link_packet_receive(int socket, char *room, size_t size, struct link_frame *frame,
                                struct reason *reason)
{
	union ancillary extra;
	struct iovec part = { room, size };
	struct msghdr message = { .msg_iov = &part,
		                  .msg_iovlen = 1,
		                  .msg_control = extra.bytes,
		                  .msg_controllen = sizeof extra.bytes };
	enum result result;
	ssize_t got;
	int fd;

	do
		got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0) {
		if (errno == EAGAIN)
			return RESULT_AGAIN;
		return errno == ECONNRESET ? RESULT_CLOSED : fail_errno(reason, RESULT_IO, "link");
	}
	fd = descriptor_of(&message);
	if (got == 0 && fd < 0)
		return RESULT_CLOSED; /* no frame is empty */

	result = link_frame_read((struct slice){ room, (size_t)got },
	                         (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0, fd >= 0, frame, reason);
	if (result == RESULT_OK)
		frame->fd = fd;
	else if (fd >= 0)
		close(fd);
	return result;
}

/* ---- without a loop ---- */

static enum result wait_for(int socket, short events, int64_t until_ms)
{
	for (;;) {
		struct pollfd one = { .fd = socket, .events = events };
		int64_t left = until_ms - instant_now().mono_ms;

		if (left <= 0)
			return RESULT_TIMED_OUT;

		int count = poll(&one, 1, left > 60000 ? 60000 : (int)left);

		if (count > 0)
			return RESULT_OK;
		if (count < 0 && errno != EINTR)
			return RESULT_IO;
	}
}

enum result link_send_now(int socket, int64_t wait_ms, enum link_type type, uint64_t number,
                          struct slice payload, int fd)
{
	int64_t until_ms = instant_now().mono_ms + wait_ms;
	char head[LINK_HEAD_BYTES];
	enum result result = link_frame_check(type, payload.len, fd >= 0, NULL);

	if (result != RESULT_OK)
		return result;
	link_frame_head(type, number, payload.len, head);
	while ((result = link_packet_send(socket, head, payload, fd)) == RESULT_AGAIN)
		if (wait_ms <= 0 || (result = wait_for(socket, POLLOUT, until_ms)) != RESULT_OK)
			break;
	return result;
}

enum result link_receive_now(int socket, int64_t wait_ms, char *payload, size_t size,
                             struct link_frame *frame)
{
	int64_t until_ms = instant_now().mono_ms + wait_ms;
	char room[LINK_PACKET_MAX];

	for (;;) {
		enum result result = link_packet_receive(socket, room, sizeof room, frame, NULL);

		if (result == RESULT_OK && frame->payload.len > size) {
			if (frame->fd >= 0)
				close(frame->fd);
			return RESULT_LIMIT;
		}
		if (result == RESULT_OK) {
			if (frame->payload.len)
				memcpy(payload, frame->payload.ptr, frame->payload.len);
			frame->payload.ptr = payload;
			return RESULT_OK;
		}
		if (result != RESULT_AGAIN || wait_ms <= 0)
			return result;
		if ((result = wait_for(socket, POLLIN, until_ms)) != RESULT_OK)
			return result;
	}
}
