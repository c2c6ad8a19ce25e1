/*
 * One client of the control socket: lines in, lines out, nothing unbounded.
 *
 * One call at a time; lines behind it wait in `in`.  A client that does not
 * read, sends descriptors, or half a line for ever, is closed.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

enum { SESSION_READ_BYTES = 16 * 1024, SESSION_CLOSE_MS = 2000 };

static void go_on(void *owner);

void session_free(struct session *session)
{
	if (session->call)
		session->call->session = NULL; /* what it began is done; nobody hears of it */
	for (size_t i = 0; i < session->upload_count; i++)
		buffer_stop(&session->uploads[i].text);
	mem_free(session->uploads);
	list_remove(&session->node);
	session->control->session_count--;
	loop_watch_stop(&session->watch);
	loop_timer_stop(&session->half_line);
	loop_defer_cancel(&session->go_on);
	buffer_stop(&session->in);
	buffer_stop(&session->out);
	close(session->fd);
	mem_free(session);
}

/* ---- out ---- */

void session_last_words(struct session *session)
{
	struct slice bytes = buffer_slice(&session->out);

	if (bytes.len && send(session->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		buffer_clear(&session->out);
}

/* False: the session is gone. */
static bool flush(struct session *session)
{
	while (buffer_length(&session->out)) {
		struct slice bytes = buffer_slice(&session->out);
		ssize_t sent = send(session->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			break;
		if (sent < 0) {
			session_free(session);
			return false;
		}
		buffer_consume(&session->out, (size_t)sent);
	}
	if (session->is_closing && !buffer_length(&session->out)) {
		session_free(session);
		return false;
	}
	loop_watch_want(&session->watch, (session->is_closing || session->call ? 0u : (unsigned)LOOP_READ) |
	                                         (buffer_length(&session->out) ? (unsigned)LOOP_WRITE : 0u));
	return true;
}

/* Writing waits for the end of the turn: many lines go in one call, and no caller loses its session underfoot. */
void session_written(struct session *session)
{
	loop_defer(session->control->keeper->loop, &session->go_on, go_on, session);
}

static void too_late(void *owner) { session_free(owner); }

static void end_after_writing(struct session *session)
{
	session->is_closing = true;
	loop_timer_set(session->control->keeper->loop, &session->half_line, SESSION_CLOSE_MS, too_late,
	               session);
	session_written(session);
}

void session_end(struct session *session, const char *why)
{
	session->end_why = why;
	session_written(session);
}

/* ---- in ---- */

static void take_lines(struct session *session)
{
	struct slice line;
	size_t consumed;

	while (!session->call && !session->is_closing) {
		enum result result = control_line_next(&session->in, &line, &consumed);

		if (result == RESULT_AGAIN)
			break;
		if (result == RESULT_LIMIT) {
			control_error_write(&session->out, false, 0, CONTROL_TOO_LARGE,
			                    "the line is longer than 64 KiB", SLICE(""));
			end_after_writing(session);
			return;
		}
		if (line.len)
			call_begin(session, line); /* may set session->call */
		buffer_consume(&session->in, consumed);
	}
	if (session->is_closing)
		return;
	if (buffer_length(&session->in) && !session->call)
		loop_timer_set(session->control->keeper->loop, &session->half_line, CONTROL_HALF_LINE_MS,
		               too_late, session);
	else
		loop_timer_stop(&session->half_line);
	/* A buffer that is full without a line feed holds no line that is short enough. */
	if (!session->call && buffer_room(&session->in) == 0) {
		control_error_write(&session->out, false, 0, CONTROL_TOO_LARGE,
		                    "the line is longer than 64 KiB", SLICE(""));
		end_after_writing(session);
	}
}

static void go_on(void *owner)
{
	struct session *session = owner;

	if (session->end_why && !session->call && !session->is_closing) {
		control_error_write(&session->out, false, 0, CONTROL_DENIED, session->end_why, SLICE(""));
		end_after_writing(session);
	}
	take_lines(session);
	if (session->out.is_broken) { /* 1 MiB that it did not read */
		session_free(session);
		return;
	}
	if (flush(session) && !session->call && !session->is_closing && buffer_length(&session->in)) {
		struct slice line;
		size_t consumed;

		if (control_line_next(&session->in, &line, &consumed) != RESULT_AGAIN)
			session_written(session);
	}
}

/* False: the session is gone. */
static bool read_some(struct session *session)
{
	size_t room = buffer_room(&session->in);
	struct iovec part = { .iov_len = room < SESSION_READ_BYTES ? room : SESSION_READ_BYTES };
	/* No room for anything beside bytes: descriptors sent to us never become ours, and the flag tells. */
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t got;

	if (part.iov_len == 0)
		return true;
	part.iov_base = buffer_reserve(&session->in, part.iov_len);
	if (!part.iov_base) {
		session_free(session);
		return false;
	}
	got = recvmsg(session->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (got <= 0 || (message.msg_flags & MSG_CTRUNC)) {
		session_free(session);
		return false;
	}
	buffer_grew(&session->in, (size_t)got);
	return true;
}

static void ready(void *owner, unsigned what)
{
	struct session *session = owner;

	if ((what & LOOP_READ) && !session->call && !session->is_closing && !read_some(session))
		return;
	session_written(session);
}

void session_call_done(struct session *session)
{
	session->call = NULL;
	session_written(session);
}

/* ---- birth ---- */

void session_new(struct control *control, int fd, const struct who *who)
{
	struct session *session = mem_new(sizeof *session);

	if (!session) {
		close(fd);
		return;
	}
	session->control = control;
	session->fd = fd;
	session->who = *who;
	buffer_start(&session->in, CONTROL_LINE_MAX);
	buffer_start(&session->out, CONTROL_UNREAD_MAX);
	list_add_last(&control->sessions, &session->node);
	control->session_count++;
	loop_watch_start(control->keeper->loop, &session->watch, fd, LOOP_READ, ready, session);
}

void session_refuse(int fd, enum control_code code, const char *why)
{
	struct buffer line;

	buffer_start(&line, 1024);
	control_error_write(&line, false, 0, code, why, SLICE(""));
	if (send(fd, buffer_slice(&line).ptr, buffer_length(&line), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		fprintf(stderr, "keeper: a refused client did not take its answer: %m\n");
	buffer_stop(&line);
	close(fd);
}
