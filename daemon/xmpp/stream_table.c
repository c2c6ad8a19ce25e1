/*
 * The stream machine as one table: RFC 6120 §4, §5, §6; XEP-0220; XEP-0288; XEP-0198.
 *
 * A cell names the deed; what the deed decides (the next phase among it) is in
 * the function of that name.  A cell nobody wrote is caught by the test that
 * walks them all.
 */
#include "daemon/xmpp/stream_parts.h"

/* clang-format off */
#define IN(role, phase) [XMPP_##role][XMPP_PHASE_##phase]
#define ON(event)       [XMPP_EV_##event]

/* Phases in which no element can come, because none is read. */
#define NOTHING_IS_READ \
	ON(HEADER)        = DEED_IMPOSSIBLE, ON(FEATURES)      = DEED_IMPOSSIBLE, ON(STARTTLS)     = DEED_IMPOSSIBLE, \
	ON(PROCEED)       = DEED_IMPOSSIBLE, ON(TLS_FAILURE)   = DEED_IMPOSSIBLE, ON(AUTH)         = DEED_IMPOSSIBLE, \
	ON(SUCCESS)       = DEED_IMPOSSIBLE, ON(SASL_FAILURE)  = DEED_IMPOSSIBLE, ON(SASL_OTHER)   = DEED_IMPOSSIBLE, \
	ON(RESULT)        = DEED_IMPOSSIBLE, ON(RESULT_ANSWER) = DEED_IMPOSSIBLE, ON(VERIFY)       = DEED_IMPOSSIBLE, \
	ON(VERIFY_ANSWER) = DEED_IMPOSSIBLE, ON(BIDI)          = DEED_IMPOSSIBLE, ON(STANZA)       = DEED_IMPOSSIBLE, \
	ON(ENABLE)        = DEED_IMPOSSIBLE, ON(ENABLED)       = DEED_IMPOSSIBLE, ON(SM_FAILED)    = DEED_IMPOSSIBLE, \
	ON(RESUME)        = DEED_IMPOSSIBLE, ON(ACK_ASKED)     = DEED_IMPOSSIBLE, ON(ACK)          = DEED_IMPOSSIBLE, \
	ON(OTHER)         = DEED_IMPOSSIBLE, ON(PEER_ERROR)    = DEED_IMPOSSIBLE, ON(PEER_END)     = DEED_IMPOSSIBLE, \
	ON(BROKEN)        = DEED_IMPOSSIBLE

/* The first thing on a stream is its header, or it is broken: the reader sees to that. */
#define ONLY_A_HEADER(deed) { \
	ON(HEADER)        = deed,            ON(FEATURES)      = DEED_IMPOSSIBLE, ON(STARTTLS)     = DEED_IMPOSSIBLE, \
	ON(PROCEED)       = DEED_IMPOSSIBLE, ON(TLS_FAILURE)   = DEED_IMPOSSIBLE, ON(SECURED)      = DEED_IMPOSSIBLE, \
	ON(AUTH)          = DEED_IMPOSSIBLE, ON(SUCCESS)       = DEED_IMPOSSIBLE, ON(SASL_FAILURE) = DEED_IMPOSSIBLE, \
	ON(SASL_OTHER)    = DEED_IMPOSSIBLE, ON(RESULT)        = DEED_IMPOSSIBLE, ON(RESULT_ANSWER) = DEED_IMPOSSIBLE, \
	ON(VERIFY)        = DEED_IMPOSSIBLE, ON(VERIFY_ANSWER) = DEED_IMPOSSIBLE, ON(BIDI)         = DEED_IMPOSSIBLE, \
	ON(STANZA)        = DEED_IMPOSSIBLE, ON(ENABLE)        = DEED_IMPOSSIBLE, ON(ENABLED)      = DEED_IMPOSSIBLE, \
	ON(SM_FAILED)     = DEED_IMPOSSIBLE, ON(RESUME)        = DEED_IMPOSSIBLE, ON(ACK_ASKED)    = DEED_IMPOSSIBLE, \
	ON(ACK)           = DEED_IMPOSSIBLE, ON(OTHER)         = DEED_IMPOSSIBLE, ON(PEER_ERROR)   = DEED_IMPOSSIBLE, \
	ON(PEER_END)      = DEED_IMPOSSIBLE, ON(BROKEN)        = DEED_BREAK }

