/*
 * A dry run of what the open dialog asks about: the daemon decides again with the change,
 * and says who would feel it.  It comes while the question stands; nobody waits for it.
 */
#include <stdio.h>

#include "tui/client/words.h"
#include "tui/screens/parts.h"

void trial_ask(struct console *console)
{
	struct reason reason = { "" };

	console->trial_id = 0;
	if (console->agreed.count == 1 && console->client && client_state(console->client) == CLIENT_UP)
		console->trial_id = changes_try(console, &reason);
}

bool trial_take(struct console *console, int64_t id, struct control_answer *answer)
{
	struct dialog *dialog = &console->scene.dialog;
	const struct json *sentences = json_get(answer->result, "sentences"),
	                  *warnings = json_get(answer->result, "warnings"),
	                  *problem = json_at(answer->problems, 0);
	struct slice why = json_as_slice(json_get(problem, "why"));
	long long closing = (long long)scene_number(answer->result, "closing");

	if (!id || id != console->trial_id)
		return false;
	console->trial_id = 0;
	if (!dialog->is_open || console->asking != ASKING_AGREED)
		return true;
	if (answer->code == CONTROL_TIMEOUT || answer->code == CONTROL_UNAVAILABLE)
		return true; /* the question says what is known without it */
	if (answer->code != CONTROL_OK) {
		dialog_add_line(dialog, _("The daemon would refuse it: %.*s%s%.*s"),
		                SLICE_ARG(answer->message), why.len ? ": " : "", SLICE_ARG(why));
		return true;
	}
	for (size_t i = 0; i < json_count(warnings); i++)
		dialog_add_line(dialog, _("Warning: %.*s"),
		                SLICE_ARG(json_as_slice(json_get(json_at(warnings, i), "why"))));
	for (size_t i = 0; i < json_count(sentences); i++)
		dialog_add_line(dialog, _("Dry run: %.*s"), SLICE_ARG(json_as_slice(json_at(sentences, i))));
	if (closing > 0 && !dialog->word[0]) {
		snprintf(dialog->word, sizeof dialog->word, "%lld", closing);
		snprintf(dialog->question, sizeof dialog->question,
		         _("Type %s, the number of connections that will close:"), dialog->word);
	}
	return true;
}
