/*
 * config check, config import, and how a client's documents get here: in pieces, bounded, checked as a whole.
 */
#include <stdio.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

/* ---- upload ---- */

static struct upload *find_upload(struct session *session, struct slice name)
{
	for (size_t i = 0; i < session->upload_count; i++)
		if (slice_equal(slice_of(session->uploads[i].name), name))
			return &session->uploads[i];
	return NULL;
}

const struct upload *upload_whole(const struct session *session, struct slice name)
{
	for (size_t i = 0; i < session->upload_count; i++)
		if (slice_equal(slice_of(session->uploads[i].name), name) && session->uploads[i].is_whole)
			return &session->uploads[i];
	return NULL;
}

static struct upload *new_upload(struct session *session, struct slice name)
{
	struct upload *upload;

	if (!session->uploads)
		session->uploads = mem_new_array(CONTROL_UPLOADS_MAX, sizeof *session->uploads);
	if (!session->uploads || session->upload_count == CONTROL_UPLOADS_MAX)
		return NULL;
	upload = &session->uploads[session->upload_count++];
	slice_to_text(name, upload->name, sizeof upload->name);
	buffer_start(&upload->text, CONTROL_UPLOAD_BYTES_MAX);
	return upload;
}

void uploads_forget(struct session *session)
{
	for (size_t i = 0; i < session->upload_count; i++)
		buffer_stop(&session->uploads[i].text);
	mem_free(session->uploads);
	session->uploads = NULL;
	session->upload_count = session->upload_bytes = 0;
}

void verb_run_CONFIG_UPLOAD(struct call *call)
{
	struct session *session = call->session;
	struct slice name = call_text(call, "name"), text = call_text(call, "text");
	struct upload *upload;
	struct json_writer *w;

	if (!config_name_is_good(name) && !slice_equal(name, SLICE(KEEPER_USERS_FILE))) {
		call_fail_problem(call, CONTROL_INVALID, "name", "no document can be called so",
		                  "letters, digits, '.', '_' and '-', ending in .xml; or " KEEPER_USERS_FILE);
		return;
	}
	upload = find_upload(session, name);
	if (upload && upload->is_whole) { /* sent again: the new one counts */
		session->upload_bytes -= buffer_length(&upload->text);
		buffer_clear(&upload->text);
		upload->is_whole = false;
	}
	if (!upload && !(upload = new_upload(session, name))) {
		call_fail(call, CONTROL_TOO_LARGE, "at most %d documents can be sent", CONTROL_UPLOADS_MAX);
		return;
	}
	if (text.len > CONTROL_UPLOAD_BYTES_MAX - session->upload_bytes || !buffer_add(&upload->text, text)) {
		uploads_forget(session);
		call_fail(call, CONTROL_TOO_LARGE,
		          "at most %d bytes can be sent; all that was sent is forgotten",
		          CONTROL_UPLOAD_BYTES_MAX);
		return;
	}
	session->upload_bytes += text.len;
	upload->is_whole = json_as_bool(json_get(call->params, "last"), false);
	w = call_open(call);
	json_put_number(w, "bytes", (int64_t)buffer_length(&upload->text));
	call_close(call);
}

/* ---- problems ---- */

static void put_problem(struct json_writer *w, const struct config_problem *p)
{
	char path[KEEPER_NAME_BYTES + 80];

	snprintf(path, sizeof path, "%.100s:%u%s%.60s", p->file, p->line, p->field[0] ? " " : "", p->field);
	json_open_object(w, NULL);
	json_put_text(w, "path", path);
	json_put_text(w, "file", p->file);
	json_put_number(w, "line", p->line);
	json_put_text(w, "object", p->object);
	json_put_text(w, "field", p->field);
	json_put_text(w, "why", p->why);
	json_put_text(w, "allowed", p->allowed);
	json_close_object(w);
}

static void put_problems(struct json_writer *w, const char *key, const struct config_problem *items,
                         size_t count)
{
	json_open_array(w, key);
	for (size_t i = 0; i < count && buffer_room(w->out) > CONTROL_LINE_MAX / 8; i++)
		put_problem(w, &items[i]);
	json_close_array(w);
}

void call_fail_config(struct call *call, enum result result, const struct config_problems *problems,
                      const struct reason *reason)
{
	struct buffer text;
	struct json_writer w = json_write(&text);

	buffer_start(&text, CONTROL_LINE_MAX / 2);
	put_problems(&w, NULL, problems->items, problems->count);
	call_fail_problems(call, control_code_of(result), reason->text, buffer_slice(&text));
	buffer_stop(&text);
}

/* ---- what is to be checked or imported ---- */

struct candidate {
	struct config_document *documents; /* of the uploads */
	size_t count;
	struct import *own;               /* or conf.d */
	struct model_snapshot *snapshot;  /* ours, or the import's; NULL: nothing was edited */
	struct config_problems *problems; /* ours, or the import's */
};

static void candidate_stop(struct candidate *c)
{
	if (c->own) {
		import_free(&c->own);
	} else {
		model_snapshot_free(&c->snapshot);
		if (c->problems)
			config_problems_stop(c->problems);
		mem_free(c->problems);
	}
	mem_free(c->documents);
	*c = (struct candidate){ .count = 0 };
}

/* A document that says it was edited from another version may hold back what was changed since. */
static enum result check_bases(struct call *call, const struct candidate *c, struct reason *reason)
{
	uint64_t present = call->keeper->now.version.number;

