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
#include "shared/base/memory.h"

enum { CONTROL_BACKLOG = 16, CONTROL_NAME_ROOM = 16 * 1024 };

/* ---- who ---- */

/* Rows whose member is not on this machine count for nobody here. */
static bool find_member(struct slice member, struct role_grant *grant)
{
	char room[CONTROL_NAME_ROOM], name[64];
	struct passwd user, *found_user = NULL;
	struct group group, *found_group = NULL;

	grant->is_group = slice_starts(member, SLICE(MODEL_GROUP_PREFIX));
	if (!slice_to_text(grant->is_group ? slice_after(member, sizeof MODEL_GROUP_PREFIX - 1) : member,
	                   name, sizeof name))
		return false;
	if (grant->is_group) {
		if (getgrnam_r(name, &group, room, sizeof room, &found_group) != 0 || !found_group)
			return false;
		grant->id = group.gr_gid;
	} else {
		if (getpwnam_r(name, &user, room, sizeof room, &found_user) != 0 || !found_user)
			return false;
		grant->id = user.pw_uid;
	}
	return true;
}

bool control_member_exists(struct slice member)
{
	struct role_grant grant;

	return find_member(member, &grant);
}

/* What the rows say of who is connected: looked up each time, so that users and groups made later count. */
static control_roles find_roles(const struct control *control, const struct who *who)
{
	const struct model_objects *rows = &control->keeper->now.snapshot->kinds[MODEL_ROLE_GRANT];
	struct role_grant *grants = mem_new_array(rows->count + 1, sizeof *grants);
	struct role_facts facts = { .uid = who->uid,
		                    .gid = who->gid,
		                    .groups = who->groups,
		                    .group_count = who->group_count,
		                    .own_uid = geteuid(),
		                    .admin_gid = control->admin_gid,
		                    .socket_gid = control->socket_gid,
		                    .has_admin_group = control->has_admin_group,
		                    .grants = grants };
	control_roles roles;

	for (size_t i = 0; grants && i < rows->count; i++) {
		const struct model_list *list = &rows->items[i]->values[MODEL_FIELD(role_grant, roles)].list;
		struct role_grant *grant = &grants[facts.grant_count];

		if (!find_member(model_object_key(rows->items[i]), grant))
			continue;
		facts.grant_count++;
		for (size_t k = 0; k < list->count; k++)
			grant->roles |= control_roles_of(control_role_named(list->items[k]));
	}
	roles = roles_of(&facts);
	mem_free(grants);
	return roles;
}

static enum result identify(struct control *control, int fd, struct who *who)
{
	socklen_t length = sizeof who->groups;
	struct ucred peer;
	socklen_t peer_length = sizeof peer;

	*who = (struct who){ .group_count = 0 };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_length) != 0)
		return RESULT_IO;
	/* The kernel's own list, as it was when the client connected; more groups than fit: none of them counts. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, who->groups, &length) == 0)
		who->group_count = length / sizeof *who->groups;
	who->uid = peer.uid;
	who->gid = peer.gid;
	who->pid = peer.pid;
	who->roles = find_roles(control, who);
	who_user_name(peer.uid, who->name, sizeof who->name);
	snprintf(who->text, sizeof who->text, "%s(%u)", who->name, (unsigned)who->uid);
	who_find_login(who);
	who_find_address(who);
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

static void send_away(struct control *control, int fd, const struct who *who)
{
	static const char why[] =
	        "you have no role here; an administrator can give you one: parley role grant";

	audited_denial(control->keeper, who, "connect", SLICE(""), why);
	session_refuse(fd, CONTROL_DENIED, why);
}

static void accept_one(struct control *control, int fd)
{
	struct who who;

	if (identify(control, fd, &who) != RESULT_OK)
		close(fd);
	else if (!who.roles)
		send_away(control, fd, &who);
	else if (control->session_count >= CONTROL_CLIENTS_MAX)
		session_refuse(fd, CONTROL_BUSY, "16 clients are connected already");
	else if (who.uid != 0 && sessions_of(control, who.uid) >= CONTROL_CLIENTS_PER_USER)
		session_refuse(fd, CONTROL_BUSY, "this user has 4 clients connected already");
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

/*
 * While nobody is granted a role, only the socket's group can connect at all.  With grants the kernel lets
 * everybody as far as the door, and whoever has no role is sent away before a byte is read.
 */
static void open_door(const struct control *control)
{
	bool has_grants = control->keeper->now.snapshot->kinds[MODEL_ROLE_GRANT].count > 0;

	if (control->fd >= 0 && chmod(control->path, has_grants ? 0666 : 0660) != 0)
		fprintf(stderr, "keeper: %s keeps its mode: %m\n", control->path);
}

void control_roles_changed(struct control *control)
{
	if (!control->keeper) /* not open yet */
		return;
	open_door(control);
	LIST_EACH_SAFE (at, &control->sessions) {
		struct session *session = LIST_OWNER(at, struct session, node);

		session->who.roles = find_roles(control, &session->who);
		if (!session->who.roles)
			session_end(session, "your roles here have been taken away");
	}
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
	control->socket_gid = getegid();
	/* Without the right to give it away (not root, not a member) it stays our own group's. */
	if (control->has_admin_group && chown(control->path, (uid_t)-1, control->admin_gid) != 0)
		fprintf(stderr, "keeper: %s stays in its own group: %m\n", control->path);
	else if (control->has_admin_group)
		control->socket_gid = control->admin_gid;
	open_door(control);
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
