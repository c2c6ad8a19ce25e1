/*
 * A dry run of what the open dialog asks about: the daemon decides again with the change,
 * and says who would feel it.  It comes while the question stands; nobody waits for it.
 */
#include <stdio.h>

#include "tui/client/refusal.h"
#include "tui/client/words.h"
#include "tui/screens/parts.h"

void trial_ask(struct console *console)
{
	struct reason reason = { "" };

	console->trial_id = 0;
	if (console->agreed.count == 1 && console->client && client_state(console->client) == CLIENT_UP)
		console->trial_id = changes_try(console, &reason);
}

/* Nothing is left to be asked: back to the form, at the field; where there is none, the dialog says why. */
static void show_refusal(struct console *console, const struct control_answer *answer)
{
	struct dialog *dialog = &console->scene.dialog;
	char words[DIALOG_TEXT_BYTES];
	struct buffer text;

	if (console->agreed.is_form && forms_refused(console, answer)) {
		dialog->is_open = false;
		changes_clear(&console->agreed);
		return;
	}
	buffer_start(&text, sizeof words);
	buffer_add(&text, slice_of(_("The daemon would refuse it: ")));
	refusal_write(answer, &text);
	slice_to_text(buffer_slice(&text), words, sizeof words);
	buffer_stop(&text);
	dialog_refuse(dialog, words, _("Enter goes back; nothing was changed."));
}

bool trial_take(struct console *console, int64_t id, struct control_answer *answer)
{
	struct dialog *dialog = &console->scene.dialog;
	const struct json *sentences = json_get(answer->result, "sentences"),
	                  *warnings = json_get(answer->result, "warnings");
	long long closing = (long long)scene_number(answer->result, "closing");

	if (!id || id != console->trial_id)
		return false;
	console->trial_id = 0;
	if (!dialog->is_open || console->asking != ASKING_AGREED)
		return true;
	if (answer->code == CONTROL_TIMEOUT || answer->code == CONTROL_UNAVAILABLE)
		return true; /* the question says what is known without it */
	if (answer->code != CONTROL_OK) {
		show_refusal(console, answer);
		return true;
	}
	for (size_t i = 0; i < json_count(warnings); i++) {
		const struct json *warning = json_at(warnings, i);
		struct slice cure = json_as_slice(json_get(warning, "allowed"));

		dialog_add_line(dialog, _("Warning: %.*s%s%.*s"),
		                SLICE_ARG(json_as_slice(json_get(warning, "why"))),
		                cure.len ? _("; better: ") : "", SLICE_ARG(cure));
	}
	for (size_t i = 0; i < json_count(sentences); i++)
		dialog_add_line(dialog, _("Dry run: %.*s"), SLICE_ARG(json_as_slice(json_at(sentences, i))));
	if (closing > 0 && !dialog->word[0]) {
		snprintf(dialog->word, sizeof dialog->word, "%lld", closing);
		snprintf(dialog->question, sizeof dialog->question,
		         _("Type %s, the number of connections that will close:"), dialog->word);
	}
	return true;
}
