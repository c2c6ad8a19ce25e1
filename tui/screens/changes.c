/* Commands on their way to the daemon, and what becomes of them. */
#include <stdio.h>

#include "tui/cli/help.h"
#include "tui/cli/render.h"
#include "tui/client/refusal.h"
#include "tui/client/words.h"
#include "tui/screens/complete.h"
#include "tui/screens/parts.h"

/* ---- the queue ---- */

void changes_start(struct changes *changes)
{
	*changes = (struct changes){ 0 };
	buffer_start(&changes->lines, CHANGES_BYTES_MAX);
}

void changes_stop(struct changes *changes) { buffer_stop(&changes->lines); }

void changes_clear(struct changes *changes)
{
	buffer_clear(&changes->lines);
	changes->asked_id = changes->version = 0;
	changes->done = changes->count = 0;
	changes->is_form = changes->stages = false;
	changes->timer = 0;
	changes->comment[0] = '\0';
}

bool changes_add(struct changes *changes, struct slice command)
{
	if (command.len + 1 > buffer_room(&changes->lines) || slice_find(command, '\n') < command.len)
		return false;
	buffer_add(&changes->lines, command);
	buffer_add_char(&changes->lines, '\n');
	changes->count++;
	return !changes->lines.is_broken;
}

struct slice changes_first(const struct changes *changes)
{
	struct slice lines = buffer_slice(&changes->lines);

	return slice_first(lines, slice_find(lines, '\n'));
}

static void show_saving(struct console *console)
{
	struct scene *scene = &console->scene;
	struct changes *changes = &console->changes;

	scene->saving[0] = '\0';
	if (changes->asked_id)
		snprintf(scene->saving, sizeof scene->saving, "parley %.*s",
		         SLICE_ARG(changes_first(changes)));
	scene->saving_done = changes->done;
	scene->saving_count = changes->count;
}

/* ---- a command as a request ---- */

/* How a change is done. */
struct how {
	int64_t if_version;  /* 0: whatever version is current */
	const char *doing;   /* an option, or NULL */
	bool is_timer;       /* `doing` is when it goes back: not where the command says that itself */
	const char *comment; /* "": none */
};

/* Has whoever typed it said how it is to be done?  Then it is done so. */
static bool is_told_how(const struct cli_request *request)
{
	struct json *params = NULL;
	bool is_told = false;

	if (json_read(buffer_slice(&request->params), &params, NULL) == RESULT_OK)
		is_told = json_get(params, "stage") || json_get(params, "dry_run") ||
		          json_get(params, "confirm_within");
	json_free(&params);
	return is_told;
}

/* Words, then the request; both are the caller's to free with cli_request_free when OK. */
static enum result read_command(struct slice line, const struct how *how, struct command_words *words,
                                struct cli_request *request, struct reason *reason)
{
	char guard[48], why[CHANGES_COMMENT_BYTES + 16];
	bool is_told;
	enum result result = command_split(line, words, reason);

	if (result != RESULT_OK)
		return result; /* nothing is in the request yet */
	result = cli_request_read(words->count, words->words, request, reason);
	if (result != RESULT_OK || request->task != CLI_RUN ||
	    control_verb(request->verb)->effect != CONTROL_CHANGES) {
		if (result != RESULT_OK)
			cli_request_free(request);
		return result;
	}
	/* A change: read again with how it is to be done. */
	is_told = is_told_how(request);
	cli_request_free(request);
	if (words->count + 3 > COMMAND_WORDS_MAX)
		return fail(reason, RESULT_INVALID, _("the command is too long"));
	snprintf(guard, sizeof guard, "--if-version=%lld", (long long)how->if_version);
	if (how->if_version)
		words->words[words->count++] = guard;
	snprintf(why, sizeof why, "--comment=%s", how->comment);
	if (how->comment[0])
		words->words[words->count++] = why;
	if (how->doing && (!how->is_timer || !is_told))
		words->words[words->count++] = how->doing;
	result = cli_request_read(words->count, words->words, request, reason);
	if (result != RESULT_OK)
		cli_request_free(request);
	return result;
}

static int64_t ask(struct console *console, const struct cli_request *request, int64_t timeout_ms,
                   struct reason *reason)
{
	const struct control_verb *verb = control_verb(request->verb);
	char method[64];

