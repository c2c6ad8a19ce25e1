/*
 * names: is it us?  Shared by the files of the proxy.
 */
#ifndef DAEMON_SIP_NAMES_H
#define DAEMON_SIP_NAMES_H

#include "daemon/sip/proxy.h"

/* Names in any case, with or without the trailing dot; addresses as numbers. */
bool sip_host_is_same(struct slice a, struct slice b);
/* False for broadcast, group and "any" addresses; a name is taken for one host. */
bool sip_host_is_one(struct slice host);
/* Did we write this Via on that side? */
bool sip_via_is_ours(const struct sip_side_names *names, const struct sip_via *via);

/* Which headers stay behind on that way. */
static inline unsigned sip_strip_on(enum sip_side from, enum sip_side to)
{
	if (from == SIP_SIDE_REMOTE)
		return SIP_STRIP_USER_IN;
	if (to == SIP_SIDE_REMOTE)
		return SIP_STRIP_USER_OUT;
	return to == SIP_SIDE_INTERNAL ? SIP_STRIP_IN : SIP_STRIP_OUT;
}

#endif
