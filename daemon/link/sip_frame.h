/*
 * sip_frame: one SIP message between the Access Edge and a service beside it, over a stream of their own.
 *
 * A head of fixed size, then the message.  The head says what the bytes must not be believed about themselves.
 * Both ends are of the same build, so numbers lie as they do in memory.  Pure.
 */
#ifndef DAEMON_LINK_SIP_FRAME_H
#define DAEMON_LINK_SIP_FRAME_H

#include "shared/base/slice.h"

enum { LINK_SIP_HEAD_BYTES = 16, LINK_SIP_BYTES_MAX = 1024 * 1024 };

enum link_sip_flag {
	LINK_SIP_SOLICITED = 1, /* to access: the local user wrote or subscribed first */
	/*
	 * To access: a request in its dialog by which the gateway itself ends what had been allowed: a NOTIFY that a
	 * contact has gone, the BYE of a session, the ACK before it.  Nothing of the partner is in it, so it passes also
	 * when the partner has just been turned off.
	 */
	LINK_SIP_FAREWELL = 2,
};

struct link_sip_head {
	uint32_t length; /* of the message; 0: nothing, to be passed over */
	uint32_t flags;
	uint64_t generation; /* of the image that its sender decided by */
};

enum link_sip_answer { LINK_SIP_WHOLE, LINK_SIP_MORE, LINK_SIP_BROKEN };

void link_sip_write(const struct link_sip_head *head, char to[LINK_SIP_HEAD_BYTES]);
/* WHOLE: `head` and the message, LINK_SIP_HEAD_BYTES + length bytes are to be consumed. */
enum link_sip_answer link_sip_read(struct slice bytes, struct link_sip_head *head, struct slice *message);

#endif
