/*
 * form: fields under each other, each with its value, its problem and what it would do.
 *
 * The form knows no kinds: the owner adds fields, and after every change says what is
 * wrong (`problem`), why a field has no effect (`idle`) and what a change does (`effect`).
 * Letters type into texts; in a switch or a choice they are the owner's, except the
 * space bar and the arrows, which change it.
 */
#ifndef TUI_WIDGETS_FORM_H
#define TUI_WIDGETS_FORM_H

#include "tui/widgets/editor.h"

enum {
	FORM_FIELDS_MAX = 64,
	FORM_LABEL_BYTES = 64,
	FORM_WORDS_BYTES = 400,
	FORM_PROBLEM_BYTES = 800, /* the daemon's longest reason, and what is allowed instead */
	FORM_MARGIN = 3,
};

enum form_type { FORM_SWITCH, FORM_CHOICE, FORM_TEXT };

struct form_field {
	enum form_type type;
	struct slice (*word)(struct slice choice); /* what a choice is called; NULL: as it is typed */
	char label[FORM_LABEL_BYTES];
	const char *unit;               /* "" or "s", "bytes"; the row's, static */
	const char *choices;            /* "a|b|c" of a choice; static */
	char allowed[FORM_WORDS_BYTES]; /* what may be typed; "" says nothing */
	const char *fixed;              /* why it cannot be changed; NULL: it can */
	struct editor value;            /* a switch holds "true" or "false" */
	char saved[EDITOR_BYTES];       /* as the daemon has it */
	bool is_list;                   /* words with blanks between: how many of them does not matter */
	bool is_reached; /* it had the focus once, or was to be saved: what is missing may be said */
	char problem[FORM_PROBLEM_BYTES]; /* "": none */
	char idle[FORM_WORDS_BYTES];      /* "": it counts */
	char effect[FORM_WORDS_BYTES];    /* of the change, if it was changed; "": none */
};

struct form {
	struct form_field fields[FORM_FIELDS_MAX];
	size_t count, at;
	int top;          /* line drawn first */
	int page;         /* lines drawn last time */
	bool is_locked;   /* every field is fixed for one reason: said at the one that has the focus */
	bool is_question; /* nothing is saved: no marks for what was changed */
};

enum form_answer { FORM_OTHER, FORM_MOVED, FORM_CHANGED };

void form_clear(struct form *form);
/* NULL when there is no room for another. */
struct form_field *form_add(struct form *form, enum form_type type, const char *label);
/* What the daemon has: value and saved.  False: too long to be edited here; it is fixed then by the owner. */
bool form_load(struct form_field *field, struct slice text);
void form_revert(struct form_field *field);
bool form_is_changed(const struct form_field *field);
size_t form_changes(const struct form *form);
size_t form_problems(const struct form *form);
bool form_is_typing(const struct form *form); /* would a letter be text? */
/* To the next field with a problem, round the end; false: there is none. */
bool form_next_problem(struct form *form);
/* A key of the field that has the focus; Enter, Escape and function keys are the owner's. */
enum form_answer form_key(struct form *form, uint32_t key);
/* Places the cursor in the field that has the focus when `has_focus`. */
void form_draw(struct form *form, struct grid *grid, int x, int y, int width, int height, bool has_focus);

#endif
