#include <stdio.h>
#include <sys/wait.h>

#include "daemon/launcher/launcher.h"

int64_t launcher_backoff(int64_t previous_ms, int64_t lived_ms)
{
	if (previous_ms <= 0 || lived_ms >= LAUNCHER_LIFE_MS)
		return LAUNCHER_BACKOFF_FIRST_MS;
	return previous_ms >= LAUNCHER_BACKOFF_MAX_MS / 2 ? LAUNCHER_BACKOFF_MAX_MS : previous_ms * 2;
}

const char *launcher_status_words(int32_t status, char to[LAUNCHER_STATUS_BYTES])
{
	if (status < 0)
		snprintf(to, LAUNCHER_STATUS_BYTES, "not ended");
	else if (WIFSIGNALED(status))
		snprintf(to, LAUNCHER_STATUS_BYTES, "signal %d", WTERMSIG(status));
	else
		snprintf(to, LAUNCHER_STATUS_BYTES, "exit %d", WEXITSTATUS(status));
	return to;
}
