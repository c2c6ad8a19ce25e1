/*
 * A version that goes back by itself unless somebody confirms it in time.
 *
 * What waits is written down before the version is, and found again after any end of the keeper: who switched off what
 * carries him need not be there to undo it.  Taking back leaves alone what others have changed since.
 */
#include "daemon/keeper/parts.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/store/files.h"

#define PENDING_FILE "pending"

enum { PENDING_BYTES_MAX = 4096 };

static void due(void *owner);

/* ---- on disk: one JSON object in var/lib/parley/pending ---- */

static int open_folder(struct keeper *k, struct reason *reason)
{
	char path[KEEPER_PATH_BYTES];
	int fd = folder_path(path, k->root, "/var/lib/parley")
	                 ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
	                 : -1;

	if (fd < 0)
		fail_errno(reason, RESULT_IO, "cannot open var/lib/parley");
	return fd;
}

enum result pending_prepare(struct keeper *k, const struct pending *pending, struct reason *reason)
{
	struct buffer text;
	struct json_writer w = json_write(&text);
	int folder = open_folder(k, reason);
	enum result result;

	if (folder < 0)
		return RESULT_IO;
	buffer_start(&text, PENDING_BYTES_MAX);
	json_open_object(&w, NULL);
	json_put_number(&w, "version", (int64_t)pending->version);
	json_put_number(&w, "time", pending->time_ms);
	json_put_number(&w, "until", pending->until_ms);
	json_put_number(&w, "seconds", pending->seconds);
	json_put_text(&w, "who", pending->who);
	json_close_object(&w);
	buffer_add_char(&text, '\n');
	result = store_file_replace(&store_files_real, folder, PENDING_FILE, buffer_slice(&text), reason);
	buffer_stop(&text);
	close(folder);
	if (result == RESULT_OK) { /* in force once pending_begin says so */
		struct pending prepared = *pending;

		prepared.timer = k->pending.timer;
		prepared.version = 0;
		k->pending = prepared;
	}
	return result;
}

enum result pending_end(struct keeper *k, struct reason *reason)
{
	int folder = open_folder(k, reason);
	enum result result = RESULT_OK;

	if (folder < 0)
		return RESULT_IO;
	if (unlinkat(folder, PENDING_FILE, 0) != 0 && faccessat(folder, PENDING_FILE, F_OK, 0) == 0)
		result = fail_errno(reason, RESULT_IO, "cannot remove var/lib/parley/" PENDING_FILE);
	if (result == RESULT_OK && fsync(folder) != 0)
		result = fail_errno(reason, RESULT_IO, "cannot sync var/lib/parley");
	close(folder);
	if (result == RESULT_OK) {
		loop_timer_stop(&k->pending.timer);
		k->pending.version = 0;
	}
	return result;
}

/* ---- in force ---- */

static void arm(struct keeper *k, int64_t left_ms)
{
	loop_timer_set(k->loop, &k->pending.timer, left_ms > 0 ? left_ms : 1, due, k);
}

void pending_begin(struct keeper *k)
{
	struct emission e;

	k->pending.version = k->now.version.number;
	arm(k, k->pending.seconds * 1000);
	event_open(&e, k, CONTROL_EVENT_CONFIG_UNCONFIRMED);
	json_put_number(&e.w, "version", (int64_t)k->pending.version);
	json_put_number(&e.w, "seconds", k->pending.seconds);
	json_put_text(&e.w, "who", k->pending.who);
	event_send(&e);
}

/* ---- taking back ---- */

/* What is published without what that version changed, as far as nobody has changed it since: `*out`, the caller's. */
static enum result without_it(struct keeper *k, uint64_t number, struct model_snapshot **out,
                              size_t *conflicts, struct reason *reason)
{
	struct model_snapshot *with = NULL, *without = NULL;
	struct store_version version;
	enum result result = number > 1
	                             ? RESULT_OK
	                             : fail(reason, RESULT_INVALID, "there was nothing before version %llu",
	                                    (unsigned long long)number);

	*out = NULL;
	*conflicts = 0;
	if (result == RESULT_OK)
		result = version_read(k, number, &with, &version, reason);
	if (result == RESULT_OK)
		result = version_read(k, number - 1, &without, &version, reason);
	if (result == RESULT_OK && model_snapshot_merge(with, without, k->now.snapshot, MODEL_PREFER_THEIRS,
	                                                NULL, NULL, conflicts, out) != RESULT_OK)
		result = fail(reason, RESULT_NO_MEMORY, "out of memory");
	model_snapshot_free(&with);
	model_snapshot_free(&without);
	return result;
}

/* What is being taken back, while it is. */
struct taking {
	uint64_t version; /* the one that was not confirmed */
	uint64_t asked;   /* the audit's line; 0: none */
	struct buffer changes;
	size_t conflicts;
	bool is_changed;
};

static void write_audit(struct keeper *k, struct taking *t, const char *outcome)
{
	char object[64];
	struct audit_entry entry = {
		.verb = "revert", .outcome = outcome, .asked = t->asked, .changes = buffer_slice(&t->changes)
	};

	snprintf(object, sizeof object, "version %llu", (unsigned long long)t->version);
	entry.object = slice_of(object);
	t->asked = audited_own(k, &entry);
}

