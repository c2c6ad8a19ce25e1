/*
 * route_cover: the HMACs of a token in Record-Route.  Seen only inside this folder.
 */
#ifndef DAEMON_SIP_ROUTE_COVER_H
#define DAEMON_SIP_ROUTE_COVER_H

#include "daemon/sip/route_token.h"

enum {
	ROUTE_MAC_BYTES =
	        10, /* 80 bits: guessing takes 2^79 requests, each of which is answered 403 and counted */
	ROUTE_MAC_CHARS = 16,
};

extern const char route_base32[]; /* RFC 4648 §6 in lower case */

/* `head` and `words`: the token before and behind its HMAC.  False: no memory. */
bool route_cover_token(const struct sip_proxy *proxy, struct arena *arena, struct slice head,
                       struct slice words, const struct sip_route_binding *binding,
                       char out[ROUTE_MAC_CHARS]);
/* Of binding's caller and callee.  False: no memory. */
bool route_cover_parties(const struct sip_proxy *proxy, struct arena *arena,
                         const struct sip_route_binding *binding, char out[ROUTE_MAC_CHARS]);

#endif
