/*
 * keeper_decisions: any bytes as events of a service that somebody has taken over, read as decisions and decided on
 * again: whatever they hold stays within bounds, and an entry holds all it points to.
 */
#include <stdlib.h>

#include "daemon/keeper/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct made_image image;

static void make_image(void)
{
	struct model_snapshot *snapshot = model_snapshot_new();

	model_snapshot_one(snapshot, MODEL_ACCESS_EDGE)
	        ->values[MODEL_FIELD(access_edge, allow_federated_users)]
	        .flag = true;
	model_snapshot_one(snapshot, MODEL_ACCESS_EDGE)
	        ->values[MODEL_FIELD(access_edge, enable_partner_discovery)]
	        .flag = true;
	if (image_make(snapshot, 1, &image, NULL) != RESULT_OK)
		abort();
	model_snapshot_free(&snapshot);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct slice rest = { (const char *)bytes, size }, line;
	struct decisions decisions = { .bytes = 0 };
	struct decisions_walk walk;
	const struct decision *d;
	size_t summed = 0, count = 0;
	int64_t now = 1;

	if (!image.mapped)
		make_image();
	decisions_start(&decisions);
	while (slice_next(&rest, '\n', &line)) {
		struct json *event = NULL;

		if (json_read(line, &event, NULL) == RESULT_OK)
			decisions_take(&decisions, CONTROL_EVENT_REQUEST_PASSED, event, now++);
		json_free(&event); /* nothing may point into it any more */
	}
	decisions_walk_start(&decisions, &walk);
	while ((d = decisions_next(&decisions, &walk))) {
		struct policy_verdict verdict;

		policy_decide(image.mapped, &d->facts, &verdict, NULL);
		summed += d->bytes;
		count++;
	}
	if (summed != decisions.bytes || count != decisions.by_key.count)
		abort();
	decisions_walk_stop(&walk);
	decisions_free(&decisions);
	if (decisions.bytes != 0)
		abort();
	return 0;
}
