#include "daemon/launcher/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/launcher/launcher_parts.h"
#include "daemon/link/link.h"

enum {
	LAUNCHER_PATH_BYTES = 4096,
	LAUNCHER_FRAMES_PER_TURN = 64,
	LAUNCHER_SEND_MS = 1000,           /* a keeper that takes nothing for so long is hung: it is killed */
	LAUNCHER_PATIENCE_MS = 5000,       /* from the closed channel to the kill */
	LAUNCHER_DRAIN_DEFAULT_MS = 30000, /* until the keeper has told the configured one */
};

/* The services there are. A name that is not here is never started. */
static const char *const services[] = { "access", "gateway" };
enum { SERVICE_COUNT = sizeof services / sizeof *services };

/* Which of them speak with one another, over a stream of their own: it is made anew whenever one of the two starts. */
static const struct {
	const char *one, *other;
} neighbours[] = { { "access", "gateway" } };

struct launcher {
	const struct launcher_settings *settings;
	int lock, signals;
	struct child keeper;
	struct child services[SERVICE_COUNT];
	bool keeper_was_ready; /* some keeper has said a word: from then on it is restarted */
	int64_t drain_ms;
	bool is_stopping, is_over;
	int64_t stop_at_ms; /* mono */
	int exit_code;
};

static void say(const struct child *child, const char *what)
{
	fprintf(stderr, "launcher: %s%s%s\n", child ? child->name : "", child ? " " : "", what);
}

/* ---- to the keeper ---- */

static void tell_keeper(struct launcher *l, enum link_type type, uint64_t number, struct slice payload,
                        int fd)
{
	enum result result;

	if (l->keeper.channel < 0)
		return;
	result = link_send_now(l->keeper.channel, LAUNCHER_SEND_MS, type, number, payload, fd);
	if (result == RESULT_TIMED_OUT && l->keeper.pid) {
		say(&l->keeper, "takes no frames and is killed");
		kill(l->keeper.pid, SIGKILL);
	}
}

static void tell_state(struct launcher *l, const struct child *service, struct instant now)
{
	struct launcher_state state;

	child_state(service, now, &state);
	tell_keeper(l, LINK_SERVICE_STATE, 0, (struct slice){ (const char *)&state, sizeof state }, -1);
}

/* A fresh link between a running service and the present keeper: the keeper's end first, then the service's. */
static void relink(struct launcher *l, struct child *service)
{
	int pair[2];

	if (l->keeper.channel < 0 || service->channel < 0)
		return;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		fprintf(stderr, "launcher: link for %s: %m\n", service->name);
		return;
	}
	tell_keeper(l, LINK_SERVICE_LINK, 0, slice_of(service->name), pair[0]);
	if (link_send_now(service->channel, LAUNCHER_SEND_MS, LINK_SERVICE_LINK, 0, slice_of(service->name),
	                  pair[1]) != RESULT_OK &&
	    service->pid) {
		say(service, "takes no frames and is killed");
		kill(service->pid, SIGKILL);
	}
	close(pair[0]);
	close(pair[1]);
}

/* ---- between services ---- */

static struct child *service_named(struct launcher *l, const char *name)
{
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		if (strcmp(l->services[i].name, name) == 0)
			return &l->services[i];
	return NULL;
}

static void give_neighbour(struct child *to, const struct child *neighbour, int fd)
{
	if (link_send_now(to->channel, LAUNCHER_SEND_MS, LINK_NEIGHBOUR, 0, slice_of(neighbour->name), fd) ==
	            RESULT_TIMED_OUT &&
	    to->pid) {
		say(to, "takes no frames and is killed");
		kill(to->pid, SIGKILL);
	}
}

static void join(struct child *one, struct child *other)
{
	int pair[2];

	if (one->channel < 0 || other->channel < 0)
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
		fprintf(stderr, "launcher: stream between %s and %s: %m\n", one->name, other->name);
		return;
	}
	give_neighbour(one, other, pair[0]);
	give_neighbour(other, one, pair[1]);
	close(pair[0]);
	close(pair[1]);
}

static void join_neighbours(struct launcher *l, const struct child *started)
{
	for (size_t i = 0; i < sizeof neighbours / sizeof *neighbours; i++)
		if (strcmp(started->name, neighbours[i].one) == 0 ||
		    strcmp(started->name, neighbours[i].other) == 0)
			join(service_named(l, neighbours[i].one), service_named(l, neighbours[i].other));
}

