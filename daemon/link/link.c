#include "daemon/link/link.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/link/link_packet.h"
#include "shared/base/memory.h"

enum {
	LINK_FRAMES_PER_TURN = 64, /* then the others of this loop have their turn */
	LINK_QUEUED_COST = 128,    /* counted for each waiting frame beside its payload */
};

struct queued {
	struct list node;
	int fd; /* ours, -1: none */
	size_t length;
	char head[LINK_HEAD_BYTES];
	char payload[];
};

struct link {
	struct loop *loop;
	int fd;
	void (*came)(void *owner, struct link_frame *frame);
	void (*broken)(void *owner);
	void *owner;
	struct loop_watch watch;
	struct loop_defer tell_broken;
	struct list queue;
	size_t queued_bytes;
	uint64_t dropped;
	bool is_broken;
	bool *was_freed; /* set while a callback runs: link_free tells the caller below it */
	char room[LINK_PACKET_MAX];
};

static void queued_free(struct queued *q)
{
	list_remove(&q->node);
	if (q->fd >= 0)
		close(q->fd);
	mem_free(q);
}

static void tell_broken(void *owner)
{
	struct link *link = owner;

	link->broken(link->owner); /* usually frees the link */
}

/* `broken` is told at the end of the turn, so never from inside a call of the owner's. */
static void break_off(struct link *link)
{
	if (link->is_broken)
		return;
	link->is_broken = true;
	loop_watch_stop(&link->watch);
	loop_defer(link->loop, &link->tell_broken, tell_broken, link);
}

static void write_queue(struct link *link)
{
	while (!list_is_empty(&link->queue)) {
		struct queued *q = LIST_OWNER(link->queue.next, struct queued, node);
		enum result result = link_packet_send(link->fd, q->head,
		                                      (struct slice){ q->payload, q->length }, q->fd);

		if (result == RESULT_AGAIN)
			break;
		if (result != RESULT_OK) {
			break_off(link);
			return;
		}
		link->queued_bytes -= q->length + LINK_QUEUED_COST;
		queued_free(q);
	}
	loop_watch_want(&link->watch, list_is_empty(&link->queue) ? LOOP_READ : LOOP_READ | LOOP_WRITE);
}

/* A line for the first bad frame and for every power of two after it: seen, and no flood. */
static void count_dropped(struct link *link, const struct reason *reason)
{
	link->dropped++;
	if ((link->dropped & (link->dropped - 1)) == 0)
		fprintf(stderr, "link: frame dropped (%llu so far): %s\n", (unsigned long long)link->dropped,
		        reason->text);
}

static void read_frames(struct link *link)
{
	for (int i = 0; i < LINK_FRAMES_PER_TURN && !link->is_broken; i++) {
		struct link_frame frame;
		struct reason reason = { "" };
		bool was_freed = false;
		enum result result = link_packet_receive(link->fd, link->room, sizeof link->room, &frame,
		                                         &reason);

		if (result == RESULT_AGAIN)
			return;
		if (result == RESULT_INVALID) {
			count_dropped(link, &reason);
			continue;
		}
		if (result != RESULT_OK) {
			break_off(link);
			return;
		}
		link->was_freed = &was_freed;
		link->came(link->owner, &frame);
		if (was_freed)
			return;
		link->was_freed = NULL;
	}
}

static void ready(void *owner, unsigned what)
{
	struct link *link = owner;

	if (what & LOOP_WRITE)
		write_queue(link);
	if (what & LOOP_READ)
		read_frames(link);
}

struct link *link_new(struct loop *loop, int fd, void (*came)(void *owner, struct link_frame *frame),
                      void (*broken)(void *owner), void *owner)
{
	struct link *link = mem_new(sizeof *link);

	if (!link) {
		close(fd);
		return NULL;
	}
	link->loop = loop;
	link->fd = fd;
	link->came = came;
	link->broken = broken;
	link->owner = owner;
	list_start(&link->queue);
	loop_watch_start(loop, &link->watch, fd, LOOP_READ, ready, link);
	return link;
}

void link_free(struct link **pointer)
{
	struct link *link = *pointer;

	if (!link)
		return;
	*pointer = NULL;
	if (link->was_freed)
		*link->was_freed = true;
	loop_watch_stop(&link->watch);
	loop_defer_cancel(&link->tell_broken);
	LIST_EACH_SAFE (at, &link->queue)
		queued_free(LIST_OWNER(at, struct queued, node));
	close(link->fd);
	mem_free(link);
}

static bool enqueue(struct link *link, const char head[LINK_HEAD_BYTES], struct slice payload, int fd)
{
	struct queued *q;

	if (link->queued_bytes + payload.len + LINK_QUEUED_COST > LINK_QUEUE_MAX ||
	    !(q = mem_new(sizeof *q + payload.len)))
		return false;
	q->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd >= 0 && q->fd < 0) {
		mem_free(q);
		return false;
	}
	memcpy(q->head, head, LINK_HEAD_BYTES);
	q->length = payload.len;
	if (payload.len)
		memcpy(q->payload, payload.ptr, payload.len);
	list_add_last(&link->queue, &q->node);
	link->queued_bytes += payload.len + LINK_QUEUED_COST;
	loop_watch_want(&link->watch, LOOP_READ | LOOP_WRITE);
	return true;
}

bool link_send(struct link *link, enum link_type type, uint64_t number, struct slice payload, int fd)
{
	struct reason reason;
	char head[LINK_HEAD_BYTES];

	if (!link || link->is_broken)
		return false;
	if (link_frame_check(type, payload.len, fd >= 0, &reason) != RESULT_OK) {
		count_dropped(link, &reason);
		return false;
	}
	link_frame_head(type, number, payload.len, head);
	if (list_is_empty(&link->queue)) {
		enum result result = link_packet_send(link->fd, head, payload, fd);

		if (result == RESULT_OK)
			return true;
		if (result != RESULT_AGAIN) {
			break_off(link);
			return false;
		}
	}
	return enqueue(link, head, payload, fd);
}

uint64_t link_dropped(const struct link *link) { return link->dropped; }