	snprintf(method, sizeof method, "%s%s%s", verb->noun, verb->noun[0] ? "." : "", verb->verb);
	return client_ask(console->client, console->now, method, buffer_slice(&request->params), timeout_ms,
	                  reason);
}

int64_t changes_try(struct console *console, struct reason *reason)
{
	struct how how = { 0, "--dry-run", false, "" };
	struct command_words words;
	struct cli_request request;
	int64_t id;

	if (read_command(changes_first(&console->agreed), &how, &words, &request, reason) != RESULT_OK)
		return 0;
	id = control_verb(request.verb)->effect == CONTROL_CHANGES
	             ? ask(console, &request, VIEW_TIMEOUT_MS, reason)
	             : 0;
	cli_request_free(&request);
	return id;
}

void changes_send(struct console *console)
{
	struct changes *changes = &console->changes;
	struct command_words words;
	struct cli_request request;
	struct reason reason;
	struct how how;

	how = (struct how){ changes->version, changes->stages ? "--stage" : timer_option(changes->timer),
		            !changes->stages, changes->comment };
	if (read_command(changes_first(changes), &how, &words, &request, &reason) != RESULT_OK) {
		scene_say(&console->scene, GRID_BAD, "%s", reason.text);
		changes_clear(changes);
		show_saving(console);
		return;
	}
	changes->asked_id = ask(console, &request, CHANGE_TIMEOUT_MS, &reason);
	cli_request_free(&request);
	console->scene.saving_since_ms = console->now.mono_ms;
	if (!changes->asked_id) {
		scene_say(&console->scene, GRID_BAD, _("not done: %s"), reason.text);
		changes_clear(changes);
	}
	show_saving(console);
}

static void say_failure(struct console *console, const struct control_answer *answer)
{
	struct changes *changes = &console->changes;
	char done[64] = "";
	struct buffer words;

	if (changes->count > 1)
		snprintf(done, sizeof done, _("%zu of %zu done, then: "), changes->done, changes->count);
	if (answer->code == CONTROL_CONFLICT)
		scene_say(&console->scene, GRID_BAD,
		          _("%snot done: somebody published meanwhile. Look again, then repeat it."), done);
	else if (answer->code == CONTROL_DENIED)
		scene_say(&console->scene, GRID_BAD, _("%snot permitted: %.*s"), done,
		          SLICE_ARG(answer->message));
	else {
		buffer_start(&words, CONTROL_LINE_MAX);
		refusal_write(answer, &words);
		scene_say(&console->scene, GRID_BAD, "%s%s%.*s", done,
		          answer->code == CONTROL_TIMEOUT || answer->code == CONTROL_UNAVAILABLE
		                  ? ""
		                  : _("not done: "),
		          SLICE_ARG(buffer_slice(&words)));
		buffer_stop(&words);
	}
}

/* A verb that publishes nothing: what it did is done. */
static bool is_no_change(struct slice command)
{
	struct command_words words;
	struct cli_request request;
	struct reason reason;
	bool is_change = false;

	if (read_command(command, &(struct how){ 0, NULL, false, "" }, &words, &request, &reason) ==
	    RESULT_OK) {
		is_change = control_verb(request.verb)->effect == CONTROL_CHANGES;
		cli_request_free(&request);
	}
	return !is_change;
}

static void say_success(struct console *console, const struct json *result)
{
	long long version = (long long)json_as_number(json_get(result, "version"), 0);
	struct slice command = changes_first(&console->changes),
	             note = json_as_slice(json_get(result, "note"));
	char note_words[200];

	snprintf(note_words, sizeof note_words, "%s%.*s", note.len ? "; " : "", SLICE_ARG(note));
	if (console->changes.count > 1)
		scene_say(&console->scene, GRID_GOOD, _("all %zu done, version v%lld%s"),
		          console->changes.count, version, note_words);
	else if (console->changes.stages || json_as_bool(json_get(result, "staged"), false))
		scene_say(&console->scene, GRID_GOOD, _("staged: %.*s (S shows what is staged)"),
		          SLICE_ARG(command));
	else if (is_no_change(command))
		scene_say(&console->scene, GRID_GOOD, _("done: %.*s%s"), SLICE_ARG(command), note_words);
	else if (json_count(json_get(result, "changes")) == 0)
		scene_say(&console->scene, GRID_NORMAL, _("nothing to change, v%lld stays: %.*s"), version,
		          SLICE_ARG(command));
	else if (!json_as_bool(json_get(result, "applied"), true))
		scene_say(&console->scene, GRID_WARN, _("v%lld published, not applied yet: %.*s%s"), version,
		          SLICE_ARG(command), note_words);
	else
		scene_say(&console->scene, GRID_GOOD, _("v%lld published: %.*s%s"), version,
		          SLICE_ARG(command), note_words);
}

