/*
 * dialback: keys by which a domain's own server confirms that a stream is its
 * domain's (XEP-0220), made as XEP-0185 recommends.
 */
#ifndef DAEMON_XMPP_DIALBACK_H
#define DAEMON_XMPP_DIALBACK_H

#include "shared/base/slice.h"

enum { XMPP_DIALBACK_KEY_BYTES = 65 };

/*
 * Lower-case hex of HMAC-SHA256 with the hex of SHA256(secret) as its key, over
 * "receiving originating stream-id" (XEP-0185 §3).  Domains as they stand on the wire.
 */
void xmpp_dialback_key(struct slice secret, struct slice receiving, struct slice originating,
                       struct slice stream_id, char to[XMPP_DIALBACK_KEY_BYTES]);
/* Is `key` that key?  Takes the same time wherever the first difference is. */
bool xmpp_dialback_is_key(struct slice secret, struct slice receiving, struct slice originating,
                          struct slice stream_id, struct slice key);

#endif
