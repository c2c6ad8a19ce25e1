/*
 * The folders the keeper needs, whose they are, and reading a file nobody can swap under us.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/crypto/crypto.h"
#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

enum { FOLDER_NAME_ROOM = 16 * 1024 };

bool folder_path(char path[KEEPER_PATH_BYTES], const char *root, const char *below)
{
	int length = snprintf(path, KEEPER_PATH_BYTES, "%s%s", root, below);

	if (length >= 0 && length < KEEPER_PATH_BYTES)
		return true;
	path[0] = '\0';
	return false;
}

bool folder_config_path(char path[KEEPER_PATH_BYTES], const char *root, const char *name)
{
	char below[KEEPER_PATH_BYTES];

	if (name[0] == '/')
		return folder_path(path, "", name);
	return folder_path(below, "/etc/parley/", name) && folder_path(path, root, below);
}

/* ---- folders ---- */

struct owner {
	bool is_given; /* else everything stays whose it is */
	uid_t uid;
	gid_t gid, socket_gid;
};

bool folders_user_exists(const char *name)
{
	char room[FOLDER_NAME_ROOM];
	struct passwd user, *found = NULL;

	return getpwnam_r(name, &user, room, sizeof room, &found) == 0 && found;
}

static enum result find_owner(const struct host *host, struct owner *owner, struct reason *reason)
{
	char room[FOLDER_NAME_ROOM];
	struct passwd user, *found_user = NULL;
	struct group group, *found_group = NULL;

	*owner = (struct owner){ .is_given = geteuid() == 0 };
	if (!owner->is_given)
		return RESULT_OK;
	if (getpwnam_r(host->keeper_user, &user, room, sizeof room, &found_user) != 0 || !found_user)
		return fail(reason, RESULT_NOT_FOUND,
		            "there is no Unix user \"%s\"; create it or name another in host.xml, field "
		            "keeper-user",
		            host->keeper_user);
	owner->uid = found_user->pw_uid;
	owner->gid = owner->socket_gid = found_user->pw_gid;
	if (getgrnam_r(host->admin_group, &group, room, sizeof room, &found_group) == 0 && found_group)
		owner->socket_gid = found_group->gr_gid;
	return RESULT_OK;
}

/* Opened without following a link, then given away on the descriptor: nobody can put another in between. */
static enum result own_folder(const char *path, mode_t mode, const struct owner *owner, gid_t gid,
                              struct reason *reason)
{
	enum result result = RESULT_OK;
	struct stat st;
	int fd;

	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return fail_errno(reason, RESULT_IO, "%s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		result = fail_errno(reason, RESULT_IO, "%s", path);
	else if (owner->is_given && (fchown(fd, owner->uid, gid) != 0 || fchmod(fd, mode) != 0))
		result = fail_errno(reason, RESULT_IO, "%s", path);
	if (fd >= 0)
		close(fd);
	return result;
}

/* What the installer left root's alone becomes readable by its new group; links and names of two files are left alone. */
static void lend_file(int folder, const char *name, gid_t gid)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid != 0 ||
	    st.st_gid != 0 || (st.st_mode & 0004))
		goto out;
	if (fchown(fd, (uid_t)-1, gid) != 0 || fchmod(fd, (st.st_mode & 0740) | 0040) != 0)
		fprintf(stderr, "keeper: %s stays readable by root alone: %m\n", name);
out:
	close(fd);
}

static void lend_folder(const char *root, const char *below, const struct owner *owner)
{
	char path[KEEPER_PATH_BYTES];
	DIR *folder = owner->is_given && folder_path(path, root, below) ? opendir(path) : NULL;
	struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (config_name_is_good(slice_of(entry->d_name)))
			lend_file(dirfd(folder), entry->d_name, owner->socket_gid);
	if (folder)
		closedir(folder);
}

/* What the installer left root's alone may be passed through, not listed, by its new group. */
static void lend_way(const char *root, const char *below, const struct owner *owner, gid_t gid)
{
	char path[KEEPER_PATH_BYTES];
	struct stat st;
	int fd;

	if (!owner->is_given || !folder_path(path, root, below))
		return;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_uid == 0 && st.st_gid == 0 && !(st.st_mode & 0001) &&
	    (fchown(fd, (uid_t)-1, gid) != 0 || fchmod(fd, (st.st_mode & 0700) | 0010) != 0))
		fprintf(stderr, "keeper: %s stays closed to all but root: %m\n", path);
	close(fd);
}

