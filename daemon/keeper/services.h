/*
 * services: how the keeper sees the processes it looks after: certificates, listeners, questions, an administrator's
 * word on one.  Seen only inside this folder and by its tests; read after parts.h.
 */
#ifndef DAEMON_KEEPER_SERVICES_H
#define DAEMON_KEEPER_SERVICES_H

#include "daemon/config/config.h"
#include "daemon/io/address.h"
#include "daemon/io/loop.h"
#include "daemon/keeper/host.h"
#include "daemon/keeper/traffic.h"
#include "daemon/launcher/launcher.h"
#include "daemon/link/credentials.h"
#include "daemon/link/link.h"
#include "daemon/policy/policy.h"
#include "shared/base/json.h"

enum {
	KEEPER_WHY_BYTES = REASON_BYTES,
	KEEPER_CRLS_LOOK_S = 2, /* how often their files are looked at */
	KEEPER_LISTENERS_MAX = 32,
	KEEPER_LISTEN_RETRY_MS = 5000,
	KEEPER_CREDENTIAL_FILE_MAX = LINK_CREDENTIAL_PART_MAX, /* what a service takes */
	KEEPER_QUERIES_MAX = 64,
	KEEPER_QUERY_MS = 2000,      /* one page */
	KEEPER_QUERY_ALL_MS = 10000, /* all of them */
	KEEPER_PAGE_ROWS =
	        160, /* the longest rows, of connections with 16 long domains, have 6 KiB, and a page at most 1 MiB */
	KEEPER_ANSWER_MAX = 16 * 1024 * 1024,
};

struct keeper;
struct query;
struct service_row;

/* ---- credentials.c ---- */
struct credentials {
	int fd; /* sealed memfd: chain, key, trust, crls; -1 none */
	size_t chain, key, trust, crls;
	struct {
		char name[KEEPER_CERTIFICATE_NAME_BYTES];
		char server_names[KEEPER_SERVER_NAMES_BYTES];
		size_t chain, key;
	} more[KEEPER_CERTIFICATES_MAX];
	size_t more_count;
};
void credentials_free(struct credentials *credentials);
/*
 * NOT_FOUND: something is not assigned, `why` names file and field (the seed's rule: the service stays stopped);
 * other failures: a file cannot be used.
 */
enum result credentials_read(const char *root, const struct host *host, const struct policy_image *image,
                             enum edge_side side, struct credentials *out, struct reason *why);
/* A hash of all that names those of a service, to see whether another file was assigned. Pure. */
uint64_t credentials_names(const struct host *host, const struct policy_image *image,
                           enum service_id service);
/* Changes when one of a service's CRL files has changed; 0: there are none. */
uint64_t credentials_crls_seen(const char *root, const struct host *host, const struct policy_image *image,
                               enum service_id service);

/* ---- service.c ---- */
enum service_listen_state { LISTEN_WANTED, LISTEN_ASKED, LISTEN_UP, LISTEN_FAILED };
struct service_listener {
	uint64_t id;
	enum edge_place place;
	char address[ADDRESS_TEXT_BYTES];
	enum service_listen_state state;
	char why[KEEPER_WHY_BYTES];
};

struct service {
	struct keeper *keeper;
	const struct service_row *row;
	const char *name; /* the row's */
	struct launcher_state state;
	struct link *link;
	bool has_greeted;
	bool is_wanted, is_draining;
	bool is_held;          /* by an administrator; held.c */
	bool has_counted;      /* its counters have come since it began to drain */
	bool starts_again;     /* once what drains has ended */
	int64_t drain_ends_ms; /* wall: when what is left is cut off */
	int64_t told_left;     /* what the last event said was left of a drain */
	char held_by[96];
	bool must_stop;      /* something it needs is not assigned: one that runs is drained */
	bool is_unused;      /* nothing in the configuration asks for it: that it does not run is right */
	uint64_t generation; /* the one it says it runs */
	uint64_t sent_generation;    /* of the image it was sent last */
	uint64_t refused_generation; /* one it could not take; 0 none */
	char refused_why[KEEPER_WHY_BYTES];
	char why[KEEPER_WHY_BYTES]; /* why it is stopped, or what is wrong with it; "" nothing */
	char short_why[64];         /* "no certificate" */
	struct service_listener listeners[KEEPER_LISTENERS_MAX];
	size_t listener_count;
	struct loop_timer listen_timer;
	struct credentials credentials[SIDE_COUNT]; /* those of its sides */
	uint64_t assigned;                          /* hash of what names the files they were read from */
	uint64_t crls_seen;
	unsigned crls_wait_s;
	struct traffic traffic;
	struct list queries;
	size_t query_count;
	uint64_t query_number;
};
void service_start(struct service *s, struct keeper *k, const char *name);
void service_stop(struct service *s);
#define KEEPER_EACH_SERVICE(k, s)                                                                            \
	for (struct service *s = (k)->services; s < (k)->services + SERVICE_COUNT; s++)
