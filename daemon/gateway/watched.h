/*
 * watched: what the files about one of ours who watches an XMPP user share:
 * device.c (what is known of the contact), notify.c (a SIP dialog and its
 * NOTIFYs), watched.c (the pair, and what happens to it).
 */
#ifndef DAEMON_GATEWAY_WATCHED_H
#define DAEMON_GATEWAY_WATCHED_H

#include "daemon/gateway/talks.h"

enum { NOTIFY_EVENT_BYTES = 72 };

struct watched {
	handle self;
	struct slice key; /* owned, behind the struct */
	struct room *room;
	enum translate_watched_state state;
	struct list notifies;
	size_t notify_count;
	struct translate_resource
	        *devices[TRANSLATE_RESOURCES_MAX]; /* the contact's; texts lie behind each */
	size_t device_count;
	bool has_heard; /* something is known of the contact, be it that nobody is there */
	bool is_off;    /* his domain is no partner, or one that is switched off */
	bool wants_probe;
};

enum ending { ENDING_NONE, ENDING_FETCH, ENDING_TIMEOUT, ENDING_REJECTED };

/* A SIP dialog of the pair. */
struct notify {
	handle self;
	struct list node;
	struct watched *watched; /* NULL: rejected and over; only its last NOTIFY is to go */
	char tag[TALKS_TAG_BYTES], event[NOTIFY_EVENT_BYTES];
	struct dialog dialog;
	handle server; /* a SUBSCRIBE that waits for its 200 */
	int64_t expires_ms;
	int64_t before_ms; /* what expires_ms was before the SUBSCRIBE at hand; 0: it began with that */
	uint32_t granted_s;
	int64_t hold_ms; /* a question waits until then; 0: no longer */
	enum ending ending;
	bool is_asking; /* a NOTIFY is under way */
	bool is_due;    /* and another one is due */
	bool is_over;   /* nothing more can be said in it: to be taken away within the second */
};

/* ---- device.c ---- */
void device_forget_all(struct watched *w);
/* The one that went last stays, closed, with its last words; earlier ones go, and so does the same one's old state. */
void device_set(struct watched *w, const struct translate_resource *resource);

/* ---- notify.c ---- */
struct notify *notify_new(struct talks *t, struct watched *w,
                          struct slice tag); /* NULL: too many, or no memory */
void notify_free(struct talks *t, struct notify *n);
void notify_unlink(struct notify *n); /* from its pair */
void notify_save(struct talks *t, const struct notify *n);
void notify_forget_saved(struct talks *t, const struct notify *n);
/* Now, or as soon as the last one has been answered. */
void notify_send(struct talks *t, struct notify *n);
struct slice notify_contact(struct talks *t, const struct notify *n); /* the Contact line */

#endif
