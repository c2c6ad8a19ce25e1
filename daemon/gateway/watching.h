/*
 * watching: what the files about an XMPP user who watches one of ours share:
 * watching.c (the subscription and what happens to it), watching_tell.c (what
 * he is told).
 */
#ifndef DAEMON_GATEWAY_WATCHING_H
#define DAEMON_GATEWAY_WATCHING_H

#include "daemon/gateway/talks.h"

struct watching {
	handle self;
	struct slice key; /* owned, behind the struct */
	struct room *room;
	enum translate_watching_state state;
	char tag[TALKS_TAG_BYTES]; /* of our side; empty: no dialog */
	struct dialog dialog;
	bool is_asking;                           /* a SUBSCRIBE is under way */
	bool is_end;                              /* and it is the last */
	uint32_t expires_s;                       /* asked for */
	int64_t refresh_ms, expires_ms, retry_ms; /* INT64_MAX: not set */
	uint32_t retries;
	int64_t alive_ms; /* the watcher's last sign of life */
	bool has_heard;   /* a NOTIFY has come since the process began */
	char *document;   /* the last PIDF; NULL: none */
	size_t document_length;
	int64_t stale_ms;     /* what was told has not arrived: told again then; INT64_MAX: it has */
	bool owes_subscribed; /* and that he may watch at all */
};

/* ---- watching_tell.c ---- */
/* "subscribed", "unsubscribed", "unavailable"; `w` NULL: he is told once, and never again. */
void watching_tell(struct talks *t, struct watching *w, const struct parties *p, struct slice type);
void watching_tell_presence(struct talks *t, struct watching *w, const struct parties *p);
void watching_tell_unavailable(struct talks *t, struct watching *w, const struct parties *p);
/* A device that the new document no longer names has gone. */
void watching_tell_vanished(struct talks *t, struct watching *w, const struct parties *p,
                            const struct translate_resource *now, size_t now_count);
void watching_tell_again(struct talks *t, struct watching *w, const struct parties *p);
void watching_keep_document(struct watching *w, struct slice document); /* empty: nothing is known */

#endif
