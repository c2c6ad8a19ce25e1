/*
 * why: from whom, to whom, what; and every step of the answer with the change that would flip it.
 */
#ifndef TUI_SCREENS_WHY_H
#define TUI_SCREENS_WHY_H

#include "shared/control/control.h"
#include "tui/widgets/form.h"
#include "tui/widgets/table.h"

enum why_field { WHY_FROM, WHY_TO, WHY_WHAT, WHY_FIELDS };

struct why {
	struct form form;
	struct control_answer answer; /* owned; result NULL: none yet */
	char trouble[EDITOR_BYTES];   /* why the last question failed; "" */
	struct table steps;
	bool is_reading; /* the steps have the focus, not the fields */
	int64_t asked_id;
};

void why_start(struct why *why);
void why_stop(struct why *why);
/* Fills the fields; what is empty stays as it was. */
void why_fill(struct why *why, struct slice from, struct slice to, struct slice what);
bool why_is_asked(const struct why *why); /* both ends are given */
void why_take(struct why *why, struct control_answer *answer);
const struct json *why_step(const struct why *why); /* the selected one, or NULL */

#endif
