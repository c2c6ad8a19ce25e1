/* Which field has an effect only while another has a certain value: needs.def as data. */
#include "shared/model/model.h"

static const struct model_need needs[] = {
#define NEED(kind, field, other, value, otherwise)                                                           \
	{ (size_t)MODEL_FIELD_##kind##_##field, MODEL_FIELD(kind, field), MODEL_FIELD(kind, other), value,   \
	  otherwise },
#include "shared/model/needs.def"
#undef NEED
};

const struct model_need *model_field_need(const struct model_kind *kind, size_t field)
{
	/* A kind's fields lie one after the other in the one flat table; so do their ids. */
	const struct model_kind *first = model_kind((enum model_kind_id)0);
	size_t id = (size_t)(kind->fields - first->fields) + 1 + field;

	for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
		if (needs[i].id == id)
			return &needs[i];
	return NULL;
}

bool model_need_holds(const struct model_need *need, struct slice other)
{
	return need->value[0] ? slice_equal(other, slice_of(need->value)) : slice_trim(other).len > 0;
}
