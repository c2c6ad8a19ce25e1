/*
 * archive: one version as bytes.  A deterministic ustar archive: manifest.xml
 * first, then the documents in byte order of their names, all with the same
 * owner, mode and time, so that equal content gives equal bytes.
 *
 * Reading believes nothing: no links, no folders, no special files, names of one
 * shape, no name twice, nothing that the manifest does not list, sizes and
 * digests as the manifest says, and the manifest in its one canonical form.
 */
#ifndef DAEMON_STORE_ARCHIVE_H
#define DAEMON_STORE_ARCHIVE_H

#include "daemon/store/store.h"

/* [0-9A-Za-z][0-9A-Za-z._-]*, at most STORE_NAME_MAX bytes, not "manifest.xml". */
bool archive_name_is_good(struct slice name);

/* `version` gives all but its digest, which is filled in. INVALID: a bad or doubled name; LIMIT. */
enum result archive_write(struct store_version *version, const struct store_document *documents, size_t count,
                          struct buffer *out, struct reason *reason);

/* Documents point into `bytes`; the list lies in `arena`. INVALID says what is wrong and where. */
enum result archive_read(struct slice bytes, struct arena *arena, struct store_version *version,
                         struct store_document **documents, size_t *count, struct reason *reason);

/* ---- manifest.xml (manifest.c) ---- */
struct manifest_entry {
	struct slice name;
	uint64_t size;
	char digest[STORE_DIGEST_BYTES];
};
void manifest_write(const struct store_version *version, const struct manifest_entry *entries, size_t count,
                    struct buffer *out);
/* Entries lie in `arena`. Only the form that manifest_write gives is taken. */
enum result manifest_read(struct slice text, struct arena *arena, struct store_version *version,
                          struct manifest_entry **entries, size_t *count, struct reason *reason);

#endif
