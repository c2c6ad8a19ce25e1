/*
 * `parleyd --check`: host.xml and conf.d as a whole, and what a start needs beside them: users, certificates and
 * keys that are read and belong together.  Without a daemon, a store or anything written.
 */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/io/tls.h"
#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

static void print_problems(const struct config_problems *problems)
{
	struct buffer line;

	buffer_start(&line, 16 * 1024);
	for (size_t i = 0; i < problems->warning_count; i++) {
		buffer_clear(&line);
		config_problem_write(&problems->warnings[i], &line);
		printf("warning: %.*s\n", SLICE_ARG(buffer_slice(&line)));
	}
	for (size_t i = 0; i < problems->count; i++) {
		buffer_clear(&line);
		config_problem_write(&problems->items[i], &line);
		printf("%.*s\n", SLICE_ARG(buffer_slice(&line)));
	}
	if (problems->unkept)
		printf("and %zu more\n", problems->unkept);
	buffer_stop(&line);
}

/* Whose conf.d may be: the keeper's, which root only checks for; NULL host: host.xml is broken. */
static uid_t owner_of(const struct host *host)
{
	char room[4096];
	struct passwd entry, *found = NULL;

	if (geteuid() != 0 || !host)
		return geteuid();
	if (getpwnam_r(host->keeper_user, &entry, room, sizeof room, &found) != 0 || !found)
		return 0;
	return found->pw_uid;
}

static enum result check_folder(const char *root, uid_t owner, struct model_snapshot **snapshot,
                                struct config_problems *problems, struct reason *reason)
{
	struct config_folder *folder = mem_new(sizeof *folder);
	char path[KEEPER_PATH_BYTES];
	enum result result;

	if (!folder)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	if (!folder_path(path, root, "/etc/parley/conf.d"))
		result = fail(reason, RESULT_LIMIT, "the root's name is too long");
	else if ((result = config_folder_read(path, owner, folder, problems, reason)) == RESULT_OK)
		result = config_read(folder->documents, folder->count, NULL, snapshot, problems);
	if (result == RESULT_NOT_FOUND) { /* no conf.d: the defaults */
		*snapshot = model_snapshot_new();
		result = *snapshot ? RESULT_OK : fail(reason, RESULT_NO_MEMORY, "out of memory");
	} else if (result == RESULT_OK) {
		printf("conf.d: %zu document%s, no problem\n", folder->count, folder->count == 1 ? "" : "s");
	}
	config_folder_stop(folder);
	mem_free(folder);
	return result;
}

/* ---- what a start needs ---- */

/* Only root gives its processes users of their own. */
static bool check_users(const struct host *host)
{
	char room[4096];
	struct group group, *found = NULL;
	bool is_good = true;

	if (geteuid() != 0)
		return true;
	if (!folders_user_exists(host->keeper_user)) {
		printf("host.xml: field keeper-user: there is no Unix user \"%s\"; create it or name "
		       "another\n",
		       host->keeper_user);
		is_good = false;
	}
	if (getgrnam_r(host->admin_group, &group, room, sizeof room, &found) != 0 || !found) {
		printf("host.xml: field admin-group: there is no Unix group \"%s\"; create it or name "
		       "another\n",
		       host->admin_group);
		is_good = false;
	}
	return is_good;
}

static struct slice next_part(struct slice *rest, size_t length)
{
	struct slice part = slice_first(*rest, length);

	*rest = slice_after(*rest, length);
	return part;
}

static enum result use_credentials(enum edge_side side, const struct credentials *files, struct slice bytes,
                                   struct tls_credentials **out, struct reason *reason)
{
	struct slice chain = next_part(&bytes, files->chain), key = next_part(&bytes, files->key);
	struct slice trust = next_part(&bytes, files->trust), crls = next_part(&bytes, files->crls);
	static const enum tls_boundary boundaries[SIDE_COUNT] = { [SIDE_EXTERNAL] = TLS_FEDERATION,
		                                                  [SIDE_INTERNAL] = TLS_INTERNAL,
		                                                  [SIDE_XMPP] = TLS_XMPP,
		                                                  [SIDE_REMOTE] = TLS_REMOTE };
	enum result result = tls_credentials_new(boundaries[side], chain, key, trust, crls, out, reason);

	for (size_t i = 0; i < files->more_count && result == RESULT_OK; i++) {
		struct reason inner = { "" };

		chain = next_part(&bytes, files->more[i].chain);
		key = next_part(&bytes, files->more[i].key);
		result = tls_credentials_add(*out, slice_of(files->more[i].name), chain, key, NULL, 0,
		                             &inner);
		if (result != RESULT_OK)
			fail(reason, result, "certificate %s: %.300s", files->more[i].name, inner.text);
	}
	return result;
}

