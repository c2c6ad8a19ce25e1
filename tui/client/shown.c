#include "tui/client/shown.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"

const char *shown_age(int64_t ms, char to[SHOWN_BYTES])
{
	int64_t s = ms / 1000;

	if (ms < 0)
		snprintf(to, SHOWN_BYTES, "-");
	else if (s < 60)
		snprintf(to, SHOWN_BYTES, "%" PRId64 "s", s);
	else if (s < 3600)
		snprintf(to, SHOWN_BYTES, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(to, SHOWN_BYTES, "%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
	else
		snprintf(to, SHOWN_BYTES, "%" PRId64 "d%02" PRId64 "h", s / 86400, s / 3600 % 24);
	return to;
}

const char *shown_time(int64_t wall_ms, char to[SHOWN_BYTES])
{
	char text[INSTANT_TEXT_BYTES];

	snprintf(to, SHOWN_BYTES, "-");
	if (wall_ms <= 0)
		return to;
	instant_text(wall_ms, text);
	snprintf(to, SHOWN_BYTES, "%.10s %.8s", text, text + 11);
	return to;
}

const char *shown_moment(int64_t wall_ms, int64_t now_ms, char to[SHOWN_BYTES])
{
	char then[INSTANT_TEXT_BYTES], now[INSTANT_TEXT_BYTES];

	snprintf(to, SHOWN_BYTES, "-");
	if (wall_ms <= 0)
		return to;
	instant_text(wall_ms, then);
	instant_text(now_ms, now);
	if (memcmp(then, now, 10) == 0)
		snprintf(to, SHOWN_BYTES, "%.5s", then + 11);
	else
		snprintf(to, SHOWN_BYTES, "%.5s %.5s", then + 5, then + 11);
	return to;
}

const char *shown_clock(int64_t wall_ms, int64_t now_ms, char to[SHOWN_BYTES])
{
	char then[INSTANT_TEXT_BYTES];

	shown_moment(wall_ms, now_ms, to);
	if (to[0] != '-' && strlen(to) == 5) {
		instant_text(wall_ms, then);
		snprintf(to, SHOWN_BYTES, "%.8s", then + 11);
	}
	return to;
}

const char *shown_day(int64_t wall_ms, int64_t now_ms, char to[SHOWN_BYTES])
{
	shown_moment(wall_ms, now_ms, to);
	to[5] = '\0'; /* of "11-22 14:02" the first half */
	return to;
}

const char *shown_rate(double rate, char to[SHOWN_BYTES])
{
	if (!(rate > 0))
		snprintf(to, SHOWN_BYTES, "0");
	else if (rate < 99.95)
		snprintf(to, SHOWN_BYTES, "%.1f", rate);
	else if (rate < 9999.5)
		snprintf(to, SHOWN_BYTES, "%.0f", rate);
	else if (rate < 999500)
		snprintf(to, SHOWN_BYTES, "%.0fk", rate / 1e3);
	else
		snprintf(to, SHOWN_BYTES, "%.0fM", rate < 9999e6 ? rate / 1e6 : 9999.0);
	return to;
}

const char *shown_count(int64_t count, char to[SHOWN_BYTES])
{
	if (count < 100000)
		snprintf(to, SHOWN_BYTES, "%" PRId64, count);
	else if (count < 10000000)
		snprintf(to, SHOWN_BYTES, "%" PRId64 "k", count / 1000);
	else
		snprintf(to, SHOWN_BYTES, "%" PRId64 "M", count / 1000000);
	return to;
}
