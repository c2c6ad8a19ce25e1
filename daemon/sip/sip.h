/*
 * sip: SIP without I/O.  Bytes, events and the time come in; results and
 * intentions go out.
 *
 * Problem: a proxy that stands between strangers and a pool must read every
 * message exactly as its neighbours do, or refuse it.
 * Files in reading order:
 *   framer.c      where one message ends on a stream (RFC 3261 §18.3, RFC 5626 keep-alives)
 *   header_table.def, header.c   every header we know: compact form, list or single, what crosses
 *   parse.c       bytes to message: start line and header list, no copy
 *   uri.c address.c via.c cseq.c ...   one grammar piece a file, slices in, struct out
 *   validate.c    RFC 3261 §16.3 and what RFC 4475 teaches, one check a function
 *   edit.c write.c   a list of edits against the untouched original; writing the result
 *   reply.c       a response from a request
 *   transaction.c transaction_table.c    RFC 3261 §17, RFC 6026, RFC 4320, as tables
 *   proxy.c       forwarding and response handling (RFC 3261 §16.6, §16.7), loop detection (RFC 5393)
 * Direction: framer -> parse -> validate -> (policy, elsewhere) -> proxy -> write.
 */
#ifndef DAEMON_SIP_SIP_H
#define DAEMON_SIP_SIP_H

#include "shared/base/arena.h"
#include "shared/base/buffer.h"

/* ---- limits: security reference §4; each has a test at n and n+1 ---- */
enum {
	SIP_START_LINE_MAX = 2048,
	SIP_HEADER_SECTION_MAX = 32 * 1024, /* start line included */
	SIP_HEADER_MAX = 8 * 1024,          /* one header, unfolded */
	SIP_HEADERS_MAX = 128,
	SIP_CONTENT_LENGTH_DIGITS_MAX = 7,
	SIP_HOPS_MAX = 32,                  /* values of Via, Record-Route, Route, Contact, each */
	SIP_URI_MAX = 1024,
	SIP_URI_PARAMS_MAX = 32,
	SIP_BODY_MAX = 64 * 1024,           /* default; the topology may lower or raise it */
	SIP_MESSAGE_ARENA_MAX = 128 * 1024,
};

/* ---- parse results ---- */
enum sip_parse {
	SIP_PARSE_OK,
	SIP_PARSE_MORE,      /* the bytes end too early: wait for the next */
	SIP_PARSE_BAD,       /* malformed: the fault says where and why */
	SIP_PARSE_NO_MEMORY, /* the arena is used up */
};

struct sip_fault {
	size_t offset;   /* bytes from the start of what was parsed */
	const char *why; /* a constant sentence an operator can act on */
	int status;      /* what a request with this fault is answered: 400, 413, 414, 416, 420, 483, 505, 513 ... */
};

/* ---- framer: RFC 3261 §18.3 ---- */
enum sip_frame {
	SIP_FRAME_MESSAGE,   /* `length` bytes are one whole message */
	SIP_FRAME_MORE,
	SIP_FRAME_PING,      /* the second CRLF of a pair between messages: answer CRLF (RFC 5626 §3.5.1); `length` 2 */
	SIP_FRAME_PONG,      /* a CRLF: an answer to our ping, padding, or the first half of a ping; `length` 2 */
	SIP_FRAME_BROKEN,    /* framing is in doubt: answer once if `head` allows, then close */
	SIP_FRAME_TOO_LARGE, /* the body announced exceeds the limit: 513, then close; `head` is parseable */
};

/* Remembers how far a message has been scanned, so that one byte at a time costs linear work. Zeroed at start. */
struct sip_framer {
	size_t scanned;      /* bytes already looked at */
	size_t line_start;
	size_t head_length;  /* 0 while the header section is not complete */
	size_t body_length;
	size_t body_max;     /* set by the owner */
	bool has_length;
	const char *doubt;   /* what makes the framing untrustworthy; told once the head is complete, so that it can be answered */
	size_t doubt_at;
	bool after_crlf;     /* the last frame was a PONG: a further CRLF makes a PING, in whatever pieces they come */
};

/*
 * Looks at all bytes received and not yet consumed.  Content-Length is required
 * on a stream, exactly once, digits only, at most 7 of them; bare CR, bare LF
 * and NUL in the header part break framing.  After MESSAGE, PING or PONG the
 * caller consumes `*length` bytes and calls again.  On BROKEN and TOO_LARGE
 * `fault` says why, and `*length` is the length of the header section when it
 * is complete (an answer may be made from it), else 0.
 */
enum sip_frame sip_framer_next(struct sip_framer *framer, struct slice bytes, size_t *length,
                               struct sip_fault *fault);

/* ---- headers ---- */
enum sip_header_id {
	SIP_HEADER_OTHER, /* not in the table: passes untouched unless a prefix rule says else */
#define HEADER(id, ...) SIP_##id,
#include "daemon/sip/header_table.def"
#undef HEADER
	SIP_HEADER_ID_COUNT
};

