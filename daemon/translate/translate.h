/*
 * translate: what SIP says, said in XMPP, and back.  Pure: struct in, struct
 * out; no I/O, no clock, no memory of its own (results lie in the caller's arena).
 *
 * Problem: the two protocols disagree about addresses, errors, messages and
 * presence, and a stranger's bytes of the one must never become grammar of the
 * other.  So every reader ends in a plain struct that knows neither protocol
 * (translate_im, translate_presence), every writer begins with one, and what has
 * no counterpart is refused by name instead of being delivered as nonsense.
 *
 * Files in reading order:
 *   address.c             URI <-> JID (RFC 7247 §6, its holes closed)
 *   errors.def error.c    status <-> condition (RFC 7247 §7)
 *   text.c date.c html.c  charset, line ends, dates; markup to text
 *   mime.c cpim.c         which part of a SIP body is the message (RFC 2046, RFC 3862)
 *   notice.c              the small XML bodies: isComposing (RFC 3994), IMDN (RFC 5438), KeyboardActivity
 *   im_sip.c im_xmpp.c    an instant message read from and written to each side (RFC 7572)
 *   rpid.def pidf_read.c pidf_write.c presence.c    presence (RFC 8048, RFC 3863, RFC 4480)
 *   subscription.h subscription.def subscription.c  the life of a subscription, each way, as a table
 * Direction: bytes -> daemon/sip or daemon/xmpp -> read -> struct -> write -> the other one.
 */
#ifndef DAEMON_TRANSLATE_TRANSLATE_H
#define DAEMON_TRANSLATE_TRANSLATE_H

#include "daemon/sip/sip.h"
#include "daemon/xmpp/reader.h"
#include "daemon/xmpp/xmpp.h"

enum {
	TRANSLATE_PHRASE_MAX = 255,            /* reason phrase <-> error text, bytes */
	TRANSLATE_LINE_MAX = 1024,             /* subject, thread, status: one line, bytes */
	TRANSLATE_TEXT_MAX = 256 * 1024,       /* the text of a message; the hop's own limit comes on top */
	TRANSLATE_DOCUMENT_MAX = 64 * 1024,    /* an XML body: PIDF, isComposing, IMDN */
	TRANSLATE_DEPTH_MAX = 4,               /* bodies within bodies: multipart, CPIM */
	TRANSLATE_PARTS_MAX = 32,              /* parts of one multipart */
	TRANSLATE_RESOURCES_MAX = 32,          /* tuples of one presence document */
	TRANSLATE_NOTES_MAX = 8,               /* languages of one status */
	TRANSLATE_ARENA_MAX = 2 * 1024 * 1024, /* enough for every call here on the largest message */
};

enum translate_answer {
	TRANSLATE_OK,
	TRANSLATE_NOTHING,   /* in order, and nothing of it has a counterpart: no word to anybody */
	TRANSLATE_REFUSED,   /* the refusal says what its sender is to be told */
	TRANSLATE_NO_MEMORY, /* the arena is used up: 500, resource-constraint */
};

struct translate_refusal {
	int status;                    /* when a SIP request is refused */
	enum xmpp_condition condition; /* when a stanza is */
	const char *why;               /* a constant sentence */
};

/* ---- addresses (address.c): RFC 7247 §6 ---- */

/* An address of a stanza: xmpp_jid_parse, with the right condition: a part that is too long is policy-violation. */
enum translate_answer translate_jid_read(struct slice text, struct arena *arena, struct xmpp_jid *out,
                                         struct translate_refusal *refusal);

/*
 * sip:, sips: -> JID, prepared; `gr` with a value becomes the resource.  Refused:
 * other schemes, IP addresses, an escape that is no UTF-8 or that XMPP has no
 * place for.  A password is dropped.
 */
enum translate_answer translate_address_to_jid(const struct sip_uri *uri, struct arena *arena,
                                               struct xmpp_jid *out, struct translate_refusal *refusal);
/*
 * JID (prepared) -> "sip:user@domain;gr=resource".  Refused: a localpart that
 * would share its URI with another (an escaped backslash where none is due).
 */
