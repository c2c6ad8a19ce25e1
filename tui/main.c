/*
 * parley: the console and the command line of the edge.
 *
 * `parley` alone (or `parley console [SCREEN]`) opens the console, everything
 * else is a command.  Here stand the things that are asked of the system once:
 * locale, clock, terminal, environment.
 */
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tui/cli/cli.h"
#include "tui/client/client.h"
#include "tui/client/words.h"

static const char program[] = "parley 0.1";

#ifndef PARLEY_LOCALE_FOLDER
#define PARLEY_LOCALE_FOLDER "/usr/local/share/locale"
#endif

static struct cli_world make_world(const char *path)
{
	return (struct cli_world){ .out = stdout,
		                   .err = stderr,
		                   .now = instant_now,
		                   .socket_path = path,
		                   .name = program,
		                   .style = { .is_terminal = isatty(STDOUT_FILENO) == 1,
		                              .has_headings = true,
		                              .is_utf8 = slice_equal(slice_of(nl_langinfo(CODESET)),
		                                                     SLICE("UTF-8")) },
		                   .can_ask = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 };
}

static enum cli_exit run(const struct cli_world *world, const struct cli_request *request)
{
	if (request->task == CLI_VERSION) {
		fprintf(world->out, "%s\n", program);
		return CLI_EXIT_DONE;
	}
	return cli_run(world, request);
}

int main(int count, char **words)
{
	char path[CLIENT_PATH_MAX] = "";
	struct cli_world world;
	struct cli_request request;
	struct reason reason;
	enum cli_exit code = CLI_EXIT_USAGE;

	setlocale(LC_ALL, "");
	bindtextdomain("parley", PARLEY_LOCALE_FOLDER);
	textdomain("parley");
	signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of fflush */
	world = make_world(path);
	if (cli_request_read(count > 0 ? (size_t)count - 1 : 0, (const char *const *)words + 1, &request,
	                     &reason) != RESULT_OK)
		cli_complain(&world, slice_of(reason.text));
	else if (client_path(request.options.socket, getenv("PARLEY_SOCKET"), request.options.root, path,
	                     &reason) != RESULT_OK)
		cli_complain(&world, slice_of(reason.text));
	else
		code = run(&world, &request);
	cli_request_free(&request);
	return (int)code;
}