enum {
	SIP_SINGLE = 1, SIP_LIST = 2, SIP_STRIP_IN = 4, SIP_STRIP_OUT = 8, SIP_HOP = 16,
	/* Our own users outside may say it, and be told it, though partners may not. */
	SIP_USER_IN = 32, SIP_USER_OUT = 64,
	/* What follows from those above. */
	SIP_STRIP_USER_IN = 128, SIP_STRIP_USER_OUT = 256,
};
struct sip_header_row {
	const char *name;  /* canonical spelling */
	char compact;      /* 0: none */
	unsigned flags;    /* SIP_SINGLE: may stand once; SIP_LIST: comma separated; SIP_STRIP_IN/OUT: does not cross */
	const char *source;
};
const struct sip_header_row *sip_header_row(enum sip_header_id id);
enum sip_header_id sip_header_id(struct slice name); /* any case, compact forms too */

enum { SIP_HEADER_ABSENT = UINT16_MAX };

struct sip_header {
	enum sip_header_id id;
	struct slice name;  /* as it came */
	struct slice value; /* trimmed; folding replaced by blanks (then it lies in the arena) */
};

/* ---- message ---- */
enum sip_method {
	SIP_METHOD_OTHER, SIP_INVITE, SIP_ACK, SIP_BYE, SIP_CANCEL, SIP_OPTIONS, SIP_REGISTER, SIP_MESSAGE,
	SIP_SUBSCRIBE, SIP_NOTIFY, SIP_INFO, SIP_UPDATE, SIP_PRACK, SIP_REFER, SIP_PUBLISH, SIP_BENOTIFY,
	SIP_SERVICE, SIP_NEGOTIATE, SIP_METHOD_COUNT
};
struct slice sip_method_name(enum sip_method method);
enum sip_method sip_method_of(struct slice name); /* case-sensitive: RFC 3261 §7.1 */

struct sip_uri {
	enum { SIP_URI_SIP, SIP_URI_SIPS, SIP_URI_TEL, SIP_URI_OTHER } scheme;
	struct slice all;
	struct slice user;      /* raw, escapes kept; empty when absent */
	struct slice host;      /* as it came; IPv6 without brackets */
	uint16_t port;          /* 0: none given */
	bool has_user, is_ipv6, is_ipv4;
	struct slice params;    /* after the first ';', without it */
	struct slice headers;   /* after '?' */
};

struct sip_address { /* name-addr / addr-spec: From, To, Contact, Route, Record-Route, P-Asserted-Identity */
	struct slice all;
	struct slice display;  /* quotes removed, escapes kept */
	struct sip_uri uri;
	struct slice params;   /* header parameters after the address */
	struct slice tag;      /* SLICE_NONE: no tag */
};

struct sip_via {
	struct slice all;
	struct slice transport; /* "TLS" */
	struct slice host;
	uint16_t port;          /* 0: none given */
	struct slice branch;    /* SLICE_NONE: none */
	struct slice received;
	bool has_rport, has_alias;
	struct slice params;
};

struct sip_cseq {
	uint32_t number; /* below 2^31 */
	struct slice method;
};

struct sip_message {
	bool is_request;
	/* request */
	enum sip_method method;
	struct slice method_name;
	struct slice target;     /* Request-URI as it came */
	struct sip_uri target_uri;
	/* response */
	int status;
	struct slice phrase;

	struct sip_header *headers; /* in order; in the arena */
	size_t header_count;
	/* Index of the first header of each kind, SIP_HEADER_ABSENT where there is none. */
	uint16_t first[SIP_HEADER_ID_COUNT];

	/* Parsed by sip_message_parse; the essential ones of RFC 3261 §8.1.1 are always there when it says OK. */
	struct sip_address from, to;
	struct slice call_id;
	struct sip_cseq cseq;
	struct sip_via via;      /* the topmost */
	uint8_t max_forwards;    /* 255 when absent: RFC 3261 §16.3 step 3 */
	bool has_max_forwards;
	uint32_t expires;        /* UINT32_MAX: absent */

	struct slice head;       /* start line and headers, the empty line included */
	struct slice body;
	struct arena *arena;
};

/*
 * Parses one whole message as framed.  Slices point into `bytes` or `arena`.
 * OK, BAD (fault filled: status, offset, reason; as much of the message as was
 * understood stays readable, so that reply.c can answer), NO_MEMORY.
 */
enum sip_parse sip_message_parse(struct slice bytes, struct arena *arena, struct sip_message *out,
                                 struct sip_fault *fault);

