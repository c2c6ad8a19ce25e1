/*
 * render: a verb's result as text.
 *
 * Most results have one of a few shapes (rows, fields, changes) and need a list
 * of columns at most; a verb that no row here names is printed member by member.
 */
#ifndef TUI_CLI_RENDER_H
#define TUI_CLI_RENDER_H

#include "shared/control/control.h"
#include "tui/cli/print.h"

void render_result(struct buffer *out, const struct print_style *style, enum control_verb_id verb,
                   const struct json *result);
/* One event on one line: time, severity, sentence. */
void render_event(struct buffer *out, const struct print_style *style, const struct json *event);
/* Whose columns (columns.def) the verb's rows have; CONTROL_VERB_COUNT: it is no list. */
enum control_verb_id render_list(enum control_verb_id verb);

/* Rows of that list as they are shown without a wish. */
void render_rows_of(struct buffer *out, const struct print_style *style, enum control_verb_id list,
                    const struct json *rows);
/* The rows of its result; NULL when it is no list. */
const struct json *render_rows(enum control_verb_id verb, const struct json *result);

/* Exit codes of the command line: stable. */
enum cli_exit {
	CLI_EXIT_DONE = 0,
	CLI_EXIT_NO = 1, /* done, and the answer is "no" */
	CLI_EXIT_USAGE = 2,
	CLI_EXIT_UNREACHABLE = 3,
	CLI_EXIT_DENIED = 4,
	CLI_EXIT_CONFLICT = 5,
	CLI_EXIT_INVALID = 6,
	CLI_EXIT_TIMED_OUT = 7,
	CLI_EXIT_PARTIAL = 8, /* published, but not applied everywhere yet */
	CLI_EXIT_INTERNAL = 70,
};
enum cli_exit render_exit(enum control_verb_id verb, const struct json *result);
enum cli_exit render_error_exit(enum control_code code);

/* ---- render_change.c ---- */
typedef void render_shape(struct buffer *out, const struct print_style *style, const struct json *result);
render_shape render_changes;  /* of a verb that changes: done, staged or tried */
render_shape render_warnings; /* what was done, or would be, and is doubtful: an array */
render_shape render_stage_list, render_stage_diff;
render_shape render_version; /* one version, or two compared */

/* ---- render_shape.c ---- */
render_shape render_status, render_fields, render_with_live, render_domain, render_why, render_events,
        render_check, render_kinds, render_roles, render_service, render_verdict, render_user;

/* ---- render_topology.c ---- */
void render_topology(struct buffer *out, const struct print_style *style, const struct json *result);

#endif
