/*
 * transaction_key: what RFC 3261 §17.1.3 and §17.2.3 compare, as 16 bytes.
 *
 * Call-IDs, URIs and branches are as long as a stranger likes; a transaction
 * keeps two keyed hashes of them instead, which a stranger cannot make collide,
 * and so costs the same whatever it is named.
 */
#ifndef DAEMON_SIP_TRANSACTION_KEY_H
#define DAEMON_SIP_TRANSACTION_KEY_H

#include "daemon/sip/transaction.h"

/* `method` is that of the transaction looked for: INVITE for an ACK, INVITE for what a CANCEL means. */
struct sip_transaction_key sip_transaction_key_server(const struct siphash_key seeds[2],
                                                      const struct sip_message *request, struct slice method);
struct sip_transaction_key sip_transaction_key_client(const struct siphash_key seeds[2], struct slice branch,
                                                      enum sip_method method, handle connection);
/* Was the branch made by RFC 3261's rule?  The bare cookie says nothing and counts as none (RFC 4475 §3.2.1). */
bool sip_transaction_has_cookie(struct slice branch);

#endif
