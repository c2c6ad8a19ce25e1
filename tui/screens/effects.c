/*
 * What a changed field would do to what is live now, as far as the console has heard.
 *
 * Switches of the Access Edge say it before they are touched: "Switched off: 12 partners ...".
 */
#include <stdio.h>

#include "tui/client/words.h"
#include "tui/screens/scene.h"

/* How many are up, by the last status. */
static long long partners_up(const struct scene *scene)
{
	return (long long)scene_number(json_get(scene->status, "domains"), "up");
}

static long long partners_discovered(const struct scene *scene)
{
	return (long long)(scene->listings[SCREEN_DISCOVERED].heard_ms
	                           ? scene->listings[SCREEN_DISCOVERED].total
	                           : 0);
}

typedef long long (*counter)(const struct scene *scene); /* below 0: nobody has counted yet */

static const struct {
	enum model_kind_id kind;
	const char *field;
	const char *off, *on, *counted; /* N_() */
	counter count;                  /* NULL: nothing is counted */
} switches[] = {
	{ MODEL_ACCESS_EDGE, "allow-federated-users", N_("SIP federation off: everybody outside is refused"),
	  N_("SIP federation on: allowed domains may talk again"), N_("partners up now"), partners_up },
	{ MODEL_ACCESS_EDGE, "enable-partner-discovery", N_("Discovery off: who is on no list is refused"),
	  N_("Discovery on: domains on neither list may talk when DNS proves them"),
	  N_("discovered partners now"), partners_discovered },
	{ MODEL_ACCESS_EDGE, "allow-outside-users", N_("Remote users off: nobody signs in from the Internet"),
	  N_("Remote users on: users whose policy permits it may sign in from the Internet"), NULL, NULL },
	{ MODEL_ACCESS_EDGE, "allow-anonymous-users",
	  N_("Anonymous users off: people without an account join no conference"),
	  N_("Anonymous users on: people without an account may join conferences"), NULL, NULL },
	{ MODEL_ACCESS_POLICY, "enable-federation-access",
	  N_("Users of this policy talk with no federated domain any more"),
	  N_("Users of this policy may talk with federated domains"), N_("partners up now"), partners_up },
};

enum { SWITCHES = sizeof switches / sizeof *switches };

static void say_switch(const struct scene *scene, size_t which, struct form_field *field)
{
	bool is_on = slice_equal(editor_text(&field->value), SLICE("true"));
	/* An untouched switch says what turning it would do. */
	bool would_be_on = form_is_changed(field) ? is_on : !is_on;
	const char *when = form_is_changed(field) ? "" : _("If turned: ");
	const char *words = would_be_on ? switches[which].on : switches[which].off;

	if (field->fixed)
		return;
	if (switches[which].count && switches[which].count(scene) >= 0)
		snprintf(field->effect, sizeof field->effect, "%s%s (%s: %lld)", when, _(words),
		         _(switches[which].counted), switches[which].count(scene));
	else
		snprintf(field->effect, sizeof field->effect, "%s%s", when, _(words));
}

void effects_say(struct scene *scene)
{
	struct editing *editing = &scene->editing;

	for (size_t i = 0; i < editing->form.count; i++) {
		struct form_field *field = &editing->form.fields[i];
		const char *name = editing->kind->fields[editing->rows[i]].name;

		field->effect[0] = '\0';
		if (editing->theirs[i][0]) {
			snprintf(field->effect, sizeof field->effect, "%s", editing->theirs[i]);
			continue;
		}
		for (size_t s = 0; s < SWITCHES; s++)
			if (editing->kind->id == switches[s].kind &&
			    slice_equal(slice_of(name), slice_of(switches[s].field)))
				say_switch(scene, s, field);
		if (editing->kind->id == MODEL_ALLOWED_DOMAIN &&
		    slice_equal(slice_of(name), SLICE("proxy-fqdn")) && field->value.length)
			snprintf(field->effect, sizeof field->effect, "%s",
			         _("A pinned name is trusted more, and breaks when the partner moves."));
	}
}

/*
 * Switching off one of the three masters wants more than y: the number of partners that
 * are up, or the word "off" where that says nothing.
 */
void effects_weigh(const struct scene *scene, char word[DIALOG_WORD_BYTES])
{
	static const char *const masters[] = { "allow-federated-users", "allow-outside-users",
		                               "allow-anonymous-users" };
	const struct editing *editing = &scene->editing;

	word[0] = '\0';
	for (size_t m = 0; m < 3 && editing->kind->id == MODEL_ACCESS_EDGE; m++) {
		size_t i = editing_field(editing, masters[m]);

		if (i == editing->form.count || !form_is_changed(&editing->form.fields[i]) ||
		    !slice_equal(editor_text(&editing->form.fields[i].value), SLICE("false")))
			continue;
		if (m == 0 && partners_up(scene) > 0)
			snprintf(word, DIALOG_WORD_BYTES, "%lld", partners_up(scene));
		else if (!word[0])
			snprintf(word, DIALOG_WORD_BYTES, "off");
	}
}
