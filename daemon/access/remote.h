/*
 * remote: our own users outside, and people without an account in our meetings.  Seen only inside this folder.
 *
 *   remote_policy.c   a request from one of them, or for one: facts, decision, limits, on its way
 *   remote.c          who is signed in over which connection, and until when
 *   remote_answers.c  learned from what the pool answers to REGISTER
 *   sign_ins.c        failed sign-ins by address and by user, and how long the next has to wait
 *   remote_rows.c     what is shown of them
 *
 * The rule of identity: over a connection somebody may be spoken for once our pool has answered 2xx to his REGISTER
 * there, until that lapses.  The pool challenges; the edge sees no password and keeps none.  From, and what
 * P-Preferred-Identity names, has to be one of those who are signed in over the connection.  Within a dialog,
 * whose token only its parties have, From may be another address of ours, for one may be called by an alias.
 *
 * A flow is RFC 5626's: it has a name of its own (this process and this connection), which stands in the Path of its
 * registrations and in the tokens of its dialogs; it ends with its connection, and its name leads nowhere
 * then: 430.
 */
#ifndef DAEMON_ACCESS_REMOTE_H
#define DAEMON_ACCESS_REMOTE_H

#include "daemon/policy/policy.h"
#include "daemon/policy/sign_in.h"
#include "daemon/policy/watch.h"
#include "daemon/sip/sip.h"
#include "shared/base/handles.h"
#include "shared/base/list.h"
#include "shared/base/map.h"
#include "shared/base/result.h"

enum {
	REMOTE_FLOW_NAME_BYTES = 33,  /* 16 hex digits of this process, 16 of the connection, NUL */
	REMOTE_USERS_MAX = 4,         /* signed in over one connection */
	REMOTE_MEETINGS_MAX = 4,      /* joined over one connection by an anonymous participant */
	REMOTE_ACCOUNTS_MAX = 200000, /* different users signed in; the connections are fewer */
	REMOTE_AGENT_BYTES = 96,
	REMOTE_DEVICE_BYTES = 64,
	REMOTE_UNPROVEN_REQUESTS = 4, /* under way on a connection over which nobody is signed in */
	REMOTE_UNPROVEN_TOTAL =
	        40, /* requests on such a connection; then it ends: what goes to the pool is bounded */
	REMOTE_UNPROVEN_BODY = 10 * 1024,
	REMOTE_SIGN_IN_MS = 120 * 1000,           /* from connecting to having signed in */
	REMOTE_ANONYMOUS_MS = 2 * 60 * 60 * 1000, /* without a byte from an anonymous participant */
	REMOTE_MEETING_MS = 4 * 60 * 60 *
	                    1000,        /* a guest is one so long after the meeting's last 2xx to him */
	REMOTE_EXPIRES_DEFAULT_S = 3600, /* RFC 3261 §10.3 step 7 */
	REMOTE_EXPIRES_MAX_S = 7 * 24 * 3600,
	REMOTE_KEEP_ALIVES = 2, /* of them missed in a row, and the flow counts as dead */
	SIGN_INS_KEPT =
	        8192, /* addresses, and users, whose failures are remembered; the one idle longest goes */
	SIGN_IN_KEY_BYTES = 64,
};

struct access;
struct flow;
struct json_writer;
struct page;
struct passage;
struct request;

/* A user of ours who is signed in somewhere; counted by his sign-ins. */
struct remote_account {
	unsigned connections;
	unsigned living; /* of them, those over which he is signed in still */
	char address[];
};

/* One sign-in over one connection. */
struct remote_user {
	struct remote_account *account;
	int64_t since_wall_ms, until_ms; /* mono */
	bool has_lapsed;                 /* still named: his dialogs may end */
};

/* What a connection of the remote side is beside a flow. */
struct remote {
	char name[REMOTE_FLOW_NAME_BYTES];
	int64_t up_ms;
	struct remote_user users[REMOTE_USERS_MAX];
	size_t user_count;
	char *meetings[REMOTE_MEETINGS_MAX]; /* owned */
	int64_t meeting_until_ms[REMOTE_MEETINGS_MAX];
	size_t meeting_count;
	unsigned unproven; /* requests before anybody was signed in */
	bool keeps_alive;  /* it has been told a Flow-Timer */
	struct policy_rate rate;
	char agent[REMOTE_AGENT_BYTES], device[REMOTE_DEVICE_BYTES];
};

