#include "daemon/policy/sign_in.h"

int64_t sign_in_wait(const struct sign_in_record *record, int64_t now_ms)
{
	return record->until_ms > now_ms ? record->until_ms - now_ms : 0;
}

int64_t sign_in_failed(struct sign_in_record *record, const struct sign_in_limits *limits, int64_t now_ms)
{
	int64_t wait_ms = SIGN_IN_FIRST_WAIT_MS;

	if (record->failures && now_ms - record->last_ms >= limits->longest_ms)
		record->failures = 0;
	record->failures++;
	record->last_ms = now_ms;
	if (record->failures < limits->failures)
		return 0;
	for (uint64_t over = record->failures - limits->failures; over > 0 && wait_ms < limits->longest_ms;
	     over--)
		wait_ms *= 2;
	if (wait_ms > limits->longest_ms)
		wait_ms = limits->longest_ms;
	record->until_ms = now_ms + wait_ms;
	return wait_ms;
}
