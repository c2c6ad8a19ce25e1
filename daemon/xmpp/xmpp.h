/*
 * xmpp: XMPP between servers without I/O.  Bytes, events and the time come in;
 * results and intentions go out.
 *
 * Problem: two servers that do not trust each other exchange XML for ever on
 * one stream.  What a stranger sends is read into a tree, checked, and what
 * leaves is written from a tree; no byte is ever passed through (RFC 6120).
 * Files in reading order:
 *   xmpp.h          this door: limits, namespaces, the tree, addresses, errors
 *   element.c       building a tree, finding in it, copying it
 *   write.c         a tree as bytes; what XML 1.0 forbids is refused
 *   jid.c           addresses: parse, prepare, compare, write (RFC 7622)
 *   conditions.def, error.c   stanza errors (RFC 6120 §8.3)
 *   reader.h        a stream's bytes as stanzas: framer, parser (libxml2)
 *   stream.h        one stream between two servers as a machine
 * Direction: reader -> tree -> (the stream machine, the gateway, translation) -> writer.
 */
#ifndef DAEMON_XMPP_XMPP_H
#define DAEMON_XMPP_XMPP_H

#include "shared/base/arena.h"
#include "shared/base/buffer.h"
#include "shared/base/result.h"

/* ---- limits; each has a test at n and n+1 ---- */
enum {
	XMPP_BYTES_BEFORE_IDENTITY_MAX = 10 * 1024, /* RFC 6120 §13.12: never under 10000 */
	XMPP_STANZA_MAX = 256 * 1024,
	XMPP_STANZA_CEILING = 1024 * 1024, /* a setting may raise it so far */
	XMPP_DEPTH_MAX = 32,      /* elements within each other; a stanza is the first */
	XMPP_ATTRIBUTES_MAX = 32, /* of one element */
	XMPP_NAMESPACES_MAX = 16, /* declared on one element */
	XMPP_CHILDREN_MAX = 2048, /* elements in one stanza */
	XMPP_NAME_MAX = 128,      /* bytes of a local name or a prefix */
	XMPP_SPACE_MAX = 1024,    /* bytes of a namespace name */
	XMPP_JID_PART_MAX = 1023, /* RFC 7622 §3.1 */
	XMPP_JID_MAX = 3071,
};

/* ---- namespaces ---- */
#define XMPP_NS_SERVER           SLICE("jabber:server")
#define XMPP_NS_STREAM           SLICE("http://etherx.jabber.org/streams")
#define XMPP_NS_STREAMS          SLICE("urn:ietf:params:xml:ns:xmpp-streams") /* conditions of stream errors */
#define XMPP_NS_STANZAS          SLICE("urn:ietf:params:xml:ns:xmpp-stanzas") /* conditions of stanza errors */
#define XMPP_NS_TLS              SLICE("urn:ietf:params:xml:ns:xmpp-tls")
#define XMPP_NS_SASL             SLICE("urn:ietf:params:xml:ns:xmpp-sasl")
#define XMPP_NS_DIALBACK         SLICE("jabber:server:dialback")
#define XMPP_NS_DIALBACK_FEATURE SLICE("urn:xmpp:features:dialback")
#define XMPP_NS_BIDI             SLICE("urn:xmpp:bidi")
#define XMPP_NS_BIDI_FEATURE     SLICE("urn:xmpp:features:bidi")
#define XMPP_NS_SM               SLICE("urn:xmpp:sm:3")
#define XMPP_NS_LIMITS           SLICE("urn:xmpp:stream-limits:0")
#define XMPP_NS_PING             SLICE("urn:xmpp:ping")
#define XMPP_NS_DELAY            SLICE("urn:xmpp:delay")
#define XMPP_NS_CHATSTATES       SLICE("http://jabber.org/protocol/chatstates")
#define XMPP_NS_RECEIPTS         SLICE("urn:xmpp:receipts")
#define XMPP_NS_DISCO_INFO       SLICE("http://jabber.org/protocol/disco#info")
#define XMPP_NS_DISCO_ITEMS      SLICE("http://jabber.org/protocol/disco#items")
#define XMPP_NS_VERSION          SLICE("jabber:iq:version")
#define XMPP_NS_XML              SLICE("http://www.w3.org/XML/1998/namespace")

