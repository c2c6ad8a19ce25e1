#include "tui/cli/cli.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "shared/control/filter.h"
#include "tui/cli/help.h"
#include "tui/cli/table.h"
#include "tui/cli/transfer.h"
#include "tui/client/refusal.h"
#include "tui/client/said.h"
#include "tui/client/words.h"

enum { CLI_OUT_MAX = 64 * 1024 * 1024, CLI_PAGES_MAX = 10000, CLI_PAGE_ROWS = 500 };

struct run {
	const struct cli_world *world;
	const struct cli_request *request;
	struct caller *caller;
	bool is_continued; /* the second page of a list: its headings stand above */
};

void cli_complain(const struct cli_world *world, struct slice message)
{
	struct buffer line;
	char to[SAID_BYTES];

	buffer_start(&line, CONTROL_LINE_MAX);
	print_text(&line, &world->style, said(message, to));
	fprintf(world->err, "parley: %.*s\n", SLICE_ARG(buffer_slice(&line)));
	buffer_stop(&line);
}

static enum cli_exit complain_answer(const struct run *run, const struct control_answer *answer)
{
	struct slice first = json_as_slice(json_get(json_at(answer->problems, 0), "why"));
	bool has_message = !slice_equal(answer->message, first); /* else told below, with its place */

	if (has_message)
		cli_complain(run->world, answer->message);
	for (size_t i = 0; i < json_count(answer->problems); i++) {
		const struct json *problem = json_at(answer->problems, i);
		struct slice path = json_as_slice(json_get(problem, "path")),
		             why = json_as_slice(json_get(problem, "why"));
		struct slice allowed = json_as_slice(json_get(problem, "allowed"));
		struct buffer line;

		if (has_message && refusal_is_told(answer, i))
			continue;
		buffer_start(&line, CONTROL_LINE_MAX);
		buffer_printf(&line, "%.*s: %.*s", SLICE_ARG(path), SLICE_ARG(why));
		if (allowed.len)
			buffer_printf(&line, _(" (allowed: %.*s)"), SLICE_ARG(allowed));
		if (json_get(problem, "mine"))
			buffer_printf(&line, _(" (mine: %.*s; theirs: %.*s; before: %.*s)"),
			              SLICE_ARG(json_as_slice(json_get(problem, "mine"))),
			              SLICE_ARG(json_as_slice(json_get(problem, "theirs"))),
			              SLICE_ARG(json_as_slice(json_get(problem, "base"))));
		cli_complain(run->world, buffer_slice(&line));
		buffer_stop(&line);
	}
	return render_error_exit(answer->code);
}

static struct print_style style_now(const struct cli_world *world)
{
	struct print_style style = world->style;

	style.now = world->now();
	return style;
}

static enum cli_exit show(const struct run *run, const struct json *result)
{
	struct print_style style = style_now(run->world);
	struct buffer out;
	bool is_whole;

	style.has_headings &= !run->is_continued;

	buffer_start(&out, CLI_OUT_MAX);
	if (run->request->options.is_json) {
		print_json(&out, result);
		buffer_add_char(&out, '\n');
	} else {
		render_result(&out, &style, run->request->verb, result);
	}
	is_whole = !out.is_broken && fwrite(buffer_slice(&out).ptr, 1, buffer_length(&out),
	                                    run->world->out) == buffer_length(&out);
	buffer_stop(&out);
	return is_whole ? render_exit(run->request->verb, result) : CLI_EXIT_INTERNAL;
}

/* ---- the request itself ---- */

static void method_of(enum control_verb_id verb, char to[64])
{
	struct buffer method;

	buffer_start(&method, 64);
	control_verb_method(control_verb(verb), &method);
	slice_to_text(buffer_slice(&method), to, 64);
	buffer_stop(&method);
}

/* The command's params and one member more. */
static struct slice with_member(struct buffer *out, struct slice params, const char *name, struct slice json)
{
	buffer_clear(out);
	buffer_add(out, slice_first(params, params.len - 1)); /* without the closing brace */
	buffer_printf(out, "%s\"%s\":%.*s}", params.len > 2 ? "," : "", name, SLICE_ARG(json));
	return buffer_slice(out);
}

static enum cli_exit call_once(const struct run *run, struct slice params, struct control_answer *answer)
{
	char method[64];

