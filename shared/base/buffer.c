#include "shared/base/buffer.h"

#include <stdio.h>

#include "shared/base/memory.h"

enum { BUFFER_FIRST_BYTES = 512 };

void buffer_start(struct buffer *buffer, size_t max) { *buffer = (struct buffer){ .max = max }; }

void buffer_start_fixed(struct buffer *buffer, char *bytes, size_t size)
{
	*buffer = (struct buffer){ .bytes = bytes, .size = size, .max = size, .is_fixed = true };
}

void buffer_stop(struct buffer *buffer)
{
	if (!buffer->is_fixed)
		mem_free(buffer->bytes);
	*buffer = (struct buffer){ 0 };
}

void buffer_clear(struct buffer *buffer)
{
	buffer->start = buffer->end = 0;
	buffer->is_broken = false;
}

void buffer_release(struct buffer *buffer)
{
	size_t max = buffer->max;

	if (buffer->is_fixed) {
		buffer_clear(buffer);
		return;
	}
	buffer_stop(buffer);
	buffer->max = max;
}

char *buffer_reserve(struct buffer *buffer, size_t count)
{
	size_t length = buffer_length(buffer);

	if (buffer->is_broken || count > buffer->max - length) {
		buffer->is_broken = true;
		return NULL;
	}
	if (buffer->bytes && count <= buffer->size - buffer->end)
		return buffer->bytes + buffer->end;

	/* Move down when that frees at least half: each byte is moved a bounded number of times. Fixed ones have no choice. */
	if ((buffer->start >= buffer->size / 2 || buffer->is_fixed) && count <= buffer->size - length &&
	    buffer->bytes) {
		memmove(buffer->bytes, buffer->bytes + buffer->start, length);
		buffer->start = 0;
		buffer->end = length;
		return buffer->bytes + length;
	}

	size_t size = buffer->size ? buffer->size : BUFFER_FIRST_BYTES;

	while (size < length + count)
		size *= 2; /* max bounds length + count, so this ends */

	char *bytes = mem_new(size);

	if (!bytes) {
		buffer->is_broken = true;
		return NULL;
	}
	if (length)
		memcpy(bytes, buffer->bytes + buffer->start, length);
	mem_free(buffer->bytes);
	buffer->bytes = bytes;
	buffer->size = size;
	buffer->start = 0;
	buffer->end = length;
	return bytes + length;
}

void buffer_grew(struct buffer *buffer, size_t count) { buffer->end += count; }

bool buffer_add(struct buffer *buffer, struct slice bytes)
{
	char *at = buffer_reserve(buffer, bytes.len);

	if (!at)
		return false;
	if (bytes.len)
		memcpy(at, bytes.ptr, bytes.len);
	buffer->end += bytes.len;
	return true;
}

bool buffer_add_char(struct buffer *buffer, char c) { return buffer_add(buffer, (struct slice){ &c, 1 }); }

bool buffer_add_number(struct buffer *buffer, uint64_t number)
{
	char digits[20];
	size_t at = sizeof digits;

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	return buffer_add(buffer, (struct slice){ digits + at, sizeof digits - at });
}

bool buffer_vprintf(struct buffer *buffer, const char *format, va_list args)
{
	size_t there = buffer->bytes && !buffer->is_broken ? buffer->size - buffer->end : 0;
	va_list again;
	char *at;
	int length;

	/* Into the room that is there: what fits is formatted once. */
	if (there > buffer_room(buffer))
		there = buffer_room(buffer);
	va_copy(again, args);
	length = vsnprintf(there ? buffer->bytes + buffer->end : NULL, there, format, again);
	va_end(again);
	if (length >= 0 && (size_t)length < there) {
		buffer->end += (size_t)length;
		return true;
	}
	if (length < 0 || !(at = buffer_reserve(buffer, (size_t)length + 1)))
		return false;
	vsnprintf(at, (size_t)length + 1, format, args);
	buffer->end += (size_t)length;
	return true;
}

bool buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list args;
	bool done;

	va_start(args, format);
	done = buffer_vprintf(buffer, format, args);
	va_end(args);
	return done;
}

void buffer_consume(struct buffer *buffer, size_t count)
{
	buffer->start += count;
	if (buffer->start >= buffer->end)
		buffer->start = buffer->end = 0;
}
