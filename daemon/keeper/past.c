/*
 * What a verb that shows the configuration looks at: what is published, an old version, or the caller's draft.
 */
#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

void past_free(struct keeper *k)
{
	if (!k->past.version)
		return;
	model_snapshot_free(&k->past.snapshot);
	image_drop(&k->past.image);
	k->past.version = 0;
}

void past_second(struct keeper *k)
{
	if (k->past.version && keeper_now(k).mono_ms - k->past.used_ms > KEEPER_PAST_KEPT_MS)
		past_free(k);
}

/* A page of a list, and then the next: the version looked at last is kept for a while. */
static enum result fetch(struct keeper *k, uint64_t number, struct reason *reason)
{
	struct model_snapshot *snapshot = NULL;
	struct made_image image;
	struct store_version version;
	enum result result = RESULT_OK;

	if (k->past.version != number) {
		result = version_read(k, number, &snapshot, &version, reason);
		if (result == RESULT_OK)
			result = image_make(snapshot, number, &image, reason);
		if (result != RESULT_OK) {
			model_snapshot_free(&snapshot);
			return result;
		}
		past_free(k);
		k->past = (struct past){ .version = number, .snapshot = snapshot, .image = image };
	}
	k->past.used_ms = keeper_now(k).mono_ms;
	return RESULT_OK;
}

/* False: it is no number of a version. */
static bool read_number(const struct json *given, uint64_t *number)
{
	if (json_kind(given) == JSON_KIND_NUMBER && json_as_number(given, 0) > 0) {
		*number = (uint64_t)json_as_number(given, 0);
		return true;
	}
	return json_kind(given) == JSON_KIND_TEXT &&
	       slice_to_number(json_as_slice(given), INT64_MAX, number) && *number > 0;
}

static bool view_draft(struct call *call, struct view *out)
{
	struct keeper *k = call->keeper;
	struct draft *draft = draft_find(k, &call->who);
	struct reason reason = { "" };

	if (!draft) {
		call_fail(call, CONTROL_NOT_FOUND, "you have staged nothing");
		return false;
	}
	if (!draft->image.mapped) {
		enum result result = image_make(draft->snapshot, k->now.version.number + 1, &draft->image,
		                                &reason);

		if (result != RESULT_OK) {
			call_fail(call, control_code_of(result), "%s", reason.text);
			return false;
		}
	}
	*out = (struct view){ draft->snapshot, draft->image.mapped, draft->base, false };
	return true;
}

bool view_of(struct call *call, struct view *out)
{
	struct keeper *k = call->keeper;
	const struct json *given = json_get(call->params, "version");
	uint64_t number = k->now.version.number;
	struct reason reason = { "" };
	enum result result;

	if (json_as_bool(json_get(call->params, "staged"), false))
		return view_draft(call, out);
	if (given && !read_number(given, &number)) {
		call_fail(call, CONTROL_USAGE, "version is the number of a version");
		return false;
	}
	if (number == k->now.version.number) {
		*out = (struct view){ k->now.snapshot, k->now.image, number, true };
		return true;
	}
	result = fetch(k, number, &reason);
	if (result != RESULT_OK) {
		call_fail(call, control_code_of(result), "%s", reason.text);
		return false;
	}
	*out = (struct view){ k->past.snapshot, k->past.image.mapped, number, false };
	return true;
}
