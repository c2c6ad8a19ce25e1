/*
 * memory: the only place that calls malloc.
 *
 * Every function may return NULL; the caller ends the request or connection
 * that asked, never the process.  Built with PARLEY_FAULTS, the nth allocation
 * can be made to fail, so that tests walk every out-of-memory path in turn.
 */
#ifndef SHARED_BASE_MEMORY_H
#define SHARED_BASE_MEMORY_H

#include <stddef.h>

void *mem_new(size_t size);                  /* zeroed */
void *mem_new_array(size_t count, size_t size); /* zeroed; NULL when the product overflows */
void *mem_resize(void *old, size_t size);    /* `old` stays valid when this returns NULL */
char *mem_text(const char *text);            /* a copy; freed with mem_free */
void mem_free(void *pointer);                /* NULL is fine */
void mem_wipe(void *pointer, size_t size);   /* zeroes, and the compiler may not leave it out */

#ifdef PARLEY_FAULTS
void mem_fail_at(unsigned long nth);         /* 1 is the next one; 0 switches it off */
unsigned long mem_count(void);               /* allocations since the last mem_fail_at */
#endif

#endif
