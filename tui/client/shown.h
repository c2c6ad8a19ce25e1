/*
 * shown: ages, times and rates as people read them; narrow, and the same everywhere.
 */
#ifndef TUI_CLIENT_SHOWN_H
#define TUI_CLIENT_SHOWN_H

#include <stdint.h>

enum { SHOWN_BYTES = 32 };

/* "14s", "51m08s", "3h12m", "12d04h"; "-" for what is below 0. Returns `to`, as all do. */
const char *shown_age(int64_t ms, char to[SHOWN_BYTES]);
/* "14:02" of that UTC day; "11-22 14:02" when `now_ms` is of another day; "-" for 0. */
const char *shown_moment(int64_t wall_ms, int64_t now_ms, char to[SHOWN_BYTES]);
/* "14:02:09" today, "11-22 14:02" on another day. */
const char *shown_clock(int64_t wall_ms, int64_t now_ms, char to[SHOWN_BYTES]);
/* "14:02" of the same UTC day, else "11-22"; at most 5 cells. */
const char *shown_day(int64_t wall_ms, int64_t now_ms, char to[SHOWN_BYTES]);
/* "2026-11-22 21:09:39"; "-" for 0. */
const char *shown_time(int64_t wall_ms, char to[SHOWN_BYTES]);
/* "0", "0.4", "14.2", "118", "1.2k", "3.4M": at most 5 cells. */
const char *shown_rate(double rate, char to[SHOWN_BYTES]);
const char *shown_count(int64_t count, char to[SHOWN_BYTES]);

#endif