/*
 * The gateway's root of its own, which is root's and which it cannot change, and in it the only folder it may write to.
 * Without such a user the gateway does not run, which is told elsewhere.
 */
static enum result gateway_folders(const char *root, const struct host *host, struct reason *reason)
{
	char room[FOLDER_NAME_ROOM], path[KEEPER_PATH_BYTES];
	struct owner theirs = { .is_given = geteuid() == 0 }, roots = theirs;
	struct passwd user, *found = NULL;
	enum result result;

	if (!folder_path(path, root, "/var/lib/parley-gateway"))
		return fail(reason, RESULT_LIMIT, "the root's name is too long");
	umask(022);
	result = own_folder(path, 0755, &roots, 0, reason);
	umask(077);
	if (result != RESULT_OK || !folder_path(path, root, "/var/lib/parley-gateway/state"))
		return result;
	if (theirs.is_given &&
	    (getpwnam_r(host->gateway_user, &user, room, sizeof room, &found) != 0 || !found))
		return RESULT_OK;
	if (found) {
		theirs.uid = user.pw_uid;
		theirs.gid = user.pw_gid;
	}
	return own_folder(path, 0700, &theirs, theirs.gid, reason);
}

enum result folders_prepare(const char *root, const struct host *host, struct reason *reason)
{
	static const struct {
		const char *path;
		mode_t mode;
		bool is_ours,
		        is_sockets; /* ours: given to the keeper's user; sockets: group is the socket's */
	} rows[] = {
		{ "/etc", 0755, false, false },
		{ "/etc/parley", 0755, false, false },
		{ "/etc/parley/conf.d", 02750, true,
		  true }, /* new files get its group, which the keeper has */
		{ "/var", 0755, false, false },
		{ "/var/lib", 0755, false, false },
		{ "/var/lib/parley", 0700, true, false },
		{ "/var/lib/parley/secrets", 0700, true, false },
		{ "/var/lib/parley/store", 0700, true, false },
		{ "/run/parley", 0750, true, true },
	};
	const struct owner nobody = { 0 };
	struct owner owner;
	enum result result = find_owner(host, &owner, reason);

	umask(022);
	for (size_t i = 0; i < sizeof rows / sizeof *rows && result == RESULT_OK; i++) {
		char path[KEEPER_PATH_BYTES];

		if (!folder_path(path, root, rows[i].path))
			result = fail(reason, RESULT_LIMIT, "the root's name is too long");
		else if (rows[i].is_ours)
			result = own_folder(path, rows[i].mode, &owner,
			                    rows[i].is_sockets ? owner.socket_gid : owner.gid, reason);
		else if (access(path, F_OK) !=
		         0) /* may be a link of the system's: left alone when it is there */
			result = own_folder(path, rows[i].mode, &nobody, 0, reason);
	}
	umask(077);
	if (result == RESULT_OK)
		result = gateway_folders(root, host, reason);
	if (result == RESULT_OK) {
		lend_way(root, "/etc/parley", &owner, owner.socket_gid);
		lend_way(root, "/etc/parley/certs", &owner, owner.gid);
		lend_folder(root, "/etc/parley", &owner);
		lend_folder(root, "/etc/parley/conf.d", &owner);
	}
	return result;
}

/* ---- files ---- */

static enum result check_file(const char *path, const struct stat *st, size_t max, bool is_secret,
                              struct reason *reason)
{
	if (!S_ISREG(st->st_mode))
		return fail(reason, RESULT_INVALID, "%s is no regular file", path);
	if (st->st_size < 0 || (uint64_t)st->st_size > max)
		return fail(reason, RESULT_LIMIT, "%s is larger than %zu bytes", path, max);
	if (is_secret && st->st_uid != geteuid() && st->st_uid != 0)
		return fail(reason, RESULT_DENIED,
		            "%s belongs to user %u; it must be the keeper's own or root's", path,
		            (unsigned)st->st_uid);
	if (is_secret && (st->st_mode & 0137))
		return fail(reason, RESULT_DENIED, "%s has mode %04o; allowed is 0640 at most", path,
		            (unsigned)(st->st_mode & 07777));
	return RESULT_OK;
}

/* With what to do about it: who runs, and the command that lets just him in. */
static enum result fail_open(const char *path, struct reason *reason)
{
	char room[FOLDER_NAME_ROOM];
	struct group group, *found = NULL;

