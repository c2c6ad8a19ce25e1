/*
 * tls: GnuTLS behind our names.  Credentials, sessions, and what a certificate says.
 *
 * Credentials are counted: a session keeps those it started with, so a new
 * certificate drops no connection.  Key usage: for federation a certificate
 * needs the server-auth usage (or no EKU at all), whichever side opened the
 * connection; internal links take either usage (security reference §3.2).
 */
#ifndef DAEMON_IO_TLS_H
#define DAEMON_IO_TLS_H

#include "shared/base/arena.h"
#include "shared/base/result.h"

struct tls_credentials; /* counted */

enum tls_boundary { TLS_FEDERATION, TLS_INTERNAL };

enum { TLS_CHAIN_MAX = 6, TLS_CERTIFICATE_BYTES_MAX = 16 * 1024, TLS_NAMES_MAX = 64 };

/*
 * PEM bytes: our chain, our key, the authorities peers must lead to, CRLs (may
 * be empty).  `key` is wiped by the caller afterwards.  INVALID says which file's content
 * is wrong and how; a key that does not belong to the certificate is INVALID too.
 */
enum result tls_credentials_new(enum tls_boundary boundary, struct slice chain, struct slice key, struct slice trust,
                                struct slice crls, struct tls_credentials **out, struct reason *reason);
struct tls_credentials *tls_credentials_keep(struct tls_credentials *credentials);
void tls_credentials_free(struct tls_credentials **credentials); /* lets go of one reference */

/* What a verified peer certificate says. Text lives as long as the session. All lower case. */
struct tls_peer {
	bool has_certificate;
	struct slice dns[TLS_NAMES_MAX];
	size_t dns_count;
	struct slice sip[TLS_NAMES_MAX]; /* domains of sip: URI entries without user part */
	size_t sip_count;
	char subject[256];
	char issuer[256];
	char fingerprint[65];            /* SHA-256, hex */
	int64_t not_after_s;
	char suite[64];                  /* "TLS1.3 AES-256-GCM" */
};

/* The one priority string of the house; a test compares the suites it yields with a golden list. */
extern const char tls_priority[];

/* Names and validity of the first certificate in PEM bytes, for status displays: `peer` as above. */
enum result tls_certificate_read(struct slice pem, struct arena *arena, struct tls_peer *out, struct reason *reason);

#endif
