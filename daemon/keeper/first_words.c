/*
 * first_words: the file in which the Access Edge keeps with whom our users began (policy/first.h).  It is the
 * keeper's; the service, which may open nothing, is handed it.  All its blocks are claimed beforehand: a full disk must
 * not end the process that writes into it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/parts.h"
#include "daemon/keeper/services.h"
#include "daemon/policy/first.h"

static int open_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct stat about;

	if (fd >= 0 && (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_uid != geteuid())) {
		close(fd);
		fd = -1;
		errno = EPERM;
	}
	return fd;
}

/* One of another size is left to whoever still has it mapped: cut short, it would end that process. */
static int open_whole(const char *path)
{
	int fd = open_file(path), error;
	struct stat about;

	if (fd >= 0 && fstat(fd, &about) == 0 && about.st_size != 0 && about.st_size != FIRST_BYTES) {
		close(fd);
		fd = unlink(path) == 0 ? open_file(path) : -1;
	}
	if (fd < 0 || (error = posix_fallocate(fd, 0, FIRST_BYTES)) == 0)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

void first_words_send(struct service *s)
{
	char path[KEEPER_PATH_BYTES];
	int fd;

	if (s != &s->keeper->access ||
	    snprintf(path, sizeof path, "%s/var/lib/parley/first-words", s->keeper->root) >= (int)sizeof path)
		return;
	fd = open_whole(path);
	if (fd < 0) {
		fprintf(stderr,
		        "keeper: %s: %m: who was written to is not remembered\n", path);
		return;
	}
	link_send(s->link, LINK_FIRST_WORDS, 0, SLICE(""), fd);
	close(fd);
}
