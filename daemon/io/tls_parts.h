/*
 * tls_parts: what the tls files share.  Seen only inside this folder.
 */
#ifndef DAEMON_IO_TLS_PARTS_H
#define DAEMON_IO_TLS_PARTS_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "daemon/io/tls.h"

struct tls_credentials {
	unsigned holders;
	enum tls_boundary boundary;
	gnutls_certificate_credentials_t x509;
	gnutls_priority_t priority;
};

/* ---- tls_peer.c ---- */

/* What `certificate` says, in `arena`. INVALID: a name that means one thing to C and another to DER. */
enum result tls_peer_read(gnutls_x509_crt_t certificate, struct arena *arena, struct tls_peer *out,
                          struct reason *reason);
/* A copy in one allocation, freed with mem_free. */
struct tls_peer *tls_peer_copy(const struct tls_peer *peer);

/* ---- tls_verify.c ---- */

/*
 * Whether the peer's certificate is good: chain, validity, usage, strength, revocation.
 * INVALID says which check failed, and which alert tells the peer.  `out` is then untouched.
 * GnuTLS compares validity with its own clock (gnutls_global_set_time_function); `now_s` is for the words.
 */
enum result tls_verify(gnutls_session_t session, enum tls_boundary boundary, int64_t now_s, struct tls_peer **out,
                       gnutls_alert_description_t *alert, struct reason *reason);

#endif
