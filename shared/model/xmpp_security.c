/*
 * The 18 rows, in the order of the settings.  Two rules stand behind them: SASL EXTERNAL proves a certificate,
 * so it needs TLS; and something must be left that authenticates.
 */
#include "shared/model/xmpp_security.h"

#define GOOD     XMPP_SECURITY_GOOD
#define DOUBTFUL XMPP_SECURITY_DOUBTFUL
#define INVALID  XMPP_SECURITY_INVALID

#define SASL            "SASL over TLS"
#define SASL_OR_TLS     "SASL over TLS, else dialback over TLS"
#define TLS_DIALBACK    "dialback over TLS"
#define ANY_DIALBACK    "dialback, over TLS where the partner offers it, else in the clear"
#define SASL_OR_ANY     "SASL over TLS, else dialback, in the clear where there is no TLS"
#define TCP_DIALBACK    "dialback in the clear"
#define DIALBACK_UNUSED "dialback is on and never used, because SASL is required"
#define DIALBACK_CURE   "sasl-negotiation=optional, or support-dialback-negotiation=false"
#define NEEDS_TLS       "SASL needs TLS, which is only optional here"
#define NEEDS_TLS_CURE  "tls-negotiation=required"
#define WITHOUT_TLS     "SASL needs TLS, which is not supported here: only dialback in the clear is left"
#define WITHOUT_CURE    "tls-negotiation=required or optional, or sasl-negotiation=not-supported"
#define NOTHING         "nothing"
#define NO_PROOF        "no stream could be authenticated: neither SASL nor dialback is on"
#define NO_PROOF_CURE   "sasl-negotiation=required or optional, or support-dialback-negotiation=true"
#define NO_TLS          "no stream could be authenticated: SASL needs TLS, and dialback is off"
#define NO_TLS_CURE     "tls-negotiation=required, or support-dialback-negotiation=true"

/* [tls][sasl][dialback on?] */
static const struct xmpp_security rows[3][3][2] = {
	[XMPP_NEGOTIATION_REQUIRED] = {
		[XMPP_NEGOTIATION_REQUIRED] = {
			[true] = { DOUBTFUL, true, false, false, SASL, DIALBACK_UNUSED, DIALBACK_CURE },
			[false] = { GOOD, true, false, false, SASL, "", "" },
		},
		[XMPP_NEGOTIATION_OPTIONAL] = {
			[true] = { GOOD, true, true, false, SASL_OR_TLS, "", "" },
			[false] = { GOOD, true, false, false, SASL, "", "" },
		},
		[XMPP_NEGOTIATION_NOT_SUPPORTED] = {
			[true] = { GOOD, false, true, false, TLS_DIALBACK, "", "" },
			[false] = { INVALID, false, false, false, NOTHING, NO_PROOF, NO_PROOF_CURE },
		},
	},
	[XMPP_NEGOTIATION_OPTIONAL] = {
		[XMPP_NEGOTIATION_REQUIRED] = {
			[true] = { DOUBTFUL, true, true, true, SASL_OR_ANY, NEEDS_TLS, NEEDS_TLS_CURE },
			[false] = { DOUBTFUL, true, false, false, SASL, NEEDS_TLS, NEEDS_TLS_CURE },
		},
		[XMPP_NEGOTIATION_OPTIONAL] = {
			[true] = { DOUBTFUL, true, true, true, SASL_OR_ANY, NEEDS_TLS, NEEDS_TLS_CURE },
			[false] = { DOUBTFUL, true, false, false, SASL, NEEDS_TLS, NEEDS_TLS_CURE },
		},
		[XMPP_NEGOTIATION_NOT_SUPPORTED] = {
			[true] = { GOOD, false, true, true, ANY_DIALBACK, "", "" },
			[false] = { INVALID, false, false, false, NOTHING, NO_PROOF, NO_PROOF_CURE },
		},
	},
	[XMPP_NEGOTIATION_NOT_SUPPORTED] = {
		[XMPP_NEGOTIATION_REQUIRED] = {
			[true] = { DOUBTFUL, false, false, true, TCP_DIALBACK, WITHOUT_TLS, WITHOUT_CURE },
			[false] = { INVALID, false, false, false, NOTHING, NO_TLS, NO_TLS_CURE },
		},
		[XMPP_NEGOTIATION_OPTIONAL] = {
			[true] = { DOUBTFUL, false, false, true, TCP_DIALBACK, WITHOUT_TLS, WITHOUT_CURE },
			[false] = { INVALID, false, false, false, NOTHING, NO_TLS, NO_TLS_CURE },
		},
		[XMPP_NEGOTIATION_NOT_SUPPORTED] = {
			[true] = { GOOD, false, false, true, TCP_DIALBACK, "", "" },
			[false] = { INVALID, false, false, false, NOTHING, NO_PROOF, NO_PROOF_CURE },
		},
	},
};

static uint64_t known(uint64_t choice)
{
	return choice <= XMPP_NEGOTIATION_NOT_SUPPORTED ? choice : XMPP_NEGOTIATION_NOT_SUPPORTED;
}

const struct xmpp_security *xmpp_security(uint64_t tls, uint64_t sasl, bool has_dialback)
{
	return &rows[known(tls)][known(sasl)][has_dialback];
}
