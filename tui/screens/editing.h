/*
 * editing: one object of any kind in a form, drawn from the rows of the model.
 *
 * Which verb shows and which saves a kind is read from verbs.def: the verb whose
 * arguments name "@kind" saves it, the "show" of the same noun shows it.  A kind
 * with such verbs has its form without a line of code.
 * The values are checked by their rows as they are typed; when somebody else
 * publishes meanwhile, what he changed is taken over, and where both changed a
 * field both values are shown.
 */
#ifndef TUI_SCREENS_EDITING_H
#define TUI_SCREENS_EDITING_H

#include "shared/base/json.h"
#include "shared/control/control.h"
#include "shared/model/model.h"
#include "tui/widgets/form.h"

enum { EDITING_KEY_BYTES = 256, EDITING_TROUBLE_BYTES = 300, EDITING_VALUE_BYTES = 200 };

struct editing {
	const struct model_kind *kind; /* NULL: nothing is being edited */
	char key[EDITING_KEY_BYTES];   /* "" for the only one of its kind, and for a new one */
	bool is_new;
	enum control_verb_id show, save; /* CONTROL_VERB_COUNT: there is none */
	size_t rows[FORM_FIELDS_MAX];    /* the row of each field of the form */
	struct form form;
	const char *why_locked;            /* why nothing may be changed; NULL: it may */
	bool is_too_long[FORM_FIELDS_MAX]; /* the daemon's value does not fit a line here */
	int64_t version;                   /* what `saved` of the fields was at; 0: not heard yet */
	int64_t asked_id;
	char trouble[EDITING_TROUBLE_BYTES]; /* why the values could not be had; "" */
	char theirs[FORM_FIELDS_MAX]
	           [FORM_WORDS_BYTES]; /* what somebody else made of a field we changed; "" */
};

/* The verb that saves an object of the kind, or makes one; and the one that shows it. CONTROL_VERB_COUNT: none. */
enum control_verb_id editing_save_verb(const struct model_kind *kind, bool is_new);
enum control_verb_id editing_verb(const struct model_kind *kind, const char *verb);

/* Fields at their defaults. */
void editing_start(struct editing *editing, const struct model_kind *kind, struct slice key, bool is_new);
/* Nothing is edited any more; an answer that is still to come is nobody's. */
void editing_stop(struct editing *editing);
/* NULL: it may be changed; else why not. */
void editing_lock(struct editing *editing, const char *why);
/* Takes an answer of the show verb; fields that were changed keep what was typed. */
void editing_fill(struct editing *editing, const struct json *result);
/* Every field against its row, and which have no effect as things stand. */
void editing_check(struct editing *editing);
/* A refusal of the daemon at the fields it names; false: it names none of them. */
bool editing_refused(struct editing *editing, const struct json *problems);
/* "domain allow fabrikam.example proxy-fqdn=...": what saves it, without "parley". */
void editing_command(const struct editing *editing, struct buffer *out);
/* Index of the form's field for the kind's row of that name; form.count: none. */
size_t editing_field(const struct editing *editing, const char *name);
/* A value of the daemon's as it is typed, cut where it is long. */
void editing_value(const struct json *value, char to[EDITING_VALUE_BYTES]);
/* "Proxy FQDN" of "proxy-fqdn". */
void editing_label(const char *name, char to[FORM_LABEL_BYTES]);

#endif
