/*
 * prolog: what stands before the first element, looked at before the parser sees it.
 *
 * libxml2 2.9 obeys a declared UTF-7 or UTF-16 and takes byte-order marks for more
 * than they are; so the bytes must be UTF-8 from end to end and the declaration may
 * say nothing else.  XML 1.0 §2.8, §4.3.3.
 */
#ifndef DAEMON_CONFIG_PROLOG_H
#define DAEMON_CONFIG_PROLOG_H

#include "shared/base/slice.h"

/* NULL, and a UTF-8 byte-order mark is taken off `*bytes`; or what is wrong. */
const char *config_prolog_check(struct slice *bytes);

#endif
