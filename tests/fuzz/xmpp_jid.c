/*
 * xmpp_jid: an address that is taken has one spelling: written and parsed again
 * it is the same, and no part holds what would end it.
 */
#include <stdlib.h>

#include "daemon/xmpp/xmpp.h"
#include "shared/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct xmpp_jid jid, again;
	struct reason reason = { "" };
	char *bytes = malloc(size ? size : 1);

	memcpy(bytes, data, size);
	arena_start(&arena, 64 * 1024);
	if (xmpp_jid_parse((struct slice){ bytes, size }, &arena, &jid, &reason) == RESULT_OK) {
		struct slice text = xmpp_jid_text(&jid, &arena);

		if (!text.ptr || !text_is_utf8(text))
			abort();
		for (size_t i = 0; i < jid.local.len; i++)
			if ((unsigned char)jid.local.ptr[i] <= 0x20 || strchr("\"&'/:<>@", jid.local.ptr[i]))
				abort();
		for (size_t i = 0; i < jid.domain.len; i++)
			if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-.", jid.domain.ptr[i]))
				abort();
		for (size_t i = 0; i < jid.resource.len; i++)
			if ((unsigned char)jid.resource.ptr[i] < 0x20)
				abort();
		if (text.len <= XMPP_JID_MAX && (xmpp_jid_parse(text, &arena, &again, NULL) != RESULT_OK ||
		                                 !xmpp_jid_equal(&jid, &again)))
			abort();
	} else if (!reason.text[0]) {
		abort();
	}
	arena_stop(&arena);
	free(bytes);
	return 0;
}