#define THE_HANDSHAKE { NOTHING_IS_READ, ON(SECURED) = DEED_RESTART }
#define NEVER_HERE    { NOTHING_IS_READ, ON(SECURED) = DEED_IMPOSSIBLE } /* a phase of the other role */

/* Our end is said.  RFC 6120 §4.4: what the peer sends until it says its own is still taken. */
#define AFTER_OUR_END { \
	ON(HEADER)        = DEED_IGNORE,     ON(FEATURES)      = DEED_IGNORE,     ON(STARTTLS)     = DEED_IGNORE, \
	ON(PROCEED)       = DEED_IGNORE,     ON(TLS_FAILURE)   = DEED_IGNORE,     ON(SECURED)      = DEED_IGNORE, \
	ON(AUTH)          = DEED_IGNORE,     ON(SUCCESS)       = DEED_IGNORE,     ON(SASL_FAILURE) = DEED_IGNORE, \
	ON(SASL_OTHER)    = DEED_IGNORE,     ON(RESULT)        = DEED_IGNORE,     ON(RESULT_ANSWER) = DEED_DROP, \
	ON(VERIFY)        = DEED_IGNORE,     ON(VERIFY_ANSWER) = DEED_DROP,       ON(BIDI)         = DEED_IGNORE, \
	ON(STANZA)        = DEED_TAKE,       ON(ENABLE)        = DEED_IGNORE,     ON(ENABLED)      = DEED_IGNORE, \
	ON(SM_FAILED)     = DEED_IGNORE,     ON(RESUME)        = DEED_IGNORE,     ON(ACK_ASKED)    = DEED_IGNORE, \
	ON(ACK)           = DEED_COUNT_ACK,  ON(OTHER)         = DEED_IGNORE,     ON(PEER_ERROR)   = DEED_HEAR_ERROR, \
	ON(PEER_END)      = DEED_HEAR_END,   ON(BROKEN)        = DEED_GONE }

#define OVER { \
	ON(HEADER)        = DEED_IGNORE,     ON(FEATURES)      = DEED_IGNORE,     ON(STARTTLS)     = DEED_IGNORE, \
	ON(PROCEED)       = DEED_IGNORE,     ON(TLS_FAILURE)   = DEED_IGNORE,     ON(SECURED)      = DEED_IGNORE, \
	ON(AUTH)          = DEED_IGNORE,     ON(SUCCESS)       = DEED_IGNORE,     ON(SASL_FAILURE) = DEED_IGNORE, \
	ON(SASL_OTHER)    = DEED_IGNORE,     ON(RESULT)        = DEED_IGNORE,     ON(RESULT_ANSWER) = DEED_IGNORE, \
	ON(VERIFY)        = DEED_IGNORE,     ON(VERIFY_ANSWER) = DEED_IGNORE,     ON(BIDI)         = DEED_IGNORE, \
	ON(STANZA)        = DEED_IGNORE,     ON(ENABLE)        = DEED_IGNORE,     ON(ENABLED)      = DEED_IGNORE, \
	ON(SM_FAILED)     = DEED_IGNORE,     ON(RESUME)        = DEED_IGNORE,     ON(ACK_ASKED)    = DEED_IGNORE, \
	ON(ACK)           = DEED_IGNORE,     ON(OTHER)         = DEED_IGNORE,     ON(PEER_ERROR)   = DEED_IGNORE, \
	ON(PEER_END)      = DEED_IGNORE,     ON(BROKEN)        = DEED_IGNORE }