	for (size_t i = 0; i < c->count; i++)
		if (c->documents[i].version && c->documents[i].version != present &&
		    !json_get(call->params, "if_version"))
			return fail(reason, RESULT_CONFLICT,
			            "%.*s was edited from version %llu; %llu is current: take it up there, "
			            "or give if_version",
			            SLICE_ARG(c->documents[i].name),
			            (unsigned long long)c->documents[i].version, (unsigned long long)present);
	return RESULT_OK;
}

static enum result read_uploads(struct call *call, struct candidate *c, struct reason *reason)
{
	struct session *session = call->session;
	enum result result;

	c->problems = mem_new(sizeof *c->problems);
	c->documents = mem_new_array(CONTROL_UPLOADS_MAX, sizeof *c->documents);
	if (!c->problems || !c->documents)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	config_problems_start(c->problems);
	for (size_t i = 0; i < session->upload_count; i++) {
		if (!session->uploads[i].is_whole)
			return fail(reason, RESULT_INVALID, "%s was not sent to its end",
			            session->uploads[i].name);
		c->documents[c->count++] = (struct config_document){
			.name = slice_of(session->uploads[i].name),
			.bytes = buffer_slice(&session->uploads[i].text)
		};
	}
	if (c->count == 0)
		return fail(reason, RESULT_INVALID, "no document was sent");
	const struct draft *draft = call->change.stages ? draft_find(call->keeper, &call->who) : NULL;

	result = config_read(c->documents, c->count, draft ? draft->snapshot : call->keeper->now.snapshot,
	                     &c->snapshot, c->problems);
	if (result != RESULT_OK)
		config_problems_reason(c->problems, reason);
	return result == RESULT_OK ? check_bases(call, c, reason) : result;
}

static enum result candidate_read(struct call *call, struct candidate *c, struct reason *reason)
{
	enum result result;

	*c = (struct candidate){ .count = 0 };
	if (json_as_bool(json_get(call->params, "uploaded"), false))
		return read_uploads(call, c, reason);
	result = import_read(call->keeper, &c->own, reason);
	if (c->own) {
		c->problems = &c->own->problems;
		c->snapshot = c->own->found.snapshot;
		c->count = c->own->folder.count;
	}
	return result;
}

static bool refuse_directory(struct call *call)
{
	if (!json_get(call->params, "directory"))
		return false;
	call_fail(call, CONTROL_USAGE,
	          "the daemon reads no folder but its own conf.d; send documents with config.upload, then "
	          "say uploaded:true");
	return true;
}

void verb_run_CONFIG_CHECK(struct call *call)
{
	struct candidate c;
	struct reason reason = { "" };
	struct buffer ignored;
	struct json_writer *w;
	enum result result;

	if (refuse_directory(call))
		return;
	result = candidate_read(call, &c, &reason);
	if (result != RESULT_OK && (!c.problems || c.problems->count == 0)) {
		call_fail(call, control_code_of(result), "%s", reason.text);
	} else {
		buffer_start(&ignored, 4096);
		w = call_open(call);
		json_put_number(w, "documents", (int64_t)c.count);
		put_problems(w, "problems", c.problems->items, c.problems->count);
		put_problems(w, "warnings", c.problems->warnings, c.problems->warning_count);
		json_put_number(w, "changes",
		                result == RESULT_OK && c.snapshot
		                        ? changes_write(call->keeper->now.snapshot, c.snapshot, &ignored)
		                        : 0);
		json_put_number(w, "version", (int64_t)call->keeper->now.version.number);
		call_close(call);
		buffer_stop(&ignored);
	}
	candidate_stop(&c);
}

static bool is_expected_version(struct call *call)
{
	int64_t present = (int64_t)call->keeper->now.version.number;
	int64_t expected = json_as_number(json_get(call->params, "if_version"), present);

	if (expected == present)
		return true;
	call_fail(call, CONTROL_CONFLICT, "version %lld is current, not %lld: somebody else has changed it",
	          (long long)present, (long long)expected);
	return false;
}

/* What conf.d holds is taken or left where it is; it cannot lie in a draft as well. */
static bool may_be_staged(struct call *call)
{
	if (!call->change.stages || json_as_bool(json_get(call->params, "uploaded"), false))
		return true;
	call_fail(call, CONTROL_USAGE,
	          "what was edited in conf.d is imported or left there, not staged; name a directory");
	return false;
}

void verb_run_CONFIG_IMPORT(struct call *call)
{
	struct session *session = call->session;
	struct model_snapshot *snapshot;
	struct candidate c;
	struct reason reason = { "" };
	bool is_own;
	enum result result;

	if (refuse_directory(call) || !is_expected_version(call) || !change_read(call) ||
	    !may_be_staged(call))
		return;
	result = candidate_read(call, &c, &reason);
	is_own = c.own != NULL;
	call->key = SLICE("conf.d");
	if (!call->change.comment[0])
		snprintf(call->change.comment, sizeof call->change.comment,
		         c.count == 1 ? "import of %zu document" : "import of %zu documents", c.count);
	snapshot = c.own ? c.own->found.snapshot : c.snapshot;
	if (result == RESULT_OK && c.own)
		c.own->found.snapshot = NULL;
	else if (result == RESULT_OK)
		c.snapshot = NULL;
	if (result == RESULT_OK && !is_own)
		uploads_forget(session);
	if (result != RESULT_OK && c.problems && c.problems->count)
		call_fail_config(call, result, c.problems, &reason);
	else if (result != RESULT_OK)
		call_fail(call, control_code_of(result), "%s", reason.text);
	else
		publish_tell_retired(call->keeper, c.problems);
	candidate_stop(&c);
	if (result != RESULT_OK)
		return;
	call->change.takes_edits = is_own;
	if (snapshot)
		change_end(call, snapshot);
	else
		verb_unchanged(call);
}
