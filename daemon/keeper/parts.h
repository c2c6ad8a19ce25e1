/*
 * parts: what the files of the keeper share.  Seen only inside this folder and by its tests.
 */
#ifndef DAEMON_KEEPER_PARTS_H
#define DAEMON_KEEPER_PARTS_H

#include <sys/types.h>

#include "daemon/config/config.h"
#include "daemon/io/address.h"
#include "daemon/io/loop.h"
#include "daemon/keeper/audit.h"
#include "daemon/keeper/audited.h"
#include "daemon/keeper/events.h"
#include "daemon/keeper/host.h"
#include "daemon/keeper/keeper.h"
#include "daemon/keeper/roles.h"
#include "daemon/keeper/services.h"
#include "daemon/keeper/traffic.h"
#include "daemon/keeper/who.h"
#include "daemon/launcher/launcher.h"
#include "daemon/link/link.h"
#include "daemon/policy/policy.h"
#include "daemon/store/store.h"
#include "shared/base/handles.h"
#include "shared/base/json.h"
#include "shared/base/map.h"
#include "shared/base/text.h"
#include "shared/control/control.h"
#include "shared/control/filter.h"

#define KEEPER_SERVER "parleyd 0.1"

enum {
	KEEPER_COMMENT_BYTES = 1024,
	KEEPER_MANY_MAX = 500, /* objects of one change by name */
	KEEPER_TOKEN_KEY_BYTES = 32,
	KEEPER_DIALBACK_BYTES = 32, /* SHA-256 of the secret's text */
	KEEPER_DIALBACK_FILE_MAX = 1024,
	KEEPER_DIALBACK_LEAST = 16, /* characters of a secret that somebody chose */
	KEEPER_APPLY_MS = 3000,
	KEEPER_LOG_BURST = 50, /* lines of one kind at once, then KEEPER_LOG_PER_SECOND */
	KEEPER_LOG_PER_SECOND = 10,
	KEEPER_LOG_LINE_MAX = 2048,
	KEEPER_ATTENTION_MAX = 20,
	KEEPER_DRAFTS_MAX = 16,
	KEEPER_DRAFT_KEPT_MS = 8 * 60 * 60 * 1000, /* untouched; a working day */
	KEEPER_PAST_KEPT_MS = 30 * 1000,
	KEEPER_CONFIRM_S = 300, /* decisions: the self-revert timer where the rule asks for one */
	KEEPER_CONFIRM_MIN_S = 5,
	KEEPER_CONFIRM_MAX_S = 24 * 60 * 60,
	KEEPER_CONFIRM_CLOSING = 10, /* more connections that would close than this ask for it */
	KEEPER_REVERT_AGAIN_MS = 10 * 1000,
	KEEPER_DECISIONS_BYTES_MAX = 64 * 1024 * 1024,
	KEEPER_DECISIONS_MAX = 200 * 1000,
	KEEPER_DECISIONS_MS = 24 * 60 * 60 * 1000,
	CONTROL_CLIENTS_MAX = 16,
	CONTROL_CLIENTS_PER_USER = 4, /* root may have all */
	CONTROL_UNREAD_MAX = 1024 * 1024,
	CONTROL_HALF_LINE_MS = 30 * 1000,
	CONTROL_UPLOADS_MAX = 256,
	CONTROL_UPLOAD_BYTES_MAX = 32 * 1024 * 1024, /* 100,000 users have 15 MiB */
};

struct keeper;
struct session;
struct call;
struct plan;
struct who;

/* ---- folders.c ---- */
/* root + below; false (and an empty path) when it is too long. */
bool folder_path(char path[KEEPER_PATH_BYTES], const char *root, const char *below);
/* A path of the configuration: relative ones are below ROOT/etc/parley. */
bool folder_config_path(char path[KEEPER_PATH_BYTES], const char *root, const char *name);
/* While still root: makes what is missing and gives it to the keeper's user. */
enum result folders_prepare(const char *root, const struct host *host, struct reason *reason);
bool folders_user_exists(const char *name);
/* The text of var/lib/parley/secrets/NAME, 64 hexadecimal digits: made once, 0600.  The caller wipes and stops `text`. */
enum result folders_made_secret(const char *root, const char *name, struct buffer *text,
                                struct reason *reason);
