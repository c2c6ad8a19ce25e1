#include "tui/client/refusal.h"

#include <string.h>

#include "tui/client/words.h"

static bool has(struct slice text, struct slice part)
{
	return !part.len || (part.len <= text.len && memmem(text.ptr, text.len, part.ptr, part.len));
}

bool refusal_is_told(const struct control_answer *answer, size_t problem)
{
	const struct json *at = json_at(answer->problems, problem);

	/* A conflict has three values besides, which no message holds. */
	return !json_get(at, "mine") && has(answer->message, json_as_slice(json_get(at, "why"))) &&
	       has(answer->message, json_as_slice(json_get(at, "allowed")));
}

void refusal_write(const struct control_answer *answer, struct buffer *out)
{
	const struct json *problem = json_at(answer->problems, 0);
	struct slice why = json_as_slice(json_get(problem, "why")),
	             allowed = json_as_slice(json_get(problem, "allowed"));

	buffer_add(out, answer->message);
	if (!has(answer->message, why))
		buffer_printf(out, ": %.*s", SLICE_ARG(why));
	if (!has(answer->message, allowed))
		buffer_printf(out, _("; allowed: %.*s"), SLICE_ARG(allowed));
}
