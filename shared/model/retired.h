/* retired: fields that have been (retired.def), for whoever reads what was written when they were. */
#ifndef SHARED_MODEL_RETIRED_H
#define SHARED_MODEL_RETIRED_H

#include "shared/model/model.h"

/* Why the kind has no field of that name any more, English; NULL: it never had one, or has it. */
const char *model_retired(const struct model_kind *kind, struct slice name);

#endif
