#include "daemon/io/tls_stage.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "shared/base/memory.h"

static ssize_t give(struct tls_stage *stage, void *to, size_t size)
{
	size_t there = stage->end - stage->start;

	if (size > there)
		size = there;
	memcpy(to, stage->bytes + stage->start, size);
	stage->start += (uint32_t)size;
	return (ssize_t)size;
}

ssize_t tls_stage_take(struct tls_stage *stage, int fd, void *to, size_t size)
{
	ssize_t n;

	if (tls_stage_has(stage))
		return give(stage, to, size);
	if (stage->is_drained) {
		stage->is_drained = false;
		errno = EAGAIN;
		return -1;
	}
	if (!stage->bytes && !(stage->bytes = mem_new(TLS_STAGE_BYTES)))
		return recv(fd, to, size, 0);
	n = recv(fd, stage->bytes, TLS_STAGE_BYTES, 0);
	if (n <= 0)
		return n;
	stage->start = 0;
	stage->end = (uint32_t)n;
	stage->is_drained = n < TLS_STAGE_BYTES;
	return give(stage, to, size);
}

void tls_stage_rest(struct tls_stage *stage)
{
	if (!tls_stage_has(stage))
		tls_stage_stop(stage);
}

void tls_stage_stop(struct tls_stage *stage)
{
	mem_free(stage->bytes);
	stage->bytes = NULL;
	stage->start = stage->end = 0;
}