	method_of(run->request->verb, method);
	caller_call(run->caller, method, params, run->request->options.timeout_ms, answer);
	return answer->code == CONTROL_OK ? show(run, answer->result) : complain_answer(run, answer);
}

/*
 * The params of the first page.  Of the configuration large pages are asked for, where all are wanted: a page costs
 * a way to the daemon and back.  It gives as many rows as a line holds.
 */
static struct slice first_page(const struct run *run, struct buffer *room)
{
	struct slice params = buffer_slice(&run->request->params);
	const struct control_verb *verb = control_verb(run->request->verb);
	struct control_argument argument;
	char limit[24];

	for (size_t i = 0; run->request->has_all_pages && verb->effect == CONTROL_SHOWS &&
	                   control_verb_argument(verb, i, &argument);
	     i++)
		if (strcmp(argument.name, "limit") == 0) {
			snprintf(limit, sizeof limit, "%d", CLI_PAGE_ROWS);
			return with_member(room, params, "limit", slice_of(limit));
		}
	return params;
}

/* A list that goes on is fetched on; every page is shown as it comes. */
static enum cli_exit call_pages(struct run *run)
{
	struct buffer first, more, cursor;
	struct slice params, all;
	enum cli_exit code = CLI_EXIT_DONE;
	struct slice next = SLICE_NONE;

	buffer_start(&first, CONTROL_LINE_MAX);
	buffer_start(&more, CONTROL_LINE_MAX);
	buffer_start(&cursor, CONTROL_LINE_MAX);
	params = all = first_page(run, &first);
	for (int page = 0; page < CLI_PAGES_MAX; page++) {
		struct control_answer answer;
		struct json_writer w = json_write(&cursor);

		code = call_once(run, params, &answer);
		next = json_as_slice(json_get(answer.result, "next"));
		buffer_clear(&cursor);
		json_put_slice(&w, NULL, next);
		control_answer_free(&answer);
		if (code != CLI_EXIT_DONE || next.len == 0 || !run->request->has_all_pages)
			break;
		params = with_member(&more, all, "after", buffer_slice(&cursor));
		run->is_continued = true;
	}
	buffer_stop(&cursor);
	buffer_stop(&more);
	buffer_stop(&first);
	return code;
}

/* ---- lists as they are wished for: all pages first, because order is one of the whole ---- */

struct pages {
	struct control_answer *answers;
	size_t count;
	size_t rows;
};

static void pages_free(struct pages *pages)
{
	for (size_t i = 0; i < pages->count; i++)
		control_answer_free(&pages->answers[i]);
	mem_free(pages->answers);
}

static enum cli_exit fetch_page(const struct run *run, struct slice params, struct pages *pages)
{
	struct control_answer *answers = mem_resize(pages->answers, (pages->count + 1) * sizeof *answers);
	struct control_answer *answer;
	char method[64];

	if (!answers)
		return CLI_EXIT_INTERNAL;
	pages->answers = answers;
	answer = &answers[pages->count++];
	method_of(run->request->verb, method);
	caller_call(run->caller, method, params, run->request->options.timeout_ms, answer);
	if (answer->code != CONTROL_OK)
		return complain_answer(run, answer);
	pages->rows += json_count(render_rows(run->request->verb, answer->result));
	return CLI_EXIT_DONE;
}

static enum cli_exit fetch_pages(const struct run *run, struct pages *pages)
{
	struct slice params, all, next;
	struct buffer first, more, cursor;
	enum cli_exit code;

	buffer_start(&first, CONTROL_LINE_MAX);
	buffer_start(&more, CONTROL_LINE_MAX);
	buffer_start(&cursor, CONTROL_LINE_MAX);
	params = all = first_page(run, &first);
	for (int page = 0; (code = fetch_page(run, params, pages)) == CLI_EXIT_DONE && page < CLI_PAGES_MAX;
	     page++) {
		struct json_writer w = json_write(&cursor);

		next = json_as_slice(json_get(pages->answers[pages->count - 1].result, "next"));
		if (next.len == 0 || !run->request->has_all_pages)
			break;
		buffer_clear(&cursor);
		json_put_slice(&w, NULL, next);
		params = with_member(&more, all, "after", buffer_slice(&cursor));
	}
	buffer_stop(&cursor);
	buffer_stop(&more);
	buffer_stop(&first);
	return code;
}