bool changes_take(struct console *console, int64_t id, struct control_answer *answer)
{
	struct changes *changes = &console->changes;

	if (id != changes->asked_id)
		return false;
	changes->asked_id = 0;
	console->lists.due_ms = 0;
	view_hurry(&console->status);
	view_hurry(&console->staged);
	view_hurry(&console->plan);
	if (answer->code != CONTROL_OK) {
		if (!changes->is_form || !forms_refused(console, answer))
			say_failure(console, answer);
		changes_clear(changes);
	} else if (changes->done + 1 < changes->count) {
		if (changes->version)
			changes->version = json_as_number(json_get(answer->result, "version"), 0);
		buffer_consume(&changes->lines, changes_first(changes).len + 1);
		changes->done++;
		changes_send(console);
		return true;
	} else {
		say_success(console, answer->result);
		listing_unmark(&console->scene.listings[SCREEN_DOMAINS]);
		if (changes->is_form)
			forms_saved(console);
		if (console->scene.screen == SCREEN_WHY)
			whys_ask(console); /* what was proposed has been done: does it pass now? */
		changes_clear(changes);
	}
	show_saving(console);
	return true;
}

static void start(struct console *console)
{
	struct changes agreed = console->agreed;

	if (console->changes.asked_id) {
		scene_say(&console->scene, GRID_WARN, "%s",
		          _("one change is still being saved; repeat it then"));
		changes_clear(&console->agreed);
		return;
	}
	console->agreed = console->changes;
	changes_clear(&console->agreed);
	console->changes = agreed;
	console->scene.message[0] = '\0';
	changes_send(console);
}

/* Every change must say why (topology require-comment), and this one does not yet. */
static bool lacks_reason(const struct console *console)
{
	struct command_words words;
	struct cli_request request;
	struct json *params = NULL;
	struct reason reason;
	bool lacks = false;

	if (!scene_flag(console->scene.status, "require_comment") || console->agreed.stages ||
	    console->agreed.comment[0] ||
	    read_command(changes_first(&console->agreed), &(struct how){ 0, NULL, false, "" }, &words,
	                 &request, &reason) != RESULT_OK)
		return false;
	if (control_verb(request.verb)->effect == CONTROL_CHANGES && request.verb != CONTROL_VERB_REVERT &&
	    json_read(buffer_slice(&request.params), &params, NULL) == RESULT_OK)
		lacks = !json_get(params, "comment") && !json_get(params, "stage") &&
		        !json_get(params, "dry_run");
	json_free(&params);
	cli_request_free(&request);
	return lacks;
}

void changes_agree(struct console *console)
{
	if (lacks_reason(console))
		prompts_open(console, PROMPT_REASON, SLICE(""));
	else
		start(console);
}

void changes_agree_because(struct console *console, struct slice comment)
{
	if (comment.len && slice_to_text(comment, console->agreed.comment, sizeof console->agreed.comment)) {
		if (console->asking == ASKING_IMPORT)
			imports_agree(console);
		else
			start(console);
		return;
	}
	prompts_open(console, PROMPT_REASON, comment); /* as long as none is given, or one too long */
}

void changes_forget(struct console *console)
{
	changes_clear(&console->agreed);
	scene_say(&console->scene, GRID_NORMAL, "%s", _("nothing was changed"));
}

/* ---- commands that look ---- */

