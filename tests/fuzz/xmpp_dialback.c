/*
 * xmpp_dialback: a key is the key of what it was made of, and of nothing that
 * differs in one byte.  The input is cut at NULs: secret, receiving, originating, id.
 */
#include <stdlib.h>

#include "daemon/xmpp/dialback.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	struct slice rest = { copy, size }, parts[4] = { SLICE_NONE, SLICE_NONE, SLICE_NONE, SLICE_NONE };
	char key[XMPP_DIALBACK_KEY_BYTES], other[XMPP_DIALBACK_KEY_BYTES];

	memcpy(copy, data, size);
	for (size_t i = 0; i < 4 && slice_next(&rest, '\0', &parts[i]); i++)
		;
	xmpp_dialback_key(parts[0], parts[1], parts[2], parts[3], key);
	if (strlen(key) != XMPP_DIALBACK_KEY_BYTES - 1 ||
	    strspn(key, "0123456789abcdef") != XMPP_DIALBACK_KEY_BYTES - 1)
		abort();
	if (!xmpp_dialback_is_key(parts[0], parts[1], parts[2], parts[3], slice_of(key)))
		abort();
	if (parts[3].len > 0 && size < 4096) {
		copy[parts[3].ptr - copy] ^= 1;
		xmpp_dialback_key(parts[0], parts[1], parts[2], parts[3], other);
		if (strcmp(key, other) == 0)
			abort();
	}
	free(copy);
	return 0;
}
