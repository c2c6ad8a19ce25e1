/*
 * keeper: the process that owns everything precious and never reads a byte from the Internet.
 *
 * Problem: configuration, certificates, the control socket and the audit must
 * live in one place that outlasts a crash of any service, and that no stranger
 * can talk to.
 * Files in reading order:
 *   parts.h        what the files below share
 *   keeper.c       the process: birth, frames from the launcher, reload, end
 *   folders.c      the folders it needs, and whose they are
 *   host.c         what belongs to this machine only: host.xml, resolvers, the token key
 *   events.c       the one place every event goes through: log, ring, counters, consoles
 *   audit.c        who did what, as a chain: durable before it is acknowledged; audited.c: which calls
 *   publish.c      versions: import, check, publish, mirror, apply; past.c: an old one, looked at again
 *   change.c       the way to a version: copy, edit, stage, try or publish; drafts.c: what is staged
 *   plan.c         what a change would do, over decisions.c: what was decided in the last day
 *   pending.c      a version that goes back by itself unless it is confirmed
 *   service.c      one service: its link, what it is sent, what it reports; held.c: an administrator's word on it
 *   listeners.c    which sockets it listens on
 *   credentials.c  its certificates and keys, and what is missing of them
 *   query.c        questions to a service, answered in pieces and in time
 *   roles.c        who may do what (pure); who.c: who is behind a client
 *   control.c      the control socket; session.c: one client; call.c: one call; many.c: one for several objects
 *   verbs.c        the table of verbs; verbs_*.c: what they do; filtering.c: which rows a list shows
 * Direction: control socket -> call -> verb -> publish -> services; services -> events -> control socket.
 */
#ifndef DAEMON_KEEPER_KEEPER_H
#define DAEMON_KEEPER_KEEPER_H

#include "daemon/link/process.h"

/* `root`: "" or a folder without a slash at its end. Until the launcher says stop or goes away. The process's exit code. */
int keeper_main(const struct process_start *start, const char *root);
/* Checks host.xml and conf.d without running anything: problems on standard output. 0: none; 1: some. */
int keeper_check(const char *root);

#endif
