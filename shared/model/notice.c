#include "shared/model/notice.h"

static const struct model_notice notices[] = {
#define NOTICE(proxy, ended, words) { proxy, ended, words },
#include "shared/model/notices.def"
#undef NOTICE
};

const struct model_notice *model_notice(const struct model_object *provider)
{
	struct slice proxy = provider->values[MODEL_FIELD(sip_provider, proxy_fqdn)].text;

	for (size_t i = 0; i < sizeof notices / sizeof *notices; i++)
		if (slice_equal(proxy, slice_of(notices[i].proxy_fqdn)))
			return &notices[i];
	return NULL;
}
