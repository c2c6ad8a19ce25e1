/* Archive and journal readers: whatever is accepted is written again byte for byte. */
#include <stdlib.h>

#include "daemon/store/archive.h"
#include "daemon/store/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = { (const char *)data, size };
	struct arena arena;
	struct store_document *documents;
	struct store_version version;
	size_t count;
	char chain[STORE_DIGEST_BYTES] = "";

	arena_start(&arena, 1 << 20);
	if (archive_read(bytes, &arena, &version, &documents, &count, NULL) == RESULT_OK) {
		struct buffer again;

		buffer_start(&again, STORE_ARCHIVE_MAX);
		if (archive_write(&version, documents, count, &again, NULL) != RESULT_OK ||
		    !slice_equal(buffer_slice(&again), bytes))
			abort();
		buffer_stop(&again);
	}
	journal_line_read(bytes, chain, &version);
	arena_stop(&arena);
	return 0;
}
