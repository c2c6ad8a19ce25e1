/*
 * Libev behind loop.h; the only file that sees it.
 *
 * A turn: sleep, take the time, call what is ready and what is due, run what
 * was deferred.  The deferred run in libev's "prepare", right before the sleep.
 *
 * Libev's watchers lie in our structs' `impl`.  They are filled in a local and
 * copied in while inactive, so that the room is never written as two types.
 */
#include "daemon/io/loop.h"

#include <ev.h>
#include <signal.h>
#include <string.h>

#include "shared/base/memory.h"

/* What is deferred by what was deferred runs in the same turn, but not for ever. */
enum { LOOP_DEFER_PASSES = 8 };

struct loop {
	struct ev_loop *ev;
	struct ev_prepare before_sleep;
	struct ev_check after_sleep;
	struct ev_idle no_sleep; /* active while something is still deferred */
	struct list deferred;
	struct instant now;
	bool is_running;
};

_Static_assert(sizeof(struct ev_io) <= sizeof((struct loop_watch *)0)->impl, "room for libev's io watcher");
_Static_assert(sizeof(struct ev_timer) <= sizeof((struct loop_timer *)0)->impl, "room for libev's timer");
_Static_assert(sizeof(struct ev_signal) <= sizeof((struct loop_signal *)0)->impl, "room for libev's signal");

static void run_deferred(struct ev_loop *ev, struct ev_prepare *prepare, int events)
{
	struct loop *loop = prepare->data;

	(void)events;
	for (int pass = 0; pass < LOOP_DEFER_PASSES && !list_is_empty(&loop->deferred); pass++) {
		struct list now;

		/* The whole queue moves aside: what is added meanwhile waits for the next pass. */
		list_start(&now);
		now.next = loop->deferred.next;
		now.prev = loop->deferred.prev;
		now.next->prev = now.prev->next = &now;
		list_start(&loop->deferred);
		while (!list_is_empty(&now)) {
			struct loop_defer *defer = LIST_OWNER(now.next, struct loop_defer, node);

			list_remove(&defer->node);
			defer->is_queued = false;
			defer->run(defer->owner);
		}
	}
	if (list_is_empty(&loop->deferred))
		ev_idle_stop(ev, &loop->no_sleep);
	else
		ev_idle_start(ev, &loop->no_sleep);
}

static void take_time(struct ev_loop *ev, struct ev_check *check, int events)
{
	struct loop *loop = check->data;

	(void)ev;
	(void)events;
	loop->now = instant_now();
}

static void do_nothing(struct ev_loop *ev, struct ev_idle *idle, int events)
{
	(void)ev;
	(void)idle;
	(void)events;
}

struct loop *loop_new(void)
{
	struct loop *loop = mem_new(sizeof *loop);

	if (!loop)
		return NULL;
	/* Epoll alone: one backend to test. No timerfd: only wall-clock timers need it, and we have none. */
	loop->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV | EVFLAG_NOTIMERFD);
	if (!loop->ev) {
		mem_free(loop);
		return NULL;
	}
	list_start(&loop->deferred);
	loop->now = instant_now();
	ev_prepare_init(&loop->before_sleep, run_deferred);
	ev_check_init(&loop->after_sleep, take_time);
	ev_idle_init(&loop->no_sleep, do_nothing);
	ev_set_priority(&loop->after_sleep, EV_MAXPRI); /* before everything that asks for the time */
	loop->before_sleep.data = loop->after_sleep.data = loop;
	ev_prepare_start(loop->ev, &loop->before_sleep);
	ev_check_start(loop->ev, &loop->after_sleep);
	return loop;
}

void loop_free(struct loop **pointer)
{
	struct loop *loop = *pointer;

	if (!loop)
		return;
	ev_idle_stop(loop->ev, &loop->no_sleep);
	ev_prepare_stop(loop->ev, &loop->before_sleep);
	ev_check_stop(loop->ev, &loop->after_sleep);
	ev_loop_destroy(loop->ev);
	mem_free(loop);
	*pointer = NULL;
}

void loop_run(struct loop *loop)
{
	ev_now_update(loop->ev);
	loop->now = instant_now();
	loop->is_running = true;
	ev_run(loop->ev, 0); /* the two watchers above keep it from ending by itself */
	loop->is_running = false;
}

void loop_stop(struct loop *loop) { ev_break(loop->ev, EVBREAK_ONE); }

struct instant loop_now(const struct loop *loop) { return loop->is_running ? loop->now : instant_now(); }

/* ---- descriptors ---- */

static int to_events(unsigned wanted)
{
	return (wanted & LOOP_READ ? EV_READ : 0) | (wanted & LOOP_WRITE ? EV_WRITE : 0);
}