bool inquiry_take(struct console *console, int64_t id, struct control_answer *answer)
{
	struct inquiry *inquiry = &console->inquiry;
	struct scene *scene = &console->scene;
	struct print_style style = { .is_terminal = true,
		                     .has_headings = true,
		                     .is_utf8 = term_looks(console->term).is_utf8,
		                     .now = console->now };

	if (id != inquiry->asked_id)
		return false;
	inquiry->asked_id = 0;
	if (answer->code != CONTROL_OK) {
		scene_say(scene, GRID_BAD, "%.*s", SLICE_ARG(answer->message));
		return true;
	}
	buffer_clear(&scene->pager.text);
	render_result(&scene->pager.text, &style, inquiry->verb, answer->result);
	if (buffer_length(&scene->pager.text) == 0)
		buffer_add(&scene->pager.text, slice_of(_("nothing to show")));
	scene->message[0] = '\0';
	reading_open(scene, inquiry->command, inquiry->command);
	return true;
}

static void look(struct console *console, const struct cli_request *request, struct slice line)
{
	struct inquiry *inquiry = &console->inquiry;
	struct reason reason;

	inquiry->verb = request->verb;
	snprintf(inquiry->command, sizeof inquiry->command, "%.*s", SLICE_ARG(line));
	inquiry->asked_id = ask(console, request, VIEW_TIMEOUT_MS, &reason);
	if (inquiry->asked_id)
		scene_say(&console->scene, GRID_DIM, _("asking: parley %s"), inquiry->command);
	else
		scene_say(&console->scene, GRID_BAD, "%s", reason.text);
}

static void show_help(struct console *console, const struct cli_request *request, struct slice line)
{
	struct print_style style = { .is_terminal = true, .now = console->now };
	struct scene *scene = &console->scene;
	char title[SCENE_TEXT_BYTES];

	buffer_clear(&scene->pager.text);
	if (help_write(&scene->pager.text, &style, request->topics[0], request->topics[1]) != RESULT_OK) {
		scene_say(scene, GRID_BAD, "%s", _("there is no such word; see :help"));
		return;
	}
	snprintf(title, sizeof title, "%.*s", SLICE_ARG(line));
	reading_open(scene, _("Help"), title);
}

static bool is_word(struct slice line, const char *word) { return slice_equal(line, slice_of(word)); }

/* Words that are the console's own. */
static bool run_own(struct console *console, struct slice line)
{
	if (is_word(line, "q") || is_word(line, "quit"))
		console_leave(console);
	else if (screen_named(line) < SCREEN_COUNT)
		console_go(console, screen_named(line));
	else
		return dressing_run(console, line) || picking_run(console, line);
	return true;
}

void command_do(struct console *console, struct slice line)
{
	changes_clear(&console->agreed);
	if (changes_add(&console->agreed, line))
		changes_agree(console);
}

void command_run(struct console *console, struct slice line)
{
	struct command_words words;
	struct cli_request request;
	struct reason reason;

	line = slice_trim(line);
	if (slice_starts(line, SLICE("parley ")))
		line = slice_trim(slice_after(line, 7));
	if (line.len == 0 || run_own(console, line))
		return;
	if (!completion_knows(line, &reason) ||
	    read_command(line, &(struct how){ 0, NULL, false, "" }, &words, &request, &reason) != RESULT_OK) {
		scene_say(&console->scene, GRID_BAD, "%s", reason.text);
		return;
	}
	if (request.task == CLI_HELP)
		show_help(console, &request, line);
	else if (request.task != CLI_RUN)
		scene_say(&console->scene, GRID_WARN, "%s", _("that is for the shell, not for this line"));
	else if (request.directory || request.verb == CONTROL_VERB_CONFIG_EXPORT || request.is_following)
		scene_say(&console->scene, GRID_WARN, "%s",
		          _("files and endless output need the shell: parley help"));
	else if (!scene_permits(&console->scene, request.verb))
		scene_say(&console->scene, GRID_BAD, _("not permitted in this session; it needs the role %s"),
		          control_role_name(control_verb(request.verb)->role));
	else if (control_effect_is_reading(control_verb(request.verb)->effect))
		look(console, &request, line);
	else if (control_verb(request.verb)->effect == CONTROL_CHANGES) {
		question_command(console, line, true);
		trial_ask(console);
	} else if (control_verb(request.verb)->effect == CONTROL_STAGES)
		command_do(console, line);
	else
		question_command(console, line, false);
	cli_request_free(&request);
}
