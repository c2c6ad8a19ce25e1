#include "daemon/link/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PROCESS_NAME_ROOM = 16 * 1024 };

/* The leak check at a process's end traces it from a thread of its own and reads /proc: neither a process that is
 * not dumpable nor an empty root lets it. */
#ifdef PARLEY_SANITIZED
enum { PROCESS_DUMPABLE = 1, PROCESS_HAS_EMPTY_ROOT = 0 };
#else
enum { PROCESS_DUMPABLE = 0, PROCESS_HAS_EMPTY_ROOT = 1 };
#endif

enum result process_harden(int last_fd, struct reason *reason)
{
	struct rlimit none = { 0, 0 };

	umask(077);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (close_range((unsigned)last_fd + 1, ~0U, 0) != 0)
		return fail_errno(reason, RESULT_IO, "closing inherited descriptors");
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return fail_errno(reason, RESULT_IO, "RLIMIT_CORE");
	if (prctl(PR_SET_DUMPABLE, PROCESS_DUMPABLE, 0, 0, 0) != 0)
		return fail_errno(reason, RESULT_IO, "PR_SET_DUMPABLE");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fail_errno(reason, RESULT_IO, "PR_SET_NO_NEW_PRIVS");
	return RESULT_OK;
}

/* A bounding set that is empty cannot be filled again; dropping needs the capability that is dropped with it last. */
static void drop_bounding_set(void)
{
	for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
}

static enum result drop_capabilities(struct reason *reason)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) != 0)
		return fail_errno(reason, RESULT_IO, "capset");
	return RESULT_OK;
}

static enum result enter_empty_root(const char *path, struct reason *reason)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0) {
		enum result result = fail_errno(reason, RESULT_IO, "%s", path);

		if (fd >= 0)
			close(fd);
		return result;
	}
	if (st.st_uid != 0 || (st.st_mode & 022)) {
		close(fd);
		return fail(reason, RESULT_DENIED, "%s must belong to root and be writable by nobody else",
		            path);
	}

	bool is_in = fchdir(fd) == 0 && chroot(".") == 0 && chdir("/") == 0;

	close(fd);
	return is_in ? RESULT_OK : fail_errno(reason, RESULT_IO, "chroot %s", path);
}

static enum result find_user(const char *name, uid_t *uid, gid_t *gid, struct reason *reason)
{
	char room[PROCESS_NAME_ROOM];
	struct passwd entry, *found = NULL;

	if (getpwnam_r(name, &entry, room, sizeof room, &found) != 0 || !found)
		return fail(reason, RESULT_NOT_FOUND,
		            "there is no Unix user \"%s\"; create it or name another in host.xml", name);
	*uid = found->pw_uid;
	*gid = found->pw_gid;
	return RESULT_OK;
}

static size_t find_groups(const char *name, gid_t groups[1])
{
	char room[PROCESS_NAME_ROOM];
	struct group entry, *found = NULL;

	if (!name || !*name || getgrnam_r(name, &entry, room, sizeof room, &found) != 0 || !found)
		return 0;
	groups[0] = found->gr_gid;
	return 1;
}

enum result process_confine(const struct process_confinement *how, bool *is_inside, struct reason *reason)
{
	bool enters = how->empty_root && PROCESS_HAS_EMPTY_ROOT;

	enum result result;
	uid_t uid;
	gid_t gid, groups[1];
	size_t group_count;

	if (is_inside)
		*is_inside = false;
	if (geteuid() != 0 || !how->user || !*how->user)
		return RESULT_OK;
	if ((result = find_user(how->user, &uid, &gid, reason)) != RESULT_OK)
		return result;
	if (uid == 0)
		return how->may_stay_root
		               ? RESULT_OK
		               : fail(reason, RESULT_DENIED,
		                      "user \"%s\" is root, and this process may not be", how->user);
	group_count = find_groups(how->group, groups);
	if (enters && (result = enter_empty_root(how->empty_root, reason)) != RESULT_OK)
		return result;
	if (is_inside)
		*is_inside = enters;

	drop_bounding_set();
	if (setgroups(group_count, groups) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return fail_errno(reason, RESULT_IO, "becoming user %s", how->user);
	if (setresuid(0, 0, 0) == 0 || setuid(0) == 0 || seteuid(0) == 0 ||
	    (gid && setresgid(0, 0, 0) == 0)) {
		fprintf(stderr, "process: root could be had back after becoming %s\n", how->user);
		abort();
	}
	/* Changing the user put back the system's own choice. */
	if (prctl(PR_SET_DUMPABLE, PROCESS_DUMPABLE, 0, 0, 0) != 0)
		return fail_errno(reason, RESULT_IO, "PR_SET_DUMPABLE");
	return drop_capabilities(reason);
}
