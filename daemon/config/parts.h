/*
 * parts: what the files of config share.  Seen only inside this folder.
 */
#ifndef DAEMON_CONFIG_PARTS_H
#define DAEMON_CONFIG_PARTS_H

#include "daemon/config/config.h"

#define CONFIG_HOST_DOCUMENT "host.xml"
#define CONFIG_SCHEMA        "1"
/* The comment that every printed document starts with; it belongs to no object and is made anew. */
#define CONFIG_HEAD "Parley, "

/* Where a problem lies. Members may be left out. */
struct config_place {
	struct slice file;
	uint32_t line;
	const struct model_kind *kind;
	struct slice key;
	const char *field;
	const char *allowed;
};
void config_problem_add(struct config_problems *problems, const struct config_place *place,
                        const char *format, ...) __attribute__((format(printf, 3, 4)));
/* What is doubtful at that place; beyond the list's end it is passed over. */
void config_warning_add(struct config_problems *problems, const struct config_place *place,
                        const struct reason *why);

/* The same of a field that is no setting any more. */
void config_retired_add(struct config_problems *problems, const struct config_place *place,
                        const struct reason *why);

/* Objects of one kind in the order they were read; owned by the snapshot's arena. */
struct config_found {
	struct model_object **items;
	size_t count, size;
};

/* A set of documents being read into one snapshot. */
struct config_reading {
	struct model_snapshot *snapshot;
	struct config_problems *problems;
	struct config_found found[MODEL_KIND_COUNT];
	uint32_t kinds_seen; /* ONE kinds that have been read, a bit each */
	bool is_out_of_memory;
};
_Static_assert(MODEL_KIND_COUNT <= 32, "kinds_seen has a bit for each kind");

/* Reads one document; what is wrong goes to reading->problems. Sets document->version. */
void config_document_read(struct config_reading *reading, struct config_document *document);

/* Does this kind belong to the document called `name`? */
bool config_kind_is_in(const struct model_kind *kind, struct slice name);

/* Writes a file beside its place, flushes it and puts it there by rename; the folder is flushed too. */
enum result config_file_replace(int folder, const char *name, struct slice bytes, struct reason *reason);

#endif