/* Read and used as the service would: the pair belongs together, and the authorities are some. */
static bool check_pair(const char *root, const struct host *host, const struct policy_image *image,
                       const struct service_row *service, enum edge_side side)
{
	struct credentials files = { .fd = -1 };
	struct tls_credentials *credentials = NULL;
	struct reason reason = { "" };
	enum result result = credentials_read(root, host, image, side, &files, &reason);
	struct stat st = { 0 };
	size_t size = result == RESULT_OK && fstat(files.fd, &st) == 0 ? (size_t)st.st_size : 0;
	char *bytes = result == RESULT_OK && size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, files.fd, 0)
	                                          : MAP_FAILED;

	if (bytes != MAP_FAILED) {
		result = use_credentials(side, &files, (struct slice){ bytes, size }, &credentials, &reason);
		munmap(bytes, size);
	} else if (result == RESULT_OK) {
		result = fail(&reason, RESULT_INVALID, "the files are empty");
	}
	if (result != RESULT_OK)
		printf("%s would be stopped: topology.xml and host.xml, the %s certificate: %s\n",
		       service->title, side_name(side), reason.text);
	tls_credentials_free(&credentials);
	credentials_free(&files);
	return result == RESULT_OK;
}

/* From here on, until it is undone, files are read with the keeper's rights, so that the answer is the one it would get. */
static bool become_reader(const struct host *host)
{
	char room[4096];
	struct passwd entry, *found = NULL;

	if (geteuid() != 0)
		return true;
	if (getpwnam_r(host->keeper_user, &entry, room, sizeof room, &found) != 0 || !found)
		return false; /* check_users has said so */
	if (initgroups(host->keeper_user, found->pw_gid) == 0 && setegid(found->pw_gid) == 0 &&
	    seteuid(found->pw_uid) == 0)
		return true;
	printf("user %s cannot be taken on: %m\n", host->keeper_user);
	return false;
}

static bool check_service(const char *root, const struct host *host, const struct policy_image *image,
                          const struct service_row *service)
{
	const struct image_edge *edge = policy_image_edge(image, slice_of(host->node));
	struct reason reason = { "" };
	const char *ignored;
	bool is_good = true;

	if (!service_is_used(service, host, image, &ignored, &reason))
		return true;
	if (getuid() == 0 && !folders_user_exists(service_user(service, host))) {
		printf("host.xml: field %s: there is no Unix user \"%s\"; create it or name another\n",
		       service->user_field, service_user(service, host));
		is_good = false;
	}
	if (service_assigned(service, host, image, &ignored, &reason) != RESULT_OK) {
		printf("%s would be stopped: %s\n", service->title, reason.text);
		return false;
	}
	for (enum edge_side side = 0; side < SIDE_COUNT; side++)
		if (side_is_of(side, service->id) && side_uses_tls(edge, side))
			is_good &= check_pair(root, host, image, service, side);
	return is_good;
}

static bool check_services(const char *root, const struct host *host, const struct model_snapshot *snapshot)
{
	struct policy_image *image = NULL;
	struct reason reason = { "" };
	bool is_good = true;
	int fd = -1;

	if (policy_image_build(snapshot, 1, &fd, &reason) != RESULT_OK ||
	    policy_image_open(fd, &image, &reason) != RESULT_OK) {
		printf("conf.d: %s\n", reason.text);
		is_good = false;
	}
	for (size_t i = 0; image && i < SERVICE_COUNT; i++)
		is_good &= check_service(root, host, image, service_row((enum service_id)i));
	policy_image_close(&image);
	if (fd >= 0)
		close(fd);
	return is_good;
}

static bool has_configuration(const char *root)
{
	char path[KEEPER_PATH_BYTES];

	if (folder_path(path, root, "/etc/parley") && access(path, F_OK) == 0)
		return true;
	printf("%s: there is no configuration here; host.xml and conf.d belong there\n",
	       path[0] ? path : root);
	return false;
}

int keeper_check(const char *root)
{
	struct config_problems *problems = mem_new(sizeof *problems);
	struct model_snapshot *snapshot = NULL;
	struct reason reason = { "" };
	struct host host;
	bool is_good = problems && has_configuration(root), has_host;

	if (!is_good) {
		mem_free(problems);
		return 1;
	}
	has_host = host_read(root, &host, &reason) == RESULT_OK;
	if (has_host)
		is_good = check_users(&host);
	else
		printf("%s\n", reason.text);
	reason.text[0] = '\0';
	config_problems_start(problems);
	if (check_folder(root, owner_of(has_host ? &host : NULL), &snapshot, problems, &reason) !=
	    RESULT_OK) {
		is_good = false;
		print_problems(problems);
		if (!problems->count)
			printf("conf.d: %s\n", reason.text);
	} else if (has_host) {
		print_problems(problems); /* warnings only */
		is_good &= become_reader(&host) && check_services(root, &host, snapshot);
		if (getuid() == 0 && (seteuid(0) != 0 || setegid(getgid()) != 0))
			is_good = false;
	}
	model_snapshot_free(&snapshot);
	config_problems_stop(problems);
	mem_free(problems);
	if (is_good && has_host)
		printf("everything a start needs is there\n");
	return is_good && has_host ? 0 : 1;
}
