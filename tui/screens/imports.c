/*
 * Users from a file, tried before they are taken: the file goes to the daemon in pieces, a dry run says what it would
 * do or which lines are wrong; after the question it goes again, because the daemon keeps nothing that was only tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "shared/base/text.h"
#include "tui/cli/transfer.h"
#include "tui/client/words.h"
#include "tui/screens/parts.h"

enum { PROBLEMS_SHOWN = 100 };
static const char users_file[] = "users.csv"; /* as user import expects it */

void imports_start(struct imports *imports)
{
	*imports = (struct imports){ 0 };
	buffer_start(&imports->text, TRANSFER_BYTES_MAX);
}

void imports_stop(struct imports *imports) { buffer_stop(&imports->text); }

/* A file of the administrator's own machine, read at once: it is his disk, and bounded. */
static bool read_file(struct imports *imports, struct reason *reason)
{
	int file = open(imports->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t got = 0;
	char *at;

	buffer_clear(&imports->text);
	if (file < 0) {
		fail_errno(reason, RESULT_IO, "%s", imports->path);
		return false;
	}
	while ((at = buffer_reserve(&imports->text, 65536)) && (got = read(file, at, 65536)) > 0)
		buffer_grew(&imports->text, (size_t)got);
	if (got < 0)
		fail_errno(reason, RESULT_IO, "%s", imports->path);
	else if (!at)
		fail(reason, RESULT_LIMIT, _("%s is larger than %d MiB"), imports->path,
		     TRANSFER_BYTES_MAX / 1024 / 1024);
	else if (!text_is_utf8(buffer_slice(&imports->text)))
		fail(reason, RESULT_INVALID, _("%s is not UTF-8 text"), imports->path);
	close(file);
	return reason->text[0] == '\0';
}

static void give_up(struct console *console, struct slice words)
{
	console->imports.asked_id = 0;
	buffer_release(&console->imports.text);
	scene_say(&console->scene, GRID_BAD, _("not imported: %.*s"), SLICE_ARG(words));
}

static void send(struct console *console, const char *method, struct slice params)
{
	struct reason reason = { "" };

	console->imports.asked_id = client_ask(console->client, console->now, method, params,
	                                       CHANGE_TIMEOUT_MS, &reason);
	if (!console->imports.asked_id)
		give_up(console, slice_of(reason.text));
}

static void send_piece(struct console *console)
{
	struct imports *imports = &console->imports;
	struct slice rest = slice_after(buffer_slice(&imports->text), imports->sent);
	size_t piece = transfer_piece(rest);
	struct buffer params;
	struct json_writer w = json_write(&params);

	buffer_start(&params, CONTROL_LINE_MAX);
	json_open_object(&w, NULL);
	json_put_text(&w, "name", users_file);
	json_put_slice(&w, "text", slice_first(rest, piece));
	json_put_bool(&w, "last", piece == rest.len);
	json_close_object(&w);
	imports->sent += piece;
	imports->step = piece == rest.len ? IMPORT_RUNS : IMPORT_SENDS;
	send(console, "config.upload", buffer_slice(&params));
	buffer_stop(&params);
	scene_say(&console->scene, GRID_DIM, _("sending %s: %zu of %zu bytes"), imports->path, imports->sent,
	          buffer_length(&imports->text));
}

static void run(struct console *console)
{
	struct imports *imports = &console->imports;
	struct buffer params;
	struct json_writer w = json_write(&params);

	buffer_start(&params, (CHANGES_COMMENT_BYTES + SCENE_TEXT_BYTES) * 6 + 256);
	json_open_object(&w, NULL);
	json_put_text(&w, "file", imports->path);
	if (!imports->is_agreed)
		json_put_bool(&w, "dry_run", true);
	else if (console->agreed.stages)
		json_put_bool(&w, "stage", true);
	else if (console->agreed.comment[0])
		json_put_text(&w, "comment", console->agreed.comment);
	json_close_object(&w);
	send(console, "user.import", buffer_slice(&params));
	buffer_stop(&params);
}

void imports_open(struct console *console, struct slice path)
{
	struct imports *imports = &console->imports;
	struct reason reason = { "" };

	if (!path.len)
		return;
	if (imports->asked_id || !slice_to_text(path, imports->path, sizeof imports->path)) {
		scene_say(&console->scene, GRID_BAD, "%s",
		          imports->asked_id ? _("a file is being imported already")
		                            : _("that name is too long"));
		return;
	}
	if (!read_file(imports, &reason)) {
		give_up(console, slice_of(reason.text));
		return;
	}
	imports->sent = 0;
	imports->is_agreed = false;
	send_piece(console);
}

void imports_agree(struct console *console)
{
	if (scene_flag(console->scene.status, "require_comment") && !console->agreed.stages &&
	    !console->agreed.comment[0]) {
		prompts_open(console, PROMPT_REASON, SLICE(""));
		return;
	}
	console->imports.sent = 0;
	console->imports.is_agreed = true;
	send_piece(console);
}

/* Every wrong line with its place: file:line, the column, why, and what is allowed. */
static void show_problems(struct console *console, const struct control_answer *answer)
{
	struct scene *scene = &console->scene;
	struct buffer *text = &scene->pager.text;
	size_t count = json_count(answer->problems);

	buffer_clear(text);
	buffer_printf(text, "%s\n\n", _("Nothing was imported. Put these lines right, then I again:"));
	for (size_t i = 0; i < count && i < PROBLEMS_SHOWN; i++) {
		const struct json *problem = json_at(answer->problems, i);
		struct slice allowed = scene_text(problem, "allowed");
		char place[DIALOG_LINE_BYTES], why[DIALOG_TEXT_BYTES];

		text_shown(scene_text(problem, "path"), place, sizeof place);
		text_shown(scene_text(problem, "why"), why, sizeof why);
		buffer_printf(text, "  %s: %s", place, why);
		if (allowed.len) {
			text_shown(allowed, why, sizeof why);
			buffer_printf(text, _("; allowed: %s"), why);
		}
		buffer_add_char(text, '\n');
	}
	scene->message[0] = '\0';
	reading_open(scene, _("Wrong lines"), "user import");
}

static void ask(struct console *console, const struct json *result)
{
	struct dialog *dialog = &console->scene.dialog;
	const struct json *changes = json_get(result, "changes"), *sentences = json_get(result, "sentences");
	char title[DIALOG_LINE_BYTES];

	changes_clear(&console->agreed);
	console->scene.message[0] = '\0';
	snprintf(title, sizeof title, _("Import users from %.120s"), console->imports.path);
	console->asking = ASKING_IMPORT;
	dialog_open(dialog, title, _("Publish now? y/N"), NULL);
	dialog_add_line(dialog,
	                ngettext("%zu user is added or changed; nobody is removed.",
	                         "%zu users are added or changed; nobody is removed.",
	                         (unsigned long)json_count(changes)),
	                (size_t)json_as_number(json_get(result, "total"), (int64_t)json_count(changes)));
	for (size_t i = 0; i < json_count(sentences); i++)
		dialog_add_line(dialog, _("Dry run: %.*s"), SLICE_ARG(json_as_slice(json_at(sentences, i))));
	snprintf(console->scene.dialog_command, sizeof console->scene.dialog_command, "user import %.300s",
	         console->imports.path);
	if (scene_permits(&console->scene, CONTROL_VERB_STAGE_DROP))
		dialog->other = 's';
}

static void taken(struct console *console, const struct json *result)
{
	buffer_release(&console->imports.text);
	console->lists.due_ms = 0;
	view_hurry(&console->status);
	view_hurry(&console->staged);
	if (json_as_bool(json_get(result, "staged"), false) || console->agreed.stages)
		scene_say(&console->scene, GRID_GOOD, "%s",
		          _("staged: the users of the file (S shows what is staged)"));
	else
		scene_say(&console->scene, GRID_GOOD, _("v%lld published: users of %s"),
		          (long long)scene_number(result, "version"), console->imports.path);
	changes_clear(&console->agreed);
}

bool imports_take(struct console *console, int64_t id, struct control_answer *answer)
{
	struct imports *imports = &console->imports;

	if (!id || id != imports->asked_id)
		return false;
	imports->asked_id = 0;
	if (answer->code != CONTROL_OK && json_count(answer->problems)) {
		buffer_release(&imports->text);
		show_problems(console, answer);
	} else if (answer->code != CONTROL_OK) {
		give_up(console, answer->message);
	} else if (imports->sent < buffer_length(&imports->text)) {
		send_piece(console);
	} else if (imports->step == IMPORT_RUNS) {
		imports->step = IMPORT_SENDS;
		run(console);
	} else if (imports->is_agreed) {
		taken(console, answer->result);
	} else {
		ask(console, answer->result);
	}
	return true;
}
