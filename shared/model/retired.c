#include "shared/model/retired.h"

static const struct {
	const char *kind, *field, *why;
} retired[] = {
#define RETIRED(kind, field, why) { kind, field, why },
#include "shared/model/retired.def"
#undef RETIRED
};

const char *model_retired(const struct model_kind *kind, struct slice name)
{
	for (size_t i = 0; i < sizeof retired / sizeof *retired; i++)
		if (strcmp(retired[i].kind, kind->name) == 0 && slice_equal(name, slice_of(retired[i].field)))
			return retired[i].why;
	return NULL;
}