/* Rows that the daemon does not filter. */
static bool keep_wished(const struct run *run, const struct json **rows, size_t *count)
{
	struct filter *filter = mem_new(sizeof *filter);
	struct filter_flaw flaw;
	size_t kept = 0;
	bool is_good;

	if (!filter)
		return false;
	is_good = filter_read(slice_of(run->request->local_filter), "", run->world->now().wall_ms, filter,
	                      &flaw);
	for (size_t i = 0; is_good && i < *count; i++)
		if (filter_holds(filter, filter_look_json, rows[i]))
			rows[kept++] = rows[i];
	if (is_good) {
		*count = kept;
	} else {
		struct buffer words;

		buffer_start(&words, CONTROL_LINE_MAX);
		filter_flaw_write(&flaw, NULL, &words);
		cli_complain(run->world, buffer_slice(&words));
		buffer_stop(&words);
	}
	mem_free(filter);
	return is_good;
}

/* What is wrong with a name, and the names there are. */
static void complain_columns(const struct run *run, const struct reason *reason,
                             const struct json *const *rows, size_t count)
{
	struct buffer line;

	buffer_start(&line, CONTROL_LINE_MAX);
	buffer_printf(&line, _("%s; there are: "), reason->text);
	columns_names(render_list(run->request->verb), rows, count, ", ", &line);
	cli_complain(run->world, buffer_slice(&line));
	buffer_stop(&line);
}

static enum cli_exit print_pages(const struct run *run, const struct pages *pages)
{
	const struct cli_options *o = &run->request->options;
	const struct table_wish wish = { o->columns, o->sort, o->is_csv ? TABLE_CSV : TABLE_TEXT };
	const struct json **rows = mem_new_array(pages->rows + 1, sizeof *rows);
	struct print_style style = style_now(run->world);
	struct reason reason;
	struct buffer out;
	size_t count = 0;
	enum result result;

	if (!rows)
		return CLI_EXIT_INTERNAL;
	for (size_t p = 0; p < pages->count; p++) {
		const struct json *list = render_rows(run->request->verb, pages->answers[p].result);

		for (size_t i = 0; i < json_count(list); i++)
			rows[count++] = json_at(list, i);
	}
	if (run->request->local_filter && !keep_wished(run, rows, &count)) {
		mem_free(rows);
		return CLI_EXIT_USAGE;
	}
	buffer_start(&out, CLI_OUT_MAX);
	result = table_print(&out, &style, render_list(run->request->verb), &wish, rows, count, &reason);
	if (result != RESULT_OK)
		complain_columns(run, &reason, rows, count);
	else if (out.is_broken || fwrite(buffer_slice(&out).ptr, 1, buffer_length(&out), run->world->out) !=
	                                  buffer_length(&out))
		result = RESULT_IO;
	buffer_stop(&out);
	mem_free(rows);
	return result == RESULT_OK ? CLI_EXIT_DONE : result == RESULT_IO ? CLI_EXIT_INTERNAL : CLI_EXIT_USAGE;
}

static enum cli_exit call_for_table(const struct run *run)
{
	struct pages pages = { NULL, 0, 0 };
	enum cli_exit code = fetch_pages(run, &pages);

	if (code == CLI_EXIT_DONE)
		code = print_pages(run, &pages);
	pages_free(&pages);
	return code;
}

static bool wishes_a_table(const struct cli_request *request)
{
	return request->options.is_csv || request->options.columns || request->options.sort ||
	       request->local_filter;
}

static enum cli_exit call_with_documents(const struct run *run)
{
	struct slice params = buffer_slice(&run->request->params);
	struct control_answer answer;
	enum control_code code;
	struct reason reason;
	struct buffer more;
	enum cli_exit exit_code;

	buffer_start(&more, CONTROL_LINE_MAX);
	if (run->request->directory) {
		if (transfer_upload(run->caller, run->request->directory, run->request->options.timeout_ms,
		                    &code, &reason) != RESULT_OK) {
			cli_complain(run->world, slice_of(reason.text));
			return render_error_exit(code);
		}
		params = with_member(&more, params, "uploaded", SLICE("true"));
	}
	exit_code = call_once(run, params, &answer);
	control_answer_free(&answer);
	buffer_stop(&more);
	return exit_code;
}

static enum cli_exit export_documents(const struct run *run)
{
	struct control_answer answer;
	enum control_code code;
	struct reason reason;
	enum cli_exit exit_code = CLI_EXIT_DONE;

