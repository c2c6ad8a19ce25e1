/*
 * control: the words both programs share: verbs, roles, events, error codes.
 *
 * Files in reading order: roles.def, verbs.def and events.def (the rows), control.h/.c
 * (the rows as data, looking them up), roles.c (sets of roles), message.c (one JSON-RPC 2.0 message a
 * line: writing the envelope, reading and checking it), framing.c (lines out of
 * a byte stream, with a limit).
 */
#ifndef SHARED_CONTROL_CONTROL_H
#define SHARED_CONTROL_CONTROL_H

#include "shared/base/buffer.h"
#include "shared/base/json.h"
#include "shared/base/result.h"

enum { CONTROL_PROTOCOL = 1, CONTROL_LINE_MAX = 64 * 1024, CONTROL_PIECE_MAX = 32 * 1024 };

enum control_role {
#define ROLE(id, ...) CONTROL_ROLE_##id,
#include "shared/control/roles.def"
#undef ROLE
	CONTROL_ROLE_COUNT
};
const char *control_role_name(enum control_role role);
const char *control_role_sentence(enum control_role role);
enum control_role control_role_named(struct slice name); /* CONTROL_ROLE_COUNT: none */

/* What a person may be: a set.  One that was closed holds every role its roles include. */
typedef uint32_t control_roles;
enum { CONTROL_ROLES_TEXT_BYTES = 160 };
static inline bool control_roles_have(control_roles roles, enum control_role role)
{
	return roles >> role & 1;
}
/* The role and all it includes. */
control_roles control_roles_of(enum control_role role);
/* The roles that are not included in another of the set: "operator policy"; "none" for no role. */
const char *control_roles_text(control_roles roles, char to[CONTROL_ROLES_TEXT_BYTES]);
/* Whose work it is to change objects of a kind: the role of the verb that takes its fields; without one, administrator. */
enum control_role control_role_for_kind(struct slice kind);
/* Whose it is to set this one field: see verbs.def. */
enum control_role control_role_for_field(struct slice kind, struct slice field);

enum control_effect {
	CONTROL_READS, /* what is so now */
	CONTROL_SHOWS, /* the configuration: takes `version` (as it was then) and `staged` (as it would be) */
	CONTROL_STAGES, /* the caller's own staged changes; nothing that is live */
	CONTROL_CHANGES, /* the configuration: takes `if_version`, `comment`, `stage`, `dry_run`, `confirm_within` */
	CONTROL_ACTS /* on the running daemon */
};
/* Changes nothing at all: permitted in a session for reading. */
static inline bool control_effect_is_reading(enum control_effect effect) { return effect <= CONTROL_SHOWS; }
/* Blank-separated: the params every verb of that effect takes beside its row's. */
const char *control_effect_params(enum control_effect effect);

enum control_verb_id {
#define VERB(id, ...) CONTROL_VERB_##id,
#include "shared/control/verbs.def"
#undef VERB
	CONTROL_VERB_COUNT
};

struct control_verb {
	const char *noun, *verb; /* "domain", "allow"; noun "" for `status` */
	enum control_role role;
	enum control_effect effect;
	const char *arguments;
	const char *sentence;
};
const struct control_verb *control_verb(enum control_verb_id id);
/* By method name "domain.allow" or "status"; CONTROL_VERB_COUNT when there is none. */
enum control_verb_id control_verb_named(struct slice method);
void control_verb_method(const struct control_verb *verb, struct buffer *out);
/* The i-th argument of a row: name in lower case, required or not; false past the end. "@kind" gives is_fields. */
struct control_argument {
	char name[32];
	bool is_required, is_fields;
};
bool control_verb_argument(const struct control_verb *verb, size_t index, struct control_argument *out);