enum translate_answer translate_address_to_uri(const struct xmpp_jid *jid, struct arena *arena,
                                               struct slice *out, struct translate_refusal *refusal);
/* "pres:user@domain" of the bare JID: the entity of a PIDF (RFC 3859); NONE without memory. */
struct slice translate_address_to_entity(const struct xmpp_jid *jid, struct arena *arena);

/* ---- errors (error.c): RFC 7247 §7 ---- */

struct translate_status {
	int status;
	struct slice phrase;  /* empty: the RFC's */
	struct slice contact; /* "<sip:...>" for 301 and 302; else empty */
};

/*
 * What a request is answered when XMPP gave this error.  `is_bare`: it came from
 * a bare JID.  `method` decides where RFC 4320 (no 408 but to an INVITE) and
 * RFC 7247 leave a choice.
 */
void translate_error_to_sip(const struct xmpp_stanza_error *error, bool is_bare, enum sip_method method,
                            struct arena *arena, struct translate_status *out);
/*
 * The error of a stanza whose request got this final status.  `response` may be
 * NULL (the verdict is ours); else its phrase, Contact (301, 302) and Retry-After
 * count.  NOTHING: no such failure (200, 700).
 */
enum translate_answer translate_error_to_xmpp(int status, const struct sip_message *response,
                                              struct arena *arena, struct xmpp_stanza_error *out);
/* The error stanza's words for a refusal of ours. */
struct xmpp_stanza_error translate_error_of(const struct translate_refusal *refusal);

/* ---- instant messages ---- */

enum translate_im_kind {
	TRANSLATE_IM_TEXT,
	TRANSLATE_IM_TYPING,
	TRANSLATE_IM_RECEIPT,
};
enum translate_typing {
	TRANSLATE_TYPING_COMPOSING,
	TRANSLATE_TYPING_PAUSED,
	TRANSLATE_TYPING_ACTIVE,
	TRANSLATE_TYPING_INACTIVE,
	TRANSLATE_TYPING_GONE, /* ends a session; has no words in SIP but BYE */
};
enum translate_receipt {
	TRANSLATE_RECEIPT_DELIVERED,
	TRANSLATE_RECEIPT_DISPLAYED,
	TRANSLATE_RECEIPT_FAILED,
};

struct translate_im {
	enum translate_im_kind kind;
	struct slice id;     /* the sender's name for it: stanza id, imdn.Message-ID; may be empty */
	struct slice thread; /* the conversation: <thread/>, Call-ID; may be empty */
	/* TEXT */
	struct slice text;     /* UTF-8, lines end with LF, never empty */
	struct slice subject;  /* one line; may be empty */
	struct slice language; /* RFC 5646 tag; empty: not said */
	bool is_chat;          /* a line of a conversation, not a letter of its own (XMPP type chat) */
	bool wants_receipt;    /* asks to be told of the delivery; only with an id */
	bool wants_displayed;  /* and of the reading */
	bool is_delayed;       /* said earlier: `stamp_ms` says when */
	int64_t stamp_ms;
	/* TYPING */
	enum translate_typing typing;
	uint32_t refresh_s; /* said again within; 0: not said */
	/* RECEIPT */
	enum translate_receipt receipt;
	struct slice receipt_for; /* the id that its sender gave the message */
};

/* Is its body to be decoded before it is read: Content-Encoding, Content-Transfer-Encoding?  Nobody here does: 415. */
bool translate_has_coding(const struct sip_message *request);
/*
 * A SIP request that carries an instant message: MESSAGE, or INFO in an IM
 * session.  TEXT, TYPING or RECEIPT; NOTHING: an INFO that says nothing.
 * Refused: 415 for what is no text (tell `translate_accept` in Accept), 400 for
 * text that XML cannot hold.
 */
enum translate_answer translate_im_from_sip(const struct sip_message *request, struct xmpp_parser *parser,
                                            struct arena *arena, struct translate_im *out,
                                            struct translate_refusal *refusal);
