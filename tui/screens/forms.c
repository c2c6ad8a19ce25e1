/* The object in the form: asked for, asked again when somebody publishes meanwhile, saved. */
#include <stdio.h>

#include "tui/client/words.h"
#include "tui/screens/parts.h"

enum { FORM_RETRY_MS = 2000 };

static const char *why_locked(const struct scene *scene, const struct model_kind *kind, bool is_new)
{
	enum control_verb_id save = editing_save_verb(kind, is_new);

	if (scene->as_of)
		return _("as it was then: not to be changed");
	if (save < CONTROL_VERB_COUNT && scene_permits(scene, save))
		return NULL;
	return scene->is_read_only || slice_equal(scene_text(scene->hello, "mode"), SLICE("ro"))
	               ? _("this session is read-only")
	               : _("your role may not change it");
}

static void start(struct console *console, const struct model_kind *kind, struct slice key, bool is_new)
{
	editing_start(&console->scene.editing, kind, key, is_new);
	editing_lock(&console->scene.editing, why_locked(&console->scene, kind, is_new));
	console->form_due_ms = 0;
}

void forms_open(struct console *console, const struct model_kind *kind, struct slice key, bool is_new,
                const char *field)
{
	struct editing *editing = &console->scene.editing;
	size_t at;

	start(console, kind, key, is_new);
	at = field ? editing_field(editing, field) : editing->form.count;
	if (at < editing->form.count)
		editing->form.at = at;
	scene_open(&console->scene, SCREEN_FORM);
}

void forms_open_one(struct console *console, const struct model_kind *kind, const char *key)
{
	start(console, kind, slice_of(key), false);
}

static bool is_shown(const struct scene *scene)
{
	if (scene_is_form(scene))
		return scene->editing.kind != NULL;
	/* Help and other reading may lie on top of it. */
	return scene->under_count && scene->editing.kind &&
	       1u << scene->under[scene->under_count - 1] & FORMS;
}

void forms_refresh(struct console *console)
{
	struct editing *editing = &console->scene.editing;
	const struct control_verb *verb;
	struct control_argument argument;
	struct buffer params, method;
	struct json_writer w = json_write(&params);
	struct reason reason = { "" };

	if (!is_shown(&console->scene))
		return;
	editing_lock(editing,
	             why_locked(&console->scene, editing->kind, editing->is_new)); /* hello may come later */
	if (editing->is_new || editing->asked_id || console->changes.asked_id ||
	    console->now.mono_ms < console->form_due_ms || client_state(console->client) != CLIENT_UP)
		return;
	if (editing->version &&
	    (console->scene.as_of
	             ? editing->version == console->scene.as_of
	             : editing->version >= scene_number(view_result(&console->status), "version")))
		return;
	verb = control_verb(editing->show);
	if (!verb) {
		snprintf(editing->trouble, sizeof editing->trouble, "%s",
		         _("the daemon has no verb that shows this"));
		return;
	}
	console->form_due_ms = console->now.mono_ms + FORM_RETRY_MS;
	buffer_start(&params, 2 * EDITING_KEY_BYTES + 64);
	buffer_start(&method, 64);
	json_open_object(&w, NULL);
	if (editing->key[0] && control_verb_argument(verb, 0, &argument))
		json_put_text(&w, argument.name, editing->key);
	if (console->scene.as_of)
		json_put_number(&w, "version", console->scene.as_of);
	json_close_object(&w);
	control_verb_method(verb, &method);
	buffer_add_char(&method, '\0');
	editing->asked_id = client_ask(console->client, console->now, buffer_slice(&method).ptr,
	                               buffer_slice(&params), VIEW_TIMEOUT_MS, &reason);
	buffer_stop(&params);
	buffer_stop(&method);
}

bool forms_take(struct console *console, int64_t id, struct control_answer *answer)
{
	struct editing *editing = &console->scene.editing;
	bool is_first = !editing->version;

	if (!id || id != editing->asked_id)
		return false;
	editing->asked_id = 0;
	if (answer->code != CONTROL_OK) {
		snprintf(editing->trouble, sizeof editing->trouble, "%.*s", SLICE_ARG(answer->message));
		return true;
	}
	editing_fill(editing, answer->result);
	for (size_t i = 0; i < editing->form.count && !is_first; i++)
		if (editing->theirs[i][0]) {
			editing->form.at = i;
			scene_say(&console->scene, GRID_WARN,
			          _("v%lld was published meanwhile and changes what you edit"),
			          (long long)editing->version);
			return true;
		}
	return true;
}

/* ---- saving ---- */

