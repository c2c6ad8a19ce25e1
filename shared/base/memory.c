#include "shared/base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef PARLEY_FAULTS
/* Test builds only: the one mutable global of the house. */
static unsigned long fail_at, counted;

void mem_fail_at(unsigned long nth)
{
	fail_at = nth;
	counted = 0;
}

unsigned long mem_count(void) { return counted; }

static int is_made_to_fail(void) { return ++counted == fail_at; }
#else
static int is_made_to_fail(void) { return 0; }
#endif

void *mem_new(size_t size)
{
	if (is_made_to_fail())
		return NULL;
	return calloc(1, size ? size : 1);
}

void *mem_new_array(size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return mem_new(total);
}

void *mem_resize(void *old, size_t size)
{
	if (is_made_to_fail())
		return NULL;
	return realloc(old, size ? size : 1);
}

char *mem_text(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = mem_new(size);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

void mem_free(void *pointer) { free(pointer); }

void mem_wipe(void *pointer, size_t size) { explicit_bzero(pointer, size); }
