/*
 * config: XML documents to a snapshot of the model, and back; the folder conf.d as import and mirror.
 *
 * Files in reading order: config.h, problems.c (what is wrong, where), xml.c with
 * prolog.c (bytes as events: libxml2's push parser without network, entities or DTD),
 * document.c (what one document says), value.c (one value, international names too),
 * read.c (a set of documents to a snapshot), print.c (a snapshot to documents,
 * canonical), lines.c (objects as comma-separated lines), folder.c (a folder's files, owners checked), mirror.c (the store's
 * version written to the folder, and what was edited there since).
 *
 *   <parley document="topology" schema="1" version="12">
 *     <!-- kept with the object that follows -->
 *     <edge fqdn="edge1.contoso.example">
 *       <external-listen>192.0.2.10:5061</external-listen>
 *
 * An object is an element named like its kind; its key is an attribute, every other
 * field an element named like the row.  Fields at their default may be left out and
 * are left out when written.  Comments inside an object, and after the last, are
 * kept with it, before it.  `version` is the base a document was edited from.
 */
#ifndef DAEMON_CONFIG_CONFIG_H
#define DAEMON_CONFIG_CONFIG_H

#include <sys/types.h>

#include "shared/model/snapshot.h"

enum {
	CONFIG_DOCUMENT_BYTES_MAX = 1024 * 1024,
	CONFIG_LIST_BYTES_MAX = 32 * 1024 * 1024, /* sip-domains.xml, users.xml */
	CONFIG_DOCUMENTS_MAX = 256,
	CONFIG_NAME_BYTES_MAX = 100,
	CONFIG_ELEMENTS_MAX = 2000000, /* in one document */
	CONFIG_DEPTH_MAX = 8,
	CONFIG_FIELD_BYTES_MAX = 64 * 1024, /* one field's text, blanks included */
	CONFIG_COMMENT_BYTES_MAX = 4096,    /* all comments of one object */
	CONFIG_PROBLEMS_MAX = 100,
};

/* ---- what is wrong ---- */

/* All text is escaped, printable, and owned by the list. */
struct config_problem {
	const char *file;    /* "topology.xml" */
	uint32_t line;       /* 0: the file as a whole */
	const char *object;  /* "edge edge1.contoso.example", "" none */
	const char *field;   /* "external-port", "" none */
	const char *why;     /* "'70000' is too large" */
	const char *allowed; /* "1 to 65535", "" where nothing can be named */
	bool is_retired; /* a warning: the field is no setting any more (shared/model/retired.def), its value is dropped */
};

struct config_problems {
	struct config_problem items[CONFIG_PROBLEMS_MAX];
	size_t count;
	size_t unkept; /* those found when the list was full */
	/* What is doubtful and may be published so: no problem, and worth knowing.  Of what has problems, only what is retired is known. */
	struct config_problem warnings[CONFIG_PROBLEMS_MAX];
	size_t warning_count;
	struct arena arena;
};
void config_problems_start(struct config_problems *problems);
void config_problems_stop(struct config_problems *problems);
/* "topology.xml:7: edge e.example: external-port: '70000' is too large; allowed: 1 to 65535" */
void config_problem_write(const struct config_problem *problem, struct buffer *out);
/* The first problem, and how many there are beside it. */
void config_problems_reason(const struct config_problems *problems, struct reason *reason);

/* ---- reading ---- */

/* Does the name match ^[0-9A-Za-z][0-9A-Za-z._-]*\.xml$ and fit? */
bool config_name_is_good(struct slice name);
/* The i-th versioned document ("topology.xml", ...); NULL past the last.  host.xml is not among them. */
const char *config_document_name(size_t i);
size_t config_document_bytes_max(struct slice name);

struct config_document {
	struct slice name; /* "topology.xml" */
	struct slice bytes;
	uint64_t version; /* config_read: the base it says it was edited from; 0: none */
	uid_t owner;      /* config_folder_read */
	int64_t modified_ms;
};

/*
 * Documents to a checked snapshot, the caller's.  Kinds of documents that are not given come from
 * `base`, or are at their defaults where that is NULL.  INVALID: `problems` holds all that was
 * found, and `*out` is NULL.  NO_MEMORY.
 */
enum result config_read(struct config_document *documents, size_t count, const struct model_snapshot *base,
                        struct model_snapshot **out, struct config_problems *problems);
