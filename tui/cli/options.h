/*
 * options: what every command takes beside its words: the rows that reading, help, completion and the manual share.
 */
#ifndef TUI_CLI_OPTIONS_H
#define TUI_CLI_OPTIONS_H

#include "tui/cli/request.h"

enum cli_option_id {
	JSON,
	OUTPUT,
	COLUMNS,
	SORT,
	UNSET,
	FILTER,
	FOLLOW,
	IF_VERSION,
	COMMENT,
	STAGE,
	DRY_RUN,
	CONFIRM_WITHIN,
	AS_OF,
	STAGED,
	YES,
	TIMEOUT,
	SOCKET,
	ROOT,
	SSH,
	STDIO,
	READ_ONLY,
	COLOR,
	FRAMES,
	ASCII,
	THEME,
	HELP,
	VERSION,
	CLI_OPTION_COUNT
};

#endif
