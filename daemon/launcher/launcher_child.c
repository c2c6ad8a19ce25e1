#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/launcher/launcher_parts.h"
#include "daemon/link/process.h"

/* What a child may know of our environment. */
static const char *const kept[] = {
	"PATH", "LANG", "LC_ALL", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"
};
enum { KEPT_COUNT = sizeof kept / sizeof *kept, CHILD_ENVIRONMENT_BYTES = 1024 };

static void keep_environment(char room[KEPT_COUNT][CHILD_ENVIRONMENT_BYTES], char *list[KEPT_COUNT + 1])
{
	size_t count = 0;

	for (size_t i = 0; i < KEPT_COUNT; i++) {
		const char *value = getenv(kept[i]);
		int length = value ? snprintf(room[count], CHILD_ENVIRONMENT_BYTES, "%s=%s", kept[i], value)
		                   : -1;

		if (length > 0 && length < CHILD_ENVIRONMENT_BYTES) {
			list[count] = room[count];
			count++;
		}
	}
	list[count] = NULL;
}

/* After fork: descriptors 3 and 4 in their places, no signal blocked, a group of its own so that Ctrl-C is ours alone. */
static void become_child(const struct child *child, const struct launcher_settings *settings, int link,
                         int channel)
{
	char program[] = "parleyd", process[] = "--process", root[] = "--root", user[] = "--user",
	     verbose[] = "--verbose";
	char name[LAUNCHER_NAME_BYTES], user_name[LAUNCHER_USER_BYTES], root_path[4096];
	char room[KEPT_COUNT][CHILD_ENVIRONMENT_BYTES];
	char *environment[KEPT_COUNT + 1];
	char *arguments[9] = { program, process, name };
	size_t count = 3;
	sigset_t none;

	snprintf(name, sizeof name, "%s", child->name);
	snprintf(user_name, sizeof user_name, "%s", child->user);
	snprintf(root_path, sizeof root_path, "%s", settings->root);
	if (user_name[0]) {
		arguments[count++] = user;
		arguments[count++] = user_name;
	}
	if (root_path[0]) {
		arguments[count++] = root;
		arguments[count++] = root_path;
	}
	if (settings->is_verbose)
		arguments[count++] = verbose;
	arguments[count] = NULL;
	keep_environment(room, environment);

	/* Both first out of the way: each may lie where the other belongs. */
	if (link >= 0)
		link = fcntl(link, F_DUPFD, 10);
	channel = fcntl(channel, F_DUPFD, 10);
	close(PROCESS_LINK_FD);
	if ((link >= 0 && dup2(link, PROCESS_LINK_FD) < 0) || dup2(channel, PROCESS_LAUNCHER_FD) < 0)
		_exit(71);
	close(channel);
	if (link >= 0)
		close(link);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	execve("/proc/self/exe", arguments, environment);
	fprintf(stderr, "launcher: %s: exec: %m\n", child->name);
	_exit(71);
}

static void close_pair(int pair[2])
{
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
}

enum result child_start(struct child *child, const struct launcher_settings *settings, struct instant now,
                        int *link_end, struct reason *reason)
{
	int channel[2] = { -1, -1 }, link[2] = { -1, -1 };
	enum result result;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) != 0 ||
	    (link_end && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link) != 0)) {
		result = fail_errno(reason, RESULT_IO, "socket pair");
		goto failed;
	}
	child->pid = fork();
	if (child->pid < 0) {
		child->pid = 0;
		result = fail_errno(reason, RESULT_IO, "fork");
		goto failed;
	}
	if (child->pid == 0)
		become_child(child, settings, link[1], channel[1]);

	close(channel[1]);
	child->channel = channel[0];
	if (link_end) {
		close(link[1]);
		*link_end = link[0];
	}
	child->phase = LAUNCHER_RUNNING;
	child->started_ms = now.mono_ms;
	child->since_ms = now.wall_ms;
	child->next_start_ms = 0;
	child->kill_at_ms = 0;
	child->was_killed = false;
	return RESULT_OK;
failed:
	close_pair(channel);
	close_pair(link);
	return result;
}

void child_end(struct child *child, struct instant now, int64_t patience_ms)
{
	if (child->channel >= 0)
		close(child->channel);
	child->channel = -1;
	if (!child->pid) {
		child->phase = LAUNCHER_STOPPED;
		child->next_start_ms = 0;
		return;
	}
	if (child->phase != LAUNCHER_ENDING)
		child->since_ms = now.wall_ms;
	child->phase = LAUNCHER_ENDING;
	if (child->was_killed)
		return;
	if (!child->kill_at_ms || child->kill_at_ms > now.mono_ms + patience_ms)
		child->kill_at_ms = now.mono_ms + patience_ms;
}

void child_late(struct child *child, struct instant now)
{
	if (!child->pid || !child->kill_at_ms || now.mono_ms < child->kill_at_ms)
		return;
	fprintf(stderr, "launcher: %s (process %d) did not end in time and is killed\n", child->name,
	        (int)child->pid);
	kill(child->pid, SIGKILL);
	child->was_killed = true;
	child->kill_at_ms = 0;
}

void child_ended(struct child *child, int32_t status, struct instant now)
{
	if (child->channel >= 0)
		close(child->channel);
	child->channel = -1;
	child->pid = 0;
	child->status = status;
	child->kill_at_ms = 0;
	child->since_ms = now.wall_ms;
	child->phase = LAUNCHER_STOPPED;
	child->next_start_ms = 0;
	if (!child->is_wanted)
		return;
	child->backoff_ms = launcher_backoff(child->backoff_ms, now.mono_ms - child->started_ms);
	child->next_start_ms = now.mono_ms + child->backoff_ms;
	child->phase = LAUNCHER_BACKOFF;
}

void child_state(const struct child *child, struct instant now, struct launcher_state *out)
{
	*out = (struct launcher_state){
		.pid = (int32_t)child->pid,
		.phase = (uint32_t)child->phase,
		.restarts = child->restarts,
		.status = child->status,
		.since_ms = child->since_ms,
		.is_held = child->is_held,
		.next_start_ms = child->phase == LAUNCHER_BACKOFF
		                         ? now.wall_ms + (child->next_start_ms - now.mono_ms)
		                         : 0,
	};
	memcpy(out->service, child->name, sizeof out->service);
}