/* We asked for one thing: `(...)` are its answers, everything else is out of place. */
#define WE_WAIT_FOR(features, proceed, tls_failure, success, sasl_failure) { \
	ON(HEADER)        = DEED_IMPOSSIBLE, ON(FEATURES)      = features,        ON(STARTTLS)     = DEED_UNKNOWN_ELEMENT, \
	ON(PROCEED)       = proceed,         ON(TLS_FAILURE)   = tls_failure,     ON(SECURED)      = DEED_IMPOSSIBLE, \
	ON(AUTH)          = DEED_UNKNOWN_ELEMENT, ON(SUCCESS)  = success,         ON(SASL_FAILURE) = sasl_failure, \
	ON(SASL_OTHER)    = sasl_failure,    /* EXTERNAL has no challenge */ \
	ON(RESULT)        = DEED_DROP,       ON(RESULT_ANSWER) = DEED_DROP, \
	ON(VERIFY)        = DEED_DROP,       ON(VERIFY_ANSWER) = DEED_DROP,       ON(BIDI)         = DEED_UNKNOWN_ELEMENT, \
	ON(STANZA)        = DEED_NOT_YET,    ON(ENABLE)        = DEED_UNKNOWN_ELEMENT, ON(ENABLED) = DEED_UNKNOWN_ELEMENT, \
	ON(SM_FAILED)     = DEED_UNKNOWN_ELEMENT, ON(RESUME)   = DEED_UNKNOWN_ELEMENT, ON(ACK_ASKED) = DEED_UNKNOWN_ELEMENT, \
	ON(ACK)           = DEED_UNKNOWN_ELEMENT, ON(OTHER)    = DEED_UNKNOWN_ELEMENT, ON(PEER_ERROR) = DEED_HEAR_ERROR, \
	ON(PEER_END)      = DEED_HEAR_END,   ON(BROKEN)        = DEED_BREAK }

