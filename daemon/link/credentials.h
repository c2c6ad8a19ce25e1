/*
 * credentials: what a CREDENTIALS frame brings, as credentials for TLS: our certificate and key of a side, the
 * authorities and their lists of revoked certificates, and further certificates by name.  One reader for every
 * service.  The keys are wiped here once they have been read.
 *
 * Payload: {"use":"external","chain":N,"key":N,"trust":N,"crls":N,
 *           "more":[{"name":"hosted","chain":N,"key":N,"server_names":[...]}]}; the descriptor holds as many bytes, part
 * after part.
 */
#ifndef DAEMON_LINK_CREDENTIALS_H
#define DAEMON_LINK_CREDENTIALS_H

#include "daemon/io/tls.h"
#include "daemon/link/link.h"

enum {
	LINK_CREDENTIAL_PARTS = 4, /* chain, key, trust, CRLs */
	LINK_CREDENTIALS_MORE_MAX = 16,
	LINK_CREDENTIALS_NAMES_MAX = 64,        /* that clients may ask for by SNI, of one of them */
	LINK_CREDENTIAL_PART_MAX = 1024 * 1024, /* a trust store of all public authorities is 230 KB */
	LINK_CREDENTIALS_BYTES_MAX = (LINK_CREDENTIAL_PARTS + 2 * LINK_CREDENTIALS_MORE_MAX) *
	                             LINK_CREDENTIAL_PART_MAX,
	LINK_USE_BYTES = 16,
};

struct json;
struct link_credentials {
	char use[LINK_USE_BYTES]; /* the side: "external" */
	size_t lengths[LINK_CREDENTIAL_PARTS];
	size_t more_count;
	struct {
		size_t chain, key;
	} more[LINK_CREDENTIALS_MORE_MAX];
	size_t total;         /* of all parts: what the descriptor must hold */
	struct json *payload; /* owned: the names */
};
/* The frame's payload.  INVALID: it is not what it should be, and there is nothing to drop. */
enum result link_credentials_read(struct slice payload, struct link_credentials *out, struct reason *reason);
void link_credentials_drop(struct link_credentials *credentials);
/*
 * `fd` stays the caller's.  INVALID says what is wrong with them.  A further certificate that is bad leaves the others
 * usable, and is told to `refused`.
 */
enum result link_credentials_open(int fd, const struct link_credentials *from, enum tls_boundary boundary,
                                  void (*refused)(void *owner, const char *why), void *owner,
                                  struct tls_credentials **out, struct reason *reason);

#endif
