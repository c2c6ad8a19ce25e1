#include "shared/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct instant instant_now(void)
{
	struct timespec mono, wall;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct instant){
		.mono_ms = (int64_t)mono.tv_sec * 1000 + mono.tv_nsec / 1000000,
		.wall_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000,
	};
}

void instant_text(int64_t wall_ms, char to[INSTANT_TEXT_BYTES])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char text[80];

	if (wall_ms < 0 || !gmtime_r(&seconds, &tm) || tm.tm_year > 8099) {
		memcpy(to, "0000-00-00T00:00:00.000Z", INSTANT_TEXT_BYTES);
		return;
	}
	snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
	         tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(wall_ms % 1000));
	memcpy(to, text, INSTANT_TEXT_BYTES);
	to[INSTANT_TEXT_BYTES - 1] = '\0';
}
