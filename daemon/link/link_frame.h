/*
 * link_frame: one frame as bytes: a fixed head, then the payload.  Pure.  Seen only inside this folder and by its tests.
 *
 * Both ends are the same program on the same machine, so numbers travel in the machine's own order.
 */
#ifndef DAEMON_LINK_LINK_FRAME_H
#define DAEMON_LINK_LINK_FRAME_H

#include "daemon/link/link.h"

enum { LINK_HEAD_BYTES = 16, LINK_PACKET_MAX = LINK_HEAD_BYTES + LINK_PAYLOAD_MAX };

/* May a frame of this type have this payload and this descriptor?  INVALID says why not. */
enum result link_frame_check(enum link_type type, size_t payload, bool has_fd, struct reason *reason);
void link_frame_head(enum link_type type, uint64_t number, size_t payload, char head[LINK_HEAD_BYTES]);
/*
 * One packet as it came; `is_cut`: it, or what came with it, did not fit.  On OK `out` has no descriptor yet
 * (fd -1) and its payload points into `packet`.
 */
enum result link_frame_read(struct slice packet, bool is_cut, bool has_fd, struct link_frame *out,
                            struct reason *reason);

#endif
