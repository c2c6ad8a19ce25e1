/*
 * Who is behind a client: the login user behind sudo or su, and where they logged in from.
 *
 * Only for the audit.  The kernel's word (uid, groups) decides what a client may do; what stands in /proc or
 * utmp of it, or what it says itself, decides nothing.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <paths.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <utmpx.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

enum { WHO_NAME_ROOM = 16 * 1024, WHO_ANCESTORS_MAX = 32, WHO_UTMP_MAX = 1024 };

/* What SSH sets: "203.0.113.7 50122 192.0.2.1 22". */
#define SSH_VARIABLE "SSH_CONNECTION="

void who_user_name(uid_t uid, char *to, size_t size)
{
	char room[WHO_NAME_ROOM];
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

/* One variable of a process's environment; only those of our own user can be read without root. */
static struct slice read_variable(pid_t pid, struct slice name, char *room, size_t size)
{
	struct slice text = read_proc(pid, "environ", room, size), one;

	while (slice_next(&text, '\0', &one))
		if (slice_starts(one, name))
			return slice_after(one, name.len);
	return SLICE_NONE;
}

void who_find_login(struct who *who)
{
	char room[4096];
	struct slice text = slice_trim(read_proc(who->pid, "loginuid", room, 32));
	uint64_t uid;

	if (text.len && text.ptr[text.len - 1] == '\n')
		text.len--;
	if (slice_to_number(text, UINT32_MAX - 1, &uid)) {
		who_user_name((uid_t)uid, who->login, sizeof who->login);
		return;
	}
	text = read_variable(who->pid, SLICE("SUDO_USER="), room, sizeof room);
	text_shown(text, who->login, sizeof who->login);
}

/* ---- where from ---- */

/* proc(5): "pid (name) state ppid pgrp session tty_nr ..."; the name may hold anything, so count from the last ")". */
bool who_read_stat(struct slice stat, pid_t *parent, char line[32])
{
	struct slice part;
	uint64_t number = 0, terminal = 0;
	size_t end = stat.len;

	while (end > 0 && stat.ptr[end - 1] != ')')
		end--;
	if (end == 0 || end + 2 > stat.len)
		return false;
	stat = slice_after(stat, end + 1);
	line[0] = '\0';
	for (int i = 0; i < 5; i++) {
		if (!slice_next(&stat, ' ', &part))
			return false;
		if (i == 1 && !slice_to_number(part, INT32_MAX, &number))
			return false;
		if (i == 4)
			slice_to_number(part, INT32_MAX, &terminal);
	}
	*parent = (pid_t)number;
	if (major((dev_t)terminal) >= 136 &&
	    major((dev_t)terminal) <= 143) /* UNIX98 terminals, 256 a major */
		snprintf(line, 32, "pts/%u", (major((dev_t)terminal) - 136) * 256 + minor((dev_t)terminal));
	else if (major((dev_t)terminal) == 4)
		snprintf(line, 32, "tty%u", minor((dev_t)terminal));
	return true;
}

bool who_read_utmp(const struct utmpx *entries, size_t count, const char *line, char *to, size_t size)
{
	static const int32_t none[3] = { 0 };

	for (size_t i = 0; i < count; i++) {
		const struct utmpx *entry = &entries[i];

		if (entry->ut_type != USER_PROCESS ||
		    strncmp(entry->ut_line, line, sizeof entry->ut_line) != 0)
			continue;
		if (memcmp(&entry->ut_addr_v6[1], none, sizeof none) != 0)
			return inet_ntop(AF_INET6, entry->ut_addr_v6, to, (socklen_t)size) != NULL;
		if (entry->ut_addr_v6[0])
			return inet_ntop(AF_INET, entry->ut_addr_v6, to, (socklen_t)size) != NULL;
		text_shown((struct slice){ entry->ut_host, strnlen(entry->ut_host, sizeof entry->ut_host) },
		           to, size);
		return to[0] != '\0';
	}
	return false;
}

static bool take_address(struct slice text, char *to, size_t size)
{
	struct slice first = slice_first(text, slice_find(text, ' '));
	unsigned char bytes[16];
	char given[INET6_ADDRSTRLEN];

	if (!slice_to_text(first, given, sizeof given) ||
	    (inet_pton(AF_INET, given, bytes) != 1 && inet_pton(AF_INET6, given, bytes) != 1))
		return false;
	snprintf(to, size, "%s", given);
	return true;
}

/* sudo may have given it a terminal of its own: the login's is that of an ancestor. */
void who_find_address(struct who *who)
{
	struct utmpx *entries = mem_new_array(WHO_UTMP_MAX, sizeof *entries);
	int fd = open(_PATH_UTMP, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 && entries ? read(fd, entries, WHO_UTMP_MAX * sizeof *entries) : 0;
	size_t count = got > 0 ? (size_t)got / sizeof *entries : 0;
	pid_t pid = who->pid;
	char room[4096], line[32];

	if (fd >= 0)
		close(fd);
	for (int i = 0; i < WHO_ANCESTORS_MAX && pid > 1 && !who->address[0]; i++) {
		pid_t parent = 0;

		take_address(read_variable(pid, SLICE(SSH_VARIABLE), room, sizeof room), who->address,
		             sizeof who->address);
		if (!who_read_stat(read_proc(pid, "stat", room, sizeof room), &parent, line))
			break;
		if (!who->address[0] && line[0] &&
		    !who_read_utmp(entries, count, line, who->address, sizeof who->address))
			who->address[0] = '\0';
		pid = parent;
	}
	mem_free(entries);
}

void who_claim_address(struct who *who, struct slice claim)
{
	char address[INET6_ADDRSTRLEN];

	if (!who->address[0] && take_address(claim, address, sizeof address))
		snprintf(who->address, sizeof who->address, "%s, it says", address);
}
