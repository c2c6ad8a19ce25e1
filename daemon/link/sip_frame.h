/*
 * sip_frame: one SIP message between the Access Edge and a service beside it, over a stream of their own.
 *
 * A head of fixed size, then the message.  The head says what the bytes must not be believed about themselves.
 * Both ends are of the same build, so numbers lie as they do in memory.  Pure.
 */
#ifndef DAEMON_LINK_SIP_FRAME_H
#define DAEMON_LINK_SIP_FRAME_H

#include "shared/base/buffer.h"
#include "shared/base/slice.h"

enum { LINK_SIP_HEAD_BYTES = 16, LINK_SIP_BYTES_MAX = 1024 * 1024 };

enum link_sip_flag {
	/*
	 * No SIP message: lines "OURS THEIRS" (SIP URIs, LF) of pairs in which our user began, as a gateway of before kept
	 * them.  Access keeps them from now on, and once they are durable it gives the same bytes back.
	 */
	LINK_SIP_CONTACTS = 1,
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

/* WHOLE: `head` and the message, LINK_SIP_HEAD_BYTES + length bytes are to be consumed. */
enum link_sip_answer link_sip_read(struct slice bytes, struct link_sip_head *head, struct slice *message);
/*
 * Every whole message of `in`, which is taken off it; what is left is the beginning of one.  `came` says by false that
 * nothing more is wanted (its connection has ended).  False: what stands there is no frame, and nothing behind it can
 * be believed.
 */
bool link_sip_each(struct buffer *in,
                   bool (*came)(void *owner, const struct link_sip_head *head, struct slice message),
                   void *owner);
/*
 * A message is written into `out` between these: begin leaves room for the head, and `*begun` names it; end makes the
 * head that of what was added since; undo takes all of it back.  Begun and left alone it is a frame of nothing.
 */
bool link_sip_begin(struct buffer *out, size_t *begun);
void link_sip_end(struct buffer *out, size_t begun, unsigned flags, uint64_t generation);
void link_sip_undo(struct buffer *out, size_t begun);

/*
 * A final answer of the service's own, to access: not what the partner says, but what kept it from being asked or
 * heard.  It stands in ms-diagnostics, which nothing that a partner writes can become, as a number of [MS-OCER] 2.2.1
 * and words.  One header line is added to `out`; the words may be anybody's, and what cannot stand there becomes an apostrophe.
 */
enum link_sip_diagnostic {
	LINK_SIP_TEMPORARY = 1007,   /* cannot route for the moment: limits, a stop */
	LINK_SIP_NO_REASON = 1034,   /* the partner was asked, and has not said what became of it */
	LINK_SIP_UNREACHABLE = 1046, /* no way to the partner */
};
void link_sip_write_words(struct slice words,
                          struct buffer *out); /* what stands between the quotes, by itself */
void link_sip_write_verdict(int diagnostic, struct slice words, struct buffer *out);
/* Of that header's value; false: it is none. */
bool link_sip_read_verdict(struct slice value, int *diagnostic, struct slice *words);

#endif
