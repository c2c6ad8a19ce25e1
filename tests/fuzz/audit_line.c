/*
 * Any bytes: a line of the audit that somebody may have written over, the stat of a process, what a client says of
 * where it came from.  What is read of them is bounded and ends.
 */
#include <stdlib.h>

#include "daemon/keeper/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	struct slice text = { (const char *)bytes, count };
	struct who who = { .uid = 1000 };
	struct audit_link link;
	struct filter_flaw flaw;
	struct filter filter;
	char line[32];
	pid_t parent;

	if (audit_link_read(text, &link) &&
	    (link.number == 0 || strlen(link.previous) >= sizeof link.previous))
		abort();
	if (filter_read(slice_first(text, count < 64 ? count : 64), "", 0, &filter, &flaw))
		audit_matches(text, &filter);
	if (who_read_stat(text, &parent, line) && (parent < 0 || strlen(line) >= sizeof line))
		abort();
	who_claim_address(&who, text);
	for (const char *at = who.address; *at; at++)
		if (*at < ' ' || *at > '~')
			abort();
	return 0;
}
