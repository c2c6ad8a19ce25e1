/*
 * first: with whom our users began.  The edge knows no contact lists; where a provider's users may not begin, this
 * table is what says that they were spoken to.
 *
 * It is laid out in memory that outlives the process (a file, mapped), of a fixed size: places in groups of eight, and
 * in a full group the pair spoken with longest ago gives way.  Only our own users put pairs in, by requests that policy
 * has let out, so nobody outside can fill it.  Pairs are kept as keyed hashes: the file names nobody.
 */
#ifndef DAEMON_POLICY_FIRST_H
#define DAEMON_POLICY_FIRST_H

#include "shared/base/siphash.h"

enum {
	FIRST_GROUP = 8,
	FIRST_GROUPS = 16384, /* 131072 pairs in 2 MiB */
	FIRST_HEAD_BYTES = 64,
	FIRST_REFRESH_S =
	        60, /* a pair spoken with again within that is as fresh as it was: nothing is written */
	FIRST_BYTES = FIRST_HEAD_BYTES + FIRST_GROUPS * FIRST_GROUP * 16,
};

struct first_words; /* the memory itself */

/*
 * Takes `memory` (FIRST_BYTES, aligned for 8) as it was left; what is no table of this layout begins empty, keyed by
 * `fresh`.  The key stays with the table.
 */
struct first_words *first_words_take(void *memory, struct siphash_key fresh);

/* Both as user@domain, small letters.  When it was written down last: `now_s` where it is new, or written again. */
uint32_t first_words_note(struct first_words *words, struct slice ours, struct slice theirs, uint32_t now_s,
                          bool *is_new);
bool first_words_has(const struct first_words *words, struct slice ours, struct slice theirs);
uint32_t first_words_count(const struct first_words *words); /* walks it all */

#endif
