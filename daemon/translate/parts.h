/*
 * parts: what the files of this room share.  Seen only inside daemon/translate.
 */
#ifndef DAEMON_TRANSLATE_PARTS_H
#define DAEMON_TRANSLATE_PARTS_H

#include "daemon/translate/translate.h"

/* Refuses in one line. */
enum translate_answer translate_refuse(struct translate_refusal *refusal, int status,
                                       enum xmpp_condition condition, const char *why);

/* ---- text.c ---- */

/*
 * One line: a line end or control becomes a blank, what XML cannot hold U+FFFD;
 * trimmed, cut at `max` bytes between characters.  ptr NULL without memory.
 */
struct slice translate_line(struct slice text, size_t max, struct arena *arena);
/* CR LF and CR to LF, without blank lines at the end; LF to CR LF.  ptr NULL without memory. */
struct slice translate_lines_to_lf(struct slice text, struct arena *arena);
struct slice translate_lines_to_crlf(struct slice text, struct arena *arena);
/* Bytes of this charset as UTF-8.  False: not one we know, or bytes it does not have; `out->ptr` NULL: no memory. */
bool translate_recode(struct slice bytes, struct slice charset, struct arena *arena, struct slice *out);
/* A language tag (RFC 5646): letters, digits and hyphens; empty when it is none. */
struct slice translate_language(struct slice text);
/* Letters, digits and "-._~!%*+'" ...: may stand as a token in a header (RFC 3261 §25.1), at most `max` bytes. */
bool translate_is_token(struct slice text, size_t max);
/* "2026-11-27T22:00:00Z" and its variants (RFC 3339, XEP-0082); false: no date. */
bool translate_time_read(struct slice text, int64_t *wall_ms);
/* "Sat, 13 Nov 2010 23:29:00 GMT", the Date of SIP (RFC 3261 §20.17). */
bool translate_http_date_read(struct slice text, int64_t *wall_ms);
void translate_http_date_write(struct buffer *out, int64_t wall_ms); /* the whole header line */
/* Bytes at `c` written as %XX, upper case. */
void translate_add_escaped(struct buffer *out, uint8_t c);
/* The value of a hexadecimal digit, or -1. */
int translate_hex(char c);
/* What was collected, as a copy in the arena; ptr NULL when the buffer is broken or the arena full. Stops the buffer. */
struct slice translate_taken(struct buffer *buffer, struct arena *arena);

/* ---- address.c: the URIs of <gone/> and <redirect/> (RFC 5122) ---- */

struct slice translate_xmpp_uri(const struct xmpp_jid *jid,
                                struct arena *arena); /* ptr NULL without memory */
bool translate_xmpp_uri_read(struct slice uri, struct arena *arena, struct xmpp_jid *out);

/* ---- html.c ---- */

/* The words of a page, without markup; ptr NULL without memory. */
struct slice translate_html_to_text(struct slice page, struct arena *arena);

/* ---- mime.c, cpim.c: one body found within bodies ---- */

struct translate_body {
	struct slice type;   /* "text/plain", as it came */
	struct slice params; /* "charset=UTF-8;..." */
	struct slice language;
	struct slice bytes;
	/* What a CPIM around it said (RFC 3862, RFC 5438). */
	bool is_cpim;
	struct slice imdn_id, imdn_asks, subject, date;
};
bool translate_type_is(const struct translate_body *body, const char *type);
/* "type/subtype;params" taken apart; false: it is none. */
bool translate_type_read(struct slice value, struct slice *type, struct slice *params);
/* One header line "Name: value" off the front of `*rest` (CR LF or LF, folding joined by no one: refused). */
bool translate_part_header(struct slice *rest, struct slice *name, struct slice *value);
/* A header of a part that says how its bytes are encoded: as they are?  True of every other header. */
bool translate_is_plain_coding(struct slice name, struct slice value);
/*
 * The best part: plain text before notices before HTML.  `body` comes with the
 * outermost type and bytes.  False: nothing in it that we read, or a malformed
 * multipart or CPIM (`*why`).
 */
bool translate_body_find(struct translate_body *body, int depth, const char **why);
/* message/cpim: `body` becomes what it wraps.  False: malformed. */
bool translate_cpim_open(struct translate_body *body, const char **why);
/* The wrapping: headers of RFC 3862 with the IMDN wishes of `im`, then Content-Type and the text. */
void translate_cpim_write(struct buffer *out, const struct translate_im *im, struct slice from,
                          struct slice to, struct slice type, struct slice content);

/* ---- notice.c: XML bodies ---- */

enum translate_answer translate_document(struct slice bytes, struct xmpp_parser *parser, struct arena *arena,
                                         struct xmpp_element **root, struct translate_refusal *refusal);
/* With its XML declaration; ptr NULL when something is broken. */
struct slice translate_document_write(struct xmpp_builder *b, const struct xmpp_element *root);
/* isComposing, IMDN or KeyboardActivity. */
enum translate_answer translate_notice_read(struct slice bytes, struct xmpp_parser *parser,
                                            struct arena *arena, struct translate_im *out,
                                            struct translate_refusal *refusal);
struct slice translate_composing_write(bool is_active, struct arena *arena);
struct slice translate_keyboard_write(bool is_active, struct arena *arena);
struct slice translate_imdn_write(const struct translate_im *im, struct arena *arena);

/* ---- presence.c ---- */

#define TRANSLATE_NS_PIDF   SLICE("urn:ietf:params:xml:ns:pidf")
#define TRANSLATE_NS_PERSON SLICE("urn:ietf:params:xml:ns:pidf:data-model")
#define TRANSLATE_NS_RPID   SLICE("urn:ietf:params:xml:ns:pidf:rpid")
#define TRANSLATE_NS_CLIENT SLICE("jabber:client")

/* ptr NULL without memory */
struct slice translate_tuple_id(struct slice resource, struct arena *arena);
struct slice translate_resource_of_id(struct slice id, struct arena *arena);
/* One more language of the status; more than there is room for are left out.  False: no memory. */
bool translate_note_add(struct translate_resource *out, struct slice language, struct slice text,
                        struct arena *arena);

#endif
