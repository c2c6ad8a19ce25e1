/*
 * xmpp_security: what a partner's TLS, SASL and dialback settings amount to together.
 *
 * All 18 combinations, with what authenticates a stream, whether the combination
 * may be published, and why not.  The check before a publish, the gateway and the
 * console's form read the same rows.  Pure.
 */
#ifndef SHARED_MODEL_XMPP_SECURITY_H
#define SHARED_MODEL_XMPP_SECURITY_H

#include "shared/base/slice.h"

/* Choices of xmpp-partner's tls-negotiation and sasl-negotiation, in the order of their rows; a unit test holds them against it. */
enum xmpp_negotiation {
	XMPP_NEGOTIATION_REQUIRED,
	XMPP_NEGOTIATION_OPTIONAL,
	XMPP_NEGOTIATION_NOT_SUPPORTED,
};

enum xmpp_security_verdict {
	XMPP_SECURITY_GOOD,
	XMPP_SECURITY_DOUBTFUL, /* may be published, with a warning */
	XMPP_SECURITY_INVALID,  /* refused: nothing would be left that authenticates a stream */
};

struct xmpp_security {
	enum xmpp_security_verdict verdict;
	bool has_sasl;         /* EXTERNAL, over TLS */
	bool has_tls_dialback; /* dialback over TLS */
	bool has_tcp_dialback; /* dialback in the clear */
	const char *words;     /* "SASL over TLS, else dialback over TLS"; "nothing" */
	const char *why;       /* what is doubtful or wrong; "" when good */
	const char *cure;      /* what would be right; "" when good */
};

/* `tls` and `sasl` are choices of the rows; what is none of them counts as not supported. */
const struct xmpp_security *xmpp_security(uint64_t tls, uint64_t sasl, bool has_dialback);

#endif
