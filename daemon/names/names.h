/*
 * names: one spelling for a name, so that comparing bytes is comparing names.
 *
 * Whatever a stranger sends, the rest of the house sees lower-case A-labels
 * without a dot at the end, or nothing.  Domain: domain.c (libidn2, IDNA2008).
 * The parts of an XMPP address around it: localpart.c (libidn, nodeprep).
 *
 * Every unlike spelling that becomes the same name is a door for somebody who
 * wants to be taken for another, so what would silently vanish is refused.
 */
#ifndef DAEMON_NAMES_NAMES_H
#define DAEMON_NAMES_NAMES_H

#include "shared/base/buffer.h"
#include "shared/base/result.h"

enum {
	NAMES_DOMAIN_MAX = 253, /* RFC 1034 §3.1: 255 on the wire, as text without the last dot */
	NAMES_DOMAIN_BYTES = 256,
	NAMES_LABEL_MAX = 63,
	NAMES_INPUT_MAX = 1024,     /* as UTF-8, before preparation */
	NAMES_LOCALPART_MAX = 1023, /* RFC 7622 §3.3.1; before and after preparation */
	NAMES_LOCALPART_BYTES = 1024,
	NAMES_RESOURCE_MAX = 1023,
};

/*
 * U-labels or A-labels in any case, with or without a dot at the end -> lower-case
 * A-labels and a NUL.  INVALID, an empty `out` and a reason for: what is no
 * host name (letters, digits, hyphens: RFC 1123 §2.1), IP addresses in any
 * dress, unassigned or hidden characters, "xn--" that decodes to nothing
 * honest.  NO_MEMORY.
 */
enum result names_domain_prepare(struct slice text, char out[NAMES_DOMAIN_BYTES], struct reason *reason);
/* Is this what preparing it would give?  Costs one look at each byte unless a label begins with "xn--". */
bool names_domain_is_prepared(struct slice name);

/*
 * The name as people write it: U-labels where `domain` (prepared) has A-labels.
 * What would not lead back to `domain` stays as it is.  For display only, beside
 * the A-labels and never instead: letters of two alphabets may look alike.
 */
void names_domain_show(struct slice domain, struct buffer *out);
/* The same unescaped, as XMPP writes a domain (RFC 7622 §3.2). */
void names_domain_unicode(struct slice domain, struct buffer *out);

/*
 * The localpart of an XMPP address -> the spelling under which its server
 * knows it, and a NUL: nodeprep (RFC 6122 appendix A), which is what the
 * servers of today agree on, with characters it has not heard of let through
 * as they are (RFC 3454 §7).  INVALID, an empty `out` and a reason for: nothing,
 * more than 1023 bytes, no UTF-8, what RFC 7622 §3.3.1 forbids ("&'/:<>@, blanks,
 * controls), characters that would vanish, what has no stable spelling.
 * NO_MEMORY.
 */
enum result names_localpart_prepare(struct slice text, char out[NAMES_LOCALPART_BYTES],
                                    struct reason *reason);

/*
 * A resource is opaque and its server's own: OK or INVALID with a reason, for
 * nothing, more than 1023 bytes, no UTF-8, a control or a non-character.
 */
enum result names_resource_check(struct slice text, struct reason *reason);

#endif
