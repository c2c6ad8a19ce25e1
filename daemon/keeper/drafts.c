/*
 * Staged changes: one draft for each login user.  It outlives his connections, for so long as nobody touches it;
 * it does not outlive the keeper.
 */
#include <stdio.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

struct draft *draft_find(struct keeper *k, const struct who *who)
{
	LIST_EACH (at, &k->drafts) {
		struct draft *draft = LIST_OWNER(at, struct draft, node);

		if (draft->uid == who->uid && strcmp(draft->login, who->login) == 0)
			return draft;
	}
	return NULL;
}

static void forget(struct draft *draft)
{
	list_remove(&draft->node);
	model_snapshot_free(&draft->snapshot);
	image_drop(&draft->image);
	mem_free(draft);
}

static struct draft *draft_new(struct keeper *k, const struct who *who, struct reason *reason)
{
	struct draft *draft;
	size_t count = 0;

	LIST_EACH (at, &k->drafts)
		count++;
	if (count >= KEEPER_DRAFTS_MAX) {
		fail(reason, RESULT_LIMIT, "%d users have staged changes already; publish or clear some",
		     KEEPER_DRAFTS_MAX);
		return NULL;
	}
	draft = mem_new(sizeof *draft);
	if (!draft) {
		fail(reason, RESULT_NO_MEMORY, "out of memory");
		return NULL;
	}
	draft->uid = who->uid;
	draft->image.fd = -1;
	snprintf(draft->login, sizeof draft->login, "%s", who->login);
	snprintf(draft->who, sizeof draft->who, "%s", who->text);
	draft->since_ms = keeper_now(k).wall_ms;
	list_add_last(&k->drafts, &draft->node);
	return draft;
}

enum result draft_put(struct keeper *k, const struct who *who, uint64_t base, struct model_snapshot *snapshot,
                      struct reason *reason)
{
	struct draft *draft = draft_find(k, who);

	if (!draft && !(draft = draft_new(k, who, reason))) {
		model_snapshot_free(&snapshot);
		return RESULT_LIMIT;
	}
	model_snapshot_free(&draft->snapshot);
	image_drop(&draft->image);
	draft->snapshot = snapshot;
	draft->base = base;
	draft->edit = ++k->draft_edits;
	draft->touched_ms = keeper_now(k).mono_ms;
	draft->differences = changes_write(k->now.snapshot, snapshot, &(struct buffer){ .max = 0 });
	return RESULT_OK;
}

void draft_drop(struct keeper *k, const struct who *who)
{
	struct draft *draft = draft_find(k, who);

	if (draft)
		forget(draft);
}

void drafts_second(struct keeper *k)
{
	int64_t oldest = keeper_now(k).mono_ms - KEEPER_DRAFT_KEPT_MS;

	LIST_EACH_SAFE (at, &k->drafts) {
		struct draft *draft = LIST_OWNER(at, struct draft, node);

		if (draft->touched_ms < oldest)
			forget(draft);
	}
}

void drafts_free(struct keeper *k)
{
	LIST_EACH_SAFE (at, &k->drafts)
		forget(LIST_OWNER(at, struct draft, node));
}

void change_path(const struct model_kind *kind, struct slice key, size_t field, struct buffer *out)
{
	buffer_printf(out, "%s", kind->name);
	if (kind->cardinality == MODEL_MANY) {
		buffer_add_char(out, '/');
		buffer_add(out, key);
	}
	if (field < kind->field_count)
		buffer_printf(out, "/%s", kind->fields[field].name);
}
