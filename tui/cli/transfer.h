/*
 * transfer: configuration documents between a directory here and the daemon, in pieces of a line's size.
 */
#ifndef TUI_CLI_TRANSFER_H
#define TUI_CLI_TRANSFER_H

#include <stdio.h>

#include "tui/client/call.h"

enum {
	TRANSFER_FILES_MAX = 256,
	TRANSFER_BYTES_MAX = 16 * 1024 * 1024,
	TRANSFER_NAME_MAX = 128,
	TRANSFER_PATH_MAX = 4096
};

/*
 * How many of `text`'s first bytes fit one config.upload: whole characters, at
 * most CONTROL_PIECE_MAX bytes, and no longer than a line when JSON has escaped them.
 */
size_t transfer_piece(struct slice text);

/* Sends every .xml file of the directory, names in order.  An error of the daemon is in `code` and `reason`. */
enum result transfer_upload(struct caller *caller, const char *directory, int64_t timeout_ms,
                            enum control_code *code, struct reason *reason);
/* One file (- : standard input), sent under the name `as`; `code` and reason as above. */
enum result transfer_send_file(struct caller *caller, const char *path, const char *as, int64_t timeout_ms,
                               enum control_code *code, struct reason *reason);
/* Over what was there; also to a pipe or a device. */
enum result transfer_write_file(const char *path, struct slice text, struct reason *reason);
/* A file that only its owner reads, whole or not at all.  EXISTS: there is one, and it is not to be replaced; IO. */
enum result transfer_keep_file(const char *path, struct slice text, bool replaces, struct reason *reason);
/*
 * Fetches what `listing` (the answer to config.export) names: into `directory`,
 * each file replaced whole, or all to `out` when directory is NULL or "-".
 */
enum result transfer_download(struct caller *caller, const struct json *listing, const char *directory,
                              FILE *out, int64_t timeout_ms, enum control_code *code, struct reason *reason);

#endif
