/*
 * tls_stage: what has come from the socket and TLS has not taken yet.
 *
 * GnuTLS asks for the five bytes of a record's header, then for its body, then
 * in vain for the next: three system calls a record.  Here one takes what there
 * is, several records often, and a call that got less than it had room for has
 * emptied the socket, so that the next one need not ask: readiness is level
 * triggered and will tell of more.
 */
#ifndef DAEMON_IO_TLS_STAGE_H
#define DAEMON_IO_TLS_STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	TLS_STAGE_BYTES = 16 * 1024 + 256 + 5
}; /* the largest record: RFC 5246 §6.2.3 allows more than RFC 8446 */

struct tls_stage {
	char *bytes; /* NULL: nothing is held */
	uint32_t start, end;
	bool is_drained;
};

/* Like recv; without memory it is recv itself. */
ssize_t tls_stage_take(struct tls_stage *stage, int fd, void *to, size_t size);
static inline bool tls_stage_has(const struct tls_stage *stage) { return stage->end > stage->start; }
void tls_stage_rest(struct tls_stage *stage); /* gives its memory back if it holds nothing */
void tls_stage_stop(struct tls_stage *stage);

#endif