/* host.xml: the same, of its one kind only; it has no version. */
enum result config_read_host(struct slice bytes, struct model_snapshot **out,
                             struct config_problems *problems);

/*
 * A value as a document would give it: what model_value_read_why takes, and domain names in any
 * alphabet, which become A-labels.  `why` as there.
 */
enum result config_value_read(const struct model_field *field, struct slice text, struct arena *arena,
                              struct model_value *out, struct reason *why);

/* ---- lists as lines (lines.c) ---- */

/*
 * Comma-separated lines (RFC 4180, UTF-8), the first naming fields in any order, as the model or Lync calls them; each
 * other one an object, which is added to `into` or takes the place of the one there; fields that have no column stay
 * as they are.  `problems` name `file` and line, and hold also what the whole says of these objects.  INVALID (then
 * `into` is of no use), NO_MEMORY.
 */
enum result config_lines_read(const struct model_kind *kind, struct slice file, struct slice text,
                              struct model_snapshot *into, struct config_problems *problems);
void config_lines_head(const struct model_kind *kind, struct buffer *out);
void config_lines_write(const struct model_object *object, struct buffer *out);

/* ---- printing ---- */

/*
 * The document `name` ("topology.xml", "host.xml") of a snapshot, in the one form
 * that equal snapshots have.  `version` 0 is left out.  NOT_FOUND: no such document;
 * LIMIT: it does not fit into `out`; NO_MEMORY.
 */
enum result config_print(const struct model_snapshot *snapshot, struct slice name, uint64_t version,
                         struct buffer *out);

/* Every versioned document, printed; what the store keeps (version 0) or the mirror shows. */
struct config_printed {
	struct config_document documents[CONFIG_DOCUMENTS_MAX];
	struct buffer texts[CONFIG_DOCUMENTS_MAX];
	size_t count;
};
enum result config_print_all(const struct model_snapshot *snapshot, uint64_t version,
                             struct config_printed *out, struct reason *reason);
void config_printed_stop(struct config_printed *printed);

/* ---- the folder ---- */

struct config_folder {
	struct config_document documents[CONFIG_DOCUMENTS_MAX];
	struct buffer texts[CONFIG_DOCUMENTS_MAX];
	size_t count;
	struct arena arena; /* names */
};
/*
 * Reads every *.xml of a folder, in byte order of their names: editors' leftovers are
 * passed over; links, pipes, devices and files that root or `owner` do not own, or that
 * others may write, are problems.  NOT_FOUND: there is no such folder; DENIED: somebody
 * else owns it or may write to it; INVALID: `problems` holds the files refused.
 * Stop `out` in every case.
 */
enum result config_folder_read(const char *path, uid_t owner, struct config_folder *out,
                               struct config_problems *problems, struct reason *reason);
/* One file under the same rules (host.xml): NOT_FOUND, INVALID (the reason says why), IO. The caller stops `out`. */
enum result config_file_read(const char *path, uid_t owner, struct buffer *out, struct reason *reason);
void config_folder_stop(struct config_folder *folder);

/* ---- the mirror ---- */

/*
 * Writes the snapshot's documents, as of `version`, into `folder` (each by a temporary file, fsync and
 * rename) and then their digests into the file `state`.  Documents that already have these bytes are left.
 */
enum result config_mirror_write(const char *folder, const char *state, const struct model_snapshot *snapshot,
                                uint64_t version, struct reason *reason);

struct config_import {
	struct model_snapshot *snapshot;                     /* NULL: nothing was edited */
	struct config_document edited[CONFIG_DOCUMENTS_MAX]; /* name (in the folder), owner, version */
	size_t edited_count;
};
/*
 * What was edited in a folder since its last mirror, over the present version.  A document is edited when its
 * bytes are neither those of the last mirror nor those it would have now.  OK (with `import->snapshot` NULL
 * when nothing was changed); INVALID, or CONFLICT when an edited document shows another version than `version`:
 * `problems` say which.  A document that is gone is no edit: the mirror brings it back.
 * `state` may be missing (then every document that differs is edited).  The caller frees the snapshot.
 */
enum result config_import(const struct config_folder *folder, const char *state,
                          const struct model_snapshot *present, uint64_t version,
                          struct config_import *import, struct config_problems *problems,
                          struct reason *reason);

#endif
