/*
 * `parleyd --check`: host.xml and conf.d as a whole, without a daemon, a store or anything written.
 */
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

static void print_problems(const struct config_problems *problems)
{
	struct buffer line;

	buffer_start(&line, 16 * 1024);
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

static enum result check_folder(const char *root, uid_t owner, struct config_problems *problems,
                                struct reason *reason)
{
	struct config_folder *folder = mem_new(sizeof *folder);
	struct model_snapshot *snapshot = NULL;
	char path[KEEPER_PATH_BYTES];
	enum result result;

	if (!folder)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	if (!folder_path(path, root, "/etc/parley/conf.d"))
		result = fail(reason, RESULT_LIMIT, "the root's name is too long");
	else if ((result = config_folder_read(path, owner, folder, problems, reason)) == RESULT_OK)
		result = config_read(folder->documents, folder->count, NULL, &snapshot, problems);
	if (result == RESULT_NOT_FOUND) /* no conf.d: the defaults */
		result = RESULT_OK;
	if (result == RESULT_OK)
		printf("conf.d: %zu documents, no problem\n", folder->count);
	config_folder_stop(folder);
	model_snapshot_free(&snapshot);
	mem_free(folder);
	return result;
}

int keeper_check(const char *root)
{
	struct config_problems *problems = mem_new(sizeof *problems);
	struct reason reason = { "" };
	struct host host;
	bool is_good = problems && host_read(root, &host, &reason) == RESULT_OK;

	if (!problems)
		return 1;
	if (!is_good)
		printf("%s\n", reason.text);
	reason.text[0] = '\0';
	config_problems_start(problems);
	if (check_folder(root, owner_of(is_good ? &host : NULL), problems, &reason) != RESULT_OK) {
		is_good = false;
		print_problems(problems);
		if (!problems->count)
			printf("conf.d: %s\n", reason.text);
	}
	config_problems_stop(problems);
	mem_free(problems);
	return is_good ? 0 : 1;
}
