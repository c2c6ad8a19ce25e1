/*
 * parley: the console and the command line of the edge.
 *
 * `parley` alone (or `parley console [SCREEN]`) opens the console, everything
 * else is a command.  Here stand the things that are asked of the system once:
 * locale, clock, terminal, environment.
 */
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "tui/cli/cli.h"
#include "tui/cli/complete.h"
#include "tui/client/bridge.h"
#include "tui/client/call.h"
#include "tui/client/client.h"
#include "tui/client/words.h"
#include "tui/screens/console.h"

static const char program[] = "parley 0.1";

static struct cli_world make_world(const char *path)
{
	return (struct cli_world){ .out = stdout,
		                   .err = stderr,
		                   .now = instant_now,
		                   .socket_path = path,
		                   .name = program,
		                   .from = getenv("SSH_CONNECTION"),
		                   .style = { .is_terminal = isatty(STDOUT_FILENO) == 1,
		                              .has_headings = true,
		                              .is_utf8 = slice_equal(slice_of(nl_langinfo(CODESET)),
		                                                     SLICE("UTF-8")) },
		                   .can_ask = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 };
}

/* ---- the console ---- */

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

/* In a Chinese, Japanese or Korean locale terminals may draw frames two cells wide. */
static bool has_wide_ambiguous(void)
{
	struct slice locale = slice_of(setlocale(LC_CTYPE, NULL));

	return slice_starts(locale, SLICE("zh")) || slice_starts(locale, SLICE("ja")) ||
	       slice_starts(locale, SLICE("ko"));
}

static bool read_choice(const char *word, const char *yes, const char *no, enum term_choice *out)
{
	*out = TERM_AUTO;
	if (!word || slice_equal(slice_of(word), SLICE("auto")))
		return true;
	*out = slice_equal(slice_of(word), slice_of(yes)) ? TERM_YES : TERM_NO;
	return *out == TERM_YES || slice_equal(slice_of(word), slice_of(no));
}

/* From the option, else the environment; nothing is kept for the next time. */
static bool read_theme(const struct cli_world *world, const char *asked, enum theme *out)
{
	const char *name = asked ? asked : is_set("PARLEY_THEME") ? getenv("PARLEY_THEME") : "default";
	char names[128], line[300];

	*out = theme_named(slice_of(name));
	if (*out < THEME_COUNT)
		return true;
	theme_names(names, sizeof names);
	snprintf(line, sizeof line, _("unknown theme \"%s\"; there are %s"), name, names);
	cli_complain(world, slice_of(line));
	return false;
}

static enum cli_exit run_console(const struct cli_world *world, const struct cli_request *request)
{
	struct console_setup setup = { .socket_path = world->socket_path,
		                       .remote = world->remote,
		                       .name = program,
		                       .screen = request->topics[0],
		                       .filter = request->options.filter,
		                       .is_read_only = request->options.is_read_only,
		                       .from = world->from,
		                       .now = instant_now };
	struct reason reason;
	uint64_t escape_ms = 0;

	setup.term.is_utf8 = world->style.is_utf8;
	setup.term.has_no_color = is_set("NO_COLOR");
	setup.term.is_remote = is_set("SSH_CONNECTION");
	setup.term.has_wide_ambiguous = has_wide_ambiguous();
	if (is_set("ESCDELAY") && slice_to_number(slice_of(getenv("ESCDELAY")), 10000, &escape_ms))
		setup.term.escape_ms = (int)escape_ms;
	if (!read_choice(request->options.color, "always", "never", &setup.term.colour) ||
	    !read_choice(request->options.frames, "utf8", "ascii", &setup.term.frames)) {
		cli_complain(
		        world,
		        slice_of(_("--color is auto, always or never; --frames is auto, ascii or utf8")));
		return CLI_EXIT_USAGE;
	}
	if (!read_theme(world, request->options.theme, &setup.term.theme))
		return CLI_EXIT_USAGE;
	if (!world->can_ask) {
		cli_complain(world,
		             slice_of(_("the console needs a terminal; parley help lists the commands")));
		return CLI_EXIT_USAGE;
	}
	if (console_run(&setup, &reason) != RESULT_OK) {
		cli_complain(world, slice_of(reason.text));
		return CLI_EXIT_USAGE;
	}
	return CLI_EXIT_DONE;
}

static enum cli_exit run(const struct cli_world *world, const struct cli_request *request)
{
	if (request->task == CLI_VERSION) {
		fprintf(world->out, "%s\n", program);
		return CLI_EXIT_DONE;
	}
	if (request->task == CLI_STDIO)
		return bridge_run(STDIN_FILENO, STDOUT_FILENO, world->socket_path, world->from)
		               ? CLI_EXIT_DONE
		               : CLI_EXIT_UNREACHABLE;
	if (request->task == CLI_CONSOLE)
		return run_console(world, request);
	return cli_run(world, request);
}

/* The same on another machine.  ssh asks what it has to ask now, before a console owns the terminal. */
static enum cli_exit run_there(struct cli_world *world, const struct cli_request *request)
{
	const struct remote_setup setup = { .host = request->options.ssh,
		                            .program = is_set("PARLEY_SSH") ? getenv("PARLEY_SSH") : NULL,
		                            .socket = request->options.socket,
		                            .root = request->options.root,
		                            .now = instant_now };
	enum control_code code;
	struct reason reason;
	enum cli_exit exit_code;

	if (remote_start(&setup, &world->remote, &code, &reason) != RESULT_OK) {
		cli_complain(world, slice_of(reason.text));
		return render_error_exit(code);
	}
	exit_code = run(world, request);
	remote_free(&world->remote);
	return exit_code;
}

/* The word after an option, wherever it stands: what is completed is no whole command yet. */
static const char *word_after(const char *option, int count, char **words)
{
	for (int i = 1; i + 1 < count; i++)
		if (slice_equal(slice_of(words[i]), slice_of(option)))
			return words[i + 1];
	return NULL;
}

/* `parley complete -- WORD...`: for the shell. */
static int complete(int count, char **words)
{
	char path[CLIENT_PATH_MAX] = "";
	struct reason reason;
	struct caller_setup setup = {
		.path = path, .name = program, .is_read_only = true, .now = instant_now
	};

	if (!word_after("--ssh", count, words) && /* nobody waits for ssh to have a word completed */
	    client_path(word_after("--socket", count, words), getenv("PARLEY_SOCKET"),
	                word_after("--root", count, words), path, &reason) == RESULT_OK &&
	    count > 3)
		complete_print(&setup, (size_t)count - 3, (const char *const *)words + 3);
	return 0;
}

int main(int count, char **words)
{
	char path[CLIENT_PATH_MAX] = "";
	struct cli_world world;
	struct cli_request request;
	struct reason reason;
	enum cli_exit code = CLI_EXIT_USAGE;

	words_start();
	if (count > 2 && slice_equal(slice_of(words[1]), SLICE("complete")))
		return complete(count, words);
	world = make_world(path);
	if (cli_request_read(count > 0 ? (size_t)count - 1 : 0, (const char *const *)words + 1, &request,
	                     &reason) != RESULT_OK)
		cli_complain(&world, slice_of(reason.text));
	else if (client_path(request.options.socket, getenv("PARLEY_SOCKET"), request.options.root, path,
	                     &reason) != RESULT_OK)
		cli_complain(&world, slice_of(reason.text));
	else if (request.options.ssh && (request.task == CLI_RUN || request.task == CLI_CONSOLE))
		code = run_there(&world, &request);
	else
		code = run(&world, &request);
	cli_request_free(&request);
	return (int)code;
}