static void descriptor_ready(struct ev_loop *ev, struct ev_io *io, int events)
{
	struct loop_watch *watch = io->data;
	unsigned what = (events & EV_READ ? LOOP_READ : 0u) | (events & EV_WRITE ? LOOP_WRITE : 0u);

	(void)ev;
	/* Libev reports a descriptor it cannot watch as both: the owner's read then tells why. */
	watch->ready(watch->owner, what);
}

void loop_watch_start(struct loop *loop, struct loop_watch *watch, int fd, unsigned wanted,
                      void (*ready)(void *owner, unsigned what), void *owner)
{
	struct ev_io io;

	loop_watch_stop(watch);
	memset(&io, 0, sizeof io);
	ev_io_init(&io, descriptor_ready, fd, to_events(wanted));
	io.data = watch;
	*watch = (struct loop_watch){
		.loop = loop, .ready = ready, .owner = owner, .fd = fd, .wanted = wanted
	};
	memcpy(watch->impl, &io, sizeof io);
	if (wanted)
		ev_io_start(loop->ev, (struct ev_io *)(void *)watch->impl);
}

void loop_watch_want(struct loop_watch *watch, unsigned wanted)
{
	struct ev_io *active = (struct ev_io *)(void *)watch->impl;
	struct ev_io io;

	if (!watch->loop || watch->wanted == wanted)
		return;
	if (watch->wanted)
		ev_io_stop(watch->loop->ev, active);
	watch->wanted = wanted;
	if (!wanted)
		return;
	memcpy(&io, watch->impl, sizeof io);
	ev_io_modify(&io, to_events(wanted));
	memcpy(watch->impl, &io, sizeof io);
	ev_io_start(watch->loop->ev, active);
}

void loop_watch_stop(struct loop_watch *watch)
{
	if (!watch->loop)
		return;
	if (watch->wanted)
		ev_io_stop(watch->loop->ev, (struct ev_io *)(void *)watch->impl);
	watch->loop = NULL;
	watch->wanted = 0;
}

/* ---- timers ---- */

static void timer_fired(struct ev_loop *ev, struct ev_timer *libevs, int events)
{
	struct loop_timer *timer = libevs->data;

	(void)ev;
	(void)events;
	timer->is_set = false; /* one-shot: libev has stopped it */
	timer->fired(timer->owner);
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t after_ms, void (*fired)(void *owner),
                    void *owner)
{
	struct ev_timer libevs;

	loop_timer_stop(timer);
	if (!loop->is_running)
		ev_now_update(loop->ev); /* else "after" would count from some earlier turn */
	memset(&libevs, 0, sizeof libevs);
	ev_timer_init(&libevs, timer_fired, after_ms > 0 ? (double)after_ms / 1000.0 : 0.0, 0.0);
	libevs.data = timer;
	*timer = (struct loop_timer){ .loop = loop, .fired = fired, .owner = owner, .is_set = true };
	memcpy(timer->impl, &libevs, sizeof libevs);
	ev_timer_start(loop->ev, (struct ev_timer *)(void *)timer->impl);
}

void loop_timer_stop(struct loop_timer *timer)
{
	if (!timer->is_set)
		return;
	ev_timer_stop(timer->loop->ev, (struct ev_timer *)(void *)timer->impl);
	timer->is_set = false;
}

/* ---- end of the turn ---- */

void loop_defer(struct loop *loop, struct loop_defer *defer, void (*run)(void *owner), void *owner)
{
	if (defer->is_queued)
		return;
	*defer = (struct loop_defer){ .run = run, .owner = owner, .is_queued = true };
	list_add_last(&loop->deferred, &defer->node);
}

void loop_defer_cancel(struct loop_defer *defer)
{
	if (!defer->is_queued)
		return;
	list_remove(&defer->node);
	defer->is_queued = false;
}

/* ---- signals ---- */

static void signal_came(struct ev_loop *ev, struct ev_signal *libevs, int events)
{
	struct loop_signal *watched = libevs->data;

	(void)ev;
	(void)events;
	watched->came(watched->owner, libevs->signum);
}

void loop_signal_start(struct loop *loop, struct loop_signal *watched, int number,
                       void (*came)(void *owner, int number), void *owner)
{
	struct ev_signal libevs;

	loop_signal_stop(watched);
	memset(&libevs, 0, sizeof libevs);
	ev_signal_init(&libevs, signal_came, number);
	libevs.data = watched;
	*watched = (struct loop_signal){ .loop = loop, .came = came, .owner = owner, .is_set = true };
	memcpy(watched->impl, &libevs, sizeof libevs);
	ev_signal_start(loop->ev, (struct ev_signal *)(void *)watched->impl);
}

void loop_signal_stop(struct loop_signal *watched)
{
	if (!watched->is_set)
		return;
	ev_signal_stop(watched->loop->ev, (struct ev_signal *)(void *)watched->impl);
	watched->is_set = false;
}