/* The first line of such a text, or of one that somebody has written. */
struct slice folders_secret_line(const struct buffer *text);
/* ... as bytes, of secrets/token.key. */
enum result folders_token_key(const char *root, uint8_t key[KEEPER_TOKEN_KEY_BYTES], struct reason *reason);
/*
 * A whole regular file of at most `max` bytes, never through a link at its end; `is_secret`: owned by us or root and
 * not writable or readable beyond its group (mode at most 0640).  The caller stops `out`.
 */
enum result folders_read(const char *path, size_t max, bool is_secret, struct buffer *out,
                         struct reason *reason);

/* ---- publish.c ---- */
/* What is published: the snapshot everything is asked of, and its image for all processes. */
struct publication {
	struct store *store;
	struct model_snapshot *snapshot;
	struct store_version version; /* number 0: nothing is published yet */
	struct policy_image *image;
	int image_fd;
	bool is_uncertain; /* the store lost track: the keeper must begin anew */
};
enum result publish_open(struct keeper *k, struct reason *reason);
void publish_close(struct keeper *k);
/* What somebody changes: a checked snapshot takes the place of the present one. */
struct publish_order {
	const char *author, *comment;
	uint32_t changes;
	int64_t time_ms;     /* wall; 0: now */
	bool takes_edits;    /* it is what was edited in conf.d */
	struct reason *note; /* may be NULL: what was not done beside */
};
/* Durable, applied to this process, sent to the services and mirrored when OK.  Takes `snapshot` in every case. */
enum result publish_snapshot(struct keeper *k, struct model_snapshot *snapshot,
                             const struct publish_order *order, struct reason *reason);
/* An image of a snapshot, in a sealed memfd and mapped. */
struct made_image {
	struct policy_image *mapped; /* NULL: none */
	int fd;
};
enum result image_make(const struct model_snapshot *snapshot, uint64_t generation, struct made_image *out,
                       struct reason *reason);
void image_drop(struct made_image *image);
/* A version as it was published, checked: `*out` is the caller's.  NOT_FOUND, INVALID, NO_MEMORY. */
enum result version_read(struct keeper *k, uint64_t number, struct model_snapshot **out,
                         struct store_version *version, struct reason *reason);
/* Says which values of what was read are no settings any more (shared/model/retired.def). */
void publish_tell_retired(struct keeper *k, const struct config_problems *problems);
/* Writes conf.d anew; `note` (may be NULL) says what could not be done. */
void publish_mirror(struct keeper *k, struct reason *note);

/* ---- import.c ---- */
/* What was edited in conf.d since its mirror, checked against the present version. */
struct import {
	struct config_folder folder;
	struct config_import found;
	struct config_problems problems;
};
/* INVALID or CONFLICT: `problems` and the reason say what.  NULL `*out`: out of memory; free it in every case. */
enum result import_read(struct keeper *k, struct import **out, struct reason *reason);
void import_free(struct import **import);
/* Somebody has edited conf.d and it has not been taken. */
bool import_is_waiting(struct keeper *k);
/*
 * At start and on SIGHUP: publishes what was edited in the name of the files' owners, or says why not (events, status).
 */
void import_edited(struct keeper *k);

/* Changes between two snapshots as a JSON array of at most `max` bytes; the number of all of them. */
uint32_t changes_write(const struct model_snapshot *before, const struct model_snapshot *after,
                       struct buffer *out);

/*
 * Calls `each` for what is doubtful in `after` and was not in `before` (NULL: nothing was), and for all that is
 * doubtful in an object that is not as it was.
 */
void changes_warnings(const struct model_snapshot *before, const struct model_snapshot *after,
                      void (*each)(void *to, const struct model_fault *fault), void *to);