/* ---- the tree: lives in an arena, never changed once handed on ---- */
struct xmpp_attribute {
	struct slice space; /* empty for nearly all; XMPP_NS_XML for xml:lang */
	struct slice name, value;
	struct xmpp_attribute *next;
};

struct xmpp_element {
	struct slice
	        space; /* the namespace's name, not a prefix; empty only where the document declares none */
	struct slice name;                 /* local; empty: this node is no element but a run of text */
	struct slice text;                 /* of a run of text; neighbouring runs are one */
	struct xmpp_attribute *attributes; /* in order */
	struct xmpp_element *parent, *next, *first, *last; /* first and last child */
};

static inline bool xmpp_is_text(const struct xmpp_element *e) { return e->name.len == 0; }
static inline bool xmpp_is(const struct xmpp_element *e, struct slice space, struct slice name)
{
	return slice_equal(e->name, name) && slice_equal(e->space, space);
}

/*
 * Building: many pieces, one look at the end.  Once the arena is used up, or a
 * parent was NULL because of that, `is_broken` is set and every further piece
 * is NULL; all functions take that NULL.  Texts are copied into the arena;
 * names and namespaces are copied too, unless they are the literals above.
 */
struct xmpp_builder {
	struct arena *arena;
	bool is_broken;
};
/* `parent` NULL: the root of a new tree (only while nothing is broken). */
struct xmpp_element *xmpp_add(struct xmpp_builder *b, struct xmpp_element *parent, struct slice space,
                              struct slice name);
/* The same with a run of text in it: <body>text</body>. */
struct xmpp_element *xmpp_add_with_text(struct xmpp_builder *b, struct xmpp_element *parent,
                                        struct slice space, struct slice name, struct slice text);
void xmpp_add_text(struct xmpp_builder *b, struct xmpp_element *parent, struct slice text);
/* Sets or replaces.  An attribute without namespace; xml:lang has its own. */
void xmpp_set(struct xmpp_builder *b, struct xmpp_element *element, struct slice name, struct slice value);
void xmpp_set_in(struct xmpp_builder *b, struct xmpp_element *element, struct slice space, struct slice name,
                 struct slice value);
void xmpp_set_language(struct xmpp_builder *b, struct xmpp_element *element, struct slice language);
/* A deep copy below `parent` (or as a new root): everything in it lies in the builder's arena. */
struct xmpp_element *xmpp_add_copy(struct xmpp_builder *b, struct xmpp_element *parent,
                                   const struct xmpp_element *from);

/* Finding.  Every function takes a NULL element and finds nothing in it. */
struct slice xmpp_get(const struct xmpp_element *element, struct slice name); /* SLICE_NONE: absent */
struct slice xmpp_get_in(const struct xmpp_element *element, struct slice space, struct slice name);
/* xml:lang here or inherited (XML 1.0 §2.12); SLICE_NONE: none. */
struct slice xmpp_language(const struct xmpp_element *element);
const struct xmpp_element *xmpp_child(const struct xmpp_element *parent, struct slice space,
                                      struct slice name);
/* The next of the same namespace and name after `previous`. */
const struct xmpp_element *xmpp_next_same(const struct xmpp_element *previous);
/* The first child element whatever it is; the next element after one. */
const struct xmpp_element *xmpp_first_element(const struct xmpp_element *parent);
const struct xmpp_element *xmpp_next_element(const struct xmpp_element *previous);
/*
 * The element's own text, not that of elements in it.  Nearly always one run
 * and then not copied; several runs are joined in `arena` (SLICE_NONE when it
 * is used up).  Empty when there is none.
 */
struct slice xmpp_text(const struct xmpp_element *element, struct arena *arena);
/* The text of a child, empty when it is not there. */
struct slice xmpp_child_text(const struct xmpp_element *parent, struct slice space, struct slice name,
                             struct arena *arena);

/* ---- writing ---- */
/* What the place where the bytes will stand has declared already. */
struct xmpp_scope {
	struct slice space; /* the default namespace */
	bool has_stream;    /* prefix "stream" is XMPP_NS_STREAM */
	bool has_dialback;  /* prefix "db" is XMPP_NS_DIALBACK */
};
#define XMPP_SCOPE_SERVER (&(const struct xmpp_scope){ XMPP_NS_SERVER, true, false })
/*
 * Appends the element.  False, and `out` as it was, when a name is no XML name,
 * a text is not UTF-8 or holds what XML 1.0 §2.2 forbids, the tree is deeper
 * than XMPP_DEPTH_MAX, or it does not fit.
 */
