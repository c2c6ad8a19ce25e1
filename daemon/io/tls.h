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
#include "shared/base/siphash.h"

struct tls_credentials; /* counted */

/*
 * TLS_XMPP: usages as for federation, but a certificate is only asked for, and one that is missing or not good ends no
 * handshake: what it proves, if anything, is for the stream above to weigh (RFC 7590 §3.4; `is_trusted`).
 */
enum tls_boundary {
	TLS_FEDERATION,
	TLS_INTERNAL,
	TLS_XMPP,
	TLS_REMOTE, /* our own users' programs: they are asked for no certificate */
};

enum {
	TLS_CHAIN_MAX = 6,                         /* certificates a peer presents */
	TLS_CERTIFICATE_BYTES_MAX = 16 * 1024,     /* all of them */
	TLS_HANDSHAKE_MESSAGE_MAX = 64 * 1024,
	TLS_NAMES_MAX = 64,
	TLS_PEM_BYTES_MAX = 4 * 1024 * 1024,       /* one file of ours: chain, trust, CRLs */
	TLS_IDENTITIES_MAX = 17,                   /* certificates of ours in one set of credentials */
	TLS_IDENTITY_NAME_BYTES = 65,
};

/*
 * PEM bytes: our chain, our key, the authorities peers must lead to, CRLs (may
 * be empty).  `key` is wiped by the caller afterwards.  INVALID says which file's content
 * is wrong and how; a key that does not belong to the certificate is INVALID too.
 */
enum result tls_credentials_new(enum tls_boundary boundary, struct slice chain, struct slice key, struct slice trust,
                                struct slice crls, struct tls_credentials **out, struct reason *reason);
/*
 * A further certificate of ours: connections that name it show it (connection_settings.certificate), and clients that
 * ask by SNI for one of `server_names` (lower case) are shown it.  LIMIT: there are TLS_IDENTITIES_MAX already.
 */
enum result tls_credentials_add(struct tls_credentials *credentials, struct slice name, struct slice chain,
                                struct slice key, const struct slice *server_names, size_t server_name_count,
                                struct reason *reason);
bool tls_credentials_has(const struct tls_credentials *credentials, struct slice name);

/*
 * Certificates that were looked at lately need not be looked at again when their owner reconnects: good ones for an
 * hour or until one of the chain ends, bad ones for a minute.  What is remembered ends with the credentials: other
 * authorities and other CRLs begin anew.  A living connection is always looked at anew.
 */
struct tls_memory_limits {
	size_t accepted, rejected; /* how many of each; 0: none are remembered */
	unsigned deleted_percent;  /* the oldest, when it is full */
	struct siphash_key seed;
};
void tls_credentials_remember(struct tls_credentials *credentials, const struct tls_memory_limits *limits);
struct tls_memory_counts {
	size_t accepted, rejected;                /* remembered now */
	uint64_t accepted_again, rejected_again;  /* not looked at for being remembered */
};
struct tls_memory_counts tls_credentials_memory(const struct tls_credentials *credentials);

struct tls_credentials *tls_credentials_keep(struct tls_credentials *credentials);
void tls_credentials_free(struct tls_credentials **credentials); /* lets go of one reference */

/* What a verified peer certificate says. Lives as long as the session. Names are lower case, wildcards as they are. */
struct tls_peer {
	bool has_certificate;
	bool is_trusted; /* it is good; always so where another one ends the handshake */
	const struct slice *dns; /* dNSName entries, at most TLS_NAMES_MAX */
	size_t dns_count;
	const struct slice *sip; /* domains of sip: URI entries without user part */
	size_t sip_count;
	const struct slice *xmpp; /* domains of XmppAddr entries and of SRVName entries for _xmpp-server (RFC 6120 §13.7.1) */
	size_t xmpp_count;
	const char *doubt;       /* what is wrong with it when it is not trusted; "" */
	const char *subject;     /* never NULL; printable */
	const char *issuer;
	const char *fingerprint; /* SHA-256, hex */
	int64_t not_after_s;
	const char *suite;       /* "TLS1.3 AES-256-GCM" */
};
extern const struct tls_peer tls_peer_none;

/* The one priority string of the house; a test compares the suites it yields with a golden list. */
extern const char tls_priority[];

/* Names and validity of the first certificate in PEM bytes, for status displays: `out` as above, in `arena`. */
enum result tls_certificate_read(struct slice pem, struct arena *arena, struct tls_peer *out, struct reason *reason);

#endif
