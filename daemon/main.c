/*
 * parleyd: arguments, then the launcher.  With the hidden argument --process,
 * which the launcher gives, the process of that name.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/access/access.h"
#include "daemon/keeper/keeper.h"
#include "daemon/launcher/launcher.h"
#include "daemon/link/process.h"

enum { EXIT_USAGE = 2, EXIT_SYSTEM = 71, ROOT_BYTES = 512 };

struct arguments {
	char root[ROOT_BYTES]; /* "" or without a slash at its end */
	const char *process;   /* NULL: the launcher */
	const char *user;
	bool is_verbose, checks;
};

static int usage(FILE *to)
{
	fputs("usage: parleyd [--root DIR] [--verbose] [--check]\n"
	      "  --root DIR   everything below DIR: etc/parley, var/lib/parley, run/parley (default: /)\n"
	      "  --verbose    log what passes, too\n"
	      "  --check      check host.xml and conf.d, then end\n",
	      to);
	return to == stdout ? 0 : EXIT_USAGE;
}

/* Absolute, because children and messages name it long after; it need not exist yet. */
static bool take_root(struct arguments *a, const char *value)
{
	char here[ROOT_BYTES] = "";
	int length;

	if (value[0] == '\0' || (value[0] != '/' && !getcwd(here, sizeof here)))
		return false;
	length = snprintf(a->root, sizeof a->root, "%s%s%s", here, here[0] ? "/" : "", value);
	if (length < 0 || (size_t)length >= sizeof a->root)
		return false;
	while (length && a->root[length - 1] == '/')
		a->root[--length] = '\0';
	return true;
}

static bool take_arguments(struct arguments *a, int count, char **values)
{
	for (int i = 1; i < count; i++) {
		bool has_value = i + 1 < count;

		if (strcmp(values[i], "--verbose") == 0)
			a->is_verbose = true;
		else if (strcmp(values[i], "--check") == 0)
			a->checks = true;
		else if (strcmp(values[i], "--root") == 0 && has_value && take_root(a, values[i + 1]))
			i++;
		else if (strcmp(values[i], "--process") == 0 && has_value)
			a->process = values[++i];
		else if (strcmp(values[i], "--user") == 0 && has_value)
			a->user = values[++i];
		else
			return false;
	}
	return true;
}

static int run_access(const struct arguments *a, const struct process_start *start)
{
	char empty[ROOT_BYTES + 32];
	const struct process_confinement how = { .user = a->user, .empty_root = empty };
	struct reason reason = { "" };

	snprintf(empty, sizeof empty, "%s/run/parley/empty", a->root);
	if (process_confine(&how, &reason) != RESULT_OK) {
		fprintf(stderr, "access: %s\n", reason.text);
		return EXIT_SYSTEM;
	}
	return access_main(start);
}

static int run_process(const struct arguments *a)
{
	bool is_keeper = strcmp(a->process, "keeper") == 0;
	const struct process_start start = { .name = a->process,
		                             .link = is_keeper ? -1 : PROCESS_LINK_FD,
		                             .launcher = PROCESS_LAUNCHER_FD,
		                             .is_verbose = a->is_verbose };
	struct reason reason = { "" };

	if (process_harden(PROCESS_LAUNCHER_FD, &reason) != RESULT_OK) {
		fprintf(stderr, "%s: %s\n", a->process, reason.text);
		return EXIT_SYSTEM;
	}
	if (is_keeper)
		return keeper_main(&start, a->root);
	if (strcmp(a->process, "access") == 0)
		return run_access(a, &start);
	return usage(stderr);
}

int main(int count, char **values)
{
	struct arguments arguments = { .user = "" };

	if (count == 2 && strcmp(values[1], "--help") == 0)
		return usage(stdout);
	if (!take_arguments(&arguments, count, values))
		return usage(stderr);
	if (arguments.process)
		return run_process(&arguments);
	if (arguments.checks)
		return keeper_check(arguments.root);

	const struct launcher_settings settings = { .root = arguments.root,
		                                    .is_verbose = arguments.is_verbose };

	return launcher_main(&settings);
}
