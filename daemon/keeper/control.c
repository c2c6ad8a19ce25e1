/*
 * The control socket: who may come in, how many, and who they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/keeper/parts.h"

enum { CONTROL_BACKLOG = 16, CONTROL_GROUPS_MAX = 256, CONTROL_NAME_ROOM = 16 * 1024 };

/* ---- who ---- */

static void user_name(uid_t uid, char *to, size_t size)
{
	char room[CONTROL_NAME_ROOM];
	struct passwd entry, *found = NULL;

	if (getpwuid_r(uid, &entry, room, sizeof room, &found) == 0 && found)
		text_shown(slice_of(found->pw_name), to, size);
	else
		snprintf(to, size, "%u", (unsigned)uid);
}

/* Reads a little of a file of /proc; empty when there is none or it is not for us. */
static struct slice read_proc(pid_t pid, const char *name, char *room, size_t size)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd >= 0 ? read(fd, room, size) : -1;
	if (fd >= 0)
		close(fd);
	return (struct slice){ room, got > 0 ? (size_t)got : 0 };
}

/* Who logged in, behind sudo or su.  For the audit line only: what a client's own /proc says decides nothing. */
static void find_login(struct who *who)
{
	char room[4096];
	struct slice text = slice_trim(read_proc(who->pid, "loginuid", room, 32)), one;
	uint64_t uid;

	if (text.len && text.ptr[text.len - 1] == '\n')
		text.len--;
	if (slice_to_number(text, UINT32_MAX - 1, &uid)) {
		user_name((uid_t)uid, who->login, sizeof who->login);
		return;
	}
	text = read_proc(who->pid, "environ", room, sizeof room);
	while (slice_next(&text, '\0', &one))
		if (slice_starts(one, SLICE("SUDO_USER="))) {
			text_shown(slice_after(one, 10), who->login, sizeof who->login);
			return;
		}
}

static enum result identify(struct control *control, int fd, struct who *who)
{
	gid_t groups[CONTROL_GROUPS_MAX];
	socklen_t length = sizeof groups;
	struct ucred peer;
	socklen_t peer_length = sizeof peer;
	struct role_facts facts = { .own_uid = geteuid(),
		                    .admin_gid = control->admin_gid,
		                    .has_admin_group = control->has_admin_group,
		                    .groups = groups };

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_length) != 0)
		return RESULT_IO;
	/* The kernel's own list, as it was when the client connected; more groups than fit: none of them counts. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) == 0)
		facts.group_count = length / sizeof *groups;
	facts.uid = peer.uid;
	facts.gid = peer.gid;
	*who = (struct who){ .uid = peer.uid, .pid = peer.pid, .role = role_of(&facts) };
	user_name(peer.uid, who->name, sizeof who->name);
	snprintf(who->text, sizeof who->text, "%s(%u)", who->name, (unsigned)who->uid);
	find_login(who);
	return RESULT_OK;
}

/* ---- accepting ---- */

static size_t sessions_of(const struct control *control, uid_t uid)
{
	size_t count = 0;

	LIST_EACH (at, &control->sessions)
		count += LIST_OWNER(at, struct session, node)->who.uid == uid;
	return count;
}

static void accept_one(struct control *control, int fd)
{
	struct who who;

	if (identify(control, fd, &who) != RESULT_OK)
		close(fd);
	else if (control->session_count >= CONTROL_CLIENTS_MAX)
		session_refuse(fd, "16 clients are connected already");
	else if (who.uid != 0 && sessions_of(control, who.uid) >= CONTROL_CLIENTS_PER_USER)
		session_refuse(fd, "this user has 4 clients connected already");
	else
		session_new(control, fd, &who);
}

static void ready(void *owner, unsigned what)
{
	struct control *control = owner;

	(void)what;
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		int fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		accept_one(control, fd);
	}
}

/* ---- the socket ---- */

static enum result socket_address(const char *path, struct sockaddr_un *to, struct reason *reason)
{
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof to->sun_path)
		return fail(reason, RESULT_LIMIT, "%s is longer than the %zu bytes a socket's path may have",
		            path, sizeof to->sun_path - 1);
	memcpy(to->sun_path, path, strlen(path) + 1);
	return RESULT_OK;
}

/* A socket that nobody answers is what a killed daemon left; one that is answered belongs to another. */
static enum result make_way(const struct sockaddr_un *address, struct reason *reason)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool is_alive;
	struct stat st;

	if (fd < 0)
		return fail_errno(reason, RESULT_IO, "socket");
	is_alive = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN;
	close(fd);
	if (is_alive)
		return fail(reason, RESULT_EXISTS, "another daemon answers at %s", address->sun_path);
	if (lstat(address->sun_path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return fail(reason, RESULT_EXISTS, "%s is there and no socket", address->sun_path);
	unlink(address->sun_path);
	return RESULT_OK;
}

static void find_admin_group(struct control *control)
{
	char room[CONTROL_NAME_ROOM];
	struct group entry, *found = NULL;

	control->has_admin_group = getgrnam_r(control->keeper->host.admin_group, &entry, room, sizeof room,
	                                      &found) == 0 &&
	                           found;
	if (control->has_admin_group)
		control->admin_gid = found->gr_gid;
}

enum result control_open(struct control *control, struct keeper *k, struct reason *reason)
{
	struct sockaddr_un address;
	enum result result;
	int bound;

	control->keeper = k;
	control->fd = -1;
	list_start(&control->sessions);
	if (!folder_path(control->path, k->root, "/run/parley/control.sock"))
		return fail(reason, RESULT_LIMIT, "the root's name is too long");
	find_admin_group(control);
	if ((result = socket_address(control->path, &address, reason)) != RESULT_OK ||
	    (result = make_way(&address, reason)) != RESULT_OK)
		return result;
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0)
		return fail_errno(reason, RESULT_IO, "socket");
	/* Mode 0660 from the first moment: there is no time in which another could connect. */
	umask(0117);
	bound = bind(control->fd, (const struct sockaddr *)&address, sizeof address);
	umask(077);
	if (bound != 0 || listen(control->fd, CONTROL_BACKLOG) != 0)
		return fail_errno(reason, RESULT_IO, "%s", control->path);
	/* Without the right to give it away (not root, not a member) it stays our own group's. */
	if (control->has_admin_group && chown(control->path, (uid_t)-1, control->admin_gid) != 0)
		fprintf(stderr, "keeper: %s stays in its own group: %m\n", control->path);
	loop_watch_start(k->loop, &control->watch, control->fd, LOOP_READ, ready, control);
	return RESULT_OK;
}

void control_close(struct control *control)
{
	LIST_EACH_SAFE (at, &control->sessions) {
		session_last_words(LIST_OWNER(at, struct session, node));
		session_free(LIST_OWNER(at, struct session, node));
	}
	loop_watch_stop(&control->watch);
	if (control->fd >= 0) {
		unlink(control->path);
		close(control->fd);
	}
	control->fd = -1;
}

void control_notify(struct control *control, struct slice params, bool is_debug)
{
	if (!control->keeper) /* events of our birth: nobody can be connected yet */
		return;
	LIST_EACH_SAFE (at, &control->sessions) {
		struct session *session = LIST_OWNER(at, struct session, node);
		struct json_writer w = json_write(&session->out);

		if (!session->follows || (is_debug && !session->follows_debug))
			continue;
		control_event_open(&w);
		json_put_raw(&w, "params", params);
		control_event_close(&w);
		session_written(session);
	}
}