/* ---- starting ---- */

static void start_service(struct launcher *l, struct child *service, struct instant now)
{
	struct reason reason;
	int link_end = -1;

	if (child_start(service, l->settings, now, &link_end, &reason) != RESULT_OK) {
		fprintf(stderr, "launcher: %s cannot be started: %s\n", service->name, reason.text);
		service->started_ms = now.mono_ms;
		child_ended(service, service->status, now);
	} else {
		tell_keeper(l, LINK_SERVICE_LINK, 0, slice_of(service->name), link_end);
		close(link_end);
		join_neighbours(l, service);
	}
	tell_state(l, service, now);
}

static void start_keeper(struct launcher *l, struct instant now)
{
	struct reason reason;

	if (child_start(&l->keeper, l->settings, now, NULL, &reason) != RESULT_OK) {
		fprintf(stderr, "launcher: keeper cannot be started: %s\n", reason.text);
		l->keeper.started_ms = now.mono_ms;
		child_ended(&l->keeper, l->keeper.status, now);
		return;
	}
	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		tell_state(l, &l->services[i], now);
		if (l->services[i].phase == LAUNCHER_RUNNING)
			relink(l, &l->services[i]);
	}
}

/* ---- what the keeper says ---- */

static bool is_text(const char *field, size_t size) { return memchr(field, '\0', size) != NULL; }

static void service_want(struct launcher *l, const struct link_frame *frame, struct instant now)
{
	struct launcher_want want;
	struct child *service;

	if (frame->payload.len != sizeof want)
		return;
	memcpy(&want, frame->payload.ptr, sizeof want);
	service = is_text(want.service, sizeof want.service) && is_text(want.user, sizeof want.user)
	                  ? service_named(l, want.service)
	                  : NULL;
	if (!service) {
		say(NULL, "the keeper wants a service that does not exist");
		return;
	}
	/* The first word counts: a keeper that has been taken over cannot choose another user later. */
	if (!service->user[0])
		memcpy(service->user, want.user, sizeof service->user);
	else if (strcmp(service->user, want.user) != 0)
		say(service, "keeps the user it was first given until parleyd is started anew");

	if (frame->number == LAUNCHER_HOLD || frame->number == LAUNCHER_RELEASE) {
		service->is_held = frame->number == LAUNCHER_HOLD;
		return;
	}
	service->is_wanted = frame->number == LAUNCHER_RUN && !service->is_held && !l->is_stopping;
	if (service->is_wanted && service->phase == LAUNCHER_STOPPED) {
		service->backoff_ms = 0;
		start_service(l, service, now);
	} else if (frame->number == LAUNCHER_END || (!service->is_wanted && !service->pid)) {
		child_end(service, now, LAUNCHER_PATIENCE_MS);
		tell_state(l, service, now);
	}
}

static void bind_listener(struct launcher *l, const struct link_frame *frame)
{
	struct launcher_bind wanted;
	struct reason reason = { "" };
	int fd = -1;

	if (frame->payload.len != sizeof wanted)
		return;
	memcpy(&wanted, frame->payload.ptr, sizeof wanted);
	wanted.address.length = wanted.length;
	if (launcher_listen(&wanted.address, &fd, &reason) == RESULT_OK) {
		tell_keeper(l, LINK_BOUND, frame->number, SLICE(""), fd);
		close(fd);
	} else {
		tell_keeper(l, LINK_BIND_FAILED, frame->number, slice_of(reason.text), -1);
	}
}

static void keeper_frame(struct launcher *l, struct link_frame *frame, struct instant now)
{
	l->keeper_was_ready = true;
	switch ((unsigned)frame->type) {
	case LINK_SERVICE_WANT: service_want(l, frame, now); break;
	case LINK_BIND: bind_listener(l, frame); break;
	case LINK_STOPPING:
		l->drain_ms = frame->number > 3600 * 1000 ? 3600 * 1000 : (int64_t)frame->number;
		break;
	default:
		fprintf(stderr, "launcher: the keeper sends %s, which is not for us\n",
		        link_type_name(frame->type));
	}
	if (frame->fd >= 0)
		close(frame->fd);
}

