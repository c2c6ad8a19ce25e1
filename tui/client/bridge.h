/*
 * bridge: `parley --stdio`: standard input and output joined to the control socket, for a parley at the other end of
 * an ssh.  What it says first is in remote.h.
 */
#ifndef TUI_CLIENT_BRIDGE_H
#define TUI_CLIENT_BRIDGE_H

#include "shared/base/result.h"

enum { BRIDGE_BYTES = 64 * 1024 }; /* that wait in either direction */

/* Until either side has ended and what it said has been handed on; true: both ended well. `from`: SSH_CONNECTION, or NULL. */
bool bridge_run(int in, int out, const char *path, const char *from);

#endif
