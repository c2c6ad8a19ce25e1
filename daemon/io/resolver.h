/*
 * resolver: DNS on the loop (c-ares), and SRV order (srv_order.c, pure).
 *
 * Answers are hints, never identities.  Limits: RFC 2782 answers at most 16,
 * addresses at most 8 a name, one query in flight a name with at most 64
 * waiters, 3 s a try, 10 s in all.  TTLs are read from the raw answer
 * (srv_answer.c, fuzzed); cached 5 s at least, 1 h at most, absence 60 s; kept
 * up to 1 h beyond their time for when the resolver fails.
 */
#ifndef DAEMON_IO_RESOLVER_H
#define DAEMON_IO_RESOLVER_H

#include "daemon/io/address.h"
#include "daemon/io/loop.h"
#include "shared/base/siphash.h"

enum { RESOLVER_SRV_MAX = 16, RESOLVER_ADDRESSES_MAX = 8, RESOLVER_NAME_MAX = 255, RESOLVER_CACHE_MAX = 65536, RESOLVER_CACHE_DEFAULT = 4096,
	RESOLVER_WAITERS_MAX = 64 };

struct resolver_srv {
	uint16_t priority, weight, port;
	char target[RESOLVER_NAME_MAX + 1]; /* lower case, no trailing dot */
};

enum resolver_outcome { RESOLVER_FOUND, RESOLVER_ABSENT, RESOLVER_FAILED };

struct resolver;
/* `servers` as "addr[:port]" items; none: /etc/resolv.conf. */
enum result resolver_new(struct loop *loop, const struct slice *servers, size_t server_count, struct siphash_key seed,
                         struct resolver **out, struct reason *reason);
void resolver_free(struct resolver **resolver); /* waiting calls are dropped without being answered */

/* The answer may come before the call returns (cache). `list` is in RFC 2782 order, valid during the call. */
void resolver_srv(struct resolver *resolver, struct slice name,
                  void (*answer)(void *to, enum resolver_outcome outcome, const struct resolver_srv *list, size_t count,
                                 const char *words),
                  void *to);
/* AAAA and A, in the order of RFC 6724 as the host has it (v6 first when it has a route), interleaved. Ports are 0. */
void resolver_addresses(struct resolver *resolver, struct slice name,
                        void (*answer)(void *to, enum resolver_outcome outcome, const struct address *list,
                                       size_t count, const char *words),
                        void *to);
/* Drops every waiting call whose `to` is this. */
void resolver_forget(struct resolver *resolver, const void *to);
size_t resolver_names(const struct resolver *resolver); /* whose answers are kept, or asked for */
void resolver_flush(struct resolver *resolver); /* forgets all answers, stale ones too */
/* So many names at most, RESOLVER_CACHE_MAX the most of all; those unused for longest go, who is being asked stays. */
void resolver_keep_at_most(struct resolver *resolver, size_t names);

/* Pure: puts the list in the order of RFC 2782; `draw` gives fresh 32-bit numbers. */
void srv_order(struct resolver_srv *list, size_t count, uint32_t (*draw)(void *to), void *to);

/*
 * Pure: the SRV records of a raw DNS answer to an SRV question (at most RESOLVER_SRV_MAX), and the least TTL on the
 * way to them.  False: malformed, or more CNAMEs than are followed.  Only records of the name asked for or of where
 * its CNAMEs lead; a target "." ("no such service") gives none.
 */
bool srv_answer_read(const uint8_t *bytes, size_t length, struct resolver_srv *list, size_t *count, uint32_t *ttl_s);
/* The same for A and AAAA questions; at most RESOLVER_ADDRESSES_MAX, ports 0. */
bool address_answer_read(const uint8_t *bytes, size_t length, bool is_v6, struct address *list, size_t *count,
                         uint32_t *ttl_s);

#endif