static void keeper_frames(struct launcher *l, struct instant now)
{
	for (int i = 0; i < LAUNCHER_FRAMES_PER_TURN && l->keeper.channel >= 0; i++) {
		char payload[1024]; /* more than any frame for us may hold */
		struct link_frame frame;
		enum result result = link_receive_now(l->keeper.channel, 0, payload, sizeof payload, &frame);

		if (result == RESULT_AGAIN)
			return;
		if (result == RESULT_INVALID || result == RESULT_LIMIT) {
			say(NULL, "a frame from the keeper does not fit and is dropped");
		} else if (result != RESULT_OK) {
			close(l->keeper.channel); /* its end comes by SIGCHLD */
			l->keeper.channel = -1;
		} else {
			keeper_frame(l, &frame, now);
		}
	}
}

/* ---- stopping ---- */

static bool nothing_runs(const struct launcher *l)
{
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		if (l->services[i].pid)
			return false;
	return l->keeper.pid == 0;
}

static void end_services(struct launcher *l, struct instant now, int64_t patience_ms)
{
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		child_end(&l->services[i], now, patience_ms);
}

static void begin_stop(struct launcher *l, struct instant now)
{
	if (l->is_stopping) { /* told twice: at once */
		say(NULL, "stopping at once");
		l->stop_at_ms = now.mono_ms;
		return;
	}
	say(NULL, "stopping");
	l->is_stopping = true;
	l->keeper.is_wanted = false;
	l->stop_at_ms = now.mono_ms + l->drain_ms + LAUNCHER_STOP_EXTRA_MS;
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		l->services[i].is_wanted = false;
	if (l->keeper.pid)
		tell_keeper(l, LINK_STOPPING, 0, SLICE(""), -1);
	else
		end_services(l, now, LAUNCHER_PATIENCE_MS);
	if (!l->keeper.pid)
		child_end(&l->keeper, now, 0);
}

static void stop_step(struct launcher *l, struct instant now)
{
	if (!l->is_stopping)
		return;
	if (now.mono_ms >= l->stop_at_ms) {
		end_services(l, now, 0);
		child_end(&l->keeper, now, 0);
	}
	l->is_over = nothing_runs(l);
}

/* ---- ends ---- */

static void keeper_ended(struct launcher *l, int32_t status, struct instant now)
{
	char words[LAUNCHER_STATUS_BYTES];

	/* A keeper that never said a word cannot run here at all: the reason is on standard error. */
	if (!l->keeper_was_ready && !l->is_stopping) {
		l->exit_code = WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 70;
		l->keeper.is_wanted = false;
		l->is_stopping = true;
		l->stop_at_ms = now.mono_ms;
	}
	child_ended(&l->keeper, status, now);
	if (l->is_stopping) {
		end_services(l, now, LAUNCHER_PATIENCE_MS);
		return;
	}
	l->keeper.restarts++;
	fprintf(stderr, "launcher: keeper ended (%s); restarts in %lld ms\n",
	        launcher_status_words(status, words), (long long)l->keeper.backoff_ms);
}

static void service_ended(struct launcher *l, struct child *service, int32_t status, struct instant now)
{
	char words[LAUNCHER_STATUS_BYTES];

	child_ended(service, status, now);
	fprintf(stderr, "launcher: %s ended (%s)", service->name, launcher_status_words(status, words));
	if (service->phase == LAUNCHER_BACKOFF) {
		service->restarts++;
		fprintf(stderr, "; restarts in %lld ms", (long long)service->backoff_ms);
	}
	fputc('\n', stderr);
	tell_state(l, service, now);
}

static void reap(struct launcher *l, struct instant now)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == l->keeper.pid)
			keeper_ended(l, status, now);
		for (size_t i = 0; i < SERVICE_COUNT; i++)
			if (pid == l->services[i].pid)
				service_ended(l, &l->services[i], status, now);
	}
}

static void signals_came(struct launcher *l, struct instant now)
{
	struct signalfd_siginfo info;

	while (read(l->signals, &info, sizeof info) == (ssize_t)sizeof info) {
		switch (info.ssi_signo) {
		case SIGCHLD: reap(l, now); break;
		case SIGHUP: tell_keeper(l, LINK_RELOAD, 0, SLICE(""), -1); break;
		default: begin_stop(l, now);
		}
	}
}

/* ---- the loop ---- */

static void earlier(int64_t *at, int64_t candidate)
{
	if (candidate && (!*at || candidate < *at))
		*at = candidate;
}

static int64_t next_event(const struct launcher *l)
{
	int64_t at = l->is_stopping ? l->stop_at_ms : 0;

	earlier(&at, l->keeper.next_start_ms);
	earlier(&at, l->keeper.kill_at_ms);
	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		earlier(&at, l->services[i].next_start_ms);
		earlier(&at, l->services[i].kill_at_ms);
	}
	return at;
}