/* ---- past.c: what a verb that shows the configuration looks at ---- */
struct past {             /* the old version looked at last, kept for a while */
	uint64_t version; /* 0: none */
	struct model_snapshot *snapshot;
	struct made_image image;
	int64_t used_ms; /* mono */
};
struct view {
	const struct model_snapshot *snapshot;
	const struct policy_image *image;
	uint64_t version;
	bool is_now;
};
/*
 * The published configuration, that of param `version`, or the caller's draft when `staged`.  Good until the loop
 * turns.  False: the call has been failed.
 */
bool view_of(struct call *call, struct view *out);
void past_second(struct keeper *k);
void past_free(struct keeper *k);

/* ---- drafts.c: staged changes, one draft for each login user; it outlives his connections ---- */
struct draft {
	struct list node;
	uid_t uid;
	char login[64];
	char who[96];
	uint64_t base;        /* the version it was begun from */
	uint64_t edit;        /* another one after each change to it */
	uint32_t differences; /* from what was published when it was last touched */
	struct model_snapshot *snapshot;
	struct made_image image; /* made when somebody asks why */
	int64_t since_ms;        /* wall */
	int64_t touched_ms;      /* mono */
};
struct draft *draft_find(struct keeper *k, const struct who *who); /* NULL: nothing is staged */
/* Takes `snapshot` as what is staged, over `base`.  LIMIT, NO_MEMORY: it has been freed. */
enum result draft_put(struct keeper *k, const struct who *who, uint64_t base, struct model_snapshot *snapshot,
                      struct reason *reason);
void draft_drop(struct keeper *k, const struct who *who); /* none: nothing happens */
void drafts_second(struct keeper *k);
void drafts_free(struct keeper *k);
/* "kind/key/field", as a change is named: without what it has not. */
void change_path(const struct model_kind *kind, struct slice key, size_t field, struct buffer *out);

/* ---- change.c: the one way in for all that changes the configuration ---- */
/*
 * A copy to be edited: of the draft when the call stages, else of what is published.  NULL: the call has been failed.
 * When the caller expects another version than the present one the copy is of that one, and change_end tells what meets.
 */
struct model_snapshot *change_begin(struct call *call);
/* Checks it and stages, tries or publishes it, as the call asks.  Takes `copy`; ends the call, now or later. */
void change_end(struct call *call, struct model_snapshot *copy);
/* change_begin for who brings a whole snapshot: reads how it is meant.  False: the call has been failed. */
bool change_read(struct call *call);
/* Faults of `snapshot` as an array `key`. */
void change_put_faults(struct json_writer *w, const char *key, const struct model_snapshot *snapshot);
/* One conflict as a problem: path, why, allowed, and the three values. */
void change_put_conflict(struct json_writer *w, const struct model_conflict *conflict);
/* Fails the call with every place where the two changes of `base` meet, each with all three values; `words` goes before. */
void change_fail_conflicts(struct call *call, const struct model_snapshot *base,
                           const struct model_snapshot *mine, const char *words);

/* ---- plan.c: what a change would do ---- */
/* Asks the service what would close with `candidate`, then calls back; the call keeps the answer meanwhile. */
void plan_ask(struct call *call, const struct model_snapshot *candidate, query_answered *answered);
/* Ends the call, some turns later, with the effect of its candidate; query_answered. */
void plan_answer(void *to, const struct json *closing, const char *why);
void plan_free(struct plan **plan);

/* ---- decisions.c: what was decided of whom in the last day, as facts to decide on again ---- */
struct decisions {
	struct list oldest_first; /* of struct decision */
	struct map by_key;
	size_t bytes;
	struct list walks;
};
/* A way along the entries, oldest first, over several turns: what is forgotten meanwhile is passed over. */
struct decisions_walk {
	struct list node;
	struct list *next;
};
struct decision {
	struct list node;
	struct slice key;
	int64_t time_ms; /* wall, of the last */
	struct policy_facts facts;
	size_t bytes; /* what it takes */
};
void decisions_start(struct decisions *decisions);
void decisions_walk_start(struct decisions *decisions, struct decisions_walk *walk);
const struct decision *decisions_next(const struct decisions *decisions,
                                      struct decisions_walk *walk); /* NULL: the end */
