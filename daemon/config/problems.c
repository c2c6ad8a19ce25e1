/* The list of what is wrong with a set of documents: everything at once, each with its place. */
#include <stdio.h>

#include "daemon/config/parts.h"
#include "shared/base/text.h"

enum { PROBLEMS_BYTES_MAX = 1024 * 1024, SHOWN_BYTES = 300 };

void config_problems_start(struct config_problems *problems)
{
	problems->count = problems->unkept = problems->warning_count = 0;
	arena_start(&problems->arena, PROBLEMS_BYTES_MAX);
}

void config_problems_stop(struct config_problems *problems)
{
	arena_stop(&problems->arena);
	problems->count = problems->unkept = problems->warning_count = 0;
}

/* Without memory the problem is still counted and has a place, which is what decides. */
static const char *kept(struct arena *arena, const char *text)
{
	const char *copy = text[0] ? arena_text(arena, slice_of(text)) : "";

	return copy ? copy : "(out of memory)";
}

static const char *object_words(char to[SHOWN_BYTES], const struct config_place *place)
{
	int used;

	to[0] = '\0';
	if (!place->kind)
		return to;
	used = snprintf(to, SHOWN_BYTES, "%s", place->kind->name);
	if (place->key.len && used + 2 < SHOWN_BYTES) {
		to[used++] = ' ';
		text_shown(place->key, to + used, SHOWN_BYTES - (size_t)used);
	}
	return to;
}

static struct config_problem problem_made(struct config_problems *problems, const struct config_place *place,
                                          const struct reason *why)
{
	char file[SHOWN_BYTES], object[SHOWN_BYTES];

	text_shown(place->file, file, sizeof file);
	return (struct config_problem){
		.file = kept(&problems->arena, file),
		.line = place->line,
		.object = kept(&problems->arena, object_words(object, place)),
		.field = kept(&problems->arena, place->field ? place->field : ""),
		.why = kept(&problems->arena, why->text),
		.allowed = kept(&problems->arena, place->allowed ? place->allowed : ""),
	};
}

void config_problem_add(struct config_problems *problems, const struct config_place *place,
                        const char *format, ...)
{
	struct reason why;
	va_list args;

	if (problems->count == CONFIG_PROBLEMS_MAX) {
		problems->unkept++;
		return;
	}
	va_start(args, format);
	vsnprintf(why.text, sizeof why.text, format, args);
	va_end(args);
	problems->items[problems->count] = problem_made(problems, place, &why);
	problems->count++;
}

static void add_warning(struct config_problems *problems, const struct config_place *place,
                        const struct reason *why, bool is_retired)
{
	if (problems->warning_count == CONFIG_PROBLEMS_MAX)
		return;
	problems->warnings[problems->warning_count] = problem_made(problems, place, why);
	problems->warnings[problems->warning_count].is_retired = is_retired;
	problems->warning_count++;
}

void config_warning_add(struct config_problems *problems, const struct config_place *place,
                        const struct reason *why)
{
	add_warning(problems, place, why, false);
}

void config_retired_add(struct config_problems *problems, const struct config_place *place,
                        const struct reason *why)
{
	add_warning(problems, place, why, true);
}

void config_problem_write(const struct config_problem *problem, struct buffer *out)
{
	buffer_add(out, slice_of(problem->file));
	if (problem->line)
		buffer_printf(out, ":%u", (unsigned)problem->line);
	if (problem->object[0])
		buffer_printf(out, ": %s", problem->object);
	if (problem->field[0])
		buffer_printf(out, ": %s", problem->field);
	buffer_printf(out, ": %s", problem->why);
	if (problem->allowed[0])
		buffer_printf(out, "; allowed: %s", problem->allowed);
}

void config_problems_reason(const struct config_problems *problems, struct reason *reason)
{
	size_t others = problems->count + problems->unkept - (problems->count > 0);
	struct buffer words;

	if (problems->count == 0) {
		fail(reason, RESULT_INVALID, "nothing is wrong");
		return;
	}
	buffer_start(&words, PROBLEMS_BYTES_MAX);
	config_problem_write(&problems->items[0], &words);
	if (words.is_broken)
		fail(reason, RESULT_INVALID, "%s: %s", problems->items[0].file, problems->items[0].why);
	else if (others)
		fail(reason, RESULT_INVALID, "%.*s (and %zu more)",
		     (int)(buffer_length(&words) > SHOWN_BYTES ? SHOWN_BYTES : buffer_length(&words)),
		     buffer_slice(&words).ptr, others);
	else
		fail(reason, RESULT_INVALID, "%.*s", SLICE_ARG(buffer_slice(&words)));
	buffer_stop(&words);
}