static bool is_due(const struct child *child, struct instant now)
{
	return child->is_wanted && child->phase == LAUNCHER_BACKOFF && now.mono_ms >= child->next_start_ms;
}

static void timers(struct launcher *l, struct instant now)
{
	child_late(&l->keeper, now);
	if (is_due(&l->keeper, now))
		start_keeper(l, now);
	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		child_late(&l->services[i], now);
		if (is_due(&l->services[i], now))
			start_service(l, &l->services[i], now);
	}
}

static void run(struct launcher *l)
{
	while (!l->is_over) {
		struct pollfd watched[2] = { { .fd = l->signals, .events = POLLIN },
			                     { .fd = l->keeper.channel, .events = POLLIN } };
		int64_t at = next_event(l), wait = at ? at - instant_now().mono_ms : 60000;

		/* A deadline in the past asks for at least a breath: what it waits for comes as a signal. */
		wait = wait < 10 ? 10 : wait > 60000 ? 60000 : wait;
		poll(watched, 2, (int)wait);

		struct instant now = instant_now();

		if (watched[1].revents)
			keeper_frames(l, now);
		if (watched[0].revents)
			signals_came(l, now);
		timers(l, now);
		stop_step(l, now);
	}
}

/* ---- birth ---- */

static enum result make_folder(const char *root, const char *below, char path[LAUNCHER_PATH_BYTES],
                               struct reason *reason)
{
	snprintf(path, LAUNCHER_PATH_BYTES, "%s%s", root, below);
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return fail_errno(reason, RESULT_IO, "%s", path);
	return RESULT_OK;
}

/* One parleyd a root: whoever holds the lock is it, and the kernel lets go of it however we end. */
static enum result take_lock(struct launcher *l, struct reason *reason)
{
	static const char *const folders[] = { "", "/run", "/run/parley", "/run/parley/empty" };
	char path[LAUNCHER_PATH_BYTES];
	enum result result = RESULT_OK;

	if (strlen(l->settings->root) > LAUNCHER_PATH_BYTES - 64)
		return fail(reason, RESULT_LIMIT, "the root's name is too long");
	umask(022);
	for (size_t i = l->settings->root[0] ? 0 : 1;
	     i < sizeof folders / sizeof *folders && result == RESULT_OK; i++)
		result = make_folder(l->settings->root, folders[i], path, reason);
	umask(077);
	if (result != RESULT_OK)
		return result;
	snprintf(path, sizeof path, "%s/run/parley/parleyd.lock", l->settings->root);
	l->lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (l->lock < 0)
		return fail_errno(reason, RESULT_IO, "%s", path);
	if (flock(l->lock, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? fail(reason, RESULT_EXISTS,
		                                   "another parleyd runs on this root (%s is locked)", path)
		                            : fail_errno(reason, RESULT_IO, "%s", path);
	return RESULT_OK;
}

static enum result take_signals(struct launcher *l, struct reason *reason)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		signal(numbers[i],
		       SIG_DFL); /* an ignored signal, inherited from nohup or a shell, would never come */
		sigaddset(&set, numbers[i]);
	}
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return fail_errno(reason, RESULT_IO, "sigprocmask");
	l->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return l->signals >= 0 ? RESULT_OK : fail_errno(reason, RESULT_IO, "signalfd");
}

static void name_child(struct child *child, const char *name)
{
	*child = (struct child){ .channel = -1, .status = -1, .since_ms = instant_now().wall_ms };
	snprintf(child->name, sizeof child->name, "%s", name);
}

int launcher_main(const struct launcher_settings *settings)
{
	struct launcher l = {
		.settings = settings, .lock = -1, .signals = -1, .drain_ms = LAUNCHER_DRAIN_DEFAULT_MS
	};
	struct reason reason = { "" };

	name_child(&l.keeper, "keeper");
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		name_child(&l.services[i], services[i]);
	if (take_lock(&l, &reason) != RESULT_OK || take_signals(&l, &reason) != RESULT_OK) {
		fprintf(stderr, "launcher: %s\n", reason.text);
		return 1;
	}
	if (geteuid() != 0)
		say(NULL,
		    "not started as root: every process runs as this user, without an empty root of its own");
	l.keeper.is_wanted = true;
	start_keeper(&l, instant_now());
	run(&l);
	say(NULL, "everything has ended");
	return l.exit_code;
}
