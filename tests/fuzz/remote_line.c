/*
 * Any bytes from the far end of an ssh, before its line and after: what is read of them is taken out, printable and
 * bounded; and any word as a host: what is let through is nothing that ssh or a shell reads as more.
 */
#include <stdlib.h>

#include "shared/base/buffer.h"
#include "tui/client/remote.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	struct slice text = { (const char *)bytes, count };
	char about[REMOTE_ABOUT_BYTES];
	enum remote_word word;
	struct reason reason;
	struct buffer in;

	buffer_start(&in, 2 * REMOTE_GREETING_MAX);
	buffer_add(&in, text);
	do {
		size_t before = buffer_length(&in);

		word = remote_read(&in, about);
		if (strlen(about) >= sizeof about || buffer_length(&in) > before)
			abort();
		for (const char *at = about; *at; at++)
			if ((unsigned char)*at < ' ' || *at == 0x7f)
				abort();
		if (word != REMOTE_NOTHING && word != REMOTE_TALKS && buffer_length(&in) == before)
			abort();
	} while (word != REMOTE_NOTHING && word != REMOTE_TALKS);
	buffer_stop(&in);
	if (count && remote_check_host(text, &reason) == RESULT_OK &&
	    (bytes[0] == '-' || memchr(bytes, ' ', count) || memchr(bytes, ';', count) ||
	     memchr(bytes, '\'', count)))
		abort();
	return 0;
}
