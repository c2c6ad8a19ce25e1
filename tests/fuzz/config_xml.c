/*
 * Any bytes as a document: first byte which document (0: host.xml, then in the model's order), the rest its text.  What is taken is printed,
 * read again as an equal snapshot, and printed the same; what is refused says why.
 */
#include "daemon/config/config.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct slice name_of(uint8_t byte)
{
	size_t count = 0;

	while (config_document_name(count))
		count++;
	byte %= (uint8_t)(count + 1);
	return byte == 0 ? SLICE("host.xml") : slice_of(config_document_name(byte - 1));
}

static enum result read_one(struct slice name, struct slice bytes, struct model_snapshot **out,
                            struct config_problems *problems)
{
	struct config_document document = { .name = name, .bytes = bytes };

	if (slice_equal(name, SLICE("host.xml")))
		return config_read_host(bytes, out, problems);
	return config_read(&document, 1, NULL, out, problems);
}

static void check_round_trip(struct slice name, struct model_snapshot *first,
                             struct config_problems *problems)
{
	struct model_snapshot *second = NULL;
	struct buffer printed, again;

	buffer_start(&printed, CONFIG_LIST_BYTES_MAX);
	buffer_start(&again, CONFIG_LIST_BYTES_MAX);
	assert(config_print(first, name, 0, &printed) == RESULT_OK);
	assert(read_one(name, buffer_slice(&printed), &second, problems) == RESULT_OK);
	assert(model_snapshot_equal(first, second));
	assert(config_print(second, name, 0, &again) == RESULT_OK);
	assert(slice_equal(buffer_slice(&printed), buffer_slice(&again)));
	model_snapshot_free(&second);
	buffer_stop(&printed);
	buffer_stop(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct config_problems problems;
	struct model_snapshot *snapshot = NULL;

	if (size == 0)
		return 0;
	config_problems_start(&problems);
	if (read_one(name_of(bytes[0]), (struct slice){ (const char *)bytes + 1, size - 1 }, &snapshot,
	             &problems) == RESULT_OK)
		check_round_trip(name_of(bytes[0]), snapshot, &problems);
	else
		assert(!snapshot && problems.count > 0 && problems.items[0].why[0]);
	model_snapshot_free(&snapshot);
	config_problems_stop(&problems);
	return 0;
}
