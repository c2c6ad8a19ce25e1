#include "shared/base/result.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *result_name(enum result result)
{
	switch (result) {
	case RESULT_OK: return "ok";
	case RESULT_AGAIN: return "again";
	case RESULT_NOT_FOUND: return "not-found";
	case RESULT_EXISTS: return "exists";
	case RESULT_INVALID: return "invalid";
	case RESULT_CONFLICT: return "conflict";
	case RESULT_DENIED: return "denied";
	case RESULT_LIMIT: return "limit";
	case RESULT_TIMED_OUT: return "timed-out";
	case RESULT_CLOSED: return "closed";
	case RESULT_IO: return "io";
	case RESULT_NO_MEMORY: return "no-memory";
	case RESULT_UNKNOWN: return "unknown";
	case RESULT_INTERNAL: return "internal";
	}
	return "internal";
}

/* Control bytes become '?': a reason ends in logs and on terminals. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

enum result fail(struct reason *reason, enum result result, const char *format, ...)
{
	if (reason) {
		va_list args;

		va_start(args, format);
		vsnprintf(reason->text, sizeof reason->text, format, args);
		va_end(args);
		make_printable(reason->text);
	}
	return result;
}

enum result fail_errno(struct reason *reason, enum result result, const char *format, ...)
{
	int saved = errno;

	if (reason) {
		va_list args;
		size_t used;

		va_start(args, format);
		vsnprintf(reason->text, sizeof reason->text, format, args);
		va_end(args);
		used = strlen(reason->text);
		snprintf(reason->text + used, sizeof reason->text - used, ": %s", strerror(saved));
		make_printable(reason->text);
	}
	return result;
}
