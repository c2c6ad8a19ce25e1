/*
 * conf.d as a way in: what was edited there becomes a version, or is refused with file, line and field.
 */
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

enum { IMPORT_EVENTS_MAX = 10, IMPORT_NAME_ROOM = 16 * 1024 };

enum result import_read(struct keeper *k, struct import **out, struct reason *reason)
{
	char folder[KEEPER_PATH_BYTES], state[KEEPER_PATH_BYTES];
	struct import *import = *out = mem_new(sizeof *import);
	enum result result;

	if (!import)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	config_problems_start(&import->problems);
	if (!folder_path(folder, k->root, "/etc/parley/conf.d") ||
	    !folder_path(state, k->root, "/var/lib/parley/mirror"))
		return fail(reason, RESULT_LIMIT, "the root's name is too long");
	result = config_folder_read(folder, geteuid(), &import->folder, &import->problems, reason);
	if (result == RESULT_OK)
		result = config_import(&import->folder, state, k->now.snapshot, k->now.version.number,
		                       &import->found, &import->problems, reason);
	if (result != RESULT_OK && import->problems.count)
		config_problems_reason(&import->problems, reason);
	return result;
}

void import_free(struct import **pointer)
{
	struct import *import = *pointer;

	if (!import)
		return;
	config_folder_stop(&import->folder);
	model_snapshot_free(&import->found.snapshot);
	config_problems_stop(&import->problems);
	mem_free(import);
	*pointer = NULL;
}

bool import_is_waiting(struct keeper *k)
{
	struct import *import = NULL;
	struct reason reason;
	enum result result = import_read(k, &import, &reason);
	bool is_waiting = result == RESULT_OK ? import->found.snapshot != NULL : result != RESULT_NOT_FOUND;

	import_free(&import);
	return is_waiting;
}

/* ---- saying what is wrong ---- */

static void tell_problem(struct keeper *k, const struct config_problem *problem)
{
	struct buffer words;
	struct emission e;

	buffer_start(&words, 4096);
	if (problem->line)
		buffer_printf(&words, "line %u: ", problem->line);
	buffer_printf(&words, "%s%s%s%s%s%s%s", problem->object, problem->object[0] ? ": " : "",
	              problem->field, problem->field[0] ? ": " : "", problem->why,
	              problem->allowed[0] ? "; allowed: " : "", problem->allowed);
	event_open(&e, k, CONTROL_EVENT_CONFIG_REFUSED);
	json_put_text(&e.w, "file", problem->file);
	json_put_number(&e.w, "line", problem->line);
	json_put_text(&e.w, "field", problem->field);
	json_put_slice(&e.w, "why", buffer_slice(&words));
	event_send(&e);
	buffer_stop(&words);
}

static void tell_refused(struct keeper *k, const struct import *import, const struct reason *reason)
{
	size_t count = import ? import->problems.count : 0;

	snprintf(k->import_trouble, sizeof k->import_trouble, "%s", reason->text);
	k->import_trouble_ms = keeper_now(k).wall_ms;
	for (size_t i = 0; i < count && i < IMPORT_EVENTS_MAX; i++)
		tell_problem(k, &import->problems.items[i]);
	if (count == 0) {
		struct emission e;

		event_open(&e, k, CONTROL_EVENT_CONFIG_REFUSED);
		json_put_text(&e.w, "file", "conf.d");
		json_put_text(&e.w, "why", reason->text);
		event_send(&e);
	}
}

/* ---- publishing ---- */

static void add_owner(struct buffer *out, uid_t uid)
{
	char room[IMPORT_NAME_ROOM], name[64];
	struct passwd entry, *found = NULL;

	if (getpwuid_r(uid, &entry, room, sizeof room, &found) == 0 && found)
		text_shown(slice_of(found->pw_name), name, sizeof name);
	else
		snprintf(name, sizeof name, "%u", (unsigned)uid);
	buffer_printf(out, "%s%s", buffer_length(out) ? ", " : "", name);
}

/* Author: whoever the files belong to, each once.  Comment: which files. */
static void describe(const struct config_import *found, struct buffer *owners, struct buffer *files)
{
	buffer_add(files, SLICE("conf.d: "));
	for (size_t i = 0; i < found->edited_count; i++) {
		bool is_new = true;

		for (size_t j = 0; j < i; j++)
			is_new &= found->edited[j].owner != found->edited[i].owner;
		if (is_new)
			add_owner(owners, found->edited[i].owner);
		if (i)
			buffer_add(files, SLICE(", "));
		buffer_add(files, found->edited[i].name);
	}
	buffer_add_char(owners, '\0');
	buffer_add_char(files, '\0');
}

/* An edited file is a deed like any other: on record before it is done, and again with what came of it. */
static enum result publish_on_record(struct keeper *k, struct model_snapshot *snapshot,
                                     const struct publish_order *order, struct slice changes,
                                     struct reason *reason)
{
	char outcome[REASON_BYTES + 16] = "published";
	struct audit_entry entry = { .who = order->author,
		                     .verb = "config.import",
		                     .object = slice_of(order->comment),
		                     .outcome = "asked",
		                     .changes = changes };
	enum result result;

	entry.asked = audited_own(k, &entry);
	if (!entry.asked) {
		model_snapshot_free(&snapshot);
		return fail(reason, RESULT_IO, "the audit cannot be written, so nothing is taken in");
	}
	result = publish_snapshot(k, snapshot, order, reason);
	if (result != RESULT_OK)
		snprintf(outcome, sizeof outcome, "refused: %s", reason->text);
	entry.outcome = outcome;
	audited_own(k, &entry);
	return result;
}

static enum result publish_edits(struct keeper *k, struct import *import, struct reason *reason)
{
	struct publish_order order = { .takes_edits = true };
	struct model_snapshot *snapshot = import->found.snapshot;
	struct buffer owners, files, changes;
	enum result result;

	if (!snapshot)
		return RESULT_NOT_FOUND;
	buffer_start(&owners, STORE_AUTHOR_BYTES * 4);
	buffer_start(&files, 64 * 1024);
	buffer_start(&changes, CONTROL_LINE_MAX / 2);
	describe(&import->found, &owners, &files);
	order.author = owners.is_broken ? "several users" : buffer_slice(&owners).ptr;
	order.comment = files.is_broken ? "conf.d" : buffer_slice(&files).ptr;
	order.changes = changes_write(k->now.snapshot, snapshot, &changes);
	import->found.snapshot = NULL;
	result = publish_on_record(k, snapshot, &order, buffer_slice(&changes), reason);
	buffer_stop(&changes);
	buffer_stop(&files);
	buffer_stop(&owners);
	return result;
}

void import_edited(struct keeper *k)
{
	struct import *import = NULL;
	struct reason reason = { "" };
	enum result result = import_read(k, &import, &reason);

	if (result == RESULT_OK) {
		k->import_trouble[0] = '\0';
		publish_tell_retired(k, &import->problems);
		result = publish_edits(k, import, &reason);
		if (result == RESULT_NOT_FOUND && k->now.version.number) /* a file that is gone comes back */
			publish_mirror(k, NULL);
	}
	if (result != RESULT_OK && result != RESULT_NOT_FOUND)
		tell_refused(k, import, &reason);
	import_free(&import);
}