enum control_severity { CONTROL_DEBUG, CONTROL_INFO, CONTROL_NOTICE, CONTROL_WARNING, CONTROL_ERROR };
enum control_event_id {
#define EVENT(id, ...) CONTROL_EVENT_##id,
#include "shared/control/events.def"
#undef EVENT
	CONTROL_EVENT_COUNT
};
struct control_event {
	const char *name;
	enum control_severity severity;
	const char *fields;   /* blank-separated names */
	const char *sentence; /* with {field} and {field:noun} places */
};
const struct control_event *control_event(enum control_event_id id);
enum control_event_id control_event_named(struct slice name); /* CONTROL_EVENT_COUNT: none */
const char *control_severity_name(enum control_severity severity);
/* The row's sentence with the fields of `event` (a JSON object) in place, escaped for one line; missing and empty ones are "-". */
void control_event_sentence(const struct control_event *row, const struct json *event, struct buffer *out);

enum control_code {
	CONTROL_OK,
	CONTROL_USAGE,
	CONTROL_UNKNOWN_VERB,
	CONTROL_DENIED,
	CONTROL_INVALID,
	CONTROL_NOT_FOUND,
	CONTROL_EXISTS,
	CONTROL_CONFLICT,
	CONTROL_BUSY,
	CONTROL_TIMEOUT,
	CONTROL_UNAVAILABLE,
	CONTROL_TOO_LARGE,
	CONTROL_INTERNAL,
	CONTROL_NOT_JSON,
	CONTROL_NOT_A_REQUEST, /* "usage" with JSON-RPC's numbers -32700 and -32600 */
	CONTROL_CODE_COUNT
};
const char *control_code_name(enum control_code code);   /* "not-found" */
enum control_code control_code_named(struct slice name); /* CONTROL_INTERNAL when unknown */
int control_code_rpc(enum control_code code);            /* JSON-RPC number */
enum control_code control_code_of(enum result result);

/* ---- messages ---- */
struct control_request {
	struct json *whole; /* owns the rest; freed with control_request_free */
	int64_t id;
	bool has_id;
	struct slice method;
	const struct json *params; /* object or NULL */
};
/*
 * One line without its LF. INVALID: `code` and reason say which JSON-RPC error to send;
 * `id` and `has_id` are set when they could be read, nothing needs freeing.
 */
enum result control_request_read(struct slice line, struct control_request *out, enum control_code *code,
                                 struct reason *reason);
void control_request_free(struct control_request *request);

/* Envelopes; the LF is added by the closing call. A result is written between open and close. */
void control_reply_open(struct json_writer *w, int64_t id); /* ..."result": comes next, with key "result" */
void control_reply_close(struct json_writer *w);
/* `problems` is a JSON array written by us, or empty. */
void control_error_write(struct buffer *out, bool has_id, int64_t id, enum control_code code,
                         const char *message, struct slice problems);
void control_request_open(struct json_writer *w, int64_t id,
                          const char *method); /* params come next, key "params" */
void control_request_close(struct json_writer *w);
void control_event_open(struct json_writer *w); /* a notification; params come next, key "params" */
void control_event_close(struct json_writer *w);

/* What a client reads: an answer with `result`, an answer with `code` and `message`, or an `event`. */
struct control_answer {
	struct json *whole; /* owns the rest; freed with control_answer_free */
	int64_t id;
	bool has_id;
	const struct json *result; /* NULL: an error or an event */
	enum control_code code;    /* CONTROL_OK unless it is an error */
	struct slice message;
	const struct json *problems; /* array, or NULL */
	const struct json *event;    /* the params of a notification, or NULL */
};
/* INVALID: not from a server of this protocol; nothing needs freeing. */
enum result control_answer_read(struct slice line, struct control_answer *out, struct reason *reason);
void control_answer_free(struct control_answer *answer);

/* ---- framing ---- */
/*
 * The next whole line of `in` (without LF) and how much to consume; AGAIN: not whole yet;
 * LIMIT: longer than CONTROL_LINE_MAX with its LF. A buffer whose maximum is CONTROL_LINE_MAX holds any line.
 */
enum result control_line_next(const struct buffer *in, struct slice *line, size_t *consumed);

#endif
