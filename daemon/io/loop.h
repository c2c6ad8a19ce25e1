/*
 * loop: libev behind our names.  One a process; everything runs on it.
 *
 * "Defer" runs at the end of the current turn, before the next sleep: that is
 * where connections write what a whole turn has queued, in one record.
 */
#ifndef DAEMON_IO_LOOP_H
#define DAEMON_IO_LOOP_H

#include <stdbool.h>

#include "shared/base/clock.h"
#include "shared/base/list.h"

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop **loop);
void loop_run(struct loop *loop);  /* until loop_stop */
void loop_stop(struct loop *loop);
struct instant loop_now(const struct loop *loop); /* of this turn; cheap */

/* A descriptor. Embedded in its owner; zeroed before first use. `fd` is not closed here. */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
struct loop_watch {
	void *impl[8]; /* room for the library's watcher */
	struct loop *loop;
	void (*ready)(void *owner, unsigned what);
	void *owner;
	int fd;
	unsigned wanted;
};
void loop_watch_start(struct loop *loop, struct loop_watch *watch, int fd, unsigned wanted,
                      void (*ready)(void *owner, unsigned what), void *owner);
void loop_watch_want(struct loop_watch *watch, unsigned wanted); /* 0: sleeps, stays started */
void loop_watch_stop(struct loop_watch *watch); /* harmless when not started */

/* One-shot timer. Setting it again moves it. */
struct loop_timer {
	void *impl[8];
	struct loop *loop;
	void (*fired)(void *owner);
	void *owner;
	bool is_set;
};
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t after_ms, void (*fired)(void *owner),
                    void *owner);
void loop_timer_stop(struct loop_timer *timer); /* harmless when not set */

/* Runs once at the end of this turn; deferring twice runs once. */
struct loop_defer {
	struct list node;
	void (*run)(void *owner);
	void *owner;
	bool is_queued;
};
void loop_defer(struct loop *loop, struct loop_defer *defer, void (*run)(void *owner), void *owner);
void loop_defer_cancel(struct loop_defer *defer);

struct loop_signal {
	void *impl[8];
	struct loop *loop;
	void (*came)(void *owner, int number);
	void *owner;
	bool is_set;
};
void loop_signal_start(struct loop *loop, struct loop_signal *signal, int number,
                       void (*came)(void *owner, int number), void *owner);
void loop_signal_stop(struct loop_signal *signal);

#endif
