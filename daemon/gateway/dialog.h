/*
 * dialog: what RFC 3261 §12 keeps of a dialog, in one block of memory, and the
 * requests made from it.  100,000 of them live for hours, so they are small.
 *
 * From and To are kept as whole header values, byte for byte: some clients hold
 * further parameters (epid) against what they have sent.
 */
#ifndef DAEMON_GATEWAY_DIALOG_H
#define DAEMON_GATEWAY_DIALOG_H

#include "daemon/sip/sip.h"

struct dialog {
	struct slice call_id;
	struct slice local, remote; /* header values; `remote` has its tag once the dialog is confirmed */
	struct slice local_tag, remote_tag; /* within them; `remote_tag` empty: not confirmed */
	struct slice target;                /* the other side's Contact: where requests go */
	struct slice routes;                /* "Route: ...\r\n" lines; may be empty */
	uint32_t local_cseq, remote_cseq;
	char *block; /* owns the bytes of all slices; NULL: no dialog */
};

/* Copies the slices of `parts` into a block of its own.  False: no memory, and `d` as it was. */
bool dialog_keep(struct dialog *d, const struct dialog *parts);
void dialog_drop(struct dialog *d);

/* Our half of a dialog that a request of theirs begins (§12.1.1): its Contact, Record-Routes in order. */
bool dialog_from_request(struct dialog *d, const struct sip_message *request, struct slice local_tag,
                         struct arena *arena);
/* Our half of the dialog that a 2xx to an INVITE of ours makes; without a Contact its target is whom To names. */
bool dialog_from_response(struct dialog *d, const struct sip_message *response, struct arena *arena);
/*
 * What a 2xx to our request, or the first NOTIFY of a subscription (RFC 6665
 * §4.4.1), completes: tag, target and routes of the other side.  Also a later
 * one, which may move the target only.  False: no Contact, or no memory.
 */
bool dialog_confirm(struct dialog *d, const struct sip_message *m, struct arena *arena);
/* A request in it: its Call-ID and the other side's tag fit, and its CSeq rises (§12.2.2); remembers that. */
enum dialog_fit { DIALOG_FITS, DIALOG_OTHER, DIALOG_OLD };
enum dialog_fit dialog_accept(struct dialog *d, const struct sip_message *request);

#endif
