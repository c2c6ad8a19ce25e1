/*
 * link_packet: one frame through a socket, with at most one descriptor.  Seen only inside this folder.
 */
#ifndef DAEMON_LINK_LINK_PACKET_H
#define DAEMON_LINK_LINK_PACKET_H

#include "daemon/link/link_frame.h"

/* Never waits: OK, AGAIN, CLOSED (the other end is gone), IO. */
enum result link_packet_send(int socket, const char head[LINK_HEAD_BYTES], struct slice payload, int fd);
/*
 * Never waits: OK, AGAIN, CLOSED, IO, or INVALID (a frame came that does not fit its type: it has been dropped,
 * its descriptors closed).  The payload points into `room`.
 */
enum result link_packet_receive(int socket, char *room, size_t size, struct link_frame *frame,
                                struct reason *reason);

#endif
