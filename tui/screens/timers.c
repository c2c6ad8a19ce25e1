/* When a change that is being published goes back by itself unless it is confirmed: chosen in its dialog. */
#include <stdio.h>

#include "tui/client/words.h"
#include "tui/screens/parts.h"

static const struct {
	const char *option, *words; /* words: N_() */
} timers[] = {
	{ "--confirm-within=auto",
	  N_("Goes back by itself: after 300 s where far-reaching, unless Y keeps it (t)") },
	{ NULL, N_("Goes back by itself: never (t)") },
	{ "--confirm-within=60", N_("Goes back by itself: after 60 s unless Y keeps it (t)") },
	{ "--confirm-within=300", N_("Goes back by itself: after 5 minutes unless Y keeps it (t)") },
	{ "--confirm-within=1800", N_("Goes back by itself: after 30 minutes unless Y keeps it (t)") },
};

enum { TIMERS = sizeof timers / sizeof *timers };

const char *timer_option(size_t timer) { return timers[timer < TIMERS ? timer : 0].option; }

void timer_offer(struct console *console)
{
	struct dialog *dialog = &console->scene.dialog;

	if (!scene_permits(&console->scene, CONTROL_VERB_CONFIRM))
		return; /* nobody here could keep it */
	dialog->turn = 't';
	snprintf(dialog->note, sizeof dialog->note, "%s", _(timers[console->agreed.timer].words));
}

void timer_withdraw(struct console *console)
{
	console->scene.dialog.turn = 0;
	console->scene.dialog.note[0] = '\0';
}

void timer_turn(struct console *console)
{
	console->agreed.timer = (console->agreed.timer + 1) % TIMERS;
	timer_offer(console);
}
