/*
 * methods: what may cross, read from methods.def.
 */
#include "daemon/sip/proxy.h"

enum { OUT_OF_DIALOG, IN_DIALOG };

static const uint8_t crossings[SIP_METHOD_COUNT][SIP_SIDES][2] = {
#define METHOD(method, outside, outside_in_dialog, inside, inside_in_dialog, allow, user, user_in_dialog)    \
	[SIP_##method] = { [SIP_SIDE_EXTERNAL] = { SIP_CROSS_##outside, SIP_CROSS_##outside_in_dialog },     \
		           [SIP_SIDE_INTERNAL] = { SIP_CROSS_##inside, SIP_CROSS_##inside_in_dialog },       \
		           [SIP_SIDE_REMOTE] = { SIP_CROSS_##user, SIP_CROSS_##user_in_dialog } },
#define EVENT(package)
#include "daemon/sip/methods.def"
#undef METHOD
#undef EVENT
};

enum sip_crossing sip_proxy_crossing(enum sip_method method, enum sip_side from, bool in_dialog)
{
	if ((unsigned)method >= SIP_METHOD_COUNT)
		method = SIP_METHOD_OTHER;
	return crossings[method][from][in_dialog ? IN_DIALOG : OUT_OF_DIALOG];
}

enum sip_crossing sip_proxy_crossing_user(enum sip_method method, bool in_dialog)
{
	return sip_proxy_crossing(method, SIP_SIDE_REMOTE, in_dialog);
}

static const char allow_text[] =
#define METHOD(method, outside, outside_in_dialog, inside, inside_in_dialog, allow, user, user_in_dialog)    \
	allow
#define EVENT(package)
#include "daemon/sip/methods.def"
#undef METHOD
#undef EVENT
        ;

struct slice sip_proxy_allow(void) { return (struct slice){ allow_text, sizeof allow_text - 1 }; }

static const char *const events[] = {
#define METHOD(method, outside, outside_in_dialog, inside, inside_in_dialog, allow, user, user_in_dialog)
#define EVENT(package) package,
#include "daemon/sip/methods.def"
#undef METHOD
#undef EVENT
};

bool sip_proxy_event_crosses(const struct sip_message *m)
{
	const struct sip_header *event = sip_message_header(m, SIP_EVENT);
	struct slice package;

	if (!event)
		return false;
	package = slice_trim(slice_first(event->value, slice_find(event->value, ';')));
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (slice_equal(package, slice_of(events[i]))) /* byte by byte: RFC 6665 §8.2.1 */
			return true;
	return false;
}
