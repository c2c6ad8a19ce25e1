/*
 * result: how something ended, and the sentence an operator can act on.
 *
 * The value says what the caller should do; the reason says what happened,
 * where, and what is allowed.  Whoever can say what it means reports it, once.
 */
#ifndef SHARED_BASE_RESULT_H
#define SHARED_BASE_RESULT_H

#include <stdbool.h>

enum result {
	RESULT_OK,
	RESULT_AGAIN,      /* not now: wait for the descriptor or the answer */
	RESULT_NOT_FOUND,
	RESULT_EXISTS,
	RESULT_INVALID,    /* what was given is wrong; the reason says where and what is allowed */
	RESULT_CONFLICT,   /* someone else changed it first */
	RESULT_DENIED,
	RESULT_LIMIT,      /* a named limit was reached */
	RESULT_TIMED_OUT,
	RESULT_CLOSED,     /* the other side ended it */
	RESULT_IO,         /* the system refused: the reason holds errno's text */
	RESULT_NO_MEMORY,
	RESULT_UNKNOWN,    /* the outcome could not be learned: look before trying again */
	RESULT_INTERNAL,   /* a broken promise of our own */
};

/* A stable lower-case word: "not-found". Scripts and the control protocol use it. */
const char *result_name(enum result result);

enum { REASON_BYTES = 384 };

struct reason {
	char text[REASON_BYTES]; /* NUL-terminated UTF-8, cut at the end if too long; escaped, printable */
};

/* Formats into `reason` (may be NULL) and returns `result`, so that a function fails in one line. */
enum result fail(struct reason *reason, enum result result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with ": " and errno's text at the end. */
enum result fail_errno(struct reason *reason, enum result result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
