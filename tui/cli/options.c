#include "tui/cli/options.h"

#include "tui/client/words.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct cli_option_row options[] = {
	[JSON] = { "json", 0, NULL, N_("print the daemon's result as it came, one JSON value a line") },
	[OUTPUT] = { "output", 0, "FORM",
	             N_("text, json (as --json), or csv: the rows of a list, as the daemon has them") },
	[COLUMNS] = { "columns", 0, "NAMES",
	              N_("of a list: these columns, with commas between; whatever a row has can be one") },
	[SORT] = { "sort", 0, "NAME", N_("of a list: by this column; -NAME: the other way round") },
	[UNSET] = { "unset", 0, "FIELDS",
	            N_("of a change: put these fields back to their defaults, with commas between") },
	[FILTER] = { "filter", 0, "TERMS",
	             N_("rows to list: words, state:up,retry, rate>5, since<1h, peer:a.example, !term; all "
	                "must hold") },
	[FOLLOW] = { "follow", 'f', NULL, N_("go on with what is to come, until interrupted") },
	[IF_VERSION] = { "if-version", 0, "N", N_("change only if the configuration is still version N") },
	[COMMENT] = { "comment", 'c', "TEXT", N_("why: kept with the version") },
	[STAGE] = { "stage", 0, NULL, N_("only stage the change; parley publish makes it live") },
	[DRY_RUN] = { "dry-run", 'n', NULL, N_("say what the change would do, and do nothing") },
	[CONFIRM_WITHIN] = { "confirm-within", 0, "SECONDS",
	                     N_("the change goes back by itself unless parley confirm comes in time; auto: "
	                        "when it is far-reaching") },
	[AS_OF] = { "as-of", 0, "N", N_("show the configuration as it was in version N") },
	[STAGED] = { "staged", 0, NULL,
	             N_("show the configuration as it would be with what you have staged") },
	[YES] = { "yes", 'y', NULL, N_("do not ask") },
	[TIMEOUT] = { "timeout", 0, "SECONDS", N_("how long to wait for an answer (default 30)") },
	[SOCKET] = { "socket", 0, "PATH", N_("the daemon's control socket (also $PARLEY_SOCKET)") },
	[ROOT] = { "root", 0, "DIR", N_("the daemon's root folder: DIR/run/parley/control.sock") },
	[SSH] = { "ssh", 0, "HOST",
	          N_("the edge on another machine, through ssh, its settings in ~/.ssh/config") },
	[STDIO] = { "stdio", 0, NULL,
	            N_("the other end of --ssh: join standard input and output to the socket") },
	[READ_ONLY] = { "read-only", 0, NULL, N_("ask the daemon for a session that can change nothing") },
	[COLOR] = { "color", 0, "WHEN", N_("console: auto, always or never (also $NO_COLOR)") },
	[FRAMES] = { "frames", 0, "WHICH", N_("console: auto, ascii or utf8") },
	[ASCII] = { "ascii", 0, NULL, N_("console: --frames=ascii") },
	[THEME] = { "theme", 0, "NAME",
	            N_("console: default, mono, high-contrast or blue-orange (also $PARLEY_THEME)") },
	[HELP] = { "help", 'h', NULL, N_("explain") },
	[VERSION] = { "version", 0, NULL, N_("print this program's version") },
};

const struct cli_option_row *cli_option(size_t index)
{
	return index < COUNT(options) ? &options[index] : NULL;
}

static const struct cli_alias_row aliases[] = {
	{ "connections", "connection", "list" },
	{ "domains", "domain", "list" },
	{ "events", "event", "tail" },
	{ "versions", "version", "list" },
};

const struct cli_alias_row *cli_alias(size_t index)
{
	return index < COUNT(aliases) ? &aliases[index] : NULL;
}