static bool lacks_name(struct console *console)
{
	struct editing *editing = &console->scene.editing;
	size_t at = editing->is_new && editing->kind->key < editing->kind->field_count
	                    ? editing_field(editing, editing->kind->fields[editing->kind->key].name)
	                    : editing->form.count;

	if (at == editing->form.count || slice_trim(editor_text(&editing->form.fields[at].value)).len)
		return false;
	editing->form.at = at;
	scene_say(&console->scene, GRID_BAD, _("%s is needed"),
	          editing->kind->fields[editing->kind->key].name);
	return true;
}

/* A name that is on the list already: there it is. */
static bool is_there(struct console *console)
{
	struct scene *scene = &console->scene;
	struct editing *editing = &scene->editing;
	struct slice name = slice_trim(editor_text(&editing->form.fields[0].value));
	struct listing *domains = &scene->listings[SCREEN_DOMAINS];
	bool allows = editing->kind->id == MODEL_ALLOWED_DOMAIN;
	bool is_of_domains = allows || editing->kind->id == MODEL_BLOCKED_DOMAIN;
	const struct json *row = editing->is_new && is_of_domains ? listing_find(domains, name) : NULL;
	bool is_allowed = row && !domain_is_blocked(row);

	if (!row || (allows && !is_allowed))
		return false;
	if (is_allowed)
		scene_say(scene, GRID_NORMAL,
		          allows ? _("%.*s is allowed already; Enter edits it")
		                 : _("%.*s is allowed; b blocks it"),
		          SLICE_ARG(name));
	else
		scene_say(scene, GRID_NORMAL, _("%.*s is blocked already"), SLICE_ARG(name));
	scene_close(scene);
	if (scene->screen == SCREEN_DOMAINS && listing_select(domains, row))
		scene_settle(scene);
	return true;
}

void forms_save(struct console *console)
{
	struct scene *scene = &console->scene;
	struct editing *editing = &scene->editing;
	const struct control_verb *save = control_verb(editing->save);
	size_t problems;

	if (!editing->version && !editing->is_new)
		return;
	if (!save || !scene_permits(scene, editing->save)) {
		scene_say(scene, GRID_BAD,
		          save ? _("saving this needs the role %s") : _("this cannot be changed"),
		          save ? control_role_name(save->role) : "");
		return;
	}
	if (lacks_name(console) || is_there(console))
		return;
	for (size_t i = 0; i < editing->form.count; i++)
		editing->form.fields[i].is_reached = true;
	editing_check(editing);
	problems = form_problems(&editing->form);
	if (problems) {
		if (!editing->form.fields[editing->form.at].problem[0])
			form_next_problem(&editing->form);
		scene_say(scene, GRID_BAD,
		          ngettext("Cannot save: %zu problem.",
		                   "Cannot save: %zu problems. F8 jumps to the next one.",
		                   (unsigned long)problems),
		          problems);
	} else if (!form_changes(&editing->form)) {
		scene_say(scene, GRID_NORMAL, "%s", _("nothing was changed"));
	} else if (console->changes.asked_id) {
		scene_say(scene, GRID_WARN, "%s", _("one change is still being saved; repeat it then"));
	} else {
		question_form(console);
	}
}

void forms_saved(struct console *console)
{
	struct editing *editing = &console->scene.editing;
	char name[EDITOR_BYTES] = "";

	if (!is_shown(&console->scene))
		return;
	/* What was typed is what the daemon has now; it is heard again all the same. */
	for (size_t i = 0; i < editing->form.count; i++) {
		struct form_field *field = &editing->form.fields[i];

		form_load(field, slice_trim(editor_text(&field->value)));
	}
	editing_check(editing);
	editing->version = 1; /* older than any: asked for again at once */
	console->form_due_ms = 0;
	if (console->scene.screen != SCREEN_FORM)
		return;
	if (editing->is_new)
		snprintf(name, sizeof name, "%s", editing->form.fields[0].saved);
	console_back(console);
	if (name[0] && scene_listing(&console->scene))
		listing_want(scene_listing(&console->scene), slice_of(name));
}

bool forms_refused(struct console *console, const struct control_answer *answer)
{
	struct editing *editing = &console->scene.editing;

	if (!is_shown(&console->scene))
		return false;
	if (answer->code == CONTROL_CONFLICT) {
		if (editing->version)
			editing->version = 1; /* asked for again: what others changed is put beside it */
		console->form_due_ms = 0;
		scene_say(
		        &console->scene, GRID_WARN, "%s",
		        _("not saved: somebody published meanwhile. Yours is kept; look again, then Enter."));
		return true;
	}
	if (answer->code != CONTROL_INVALID || !editing_refused(editing, answer->problems))
		return false;
	scene_say(&console->scene, GRID_BAD, "%s", _("not saved: the daemon refuses a field"));
	return true;
}