/* The first header of a kind, or NULL; the next after `previous`, or NULL. */
const struct sip_header *sip_message_header(const struct sip_message *m, enum sip_header_id id);
const struct sip_header *sip_message_next(const struct sip_message *m, const struct sip_header *previous);
/*
 * Walks comma-separated values over all headers of a LIST kind, top to bottom.
 * Start with a zeroed walk; false at the end.  An empty header gives nothing,
 * an empty value between commas gives an empty slice.
 */
struct sip_walk {
	const struct sip_header *header;
	struct slice rest;
	bool has_started;
};
bool sip_message_walk(const struct sip_message *m, enum sip_header_id id, struct sip_walk *walk, struct slice *value);

enum sip_parse sip_uri_parse(struct slice text, struct sip_uri *out, struct sip_fault *fault);
enum sip_parse sip_address_parse(struct slice text, struct sip_address *out, struct sip_fault *fault);
enum sip_parse sip_via_parse(struct slice text, struct sip_via *out, struct sip_fault *fault);
enum sip_parse sip_cseq_parse(struct slice text, struct sip_cseq *out, struct sip_fault *fault);
/*
 * Value of a parameter in ";a=b;c" or "a=b;c", name in any case; true when it
 * is there; value SLICE_NONE when it has none, without its quotes when it had some.
 */
bool sip_param(struct slice params, struct slice name, struct slice *value);
/* The same of credentials or a challenge: "Digest username="alice", realm=..." (RFC 3261 §25.1). */
bool sip_auth_param(struct slice header, struct slice name, struct slice *value);
/* Lower-case copy of a host as it is compared and looked up; trailing dot removed. */
struct slice sip_host_lower(struct arena *arena, struct slice host);

/*
 * ---- validation: RFC 3261 §16.3, RFC 4475; what the parser lets through and a proxy must not ----
 * True when fine.  Otherwise `fault->status` is the answer (ACK and responses:
 * drop).  An OPTIONS with Max-Forwards 0 is fine: it is to be answered here and
 * never forwarded (§16.3 step 3, §11).
 */
bool sip_validate_request(const struct sip_message *m, struct sip_fault *fault);
bool sip_validate_response(const struct sip_message *m, struct sip_fault *fault);

/* ---- edits and writing ---- */
enum sip_edit_kind {
	SIP_EDIT_TARGET,      /* replace the Request-URI */
	SIP_EDIT_PREPEND,     /* a header before all others of its kind, also those prepended earlier */
	SIP_EDIT_APPEND,      /* a header at the end */
	SIP_EDIT_REMOVE_ALL,  /* every header of this kind */
	SIP_EDIT_REMOVE_NAME, /* every header of this name (OTHER kinds), any case; a trailing '*' is a prefix */
	SIP_EDIT_REMOVE_FIRST_VALUE, /* the first value of a LIST kind: pop Via, Route; twice takes two */
	SIP_EDIT_REPLACE,     /* remove all of the kind, one put in the place of the first (or at the end) */
	SIP_EDIT_REPLACE_FIRST_VALUE, /* the first value of a LIST kind that stays: received= on the topmost Via */
};
struct sip_edit {
	enum sip_edit_kind kind;
	enum sip_header_id id;
	struct slice name;  /* for OTHER kinds */
	struct slice value;
};
enum { SIP_EDITS_MAX = 32 };
struct sip_edits {
	struct sip_edit list[SIP_EDITS_MAX];
	size_t count;
	bool is_broken;     /* too many, or a value held CR, LF or NUL */
	unsigned strip;     /* one of SIP_STRIP_...: leave out what came under a row with that flag */
};
void sip_edit_add(struct sip_edits *edits, enum sip_edit_kind kind, enum sip_header_id id, struct slice value);
void sip_edit_name(struct sip_edits *edits, enum sip_edit_kind kind, struct slice name, struct slice value);

/*
 * Writes the message from its header list and the edits: canonical names,
 * "Name: value", folding gone, Content-Length always ours and last.  False, and
 * `out` as it was, when an edit or a header holds a control byte, when a first
 * value to be taken or replaced is not there, or when it does not fit.
 * `edits` may be NULL.  Uses the header list, not `first`.
 */
bool sip_message_write(const struct sip_message *m, const struct sip_edits *edits, struct buffer *out);

/*
 * A response made from a request (RFC 3261 §8.2.6): Via set, From, To (with
 * `to_tag` when it has no tag and status > 100), Call-ID, CSeq copied, then
 * `extra` headers ("Name: value\r\n"...), Content-Length 0.  An empty phrase
 * means the RFC's.  Works on a message that failed to parse as long as Via,
 * From, To, Call-ID and CSeq were seen; false otherwise, and for an ACK and a
 * response, which are never answered.  False leaves `out` as it was.
 */
bool sip_reply_write(const struct sip_message *request, int status, struct slice phrase, struct slice to_tag,
                     struct slice extra, struct buffer *out);
/* The RFC's phrase for a status: "Forbidden". */
struct slice sip_phrase(int status);

#endif
