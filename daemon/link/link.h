/*
 * link: frames between the processes of one parleyd, over socket pairs.
 *
 * SOCK_SEQPACKET keeps frame boundaries; a frame is a fixed header, a payload
 * of at most LINK_PAYLOAD_MAX and at most one descriptor.  Longer answers are
 * several frames.  A frame that does not fit its type is counted, logged and
 * dropped: no process trusts another's lengths.
 *
 * Files in reading order: frames.def (the rows), link_frame.c (pure: write and
 * check a frame), link_packet.c (one frame through a socket), link.c (on the
 * loop, with a bounded queue), process.c (how a process of parleyd begins:
 * which descriptors it has, and the rights it gives up).
 */
#ifndef DAEMON_LINK_LINK_H
#define DAEMON_LINK_LINK_H

#include "daemon/io/loop.h"
#include "shared/base/buffer.h"
#include "shared/base/result.h"

enum { LINK_PAYLOAD_MAX = 32 * 1024, LINK_QUEUE_MAX = 4 * 1024 * 1024 };

/* FRAME(id, "name", descriptor wanted 0|1, least payload, most payload, "direction and meaning") in frames.def */
enum link_type {
#define FRAME(id, ...) LINK_##id,
#include "daemon/link/frames.def"
#undef FRAME
	LINK_TYPE_COUNT
};

struct link_frame {
	enum link_type type;
	uint64_t number;      /* generation, query id, listener id ...: what the type says */
	struct slice payload; /* valid during the call */
	int fd;               /* -1: none; the receiver owns it */
};

struct link;
struct link *link_new(struct loop *loop, int fd, void (*came)(void *owner, struct link_frame *frame),
                      void (*broken)(void *owner), void *owner); /* owns fd */
void link_free(struct link **link);
/*
 * `fd` (or -1) is duplicated by the kernel, the caller's copy stays the caller's.  False: queue full or broken,
 * or the frame does not fit its row.  Sent at once where the socket has room.  `link` may be NULL: false.
 */
bool link_send(struct link *link, enum link_type type, uint64_t number, struct slice payload, int fd);
/*
 * Sends and reads without a loop: for the first moments of a process and for the launcher.  Blocking, with a
 * deadline (0 never waits).  A frame that does not fit its type is INVALID, one that does not
 * fit `size` LIMIT; neither is delivered.  AGAIN: it would have to wait and wait_ms is 0; TIMED_OUT.
 */
enum result link_send_now(int socket, int64_t wait_ms, enum link_type type, uint64_t number,
                          struct slice payload, int fd);
enum result link_receive_now(int socket, int64_t wait_ms, char *payload, size_t size,
                             struct link_frame *frame);
uint64_t link_dropped(const struct link *link); /* frames that did not fit their type, either way */
const char *link_type_name(enum link_type type);

#endif
