/*
 * clock: the time as an argument.
 *
 * Engines never ask for the time; they are given it.  Only `daemon/io/loop`,
 * the keeper and the programs' mains call `instant_now`.
 */
#ifndef SHARED_BASE_CLOCK_H
#define SHARED_BASE_CLOCK_H

#include <stdint.h>

struct instant {
	int64_t mono_ms; /* monotonic: timers, ages, deadlines */
	int64_t wall_ms; /* since 1970 UTC: certificates, logs, versions */
};

struct instant instant_now(void);

enum { INSTANT_TEXT_BYTES = 25 };
/* "2026-11-22T21:09:39.123Z" and a NUL. */
void instant_text(int64_t wall_ms, char to[INSTANT_TEXT_BYTES]);

#endif
