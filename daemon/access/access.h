/*
 * access: the Access Edge process.  SIP between partners and our own pool.
 *
 * Problem: strangers, partners and our own servers all speak SIP to one
 * process; each request must be read, decided, and either carried on or
 * answered, exactly once, with the reason known.
 * Files in reading order:
 *   parts.h     what the files below share: the process, flows, requests, hops, partners
 *   access.c    the process: frames from the keeper, listeners, image, drain
 *   door.h/c    who may come in: classes, shares, turns for TLS handshakes
 *   flow.c      one connection: framing, keep-alive, deadlines, its end
 *   ending.c    one that is to end while it works: by policy, or by an administrator
 *   identity.c  who is at the other end of it
 *   inbound.c   a received request as a list of steps
 *   service.c   what a request is for (pure)
 *   request.c   a request on its way: targets, forwarding, next target, answers
 *   response.c  responses on their way back, ACK, CANCEL, timers
 *   neighbour.c the XMPP gateway as a next hop and a side that requests come from
 *   hop.c       a next hop: addresses, connecting, who waits for it
 *   contacts.c  who of ours has begun with whom, for providers whose users may not
 *   partner.c   a remote domain: what DNS says of it, its errors, its counts
 *   discovery.c partners on no list, watched
 *   report.c    events and counters for the keeper
 *   answer.c    its questions
 * Direction: flow -> inbound -> (policy) -> request -> hop -> flow.
 */
#ifndef DAEMON_ACCESS_ACCESS_H
#define DAEMON_ACCESS_ACCESS_H

#include "daemon/link/process.h"

/* Runs until the keeper says drain or the launcher goes away. The process's exit code.  It has no folder. */
int access_main(const struct process_start *start, const char *folder);

#endif
