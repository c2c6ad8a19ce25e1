/*
 * Any bytes: a prepared name is a host name, and preparing it again changes nothing, neither the short way nor the long
 * one that the dot of the root makes it go.
 */
#include "daemon/names/names.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	char once[NAMES_DOMAIN_BYTES], twice[NAMES_DOMAIN_BYTES], rooted[NAMES_DOMAIN_BYTES + 1];
	struct reason reason;
	struct buffer shown;

	if (names_domain_prepare((struct slice){ (const char *)bytes, count }, once, &reason) != RESULT_OK)
		return 0;
	if (once[0] == '\0' || strlen(once) > NAMES_DOMAIN_MAX)
		abort();
	if (strspn(once, "abcdefghijklmnopqrstuvwxyz0123456789-.") != strlen(once))
		abort();
	if (names_domain_prepare(slice_of(once), twice, &reason) != RESULT_OK || strcmp(once, twice) != 0)
		abort();
	if (!names_domain_is_prepared(slice_of(once)))
		abort();
	snprintf(rooted, sizeof rooted, "%s.", once);
	if (names_domain_prepare(slice_of(rooted), twice, &reason) != RESULT_OK || strcmp(once, twice) != 0)
		abort();
	buffer_start(&shown, 4096);
	names_domain_show(slice_of(once), &shown);
	buffer_stop(&shown);
	return 0;
}
