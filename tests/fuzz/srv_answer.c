/*
 * DNS answers.  Beyond "no crash": what is given back is within its limits,
 * and every name is one that could be asked for.
 */
#include <stdlib.h>

#include "daemon/io/resolver.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct resolver_srv list[RESOLVER_SRV_MAX];
	struct address addresses[RESOLVER_ADDRESSES_MAX];
	size_t count;
	uint32_t ttl_s;
	bool is_read = srv_answer_read(bytes, length, list, &count, &ttl_s);

	check(count <= RESOLVER_SRV_MAX && ttl_s <= INT32_MAX && (is_read || count == 0));
	for (size_t i = 0; i < count; i++) {
		size_t used = strnlen(list[i].target, sizeof list[i].target);

		check(used > 0 && used <= RESOLVER_NAME_MAX && list[i].port > 0);
		for (size_t at = 0; at < used; at++)
			check(strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", list[i].target[at]));
	}
	for (int is_v6 = 0; is_v6 < 2; is_v6++) {
		is_read = address_answer_read(bytes, length, is_v6, addresses, &count, &ttl_s);
		check(count <= RESOLVER_ADDRESSES_MAX && (is_read || count == 0));
		for (size_t i = 0; i < count; i++)
			(void)address_is_special(&addresses[i]);
	}
	return 0;
}
