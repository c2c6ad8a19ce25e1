/*
 * buffer: bytes that grow up to a maximum given at birth.
 *
 * Adding past the maximum, or without memory, sets `is_broken` and changes
 * nothing more; writers add many pieces and look once at the end.
 * The front can be taken off cheaply, so it also serves as a queue.
 */
#ifndef SHARED_BASE_BUFFER_H
#define SHARED_BASE_BUFFER_H

#include <stdarg.h>

#include "shared/base/slice.h"

struct buffer {
	char *bytes;
	size_t start, end; /* the content is bytes[start..end) */
	size_t size;       /* allocated */
	size_t max;        /* the content never exceeds this */
	bool is_broken;    /* something did not fit */
	bool is_fixed;     /* the bytes are the caller's: nothing is ever allocated */
};

void buffer_start(struct buffer *buffer, size_t max);
/* In the caller's own memory, which outlives it. */
void buffer_start_fixed(struct buffer *buffer, char *bytes, size_t size);
void buffer_stop(struct buffer *buffer);
void buffer_clear(struct buffer *buffer);   /* empties, keeps the memory, mends is_broken */
void buffer_release(struct buffer *buffer); /* empties and gives the memory back, keeps the maximum */

static inline size_t buffer_length(const struct buffer *b) { return b->end - b->start; }
static inline size_t buffer_room(const struct buffer *b) { return b->max - buffer_length(b); }
static inline struct slice buffer_slice(const struct buffer *b)
{
	return (struct slice){ b->bytes ? b->bytes + b->start : NULL, b->end - b->start };
}

bool buffer_add(struct buffer *buffer, struct slice bytes);
bool buffer_add_char(struct buffer *buffer, char c);
bool buffer_add_number(struct buffer *buffer, uint64_t number);
bool buffer_printf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool buffer_vprintf(struct buffer *buffer, const char *format, va_list args)
        __attribute__((format(printf, 2, 0)));

/* Room for `count` more bytes at the end, to be filled and then claimed with buffer_grew. NULL if it does not fit. */
char *buffer_reserve(struct buffer *buffer, size_t count);
void buffer_grew(struct buffer *buffer, size_t count);

/* Takes `count` bytes (at most all) off the front. */
void buffer_consume(struct buffer *buffer, size_t count);

#endif
