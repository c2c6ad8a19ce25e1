/* notice: what is known of services that have ended (notices.def), for whoever enables one of them. */
#ifndef SHARED_MODEL_NOTICE_H
#define SHARED_MODEL_NOTICE_H

#include "shared/model/model.h"

struct model_notice {
	const char *proxy_fqdn, *ended, *words;
};

/* Of a sip-provider, by its edge; NULL: nothing is known against it. */
const struct model_notice *model_notice(const struct model_object *provider);

#endif