/* Failures of addresses and of users: two of these. */
struct sign_ins {
	struct map by_key;
	struct list latest_first;
};

/* ---- remote.c ---- */
bool remote_came_up(struct flow *flow);         /* false: no memory */
void remote_closed(struct flow *flow);          /* tells of those who were signed in, frees */
bool remote_is_proven(const struct flow *flow); /* somebody is signed in over it, or in a meeting */
/* The flow of that name; NULL: it has ended, or the name is none of this process's. */
struct flow *remote_find(struct access *a, struct slice name);
/* A user's address, as entries hold it, in `to`; empty: too long. */
struct slice remote_address(const struct sip_uri *uri, char to[POLICY_ADDRESS_BYTES]);
/* Is that user signed in over it?  `was_enough`: it counts that he was. NULL: no. */
const struct remote_user *remote_user_of(const struct flow *flow, struct slice address, bool was_enough);
unsigned remote_connections_of(const struct access *a, struct slice address); /* over which he is signed in */
/* For so long; again: for so much longer. */
void remote_sign_in(struct flow *flow, struct slice address, int64_t expires_s);
void remote_sign_out(struct flow *flow, struct slice address, const char *why);
/* Somebody has been let in over it: it is no stranger's any more. */
void remote_prove(struct flow *flow, const char *who);
/* ---- remote_answers.c ---- */
/* The pool has answered a request that came from one of them: what is learned, and what is added to the answer. */
void remote_answered(struct request *r, struct flow *flow, const struct sip_message *answer,
                     struct sip_edits *edits);
/* Path, for a REGISTER on its way in. False: no memory. */
bool remote_add_path(const struct request *r, const struct flow *source, const struct sip_message *m,
                     struct sip_edits *edits);
/* ---- remote.c ---- */
void remote_second(struct access *a); /* sign-ins lapse */
/* When it has to have shown a sign of life; false: the deadlines of strangers hold. */
bool remote_deadline(const struct flow *flow, int64_t *at_ms, const char **words);
size_t remote_body_max(const struct flow *flow);
/* With that image: may the connection stay?  Is there anybody whose sign-in ends though it stays? */
bool remote_may_stay(const struct flow *flow, const struct policy_image *image);
void remote_review(struct flow *flow);
/* Why it may not stay, as policy says it. */
void remote_why(const struct flow *flow, char *words, size_t size);
size_t remote_disconnect(struct access *a, struct slice address, const char *why);
void remote_users_start(struct access *a);
void remote_users_stop(struct access *a);

/* ---- remote_policy.c ---- */
bool remote_concerns(const struct passage *p);
void remote_decide(struct passage *p);

/* Does it try a password? */
bool remote_credentials(const struct sip_message *m);
/* Whose, by the n-th header: as Digest says it, else From; as entries hold it, in `to`.  False: there are no more. */
bool remote_credentials_user(const struct sip_message *m, size_t n, char to[POLICY_ADDRESS_BYTES],
                             struct slice *user);

/* ---- sign_ins.c ---- */
void sign_ins_start(struct access *a);
void sign_ins_stop(struct access *a);
/* May this sign-in be carried to the pool now?  False: it waits so long. */
bool sign_ins_admit(struct flow *flow, struct slice user, int64_t *wait_ms);
/* False: this address has had its sign-ins for this second. */
bool sign_ins_take_turn(struct flow *flow);
void sign_ins_failed(struct flow *flow, struct slice user, int status);
void sign_ins_succeeded(struct flow *flow, struct slice user);

/* ---- remote_rows.c ---- */
void remote_write(struct access *a, struct page *page, struct json_writer *w);
/* The address of the other end as it may be shown: without its last part where mask-remote-addresses says so. */
const char *remote_address_text(const struct flow *flow, char *to);
size_t remote_count(const struct access *a); /* users signed in, each once; those who have lapsed are none */

#endif
