/*
 * gateway: the XMPP gateway process.  SIP with the Access Edge on one side, XMPP streams with partners' servers on
 * the other, and what is said on the one said again on the other.
 *
 * Problem: our pool speaks SIP and knows nothing of XMPP; a partner's server speaks XMPP and knows nothing of SIP; each
 * of their users must look to the other side like one of its own.  Nothing may be lost without a word, nobody may
 * speak for a domain that his stream has not proved, and who may talk is decided by the Access Edge alone.
 * Files in reading order:
 *   parts.h       what the files below share: the process and its two seams, SIP and XMPP
 *   gateway.c     the process: frames from the keeper, image, certificate, listeners, drain
 *   access.c      the stream to the Access Edge: SIP messages in frames
 *   sip.c         transactions on it: requests of ours and their answers, requests to us and ours
 *   streams.h     the XMPP side: streams.c, stream.c, route.c, dial.c
 *   report.c      events and counters for the keeper; answer.c its questions
 * Direction: access.c -> sip.c -> (translation) -> streams -> the partner, and back.
 */
#ifndef DAEMON_GATEWAY_GATEWAY_H
#define DAEMON_GATEWAY_GATEWAY_H

#include "daemon/link/process.h"

/* `folder`: where it keeps its state.  Runs until the keeper says drain or the launcher goes away. The process's exit code. */
int gateway_main(const struct process_start *start, const char *folder);

#endif
