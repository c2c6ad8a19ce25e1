/*
 * Every row of the model against any text: first byte the kind, second the field,
 * the rest the value.  What is taken is written, taken again, and equal: the
 * written form is a fixed point.
 */
#include "shared/model/model.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { ARENA_BYTES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size < 2)
		return 0;

	const struct model_kind *kind = model_kind((enum model_kind_id)(bytes[0] % MODEL_KIND_COUNT));
	const struct model_field *field = &kind->fields[bytes[1] % kind->field_count];
	struct slice text = { (const char *)bytes + 2, size - 2 };
	struct model_value first, second;
	struct reason reason = { "" };
	struct buffer written, again;
	struct arena arena;

	arena_start(&arena, ARENA_BYTES);
	buffer_start(&written, ARENA_BYTES);
	buffer_start(&again, ARENA_BYTES);
	if (model_value_read(field, text, &arena, &first, &reason) == RESULT_OK) {
		model_value_write(field, &first, &written);
		assert(!written.is_broken);
		assert(model_value_read(field, buffer_slice(&written), &arena, &second, &reason) ==
		       RESULT_OK);
		assert(model_value_equal(field, &first, &second));
		model_value_write(field, &second, &again);
		assert(slice_equal(buffer_slice(&written), buffer_slice(&again)));
	} else {
		assert(reason.text[0]);
	}
	buffer_stop(&written);
	buffer_stop(&again);
	arena_stop(&arena);
	return 0;
}
