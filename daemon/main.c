/*
 * parleyd: arguments, then the launcher.  With the hidden argument --process,
 * which the launcher gives, the process of that name.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/access/access.h"
#include "daemon/gateway/gateway.h"
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

/* A service's own root, and what it runs; `folder` is where it may write as it will see it, or NULL. */
static const struct service_process {
	const char *name, *confined_to, *folder;
	int (*run)(const struct process_start *start, const char *folder);
} services[] = {
	{ "access", "/run/parley/empty", NULL, access_main },
	{ "gateway", "/var/lib/parley-gateway", "/state", gateway_main },
};

static int run_service(const struct arguments *a, const struct process_start *start,
                       const struct service_process *service)
{
	char confined_to[ROOT_BYTES + 32], folder[ROOT_BYTES + 64];
	const struct process_confinement how = { .user = a->user, .empty_root = confined_to };
	struct reason reason = { "" };
	bool is_inside = false;

	snprintf(confined_to, sizeof confined_to, "%s%s", a->root, service->confined_to);
	if (process_confine(&how, &is_inside, &reason) != RESULT_OK) {
		fprintf(stderr, "%s: %s\n", service->name, reason.text);
		return EXIT_SYSTEM;
	}
	snprintf(folder, sizeof folder, "%s%s", is_inside ? "" : confined_to,
	         service->folder ? service->folder : "");
	return service->run(start, service->folder ? folder : NULL);
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
	for (size_t i = 0; i < sizeof services / sizeof *services; i++)
		if (strcmp(a->process, services[i].name) == 0)
			return run_service(a, &start, &services[i]);
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