bool xmpp_write(const struct xmpp_element *element, const struct xmpp_scope *scope, struct buffer *out);
/* May this stand in XML 1.0?  UTF-8 without controls (but TAB, LF, CR), U+FFFE and U+FFFF. */
bool xmpp_text_is_writable(struct slice text);
/*
 * The same text with U+FFFD for each character (or byte that is no UTF-8) that
 * could not be written, and how many these were.  The text itself when it was
 * fine; SLICE_NONE when the arena is used up.
 */
struct slice xmpp_text_cleaned(struct slice text, struct arena *arena, size_t *replaced);

/* ---- addresses: RFC 7622 ---- */
struct xmpp_jid {
	struct slice local;    /* prepared; empty: none */
	struct slice domain;   /* prepared: lower-case A-labels */
	struct slice resource; /* as it came, checked; empty: none */
};
/*
 * Parses and prepares; all three parts are copied into `arena`.  INVALID with
 * a reason (jid-malformed), NO_MEMORY.
 *
 * local: nodeprep, what would vanish is refused (names.h).  domain: names.h.
 * resource: belongs to the server that gave it out, which may follow RFC 6122
 * or RFC 7622; it is compared and sent back byte for byte, and refused when it
 * holds a control or a non-character.
 */
enum result xmpp_jid_parse(struct slice text, struct arena *arena, struct xmpp_jid *out,
                           struct reason *reason);
/* From parts that are not joined yet, with the same checks; empty local and resource mean none. */
enum result xmpp_jid_make(struct slice local, struct slice domain, struct slice resource, struct arena *arena,
                          struct xmpp_jid *out, struct reason *reason);
bool xmpp_jid_equal(const struct xmpp_jid *a, const struct xmpp_jid *b);
bool xmpp_jid_equal_bare(const struct xmpp_jid *a, const struct xmpp_jid *b); /* without the resources */
/* As it stands in a stanza: the domain in U-labels (RFC 7622 §3.2). */
void xmpp_jid_write(const struct xmpp_jid *jid, struct buffer *out);
/* The same in the arena; SLICE_NONE when it is used up. */
struct slice xmpp_jid_text(const struct xmpp_jid *jid, struct arena *arena);
/* A domain (A-labels) as it stands in a stanza or a stream header. */
struct slice xmpp_domain_text(struct slice domain, struct arena *arena);

/* ---- stanza errors: RFC 6120 §8.3 ---- */
enum xmpp_error_type {
	XMPP_ERROR_CANCEL,
	XMPP_ERROR_MODIFY,
	XMPP_ERROR_AUTH,
	XMPP_ERROR_WAIT,
	XMPP_ERROR_CONTINUE
};
struct slice xmpp_error_type_name(enum xmpp_error_type type);

enum xmpp_condition {
#define CONDITION(id, ...) XMPP_##id,
#include "daemon/xmpp/conditions.def"
#undef CONDITION
	XMPP_CONDITION_COUNT
};
struct slice xmpp_condition_name(enum xmpp_condition condition);
enum xmpp_error_type
xmpp_condition_type(enum xmpp_condition condition); /* the one RFC 6120 §8.3.3 names first */
/* UNDEFINED_CONDITION for a name we do not know. */
enum xmpp_condition xmpp_condition_of(struct slice name);

struct xmpp_stanza_error {
	enum xmpp_condition condition;
	enum xmpp_error_type type;
	struct slice text;    /* human words; empty: none */
	struct slice address; /* of <gone/> and <redirect/>: a URI; empty: none */
};
/* What a stanza of type error says.  False: it has no <error/>.  A malformed one is undefined-condition. */
bool xmpp_error_read(const struct xmpp_element *stanza, struct arena *arena, struct xmpp_stanza_error *out);
/* May this stanza be answered with an error?  Not an error, an iq result, or a presence that is only shown (§8.3.1). */
bool xmpp_may_be_refused(const struct xmpp_element *stanza);
/*
 * The error answer to a stanza: same kind, id and turned addresses, type
 * error, without the original's content.  NULL when it must not be answered
 * (xmpp_may_be_refused) or memory is used up.
 */
struct xmpp_element *xmpp_error_reply(struct xmpp_builder *b, const struct xmpp_element *stanza,
                                      const struct xmpp_stanza_error *error);

#endif