static const uint8_t deeds[XMPP_ROLE_COUNT][XMPP_PHASE_COUNT][XMPP_EV_COUNT] = {
	/* ======== receiving: the peer connected to us ======== */
	IN(RECEIVING, HEADER)     = ONLY_A_HEADER(DEED_GREET),
	IN(RECEIVING, FEATURES)   = NEVER_HERE,
	IN(RECEIVING, TLS_ASKED)  = NEVER_HERE,
	IN(RECEIVING, TLS)        = THE_HANDSHAKE,
	IN(RECEIVING, SASL_ASKED) = NEVER_HERE,
	IN(RECEIVING, PROVING) = {
		ON(HEADER)        = DEED_IMPOSSIBLE,
		ON(FEATURES)      = DEED_UNKNOWN_ELEMENT, /* those are ours to say */
		ON(STARTTLS)      = DEED_START_TLS,
		ON(PROCEED)       = DEED_UNKNOWN_ELEMENT,
		ON(TLS_FAILURE)   = DEED_UNKNOWN_ELEMENT,
		ON(SECURED)       = DEED_IMPOSSIBLE,
		ON(AUTH)          = DEED_AUTHENTICATE,
		ON(SUCCESS)       = DEED_UNKNOWN_ELEMENT,
		ON(SASL_FAILURE)  = DEED_UNKNOWN_ELEMENT,
		ON(SASL_OTHER)    = DEED_UNKNOWN_ELEMENT, /* nothing is under way that it could go on with or end */
		ON(RESULT)        = DEED_JUDGE,
		ON(RESULT_ANSWER) = DEED_DROP,            /* XEP-0220 §2.4.2: we send no key on a stream that is not ours */
		ON(VERIFY)        = DEED_CONFIRM,         /* needs no proof: who asks has the key already */
		ON(VERIFY_ANSWER) = DEED_DROP,
		ON(BIDI)          = DEED_BIDI,
		ON(STANZA)        = DEED_NOT_YET,
		ON(ENABLE)        = DEED_NOT_YET,
		ON(ENABLED)       = DEED_UNKNOWN_ELEMENT,
		ON(SM_FAILED)     = DEED_UNKNOWN_ELEMENT,
		ON(RESUME)        = DEED_NOT_YET,
		ON(ACK_ASKED)     = DEED_NOT_YET,
		ON(ACK)           = DEED_NOT_YET,
		ON(OTHER)         = DEED_UNKNOWN_ELEMENT,
		ON(PEER_ERROR)    = DEED_HEAR_ERROR,
		ON(PEER_END)      = DEED_HEAR_END,
		ON(BROKEN)        = DEED_BREAK,
	},
	IN(RECEIVING, OPEN) = {
		ON(HEADER)        = DEED_IMPOSSIBLE,
		ON(FEATURES)      = DEED_UNKNOWN_ELEMENT,
		ON(STARTTLS)      = DEED_TOO_LATE,
		ON(PROCEED)       = DEED_UNKNOWN_ELEMENT,
		ON(TLS_FAILURE)   = DEED_UNKNOWN_ELEMENT,
		ON(SECURED)       = DEED_IMPOSSIBLE,
		ON(AUTH)          = DEED_TOO_LATE,        /* RFC 6120 §6.4.1: not a second time */
		ON(SUCCESS)       = DEED_UNKNOWN_ELEMENT,
		ON(SASL_FAILURE)  = DEED_UNKNOWN_ELEMENT,
		ON(SASL_OTHER)    = DEED_UNKNOWN_ELEMENT,
		ON(RESULT)        = DEED_JUDGE,           /* one more pair */
		ON(RESULT_ANSWER) = DEED_DROP,
		ON(VERIFY)        = DEED_CONFIRM,
		ON(VERIFY_ANSWER) = DEED_DROP,
		ON(BIDI)          = DEED_DROP,            /* XEP-0288 §2.2: before authentication, or not at all */
		ON(STANZA)        = DEED_TAKE,
		ON(ENABLE)        = DEED_ENABLE,
		ON(ENABLED)       = DEED_UNKNOWN_ELEMENT,
		ON(SM_FAILED)     = DEED_UNKNOWN_ELEMENT,
		ON(RESUME)        = DEED_NO_RESUME,
		ON(ACK_ASKED)     = DEED_ANSWER_ACK,
		ON(ACK)           = DEED_COUNT_ACK,
		ON(OTHER)         = DEED_UNKNOWN_ELEMENT,
		ON(PEER_ERROR)    = DEED_HEAR_ERROR,
		ON(PEER_END)      = DEED_HEAR_END,
		ON(BROKEN)        = DEED_BREAK,
	},
	IN(RECEIVING, CLOSING)    = AFTER_OUR_END,
	IN(RECEIVING, CLOSED)     = OVER,

	/* ======== initiating: we connected ======== */
	IN(INITIATING, HEADER)     = ONLY_A_HEADER(DEED_LEARN),
	IN(INITIATING, FEATURES)   = WE_WAIT_FOR(DEED_CHOOSE, DEED_UNKNOWN_ELEMENT, DEED_UNKNOWN_ELEMENT,
	                                         DEED_UNKNOWN_ELEMENT, DEED_UNKNOWN_ELEMENT),
	IN(INITIATING, TLS_ASKED)  = WE_WAIT_FOR(DEED_UNKNOWN_ELEMENT, DEED_PROCEED, DEED_NO_TLS,
	                                         DEED_UNKNOWN_ELEMENT, DEED_UNKNOWN_ELEMENT),
	IN(INITIATING, TLS)        = THE_HANDSHAKE,
	IN(INITIATING, SASL_ASKED) = WE_WAIT_FOR(DEED_UNKNOWN_ELEMENT, DEED_UNKNOWN_ELEMENT, DEED_UNKNOWN_ELEMENT,
	                                         DEED_SUCCEED, DEED_FALL_BACK),
	IN(INITIATING, PROVING) = {
		ON(HEADER)        = DEED_IMPOSSIBLE,
		ON(FEATURES)      = DEED_DROP,
		ON(STARTTLS)      = DEED_UNKNOWN_ELEMENT,
		ON(PROCEED)       = DEED_UNKNOWN_ELEMENT,
		ON(TLS_FAILURE)   = DEED_UNKNOWN_ELEMENT,
		ON(SECURED)       = DEED_IMPOSSIBLE,
		ON(AUTH)          = DEED_UNKNOWN_ELEMENT,
		ON(SUCCESS)       = DEED_UNKNOWN_ELEMENT,
		ON(SASL_FAILURE)  = DEED_UNKNOWN_ELEMENT,
		ON(SASL_OTHER)    = DEED_UNKNOWN_ELEMENT,
		ON(RESULT)        = DEED_DROP,            /* a key never comes down the stream that is ours */
		ON(RESULT_ANSWER) = DEED_RESULT,
		ON(VERIFY)        = DEED_DROP,
		ON(VERIFY_ANSWER) = DEED_CONFIRMED,
		ON(BIDI)          = DEED_DROP,
		ON(STANZA)        = DEED_NOT_YET,
		ON(ENABLE)        = DEED_UNKNOWN_ELEMENT, /* XEP-0198 §3: the initiating entity asks */
		ON(ENABLED)       = DEED_UNKNOWN_ELEMENT, /* nobody asked */
		ON(SM_FAILED)     = DEED_DROP,
		ON(RESUME)        = DEED_UNKNOWN_ELEMENT,
		ON(ACK_ASKED)     = DEED_NOT_YET,
		ON(ACK)           = DEED_NOT_YET,
		ON(OTHER)         = DEED_UNKNOWN_ELEMENT,
		ON(PEER_ERROR)    = DEED_HEAR_ERROR,
		ON(PEER_END)      = DEED_HEAR_END,
		ON(BROKEN)        = DEED_BREAK,
	},
	IN(INITIATING, OPEN) = {
		ON(HEADER)        = DEED_IMPOSSIBLE,
		ON(FEATURES)      = DEED_DROP,
		ON(STARTTLS)      = DEED_UNKNOWN_ELEMENT,
		ON(PROCEED)       = DEED_UNKNOWN_ELEMENT,
		ON(TLS_FAILURE)   = DEED_UNKNOWN_ELEMENT,
		ON(SECURED)       = DEED_IMPOSSIBLE,
		ON(AUTH)          = DEED_UNKNOWN_ELEMENT,
		ON(SUCCESS)       = DEED_UNKNOWN_ELEMENT,
		ON(SASL_FAILURE)  = DEED_UNKNOWN_ELEMENT,
		ON(SASL_OTHER)    = DEED_UNKNOWN_ELEMENT,
		ON(RESULT)        = DEED_DROP,
		ON(RESULT_ANSWER) = DEED_RESULT,
		ON(VERIFY)        = DEED_DROP,
		ON(VERIFY_ANSWER) = DEED_CONFIRMED,
		ON(BIDI)          = DEED_DROP,
		ON(STANZA)        = DEED_TAKE,            /* both ways, or the pair is not found */
		ON(ENABLE)        = DEED_UNKNOWN_ELEMENT,
		ON(ENABLED)       = DEED_ENABLED,
		ON(SM_FAILED)     = DEED_ENABLED,         /* it will not: told apart by what was heard */
		ON(RESUME)        = DEED_UNKNOWN_ELEMENT,
		ON(ACK_ASKED)     = DEED_ANSWER_ACK,
		ON(ACK)           = DEED_COUNT_ACK,
		ON(OTHER)         = DEED_UNKNOWN_ELEMENT,
		ON(PEER_ERROR)    = DEED_HEAR_ERROR,
		ON(PEER_END)      = DEED_HEAR_END,
		ON(BROKEN)        = DEED_BREAK,
	},
	IN(INITIATING, CLOSING)    = AFTER_OUR_END,
	IN(INITIATING, CLOSED)     = OVER,
};
/* clang-format on */

enum xmpp_deed xmpp_stream_deed(enum xmpp_role role, enum xmpp_phase phase, enum xmpp_stream_event event)
{
	return (enum xmpp_deed)deeds[role][phase][event];
}
