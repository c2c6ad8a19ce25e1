/*
 * model: the table of kinds and fields (kinds.def) as data, and values checked by their row.
 *
 * Files in reading order: kinds.def (the rows), model.h/.c (the table, objects),
 * needs.def and needs.c (fields that count only while another has a value),
 * value.c (one value read, written, compared), snapshot.h/.c (all objects of one
 * configuration), check*.c (what no single row can say), xmpp_security.h/.c (which ways of
 * proving an XMPP partner may be published), notice.h/.c (services that have ended), retired.h/.c (fields that
 * have been), diff.c, merge.c (two changes of one base).
 * Nothing here knows XML, JSON or sockets.
 */
#ifndef SHARED_MODEL_MODEL_H
#define SHARED_MODEL_MODEL_H

#include "shared/base/arena.h"
#include "shared/base/buffer.h"
#include "shared/base/result.h"

enum model_kind_id {
#define KIND(id, NAME, name, document, cardinality, lync, sentence) MODEL_##NAME,
#define FIELD(...)
#include "shared/model/kinds.def"
#undef KIND
#undef FIELD
	MODEL_KIND_COUNT
};

/* MODEL_FIELD_<kind>_<field>: the index of a field within its kind's values; see model.c for how it is made. */
#define MODEL_FIELD(kind, field)                                                                             \
	((size_t)MODEL_FIELD_##kind##_##field - (size_t)MODEL_FIELD_##kind##_BASE - 1)
enum model_field_id {
#define KIND(id, NAME, name, document, cardinality, lync, sentence) MODEL_FIELD_##id##_BASE,
#define FIELD(kind, field, ...)                                     MODEL_FIELD_##kind##_##field,
#include "shared/model/kinds.def"
#undef KIND
#undef FIELD
	MODEL_FIELD_END
};

enum model_type {
	MODEL_BOOL,
	MODEL_NUMBER,
	MODEL_ENUM,
	MODEL_TEXT,
	MODEL_DOMAIN, /* stored lower case, A-label form */
	MODEL_FQDN,   /* the same */
	MODEL_PATH,
	MODEL_ADDRESS,  /* stored as "192.0.2.1", "192.0.2.1:5061", "[2001:db8::1]:5061" */
	MODEL_PREFIX,   /* stored as "10.0.0.0/8" */
	MODEL_SIP_USER, /* stored as "alice@contoso.example", lower case, without sip: */
	MODEL_DOMAINS,
	MODEL_FQDNS,
	MODEL_ADDRESSES,
	MODEL_PREFIXES,
	MODEL_CHOICES, /* of the row's choices */
};
const char *model_type_name(enum model_type type); /* "domain", "sip-user" */
static inline bool model_type_is_list(enum model_type t) { return t >= MODEL_DOMAINS; }

enum { MODEL_KEY = 1, MODEL_REQUIRED = 2, MODEL_FIXED = 4, MODEL_ALIAS = 8 };
enum model_cardinality { MODEL_ONE, MODEL_MANY };
enum { MODEL_CHOICES_MAX = 16, MODEL_LIST_MAX = 64, MODEL_FIELDS_MAX = 64 };

struct model_field {
	const char *name; /* "proxy-fqdn" */
	enum model_type type;
	unsigned flags;
	const char *preset; /* the default as text; lists: items separated by blanks */
	uint64_t min, max;
	const char *unit;    /* "" or "s", "bytes" */
	const char *choices; /* "a|b|c" or NULL */
	const char *lync;    /* "" where Lync has none */
	const char *sentence;
};

struct model_kind {
	enum model_kind_id id;
	const char *name;     /* "allowed-domain" */
	const char *document; /* "sip-domains.xml" */
	enum model_cardinality cardinality;
	const char *lync;
	const char *sentence;
	const struct model_field *fields;
	size_t field_count;
	size_t key; /* index of the KEY field (the first of a MANY kind); field_count where there is none */
};

/* One checked value.  Text points into the arena of whoever holds it. */
struct model_value {
	union {
		bool flag;         /* BOOL */
		uint64_t number;   /* NUMBER; ENUM: index of the choice */
		struct slice text; /* TEXT DOMAIN FQDN PATH ADDRESS PREFIX SIP_USER; NUL follows */
		struct model_list {
			const struct slice *items;
			size_t count;
		} list;
	};
};

struct model_object {
	const struct model_kind *kind;
	struct slice comment;        /* XML comment that stood before it, kept with it; "" for none */
	uint32_t line;               /* where it was read; 0: not from a file */
	struct model_value values[]; /* kind->field_count of them */
};

const struct model_kind *model_kind(enum model_kind_id id);
/* By "allowed-domain"; NULL when there is none. */
const struct model_kind *model_kind_named(struct slice name);
/* Index of the field by "proxy-fqdn" (or "proxy_fqdn", or the Lync name, any case); field_count when there is none. */
size_t model_field_named(const struct model_kind *kind, struct slice name);

/* Index of the kind's ALIAS field; field_count where there is none. */
size_t model_kind_alias(const struct model_kind *kind);

/* The i-th choice of an ENUM row as text; SLICE_NONE past the end. */
struct slice model_choice(const struct model_field *field, uint64_t i);

/*
 * Reads `text` as the row says; what is kept is copied into `arena`, in the
 * form it is stored (domains lower case A-labels; lists: items separated by
 * blanks, commas or new lines).  Blanks and new lines around a value are ignored;
 * inside a TEXT each run of them is one blank.  An empty text is a value only
 * where the row's min is 0.  INVALID with a reason that names the field, the
 * value (escaped) and what is allowed; NO_MEMORY.  `out` is untouched unless OK.
 */
enum result model_value_read(const struct model_field *field, struct slice text, struct arena *arena,
                             struct model_value *out, struct reason *reason);
/* The same for who shows the parts apart: `why` is "'70000' is too large", without the field and what is allowed. */
enum result model_value_read_why(const struct model_field *field, struct slice text, struct arena *arena,
                                 struct model_value *out, struct reason *why);
/* The value as text that model_value_read takes back; list items separated by one blank. */
void model_value_write(const struct model_field *field, const struct model_value *value, struct buffer *out);
bool model_value_equal(const struct model_field *field, const struct model_value *a,
                       const struct model_value *b);
/* No text, no items; never true for BOOL, NUMBER and ENUM. */
bool model_value_is_empty(const struct model_field *field, const struct model_value *value);
/* A copy that owns its bytes in `arena`; false out of memory. */
bool model_value_copy(const struct model_field *field, const struct model_value *from, struct arena *arena,
                      struct model_value *to);
/* What the row allows, as words: "true or false", "1 to 65535", "one of: tls, tcp". */
void model_allowed(const struct model_field *field, struct buffer *out);

/* A row of needs.def: `field` has an effect only while `other` of the same object has `value` ("": any). */
struct model_need {
	size_t id;           /* of the field in the table of all fields */
	size_t field, other; /* indexes within the kind */
	const char *value, *otherwise;
};
/* NULL: the field always has an effect. */
const struct model_need *model_field_need(const struct model_kind *kind, size_t field);
bool model_need_holds(const struct model_need *need, struct slice other);

/* All fields at their defaults (REQUIRED and KEY ones empty); NULL out of memory. */
struct model_object *model_object_new(struct arena *arena, const struct model_kind *kind);
/* The key as text; SLICE("") for a kind that has exactly one object. */
struct slice model_object_key(const struct model_object *object);
struct model_object *model_object_copy(struct arena *arena, const struct model_object *object);

#endif