void decisions_walk_stop(struct decisions_walk *walk);
void decisions_free(struct decisions *decisions);
/* An event of the service that tells of a decision; others are passed over. */
void decisions_take(struct decisions *decisions, enum control_event_id id, const struct json *event,
                    int64_t now_ms);

/* ---- pending.c: a version that goes back by itself unless it is confirmed ---- */
struct pending {
	uint64_t version; /* 0: none waits */
	int64_t time_ms;  /* of that version: another one of that number is another */
	int64_t until_ms; /* wall */
	int64_t seconds;
	char who[96];
	struct loop_timer timer;
};
/* At birth, when the store is open: takes up what was left, and takes back what is due. */
void pending_open(struct keeper *k);
/* Written down, durable, before the version is: else its end could be lost with us. */
enum result pending_prepare(struct keeper *k, const struct pending *pending, struct reason *reason);
void pending_begin(struct keeper *k); /* the version has been published */
/* Forgotten, durable. */
enum result pending_end(struct keeper *k, struct reason *reason);

/* ---- control.c, session.c, call.c ---- */
struct control {
	struct keeper *keeper;
	int fd;
	char path[KEEPER_PATH_BYTES];
	struct loop_watch watch;
	struct list sessions;
	size_t session_count;
	gid_t admin_gid, socket_gid;
	bool has_admin_group;
};
enum result control_open(struct control *control, struct keeper *k, struct reason *reason);
void control_close(struct control *control);
/* Is there such a Unix user, or group ("group:NAME")? */
bool control_member_exists(struct slice member);
/* Roles were granted or revoked: who is connected has them at once, and who has none any more is sent away. */
void control_roles_changed(struct control *control);
/* A notification to every session that follows. */
void control_notify(struct control *control, struct slice params, bool is_debug);

struct upload {
	char name[KEEPER_NAME_BYTES];
	struct buffer text;
	bool is_whole;
};

struct session {
	struct list node;
	struct control *control;
	int fd;
	struct loop_watch watch;
	struct loop_timer half_line;
	struct loop_defer go_on;
	struct buffer in, out;
	struct who who;
	bool has_greeted, is_read_only, follows, follows_debug;
	bool is_closing;     /* once `out` is written */
	const char *end_why; /* it is to end when the call under way has: static text; NULL: no */
	struct call *call;   /* the one under way; lines after it wait */
	struct upload *uploads;
	size_t upload_count, upload_bytes;
};
void session_new(struct control *control, int fd, const struct who *who);
void session_free(struct session *session);
void session_end(struct session *session, const char *why); /* after what is under way */
void session_last_words(struct session *session); /* what is still unsent, as far as the socket takes it */
void session_refuse(int fd, enum control_code code,
                    const char *why);          /* one line and the end, for a client that gets no session */
void session_written(struct session *session); /* something was added to `out` */
void session_call_done(struct session *session);

struct verb_row {
	const struct control_verb *verb;
	const char *extras; /* params beside the row's own */
	void (*run)(struct call *call);
};