	if (errno == ELOOP)
		return fail(reason, RESULT_INVALID, "%s is a symbolic link", path);
	if (errno != EACCES)
		return fail_errno(reason, errno == ENOENT ? RESULT_NOT_FOUND : RESULT_IO, "%s", path);
	if (getgrgid_r(getegid(), &group, room, sizeof room, &found) != 0 || !found)
		return fail_errno(reason, RESULT_IO, "%s", path);
	return fail(reason, RESULT_IO,
	            "%s: permission denied; let the keeper in: chgrp %s %s && chmod g+r %s (its folder: g+x)",
	            path, found->gr_name, path, path);
}

enum result folders_read(const char *path, size_t max, bool is_secret, struct buffer *out,
                         struct reason *reason)
{
	/* Non-blocking: a FIFO in its place must not hold us until fstat has told. */
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	enum result result;
	struct stat st;

	buffer_start(out, max);
	if (fd < 0)
		return fail_open(path, reason);
	result = fstat(fd, &st) != 0 ? fail_errno(reason, RESULT_IO, "%s", path)
	                             : check_file(path, &st, max, is_secret, reason);
	while (result == RESULT_OK) {
		size_t want = buffer_room(out) < 16 * 1024 ? buffer_room(out) : 16 * 1024;
		char *at = want ? buffer_reserve(out, want) : NULL;
		ssize_t got = at ? read(fd, at, want) : 0;

		if (want && !at)
			result = fail(reason, RESULT_NO_MEMORY, "%s: out of memory", path);
		else if (got < 0)
			result = fail_errno(reason, RESULT_IO, "%s", path);
		if (got <= 0)
			break;
		buffer_grew(out, (size_t)got);
	}
	close(fd);
	return result;
}

/* ---- secrets of our own ---- */

enum { SECRET_BYTES = 32, SECRET_TEXT_BYTES = 2 * SECRET_BYTES + 1 }; /* with the new line */

static enum result make_secret(const char *path, struct buffer *text, struct reason *reason)
{
	char part[KEEPER_PATH_BYTES + 8], hex[2 * SECRET_BYTES + 1];
	uint8_t key[SECRET_BYTES];
	enum result result = RESULT_OK;
	int fd;

	if (!crypto_random(key, sizeof key))
		return fail(reason, RESULT_IO, "the system gives no random bytes");
	buffer_add(text, slice_of(crypto_hex_write(key, sizeof key, hex)));
	mem_wipe(key, sizeof key);
	mem_wipe(hex, sizeof hex);
	if (!buffer_add_char(text, '\n'))
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	snprintf(part, sizeof part, "%s.new", path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text->bytes, SECRET_TEXT_BYTES) != SECRET_TEXT_BYTES || fsync(fd) != 0 ||
	    rename(part, path) != 0)
		result = fail_errno(reason, RESULT_IO, "%s", path);
	if (fd >= 0)
		close(fd);
	return result;
}

enum result folders_made_secret(const char *root, const char *name, struct buffer *text,
                                struct reason *reason)
{
	char below[64], path[KEEPER_PATH_BYTES];
	enum result result;

	snprintf(below, sizeof below, "/var/lib/parley/secrets/%s", name);
	if (!folder_path(path, root, below)) {
		buffer_start(text, 1);
		return fail(reason, RESULT_LIMIT, "the root's name is too long");
	}
	result = folders_read(path, SECRET_TEXT_BYTES, true, text, reason);
	return result == RESULT_NOT_FOUND ? make_secret(path, text, reason) : result;
}

struct slice folders_secret_line(const struct buffer *text)
{
	struct slice all = buffer_slice(text), line = slice_first(all, slice_find(all, '\n'));

	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	return slice_trim(line);
}

enum result folders_token_key(const char *root, uint8_t key[KEEPER_TOKEN_KEY_BYTES], struct reason *reason)
{
	struct buffer text;
	enum result result = folders_made_secret(root, "token.key", &text, reason);

	if (result == RESULT_OK && !crypto_hex_read(folders_secret_line(&text), key, KEEPER_TOKEN_KEY_BYTES))
		result = fail(reason, RESULT_INVALID,
		              "/var/lib/parley/secrets/token.key does not hold 64 hexadecimal digits; remove "
		              "it to have it made anew");
	if (text.bytes)
		mem_wipe(text.bytes, text.size);
	buffer_stop(&text);
	return result;
}
