/*
 * credentials: what a CREDENTIALS frame brings, as credentials for TLS.  The key is wiped here once it has been read.
 */
#ifndef DAEMON_LINK_CREDENTIALS_H
#define DAEMON_LINK_CREDENTIALS_H

#include "daemon/io/tls.h"
#include "daemon/link/link.h"

enum { LINK_CREDENTIAL_PARTS = 4, LINK_USE_BYTES = 16 }; /* chain, key, trust, CRLs, one after the other */

struct link_credentials {
	char use[LINK_USE_BYTES]; /* the side: "external" */
	size_t lengths[LINK_CREDENTIAL_PARTS];
};
/* The frame's payload.  INVALID: it is not what it should be. */
enum result link_credentials_read(struct slice payload, struct link_credentials *out, struct reason *reason);
/* `fd` stays the caller's.  INVALID says what is wrong with them. */
enum result link_credentials_open(int fd, const struct link_credentials *from, enum tls_boundary boundary,
                                  struct tls_credentials **out, struct reason *reason);

#endif
