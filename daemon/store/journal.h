/*
 * journal: one line a version, each bound to all before it by a chained digest.
 *
 *   NUMBER SHA256 PUBLISH-ID AUTHOR TIME PARENT CHANGES COMMENT CHAIN
 *
 * AUTHOR and COMMENT have every byte but [0-9A-Za-z._@-] written as %XX ("-" when empty);
 * CHAIN is the SHA-256 of the line before its blank and of the CHAIN of the line before.  Pure.
 */
#ifndef DAEMON_STORE_JOURNAL_H
#define DAEMON_STORE_JOURNAL_H

#include "daemon/store/store.h"

enum { JOURNAL_LINE_MAX = 4096, JOURNAL_BYTES_MAX = 64 * 1024 * 1024 };

/* `chain` is that of the line before ("" for the first) and becomes this line's. */
void journal_line_write(const struct store_version *version, char chain[STORE_DIGEST_BYTES],
                        struct buffer *out);
/* A line without its LF. False: torn, forged, or out of order. */
bool journal_line_read(struct slice line, char chain[STORE_DIGEST_BYTES], struct store_version *version);

#endif
