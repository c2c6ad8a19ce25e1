/*
 * written: reading back a message that we wrote ourselves.
 *
 * sip_message_write leaves one header a line, canonical names, "Name: value",
 * nothing folded; so what a transaction keeps (a request for its ACK and CANCEL, a
 * response for its To tag) is read line by line, without a parser or memory.
 */
#ifndef DAEMON_SIP_WRITTEN_H
#define DAEMON_SIP_WRITTEN_H

#include "daemon/sip/sip.h"

/* The next header line of `*rest` (at first: what follows the start line); false at the empty line or the end. */
bool sip_written_next(struct slice *rest, enum sip_header_id *id, struct slice *value);
/* The first header of a kind; false when there is none. */
bool sip_written_find(struct slice message, enum sip_header_id id, struct slice *value);
/* The start line, without CRLF; empty when there is none. */
struct slice sip_written_start(struct slice message);

#endif
