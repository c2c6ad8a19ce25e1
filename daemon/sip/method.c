/*
 * method: names to numbers and back.  Case matters: RFC 3261 §7.1.
 */
#include "daemon/sip/sip.h"

static const struct slice names[SIP_METHOD_COUNT] = {
	[SIP_METHOD_OTHER] = { "", 0 },
#define NAME(text)                                                                                           \
	{                                                                                                    \
		text, sizeof(text) - 1                                                                       \
	}
	[SIP_INVITE] = NAME("INVITE"),
	[SIP_ACK] = NAME("ACK"),
	[SIP_BYE] = NAME("BYE"),
	[SIP_CANCEL] = NAME("CANCEL"),
	[SIP_OPTIONS] = NAME("OPTIONS"),
	[SIP_REGISTER] = NAME("REGISTER"),
	[SIP_MESSAGE] = NAME("MESSAGE"),
	[SIP_SUBSCRIBE] = NAME("SUBSCRIBE"),
	[SIP_NOTIFY] = NAME("NOTIFY"),
	[SIP_INFO] = NAME("INFO"),
	[SIP_UPDATE] = NAME("UPDATE"),
	[SIP_PRACK] = NAME("PRACK"),
	[SIP_REFER] = NAME("REFER"),
	[SIP_PUBLISH] = NAME("PUBLISH"),
	[SIP_BENOTIFY] = NAME("BENOTIFY"),
	[SIP_SERVICE] = NAME("SERVICE"),
	[SIP_NEGOTIATE] = NAME("NEGOTIATE"),
#undef NAME
};

struct slice sip_method_name(enum sip_method method)
{
	return names[(unsigned)method < SIP_METHOD_COUNT ? method : SIP_METHOD_OTHER];
}

enum sip_method sip_method_of(struct slice name)
{
	for (unsigned i = 1; i < SIP_METHOD_COUNT; i++)
		if (names[i].len == name.len && memcmp(names[i].ptr, name.ptr, name.len) == 0)
			return (enum sip_method)i;
	return SIP_METHOD_OTHER;
}