static void tell_reverted(struct keeper *k, uint64_t taken_back, const char *why)
{
	struct emission e;

	event_open(&e, k, why ? CONTROL_EVENT_CONFIG_NOT_REVERTED : CONTROL_EVENT_CONFIG_REVERTED);
	json_put_number(&e.w, "version", (int64_t)k->now.version.number);
	json_put_number(&e.w, "reverted", (int64_t)taken_back);
	json_put_number(&e.w, "seconds", k->pending.seconds);
	json_put_text(&e.w, "who", k->pending.who);
	if (why)
		json_put_text(&e.w, "why", why);
	event_send(&e);
}

static enum result publish(struct keeper *k, struct taking *t, struct model_snapshot *snapshot,
                           struct reason *reason)
{
	char comment[160];
	struct publish_order order = { .author = "parleyd",
		                       .comment = comment,
		                       .changes = changes_write(k->now.snapshot, snapshot, &t->changes) };

	snprintf(comment, sizeof comment, "version %llu was not confirmed within %lld s, and is taken back",
	         (unsigned long long)t->version, (long long)k->pending.seconds);
	t->is_changed = order.changes > 0;
	if (t->is_changed) {
		write_audit(k, t, "asked");
		if (!t->asked) {
			model_snapshot_free(&snapshot);
			return fail(reason, RESULT_IO,
			            "the audit cannot be written, so nothing is taken back yet");
		}
		return publish_snapshot(k, snapshot, &order, reason);
	}
	model_snapshot_free(&snapshot); /* somebody has put it right already */
	return RESULT_OK;
}

static enum result take_back(struct keeper *k, struct taking *t)
{
	struct model_snapshot *snapshot = NULL;
	struct reason reason = { "" };
	char outcome[REASON_BYTES + 32];
	enum result result = without_it(k, t->version, &snapshot, &t->conflicts, &reason);

	if (result == RESULT_OK)
		result = publish(k, t, snapshot, &reason);
	if (result == RESULT_OK) {
		write_audit(k, t,
		            !t->is_changed ? "nothing was left to take back"
		            : t->conflicts ? "published, but for what was changed since"
		                           : "published");
		tell_reverted(k, t->version, NULL);
	} else {
		snprintf(outcome, sizeof outcome, "refused: %s", reason.text);
		write_audit(k, t, outcome);
		tell_reverted(k, t->version, reason.text);
	}
	return result;
}

/* What cannot be written now is tried again; what breaks a rule never will be: somebody has to look. */
static void due(void *owner)
{
	struct keeper *k = owner;
	struct taking t = { .version = k->pending.version };
	enum result result;

	buffer_start(&t.changes, CONTROL_LINE_MAX / 2);
	result = take_back(k, &t);
	buffer_stop(&t.changes);
	if ((result == RESULT_OK || result == RESULT_INVALID) && pending_end(k, NULL) == RESULT_OK)
		return;
	arm(k, KEEPER_REVERT_AGAIN_MS);
}

/* ---- at birth ---- */

static bool read_file(struct keeper *k, struct pending *out)
{
	struct buffer text;
	struct json *whole = NULL;
	int folder = open_folder(k, NULL);
	bool is_read = false;

	if (folder < 0)
		return false;
	buffer_start(&text, PENDING_BYTES_MAX);
	if (store_file_read(folder, PENDING_FILE, &text, NULL) == RESULT_OK &&
	    json_read(buffer_slice(&text), &whole, NULL) == RESULT_OK) {
		out->version = (uint64_t)json_as_number(json_get(whole, "version"), 0);
		out->time_ms = json_as_number(json_get(whole, "time"), 0);
		out->until_ms = json_as_number(json_get(whole, "until"), 0);
		out->seconds = json_as_number(json_get(whole, "seconds"), 0);
		slice_to_text(json_as_slice(json_get(whole, "who")), out->who, sizeof out->who);
		is_read = out->version > 0 && out->seconds > 0 && out->seconds <= KEEPER_CONFIRM_MAX_S;
	}
	json_free(&whole);
	buffer_stop(&text);
	close(folder);
	return is_read;
}

/* Is it that very version, or did the keeper end before it was published? */
static bool was_published(struct keeper *k, const struct pending *pending)
{
	struct model_snapshot *snapshot = NULL;
	struct store_version version;
	bool is_it = pending->version <= k->now.version.number &&
	             version_read(k, pending->version, &snapshot, &version, NULL) == RESULT_OK &&
	             version.time_ms == pending->time_ms;

	model_snapshot_free(&snapshot);
	return is_it;
}

void pending_open(struct keeper *k)
{
	struct pending found = { .version = 0 };
	int64_t left;

	if (!read_file(k, &found))
		return;
	if (!was_published(k, &found)) {
		pending_end(k, NULL);
		return;
	}
	/* A clock that was set back must not make it wait for ever. */
	left = found.until_ms - keeper_now(k).wall_ms;
	if (left > found.seconds * 1000)
		left = found.seconds * 1000;
	k->pending = found;
	if (left > 0)
		arm(k, left);
	else
		due(k);
}