	caller_call(run->caller, "config.export", buffer_slice(&run->request->params),
	            run->request->options.timeout_ms, &answer);
	if (answer.code != CONTROL_OK) {
		exit_code = complain_answer(run, &answer);
	} else if (run->request->options.is_json) {
		exit_code = show(run, answer.result);
	} else if (transfer_download(run->caller, answer.result, run->request->directory, run->world->out,
	                             run->request->options.timeout_ms, &code, &reason) != RESULT_OK) {
		cli_complain(run->world, slice_of(reason.text));
		exit_code = render_error_exit(code);
	}
	control_answer_free(&answer);
	return exit_code;
}

/* ---- users as a file ---- */

static enum cli_exit import_users(const struct run *run)
{
	struct control_answer answer;
	enum control_code code;
	struct reason reason;
	enum cli_exit exit_code;

	if (!run->request->file) {
		cli_complain(run->world, slice_of(_("user import needs a file, or - for standard input")));
		return CLI_EXIT_USAGE;
	}
	if (transfer_send_file(run->caller, run->request->file, "users.csv", run->request->options.timeout_ms,
	                       &code, &reason) != RESULT_OK) {
		cli_complain(run->world, slice_of(reason.text));
		return render_error_exit(code);
	}
	exit_code = call_once(run, buffer_slice(&run->request->params), &answer);
	control_answer_free(&answer);
	return exit_code;
}

/* Piece after piece into one text. */
static enum cli_exit fetch_users(const struct run *run, struct buffer *text)
{
	struct buffer params, next;
	enum cli_exit exit_code = CLI_EXIT_DONE;
	bool has_more = true;

	buffer_start(&params, CONTROL_LINE_MAX);
	buffer_start(&next, CONTROL_LINE_MAX);
	buffer_add(&params, buffer_slice(&run->request->params));
	while (has_more && exit_code == CLI_EXIT_DONE) {
		struct json_writer w = json_write(&next);
		struct control_answer answer;

		caller_call(run->caller, "user.export", buffer_slice(&params),
		            run->request->options.timeout_ms, &answer);
		if (answer.code != CONTROL_OK)
			exit_code = complain_answer(run, &answer);
		buffer_add(text, json_as_slice(json_get(answer.result, "text")));
		has_more = json_as_slice(json_get(answer.result, "next")).len > 0;
		buffer_clear(&next);
		json_put_slice(&w, NULL, json_as_slice(json_get(answer.result, "next")));
		control_answer_free(&answer);
		if (has_more)
			with_member(&params, buffer_slice(&run->request->params), "after",
			            buffer_slice(&next));
	}
	buffer_stop(&params);
	buffer_stop(&next);
	return text->is_broken ? CLI_EXIT_INTERNAL : exit_code;
}

static enum cli_exit export_users(const struct run *run)
{
	const char *file = run->request->file;
	struct reason reason = { "" };
	struct buffer text;
	enum cli_exit exit_code;

	buffer_start(&text, CLI_OUT_MAX);
	exit_code = fetch_users(run, &text);
	if (exit_code == CLI_EXIT_DONE && file && !slice_equal(slice_of(file), SLICE("-"))) {
		if (transfer_write_file(file, buffer_slice(&text), &reason) != RESULT_OK) {
			cli_complain(run->world, slice_of(reason.text));
			exit_code = CLI_EXIT_INVALID;
		}
	} else if (exit_code == CLI_EXIT_DONE) {
		fwrite(buffer_slice(&text).ptr, 1, buffer_length(&text), run->world->out);
	}
	buffer_stop(&text);
	return exit_code;
}

/* ---- events to come ---- */

static void print_event(void *to, const struct json *event)
{
	const struct run *run = to;
	struct print_style style = style_now(run->world);
	struct buffer line;

	buffer_start(&line, 4 * CONTROL_LINE_MAX);
	if (run->request->options.is_json) {
		print_json(&line, event);
		buffer_add_char(&line, '\n');
	} else {
		render_event(&line, &style, event);
	}
	fwrite(buffer_slice(&line).ptr, 1, buffer_length(&line), run->world->out);
	fflush(run->world->out);
	buffer_stop(&line);
}

/* Interrupting is the ordinary end, so SIGINT and SIGTERM arrive as a descriptor. */
static enum cli_exit follow(const struct run *run)
{
	sigset_t stopping;
	int stop;
	bool was_stopped;