/* Reads certificates (`rereads`: even when the same files are assigned), decides whether it may run, and tells launcher and service what has changed. */
void service_review(struct service *s, bool rereads);
void service_apply(struct service *s);     /* a new version: image and listeners */
void service_configure(struct service *s); /* host.xml has changed */
void service_link_came(struct service *s, int fd);
void service_state_came(struct service *s, const struct launcher_state *state);
void service_drain(struct service *s, int64_t deadline_ms);
void service_second(struct service *s);
/* One of the words of launcher.h. */
void service_tell_launcher(struct service *s, int how);
/* It does not run, and why; an event when that is new. */
void service_tell_stopped(struct service *s, const char *short_why, const char *why);
const char *service_state_name(const struct service *s);
bool service_is_up(const struct service *s); /* it runs and has greeted */

/* ---- held.c: an administrator's word on a service ---- */
/* Ends what it does, at the latest after `deadline_ms`, and starts it no more; `starts_again`: but then starts it. */
void service_hold(struct service *s, const char *who, int64_t deadline_ms, bool starts_again);
void service_release(struct service *s);
bool held_may_not_run(struct service *s); /* before anything else is asked about it */
void held_found(struct service *s);       /* the launcher's first word on it */
void held_ended(struct service *s);
void held_second(struct service *s);
/* By its name; NULL: there is none. */
struct service *service_named(struct keeper *k, struct slice name);
/* An object with all that is known of it. */
void service_put(struct json_writer *w, const struct service *s);

/* ---- listeners.c ---- */
void listeners_set(struct service *s, const struct policy_image *image, struct slice node);
void listeners_greeted(struct service *s, const struct json *ids); /* those it has already */
void listeners_bound(struct service *s, uint64_t id, int fd);
void listeners_failed(struct service *s, uint64_t id, struct slice why);
void listeners_ask(struct service *s);  /* binds what is wanted and not up */
void listeners_lost(struct service *s); /* the process is gone, its sockets with it */
/* Stable over restarts of the keeper: from side and address. Pure; never 0, below 2^48. */
uint64_t listeners_id(enum edge_place place, struct slice address);
bool listeners_have(const struct service *s, uint64_t id);

/* ---- query.c ---- */
/* `answer` NULL: none came, and `why` says why; it lives until the callback returns. Called exactly once. */
typedef void query_answered(void *to, const struct json *answer, const char *why);
/* All rows of "connections", "domains" or "discovered"; `what` is kept. */
void query_ask(struct service *s, const char *what, query_answered *answered, void *to);
/* The rows of every service that is used, one service after the other; `why` tells of one that gave none. */
void query_ask_all(struct keeper *k, const char *what, query_answered *answered, void *to);
/*
 * What would close with that image, at every service that is used: {"count":N,"rows":[...]}; `why` tells of one that
 * gave no answer.  The descriptor stays the caller's, and stays open until the callback.
 */
void query_ask_trial(struct keeper *k, int image_fd, query_answered *answered, void *to);
/* "dns-flush", or "retry" of a partner: the service does it and answers {"count":N}. */
void query_act(struct service *s, const char *what, struct slice domain, query_answered *answered, void *to);
/* The same, with who wants it and how long it may take. */
struct query_deed {
	const char *what;
	struct slice object;
	const char *who;
	int64_t deadline_ms;
	const char *pair; /* "OURS THEIRS"; NULL: nobody in particular */
};
void query_act_as(struct service *s, const struct query_deed *deed, query_answered *answered, void *to);
void query_piece(struct service *s, uint64_t number, struct slice piece);
void query_drop_all(struct service *s, const char *why);

/* ---- first_words.c ---- */
void first_words_send(struct service *s); /* to the Access Edge alone */

#endif
