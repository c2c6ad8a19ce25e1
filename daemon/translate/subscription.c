/* subscription: both tables, and the events that SIP messages are. */
#include "daemon/translate/subscription.h"

/* ---- WATCHING ---- */

#define NOTHING           TRANSLATE_WATCHING_NOTHING
#define SEND_SUBSCRIBE    TRANSLATE_WATCHING_SEND_SUBSCRIBE
#define SEND_REFRESH      TRANSLATE_WATCHING_SEND_REFRESH
#define SEND_END          TRANSLATE_WATCHING_SEND_END
#define DROP              TRANSLATE_WATCHING_DROP
#define KEEP_FRESH        TRANSLATE_WATCHING_KEEP_FRESH
#define RETRY             TRANSLATE_WATCHING_RETRY
#define RETRY_LATE        TRANSLATE_WATCHING_RETRY_LATE
#define TELL_SUBSCRIBED   TRANSLATE_WATCHING_TELL_SUBSCRIBED
#define TELL_UNSUBSCRIBED TRANSLATE_WATCHING_TELL_UNSUBSCRIBED
#define TELL_PRESENCE     TRANSLATE_WATCHING_TELL_PRESENCE
#define TELL_UNAVAILABLE  TRANSLATE_WATCHING_TELL_UNAVAILABLE
#define SAVE              TRANSLATE_WATCHING_SAVE
#define WATCHING(state, event, next, actions)                                                                \
	[TRANSLATE_WATCHING_##                                                                               \
	        state][TRANSLATE_WATCHING_##event] = { TRANSLATE_WATCHING_##next, actions, true },
static const struct translate_watching_step watching[TRANSLATE_WATCHING_STATES][TRANSLATE_WATCHING_EVENTS] = {
#include "daemon/translate/subscription.def"
};
#undef NOTHING
#undef SEND_SUBSCRIBE
#undef SEND_REFRESH
#undef SEND_END
#undef DROP
#undef KEEP_FRESH
#undef RETRY
#undef RETRY_LATE
#undef TELL_SUBSCRIBED
#undef TELL_UNSUBSCRIBED
#undef TELL_PRESENCE
#undef TELL_UNAVAILABLE
#undef SAVE

struct translate_watching_step translate_watching_step(enum translate_watching_state state,
                                                       enum translate_watching_event event)
{
	struct translate_watching_step step = watching[state][event];

	if (!step.is_written)
		step.next = state;
	return step;
}

const char *translate_watching_state_name(enum translate_watching_state state)
{
	static const char *const names[] = { "none",     "asking", "pending", "active",
		                             "resuming", "idle",   "unknown", "ending" };

	return names[state];
}

enum translate_watching_event translate_watching_answer(int status, bool is_end)
{
	switch (status) {
	case 403:
	case 603: return TRANSLATE_WATCHING_S_REFUSED;
	case 405:
	case 489:
	case 501: return TRANSLATE_WATCHING_S_NO_PRESENCE;
	case 423: return TRANSLATE_WATCHING_S_INTERVAL;
	case 481: return TRANSLATE_WATCHING_S_GONE;
	default: break;
	}
	if (status < 200 || status > 299)
		return TRANSLATE_WATCHING_S_FAILED;
	return is_end ? TRANSLATE_WATCHING_S_ENDED : TRANSLATE_WATCHING_S_OK;
}

static uint32_t seconds_of(struct slice params, struct slice name)
{
	struct slice value;
	uint64_t seconds;

	if (!sip_param(params, name, &value) || !slice_to_number(value, UINT32_MAX - 1, &seconds))
		return UINT32_MAX;
	return (uint32_t)seconds;
}

bool translate_watching_notify(const struct sip_message *notify, enum translate_watching_event *event,
                               uint32_t *expires_s, uint32_t *retry_s)
{
	const struct sip_header *header = sip_message_header(notify, SIP_SUBSCRIPTION_STATE);
	struct slice state, params, reason;

	if (!header)
		return false;
	state = slice_trim(slice_first(header->value, slice_find(header->value, ';')));
	params = slice_after(header->value, slice_find(header->value, ';'));
	*expires_s = seconds_of(params, SLICE("expires"));
	*retry_s = seconds_of(params, SLICE("retry-after"));
	if (!sip_param(params, SLICE("reason"), &reason))
		reason = SLICE("");
	if (slice_equal_nocase(state, SLICE("active")))
		*event = TRANSLATE_WATCHING_N_ACTIVE;
	else if (!slice_equal_nocase(state, SLICE("terminated")))
		*event =
		        TRANSLATE_WATCHING_N_PENDING; /* RFC 6665 §4.1.3: a state we do not know grants nothing */
	else if (slice_equal_nocase(reason, SLICE("rejected")) ||
	         slice_equal_nocase(reason, SLICE("noresource")) ||
	         slice_equal_nocase(reason, SLICE("invariant")))
		*event = TRANSLATE_WATCHING_N_REJECTED;
	else if (slice_equal_nocase(reason, SLICE("probation")) ||
	         slice_equal_nocase(reason, SLICE("giveup")))
		*event = TRANSLATE_WATCHING_N_LATER;
	else
		*event = TRANSLATE_WATCHING_N_AGAIN;
	return true;
}

/* ---- WATCHED ---- */

#define NOTHING     TRANSLATE_WATCHED_NOTHING
#define ASK         TRANSLATE_WATCHED_ASK
#define PROBE       TRANSLATE_WATCHED_PROBE
#define LEAVE       TRANSLATE_WATCHED_LEAVE
#define NOTIFY_THIS TRANSLATE_WATCHED_NOTIFY_THIS
#define NOTIFY_ALL  TRANSLATE_WATCHED_NOTIFY_ALL
#define REJECT_ALL  TRANSLATE_WATCHED_REJECT_ALL
#define CLOSE       TRANSLATE_WATCHED_CLOSE
#define SAVE        TRANSLATE_WATCHED_SAVE
#define WATCHED(state, event, next, actions)                                                                 \
	[TRANSLATE_WATCHED_##state][TRANSLATE_WATCHED_##event] = { TRANSLATE_WATCHED_##next, actions, true },
static const struct translate_watched_step watched[TRANSLATE_WATCHED_STATES][TRANSLATE_WATCHED_EVENTS] = {
#include "daemon/translate/subscription.def"
};

struct translate_watched_step translate_watched_step(enum translate_watched_state state,
                                                     enum translate_watched_event event)
{
	struct translate_watched_step step = watched[state][event];

	if (!step.is_written)
		step.next = state;
	return step;
}

const char *translate_watched_state_name(enum translate_watched_state state)
{
	static const char *const names[] = { "none", "unsent", "pending", "active" };

	return names[state];
}