	fflush(run->world->out);
	sigemptyset(&stopping);
	sigaddset(&stopping, SIGINT);
	sigaddset(&stopping, SIGTERM);
	sigprocmask(SIG_BLOCK, &stopping, NULL);
	stop = signalfd(-1, &stopping, SFD_CLOEXEC | SFD_NONBLOCK);
	was_stopped = caller_follow(run->caller, stop);
	close(stop);
	if (!was_stopped)
		cli_complain(run->world, slice_of(_("the link to the daemon was lost")));
	return was_stopped ? CLI_EXIT_DONE : CLI_EXIT_UNREACHABLE;
}

/* ---- questions ---- */

/* What a slip of the finger would regret: a whole configuration replaced, a switch or a service turned off; NULL: nothing. */
static const char *question(const struct cli_request *request)
{
	if (request->options.stages || request->options.dry_runs)
		return NULL;
	switch (request->verb) {
	case CONTROL_VERB_CONFIG_IMPORT: return _("Replace the whole configuration by these documents? y/N");
	case CONTROL_VERB_ACCESS_EDGE_SET:
		return request->turns_off ? _("Turn this off for everybody, now? y/N") : NULL;
	case CONTROL_VERB_SERVICE_STOP: return _("End all it is doing, now? y/N");
	case CONTROL_VERB_SERVICE_DRAIN: return _("Take no new work and stop when the present is done? y/N");
	case CONTROL_VERB_SERVICE_RESTART:
		return _("Take no new work, and start again when the present is done? y/N");
	default: return NULL;
	}
}

static bool is_agreed(const struct run *run)
{
	const char *words = question(run->request);
	char line[16] = "";

	if (run->request->options.is_sure || !run->world->can_ask || !words)
		return true;
	fprintf(run->world->out, "%s ", words);
	fflush(run->world->out);
	if (!fgets(line, sizeof line, stdin)) /* what is said next begins a line all the same */
		fputc('\n', run->world->out);
	return line[0] == 'y' || line[0] == 'Y';
}

/* ---- all of it ---- */

static enum cli_exit run_verb(struct run *run)
{
	enum cli_exit code;

	switch (run->request->verb) {
	case CONTROL_VERB_CONFIG_CHECK:
	case CONTROL_VERB_CONFIG_IMPORT: return call_with_documents(run);
	case CONTROL_VERB_CONFIG_EXPORT: return export_documents(run);
	case CONTROL_VERB_USER_IMPORT: return import_users(run);
	case CONTROL_VERB_USER_EXPORT: return export_users(run);
	default: code = wishes_a_table(run->request) ? call_for_table(run) : call_pages(run);
	}
	return code == CLI_EXIT_DONE && run->request->is_following ? follow(run) : code;
}

static enum cli_exit print_help(const struct cli_world *world, const struct cli_request *request)
{
	struct print_style style = style_now(world);
	struct buffer out;
	enum result result;

	buffer_start(&out, CLI_OUT_MAX);
	result = help_write(&out, &style, request->topics[0], request->topics[1]);
	fwrite(buffer_slice(&out).ptr, 1, buffer_length(&out), world->out);
	buffer_stop(&out);
	if (result == RESULT_OK)
		return CLI_EXIT_DONE;
	cli_complain(world, slice_of(_("there is no such word; see parley help")));
	return CLI_EXIT_USAGE;
}

enum cli_exit cli_run(const struct cli_world *world, const struct cli_request *request)
{
	struct run run = { .world = world, .request = request };
	struct caller_setup setup = { .path = world->socket_path,
		                      .remote = world->remote,
		                      .name = world->name,
		                      .is_read_only = request->options.is_read_only,
		                      .translates = world->style.is_terminal && !request->options.is_json,
		                      .from = world->from,
		                      .now = world->now,
		                      .on_event = print_event,
		                      .to = &run };
	enum control_code code;
	struct reason reason;
	enum cli_exit exit_code;

	if (request->task == CLI_HELP)
		return print_help(world, request);
	if (!is_agreed(&run)) {
		fprintf(world->err, "parley: %s\n", _("nothing was changed"));
		return CLI_EXIT_NO;
	}
	if (caller_open(&setup, &run.caller, &code, &reason) != RESULT_OK) {
		cli_complain(world, slice_of(reason.text));
		return render_error_exit(code);
	}
	exit_code = run_verb(&run);
	caller_close(&run.caller);
	if (fflush(world->out) != 0)
		return CLI_EXIT_INTERNAL;
	return exit_code;
}