struct slice translate_accept(void);
/* Has the sender shown that it reads this: it sent one, or lists the type in Accept? */
struct translate_tastes {
	bool typing; /* application/im-iscomposing+xml */
	bool cpim;   /* message/cpim, so receipts too */
	bool lync;   /* KeyboardActivity, msgr= */
};
void translate_tastes_learn(const struct sip_message *message, struct translate_tastes *tastes);

/* May a <thread/> be a Call-ID as it is (RFC 3261 §25.1)? */
bool translate_may_be_call_id(struct slice text);

/* How to say it in SIP: the method, header lines with CRLF each (Content-Type among them), and the body. */
struct translate_content {
	enum sip_method method;
	struct slice headers;
	struct slice body;
};
/* NOTHING: the other side has not shown that it would understand. `from`, `to`: URIs, for CPIM. */
enum translate_answer translate_im_to_sip(const struct translate_im *im, struct translate_tastes tastes,
                                          struct slice from, struct slice to, struct arena *arena,
                                          struct translate_content *out);

/*
 * A <message/>.  NOTHING: an event, a marker nobody asked for, an error (that
 * answers an earlier one: xmpp_error_read).  Refused: groupchat,
 * encrypted, calls and whatever else has no counterpart.
 */
enum translate_answer translate_im_from_stanza(const struct xmpp_element *stanza, struct arena *arena,
                                               struct translate_im *out, struct translate_refusal *refusal);
/*
 * The stanza of it, from and to as they stand in a stanza.  Characters that XML
 * cannot hold become U+FFFD.  A receipt of failure becomes an error.  NULL without memory.
 */
struct xmpp_element *translate_im_to_stanza(struct xmpp_builder *b, const struct translate_im *im,
                                            struct slice from, struct slice to);

/* ---- presence: RFC 8048 ---- */

enum translate_show {
	TRANSLATE_SHOW_NONE,
	TRANSLATE_SHOW_CHAT,
	TRANSLATE_SHOW_AWAY,
	TRANSLATE_SHOW_XA,
	TRANSLATE_SHOW_DND,
};
struct slice translate_show_name(enum translate_show show); /* empty for NONE */
enum translate_show translate_show_of(struct slice name);   /* NONE for what is none */

struct translate_note {
	struct slice language; /* may be empty */
	struct slice text;     /* one line, never empty */
};

/* One place a person may be reached at: a connected client, a tuple. */
struct translate_resource {
	struct slice resource; /* empty: the person as a whole */
	bool is_open;          /* there; the rest but notes and stamp means nothing when not */
	enum translate_show show;
	bool has_priority;
	int priority; /* -128..127; 0 when not said */
	struct translate_note notes[TRANSLATE_NOTES_MAX];
	size_t note_count;
	int64_t stamp_ms; /* when it became so; 0: not said */
	bool is_delayed;  /* so long ago that it is worth saying (the caller knows what time it is) */
};

/* A <presence/> without type or "unavailable"; NOTHING for every other type.  `resource` stays empty: it is in "from". */
enum translate_answer translate_presence_from_stanza(const struct xmpp_element *stanza, struct arena *arena,
                                                     struct translate_resource *out);
/* from and to as they stand in a stanza.  NULL without memory. */
struct xmpp_element *translate_presence_to_stanza(struct xmpp_builder *b,
                                                  const struct translate_resource *resource,
                                                  struct slice from, struct slice to);
/* A presence document: no resources give one closed tuple.  `uri`: where the person is reached.  ptr NULL without memory. */
struct slice translate_pidf_write(struct slice entity, struct slice uri,
                                  const struct translate_resource *resources, size_t count,
                                  struct arena *arena);
/* Its entity is not looked at: who it is about is known from the dialog.  Refused: what is no PIDF. */
enum translate_answer translate_pidf_read(struct slice document, struct xmpp_parser *parser,
                                          struct arena *arena,
                                          struct translate_resource resources[TRANSLATE_RESOURCES_MAX],
                                          size_t *count, struct translate_refusal *refusal);

#endif