struct call {
	struct keeper *keeper;
	struct session *session; /* NULL: the client has gone; what was begun is still done */
	struct verb_row row;
	struct control_request request;
	const struct json *params;
	struct who who;
	struct buffer out;
	struct json_writer w;
	struct arena arena; /* for what the verb keeps while it runs */
	struct slice key;   /* the object it is about, as it is stored */
	struct many *many;  /* while it is run for one of several; many.c */
	struct reason note; /* changes: what was not done beside */
	struct change {     /* changes: how it is meant, and what is under way; change.c */
		bool stages, dry_runs, asks_rule, says_why, takes_edits, is_draft, ends_pending;
		int64_t confirm_s;                /* 0: no timer */
		uint32_t count;                   /* differences from what it was edited from */
		uint64_t draft_edit;              /* of the draft that is published */
		uint64_t begun_at;                /* the version that was current */
		struct model_snapshot *base;      /* what the caller thinks is current, when it is not */
		struct model_snapshot *candidate; /* while the service is asked */
		struct made_image trial;
		char comment[STORE_COMMENT_BYTES];
	} change;
	uint64_t version;       /* changes: the one published */
	struct buffer changes;  /* changes: what was changed, a JSON array */
	uint64_t asked;         /* the audit line that asked for it; 0: none, or its outcome is written */
	struct buffer warnings; /* changes: what is doubtful in it, a JSON array */
	struct loop_timer timer;
	struct list
	        waiting; /* in keeper->waiting while it waits for APPLIED, in keeper->walking on its way */
	struct audit_walk *walk;
	struct plan *plan;
};
/* One line of a session. Always ends in call_close or call_fail, at once or later. */
void call_begin(struct session *session, struct slice line);
/* The result object is open: write its members, then call_close. */
struct json_writer *call_open(struct call *call);
void call_close(struct call *call);
void call_fail(struct call *call, enum control_code code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void call_fail_problem(struct call *call, enum control_code code, const char *path, const char *why,
                       const char *allowed);
/* `problems`: a JSON array. */
void call_fail_problems(struct call *call, enum control_code code, const char *message,
                        struct slice problems);
struct slice call_text(const struct call *call, const char *name);
/* The param `name` read as the key of that kind, into call->key. False: the call has been failed. */
bool call_key(struct call *call, const char *name, enum model_kind_id kind);
/* How long a drain may take, in ms; the configured time when the caller names none. False: the call has been failed. */
bool call_deadline(struct call *call, int64_t *out);

/* ---- many.c ---- */
struct many {
	const char *argument;        /* the param that names them */
	struct slice name;           /* the one whose turn it is */
	struct slice all;            /* in the call's arena */
	size_t left;                 /* turns after this one */
	bool has_ended;              /* the call: it is not to be touched any more */
	struct model_snapshot *copy; /* what the turn before made */
};
/* Runs the call's verb, once for each name where its first param is an array of them. */
void many_run(struct call *call);
/* change_begin's: the copy of the turn before, which the caller owns now. */
bool many_begins_with(struct call *call, struct model_snapshot **out);
/* change_end's: there is another turn, which takes `copy`. */
bool many_goes_on(struct call *call, struct model_snapshot *copy);
void many_ended(struct call *call); /* with an answer */

/* ---- verbs.c ---- */
/* By method name, the wire-only ones too; false: there is none. */
bool verb_row_named(struct slice method, struct verb_row *out);

/*
 * Answers a page of the service's rows: those that the filter lets through, each written by `put`.  `keys`: members
 * they have, also when there is no row to look at; `look`: how they are found, NULL where a row has them as they are.
 */
void live_rows_write(struct call *call, const struct json *rows, const char *why, const char *keys,
                     filter_look *look, void (*put)(struct json_writer *w, const struct json *row));

#define VERB(id, ...) void verb_run_##id(struct call *call);
#include "shared/control/verbs.def"
#undef VERB
void verb_run_CONFIG_UPLOAD(struct call *call);
/* One field, typed, as a member with the row's name. */
void verb_put_field(struct json_writer *w, const struct model_field *row, const struct model_value *value);
/* Puts an object's fields, typed, as members of the object that is open. */
void verb_put_values(struct json_writer *w, const struct model_object *object);
/* The same as members of an object `key`. */
void verb_put_fields(struct json_writer *w, const char *key, const struct model_object *object);
/* All of "set" into `object` of `copy`.  False: the call has been failed. */
bool change_fields(struct call *call, struct model_snapshot *copy, struct model_object *object);
/* The object of call->key, made when it is not there; NULL: the call has been failed. */
struct model_object *change_entry(struct call *call, struct model_snapshot *copy, enum model_kind_id kind);
/* Ends a call whose change was published or refused: audit, then the answer once the services run it or the time is over. */
void verb_published(struct call *call, enum result result, const struct reason *reason);
void verb_wait_applied(struct call *call);
void verb_unchanged(struct call *call); /* there was nothing to change */
void verb_applied(struct keeper *k);    /* look at who waits */

/*
 * What a kind's rows tell beside its fields, as members of the object that is open.  `live`: rows of the service that
 * uses the object; NULL: it gave none.
 */
typedef void put_beside(struct json_writer *w, const struct view *view, const struct model_object *object,
                        const struct json *live);
/* ---- object_list.c ---- */
/* Answers a page of the kind's objects, by the params `filter`, `after` and `limit`. */
void object_list(struct call *call, enum model_kind_id kind, put_beside *beside, const struct json *live);
/* The place of the first whose key comes after `key`; "": the very first. */
size_t objects_after(const struct model_objects *objects, struct slice key);

/* ---- verbs_policy.c, verbs_user.c ---- */
enum policy_scope policy_scope_of(struct slice identity); /* of an access policy by its name */
/* Users and sites of each policy, as policy_put_beside takes them. False: the call has been failed. */
bool policy_count(struct call *call, struct json **out);
void policy_put_beside(struct json_writer *w, const struct view *view, const struct model_object *policy,
                       const struct json *live);
/* Which policy holds for him in that view; `address` as it is stored. */
void user_effective(const struct view *view, struct slice address, struct policy_effective *out);
void user_put_beside(struct json_writer *w, const struct view *view, const struct model_object *user,
                     const struct json *live);
/* One member of that for a filter; nothing is written for it.  False: it has none of that name. */
bool user_look_beside(const struct view *view, const struct model_object *user, const char *key,
                      struct filter_value *out);

/* ---- verbs_config.c ---- */
#define KEEPER_USERS_FILE "users.csv" /* what a list of users is uploaded as */
/* What the session has sent under that name, whole; NULL: nothing. */
const struct upload *upload_whole(const struct session *session, struct slice name);
void uploads_forget(struct session *session);
/* Fails the call with every problem of a file, by file, line and field. */
void call_fail_config(struct call *call, enum result result, const struct config_problems *problems,
                      const struct reason *reason);

/* ---- verbs_export.c: one version's documents, kept while a client fetches them in pieces ---- */
struct exports {
	uint64_t version; /* 0: none is kept */
	struct arena arena;
	struct store_document *documents;
	size_t count;
	int64_t used_ms; /* mono */
};
void exports_second(struct keeper *k); /* forgets what nobody fetches any more */
void exports_free(struct keeper *k);

/* ---- the keeper ---- */
struct keeper {
	const struct process_start *start;
	const char *root;
	struct loop *loop;
	struct link *launcher;
	struct loop_timer second_timer, stop_timer;
	struct host host;
	uint8_t token_key[KEEPER_TOKEN_KEY_BYTES], dialback[KEEPER_DIALBACK_BYTES];
	int64_t started_ms; /* wall */
	struct events events;
	struct audit audit;
	struct denials denials;
	uint64_t audit_missing; /* lines that were gone from its end when we began */
	struct publication now;
	char import_trouble[KEEPER_WHY_BYTES]; /* why the last import was refused; "" it was not */
	int64_t import_trouble_ms;
	union { /* by name, and in the order of enum service_id */
		struct service services[SERVICE_COUNT];
		struct {
			struct service access, gateway;
		};
	};
	struct control control;
	struct exports exports;
	struct past past;
	struct list drafts;
	uint64_t draft_edits;
	struct decisions decisions;
	struct pending pending;
	struct list waiting;  /* of struct call, for APPLIED */
	struct list walking;  /* of struct call, along the audit's chain */
	struct list planning; /* of struct call, along the decisions */
	bool is_stopping;
	bool is_ending;     /* nothing is begun any more: what waited is told so */
	bool began_as_root; /* so did the launcher: services become users of their own */
};
static inline struct instant keeper_now(const struct keeper *k) { return loop_now(k->loop); }
struct slice keeper_node(const struct keeper *k); /* as the topology or host.xml names it; else "parley" */
/* Every service has ended, or none ran: the keeper may end, too. */
void keeper_service_ended(struct keeper *k);
void keeper_tell_launcher(struct keeper *k, enum link_type type, uint64_t number, struct slice payload);

#endif
